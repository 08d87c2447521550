//! Linear predictors: where a loss sees its parameters only through weighted sums of the data, as in Σ_d x_id W_dk + b_k.
//!
//! The Hessian of such a loss is a sum over rows of x_i x_iᵀ ⊗ H_i, where H_i is the Hessian of the loss by the predictor
//! (McCullagh and Nelder, *Generalized Linear Models*, 2nd edition, section 2.5). The products Σᵢ x_id x_ie of the data are
//! therefore much of what there is to know of its curvature, and they are known before any parameter is.

use crate::expr::{Context, Expr, Index, Node, Reduction, Symbol};
use num_traits::Zero;
use std::collections::HashMap;

/// A weighted sum of data, whose weights are parameters: Σ_d φ_id θ_d and more such terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinearPredictor {
    /// The index of a row of the data.
    pub row: Index,
    /// What is added up, each parameter once, in the order of the symbols.
    pub terms: Vec<PredictorTerm>,
}

/// A term of a linear predictor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredictorTerm {
    /// The parameter, an entry of which is a weight.
    pub parameter: Symbol,
    /// The place of the parameter that the sum runs over, with the index that stands there in the feature; none where the
    /// term is no sum.
    pub summed: Option<(usize, Index)>,
    /// What the weight multiplies: an expression in data, the row and the index of the sum. 1 for a bias.
    pub feature: Expr,
}

/// What is linear in a loss, and what is a square.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinearModel {
    /// The predictors; no two share a parameter.
    pub predictors: Vec<LinearPredictor>,
    /// Parameters with c of a term c Σ θ² over all of their entries.
    pub squares: Vec<(Symbol, Expr)>,
}

/// How a loss that has all of these parameters in linear predictors is built up; none for another loss. Beside the predictors
/// the loss may have terms of parameters alone, of which only squares are told.
pub fn linear_model(context: &mut Context, parameters: &[Symbol], loss: Expr) -> Option<LinearModel> {
    let mut finder = Finder { context, parameters, found: LinearModel::default(), indices: HashMap::new() };
    let one = finder.context.integer(1);
    finder.sum(loss, one, &[])?;
    let found = finder.found;
    let weights: Vec<Symbol> =
        found.predictors.iter().flat_map(|predictor| &predictor.terms).map(|term| term.parameter).collect();
    parameters.iter().all(|parameter| weights.contains(parameter)).then_some(found)
}

/// A term Σ c θ at these places; the sum runs over indices that stand in places.
struct Weighted {
    parameter: Symbol,
    places: Vec<Expr>,
    coefficient: Expr,
    summed: Vec<Index>,
}

struct Finder<'a> {
    context: &'a mut Context,
    parameters: &'a [Symbol],
    found: LinearModel,
    /// The index that stands for the rows, and the one for the features of each parameter.
    indices: HashMap<Option<Symbol>, Index>,
}

