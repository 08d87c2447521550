//! What a measurement says.

use super::Compiled;
use super::measure::Measured;
use crate::data::shown;
use crate::options::{Bench, DataType};
use crate::plan::{bytes, count};
use crate::sizes::in_order;
use crate::source::Source;
use crate::table::Table;
use kobai::expr::Axis;
use kobai::plan::report::Costs;
use kobai_cpu::machine::Timing;
use kobai_fit::metrics::json_number;
use serde_json::{Map, Value, json};

/// All that was found.
pub struct Report<'a> {
    pub arguments: &'a Bench,
    pub source: &'a Source,
    pub compiled: Compiled,
    /// The inputs that were drawn, and from which set.
    pub inputs: Vec<(String, String)>,
    pub measured: Vec<Measured>,
    /// Bytes of an entry.
    pub width: usize,
}

impl Report<'_> {
    fn say(&self, key: &str, slots: &[(&str, String)]) -> String {
        self.source.language.say(key, slots)
    }

    fn costs(&self) -> Costs {
        self.compiled.plan.costs(self.width)
    }

    fn name(&self, axis: Axis) -> &str {
        &self.compiled.program.context.axis(axis).size_name.plain
    }

    fn sizes(&self) -> Vec<(&str, usize)> {
        in_order(&self.compiled.program.context, &self.compiled.plan.sizes)
    }

    /// The axes of the largest tensor, temporaries in full included, and how many entries it has.
    fn largest(&self) -> (String, f64) {
        let plan = &self.compiled.plan;
        let entries = |axes: &[Axis]| axes.iter().map(|&axis| plan.size(axis) as f64).product::<f64>();
        // The first of the largest, which is an input if any is as large as the temporaries.
        let largest = plan.tensors.iter().rev().max_by(|a, b| entries(&a.axes).total_cmp(&entries(&b.axes)));
        let axes = largest.map_or(&[][..], |tensor| &tensor.axes);
        (axes.iter().map(|&axis| self.name(axis)).collect::<Vec<_>>().join(" × "), entries(axes))
    }

    fn dtype(&self) -> &'static str {
        if self.arguments.dtype == DataType::F32 { "f32" } else { "f64" }
    }

    /// The names that gradients are by.
    fn names(&self) -> String {
        let names = self.compiled.wrt.iter().map(|&symbol| self.compiled.program.context.symbol(symbol));
        names.map(|symbol| symbol.name.plain.clone()).collect::<Vec<_>>().join(", ")
    }

    pub fn as_text(&self) -> String {
        let mut lines = self.about();
        lines.push(String::new());
        lines.push(self.table().render().trim_end().to_owned());
        lines.join("\n") + "\n"
    }

    /// What was measured.
    fn about(&self) -> Vec<String> {
        let costs = self.costs();
        let sizes: Vec<String> = self.sizes().iter().map(|(name, size)| format!("{name} = {size}")).collect();
        let mut lines = vec![format!("{}  {}", self.dtype(), sizes.join(", ")).trim_end().to_owned()];
        lines.push(match self.compiled.wrt.is_empty() {
            true => self.say("word.bench-value", &[]),
            false => self.say("word.bench-gradient", &[("names", self.names())]),
        });
        if !self.inputs.is_empty() {
            let inputs: Vec<String> = self.inputs.iter().map(|(name, set)| format!("{name} ∈ {set}")).collect();
            let slots = [("seed", self.arguments.seed.to_string()), ("inputs", inputs.join(";  "))];
            lines.push(self.say("word.bench-drawn", &slots));
        }
        if let Some(measured) = self.measured.first() {
            lines.push(self.say("word.bench-found", &[("value", shown(measured.value))]));
        }
        lines.push(self.say("word.bench-compiled", &[("time", seconds(self.compiled.seconds))]));
        let slots =
            [("operations", count(operations(&costs), self.source.language)), ("bytes", bytes(costs.bytes_moved))];
        lines.push(self.say("word.bench-work", &slots));
        let planned = bytes(costs.output_bytes + costs.temporary_bytes);
        lines.push(self.say("word.bench-planned", &[("bytes", planned)]));
        lines
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&[""]);
        for measured in &self.measured {
            table.heading(&self.say("word.bench-threads", &[("threads", measured.threads.to_string())]));
        }
        let (largest, entries) = self.largest();
        let costs = self.costs();
        let mut row = |name: String, cell: &dyn Fn(&Measured) -> String| {
            let cells = self.measured.iter().map(cell);
            table.row([name].into_iter().chain(cells).collect());
        };
        row(self.say("word.bench-reused", &[]), &|one| seconds(one.reused.median));
        row(self.say("word.bench-fastest", &[]), &|one| seconds(one.reused.fastest));
        row(self.say("word.bench-fresh", &[]), &|one| seconds(one.fresh.median));
        row(
            self.say("word.bench-entry", &[("axes", if largest.is_empty() { "1".to_owned() } else { largest })]),
            &|one| format!("{:.3} ns", one.reused.median * 1e9 / entries),
        );
        row(self.say("word.bench-operations", &[]), &|one| rate(operations(&costs) / one.reused.median, "GFLOP/s"));
        row(self.say("word.bench-product-rate", &[]), &|one| rate(one.product_rate, "GFLOP/s"));
        row(self.say("word.bench-product-share", &[]), &|one| {
            share(costs.product_operations / one.reused.median, one.product_rate)
        });
        row(self.say("word.bench-bytes", &[]), &|one| rate(costs.bytes_moved / one.reused.median, "GB/s"));
        row(self.say("word.bench-copy-rate", &[]), &|one| rate(one.copy_rate, "GB/s"));
        row(self.say("word.bench-copy-share", &[]), &|one| share(costs.bytes_moved / one.reused.median, one.copy_rate));
        row(self.say("word.bench-peak", &[]), &|one| {
            one.peak_bytes.map_or_else(|| "–".to_owned(), |peak| bytes(peak as f64))
        });
        table
    }

    pub fn as_json(&self) -> String {
        let costs = self.costs();
        let (largest, entries) = self.largest();
        let sizes: Map<String, Value> =
            self.sizes().into_iter().map(|(name, size)| (name.to_owned(), json!(size))).collect();
        let drawn: Map<String, Value> =
            self.inputs.iter().map(|(name, set)| (name.clone(), Value::String(set.clone()))).collect();
        let first = self.measured.first();
        let norms = first.map_or(&[][..], |one| &one.norms);
        let norms: Map<String, Value> = norms.iter().map(|(name, norm)| (name.clone(), json_number(*norm))).collect();
        let object = json!({
            "dtype": self.dtype(),
            "sizes": sizes,
            "seed": self.arguments.seed,
            "drawn": drawn,
            "value": json_number(first.map_or(f64::NAN, |one| one.value)),
            "gradient_norms": norms,
            "compile_seconds": self.compiled.seconds,
            "operations": operations(&costs),
            "product_operations": costs.product_operations,
            "bytes_moved": costs.bytes_moved,
            "planned_peak_bytes": costs.output_bytes + costs.temporary_bytes,
            "largest_tensor": largest,
            "largest_tensor_entries": entries,
            "measured": self.measured.iter().map(|one| measured_json(one, &costs, entries)).collect::<Vec<_>>(),
        });
        object.to_string() + "\n"
    }
}

