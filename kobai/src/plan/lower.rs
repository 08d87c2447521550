//! Lowering: every reduction becomes a tensor of its own, products of separate rows and columns become matrix products.

use super::Output;
use crate::expr::{Axis, Context, Expr, Index, Node, Reduction, Symbol, SymbolInformation};
use crate::formula::Spelling;
use crate::rewrite::simplify::sum_over;
use rustc_hash::FxHashMap;
use std::collections::{HashMap, HashSet};

/// A tensor to make.
#[derive(Clone, Debug)]
pub struct Made {
    /// What it is called in expressions.
    pub symbol: Symbol,
    /// Its indices.
    pub indices: Vec<Index>,
    /// How it is made.
    pub how: How,
}

/// How a tensor is made.
#[derive(Clone, Debug)]
pub enum How {
    /// Entry by entry.
    Map(Expr),
    /// By a reduction over the index.
    Reduce {
        /// Which one.
        reduction: Reduction,
        /// The index reduced.
        index: Index,
        /// The body.
        body: Expr,
        /// For a log-sum-exp, what is beyond the maximum.
        rest: Option<Symbol>,
    },
    /// Σ left · right over indices that both have, where one has indices that the other lacks.
    Product {
        /// The contracted indices.
        contracted: Vec<Index>,
        /// An entry of a tensor at plain indices.
        left: Expr,
        /// The other entry.
        right: Expr,
    },
}

/// The tensors to make, in order, and which of them are the outputs.
#[derive(Clone, Debug, Default)]
pub struct Lowered {
    /// In an order in which each needs only earlier ones.
    pub made: Vec<Made>,
    /// For each output its name and symbol.
    pub outputs: Vec<(String, Symbol)>,
    /// Symbols that hold what a log-sum-exp has beyond its maximum.
    pub rests: HashMap<Symbol, Body>,
}

/// The body of a log-sum-exp.
#[derive(Clone, Debug)]
pub struct Body {
    /// The indices of the log-sum-exp.
    pub indices: Vec<Index>,
    /// The index that is reduced.
    pub index: Index,
    /// The body.
    pub value: Expr,
}

/// Lowers the outputs.
pub fn lower(context: &mut Context, outputs: &[Output]) -> Lowered {
    let mut lowering =
        Lowering { context, lowered: Lowered::default(), known: FxHashMap::default(), own: FxHashMap::default() };
    // Those of high rank first: what they share with a sum over them is then already there.
    let mut order: Vec<usize> = (0..outputs.len()).collect();
    order.sort_by_key(|&position| std::cmp::Reverse(outputs[position].indices.len()));
    let mut symbols = vec![None; outputs.len()];
    for position in order {
        symbols[position] = Some(lowering.output(&outputs[position]));
    }
    let names = outputs.iter().map(|output| output.name.clone());
    lowering.lowered.outputs = names.zip(symbols.into_iter().flatten()).collect();
    lowering.lowered
}

struct Lowering<'a> {
    context: &'a mut Context,
    lowered: Lowered,
    /// What a reduction or a shared factor, in its own indices, has become.
    known: FxHashMap<Expr, (Expr, Vec<Index>)>,
    own: FxHashMap<(usize, Axis), Index>,
}

