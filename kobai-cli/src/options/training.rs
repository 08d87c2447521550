//! Options of the commands that fit a model and use it.

use super::{Common, memory};
use clap::Args;
use kobai_fit::dataset::Missing;
use kobai_fit::solver::METHODS;
use kobai_fit::solver::schedule::FORMS;
use kobai_fit::source::Format;
use std::path::PathBuf;

/// A table in a file.
#[derive(Args)]
pub struct Table {
    /// The table: CSV, Parquet, NPY, NPZ, safetensors, JSON or JSON lines
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// The format of the table, where the end of its name does not tell it
    #[arg(long, value_parser = format_named, value_name = "csv|parquet|npy|npz|safetensors|json|jsonl")]
    pub format: Option<Format>,
}

fn format_named(name: &str) -> Result<Format, String> {
    Format::named(name).ok_or_else(|| format!("give one of {}", Format::names().collect::<Vec<_>>().join(", ")))
}

/// `fit`
#[derive(Args)]
#[command(after_help = FIT_EXAMPLES)]
pub struct Fit {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub table: Table,
    /// Bind columns to a symbol, over what the document says: 'x=pixel_*', 't=onehot(label)', 'y=index(label)',
    /// 'x=standardise(age, income)', 'lambda = 0.01'
    #[arg(long, value_name = "SYMBOL=COLUMNS", help_heading = "Data")]
    pub bind: Vec<String>,
    /// What is done about missing values: an error, the row is left out, or the mean of the training rows stands for it
    #[arg(long, value_parser = missing, default_value = "error", value_name = "error|drop|mean", help_heading = "Data")]
    pub missing: Missing,
    /// The share of rows held out, the same share of every class
    #[arg(long, alias = "held-out", default_value_t = kobai_fit::split::HELD_OUT_FRACTION, help_heading = "Data")]
    pub split: f64,
    /// A table of rows to hold out; the first then trains whole
    #[arg(long, value_name = "FILE", conflicts_with = "split", help_heading = "Data")]
    pub test: Option<PathBuf>,
    /// The seed of the split, of the start and of the order of batches
    #[arg(long, default_value_t = kobai_fit::split::SEED, help_heading = "Data")]
    pub seed: u64,
    /// What the data and the plan may take in memory: 512MiB, 2GB; beyond it the data lie in a file of no name
    #[arg(long, value_parser = memory, help_heading = "Data")]
    pub memory: Option<u64>,
    /// How the parameters are found; by default chosen and said why
    #[arg(long, value_parser = solver, value_name = "lbfgs|newton-cg|adamw|sgd", help_heading = "Solver")]
    pub solver: Option<&'static str>,
    /// Where a parameter starts: 'W = normal(0.1)', 'W = uniform(-1, 1)', 'b = 0', or a file that --save wrote
    #[arg(long, value_name = "START|FILE", help_heading = "Solver")]
    pub init: Vec<String>,
    /// Stop when the 2-norm of the gradient is at most this
    #[arg(long, default_value = "1e-8", value_name = "SIZE", help_heading = "Solver")]
    pub tolerance: f64,
    /// Stop when no entry of the gradient is larger in size than this; 0 for never
    #[arg(long, default_value_t = 0.0, value_name = "SIZE", help_heading = "Solver")]
    pub max_gradient: f64,
    /// Stop when an iteration makes the loss less by no more than this part of it; 0 for never
    #[arg(long, default_value_t = 0.0, value_name = "PART", help_heading = "Solver")]
    pub decrease: f64,
    /// Stop after so many iterations; for adamw and sgd an iteration is an epoch. By default 1000, or 100 epochs
    #[arg(long, alias = "epochs", help_heading = "Solver")]
    pub iterations: Option<usize>,
    /// Stop after so many seconds
    #[arg(long, value_name = "SECONDS", help_heading = "Solver")]
    pub time: Option<f64>,
    /// The rows of a batch, for adamw and sgd
    #[arg(long, default_value_t = 256, value_name = "ROWS", help_heading = "Solver")]
    pub batch: usize,
    /// The size of steps, for adamw and sgd; by default 0.001, or 0.01 for sgd
    #[arg(long, value_name = "RATE", help_heading = "Solver")]
    pub learning_rate: Option<f64>,
    /// How the size of steps changes, for adamw and sgd
    #[arg(long, value_parser = schedule, default_value = "cosine", value_name = "constant|cosine|linear", help_heading = "Solver")]
    pub schedule: &'static str,
    /// The part of all steps over which their size rises from 0
    #[arg(long, default_value_t = 0.05, value_name = "PART", help_heading = "Solver")]
    pub warm_up: f64,
    /// The part of a step that the next one keeps, for sgd
    #[arg(long, default_value_t = 0.9, help_heading = "Solver")]
    pub momentum: f64,
    /// What a step takes off every parameter, times the size of steps, for adamw
    #[arg(long, default_value_t = 0.0, help_heading = "Solver")]
    pub weight_decay: f64,
    /// Keep the training in this folder, to go on from with --resume
    #[arg(long, value_name = "FOLDER", help_heading = "Results")]
    pub checkpoint: Option<PathBuf>,
    /// Keep it at most once in so many seconds
    #[arg(long, default_value_t = 60.0, value_name = "SECONDS", help_heading = "Results")]
    pub every: f64,
    /// Go on from the checkpoint, bit for bit as if nothing had happened
    #[arg(long, requires = "checkpoint", help_heading = "Results")]
    pub resume: bool,
    /// Where to save the model
    #[arg(long, value_name = "FILE.safetensors", help_heading = "Results")]
    pub save: Option<PathBuf>,
    /// Where to draw the loss after each iteration, of rows held out too; the confusion matrix of classes is drawn beside it, as
    /// FILE-confusion
    #[arg(long, value_name = "FILE.svg|.png", help_heading = "Results")]
    pub plot: Option<PathBuf>,
    /// For machines: an object on each line, one for each iteration and the last for the result
    #[arg(long, help_heading = "Results")]
    pub json: bool,
}

