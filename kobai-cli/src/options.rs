//! Commands and their options.

mod training;

pub use training::{Fit, Predict};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Kobai reads a loss as a paper prints it, shows how its gradient comes about, proves it against high precision, and
/// runs it.
#[derive(Parser)]
#[command(name = "kobai", version, after_help = EXAMPLES)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = r"Examples:
  kobai explain '\log_a x' --wrt x
  kobai explain log --from-limit
  kobai explain book/softmax-regression.md --wrt z --lang ja
  kobai eval '\log_2(8)'
  kobai eval loss.tex --data inputs.json --wrt W,b --json
  kobai check loss.tex --data inputs.json
  kobai plan book/softmax-regression.md --size N=8192,K=32000,D=768
  kobai bench loss.tex --size N=4096,K=32000 --wrt z --dtype f32
  kobai fit book/softmax-regression.md --data data/digits.csv
  kobai predict digits.safetensors --data new.csv --show y --out predictions.csv
  kobai read article.md
  kobai solve 'y = \log_a x' --for x

SOURCE is LaTeX or plain text, a .tex or .md file, or - for standard input.
Exit codes: 0 done, 1 the answer is no (a check failed), 2 the input is at fault.";

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Derive a gradient step by step, each rule named
    Explain(Explain),
    /// Evaluate a formula, and its gradients
    Eval(Eval),
    /// Hold the gradient against high precision, and show where the formula as written fails
    Check(Check),
    /// Show how a loss would run: passes, what is streamed, operations, bytes, memory
    Plan(Plan),
    /// Measure how fast a loss runs here: time, rates, memory, beside the machine's own copy and matrix product
    Bench(Bench),
    /// Train the parameters under \min on a table
    Fit(Fit),
    /// Show what a fitted model says of new rows
    Predict(Predict),
    /// Proof-read an article: what each formula is, and whether what it says holds
    Read(Read),
    /// Draw functions of one variable
    Plot(Plot),
    /// Solve an equation for one of its names, step by step
    Solve(Solve),
}

/// Options that every command has.
#[derive(Args)]
pub struct Common {
    /// LaTeX or plain text, a .tex or .md file, or - for standard input
    #[arg(allow_hyphen_values = true)]
    pub source: String,
    /// The language of messages and explanations
    #[arg(long, value_name = "en|ja", default_value = "en")]
    pub lang: String,
}

/// `explain`
#[derive(Args)]
#[command(
    after_help = "Examples:\n  kobai explain 'x^x' --wrt x\n  kobai explain log --from-limit\n  kobai explain loss.tex --wrt z --format latex > gradient.tex\n  kobai explain loss.tex --wrt W,b --order 2\n  kobai explain loss.tex --stable"
)]
pub struct Explain {
    #[command(flatten)]
    pub common: Common,
    /// With respect to what: names separated by commas; by default the parameters, else the only input
    #[arg(long, value_delimiter = ',')]
    pub wrt: Vec<String>,
    /// 1 for the gradient, 2 for the Hessian: a block for each pair of the names
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    pub order: u8,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// The same as --format json
    #[arg(long)]
    pub json: bool,
    /// Derive the rule itself, from the limit that defines a derivative, and by the inverse function
    #[arg(long)]
    pub from_limit: bool,
    /// Show how the loss is rewritten so that it runs without overflow, underflow and cancellation
    #[arg(long, conflicts_with_all = ["from_limit", "order", "method", "wrt"])]
    pub stable: bool,
    /// How to begin
    #[arg(long, value_enum, default_value_t = Method::Rules)]
    pub method: Method,
    /// Whether to colour text
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
}

/// The form of an explanation.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal
    Text,
    /// A LaTeX document
    Latex,
    /// Markdown with LaTeX formulas
    Markdown,
    /// For machines
    Json,
    /// A page for a browser, with nothing to load
    Html,
    /// The formulas alone, one MathML element a line
    Mathml,
}

