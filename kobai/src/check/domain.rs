//! Where the inputs of a formula may lie: what the text states of them, and what they are used for.

use crate::expr::{Axis, Context, Expr, Node, Reduction, Symbol};
use crate::formula::Relation;
use crate::print::membership;
use crate::resolve::Program;
use crate::rewrite::bounds::Interval;
use crate::stabilise::knowledge;
use num_traits::{One, ToPrimitive};

/// The values that an input may have.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Indices of this axis, or small counts.
    Integers(Option<Axis>),
    /// One of these.
    Values(Vec<f64>),
    /// Any number in an interval.
    Reals(Interval),
}

/// What is known of an input.
#[derive(Clone, Debug)]
pub(super) struct Domain {
    pub(super) name: String,
    pub(super) axes: Vec<Axis>,
    pub(super) kind: Kind,
    /// False if nothing is stated, so that the functions decide.
    pub(super) stated: bool,
    /// The place along which the entries add up to 1.
    pub(super) sums_to_one: Option<usize>,
}

const fn open(low: f64, high: f64) -> Interval {
    Interval { low, low_closed: false, high, high_closed: false }
}

/// What an input of which nothing is stated may be restricted to, so that the formula is defined: the widest first.
pub(super) const GUESSES: [Interval; 4] =
    [open(f64::NEG_INFINITY, f64::INFINITY), open(0.0, f64::INFINITY), open(0.0, 1.0), open(1.0, f64::INFINITY)];

/// The domain of each input that the loss reads.
pub(super) fn domains(program: &mut Program, loss: Expr) -> Vec<Domain> {
    let symbols = program.context.symbols_in(loss);
    symbols.into_iter().map(|symbol| domain(program, loss, symbol)).collect()
}

fn domain(program: &mut Program, loss: Expr, symbol: Symbol) -> Domain {
    let information = program.context.symbol(symbol).clone();
    let sums_to_one =
        program.assumptions.iter().find_map(|known| place_of_total(&program.context, known.condition, symbol));
    let values = program.assumptions.iter().find_map(|known| values_of(&program.context, known.condition, symbol));
    let entry = program.context.entry(symbol, Vec::new());
    let interval = knowledge(program).interval(&mut program.context, entry);
    let unknown = interval == GUESSES[0];
    let (kind, stated) = match values {
        Some(values) => (Kind::Values(values), true),
        None if information.integer => (Kind::Integers(axis_indexed(&program.context, loss, symbol)), true),
        None if unknown && sums_to_one.is_some() => (Kind::Reals(GUESSES[2]), true),
        None => (Kind::Reals(interval), !unknown),
    };
    Domain { name: information.name.plain, axes: information.axes, kind, stated, sums_to_one }
}

/// For `x ∈ {a, b}`: a and b.
fn values_of(context: &Context, condition: Expr, symbol: Symbol) -> Option<Vec<f64>> {
    let (element, values) = membership(context, condition)?;
    let Node::Symbol(found, _) = context.node(element) else { return None };
    if *found != symbol {
        return None;
    }
    values.iter().map(|&value| context.as_number(value)?.to_f64()).collect()
}

/// For Σₖ x_ik = 1: the place of k.
fn place_of_total(context: &Context, condition: Expr, symbol: Symbol) -> Option<usize> {
    let Node::Compare(Relation::Equal, a, b) = *context.node(condition) else { return None };
    let is_one = |expr: Expr| context.as_number(expr).is_some_and(One::is_one);
    let sum = if is_one(a) { b } else { Some(a).filter(|_| is_one(b))? };
    let Node::Reduce(Reduction::Sum, _, body) = *context.node(sum) else { return None };
    let Node::Symbol(found, places) = context.node(body) else { return None };
    let free = context.free_indices(sum);
    let bound = |&place: &Expr| matches!(context.node(place), Node::Index(index) if !free.contains(index));
    places.iter().position(bound).filter(|_| *found == symbol)
}

/// The axis that an integer tensor's entries are places of: where it stands in a place, or beside an index.
fn axis_indexed(context: &Context, expr: Expr, symbol: Symbol) -> Option<Axis> {
    let is_own = |expr: Expr| context.depends_on(expr, symbol);
    let here = match context.node(expr) {
        Node::Symbol(other, places) => {
            let place = places.iter().position(|&place| is_own(place));
            place.filter(|_| *other != symbol).and_then(|place| context.symbol(*other).axes.get(place).copied())
        }
        Node::Delta(a, b) | Node::Compare(_, a, b) => match (context.node(*a), context.node(*b)) {
            (Node::Index(index), _) if is_own(*b) => Some(index.axis),
            (_, Node::Index(index)) if is_own(*a) => Some(index.axis),
            _ => None,
        },
        _ => None,
    };
    here.or_else(|| {
        let children = context.children(expr);
        children.into_iter().filter(|&child| is_own(child)).find_map(|child| axis_indexed(context, child, symbol))
    })
}
