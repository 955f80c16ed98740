//! A gradient that somebody derived, compared with the numerical one.

use std::fmt;

use ndarray::ArrayView2;

use super::estimate::Estimate;

/// Which derivatives a check compares. Random choices depend on nothing but the seed.
///
/// ```
/// use ndarray::Array1;
/// use numgrad::difference::{Differentiator, Sample};
///
/// let (central, x) = (Differentiator::default(), Array1::ones(10_000));
/// let gradient = &x * 2.0;
/// for sample in [Sample::Coordinates { n: 20, seed: 1 }, Sample::Directions { n: 3, seed: 1 }] {
///     assert!(central.of(|x| x.iter().map(|x| x * x).sum(), &x).check(&gradient, sample)?.passes(1e-6));
/// }
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sample {
    /// Every coordinate.
    All,
    /// This many different coordinates.
    Coordinates {
        /// How many; all, if there are fewer.
        n: usize,
        /// Where the random numbers begin.
        seed: u64,
    },
    /// The derivatives along this many directions, each of which sees every coordinate.
    Directions {
        /// How many.
        n: usize,
        /// Where the random numbers begin.
        seed: u64,
    },
}

impl Sample {
    /// Which of `n` coordinates; `None` where it is of directions.
    pub(super) fn coordinates(self, n: usize) -> Option<Vec<usize>> {
        match self {
            Sample::All => Some((0..n).collect()),
            Sample::Coordinates { n: n_chosen, seed } => Some(chosen(n_chosen, n, seed)),
            Sample::Directions { .. } => None,
        }
    }
}

/// What a comparison of a derivative with the numerical one tells.
///
/// ```
/// use numgrad::difference::{Agreement, Differentiator, Sample};
/// // Beside values of 1e12, of which the last digit is 1e-4, nobody sees what the second coordinate does.
/// let central = Differentiator::default();
/// let check = |gradient| central.of(|[a, b]| 1e12 * a + 2.2e-4 * b, &[1.0, 1.0]).check(&gradient, Sample::All);
/// let outcomes = |gradient| check(gradient).map(|check| [0, 1].map(|i| check.comparisons()[i].agreement(1e-6)));
/// assert_eq!(outcomes([1e12, 4.4e-4])?, [Agreement::Agrees, Agreement::Undetermined]);
/// assert_eq!(outcomes([2e12, 10.0])?, [Agreement::Differs, Agreement::Differs]);
/// assert!(!check([1e12, 4.4e-4])?.passes(1e-6));
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// They are equal as far as was asked for, and the numerical one is known well enough to say so.
    Agrees,
    /// They are apart by more than the numerical one may be off.
    Differs,
    /// The numerical one is not known well enough: noise, a kink, or a coordinate that hardly moves the function.
    Undetermined,
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Agreement::Agrees => "agrees",
            Agreement::Differs => "differs",
            Agreement::Undetermined => "undetermined",
        })
    }
}

/// A derivative that somebody derived, and the numerical one.
///
/// ```
/// use numgrad::difference::{Differentiator, Sample};
/// let check = Differentiator::default().of(|[x]| x.sin(), &[0.0]).check(&[1.1], Sample::All)?;
/// let slope = &check.comparisons()[0];
/// assert!((slope.absolute_error() - 0.1).abs() < 1e-9 && (slope.relative_error() - 0.1 / 1.1).abs() < 1e-9);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// Of a Jacobian, the number of the value: its row. Of a gradient none.
    pub row: Option<usize>,
    /// The number of the coordinate, or of the direction.
    pub index: usize,
    /// The derivative that is checked.
    pub analytic: f64,
    /// The numerical derivative that it is checked against.
    pub numerical: f64,
    /// About how far the numerical derivative may be off.
    pub numerical_error: f64,
    /// Whether the numerical derivative is known well: see [`Estimate::converged`].
    pub converged: bool,
    /// How steep the function is seen to be around.
    pub(crate) nearby: f64,
}

impl Comparison {
    pub(super) fn new(row: Option<usize>, index: usize, analytic: f64, found: &Estimate) -> Self {
        let Estimate { value: numerical, error: numerical_error, converged, nearby, .. } = *found;
        Self { row, index, analytic, numerical, numerical_error, converged, nearby }
    }

