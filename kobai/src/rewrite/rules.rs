//! Rules: rows in the project's own notation, read once, and the functions for what a row cannot say.
//!
//! A row holds its key (which is also the key of its sentence in each language file), the two sides, the conditions under
//! which they are equal, and, for a stability rule, the hazard that it removes.

use super::bounds::Knowledge;
use super::pattern::{Bindings, Pattern, read};
use crate::expr::{Context, Expr};

/// What can go wrong when a formula is run as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hazard {
    /// e^x leaves the range of the numbers.
    Overflow,
    /// A positive value becomes 0, and its logarithm −∞.
    Underflow,
    /// A difference of nearly equal numbers.
    Cancellation,
    /// None: the rule only brings a formula into a form that others match.
    None,
}

/// A row as written.
pub struct Row {
    /// Its key.
    pub key: &'static str,
    /// The left side.
    pub from: &'static str,
    /// The right side.
    pub to: &'static str,
    /// Conditions on the names; empty for always.
    pub conditions: &'static [&'static str],
    /// The hazard it removes.
    pub hazard: Hazard,
    /// Where the mathematics comes from.
    pub source: &'static str,
}

/// A rule, read.
pub struct Rule {
    /// Its key.
    pub key: &'static str,
    /// The hazard it removes.
    pub hazard: Hazard,
    action: Action,
}

enum Action {
    Row { from: Pattern, to: Pattern, conditions: Vec<Pattern> },
    Function(RuleFunction),
}

/// A rule that a row cannot say: the expression after it, if it matches and its conditions are proved.
pub type RuleFunction = fn(&mut Context, &Knowledge, Expr) -> Option<Expr>;

impl Rule {
    /// Reads a row; `None` if its formulas are not right.
    pub fn read(row: &Row) -> Option<Rule> {
        let mut text = format!("F = {}\nG = {}", row.from, row.to);
        for condition in row.conditions {
            text += "\n";
            text += condition;
        }
        let mut reading = read(&text)?;
        let (from, to) = (reading.formulas.remove("F")?, reading.formulas.remove("G")?);
        Some(Rule {
            key: row.key,
            hazard: row.hazard,
            action: Action::Row { from, to, conditions: reading.conditions },
        })
    }

    /// A rule that a row cannot say.
    pub fn function(key: &'static str, hazard: Hazard, function: RuleFunction) -> Rule {
        Rule { key, hazard, action: Action::Function(function) }
    }

    /// The expression after the rule, if it matches and its conditions are proved.
    pub fn apply(&self, context: &mut Context, knowledge: &Knowledge, expr: Expr) -> Option<Expr> {
        let (from, to, conditions) = match &self.action {
            Action::Function(function) => return function(context, knowledge, expr),
            Action::Row { from, to, conditions } => (from, to, conditions),
        };
        for (bindings, mut rest) in from.match_root(context, expr) {
            if !holds(conditions, context, knowledge, &bindings) {
                continue;
            }
            rest.push(to.instantiate(context, &bindings)?);
            return Some(match from {
                Pattern::Add(_) => context.add(rest),
                Pattern::Mul(_) => context.mul(rest),
                _ => *rest.last()?,
            });
        }
        None
    }
}

impl Rule {
    /// The condition that keeps the rule from an expression which it matches, if one does.
    pub fn unproved(&self, context: &mut Context, knowledge: &Knowledge, expr: Expr) -> Option<Expr> {
        let Action::Row { from, conditions, .. } = &self.action else { return None };
        from.match_root(context, expr).into_iter().find_map(|(bindings, _)| {
            let instances: Vec<Expr> =
                conditions.iter().filter_map(|condition| condition.instantiate(context, &bindings)).collect();
            instances.into_iter().find(|&condition| !knowledge.proves(context, condition))
        })
    }
}

fn holds(conditions: &[Pattern], context: &mut Context, knowledge: &Knowledge, bindings: &Bindings) -> bool {
    conditions.iter().all(|condition| {
        let instance = condition.instantiate(context, bindings);
        instance.is_some_and(|condition| knowledge.proves(context, condition))
    })
}

/// Reads rows, leaving out what cannot be read (a test demands that every row can).
pub fn read_all(rows: &[Row]) -> Vec<Rule> {
    rows.iter().filter_map(Rule::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::stability::STABILITY;

    #[test]
    fn every_row_reads() {
        for row in STABILITY {
            assert!(Rule::read(row).is_some(), "{} cannot be read", row.key);
        }
    }
}
