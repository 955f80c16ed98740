//! How a camera was held, which it notes beside the picture.
//!
//! Source: CIPA DC-008, "Exchangeable image file format for digital still cameras: Exif", tag 0x0112; the form of the data is
//! TIFF's.

use ndarray::{Array2, Axis};

/// What makes a picture upright: one of the eight ways to lay a rectangle onto itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Orientation {
    /// Rows are columns. The first of what is done.
    transposed: bool,
    /// The last row is the first.
    upside_down: bool,
    /// The last column is the first.
    mirrored: bool,
}

impl Orientation {
    /// What a camera noted; pictures are left as they are where it noted nothing that makes sense.
    pub(super) fn from_exif(exif: &[u8]) -> Self {
        noted(exif).and_then(Self::from_number).unwrap_or_default()
    }

    /// The numbers of Exif.
    fn from_number(number: u16) -> Option<Self> {
        let (transposed, upside_down, mirrored) = match number {
            1 => (false, false, false),
            2 => (false, false, true),
            3 => (false, true, true),
            4 => (false, true, false),
            5 => (true, false, false),
            6 => (true, false, true),
            7 => (true, true, true),
            8 => (true, true, false),
            _ => return None,
        };
        Some(Self { transposed, upside_down, mirrored })
    }

    /// The picture as it was seen. No pixel is moved, only how they are addressed.
    pub(super) fn upright(self, picture: Array2<f64>) -> Array2<f64> {
        let mut picture = if self.transposed { picture.reversed_axes() } else { picture };
        if self.upside_down {
            picture.invert_axis(Axis(0));
        }
        if self.mirrored {
            picture.invert_axis(Axis(1));
        }
        picture
    }
}

/// The number under which a camera noted how it was held.
fn noted(exif: &[u8]) -> Option<u16> {
    const ORIENTATION: u16 = 0x0112;
    const N_BYTES_OF_ENTRY: usize = 12;
    let is_little = match exif.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let at = |place: usize| exif.get(place..);
    let u16_at = |place| {
        let bytes = *at(place)?.first_chunk()?;
        Some(if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let u32_at = |place| {
        let bytes = *at(place)?.first_chunk()?;
        Some(if is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let directory = u32_at(4)? as usize;
    let n_entries = usize::from(u16_at(directory)?);
    // The number of entries stands in two bytes before them; of a 16-bit value, the first half of the last four bytes is it.
    let mut entries = (0..n_entries).map(|i| directory.saturating_add(2 + i * N_BYTES_OF_ENTRY));
    let entry = entries.find(|&entry| u16_at(entry) == Some(ORIENTATION))?;
    u16_at(entry.saturating_add(8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    /// An F, as in the pictures by which the eight ways are usually told.
    fn upright() -> Array2<f64> {
        array![[1.0, 1.0], [1.0, 0.0], [1.0, 0.0]]
    }

    #[test]
    fn each_of_the_eight_ways_to_hold_a_camera_is_undone() {
        let stored = [
            (1, array![[1.0, 1.0], [1.0, 0.0], [1.0, 0.0]]),
            (2, array![[1.0, 1.0], [0.0, 1.0], [0.0, 1.0]]),
            (3, array![[0.0, 1.0], [0.0, 1.0], [1.0, 1.0]]),
            (4, array![[1.0, 0.0], [1.0, 0.0], [1.0, 1.0]]),
            (5, array![[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]),
            (6, array![[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]),
            (7, array![[0.0, 0.0, 1.0], [1.0, 1.0, 1.0]]),
            (8, array![[1.0, 1.0, 1.0], [0.0, 0.0, 1.0]]),
        ];
        for (number, picture) in stored {
            let found = Orientation::from_number(number).unwrap().upright(picture);
            assert_eq!(found, upright(), "{number}");
        }
        assert_eq!(Orientation::from_number(0), None);
        assert_eq!(Orientation::from_number(9), None);
    }

    #[test]
    fn both_orders_of_bytes_are_read_and_what_makes_no_sense_turns_nothing() {
        let little = *b"II*\0\x08\0\0\0\x02\0\x0f\x01\x02\0\x04\0\0\0abc\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let big = *b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        assert_eq!((noted(&little), noted(&big)), (Some(6), Some(6)));
        for n in 0..28 {
            assert_eq!(noted(&big[..n.min(18)]), None, "{n}");
        }
        assert_eq!(noted(b"MM\0*\xff\xff\xff\xff\0\x01"), None);
        assert_eq!(Orientation::from_exif(b"no Exif at all"), Orientation::default());
    }
}
