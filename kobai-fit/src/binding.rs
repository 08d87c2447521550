//! Which columns of a table a symbol of the loss stands for, and the arrays made from them.
//!
//! A binding is written `x = columns pixel_0..pixel_63 scaled by 1/16`, read by [`Binding::parse`], then fitted to a
//! table ([`Binding::fit`]), which settles everything that depends on the data: names, the number of classes, means and
//! deviations. A [`FittedBinding`] makes arrays of any rows, of this table or of another with the same columns.

use std::fmt;

use crate::array::Array;
use crate::binding_text;
use crate::error::DataError;
use crate::table::Table;

/// The most elements a one-hot array may have, 2 GiB of them: more is surely a label taken for something else.
const ONE_HOT_LIMIT: usize = 1 << 28;

/// A symbol and what it stands for, as written.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// The symbol of the loss, such as `x`.
    pub symbol: String,
    /// What it stands for.
    pub source: Source,
}

/// What a symbol stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Several columns: a matrix of shape rows × columns.
    Columns {
        /// Which columns.
        selection: Selection,
        /// How their values are scaled.
        scaling: Scaling,
    },
    /// One column: a vector with one element a row.
    Column {
        /// Its name.
        name: String,
        /// How its values are scaled.
        scaling: Scaling,
    },
    /// A column of class numbers as indicators: a matrix of shape rows × classes with a single 1 in each row.
    OneHot {
        /// The column with the class numbers 0, 1, 2, ….
        label: String,
        /// The number of classes, or one more than the largest label in the whole table.
        classes: Option<usize>,
    },
    /// A column of class numbers as they are: a vector of integers.
    Index {
        /// The column with the class numbers 0, 1, 2, ….
        label: String,
    },
}

/// Which columns are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// These, in the order written.
    Listed(Vec<ColumnItem>),
    /// Every column of the table but these, in the order of the table.
    AllExcept(Vec<String>),
}

/// One part of a list of columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnItem {
    /// The column of this name.
    Name(String),
    /// The columns from one to another in the order of the table, both included.
    Range {
        /// The first.
        first: String,
        /// The last.
        last: String,
    },
}

/// How values are scaled before use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scaling {
    /// Not at all.
    None,
    /// Times this factor.
    By(f64),
    /// To mean zero and population variance one on the training rows; a column that is constant there becomes 0.
    Standardised,
}

impl Binding {
    /// Reads a binding in one of these forms:
    ///
    /// - `x = columns a, b..f`, `x = columns * except label`: a matrix
    /// - `t = column price`: a vector
    /// - `t = one-hot label`, `t = one-hot label of 10`: indicators of the class
    /// - `y = index label`: the class as an integer
    ///
    /// The first two may end in `scaled by 1/16` (a number, or one over another) or `standardised`. A name that holds
    /// spaces, commas or `..` is put in double quotes.
    ///
    /// # Errors
    /// `binding-syntax` and `binding-scale`, with the character where reading stopped.
    pub fn parse(text: &str) -> Result<Binding, DataError> {
        binding_text::parse(text)
    }

    /// Settles what depends on the data: the columns and the number of classes by the whole table, means and deviations
    /// by the rows `training` (counted from 0) only, so that the held-out rows stay unseen.
    ///
    /// # Errors
    /// `binding-unknown-column`, `binding-range-reversed`, `binding-repeated-column`, `binding-no-columns`,
    /// `binding-overflow`, `label-not-an-integer`, `label-out-of-range`, `label-too-many-classes`, `row-out-of-range`.
    pub fn fit(&self, table: &Table, training: &[usize]) -> Result<FittedBinding, DataError> {
        check_rows(table, training)?;
        let (columns, encoding) = match &self.source {
            Source::Columns { selection, scaling } => {
                let columns = self.selected(table, selection)?;
                let scale = self.scale(table, &columns, *scaling, training)?;
                (columns, Encoding::Matrix(scale))
            }
            Source::Column { name, scaling } => {
                let columns = vec![find(&self.symbol, table, name)?];
                let scale = self.scale(table, &columns, *scaling, training)?;
                (columns, Encoding::Vector(scale))
            }
            Source::OneHot { label, classes } => {
                let column = find(&self.symbol, table, label)?;
                let classes = classes_of(&self.symbol, table, column, *classes)?;
                check_one_hot(&self.symbol, label, table.rows, classes)?;
                (vec![column], Encoding::OneHot { classes })
            }
            Source::Index { label } => {
                let column = find(&self.symbol, table, label)?;
                (vec![column], Encoding::Index { classes: classes_of(&self.symbol, table, column, None)? })
            }
        };
        let columns = columns.iter().map(|&column| table.names[column].clone()).collect();
        Ok(FittedBinding { symbol: self.symbol.clone(), columns, encoding })
    }

