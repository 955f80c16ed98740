//! Finds the digit on a sheet of paper that is lit as it may be, and says what makes it doubtful that it is one.
//!
//! The paper is what is left when all that is narrow and darker (or lighter) than what surrounds it is taken away. So
//! shadows, a table beside the paper and a lamp's light go with the paper, as they are wide, and strokes are what differs
//! from it.

use std::ops::Range;

use ndarray::{Array2, ArrayRef2, Zip, s};

use super::Doubt;
use super::grid::{reduced, smoothed, without_narrow_dark};
use super::lines::without_lines;
use super::parts::{Part, parts, thickness, widened};

/// Ink takes away at least this much of the paper's light. Less is taken for no ink.
const MIN_CONTRAST: f64 = 1.0 / 16.0;
/// Less than this is doubtful,
const FAINT: f64 = 0.15;
/// and so is less than this of white: next to black, the grain of light paper looks like much of its light.
const FAINT_OF_WHITE: f64 = MIN_CONTRAST;
/// Ink stands out from the grain of the paper by at least this many times that.
const MIN_CLARITY: f64 = 10.0;
/// A pixel belongs to the digit from this much of the darkest ink on: paper is never all of one shade.
pub(super) const MIN_INK: f64 = 0.2;
/// What is darker is black, be it paper or not.
const DARKEST_PAPER: f64 = 0.25;
/// The digit is looked for in a picture with at most as many rows and columns.
const MAX_GRID: usize = 512;
/// A digit that is smaller than this is looked at again, from nearer.
const NEAR: usize = 64;
/// Pictures with fewer rows and columns are drawings, not photos: their paper is of one shade, and nothing has margins.
const SMALL: usize = 64;
/// Grain of this much and more is smoothed.
const GRAIN: f64 = 0.01;
/// This much and more is smoothed over wider squares.
const MUCH_GRAIN: f64 = 0.05;
/// Parts with this many times fewer pixels than the largest are dust,
const DUST: usize = 100;
/// and with this many times fewer where they are far away from it:
const FAR_DUST: usize = 10;
/// by more than this much of its length.
const FAR: f64 = 0.15;
/// A digit away from the border is at least this long, as a part of the picture.
const MIN_INNER: f64 = 0.12;
/// A digit that fills this much of both the rows and the columns was cut out closely, and may well touch the border.
const CUT_OUT: f64 = 0.75;
/// Strokes leave more of their box free than this much of it lets.
const FILLED: f64 = 0.7;
/// A digit is at most this many times as wide as high. Of MNIST's first 1,000 test digits, 0.9 % break this rule or the next.
const WIDEST: f64 = 1.3;
/// Parts of one digit are at most this far apart, as a part of its length,
const GAP: f64 = 0.06;
/// but for those that are shorter than this part of it.
const SECOND: f64 = 0.35;

/// How much ink there is on each pixel of the part of a picture that holds the digit, 0 (paper) to 1 (the most there is).
pub(super) struct Found {
    pub(super) ink: Array2<f64>,
    pub(super) doubts: Vec<Doubt>,
}

/// The digit among the shades of a picture; `None` where nothing differs from the paper.
pub(super) fn find(shades: &ArrayRef2<f64>) -> Option<Found> {
    let factor = shades.nrows().max(shades.ncols()).div_ceil(MAX_GRID);
    let grid = if factor == 1 { shades.to_owned() } else { reduced(shades, factor) };
    let grain = if is_small(&grid) { 0.0 } else { grain(&grid) };
    let smoothing = match grain {
        ..GRAIN => 0,
        ..MUCH_GRAIN => 1,
        _ => 2,
    };
    let grid = if smoothing == 0 { grid } else { smoothed(&grid, smoothing) };
    let grain = grain / (2 * smoothing + 1) as f64;
    let grid = if ink_is_dark(&grid, middle(edge(&grid))) { grid } else { 1.0 - grid };

    let mut best = Sheet::best(&grid, grain).or_else(|| Sheet::best(&(1.0 - &grid), grain))?;
    // The edge may be a table's, or the digit's own where it was cut out closely.
    let is_disputed = !is_small(&grid) && !ink_is_dark(&grid, middle(grid.iter().copied().collect()));
    if best.is_filled() || is_disputed || best.doubts.contains(&Doubt::ToBorder) {
        let other = Sheet::best(&(1.0 - &grid), grain).filter(|other| other.doubts.is_empty() && !other.is_filled());
        let is_worse = best.is_filled() || !best.doubts.is_empty();
        if is_worse || (is_disputed && !fills(&best.digit, grid.dim())) {
            best = other.unwrap_or(best);
        }
    }
    let around = best.around();
    if factor > 1 && best.digit.longest() < NEAR {
        let place = |range: &Range<usize>, n: usize| range.start * factor..(range.end * factor).min(n);
        let (rows, columns) = (place(&around.rows, shades.nrows()), place(&around.columns, shades.ncols()));
        if let Some(nearer) = find(&shades.slice(s![rows, columns])) {
            return Some(nearer);
        }
    }
    let ink = best.ink.slice(s![around.rows, around.columns]).to_owned();
    Some(Found { ink, doubts: best.doubts })
}

