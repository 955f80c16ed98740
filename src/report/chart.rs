//! Line charts as SVG: values over iterations or seconds, errors over steps.
//!
//! Colours are presentation attributes of a fixed palette, which a page that holds the picture overrides by style rules
//! ([`css`]), so that one drawing serves light and dark pages. Text is text.

use std::fmt::Write;
use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::numbers::grouped;

/// The colours of curves, by their numbers; further curves begin again with the first and are [dashed](dashes).
pub const PALETTE: [RGBColor; 8] = [
    RGBColor(31, 95, 170),
    RGBColor(20, 138, 94),
    RGBColor(128, 74, 184),
    RGBColor(184, 118, 0),
    RGBColor(194, 56, 120),
    RGBColor(20, 150, 180),
    RGBColor(120, 92, 66),
    RGBColor(112, 124, 28),
];
/// The colour of [levels](Level).
pub const LEVEL: RGBColor = RGBColor(190, 80, 20);
/// The background.
pub const PAPER: RGBColor = RGBColor(255, 255, 255);
/// Titles, and the names of curves.
pub const INK: RGBColor = RGBColor(32, 33, 36);
/// Numbers and names of axes.
pub const MUTED: RGBColor = RGBColor(95, 99, 104);
/// The lines of the grid.
pub const GRID: RGBColor = RGBColor(230, 231, 233);

/// What the colours become on a dark page.
const DARK: [(RGBColor, RGBColor); 13] = [
    (PALETTE[0], RGBColor(122, 174, 242)),
    (PALETTE[1], RGBColor(82, 199, 151)),
    (PALETTE[2], RGBColor(190, 150, 240)),
    (PALETTE[3], RGBColor(229, 178, 76)),
    (PALETTE[4], RGBColor(240, 130, 176)),
    (PALETTE[5], RGBColor(92, 205, 230)),
    (PALETTE[6], RGBColor(196, 164, 134)),
    (PALETTE[7], RGBColor(188, 200, 100)),
    (LEVEL, RGBColor(240, 140, 90)),
    (PAPER, RGBColor(24, 26, 29)),
    (INK, RGBColor(232, 234, 237)),
    (MUTED, RGBColor(165, 170, 176)),
    (GRID, RGBColor(52, 55, 60)),
];

/// Style rules for a page with charts: they are dark on a dark screen, and the variables `--curve-0`, … have the colours of
/// the curves.
pub fn css() -> String {
    let hex = |RGBColor(r, g, b): RGBColor| format!("#{r:02X}{g:02X}{b:02X}");
    let variables = |colours: &mut dyn Iterator<Item = RGBColor>| {
        let variables: Vec<_> = colours.enumerate().map(|(i, colour)| format!("--curve-{i}:{}", hex(colour))).collect();
        format!(":root{{{}}}\n", variables.join(";"))
    };
    let dark = DARK.map(|(light, dark)| {
        let (light, dark) = (hex(light), hex(dark));
        format!(".chart [fill=\"{light}\"]{{fill:{dark}}} .chart [stroke=\"{light}\"]{{stroke:{dark}}}\n")
    });
    format!(
        "{}@media screen and (prefers-color-scheme: dark) {{\n{}{}}}\n",
        variables(&mut PALETTE.into_iter()),
        variables(&mut DARK.into_iter().map(|(_, dark)| dark).take(PALETTE.len())),
        dark.concat()
    )
}

/// Plotters counts in whole pixels. A picture is drawn so many times larger than it is shown, or curves had steps.
const FINENESS: u32 = 4;

/// The lengths of dashes and of the gaps between them, in so many pixels: none for a curve that has its colour for itself,
/// and different ones for each that shares it with others.
const DASHES: [&[u32]; FINENESS as usize] = [&[], &[7, 4], &[2, 3], &[8, 3, 2, 3]];

