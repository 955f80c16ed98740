//! Any bytes as `loss.csv`, of a run of any length: an error, or curves with as many rows as were asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use numgrad::report::Curves;
use numgrad_fuzz::file;

fuzz_target!(|input: (u64, &[u8])| {
    let (n, bytes) = input;
    if let Ok(curves) = Curves::read(&file("loss.csv", bytes), n) {
        assert_eq!(curves.last.map_or(0, |last| last.iteration), n);
    }
});
