//! Solving an equation for one of its names: what stands around it is taken away, from the outside in.
//!
//! A function is undone by the inverse of its row, a sum by a difference, a power by a root. Where the name occurs more than
//! once, the terms are collected first. What is found is put back into the equation and checked.

mod step;

use crate::differentiate::inverse_of;
use crate::expr::{Context, Expr, Node, Symbol};
use crate::formula::Relation;
use crate::function::Function;
use crate::resolve::{Assumption, Program};
use crate::rewrite::simplify::{expand, factor_common};
use crate::source::Diagnostic;
use crate::stabilise::{stabilise_expression, written_out_expression};
use crate::statement::{Verdict, domain, judge, simplified};
use std::collections::HashMap;
use step::{Undone, gathered, without_denominators};

/// More layers than these are no equation of a person.
const MOST_STEPS: usize = 100;

/// One step: what was done, and the equation after it.
#[derive(Clone, Debug)]
pub struct Step {
    /// The rule's key.
    pub rule: &'static str,
    /// What the rule was done with, if its sentence asks for it.
    pub with: Option<Expr>,
    /// The function that was undone.
    pub function: Option<Function>,
    /// The side with the name.
    pub left: Expr,
    /// The other side; several if there are several branches.
    pub rights: Vec<Expr>,
}

/// An equation solved.
#[derive(Clone, Debug)]
pub struct Solution {
    /// The name as an expression.
    pub variable: Expr,
    /// The sides of the equation.
    pub equation: [Expr; 2],
    /// What was done.
    pub steps: Vec<Step>,
    /// What the name is, by branches.
    pub values: Vec<Expr>,
    /// Where that holds.
    pub conditions: Vec<Expr>,
    /// At how many points the values were put back into the equation; `None` if that was done exactly.
    pub points: Option<usize>,
}

/// Solves the equation that a program states for a symbol.
///
/// # Errors
/// Why it cannot be solved.
pub fn solve(program: &mut Program, symbol: Symbol) -> Result<Solution, Diagnostic> {
    let stated = program.stated.clone().filter(|stated| stated.relations == [Relation::Equal]);
    let Some(stated) = stated else { return Err(Diagnostic::data_error("solve-no-equation")) };
    let equation = [written_out_expression(program, stated.sides[0]), written_out_expression(program, stated.sides[1])];
    let name = program.context.symbol(symbol).name.plain.clone();
    let variable = program.context.entry(symbol, Vec::new());
    let occurs = equation.map(|side| occurrences(&program.context, side, symbol));
    let (left, right) = if occurs[0] > 0 { (equation[0], equation[1]) } else { (equation[1], equation[0]) };
    if occurs == [0, 0] {
        return Err(Diagnostic::data_error("solve-name-absent").with("name", name));
    }
    let mut solver = Solver { program, symbol, variable, steps: Vec::new(), conditions: Vec::new() };
    let (left, right) = solver.collected(left, right)?;
    let values = solver.isolate(left, right)?;
    let (steps, mut conditions) = (solver.steps, solver.conditions);
    if conditions.iter().any(|&condition| program.context.is_integer(condition, 0)) {
        return Err(Diagnostic::data_error("solve-no-solution"));
    }
    for side in equation.iter().chain(&values) {
        conditions.extend(domain(&mut program.context, *side));
    }
    let (values, points) = checked(program, &equation, variable, values, &conditions)?;
    let conditions = simplified(program, &conditions);
    Ok(Solution { variable, equation, steps, values, conditions, points })
}

/// How often a symbol stands in an expression, as one would count it on paper.
fn occurrences(context: &Context, expr: Expr, symbol: Symbol) -> usize {
    match context.node(expr) {
        Node::Symbol(found, _) if *found == symbol => 1,
        _ if !context.depends_on(expr, symbol) => 0,
        _ => context.children(expr).into_iter().map(|part| occurrences(context, part, symbol)).sum(),
    }
}

