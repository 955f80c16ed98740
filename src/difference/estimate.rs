//! A derivative with an estimate of its error.

/// A derivative and how far it can be trusted.
///
/// ```
/// use numgrad::difference::Differentiator;
/// let slopes = Differentiator::default().of(|x| x[0].exp() + x[1].abs(), &[0.0, 0.0]).estimates()?;
/// assert!((slopes[0].value - 1.0).abs() <= slopes[0].error && slopes[0].error < 1e-12);
/// // At a kink there is no derivative.
/// assert!(slopes[0].converged && !slopes[1].converged);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Estimate {
    /// The derivative.
    pub value: f64,
    /// About how far it is off at most: by extrapolations that disagree, by rounding of values as precise as the
    /// [`Differentiator`](super::Differentiator) was told, or by a kink, whichever is most. Infinite where the bounds leave
    /// room for one difference only.
    pub error: f64,
    /// How many evaluations it took, besides that of `f(x)`.
    pub n_evaluations: u64,
    /// Whether the error is below `√ε` of the derivative or of the function's own size (for a coordinate of size 1).
    pub converged: bool,
    /// How steep the function is seen to be around: what an error of a derivative of about 0 is small beside.
    pub(super) nearby: f64,
}
