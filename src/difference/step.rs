//! How long a step is.

/// The length of the step `h`, in the units of the coordinate.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// The same length for every coordinate; the difference is divided by this very number, as the book does.
    Absolute(f64),
}

impl Step {
    /// The book's step: `h = 1e-4` for every coordinate.
    pub const BOOK: Step = Step::Absolute(1e-4);
}
