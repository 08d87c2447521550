//! The conformance set through the reference interpreter: every case, value and every gradient.

mod common;

use common::{Case, NOT_YET, Outcome, all_losses};
use kobai::eval::Evaluator;
use kobai::eval::data::{bind, kinds};
use kobai::eval::double::Double;
use kobai::parse::{Syntax, parse};
use kobai::resolve::resolve;
use kobai::stabilise::{stabilise, stable_gradient};

fn run(tex: &str, case: &Case, wrt: &[String]) -> Result<Outcome, String> {
    let parsed = parse(tex, Syntax::Latex);
    let mut program = resolve(&parsed, &kinds(&case.inputs)).map_err(|errors| format!("{errors:?}"))?;
    let stable = stabilise(&mut program);
    let context = &mut program.context;
    let symbols = common::symbols(context, wrt)?;
    let gradients = stable_gradient(context, stable.loss, &symbols);
    let needed = context.symbols_in(stable.loss);
    let bound = bind(context, &needed, &case.inputs).map_err(|errors| format!("{errors:?}"))?;
    let mut double = Double;
    let mut evaluator = Evaluator::new(context, &bound, &mut double);
    let value = evaluator.scalar(stable.loss).map_err(|error| format!("{error:?}"))?;
    let mut results = Vec::new();
    for gradient in &gradients {
        let tensor = evaluator.tensor(gradient.value, &gradient.indices).map_err(|error| format!("{error:?}"))?;
        results.push(tensor.data);
    }
    Ok(Outcome { value, gradients: results })
}

#[test]
fn the_reference_interpreter_agrees_with_the_truth() {
    common::check_all(&all_losses(), run);
}

#[test]
fn what_is_listed_as_not_passing_is_in_the_set() {
    let losses = all_losses();
    let known = |(name, case): &(&str, &str)| {
        losses.iter().any(|loss| loss.name == *name && loss.cases.iter().any(|known| known.name == *case))
    };
    assert!(NOT_YET.iter().all(known));
}
