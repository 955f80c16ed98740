//! Pictures out of files: PNG and JPEG, told by their first bytes, whatever the file is called.
//!
//! Nothing is decoded before the size that the header names is known to be small enough. Other kinds of files are not
//! read, but named for what they are.

use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};

use ndarray::Array2;
use png::{Decoder, DecodingError, Limits, Transformations};
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::error::{MAX_JPEG_BYTES, MAX_SIZE, PictureError};
use super::orientation::Orientation;
use crate::files::form::{Form, START_LEN};

/// The decoder of PNG may allocate this many bytes on top of the picture.
const DECODER_BYTES: usize = 64 << 20;

const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG_SIGNATURE: &[u8] = b"\xff\xd8\xff";

/// A picture of any size: for each pixel a shade, or red, green and blue, and perhaps how opaque it is.
pub(super) struct Picture {
    n_rows: usize,
    n_columns: usize,
    n_channels: usize,
    bytes: Vec<u8>,
    orientation: Orientation,
}

impl Picture {
    pub(super) fn read(mut reader: impl BufRead + Seek) -> Result<Self, PictureError> {
        let begin = reader.stream_position().map_err(PictureError::Read)?;
        let mut start = Vec::new();
        reader.by_ref().take(START_LEN as u64).read_to_end(&mut start).map_err(PictureError::Read)?;
        reader.seek(SeekFrom::Start(begin)).map_err(PictureError::Read)?;
        let begins =
            |signature: &[u8]| !start.is_empty() && signature.starts_with(&start) || start.starts_with(signature);
        if begins(PNG_SIGNATURE) {
            Self::read_png(reader)
        } else if begins(JPEG_SIGNATURE) {
            Self::read_jpeg(reader)
        } else {
            Err(PictureError::NoPicture(found_instead(&start)))
        }
    }

    fn read_png(reader: impl BufRead + Seek) -> Result<Self, PictureError> {
        let mut decoder = Decoder::new_with_limits(reader, Limits { bytes: DECODER_BYTES });
        decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
        let (n_columns, n_rows) = decoder.read_header_info()?.size();
        check_size(n_columns, n_rows)?;
        let mut reader = decoder.read_info()?;
        let mut bytes = vec![0; reader.output_buffer_size().expect("the size is limited")];
        let frame = reader.next_frame(&mut bytes)?;
        // Not only the pixels have to be whole.
        reader.finish()?;
        bytes.truncate(frame.buffer_size());
        let orientation = reader.info().exif_metadata.as_deref().map(Orientation::from_exif).unwrap_or_default();
        let (n_rows, n_columns) = (frame.height as usize, frame.width as usize);
        Ok(Self { n_rows, n_columns, n_channels: frame.color_type.samples(), bytes, orientation })
    }

    fn read_jpeg(reader: impl BufRead + Seek) -> Result<Self, PictureError> {
        let mut file = Vec::new();
        reader.take(MAX_JPEG_BYTES + 1).read_to_end(&mut file).map_err(PictureError::Read)?;
        if file.len() as u64 > MAX_JPEG_BYTES {
            return Err(PictureError::TooLong);
        }
        // The decoder fills up what is missing with grey.
        if !has_an_end(&file) {
            return Err(PictureError::Truncated);
        }
        let size = MAX_SIZE as usize;
        // Larger ones are refused below, by a header that was read to its end.
        let options = DecoderOptions::default().set_max_width(1 << 16).set_max_height(1 << 16);
        let mut decoder = JpegDecoder::new_with_options(Cursor::new(&file), options);
        decoder.decode_headers()?;
        let (n_columns, n_rows) = decoder.dimensions().expect("the header is read");
        check_size(n_columns as u32, n_rows as u32)?;
        // The first of the three channels that nearly all files have is the brightness already.
        let (channels, n_channels) = match decoder.input_colorspace() {
            Some(ColorSpace::YCbCr | ColorSpace::Luma) => (ColorSpace::Luma, 1),
            _ => (ColorSpace::RGB, 3),
        };
        decoder.set_options(options.set_max_width(size).set_max_height(size).jpeg_set_out_colorspace(channels));
        let mut bytes = vec![0; n_rows * n_columns * n_channels];
        decoder.decode_into(&mut bytes)?;
        let orientation = decoder.exif().map(|exif| Orientation::from_exif(exif)).unwrap_or_default();
        Ok(Self { n_rows, n_columns, n_channels, bytes, orientation })
    }

