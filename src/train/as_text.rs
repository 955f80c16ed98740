//! Values that stand in files and on the command line as the text that they print and read.
//!
//! `#[serde(with = "as_text")]` serialises a field so; [`variants_as_text`] gives the variants of an enum their texts.

use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serializer, de};

pub(super) fn serialize<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub(super) fn deserialize<'a, T: FromStr<Err: Display>, D: Deserializer<'a>>(deserializer: D) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

/// `variants_as_text!(Enum, "what it is", Variant = "text", …)`.
macro_rules! variants_as_text {
    ($type:ident, $what:literal, $($variant:ident = $text:literal),+) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str(match self { $($type::$variant => $text),+ })
            }
        }

        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok($type::$variant),)+
                    _ => Err(format!("expected {} ({}), found \"{text}\"", $what, [$($text),+].join(" or "))),
                }
            }
        }
    };
}

pub(super) use variants_as_text;
