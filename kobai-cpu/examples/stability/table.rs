//! Each loss of the conformance set at its worst: as written and stable, by the interpreter and by the executor.

use crate::common::{Case, Loss, symbols};
use kobai::check::{Checker, Deviation, Doubles, Format, Monitor, Tally};
use kobai::eval::Tensor;
use kobai::eval::data::{Inputs, bind, kinds};
use kobai::eval::high::High;
use kobai::parse::{Syntax, parse};
use kobai::plan::{Options, Output, plan};
use kobai::resolve::{Program, resolve};
use kobai_cpu::Executor;
use kobai_cpu::vector::Float;
use std::fmt::Write;
use std::sync::atomic::AtomicBool;

/// Errors in f64 beyond this are marked.
const F64_BOUND: f64 = 1e-10;
/// Errors in f32 beyond so many units in the last place, times the condition number, are marked.
const F32_BOUND: f64 = 8.0;

/// What naive formulas in f32 give in other frameworks.
const PEERS: &str = include_str!("peers.csv");

const HEAD: &str = "# How exact the losses are

This page is made by a program: `cargo run --release -p kobai-cpu --example stability > docs/stability.md`.

Each loss of the conformance set (`tests/data/conformance`) is computed at its hardest inputs, and the worst error over its
cases is shown, for the value and for the worst gradient entry. The truth has 25 digits and comes from the conformance set,
which was computed apart from Kobai.

- **As written** is the formula as the paper prints it, in f64, operation by operation, with the gradient by the rules alone.
- **Interpreter** and **executor** compute Kobai's stable form in f64; the executor is the one that runs (`kobai-cpu`).
- Errors in f64 are relative to the truth (to 10⁻³⁰⁰ where the truth is smaller). ✗ marks what is beyond 10⁻¹⁰; NaN and ∞
  are beyond it.
- **f32** is the executor in f32, with the inputs rounded to f32 first and the truth computed anew from these, in high
  precision. Its errors are in units in the last place divided by the condition number, which says how far a rounding of the
  inputs alone moves the result: for a gradient entry g, Σ |x ∂g/∂x| / |g| over all real inputs x, measured by moving these
  in at most four groups. ✗ marks what is beyond 8. Cases that leave the formula's domain when their inputs are rounded do
  not count; – stands where none is left.
- Numbers that the set accepts by an absolute error (single classes, where all cancels to 0) do not count either.
";

/// The worst errors of one loss over some of its cases.
#[derive(Default)]
struct Row {
    cases: usize,
    /// As written, interpreter, executor; each value, then gradient.
    f64: [[f64; 2]; 3],
    /// Value and gradient of the executor; `None` if no case counts.
    f32: Option<[f64; 2]>,
}

/// The whole page.
pub fn markdown(losses: &[Loss], progress: &mut dyn FnMut(&str)) -> String {
    let mut out = HEAD.to_owned();
    let (mut core, mut stretch) = (String::new(), String::new());
    for loss in losses {
        progress(&loss.name);
        let (usual, hardest): (Vec<&Case>, Vec<&Case>) = loss.cases.iter().partition(|case| !case.stretch);
        core += &line(&loss.name, &measure(loss, &usual));
        if !hardest.is_empty() {
            stretch += &line(&loss.name, &measure(loss, &hardest));
        }
    }
    out += &summary(&core, &stretch);
    let columns = "| loss | cases | as written: value | gradient | interpreter: value | gradient | executor: value | gradient \
        | f32: value | gradient | peers |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n";
    let _ = write!(out, "\n## Random and core cases\n\n{columns}{core}");
    out += "\n## Stretch cases\n\nHere the usual stable forms (log-softmax, log-sigmoid, log-sum-exp with automatic \
        differentiation) lose digits too.\n\n";
    let _ = write!(out, "{columns}{stretch}");
    out + &peers()
}

/// How many lines have a mark in the columns as written, of the executor, and of f32.
fn summary(core: &str, stretch: &str) -> String {
    let lines: Vec<Vec<&str>> = core.lines().chain(stretch.lines()).map(|line| line.split('|').collect()).collect();
    let marked = |columns: std::ops::Range<usize>| {
        let is_marked = |cells: &&Vec<&str>| {
            let mut own = cells.iter().skip(columns.start).take(columns.len());
            own.any(|cell| cell.contains('✗'))
        };
        lines.iter().filter(is_marked).count()
    };
    format!(
        "\nOf the {} lines below, {} have a ✗ as written, {} for the executor in f64, and {} for the executor in f32.\n",
        lines.len(),
        marked(3..5),
        marked(7..9),
        marked(9..11)
    )
}

