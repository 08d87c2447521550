//! Points at which a statement is tried: first small round numbers, which make a counterexample that one can follow,
//! then any.

use crate::eval::data::{Array, Inputs};
use crate::expr::{Axis, Context, Expr, Index, Node, Rational, Reduction, Symbol};
use crate::formula::Relation;
use crate::resolve::Program;
use crate::resolve::statement::Limit;
use num_traits::{One, ToPrimitive};
use std::collections::BTreeMap;

/// Round numbers, tried first.
const ROUND: [f64; 8] = [2.0, 3.0, 0.5, 5.0, 4.0, -1.0, 0.25, -2.0];
/// How many points are made of them.
const ROUND_POINTS: usize = 64;

/// Σ over the last axis of a symbol's entries = 1.
pub struct Supposition {
    /// Which symbol.
    symbol: Symbol,
    /// The condition.
    pub condition: Expr,
}

impl Supposition {
    /// That the entries sum to 1 over the last axis; `None` for a number.
    pub fn sums_to_one(context: &mut Context, symbol: Symbol) -> Option<Supposition> {
        let axes = context.symbol(symbol).axes.clone();
        if axes.is_empty() || context.symbol(symbol).defined || context.symbol(symbol).integer {
            return None;
        }
        let mut used: Vec<String> = Vec::new();
        let indices: Vec<Index> = axes.into_iter().map(|axis| index_for(context, axis, &mut used)).collect();
        let entry = context.entry_at(symbol, &indices);
        let sum = context.reduce(Reduction::Sum, *indices.last()?, entry);
        let one = context.integer(1);
        let condition = context.compare(Relation::Equal, sum, one);
        Some(Supposition { symbol, condition })
    }
}

/// An index with a letter that the author uses for the axis.
fn index_for(context: &mut Context, axis: Axis, used: &mut Vec<String>) -> Index {
    let letter = context.axis(axis).letters.iter().find(|letter| !used.contains(&letter.plain)).cloned();
    match letter {
        Some(letter) => {
            used.push(letter.plain.clone());
            context.named_index(letter, axis)
        }
        None => context.fresh_index(axis),
    }
}

/// How the values of one input are made.
#[derive(Clone, Default)]
struct Recipe {
    /// The values it may take; empty for any.
    values: Vec<f64>,
    /// Its entries sum to 1 over the last axis.
    sums_to_one: bool,
    /// It stands this near to its limit.
    limit: Option<f64>,
}

/// Makes points.
pub struct Sampler {
    recipes: BTreeMap<Symbol, Recipe>,
    has_axes: bool,
}

impl Sampler {
    /// A sampler for the inputs of these expressions that keeps to what the program states.
    pub fn new(program: &Program, sides: &[Expr], required: &[Expr], supposition: Option<&Supposition>) -> Sampler {
        let context = &program.context;
        let mut recipes: BTreeMap<Symbol, Recipe> = BTreeMap::new();
        for &expr in sides.iter().chain(required) {
            let inputs = context.symbols_in(expr).into_iter().filter(|symbol| !context.symbol(*symbol).defined);
            for symbol in inputs {
                recipes.entry(symbol).or_default();
            }
        }
        for assumption in &program.assumptions {
            if let Some((symbol, values)) = finitely_many(context, assumption.condition) {
                recipes.entry(symbol).and_modify(|recipe| recipe.values = values);
            }
            if let Some(symbol) = summed_to_one(context, assumption.condition) {
                recipes.entry(symbol).and_modify(|recipe| recipe.sums_to_one = true);
            }
        }
        if let Some(supposition) = supposition {
            recipes.entry(supposition.symbol).and_modify(|recipe| recipe.sums_to_one = true);
        }
        let sized = |expr: &Expr| context.any(*expr, &|node| matches!(node, Node::Size(_) | Node::Reduce(..)));
        let has_axes = sides.iter().any(sized);
        Sampler { recipes, has_axes }
    }

    /// The same with names near their limits.
    pub fn with_limits(mut self, limits: &[Limit]) -> Sampler {
        for limit in limits {
            let step = if limit.negative { -super::NEAR } else { super::NEAR };
            let near = if limit.infinite { 1.0 / step } else { step };
            self.recipes.entry(limit.symbol).and_modify(|recipe| recipe.limit = Some(near));
        }
        self
    }

    /// True if there is nothing to vary.
    pub fn is_constant(&self) -> bool {
        self.recipes.values().all(|recipe| recipe.limit.is_some()) && !self.has_axes
    }

