//! Ctrl-C and SIGTERM: the first asks the run to stop, a second one ends the process at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The signals, and the exit codes that a shell expects of a process that they end: 128 and the signal's number.
const SIGNALS: [(i32, u8, &str); 2] = [(SIGINT, 130, "Ctrl-C"), (SIGTERM, 143, "SIGTERM")];

/// A signal ended the program before there was anything to continue.
#[derive(Debug, thiserror::Error)]
#[error("interrupted by {name} before the first iteration")]
pub struct Interrupted {
    pub code: u8,
    name: &'static str,
}

/// Listens to the signals from when it is made on.
pub struct Interrupts {
    requested: Arc<AtomicBool>,
    /// Which of [`SIGNALS`] it was.
    which: Arc<AtomicUsize>,
}

impl Interrupts {
    pub fn listen() -> io::Result<Self> {
        let (requested, which) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        for (i, (signal, code, _)) in SIGNALS.into_iter().enumerate() {
            // What is registered first is done first: the first signal finds `requested` unset.
            flag::register_conditional_shutdown(signal, code.into(), requested.clone())?;
            flag::register_usize(signal, which.clone(), i)?;
            flag::register(signal, requested.clone())?;
        }
        Ok(Self { requested, which })
    }

    /// Whether the run is to stop. Asked between evaluations, so it costs no more than to read a number.
    pub fn requested(&self) -> bool {
        self.requested.load(Relaxed)
    }

    /// The error of what was stopped before training began.
    pub fn before_training(&self) -> Interrupted {
        let (code, name) = self.signal();
        Interrupted { code, name }
    }

    /// The exit code of the signal that came, and its name.
    pub fn signal(&self) -> (u8, &'static str) {
        let (_, code, name) = SIGNALS[self.which.load(Relaxed)];
        (code, name)
    }
}
