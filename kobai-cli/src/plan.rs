//! `kobai plan`

mod devices;
mod tree;

use crate::message::Failure;
use crate::options::Plan as Arguments;
use crate::sizes::{in_order, sizes};
use crate::source::{read, symbols};
use crate::table::Table;
use crate::{Answer, print};
use kobai::eval::data::Inputs;
use kobai::explain::Language;
use kobai::expr::{Axis, Context, Reduction, Symbol};
use kobai::plan::report::{Costs, InFull, StepCosts};
use kobai::plan::{Options, Output, Plan, plan};
use kobai::resolve::Program;
use kobai::stabilise::{stabilise, stable_gradient};
use serde_json::{Value, json};
use std::collections::HashMap;

/// A plan, with what is needed to speak of it.
pub struct Planned<'a> {
    context: &'a Context,
    plan: &'a Plan,
    language: Language,
    dtype: &'static str,
    entry_bytes: usize,
}

/// Plans and prints.
pub fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let source = read(&arguments.common)?;
    let mut program = source.program(&Inputs::new())?;
    let wrt = if arguments.wrt.is_empty() { program.parameters.clone() } else { symbols(&program, &arguments.wrt)? };
    let outputs = outputs(&mut program, &wrt);
    let context = &mut program.context;
    let sizes = sizes(context, &arguments.size, &source, outputs[0].value)?;
    let (dtype, entry_bytes) = arguments.dtype.row();
    let options = Options { chunk: arguments.chunk, memory: arguments.memory, entry_bytes, ..Options::default() };
    let plan = planned(context, &outputs, &sizes, options)?;
    let planned = Planned { context, plan: &plan, language: source.language, dtype, entry_bytes };
    let devices = arguments.devices.map(|count| count as usize);
    print(&if arguments.json { planned.as_json(devices) } else { planned.as_text(devices) })?;
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

/// A plan within the memory that it may take.
///
/// # Errors
/// There is no such plan.
pub fn planned(
    context: &mut Context,
    outputs: &[Output],
    sizes: &HashMap<Axis, usize>,
    options: Options,
) -> Result<Plan, Failure> {
    let found = plan(context, outputs, sizes, options);
    let needed = found.peak_bytes(options.entry_bytes);
    let Some(memory) = options.memory.filter(|&memory| needed > memory) else { return Ok(found) };
    let frugal = plan(context, outputs, sizes, Options { chunk: Some(1), ..options });
    let least = frugal.peak_bytes(options.entry_bytes).min(needed);
    Err(Failure::text(format!(
        "outputs and temporaries do not fit in {}\n  cause: they take {}, and {} with the smallest chunks\n  fix: allow them --memory {}KiB, or ask for fewer gradients",
        bytes(memory as f64),
        bytes(needed as f64),
        bytes(least as f64),
        least.div_ceil(1024)
    )))
}

