//! One gradient, and the loss after it, shared by the members of a team: who computes what, and the exchanges that make a whole
//! of it.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::Error;
use super::batch_loss::{BatchLoss, Hook, Piece};
use super::error::Cancelled;
use super::state_hash::state_hash;
use super::team::{Team, TeamError};
use crate::difference::{Coordinates, Differentiator};
use crate::nn::{NetworkShape, Parameters, n_bytes_of, together};

/// What each member sends before its derivatives: what it wants, and the two halves of the hash of the weights it was at and of
/// the batch. Numbers below 2³² travel as they are.
const HEADER: usize = 3;

/// What each member sends before its losses: the two halves of the hash of the weights that they are of.
const LOSS_HEADER: usize = 2;

/// A member computes its part.
const GOES_ON: f64 = 0.0;
/// It did not compute it to the end, since another called to stop.
const FOLLOWS: f64 = 1.0;
/// It wants all to stop, and has called the others.
const STOPS: f64 = 2.0;

/// How often each of the times of a [`Sharing`] is measured.
const N_MEASURED: u32 = 5;

/// A gradient that takes longer than this is worth sharing wherever it is.
const WORTH_SHARING: Duration = Duration::from_millis(250);

/// What sharing brings to one gradient, without the loss after it: the mean of a few measurements of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sharing {
    /// How long a whole gradient takes on this member.
    pub alone: Duration,
    /// How long the shared gradient takes, from the first member's beginning to the end on this one.
    pub shared: Duration,
    /// How long of that it takes to gather what all have computed.
    pub exchange: Duration,
}

/// What a member of a team computes of each gradient, and how the whole comes together.
#[derive(Debug)]
pub(super) struct Share<'a> {
    team: &'a dyn Team,
    mine: Piece,
    /// The coordinates of each member, in the order in which it sends their derivatives.
    runs: Vec<Vec<Range<usize>>>,
    /// How many numbers each member sends.
    counts: Vec<usize>,
    outgoing: Vec<f64>,
    gathered: Vec<f64>,
    /// How many numbers each member sends of the loss.
    loss_counts: Vec<usize>,
    outgoing_losses: Vec<f64>,
    gathered_losses: Vec<f64>,
    /// The hash of the weights after the last update, where it is known.
    weights_hash: Option<u64>,
    stopped_by: Option<usize>,
}

impl<'a> Share<'a> {
    /// This member's share of the gradients of `loss`; none where there is nobody to share with.
    pub fn of(loss: &BatchLoss, team: &'a dyn Team) -> Option<Self> {
        if team.size() == 1 {
            return None;
        }
        let mut pieces = loss.pieces(team.size());
        let runs: Vec<Vec<Range<usize>>> = pieces.iter().map(|piece| loss.runs(piece)).collect();
        let n_samples = loss.n_samples();
        let loss_counts: Vec<usize> =
            (0..team.size()).map(|rank| LOSS_HEADER + Coordinates::share(n_samples, rank, team.size()).len()).collect();
        let counts: Vec<usize> = runs.iter().map(|runs| HEADER + runs.iter().map(Range::len).sum::<usize>()).collect();
        Some(Self {
            mine: pieces.swap_remove(team.rank()),
            runs,
            outgoing: vec![0.0; counts[team.rank()]],
            gathered: vec![0.0; counts.iter().sum()],
            counts,
            outgoing_losses: vec![0.0; loss_counts[team.rank()]],
            gathered_losses: vec![0.0; loss_counts.iter().sum()],
            loss_counts,
            weights_hash: None,
            stopped_by: None,
            team,
        })
    }

    /// How much memory a share takes, at most, in a team of this size and with batches of `n_samples`.
    pub fn n_bytes(shape: &NetworkShape, n_samples: usize, team_size: usize) -> u64 {
        // What is sent and what arrives; the coordinates, and those of all others as runs.
        let numbers = shape.n_bytes().saturating_mul(2 + 1 + 2);
        let losses = n_bytes_of::<[f64; 2]>(&[n_samples]);
        together(&[numbers, losses, n_bytes_of::<[f64; 2 * HEADER + 2 * LOSS_HEADER + 2]>(&[team_size])])
    }

