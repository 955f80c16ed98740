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
        // pandas' row numbers; scikit-learn's and OpenML's names, with the label last; tabs; blanks, as numpy.savetxt has them.
        ",label,p0,p1,p2,p3\n0,1,0,1,2,255\n1,0,4,5,6,7".to_owned(),
        "pixel_0_0,pixel_0_1,pixel_1_0,pixel_1_1,target\n0,1,2,255,1\n4,5,6,7,0".to_owned(),
        "pixel1\tpixel2\tpixel3\tpixel4\tclass\r\n0\t1\t2\t255\t1\r\n4\t5\t6\t7\t0\r\n".to_owned(),
        "\tlabel\ta\tb\tc\td\n7\t1\t0\t1\t2\t255\n8\t0\t4\t5\t6\t7\n".to_owned(),
        "label,0,1,2,3\n1,0,1,2,255\n0,4,5,6,7".to_owned(),
        "1.000000000000000000e+00 0.0e+00 1.0 2e0  255.0 \n0.0 4 5 6 7\n".to_owned(),
        "# label a b c d\n1 0 1 2 255\n0 4 5 6 7\n".to_owned(),
        "label,a,b,c,d\n1,0,0.003921569,0.007843137,1\n0,0.01568627,0.01960784,0.02352941,0.02745098\n".to_owned(),
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
        ("0,5,1,2,3,4\n", "found 6 columns; numbers of the rows are no pixels"),
        ("ImageId,Label\n1,0\n2,3\n", "found 2 columns"),
        ("0,1,2,3,4\n7,5,6,7,8\n", "no column \"label\""),
        ("label,class,a,b,c,d\n1,2,3,4,5,6\n", "2 columns that may be the labels"),
        ("label,a,b,c,d\r1,2,3,4,5\r", "lines end as on old Macintoshes"),
        (
            "label,a,b,c,d\n1,2,3,4,5\nlabel,a,b,c,d\n",
            "line 3, column 1: expected a label from 0 to 255, found \"label\"",
        ),
        ("label,a,b,c,d\nshirt,1,2,3,4\n", "line 2, column 1: expected a label from 0 to 255, found \"shirt\""),
        ("label,a,b,c,d\n1,-0.4242,2.8,0,0\n", "line 2, column 2: expected whole numbers"),
        ("label;a;b;c;d\n1;0,5;0,25;0;1\n", "line 2, column 2: expected whole numbers"),
        (&(0..12).map(|i| format!("0,0,3,{},{}\n", i % 16, i % 10)).collect::<String>(), "is 0 in each row"),
        ("\u{feff}@relation mnist\n@attribute p0 numeric\n@data\n1,2,3\n", "an ARFF file"),
        ("5 153:3 154:18\n", "a text of LIBSVM"),
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
    assert!(matches!(read_table(&b"<html>\n</html>"[..]), Err(TableError::OtherFile(_))));
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
        (b"PK".to_vec(), "expected an .npz archive, found a text that begins with \"PK\""),
    ] {
        let error = error_of(&content);
        assert!(error.contains(expected), "{error}");
    }
    let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
    npz.add_array("x_train", &Array2::<u8>::zeros((1, 3))).unwrap();
    let error = error_of(&npz.finish().unwrap().into_inner());
    assert!(error.contains("x_train in it: expected pictures") && error.contains("[1, 3]"), "{error}");
}

/// A `.npy` file: version 1, C order unless `fortran`.
fn npy(descr: &str, fortran: bool, shape: &str, body: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    let header = format!("{header:<117}\n");
    [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), body].concat()
}

