//! Convexity proved from the expression, and what a solver must know of parameters beside the gradient.
//!
//! The proof goes by composition (Grant, Boyd and Ye, "Disciplined convex programming", 2006; Boyd and Vandenberghe, *Convex
//! Optimization*, section 3.2): sums with weights of known sign, and convex or concave functions, which grow or fall, of
//! arguments whose curvature is known. What it proves holds; of many convex functions it knows nothing.

use crate::expr::{Context, Expr, Index, Node, Reduction, Symbol, Variable};
use crate::formula::Relation;
use crate::function::{Function, Part, Shape};
use crate::resolve::Program;
use crate::rewrite::bounds::{Found, Interval, Knowledge, every_entry};
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};
use std::collections::HashMap;

/// How an expression bends as a function of the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curvature {
    /// No parameter is in it.
    Constant,
    /// On a line.
    Affine,
    /// Upwards.
    Convex,
    /// Downwards.
    Concave,
    /// Not known.
    Unknown,
}

impl Curvature {
    /// True for what has no second minimum.
    pub fn is_convex(self) -> bool {
        matches!(self, Curvature::Constant | Curvature::Affine | Curvature::Convex)
    }

    /// That of the sum of two, and of two of which one is chosen by data.
    fn plus(self, other: Curvature) -> Curvature {
        match (self, other) {
            (Curvature::Constant, other) | (other, Curvature::Constant) => other,
            (Curvature::Affine, other) | (other, Curvature::Affine) => other,
            (one, other) if one == other => one,
            _ => Curvature::Unknown,
        }
    }

    fn negated(self) -> Curvature {
        match self {
            Curvature::Convex => Curvature::Concave,
            Curvature::Concave => Curvature::Convex,
            other => other,
        }
    }

    /// That of the product with a number of these values.
    fn times(self, factor: Interval) -> Curvature {
        match self {
            Curvature::Constant | Curvature::Affine => self,
            _ if factor.is_nonnegative() => self,
            _ if factor.is_nonpositive() => self.negated(),
            _ => Curvature::Unknown,
        }
    }
}

/// How an expression bends as a function of these parameters, whatever the data are that the knowledge allows.
pub fn curvature(context: &mut Context, knowledge: &Knowledge, parameters: &[Symbol], expr: Expr) -> Curvature {
    Prover { context, knowledge, parameters, done: HashMap::new(), intervals: Found::default() }.curvature(expr)
}

struct Prover<'a> {
    context: &'a mut Context,
    knowledge: &'a Knowledge,
    parameters: &'a [Symbol],
    done: HashMap<Expr, Curvature>,
    intervals: Found,
}

