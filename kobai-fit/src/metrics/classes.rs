//! How predicted classes fit the true ones.

use serde_json::{Value, json};
use twofloat::TwoFloat;

use super::confusion::{ConfusionMatrix, aligned, class_name};
use super::ranking::AreaUnderCurve;
use super::{json_number, json_option};
use crate::error::DataError;

/// Rows whose entries miss a sum of one by more than this are scores, not probabilities.
const SUM_TOLERANCE: f64 = 1e-6;

/// Accumulates rows of true classes and predictions.
///
/// A prediction is a score or a probability for each class, or for two classes the probability of the second alone. The
/// class predicted is the one of the largest entry, of equals the first, and of a single entry the second class from a
/// half on.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassMetrics {
    confusion: ConfusionMatrix,
    rows: u64,
    /// Rows in which a prediction is not a number.
    without_prediction: u64,
    /// Whether all predictions so far are probabilities.
    are_probabilities: bool,
    /// Σ −log p of the true class where p > 0, over rows of probabilities.
    negative_log_likelihood: TwoFloat,
    /// Rows whose true class has the probability 0.
    zero_probability: u64,
    /// Of two classes, the entries of the first and the second and whether the second is the true one.
    pairs: Vec<(f64, f64, bool)>,
}

/// What the rows of a [`ClassMetrics`] come to.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassSummary {
    /// How many rows.
    pub rows: u64,
    /// How many rows have the class that was predicted.
    pub right: u64,
    /// How many rows have no predicted class, because a prediction is not a number. They count as wrong.
    pub without_prediction: u64,
    /// The mean of −log p of the true class in natural units; infinite where one was zero. None where a row is no
    /// probabilities: an entry is negative, or their sum is off one by more than 10⁻⁶.
    pub log_loss: Option<f64>,
    /// How many rows had the probability 0 for their true class.
    pub zero_probability: u64,
    /// For two classes, the [area under the receiver operating characteristic](AreaUnderCurve), with the second class as
    /// the positive one. None where all rows are of one class or one is without a prediction.
    pub area_under_curve: Option<f64>,
    /// Which classes were taken for which.
    pub confusion: ConfusionMatrix,
    /// The figures of each class.
    pub scores: Vec<ClassScores>,
}

/// How well one class is predicted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassScores {
    /// How many rows are of the class.
    pub rows: u64,
    /// How many rows were predicted as the class.
    pub predicted: u64,
    /// The share of the rows predicted as the class that are of it; none where none was.
    pub precision: Option<f64>,
    /// The share of the rows of the class that were predicted as it; none where there are none.
    pub recall: Option<f64>,
    /// The harmonic mean of precision and recall; none where both are.
    pub f1: Option<f64>,
}

impl ClassMetrics {
    /// No rows yet, of so many classes.
    pub fn new(classes: usize) -> ClassMetrics {
        ClassMetrics {
            confusion: ConfusionMatrix::new(classes),
            rows: 0,
            without_prediction: 0,
            are_probabilities: true,
            negative_log_likelihood: TwoFloat::from(0.0),
            zero_probability: 0,
            pairs: Vec::new(),
        }
    }

    /// Adds rows: the number of the true class of each, counted from 0, and its predictions, rows × classes, or for two
    /// classes also rows alone.
    ///
    /// # Errors
    /// `metrics-shape` where predictions do not fit the rows, `metrics-class` for a label that is no class; nothing is
    /// added then.
    pub fn push(&mut self, labels: &[usize], predictions: &[f64]) -> Result<(), DataError> {
        let classes = self.confusion.classes();
        let width = match predictions.len() {
            length if length == labels.len() * classes => classes,
            length if length == labels.len() && classes == 2 => 1,
            length => {
                let error = DataError::new("metrics-shape").with("rows", labels.len());
                return Err(error.with("expected", labels.len() * classes).with("found", length));
            }
        };
        if let Some(row) = labels.iter().position(|&label| label >= classes) {
            let error = DataError::new("metrics-class").with("row", self.rows + row as u64 + 1);
            return Err(error.with("found", labels[row]).with("classes", classes));
        }
        labels.iter().zip(predictions.chunks(width.max(1))).for_each(|(&label, row)| self.push_row(label, row));
        Ok(())
    }

    fn push_row(&mut self, label: usize, row: &[f64]) {
        self.rows += 1;
        if row.iter().any(|entry| entry.is_nan()) {
            self.without_prediction += 1;
            return;
        }
        let classes = self.confusion.classes();
        let predicted = match row {
            &[second] if classes == 2 => usize::from(second >= 0.5),
            row => largest(row),
        };
        self.confusion.add(label, predicted, 1);
        self.are_probabilities &= are_probabilities(row, classes);
        if self.are_probabilities {
            match negative_log_likelihood(label, row, classes) {
                f64::INFINITY => self.zero_probability += 1,
                surprise => self.negative_log_likelihood += surprise,
            }
        }
        match *row {
            [second] if classes == 2 => self.pairs.push((0.0, second, label == 1)),
            [first, second] => self.pairs.push((first, second, label == 1)),
            _ => {}
        }
    }

