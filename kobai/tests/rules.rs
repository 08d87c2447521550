//! Every row sampled against high precision: both sides of a rewriting, each derivative against differences, and how a
//! function's graph bends.

use kobai::differentiate::{argument_names, conditions_of, derivative_of};
use kobai::eval::Evaluator;
use kobai::eval::arithmetic::Arithmetic;
use kobai::eval::data::{Array, Inputs, bind, kinds};
use kobai::eval::high::High;
use kobai::expr::{Context, Expr, Rational, SymbolInformation};
use kobai::formula::Spelling;
use kobai::function::{Function, Part, ROWS, Row, Shape};
use kobai::parse::{Syntax, parse};
use kobai::resolve::{InputKinds, resolve};
use kobai::rewrite::stability::STABILITY;
use kobai::stabilise::{function_rules, stabilise, written_out};

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
                let bound = bind(context, &context.symbols_in(assumption.condition), &inputs).expect("binds");
                let mut evaluator = Evaluator::new(context, &bound, &mut high);
                let holds = evaluator.tensor(assumption.condition, &assumption.indices).expect("evaluates").data;
                holds.iter().all(|holds| high.to_double(holds) != 0.0)
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

/// A formula for every rule that a row cannot say.
const EXAMPLES: [(&str, &str); 11] = [
    ("sign-into-sum", r"\log \sigma(x - y)"),
    ("masked-exponential", r"\log \sum_{i=1}^{N} \mathbb{1}[i \ne 2] e^{f_i}"),
    ("exponential-into-sum", r"\sum_{i=1}^{N} \frac{e^{f_i}}{\sum_{j=1}^{N} e^{f_j}} g_i"),
    ("log-of-one-plus-product-of-exponentials", r"\log (1 + \sum_{i=1}^{N} e^{f_i} \sum_{j=1}^{N} e^{-2 f_j})"),
    ("weighted-log-sum-exp", r"\log \sum_{i=1}^{N} w_i e^{f_i}"),
    ("log-softmax-of-gather", r"\sum_{i=1}^{N} \log \frac{e^{f_{y_i}}}{\sum_{k=i}^{N} e^{f_{y_k}}}"),
    ("exact-logarithm", r"x \log_9 27"),
    ("change-of-base", r"\log_a (1 + x^2)"),
    ("log-of-even-power", r"\log (x^{4})"),
    ("complement-of-share", r"1 - \frac{x}{x + y^2 + 3}"),
    ("shares-of-sigmoid", r"y \sigma(x) + y \sigma(-x)"),
];

