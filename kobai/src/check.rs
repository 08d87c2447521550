//! The proof by high precision: what the formula as written gives when numbers have as many digits as it needs.
//!
//! The value and the gradient are computed from the formula as written, at two precisions that must agree. The gradient is
//! held as well against differences of values along directions, which know nothing of the rules of differentiation.

use crate::differentiate::reverse::{Gradient, gradient};
use crate::eval::arithmetic::Arithmetic;
use crate::eval::data::{Bound, Inputs, bind};
use crate::eval::double::Double;
use crate::eval::high::High;
use crate::eval::{Evaluator, Tensor};
use crate::expr::{Context, Expr, Node, Rational, Symbol};
use crate::formula::Relation;
use crate::function::Function;
use crate::resolve::{Assumption, Program};
use crate::source::Diagnostic;
use crate::stabilise::{stabilise, stable_gradient, written_out};
use std::collections::HashMap;

/// Precisions to try, in bits, until two in a row agree.
const PRECISIONS: [usize; 5] = [256, 640, 1_600, 4_096, 10_240];
/// A zero is believed at this precision, in bits.
const ZEROS_BELIEVED_AT: usize = 4_096;
/// Zeros among more entries than this are believed at once: their digits would take too long.
const MOST_DOUBTED_ENTRIES: usize = 256;
/// How well two precisions must agree.
const AGREEMENT: f64 = 1e-25;
/// Errors are relative to the truth, or to this if the truth is smaller.
pub const FLOOR: &str = "1e-300";
/// How many random directions the gradient is held against.
const DIRECTIONS: usize = 2;

type Number = <High as Arithmetic>::Value;

/// A value and its gradients.
type Evaluated<V> = (V, Vec<Tensor<V>>);

/// The true value and gradients.
pub struct Truth {
    /// The value.
    pub value: Number,
    /// The gradients, in the order asked for.
    pub gradients: Vec<Tensor<Number>>,
    /// The precision in bits at which they were found.
    pub precision: usize,
    /// The worst relative difference between the gradient along a direction and a difference of values; `None` if a
    /// value beside the point is not finite.
    pub direction_error: Option<f64>,
}

/// Value and gradients in f64.
pub struct Doubles {
    /// The value.
    pub value: f64,
    /// The gradients, in the order asked for.
    pub gradients: Vec<Tensor<f64>>,
}

/// A loss with its gradients as expressions.
struct Expressions {
    loss: Expr,
    gradients: Vec<Gradient>,
}

/// The formula as written, with its gradients by the rules alone.
fn as_written(program: &mut Program, symbols: &[Symbol]) -> Expressions {
    let loss = written_out(program);
    let gradients = gradient(&mut program.context, loss, symbols, &|_, adjoint| adjoint);
    Expressions { loss, gradients }
}

/// Finds the truth.
///
/// # Errors
/// Inputs that do not fit, or labels out of range.
pub fn truth(program: &mut Program, symbols: &[Symbol], inputs: &Inputs) -> Result<Truth, Vec<Diagnostic>> {
    let written = as_written(program, symbols);
    let context = &program.context;
    let needed = needed_symbols(context, &written, symbols);
    let bound = bind(context, &needed, inputs)?;
    let mut last: Option<Truth> = None;
    for precision in PRECISIONS {
        let mut high = High::new(precision);
        let here = evaluate(context, &bound, &written, &mut high).map_err(|error| vec![error])?;
        // A difference that cancels at one precision cancels at another just as well: zeros ask for many more digits.
        // So does what is not finite: e^z may overflow in a quotient that is itself near 1.
        let doubtful = precision < ZEROS_BELIEVED_AT && (some_zero_among_few(&here) || !is_finite(&here));
        let agrees = !doubtful && last.as_ref().is_some_and(|before| agree(&mut high, before, &here));
        let (value, gradients) = here;
        last = Some(Truth { value, gradients, precision, direction_error: None });
        if agrees {
            break;
        }
    }
    let Some(mut truth) = last else { return Err(vec![Diagnostic::data_error("nothing-to-evaluate")]) };
    truth.direction_error = direction_error(context, &bound, &written, symbols, &truth).map_err(|error| vec![error])?;
    Ok(truth)
}

fn needed_symbols(context: &Context, expressions: &Expressions, symbols: &[Symbol]) -> Vec<Symbol> {
    let mut needed = context.symbols_in(expressions.loss);
    for &symbol in symbols {
        if !needed.contains(&symbol) {
            needed.push(symbol);
        }
    }
    needed
}

