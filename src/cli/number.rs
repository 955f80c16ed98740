//! Flags that take numbers, or several of them with commas in between: underscores may group the digits, and what is wrong
//! with one is said in a sentence that tells what is wanted.

use std::num::IntErrorKind;
use std::ops::RangeInclusive;

use crate::report::numbers::chosen;

/// The parser of whole numbers within `range`, whose end is `u64::MAX` where there is no end.
pub fn whole<T: TryFrom<u64> + 'static>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let wanted = match (*range.start(), *range.end()) {
            (least, u64::MAX) => format!("expected a whole number, {least} or more"),
            (least, most) => format!("expected a whole number from {least} to {most}"),
        };
        match ungrouped(text).parse::<u64>() {
            Ok(n) if range.contains(&n) => T::try_from(n).map_err(|_| format!("{wanted}; this one is too large")),
            Ok(_) => Err(wanted),
            Err(error) if *error.kind() == IntErrorKind::PosOverflow => Err(format!("{wanted}; this one is too large")),
            Err(_) => match meant_whole(text).filter(|n| range.contains(n)) {
                Some(n) => Err(format!("{wanted}, in digits alone: {n}")),
                None => Err(wanted),
            },
        }
    }
}

/// The parser of whole numbers above 0 with commas between them, `max_len` at most. `whose` says what has such a number.
pub fn whole_list(
    whose: &'static str,
    max_len: usize,
) -> impl Fn(&str) -> Result<Vec<usize>, String> + Clone + Send + Sync + 'static {
    let number = whole::<usize>(1..=u64::MAX);
    move |text| {
        let numbers: Vec<&str> = text.split(',').map(str::trim).collect();
        if numbers.len() > max_len {
            return Err(format!(
                "expected a whole number for each of at most {max_len} {whose}s, found {}",
                numbers.len()
            ));
        }
        let parsed: Result<Vec<usize>, String> = numbers.iter().map(|text| number(text)).collect();
        parsed.map_err(|error| match meant_whole(text) {
            // 10,000, whose second number would be 0.
            Some(n) if n > 0 && numbers.len() > 1 => {
                format!("expected a whole number, 1 or more, in digits alone: {n}; or one for each {whose}, as 100,50")
            }
            _ => format!("{error}; or one for each {whose}, as 100,50"),
        })
    }
}

/// The parser of finite numbers above 0.
pub fn positive(text: &str) -> Result<f64, String> {
    let is_positive = |x: &f64| *x > 0.0 && x.is_finite();
    match ungrouped(text).parse::<f64>() {
        Ok(x) if is_positive(&x) => Ok(x),
        _ => {
            let wanted = "expected a finite number above 0";
            Err(match meant_number(text).filter(is_positive) {
                Some(x) => format!("{wanted}, with a point before the decimals: {}", chosen(x)),
                None if text.contains(',') => format!("{wanted}, with a point before the decimals and no commas"),
                None => wanted.to_owned(),
            })
        }
    }
}

/// A number without the underscores between its digits.
pub fn ungrouped(text: &str) -> String {
    let groups: Vec<&str> = text.split('_').collect();
    let ends_with_digit = |text: &str| text.ends_with(|c: char| c.is_ascii_digit());
    let begins_with_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let are_digits_around = groups.windows(2).all(|pair| ends_with_digit(pair[0]) && begins_with_digit(pair[1]));
    if are_digits_around { groups.concat() } else { text.to_owned() }
}

/// The whole number that is written in another way: 10,000, 10'000, 1e4, 100.0, or in the wide digits of Japanese keyboards.
fn meant_whole(text: &str) -> Option<u64> {
    let text = narrow(text);
    let groups: Vec<&str> = text.split([',', '\'', ' ', '\u{a0}', '\u{202f}']).collect();
    let are_thousands = matches!(groups[0].len(), 1..=3) && groups[1..].iter().all(|group| group.len() == 3);
    if are_thousands && let Ok(n) = groups.concat().parse() {
        return Some(n);
    }
    if let Ok(n) = ungrouped(text.strip_suffix(".0").unwrap_or(&text)).parse() {
        return Some(n);
    }
    // Up to there f64 has every whole number.
    let is_exact = |x: &f64| x.fract() == 0.0 && (0.0..=9e15).contains(x);
    let exponent = text.contains(['e', 'E']).then(|| text.parse().ok()).flatten();
    exponent.filter(is_exact).map(|x| x as u64)
}