    /// The shade of each pixel, 0 (black) to 1 (white), on a ground of the shade `ground`; upright, as it was taken.
    pub(super) fn seen_on(&self, ground: f64) -> Array2<f64> {
        // The brightness of red, green and blue: ITU-R BT.601.
        let brightness = |r, g, b| 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
        let shades = self.bytes.chunks_exact(self.n_channels).map(|pixel| {
            let (colours, opacity) = match *pixel {
                [grey] => (f64::from(grey), 255),
                [grey, opacity] => (f64::from(grey), opacity),
                [r, g, b] => (brightness(r, g, b), 255),
                [r, g, b, opacity] => (brightness(r, g, b), opacity),
                _ => unreachable!("a pixel has one to four channels"),
            };
            let opacity = f64::from(opacity) / 255.0;
            opacity * colours / 255.0 + (1.0 - opacity) * ground
        });
        let shape = (self.n_rows, self.n_columns);
        self.orientation.upright(Array2::from_shape_vec(shape, shades.collect()).expect("a frame is full of pixels"))
    }
}

fn check_size(n_columns: u32, n_rows: u32) -> Result<(), PictureError> {
    if n_columns.max(n_rows) > MAX_SIZE {
        return Err(PictureError::TooLarge(n_columns, n_rows));
    }
    Ok(())
}

/// Whether a JPEG file goes on to its end: the mark of it can't be among the data that follow the header, but may well be
/// in the header, which often holds a small picture.
fn has_an_end(file: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xda;
    let mut at = 2;
    // Marks of one byte behind 0xff, each with the length of what it brings.
    while let Some(&[first, mark, high, low]) = file.get(at..at + 4).and_then(|bytes| bytes.first_chunk()) {
        if first == 0xff && mark == START_OF_SCAN {
            break;
        }
        at += match (first, mark) {
            (0xff, 0xc0..=0xfe) => 2 + usize::from(u16::from_be_bytes([high, low])),
            // What fills up.
            _ => 1,
        };
    }
    file.get(at..).is_some_and(|data| data.windows(2).any(|pair| pair == [0xff, 0xd9]))
}

/// What a file is that is neither PNG nor JPEG, and what to do about it.
fn found_instead(start: &[u8]) -> String {
    let brand = start.get(8..12).unwrap_or_default();
    let picture = match start {
        [b'R', b'I', b'F', b'F', ..] if brand == b"WEBP" => "a WebP picture: save it as PNG or JPEG",
        [b'G', b'I', b'F', b'8', ..] => "a GIF picture: save it as PNG or JPEG",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => match brand {
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => {
                "a HEIC picture, as iPhones take them: export it as JPEG, or set the camera to the most compatible format"
            }
            b"avif" | b"avis" => "an AVIF picture: save it as PNG or JPEG",
            _ => "a film: take a single picture",
        },
        [b'%', b'P', b'D', b'F', ..] => "a PDF document: save the page as PNG, or take a screenshot of the digit",
        [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => "a TIFF or raw picture: save it as PNG or JPEG",
        [b'8', b'B', b'P', b'S', ..] => "a picture of Photoshop: save it as PNG or JPEG",
        [0, 0, 1, 0, ..] => "an icon (ICO): save it as PNG",
        [0xff, 0x0a, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => "a JPEG XL picture: save it as PNG or JPEG",
        [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] | [0xff, 0x4f, 0xff, 0x51, ..] => {
            "a JPEG 2000 picture: save it as PNG or JPEG"
        }
        // The size of the header, behind that of the file and where its pixels begin; a text may begin with BM as well.
        [b'B', b'M', _, _, _, _, _, _, _, _, _, _, _, _, 12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0, ..] => {
            "a BMP picture: save it as PNG"
        }
        [b'P', b'1'..=b'7', byte, ..] if byte.is_ascii_whitespace() => "a PNM picture: save it as PNG",
        _ if begins_svg(start) => "an SVG drawing: save it as PNG",
        _ => return Form::of(start).to_string(),
    };
    picture.to_owned()
}

fn begins_svg(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    text.starts_with("<svg") || (text.starts_with("<?xml") || text.starts_with("<!")) && text.contains("<svg")
}

impl From<DecodingError> for PictureError {
    fn from(error: DecodingError) -> Self {
        match error {
            DecodingError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => Self::Truncated,
            DecodingError::IoError(error) => Self::Read(error),
            error => Self::Damaged("PNG", error.to_string()),
        }
    }
}

impl From<DecodeErrors> for PictureError {
    fn from(error: DecodeErrors) -> Self {
        match error {
            DecodeErrors::ExhaustedData => Self::Truncated,
            DecodeErrors::Unsupported(kind) => Self::Unsupported(format!("{kind:?}")),
            error => Self::Damaged("JPEG", error.to_string()),
        }
    }
}
