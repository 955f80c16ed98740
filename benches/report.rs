//! Tables and a picture of what `cargo bench` measured, from the files that criterion leaves, into `results/benchmarks/`: a page,
//! `.csv` and `.svg` named after the processor's instruction set, so that what another machine measured stays.
//!
//! `cargo bench && cargo bench --bench report`
//!
//! A group that has a row called `serial` and rows called `threads/N` is one size of one mode. All other rows are listed as
//! they are. Criterion keeps what it once measured: remove `target/criterion` where older figures should not come in.
//!
//! `cargo bench --bench report -- --redraw` draws the picture again from the table that is there, and measures nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use numgrad::nn::simd::Isa;
use numgrad::report::chart::{Axis, Chart, Level, Numbers, Series, Size, Stroke};
use numgrad::report::numbers::{duration, grouped, three_digits, with_unit};
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

/// One row of the `.csv`.
#[derive(Serialize, Deserialize)]
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
    n_evaluations: u64,
}

impl Scaling {
    /// None of code without rayon.
    fn n_threads(&self) -> Option<usize> {
        self.threads.parse().ok()
    }
}

/// One row that `benches/engine.rs` measured in turn with others.
#[derive(Deserialize)]
struct Handful {
    n: usize,
    row: String,
    seconds: f64,
}

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("results/benchmarks");
    let file = |extension: &str| folder.join(format!("{}.{extension}", Isa::best()));
    if std::env::args().any(|argument| argument == "--redraw") {
        return write_svg(&file("svg"), &read_csv(&file("csv"))?);
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let mut rows = Vec::new();
    read_rows(&target.join("criterion"), &mut rows)?;
    if rows.is_empty() {
        bail!("{} holds no measurements: run `cargo bench` first", target.join("criterion").display());
    }
    rows.sort_by(|a, b| (&a.group, &a.function, a.n_threads).cmp(&(&b.group, &b.function, b.n_threads)));

    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (scaling, others) = split(rows, n_cores);
    let handful = read_handful(&target.join("criterion/handful.csv"))?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    write_csv(&file("csv"), &scaling)?;
    write_svg(&file("svg"), &scaling)?;
    let written = file("md");
    fs::write(&written, page(&scaling, &others, &handful, n_cores))
        .with_context(|| format!("cannot write {}", written.display()))?;
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
            n_evaluations,
        });
    }
    scaling.sort_by_key(|row| (row.mode.clone(), row.n_evaluations, row.n_threads()));
    (scaling, others)
}

fn write_csv(path: &Path, scaling: &[Scaling]) -> Result<()> {
    let mut csv = csv::Writer::from_path(path).with_context(|| format!("cannot write {}", path.display()))?;
    scaling.iter().try_for_each(|row| csv.serialize(row))?;
    Ok(csv.flush()?)
}

fn read_csv(path: &Path) -> Result<Vec<Scaling>> {
    let mut csv = csv::Reader::from_path(path).with_context(|| format!("cannot read {}", path.display()))?;
    csv.deserialize().collect::<Result<_, _>>().with_context(|| format!("{} is not what this writes", path.display()))
}

/// None where the handful was not measured.
fn read_handful(path: &Path) -> Result<Vec<Handful>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut csv = csv::Reader::from_path(path).with_context(|| format!("cannot read {}", path.display()))?;
    csv.deserialize()
        .collect::<Result<_, _>>()
        .with_context(|| format!("{} is not what the bench writes", path.display()))
}

