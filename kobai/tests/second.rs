//! Second derivatives: Hessian-vector products against differences of gradients in high precision and against the Hessian
//! in index notation, on the conformance losses; structure and accuracy where they can be told in advance.

mod common;

use common::{Case, all_losses, symbols};
use kobai::differentiate::readable::derive;
use kobai::differentiate::reverse::{Gradient, gradient};
use kobai::differentiate::second::{SecondDerivation, derive_second, direction_for};
use kobai::eval::Evaluator;
use kobai::eval::arithmetic::Arithmetic;
use kobai::eval::data::{Array, Bound, Inputs, bind, kinds};
use kobai::eval::double::Double;
use kobai::eval::high::High;
use kobai::expr::{Context, Expr, Index, Node, Symbol};
use kobai::function::Function;
use kobai::parse::{Syntax, parse};
use kobai::print::{Notation, print};
use kobai::resolve::{InputKinds, Program, resolve};
use kobai::stabilise::{inline, stabilise, stable_hessian_vector_product, written_out};
use std::collections::HashMap;

type Number = <High as Arithmetic>::Value;

/// A loss at a case, ready to be differentiated twice.
struct Setting {
    program: Program,
    symbols: Vec<Symbol>,
    directions: Vec<Symbol>,
    inputs: Inputs,
    stable: Expr,
}

/// Numbers between −1 and 1 that are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

impl Setting {
    fn new(tex: &str, inputs: &Inputs, wrt: &[String]) -> Setting {
        let mut program = resolve(&parse(tex, Syntax::Latex), &kinds(inputs)).expect("resolves");
        let symbols = symbols(&program.context, wrt).expect("names of inputs");
        let directions = symbols.iter().map(|&symbol| direction_for(&mut program.context, symbol)).collect();
        let stable = stabilise(&mut program).loss;
        Setting { program, symbols, directions, inputs: inputs.clone(), stable }
    }

    fn of(tex: &str, case: &Case, wrt: &[String]) -> Setting {
        Setting::new(tex, &case.inputs, wrt)
    }

    fn product(&mut self) -> Vec<Gradient> {
        stable_hessian_vector_product(&mut self.program.context, self.stable, &self.symbols, &self.directions)
            .expect("every second derivative is known")
    }

    /// Fills the directions, entry by entry.
    fn aim(&mut self, mut entry: impl FnMut(Symbol, usize) -> f64) {
        for (&symbol, &direction) in self.symbols.iter().zip(&self.directions) {
            let name = |symbol: Symbol| self.program.context.symbol(symbol).name.plain.clone();
            let like = self.inputs[&name(symbol)].clone();
            let data = (0..like.data.len()).map(|place| entry(symbol, place)).collect();
            self.inputs.insert(name(direction), Array { data, integer: false, ..like });
        }
    }

    fn bound(&self) -> Bound<'_> {
        let mut needed = self.program.context.symbols_in(self.stable);
        needed.extend(self.symbols.iter().chain(&self.directions));
        bind(&self.program.context, &needed, &self.inputs).expect("binds")
    }

    /// All entries of some gradients.
    fn entries<A: Arithmetic>(&self, gradients: &[Gradient], arithmetic: &mut A) -> Vec<A::Value> {
        self.entries_at(gradients, HashMap::new(), arithmetic)
    }

    fn entries_at<A: Arithmetic>(
        &self,
        gradients: &[Gradient],
        values: HashMap<Symbol, Vec<A::Value>>,
        arithmetic: &mut A,
    ) -> Vec<A::Value> {
        let bound = self.bound();
        let mut evaluator = Evaluator::new(&self.program.context, &bound, arithmetic).with_values(values);
        let tensor = |gradient: &Gradient| evaluator.tensor(gradient.value, &gradient.indices).expect("in range").data;
        gradients.iter().flat_map(tensor).collect()
    }

    /// The direction, entry by entry.
    fn direction(&self) -> Vec<f64> {
        let name = |&symbol: &Symbol| &self.program.context.symbol(symbol).name.plain;
        self.directions.iter().flat_map(|symbol| self.inputs[name(symbol)].data.clone()).collect()
    }
}

