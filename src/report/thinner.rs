//! Curves of any length, reduced to the points that a picture can show.

/// The first and the last point of a curve, and the lowest and the highest of each of `n` equal stretches from `from` to
/// `to`. They look the same as all points, and take little room. A curve of at most 2n points stays as it is.
pub fn thinned(points: &[(f64, f64)], n: usize, from: f64, to: f64) -> Vec<(f64, f64)> {
    if points.len() <= 2 * n {
        return points.to_vec();
    }
    let mut thin = Thinner::new(n, from, to);
    points.iter().for_each(|&point| thin.push(point, point));
    thin.finish()
}

/// Thins a curve while its points arrive, in memory that does not grow with them.
#[derive(Debug, Clone)]
pub struct Thinner<T> {
    from: f64,
    stretches_per_unit: f64,
    current: Option<Stretch<T>>,
    /// The last point that was pushed: where it lies, and what is kept of it.
    newest: Option<(f64, T)>,
    /// What is kept of the points before the current stretch, in order.
    points: Vec<T>,
    /// Where the last of the kept points lies.
    kept_to: f64,
}

/// The lowest and the highest of some points next to each other: where each lies, and what is kept of it.
#[derive(Debug, Clone)]
struct Stretch<T> {
    number: u64,
    lowest: (f64, f64, T),
    highest: (f64, f64, T),
}

impl<T: Copy> Thinner<T> {
    /// A thinner of a curve from x = `from` to x = `to`, in `n` stretches.
    pub fn new(n: usize, from: f64, to: f64) -> Self {
        let length = to - from;
        let stretches_per_unit = if length > 0.0 { n as f64 / length } else { 0.0 };
        let (points, kept_to) = (Vec::new(), f64::NEG_INFINITY);
        Self { from, stretches_per_unit, current: None, newest: None, points, kept_to }
    }

    /// Takes the next point along x, with what is to be kept where the point is.
    pub fn push(&mut self, (x, y): (f64, f64), kept: T) {
        if self.newest.replace((x, kept)).is_none() {
            self.keep(x, kept);
        }
        let number = ((x - self.from) * self.stretches_per_unit) as u64;
        match &mut self.current {
            Some(stretch) if stretch.number == number => {
                if y < stretch.lowest.1 {
                    stretch.lowest = (x, y, kept);
                }
                if y > stretch.highest.1 {
                    stretch.highest = (x, y, kept);
                }
            }
            current => {
                let done = current.replace(Stretch { number, lowest: (x, y, kept), highest: (x, y, kept) });
                self.keep_stretch(done);
            }
        }
    }

    /// What is kept of the first and the last point, and of the lowest and the highest of each stretch, in order.
    pub fn finish(mut self) -> Vec<T> {
        let last = self.current.take();
        self.keep_stretch(last);
        if let Some((x, kept)) = self.newest {
            self.keep(x, kept);
        }
        self.points
    }

    fn keep_stretch(&mut self, stretch: Option<Stretch<T>>) {
        let Some(Stretch { lowest, highest, .. }) = stretch else { return };
        let (first, second) = if lowest.0 <= highest.0 { (lowest, highest) } else { (highest, lowest) };
        self.keep(first.0, first.2);
        self.keep(second.0, second.2);
    }

    /// Keeps what belongs to the point at `x`, unless it is kept already.
    fn keep(&mut self, x: f64, kept: T) {
        if x > self.kept_to {
            self.points.push(kept);
            self.kept_to = x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_keeps_its_ends_and_its_lowest_and_highest_point() {
        let mut points: Vec<_> = (1..=10_000).map(|i| (f64::from(i), 2.0)).collect();
        (points[4321].1, points[8765].1) = (0.5, 5.0);
        let thin = thinned(&points, 1000, 1.0, 10_000.0);
        assert!(thin.len() <= 2002 && thin.is_sorted_by(|a, b| a.0 < b.0), "{}", thin.len());
        assert!(thin.contains(&(4322.0, 0.5)) && thin.contains(&(8766.0, 5.0)));
        // Both ends, though neither is the lowest or the highest of its stretch.
        (points[0].1, points[9999].1) = (1.5, 1.5);
        (points[1].1, points[2].1, points[9998].1, points[9997].1) = (1.0, 3.0, 1.0, 3.0);
        let thin = thinned(&points, 1000, 1.0, 10_000.0);
        assert_eq!((thin[0], *thin.last().unwrap()), ((1.0, 1.5), (10_000.0, 1.5)));
    }

    #[test]
    fn a_short_curve_is_not_thinned() {
        let points: Vec<_> = (0..100).map(|i| (f64::from(i), f64::from(i % 7))).collect();
        assert_eq!(thinned(&points, 50, 0.0, 99.0), points);
    }
}
