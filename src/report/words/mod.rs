//! The words of the pages, in a file for each language.
//!
//! The compiler sees to it that both languages have the same keys and that none is left over; the test below, that both put
//! the same values into their texts. What stands between braces in a text is the name of a value.

mod english;
mod japanese;

use std::fmt::{self, Display};
use std::str::FromStr;

use super::numbers::{self, grouped};
use crate::train::{Divergence, Quantity};

/// The language of a page.
///
/// ```
/// use numgrad::report::Language;
///
/// assert_eq!("ja".parse(), Ok(Language::Japanese));
/// assert_eq!(Language::of_locale("ja_JP.UTF-8"), Some(Language::Japanese));
/// assert_eq!(Language::of_locale("C"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Japanese.
    Japanese,
}

impl Language {
    /// The language of a locale's name, `ja_JP.UTF-8`; none where it is another one, or no language at all.
    pub fn of_locale(locale: &str) -> Option<Self> {
        locale.split(['_', '-', '.', '@', ':']).next()?.to_lowercase().parse().ok()
    }

    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::English => &english::WORDS,
            Self::Japanese => &japanese::WORDS,
        }
    }
}

impl Display for Language {
    /// The code of the language: `en`, `ja`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::English => "en",
            Self::Japanese => "ja",
        })
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "en" => Ok(Self::English),
            "ja" => Ok(Self::Japanese),
            _ => Err(format!("expected a language (en or ja), found \"{text}\"")),
        }
    }
}

macro_rules! words {
    ($($key:ident),+ $(,)?) => {
        /// Every text of the pages, in one language.
        pub(super) struct Words {
            $(pub $key: &'static str,)+
        }

        #[cfg(test)]
        impl Words {
            /// Each text with its key.
            fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($key), self.$key)),+]
            }
        }
    };
}

words! {
    // The frame of every page.
    code, between, footer, a_run_of, runs_compared,
    // Headings.
    loss, accuracy, gradient_norm, worked_weight, confusion_matrix, worst_mistakes, first_layer, first_layer_over_time,
    settings, loss_by_iteration, loss_by_seconds, results, settings_that_differ, settings_they_share, folders,
    // The head of a run's page.
    lead, two_layers, many_layers, by_numerical, by_backprop, one_iteration, n_iterations, stopped, interrupted,
    not_at_hand,
    // Tiles.
    test_accuracy, training_accuracy, final_loss, training_time, evaluations_a_second, of_samples, a_gradient_takes, in_all,
    chance,
    // Charts.
    loss_title, loss_axis, loss_caption, smoothed, mean_of, each_batch, accuracy_title, accuracy_axis, iteration, seconds,
    seconds_logarithmic, norm_title, norm_axis, norm_caption, training_set, test_set, beyond,
    // What a script adds to charts.
    logarithmic, save_svg, save_png, switch_off,
    // What a chart shows, for those who can't see it.
    line_chart, axis_range, axis_without_points, curve_ends, level_named,
    // What the network answers.
    answers_lead, matrix_reading, map_reading, map_alt, right, often_confused, label, taken_for, times, mistakes_lead,
    mistake_alt, is_label, sample_number, sideways,
    // Weights.
    unit_alone, all_units, first_units, of_the_first_layer, weights_lead, weights_alt, weights_caption, why_weights,
    why_uniform, why_normal, over_time_lead, at_iteration, over_time_alt, over_time_range,
    // One derivative.
    worked_lead, from_pixel, from_input, to_class, unit_of_layer, hidden_unit,
    worked_w, worked_up, worked_down, worked_difference, worked_numerical, worked_analytic, worked_update, worked_kink, worked_all,
    worked_incremental, worked_full, worked_backprop,
    // Settings.
    gradient, data, samples, for_training, for_training_and_testing, network, n_parameters, iterations, batch_size,
    learning_rate, step, initial_weights, seed, threads, instructions, version, classes, times_number, times_he, times_xavier,
    // Several runs.
    run, a_gradient, against_the_slowest, time, done_of, n_runs, no_iteration, equal, close, apart, over_one, over_many,
    lie_on_each_other, loss_by_title, accuracy_by_title, accuracy_by_axis, smoothed_runs, best,
    // What to change of a run.
    ends_above, rises, at_chance, chance_is, drowns, large_rate, overshoot, large_scale, still_falls, smaller_rate,
    deep, small_rate, normal_helps, few_iterations, larger_rate, another_rate,
    // What is not finite.
    diverged, gradient_of, after_update, loss_after_update, unmoved, diverged_advice, unmoved_advice,
    // Times.
    unit_s, unit_min, unit_h,
}