impl Prover<'_> {
    fn curvature(&mut self, expr: Expr) -> Curvature {
        if let Some(&known) = self.done.get(&expr) {
            return known;
        }
        let found = self.prove(expr);
        self.done.insert(expr, found);
        found
    }

    fn prove(&mut self, expr: Expr) -> Curvature {
        let all_constant = |prover: &mut Self, parts: &[Expr]| {
            let constant = parts.iter().all(|&part| prover.curvature(part) == Curvature::Constant);
            if constant { Curvature::Constant } else { Curvature::Unknown }
        };
        match self.context.node(expr).clone() {
            Node::Number(_) | Node::Constant(_) | Node::Size(_) | Node::Index(_) => Curvature::Constant,
            Node::Symbol(symbol, places) => match all_constant(self, &places) {
                Curvature::Constant if self.parameters.contains(&symbol) => Curvature::Affine,
                places => places,
            },
            Node::Delta(a, b) | Node::Compare(_, a, b) | Node::Derivative(a, b) => all_constant(self, &[a, b]),
            Node::Power(base, exponent) => self.power(base, exponent),
            Node::Call(function, arguments) => self.call(function, &arguments),
            Node::Reduce(reduction, _, body) => self.reduce(reduction, body),
            Node::Mul(factors) => self.product(&factors),
            Node::Add(terms) => terms.iter().fold(Curvature::Constant, |sum, &term| sum.plus(self.curvature(term))),
            Node::Select(condition, then, otherwise) => match self.curvature(condition) {
                Curvature::Constant => self.curvature(then).plus(self.curvature(otherwise)),
                _ => Curvature::Unknown,
            },
        }
    }

    fn reduce(&mut self, reduction: Reduction, body: Expr) -> Curvature {
        let body = self.curvature(body);
        match (reduction, body) {
            (_, Curvature::Constant) => Curvature::Constant,
            (Reduction::Sum, body) => body,
            (Reduction::LogSumExp | Reduction::Maximum, body) if body.is_convex() => Curvature::Convex,
            (Reduction::Minimum, Curvature::Affine | Curvature::Concave) => Curvature::Concave,
            _ => Curvature::Unknown,
        }
    }

    /// One factor may have parameters; the sign of the others turns it or not.
    fn product(&mut self, factors: &[Expr]) -> Curvature {
        let mut bent = Curvature::Constant;
        let mut sign = None;
        for &factor in factors {
            match (self.curvature(factor), bent) {
                (Curvature::Constant, _) => {
                    let own = self.interval(factor);
                    sign = Some(sign.map_or(own, |sign: Interval| sign.times(own)));
                }
                (own, Curvature::Constant) => bent = own,
                _ => return Curvature::Unknown,
            }
        }
        sign.map_or(bent, |sign| bent.times(sign))
    }

    fn call(&mut self, function: Function, arguments: &[Expr]) -> Curvature {
        let inner: Vec<Curvature> = arguments.iter().map(|&argument| self.curvature(argument)).collect();
        if inner.iter().all(|&curvature| curvature == Curvature::Constant) {
            return Curvature::Constant;
        }
        let Some(shape) = self.shape(function, arguments) else { return Curvature::Unknown };
        let (outer, grows) = match shape {
            Shape::ConvexIncreasing => (Curvature::Convex, Some(true)),
            Shape::ConvexDecreasing => (Curvature::Convex, Some(false)),
            Shape::Convex => (Curvature::Convex, None),
            Shape::ConcaveIncreasing => (Curvature::Concave, Some(true)),
            Shape::ConcaveDecreasing => (Curvature::Concave, Some(false)),
        };
        // Convex of convex where it grows, convex of concave where it falls; concave turns both.
        let wanted = match grows {
            Some(true) => outer,
            Some(false) => outer.negated(),
            None => Curvature::Affine,
        };
        let keeps =
            inner.into_iter().all(|inner| matches!(inner, Curvature::Constant | Curvature::Affine) || inner == wanted);
        if keeps { outer } else { Curvature::Unknown }
    }

    /// The shape of a function's graph where its arguments are.
    fn shape(&mut self, function: Function, arguments: &[Expr]) -> Option<Shape> {
        let part = match *arguments {
            [argument] if self.interval(argument).is_nonnegative() => Part::FromZero,
            [argument] if self.interval(argument).is_nonpositive() => Part::BelowZero,
            _ => Part::Whole,
        };
        function.row().shape_on(part)
    }

    /// The values that an expression can take.
    fn interval(&mut self, expr: Expr) -> Interval {
        self.knowledge.interval_within(self.context, expr, &mut self.intervals)
    }

    fn power(&mut self, base: Expr, exponent: Expr) -> Curvature {
        let (inner, outer) = (self.curvature(base), self.curvature(exponent));
        match (inner, outer) {
            (Curvature::Constant, Curvature::Constant) => return Curvature::Constant,
            // aᶠ is e^{f log a}.
            (Curvature::Constant, outer) => {
                let range = self.interval(base);
                let convex = (range.low >= 1.0 && outer.is_convex())
                    || (range.is_positive() && outer == Curvature::Affine)
                    || (range.is_positive() && range.high <= 1.0 && outer == Curvature::Concave);
                return if convex { Curvature::Convex } else { Curvature::Unknown };
            }
            (_, Curvature::Constant) => {}
            _ => return Curvature::Unknown,
        }
        let Some(number) = self.context.as_number(exponent).cloned() else { return Curvature::Unknown };
        let range = self.interval(base);
        let one = BigRational::one();
        let even = number.is_integer() && (number.to_integer() % 2_i32).is_zero();
        if number == BigRational::new(1.into(), 2.into()) && self.is_sum_of_squares(base) {
            // A length.
            return Curvature::Convex;
        }
        match inner {
            Curvature::Affine if even && number.is_positive() => Curvature::Convex,
            Curvature::Affine | Curvature::Convex if range.is_nonnegative() && number >= one => Curvature::Convex,
            Curvature::Affine | Curvature::Concave if range.is_positive() && number.is_negative() => Curvature::Convex,
            Curvature::Affine | Curvature::Concave
                if range.is_nonnegative() && number.is_positive() && number <= one =>
            {
                Curvature::Concave
            }
            _ => Curvature::Unknown,
        }
    }

    /// Σ of squares of what is affine.
    fn is_sum_of_squares(&mut self, expr: Expr) -> bool {
        match self.context.node(expr).clone() {
            Node::Reduce(Reduction::Sum, _, body) => self.is_sum_of_squares(body),
            Node::Add(terms) => terms.iter().all(|&term| self.is_sum_of_squares(term)),
            Node::Power(base, exponent) => {
                let two = BigRational::from_integer(2.into());
                self.context.as_number(exponent) == Some(&two)
                    && matches!(self.curvature(base), Curvature::Affine | Curvature::Constant)
            }
            Node::Number(value) => !value.is_negative(),
            _ => false,
        }
    }
}