/// Which kind of line a curve is, by its number: 0 for unbroken, 1 to 3 for dashes. Only the 33rd looks like the first.
pub fn dashes(curve: usize) -> usize {
    curve / PALETTE.len() % DASHES.len()
}

/// Pixels around a picture that stands alone; in a page it is in line with the text.
const MARGIN: u32 = 12;

/// A picture of curves over one pair of axes.
///
/// ```
/// use numgrad::report::chart::{Axis, Chart, Numbers, Series, Size, Stroke};
///
/// let error = |h: f64| (h, h * h / 6.0 + 1e-16 / h);
/// let svg = Chart {
///     title: "Error of central differences of eˣ at 0".to_owned(),
///     shows_title: true,
///     x: Axis::logarithmic("step h"),
///     y: Axis::logarithmic("absolute error"),
///     series: vec![Series {
///         name: "central".to_owned(),
///         points: (-15..=0).map(|decade| error(10f64.powi(decade))).collect(),
///         colour: 0,
///         stroke: Stroke::Bold,
///     }],
///     levels: Vec::new(),
/// }
/// .svg(Size::WIDE);
/// assert!(svg.starts_with("<svg") && svg.contains("10⁻¹²"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Stands above the picture and is its name for who can't see it.
    pub title: String,
    /// Whether the title is drawn; a page has its own headings.
    pub shows_title: bool,
    /// To the right.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
    /// The curves; later ones lie above earlier ones.
    pub series: Vec<Series>,
    /// Horizontal lines behind the curves.
    pub levels: Vec<Level>,
}

/// What is measured along one side, and how its numbers are shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What it is, with the unit.
    pub label: String,
    /// Where a number lies.
    pub scale: Scale,
    /// How a number is written.
    pub numbers: Numbers,
}

/// Where a number lies on its axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equally far.
    Linear,
    /// Equal ratios are equally far. What is not above 0 is left out.
    Logarithmic,
}

/// How the numbers of an axis are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Without decimals: 20,000.
    Whole,
    /// With as many decimals as tell neighbours apart.
    Decimal,
    /// Shares of 1 in per cent; the axis ends at 100%.
    Percent,
}

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its entry in the legend; empty for none.
    pub name: String,
    /// In order along x. Points that are not finite are left out.
    pub points: Vec<(f64, f64)>,
    /// Which of the [`PALETTE`], and from its length on of the [`dashes`].
    pub colour: usize,
    /// How it is drawn.
    pub stroke: Stroke,
}

/// How a curve is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    /// Thin and pale: what another curve makes clear.
    Thin,
    /// To be looked at.
    Bold,
    /// So many pixels wide: what lies beneath another curve is seen on both sides of it.
    Wide(u32),
}

/// A horizontal line with a label, to compare curves with.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Where it lies.
    pub y: f64,
    /// What it stands for.
    pub label: String,
}

/// How large a picture is, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
    /// The height of the text.
    pub text: u32,
}

impl Size {
    /// For a screen and for paper.
    pub const WIDE: Self = Self { width: 960, height: 480, text: 14 };
    /// For a phone.
    pub const NARROW: Self = Self { width: 400, height: 330, text: 14 };
}