fn evaluate<A: Arithmetic>(
    context: &Context,
    bound: &Bound,
    expressions: &Expressions,
    arithmetic: &mut A,
) -> Result<Evaluated<A::Value>, Diagnostic> {
    let mut evaluator = Evaluator::new(context, bound, arithmetic);
    let value = evaluator.scalar(expressions.loss)?;
    let gradients = expressions
        .gradients
        .iter()
        .map(|gradient| evaluator.tensor(gradient.value, &gradient.indices))
        .collect::<Result<_, _>>()?;
    Ok((value, gradients))
}

fn some_zero_among_few((value, gradients): &Evaluated<Number>) -> bool {
    let entries: usize = gradients.iter().map(|gradient| gradient.data.len()).sum();
    entries <= MOST_DOUBTED_ENTRIES
        && (value.is_zero() || gradients.iter().flat_map(|gradient| &gradient.data).any(Number::is_zero))
}

fn is_finite((value, gradients): &Evaluated<Number>) -> bool {
    let finite = |number: &Number| !number.is_nan() && !number.is_inf();
    finite(value) && gradients.iter().flat_map(|gradient| &gradient.data).all(finite)
}

fn agree(high: &mut High, before: &Truth, here: &Evaluated<Number>) -> bool {
    let pairs = before.gradients.iter().zip(&here.1).flat_map(|(a, b)| a.data.iter().zip(&b.data));
    std::iter::once((&before.value, &here.0)).chain(pairs).all(|(a, b)| {
        let error = high.relative_error(a, b, FLOOR);
        // Both infinite, or both undefined, is agreement too: there are no digits to tell apart.
        error <= AGREEMENT || error.is_nan() && high.to_double(a).to_bits() == high.to_double(b).to_bits()
    })
}

/// Holds the gradient against (L(x + hv) − L(x − hv)) / 2h for random directions v.
fn direction_error(
    context: &Context,
    bound: &Bound,
    written: &Expressions,
    symbols: &[Symbol],
    truth: &Truth,
) -> Result<Option<f64>, Diagnostic> {
    let mut high = High::new(truth.precision * 2);
    // Halving the exponent of the precision balances the truncation of the difference against its rounding.
    let step = high.double(2.0);
    let exponent = high.double(-(truth.precision as f64) / 2.0);
    let step = high.power(&step, &exponent);
    // Below this a gradient is nothing beside the rounding of the values that are subtracted.
    let quarter = high.double(-(truth.precision as f64) / 4.0);
    let two = high.double(2.0);
    let rounding = high.power(&two, &quarter);
    let rounding = high.multiply(&rounding, &truth.value);
    let least = [high.call(Function::Abs, &[rounding]), high.from_decimal(FLOOR)];
    let mut worst: f64 = 0.0;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..DIRECTIONS {
        let mut expected = high.double(0.0);
        let mut scale = high.double(0.0);
        let mut sides: [HashMap<Symbol, Vec<Number>>; 2] = [HashMap::new(), HashMap::new()];
        for (&symbol, gradient) in symbols.iter().zip(&truth.gradients) {
            let array = bound.array(symbol).map_or(&[][..], |array| &array.data);
            for (&entry, slope) in array.iter().zip(&gradient.data) {
                // In proportion to the entry, so that the step is not lost beside it.
                let direction = high.double(random_sign(&mut random) * entry.abs().clamp(1.0, 1e300));
                let part = high.multiply(&direction, slope);
                expected = high.add(&expected, &part);
                let size = high.call(Function::Abs, &[part]);
                scale = high.add(&scale, &size);
                let centre = high.double(entry);
                let shift = high.multiply(&direction, &step);
                sides[0].entry(symbol).or_default().push(high.add(&centre, &shift));
                sides[1].entry(symbol).or_default().push(high.subtract(&centre, &shift));
            }
        }
        let [above, below] = sides;
        let above = value_at(context, bound, written.loss, above, &mut high)?;
        let below = value_at(context, bound, written.loss, below, &mut high)?;
        let difference = high.subtract(&above, &below);
        let twice = high.add(&step, &step);
        let found = high.divide(&difference, &twice);
        let difference = high.subtract(&found, &expected);
        let scale = least.iter().fold(scale, |most, floor| high.call(Function::Max, &[most, floor.clone()]));
        let error = high.divide(&difference, &scale);
        let error = high.to_double(&error).abs();
        if !error.is_finite() {
            return Ok(None);
        }
        worst = worst.max(error);
    }
    Ok(Some(worst))
}

fn value_at(
    context: &Context,
    bound: &Bound,
    loss: Expr,
    inputs: HashMap<Symbol, Vec<Number>>,
    high: &mut High,
) -> Result<Number, Diagnostic> {
    Evaluator::new(context, bound, high).with_values(inputs).scalar(loss)
}

