//! The IDX reader: what it reads, and that nothing that it is fed makes it panic, hang or fill the memory.

use std::io::{self, Read};

use crate::support::idx_files::{file, gzip, images, labels};
use numgrad::dataset::idx::{IdxError, read_images, read_labels};
use proptest::prelude::*;

#[test]
fn images_and_labels_are_read_plain_and_compressed() {
    let pictures = images(2, 3, 2, &[0, 1, 2, 3, 4, 5, 250, 251, 252, 253, 254, 255]);
    for bytes in [pictures.clone(), gzip(&pictures)] {
        let read = read_images(&bytes[..]).unwrap();
        assert_eq!((read.n_images, read.n_rows, read.n_columns), (2, 3, 2));
        assert_eq!(read.pixels, pictures[16..]);
    }
    for bytes in [labels(3, &[9, 0, 255]), gzip(&labels(3, &[9, 0, 255]))] {
        assert_eq!(read_labels(&bytes[..]).unwrap(), [9, 0, 255]);
    }
}

#[test]
fn a_gzip_file_of_several_members_is_read_to_its_end() {
    let whole = labels(4, &[1, 2, 3, 4]);
    let mut members = gzip(&whole[..5]);
    members.extend(gzip(&whole[5..]));
    assert_eq!(read_labels(&members[..]).unwrap(), [1, 2, 3, 4]);
}

#[test]
fn a_reader_that_gives_one_byte_at_a_time_is_read_the_same() {
    struct OneByte<'a>(&'a [u8]);
    impl Read for OneByte<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = buffer.len().min(1);
            self.0.read(&mut buffer[..n])
        }
    }
    let bytes = gzip(&labels(2, &[7, 8]));
    assert_eq!(read_labels(OneByte(&bytes)).unwrap(), [7, 8]);
}

#[test]
fn a_file_of_the_other_kind_is_called_so() {
    let error = read_images(&labels(1, &[0])[..]).unwrap_err().to_string();
    assert_eq!(
        error,
        "expected a file of images (IDX), found a file of labels: the names of the two may have been exchanged"
    );
    let error = read_labels(&images(1, 1, 1, &[0])[..]).unwrap_err().to_string();
    assert!(error.contains("found a file of images: the names"), "{error}");
}

#[test]
fn a_file_cut_off_anywhere_is_truncated_and_never_something_else() {
    let plain = images(2, 2, 2, &[1; 8]);
    let compressed = gzip(&plain);
    for n in 1..plain.len() {
        let error = read_images(&plain[..n]).unwrap_err();
        assert!(matches!(error, IdxError::Truncated { found, .. } if found == n as u64), "{n}: {error}");
    }
    for n in 2..compressed.len() {
        let error = read_images(&compressed[..n]).unwrap_err();
        assert!(matches!(error, IdxError::Gzip(_)), "{n}: {error}");
        assert_eq!(error.to_string(), "its gzip data are damaged (they are cut off): download or copy it again");
    }
}

#[test]
fn trailing_bytes_are_an_error_plain_within_gzip_and_behind_it() {
    let mut plain = labels(2, &[1, 2]);
    let mut behind = gzip(&plain);
    plain.push(3);
    behind.push(3);
    for bytes in [plain.clone(), gzip(&plain)] {
        assert!(matches!(read_labels(&bytes[..]), Err(IdxError::Trailing { expected: 10 })));
    }
    assert!(matches!(read_labels(&behind[..]), Err(IdxError::Gzip(_))));
}

#[test]
fn a_wrong_check_sum_or_length_of_gzip_is_found() {
    let good = gzip(&images(1, 2, 2, &[9; 4]));
    for position in good.len() - 8..good.len() {
        let mut bad = good.clone();
        bad[position] ^= 1;
        assert!(matches!(read_images(&bad[..]), Err(IdxError::Gzip(_))), "byte {position}");
    }
}

#[test]
fn no_samples_and_no_pixels_are_errors_that_say_the_dimensions() {
    for (n_images, n_rows, n_columns) in [(0, 28, 28), (1, 0, 28), (1, 28, 0), (0, 0, 0), (u32::MAX, u32::MAX, 0)] {
        let error = read_images(&images(n_images, n_rows, n_columns, &[])[..]).unwrap_err();
        assert!(matches!(error, IdxError::Empty(_)), "{error}");
        assert!(error.to_string().contains(&format!("{n_images} images of {n_rows} × {n_columns}")), "{error}");
    }
    assert!(matches!(read_labels(&labels(0, &[])[..]), Err(IdxError::Empty(_))));
}

#[test]
fn dimensions_whose_product_overflows_are_too_large() {
    let error = read_images(&images(u32::MAX, u32::MAX, u32::MAX, &[1, 2, 3])[..]).unwrap_err();
    assert!(matches!(error, IdxError::TooLarge { .. }), "{error}");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = read_images(&bytes[..]);
        let _ = read_labels(&bytes[..]);
        let _ = read_images(&gzip(&bytes)[..]);
        let _ = read_labels(&[&[0x1f, 0x8b], &bytes[..]].concat()[..]);
    }

    #[test]
    fn arbitrary_dimensions_never_panic(
        header in prop::array::uniform3(prop_oneof![any::<u32>(), 0_u32..4]),
        body in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let [n_images, n_rows, n_columns] = header;
        let n_pixels = u128::from(n_images) * u128::from(n_rows) * u128::from(n_columns);
        let result = read_images(&images(n_images, n_rows, n_columns, &body)[..]);
        prop_assert_eq!(result.is_ok(), n_pixels > 0 && n_pixels == body.len() as u128);
        let result = read_labels(&labels(n_images, &body)[..]);
        prop_assert_eq!(result.is_ok(), n_images > 0 && n_images as usize == body.len());
    }

    #[test]
    fn a_written_file_reads_back_equal(
        n_rows in 1_u32..9, n_columns in 1_u32..9, pool in prop::collection::vec(any::<u8>(), 64..512), compress: bool,
    ) {
        let size = (n_rows * n_columns) as usize;
        let n_images = pool.len() / size;
        let pixels = &pool[..n_images * size];
        let plain = file(&[2051, n_images as u32, n_rows, n_columns], pixels);
        let read = read_images(&(if compress { gzip(&plain) } else { plain })[..]).unwrap();
        prop_assert_eq!((read.n_images, read.size()), (n_images, (n_rows as usize, n_columns as usize)));
        prop_assert_eq!(&read.pixels[..], pixels);

        let plain = labels(pool.len() as u32, &pool);
        prop_assert_eq!(read_labels(&(if compress { gzip(&plain) } else { plain })[..]).unwrap(), pool);
    }
}

