//! Time to derive the gradient of each conformance loss for reading, to check each step with numbers, and to put it into
//! words.
//!
//! `cargo bench -p kobai --bench explain` (any further word selects the losses whose names contain it). Each time is the
//! median of 15 runs, from the resolved program, with respect to the first name that the set differentiates by.

use kobai::audit::audit;
use kobai::differentiate::readable::derive;
use kobai::eval::data::{Array, Inputs, kinds};
use kobai::explain::{Language, explain, format};
use kobai::expr::Symbol;
use kobai::parse::{detect, parse};
use kobai::print::Notation;
use kobai::resolve::{Program, resolve};
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

const RUNS: usize = 15;

fn main() {
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data/conformance");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .expect("the conformance set")
        .flatten()
        .filter(|entry| entry.path().join("loss.tex").exists())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| wanted.as_ref().is_none_or(|wanted| name.contains(wanted)))
        .collect();
    names.sort();
    println!("{:36}{:>12}{:>12}{:>12}", "milliseconds", "derive", "check", "explain");
    for name in names {
        let Some((program, symbol)) = read(&folder.join(&name)) else {
            println!("{name:36}{:>12}", "not read");
            continue;
        };
        let mut times: [Vec<f64>; 3] = Default::default();
        for _ in 0..RUNS {
            let mut program = program.clone();
            let start = Instant::now();
            let mut derivation = derive(&mut program, symbol);
            let derived = Instant::now();
            audit(&mut program, &mut derivation);
            let checked = Instant::now();
            let explanation = explain(&mut program, &derivation, Language::English, Notation::Terminal);
            black_box(format::text(&explanation, Language::English, false));
            times[0].push((derived - start).as_secs_f64());
            times[1].push((checked - derived).as_secs_f64());
            times[2].push(checked.elapsed().as_secs_f64());
        }
        let [derive, check, explain] = times.map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[RUNS / 2] * 1e3
        });
        println!("{name:36}{derive:12.3}{check:12.3}{explain:12.3}");
    }
}

/// The loss of a folder, and the symbol to differentiate by.
fn read(folder: &std::path::Path) -> Option<(Program, Symbol)> {
    let text = std::fs::read_to_string(folder.join("loss.tex")).ok()?;
    let set = std::fs::read_to_string(folder.join("case.json")).ok()?;
    // The set writes infinite inputs as bare words, which JSON does not have.
    let set = set.replace("-Infinity", "null").replace(" Infinity", " null");
    let set: serde_json::Value = serde_json::from_str(&set).ok()?;
    let mut inputs = Inputs::new();
    for (name, value) in set["cases"][0]["inputs"].as_object()? {
        let shape: Vec<usize> =
            value["shape"].as_array()?.iter().filter_map(|size| size.as_u64()).map(|size| size as usize).collect();
        inputs.insert(name.clone(), Array { shape, data: Vec::new(), integer: value["dtype"] == "i64" });
    }
    let program = resolve(&parse(&text, detect(&text)), &kinds(&inputs)).ok()?;
    let wrt = set["wrt"][0].as_str()?;
    let number = program.context.symbols.iter().position(|symbol| symbol.name.plain == wrt && !symbol.defined)?;
    Some((program, Symbol(number as u32)))
}
