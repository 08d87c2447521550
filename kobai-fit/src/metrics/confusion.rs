//! Which classes are taken for which.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

/// The most classes whose matrix is printed whole.
const PRINTED_CLASSES: usize = 12;

/// How many confusions are printed where there are more classes.
const PRINTED_CONFUSIONS: usize = 10;

/// The most classes whose matrix is given to machines whole.
const LISTED_CLASSES: usize = 100;

/// How many rows of each true class were predicted as each class. Only pairs that occur take memory, so there may be as
/// many classes as a language model has tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: usize,
    /// Rows by true and predicted class.
    counts: BTreeMap<(usize, usize), u64>,
}

impl ConfusionMatrix {
    /// No rows yet, of so many classes.
    pub fn new(classes: usize) -> ConfusionMatrix {
        ConfusionMatrix { classes, counts: BTreeMap::new() }
    }

    /// Adds rows of one true and one predicted class.
    pub(super) fn add(&mut self, observed: usize, predicted: usize, rows: u64) {
        *self.counts.entry((observed, predicted)).or_default() += rows;
    }

    /// Adds the rows of another.
    pub(super) fn merge(&mut self, other: ConfusionMatrix) {
        other.counts.into_iter().for_each(|((observed, predicted), rows)| self.add(observed, predicted, rows));
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many rows of the class `observed` were predicted as the class `predicted`.
    pub fn count(&self, observed: usize, predicted: usize) -> u64 {
        self.counts.get(&(observed, predicted)).copied().unwrap_or(0)
    }

    /// The pairs of true and predicted class that occur, in their order, with the number of their rows.
    pub fn pairs(&self) -> impl Iterator<Item = ((usize, usize), u64)> {
        self.counts.iter().map(|(&pair, &rows)| (pair, rows))
    }

    /// The pairs of different classes, those of most rows first, of equals in the order of the classes.
    pub fn confusions(&self) -> Vec<((usize, usize), u64)> {
        let mut confusions: Vec<_> = self.pairs().filter(|((observed, predicted), _)| observed != predicted).collect();
        confusions.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        confusions
    }

    /// How many rows are of each class, and how many were predicted as each.
    pub(crate) fn totals(&self) -> (Vec<u64>, Vec<u64>) {
        let (mut observed_rows, mut predicted_rows) = (vec![0; self.classes], vec![0; self.classes]);
        for ((observed, predicted), rows) in self.pairs() {
            observed_rows[observed] += rows;
            predicted_rows[predicted] += rows;
        }
        (observed_rows, predicted_rows)
    }

    /// The matrix for a terminal, true classes down and predicted classes across; of more than twelve classes the ten
    /// most frequent confusions. A class without a name is shown by its number.
    pub fn text(&self, names: &[String]) -> String {
        if self.classes <= PRINTED_CLASSES { self.whole(names) } else { self.most_frequent(names) }
    }

    fn whole(&self, names: &[String]) -> String {
        let mut table = vec![vec!["true".to_owned()]];
        table[0].extend((0..self.classes).map(|class| class_name(names, class).into_owned()));
        for observed in 0..self.classes {
            // A dot lets the mistakes stand out among the zeros.
            let shown = |predicted| match self.count(observed, predicted) {
                0 => "·".to_owned(),
                rows => rows.to_string(),
            };
            let mut row = vec![class_name(names, observed).into_owned()];
            row.extend((0..self.classes).map(shown));
            table.push(row);
        }
        let first = table.iter().map(|row| row[0].width()).max().unwrap_or(0);
        format!("{}  predicted\n{}", " ".repeat(first), aligned(&table))
    }

    fn most_frequent(&self, names: &[String]) -> String {
        let confusions = self.confusions();
        if confusions.is_empty() {
            return "no class was taken for another\n".to_owned();
        }
        let mut table = vec![["true", "predicted", "rows"].map(str::to_owned).to_vec()];
        for &((observed, predicted), rows) in confusions.iter().take(PRINTED_CONFUSIONS) {
            let (observed, predicted) = (class_name(names, observed), class_name(names, predicted));
            table.push(vec![observed.into_owned(), predicted.into_owned(), rows.to_string()]);
        }
        match confusions.len() {
            pairs @ ..=PRINTED_CONFUSIONS => format!("the confusions of classes ({pairs})\n{}", aligned(&table)),
            pairs => format!("the {PRINTED_CONFUSIONS} most frequent of {pairs} confusions\n{}", aligned(&table)),
        }
    }

    /// For machines: up to a hundred classes the rows of the matrix; else a list of the pairs that occur, each true
    /// class, predicted class and number of rows.
    pub fn to_json(&self) -> Value {
        if self.classes > LISTED_CLASSES {
            let pair = |((observed, predicted), rows)| json!({"true": observed, "predicted": predicted, "rows": rows});
            return self.pairs().map(pair).collect();
        }
        let row = |observed| (0..self.classes).map(|predicted| self.count(observed, predicted)).collect::<Vec<u64>>();
        (0..self.classes).map(row).collect()
    }
}

/// The name of a class, or its number.
pub(crate) fn class_name(names: &[String], class: usize) -> Cow<'_, str> {
    names.get(class).map_or_else(|| class.to_string().into(), |name| name.as_str().into())
}

/// Rows of equally many cells, one a line: the first column on the left, the others on the right.
pub(super) fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let widest = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(widest).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let blanks = " ".repeat(width - cell.width());
            line += &if column == 0 { format!("{cell}{blanks}") } else { format!("  {blanks}{cell}") };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}
