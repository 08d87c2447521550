//! What an article has said so far.

use crate::formula::{Equation, Formula, Kind, Spelling, Statement};
use crate::parse::function_named;
use crate::resolve::Program;
use crate::resolve::statement::{defined_name, differentiated_by, names_in, resolve_statement};
use crate::source::Diagnostic;
use std::collections::HashSet;

/// Definitions and conditions in force.
#[derive(Default)]
pub(super) struct Scope {
    definitions: Vec<Known>,
    assumptions: Vec<Equation>,
    /// Equations such as a^y = x that may be the inverse of what comes later, with their numbers.
    solved: Vec<(usize, Formula)>,
    /// True while names that are defined as numbers have these values.
    numbers: bool,
}

struct Known {
    /// The name with marks for its indices.
    name: String,
    /// The name without its scripts, or the function's.
    base: String,
    /// True for x = 8, which holds for an example and not for all that follows.
    is_number: bool,
    equation: Equation,
    /// The formula that it stands in.
    number: usize,
}

impl Known {
    fn right(&self) -> Option<&Formula> {
        match &self.equation.statement {
            Statement::Definition { right, .. } => Some(right),
            _ => None,
        }
    }
}

impl Scope {
    pub fn define(&mut self, equation: &Equation, left: &Formula, right: &Formula, number: usize) {
        let base = match &left.kind {
            Kind::Name { base, .. } => base.plain.clone(),
            Kind::Apply { function, .. } => function.clone(),
            _ => return,
        };
        let name = defined_name(left, right).unwrap_or_default();
        let statement = Statement::Definition { left: left.clone(), right: right.clone(), claims: Vec::new() };
        let equation = Equation { statement, span: equation.span };
        self.definitions.push(Known { name, base, is_number: super::is_number(right), equation, number });
    }

    /// Takes a definition out of force.
    pub fn forget(&mut self, name: &str) {
        self.definitions.retain(|known| known.name != name);
    }

    pub fn assume(&mut self, relation: &Formula) {
        let equation = Equation { statement: Statement::Assumption(relation.clone()), span: relation.span };
        self.assumptions.push(equation);
    }

    /// Notes an equation that is solved for a plain name.
    pub fn note_solved(&mut self, number: usize, relation: &Formula) {
        self.solved.push((number, relation.clone()));
    }

    /// The number of the formula that defines the name.
    pub fn definition(&self, name: &str) -> Option<usize> {
        self.definitions.iter().rev().find(|known| known.name == name).map(|known| known.number)
    }

    /// The formula, by number, that defines a name in this formula by a name that it is solved for.
    pub fn defined_by(&self, formula: &Formula, variable: &str) -> Option<usize> {
        let names = names_in(formula);
        let by = |known: &&Known| {
            names.contains(&known.base) && known.right().is_some_and(|right| names_in(right).contains(variable))
        };
        self.definitions.iter().rev().find(by).map(|known| known.number)
    }

    /// True if the formula needs a definition that in turn needs the name on the left.
    pub fn depends_on(&self, formula: &Formula, left: &Formula) -> bool {
        let Kind::Name { base, .. } = &left.kind else { return false };
        let needed = self.closure(&names_in(formula), &HashSet::new());
        needed.iter().filter_map(|known| known.right()).any(|right| names_in(right).contains(&base.plain))
    }

    /// True if the formula applies a function that is defined here, whose name is gone once it is resolved.
    pub fn applies_a_function(&self, formula: &Formula) -> bool {
        let names = names_in(formula);
        self.definitions.iter().any(|known| known.name.ends_with(')') && names.contains(&known.base))
    }

    /// An earlier equation such as a^y = x, now that its y is defined.
    pub fn inverse_stated_before(&self, left: &Formula) -> Option<(usize, Formula)> {
        let Kind::Name { base, .. } = &left.kind else { return None };
        self.solved.iter().rev().find(|(_, relation)| names_in(relation).contains(&base.plain)).cloned()
    }

    /// For y' or f'(x), where y or f is defined: the derivative that it stands for.
    pub fn derivative_named(&self, left: &Formula) -> Option<Formula> {
        let derivative = |body: Kind, variable: Formula| {
            let body = Formula::new(body, left.span);
            Some(Formula::new(Kind::Derivative(Box::new(body), Some(Box::new(variable))), left.span))
        };
        match &left.kind {
            Kind::Apply { function, arguments, name_span, .. } => {
                let own = function.strip_suffix("_prime")?;
                let function = match self.definition(&format!("{own}({})", arguments.len())) {
                    Some(_) => own,
                    None => function_named(own)?,
                };
                let body = Kind::Apply {
                    function: function.to_owned(),
                    name_span: *name_span,
                    subscript: None,
                    power: None,
                    arguments: arguments.clone(),
                    component: Vec::new(),
                };
                derivative(body, arguments.first()?.clone())
            }
            Kind::Name { base, subscripts, superscripts, .. } if subscripts.is_empty() && superscripts.is_empty() => {
                let plain = base.plain.strip_suffix("_prime")?;
                let known = self.definitions.iter().rev().find(|known| known.name == plain)?;
                let variable = variable_of(known.right()?)?;
                let spelling =
                    Spelling { plain: plain.to_owned(), latex: base.latex.trim_end_matches('\'').to_owned() };
                derivative(name(spelling), Formula::new(name(variable), left.span))
            }
            _ => None,
        }
    }

