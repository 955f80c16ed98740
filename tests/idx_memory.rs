//! How much memory the IDX reader takes for files that promise or expand to more than they should. The whole file is
//! one test: it counts what is allocated in this process.
#![cfg(feature = "cli")]

mod counting;
mod idx_files;

use counting::peak_bytes;
use idx_files::{gzip, images, labels};
use numgrad::dataset::idx::{IdxError, read_images, read_labels};

#[test]
fn a_bad_file_takes_no_more_memory_than_its_own_size_warrants() {
    // A header that promises 4 GB before a thousand bytes: one chunk of 1 MiB and the buffers.
    let promising = images(5_000_000, 28, 28, &[0; 1000]);
    for bytes in [promising.clone(), gzip(&promising)] {
        let (result, peak) = peak_bytes(|| read_images(&bytes[..]));
        assert!(result.is_err());
        assert!(peak < 2 << 20, "{peak} bytes for a header that promises 4 GB");
    }
    let promising = labels(u32::MAX, &[0; 1000]);
    let (result, peak) = peak_bytes(|| read_labels(&promising[..]));
    assert!(matches!(result, Err(IdxError::Truncated { expected: 4_294_967_303, found: 1008 })));
    assert!(peak < 2 << 20, "{peak} bytes for a header that promises 4 GB of labels");

    // 160 MB of zeros in 700 kB, behind a header that agrees. At 32 MiB the expansion becomes suspect; while a vector
    // of 32 MiB is moved to one of 64 MiB, both exist.
    let content = images(200_000, 28, 28, &vec![0; 200_000 * 784]);
    let bomb = gzip(&content);
    drop(content);
    assert!(bomb.len() < 1 << 20);
    let (result, peak) = peak_bytes(|| read_images(&bomb[..]));
    assert!(matches!(result, Err(IdxError::Bomb { .. })));
    assert!(peak < 100 << 20, "{peak} bytes for a gzip bomb");
}
