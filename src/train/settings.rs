//! What a run can be told, field by field, and beside each field what becomes of it when the run is continued.

use std::collections::BTreeSet;
use std::fmt::{self, Display};
use std::str::FromStr;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::as_text::{self, variants_as_text};
use super::hidden::HiddenSizes;
use super::initial::{Init, InitScale};
use crate::dataset::Name;
use crate::nn::simd::Isa;
use crate::nn::{Activation, NetworkShape};

/// What becomes of a setting when a run is continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnResume {
    /// The run keeps its value, as another one would change the numbers.
    Fixed,
    /// The value may become larger, and what was computed before is what it would have been.
    MayGrow,
    /// Any other value gives the same numbers.
    MayChange,
}

/// Declares structs of settings. Behind each field stand its default and what becomes of it when a run is continued; `with
/// field: Type` takes in the settings of another such struct, under their own names.
macro_rules! settings {
    ($(
        $(#[$attribute:meta])*
        pub struct $name:ident $(with $rest:ident: $rest_type:ty)? {
            $($(#[$field_attribute:meta])* $field:ident: $type:ty = $default:expr => $on_resume:ident,)+
        }
    )+) => {$(
        $(#[$attribute])*
        pub struct $name {
            $($(#[$field_attribute])* pub $field: $type,)+
            $(
                #[doc = concat!("The settings that are also [`", stringify!($rest_type), "`].")]
                #[serde(flatten)]
                pub $rest: $rest_type,
            )?
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ $($rest: <$rest_type>::default(),)? }
            }
        }

        impl $name {
            /// What becomes of the setting that is serialised under `name` when a run is continued; none where there is no
            /// such setting.
            pub fn on_resume(name: &str) -> Option<OnResume> {
                $(
                    if name == stringify!($field) {
                        return Some(OnResume::$on_resume);
                    }
                )+
                $(
                    if let Some(found) = <$rest_type>::on_resume(name) {
                        return Some(found);
                    }
                )?
                None
            }
        }
    )+};
}

settings! {
    /// How a network is trained: what one iteration does. The default is the article's training.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    pub struct TrainingSettings {
        /// How many samples are drawn for each batch, with replacement: N.
        batch_size: usize = 100 => Fixed,
        /// What the gradient is multiplied by before it is subtracted from the parameters.
        learning_rate: f64 = 0.1 => Fixed,
        /// By how much each parameter is moved, up and down.
        step: f64 = 1e-4 => Fixed,
        /// How the gradient is computed.
        gradient: GradientMethod = GradientMethod::Numerical => Fixed,
        /// What a perturbed evaluation computes, where the gradient is numerical.
        forward: Forward = Forward::Incremental => Fixed,
        /// The instruction set that the evaluations are compiled for. Another one rounds differently.
        #[serde(with = "as_text")]
        isa: Isa = Isa::best() => Fixed,
    }

    /// The settings of a whole run, as its `run.json` holds them. The default is the article's run.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct RunSettings with training: TrainingSettings {
        /// How many iterations were asked for.
        iterations: u64 = 100 => MayGrow,
        /// How many units each hidden layer of the network has: H, or several numbers.
        hidden: HiddenSizes = HiddenSizes::from(50) => Fixed,
        /// What the hidden layers make of their inputs. Older files do not say it, and are of sigmoids.
        #[serde(default, with = "as_text")]
        activation: Activation = Activation::Sigmoid => Fixed,
        /// The seed of NumPy's random generator, which draws the data where they are random, the weights and the batches.
        seed: u32 = 42 => Fixed,
        /// The distribution that the initial weights are drawn from.
        init: Init = Init::Uniform => Fixed,
        /// What the drawn initial weights are multiplied by.
        init_scale: InitScale = InitScale::Number(0.01) => Fixed,
        /// After every how many iterations accuracy is measured; it is measured after the last one in any case.
        eval_every: Option<u64> = None => MayChange,
        /// How many threads work. A checkpoint holds none where no number was asked for; `run.json` always holds how many
        /// there were.
        threads: Option<u64> = None => MayChange,
    }

    /// The settings of a run, and beside them what only its checkpoint holds: where the data are, and how often a checkpoint
    /// is written.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct CheckpointSettings with run: RunSettings {
        /// The data set.
        dataset: Name = Name::Mnist => Fixed,
        /// How many classes are told apart: K.
        classes: usize = 10 => Fixed,
        /// The folder of the data's files; none where they are in the cache, where there are none, or where its name is no
        /// text.
        data_dir: Option<String> = None => MayChange,
        /// The address that MNIST is downloaded from in place of the usual ones.
        mirror: Option<String> = None => MayChange,
        /// Whether the pictures of the data's files were transposed. It is left out where they were not.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        transpose: bool = false => Fixed,
        /// What the classes are called, by a file that was named or lay beside the data's. It is left out where nothing says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class_names: Option<Vec<String>> = None => MayChange,
        /// How often a checkpoint is written.
        #[serde(with = "as_text")]
        checkpoint_every: Every = Every::Time(Duration::from_secs(30)) => MayChange,
    }
}

impl RunSettings {
    /// The network that a run with these settings trains, on samples of this many inputs and classes.
    ///
    /// # Panics
    /// If one of the two numbers is 0.
    pub fn shape(&self, n_inputs: usize, n_classes: usize) -> NetworkShape {
        let sizes = [&[n_inputs], self.hidden.as_slice(), &[n_classes]].concat();
        NetworkShape::new(sizes).with_activation(self.activation)
    }
}

/// A setting that a continued run cannot have. All values are as text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {asked}, but the run has {saved}")]
pub struct Contradiction {
    /// The name under which the setting is serialised.
    pub name: String,
    /// The value that was asked for.
    pub asked: String,
    /// The value that the run has.
    pub saved: String,
    /// Which other values it could have.
    pub on_resume: OnResume,
}

impl CheckpointSettings {
    /// The settings of a continued run: those of `asked` whose names were `given`, and those of `self`, the run's own, for
    /// all others.
    ///
    /// # Errors
    /// [`Contradiction`] where a setting was given a value that the run cannot take: the first by name.
    pub fn continued_with(&self, asked: &Self, given: impl Fn(&str) -> bool) -> Result<Self, Contradiction> {
        let (mut settings, asked) = (by_name(self), by_name(asked));
        // A value that is left out is no value.
        let of = |settings: &Map<String, Value>, name: &str| settings.get(name).cloned().unwrap_or(Value::Null);
        let names: BTreeSet<String> = settings.keys().chain(asked.keys()).cloned().collect();
        for name in &names {
            let (saved, asked) = (of(&settings, name), of(&asked, name));
            let on_resume = Self::on_resume(name).expect("what is serialised is a field");
            let may_be = match on_resume {
                OnResume::Fixed => asked == saved,
                OnResume::MayGrow => asked.as_u64() >= saved.as_u64(),
                OnResume::MayChange => true,
            };
            match given(name) {
                true if may_be => drop(settings.insert(name.clone(), asked)),
                true => {
                    let (asked, saved) = (as_plain_text(&asked), as_plain_text(&saved));
                    return Err(Contradiction { name: name.clone(), asked, saved, on_resume });
                }
                false => {}
            }
        }
        Ok(of_names(settings))
    }

    /// Every setting that has a value: its name and the value as text.
    pub fn values(&self) -> impl Iterator<Item = (String, String)> + use<> {
        let has_value = by_name(self).into_iter().filter(|(_, value)| !value.is_null());
        has_value.map(|(name, value)| (name, as_plain_text(&value)))
    }
}

fn by_name(settings: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(settings)) => settings,
        other => unreachable!("settings have names and plain values, not {other:?}"),
    }
}

