//! What can be wrong with data, a binding or a file: a stable code, the facts by name, and sentences made from them.
//!
//! The facts ("slots") are kept apart from the sentences, so that another language needs another table of sentences and
//! nothing else.

use std::fmt;

/// An error in what the user gave: a file, a cell, a binding, a setting.
///
/// `Display` writes one English paragraph, "message: cause. fix"; [`message`](DataError::message),
/// [`cause`](DataError::cause) and [`fix`](DataError::fix) give its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataError {
    /// A stable name of the kind of error, such as `csv-not-a-number`.
    pub code: &'static str,
    /// The facts by name: `file`, `line` (counted from 1, as an editor does), `column`, `found`, …
    pub slots: Vec<(&'static str, String)>,
}

impl DataError {
    /// An error of this code with no facts yet.
    pub fn new(code: &'static str) -> DataError {
        DataError { code, slots: Vec::new() }
    }

    /// The same error with one more fact.
    pub fn with(mut self, slot: &'static str, value: impl fmt::Display) -> DataError {
        self.slots.push((slot, value.to_string()));
        self
    }

    /// The fact of this name, where the error has it.
    pub fn slot(&self, name: &str) -> Option<&str> {
        self.slots.iter().find(|(slot, _)| *slot == name).map(|(_, value)| value.as_str())
    }

    /// What is wrong and where, in English, without a full stop.
    pub fn message(&self) -> String {
        self.filled(|sentences| sentences.message)
    }

    /// Why it is wrong, one English sentence.
    pub fn cause(&self) -> String {
        self.filled(|sentences| sentences.cause)
    }

    /// What to do about it, one English sentence.
    pub fn fix(&self) -> String {
        self.filled(|sentences| sentences.fix)
    }

    /// A sentence of this error with each `{slot}` replaced by its fact, in one pass, so that a fact holding braces
    /// stays as it is.
    fn filled(&self, part: fn(&Sentences) -> &'static str) -> String {
        let Some(sentences) = ENGLISH.iter().find(|sentences| sentences.code == self.code) else {
            return self.code.to_string();
        };
        let mut text = String::new();
        let mut rest = part(sentences);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, following) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(before);
            text.push_str(self.slot(name).unwrap_or("?"));
            rest = following;
        }
        text.push_str(rest);
        text
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} {}", self.message(), self.cause(), self.fix())
    }
}

impl std::error::Error for DataError {}

/// The sentences of one code.
struct Sentences {
    code: &'static str,
    message: &'static str,
    cause: &'static str,
    fix: &'static str,
}

/// One row: code, message, cause, fix.
const fn row(code: &'static str, message: &'static str, cause: &'static str, fix: &'static str) -> Sentences {
    Sentences { code, message, cause, fix }
}

