//! Equations: definitions, objectives, assumptions; which of them is the loss.

use super::tensor::Tensor;
use super::{ChoiceValue, FunctionDefinition, Local, RawDefinition, Resolver};
use crate::expr::{Expr, Index};
use crate::formula::{BigOperator, Binding, Equation, Formula, Join, Kind, Relation, ScriptPart, Spelling, Statement};
use crate::source::{Diagnostic, Span};

/// The loss as found so far.
pub(super) struct Loss {
    pub value: Expr,
    pub name: Option<Spelling>,
    pub indices: Vec<Index>,
    /// Objectives come before losses by name, these before the last scalar definition.
    pub precedence: u8,
}

/// Names that a loss goes by.
pub(super) const LOSS_NAMES: [&str; 5] = ["L", "J", "ell", "loss", "E"];

impl Resolver<'_> {
    /// Notes what the equations define and which names stand over big operators, before anything is resolved.
    pub(super) fn collect(&mut self, equations: &[Equation]) {
        for equation in equations {
            for_each_formula(&equation.statement, &mut |formula| self.collect_sizes(formula));
        }
        for equation in equations {
            let Statement::Definition { left, right, .. } = &equation.statement else { continue };
            match &left.kind {
                Kind::Apply { function, arguments, .. } => self.collect_function(left, function, arguments, right),
                Kind::Name { .. } => self.collect_definition(left, right, equations),
                _ => self.report(Diagnostic::error("left-side-not-a-name", left.span)),
            }
        }
        for equation in equations {
            for_each_formula(&equation.statement, &mut |formula| self.collect_mean(formula));
        }
    }

    /// The N of `\frac{1}{N} \sum_i` without an upper bound is the size of the axis of i, unless it is anything else.
    fn collect_mean(&mut self, formula: &Formula) {
        let Some((size, binding)) = mean(formula) else { return };
        let known = self.size_names.contains_key(&size.plain)
            || self.inputs.contains_key(&size.plain)
            || self.defined.keys().any(|(name, _)| *name == size.plain);
        let letter = binding.index.plain.to_uppercase() == size.plain.to_uppercase();
        if !known && (letter || SAMPLE_SIZES.contains(&size.plain.as_str())) {
            self.choose(
                "size-of-mean",
                binding.span,
                vec![("size", ChoiceValue::Name(size.clone())), ("index", ChoiceValue::Name(binding.index.clone()))],
            );
            self.means.insert(binding.span, size);
        }
    }

    fn collect_sizes(&mut self, formula: &Formula) {
        if let Kind::Name { base, subscripts, .. } = &formula.kind
            && let ("1", [size]) = (base.plain.as_str(), &subscripts[..])
            && let Some(name) = super::reduce::size_name(&size.formula)
        {
            self.size_names.entry(name.plain.clone()).or_insert((name, size.formula.span));
        }
        if let Kind::Reduce { bindings, .. } = &formula.kind {
            let sets = bindings.iter().filter_map(|binding| binding.set.as_ref());
            self.ranks.extend(sets.map(|(set, arguments)| (set.plain.clone(), arguments.len() + 1)));
            for upper in bindings.iter().filter_map(|binding| binding.upper.as_ref()) {
                let name = super::reduce::size_name(upper).or_else(|| super::reduce::size_minus_one(upper));
                if let Some(name) = name {
                    self.size_names.entry(name.plain.clone()).or_insert((name, upper.span));
                }
            }
        }
    }

    fn collect_function(&mut self, left: &Formula, function: &str, arguments: &[Formula], right: &Formula) {
        let parameters: Option<Vec<String>> =
            arguments.iter().map(|argument| super::reduce::size_name(argument).map(|name| name.plain)).collect();
        let Some(parameters) = parameters else {
            self.report(Diagnostic::error("parameter-not-a-name", left.span));
            return;
        };
        let definition = FunctionDefinition { parameters, body: right.clone() };
        if self.functions.insert(function.to_owned(), definition).is_some() {
            self.report(Diagnostic::error("defined-twice", left.span).with("name", function));
        }
    }

    fn collect_definition(&mut self, left: &Formula, right: &Formula, equations: &[Equation]) {
        let (name, letters) = left_side(left, right, equations);
        let key = (name.plain.clone(), letters.len());
        if self.defined.contains_key(&key) {
            let mut error = Diagnostic::error("defined-twice", left.span).with("name", &name.plain);
            error.related = self.defined.get(&key).and_then(|first| self.symbol_spans.get(first)).copied();
            self.report(error);
            return;
        }
        if self.defined.keys().any(|(other, _)| *other == name.plain) {
            self.report(Diagnostic::warning("name-of-two-things", left.span).with("name", &name.plain));
        }
        if letters.is_empty()
            && let Some((_, size)) = self.size_names.get(&name.plain)
        {
            let error = Diagnostic::error("size-and-definition", left.span).related(*size);
            self.report(error.with("name", &name.plain));
        }
        let further = self.ranks_before.definitions.get(&key).copied().unwrap_or(0);
        let symbol = self.symbol(&name, letters.len() + further, left.span);
        if self.context.symbol(symbol).defined {
            // A whole vector p and its entries p_k are one thing.
            let mut error = Diagnostic::error("defined-twice", left.span).with("name", &name.plain);
            error.related = self.symbol_spans.get(&symbol).copied();
            self.report(error);
            return;
        }
        self.context.symbols[symbol.0 as usize].defined = true;
        self.defined.insert(key.clone(), symbol);
        if !letters.is_empty() {
            self.ranks.insert(key);
        }
    }

    /// Resolves every equation; conditions last, when it is known which names have indices.
    pub(super) fn equations(&mut self, equations: &[Equation]) {
        let (conditions, others): (Vec<&Equation>, Vec<&Equation>) =
            equations.iter().partition(|equation| matches!(equation.statement, Statement::Assumption(_)));
        for equation in others.into_iter().chain(conditions) {
            self.scope.clear();
            match &equation.statement {
                Statement::Definition { left, right, claims } => {
                    self.definition(left, right, claims, equations, equation.span);
                }
                Statement::Objective { parameters, maximise, name, body } => {
                    self.objective(parameters, *maximise, name.as_ref(), body);
                }
                Statement::Assumption(condition) => self.assumption(condition, equation.span),
                Statement::Expression(body) => {
                    let tensor = self.tensor(body);
                    if !self.short_of_indices.is_empty() {
                        self.check_loss(&tensor, body.span);
                    }
                    self.offer_loss(Loss { value: tensor.value, name: None, indices: tensor.axes, precedence: 2 });
                }
            }
        }
    }

    fn definition(&mut self, left: &Formula, right: &Formula, claims: &[Formula], equations: &[Equation], span: Span) {
        if let Kind::Apply { function, arguments, .. } = &left.kind {
            self.function_as_loss(function, arguments, right);
            return;
        }
        let (name, letters) = left_side(left, right, equations);
        let Some(&symbol) = self.defined.get(&(name.plain.clone(), letters.len())) else { return };
        let bound = self.bind_letters(&letters, Some(symbol));
        let tensor = self.tensor(right);
        let demanded = self.ranks_before.demanded.get(&(name.plain.clone(), letters.len())).copied();
        if let Some(rank) = demanded.filter(|_| tensor.rank() == 0) {
            self.demand(right, rank);
        }
        let named = LOSS_NAMES.contains(&name.plain.as_str());
        if named && letters.is_empty() {
            self.check_loss(&tensor, span);
        }
        let (value, indices) = self.define(symbol, &name, &bound, tensor, right.span);
        self.definitions.push(RawDefinition { symbol, indices: indices.clone(), value, span });
        for claim in claims {
            let tensor = self.tensor(claim);
            let (value, indices) = self.define(symbol, &name, &bound, tensor, claim.span);
            self.claims.push(RawDefinition { symbol, indices, value, span: claim.span });
        }
        if indices.is_empty() {
            let own = self.context.entry(symbol, Vec::new());
            let loss = Loss { value: own, name: Some(name), indices, precedence: if named { 3 } else { 1 } };
            self.offer_loss(loss);
        }
    }

    /// A definition's value with its indices: those written on the left, then the open axes. Axes that were not known
    /// before are noted for the next round.
    fn define(
        &mut self,
        symbol: crate::expr::Symbol,
        name: &Spelling,
        bound: &[Index],
        tensor: Tensor,
        span: Span,
    ) -> (Expr, Vec<Index>) {
        let axes = self.context.symbol(symbol).axes.clone();
        if axes.len() != bound.len() + tensor.rank() {
            self.found.definitions.insert((name.plain.clone(), bound.len()), tensor.rank());
            let open = tensor.axes.iter().map(|index| index.axis);
            self.context.symbols[symbol.0 as usize].axes = axes[..bound.len()].iter().copied().chain(open).collect();
        }
        let indices = [bound, &tensor.axes].concat();
        for (&axis, index) in axes.iter().zip(&indices) {
            self.join(axis, index.axis, span);
        }
        (tensor.value, indices)
    }

    /// `\mathcal{L}(\theta) = …` is a loss written with its variables; any other function waits to be applied.
    fn function_as_loss(&mut self, function: &str, arguments: &[Formula], right: &Formula) {
        if LOSS_NAMES.contains(&function) {
            let value = self.expression(right);
            let name = Spelling { plain: function.to_owned(), latex: function.to_owned() };
            self.parameters = arguments
                .iter()
                .filter_map(|argument| Some((super::reduce::size_name(argument)?, argument.span)))
                .collect();
            self.offer_loss(Loss { value, name: Some(name), indices: Vec::new(), precedence: 3 });
        }
    }

    /// The free indices of a left side, in scope and joined with the axes of the symbol.
    pub(super) fn bind_letters(
        &mut self,
        letters: &[(Spelling, Span)],
        symbol: Option<crate::expr::Symbol>,
    ) -> Vec<Index> {
        let mut indices = Vec::new();
        for (place, (letter, span)) in letters.iter().enumerate() {
            let axis = match symbol {
                Some(symbol) => self.context.symbol(symbol).axes[place],
                None => self.new_axis(),
            };
            let index = self.context.named_index(letter.clone(), axis);
            self.note_letter(axis, letter, *span);
            self.scope.push((letter.plain.clone(), Local::Index { index, first: 1 }));
            indices.push(index);
        }
        indices
    }

    fn objective(&mut self, parameters: &[Formula], maximise: bool, name: Option<&Formula>, body: &Formula) {
        self.parameters =
            parameters.iter().filter_map(|name| Some((super::reduce::size_name(name)?, name.span))).collect();
        let tensor = self.tensor(body);
        self.check_loss(&tensor, body.span);
        let value = tensor.value;
        let value = if maximise { self.context.negate(value) } else { value };
        let name = name.and_then(super::reduce::size_name);
        self.offer_loss(Loss { value, name, indices: Vec::new(), precedence: 4 });
    }

    /// A loss is a number. If it is none since a name lacks an index that its data have, it is the name that is at fault.
    fn check_loss(&mut self, tensor: &Tensor, span: Span) {
        if tensor.rank() == 0 {
            return;
        }
        let error = match self.short_of_indices.first() {
            Some((name, written, place)) => {
                let rank = self.input_rank(name, *written);
                let error = Diagnostic::error("rank-mismatch", *place).with("name", &name.plain);
                error.with("written", written.to_string()).with("given", rank.to_string())
            }
            None => Diagnostic::error("loss-not-a-number", span).with("axes", tensor.rank().to_string()),
        };
        self.report(error);
    }

    fn offer_loss(&mut self, loss: Loss) {
        if self.loss.as_ref().is_none_or(|known| loss.precedence >= known.precedence) {
            self.loss = Some(loss);
        }
    }

    /// A stated condition: letters in it that nothing binds range over everything.
    fn assumption(&mut self, condition: &Formula, span: Span) {
        let mut letters: Vec<(Spelling, Span)> = Vec::new();
        for_each_part(condition, &mut |part| {
            if let Kind::Name { base, subscripts, superscripts, .. } = &part.kind {
                let known = self.ranks.iter().any(|(name, _)| name == &base.plain)
                    || self.inputs.get(&base.plain).is_some_and(|kind| kind.rank > 0);
                let scripts = subscripts.iter().chain(superscripts);
                let found: Vec<_> =
                    scripts.filter_map(|part| super::name::letters_of(&part.formula)).flatten().collect();
                let written = self.symbols.contains_key(&(base.plain.clone(), found.len()));
                if known || written {
                    letters.extend(found);
                }
            }
        });
        letters.retain(|(letter, _)| super::expression::index_use(condition, &letter.plain).is_some());
        letters.dedup_by(|a, b| a.0 == b.0);
        let mut seen = std::collections::HashSet::new();
        letters.retain(|(letter, _)| seen.insert(letter.plain.clone()));
        let indices = self.bind_letters(&letters, None);
        let condition = self.condition(condition);
        let indices = [indices, condition.axes].concat();
        self.assumptions.push(super::Assumption { condition: condition.value, indices, span });
    }
}

