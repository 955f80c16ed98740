//! How much memory the IDX reader takes for files that promise or expand to more than they should.

use std::fs;
use std::path::Path;

use super::counting::peak_bytes;
use crate::support::idx_files::{gzip, images, labels};
use numgrad::dataset::idx::{IdxError, read_images, read_labels};
use numgrad::dataset::{Error, Request, load};
use numgrad::random::LegacyRandom;
use tempfile::TempDir;

pub fn a_bad_file_takes_no_more_memory_than_its_own_size_warrants() {
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

    // Files of 4 GB, nothing but holes, whose headers agree with their lengths but not with the other file, or not quite.
    let n = 4_000_000_000 / 784;
    let (images_len, labels_len) = (16 + 784 * u64::from(n), 8 + u64::from(n));
    for (what, images_len, n_labels, labels_len, max_bytes) in [
        ("as many labels as pixels", images_len, u32::MAX, 8 + u64::from(u32::MAX), None),
        ("one image less", images_len, n + 1, labels_len + 1, None),
        ("one byte less", images_len - 1, n, labels_len, None),
        ("one byte more", images_len + 1, n, labels_len, None),
        ("more than is allowed", images_len, n, labels_len, Some(3 << 30)),
    ] {
        let folder = TempDir::new().unwrap();
        hollow(&folder.path().join("train-images-idx3-ubyte"), &images(n, 28, 28, &[]), images_len);
        hollow(&folder.path().join("train-labels-idx1-ubyte"), &labels(n_labels, &[]), labels_len);
        fs::write(folder.path().join("t10k-images-idx3-ubyte"), images(1, 28, 28, &[0; 784])).unwrap();
        fs::write(folder.path().join("t10k-labels-idx1-ubyte"), labels(1, &[0])).unwrap();
        let request = Request { data_dir: Some(folder.path().into()), max_bytes, ..Request::default() };
        let (result, peak) = peak_bytes(|| load(&request, &mut LegacyRandom::seed(1), &mut ()));
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Counts { .. } | Error::Content { .. }), "{what}: {error}");
        // The labels may be read before the images are found to be of the wrong length.
        assert!(peak < 12 << 20, "{what}: {peak} bytes");
    }
}

/// A file of `n_bytes` that takes no room on the disk behind its `header`.
fn hollow(path: &Path, header: &[u8], n_bytes: u64) {
    fs::write(path, header).unwrap();
    fs::File::options().write(true).open(path).unwrap().set_len(n_bytes).unwrap();
}
