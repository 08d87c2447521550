//! Reading the conformance set and holding results against it.
#![allow(dead_code, reason = "each test file uses its own part")]

use kobai::eval::arithmetic::Arithmetic;
use kobai::eval::data::{Array, Inputs};
use kobai::eval::high::High;
use kobai::expr::{Context, Symbol};
use serde_json::Value;
use std::path::PathBuf;

/// What does not pass yet, by loss and case; everything else must.
pub const NOT_YET: [(&str, &str); 1] = [
    // Its gradient by s[1] is the difference of two numbers that agree to 40 digits.
    ("list-mle", "extreme-descending"),
];

/// One case of a loss.
pub struct Case {
    pub name: String,
    pub inputs: Inputs,
    pub value: String,
    /// In the order of the loss's `wrt`.
    pub gradients: Vec<Vec<String>>,
    pub extreme: bool,
    /// True where the usual stable forms lose digits too.
    pub stretch: bool,
    /// An absolute error that is accepted as well, where the set allows one.
    pub absolute: f64,
}

/// A loss of the set.
pub struct Loss {
    pub name: String,
    pub tex: String,
    pub wrt: Vec<String>,
    pub cases: Vec<Case>,
}

/// What an engine gives for a case.
pub struct Outcome {
    pub value: f64,
    pub gradients: Vec<Vec<f64>>,
}

pub fn data_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data/conformance")
}

pub fn loss_names() -> Vec<String> {
    let entries = std::fs::read_dir(data_folder()).expect("the conformance set is part of the project");
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.path().join("loss.tex").exists())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

pub fn all_losses() -> Vec<Loss> {
    loss_names().into_iter().map(read_loss).collect()
}

pub fn read_loss(name: String) -> Loss {
    let folder = data_folder().join(&name);
    let tex = std::fs::read_to_string(folder.join("loss.tex")).expect("loss.tex");
    let text = std::fs::read_to_string(folder.join("case.json")).expect("case.json");
    // The set writes infinite inputs as bare words, which JSON does not have.
    let text = text.replace("-Infinity", "\"-inf\"").replace(" Infinity", " \"inf\"");
    let json: Value = serde_json::from_str(&text).expect("JSON");
    let wrt: Vec<String> = strings(&json["wrt"]);
    let cases = json["cases"].as_array().expect("cases").iter().map(|case| read_case(case, &wrt)).collect();
    Loss { name, tex, wrt, cases }
}

fn read_case(case: &Value, wrt: &[String]) -> Case {
    let name = case["name"].as_str().expect("name").to_owned();
    Case {
        inputs: read_inputs(&case["inputs"]),
        value: case["value"].as_str().expect("value").to_owned(),
        gradients: wrt.iter().map(|symbol| strings(&case["gradients"][symbol]["data"])).collect(),
        extreme: name.starts_with("extreme"),
        stretch: case["level"] == "stretch",
        absolute: case["tolerance"]["abs"].as_f64().unwrap_or(0.0),
        name,
    }
}

pub fn read_inputs(json: &Value) -> Inputs {
    let array = |value: &Value| Array {
        shape: value["shape"]
            .as_array()
            .expect("shape")
            .iter()
            .map(|size| size.as_u64().expect("size") as usize)
            .collect(),
        data: value["data"].as_array().expect("data").iter().map(number).collect(),
        integer: value["dtype"] == "i64",
    };
    json.as_object().expect("inputs").iter().map(|(name, value)| (name.clone(), array(value))).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).expect("a number")
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().expect("list").iter().map(|entry| entry.as_str().expect("string").to_owned()).collect()
}

pub fn symbols(context: &Context, names: &[String]) -> Result<Vec<Symbol>, String> {
    names
        .iter()
        .map(|name| {
            let found = context.symbols.iter().position(|symbol| symbol.name.plain == *name && !symbol.defined);
            found.map(|number| Symbol(number as u32)).ok_or_else(|| format!("{name} is no input"))
        })
        .collect()
}

/// The set's own bound: relative error, normalised by max(|truth|, 1e-300).
fn error(high: &mut High, value: f64, truth: &str) -> f64 {
    let (value, truth) = (high.double(value), high.from_decimal(truth));
    high.relative_error(&value, &truth, "1e-300")
}

fn within(high: &mut High, value: f64, truth: &str, case: &Case) -> Result<(), String> {
    let bound = if case.extreme { 1e-10 } else { 1e-12 };
    let relative = error(high, value, truth);
    let absolute = (value - truth.parse::<f64>().unwrap_or(f64::NAN)).abs();
    if relative <= bound || absolute <= case.absolute && absolute.is_finite() {
        return Ok(());
    }
    Err(format!("{value:e} instead of {truth} (relative error {relative:e})"))
}

fn check_case(high: &mut High, case: &Case, outcome: &Outcome, wrt: &[String]) -> Vec<String> {
    let mut failures = Vec::new();
    if let Err(failure) = within(high, outcome.value, &case.value, case) {
        failures.push(format!("value {failure}"));
    }
    for ((name, truth), found) in wrt.iter().zip(&case.gradients).zip(&outcome.gradients) {
        if truth.len() != found.len() {
            failures.push(format!("gradient {name}: {} entries instead of {}", found.len(), truth.len()));
            continue;
        }
        for (place, (truth, &found)) in truth.iter().zip(found).enumerate() {
            if let Err(failure) = within(high, found, truth, case) {
                failures.push(format!("gradient {name}[{place}] {failure}"));
            }
        }
    }
    failures
}

/// Runs every case of every loss; each must pass, but for those that are listed as not passing yet.
pub fn check_all(losses: &[Loss], run: impl Fn(&str, &Case, &[String]) -> Result<Outcome, String>) {
    let mut high = High::new(256);
    let (mut passed, mut broken) = (0, Vec::new());
    for loss in losses {
        for case in &loss.cases {
            let failures = match run(&loss.tex, case, &loss.wrt) {
                Ok(outcome) => check_case(&mut high, case, &outcome, &loss.wrt),
                Err(message) => vec![message],
            };
            let listed = NOT_YET.contains(&(loss.name.as_str(), case.name.as_str()));
            match (failures.is_empty(), listed) {
                (true, _) => passed += 1,
                (false, true) => println!("not yet: {} {}: {}", loss.name, case.name, failures.join("\n  ")),
                (false, false) => broken.push(format!("{} {}: {}", loss.name, case.name, failures.join("\n  "))),
            }
        }
    }
    println!("{passed} cases pass");
    assert!(broken.is_empty(), "these cases fail:\n{}", broken.join("\n"));
}
