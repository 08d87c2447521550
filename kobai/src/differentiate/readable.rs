//! Differentiation as on paper: rule by rule, the author's names kept, ending at the textbook form.

mod alike;

use super::deltas::kill_one;
use super::derivative_of;
use super::domain;
use super::fold::fold_definition;
use super::tidy::{apply_assumption, smallest, summed_input, sums_to_one, suppose_sums_to_one};
use crate::derivation::{Derivation, Slot, Step};
use crate::expr::{Axis, Context, Expr, Index, Node, Reduction, Symbol};
use crate::formula::{Relation, Spelling};
use crate::function::Function;
use crate::resolve::{Assumption, Definition, Program};
use crate::rewrite::simplify::simplify_sums;
use std::collections::HashMap;

/// How to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// By the rules, from the outside inwards.
    Rules,
    /// By the logarithm of the whole, which must be a product, a quotient or a power.
    Logarithmic,
}

/// Derives ∂ loss / ∂ symbol, with an index for each place of the symbol.
pub fn derive(program: &mut Program, symbol: Symbol) -> Derivation {
    derive_by(program, symbol, Method::Rules)
}

/// True if the logarithm takes the loss apart.
pub fn has_logarithmic_form(program: &Program) -> bool {
    matches!(program.context.node(program.loss), Node::Mul(_) | Node::Power(..) | Node::Reduce(Reduction::Product, ..))
}

/// Derives ∂ loss / ∂ symbol by a method.
pub fn derive_by(program: &mut Program, symbol: Symbol, method: Method) -> Derivation {
    let loss = program.loss;
    let definitions = program.definitions.clone();
    let assumptions = program.assumptions.clone();
    let divisors = program.divisors.clone();
    let context = &mut program.context;
    let conditions = domain::conditions(context, &definitions, &assumptions, &divisors, loss, symbol);
    let indices = target_indices(context, loss, symbol);
    let variable = context.entry_at(symbol, &indices);
    let mut deriver = Deriver {
        context,
        definitions: &definitions,
        variable,
        symbol,
        lemmas: HashMap::new(),
        scope: Vec::new(),
        dependence: HashMap::new(),
    };
    let target = deriver.context.derivative(loss, variable);
    let begun = (method == Method::Logarithmic).then(|| deriver.by_logarithm(target, loss));
    let (mut steps, result) = deriver.carry_out(begun.as_ref().map_or(target, |step| step.whole));
    steps.splice(0..0, begun);
    let mut derivation = Derivation {
        target,
        steps: Vec::new(),
        result,
        conditions,
        assumed: Vec::new(),
        supposed: Vec::new(),
        without_supposition: None,
    };
    finish(context, &assumptions, symbol, &mut steps, &mut derivation);
    let free = context.free_indices(target);
    debug_assert!(
        context.is_well_formed(derivation.result, &free),
        "a derivation ended with other indices than it began"
    );
    derivation.steps = steps;
    derivation
}

/// An index for each place of the symbol, with the letters that the author uses for its axes; beside free indices, as a
/// gradient has them, with the letters after the author's.
fn target_indices(context: &mut Context, differentiated: Expr, symbol: Symbol) -> Vec<Index> {
    let free = context.free_indices(differentiated);
    let mut used: Vec<String> =
        free.iter().filter_map(|&index| context.index_name(index)).map(|name| name.plain.clone()).collect();
    let beside = !used.is_empty();
    let axes = context.symbol(symbol).axes.clone();
    axes.into_iter()
        .map(|axis| {
            let letters = if beside { next_letters(context, axis) } else { context.axis(axis).letters.clone() };
            let letter = letters.into_iter().find(|letter| !used.contains(&letter.plain));
            match letter {
                Some(letter) => {
                    used.push(letter.plain.clone());
                    context.named_index(letter, axis)
                }
                None => context.fresh_index(axis),
            }
        })
        .collect()
}

/// The letters of the alphabet after the author's for an axis, without those that name a number or a size.
fn next_letters(context: &Context, axis: Axis) -> Vec<Spelling> {
    let first = context.axis(axis).letters.first().and_then(|letter| letter.plain.chars().next());
    let names = |letter: &str| {
        context.symbols.iter().any(|symbol| symbol.axes.is_empty() && symbol.name.plain == letter)
            || context.axes.iter().any(|axis| axis.size_name.plain == letter)
    };
    first
        .filter(char::is_ascii_lowercase)
        .into_iter()
        .flat_map(|first| (first..='z').skip(1))
        .map(|letter| Spelling { plain: letter.into(), latex: letter.into() })
        .filter(|letter| !names(&letter.plain))
        .collect()
}

