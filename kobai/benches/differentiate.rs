//! How long large formulas take, stage by stage: `cargo bench -p kobai --bench differentiate`.
//!
//! Each time is the best of a few runs, in milliseconds.

use kobai::differentiate::readable::derive;
use kobai::expr::Symbol;
use kobai::parse::{Syntax, parse};
use kobai::resolve::{InputKinds, Program, resolve};
use kobai::stabilise::{stabilise, stable_gradient};
use std::time::Instant;

const RUNS: usize = 3;

fn main() {
    println!(
        "{:<34} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "milliseconds", "parse", "resolve", "derive", "stabilise", "gradient"
    );
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    for (name, formula) in formulas() {
        if !wanted.is_empty() && !wanted.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let mut best = [f64::INFINITY; 5];
        for _ in 0..RUNS {
            let Some(times) = times(&formula) else {
                println!("{name:<34} is refused");
                break;
            };
            best.iter_mut().zip(times).for_each(|(best, time)| *best = best.min(time));
        }
        if best[0].is_finite() {
            let row: Vec<String> = best.iter().map(|time| format!("{time:>9.2}")).collect();
            println!("{name:<34} {}", row.join(" "));
        }
    }
}

/// Sums, products and nestings of logarithms, and the losses of the lessons.
fn formulas() -> Vec<(String, String)> {
    let mut formulas = Vec::new();
    for depth in [50, 100, 200] {
        formulas.push((format!("log log … x, {depth} deep"), nested(depth, r"\log(", ")")));
        formulas.push((format!("log(1 + log(1 + …)), {depth} deep"), nested(depth, r"\log(1 + ", ")")));
    }
    for terms in [100, 1_000, 10_000] {
        formulas.push((format!("sum of {terms} logarithms"), joined(terms, " + ", |k| format!(r"\log(x + {k})"))));
    }
    for factors in [30, 100, 300] {
        formulas.push((format!("product of {factors} factors"), joined(factors, " ", |k| format!("(x + {k})"))));
        formulas.push((
            format!("product of {factors} logarithms"),
            joined(factors, r" \cdot ", |k| format!(r"\log(x + {k})")),
        ));
    }
    let softmax = r"y_{ik} = \frac{e^{z_{ik}}}{\sum_j e^{z_{ij}}} \\ L = -\frac{1}{N} \sum_{i=1}^N \sum_{k=1}^K t_{ik} \log y_{ik}";
    formulas.push(("softmax cross-entropy".to_owned(), softmax.to_owned()));
    formulas
}

fn nested(depth: usize, open: &str, close: &str) -> String {
    open.repeat(depth) + "x" + &close.repeat(depth)
}

fn joined(count: usize, between: &str, part: impl Fn(usize) -> String) -> String {
    (1..=count).map(part).collect::<Vec<_>>().join(between)
}

fn times(formula: &str) -> Option<[f64; 5]> {
    let (parsed, parsing) = timed(|| parse(formula, Syntax::Latex));
    let (program, resolving) = timed(|| resolve(&parsed, &InputKinds::new()));
    let mut program: Program = program.ok()?;
    let symbol = *program.context.symbols_in(program.loss).first().unwrap_or(&Symbol(0));
    let symbol = program
        .context
        .symbols
        .iter()
        .position(|information| !information.defined && information.name.plain != "t")
        .map_or(symbol, |number| Symbol(number as u32));
    let mut reading = program.clone();
    let (_, deriving) = timed(|| derive(&mut reading, symbol));
    let (stable, stabilising) = timed(|| stabilise(&mut program));
    let (_, differentiating) = timed(|| stable_gradient(&mut program.context, stable.loss, &[symbol]));
    Some([parsing, resolving, deriving, stabilising, differentiating])
}

/// A result and the milliseconds that it took.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed().as_secs_f64() * 1e3)
}
