//! Data sets in other forms than IDX: Keras' archive and Kaggle's tables, found in a folder or named as a file.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use crate::support::idx_files::gzip;
use ndarray::{Array1, Array2, Array3, ShapeBuilder, array};
use ndarray_npy::{NpzWriter, WritableElement};
use numgrad::dataset::{Dataset, Error, Request, TableError, from_directory, load, read_table};
use numgrad::random::LegacyRandom;
use proptest::prelude::*;

const TABLE: &str = "label,pixel0,pixel1,pixel2,pixel3\n1,0,1,2,255\n0,4,5,6,7\n";
const ROWS: &str = "1,8,9,10,11\n";

fn write(folder: &Path, files: &[(&str, &[u8])]) {
    files.iter().for_each(|(name, content)| fs::write(folder.join(name), content).unwrap());
}

fn check(data: &Dataset) {
    assert_eq!((data.train.labels(), data.train.image_size()), (&[1, 0][..], Some((2, 2))));
    assert_eq!(data.train.raw().flat(), array![[0.0, 1.0, 2.0, 255.0], [4.0, 5.0, 6.0, 7.0]]);
}

fn check_test(data: &Dataset) {
    let test = data.test.as_ref().unwrap();
    assert_eq!((test.labels(), test.raw().flat()), (&[1][..], array![[8.0, 9.0, 10.0, 11.0]]));
}

fn error(path: &Path) -> String {
    from_directory(path, 2).unwrap_err().to_string()
}

#[test]
fn tables_are_found_by_their_names_or_named() {
    for (train, test) in [
        ("train.csv", "test.csv"),
        ("mnist_train.csv", "mnist_test.csv"),
        ("emnist-letters-train.csv", "emnist-letters-test.csv"),
        ("Fashion-MNIST_Train.CSV.gz", "fashion-mnist_test.csv"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (train_path, test_path) = (folder.path().join(train), folder.path().join(test));
        let zipped = gzip(TABLE.as_bytes());
        let content = if train.ends_with("gz") { &zipped[..] } else { TABLE.as_bytes() };
        write(folder.path(), &[(train, content), (test, ROWS.as_bytes()), ("sample_submission.csv", b"x")]);
        for path in [folder.path(), &train_path, &test_path] {
            let data = from_directory(path, 2).unwrap_or_else(|error| panic!("{error}"));
            check(&data);
            check_test(&data);
        }
    }
}

#[test]
fn a_table_without_another_or_without_labels_makes_no_test_set() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("digits.csv", TABLE.as_bytes()), ("train.csv", TABLE.as_bytes())]);
    for path in [folder.path().join("digits.csv"), folder.path().to_owned()] {
        let data = from_directory(&path, 2).unwrap();
        check(&data);
        assert_eq!(data.test, None);
    }
    write(folder.path(), &[("test.csv", b"pixel0,pixel1,pixel2,pixel3\n1,2,3,4\n")]);
    assert_eq!(from_directory(folder.path(), 2).unwrap().test, None);
    fs::remove_file(folder.path().join("train.csv")).unwrap();
    let error = error(&folder.path().join("test.csv"));
    assert!(error.contains("expected a table of training samples"), "{error}");
}

#[test]
fn a_table_is_read_with_the_label_anywhere_and_numbers_of_any_kind() {
    for table in [
        TABLE.to_owned(),
        TABLE.replace('\n', "\r\n"),
        format!("\u{feff}{TABLE}\n\n"),
        TABLE.replace(',', " ; "),
        "\"pixel0\",\"Label\",\"pixel1\",\"pixel2\",\"pixel3\"\n0,1,1,2,255\n4.0,0,5.0,6,7".to_owned(),
        "1,0,1,2,255\n0,4,5,6,7".to_owned(),
    ] {
        let (images, labels) = read_table(table.as_bytes()).unwrap_or_else(|error| panic!("{table}: {error}"));
        assert_eq!((&images.pixels[..], &labels[..]), (&[0, 1, 2, 255, 4, 5, 6, 7][..], &[1, 0][..]), "{table}");
    }
}

#[test]
fn what_is_wrong_with_a_table_is_named_by_line_and_column() {
    for (table, expected) in [
        ("", "it is empty"),
        ("label,a,b,c,d\n", "it is empty"),
        ("a,b,c,d,e\n1,2,3,4,5\n", "no column \"label\""),
        ("1,2,3\n", "found 3 columns"),
        ("1,2,3,4,5\n1,2,3,4\n", "line 2: expected 5 columns as in the first, found 4"),
        ("1,2,3,4,5\n1,2,x,4,5\n", "line 2, column 3: expected whole numbers from 0 to 255"),
        ("1,2,3,4,256\n", "line 1, column 5"),
        ("1,2,nan,4,5\n", "line 1, column 3: expected whole numbers from 0 to 255"),
        ("1,2,,4,5\n", "line 1, column 3"),
        ("1,2,3,4,5\n-1,2,3,4,5\n", "line 2, column 1: expected a label from 0 to 255, found \"-1\""),
    ] {
        let error = read_table(table.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{table:?}: {error}");
    }
    assert!(matches!(read_table(&b"<html>\n</html>"[..]), Err(TableError::NoLabel)));
}

#[test]
fn pictures_that_lie_on_their_side_are_turned() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("train.csv", TABLE.as_bytes()), ("test.csv", ROWS.as_bytes())]);
    let request = Request { data_dir: Some(folder.path().into()), transpose: true, ..Request::default() };
    let data = load(&request, &mut LegacyRandom::seed(1), &mut ()).unwrap().dataset;
    assert_eq!(data.train.raw().flat(), array![[0.0, 2.0, 1.0, 255.0], [4.0, 6.0, 5.0, 7.0]]);
    assert_eq!(data.test.unwrap().raw().flat(), array![[8.0, 10.0, 9.0, 11.0]]);
    let nowhere = Request { data_dir: None, ..request };
    assert!(matches!(load(&nowhere, &mut LegacyRandom::seed(1), &mut ()), Err(Error::NothingToTranspose)));

    let wide = crate::support::idx_files::images(1, 2, 3, &[1, 2, 3, 4, 5, 6]);
    let labels = crate::support::idx_files::labels(1, &[0]);
    let folder = tempfile::tempdir().unwrap();
    let files: [(&str, &[u8]); 4] =
        [("train-images", &wide), ("train-labels", &labels), ("test-images", &wide), ("test-labels", &labels)];
    write(folder.path(), &files);
    let request = Request { data_dir: Some(folder.path().into()), transpose: true, ..Request::default() };
    let train = load(&request, &mut LegacyRandom::seed(1), &mut ()).unwrap().dataset.train;
    assert_eq!((train.image_size(), train.raw().flat()), (Some((3, 2)), array![[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]]));
}