/// The last steps: assumptions, and the form that a textbook prints.
fn finish(
    context: &mut Context,
    assumptions: &[Assumption],
    symbol: Symbol,
    steps: &mut Vec<Step>,
    derivation: &mut Derivation,
) {
    tidy_step(context, steps, derivation);
    for assumption in assumptions {
        if let Some(after) = apply_assumption(context, assumption.condition, &assumption.indices, derivation.result) {
            let mut step = Step::new("assumption", derivation.result, after, after);
            step.slots.push(("assumption", Slot::Condition(assumption.condition)));
            steps.push(step);
            derivation.assumed.push(assumption.condition);
            derivation.result = after;
            tidy_step(context, steps, derivation);
        }
    }
    while let Some((input, place)) = summed_input(context, derivation.result, symbol) {
        // An author who writes the sum out, as the size of a set, does not take it for 1.
        if suppose_sums_to_one(context, derivation.target, input, place) != derivation.target {
            break;
        }
        let condition = sums_to_one(context, input, place);
        derivation.without_supposition.get_or_insert(derivation.result);
        let after = suppose_sums_to_one(context, derivation.result, input, place);
        let mut step = Step::new("supposition", derivation.result, after, after);
        step.slots.push(("assumption", Slot::Condition(condition)));
        steps.push(step);
        derivation.supposed.push(condition);
        derivation.result = after;
        tidy_step(context, steps, derivation);
    }
}

fn tidy_step(context: &mut Context, steps: &mut Vec<Step>, derivation: &mut Derivation) {
    let after = smallest(context, derivation.result);
    if after != derivation.result {
        steps.push(Step::new("collect", derivation.result, after, after));
        derivation.result = after;
    }
}

/// The derivative of a defined symbol in general indices.
#[derive(Clone)]
struct Lemma {
    indices: Vec<Index>,
    value: Expr,
    steps: Vec<Step>,
}

struct Deriver<'a> {
    context: &'a mut Context,
    definitions: &'a [Definition],
    /// The entry that we differentiate with respect to.
    variable: Expr,
    symbol: Symbol,
    lemmas: HashMap<Symbol, Lemma>,
    /// The indices of the binders on the way to the part at hand.
    scope: Vec<Index>,
    /// Whether an expression depends on the variable, where that is known already.
    dependence: HashMap<Expr, bool>,
}

/// What one rule makes of a derivative.
struct Applied {
    rule: &'static str,
    after: Expr,
    slots: Vec<(&'static str, Slot)>,
    substeps: Vec<Step>,
}

/// A rule with the place where it was applied.
struct Fired {
    before: Expr,
    applied: Applied,
    scope: Vec<Index>,
}

impl Applied {
    fn new(rule: &'static str, after: Expr) -> Applied {
        Applied { rule, after, slots: Vec::new(), substeps: Vec::new() }
    }
}

/// A derivation that is longer than this is cut; the caller sees derivatives left over.
const MOST_STEPS: usize = 5_000;

impl Deriver<'_> {
    /// Carries out every derivative in an expression, one rule a step, then simplifies.
    fn carry_out(&mut self, start: Expr) -> (Vec<Step>, Expr) {
        let mut steps = Vec::new();
        let mut whole = start;
        for _ in 0..MOST_STEPS {
            let Some(step) = self.one_rule(whole) else { break };
            whole = step.whole;
            steps.push(step);
            if let Some(step) = steps.last().and_then(|last| self.alike(last)) {
                whole = step.whole;
                steps.push(step);
            }
        }
        while let Some(step) = kill_one(self.context, whole) {
            whole = step.whole;
            steps.push(step);
        }
        let summed = simplify_sums(self.context, whole);
        if summed != whole {
            steps.push(Step::new("simplify-sum", whole, summed, summed));
        }
        (steps, summed)
    }

    /// ∂y = y ∂ log y, with the logarithm taken apart.
    fn by_logarithm(&mut self, target: Expr, loss: Expr) -> Step {
        let log = self.log_of(loss);
        let inner = self.context.derivative(log, self.variable);
        let whole = self.context.mul(vec![loss, inner]);
        Step::new("logarithm-of-product", target, whole, whole)
    }