    /// The larger of the two.
    fn size(&self) -> f64 {
        self.analytic.abs().max(self.numerical.abs())
    }

    /// `|analytic - numerical|`. See [`Comparison`] for an example.
    pub fn absolute_error(&self) -> f64 {
        (self.analytic - self.numerical).abs()
    }

    /// The absolute error beside the larger of the two; 0 where both are 0. See [`Comparison`] for an example.
    pub fn relative_error(&self) -> f64 {
        if self.size() == 0.0 { 0.0 } else { self.absolute_error() / self.size() }
    }
}

impl Comparison {
    /// Whether the two agree to `rel` of the larger, beyond the numerical error. That error has to be below `rel` as well, of
    /// the larger or, where both are about 0, of the slopes around. See [`Agreement`] for an example.
    pub fn agreement(&self, rel: f64) -> Agreement {
        let Self { analytic, numerical, numerical_error, .. } = *self;
        // What does not move the function at all.
        if analytic == 0.0 && numerical == 0.0 && self.converged {
            return Agreement::Agrees;
        }
        // An error that has not converged may be more.
        let may_be_off = if self.converged { numerical_error } else { 10.0 * numerical_error };
        let is_known = numerical_error <= rel * self.size().max(self.nearby);
        if self.absolute_error() <= rel * self.size() + numerical_error && is_known {
            Agreement::Agrees
        } else if numerical.is_nan() || self.absolute_error() <= rel * self.size() + may_be_off {
            Agreement::Undetermined
        } else {
            Agreement::Differs
        }
    }
}

/// What a check found. Printed, it is a table of the worst ten, with what they tell to `1e-6`; `{check:.9}` prints that to
/// `1e-9`.
///
/// ```
/// use numgrad::difference::{Differentiator, Sample};
/// let check = Differentiator::default().of(|[a, b]| a * b + b, &[1.0, 2.0]).check(&[2.0, 5.0], Sample::All)?;
/// // ∂/∂x_1 is 2, not 5.
/// assert!(!check.passes(1e-6));
/// assert_eq!((check.comparisons().len(), check.worst().unwrap().index), (2, 1));
/// assert!(check.to_string().ends_with("2 compared"));
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CheckReport {
    comparisons: Vec<Comparison>,
    what: &'static str,
}

impl CheckReport {
    pub(super) fn of_coordinates(coordinates: &[usize], gradient: &[f64], found: &[Estimate]) -> Self {
        let compare = |(&index, found): (&usize, &Estimate)| Comparison::new(None, index, gradient[index], found);
        Self { comparisons: coordinates.iter().zip(found).map(compare).collect(), what: "coordinate" }
    }

    /// `found` has the estimates of each of the columns.
    pub(super) fn of_columns(columns: &[usize], jacobian: ArrayView2<f64>, found: &[Vec<Estimate>]) -> Self {
        let compare = |(&j, found): (&usize, &Vec<Estimate>)| {
            let entry = |(i, found): (usize, &Estimate)| Comparison::new(Some(i), j, jacobian[[i, j]], found);
            found.iter().enumerate().map(entry).collect::<Vec<_>>()
        };
        Self { comparisons: columns.iter().zip(found).flat_map(compare).collect(), what: "column" }
    }

    pub(super) fn of_directions(comparisons: Vec<Comparison>) -> Self {
        Self { comparisons, what: "direction" }
    }

    /// The same of a gradient, which has no rows.
    pub(super) fn without_rows(mut self) -> Self {
        self.comparisons.iter_mut().for_each(|comparison| comparison.row = None);
        self
    }

    /// All comparisons, in the order of coordinates or directions; of a Jacobian all rows of one, and then of the next.
    /// See [`CheckReport`] for an example.
    pub fn comparisons(&self) -> &[Comparison] {
        &self.comparisons
    }

    /// The one that is off the most beyond the error of the numerical one; `None` where nothing was compared.
    /// See [`CheckReport`] for an example.
    pub fn worst(&self) -> Option<&Comparison> {
        self.by_badness().into_iter().next()
    }

    /// Whether every derivative agrees to `rel` of itself: [`agreement`](Self::agreement) is [`Agreement::Agrees`]. See
    /// [`CheckReport`] for an example.
    pub fn passes(&self, rel: f64) -> bool {
        self.agreement(rel) == Agreement::Agrees
    }

