//! Patterns and templates: formulas in the project's own notation, read once.
//!
//! A name without indices stands for any expression; a name with bound indices, such as f in Σᵢ fᵢ, for any expression in
//! these indices. Sums and products match in any order; at the root they may have further operands, which stay.

use crate::expr::{Axis, Constant, Context, Expr, Index, Node, Rational, Reduction, Symbol};
use crate::formula::Relation;
use crate::function::Function;
use crate::parse::{Syntax, parse};
use crate::resolve::{InputKinds, resolve};
use std::collections::HashMap;

/// A pattern, or a template with the same names.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// Any expression, in the given bound indices.
    Any(Symbol, Vec<usize>),
    /// An exact number.
    Number(Rational),
    /// π or an infinity.
    Constant(Constant),
    /// A bound index.
    Index(usize),
    /// The size of a bound axis.
    Size(Axis),
    /// A function.
    Call(Function, Vec<Pattern>),
    /// A power.
    Power(Box<Pattern>, Box<Pattern>),
    /// A sum.
    Add(Vec<Pattern>),
    /// A product.
    Mul(Vec<Pattern>),
    /// A relation.
    Compare(Relation, Box<Pattern>, Box<Pattern>),
    /// A reduction over an axis, with the number of its index.
    Reduce(Reduction, Axis, usize, Box<Pattern>),
}

/// What the names of a pattern stand for.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    expressions: HashMap<Symbol, (Vec<Index>, Expr)>,
    axes: HashMap<Axis, Axis>,
    indices: HashMap<usize, Index>,
}

/// Formulas that share their names, read from one text of definitions `A = …`, `B = …` and conditions.
pub struct Reading {
    /// By the name on the left.
    pub formulas: HashMap<String, Pattern>,
    /// The conditions, in order.
    pub conditions: Vec<Pattern>,
    /// The names that stand for expressions.
    pub names: HashMap<String, Symbol>,
}

/// Reads definitions and conditions; `None` if the text is not right, which a test of every row excludes.
pub fn read(text: &str) -> Option<Reading> {
    let mut program = resolve(&parse(text, Syntax::Latex), &InputKinds::new()).ok()?;
    let mut formulas = HashMap::new();
    for definition in &program.definitions {
        let name = program.context.symbol(definition.symbol).name.plain.clone();
        let mut reader = Reader { context: &mut program.context, indices: Vec::new() };
        let pattern = reader.pattern(definition.value)?;
        formulas.insert(name, pattern);
    }
    let mut conditions = Vec::new();
    for assumption in &program.assumptions {
        let mut reader = Reader { context: &mut program.context, indices: assumption.indices.clone() };
        conditions.push(reader.pattern(assumption.condition)?);
    }
    let symbols = program.context.symbols.iter().enumerate();
    let names = symbols.map(|(number, information)| (information.name.plain.clone(), Symbol(number as u32))).collect();
    Some(Reading { formulas, conditions, names })
}

struct Reader<'a> {
    context: &'a mut Context,
    indices: Vec<Index>,
}

impl Reader<'_> {
    fn pattern(&mut self, expr: Expr) -> Option<Pattern> {
        Some(match self.context.node(expr).clone() {
            Node::Number(value) => Pattern::Number(value),
            Node::Constant(constant) => Pattern::Constant(constant),
            Node::Size(axis) => Pattern::Size(axis),
            Node::Index(index) => Pattern::Index(self.number_of(index)?),
            Node::Symbol(symbol, places) => {
                let numbers: Option<Vec<usize>> = places
                    .iter()
                    .map(|&place| match *self.context.node(place) {
                        Node::Index(index) => self.number_of(index),
                        _ => None,
                    })
                    .collect();
                Pattern::Any(symbol, numbers?)
            }
            Node::Call(function, arguments) => Pattern::Call(function, self.patterns(&arguments)?),
            Node::Power(base, exponent) => {
                Pattern::Power(Box::new(self.pattern(base)?), Box::new(self.pattern(exponent)?))
            }
            Node::Add(terms) => Pattern::Add(self.patterns(&terms)?),
            Node::Mul(factors) => Pattern::Mul(self.patterns(&factors)?),
            Node::Compare(relation, a, b) => {
                Pattern::Compare(relation, Box::new(self.pattern(a)?), Box::new(self.pattern(b)?))
            }
            Node::Reduce(..) => {
                let opened = self.context.open(expr)?;
                self.indices.push(opened.index);
                let number = self.indices.len() - 1;
                Pattern::Reduce(opened.reduction, opened.index.axis, number, Box::new(self.pattern(opened.body)?))
            }
            Node::Delta(..) | Node::Select(..) | Node::Derivative(..) => return None,
        })
    }

    fn patterns(&mut self, parts: &[Expr]) -> Option<Vec<Pattern>> {
        parts.iter().map(|&part| self.pattern(part)).collect()
    }

    fn number_of(&self, index: Index) -> Option<usize> {
        self.indices.iter().position(|known| *known == index)
    }
}