/// (∇L(x + hv) − ∇L(x − hv)) / 2h of the formula as written.
fn differences(setting: &mut Setting, high: &mut High) -> Vec<Number> {
    let loss = written_out(&mut setting.program);
    let written = gradient(&mut setting.program.context, loss, &setting.symbols, &|_, adjoint| adjoint);
    let step = high.from_decimal("1e-30");
    let mut sides = Vec::new();
    for sign in [1.0, -1.0] {
        let mut values: HashMap<Symbol, Vec<Number>> = HashMap::new();
        for (&symbol, &direction) in setting.symbols.iter().zip(&setting.directions) {
            let name = |symbol: Symbol| &setting.program.context.symbol(symbol).name.plain;
            let (centre, way) = (&setting.inputs[name(symbol)], &setting.inputs[name(direction)]);
            let moved = centre.data.iter().zip(&way.data).map(|(&centre, &way)| {
                let (centre, way) = (high.double(centre), high.double(sign * way));
                let shift = high.multiply(&way, &step);
                high.add(&centre, &shift)
            });
            values.insert(symbol, moved.collect());
        }
        sides.push(setting.entries_at(&written, values, high));
    }
    let twice = high.add(&step, &step);
    let pairs = sides[0].iter().zip(&sides[1]);
    pairs
        .map(|(above, below)| {
            let difference = high.subtract(above, below);
            high.divide(&difference, &twice)
        })
        .collect()
}

fn largest(entries: &[f64]) -> f64 {
    entries.iter().fold(0.0, |most, entry| entry.abs().max(most))
}

/// The largest difference of two lists, relative to the largest entry of the second. What is 0 by cancellation, as the
/// Hessian of a softmax over a single class, is a rounding away from it.
fn deviation(high: &mut High, found: &[Number], truth: &[Number]) -> f64 {
    let double = |high: &mut High, numbers: &[Number]| -> Vec<f64> {
        numbers.iter().map(|number| high.to_double(number)).collect()
    };
    let differences: Vec<Number> = found.iter().zip(truth).map(|(a, b)| high.subtract(a, b)).collect();
    let (differences, truth) = (double(high, &differences), double(high, truth));
    largest(&differences) / largest(&truth).max(1e-15)
}

fn stops_gradients(context: &Context, expr: Expr) -> bool {
    context.any(expr, &|node| matches!(node, Node::Call(Function::StopGradient, _)))
}

