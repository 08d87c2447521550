//! What is said of a fit: before it begins, and after it ended.

use crate::echo;
use crate::options::Fit;
use crate::plan::bytes;
use crate::source::Source;
use kobai::eval::data::{Array, Inputs};
use kobai_cpu::machine::peak_memory;
use kobai_fit::encoding::Encoding;
use kobai_fit::fit::{Prepared, Training};
use kobai_fit::judge::{Judged, Summary};
use kobai_fit::metrics::{ClassSummary, json_number};
use kobai_fit::objective::Runners;
use kobai_fit::plot_confusion::MOST_CLASSES;
use kobai_fit::solver::{Outcome, Status};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a report looks at.
pub struct Report<'a> {
    pub arguments: &'a Fit,
    pub source: &'a Source,
    pub title: Option<&'a str>,
}

/// Files that were written beside those asked for by name.
pub struct Files {
    pub confusion: Option<PathBuf>,
    pub checkpoint: Option<PathBuf>,
}

impl Report<'_> {
    /// The formulas, the symbols with their data, what the data say of the assumptions.
    pub fn understood(&self, prepared: &Prepared) -> String {
        // Only shapes are shown, and of numbers that they are some.
        let shaped = |shape: &[usize]| {
            let data = if shape.is_empty() { vec![0.0] } else { Vec::new() };
            Array { shape: shape.to_vec(), data, integer: false }
        };
        let part = &prepared.dataset.training;
        let mut inputs: Inputs = part.arrays.iter().map(|(name, array)| (name.clone(), shaped(&array.shape))).collect();
        for parameter in &prepared.model.parameters {
            inputs.insert(parameter.name.clone(), shaped(&parameter.shape));
        }
        inputs.extend(prepared.model.numbers.iter().map(|(name, number)| (name.clone(), Array::scalar(*number))));
        let head = self.title.map_or_else(String::new, |title| format!("{title}\n\n"));
        let model = &prepared.model;
        let out = head + &echo::program(&model.program, self.source, &inputs, &prepared.bindings, &prepared.verdicts);
        out + &self.data(prepared)
    }

    fn data(&self, prepared: &Prepared) -> String {
        let dataset = &prepared.dataset;
        let (training, held_out) = (dataset.training.rows, dataset.held_out.rows);
        let file = self.arguments.table.data.display();
        let mut out = String::from("Data\n");
        let left_out = match dataset.left_out {
            0 => String::new(),
            count => format!(", {count} left out for a missing value"),
        };
        let _ = match &self.arguments.test {
            Some(test) => {
                let rows = training + dataset.left_out;
                let test = test.display();
                writeln!(out, "  {file}: {rows} rows to train{left_out}\n  {test}: {held_out} rows held out")
            }
            None => {
                let rows = training + held_out + dataset.left_out;
                writeln!(out, "  {file}: {rows} rows, {training} to train, {held_out} held out{left_out}")
            }
        };
        for binding in &dataset.bindings {
            let Some(array) = dataset.training.arrays.get(&binding.symbol) else { continue };
            let classes = match &binding.encoding {
                Encoding::OneHot { classes } | Encoding::Index { classes } => {
                    format!("{} classes: {}; ", classes.len(), listed(classes.iter().cloned(), classes.len()))
                }
                Encoding::Matrix(_) | Encoding::Vector(_) => String::new(),
            };
            let first = array.iter().take(6).map(|value| number(*value));
            let _ = writeln!(out, "  {:<4} {classes}first values {}", binding.symbol, listed(first, array.len()));
        }
        if prepared.is_in_file() {
            let _ = writeln!(out, "  the arrays take {} and lie in a temporary file", bytes(prepared.bytes() as f64));
        }
        out
    }

    /// The solver and where it starts.
    pub fn plan(
        &self,
        prepared: &Prepared,
        training: &Training,
        reason: &str,
        told: &[(String, String)],
        runners: &Runners,
    ) -> String {
        let settings = &training.settings;
        let mut out = format!("Solver\n  {}, {reason}\n", settings.method.names().1);
        if settings.method.is_stochastic() {
            let _ = writeln!(
                out,
                "  batches of {} rows drawn at random, {} epochs, steps of {} ({})",
                training.batch.min(prepared.dataset.training.rows),
                settings.iteration_limit,
                settings.learning_rate,
                self.arguments.schedule
            );
        }
        if let Some(rows) = runners.rows_known() {
            let _ = writeln!(out, "  begins with the curvature that the features of {rows} rows show");
        }
        for (parameter, transform) in prepared.model.parameters.iter().zip(&prepared.transforms) {
            if let Some(words) = transform.words(&prepared.model.shown_name(parameter.symbol)) {
                let _ = writeln!(out, "  {words} keeps what the text states of it");
            }
        }
        for words in &prepared.constraints_in_words {
            let _ = writeln!(out, "  {words}");
        }
        if self.arguments.resume {
            let _ = writeln!(out, "  goes on from the checkpoint");
        } else {
            let starts: Vec<String> = told.iter().map(|(name, start)| format!("{name} = {start}")).collect();
            let _ = writeln!(out, "  starts from {}", starts.join(", "));
        }
        if self.arguments.memory.is_some() {
            let _ = writeln!(out, "  the plan takes {}", bytes(runners.bytes() as f64));
        }
        out + "\n"
    }

    /// What came of it.
    pub fn result(&self, outcome: &Outcome, judged: &Judged, files: &Files) -> String {
        let mut out = format!("Result: {}\n", self.status(outcome));
        let mut row = |name: &str, value: String| _ = writeln!(out, "  {name:<19} {value}");
        row("loss", format!("{:.12}", outcome.value));
        row("gradient norm", format!("{:.3e}", outcome.gradient_norm));
        row("iterations", format!("{} ({} evaluations)", outcome.iterations, outcome.evaluations));
        if let Some(loss) = judged.held_out_loss {
            row("held-out loss", format!("{loss:.12}"));
        }
        for (part, summary) in [("training", &judged.training), ("held-out", &judged.held_out)] {
            for (name, value) in summary.iter().flat_map(metrics) {
                row(&format!("{part} {name}"), value);
            }
        }
        let saved = |path: &Option<PathBuf>, how: &str| {
            path.as_ref().map_or_else(|| how.to_owned(), |path| path.display().to_string())
        };
        row("model", saved(&self.arguments.save, "not saved (--save FILE.safetensors)"));
        row("loss curve", saved(&self.arguments.plot, "not drawn (--plot FILE.svg)"));
        for (name, path) in [("confusion matrix", &files.confusion), ("checkpoint", &files.checkpoint)] {
            path.iter().for_each(|path| row(name, path.display().to_string()));
        }
        out + &self.confusion_table(judged)
    }

    fn status(&self, outcome: &Outcome) -> String {
        let go_on = match &self.arguments.checkpoint {
            Some(_) => "give the same command with --resume to go on",
            None => "with --checkpoint FOLDER it could go on",
        };
        match outcome.status {
            Status::Converged => "converged".to_owned(),
            Status::SmallDecrease => "converged: the loss hardly changes any more (see --decrease)".to_owned(),
            Status::IterationLimit if outcome.history.len() > 1 => {
                format!("done after {} iterations (see --iterations)", outcome.iterations)
            }
            Status::IterationLimit => "nothing to do (see --iterations)".to_owned(),
            Status::TimeLimit => format!("stopped at the time limit; {go_on}"),
            Status::Interrupted => format!("interrupted; what follows is the best point so far; {go_on}"),
            Status::NoProgress => "stopped: rounding leaves no lower point to find".to_owned(),
            Status::NotFinite { batch } => format!(
                "stopped: in iteration {}, batch {}, the loss is no finite number; what follows is the point before it",
                outcome.iterations + 1,
                batch + 1
            ),
        }
    }

    /// The rows of each class by the class predicted, on held-out rows if there are any.
    fn confusion_table(&self, judged: &Judged) -> String {
        let Some(summary) = confusion(judged) else { return String::new() };
        let part = if judged.held_out.is_some() { "held-out rows" } else { "training rows" };
        let table: String = summary.confusion.text(&judged.classes).lines().map(|line| format!("  {line}\n")).collect();
        format!("\nConfusion matrix of the {part}\n{table}")
    }

    /// For machines.
    pub fn as_json(
        &self,
        outcome: &Outcome,
        judged: &Judged,
        prepared: &Prepared,
        times: &[(&str, Duration)],
    ) -> String {
        let seconds = times.iter().map(|(name, time)| ((*name).to_owned(), json!(time.as_secs_f64())));
        let summary = |summary: &Option<Summary>| match summary {
            Some(Summary::Classes(classes)) => classes.to_json(),
            Some(Summary::Numbers(numbers, counts)) => {
                let mut object = numbers.to_json();
                if let Some(counts) = counts {
                    object["counts"] = counts.to_json();
                }
                object
            }
            None => Value::Null,
        };
        let accuracy = |summary: &Option<Summary>| match summary {
            Some(Summary::Classes(classes)) => json!(classes.accuracy()),
            _ => Value::Null,
        };
        let shapes = prepared.model.parameters.iter().map(|parameter| (parameter.name.clone(), json!(parameter.shape)));
        let object = json!({
            "event": "result",
            "status": format!("{:?}", outcome.status),
            "loss": json_number(outcome.value),
            "gradient_norm": json_number(outcome.gradient_norm),
            "iterations": outcome.iterations,
            "evaluations": outcome.evaluations,
            "held_out_loss": judged.held_out_loss.map(json_number),
            "training_accuracy": accuracy(&judged.training),
            "held_out_accuracy": accuracy(&judged.held_out),
            "classes": judged.classes,
            "training": summary(&judged.training),
            "held_out": summary(&judged.held_out),
            "training_rows": prepared.dataset.training.rows,
            "held_out_rows": prepared.dataset.held_out.rows,
            "peak_bytes": peak_memory(),
            "seconds": seconds.collect::<serde_json::Map<_, _>>(),
            "parameters": shapes.collect::<serde_json::Map<_, _>>(),
        });
        object.to_string() + "\n"
    }
}