    /// The point of this number, with the sizes of the axes under their names.
    pub fn point(&self, context: &Context, attempt: usize) -> Inputs {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (attempt as u64 + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9));
        let size = |axis: Axis| context.axis(axis).fixed.unwrap_or(2 + (axis.0 as usize + attempt) % 3);
        let mut inputs = Inputs::new();
        for (number, information) in context.axes.iter().enumerate() {
            let size = size(Axis(number as u32));
            inputs.insert(information.size_name.plain.clone(), super::scalar(size as f64));
        }
        for (position, (&symbol, recipe)) in self.recipes.iter().enumerate() {
            let information = context.symbol(symbol);
            let shape: Vec<usize> = information.axes.iter().map(|&axis| size(axis)).collect();
            let entries = shape.iter().product();
            let kind = random.below(3);
            if let Some(near) = recipe.limit {
                inputs.insert(information.name.plain.clone(), super::scalar(near));
                continue;
            }
            let mut data: Vec<f64> = (0..entries)
                .map(|place| match attempt {
                    _ if information.integer => random.below(2) as f64,
                    _ if !recipe.values.is_empty() => recipe.values[random.below(recipe.values.len())],
                    _ if attempt < ROUND_POINTS => {
                        ROUND
                            [(attempt * 3 + attempt / ROUND.len() + position * (1 + attempt) + place * 5) % ROUND.len()]
                    }
                    _ => random.number(kind),
                })
                .collect();
            if recipe.sums_to_one {
                let width = shape.last().copied().unwrap_or(1).max(1);
                data.chunks_mut(width).for_each(|row| normalise(row, !recipe.values.is_empty(), &mut random));
            }
            inputs.insert(information.name.plain.clone(), Array { shape, data, integer: information.integer });
        }
        inputs
    }
}

/// Makes a row sum to 1 exactly: one-hot, or in eighths of powers of two.
fn normalise(row: &mut [f64], one_hot: bool, random: &mut Random) {
    let hot = random.below(row.len().max(1));
    let width = row.len();
    let mut left = 1.0;
    for (place, value) in row.iter_mut().enumerate() {
        *value = if one_hot {
            f64::from(u8::from(place == hot))
        } else if place + 1 == width {
            left
        } else {
            let share = left * (1 + random.below(7)) as f64 / 8.0;
            left -= share;
            share
        };
    }
}

/// For `x \in \{a, b\}`, which is kept as 1 − [x ≠ a] [x ≠ b]: the symbol and the values.
fn finitely_many(context: &Context, condition: Expr) -> Option<(Symbol, Vec<f64>)> {
    let Node::Add(terms) = context.node(condition) else { return None };
    let [one, product] = terms[..] else { return None };
    let Node::Mul(factors) = context.node(product) else { return None };
    if !context.is_integer(one, 1) || !context.is_integer(*factors.first()?, -1) {
        return None;
    }
    let (mut found, mut values) = (None, Vec::new());
    for &factor in &factors[1..] {
        let Node::Compare(Relation::NotEqual, a, b) = *context.node(factor) else { return None };
        let (value, other) = if context.as_number(a).is_some() { (a, b) } else { (b, a) };
        let Node::Symbol(symbol, _) = *context.node(other) else { return None };
        values.push(context.as_number(value).and_then(ToPrimitive::to_f64)?);
        found = Some(symbol);
    }
    Some((found?, values))
}

/// For Σ_k t_ik = 1: t.
fn summed_to_one(context: &Context, condition: Expr) -> Option<Symbol> {
    let Node::Compare(Relation::Equal, a, b) = *context.node(condition) else { return None };
    let (number, sum) = if context.as_number(a).is_some() { (a, b) } else { (b, a) };
    let Node::Reduce(Reduction::Sum, _, body) = *context.node(sum) else { return None };
    match *context.node(body) {
        Node::Symbol(symbol, _) if context.as_number(number).is_some_and(Rational::is_one) => Some(symbol),
        _ => None,
    }
}

/// Marsaglia's xorshift: the same points on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, count: usize) -> usize {
        ((self.next() >> 33) % count.max(1) as u64) as usize
    }

    /// A number of few digits: above 0, in (0, 1), or of either sign.
    fn number(&mut self, kind: usize) -> f64 {
        match kind {
            0 => (1 + self.below(255)) as f64 / 32.0,
            1 => (1 + self.below(63)) as f64 / 64.0,
            _ => (self.below(257) as f64 - 128.0) / 32.0,
        }
    }
}
