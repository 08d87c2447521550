//! From the tree as written to an expression.

use super::{Local, Resolver};
use crate::expr::{Constant, Expr};
use crate::formula::{Formula, Join, Kind};
use crate::function::Function;
use crate::source::{Diagnostic, Span};

/// Deeper nesting is refused; the parser's own limit lies below it.
const DEEPEST: usize = 1_000;

impl Resolver<'_> {
    /// Resolves a formula. What cannot be resolved is reported and stands in as a number.
    pub(super) fn expression(&mut self, formula: &Formula) -> Expr {
        self.depth += 1;
        let result = if self.depth > DEEPEST {
            self.fail(Diagnostic::error("nesting-too-deep", formula.span))
        } else {
            self.expression_inner(formula)
        };
        self.depth -= 1;
        result
    }

    fn expression_inner(&mut self, formula: &Formula) -> Expr {
        let span = formula.span;
        match &formula.kind {
            Kind::Number(value) => self.context.number(value.clone()),
            Kind::Infinity => self.context.constant(Constant::Infinity),
            Kind::Name { base, opaque: true, .. } => self.entry(base, Vec::new(), span),
            Kind::Name { base, subscripts, superscripts, .. } => self.name(base, subscripts, superscripts, span),
            Kind::Group(_, inner) => self.expression(inner),
            Kind::Sum(terms) => self.sum(terms),
            Kind::Product(factors) => self.product(factors),
            Kind::Power(base, exponent) => self.power(base, exponent),
            Kind::Fraction(numerator, denominator) => {
                let (numerator, denominator) = (self.expression(numerator), self.expression(denominator));
                self.context.divide(numerator, denominator)
            }
            Kind::Root(degree, radicand) => self.root(degree.as_deref(), radicand),
            Kind::Apply { .. } => self.apply(formula),
            Kind::Reduce { operator, bindings, conditions, body } => {
                self.big_operator(*operator, bindings, conditions, body, span)
            }
            Kind::Relation(..) | Kind::Member(..) => self.condition(formula),
            Kind::Indicator(condition) => self.condition(condition),
            Kind::Cases(branches) => self.cases(branches, span),
            Kind::Absolute(inner) => self.absolute(inner, span),
            Kind::Delta(left, right) => self.kronecker(left, right),
            Kind::Factorial(inner) => {
                let log = self.log_factorial(inner);
                self.context.apply(Function::Exp, log)
            }
            Kind::Norm(..) | Kind::Transpose(_) | Kind::Inner(..) => {
                self.fail(Diagnostic::error("whole-tensors-not-yet", span))
            }
            Kind::Text(_) => self.fail(Diagnostic::error("words-in-formula", span)),
            Kind::Error => self.context.integer(1),
        }
    }

    fn sum(&mut self, terms: &[(bool, Formula)]) -> Expr {
        self.check_sum_bodies(terms);
        let terms = terms
            .iter()
            .map(|(negative, term)| {
                let value = self.expression(term);
                if *negative { self.context.negate(value) } else { value }
            })
            .collect();
        self.context.add(terms)
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

    fn product(&mut self, factors: &[(Join, Formula)]) -> Expr {
        let values = factors
            .iter()
            .map(|(join, factor)| {
                let value = self.expression(factor);
                if *join == Join::Divide { self.context.reciprocal(value) } else { value }
            })
            .collect();
        self.context.mul(values)
    }

    fn power(&mut self, base: &Formula, exponent: &Formula) -> Expr {
        if self.is_euler(base) {
            let exponent = self.expression(exponent);
            return self.context.apply(Function::Exp, exponent);
        }
        let (base, exponent) = (self.expression(base), self.expression(exponent));
        self.context.power(base, exponent)
    }

    fn root(&mut self, degree: Option<&Formula>, radicand: &Formula) -> Expr {
        let degree = match degree {
            Some(degree) => self.expression(degree),
            None => self.context.integer(2),
        };
        let (radicand, exponent) = (self.expression(radicand), self.context.reciprocal(degree));
        self.context.power(radicand, exponent)
    }

    fn cases(&mut self, branches: &[(Formula, Option<Formula>)], span: Span) -> Expr {
        let Some(((last, condition), earlier)) = branches.split_last() else {
            return self.fail(Diagnostic::error("cases-empty", span));
        };
        let mut value = self.expression(last);
        if let Some(condition) = condition {
            // Without an "otherwise" nothing is defined where no condition holds; 0 is what an indicator would give.
            let (holds, zero) = (self.condition(condition), self.context.integer(0));
            value = self.context.select(holds, value, zero);
        }
        for (branch, condition) in earlier.iter().rev() {
            let branch = self.expression(branch);
            value = match condition {
                Some(condition) => {
                    let holds = self.condition(condition);
                    self.context.select(holds, branch, value)
                }
                None => branch,
            };
        }
        value
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
            return self.context.reduce(crate::expr::Reduction::Sum, index, member);
        }
        let value = self.expression(inner);
        self.context.apply(Function::Abs, value)
    }

    /// log k! = log Γ(k + 1)
    fn log_factorial(&mut self, inner: &Formula) -> Expr {
        let (value, one) = (self.expression(inner), self.context.integer(1));
        let shifted = self.context.add(vec![value, one]);
        self.context.apply(Function::LogGamma, shifted)
    }

    fn apply(&mut self, formula: &Formula) -> Expr {
        let Kind::Apply { function, name_span, subscript, power, arguments, component } = &formula.kind else {
            return self.context.integer(1);
        };
        if function == "softmax" && !component.is_empty() && arguments.len() == 1 {
            return self.softmax_component(&arguments[0], component, formula.span);
        }
        let value = if self.functions.contains_key(function) {
            self.apply_defined(function, arguments, formula.span)
        } else {
            let values: Vec<Expr> = arguments.iter().map(|argument| self.expression(argument)).collect();
            let base = subscript.as_deref().map(|base| self.expression(base));
            self.apply_known(function, base, values, *name_span)
        };
        match power {
            Some(power) => {
                let power = self.expression(power);
                self.context.power(value, power)
            }
            None => value,
        }
    }

    fn apply_known(&mut self, function: &str, base: Option<Expr>, values: Vec<Expr>, span: Span) -> Expr {
        match (function, &values[..], base) {
            ("log", &[argument], Some(base)) => self.context.call(Function::LogBase, vec![base, argument]),
            ("log_base", &[base, argument], None) => self.context.call(Function::LogBase, vec![base, argument]),
            ("max" | "min", [first, rest @ ..], None) if !rest.is_empty() => {
                let function = if function == "max" { Function::Max } else { Function::Min };
                rest.iter().fold(*first, |so_far, &next| self.context.call(function, vec![so_far, next]))
            }
            ("clip", &[value, low, high], None) => {
                let raised = self.context.call(Function::Max, vec![value, low]);
                self.context.call(Function::Min, vec![raised, high])
            }
            ("gamma", &[argument], None) => {
                let log = self.context.apply(Function::LogGamma, argument);
                self.context.apply(Function::Exp, log)
            }
            ("sqrt", &[argument], None) => {
                let half = self.context.ratio(1, 2);
                self.context.power(argument, half)
            }
            ("sg", &[argument], None) => self.context.apply(Function::StopGradient, argument),
            _ => match Function::from_plain(function) {
                Some(known) if known.row().arity == values.len() && base.is_none() => self.context.call(known, values),
                Some(known) => {
                    let error = Diagnostic::error("argument-count", span).with("name", function);
                    self.fail(
                        error.with("wanted", known.row().arity.to_string()).with("given", values.len().to_string()),
                    )
                }
                None => self.fail(Diagnostic::error("unknown-function", span).with("name", function)),
            },
        }
    }

    /// A function that the text defines: its body with the arguments in place of the parameters.
    fn apply_defined(&mut self, function: &str, arguments: &[Formula], span: Span) -> Expr {
        let Some(definition) = self.functions.get(function).cloned() else { return self.context.integer(1) };
        if definition.parameters.len() != arguments.len() {
            let error = Diagnostic::error("argument-count", span).with("name", function);
            let wanted = definition.parameters.len().to_string();
            return self.fail(error.with("wanted", wanted).with("given", arguments.len().to_string()));
        }
        let values: Vec<Expr> = arguments.iter().map(|argument| self.expression(argument)).collect();
        let outer = std::mem::take(&mut self.scope);
        self.scope = definition.parameters.into_iter().zip(values.into_iter().map(Local::Value)).collect();
        // A function that calls itself would not end; its own name is out of scope in its body.
        let own = self.functions.remove(function);
        let result = self.expression(&definition.body);
        if let Some(own) = own {
            self.functions.insert(function.to_owned(), own);
        }
        self.scope = outer;
        result
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
        Kind::Root(degree, inner) => degree.as_deref().and_then(visit).or_else(|| visit(inner)),
        Kind::Norm(inner, order) => visit(inner).or_else(|| order.as_deref().and_then(visit)),
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
