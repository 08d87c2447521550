//! Differentiation: the rows of the function table as templates, and the reverse mode for running.

mod deltas;
mod direction;
mod domain;
mod fold;
pub mod readable;
pub mod reverse;
pub mod second;
mod tidy;

use crate::expr::{Context, Expr, Symbol, SymbolInformation};
use crate::formula::Spelling;
use crate::function::{Function, Row};
use crate::rewrite::pattern::{Bindings, Pattern, read};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// A formula with the symbols of its names.
type Template = (Pattern, HashMap<String, Symbol>);

/// A function's row, read.
struct Templates {
    /// The derivative with respect to each argument.
    derivatives: Vec<Template>,
    /// Where the function is defined.
    domain: Vec<Template>,
    /// The inverse with respect to the last argument.
    inverse: Option<Template>,
}

thread_local! {
    /// The rows read so far; each is read when first asked for.
    static TEMPLATES: RefCell<HashMap<Function, Rc<Templates>>> = RefCell::default();
}

fn templates(function: Function) -> Rc<Templates> {
    let known = TEMPLATES.with_borrow(|known| known.get(&function).cloned());
    known.unwrap_or_else(|| {
        let read = Rc::new(Templates::read(function.row()));
        TEMPLATES.with_borrow_mut(|known| known.insert(function, Rc::clone(&read)));
        read
    })
}

impl Templates {
    fn read(row: &Row) -> Templates {
        let formula = |text: &&str| {
            let mut reading = read(&format!("F = {text}"))?;
            Some((reading.formulas.remove("F")?, reading.names))
        };
        let condition = |text: &&str| {
            let mut reading = read(&format!("F = x + y + a\n{text}"))?;
            Some((reading.conditions.pop()?, reading.names))
        };
        Templates {
            derivatives: row.derivatives.iter().filter_map(formula).collect(),
            domain: row.domain.iter().filter_map(condition).collect(),
            inverse: Some(row.inverse).filter(|text| !text.is_empty()).as_ref().and_then(formula),
        }
    }
}

/// The names of a row's arguments, in order.
pub fn argument_names(function: Function) -> &'static [&'static str] {
    match (function, function.row().arity) {
        (Function::LogBase, _) => &["a", "x"],
        (_, 1) => &["x"],
        _ => &["x", "y"],
    }
}

/// The derivative of a function with respect to one of its arguments, at these arguments; `None` where its row has none.
pub fn derivative_of(context: &mut Context, function: Function, place: usize, arguments: &[Expr]) -> Option<Expr> {
    let templates = templates(function);
    instantiate(context, templates.derivatives.get(place)?, function, arguments)
}

/// Where the function is defined at these arguments: comparisons that must hold.
pub fn conditions_of(context: &mut Context, function: Function, arguments: &[Expr]) -> Vec<Expr> {
    let templates = templates(function);
    templates.domain.iter().filter_map(|template| instantiate(context, template, function, arguments)).collect()
}

/// The inverse of a function with respect to its last argument, at the value `y`; `None` where its row has none.
pub fn inverse_of(context: &mut Context, function: Function, arguments: &[Expr], y: Expr) -> Option<Expr> {
    let templates = templates(function);
    let (pattern, names) = templates.inverse.as_ref()?;
    let mut bindings = Bindings::default();
    let others = argument_names(function).iter().copied().zip(arguments.iter().copied()).take(arguments.len() - 1);
    for (name, argument) in others.chain([("y", y)]) {
        if let Some(&symbol) = names.get(name) {
            bindings.bind(symbol, argument);
        }
    }
    pattern.instantiate(context, &bindings)
}

fn instantiate(
    context: &mut Context,
    (pattern, names): &Template,
    function: Function,
    arguments: &[Expr],
) -> Option<Expr> {
    let mut bindings = Bindings::default();
    for (name, &argument) in argument_names(function).iter().zip(arguments) {
        if let Some(&symbol) = names.get(*name) {
            bindings.bind(symbol, argument);
        }
    }
    pattern.instantiate(context, &bindings)
}

/// The general rule of a function as a formula: the function of its arguments, and its derivative with respect to the last.
pub fn general_rule(function: Function) -> Option<((Context, Expr), Expr)> {
    let mut context = Context::new();
    let arguments: Vec<Expr> = argument_names(function)
        .iter()
        .map(|name| {
            let spelling = Spelling { plain: (*name).to_owned(), latex: (*name).to_owned() };
            let symbol = context.declare_symbol(SymbolInformation {
                name: spelling,
                axes: Vec::new(),
                integer: false,
                defined: false,
            });
            context.entry(symbol, Vec::new())
        })
        .collect();
    let value = derivative_of(&mut context, function, arguments.len() - 1, &arguments)?;
    let call = context.call(function, arguments.clone());
    Some(((context, call), value))
}
