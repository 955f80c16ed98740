//! Archives for the targets: taken apart, and put together again; and files, for what reads them by their names.

use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::PathBuf;

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

/// A file of these bytes, which takes the place of the one of that name before; each process has its own.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("numgrad-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("there is a folder for files that pass");
    let path = folder.join(name);
    fs::write(&path, bytes).expect("there is room for a file");
    path
}
