//! Large formulas: long sums, deep nestings, many factors. What is asserted is the size of the results, never a time;
//! `cargo bench -p kobai --bench differentiate` measures.

use kobai::differentiate::readable::derive;
use kobai::expr::{Context, Expr, Symbol};
use kobai::parse::{Syntax, parse};
use kobai::resolve::{InputKinds, Program, resolve};
use kobai::stabilise::{stabilise, stable_gradient};
use std::collections::HashSet;

fn program(formula: &str) -> Program {
    resolve(&parse(formula, Syntax::Latex), &InputKinds::new()).expect("resolves")
}

fn symbol(program: &Program, name: &str) -> Symbol {
    let found = program.context.symbols.iter().position(|symbol| symbol.name.plain == name);
    Symbol(found.expect("the formula has it") as u32)
}

/// The number of distinct nodes.
fn nodes(context: &Context, exprs: &[Expr]) -> usize {
    let (mut seen, mut stack) = (HashSet::new(), exprs.to_vec());
    while let Some(expr) = stack.pop() {
        if seen.insert(expr) {
            stack.extend(context.children(expr));
        }
    }
    seen.len()
}

/// The nodes of the loss and its gradient to run, and the steps of its derivation.
fn sizes(formula: &str) -> (usize, usize) {
    let mut program = program(formula);
    let x = symbol(&program, "x");
    let steps = derive(&mut program.clone(), x).steps.len();
    let stable = stabilise(&mut program).loss;
    let gradient = stable_gradient(&mut program.context, stable, &[x]).remove(0);
    (nodes(&program.context, &[stable, gradient.value]), steps)
}

fn nested(depth: usize, open: &str) -> String {
    open.repeat(depth) + "x" + &")".repeat(depth)
}

fn sum_of_logarithms(terms: usize) -> String {
    (1..=terms).map(|k| format!(r"\log(x + {k})")).collect::<Vec<_>>().join(" + ")
}

#[test]
fn a_sum_has_a_gradient_of_its_own_size_and_a_derivation_of_constant_length() {
    let (small, short) = sizes(&sum_of_logarithms(100));
    let (large, long) = sizes(&sum_of_logarithms(1_000));
    assert!(large <= 11 * small, "{small} nodes for 100 terms, {large} for 1,000");
    assert!(short <= 12 && long <= 12, "{short} and {long} steps");
}

#[test]
fn nested_logarithms_have_a_gradient_of_their_own_size() {
    for open in [r"\log(", r"\log(1 + "] {
        let (small, _) = sizes(&nested(50, open));
        let (large, _) = sizes(&nested(200, open));
        assert!(large <= 5 * small, "{small} nodes for 50 logarithms, {large} for 200");
    }
}

#[test]
fn what_is_nested_too_deeply_is_refused() {
    for open in [r"\log(", r"\log(1 + ", "(", r"\frac{1}{1 + "] {
        let formula = nested(1_000, open).replace(if open.contains('{') { ")" } else { "\0" }, "}");
        let errors = resolve(&parse(&formula, Syntax::Latex), &InputKinds::new()).err().expect("refused");
        assert!(errors.iter().any(|error| error.code == "nesting-too-deep"), "{open}: {errors:?}");
    }
}

#[test]
fn ten_thousand_terms_work() {
    let (nodes, steps) = sizes(&sum_of_logarithms(10_000));
    assert!(nodes < 100_000 && steps <= 12, "{nodes} nodes, {steps} steps");
}

#[test]
fn definitions_may_follow_each_other_a_thousand_times() {
    let mut text = String::from("y_{0a} = x");
    for k in 1..=1_000 {
        text += &format!(" \\\\ y_{{{k}a}} = \\log(2 + y_{{{}a}})", k - 1);
    }
    text += r" \\ L = y_{1000a}";
    let parsed = parse(&text, Syntax::Latex);
    match resolve(&parsed, &InputKinds::new()) {
        Ok(mut program) => {
            let x = symbol(&program, "x");
            let stable = stabilise(&mut program).loss;
            assert!(stable_gradient(&mut program.context, stable, &[x]).len() == 1);
        }
        Err(errors) => panic!("{errors:?}"),
    }
}

#[test]
fn many_factors_derive() {
    let formula: String = (1..=60).map(|k| format!("(x + {k})")).collect();
    let mut program = program(&formula);
    let x = symbol(&program, "x");
    let derivation = derive(&mut program, x);
    assert!(!program.context.has_derivative(derivation.result));
}
