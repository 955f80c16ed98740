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
    assert_eq!(error, "expected a file of images (IDX magic number 2051), found a file of labels (magic number 2049)");
    let error = read_labels(&b"<html>nothing here</html>"[..]).unwrap_err().to_string();
    assert!(error.ends_with("(bytes 3c 68 74 6d): neither IDX images or labels nor gzip"), "{error}");
}

#[test]
fn a_file_cut_off_anywhere_is_truncated_and_never_something_else() {
    let plain = images(2, 2, 2, &[1; 8]);
    let compressed = gzip(&plain);
    for n in 0..plain.len() {
        let error = read_images(&plain[..n]).unwrap_err();
        assert!(matches!(error, IdxError::Truncated { found, .. } if found == n as u64), "{n}: {error}");
    }
    for n in 2..compressed.len() {
        let error = read_images(&compressed[..n]).unwrap_err();
        assert!(matches!(error, IdxError::Gzip(_)), "{n}: {error}");
        assert_eq!(error.to_string(), "its gzip data are damaged: they are cut off");
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
