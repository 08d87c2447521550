//! Losses of cosines: the gradient through v/|v|.

use kobai::differentiate::readable::derive;
use kobai::eval::Evaluator;
use kobai::eval::data::{Array, Inputs, bind, kinds};
use kobai::eval::double::Double;
use kobai::eval::high::High;
use kobai::expr::{Expr, Index, Node, Symbol};
use kobai::parse::{Syntax, parse};
use kobai::plan::{Options, Output, plan};
use kobai::resolve::{Program, resolve};
use kobai::stabilise::{stabilise, stable_gradient, written_out_expression};
use std::collections::HashMap;

/// The mean of −log softmax of the cosines of all pairs, each vector's own neighbour being the right one.
const CONTRASTIVE: &str = r"s_{ij} = \frac{\sum_d z_{id} z_{jd}}{\sqrt{\sum_d z_{id}^2} \sqrt{\sum_d z_{jd}^2}}
L = -\frac{1}{M} \sum_{i=1}^{M} \log \frac{\exp(s_{i,p_i} / \tau)}{\sum_{k=1}^{M} \mathbb{1}_{[k \ne i]} \exp(s_{ik} / \tau)}";

/// Formulas with v/|v| in many forms.
const FORMULAS: [&str; 8] = [
    CONTRASTIVE,
    r"L = \frac{\sum_d a_d b_d}{\sqrt{\sum_d a_d^2} \sqrt{\sum_d b_d^2}}",
    r"L = \frac{(\sum_d a_d b_d)^2}{\sum_d a_d^2 \sum_d b_d^2}",
    // The length itself is asked for as well.
    r"L = \frac{\sum_d a_d b_d}{\sqrt{\sum_d a_d^2}} + \sum_d a_d^2 + \sqrt{\sum_d a_d^2}",
    // The distance of directions.
    r"u_{id} = \frac{z_{id}}{\sqrt{\sum_e z_{ie}^2}} \\ L = \sum_i \sum_j \log(1 + \sum_d (u_{id} - u_{jd})^2)",
    // The directions of differences, and of looked-up rows.
    r"L = \sum_i \frac{\sum_d (z_{id} - b_d) a_d}{\sqrt{\sum_d (z_{id} - b_d)^2}} \exp(\frac{\sum_d z_{p_i,d} a_d}{\sqrt{\sum_d z_{p_i,d}^2}})",
    // A layer's output, which is used apart from its direction too.
    r"e_{ik} = \sum_d z_{id} W_{dk} \\ s_{ij} = \frac{\sum_k e_{ik} e_{jk}}{\sqrt{\sum_k e_{ik}^2} \sqrt{\sum_k e_{jk}^2}}
L = \sum_i \log \sum_j \exp(s_{ij}) + \sum_i \sum_k e_{ik}^2",
    // The direction of a sum of directions.
    r"u_{id} = \frac{z_{id}}{\sqrt{\sum_e z_{ie}^2}} \\ m_d = \sum_i u_{id} \\ L = \frac{\sum_d m_d a_d}{\sqrt{\sum_d m_d^2}}",
];

fn real(shape: &[usize], data: &[f64]) -> Array {
    Array { shape: shape.to_vec(), data: data.to_vec(), integer: false }
}

fn inputs() -> Inputs {
    let z = [0.5, -1.25, 2.0, 1.5, 0.75, -0.5, -1.0, 0.25, 1.75, 3.0, -2.5, 0.125];
    let p = Array { shape: vec![4], data: vec![1.0, 0.0, 3.0, 2.0], integer: true };
    [
        ("z", real(&[4, 3], &z)),
        ("W", real(&[3, 2], &[1.0, 0.5, -0.75, 2.0, 0.25, -1.5])),
        ("a", real(&[3], &[2.0, -0.5, 1.25])),
        ("b", real(&[3], &[-1.0, 0.25, 0.5])),
        ("tau", Array::scalar(0.5)),
        ("p", p),
    ]
    .into_iter()
    .map(|(name, array)| (name.to_owned(), array))
    .collect()
}