/// Letters that the number of samples goes by.
const SAMPLE_SIZES: [&str; 5] = ["N", "n", "M", "m", "B"];

/// The name that a sum over a whole axis is divided by, and what the sum binds: in `\frac{1}{N} \sum_i …`, `1/N sum(i) …`,
/// `\frac{\sum_i …}{N}`.
fn mean(formula: &Formula) -> Option<(Spelling, &Binding)> {
    let (divisors, sum): (Vec<&Formula>, &Formula) = match &formula.kind {
        Kind::Product(factors) => {
            let ((_, last), before) = factors.split_last()?;
            let divisors = before.iter().filter_map(|(join, factor)| match &factor.kind {
                Kind::Fraction(_, divisor) => Some(divisor.as_ref()),
                _ => (*join == Join::Divide).then_some(factor),
            });
            (divisors.collect(), last)
        }
        Kind::Fraction(sum, divisor) => (vec![divisor], sum),
        _ => return None,
    };
    let Kind::Reduce { operator: BigOperator::Sum, bindings, conditions, .. } = &sum.kind else { return None };
    let [binding] = &bindings[..] else { return None };
    let whole = binding.upper.is_none() && binding.lower.is_none() && binding.set.is_none() && conditions.is_empty();
    let mut names = divisors.into_iter().flat_map(names_of_product);
    match (names.next(), names.next()) {
        (Some(size), None) if whole => Some((size?, binding)),
        _ => None,
    }
}