    /// Resolves a formula in the light of what it needs of this.
    pub fn resolved(&self, formula: &Formula) -> Result<Program, Vec<Diagnostic>> {
        let equations = self.relevant(formula);
        resolve_statement(&equations, formula).or_else(|errors| {
            // What was said before may not fit in: it may have meant other things by the same letters.
            let definitions: Vec<Equation> = equations.into_iter().filter(is_definition).collect();
            resolve_statement(&definitions, formula).or_else(|_| resolve_statement(&[], formula)).map_err(|_| errors)
        })
    }

    /// The same with the numbers that names were given as examples.
    pub fn resolved_with_numbers(&mut self, formula: &Formula) -> Option<Program> {
        let names = names_in(formula);
        if !self.definitions.iter().any(|known| known.is_number && names.contains(&known.base)) {
            return None;
        }
        self.numbers = true;
        let equations = self.relevant(formula);
        self.numbers = false;
        resolve_statement(&equations, formula).ok()
    }

    /// The same without the conditions that were stated.
    pub fn resolved_without_conditions(&self, formula: &Formula) -> Option<Program> {
        let definitions: Vec<Equation> = self.relevant(formula).into_iter().filter(is_definition).collect();
        resolve_statement(&definitions, formula).ok()
    }

    /// The same with every name free: a law holds whatever its letters stood for before. `None` where nothing defines them,
    /// and where a derivative asks for the definitions.
    pub fn resolved_freely(&self, formula: &Formula) -> Option<Program> {
        let (definitions, conditions): (Vec<Equation>, Vec<Equation>) =
            self.relevant(formula).into_iter().partition(is_definition);
        if definitions.is_empty() || !differentiated_by(formula).is_empty() {
            return None;
        }
        resolve_statement(&conditions, formula).ok()
    }

    /// The definitions that a formula needs, and the conditions on names in these and in it.
    pub fn relevant(&self, formula: &Formula) -> Vec<Equation> {
        let (mut names, mut free) = (names_in(formula), differentiated_by(formula));
        let derivatives = self.derivatives_in(formula);
        for (_, derivative) in &derivatives {
            names.extend(names_in(derivative));
            free.extend(differentiated_by(derivative));
        }
        let needed = self.closure(&names, &free);
        let mut all = names;
        all.extend(needed.iter().filter_map(|known| known.right()).flat_map(names_in));
        let speaks = |equation: &&Equation| match &equation.statement {
            Statement::Assumption(relation) => names_in(relation).iter().any(|name| all.contains(name)),
            _ => false,
        };
        let assumptions = self.assumptions.iter().filter(speaks).cloned();
        let derivatives = derivatives.into_iter().map(|(left, right)| {
            let span = left.span;
            Equation { statement: Statement::Definition { left, right, claims: Vec::new() }, span }
        });
        needed.iter().map(|known| known.equation.clone()).chain(derivatives).chain(assumptions).collect()
    }

    /// The names such as y' in a formula that stand for the derivative of what y is defined as.
    fn derivatives_in(&self, formula: &Formula) -> Vec<(Formula, Formula)> {
        let primed = names_in(formula).into_iter().filter(|plain| plain.ends_with("_prime"));
        let undefined = primed.filter(|plain| self.definition(plain).is_none());
        undefined
            .filter_map(|plain| {
                let latex = format!("{}'", plain.trim_end_matches("_prime"));
                let left = Formula::new(name(Spelling { plain, latex }), formula.span);
                let derivative = self.derivative_named(&left)?;
                Some((left, derivative))
            })
            .collect()
    }

    /// Definitions of the names, and of the names in these. What is differentiated by stays free.
    fn closure(&self, names: &HashSet<String>, free: &HashSet<String>) -> Vec<&Known> {
        let mut names = names.clone();
        let mut taken: Vec<&Known> = Vec::new();
        loop {
            let next = self.definitions.iter().find(|known| {
                names.contains(&known.base)
                    && !free.contains(&known.base)
                    && (self.numbers || !known.is_number)
                    && !taken.iter().any(|other| std::ptr::eq(*other, *known))
            });
            let Some(next) = next else { return taken };
            names.extend(next.right().into_iter().flat_map(names_in));
            taken.push(next);
        }
    }
}

fn is_definition(equation: &Equation) -> bool {
    matches!(equation.statement, Statement::Definition { .. })
}

fn name(base: Spelling) -> Kind {
    Kind::Name { base, subscripts: Vec::new(), superscripts: Vec::new(), opaque: false }
}

/// What y = f(x) is differentiated by: x, or the only name.
fn variable_of(right: &Formula) -> Option<Spelling> {
    let names: Vec<String> = {
        let mut names: Vec<String> = names_in(right).into_iter().filter(|name| name.chars().count() == 1).collect();
        names.retain(|name| name != "e");
        names
    };
    let plain = if names.iter().any(|name| name == "x") { "x".to_owned() } else { names.first().cloned()? };
    (plain == "x" || names.len() == 1).then(|| Spelling { latex: plain.clone(), plain })
}