fn measured_json(one: &Measured, costs: &Costs, entries: f64) -> Value {
    let timing = |timing: &Timing| json!({ "median": timing.median, "fastest": timing.fastest, "runs": timing.runs });
    let median = one.reused.median;
    json!({
        "threads": one.threads,
        "reused_seconds": timing(&one.reused),
        "fresh_seconds": timing(&one.fresh),
        "nanoseconds_per_entry": median * 1e9 / entries,
        "operations_per_second": operations(costs) / median,
        "bytes_per_second": costs.bytes_moved / median,
        "peak_bytes": one.peak_bytes,
        "machine_copy_bytes_per_second": one.copy_rate,
        "machine_product_operations_per_second": one.product_rate,
        "share_of_copy": costs.bytes_moved / median / one.copy_rate,
        "share_of_product": costs.product_operations / median / one.product_rate,
    })
}

/// All operations, each exponential and its like as one.
fn operations(costs: &Costs) -> f64 {
    costs.product_operations + costs.elementwise_operations
}

fn seconds(value: f64) -> String {
    let (value, unit) = match value {
        _ if value >= 1.0 => (value, "s"),
        _ if value >= 1e-3 => (value * 1e3, "ms"),
        _ => (value * 1e6, "µs"),
    };
    if value >= 100.0 { format!("{value:.0} {unit}") } else { format!("{value:.2} {unit}") }
}

fn rate(value: f64, unit: &str) -> String {
    let value = value / 1e9;
    if value >= 100.0 { format!("{value:.0} {unit}") } else { format!("{value:.2} {unit}") }
}

fn share(value: f64, whole: f64) -> String {
    if value > 0.0 { format!("{:.1} %", 100.0 * value / whole) } else { "–".to_owned() }
}
