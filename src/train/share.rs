//! One gradient, and the loss after it, shared by the members of a team: who computes what, and the exchanges that make a whole
//! of it.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::Error;
use super::batch_loss::{BatchLoss, Hook, Piece};
use super::error::Cancelled;
use super::team::{Team, TeamError};
use crate::difference::{Coordinates, Differentiator};
use crate::nn::{NetworkShape, Parameters, mean, n_bytes_of, together};

/// What each member sends before its derivatives: what it wants, and the two halves of the hash of the weights it was at.
/// Numbers below 2³² travel as they are.
const HEADER: usize = 3;

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

/// What sharing brings to one gradient: the mean of a few measurements of each.
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
    /// How many samples' losses each member computes.
    sample_counts: Vec<usize>,
    /// The losses of all samples: (N).
    losses: Vec<f64>,
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
        let samples = (0..team.size()).map(|rank| Coordinates::share(n_samples, rank, team.size()));
        let counts: Vec<usize> = runs.iter().map(|runs| HEADER + runs.iter().map(Range::len).sum::<usize>()).collect();
        Some(Self {
            mine: pieces.swap_remove(team.rank()),
            runs,
            outgoing: vec![0.0; counts[team.rank()]],
            gathered: vec![0.0; counts.iter().sum()],
            counts,
            sample_counts: samples.map(|samples| samples.len()).collect(),
            losses: vec![0.0; n_samples],
            stopped_by: None,
            team,
        })
    }

    /// How much memory a share takes, at most, in a team of this size and with batches of `n_samples`.
    pub fn n_bytes(shape: &NetworkShape, n_samples: usize, team_size: usize) -> u64 {
        // What is sent and what arrives; the coordinates, and those of all others as runs.
        let numbers = shape.n_bytes().saturating_mul(2 + 1 + 2);
        together(&[numbers, n_bytes_of::<[f64; 2 * HEADER + 1]>(&[team_size]), n_bytes_of::<f64>(&[n_samples])])
    }

    /// Computes this member's part of the gradient, and gathers those of all others. `state` is a hash of all that has to be
    /// the same for every member, and `iteration` the one that this is of. `hook` is told of as many coordinates as all
    /// members together have done, if they are as quick as this one.
    pub fn gradient(
        &mut self,
        loss: &mut BatchLoss,
        differentiator: &Differentiator,
        (iteration, state): (u64, u64),
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
        self.outgoing[..HEADER].copy_from_slice(&[wish, (state >> 32) as f64, (state & 0xffff_ffff) as f64]);
        self.pack(gradient.as_slice());
        self.team.all_gather(&self.outgoing, &self.counts, &mut self.gathered)?;
        self.judge(iteration)?;
        self.unpack(gradient.as_slice_mut());
        Ok(())
    }

    /// The loss at the parameters after an update, with the bits of one that is computed alone: each member computes it for some
    /// of the samples where their losses are known one by one. All members have to call it.
    pub fn loss(&mut self, loss: &mut BatchLoss) -> Result<f64, TeamError> {
        let samples = Coordinates::share(loss.n_samples(), self.team.rank(), self.team.size());
        let Some(mine) = loss.sample_losses(samples) else { return Ok(loss.value()) };
        self.team.all_gather(mine, &self.sample_counts, &mut self.losses)?;
        Ok(mean(self.losses.iter().copied()))
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
        let mut rest = &self.gathered[..];
        self.counts.iter().map(move |&count| {
            let (message, behind) = rest.split_at(count);
            rest = behind;
            message.split_at(HEADER)
        })
    }

    /// Fails on every member alike where one differs, or where one wants to stop.
    fn judge(&mut self, iteration: u64) -> Result<(), Error> {
        let headers: Vec<&[f64]> = self.messages().map(|(header, _)| header).collect();
        if let Some(rank) = headers.iter().position(|header| header[1..] != headers[0][1..]) {
            return Err(TeamError::Apart { iteration, rank }.into());
        }
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
