//! The table of fits: `kobai fit` beside other programs on the same data, in one run. How to use it stands in the README.md
//! of this folder.

use clap::Parser;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Measures `kobai fit` beside SciPy and scikit-learn.
#[derive(Parser)]
struct Options {
    /// Only rows whose names contain one of these, separated by commas
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The Python environment of the peers
    #[arg(long, value_name = "FOLDER", default_value = "/tmp/peers")]
    peers: PathBuf,
    /// How often each side runs, in turns; medians count. The large table is fitted once
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Where the large tables lie, once made
    #[arg(long, default_value = "target/fit")]
    tables: PathBuf,
    /// Where the table is written; by default it is only printed
    #[arg(long, value_name = "FILE.md")]
    out: Option<PathBuf>,
    /// Passed on by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

/// A row: what is fitted, by whom, and the goal as the peer's time by ours.
struct Row {
    name: &'static str,
    peer: &'static str,
    /// The document, the table, and further options of `kobai fit`.
    fit: &'static [&'static str],
    table: Table,
    goal: f64,
    /// How far the two losses may lie apart; none where the paths differ and only the end is alike.
    agreement: Option<f64>,
}

/// The table of a row.
enum Table {
    /// One of the lessons'.
    Lesson(&'static str),
    /// A Parquet file of so many rows of 100 features.
    Made(usize),
}

const SOFTMAX: &str = "kobai-cli/benches/fit/formulas/softmax-regression.md";

const ROWS: &[Row] = &[
    Row {
        name: "digits, no penalty, largest derivative 1e-5, 1 thread",
        peer: "scipy-digits",
        fit: &[SOFTMAX, "--bind", "x=pixel_* scaled by 1/16", "--bind", "t=onehot(label)", "--split", "0"],
        table: Table::Lesson("data/digits.csv"),
        goal: 3.0,
        agreement: None,
    },
    Row {
        name: "digits, C = 1, to the optimum, 1 thread",
        peer: "sklearn-digits",
        fit: &["book/softmax-regression.md", "--bind", "lambda=1/1797", "--split", "0"],
        table: Table::Lesson("data/digits.csv"),
        goal: 4.0,
        agreement: Some(1e-9),
    },
    Row {
        name: "breast cancer, C = 1, 1 thread",
        peer: "sklearn-cancer",
        fit: &["book/logistic-regression.md", "--bind", "lambda=1/569", "--split", "0"],
        table: Table::Lesson("data/breast-cancer.csv"),
        goal: 1.0,
        agreement: Some(1e-9),
    },
    Row {
        name: "10⁶ × 100, 10 classes, Parquet, 20 iterations, within 700 MiB",
        peer: "sklearn-large",
        fit: &[SOFTMAX, "--bind", "x=x_*", "--bind", "t=onehot(label)", "--split", "0", "--memory", "700MiB"],
        table: Table::Made(1_000_000),
        goal: 3.0,
        agreement: None,
    },
    Row {
        name: "5 · 10⁶ × 100 (4 GB of numbers), Parquet, 5 iterations, within 512 MiB",
        peer: "",
        fit: &[SOFTMAX, "--bind", "x=x_*", "--bind", "t=onehot(label)", "--split", "0", "--memory", "512MiB"],
        table: Table::Made(5_000_000),
        goal: f64::NAN,
        agreement: None,
    },
];

/// What a run came to.
struct Found {
    seconds: f64,
    loss: f64,
    evaluations: u64,
    peak_mib: f64,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if !options.bench {
        println!("nothing is measured in a test: run `cargo bench -p kobai-cli --bench fit`");
        return ExitCode::SUCCESS;
    }
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::env::set_current_dir(&root).map_err(|error| error.to_string())?;
    let mut lines = vec![
        "| fit | ours | peer | peer ÷ ours | goal | loss, ours and peer's | evaluations | peak memory |".to_owned(),
        "|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    let chosen =
        |row: &&Row| options.only.is_empty() || options.only.iter().any(|part| row.name.contains(part.as_str()));
    for row in ROWS.iter().filter(chosen) {
        eprintln!("{}", row.name);
        lines.push(measured(row, options)?);
        println!("{}", lines.join("\n"));
        if let Some(out) = &options.out {
            std::fs::write(out, lines.join("\n") + "\n").map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

/// A line of the table.
fn measured(row: &Row, options: &Options) -> Result<String, String> {
    let (table, rounds, threads) = match row.table {
        Table::Lesson(path) => (PathBuf::from(path), options.rounds, 1),
        Table::Made(rows) => (made(rows, options)?, 1, 2),
    };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    if matches!(row.table, Table::Made(_)) {
        // Neither side reads from the disk what the other then finds in memory.
        read_once(&table).map_err(|error| format!("{}: {error}", table.display()))?;
    }
    for _ in 0..rounds {
        ours.push(kobai(row, &table, threads)?);
        if !row.peer.is_empty() {
            theirs.push(peer(row, &table, options)?);
        }
    }
    let own = median(ours).ok_or("nothing was measured")?;
    let [seconds, goal, losses, counts, peaks] = match median(theirs) {
        None => [
            "–".into(),
            "–".into(),
            format!("{:.10}", own.loss),
            own.evaluations.to_string(),
            format!("{:.0} MiB", own.peak_mib),
        ],
        Some(peer) => {
            let apart = (own.loss - peer.loss).abs();
            if row.agreement.is_some_and(|agreement| apart > agreement) {
                return Err(format!("{}: the losses are {apart:.1e} apart: {} and {}", row.name, own.loss, peer.loss));
            }
            [
                format!("{} | {:.2}", time(peer.seconds), peer.seconds / own.seconds),
                format!("{}", row.goal),
                format!("{:.10}, {:.10}", own.loss, peer.loss),
                format!("{}, {}", own.evaluations, peer.evaluations),
                format!("{:.0}, {:.0} MiB", own.peak_mib, peer.peak_mib),
            ]
        }
    };
    let seconds = if seconds == "–" { "– | –".to_owned() } else { seconds };
    Ok(format!("| {} | {} | {seconds} | {goal} | {losses} | {counts} | {peaks} |", row.name, time(own.seconds)))
}

fn read_once(table: &Path) -> std::io::Result<u64> {
    std::io::copy(&mut std::fs::File::open(table)?, &mut std::io::sink())
}

fn time(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
}

/// The run of the median time.
fn median(mut found: Vec<Found>) -> Option<Found> {
    found.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    let middle = found.len() / 2;
    (!found.is_empty()).then(|| found.swap_remove(middle))
}

/// Runs `kobai fit`. Compiling counts; the reading of a small table does not, as the peer is given arrays; that of a large
/// one does on both sides.
fn kobai(row: &Row, table: &Path, threads: usize) -> Result<Found, String> {
    // The largest derivative at which the peers end too.
    let tolerance: &[&str] = match row.table {
        Table::Lesson(_) if row.agreement.is_none() => &["--tolerance", "0", "--max-gradient", "1e-5"],
        Table::Lesson(_) => &["--tolerance", "0", "--max-gradient", "1e-7"],
        Table::Made(1_000_000) => &["--iterations", "20", "--tolerance", "1e-12"],
        Table::Made(_) => &["--iterations", "5", "--tolerance", "1e-12"],
    };
    let output = Command::new(env!("CARGO_BIN_EXE_kobai"))
        .arg("fit")
        .args(row.fit)
        .arg("--data")
        .arg(table)
        .args(tolerance)
        .arg("--json")
        .env("RAYON_NUM_THREADS", threads.to_string())
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let found: Value = serde_json::from_str(last).map_err(|error| format!("{error}: {last}"))?;
    let seconds = |name: &str| found["seconds"][name].as_f64().unwrap_or(f64::NAN);
    let reading = if matches!(row.table, Table::Made(_)) { seconds("reading") } else { 0.0 };
    Ok(Found {
        seconds: reading + seconds("compiling") + seconds("training"),
        loss: found["loss"].as_f64().unwrap_or(f64::NAN),
        evaluations: found["evaluations"].as_u64().unwrap_or(0),
        peak_mib: found["peak_bytes"].as_f64().unwrap_or(f64::NAN) / 1_048_576.0,
    })
}

/// Runs a peer at the settings of OpenBLAS, and takes the fastest.
fn peer(row: &Row, table: &Path, options: &Options) -> Result<Found, String> {
    let threads: &[&str] = if matches!(row.table, Table::Made(_)) { &["1", "2"] } else { &["1"] };
    let mut best: Option<Found> = None;
    for (number, core) in threads.iter().flat_map(|number| [(number, ""), (number, widest_core())]) {
        let mut command = python(options);
        command.args([row.peer]).arg(table).arg("1").env("OPENBLAS_NUM_THREADS", number);
        if !core.is_empty() {
            command.env("OPENBLAS_CORETYPE", core);
        }
        let output = command.output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().last().ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        let found: Value = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
        let number = |name: &str| found[name].as_f64().unwrap_or(f64::NAN);
        let evaluations = found["evaluations"].as_u64().unwrap_or(0);
        let own = Found { seconds: number("seconds"), loss: number("loss"), evaluations, peak_mib: number("peak_mib") };
        if best.as_ref().is_none_or(|best| own.seconds < best.seconds) {
            best = Some(own);
        }
    }
    best.ok_or_else(|| "the peer did not run".to_owned())
}

/// The name that OpenBLAS has for processors with the vectors that this one has; it may not find it by itself.
fn widest_core() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") { "SkylakeX" } else { "Haswell" }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        ""
    }
}

fn python(options: &Options) -> Command {
    let mut command = Command::new(options.peers.join("bin/python"));
    command.arg("kobai-cli/benches/fit/peers.py");
    command
}

/// The file of a large table, which is made once.
fn made(rows: usize, options: &Options) -> Result<PathBuf, String> {
    let path = options.tables.join(format!("{rows}.parquet"));
    if !path.exists() {
        std::fs::create_dir_all(&options.tables).map_err(|error| error.to_string())?;
        let partial = options.tables.join("partial.parquet");
        let status = python(options).arg("make").arg(&partial).arg(rows.to_string()).status();
        match status {
            Ok(status) if status.success() => std::fs::rename(&partial, &path).map_err(|error| error.to_string())?,
            Ok(status) => return Err(format!("the table could not be made: {status}")),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(path)
}