/// How a derivation begins.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Method {
    /// By the rules
    Rules,
    /// By the logarithm of the whole
    Logarithmic,
}

/// When to colour the output.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// `eval`
#[derive(Args)]
#[command(
    after_help = "Examples:\n  kobai eval '\\log_2(8)'\n  kobai eval loss.tex --data inputs.json --wrt W,b --json"
)]
pub struct Eval {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub inputs: Inputs,
    /// Gradients with respect to these, separated by commas
    #[arg(long, value_delimiter = ',')]
    pub wrt: Vec<String>,
    /// The gradient that comes from above, by its name in the data, of the shape of the value: gradients are of Σ upstream ·
    /// value
    #[arg(long, value_name = "NAME", conflicts_with = "hvp")]
    pub upstream: Option<String>,
    /// The Hessian with respect to these times a direction, which the data hold as v_NAME for each NAME
    #[arg(long)]
    pub hvp: bool,
    /// The type to compute in
    #[arg(long, value_enum, default_value_t = DataType::F64)]
    pub dtype: DataType,
    /// Make it an error if the data break a condition that the text states
    #[arg(long)]
    pub strict: bool,
    /// For machines
    #[arg(long)]
    pub json: bool,
}

/// The types to compute in.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DataType {
    /// Double precision
    F64,
    /// Single precision
    F32,
}

/// Where the inputs come from.
#[derive(Args)]
pub struct Inputs {
    /// Inputs: a JSON file of numbers, nested arrays or {"shape", "dtype", "data"} by name; an NPZ archive of NumPy
    /// arrays by name; or a CSV table
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Bind columns of a CSV table: 'x = columns a..b', 't = one-hot label', 'y = index label', 'a = 2'
    #[arg(long)]
    pub bind: Vec<String>,
}

/// `check`
#[derive(Args)]
#[command(
    after_help = "Examples:\n  kobai check loss.tex --data inputs.json\n  kobai check loss.tex --data inputs.json --wrt z --entries\n  kobai check loss.tex                      (makes hard inputs itself)\n  kobai check loss.tex --case 7 > inputs.json"
)]
pub struct Check {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub inputs: Inputs,
    /// Gradients with respect to these, separated by commas; by default the parameters, else every real input
    #[arg(long, value_delimiter = ',')]
    pub wrt: Vec<String>,
    /// With --data: the largest relative error that passes
    #[arg(long, default_value_t = 1e-10)]
    pub tolerance: f64,
    /// Without: how many hard inputs to make
    #[arg(long, default_value_t = 33)]
    pub cases: usize,
    /// Without: the seed from which they are made
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Without: check nothing, but print the inputs of this case, as f64 has them, in JSON for --data
    #[arg(long, conflicts_with_all = ["data", "cases", "entries", "json"])]
    pub case: Option<usize>,
    /// Without: the largest error that passes, in units in the last place times the condition number
    #[arg(long, default_value_t = 8.0)]
    pub bound: f64,
    /// Show every entry
    #[arg(long)]
    pub entries: bool,
    /// For machines
    #[arg(long)]
    pub json: bool,
}

/// `plan`
#[derive(Args)]
#[command(after_help = PLAN_EXAMPLES)]
pub struct Plan {
    #[command(flatten)]
    pub common: Common,
    /// Sizes of the axes: N=8192,K=32000
    #[arg(long, value_delimiter = ',')]
    pub size: Vec<String>,
    /// Gradients with respect to these; by default the parameters, else none
    #[arg(long, value_delimiter = ',')]
    pub wrt: Vec<String>,
    /// Places of the streamed axis in a chunk
    #[arg(long)]
    pub chunk: Option<usize>,
    /// What outputs and temporaries may take together: 256MiB, 1.5GB
    #[arg(long, value_parser = memory)]
    pub memory: Option<u64>,
    /// The type to count the bytes of
    #[arg(long, value_enum, default_value_t = PlannedType::F64)]
    pub dtype: PlannedType,
    /// Show what each of so many devices holds and what they exchange, for a split along each axis
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..))]
    pub devices: Option<u32>,
    /// For machines
    #[arg(long)]
    pub json: bool,
}