impl Pattern {
    /// The general patterns last, so that they take what the special ones leave.
    fn generality(&self) -> u8 {
        match self {
            Pattern::Any(_, indices) if indices.is_empty() => 2,
            Pattern::Any(..) => 1,
            _ => 0,
        }
    }

    /// Matches at the root, where a sum or product may have further operands: the ways to match, each with what is left.
    pub fn match_root(&self, context: &mut Context, expr: Expr) -> Vec<(Bindings, Vec<Expr>)> {
        let start = Bindings::default();
        match (self, context.node(expr).clone()) {
            (Pattern::Add(patterns), Node::Add(operands)) | (Pattern::Mul(patterns), Node::Mul(operands)) => {
                match_operands(context, &sorted(patterns), &operands, start, matches!(self, Pattern::Add(_)), true)
            }
            _ => self.matches(context, expr, start).into_iter().map(|bindings| (bindings, Vec::new())).collect(),
        }
    }

    fn matches(&self, context: &mut Context, expr: Expr, bindings: Bindings) -> Vec<Bindings> {
        match (self, context.node(expr).clone()) {
            (Pattern::Any(symbol, indices), _) => match_any(context, *symbol, indices, expr, bindings),
            (Pattern::Number(value), Node::Number(found)) if *value == found => vec![bindings],
            (Pattern::Constant(value), Node::Constant(found)) if *value == found => vec![bindings],
            (Pattern::Index(number), Node::Index(found)) if bindings.indices.get(number) == Some(&found) => {
                vec![bindings]
            }
            (Pattern::Size(axis), Node::Size(found)) if bindings.axes.get(axis) == Some(&found) => vec![bindings],
            (Pattern::Call(function, patterns), Node::Call(found, arguments)) if *function == found => {
                match_list(context, patterns, &arguments, bindings)
            }
            (Pattern::Power(base, exponent), Node::Power(found_base, found_exponent)) => {
                let mut ways = Vec::new();
                for way in exponent.matches(context, found_exponent, bindings) {
                    ways.extend(base.matches(context, found_base, way));
                }
                ways
            }
            (Pattern::Add(patterns), Node::Add(operands)) | (Pattern::Mul(patterns), Node::Mul(operands)) => {
                let sum = matches!(self, Pattern::Add(_));
                let ways = match_operands(context, &sorted(patterns), &operands, bindings, sum, false);
                ways.into_iter().map(|(way, _)| way).collect()
            }
            (Pattern::Reduce(reduction, axis, number, body), Node::Reduce(found, found_axis, _))
                if *reduction == found =>
            {
                let Some(opened) = context.open(expr) else { return Vec::new() };
                let mut bindings = bindings;
                if *bindings.axes.entry(*axis).or_insert(found_axis) != found_axis {
                    return Vec::new();
                }
                bindings.indices.insert(*number, opened.index);
                body.matches(context, opened.body, bindings)
            }
            _ => Vec::new(),
        }
    }

