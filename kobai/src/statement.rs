//! Statements: whether what a relation says holds, for all values within the domains of its functions.
//!
//! Derivatives in it are carried out, definitions written out. Two sides that become one expression are equal; others are
//! held against each other in high precision at sampled points, and a point at which they differ is the counterexample.

mod conditions;
mod sample;
mod sign;

use crate::differentiate::reverse::gradient;
use crate::eval::Evaluator;
use crate::eval::arithmetic::Arithmetic;
use crate::eval::data::{Array, Inputs, bind};
use crate::eval::high::High;
use crate::expr::{Context, Expr, Index, Node, Rational, SymbolInformation};
use crate::formula::{Relation, Spelling};
use crate::function::Function;
use crate::resolve::statement::Stated;
use crate::resolve::{Assumption, Program};
use crate::rewrite::simplify::expand;
use crate::source::Diagnostic;
use crate::stabilise::{knowledge, stabilise_expression, written_out_expression};
pub use conditions::{domain, print_conditions, simplified};
use sample::{Sampler, Supposition};
use std::collections::HashMap;

/// The precision of the samples in bits.
const PRECISION: usize = 320;
/// Sides that differ by less than this, beside their size, are equal.
const EQUAL_WITHIN: &str = "1e-50";
/// A limit is tried at this distance from its place, and is off by about as much.
const NEAR: f64 = 1.0 / (1_u128 << 100) as f64;
const LIMIT_WITHIN: &str = "1e-20";
/// How many points are tried, and how many within the domain are enough.
const MOST_TRIES: usize = 480;
const ENOUGH_POINTS: usize = 24;
/// Fewer points than these say nothing of an identity.
const FEWEST_POINTS: usize = 4;
/// Digits that a counterexample is shown with.
const DIGITS: usize = 12;

type Number = <High as Arithmetic>::Value;

/// What was found of a statement.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// Whether it holds.
    pub verdict: Verdict,
    /// Where it holds: what its functions ask of its variables.
    pub conditions: Vec<Expr>,
    /// What had to be supposed, though the text does not state it.
    pub supposed: Vec<Expr>,
    /// The difference of the sides had both signs, or was 0, at some point: a relation that some values satisfy.
    pub satisfiable: bool,
}

/// Whether a statement holds.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The sides are one expression, or equal numbers.
    Exact,
    /// The sides agree at so many points.
    Sampled(usize),
    /// A point at which it does not hold.
    False(Counterexample),
    /// No point was found at which all of it is defined.
    NoPoint,
}

/// Values at which a statement does not hold.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// The values of the inputs by name; none for a statement about numbers.
    pub values: Inputs,
    /// The place in the sides' indices, counted from 0.
    pub place: Vec<usize>,
    /// Which relation of a chain fails, counted from 0.
    pub link: usize,
    /// The side on its left, in decimal.
    pub left: String,
    /// The side on its right.
    pub right: String,
}

/// Judges the statement of a program.
///
/// # Errors
/// A derivative that cannot be carried out, or data that cannot be made up.
pub fn judge(program: &mut Program) -> Result<Judgement, Diagnostic> {
    let Some(stated) = program.stated.clone() else { return Err(Diagnostic::data_error("nothing-to-evaluate")) };
    let written: Vec<Expr> = stated.sides.iter().map(|&side| written_out_expression(program, side)).collect();
    let differentiated = written.iter().any(|&side| program.context.has_derivative(side));
    let carried_out = |program: &mut Program, side: &Expr| carry_out(&mut program.context, *side);
    let sides = written.iter().map(|side| carried_out(program, side)).collect::<Result<Vec<Expr>, _>>()?;
    let required: Vec<Expr> =
        written.iter().chain(&sides).flat_map(|&side| domain(&mut program.context, side)).collect();
    let near =
        |condition: &Expr| stated.limits.iter().any(|limit| program.context.depends_on(*condition, limit.symbol));
    let lasting: Vec<Expr> = required.iter().copied().filter(|condition| !near(condition)).collect();
    let conditions = simplified(program, &lasting);
    // What is never defined is not equal to anything.
    if required.iter().any(|&condition| program.context.is_integer(condition, 0)) {
        let (supposed, satisfiable) = (Vec::new(), false);
        return Ok(Judgement { verdict: Verdict::NoPoint, conditions, supposed, satisfiable });
    }
    let exact = exact_within(program, &sides, &stated.relations, &conditions);
    let mut judgement = Judgement { verdict: Verdict::Exact, conditions, supposed: Vec::new(), satisfiable: true };
    if exact == Some(true) {
        return Ok(judgement);
    }
    let mut judge = Judge { program, stated: &stated, sides: &sides, required: &required };
    let (verdict, satisfiable) = judge.sampled(None)?;
    judgement.satisfiable = satisfiable;
    if differentiated && matches!(verdict, Verdict::False(_)) {
        for supposition in judge.suppositions() {
            if let (found @ Verdict::Sampled(_), _) = judge.sampled(Some(&supposition))? {
                judgement.supposed.push(supposition.condition);
                judgement.verdict = found;
                return Ok(judgement);
            }
        }
    }
    judgement.verdict = verdict;
    Ok(judgement)
}

