//! Any bytes as Keras' archive, and as an array within one: an error, or sets of as many pictures as labels.
//!
//! An archive has check sums, which chance does not get right; so the bytes are also put into an archive by themselves.
#![no_main]

use libfuzzer_sys::fuzz_target;
use numgrad::dataset::from_directory;
use numgrad_fuzz::{archive, file, seed};

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    if let Some((&which, part)) = bytes.split_first() {
        let mut parts = seed(include_bytes!("../seeds/arrays/small.npz"));
        let which = usize::from(which) % parts.len();
        parts[which].1 = part.to_vec();
        check(&archive(&parts));
    }
});

fn check(bytes: &[u8]) {
    if let Ok(data) = from_directory(&file("arrays.npz", bytes), 256) {
        let test = data.test.expect("an archive has a test set");
        assert_eq!(data.train.image_size(), test.image_size());
        assert!(data.train.len() > 0 && test.len() > 0 && data.train.input_size() > 0);
    }
}