/// The names in a product, without its numbers; `None` for a factor that is neither.
fn names_of_product(formula: &Formula) -> Vec<Option<Spelling>> {
    match &formula.kind {
        Kind::Number(_) => Vec::new(),
        Kind::Product(factors) => factors.iter().flat_map(|(_, factor)| names_of_product(factor)).collect(),
        Kind::Group(_, inner) => names_of_product(inner),
        _ => vec![super::reduce::size_name(formula)],
    }
}

/// The name on the left and its index letters: a letter is an index if the right side uses it as one, or if another
/// equation writes the name with bound letters in its place.
fn left_side(left: &Formula, right: &Formula, equations: &[Equation]) -> (Spelling, Vec<(Spelling, Span)>) {
    let Kind::Name { base, subscripts, superscripts, .. } = &left.kind else {
        return (Spelling { plain: String::new(), latex: String::new() }, Vec::new());
    };
    let mut name = base.clone();
    let mut letters = Vec::new();
    for part in subscripts.iter().chain(superscripts) {
        match super::name::letters_of(&part.formula) {
            Some(found) if part_is_indices(&found, right, base, equations) => letters.extend(found),
            _ => name = super::name::with_word(&name, &part.spelling),
        }
    }
    (name, letters)
}

fn part_is_indices(letters: &[(Spelling, Span)], right: &Formula, base: &Spelling, equations: &[Equation]) -> bool {
    let used = |letter: &Spelling| {
        super::expression::index_use(right, &letter.plain).is_some() || mentions_name(right, &letter.plain)
    };
    letters.iter().any(|(letter, _)| used(letter))
        || equations.iter().any(|equation| used_under_operator(equation, base, letters.len()))
}

