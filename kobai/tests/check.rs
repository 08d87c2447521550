//! The proof by high precision: cancellation, ranges, assumptions, inputs made to be hard.

mod common;

use kobai::check::adversary::{Adversary, Family};
use kobai::check::{Basis, Checker, Format, Monitor, Tally, Truth, Verdict, assumptions, broken_assumptions, truth};
use kobai::eval::Evaluator;
use kobai::eval::arithmetic::Arithmetic;
use kobai::eval::data::{Array, Inputs, bind, kinds};
use kobai::eval::double::Double;
use kobai::eval::high::High;
use kobai::eval::single::Single;
use kobai::expr::Symbol;
use kobai::function::Function;
use kobai::parse::{Syntax, parse};
use kobai::resolve::{Program, resolve};
use std::sync::atomic::AtomicBool;

fn program(text: &str, inputs: &Inputs) -> Program {
    resolve(&parse(text, Syntax::Latex), &kinds(inputs)).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

fn inputs(named: &[(&str, &[usize], &[f64])]) -> Inputs {
    let array = |shape: &[usize], data: &[f64]| Array::real(shape.to_vec(), data.to_vec()).expect("fits");
    named.iter().map(|(name, shape, data)| ((*name).to_owned(), array(shape, data))).collect()
}

/// Every input that is not an integer.
fn real_inputs(program: &Program) -> Vec<Symbol> {
    let table = program.context.symbols.iter().enumerate();
    table.filter(|(_, symbol)| !symbol.defined && !symbol.integer).map(|(number, _)| Symbol(number as u32)).collect()
}

fn truth_of(text: &str, inputs: &Inputs) -> Truth {
    let mut program = program(text, inputs);
    let symbols = real_inputs(&program);
    truth(&mut program, &symbols, inputs).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

fn double(number: &kobai::check::Number) -> f64 {
    High::new(64).to_double(number)
}

#[test]
fn a_zero_by_cancellation_is_told_from_an_exact_one() {
    let point = inputs(&[("x", &[], &[0.3])]);
    let cancelled = truth_of(r"\log(e^x) - x + 0.1 - \frac{1}{10}", &point);
    assert!(cancelled.confirmed && cancelled.value.is_zero());
    let bound = cancelled.cancelled_value.expect("known as far as the digits go");
    assert!(double(&bound.abs()) < 1e-300);
    let exact = truth_of(r"x - 0.3 x^2 \cdot 0 - x", &point);
    assert!(exact.confirmed && exact.value.is_zero() && exact.cancelled_value.is_none());
    // A factor that is 0 makes exact zeros, which take no more digits than other numbers.
    let masked =
        truth_of(r"\sum_i t_i \log(1 + e^{x_i})", &inputs(&[("t", &[2], &[0.0, 1.0]), ("x", &[2], &[0.5, 0.25])]));
    assert!(masked.precision <= 256 && masked.cancelled_entries.iter().flatten().all(|&mark| !mark));
}

#[test]
fn digits_that_cancel_are_found_at_more_bits() {
    // e^{-1000} beside 1 takes 1443 bits.
    let truth = truth_of(r"\log(1 + e^{-x}) e^{x}", &inputs(&[("x", &[], &[1000.0])]));
    assert!(truth.confirmed && truth.precision > 1443);
    assert_eq!(double(&truth.value), 1.0);
    assert!(truth.direction_error.is_some_and(|error| error < 1e-20));
}

#[test]
fn numbers_beyond_the_range_of_high_precision_are_not_taken_for_infinite_truths() {
    let huge = inputs(&[("x", &[], &[1e150])]);
    let truth = truth_of(r"\log(1 + e^x)", &huge);
    assert_eq!((truth.basis, truth.beyond), (Basis::StableForm, false));
    assert_eq!((double(&truth.value), double(&truth.gradients[0].data[0])), (1e150, 1.0));
    let truth = truth_of(r"e^x", &huge);
    assert!(truth.beyond && truth.value.is_inf());
    // A pole is no overflow: −log 0 is infinite.
    let truth = truth_of(r"-\log x", &inputs(&[("x", &[], &[0.0])]));
    assert!(!truth.beyond && truth.basis == Basis::AsWritten && truth.value.is_inf());
}

#[test]
fn the_maximum_of_something_with_nan_is_nan() {
    for text in [r"\max_i x_i", r"\min_i x_i", r"\operatorname{lse}_i x_i"] {
        for data in [[f64::NAN, 1.0], [1.0, f64::NAN]] {
            let point = inputs(&[("x", &[2], &data)]);
            let program = program(text, &point);
            let needed = program.context.symbols_in(program.loss);
            let bound = bind(&program.context, &needed, &point).expect("bound");
            let value = Evaluator::new(&program.context, &bound, &mut Double).scalar(program.loss).expect("a value");
            assert!(value.is_nan(), "{text} at {data:?}: {value}");
        }
    }
}

#[test]
fn single_precision_overflows_where_single_precision_does() {
    assert_eq!(Single.call(Function::Exp, &[88.0]), 88_f32.exp());
    assert_eq!(Single.call(Function::Exp, &[89.0]), f32::INFINITY);
    assert_eq!(Single.add(&1.0, &1e-8), 1.0);
    assert_eq!(Single.multiply(&0.0, &f32::INFINITY), 0.0);
}

const PROBABILITIES: &str = "L = -\\sum_{i=1}^{N} \\sum_{k=1}^{K} t_{ik} \\log p_{ik}\nt_{ik} \\in \\{0, 1\\}\n\\sum_k t_{ik} = 1\n0 < p_{ik} < 1";

#[test]
fn a_broken_assumption_is_reported_with_its_place() {
    let point = inputs(&[("t", &[2, 2], &[1.0, 0.0, 0.0, 1.0]), ("p", &[2, 2], &[0.5, 0.5, 0.25, 1.5])]);
    let mut program = program(PROBABILITIES, &point);
    let verdicts = assumptions(&mut program, &point);
    assert_eq!(verdicts[..2], [Verdict::Holds, Verdict::Holds]);
    let Verdict::Broken(broken) = &verdicts[2] else { panic!("{verdicts:?}") };
    assert_eq!((broken.place().as_str(), broken.values().as_str()), ("i = 1, k = 1", "p_ik = 1.5"));
    assert_eq!((broken.count, broken.total), (1, 4));
    let warnings = broken_assumptions(&mut program, &point);
    assert_eq!(warnings.len(), 1);
    assert!(!warnings[0].is_error() && warnings[0].span.is_some());
}

#[test]
fn hard_inputs_keep_what_the_text_states() {
    let mut program = program(PROBABILITIES, &Inputs::new());
    let symbols = real_inputs(&program);
    let checker = Checker::new(&mut program, &symbols);
    let adversary = Adversary::new(&mut program, &checker, Inputs::new(), 7).expect("a domain");
    let mut drawn = 0;
    for case in 0..33 {
        for format in [Format::F64, Format::F32] {
            let Some(inputs) = adversary.draw(&mut program, case, format) else { continue };
            assert_eq!(
                adversary.draw(&mut program, case, format),
                Some(inputs.clone()),
                "the same seed, the same inputs"
            );
            assert!(inputs["p"].data.iter().all(|&p| p > 0.0 && p < 1.0 && format.round(p) == p));
            for row in inputs["t"].data.chunks(inputs["t"].shape[1]) {
                assert_eq!(row.iter().sum::<f64>(), 1.0);
            }
            drawn += 1;
        }
    }
    assert!(drawn > 55, "only {drawn} cases");
    assert!((0..33).any(|case| adversary.family(case) == Family::Dominated));
    assert!((0..33).all(|case| adversary.family(case) != Family::Masked), "a probability cannot be −∞");
}

#[test]
fn hard_inputs_lie_where_the_functions_are_defined() {
    for (text, name, holds) in [
        (r"\sum_i \log x_i", "x", (|x| x > 0.0) as fn(f64) -> bool),
        (r"\sum_i (\log x_i + \log(1 - x_i))", "x", |x| x > 0.0 && x < 1.0),
        (r"\sum_i z_i^2", "z", |_| true),
    ] {
        let mut program = program(text, &Inputs::new());
        let symbols = real_inputs(&program);
        let checker = Checker::new(&mut program, &symbols);
        let adversary = Adversary::new(&mut program, &checker, Inputs::new(), 1).expect("a domain");
        let all: Vec<f64> = (0..22)
            .filter_map(|case| adversary.draw(&mut program, case, Format::F64))
            .flat_map(|inputs| inputs[name].data.clone())
            .collect();
        assert!(all.iter().all(|&x| holds(x)), "{text}: {all:?}");
        assert_eq!(all.iter().any(|&x| x < 0.0), name == "z", "{text}");
    }
    let mut program = program(r"\log(\log(\log x - 100))", &Inputs::new());
    let symbols = real_inputs(&program);
    let checker = Checker::new(&mut program, &symbols);
    assert!(Adversary::new(&mut program, &checker, Inputs::new(), 1).is_err());
}

#[test]
fn labels_are_places_of_their_axis() {
    let mut program = program(r"L = -\frac{1}{N} \sum_{i=1}^{N} z_{i, y_i}", &Inputs::new());
    let symbols = real_inputs(&program);
    let checker = Checker::new(&mut program, &symbols);
    let adversary = Adversary::new(&mut program, &checker, Inputs::new(), 3).expect("a domain");
    for case in 0..11 {
        let inputs = adversary.draw(&mut program, case, Format::F64).expect("inputs");
        let classes = inputs["z"].shape[1];
        assert!(inputs["y"].integer && inputs["y"].data.iter().all(|&label| (label as usize) < classes));
    }
}

#[test]
fn errors_are_measured_against_the_condition() {
    // log x just above 1 magnifies a relative change of x by 1/log x, its derivative 1/x not at all.
    let x = 1.0 + 1e-9;
    let point = inputs(&[("x", &[], &[x])]);
    let mut program = program(r"\log x", &point);
    let symbols = real_inputs(&program);
    let checker = Checker::new(&mut program, &symbols);
    let never = AtomicBool::new(false);
    let mut monitor = Monitor { interrupted: &never, stage: &mut |_| {} };
    let truth = checker.truth(&program.context, &point, &mut monitor).expect("a truth");
    let sensitivity = checker.sensitivity(&program.context, &point, &truth, &monitor).expect("a sensitivity");
    assert!((sensitivity.value - 1.0).abs() < 1e-15);
    assert!((sensitivity.gradients[0][0] - 1.0).abs() < 1e-8);
    let mut found = checker.stable(&program.context, &point, Format::F64).expect("a value");
    let mut tally = Tally::new(1, Format::F64);
    tally.add(0, &truth, &sensitivity, &found);
    assert!(tally.is_within(1.0));
    // The log of the neighbour of x is 2·10⁷ units away, and yet within one rounding of the input.
    found.value = (x + f64::EPSILON).ln();
    tally.add(1, &truth, &sensitivity, &found);
    assert!(tally.value.units > 1e6 && tally.is_within(2.0), "{:?}", tally.value);
    found.value = f64::NAN;
    tally.add(2, &truth, &sensitivity, &found);
    assert!(tally.value.not_finite == 1 && !tally.is_within(2.0));
}

#[test]
fn the_condition_of_gradients_is_that_of_the_set() {
    // Inputs that are not differentiated by count too (distillation), and movements that cancel (info-nce).
    for (name, case, condition) in
        [("distillation", "random-2", 9.54), ("info-nce", "random-2", 14.1), ("nt-xent", "random-1", 21.5)]
    {
        let loss = common::read_loss(name.to_owned());
        let case = loss.cases.iter().find(|known| known.name == case).expect("a case");
        let mut program = resolve(&parse(&loss.tex, Syntax::Latex), &kinds(&case.inputs)).expect("a program");
        let symbols = common::symbols(&program.context, &loss.wrt).expect("inputs");
        let checker = Checker::new(&mut program, &symbols);
        let never = AtomicBool::new(false);
        let mut monitor = Monitor { interrupted: &never, stage: &mut |_| {} };
        let truth = checker.truth_without_directions(&program.context, &case.inputs, &mut monitor).expect("a truth");
        let found = checker.sensitivity(&program.context, &case.inputs, &truth, &monitor).expect("a sensitivity");
        let high = High::new(128);
        let entries = found.gradients.iter().flatten().zip(truth.gradients.iter().flat_map(|gradient| &gradient.data));
        let worst = entries.map(|(moved, entry)| moved / high.to_double(entry).abs()).fold(0.0, f64::max);
        assert!((condition / 4.0..condition * 1.01).contains(&worst), "{name}: {worst} instead of {condition}");
    }
}

#[test]
fn an_interrupted_search_has_no_truth_or_an_unconfirmed_one() {
    let point = inputs(&[("x", &[], &[1000.0])]);
    let mut program = program(r"\sum_{m=1}^{3} \log(1 + e^{-x m}) e^{x}", &point);
    let symbols = real_inputs(&program);
    let checker = Checker::new(&mut program, &symbols);
    let flag = AtomicBool::new(true);
    let stopped = checker.truth(&program.context, &point, &mut Monitor { interrupted: &flag, stage: &mut |_| {} });
    assert_eq!(stopped.err().map(|errors| errors[0].code), Some("interrupted"));
    flag.store(false, std::sync::atomic::Ordering::SeqCst);
    let mut stages = 0;
    let mut stage = |_| {
        stages += 1;
        flag.store(stages == 2, std::sync::atomic::Ordering::SeqCst);
    };
    let truth = checker.truth(&program.context, &point, &mut Monitor { interrupted: &flag, stage: &mut stage });
    assert!(truth.is_ok_and(|truth| !truth.confirmed && truth.precision == 128));
}