#[test]
fn every_rule_that_is_a_function_has_an_example() {
    let mut high = High::new(PRECISION);
    let rules = function_rules();
    assert_eq!(rules.len(), EXAMPLES.len());
    for rule in rules {
        let (_, text) = EXAMPLES.iter().find(|(key, _)| *key == rule.key).expect("an example");
        let mut inputs = Inputs::new();
        for (name, value) in [("x", 0.75), ("y", -1.5), ("a", 3.0)] {
            inputs.insert(name.into(), Array::scalar(value));
        }
        for (name, data) in [("f", [0.5, -2.0, 3.0]), ("g", [1.0, 2.0, -1.0]), ("w", [0.1, -0.02, 2.0])] {
            inputs.insert(name.into(), Array { shape: vec![3], data: data.to_vec(), integer: false });
        }
        if rule.key == "log-softmax-of-gather" {
            inputs.insert("y".into(), Array { shape: vec![3], data: vec![2.0, 0.0, 1.0], integer: true });
        }
        let parsed = parse(text, Syntax::Latex);
        let mut program = resolve(&parsed, &kinds(&inputs)).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        let written = written_out(&mut program);
        let stable = stabilise(&mut program);
        let fired: Vec<&str> = stable.fired.iter().map(|fired| fired.rule).collect();
        assert!(fired.contains(&rule.key), "{}: {text} fires {fired:?}", rule.key);
        let left = value(&program.context, written, &inputs, &mut high);
        let right = value(&program.context, stable.loss, &inputs, &mut high);
        let error = high.relative_error(&left, &right, "1e-300");
        assert!(error < 1e-60, "{}: {} and {}", rule.key, high.to_decimal(&left, 20), high.to_decimal(&right, 20));
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

/// Points up to 0 and from 0 on, unevenly far apart; a row is sampled where it is defined.
const BELOW_ZERO: [f64; 9] = [-30.0, -6.5, -2.25, -1.5, -0.97, -0.6, -0.35, -0.01, 0.0];
const FROM_ZERO: [f64; 9] = [0.0, 0.02, 0.3, 0.45, 0.75, 0.98, 1.75, 4.5, 27.0];

/// The values at the points at which the function is defined, beside these points.
fn graph(row: &Row, points: &[f64], high: &mut High) -> Vec<(f64, <High as Arithmetic>::Value)> {
    let mut context = Context::new();
    let mut defined = |point: f64| {
        let point = context.number(Rational::from_float(point).expect("finite"));
        let conditions = conditions_of(&mut context, row.function, &[point]);
        conditions.into_iter().all(|condition| !context.is_integer(condition, 0))
    };
    let inside = points.iter().copied().filter(|&point| defined(point));
    inside
        .map(|point| {
            let argument = high.double(point);
            (point, high.call(row.function, &[argument]))
        })
        .collect()
}

/// Whether the graph rises nowhere or falls nowhere, and whether each of its points lies on or below the chord between its
/// neighbours: (increasing, decreasing, convex, concave).
fn bends(graph: &[(f64, <High as Arithmetic>::Value)], high: &mut High) -> (bool, bool, bool, bool) {
    let slopes: Vec<_> = graph
        .windows(2)
        .map(|pair| {
            let rise = high.subtract(&pair[1].1, &pair[0].1);
            let (left, right) = (high.double(pair[0].0), high.double(pair[1].0));
            let run = high.subtract(&right, &left);
            high.divide(&rise, &run)
        })
        .collect();
    let tolerance = 1e-60;
    let rises: Vec<f64> = slopes.iter().map(|slope| high.to_double(slope)).collect();
    let turns: Vec<f64> = slopes
        .windows(2)
        .map(|pair| {
            let turn = high.subtract(&pair[1], &pair[0]);
            high.to_double(&turn)
        })
        .collect();
    let all = |values: &[f64], sign: f64| values.iter().all(|value| sign * value >= -tolerance);
    (all(&rises, 1.0), all(&rises, -1.0), all(&turns, 1.0), all(&turns, -1.0))
}

#[test]
fn every_shape_is_the_graphs() {
    let mut high = High::new(PRECISION);
    let whole: Vec<f64> = BELOW_ZERO.iter().chain(&FROM_ZERO[1..]).copied().collect();
    let parts = [(Part::Whole, &whole[..]), (Part::BelowZero, &BELOW_ZERO), (Part::FromZero, &FROM_ZERO)];
    let mut without = Vec::new();
    for row in ROWS.iter().filter(|row| row.arity == 1) {
        if row.shape.is_empty() {
            without.push(row.function);
        }
        for (part, points) in parts {
            let graph = graph(row, points, &mut high);
            if graph.len() < 3 {
                continue;
            }
            let (increasing, decreasing, convex, concave) = bends(&graph, &mut high);
            let holds = match row.shape_on(part) {
                Some(Shape::ConvexIncreasing) => convex && increasing,
                Some(Shape::ConvexDecreasing) => convex && decreasing,
                Some(Shape::ConcaveIncreasing) => concave && increasing,
                Some(Shape::ConcaveDecreasing) => concave && decreasing,
                Some(Shape::Convex) => convex && !increasing && !decreasing,
                // What bends one way should be said to.
                None => row.shape.is_empty() || !(convex || concave),
            };
            assert!(holds, "{} on {part:?}: {:?}", row.plain, row.shape_on(part));
        }
    }
    use Function::{Cos, Sign, Sin, StopGradient, Tan};
    assert_eq!(without, [Sin, Cos, Tan, Sign, StopGradient]);
}

#[test]
fn the_larger_is_convex_and_the_smaller_concave() {
    let mut high = High::new(PRECISION);
    for (function, sign) in [(Function::Max, 1.0), (Function::Min, -1.0)] {
        let shape = if sign > 0.0 { Shape::ConvexIncreasing } else { Shape::ConcaveIncreasing };
        assert_eq!(function.row().shape, [shape]);
        let mut at = |x: f64, y: f64| {
            let arguments = [high.double(x), high.double(y)];
            let value = high.call(function, &arguments);
            high.to_double(&value)
        };
        for (a, b) in [((-1.0, 3.0), (4.0, -2.0)), ((0.0, 1.0), (2.0, 0.0)), ((-5.0, -4.0), (-4.0, -6.0))] {
            let middle = at((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
            assert!(sign * middle < sign * (at(a.0, a.1) + at(b.0, b.1)) / 2.0);
            assert!(at(a.0 + 1.0, a.1) >= at(a.0, a.1) && at(a.0, a.1 + 1.0) >= at(a.0, a.1));
        }
    }
}
