//! Plans on several devices: what follows from the steps for well-known ways to divide a loss.

use kobai::expr::{Axis, Context, Reduction};
use kobai::parse::{Syntax, parse};
use kobai::plan::report::devices::{Kind, Split};
use kobai::plan::{Options, Output, Plan, Role, plan};
use kobai::resolve::resolve;
use kobai::stabilise::{stabilise, stable_gradient};
use std::collections::HashMap;

const LINEAR: &str = r"z_{ik} = \sum_{d=1}^{D} x_{id} W_{dk} + b_k
L = -\frac{1}{N} \sum_{i=1}^{N} \log \frac{e^{z_{i,t_i}}}{\sum_{k=1}^{K} e^{z_{ik}}}";

const INFO_NCE: &str = r"s_{ij} = \sum_{d=1}^{D} q_{id} k_{jd}
L = -\frac{1}{N} \sum_{i=1}^{N} \log \frac{e^{s_{ii}}}{\sum_{j=1}^{N} e^{s_{ij}}}";

/// Bytes of an entry.
const WIDTH: usize = 4;

struct Planned {
    context: Context,
    plan: Plan,
}

impl Planned {
    fn new(text: &str, wrt: &[&str], sizes: &[(&str, usize)]) -> Planned {
        let mut program = resolve(&parse(text, Syntax::Latex), &Default::default()).expect("the text is good");
        let loss = stabilise(&mut program).loss;
        let context = &mut program.context;
        let named = |name: &&str| {
            let position = context.symbols.iter().position(|symbol| symbol.name.plain == **name);
            kobai::expr::Symbol(position.expect("a symbol of this name") as u32)
        };
        let symbols: Vec<_> = wrt.iter().map(named).collect();
        let mut outputs = vec![Output { name: "value".into(), indices: Vec::new(), value: loss }];
        for (gradient, name) in stable_gradient(context, loss, &symbols).into_iter().zip(wrt) {
            outputs.push(Output { name: format!("d{name}"), indices: gradient.indices, value: gradient.value });
        }
        let sizes: HashMap<Axis, usize> = (0..context.axes.len())
            .filter_map(|number| {
                let name = &context.axes[number].size_name.plain;
                let (_, size) = sizes.iter().find(|(known, _)| known == name)?;
                Some((Axis(number as u32), *size))
            })
            .collect();
        let options = Options { entry_bytes: WIDTH, ..Options::default() };
        let plan = plan(context, &outputs, &sizes, options);
        Planned { context: program.context, plan }
    }

    fn split(&self, name: &str, devices: usize) -> Split {
        let axis =
            self.context.axes.iter().position(|axis| axis.size_name.plain == name).expect("an axis of this name");
        self.plan.split(Axis(axis as u32), devices, WIDTH)
    }

    fn held(&self, split: &Split, name: &str) -> f64 {
        let held = split.held.iter().find(|held| self.plan.tensors[held.tensor.0].name == name);
        held.expect("a tensor of this name").bytes
    }

    /// What is exchanged of this many entries, by kind.
    fn exchanged(&self, split: &Split, kind: Kind) -> Vec<f64> {
        let found = split.exchanges.iter().filter(|exchange| exchange.kind == kind);
        let mut entries: Vec<f64> = found.map(|exchange| exchange.bytes / WIDTH as f64).collect();
        entries.sort_by(f64::total_cmp);
        entries
    }
}

fn linear() -> Planned {
    Planned::new(LINEAR, &["x", "W", "b"], &[("N", 4096), ("D", 512), ("K", 32000)])
}

#[test]
fn by_rows_the_gradients_of_the_weights_are_summed() {
    let planned = linear();
    let split = planned.split("N", 8);
    assert_eq!(planned.held(&split, "x"), (4096 / 8 * 512 * WIDTH) as f64);
    assert_eq!(planned.held(&split, "W"), (512 * 32000 * WIDTH) as f64);
    assert_eq!(planned.held(&split, "dx"), (4096 / 8 * 512 * WIDTH) as f64);
    let sums = planned.exchanged(&split, Kind::Reduce(Reduction::Sum));
    assert_eq!(sums, [1.0, 32000.0, (512 * 32000) as f64], "value, db, dW");
    assert_eq!(split.exchanges.len(), 3, "{:?}", split.exchanges);
}

#[test]
fn by_classes_maxima_and_sums_and_the_gradient_of_the_rows_are_joined() {
    let planned = linear();
    let split = planned.split("K", 8);
    assert_eq!(planned.held(&split, "W"), (512 * 32000 / 8 * WIDTH) as f64);
    assert_eq!(planned.held(&split, "dW"), (512 * 32000 / 8 * WIDTH) as f64);
    assert_eq!(planned.held(&split, "x"), (4096 * 512 * WIDTH) as f64);
    assert_eq!(planned.exchanged(&split, Kind::Reduce(Reduction::LogSumExp)), [4096.0, 4096.0]);
    let sums = planned.exchanged(&split, Kind::Reduce(Reduction::Sum));
    assert_eq!(sums.last(), Some(&((4096 * 512) as f64)), "dx: {:?}", split.exchanges);
    // The logit of each row's own class, from the device that has the class: no more than a number or two a row.
    let small = split.exchanges.iter().filter(|exchange| exchange.kind == Kind::Send);
    assert!(small.map(|exchange| exchange.bytes).sum::<f64>() <= (2 * 4096 * WIDTH) as f64, "{:?}", split.exchanges);
}

#[test]
fn each_device_has_its_share_of_what_is_divided() {
    let planned = linear();
    let alone = planned.plan.split(Axis(u32::MAX), 1, WIDTH);
    assert!(alone.exchanges.is_empty());
    let all = alone.bytes(&planned.plan, |role| *role != Role::Temporary);
    for axis in ["N", "K", "D"] {
        for devices in [2, 3, 8] {
            let split = planned.split(axis, devices);
            let held = split.bytes(&planned.plan, |role| *role != Role::Temporary);
            assert!(held <= all && held * devices as f64 >= all, "{axis}, {devices}: {held} of {all}");
        }
    }
}

#[test]
fn of_two_factors_divided_over_different_loops_one_is_gathered() {
    let planned = Planned::new(INFO_NCE, &["q", "k"], &[("N", 1024), ("D", 64)]);
    let split = planned.split("N", 4);
    assert_eq!(planned.exchanged(&split, Kind::Gather), [(1024 * 64) as f64], "one of q and k");
    let sums = planned.exchanged(&split, Kind::Reduce(Reduction::Sum));
    assert_eq!(sums.last(), Some(&((1024 * 64) as f64)), "its gradient: {:?}", split.exchanges);
}

#[test]
fn steps_add_up_to_the_plan() {
    let planned = linear();
    let plan = &planned.plan;
    let costs = plan.costs(WIDTH);
    let mut operations = 0.0;
    for pass in &plan.passes {
        let costs = plan.pass_costs(pass, WIDTH);
        operations += costs.before.iter().chain(&costs.chunk).map(|costs| costs.operations()).sum::<f64>();
    }
    assert_eq!(operations, costs.product_operations + costs.elementwise_operations);
    // Three products of two operations an entry: the logits, dx and dW.
    assert_eq!(costs.product_operations, 3.0 * 2.0 * 4096.0 * 512.0 * 32000.0);
    assert!(costs.temporary_bytes < plan.in_full(WIDTH).temporary_bytes);
}
