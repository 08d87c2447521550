//! Every row sampled against high precision: both sides of a rewriting, and each derivative against differences.

use kobai::differentiate::{argument_names, derivative_of};
use kobai::eval::Evaluator;
use kobai::eval::arithmetic::Arithmetic;
use kobai::eval::data::{Array, Inputs, bind};
use kobai::eval::high::High;
use kobai::expr::{Context, Expr, SymbolInformation};
use kobai::formula::Spelling;
use kobai::function::{Function, ROWS};
use kobai::parse::{Syntax, parse};
use kobai::resolve::{InputKinds, resolve};
use kobai::rewrite::rules::STABILITY;

const PRECISION: usize = 512;
/// Points for a name; a row is sampled where its conditions hold.
const POINTS: [f64; 8] = [0.25, -0.75, 1.5, -2.5, 0.001, 3.25, -20.0, 12.0];

fn value(context: &Context, expr: Expr, inputs: &Inputs, high: &mut High) -> <High as Arithmetic>::Value {
    let bound = bind(context, &context.symbols_in(expr), inputs).expect("binds");
    Evaluator::new(context, &bound, high).scalar(expr).expect("evaluates")
}

#[test]
fn both_sides_of_every_row_are_equal() {
    let mut high = High::new(PRECISION);
    for row in STABILITY {
        let text = format!("A = {}\nB = {}\n{}", row.from, row.to, row.conditions.join("\n"));
        let program = resolve(&parse(&text, Syntax::Latex), &InputKinds::new())
            .unwrap_or_else(|errors| panic!("{}: {errors:?}", row.key));
        let context = &program.context;
        let mut sampled = 0;
        for seed in 0..64_usize {
            let mut inputs = Inputs::new();
            for (position, symbol) in context.symbols.iter().enumerate().filter(|(_, symbol)| !symbol.defined) {
                let pick = |place: usize| POINTS[(seed * 7 + seed / 8 + position * 3 + place * 5) % POINTS.len()];
                let array = match symbol.axes.len() {
                    0 => Array::scalar(pick(0)),
                    _ => Array { shape: vec![4], data: (0..4).map(pick).collect(), integer: false },
                };
                inputs.insert(symbol.name.plain.clone(), array);
            }
            let holds = program.assumptions.iter().all(|assumption| {
                let holds = value(context, assumption.condition, &inputs, &mut high);
                high.to_double(&holds) != 0.0
            });
            let left = value(context, program.definitions[0].value, &inputs, &mut high);
            let right = value(context, program.definitions[1].value, &inputs, &mut high);
            // A point where the left side has no real value says nothing.
            if !holds || high.to_double(&left).is_nan() {
                continue;
            }
            let error = high.relative_error(&left, &right, "1e-300");
            assert!(
                error < 1e-60,
                "{}: {} and {} at {inputs:?}",
                row.key,
                high.to_decimal(&left, 20),
                high.to_decimal(&right, 20)
            );
            sampled += 1;
        }
        assert!(sampled >= 4, "{} was sampled {sampled} times only", row.key);
    }
}

/// Points inside the domain of every function, and away from kinks.
const INSIDE: [f64; 4] = [0.3, 0.55, 0.7, 0.85];

#[test]
fn every_derivative_agrees_with_differences() {
    let mut high = High::new(PRECISION);
    let step = high.from_decimal("1e-40");
    for row in ROWS {
        for place in 0..row.derivatives.len() {
            for &point in &INSIDE {
                let flip = if row.function == Function::Log1mexp { -1.0 } else { 1.0 };
                let arguments: Vec<f64> =
                    (0..row.arity).map(|position| flip * (point + 0.11 * position as f64)).collect();
                let mut context = Context::new();
                let (mut inputs, mut symbols) = (Inputs::new(), Vec::new());
                for (name, &argument) in argument_names(row.function).iter().zip(&arguments) {
                    let spelling = Spelling { plain: (*name).into(), latex: (*name).into() };
                    let symbol = context.declare_symbol(SymbolInformation {
                        name: spelling,
                        axes: vec![],
                        integer: false,
                        defined: false,
                    });
                    symbols.push(context.entry(symbol, vec![]));
                    inputs.insert((*name).to_owned(), Array::scalar(argument));
                }
                let derivative = derivative_of(&mut context, row.function, place, &symbols).expect("a row that reads");
                let found = value(&context, derivative, &inputs, &mut high);
                let mut side = |sign: f64| {
                    let values: Vec<_> = arguments
                        .iter()
                        .enumerate()
                        .map(|(position, &argument)| {
                            let centre = high.double(argument);
                            let sign = high.double(if position == place { sign } else { 0.0 });
                            let shift = high.multiply(&sign, &step);
                            high.add(&centre, &shift)
                        })
                        .collect();
                    high.call(row.function, &values)
                };
                let (above, below) = (side(1.0), side(-1.0));
                // A stopped gradient is 0 by definition, whatever the values do.
                if row.function == Function::StopGradient {
                    assert_eq!(high.to_double(&found), 0.0);
                    continue;
                }
                let difference = high.subtract(&above, &below);
                let two = high.add(&step, &step);
                let slope = high.divide(&difference, &two);
                let error = high.relative_error(&found, &slope, "1e-30");
                assert!(
                    error < 1e-60,
                    "{} at {arguments:?}: {} and {}",
                    row.plain,
                    high.to_decimal(&found, 20),
                    high.to_decimal(&slope, 20)
                );
            }
        }
    }
}
