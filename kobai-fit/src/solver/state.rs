//! All that a solver knows between two iterations, to be saved and taken up again bit for bit.

use std::collections::BTreeMap;

use super::Progress;
use crate::array::Array;
use crate::saved::Saved;

/// Vectors and words by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    vectors: BTreeMap<String, Vec<f64>>,
    texts: BTreeMap<String, String>,
}

/// What stands before the names of a state in a file that holds other things too.
const PREFIX: &str = "solver/";

impl State {
    /// The vector of this name.
    pub fn vector(&self, name: &str) -> Option<&[f64]> {
        self.vectors.get(name).map(Vec::as_slice)
    }

    /// The word of this name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// Keeps a vector.
    pub fn set_vector(&mut self, name: &str, vector: Vec<f64>) {
        self.vectors.insert(name.to_owned(), vector);
    }

    /// Keeps a word.
    pub fn set_text(&mut self, name: &str, text: &str) {
        self.texts.insert(name.to_owned(), text.to_owned());
    }

    /// Keeps what was reached in each iteration, a row each. Counts are below 2⁵³, so they are exact.
    pub(super) fn set_history(&mut self, history: &[Progress]) {
        let rows = history.iter().flat_map(|progress| {
            let counts = [progress.iteration as f64, progress.evaluations as f64];
            counts.into_iter().chain([progress.value, progress.gradient_norm, progress.step])
        });
        self.set_vector("history", rows.collect());
        if history.iter().any(|progress| progress.held_out.is_some()) {
            let held_out = history.iter().map(|progress| progress.held_out.unwrap_or(f64::NAN));
            self.set_vector("held out", held_out.collect());
        }
    }

    /// What was reached in each iteration; none where there is nothing.
    pub(super) fn history(&self) -> Option<Vec<Progress>> {
        let (rows, rest) = self.vector("history")?.as_chunks::<5>();
        let held_out = self.vector("held out").unwrap_or_default();
        let progress = |(row, &[iteration, evaluations, value, gradient_norm, step]): (usize, &[f64; 5])| Progress {
            iteration: iteration as usize,
            evaluations: evaluations as usize,
            value,
            gradient_norm,
            step,
            // Where it was not followed, no number stands for it.
            held_out: held_out.get(row).copied().filter(|loss| !loss.is_nan()),
        };
        (rest.is_empty() && !rows.is_empty()).then(|| rows.iter().enumerate().map(progress).collect())
    }

    /// Adds it to what a file is to hold.
    pub fn add_to(&self, saved: &mut Saved) {
        for (name, vector) in &self.vectors {
            let array = Array { shape: vec![vector.len()], data: vector.clone(), integer: false };
            saved.arrays.push((format!("{PREFIX}{name}"), array));
        }
        let texts = self.texts.iter().map(|(name, text)| (format!("{PREFIX}{name}"), text.clone()));
        saved.metadata.extend(texts);
    }

    /// Takes it out of what a file holds; none where there is no state.
    pub fn take_from(saved: &mut Saved) -> Option<State> {
        let mut state = State::default();
        saved.arrays.retain(|(name, array)| {
            let own = name.strip_prefix(PREFIX);
            own.into_iter().for_each(|name| state.set_vector(name, array.data.clone()));
            own.is_none()
        });
        saved.metadata.retain(|name, text| {
            let own = name.strip_prefix(PREFIX);
            own.into_iter().for_each(|name| state.set_text(name, text));
            own.is_none()
        });
        (!state.vectors.is_empty()).then_some(state)
    }
}