/// The same where the conditions hold.
fn exact_within(program: &mut Program, sides: &[Expr], relations: &[Relation], conditions: &[Expr]) -> Option<bool> {
    let stated = program.assumptions.clone();
    program.assumptions.extend(conditions.iter().map(|&condition| Assumption {
        condition,
        indices: program.context.free_indices(condition).to_vec(),
        span: Default::default(),
    }));
    let exact = all_exact(program, sides, relations);
    program.assumptions = stated;
    exact
}

/// Whether all relations hold between expressions that are compared exactly; `None` where that does not tell.
fn all_exact(program: &mut Program, sides: &[Expr], relations: &[Relation]) -> Option<bool> {
    let mut all = true;
    for (pair, relation) in sides.windows(2).zip(relations) {
        let stable = [canonical(program, pair[0]), canonical(program, pair[1])];
        let context = &program.context;
        all &= match (context.as_number(stable[0]), context.as_number(stable[1])) {
            (Some(left), Some(right)) => relation.holds(left.cmp(right)),
            _ if !relation.holds(std::cmp::Ordering::Equal) => return None,
            _ => {
                [(pair[0], pair[1]), (stable[0], stable[1])].iter().any(|&(a, b)| same(&mut program.context, a, b))
                    || same_logarithm(program, pair[0], pair[1])
            }
        };
        if !all {
            let numbers = stable.iter().all(|&side| program.context.as_number(side).is_some());
            return if numbers { Some(false) } else { None };
        }
    }
    Some(true)
}

/// The stable form with all logarithms natural.
fn canonical(program: &mut Program, expr: Expr) -> Expr {
    let stable = stabilise_expression(program, expr).loss;
    let natural = program.context.rewrite_with(stable, &mut HashMap::new(), &mut natural_logarithm);
    stabilise_expression(program, natural).loss
}

fn natural_logarithm(context: &mut Context, part: Expr) -> Option<Expr> {
    let Node::Call(Function::LogBase, arguments) = context.node(part).clone() else { return None };
    let logs = arguments.iter().map(|&argument| {
        let argument = context.rewrite_with(argument, &mut HashMap::new(), &mut natural_logarithm);
        context.apply(Function::Log, argument)
    });
    let [base, argument] = logs.collect::<Vec<Expr>>()[..] else { return None };
    Some(context.divide(argument, base))
}

fn same(context: &mut Context, a: Expr, b: Expr) -> bool {
    let difference = context.subtract(a, b);
    let difference = expand(context, difference);
    context.is_integer(difference, 0)
}

/// Positive sides are equal if their logarithms are, which takes powers apart.
fn same_logarithm(program: &mut Program, a: Expr, b: Expr) -> bool {
    let known = knowledge(program);
    if ![a, b].into_iter().all(|side| known.interval(&mut program.context, side).is_positive()) {
        return false;
    }
    let logs = [a, b].map(|side| {
        let log = program.context.apply(Function::Log, side);
        canonical(program, log)
    });
    same(&mut program.context, logs[0], logs[1])
}

/// An expression with its derivatives carried out.
///
/// # Errors
/// A derivative of something that does not depend on the variable as written, which is most likely a gap in the text.
pub fn carry_out(context: &mut Context, expr: Expr) -> Result<Expr, Diagnostic> {
    let mut failure = None;
    let result = context.rewrite_with(expr, &mut HashMap::new(), &mut |context, part| {
        let Node::Derivative(body, target) = *context.node(part) else { return None };
        let found = carry_out(context, body).and_then(|body| derivative(context, body, target));
        match found {
            Ok(value) => Some(value),
            Err(error) => {
                failure.get_or_insert(error);
                Some(context.integer(0))
            }
        }
    });
    failure.map_or(Ok(result), Err)
}

