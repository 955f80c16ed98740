//! Estimates of many coordinates: one extrapolation each.

use super::coordinates::Coordinates;
use super::differentiator::Differentiator;
use super::driver::{Costs, Crew};
use super::error::TryError;
use super::estimate::Estimate;
use super::extrapolation::MAX_EVALUATIONS;
use super::probe::Probe;
use super::run::{Call, chunk_len};
use super::worker::Base;

impl Differentiator {
    pub(super) fn estimate<P: Probe>(
        &self,
        call: &Call,
        Crew { mut own, make }: Crew<P, impl Fn() -> P + Sync>,
        coordinates: &Coordinates,
        base: Base,
        out: &mut [Estimate],
    ) -> Result<(), TryError<P::Error>>
    where
        P::Error: Send,
    {
        let n = coordinates.len();
        assert!(out.len() == n, "{} slots for {n} coordinates", out.len());
        coordinates.check(own.n_coordinates());
        let scheme = self.own_scheme(own.n_coordinates());
        // f(x) is worth an evaluation where some coordinate can move.
        let mut first_moved = None;
        for coordinate in (0..n).map(|position| coordinates.get(position)) {
            let point = own.position(coordinate);
            let (lower, upper) = scheme.limits_at(coordinate, point)?;
            if first_moved.is_none() && lower < upper {
                first_moved = Some((coordinate, point));
            }
        }
        let mut n_before = 0;
        let base = match first_moved {
            Some((coordinate, point)) if matches!(base, Base::IfNeeded) && call.budget() > 0 => {
                n_before = 1;
                let at = own.unmoved().map_err(|source| TryError::Function { coordinate, point, source })?;
                Some(at[0])
            }
            _ => {
                if let Base::Known(values) = base {
                    Some(values[0])
                } else {
                    None
                }
            }
        };
        let costs = Costs { n_before, of_slot: |_| MAX_EVALUATIONS };
        let outcome = self.drive(call, Crew { own, make }, costs, out, chunk_len, |_, probe, position, slot| {
            *slot = self.extrapolate(&scheme, probe, coordinates.get(position), base)?;
            Ok(slot.n_evaluations)
        })?;
        let masked = |(slot, done): (&Estimate, &bool)| if *done { slot.value } else { f64::NAN };
        outcome.complete(|done| out.iter().zip(done).map(masked).collect())?;
        Ok(())
    }
}
