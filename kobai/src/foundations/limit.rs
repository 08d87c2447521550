//! Derivatives from the limit (f(x + h) − f(x)) / h.

use super::{Line, Table, Way, difference_quotient, is_variable, letter, put};
use crate::derivation::Slot;
use crate::eval::Evaluator;
use crate::eval::data::{Inputs, bind};
use crate::eval::high::High;
use crate::expr::{Context, Expr, Node, Rational};
use crate::function::Function;
use crate::rewrite::simplify::expand;
use num_traits::{One, Signed, ToPrimitive};
use std::collections::HashMap;

/// Higher powers are multiplied out by no one.
const HIGHEST_POWER: i64 = 8;
/// Values of u in the table: 10 to the power of minus these.
const DECIMALS: [u32; 5] = [0, 1, 2, 3, 6];
/// Digits shown in the table.
const DIGITS: usize = 9;

/// The lines so far, and what each is checked against.
struct Writer<'a> {
    context: &'a mut Context,
    same_as: Expr,
    lines: Vec<Line>,
}

impl Writer<'_> {
    fn line(&mut self, rule: &'static str, front: Option<Expr>, limit: Option<Expr>, body: Expr) -> &mut Line {
        let front = front.unwrap_or_else(|| self.context.integer(1));
        let (left, slots, same_as) = (None, Vec::new(), self.same_as);
        self.lines.push(Line { rule, left, front, limit, body, slots, same_as, check_at: None });
        let last = self.lines.len() - 1;
        &mut self.lines[last]
    }
}

/// The derivative from the limit, where this module knows how.
pub(super) fn way(context: &mut Context, formula: Expr, variable: Expr) -> Option<Way> {
    let h = letter(context, "h");
    let question = context.derivative(formula, variable);
    let same_as = difference_quotient(context, formula, variable);
    let moved = context.add(vec![variable, h]);
    let moved = put(context, formula, variable, moved);
    let difference = context.subtract(moved, formula);
    let quotient = context.divide(difference, h);
    let mut writer = Writer { context, same_as, lines: Vec::new() };
    writer.line("definition-of-derivative", None, Some(h), quotient);
    let table = continue_with(&mut writer, formula, variable, moved, h)?;
    let lines = writer.lines;
    let last = lines.last()?;
    let result = context.mul(vec![last.front, last.body]);
    Some(Way { heading: "heading.from-limit", question, lines, result, table })
}

/// The lines after the first; the table that goes with them, if any.
fn continue_with(writer: &mut Writer, formula: Expr, variable: Expr, moved: Expr, h: Expr) -> Option<Option<Table>> {
    match writer.context.node(formula).clone() {
        Node::Call(Function::Log, arguments) if is_variable(writer.context, arguments[0], variable) => {
            Some(Some(logarithm(writer, None, variable, h)))
        }
        Node::Call(Function::LogBase, arguments)
            if is_variable(writer.context, arguments[1], variable)
                && free_of(writer.context, arguments[0], variable) =>
        {
            Some(Some(logarithm(writer, Some(arguments[0]), variable, h)))
        }
        Node::Call(Function::Exp, arguments) if is_variable(writer.context, arguments[0], variable) => {
            Some(Some(exponential(writer, None, formula, h)))
        }
        Node::Power(base, exponent)
            if is_variable(writer.context, exponent, variable) && free_of(writer.context, base, variable) =>
        {
            Some(Some(exponential(writer, Some(base), formula, h)))
        }
        Node::Power(base, exponent)
            if is_variable(writer.context, base, variable) && writer.context.is_integer(exponent, -1) =>
        {
            reciprocal(writer, variable, h);
            Some(None)
        }
        Node::Power(base, exponent)
            if is_variable(writer.context, base, variable)
                && writer.context.as_number(exponent) == Some(&Rational::new(1.into(), 2.into())) =>
        {
            root(writer, formula, moved, h);
            Some(None)
        }
        _ => polynomial(writer, formula, moved, h).map(|()| None),
    }
}

fn free_of(context: &Context, expr: Expr, variable: Expr) -> bool {
    match context.node(variable) {
        Node::Symbol(symbol, _) => !context.depends_on(expr, *symbol),
        _ => false,
    }
}

/// log to a base; to base e without one.
fn log(context: &mut Context, base: Option<Expr>, argument: Expr) -> Expr {
    match base {
        Some(base) => context.call(Function::LogBase, vec![base, argument]),
        None => context.apply(Function::Log, argument),
    }
}

/// (1 + u)^{1/u}
fn approach(context: &mut Context, u: Expr) -> Expr {
    let one = context.integer(1);
    let sum = context.add(vec![one, u]);
    let exponent = context.reciprocal(u);
    context.power(sum, exponent)
}

