//! `kobai check`

use crate::data::{json_number, shown};
use crate::eval::evaluate;
use crate::message::Failure;
use crate::options::Check;
use crate::source::{default_symbols, read, symbols};
use crate::{Answer, data, print};
use kobai::check::{Doubles, Truth, naive, stable, truth};
use kobai::eval::Tensor;
use kobai::eval::high::High;
use serde_json::{Value, json};
use std::fmt::Write;

/// How one way of computing compares with the truth.
struct Row {
    name: &'static str,
    value: f64,
    value_error: f64,
    errors: Vec<Vec<f64>>,
}

impl Row {
    fn new(name: &'static str, found: &Doubles, truth: &Truth) -> Row {
        let (value_error, errors) = truth.errors(found);
        Row { name, value: found.value, value_error, errors }
    }

    /// The worst error of a gradient; not a number counts as worse than any.
    fn worst(&self, gradient: usize) -> (usize, f64) {
        let rank = |error: f64| if error.is_nan() { f64::INFINITY } else { error };
        let list = self.errors.get(gradient).map_or(&[][..], Vec::as_slice);
        list.iter().copied().enumerate().max_by(|a, b| rank(a.1).total_cmp(&rank(b.1))).unwrap_or((0, 0.0))
    }

    fn passes(&self, tolerance: f64) -> bool {
        self.value_error <= tolerance && self.errors.iter().flatten().all(|&error| error <= tolerance)
    }
}

/// Checks and prints.
pub fn run(arguments: &Check) -> Result<Answer, Failure> {
    let source = read(&arguments.common)?;
    let inputs = data::read(&arguments.inputs, &source.text)?;
    let mut program = source.program(&inputs)?;
    let wrt = if arguments.wrt.is_empty() { default_symbols(&mut program) } else { symbols(&program, &arguments.wrt)? };
    let names: Vec<String> = wrt.iter().map(|&symbol| program.context.symbol(symbol).name.plain.clone()).collect();
    let truth = truth(&mut program, &wrt, &inputs).map_err(|errors| source.failed(program.located(errors)))?;
    let executed = evaluate::<f64>(&mut program, &source, &inputs, &wrt)?;
    let executed = Doubles {
        value: executed.value.data.first().copied().unwrap_or(f64::NAN),
        gradients: executed
            .gradients
            .into_iter()
            .map(|(_, array)| Tensor { shape: array.shape, data: array.data })
            .collect(),
    };
    let reference = stable(&mut program, &wrt, &inputs).map_err(|errors| source.failed(program.located(errors)))?;
    let written = naive(&mut program, &wrt, &inputs).map_err(|errors| source.failed(program.located(errors)))?;
    let rows = [
        Row::new("kobai (f64)", &executed, &truth),
        Row::new("reference (f64)", &reference, &truth),
        Row::new("as written (f64)", &written, &truth),
    ];
    let by_directions = truth.direction_error.is_none_or(|error| error < 1e-20);
    // NaN agrees with NaN, but it is an answer to nothing.
    let passed =
        rows[..2].iter().all(|row| row.passes(arguments.tolerance)) && by_directions && !executed.value.is_nan();
    let output = if arguments.json {
        as_json(&truth, &rows, &names, passed)
    } else {
        let mut text = as_text(&truth, &rows, &names, passed, arguments.tolerance);
        if arguments.entries {
            entries(&mut text, &truth, &[&executed, &written], &names);
        }
        text
    };
    print(&output)?;
    Ok(if passed { Answer::Yes } else { Answer::No })
}

fn as_text(truth: &Truth, rows: &[Row], names: &[String], passed: bool, tolerance: f64) -> String {
    let mut high = High::new(truth.precision);
    let mut out = format!("true value  {}   ({} bits)\n", high.to_decimal(&truth.value, 25), truth.precision);
    match truth.direction_error {
        Some(error) => {
            let _ = writeln!(
                out,
                "the rules' gradient against differences of values along random directions: relative error {error:.1e}"
            );
        }
        None if truth.gradients.iter().all(|gradient| gradient.data.is_empty()) => {}
        None => out += "differences of values cannot be taken here: a value beside the point is not finite\n",
    }
    let _ = writeln!(out, "\n{:<18} {:>24} {:>10}   worst gradient error", "", "value", "rel. error");
    for row in rows {
        let worst: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(position, name)| {
                let (place, error) = row.worst(position);
                format!("{name}: {} (entry {place})", verdict(error))
            })
            .collect();
        let _ = writeln!(
            out,
            "{:<18} {:>24} {:>10}   {}",
            row.name,
            shown(row.value),
            verdict(row.value_error),
            worst.join(", ")
        );
    }
    let _ = writeln!(
        out,
        "\n{}",
        if passed {
            format!("passed: every relative error is at most {tolerance:e}")
        } else {
            match rows.iter().take(2).any(|row| !row.passes(tolerance)) {
                true => format!("FAILED: a relative error is above {tolerance:e}"),
                false if rows[0].value.is_nan() => "FAILED: the value is not a number".to_owned(),
                false => "FAILED: the rules' gradient is not what differences of values give".to_owned(),
            }
        }
    );
    if let Some(row) = rows.last().filter(|row| !row.passes(tolerance)) {
        let lost: usize = row.errors.iter().flatten().filter(|&&error| error.is_nan() || error > tolerance).count();
        let _ = writeln!(
            out,
            "the formula as written fails here in f64: {} of {} gradient entries, and its value is {}",
            lost,
            row.errors.iter().map(Vec::len).sum::<usize>(),
            shown(row.value)
        );
    }
    out
}

fn verdict(error: f64) -> String {
    match error {
        0.0 => "exact".to_owned(),
        _ if error.is_nan() => "NaN".to_owned(),
        _ if error.is_infinite() => "infinite".to_owned(),
        _ => format!("{error:.1e}"),
    }
}

fn entries(out: &mut String, truth: &Truth, found: &[&Doubles; 2], names: &[String]) {
    let mut high = High::new(truth.precision);
    for (position, name) in names.iter().enumerate() {
        let _ = writeln!(out, "\n∂/∂{name:<16} {:>34} {:>26} {:>26}", "true", "kobai (f64)", "as written (f64)");
        for (place, entry) in truth.gradients[position].data.iter().enumerate() {
            let value = |doubles: &Doubles| {
                doubles.gradients.get(position).and_then(|tensor| tensor.data.get(place)).copied().unwrap_or(f64::NAN)
            };
            let (kobai, written) = (shown(value(found[0])), shown(value(found[1])));
            let _ = writeln!(out, "{place:>20} {:>34} {kobai:>26} {written:>26}", high.to_decimal(entry, 25));
        }
    }
}

fn as_json(truth: &Truth, rows: &[Row], names: &[String], passed: bool) -> String {
    let mut high = High::new(truth.precision);
    let row = |row: &Row| {
        let gradients: serde_json::Map<String, Value> = names
            .iter()
            .enumerate()
            .map(|(position, name)| {
                let (entry, error) = row.worst(position);
                (name.clone(), json!({ "worst_relative_error": json_number(error), "entry": entry }))
            })
            .collect();
        json!({ "value": json_number(row.value), "relative_error": json_number(row.value_error), "gradients": gradients })
    };
    let object = json!({
        "passed": passed,
        "true_value": high.to_decimal(&truth.value, 25),
        "precision_bits": truth.precision,
        "direction_error": truth.direction_error,
        "kobai": row(&rows[0]),
        "reference": row(&rows[1]),
        "as_written": row(&rows[2]),
    });
    object.to_string() + "\n"
}
