//! The gradient for reading and the gradient for running are equal, on every loss of the conformance set that reads; and
//! the gradient with respect to logits sums to zero over the classes.

mod common;

use common::{all_losses, symbols};
use kobai::differentiate::readable::derive;
use kobai::eval::Evaluator;
use kobai::eval::data::{bind, kinds};
use kobai::eval::double::Double;
use kobai::eval::high::High;
use kobai::expr::{Expr, Index, Node};
use kobai::parse::{Syntax, parse};
use kobai::resolve::{Program, resolve};
use kobai::stabilise::{inline, stabilise, stable_gradient};
use std::collections::HashMap;

/// An expression with every definition written out.
fn in_inputs(program: &mut Program, expr: Expr) -> Expr {
    let mut values: HashMap<_, (Vec<Index>, Expr)> = HashMap::new();
    for definition in &program.definitions {
        let value = inline(&mut program.context, definition.value, &values);
        values.insert(definition.symbol, (definition.indices.clone(), value));
    }
    inline(&mut program.context, expr, &values)
}

#[test]
fn the_derivation_ends_at_the_gradient_that_runs() {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for loss in all_losses() {
        for case in loss.cases.iter().filter(|case| !case.extreme) {
            let parsed = parse(&loss.tex, Syntax::Latex);
            let Ok(mut program) = resolve(&parsed, &kinds(&case.inputs)) else { continue };
            let wrt = symbols(&program.context, &loss.wrt).expect("the set's own names");
            for symbol in wrt {
                let derivation = derive(&mut program, symbol);
                // What holds only under a supposition is compared before it is made.
                let readable = derivation.without_supposition.unwrap_or(derivation.result);
                let readable = in_inputs(&mut program, readable);
                let Node::Derivative(_, entry) = *program.context.node(derivation.target) else {
                    panic!("no derivative")
                };
                let indices: Vec<Index> = program
                    .context
                    .children(entry)
                    .into_iter()
                    .filter_map(|place| match *program.context.node(place) {
                        Node::Index(index) => Some(index),
                        _ => None,
                    })
                    .collect();
                let stable = stabilise(&mut program).loss;
                let running = stable_gradient(&mut program.context, stable, &[symbol]).remove(0);
                let context = &program.context;
                let needed = context.symbols_in(stable);
                let Ok(bound) = bind(context, &needed, &case.inputs) else { continue };
                let mut high = High::new(256);
                let mut evaluator = Evaluator::new(context, &bound, &mut high);
                let left = evaluator.tensor(readable, &indices).expect("in range");
                let right = evaluator.tensor(running.value, &running.indices).expect("in range");
                for (a, b) in left.data.iter().zip(&right.data) {
                    // What is 0 by cancellation in a case with a single class is a rounding away from it.
                    if high.relative_error(a, b, "1e-20") > 1e-40 {
                        let (a, b) = (high.to_decimal(a, 20), high.to_decimal(b, 20));
                        let name = &context.symbol(symbol).name.plain;
                        wrong.push(format!("{} {} wrt {name}: {a} and {b}", loss.name, case.name));
                    }
                }
                compared += left.data.len();
            }
        }
    }
    assert!(compared > 1_000, "only {compared} entries compared");
    assert!(wrong.is_empty(), "{} entries differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_gradient_by_logits_sums_to_zero_over_the_classes() {
    for name in ["cross-entropy", "focal", "label-smoothing", "cross-entropy-index-targets"] {
        let loss = common::read_loss(name.to_owned());
        for case in loss.cases.iter().filter(|case| !case.extreme) {
            let parsed = parse(&loss.tex, Syntax::Latex);
            let mut program = resolve(&parsed, &kinds(&case.inputs)).expect("resolves");
            let symbols = symbols(&program.context, &loss.wrt).expect("names");
            let stable = stabilise(&mut program).loss;
            let gradient = stable_gradient(&mut program.context, stable, &symbols).remove(0);
            let context = &program.context;
            let bound = bind(context, &context.symbols_in(stable), &case.inputs).expect("binds");
            let mut double = Double;
            let tensor = Evaluator::new(context, &bound, &mut double)
                .tensor(gradient.value, &gradient.indices)
                .expect("in range");
            for row in tensor.data.chunks(tensor.shape[1]) {
                let size: f64 = row.iter().map(|entry| entry.abs()).sum();
                assert!(row.iter().sum::<f64>().abs() <= 1e-15 + 1e-14 * size, "{name} {}: {row:?}", case.name);
            }
        }
    }
}
