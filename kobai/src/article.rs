//! Reading an article as its author's proof-reader: what each formula is, and whether what it says holds.
//!
//! Formulas are read in order. A definition is known to all formulas after it, until another one takes its place; a stated
//! condition holds from there on. Each formula is read by itself otherwise, so that an error in one stops no other.

mod fault;
mod relation;
mod scope;
mod show;

use crate::expr::{Context, Expr, Node, Symbol};
use crate::formula::{Equation, Formula, Kind, Relation, Statement};
use crate::parse::article::{ArticleFormula, Connective, formulas};
use crate::parse::{Parsed, Syntax};
use crate::resolve::statement::{defined_name, has_limit, is_about_numbers, is_loss_name, names_in, resolve_statement};
use crate::resolve::{InputKinds, Program, resolve};
use crate::source::{Diagnostic, Span};
use scope::Scope;
pub use show::{Shown, ShownCounterexample};
use show::{joined_sides, shown};

/// What a formula is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FormulaKind {
    /// It gives a name a meaning.
    Definition,
    /// A loss, or what is minimised.
    Loss,
    /// It says something that holds or does not.
    Statement,
    /// An earlier definition solved for its variable.
    InversePair,
    /// It states a condition.
    Assumption,
    /// An expression.
    Expression,
    /// A name, or a sign by itself.
    Symbol,
}

impl FormulaKind {
    /// Its name for machines.
    pub fn key(self) -> &'static str {
        match self {
            FormulaKind::Definition => "definition",
            FormulaKind::Loss => "loss",
            FormulaKind::Statement => "statement",
            FormulaKind::InversePair => "inverse pair",
            FormulaKind::Assumption => "assumption",
            FormulaKind::Expression => "expression",
            FormulaKind::Symbol => "symbol",
        }
    }
}

/// What came out of reading a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It is understood; there is nothing to check.
    Ok,
    /// What it says holds.
    Holds,
    /// It cannot be checked.
    Unchecked,
    /// What it says does not hold.
    False,
    /// It cannot be read.
    Error,
}

impl Status {
    /// Its name for machines.
    pub fn key(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Holds => "holds",
            Status::Unchecked => "unchecked",
            Status::False => "false",
            Status::Error => "error",
        }
    }
}

/// How a formula stands to an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relationship {
    /// It is the inverse of the earlier one.
    Inverse,
    /// It says the same of the same name.
    Repeats,
    /// It gives the name another meaning.
    Replaces,
}

impl Relationship {
    /// Its name for machines.
    pub fn key(self) -> &'static str {
        match self {
            Relationship::Inverse => "inverse",
            Relationship::Repeats => "repeats",
            Relationship::Replaces => "replaces",
        }
    }
}

/// A formula as it was read.
#[derive(Clone)]
pub struct Reading {
    /// Where it stands.
    pub span: Span,
    /// True in the running text.
    pub inline: bool,
    /// What it is.
    pub kind: FormulaKind,
    /// What came of it.
    pub status: Status,
    /// The formula as it was understood; as written, if it was not.
    pub formula: Shown,
    /// Where it holds.
    pub conditions: Vec<Shown>,
    /// What had to be supposed for it.
    pub supposed: Vec<Shown>,
    /// At how many points it was checked; `None` if it was checked exactly or not at all.
    pub points: Option<usize>,
    /// Values at which it does not hold.
    pub counterexample: Option<ShownCounterexample>,
    /// An earlier formula, by its number from 0, that it belongs to.
    pub related: Option<(Relationship, usize)>,
    /// Errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// What it was resolved to, with the choices that were made in it; `None` if it was not.
    pub program: Option<Program>,
}

/// Reads every formula of a text. Also what is wrong between the formulas.
pub fn read(text: &str, syntax: Syntax) -> (Vec<Reading>, Vec<Diagnostic>) {
    let (found, outside) = formulas(text, syntax);
    let mut reader = Reader { text, scope: Scope::default(), number: 0, inline: false };
    let mut readings = Vec::new();
    for formula in &found {
        (reader.number, reader.inline) = (readings.len(), formula.inline);
        readings.push(reader.formula(formula));
    }
    (readings, outside)
}

struct Reader<'t> {
    text: &'t str,
    scope: Scope,
    /// The number of the formula that is being read.
    number: usize,
    /// True where it stands in the running text.
    inline: bool,
}

