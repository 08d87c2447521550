//! The end of a resolution: one axis for what was joined, sizes named, definitions in order, cycles found.

use super::{Assumption, Definition, Program, RawDefinition, Resolver};
use crate::expr::{Axis, Expr, Index, Symbol};
use crate::formula::Spelling;
use crate::source::Diagnostic;
use std::collections::{HashMap, HashSet};

impl Resolver<'_> {
    /// Settles axes and order.
    pub(super) fn finish(mut self) -> Result<Program, Vec<Diagnostic>> {
        if self.loss.is_none() && !self.diagnostics.iter().any(Diagnostic::is_error) {
            self.report(Diagnostic::error("nothing-to-evaluate", Default::default()));
        }
        self.settle_neighbours();
        self.name_axes();
        let parents: Vec<Axis> = (0..self.parents.len()).map(|number| self.find(Axis(number as u32))).collect();
        let map = |axis: Axis| parents[axis.0 as usize];
        for information in &mut self.context.symbols {
            information.axes.iter_mut().for_each(|axis| *axis = map(*axis));
        }
        let raw = std::mem::take(&mut self.definitions);
        self.note_loss(&raw);
        self.note_axes();
        for choice in &mut self.choices {
            for (_, value) in &mut choice.slots {
                if let super::ChoiceValue::Formula(expr) = value {
                    *expr = self.context.map_axes(*expr, &map);
                }
            }
        }
        let definitions = self.settle_all(raw, &map);
        let definitions = self.sort(definitions);
        let raw_claims = std::mem::take(&mut self.claims);
        let claims = self.settle_all(raw_claims, &map);
        let assumptions = std::mem::take(&mut self.assumptions)
            .into_iter()
            .map(|assumption| Assumption {
                condition: self.context.map_axes(assumption.condition, &map),
                indices: map_indices(&assumption.indices, &map),
                span: assumption.span,
            })
            .collect();
        let divisors = std::mem::take(&mut self.divisors);
        let divisors = divisors.into_iter().map(|divisor| self.context.map_axes(divisor, &map)).collect();
        let parameters = self.parameter_symbols();
        let stated = self.stated.take().map(|stated| stated.map_axes(&mut self.context, &map));
        if self.diagnostics.iter().any(Diagnostic::is_error) {
            return Err(self.diagnostics);
        }
        let Some(loss) = self.loss else { return Err(self.diagnostics) };
        let value = self.context.map_axes(loss.value, &map);
        let value = unfold_name(&self.context, value, &definitions);
        let formed = |definition: &Definition| self.context.is_well_formed(definition.value, &definition.indices);
        debug_assert!(definitions.iter().all(formed), "a definition has other indices than its left side");
        Ok(Program {
            loss: value,
            loss_name: loss.name,
            loss_indices: map_indices(&loss.indices, &map),
            definitions,
            parameters,
            assumptions,
            claims,
            stated,
            divisors,
            places: self.symbol_spans,
            warnings: self.diagnostics,
            choices: self.choices,
            context: self.context,
        })
    }

    fn settle_all(&mut self, raw: Vec<RawDefinition>, map: &dyn Fn(Axis) -> Axis) -> Vec<Definition> {
        raw.into_iter()
            .map(|raw| Definition {
                symbol: raw.symbol,
                indices: map_indices(&raw.indices, map),
                value: self.context.map_axes(raw.value, map),
                span: raw.span,
            })
            .collect()
    }

    /// Every axis gets its letters and a name for its size: what stood over an operator, else a capital of its letter.
    fn name_axes(&mut self) {
        self.join_letters_without_source();
        let letters = std::mem::take(&mut self.letters);
        for (axis, letter, _) in &letters {
            let axis = self.find(*axis);
            let known = &mut self.context.axes[axis.0 as usize].letters;
            if !known.contains(letter) {
                known.push(letter.clone());
            }
        }
        let mut taken: HashSet<String> = self.size_names.keys().chain(self.sizes.keys()).cloned().collect();
        taken.extend(self.symbols.keys().map(|(name, _)| name.clone()));
        for number in 0..self.parents.len() {
            let axis = Axis(number as u32);
            let information = &self.context.axes[number];
            if self.find(axis) != axis || !information.size_name.plain.is_empty() {
                continue;
            }
            let plain = match information.letters.first().map(|letter| letter.plain.to_uppercase()) {
                Some(capital) if !taken.contains(&capital) => capital,
                Some(capital) => format!("n_{}", capital.to_lowercase()),
                // An axis that no letter runs over, of a vector or matrix without indices.
                None => {
                    let free = SIZE_NAMES.iter().find(|name| !taken.contains(**name));
                    free.copied().unwrap_or("n").to_owned()
                }
            };
            let plain = (0..)
                .map(|count| "_".repeat(count))
                .map(|tail| plain.clone() + &tail)
                .find(|name| !taken.contains(name));
            let plain = plain.unwrap_or_default();
            taken.insert(plain.clone());
            self.context.axes[number].size_name = Spelling { latex: plain.clone(), plain };
        }
    }

    /// An index that stands in no tensor's place but beside one, as in `\sum_{i=2}^{N} u_{i-1}`, runs over the axis of that
    /// tensor, unless its size is a number that is written or given. Where it stands in another's place the two need not be one, since of K classes there may be K−1 thresholds
    /// `\theta_{k-1}`; they go by one name.
    fn settle_neighbours(&mut self) {
        let neighbours = std::mem::take(&mut self.neighbours);
        for &(beside, own, span) in &neighbours {
            let information = self.context.axis(self.find(own));
            let has_size = information.fixed.is_some() || self.inputs.contains_key(&information.size_name.plain);
            if !has_size && !self.axes_of_tensors().contains(&self.find(own)) {
                self.join(beside, own, span);
            }
        }
        for (beside, own, _) in neighbours {
            let own = self.context.axes[self.find(own).0 as usize].size_name.clone();
            let beside = self.find(beside);
            let name = &mut self.context.axes[beside.0 as usize].size_name;
            if name.plain.is_empty() {
                *name = own;
            }
        }
    }

    fn axes_of_tensors(&self) -> HashSet<Axis> {
        let axes = self.context.symbols.iter().flat_map(|information| &information.axes);
        axes.map(|&axis| self.find(axis)).collect()
    }

    /// An index that stands in no tensor's place and has no upper bound runs over what its letter runs over elsewhere.
    fn join_letters_without_source(&mut self) {
        let mut sourced = self.axes_of_tensors();
        sourced.extend(self.sizes.values().map(|&axis| self.find(axis)));
        for (axis, letter, span) in self.letters.clone() {
            let own = self.find(axis);
            if sourced.contains(&own) || self.context.axes[own.0 as usize].fixed.is_some() {
                continue;
            }
            let elsewhere =
                self.letters.iter().find(|(other, name, _)| *name == letter && sourced.contains(&self.find(*other)));
            match elsewhere.map(|(other, ..)| *other) {
                Some(other) => self.join(other, axis, span),
                // Where the text has other faults, a place for the index may be what is missing.
                None if self.diagnostics.iter().any(Diagnostic::is_error) => {}
                None => self.report(Diagnostic::error("axis-without-size", span).with("index", &letter.plain)),
            }
        }
    }

    fn parameter_symbols(&mut self) -> Vec<Symbol> {
        let mut symbols = Vec::new();
        for (name, span) in std::mem::take(&mut self.parameters) {
            let found = self.symbols.iter().find(|((plain, _), _)| *plain == name.plain).map(|(_, &symbol)| symbol);
            match found {
                Some(symbol) if self.context.symbol(symbol).defined => {
                    self.report(Diagnostic::error("parameter-is-defined", span).with("name", &name.plain));
                }
                Some(symbol) => symbols.push(symbol),
                None => self.report(Diagnostic::error("parameter-unused", span).with("name", &name.plain)),
            }
        }
        symbols
    }

    /// Orders definitions so that each needs only earlier ones; a cycle is an error that names its members.
    fn sort(&mut self, definitions: Vec<Definition>) -> Vec<Definition> {
        let position: HashMap<Symbol, usize> =
            definitions.iter().enumerate().map(|(at, definition)| (definition.symbol, at)).collect();
        let mut state = vec![0_u8; definitions.len()];
        let mut order = Vec::new();
        let mut cycle = None;
        for start in 0..definitions.len() {
            // An explicit stack: chains of definitions may be long.
            let mut stack = vec![(start, false)];
            while let Some((at, leaving)) = stack.pop() {
                if leaving {
                    state[at] = 2;
                    order.push(at);
                    continue;
                }
                if state[at] != 0 {
                    continue;
                }
                state[at] = 1;
                stack.push((at, true));
                for symbol in self.context.symbols_in(definitions[at].value) {
                    match position.get(&symbol) {
                        Some(&next) if state[next] == 1 => cycle = cycle.or(Some((at, next))),
                        Some(&next) if state[next] == 0 => stack.push((next, false)),
                        _ => {}
                    }
                }
            }
        }
        if let Some((at, next)) = cycle {
            let (a, b) = (definitions[at].symbol, definitions[next].symbol);
            let names = format!("{} → {}", self.context.symbol(b).name.plain, self.context.symbol(a).name.plain);
            let error = Diagnostic::error("cyclic-definition", definitions[next].span).related(definitions[at].span);
            self.report(error.with("names", names));
        }
        let mut slots: Vec<Option<Definition>> = definitions.into_iter().map(Some).collect();
        order.into_iter().filter_map(|at| slots[at].take()).collect()
    }
}

/// Names for the sizes of axes that have none.
const SIZE_NAMES: [&str; 8] = ["D", "K", "M", "N", "P", "Q", "R", "S"];

fn map_indices(indices: &[Index], map: &dyn Fn(Axis) -> Axis) -> Vec<Index> {
    indices.iter().map(|index| Index { axis: map(index.axis), ..*index }).collect()
}

/// The value of a loss that is only a name.
fn unfold_name(context: &crate::expr::Context, loss: Expr, definitions: &[Definition]) -> Expr {
    match context.node(loss) {
        crate::expr::Node::Symbol(symbol, places) if places.is_empty() => definitions
            .iter()
            .find(|definition| definition.symbol == *symbol)
            .map_or(loss, |definition| definition.value),
        _ => loss,
    }
}
