//! The part of a run's page that shows the first layer's weights as pictures.

use ndarray::s;

use super::Run;
use super::numbers::{grouped, significant};
use super::picture::{self, Picture};

/// This many hidden units are shown at most.
const MAX_UNITS: usize = 100;
/// The pictures of the units have no more pixels than this, all together.
const MAX_PIXELS: usize = 120_000;
/// This many pictures of units are beside each other.
const UNITS_PER_ROW: usize = 10;
/// How wide a row of units is shown where there is room, in pixels.
const ROW_WIDTH: usize = 720;

/// The weights of hidden units, with the texts around them.
pub(super) struct WeightsSection {
    pub lead: String,
    pub alt: String,
    pub caption: String,
    pub picture: Picture,
    /// How wide the picture is shown where there is room, in pixels.
    pub shown_width: usize,
}

impl WeightsSection {
    /// The weights of a run; none where they are not there, or the inputs are no pictures.
    pub fn new(run: &Run) -> Option<Self> {
        let parameters = run.parameters.as_ref()?;
        let size = run.summary.dataset.image_size?;
        let n_hidden = parameters.weights(1).ncols();
        let n_shown = n_hidden.min(MAX_UNITS).min(MAX_PIXELS / (size.0 * size.1).max(1));
        if n_shown == 0 {
            return None;
        }
        let shown = parameters.weights(1);
        let shown = shown.slice(s![.., ..n_shown]);
        let (lowest, highest) =
            shown.iter().fold((f64::MAX, f64::MIN), |(low, high), &weight| (low.min(weight), high.max(weight)));
        let of_first_layer = if parameters.shape().n_layers() > 2 { " of the first layer" } else { "" };
        let which = match n_hidden == n_shown {
            true if n_hidden == 1 => format!("The hidden unit{of_first_layer}"),
            true => format!("Each of the {n_hidden} hidden units{of_first_layer}"),
            false => format!("The first {n_shown} of {} hidden units{of_first_layer}", grouped(n_hidden)),
        };
        let picture = picture::weights(shown, size, UNITS_PER_ROW);
        Some(Self {
            lead: format!("{which} as a picture: the weight W1 of each pixel, where the pixel is."),
            alt: format!("First-layer weights of {n_shown} hidden units as pictures"),
            caption: format!(
                "Orange: above 0; blue: below; the stronger, the farther from 0. From {} to {}.",
                significant(lowest),
                significant(highest),
            ),
            shown_width: ROW_WIDTH * n_shown.min(UNITS_PER_ROW) / UNITS_PER_ROW,
            picture,
        })
    }
}
