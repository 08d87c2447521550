//! What names without indices must be, where nothing but the formula tells: a vector after a transposed one, a matrix
//! before a vector, a vector in a norm. A name whose rank is found out so makes the text be resolved once more.

use super::tensor::Tensor;
use super::{Local, Resolver};
use crate::formula::{Formula, Join, Kind, Spelling};
use crate::function::Function;
use std::collections::HashMap;

/// What earlier rounds found out.
#[derive(Clone, Default)]
pub(super) struct Ranks {
    /// How many axes an input has.
    pub inputs: HashMap<String, usize>,
    /// How many axes a definition has beside the indices that are written on its left side.
    pub definitions: HashMap<(String, usize), usize>,
    /// Definitions that have to be tensors, of a rank if one is known.
    pub demanded: HashMap<(String, usize), Option<usize>>,
    /// The most indices that a name is written with anywhere.
    pub written: HashMap<String, usize>,
}

impl Ranks {
    /// These ranks with what a round found out, if that is anything new. A guess counts only where nothing better came up.
    pub fn better(&self, found: &Ranks, guessed: &HashMap<String, usize>) -> Option<Ranks> {
        let mut better = found.clone();
        let same = |found: &Ranks| {
            found.inputs == self.inputs && found.definitions == self.definitions && found.demanded == self.demanded
        };
        if same(found) {
            better.inputs.extend(guessed.iter().map(|(name, rank)| (name.clone(), *rank)));
        }
        (!same(&better)).then_some(better)
    }
}

