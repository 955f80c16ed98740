//! Labelled inputs: pixels that stay bytes until they are asked for as numbers, or numbers as they are.

use std::ops::Range;

use ndarray::{Array2, Array4, ArrayRef1, ArrayRef2, ArrayView1};

use super::idx::Images;

/// `BYTE_AS_FRACTION[p]` is p/255 in single precision, as the article normalises pixels, made double.
pub(crate) static BYTE_AS_FRACTION: [f64; 256] = {
    let mut table = [0.0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as f32 / 255.0) as f64;
        byte += 1;
    }
    table
};

/// One set of labelled inputs: N samples of D inputs each, every one of one of K classes.
///
/// How the inputs and labels are wanted is asked for by methods: [`normalised`](Self::normalised) or
/// [`raw`](Self::raw), each [`flat`](Inputs::flat) or as [`images`](Inputs::images); labels as
/// [`indices`](Self::label_indices) or [`one_hot`](Self::one_hot).
///
/// ```
/// let data = numgrad::dataset::embedded(10)?;
/// assert_eq!(data.train.normalised().flat().dim(), (6000, 784));
/// assert_eq!(data.train.raw().images().unwrap().dim(), (6000, 1, 28, 28));
/// assert_eq!(data.train.one_hot().dim(), (6000, 10));
/// # Ok::<(), numgrad::dataset::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    content: Content,
    labels: Vec<u8>,
    n_classes: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    Pixels(Images),
    Values(Array2<f64>),
}

/// The inputs of one sample.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SampleInputs<'a> {
    /// An image, one byte a pixel and row by row: (D).
    Pixels(&'a [u8]),
    /// Numbers that are inputs as they are: (D).
    Values(ArrayView1<'a, f64>),
}

/// The inputs of [`Samples`], before it is said in which shape they are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    samples: &'a Samples,
    scale: Scale,
}

#[derive(Clone, Copy, Debug)]
enum Scale {
    Normalised,
    Raw,
}

impl Samples {
    /// The caller has made sure that there are as many labels as images and that each is below `n_classes`.
    pub(super) fn from_images(images: Images, labels: Vec<u8>, n_classes: usize) -> Self {
        debug_assert_eq!(images.n_images, labels.len());
        Self { content: Content::Pixels(images), labels, n_classes }
    }

    pub(super) fn from_values(values: Array2<f64>, labels: Vec<u8>, n_classes: usize) -> Self {
        debug_assert_eq!(values.nrows(), labels.len());
        Self { content: Content::Values(values), labels, n_classes }
    }

    /// The number of samples, N.
    #[expect(clippy::len_without_is_empty, reason = "there is always at least one sample")]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// The number of inputs of each sample, D: for images the number of their pixels.
    pub fn input_size(&self) -> usize {
        match &self.content {
            Content::Pixels(images) => images.n_rows * images.n_columns,
            Content::Values(values) => values.ncols(),
        }
    }

    /// The number of classes, K; every label is below it.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// Rows and columns of the images; `None` where the inputs are not pixels.
    pub fn image_size(&self) -> Option<(usize, usize)> {
        match &self.content {
            Content::Pixels(images) => Some(images.size()),
            Content::Values(_) => None,
        }
    }

