//! A binding with everything settled that depends on the rows, and the arrays that it makes of them.
//!
//! It is stored with a model, so that new rows are scaled and numbered as the training rows were.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::binding::{ColumnItem, Meaning, Scaling, Selection};
use crate::error::DataError;
use crate::source::{Batch, Column, Source};

/// A symbol, the columns that it is made of and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedBinding {
    /// The symbol of the loss.
    pub symbol: String,
    /// The names of the columns it is made of, in their order.
    pub columns: Vec<String>,
    /// What stands for a missing value of each column, where that was asked for: the means of the training rows.
    pub fill: Option<Vec<f64>>,
    /// How their values become an array.
    pub encoding: Encoding,
}

/// How the values of columns become an array.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// Shape rows × columns.
    Matrix(Scale),
    /// One column; shape rows.
    Vector(Scale),
    /// One column; shape rows × classes, a single 1 in each row.
    OneHot {
        /// The names of the classes.
        classes: Vec<String>,
    },
    /// One column; shape rows, integers.
    Index {
        /// The names of the classes.
        classes: Vec<String>,
    },
}

/// How values are scaled, with the figures measured on the training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// Not at all.
    None,
    /// Times this factor.
    By(f64),
    /// (value − mean) ÷ deviation, and 0 where the deviation is 0; one mean and one deviation a column.
    Standardised {
        /// The means on the training rows.
        means: Vec<f64>,
        /// The square roots of the population variances on the training rows.
        deviations: Vec<f64>,
    },
}

impl Scale {
    /// A value of the column at this place in the binding, scaled; there is a mean and a deviation for each place.
    fn apply(&self, place: usize, value: f64) -> f64 {
        match self {
            Scale::None => value,
            Scale::By(factor) => value * factor,
            Scale::Standardised { deviations, .. } if deviations[place] == 0.0 => 0.0,
            Scale::Standardised { means, deviations } => (value - means[place]) / deviations[place],
        }
    }
}

impl FittedBinding {
    /// The shape of the array for so many rows.
    pub fn shape(&self, rows: usize) -> Vec<usize> {
        match &self.encoding {
            Encoding::Matrix(_) => vec![rows, self.columns.len()],
            Encoding::OneHot { classes } => vec![rows, classes.len()],
            Encoding::Vector(_) | Encoding::Index { .. } => vec![rows],
        }
    }

    /// What it was made from, as far as formulas ask for it.
    pub fn meaning(&self) -> Meaning {
        let (label, scaling) = (self.columns.first().cloned().unwrap_or_default(), Scaling::None);
        match &self.encoding {
            Encoding::Matrix(_) => {
                let items = self.columns.iter().cloned().map(ColumnItem::Name).collect();
                Meaning::Columns { selection: Selection::Listed(items), scaling }
            }
            Encoding::Vector(_) => Meaning::Column { name: label, scaling },
            Encoding::OneHot { classes } => Meaning::OneHot { label, classes: Some(classes.len()) },
            Encoding::Index { .. } => Meaning::Index { label },
        }
    }

    /// The classes that the column names, for an encoding of classes.
    pub fn classes(&self) -> Option<&[String]> {
        match &self.encoding {
            Encoding::OneHot { classes } | Encoding::Index { classes } => Some(classes),
            Encoding::Matrix(_) | Encoding::Vector(_) => None,
        }
    }

    /// Whether the array holds integers that index another.
    pub fn is_index(&self) -> bool {
        matches!(self.encoding, Encoding::Index { .. })
    }

    /// A binding may come from a file: it must have the columns that its encoding speaks of.
    ///
    /// # Errors
    /// `binding-figures`.
    pub fn check(&self) -> Result<(), DataError> {
        let found = self.columns.len();
        let expected = if matches!(self.encoding, Encoding::Matrix(_)) { found } else { 1 };
        let figures = match &self.encoding {
            Encoding::Matrix(Scale::Standardised { means, deviations })
            | Encoding::Vector(Scale::Standardised { means, deviations }) => vec![means.len(), deviations.len()],
            _ => Vec::new(),
        };
        let filled = self.fill.as_ref().map(Vec::len);
        match figures.into_iter().chain(filled).chain([found]).find(|&count| count != expected) {
            None => Ok(()),
            Some(found) => Err(DataError::new("binding-figures")
                .with("symbol", &self.symbol)
                .with("found", found)
                .with("expected", expected)),
        }
    }
}

/// Rows whose entries stay in the cache while column after column is added.
const TOGETHER: usize = 64;

/// Makes arrays of batches, row by row.
pub(crate) struct Encoder<'a> {
    binding: &'a FittedBinding,
    /// The place of each of its columns in a batch.
    places: Vec<usize>,
    /// The table, for messages.
    table: &'a Source,
    numbers: HashMap<&'a str, usize>,
}

