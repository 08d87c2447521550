//! From formulas to a [`Program`]: what every name is, what every index runs over, what is defined and what is given.

mod axes;
mod choice;
mod condition;
mod demand;
mod derivative;
mod equation;
mod expression;
mod finish;
mod name;
mod product;
mod reduce;
pub mod statement;
mod tensor;
mod whole;

pub use choice::{Choice, ChoiceValue};

use crate::expr::{Axis, Context, Expr, Index, Symbol};
use crate::formula::{Formula, Spelling};
use crate::parse::Parsed;
use crate::source::{Diagnostic, Span};
use demand::Ranks;
use std::collections::{BTreeMap, HashMap, HashSet};
use tensor::Tensor;

/// What is known of the inputs before the formula is read: by name in plain text. May be empty.
pub type InputKinds = BTreeMap<String, InputKind>;

/// The rank and kind of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputKind {
    /// How many axes.
    pub rank: usize,
    /// True for integer tensors.
    pub integer: bool,
}

/// `symbol[indices] = value`, for all values of the indices.
#[derive(Clone, Debug)]
pub struct Definition {
    /// What is defined.
    pub symbol: Symbol,
    /// Its free indices, one for each place.
    pub indices: Vec<Index>,
    /// Its value, with these indices free.
    pub value: Expr,
    /// Where the equation stands.
    pub span: Span,
}

/// A condition that the text states.
#[derive(Clone, Debug)]
pub struct Assumption {
    /// 1 where it holds.
    pub condition: Expr,
    /// The free indices, for all values of which it is stated.
    pub indices: Vec<Index>,
    /// Where it stands.
    pub span: Span,
}

/// A resolved text: definitions in an order in which each needs only earlier ones, and the loss.
#[derive(Clone)]
pub struct Program {
    /// The table that all expressions of the program live in.
    pub context: Context,
    /// The definitions, those of the loss and of what it does not need included.
    pub definitions: Vec<Definition>,
    /// The loss; it may mention defined symbols.
    pub loss: Expr,
    /// The loss's name.
    pub loss_name: Option<Spelling>,
    /// Free indices of the loss, if it is no scalar.
    pub loss_indices: Vec<Index>,
    /// The names under `\min`.
    pub parameters: Vec<Symbol>,
    /// The conditions stated.
    pub assumptions: Vec<Assumption>,
    /// Further forms of a definition: symbol, its indices and the form claimed equal.
    pub claims: Vec<Definition>,
    /// The sides of the relation that was asked for by [`statement::resolve_statement`].
    pub stated: Option<statement::Stated>,
    /// What is divided by, also where it cancels: (x − 1)²/(x − 1) has no value at 1.
    pub divisors: Vec<Expr>,
    /// Where each symbol stands first.
    pub places: HashMap<Symbol, Span>,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
    /// Readings that were chosen among several.
    pub choices: Vec<Choice>,
}

impl Program {
    /// Adds to errors about data the place in the text of the symbol that they name.
    pub fn located(&self, diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
        diagnostics.into_iter().map(|diagnostic| self.with_place(diagnostic)).collect()
    }

    fn with_place(&self, mut diagnostic: Diagnostic) -> Diagnostic {
        let named = |slot: &str| {
            let (_, name) = diagnostic.slots.iter().find(|(known, _)| *known == slot)?;
            let place =
                |(symbol, span): (&Symbol, &Span)| (self.context.symbol(*symbol).name.plain == *name).then_some(*span);
            self.places.iter().find_map(place)
        };
        let (place, related) = (named("name").or_else(|| named("second_name")), named("first_name"));
        diagnostic.span = diagnostic.span.or(place);
        diagnostic.related = diagnostic.related.or(related);
        diagnostic
    }
}

/// Resolves what the parser read.
///
/// # Errors
/// The parser's errors and those of this stage, in the order of their places.
pub fn resolve(parsed: &Parsed, inputs: &InputKinds) -> Result<Program, Vec<Diagnostic>> {
    in_rounds(inputs, &parsed.diagnostics, |resolver| {
        resolver.collect(&parsed.equations);
        resolver.equations(&parsed.equations);
    })
}

/// Resolves anew with what was found out of ranks, until nothing more is found.
fn in_rounds(
    inputs: &InputKinds,
    diagnostics: &[Diagnostic],
    round: impl Fn(&mut Resolver),
) -> Result<Program, Vec<Diagnostic>> {
    let mut ranks = Ranks::default();
    for _ in 0..MOST_ROUNDS {
        let mut resolver = Resolver::new(inputs, diagnostics.to_vec(), ranks);
        round(&mut resolver);
        match resolver.better_ranks() {
            Some(better) => ranks = better,
            None => return resolver.finish(),
        }
    }
    Err(vec![Diagnostic::error("ranks-not-settled", Span::default())])
}

