//! The conditions that a document states, held against the rows that train.

use std::collections::HashSet;
use std::ops::{ControlFlow, Range};

use kobai::check::{Broken, Verdict, breaches, verdict};
use kobai::eval::data::{Array, Inputs};
use kobai::expr::Symbol;
use kobai::plan::Output;
use kobai::resolve::Assumption;

use crate::model::{FitError, Model};
use crate::part::Part;

/// Up to so many entries of data the interpreter is done before a plan would be made.
const FEW_ENTRIES: usize = 1 << 12;

/// How many rows are looked at together for the first that breaks a condition.
const ROWS: usize = 1 << 14;

/// What all rows of a part say of each condition stated.
///
/// # Errors
/// A label outside of its axis.
pub(crate) fn verdicts(model: &mut Model, part: &Part) -> Result<Vec<Verdict>, FitError> {
    let stated = model.program.assumptions.clone();
    let mut verdicts = vec![Verdict::Unchecked; stated.len()];
    let (mut many, mut counts) = (Vec::new(), Vec::new());
    for (number, assumption) in stated.iter().enumerate() {
        let symbols = model.program.context.symbols_in(assumption.condition);
        let entries: usize = arrays(model, part, &symbols).map(|(_, array)| array.len()).sum();
        if entries <= FEW_ENTRIES {
            verdicts[number] = on_rows(model, part, assumption, 0..part.rows);
        } else if symbols.iter().all(|&symbol| is_given(model, part, symbol)) {
            let value = breaches(&mut model.program.context, assumption);
            many.push(number);
            counts.push(Output { name: number.to_string(), indices: Vec::new(), value });
        }
    }
    if counts.is_empty() {
        return Ok(verdicts);
    }
    let mut runner = model.runner(&counts, part, part.rows, None)?;
    let go_on = |_: Range<usize>| ControlFlow::Continue(());
    runner.run(model, (part, 0), &[], &go_on)?;
    for (number, count) in many.into_iter().zip(&counts) {
        verdicts[number] = match runner.output(&count.name) {
            [0.0] => Verdict::Holds,
            [count] => first_broken(model, part, &stated[number], *count as usize),
            _ => Verdict::Unchecked,
        };
    }
    Ok(verdicts)
}

/// The first place that breaks a condition which so many places break.
fn first_broken(model: &mut Model, part: &Part, assumption: &Assumption, count: usize) -> Verdict {
    let symbols = model.program.context.symbols_in(assumption.condition);
    let context = &model.program.context;
    let mut axes = symbols.iter().filter_map(|&symbol| context.symbol(symbol).axes.first().copied());
    let row = axes.find_map(|axis| assumption.indices.iter().position(|index| index.axis == axis));
    let row = row.filter(|&row| !model.looks_at_other_rows(assumption.condition, &assumption.indices[row]));
    let Some(row) = row else { return on_rows(model, part, assumption, 0..part.rows) };
    for first in (0..part.rows).step_by(ROWS) {
        let rows = first..part.rows.min(first + ROWS);
        let length = rows.len();
        if let Verdict::Broken(mut broken) = on_rows(model, part, assumption, rows) {
            broken.places[row].1 += first;
            return Verdict::Broken(Broken { count, total: broken.total / length * part.rows, ..broken });
        }
    }
    Verdict::Unchecked
}

/// What some rows say of a condition.
fn on_rows(model: &mut Model, part: &Part, assumption: &Assumption, rows: Range<usize>) -> Verdict {
    let symbols = model.program.context.symbols_in(assumption.condition);
    let arrays = arrays(model, part, &symbols).map(|(name, array)| (name.clone(), array.part_of(rows.clone())));
    let numbers = model.numbers.iter().map(|(name, number)| (name.clone(), Array::scalar(*number)));
    let inputs: Inputs = arrays.chain(numbers).collect();
    verdict(&mut model.program.context, assumption, &inputs)
}

/// The arrays of these symbols.
fn arrays<'a>(
    model: &Model,
    part: &'a Part,
    symbols: &[Symbol],
) -> impl Iterator<Item = (&'a String, &'a crate::part::PartArray)> + use<'a> {
    let context = &model.program.context;
    let names: HashSet<String> = symbols.iter().map(|&symbol| context.symbol(symbol).name.plain.clone()).collect();
    part.arrays.iter().filter(move |(name, _)| names.contains(*name))
}

fn is_given(model: &Model, part: &Part, symbol: Symbol) -> bool {
    let name = &model.program.context.symbol(symbol).name.plain;
    part.arrays.contains_key(name) || model.numbers.contains_key(name)
}