fn page(scaling: &[Scaling], others: &[Measured], handful: &[Handful], n_cores: usize) -> String {
    let isa = Isa::best();
    let mut page = format!(
        "# Benchmarks: {isa}\n\n\
         Machine: {}, {n_cores} cores, {isa}. Command: `cargo bench && cargo bench --bench report`. Commit: {}. Date: {}.\n\n\
         Times are medians of one gradient. \"By algorithm\" is the time of `full`, serial, of the same size over this \
         mode's serial time; \"by cores\" is this mode's serial time (plain code without rayon) over this row's. \
         Efficiency is the latter over the number of threads, or of cores where those are fewer. Evaluations are \
         nominal: two a parameter.\n\n\
         | mode | size | threads | one gradient | evaluations a second | by algorithm | by cores | efficiency |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        machine(),
        commit(),
        &jiff::Timestamp::now().to_string()[..10],
    );
    let serial = |mode: &str, size: &str| {
        scaling
            .iter()
            .find(|row| row.mode == mode && row.size == size && row.n_threads().is_none())
            .map(|row| row.seconds)
    };
    for row in scaling {
        let by_algorithm = match (serial("full", &row.size), serial(&row.mode, &row.size)) {
            (Some(full), Some(this)) => grouped(three_digits(full / this)),
            _ => String::new(),
        };
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {by_algorithm} | {:.2} | {:.2} |",
            row.mode,
            row.size,
            row.threads,
            duration(row.seconds),
            with_unit(row.n_evaluations as f64 / row.seconds),
            row.speed_up_over_serial,
            row.efficiency,
        );
    }
    page.push_str(&beside_other_crates(scaling, others));
    page.push_str(&of_a_handful(handful));
    let _ = write!(
        page,
        "\n![Speed-up by cores]({isa}.svg)\n\n\
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

/// Serial code of this crate and of others on the same functions, and this crate's on the most threads that it was run with.
fn beside_other_crates(scaling: &[Scaling], others: &[Measured]) -> String {
    let other = |group: &str, name: &str| {
        others.iter().find(|row| row.group == group && row.function == name).map(|row| row.seconds)
    };
    let mut table = String::new();
    for serial in scaling.iter().filter(|row| row.n_threads().is_none()) {
        let group = format!("{} {}", serial.mode, serial.size);
        let [Some(finitediff), Some(numdiff)] = OTHER_CRATES.map(|name| other(&group, name)) else { continue };
        let of_this = |row: &&Scaling| (&row.mode, &row.size) == (&serial.mode, &serial.size);
        let most = scaling.iter().filter(of_this).max_by_key(|row| row.n_threads()).unwrap_or(serial);
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

/// Gradients of a handful of parameters by this crate and by others, measured in turn.
fn of_a_handful(rows: &[Handful]) -> String {
    let sizes: BTreeSet<usize> = rows.iter().map(|row| row.n).collect();
    let mut table = String::new();
    for n in sizes {
        let seconds =
            |name: &str| rows.iter().find(|row| row.n == n && row.row == name).map_or(f64::NAN, |row| row.seconds);
        let [finitediff, numdiff] = OTHER_CRATES.map(seconds);
        let _ = write!(table, "| {n} | {} | {} |", duration(finitediff), duration(numdiff));
        for name in ["gradient_into", "gradient", "parallel"] {
            let _ = write!(table, " {} | {:.2} |", duration(seconds(name)), seconds(name) / finitediff.min(numdiff));
        }
        table.push('\n');
    }
    if table.is_empty() {
        return table;
    }
    format!(
        "\nA handful of parameters: Rosenbrock's function of n coordinates, given as a `Vec`. All rows of a size are measured in \
         turn, 50 us each, and the medians of 3,000 turns are shown (`cargo bench --bench engine -- handful`). `gradient_into` \
         writes into memory that is there, all others allocate what they return; `.parallel()` is called from outside a pool. \
         Each \"beside\" is the time to its left over that of the quicker of the other crates.\n\n\
         | n | finitediff | numdiff | gradient_into | beside | gradient | beside | .parallel() | beside |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n{table}"
    )
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

/// Speed-up by cores over threads, a curve for each mode and size.
fn write_svg(path: &Path, scaling: &[Scaling]) -> Result<()> {
    let threaded: Vec<(f64, &Scaling)> =
        scaling.iter().filter_map(|row| Some((row.n_threads()? as f64, row))).collect();
    // The efficiency is over the number of threads, or of cores where those are fewer.
    let n_busy = |row: &Scaling| (row.speed_up_over_serial / row.efficiency).round();
    let n_cores = threaded.iter().map(|(_, row)| n_busy(row)).fold(1.0, f64::max);
    let n_most = threaded.iter().map(|(n_threads, _)| *n_threads).fold(1.0, f64::max);
    let ideal = Series {
        name: "all cores, nothing lost".to_owned(),
        points: [1.0, n_cores, n_most].map(|n_threads| (n_threads, n_threads.min(n_cores))).to_vec(),
        colour: 0,
        stroke: Stroke::Guide,
    };
    let curves = threaded.chunk_by(|(_, a), (_, b)| (&a.mode, &a.size) == (&b.mode, &b.size));
    let curves = curves.enumerate().map(|(colour, rows)| Series {
        name: format!("{} {}", rows[0].1.mode, rows[0].1.size),
        points: rows.iter().map(|(n_threads, row)| (*n_threads, row.speed_up_over_serial)).collect(),
        colour,
        stroke: Stroke::Marked,
    });
    let chart = Chart {
        title: format!("Speed-up over serial code, {n_cores} cores"),
        x: Axis::doubling("threads"),
        y: Axis::linear("times as fast as serial code", Numbers::Decimal),
        series: [ideal].into_iter().chain(curves).collect(),
        levels: vec![Level { y: 1.0, label: "serial code".to_owned() }],
    };
    fs::write(path, chart.svg(Size { height: 540, ..Size::WIDE }))
        .with_context(|| format!("cannot write {}", path.display()))
}
