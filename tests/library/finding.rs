//! Finding a data set's files: under all the names in which they are published, and what is said where they aren't there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::idx_files::{gzip, images, labels};
use numgrad::dataset::{Error, find_class_names, from_directory};
use tempfile::TempDir;

const ROLES: [&str; 4] = ["train-images", "train-labels", "t10k-images", "t10k-labels"];

/// Two training images and one test image of 1 × 2 pixels; the first pixel of all is `mark`.
fn contents(mark: u8) -> [Vec<u8>; 4] {
    [images(2, 1, 2, &[mark, 0, 1, 2]), labels(2, &[0, 1]), images(1, 1, 2, &[3, 4]), labels(1, &[1])]
}

/// Writes a file for each name, with folders around it as the name says.
fn write(folder: &Path, names: [String; 4], mark: u8) {
    for (name, content) in names.iter().zip(contents(mark)) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

fn named(begin: &str, end: &str) -> [String; 4] {
    ROLES.map(|role| format!("{begin}{role}{end}"))
}

/// The mark of what is read.
fn mark(path: &Path) -> u8 {
    let data = from_directory(path, 2).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((data.train.labels(), data.test.unwrap().labels()), (&[0, 1][..], &[1][..]));
    data.train.raw().flat()[[0, 0]] as u8
}

fn error(path: &Path) -> String {
    from_directory(path, 2).unwrap_err().to_string()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn the_files_are_found_under_every_name_in_which_they_are_published() {
    for (begin, end) in [
        ("", "-idx3-ubyte"),
        ("", ".idx3-ubyte"),
        ("", "-idx3-ubyte (1)"),
        ("", "-idx3-ubyte(2).gz"),
        ("", "-idx3-ubyte.gz.1"),
        ("", ".IDX"),
        ("", ""),
        ("emnist-letters-", "-idx3-ubyte"),
        ("MNIST/raw/", "-idx3-ubyte"),
        ("gzip/emnist-digits-", "-idx3-ubyte.gz"),
        ("FashionMNIST/raw/", "-idx3-ubyte"),
    ] {
        let folder = folder();
        write(folder.path(), named(begin, end), 7);
        assert_eq!(mark(folder.path()), 7, "{begin}{end}");
    }
    let folder = folder();
    write(folder.path(), named("", "-IDX3-UBYTE.GZ").map(|name| name.to_uppercase().replace("T10K", "Test")), 8);
    assert_eq!(mark(folder.path()), 8);
}

#[test]
fn the_content_decides_whether_a_file_is_compressed() {
    let folder = folder();
    for (i, (name, content)) in ROLES.iter().zip(contents(9)).enumerate() {
        let (name, content) = if i < 2 { (format!("{name}.gz"), content) } else { ((*name).into(), gzip(&content)) };
        fs::write(folder.path().join(name), content).unwrap();
    }
    assert_eq!(mark(folder.path()), 9);
}

#[test]
fn a_file_in_a_folder_of_its_own_name_is_found() {
    let folder = folder();
    write(folder.path(), ROLES.map(|role| format!("{role}-idx3-ubyte/{role}-idx3-ubyte")), 1);
    assert_eq!(mark(folder.path()), 1);
    // Kaggle has each file twice. It is one candidate all the same.
    write(folder.path(), named("", ".idx3-ubyte"), 2);
    assert_eq!(mark(folder.path()), 2);
}

#[test]
fn a_file_beside_its_compressed_self_or_a_copy_is_one_candidate() {
    let folder = folder();
    write(folder.path(), named("", "-idx3-ubyte (1).gz"), 1);
    write(folder.path(), named("", "-idx3-ubyte"), 2);
    write(folder.path(), named("", "-idx3-ubyte.gz"), 3);
    assert_eq!(mark(folder.path()), 3);
}

#[test]
fn of_several_sets_the_beginning_of_the_names_chooses() {
    let folder = folder();
    for (i, set) in ["letters", "digits", "byclass", "bymerge"].into_iter().enumerate() {
        write(folder.path(), named(&format!("gzip/emnist-{set}-"), "-idx3-ubyte.gz"), i as u8);
    }
    let gzip = folder.path().join("gzip");
    for folder in [folder.path(), &gzip] {
        let error = error(folder);
        assert!(error.starts_with(&format!("{}: expected one data set, found 4: ", folder.display())), "{error}");
        for set in ["emnist-letters", "emnist-digits", "emnist-byclass", "emnist-bymerge"] {
            assert!(error.contains(&gzip.join(set).display().to_string()), "{error}");
        }
        assert_eq!(mark(&folder.join("emnist-letters")), 0);
        assert_eq!(mark(&folder.join("EMNIST-Digits-")), 1);
        assert_eq!(mark(&folder.join("emnist-byc")), 2);
    }
    let several = error(&gzip.join("emnist-by"));
    assert!(several.contains("found 2") && !several.contains("letters"), "{several}");
    // One of the files chooses its set.
    assert_eq!(mark(&gzip.join("emnist-bymerge-train-labels-idx3-ubyte.gz")), 3);
}

#[test]
fn mnists_own_names_need_no_beginning_beside_others() {
    let folder = folder();
    write(folder.path(), named("emnist-", ""), 1);
    write(folder.path(), named("", ""), 2);
    write(folder.path(), named("below/", ""), 3);
    assert_eq!(mark(folder.path()), 2);
    assert_eq!(mark(&folder.path().join("emnist")), 1);
}

#[test]
fn sets_in_several_folders_below_are_listed() {
    let folder = folder();
    let sets = ["MNIST", "KMNIST"].map(|set| folder.path().join(set).join("raw"));
    for set in &sets {
        write(set, named("", "-idx3-ubyte"), 1);
    }
    let error = error(folder.path());
    assert!(sets.iter().all(|set| error.contains(&set.display().to_string())), "{error}");
}

#[test]
fn what_is_missing_is_named_with_the_nearest_name_and_what_there_is() {
    let folder = folder();
    let [images, _, test_images, _] = named("", "-idx3-ubyte");
    let names = [images, "train-lables-idx1-ubyte.gz".into(), test_images, "notes.txt".into()];
    write(folder.path(), names, 0);
    let error = error(folder.path());
    let expected = "missing: train-labels-idx1-ubyte (the nearest is train-lables-idx1-ubyte.gz), \
                    t10k-labels-idx1-ubyte; the folder holds notes.txt, t10k-images-idx3-ubyte, train-images-idx3-ubyte, \
                    train-lables-idx1-ubyte.gz";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn the_nearest_name_may_lack_the_format() {
    let folder = folder();
    write(folder.path(), ["train-images", "train-lables", "test-images", "tset-labels"].map(String::from), 0);
    let error = error(folder.path());
    assert!(
        error.contains("train-labels-idx1-ubyte (the nearest is train-lables), t10k-labels-idx1-ubyte;"),
        "{error}"
    );
}

#[test]
fn the_missing_files_of_a_set_below_are_named_as_they_would_be_called() {
    let folder = folder();
    write(folder.path(), named("gzip/emnist-mnist-", "-idx3-ubyte"), 0);
    fs::remove_file(folder.path().join("gzip/emnist-mnist-t10k-labels-idx3-ubyte")).unwrap();
    let error = error(folder.path());
    assert!(error.starts_with(&folder.path().join("gzip").display().to_string()), "{error}");
    assert!(error.contains("missing: emnist-mnist-t10k-labels-idx1-ubyte;"), "{error}");
}

#[test]
fn a_folder_of_other_things_is_listed_as_far_as_a_line_takes_it() {
    let folder = folder();
    assert!(error(folder.path()).ends_with("the folder holds nothing"));
    for i in 0..15 {
        fs::write(folder.path().join(format!("{i:02}.dat")), "").unwrap();
    }
    fs::create_dir(folder.path().join("00")).unwrap();
    fs::write(folder.path().join(".hidden"), "").unwrap();
    let error = error(folder.path());
    assert!(error.contains("holds 00/, 00.dat, 01.dat, ") && error.ends_with("10.dat, and 4 more"), "{error}");
}

#[test]
fn a_folder_that_is_not_there_names_the_nearest() {
    let folder = folder();
    let fashion = folder.path().join("fashion-mnist");
    write(&fashion, named("", ""), 5);
    let asked = folder.path().join("fashion_mnst");
    match from_directory(&asked, 2) {
        Err(Error::NoDirectory { path, nearest }) => assert_eq!((path, nearest), (asked, Some(fashion))),
        other => panic!("{other:?}"),
    }
    let nowhere = PathBuf::from("nowhere/at/all");
    assert!(error(&nowhere).ends_with("found no folder of that name"));
}

#[test]
fn a_file_that_is_none_of_the_four_is_said_to_be() {
    let folder = folder();
    let path = folder.path().join("notes.txt");
    fs::write(&path, "notes").unwrap();
    assert!(error(&path).ends_with("or one of them, found a text that begins with \"notes\""));
}

#[test]
fn the_names_of_classes_are_found_beside_the_files_wherever_these_are() {
    for (begin, names, asked) in [
        ("", "classes.txt", ""),
        ("MNIST/raw/", "MNIST/raw/classes.txt", ""),
        ("MNIST/raw/", "class-names.txt", ""),
        ("gzip/emnist-letters-", "gzip/emnist-letters-mapping.txt", ""),
        ("gzip/emnist-letters-", "gzip/emnist-letters-mapping.txt", "emnist-letters"),
        ("gzip/emnist-letters-", "gzip/labels.txt", "gzip/emnist-letters"),
    ] {
        let folder = folder();
        write(folder.path(), named(begin, "-idx3-ubyte"), 7);
        assert_eq!(find_class_names(&folder.path().join(asked)), None);
        let names = folder.path().join(names);
        fs::write(&names, "a\nb\n").unwrap();
        assert_eq!(find_class_names(&folder.path().join(asked)), Some(names), "{begin} by {asked}");
    }
}