/// ±1 or ±1/2 and so on: Marsaglia's xorshift is random enough to keep errors from cancelling.
fn random_sign(state: &mut u64) -> f64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    let size = 1.0 + (*state >> 40) as f64 / (1_u64 << 24) as f64;
    if *state & 1 == 0 { size } else { -size }
}

/// What the formula as written gives in f64: NaN, ∞ and lost digits included.
///
/// # Errors
/// Inputs that do not fit.
pub fn naive(program: &mut Program, symbols: &[Symbol], inputs: &Inputs) -> Result<Doubles, Vec<Diagnostic>> {
    let written = as_written(program, symbols);
    in_doubles(&program.context, &written, symbols, inputs)
}

/// What the stable form gives in f64, by the reference interpreter.
///
/// # Errors
/// Inputs that do not fit.
pub fn stable(program: &mut Program, symbols: &[Symbol], inputs: &Inputs) -> Result<Doubles, Vec<Diagnostic>> {
    let loss = stabilise(program).loss;
    let gradients = stable_gradient(&mut program.context, loss, symbols);
    in_doubles(&program.context, &Expressions { loss, gradients }, symbols, inputs)
}

fn in_doubles(
    context: &Context,
    expressions: &Expressions,
    symbols: &[Symbol],
    inputs: &Inputs,
) -> Result<Doubles, Vec<Diagnostic>> {
    let needed = needed_symbols(context, expressions, symbols);
    let bound = bind(context, &needed, inputs)?;
    let (value, gradients) = evaluate(context, &bound, expressions, &mut Double).map_err(|error| vec![error])?;
    Ok(Doubles { value, gradients })
}

impl Truth {
    /// The relative error of a value and of each gradient entry.
    pub fn errors(&self, found: &Doubles) -> (f64, Vec<Vec<f64>>) {
        let mut high = High::new(self.precision);
        let mut error = |found: f64, truth: &Number| {
            let found = high.double(found);
            let error = high.relative_error(&found, truth, FLOOR);
            if error.is_nan() && high.to_double(&found).to_bits() == high.to_double(truth).to_bits() {
                0.0
            } else {
                error
            }
        };
        let value = error(found.value, &self.value);
        let gradients = found.gradients.iter().zip(&self.gradients);
        let gradients = gradients
            .map(|(found, truth)| {
                found.data.iter().zip(&truth.data).map(|(&found, truth)| error(found, truth)).collect()
            })
            .collect();
        (value, gradients)
    }
}

/// What the data say of a stated condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds everywhere.
    Holds,
    /// It does not hold at these places (one for each index of the condition, counted from 0).
    Broken(Vec<usize>),
    /// It speaks of something that is not in the data.
    Unchecked,
}

/// Equations between computed numbers are held to this relative error.
const EQUAL_WITHIN: f64 = 1e-9;

/// Holds each condition that the program states against the data.
pub fn assumptions(program: &mut Program, inputs: &Inputs) -> Vec<Verdict> {
    let stated = program.assumptions.clone();
    stated.iter().map(|assumption| verdict(program, assumption, inputs)).collect()
}

fn verdict(program: &mut Program, assumption: &Assumption, inputs: &Inputs) -> Verdict {
    let context = &mut program.context;
    let condition = tolerant(context, assumption.condition);
    let symbols = context.symbols_in(condition);
    let Ok(bound) = bind(context, &symbols, inputs) else { return Verdict::Unchecked };
    let mut double = Double;
    let Ok(values) = Evaluator::new(context, &bound, &mut double).tensor(condition, &assumption.indices) else {
        return Verdict::Unchecked;
    };
    match values.data.iter().position(|&value| value == 0.0) {
        None => Verdict::Holds,
        Some(mut offset) => {
            let mut places = Vec::new();
            for &size in values.shape.iter().rev() {
                places.push(offset % size);
                offset /= size;
            }
            places.reverse();
            Verdict::Broken(places)
        }
    }
}

/// An equation as |a − b| ≤ ε; anything else as it is.
fn tolerant(context: &mut Context, condition: Expr) -> Expr {
    let Node::Compare(Relation::Equal, a, b) = *context.node(condition) else { return condition };
    let difference = context.subtract(a, b);
    let size = context.apply(Function::Abs, difference);
    let bound = Rational::from_float(EQUAL_WITHIN).unwrap_or_default();
    let bound = context.number(bound);
    context.compare(Relation::LessOrEqual, size, bound)
}