impl Chart {
    /// The picture, as the text of an SVG file that may also stand within an HTML page.
    pub fn svg(&self, size: Size) -> String {
        let mut drawn = String::new();
        let large = (size.width * FINENESS, size.height * FINENESS);
        {
            let area = SVGBackend::with_string(&mut drawn, large).into_drawing_area();
            self.draw(&area, size).expect("text is drawn into memory, where nothing fails");
        }
        // What plotters writes begins with an element of the large size.
        let content = drawn.split_once('>').map_or("", |(_, content)| content);
        let Size { width, height, .. } = size;
        let (large_width, large_height) = large;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {large_width} {large_height}\" role=\"img\" aria-label=\"{}\">{}",
            escaped(&self.title),
            with_dashes(content)
        )
    }

    fn draw<'a>(
        &self,
        area: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
        size: Size,
    ) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
        let px = |pixels: u32| (pixels * FINENESS) as i32;
        // Plotters takes 1.24 times what it writes.
        let font = |height: f64| ("sans-serif", 1.24 * height * f64::from(FINENESS)).into_font();
        let text_height = f64::from(size.text);
        let line = size.text + size.text / 2;
        let left_top = Pos::new(HPos::Left, VPos::Top);
        area.fill(&PAPER)?;

        let margin = if self.shows_title { MARGIN } else { 1 };
        let mut top = margin;
        if self.shows_title {
            let title = font(1.2 * text_height).style(FontStyle::Bold).color(&INK).pos(left_top);
            area.draw(&Text::new(self.title.as_str(), (px(margin), px(top)), title))?;
            top += line + size.text / 2;
        }
        let mut entry_x = margin;
        for (i, series) in self.series.iter().filter(|series| !series.name.is_empty()).enumerate() {
            let name = font(text_height).color(&INK);
            let (name_width, _) = area.estimate_text_size(&series.name, &name)?;
            let entry_width = 2 * size.text + name_width / FINENESS;
            if i > 0 && entry_x + entry_width > size.width - margin {
                (entry_x, top) = (margin, top + line);
            }
            let middle = px(top) + px(size.text) / 2;
            let key = [(px(entry_x), middle), (px(entry_x + size.text + size.text / 4), middle)];
            area.draw(&PathElement::new(key, series.style()))?;
            let at = (px(entry_x + size.text + size.text / 2), px(top));
            area.draw(&Text::new(series.name.as_str(), at, name.pos(left_top)))?;
            entry_x += entry_width + size.text;
        }
        if self.series.iter().any(|series| !series.name.is_empty()) {
            top += line + size.text / 4;
        }
        let label = font(0.92 * text_height).color(&MUTED);
        area.draw(&Text::new(self.y.label.as_str(), (px(margin), px(top)), label.clone().pos(left_top)))?;
        top += line;

        let curves: Vec<Vec<(f64, f64)>> = self.series.iter().map(|series| self.placed(series)).collect();
        let xs = curves.iter().flatten().map(|point| point.0);
        let levels: Vec<(f64, &Level)> =
            self.levels.iter().filter_map(|level| Some((self.y.place(level.y)?, level))).collect();
        let ys = curves.iter().flatten().map(|point| point.1).chain(levels.iter().map(|(y, _)| *y));
        let (x_min, x_max) = self.x.range(xs, 0.0);
        let (y_min, y_max) = self.y.range(ys, 0.06);

        let x_ticks = self.x.ticks(x_min, x_max, size.width as usize / (8 * size.text as usize));
        let y_ticks = self.y.ticks(y_min, y_max, size.height as usize / (4 * size.text as usize));
        let text_width = |text: &str| area.estimate_text_size(text, &label).map(|(width, _)| width / FINENESS);
        let mut y_label_width = 0;
        for (_, text) in &y_ticks {
            y_label_width = y_label_width.max(text_width(text)?);
        }
        let last_x_width = x_ticks.last().map_or(Ok(0), |(_, text)| text_width(text))?;

        let plot = area.margin(px(top), px(margin), px(margin), px(margin.max(last_x_width / 2 + 2)));
        let mut chart = ChartBuilder::on(&plot)
            .set_label_area_size(plotters::chart::LabelAreaPosition::Left, px(y_label_width + size.text))
            .set_label_area_size(plotters::chart::LabelAreaPosition::Bottom, px(3 * size.text))
            .build_cartesian_2d(
                Ruler { ends: (x_min, x_max), ticks: x_ticks },
                Ruler { ends: (y_min, y_max), ticks: y_ticks },
            )?;
        let hairline = |colour: RGBColor| colour.stroke_width(FINENESS);
        chart
            .configure_mesh()
            .x_desc(self.x.label.as_str())
            .axis_desc_style(label.clone())
            .label_style(label.clone())
            .bold_line_style(hairline(GRID))
            .light_line_style(TRANSPARENT)
            .axis_style(hairline(GRID))
            .set_all_tick_mark_size(px(size.text / 3))
            .draw()?;

        let level_label = font(0.92 * text_height).color(&LEVEL).pos(Pos::new(HPos::Right, VPos::Bottom));
        for (y, Level { label, .. }) in levels {
            chart.draw_series(LineSeries::new([(x_min, y), (x_max, y)], hairline(LEVEL)))?;
            chart.draw_series([Text::new(label.clone(), (x_max, y), level_label.clone())])?;
        }
        let n_columns = (size.width - y_label_width) as usize;
        for (series, curve) in self.series.iter().zip(curves) {
            let curve = thinned(&curve, n_columns, x_min, x_max);
            if curve.len() <= 50 && series.stroke == Stroke::Bold || curve.len() == 1 {
                let radius = 3 * FINENESS as i32;
                let colour = series.style().color;
                chart.draw_series(curve.iter().map(|&point| Circle::new(point, radius, colour.filled())))?;
            }
            chart.draw_series(LineSeries::new(curve, series.style()))?;
        }
        area.present()
    }

    /// The points of a curve where they lie, without those that lie nowhere.
    fn placed(&self, series: &Series) -> Vec<(f64, f64)> {
        series.points.iter().filter_map(|&(x, y)| Some((self.x.place(x)?, self.y.place(y)?))).collect()
    }
}

