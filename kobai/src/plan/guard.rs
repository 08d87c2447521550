//! Entries beside the place of an index, as x_{i−1} in Σ_{i≥2} f(x_{i−1}), told where they are wanted.
//!
//! A bound of a sum is a mask around its whole body. What lies in the body may become a tensor of its own, which is made for
//! every i: then nothing would keep x_{i−1} from being read where there is no such entry. So the mask is put around the
//! entry as well.

use super::Output;
use crate::expr::{Context, Expr, Node};
use rustc_hash::FxHashMap;

/// The outputs with each such entry inside the conditions under which its value counts.
pub(super) fn guard(context: &mut Context, outputs: &[Output]) -> Vec<Output> {
    let mut guard = Guard::default();
    outputs.iter().map(|output| Output { value: guard.inside(context, output.value), ..output.clone() }).collect()
}

#[derive(Default)]
struct Guard {
    /// What holds wherever the expression at hand counts.
    conditions: Vec<Expr>,
    /// By expression and conditions.
    done: FxHashMap<(Expr, Vec<Expr>), Expr>,
}

impl Guard {
    fn inside(&mut self, context: &mut Context, expr: Expr) -> Expr {
        if !context.has_gather(expr) {
            return expr;
        }
        let key = (expr, self.conditions.clone());
        if let Some(&known) = self.done.get(&key) {
            return known;
        }
        let result = match context.node(expr).clone() {
            Node::Symbol(_, places) if places.iter().any(|&place| context.neighbour(place).is_some()) => {
                self.entry(context, expr)
            }
            Node::Select(condition, then, otherwise) => {
                let then = self.where_count(context, &[condition], then);
                let (condition, otherwise) = (self.inside(context, condition), self.inside(context, otherwise));
                context.select(condition, then, otherwise)
            }
            Node::Mul(factors) => {
                // A factor of 0 removes the others.
                let factors = factors.iter().map(|&factor| self.where_count(context, &factors, factor)).collect();
                context.mul(factors)
            }
            _ => context.rebuild(expr, &mut |context, part| self.inside(context, part)),
        };
        self.done.insert(key, result);
        result
    }

    /// The expression as it is where the others are not 0.
    fn where_count(&mut self, context: &mut Context, others: &[Expr], expr: Expr) -> Expr {
        let outside = self.conditions.len();
        others.iter().for_each(|&other| add_conditions(context, other, &mut self.conditions));
        let result = self.inside(context, expr);
        self.conditions.truncate(outside);
        result
    }

    /// The entry, and 0 where one of the conditions that its own indices decide does not hold.
    fn entry(&self, context: &mut Context, entry: Expr) -> Expr {
        let own = context.free_indices(entry);
        let decides = |condition: &&Expr| context.free_indices(**condition).iter().all(|index| own.contains(index));
        let conditions: Vec<Expr> = self.conditions.iter().filter(decides).copied().collect();
        let (all, zero) = (context.mul(conditions), context.integer(0));
        context.select(all, entry, zero)
    }
}

/// Adds the comparisons that hold where the expression is not 0. Those that read neighbours themselves guard nothing.
fn add_conditions(context: &Context, expr: Expr, conditions: &mut Vec<Expr>) {
    match context.node(expr) {
        Node::Compare(..) if !context.has_gather(expr) => conditions.push(expr),
        Node::Mul(factors) => factors.iter().for_each(|&factor| add_conditions(context, factor, conditions)),
        Node::Select(condition, then, otherwise) if context.is_integer(*otherwise, 0) => {
            [condition, then].into_iter().for_each(|&part| add_conditions(context, part, conditions));
        }
        _ => {}
    }
}