impl Lowering<'_> {
    fn output(&mut self, output: &Output) -> Symbol {
        let value = self.extract(output.value);
        let symbol = self.declare(&output.name, &output.indices);
        // An output that is just what a step has made still is a tensor of its own; the step is renamed instead of copied.
        if let Some((position, indices)) = self.only_use(value, &output.indices) {
            let made = &mut self.lowered.made[position];
            let old = std::mem::replace(&mut made.symbol, symbol);
            made.indices.clone_from(&indices);
            let renamed = self.context.entry_at(symbol, &indices);
            for (entry, _) in self.known.values_mut() {
                if matches!(self.context.node(*entry), Node::Symbol(found, _) if *found == old) {
                    *entry = renamed;
                }
            }
            return symbol;
        }
        self.lowered.made.push(Made { symbol, indices: output.indices.clone(), how: How::Map(value) });
        symbol
    }

    /// The step that makes exactly this value, if nothing else reads it, and the indices to make it with: those of a matrix
    /// product may stand in any order.
    fn only_use(&self, value: Expr, indices: &[Index]) -> Option<(usize, Vec<Index>)> {
        let Node::Symbol(symbol, places) = self.context.node(value) else { return None };
        let position = self.lowered.made.iter().position(|made| made.symbol == *symbol)?;
        let made = &self.lowered.made[position];
        let place_of = |index: &Index| {
            let mut places = places.iter();
            places
                .position(|&place| *self.context.node(place) == Node::Index(*index))
                .and_then(|at| made.indices.get(at))
        };
        let own: Vec<Index> = indices.iter().filter_map(place_of).copied().collect();
        let may_turn = matches!(made.how, How::Product { .. });
        if own.len() != made.indices.len() || own.len() != indices.len() || !(may_turn || own == made.indices) {
            return None;
        }
        let read = self.lowered.made.iter().any(|made| self.reads(made, *symbol));
        let handed_out = matches!(made.how, How::Map(_));
        (!read && !handed_out).then_some((position, own))
    }

    fn reads(&self, made: &Made, symbol: Symbol) -> bool {
        match &made.how {
            How::Map(value) => self.context.depends_on(*value, symbol),
            How::Reduce { body, .. } => self.context.depends_on(*body, symbol),
            How::Product { left, right, .. } => {
                self.context.depends_on(*left, symbol) || self.context.depends_on(*right, symbol)
            }
        }
    }

    /// The expression with every reduction replaced by the entry of a tensor.
    fn extract(&mut self, expr: Expr) -> Expr {
        let mut done = FxHashMap::default();
        self.extract_inner(expr, &mut done)
    }

    fn extract_inner(&mut self, expr: Expr, done: &mut FxHashMap<Expr, Expr>) -> Expr {
        if let Some(&result) = done.get(&expr) {
            return result;
        }
        let result = match self.context.node(expr) {
            Node::Reduce(..) => self.reduction(expr),
            _ => self.rebuild(expr, done),
        };
        done.insert(expr, result);
        result
    }

    fn rebuild(&mut self, expr: Expr, done: &mut FxHashMap<Expr, Expr>) -> Expr {
        let children = self.context.children(expr);
        let map: FxHashMap<Expr, Expr> =
            children.into_iter().map(|child| (child, self.extract_inner(child, done))).collect();
        self.context.rebuild(expr, &mut |_, part| map.get(&part).copied().unwrap_or(part))
    }

    fn reduction(&mut self, expr: Expr) -> Expr {
        if let Some(entry) = self.looked_up(expr) {
            return entry;
        }
        let (key, own, found) = self.abstracted(expr);
        if let Some((entry, indices)) = self.known.get(&key).cloned() {
            return self.entry_for(entry, &indices, &found);
        }
        let Some(opened) = self.context.open(key) else { return expr };
        let entry = if opened.reduction == Reduction::Sum { self.sum(key, &own) } else { None };
        let entry = entry.unwrap_or_else(|| {
            let body = self.extract(opened.body);
            self.plain_reduction(opened.reduction, opened.index, body, &own)
        });
        self.known.insert(key, (entry, own.clone()));
        self.entry_for(entry, &own, &found)
    }

    /// A reduction that is an entry, at a place that is worked out, of a tensor that there is: z_{i, tᵢ} of Σ_d x_id W_dk.
    fn looked_up(&mut self, expr: Expr) -> Option<Expr> {
        let (place, axis) = self.place_worked_out(expr)?;
        let index = self.context.fresh_index(axis);
        let letter = self.context.index(index);
        let general = self.context.substitute(expr, &HashMap::from([(place, letter)]));
        let (key, _, found) = self.abstracted(general);
        let (entry, own) = self.known.get(&key).cloned()?;
        let entry = self.entry_for(entry, &own, &found);
        Some(self.context.substitute(entry, &HashMap::from([(letter, place)])))
    }

    /// What stands in a place of a symbol and is not an index, if that is the same in all such places.
    fn place_worked_out(&self, expr: Expr) -> Option<(Expr, Axis)> {
        let mut found = None;
        let (mut seen, mut stack) = (HashSet::new(), vec![expr]);
        while let Some(part) = stack.pop() {
            if !seen.insert(part) {
                continue;
            }
            if let Node::Symbol(symbol, places) = self.context.node(part) {
                for (&place, &axis) in places.iter().zip(&self.context.symbol(*symbol).axes) {
                    let plain = matches!(self.context.node(place), Node::Index(_) | Node::Number(_));
                    if !plain && found.is_some_and(|known| known != (place, axis)) {
                        return None;
                    }
                    if !plain {
                        found = Some((place, axis));
                    }
                }
            }
            stack.extend(self.context.children(part));
        }
        found
    }

    fn entry_for(&mut self, entry: Expr, own: &[Index], found: &[Index]) -> Expr {
        let map =
            own.iter().zip(found).map(|(&from, &to)| (self.context.index(from), self.context.index(to))).collect();
        self.context.substitute(entry, &map)
    }

    fn abstracted(&mut self, expr: Expr) -> (Expr, Vec<Index>, Vec<Index>) {
        let found = self.context.free_indices_in_order(expr);
        let mut own = Vec::new();
        for (position, index) in found.iter().enumerate() {
            let context = &mut *self.context;
            own.push(*self.own.entry((position, index.axis)).or_insert_with(|| context.fresh_index(index.axis)));
        }
        let key = self.entry_for(expr, &found, &own);
        (key, own, found)
    }

    fn plain_reduction(&mut self, reduction: Reduction, index: Index, body: Expr, own: &[Index]) -> Expr {
        let body = self.reuse(body);
        let symbol = self.declare(reduction_name(reduction), own);
        let mut entry = self.context.entry_at(symbol, own);
        let mut rest = None;
        if reduction == Reduction::LogSumExp {
            let beyond = self.declare("log1p_rest", own);
            self.lowered.rests.insert(beyond, Body { indices: own.to_vec(), index, value: body });
            let other = self.context.entry_at(beyond, own);
            entry = self.context.add(vec![entry, other]);
            rest = Some(beyond);
        }
        let how = How::Reduce { reduction, index, body, rest };
        self.lowered.made.push(Made { symbol, indices: own.to_vec(), how });
        entry
    }

    /// A body, or factors of it, that an earlier step has made.
    fn reuse(&mut self, body: Expr) -> Expr {
        let (key, _, found) = self.abstracted(body);
        if let Some((entry, own)) = self.known.get(&key).cloned() {
            return self.entry_for(entry, &own, &found);
        }
        body
    }

    /// A sum, or a nest of them, that is a matrix product: its factors fall into two groups, of which one has an index that
    /// the other lacks.
    fn sum(&mut self, expr: Expr, own: &[Index]) -> Option<Expr> {
        let (mut contracted, mut body) = (Vec::new(), expr);
        while let Some(opened) = self.context.open(body).filter(|opened| opened.reduction == Reduction::Sum) {
            contracted.push(opened.index);
            body = opened.body;
            if let Some(entry) = self.leaving(expr, &contracted, body) {
                return Some(entry);
            }
        }
        let Node::Mul(factors) = self.context.node(body) else { return None };
        let factors = factors.to_vec();
        let [left, right] = self.two_sides(&factors, &contracted)?;
        let (left, right) = (self.extract(left), self.extract(right));
        let (left, right) = (self.shared_factor(left), self.shared_factor(right));
        let symbol = self.declare("product", own);
        self.lowered.made.push(Made { symbol, indices: own.to_vec(), how: How::Product { contracted, left, right } });
        Some(self.context.entry_at(symbol, own))
    }

    /// What does not depend on the index of a single sum leaves it first.
    fn leaving(&mut self, expr: Expr, contracted: &[Index], body: Expr) -> Option<Expr> {
        let [index] = contracted[..] else { return None };
        let Node::Mul(factors) = self.context.node(body) else { return None };
        if factors.iter().all(|&factor| self.context.mentions(factor, index)) {
            return None;
        }
        let whole = sum_over(self.context, index, body);
        (whole != expr).then(|| self.extract(whole))
    }

    /// Factors joined where they share an index other than the contracted ones.
    fn groups(&self, factors: &[Expr], contracted: &[Index]) -> Vec<(Vec<Index>, Vec<Expr>)> {
        let mut groups: Vec<(Vec<Index>, Vec<Expr>)> = Vec::new();
        for &factor in factors {
            let free = self.context.free_indices(factor);
            let mut indices: Vec<Index> = free.iter().copied().filter(|other| !contracted.contains(other)).collect();
            let mut members = vec![factor];
            let (joined, apart): (Vec<_>, Vec<_>) =
                groups.into_iter().partition(|(known, _)| known.iter().any(|index| indices.contains(index)));
            for (known, factors) in joined {
                indices.extend(known);
                members.extend(factors);
            }
            groups = apart;
            groups.push((indices, members));
        }
        groups
    }

    /// Two matrices, or a matrix that there is and a vector. Factors with contracted indices alone are the vector, or go
    /// to the side that has to be worked out anyway.
    fn two_sides(&mut self, factors: &[Expr], contracted: &[Index]) -> Option<[Expr; 2]> {
        let groups = self.groups(factors, contracted);
        let (lone, sides): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(indices, _)| indices.is_empty());
        let lone: Vec<Expr> = lone.into_iter().flat_map(|(_, members)| members).collect();
        let mut sides: Vec<Expr> = sides.into_iter().map(|(_, members)| self.context.mul(members)).collect();
        match sides[..] {
            [matrix] if !lone.is_empty() && self.is_plain_entry(matrix) => sides.push(self.context.mul(lone)),
            [first, second] => {
                let side = usize::from(self.is_plain_entry(first));
                let with_lone = [vec![[first, second][side]], lone].concat();
                sides[side] = self.context.mul(with_lone);
            }
            _ => return None,
        }
        let [left, right] = sides[..] else { return None };
        let both = |index: &Index| self.context.mentions(left, *index) && self.context.mentions(right, *index);
        contracted.iter().all(both).then_some([left, right])
    }

    /// A factor as the entry of a tensor at plain, distinct indices.
    fn shared_factor(&mut self, factor: Expr) -> Expr {
        if self.is_plain_entry(factor) {
            return factor;
        }
        let (key, own, found) = self.abstracted(factor);
        if let Some((entry, indices)) = self.known.get(&key).cloned() {
            return self.entry_for(entry, &indices, &found);
        }
        let symbol = self.declare("factor", &own);
        let entry = self.context.entry_at(symbol, &own);
        self.lowered.made.push(Made { symbol, indices: own.clone(), how: How::Map(key) });
        self.known.insert(key, (entry, own.clone()));
        self.entry_for(entry, &own, &found)
    }

    fn is_plain_entry(&self, factor: Expr) -> bool {
        let Node::Symbol(symbol, places) = self.context.node(factor) else { return false };
        let mut seen = HashSet::new();
        !self.context.symbol(*symbol).integer
            && places.iter().all(|&place| matches!(self.context.node(place), Node::Index(_)) && seen.insert(place))
    }

    fn declare(&mut self, name: &str, indices: &[Index]) -> Symbol {
        let spelling = Spelling { plain: name.to_owned(), latex: format!("\\mathrm{{{name}}}") };
        let axes = indices.iter().map(|index| index.axis).collect();
        self.context.declare_symbol(SymbolInformation { name: spelling, axes, integer: false, defined: true })
    }
}

fn reduction_name(reduction: Reduction) -> &'static str {
    match reduction {
        Reduction::Sum => "sum",
        Reduction::Product => "product_over",
        Reduction::Maximum | Reduction::LogSumExp => "maximum",
        Reduction::Minimum => "minimum",
    }
}
