//! Where everything in a [`Chart`] lies, and the SVG that it becomes.
//!
//! The template (`templates/chart.svg`) gives each part a class, and the colours of light paper as attributes, which every
//! viewer understands. The style rules of [`colours::css`] put variables in their place, which a dark screen changes: they
//! are within a file that stands alone, and once in a page. Text is text. Lengths are pixels.

mod description;
mod frame;
mod lettering;
mod look;

use std::fmt::{self, Display};

use askama::Template;

use self::description::description;
use self::frame::{below, ceiling, highest, placed};
use self::lettering::{width_of, wrapped, writable};
use super::chart::{Chart, Level, Size, Stroke};
use super::colours::{self, Rgb};
use super::thinner::thinned;
use super::words::{Language, Words};

pub(super) use self::look::Look;

/// Pixels around a picture that stands alone; in a page it is in line with the text.
const MARGIN: f64 = 12.0;
/// The height of a title, and of the numbers and names of axes, over that of the other text.
const TITLE: f64 = 1.2;
const NUMBERS: f64 = 0.92;
/// How far below its upper edge a text's letters stand, over its height.
const ASCENT: f64 = 0.76;
/// Half the height of a digit over that of the text.
const HALF_DIGIT: f64 = 0.36;
/// The points of a curve are marked where each has this many pixels for itself, along the axis to the right.
const DOT_DISTANCE: usize = 18;

#[derive(Template)]
#[template(path = "chart.svg")]
struct Drawing {
    width: u32,
    height: u32,
    /// What a screen reader calls the picture, and a browser its tab.
    name: String,
    description: String,
    /// Style rules, for a picture that is a file of its own.
    css: Option<String>,
    paper: Rgb,
    ink: Rgb,
    muted: Rgb,
    warm: Rgb,
    grid_colour: Rgb,
    title_size: Px,
    text_size: Px,
    number_size: Px,
    title: Vec<Text>,
    legend: Vec<Entry>,
    /// From where to where the picture's frame goes: left, right, top and bottom in pixels, and both axes' ends, as places.
    frame: String,
    /// The lines upwards, and the axes.
    grid: Vec<(Point, Point)>,
    /// The lines across.
    across: Vec<(Point, Point)>,
    x_name: Text,
    y_name: Text,
    x_numbers: Vec<Text>,
    y_numbers: Vec<Text>,
    levels: Vec<DrawnLevel>,
    curves: Vec<Curve>,
}

type Point = (Px, Px);

/// A length in pixels.
#[derive(Clone, Copy)]
struct Px(f64);

impl Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        // A tenth of a pixel is less than anybody sees.
        let text = format!("{:.1}", self.0);
        let text = text.strip_suffix(".0").unwrap_or(&text);
        f.write_str(if text == "-0" { "0" } else { text })
    }
}

/// Where a text's line begins, ends or has its middle.
struct Text {
    x: Px,
    y: Px,
    text: String,
}

/// A curve's entry in the legend.
struct Entry {
    look: Look,
    /// The number of the curve's colour; none of a level.
    group: Option<usize>,
    from: Px,
    to: Px,
    y: Px,
    name: Text,
}

struct DrawnLevel {
    from: Px,
    to: Px,
    y: Px,
}

struct Curve {
    look: Look,
    /// The parts of it that lie within the frame.
    lines: Vec<Vec<Point>>,
    has_dots: bool,
    /// A mark at the upper edge, where the curve leaves the frame.
    exit: Option<String>,
}

impl Chart {
    /// The picture as the text of an SVG file, with its title above it.
    pub fn svg(&self, size: Size) -> String {
        svg(self, size, true, Language::English.words())
    }

    /// The picture as an element of an HTML page that has the style rules of [`colours::css`].
    pub(super) fn element(&self, size: Size, words: &Words) -> String {
        svg(self, size, false, words)
    }

    /// The curves that leave the frame upwards, with the largest number of each.
    pub(super) fn beyond(&self) -> Vec<(&str, f64)> {
        let placed: Vec<_> = self.series.iter().map(|series| placed(self, series)).collect();
        let Some(ceiling) = ceiling(self, &placed) else { return Vec::new() };
        let named = self.series.iter().zip(&placed).filter(|(series, _)| !series.name.is_empty());
        let highest = named.map(|(series, points)| (&*series.name, highest(points)));
        highest.filter(|(_, highest)| *highest > ceiling).collect()
    }
}

