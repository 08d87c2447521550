//! The structural order of expressions: by kind, then size, then content, never by node number.

use super::{Context, Expr, Node};
use std::cmp::Ordering;

fn rank(node: &Node) -> u8 {
    match node {
        Node::Number(_) => 0,
        Node::Constant(_) => 1,
        Node::Size(_) => 2,
        Node::Index(_) => 3,
        Node::Symbol(..) => 4,
        Node::Delta(..) => 5,
        Node::Compare(..) => 6,
        Node::Power(..) => 7,
        Node::Call(..) => 8,
        Node::Select(..) => 9,
        Node::Mul(_) => 10,
        Node::Add(_) => 11,
        Node::Reduce(..) => 12,
        Node::Derivative(..) => 13,
    }
}

impl Context {
    /// Compares two expressions structurally. A power stands where its base would.
    pub fn compare_structure(&self, a: Expr, b: Expr) -> Ordering {
        if a == b {
            return Ordering::Equal;
        }
        let (left, right) = (self.node(a), self.node(b));
        rank(left)
            .cmp(&rank(right))
            .then_with(|| self.head_order(left, right))
            .then_with(|| self.size_of(a).cmp(&self.size_of(b)))
            .then_with(|| self.compare_lists(&self.children(a), &self.children(b)))
    }

    fn head_order(&self, left: &Node, right: &Node) -> Ordering {
        match (left, right) {
            // Fractions are compared by divisions, which most numbers here do not need.
            (Node::Number(a), Node::Number(b)) if a.denom() == b.denom() => a.numer().cmp(b.numer()),
            (Node::Number(a), Node::Number(b)) => a.cmp(b),
            (Node::Constant(a), Node::Constant(b)) => a.cmp(b),
            (Node::Size(a), Node::Size(b)) => a.cmp(b),
            (Node::Index(a), Node::Index(b)) => a.cmp(b),
            (Node::Symbol(a, _), Node::Symbol(b, _)) => a.cmp(b),
            (Node::Compare(a, ..), Node::Compare(b, ..)) => a.cmp(b),
            (Node::Call(a, _), Node::Call(b, _)) => a.cmp(b),
            (Node::Reduce(a, x, _), Node::Reduce(b, y, _)) => (a, x).cmp(&(b, y)),
            _ => Ordering::Equal,
        }
    }

    fn compare_lists(&self, left: &[Expr], right: &[Expr]) -> Ordering {
        left.iter()
            .zip(right)
            .map(|(&a, &b)| self.compare_structure(a, b))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| left.len().cmp(&right.len()))
    }
}
