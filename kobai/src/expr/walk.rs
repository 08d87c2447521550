//! Going through expressions: children, substitution, opening and closing binders.

use super::{Axis, Context, Expr, Index, Node, Reduction, Symbol, Variable};
use rustc_hash::FxHashMap;
use std::collections::HashMap;
use std::hash::BuildHasher;

/// Calls `visit` on each direct part of a node.
pub(super) fn for_each_child(node: &Node, mut visit: impl FnMut(Expr)) {
    match node {
        Node::Number(_) | Node::Constant(_) | Node::Size(_) | Node::Index(_) => {}
        Node::Symbol(_, parts) | Node::Call(_, parts) | Node::Add(parts) | Node::Mul(parts) => {
            parts.iter().copied().for_each(visit);
        }
        Node::Delta(a, b) | Node::Compare(_, a, b) | Node::Power(a, b) | Node::Derivative(a, b) => {
            visit(*a);
            visit(*b);
        }
        Node::Reduce(_, _, body) => visit(*body),
        Node::Select(a, b, c) => {
            visit(*a);
            visit(*b);
            visit(*c);
        }
    }
}

/// A reduction taken apart: its body with a fresh free index in place of the bound one.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    /// Which reduction.
    pub reduction: Reduction,
    /// The fresh index.
    pub index: Index,
    /// The body.
    pub body: Expr,
}

impl Context {
    /// The direct parts of an expression.
    pub fn children(&self, expr: Expr) -> Vec<Expr> {
        let mut children = Vec::new();
        for_each_child(self.node(expr), |child| children.push(child));
        children
    }

    /// Takes a reduction apart; `None` if the expression is none.
    pub fn open(&mut self, expr: Expr) -> Option<Opened> {
        let Node::Reduce(reduction, axis, body) = *self.node(expr) else { return None };
        let bound = Index { variable: Variable::Bound(self.height(expr)), axis };
        let index = self.fresh_index(axis);
        let body = self.rename(body, bound, index, &mut Default::default());
        Some(Opened { reduction, index, body })
    }

    /// The body of a reduction with `value`, an integer expression, in place of the bound index.
    pub fn instantiate(&mut self, expr: Expr, value: Expr) -> Option<Expr> {
        let opened = self.open(expr)?;
        let index = self.index(opened.index);
        Some(self.substitute(opened.body, &HashMap::from([(index, value)])))
    }

    /// Replaces a free index by another.
    pub fn replace_index(&mut self, expr: Expr, from: Index, to: Index) -> Expr {
        let (from, to) = (self.index(from), self.index(to));
        self.substitute(expr, &HashMap::from([(from, to)]))
    }

    /// Replaces subexpressions, outermost first, and rebuilds. What is replaced and what replaces it are in terms of the
    /// free indices outside; no index is captured.
    pub fn substitute(&mut self, expr: Expr, map: &HashMap<Expr, Expr>) -> Expr {
        let mut done = FxHashMap::default();
        self.rewrite_with(expr, &mut done, &mut |_, part| map.get(&part).copied())
    }

    /// Rebuilds an expression from the outside in: where `replace` gives an expression it is taken as it stands,
    /// elsewhere the parts are rebuilt. Below a binder `replace` sees a fresh free index in place of the bound one.
    pub fn rewrite_with<S: BuildHasher>(
        &mut self,
        expr: Expr,
        done: &mut HashMap<Expr, Expr, S>,
        replace: &mut dyn FnMut(&mut Context, Expr) -> Option<Expr>,
    ) -> Expr {
        if let Some(&result) = done.get(&expr) {
            return result;
        }
        let result = match replace(self, expr) {
            Some(result) => result,
            None => self.rebuild(expr, &mut |context, part| context.rewrite_with(part, done, replace)),
        };
        done.insert(expr, result);
        result
    }

    /// Rebuilds an expression with each direct part passed through `transform`; a reduction is opened for it.
    pub fn rebuild(&mut self, expr: Expr, transform: &mut dyn FnMut(&mut Context, Expr) -> Expr) -> Expr {
        match self.node(expr).clone() {
            Node::Number(_) | Node::Constant(_) | Node::Size(_) | Node::Index(_) => expr,
            Node::Symbol(symbol, places) => {
                let places = self.transform_all(&places, transform);
                self.entry(symbol, places)
            }
            Node::Call(function, arguments) => {
                let arguments = self.transform_all(&arguments, transform);
                self.call(function, arguments)
            }
            Node::Add(terms) => {
                let terms = self.transform_all(&terms, transform);
                self.add(terms)
            }
            Node::Mul(factors) => {
                let factors = self.transform_all(&factors, transform);
                self.mul(factors)
            }
            Node::Delta(a, b) => {
                let (a, b) = (transform(self, a), transform(self, b));
                self.delta(a, b)
            }
            Node::Compare(relation, a, b) => {
                let (a, b) = (transform(self, a), transform(self, b));
                self.compare(relation, a, b)
            }
            Node::Power(base, exponent) => {
                let (base, exponent) = (transform(self, base), transform(self, exponent));
                self.power(base, exponent)
            }
            Node::Derivative(body, target) => {
                let (body, target) = (transform(self, body), transform(self, target));
                self.derivative(body, target)
            }
            Node::Select(condition, then, otherwise) => {
                let condition = transform(self, condition);
                let (then, otherwise) = (transform(self, then), transform(self, otherwise));
                self.select(condition, then, otherwise)
            }
            Node::Reduce(reduction, ..) => match self.open(expr) {
                Some(opened) => {
                    let body = transform(self, opened.body);
                    self.reduce(reduction, opened.index, body)
                }
                None => expr,
            },
        }
    }

