//! Models and checkpoints as files: what NumPy and this crate write reads back equal, and nothing else that is fed to the
//! readers makes them panic or passes for what it is not.

use std::io::{Cursor, Write};
use std::time::Duration;

use ndarray::{Array1, Array2, ShapeBuilder};
use ndarray_npy::{NpzReader, NpzWriter};
use numgrad::nn::{Activation, NetworkShape, Parameters};
use numgrad::random::LegacyRandom;
use numgrad::train::{Checkpoint, NpzError, read_model, write_gradient, write_model};
use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// D = 2, H = 3, K = 2.
fn parameters() -> Parameters {
    numbered(&NetworkShape::new([2, 3, 2]))
}

fn numbered(shape: &NetworkShape) -> Parameters {
    let mut parameters = Parameters::zeros(shape);
    parameters.values_mut().iter_mut().enumerate().for_each(|(i, value)| *value = 0.5 * i as f64 - 3.0);
    parameters
}

fn written(parameters: &Parameters) -> Vec<u8> {
    let mut file = Vec::new();
    write_model(&mut file, parameters).unwrap();
    file
}

fn checkpoint() -> Checkpoint {
    let mut random = LegacyRandom::seed(1);
    random.standard_normal();
    Checkpoint { parameters: parameters(), random, iteration: 7, elapsed: Duration::from_nanos(1_234_567_890_123) }
}

fn written_checkpoint() -> Vec<u8> {
    let mut file = Vec::new();
    checkpoint().write(&mut file, "{\"settings\": 1}").unwrap();
    file
}

fn read(bytes: &[u8]) -> Result<Parameters, NpzError> {
    read_model(Cursor::new(bytes))
}