/// What a sheet shows under one assumption about how wide ink can be.
struct Sheet {
    /// Of all that may belong to the digit.
    ink: Array2<f64>,
    drawn: Array2<bool>,
    digit: Part,
    doubts: Vec<Doubt>,
}

impl Sheet {
    /// What there is to see under the assumption that leaves the least doubts.
    fn best(grid: &Array2<f64>, grain: f64) -> Option<Self> {
        let longest = grid.nrows().max(grid.ncols());
        let mut radius = if is_small(grid) { longest } else { longest / 4 };
        let mut best = Self::look(grid, radius, grain)?;
        // What is wide for strokes and narrow for a window as large as this may be a shadow.
        for _ in 0..2 {
            let narrower = 3 * thickness(&best.drawn) / 2 + 1;
            if best.doubts.is_empty() || narrower >= radius {
                break;
            }
            radius = narrower;
            match Self::look(grid, radius, grain) {
                Some(sheet) if sheet.doubts.len() < best.doubts.len() => best = sheet,
                _ => {}
            }
        }
        Some(best)
    }

    /// What there is to see if ink is narrower than a square that reaches `radius` pixels from the one in its middle; `None`
    /// if that is nothing.
    fn look(grid: &Array2<f64>, radius: usize, grain: f64) -> Option<Self> {
        let Ink { mut ink, contrast, of_white, noise } = Ink::on(grid, radius, grain)?;
        let least = MIN_INK.max(4.0 * noise).min(0.5);
        let all = ink.mapv(|ink| ink >= least);
        let without_lines = without_lines(&all).filter(|without| inner_digit(without).is_some());
        let drawn = the_digit(without_lines.as_ref().unwrap_or(&all));
        let digit = parts(&drawn).0.into_iter().reduce(|all, part| all.with(&part))?;

        let size = grid.dim();
        let mut doubts = Vec::new();
        if contrast < FAINT || of_white < FAINT_OF_WHITE || noise * MIN_CLARITY > 1.0 {
            doubts.push(Doubt::Faint);
        }
        if digit.touches_edge_of(size) && !fills(&digit, size) && !is_small(grid) {
            doubts.push(Doubt::ToBorder);
        }
        if is_several(&drawn, &digit) {
            doubts.push(Doubt::Several);
        }

        // Edges are soft: what is near belongs to it, but for the edges of lines.
        let mut belongs = widened(&drawn, thickness(&drawn));
        if let Some(without) = without_lines {
            let lines = Zip::from(&all).and(&without).map_collect(|&all, &without| all && !without);
            let lines = widened(&lines, 1);
            Zip::from(&mut belongs)
                .and(&lines)
                .and(&drawn)
                .for_each(|belongs, line, drawn| *belongs &= *drawn || !line);
        }
        Zip::from(&mut ink).and(&belongs).for_each(|ink, &belongs| *ink = if belongs { *ink } else { 0.0 });
        Some(Self { ink, drawn, digit, doubts })
    }

    /// Whether it is no strokes that were found, but an area.
    fn is_filled(&self) -> bool {
        let (n_rows, n_columns) = (self.digit.rows.len(), self.digit.columns.len());
        let is_narrow = 2 * n_rows.min(n_columns) < self.digit.longest();
        !is_narrow && self.digit.n_pixels as f64 > FILLED * (n_rows * n_columns) as f64
    }

    /// The digit with what is around it.
    fn around(&self) -> Part {
        let margin = self.digit.longest() / 2 + 2;
        let wider = |range: &Range<usize>, n: usize| range.start.saturating_sub(margin)..(range.end + margin).min(n);
        let (n_rows, n_columns) = self.ink.dim();
        Part { rows: wider(&self.digit.rows, n_rows), columns: wider(&self.digit.columns, n_columns), ..self.digit }
    }
}

/// How much ink there is on each pixel, from 0 (paper) to 1 (the most there is).
struct Ink {
    ink: Array2<f64>,
    /// How much the darkest ink differs from the paper, as a part of the paper's shade.
    contrast: f64,
    /// How much any pixel differs from the paper at most, as a part of white.
    of_white: f64,
    /// The standard deviation of what is paper, as a part of the contrast.
    noise: f64,
}

impl Ink {
    fn on(grid: &Array2<f64>, radius: usize, grain: f64) -> Option<Self> {
        let paper = without_narrow_dark(grid, radius);
        let of_white = Zip::from(&paper).and(grid).fold(0.0, |most: f64, &paper, &shade| most.max(paper - shade));
        // A shadow takes away a part of the light, from ink as from paper.
        let mut ink =
            Zip::from(&paper).and(grid).map_collect(|&paper, &shade| (paper - shade) / paper.max(DARKEST_PAPER));
        let mut contrast = ink.iter().copied().fold(0.0, f64::max);
        let mut noise = grain;
        if !is_small(grid) {
            // Where there is grain, what was taken for the paper is its lightest: the middle of what is no ink tells.
            for _ in 0..2 {
                let (level, spread) = level_and_spread(ink.iter().copied().filter(|&x| x < MIN_INK * contrast));
                ink -= level;
                contrast -= level;
                noise = spread.max(grain);
            }
        }
        if contrast < MIN_CONTRAST {
            return None;
        }
        ink.mapv_inplace(|ink| (ink / contrast).max(0.0));
        Some(Self { ink, contrast, of_white, noise: noise / contrast })
    }
}