fn logarithm(writer: &mut Writer, base: Option<Expr>, x: Expr, h: Expr) -> Table {
    let u = letter(writer.context, "u");
    let one = writer.context.integer(1);
    let (per_h, per_x) = (writer.context.reciprocal(h), writer.context.reciprocal(x));
    let sum = writer.context.add(vec![x, h]);
    let ratio = writer.context.divide(sum, x);
    let of_ratio = log(writer.context, base, ratio);
    let body = writer.context.mul(vec![per_h, of_ratio]);
    writer.line("logarithm-of-quotient", None, Some(h), body);
    let part = writer.context.divide(h, x);
    let near_one = writer.context.add(vec![one, part]);
    let of_sum = log(writer.context, base, near_one);
    let body = writer.context.mul(vec![per_h, of_sum]);
    writer.line("divide-through", None, Some(h), body);
    let sum = writer.context.add(vec![one, u]);
    let of_sum = log(writer.context, base, sum);
    let per_u = writer.context.reciprocal(u);
    let body = writer.context.mul(vec![per_x, per_u, of_sum]);
    let slots = vec![("u", Slot::Formula(part)), ("letter", Slot::Formula(u))];
    writer.line("substitute-ratio", None, Some(u), body).slots = slots;
    let power = approach(writer.context, u);
    let of_power = log(writer.context, base, power);
    writer.line("factor-into-logarithm", Some(per_x), Some(u), of_power);
    let e = writer.context.apply(Function::Exp, one);
    let of_e = log(writer.context, base, e);
    writer.line("limit-of-e", Some(per_x), None, of_e);
    match base {
        Some(base) => {
            let natural = log(writer.context, None, base);
            let result = writer.context.mul(vec![x, natural]);
            let result = writer.context.reciprocal(result);
            writer.line("logarithm-of-e-to-a-base", None, None, result);
        }
        None => drop(writer.line("logarithm-of-e", None, None, per_x)),
    }
    table(writer.context, u, power)
}

fn exponential(writer: &mut Writer, base: Option<Expr>, power: Expr, h: Expr) -> Table {
    let u = letter(writer.context, "u");
    let one = writer.context.integer(1);
    let to_the = |context: &mut Context, exponent: Expr| match base {
        Some(base) => context.power(base, exponent),
        None => context.apply(Function::Exp, exponent),
    };
    let small_power = to_the(writer.context, h);
    let rest = writer.context.subtract(small_power, one);
    let body = writer.context.divide(rest, h);
    writer.line("power-of-sum", Some(power), Some(h), body);
    let sum = writer.context.add(vec![one, u]);
    let of_sum = log(writer.context, base, sum);
    let body = writer.context.divide(u, of_sum);
    let slots = vec![
        ("u", Slot::Formula(rest)),
        ("letter", Slot::Formula(u)),
        ("h", Slot::Formula(h)),
        ("value", Slot::Formula(of_sum)),
    ];
    writer.line("substitute-power", Some(power), Some(u), body).slots = slots;
    let approaching = approach(writer.context, u);
    let of_power = log(writer.context, base, approaching);
    let body = writer.context.reciprocal(of_power);
    writer.line("factor-into-logarithm", Some(power), Some(u), body);
    let e = writer.context.apply(Function::Exp, one);
    let of_e = log(writer.context, base, e);
    let body = writer.context.reciprocal(of_e);
    writer.line("limit-of-e", Some(power), None, body);
    match base {
        Some(base) => {
            let natural = log(writer.context, None, base);
            let result = writer.context.mul(vec![power, natural]);
            writer.line("logarithm-of-e-to-a-base", None, None, result);
        }
        None => drop(writer.line("logarithm-of-e", None, None, power)),
    }
    table(writer.context, u, approaching)
}

/// (1/(x + h) − 1/x)/h
fn reciprocal(writer: &mut Writer, x: Expr, h: Expr) {
    let sum = writer.context.add(vec![x, h]);
    let product = writer.context.mul(vec![x, sum]);
    let body = writer.context.reciprocal(product);
    let body = writer.context.negate(body);
    writer.line("common-denominator", None, Some(h), body);
    let exponent = writer.context.integer(-2);
    let square = writer.context.power(x, exponent);
    let result = writer.context.negate(square);
    writer.line("let-h-vanish", None, None, result);
}

/// (√(x + h) − √x)/h
fn root(writer: &mut Writer, root: Expr, moved: Expr, h: Expr) {
    let sum = writer.context.add(vec![moved, root]);
    let body = writer.context.reciprocal(sum);
    writer.line("conjugate", None, Some(h), body);
    let two = writer.context.integer(2);
    let twice = writer.context.mul(vec![two, root]);
    let result = writer.context.reciprocal(twice);
    writer.line("let-h-vanish", None, None, result);
}

