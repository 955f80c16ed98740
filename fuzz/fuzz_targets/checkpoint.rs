//! Any bytes as a checkpoint, and as a part of one: an error, or a checkpoint that is written and read back as it is and
//! draws numbers.
//!
//! An archive has check sums, which chance does not get right; so the bytes are also put into an archive by themselves.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use numgrad::train::Checkpoint;
use numgrad_fuzz::{archive, seed};

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    if let Some((&which, part)) = bytes.split_first() {
        let mut parts = seed(include_bytes!("../seeds/checkpoint/held-normal.npz"));
        let which = usize::from(which) % parts.len();
        parts[which].1 = part.to_vec();
        check(&archive(&parts));
    }
});

fn check(bytes: &[u8]) {
    if let Ok((checkpoint, run)) = Checkpoint::read(Cursor::new(bytes)) {
        let mut written = Vec::new();
        checkpoint.write(&mut written, &run).expect("memory takes everything");
        let (read, read_run) = Checkpoint::read(Cursor::new(written)).expect("it was written whole");
        assert_eq!((&read, &read_run), (&checkpoint, &run));
        let mut random = checkpoint.random;
        assert!((0.0..1.0).contains(&random.random_sample()));
        assert!((0..1000).contains(&random.randint(0, 1000)));
    }
}
