//! Any bytes as a table of labels and pixels: an error, or as many pictures as labels.
#![no_main]

use libfuzzer_sys::fuzz_target;
use numgrad::dataset::read_table;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((images, labels)) = read_table(bytes) {
        assert_eq!((images.n_images, images.n_rows), (labels.len(), images.n_columns));
        assert_eq!(images.pixels.len(), images.n_images * images.n_rows * images.n_columns);
        assert!(!images.pixels.is_empty());
    }
});
