//! Small PNG pictures that stand within a page.

use std::io::Cursor;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgba, RgbaImage};
use ndarray::{Array2, ArrayView2};

use super::chart::{LEVEL, PALETTE};

/// A picture that a page holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    /// The picture itself, as a `data:` address.
    pub url: String,
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
}

impl Picture {
    fn png(image: DynamicImage) -> Self {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).expect("a picture is written into memory, where nothing fails");
        Self {
            url: format!("data:image/png;base64,{}", BASE64_STANDARD.encode(bytes.get_ref())),
            width: image.width() as usize,
            height: image.height() as usize,
        }
    }
}

/// Pixels from 0 to 1 as ink on paper.
pub(super) fn ink(pixels: ArrayView2<f64>) -> Picture {
    let (height, width) = pixels.dim();
    let image = GrayImage::from_fn(width as u32, height as u32, |x, y| {
        Luma([255 - (255.0 * pixels[[y as usize, x as usize]]).round() as u8])
    });
    Picture::png(DynamicImage::ImageLuma8(image))
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
    let mut image = RgbaImage::new(width as u32, height as u32);
    for (unit, weights) in w1.columns().into_iter().enumerate() {
        let (left, top) = (unit % per_row * (columns + 1), unit / per_row * (rows + 1));
        for (input, weight) in weights.iter().enumerate() {
            let colour = if *weight > 0.0 { LEVEL } else { PALETTE[0] };
            let strength = (STRENGTHS * (weight / largest).abs()).round() / STRENGTHS;
            let (x, y) = (left + input % columns, top + input / columns);
            let pixel = Rgba([colour.0, colour.1, colour.2, (255.0 * strength) as u8]);
            image.put_pixel(x as u32, y as u32, pixel);
        }
    }
    Picture::png(DynamicImage::ImageRgba8(image))
}

/// Shares from 0 to 1, a pixel each: the larger the stronger.
pub(super) fn shares(shares: &Array2<f64>) -> Picture {
    let (height, width) = shares.dim();
    let image = RgbaImage::from_fn(width as u32, height as u32, |x, y| {
        let share = shares[[y as usize, x as usize]];
        // What is rare is to be seen too.
        let strength = if share > 0.0 { 0.15 + 0.85 * share } else { 0.0 };
        Rgba([PALETTE[0].0, PALETTE[0].1, PALETTE[0].2, (255.0 * strength) as u8])
    });
    Picture::png(DynamicImage::ImageRgba8(image))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn decoded(picture: &Picture) -> RgbaImage {
        let base64 = picture.url.strip_prefix("data:image/png;base64,").unwrap();
        let image = image::load_from_memory(&BASE64_STANDARD.decode(base64).unwrap()).unwrap().to_rgba8();
        assert_eq!((image.width() as usize, image.height() as usize), (picture.width, picture.height));
        image
    }

    #[test]
    fn ink_is_dark_where_a_pixel_is_bright() {
        let image = decoded(&ink(array![[0.0, 1.0], [0.5, 0.0]].view()));
        let bytes: Vec<u8> = image.pixels().map(|pixel| pixel[0]).collect();
        assert_eq!(bytes, [255, 0, 127, 255]);
    }

    #[test]
    fn each_unit_has_a_tile_and_the_sign_of_a_weight_has_a_colour() {
        // Two inputs beside each other, three units, two of them in the first row.
        let image = decoded(&weights(array![[1.0, 0.0, 0.5], [-1.0, 0.0, 0.0]].view(), (1, 2), 2));
        assert_eq!(image.dimensions(), (5, 3));
        let pixel = |x, y| image.get_pixel(x, y).0;
        assert_eq!((pixel(0, 0), pixel(1, 0)), ([190, 80, 20, 255], [31, 95, 170, 255]));
        assert_eq!((pixel(2, 0)[3], pixel(3, 0)[3], pixel(4, 0)[3]), (0, 0, 0));
        assert_eq!((pixel(0, 2), pixel(1, 2)[3]), ([190, 80, 20, 127], 0));
    }

    #[test]
    fn weights_that_are_all_0_are_no_obstacle() {
        assert!(decoded(&weights(Array2::zeros((4, 1)).view(), (2, 2), 10)).pixels().all(|pixel| pixel[3] == 0));
    }
}
