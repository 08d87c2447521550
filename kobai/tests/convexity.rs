//! What is proved of convexity: the losses that every book calls convex, none that is not, and midpoints that agree.

use kobai::convexity::{Curvature, absolute_terms, curvature, sums_to_one};
use kobai::eval::Evaluator;
use kobai::eval::data::{Array, Inputs, bind};
use kobai::eval::double::Double;
use kobai::expr::Expr;
use kobai::parse::{detect, parse};
use kobai::print::{Notation, print};
use kobai::resolve::{InputKinds, Program, resolve};
use kobai::stabilise::{knowledge, stabilise};

fn program(text: &str) -> Program {
    resolve(&parse(text, detect(text)), &InputKinds::new()).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

/// The curvature of a loss in the parameters under its min, in the form that runs.
fn proved(text: &str) -> Curvature {
    let mut program = program(text);
    let loss = stabilise(&mut program).loss;
    let known = knowledge(&program);
    curvature(&mut program.context, &known, &program.parameters.clone(), loss)
}

const SCORES: &str = r"z_i = \sum_d x_{id} w_d + b, \quad ";

fn of_scores(loss: &str) -> String {
    format!("{SCORES}{loss}")
}

/// Losses that are convex, with what each needs to be stated.
fn convex_losses() -> Vec<(&'static str, String)> {
    let softmax = r"z_{ik} = \sum_d x_{id} W_{dk} + b_k, \quad y_{ik} = \frac{e^{z_{ik}}}{\sum_j e^{z_{ij}}}, \quad ";
    vec![
        ("softmax regression", format!(r"{softmax} t_{{ik}} \in \{{0, 1\}}, \quad \min_{{W, b}} -\frac{{1}}{{N}} \sum_{{i=1}}^{{N}} \sum_k t_{{ik}} \log y_{{ik}} + \frac{{1}}{{2}} \sum_d \sum_k W_{{dk}}^2")),
        ("logistic regression", of_scores(r"y_i = \frac{1}{1 + e^{-z_i}}, \quad t_i \in \{0, 1\}, \quad \min_{w, b} -\sum_i [t_i \log y_i + (1 - t_i) \log(1 - y_i)]")),
        ("Poisson regression", of_scores(r"\min_{w, b} \sum_i (e^{z_i} - y_i z_i)")),
        ("least squares", of_scores(r"\min_{w, b} \frac{1}{N} \sum_{i=1}^{N} (z_i - y_i)^2")),
        ("lasso", of_scores(r"\min_{w, b} \frac{1}{2} \sum_i (z_i - y_i)^2 + 0.3 \sum_d |w_d|")),
        ("absolute deviations", of_scores(r"\min_{w, b} \sum_i |z_i - y_i|")),
        ("hinge", of_scores(r"\min_{w, b} \sum_i \max(0, 1 - y_i z_i)")),
        ("log cosh", of_scores(r"\min_{w, b} \sum_i \log \cosh(z_i - y_i)")),
        ("a length", r"\min_{w} \sqrt{\sum_d w_d^2}".into()),
        ("smooth maximum", r"\min_{w} \log \sum_d e^{w_d}".into()),
        ("Cox", r"\eta_i = \sum_d x_{id} \beta_d, \quad \delta_i \in \{0, 1\}, \quad \min_{\beta} \sum_i \delta_i \left( \log \sum_j [\tau_j \ge \tau_i] e^{\eta_j} - \eta_i \right)".into()),
        ("a barrier", r"w_d > 0, \quad \min_{w} \sum_d (c_d w_d - \log w_d)".into()),
    ]
}

#[test]
fn convex_losses_are_known() {
    for (name, loss) in convex_losses() {
        assert_eq!(proved(&loss), Curvature::Convex, "{name}");
    }
}

#[test]
fn nothing_is_claimed_of_other_losses() {
    let others = [
        (
            "two layers",
            r"h_{ik} = \tanh(\sum_d x_{id} V_{dk}), \quad z_i = \sum_k h_{ik} w_k, \quad \min_{V, w} \sum_i (z_i - y_i)^2",
        ),
        ("a factorisation", r"\min_{P, Q} \sum_i \sum_j (r_{ij} - \sum_f P_{if} Q_{jf})^2"),
        ("a mixture", r"\min_{\mu} -\sum_i \log \sum_k \pi_k e^{-(x_i - \mu_k)^2}"),
        ("a wave", r"\min_{w} \sum_d \sin w_d"),
        ("a weight of unknown sign", r"\min_{w} \lambda \sum_d w_d^2"),
        ("a label of unknown sign", r"\min_{w} \sum_d t_d e^{w_d}"),
        ("a concave one", r"\min_{w} -\sum_d w_d^2"),
        ("a square of a convex one that changes its sign", r"\min_{w} \sum_d (w_d^2 - 1)^2"),
        ("a condition on a parameter", r"\min_{w} \sum_d [w_d > 0] w_d"),
        ("a cube", r"\min_{w} \sum_d w_d^3"),
    ];
    for (name, loss) in others {
        assert!(!proved(loss).is_convex(), "{name}: {:?}", proved(loss));
    }
}

/// The value of an expression in inputs.
fn value(program: &Program, expr: Expr, inputs: &Inputs) -> f64 {
    let needed = program.context.symbols_in(expr);
    let bound = bind(&program.context, &needed, inputs).unwrap_or_else(|errors| panic!("{errors:?}"));
    let tensor = Evaluator::new(&program.context, &bound, &mut Double).tensor(expr, &[]);
    tensor.unwrap_or_else(|errors| panic!("{errors:?}")).data[0]
}

/// Numbers that look random, between −2 and 2.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        4.0 * ((self.0 >> 11) as f64 / (1u64 << 53) as f64) - 2.0
    }
}