/// An archive with these arrays.
fn npz_of(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in arrays {
        let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file(format!("{name}.npy"), stored).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_file_of_a_single_array_takes_the_place_of_an_idx_file() {
    let train = npy("|u1", false, "(2, 2, 2, 1)", &[0, 1, 2, 255, 4, 5, 6, 7]);
    let test = npy("|u1", true, "(1, 2, 2)", &[8, 10, 9, 11]);
    let train_labels = npy(">i8", false, "(2,)", &[1_i64.to_be_bytes(), 0_i64.to_be_bytes()].concat());
    let test_labels = npy("<f8", false, "(1,)", &1_f64.to_le_bytes());
    let one = |array: &Vec<u8>| npz_of(&[("arr_0", array.clone())]);
    let idx_labels = crate::support::idx_files::labels(2, &[1, 0]);
    for files in [
        [
            ("train_images.npy", &train),
            ("train_labels.npy", &train_labels),
            ("test_images.npy", &test),
            ("test_labels.npy", &test_labels),
        ],
        [("x_train.npy", &train), ("y_train.npy", &train_labels), ("x_test.npy", &test), ("y_test.npy", &test_labels)],
        [
            ("train-images.npy", &train),
            ("train-labels-idx1-ubyte", &idx_labels),
            ("test-images.npy", &test),
            ("test-labels.npy", &test_labels),
        ],
        [
            ("kmnist-train-imgs.npz", &one(&train)),
            ("kmnist-train-labels.npz", &one(&train_labels)),
            ("kmnist-test-imgs.npz", &one(&test)),
            ("kmnist-test-labels.npz", &one(&test_labels)),
        ],
    ] {
        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, content)| fs::write(folder.path().join(name), content).unwrap());
        let data = from_directory(folder.path(), 2).unwrap_or_else(|error| panic!("{error}"));
        check(&data);
        check_test(&data);

        for (content, expected) in [
            (npz_of(&[("a", train.clone()), ("b", train.clone())]), "expected a single array in it, found a, b"),
            (npy("|O", false, "(2,)", b"\x80\x04"), "found Python's objects (|O), which are pickled and never read"),
            (npy("<f2", false, "(1,)", &[0, 0]), "half precision"),
            (npy("<U1", false, "(1,)", b"a\0\0\0"), "found texts (<U1)"),
            (train[..train.len() - 1].to_vec(), "expected 8 bytes of numbers for the shape [2, 2, 2, 1], found 7"),
            (npy("|u1", false, "(1, 2, 2, 3)", &[0; 12]), "expected pictures"),
            (npy("<f8", false, "(1, 2, 2)", &[0.5_f64.to_le_bytes(), [0; 8], [0; 8], [0; 8]].concat()), "images, but"),
        ] {
            fs::write(folder.path().join(files[0].0), content).unwrap();
            let error = error(folder.path());
            assert!(error.contains(expected), "{error}");
        }
    }
}

#[test]
fn an_archive_with_the_arrays_by_other_names_is_read() {
    let train = npy("|u1", false, "(2, 2, 2)", &[0, 1, 2, 255, 4, 5, 6, 7]);
    let test = npy("|u1", false, "(1, 2, 2)", &[8, 9, 10, 11]);
    let (train_labels, test_labels) = (npy("|u1", false, "(2, 1)", &[1, 0]), npy("|u1", false, "(1, 1)", &[1]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pneumoniamnist.npz");
    for names in [
        ["train_images", "train_labels", "test_images", "test_labels"],
        ["X_train", "Y_train", "X_test", "Y_test"],
        ["train_x", "train_y", "test_x", "test_y"],
    ] {
        let arrays = [&train, &train_labels, &test, &test_labels];
        let arrays: Vec<_> =
            names.into_iter().zip(arrays.map(Clone::clone)).chain([("val_images", Vec::new())]).collect();
        fs::write(&path, npz_of(&arrays)).unwrap();
        let data = from_directory(&path, 2).unwrap_or_else(|error| panic!("{error}"));
        check(&data);
        check_test(&data);
    }
    fs::write(&path, npz_of(&[("arr_0", train)])).unwrap();
    assert!(error(&path).ends_with("expected x_train in it, found arr_0"), "{}", error(&path));
}

#[test]
fn what_lies_in_a_folder_in_place_of_a_data_set_is_called_by_what_it_is() {
    for (name, content, expected) in [
        (
            "archive.zip",
            &b"PK\x03\x04\x14\0"[..],
            "the folder holds archive.zip; archive.zip is a zip archive: unpack it",
        ),
        ("matlab/emnist-letters.mat", b"MATLAB 5.0 MAT-file", "scipy.io.loadmat"),
        (
            "train/0/1.png",
            b"\x89PNG\r\n\x1a\n",
            "1.png is a picture (PNG); pictures in a file each are not read: numpy.savez",
        ),
        (
            "digits.csv",
            b"1,2,3,4,5\n",
            "digits.csv is a table: if it is that of the samples, name it in place of the folder",
        ),
        ("processed/training.pt", b"PK\x03\x04\x14\0", "a zip archive"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        let error = error(folder.path());
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn files_without_a_name_that_tells_are_read_by_what_is_in_them() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("digits", ROWS.as_bytes()), ("digits.data", "1.0e+00 8 9 10 11\n".as_bytes())]);
    for name in ["digits", "digits.data"] {
        let data = from_directory(&folder.path().join(name), 2).unwrap();
        assert_eq!((data.train.labels(), data.train.raw().flat()), (&[1][..], array![[8.0, 9.0, 10.0, 11.0]]));
    }
    write(folder.path(), &[("mnist.npz.1", &archive(&pixels(), &array![1_u8, 0]))]);
    check(&from_directory(&folder.path().join("mnist.npz.1"), 2).unwrap());
}

#[test]
fn labels_in_a_table_of_their_own_are_said_to_be_missing_in_the_other() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("X_train.csv", b"0,1,2,3\n9,8,7,6\n"), ("y_train.csv", b"0\n5\n")]);
    let error = error(folder.path());
    assert!(
        error.contains("X_train.csv: its header has no column \"label\"") && error.contains("of a file of their own"),
        "{error}"
    );
}