struct Solver<'a> {
    program: &'a mut Program,
    symbol: Symbol,
    variable: Expr,
    steps: Vec<Step>,
    conditions: Vec<Expr>,
}

impl Solver<'_> {
    fn count(&self, expr: Expr) -> usize {
        occurrences(&self.program.context, expr, self.symbol)
    }

    /// The equation with the name in a single place on the left.
    fn collected(&mut self, left: Expr, right: Expr) -> Result<(Expr, Expr), Diagnostic> {
        let stable = stabilise_expression(self.program, left).loss;
        let sigmoid =
            |context: &Context, expr: Expr| context.any(expr, &|node| matches!(node, Node::Call(Function::Sigmoid, _)));
        let recognised = sigmoid(&self.program.context, stable) && !sigmoid(&self.program.context, left);
        if recognised && self.count(stable) == 1 && self.count(right) == 0 {
            self.note("solve-sigmoid", None, stable, vec![right]);
            return Ok((stable, right));
        }
        if self.count(left) == 1 && self.count(right) == 0 {
            return Ok((left, right));
        }
        let context = &mut self.program.context;
        let zero = context.integer(0);
        let difference = context.subtract(left, right);
        let mut candidates = Vec::new();
        if self.count(right) == 0 {
            let context = &mut self.program.context;
            candidates.extend([(stable, right), (expand(context, left), right), (factor_common(context, left), right)]);
        }
        let context = &mut self.program.context;
        for whole in [difference, without_denominators(context, difference, self.symbol)] {
            let expanded = expand(context, whole);
            candidates
                .extend([(factor_common(context, expanded), zero), (gathered(context, expanded, self.symbol), zero)]);
        }
        match candidates.into_iter().find(|&(left, _)| self.count(left) == 1) {
            Some((left, right)) => {
                self.note("solve-collect", None, left, vec![right]);
                Ok((left, right))
            }
            None => Err(Diagnostic::data_error("solve-occurs-more-than-once").with("name", self.name())),
        }
    }

    fn note(&mut self, rule: &'static str, with: Option<Expr>, left: Expr, rights: Vec<Expr>) {
        self.steps.push(Step { rule, with, function: None, left, rights });
    }

    fn name(&self) -> String {
        self.program.context.symbol(self.symbol).name.plain.clone()
    }

    /// Takes away what stands around the name until it stands alone.
    fn isolate(&mut self, mut left: Expr, right: Expr) -> Result<Vec<Expr>, Diagnostic> {
        let mut rights = vec![right];
        for _ in 0..MOST_STEPS {
            if left == self.variable {
                return Ok(rights);
            }
            let Undone { rule, with, function, inside, undo, conditions } = self.undo(left)?;
            for &right in &rights {
                let context = &mut self.program.context;
                self.conditions.extend(conditions(context, right));
            }
            let context = &mut self.program.context;
            rights = rights.into_iter().flat_map(|right| undo(context, right)).collect();
            rights = rights.into_iter().map(|right| familiar(context, right)).collect();
            left = inside;
            self.steps.push(Step { rule, with, function, left, rights: rights.clone() });
        }
        Err(Diagnostic::data_error("solve-too-long").with("name", self.name()))
    }

    /// How the outermost layer around the name is undone.
    fn undo(&mut self, left: Expr) -> Result<Undone, Diagnostic> {
        let context = &mut self.program.context;
        let has = |context: &Context, expr: Expr| context.depends_on(expr, self.symbol);
        match context.node(left).clone() {
            Node::Add(terms) => {
                let (inside, others): (Vec<Expr>, Vec<Expr>) = terms.iter().partition(|&&term| has(context, term));
                let (inside, other) = (context.add(inside), context.add(others));
                Ok(Undone::sum(context, inside, other))
            }
            Node::Mul(factors) => {
                let (inside, others): (Vec<Expr>, Vec<Expr>) =
                    factors.iter().partition(|&&factor| has(context, factor));
                let (inside, other) = (context.mul(inside), context.mul(others));
                Ok(Undone::product(inside, other))
            }
            Node::Power(base, exponent) if has(context, base) => Ok(Undone::power(context, base, exponent)),
            Node::Power(base, exponent) => Ok(Undone::exponential(base, exponent)),
            Node::Call(Function::LogBase, arguments) if has(context, arguments[0]) => {
                Ok(Undone::base(arguments[0], arguments[1]))
            }
            Node::Call(Function::Abs, arguments) => Ok(Undone::absolute(arguments[0])),
            Node::Call(function, arguments) => {
                let probe = inverse_of(context, function, &arguments, left);
                match (probe, arguments.last()) {
                    (Some(_), Some(&inside)) if has(context, inside) => {
                        Ok(Undone::function(function, &arguments, inside))
                    }
                    _ => {
                        let error = Diagnostic::data_error("solve-no-inverse").with("name", self.name());
                        Err(error.with("function", function.row().plain))
                    }
                }
            }
            _ => Err(Diagnostic::data_error("solve-inside").with("name", self.name())),
        }
    }
}