    fn transform_all(&mut self, parts: &[Expr], transform: &mut dyn FnMut(&mut Context, Expr) -> Expr) -> Vec<Expr> {
        parts.iter().map(|&part| transform(self, part)).collect()
    }

    /// True if some part satisfies the test. Bound indices are seen as they are.
    pub fn any(&self, expr: Expr, test: &dyn Fn(&Node) -> bool) -> bool {
        let mut seen = rustc_hash::FxHashSet::default();
        let mut stack = vec![expr];
        while let Some(part) = stack.pop() {
            if !seen.insert(part) {
                continue;
            }
            let node = self.node(part);
            if test(node) {
                return true;
            }
            for_each_child(node, |child| stack.push(child));
        }
        false
    }

    /// True if an entry of the symbol occurs in the expression.
    pub fn depends_on(&self, expr: Expr, symbol: Symbol) -> bool {
        self.any(expr, &|node| matches!(node, Node::Symbol(found, _) if *found == symbol))
    }

    /// All symbols that occur, in the order of their declaration.
    pub fn symbols_in(&self, expr: Expr) -> Vec<Symbol> {
        let found = std::cell::RefCell::new(std::collections::BTreeSet::new());
        self.any(expr, &|node| {
            if let Node::Symbol(symbol, _) = node {
                found.borrow_mut().insert(*symbol);
            }
            false
        });
        found.into_inner().into_iter().collect()
    }

    /// Replaces every axis, in binders, indices, sizes and symbols alike.
    pub fn map_axes(&mut self, expr: Expr, map: &dyn Fn(Axis) -> Axis) -> Expr {
        let mut done = FxHashMap::default();
        self.map_axes_inner(expr, map, &mut done)
    }

    fn map_axes_inner(&mut self, expr: Expr, map: &dyn Fn(Axis) -> Axis, done: &mut FxHashMap<Expr, Expr>) -> Expr {
        if let Some(&result) = done.get(&expr) {
            return result;
        }
        let result = match *self.node(expr) {
            Node::Size(axis) => self.size(map(axis)),
            Node::Index(index) => self.index(Index { axis: map(index.axis), ..index }),
            Node::Reduce(reduction, ..) => match self.open(expr) {
                Some(opened) => {
                    let body = self.map_axes_inner(opened.body, map, done);
                    self.reduce(reduction, Index { axis: map(opened.index.axis), ..opened.index }, body)
                }
                None => expr,
            },
            _ => self.rebuild(expr, &mut |context, part| context.map_axes_inner(part, map, done)),
        };
        done.insert(expr, result);
        result
    }
}

impl Context {
    /// The height of the highest binder in an expression; 0 without one.
    pub fn height_of(&self, expr: Expr) -> u16 {
        self.height(expr)
    }

    /// The free indices in the order in which the structure shows them: as in the entry that has most of them, which is
    /// how they are stored, then as they come.
    pub fn free_indices_in_order(&self, expr: Expr) -> Vec<Index> {
        let wanted = self.free_indices(expr);
        let (mut found, mut widest): (Vec<Index>, Vec<Index>) = (Vec::new(), Vec::new());
        let mut seen = rustc_hash::FxHashSet::default();
        let mut stack = vec![expr];
        while let Some(part) = stack.pop() {
            if !seen.insert(part) || widest.len() == wanted.len() {
                continue;
            }
            match self.node(part) {
                Node::Index(index) if wanted.contains(index) && !found.contains(index) => found.push(*index),
                Node::Symbol(_, places) => {
                    let mut here: Vec<Index> = Vec::new();
                    for &place in places {
                        if let Node::Index(index) = self.node(place)
                            && wanted.contains(index)
                            && !here.contains(index)
                        {
                            here.push(*index);
                        }
                    }
                    if here.len() > widest.len() {
                        widest = here;
                    }
                }
                _ => {}
            }
            let children = self.children(part);
            stack.extend(children.into_iter().rev());
        }
        found.retain(|index| !widest.contains(index));
        widest.extend(found);
        widest
    }

    /// `i` of a place `i-1`, an index and a number.
    pub fn neighbour(&self, place: Expr) -> Option<Index> {
        let Node::Add(terms) = self.node(place) else { return None };
        match terms[..] {
            [a, b] => [(a, b), (b, a)].into_iter().find_map(|(index, number)| match self.node(index) {
                Node::Index(index) if self.as_number(number).is_some() => Some(*index),
                _ => None,
            }),
            _ => None,
        }
    }

    /// True if some entry stands at a place that is no plain index.
    pub fn has_gather(&self, expr: Expr) -> bool {
        self.any(expr, &|node| match node {
            Node::Symbol(_, places) => places.iter().any(|&place| !matches!(self.node(place), Node::Index(_))),
            _ => false,
        })
    }
}
