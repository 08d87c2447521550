//! `kobai bench`

mod given;
mod measure;
mod report;

use crate::eval::Element;
use crate::message::Failure;
use crate::options::{Bench, DataType};
use crate::plan::{bytes, outputs, planned};
use crate::sizes::sizes;
use crate::source::{Source, default_symbols, read, symbols};
use crate::{Answer, data, print};
use kobai::eval::data::{Inputs, bind};
use kobai::expr::{Axis, Symbol};
use kobai::plan::{Options, Plan, Role};
use kobai::resolve::Program;
use kobai_cpu::Executor;
use kobai_cpu::machine::available_memory;
use measure::{Measured, Progress, measure};
use report::Report;
use std::collections::HashMap;
use std::time::Instant;

/// A loss ready to run, and how long it took to get there.
struct Compiled {
    program: Program,
    wrt: Vec<Symbol>,
    plan: Plan,
    /// From the text to an executor, in seconds.
    seconds: f64,
}

/// Measures and prints.
pub fn run(arguments: &Bench) -> Result<Answer, Failure> {
    let source = read(&arguments.common)?;
    let given = data::read(&arguments.inputs, &source.text)?;
    match arguments.dtype {
        DataType::F64 => run_in::<f64>(arguments, &source, given),
        DataType::F32 => run_in::<f32>(arguments, &source, given),
    }
}

fn run_in<T: Element>(arguments: &Bench, source: &Source, given: Inputs) -> Result<Answer, Failure> {
    let progress = Progress::new(arguments.json, source.language);
    progress.show("word.bench-at-compile", &[]);
    let mut compiled = compile::<T>(arguments, source, &given)?;
    progress.show("word.bench-at-inputs", &[]);
    let inputs = given::complete::<T>(&mut compiled, given, arguments.seed, source)?;
    let mut measured: Vec<Measured> = Vec::new();
    for threads in thread_counts(arguments) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| {
            Failure::text(format!("cannot start {threads} threads: {error}\n  fix: ask for fewer with --threads"))
        })?;
        let found = pool.install(|| measure(&compiled.plan, &inputs.arrays, arguments.seconds, &progress));
        measured.push(found.map_err(|error| source.failed(compiled.program.located(vec![error.into()])))?);
    }
    drop(progress);
    let report = Report { arguments, source, compiled, inputs: inputs.description, measured, width: size_of::<T>() };
    print(&if arguments.json { report.as_json() } else { report.as_text() })?;
    Ok(Answer::Yes)
}

/// What was asked for; else one count, of all processors.
fn thread_counts(arguments: &Bench) -> Vec<usize> {
    if arguments.threads.is_empty() {
        return vec![std::thread::available_parallelism().map_or(1, usize::from)];
    }
    arguments.threads.iter().map(|&count| usize::from(count)).collect()
}

/// # Errors
/// This machine has not the memory for the inputs, which are drawn in `f64`, and the results.
fn must_fit(plan: &Plan, entry_bytes: usize) -> Result<(), Failure> {
    let of_role = |role: fn(&Role) -> bool| -> f64 {
        let tensors = plan.tensors.iter().filter(|tensor| role(&tensor.role));
        tensors.map(|tensor| tensor.axes.iter().map(|&axis| plan.size(axis) as f64).product::<f64>()).sum()
    };
    let (inputs, outputs) =
        (of_role(|role| matches!(role, Role::Input(_))), of_role(|role| matches!(role, Role::Output(_))));
    let needed = inputs * (entry_bytes + size_of::<f64>()) as f64 + outputs * entry_bytes as f64;
    let available = available_memory().unwrap_or(isize::MAX as u64) as f64;
    if needed <= available {
        return Ok(());
    }
    Err(Failure::text(format!(
        "inputs and results take {}, and this machine has {} to give\n  fix: choose smaller sizes with --size",
        bytes(needed),
        bytes(available)
    )))
}

fn compile<T: Element>(arguments: &Bench, source: &Source, given: &Inputs) -> Result<Compiled, Failure> {
    let start = Instant::now();
    // With sizes it is the text that says how many axes an input has; the data are taken row by row.
    let nothing = Inputs::new();
    let mut program = source.program(if arguments.size.is_empty() { given } else { &nothing })?;
    let wrt = match () {
        () if arguments.value_only => Vec::new(),
        () if arguments.wrt.is_empty() => default_symbols(&mut program),
        () => symbols(&program, &arguments.wrt)?,
    };
    let outputs = outputs(&mut program, &wrt);
    let needed = program.context.symbols_in(outputs[0].value);
    let is_given = |&symbol: &Symbol| given.contains_key(&program.context.symbol(symbol).name.plain);
    let sizes: HashMap<Axis, usize> = if arguments.size.is_empty() && needed.iter().all(is_given) {
        let bound = bind(&program.context, &needed, given);
        bound.map_err(|errors| source.failed(program.located(errors)))?.sizes().clone()
    } else {
        sizes(&program.context, &arguments.size, source, outputs[0].value)?
    };
    let options = Options { memory: arguments.memory, entry_bytes: size_of::<T>(), ..Options::default() };
    let plan = planned(&mut program.context, &outputs, &sizes, options)?;
    must_fit(&plan, size_of::<T>())?;
    drop(Executor::<T>::new(plan.clone()));
    Ok(Compiled { program, wrt, plan, seconds: start.elapsed().as_secs_f64() })
}
