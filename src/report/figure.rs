//! A chart as a page shows it.

use super::chart::{Chart, Size};

/// A chart in two sizes, of which a page shows the one that suits the screen, with the text below it.
pub(super) struct Figure {
    pub wide: String,
    pub narrow: String,
    /// Empty for none.
    pub caption: String,
}

impl Figure {
    /// Of a chart that stands under a heading which says what its title says.
    pub fn new(chart: &Chart, caption: String) -> Self {
        Self { wide: chart.element(Size::WIDE), narrow: chart.element(Size::NARROW), caption }
    }
}
