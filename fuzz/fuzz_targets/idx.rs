//! Any bytes as files of images and of labels: an error or exactly what the header says, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use numgrad::dataset::idx::{read_images, read_labels};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(images) = read_images(bytes) {
        assert_eq!(images.pixels.len(), images.n_images * images.n_rows * images.n_columns);
        assert!(!images.pixels.is_empty());
    }
    if let Ok(labels) = read_labels(bytes) {
        assert!(!labels.is_empty());
    }
});