fn line(name: &str, row: &Result<Row, String>) -> String {
    let row = match row {
        Ok(row) => row,
        Err(message) => return format!("| {name} | ✗ {message} |\n"),
    };
    let mut cells = vec![name.to_owned(), row.cases.to_string()];
    cells.extend(row.f64.iter().flatten().map(|&error| cell(error, F64_BOUND, false)));
    match row.f32 {
        Some(errors) => cells.extend(errors.map(|error| cell(error, F32_BOUND, true))),
        None => cells.extend(["–".to_owned(), "–".to_owned()]),
    }
    cells.push(peers_cell(name));
    format!("| {} |\n", cells.join(" | "))
}

fn cell(error: f64, bound: f64, plain: bool) -> String {
    let text = match error {
        0.0 => "0".to_owned(),
        _ if !error.is_finite() => "NaN or ∞".to_owned(),
        _ if plain && error < 1e4 => format!("{error:.2}"),
        _ => format!("{error:.1e}"),
    };
    if error <= bound { text } else { format!("✗ {text}") }
}

/// All ways of computing, at all these cases.
fn measure(loss: &Loss, cases: &[&Case]) -> Result<Row, String> {
    let mut row = Row { cases: cases.len(), ..Row::default() };
    let mut tally = Tally::new(loss.wrt.len(), Format::F32);
    let mut in_f32 = 0;
    for (number, case) in cases.iter().enumerate() {
        let parsed = parse(&loss.tex, Syntax::Latex);
        let mut program = resolve(&parsed, &kinds(&case.inputs)).map_err(|errors| codes(&errors))?;
        let symbols = symbols(&program.context, &loss.wrt)?;
        let checker = Checker::new(&mut program, &symbols);
        let ways = [
            checker.naive(&program.context, &case.inputs, Format::F64).map_err(|errors| codes(&errors))?,
            checker.stable(&program.context, &case.inputs, Format::F64).map_err(|errors| codes(&errors))?,
            executed::<f64>(&mut program, &checker, &case.inputs)?,
        ];
        for (worst, found) in row.f64.iter_mut().zip(&ways) {
            note(worst, case, found);
        }
        in_f32 += usize::from(note_f32(&mut tally, number, &mut program, &checker, case)?);
    }
    if in_f32 > 0 {
        let worst = |worst: &kobai::check::Worst| if worst.not_finite > 0 { f64::INFINITY } else { worst.conditioned };
        let gradient = tally.gradients.iter().map(worst).fold(0.0, f64::max);
        row.f32 = Some([worst(&tally.value), gradient]);
    }
    Ok(row)
}

fn codes(errors: &[kobai::source::Diagnostic]) -> String {
    errors.iter().map(|error| error.code).collect::<Vec<_>>().join(", ")
}

/// Takes in the errors in f64 against the truth of the set.
fn note(worst: &mut [f64; 2], case: &Case, found: &Doubles) {
    let mut high = High::new(256);
    let mut error = |found: f64, truth: &str| {
        let truth = high.from_decimal(truth);
        let deviation = Deviation::new(&mut high, found, &truth, Format::F64);
        if deviation.absolute <= case.absolute { 0.0 } else { deviation.size() }
    };
    worst[0] = worst[0].max(error(found.value, &case.value));
    for (truth, found) in case.gradients.iter().zip(&found.gradients) {
        for (truth, &found) in truth.iter().zip(&found.data) {
            worst[1] = worst[1].max(error(found, truth));
        }
    }
}

