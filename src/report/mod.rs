//! What a run left behind, as pictures and pages for people.

pub mod chart;