fn is_small(grid: &ArrayRef2<f64>) -> bool {
    grid.nrows().max(grid.ncols()) < SMALL
}

/// What of a drawing may belong to the digit: neither dust nor, where a digit stands apart from it, what touches the border.
fn the_digit(drawn: &Array2<bool>) -> Array2<bool> {
    let size = drawn.dim();
    let has_inner = inner_digit(drawn).is_some();
    let (parts, numbers) = parts(drawn);
    let may_be = |part: &&Part| !(has_inner && part.touches_edge_of(size));
    let Some(largest) = parts.iter().filter(may_be).max_by_key(|part| part.n_pixels) else { return drawn.clone() };
    let is_dust = |part: &Part| {
        let is_far = part.gap(largest) as f64 > FAR * largest.longest() as f64;
        part.n_pixels * if is_far { FAR_DUST } else { DUST } < largest.n_pixels
    };
    let belongs: Vec<bool> = parts.iter().map(|part| may_be(&part) && !is_dust(part)).collect();
    numbers.mapv(|number| number > 0 && belongs[number - 1])
}

/// The longest part of a drawing that does not touch the border, if it is long enough to be the digit.
fn inner_digit(drawn: &Array2<bool>) -> Option<Part> {
    let size = drawn.dim();
    let inner = parts(drawn).0.into_iter().filter(|part| !part.touches_edge_of(size));
    let longest = inner.max_by_key(Part::longest)?;
    (longest.longest() as f64 >= MIN_INNER * size.0.min(size.1) as f64).then_some(longest)
}

/// Whether a digit fills its picture as far as one does that was cut out closely.
fn fills(digit: &Part, (n_rows, n_columns): (usize, usize)) -> bool {
    let fills = |part: usize, whole: usize| part as f64 >= CUT_OUT * whole as f64;
    fills(digit.rows.len(), n_rows) && fills(digit.columns.len(), n_columns)
}

/// Whether what is drawn is too wide for one digit, or falls into parts that are far apart.
fn is_several(drawn: &Array2<bool>, digit: &Part) -> bool {
    let (n_rows, n_columns) = (digit.rows.len(), digit.columns.len());
    if n_columns as f64 > WIDEST * n_rows as f64 {
        return true;
    }
    let longest = digit.longest();
    let gap = GAP * longest.min(2 * n_rows.min(n_columns)) as f64;
    let bridged = widened(drawn, (gap / 2.0).round() as usize);
    let mut lengths: Vec<usize> = parts(&bridged).0.iter().map(Part::longest).collect();
    lengths.sort_unstable();
    lengths.len() > 1 && lengths[lengths.len() - 2] as f64 >= SECOND * longest as f64
}

/// Whether ink, which is what differs most from the paper's shade, is darker than that.
fn ink_is_dark(shades: &ArrayRef2<f64>, paper: f64) -> bool {
    let (lowest, highest) = shades.iter().fold((paper, paper), |(low, high), &x| (low.min(x), high.max(x)));
    paper - lowest >= highest - paper
}

/// The shades along the edge.
fn edge(shades: &ArrayRef2<f64>) -> Vec<f64> {
    let (last_row, last_column) = (shades.nrows() - 1, shades.ncols() - 1);
    let edges = [shades.row(0), shades.row(last_row), shades.column(0), shades.column(last_column)];
    edges.iter().flatten().copied().collect()
}

/// The one in the middle of some shades.
fn middle(mut shades: Vec<f64>) -> f64 {
    let middle = shades.len() / 2;
    *shades.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// How far a pixel is from what is around it, in the middle of all pixels.
fn grain(shades: &ArrayRef2<f64>) -> f64 {
    let around = smoothed(shades, 1);
    level_and_spread(shades.iter().zip(&around).map(|(shade, around)| shade - around)).1
}

/// The middle of some numbers, and 1.48 times how far they are from it in the middle: of normal numbers, their standard
/// deviation. Both are 0 of no numbers.
fn level_and_spread(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let mut numbers: Vec<f64> = numbers.collect();
    if numbers.is_empty() {
        return (0.0, 0.0);
    }
    let middle = numbers.len() / 2;
    let level = *numbers.select_nth_unstable_by(middle, f64::total_cmp).1;
    numbers.iter_mut().for_each(|x| *x = (*x - level).abs());
    (level, 1.4826 * *numbers.select_nth_unstable_by(middle, f64::total_cmp).1)
}