    /// The logarithm of products and powers as a sum.
    fn log_of(&mut self, expr: Expr) -> Expr {
        match self.context.node(expr).clone() {
            Node::Mul(factors) => {
                let terms = factors.iter().filter(|&&factor| self.context.as_number(factor).is_none());
                let terms: Vec<Expr> = terms.copied().collect();
                let terms = terms.into_iter().map(|factor| self.log_of(factor)).collect();
                self.context.add(terms)
            }
            Node::Power(base, exponent) => {
                let log = self.log_of(base);
                self.context.mul(vec![exponent, log])
            }
            Node::Call(Function::Exp, arguments) => arguments[0],
            Node::Reduce(Reduction::Product, ..) => match self.context.open(expr) {
                Some(opened) => {
                    let log = self.log_of(opened.body);
                    self.context.reduce(Reduction::Sum, opened.index, log)
                }
                None => self.context.apply(Function::Log, expr),
            },
            _ => self.context.apply(Function::Log, expr),
        }
    }

    /// Applies one rule to the first derivative found, and to its equals.
    fn one_rule(&mut self, from: Expr) -> Option<Step> {
        let outer = std::mem::take(&mut self.scope);
        let mut fired: Option<Fired> = None;
        let whole = self.replace_first(from, &mut fired);
        self.scope = outer;
        let Fired { before, applied, scope } = fired?;
        let Applied { rule, after, slots, substeps } = applied;
        Some(Step { from, scope, slots, substeps, ..Step::new(rule, before, after, whole) })
    }

    /// Goes down to the first derivative, opening binders on the way, and replaces it there.
    fn replace_first(&mut self, expr: Expr, fired: &mut Option<Fired>) -> Expr {
        if let Some(fired) = fired {
            if fired.before == expr {
                return fired.applied.after;
            }
        } else if let Node::Derivative(body, _) = *self.context.node(expr) {
            let applied = self.rule_for(body);
            let after = applied.after;
            *fired = Some(Fired { before: expr, applied, scope: self.scope.clone() });
            return after;
        }
        if !self.context.has_derivative(expr) {
            return expr;
        }
        match *self.context.node(expr) {
            Node::Reduce(reduction, ..) => match self.context.open(expr) {
                Some(opened) => {
                    self.scope.push(opened.index);
                    let body = self.replace_first(opened.body, fired);
                    self.scope.pop();
                    self.context.reduce(reduction, opened.index, body)
                }
                None => expr,
            },
            _ => {
                let children = self.context.children(expr);
                let map: HashMap<Expr, Expr> =
                    children.into_iter().map(|child| (child, self.replace_first(child, fired))).collect();
                self.context.rebuild(expr, &mut |_, part| map.get(&part).copied().unwrap_or(part))
            }
        }
    }

    fn depends(&mut self, expr: Expr) -> bool {
        if let Some(&known) = self.dependence.get(&expr) {
            return known;
        }
        let definitions = self.definitions;
        let symbols = self.context.symbols_in(expr);
        let through = |symbol: &Symbol| definitions.iter().find(|definition| definition.symbol == *symbol);
        let result = symbols.contains(&self.symbol)
            || symbols.iter().filter_map(through).any(|definition| self.depends(definition.value));
        self.dependence.insert(expr, result);
        result
    }

    /// The derivative of a part: 0 and 1 at once where nobody would ask why.
    fn derivative(&mut self, body: Expr) -> Expr {
        if self.is_plain_variable(body) {
            self.context.integer(1)
        } else if self.depends(body) {
            self.context.derivative(body, self.variable)
        } else {
            self.context.integer(0)
        }
    }

    /// True for the variable itself, if it is a number.
    fn is_plain_variable(&self, body: Expr) -> bool {
        body == self.variable && matches!(self.context.node(body), Node::Symbol(_, places) if places.is_empty())
    }

    fn rule_for(&mut self, body: Expr) -> Applied {
        if !self.depends(body) {
            return Applied::new("constant", self.context.integer(0));
        }
        match self.context.node(body).clone() {
            Node::Symbol(symbol, places) if symbol == self.symbol => self.own_entry(&places),
            Node::Symbol(symbol, places) => self.defined_entry(symbol, &places),
            Node::Add(_) | Node::Reduce(Reduction::Sum, ..) => Applied::new("linearity", self.linear(body)),
            Node::Mul(factors) => self.product(body, &factors),
            Node::Power(base, exponent) => self.power(body, base, exponent),
            Node::Call(function, arguments) => self.call(body, function, &arguments),
            Node::Select(condition, then, otherwise) => {
                let (then, otherwise) = (self.derivative(then), self.derivative(otherwise));
                Applied::new("cases", self.context.select(condition, then, otherwise))
            }
            Node::Reduce(reduction, ..) => self.reduction(body, reduction),
            _ => Applied::new("constant", self.context.integer(0)),
        }
    }

