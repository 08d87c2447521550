//! Rewriting: rules as rows in the project's own notation, a matcher for them, sign analysis for their conditions, and
//! the few simplifications that a row cannot say.

pub mod bounds;
pub mod pattern;
pub mod rules;
pub mod simplify;
pub mod stability;

use crate::expr::{Context, Expr};
use bounds::Knowledge;
use rules::{Hazard, Rule};
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// One use of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    /// The rule's key.
    pub rule: &'static str,
    /// What it removes.
    pub hazard: Hazard,
    /// What it matched.
    pub before: Expr,
    /// What it made of it.
    pub after: Expr,
}

/// Applies rules everywhere, innermost first, until none applies.
pub struct Rewriter<'a> {
    rules: &'a [Rc<Rule>],
    knowledge: &'a Knowledge,
    done: FxHashMap<Expr, Expr>,
    /// The rules used, in order.
    pub fired: Vec<Fired>,
}

/// A rewriting that goes on for longer than this on one node has a rule that undoes another.
const MOST_STEPS_AT_A_NODE: usize = 200;

impl<'a> Rewriter<'a> {
    /// A rewriter with these rules.
    pub fn new(rules: &'a [Rc<Rule>], knowledge: &'a Knowledge) -> Rewriter<'a> {
        Rewriter { rules, knowledge, done: FxHashMap::default(), fired: Vec::new() }
    }

    /// Rewrites an expression.
    pub fn rewrite(&mut self, context: &mut Context, expr: Expr) -> Expr {
        if let Some(&result) = self.done.get(&expr) {
            return result;
        }
        let mut result = context.rebuild(expr, &mut |context, part| self.rewrite(context, part));
        for _ in 0..MOST_STEPS_AT_A_NODE {
            let Some((rule, after)) = self.first_match(context, result) else { break };
            self.fired.push(Fired { rule: rule.key, hazard: rule.hazard, before: result, after });
            result = context.rebuild(after, &mut |context, part| self.rewrite(context, part));
        }
        self.done.insert(expr, result);
        result
    }

    fn first_match(&self, context: &mut Context, expr: Expr) -> Option<(&'a Rule, Expr)> {
        self.rules.iter().find_map(|rule| {
            let after = rule.apply(context, self.knowledge, expr)?;
            (after != expr).then_some((&**rule, after))
        })
    }
}
