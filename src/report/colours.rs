//! The colours of charts and pages, on light and on dark paper.
//!
//! Each colour stands here once. Style sheets get all of them as the variables `--paper`, `--curve-0` and so on ([`css`]),
//! whose values a dark screen changes. A chart has the light ones as plain attributes too, for viewers that know no
//! variables; PNG pictures take the light ones as they are.

use std::fmt::{self, Display};

use askama::Template;

/// Red, green and blue, each from 0 to 255. It is shown as `#1f5faa`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rgb(pub u8, pub u8, pub u8);

impl Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self(red, green, blue) = self;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// One colour on light and on dark paper.
#[derive(Debug, Clone, Copy)]
pub(super) struct Colour {
    /// On white paper, and in print.
    pub light: Rgb,
    /// On a dark screen.
    pub dark: Rgb,
}

const fn colour(light: [u8; 3], dark: [u8; 3]) -> Colour {
    let [light, dark] = [Rgb(light[0], light[1], light[2]), Rgb(dark[0], dark[1], dark[2])];
    Colour { light, dark }
}

/// The background.
pub(super) const PAPER: Colour = colour([255, 255, 255], [24, 26, 29]);
/// Titles, and the names of curves.
pub(super) const INK: Colour = colour([32, 33, 36], [232, 234, 237]);
/// What stands back: the numbers and the names of axes, captions.
pub(super) const MUTED: Colour = colour([95, 99, 104], [165, 170, 176]);
/// The lines of a chart's grid.
pub(super) const GRID: Colour = colour([230, 231, 233], [52, 55, 60]);
/// Levels that curves are compared with, and what is wrong.
pub(super) const WARM: Colour = colour([190, 80, 20], [240, 140, 90]);
/// The curves, by their numbers.
pub(super) const CURVES: [Colour; 8] = [
    colour([31, 95, 170], [122, 174, 242]),
    colour([20, 138, 94], [82, 199, 151]),
    colour([128, 74, 184], [190, 150, 240]),
    colour([184, 118, 0], [229, 178, 76]),
    colour([194, 56, 120], [240, 130, 176]),
    colour([20, 150, 180], [92, 205, 230]),
    colour([120, 92, 66], [196, 164, 134]),
    colour([112, 124, 28], [188, 200, 100]),
];

#[derive(Template)]
#[template(path = "colours.css", escape = "none")]
struct Css {
    named: [(&'static str, Colour); 5],
    curves: [Colour; CURVES.len()],
}

/// Style rules for a page or a picture: the colours as variables, dark on a dark screen, and how a chart's parts use them.
pub(super) fn css() -> String {
    let named = [("paper", PAPER), ("ink", INK), ("muted", MUTED), ("grid", GRID), ("warm", WARM)];
    Css { named, curves: CURVES }.render().expect("rules are written into memory, where nothing fails")
}
