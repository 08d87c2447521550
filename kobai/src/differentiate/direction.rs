//! Directions: the vectors v/|v| that a loss is made of.
//!
//! A loss of cosines does not change with the length of a vector, so its gradient is orthogonal to the vector (Euler's
//! theorem on homogeneous functions, degree 0). By way of the dot products and the lengths, each apart, what cancels in it
//! comes out of two sums that are added up in different orders, and rounded differently. So each direction u = v/|v| is a
//! tensor of its own while the loss is differentiated. With ū its adjoint, v̄ = (ū − u Σ u ū) / |v|: the projection of ū
//! onto the plane orthogonal to u. Both of its parts are made of the same ū, and for all pairs of vectors ū is one matrix
//! product.

use super::reverse::instance_places;
use crate::expr::{Context, Expr, Index, Node, Rational, Reduction, Symbol, SymbolInformation};
use crate::formula::Spelling;
use crate::rewrite::simplify::sum_over;
use num_traits::Signed;
use rustc_hash::FxHashMap;

/// Vectors divided by their lengths, up to the names of their free indices.
pub(super) struct Direction {
    /// What stands for the direction's entries while the loss is differentiated.
    pub symbol: Symbol,
    /// The vector's own indices.
    own: Vec<Index>,
    /// The index of the vector's entries.
    index: Index,
    /// The vector, in its indices, with the directions inside it as symbols.
    pub vector: Expr,
    /// The vector in inputs.
    plain: Expr,
    /// Σ v², in the vector's own indices.
    squared_length: Expr,
}

/// An expression with its directions as symbols, and these; only those that depend on a symbol asked for.
pub(super) fn directions(context: &mut Context, expr: Expr, symbols: &[Symbol]) -> (Expr, Vec<Direction>) {
    let mut found = Vec::new();
    for squared_length in divisors(context, expr) {
        if symbols.iter().any(|&symbol| context.depends_on(squared_length, symbol)) {
            let direction = Direction::of(context, squared_length, &found);
            found.extend(direction);
        }
    }
    if found.is_empty() {
        return (expr, found);
    }
    let mut finder = Finder { directions: &found, done: FxHashMap::default() };
    let expr = finder.find(context, expr);
    let vectors: Vec<Expr> = found.iter().map(|direction| finder.find(context, direction.vector)).collect();
    found.iter_mut().zip(vectors).for_each(|(direction, vector)| direction.vector = vector);
    (expr, found)
}

/// The sums that something is divided by a root of: those of most indices first, and those of looked-up entries last, so
/// that what is an instance comes after what it is an instance of.
fn divisors(context: &mut Context, expr: Expr) -> Vec<Expr> {
    let mut found = Vec::new();
    if !context.any(expr, &|node| divisor(context, node).is_some()) {
        return found;
    }
    context.rewrite_with(expr, &mut FxHashMap::default(), &mut |context, part| {
        let base = divisor(context, context.node(part)).map(|(base, _)| base);
        found.extend(base.filter(|base| !found.contains(base)));
        None
    });
    found.sort_by_key(|&base| (context.has_gather(base), std::cmp::Reverse(context.free_indices(base).len())));
    found
}

/// For a negative power of a sum: the sum and the exponent.
fn divisor<'a>(context: &'a Context, node: &Node) -> Option<(Expr, &'a Rational)> {
    let Node::Power(base, exponent) = *node else { return None };
    let exponent = context.as_number(exponent).filter(|exponent| exponent.is_negative())?;
    matches!(context.node(base), Node::Reduce(Reduction::Sum, ..)).then_some((base, exponent))
}

/// v, for v² or a product of squares.
fn root_of_square(context: &mut Context, expr: Expr) -> Option<Expr> {
    match context.node(expr).clone() {
        Node::Power(base, exponent) if context.is_integer(exponent, 2) => Some(base),
        Node::Mul(factors) => {
            let roots: Option<Vec<Expr>> = factors.iter().map(|&factor| root_of_square(context, factor)).collect();
            Some(context.mul(roots?))
        }
        _ => None,
    }
}