impl Finder<'_> {
    fn has_parameter(&self, expr: Expr) -> bool {
        self.context.any(expr, &|node| matches!(node, Node::Symbol(symbol, _) if self.parameters.contains(symbol)))
    }

    /// Goes through what the loss adds up, each term with its coefficient and the indices that are summed over.
    fn sum(&mut self, expr: Expr, coefficient: Expr, summed: &[Index]) -> Option<()> {
        if !self.has_parameter(expr) {
            return Some(());
        }
        match self.context.node(expr).clone() {
            // What is linear in a parameter is not curved.
            Node::Symbol(..) => Some(()),
            Node::Add(terms) => terms.iter().try_for_each(|&term| self.sum(term, coefficient, summed)),
            Node::Reduce(Reduction::Sum, ..) => {
                let opened = self.context.open(expr)?;
                let summed: Vec<Index> = summed.iter().copied().chain([opened.index]).collect();
                self.sum(opened.body, coefficient, &summed)
            }
            Node::Mul(factors) => {
                let (with, mut without): (Vec<Expr>, Vec<Expr>) =
                    factors.iter().partition(|&&factor| self.has_parameter(factor));
                without.push(coefficient);
                match with[..] {
                    [only] => {
                        let coefficient = self.context.mul(without);
                        self.sum(only, coefficient, summed)
                    }
                    _ => self.curved(expr),
                }
            }
            Node::Power(base, exponent) if self.context.is_integer(exponent, 2) => {
                match self.whole_parameter(base, coefficient, summed) {
                    Some(found) => self.found.squares.push(found),
                    None => self.curved(expr)?,
                }
                Some(())
            }
            _ => self.curved(expr),
        }
    }

    /// The parameter whose entries all occur once in a sum over these indices, with what a sum over other indices, too,
    /// makes of the coefficient.
    fn whole_parameter(&mut self, entry: Expr, coefficient: Expr, summed: &[Index]) -> Option<(Symbol, Expr)> {
        let Node::Symbol(symbol, places) = self.context.node(entry).clone() else { return None };
        let index = |place: &Expr| match self.context.node(*place) {
            Node::Index(index) if summed.contains(index) => Some(*index),
            _ => None,
        };
        let own: Vec<Index> = places.iter().map(index).collect::<Option<_>>()?;
        let distinct = own.iter().enumerate().all(|(place, index)| !own[..place].contains(index));
        if !self.parameters.contains(&symbol) || !distinct || !self.context.free_indices(coefficient).is_empty() {
            return None;
        }
        let mut factors = vec![coefficient];
        for index in summed.iter().filter(|index| !own.contains(index)) {
            factors.push(self.context.size(index.axis));
        }
        Some((symbol, self.context.mul(factors)))
    }

    /// Looks for predictors in what is not linear: an expression that is linear, or the parts of one that is not.
    fn curved(&mut self, expr: Expr) -> Option<()> {
        if !self.has_parameter(expr) {
            return Some(());
        }
        let one = self.context.integer(1);
        let mut terms = Vec::new();
        if self.weighted(expr, one, &mut terms).is_some() {
            return self.remember(terms);
        }
        if let Some(opened) = self.context.open(expr) {
            return self.curved(opened.body);
        }
        self.context.children(expr).into_iter().try_for_each(|part| self.curved(part))
    }

    /// The weighted parameters that an expression adds up; none where it is not linear.
    fn weighted(&mut self, expr: Expr, coefficient: Expr, terms: &mut Vec<Weighted>) -> Option<()> {
        if !self.has_parameter(expr) {
            return Some(());
        }
        match self.context.node(expr).clone() {
            Node::Symbol(parameter, places) if self.parameters.contains(&parameter) => {
                terms.push(Weighted { parameter, places: places.into(), coefficient, summed: Vec::new() });
                Some(())
            }
            Node::Add(parts) => parts.iter().try_for_each(|&part| self.weighted(part, coefficient, terms)),
            Node::Reduce(Reduction::Sum, ..) => {
                let opened = self.context.open(expr)?;
                let before = terms.len();
                self.weighted(opened.body, coefficient, terms)?;
                for term in &mut terms[before..] {
                    if term.places.iter().any(|&place| self.context.mentions(place, opened.index)) {
                        term.summed.push(opened.index);
                    } else {
                        term.coefficient = self.context.reduce(Reduction::Sum, opened.index, term.coefficient);
                    }
                }
                Some(())
            }
            Node::Mul(factors) => {
                let (with, mut without): (Vec<Expr>, Vec<Expr>) =
                    factors.iter().partition(|&&factor| self.has_parameter(factor));
                let [only] = with[..] else { return None };
                without.push(coefficient);
                let coefficient = self.context.mul(without);
                self.weighted(only, coefficient, terms)
            }
            _ => None,
        }
    }

    /// Adds the predictors that terms make up: those whose weights stand at the same places but for the sum. None where a
    /// parameter is met in two ways, so that no products of the data stand for its curvature.
    fn remember(&mut self, terms: Vec<Weighted>) -> Option<()> {
        let mut predictors: Vec<(Vec<Expr>, Vec<PredictorTerm>)> = Vec::new();
        for term in terms {
            let (places, term) = self.term(term)?;
            let position = predictors.iter().position(|(known, _)| *known == places).unwrap_or(predictors.len());
            if position == predictors.len() {
                predictors.push((places, Vec::new()));
            }
            let own = &mut predictors[position].1;
            match own.iter_mut().find(|known| known.parameter == term.parameter) {
                Some(known) if known.summed != term.summed => return None,
                Some(known) => known.feature = self.context.add(vec![known.feature, term.feature]),
                None => own.push(term),
            }
        }
        for (_, mut terms) in predictors {
            terms.sort_by_key(|term| term.parameter);
            self.scale(&mut terms)?;
            self.join(terms)?;
        }
        Some(())
    }

    /// A term in the indices of this finder, with the places of its weight that no sum runs over; none where more than one
    /// sum does, or where a row has weights of its own.
    fn term(&mut self, term: Weighted) -> Option<(Vec<Expr>, PredictorTerm)> {
        let Weighted { parameter, mut places, coefficient: mut feature, summed } = term;
        let mut own_sum = None;
        if let Some(&index) = summed.first() {
            let place = places.iter().position(|&place| *self.context.node(place) == Node::Index(index))?;
            places.remove(place);
            let own = self.own_index(Some(parameter), index);
            feature = self.context.replace_index(feature, index, own);
            own_sum = Some((place, own));
        }
        if summed.len() > 1
            || summed.iter().any(|&index| places.iter().any(|&place| self.context.mentions(place, index)))
        {
            return None;
        }
        let is_row = |index: &&Index| own_sum.is_none_or(|(_, own)| **index != own);
        let rows: Vec<Index> = self.context.free_indices(feature).iter().filter(is_row).copied().collect();
        if let Some(&row) = rows.first() {
            let own = self.own_index(None, row);
            let alone = rows.len() == 1 && own.axis == row.axis;
            if !alone || places.iter().any(|&place| *self.context.node(place) == Node::Index(row)) {
                return None;
            }
            feature = self.context.replace_index(feature, row, own);
        }
        Some((places, PredictorTerm { parameter, summed: own_sum, feature }))
    }

    /// The index that stands for the rows, or for the features of a parameter.
    fn own_index(&mut self, of: Option<Symbol>, like: Index) -> Index {
        *self.indices.entry(of).or_insert_with(|| self.context.fresh_index(like.axis))
    }

    /// Makes the first coefficient 1: a predictor is the same with the other sign, or divided by a number.
    fn scale(&mut self, terms: &mut [PredictorTerm]) -> Option<()> {
        let first = terms.first()?.feature;
        let (number, _) = self.context.split_coefficient(first);
        if number.is_zero() {
            return None;
        }
        let reciprocal = self.context.number(number.recip());
        for term in terms {
            term.feature = self.context.mul(vec![reciprocal, term.feature]);
        }
        Some(())
    }

    /// Adds a predictor unless it is known, or has no data; none where another one has one of its parameters.
    fn join(&mut self, terms: Vec<PredictorTerm>) -> Option<()> {
        let row = self.indices.get(&None).copied();
        let has_data = |row: &Index| terms.iter().any(|term| self.context.mentions(term.feature, *row));
        let Some(row) = row.filter(has_data) else { return Some(()) };
        let shares = |known: &&LinearPredictor| {
            known.terms.iter().any(|one| terms.iter().any(|other| one.parameter == other.parameter))
        };
        match self.found.predictors.iter().find(shares) {
            Some(known) => (known.terms == terms).then_some(()),
            None => {
                self.found.predictors.push(LinearPredictor { row, terms });
                Some(())
            }
        }
    }
}
