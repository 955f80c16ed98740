//! Line charts as SVG: values over iterations or seconds, errors over steps.
//!
//! Colours are presentation attributes of a fixed palette, which a page that holds the picture overrides by style rules
//! ([`css`]), so that one drawing serves light and dark pages. Text is text.

use std::fmt::Write;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Ruler;
pub use super::axis::{Axis, Numbers, Scale};
use super::thinner::thinned;

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
    fn a_long_curve_stays_small() {
        let losses: Vec<f64> = (0..20_000).map(|i| 2.0 + 0.3 * ((i * 7919 % 1000) as f64 / 1000.0 - 0.5)).collect();
        let svg = drawn(&loss_chart(&losses));
        assert!(svg.len() < 40_000, "{} bytes", svg.len());
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
}