impl<'a> Encoder<'a> {
    /// An encoder for batches in which the binding's columns stand at these places.
    pub fn new(binding: &'a FittedBinding, places: Vec<usize>, table: &'a Source) -> Encoder<'a> {
        let classes = binding.classes().unwrap_or_default();
        let numbers = classes.iter().enumerate().map(|(number, name)| (name.as_str(), number)).collect();
        Encoder { binding, places, table, numbers }
    }

    /// Appends the entries of these rows of a batch, row-major.
    ///
    /// # Errors
    /// `missing-value`, `binding-overflow`, `label-unknown`.
    pub fn append(&self, batch: &Batch, rows: &[usize], entries: &mut Vec<f64>) -> Result<(), DataError> {
        if rows.is_empty() {
            return Ok(());
        }
        match &self.binding.encoding {
            Encoding::Matrix(scale) | Encoding::Vector(scale) => self.append_numbers(scale, batch, rows, entries),
            Encoding::OneHot { classes } => {
                let first = entries.len();
                entries.resize(first + rows.len() * classes.len(), 0.0);
                for (row, number) in self.class_numbers(batch, rows)?.into_iter().enumerate() {
                    entries[first + row * classes.len() + number] = 1.0;
                }
                Ok(())
            }
            Encoding::Index { .. } => {
                entries.extend(self.class_numbers(batch, rows)?.into_iter().map(|number| number as f64));
                Ok(())
            }
        }
    }

    fn append_numbers(
        &self,
        scale: &Scale,
        batch: &Batch,
        rows: &[usize],
        entries: &mut Vec<f64>,
    ) -> Result<(), DataError> {
        let width = self.places.len();
        let first = entries.len();
        entries.resize(first + rows.len() * width, 0.0);
        // Few rows at a time, since the entries of a column lie far apart.
        for (rows, entries) in rows.chunks(TOGETHER).zip(entries[first..].chunks_mut(TOGETHER * width.max(1))) {
            for (place, &position) in self.places.iter().enumerate() {
                let Column::Numbers(values) = &batch.columns[position] else { continue };
                let fill = self.binding.fill.as_ref().map(|fill| fill[place]);
                for (entry, &row) in entries[place..].iter_mut().step_by(width).zip(rows) {
                    let value = match fill {
                        Some(fill) if values[row].is_nan() => fill,
                        _ => values[row],
                    };
                    *entry = scale.apply(place, value);
                    if !entry.is_finite() {
                        return Err(self.not_finite(batch, row, place, value));
                    }
                }
            }
        }
        Ok(())
    }

    fn not_finite(&self, batch: &Batch, row: usize, place: usize, value: f64) -> DataError {
        let problem = if value.is_nan() { "missing-value" } else { "binding-overflow" };
        self.error(problem, batch, row, place)
    }

    fn error(&self, code: &'static str, batch: &Batch, row: usize, place: usize) -> DataError {
        DataError::new(code)
            .with("symbol", &self.binding.symbol)
            .with("column", &self.binding.columns[place])
            .with("file", self.table.file().display())
            .with("place", self.table.place(batch.first_row + row))
    }

    /// The number of the class in each of these rows.
    fn class_numbers(&self, batch: &Batch, rows: &[usize]) -> Result<Vec<usize>, DataError> {
        let Column::Labels(labels) = &batch.columns[self.places[0]] else { return Ok(Vec::new()) };
        let numbers: Vec<Option<usize>> =
            labels.names.iter().map(|name| self.numbers.get(&*class_name(name)).copied()).collect();
        let number = |&row: &usize| {
            let code = labels.codes[row] as usize;
            numbers[code].ok_or_else(|| match labels.names[code].as_str() {
                "" => self.error("missing-value", batch, row, 0),
                name => self.error("label-unknown", batch, row, 0).with("found", name).with("classes", self.listed()),
            })
        };
        rows.iter().map(number).collect()
    }

    fn listed(&self) -> String {
        match self.binding.classes().unwrap_or_default() {
            [first, second, third, .., last] if self.numbers.len() > 12 => {
                format!("{first}, {second}, {third}, …, {last}")
            }
            classes => classes.join(", "),
        }
    }
}

/// The name of a class as it is written in a cell: `3.0` and `3` are one.
pub(crate) fn class_name(written: &str) -> std::borrow::Cow<'_, str> {
    match written.parse::<f64>() {
        Ok(value) if value.fract() == 0.0 && value.abs() < (1u64 << 53) as f64 => (value as i64).to_string().into(),
        _ => written.into(),
    }
}