impl Direction {
    /// The direction with this squared length, unless it is one of those known.
    fn of(context: &mut Context, squared_length: Expr, known: &[Direction]) -> Option<Direction> {
        if known.iter().any(|direction| direction.places(context, squared_length).is_some()) {
            return None;
        }
        let found = context.free_indices_in_order(squared_length);
        let own: Vec<Index> = found.iter().map(|index| context.fresh_index(index.axis)).collect();
        let map = found.iter().zip(&own).map(|(&from, &to)| (context.index(from), context.index(to))).collect();
        let squared_length = context.substitute(squared_length, &map);
        let opened = context.open(squared_length)?;
        let vector = root_of_square(context, opened.body)?;
        let axes = own.iter().chain([&opened.index]).map(|index| index.axis).collect();
        let name = Spelling { plain: "direction".to_owned(), latex: "\\mathrm{direction}".to_owned() };
        let symbol = context.declare_symbol(SymbolInformation { name, axes, integer: false, defined: true });
        Some(Direction { symbol, own, index: opened.index, vector, plain: vector, squared_length })
    }

    /// The vector's own indices, and last the index of its entries.
    pub fn indices(&self) -> Vec<Index> {
        [&self.own[..], &[self.index]].concat()
    }

    /// The entry in these indices.
    pub fn entry(&self, context: &mut Context) -> Expr {
        context.entry_at(self.symbol, &self.indices())
    }

    /// What stands for the vector's own indices in this squared length.
    fn places(&self, context: &mut Context, squared_length: Expr) -> Option<Vec<Expr>> {
        instance_places(context, self.squared_length, &self.own, squared_length)
    }

    /// An expression that is proportional to the vector at these places, divided by the vector's length.
    fn divide(&self, context: &mut Context, expr: Expr, places: &[Expr]) -> Option<Expr> {
        if let Some(entry) = self.divide_entry(context, expr, places) {
            return Some(entry);
        }
        match context.node(expr).clone() {
            Node::Mul(factors) => (0..factors.len()).find_map(|position| {
                let mut factors = factors.to_vec();
                factors[position] = self.divide(context, factors[position], places)?;
                Some(context.mul(factors))
            }),
            Node::Add(terms) => {
                let terms: Option<Vec<Expr>> = terms.iter().map(|&term| self.divide(context, term, places)).collect();
                Some(context.add(terms?))
            }
            Node::Reduce(Reduction::Sum, ..) => {
                let opened = context.open(expr)?;
                let body = self.divide(context, opened.body, places)?;
                Some(context.reduce(Reduction::Sum, opened.index, body))
            }
            _ => None,
        }
    }

    /// The direction's entry for an entry of the vector.
    fn divide_entry(&self, context: &mut Context, expr: Expr, places: &[Expr]) -> Option<Expr> {
        let map = self.own.iter().zip(places).map(|(&index, &place)| (context.index(index), place)).collect();
        let vector = context.substitute(self.plain, &map);
        let place = instance_places(context, vector, &[self.index], expr)?;
        Some(context.entry(self.symbol, [places, &place].concat()))
    }

    /// ū / |v| − u (Σ u ū) / |v|, for each term of ū apart, with what does not depend on the entry outside. So along an
    /// axis, if the length is a power of 2, the two parts are equal to the last bit. (Were the division by |v| outside as
    /// well, the powers of |v|² could not meet the vector's entries on the way, and the product could overflow.)
    pub fn adjoint_of_vector(&self, context: &mut Context, adjoint: Expr) -> Expr {
        let index = self.index;
        let direction = self.entry(context);
        let other = context.fresh_index(index.axis);
        let inverse_length = self.inverse_length(context);
        let terms = match context.node(adjoint) {
            Node::Add(terms) => terms.to_vec(),
            _ => vec![adjoint],
        };
        let mut projected = Vec::new();
        for term in terms {
            let factors = match context.node(term) {
                Node::Mul(factors) => factors.to_vec(),
                _ => vec![term],
            };
            let (inside, mut outside): (Vec<Expr>, Vec<Expr>) =
                factors.into_iter().partition(|&factor| context.mentions(factor, index));
            let inside = context.mul(inside);
            let along = context.mul(vec![direction, inside]);
            let along = context.replace_index(along, index, other);
            let along = sum_over(context, other, along);
            let along = context.mul(vec![inverse_length, direction, along]);
            let whole = context.mul(vec![inverse_length, inside]);
            outside.push(context.subtract(whole, along));
            projected.push(context.mul(outside));
        }
        context.add(projected)
    }