impl Reader<'_> {
    fn formula(&mut self, formula: &ArticleFormula) -> Reading {
        if formula.diagnostics.iter().any(Diagnostic::is_error) {
            return self.unreadable(formula);
        }
        let mut readings = Vec::new();
        for (position, part) in formula.parts.iter().enumerate() {
            let before = position.checked_sub(1).map(|before| (formula.connectives[before], &formula.parts[before]));
            let reading = match before {
                Some((Connective::Approximately, before)) => self.approximation(before, part),
                Some((connective, before)) => self.equivalence(connective, before, part, formula.inline),
                None => self.part(part, formula.inline),
            };
            readings.push(reading);
        }
        let mut reading = self.joined(readings, &formula.connectives);
        reading.span = formula.span;
        reading.diagnostics.extend(formula.diagnostics.iter().cloned());
        reading
    }

    /// A formula that the parser could not read.
    fn unreadable(&self, formula: &ArticleFormula) -> Reading {
        if formula.inline && fault::is_operator_alone(self.written(formula.span), &formula.diagnostics) {
            return self.blank(formula.span, FormulaKind::Symbol, Status::Ok);
        }
        self.failed(formula.span, FormulaKind::Expression, formula.diagnostics.clone())
    }

    /// A reading that shows the formula as written.
    fn blank(&self, span: Span, kind: FormulaKind, status: Status) -> Reading {
        Reading {
            span,
            inline: self.inline,
            kind,
            status,
            formula: Shown::as_written(self.written(span)),
            conditions: Vec::new(),
            supposed: Vec::new(),
            points: None,
            counterexample: None,
            related: None,
            diagnostics: Vec::new(),
            program: None,
        }
    }

    fn written(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default().trim()
    }

    fn part(&mut self, equation: &Equation, inline: bool) -> Reading {
        match &equation.statement {
            Statement::Definition { left, right, claims } => self.definition(equation, left, right, claims),
            Statement::Objective { .. } => self.objective(equation),
            Statement::Assumption(relation) => self.relation(relation),
            Statement::Expression(expression) => self.expression(expression, inline),
        }
    }

    /// A formula with errors.
    fn failed(&self, span: Span, kind: FormulaKind, diagnostics: Vec<Diagnostic>) -> Reading {
        let status = fault::status(&diagnostics, self.inline);
        Reading { diagnostics, ..self.blank(span, kind, status) }
    }

    fn expression(&mut self, expression: &Formula, inline: bool) -> Reading {
        if let Kind::Name { .. } = expression.kind {
            let formula = Shown::name(self.written(expression.span));
            return Reading { formula, ..self.blank(expression.span, FormulaKind::Symbol, Status::Ok) };
        }
        match self.scope.resolved(expression) {
            Ok(program) => {
                let side = program.stated.as_ref().and_then(|stated| stated.sides.first().copied());
                let Some(side) = side else { return self.blank(expression.span, FormulaKind::Expression, Status::Ok) };
                let context = &program.context;
                let reduced = context.any(side, &|node| matches!(node, Node::Reduce(..)));
                let loss =
                    !inline && reduced && context.free_indices(side).is_empty() && !context.symbols_in(side).is_empty();
                let kind = if loss { FormulaKind::Loss } else { FormulaKind::Expression };
                let blank = self.blank(expression.span, kind, Status::Ok);
                let formula = if has_limit(expression) { blank.formula.clone() } else { shown(context, side) };
                Reading { formula, program: Some(chosen(program, expression.span)), ..blank }
            }
            // A fragment in the running text need not make sense by itself.
            Err(_) if inline => self.blank(expression.span, FormulaKind::Expression, Status::Ok),
            Err(errors) => self.failed(expression.span, FormulaKind::Expression, errors),
        }
    }

    fn objective(&mut self, equation: &Equation) -> Reading {
        let Statement::Objective { parameters, maximise, body, .. } = &equation.statement else {
            return self.blank(equation.span, FormulaKind::Loss, Status::Ok);
        };
        let equations = [self.scope.relevant(body), vec![equation.clone()]].concat();
        match resolve(&Parsed { equations, diagnostics: Vec::new() }, &InputKinds::new()) {
            Ok(mut program) => {
                let loss = if *maximise { program.context.negate(program.loss) } else { program.loss };
                let names: Vec<&str> = parameters.iter().map(|name| self.written(name.span)).collect();
                let formula =
                    shown(&program.context, loss).under(if *maximise { "max" } else { "min" }, &names.join(", "));
                Reading { formula, ..self.blank(equation.span, FormulaKind::Loss, Status::Ok) }
            }
            Err(errors) => self.failed(equation.span, FormulaKind::Loss, errors),
        }
    }

    fn definition(&mut self, equation: &Equation, left: &Formula, right: &Formula, claims: &[Formula]) -> Reading {
        let whole = equality(equation.span, std::iter::once(left).chain([right]).chain(claims));
        if is_known_function(left) || (is_constant(left) && is_about_numbers(right)) || is_its_own_value(left, right) {
            return self.relation(&whole);
        }
        if let Some(derivative) = self.scope.derivative_named(left) {
            let sides = std::iter::once(&derivative).chain([right]).chain(claims);
            return self.relation(&equality(equation.span, sides));
        }
        let name = defined_name(left, right).unwrap_or_default();
        let earlier = self.scope.definition(&name);
        if earlier.is_none() && self.scope.depends_on(right, left) {
            // The name is what another one, which this needs, is made of.
            return self.relation(&whole);
        }
        if let Some(number) = earlier
            && !is_number(right)
            && let repeated = self.relation(&whole)
            && repeated.status == Status::Holds
        {
            return Reading { related: Some((Relationship::Repeats, number)), ..repeated };
        }
        self.new_definition(equation, left, right, claims, earlier)
    }

    fn new_definition(
        &mut self,
        equation: &Equation,
        left: &Formula,
        right: &Formula,
        claims: &[Formula],
        earlier: Option<usize>,
    ) -> Reading {
        let loss = matches!(&left.kind, Kind::Name { base, .. } if is_loss_name(&base.plain))
            || matches!(&left.kind, Kind::Apply { function, .. } if is_loss_name(function));
        let kind = if loss && !is_number(right) { FormulaKind::Loss } else { FormulaKind::Definition };
        self.scope.forget(&defined_name(left, right).unwrap_or_default());
        let formula = match self.definition_shown(equation, left, right) {
            Ok(formula) => formula,
            Err(errors) => return self.failed(equation.span, kind, errors),
        };
        self.scope.define(equation, left, right, self.number);
        let related = earlier.map(|number| (Relationship::Replaces, number));
        let mut reading = Reading { formula, related, ..self.blank(equation.span, kind, Status::Ok) };
        for (position, claim) in claims.iter().enumerate() {
            let of = if matches!(left.kind, Kind::Apply { .. }) { right } else { left };
            let found = self.relation(&equality(claim.span, [of, claim].into_iter()));
            reading.formula = reading.formula.followed_by("=", &found.formula.last_side());
            reading.take_in(found, position + 1);
        }
        if let Some((number, found)) = self.scope.inverse_stated_before(left) {
            let found = self.relation(&found);
            if found.status == Status::Holds {
                reading.take_in(found, 0);
                (reading.kind, reading.related) = (FormulaKind::InversePair, Some((Relationship::Inverse, number)));
            }
        }
        reading
    }

    fn definition_shown(&self, equation: &Equation, left: &Formula, right: &Formula) -> Result<Shown, Vec<Diagnostic>> {
        if has_limit(right) {
            resolve_statement(&self.scope.relevant(right), right)?;
            return Ok(Shown::as_written(self.written(equation.span)));
        }
        if matches!(left.kind, Kind::Apply { .. }) {
            let program = self.scope.resolved(right)?;
            let side = program.stated.as_ref().and_then(|stated| stated.sides.first().copied());
            let value = side.map(|side| shown(&program.context, side)).unwrap_or_default();
            return Ok(Shown::name(self.written(left.span)).followed_by("=", &value));
        }
        let only = Equation {
            statement: Statement::Definition { left: left.clone(), right: right.clone(), claims: Vec::new() },
            span: equation.span,
        };
        let equations = [self.scope.relevant(right), vec![only.clone()]].concat();
        let program = resolve_statement(&equations, left).or_else(|_| resolve_statement(&[only], left))?;
        let found = program.definitions.iter().find(|definition| definition.span == equation.span);
        Ok(found.map(|definition| show::definition(&program.context, definition)).unwrap_or_default())
    }

    /// Several parts as one reading: the gravest status, and what each part adds.
    fn joined(&self, readings: Vec<Reading>, connectives: &[Connective]) -> Reading {
        let mut readings = readings.into_iter();
        let Some(mut whole) = readings.next() else {
            return self.blank(Span::default(), FormulaKind::Symbol, Status::Ok);
        };
        for (part, connective) in readings.zip(connectives) {
            let sign = match connective {
                Connective::Equivalent => r"\iff",
                Connective::Implies => r"\implies",
                Connective::Approximately => r"\approx",
            };
            whole.formula = whole.formula.followed_by(sign, &part.formula);
            if part.kind != FormulaKind::Expression {
                whole.kind = part.kind;
            }
            whole.related = part.related.or(whole.related);
            whole.take_in(part, 0);
        }
        whole
    }
}

