//! Line charts as SVG: values over iterations or seconds, errors over steps, speed-ups over threads.
//!
//! A [`Chart`] says what is shown. Its method `svg` draws it, in `drawing.rs` and `templates/chart.svg`.

pub use super::axis::{Axis, Numbers, Scale};
use super::colours::CURVES;

/// How many colours curves have; the curve of this number has the colour of the first again, and is dashed.
pub const N_COLOURS: usize = CURVES.len();

/// A picture of curves over one pair of axes.
///
/// ```
/// use numgrad::report::chart::{Axis, Chart, Numbers, Series, Size, Stroke};
///
/// let error = |h: f64| (h, h * h / 6.0 + 1e-16 / h);
/// let svg = Chart {
///     title: "Error of central differences of eˣ at 0".to_owned(),
///     x: Axis::logarithmic("step h"),
///     y: Axis::logarithmic("absolute error"),
///     series: vec![Series {
///         name: "central".to_owned(),
///         points: (-15..=0).map(|decade| error(10f64.powi(decade))).collect(),
///         colour: 0,
///         stroke: Stroke::Marked,
///     }],
///     levels: Vec::new(),
/// }
/// .svg(Size::WIDE);
/// assert!(svg.starts_with("<svg") && svg.contains("10⁻¹²"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// The name of the picture for those who can't see it. It is drawn above a picture that is a file of its own; in a page
    /// a heading tells the same.
    pub title: String,
    /// The axis to the right.
    pub x: Axis,
    /// The axis upwards.
    pub y: Axis,
    /// The curves; later ones lie above earlier ones.
    pub series: Vec<Series>,
    /// Horizontal lines behind the curves.
    pub levels: Vec<Level>,
}

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The text of the curve in the legend; empty where it has none.
    pub name: String,
    /// The points of the curve, in order along x. Those that are not finite are left out.
    pub points: Vec<(f64, f64)>,
    /// The number that gives the curve its colour, and from [`N_COLOURS`] on its dashes.
    pub colour: usize,
    /// How the curve is drawn.
    pub stroke: Stroke,
}

/// How a curve is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    /// Thin and pale: another curve shows the same more clearly.
    Thin,
    /// Thick, in the full colour.
    Bold,
    /// Strong, and its points are marked where there is room and the line is not dashed.
    Marked,
    /// This many pixels wide, so that what lies beneath another curve is seen on both sides of it.
    Wide(u32),
    /// Thin and grey, whatever its number: not measured, but what curves are compared with.
    Guide,
}

/// A horizontal line with a label, to compare curves with.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Where the line lies on the axis upwards.
    pub y: f64,
    /// What the line stands for; written above its right end.
    pub label: String,
}

/// How large a picture is, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// The width of the picture.
    pub width: u32,
    /// The height of the picture.
    pub height: u32,
    /// The height of the text.
    pub text: u32,
}

impl Size {
    /// The size for a screen and for paper.
    pub const WIDE: Self = Self { width: 960, height: 480, text: 14 };
    /// The size for a phone.
    pub const NARROW: Self = Self { width: 400, height: 330, text: 14 };
}
