//! Points and weights of a finite difference: data, not code.
//!
//! Source: Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids", Math. Comp. 51 (1988).

use std::borrow::Cow;

/// A finite-difference stencil for the first derivative: `f'(x) ≈ 1/h · Σ_p weight_p · f(x + point_p·h)`.
///
/// The weights sum to zero, so a constant that is added to every value of `f` does not change the result. A coordinate costs
/// one evaluation for each point other than 0; the value at 0 is `f(x)`, which all coordinates share.
///
/// ```
/// use numgrad::difference::Stencil;
/// assert_eq!(Stencil::central().points(), [1.0, -1.0]);
/// assert_eq!(Stencil::central().weights(), [0.5, -0.5]);
/// assert_eq!(Stencil::central().order(), 2);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Stencil {
    points: Cow<'static, [f64]>,
    weights: Cow<'static, [f64]>,
    order: u32,
}

impl Stencil {
    /// `(f(x + h) - f(x)) / h`: one evaluation a coordinate and one of `f(x)`, error O(h).
    ///
    /// ```
    /// assert_eq!(numgrad::difference::Stencil::forward().order(), 1);
    /// ```
    pub fn forward() -> Self {
        Self::fixed(&[1.0, 0.0], &[1.0, -1.0], 1)
    }

    /// `(f(x) - f(x - h)) / h`: one evaluation a coordinate and one of `f(x)`, error O(h).
    ///
    /// ```
    /// assert_eq!(numgrad::difference::Stencil::backward().points(), [0.0, -1.0]);
    /// ```
    pub fn backward() -> Self {
        Self::fixed(&[0.0, -1.0], &[1.0, -1.0], 1)
    }

    /// `(f(x + h) - f(x - h)) / 2h`: two evaluations a coordinate, error O(h²).
    ///
    /// ```
    /// assert_eq!(numgrad::difference::Stencil::central().order(), 2);
    /// ```
    pub fn central() -> Self {
        Self::fixed(&[1.0, -1.0], &[0.5, -0.5], 2)
    }

    /// `(f(x - 2h) - 8f(x - h) + 8f(x + h) - f(x + 2h)) / 12h`: four evaluations a coordinate, error O(h⁴).
    ///
    /// ```
    /// assert_eq!(numgrad::difference::Stencil::five_point().order(), 4);
    /// ```
    pub fn five_point() -> Self {
        Self::fixed(&[-2.0, -1.0, 1.0, 2.0], &[1.0 / 12.0, -2.0 / 3.0, 2.0 / 3.0, -1.0 / 12.0], 4)
    }

    /// The central stencil of an even order: `order` evaluations a coordinate, error O(h^order).
    ///
    /// Its points are `±1, …, ±order/2`; orders 2 and 4 are [`central`](Self::central) and
    /// [`five_point`](Self::five_point).
    ///
    /// # Panics
    /// If the order is odd, 0 or above 40.
    ///
    /// ```
    /// use numgrad::difference::Stencil;
    /// let sixth = Stencil::central_of_order(6);
    /// assert_eq!(sixth.points(), [-3.0, -2.0, -1.0, 1.0, 2.0, 3.0]);
    /// assert!((sixth.weights()[5] - 1.0 / 60.0).abs() < 1e-16);
    /// ```
    pub fn central_of_order(order: u32) -> Self {
        assert!(order.is_multiple_of(2) && (2..=40).contains(&order), "a central stencil of order {order}");
        let half = i32::try_from(order / 2).expect("at most 20");
        match half {
            1 => Self::central(),
            2 => Self::five_point(),
            _ => {
                let points: Vec<f64> = (-half..=half).filter(|&k| k != 0).map(f64::from).collect();
                let mut weights = weights(&points, 1);
                // Antisymmetric to the last bit, so that they sum to zero.
                for k in 0..weights.len() / 2 {
                    weights[k] = -weights[points.len() - 1 - k];
                }
                Self { points: points.into(), weights: weights.into(), order }
            }
        }
    }