fn mentions_name(formula: &Formula, letter: &str) -> bool {
    let mut found = false;
    for_each_part(formula, &mut |part| {
        if let Kind::Name { base, subscripts, .. } = &part.kind {
            found |= subscripts.is_empty() && base.plain == letter;
        }
    });
    found
}

/// True if some operator's body writes the name with a letter that the operator binds.
fn used_under_operator(equation: &Equation, base: &Spelling, count: usize) -> bool {
    let mut found = false;
    for_each_formula(&equation.statement, &mut |formula| {
        if let Kind::Reduce { bindings, body, .. } = &formula.kind {
            for_each_part(body, &mut |part| {
                if let Kind::Name { base: other, subscripts, superscripts, .. } = &part.kind
                    && other == base
                {
                    let letters = script_letters(subscripts.iter().chain(superscripts));
                    let bound = |letter: &Spelling| bindings.iter().any(|binding| binding.index == *letter);
                    found |= letters.len() == count && letters.iter().any(|(letter, _)| bound(letter));
                }
            });
        }
    });
    found
}

fn script_letters<'f>(parts: impl Iterator<Item = &'f ScriptPart>) -> Vec<(Spelling, Span)> {
    parts.filter_map(|part| super::name::letters_of(&part.formula)).flatten().collect()
}

