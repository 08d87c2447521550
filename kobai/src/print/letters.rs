//! Letters for indices.

use crate::expr::{Axis, Context, Index, Variable};
use crate::formula::Spelling;
use std::collections::HashSet;

/// Letters for axes that the author gave none, or not enough. `e` and `o` are left out: one is a number, the other
/// looks like one.
const COMMON: &str = "ijklmnpqrsuvwabcdfgh";

/// The letters in use while an expression is printed.
pub(super) struct Letters<'c> {
    context: &'c Context,
    /// Names of scalars and sizes, which no index may take.
    taken: HashSet<&'c str>,
    scope: Vec<(Variable, Spelling)>,
}

impl<'c> Letters<'c> {
    /// Names the free indices: each by its own name if no older one has it, the rest like bound ones.
    pub(super) fn new(context: &'c Context, free: &[Index]) -> Letters<'c> {
        let mut letters = Letters::none(context);
        let (mut named, mut nameless): (Vec<Index>, Vec<Index>) =
            free.iter().partition(|&&index| context.index_name(index).is_some());
        // The older one keeps the name, so that it has the same letter in every step of a derivation.
        named.sort();
        for index in named {
            match context.index_name(index) {
                Some(name) if !letters.is_in_scope(name) => letters.scope.push((index.variable, name.clone())),
                _ => nameless.push(index),
            }
        }
        for index in nameless {
            letters.bind(index);
        }
        letters
    }

    /// Names indices in this order: each by its own name if no earlier one has it, else like a bound one.
    pub(super) fn in_order(context: &'c Context, indices: impl Iterator<Item = Index>) -> Letters<'c> {
        let mut letters = Letters::none(context);
        for index in indices {
            if letters.scope.iter().any(|(variable, _)| *variable == index.variable) {
                continue;
            }
            match context.index_name(index) {
                Some(name) if !letters.is_in_scope(name) => letters.scope.push((index.variable, name.clone())),
                _ => drop(letters.bind(index)),
            }
        }
        letters
    }

    /// Nothing in scope yet.
    fn none(context: &'c Context) -> Letters<'c> {
        let scalars =
            context.symbols.iter().filter(|symbol| symbol.axes.is_empty()).map(|symbol| symbol.name.plain.as_str());
        let sizes = context.axes.iter().map(|axis| axis.size_name.plain.as_str());
        let taken = scalars.chain(sizes).filter(|name| !name.is_empty()).collect();
        Letters { context, taken, scope: Vec::new() }
    }

    /// Chooses a letter for an index and brings it into scope.
    pub(super) fn bind(&mut self, index: Index) -> Spelling {
        let letter = self.choose(index.axis);
        self.scope.push((index.variable, letter.clone()));
        letter
    }

    /// Ends the scope of the index bound last.
    pub(super) fn release(&mut self) {
        self.scope.pop();
    }

    /// The letter of an index.
    pub(super) fn letter(&self, index: Index) -> Spelling {
        let found = self.scope.iter().rev().find(|(variable, _)| *variable == index.variable);
        found.map_or_else(|| self.choose(index.axis), |(_, letter)| letter.clone())
    }

    fn choose(&self, axis: Axis) -> Spelling {
        let own = self.context.axes.get(axis.0 as usize).map_or(&[][..], |axis| &axis.letters);
        let common = || COMMON.chars().map(|letter| Spelling { plain: letter.into(), latex: letter.into() });
        let more = (1..).flat_map(|count| common().map(move |letter| primed(&letter, count)));
        own.iter()
            .cloned()
            .chain(own.iter().map(|letter| primed(letter, 1)))
            .chain(common())
            .chain(more)
            .find(|letter| !self.is_in_scope(letter) && !self.taken.contains(letter.plain.as_str()))
            .unwrap_or_else(|| Spelling { plain: "i".into(), latex: "i".into() })
    }

    fn is_in_scope(&self, letter: &Spelling) -> bool {
        self.scope.iter().any(|(_, known)| known.plain == letter.plain)
    }
}

fn primed(letter: &Spelling, count: usize) -> Spelling {
    Spelling { plain: letter.plain.clone() + &"_prime".repeat(count), latex: letter.latex.clone() + &"'".repeat(count) }
}