/// Draws a chart: as a file of its own, with its title and its colours, or as a part of a page that has both.
fn svg(chart: &Chart, size: Size, is_alone: bool, words: &Words) -> String {
    let text = f64::from(size.text);
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let (title_size, number_size) = (TITLE * text, NUMBERS * text);
    let margin = if is_alone { MARGIN } else { 1.0 };
    let line = 1.5 * text;
    let mut top = margin;

    let title = if is_alone { wrapped(&chart.title, title_size, width - 2.0 * margin) } else { Vec::new() };
    let title = title.into_iter().map(|line_of_title| {
        let text = at(margin, top + ASCENT * title_size, &line_of_title);
        top += line;
        text
    });
    let title: Vec<_> = title.collect();
    if is_alone {
        top += 0.5 * text;
    }

    let legend = legend(chart, text, margin, width, &mut top);
    let y_name = at(margin, top + ASCENT * number_size, &chart.y.label);
    top += line;

    let placed: Vec<Vec<(f64, f64)>> = chart.series.iter().map(|series| placed(chart, series)).collect();
    let levels: Vec<(f64, &Level)> =
        chart.levels.iter().filter_map(|level| Some((chart.y.place(level.y)?, level))).collect();
    let ceiling = ceiling(chart, &placed).unwrap_or(f64::INFINITY);
    let ys = placed.iter().flatten().map(|point| point.1).chain(levels.iter().map(|(y, _)| *y));
    let ys = ys.filter(|y| *y <= ceiling);
    let x_ends = chart.x.range(placed.iter().flatten().map(|point| point.0), 0.0);
    let y_ends = chart.y.range(ys, 0.06);
    let x_ticks = chart.x.ticks(x_ends.0, x_ends.1, size.width as usize / (8 * size.text as usize));
    let y_ticks = chart.y.ticks(y_ends.0, y_ends.1, size.height as usize / (4 * size.text as usize));

    let widest = y_ticks.iter().map(|(_, number)| width_of(number, number_size)).fold(0.0, f64::max);
    let last_width = x_ticks.last().map_or(0.0, |(_, number)| width_of(number, number_size));
    // On half a pixel, where thin lines are sharp.
    let sharp = |length: f64| length.floor() + 0.5;
    let (left, right) = (sharp(margin + widest + text), sharp(width - margin.max(0.5 * last_width + 2.0)));
    let (top, bottom) = (sharp(top), sharp(height - margin - 3.0 * text));
    let share = |place: f64, (from, to): (f64, f64)| (place - from) / (to - from);
    let x_at = |place: f64| left + share(place, x_ends) * (right - left);
    let y_at = |place: f64| bottom - share(place, y_ends) * (bottom - top);

    let mut grid = vec![(point(left, top), point(left, bottom)), (point(left, bottom), point(right, bottom))];
    let mut across = Vec::new();
    let x_numbers = x_ticks.into_iter().map(|(place, number)| {
        let x = sharp(x_at(place));
        if x > left {
            grid.push((point(x, top), point(x, bottom)));
        }
        at(x_at(place), bottom + 0.5 * text + ASCENT * number_size, &number)
    });
    let x_numbers: Vec<_> = x_numbers.collect();
    let y_numbers = y_ticks.into_iter().map(|(place, number)| {
        let y = sharp(y_at(place));
        if y < bottom {
            across.push((point(left, y), point(right, y)));
        }
        at(left - 0.5 * text, y_at(place) + HALF_DIGIT * number_size, &number)
    });
    let y_numbers: Vec<_> = y_numbers.collect();

    let levels =
        levels.into_iter().map(|(place, _)| DrawnLevel { from: Px(left), to: Px(right), y: Px(sharp(y_at(place))) });
    let curves = chart.series.iter().zip(&placed).map(|(series, curve)| {
        let look = Look::of(series);
        let curve = thinned(curve, (right - left) as usize, x_ends.0, x_ends.1);
        let has_room = DOT_DISTANCE * curve.len() <= (right - left) as usize;
        let has_dots = curve.len() == 1 || series.stroke == Stroke::Marked && look.dashes.is_empty() && has_room;
        let lines = below(&curve, y_ends.1);
        let leaves = curve.iter().find(|(_, y)| *y > y_ends.1);
        let exit = leaves.filter(|_| series.stroke != Stroke::Thin).map(|(x, _)| {
            let [left, right] = [-5.0, 5.0].map(|beside| Px(x_at(*x) + beside));
            let (middle, low, high) = (Px(x_at(*x)), Px(top + 8.0), Px(top));
            format!("M{left} {low}L{right} {low}L{middle} {high}Z")
        });
        let lines = lines.into_iter().map(|line| line.into_iter().map(|(x, y)| point(x_at(x), y_at(y))).collect());
        Curve { look, lines: lines.collect(), has_dots, exit }
    });
    let drawing = Drawing {
        width: size.width,
        height: size.height,
        name: writable(&chart.title),
        description: writable(&description(chart, words)),
        css: is_alone.then(colours::css),
        paper: colours::PAPER.light,
        ink: colours::INK.light,
        muted: colours::MUTED.light,
        warm: colours::WARM.light,
        grid_colour: colours::GRID.light,
        title_size: Px(title_size),
        text_size: Px(text),
        number_size: Px(number_size),
        title,
        legend,
        frame: [left, right, top, bottom, x_ends.0, x_ends.1, y_ends.0, y_ends.1].map(|x| x.to_string()).join(" "),
        grid,
        across,
        x_name: at(0.5 * (left + right), height - margin - 0.3 * text, &chart.x.label),
        y_name,
        x_numbers,
        y_numbers,
        levels: levels.collect(),
        curves: curves.collect(),
    };
    drawing.render().expect("a picture is written into memory, where nothing fails")
}

