//! From the formula as written to one that runs without overflow, underflow and needless cancellation.
//!
//! The loss is first written out in its inputs, then rewritten by the stability rules, then differentiated; the adjoints
//! are rewritten once more, where a softmax residual p − t would cancel.

mod exponentials;
mod logarithms;
mod residual;
mod shares;

use crate::differentiate::reverse::{Gradient, gradient};
use crate::differentiate::second::hessian_vector_product;
use crate::expr::{Context, Expr, Index, Node, Reduction, Symbol};
use crate::function::Function;
use crate::resolve::Program;
use crate::rewrite::bounds::Knowledge;
use crate::rewrite::rules::{Hazard, Rule};
use crate::rewrite::simplify::simplify_sums;
use crate::rewrite::stability::STABILITY;
use crate::rewrite::{Fired, Rewriter};
use residual::softmax_residual;
use std::collections::HashMap;
use std::rc::Rc;

thread_local! {
    static RULES: Rc<[Rc<Rule>]> =
        function_rules().into_iter().chain(STABILITY.iter().map(Rule::row)).map(Rc::new).collect();
    /// What may cancel in a gradient too.
    static CANCELLATION: Rc<[Rc<Rule>]> =
        RULES.with(|rules| rules.iter().filter(|rule| rule.hazard == Hazard::Cancellation).cloned().collect());
}

/// What the rows of the stability table cannot say, tried before them.
pub fn function_rules() -> Vec<Rule> {
    vec![
        Rule::function("sign-into-sum", Hazard::Cancellation, exponentials::sign_into_sum),
        Rule::function("masked-exponential", Hazard::None, exponentials::masked),
        Rule::function("exponential-into-sum", Hazard::Overflow, exponentials::into_sum),
        Rule::function(
            "log-of-one-plus-product-of-exponentials",
            Hazard::Overflow,
            exponentials::log_of_one_plus_product,
        ),
        Rule::function("weighted-log-sum-exp", Hazard::Overflow, exponentials::log_of_weighted_sum),
        Rule::function("log-softmax-of-gather", Hazard::Cancellation, exponentials::log_softmax_of_gather),
        Rule::function("exact-logarithm", Hazard::None, logarithms::exact),
        Rule::function("change-of-base", Hazard::Underflow, logarithms::change_of_base),
        Rule::function("log-of-even-power", Hazard::Underflow, logarithms::of_even_power),
        Rule::function("complement-of-share", Hazard::Cancellation, shares::complement),
        Rule::function("shares-of-sigmoid", Hazard::Cancellation, shares::of_sigmoid),
    ]
}

/// A loss that is safe to run, with its gradient's rules at hand.
pub struct Stable {
    /// The loss in its inputs.
    pub loss: Expr,
    /// The rules used, in order.
    pub fired: Vec<Fired>,
}

/// The loss with every defined symbol replaced by its definition.
pub fn written_out(program: &mut Program) -> Expr {
    written_out_expression(program, program.loss)
}

/// An expression with every defined symbol replaced by its definition.
pub fn written_out_expression(program: &mut Program, expr: Expr) -> Expr {
    let mut values: HashMap<Symbol, (Vec<Index>, Expr)> = HashMap::new();
    for definition in &program.definitions {
        let value = inline(&mut program.context, definition.value, &values);
        values.insert(definition.symbol, (definition.indices.clone(), value));
    }
    inline(&mut program.context, expr, &values)
}

/// Replaces entries of the symbols by their values at the entry's places.
pub fn inline(context: &mut Context, expr: Expr, values: &HashMap<Symbol, (Vec<Index>, Expr)>) -> Expr {
    let mut done = HashMap::new();
    context.rewrite_with(expr, &mut done, &mut |context, part| {
        let Node::Symbol(symbol, places) = context.node(part).clone() else { return None };
        let (indices, value) = values.get(&symbol)?;
        let places: Vec<Expr> = places.iter().map(|&place| inline(context, place, values)).collect();
        let map = indices.iter().zip(places).map(|(&index, place)| (context.index(index), place)).collect();
        Some(context.substitute(*value, &map))
    })
}

