//! Any bytes as a model, and as an array within one: an error, or parameters that are written and read back as they are.
//!
//! An archive has check sums, which chance does not get right; so the bytes are also put into an archive by themselves.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use numgrad::train::{read_model, write_model};
use numgrad_fuzz::{archive, seed};

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    if let Some((&which, part)) = bytes.split_first() {
        let mut parts = seed(include_bytes!("../seeds/npz/model.npz"));
        let which = usize::from(which) % parts.len();
        parts[which].1 = part.to_vec();
        check(&archive(&parts));
    }
});

fn check(bytes: &[u8]) {
    if let Ok(parameters) = read_model(Cursor::new(bytes)) {
        assert!(parameters.values().iter().all(|value| value.is_finite()));
        let mut written = Vec::new();
        write_model(&mut written, &parameters).expect("memory takes everything");
        assert_eq!(read_model(Cursor::new(written)).expect("it was written whole"), parameters);
    }
}
