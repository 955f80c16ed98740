//! SHA-256 as files of MNIST are known by it.

/// The lower-case hexadecimal digits of a hash.
pub(super) fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