/// A text with its values in their places.
pub(super) fn filled(text: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut filled = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}').expect("a brace is closed");
        let value = values.iter().find(|(known, _)| *known == name);
        let (_, value) = value.unwrap_or_else(|| panic!("the text has no value {name}: {text}"));
        filled.push_str(before);
        filled.push_str(&value.to_string());
        rest = after;
    }
    filled + rest
}

impl Words {
    /// "1 iteration", "20 iterations".
    pub fn iterations(&self, n: u64) -> String {
        filled(if n == 1 { self.one_iteration } else { self.n_iterations }, &[("n", &grouped(n))])
    }

    /// A time in about three digits, as [`numbers::duration`] has it: 615 ns, 1.20 ms, 28.4 s, 7 min 57 s, 2 h 05 min.
    pub fn duration(&self, seconds: f64) -> String {
        let text = numbers::duration(seconds);
        let in_words = |part| match part {
            "s" => self.unit_s,
            "min" => self.unit_min,
            "h" => self.unit_h,
            part => part,
        };
        text.split(' ').map(in_words).collect::<Vec<_>>().join(" ")
    }

    /// Why a run could not go on.
    pub fn divergence(&self, Divergence { iteration, quantity, value }: &Divergence) -> String {
        let is_unmoved = matches!(quantity, Quantity::Unmoved(_));
        let quantity = match quantity {
            Quantity::Gradient(array) => filled(self.gradient_of, &[("array", array)]),
            Quantity::Parameters(array) => filled(self.after_update, &[("array", array)]),
            Quantity::Loss => self.loss_after_update.to_owned(),
            Quantity::Unmoved(array) => filled(self.unmoved, &[("array", array)]),
        };
        let advice = if is_unmoved { self.unmoved_advice } else { self.diverged_advice };
        let told =
            filled(self.diverged, &[("iteration", &grouped(iteration)), ("quantity", &quantity), ("value", value)]);
        format!("{told}{advice}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the values in a text, in alphabetical order, each once.
    fn values(text: &str) -> Vec<&str> {
        let mut names: Vec<&str> = text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    #[test]
    fn both_languages_put_the_same_values_into_their_texts() {
        let (english, japanese) = (english::WORDS.all(), japanese::WORDS.all());
        for ((key, english), (_, japanese)) in english.into_iter().zip(japanese) {
            assert_eq!(values(english), values(japanese), "{key}");
            assert!(!english.is_empty() && (!japanese.is_empty() || key == "between"), "{key}");
        }
    }

    #[test]
    fn a_japanese_text_is_japanese() {
        // Signs and values alone.
        let same = ["code", "between", "worked_up", "worked_down", "over_time_range", "loss_by_title"];
        for ((key, english), (_, japanese)) in english::WORDS.all().into_iter().zip(japanese::WORDS.all()) {
            assert!(english.chars().all(|c| !is_japanese(c)), "{key}");
            assert!(same.contains(&key) || japanese.chars().any(is_japanese), "{key}: {japanese}");
        }
    }

    fn is_japanese(c: char) -> bool {
        matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}')
    }

    #[test]
    fn values_stand_where_their_names_stood() {
        assert_eq!(filled("{a} of {b}, {a}", &[("a", &1), ("b", &"two")]), "1 of two, 1");
    }

    #[test]
    fn a_locale_tells_the_language() {
        let of = Language::of_locale;
        for locale in ["ja", "ja_JP", "ja_JP.UTF-8", "ja-JP", "JA", "ja_JP.eucJP@x", "ja:en"] {
            assert_eq!(of(locale), Some(Language::Japanese), "{locale}");
        }
        assert_eq!(
            (of("en_GB.UTF-8"), of("de_DE"), of("C.UTF-8"), of("")),
            (Some(Language::English), None, None, None)
        );
    }

    #[test]
    fn a_time_has_the_units_of_the_language() {
        let japanese = Language::Japanese.words();
        assert_eq!(
            [0.0, 28.44, 477.4, 7500.0].map(|s| japanese.duration(s)),
            ["0 秒", "28.4 秒", "7 分 57 秒", "2 時間 05 分"]
        );
    }
}
