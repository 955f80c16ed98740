//! Tables and a picture of what `cargo bench` measured, from the files that criterion leaves, into `results/benchmarks/`:
//! `scaling.csv`, `scaling.svg` and `README.md`.
//!
//! `cargo bench && cargo bench --bench report`
//!
//! A group that has a row called `serial` and rows called `threads/N` is one size of one mode. All other rows are listed as
//! they are. Criterion keeps what it once measured: remove `target/criterion` where older figures should not come in.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};
use numgrad::nn::simd::Isa;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use serde::{Deserialize, Serialize};

/// What one row of the suite measured.
struct Measured {
    group: String,
    function: String,
    n_threads: Option<usize>,
    /// What one run consists of: nominal loss evaluations, or changes of a hidden unit by an input.
    n_elements: Option<u64>,
    seconds: f64,
}

/// One row of `scaling.csv`.
#[derive(Serialize)]
struct Scaling {
    size: String,
    mode: String,
    /// A number, or `serial` for code without rayon.
    threads: String,
    seconds: f64,
    speed_up_over_serial: f64,
    /// The speed-up over the number of threads, or of cores where those are fewer.
    efficiency: f64,
    #[serde(skip)]
    n_threads: Option<usize>,
    #[serde(skip)]
    n_evaluations: u64,
}

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let mut rows = Vec::new();
    read_rows(&target.join("criterion"), &mut rows)?;
    if rows.is_empty() {
        bail!("{} holds no measurements: run `cargo bench` first", target.join("criterion").display());
    }
    rows.sort_by(|a, b| (&a.group, &a.function, a.n_threads).cmp(&(&b.group, &b.function, b.n_threads)));

    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (scaling, others) = split(rows, n_cores);
    let folder = root.join("results/benchmarks");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    write_csv(&folder.join("scaling.csv"), &scaling)?;
    write_svg(&folder.join("scaling.svg"), &scaling, n_cores)?;
    let readme = folder.join("README.md");
    fs::write(&readme, page(&scaling, &others, n_cores))
        .with_context(|| format!("cannot write {}", readme.display()))?;
    println!("{} rows in {}", scaling.len() + others.len(), folder.display());
    Ok(())
}

/// All rows below a folder of criterion's.
fn read_rows(folder: &Path, rows: &mut Vec<Measured>) -> Result<()> {
    #[derive(Deserialize)]
    struct Benchmark {
        group_id: String,
        function_id: Option<String>,
        value_str: Option<String>,
        throughput: Option<BTreeMap<String, u64>>,
    }
    #[derive(Deserialize)]
    struct Estimates {
        median: Estimate,
    }
    #[derive(Deserialize)]
    struct Estimate {
        point_estimate: f64,
    }
    fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T> {
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is not what criterion writes", path.display()))
    }

    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name == "new") && path.join("benchmark.json").is_file() {
            let benchmark: Benchmark = read(&path.join("benchmark.json"))?;
            let estimates: Estimates = read(&path.join("estimates.json"))?;
            let function = benchmark.function_id.unwrap_or_default();
            let n_threads = benchmark.value_str.as_ref().filter(|_| function == "threads").and_then(|n| n.parse().ok());
            rows.push(Measured {
                group: benchmark.group_id,
                function: match benchmark.value_str {
                    Some(value) if n_threads.is_none() => format!("{function} {value}"),
                    _ => function,
                },
                n_threads,
                n_elements: benchmark.throughput.and_then(|throughput| throughput.get("Elements").copied()),
                seconds: estimates.median.point_estimate * 1e-9,
            });
        } else if path.is_dir() {
            read_rows(&path, rows)?;
        }
    }
    Ok(())
}

/// The rows of groups with a serial row, the others.
fn split(rows: Vec<Measured>, n_cores: usize) -> (Vec<Scaling>, Vec<Measured>) {
    let is_serial = |row: &Measured| row.function == "serial" && row.n_elements.is_some();
    let serial: BTreeMap<String, f64> =
        rows.iter().filter(|row| is_serial(row)).map(|row| (row.group.clone(), row.seconds)).collect();
    let (mut scaling, mut others) = (Vec::new(), Vec::new());
    for row in rows {
        let (Some(&serial_s), Some(n_evaluations)) = (serial.get(&row.group), row.n_elements) else {
            others.push(row);
            continue;
        };
        if row.n_threads.is_none() && row.function != "serial" {
            others.push(row);
            continue;
        }
        // "incremental 784-50-10": the mode, then the size.
        let (mode, size) = row.group.rsplit_once(' ').unwrap_or((&row.group, ""));
        let speed_up_over_serial = serial_s / row.seconds;
        scaling.push(Scaling {
            size: size.to_owned(),
            mode: mode.to_owned(),
            threads: row.n_threads.map_or_else(|| row.function.clone(), |n| n.to_string()),
            seconds: row.seconds,
            speed_up_over_serial,
            efficiency: speed_up_over_serial / row.n_threads.unwrap_or(1).min(n_cores) as f64,
            n_threads: row.n_threads,
            n_evaluations,
        });
    }
    scaling.sort_by_key(|row| (row.mode.clone(), row.n_evaluations, row.n_threads));
    (scaling, others)
}