#[test]
fn products_are_differences_of_gradients() {
    let mut random = Random(0x1234_5678_9abc_def1);
    let (mut wrong, mut worst, mut compared) = (Vec::new(), 0.0_f64, 0);
    for loss in all_losses() {
        for case in loss.cases.iter().filter(|case| !case.extreme).take(2) {
            if resolve(&parse(&loss.tex, Syntax::Latex), &kinds(&case.inputs)).is_err() {
                continue;
            }
            let mut setting = Setting::of(&loss.tex, case, &loss.wrt);
            // A difference of gradients moves what a stopped gradient holds still.
            if stops_gradients(&setting.program.context, setting.stable) {
                continue;
            }
            setting.aim(|_, _| random.next());
            let product = setting.product();
            let mut high = High::new(320);
            let truth = differences(&mut setting, &mut high);
            let exact = setting.entries(&product, &mut high);
            let error = deviation(&mut high, &exact, &truth);
            if error.is_nan() || error > 1e-45 {
                wrong.push(format!("{} {}: the product is off by {error:e}", loss.name, case.name));
            }
            let doubles = setting.entries(&product, &mut Double);
            let doubles: Vec<Number> = doubles.into_iter().map(|entry| high.double(entry)).collect();
            let error = deviation(&mut high, &doubles, &truth);
            if error.is_nan() || error > 1e-12 {
                wrong.push(format!("{} {}: in f64 off by {error:e}", loss.name, case.name));
            }
            worst = worst.max(error);
            compared += truth.len();
        }
    }
    println!("{compared} entries; in f64 off by at most {worst:e} of the largest entry");
    assert!(compared > 500, "only {compared} entries compared");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_hessian_is_symmetric() {
    let mut random = Random(0x0fed_cba9_8765_4321);
    for loss in all_losses() {
        let Some(case) = loss.cases.iter().find(|case| !case.extreme) else { continue };
        if resolve(&parse(&loss.tex, Syntax::Latex), &kinds(&case.inputs)).is_err() {
            continue;
        }
        let mut setting = Setting::of(&loss.tex, case, &loss.wrt);
        let product = setting.product();
        if stops_gradients(&setting.program.context, setting.stable) {
            continue;
        }
        let mut high = High::new(256);
        let mut aimed = |setting: &mut Setting| {
            setting.aim(|_, _| random.next());
            (setting.direction(), setting.entries(&product, &mut high))
        };
        let ((u, of_u), (v, of_v)) = (aimed(&mut setting), aimed(&mut setting));
        let mut inner = |direction: &[f64], product: &[Number]| {
            let mut sum = high.double(0.0);
            for (&entry, slope) in direction.iter().zip(product) {
                let entry = high.double(entry);
                let term = high.multiply(&entry, slope);
                sum = high.add(&sum, &term);
            }
            sum
        };
        let (left, right) = (inner(&u, &of_v), inner(&v, &of_u));
        let error = deviation(&mut high, &[left], &[right]);
        assert!(error < 1e-40, "{}: {error:e}", loss.name);
    }
}

/// The Hessian's block in index notation, in the inputs, before suppositions.
fn in_inputs(program: &mut Program, expr: Expr) -> Expr {
    let mut values: HashMap<_, (Vec<Index>, Expr)> = HashMap::new();
    for definition in &program.definitions {
        let value = inline(&mut program.context, definition.value, &values);
        values.insert(definition.symbol, (definition.indices.clone(), value));
    }
    inline(&mut program.context, expr, &values)
}

fn target_indices(context: &Context, entry: Expr) -> Vec<Index> {
    let plain = |place: Expr| match *context.node(place) {
        Node::Index(index) => Some(index),
        _ => None,
    };
    context.children(entry).into_iter().filter_map(plain).collect()
}

#[test]
fn the_hessian_in_index_notation_has_the_products_with_unit_directions_as_columns() {
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for loss in all_losses() {
        let sized = |case: &&Case| {
            let entries = |name: &String| case.inputs.get(name).map_or(0, |array| array.data.len());
            !case.extreme && loss.wrt.iter().map(entries).sum::<usize>() <= 16
        };
        let Some(case) = loss.cases.iter().find(sized) else { continue };
        if resolve(&parse(&loss.tex, Syntax::Latex), &kinds(&case.inputs)).is_err() {
            continue;
        }
        let mut setting = Setting::of(&loss.tex, case, &loss.wrt);
        let product = setting.product();
        let mut high = High::new(192);
        for (second, &symbol) in setting.symbols.clone().iter().enumerate() {
            let name = setting.program.context.symbol(symbol).name.plain.clone();
            let width = setting.inputs[&name].data.len();
            setting.aim(|_, _| 0.0);
            let blocks: Vec<Gradient> =
                setting.symbols.clone().iter().map(|&first| block(&mut setting.program, first, symbol)).collect();
            let blocks: Vec<Vec<Number>> =
                blocks.iter().map(|block| setting.entries(std::slice::from_ref(block), &mut high)).collect();
            for unit in 0..width {
                setting.aim(|moved, place| f64::from(moved == symbol && place == unit));
                for (first, block) in blocks.iter().enumerate() {
                    let column = setting.entries(std::slice::from_ref(&product[first]), &mut high);
                    let read: Vec<Number> = block.iter().skip(unit).step_by(width).cloned().collect();
                    let error = deviation(&mut high, &read, &column);
                    if error.is_nan() || error > 1e-40 {
                        wrong.push(format!("{} {first} {second}[{unit}] is off by {error:e}", loss.name));
                    }
                    compared += read.len();
                }
            }
        }
    }
    println!("{compared} entries");
    assert!(compared > 1_000, "only {compared} entries compared");
    assert!(wrong.is_empty(), "{} columns differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// ∂²L/∂first ∂second with the indices of both.
fn block(program: &mut Program, first: Symbol, second: Symbol) -> Gradient {
    let SecondDerivation { hessian, .. } = derive_second(program, first, second);
    let value = in_inputs(program, hessian.without_supposition.unwrap_or(hessian.result));
    let context = &program.context;
    let Node::Derivative(gradient, b) = *context.node(hessian.target) else { panic!("no derivative") };
    let Node::Derivative(_, a) = *context.node(gradient) else { panic!("no second derivative") };
    let indices = [target_indices(context, a), target_indices(context, b)].concat();
    Gradient { symbol: first, indices, value }
}

const CROSS_ENTROPY: &str = r"y_{ik} = \frac{e^{z_{ik}}}{\sum_j e^{z_{ij}}} \\
    L = -\frac{1}{N} \sum_{i=1}^N \sum_{k=1}^K t_{ik} \log y_{ik}";

fn cross_entropy(logits: &[f64], targets: &[f64]) -> Setting {
    let array = |data: &[f64]| Array { shape: vec![data.len() / 3, 3], data: data.to_vec(), integer: false };
    let inputs = Inputs::from([("z".to_owned(), array(logits)), ("t".to_owned(), array(targets))]);
    Setting::new(CROSS_ENTROPY, &inputs, &["z".to_owned()])
}

#[test]
fn a_softmax_does_not_feel_what_is_added_to_all_logits() {
    let mut setting = cross_entropy(&[0.3, -1.2, 2.0, 7.0, 7.5, -3.0], &[0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
    let product = setting.product();
    setting.aim(|_, _| 1.0);
    let entries = setting.entries(&product, &mut Double);
    assert!(largest(&entries) <= 1e-16, "{entries:?}");
}

#[test]
fn products_stay_accurate_at_saturated_logits() {
    for logits in [[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4], [40.0, 0.0, -40.0], [1e4, 1e4, 1e4 - 30.0]] {
        let mut setting = cross_entropy(&logits, &[0.0, 1.0, 0.0]);
        let product = setting.product();
        setting.aim(|_, place| [1.0, -2.0, 0.5][place]);
        let found = setting.entries(&product, &mut Double);
        let mut high = High::new(2_048);
        let truth = setting.entries(&product, &mut high);
        for (&found, truth) in found.iter().zip(&truth) {
            let truth = high.to_double(truth);
            // To within a rounding of the direction: H v cancels to p (v − Σ p v).
            assert!((found - truth).abs() <= 1e-15, "{logits:?}: {found:e} instead of {truth:e}");
        }
    }
}

fn second_by_x(formula: &str) -> String {
    let mut program = resolve(&parse(formula, Syntax::Latex), &InputKinds::new()).expect("resolves");
    let x = symbols(&program.context, &["x".to_owned()]).expect("has x")[0];
    let hessian = derive_second(&mut program, x, x).hessian;
    print(&program.context, hessian.result, Notation::Plain)
}

#[test]
fn second_derivatives_of_functions_of_one_variable() {
    for (formula, second) in [
        (r"\log x", "-1/x^2"),
        (r"\log_a x", "-1/(x^2 log(a))"),
        (r"x^3", "6 x"),
        (r"e^{2 x}", "4 exp(2 x)"),
        (r"3 x + 1", "0"),
        (r"\operatorname{softplus}(x)", "sigmoid(x) (1 - sigmoid(x))"),
        (r"x^x", "x^(x - 1) + x^x (1 + log(x))^2"),
    ] {
        assert_eq!(second_by_x(formula), second, "{formula}");
    }
}

fn rules(tex: &str, first: &str, second: &str) -> (String, Vec<&'static str>, Vec<String>) {
    let mut program = resolve(&parse(tex, Syntax::Latex), &InputKinds::new()).expect("resolves");
    let names = symbols(&program.context, &[first.to_owned(), second.to_owned()]).expect("names");
    let hessian = derive_second(&mut program, names[0], names[1]).hessian;
    let supposed = hessian.supposed.iter().map(|&condition| print(&program.context, condition, Notation::Plain));
    let supposed = supposed.collect();
    let rules = hessian.steps.iter().map(|step| step.rule).collect();
    (print(&program.context, hessian.result, Notation::Plain), rules, supposed)
}

#[test]
fn the_hessian_of_softmax_cross_entropy_keeps_its_deltas() {
    let (result, rules, supposed) = rules(CROSS_ENTROPY, "z", "z");
    assert_eq!(result, "y[i,k] delta(i, j) (delta(k, l) - y[i,l])/N");
    assert_eq!((rules.first(), rules.last()), (Some(&"gradient-again"), Some(&"hessian-block-diagonal")));
    assert_eq!(supposed.len(), 1, "Σ t = 1 was used in the gradient: {supposed:?}");
}

#[test]
fn an_elementwise_loss_has_a_diagonal_hessian_and_a_linear_one_none() {
    let logistic = r"L = \sum_i \log(1 + e^{-s_i z_i})";
    assert_eq!(rules(logistic, "z", "z").1.last(), Some(&"hessian-diagonal"));
    let (result, steps, _) = rules(r"L = \sum_i s_i z_i", "z", "z");
    assert_eq!((result.as_str(), steps.last()), ("0", Some(&"hessian-zero")));
    let (mixed, ..) = rules(r"L = \sum_i \sum_d (w_d x_{id} + b)^2", "w", "b");
    assert_eq!(mixed, "2 sum(i=1..I) x[i,d]");
}

#[test]
fn a_function_without_a_second_derivative_is_named() {
    let inputs = Inputs::from([("x".to_owned(), Array { shape: vec![], data: vec![2.0], integer: false })]);
    let mut setting = Setting::new(r"\psi(x)", &inputs, &["x".to_owned()]);
    let context = &mut setting.program.context;
    let found = stable_hessian_vector_product(context, setting.stable, &setting.symbols, &setting.directions);
    assert_eq!(found.err(), Some(Function::Trigamma));
}

#[test]
fn the_gradient_of_a_gradient_derivation_is_the_first_derivation() {
    let mut program = resolve(&parse(CROSS_ENTROPY, Syntax::Latex), &InputKinds::new()).expect("resolves");
    let z = symbols(&program.context, &["z".to_owned()]).expect("names")[0];
    let first = derive(&mut program, z).result;
    let second = derive_second(&mut program, z, z);
    let shown = |expr: Expr| print(&program.context, expr, Notation::Plain);
    assert_eq!(shown(second.gradient.result), shown(first));
}
