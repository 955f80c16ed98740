//! The parsers of flags whose values only this program takes.

use numgrad::cli::number::{positive, ungrouped, whole_list};
use numgrad::report::numbers::chosen;
use numgrad::train::{Every, HiddenSizes, InitScale};

/// Products of steps that are shorter than this are no longer exact, as the smallest numbers have fewer digits.
const MIN_STEP: f64 = 1e-300;

/// As many curves as look different in one chart.
const MAX_LEARNING_RATES: usize = 32;

/// One or several learning rates, all different.
#[derive(Debug, Clone)]
pub struct LearningRates(pub Vec<f64>);

pub fn learning_rates(text: &str) -> Result<LearningRates, String> {
    if !text.contains(',') {
        return positive(text).map(|rate| LearningRates(vec![rate]));
    }
    let numbers: Result<Vec<f64>, String> = text.split(',').map(|number| positive(number.trim())).collect();
    let numbers = numbers.map_err(|error| {
        // 0,1 may be meant as people write it whose decimals have a comma before them.
        let meant = positive(text).err().filter(|wanted| wanted.contains("decimals: "));
        format!("{}; or several with commas in between, as 0.01,0.1,1", meant.unwrap_or(error))
    })?;
    if numbers.len() > MAX_LEARNING_RATES {
        return Err(format!("expected at most {MAX_LEARNING_RATES} learning rates, found {}", numbers.len()));
    }
    match numbers.iter().enumerate().find(|(i, rate)| numbers[..*i].contains(rate)) {
        Some((_, rate)) => Err(format!("expected different learning rates, found {} twice", chosen(*rate))),
        None => Ok(LearningRates(numbers)),
    }
}

pub fn hidden(text: &str) -> Result<HiddenSizes, String> {
    whole_list("hidden layer", HiddenSizes::MAX_LEN)(text).map(HiddenSizes::from)
}

pub fn init_scale(text: &str) -> Result<InitScale, String> {
    match &*text.to_lowercase() {
        "he" => Ok(InitScale::He),
        "xavier" => Ok(InitScale::Xavier),
        name if name.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            Err("expected a finite number above 0, or he or xavier".to_owned())
        }
        _ => positive(text).map(InitScale::Number),
    }
}

pub fn every(text: &str) -> Result<Every, String> {
    ungrouped(text).parse()
}

/// The parser of steps: not so short that its products with inputs and weights lose digits at the lower end of the numbers.
pub fn step(text: &str) -> Result<f64, String> {
    match positive(text)? {
        h if h < MIN_STEP => Err(format!("expected a number of at least {MIN_STEP:e}")),
        h => Ok(h),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learning_rates_are_different_numbers_above_0() {
        let rates = |text: &str| learning_rates(text).map(|LearningRates(rates)| rates);
        assert_eq!(rates("0.5"), Ok(vec![0.5]));
        assert_eq!(rates("0.01, 0.1,1e1"), Ok(vec![0.01, 0.1, 10.0]));
        for (text, part) in [
            ("0,1", "with a point before the decimals: 0.1; or several"),
            ("0.1,", "or several with commas"),
            ("0.1,x", "expected a finite number above 0"),
            ("1,0.1,1.0", "found 1 twice"),
            ("-1", "above 0"),
        ] {
            let error = rates(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        let many: Vec<String> = (1..=33).map(|i| i.to_string()).collect();
        assert!(rates(&many.join(",")).unwrap_err().contains("at most 32"));
    }
}
