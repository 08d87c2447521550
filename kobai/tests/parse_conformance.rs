//! Every reading and every loss of the conformance data parses, every syntactic error is refused.

use kobai::parse::{Syntax, detect, parse};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

/// Errors that need data or the meaning of names.
const LATER: &[&str] = &["sum body ambiguous", "undefined index", "shape conflict", "cyclic definitions"];

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data/conformance")
}

fn rows() -> Vec<Value> {
    let text = fs::read_to_string(directory().join("latex.json")).expect("the conformance data");
    serde_json::from_str(&text).expect("valid JSON")
}

fn text_of(row: &Value) -> String {
    match row.get("tex_repeat") {
        Some(repeat) => {
            let part = |name: &str| repeat[name].as_str().unwrap_or_default();
            let times = repeat["times"].as_u64().unwrap_or_default() as usize;
            format!("{}{}{}", part("open").repeat(times), part("inside"), part("close").repeat(times))
        }
        None => row["tex"].as_str().unwrap_or_default().to_owned(),
    }
}

#[test]
fn readings_parse() {
    for row in rows().iter().filter(|row| row.get("construct").is_some()) {
        let text = text_of(row);
        let parsed = parse(&text, detect(&text));
        let errors: Vec<_> = parsed.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).collect();
        assert!(errors.is_empty() && !parsed.equations.is_empty(), "{}: {text}\n{errors:?}", row["id"]);
    }
}

#[test]
fn errors_are_refused() {
    for row in rows()
        .iter()
        .filter(|row| row.get("error").is_some_and(|error| !LATER.contains(&error.as_str().unwrap_or_default())))
    {
        let text = text_of(row);
        for syntax in [detect(&text), Syntax::Latex] {
            let parsed = parse(&text, syntax);
            let error = parsed.diagnostics.iter().find(|diagnostic| diagnostic.is_error());
            let span = error.unwrap_or_else(|| panic!("{} is accepted: {parsed:?}", row["id"])).span.expect("a place");
            assert!(span.start <= span.end && span.end <= text.len(), "{}", row["id"]);
        }
    }
}

#[test]
fn losses_parse() {
    let mut count = 0;
    for entry in fs::read_dir(directory()).expect("the conformance data").flatten() {
        let Ok(text) = fs::read_to_string(entry.path().join("loss.tex")) else {
            continue;
        };
        count += 1;
        assert_eq!(detect(&text), Syntax::Latex, "{:?}", entry.path());
        let parsed = parse(&text, Syntax::Latex);
        assert!(parsed.diagnostics.is_empty(), "{:?}: {:?}", entry.path(), parsed.diagnostics);
        let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
        assert_eq!(parsed.equations.len(), lines, "{:?}", entry.path());
    }
    assert!(count >= 47, "{count}");
}

#[test]
fn size_costs_no_more_than_its_length() {
    let units = [
        "{",
        "(",
        "x",
        "x_",
        "x^",
        r"\frac",
        r"\log ",
        r"\left|",
        "|",
        r"\|",
        ")",
        "}",
        r"\sum_{",
        r"\text{",
        r"\hat",
        "!",
        "-",
        "a,",
        "f(",
        r"p(x|z)",
        "$$",
        r"\[",
        "`",
        r"\\[",
        r"\begin{cases}",
        r"\begin{align}",
        "&",
        "'",
        "a=",
        r"\min_",
        r"\mathbb",
        "1",
        "%",
        "\n",
        r"\end{align}",
        r"\begin{equation}",
        "x_{i",
        "[",
        "sum(",
        "```latex\n",
    ];
    for unit in units {
        for syntax in [Syntax::Latex, Syntax::Plain, Syntax::Document] {
            let text = unit.repeat(100_000);
            let start = Instant::now();
            parse(&text, syntax);
            detect(&text);
            let seconds = start.elapsed().as_secs_f64();
            assert!(seconds < 5.0, "{unit:?} as {syntax:?} takes {seconds} s");
        }
    }
}

#[test]
fn the_table_of_functions_parses() {
    for row in kobai::function::ROWS {
        let exact = row.exact.iter().flat_map(|(argument, value)| [*argument, *value]);
        let formulas = row.domain.iter().chain(row.derivatives).copied().chain([row.inverse]).chain(exact);
        for formula in formulas.filter(|formula| !formula.is_empty()) {
            let read = kobai::parse::parse_expression(formula, Syntax::Latex);
            assert!(read.is_ok(), "{}: {formula}: {read:?}", row.plain);
        }
        for (call, syntax) in [
            (format!("{}(x)", row.latex), Syntax::Latex),
            (format!("{}({})", row.plain, if row.arity > 1 { "x, y" } else { "x" }), Syntax::Plain),
        ] {
            let Ok(read) = kobai::parse::parse_expression(&call, syntax) else {
                assert!(row.arity > 1 && syntax == Syntax::Latex, "{call}");
                continue;
            };
            assert!(!matches!(read.kind, kobai::formula::Kind::Product(_)), "{call} reads as a product");
        }
    }
}
