//! A small good file of each kind, cut off at every place and with every byte changed: no reader panics, hangs or fills the
//! memory, and what is read is whole in itself. The targets below `fuzz/` look further; these run everywhere.

use std::fs;
use std::path::Path;

use crate::support::idx_files::{gzip, images, labels};
use numgrad::dataset::idx::{read_images, read_labels};
use numgrad::dataset::{Dataset, from_directory, read_class_names, read_table};
use numgrad::nn::{Activation, NetworkShape, Parameters};
use numgrad::random::LegacyRandom;
use numgrad::report::{Curves, Summary};
use numgrad::train::{Checkpoint, read_model, write_model};

const SUMMARY: &str = r#"{"version": "0.1.0", "dataset": {"name": "synthetic", "train_samples": 100, "test_samples": 0, "input_size":
    100, "image_size": null, "classes": 2, "class_names": ["a", "b"]}, "iterations": 12, "iterations_done": 12,
    "batch_size": 20, "learning_rate": 0.1, "hidden": [5, 3], "activation": "tanh", "step": 0.0001, "seed": 42, "init":
    "normal", "init_scale": "he", "eval_every": 5, "gradient": "numerical", "forward": "incremental", "threads": 2, "isa":
    "avx2", "n_parameters": 531, "n_evaluations": 12408, "train_s": 0.001405376, "gradient_s":
    0.0012411269999999999, "final_loss": 2.289867100104303, "train_accuracy": 0.14, "test_accuracy": null,
    "stopped": null}"#;

const LOG: &str = "iteration,loss,elapsed_s,gradient_s,n_evaluations,gradient_norm,train_accuracy,test_accuracy
1,2.2827852525427277,0.000286637,0.000270307,1130,0.447694902522445,,
2,2.288119947725493,0.000390482,0.000091592,2260,0.34888549994509177,,
3,2.2857711001099377,0.00051214,0.000108023,3390,0.24762531629253082,0.5,0.25
";

/// What a file may become: each beginning of it, and each byte changed in a few ways.
fn mutations(good: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let beginnings = (0..good.len()).map(|n| good[..n].to_vec());
    let changed = (0..good.len()).flat_map(|at| {
        [0x01, 0xff, good[at], good[at] ^ b'9'].map(|mask| {
            let mut bytes = good.to_vec();
            bytes[at] ^= mask;
            bytes
        })
    });
    beginnings.chain(changed).chain([[good, b"\0"].concat(), [good, good].concat()])
}

/// Each mutation as a file, and what is made of it.
fn as_files(path: &Path, good: &[u8], read: impl Fn(&Path)) {
    for bytes in mutations(good) {
        fs::write(path, bytes).unwrap();
        read(path);
    }
    fs::write(path, good).unwrap();
}

fn check(data: &Dataset) {
    for samples in [Some(&data.train), data.test.as_ref()].into_iter().flatten() {
        let flat = samples.raw().flat();
        assert_eq!(flat.dim(), (samples.len(), samples.input_size()));
        assert!(flat.iter().all(|pixel| (0.0..=255.0).contains(pixel)));
        assert!(samples.labels().iter().all(|&label| usize::from(label) < samples.n_classes()));
    }
}

#[test]
fn mutated_idx_files_and_tables_are_errors_or_whole() {
    let pictures = images(2, 2, 2, &[0, 9, 99, 255, 1, 2, 3, 4]);
    for good in [gzip(&pictures), pictures] {
        for bytes in mutations(&good) {
            if let Ok(images) = read_images(&bytes[..]) {
                assert_eq!(images.pixels.len(), images.n_images * images.n_rows * images.n_columns);
            }
        }
    }
    let classes = labels(5, &[0, 1, 2, 3, 4]);
    let of_integers = [&[0, 0, 0x0c, 2, 0, 0, 0, 1, 0, 0, 0, 8][..], &[0; 32]].concat();
    for good in [gzip(&classes), classes, of_integers] {
        mutations(&good).for_each(|bytes| assert!(read_labels(&bytes[..]).map_or(true, |labels| !labels.is_empty())));
    }
    let table = "label,a,b,c,d\n1,0,12,255,3\n7,1,2,3,4\n";
    for good in [gzip(table.as_bytes()), table.as_bytes().to_vec(), table.replace(',', "\t").into_bytes()] {
        for bytes in mutations(&good) {
            if let Ok((images, labels)) = read_table(&bytes[..]) {
                assert_eq!(images.pixels.len(), labels.len() * images.n_rows * images.n_columns);
            }
        }
    }
}

