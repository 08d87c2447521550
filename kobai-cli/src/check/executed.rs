//! What the executor gives, entry by entry and exactly as it stands in memory.

use crate::eval::Element;
use kobai::check::{Checker, Doubles};
use kobai::eval::Tensor;
use kobai::eval::data::{Inputs, bind};
use kobai::plan::{Options, Output, plan};
use kobai::resolve::Program;
use kobai::source::Diagnostic;
use kobai_cpu::Executor;

/// Runs the stable form and its gradients.
pub fn executed<T: Element>(
    program: &mut Program,
    checker: &Checker,
    inputs: &Inputs,
) -> Result<Doubles, Vec<Diagnostic>> {
    let (loss, gradients) = checker.stable_form();
    let context = &mut program.context;
    let mut outputs = vec![Output { name: "value".into(), indices: Vec::new(), value: loss }];
    outputs.extend(gradients.iter().enumerate().map(|(position, gradient)| Output {
        name: position.to_string(),
        indices: gradient.indices.clone(),
        value: gradient.value,
    }));
    let mut needed = context.symbols_in(loss);
    needed.extend(&checker.symbols);
    let sizes = bind(context, &needed, inputs)?.sizes().clone();
    let mut executor: Executor<T> = Executor::new(plan(context, &outputs, &sizes, Options::default()));
    let rounded: Vec<(&String, Vec<T>)> = inputs
        .iter()
        .map(|(name, array)| (name, array.data.iter().map(|&value| T::from_double(value)).collect()))
        .collect();
    let mut given = kobai_cpu::Inputs::new();
    for (name, values) in &rounded {
        given.numbers(name, values);
    }
    executor.run(&given).map_err(|error| vec![error.into()])?;
    let tensor = |output: &Output| Tensor {
        shape: output.indices.iter().map(|index| sizes.get(&index.axis).copied().unwrap_or(0)).collect(),
        data: executor.output(&output.name).unwrap_or(&[]).iter().map(|&value| value.to_f64()).collect(),
    };
    let value = tensor(&outputs[0]).data.first().copied().unwrap_or(f64::NAN);
    Ok(Doubles { value, gradients: outputs[1..].iter().map(tensor).collect() })
}
