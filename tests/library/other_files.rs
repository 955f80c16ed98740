//! What lies under the name of a data file and is none: it is called by what it is, with what to do, and damage is called
//! damage.

use std::fs;
use std::path::Path;

use crate::support::idx_files::{gzip, images, labels};
use numgrad::dataset::idx::{IdxError, read_images, read_labels};
use numgrad::dataset::{TableError, from_directory, read_class_names, read_table};
use numgrad::train::read_model;

/// Files that are no data, and what errors call them.
const OTHERS: [(&[u8], &str); 18] = [
    (b"", "an empty file"),
    (b"<!DOCTYPE html>\n<html><body>404</body></html>", "a web page (HTML)"),
    (b"\n<html>\n<head><title>Sign in</title></head>\n</html>", "a web page (HTML)"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
    (
        b"<?xml version=\"1.0\"?>\n<Error><Code>NoSuchKey</Code></Error>",
        "an XML text, as servers send it in place of a file that they do not give; it begins with \"<?xml version='1.0'?>\"",
    ),
    (b"{\"message\": \"Not Found\"}", "a JSON text"),
    (b"PK\x03\x04 train-images", "a zip archive: unpack it"),
    (b"7z\xbc\xaf\x27\x1c\0\x04", "a 7z archive: unpack it"),
    (b"Rar!\x1a\x07\x01\0", "a RAR archive: unpack it"),
    (b"\xfd7zXZ\0\0\x04", "compressed by xz"),
    (b"\x80\x04\x95\x1a\0", "a pickle, which is never read"),
    (b"MATLAB 5.0 MAT-file, Platform: PCWIN64", "scipy.io.loadmat"),
    (b"\x89HDF\r\n\x1a\n\0", "HDF5"),
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a picture (PNG)"),
    (b"\xff\xd8\xff\xe0\0\x10JFIF", "a picture (JPEG)"),
    (b"PAR1\x15\x04", "Parquet"),
    (b"just some words", "a text that begins with \"just some words\""),
    (b"\xc3\x28\0\x01\x02\xfe", "data of no kind that is known here"),
];

#[test]
fn what_is_no_idx_file_is_called_by_what_it_is() {
    for (content, expected) in OTHERS {
        for (kind, error) in
            [("images", read_images(content).unwrap_err()), ("labels", read_labels(content).unwrap_err())]
        {
            let error = error.to_string();
            assert!(error.starts_with(&format!("expected a file of {kind} (IDX), found ")), "{error}");
            assert!(error.contains(expected), "{error}");
        }
        let packed = read_images(&gzip(content)[..]).unwrap_err().to_string();
        assert!(packed.contains("found in its gzip data ") && packed.contains(expected), "{packed}");
    }
    let twice = gzip(&gzip(&labels(1, &[0])));
    let error = read_labels(&twice[..]).unwrap_err().to_string();
    assert!(error.ends_with("found a file that is compressed by gzip twice: unpack it once"), "{error}");
}

#[test]
fn an_idx_header_in_the_wrong_byte_order_is_called_so() {
    let reversed = |bytes: &[u8], n_numbers: usize| {
        let (header, body) = bytes.split_at(4 * n_numbers);
        let header = header.chunks(4).flat_map(|number| number.iter().rev().copied()).collect::<Vec<u8>>();
        [&header, body].concat()
    };
    for error in [
        read_images(&reversed(&images(1, 2, 2, &[0; 4]), 4)[..]).unwrap_err(),
        read_labels(&reversed(&labels(1, &[0]), 2)[..]).unwrap_err(),
    ] {
        assert!(error.to_string().contains("whose header is little-endian"), "{error}");
    }
    // Only the dimensions are reversed.
    let folder = tempfile::tempdir().unwrap();
    let mut classes = labels(3, &[0, 1, 0]);
    classes[4..8].reverse();
    for (name, content) in [
        ("train-images", images(3, 1, 2, &[0; 6])),
        ("train-labels", classes),
        ("test-images", images(1, 1, 2, &[0; 2])),
        ("test-labels", labels(1, &[1])),
    ] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let error = from_directory(folder.path(), 2).unwrap_err().to_string();
    assert!(
        error.contains("train-labels: expected a file of labels (IDX), found an IDX file whose header is little"),
        "{error}"
    );
}

#[test]
fn what_is_no_table_archive_or_text_is_called_by_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("names.txt");
    for (content, expected) in OTHERS {
        if content.starts_with(b"just") {
            continue;
        }
        let table = read_table(content).unwrap_err();
        let is_named = table.to_string().contains(expected) || matches!(table, TableError::Empty);
        assert!(is_named, "{table}");

        let model = read_model(std::io::Cursor::new(content)).unwrap_err().to_string();
        let is_damaged_zip = content.starts_with(b"PK\x03") && model.contains("its zip data are damaged or cut off");
        assert!(
            is_damaged_zip || model.starts_with("expected an .npz archive, found ") && model.contains(expected),
            "{model}"
        );

        fs::write(&file, content).unwrap();
        let names = read_class_names(&file, 2).unwrap_err();
        assert!(names.contains(expected), "{names}");
    }
    let twice = read_table(&gzip(&gzip(b"1,2,3,4,5\n"))[..]).unwrap_err().to_string();
    assert!(twice.contains("compressed by gzip twice"), "{twice}");
}

