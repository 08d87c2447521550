//! Choices: readings of which there were several, and that an author may want to hear of. Facts, without sentences.

use super::{RawDefinition, Resolver};
use crate::expr::{Axis, Expr, Symbol};
use crate::formula::{Formula, Join, Kind, Spelling};
use crate::source::Span;

/// A reading that was chosen among several.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Stable key, such as `natural-logarithm`; the language files hold `choice.CODE`.
    pub code: &'static str,
    /// Where it was made; `None` if it is about an axis.
    pub span: Option<Span>,
    /// Values for the slots of the sentence.
    pub slots: Vec<(&'static str, ChoiceValue)>,
}

/// What a sentence about a choice shows.
#[derive(Clone, Debug, PartialEq)]
pub enum ChoiceValue {
    /// A part of the text as it was understood.
    Formula(Expr),
    /// A name.
    Name(Spelling),
    /// Several names.
    Names(Vec<Spelling>),
    /// A number.
    Number(usize),
}

impl Choice {
    fn new(code: &'static str, span: Option<Span>, slots: Vec<(&'static str, ChoiceValue)>) -> Choice {
        Choice { code, span, slots }
    }
}

/// The longest spelling of a letter that names the logistic function: `\sigma`; its full name is longer.
const LONGEST_SIGMA: usize = 6;

impl Resolver<'_> {
    pub(super) fn choose(&mut self, code: &'static str, span: Span, slots: Vec<(&'static str, ChoiceValue)>) {
        let known = |choice: &&Choice| choice.code == code && choice.slots == slots;
        if self.choices.iter().find(known).is_none() {
            self.choices.push(Choice::new(code, Some(span), slots));
        }
    }

    /// What a function of the text was taken for, and how far its argument reaches.
    pub(super) fn note_function(&mut self, formula: &Formula, value: Expr) {
        let Kind::Apply { function, name_span, subscript, power, arguments, .. } = &formula.kind else { return };
        if function == "log" && subscript.is_none() {
            self.choose("natural-logarithm", *name_span, Vec::new());
        }
        if function == "sigmoid" && name_span.end - name_span.start <= LONGEST_SIGMA {
            self.choose("logistic", *name_span, Vec::new());
        }
        // Behind an argument in brackets stands the closing one.
        if let ([argument], None) = (&arguments[..], power)
            && argument.span.end == formula.span.end
            && matches!(argument.kind, Kind::Product(_))
        {
            self.choose("argument", formula.span, vec![("formula", ChoiceValue::Formula(value))]);
        }
    }

    /// `a/bc`
    pub(super) fn note_division(&mut self, factors: &[(Join, Formula)], value: Expr, span: Span) {
        let surprising = factors.windows(3).any(|three| {
            three[1].0 == Join::Divide
                && three[2].0 == Join::Juxtaposed
                && !matches!(three[1].1.kind, Kind::Group(..))
                && !matches!(three[2].1.kind, Kind::Reduce { .. })
        });
        if surprising {
            self.choose("division", span, vec![("formula", ChoiceValue::Formula(value))]);
        }
    }

    /// A subscript of plain letters that nothing binds.
    pub(super) fn note_word(&mut self, name: &Spelling, span: Span) {
        self.choose("word", span, vec![("name", ChoiceValue::Name(name.clone()))]);
    }

    /// A name with fewer indices than it has axes.
    pub(super) fn note_whole(&mut self, name: &Spelling, written: usize, open: usize, span: Span) {
        let chosen = match (written, open) {
            (0, 1) => "vectors",
            (0, 2) => "matrices",
            (0, _) => "tensors",
            (_, 1) => "vectors-at-indices",
            _ => "tensors-at-indices",
        };
        if written > 0 && self.inputs.contains_key(&name.plain) {
            self.short_of_indices.push((name.clone(), written, span));
        }
        match self.choices.iter_mut().find(|choice| choice.code == chosen).map(|choice| &mut choice.slots[..]) {
            Some([(_, ChoiceValue::Names(names))]) if names.contains(name) => {}
            Some([(_, ChoiceValue::Names(names))]) => names.push(name.clone()),
            _ => self.choose(chosen, span, vec![("names", ChoiceValue::Names(vec![name.clone()]))]),
        }
    }

    /// Which of several equations is the loss, if its name does not say.
    pub(super) fn note_loss(&mut self, definitions: &[RawDefinition]) {
        let Some(loss) = self.loss.as_ref() else { return };
        if let (Some(name), true) = (&loss.name, definitions.len() > 1) {
            let chosen = if loss.precedence == 1 { "loss-last" } else { "loss" };
            let choice = Choice::new(chosen, None, vec![("name", ChoiceValue::Name(name.clone()))]);
            self.choices.insert(0, choice);
        }
    }

    /// What each index runs over, and where the size comes from; after the axes have their names.
    pub(super) fn note_axes(&mut self) {
        for (number, information) in self.context.axes.clone().into_iter().enumerate() {
            let axis = Axis(number as u32);
            if self.find(axis) != axis || information.letters.is_empty() {
                continue;
            }
            let mut slots = vec![("indices", ChoiceValue::Names(information.letters))];
            let chosen = match (information.fixed, self.first_with(axis)) {
                (Some(size), _) => {
                    slots.push(("number", ChoiceValue::Number(size)));
                    "axis-fixed"
                }
                (None, Some((symbol, place))) => {
                    slots.push(("size", ChoiceValue::Name(information.size_name)));
                    slots.push(("name", ChoiceValue::Name(self.context.symbol(symbol).name.clone())));
                    slots.push(("place", ChoiceValue::Number(place + 1)));
                    "axis"
                }
                (None, None) => {
                    slots.push(("size", ChoiceValue::Name(information.size_name)));
                    "axis-named"
                }
            };
            self.choices.push(Choice::new(chosen, None, slots));
        }
    }

    /// The first input that has the axis, and at which place.
    fn first_with(&self, axis: Axis) -> Option<(Symbol, usize)> {
        self.context.symbols.iter().enumerate().filter(|(_, symbol)| !symbol.defined).find_map(|(number, symbol)| {
            let place = symbol.axes.iter().position(|&own| self.find(own) == axis)?;
            Some((Symbol(number as u32), place))
        })
    }
}
