//! The axes of a chart: where a number lies, which numbers are written beside it, and how.

use super::numbers::{grouped, percent, power_below, power_of_ten, significant};

/// What is measured along one side, and how its numbers are shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What is measured along the axis, with the unit.
    pub label: String,
    /// Whether equal differences or equal ratios are equally far.
    pub scale: Scale,
    /// How the numbers beside the axis are written.
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
    /// They are written without decimals: 20,000. A logarithmic axis is divided by doublings: 1, 2, 4.
    Whole,
    /// They are written with as many decimals as tell neighbours apart.
    Decimal,
    /// They are shares of 1, written in per cent; the axis ends at 100%.
    Percent,
}

impl Axis {
    /// An axis on which equal differences are equally far.
    pub fn linear(label: &str, numbers: Numbers) -> Self {
        Self { label: label.to_owned(), scale: Scale::Linear, numbers }
    }

    /// An axis on which equal ratios are equally far, divided by powers of ten.
    pub fn logarithmic(label: &str) -> Self {
        Self { label: label.to_owned(), scale: Scale::Logarithmic, numbers: Numbers::Decimal }
    }

    /// An axis on which equal ratios are equally far, divided by powers of two: for counts that are doubled.
    pub fn doubling(label: &str) -> Self {
        Self { label: label.to_owned(), scale: Scale::Logarithmic, numbers: Numbers::Whole }
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
        if self.scale == Scale::Logarithmic && self.numbers == Numbers::Whole {
            let doublings = doublings(from, to, n);
            if doublings.len() > 1 {
                return doublings;
            }
        }
        let (first, last) = (from.ceil() as i32, to.floor() as i32);
        if self.scale == Scale::Logarithmic && last > first {
            let every = (f64::from(last - first + 1) / n).ceil() as i32;
            let decades = (first..=last).filter(|decade| decade.rem_euclid(every) == 0);
            let in_full = first >= -3 && last <= 4;
            return decades.map(|decade| (f64::from(decade), decade_label(decade, in_full))).collect();
        }
        let (low, high) = match self.scale {
            Scale::Linear => (from, to),
            Scale::Logarithmic => (10f64.powf(from), 10f64.powf(to)),
        };
        let ends = |step: f64| ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
        let step = self.step((high - low) / n);
        // A single number does not tell how long the axis is.
        let (first, last) = ends(step);
        let step = if first < last { step } else { self.step((high - low) / (2.0 * n)) };
        let decimals = |step: f64| (-power_below(step)).clamp(0, 12) as usize;
        let text = |number: f64| match self.numbers {
            Numbers::Percent => format!("{:.*}%", decimals(100.0 * step), 100.0 * number),
            _ if high.abs().max(low.abs()) >= 1e15 => format!("{number:e}"),
            _ => grouped(format!("{number:.*}", decimals(step))),
        };
        // Counted in whole numbers, so that the ticks are where they say; a range that is not there in f64 has none.
        let (first, last) = ends(step);
        let n_ticks = (last - first + 1.0).clamp(0.0, 100.0) as usize;
        let numbers = (0..n_ticks).map(|i| (first + i as f64) * step);
        numbers.filter_map(|number| Some((self.place(number)?.clamp(from, to), text(number)))).collect()
    }

    /// A number of this axis within a sentence.
    pub(super) fn in_words(&self, number: f64) -> String {
        match self.numbers {
            Numbers::Whole => grouped(format!("{number:.0}")),
            Numbers::Decimal => significant(number),
            Numbers::Percent => percent(number, 1),
        }
    }

    /// The next of 1, 2, 5, 10, 20, … times a power of ten.
    fn step(&self, at_least: f64) -> f64 {
        if !at_least.is_finite() {
            return at_least;
        }
        let power = power_of_ten(power_below(at_least.max(1e-300)));
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|&step| step >= at_least);
        let step = step.unwrap_or(10.0 * power);
        if self.numbers == Numbers::Whole { step.max(1.0) } else { step }
    }
}

/// The powers of two from `10^from` to `10^to`, or every second, third, … of them.
fn doublings(from: f64, to: f64, n: f64) -> Vec<(f64, String)> {
    let step = 2f64.log10();
    let (first, last) = ((from / step - 1e-9).ceil().max(0.0) as i32, (to / step + 1e-9).floor() as i32);
    let every = (f64::from((last - first + 1).max(1)) / n).ceil() as i32;
    let powers = (first..=last).filter(|power| power.rem_euclid(every) == 0);
    powers.map(|power| (f64::from(power) * step, grouped(2f64.powi(power)))).collect()
}

/// 0.01 in full, or 10⁻².
fn decade_label(decade: i32, in_full: bool) -> String {
    const SUPERSCRIPTS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    match decade {
        _ if decade == 0 || in_full => grouped(power_of_ten(decade)),
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
    fn an_axis_of_doublings_has_powers_of_two() {
        let threads = Axis::doubling("threads");
        assert_eq!(labels(&threads, 0.0, 16f64.log10(), 8), ["1", "2", "4", "8", "16"]);
        assert_eq!(labels(&threads, 0.0, 4096f64.log10(), 5), ["1", "8", "64", "512", "4,096"]);
        assert_eq!(labels(&threads, 0.5f64.log10(), 3f64.log10(), 8), ["1", "2"]);
        // Between two powers any number is better than none.
        assert_eq!(labels(&threads, 5f64.log10(), 7f64.log10(), 8), ["5", "6", "7"]);
    }

    #[test]
    fn the_axes_hold_every_point_and_a_share_does_not_go_beyond_all() {
        let (low, high) = Axis::linear("", Numbers::Decimal).range([2.0, 3.0].into_iter(), 0.06);
        assert!(low < 2.0 && high > 3.0);
        assert_eq!(Axis::linear("", Numbers::Percent).range([0.01, 0.99].into_iter(), 0.06), (0.0, 1.0));
        assert_eq!(Axis::logarithmic("").range([-3.0, 2.0].into_iter(), 0.0), (-3.0, 2.0));
    }
}
