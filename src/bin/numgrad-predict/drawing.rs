//! Pictures and bars made of characters.
//!
//! A terminal's character is about twice as high as wide, so each shows two pixels, one above the other. With colours they
//! are the halves of a block, in 26 shades of grey, white on black as the network sees them, whatever the terminal's own
//! colours are. Without, the denser a character the more ink there is: white on a dark terminal, black on a light one.

use std::fmt::Write;

use ndarray::{Array2, ArrayRef2, ArrayView2, s};

/// Texts are made for this many columns.
pub const WIDTH: usize = 80;
/// Characters from no ink to full ink.
const DENSITIES: &[u8] = b" .:-=+*#%@";

/// What there is to draw with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    Colours,
    Characters,
}

impl Medium {
    /// Colours on a terminal that has them, and elsewhere where `CLICOLOR_FORCE` is set; never where `NO_COLOR` is.
    pub fn of_standard_output() -> Self {
        // console lets CLICOLOR_FORCE win.
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if console::colors_enabled() && !no_color { Self::Colours } else { Self::Characters }
    }
}

/// The lines of a picture, all of the same width. Shades are 0 to 1, 1 is white.
pub fn lines(picture: &ArrayRef2<f64>, medium: Medium) -> Vec<String> {
    let (n_rows, n_columns) = picture.dim();
    let shade = |row: usize, column: usize| picture.get((row, column)).copied().unwrap_or(0.0);
    let line = |row: usize| {
        let pairs = (0..n_columns).map(|column| (shade(row, column), shade(row + 1, column)));
        match medium {
            Medium::Characters => pairs.map(|(upper, lower)| density((upper + lower) / 2.0)).collect(),
            Medium::Colours => {
                let mut line = String::new();
                for (upper, lower) in pairs {
                    // A String takes whatever is written.
                    let _ = write!(line, "\x1b[38;5;{};48;5;{}m▀", grey(upper), grey(lower));
                }
                line + "\x1b[0m"
            }
        }
    };
    (0..n_rows).step_by(2).map(line).collect()
}

/// A bar that is `width` characters long for a share of 1, with blanks for what is missing.
pub fn bar(share: f64, width: usize, medium: Medium) -> String {
    let block = match medium {
        Medium::Colours => "█",
        Medium::Characters => "#",
    };
    let n = (share * width as f64).round() as usize;
    block.repeat(n) + &" ".repeat(width.saturating_sub(n))
}

/// A picture as it is or, if it has more columns than `width`, made smaller by the least whole number with which it fits.
pub fn fitted(picture: ArrayView2<f64>, width: usize) -> Array2<f64> {
    let (n_rows, n_columns) = picture.dim();
    let times = n_columns.div_ceil(width);
    Array2::from_shape_fn((n_rows.div_ceil(times), n_columns.div_ceil(times)), |(row, column)| {
        let (row, column) = (row * times, column * times);
        let part = picture.slice(s![row..(row + times).min(n_rows), column..(column + times).min(n_columns)]);
        part.mean().expect("a part has at least one pixel")
    })
}

fn density(shade: f64) -> char {
    DENSITIES[(shade * (DENSITIES.len() - 1) as f64).round() as usize].into()
}

/// The number of the nearest grey among a terminal's 256 colours: black, 24 greys of 8, 18, …, 238 of 255, white.
fn grey(shade: f64) -> u8 {
    match (255.0 * shade).round() as u8 {
        ..4 => 16,
        byte @ 4..247 => 232 + ((byte.saturating_sub(8) + 5) / 10).min(23),
        247.. => 231,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn every_shade_gets_the_nearest_grey_that_a_terminal_has() {
        let shade_of = |number: u8| match number {
            16 => 0,
            231 => 255,
            number => 8 + 10 * i32::from(number - 232),
        };
        let numbers: Vec<u8> = [16, 231].into_iter().chain(232..=255).collect();
        for byte in 0..=255 {
            let distance = |number: u8| (shade_of(number) - byte).abs();
            let nearest = numbers.iter().map(|&number| distance(number)).min().unwrap();
            let found = grey(f64::from(byte) / 255.0);
            assert!(distance(found) == nearest, "{byte}: {found}");
        }
    }

    #[test]
    fn a_character_shows_two_pixels_and_the_last_row_of_an_odd_number_stands_above_nothing() {
        let picture = array![[0.0, 1.0], [0.0, 1.0], [1.0, 0.5]];
        assert_eq!(lines(&picture, Medium::Characters), [" @", "+:"]);
        let coloured = lines(&picture, Medium::Colours);
        assert_eq!(coloured[0], "\x1b[38;5;16;48;5;16m▀\x1b[38;5;231;48;5;231m▀\x1b[0m");
        assert_eq!(coloured[1], "\x1b[38;5;231;48;5;16m▀\x1b[38;5;244;48;5;16m▀\x1b[0m");
    }

    #[test]
    fn a_picture_that_is_too_wide_is_made_smaller_by_means_over_squares() {
        let picture = array![[0.0, 1.0, 0.5], [1.0, 0.0, 0.1], [0.2, 0.4, 0.9]];
        assert_eq!(fitted(picture.view(), 3), picture);
        let smaller = fitted(picture.view(), 2);
        assert!((smaller - array![[0.5, 0.3], [0.3, 0.9]]).iter().all(|difference| difference.abs() < 1e-15));
    }
}