    /// The expression that a template gives.
    pub fn instantiate(&self, context: &mut Context, bindings: &Bindings) -> Option<Expr> {
        Some(match self {
            Pattern::Any(symbol, numbers) => {
                let (parameters, mut value) = bindings.expressions.get(symbol)?.clone();
                for (parameter, number) in parameters.into_iter().zip(numbers) {
                    value = context.replace_index(value, parameter, *bindings.indices.get(number)?);
                }
                value
            }
            Pattern::Number(value) => context.number(value.clone()),
            Pattern::Constant(constant) => context.constant(*constant),
            Pattern::Index(number) => {
                let index = *bindings.indices.get(number)?;
                context.index(index)
            }
            Pattern::Size(axis) => {
                let axis = *bindings.axes.get(axis)?;
                context.size(axis)
            }
            Pattern::Call(function, arguments) => {
                let arguments = instantiate_all(arguments, context, bindings)?;
                context.call(*function, arguments)
            }
            Pattern::Power(base, exponent) => {
                let (base, exponent) = (base.instantiate(context, bindings)?, exponent.instantiate(context, bindings)?);
                context.power(base, exponent)
            }
            Pattern::Add(terms) => {
                let terms = instantiate_all(terms, context, bindings)?;
                context.add(terms)
            }
            Pattern::Mul(factors) => {
                let factors = instantiate_all(factors, context, bindings)?;
                context.mul(factors)
            }
            Pattern::Compare(relation, a, b) => {
                let (a, b) = (a.instantiate(context, bindings)?, b.instantiate(context, bindings)?);
                context.compare(*relation, a, b)
            }
            Pattern::Reduce(reduction, axis, number, body) => {
                let index = context.fresh_index(*bindings.axes.get(axis)?);
                let mut inner = bindings.clone();
                inner.indices.insert(*number, index);
                let body = body.instantiate(context, &inner)?;
                context.reduce(*reduction, index, body)
            }
        })
    }
}

impl Bindings {
    /// Lets a name without indices stand for an expression.
    pub fn bind(&mut self, symbol: Symbol, expr: Expr) {
        self.expressions.insert(symbol, (Vec::new(), expr));
    }
}

fn instantiate_all(patterns: &[Pattern], context: &mut Context, bindings: &Bindings) -> Option<Vec<Expr>> {
    patterns.iter().map(|pattern| pattern.instantiate(context, bindings)).collect()
}

fn sorted(patterns: &[Pattern]) -> Vec<&Pattern> {
    let mut sorted: Vec<&Pattern> = patterns.iter().collect();
    sorted.sort_by_key(|pattern| pattern.generality());
    sorted
}

fn match_any(
    context: &mut Context,
    symbol: Symbol,
    numbers: &[usize],
    expr: Expr,
    mut bindings: Bindings,
) -> Vec<Bindings> {
    let here: Option<Vec<Index>> = numbers.iter().map(|number| bindings.indices.get(number).copied()).collect();
    let Some(here) = here else { return Vec::new() };
    if let Some((parameters, value)) = bindings.expressions.get(&symbol).cloned() {
        let expected =
            parameters.iter().zip(&here).fold(value, |value, (&from, &to)| context.replace_index(value, from, to));
        return if expected == expr { vec![bindings] } else { Vec::new() };
    }
    // An index bound inside the pattern must not escape from its scope.
    let escapes = |index: &Index| bindings.indices.values().any(|inner| inner == index) && !here.contains(index);
    if context.free_indices(expr).iter().any(escapes) {
        return Vec::new();
    }
    bindings.expressions.insert(symbol, (here, expr));
    vec![bindings]
}

fn match_list(context: &mut Context, patterns: &[Pattern], operands: &[Expr], bindings: Bindings) -> Vec<Bindings> {
    if patterns.len() != operands.len() {
        return Vec::new();
    }
    let mut ways = vec![bindings];
    for (pattern, &operand) in patterns.iter().zip(operands) {
        ways = ways.into_iter().flat_map(|way| pattern.matches(context, operand, way)).collect();
    }
    ways
}

/// Matches patterns with operands in any order. The last pattern, if it stands for any expression, takes all that is left,
/// unless this is the root: there each takes one and the rest stays.
fn match_operands(
    context: &mut Context,
    patterns: &[&Pattern],
    operands: &[Expr],
    bindings: Bindings,
    sum: bool,
    root: bool,
) -> Vec<(Bindings, Vec<Expr>)> {
    let Some((first, later)) = patterns.split_first() else {
        return if root || operands.is_empty() { vec![(bindings, operands.to_vec())] } else { Vec::new() };
    };
    if later.is_empty() && !root && first.generality() > 0 && operands.len() > 1 {
        let rest = if sum { context.add(operands.to_vec()) } else { context.mul(operands.to_vec()) };
        return first.matches(context, rest, bindings).into_iter().map(|way| (way, Vec::new())).collect();
    }
    let mut ways = Vec::new();
    for (position, &operand) in operands.iter().enumerate() {
        for way in first.matches(context, operand, bindings.clone()) {
            let mut rest = operands.to_vec();
            rest.remove(position);
            ways.extend(match_operands(context, later, &rest, way, sum, root));
        }
    }
    ways
}
