//! The loss curve as a picture, drawn from the log.

use std::io::Write;
use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::csv_log;
use crate::whole_file::write_whole;

const SIZE: (u32, u32) = (960, 540);

/// Longer curves are drawn by the lowest and highest loss of each of so many stretches, which looks the same and keeps
/// the file small.
const MAX_STRETCHES: u64 = 1500;

const CURVE: RGBColor = RGBColor(31, 95, 170);
const CHANCE: RGBColor = RGBColor(190, 80, 20);
const GRID: RGBColor = RGBColor(225, 225, 225);

/// Draws `log`, of a run of `n_iterations`, into the SVG file `path`.
pub fn draw(log: &Path, path: &Path, n_iterations: u64, title: &str, n_classes: usize) -> Result<()> {
    let points = read_curve(log, n_iterations)?;
    let mut svg = String::new();
    draw_svg(&mut svg, &points, title, n_classes)
        .map_err(|error| anyhow!("cannot draw {}: {error}", path.display()))?;
    write_whole(path, |file| Ok(file.write_all(svg.as_bytes())?))
}

/// Iterations and losses, in order.
fn read_curve(log: &Path, n_iterations: u64) -> Result<Vec<(u64, f64)>> {
    let stretch_len = n_iterations.div_ceil(MAX_STRETCHES).max(1);
    let mut points = Vec::new();
    // The lowest and the highest point of the stretch at hand.
    let mut extremes: Option<[(u64, f64); 2]> = None;
    for record in csv_log::read(log)? {
        let record = record?;
        let point = (record.iteration, record.loss);
        match &mut extremes {
            Some([lowest, highest]) => {
                if point.1 < lowest.1 {
                    *lowest = point;
                }
                if point.1 > highest.1 {
                    *highest = point;
                }
            }
            None => extremes = Some([point; 2]),
        }
        if record.iteration % stretch_len == 0 || record.iteration == n_iterations {
            points.extend(extremes.take().into_iter().flat_map(in_order));
        }
    }
    points.extend(extremes.into_iter().flat_map(in_order));
    points.dedup();
    Ok(points)
}

fn in_order([a, b]: [(u64, f64); 2]) -> [(u64, f64); 2] {
    if a.0 <= b.0 { [a, b] } else { [b, a] }
}

fn draw_svg(
    svg: &mut String,
    points: &[(u64, f64)],
    title: &str,
    n_classes: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let chance = (n_classes as f64).ln();
    let (first, last) = (points.first().map_or(1, |p| p.0), points.last().map_or(1, |p| p.0));
    // A curve of one iteration is a point in the middle.
    let (x_min, x_max) = if first == last { (first - 1, last + 1) } else { (first, last) };
    let (y_min, y_max) = y_range(points, chance);

    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 24).into_font().color(&BLACK))
        .margin(18)
        .x_label_area_size(52)
        .y_label_area_size(72)
        .build_cartesian_2d(x_min..x_max, y_min..y_max)?;
    chart
        .configure_mesh()
        .x_desc("iteration")
        .y_desc("loss (mean cross-entropy of the batch)")
        .axis_desc_style(("sans-serif", 17))
        .label_style(("sans-serif", 15))
        .y_label_formatter(&y_label(y_max - y_min))
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .draw()?;
    chart.draw_series(LineSeries::new([(x_min, chance), (x_max, chance)], CHANCE.stroke_width(1)))?;
    let label_style = ("sans-serif", 15).into_font().color(&CHANCE).pos(Pos::new(HPos::Right, VPos::Bottom));
    let label = format!("chance: ln {n_classes} = {chance:.4}");
    chart.draw_series([Text::new(label, (x_max, chance), label_style)])?;
    chart.draw_series(LineSeries::new(points.iter().copied(), CURVE.stroke_width(2)))?;
    if points.len() <= 50 {
        chart.draw_series(points.iter().map(|&point| Circle::new(point, 3, CURVE.filled())))?;
    }
    area.present()?;
    Ok(())
}

/// Holds every point and the line of chance, with a margin; never empty.
fn y_range(points: &[(u64, f64)], chance: f64) -> (f64, f64) {
    let (mut low, mut high) = (chance, chance);
    for &(_, loss) in points {
        low = low.min(loss);
        high = high.max(loss);
    }
    let margin = (0.06 * (high - low)).max(0.01);
    // A loss is not negative, but for the rounding of the 1e-7 in it.
    ((low - margin).max(0.0), high + margin)
}

/// As many decimals as tell neighbouring lines of the grid apart.
fn y_label(height: f64) -> impl Fn(&f64) -> String {
    let decimals = (1.0 - height.log10().floor()).clamp(1.0, 4.0) as usize;
    move |y| format!("{y:.decimals$}")
}

#[cfg(test)]
mod tests {
    use numgrad::train::Record;

    use super::*;
    use crate::csv_log::CsvLog;

    /// The picture of a log with these losses.
    fn picture(losses: impl ExactSizeIterator<Item = f64>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let (csv, svg) = (folder.path().join("loss.csv"), folder.path().join("loss.svg"));
        let n = losses.len() as u64;
        let mut log = CsvLog::create(csv.clone()).unwrap();
        for (iteration, loss) in (1..).zip(losses) {
            let (elapsed_s, gradient_s, gradient_norm) = (1.0, 1.0, 1.0);
            let (train_accuracy, test_accuracy) = (None, None);
            let n_evaluations = iteration;
            log.write(&Record {
                iteration,
                loss,
                elapsed_s,
                gradient_s,
                n_evaluations,
                gradient_norm,
                train_accuracy,
                test_accuracy,
            })
            .unwrap();
        }
        draw(&csv, &svg, n, "Training loss", 10).unwrap();
        let svg = std::fs::read_to_string(svg).unwrap();
        assert!(svg.contains("ln 10 = 2.3026") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        svg
    }

    #[test]
    fn one_iteration_none_and_equal_losses_make_a_picture() {
        assert!(picture([2.25].into_iter()).contains("<circle"));
        picture([].into_iter());
        picture([2.0; 100].into_iter());
        picture([10f64.ln(); 2].into_iter());
        picture([0.0, 16.1].into_iter());
    }

    #[test]
    fn a_long_curve_stays_small_and_keeps_its_lowest_and_highest_loss() {
        let n = 20_000;
        let svg = picture((0..n).map(|i| 2.0 + 0.3 * ((i * 7919 % 1000) as f64 / 1000.0 - 0.5)));
        assert!(svg.len() < 100_000, "{} bytes", svg.len());

        let mut losses = vec![2.0; 10_000];
        (losses[4321], losses[8765]) = (0.5, 5.0);
        let points = {
            let folder = tempfile::tempdir().unwrap();
            let csv = folder.path().join("loss.csv");
            let rows = losses.iter().zip(1..).map(|(loss, i)| format!("{i},{loss},1.0,1.0,1,1.0,,\n"));
            let header =
                "iteration,loss,elapsed_s,gradient_s,n_evaluations,gradient_norm,train_accuracy,test_accuracy\n";
            std::fs::write(&csv, header.to_owned() + &rows.collect::<String>()).unwrap();
            read_curve(&csv, 10_000).unwrap()
        };
        assert!(points.len() < 4000 && points.is_sorted_by(|a, b| a.0 < b.0));
        assert!(points.contains(&(4322, 0.5)) && points.contains(&(8766, 5.0)));
    }
}
