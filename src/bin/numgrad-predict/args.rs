//! The command line: what can be asked for, and what contradicts itself. Nothing else of the program knows clap.
//!
//! A flag that is wrong in itself ends the program here with exit code 2.

use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};
use numgrad::cli::about::AboutArgs;
use numgrad::cli::data::{DataArgs, contradiction};
use numgrad::cli::number::whole;
use numgrad::cli::tips::with_tip;
use numgrad::dataset::Request;

/// Show what a trained network makes of handwritten digits.
///
/// Without --index and --image: of the whole test set. The accuracy, which digits it takes for which, and its worst mistakes.
#[derive(Debug, Parser)]
#[command(name = "numgrad-predict", version, max_term_width = 110)]
struct Args {
    /// The network: a model.npz of numgrad-train, the folder of a run, or what numpy.savez wrote from W1, b1, W2, b2, ...
    ///
    /// W1 (D, H), b1 (H,), W2 (H, K), b2 (K,) in float64 or float32. The network is softmax(sigmoid(x W1 + b1) W2 + b2), with
    /// pixels x from 0 to 1. Further layers, W3, b3 and so on, follow in the same way; softmax is of the last one. A string
    /// `activation` (sigmoid, relu or tanh) says what stands in place of the sigmoid.
    #[arg(short, long, value_name = "FILE|DIR", required_unless_present_any = ["completions", "man"])]
    model: Option<PathBuf>,

    /// Show one digit of the test set, counted from 0: the picture, the probability of each class, the label
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "image",
        value_parser = whole::<usize>(0..=u64::MAX),
        allow_negative_numbers = true,
        help_heading = "What to show"
    )]
    index: Option<usize>,

    /// Show a digit from a PNG or JPEG picture, dark on light or light on dark
    ///
    /// Of any size up to 4096 × 4096 pixels, in grey, colour, 16 bits or with transparency, and turned as the camera noted.
    /// The digit is told from shadows, the lines of ruled paper and a table's edge, scaled to fit 20 × 20 pixels and placed
    /// by its centre of mass in 28 × 28, as MNIST's digits are, so the network must take 784 inputs. A warning tells what
    /// makes it doubtful that the picture shows one digit: photograph it from above in even light, with some paper around.
    #[arg(long, value_name = "FILE", help_heading = "What to show")]
    image: Option<PathBuf>,

    /// Draw the N worst mistakes of the test set: those whose label seemed least probable
    #[arg(long, value_name = "N", default_value_t = 6, help_heading = "What to show")]
    #[arg(value_parser = whole::<usize>(0..=u64::MAX), allow_negative_numbers = true)]
    mistakes: usize,

    #[command(flatten)]
    data: DataArgs,

    /// Print one JSON object and nothing else on standard output
    ///
    /// All answers have `model` (the file), `network` ([D, H, K]: inputs, the units of each hidden layer, classes) and
    /// `activation`, and `class_names` where the classes have names.
    ///
    /// The test set: `dataset`, `accuracy` (0 to 1), `confusion` (K rows, one a label, of K numbers, one a class: how many
    /// samples with that label were taken for that class), and for each sample in order `labels`, `predictions` (classes),
    /// `probabilities` (of that class) and `label_probabilities`.
    ///
    /// One digit: `dataset` and `index`, or `image` and `warnings` (what makes it doubtful that the picture shows one digit);
    /// `label` (null for --image), `class` (the most probable), `probabilities` (K numbers), `pixels` (rows of the picture as
    /// the network sees it, 0 to 255).
    #[arg(long, help_heading = "Output")]
    json: bool,

    /// No progress on standard error; warnings and errors stay
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,

    #[command(flatten)]
    about: AboutArgs,
}

/// What was asked for.
#[derive(Debug)]
pub struct Options {
    pub model: PathBuf,
    pub subject: Subject,
    /// The data, but for the number of classes, which the model knows.
    pub data: Request,
    /// The file with the names of the classes, if one is asked for.
    pub class_names: Option<PathBuf>,
    pub n_mistakes: usize,
    pub json: bool,
    pub quiet: bool,
}

/// What the network is asked about.
#[derive(Debug)]
pub enum Subject {
    TestSet,
    /// One sample of the test set.
    Index(usize),
    /// A picture in a file.
    Image(PathBuf),
}

impl Options {
    /// The options of this process. Ends the program where they are wrong, and after `--help` and its like.
    pub fn from_command_line() -> Self {
        let matches = Args::command().try_get_matches().unwrap_or_else(|error| with_tip(error, tip).exit());
        let options = Args::from_arg_matches(&matches).and_then(|args| {
            args.about.print_if_asked(Args::command());
            args.resolve(&matches)
        });
        options.unwrap_or_else(|error| error.format(&mut Args::command()).exit())
    }
}

impl Args {
    fn resolve(self, matches: &ArgMatches) -> Result<Options, clap::Error> {
        let given = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
        let is_one_digit = self.index.is_some() || self.image.is_some();
        if is_one_digit && given(&"mistakes") {
            return contradiction(
                "--mistakes is about the whole test set; leave it out, or leave out --index or --image",
            );
        }
        if self.image.is_some() && ["dataset", "data_dir", "mirror", "transpose"].iter().any(given) {
            return contradiction(
                "--image needs no data set; leave out --dataset, --data-dir, --mirror and --transpose",
            );
        }
        if self.data.is_synthetic() {
            return contradiction(
                "--dataset synthetic has no test samples to predict, as its labels are drawn by chance",
            );
        }
        Ok(Options {
            model: self.model.expect("clap requires it where the flags are not what is asked for"),
            class_names: self.data.class_names(),
            data: self.data.request(Request::default().n_classes, matches)?,
            subject: match (self.index, self.image) {
                (_, Some(path)) => Subject::Image(path),
                (Some(index), None) => Subject::Index(index),
                (None, None) => Subject::TestSet,
            },
            n_mistakes: self.mistakes,
            json: self.json,
            quiet: self.quiet,
        })
    }
}

/// What was tried for what this program has a flag for.
fn tip(found: &str) -> Option<&'static str> {
    const PICTURES: [&str; 9] = ["png", "jpg", "jpeg", "gif", "bmp", "webp", "tif", "tiff", "heic"];
    let extension = Path::new(found).extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match found {
        flag if flag.starts_with('-') => None,
        _ if PICTURES.contains(&extension.as_str()) => Some("--image names a picture"),
        number if number.bytes().all(|byte| byte.is_ascii_digit()) => Some("--index names a digit of the test set"),
        _ => Some("--model names the network: a model.npz, or the folder of a run"),
    }
}
