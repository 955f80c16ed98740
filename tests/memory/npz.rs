//! How much memory the reader of models takes for archives that promise more than they hold.

use std::io::{Cursor, Write};

use super::counting::peak_bytes;
use numgrad::train::{Checkpoint, NpzError, read_model};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// An archive with this `W1.npy`.
fn archive(w1: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("W1.npy", SimpleFileOptions::default().compression_method(CompressionMethod::Stored)).unwrap();
    zip.write_all(w1).unwrap();
    zip.finish().unwrap().into_inner()
}

pub fn a_bad_archive_takes_no_more_memory_than_its_own_size_warrants() {
    let dictionary = b"{'descr': '<f8', 'fortran_order': False, 'shape': (500000000, 1), }";
    let len = (dictionary.len() as u16).to_le_bytes();
    let shape_of_4_gb = archive(&[b"\x93NUMPY\x01\x00", &len[..], dictionary, &[0; 1000]].concat());
    let header_of_4_gb = archive(b"\x93NUMPY\x03\x00\xff\xff\xff\xff{'descr': '<f8'");

    // A part of 4 GB, by its own header and by the directory: the lengths stand after the check sum.
    let mut part_of_4_gb = archive(&[0; 1000]);
    let directory = part_of_4_gb.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    for begin in [18, directory + 20] {
        part_of_4_gb[begin..begin + 8].copy_from_slice(&[0xfe, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff]);
    }
    // A directory of 65,535 parts, of which there is one.
    let mut many_parts = archive(&[0; 100_000]);
    let end = many_parts.len() - 22;
    assert_eq!(many_parts[end..end + 4], *b"PK\x05\x06");
    many_parts[end + 8..end + 12].copy_from_slice(&[0xff; 4]);

    for (what, file) in [
        ("a shape of 4 GB", shape_of_4_gb),
        ("a header of 4 GB", header_of_4_gb),
        ("a part of 4 GB", part_of_4_gb),
        ("65,535 parts", many_parts),
    ] {
        let (result, peak) = peak_bytes(|| read_model(Cursor::new(&file)));
        assert!(result.is_err(), "{what}");
        assert!(peak < 32 << 20, "{what}: {peak} bytes");
    }

    // Parts of 64 MB that are really there, but no such numbers belong there: they are not read.
    let zeros = vec![0; 64 << 20];
    let large = |descr: &str, shape: &str| {
        let dictionary = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        [b"\x93NUMPY\x01\x00", &(dictionary.len() as u16).to_le_bytes()[..], dictionary.as_bytes(), &zeros].concat()
    };
    for (name, content) in [
        ("W1.npy", large("<f8", "(8388607, 1)")),
        ("W1.npy", large("<f2", "(33554432, 1)")),
        ("W1.npy", large("<f8", "(8388608,)")),
        ("b1.npy", large("<f8", "(8388608,)")),
        ("generator.npy", large("<u4", "(16777216,)")),
        ("iteration.npy", large("<u8", "(8388608,)")),
        ("run.json", zeros.clone()),
    ] {
        let file = checkpoint_with(name, &content);
        let (result, peak) = peak_bytes(|| Checkpoint::read(Cursor::new(&file)).map(drop));
        assert!(matches!(result, Err(NpzError::Unexpected { .. })), "{name}: {result:?}");
        assert!(peak < 1 << 20, "{name}: {peak} bytes");
    }
}

/// A good checkpoint, but for the part `name`.
fn checkpoint_with(name: &str, content: &[u8]) -> Vec<u8> {
    let good = include_bytes!("../fixtures/run-0.1.0/checkpoint.npz");
    let mut parts = ZipArchive::new(Cursor::new(&good[..])).unwrap();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    assert!(parts.file_names().any(|known| known == name));
    for i in 0..parts.len() {
        let mut part = parts.by_index(i).unwrap();
        zip.start_file(part.name(), SimpleFileOptions::default().compression_method(CompressionMethod::Stored))
            .unwrap();
        if part.name() == name {
            zip.write_all(content).unwrap();
        } else {
            std::io::copy(&mut part, &mut zip).unwrap();
        }
    }
    zip.finish().unwrap().into_inner()
}
