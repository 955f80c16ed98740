//! Tips below the errors of the command line: which flag does what another was tried for.

use clap::error::{ContextKind, ContextValue, Error};

/// Adds the tip for what was found in place of a flag, if `tip` has one. It is given what a user typed, without a value behind
/// it: `--epochs`, or `model.npz`.
pub fn with_tip(mut error: Error, tip: impl FnOnce(&str) -> Option<&'static str>) -> Error {
    let found = match (error.get(ContextKind::InvalidArg), error.get(ContextKind::InvalidValue)) {
        (Some(ContextValue::String(found)), None) => found.clone(),
        // A data set by a name that is none.
        (Some(ContextValue::String(flag)), Some(_)) if flag.starts_with("--dataset") => "--dataset".to_owned(),
        _ => return error,
    };
    let of_data = match found.as_str() {
        "--dataset" | "--fashion" | "--fashion-mnist" | "--emnist" | "--kmnist" => {
            Some("other data sets are read from their files: --data-dir names the folder")
        }
        _ => None,
    };
    if let Some(tip) = of_data.or_else(|| tip(&found)) {
        // A flag that is spelled alike is not meant.
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::Usage);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}
