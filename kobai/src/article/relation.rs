//! Relations in an article: statements to be checked, and conditions to be kept in mind.

use super::show::{condition, conditions, counterexample};
use super::{FormulaKind, Reader, Reading, Relationship, Status, inputs_in, is_number, relation_shown};
use crate::expr::{Node, Symbol};
use crate::formula::{Equation, Formula, Kind, Relation, Statement};
use crate::parse::article::Connective;
use crate::resolve::Program;
use crate::resolve::statement::{has_limit, names_in};
use crate::source::Diagnostic;
use crate::statement::{Judgement, Verdict, judge, rounds_to};

impl Reader<'_> {
    /// A relation: checked, unless it only says what values a name has.
    pub(super) fn relation(&mut self, relation: &Formula) -> Reading {
        let relation = ungrouped(relation);
        if bounds_a_name(relation) {
            return self.assumption(relation);
        }
        match self.scope.resolved(relation) {
            Ok(program) => self.judged(relation, program),
            Err(errors) => self.failed(relation.span, FormulaKind::Statement, errors),
        }
    }

    fn assumption(&mut self, relation: &Formula) -> Reading {
        let blank = self.blank(relation.span, FormulaKind::Assumption, Status::Ok);
        self.scope.assume(relation);
        match self.scope.resolved(relation).ok().as_ref().and_then(relation_shown) {
            Some(formula) => Reading { formula, ..blank },
            None => blank,
        }
    }

    fn judged(&mut self, relation: &Formula, mut program: Program) -> Reading {
        let mut judgement = match judge(&mut program) {
            Ok(judgement) => judgement,
            Err(error) => return self.unjudged(relation, &program, error),
        };
        if let Verdict::NoPoint = judgement.verdict
            && let Some(mut other) = self.scope.resolved_without_conditions(relation)
            && let Ok(found) = judge(&mut other)
        {
            (program, judgement) = (other, found);
        }
        if let Verdict::False(_) = judgement.verdict
            && let Some(mut other) = self.scope.resolved_with_numbers(relation)
            && let Ok(found) = judge(&mut other)
            && matches!(found.verdict, Verdict::Exact | Verdict::Sampled(_))
        {
            (program, judgement) = (other, found);
        }
        if let Some(mut other) = self.scope.resolved_freely(relation)
            && let Ok(found) = judge(&mut other)
            && is_plainer(&found, &judgement, is_condition(relation, &other))
        {
            (program, judgement) = (other, found);
        }
        let reading = self.told(relation, &program, &judgement);
        Reading { program: Some(super::chosen(program, relation.span)), ..reading }
    }

    fn unjudged(&self, relation: &Formula, program: &Program, error: Diagnostic) -> Reading {
        let blank = self.blank(relation.span, FormulaKind::Statement, Status::Unchecked);
        let formula = relation_shown(program).unwrap_or_else(|| blank.formula.clone());
        let error = Diagnostic { span: error.span.or(Some(relation.span)), ..error };
        Reading { formula, diagnostics: vec![error], ..blank }
    }

    /// What a judgement means for the author.
    fn told(&mut self, relation: &Formula, program: &Program, judgement: &Judgement) -> Reading {
        let context = &program.context;
        let inverse = solved_for(relation).and_then(|(variable, other)| self.scope.defined_by(other, &variable));
        let kind = if inverse.is_some() { FormulaKind::InversePair } else { FormulaKind::Statement };
        let blank = self.blank(relation.span, kind, Status::Holds);
        // What is worked out as it is read, as 2³ = 8 is, would be told as 8 = 8.
        let folded = program.stated.iter().any(|stated| stated.sides.windows(2).any(|pair| pair[0] == pair[1]));
        let gone = folded || self.scope.applies_a_function(relation) || has_limit(relation);
        let own = relation_shown(program).filter(|_| !gone);
        let formula = own.unwrap_or_else(|| blank.formula.clone());
        let mut reading = Reading {
            formula,
            conditions: conditions(context, &judgement.conditions),
            supposed: judgement.supposed.iter().map(|&expr| condition(context, expr)).collect(),
            related: inverse.map(|number| (Relationship::Inverse, number)),
            ..blank
        };
        match &judgement.verdict {
            Verdict::Exact => {}
            Verdict::Sampled(points) => reading.points = Some(*points),
            Verdict::NoPoint => reading.status = Status::Unchecked,
            Verdict::False(_) if inverse.is_none() && judgement.satisfiable && is_condition(relation, program) => {
                return self.condition_on_values(relation, reading);
            }
            Verdict::False(found) => {
                reading.status = Status::False;
                reading.counterexample = Some(counterexample(program, found));
            }
        }
        reading
    }

    /// An equation that some values satisfy and others do not.
    fn condition_on_values(&mut self, relation: &Formula, mut reading: Reading) -> Reading {
        reading.status = Status::Ok;
        reading.conditions.clear();
        if solved_for(relation).is_some() {
            self.scope.note_solved(self.number, relation);
            reading.kind = FormulaKind::Definition;
        } else {
            self.scope.assume(relation);
            reading.kind = FormulaKind::Assumption;
        }
        reading
    }

    /// `\log_{10} 2 \approx 0.3010`: the digits are those of the value, rounded or cut off.
    pub(super) fn approximation(&mut self, before: &Equation, after: &Equation) -> Reading {
        let mut reading = self.blank(after.span, FormulaKind::Statement, Status::Unchecked);
        let (Some(value), Statement::Expression(decimal)) = (last_side(before), &after.statement) else {
            return reading;
        };
        let written = self.written(decimal.span).to_owned();
        let digits =
            written.split_once('.').map_or(0, |(_, digits)| digits.chars().filter(char::is_ascii_digit).count());
        let (Ok(mut program), Ok(number)) = (self.scope.resolved(value), self.scope.resolved(decimal)) else {
            return reading;
        };
        let side = |program: &Program| program.stated.as_ref().and_then(|stated| stated.sides.first().copied());
        let (Some(value), Some(decimal)) = (side(&program), side(&number)) else { return reading };
        let Some(decimal) = number.context.as_number(decimal).cloned() else { return reading };
        match rounds_to(&mut program, value, &decimal, digits as u32) {
            Ok(None) => reading.status = Status::Holds,
            Ok(Some(found)) => {
                reading.status = Status::False;
                let sides = [super::shown(&program.context, value), reading.formula.clone()];
                let (values, place) = (Vec::new(), Vec::new());
                reading.counterexample =
                    Some(super::ShownCounterexample { values, place, link: 0, sides, left: found, right: written });
            }
            Err(_) => {}
        }
        reading
    }

    /// `P \iff Q`. Of two conditions it is checked that they hold at the same points; equations are read one by one.
    pub(super) fn equivalence(
        &mut self,
        sign: Connective,
        before: &Equation,
        after: &Equation,
        inline: bool,
    ) -> Reading {
        let (Some(first), Some(second)) = (inequality(before), inequality(after)) else {
            return self.part(after, inline);
        };
        let relation = if sign == Connective::Implies { Relation::LessOrEqual } else { Relation::Equal };
        let truth = |condition: &Formula| Formula::new(Kind::Indicator(Box::new(condition.clone())), condition.span);
        let span = first.span.to(second.span);
        let both = Formula::new(Kind::Relation(Box::new(truth(first)), vec![(relation, truth(second))]), span);
        let mut reading = self.blank(after.span, FormulaKind::Statement, Status::Unchecked);
        if let Some(formula) = self.scope.resolved(second).ok().as_ref().and_then(relation_shown) {
            reading.formula = formula;
        }
        match self.scope.resolved(&both) {
            Ok(program) => Reading { formula: reading.formula, ..self.judged(&both, program) },
            Err(_) => reading,
        }
    }
}