    /// ∂z_ik/∂z_ab = δ_ia δ_kb
    fn own_entry(&mut self, places: &[Expr]) -> Applied {
        let Node::Symbol(_, own) = self.context.node(self.variable).clone() else {
            return Applied::new("variable", self.context.integer(1));
        };
        let deltas: Vec<Expr> =
            places.iter().zip(own.iter()).map(|(&place, &target)| self.context.delta(place, target)).collect();
        let rule = if deltas.is_empty() { "variable" } else { "kronecker" };
        Applied::new(rule, self.context.mul(deltas))
    }

    /// A defined name: its derivative is found once, in general indices, and put in here.
    fn defined_entry(&mut self, symbol: Symbol, places: &[Expr]) -> Applied {
        let known = self.lemmas.contains_key(&symbol);
        let Some(lemma) = self.lemma(symbol) else { return Applied::new("constant", self.context.integer(0)) };
        let map = lemma.indices.iter().zip(places).map(|(&index, &place)| (self.context.index(index), place)).collect();
        let after = self.context.substitute(lemma.value, &map);
        let mut applied = Applied::new(if known { "known-derivative" } else { "definition" }, after);
        applied.slots.push(("name", Slot::Name(symbol)));
        if !known {
            applied.substeps = lemma.steps;
        }
        applied
    }

    fn lemma(&mut self, symbol: Symbol) -> Option<Lemma> {
        if let Some(known) = self.lemmas.get(&symbol) {
            return Some(known.clone());
        }
        let definition = self.definitions.iter().find(|definition| definition.symbol == symbol)?.clone();
        let mut steps = Vec::new();
        let value = self.recognise(&definition, &mut steps);
        let start = self.context.derivative(value, self.variable);
        let (derived, mut result) = self.carry_out(start);
        steps.extend(derived);
        if let Some(folded) = fold_definition(self.context, &definition, value, result) {
            let mut step = Step::new("fold", result, folded, folded);
            step.slots.push(("name", Slot::Name(symbol)));
            steps.push(step);
            result = folded;
        }
        let tidy = smallest(self.context, result);
        if tidy != result {
            steps.push(Step::new("collect", result, tidy, tidy));
            result = tidy;
        }
        let lemma = Lemma { indices: definition.indices, value: result, steps };
        self.lemmas.insert(symbol, lemma.clone());
        Some(lemma)
    }

    /// 1/(1 + e^{−z}) is the logistic function, whose derivative has a short form.
    fn recognise(&mut self, definition: &Definition, steps: &mut Vec<Step>) -> Expr {
        let value = super::fold::recognise_sigmoid(self.context, definition.value);
        if value != definition.value {
            steps.push(Step::new("recognise-sigmoid", definition.value, value, value));
        }
        value
    }

    /// Moves the derivative through sums, Σ and constant factors, all at once.
    fn linear(&mut self, body: Expr) -> Expr {
        if !self.depends(body) {
            return self.context.integer(0);
        }
        match self.context.node(body).clone() {
            Node::Add(terms) => {
                let terms = terms.iter().map(|&term| self.linear(term)).collect();
                self.context.add(terms)
            }
            Node::Reduce(Reduction::Sum, ..) => match self.context.open(body) {
                Some(opened) => {
                    let inner = self.linear(opened.body);
                    self.context.reduce(Reduction::Sum, opened.index, inner)
                }
                None => body,
            },
            Node::Mul(factors) => {
                let (with, mut without): (Vec<Expr>, Vec<Expr>) =
                    factors.iter().partition(|&&factor| self.depends(factor));
                if let [only] = with[..] {
                    without.push(self.linear(only));
                    return self.context.mul(without);
                }
                let with = self.context.mul(with);
                without.push(self.derivative(with));
                self.context.mul(without)
            }
            _ => self.derivative(body),
        }
    }

    fn product(&mut self, body: Expr, factors: &[Expr]) -> Applied {
        let with: Vec<Expr> = factors.iter().copied().filter(|&factor| self.depends(factor)).collect();
        if with.len() < factors.len() || with.len() == 1 {
            let sum = with.len() == 1
                && matches!(self.context.node(with[0]), Node::Add(_) | Node::Reduce(Reduction::Sum, ..));
            return Applied::new(if sum { "linearity" } else { "constant-factor" }, self.linear(body));
        }
        let (below, above): (Vec<Expr>, Vec<Expr>) = with.iter().partition(|&&factor| self.is_below(factor));
        if !below.is_empty() && !above.is_empty() {
            return self.quotient(&above, &below);
        }
        let terms = (0..with.len())
            .map(|place| {
                let mut others = with.clone();
                others[place] = self.derivative(with[place]);
                self.context.mul(others)
            })
            .collect();
        Applied::new("product-rule", self.context.add(terms))
    }