fn archive(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in parts {
        zip.start_file(*name, stored).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A `.npy` file of version 1 with any dictionary, padded or not.
fn npy(dictionary: &str, body: &[u8]) -> Vec<u8> {
    let len = (dictionary.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &len[..], dictionary.as_bytes(), body].concat()
}

fn of_type(descr: &str, shape: &str, body: &[u8]) -> Vec<u8> {
    npy(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n"), body)
}

fn numbers(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The parts of a good model, one of them replaced.
fn with(name: &str, part: Vec<u8>) -> Vec<u8> {
    let mut parts = vec![
        ("W1.npy", of_type("<f8", "(2, 3)", &numbers(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))),
        ("b1.npy", of_type("<f8", "(3,)", &numbers(&[1.0; 3]))),
        ("W2.npy", of_type("<f8", "(3, 2)", &numbers(&[2.0; 6]))),
        ("b2.npy", of_type("<f8", "(2,)", &numbers(&[3.0; 2]))),
    ];
    parts.iter_mut().filter(|(known, _)| *known == name).for_each(|(_, content)| content.clone_from(&part));
    archive(&parts)
}

#[track_caller]
fn refused(bytes: &[u8], words: &[&str]) {
    let error = read(bytes).unwrap_err().to_string();
    for word in words {
        assert!(error.contains(word), "\"{word}\" is not in: {error}");
    }
}

#[test]
fn what_is_written_is_what_numpy_reads() {
    let parameters = parameters();
    let mut npz = NpzReader::new(Cursor::new(written(&parameters))).unwrap();
    assert_eq!(npz.names().unwrap(), ["W1", "b1", "W2", "b2"]);
    assert_eq!(npz.by_name::<ndarray::OwnedRepr<f64>, ndarray::Ix2>("W1").unwrap(), parameters.weights(1));
    assert_eq!(npz.by_name::<ndarray::OwnedRepr<f64>, ndarray::Ix1>("b1").unwrap(), parameters.biases(1));
    assert_eq!(npz.by_name::<ndarray::OwnedRepr<f64>, ndarray::Ix2>("W2").unwrap(), parameters.weights(2));
    assert_eq!(npz.by_name::<ndarray::OwnedRepr<f64>, ndarray::Ix1>("b2").unwrap(), parameters.biases(2));

    let mut npz = NpzReader::new(Cursor::new(written_checkpoint())).unwrap();
    let iteration: ndarray::Array0<u64> = npz.by_name("iteration").unwrap();
    let generator: Array1<u32> = npz.by_name("generator").unwrap();
    let held: Array1<f64> = npz.by_name("held_normal").unwrap();
    assert_eq!((iteration.into_scalar(), generator.len(), held.len()), (7, 624, 1));
}

#[test]
fn either_order_of_memory_and_of_bytes_is_read() {
    let parameters = parameters();
    let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
    for (name, array) in parameters.arrays() {
        let mut fortran = ndarray::ArrayD::zeros(array.shape().f());
        fortran.assign(&array);
        npz.add_array(name, &fortran).unwrap();
    }
    // What else is in the archive does not matter.
    npz.add_array("x", &Array2::<f32>::zeros((1, 1))).unwrap();
    let file = npz.finish().unwrap().into_inner();
    assert!(file.windows(21).any(|text| text == b"'fortran_order': True"));
    assert_eq!(read(&file).unwrap(), parameters);

    let big_endian: Vec<u8> = [1.5_f64, -2.0, 1e300].iter().flat_map(|value| value.to_be_bytes()).collect();
    let read = read(&with("b1.npy", of_type(">f8", "(3,)", &big_endian))).unwrap();
    assert_eq!(read.biases(1).to_vec(), [1.5, -2.0, 1e300]);
}

#[test]
fn single_precision_and_biases_in_a_row_are_read() {
    let values = [1.5_f32, -2.0, 1e-40];
    let [little, big] = [f32::to_le_bytes, f32::to_be_bytes].map(|bytes| values.map(bytes).concat());
    for (descr, shape, body) in [("<f4", "(3,)", &little), (">f4", "(3,)", &big), ("<f4", "(1, 3)", &little)] {
        let read = read(&with("b1.npy", of_type(descr, shape, body))).unwrap();
        assert_eq!(read.biases(1).to_vec(), values.map(f64::from), "{descr} {shape}");
    }
    let biases = read(&with("b2.npy", of_type("<f8", "(1, 2)", &numbers(&[7.0, 8.0])))).unwrap();
    assert_eq!(biases.biases(2).to_vec(), [7.0, 8.0]);
    // Half as many bytes as the shape has numbers of 4.
    refused(&with("b1.npy", of_type("<f4", "(3,)", &little[..6])), &["b1", "12 bytes"]);
}

#[test]
fn headers_are_read_as_python_would_whatever_their_order_and_spacing() {
    let body = numbers(&[7.0, 8.0, 9.0]);
    for header in [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }",
        "{\"shape\":(3),\"fortran_order\":True,\"descr\":\"<f8\"}",
        "  {  'shape' : ( 3L , ) , 'descr' : '<f8' , 'fortran_order' : False  }  \n",
    ] {
        assert_eq!(read(&with("b1.npy", npy(header, &body))).unwrap().biases(1).to_vec(), [7.0, 8.0, 9.0], "{header}");
    }
    for header in [
        "",
        "{}",
        "{'descr': '<f8', 'fortran_order': False}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3,)",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3,)} x",
        "{'descr': '<f8', 'fortran_order': 0, 'shape': (3,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': 3}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999999,)}",
        "{'descr': '<f8, 'fortran_order': False, 'shape': (3,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'more': 1}",
        "[1, 2, 3]",
    ] {
        refused(&with("b1.npy", npy(header, &body)), &["b1 in it is damaged", "header"]);
    }
    let deep = format!("{{'descr': {}", "[(".repeat(4000));
    refused(&with("b1.npy", npy(&deep, &body)), &["b1"]);
    refused(&with("b1.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec()), &["b1", "header is too long"]);
    refused(&with("b1.npy", b"\x93NUMPY\x01\x00\x50\x00{".to_vec()), &["b1", "header is cut off"]);
    refused(&with("b1.npy", b"\x93NUMPY\x09\x00\x00\x00\x00\x00".to_vec()), &["b1", "versions"]);
    refused(&with("b1.npy", b"".to_vec()), &["b1", ".npy"]);
}

#[test]
fn a_type_a_shape_or_a_number_that_does_not_belong_there_is_named() {
    for descr in ["<f2", "<i8", "|u1", "|O", "<c16", "f8", "=f8", ""] {
        refused(&with("b1.npy", of_type(descr, "(3,)", &[0; 24])), &["b1", "expected float64", descr]);
    }
    let records = "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,)}";
    refused(&with("b1.npy", npy(records, &[0; 24])), &["b1", "expected float64", "[('a', '<f8')]"]);

    for (name, shape, n, expected) in [
        ("W1", "(6,)", 6, "(D > 0, H > 0)"),
        ("W1", "(2, 3, 1)", 6, "(D > 0, H > 0)"),
        ("W1", "()", 1, "(D > 0, H > 0)"),
        ("W1", "(0, 3)", 0, "(D > 0, H > 0)"),
        ("b1", "(2,)", 2, "(3)"),
        ("b1", "(3, 1)", 3, "(3) or (1, 3)"),
        ("b1", "(1, 2)", 2, "(3) or (1, 3)"),
        ("b1", "(1, 1, 3)", 3, "(3) or (1, 3)"),
        ("W1", "(1, 2, 3)", 6, "(D > 0, H > 0)"),
        ("W2", "(2, 2)", 4, "(3, K > 0)"),
        ("W2", "(3, 0)", 0, "(3, K > 0)"),
        ("b2", "(3,)", 3, "(2)"),
    ] {
        let part = of_type("<f8", shape, &numbers(&vec![1.0; n]));
        refused(&with(&format!("{name}.npy"), part), &[name, "expected the shape", expected]);
    }
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let part = of_type("<f8", "(3,)", &numbers(&[0.0, value, 1.0]));
        refused(&with("b1.npy", part), &["b1", "finite", &value.to_string()]);
    }
    for (shape, expected) in
        [("(3,)", "24 bytes"), ("(1000000000000,)", "8000000000000 bytes"), ("(4294967296, 4294967296)", "more than")]
    {
        for n in [0, 23, 25] {
            refused(&with("b1.npy", of_type("<f8", shape, &vec![0; n])), &["b1", expected, &n.to_string()]);
        }
    }
    // No numbers at all, but dimensions that can't be multiplied.
    let part = of_type("<f8", "(0, 18446744073709551615, 18446744073709551615)", &[]);
    refused(&with("b1.npy", part), &["b1"]);
}

#[test]
fn an_array_that_is_missing_or_compressed_otherwise_is_named() {
    for missing in ["W1", "b1", "W2", "b2"] {
        let parameters = parameters();
        let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
        for (name, array) in parameters.arrays().filter(|(name, _)| *name != missing) {
            npz.add_array(name, &array).unwrap();
        }
        let others: Vec<_> = ["W1", "b1", "W2", "b2"].into_iter().filter(|name| *name != missing).collect();
        let words = format!("expected {missing} in it, found {}", others.join(", "));
        refused(&npz.finish().unwrap().into_inner(), &[&words]);
    }
    refused(&archive(&[]), &["expected W1 in it, found nothing"]);
    let names = (0..7000).map(|i| format!("arr_{i}.npy")).collect::<Vec<_>>();
    let parts: Vec<_> = names.iter().map(|name| (name.as_str(), Vec::new())).collect();
    refused(&archive(&parts), &["found arr_0, arr_1, arr_2, arr_3, arr_4, arr_5, arr_6, arr_7 and 6992 more"]);
    let name = "\x1b[31m\n".to_owned() + &"x".repeat(1000);
    let error = read(&archive(&[(&name, Vec::new())])).unwrap_err().to_string();
    assert!(error.len() < 100 && !error.contains(char::is_control), "{error}");
    // The method of the first part, in its own header and in the directory: 9 is one that NumPy does not use.
    let mut file = written(&parameters());
    let directory = file.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    (file[8], file[directory + 10]) = (9, 9);
    refused(&file, &["W1", "compressed as numpy.savez_compressed does it", "found one compressed otherwise"]);
}

/// The parts of an archive, compressed as `numpy.savez_compressed` does it.
fn compressed(stored: &[u8]) -> Vec<u8> {
    let mut parts = zip::ZipArchive::new(Cursor::new(stored)).unwrap();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for i in 0..parts.len() {
        let mut part = parts.by_index(i).unwrap();
        zip.start_file(part.name(), deflated).unwrap();
        std::io::copy(&mut part, &mut zip).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_compressed_model_is_read_unless_it_expands_beyond_reason() {
    let file = compressed(&written(&parameters()));
    assert_eq!(read(&file).unwrap(), parameters());
    for n in 0..file.len() {
        assert!(read(&file[..n]).is_err(), "{n} of {} bytes", file.len());
    }
    let large = Parameters::zeros(&NetworkShape::new([5000, 1000, 2]));
    refused(&compressed(&written(&large)), &["as its compressed data are hardly of more"]);
}

/// An archive of these arrays, as `numpy.savez` would write it: those of a network of these sizes, but for one that is left
/// out, and further ones.
fn savez(sizes: &[usize], left_out: &str, others: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let network = numbered(&NetworkShape::new(sizes));
    let part = |(name, array): (String, ndarray::ArrayViewD<f64>)| {
        let shape: String = array.shape().iter().map(|n| format!("{n}, ")).collect();
        let values: Vec<f64> = array.iter().copied().collect();
        (format!("{name}.npy"), of_type("<f8", &format!("({shape})"), &numbers(&values)))
    };
    let parts: Vec<_> = network.arrays().filter(|(name, _)| name != left_out).map(part).collect();
    let parts = parts.iter().map(|(name, content)| (name.as_str(), content.clone()));
    archive(&parts.chain(others.iter().cloned()).collect::<Vec<_>>())
}

#[test]
fn a_network_of_any_depth_is_read() {
    for sizes in [&[3, 2, 2][..], &[7, 5, 4, 3], &[784, 50, 100, 10], &[2; 12]] {
        assert_eq!(read(&savez(sizes, "", &[])).unwrap(), numbered(&NetworkShape::new(sizes)), "{sizes:?}");
    }
    // What is no layer does not matter.
    let others = [("loss.npy", of_type("<f8", "(2,)", &[0; 16])), ("W.npy", vec![]), ("b1x.npy", vec![])];
    assert_eq!(read(&savez(&[2, 3, 2], "", &others)).unwrap(), parameters());
}

#[test]
fn layers_that_are_missing_in_between_or_do_not_follow_one_another_are_named() {
    for left_out in ["W1", "b1", "W2", "b2", "W3", "b3"] {
        let file = savez(&[7, 5, 4, 3], left_out, &[]);
        // Without W3 and with b3 there are three layers, and so the other way around.
        refused(&file, &[&format!("expected {left_out} in it, found ")]);
    }
    let other = |shape: &str, n: usize| of_type("<f8", shape, &numbers(&vec![1.0; n]));
    for (name, shape, n, expected) in [
        ("W1", "(7, 6)", 42, "b1 in it: expected the shape (6)"),
        ("W1", "(7,)", 7, "W1 in it: expected the shape (D > 0, H1 > 0)"),
        ("W2", "(4, 5)", 20, "W2 in it: expected the shape (5, H2 > 0), found the shape [4, 5]"),
        ("W3", "(3, 4)", 12, "W3 in it: expected the shape (4, K > 0), found the shape [3, 4]"),
        ("b3", "(4,)", 4, "b3 in it: expected the shape (3)"),
    ] {
        let part = [(&*format!("{name}.npy"), other(shape, n))];
        refused(&savez(&[7, 5, 4, 3], name, &part), &[expected]);
    }
    for name in ["W0", "b0", "W01", "b003", "W1001", "b99999999999999999999999"] {
        let part = [(&*format!("{name}.npy"), other("(2,)", 2))];
        let shown: String = name.chars().take(20).collect();
        refused(
            &savez(&[7, 5, 4, 3], "", &part),
            &[&format!("{shown} in it: expected arrays of the layers 1 to at most 1000")],
        );
    }
    // The most layers that there may be, but for one array; they are not looked for in vain for long.
    refused(&savez(&[1; 1001], "b1000", &[]), &["expected b1000 in it"]);
    assert_eq!(read(&savez(&[1; 1001], "", &[])).unwrap().shape().n_layers(), 1000);
}

/// A text as NumPy writes it.
fn text(text: &str) -> Vec<u8> {
    let bytes: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    of_type(&format!("<U{}", text.chars().count()), "()", &bytes)
}

#[test]
fn the_activation_is_a_string_of_numpys_and_without_it_the_network_is_of_sigmoids() {
    for activation in Activation::ALL {
        let shape = NetworkShape::new([7, 5, 4, 3]).with_activation(activation);
        let file = savez(&[7, 5, 4, 3], "", &[("activation.npy", text(&activation.to_string()))]);
        assert_eq!(read(&file).unwrap().shape(), &shape);
        assert_eq!(read(&written(&numbered(&shape))).unwrap(), numbered(&shape));
    }
    assert_eq!(read(&savez(&[2, 3, 2], "", &[])).unwrap().shape().activation(), Activation::Sigmoid);

    // As `numpy.savez` of NumPy 2 writes `activation="relu"`, and this crate a network of rectifiers.
    let header = format!("{:<117}\n", "{'descr': '<U4', 'fortran_order': False, 'shape': (), }");
    let numpys = npy(&header, b"r\0\0\0e\0\0\0l\0\0\0u\0\0\0");
    let relu = numbered(&NetworkShape::new([2, 3, 2]).with_activation(Activation::Relu));
    assert!(written(&relu).windows(numpys.len()).any(|part| part == numpys));

    let of_type = |descr: &str, shape: &str, body: &[u8]| {
        read(&savez(&[2, 3, 2], "", &[("activation.npy", of_type(descr, shape, body))]))
    };
    let big_endian: Vec<u8> = "tanh".chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
    let padded = b"tanh\0\0\0\0";
    for (descr, shape, body) in [(">U4", "()", &big_endian[..]), ("|S8", "(1,)", padded)] {
        assert_eq!(of_type(descr, shape, body).unwrap().shape().activation(), Activation::Tanh, "{descr}");
    }
    let known = "activation in it: expected one of the texts sigmoid, relu, tanh, found ";
    for (descr, shape, body, found) in [
        ("|S4", "()", &b"gelu"[..], "\"gelu\""),
        ("|S4", "()", b"Tanh", "\"Tanh\""),
        ("|S30", "()", &[b'x'; 30], "\"xxxxxxxxxxxxxxxxxxxx\""),
        ("<U1", "()", &[0xff; 4], "a number that is none of these"),
        ("|S2", "()", &[0xff; 2], "a number that is none of these"),
        ("<f8", "()", &[0; 8], "numbers of the type <f8"),
        ("<U0", "()", &[], "texts (<U0)"),
        ("<U9999999999999999999999", "()", &[], "texts"),
        ("|O", "()", &[0; 8], "pickled"),
        ("|S4", "(2,)", b"relutanh", "the shape [2]"),
        ("|S4", "(0,)", b"", "the shape [0]"),
    ] {
        let error = of_type(descr, shape, body).unwrap_err().to_string();
        assert!(error.starts_with(known) && error.contains(found), "{descr} {shape}: {error}");
    }
    // A gradient is no network.
    let mut gradient = Vec::new();
    write_gradient(&mut gradient, &relu).unwrap();
    assert_eq!(NpzReader::new(Cursor::new(gradient)).unwrap().names().unwrap(), ["W1", "b1", "W2", "b2"]);
}

#[test]
fn other_files_are_named_for_what_they_are() {
    refused(b"", &["expected an .npz archive"]);
    refused(b"\x93NUMPY a single array", &["found a single array (.npy)"]);
    refused(b"\x80\x04\x95a pickle", &["found a pickle", "numpy.savez(\"model.npz\", **arrays)"]);
    refused(b"1.0,2.0\n3.0,4.0\n", &["found a table (CSV) that begins with \"1.0,2.0\""]);
    refused(b"\x1f\x8b\x08", &["found a file compressed by gzip"]);
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused() {
    let (model, checkpoint) = (written(&parameters()), written_checkpoint());
    for n in 0..model.len() {
        assert!(read(&model[..n]).is_err(), "{n} of {} bytes", model.len());
    }
    for n in 0..checkpoint.len() {
        assert!(Checkpoint::read(Cursor::new(&checkpoint[..n])).is_err(), "{n} of {} bytes", checkpoint.len());
    }
}

#[test]
fn a_bit_that_flips_anywhere_is_found_or_changes_nothing() {
    let (mut model, mut file) = (written(&parameters()), written_checkpoint());
    for bit in 0..8 * model.len() {
        model[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&model).is_err() || read(&model).unwrap() == parameters(), "bit {bit}");
        model[bit / 8] ^= 1 << (bit % 8);
    }
    let whole = (checkpoint(), "{\"settings\": 1}".to_owned());
    for bit in (0..8 * file.len()).step_by(3) {
        file[bit / 8] ^= 1 << (bit % 8);
        let read = Checkpoint::read(Cursor::new(&file));
        assert!(read.is_err() || read.unwrap() == whole, "bit {bit}");
        file[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn a_checkpoint_of_another_format_or_with_a_wrong_part_says_so() {
    let part = |name: &str, part: Vec<u8>| {
        let mut npz = zip::ZipArchive::new(Cursor::new(written_checkpoint())).unwrap();
        let names: Vec<String> = npz.file_names().map(str::to_owned).collect();
        assert!(names.iter().any(|known| known == name));
        let parts: Vec<(&str, Vec<u8>)> = names
            .iter()
            .map(|known| {
                let mut content = Vec::new();
                std::io::copy(&mut npz.by_name(known).unwrap(), &mut content).unwrap();
                (&known[..], if known == name { part.clone() } else { content })
            })
            .collect();
        Checkpoint::read(Cursor::new(archive(&parts))).unwrap_err().to_string()
    };
    let word = |n: u64| of_type("<u8", "()", &n.to_le_bytes());
    for (name, content, words) in [
        ("format.npy", word(3), "format in it: expected at most 2"),
        ("format.npy", word(0), "format in it: expected at most 2"),
        ("format.npy", of_type("<u8", "(1,)", &[0; 8]), "format in it: expected a single number"),
        ("iteration.npy", of_type("<i8", "()", &[0; 8]), "iteration in it: expected uint64"),
        ("iteration.npy", of_type("<u8", "(0,)", &[]), "iteration in it: expected a single number"),
        ("generator.npy", of_type("<u4", "(623,)", &[0; 623 * 4]), "generator in it: expected 624 words, found 623"),
        ("generator.npy", of_type("<u4", "(2, 312)", &[0; 624 * 4]), "generator in it: expected one dimension"),
        ("held_normal.npy", of_type("<f8", "(2,)", &[0; 16]), "held_normal in it: expected one finite number or none"),
        ("held_normal.npy", of_type("<f8", "(1,)", &numbers(&[f64::NAN])), "held_normal in it"),
        ("run.json", vec![0xff, 0xfe], "run.json in it is damaged"),
        ("W1.npy", of_type("<f8", "(2, 2)", &[0; 32]), "b1 in it: expected the shape (2)"),
    ] {
        let error = part(name, content);
        assert!(error.contains(words), "{name}: {error}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, header in "[{}()\\[\\],:'<f8TrueFalsdctionhp_ 0-9]{0,80}") {
        let _ = read(&bytes);
        let _ = Checkpoint::read(Cursor::new(&bytes));
        let _ = read(&with("W1.npy", bytes.clone()));
        let _ = read(&with("W1.npy", [&b"\x93NUMPY\x01\x00"[..], &bytes].concat()));
        let _ = read(&with("W1.npy", npy(&header, &bytes)));
        let _ = read(&[&b"PK\x03\x04"[..], &bytes].concat());
    }

    #[test]
    fn arbitrary_shapes_are_accepted_only_with_as_many_numbers(
        shape in prop::collection::vec(prop_oneof![any::<u64>(), 0_u64..4], 0..4), n in 0_usize..8,
    ) {
        let text: String = shape.iter().map(|n| format!("{n}, ")).collect();
        let result = read(&with("b1.npy", of_type("<f8", &format!("({text})"), &numbers(&vec![1.0; n]))));
        prop_assert_eq!(result.is_ok(), (shape == [3] || shape == [1, 3]) && n == 3);
    }

    #[test]
    fn a_written_model_and_checkpoint_read_back_equal(
        sizes in prop::collection::vec(1_usize..9, 3..7), activation in prop::sample::select(&Activation::ALL[..]),
        seed: u32, n_draws in 0_usize..5, iteration: u64, elapsed_ns: u64, scale in -300..300, run: String,
    ) {
        let shape = NetworkShape::new(sizes).with_activation(activation);
        let mut random = LegacyRandom::seed(seed);
        let mut parameters = Parameters::zeros(&shape);
        parameters.values_mut().iter_mut().for_each(|value| *value = random.standard_normal() * 10_f64.powi(scale));
        for _ in 0..n_draws {
            random.standard_normal();
        }
        prop_assert_eq!(&read(&written(&parameters)).unwrap(), &parameters);

        let checkpoint = Checkpoint { parameters, random, iteration, elapsed: Duration::from_nanos(elapsed_ns) };
        let mut file = Vec::new();
        checkpoint.write(&mut file, &run).unwrap();
        prop_assert_eq!(Checkpoint::read(Cursor::new(file)).unwrap(), (checkpoint, run));
    }
}
