//! Archives for the targets: taken apart, and put together again.

use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The parts of an archive: names and contents.
pub fn seed(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).expect("a seed is an archive");
    let n_parts = zip.len();
    let part = |i| {
        let mut part = zip.by_index(i).expect("a seed is an archive");
        let mut content = Vec::new();
        part.read_to_end(&mut content).expect("a seed is whole");
        (part.name().to_owned(), content)
    };
    (0..n_parts).map(part).collect()
}

/// An archive of these parts.
pub fn archive(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in parts {
        zip.start_file(name.as_str(), stored).expect("memory takes everything");
        zip.write_all(content).expect("memory takes everything");
    }
    zip.finish().expect("memory takes everything").into_inner()
}