impl Planned<'_> {
    fn say(&self, key: &str, slots: &[(&str, String)]) -> String {
        self.language.say(key, slots)
    }

    /// The word for a reduction.
    fn reduction(&self, reduction: Reduction) -> String {
        self.say(&format!("word.plan-over-{}", format!("{reduction:?}").to_lowercase()), &[])
    }

    fn axis(&self, axis: Axis) -> &str {
        &self.context.axis(axis).size_name.plain
    }

    fn sizes(&self) -> Vec<(&str, usize)> {
        in_order(self.context, &self.plan.sizes)
    }

    fn as_text(&self, devices: Option<usize>) -> String {
        let sizes: Vec<String> = self.sizes().iter().map(|(name, size)| format!("{name} = {size}")).collect();
        let (steps, total) = self.tree();
        let (costs, in_full) = (self.plan.costs(self.entry_bytes), self.plan.in_full(self.entry_bytes));
        let mut out = format!("{}  {}\n", self.dtype, sizes.join(", "));
        out += &format!("{}\n\n{steps}\n", self.streamed());
        for line in self.totals(&costs, &total) {
            out += &format!("{line}\n");
        }
        out += &format!("\n{}", self.memory(&costs, &in_full).render());
        if let Some(count) = devices {
            out += &format!("\n{}", self.devices_table(count).render());
        }
        out
    }

    fn streamed(&self) -> String {
        let passes = ("passes", self.plan.passes.iter().filter(|pass| !pass.chunk.is_empty()).count().to_string());
        match self.plan.streamed {
            Some(axis) => {
                let slots = [
                    ("axis", self.axis(axis).to_owned()),
                    ("chunks", self.plan.chunks().to_string()),
                    ("chunk", self.plan.chunk.to_string()),
                    passes,
                ];
                self.say("word.plan-streamed", &slots)
            }
            None => self.say("word.plan-not-streamed", &[]),
        }
    }

    fn totals(&self, costs: &Costs, total: &StepCosts) -> Vec<String> {
        let intensity = |bytes: f64| format!("{:.1}", total.operations() / bytes.max(1.0));
        let elementwise = [
            ("operations", count(costs.elementwise_operations, self.language)),
            ("functions", count(costs.transcendental, self.language)),
        ];
        let least = [("bytes", bytes(costs.bytes_moved)), ("intensity", intensity(costs.bytes_moved))];
        let most = [("bytes", bytes(total.bytes)), ("intensity", intensity(total.bytes))];
        vec![
            self.say("word.plan-products", &[("operations", count(costs.product_operations, self.language))]),
            self.say("word.plan-elementwise", &elementwise),
            self.say("word.plan-moved-least", &least),
            self.say("word.plan-moved-most", &most),
        ]
    }

    /// The memory as planned, and that of every tensor in full.
    fn memory(&self, costs: &Costs, in_full: &InFull) -> Table {
        let word = |key: &str| self.say(key, &[]);
        let mut table =
            Table::new(&[&word("word.plan-memory"), &word("word.plan-as-planned"), &word("word.plan-in-full")]);
        let mut row = |key: &str, planned: f64, full: f64| table.row(vec![word(key), bytes(planned), bytes(full)]);
        row("word.plan-inputs", costs.input_bytes, costs.input_bytes);
        row("word.plan-outputs", costs.output_bytes, in_full.output_bytes);
        row("word.plan-temporaries", costs.temporary_bytes, in_full.temporary_bytes);
        let planned = costs.output_bytes + costs.temporary_bytes;
        row("word.plan-peak", planned, in_full.output_bytes + in_full.temporary_bytes);
        table
    }

    fn as_json(&self, devices: Option<usize>) -> String {
        let (costs, in_full) = (self.plan.costs(self.entry_bytes), self.plan.in_full(self.entry_bytes));
        let sizes = self.sizes().into_iter().map(|(name, size)| (name.to_owned(), json!(size)));
        let object = json!({
            "dtype": self.dtype,
            "sizes": sizes.collect::<serde_json::Map<String, Value>>(),
            "streamed": self.plan.streamed.map(|axis| self.axis(axis)),
            "chunk": self.plan.chunk,
            "chunks": self.plan.chunks(),
            "passes": self.passes_json(),
            "product_operations": costs.product_operations,
            "elementwise_operations": costs.elementwise_operations,
            "transcendental": costs.transcendental,
            "bytes_moved": costs.bytes_moved,
            "input_bytes": costs.input_bytes,
            "output_bytes": costs.output_bytes,
            "temporary_bytes": costs.temporary_bytes,
            "peak_bytes_above_inputs": costs.output_bytes + costs.temporary_bytes,
            "in_full": {
                "output_bytes": in_full.output_bytes,
                "temporary_bytes": in_full.temporary_bytes,
                "peak_bytes_above_inputs": in_full.output_bytes + in_full.temporary_bytes,
            },
            "devices": devices.map(|count| self.devices_json(count)),
        });
        object.to_string() + "\n"
    }
}

/// A count in words: 3.2 million.
pub fn count(value: f64, language: Language) -> String {
    match language {
        Language::English => scaled(value, 1e3, &["", "thousand", "million", "billion", "trillion", "quadrillion"]),
        Language::Japanese => scaled(value, 1e4, &["", "万", "億", "兆", "京"]),
    }
}

/// Bytes in the unit that suits them.
pub fn bytes(value: f64) -> String {
    scaled(value, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"])
}

fn scaled(value: f64, step: f64, units: &[&str]) -> String {
    // An empty sum of floats is -0, which nobody wants to read.
    let mut value = value + 0.0;
    let mut unit = 0;
    while value >= step && unit + 1 < units.len() {
        value /= step;
        unit += 1;
    }
    let number = if value >= 100.0 || value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.3}") };
    format!("{number} {}", units[unit]).trim_end().to_owned()
}