#[test]
fn a_file_in_place_of_the_folder_is_called_by_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["mnist.zip", "mnist", "mnist.mat"] {
        let path = folder.path().join(name);
        for (content, expected) in OTHERS {
            fs::write(&path, content).unwrap();
            let error = from_directory(&path, 2).unwrap_err().to_string();
            assert!(error.starts_with(&path.display().to_string()) && !error.contains("first bytes"), "{error}");
            let is_pickle = content.starts_with(b"\x80\x04") && error.contains("numpy.savez");
            assert!(is_pickle || error.contains(expected), "{error}");
        }
    }
}

#[test]
fn a_folder_where_a_file_is_expected_is_called_so() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["train-images", "train-labels", "test-images", "test-labels"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let error = from_directory(folder.path(), 2).unwrap_err().to_string();
    assert!(error.ends_with("train-images: expected a file, found a folder"), "{error}");
    for name in ["mnist.npz", "train.csv"] {
        let path = folder.path().join(name);
        fs::create_dir(&path).unwrap();
        let error = from_directory(&path, 2).unwrap_err().to_string();
        assert!(error.contains("the folder holds nothing"), "{error}");
    }
}

/// Flips each bit of gzip data and cuts them off everywhere: whatever is read must be `whole`, and everything else an error
/// that `is_damage`. The ten bytes of the header tell nothing of the data, such as the time.
fn check_damage<T: PartialEq, E: std::fmt::Display>(
    packed: &[u8],
    whole: &T,
    read: impl Fn(&[u8]) -> Result<T, E>,
    is_damage: impl Fn(&E) -> bool,
) {
    let mut damaged = packed.to_vec();
    for bit in 8 * 10..8 * packed.len() {
        damaged[bit / 8] ^= 1 << (bit % 8);
        match read(&damaged) {
            Ok(found) => assert!(found == *whole, "bit {bit}"),
            Err(error) => assert!(is_damage(&error), "bit {bit}: {error}"),
        }
        damaged[bit / 8] ^= 1 << (bit % 8);
    }
    for n in 2..packed.len() {
        assert!(read(&packed[..n]).is_err_and(|error| is_damage(&error)), "{n} bytes");
    }
}

#[test]
fn a_bit_that_flips_in_gzip_data_is_damage_and_nothing_else() {
    let pixels: Vec<u8> = (0..6 * 35).map(|i| (i * 37 % 256) as u8 / (1 + i as u8 % 5)).collect();
    let pictures = images(6, 7, 5, &pixels);
    let is_damage = |error: &IdxError| error.to_string().starts_with("its gzip data are damaged (");
    check_damage(&gzip(&pictures), &read_images(&pictures[..]).unwrap(), |bytes| read_images(bytes), is_damage);
    let classes = labels(40, &pixels[..40]);
    check_damage(&gzip(&classes), &read_labels(&classes[..]).unwrap(), |bytes| read_labels(bytes), is_damage);
    let table: String = (0..20).map(|i| format!("{},{},{},0,255\n", i % 3, i * 7, i * 11)).collect();
    let whole = read_table(table.as_bytes()).unwrap();
    let is_damage = |error: &TableError| error.to_string().starts_with("its gzip data are damaged (");
    check_damage(&gzip(table.as_bytes()), &whole, |bytes| read_table(bytes), is_damage);
}

#[test]
fn damage_is_named_before_two_files_are_said_to_contradict_each_other() {
    let write = |folder: &Path, damage: bool| {
        let mut packed = gzip(&labels(3, &[0, 1, 0]));
        if damage {
            // A stored block holds its bytes as they are: that of the header's number is one of them.
            packed = stored(&labels(3, &[0, 1, 0]));
            let at = packed.windows(4).position(|bytes| bytes == [0, 0, 0, 3]).unwrap() + 3;
            packed[at] = 7;
        }
        for (name, content) in [
            ("train-images", images(3, 1, 2, &[0; 6])),
            ("train-labels", packed),
            ("test-images", images(1, 1, 2, &[0; 2])),
            ("test-labels", labels(1, &[1])),
        ] {
            fs::write(folder.join(name), content).unwrap();
        }
    };
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), false);
    assert_eq!(from_directory(folder.path(), 2).unwrap().train.len(), 3);
    write(folder.path(), true);
    let error = from_directory(folder.path(), 2).unwrap_err().to_string();
    assert!(error.contains("train-labels: its gzip data are damaged"), "{error}");
}

fn stored(content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}