    fn inverse_length(&self, context: &mut Context) -> Expr {
        let exponent = context.ratio(-1, 2);
        context.power(self.squared_length, exponent)
    }
}

/// Writes directions as vectors divided by their lengths again.
pub(super) fn written_out(context: &mut Context, expr: Expr, directions: &[Direction]) -> Expr {
    if directions.is_empty() {
        return expr;
    }
    let mut done = FxHashMap::default();
    context.rewrite_with(expr, &mut done, &mut |context, part| {
        let Node::Symbol(symbol, places) = context.node(part).clone() else { return None };
        let direction = directions.iter().find(|direction| direction.symbol == symbol)?;
        let inverse_length = direction.inverse_length(context);
        let value = context.mul(vec![direction.plain, inverse_length]);
        let map = direction.indices().iter().zip(places).map(|(&index, place)| (context.index(index), place)).collect();
        Some(context.substitute(value, &map))
    })
}

/// Finds directions in an expression.
struct Finder<'a> {
    directions: &'a [Direction],
    done: FxHashMap<Expr, Expr>,
}

impl Finder<'_> {
    fn find(&mut self, context: &mut Context, expr: Expr) -> Expr {
        if let Some(&result) = self.done.get(&expr) {
            return result;
        }
        let mut result = context.rebuild(expr, &mut |context, part| self.find(context, part));
        while let Some(next) = self.divide_once(context, result) {
            result = next;
        }
        self.done.insert(expr, result);
        result
    }

    /// A product in which a vector's length divides something proportional to the vector, with the direction in its place.
    fn divide_once(&self, context: &mut Context, product: Expr) -> Option<Expr> {
        let Node::Mul(factors) = context.node(product).clone() else { return None };
        factors.iter().find_map(|&factor| {
            let (base, exponent) = divisor(context, context.node(factor))?;
            let exponent = exponent.clone();
            let mut directions = self.directions.iter();
            let (direction, places) =
                directions.find_map(|direction| Some((direction, direction.places(context, base)?)))?;
            let others: Vec<Expr> = factors.iter().copied().filter(|&other| other != factor).collect();
            (0..others.len()).find_map(|position| {
                let (divided, rest) = divide_power(context, direction, &places, others[position], &exponent)?;
                let mut factors = others.clone();
                factors[position] = divided;
                factors.push(context.power(base, rest));
                Some(context.mul(factors))
            })
        })
    }
}

/// For a whole power of something proportional to the vector, beside this power of the squared length: the same of the
/// direction, and the exponent of the squared length that is left, if that is no multiplication.
fn divide_power(
    context: &mut Context,
    direction: &Direction,
    places: &[Expr],
    factor: Expr,
    exponent: &Rational,
) -> Option<(Expr, Expr)> {
    let one = context.integer(1);
    let (vector, times) = match *context.node(factor) {
        Node::Power(vector, times) => (vector, times),
        _ => (factor, one),
    };
    let count = context.as_number(times).filter(|times| times.is_positive() && times.is_integer())?;
    let rest = exponent + count / Rational::from_integer(2.into());
    if rest.is_positive() {
        return None;
    }
    let divided = direction.divide(context, vector, places)?;
    let rest = context.number(rest);
    Some((context.power(divided, times), rest))
}