    /// Computes this member's part of the gradient, and gathers those of all others. `batch` are the samples that it is of, and
    /// `iteration` is the one that it is for. `hook` is told of as many coordinates as all
    /// members together have done, if they are as quick as this one.
    pub fn gradient(
        &mut self,
        loss: &mut BatchLoss,
        differentiator: &Differentiator,
        (iteration, batch): (u64, &[usize]),
        hook: Option<Hook>,
        gradient: &mut Parameters,
    ) -> Result<(), Error> {
        self.stopped_by = None;
        let n_mine = self.outgoing.len() - HEADER;
        let wish = wish(self.team, hook, (n_mine, gradient.as_slice().len()), |hook| {
            loss.piece_into(differentiator, &self.mine, Some(hook), gradient)
        });
        if wish == STOPS {
            self.team.call_stop();
        }
        let weights = self.weights_hash.take().unwrap_or_else(|| weights_hash(loss));
        let samples = batch.iter().map(|&sample| sample as u64);
        let [high, low] = halves(state_hash(samples.chain([iteration, weights]), &[]));
        self.outgoing[..HEADER].copy_from_slice(&[wish, high, low]);
        self.pack(gradient.as_slice());
        self.team.all_gather(&self.outgoing, &self.counts, &mut self.gathered)?;
        self.judge(iteration)?;
        self.unpack(gradient.as_slice_mut());
        Ok(())
    }

    /// The loss at the parameters after the update of this iteration, with the bits of one that is computed alone: each member
    /// computes it for some of the samples where their losses are known one by one. All members have to call it.
    pub fn loss(&mut self, loss: &mut BatchLoss, iteration: u64) -> Result<f64, TeamError> {
        let n_samples = loss.n_samples();
        let samples = Coordinates::share(n_samples, self.team.rank(), self.team.size());
        let Some(mine) = loss.sample_losses(samples) else { return Ok(loss.value()) };
        self.outgoing_losses[LOSS_HEADER..].copy_from_slice(mine);
        let weights = weights_hash(loss);
        self.weights_hash = Some(weights);
        self.outgoing_losses[..LOSS_HEADER].copy_from_slice(&halves(weights));
        self.team.all_gather(&self.outgoing_losses, &self.loss_counts, &mut self.gathered_losses)?;

        let messages = || messages(&self.gathered_losses, &self.loss_counts, LOSS_HEADER);
        alike(messages().map(|(weights, _)| weights), iteration)?;
        // One after the other, as the sum of all is made alone.
        let sum: f64 = messages().flat_map(|(_, losses)| losses).sum();
        Ok(sum / n_samples as f64)
    }

    /// Measures what sharing brings; none where a gradient alone takes so long that there is nothing to ask. All members have to
    /// call it.
    pub fn measure(
        &mut self,
        loss: &mut BatchLoss,
        differentiator: &Differentiator,
        gradient: &mut Parameters,
    ) -> Result<Option<Sharing>, TeamError> {
        let begun = Instant::now();
        let in_time =
            |_| if begun.elapsed() < WORTH_SHARING { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        let is_quick = loss.gradient(differentiator, Some(&in_time), gradient).is_ok();
        let mut are_quick = vec![0.0; self.team.size()];
        self.team.all_gather(&[f64::from(u8::from(is_quick))], &vec![1; self.team.size()], &mut are_quick)?;
        if are_quick.contains(&0.0) {
            return Ok(None);
        }
        let never = "nothing cancels it";
        let alone = mean_time(|| {
            loss.gradient(differentiator, None, gradient).expect(never);
            Ok(())
        })?;
        // The first exchange is waited for by all, so that the second begins at once.
        let gather = |share: &mut Self| share.team.all_gather(&share.outgoing, &share.counts, &mut share.gathered);
        gather(self)?;
        let exchange = mean_time(|| gather(self))?;
        let shared = mean_time(|| {
            loss.piece_into(differentiator, &self.mine, None, gradient).expect(never);
            self.pack(gradient.as_slice());
            gather(self)?;
            self.unpack(gradient.as_slice_mut());
            Ok(())
        })?;
        Ok(Some(Sharing { alone, shared, exchange }))
    }

    /// The member that wanted to stop, where the last gradient was cancelled by another.
    pub fn stopped_by(&self) -> Option<usize> {
        self.stopped_by
    }

    /// What all members sent, by rank: the header and the derivatives.
    fn messages(&self) -> impl Iterator<Item = (&[f64], &[f64])> {
        messages(&self.gathered, &self.counts, HEADER)
    }

    /// Fails on every member alike where one differs, or where one wants to stop.
    fn judge(&mut self, iteration: u64) -> Result<(), Error> {
        let headers: Vec<&[f64]> = self.messages().map(|(header, _)| header).collect();
        alike(headers.iter().map(|header| &header[1..]), iteration)?;
        let callers: Vec<usize> = (0..headers.len()).filter(|&rank| headers[rank][0] == STOPS).collect();
        let all_go_on = headers.iter().all(|header| header[0] == GOES_ON);
        let (me, others): (Vec<usize>, _) = callers.iter().partition(|&&rank| rank == self.team.rank());
        self.team.forget_stop(&others);
        if all_go_on {
            return Ok(());
        }
        self.stopped_by = if me.is_empty() { callers.first().copied() } else { None };
        Err(Cancelled.into())
    }

    /// This member's derivatives, one after the other as they are sent.
    fn pack(&mut self, gradient: &[f64]) {
        let mut out = &mut self.outgoing[HEADER..];
        for run in &self.runs[self.team.rank()] {
            let (here, behind) = out.split_at_mut(run.len());
            here.copy_from_slice(&gradient[run.clone()]);
            out = behind;
        }
    }

    /// The derivatives of all others, each into the slot of its coordinate.
    fn unpack(&self, gradient: &mut [f64]) {
        for (rank, (_, mut values)) in self.messages().enumerate().filter(|&(rank, _)| rank != self.team.rank()) {
            for run in &self.runs[rank] {
                let (here, behind) = values.split_at(run.len());
                gradient[run.clone()].copy_from_slice(here);
                values = behind;
            }
        }
    }
}

/// What all members sent, by rank, each with a header of this length and what comes after it.
fn messages<'a>(
    gathered: &'a [f64],
    counts: &'a [usize],
    header: usize,
) -> impl Iterator<Item = (&'a [f64], &'a [f64])> {
    let mut rest = gathered;
    counts.iter().map(move |&count| {
        let (message, behind) = rest.split_at(count);
        rest = behind;
        message.split_at(header)
    })
}

