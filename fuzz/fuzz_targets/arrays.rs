//! Any bytes as Keras' archive, as an array within one, and as a file of a single array: an error, or sets of as many pictures as
//! labels.
//!
//! An archive has check sums, which chance does not get right; so the bytes are also put into an archive by themselves.
#![no_main]

use std::path::Path;

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
        let files: Vec<_> = parts.iter().map(|(name, content)| file(name, content)).collect();
        check_path(files[0].parent().expect("a file lies in a folder"));
        files.iter().for_each(|path| std::fs::remove_file(path).expect("it was written"));
    }
});

fn check(bytes: &[u8]) {
    check_path(&file("arrays.npz", bytes));
}

fn check_path(path: &Path) {
    if let Ok(data) = from_directory(path, 256) {
        let test = data.test.expect("an archive has a test set");
        assert_eq!(data.train.image_size(), test.image_size());
        assert!(data.train.len() > 0 && test.len() > 0 && data.train.input_size() > 0);
    }
}
