//! Any bytes as `run.json`: an error, or a summary that is written and read back as it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use numgrad::report::Summary;
use numgrad_fuzz::file;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(summary) = Summary::read(&file("run.json", bytes)) {
        let mut written = Vec::new();
        summary.write(&mut written).expect("memory takes everything");
        assert_eq!(Summary::read(&file("written.json", &written)).expect("it was written whole"), summary);
    }
});
