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
    /// Whether one of the points is 0. Kept, as is the next, because every gradient asks, and some take 50 ns.
    has_centre: bool,
    /// Whether it is [`central`](Self::central).
    is_central: bool,
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
                let mut weights = weights(&points);
                // Antisymmetric to the last bit, so that they sum to zero.
                for k in 0..weights.len() / 2 {
                    weights[k] = -weights[points.len() - 1 - k];
                }
                Self::of(points.into(), weights.into(), order)
            }
        }
    }

    /// The stencil with these points, in steps from `x`, and the weights that give it the highest order.
    ///
    /// `n` points give order `n - 1`, or more where they are placed symmetrically. A point whose weight is 0 because the others
    /// are symmetric is dropped.
    ///
    /// # Panics
    /// If there are fewer than two points, or two are equal, or one is not finite, or they are so near together or so far apart
    /// that a weight is not a number.
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
        // By a power of 2, so that products of distances neither vanish nor overflow and no digit changes.
        let unit = power_of_two_below(furthest(points));
        let scaled: Vec<f64> = points.iter().map(|point| point / unit).collect();
        let weights = weights(&scaled).into_iter().map(|weight| weight / unit);
        let kept = points.iter().copied().zip(weights).enumerate().filter(|&(i, _)| !is_weightless(&scaled, i));
        let (kept_points, kept_weights): (Vec<f64>, Vec<f64>) = kept.map(|(_, kept)| kept).unzip();
        assert!(
            kept_weights.iter().all(|weight| weight.is_normal()),
            "the points of a stencil must be some steps apart, and none so near or far that its weight is no number: \
             those of {kept_points:?} would be {kept_weights:?}"
        );
        // n points make the moments below n vanish; that of n is 0 as well where the reciprocals of the points have the sum 0,
        // and then the next one is not.
        let n = u32::try_from(points.len()).expect("a stencil has few points");
        let order = if are_balanced(scaled.iter().copied(), 1e-10) { n } else { n - 1 };
        Self::of(kept_points.into(), kept_weights.into(), order)
    }

    fn fixed(points: &'static [f64], weights: &'static [f64], order: u32) -> Self {
        Self::of(Cow::Borrowed(points), Cow::Borrowed(weights), order)
    }

    fn of(points: Cow<'static, [f64]>, weights: Cow<'static, [f64]>, order: u32) -> Self {
        let has_centre = points.contains(&0.0);
        let is_central = points[..] == [1.0, -1.0] && weights[..] == [0.5, -0.5];
        Self { points, weights, order, has_centre, is_central }
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

    /// The automatic step of a coordinate of scale 1, for values of this relative precision and the derivative of this order.
    ///
    /// A wide stencil of high order has its furthest points where one of order 4 and less has its first: there the terms
    /// that it leaves out are small.
    pub(super) fn automatic_step(&self, precision: f64, derivative: u32) -> f64 {
        let step = precision.powf(1.0 / f64::from(self.order + derivative));
        if self.order > 4 { step / furthest(&self.points) } else { step }
    }

    /// How many evaluations one coordinate needs besides `f(x)`.
    pub(super) fn n_moved(&self) -> usize {
        self.points.iter().filter(|&&point| point != 0.0).count()
    }

    /// Whether `f(x)` itself has a weight.
    pub(super) fn has_centre(&self) -> bool {
        self.has_centre
    }

    /// Whether it is [`central`](Self::central).
    pub(super) fn is_central(&self) -> bool {
        self.is_central
    }
}

/// The distance of the furthest point from 0.
fn furthest(points: &[f64]) -> f64 {
    points.iter().fold(0.0, |max: f64, point| max.max(point.abs()))
}

fn power_of_two_below(value: f64) -> f64 {
    f64::from_bits(value.to_bits() & f64::INFINITY.to_bits()).max(f64::MIN_POSITIVE)
}

/// Whether the weight of point `i` is 0.
fn is_weightless(points: &[f64], i: usize) -> bool {
    let others = points.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, point)| *point);
    points.len() > 2 && are_balanced(others, 4.0 * f64::EPSILON)
}

/// Whether the sum of the reciprocals of the points is 0 to this precision, as that of a symmetric stencil is.
fn are_balanced(points: impl Iterator<Item = f64> + Clone, precision: f64) -> bool {
    let (sum, size) = reciprocals(points.clone());
    // One over the point 0 is infinite, and so are both: that is no balance.
    sum.abs() <= precision * size && size.is_finite()
}

/// The sum of the reciprocals of the points, and that of their sizes. Points that have their mirror images are left out, so
/// that what cancels is exact.
fn reciprocals(points: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let is_unpaired = |point: &f64| *point == 0.0 || !points.clone().any(|other| other == -point);
    let unpaired = points.clone().filter(is_unpaired);
    unpaired.fold((0.0, 0.0), |(sum, size), point| (sum + point.recip(), size + point.recip().abs()))
}

pub(super) fn all_differ(points: &[f64]) -> bool {
    points.iter().enumerate().all(|(i, p)| p.is_finite() && !points[..i].contains(p))
}

/// The weights of the values at `points` for the first derivative at 0: the derivatives there of Lagrange's polynomials,
/// `-Π_{m≠j} p_m/(p_m - p_j) · Σ_{m≠j} 1/p_m`, written without differences of near numbers.
fn weights(points: &[f64]) -> Vec<f64> {
    let weight = |j: usize| {
        let others = || points.iter().enumerate().filter(move |(m, _)| *m != j).map(|(_, point)| *point);
        // Beside the point 0 its reciprocal is all of the sum.
        let product: f64 = others().map(|other| if other == 0.0 { 1.0 } else { other } / (other - points[j])).product();
        if others().any(|other| other == 0.0) { -product } else { -product * reciprocals(others()).0 }
    };
    (0..points.len()).map(weight).collect()
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
