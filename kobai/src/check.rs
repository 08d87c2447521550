//! The proof by high precision: what the formula as written gives when numbers have as many digits as it needs.
//!
//! The value and the gradient are computed from the formula as written, at two precisions that must agree, each with other
//! rounding. The gradient is held as well against differences of values along directions, which know nothing of the rules
//! of differentiation.

pub mod adversary;
mod assumptions;
mod deviation;
mod directions;
mod domain;
mod tally;
mod truth;

use crate::differentiate::reverse::{Gradient, gradient};
use crate::eval::arithmetic::Arithmetic;
use crate::eval::data::{Bound, Inputs, bind};
use crate::eval::double::Double;
use crate::eval::single::Single;
use crate::eval::{Evaluator, Tensor};
use crate::expr::{Context, Expr, Symbol};
use crate::resolve::Program;
use crate::source::Diagnostic;
use crate::stabilise::{stabilise, stable_gradient, written_out};
pub use assumptions::{Broken, Verdict, assumptions, breaches, broken_assumptions, verdict};
pub use deviation::{Deviation, Format};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
pub use tally::{Sensitivity, Tally, Worst};
pub use truth::{Basis, FLOOR, Number, Truth};

/// A value and its gradients.
type Evaluated<V> = (V, Vec<Tensor<V>>);

/// Value and gradients in a type that a machine computes in; those of `f32` are widened.
#[derive(Clone, Debug, PartialEq)]
pub struct Doubles {
    /// The value.
    pub value: f64,
    /// The gradients, in the order asked for.
    pub gradients: Vec<Tensor<f64>>,
}

/// What a long computation tells while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Value and gradients with so many bits.
    Precision(usize),
    /// Differences of values along this direction, counted from 1.
    Direction(usize),
}

/// Who watches a long computation.
pub struct Monitor<'a> {
    /// Set from outside to have it stop soon, with what there is.
    pub interrupted: &'a AtomicBool,
    /// Called at the beginning of each stage.
    pub stage: &'a mut dyn FnMut(Stage),
}

impl Monitor<'_> {
    /// True once it should stop.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

/// A loss with its gradients as expressions.
struct Expressions {
    loss: Expr,
    gradients: Vec<Gradient>,
    /// True if each operation is to be done as it stands.
    literal: bool,
}

/// A loss made ready to be checked at many inputs.
pub struct Checker {
    written: Expressions,
    stable: Expressions,
    /// What is differentiated by.
    pub symbols: Vec<Symbol>,
}

impl Checker {
    /// Differentiates the loss as written by the rules alone, and its stable form.
    pub fn new(program: &mut Program, symbols: &[Symbol]) -> Checker {
        let loss = written_out(program);
        let gradients = gradient(&mut program.context, loss, symbols, &|_, adjoint| adjoint);
        let written = Expressions { loss, gradients, literal: true };
        let loss = stabilise(program).loss;
        let gradients = stable_gradient(&mut program.context, loss, symbols);
        Checker { written, stable: Expressions { loss, gradients, literal: false }, symbols: symbols.to_vec() }
    }

    /// Finds the truth.
    ///
    /// # Errors
    /// Inputs that do not fit, labels out of range, or an interruption before anything is known.
    pub fn truth(
        &self,
        context: &Context,
        inputs: &Inputs,
        monitor: &mut Monitor<'_>,
    ) -> Result<Truth, Vec<Diagnostic>> {
        let mut truth = self.truth_without_directions(context, inputs, monitor)?;
        let bound = bind_needed(context, &self.written, &self.symbols, inputs)?;
        truth.directions = directions::count(&truth);
        let direction_error = directions::error(context, &bound, &self.written, &self.symbols, &truth, monitor);
        truth.direction_error = match direction_error {
            Err(error) if error.code != INTERRUPTED => return Err(vec![error]),
            found => found.unwrap_or(None),
        };
        Ok(truth)
    }

    /// The same without differences of values.
    ///
    /// # Errors
    /// As for [`truth`](Checker::truth).
    pub fn truth_without_directions(
        &self,
        context: &Context,
        inputs: &Inputs,
        monitor: &mut Monitor<'_>,
    ) -> Result<Truth, Vec<Diagnostic>> {
        let bound = bind_needed(context, &self.written, &self.symbols, inputs)?;
        truth::find(context, &bound, [&self.written, &self.stable], monitor).map_err(|error| vec![error])
    }

    /// The stable form and its gradients.
    pub fn stable_form(&self) -> (Expr, &[Gradient]) {
        (self.stable.loss, &self.stable.gradients)
    }