/// Takes in the errors in f32 against high precision at the rounded inputs; false if the case does not count.
fn note_f32(
    tally: &mut Tally,
    number: usize,
    program: &mut Program,
    checker: &Checker,
    case: &Case,
) -> Result<bool, String> {
    let mut inputs = case.inputs.clone();
    for array in inputs.values_mut().filter(|array| !array.integer) {
        array.data.iter_mut().for_each(|entry| *entry = Format::F32.round(*entry));
    }
    let never = AtomicBool::new(false);
    let mut monitor = Monitor { interrupted: &never, stage: &mut |_| {} };
    let truth = checker.truth_without_directions(&program.context, &inputs, &mut monitor);
    let truth = truth.map_err(|errors| codes(&errors))?;
    if !truth.confirmed || !truth.is_finite() || case.absolute > 0.0 {
        return Ok(false);
    }
    let sensitivity = checker.sensitivity(&program.context, &inputs, &truth, &monitor);
    let sensitivity = sensitivity.map_err(|errors| codes(&errors))?;
    let found = executed::<f32>(program, checker, &inputs)?;
    tally.add(number, &truth, &sensitivity, &found);
    Ok(true)
}

/// What the executor gives for the stable form.
fn executed<T: Float>(program: &mut Program, checker: &Checker, inputs: &Inputs) -> Result<Doubles, String> {
    let (loss, gradients) = checker.stable_form();
    let context = &mut program.context;
    let mut outputs = vec![Output { name: "value".into(), indices: Vec::new(), value: loss }];
    outputs.extend(gradients.iter().enumerate().map(|(position, gradient)| Output {
        name: position.to_string(),
        indices: gradient.indices.clone(),
        value: gradient.value,
    }));
    let mut needed = context.symbols_in(loss);
    needed.extend(&checker.symbols);
    let sizes = bind(context, &needed, inputs).map_err(|errors| codes(&errors))?.sizes().clone();
    let mut executor: Executor<T> = Executor::new(plan(context, &outputs, &sizes, Options::default()));
    let rounded: Vec<(&String, Vec<T>)> = inputs
        .iter()
        .map(|(name, array)| (name, array.data.iter().map(|&value| T::from_f64(value)).collect()))
        .collect();
    let mut given = kobai_cpu::Inputs::new();
    for (name, values) in &rounded {
        given.numbers(name, values);
    }
    executor.run(&given).map_err(|error| error.to_string())?;
    let tensor = |output: &Output| Tensor {
        shape: Vec::new(),
        data: executor.output(&output.name).unwrap_or(&[]).iter().map(|&value| value.to_f64()).collect(),
    };
    let value = tensor(&outputs[0]).data.first().copied().unwrap_or(f64::NAN);
    Ok(Doubles { value, gradients: outputs[1..].iter().map(tensor).collect() })
}

/// The lines of the table of peers: number, and what stands in the line.
fn peer_lines() -> impl Iterator<Item = (usize, Vec<&'static str>)> {
    PEERS.lines().skip(1).enumerate().map(|(number, line)| (number + 1, line.split(';').collect()))
}

fn peers_of(name: &str) -> Vec<(usize, Vec<&'static str>)> {
    peer_lines().filter(|(_, cells)| cells[0].split(' ').any(|loss| loss == name)).collect()
}

/// At how many of their inputs the peers are wrong, and where to find them.
fn peers_cell(name: &str) -> String {
    let peers = peers_of(name);
    if peers.is_empty() {
        return "–".to_owned();
    }
    let is_right = |cells: &[&str]| cells[3] == cells[5] && cells[4] == cells[6];
    let wrong = peers.iter().filter(|(_, cells)| !is_right(cells)).count();
    let numbers: Vec<String> = peers.iter().map(|(number, _)| format!("[{number}](#peer-{number})")).collect();
    let mark = if wrong > 0 { "✗ " } else { "" };
    format!("{mark}wrong at {wrong} of {}: {}", peers.len(), numbers.join(" "))
}

fn peers() -> String {
    let mut out = "\n## The same formulas elsewhere\n\nWhat the formulas as written give in f32 in PyTorch 2.13.0 (eager and compiled) \
        and JAX 0.10.2 (compiled or not), measured for this project on 2026-11-23 on a machine with two Zen 5 cores. The \
        numbers in the tables above lead here; the inputs are those of this table, not those of the conformance set.\n\n\
        | | losses | formula | input | their value | their gradient | true value | true gradient |\n\
        |--:|---|---|---|---|---|---|---|\n"
        .to_owned();
    for (number, cells) in peer_lines() {
        let losses = cells[0].replace(' ', ", ");
        let rest: Vec<String> = cells[1..].iter().map(|cell| format!("`{cell}`")).collect();
        let _ = writeln!(out, "| <a id=\"peer-{number}\"></a>{number} | {losses} | {} |", rest.join(" | "));
    }
    out
}
