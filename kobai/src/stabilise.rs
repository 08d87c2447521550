//! From the formula as written to one that runs without overflow, underflow and needless cancellation.
//!
//! The loss is first written out in its inputs, then rewritten by the stability rules, then differentiated; the adjoints
//! are rewritten once more, where a softmax residual p − t would cancel.

use crate::differentiate::reverse::{Gradient, gradient};
use crate::expr::{Constant, Context, Expr, Index, Node, Rational, Reduction, Symbol};
use crate::function::Function;
use crate::resolve::Program;
use crate::rewrite::bounds::{Knowledge, log_softmax_place};
use crate::rewrite::rules::{Hazard, Rule, STABILITY, read_all};
use crate::rewrite::simplify::{factor_common, simplify_sums};
use crate::rewrite::{Fired, Rewriter};
use num_traits::{One, Signed, Zero};
use std::collections::HashMap;
use std::rc::Rc;

thread_local! {
    static RULES: Rc<Vec<Rule>> = Rc::new(rules());
}

fn rules() -> Vec<Rule> {
    let mut rules = vec![
        Rule::function("masked-exponential", Hazard::None, masked_exponential),
        Rule::function("exact-logarithm", Hazard::None, exact_logarithm),
        Rule::function("change-of-base", Hazard::Underflow, change_of_base),
    ];
    rules.extend(read_all(STABILITY));
    rules
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
    let mut values: HashMap<Symbol, (Vec<Index>, Expr)> = HashMap::new();
    for definition in &program.definitions {
        let value = inline(&mut program.context, definition.value, &values);
        values.insert(definition.symbol, (definition.indices.clone(), value));
    }
    inline(&mut program.context, program.loss, &values)
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

/// The gradient of a stable loss.
pub fn stable_gradient(context: &mut Context, loss: Expr, symbols: &[Symbol]) -> Vec<Gradient> {
    gradient(context, loss, symbols, &softmax_residual)
}

/// log_a x of numbers, where it is rational: log_2 8 = 3, log_9 27 = 3/2.
fn exact_logarithm(context: &mut Context, expr: Expr) -> Option<Expr> {
    let Node::Call(Function::LogBase, arguments) = context.node(expr) else { return None };
    let (base, argument) = (context.as_number(arguments[0])?, context.as_number(arguments[1])?);
    let value = rational_logarithm(base.clone(), argument.clone(), MOST_QUOTIENTS)?;
    Some(context.number(value))
}

/// Rational logarithms with longer continued fractions are left to the numbers.
const MOST_QUOTIENTS: usize = 32;

/// A rational logarithm is found long before its remainders grow to so many bits.
const MOST_BITS: u64 = 4_096;
/// As are those with an exponent above this.
const LARGEST_QUOTIENT: u32 = 4_096;

/// The exponent by Euclid's algorithm on logarithms, with divisions in place of subtractions.
fn rational_logarithm(base: Rational, argument: Rational, left: usize) -> Option<Rational> {
    let one = Rational::one();
    let long = |value: &Rational| value.numer().bits().max(value.denom().bits()) > MOST_BITS;
    if left == 0 || long(&base) || long(&argument) || !base.is_positive() || !argument.is_positive() || base == one {
        return None;
    }
    if argument == one {
        return Some(Rational::zero());
    }
    if base < one {
        return rational_logarithm(base.recip(), argument, left).map(|value| -value);
    }
    if argument < one {
        return rational_logarithm(base, argument.recip(), left).map(|value| -value);
    }
    if argument < base {
        return rational_logarithm(argument, base, left - 1).map(|value| value.recip());
    }
    let (mut rest, mut quotient) = (argument, Rational::zero());
    while rest >= base {
        rest /= &base;
        quotient += &one;
        if quotient > Rational::from_integer(LARGEST_QUOTIENT.into()) {
            return None;
        }
    }
    rational_logarithm(base, rest, left - 1).map(|value| quotient + value)
}

/// log_a x = log x / log a, where x is more than a name: the natural logarithm has the stability rules.
fn change_of_base(context: &mut Context, expr: Expr) -> Option<Expr> {
    let Node::Call(Function::LogBase, arguments) = context.node(expr).clone() else { return None };
    if matches!(context.node(arguments[1]), Node::Symbol(..) | Node::Number(_) | Node::Constant(_)) {
        return None;
    }
    let (argument, base) = (context.apply(Function::Log, arguments[1]), context.apply(Function::Log, arguments[0]));
    Some(context.divide(argument, base))
}

/// Σ [c] e^f = Σ e^{[c] f − [not c] ∞}: the mask goes into the exponent, where a log-sum-exp can take it.
fn masked_exponential(context: &mut Context, expr: Expr) -> Option<Expr> {
    let Node::Reduce(Reduction::Sum, ..) = context.node(expr) else { return None };
    let opened = context.open(expr)?;
    let Node::Select(condition, then, otherwise) = *context.node(opened.body) else { return None };
    let Node::Call(Function::Exp, arguments) = context.node(then).clone() else { return None };
    if !context.is_integer(otherwise, 0) {
        return None;
    }
    let never = context.constant(Constant::NegativeInfinity);
    let exponent = context.select(condition, arguments[0], never);
    let exponential = context.apply(Function::Exp, exponent);
    Some(context.reduce(Reduction::Sum, opened.index, exponential))
}

/// Rewrites p·C − t, where p is a softmax, so that p → 1 cancels symbolically: with f the part of C that t takes away,
/// p Σf − f = f (p − 1) + p (Σf − f), and p − 1 is expm1 of the log-softmax.
pub fn softmax_residual(context: &mut Context, expr: Expr) -> Expr {
    let Node::Add(terms) = context.node(expr).clone() else { return expr };
    for &term in terms.iter() {
        for (exponent, place) in softmax_factors(context, term) {
            let weight = without_softmax(context, term, exponent);
            let others: Vec<Expr> = terms.iter().copied().filter(|&other| other != term).collect();
            let rewritten = residual_of_sum(context, exponent, place, weight, &others)
                .or_else(|| residual_of_delta(context, exponent, place, weight, &others));
            if let Some(rewritten) = rewritten {
                return softmax_residual(context, rewritten);
            }
        }
    }
    expr
}

/// The softmax factors of a term: the exponent z_k − lse z, and k where it is a plain index.
fn softmax_factors(context: &mut Context, term: Expr) -> Vec<(Expr, Expr)> {
    let factors = match context.node(term) {
        Node::Mul(factors) => factors.to_vec(),
        _ => vec![term],
    };
    let mut found = Vec::new();
    for factor in factors {
        if let Node::Call(Function::Exp, arguments) = context.node(factor).clone()
            && let Some((_, place)) = log_softmax_place(context, arguments[0])
            && matches!(context.node(place), Node::Index(_))
        {
            found.push((arguments[0], place));
        }
    }
    found
}

/// The other factors. (A division by e^x would become a factor e^{−x}.)
fn without_softmax(context: &mut Context, term: Expr, exponent: Expr) -> Expr {
    let softmax = context.apply(Function::Exp, exponent);
    let mut factors = match context.node(term) {
        Node::Mul(factors) => factors.to_vec(),
        _ => vec![term],
    };
    if let Some(position) = factors.iter().position(|&factor| factor == softmax) {
        factors.remove(position);
    }
    context.mul(factors)
}

/// p c Σₖ fₖ − c f_j
fn residual_of_sum(context: &mut Context, exponent: Expr, place: Expr, weight: Expr, others: &[Expr]) -> Option<Expr> {
    let factors = match context.node(weight) {
        Node::Mul(factors) => factors.to_vec(),
        _ => vec![weight],
    };
    for &sum in &factors {
        let Node::Reduce(Reduction::Sum, ..) = context.node(sum) else { continue };
        let constant = context.divide(weight, sum);
        let own = context.instantiate(sum, place)?;
        let parts = match context.node(own) {
            Node::Add(parts) => parts.to_vec(),
            _ => vec![own],
        };
        let minus = context.integer(-1);
        let wanted: Vec<Expr> = parts.iter().map(|&part| context.mul(vec![minus, constant, part])).collect();
        if !wanted.iter().all(|part| others.contains(part)) {
            continue;
        }
        let mut terms: Vec<Expr> = others.iter().copied().filter(|other| !wanted.contains(other)).collect();
        let (softmax, complement) = (context.apply(Function::Exp, exponent), context.apply(Function::Expm1, exponent));
        terms.push(context.mul(vec![constant, own, complement]));
        let rest = sum_of_the_others(context, own, place)?;
        terms.push(context.mul(vec![softmax, constant, rest]));
        return Some(context.add(terms));
    }
    None
}

/// Σₖ fₖ − f_j, as c (Σₖ gₖ − g_j) where every factor of g has the index. So the sum adds up what is then taken away,
/// operation by operation the same, and where all other terms are 0 the difference is 0 exactly.
fn sum_of_the_others(context: &mut Context, own: Expr, place: Expr) -> Option<Expr> {
    let Node::Index(index) = *context.node(place) else { return None };
    let factored = factor_common(context, own);
    let factors = match context.node(factored) {
        Node::Mul(factors) => factors.to_vec(),
        _ => vec![factored],
    };
    let (inside, mut outside): (Vec<Expr>, Vec<Expr>) =
        factors.into_iter().partition(|&factor| context.mentions(factor, index));
    let inside = context.mul(inside);
    let other = context.fresh_index(index.axis);
    let term = context.replace_index(inside, index, other);
    let sum = context.reduce(Reduction::Sum, other, term);
    outside.push(context.subtract(sum, inside));
    Some(context.mul(outside))
}

/// p C − c δ_{jy}
fn residual_of_delta(
    context: &mut Context,
    exponent: Expr,
    place: Expr,
    weight: Expr,
    others: &[Expr],
) -> Option<Expr> {
    let (position, delta) =
        others.iter().enumerate().find_map(|(position, &other)| Some((position, delta_at(context, other, place)?)))?;
    let constant = context.divide(others[position], delta);
    let constant = context.negate(constant);
    if context.any(constant, &|node| matches!(node, Node::Delta(..)))
        || context.any(weight, &|node| matches!(node, Node::Delta(..)))
    {
        return None;
    }
    let mut terms = others.to_vec();
    terms.remove(position);
    let (softmax, complement) = (context.apply(Function::Exp, exponent), context.apply(Function::Expm1, exponent));
    let one = context.integer(1);
    let elsewhere = context.subtract(one, delta);
    terms.push(context.mul(vec![elsewhere, softmax, weight]));
    let excess = context.subtract(weight, constant);
    terms.push(context.mul(vec![delta, softmax, excess]));
    terms.push(context.mul(vec![delta, constant, complement]));
    Some(context.add(terms))
}

/// The delta factor of a term that has the place on one side.
fn delta_at(context: &Context, term: Expr, place: Expr) -> Option<Expr> {
    let is_delta = |factor: Expr| matches!(*context.node(factor), Node::Delta(a, b) if a == place || b == place);
    match context.node(term) {
        Node::Mul(factors) => factors.iter().copied().find(|&factor| is_delta(factor)),
        _ => is_delta(term).then_some(term),
    }
}
