//! Who computes a training: one process alone, or the members of a team, which share every gradient.
//!
//! Each member has the samples, the weights and the random numbers itself and makes the same updates with the same bits; what
//! they share is the work of a gradient, and that of the loss after it where that is the mean of losses of samples. Each computes
//! its part and sends it to all others, and with it a hash of the weights that it was at; with a gradient also whether it wants to
//! stop. So no member can go its own way: whoever stops, all stop at the same iteration, and weights that differ are found before
//! what comes of both is used.

use std::fmt::Debug;

/// One member of a team, as a [`Trainer`](super::Trainer) sees it: how many there are, which one it is, and how it reaches the
/// others. Members are counted from 0 by their rank.
///
/// All members have to make the same calls of [`all_gather`](Self::all_gather) in the same order, each from one thread at a
/// time; the other methods may be called by any thread while none is in `all_gather`.
pub trait Team: Debug + Sync {
    /// Which member this is, below [`size`](Self::size).
    fn rank(&self) -> usize;

    /// How many members there are.
    fn size(&self) -> usize;

    /// Sends `mine` to every member and waits for all others' numbers: `all` becomes those of rank 0, then those of rank 1, and
    /// so on, `counts` of each. Every bit arrives as it was sent.
    ///
    /// # Errors
    /// [`TeamError::Lost`] where a member will never answer.
    ///
    /// # Panics
    /// If `mine` is not as long as this member's count, or `all` not as long as all together.
    fn all_gather(&self, mine: &[f64], counts: &[usize], all: &mut [f64]) -> Result<(), TeamError>;

    /// Calls all others to stop, who may be amidst a gradient of minutes. Does not wait for them.
    fn call_stop(&self);

    /// Whether another member has called to stop since the last [`forget_stop`](Self::forget_stop). Asked often.
    fn is_stop_called(&self) -> bool;

    /// Takes the calls of these members as heard: each has called exactly once since it was last forgotten.
    fn forget_stop(&self, callers: &[usize]);
}

/// No team: the process computes everything itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alone;

impl Team for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn all_gather(&self, mine: &[f64], _counts: &[usize], all: &mut [f64]) -> Result<(), TeamError> {
        all.copy_from_slice(mine);
        Ok(())
    }

    fn call_stop(&self) {}

    fn is_stop_called(&self) -> bool {
        false
    }

    fn forget_stop(&self, _callers: &[usize]) {}
}

/// Why a team can't go on together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TeamError {
    /// Two members were told different things.
    #[error("{what}: expected the same on every rank, found {first} on rank 0 and {other} on rank {rank}")]
    Unlike {
        /// The member that differs from the first: of several the one with the lowest rank.
        rank: usize,
        /// What differs.
        what: String,
        /// What it is on rank 0.
        first: String,
        /// What it is on the other.
        other: String,
    },
    /// Two members have come apart.
    #[error(
        "iteration {iteration}: rank {rank} has other weights, or drew another batch, than rank 0: expected the same bits on \
         every rank; does one of the machines compute wrongly?"
    )]
    Apart {
        /// The iteration whose gradient is affected.
        iteration: u64,
        /// The member that differs from the first.
        rank: usize,
    },
    /// A member has ended, or can't be reached.
    #[error("rank {rank} does not answer any more")]
    Lost {
        /// The member.
        rank: usize,
    },
}

/// Fails where the members do not all have the same facts, each a name and a value, in the same order: on every member alike,
/// with the first rank that differs from rank 0 and the first fact in which it does. All members have to call it.
///
/// # Errors
/// [`TeamError::Unlike`] where something differs; [`TeamError::Lost`] where a member will never answer.
pub fn check_alike(team: &dyn Team, facts: &[(String, String)]) -> Result<(), TeamError> {
    // What separates the texts is in none of them.
    let mine: String = facts.iter().map(|(name, value)| format!("{name}\u{1f}{value}\u{1e}")).collect();
    let texts = gather_texts(team, &mine)?;
    let facts_of = |rank: usize| -> Vec<(&str, &str)> {
        texts[rank].split_terminator('\u{1e}').map(|fact| fact.split_once('\u{1f}').unwrap_or((fact, ""))).collect()
    };
    let first = facts_of(0);
    for rank in 1..team.size() {
        let other = facts_of(rank);
        let named = |facts: &[(&str, &str)], i: usize, name: &str| match facts.get(i) {
            Some(&(found, value)) if found == name => value.to_owned(),
            _ => "nothing of that name".to_owned(),
        };
        if let Some(i) = (0..first.len().max(other.len())).find(|&i| first.get(i) != other.get(i)) {
            let what = first.get(i).or(other.get(i)).map_or("", |&(name, _)| name);
            let (first, other) = (named(&first, i, what), named(&other, i, what));
            return Err(TeamError::Unlike { rank, what: what.to_owned(), first, other });
        }
    }
    Ok(())
}

/// Every member's text, by rank.
///
/// # Errors
/// [`TeamError::Lost`] where a member will never answer.
pub fn gather_texts(team: &dyn Team, mine: &str) -> Result<Vec<String>, TeamError> {
    let mut lens = vec![0.0; team.size()];
    team.all_gather(&[mine.len() as f64], &vec![1; team.size()], &mut lens)?;
    let lens: Vec<usize> = lens.into_iter().map(|len| len as usize).collect();
    // A byte a number: it is a few thousand, once.
    let mine: Vec<f64> = mine.bytes().map(f64::from).collect();
    let mut all = vec![0.0; lens.iter().sum()];
    team.all_gather(&mine, &lens, &mut all)?;
    let mut bytes = all.into_iter().map(|byte| byte as u8);
    let text = |&len: &usize| String::from_utf8_lossy(&bytes.by_ref().take(len).collect::<Vec<_>>()).into_owned();
    Ok(lens.iter().map(text).collect())
}