fn program(text: &str, inputs: &Inputs) -> Program {
    resolve(&parse(text, Syntax::Latex), &kinds(inputs)).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

/// The gradient for reading, in inputs, with its indices.
fn read_gradient(program: &mut Program, symbol: Symbol) -> (Expr, Vec<Index>) {
    let derivation = derive(program, symbol);
    let value = derivation.without_supposition.unwrap_or(derivation.result);
    let value = written_out_expression(program, value);
    let Node::Derivative(_, entry) = *program.context.node(derivation.target) else { panic!("no derivative") };
    let place = |place: Expr| match *program.context.node(place) {
        Node::Index(index) => Some(index),
        _ => None,
    };
    (value, program.context.children(entry).into_iter().filter_map(place).collect())
}

#[test]
fn the_gradient_through_a_direction_is_that_of_the_rules() {
    let inputs = inputs();
    for text in FORMULAS {
        let mut program = program(text, &inputs);
        let stable = stabilise(&mut program).loss;
        let symbols = program.context.symbols_in(stable);
        for symbol in symbols.into_iter().filter(|&symbol| !program.context.symbol(symbol).integer).collect::<Vec<_>>()
        {
            let (read, indices) = read_gradient(&mut program, symbol);
            let run = stable_gradient(&mut program.context, stable, &[symbol]).remove(0);
            let context = &program.context;
            let bound = bind(context, &context.symbols_in(stable), &inputs).expect("binds");
            let mut high = High::new(256);
            let mut evaluator = Evaluator::new(context, &bound, &mut high);
            let left = evaluator.tensor(read, &indices).expect("in range");
            let right = evaluator.tensor(run.value, &run.indices).expect("in range");
            for (a, b) in left.data.iter().zip(&right.data) {
                let error = high.relative_error(a, b, "1e-20");
                let name = &context.symbol(symbol).name.plain;
                assert!(error < 1e-40, "{text} by {name}: {} {}", high.to_decimal(a, 20), high.to_decimal(b, 20));
            }
        }
    }
}

#[test]
fn along_an_axis_the_gradient_is_exactly_orthogonal_to_the_vector() {
    // The first vector lies along the first axis, the second along the second; lengths far from 1 change nothing.
    for length in [1.0, 2f64.powi(-400), 2f64.powi(500)] {
        let z = [length, 0.0, 0.0, -2.0 * length, 0.3, 1.7, -1.1, 0.7];
        let mut inputs = inputs();
        inputs.insert("z".into(), real(&[4, 2], &z));
        inputs.insert("tau".into(), Array::scalar(0.07));
        let mut program = program(CONTRASTIVE, &inputs);
        let stable = stabilise(&mut program).loss;
        let context = &mut program.context;
        let position = context.symbols.iter().position(|symbol| symbol.name.plain == "z").expect("z is an input");
        let gradient = stable_gradient(context, stable, &[Symbol(position as u32)]).remove(0);
        let bound = bind(context, &context.symbols_in(stable), &inputs).expect("binds");
        let mut double = Double;
        let mut evaluator = Evaluator::new(context, &bound, &mut double);
        let data = evaluator.tensor(gradient.value, &gradient.indices).expect("in range").data;
        assert_eq!((data[0], data[3]), (0.0, 0.0), "{data:?}");
        assert!(data.iter().all(|entry| entry.is_finite()) && data[1] != 0.0 && data[2] != 0.0, "{data:?}");
    }
}

#[test]
fn the_gradient_of_all_pairs_takes_matrix_products() {
    let mut program = program(CONTRASTIVE, &inputs());
    let stable = stabilise(&mut program).loss;
    let context = &mut program.context;
    let position = context.symbols.iter().position(|symbol| symbol.name.plain == "z").expect("z is an input");
    let symbol = Symbol(position as u32);
    let gradient = stable_gradient(context, stable, &[symbol]).remove(0);
    let axes = context.symbol(symbol).axes.clone();
    let sizes: HashMap<_, _> = axes.into_iter().zip([512, 256]).collect();
    let output = Output { name: "gradient".into(), indices: gradient.indices, value: gradient.value };
    let costs = plan(context, &[output], &sizes, Options::default()).costs(8);
    assert!(costs.elementwise_operations < 100.0 * 512.0 * 512.0, "{costs:?}");
    assert_eq!(costs.product_operations, 2.0 * 2.0 * 512.0 * 512.0 * 256.0);
}