impl Resolver<'_> {
    /// Notes that a formula has to be a tensor: of this rank, or of the one that its letters suggest. Only the first demand
    /// of a round counts: what it settles may change the ranks that later ones start from.
    pub(super) fn demand(&mut self, formula: &Formula, rank: Option<usize>) {
        if self.found.inputs == self.ranks_before.inputs && self.found.demanded == self.ranks_before.demanded {
            self.demand_of(formula, rank);
        }
    }

    fn demand_of(&mut self, formula: &Formula, rank: Option<usize>) {
        match &formula.kind {
            Kind::Name { opaque: false, .. } => self.demand_name(formula, rank),
            Kind::Group(_, inner) | Kind::Transpose(inner) => self.demand_of(inner, rank),
            Kind::Sum(terms) => {
                let products = terms.iter().any(|(_, term)| matches!(term.kind, Kind::Product(_)));
                for (_, term) in terms {
                    // In a sum with products a small letter is a vector: the b of XW + b.
                    let bias = products && matches!(term.kind, Kind::Name { .. }) && !is_capital_name(term);
                    self.demand_of(term, if bias { Some(1) } else { rank });
                }
            }
            Kind::Product(factors) => self.demand_product(factors, rank),
            Kind::Fraction(numerator, _) => self.demand_of(numerator, rank),
            Kind::Power(base, exponent) if self.is_euler(base) => self.demand_of(exponent, rank),
            // The inverse of a matrix, which is then refused.
            Kind::Power(base, _) if is_capital_name(base) => self.demand_of(base, rank),
            Kind::Apply { function, arguments, .. } if Function::from_plain(function).is_some() => {
                arguments.iter().for_each(|argument| self.demand_of(argument, rank));
            }
            _ => {}
        }
    }

    /// In a product that is a tensor the last factor is one, and capitals before it are matrices.
    fn demand_product(&mut self, factors: &[(Join, Formula)], rank: Option<usize>) {
        let is_number =
            |(join, factor): &(Join, Formula)| *join == Join::Divide || matches!(factor.kind, Kind::Number(_));
        let Some(last) = factors.iter().rposition(|factor| !is_number(factor)) else { return };
        for (position, (_, factor)) in factors.iter().enumerate() {
            if position == last {
                self.demand_of(factor, rank);
            } else if is_capital_name(factor) {
                self.demand_of(factor, Some(2));
            }
        }
    }

    /// Factors that read as numbers beside vectors and matrices.
    pub(super) fn demand_beside(&mut self, factors: &[(Join, Formula)], tensors: &[Tensor]) {
        for (position, (join, factor)) in factors.iter().enumerate() {
            if tensors[position].rank() > 0 || *join == Join::Divide {
                continue;
            }
            let left = position.checked_sub(1).map(|at| &tensors[at]).filter(|left| left.rank() > 0);
            let right = tensors.get(position + 1).filter(|right| right.rank() > 0);
            let right_join = factors.get(position + 1).map(|(join, _)| *join);
            let after_matrix = left.is_some_and(|left| left.row || left.rank() == 2);
            let before_column = right.is_some_and(|right| !right.row) && right_join == Some(Join::Juxtaposed);
            let rank = match (join, left) {
                (Join::Elementwise, Some(left)) => Some(left.rank()),
                (Join::Dot, Some(left)) if left.rank() == 1 => Some(1),
                _ if right_join == Some(Join::Elementwise) => right.map(Tensor::rank),
                _ if is_capital_name(factor) => (after_matrix || before_column).then_some(2),
                _ => after_matrix.then_some(1),
            };
            if let Some(rank) = rank.filter(|_| matches!(factor.kind, Kind::Name { .. } | Kind::Power(..))) {
                self.demand(factor, Some(rank));
            }
        }
    }

    /// Terms that read as numbers beside vectors and matrices: names alone are tensors too.
    pub(super) fn demand_in_sum(&mut self, terms: &[(bool, Formula)], tensors: &[Tensor]) {
        let Some(rank) = tensors.iter().map(Tensor::rank).max().filter(|&rank| rank > 0) else { return };
        for ((_, term), tensor) in terms.iter().zip(tensors) {
            if tensor.rank() == 0
                && let Some((name, written)) = self.name_with_places(term).filter(|(name, _)| self.is_open(name))
            {
                let rank = if is_capital(&name) { rank } else { 1 };
                self.guessed.insert(name.plain, written + rank);
            }
        }
    }

    fn name_with_places(&mut self, formula: &Formula) -> Option<(Spelling, usize)> {
        let Kind::Name { base, subscripts, superscripts, opaque: false } = &formula.kind else { return None };
        let parts: Vec<_> = subscripts.iter().chain(superscripts).collect();
        let (name, places) = self.split_scripts(base, &parts);
        Some((name, places.len()))
    }

    fn demand_name(&mut self, formula: &Formula, rank: Option<usize>) {
        let Some((name, written)) = self.name_with_places(formula) else { return };
        let key = (name.plain.clone(), written);
        if self.defined.contains_key(&key) && self.lookup(&name.plain).is_none() {
            self.found.demanded.insert(key, rank);
        } else if self.is_open(&name) {
            let rank = rank.unwrap_or(if is_capital(&name) { 2 } else { 1 });
            self.found.inputs.insert(name.plain, written + rank);
        }
    }

    /// True if nothing says what a name is.
    fn is_open(&self, name: &Spelling) -> bool {
        let plain = &name.plain;
        !matches!(self.lookup(plain), Some(Local::Index { .. } | Local::Value(_)))
            && !self.inputs.contains_key(plain)
            && !self.is_size(name)
            && !self.found.inputs.contains_key(plain)
            && !self.defined.keys().any(|(defined, _)| defined == plain)
    }

    /// How many axes an input has that is written with so many indices.
    pub(super) fn input_rank(&self, name: &Spelling, written: usize) -> usize {
        if let Some(kind) = self.inputs.get(&name.plain) {
            return kind.rank;
        }
        let most = self.ranks_before.written.get(&name.plain).copied().unwrap_or(0);
        match self.ranks_before.inputs.get(&name.plain) {
            Some(&rank) => rank.max(most).max(written),
            None if written == 0 && is_bold(name) && !self.is_size(name) => {
                most.max(if is_capital(name) { 2 } else { 1 })
            }
            None => written,
        }
    }
}

/// True for a name that begins with a capital.
fn is_capital(name: &Spelling) -> bool {
    name.plain.chars().next().is_some_and(char::is_uppercase)
}

fn is_capital_name(formula: &Formula) -> bool {
    match &formula.kind {
        Kind::Name { base, .. } => is_capital(base),
        Kind::Power(base, _) => is_capital_name(base),
        _ => false,
    }
}

/// True for a name in bold, or under an arrow.
fn is_bold(name: &Spelling) -> bool {
    [r"\mathbf{", r"\bm{", r"\boldsymbol{", r"\pmb{", r"\vec{"].iter().any(|font| name.latex.contains(font))
}
