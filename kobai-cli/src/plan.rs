//! `kobai plan`

use crate::message::Failure;
use crate::options::{DataType, Plan as Arguments};
use crate::sizes::sizes;
use crate::source::{read, symbols};
use crate::{Answer, print};
use kobai::eval::data::Inputs;
use kobai::expr::{Context, Symbol};
use kobai::plan::report::Costs;
use kobai::plan::{Options, Output, Plan, Role, Step, TensorId, plan};
use kobai::resolve::Program;
use kobai::stabilise::{stabilise, stable_gradient};
use serde_json::json;
use std::fmt::Write;

/// Plans and prints.
pub fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let source = read(&arguments.common)?;
    let mut program = source.program(&Inputs::new())?;
    let wrt = if arguments.wrt.is_empty() { program.parameters.clone() } else { symbols(&program, &arguments.wrt)? };
    let outputs = outputs(&mut program, &wrt);
    let context = &mut program.context;
    let sizes = sizes(context, &arguments.size, &source, outputs[0].value)?;
    let plan = plan(context, &outputs, &sizes, Options { chunk: arguments.chunk, ..Options::default() });
    let costs = plan.costs(if arguments.dtype == DataType::F32 { 4 } else { 8 });
    print(&if arguments.json { as_json(context, &plan, &costs) } else { as_text(context, &plan, &costs) })?;
    Ok(Answer::Yes)
}

/// The value of the stable form, and its gradients as `gradient_NAME`.
pub fn outputs(program: &mut Program, wrt: &[Symbol]) -> Vec<Output> {
    let loss = stabilise(program).loss;
    let context = &mut program.context;
    let mut outputs = vec![Output { name: "value".into(), indices: Vec::new(), value: loss }];
    for (gradient, &symbol) in stable_gradient(context, loss, wrt).into_iter().zip(wrt) {
        let name = format!("gradient_{}", context.symbol(symbol).name.plain);
        outputs.push(Output { name, indices: gradient.indices, value: gradient.value });
    }
    outputs
}

fn as_text(context: &Context, plan: &Plan, costs: &Costs) -> String {
    let mut out = String::new();
    match plan.streamed {
        Some(axis) => {
            let name = &context.axis(axis).size_name.plain;
            let _ = writeln!(
                out,
                "streamed    {name} = {} in {} chunk(s) of {}",
                plan.size(axis),
                plan.chunks(),
                plan.chunk
            );
        }
        None => out += "streamed    nothing\n",
    }
    let _ = writeln!(out, "passes      {}", plan.passes.iter().filter(|pass| !pass.chunk.is_empty()).count());
    for (number, pass) in plan.passes.iter().enumerate() {
        if !pass.before.is_empty() {
            let _ = writeln!(
                out,
                "\n{} pass {}, once",
                if pass.chunk.is_empty() { "after" } else { "before" },
                if pass.chunk.is_empty() { number } else { number + 1 }
            );
            pass.before.iter().for_each(|step| step_line(&mut out, context, plan, step));
        }
        if !pass.chunk.is_empty() {
            let _ = writeln!(out, "\npass {}, for each chunk", number + 1);
            pass.chunk.iter().for_each(|step| step_line(&mut out, context, plan, step));
        }
    }
    let _ = writeln!(out, "\nmatrix products      {}", count(costs.product_operations, "FLOP"));
    let _ = writeln!(
        out,
        "elementwise          {}, of which exp, log and the like {}",
        count(costs.elementwise_operations, "operations"),
        count(costs.transcendental, "")
    );
    let _ = writeln!(out, "moved                {}", bytes(costs.bytes_moved));
    let _ = writeln!(out, "memory: inputs       {}", bytes(costs.input_bytes));
    let _ = writeln!(out, "memory: outputs      {}", bytes(costs.output_bytes));
    let _ = writeln!(out, "memory: temporaries  {}", bytes(costs.temporary_bytes));
    let _ = writeln!(out, "peak above inputs    {}", bytes(costs.output_bytes + costs.temporary_bytes));
    out
}

fn step_line(out: &mut String, context: &Context, plan: &Plan, step: &Step) {
    let made = tensor(context, plan, step.makes());
    let mut read: Vec<String> = Vec::new();
    for id in step.reads() {
        let text = tensor(context, plan, id);
        if !read.contains(&text) {
            read.push(text);
        }
    }
    let what = match step {
        Step::MatrixProduct { .. } => "matrix product".to_owned(),
        Step::Map { tape, .. } => format!("map of {} operations", tape.counts().0),
        Step::Reduce { reduction, loops, .. } => {
            let axis = loops.last().map_or("", |one| context.axis(one.axis).size_name.plain.as_str());
            format!("{} over {axis}", format!("{reduction:?}").to_lowercase())
        }
    };
    let adds = matches!(step, Step::MatrixProduct { accumulate: true, .. } | Step::Reduce { accumulate: true, .. });
    let _ = writeln!(out, "  {made} {} {what} of {}", if adds { "+=" } else { "=" }, read.join(", "));
}

fn tensor(context: &Context, plan: &Plan, id: TensorId) -> String {
    let tensor = &plan.tensors[id.0];
    let axes: Vec<String> = tensor
        .axes
        .iter()
        .enumerate()
        .map(|(place, &axis)| {
            let name = context.axis(axis).size_name.plain.clone();
            if tensor.streamed == Some(place) && !tensor.whole { format!("chunk of {name}") } else { name }
        })
        .collect();
    let number = if tensor.role == Role::Temporary { format!("{}.{}", tensor.name, id.0) } else { tensor.name.clone() };
    if axes.is_empty() { number } else { format!("{number}[{}]", axes.join(", ")) }
}

/// A count in words: 3.2 million operations.
pub fn count(value: f64, unit: &str) -> String {
    scaled(value, 1000.0, &["", "thousand", "million", "billion", "trillion", "quadrillion"], unit)
}

/// Bytes in the unit that suits them.
pub fn bytes(value: f64) -> String {
    scaled(value, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"], "")
}

fn scaled(value: f64, step: f64, units: &[&str], tail: &str) -> String {
    // An empty sum of floats is -0, which nobody wants to read.
    let mut value = value + 0.0;
    let mut unit = 0;
    while value >= step && unit + 1 < units.len() {
        value /= step;
        unit += 1;
    }
    let number = if value >= 100.0 || value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.3}") };
    [number.as_str(), units[unit], tail].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

fn as_json(context: &Context, plan: &Plan, costs: &Costs) -> String {
    let steps = |steps: &[Step]| {
        steps
            .iter()
            .map(|step| {
                let mut line = String::new();
                step_line(&mut line, context, plan, step);
                line.trim().to_owned()
            })
            .collect::<Vec<_>>()
    };
    let passes: Vec<_> = plan
        .passes
        .iter()
        .map(|pass| json!({ "once": steps(&pass.before), "each_chunk": steps(&pass.chunk) }))
        .collect();
    let object = json!({
        "streamed": plan.streamed.map(|axis| context.axis(axis).size_name.plain.clone()),
        "chunk": plan.chunk,
        "chunks": plan.chunks(),
        "passes": passes,
        "product_operations": costs.product_operations,
        "elementwise_operations": costs.elementwise_operations,
        "transcendental": costs.transcendental,
        "bytes_moved": costs.bytes_moved,
        "input_bytes": costs.input_bytes,
        "output_bytes": costs.output_bytes,
        "temporary_bytes": costs.temporary_bytes,
    });
    object.to_string() + "\n"
}
