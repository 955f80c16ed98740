//! Something that is kept between calls, for whoever calls next.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering::AcqRel};

/// Room for one value, taken out while it is in use. Who finds none makes another, so that threads that call at once work side
/// by side, and a child process that was forked meanwhile waits for nobody: there is no lock.
#[derive(Debug)]
pub struct Kept<T>(AtomicPtr<T>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }
}

impl<T> Kept<T> {
    pub fn take(&self) -> Option<Box<T>> {
        owned(self.0.swap(ptr::null_mut(), AcqRel))
    }

    /// Keeps a value in the place of what is there.
    pub fn put(&self, value: Box<T>) {
        drop(owned(self.0.swap(Box::into_raw(value), AcqRel)));
    }
}

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        self.take();
    }
}

fn owned<T>(pointer: *mut T) -> Option<Box<T>> {
    // SAFETY: a pointer that is not null was made by `Box::into_raw` in `put`, and swapping it out leaves no other copy.
    (!pointer.is_null()).then(|| unsafe { Box::from_raw(pointer) })
}

/// What is kept may be dropped by, and handed to, any thread.
const _: () = {
    const fn is_sync<T: Sync>() {}
    is_sync::<Kept<Vec<f64>>>();
};
