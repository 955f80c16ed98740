//! How much memory something will take, reckoned before any is taken: by whoever allocates it, beside the allocation.

/// How much `Π lengths` values of a type take; `u64::MAX` where that overflows.
pub(crate) fn n_bytes_of<T>(lengths: &[usize]) -> u64 {
    lengths.iter().fold(size_of::<T>() as u64, |n_bytes, &length| n_bytes.saturating_mul(length as u64))
}

/// How much several parts take together; `u64::MAX` where that overflows.
pub(crate) fn together(parts: &[u64]) -> u64 {
    parts.iter().fold(0, |sum, &part| sum.saturating_add(part))
}