impl Series {
    fn style(&self) -> ShapeStyle {
        let colour = PALETTE[self.colour % PALETTE.len()];
        let dashes = dashes(self.colour) as u32;
        match self.stroke {
            Stroke::Thin => colour.mix(0.35).stroke_width(FINENESS),
            Stroke::Bold => colour.stroke_width(2 * FINENESS + dashes),
            Stroke::Wide(width) => colour.stroke_width(width * FINENESS + dashes),
        }
    }
}

impl Axis {
    /// An axis of equal distances.
    pub fn linear(label: &str, numbers: Numbers) -> Self {
        Self { label: label.to_owned(), scale: Scale::Linear, numbers }
    }

    /// An axis of equal ratios.
    pub fn logarithmic(label: &str) -> Self {
        Self { label: label.to_owned(), scale: Scale::Logarithmic, numbers: Numbers::Decimal }
    }

    /// Where a number lies; nowhere if it is not finite, or the axis has no place for it.
    fn place(&self, number: f64) -> Option<f64> {
        match self.scale {
            // Far beyond what anything measures; differences stay finite.
            Scale::Linear => Some(number.clamp(-1e300, 1e300)).filter(|_| number.is_finite()),
            Scale::Logarithmic => Some(number.log10()).filter(|place| place.is_finite()),
        }
    }