fn of_names<T: DeserializeOwned>(settings: Map<String, Value>) -> T {
    serde_json::from_value(Value::Object(settings)).expect("each value was serialised from such a setting")
}

fn as_plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // 1 and not 1.0, 0.0001 and 1e-300.
        Value::Number(number) if number.is_f64() => {
            let text = number.as_f64().map_or_else(String::new, |x| format!("{x:?}"));
            text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
        }
        Value::Null => "none".to_owned(),
        // As a flag takes several values.
        Value::Array(values) => values.iter().map(as_plain_text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// How a gradient is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum GradientMethod {
    /// By central differences of the loss, two evaluations a parameter.
    Numerical,
    /// Analytically, by backpropagation: to compare with.
    Backprop,
}

/// What a perturbed evaluation computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Forward {
    /// The whole forward pass, for every weight and both moves.
    Full,
    /// Only what the moved weight reaches.
    Incremental,
}

variants_as_text!(GradientMethod, "a way to compute gradients", Numerical = "numerical", Backprop = "backprop");
variants_as_text!(Forward, "a forward mode", Full = "full", Incremental = "incremental");

/// How often a checkpoint is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Every {
    /// After this many iterations.
    Iterations(u64),
    /// When this much time has passed.
    Time(Duration),
}

impl Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Every::Iterations(n) => write!(f, "{n}"),
            Every::Time(time) => write!(f, "{}s", time.as_secs_f64()),
        }
    }
}