fn write_csv(path: &Path, scaling: &[Scaling]) -> Result<()> {
    let mut csv = csv::Writer::from_path(path).with_context(|| format!("cannot write {}", path.display()))?;
    scaling.iter().try_for_each(|row| csv.serialize(row))?;
    Ok(csv.flush()?)
}

fn page(scaling: &[Scaling], others: &[Measured], n_cores: usize) -> String {
    let mut page = format!(
        "# Benchmarks\n\n\
         Machine: {}, {n_cores} cores, {}. Command: `cargo bench && cargo bench --bench report`. Commit: {}. Date: {}.\n\n\
         Times are medians of one gradient. \"By algorithm\" is the time of `full`, serial, of the same size over this \
         mode's serial time; \"by cores\" is this mode's serial time (plain code without rayon) over this row's. \
         Efficiency is the latter over the number of threads, or of cores where those are fewer. Evaluations are \
         nominal: two a parameter.\n\n\
         | mode | size | threads | one gradient | evaluations a second | by algorithm | by cores | efficiency |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        machine(),
        Isa::best(),
        commit(),
        &jiff::Timestamp::now().to_string()[..10],
    );
    let serial = |mode: &str, size: &str| {
        scaling
            .iter()
            .find(|row| row.mode == mode && row.size == size && row.n_threads.is_none())
            .map(|row| row.seconds)
    };
    for row in scaling {
        let by_algorithm = match (serial("full", &row.size), serial(&row.mode, &row.size)) {
            (Some(full), Some(this)) => format!("{:.4}", Significant(full / this)),
            _ => "".to_owned(),
        };
        let evaluations_per_s = row.n_evaluations as f64 / row.seconds;
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {:.3e} | {by_algorithm} | {:.2} | {:.2} |",
            row.mode,
            row.size,
            row.threads,
            duration(row.seconds),
            evaluations_per_s,
            row.speed_up_over_serial,
            row.efficiency,
        );
    }
    page.push_str(&beside_other_crates(scaling, others));
    page.push_str(
        "\n![Speed-up by cores](scaling.svg)\n\n\
         The last column divides by the number of inputs that are not 0 times hidden units.\n\n\
         | other rows | | time | each |\n| --- | --- | ---: | ---: |\n",
    );
    for row in others.iter().filter(|row| !OTHER_CRATES.contains(&&*row.function)) {
        let n_threads = row.n_threads.map_or_else(String::new, |n| format!(" {n}"));
        let each = row.n_elements.map_or_else(String::new, |n| duration(row.seconds / n as f64));
        let _ = writeln!(page, "| {} | {}{n_threads} | {} | {each} |", row.group, row.function, duration(row.seconds));
    }
    page
}

/// What `benches/engine.rs` compares the engine with.
const OTHER_CRATES: [&str; 2] = ["finitediff", "numdiff"];

/// Serial code of this crate and of others on the same functions, and this crate's on as many threads as it was run with.
fn beside_other_crates(scaling: &[Scaling], others: &[Measured]) -> String {
    let other = |group: &str, name: &str| {
        others.iter().find(|row| row.group == group && row.function == name).map(|row| row.seconds)
    };
    let mut table = String::new();
    for serial in scaling.iter().filter(|row| row.n_threads.is_none()) {
        let group = format!("{} {}", serial.mode, serial.size);
        let [Some(finitediff), Some(numdiff)] = OTHER_CRATES.map(|name| other(&group, name)) else { continue };
        let of_this = |row: &&Scaling| (&row.mode, &row.size) == (&serial.mode, &serial.size);
        let most = scaling.iter().filter(of_this).max_by_key(|row| row.n_threads).unwrap_or(serial);
        let _ = writeln!(
            table,
            "| {group} | {} | {} | {} | {} | {:.2} | {} | {} | {:.2} |",
            duration(serial.seconds / serial.n_evaluations as f64),
            duration(serial.seconds),
            duration(finitediff),
            duration(numdiff),
            finitediff.min(numdiff) / serial.seconds,
            most.threads,
            duration(most.seconds),
            most.speed_up_over_serial,
        );
    }
    if table.is_empty() {
        return table;
    }
    format!(
        "\nCentral differences of the same functions by this crate and by the crates `finitediff` and `numdiff`, which are \
         serial (`benches/engine.rs`). \"Faster\" is the time of the quicker of those two over this crate's serial time.\n\n\
         | function | one evaluation | serial | finitediff | numdiff | faster | threads | parallel | by cores |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n{table}"
    )
}

