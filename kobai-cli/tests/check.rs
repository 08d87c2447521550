//! `check` at inputs of its own, and what the commands say of data that break a condition.

use serde_json::Value;
use std::process::{Command, Output};
use tempfile::TempDir;

const PROBABILITIES: &str =
    "L = -\\sum_{i=1}^{N} \\sum_{k=1}^{K} t_{ik} \\log p_{ik}\n\\sum_k t_{ik} = 1\n0 < p_{ik} < 1\n";

fn kobai(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_kobai")).args(arguments).output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let (out, messages) = (text(output.stdout), text(output.stderr));
    assert!(!messages.contains("panicked"), "{arguments:?}: {messages}");
    (output.status.code(), out, messages)
}

fn written(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn check_makes_hard_inputs_where_none_are_given() {
    let arguments = ["check", r"\log(1 + e^x)", "--cases", "9", "--seed", "5"];
    let (code, text, _) = kobai(&arguments);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("seed 5") && text.contains("x ∈ (−∞, ∞)") && text.contains("passed:"), "{text}");
    // e^x overflows as written, in both types; the stable form has a number each time.
    for (start, overflows) in [
        ("f64 stable, value", false),
        ("f32 stable, ∂/∂x", false),
        ("f64 as written, value", true),
        ("f32 as written, value", true),
    ] {
        let line = text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no {start}: {text}"));
        let cells: Vec<&str> = line[start.len()..].split_whitespace().collect();
        assert_eq!(cells[3] != "–", overflows, "{line}");
    }
    assert_eq!(kobai(&arguments).1, text, "the same seed gives the same answer");
}

#[test]
fn check_at_hard_inputs_says_no_beyond_the_bound() {
    let (code, text, _) = kobai(&["check", r"\log(1 + e^x)", "--cases", "3", "--bound", "0", "--json"]);
    assert_eq!(code, Some(1), "{text}");
    let found: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((found["passed"].as_bool(), found["seed"].as_u64()), (Some(false), Some(1)));
    let worst = &found["results"]["f32"]["stable"]["value"];
    assert!(worst["ulps_over_condition"].as_f64().is_some_and(|error| error > 0.0 && error <= 1.0), "{worst}");
    let (code, text, _) = kobai(&["check", r"\log(\log(\log x - 100))"]);
    assert_eq!((code, text.as_str()), (Some(2), ""));
}

#[test]
fn what_is_given_is_kept() {
    let (code, text, _) = kobai(&["check", r"\frac{1}{\tau} \log(1 + e^{x})", "--bind", "tau = 0.5", "--cases", "4"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("x ∈") && !text.contains("tau ∈"), "{text}");
}

#[test]
fn the_inputs_of_a_case_can_be_given() {
    let folder = TempDir::new().expect("a folder");
    let loss = r"L = \sum_{i=1}^{N} a_{y_i} \log(1 + e^{x_i})";
    // −∞ in an entry is the hardest of the families to write down.
    let (code, inputs, messages) = kobai(&["check", loss, "--case", "8", "--seed", "3"]);
    assert_eq!(code, Some(0), "{messages}");
    assert!(inputs.contains("\"-Infinity\"") && inputs.contains("\"i64\""), "{inputs}");
    let (code, text, messages) = kobai(&["check", loss, "--data", &written(&folder, "inputs.json", &inputs)]);
    assert_eq!(code, Some(0), "{text}{messages}");
    let (_, again, _) = kobai(&["check", loss, "--case", "8", "--seed", "3"]);
    assert_eq!(again, inputs, "the same seed gives the same inputs");
    let (code, text, messages) = kobai(&["check", "x + 1", "--bind", "x = 2", "--case", "3"]);
    assert_eq!((code, text.as_str()), (Some(2), ""));
    assert!(messages.contains("all are given"), "{messages}");
}

#[test]
fn check_speaks_japanese() {
    let (code, text, _) = kobai(&["check", r"\log(1 + e^x)", "--cases", "3", "--lang", "ja"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("合格") && text.contains("安定な形") && !text.contains("passed"), "{text}");
    let (_, text, _) = kobai(&["check", r"\log(1 + e^x)", "--bind", "x = 800", "--lang", "ja"]);
    assert!(text.contains("真の値") && text.contains("書かれたままの式は f64 ではここで失敗します"), "{text}");
}

#[test]
fn a_value_that_is_zero_by_cancellation_has_an_absolute_error() {
    let (code, text, _) = kobai(&["check", r"\log(e^x) - x + 0.1 - \frac{1}{10}", "--bind", "x = 0.3"]);
    assert!(text.contains("0 by cancellation"), "{text}");
    assert_eq!(code, Some(0), "{text}");
    let (_, text, _) = kobai(&["check", r"e^x", "--bind", "x = 1e150"]);
    assert!(text.contains("> 10^646456992"), "{text}");
}

#[test]
fn data_that_break_a_condition_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = written(&folder, "loss.tex", PROBABILITIES);
    let data = written(&folder, "inputs.json", r#"{"t": [[1, 0], [0.5, 0.4]], "p": [[0.5, 0.5], [0.25, 1.5]]}"#);
    for command in ["eval", "check"] {
        let (code, text, messages) = kobai(&[command, &source, "--data", &data]);
        assert_eq!(code, Some(0), "{text}{messages}");
        assert!(
            messages.contains("warning[assumption-broken]") && messages.contains("At i = 1 the data have"),
            "{messages}"
        );
        assert!(messages.contains("i = 1, k = 1") && messages.contains("p_ik = 1.5"), "{messages}");
    }
    let (code, text, messages) = kobai(&["eval", &source, "--data", &data, "--strict"]);
    assert_eq!((code, text.as_str()), (Some(2), ""));
    assert!(messages.contains("error[assumption-broken]"), "{messages}");
    let good = written(&folder, "good.json", r#"{"t": [[1, 0], [0.5, 0.5]], "p": [[0.5, 0.5], [0.25, 0.5]]}"#);
    let (code, _, messages) = kobai(&["eval", &source, "--data", &good, "--strict"]);
    assert_eq!((code, messages.as_str()), (Some(0), ""));
}
