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
        "format-unknown",
        "the format of {file} is not known",
        "The ending of its name is none of a table's.",
        "Say --format with one of {formats}.",
    ),
    row(
        "table-empty",
        "{file} holds no data",
        "Names of columns and at least one row are needed.",
        "Check that this is the right file.",
    ),
    row(
        "table-unnamed-column",
        "{file}: column number {number} has no name",
        "Columns are bound by name.",
        "Give it a name.",
    ),
    row(
        "table-duplicate-column",
        "{file}: two columns are named {column}",
        "A binding to this name could mean either.",
        "Rename one of them.",
    ),
    row(
        "table-malformed",
        "{file} cannot be read as {format}",
        "{reason}.",
        "Check that the file is whole, of this format, and in UTF-8 if it is text; --format names another format.",
    ),
    row(
        "csv-no-header",
        "{file}: the header is missing",
        "The first line holds numbers only, where the names of the columns are wanted.",
        "Add a first line such as x_0,x_1,label.",
    ),
    row(
        "csv-ragged",
        "{file}, {place}: {found} cells where the header has {expected}",
        "Every row must have one cell for each column.",
        "Look for a missing or extra comma, or a row that was cut off.",
    ),
    row(
        "cell-not-a-number",
        "{file}, {place}, column {column}: \"{found}\" is not a number",
        "Cells of a quantity hold decimal numbers such as 3, -0.5 or 1e-3.",
        "Correct the cell, or bind a column of classes with onehot({column}) or index({column}).",
    ),
    row(
        "cell-decimal-comma",
        "{file}, {place}, column {column}: \"{found}\" has a decimal comma",
        "Numbers are read with a decimal point.",
        "Write the file again with decimal points.",
    ),
    row(
        "cell-infinite",
        "{file}, {place}, column {column}: the number {found} is infinite",
        "An infinite value would become NaN in the loss or in a gradient.",
        "Correct the cell, or leave it empty and say --missing drop or --missing mean.",
    ),
    row(
        "cell-not-exact",
        "{file}, {place}, column {column}: the integer {found} is too large",
        "From 2^53 on, neighbouring integers are the same number in 64 bits.",
        "If it names a class, write it as text.",
    ),
    row(
        "cell-not-text",
        "{file}, {place}, column {column}: the text is not in UTF-8",
        "It reads {found}.",
        "Write the file again in UTF-8.",
    ),
    row(
        "column-type",
        "{file}, column {column}: its type is {found}, where {wanted} are wanted",
        "Numbers are integers, floating-point numbers and booleans; classes may also be text.",
        "Convert the column, or bind another.",
    ),
    row(
        "array-axes",
        "{file}: the array {name} has {found} axes",
        "A column has one axis, and several columns together have two.",
        "Reshape it to rows × columns.",
    ),
    row(
        "array-rows",
        "{file}: {name} has {found} rows where {other} has {expected}",
        "All columns of a table have the same rows.",
        "Leave out of the file what is no column of this table.",
    ),
    row(
        "binding-syntax",
        "in the binding \"{text}\", at character {position}: expected {expected}, found {found}",
        "A binding reads like: x = pixel_* · x = columns a, b..f scaled by 1/16 · x = standardise(age, income) · \
         t = onehot(label) · y = index(label) · t = price · lambda = 0.01.",
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
        "{cause}",
        "Write another selection of columns.",
    ),
    row(
        "binding-repeated-column",
        "{symbol} is bound to the column {column} twice",
        "Two equal columns would make the best parameters undetermined.",
        "Name it once.",
    ),
    row(
        "binding-overflow",
        "{file}, {place}, column {column}: the values for {symbol} are too large",
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
        "{file}, {place}, column {column}: {found} names no class",
        "{symbol} reads this column as classes, which are integers or words; a fraction is a quantity.",
        "Write the classes as integers or words, or bind a quantity with \"column {column}\".",
    ),
    row(
        "label-out-of-range",
        "{file}, {place}, column {column}: the label {found} is too large for {classes} classes",
        "The classes of {symbol} are numbered from 0, so this label must be less than {classes}.",
        "Correct the label, or allow more classes: onehot({column}, 20).",
    ),
    row(
        "label-more-classes",
        "{file}, column {column}: there are {classes} classes, and {symbol} was given room for {asked}",
        "The last of them, {found}, stands first at {place}.",
        "Correct the labels, or allow more classes.",
    ),
    row(
        "label-too-many",
        "{file}, {place}, column {column}: the label {found} would be one of {classes} classes",
        "A parameter with an entry for each class would be larger than {limit} entries.",
        "Number the classes from 0 without gaps, or bind another column.",
    ),
    row(
        "label-unknown",
        "{file}, {place}, column {column}: the class {found} is not one that {symbol} knows",
        "The model was fitted to the classes {classes}.",
        "Correct the label, or fit a model to data that has this class.",
    ),
    row(
        "missing-value",
        "{file}, {place}, column {column}: a value is missing",
        "{symbol} is bound to this column, and a missing value would become NaN in the loss and in every gradient.",
        "Fill it in, or say --missing drop (leave such rows out) or --missing mean (take the mean of the training rows).",
    ),
    row(
        "label-too-many-classes",
        "{symbol} would have {rows} rows of {classes} classes, more than {limit} elements",
        "A one-hot array holds one element for every row and class.",
        "Bind the label as \"index({column})\".",
    ),
    row(
        "split-fraction",
        "{found} of the rows cannot be held out",
        "The part that is held out is at least 0 and less than 1.",
        "Give a fraction such as 0.2.",
    ),
    row(
        "split-too-many-rows",
        "a table of {rows} rows cannot be parted at random",
        "The order of rows is kept in 32 bits.",
        "Part the file beforehand, and give the part that is held out with --test.",
    ),
    row(
        "scratch-not-written",
        "the arrays do not fit in memory and could not be written to {folder}",
        "The system says: {reason}.",
        "Make room there, name another folder in TMPDIR, or allow more with --memory.",
    ),
    row(
        "model-kind",
        "{file} is not a model",
        "It is a safetensors file without the document and the bindings that a model has.",
        "Give a file that kobai fit --save wrote.",
    ),
    row(
        "model-metadata",
        "the model {file} is not whole",
        "Its {key} cannot be read.",
        "Fit the model again, and save it anew.",
    ),
    row(
        "model-other",
        "{file} does not fit this formula",
        "{cause}",
        "Give the file of the same formula and the same columns.",
    ),
    row(
        "quantity-unknown",
        "{name} is not a quantity that the model defines for rows",
        "It defines {known}.",
        "Ask for one of these with --show.",
    ),
    row(
        "binding-none",
        "no column of the table is bound",
        "Its columns are {columns}.",
        "Say what the symbols stand for: --bind 'x = a..b', or a bind: list in the front matter.",
    ),
    row(
        "start-unknown",
        "{name} is no parameter, so it has no start",
        "The parameters are {known}.",
        "Give the start of one of these.",
    ),
    row(
        "start-outside",
        "the start of {name} is outside of what it may be",
        "The document states a condition on {name} that these numbers do not meet.",
        "Start from numbers inside of it.",
    ),
    row(
        "solver-constraints",
        "{solver} cannot keep parameters within bounds or minimise an absolute value",
        "The loss has such a parameter.",
        "Take --solver lbfgs, adamw or sgd.",
    ),
    row(
        "checkpoint-state",
        "the checkpoint cannot be gone on from",
        "It is of another solver, or of parameters of another size.",
        "Give the same command as before with --resume, or leave --resume out to start anew.",
    ),
    row(
        "checkpoint-other",
        "the checkpoint {file} is of another training",
        "{cause}",
        "Give the same command as before with --resume, or leave --resume out to start anew.",
    ),
    row(
        "checkpoint-none",
        "there is no checkpoint to go on from in {folder}",
        "It has no file {file}.",
        "Leave --resume out to start anew.",
    ),
    row(
        "start-syntax",
        "the start \"{text}\" cannot be read",
        "A start is the name of a parameter and how its entries begin.",
        "Write for example W = normal(0.1), W = uniform(-1, 1) or b = 0.",
    ),
    row("interrupted", "interrupted while reading", "Nothing was trained yet.", "Start it again."),
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
        "plot-no-rows",
        "there is no confusion matrix to draw in {file}",
        "No row has a class that was predicted.",
        "Check that there are rows, and that what is predicted for them are numbers.",
    ),
    row(
        "plot-too-many-classes",
        "a confusion matrix of {classes} classes cannot be drawn in {file}",
        "A picture holds at most {most} classes.",
        "Look at the most frequent confusions instead, which are printed.",
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
        "metrics-shape",
        "{found} predictions for {rows} rows",
        "These rows take {expected} predictions: one for each class, and one for a number or a count.",
        "Predict for each row, and for each class or for the second of two.",
    ),
    row(
        "metrics-class",
        "row {row}: there is no class {found}",
        "The {classes} classes are counted from 0.",
        "Check that the labels and the predictions are of the same classes.",
    ),
    row(
        "metrics-count",
        "row {row}: {found} is no count",
        "A deviance of Poisson is one from counts, which are 0, 1, 2, ….",
        "Check which column is predicted, and whether a Poisson loss is meant for it.",
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
            // A cause that is a fact is a whole sentence already.
            let cause = sentences.cause.ends_with('.') || sentences.cause == "{cause}";
            assert!(cause && sentences.fix.ends_with('.'), "{}", sentences.code);
            assert!(!sentences.message.ends_with('.'), "{}", sentences.code);
        }
    }

    #[test]
    fn a_fact_that_holds_braces_is_left_alone() {
        let error = DataError::new("cell-not-a-number")
            .with("file", "{place}.csv")
            .with("place", "line 3")
            .with("column", "a")
            .with("found", "{b}");
        assert_eq!(error.message(), "{place}.csv, line 3, column a: \"{b}\" is not a number");
    }
}
