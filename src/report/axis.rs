//! The axes of a chart: where a number lies, which numbers are written beside it, and how.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use super::numbers::grouped;

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
    pub(super) fn place(&self, number: f64) -> Option<f64> {
        match self.scale {
            // Far beyond what anything measures; differences stay finite.
            Scale::Linear => Some(number.clamp(-1e300, 1e300)).filter(|_| number.is_finite()),
            Scale::Logarithmic => Some(number.log10()).filter(|place| place.is_finite()),
        }
    }

    /// From where to where the axis goes: all places, with a margin of a share of them; never empty.
    pub(super) fn range(&self, places: impl Iterator<Item = f64>, margin: f64) -> (f64, f64) {
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
    pub(super) fn ticks(&self, from: f64, to: f64, n: usize) -> Vec<(f64, String)> {
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
pub(super) struct Ruler {
    pub ends: (f64, f64),
    pub ticks: Vec<(f64, String)>,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, from: f64, to: f64, n: usize) -> Vec<String> {
        axis.ticks(from, to, n).into_iter().map(|(_, text)| text).collect()
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
