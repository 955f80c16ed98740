//! `--mpi`: whether this process trains alone or as one of several ranks that share every gradient.

use std::process::ExitCode;

use anyhow::{Error, Result};
use numgrad::cli::terminal::say;
use numgrad::mpi::{Launched, launched};
use numgrad::train::{Alone, Team};

use crate::interrupts::Interrupted;

/// The team that this process is a member of. It has to live to the end of `main`.
pub struct Membership {
    #[cfg(feature = "mpi")]
    world: Option<numgrad::mpi::World>,
}

impl Membership {
    /// Joins the ranks that a launcher has started, if `--mpi` asks for it.
    pub fn join(is_asked: bool) -> Result<Self> {
        if !is_asked {
            warn_of_many();
        }
        Ok(Self {
            #[cfg(feature = "mpi")]
            world: is_asked.then(joined).transpose()?,
        })
    }

    pub fn team(&self) -> &dyn Team {
        #[cfg(feature = "mpi")]
        if let Some(world) = &self.world {
            return world;
        }
        &Alone
    }

    /// Says what has gone wrong, and ends all ranks: they would wait for this one.
    pub fn fail(&self, error: &Error) -> ExitCode {
        let code = match error.downcast_ref::<Interrupted>() {
            Some(interrupted) => {
                say(format_args!("{interrupted}"));
                interrupted.code
            }
            None => {
                say(format_args!("error: {error:#}"));
                1
            }
        };
        #[cfg(feature = "mpi")]
        if let Some(world) = self.world.as_ref().filter(|world| world.size() > 1) {
            world.abort(code);
        }
        ExitCode::from(code)
    }
}

#[cfg(feature = "mpi")]
fn joined() -> Result<numgrad::mpi::World> {
    let world = numgrad::mpi::World::init()?;
    if world.rank() > 0 {
        numgrad::cli::terminal::speak_as(&format!("rank {} ({})", world.rank(), world.machine()));
    }
    Ok(world)
}

/// Several processes that know nothing of one another all compute the same.
fn warn_of_many() {
    if let Some(Launched { rank: 0, size: size @ 2.. }) = launched() {
        let advice = if cfg!(feature = "mpi") {
            "add --mpi"
        } else {
            "add --mpi, in a program that is built with --features mpi"
        };
        say(format_args!(
            "warning: {size} processes were launched, and each trains by itself; to share the work of one training {advice}"
        ));
    }
}
