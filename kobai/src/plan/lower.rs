//! Lowering: every reduction becomes a tensor of its own, products of separate rows and columns become matrix products.

use super::Output;
use crate::expr::{Context, Expr, Index, Node, Reduction, Symbol, SymbolInformation};
use crate::formula::Spelling;
use crate::rewrite::simplify::sum_over;
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
    /// Σ left · right over the index, where each has indices that the other lacks.
    Product {
        /// The contracted index.
        index: Index,
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
    let mut lowering = Lowering { context, lowered: Lowered::default(), known: HashMap::new(), own: HashMap::new() };
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
    known: HashMap<Expr, (Expr, Vec<Index>)>,
    own: HashMap<(usize, crate::expr::Axis), Index>,
}

impl Lowering<'_> {
    fn output(&mut self, output: &Output) -> Symbol {
        let value = self.extract(output.value);
        let symbol = self.declare(&output.name, &output.indices);
        // An output that is just what a step has made still is a tensor of its own; the step is renamed instead of copied.
        if let Some(position) = self.only_use(value, &output.indices) {
            let made = &mut self.lowered.made[position];
            let old = made.symbol;
            made.symbol = symbol;
            let Made { indices, .. } = made.clone();
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

    /// The step that makes exactly this value, if nothing else reads it and the places agree.
    fn only_use(&self, value: Expr, indices: &[Index]) -> Option<usize> {
        let Node::Symbol(symbol, places) = self.context.node(value) else { return None };
        let plain: Vec<Node> = indices.iter().map(|&index| Node::Index(index)).collect();
        if places.len() != plain.len()
            || places.iter().zip(&plain).any(|(&place, node)| self.context.node(place) != node)
        {
            return None;
        }
        let position = self.lowered.made.iter().position(|made| made.symbol == *symbol)?;
        let read = self.lowered.made.iter().any(|made| self.reads(made, *symbol));
        let handed_out = matches!(self.lowered.made[position].how, How::Map(_));
        (!read && !handed_out).then_some(position)
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
        let mut done = HashMap::new();
        self.extract_inner(expr, &mut done)
    }

    fn extract_inner(&mut self, expr: Expr, done: &mut HashMap<Expr, Expr>) -> Expr {
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

    fn rebuild(&mut self, expr: Expr, done: &mut HashMap<Expr, Expr>) -> Expr {
        let children = self.context.children(expr);
        let map: HashMap<Expr, Expr> =
            children.into_iter().map(|child| (child, self.extract_inner(child, done))).collect();
        self.context.rebuild(expr, &mut |_, part| map.get(&part).copied().unwrap_or(part))
    }

    fn reduction(&mut self, expr: Expr) -> Expr {
        let (key, own, found) = self.abstracted(expr);
        if let Some((entry, indices)) = self.known.get(&key).cloned() {
            return self.entry_for(entry, &indices, &found);
        }
        let Some(opened) = self.context.open(key) else { return expr };
        let body = self.extract(opened.body);
        let entry = if opened.reduction == Reduction::Sum { self.sum(opened.index, body, &own) } else { None };
        let entry = entry.unwrap_or_else(|| self.plain_reduction(opened.reduction, opened.index, body, &own));
        self.known.insert(key, (entry, own.clone()));
        self.entry_for(entry, &own, &found)
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

    /// A sum that is a matrix product: its factors fall into two groups, each with an index that the other lacks.
    fn sum(&mut self, index: Index, body: Expr, own: &[Index]) -> Option<Expr> {
        let whole = sum_over(self.context, index, body);
        let factors = match self.context.node(body) {
            Node::Mul(factors) => factors.to_vec(),
            _ => return None,
        };
        let (inside, outside): (Vec<Expr>, Vec<Expr>) =
            factors.into_iter().partition(|&factor| self.context.mentions(factor, index));
        if !outside.is_empty() {
            // What does not depend on the index leaves the sum first.
            return Some(self.extract(whole));
        }
        let groups = self.groups(&inside, index);
        let [left, right] = self.two_sides(groups, index)?;
        let (left, right) = (self.shared_factor(left), self.shared_factor(right));
        let symbol = self.declare("product", own);
        self.lowered.made.push(Made { symbol, indices: own.to_vec(), how: How::Product { index, left, right } });
        Some(self.context.entry_at(symbol, own))
    }

    /// Factors joined where they share an index other than the contracted one.
    fn groups(&self, factors: &[Expr], index: Index) -> Vec<(Vec<Index>, Vec<Expr>)> {
        let mut groups: Vec<(Vec<Index>, Vec<Expr>)> = Vec::new();
        for &factor in factors {
            let mut indices: Vec<Index> =
                self.context.free_indices(factor).iter().copied().filter(|other| *other != index).collect();
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

    /// Exactly two sides with indices; a factor with the contracted index alone goes to the first.
    fn two_sides(&mut self, groups: Vec<(Vec<Index>, Vec<Expr>)>, index: Index) -> Option<[Expr; 2]> {
        let (lone, sides): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(indices, _)| indices.is_empty());
        let mut sides: Vec<Vec<Expr>> = sides.into_iter().map(|(_, members)| members).collect();
        if sides.len() != 2 {
            return None;
        }
        sides[0].extend(lone.into_iter().flat_map(|(_, members)| members));
        let left = self.context.mul(sides.swap_remove(0));
        let right = self.context.mul(sides.swap_remove(0));
        let both = self.context.mentions(left, index) && self.context.mentions(right, index);
        both.then_some([left, right])
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
