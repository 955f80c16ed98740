//! What is shown on standard error while files arrive.

use crate::dataset::download::Observer;
use crate::report::numbers::three_digits;

use super::progress::{Count, Counted, Line, clock};

/// Shows files as they arrive, one at a time: a bar on a terminal, a line elsewhere.
pub struct Downloads {
    quiet: bool,
    arriving: Option<Counted>,
}

impl Downloads {
    pub fn new(quiet: bool) -> Self {
        Self { quiet, arriving: None }
    }
}

impl Observer for Downloads {
    fn started(&mut self, name: &str, n_bytes: Option<u64>) {
        // What an attempt before has drawn goes before this one draws.
        self.arriving = None;
        let file = name.to_owned();
        let line = move |now: &Count| line(&file, now);
        self.arriving = Some(Counted::start(self.quiet, &format!("Downloading {name}"), n_bytes, line));
    }

    fn advanced(&mut self, n_bytes: u64) {
        self.arriving.iter().for_each(|file| file.advance(n_bytes));
    }

    fn finished(&mut self) {
        self.arriving = None;
    }
}

fn line(name: &str, now: &Count) -> Line {
    let (name, done, rate) = (name.to_owned(), bytes(now.n_done as f64), format!("{}/s", bytes(now.rate)));
    match now.n_total {
        Some(n_total) => {
            let (done, left) = (format!("{done}/{}", bytes(n_total as f64)), format!("{} left", clock(now.left_s())));
            Line::new([(1, name), (0, done), (4, rate), (2, left)]).with_bar(3, now.share())
        }
        None => Line::new([(1, name), (0, done), (2, rate)]),
    }
}

/// How many bytes, in about three digits: 812 B, 9.45 MiB.
fn bytes(n: f64) -> String {
    let units = [((1_u64 << 30) as f64, "GiB"), ((1_u64 << 20) as f64, "MiB"), ((1_u64 << 10) as f64, "KiB")];
    match units.iter().find(|(size, _)| n >= *size) {
        Some((size, unit)) => format!("{} {unit}", three_digits(n / size)),
        None => format!("{n:.0} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_shown_in_about_three_digits() {
        let shown = [0.0, 812.4, 1023.0, 1024.0, 29_515.0, 9_912_422.0, 4.5e9].map(bytes);
        assert_eq!(shown, ["0 B", "812 B", "1023 B", "1.00 KiB", "28.8 KiB", "9.45 MiB", "4.19 GiB"]);
    }

    #[test]
    fn a_file_has_a_bar_where_its_length_is_known() {
        let now = |n_total| Count { n_done: 5 << 20, n_total, rate: 1.5e6 };
        let known = line("train-images-idx3-ubyte", &now(Some(10 << 20)));
        assert_eq!(
            known.fitted(100),
            "[================>               ] train-images-idx3-ubyte  5.00 MiB/10.0 MiB  1.43 MiB/s  0:03 left"
        );
        assert_eq!(known.fitted(60), "train-images-idx3-ubyte  5.00 MiB/10.0 MiB  0:03 left");
        assert_eq!(known.fitted(30), "5.00 MiB/10.0 MiB");
        assert_eq!(line("labels", &now(None)).fitted(100), "labels  5.00 MiB  1.43 MiB/s");
    }
}
