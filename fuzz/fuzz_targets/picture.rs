//! Any bytes as a picture of a digit, PNG or JPEG: an error or a digit in the form of MNIST's.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use numgrad::dataset::digit_from_picture;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(digit) = digit_from_picture(Cursor::new(bytes)) {
        assert_eq!(digit.pixels.dim(), (28, 28));
        assert!(digit.pixels.iter().all(|ink| (0.0..=1.0).contains(ink)));
        assert!(digit.pixels.iter().any(|&ink| ink == 1.0));
    }
});