#[test]
fn the_value_between_two_points_is_below_their_mean() {
    let sizes = |name: &str| match name {
        "N" => 5,
        _ => 3,
    };
    let mut numbers = Numbers(1);
    for (name, loss) in convex_losses() {
        let mut program = program(&loss);
        let stable = stabilise(&mut program).loss;
        for _ in 0..50 {
            let mut at: [Inputs; 3] = Default::default();
            for (number, symbol) in program.context.symbols.iter().enumerate().filter(|(_, symbol)| !symbol.defined) {
                let axes = symbol.axes.iter().map(|&axis| sizes(&program.context.axis(axis).size_name.plain));
                let shape: Vec<usize> = axes.collect();
                let entries = shape.iter().product();
                let mut draw = || -> Vec<f64> { (0..entries).map(|_| numbers.next()).collect() };
                let is_parameter = program.parameters.iter().any(|parameter| parameter.0 as usize == number);
                let (mut one, mut other) = (draw(), draw());
                match symbol.name.plain.as_str() {
                    "t" | "delta" => one.iter_mut().for_each(|entry| *entry = f64::from(u8::from(*entry > 0.0))),
                    "w" if name == "a barrier" => {
                        one.iter_mut().chain(&mut other).for_each(|entry| *entry = entry.abs() + 1e-3);
                    }
                    _ => {}
                }
                if !is_parameter {
                    other.clone_from(&one);
                }
                let middle = one.iter().zip(&other).map(|(one, other)| 0.5 * (one + other)).collect();
                for (inputs, data) in at.iter_mut().zip([one, other, middle]) {
                    inputs.insert(symbol.name.plain.clone(), Array { shape: shape.clone(), data, integer: false });
                }
            }
            let [one, other, middle] = at.map(|inputs| value(&program, stable, &inputs));
            assert!(
                middle <= 0.5 * (one + other) + 1e-12 * (one.abs() + other.abs()),
                "{name}: {one} {other} {middle}"
            );
        }
    }
}

#[test]
fn absolute_values_of_parameters_are_taken_out() {
    let parted = |text: &str| {
        let mut program = program(text);
        let loss = stabilise(&mut program).loss;
        let known = knowledge(&program);
        let parameters = program.parameters.clone();
        let parted = absolute_terms(&mut program.context, &known, &parameters, loss);
        let name = |symbol| program.context.symbol(symbol).name.plain.clone();
        let terms: Vec<(String, String)> = parted
            .terms
            .iter()
            .map(|&(symbol, coefficient)| (name(symbol), print(&program.context, coefficient, Notation::Plain)))
            .collect();
        (parted.smooth == loss, terms)
    };
    let term = |name: &str, coefficient: &str| (name.to_owned(), coefficient.to_owned());
    let net = r"\min_{w, b} \sum_i (\sum_d x_{id} w_d + b - y_i)^2 + 3 \sum_d |w_d| + \sum_d w_d^2 + |b|/2";
    assert_eq!(parted(net), (false, vec![term("b", "1/2"), term("w", "3")]));
    assert_eq!(
        parted(r"\lambda \ge 0, \min_{W} \sum_d \sum_k (W_{dk} - c_{dk})^2 + \lambda \sum_d \sum_k |W_{dk}|").1,
        [term("W", "lambda")]
    );
    let by_data = parted(r"\min_{w} \sum_i \sum_d x_i^2 |w_d|");
    assert_eq!(by_data, (false, vec![term("w", "sum(i=1..I) x[i]^2")]));
    for not_taken in [
        r"\min_{w} \sum_d w_d^2 - \sum_d |w_d|",
        r"\min_{w} \sum_d w_d^2 + \lambda \sum_d |w_d|",
        r"\min_{w} \sum_d |w_d - 1|",
        r"\min_{w} \sum_i |\sum_d x_{id} w_d - y_i|",
        r"\min_{w} \sum_d c_d^2 |w_d|",
        r"\min_{w} \sum_d |w_d|^2",
    ] {
        assert_eq!(parted(not_taken), (true, Vec::new()), "{not_taken}");
    }
}

#[test]
fn shares_are_known_by_their_sum() {
    let shares =
        program(r"\pi_k \ge 0, \quad \sum_k \pi_k = 1, \quad \sum_k t_k = 1, \quad \min_{\pi} \sum_k (\pi_k - t_k)^2");
    let name = |symbol| shares.context.symbol(symbol).name.plain.clone();
    let found: Vec<_> = sums_to_one(&shares).into_iter().map(|(symbol, place)| (name(symbol), place)).collect();
    assert_eq!(found, [("pi".to_owned(), 0)]);
    let one_row = r"\sum_k A_{1k} = 1, \quad \min_{A} \sum_j \sum_k (A_{jk} - c_{jk})^2";
    assert_eq!(sums_to_one(&program(one_row)), []);
    let every_row = r"\sum_k A_{jk} = 1, \quad \min_{A} \sum_j \sum_k (A_{jk} - c_{jk})^2";
    assert_eq!(sums_to_one(&program(every_row)).len(), 1);
}