/// Each round settles the rank of at least one more name; more rounds than these no text of a person takes.
const MOST_ROUNDS: usize = 100;

/// A name in scope.
#[derive(Clone)]
enum Local {
    /// An index: its variable, and the number that its first place counts as.
    Index { index: Index, first: i64 },
    /// A parameter of a function definition.
    Value(Tensor),
}

impl Local {
    fn rank(&self) -> usize {
        match self {
            Local::Index { .. } => 0,
            Local::Value(value) => value.rank(),
        }
    }
}

#[derive(Clone)]
struct FunctionDefinition {
    parameters: Vec<String>,
    body: Formula,
}

struct RawDefinition {
    symbol: Symbol,
    indices: Vec<Index>,
    value: Expr,
    span: Span,
}

/// The state of a resolution.
struct Resolver<'a> {
    context: Context,
    inputs: &'a InputKinds,
    diagnostics: Vec<Diagnostic>,
    /// Provisional axes joined so far.
    parents: Vec<u32>,
    /// The axis whose size an upper bound names.
    sizes: HashMap<String, Axis>,
    /// Names that stand over a big operator anywhere.
    size_names: HashMap<String, (Spelling, Span)>,
    /// Letters seen for each provisional axis.
    letters: Vec<(Axis, Spelling, Span)>,
    /// Axes of tensors that are read beside the place of an index, as in `u_{i-1}`, and the axis of that index.
    neighbours: Vec<(Axis, Axis, Span)>,
    /// Symbols by plain name and rank.
    symbols: HashMap<(String, usize), Symbol>,
    symbol_spans: HashMap<Symbol, Span>,
    /// Names defined, with the number of their indices.
    defined: HashMap<(String, usize), Symbol>,
    /// Ranks that a name is written with.
    ranks: HashSet<(String, usize)>,
    functions: HashMap<String, FunctionDefinition>,
    scope: Vec<(String, Local)>,
    depth: usize,
    definitions: Vec<RawDefinition>,
    claims: Vec<RawDefinition>,
    assumptions: Vec<Assumption>,
    /// What names sets, as in `p \in P(i)`.
    sets: HashSet<Symbol>,
    divisors: Vec<Expr>,
    loss: Option<equation::Loss>,
    parameters: Vec<(Spelling, Span)>,
    /// What the rounds before found out of ranks, and what this one adds.
    ranks_before: Ranks,
    found: Ranks,
    /// True where a derivative may stand in a formula.
    derivatives: bool,
    limits: Vec<statement::Limit>,
    stated: Option<statement::Stated>,
    choices: Vec<Choice>,
    /// Sizes that stand below the line of a mean, by the place of the index that they belong to.
    means: HashMap<Span, Spelling>,
    /// Inputs that are written with fewer indices than their data have axes.
    short_of_indices: Vec<(Spelling, usize, Span)>,
    /// Ranks that are likely, where nothing better comes up.
    guessed: HashMap<String, usize>,
}

impl<'a> Resolver<'a> {
    fn new(inputs: &'a InputKinds, diagnostics: Vec<Diagnostic>, ranks: Ranks) -> Resolver<'a> {
        Resolver {
            context: Context::new(),
            inputs,
            diagnostics,
            parents: Vec::new(),
            sizes: HashMap::new(),
            size_names: HashMap::new(),
            letters: Vec::new(),
            neighbours: Vec::new(),
            symbols: HashMap::new(),
            symbol_spans: HashMap::new(),
            defined: HashMap::new(),
            ranks: HashSet::new(),
            functions: HashMap::new(),
            scope: Vec::new(),
            depth: 0,
            definitions: Vec::new(),
            claims: Vec::new(),
            assumptions: Vec::new(),
            sets: HashSet::new(),
            divisors: Vec::new(),
            loss: None,
            parameters: Vec::new(),
            found: ranks.clone(),
            ranks_before: ranks,
            derivatives: false,
            limits: Vec::new(),
            stated: None,
            guessed: HashMap::new(),
            choices: Vec::new(),
            means: HashMap::new(),
            short_of_indices: Vec::new(),
        }
    }

    /// What this round found out of ranks, if it is more than was known: then everything has to be resolved once more.
    fn better_ranks(&self) -> Option<Ranks> {
        self.ranks_before.better(&self.found, &self.guessed)
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        if !self.diagnostics.contains(&diagnostic) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Reports and stands in with a number, so that the resolution goes on.
    fn fail(&mut self, diagnostic: Diagnostic) -> Expr {
        self.report(diagnostic);
        self.context.integer(1)
    }

    fn lookup(&self, name: &str) -> Option<&Local> {
        self.scope.iter().rev().find(|(known, _)| known == name).map(|(_, local)| local)
    }
}
