//! What tells on standard error how far something is: lines that are drawn over and over on a terminal, a few plain lines
//! elsewhere, nothing where a user wants quiet.
//!
//! Trainings, checks and downloads are shown in one way. Those who do the work only store numbers. `Bars` draws, in a thread
//! of its own, ten times a second, so drawing costs the same for an iteration of a millisecond as for one of minutes; a
//! `Meter` measures how fast the numbers grow, a `Line` fits what there is to say into the terminal's width, and a `Screen`
//! puts it there. There is no colour that `NO_COLOR` could ask to leave out.

mod bars;
mod counted;
mod line;
mod meter;
mod screen;
mod training;

pub use counted::{Count, Counted};
pub use line::{Line, clock};
pub use training::Progress;
