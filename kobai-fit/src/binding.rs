//! Which columns of a table a symbol of the loss stands for, as written.
//!
//! A binding is written `x = columns pixel_0..pixel_63 scaled by 1/16` or `x = pixel_*`, and read by [`Binding::parse`].
//! [`Binding::choose`] finds its columns among those of a table. What depends on the rows (classes, means, deviations) is
//! settled later, in an [`Encoding`](crate::encoding::Encoding).

use std::fmt;
use std::ops::RangeInclusive;

use crate::binding_text;
use crate::error::DataError;
use crate::source::{Kind, Source};

/// A symbol and what it stands for, as written.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// The symbol of the loss, such as `x`.
    pub symbol: String,
    /// What it stands for.
    pub meaning: Meaning,
}

/// What a symbol stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Meaning {
    /// A number that does not come from the table.
    Number(f64),
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
    /// A column of classes as indicators: a matrix of shape rows × classes with a single 1 in each row.
    OneHot {
        /// The column with the classes.
        label: String,
        /// The number of classes, or as many as the whole table shows.
        classes: Option<usize>,
    },
    /// A column of classes as their numbers, counted from 0: a vector of integers.
    Index {
        /// The column with the classes.
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
    /// The columns whose names match, in the order of the table: `*` stands for any characters.
    Pattern(String),
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
    /// - `x = columns a, b..f`, `x = columns * except label`, `x = pixel_*`, `x = standardise(a, b)`: a matrix
    /// - `t = column price`, `t = price`, `t = standardise(price)`: a vector
    /// - `t = onehot(label)`, `t = onehot(label, 10)`, `t = one-hot label`, `t = one-hot label of 10`: indicators of the class
    /// - `y = index(label)`, `y = index label`: the class as an integer
    /// - `lambda = 0.01`, `lambda = 1/16`: a number
    ///
    /// Columns may end in `scaled by 1/16` (a number, or one over another) or `standardised`. A name that holds spaces,
    /// commas or `..` is put in double quotes.
    ///
    /// # Errors
    /// `binding-syntax` and `binding-scale`, with the character where reading stopped.
    pub fn parse(text: &str) -> Result<Binding, DataError> {
        binding_text::parse(text)
    }

    /// The positions of its columns in a table, in the order of the binding; none for a number.
    ///
    /// # Errors
    /// `binding-unknown-column`, `binding-range-reversed`, `binding-repeated-column`, `binding-no-columns`.
    pub fn choose(&self, table: &Source) -> Result<Vec<usize>, DataError> {
        match &self.meaning {
            Meaning::Number(_) => Ok(Vec::new()),
            Meaning::Columns { selection, .. } => self.selected(table, selection),
            Meaning::Column { name, .. } => Ok(vec![find(&self.symbol, table, name)?]),
            Meaning::OneHot { label, .. } | Meaning::Index { label } => Ok(vec![find(&self.symbol, table, label)?]),
        }
    }

    /// Whether it reads numbers or classes.
    pub fn kind(&self) -> Kind {
        match &self.meaning {
            Meaning::OneHot { .. } | Meaning::Index { .. } => Kind::Label,
            Meaning::Number(_) | Meaning::Columns { .. } | Meaning::Column { .. } => Kind::Number,
        }
    }

    /// The rank of the array that it becomes.
    pub fn rank(&self) -> usize {
        match &self.meaning {
            Meaning::Number(_) => 0,
            Meaning::Column { .. } | Meaning::Index { .. } => 1,
            Meaning::Columns { .. } | Meaning::OneHot { .. } => 2,
        }
    }

    /// The positions of the selected columns.
    fn selected(&self, table: &Source, selection: &Selection) -> Result<Vec<usize>, DataError> {
        let mut columns = Vec::new();
        match selection {
            Selection::Listed(items) => {
                for item in items {
                    columns.extend(self.positions(table, item)?);
                }
            }
            Selection::AllExcept(names) => {
                let except: Vec<usize> =
                    names.iter().map(|name| find(&self.symbol, table, name)).collect::<Result<_, _>>()?;
                columns.extend((0..table.names().len()).filter(|column| !except.contains(column)));
            }
        }
        let mut taken = vec![false; table.names().len()];
        for &column in &columns {
            if std::mem::replace(&mut taken[column], true) {
                return Err(self.error("binding-repeated-column", table).with("column", &table.names()[column]));
            }
        }
        if columns.is_empty() {
            return Err(self.error("binding-no-columns", table).with("cause", "Every column is excepted."));
        }
        Ok(columns)
    }

    /// The positions of one part of a list.
    fn positions(&self, table: &Source, item: &ColumnItem) -> Result<Vec<usize>, DataError> {
        match item {
            ColumnItem::Name(name) => find(&self.symbol, table, name).map(|position| vec![position]),
            ColumnItem::Range { first, last } => self.range(table, first, last).map(Iterator::collect),
            ColumnItem::Pattern(pattern) => {
                let matching = |(position, name): (usize, &String)| matches(pattern, name).then_some(position);
                let found: Vec<usize> = table.names().iter().enumerate().filter_map(matching).collect();
                if found.is_empty() {
                    let cause = format!("No name matches {pattern}; there are {}.", Listed(table.names()));
                    return Err(self.error("binding-no-columns", table).with("cause", cause));
                }
                Ok(found)
            }
        }
    }

    fn range(&self, table: &Source, first: &str, last: &str) -> Result<RangeInclusive<usize>, DataError> {
        let (from, to) = (find(&self.symbol, table, first)?, find(&self.symbol, table, last)?);
        if from > to {
            return Err(self.error("binding-range-reversed", table).with("first", first).with("last", last));
        }
        Ok(from..=to)
    }

    /// An error about this symbol and this table.
    fn error(&self, code: &'static str, table: &Source) -> DataError {
        DataError::new(code).with("symbol", &self.symbol).with("file", table.file().display())
    }
}

/// Whether a name is the pattern with something, or nothing, for each `*`.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(place) = rest.find(part) else { return false };
        rest = &rest[place + part.len()..];
    }
    rest.ends_with(last)
}

/// The position of a column, or an error that names the nearest one.
pub(crate) fn find(symbol: &str, table: &Source, name: &str) -> Result<usize, DataError> {
    table.position(name).ok_or_else(|| {
        let nearest = table.names().iter().min_by_key(|other| edit_distance(name, other));
        DataError::new("binding-unknown-column")
            .with("symbol", symbol)
            .with("column", name)
            .with("file", table.file().display())
            .with("columns", Listed(table.names()))
            .with("nearest", nearest.map_or("", String::as_str))
    })
}

/// Names one after another, a long list with its middle left out.
pub(crate) struct Listed<'names>(pub &'names [String]);

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
