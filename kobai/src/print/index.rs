//! Reductions, and what stands below them and in the places of entries: indices, bounds, conditions.

use super::build::{Builder, positive_first};
use super::tree::{Big, Tree};
use crate::expr::{Axis, Constant, Expr, Index, Node, Reduction, Variable};
use crate::formula::{Relation, Spelling};
use num_traits::{One, Signed};

impl Builder<'_> {
    /// A reduction; a mask on its body goes below the operator.
    pub(super) fn reduce(&mut self, expr: Expr, reduction: Reduction, axis: Axis, body: Expr) -> Tree {
        let index = Index { variable: Variable::Bound(self.context.height_of(expr)), axis };
        let letter = self.letters.bind(index);
        let mut big = Big {
            reduction,
            index: letter,
            lower: Tree::digits(1),
            upper: self.named_size(axis),
            set: None,
            conditions: Vec::new(),
            body: Tree::Ellipsis,
        };
        let body = match *self.context.node(body) {
            Node::Select(mask, then, otherwise)
                if self.is_neutral(reduction, otherwise) && self.emphasis != Some(body) =>
            {
                self.mask(&mut big, index, mask);
                then
            }
            _ => body,
        };
        let body = self.expression(body);
        big.body = match reduction {
            Reduction::Sum | Reduction::Product => body.into_body(),
            _ => body.into_short_body(),
        };
        self.letters.release();
        Tree::Big(Box::new(big))
    }

    fn is_neutral(&self, reduction: Reduction, expr: Expr) -> bool {
        let constant = |wanted| matches!(self.context.node(expr), Node::Constant(found) if *found == wanted);
        match reduction {
            Reduction::Sum => self.context.is_integer(expr, 0),
            Reduction::Product => self.context.is_integer(expr, 1),
            Reduction::Maximum | Reduction::LogSumExp => constant(Constant::NegativeInfinity),
            Reduction::Minimum => constant(Constant::Infinity),
        }
    }

    /// Writes a mask below the operator: as a set, as a lower bound, as conditions.
    fn mask(&mut self, big: &mut Big, index: Index, mask: Expr) {
        if let Some(set) = self.membership(mask, index) {
            big.set = Some(set);
            return;
        }
        let mut bounded = false;
        for part in self.conjunction(mask) {
            match self.lower_bound(part, index).filter(|_| !bounded) {
                Some(lower) => {
                    big.lower = lower;
                    bounded = true;
                }
                None => {
                    let condition = self.condition(part, Some(index));
                    big.conditions.push(condition);
                }
            }
        }
    }

    /// The set `P` with its arguments `i`, if the mask is the entry `P[i, p]`.
    fn membership(&mut self, mask: Expr, index: Index) -> Option<(Spelling, Vec<Tree>)> {
        let Node::Symbol(symbol, places) = self.context.node(mask) else {
            return None;
        };
        let (last, arguments) = places.split_last()?;
        let plain = |place: &Expr| matches!(self.context.node(*place), Node::Index(found) if *found != index);
        let own = matches!(self.context.node(*last), Node::Index(found) if *found == index);
        if !own || arguments.is_empty() || !arguments.iter().all(plain) || self.emphasis == Some(mask) {
            return None;
        }
        let name = self.symbol_name(*symbol)?;
        Some((name, arguments.iter().map(|&argument| self.place(argument)).collect()))
    }

    /// `i` in the condition i ≤ k on the index k, as it stands in `k = i`.
    fn lower_bound(&mut self, condition: Expr, index: Index) -> Option<Tree> {
        let Node::Compare(Relation::LessOrEqual, first, second) = *self.context.node(condition) else {
            return None;
        };
        let own = matches!(self.context.node(second), Node::Index(found) if *found == index);
        if !own || self.context.mentions(first, index) || self.emphasis == Some(condition) {
            return None;
        }
        if let Some(value) = self.context.as_number(first) {
            // From 0 inside, from 1 on the page; a lower bound of 0 or 1 would mean the whole axis.
            return (value.is_integer() && value.is_positive()).then(|| Tree::digits(value.numer() + 1));
        }
        self.is_place(first).then(|| self.place(first))
    }

    /// The conditions of which all must hold.
    fn conjunction(&self, mask: Expr) -> Vec<Expr> {
        let is_relation = |part: &Expr| matches!(self.context.node(*part), Node::Compare(..) | Node::Delta(..));
        match self.context.node(mask) {
            Node::Mul(parts) if parts.iter().all(is_relation) => parts.to_vec(),
            _ => vec![mask],
        }
    }

    /// A condition, about an index if one is given: it then stands on the left.
    pub(super) fn condition(&mut self, condition: Expr, subject: Option<Index>) -> Tree {
        let tree = match *self.context.node(condition) {
            Node::Compare(relation, a, b) => self.relation(relation, a, b, subject),
            Node::Delta(a, b) => self.relation(Relation::Equal, a, b, subject),
            _ => {
                let value = self.expression(condition);
                return Tree::Relation(Relation::NotEqual, Box::new(value), Box::new(Tree::digits(0)));
            }
        };
        self.mark(condition, tree)
    }

    /// A relation. An index beside another, or beside an integer that depends on one, is read as a place, counted
    /// from 0 inside; elsewhere it counts as a number.
    pub(super) fn relation(&mut self, relation: Relation, a: Expr, b: Expr, subject: Option<Index>) -> Tree {
        let about = |side: Expr| subject.is_some_and(|index| self.context.mentions(side, index));
        let is_number = |side: Expr| self.context.as_number(side).is_some();
        let turn = (about(b) && !about(a)) || (is_number(a) && !is_number(b));
        let (relation, a, b) = if turn { (turned(relation), b, a) } else { (relation, a, b) };
        let is_index = |side: Expr| matches!(self.context.node(side), Node::Index(_));
        let places = (is_index(a) && self.is_place(b)) || (is_index(b) && self.is_place(a));
        let mut side = |side: Expr| {
            if places { self.place(side) } else { self.expression(side) }
        };
        let (left, right) = (side(a), side(b));
        Tree::Relation(relation, Box::new(left), Box::new(right))
    }

    /// True for what is read as a place beside an index: an index, an integer entry, sums of these and integers.
    fn is_place(&self, expr: Expr) -> bool {
        match self.context.node(expr) {
            Node::Index(_) => true,
            Node::Symbol(symbol, places) => {
                !places.is_empty() || self.context.symbols.get(symbol.0 as usize).is_some_and(|symbol| symbol.integer)
            }
            Node::Add(terms) => terms.iter().all(|&term| self.context.as_number(term).is_some() || self.is_place(term)),
            _ => false,
        }
    }

    /// An integer expression in a place, where indices stand for themselves.
    pub(super) fn place(&mut self, expr: Expr) -> Tree {
        let context = self.context;
        let tree = match context.node(expr) {
            Node::Index(index) => Tree::Name(self.letters.letter(*index)),
            Node::Add(terms) => {
                let (numbers, others): (Vec<Expr>, Vec<Expr>) =
                    terms.iter().partition(|&&term| context.as_number(term).is_some());
                let signed = others.into_iter().chain(numbers).map(|term| self.signed_place(term)).collect();
                positive_first(signed)
            }
            _ => match self.signed_place(expr) {
                (true, tree) => return Tree::Sum(vec![(true, tree)]),
                (false, tree) => return tree,
            },
        };
        self.mark(expr, tree)
    }

    fn signed_place(&mut self, expr: Expr) -> (bool, Tree) {
        match self.context.node(expr) {
            Node::Index(_) => (false, self.place(expr)),
            Node::Mul(factors) => match factors[..] {
                [scale, index] if matches!(self.context.node(index), Node::Index(_)) => {
                    match self.context.as_number(scale) {
                        Some(scale) => self.scaled_place(scale.clone(), index),
                        None => self.term(expr),
                    }
                }
                _ => self.term(expr),
            },
            _ => {
                let (negative, tree) = self.term(expr);
                (negative, tree.into_term())
            }
        }
    }

    fn scaled_place(&mut self, scale: crate::expr::Rational, index: Expr) -> (bool, Tree) {
        let letter = self.place(index);
        let size = scale.abs();
        let tree = if size.is_one() { letter } else { Tree::Product(vec![super::build::number(&size), letter]) };
        (scale.is_negative(), tree)
    }
}

/// The relation with its sides exchanged.
fn turned(relation: Relation) -> Relation {
    match relation {
        Relation::Less => Relation::Greater,
        Relation::LessOrEqual => Relation::GreaterOrEqual,
        Relation::Greater => Relation::Less,
        Relation::GreaterOrEqual => Relation::LessOrEqual,
        Relation::Equal | Relation::NotEqual => relation,
    }
}
