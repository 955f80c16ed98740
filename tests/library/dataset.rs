//! Data sets: in which forms samples are handed out, and what is wrong with files that do not fit together.

use std::fs;
use std::path::Path;

use crate::support::idx_files::{gzip, images, labels};
use crate::support::mnist;
use ndarray::Array2;
use numgrad::dataset::{Dataset, Error, Name, Request, Sampler, embedded, from_directory, load, synthetic};
use numgrad::random::LegacyRandom;
use tempfile::TempDir;

const NAMES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// Three training images and one test image of 2 × 3 pixels, labels 0 to 2.
fn small_files() -> [Vec<u8>; 4] {
    let pixels: Vec<u8> = (0..18).map(|i| i * 15).collect();
    [images(3, 2, 3, &pixels), labels(3, &[2, 0, 1]), images(1, 2, 3, &[255, 0, 1, 2, 3, 4]), labels(1, &[1])]
}

/// A folder of these files, every other one compressed.
fn folder_of(files: &[Vec<u8>; 4]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (i, (name, content)) in NAMES.iter().zip(files).enumerate() {
        if i % 2 == 0 {
            fs::write(folder.path().join(name), content).unwrap();
        } else {
            fs::write(folder.path().join(format!("{name}.gz")), gzip(content)).unwrap();
        }
    }
    folder
}

fn error_of(files: &[Vec<u8>; 4], n_classes: usize) -> String {
    let folder = folder_of(files);
    from_directory(folder.path(), n_classes).unwrap_err().to_string()
}

fn request(name: Option<Name>, data_dir: Option<&Path>) -> Request {
    Request { name, data_dir: data_dir.map(Into::into), ..Request::default() }
}

fn load_quietly(request: &Request) -> Result<Dataset, Error> {
    let loaded = load(request, &mut LegacyRandom::seed(42), &mut ())?;
    assert!(loaded.warnings.is_empty());
    Ok(loaded.dataset)
}