/// What the program's assumptions say of its symbols.
pub fn knowledge(program: &Program) -> Knowledge {
    let mut knowledge = Knowledge::default();
    for assumption in &program.assumptions {
        knowledge.assume(&program.context, assumption.condition);
    }
    knowledge
}

/// Rewrites the loss of a program into stable primitives.
pub fn stabilise(program: &mut Program) -> Stable {
    let loss = written_out(program);
    stabilise_expression(program, loss)
}

/// Rewrites an expression in the program's inputs into stable primitives.
pub fn stabilise_expression(program: &mut Program, expr: Expr) -> Stable {
    let knowledge = knowledge(program);
    let loss = simplify_sums(&mut program.context, expr);
    let rules = RULES.with(Rc::clone);
    let mut rewriter = Rewriter::new(&rules, &knowledge);
    let loss = rewriter.rewrite(&mut program.context, loss);
    debug_assert!(
        program.context.is_well_formed(loss, &program.context.free_indices(expr)),
        "a stability rule broke the expression"
    );
    Stable { loss, fired: rewriter.fired }
}

/// What a rule would rewrite in a stable loss, were a condition of it known to hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Unproved {
    /// The rule's key.
    pub rule: &'static str,
    /// What it matches.
    pub part: Expr,
    /// What is not known of it.
    pub condition: Expr,
}

/// The rules that match in a stable loss, and do not fire because a condition is not proved.
pub fn unproved(program: &mut Program, stable: Expr) -> Vec<Unproved> {
    let knowledge = knowledge(program);
    let rules = RULES.with(Rc::clone);
    let mut found: Vec<Unproved> = Vec::new();
    program.context.rewrite_with(stable, &mut HashMap::new(), &mut |context, part| {
        for rule in rules.iter() {
            if let Some(condition) = rule.unproved(context, &knowledge, part) {
                found.push(Unproved { rule: rule.key, part, condition });
            }
        }
        None
    });
    found
}

/// The gradient of a stable loss.
pub fn stable_gradient(context: &mut Context, loss: Expr, symbols: &[Symbol]) -> Vec<Gradient> {
    gradient(context, loss, symbols, &without_cancellation)
}

/// The gradient that a stable loss, entry by entry at these indices, hands on as part of something larger: that of
/// Σ upstream · loss, `upstream` being an input with an entry for each of the loss.
pub fn stable_gradient_from(
    context: &mut Context,
    (loss, indices): (Expr, &[Index]),
    upstream: Symbol,
    symbols: &[Symbol],
) -> Vec<Gradient> {
    let weight = context.entry_at(upstream, indices);
    let weighted = context.mul(vec![weight, loss]);
    let sum = |sum: Expr, &index: &Index| context.reduce(Reduction::Sum, index, sum);
    let total = indices.iter().rev().fold(weighted, sum);
    stable_gradient(context, total, symbols)
}

/// H v of a stable loss: with v an input for each symbol, ∂² loss / ∂ symbol ∂ … times v, summed over all symbols.
///
/// # Errors
/// A function whose second derivative is not known.
pub fn stable_hessian_vector_product(
    context: &mut Context,
    loss: Expr,
    symbols: &[Symbol],
    directions: &[Symbol],
) -> Result<Vec<Gradient>, Function> {
    hessian_vector_product(context, loss, symbols, directions, &without_cancellation)
}

/// An adjoint with what would cancel in it rewritten.
fn without_cancellation(context: &mut Context, adjoint: Expr) -> Expr {
    let rules = CANCELLATION.with(Rc::clone);
    let knowledge = Knowledge::default();
    let adjoint = Rewriter::new(&rules, &knowledge).rewrite(context, adjoint);
    let adjoint = softmax_residual(context, adjoint);
    Rewriter::new(&rules, &knowledge).rewrite(context, adjoint)
}
