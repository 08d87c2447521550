//! The rows of the rewriting rules.
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

const fn row(
    key: &'static str,
    from: &'static str,
    to: &'static str,
    conditions: &'static [&'static str],
    hazard: Hazard,
    source: &'static str,
) -> Row {
    Row { key, from, to, conditions, hazard, source }
}

/// The stability rules. Each lowers the number of exponentials, logarithms and differences that can fail, so that the
/// rewriting ends.
pub const STABILITY: &[Row] = &[
    row("log-of-exponential", r"\log e^{x}", "x", &[], Hazard::Overflow, "definition of the logarithm"),
    row("exponential-of-log", r"\exp(\log x)", "x", &["x > 0"], Hazard::None, "definition of the logarithm"),
    row(
        "log-of-sum-of-exponentials",
        r"\log \sum_i e^{f_i}",
        r"\operatorname{lse}_i (f_i)",
        &[],
        Hazard::Overflow,
        "Blanchard, Higham & Higham 2021, eq. 1.1",
    ),
    row(
        "power-of-sum-of-exponentials",
        r"(\sum_i e^{f_i})^{a}",
        r"\exp(a \operatorname{lse}_i (f_i))",
        &[],
        Hazard::Overflow,
        "Blanchard, Higham & Higham 2021, eq. 1.2",
    ),
    row("product-of-exponentials", r"e^{x} e^{y}", r"\exp(x + y)", &[], Hazard::Overflow, "law of exponents"),
    row("log-base-of-power", r"\log_a (a^{x})", "x", &[], Hazard::Overflow, "definition of the logarithm"),
    row("log-of-product", r"\log (x y)", r"\log x + \log y", &["x > 0"], Hazard::Underflow, "law of logarithms"),
    row("log-of-reciprocal", r"\log \frac{1}{x}", r"-\log x", &[], Hazard::Overflow, "law of logarithms"),
    row("log-of-power", r"\log (x^{a})", r"a \log x", &["x > 0"], Hazard::Underflow, "law of logarithms"),
    row(
        "sigmoid",
        r"\frac{1}{1 + e^{x}}",
        r"\operatorname{sigmoid}(-x)",
        &[],
        Hazard::Overflow,
        "definition of the logistic function",
    ),
    row(
        "log-of-sigmoid",
        r"\log \operatorname{sigmoid}(x)",
        r"-\operatorname{softplus}(-x)",
        &[],
        Hazard::Underflow,
        "log σ(x) = −log(1 + e^{−x})",
    ),
    row(
        "complement-of-sigmoid",
        r"1 - \operatorname{sigmoid}(x)",
        r"\operatorname{sigmoid}(-x)",
        &[],
        Hazard::Cancellation,
        "symmetry of the logistic function",
    ),
    row(
        "log-of-one-plus-exponential",
        r"\log (1 + e^{x})",
        r"\operatorname{softplus}(x)",
        &[],
        Hazard::Overflow,
        "Mächler 2012, eq. 10",
    ),
    row(
        "log-of-one-minus-exponential",
        r"\log (1 - e^{x})",
        r"\operatorname{log1mexp}(x)",
        &["x < 0"],
        Hazard::Cancellation,
        "Mächler 2012, eq. 7",
    ),
    row("one-minus-exponential", r"1 - e^{x}", r"-\operatorname{expm1}(x)", &[], Hazard::Cancellation, "Kahan 1987"),
    row(
        "log-of-one-minus-exponential-again",
        r"\log (-\operatorname{expm1}(x))",
        r"\operatorname{log1mexp}(x)",
        &["x < 0"],
        Hazard::Cancellation,
        "Mächler 2012, eq. 7",
    ),
    row("log-of-one-plus", r"\log (1 + x)", r"\operatorname{log1p}(x)", &[], Hazard::Cancellation, "Kahan 1987"),
    row(
        "log-cosh",
        r"\log \cosh(x)",
        r"\operatorname{log_cosh}(x)",
        &[],
        Hazard::Overflow,
        "log cosh x = |x| + log1p(e^{−2|x|}) − log 2",
    ),
];

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
    Function(fn(&mut Context, Expr) -> Option<Expr>),
}

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
    pub fn function(key: &'static str, hazard: Hazard, function: fn(&mut Context, Expr) -> Option<Expr>) -> Rule {
        Rule { key, hazard, action: Action::Function(function) }
    }

    /// The expression after the rule, if it matches and its conditions are proved.
    pub fn apply(&self, context: &mut Context, knowledge: &Knowledge, expr: Expr) -> Option<Expr> {
        let (from, to, conditions) = match &self.action {
            Action::Function(function) => return function(context, expr),
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

    #[test]
    fn every_row_reads() {
        for row in STABILITY {
            assert!(Rule::read(row).is_some(), "{} cannot be read", row.key);
        }
    }
}