/// A file of these dimensions and numbers; `code` is that of their type.
fn of_type(code: u8, dimensions: &[u32], numbers: &[f64]) -> Vec<u8> {
    let magic = u32::from_be_bytes([0, 0, code, dimensions.len() as u8]);
    let body = numbers.iter().flat_map(|&x| match code {
        0x08 => vec![x as u8],
        0x09 => vec![x as i8 as u8],
        0x0b => (x as i16).to_be_bytes().to_vec(),
        0x0c => (x as i32).to_be_bytes().to_vec(),
        0x0d => (x as f32).to_be_bytes().to_vec(),
        _ => x.to_be_bytes().to_vec(),
    });
    file(&[&[magic], dimensions].concat(), &body.collect::<Vec<u8>>())
}

const CODES: [u8; 6] = [0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e];

#[test]
fn numbers_of_every_type_are_read_as_pixels_and_labels() {
    for code in CODES {
        let pixels = [0.0, 1.0, 2.0, 127.0];
        for dimensions in [&[1, 2, 2][..], &[1, 1, 2, 2], &[1, 2, 2, 1], &[1, 4]] {
            let bytes = of_type(code, dimensions, &pixels);
            for bytes in [gzip(&bytes), bytes] {
                let read = read_images(&bytes[..]).unwrap();
                assert_eq!((read.n_images, read.size(), &read.pixels[..]), (1, (2, 2), &[0, 1, 2, 127][..]), "{code}");
            }
        }
        assert_eq!(read_labels(&of_type(code, &[3], &[7.0, 0.0, 26.0])[..]).unwrap(), [7, 0, 26]);
        assert_eq!(read_labels(&of_type(code, &[2, 1], &[7.0, 26.0])[..]).unwrap(), [7, 26]);
        assert_eq!(read_labels(&of_type(code, &[2, 3], &[0.0, 0.0, 1.0, 1.0, 0.0, 0.0])[..]).unwrap(), [2, 0]);
    }
    let fractions = of_type(0x0d, &[1, 1, 3], &[0.0, 51.0 / 255.0, 1.0]);
    assert_eq!(read_images(&fractions[..]).unwrap().pixels, [0, 51, 255]);
}

#[test]
fn the_first_column_of_qmnists_labels_is_the_class() {
    let rows = [[5.0, 0.0, 2021.0, 12.0, 9.0, 0.0, 0.0, 3.0], [0.0, 1.0, 150.0, 99.0, 0.0, 0.0, 1.0, -1.0]];
    assert_eq!(read_labels(&of_type(0x0c, &[2, 8], rows.as_flattened())[..]).unwrap(), [5, 0]);
}

#[test]
fn what_has_no_plain_meaning_is_named_for_what_it_is() {
    let error = |bytes: Vec<u8>| read_labels(&bytes[..]).unwrap_err().to_string();
    let rows = error(of_type(0x0c, &[2, 3], &[4.0, 0.0, 0.0, 1.0, 2.0, 3.0]));
    assert!(rows.contains("found IDX of 32-bit integers, 2 dimensions (2 × 3), whose rows"), "{rows}");
    let pixels = error(of_type(0x0d, &[1, 2, 2], &[0.0; 4]));
    assert!(pixels.ends_with("found IDX of 32-bit floating-point numbers, 3 dimensions (1 × 2 × 2)"), "{pixels}");
    let negative = error(of_type(0x09, &[2], &[3.0, -3.0]));
    assert!(negative.contains("number 1 of its content (counted from 0) is -3"), "{negative}");

    let error = |bytes: Vec<u8>| read_images(&bytes[..]).unwrap_err().to_string();
    let labels = error(of_type(0x0c, &[2, 8], &[0.0; 16]));
    assert!(labels.ends_with("found IDX of 32-bit integers, 2 dimensions (2 × 8)"), "{labels}");
    let large = error(of_type(0x0e, &[1, 1, 2], &[255.0, 256.0]));
    assert!(large.contains("number 1") && large.contains("fractions of 255"), "{large}");
}

#[test]
fn other_types_cut_off_or_too_long_are_so_called() {
    let whole = of_type(0x0c, &[1, 2, 2], &[1.0; 4]);
    for n in 4..whole.len() {
        let error = read_images(&whole[..n]).unwrap_err();
        assert!(matches!(error, IdxError::Truncated { found, .. } if found == n as u64), "{n}: {error}");
    }
    let longer = [&whole[..], &[0]].concat();
    assert!(matches!(read_images(&longer[..]), Err(IdxError::Trailing { expected: 32 })));
    let huge = of_type(0x0e, &[u32::MAX, u32::MAX], &[]);
    assert!(read_labels(&huge[..]).is_err());
}
