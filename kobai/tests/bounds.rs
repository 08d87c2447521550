//! Sums whose bounds leave places out: they are masks, and what they leave out is not read.

use kobai::eval::Evaluator;
use kobai::eval::data::{Array, Inputs, bind};
use kobai::eval::double::Double;
use kobai::expr::{Context, Expr, Index};
use kobai::parse::{detect, parse};
use kobai::resolve::{InputKinds, Program, resolve};
use kobai::stabilise::{stabilise, stable_gradient};

fn program(text: &str) -> Program {
    resolve(&parse(text, detect(text)), &InputKinds::new()).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

fn inputs() -> Inputs {
    let array = |data: &[f64]| Array { shape: vec![data.len()], data: data.to_vec(), integer: false };
    let a = Array { shape: Vec::new(), data: vec![0.5], integer: false };
    [("u".to_owned(), array(&[1.0, 2.0, 4.0, 7.0])), ("a".to_owned(), a)].into()
}

fn tensor(context: &Context, expr: Expr, indices: &[Index]) -> Vec<f64> {
    let (needed, inputs) = (context.symbols_in(expr), inputs());
    let bound = bind(context, &needed, &inputs).unwrap_or_else(|errors| panic!("{errors:?}"));
    let tensor = Evaluator::new(context, &bound, &mut Double).tensor(expr, indices);
    tensor.unwrap_or_else(|errors| panic!("{errors:?}")).data
}

#[test]
fn bounds_leave_places_out() {
    let sums = [
        (r"\sum_{i=1}^{N} u_i", 14.0),
        (r"\sum_{i=2}^{N} u_i", 13.0),
        (r"\sum_{i=0}^{N-1} u_i", 14.0),
        (r"\sum_{i=1}^{N-1} u_i", 7.0),
        (r"\sum_{i=2}^{N-1} u_i", 6.0),
        (r"\sum_{i=1}^{N} u_i + \sum_{j=1}^{N-1} u_j", 21.0),
        (r"\sum_{i=2}^{N} (u_i - u_{i-1})^2", 14.0),
        (r"\sum_{i=1}^{N-1} (u_{i+1} - u_i)^2", 14.0),
        (r"\sum_{i=2}^{N-1} (u_{i+1} - 2 u_i + u_{i-1})^2", 2.0),
        (r"\prod_{i=1}^{N-1} u_i", 8.0),
        // Nothing but a neighbour tells what N is.
        (r"\sum_{i=2}^{N} u_{i-1}", 7.0),
        (r"\sum_{i=1}^{N-1} u_{i+1}", 13.0),
        (r"\sum_{i=3}^{N} u_{i-1} u_{i-2}", 10.0),
        (r"\frac{1}{N} \sum_{i=2}^{N} u_{i-1}", 1.75),
        // What a number says is so many, whatever the tensor beside has.
        (r"\sum_{i=2}^{3} u_{i-1}", 3.0),
        (r"\sum_{i=1}^{3} u_{i+1}", 13.0),
        // All pairs, counted from 1 and from 0.
        (r"\sum_{i=1}^{N-1} \sum_{j=i+1}^{N} u_i u_j", 63.0),
        (r"\sum_{i=0}^{N-1} \sum_{j=i+1}^{N-1} u_i u_j", 63.0),
    ];
    for (text, expected) in sums {
        let program = program(text);
        assert_eq!(tensor(&program.context, program.loss, &[]), [expected], "{text}");
    }
}

#[test]
fn gradients_read_no_neighbour_that_is_not_there() {
    // The derivatives by a, and by each u.
    let sums: [(&str, &str, &[f64]); 4] = [
        (r"\sum_{i=2}^{N} (u_i - a u_{i-1})^2", "a", &[-2.0 * (1.5 + 6.0 + 20.0)]),
        (r"\sum_{i=2}^{N} (u_i - a u_{i-1})^2", "u", &[-1.5, 0.0, 1.0, 10.0]),
        (r"\sum_{i=1}^{N-1} (u_{i+1} - u_i)^2", "u", &[-2.0, -2.0, -2.0, 6.0]),
        (r"\sum_{i=1}^{N-1} a u_{i+1} u_i", "a", &[2.0 + 8.0 + 28.0]),
    ];
    for (text, name, expected) in sums {
        let mut program = program(text);
        let symbol = program.context.symbols.iter().position(|symbol| symbol.name.plain == name).expect("the symbol");
        let symbol = kobai::expr::Symbol(symbol as u32);
        let loss = stabilise(&mut program).loss;
        let found = stable_gradient(&mut program.context, loss, &[symbol]).remove(0);
        assert_eq!(tensor(&program.context, found.value, &found.indices), expected, "{text} by {name}");
    }
}

#[test]
fn neighbours_alone_need_not_be_as_many_but_go_by_the_same_name() {
    let program = program(r"\sum_{i=2}^{N} (u_i - w_{i-1})^2");
    let sizes: Vec<&str> = program.context.symbols.iter().map(|symbol| size_name(&program, symbol.axes[0])).collect();
    assert_eq!(sizes, ["N", "N"]);
    let mut inputs = inputs();
    inputs.insert("w".into(), Array { shape: vec![3], data: vec![1.0, 2.0, 4.0], integer: false });
    let bound = bind(&program.context, &program.context.symbols_in(program.loss), &inputs).expect("three of four");
    let found = Evaluator::new(&program.context, &bound, &mut Double).scalar(program.loss);
    assert_eq!(found.expect("a number"), 1.0 + 4.0 + 9.0);
}

fn size_name(program: &Program, axis: kobai::expr::Axis) -> &str {
    &program.context.axis(axis).size_name.plain
}

#[test]
fn a_size_that_is_given_is_not_that_of_a_neighbour() {
    let text = r"\sum_{i=2}^{N} u_{i-1}";
    let mut inputs = inputs();
    inputs.insert("N".into(), Array { shape: Vec::new(), data: vec![3.0], integer: true });
    let program = resolve(&parse(text, detect(text)), &kobai::eval::data::kinds(&inputs)).expect("a program");
    let bound = bind(&program.context, &program.context.symbols_in(program.loss), &inputs).expect("sizes");
    let found = Evaluator::new(&program.context, &bound, &mut Double).scalar(program.loss);
    assert_eq!(found.expect("a number"), 1.0 + 2.0);
}
