//! Many derivatives that take the same rule: after the first, the others take it in one step.

use super::Deriver;
use crate::derivation::{Slot, Step};
use crate::expr::{Expr, Node};
use std::collections::{HashMap, HashSet};

/// So many derivatives a reader follows one by one; with more waiting, the same rule goes through all of them at once.
const MOST_ONE_BY_ONE: usize = 8;

impl Deriver<'_> {
    /// Applies the rule of the last step to all the derivatives that take it, if there are many.
    pub(super) fn alike(&mut self, last: &Step) -> Option<Step> {
        if self.waiting(last.whole) <= MOST_ONE_BY_ONE {
            return None;
        }
        let mut done = HashMap::new();
        let whole = self.replace_alike(last.whole, last.rule, &mut done);
        let count = done.values().filter(|replaced| replaced.counted).count();
        (count > 0).then(|| {
            let mut step = Step::new("alike", last.whole, whole, whole);
            let count = self.context.integer(count as i64);
            step.slots.push(("count", Slot::Formula(count)));
            step
        })
    }

    /// How many derivatives are not yet carried out.
    fn waiting(&self, expr: Expr) -> usize {
        let (mut seen, mut stack, mut count) = (HashSet::new(), vec![expr], 0);
        while let Some(part) = stack.pop() {
            if !self.context.has_derivative(part) || !seen.insert(part) {
                continue;
            }
            if let Node::Derivative(..) = self.context.node(part) {
                count += 1;
            } else {
                stack.extend(self.context.children(part));
            }
        }
        count
    }

    fn replace_alike(&mut self, expr: Expr, rule: &str, done: &mut HashMap<Expr, Replaced>) -> Expr {
        if !self.context.has_derivative(expr) {
            return expr;
        }
        if let Some(known) = done.get(&expr) {
            return known.by;
        }
        let replaced = match *self.context.node(expr) {
            Node::Derivative(body, _) => {
                let applied = self.rule_for(body);
                let same = applied.rule == rule && applied.substeps.is_empty();
                Replaced { by: if same { applied.after } else { expr }, counted: same }
            }
            Node::Reduce(reduction, ..) => match self.context.open(expr) {
                Some(opened) => {
                    let body = self.replace_alike(opened.body, rule, done);
                    let by = self.context.reduce(reduction, opened.index, body);
                    Replaced { by, counted: false }
                }
                None => Replaced { by: expr, counted: false },
            },
            _ => {
                let children = self.context.children(expr);
                let map: HashMap<Expr, Expr> =
                    children.into_iter().map(|child| (child, self.replace_alike(child, rule, done))).collect();
                let by = self.context.rebuild(expr, &mut |_, part| map.get(&part).copied().unwrap_or(part));
                Replaced { by, counted: false }
            }
        };
        let by = replaced.by;
        done.insert(expr, replaced);
        by
    }
}

/// What a part became, and whether that was a use of the rule.
struct Replaced {
    by: Expr,
    counted: bool,
}