#[test]
fn the_embedded_digits_are_the_first_of_mnist() {
    let data = embedded(10).unwrap();
    let test = data.test.unwrap();
    assert_eq!((data.train.len(), test.len()), (6000, 1000));
    assert_eq!((data.train.input_size(), data.train.n_classes()), (784, 10));
    assert_eq!(data.train.labels()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert_eq!(test.labels()[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
}

#[test]
fn pixels_are_normalised_in_single_precision_or_handed_out_raw() {
    let folder = folder_of(&small_files());
    let data = from_directory(folder.path(), 3).unwrap();
    let raw = data.train.raw().flat();
    assert_eq!(raw, Array2::from_shape_fn((3, 6), |(n, i)| (15 * (6 * n + i)) as f64));
    let normalised = data.train.normalised().flat();
    assert_eq!(normalised, raw.mapv(|pixel| f64::from(pixel as f32 / 255.0)));
    assert_ne!(normalised[[0, 1]], 15.0 / 255.0, "which is the nearest double");

    let images = data.train.raw().images().unwrap();
    assert_eq!(images.dim(), (3, 1, 2, 3));
    assert_eq!(images[[2, 0, 1, 0]], raw[[2, 3]]);
    assert_eq!(data.train.normalised().images().unwrap()[[2, 0, 1, 0]], normalised[[2, 3]]);
}

#[test]
fn labels_are_bytes_indices_or_one_hot_rows() {
    let folder = folder_of(&small_files());
    let train = from_directory(folder.path(), 4).unwrap().train;
    assert_eq!(train.labels(), [2, 0, 1]);
    assert_eq!(train.label_indices(), [2, 0, 1]);
    assert_eq!(train.one_hot(), ndarray::arr2(&[[0., 0., 1., 0.], [1., 0., 0., 0.], [0., 1., 0., 0.]]));
}

#[test]
fn a_batch_is_gathered_in_the_order_of_its_indices_repeats_included() {
    let folder = folder_of(&small_files());
    let train = from_directory(folder.path(), 3).unwrap().train;
    let all = train.normalised().flat();
    let (mut inputs, mut labels) = (Array2::from_elem((4, 6), f64::NAN), [9; 4]);
    train.gather_into(&[2, 0, 0, 1], &mut inputs, &mut labels);
    assert_eq!(labels, [1, 2, 2, 0]);
    assert_eq!(
        inputs,
        ndarray::concatenate![
            ndarray::Axis(0),
            all.slice(ndarray::s![2..3, ..]),
            all.slice(ndarray::s![0..1, ..]),
            all.slice(ndarray::s![0..2, ..])
        ]
    );
}

#[test]
fn a_batch_is_gathered_into_memory_with_gaps_as_well() {
    let folder = folder_of(&small_files());
    let train = from_directory(folder.path(), 3).unwrap().train;
    let mut wide = Array2::from_elem((3, 12), -1.0);
    train.gather_into(&[0, 1, 2], &mut wide.slice_mut(ndarray::s![.., ..;2]), &mut [0; 3]);
    assert_eq!(wide.slice(ndarray::s![.., ..;2]), train.normalised().flat());
    assert!(wide.slice(ndarray::s![.., 1..;2]).iter().all(|&x| x == -1.0));
}

#[test]
#[should_panic(expected = "got inputs (3, 5) and 3 labels")]
fn a_batch_of_the_wrong_shape_panics_and_names_it() {
    let folder = folder_of(&small_files());
    let train = from_directory(folder.path(), 3).unwrap().train;
    train.gather_into(&[0, 1, 2], &mut Array2::zeros((3, 5)), &mut [0; 3]);
}

#[test]
fn chunks_cover_every_sample_once_and_in_order_with_a_shorter_one_at_the_end() {
    let folder = folder_of(&small_files());
    let train = from_directory(folder.path(), 3).unwrap().train;
    for size in [1, 2, 3, 4, usize::MAX] {
        let chunks: Vec<_> = train.chunks(size).collect();
        assert_eq!(chunks.len(), 3_usize.div_ceil(size));
        let inputs: Vec<_> = chunks.iter().map(|(inputs, _)| inputs.view()).collect();
        assert_eq!(ndarray::concatenate(ndarray::Axis(0), &inputs).unwrap(), train.normalised().flat());
        assert_eq!(chunks.iter().flat_map(|(_, labels)| labels.clone()).collect::<Vec<_>>(), [2, 0, 1]);
    }
}

#[test]
fn synthetic_inputs_are_the_same_raw_and_normalised_and_are_no_images() {
    let train = synthetic(10, &mut LegacyRandom::seed(1)).train;
    assert_eq!((train.len(), train.input_size(), train.n_classes()), (100, 100, 10));
    assert_eq!(train.raw().flat(), train.normalised().flat());
    assert_eq!(train.raw().images(), None);
    let (mut inputs, mut labels) = (Array2::zeros((1, 100)), [0]);
    train.gather_into(&[42], &mut inputs, &mut labels);
    assert_eq!(inputs.row(0), train.raw().flat().row(42));
}

#[test]
fn a_sampler_draws_as_many_as_asked_and_only_samples_that_there_are() {
    let mut random = LegacyRandom::seed(3);
    let mut sampler = Sampler::new(3, 1000);
    let drawn = sampler.draw(&mut random).to_vec();
    assert_eq!(drawn.len(), 1000);
    for sample in 0..3 {
        assert!(drawn.contains(&sample));
    }
    assert!(drawn.iter().all(|&index| index < 3));
    assert_ne!(sampler.draw(&mut random), drawn);
}

#[test]
fn a_folder_of_other_sizes_and_classes_is_a_data_set_of_its_own_name() {
    let folder = folder_of(&small_files());
    let own_name = Name::Files(folder.path().file_name().unwrap().to_str().unwrap().to_owned());
    for name in [None, Some(Name::Mnist), Some(Name::Files("fashion".to_owned()))] {
        let data = load_quietly(&request(name, Some(folder.path()))).unwrap();
        assert_eq!(data.name, own_name);
        assert_eq!((data.train.len(), data.test.unwrap().len()), (3, 1));
        assert_eq!(data.train.image_size(), Some((2, 3)));
    }
}

#[test]
fn mnist_in_a_folder_is_recognised_as_mnist() {
    let Some(folder) = mnist::folder() else { return };
    let data = load_quietly(&request(None, Some(&folder))).unwrap();
    assert_eq!(data.name, Name::Mnist);
    assert_eq!((data.train.len(), data.test.unwrap().len()), (60_000, 10_000));
    let subset = embedded(10).unwrap().train;
    assert_eq!(data.train.labels()[..6000], *subset.labels());
}

#[test]
fn every_missing_file_is_named_and_nothing_takes_its_place() {
    let folder = folder_of(&small_files());
    fs::remove_file(folder.path().join("train-labels-idx1-ubyte.gz")).unwrap();
    fs::remove_file(folder.path().join("t10k-images-idx3-ubyte")).unwrap();
    let error = load_quietly(&request(None, Some(folder.path()))).unwrap_err().to_string();
    assert!(error.starts_with(&folder.path().display().to_string()), "{error}");
    let expected = "missing: train-labels-idx1-ubyte, t10k-images-idx3-ubyte; the folder holds \
                    t10k-labels-idx1-ubyte.gz, train-images-idx3-ubyte";
    assert!(error.ends_with(expected), "{error}");

    let nowhere = folder.path().join("nowhere");
    let error = load_quietly(&request(None, Some(&nowhere))).unwrap_err().to_string();
    assert!(error.starts_with(&nowhere.display().to_string()), "{error}");
}

#[test]
fn a_damaged_file_is_named_with_what_is_wrong() {
    for (i, name) in NAMES.iter().enumerate() {
        let mut files = small_files();
        files[i].pop();
        let error = error_of(&files, 3);
        assert!(error.contains(name), "{error}");
        assert!(error.contains("cut off: expected"), "{error}");
    }
}

#[test]
fn counts_that_differ_name_both_files_and_both_counts() {
    let mut files = small_files();
    files[1] = labels(2, &[0, 1]);
    let error = error_of(&files, 3);
    assert!(error.contains("train-images-idx3-ubyte holds 3 images"), "{error}");
    assert!(error.contains("train-labels-idx1-ubyte.gz holds 2 labels"), "{error}");
}

#[test]
fn counts_are_compared_before_pixels_are_read() {
    let mut files = small_files();
    files[0] = images(5_000_000, 28, 28, &[]); // 4 GB missing, but that is not the first thing that is wrong
    let error = error_of(&files, 3);
    assert!(error.contains("holds 5000000 images"), "{error}");
}

#[test]
fn a_label_above_the_classes_names_file_sample_label_and_classes() {
    let error = error_of(&small_files(), 2);
    assert!(error.contains("train-labels-idx1-ubyte.gz: sample 0 (counted from 0) has the label 2"), "{error}");
    assert!(error.contains("expected 0 to 1") && error.contains("at least 3 classes"), "{error}");
    let error = embedded(9).unwrap_err().to_string();
    assert!(error.contains("embedded train-labels-idx1-ubyte.gz: sample 4 "), "{error}");
}

#[test]
fn training_and_test_images_of_different_sizes_are_an_error() {
    let mut files = small_files();
    files[2] = images(1, 3, 2, &[0; 6]);
    let error = error_of(&files, 3);
    assert!(error.contains("of 2 × 3 pixels") && error.contains("of 3 × 2"), "{error}");
}

#[test]
fn a_folder_or_a_pipe_in_the_place_of_a_file_is_an_error_and_does_not_hang() {
    let folder = folder_of(&small_files());
    let path = folder.path().join(NAMES[0]);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = from_directory(folder.path(), 3).unwrap_err().to_string();
    assert!(error.ends_with("train-images-idx3-ubyte: expected a file, found a folder"), "{error}");

    fs::remove_dir(&path).unwrap();
    match std::process::Command::new("mkfifo").arg(&path).status() {
        Ok(status) if status.success() => {
            let error = from_directory(folder.path(), 3).unwrap_err().to_string();
            assert!(error.ends_with("expected a file, found a pipe, socket or device"), "{error}");
        }
        _ => eprintln!("skipped: there is no mkfifo here"),
    }
}

#[test]
fn a_request_that_contradicts_itself_is_an_error() {
    let folder = folder_of(&small_files());
    for name in [Name::Embedded, Name::Synthetic] {
        let error = load_quietly(&request(Some(name), Some(folder.path()))).unwrap_err();
        assert!(matches!(error, Error::Contradiction { .. }), "{error}");
    }
    assert!(matches!(load_quietly(&request(Some(Name::Files("fashion".to_owned())), None)), Err(Error::NoFolder)));
    for n_classes in [0, 257, usize::MAX] {
        let request = Request { n_classes, ..request(Some(Name::Synthetic), None) };
        assert!(matches!(load_quietly(&request), Err(Error::Classes(n)) if n == n_classes));
    }
}

#[cfg(unix)]
#[test]
fn a_folder_whose_name_is_not_text_is_read() {
    use std::os::unix::ffi::OsStrExt;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join(std::ffi::OsStr::from_bytes(b"d\xff"));
    if fs::create_dir(&folder).is_err() {
        eprintln!("skipped: the file system takes no such names");
        return;
    }
    for (name, content) in NAMES.iter().zip(small_files()) {
        fs::write(folder.join(name), content).unwrap();
    }
    assert_eq!(from_directory(&folder, 3).unwrap().train.len(), 3);
}
