//! What is counted and measured of a table before arrays are made of it: rows, classes, means and deviations.

use std::collections::BTreeMap;

use crate::encoding::class_name;
use crate::error::DataError;
use crate::source::{Batch, Column, Source};

/// The most different classes of one column: more is surely a quantity taken for a label.
const MOST_CLASSES: usize = 1 << 20;

/// The classes that a column of labels names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Classes {
    /// Each name with its number in the order of appearance and the row where it stands first.
    names: BTreeMap<String, (u32, usize)>,
}

impl Classes {
    /// The numbers, in the order of appearance, of the classes of a batch; none for a missing label.
    pub fn numbers(&mut self, batch: &Batch, position: usize) -> Vec<Option<u32>> {
        let Column::Labels(labels) = &batch.columns[position] else { return Vec::new() };
        let mut known: Vec<Option<u32>> = vec![None; labels.names.len()];
        for (row, &code) in labels.codes.iter().enumerate() {
            let name = &labels.names[code as usize];
            if known[code as usize].is_none() && !name.is_empty() {
                let next = self.names.len() as u32;
                let entry = self.names.entry(class_name(name).into_owned());
                known[code as usize] = Some(entry.or_insert((next, batch.first_row + row)).0);
            }
        }
        labels.codes.iter().map(|&code| known[code as usize]).collect()
    }

    /// The same classes and those of another column.
    pub fn join(&mut self, other: &Classes) {
        for (name, (_, row)) in &other.names {
            let next = self.names.len() as u32;
            self.names.entry(name.clone()).or_insert((next, *row));
        }
    }

    /// The names of the classes in their order. Numbers from 0 on of which most occur, and numbers whose count was asked for,
    /// are places: 0, 1, 2, … up to the largest or the count. Other numbers, such as years, and words are names: what
    /// occurs, in the order of numbers or of the alphabet.
    ///
    /// # Errors
    /// `label-not-an-integer` for a number that is none, `label-out-of-range` and `label-more-classes` where fewer were
    /// asked for, `label-too-many`.
    pub fn ordered(
        &self,
        asked: Option<usize>,
        symbol: &str,
        column: &str,
        table: &Source,
    ) -> Result<Vec<String>, DataError> {
        let error = |code, name: &str| {
            let place = self.names.get(name).map_or_else(String::new, |(_, row)| table.place(*row));
            let error = DataError::new(code).with("symbol", symbol).with("column", column);
            error.with("file", table.file().display()).with("place", place).with("found", name)
        };
        if let Some(name) = self.names.keys().find(|name| name.parse::<f64>().is_ok() && name.parse::<i64>().is_err()) {
            return Err(error("label-not-an-integer", name));
        }
        let mut numbers: Vec<i64> = self.names.keys().filter_map(|name| name.parse().ok()).collect();
        numbers.sort_unstable();
        let all_numbers = numbers.len() == self.names.len();
        let largest = numbers.last().map_or(0, |&last| usize::try_from(last).unwrap_or(0));
        let are_places = asked.is_some() || 2 * numbers.len() > largest;
        if all_numbers && are_places && numbers.first().is_some_and(|&first| first >= 0) {
            if asked.is_some_and(|asked| largest >= asked) {
                let error = error("label-out-of-range", &largest.to_string());
                return Err(error.with("classes", asked.unwrap_or(0)));
            }
            let count = asked.unwrap_or(largest + 1);
            return if count <= MOST_CLASSES {
                Ok((0..count).map(|number| number.to_string()).collect())
            } else {
                Err(error("label-too-many", &largest.to_string()).with("classes", count).with("limit", MOST_CLASSES))
            };
        }
        if self.names.len() > asked.unwrap_or(MOST_CLASSES) {
            let name = self.names.keys().next_back().map_or("", String::as_str);
            let error = error("label-more-classes", name).with("classes", self.names.len());
            return Err(error.with("asked", asked.unwrap_or(MOST_CLASSES)));
        }
        Ok(if all_numbers {
            numbers.iter().map(i64::to_string).collect()
        } else {
            self.names.keys().cloned().collect()
        })
    }
}

/// Count, mean and spread of numbers, batch by batch (Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm
/// for computing sample variances", 1979).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Moments {
    count: f64,
    mean: f64,
    /// Σ (value − mean)²
    squares: f64,
    /// The smallest and the largest value.
    range: Option<(f64, f64)>,
}

impl Moments {
    /// Adds these values; NaN counts for none.
    pub fn add(&mut self, values: impl Iterator<Item = f64> + Clone) {
        let values = values.filter(|value| !value.is_nan());
        let count = values.clone().count() as f64;
        if count == 0.0 {
            return;
        }
        let mean = values.clone().sum::<f64>() / count;
        let squares = values.clone().map(|value| (value - mean) * (value - mean)).sum::<f64>();
        let total = self.count + count;
        let apart = mean - self.mean;
        self.squares += squares + apart * apart * self.count * count / total;
        self.mean += apart * count / total;
        self.count = total;
        let start = self.range.unwrap_or((f64::INFINITY, f64::NEG_INFINITY));
        self.range = Some(values.fold(start, |(least, largest), value| (least.min(value), largest.max(value))));
    }

    /// The mean and the square root of the population variance.
    pub fn mean_and_deviation(&self) -> (f64, f64) {
        match self.range {
            // The mean of equal numbers may miss them by a rounding, which dividing by the deviation would blow up to ±1.
            Some((least, largest)) if least == largest => (least, 0.0),
            Some(_) => (self.mean, (self.squares / self.count).sqrt()),
            None => (0.0, 0.0),
        }
    }
}