    /// The positions of the selected columns.
    fn selected(&self, table: &Table, selection: &Selection) -> Result<Vec<usize>, DataError> {
        let mut columns = Vec::new();
        match selection {
            Selection::Listed(items) => {
                for item in items {
                    columns.extend(self.positions(table, item)?);
                }
            }
            Selection::AllExcept(names) => {
                let mut except = Vec::new();
                for name in names {
                    except.push(find(&self.symbol, table, name)?);
                }
                columns.extend((0..table.names.len()).filter(|column| !except.contains(column)));
            }
        }
        let mut taken = vec![false; table.names.len()];
        for &column in &columns {
            if std::mem::replace(&mut taken[column], true) {
                return Err(self.error("binding-repeated-column", table).with("column", &table.names[column]));
            }
        }
        if columns.is_empty() {
            return Err(self.error("binding-no-columns", table));
        }
        Ok(columns)
    }

    /// The positions of one part of a list.
    fn positions(&self, table: &Table, item: &ColumnItem) -> Result<std::ops::RangeInclusive<usize>, DataError> {
        match item {
            ColumnItem::Name(name) => find(&self.symbol, table, name).map(|position| position..=position),
            ColumnItem::Range { first, last } => {
                let (from, to) = (find(&self.symbol, table, first)?, find(&self.symbol, table, last)?);
                if from > to {
                    return Err(self.error("binding-range-reversed", table).with("first", first).with("last", last));
                }
                Ok(from..=to)
            }
        }
    }

    /// The scale of these columns, measured on the training rows where that is asked for.
    fn scale(
        &self,
        table: &Table,
        columns: &[usize],
        scaling: Scaling,
        training: &[usize],
    ) -> Result<Scale, DataError> {
        match scaling {
            Scaling::None => Ok(Scale::None),
            Scaling::By(factor) => Ok(Scale::By(factor)),
            Scaling::Standardised => {
                let (mut means, mut deviations) = (Vec::new(), Vec::new());
                for &column in columns {
                    let (mean, deviation) = mean_and_deviation(&table.columns[column], training);
                    if !mean.is_finite() || !deviation.is_finite() {
                        return Err(self.error("binding-overflow", table).with("column", &table.names[column]));
                    }
                    means.push(mean);
                    deviations.push(deviation);
                }
                Ok(Scale::Standardised { means, deviations })
            }
        }
    }

    /// An error about this symbol and this table.
    fn error(&self, code: &'static str, table: &Table) -> DataError {
        DataError::new(code).with("symbol", &self.symbol).with("file", table.file.display())
    }
}

/// A binding with everything settled that depends on the data.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedBinding {
    /// The symbol of the loss.
    pub symbol: String,
    /// The names of the columns it is made of, in their order.
    pub columns: Vec<String>,
    /// How their values become an array.
    pub encoding: Encoding,
}

/// How the values of columns become an array.
#[derive(Debug, Clone, PartialEq)]
pub enum Encoding {
    /// Shape rows × columns.
    Matrix(Scale),
    /// One column; shape rows.
    Vector(Scale),
    /// One column; shape rows × classes, a single 1 in each row.
    OneHot {
        /// The number of classes.
        classes: usize,
    },
    /// One column; shape rows, integers.
    Index {
        /// The number of classes, one more than the largest label.
        classes: usize,
    },
}