    /// Adds the rows of another.
    ///
    /// # Panics
    /// Where the numbers of classes differ.
    pub fn merge(&mut self, other: ClassMetrics) {
        assert_eq!(self.confusion.classes(), other.confusion.classes(), "metrics of different numbers of classes");
        self.confusion.merge(other.confusion);
        self.rows += other.rows;
        self.without_prediction += other.without_prediction;
        self.are_probabilities &= other.are_probabilities;
        self.negative_log_likelihood += other.negative_log_likelihood;
        self.zero_probability += other.zero_probability;
        self.pairs.extend(other.pairs);
    }

    /// What the rows come to.
    pub fn summary(self) -> ClassSummary {
        let right = (0..self.confusion.classes()).map(|class| self.confusion.count(class, class)).sum();
        let has_log_loss = self.are_probabilities && self.without_prediction == 0 && self.rows > 0;
        let mean = (self.negative_log_likelihood / self.rows as f64).into();
        let log_loss = has_log_loss.then_some(if self.zero_probability > 0 { f64::INFINITY } else { mean });
        ClassSummary {
            rows: self.rows,
            right,
            without_prediction: self.without_prediction,
            log_loss,
            zero_probability: if has_log_loss { self.zero_probability } else { 0 },
            area_under_curve: self.area_under_curve(),
            scores: scores(&self.confusion),
            confusion: self.confusion,
        }
    }

    fn area_under_curve(&self) -> Option<f64> {
        if self.without_prediction > 0 {
            return None;
        }
        let mut area = AreaUnderCurve::default();
        for &(first, second, is_second) in &self.pairs {
            let score = match self.are_probabilities {
                // A difference would round away what tells two small probabilities apart.
                true => second,
                // So that equal infinities tie.
                false if first == second => 0.0,
                false => second - first,
            };
            area.push(score, is_second);
        }
        area.value()
    }
}

impl ClassSummary {
    /// The share of rows that have the class that was predicted; not a number without rows.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.rows as f64
    }

    /// The log-loss in words: its value, or why it is infinite.
    pub fn log_loss_text(&self) -> Option<String> {
        Some(match self.log_loss? {
            f64::INFINITY => {
                format!("infinite: the true class of {} of {} rows has probability 0", self.zero_probability, self.rows)
            }
            loss => format!("{loss:.6}"),
        })
    }

    /// The figures of each class as a table for a terminal. A class without a name is shown by its number, a figure that
    /// does not exist by a dash.
    pub fn text(&self, names: &[String]) -> String {
        let mut table = vec![["class", "rows", "precision", "recall", "F1"].map(str::to_owned).to_vec()];
        let figure = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
        for (class, scores) in self.scores.iter().enumerate() {
            let figures = [scores.precision, scores.recall, scores.f1].map(figure);
            let mut row = vec![class_name(names, class).into_owned(), scores.rows.to_string()];
            row.extend(figures);
            table.push(row);
        }
        aligned(&table)
    }

    /// For machines.
    pub fn to_json(&self) -> Value {
        let class = |scores: &ClassScores| {
            json!({
                "rows": scores.rows,
                "predicted": scores.predicted,
                "precision": scores.precision,
                "recall": scores.recall,
                "f1": scores.f1,
            })
        };
        json!({
            "rows": self.rows,
            "without_prediction": self.without_prediction,
            "accuracy": json_number(self.accuracy()),
            "log_loss": json_option(self.log_loss),
            "zero_probability": self.zero_probability,
            "area_under_curve": self.area_under_curve,
            "per_class": self.scores.iter().map(class).collect::<Vec<_>>(),
            "confusion": self.confusion.to_json(),
        })
    }
}

fn scores(confusion: &ConfusionMatrix) -> Vec<ClassScores> {
    let (rows, predicted) = confusion.totals();
    let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    let of_class = |(class, (rows, predicted))| {
        let right = confusion.count(class, class);
        let f1 = share(2 * right, rows + predicted);
        ClassScores { rows, predicted, precision: share(right, predicted), recall: share(right, rows), f1 }
    };
    rows.into_iter().zip(predicted).enumerate().map(of_class).collect()
}

/// Whether a row is probabilities of so many classes.
fn are_probabilities(row: &[f64], classes: usize) -> bool {
    match row {
        &[second] if classes == 2 => (0.0..=1.0).contains(&second),
        row => row.iter().all(|&entry| entry >= 0.0) && (row.iter().sum::<f64>() - 1.0).abs() <= SUM_TOLERANCE,
    }
}

/// −log p of the true class of a row of probabilities.
fn negative_log_likelihood(label: usize, row: &[f64], classes: usize) -> f64 {
    match row {
        // The logarithm of 1 − p keeps the digits of a small p.
        &[second] if classes == 2 && label == 0 => -(-second).ln_1p(),
        &[second] if classes == 2 => -second.ln(),
        row => -row[label].ln(),
    }
}

/// The place of the largest entry, of equals the first.
pub fn largest(row: &[f64]) -> usize {
    let larger = |best: usize, place: usize| if row[place] > row[best] { place } else { best };
    (0..row.len()).reduce(larger).unwrap_or(0)
}