const FIT_EXAMPLES: &str = r"Examples:
  kobai fit book/softmax-regression.md --data data/digits.csv
  kobai fit book/logistic-regression.md --data data/breast-cancer.csv --save model.safetensors --plot loss.svg
  kobai fit '\min_{w,b} \frac{1}{N} \sum_i (\sum_d x_{id} w_d + b - t_i)^2' --data houses.parquet \
      --bind 'x=standardise(* except price)' --bind 't=price'
  kobai fit model.md --data large.parquet --memory 512MiB --checkpoint run --save model.safetensors
  kobai fit model.md --data large.parquet --memory 512MiB --checkpoint run --save model.safetensors --resume
  kobai fit network.md --data digits.csv --solver adamw --epochs 50 --batch 64 --init 'W = normal(0.1)'

Ctrl-C ends the training with what was reached; with --checkpoint it can go on. Exit codes: 0 converged, or done as asked;
1 ended before, or the data break what the text states; 2 the input is at fault.";

fn missing(name: &str) -> Result<Missing, String> {
    match name {
        "error" => Ok(Missing::Error),
        "drop" => Ok(Missing::Drop),
        "mean" => Ok(Missing::Mean),
        _ => Err("give error, drop or mean".to_owned()),
    }
}

/// The name if it is one of those known.
fn known(name: &str, names: impl Iterator<Item = &'static str> + Clone) -> Result<&'static str, String> {
    let found = names.clone().find(|known| *known == name);
    found.ok_or_else(|| format!("give one of {}", names.collect::<Vec<_>>().join(", ")))
}

fn solver(name: &str) -> Result<&'static str, String> {
    known(name, METHODS.iter().map(|(name, ..)| *name))
}

fn schedule(name: &str) -> Result<&'static str, String> {
    known(name, FORMS.iter().map(|(name, _)| *name))
}

/// `predict`
#[derive(Args)]
#[command(after_help = PREDICT_EXAMPLES)]
pub struct Predict {
    /// A model that kobai fit --save wrote
    pub model: PathBuf,
    #[command(flatten)]
    pub table: Table,
    /// A quantity that the document defines for rows; by default the last one. May be given several times
    #[arg(long, value_name = "QUANTITY")]
    pub show: Vec<String>,
    /// Where the predictions go; by default to standard output
    #[arg(long, value_name = "FILE.csv|.jsonl")]
    pub out: Option<PathBuf>,
    /// An object on each line instead of CSV
    #[arg(long)]
    pub json: bool,
    /// The language of messages
    #[arg(long, value_name = "en|ja", default_value = "en")]
    pub lang: String,
}

const PREDICT_EXAMPLES: &str = r"Examples:
  kobai predict model.safetensors --data new.csv
  kobai predict model.safetensors --data new.parquet --show y --show z --out predictions.csv

Columns are found by name and treated as those of the training were: the same scales, means and classes. Columns that the
quantities do not need may be absent. Where the entries of a quantity are of classes, a column `class` names the largest.";