/// How values are scaled, with the figures measured on the training rows.
#[derive(Debug, Clone, PartialEq)]
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
    /// The array for these rows (counted from 0) of a table, which may be another table than the one fitted to.
    ///
    /// # Errors
    /// `binding-unknown-column`, `binding-overflow`, `binding-figures`, `label-not-an-integer`, `label-out-of-range`,
    /// `label-too-many-classes`, `row-out-of-range`.
    pub fn apply(&self, table: &Table, rows: &[usize]) -> Result<Array, DataError> {
        check_rows(table, rows)?;
        let mut columns = Vec::new();
        for name in &self.columns {
            columns.push(find(&self.symbol, table, name)?);
        }
        self.check_figures()?;
        match &self.encoding {
            Encoding::Matrix(scale) => {
                let shape = vec![rows.len(), columns.len()];
                Ok(Array { shape, data: self.scaled(table, &columns, rows, scale)?, integer: false })
            }
            Encoding::Vector(scale) => {
                let data = self.scaled(table, &columns, rows, scale)?;
                Ok(Array { shape: vec![rows.len()], data, integer: false })
            }
            Encoding::OneHot { classes } => {
                check_one_hot(&self.symbol, &self.columns[0], rows.len(), *classes)?;
                let labels = self.labels(table, columns[0], rows, *classes)?;
                let mut data = vec![0.0; rows.len() * classes];
                for (row, label) in labels.into_iter().enumerate() {
                    data[row * classes + label] = 1.0;
                }
                Ok(Array { shape: vec![rows.len(), *classes], data, integer: false })
            }
            Encoding::Index { classes } => {
                let labels = self.labels(table, columns[0], rows, *classes)?;
                let data = labels.into_iter().map(|label| label as f64).collect();
                Ok(Array { shape: vec![rows.len()], data, integer: true })
            }
        }
    }

    /// The scaled values of these columns, row by row.
    fn scaled(&self, table: &Table, columns: &[usize], rows: &[usize], scale: &Scale) -> Result<Vec<f64>, DataError> {
        let mut data = Vec::with_capacity(rows.len() * columns.len());
        for &row in rows {
            for (place, &column) in columns.iter().enumerate() {
                let value = scale.apply(place, table.columns[column][row]);
                if !value.is_finite() {
                    return Err(DataError::new("binding-overflow")
                        .with("symbol", &self.symbol)
                        .with("column", &table.names[column])
                        .with("file", table.file.display()));
                }
                data.push(value);
            }
        }
        Ok(data)
    }

    /// The class numbers in a column of labels.
    fn labels(&self, table: &Table, column: usize, rows: &[usize], classes: usize) -> Result<Vec<usize>, DataError> {
        rows.iter().map(|&row| label_at(&self.symbol, table, column, row, Some(classes))).collect()
    }

    /// A fitted binding may come from a file: it must have the columns that its encoding speaks of.
    fn check_figures(&self) -> Result<(), DataError> {
        let found = self.columns.len();
        let (matrix, scale) = match &self.encoding {
            Encoding::Matrix(scale) => (true, scale),
            Encoding::Vector(scale) => (false, scale),
            Encoding::OneHot { .. } | Encoding::Index { .. } => (false, &Scale::None),
        };
        let expected = match scale {
            Scale::Standardised { means, deviations } if matrix => means.len().max(deviations.len()),
            _ if matrix => found,
            _ => 1,
        };
        let whole = match scale {
            Scale::Standardised { means, deviations } => means.len() == expected && deviations.len() == expected,
            Scale::None | Scale::By(_) => true,
        };
        if found == expected && whole {
            return Ok(());
        }
        Err(DataError::new("binding-figures")
            .with("symbol", &self.symbol)
            .with("found", found)
            .with("expected", expected))
    }
}