    /// The stencil with these points, in steps from `x`, and the weights that give it the highest order.
    ///
    /// `n` points give order `n - 1`, or more where they are placed symmetrically. A point whose weight is 0 is dropped.
    ///
    /// # Panics
    /// If there are fewer than two points, or two are equal, or one is not finite.
    ///
    /// ```
    /// use numgrad::difference::Stencil;
    /// let one_sided = Stencil::custom(&[0.0, 1.0, 2.0]);
    /// assert_eq!(one_sided.weights(), [-1.5, 2.0, -0.5]);
    /// assert_eq!(one_sided.order(), 2);
    /// ```
    pub fn custom(points: &[f64]) -> Self {
        assert!(points.len() >= 2, "a stencil of {} points", points.len());
        assert!(all_differ(points), "the points of a stencil must be finite and all different, found {points:?}");
        let weights = weights(points, 1);
        let largest = weights.iter().fold(0.0, |max: f64, w| max.max(w.abs()));
        let kept = points.iter().copied().zip(weights).filter(|(_, w)| w.abs() > 1e-13 * largest);
        let (kept_points, kept_weights): (Vec<f64>, Vec<f64>) = kept.unzip();
        // The first moment that does not vanish is the error's: the n points make those below n vanish, symmetry more.
        let furthest = points.iter().fold(0.0, |max: f64, point| max.max(point.abs()));
        let vanishes = |power: u32| {
            let terms =
                kept_points.iter().zip(&kept_weights).map(|(p, w)| w * (p / furthest).powi(power.cast_signed()));
            let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + term.abs()));
            sum.abs() <= 1e-10 * size
        };
        let n = u32::try_from(points.len()).expect("a stencil has few points");
        let order = (n..).find(|&power| !vanishes(power)).expect("some moment of a finite stencil is not 0") - 1;
        Self { points: kept_points.into(), weights: kept_weights.into(), order }
    }

    const fn fixed(points: &'static [f64], weights: &'static [f64], order: u32) -> Self {
        Self { points: Cow::Borrowed(points), weights: Cow::Borrowed(weights), order }
    }

    /// Where the function is evaluated, in steps from the point.
    ///
    /// ```
    /// assert_eq!(numgrad::difference::Stencil::forward().points(), [1.0, 0.0]);
    /// ```
    pub fn points(&self) -> &[f64] {
        &self.points
    }

    /// The weight of the value at each point, for a step of 1.
    ///
    /// ```
    /// assert_eq!(numgrad::difference::Stencil::forward().weights(), [1.0, -1.0]);
    /// ```
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The order of the error: halving the step divides it by `2^order`.
    ///
    /// ```
    /// assert_eq!(numgrad::difference::Stencil::custom(&[-1.0, 0.0, 1.0]).order(), 2);
    /// ```
    pub fn order(&self) -> u32 {
        self.order
    }

    /// How many evaluations one coordinate needs besides `f(x)`.
    pub(super) fn n_moved(&self) -> usize {
        self.points.iter().filter(|&&point| point != 0.0).count()
    }

    /// Whether `f(x)` itself has a weight.
    pub(super) fn has_centre(&self) -> bool {
        self.n_moved() < self.points.len()
    }
}

pub(super) fn all_differ(points: &[f64]) -> bool {
    points.iter().enumerate().all(|(i, p)| p.is_finite() && !points[..i].contains(p))
}

/// The weights of the values at `points` for the derivative of this order (0 to 2) at 0.
fn weights(points: &[f64], derivative: usize) -> Vec<f64> {
    let mut table = Vec::new();
    fornberg(points, &mut table);
    table.iter().map(|row| row[derivative]).collect()
}

/// Fornberg's recursion: `table[j][m]` becomes the weight of point j for the derivative of order m at 0.
pub(super) fn fornberg(points: &[f64], table: &mut Vec<[f64; 3]>) {
    table.clear();
    table.resize(points.len(), [0.0; 3]);
    table[0][0] = 1.0;
    let mut previous_product = 1.0;
    for (i, &new) in points.iter().enumerate().skip(1) {
        let mut product = 1.0;
        let last = table[i - 1];
        for (j, &old) in points[..i].iter().enumerate() {
            let distance = new - old;
            product *= distance;
            let row = &mut table[j];
            for m in (1..3).rev() {
                row[m] = (new * row[m] - m as f64 * row[m - 1]) / distance;
            }
            row[0] = new * row[0] / distance;
        }
        let scale = previous_product / product;
        let last_point = points[i - 1];
        for m in (1..3).rev() {
            table[i][m] = scale * (m as f64 * last[m - 1] - last_point * last[m]);
        }
        table[i][0] = -scale * last_point * last[0];
        previous_product = product;
    }
}