fn derivative(context: &mut Context, body: Expr, target: Expr) -> Result<Expr, Diagnostic> {
    let Node::Symbol(symbol, places) = context.node(target).clone() else {
        return Err(Diagnostic::data_error("derivative-not-carried-out"));
    };
    if !context.depends_on(body, symbol) && context.as_number(body).is_none() {
        let name = context.symbol(symbol).name.plain.clone();
        return Err(Diagnostic::data_error("derivative-of-what-does-not-depend").with("name", name));
    }
    // The gradient is that of a number: the entry of the body at its free indices, each held fast as a given place.
    let held: Vec<(Expr, Expr)> = context.free_indices(body).iter().map(|&index| held_place(context, index)).collect();
    let entry = context.substitute(body, &held.iter().copied().collect());
    let found = gradient(context, entry, &[symbol], &|_, adjoint| adjoint).into_iter().next();
    let gradient = found.ok_or_else(|| Diagnostic::data_error("derivative-not-carried-out"))?;
    let mut map: HashMap<Expr, Expr> =
        gradient.indices.iter().zip(places).map(|(&index, place)| (context.index(index), place)).collect();
    map.extend(held.into_iter().map(|(index, place)| (place, index)));
    Ok(context.substitute(gradient.value, &map))
}

/// An index as an expression, and a name for a place on its axis.
fn held_place(context: &mut Context, index: Index) -> (Expr, Expr) {
    let name = Spelling { plain: String::new(), latex: String::new() };
    let information = SymbolInformation { name, axes: Vec::new(), integer: true, defined: true };
    let place = context.declare_symbol(information);
    (context.index(index), context.entry(place, Vec::new()))
}

struct Judge<'a> {
    program: &'a mut Program,
    stated: &'a Stated,
    sides: &'a [Expr],
    required: &'a [Expr],
}

impl Judge<'_> {
    /// Holds the sides against each other at points within the domain. Also whether some point satisfies the relations,
    /// or might between two others.
    fn sampled(&mut self, supposition: Option<&Supposition>) -> Result<(Verdict, bool), Diagnostic> {
        let mut high = High::new(PRECISION);
        let limits = &self.stated.limits;
        let within = if limits.is_empty() { EQUAL_WITHIN } else { LIMIT_WITHIN };
        let sampler = Sampler::new(self.program, self.sides, self.required, supposition).with_limits(limits);
        let mut signs = [false; 3];
        let (mut points, mut first_failure) = (0, None);
        for attempt in 0..MOST_TRIES {
            let inputs = sampler.point(&self.program.context, attempt);
            let Some(values) = self.values_at(&inputs, &mut high)? else { continue };
            points += 1;
            for (link, pair) in values.windows(2).enumerate() {
                for (place, (left, right)) in pair[0].iter().zip(&pair[1]).enumerate() {
                    let order = compare(&mut high, left, right, within);
                    signs[(order as i8 + 1) as usize] = true;
                    if !self.stated.relations[link].holds(order) && first_failure.is_none() {
                        let place = self.place(place, &inputs);
                        let decimal = |high: &mut High, value: &Number| shown(high, value);
                        let (left, right) = (decimal(&mut high, left), decimal(&mut high, right));
                        first_failure = Some(Counterexample { values: inputs.clone(), place, link, left, right });
                    }
                }
            }
            // A statement about numbers has a single point.
            if points >= ENOUGH_POINTS || sampler.is_constant() {
                break;
            }
        }
        let satisfiable = signs[1] || (signs[0] && signs[2]);
        let verdict = match first_failure {
            Some(counterexample) => Verdict::False(counterexample),
            None if points == 0 || (points < FEWEST_POINTS && !sampler.is_constant()) => Verdict::NoPoint,
            None => Verdict::Sampled(points),
        };
        Ok((verdict, satisfiable))
    }

    /// The entries of each side, if the point lies in the domain and all is finite there.
    fn values_at(&self, inputs: &Inputs, high: &mut High) -> Result<Option<Vec<Vec<Number>>>, Diagnostic> {
        let context = &self.program.context;
        let assumptions =
            self.program.assumptions.iter().map(|assumption| (assumption.condition, &assumption.indices[..]));
        let required: Vec<_> =
            self.required.iter().map(|&condition| (condition, context.free_indices(condition))).collect();
        let conditions = required.iter().map(|(condition, indices)| (*condition, &indices[..])).chain(assumptions);
        let mut needed = Vec::new();
        for &expr in self.sides.iter().chain(self.required) {
            needed.extend(context.symbols_in(expr).into_iter().filter(|symbol| !context.symbol(*symbol).defined));
        }
        needed.sort_unstable();
        needed.dedup();
        let bound = bind(context, &needed, inputs).map_err(|mut errors| errors.remove(0))?;
        for (condition, indices) in conditions {
            // What speaks of other names says nothing here.
            if !context.symbols_in(condition).iter().all(|symbol| needed.contains(symbol)) {
                continue;
            }
            let values = Evaluator::new(context, &bound, high).tensor(condition, indices)?;
            if values.data.iter().any(|value| high.to_double(value) == 0.0) && !is_equation(context, condition) {
                return Ok(None);
            }
        }
        let mut sides = Vec::new();
        for &side in self.sides {
            let values = Evaluator::new(context, &bound, high).tensor(side, &self.stated.indices)?;
            if values.data.iter().any(|value| value.is_nan() || value.is_inf()) {
                return Ok(None);
            }
            sides.push(values.data);
        }
        Ok(Some(sides))
    }

    fn place(&self, mut offset: usize, inputs: &Inputs) -> Vec<usize> {
        let context = &self.program.context;
        let symbols = self.sides.iter().flat_map(|&side| context.symbols_in(side)).collect::<Vec<_>>();
        let Ok(bound) = bind(context, &symbols, inputs) else { return Vec::new() };
        let mut place = Vec::new();
        for size in self.stated.indices.iter().rev().map(|index: &Index| bound.size(index.axis).unwrap_or(1)) {
            place.push(offset % size.max(1));
            offset /= size.max(1);
        }
        place.reverse();
        place
    }

    /// That the entries of one input sum to 1 over its last axis, as labels and probabilities do.
    fn suppositions(&mut self) -> Vec<Supposition> {
        let mut symbols: Vec<_> = self.sides.iter().flat_map(|&side| self.program.context.symbols_in(side)).collect();
        symbols.sort_unstable();
        symbols.dedup();
        symbols.into_iter().filter_map(|symbol| Supposition::sums_to_one(&mut self.program.context, symbol)).collect()
    }
}