/// True if a judgement with free names says as much as one with their definitions; with free names a statement may be no
/// more than a condition on their values.
fn is_plainer(free: &Judgement, defined: &Judgement, is_condition: bool) -> bool {
    match (&free.verdict, &defined.verdict) {
        (Verdict::Exact | Verdict::Sampled(_), _) => true,
        (Verdict::False(_), Verdict::False(_)) => !(free.satisfiable && is_condition),
        _ => false,
    }
}

fn ungrouped(relation: &Formula) -> &Formula {
    match &relation.kind {
        Kind::Group(_, inner) => ungrouped(inner),
        _ => relation,
    }
}

fn inequality(equation: &Equation) -> Option<&Formula> {
    match &equation.statement {
        Statement::Assumption(relation) => match &ungrouped(relation).kind {
            Kind::Relation(_, links) if links.iter().all(|(relation, _)| *relation != Relation::Equal) => {
                Some(ungrouped(relation))
            }
            _ => None,
        },
        _ => None,
    }
}

fn last_side(equation: &Equation) -> Option<&Formula> {
    match &equation.statement {
        Statement::Expression(value) => Some(value),
        Statement::Definition { right, claims, .. } => Some(claims.last().unwrap_or(right)),
        Statement::Assumption(relation) => match &relation.kind {
            Kind::Relation(_, links) => links.last().map(|(_, side)| side),
            _ => None,
        },
        Statement::Objective { .. } => None,
    }
}

