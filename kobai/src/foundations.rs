//! Where the rules come from: derivatives from the limit that defines them, and by the inverse function.
//!
//! A line is a formula, perhaps under a limit, perhaps with a side of its own on the left. Every line is held against
//! numbers before it is given out.

mod inverse;
mod limit;

use crate::derivation::Slot;
use crate::eval::Evaluator;
use crate::eval::data::{Array, Inputs, bind};
use crate::eval::high::High;
use crate::expr::{Context, Expr, Node, Symbol, SymbolInformation};
use crate::formula::Spelling;
use crate::resolve::Program;
use num_rational::BigRational;
use std::collections::HashMap;

/// A line of such a derivation.
#[derive(Clone, Debug)]
pub struct Line {
    /// The rule's key.
    pub rule: &'static str,
    /// The left side, if the line is an equation of its own and does not go on from the line before.
    pub left: Option<Expr>,
    /// The factor before the limit.
    pub front: Expr,
    /// What goes to 0.
    pub limit: Option<Expr>,
    /// What stands under the limit, or on the line.
    pub body: Expr,
    /// Values for the sentence.
    pub slots: Vec<(&'static str, Slot)>,
    /// What the line must be equal to, for the check: the left side, or a difference quotient.
    same_as: Expr,
    /// A letter that stands for a formula, for the check.
    check_at: Option<(Expr, Expr)>,
}

/// A way to a derivative.
#[derive(Clone, Debug)]
pub struct Way {
    /// The key of its heading.
    pub heading: &'static str,
    /// ∂/∂x f
    pub question: Expr,
    /// The lines.
    pub lines: Vec<Line>,
    /// The derivative.
    pub result: Expr,
    /// Numbers that show a limit.
    pub table: Option<Table>,
}

/// Numbers that show what a formula goes to.
#[derive(Clone, Debug)]
pub struct Table {
    /// What goes to 0.
    pub variable: Expr,
    /// What is worked out.
    pub formula: Expr,
    /// Values of both, in decimals.
    pub rows: Vec<(String, String)>,
}

/// Numbers closer than this, relative to their size, are the same: what goes to 0 is 2⁻⁶⁰.
const TOLERANCE: f64 = 1e-12;
/// What goes to 0 is 2 to the power of minus this.
const SMALL: u32 = 60;
/// Bits to evaluate with.
const PRECISION: usize = 320;
/// Points at which lines are checked; the first at which all have values counts.
const POINTS: [[(i64, i64); 3]; 3] = [[(3, 5), (7, 4), (5, 3)], [(7, 4), (3, 5), (2, 3)], [(-1, 3), (5, 4), (3, 2)]];

/// The derivative of the program's formula by a symbol, from the limit, and by the inverse function where the formula is
/// a function with an inverse row. Empty where no way is known, or where numbers contradict a line.
pub fn ways(program: &mut Program, symbol: Symbol) -> Vec<Way> {
    let formula = program.loss;
    let context = &mut program.context;
    let variable = context.entry(symbol, Vec::new());
    let found = [limit::way(context, formula, variable), inverse::way(context, formula, variable)];
    found.into_iter().flatten().filter(|way| is_true(context, way)).collect()
}

/// e as the limit of (1 + u)^{1/u}.
pub fn euler(program: &mut Program) -> Option<Way> {
    let context = &mut program.context;
    let one = context.integer(1);
    let e = context.apply(crate::function::Function::Exp, one);
    (program.loss == e).then(|| limit::euler(context, e)).filter(|way| is_true(context, way))
}

/// A fresh symbol for a number.
fn letter(context: &mut Context, name: &str) -> Expr {
    let taken = |context: &Context, name: &str| context.symbols.iter().any(|symbol| symbol.name.plain == name);
    let mut name = name.to_owned();
    while taken(context, &name) {
        name.push('\'');
    }
    let spelling = Spelling { plain: name.clone(), latex: name };
    let information = SymbolInformation { name: spelling, axes: Vec::new(), integer: false, defined: false };
    let symbol = context.declare_symbol(information);
    context.entry(symbol, Vec::new())
}

/// The expression with another in place of a letter.
fn put(context: &mut Context, expr: Expr, letter: Expr, value: Expr) -> Expr {
    context.substitute(expr, &HashMap::from([(letter, value)]))
}

/// 2⁻⁶⁰
fn small(context: &mut Context) -> Expr {
    context.number(BigRational::new(1.into(), num_bigint::BigInt::from(1) << SMALL))
}

/// (f(x + h) − f(x)) / h at a small h.
fn difference_quotient(context: &mut Context, formula: Expr, variable: Expr) -> Expr {
    let h = small(context);
    let moved = context.add(vec![variable, h]);
    let moved = put(context, formula, variable, moved);
    let difference = context.subtract(moved, formula);
    context.divide(difference, h)
}

/// True if every line agrees with what it must be equal to at some point, and with the result.
fn is_true(context: &mut Context, way: &Way) -> bool {
    let pairs: Vec<(Expr, Expr)> = way.lines.iter().map(|line| (value_of(context, line), line.same_as)).collect();
    let mut symbols: Vec<Symbol> =
        pairs.iter().flat_map(|&(a, b)| [a, b]).flat_map(|side| context.symbols_in(side)).collect();
    symbols.sort_unstable();
    symbols.dedup();
    POINTS.iter().any(|point| {
        let mut inputs = Inputs::new();
        for (symbol, (above, below)) in symbols.iter().zip(point.iter().cycle()) {
            let value = *above as f64 / *below as f64;
            inputs.insert(context.symbol(*symbol).name.plain.clone(), Array::scalar(value));
        }
        pairs.iter().all(|&(a, b)| agree(context, &symbols, &inputs, a, b))
    })
}

/// The line as one expression, with a small number for what goes to 0.
fn value_of(context: &mut Context, line: &Line) -> Expr {
    let whole = context.mul(vec![line.front, line.body]);
    let whole = line.check_at.map_or(whole, |(letter, formula)| put(context, whole, letter, formula));
    match line.limit {
        Some(variable) => {
            let h = small(context);
            put(context, whole, variable, h)
        }
        None => whole,
    }
}

fn agree(context: &Context, symbols: &[Symbol], inputs: &Inputs, a: Expr, b: Expr) -> bool {
    let Ok(bound) = bind(context, symbols, inputs) else { return false };
    let mut high = High::new(PRECISION);
    let (Ok(a), Ok(b)) =
        (Evaluator::new(context, &bound, &mut high).scalar(a), Evaluator::new(context, &bound, &mut high).scalar(b))
    else {
        return false;
    };
    high.relative_error(&a, &b, "1e-3") < TOLERANCE
}

/// True for the variable itself.
fn is_variable(context: &Context, expr: Expr, variable: Expr) -> bool {
    expr == variable && matches!(context.node(expr), Node::Symbol(..))
}