    /// The pixels of all images as they are kept, one byte each, image by image and row by row; `None` where the inputs are
    /// not pixels.
    ///
    /// ```
    /// let data = numgrad::dataset::embedded(10)?;
    /// assert_eq!(data.train.pixels().unwrap().len(), 6000 * 28 * 28);
    /// # Ok::<(), numgrad::dataset::Error>(())
    /// ```
    pub fn pixels(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Pixels(images) => Some(&images.pixels),
            Content::Values(_) => None,
        }
    }

    /// The labels, one byte each.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The labels as indices.
    pub fn label_indices(&self) -> Vec<usize> {
        self.labels.iter().map(|&label| usize::from(label)).collect()
    }

    /// The labels as rows of K numbers, 1 for the sample's class and 0 for the others: (N, K).
    pub fn one_hot(&self) -> Array2<f64> {
        let mut rows = Array2::zeros((self.len(), self.n_classes));
        for (mut row, &label) in rows.rows_mut().into_iter().zip(&self.labels) {
            row[usize::from(label)] = 1.0;
        }
        rows
    }

    /// The inputs with pixels brought to 0 to 1: the single-precision p/255, made double. Inputs that are not pixels
    /// stay as they are.
    pub fn normalised(&self) -> Inputs<'_> {
        Inputs { samples: self, scale: Scale::Normalised }
    }

    /// The inputs with pixels from 0 to 255.
    pub fn raw(&self) -> Inputs<'_> {
        Inputs { samples: self, scale: Scale::Raw }
    }

    /// Writes the normalised inputs and the labels of the samples `indices`, in that order, without allocating.
    ///
    /// Shapes: `indices` (N), `inputs` (N, D), `labels` (N).
    ///
    /// # Panics
    /// If the shapes disagree or an index is not below [`len`](Self::len).
    pub fn gather_into(&self, indices: &[usize], inputs: &mut ArrayRef2<f64>, labels: &mut [usize]) {
        assert!(
            inputs.dim() == (indices.len(), self.input_size()) && labels.len() == indices.len(),
            "gather_into: {} indices of samples of {} inputs need inputs {:?} and {} labels, got inputs {:?} and {} \
             labels",
            indices.len(),
            self.input_size(),
            (indices.len(), self.input_size()),
            indices.len(),
            inputs.dim(),
            labels.len(),
        );
        for ((mut row, label), &sample) in inputs.rows_mut().into_iter().zip(labels).zip(indices) {
            self.write_sample(sample, Scale::Normalised, &mut row);
            *label = usize::from(self.labels[sample]);
        }
    }

    /// The inputs of one sample, as they are kept.
    ///
    /// # Panics
    /// If `sample` is not below [`len`](Self::len).
    pub(crate) fn inputs_of(&self, sample: usize) -> SampleInputs<'_> {
        match &self.content {
            Content::Values(values) => SampleInputs::Values(values.row(sample)),
            Content::Pixels(images) => {
                let size = self.input_size();
                SampleInputs::Pixels(&images.pixels[sample * size..][..size])
            }
        }
    }

    /// Walks through all samples in order, `size` at a time (the last chunk holds the rest): normalised inputs and
    /// labels. Memory is taken for one chunk, so that the accuracy over a large set needs no array of all its inputs.
    ///
    /// # Panics
    /// If `size` is 0.
    pub fn chunks(&self, size: usize) -> impl ExactSizeIterator<Item = (Array2<f64>, Vec<usize>)> + '_ {
        assert!(size > 0, "chunks: the size of a chunk is 0");
        (0..self.len().div_ceil(size)).map(move |chunk| {
            let range = chunk * size..(chunk * size).saturating_add(size).min(self.len());
            let labels = self.labels[range.clone()].iter().map(|&label| usize::from(label)).collect();
            (self.flat(range, Scale::Normalised), labels)
        })
    }

    pub(super) fn add_to(&self, crc: &mut flate2::Crc) {
        match &self.content {
            Content::Pixels(images) => crc.update(&images.pixels),
            Content::Values(values) => values.iter().for_each(|value| crc.update(&value.to_le_bytes())),
        }
        crc.update(&self.labels);
    }

    fn flat(&self, range: Range<usize>, scale: Scale) -> Array2<f64> {
        let mut inputs = Array2::zeros((range.len(), self.input_size()));
        for (mut row, sample) in inputs.rows_mut().into_iter().zip(range) {
            self.write_sample(sample, scale, &mut row);
        }
        inputs
    }

    fn write_sample(&self, sample: usize, scale: Scale, row: &mut ArrayRef1<f64>) {
        match self.inputs_of(sample) {
            SampleInputs::Values(values) => row.assign(&values),
            SampleInputs::Pixels(pixels) => {
                // A slice is walked through several times faster than a row that may have gaps.
                match row.as_slice_mut() {
                    Some(row) => write_pixels(pixels, scale, row.iter_mut()),
                    None => write_pixels(pixels, scale, row.iter_mut()),
                }
            }
        }
    }
}

fn write_pixels<'a>(pixels: &[u8], scale: Scale, row: impl Iterator<Item = &'a mut f64>) {
    let inputs = row.zip(pixels);
    match scale {
        Scale::Normalised => inputs.for_each(|(x, &pixel)| *x = BYTE_AS_FRACTION[usize::from(pixel)]),
        Scale::Raw => inputs.for_each(|(x, &pixel)| *x = f64::from(pixel)),
    }
}

impl Inputs<'_> {
    /// One row for each sample: (N, D).
    pub fn flat(self) -> Array2<f64> {
        self.samples.flat(0..self.samples.len(), self.scale)
    }

    /// One picture of one channel for each sample: (N, 1, rows, columns). `None` where the inputs are not pixels.
    pub fn images(self) -> Option<Array4<f64>> {
        let (n_rows, n_columns) = self.samples.image_size()?;
        let shape = (self.samples.len(), 1, n_rows, n_columns);
        Some(self.flat().into_shape_with_order(shape).expect("an image has rows × columns pixels"))
    }
}