#[test]
fn pictures_of_another_scale_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[("train.csv", b"label,a,b,c,d\n1,0,5,13,16\n"), ("test.csv", b"label,a,b,c,d\n1,0,5,13,16\n")],
    );
    let request = Request { data_dir: Some(folder.path().into()), ..Request::default() };
    let warnings = load(&request, &mut LegacyRandom::seed(1), &mut ()).unwrap().warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("is 16 of 255"), "{warnings:?}");
    write(folder.path(), &[("test.csv", b"id,a,b,c,d\n1,0,5,13,16\n"), ("train.csv", TABLE.as_bytes())]);
    let warnings = load(&request, &mut LegacyRandom::seed(1), &mut ()).unwrap().warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("no test samples with labels"), "{warnings:?}");
}

#[test]
fn one_part_that_is_not_mnists_own_is_told_of() {
    let Some(source) = crate::support::mnist::folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(source).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let mut bytes =
        crate::support::idx_files::labels(10_000, from_directory(folder.path(), 10).unwrap().test.unwrap().labels());
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(folder.path().join("t10k-labels-idx1-ubyte.gz"), gzip(&bytes)).unwrap();
    let request = Request { data_dir: Some(folder.path().into()), ..Request::default() };
    let warnings = load(&request, &mut LegacyRandom::seed(1), &mut ()).unwrap().warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("the test labels are not MNIST's own"), "{warnings:?}");
}

#[test]
fn what_takes_more_memory_than_there_is_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (archive_path, table_path) = (folder.path().join("a.npz"), folder.path().join("b.csv"));
    write(folder.path(), &[("a.npz", &archive(&pixels(), &array![1_u8, 0])), ("b.csv", TABLE.as_bytes())]);
    for (path, max_bytes, expected) in [
        (&archive_path, 7, "x_train in it: expected data that take at most 7 bytes of memory"),
        (&archive_path, 15, "y_train in it: expected data that take at most 7 bytes of memory"),
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
    (10..30).for_each(|i| write(folder.path(), &[(&format!("{i}.npz"), b"")]));
    assert!(error(folder.path()).contains("found 22: ") && error(folder.path()).contains(", and 10 more; name one"));
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
    let path = folder.path().join("mnist.pkl.gz");
    fs::rename(folder.path().join("mnist.pkl"), &path).unwrap();
    for path in [folder.path(), &path] {
        let error = error(path);
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(lines.len(), 4, "{error}");
        assert!(lines[2].contains("(x, y), (v, w), (t, u) = pickle.load(gzip.open("), "{error}");
        assert!(lines[3].contains("x_train=numpy.vstack((x, v))"), "{error}");
    }
}
