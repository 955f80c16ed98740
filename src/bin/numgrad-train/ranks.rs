//! What the ranks of a team tell one another before the first iteration, and what all but the first do: they compute, and leave
//! folder, page and screen to the first.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use numgrad::cli::terminal::say;
use numgrad::dataset::Dataset;
use numgrad::report::numbers::three_digits;
use numgrad::train::{
    CheckpointSettings, Ended, OnResume, Session, SessionError, TeamError, Trainer, Watcher, check_alike, gather_texts,
};

use crate::args::Options;
use crate::interrupts::Interrupts;

/// Fails where the ranks were not told the same, or have not read the same: on every rank alike. The trainer is ready for its
/// next iteration.
fn check(options: &Options, data: &Dataset, trainer: &Trainer) -> Result<(), TeamError> {
    let fact = |name: &str, value: String| (name.to_owned(), value);
    let mut facts = vec![fact("the version of the program", env!("CARGO_PKG_VERSION").to_owned())];
    // A folder's name is another on another machine; what is in it counts.
    let settings = options.checkpoint_settings(data.name.clone()).values();
    let changes_numbers =
        |name: &str| CheckpointSettings::on_resume(name) != Some(OnResume::MayChange) && name != "dataset";
    facts.extend(settings.filter(|(name, _)| changes_numbers(name)).map(|(name, value)| (flag(&name), value)));
    facts.push(fact("the CRC-32 of the data set", format!("{:08x}", data.crc32())));
    facts.push(fact("the number of iterations done", trainer.iteration().to_string()));
    facts.push(fact("the SHA-256 of weights and random numbers", trainer.state_sha256()));
    check_alike(trainer.team(), &facts)
}

/// A setting as the user gives it.
fn flag(name: &str) -> String {
    match name {
        "isa" => "the instruction set (NUMGRAD_ISA)".to_owned(),
        name => format!("--{}", name.replace('_', "-")),
    }
}

/// Measures what sharing brings, where a gradient is so quick that it may bring nothing. The first rank says so then.
fn tell_whether_it_pays(options: &Options, trainer: &mut Trainer) -> Result<(), TeamError> {
    let Some(sharing) = trainer.measure_sharing()? else { return Ok(()) };
    if trainer.team().rank() == 0 && !options.quiet && sharing.shared >= sharing.alone {
        let ms = |time: Duration| format!("{} ms", three_digits(time.as_secs_f64() * 1e3));
        say(format_args!(
            "note: sharing costs more than it brings here: a gradient takes {} on one rank, and {} on {} of which {} are for \
             gathering it; deeper networks gain, and --forward full",
            ms(sharing.alone),
            ms(sharing.shared),
            trainer.team().size(),
            ms(sharing.exchange)
        ));
    }
    Ok(())
}

/// What all ranks do together before the first of them touches its folder. Returns how many threads each has.
pub fn meet(options: &Options, data: &Dataset, trainer: &mut Trainer) -> Result<Vec<usize>, TeamError> {
    if trainer.team().size() == 1 {
        return Ok(vec![options.n_threads()]);
    }
    check(options, data, trainer)?;
    let n_threads = gather_texts(trainer.team(), &options.n_threads().to_string())?;
    tell_whether_it_pays(options, trainer)?;
    Ok(n_threads.iter().filter_map(|n| n.parse().ok()).collect())
}

/// What a rank other than the first does once its trainer is ready: it trains until all end.
pub fn follow(options: &Options, data: &Dataset, mut trainer: Trainer, interrupts: &Interrupts) -> Result<ExitCode> {
    let ended = meet(options, data, &mut trainer)
        .map_err(SessionError::from)
        .and_then(|_| Session::new(trainer, &options.settings).run(&mut Follower { interrupts }));
    match ended {
        // The first rank says how it ended, and its exit code is that of all.
        Ok(Ended::Done | Ended::Interrupted | Ended::Diverged(_)) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            // So does it where it has found the same as this one, and ends all.
            thread::sleep(Duration::from_secs(2));
            Err(error.into())
        }
    }
}

struct Follower<'a> {
    interrupts: &'a Interrupts,
}

impl Watcher for Follower<'_> {
    fn wants_to_stop(&self) -> bool {
        self.interrupts.requested()
    }
}
