//! The table of goals: our losses beside a peer's, on the same inputs, in one run. How to use it stands in the README.md
//! of this folder.

mod measure;
mod report;
mod rows;

use clap::Parser;
use measure::{Found, Setting};
use rows::{ROWS, Row};
use std::path::PathBuf;
use std::process::ExitCode;

/// Measures Kobai on the losses of the table, beside a peer on the same inputs.
#[derive(Parser)]
struct Options {
    /// Only rows whose names contain one of these, separated by commas
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The Python environment of the peer; without it, Kobai alone is measured
    #[arg(long, value_name = "FOLDER")]
    peers: Option<PathBuf>,
    /// The script that runs a peer on a workload
    #[arg(long, default_value = "../shared/peers/peers.py")]
    peers_script: PathBuf,
    /// The peers, separated by commas; the fastest on a row counts
    #[arg(long, default_value = "jax", value_delimiter = ',')]
    peer: Vec<String>,
    /// How long each measurement takes
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// How often each row is measured, Kobai and the peer in turns; the best median counts
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// Where inputs that a peer has made are kept, so that later runs without the peer have them too
    #[arg(long, default_value = "target/goals")]
    inputs: PathBuf,
    /// Where the table is written, after every row; by default it is only printed
    #[arg(long, value_name = "FILE.md")]
    out: Option<PathBuf>,
    /// Passed on by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if !options.bench {
        println!("nothing is measured in a test: run `cargo bench -p kobai-cli --bench goals`");
        return ExitCode::SUCCESS;
    }
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(2)
        }
    }
}

/// True if every value agrees with the peer's.
fn run(options: &Options) -> Result<bool, String> {
    // `cargo bench` starts in the folder of the crate; paths are those of the project's root.
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    std::env::set_current_dir(root).map_err(|error| format!("{root}: {error}"))?;
    let wanted = |row: &&Row| options.only.is_empty() || options.only.iter().any(|part| row.name().contains(part));
    let rows: Vec<&Row> = ROWS.iter().filter(wanted).collect();
    if rows.is_empty() {
        let known: Vec<String> = ROWS.iter().map(Row::name).collect();
        return Err(format!("no row has such a name\n  fix: the rows are {}", known.join(", ")));
    }
    let setting = Setting::new(options)?;
    let mut found: Vec<Found> = Vec::new();
    println!("{}", report::heading());
    for row in rows {
        found.push(setting.measure(row)?);
        println!("{}", report::line(&found[found.len() - 1]));
        if let Some(path) = &options.out {
            let text = report::page(&found, options);
            std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
    }
    Ok(found.iter().all(|found| found.disagreement().is_none()))
}
