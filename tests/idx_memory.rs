//! How much memory the IDX reader takes for files that promise or expand to more than they should. The whole file is
//! one test: it counts what is allocated in this process.
#![cfg(feature = "cli")]

mod idx_files;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use idx_files::{gzip, images, labels};
use numgrad::dataset::idx::{IdxError, read_images, read_labels};

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call goes to the system's allocator as it is; only numbers are kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(NOW.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller keeps to `alloc`'s contract, which is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the pointer came from `System.alloc` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The most that was allocated at any time while `f` ran, beyond what was allocated before.
fn peak_bytes<T>(f: impl FnOnce() -> T) -> (T, usize) {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    let result = f();
    (result, PEAK.load(Relaxed) - before)
}

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