fn point(x: f64, y: f64) -> Point {
    (Px(x), Px(y))
}

fn at(x: f64, y: f64, text: &str) -> Text {
    Text { x: Px(x), y: Px(y), text: writable(text) }
}

/// The entries beside each other, from `top` on, which is moved below them.
fn legend(chart: &Chart, text: f64, margin: f64, width: f64, top: &mut f64) -> Vec<Entry> {
    let (key, gap) = (2.0 * text, 0.4 * text);
    let mut x = margin;
    let mut entries = Vec::new();
    let curves = chart.series.iter().map(|series| (Look::of(series), Some(series.colour), &series.name));
    let levels = chart.levels.iter().map(|level| (Look::of_level(), None, &level.label));
    for (look, group, name) in curves.chain(levels).filter(|(_, _, name)| !name.is_empty()) {
        let entry_width = key + gap + width_of(name, text);
        if x > margin && x + entry_width > width - margin {
            (x, *top) = (margin, *top + 1.5 * text);
        }
        entries.push(Entry {
            look,
            group,
            from: Px(x),
            to: Px(x + key),
            y: Px(*top + 0.5 * text),
            name: at(x + key + gap, *top + ASCENT * text + 0.1 * text, name),
        });
        x += entry_width + 1.2 * text;
    }
    if !entries.is_empty() {
        *top += 1.75 * text;
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::super::axis::{Axis, Numbers};
    use super::super::chart::Series;
    use super::*;

    fn chart(x: Axis, y: Axis, curves: &[&[(f64, f64)]]) -> Chart {
        let series = |(i, points): (usize, &&[(f64, f64)])| Series {
            name: format!("curve {i}"),
            points: points.to_vec(),
            colour: i,
            stroke: Stroke::Marked,
        };
        let series = curves.iter().enumerate().map(series).collect();
        Chart { title: "A <title> & more".to_owned(), x, y, series, levels: Vec::new() }
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
        for size in [Size::NARROW, Size::WIDE] {
            for svg in [chart.svg(size), chart.element(size, Language::English.words())] {
                assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
                assert!(svg.contains("aria-label=\"A &#60;title&#62; &#38; more\"") && !svg.contains("<title> &"));
            }
        }
        chart.svg(Size::WIDE)
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

    /// The elements of a kind, each up to its end.
    fn elements<'a>(svg: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
        svg.split(start).skip(1).filter_map(|rest| rest.split('>').next())
    }

    #[test]
    fn curves_that_share_a_colour_are_dashed_in_different_ways() {
        let points = [(0.0, 0.0), (1.0, 1.0)];
        let decimal = || Axis::linear("", Numbers::Decimal);
        let mut chart = chart(decimal(), decimal(), &[&points[..]; 32]);
        chart.series[31].stroke = Stroke::Wide(3);
        let svg = drawn(&chart);
        // The keys and then the curves: class, colour and dashes, as far as "stroke-linejoin" or the first place.
        let look =
            |element: &str| element.split(" x1").next().unwrap().split(" stroke-linejoin").next().unwrap().to_owned();
        let keys: Vec<String> = elements(&svg, "<line class=\"curve-").map(look).collect();
        let curves: Vec<String> = elements(&svg, "<g class=\"curve-").map(look).collect();
        assert_eq!(keys.len(), 32);
        assert_eq!(keys, curves);
        assert!((0..32).all(|i| !keys[..i].contains(&keys[i])), "{keys:?}");
        assert!(keys[..8].iter().all(|key| !key.contains("dash")) && keys[31].contains("dasharray=\"8 3 2 3\""));
        assert!(keys[31].contains("stroke-width=\"3\""));
    }

    #[test]
    fn a_file_has_its_title_and_its_colours_and_a_part_of_a_page_has_neither() {
        let chart = loss_chart(&[2.0, 1.0]);
        let (file, element) = (chart.svg(Size::WIDE), chart.element(Size::WIDE, Language::English.words()));
        assert!(file.contains("<title>A &#60;title&#62;") && file.contains("<style>") && file.contains("bold"));
        assert!(!element.contains("<title>") && !element.contains("<style>") && !element.contains("bold"));
        for svg in [file, element] {
            // Readable without the rules, and changed by them.
            assert!(svg.contains("<rect class=\"paper\" fill=\"#ffffff\""));
            assert!(svg.contains("class=\"curve-0\" stroke=\"#1f5faa\""));
        }
    }

    #[test]
    fn what_is_seen_is_told_in_words_too() {
        let mut chart = loss_chart(&[2.5, f64::NAN, 0.25]);
        assert!(drawn(&chart).contains(
            "<desc>A line chart. To the right: iteration, 1 to 3. Upwards: loss, 0.2500 to 2.500. curve 0: 2.500 at first, \
             0.2500 at last. A level, chance: ln 10 = 2.3026.</desc>"
        ));
        chart.series.clear();
        assert!(drawn(&chart).contains("To the right: iteration, without points."));
    }

    #[test]
    fn a_title_is_broken_where_it_would_leave_the_picture_and_holds_nothing_that_xml_has_not() {
        let mut chart = loss_chart(&[1.0]);
        chart.title = format!("A <title> & more\u{1}{}", " words".repeat(30));
        let svg = drawn(&Chart { title: "A <title> & more".to_owned(), ..chart.clone() });
        assert_eq!(svg.matches("more</text>").count(), 1);
        let svg = chart.svg(Size::WIDE);
        assert!(svg.matches("words</text>").count() >= 2 && svg.contains("more\u{fffd}") && !svg.contains('\u{1}'));
    }

    #[test]
    fn a_curve_far_above_the_others_leaves_the_frame_and_is_told_of() {
        let curve = |high: f64| -> Vec<(f64, f64)> {
            (0..20).map(|i| (f64::from(i), if i < 10 { 2.0 } else { high })).collect()
        };
        let axes = || (Axis::linear("x", Numbers::Whole), Axis::linear("y", Numbers::Decimal));
        let of = |curves: &[&[(f64, f64)]]| chart(axes().0, axes().1, curves);
        let (calm, lively, wild) = (curve(1.0), curve(5.0), curve(1e6));
        assert_eq!(of(&[&calm, &lively]).beyond(), []);
        // Alone it is all that there is to see.
        assert_eq!(of(&[&wild]).beyond(), []);
        let chart = of(&[&calm, &wild, &lively]);
        assert_eq!(chart.beyond(), [("curve 1", 1e6)]);
        let svg = drawn(&chart);
        assert_eq!(svg.matches("class=\"exit\"").count(), 1);
        // The numbers beside the axis are those of the calm ones.
        assert!(svg.contains(">5</text>") && !svg.contains("1,000,000"), "{svg}");
    }

    #[test]
    fn lengths_are_short_and_never_minus_nothing() {
        assert_eq!(
            [0.0, -0.01, 12.0, 0.5, -3.456, 100.0].map(|x| Px(x).to_string()),
            ["0", "0", "12", "0.5", "-3.5", "100"]
        );
    }
}
