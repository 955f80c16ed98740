//! What the programs share: flags that several have, files that are whole or not there, lines and bars on a terminal.
//!
//! It counts as a part of the programs: it may print, and its errors are texts for a user. Its items may change at any time.

pub mod about;
pub mod browser;
pub mod data;
pub mod downloads;
pub mod language;
pub mod number;
pub mod one_of;
pub mod output;
pub mod progress;
pub mod shell;
pub mod terminal;
pub mod tips;
pub mod wildcard;
