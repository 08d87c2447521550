//! From the tree as written to an expression.

use super::tensor::Tensor;
use super::{Local, Resolver};
use crate::expr::{Constant, Context, Expr, Reduction};
use crate::formula::{Formula, Join, Kind};
use crate::function::Function;
use crate::source::{Diagnostic, Span};

/// Deeper nesting is refused; the parser's own limit lies below it.
const DEEPEST: usize = 1_000;

impl Resolver<'_> {
    /// Resolves a formula. What cannot be resolved is reported and stands in as a number.
    pub(super) fn tensor(&mut self, formula: &Formula) -> Tensor {
        self.depth += 1;
        let result = if self.depth > DEEPEST {
            Tensor::scalar(self.fail(Diagnostic::error("nesting-too-deep", formula.span)))
        } else {
            self.tensor_inner(formula)
        };
        self.depth -= 1;
        result
    }

    /// What may have open axes; the rest is a number.
    fn tensor_inner(&mut self, formula: &Formula) -> Tensor {
        let span = formula.span;
        match &formula.kind {
            Kind::Name { base, opaque: true, .. } => self.entry(base, Vec::new(), span),
            Kind::Name { base, subscripts, superscripts, .. } => self.name(base, subscripts, superscripts, span),
            Kind::Group(_, inner) => self.tensor(inner),
            Kind::Sum(terms) => self.sum(terms, span),
            Kind::Product(factors) => self.product(factors),
            Kind::Power(base, exponent) => self.power(base, exponent, span),
            Kind::Fraction(numerator, denominator) => {
                let (numerator, denominator) = (self.tensor(numerator), self.tensor(denominator));
                self.quotient(numerator, denominator, span)
            }
            Kind::Root(degree, radicand) => self.root(degree.as_deref(), radicand),
            Kind::Transpose(inner) => {
                let tensor = self.tensor(inner);
                if tensor.rank() == 0 {
                    self.demand(inner, None);
                }
                self.transpose(tensor, span)
            }
            Kind::Component(inner, parts) => {
                let tensor = self.tensor(inner);
                if tensor.rank() < parts.len() {
                    self.demand(inner, Some(parts.len()));
                }
                self.component(tensor, parts, span)
            }
            Kind::Apply { .. } => self.apply(formula),
            Kind::Reduce { operator, bindings, conditions, body } => {
                self.big_operator(*operator, bindings, conditions, body, span)
            }
            Kind::Relation(..) | Kind::Member(..) => self.condition(formula),
            Kind::Indicator(condition) => self.condition(condition),
            Kind::Cases(branches) => self.cases(branches, span),
            _ => Tensor::scalar(self.number(formula)),
        }
    }

    fn number(&mut self, formula: &Formula) -> Expr {
        let span = formula.span;
        match &formula.kind {
            Kind::Number(value) => self.context.number(value.clone()),
            Kind::Infinity => self.context.constant(Constant::Infinity),
            Kind::Absolute(inner) => self.absolute(inner, span),
            Kind::Delta(left, right) => self.kronecker(left, right),
            Kind::Factorial(inner) => {
                let log = self.log_factorial(inner);
                self.context.apply(Function::Exp, log)
            }
            Kind::Norm(inner, order) => self.norm(inner, order.as_deref(), None, span),
            Kind::Inner(left, right) => self.inner(left, right, span),
            Kind::Limit(body, variable, target) => self.limit(body, variable, target, span),
            Kind::Derivative(body, variable) => self.derivative(body, variable.as_deref(), span),
            Kind::Text(_) => self.fail(Diagnostic::error("words-in-formula", span)),
            _ => self.context.integer(1),
        }
    }

    fn sum(&mut self, terms: &[(bool, Formula)], span: Span) -> Tensor {
        self.check_sum_bodies(terms);
        let values: Vec<Tensor> = terms
            .iter()
            .map(|(negative, term)| {
                let tensor = self.tensor(term);
                if *negative { self.each(tensor, Context::negate) } else { tensor }
            })
            .collect();
        self.demand_in_sum(terms, &values);
        self.elementwise(values, span, &mut Context::add)
    }

    /// `\langle u, v \rangle`
    fn inner(&mut self, left: &Formula, right: &Formula, span: Span) -> Expr {
        let (first, second) = (self.tensor(left), self.tensor(right));
        let rank = first.rank().max(second.rank());
        for (formula, tensor) in [(left, &first), (right, &second)] {
            if tensor.rank() == 0 {
                self.demand(formula, Some(rank).filter(|&rank| rank > 0));
            }
        }
        self.inner_product(first, second, span)
    }

    /// `\sum_i a_i + b_i`: a later term that uses the index of an operator whose body has ended.
    fn check_sum_bodies(&mut self, terms: &[(bool, Formula)]) {
        for (position, (_, term)) in terms.iter().enumerate() {
            let Some((operator, letters)) = trailing_operator(term) else { continue };
            for letter in &letters {
                if self.lookup(letter).is_some() {
                    continue;
                }
                let used = terms[position + 1..].iter().find_map(|(_, later)| index_use(later, letter));
                if let Some(place) = used {
                    self.report(
                        Diagnostic::error("sum-body-ambiguous", place).related(operator).with("index", letter.as_str()),
                    );
                }
            }
        }
    }

    fn power(&mut self, base: &Formula, exponent: &Formula, span: Span) -> Tensor {
        if self.is_euler(base) {
            let exponent = self.tensor(exponent);
            return self.each(exponent, |context, exponent| context.apply(Function::Exp, exponent));
        }
        if let Kind::Norm(inner, order) = &base.kind {
            return Tensor::scalar(self.norm(inner, order.as_deref(), Some(exponent), span));
        }
        let base = self.tensor(base);
        let exponent = self.tensor(exponent);
        if base.rank() > 0 {
            let inverse = base.rank() == 2 && self.context.is_integer(exponent.value, -1);
            let code = if inverse { "matrix-inverse" } else { "power-of-tensor" };
            return Tensor::scalar(self.fail(Diagnostic::error(code, span)));
        }
        self.each(exponent, |context, exponent| context.power(base.value, exponent))
    }

    fn root(&mut self, degree: Option<&Formula>, radicand: &Formula) -> Tensor {
        let degree = match degree {
            Some(degree) => self.expression(degree),
            None => self.context.integer(2),
        };
        let (radicand, exponent) = (self.tensor(radicand), self.context.reciprocal(degree));
        self.each(radicand, |context, radicand| context.power(radicand, exponent))
    }

    fn cases(&mut self, branches: &[(Formula, Option<Formula>)], span: Span) -> Tensor {
        let Some(((last, condition), earlier)) = branches.split_last() else {
            return Tensor::scalar(self.fail(Diagnostic::error("cases-empty", span)));
        };
        let mut value = self.tensor(last);
        if let Some(condition) = condition {
            // Without an "otherwise" nothing is defined where no condition holds; 0 is what an indicator would give.
            let (holds, zero) = (self.condition(condition), Tensor::scalar(self.context.integer(0)));
            value = self.select(holds, value, zero, span);
        }
        for (branch, condition) in earlier.iter().rev() {
            let branch = self.tensor(branch);
            value = match condition {
                Some(condition) => {
                    let holds = self.condition(condition);
                    self.select(holds, branch, value, span)
                }
                None => branch,
            };
        }
        value
    }

    fn select(&mut self, holds: Tensor, then: Tensor, otherwise: Tensor, span: Span) -> Tensor {
        self.elementwise(vec![holds, then, otherwise], span, &mut |context, values| {
            context.select(values[0], values[1], values[2])
        })
    }

    /// `|x|`, or `|P(i)|`, the number of elements of a set.
    fn absolute(&mut self, inner: &Formula, span: Span) -> Expr {
        if let Kind::Product(factors) = &inner.kind
            && let [(_, name), (Join::Juxtaposed, group)] = &factors[..]
            && let (Kind::Name { base, .. }, Kind::Group(_, argument)) = (&name.kind, &group.kind)
            && self.plain_index(argument).is_some()
            && (self.ranks.contains(&(base.plain.clone(), 2))
                || self.inputs.get(&base.plain).is_some_and(|kind| kind.rank == 2))
        {
            let axis = self.new_axis();
            let index = self.context.fresh_index(axis);
            let member = self.membership(base, std::slice::from_ref(argument), index, span);
            return self.context.reduce(Reduction::Sum, index, member);
        }
        let tensor = self.tensor(inner);
        if tensor.rank() > 0 {
            return self.fail(Diagnostic::error("absolute-value-of-tensor", span));
        }
        self.context.apply(Function::Abs, tensor.value)
    }

    /// log k! = log Γ(k + 1)
    fn log_factorial(&mut self, inner: &Formula) -> Expr {
        let (value, one) = (self.expression(inner), self.context.integer(1));
        let shifted = self.context.add(vec![value, one]);
        self.context.apply(Function::LogGamma, shifted)
    }

    fn apply(&mut self, formula: &Formula) -> Tensor {
        let Kind::Apply { function, name_span, subscript, power, arguments, component } = &formula.kind else {
            return Tensor::scalar(self.context.integer(1));
        };
        let value = if self.functions.contains_key(function) {
            self.apply_defined(function, arguments, formula.span)
        } else {
            let values: Vec<Tensor> = arguments.iter().map(|argument| self.tensor(argument)).collect();
            let base = subscript.as_deref().map(|base| self.tensor(base));
            match self.whole_function(function, arguments, &values, component.len(), formula.span) {
                Some(value) if base.is_none() => value,
                _ => self.apply_known(function, base, values, *name_span, formula.span),
            }
        };
        self.note_function(formula, value.value);
        let value = if component.is_empty() { value } else { self.component(value, component, formula.span) };
        match power {
            Some(power) => {
                let power = self.expression(power);
                self.each(value, |context, value| context.power(value, power))
            }
            None => value,
        }
    }

    /// A known function of the entries.
    fn apply_known(
        &mut self,
        function: &str,
        base: Option<Tensor>,
        mut values: Vec<Tensor>,
        name_span: Span,
        span: Span,
    ) -> Tensor {
        let given = values.len();
        let Some((entry, wanted)) = entry_function(function, base.is_some(), given) else {
            return Tensor::scalar(self.fail(Diagnostic::error("unknown-function", name_span).with("name", function)));
        };
        if given != wanted {
            let error = Diagnostic::error("argument-count", name_span).with("name", function);
            return Tensor::scalar(
                self.fail(error.with("wanted", wanted.to_string()).with("given", given.to_string())),
            );
        }
        if let Some(base) = base {
            values.insert(0, base);
        }
        self.elementwise(values, span, &mut |context, values| entry.of(context, values))
    }

    /// A function that the text defines: its body with the arguments in place of the parameters.
    fn apply_defined(&mut self, function: &str, arguments: &[Formula], span: Span) -> Tensor {
        let Some(definition) = self.functions.get(function).cloned() else {
            return Tensor::scalar(self.context.integer(1));
        };
        if definition.parameters.len() != arguments.len() {
            let error = Diagnostic::error("argument-count", span).with("name", function);
            let wanted = definition.parameters.len().to_string();
            return Tensor::scalar(self.fail(error.with("wanted", wanted).with("given", arguments.len().to_string())));
        }
        let values: Vec<Tensor> = arguments.iter().map(|argument| self.tensor(argument)).collect();
        let outer = std::mem::take(&mut self.scope);
        self.scope = definition.parameters.into_iter().zip(values.into_iter().map(Local::Value)).collect();
        // A function that calls itself would not end; its own name is out of scope in its body.
        let own = self.functions.remove(function);
        let result = self.tensor(&definition.body);
        if let Some(own) = own {
            self.functions.insert(function.to_owned(), own);
        }
        self.scope = outer;
        result
    }
}