    /// From where to where the axis goes: all places, with a margin of a share of them; never empty.
    fn range(&self, places: impl Iterator<Item = f64>, margin: f64) -> (f64, f64) {
        let (low, high) =
            places.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), place| (low.min(place), high.max(place)));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let is_linear = self.scale == Scale::Linear;
        let least = match self.numbers {
            // A point lies in the middle.
            _ if low == high && is_linear => 0.01 * low.abs().max(1.0),
            Numbers::Whole if low == high => 1.0,
            _ if low == high => 0.5,
            _ => 0.0,
        };
        let margin = (margin * (high - low)).max(least);
        let (mut from, mut to) = (low - margin, high + margin);
        if is_linear && low >= 0.0 {
            from = from.max(0.0);
        }
        if is_linear && self.numbers == Numbers::Percent && high <= 1.0 {
            to = to.min(1.0);
        }
        (from, to)
    }

    /// At most about `n` places from `from` to `to` that get a line and a number.
    fn ticks(&self, from: f64, to: f64, n: usize) -> Vec<(f64, String)> {
        let n = n.max(2) as f64;
        let (first, last) = (from.ceil() as i32, to.floor() as i32);
        if self.scale == Scale::Logarithmic && last > first {
            let every = (f64::from(last - first + 1) / n).ceil() as i32;
            let decades = (first..=last).filter(|decade| decade.rem_euclid(every) == 0);
            let in_full = first >= -3 && last <= 4;
            return decades.map(|decade| (f64::from(decade), power_of_ten(decade, in_full))).collect();
        }
        let (low, high) = match self.scale {
            Scale::Linear => (from, to),
            Scale::Logarithmic => (10f64.powf(from), 10f64.powf(to)),
        };
        let step = self.step((high - low) / n);
        let decimals = |step: f64| (-step.log10().floor()).clamp(0.0, 12.0) as usize;
        let text = |number: f64| match self.numbers {
            Numbers::Percent => format!("{:.*}%", decimals(100.0 * step), 100.0 * number),
            _ if high.abs().max(low.abs()) >= 1e15 => format!("{number:e}"),
            _ => grouped(format!("{number:.*}", decimals(step))),
        };
        // Counted in whole numbers, so that the ticks are where they say; a range that is not there in f64 has none.
        let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
        let n_ticks = (last - first + 1.0).clamp(0.0, 100.0) as usize;
        let numbers = (0..n_ticks).map(|i| (first + i as f64) * step);
        numbers.filter_map(|number| Some((self.place(number)?.clamp(from, to), text(number)))).collect()
    }

    /// The next of 1, 2, 5, 10, 20, … times a power of ten.
    fn step(&self, at_least: f64) -> f64 {
        let power = 10f64.powf(at_least.max(1e-300).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|&step| step >= at_least);
        let step = step.unwrap_or(10.0 * power);
        if self.numbers == Numbers::Whole { step.max(1.0) } else { step }
    }
}

/// An axis as plotters draws it: places from one end to the other, and those that get a line and a text.
struct Ruler {
    ends: (f64, f64),
    ticks: Vec<(f64, String)>,
}

impl Ranged for Ruler {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, place: &f64, (from, to): (i32, i32)) -> i32 {
        let share = (place - self.ends.0) / (self.ends.1 - self.ends.0);
        from + (share * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.iter().map(|(place, _)| *place).collect()
    }

    fn range(&self) -> Range<f64> {
        self.ends.0..self.ends.1
    }
}

impl ValueFormatter<f64> for Ruler {
    fn format_ext(&self, place: &f64) -> String {
        self.ticks.iter().find(|(tick, _)| tick == place).map_or(String::new(), |(_, text)| text.clone())
    }
}

/// 0.01 in full, or 10⁻².
fn power_of_ten(decade: i32, in_full: bool) -> String {
    const SUPERSCRIPTS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    match decade {
        0 => "1".to_owned(),
        _ if in_full => grouped(format!("{}", 10f64.powi(decade))),
        _ => {
            let digits = decade.to_string();
            let raised = digits.chars().map(|c| c.to_digit(10).map_or('⁻', |digit| SUPERSCRIPTS[digit as usize]));
            format!("10{}", raised.collect::<String>())
        }
    }
}

/// The ends, and the lowest and the highest point of each of `n` equal stretches from `from` to `to`, which look the same as
/// all points and take little room. Shorter curves stay as they are.
fn thinned(points: &[(f64, f64)], n: usize, from: f64, to: f64) -> Vec<(f64, f64)> {
    if points.len() <= 2 * n {
        return points.to_vec();
    }
    let mut thin = Thinner::new(n, from, to);
    points.iter().for_each(|&point| thin.push(point, point));
    thin.finish()
}