    /// What the comparisons tell together: that one differs, or that one is undetermined, or nothing was compared, or that all
    /// agree. See [`Agreement`] for an example.
    pub fn agreement(&self, rel: f64) -> Agreement {
        if self.count(Agreement::Differs, rel) > 0 {
            Agreement::Differs
        } else if self.count(Agreement::Undetermined, rel) > 0 || self.comparisons.is_empty() {
            Agreement::Undetermined
        } else {
            Agreement::Agrees
        }
    }

    /// How many comparisons have this outcome.
    fn count(&self, outcome: Agreement, rel: f64) -> usize {
        self.comparisons.iter().filter(|c| c.agreement(rel) == outcome).count()
    }

    fn by_badness(&self) -> Vec<&Comparison> {
        // What is NaN is worse than anything.
        let badness = |c: &Comparison| {
            let excess = (c.absolute_error() - c.numerical_error) / c.size();
            if c.absolute_error() == 0.0 {
                f64::NEG_INFINITY
            } else if excess.is_nan() {
                f64::INFINITY
            } else {
                excess
            }
        };
        let mut sorted: Vec<_> = self.comparisons.iter().collect();
        sorted.sort_by(|a, b| badness(b).total_cmp(&badness(a)));
        sorted
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let rel = 10_f64.powi(-f.precision().map_or(6, |precision| i32::try_from(precision).unwrap_or(i32::MAX)));
        // Of a Jacobian two numbers.
        let has_rows = self.comparisons.iter().any(|c| c.row.is_some());
        let (place, width) = if has_rows { (format!("row, {}", self.what), 15) } else { (self.what.to_owned(), 12) };
        writeln!(
            f,
            "{:>width$} {:>24} {:>24} {:>15} {:>15} {:>16} {:>12}",
            place,
            "analytic",
            "numerical",
            "absolute error",
            "relative error",
            "numerical error",
            format!("to {rel:e}"),
        )?;
        let mut worst = self.by_badness();
        worst.sort_by_key(|c| match c.agreement(rel) {
            Agreement::Differs => 0,
            Agreement::Undetermined => 1,
            Agreement::Agrees => 2,
        });
        for c in worst.into_iter().take(10) {
            let Comparison { row, index, analytic, numerical, numerical_error, .. } = c;
            let place = row.map_or_else(|| index.to_string(), |row| format!("{row}, {index}"));
            let (absolute, relative, agreement) = (c.absolute_error(), c.relative_error(), c.agreement(rel));
            writeln!(
                f,
                "{place:>width$} {analytic:>24.16e} {numerical:>24.16e} {absolute:>15.1e} {relative:>15.1e} \
                 {numerical_error:>16.1e} {agreement:>12}"
            )?;
        }
        let [agree, differ, undetermined] =
            [Agreement::Agrees, Agreement::Differs, Agreement::Undetermined].map(|outcome| self.count(outcome, rel));
        write!(f, "{agree} agree, {differ} differ, {undetermined} undetermined; {} compared", self.comparisons.len())
    }
}

/// `n` different numbers below `len`, in order.
pub(crate) fn chosen(n: usize, len: usize, seed: u64) -> Vec<usize> {
    let mut random = SplitMix64(seed);
    let mut all: Vec<usize> = (0..len).collect();
    for k in 0..n.min(len) {
        let other = k + (random.next() % (len - k) as u64) as usize;
        all.swap(k, other);
    }
    all.truncate(n);
    all.sort_unstable();
    all
}

/// Random numbers good enough to choose coordinates: SplitMix64 (Steele, Lea and Flood, 2014).
pub(super) struct SplitMix64(u64);

impl SplitMix64 {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number between -1 and 1.
    pub fn symmetric(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

/// # Panics
/// If a Jacobian that is checked has not one row for each value.
pub(super) fn check_rows(jacobian: &ArrayView2<f64>, n_values: usize) {
    assert!(jacobian.nrows() == n_values, "a Jacobian of shape {:?} for {n_values} values", jacobian.dim());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the reference implementation for seed 1234567.
    #[test]
    fn the_random_numbers_are_those_of_the_reference_implementation() {
        let mut random = SplitMix64(1_234_567);
        let first = [random.next(), random.next(), random.next()];
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }
}
