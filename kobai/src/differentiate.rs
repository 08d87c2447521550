//! Differentiation: the rows of the function table as templates, and the reverse mode for running.

mod fold;
pub mod readable;
pub mod reverse;
mod tidy;

use crate::expr::{Context, Expr, Symbol, SymbolInformation};
use crate::formula::Spelling;
use crate::function::{Function, ROWS};
use crate::rewrite::pattern::{Bindings, Pattern, read};
use std::collections::HashMap;
use std::rc::Rc;

/// The derivative of each function with respect to each argument, read from its row.
struct Templates {
    derivatives: HashMap<Function, Vec<Template>>,
    domains: HashMap<Function, Vec<Template>>,
}

/// A formula with the symbols of its names.
type Template = (Pattern, HashMap<String, Symbol>);

thread_local! {
    static TEMPLATES: Rc<Templates> = Rc::new(Templates::read());
}

impl Templates {
    fn read() -> Templates {
        let (mut derivatives, mut domains) = (HashMap::new(), HashMap::new());
        for row in ROWS {
            let formula = |text: &&str| {
                let mut reading = read(&format!("F = {text}"))?;
                Some((reading.formulas.remove("F")?, reading.names))
            };
            let condition = |text: &&str| {
                let mut reading = read(&format!("F = x + y + a\n{text}"))?;
                Some((reading.conditions.pop()?, reading.names))
            };
            derivatives.insert(row.function, row.derivatives.iter().filter_map(formula).collect());
            domains.insert(row.function, row.domain.iter().filter_map(condition).collect());
        }
        Templates { derivatives, domains }
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
    let templates = TEMPLATES.with(Rc::clone);
    let template = templates.derivatives.get(&function)?.get(place)?;
    instantiate(context, template, function, arguments)
}

/// Where the function is defined at these arguments: comparisons that must hold.
pub fn conditions_of(context: &mut Context, function: Function, arguments: &[Expr]) -> Vec<Expr> {
    let templates = TEMPLATES.with(Rc::clone);
    let rows = templates.domains.get(&function).map_or(&[][..], Vec::as_slice);
    rows.iter().filter_map(|template| instantiate(context, template, function, arguments)).collect()
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

/// The general rule of a function as a formula: the derivative with respect to its last argument, and its value.
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
    let target = context.derivative(call, *arguments.last()?);
    Some(((context, target), value))
}