/// Every code with its English sentences.
const ENGLISH: &[Sentences] = &[
    row(
        "file-not-found",
        "the file {file} was not found",
        "There is no file of this name.",
        "Check the path; a relative path starts from the current directory.",
    ),
    row(
        "file-not-read",
        "the file {file} could not be read",
        "The system says: {reason}.",
        "Check that it is a file and that you may read it.",
    ),
    row(
        "file-not-written",
        "the file {file} could not be written",
        "The system says: {reason}.",
        "Check that its directory exists and that you may write there; what was there before is unchanged.",
    ),
    row(
        "csv-empty",
        "{file} holds no data",
        "A header with the names of the columns and at least one row of numbers are needed.",
        "Check that this is the right file.",
    ),
    row(
        "csv-no-header",
        "{file}, line {line}: the header is missing",
        "The first line holds numbers only, where the names of the columns are wanted.",
        "Add a first line such as x_0,x_1,label.",
    ),
    row(
        "csv-unnamed-column",
        "{file}, line {line}: column number {number} has no name",
        "Columns are bound by name.",
        "Give it a name in the header.",
    ),
    row(
        "csv-duplicate-column",
        "{file}, line {line}: two columns are named {column}",
        "A binding to this name could mean either.",
        "Rename one of them in the header.",
    ),
    row(
        "csv-ragged",
        "{file}, line {line}: {found} cells where the header has {expected}",
        "Every row must have one cell for each column.",
        "Look for a missing or extra comma, or a row that was cut off.",
    ),
    row(
        "csv-empty-cell",
        "{file}, line {line}, column {column}: the cell is empty",
        "A missing value would become NaN in the loss and in every gradient.",
        "Fill it in, or leave this row out of the file.",
    ),
    row(
        "csv-nan",
        "{file}, line {line}, column {column}: the cell is not a number ({found})",
        "A missing value would become NaN in the loss and in every gradient.",
        "Fill it in, or leave this row out of the file.",
    ),
    row(
        "csv-infinite",
        "{file}, line {line}, column {column}: {found} is not finite",
        "The largest number that fits is about 1.8e308, and an infinity would spread through the loss.",
        "Correct the value, or leave this row out of the file.",
    ),
    row(
        "csv-not-a-number",
        "{file}, line {line}, column {column}: \"{found}\" is not a number",
        "Cells hold decimal numbers such as 3, -0.5 or 1e-3.",
        "Correct the cell, or code a category as the integers 0, 1, 2, ….",
    ),
    row(
        "csv-malformed",
        "{file}, line {line}: this is not CSV text",
        "The reader says: {reason}.",
        "Save the file as comma-separated values in UTF-8.",
    ),
    row(
        "binding-syntax",
        "in the binding \"{text}\", at character {position}: expected {expected}, found {found}",
        "A binding reads like: x = columns a, b..f scaled by 1/16 · x = columns * except label standardised · \
         t = one-hot label of 10 · y = index label · t = column price.",
        "Write it in one of these forms; put a name that holds spaces or commas in double quotes.",
    ),
    row(
        "binding-scale",
        "in the binding \"{text}\", at character {position}: the scale {found} cannot be used",
        "A scale is a number, or one number over another, that is finite and not zero.",
        "Write for example: scaled by 1/16.",
    ),
    row(
        "binding-unknown-column",
        "{symbol} is bound to the column {column}, which {file} does not have",
        "Its columns are {columns}.",
        "The nearest name is {nearest}.",
    ),
    row(
        "binding-range-reversed",
        "{symbol} is bound to {first}..{last}, which runs backwards in {file}",
        "A range follows the order of the columns in the file, and {last} comes before {first}.",
        "Write {last}..{first}.",
    ),
    row(
        "binding-no-columns",
        "{symbol} is bound to no column of {file}",
        "Every column is excepted.",
        "Except fewer columns.",
    ),
    row(
        "binding-repeated-column",
        "{symbol} is bound to the column {column} twice",
        "Two equal columns would make the best parameters undetermined.",
        "Name it once.",
    ),
    row(
        "binding-overflow",
        "{symbol}, column {column} of {file}: the values are too large",
        "Scaling or standardising them goes beyond 1.8e308.",
        "Use another unit for this column.",
    ),
    row(
        "binding-figures",
        "the fitted binding of {symbol} has {found} columns where {expected} are wanted",
        "Its columns, means and deviations were not made together.",
        "Fit the binding again.",
    ),
    row(
        "label-not-an-integer",
        "{file}, line {line}, column {column}: the label {found} is not 0, 1, 2, …",
        "{symbol} reads this column as the number of a class.",
        "Code the classes as integers from 0, or bind a quantity with \"column {column}\".",
    ),
    row(
        "label-out-of-range",
        "{file}, line {line}, column {column}: the label {found} is too large for {classes} classes",
        "The classes of {symbol} are numbered from 0, so this label must be less than {classes}.",
        "Correct the label, or allow more classes with \"of\".",
    ),
    row(
        "label-too-many-classes",
        "{symbol} would have {rows} rows of {classes} classes, more than {limit} elements",
        "A one-hot array holds one element for every row and class.",
        "Bind the label as \"index {column}\".",
    ),
    row(
        "row-out-of-range",
        "row {row} of {file} was asked for, which has {rows} rows",
        "Rows are numbered from 0 after the header.",
        "Use the rows of a split of this file.",
    ),
    row(
        "split-fraction",
        "{found} of the rows cannot be held out",
        "The part that is held out is at least 0 and less than 1.",
        "Give a fraction such as 0.2.",
    ),
    row(
        "split-no-training-rows",
        "no row of {rows} is left for training",
        "{held_out} of them would be held out.",
        "Hold out a smaller part, or use more data.",
    ),
    row(
        "plot-extension",
        "{file} is neither .svg nor .png",
        "The form of a plot follows from the end of its file's name.",
        "Name the file with .svg or .png.",
    ),
    row(
        "plot-nothing-to-draw",
        "there is no curve to draw in {file}",
        "A curve needs at least one iteration with a finite loss.",
        "Look at the first loss: it may not be finite where the fit starts.",
    ),
    row(
        "plot-not-finite",
        "there is no graph to draw in {file}",
        "No function has a finite value at any of the points tried.",
        "Choose an interval in which the functions are defined.",
    ),
    row(
        "plot-not-drawn",
        "the plot {file} could not be drawn",
        "The drawing says: {reason}.",
        "Try the other form, .svg or .png; what was there before is unchanged.",
    ),
    row(
        "saved-name",
        "the array name \"{name}\" cannot be saved in {file}",
        "Each array has a name of its own, and __metadata__ is taken by the file's form.",
        "Rename the parameter.",
    ),
    row(
        "saved-shape",
        "the array {name} cannot be saved in {file}",
        "It has {found} elements, which its shape {shape} does not hold.",
        "Give the array as many elements as the product of its shape.",
    ),
    row(
        "saved-malformed",
        "{file} is not a whole safetensors file",
        "The reader says: {reason}.",
        "Check that this is the right file, and that it was copied in full.",
    ),
    row(
        "saved-element-type",
        "the array {name} in {file} holds elements of type {found}",
        "Parameters are kept as F64, and labels as I64.",
        "Convert the array to F64.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_row_of_whole_sentences() {
        for sentences in ENGLISH {
            assert_eq!(ENGLISH.iter().filter(|other| other.code == sentences.code).count(), 1, "{}", sentences.code);
            assert!(sentences.cause.ends_with('.') && sentences.fix.ends_with('.'), "{}", sentences.code);
            assert!(!sentences.message.ends_with('.'), "{}", sentences.code);
        }
    }

    #[test]
    fn a_fact_that_holds_braces_is_left_alone() {
        let error = DataError::new("csv-not-a-number")
            .with("file", "{line}.csv")
            .with("line", 3)
            .with("column", "a")
            .with("found", "{b}");
        assert_eq!(error.message(), "{line}.csv, line 3, column a: \"{b}\" is not a number");
    }
}
