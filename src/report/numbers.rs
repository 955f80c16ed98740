//! Numbers as people read them, in the same forms wherever a program, a page or a picture shows them.

/// Stands in a table where there is no number.
pub const MISSING: &str = "\u{2013}";

/// A rate in about three digits: 0.0123, 1.23, 123, 1234.
pub fn three_digits(x: f64) -> String {
    let decimals = match x {
        x if x >= 99.5 => 0,
        x if x >= 9.95 => 1,
        x if x >= 0.995 => 2,
        _ => 4,
    };
    format!("{x:.decimals$}")
}

/// A count in about three digits: 12.3, 41.2k, 1.23M.
pub fn with_unit(x: f64) -> String {
    let units = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    match units.iter().find(|(size, _)| x >= 0.9995 * size) {
        Some((size, unit)) => format!("{}{unit}", three_digits(x / size)),
        None => three_digits(x),
    }
}

/// A number with a comma before each three digits of its whole part: 79,520.
pub fn grouped(number: impl ToString) -> String {
    let number = number.to_string();
    let (whole, decimals) = number.split_at(number.find('.').unwrap_or(number.len()));
    let (sign, digits) = whole.split_at(whole.len() - whole.trim_start_matches('-').len());
    let mut text = sign.to_owned();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + decimals
}

/// A number that was chosen, as people write it: 0.01, 1, 1e-5.
pub fn chosen(x: f64) -> String {
    if x == 0.0 || (1e-4..1e6).contains(&x.abs()) { x.to_string() } else { format!("{x:e}") }
}

/// A step that was chosen, as people write it: 1e-4, 0.5, 2.
pub fn step(h: f64) -> String {
    if h < 0.01 { format!("{h:e}") } else { chosen(h) }
}

/// A number in at least four digits that count: 0.001235, 2.303, 12,350, 1.235e-7.
pub fn significant(x: f64) -> String {
    // As it is when it is rounded: 9.9999 has one digit before the point, and 10.00 has two.
    let rounded = format!("{x:.3e}");
    let power = power_in(&rounded);
    match power {
        _ if x == 0.0 => "0".to_owned(),
        -3..=5 => grouped(format!("{x:.*}", (3 - power).max(0) as usize)),
        _ => rounded,
    }
}

/// Which power of ten the first digit of a number stands for: -3 for 0.001235. It is read off the number's text, as the
/// logarithms of the system's library are not the same everywhere.
pub(super) fn power_below(x: f64) -> i32 {
    power_in(&format!("{x:e}"))
}

fn power_in(scientific: &str) -> i32 {
    scientific.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0)
}

/// A power of ten. It is read from a text, as `10f64.powi` does not round alike everywhere.
pub(super) fn power_of_ten(power: i32) -> f64 {
    format!("1e{power}").parse().expect("a power of ten is a number")
}

/// A loss, or a level that losses are compared with: 2.3026.
pub fn loss(x: f64) -> String {
    format!("{x:.4}")
}

/// A probability in per cent, in more than zeros: 99.8%, 1.25%, 3e-7.
pub fn probability(p: f64) -> String {
    match p {
        p if p > 0.0 && p < 1e-4 => format!("{p:.0e}"),
        p if p < 0.1 => percent(p, 2),
        p => percent(p, 1),
    }
}

/// The next of 1e-9, 2e-9, …, 1e-8, 2e-8, … that is larger than a number, so that it can be called less than that.
pub fn bound(x: f64) -> String {
    let power = power_of_ten(power_below(x));
    format!("{:.0e}", ((x / power).floor() + 1.0) * power)
}

/// A time in about three digits: 615 ns, 1.20 ms, 28.4 s, 7 min 57 s, 2 h 05 min.
pub fn duration(seconds: f64) -> String {
    match seconds {
        0.0 => "0 s".to_owned(),
        s if s < 0.9995e-6 => format!("{} ns", three_digits(1e9 * s)),
        s if s < 0.9995e-3 => format!("{} µs", three_digits(1e6 * s)),
        s if s < 0.9995 => format!("{} ms", three_digits(1e3 * s)),
        s if s < 119.5 => format!("{} s", three_digits(s)),
        s if s < 2.0 * 3600.0 => format!("{} min {:02} s", s.round() as u64 / 60, s.round() as u64 % 60),
        s => {
            let minutes = (s / 60.0).round() as u64;
            format!("{} h {:02} min", grouped(minutes / 60), minutes % 60)
        }
    }
}

/// A share of 1 in per cent: 11.24% with two decimals.
pub fn percent(share: f64, decimals: usize) -> String {
    format!("{:.decimals$}%", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_was_chosen_is_shown_as_people_write_it() {
        assert_eq!([0.01, 1.0, 1000.0, 1e-5, 1.7e308].map(chosen), ["0.01", "1", "1000", "1e-5", "1.7e308"]);
    }

    #[test]
    fn a_step_is_shown_as_people_write_it() {
        let shown = [1e-300, 1e-4, 1.5e-3, 0.01, 0.5, 2.0, 1e7].map(step);
        assert_eq!(shown, ["1e-300", "1e-4", "1.5e-3", "0.01", "0.5", "2", "1e7"]);
    }

    #[test]
    fn numbers_are_shown_in_about_three_digits() {
        let shown =
            [0.0, 0.0123, 1.0, 9.96, 12.34, 812.3, 999.4, 999.6, 41_200.0, 1_230_000.0, 7.952e12].map(with_unit);
        let expected = ["0.0000", "0.0123", "1.00", "10.0", "12.3", "812", "999", "1.00k", "41.2k", "1.23M", "7.95T"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn times_are_shown_in_the_unit_that_suits_them() {
        let shown = [0.0, 6.152e-7, 2.5e-6, 1.2e-3, 0.9996, 28.44, 119.6, 477.4, 7199.6, 7500.0, 36e6].map(duration);
        let expected = [
            "0 s",
            "615 ns",
            "2.50 µs",
            "1.20 ms",
            "1.00 s",
            "28.4 s",
            "2 min 00 s",
            "7 min 57 s",
            "120 min 00 s",
            "2 h 05 min",
            "10,000 h 00 min",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn digits_count_from_the_first_that_is_not_0() {
        let shown = [0.0, 1.2346e-7, 0.00123456, -0.5, 2.345678, 9.99996, 12_345.6, 987_654.0, 1.5e9].map(significant);
        let expected = ["0", "1.235e-7", "0.001235", "-0.5000", "2.346", "10.00", "12,346", "987,654", "1.500e9"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_probability_has_more_than_zeros() {
        assert_eq!([0.0, 3.2e-7, 0.0125, 0.998].map(probability), ["0.00%", "3e-7", "1.25%", "99.8%"]);
    }

    #[test]
    fn a_bound_is_above_what_it_bounds() {
        assert_eq!([3.2e-13, 9.9e-9, 1e-7, 2.000001e-12].map(bound), ["4e-13", "1e-8", "2e-7", "3e-12"]);
    }

    #[test]
    fn thousands_are_set_apart() {
        let shown = ["0", "999", "1000", "-1234567.25", "-123"].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "-1,234,567.25", "-123"]);
    }
}