/// Multiplied out, every term of f(x + h) − f(x) has a factor h.
fn polynomial(writer: &mut Writer, formula: Expr, moved: Expr, h: Expr) -> Option<()> {
    let (old, new) = (multiplied_out(writer.context, formula)?, multiplied_out(writer.context, moved)?);
    let difference = writer.context.subtract(new, old);
    let Node::Symbol(symbol, _) = *writer.context.node(h) else { return None };
    let per_h = writer.context.reciprocal(h);
    let terms = match writer.context.node(difference) {
        Node::Add(terms) => terms.to_vec(),
        _ => vec![difference],
    };
    let divided: Vec<Expr> = terms.iter().map(|&term| writer.context.mul(vec![term, per_h])).collect();
    let still_over_h = |&term: &Expr| {
        let over = |node: &Node| {
            matches!(*node, Node::Power(base, exponent) if base == h
            && writer.context.as_number(exponent).is_some_and(Signed::is_negative))
        };
        writer.context.any(term, &over)
    };
    if terms.is_empty() || divided.iter().any(still_over_h) {
        return None;
    }
    let quotient = writer.context.mul(vec![difference, per_h]);
    writer.line("multiply-out", None, Some(h), quotient);
    let divided = writer.context.add(divided);
    let zero = writer.context.integer(0);
    let result = put(writer.context, divided, h, zero);
    if writer.context.depends_on(divided, symbol) {
        writer.line("divide-by-h", None, Some(h), divided);
        writer.line("let-h-vanish", None, None, result);
    } else {
        writer.line("divide-by-h", None, None, result);
    }
    Some(())
}

/// With powers of sums written as products and these multiplied out; `None` for what is no polynomial.
fn multiplied_out(context: &mut Context, expr: Expr) -> Option<Expr> {
    match context.node(expr).clone() {
        Node::Number(_) | Node::Constant(_) | Node::Symbol(..) => Some(expr),
        Node::Add(terms) => {
            let terms: Option<Vec<Expr>> = terms.iter().map(|&term| multiplied_out(context, term)).collect();
            Some(context.add(terms?))
        }
        Node::Mul(factors) => {
            let factors: Option<Vec<Expr>> = factors.iter().map(|&factor| multiplied_out(context, factor)).collect();
            factors?.into_iter().try_fold(context.integer(1), |product, factor| {
                let whole = context.mul(vec![product, factor]);
                Some(expand(context, whole))
            })
        }
        Node::Power(base, exponent) => {
            let power = context.as_number(exponent).filter(|value| value.is_integer())?.to_i64()?;
            let base = multiplied_out(context, base)?;
            if !(1..=HIGHEST_POWER).contains(&power) {
                return None;
            }
            let mut product = base;
            for _ in 1..power {
                product = times(context, product, base);
            }
            Some(product)
        }
        _ => None,
    }
}

/// The product of two sums, term by term. (As a product of equals it would be written as a power again.)
fn times(context: &mut Context, a: Expr, b: Expr) -> Expr {
    let terms = |expr: Expr| match context.node(expr) {
        Node::Add(terms) => terms.to_vec(),
        _ => vec![expr],
    };
    let (left, right) = (terms(a), terms(b));
    let products = left.iter().flat_map(|&x| right.iter().map(move |&y| vec![x, y]));
    let products = products.map(|pair| context.mul(pair)).collect();
    context.add(products)
}

/// e, with the numbers that show it.
pub(super) fn euler(context: &mut Context, e: Expr) -> Way {
    let u = letter(context, "u");
    let one = context.integer(1);
    let power = approach(context, u);
    let line = |rule, left, limit, body| Line {
        rule,
        left,
        front: one,
        limit,
        body,
        slots: Vec::new(),
        same_as: e,
        check_at: None,
    };
    let lines = vec![line("definition-of-e", None, Some(u), power)];
    let table = Some(table(context, u, power));
    Way { heading: "heading.from-limit", question: e, lines, result: e, table }
}

/// The formula at smaller and smaller values.
fn table(context: &mut Context, variable: Expr, formula: Expr) -> Table {
    let mut high = High::new(super::PRECISION);
    let mut rows = Vec::new();
    for decimals in DECIMALS {
        let value = Rational::new(One::one(), num_bigint::BigInt::from(10).pow(decimals));
        let at = context.number(value.clone());
        let shown = context.substitute(formula, &HashMap::from([(variable, at)]));
        let inputs = Inputs::new();
        let Ok(bound) = bind(context, &[], &inputs) else { continue };
        if let Ok(result) = Evaluator::new(context, &bound, &mut high).scalar(shown) {
            let number = crate::eval::arithmetic::Arithmetic::to_double(&high, &result);
            rows.push((value.to_f64().unwrap_or_default().to_string(), format!("{number:.DIGITS$}")));
        }
    }
    Table { variable, formula, rows }
}
