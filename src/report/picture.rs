//! Small PNG pictures that stand within a page.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ndarray::{Array2, ArrayView2};
use png::{BitDepth, ColorType, Encoder};

use super::colours::{CURVES, Rgb, WARM};

/// A picture that a page holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    /// The picture itself, as a `data:` address.
    pub url: String,
    /// How many pixels it has from left to right.
    pub width: usize,
    /// How many pixels it has from top to bottom.
    pub height: usize,
}

impl Picture {
    /// Makes a picture of bytes row by row: one for each pixel that is grey, four for one that has a colour and an opacity.
    fn png(bytes: &[u8], (width, height): (usize, usize), colours: ColorType) -> Self {
        let written = "a picture is written into memory, where nothing fails";
        let mut png = Vec::new();
        let mut encoder = Encoder::new(&mut png, width as u32, height as u32);
        encoder.set_color(colours);
        encoder.set_depth(BitDepth::Eight);
        encoder.write_header().and_then(|mut writer| writer.write_image_data(bytes)).expect(written);
        Self { url: format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png)), width, height }
    }
}

/// A pixel of this colour, as opaque as a share from 0 to 1.
fn pixel(Rgb(red, green, blue): Rgb, opacity: f64) -> [u8; 4] {
    [red, green, blue, (255.0 * opacity) as u8]
}

/// Pixels from 0 to 1 as ink on paper.
pub(super) fn ink(pixels: ArrayView2<f64>) -> Picture {
    let (height, width) = pixels.dim();
    let bytes: Vec<u8> = pixels.iter().map(|pixel| 255 - (255.0 * pixel).round() as u8).collect();
    Picture::png(&bytes, (width, height), ColorType::Grayscale)
}

/// The weights of the first hidden units, (D, H), as pictures of `rows` × `columns` pixels, `per_row` beside each other: what
/// is above 0 in one colour, what is below in another, the stronger the farther from 0; 0 is transparent.
pub(super) fn weights(w1: ArrayView2<f64>, (rows, columns): (usize, usize), per_row: usize) -> Picture {
    // Few strengths, so that the file stays small.
    const STRENGTHS: f64 = 40.0;
    let largest = w1.iter().fold(f64::MIN_POSITIVE, |largest, weight| largest.max(weight.abs()));
    let n_units = w1.ncols();
    let (tiles_across, tiles_down) = (per_row.min(n_units), n_units.div_ceil(per_row));
    // A pixel between two pictures.
    let (width, height) = (tiles_across * (columns + 1) - 1, tiles_down * (rows + 1) - 1);
    let mut pixels = vec![[0; 4]; width * height];
    for (unit, weights) in w1.columns().into_iter().enumerate() {
        let (left, top) = (unit % per_row * (columns + 1), unit / per_row * (rows + 1));
        for (input, weight) in weights.iter().enumerate() {
            let colour = if *weight > 0.0 { WARM.light } else { CURVES[0].light };
            let strength = (STRENGTHS * (weight / largest).abs()).round() / STRENGTHS;
            let (x, y) = (left + input % columns, top + input / columns);
            pixels[y * width + x] = pixel(colour, strength);
        }
    }
    Picture::png(pixels.as_flattened(), (width, height), ColorType::Rgba)
}

/// Shares from 0 to 1, a pixel each: the larger the stronger.
pub(super) fn shares(shares: &Array2<f64>) -> Picture {
    let (height, width) = shares.dim();
    // What is rare is to be seen too.
    let opacity = |share: f64| if share > 0.0 { 0.15 + 0.85 * share } else { 0.0 };
    let pixels: Vec<[u8; 4]> = shares.iter().map(|&share| pixel(CURVES[0].light, opacity(share))).collect();
    Picture::png(pixels.as_flattened(), (width, height), ColorType::Rgba)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use ndarray::array;

    use super::*;

    /// The bytes of each pixel.
    fn decoded<const N: usize>(picture: &Picture) -> Vec<[u8; N]> {
        let base64 = picture.url.strip_prefix("data:image/png;base64,").unwrap();
        let png = BASE64_STANDARD.decode(base64).unwrap();
        let mut reader = png::Decoder::new(Cursor::new(png)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((info.width as usize, info.height as usize), (picture.width, picture.height));
        bytes.as_chunks().0.to_vec()
    }

    #[test]
    fn ink_is_dark_where_a_pixel_is_bright() {
        assert_eq!(decoded(&ink(array![[0.0, 1.0], [0.5, 0.0]].view())), [[255], [0], [127], [255]]);
    }

    #[test]
    fn each_unit_has_a_tile_and_the_sign_of_a_weight_has_a_colour() {
        // Two inputs beside each other, three units, two of them in the first row.
        let picture = weights(array![[1.0, 0.0, 0.5], [-1.0, 0.0, 0.0]].view(), (1, 2), 2);
        assert_eq!((picture.width, picture.height), (5, 3));
        let pixels = decoded::<4>(&picture);
        let pixel = |x: usize, y: usize| pixels[y * 5 + x];
        assert_eq!((pixel(0, 0), pixel(1, 0)), ([190, 80, 20, 255], [31, 95, 170, 255]));
        assert_eq!((pixel(2, 0)[3], pixel(3, 0)[3], pixel(4, 0)[3]), (0, 0, 0));
        assert_eq!((pixel(0, 2), pixel(1, 2)[3]), ([190, 80, 20, 127], 0));
    }

    #[test]
    fn weights_that_are_all_0_are_no_obstacle() {
        let picture = weights(Array2::zeros((4, 1)).view(), (2, 2), 10);
        assert!(decoded::<4>(&picture).iter().all(|pixel| pixel[3] == 0));
    }
}