/// A loss parted into what is smooth and terms c Σ |w|.
pub struct AbsoluteTerms {
    /// The loss without these terms.
    pub smooth: Expr,
    /// Each parameter with its coefficient, an expression without indices whose value is not negative.
    pub terms: Vec<(Symbol, Expr)>,
}

/// Takes the terms c Σ |w| out of a loss, where w is an entry of a parameter and the sum runs over all of its entries.
pub fn absolute_terms(
    context: &mut Context,
    knowledge: &Knowledge,
    parameters: &[Symbol],
    loss: Expr,
) -> AbsoluteTerms {
    let terms = match context.node(loss).clone() {
        Node::Add(terms) => terms.to_vec(),
        _ => vec![loss],
    };
    let (mut smooth, mut found) = (Vec::new(), Vec::new());
    for term in terms {
        match absolute_term(context, parameters, term) {
            Some((symbol, coefficient)) if knowledge.interval(context, coefficient).is_nonnegative() => {
                found.push((symbol, coefficient));
            }
            _ => smooth.push(term),
        }
    }
    AbsoluteTerms { smooth: context.add(smooth), terms: found }
}

/// The parameter and the coefficient of a term c Σ |w|.
fn absolute_term(context: &mut Context, parameters: &[Symbol], term: Expr) -> Option<(Symbol, Expr)> {
    let mut factors = Vec::new();
    let mut bound: Vec<Index> = Vec::new();
    let mut at = term;
    loop {
        match context.node(at).clone() {
            Node::Mul(parts) => {
                let has_parameter =
                    |part: &Expr| parameters.iter().any(|&parameter| context.depends_on(*part, parameter));
                let (with, without): (Vec<Expr>, Vec<Expr>) = parts.iter().partition(|part| has_parameter(part));
                let &[only] = &with[..] else { return None };
                factors.extend(without);
                at = only;
            }
            Node::Reduce(Reduction::Sum, axis, body) => {
                bound.push(Index { variable: Variable::Bound(context.height(at)), axis });
                at = body;
            }
            Node::Call(Function::Abs, arguments) => {
                let Node::Symbol(symbol, places) = context.node(arguments[0]).clone() else { return None };
                let own = |place: &Expr| match context.node(*place) {
                    Node::Index(index) => bound.iter().position(|bound| bound == index),
                    _ => None,
                };
                let mut used: Vec<usize> = places.iter().map(own).collect::<Option<_>>()?;
                used.sort_unstable();
                let every = used.into_iter().eq(0..bound.len());
                let free = factors.iter().all(|&factor| context.free_indices(factor).is_empty());
                let coefficient = context.mul(factors);
                return (parameters.contains(&symbol) && every && free).then_some((symbol, coefficient));
            }
            _ => return None,
        }
    }
}

/// The parameters whose entries the text states to sum to one, with the place of the axis that the sum runs over.
pub fn sums_to_one(program: &Program) -> Vec<(Symbol, usize)> {
    let context = &program.context;
    let mut found = Vec::new();
    for assumption in &program.assumptions {
        let Node::Compare(Relation::Equal, a, b) = *context.node(assumption.condition) else { continue };
        for (sum, one) in [(a, b), (b, a)] {
            let is_one = context.as_number(one).is_some_and(BigRational::is_one);
            let Node::Reduce(Reduction::Sum, axis, body) = *context.node(sum) else { continue };
            // Of one row alone, as in Σₖ A₁ₖ = 1, it says nothing of the others.
            let (Some(symbol), Node::Symbol(_, places)) = (every_entry(context, body), context.node(body)) else {
                continue;
            };
            let index = Index { variable: Variable::Bound(context.height(sum)), axis };
            let place = places.iter().position(|&place| *context.node(place) == Node::Index(index));
            if let Some(place) = place.filter(|_| is_one && program.parameters.contains(&symbol)) {
                found.push((symbol, place));
            }
        }
    }
    found
}
