//! Big operators: what they bind, under which conditions, and their bodies.

use super::commands;
use super::parser::Parser;
use super::script::full_name;
use super::token::{Token, TokenKind};
use crate::formula::{BigOperator, Binding, Formula, Join, Kind, Relation, Spelling};
use crate::source::{Diagnostic, Span};

/// What the scripts of an operator say.
#[derive(Default)]
pub(super) struct Range {
    pub bindings: Vec<Binding>,
    pub conditions: Vec<Formula>,
}

impl<'a> Parser<'a, '_> {
    /// `\sum`, `\prod`, `\max`, `\min` by command.
    pub fn operator_command(&mut self, token: Token<'a>) -> Formula {
        self.advance();
        let operator = commands::big_operator(token.text).unwrap_or(BigOperator::Sum);
        // ∑(i) x[i]
        if self.plain() && self.at("(") {
            return self.plain_operator(operator, token);
        }
        let function = match operator {
            BigOperator::Maximum => "max",
            BigOperator::Minimum => "min",
            _ => return self.big_operator(operator, token),
        };
        if self.at("_") { self.big_operator(operator, token) } else { self.function(function.into(), token.span, None) }
    }

    /// An operator whose name was read: its scripts and its body.
    pub fn big_operator(&mut self, operator: BigOperator, token: Token<'a>) -> Formula {
        let mut range = Range::default();
        let mut upper = None;
        loop {
            if range.bindings.is_empty() && range.conditions.is_empty() && self.accept("_").is_some() {
                self.range_script(&mut range);
            } else if upper.is_none() && self.accept("^").is_some() {
                upper = Some(self.script_argument());
            } else {
                break;
            }
        }
        if let Some(upper) = upper {
            self.bound_above(&mut range, upper);
        }
        self.reduction(operator, range, token.span)
    }

    /// What stands over an operator belongs to its last index; beside a condition alone, to the indices it brings.
    fn bound_above(&mut self, range: &mut Range, upper: Formula) {
        if range.bindings.is_empty() {
            let mut names: Vec<(Spelling, Span)> = Vec::new();
            range.conditions.iter().for_each(|condition| names_compared(condition, &mut names));
            for (index, span) in names {
                let known =
                    self.bound.contains(&index.plain) || range.bindings.iter().any(|binding| binding.index == index);
                if !known {
                    range.bindings.push(Binding { index, span, lower: None, upper: Some(upper.clone()), set: None });
                }
            }
        } else if let Some(last) = range.bindings.last_mut() {
            last.upper = Some(upper);
        }
    }

    /// The body of an operator: after `mean` and its like a bracket directly behind ends it, otherwise it is the product
    /// term to the right, with its sign.
    pub fn reduction(&mut self, operator: BigOperator, range: Range, name_span: Span) -> Formula {
        let sum_like =
            matches!(operator, BigOperator::Sum | BigOperator::Product | BigOperator::Maximum | BigOperator::Minimum);
        let depth = self.bound.len();
        self.bound.extend(range.bindings.iter().map(|binding| binding.index.plain.clone()));
        let body = if !sum_like && (self.at_open_bracket() || self.at("[")) {
            self.nested(Parser::primary)
        } else {
            self.operator_body(name_span)
        };
        self.bound.truncate(depth);
        let span = self.since(name_span);
        let Range { bindings, conditions } = range;
        Formula::new(Kind::Reduce { operator, bindings, conditions, body: Box::new(body) }, span)
    }

    fn operator_body(&mut self, name_span: Span) -> Formula {
        let start = self.here();
        let negative = self.signs();
        if !self.at_start() {
            let span = self.since(name_span);
            return self.missing("empty-sum-body", "name", self.written(span), span);
        }
        let body = self.product(false);
        match negative {
            Some(true) => {
                let span = start.to(body.span);
                Formula::new(Kind::Sum(vec![(true, body)]), span)
            }
            _ => body,
        }
    }

    /// What stands under an operator, after its `_`.
    fn range_script(&mut self, range: &mut Range) {
        let Some(open) = self.accept("{") else {
            let index = self.script_argument();
            self.bind_letters(&index, range);
            return;
        };
        if let Some(stack) = self.accept(r"\substack")
            && let Some(inner) = self.accept("{")
        {
            self.clauses(range);
            self.close(inner, "}");
            if self.peek().is_none() {
                self.error("unclosed-brace", stack.span);
            }
        } else {
            self.clauses(range);
        }
        self.close(open, "}");
    }

    /// Clauses between commas or rows.
    pub fn clauses(&mut self, range: &mut Range) {
        self.inside(|parser| {
            // A bar parts an index from its condition, so here it never opens.
            parser.bars.push("|");
            loop {
                parser.clause(range);
                let row = parser.peek().is_some_and(|token| token.kind == TokenKind::RowBreak);
                if row {
                    parser.advance();
                } else if parser.accept(",").is_none() {
                    break;
                }
            }
        });
    }

    /// `i`, `i=1`, `i<j`, `p \in P(i)`, `i : E_i = 1`.
    fn clause(&mut self, range: &mut Range) {
        let first = self.sum();
        if self.at(r"\sim") {
            let span = self.here();
            self.error("expectation-over-distribution", span);
            self.skip_to_close();
            return;
        }
        if self.accept(r"\in").is_some() || self.accept_word("in") {
            self.membership(&first, range);
        } else if self.at("=") && index_of(&first).is_some_and(|(index, _)| !self.bound.contains(&index.plain)) {
            self.bounded(first, range);
        } else if commands::relation(self.text()).is_some() {
            let condition = self.relation_after(first);
            range.conditions.push(condition);
        } else {
            self.bind_letters(&first, range);
        }
        if [":", "|", r"\mid"].iter().any(|mark| self.accept(mark).is_some()) {
            let condition = self.relation();
            range.conditions.push(condition);
        }
    }

    /// `i=1`, in plain text also `i=1..N`.
    fn bounded(&mut self, first: Formula, range: &mut Range) {
        self.advance();
        let lower = self.sum();
        if commands::relation(self.text()).is_some() {
            let span = first.span;
            let condition = Formula::new(Kind::Relation(Box::new(first), vec![(Relation::Equal, lower)]), span);
            let condition = self.relation_after(condition);
            range.conditions.push(condition);
            return;
        }
        let upper = self.accept("..").map(|_| self.sum());
        if let Some((index, span)) = index_of(&first) {
            range.bindings.push(Binding { index, span, lower: Some(lower), upper, set: None });
        }
    }

    /// `P(i)` in `p \in P(i)`.
    fn membership(&mut self, element: &Formula, range: &mut Range) {
        let set = self.nested(Parser::primary);
        let (name, mut arguments) = match set.kind {
            Kind::Name { base, subscripts, .. } => {
                let (words, places): (Vec<_>, Vec<_>) =
                    subscripts.into_iter().partition(|part| matches!(part.formula.kind, Kind::Text(_)));
                let plain = full_name(&base, &words);
                let latex = words.iter().fold(base.latex, |latex, word| format!("{latex}_{{{}}}", word.spelling.latex));
                (Spelling { plain, latex }, places.into_iter().map(|part| part.formula).collect::<Vec<_>>())
            }
            Kind::Apply { function, name_span, arguments, .. } => {
                let latex = self.written(name_span).to_owned();
                (Spelling { plain: function, latex }, arguments)
            }
            Kind::Error => return,
            _ => {
                self.error("set-not-a-name", set.span);
                return;
            }
        };
        if let Some(open) = self.accept("(").or_else(|| if self.plain() { self.accept("[") } else { None }) {
            arguments.extend(self.inside(Parser::list));
            self.close(open, commands::closing(open.text).unwrap_or(")"));
        }
        match index_of(element) {
            Some((index, span)) => {
                range.bindings.push(Binding { index, span, lower: None, upper: None, set: Some((name, arguments)) })
            }
            None => self.error("index-not-a-name", element.span),
        }
    }

    /// `i`, or `ij` for two indices.
    fn bind_letters(&mut self, formula: &Formula, range: &mut Range) {
        let bind = |(index, span)| Binding { index, span, lower: None, upper: None, set: None };
        let letters: Option<Vec<Binding>> = match &formula.kind {
            Kind::Product(factors) if factors.iter().all(|(join, _)| *join == Join::Juxtaposed) => {
                factors.iter().map(|(_, factor)| index_of(factor).map(bind)).collect()
            }
            Kind::Error => return,
            _ => index_of(formula).map(|index| vec![bind(index)]),
        };
        match letters {
            Some(letters) => range.bindings.extend(letters),
            None => self.error("index-not-a-name", formula.span),
        }
    }

    /// `\mathbb{E}` with the axes it runs over and its bracket.
    pub fn expectation(&mut self, name_span: Span) -> Formula {
        let mut range = Range::default();
        let errors = self.diagnostics.len();
        if self.accept("_").is_some() {
            self.range_script(&mut range);
        } else {
            let span = self.since(name_span);
            self.diagnostics.push(Diagnostic::error("expectation-without-index", span));
        }
        let formula = self.reduction(BigOperator::Mean, range, name_span);
        if self.diagnostics.len() > errors { Formula::new(Kind::Error, formula.span) } else { formula }
    }
}

/// A letter that can be an index.
pub(super) fn index_of(formula: &Formula) -> Option<(Spelling, Span)> {
    match &formula.kind {
        Kind::Name { base, subscripts, superscripts, opaque: false }
            if subscripts.is_empty() && superscripts.is_empty() =>
        {
            Some((base.clone(), formula.span))
        }
        _ => None,
    }
}

/// The bare names on the sides of a relation.
fn names_compared(condition: &Formula, names: &mut Vec<(Spelling, Span)>) {
    if let Kind::Relation(first, links) = &condition.kind {
        names.extend(std::iter::once(first.as_ref()).chain(links.iter().map(|(_, side)| side)).filter_map(index_of));
    }
}