/// Fails where the hashes of two members differ.
fn alike<'a>(mut hashes: impl Iterator<Item = &'a [f64]>, iteration: u64) -> Result<(), TeamError> {
    let first = hashes.next();
    match hashes.position(|hash| Some(hash) != first) {
        Some(others) => Err(TeamError::Apart { iteration, rank: others + 1 }),
        None => Ok(()),
    }
}

fn weights_hash(loss: &BatchLoss) -> u64 {
    state_hash([], loss.net().parameters().as_slice())
}

fn halves(hash: u64) -> [f64; 2] {
    [(hash >> 32) as f64, (hash & 0xffff_ffff) as f64]
}

/// The time that something takes on average: where there are more ranks than cores the shortest is but a lucky one.
fn mean_time(mut what: impl FnMut() -> Result<(), TeamError>) -> Result<Duration, TeamError> {
    let begun = Instant::now();
    for _ in 0..N_MEASURED {
        what()?;
    }
    Ok(begun.elapsed() / N_MEASURED)
}

/// Computes a member's part, and says what became of it: all of its `n_mine` coordinates of `n` are done, it was stopped by its
/// own hook, or another's call was heard first.
fn wish(
    team: &dyn Team,
    hook: Option<Hook>,
    (n_mine, n): (usize, usize),
    compute: impl FnOnce(Hook) -> Result<(), Cancelled>,
) -> f64 {
    let (n_done, wants_to_stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let told = |newly_done: usize| {
        let done = n_done.fetch_add(newly_done, Relaxed);
        let of_all = |n_done: usize| (n_done as u128 * n as u128 / n_mine.max(1) as u128) as usize;
        let is_over = hook.is_some_and(|hook| hook(of_all(done + newly_done) - of_all(done)).is_break());
        if is_over {
            wants_to_stop.store(true, Relaxed);
        }
        if is_over || team.is_stop_called() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    // Asked before anything is computed too: a gradient takes minutes, and what wants to stop may have wanted it before.
    let computed = if told(0).is_break() { Err(Cancelled) } else { compute(&told) };
    match (wants_to_stop.into_inner(), computed) {
        (true, _) => STOPS,
        (false, Err(Cancelled)) => FOLLOWS,
        (false, Ok(())) => GOES_ON,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_member_whose_weights_differ_is_named() {
        let weights = halves(0xfedc_ba98_7654_3210);
        let hashes = |others: [u64; 3]| others.map(halves);
        let found = |hashes: [[f64; 2]; 3]| {
            let gathered: Vec<f64> = hashes.iter().flat_map(|&[high, low]| [high, low, 1.5]).collect();
            alike(messages(&gathered, &[3; 3], LOSS_HEADER).map(|(weights, _)| weights), 7)
        };
        assert_eq!(found([weights; 3]), Ok(()));
        let apart = |rank| Err(TeamError::Apart { iteration: 7, rank });
        assert_eq!(found(hashes([1, 1, 2])), apart(2));
        assert_eq!(found(hashes([1, 1 << 32, 1])), apart(1));
        assert_eq!(found(hashes([1, 0, 2])), apart(1));
    }
}
