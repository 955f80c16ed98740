//! IDX files made in memory.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

pub fn images(n_images: u32, n_rows: u32, n_columns: u32, pixels: &[u8]) -> Vec<u8> {
    file(&[2051, n_images, n_rows, n_columns], pixels)
}

pub fn labels(n_labels: u32, labels: &[u8]) -> Vec<u8> {
    file(&[2049, n_labels], labels)
}

pub fn file(header: &[u32], body: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = header.iter().flat_map(|number| number.to_be_bytes()).collect();
    bytes.extend(body);
    bytes
}

pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}