/// The mean and the square root of the population variance of these rows of a column.
fn mean_and_deviation(column: &[f64], rows: &[usize]) -> (f64, f64) {
    let values = || rows.iter().map(|&row| column[row]);
    let Some(first) = values().next() else {
        return (0.0, 0.0);
    };
    // The mean of equal numbers may miss them by a rounding, which dividing by the deviation would blow up to ±1.
    if values().all(|value| value == first) {
        return (first, 0.0);
    }
    let count = rows.len() as f64;
    let mean = values().sum::<f64>() / count;
    let variance = values().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
    (mean, variance.sqrt())
}

/// The number of classes in a column of labels: what is `given`, or one more than the largest label of the table.
fn classes_of(symbol: &str, table: &Table, column: usize, given: Option<usize>) -> Result<usize, DataError> {
    let mut largest = 0;
    for row in 0..table.rows {
        largest = largest.max(label_at(symbol, table, column, row, given)?);
    }
    Ok(given.unwrap_or(largest + 1))
}

/// The label in one cell, less than `classes` where that is given.
fn label_at(
    symbol: &str,
    table: &Table,
    column: usize,
    row: usize,
    classes: Option<usize>,
) -> Result<usize, DataError> {
    let value = table.columns[column][row];
    let error = |code| {
        DataError::new(code)
            .with("symbol", symbol)
            .with("file", table.file.display())
            .with("line", table.lines[row])
            .with("column", &table.names[column])
            .with("found", value)
    };
    // From 2⁵³ on, neighbouring integers are the same number.
    if value < 0.0 || value.fract() != 0.0 || value >= (1u64 << 53) as f64 {
        return Err(error("label-not-an-integer"));
    }
    let label = value as usize;
    match classes {
        Some(classes) if label >= classes => Err(error("label-out-of-range").with("classes", classes)),
        _ => Ok(label),
    }
}

/// A one-hot array must be of a size that somebody could mean.
fn check_one_hot(symbol: &str, label: &str, rows: usize, classes: usize) -> Result<(), DataError> {
    if rows.checked_mul(classes).is_some_and(|elements| elements <= ONE_HOT_LIMIT) {
        return Ok(());
    }
    Err(DataError::new("label-too-many-classes")
        .with("symbol", symbol)
        .with("rows", rows)
        .with("classes", classes)
        .with("limit", ONE_HOT_LIMIT)
        .with("column", label))
}

/// The position of a column, or an error that names the nearest one.
fn find(symbol: &str, table: &Table, name: &str) -> Result<usize, DataError> {
    table.position(name).ok_or_else(|| {
        let nearest = table.names.iter().min_by_key(|other| edit_distance(name, other));
        DataError::new("binding-unknown-column")
            .with("symbol", symbol)
            .with("column", name)
            .with("file", table.file.display())
            .with("columns", Listed(&table.names))
            .with("nearest", nearest.map_or("", String::as_str))
    })
}

/// Rows must be rows of the table.
fn check_rows(table: &Table, rows: &[usize]) -> Result<(), DataError> {
    match rows.iter().find(|&&row| row >= table.rows) {
        None => Ok(()),
        Some(row) => Err(DataError::new("row-out-of-range")
            .with("row", row)
            .with("file", table.file.display())
            .with("rows", table.rows)),
    }
}

/// Names one after another, a long list with its middle left out.
struct Listed<'names>(&'names [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [first, second, third, .., last] if self.0.len() > 8 => {
                write!(formatter, "{first}, {second}, {third}, …, {last}")
            }
            names => formatter.write_str(&names.join(", ")),
        }
    }
}

/// The least number of characters to insert, delete or replace that makes one text the other (Levenshtein 1966).
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut distances: Vec<usize> = (0..=to.len()).collect();
    for (row, character) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut distances[0], row + 1);
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(character != *other);
            diagonal = distances[column + 1];
            distances[column + 1] = replaced.min(diagonal + 1).min(distances[column] + 1);
        }
    }
    distances[to.len()]
}