/// The types that a plan counts bytes of.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlannedType {
    /// Double precision, 8 bytes
    F64,
    /// Single precision, 4 bytes
    F32,
    /// bfloat16, 2 bytes; Kobai does not compute in it
    Bf16,
}

impl PlannedType {
    /// Its name, and the bytes of an entry.
    pub fn row(self) -> (&'static str, usize) {
        match self {
            PlannedType::F64 => ("f64", 8),
            PlannedType::F32 => ("f32", 4),
            PlannedType::Bf16 => ("bf16", 2),
        }
    }
}

const PLAN_EXAMPLES: &str = r"Examples:
  kobai plan book/softmax-regression.md --size N=8192,K=32000,D=768
  kobai plan loss.tex --size N=8192,K=32000,D=768 --wrt x,W --dtype f32 --memory 256MiB
  kobai plan loss.tex --size N=8192,K=128256,D=8192 --wrt x,W --dtype bf16 --devices 8

All figures are counts. The bytes of a step are those that it reads and writes if no cache holds anything from one step,
or one chunk, to the next; those in all at the end are the least: inputs once in each pass, outputs once.";

/// Bytes in units of 1024 (KiB, MiB, GiB, TiB) or 1000 (kB, MB, GB, TB).
const BYTE_UNITS: [(&str, f64); 9] = [
    ("kib", 1024.0),
    ("mib", 1048576.0),
    ("gib", 1073741824.0),
    ("tib", 1099511627776.0),
    ("kb", 1e3),
    ("mb", 1e6),
    ("gb", 1e9),
    ("tb", 1e12),
    ("b", 1.0),
];

pub(crate) fn memory(text: &str) -> Result<u64, String> {
    let lower = text.trim().to_ascii_lowercase();
    let unit = BYTE_UNITS.iter().find_map(|(unit, bytes)| Some((lower.strip_suffix(unit)?, *bytes)));
    let (number, bytes) = unit.unwrap_or((&lower, 1.0));
    let number = number.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    // Beyond 2⁶⁴ the conversion stops at the largest number, which no memory has either.
    number
        .map(|number| (number * bytes) as u64)
        .ok_or_else(|| "write a number and a unit, as in 256MiB or 1.5GB".to_owned())
}

/// `bench`
#[derive(Args)]
#[command(after_help = BENCH_EXAMPLES)]
pub struct Bench {
    #[command(flatten)]
    pub common: Common,
    /// Sizes of the axes: N=4096,K=32000
    #[arg(long, value_delimiter = ',')]
    pub size: Vec<String>,
    #[command(flatten)]
    pub inputs: Inputs,
    /// Gradients with respect to these, separated by commas; by default the parameters, else every real input
    #[arg(long, value_delimiter = ',', conflicts_with = "value_only")]
    pub wrt: Vec<String>,
    /// Measure the value without gradients
    #[arg(long)]
    pub value_only: bool,
    /// What outputs and temporaries may take together: 256MiB, 1.5GB
    #[arg(long, value_parser = memory)]
    pub memory: Option<u64>,
    /// The type to compute in
    #[arg(long, value_enum, default_value_t = DataType::F64)]
    pub dtype: DataType,
    /// Numbers of threads, each measured by itself; by default as many as there are processors
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Vec<u16>,
    /// How long to measure for each number of threads
    #[arg(long, default_value_t = 3.0, value_parser = seconds)]
    pub seconds: f64,
    /// The seed from which inputs that are not given are drawn
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// For machines
    #[arg(long)]
    pub json: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|seconds| (0.0..=3600.0).contains(seconds));
    number.ok_or_else(|| "give a number of seconds from 0 to 3600".to_owned())
}

