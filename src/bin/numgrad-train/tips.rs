//! What other programs call their flags, and what is meant by it here.

/// What was tried for what this program has another flag for.
pub fn tip(found: &str) -> Option<&'static str> {
    match found {
        "--epochs" | "--epoch" => {
            Some("--iterations counts batches: with 60,000 samples in batches of 100, 600 of them are an epoch")
        }
        "--lr" | "--alpha" | "--eta" => Some("--learning-rate multiplies the gradient"),
        "--steps" => Some("--iterations says how many updates are made; --step is the h of the differences"),
        "--h" => Some("--step is the h of the differences"),
        "--jobs" | "--workers" | "--cores" | "-j" => Some("--threads says on how many threads the work is done"),
        "--language" | "--locale" => Some("--lang says in which language the page is: en or ja"),
        "--plot" | "--show" => Some("--open shows the report in the browser"),
        "--model" => Some("--resume continues a run; numgrad-predict shows what a trained network makes of digits"),
        flag if flag.starts_with('-') => None,
        model if model.to_lowercase().ends_with(".npz") => Some(
            "numgrad-predict --model shows what a network makes of digits; --resume names the folder of a run to continue",
        ),
        number if number.starts_with(|c: char| c.is_ascii_digit()) => {
            Some("--iterations says how many updates are made")
        }
        _ => Some("--data-dir names the folder of the data, --out that of the run, --resume that of a run to continue"),
    }
}