/// The summary of classes, of held-out rows if there are any.
pub fn confusion(judged: &Judged) -> Option<&ClassSummary> {
    match judged.held_out.as_ref().or(judged.training.as_ref()) {
        Some(Summary::Classes(summary)) => Some(summary),
        _ => None,
    }
}

/// The file of the confusion matrix beside that of the loss curve, if there are classes, and not too many to see.
pub fn confusion_file(plot: &Path, judged: &Judged) -> Option<PathBuf> {
    confusion(judged).filter(|summary| summary.confusion.classes() <= MOST_CLASSES)?;
    let stem = plot.file_stem()?.to_string_lossy();
    let extension = plot.extension()?.to_string_lossy();
    Some(plot.with_file_name(format!("{stem}-confusion.{extension}")))
}

/// What a model file tells of the fit.
pub fn facts(outcome: &Outcome, title: Option<&str>) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::from([
        ("loss".to_owned(), outcome.value.to_string()),
        ("gradient_norm".to_owned(), outcome.gradient_norm.to_string()),
    ]);
    facts.extend(title.map(|title| ("title".to_owned(), title.to_owned())));
    facts
}

fn metrics(summary: &Summary) -> Vec<(&'static str, String)> {
    match summary {
        Summary::Classes(classes) => {
            let accuracy = format!("{:.2} % ({} of {})", classes.accuracy() * 100.0, classes.right, classes.rows);
            let mut metrics = vec![("accuracy", accuracy)];
            metrics.extend(classes.log_loss_text().map(|loss| ("log-loss", loss)));
            if classes.without_prediction > 0 {
                metrics
                    .push(("no prediction", format!("{} (a prediction is not a number)", classes.without_prediction)));
            }
            metrics.extend(classes.area_under_curve.map(|area| ("AUC", format!("{area:.6}"))));
            metrics
        }
        Summary::Numbers(numbers, counts) => {
            let mut metrics = Vec::new();
            metrics.extend(numbers.r_squared.map(|share| ("R²", format!("{share:.6}"))));
            metrics.push(("RMSE", format!("{:.6}", numbers.root_mean_squared_error)));
            let explained = counts.as_ref().and_then(|counts| counts.deviance_explained);
            metrics.extend(explained.map(|share| ("deviance", format!("{:.2} % explained", 100.0 * share))));
            metrics
        }
    }
}

/// The first of so many, and that there are more.
fn listed(items: impl Iterator<Item = String>, count: usize) -> String {
    let mut shown: Vec<String> = items.take(12).collect();
    if count > 12 {
        shown.truncate(6);
    }
    if shown.len() < count {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}

/// A number with as many digits as a person reads.
fn number(value: f64) -> String {
    let short = format!("{value:.4}");
    match short.contains('.') {
        true if value.abs() < 1e9 => short.trim_end_matches('0').trim_end_matches('.').to_owned(),
        _ => format!("{value:.4e}"),
    }
}
