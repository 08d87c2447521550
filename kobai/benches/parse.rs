//! Time to read a formula: parsed and resolved, for every text of the conformance set.
//!
//! `cargo bench -p kobai --bench parse`. A text's time is the median of 31 runs of about a millisecond each. Texts that
//! must be refused are read too, but for the one of 100,000 braces. The goal is less than a millisecond a formula.

use kobai::parse::{detect, parse};
use kobai::resolve::{InputKind, InputKinds, resolve};
use serde_json::Value;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

const RUNS: usize = 31;

/// A text with what is known of its inputs.
struct Text {
    name: String,
    text: String,
    inputs: InputKinds,
}

fn main() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data/conformance");
    let texts: Vec<Text> = readings(&folder).into_iter().chain(losses(&folder)).collect();
    let mut times: Vec<(f64, &str)> = texts.iter().map(|text| (microseconds(text), text.name.as_str())).collect();
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some((worst, name)) = times.last() else { return println!("no texts found in {}", folder.display()) };
    println!("{} texts: median {:.1} µs, worst {worst:.1} µs ({name})", times.len(), times[times.len() / 2].0);
    for (time, name) in times.iter().rev().take(5) {
        println!("  {time:8.1} µs  {name}");
    }
}

/// The median time to parse and resolve.
fn microseconds(text: &Text) -> f64 {
    let read = || {
        let parsed = parse(black_box(&text.text), detect(&text.text));
        drop(black_box(resolve(&parsed, &text.inputs)));
    };
    let start = Instant::now();
    read();
    let repeats = (1e-3 / start.elapsed().as_secs_f64().max(1e-8)).ceil() as usize;
    let run = |_| {
        let start = Instant::now();
        (0..repeats).for_each(|_| read());
        start.elapsed().as_secs_f64() * 1e6 / repeats as f64
    };
    let mut times: Vec<f64> = (0..RUNS).map(run).collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    // The set writes infinite inputs as bare words, which JSON does not have.
    let text = text.replace("-Infinity", "\"-inf\"").replace(" Infinity", " \"inf\"");
    serde_json::from_str(&text).unwrap_or_default()
}

fn kinds(inputs: &Value) -> InputKinds {
    let kind = |array: &Value| InputKind {
        rank: array["shape"].as_array().map_or(0, Vec::len),
        integer: array["dtype"] == "i64",
    };
    inputs.as_object().into_iter().flatten().map(|(name, array)| (name.clone(), kind(array))).collect()
}

fn readings(folder: &Path) -> Vec<Text> {
    let rows = json(&folder.join("latex.json"));
    let text = |row: &Value| {
        let name = format!("{} {}", row["id"].as_str()?, row["tex"].as_str()?).replace('\n', " ");
        Some(Text { name, text: row["tex"].as_str()?.to_owned(), inputs: kinds(&row["inputs"]) })
    };
    rows.as_array().into_iter().flatten().filter_map(text).collect()
}

fn losses(folder: &Path) -> Vec<Text> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let text = |path: PathBuf| {
        let text = std::fs::read_to_string(path.join("loss.tex")).ok()?;
        let inputs = kinds(&json(&path.join("case.json"))["cases"][0]["inputs"]);
        Some(Text { name: path.file_name()?.to_string_lossy().into_owned(), text, inputs })
    };
    entries.filter_map(|entry| text(entry.path())).collect()
}