/// Thins a curve while its points arrive, in memory that does not grow with them.
#[derive(Debug, Clone)]
pub struct Thinner<T> {
    from: f64,
    stretches_per_unit: f64,
    current: Option<Stretch<T>>,
    /// With where it lies.
    newest: Option<(f64, T)>,
    /// What is kept, and where the last of it lies.
    points: Vec<T>,
    kept_to: f64,
}

/// Some points next to each other.
#[derive(Debug, Clone)]
struct Stretch<T> {
    number: u64,
    lowest: (f64, f64, T),
    highest: (f64, f64, T),
}

impl<T: Copy> Thinner<T> {
    /// For a curve from x = `from` to x = `to`, in `n` stretches.
    pub fn new(n: usize, from: f64, to: f64) -> Self {
        let length = to - from;
        let stretches_per_unit = if length > 0.0 { n as f64 / length } else { 0.0 };
        let (points, kept_to) = (Vec::new(), f64::NEG_INFINITY);
        Self { from, stretches_per_unit, current: None, newest: None, points, kept_to }
    }

    /// Takes the next point along x, and what is kept of it.
    pub fn push(&mut self, (x, y): (f64, f64), kept: T) {
        if self.newest.replace((x, kept)).is_none() {
            self.keep(x, kept);
        }
        let number = ((x - self.from) * self.stretches_per_unit) as u64;
        match &mut self.current {
            Some(stretch) if stretch.number == number => {
                if y < stretch.lowest.1 {
                    stretch.lowest = (x, y, kept);
                }
                if y > stretch.highest.1 {
                    stretch.highest = (x, y, kept);
                }
            }
            current => {
                let done = current.replace(Stretch { number, lowest: (x, y, kept), highest: (x, y, kept) });
                self.keep_stretch(done);
            }
        }
    }

    /// What is kept of the ends, and of the lowest and the highest point of each stretch, in order.
    pub fn finish(mut self) -> Vec<T> {
        let last = self.current.take();
        self.keep_stretch(last);
        if let Some((x, kept)) = self.newest {
            self.keep(x, kept);
        }
        self.points
    }

    fn keep_stretch(&mut self, stretch: Option<Stretch<T>>) {
        let Some(Stretch { lowest, highest, .. }) = stretch else { return };
        let (first, second) = if lowest.0 <= highest.0 { (lowest, highest) } else { (highest, lowest) };
        self.keep(first.0, first.2);
        self.keep(second.0, second.2);
    }

    /// Unless it is kept already.
    fn keep(&mut self, x: f64, kept: T) {
        if x > self.kept_to {
            self.points.push(kept);
            self.kept_to = x;
        }
    }
}

/// Plotters' SVG has no dashes, or a thousand small lines for a curve. So [`Series::style`] makes a line wider by a fraction
/// of a pixel that tells which dashes it is to have, and they are added to what plotters wrote.
fn with_dashes(content: &str) -> String {
    const WIDTH: &str = "stroke-width=\"";
    let mut parts = content.split(WIDTH);
    let mut dashed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let width: u32 = part.split('"').next().and_then(|width| width.parse().ok()).unwrap_or(0);
        // What is thinner is the edge of a point.
        let dashes = if width > FINENESS { DASHES[(width % FINENESS) as usize] } else { &[] };
        let lengths = dashes.iter().map(|length| (length * FINENESS).to_string());
        let lengths = lengths.collect::<Vec<_>>().join(" ");
        if !lengths.is_empty() {
            write!(dashed, "stroke-dasharray=\"{lengths}\" ").expect("strings take text");
        }
        dashed += WIDTH;
        dashed += part;
    }
    dashed
}