/// Equations among the assumptions are met by how the point is made, up to rounding.
fn is_equation(context: &Context, condition: Expr) -> bool {
    matches!(context.node(condition), Node::Compare(Relation::Equal, ..))
}

/// How two sides compare, equal up to what rounding leaves.
fn compare(high: &mut High, left: &Number, right: &Number, within: &str) -> std::cmp::Ordering {
    let difference = high.subtract(left, right);
    let one = high.double(1.0);
    let size = |high: &mut High, value: &Number| high.call(Function::Abs, std::slice::from_ref(value));
    let (a, b, difference_size) = (size(high, left), size(high, right), size(high, &difference));
    let scale = high.add(&a, &b);
    let scale = high.add(&scale, &one);
    let tolerance = high.from_decimal(within);
    let allowed = high.multiply(&tolerance, &scale);
    match high.compare(&difference_size, &allowed) {
        Some(std::cmp::Ordering::Greater) => high.compare(left, right).unwrap_or(std::cmp::Ordering::Equal),
        _ => std::cmp::Ordering::Equal,
    }
}

/// A number as a person reads it.
fn shown(high: &mut High, value: &Number) -> String {
    let double = high.to_double(value);
    let size = double.abs();
    if double == 0.0 || (1e-4..1e9).contains(&size) {
        let exact = double.to_string();
        let short = format!("{double:.DIGITS$}");
        let short = short.trim_end_matches('0').trim_end_matches('.');
        return if exact.len() <= short.len() { exact } else { short.to_owned() };
    }
    high.to_decimal(value, DIGITS)
}

/// How far a value is from its decimal form, in units of the last digit written.
pub fn rounds_to(
    program: &mut Program,
    value: Expr,
    decimal: &Rational,
    digits: u32,
) -> Result<Option<String>, Diagnostic> {
    let value = written_out_expression(program, value);
    let value = carry_out(&mut program.context, value)?;
    let inputs = Inputs::new();
    let bound = bind(&program.context, &[], &inputs).map_err(|mut errors| errors.remove(0))?;
    let mut high = High::new(PRECISION);
    let found = Evaluator::new(&program.context, &bound, &mut high).scalar(value)?;
    let wanted = high.rational(decimal);
    let difference = high.subtract(&found, &wanted);
    let difference = high.call(Function::Abs, &[difference]);
    // Rounded or cut off: both are how people write digits.
    let unit = Rational::new(1.into(), num_bigint::BigInt::from(10).pow(digits));
    let unit = high.rational(&unit);
    let near = high.compare(&difference, &unit).is_some_and(std::cmp::Ordering::is_lt);
    Ok(if near { None } else { Some(shown(&mut high, &found)) })
}

/// An array of one number.
pub(crate) fn scalar(value: f64) -> Array {
    Array::scalar(value)
}