/// What a known function does with the entries of its arguments.
enum EntryFunction {
    /// A function of the table.
    Row(Function),
    /// Two or more arguments, taken two by two.
    Fold(Function),
    Clip,
    Gamma,
    Root,
    Logit,
}

/// What a function of this name does with so many arguments, and how many it wants.
fn entry_function(function: &str, base: bool, given: usize) -> Option<(EntryFunction, usize)> {
    Some(match (function, base) {
        ("log", true) => (EntryFunction::Row(Function::LogBase), 1),
        (_, true) => return None,
        ("max", _) if given >= 2 => (EntryFunction::Fold(Function::Max), given),
        ("min", _) if given >= 2 => (EntryFunction::Fold(Function::Min), given),
        ("clip", _) => (EntryFunction::Clip, 3),
        ("gamma", _) => (EntryFunction::Gamma, 1),
        ("sqrt", _) => (EntryFunction::Root, 1),
        ("logit", _) => (EntryFunction::Logit, 1),
        ("sg", _) => (EntryFunction::Row(Function::StopGradient), 1),
        _ => {
            let known = Function::from_plain(function)?;
            (EntryFunction::Row(known), known.row().arity)
        }
    })
}

impl EntryFunction {
    fn of(&self, context: &mut Context, values: Vec<Expr>) -> Expr {
        match self {
            EntryFunction::Row(function) => context.call(*function, values),
            EntryFunction::Fold(function) => {
                let folded = values.into_iter().reduce(|so_far, next| context.call(*function, vec![so_far, next]));
                folded.unwrap_or_else(|| context.integer(0))
            }
            EntryFunction::Clip => {
                let raised = context.call(Function::Max, vec![values[0], values[1]]);
                context.call(Function::Min, vec![raised, values[2]])
            }
            EntryFunction::Gamma => {
                let log = context.apply(Function::LogGamma, values[0]);
                context.apply(Function::Exp, log)
            }
            EntryFunction::Root => {
                let half = context.ratio(1, 2);
                context.power(values[0], half)
            }
            EntryFunction::Logit => {
                let one = context.integer(1);
                let other = context.subtract(one, values[0]);
                let (log, log_other) = (context.apply(Function::Log, values[0]), context.apply(Function::Log, other));
                context.subtract(log, log_other)
            }
        }
    }
}

