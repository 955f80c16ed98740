//! Points and weights of a finite difference: data, not code.
//!
//! Source: Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids", Math. Comp. 51 (1988).

/// A finite-difference stencil for the first derivative: `f'(x) ≈ 1/h · Σ_p weight_p · f(x + point_p·h)`.
///
/// The weights sum to zero, so a constant that is added to every value of `f` does not change the result.
///
/// ```
/// use numgrad::difference::Stencil;
/// assert_eq!(Stencil::central().points(), [1.0, -1.0]);
/// assert_eq!(Stencil::central().weights(), [0.5, -0.5]);
/// assert_eq!(Stencil::central().order(), 2);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Stencil {
    points: &'static [f64],
    weights: &'static [f64],
    order: u32,
}

impl Stencil {
    /// `(f(x + h) - f(x)) / h`: two evaluations, error O(h).
    pub fn forward() -> Self {
        Self { points: &[1.0, 0.0], weights: &[1.0, -1.0], order: 1 }
    }

    /// `(f(x) - f(x - h)) / h`: two evaluations, error O(h).
    pub fn backward() -> Self {
        Self { points: &[0.0, -1.0], weights: &[1.0, -1.0], order: 1 }
    }

    /// `(f(x + h) - f(x - h)) / 2h`: two evaluations, error O(h²).
    pub fn central() -> Self {
        Self { points: &[1.0, -1.0], weights: &[0.5, -0.5], order: 2 }
    }

    /// `(f(x - 2h) - 8f(x - h) + 8f(x + h) - f(x + 2h)) / 12h`: four evaluations, error O(h⁴).
    pub fn five_point() -> Self {
        Self { points: &[-2.0, -1.0, 1.0, 2.0], weights: &[1.0 / 12.0, -2.0 / 3.0, 2.0 / 3.0, -1.0 / 12.0], order: 4 }
    }

    /// Where the function is evaluated, in steps from the point.
    pub fn points(&self) -> &[f64] {
        self.points
    }

    /// The weight of the value at each point, for a step of 1.
    pub fn weights(&self) -> &[f64] {
        self.weights
    }

    /// The order of the error: halving the step divides it by `2^order`.
    pub fn order(&self) -> u32 {
        self.order
    }
}
