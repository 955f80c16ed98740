//! A line that fits the terminal.

/// A bar that is shorter tells nothing.
const MIN_BAR: usize = 10;

/// Words and a bar, each with a rank: where there is no room for everything, the highest ranks are left out.
pub struct Line {
    parts: Vec<(u32, String)>,
    bar: Option<(u32, f64)>,
}

impl Line {
    /// The parts in the order in which they are shown.
    pub fn new(parts: impl IntoIterator<Item = (u32, String)>) -> Self {
        Self { parts: parts.into_iter().collect(), bar: None }
    }

    /// Before the words a bar, which takes the room that they leave, of which `share` is done.
    pub fn with_bar(self, rank: u32, share: f64) -> Self {
        Self { bar: Some((rank, share)), ..self }
    }

    /// What fits into `width` characters; what has rank 0 is there in any case.
    pub fn fitted(&self, width: usize) -> String {
        let ranks = self.parts.iter().map(|(rank, _)| *rank).chain(self.bar.map(|(rank, _)| rank));
        let fitting = (0..=ranks.max().unwrap_or(0)).rev().find_map(|last| {
            let text = self.words(last);
            match self.bar {
                Some((rank, share)) if rank <= last => with_bar(&text, share, width),
                _ => (text.chars().count() <= width).then_some(text),
            }
        });
        fitting.unwrap_or_else(|| self.words(0))
    }

    /// The parts up to a rank.
    fn words(&self, last: u32) -> String {
        let kept = self.parts.iter().filter(|(rank, _)| *rank <= last).map(|(_, part)| part.as_str());
        kept.collect::<Vec<_>>().join("  ")
    }
}

/// A bar and a text, if there is room for both.
fn with_bar(text: &str, share: f64, width: usize) -> Option<String> {
    let inside = width.checked_sub(text.chars().count() + 3).filter(|inside| *inside >= MIN_BAR)?;
    let n_done = ((share * inside as f64) as usize).min(inside);
    let head = if n_done < inside { ">" } else { "" };
    Some(format!("[{:<inside$}] {text}", "=".repeat(n_done) + head))
}

/// Seconds as 0:05, 12:34 or 1:02:03; `-:--` where they are not known.
pub fn clock(seconds: f64) -> String {
    if !(0.0..1e12).contains(&seconds) {
        return "-:--".to_owned();
    }
    let seconds = seconds.round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 { format!("{minutes}:{seconds:02}") } else { format!("{hours}:{minutes:02}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_a_clock_shows_them() {
        let shown = [0.0, 5.4, 59.6, 754.0, 3723.0, 360_000.0, f64::INFINITY, f64::NAN, -1.0].map(clock);
        assert_eq!(shown, ["0:00", "0:05", "1:00", "12:34", "1:02:03", "100:00:00", "-:--", "-:--", "-:--"]);
    }

    #[test]
    fn the_highest_ranks_are_left_out_first_and_the_bar_takes_the_room_that_is_left() {
        let line = Line::new([(1, "a name".to_owned()), (0, "1/4".to_owned()), (3, "fast".to_owned())]);
        let line = line.with_bar(2, 0.25);
        for (width, expected) in [
            (31, "[==>        ] a name  1/4  fast"),
            (29, "[===>           ] a name  1/4"),
            (24, "[==>       ] a name  1/4"),
            (23, "a name  1/4"),
            (11, "a name  1/4"),
            (10, "1/4"),
            (3, "1/4"),
            (0, "1/4"),
        ] {
            assert_eq!(line.fitted(width), expected, "{width}");
        }
    }

    #[test]
    fn a_bar_begins_empty_and_ends_full_whatever_the_share() {
        let bar = |share| Line::new([(0, "x".to_owned())]).with_bar(1, share).fitted(14);
        for (share, expected) in [
            (-1.0, "[>         ] x"),
            (f64::NAN, "[>         ] x"),
            (0.0, "[>         ] x"),
            (0.95, "[=========>] x"),
            (1.0, "[==========] x"),
            (7.0, "[==========] x"),
        ] {
            assert_eq!(bar(share), expected, "{share}");
        }
    }
}