proptest! {
    #[test]
    fn no_bytes_make_the_table_reader_panic(bytes: Vec<u8>, table in "[0-9,;x\"\n. -]{0,60}") {
        let _ = read_table(&bytes[..]);
        let _ = read_table(table.as_bytes());
    }
}

/// Keras' archive with these training arrays.
fn archive<X: WritableElement, Y: WritableElement>(x: &Array3<X>, y: &Array1<Y>) -> Vec<u8> {
    let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
    npz.add_array("x_train", x).unwrap();
    npz.add_array("y_train", y).unwrap();
    npz.add_array("x_test", &array![[8.0_f32, 9.0, 10.0, 11.0]]).unwrap();
    npz.add_array("y_test", &array![[0_i64, 1]]).unwrap();
    npz.finish().unwrap().into_inner()
}

fn pixels() -> Array3<u8> {
    Array3::from_shape_vec((2, 2, 2), vec![0, 1, 2, 255, 4, 5, 6, 7]).unwrap()
}

#[test]
fn keras_archive_is_read_with_numbers_of_any_type_and_in_both_orders() {
    let in_fortran_order = Array3::from_shape_fn((2, 2, 2).f(), |at| pixels()[at]);
    for content in [
        archive(&pixels(), &array![1_u8, 0]),
        archive(&pixels().mapv(i64::from), &array![1_i64, 0]),
        archive(&pixels().mapv(|pixel| f32::from(pixel) / 255.0), &array![1.0_f64, 0.0]),
        archive(&in_fortran_order, &array![1_u32, 0]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[("mnist.npz", &content), ("notes.txt", b"")]);
        for path in [folder.path().to_owned(), folder.path().join("mnist.npz")] {
            let data = from_directory(&path, 2).unwrap_or_else(|error| panic!("{error}"));
            check(&data);
            check_test(&data);
        }
    }
}

#[test]
fn what_is_wrong_with_an_archive_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mnist.npz");
    let error_of = |content: &[u8]| {
        fs::write(&path, content).unwrap();
        error(&path)
    };
    for (content, expected) in [
        (archive(&pixels(), &array![1_u8]), "holds 2 images, but"),
        (archive(&pixels(), &array![1.5_f32, 0.0]), "y_train in it: expected whole numbers from 0 to 255"),
        (archive(&pixels().mapv(|_| -1_i8), &array![1_u8, 0]), "x_train in it: expected whole numbers from 0 to 255"),
        (b"\x93NUMPY".to_vec(), "found a single array (.npy)"),
        (Vec::new(), "found an empty file"),
        (b"PK".to_vec(), "expected an .npz archive"),
    ] {
        let error = error_of(&content);
        assert!(error.contains(expected), "{error}");
    }
    let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
    npz.add_array("x_train", &Array2::<u8>::zeros((1, 3))).unwrap();
    let error = error_of(&npz.finish().unwrap().into_inner());
    assert!(error.contains("x_train in it: expected pictures") && error.contains("[1, 3]"), "{error}");
}

#[test]
fn what_takes_more_memory_than_there_is_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (archive_path, table_path) = (folder.path().join("a.npz"), folder.path().join("b.csv"));
    write(folder.path(), &[("a.npz", &archive(&pixels(), &array![1_u8, 0])), ("b.csv", TABLE.as_bytes())]);
    for (path, max_bytes, expected) in [
        (&archive_path, 7, "x_train in it: expected what takes at most 7 bytes of memory"),
        (&archive_path, 15, "y_train in it: expected what takes at most 7 bytes of memory"),
        (&table_path, 7, "line 3: expected pictures of at most 7 bytes of memory"),
    ] {
        let max_bytes = Some(max_bytes);
        let request = Request { data_dir: Some(path.clone()), max_bytes, ..Request::default() };
        let error = load(&request, &mut LegacyRandom::seed(1), &mut ()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn several_archives_and_tables_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("a.npz", b""), ("b_train.csv", b""), ("b_test.csv", b"")]);
    match from_directory(folder.path(), 2) {
        Err(Error::SeveralSets { sets, .. }) => {
            assert_eq!(sets, [folder.path().join("a.npz"), folder.path().join("b_train.csv")]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pickle_is_not_read_but_told_how_to_convert() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("mnist.pkl", b"\x80\x03}q\x00.")]);
    for path in [folder.path().to_owned(), folder.path().join("mnist.pkl")] {
        let error = error(&path);
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(lines.len(), 4, "{error}");
        assert!(lines[2].contains("mnist.pkl\", \"rb\"))") && lines[3].contains("x_train=d[\"train_img\"]"), "{error}");
    }
}
