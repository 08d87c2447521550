//! Rules: rows in the project's own notation, read when they may match, and the functions for what a row cannot say.
//!
//! A row holds its key (which is also the key of its sentence in each language file), the two sides, the conditions under
//! which they are equal, and, for a stability rule, the hazard that it removes.

use super::bounds::Knowledge;
use super::pattern::{Bindings, Pattern, read};
use crate::expr::{Context, Expr};
use crate::function::Function;
use std::cell::OnceCell;

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

/// A rule.
pub struct Rule {
    /// Its key.
    pub key: &'static str,
    /// The hazard it removes.
    pub hazard: Hazard,
    action: Action,
}

enum Action {
    Row(Reading),
    Function(RuleFunction),
}

/// A row that is read when an expression may match it: reading all of them takes longer than stabilising a loss.
struct Reading {
    row: &'static Row,
    /// Functions of the left side.
    functions: Vec<Function>,
    sides: OnceCell<Option<Sides>>,
}

/// A row, read.
struct Sides {
    from: Pattern,
    to: Pattern,
    conditions: Vec<Pattern>,
}

/// A rule that a row cannot say: the expression after it, if it matches and its conditions are proved.
pub type RuleFunction = fn(&mut Context, &Knowledge, Expr) -> Option<Expr>;

impl Sides {
    /// Reads a row; `None` if its formulas are not right.
    fn read(row: &Row) -> Option<Sides> {
        let mut text = format!("F = {}\nG = {}", row.from, row.to);
        for condition in row.conditions {
            text += "\n";
            text += condition;
        }
        let mut reading = read(&text)?;
        let (from, to) = (reading.formulas.remove("F")?, reading.formulas.remove("G")?);
        Some(Sides { from, to, conditions: reading.conditions })
    }
}

impl Reading {
    /// The row, unless no expression of the context can match it.
    fn sides(&self, context: &Context) -> Option<&Sides> {
        let may_match = self.functions.iter().all(|&function| context.calls(function));
        if may_match { self.sides.get_or_init(|| Sides::read(self.row)).as_ref() } else { None }
    }
}

/// Functions that a formula in LaTeX names; not all of them need be found.
fn functions_in(formula: &str) -> Vec<Function> {
    let words = formula.split('\\').skip(1).map(|command| command.strip_prefix("operatorname{").unwrap_or(command));
    let names = words.filter_map(|word| word.split(|letter: char| !letter.is_alphanumeric()).next());
    let power = formula.contains("e^").then_some(Function::Exp);
    // The base of a logarithm is an operand of another function.
    names.filter(|_| !formula.contains("log_")).filter_map(Function::from_plain).chain(power).collect()
}

impl Rule {
    /// A row.
    pub fn row(row: &'static Row) -> Rule {
        let reading = Reading { row, functions: functions_in(row.from), sides: OnceCell::new() };
        Rule { key: row.key, hazard: row.hazard, action: Action::Row(reading) }
    }

    /// A rule that a row cannot say.
    pub fn function(key: &'static str, hazard: Hazard, function: RuleFunction) -> Rule {
        Rule { key, hazard, action: Action::Function(function) }
    }

    /// The expression after the rule, if it matches and its conditions are proved.
    pub fn apply(&self, context: &mut Context, knowledge: &Knowledge, expr: Expr) -> Option<Expr> {
        let Sides { from, to, conditions } = match &self.action {
            Action::Function(function) => return function(context, knowledge, expr),
            Action::Row(reading) => reading.sides(context)?,
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
        let Action::Row(reading) = &self.action else { return None };
        let Sides { from, conditions, .. } = reading.sides(context)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::stability::STABILITY;

    /// The functions that a pattern calls.
    fn calls(pattern: &Pattern) -> Vec<Function> {
        let (own, parts): (Option<Function>, Vec<&Pattern>) = match pattern {
            Pattern::Call(function, arguments) => (Some(*function), arguments.iter().collect()),
            Pattern::Add(parts) | Pattern::Mul(parts) => (None, parts.iter().collect()),
            Pattern::Power(a, b) | Pattern::Compare(_, a, b) => (None, vec![a, b]),
            Pattern::Reduce(.., body) => (None, vec![body]),
            _ => (None, Vec::new()),
        };
        own.into_iter().chain(parts.into_iter().flat_map(calls)).collect()
    }

    #[test]
    fn every_row_reads_and_is_not_passed_over() {
        let mut told = 0;
        for row in STABILITY {
            let sides = Sides::read(row).unwrap_or_else(|| panic!("{} cannot be read", row.key));
            let (called, named) = (calls(&sides.from), functions_in(row.from));
            assert!(named.iter().all(|function| called.contains(function)), "{}: {named:?}, not {called:?}", row.key);
            told += usize::from(!named.is_empty());
        }
        assert!(told * 10 > STABILITY.len() * 8, "of {} rows only {told} are told apart", STABILITY.len());
    }
}
