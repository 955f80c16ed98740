//! In which language pages are written: `--lang`, or that of the locale.

use clap::Args;

use super::one_of::one_of;
use crate::report::Language;

/// The variables that name the locale, in the order in which they win over one another.
const VARIABLES: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

/// The flag for the language of pages.
#[derive(Debug, Args)]
pub struct LanguageArgs {
    /// Write the page in English (en) or in Japanese (ja) [default: the locale's, or en]
    #[arg(long, value_name = "LANG")]
    #[arg(value_parser = one_of::<Language>(&["en", "ja"]), ignore_case = true, hide_possible_values = true)]
    lang: Option<Language>,
}

impl LanguageArgs {
    /// The language that is asked for, else that of the locale; English where the locale's is another one.
    pub fn language(&self) -> Language {
        self.lang.or_else(|| of_locale(|name| std::env::var(name).ok())).unwrap_or_default()
    }
}

/// The first variable that is set and not empty decides.
fn of_locale(variable: impl Fn(&str) -> Option<String>) -> Option<Language> {
    let locale = VARIABLES.iter().find_map(|name| variable(name).filter(|locale| !locale.is_empty()))?;
    Language::of_locale(&locale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_says_something_decides() {
        let of = |set: &[(&str, &str)]| {
            of_locale(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of(&[("LANG", "ja_JP.UTF-8")]), Some(Language::Japanese));
        assert_eq!(of(&[("LC_ALL", ""), ("LC_MESSAGES", "ja"), ("LANG", "en")]), Some(Language::Japanese));
        assert_eq!(of(&[("LC_ALL", "C"), ("LANG", "ja_JP")]), None);
        assert_eq!(of(&[]), None);
    }
}