/// Text as it stands within an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '"' => write!(escaped, "&#{};", u32::from(c)).expect("strings take text"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(x: Axis, y: Axis, curves: &[&[(f64, f64)]]) -> Chart {
        let series = |(i, points): (usize, &&[(f64, f64)])| Series {
            name: format!("curve {i}"),
            points: points.to_vec(),
            colour: i,
            stroke: Stroke::Bold,
        };
        let series = curves.iter().enumerate().map(series).collect();
        Chart { title: "A <title> & more".to_owned(), shows_title: true, x, y, series, levels: Vec::new() }
    }

    fn loss_chart(losses: &[f64]) -> Chart {
        let points: Vec<_> = (1..).map(f64::from).zip(losses.iter().copied()).collect();
        let x = Axis::linear("iteration", Numbers::Whole);
        let mut chart = chart(x, Axis::linear("loss", Numbers::Decimal), &[&points]);
        chart.levels.push(Level { y: 10f64.ln(), label: "chance: ln 10 = 2.3026".to_owned() });
        chart
    }

    #[track_caller]
    fn drawn(chart: &Chart) -> String {
        let svg = [Size::NARROW, Size::WIDE].map(|size| chart.svg(size));
        for svg in &svg {
            assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            assert!(svg.contains("A &lt;title&gt; &amp; more") && !svg.contains("<title>"));
        }
        svg[1].clone()
    }

    fn labels(axis: &Axis, from: f64, to: f64, n: usize) -> Vec<String> {
        axis.ticks(from, to, n).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn one_point_none_equal_ones_and_absurd_ones_make_a_picture() {
        assert!(drawn(&loss_chart(&[2.25])).contains("<circle"));
        for losses in
            [&[][..], &[2.0; 100], &[10f64.ln(); 2], &[0.0, 16.1], &[1e308, -1e308], &[f64::NAN, 1.0, f64::INFINITY]]
        {
            assert!(drawn(&loss_chart(losses)).contains("ln 10 = 2.3026"));
        }
        let log = || Axis::logarithmic("h");
        for points in [
            &[][..],
            &[(1e-3, 1e-3)],
            &[(0.0, 1.0), (-1.0, 0.0)],
            &[(1e-308, 1e308), (1e308, 1e-308)],
            &[(1.0, 0.0), (2.0, 1.0), (3.0, 1.5)],
        ] {
            drawn(&chart(log(), log(), &[points]));
        }
    }

    #[test]
    fn a_long_curve_stays_small_and_keeps_its_lowest_and_highest_point() {
        let losses: Vec<f64> = (0..20_000).map(|i| 2.0 + 0.3 * ((i * 7919 % 1000) as f64 / 1000.0 - 0.5)).collect();
        let svg = drawn(&loss_chart(&losses));
        assert!(svg.len() < 40_000, "{} bytes", svg.len());

        let mut points: Vec<_> = (1..=10_000).map(|i| (f64::from(i), 2.0)).collect();
        (points[4321].1, points[8765].1) = (0.5, 5.0);
        let thin = thinned(&points, 1000, 1.0, 10_000.0);
        assert!(thin.len() <= 2002 && thin.is_sorted_by(|a, b| a.0 < b.0), "{}", thin.len());
        assert!(thin.contains(&(4322.0, 0.5)) && thin.contains(&(8766.0, 5.0)));
        // Both ends, though neither is the lowest or the highest of its stretch.
        (points[0].1, points[9999].1) = (1.5, 1.5);
        (points[1].1, points[2].1, points[9998].1, points[9997].1) = (1.0, 3.0, 1.0, 3.0);
        let thin = thinned(&points, 1000, 1.0, 10_000.0);
        assert_eq!((thin[0], *thin.last().unwrap()), ((1.0, 1.5), (10_000.0, 1.5)));
    }

    #[test]
    fn curves_that_share_a_colour_are_dashed_in_different_ways() {
        let points = [(0.0, 0.0), (1.0, 1.0)];
        let decimal = || Axis::linear("", Numbers::Decimal);
        let mut chart = chart(decimal(), decimal(), &[&points[..]; 32]);
        chart.series[31].stroke = Stroke::Wide(3);
        let svg = drawn(&chart);
        // Of a key and then a curve each: the colour and the dashes, in the order that they are written in.
        let grid = "stroke=\"#E6E7E9\"";
        let lines = svg.split("<polyline ").skip(1).filter_map(|rest| rest.split("/>").next());
        let looks: Vec<_> = lines
            .filter(|line| !line.contains(grid))
            .map(|line| {
                let of = |name: &str| line.split_once(name).and_then(|(_, rest)| rest.split('"').next());
                (of(" stroke=\""), of("stroke-dasharray=\""))
            })
            .collect();
        assert_eq!(looks.len(), 64, "{looks:?}");
        assert_eq!(svg.matches("stroke-dasharray").count(), 48);
        assert!((0..32).all(|i| looks[i] == looks[32 + i] && !looks[..i].contains(&looks[i])), "{looks:?}");
        assert!(looks[..8].iter().all(|(_, dashes)| dashes.is_none()) && looks[31].1 == Some("32 12 8 12"));
    }

    #[test]
    fn a_short_curve_is_not_thinned() {
        let points: Vec<_> = (0..100).map(|i| (f64::from(i), f64::from(i % 7))).collect();
        assert_eq!(thinned(&points, 50, 0.0, 99.0), points);
    }

    #[test]
    fn the_numbers_of_an_axis_are_round_and_tell_neighbours_apart() {
        let whole = Axis::linear("", Numbers::Whole);
        assert_eq!(labels(&whole, 1.0, 100.0, 6), ["20", "40", "60", "80", "100"]);
        assert_eq!(labels(&whole, 1.0, 3.0, 9), ["1", "2", "3"]);
        assert_eq!(labels(&whole, 1.0, 200_000.0, 4), ["50,000", "100,000", "150,000", "200,000"]);
        let decimal = Axis::linear("", Numbers::Decimal);
        assert_eq!(labels(&decimal, 2.262, 2.304, 5), ["2.27", "2.28", "2.29", "2.30"]);
        assert_eq!(labels(&decimal, -0.1, 0.1, 4), ["-0.10", "-0.05", "0.00", "0.05", "0.10"]);
        let percent = Axis::linear("", Numbers::Percent);
        assert_eq!(labels(&percent, 0.0, 1.0, 5), ["0%", "20%", "40%", "60%", "80%", "100%"]);
        assert_eq!(labels(&percent, 0.112, 0.115, 4), ["11.2%", "11.3%", "11.4%", "11.5%"]);
    }

    #[test]
    fn a_logarithmic_axis_has_decades_and_within_one_decade_round_numbers() {
        let log = Axis::logarithmic("h");
        assert_eq!(labels(&log, -15.0, 0.0, 6), ["10⁻¹⁵", "10⁻¹²", "10⁻⁹", "10⁻⁶", "10⁻³", "1"]);
        assert_eq!(labels(&log, -3.0, 4.5, 9), ["0.001", "0.01", "0.1", "1", "10", "100", "1,000", "10,000"]);
        assert_eq!(labels(&log, 2f64.log10(), 9f64.log10(), 4), ["2", "4", "6", "8"]);
        // Each where it belongs: equal ratios, equal distances.
        let ticks = log.ticks(-2.0, 2.0, 9);
        assert!(ticks.windows(2).all(|pair| pair[1].0 - pair[0].0 == 1.0), "{ticks:?}");
    }

    #[test]
    fn the_axes_hold_every_point_and_a_share_does_not_go_beyond_all() {
        let (low, high) = Axis::linear("", Numbers::Decimal).range([2.0, 3.0].into_iter(), 0.06);
        assert!(low < 2.0 && high > 3.0);
        assert_eq!(Axis::linear("", Numbers::Percent).range([0.01, 0.99].into_iter(), 0.06), (0.0, 1.0));
        assert_eq!(Axis::logarithmic("").range([-3.0, 2.0].into_iter(), 0.0), (-3.0, 2.0));
    }
}