/// The number that is written in another way: with a comma before its decimals (0,1), or in wide digits.
fn meant_number(text: &str) -> Option<f64> {
    let text = narrow(text);
    match text.split_once(',') {
        // 1,000 may be a thousand too.
        Some((whole, decimals)) if whole != "0" && decimals.len() == 3 => None,
        _ => text.replacen(',', ".", 1).parse().ok(),
    }
}

/// A text with the letters, digits and signs of ASCII in place of the wide ones (U+FF01 to U+FF5E).
fn narrow(text: &str) -> String {
    const WIDE: u32 = 0xff01 - 0x21;
    text.chars()
        .map(|c| if matches!(c, '！'..='～') { char::from_u32(c as u32 - WIDE).unwrap_or(c) } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn underscores_between_digits_are_left_out() {
        let count = whole::<usize>(1..=u64::MAX);
        assert_eq!(["7", "10_000", "1_0"].map(&count), [Ok(7), Ok(10_000), Ok(10)]);
        assert!(["_1", "1_", "1__0", "_"].iter().all(|text| count(text).is_err()));
        assert_eq!(["1e-4", "0.000_1", "1_000.5"].map(positive), [Ok(1e-4), Ok(1e-4), Ok(1000.5)]);
        assert!(["1_e3", "_1.5", "0", "-1", "inf", "nan", "1e999"].iter().all(|text| positive(text).is_err()));
    }

    #[test]
    fn what_is_no_such_whole_number_is_answered_with_what_is_wanted() {
        let count = whole::<u64>(1..=u64::MAX);
        let wanted = "expected a whole number, 1 or more";
        for text in ["0", "-1", "1.5", "1,5", "1.000", "x", "", "1e-3", "1e400", "NaN", "inf", "０", "－１"] {
            assert_eq!(count(text), Err(wanted.to_owned()), "{text}");
        }
        for (text, n) in [
            ("10,000", "10000"),
            ("1e4", "10000"),
            ("1.5E1", "15"),
            ("1'234'567", "1234567"),
            ("100.0", "100"),
            ("１００", "100"),
            ("１０，０００", "10000"),
        ] {
            assert_eq!(count(text), Err(format!("{wanted}, in digits alone: {n}")), "{text}");
        }
        assert_eq!(count("99999999999999999999"), Err(format!("{wanted}; this one is too large")));
        let threads = whole::<u64>(0..=1024);
        for text in ["-1", "1025", "2e3"] {
            assert_eq!(threads(text), Err("expected a whole number from 0 to 1024".to_owned()), "{text}");
        }
    }

    #[test]
    fn a_list_of_whole_numbers_has_commas_and_what_is_wrong_with_it_is_told() {
        let sizes = whole_list("layer", 3);
        assert_eq!(
            ["50", "100,50", "1_000, 20,3"].map(&sizes),
            [Ok(vec![50]), Ok(vec![100, 50]), Ok(vec![1000, 20, 3])]
        );
        let wanted = "expected a whole number, 1 or more";
        let list = "; or one for each layer, as 100,50";
        for text in ["", "0", "-1", "x", "50,", ",50", "50,x", "50,0", "100-50", "100 50", "[100]"] {
            assert_eq!(sizes(text), Err(format!("{wanted}{list}")), "{text}");
        }
        for (text, n) in [("10,000", 10_000), ("1e4", 10_000), ("100,000,000", 100_000_000)] {
            assert_eq!(sizes(text), Err(format!("{wanted}, in digits alone: {n}{list}")), "{text}");
        }
        assert_eq!(sizes("1,2,3,4"), Err("expected a whole number for each of at most 3 layers, found 4".to_owned()));
    }

    #[test]
    fn what_is_no_such_number_is_answered_with_what_is_wanted() {
        let wanted = "expected a finite number above 0";
        for text in ["0", "-0.1", "-1e-4", "inf", "NaN", "x", "", "1e999"] {
            assert_eq!(positive(text), Err(wanted.to_owned()), "{text}");
        }
        for (text, x) in [("0,1", "0.1"), ("1,5", "1.5"), ("0,001", "0.001"), ("０．１", "0.1"), ("１ｅ－４", "0.0001")]
        {
            assert_eq!(positive(text), Err(format!("{wanted}, with a point before the decimals: {x}")), "{text}");
        }
        for text in ["1,000", "1,000,000"] {
            let point = format!("{wanted}, with a point before the decimals and no commas");
            assert_eq!(positive(text), Err(point), "{text}");
        }
    }
}