/// `x > 0`, `0 < p_i < 1`, `a \ne 1`, `t \in \{0, 1\}`: names and numbers only.
fn bounds_a_name(relation: &Formula) -> bool {
    match &relation.kind {
        Kind::Member(..) => true,
        Kind::Relation(first, links) => {
            let plain = |side: &Formula| matches!(side.kind, Kind::Name { .. } | Kind::Infinity) || is_number(side);
            let name = std::iter::once(first.as_ref()).chain(links.iter().map(|(_, side)| side));
            links.iter().all(|(relation, side)| *relation != Relation::Equal && plain(side))
                && plain(first)
                && name.into_iter().any(|side| matches!(side.kind, Kind::Name { .. }))
        }
        _ => false,
    }
}

/// For `G(y) = x` or `x = G(y)` with a plain name that stands on one side only: the name, and the other side.
fn solved_for(relation: &Formula) -> Option<(String, &Formula)> {
    let Kind::Relation(first, links) = &relation.kind else { return None };
    let [(Relation::Equal, second)] = &links[..] else { return None };
    [(first.as_ref(), second), (second, first.as_ref())].into_iter().find_map(|(side, other)| {
        let Kind::Name { base, subscripts, superscripts, .. } = &side.kind else { return None };
        let plain = subscripts.is_empty() && superscripts.is_empty() && !names_in(other).contains(&base.plain);
        plain.then(|| (base.plain.clone(), other))
    })
}

/// True for a relation that restricts values rather than speaks of all of them: no input stands on both of its sides. One
/// with a derivative or a limit never does.
fn is_condition(relation: &Formula, program: &Program) -> bool {
    let Some(stated) = &program.stated else { return false };
    let context = &program.context;
    let inputs: Vec<Vec<Symbol>> = stated.sides.iter().map(|&side| inputs_in(context, side)).collect();
    let shared = inputs.windows(2).any(|pair| pair[0].iter().any(|symbol| pair[1].contains(symbol)));
    let derivative = stated.sides.iter().any(|&side| context.any(side, &|node| matches!(node, Node::Derivative(..))));
    let numbers = inputs.iter().all(Vec::is_empty);
    let defined =
        stated.sides.iter().any(|&side| context.symbols_in(side).iter().any(|&symbol| context.symbol(symbol).defined));
    !shared
        && stated.limits.is_empty()
        && !derivative
        && !numbers
        && !defined
        && matches!(relation.kind, Kind::Relation(..))
}
