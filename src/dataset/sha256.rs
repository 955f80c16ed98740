//! SHA-256 hashes as text, by which the files of MNIST are recognised.

/// The lower-case hexadecimal digits of a hash.
pub(super) fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
