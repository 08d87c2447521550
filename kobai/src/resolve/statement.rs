//! A relation read as a statement about what other equations define: its sides, for all values of its free indices.

use super::{Program, Resolver};
use crate::expr::{Axis, Context, Expr, Index, Symbol};
use crate::formula::{Equation, Formula, Kind, Relation, ScriptPart, Spelling};
use crate::resolve::equation::{Loss, for_each_part};
use crate::source::{Diagnostic, Span};
use std::collections::HashSet;

/// `a = b < c`: the sides and the relations between them.
#[derive(Clone, Debug)]
pub struct Stated {
    /// The sides from left to right. A condition that is no relation of numbers, such as `x \in \{0, 1\}`, is a single side.
    pub sides: Vec<Expr>,
    /// The relations, one fewer than the sides.
    pub relations: Vec<Relation>,
    /// The free indices, for all values of which it is stated.
    pub indices: Vec<Index>,
    /// Where each side stands.
    pub spans: Vec<Span>,
    /// The names that go to a limit.
    pub limits: Vec<Limit>,
}

/// A name that goes to 0 or to an infinity, wherever it stands in the sides.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// The name.
    pub symbol: Symbol,
    /// To an infinity.
    pub infinite: bool,
    /// Through the numbers below 0.
    pub negative: bool,
}

impl Stated {
    pub(super) fn map_axes(self, context: &mut Context, map: &dyn Fn(Axis) -> Axis) -> Stated {
        let sides = self.sides.iter().map(|&side| context.map_axes(side, map)).collect();
        let indices = self.indices.iter().map(|index| Index { axis: map(index.axis), ..*index }).collect();
        Stated { sides, indices, ..self }
    }
}

/// Resolves a relation, or a lone expression, in the light of other equations. Its derivatives are not carried out.
///
/// # Errors
/// What is wrong with the relation, or with the equations.
pub fn resolve_statement(equations: &[Equation], statement: &Formula) -> Result<Program, Vec<Diagnostic>> {
    let inputs = super::InputKinds::new();
    let sizes = Equation { statement: crate::formula::Statement::Expression(statement.clone()), span: statement.span };
    let all = [equations, &[sizes]].concat();
    super::in_rounds(&inputs, &[], |resolver| {
        resolver.derivatives = true;
        resolver.collect(&all);
        resolver.equations(equations);
        resolver.state(statement);
    })
}

/// The names in a formula without their scripts, and the functions that it applies.
pub fn names_in(formula: &Formula) -> HashSet<String> {
    let mut names = HashSet::new();
    for_each_part(formula, &mut |part| match &part.kind {
        Kind::Name { base, .. } => drop(names.insert(base.plain.clone())),
        Kind::Apply { function, .. } => drop(names.insert(function.clone())),
        _ => {}
    });
    names
}

/// The names that derivatives in a formula are taken with respect to.
pub fn differentiated_by(formula: &Formula) -> HashSet<String> {
    let mut names = HashSet::new();
    for_each_part(formula, &mut |part| {
        if let Kind::Derivative(_, Some(variable)) = &part.kind
            && let Kind::Name { base, .. } = &variable.kind
        {
            names.insert(base.plain.clone());
        }
    });
    names
}

/// True if a limit stands in the formula.
pub fn has_limit(formula: &Formula) -> bool {
    let mut found = false;
    for_each_part(formula, &mut |part| found |= matches!(part.kind, Kind::Limit(..)));
    found
}

/// True if the formula is about numbers alone: its only names are those that its operators and limits bind.
pub fn is_about_numbers(formula: &Formula) -> bool {
    let mut bound = HashSet::from(["e".to_owned(), "pi".to_owned()]);
    for_each_part(formula, &mut |part| match &part.kind {
        Kind::Limit(_, variable, _) => bound.extend(names_in(variable)),
        Kind::Reduce { bindings, .. } => bound.extend(bindings.iter().map(|binding| binding.index.plain.clone())),
        _ => {}
    });
    let mut only = true;
    for_each_part(formula, &mut |part| {
        if let Kind::Name { base, .. } = &part.kind {
            only &= bound.contains(&base.plain);
        }
    });
    only
}

/// What an equation of this left side defines: its name, with a mark in the place of each index letter that the right
/// side uses.
pub fn defined_name(left: &Formula, right: &Formula) -> Option<String> {
    match &left.kind {
        Kind::Apply { function, arguments, .. } => Some(format!("{function}({})", arguments.len())),
        Kind::Name { base, subscripts, superscripts, .. } => {
            let script = |part: &ScriptPart| match super::name::letters_of(&part.formula) {
                Some(letters)
                    if letters
                        .iter()
                        .any(|(letter, _)| super::expression::index_use(right, &letter.plain).is_some()) =>
                {
                    "#".repeat(letters.len())
                }
                _ => format!("_{}", part.spelling.plain),
            };
            Some(subscripts.iter().chain(superscripts).fold(base.plain.clone(), |name, part| name + &script(part)))
        }
        _ => None,
    }
}

/// True for a name that a loss goes by.
pub fn is_loss_name(name: &str) -> bool {
    super::equation::LOSS_NAMES.contains(&name)
}

impl Resolver<'_> {
    fn state(&mut self, statement: &Formula) {
        self.scope.clear();
        let letters = self.free_letters(statement);
        let indices = self.bind_letters(&letters, None);
        let (mut parts, mut relations) = (vec![statement], Vec::new());
        if let Kind::Relation(first, links) = &statement.kind {
            parts = std::iter::once(first.as_ref()).chain(links.iter().map(|(_, side)| side)).collect();
            relations = links.iter().map(|(relation, _)| *relation).collect();
        }
        let spans = parts.iter().map(|part| part.span).collect();
        let sides: Vec<Expr> = parts.into_iter().map(|part| self.expression(part)).collect();
        let value = self.context.integer(0);
        let limits = std::mem::take(&mut self.limits);
        // There is no loss to look for.
        self.loss = Some(Loss { value, name: None, indices: Vec::new(), precedence: u8::MAX });
        self.stated = Some(Stated { sides, relations, indices, spans, limits });
    }

    /// The letters that are indices and that nothing binds: those of names that are known to have indices, and those
    /// that stand beside a bound letter.
    fn free_letters(&self, statement: &Formula) -> Vec<(Spelling, Span)> {
        let mut bound = HashSet::new();
        for_each_part(statement, &mut |part| {
            if let Kind::Reduce { bindings, .. } = &part.kind {
                bound.extend(bindings.iter().map(|binding| binding.index.plain.clone()));
            }
        });
        let mut letters: Vec<(Spelling, Span)> = Vec::new();
        for_each_part(statement, &mut |part| {
            let Kind::Name { base, subscripts, superscripts, .. } = &part.kind else { return };
            let found = script_letters(subscripts.iter().chain(superscripts));
            let indexed = self.ranks.contains(&(base.plain.clone(), found.len()))
                || self.symbols.contains_key(&(base.plain.clone(), found.len()))
                || found.iter().any(|(letter, _)| bound.contains(&letter.plain));
            if indexed {
                letters.extend(found);
            }
        });
        let mut seen = HashSet::new();
        letters.retain(|(letter, _)| {
            super::expression::index_use(statement, &letter.plain).is_some() && seen.insert(letter.plain.clone())
        });
        letters
    }
}

fn script_letters<'f>(parts: impl Iterator<Item = &'f ScriptPart>) -> Vec<(Spelling, Span)> {
    parts.filter_map(|part| super::name::letters_of(&part.formula)).flatten().collect()
}