impl Reading {
    /// Adds what was found of a part.
    fn take_in(&mut self, part: Reading, link: usize) {
        if part.status.gravity() > self.status.gravity() {
            self.status = part.status;
        }
        self.points = self.points.max(part.points);
        for condition in part.conditions {
            if !self.conditions.contains(&condition) {
                self.conditions.push(condition);
            }
        }
        self.supposed.extend(part.supposed);
        self.counterexample = self.counterexample.take().or(part.counterexample.map(|found| found.at_link(link)));
        self.diagnostics.extend(part.diagnostics);
    }
}

impl Status {
    fn gravity(self) -> u8 {
        match self {
            Status::Ok => 0,
            Status::Holds => 1,
            Status::Unchecked => 2,
            Status::False => 3,
            Status::Error => 4,
        }
    }
}

fn is_number(formula: &Formula) -> bool {
    match &formula.kind {
        Kind::Number(_) => true,
        Kind::Sum(terms) => terms.iter().all(|(_, term)| is_number(term)),
        Kind::Fraction(a, b) | Kind::Power(a, b) => is_number(a) && is_number(b),
        Kind::Group(_, inner) => is_number(inner),
        _ => false,
    }
}

/// True for a left side such as `\log x`, whose meaning no equation gives.
fn is_known_function(left: &Formula) -> bool {
    /// Functions that a letter names, which an article defines before it uses them.
    const LETTERS: [&str; 3] = ["sigmoid", "Phi", "gamma"];
    matches!(&left.kind, Kind::Apply { function, .. }
        if crate::function::Function::from_plain(function).is_some() && !LETTERS.contains(&function.as_str()))
}