    fn is_below(&self, factor: Expr) -> bool {
        use num_traits::Signed;
        matches!(*self.context.node(factor), Node::Power(_, exponent) if self.context.as_number(exponent).is_some_and(Signed::is_negative))
    }

    /// (u/v)′ = (u′v − uv′)/v²
    fn quotient(&mut self, above: &[Expr], below: &[Expr]) -> Applied {
        let u = self.context.mul(above.to_vec());
        let v = self.context.mul(below.to_vec());
        let v = self.context.reciprocal(v);
        let (du, dv) = (self.derivative(u), self.derivative(v));
        let (first, second) = (self.context.mul(vec![du, v]), self.context.mul(vec![u, dv]));
        let numerator = self.context.subtract(first, second);
        let minus_two = self.context.integer(-2);
        let square = self.context.power(v, minus_two);
        let mut applied = Applied::new("quotient-rule", self.context.mul(vec![numerator, square]));
        applied.slots = vec![("u", Slot::Formula(u)), ("v", Slot::Formula(v))];
        applied
    }

    fn power(&mut self, body: Expr, base: Expr, exponent: Expr) -> Applied {
        let (base_depends, exponent_depends) = (self.depends(base), self.depends(exponent));
        let log = self.context.apply(Function::Log, base);
        if base_depends && exponent_depends {
            let inner = self.context.mul(vec![exponent, log]);
            let inner = self.derivative(inner);
            return Applied::new("logarithmic-differentiation", self.context.mul(vec![body, inner]));
        }
        if exponent_depends {
            let inner = self.derivative(exponent);
            return Applied::new("exponential-rule", self.context.mul(vec![body, log, inner]));
        }
        let one = self.context.integer(1);
        let less = self.context.subtract(exponent, one);
        let lowered = self.context.power(base, less);
        let inner = self.derivative(base);
        let rule = if self.context.is_integer(exponent, -1) { "reciprocal-rule" } else { "power-rule" };
        Applied::new(rule, self.context.mul(vec![exponent, lowered, inner]))
    }

    /// f(u)′ = f′(u) u′, by the function's row.
    fn call(&mut self, body: Expr, function: Function, arguments: &[Expr]) -> Applied {
        let mut terms = Vec::new();
        for (place, &argument) in arguments.iter().enumerate() {
            if !self.depends(argument) {
                continue;
            }
            let Some(mut derivative) = derivative_of(self.context, function, place, arguments) else { continue };
            if function == Function::Sigmoid {
                let one = self.context.integer(1);
                let complement = self.context.subtract(one, body);
                derivative = self.context.mul(vec![body, complement]);
            }
            let inner = self.derivative(argument);
            terms.push(self.context.mul(vec![derivative, inner]));
        }
        let after = self.context.add(terms);
        let Some((&last, others)) = arguments.split_last() else { return Applied::new("constant", after) };
        if function == Function::LogBase && others.iter().any(|&base| self.depends(base)) {
            if !self.depends(last) {
                return Applied::new("base-of-logarithm", after);
            }
            let natural = |context: &mut Context, of: Expr| context.apply(Function::Log, of);
            let (above, below) = (natural(self.context, last), natural(self.context, others[0]));
            let quotient = self.context.divide(above, below);
            return Applied::new("change-of-base", self.derivative(quotient));
        }
        let is_gamma =
            function == Function::Exp && matches!(self.context.node(last), Node::Call(Function::LogGamma, _));
        let mut applied = match is_gamma {
            true => Applied::new("gamma-function", after),
            false => Applied::new(function.row().plain, after),
        };
        // Without an inside that is more than the variable there is no chain.
        if !self.is_plain_variable(last) {
            applied.slots.push(("u", Slot::Formula(last)));
        }
        applied
    }

    fn reduction(&mut self, body: Expr, reduction: Reduction) -> Applied {
        let Some(opened) = self.context.open(body) else { return Applied::new("constant", body) };
        let inner = self.derivative(opened.body);
        let (rule, weight) = match reduction {
            Reduction::LogSumExp => {
                let difference = self.context.subtract(opened.body, body);
                ("lse", self.context.apply(Function::Exp, difference))
            }
            Reduction::Product => {
                let inverse = self.context.reciprocal(opened.body);
                ("logarithmic-differentiation", self.context.mul(vec![body, inverse]))
            }
            _ => ("extremum", self.context.compare(Relation::Equal, opened.body, body)),
        };
        let term = self.context.mul(vec![weight, inner]);
        Applied::new(rule, self.context.reduce(Reduction::Sum, opened.index, term))
    }
}