impl FromStr for Every {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let every = match text.strip_suffix('s') {
            Some(seconds) => seconds.parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok()).map(Every::Time),
            None => text.parse().ok().map(Every::Iterations),
        };
        every
            .filter(|every| !matches!(every, Every::Iterations(0) | Every::Time(Duration::ZERO)))
            .ok_or_else(|| "expected iterations (50) or seconds (30s), above 0".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> CheckpointSettings {
        let training = TrainingSettings { learning_rate: 1.0, isa: Isa::Plain, ..TrainingSettings::default() };
        let run = RunSettings {
            iterations: 4,
            hidden: [10, 7].into(),
            activation: Activation::Tanh,
            seed: u32::MAX,
            init_scale: InitScale::Number(0.1 + 0.2),
            training,
            ..RunSettings::default()
        };
        CheckpointSettings { dataset: Name::Synthetic, run, ..CheckpointSettings::default() }
    }

    #[test]
    fn settings_read_back_from_their_names_with_the_same_bits() {
        let text = serde_json::to_string(&settings()).unwrap();
        assert_eq!(serde_json::from_str::<CheckpointSettings>(&text).unwrap(), settings());
        assert_eq!(of_names::<CheckpointSettings>(by_name(&settings())), settings());
        for name in ["batch_size", "hidden", "dataset", "threads", "isa", "checkpoint_every"] {
            assert!(by_name(&settings()).contains_key(name), "{text}");
        }
    }

    #[test]
    fn what_is_given_wins_where_it_may_and_all_else_is_the_runs() {
        let mut asked = settings();
        asked.run.iterations = 9;
        asked.run.threads = Some(3);
        asked.run.seed = 7;
        asked.checkpoint_every = Every::Iterations(5);
        let given = |names: &'static [&str]| move |name: &str| names.contains(&name);

        assert_eq!(settings().continued_with(&asked, given(&[])), Ok(settings()));
        let continued = settings().continued_with(&asked, given(&["iterations", "threads", "hidden"])).unwrap();
        assert_eq!((continued.run.iterations, continued.run.threads), (9, Some(3)));
        assert_eq!((continued.run.seed, continued.checkpoint_every), (u32::MAX, settings().checkpoint_every));

        let error = settings().continued_with(&asked, given(&["seed"])).unwrap_err();
        assert_eq!((&*error.name, &*error.asked, &*error.saved), ("seed", "7", "4294967295"));
        asked.run.iterations = 3;
        let error = settings().continued_with(&asked, given(&["iterations"])).unwrap_err();
        assert_eq!((&*error.name, error.on_resume), ("iterations", OnResume::MayGrow));
    }

    #[test]
    fn settings_of_versions_without_deeper_networks_are_read() {
        let mut older = by_name(&settings());
        older.insert("hidden".to_owned(), Value::from(10));
        older.remove("activation");
        let mut read: CheckpointSettings = of_names(older);
        assert_eq!((read.run.hidden.as_slice(), read.run.activation), (&[10][..], Activation::Sigmoid));
        (read.run.hidden, read.run.activation) = (settings().run.hidden, settings().run.activation);
        assert_eq!(read, settings());
    }

    #[test]
    fn the_layers_and_the_scale_are_told_as_the_flags_take_them() {
        let run = RunSettings { init_scale: InitScale::He, ..settings().run };
        let values: Vec<_> = CheckpointSettings { run, ..settings() }.values().collect();
        for (name, value) in [("hidden", "10,7"), ("activation", "tanh"), ("init_scale", "he")] {
            assert!(values.contains(&(name.to_owned(), value.to_owned())), "{values:?}");
        }
        let mut asked = settings();
        asked.run.hidden = 10.into();
        let error = settings().continued_with(&asked, |name| name == "hidden").unwrap_err();
        assert_eq!(error.to_string(), "hidden is 10, but the run has 10,7");
    }

    #[test]
    fn an_interval_is_iterations_or_seconds_and_reads_back() {
        for (text, every) in [
            ("50", Every::Iterations(50)),
            ("30s", Every::Time(Duration::from_secs(30))),
            ("0.5s", Every::Time(Duration::from_millis(500))),
        ] {
            assert_eq!(text.parse(), Ok(every));
            assert_eq!(every.to_string(), text);
        }
        for text in ["", "0", "-1", "0s", "-1s", "s", "nans", "infs", "1e300s", "1.5", "30 m", "99999999999999999999"] {
            assert!(text.parse::<Every>().is_err(), "{text:?}");
        }
    }
}