/// True for `x = e^{\ln x}`: a name that stands on both sides is not defined but spoken of.
fn is_its_own_value(left: &Formula, right: &Formula) -> bool {
    matches!(&left.kind, Kind::Name { base, subscripts, superscripts, .. }
        if subscripts.is_empty() && superscripts.is_empty() && names_in(right).contains(&base.plain))
}

/// A program with the choices made in one place only.
fn chosen(mut program: Program, place: Span) -> Program {
    let here = |span: Span| place.start <= span.start && span.end <= place.end;
    program.choices.retain(|choice| choice.span.is_some_and(here));
    program
}

/// True for e and π: what an equation says of them by numbers is no definition.
fn is_constant(left: &Formula) -> bool {
    matches!(&left.kind, Kind::Name { base, subscripts, .. }
        if subscripts.is_empty() && ["e", "pi"].contains(&base.plain.as_str()))
}

/// `a = b = c`
fn equality<'f>(span: Span, mut sides: impl Iterator<Item = &'f Formula>) -> Formula {
    let Some(first) = sides.next() else { return Formula::new(Kind::Error, span) };
    let links = sides.map(|side| (Relation::Equal, side.clone())).collect();
    Formula::new(Kind::Relation(Box::new(first.clone()), links), span)
}

/// The symbols that stand in an expression and that no equation defines.
fn inputs_in(context: &Context, expr: Expr) -> Vec<Symbol> {
    context.symbols_in(expr).into_iter().filter(|symbol| !context.symbol(*symbol).defined).collect()
}

/// The sides of a resolved relation as they are printed.
fn relation_shown(program: &Program) -> Option<Shown> {
    program.stated.as_ref().map(|stated| joined_sides(&program.context, stated))
}
