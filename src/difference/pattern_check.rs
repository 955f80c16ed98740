//! Whether a sparsity pattern names every entry. Columns that share no row are moved together, so what a pattern leaves out is
//! added to other entries, and the numbers look right.
//!
//! The Jacobian is multiplied by a random vector, and the product compared with the function's derivative along it. A row in
//! which they differ may be one that a kink, noise or a long step spoils; so what the pattern leaves out of it is then moved
//! by itself. A row that does not depend on it has the very same value.

use super::call::Call;
use super::check::SplitMix64;
use super::differentiator::Differentiator;
use super::direction::DirectionProbe;
use super::error::{Error, TryError};
use super::probe::{FunctionCrew, FunctionProbe, Probe};
use super::scheme::{LocalMoves, Scheme};
use super::sparse::SparsityPattern;
use super::step::Step;

/// By which part of its terms the product of a row may be off before it is looked at more closely.
const SUSPICIOUS: f64 = 1e-6;
/// How many rows are looked at more closely: those that are off the most.
const MOST_ROWS: usize = 8;
/// What a row is moved by then, beside its usual step. Where two in turn agree it is a derivative, and no noise.
const STEPS: [f64; 4] = [1.0, 1.0 / 8.0, 1.0 / 64.0, 1.0 / 512.0];
/// To this part of them.
const AGREEMENT: f64 = 0.1;

impl Differentiator {
    /// The entries of a sparse Jacobian into `out`, and the check of its pattern, for which `crew` makes workers anew.
    pub(super) fn checked_sparse<'o, E: Send>(
        &self,
        call: &Call,
        crew: &dyn Fn() -> FunctionCrew<'o, E>,
        pattern: &SparsityPattern,
        out: &mut [f64],
    ) -> Result<(), TryError<E>> {
        let workers = crew();
        let origin = workers.own.origin();
        let scheme = self.own_scheme(origin.len());
        let is_lost = origin.iter().any(|x| scheme.is_lost(*x));
        if !pattern.is_checked() || !scheme.checked || pattern.n_entries() == 0 || is_lost {
            return self.in_groups(call, workers, pattern, out).map(drop);
        }
        let mut random = SplitMix64::new(1);
        let of_own_size = |(i, x): (usize, &f64)| random.symmetric() * scheme.size(i, *x);
        let direction: Vec<f64> = origin.iter().enumerate().map(of_own_size).collect();
        // What the check costs is set aside: near bounds a stencil of order p may have p + 1 points.
        let n_lines = self.lines(&scheme, origin, &direction)?.len();
        let at_bounds = if self.is_bounded() { self.stencil.order() as usize + 1 } else { 0 };
        let n_points = self.stencil.points().len().max(at_bounds);
        let base = self.in_groups(&call.setting_aside((n_lines * n_points) as u64), workers, pattern, out)?;
        if n_lines == 0 {
            return Ok(());
        }
        let mut probe = crew().own;
        let slopes = self.slopes_along(&mut probe, &direction, base.as_deref())?;
        let mut suspicious: Vec<Row> =
            rows(pattern, out, &direction, &slopes).filter(|row| row.mismatch > row.allowed).collect();
        suspicious.sort_by(|a, b| (b.mismatch / b.allowed).total_cmp(&(a.mismatch / a.allowed)));
        for row in suspicious.into_iter().take(MOST_ROWS) {
            let mut left_out = direction.clone();
            pattern.entries().filter(|entry| entry.0 == row.index).for_each(|(_, column)| left_out[column] = 0.0);
            if self.depends_on(&scheme, &mut probe, &left_out, row.index)? {
                return Err(Error::Pattern { row: row.index, product: row.product, slope: row.slope }.into());
            }
        }
        Ok(())
    }

    /// Whether a value of the function changes along a direction.
    fn depends_on<E>(
        &self,
        scheme: &Scheme,
        probe: &mut FunctionProbe<E>,
        direction: &[f64],
        index: usize,
    ) -> Result<bool, TryError<E>> {
        let mut longer = f64::NAN;
        for part in STEPS {
            let length = |(i, x): (usize, &f64)| (scheme.step_length(i, *x) * part).max(f64::MIN_POSITIVE);
            let shorter = self.with_step(Step::PerCoordinate(probe.origin().iter().enumerate().map(length).collect()));
            let slopes = match shorter.slopes_along(probe, direction, None) {
                Err(TryError::Engine(Error::Step { .. })) => return Ok(false),
                slopes => slopes?,
            };
            match slopes.get(index) {
                Some(&(slope, rounding)) if slope.abs() > rounding => {
                    if (slope - longer).abs() <= AGREEMENT * slope.abs() {
                        return Ok(true);
                    }
                    longer = slope;
                }
                _ => return Ok(false),
            }
        }
        Ok(false)
    }

    /// The derivative of each value along a direction, and by how much it may be off by rounding.
    fn slopes_along<E>(
        &self,
        probe: &mut FunctionProbe<E>,
        direction: &[f64],
        base: Option<&[f64]>,
    ) -> Result<Vec<(f64, f64)>, TryError<E>> {
        let scheme = self.own_scheme(direction.len());
        let lines = self.lines(&scheme, probe.origin(), direction)?;
        let mut along = DirectionProbe::new(probe, &lines, scheme);
        let mut slopes: Vec<(f64, f64)> = Vec::new();
        let mut moves = LocalMoves::default();
        for (index, line) in lines.iter().enumerate() {
            let on_line = line.how.own_scheme(1);
            on_line.plan(0, 0.0, on_line.limits(0), &mut moves)?;
            let rounding = 2.0 * moves.rounding(self.precision());
            let mut first: Vec<f64> = Vec::new();
            for (&t, weight) in moves.deltas.iter().zip(&moves.weights) {
                let values = match base {
                    Some(base) if t == 0.0 => base,
                    _ => along.at(index, t).map_err(|source| TryError::Function { coordinate: 0, point: t, source })?,
                };
                if first.is_empty() {
                    first.extend_from_slice(values);
                    slopes.resize(values.len(), (0.0, 0.0));
                }
                for ((slope, value), first) in slopes.iter_mut().zip(values).zip(&first) {
                    slope.0 += weight * (value - first) / moves.divisor;
                }
            }
            slopes.iter_mut().zip(&first).for_each(|(slope, first)| slope.1 += rounding * first.abs());
        }
        Ok(slopes)
    }
}

/// A row of the Jacobian times the direction.
struct Row {
    index: usize,
    /// By the entries of the pattern.
    product: f64,
    /// By the function itself.
    slope: f64,
    /// How far they are apart; not a number, where one of them is none.
    mismatch: f64,
    /// How far they may be.
    allowed: f64,
}

fn rows(
    pattern: &SparsityPattern,
    entries: &[f64],
    direction: &[f64],
    slopes: &[(f64, f64)],
) -> impl Iterator<Item = Row> {
    let mut products = vec![(0.0, 0.0); slopes.len()];
    for ((row, column), entry) in pattern.entries().zip(entries) {
        let term = entry * direction[column];
        products[row] = (products[row].0 + term, products[row].1 + term.abs());
    }
    let pairs = products.into_iter().zip(slopes).enumerate();
    pairs.map(|(index, ((product, size), &(slope, rounding)))| {
        let allowed = SUSPICIOUS * f64::max(size, slope.abs()) + rounding;
        Row { index, product, slope, mismatch: (product - slope).abs(), allowed }
    })
}