/// The inverse of a function at the value y, in the words of a textbook; `None` where its row has none.
pub fn inverse(context: &mut Context, function: Function, arguments: &[Expr], y: Expr) -> Option<Expr> {
    let inverse = inverse_of(context, function, arguments, y)?;
    Some(familiar(context, inverse))
}

/// log1p and its like in the words of a textbook.
fn familiar(context: &mut Context, expr: Expr) -> Expr {
    context.rewrite_with(expr, &mut HashMap::new(), &mut |context, part| {
        let Node::Call(function, arguments) = context.node(part).clone() else { return None };
        let argument = familiar(context, *arguments.first()?);
        let one = context.integer(1);
        match function {
            Function::Log1p => {
                let sum = context.add(vec![one, argument]);
                Some(context.apply(Function::Log, sum))
            }
            Function::Expm1 => {
                let power = context.apply(Function::Exp, argument);
                Some(context.subtract(power, one))
            }
            Function::Log1mexp => {
                let power = context.apply(Function::Exp, argument);
                let rest = context.subtract(one, power);
                Some(context.apply(Function::Log, rest))
            }
            _ => None,
        }
    })
}

/// Puts each value back into the equation; one that does not satisfy it is no solution.
fn checked(
    program: &mut Program,
    equation: &[Expr; 2],
    variable: Expr,
    values: Vec<Expr>,
    conditions: &[Expr],
) -> Result<(Vec<Expr>, Option<usize>), Diagnostic> {
    let (stated, assumptions) = (program.stated.clone(), program.assumptions.clone());
    let (mut kept, mut points, mut failure) = (Vec::new(), None, None);
    for value in values {
        let context = &mut program.context;
        let map = HashMap::from([(variable, value)]);
        let sides = equation.map(|side| context.substitute(side, &map));
        let conditions: Vec<Expr> = conditions.iter().map(|&condition| context.substitute(condition, &map)).collect();
        program.assumptions = assumptions.clone();
        program.assumptions.extend(conditions.into_iter().map(|condition| Assumption {
            condition,
            indices: Vec::new(),
            span: Default::default(),
        }));
        if let Some(stated) = &mut program.stated {
            stated.sides = sides.to_vec();
        }
        match judge(program).map(|judgement| judgement.verdict) {
            Ok(Verdict::Exact) => kept.push(value),
            Ok(Verdict::Sampled(count)) => {
                points = points.max(Some(count));
                kept.push(value);
            }
            Ok(Verdict::False(_)) => {}
            Ok(Verdict::NoPoint) => failure = Some(Diagnostic::data_error("solve-no-point")),
            Err(error) => failure = Some(error),
        }
    }
    (program.stated, program.assumptions) = (stated, assumptions);
    match failure {
        Some(error) if kept.is_empty() => Err(error),
        None if kept.is_empty() => Err(Diagnostic::data_error("solve-no-solution")),
        _ => Ok((kept, points)),
    }
}
