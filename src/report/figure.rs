//! A chart as a page shows it.

use super::chart::{Chart, Size};

/// A chart in two sizes, of which a page shows the one that suits the screen, with the text below it.
pub(super) struct Figure {
    pub wide: String,
    pub narrow: String,
    /// The text below the chart; empty where there is none.
    pub caption: String,
}

impl Figure {
    /// A figure of a chart below a heading that already says what the chart's title says.
    pub fn new(chart: &Chart, caption: String) -> Self {
        Self { wide: chart.element(Size::WIDE), narrow: chart.element(Size::NARROW), caption }
    }
}