    /// What the formula as written gives: NaN, ∞ and lost digits included.
    ///
    /// # Errors
    /// Inputs that do not fit.
    pub fn naive(&self, context: &Context, inputs: &Inputs, format: Format) -> Result<Doubles, Vec<Diagnostic>> {
        self.in_format(context, &self.written, inputs, format)
    }

    /// What the stable form gives, by the reference interpreter.
    ///
    /// # Errors
    /// Inputs that do not fit.
    pub fn stable(&self, context: &Context, inputs: &Inputs, format: Format) -> Result<Doubles, Vec<Diagnostic>> {
        self.in_format(context, &self.stable, inputs, format)
    }

    fn in_format(
        &self,
        context: &Context,
        expressions: &Expressions,
        inputs: &Inputs,
        format: Format,
    ) -> Result<Doubles, Vec<Diagnostic>> {
        let bound = bind_needed(context, &self.written, &self.symbols, inputs)?;
        let found = match format {
            Format::F64 => in_machine(context, &bound, expressions, &mut Double),
            Format::F32 => in_machine(context, &bound, expressions, &mut Single),
        };
        found.map_err(|error| vec![error])
    }
}

fn bind_needed<'a>(
    context: &Context,
    expressions: &Expressions,
    symbols: &[Symbol],
    inputs: &'a Inputs,
) -> Result<Bound<'a>, Vec<Diagnostic>> {
    let mut needed = context.symbols_in(expressions.loss);
    needed.extend(symbols);
    needed.sort_unstable();
    needed.dedup();
    bind(context, &needed, inputs)
}

/// The code of the diagnostic of an evaluation that was stopped.
const INTERRUPTED: &str = "interrupted";

fn in_machine<A: Arithmetic>(
    context: &Context,
    bound: &Bound,
    expressions: &Expressions,
    arithmetic: &mut A,
) -> Result<Doubles, Diagnostic> {
    let never = AtomicBool::new(false);
    let (value, gradients) = evaluate(context, bound, expressions, arithmetic, &never)?;
    let wide = |tensor: Tensor<A::Value>| Tensor {
        data: tensor.data.iter().map(|value| arithmetic.to_double(value)).collect(),
        shape: tensor.shape,
    };
    Ok(Doubles { value: arithmetic.to_double(&value), gradients: gradients.into_iter().map(wide).collect() })
}

fn evaluate<A: Arithmetic>(
    context: &Context,
    bound: &Bound,
    expressions: &Expressions,
    arithmetic: &mut A,
    interrupted: &AtomicBool,
) -> Result<Evaluated<A::Value>, Diagnostic> {
    evaluate_at(context, bound, expressions, arithmetic, HashMap::new(), interrupted)
}

/// The same with other values for some of the inputs.
fn evaluate_at<A: Arithmetic>(
    context: &Context,
    bound: &Bound,
    expressions: &Expressions,
    arithmetic: &mut A,
    values: HashMap<Symbol, Vec<A::Value>>,
    interrupted: &AtomicBool,
) -> Result<Evaluated<A::Value>, Diagnostic> {
    let mut evaluator = Evaluator::new(context, bound, arithmetic).with_values(values).stopped_by(interrupted);
    if expressions.literal {
        evaluator = evaluator.literally();
    }
    let value = evaluator.scalar(expressions.loss)?;
    let gradients = expressions
        .gradients
        .iter()
        .map(|gradient| evaluator.tensor(gradient.value, &gradient.indices))
        .collect::<Result<_, _>>()?;
    Ok((value, gradients))
}

/// Finds the truth at one point; to check many, make a [`Checker`].
///
/// # Errors
/// Inputs that do not fit, or labels out of range.
pub fn truth(program: &mut Program, symbols: &[Symbol], inputs: &Inputs) -> Result<Truth, Vec<Diagnostic>> {
    let never = AtomicBool::new(false);
    let mut monitor = Monitor { interrupted: &never, stage: &mut |_| {} };
    Checker::new(program, symbols).truth(&program.context, inputs, &mut monitor)
}

/// What the formula as written gives in f64: NaN, ∞ and lost digits included.
///
/// # Errors
/// Inputs that do not fit.
pub fn naive(program: &mut Program, symbols: &[Symbol], inputs: &Inputs) -> Result<Doubles, Vec<Diagnostic>> {
    Checker::new(program, symbols).naive(&program.context, inputs, Format::F64)
}

/// What the stable form gives in f64, by the reference interpreter.
///
/// # Errors
/// Inputs that do not fit.
pub fn stable(program: &mut Program, symbols: &[Symbol], inputs: &Inputs) -> Result<Doubles, Vec<Diagnostic>> {
    Checker::new(program, symbols).stable(&program.context, inputs, Format::F64)
}