const BENCH_EXAMPLES: &str = r"Examples:
  kobai bench loss.tex --size N=4096,K=32000 --wrt z --dtype f32
  kobai bench loss.tex --size N=4096,K=32000 --wrt z --threads 1,2 --json
  kobai bench loss.tex --data inputs.npz --wrt z
  kobai bench book/softmax-regression.md --size N=1797,K=10,D=64 --bind 'lambda = 0.001'

Inputs that neither --data nor --bind gives are drawn: real numbers of the size of 1 within what the text states of them,
labels evenly over their axis. With --size, the entries of --data are taken row by row into the shape that the text gives.
The loss runs once unmeasured; then the time with buffers that are used again, and with new ones, is the median of the runs.";

/// `read`
#[derive(Args)]
#[command(after_help = READ_EXAMPLES)]
pub struct Read {
    #[command(flatten)]
    pub common: Common,
    /// For machines
    #[arg(long)]
    pub json: bool,
}

const READ_EXAMPLES: &str = r"Examples:
  kobai read article.md
  kobai read article.md --lang ja
  kobai read article.md --json
  kobai read '\log_2(8) = 3'
  kobai read '\log(x + y) = \log x + \log y'

All mathematics of a Markdown or text file is read in order: $$ … $$, \[ … \], environments, code blocks marked
latex or math, and $ … $ and \( … \) in the running text. A definition is known to all formulas after it.

A statement is checked exactly where both sides become one expression, and else in 320 bits at many points
within the domain of its functions. What is shown of each formula:
  ok         understood; there is nothing to check
  holds      what it says holds, with the conditions on its variables
  false      it does not hold, with values at which it fails
  unchecked  beyond what can be checked, with the reason
  error      it cannot be read, with the place and a fix
Exit codes: 0 all is well, 1 something is false or in error, 2 the article cannot be opened.";
/// `plot`
#[derive(Args)]
#[command(
    after_help = "Examples:\n  kobai plot '\\log_2 x' '\\ln x' --from 0.1 --to 8 --out logarithms.svg\n  kobai plot 'a x^2' --bind 'a = 3' --from -1 --to 1 --derivative --out square.png"
)]
pub struct Plot {
    /// Formulas in LaTeX or plain text, or files that hold them; one that begins with - comes last, after --
    #[arg(required = true, value_name = "SOURCE")]
    pub sources: Vec<String>,
    /// The variable; by default the only name without a value
    #[arg(long)]
    pub wrt: Option<String>,
    /// Where the picture begins
    #[arg(long, allow_hyphen_values = true)]
    pub from: f64,
    /// Where the picture ends
    #[arg(long, allow_hyphen_values = true)]
    pub to: f64,
    /// The picture's file
    #[arg(long, value_name = "FILE.svg|.png")]
    pub out: PathBuf,
    /// Draw the derivative of each function as well
    #[arg(long)]
    pub derivative: bool,
    #[command(flatten)]
    pub inputs: Inputs,
    /// The language of messages
    #[arg(long, value_name = "en|ja", default_value = "en")]
    pub lang: String,
}

/// `solve`
#[derive(Args)]
#[command(after_help = SOLVE_EXAMPLES)]
pub struct Solve {
    #[command(flatten)]
    pub common: Common,
    /// The name to solve for
    #[arg(long = "for", value_name = "NAME")]
    pub name: String,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = SolveFormat::Text)]
    pub format: SolveFormat,
    /// For machines
    #[arg(long)]
    pub json: bool,
}

/// The form of a solution.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SolveFormat {
    /// For a terminal
    Text,
    /// LaTeX
    Latex,
}

const SOLVE_EXAMPLES: &str = r"Examples:
  kobai solve 'y = \log_a x' --for x
  kobai solve 'p = \frac{1}{1 + e^{-z}}' --for z
  kobai solve 'y = x^2' --for x --lang ja
  kobai solve 'y = \log_2(3x + 1)' --for x --format latex

Of several equations the last one is solved; those before it define what it uses, or state conditions such as x > 0.
What is found is put back into the equation before it is shown.";
