//! The conformance set through the executor in f64: every case, value and every gradient, for several chunk sizes.

#[path = "../../kobai/tests/common/mod.rs"]
mod common;

use common::{Case, Outcome, all_losses};
use kobai::eval::data::{bind, kinds};
use kobai::parse::{Syntax, parse};
use kobai::plan::{Options, Output, plan};
use kobai::resolve::resolve;
use kobai::stabilise::{stabilise, stable_gradient};
use kobai_cpu::{Executor, Inputs};

fn run(tex: &str, case: &Case, wrt: &[String], chunk: Option<usize>) -> Result<Outcome, String> {
    let parsed = parse(tex, Syntax::Latex);
    let mut program = resolve(&parsed, &kinds(&case.inputs)).map_err(|errors| format!("{errors:?}"))?;
    let stable = stabilise(&mut program);
    let context = &mut program.context;
    let symbols = common::symbols(context, wrt)?;
    let mut outputs = vec![Output { name: "value".into(), indices: Vec::new(), value: stable.loss }];
    for (gradient, name) in stable_gradient(context, stable.loss, &symbols).into_iter().zip(wrt) {
        outputs.push(Output { name: format!("gradient {name}"), indices: gradient.indices, value: gradient.value });
    }
    let needed = context.symbols_in(stable.loss);
    let bound = bind(context, &needed, &case.inputs).map_err(|errors| format!("{errors:?}"))?;
    let sizes = bound.sizes().clone();
    let mut executor: Executor<f64> =
        Executor::new(plan(context, &outputs, &sizes, Options { chunk, ..Options::default() }));
    let mut inputs = Inputs::new();
    for (name, array) in &case.inputs {
        inputs.numbers(name, &array.data);
    }
    executor.run(&inputs).map_err(|error| error.to_string())?;
    let output = |name: &str| executor.output(name).map(<[f64]>::to_vec).unwrap_or_default();
    Ok(Outcome {
        value: output("value").first().copied().unwrap_or(f64::NAN),
        gradients: wrt.iter().map(|name| output(&format!("gradient {name}"))).collect(),
    })
}

#[test]
fn the_executor_agrees_with_the_truth() {
    common::check_all(&all_losses(), |tex, case, wrt| run(tex, case, wrt, None));
}

#[test]
fn the_executor_agrees_with_the_truth_place_by_place() {
    common::check_all(&all_losses(), |tex, case, wrt| run(tex, case, wrt, Some(1)));
}
