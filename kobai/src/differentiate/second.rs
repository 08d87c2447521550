//! Second derivatives: the Hessian in index notation for reading, and its product with a direction for running.
//!
//! A Hessian is never an array here. For reading it is one expression in the indices of both entries, with its Kronecker
//! deltas as factors, which say where it is 0. For running, H v is the gradient of ⟨∇L, v⟩ (Pearlmutter 1994), which
//! costs a few gradients.

use super::readable::derive;
use super::reverse::{Gradient, Tidy, gradient};
use crate::derivation::{Derivation, Slot, Step};
use crate::expr::{Context, Expr, Index, Node, Symbol, SymbolInformation};
use crate::formula::{Relation, Spelling};
use crate::function::Function;
use crate::resolve::Program;
use crate::rewrite::simplify::{factor_common, sum_over};
use std::collections::HashSet;

/// A second derivative with the gradient that it is the derivative of.
pub struct SecondDerivation {
    /// ∂ loss / ∂ first
    pub gradient: Derivation,
    /// ∂² loss / ∂ first ∂ second
    pub hessian: Derivation,
}

/// Derives ∂² loss / ∂ first ∂ second: the gradient, then its derivative.
pub fn derive_second(program: &mut Program, first: Symbol, second: Symbol) -> SecondDerivation {
    let gradient = derive(program, first);
    let mut hessian = derive_of(program, gradient.result, second);
    if gradient.without_supposition.is_some() || hessian.without_supposition.is_some() {
        let start = gradient.without_supposition.unwrap_or(gradient.result);
        let plain = derive_of(program, start, second);
        let value = plain.without_supposition.unwrap_or(plain.result);
        hessian.without_supposition = in_the_same_indices(&mut program.context, &plain, &hessian, value);
    }
    let context = &mut program.context;
    let once = hessian.target;
    let Node::Derivative(_, variable) = *context.node(once) else { return SecondDerivation { gradient, hessian } };
    hessian.target = context.derivative(gradient.target, variable);
    let mut again = Step::new("gradient-again", once, once, once);
    again.slots.push(("variable", Slot::Formula(variable)));
    hessian.steps.insert(0, again);
    factor_deltas(context, &mut hessian);
    let structure = structure(context, &gradient, variable, hessian.result);
    hessian.steps.extend(structure);
    for (ours, theirs) in [
        (&mut hessian.conditions, &gradient.conditions),
        (&mut hessian.assumed, &gradient.assumed),
        (&mut hessian.supposed, &gradient.supposed),
    ] {
        let new: Vec<Expr> = theirs.iter().copied().filter(|condition| !ours.contains(condition)).collect();
        ours.splice(0..0, new);
    }
    without_weaker(context, &mut hessian.conditions);
    SecondDerivation { gradient, hessian }
}

/// Leaves x ≠ 0 out where x > 0 is said.
fn without_weaker(context: &mut Context, conditions: &mut Vec<Expr>) {
    let zero = context.integer(0);
    let said = conditions.clone();
    conditions.retain(|&condition| match *context.node(condition) {
        Node::Compare(Relation::NotEqual, a, b) => {
            let nonzero = if a == zero { b } else { a };
            let positive = context.compare(Relation::Less, zero, nonzero);
            (a != zero && b != zero) || !said.contains(&positive)
        }
        _ => true,
    });
}

/// Derives an expression in the program's names in place of the loss.
fn derive_of(program: &mut Program, expr: Expr, symbol: Symbol) -> Derivation {
    let loss = std::mem::replace(&mut program.loss, expr);
    let derivation = derive(program, symbol);
    program.loss = loss;
    derivation
}

/// A value of one derivation with the indices of another, of the same symbol.
fn in_the_same_indices(context: &mut Context, from: &Derivation, to: &Derivation, value: Expr) -> Option<Expr> {
    let places = |derivation: &Derivation| match *context.node(derivation.target) {
        Node::Derivative(_, variable) => Some(context.children(variable)),
        _ => None,
    };
    let map = places(from)?.into_iter().zip(places(to)?).collect();
    Some(context.substitute(value, &map))
}

/// Brings deltas that all terms share to the front.
fn factor_deltas(context: &mut Context, hessian: &mut Derivation) {
    let deltas = |context: &Context, term: Expr| -> HashSet<Expr> { factors(context, term).filter_deltas(context) };
    let Node::Add(terms) = context.node(hessian.result).clone() else { return };
    let shared = terms.iter().map(|&term| deltas(context, term)).reduce(|a, b| &a & &b).unwrap_or_default();
    if shared.is_empty() {
        return;
    }
    let factored = factor_common(context, hessian.result);
    hessian.steps.push(Step::new("collect", hessian.result, factored, factored));
    hessian.result = factored;
}

