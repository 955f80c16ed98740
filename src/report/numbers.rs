//! Numbers as people read them.

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

/// A time in about three digits: 1.20 ms, 28.4 s, 7 min 57 s, 2 h 05 min.
pub fn duration(seconds: f64) -> String {
    match seconds {
        0.0 => "0 s".to_owned(),
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
    fn numbers_are_shown_in_about_three_digits() {
        let shown =
            [0.0, 0.0123, 1.0, 9.96, 12.34, 812.3, 999.4, 999.6, 41_200.0, 1_230_000.0, 7.952e12].map(with_unit);
        let expected = ["0.0000", "0.0123", "1.00", "10.0", "12.3", "812", "999", "1.00k", "41.2k", "1.23M", "7.95T"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn times_are_shown_in_the_unit_that_suits_them() {
        let shown = [0.0, 2.5e-6, 1.2e-3, 0.9996, 28.44, 119.6, 477.4, 7199.6, 7500.0, 36e6].map(duration);
        let expected = [
            "0 s",
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
    fn thousands_are_set_apart() {
        let shown = ["0", "999", "1000", "-1234567.25", "-123"].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "-1,234,567.25", "-123"]);
    }
}