/// The big operator whose body ends a term, with the letters it binds.
fn trailing_operator(term: &Formula) -> Option<(Span, Vec<String>)> {
    match &term.kind {
        Kind::Reduce { bindings, body, .. } => {
            let mut letters: Vec<String> = bindings.iter().map(|binding| binding.index.plain.clone()).collect();
            if let Some((_, inner)) = trailing_operator(body) {
                letters.extend(inner);
            }
            Some((term.span, letters))
        }
        Kind::Product(factors) => factors.last().and_then(|(_, factor)| trailing_operator(factor)),
        Kind::Sum(terms) => match &terms[..] {
            [(_, only)] => trailing_operator(only),
            _ => None,
        },
        _ => None,
    }
}

/// Where a formula uses a letter as an index that it does not bind itself.
pub(super) fn index_use(formula: &Formula, letter: &str) -> Option<Span> {
    let visit = |part: &Formula| index_use(part, letter);
    match &formula.kind {
        Kind::Name { subscripts, superscripts, .. } => {
            subscripts.iter().chain(superscripts).find_map(|part| match super::name::letters_of(&part.formula) {
                Some(letters) => letters.iter().find(|(name, _)| name.plain == letter).map(|(_, span)| *span),
                None => visit(&part.formula),
            })
        }
        Kind::Reduce { bindings, conditions, body, .. } => {
            if bindings.iter().any(|binding| binding.index.plain == letter) {
                return None;
            }
            conditions.iter().find_map(visit).or_else(|| visit(body))
        }
        Kind::Sum(terms) => terms.iter().find_map(|(_, term)| visit(term)),
        Kind::Product(factors) => factors.iter().find_map(|(_, factor)| visit(factor)),
        Kind::Power(a, b) | Kind::Fraction(a, b) | Kind::Inner(a, b) => visit(a).or_else(|| visit(b)),
        Kind::Delta(a, b) => [a, b].into_iter().find_map(|side| {
            super::name::letters_of(side)
                .and_then(|letters| letters.iter().find(|(name, _)| name.plain == letter).map(|(_, span)| *span))
                .or_else(|| visit(side))
        }),
        Kind::Group(_, inner)
        | Kind::Absolute(inner)
        | Kind::Transpose(inner)
        | Kind::Indicator(inner)
        | Kind::Factorial(inner) => visit(inner),
        Kind::Component(inner, parts) => parts
            .iter()
            .find_map(|part| match super::name::letters_of(&part.formula) {
                Some(letters) => letters.iter().find(|(name, _)| name.plain == letter).map(|(_, span)| *span),
                None => visit(&part.formula),
            })
            .or_else(|| visit(inner)),
        Kind::Root(degree, inner) => degree.as_deref().and_then(visit).or_else(|| visit(inner)),
        Kind::Norm(inner, order) => visit(inner).or_else(|| order.as_deref().and_then(visit)),
        Kind::Limit(body, ..) => visit(body),
        Kind::Derivative(body, variable) => visit(body).or_else(|| variable.as_deref().and_then(visit)),
        Kind::Apply { subscript, power, arguments, component, .. } => subscript
            .as_deref()
            .and_then(visit)
            .or_else(|| power.as_deref().and_then(visit))
            .or_else(|| arguments.iter().find_map(visit))
            .or_else(|| component.iter().find_map(|part| visit(&part.formula))),
        Kind::Relation(first, links) => visit(first).or_else(|| links.iter().find_map(|(_, side)| visit(side))),
        Kind::Member(element, values) => visit(element).or_else(|| values.iter().find_map(visit)),
        Kind::Cases(branches) => {
            branches.iter().find_map(|(value, condition)| visit(value).or_else(|| condition.as_ref().and_then(visit)))
        }
        Kind::Number(_) | Kind::Infinity | Kind::Text(_) | Kind::Error => None,
    }
}
