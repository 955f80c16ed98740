//! Numbers of any type as what a data set is kept in: a byte a pixel and a byte a label.

/// How far from a whole number a pixel may be, times its scale: single precision is closer by far.
const TOLERANCE: f64 = 1e-3;

/// Pixels as they come, made bytes. They are whole numbers from 0 to 255, or fractions of 255 or 256 from 0 to 1. Which of
/// these they are, the first one that is neither 0 nor 1 tells; if all are 0 or 1, 1 is white.
#[derive(Debug, Default)]
pub(super) struct Shades {
    bytes: Vec<u8>,
    /// What a pixel is multiplied by to be a byte; none as long as all are 0 or 1.
    scale: Option<f64>,
}

/// What pixels can be, for errors.
pub(super) const EXPECTED_PIXELS: &str = "whole numbers from 0 to 255, or fractions of 255 from 0 to 1";

impl Shades {
    /// Adds a pixel; `None` if it is not what pixels can be, or not of the scale of those before.
    pub(super) fn push(&mut self, pixel: f64) -> Option<()> {
        let scale = match self.scale {
            Some(scale) => scale,
            None if pixel == 0.0 || pixel == 1.0 => {
                self.bytes.push(pixel as u8);
                return Some(());
            }
            None => {
                let scale = [1.0, 255.0, 256.0].into_iter().find(|scale| byte(pixel * scale).is_some())?;
                self.begin(scale)?;
                scale
            }
        };
        self.bytes.push(byte(pixel * scale)?);
        Some(())
    }

    /// All pixels, one byte each.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        if self.scale.is_none() {
            self.begin(255.0).expect("1 is a byte of 255");
        }
        self.bytes
    }

    /// Makes the ones that came before the scale was known what they are by it.
    fn begin(&mut self, scale: f64) -> Option<()> {
        self.scale = Some(scale);
        if scale != 1.0 {
            let white = self.bytes.contains(&1).then(|| byte(scale));
            let white = white.unwrap_or(Some(0))?;
            self.bytes.iter_mut().filter(|byte| **byte == 1).for_each(|byte| *byte = white);
        }
        Some(())
    }
}

/// A label; `None` if it is not a whole number from 0 to 255.
pub(super) fn label(number: f64) -> Option<u8> {
    (number.fract() == 0.0).then(|| byte(number))?
}

/// The byte that a number is up to rounding.
fn byte(number: f64) -> Option<u8> {
    let whole = number.round();
    ((0.0..=255.0).contains(&whole) && (number - whole).abs() <= TOLERANCE).then_some(whole as u8)
}

/// Labels that come in rows of several numbers. Their meaning is plain where one number of each row is 1 and the others
/// are 0 (the class is its place), where there is one number in a row, and in QMNIST's rows of eight whole numbers, of
/// which the first is the class and the others tell who wrote the digit.
#[derive(Debug)]
pub(super) struct LabelRows {
    width: usize,
    /// Where in the row the next number belongs.
    at: usize,
    is_one_hot: bool,
    hot: Vec<u8>,
    first: Vec<Option<u8>>,
    /// Where the 1 of this row stands.
    hot_of_row: Option<usize>,
}

/// In how many numbers QMNIST tells of a digit.
const QMNIST_WIDTH: usize = 8;

impl LabelRows {
    /// For rows of `width` numbers, at least one.
    pub(super) fn new(width: usize) -> Self {
        Self { width, at: 0, is_one_hot: width > 1, hot: Vec::new(), first: Vec::new(), hot_of_row: None }
    }

    /// Adds a number; the rows come one after another.
    pub(super) fn push(&mut self, number: f64) {
        if self.at == 0 {
            self.first.push(label(number));
            self.hot_of_row = None;
        }
        if number == 1.0 && self.hot_of_row.is_none() {
            self.hot_of_row = Some(self.at);
        } else if number != 0.0 {
            self.is_one_hot = false;
        }
        self.at += 1;
        if self.at == self.width {
            self.at = 0;
            match self.hot_of_row.and_then(|hot| u8::try_from(hot).ok()).filter(|_| self.is_one_hot) {
                Some(hot) => self.hot.push(hot),
                None => self.is_one_hot = false,
            }
        }
    }

    /// A label for each row; `None` where the rows have no plain meaning.
    pub(super) fn into_labels(self) -> Option<Vec<u8>> {
        match self.width {
            _ if self.is_one_hot => Some(self.hot),
            1 | QMNIST_WIDTH => self.first.into_iter().collect(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(pixels: &[f64]) -> Option<Vec<u8>> {
        let mut shades = Shades::default();
        pixels.iter().try_for_each(|&pixel| shades.push(pixel))?;
        Some(shades.into_bytes())
    }

    #[test]
    fn the_first_pixel_between_tells_the_scale() {
        for (pixels, expected) in [
            (&[0.0, 1.0, 2.0, 255.0][..], Some(&[0, 1, 2, 255][..])),
            (&[0.0, 1.0, f64::from(51.0_f32 / 255.0)], Some(&[0, 255, 51])),
            (&[0.0, 255.0 / 256.0, 0.5], Some(&[0, 255, 128])),
            (&[0.0, 1.0, 1.0], Some(&[0, 255, 255])),
            (&[], Some(&[])),
            (&[1.0, 0.5], None), // 0.5 is of 256, and 1 is not
            (&[0.2, 2.0], None),
            (&[2.0, 0.2], None),
            (&[-1.0], None),
            (&[256.0], None),
            (&[f64::NAN], None),
            (&[0.123], None),
        ] {
            assert_eq!(bytes(pixels).as_deref(), expected, "{pixels:?}");
        }
    }

    fn labels(width: usize, numbers: &[f64]) -> Option<Vec<u8>> {
        let mut rows = LabelRows::new(width);
        numbers.iter().for_each(|&number| rows.push(number));
        rows.into_labels()
    }

    #[test]
    fn rows_of_labels_are_read_where_their_meaning_is_plain() {
        assert_eq!(labels(3, &[0.0, 0.0, 1.0, 1.0, 0.0, 0.0]), Some(vec![2, 0]));
        assert_eq!(labels(3, &[0.0, 0.0, 1.0, 0.0, 0.0, 0.0]), None);
        assert_eq!(labels(2, &[1.0, 1.0]), None);
        assert_eq!(labels(1, &[1.0, 7.0]), Some(vec![1, 7]));
        assert_eq!(labels(1, &[1.0, 0.5]), None);
        let qmnist = [5.0, 0.0, 2021.0, 12.0, 9.0, 0.0, 0.0, 3.0];
        assert_eq!(labels(8, &qmnist), Some(vec![5]));
        assert_eq!(labels(7, &qmnist[..7]), None);
        // A class beyond a byte has no label.
        let mut far = vec![0.0; 300];
        far[256] = 1.0;
        assert_eq!(labels(300, &far), None);
    }
}
