//! `kobai solve`: each solution is held against numbers worked out here.

use serde_json::Value;
use std::process::Command;

struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn kobai(arguments: &[&str]) -> Outcome {
    let output = Command::new(env!("CARGO_BIN_EXE_kobai")).args(arguments).output().expect("the binary runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    Outcome { code: output.status.code(), stdout: String::from_utf8(output.stdout).expect("UTF-8"), stderr }
}

fn solved(equation: &str, name: &str) -> Value {
    let outcome = kobai(&["solve", equation, "--for", name, "--json"]);
    assert_eq!(outcome.code, Some(0), "{equation}: {}", outcome.stderr);
    serde_json::from_str(&outcome.stdout).expect("JSON")
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The solutions in LaTeX.
fn solutions(found: &Value) -> Vec<&str> {
    found["solutions"].as_array().into_iter().flatten().filter_map(|value| value["latex"].as_str()).collect()
}

fn has_conditions(found: &Value, expected: &[&str]) {
    let mut got = texts(&found["conditions"]);
    got.sort_unstable();
    assert_eq!(got, expected, "{found:#}");
}

#[test]
fn a_logarithm_is_undone_by_a_power() {
    let found = solved(r"y = \log_a x", "x");
    assert_eq!(solutions(&found), ["a^{y}"]);
    has_conditions(&found, &["a > 0", r"a \ne 1", "x > 0"]);
    assert_eq!(found["steps"][0]["rule"], "inverse");
    let found = solved(r"y = \log_a x", "a");
    assert_eq!(solutions(&found), [r"x^{\frac{1}{y}}"]);
}

#[test]
fn compositions_are_taken_apart_from_the_outside() {
    let found = solved(r"y = \log_2(3x + 1)", "x");
    assert_eq!(solutions(&found), [r"\frac{2^{y} - 1}{3}"]);
    let rules: Vec<&str> =
        found["steps"].as_array().into_iter().flatten().filter_map(|step| step["rule"].as_str()).collect();
    assert_eq!(rules, ["inverse", "subtract", "divide"]);
    assert_eq!(solutions(&solved(r"y = e^{2x} - 1", "x")), [r"\frac{\log \left( 1 + y \right)}{2}"]);
    assert_eq!(solutions(&solved(r"y = \sqrt{x + 1}", "x")), ["y^{2} - 1"]);
}

#[test]
fn the_range_of_a_function_bounds_the_other_side() {
    has_conditions(&solved(r"y = \tanh(\log x)", "x"), &["-1 < y < 1", "x > 0"]);
    let found = solved(r"p = \frac{1}{1 + e^{-z}}", "z");
    assert_eq!(solutions(&found), [r"\log p - \log \left( 1 - p \right)"]);
    has_conditions(&found, &["0 < p < 1"]);
}

#[test]
fn an_even_power_has_two_roots_and_an_odd_one_has_one() {
    let found = solved("y = x^2", "x");
    assert_eq!(solutions(&found), [r"\sqrt{y}", r"-\sqrt{y}"]);
    has_conditions(&found, &[r"y \ge 0"]);
    let found = solved("y = x^3", "x");
    assert_eq!(solutions(&found), [r"\sqrt[3]{y}"]);
    has_conditions(&found, &[]);
    assert_eq!(solutions(&solved("y = |x - 1|", "x")), ["1 + y", "1 - y"]);
}

#[test]
fn terms_are_collected_first() {
    assert_eq!(solutions(&solved("y = 2x + 3x", "x")), [r"\frac{y}{5}"]);
    let found = solved(r"p = \frac{e^z}{1 + e^z}", "z");
    has_conditions(&found, &["0 < p < 1"]);
    for (equation, name) in [(r"y = \frac{x}{1 + x}", "x"), ("a x + b = c x + d", "x")] {
        assert_eq!(solutions(&solved(equation, name)).len(), 1, "{equation}");
    }
}

#[test]
fn conditions_may_be_stated_and_names_defined_before() {
    let found = solved("u = 2 x\ny = \\log u", "x");
    assert_eq!(solutions(&found), [r"\frac{e^{y}}{2}"]);
}

#[test]
fn what_cannot_be_solved_says_why() {
    for (equation, name, code) in [
        ("y = x e^x", "x", "solve-occurs-more-than-once"),
        (r"y = \sin x", "x", "solve-no-inverse"),
        (r"L = \sum_{i=1}^{N} e^{x + c_i}", "x", "solve-inside"),
        ("x^2 = -1", "x", "solve-no-solution"),
        ("x^2 + 1", "x", "solve-no-equation"),
    ] {
        let outcome = kobai(&["solve", equation, "--for", name]);
        assert_eq!(outcome.code, Some(2), "{equation}: {}", outcome.stdout);
        assert!(outcome.stderr.contains(code) && outcome.stderr.contains("fix"), "{equation}: {}", outcome.stderr);
    }
    let absent = kobai(&["solve", "y = x^2", "--for", "z"]);
    assert_eq!(absent.code, Some(2));
}

#[test]
fn the_steps_read_in_both_languages_and_as_latex() {
    let japanese = kobai(&["solve", r"y = \log_2(3x + 1)", "--for", "x", "--lang", "ja"]).stdout;
    assert!(japanese.contains("両辺を 3 で割ります。") && japanese.contains("x > −1/3"), "{japanese}");
    let latex = kobai(&["solve", "y = x^2", "--for", "x", "--format", "latex"]).stdout;
    assert!(latex.contains(r"\[ x = \sqrt{y} \quad\text{or}\quad x = -\sqrt{y} \]"), "{latex}");
}