/// A ratio with three digits that count: 1, 12.3, 5120.
struct Significant(f64);

impl std::fmt::Display for Significant {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let decimals = (2 - self.0.abs().log10().floor() as i32).clamp(0, 3) as usize;
        write!(f, "{:.decimals$}", self.0)
    }
}

/// With a unit and three digits that count.
fn duration(seconds: f64) -> String {
    let (unit, scale) = [("s", 1.0), ("ms", 1e3), ("us", 1e6)]
        .into_iter()
        .find(|(_, scale)| seconds * scale >= 1.0)
        .unwrap_or(("ns", 1e9));
    format!("{} {unit}", Significant(seconds * scale))
}

/// The processor, as the system calls it; `NUMGRAD_MACHINE` where that says too little.
fn machine() -> String {
    let processor = || {
        let text = fs::read_to_string("/proc/cpuinfo").ok()?;
        Some(text.lines().find(|line| line.starts_with("model name"))?.split_once(": ")?.1.to_owned())
    };
    std::env::var("NUMGRAD_MACHINE").ok().or_else(processor).unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// The commit at hand, and whether more than this report differs from it.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let changes = git(&["status", "--porcelain", "--untracked-files=no", "--", ".", ":!results/benchmarks"]);
    match (git(&["rev-parse", "--short", "HEAD"]), changes) {
        (Some(commit), Some(changes)) if changes.is_empty() => commit,
        (Some(commit), _) => format!("{commit} with changes"),
        (None, _) => "unknown".to_owned(),
    }
}

/// Speed-up by cores against threads, a line for each mode and size.
fn write_svg(path: &Path, scaling: &[Scaling], n_cores: usize) -> Result<()> {
    let mut lines: BTreeMap<(&str, u64), (String, Vec<(f64, f64)>)> = BTreeMap::new();
    for row in scaling {
        let Some(n_threads) = row.n_threads else { continue };
        let label = format!("{} {}", row.mode, row.size);
        let line = lines.entry((&row.mode, row.n_evaluations)).or_insert((label, Vec::new()));
        line.1.push((n_threads as f64, row.speed_up_over_serial));
    }
    let mut svg = String::new();
    draw_svg(&mut svg, lines.into_values(), n_cores)
        .map_err(|error| anyhow!("cannot draw {}: {error}", path.display()))?;
    fs::write(path, svg).with_context(|| format!("cannot write {}", path.display()))
}

fn draw_svg(
    svg: &mut String,
    lines: impl Iterator<Item = (String, Vec<(f64, f64)>)>,
    n_cores: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let lines: Vec<_> = lines.collect();
    let points = || lines.iter().flat_map(|(_, points)| points);
    let x_max = points().map(|p| p.0).fold(1.0, f64::max);
    let y_max = points().map(|p| p.1).fold(n_cores as f64, f64::max) * 1.05;
    let area = SVGBackend::with_string(svg, (1040, 540)).into_drawing_area();
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(790);
    let mut chart = ChartBuilder::on(&left)
        .caption(format!("Speed-up over serial code, {n_cores} cores"), ("sans-serif", 24))
        .margin(18)
        .x_label_area_size(52)
        .y_label_area_size(72)
        .build_cartesian_2d((1.0..x_max * 1.03).log_scale().base(2.0), 0.0..y_max)?;
    chart
        .configure_mesh()
        .x_desc("threads")
        .y_desc("times serial")
        .axis_desc_style(("sans-serif", 17))
        .label_style(("sans-serif", 15))
        .x_label_formatter(&|x| format!("{x:.0}"))
        .light_line_style(TRANSPARENT)
        .draw()?;
    // The lines' names stand beside the chart, from the top down.
    let mut y = 70;
    let mut name = |label: &str, style: ShapeStyle| {
        right.draw(&PathElement::new([(0, y), (24, y)], style))?;
        right.draw(&Text::new(
            label.to_owned(),
            (32, y),
            ("sans-serif", 15).into_font().into_text_style(&right).pos(Pos::new(HPos::Left, VPos::Center)),
        ))?;
        y += 24;
        Ok::<_, DrawingAreaErrorKind<_>>(())
    };
    // As many times as there are threads, and then as there are cores.
    let ideal = [1.0, n_cores as f64, x_max.max(n_cores as f64)].map(|n| (n, n.min(n_cores as f64)));
    let grey = RGBColor(150, 150, 150).stroke_width(1);
    chart.draw_series(LineSeries::new(ideal, grey))?;
    name("all cores, nothing lost", grey)?;
    for (i, (label, points)) in lines.iter().enumerate() {
        let colour = Palette99::pick(i).to_rgba();
        chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?;
        chart.draw_series(points.iter().map(|&point| Circle::new(point, 4, colour.filled())))?;
        name(label, colour.stroke_width(2))?;
    }
    area.present()?;
    Ok(())
}