/// The factors of a product.
struct Factors(Vec<Expr>);

fn factors(context: &Context, expr: Expr) -> Factors {
    Factors(match context.node(expr) {
        Node::Mul(factors) => factors.to_vec(),
        _ => vec![expr],
    })
}

impl Factors {
    fn filter_deltas(self, context: &Context) -> HashSet<Expr> {
        self.0.into_iter().filter(|&factor| matches!(context.node(factor), Node::Delta(..))).collect()
    }
}

/// What the deltas in front say in words: where the Hessian is 0.
fn structure(context: &mut Context, gradient: &Derivation, variable: Expr, hessian: Expr) -> Vec<Step> {
    if context.is_integer(hessian, 0) {
        return vec![Step::new("hessian-zero", hessian, hessian, hessian)];
    }
    let Node::Derivative(_, entry) = *context.node(gradient.target) else { return Vec::new() };
    let (first, second) = (context.children(entry), context.children(variable));
    let deltas = factors(context, hessian).filter_deltas(context);
    let joined: Vec<(Expr, Expr)> = first
        .iter()
        .flat_map(|&a| second.iter().map(move |&b| (a, b)))
        .filter(|&(a, b)| {
            let delta = context.delta(a, b);
            deltas.contains(&delta)
        })
        .collect();
    if !joined.is_empty() && joined.len() == first.len() && first.len() == second.len() {
        return vec![Step::new("hessian-diagonal", hessian, hessian, hessian)];
    }
    let block = |(a, b): (Expr, Expr)| {
        let mut step = Step::new("hessian-block-diagonal", hessian, hessian, hessian);
        // An index counts from 0 inside and from 1 on the page.
        let one = context.integer(1);
        let (a, b) = (context.add(vec![a, one]), context.add(vec![b, one]));
        step.slots = vec![("first", Slot::Formula(a)), ("second", Slot::Formula(b))];
        step
    };
    joined.into_iter().map(block).collect()
}

/// Declares the input that holds the direction for a symbol: `v_z` for z, with the same axes.
pub fn direction_for(context: &mut Context, symbol: Symbol) -> Symbol {
    let information = context.symbol(symbol);
    let (name, axes) = (&information.name, information.axes.clone());
    let name = Spelling { plain: format!("v_{}", name.plain), latex: format!("v_{{{}}}", name.latex) };
    context.declare_symbol(SymbolInformation { name, axes, integer: false, defined: false })
}

/// H v for a scalar loss in inputs: for each symbol s, Σ over the others of ∂²L/∂s∂r v_r, where v_r is the direction of r.
/// Comparisons, signs and stopped gradients count as constants, as they do in the gradient.
///
/// # Errors
/// A function whose derivative is not known.
pub fn hessian_vector_product(
    context: &mut Context,
    loss: Expr,
    symbols: &[Symbol],
    directions: &[Symbol],
    tidy: Tidy,
) -> Result<Vec<Gradient>, Function> {
    // By the rules alone: what a tidy makes exact in the gradient may cancel in its derivative.
    let gradients = gradient(context, loss, symbols, &|_, adjoint| adjoint);
    let slopes: Vec<Expr> =
        gradients.iter().zip(directions).map(|(gradient, &direction)| along(context, gradient, direction)).collect();
    let slope = context.add(slopes);
    match without_derivative(context, slope, symbols) {
        Some(function) => Err(function),
        None => Ok(gradient(context, slope, symbols, tidy)),
    }
}

/// Σ gradient · direction
fn along(context: &mut Context, gradient: &Gradient, direction: Symbol) -> Expr {
    let entry = context.entry_at(direction, &gradient.indices);
    let product = context.mul(vec![entry, gradient.value]);
    gradient.indices.iter().rev().fold(product, |sum, &index: &Index| sum_over(context, index, sum))
}

/// A function of the symbols whose row has no derivative.
fn without_derivative(context: &Context, expr: Expr, symbols: &[Symbol]) -> Option<Function> {
    let (mut seen, mut stack) = (HashSet::new(), vec![expr]);
    while let Some(part) = stack.pop() {
        if !seen.insert(part) {
            continue;
        }
        match context.node(part) {
            Node::Call(Function::StopGradient | Function::Sign, _) | Node::Compare(..) | Node::Delta(..) => continue,
            Node::Call(function, _)
                if function.row().derivatives.is_empty()
                    && symbols.iter().any(|&symbol| context.depends_on(part, symbol)) =>
            {
                return Some(*function);
            }
            _ => stack.extend(context.children(part)),
        }
    }
    None
}
