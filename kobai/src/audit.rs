//! Derivations held against numbers: before a step is shown, the whole before it and the whole after it are evaluated at
//! random points of the domain.
//!
//! A derivative that is not carried out yet is a difference quotient, so nothing here shares a rule with what it checks.

use crate::derivation::{Derivation, Step, Verdict};
use crate::eval::Evaluator;
use crate::eval::data::{Array, Bound, Inputs, bind};
use crate::eval::double::Double;
use crate::expr::{Axis, Context, Expr, Index, Node, Rational, Reduction, Symbol, Variable};
use crate::formula::Relation;
use crate::resolve::Program;
use crate::stabilise::inline;
use num_traits::ToPrimitive;
use std::collections::{HashMap, HashSet};

/// Half the distance of the two values in a difference quotient is 1 over this.
const STEPS_PER_UNIT: i64 = 1 << 17;
/// What the difference quotients may be off by, relative to the values compared; a wrong step is off by as much as these.
const TOLERANCE: f64 = 1e-6;
/// Where the inputs lie, the first that has a point of the domain counts: probabilities, beyond 1, below 0, all signs.
const RANGES: [(f64, f64); 5] = [(0.2, 0.8), (1.2, 2.8), (-0.8, -0.2), (-2.0, 2.0), (2.5, 6.0)];
/// Points tried in each range.
const TRIES: usize = 3;
/// Points of a range at which a derivation is checked.
const POINTS: usize = 2;

/// Checks every step of a derivation, and sets its verdict.
pub fn audit(program: &mut Program, derivation: &mut Derivation) {
    let mut values = HashMap::new();
    for definition in &program.definitions {
        let value = inline(&mut program.context, definition.value, &values);
        values.insert(definition.symbol, (definition.indices.clone(), value));
    }
    let mut auditor =
        Auditor { context: &mut program.context, values, numbers: HashMap::new(), random: Random(0x9e37) };
    let conditions: Vec<Expr> = derivation.assumed.iter().chain(&derivation.supposed).copied().collect();
    for range in RANGES {
        for inputs in auditor.points(derivation.target, &conditions, range) {
            auditor.numbers.clear();
            auditor.chain(&mut derivation.steps, &inputs);
        }
        // Where the target has a value some line may have none; there are other ranges.
        if derivation.steps.iter().all(|step| verdict(step) != Verdict::Unchecked) {
            break;
        }
    }
}

/// The worst verdict of a step and its substeps.
pub fn verdict(step: &Step) -> Verdict {
    step.substeps.iter().map(verdict).fold(step.verdict, Ord::max)
}

struct Auditor<'a> {
    context: &'a mut Context,
    /// The definitions written out in the inputs.
    values: HashMap<Symbol, (Vec<Index>, Expr)>,
    /// The values of expressions at the point at hand.
    numbers: HashMap<(Expr, Vec<Index>), Option<Vec<f64>>>,
    random: Random,
}

