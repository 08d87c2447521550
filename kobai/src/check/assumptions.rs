//! The conditions that a text states, held against data.

use crate::eval::Evaluator;
use crate::eval::data::{Inputs, bind};
use crate::eval::double::Double;
use crate::expr::{Context, Expr, Index, Node, Rational, Reduction};
use crate::formula::Relation;
use crate::function::Function;
use crate::print::{Notation, membership, print, print_condition};
use crate::resolve::{Assumption, Program};
use crate::source::{Diagnostic, Severity};

/// What the data say of a stated condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It holds everywhere.
    Holds,
    /// It does not hold.
    Broken(Broken),
    /// It speaks of something that is not in the data.
    Unchecked,
}

/// Where a condition does not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    /// The first place: the condition's free indices by name, each counted from 0.
    pub places: Vec<(String, usize)>,
    /// What the condition is about, and its value there.
    pub found: Vec<(String, f64)>,
    /// How many places break it.
    pub count: usize,
    /// Of how many.
    pub total: usize,
}

impl Broken {
    /// `i = 3, k = 0`; empty for a condition on numbers.
    pub fn place(&self) -> String {
        self.places.iter().map(|(name, place)| format!("{name} = {place}")).collect::<Vec<_>>().join(", ")
    }

    /// `y[i,k] = 1.2`
    pub fn values(&self) -> String {
        self.found.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ")
    }
}

/// Equations between computed numbers are held to this relative error.
const EQUAL_WITHIN: f64 = 1e-9;

/// Holds each condition that the program states against the data.
pub fn assumptions(program: &mut Program, inputs: &Inputs) -> Vec<Verdict> {
    let stated = program.assumptions.clone();
    stated.iter().map(|assumption| verdict(&mut program.context, assumption, inputs)).collect()
}

/// In how many places a condition does not hold, as an expression of the symbols that it speaks of: a plan counts over more
/// data than an interpreter.
pub fn breaches(context: &mut Context, assumption: &Assumption) -> Expr {
    let condition = tolerant(context, assumption.condition);
    let one = context.integer(1);
    let broken = context.subtract(one, condition);
    assumption.indices.iter().rev().fold(broken, |body, &index| context.reduce(Reduction::Sum, index, body))
}

/// A warning for each condition that the data break, with the place in the data.
pub fn broken_assumptions(program: &mut Program, inputs: &Inputs) -> Vec<Diagnostic> {
    let verdicts = assumptions(program, inputs);
    let stated = program.assumptions.iter().zip(verdicts);
    let warnings = stated.filter_map(|(assumption, verdict)| match verdict {
        Verdict::Broken(broken) => {
            let condition = print_condition(&program.context, assumption.condition, Notation::Terminal);
            let place = if broken.places.is_empty() { "–".to_owned() } else { broken.place() };
            let warning = Diagnostic::data_error("assumption-broken").with("condition", condition);
            let warning = warning.with("place", place).with("values", broken.values());
            let warning = warning.with("count", broken.count.to_string()).with("total", broken.total.to_string());
            Some(Diagnostic { severity: Severity::Warning, span: Some(assumption.span), ..warning })
        }
        _ => None,
    });
    warnings.collect()
}

/// Holds a condition against the data.
pub fn verdict(context: &mut Context, assumption: &Assumption, inputs: &Inputs) -> Verdict {
    let condition = tolerant(context, assumption.condition);
    let symbols = context.symbols_in(condition);
    let Ok(bound) = bind(context, &symbols, inputs) else { return Verdict::Unchecked };
    let mut double = Double;
    let Ok(values) = Evaluator::new(context, &bound, &mut double).tensor(condition, &assumption.indices) else {
        return Verdict::Unchecked;
    };
    let total = values.data.len();
    let Some(first) = values.data.iter().position(|&value| value == 0.0) else { return Verdict::Holds };
    let count = values.data.iter().filter(|&&value| value == 0.0).count();
    let places = places_of(first, &values.shape);
    let mut found = Vec::new();
    for side in sides(context, assumption.condition) {
        let at = Evaluator::new(context, &bound, &mut double).tensor(side, &assumption.indices);
        if let Some(&value) = at.ok().as_ref().and_then(|tensor| tensor.data.get(first)) {
            found.push((print(context, side, Notation::Terminal), value));
        }
    }
    let places = assumption.indices.iter().map(|&index| name(context, index)).zip(places).collect();
    Verdict::Broken(Broken { places, found, count, total })
}

fn places_of(mut offset: usize, shape: &[usize]) -> Vec<usize> {
    let mut places: Vec<usize> = Vec::new();
    for &size in shape.iter().rev() {
        places.push(offset % size);
        offset /= size;
    }
    places.reverse();
    places
}

fn name(context: &Context, index: Index) -> String {
    context.index_name(index).map_or_else(|| "?".to_owned(), |name| name.plain.clone())
}

/// What a condition compares, numbers left out.
fn sides(context: &Context, condition: Expr) -> Vec<Expr> {
    if let Some((element, _)) = membership(context, condition) {
        return vec![element];
    }
    let mut found = match context.node(condition) {
        Node::Compare(_, a, b) | Node::Delta(a, b) => vec![*a, *b],
        Node::Mul(parts) => parts.iter().flat_map(|&part| sides(context, part)).collect(),
        _ => Vec::new(),
    };
    found.retain(|&side| context.as_number(side).is_none());
    found.sort_unstable();
    found.dedup();
    found
}

/// An equation as |a − b| ≤ ε max(1, |b|); anything else as it is.
fn tolerant(context: &mut Context, condition: Expr) -> Expr {
    let Node::Compare(Relation::Equal, a, b) = *context.node(condition) else { return condition };
    let difference = context.subtract(a, b);
    let size = context.apply(Function::Abs, difference);
    let bound = Rational::from_float(EQUAL_WITHIN).unwrap_or_default();
    let bound = context.number(bound);
    let (one, scale) = (context.integer(1), context.apply(Function::Abs, b));
    let scale = context.call(Function::Max, vec![one, scale]);
    let bound = context.mul(vec![bound, scale]);
    context.compare(Relation::LessOrEqual, size, bound)
}