/// Visits each formula of a statement, and all its parts.
pub(super) fn for_each_formula(statement: &Statement, visit: &mut dyn FnMut(&Formula)) {
    match statement {
        Statement::Definition { left, right, claims } => {
            for formula in [left, right].into_iter().chain(claims) {
                for_each_part(formula, visit);
            }
        }
        Statement::Objective { body, .. } => for_each_part(body, visit),
        Statement::Assumption(formula) | Statement::Expression(formula) => for_each_part(formula, visit),
    }
}

/// Visits a formula and its parts, scripts included.
pub(super) fn for_each_part(formula: &Formula, visit: &mut dyn FnMut(&Formula)) {
    visit(formula);
    for part in parts(formula) {
        for_each_part(part, visit);
    }
}

fn parts(formula: &Formula) -> Vec<&Formula> {
    match &formula.kind {
        Kind::Number(_) | Kind::Infinity | Kind::Text(_) | Kind::Error => Vec::new(),
        Kind::Name { subscripts, superscripts, .. } => {
            subscripts.iter().chain(superscripts).map(|part| &part.formula).collect()
        }
        Kind::Group(_, inner)
        | Kind::Absolute(inner)
        | Kind::Indicator(inner)
        | Kind::Transpose(inner)
        | Kind::Factorial(inner) => {
            vec![inner]
        }
        Kind::Sum(terms) => terms.iter().map(|(_, term)| term).collect(),
        Kind::Product(factors) => factors.iter().map(|(_, factor)| factor).collect(),
        Kind::Power(a, b) | Kind::Fraction(a, b) | Kind::Delta(a, b) | Kind::Inner(a, b) => vec![a, b],
        Kind::Component(inner, parts) => {
            std::iter::once(inner.as_ref()).chain(parts.iter().map(|part| &part.formula)).collect()
        }
        Kind::Root(degree, inner) => degree.as_deref().into_iter().chain([inner.as_ref()]).collect(),
        Kind::Limit(body, variable, target) => vec![body, variable, target],
        Kind::Derivative(body, variable) => variable.as_deref().into_iter().chain([body.as_ref()]).collect(),
        Kind::Norm(inner, order) => order.as_deref().into_iter().chain([inner.as_ref()]).collect(),
        Kind::Apply { subscript, power, arguments, component, .. } => subscript
            .as_deref()
            .into_iter()
            .chain(power.as_deref())
            .chain(arguments)
            .chain(component.iter().map(|part| &part.formula))
            .collect(),
        Kind::Reduce { bindings, conditions, body, .. } => bindings
            .iter()
            .flat_map(|binding| binding.lower.iter().chain(&binding.upper))
            .chain(conditions)
            .chain([body.as_ref()])
            .collect(),
        Kind::Relation(first, links) => {
            std::iter::once(first.as_ref()).chain(links.iter().map(|(_, side): &(Relation, Formula)| side)).collect()
        }
        Kind::Member(element, values) => std::iter::once(element.as_ref()).chain(values).collect(),
        Kind::Cases(branches) => {
            branches.iter().flat_map(|(value, condition)| std::iter::once(value).chain(condition)).collect()
        }
    }
}