impl Auditor<'_> {
    /// Checks steps that go on from one another.
    fn chain(&mut self, steps: &mut [Step], inputs: &Inputs) {
        let mut indices = HashSet::new();
        for step in steps.iter() {
            indices.extend(self.context.free_indices(step.from).iter().copied());
        }
        let mut indices: Vec<Index> = indices.into_iter().collect();
        indices.sort_unstable();
        for step in steps {
            self.chain(&mut step.substeps, inputs);
            let (before, after) =
                (self.numbers_of(step.from, &indices, inputs), self.numbers_of(step.whole, &indices, inputs));
            let verdict = match (before, after) {
                (Some(before), Some(after)) if agree(&before, &after) => Verdict::Holds,
                (Some(_), Some(_)) => Verdict::Fails,
                _ => Verdict::Unchecked,
            };
            step.verdict = match (step.verdict, verdict) {
                (Verdict::Unchecked, now) => now,
                (earlier, Verdict::Unchecked) => earlier,
                (earlier, now) => earlier.max(now),
            };
        }
    }

    /// The values of an expression for all values of the indices; `None` if one is missing or not finite.
    fn numbers_of(&mut self, expr: Expr, indices: &[Index], inputs: &Inputs) -> Option<Vec<f64>> {
        let key = (expr, indices.to_vec());
        if let Some(known) = self.numbers.get(&key) {
            return known.clone();
        }
        let plain = self.without_derivatives(expr);
        let found = self.evaluate(plain, indices, inputs);
        self.numbers.insert(key, found.clone());
        found
    }

    fn evaluate(&mut self, expr: Expr, indices: &[Index], inputs: &Inputs) -> Option<Vec<f64>> {
        let needed = self.context.symbols_in(expr);
        let bound: Bound = bind(self.context, &needed, inputs).ok()?;
        let mut double = Double;
        let tensor = Evaluator::new(self.context, &bound, &mut double).tensor(expr, indices).ok()?;
        tensor.data.iter().all(|value| value.is_finite()).then_some(tensor.data)
    }

    /// Definitions written out, and difference quotients in place of derivatives.
    fn without_derivatives(&mut self, expr: Expr) -> Expr {
        let written_out = inline(self.context, expr, &self.values);
        if !self.context.has_derivative(written_out) {
            return written_out;
        }
        self.context.rewrite_with(written_out, &mut HashMap::new(), &mut difference_quotient)
    }

    /// Points of the domain of what is derived, at which the conditions hold that are equations Σ x = 1.
    fn points(&mut self, target: Expr, conditions: &[Expr], (low, high): (f64, f64)) -> Vec<Inputs> {
        let plain = self.without_derivatives(target);
        let needed = self.context.symbols_in(plain);
        let indices = self.context.free_indices(plain).to_vec();
        let labels: HashSet<Symbol> =
            needed.iter().copied().filter(|&symbol| self.is_discrete(plain, symbol)).collect();
        let mut points = Vec::new();
        for _ in 0..TRIES {
            let mut inputs = self.draw(&needed, &labels, low, high);
            conditions.iter().for_each(|&condition| self.normalise(&mut inputs, condition));
            if points.len() < POINTS && self.evaluate(plain, &indices, &inputs).is_some() {
                points.push(inputs);
            }
        }
        points
    }

    /// True for labels and masks, which are 0 or 1.
    fn is_discrete(&self, expr: Expr, symbol: Symbol) -> bool {
        let entry = |part: Expr| matches!(self.context.node(part), Node::Symbol(found, _) if *found == symbol);
        self.context.symbol(symbol).integer
            || self.context.any(expr, &|node| match *node {
                Node::Select(condition, ..) => entry(condition),
                Node::Compare(Relation::Equal | Relation::NotEqual, a, b) => entry(a) || entry(b),
                _ => false,
            })
    }

    fn draw(&mut self, needed: &[Symbol], labels: &HashSet<Symbol>, low: f64, high: f64) -> Inputs {
        let mut inputs = Inputs::new();
        for &symbol in needed {
            let information = self.context.symbol(symbol);
            let shape: Vec<usize> = information.axes.iter().map(|&axis| size(self.context, axis)).collect();
            let integer = information.integer;
            let count = shape.iter().product();
            let data = (0..count).map(|_| {
                let part = self.random.next();
                if labels.contains(&symbol) { part.round() } else { low + (high - low) * part }
            });
            let array = Array { data: data.collect(), shape, integer };
            inputs.insert(information.name.plain.clone(), array);
        }
        // Axes that no input has get their sizes by name.
        for (number, information) in self.context.axes.iter().enumerate() {
            let size = size(self.context, Axis(number as u32)) as f64;
            inputs.entry(information.size_name.plain.clone()).or_insert_with(|| Array::scalar(size));
        }
        inputs
    }

    /// Divides an input by its sums over a place, if the condition says that these are 1.
    fn normalise(&self, inputs: &mut Inputs, condition: Expr) {
        let Node::Compare(Relation::Equal, a, b) = *self.context.node(condition) else { return };
        let sum = if self.context.is_integer(b, 1) { a } else { b };
        let Node::Reduce(Reduction::Sum, _, body) = *self.context.node(sum) else { return };
        let Node::Symbol(symbol, places) = self.context.node(body) else { return };
        let bound = Variable::Bound(self.context.height_of(sum));
        let is_bound =
            |&place: &Expr| matches!(self.context.node(place), Node::Index(index) if index.variable == bound);
        let Some(position) = places.iter().position(is_bound) else { return };
        let Some(array) = inputs.get_mut(&self.context.symbol(*symbol).name.plain) else { return };
        let (size, inner) = (array.shape[position], array.shape[position + 1..].iter().product::<usize>());
        let rows = array.data.len() / (size * inner).max(1);
        for (row, column) in (0..rows).flat_map(|row| (0..inner).map(move |column| (row, column))) {
            let place = |at: usize| (row * size + at) * inner + column;
            let total: f64 = (0..size).map(|at| array.data[place(at)]).sum();
            (0..size).for_each(|at| array.data[place(at)] /= total);
        }
    }
}

/// Two sizes that differ, so that no axis is taken for another.
fn size(context: &Context, axis: Axis) -> usize {
    context.axis(axis).fixed.unwrap_or(2 + axis.0 as usize % 2)
}

/// (f(z + h E) − f(z − h E)) / 2h, where E is 1 at the entry that the derivative is with respect to.
fn difference_quotient(context: &mut Context, part: Expr) -> Option<Expr> {
    let Node::Derivative(body, target) = *context.node(part) else { return None };
    let inner = context.rewrite_with(body, &mut HashMap::new(), &mut difference_quotient);
    let [above, below] = [1, -1].map(|sign| shifted(context, inner, target, sign));
    let difference = context.subtract(above, below);
    let scale = context.number(Rational::new(STEPS_PER_UNIT.into(), 2.into()));
    Some(context.mul(vec![scale, difference]))
}

/// The body with the target's entry moved.
fn shifted(context: &mut Context, body: Expr, target: Expr, sign: i64) -> Expr {
    let Node::Symbol(symbol, own) = context.node(target).clone() else { return body };
    context.rewrite_with(body, &mut HashMap::new(), &mut |context, part| {
        let Node::Symbol(found, places) = context.node(part).clone() else { return None };
        if found != symbol {
            return None;
        }
        let mut factors = vec![context.number(Rational::new(sign.into(), STEPS_PER_UNIT.into()))];
        factors.extend(places.iter().zip(own.iter()).map(|(&place, &target)| context.delta(place, target)));
        let shift = context.mul(factors);
        Some(context.add(vec![part, shift]))
    })
}

fn agree(before: &[f64], after: &[f64]) -> bool {
    let scale = before.iter().chain(after).fold(1.0_f64, |scale, value| scale.max(value.abs()));
    before.iter().zip(after).all(|(a, b)| (a - b).abs() <= TOLERANCE * scale)
}

/// The same numbers in every run.
struct Random(u64);

impl Random {
    /// The next number in [0, 1).
    fn next(&mut self) -> f64 {
        // Knuth's multiplier and increment for a generator modulo 2^64.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11).to_f64().unwrap_or(0.0) / (1_u64 << 53) as f64
    }
}