#[test]
fn mutated_files_of_a_folder_are_errors_or_a_data_set() {
    let folder = tempfile::tempdir().unwrap();
    let npy = |descr: &str, shape: &str, body: &[u8]| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}\n");
        [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), body].concat()
    };
    let arrays: [(&str, Vec<u8>); 4] = [
        ("x_train.npy", npy("|u1", "(2, 2, 2)", &[0, 1, 2, 255, 4, 5, 6, 7])),
        ("y_train.npy", npy("<u2", "(2,)", &[1, 0, 0, 0])),
        ("x_test.npy", npy("<f4", "(1, 2, 2, 1)", &[0; 16])),
        ("y_test.npy", npy("|u1", "(1, 2)", &[0, 1])),
    ];
    let read = |path: &Path| {
        if let Ok(data) = from_directory(path, 10) {
            check(&data);
        }
    };
    arrays.iter().for_each(|(name, content)| fs::write(folder.path().join(name), content).unwrap());
    assert!(from_directory(folder.path(), 2).is_ok());
    for (name, content) in &arrays {
        as_files(&folder.path().join(name), content, |_| read(folder.path()));
    }

    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in &arrays {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, content).unwrap();
    }
    let archive = zip.finish().unwrap().into_inner();
    let path = folder.path().join("mnist.npz");
    fs::write(&path, &archive).unwrap();
    assert!(from_directory(&path, 2).is_ok());
    as_files(&path, &archive, read);
    mutations(&archive).for_each(|bytes| drop(read_model(std::io::Cursor::new(bytes))));
}

#[test]
fn mutated_models_and_checkpoints_of_deeper_networks_are_errors_or_whole() {
    let mut parameters = Parameters::zeros(&NetworkShape::new([2, 2, 1, 2]).with_activation(Activation::Relu));
    parameters.values_mut().fill(0.5);
    let (mut model, mut saved) = (Vec::new(), Vec::new());
    write_model(&mut model, &parameters).unwrap();
    for bytes in mutations(&model) {
        if let Ok(read) = read_model(std::io::Cursor::new(bytes)) {
            // What a byte of the archive's own says may leave out the activation, but no weights.
            assert_eq!(read.values(), parameters.values());
        }
    }
    let random = LegacyRandom::seed(1);
    let checkpoint = Checkpoint { parameters, random, iteration: 1, elapsed: Default::default() };
    checkpoint.write(&mut saved, "{}").unwrap();
    for n in (0..saved.len()).step_by(7) {
        let mut bytes = saved.clone();
        bytes[n] ^= 0xff;
        if let Ok((read, _)) = Checkpoint::read(std::io::Cursor::new(bytes)) {
            assert_eq!(read.parameters.values(), checkpoint.parameters.values());
        }
    }
}

#[test]
fn mutated_summaries_logs_and_names_are_errors_or_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.json");
    fs::write(&path, SUMMARY).unwrap();
    Summary::read(&path).unwrap();
    as_files(&path, SUMMARY.as_bytes(), |path| drop(Summary::read(path)));
    as_files(&folder.path().join("loss.csv"), LOG.as_bytes(), |path| {
        for n in [0, 1, 3, u64::MAX] {
            if let Ok(curves) = Curves::read(path, n) {
                assert_eq!(curves.last.map_or(0, |last| last.iteration), n);
            }
        }
    });
    as_files(&folder.path().join("names.txt"), b"0: Top\n1,Bag\n2 65 97\n", |path| {
        if let Ok(names) = read_class_names(path, 3) {
            assert_eq!(names.len(), 3);
        }
    });
}
