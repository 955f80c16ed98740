//! What makes it doubtful that a picture shows one digit.

/// A reason to doubt that what was found in a picture is one digit, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Doubt {
    /// What is drawn hardly differs from the paper, or from its grain.
    #[error(
        "the digit hardly stands out from the paper; draw it with a broad dark pen, and photograph it from above in bright, even light"
    )]
    Faint,
    /// What is drawn runs to the border.
    #[error(
        "what is drawn runs to the border of the picture; photograph the digit from above on plain paper, with some paper all around it"
    )]
    ToBorder,
    /// There are strokes far apart, or side by side.
    #[error("there seems to be more than one digit; crop the picture to the one digit, with some paper all around it")]
    Several,
}
