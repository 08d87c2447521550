//! Why a rewriting is needed: values at which the form before it goes wrong in f64, and the form after it does not.

use crate::eval::Evaluator;
use crate::eval::arithmetic::Arithmetic;
use crate::eval::data::{Array, Inputs, bind};
use crate::eval::double::Double;
use crate::eval::high::High;
use crate::expr::{Context, Symbol};
use crate::resolve::Program;
use crate::rewrite::Fired;
use crate::rewrite::rules::Hazard;

/// Values at which a form goes wrong, and what each form gives there.
#[derive(Clone, Debug, PartialEq)]
pub struct Motivation {
    /// The inputs: each symbol with its first entries, the rest being 0.
    pub inputs: Vec<(Symbol, Vec<f64>)>,
    /// What the form before the rewriting gives in f64.
    pub before: f64,
    /// What the form after it gives in f64.
    pub after: f64,
    /// The true value, rounded.
    pub truth: f64,
}

/// Values tried, the plainest first.
const VALUES: [f64; 16] =
    [1000.0, -1000.0, 1.0, 0.0, 40.0, -40.0, 1e-20, -1e-20, 20.0, -20.0, 1e200, 1e-200, 0.5, 1e-9, 3.0, -1.0];
/// The size of every axis that the text does not fix.
const SIZE: usize = 2;
/// Bits of the true value.
const PRECISION: usize = 1024;
/// A form whose relative error is above this goes wrong.
const WRONG: f64 = 1e-6;
/// One whose relative error is below this does not.
const RIGHT: f64 = 1e-12;
/// Points tried for one rewriting.
const MOST_POINTS: usize = 4096;

/// Values at which the form before a rewriting goes wrong in f64 and the one after it does not, if any are found.
pub fn motivation(program: &Program, fired: &Fired) -> Option<Motivation> {
    if fired.hazard == Hazard::None {
        return None;
    }
    let context = &program.context;
    let symbols = context.symbols_in(fired.before);
    let real: Vec<Symbol> = symbols.iter().copied().filter(|&symbol| !context.symbol(symbol).integer).collect();
    let mut high = High::new(PRECISION);
    points(real.len()).take(MOST_POINTS).find_map(|point| {
        let inputs = inputs(context, &symbols, &real, &point)?;
        if !allowed(program, &inputs, &symbols) {
            return None;
        }
        let bound = bind(context, &symbols, &inputs).ok()?;
        let truth = Evaluator::new(context, &bound, &mut high).scalar(fired.before).ok()?;
        if !high.to_double(&truth).is_finite() {
            return None;
        }
        let before = Evaluator::new(context, &bound, &mut Double).literally().scalar(fired.before).ok()?;
        let after = Evaluator::new(context, &bound, &mut Double).scalar(fired.after).ok()?;
        let error = |high: &mut High, found: f64| {
            let found = high.double(found);
            let error = high.relative_error(&found, &truth, "1e-300");
            if error.is_nan() { f64::INFINITY } else { error }
        };
        (error(&mut high, before) > WRONG && error(&mut high, after) < RIGHT).then(|| Motivation {
            inputs: real.iter().map(|&symbol| (symbol, entries(&inputs, context, symbol))).collect(),
            before,
            after,
            truth: high.to_double(&truth),
        })
    })
}

/// A value for each name: all names but one, and then all but two, at one plain value.
fn points(names: usize) -> impl Iterator<Item = Vec<f64>> {
    let plain = [1.0, 0.5, -1.0];
    let two = (0..names).flat_map(move |first| (first + 1..names).map(move |second| (first, second)));
    let pairs = (0..names).map(|only| (only, only)).chain(two);
    plain.into_iter().flat_map(move |rest| {
        pairs.clone().flat_map(move |(first, second)| {
            VALUES.into_iter().flat_map(move |a| {
                let others: &[f64] = if first == second { &VALUES[..1] } else { &VALUES };
                others.iter().map(move |&b| {
                    let mut point = vec![rest; names];
                    point[second] = b;
                    point[first] = a;
                    point
                })
            })
        })
    })
}

fn inputs(context: &Context, symbols: &[Symbol], real: &[Symbol], point: &[f64]) -> Option<Inputs> {
    let mut inputs = Inputs::new();
    for &symbol in symbols {
        let information = context.symbol(symbol);
        let shape: Vec<usize> = information.axes.iter().map(|&axis| context.axis(axis).fixed.unwrap_or(SIZE)).collect();
        let mut data = vec![0.0; shape.iter().product()];
        if let Some(position) = real.iter().position(|&known| known == symbol) {
            *data.first_mut()? = point[position];
        }
        inputs.insert(information.name.plain.clone(), Array { shape, data, integer: information.integer });
    }
    Some(inputs)
}

/// True if the inputs break no stated assumption about the symbols.
fn allowed(program: &Program, inputs: &Inputs, symbols: &[Symbol]) -> bool {
    let context = &program.context;
    program.assumptions.iter().all(|assumption| {
        let needed = context.symbols_in(assumption.condition);
        if !needed.iter().all(|symbol| symbols.contains(symbol)) {
            return true;
        }
        let Ok(bound) = bind(context, &needed, inputs) else { return true };
        let holds = Evaluator::new(context, &bound, &mut Double).tensor(assumption.condition, &assumption.indices);
        holds.is_ok_and(|holds| holds.data.iter().all(|&holds| holds != 0.0))
    })
}

/// The entries along the last axis of a symbol's first row.
fn entries(inputs: &Inputs, context: &Context, symbol: Symbol) -> Vec<f64> {
    let array = &inputs[&context.symbol(symbol).name.plain];
    let row = array.shape.last().copied().unwrap_or(1);
    array.data[..row.min(array.data.len())].to_vec()
}
