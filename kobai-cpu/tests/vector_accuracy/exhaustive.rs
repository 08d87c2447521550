//! Every `f32` there is, and a hundred million `f64`: minutes of work, so on demand only.
//!
//! `cargo test --release -p kobai-cpu --test vector_accuracy -- --ignored --nocapture`

use std::thread;

use astro_float::Consts;
use kobai_cpu::vector::Level;

use super::functions::*;
use super::oracle::{Oracle, error};
use super::{Errors, Worst};

/// The logarithms in the common bases and the exponential, and what AVX-512 makes of them.
const CHECKED: [Function; 7] = [Exp, Log, Log2, Log10, Log1p, Softplus, Sigmoid];

/// The worst errors of one function at each level, with the outputs of each; the special values are asserted.
fn errors_of(function: Function, inputs: &[f32], outputs: &[&[f32]]) -> Vec<Errors> {
    let mut errors = vec![Errors::default(); outputs.len()];
    for (i, &x) in inputs.iter().enumerate() {
        let exact = function.in_f64(f64::from(x));
        for (errors, outputs) in errors.iter_mut().zip(outputs) {
            let y = outputs[i];
            if function.is_ordinary_at(f64::from(x)) {
                errors.see_single(exact, x, y);
            } else {
                assert!(f64::from(y) == exact || (y.is_nan() && exact.is_nan()), "{function:?}({x:e}) = {y:e}");
            }
        }
    }
    errors
}

/// The same for each piece of the inputs at once.
fn errors_on_all_threads(function: Function, inputs: &[f32], outputs: &[Vec<f32>]) -> Vec<Errors> {
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get());
    let size = inputs.len().div_ceil(threads);
    let mut all = vec![Errors::default(); outputs.len()];
    thread::scope(|scope| {
        let pieces = inputs.chunks(size).enumerate().map(|(piece, inputs)| {
            let outputs: Vec<&[f32]> = outputs.iter().map(|outputs| &outputs[piece * size..][..inputs.len()]).collect();
            scope.spawn(move || errors_of(function, inputs, &outputs))
        });
        for piece in pieces.collect::<Vec<_>>() {
            all.iter_mut().zip(piece.join().expect("no panic")).for_each(|(all, errors)| all.join(errors));
        }
    });
    all
}

#[test]
#[ignore = "takes minutes"]
fn every_f32() {
    const CHUNK: u32 = 1 << 22;
    for function in CHECKED {
        let mut worst: Vec<(Level, Errors)> = Vec::new();
        at_each_level(|level| worst.push((level, Errors::default())));
        for chunk in 0..1 << 10 {
            let inputs: Vec<f32> = (0..CHUNK).map(|i| f32::from_bits(chunk * CHUNK + i)).collect();
            let mut outputs: Vec<Vec<f32>> = Vec::new();
            at_each_level(|_| {
                let mut values = inputs.clone();
                function.apply(&mut values);
                outputs.push(values);
            });
            let errors = errors_on_all_threads(function, &inputs, &outputs);
            worst.iter_mut().zip(errors).for_each(|((_, worst), errors)| worst.join(errors));
        }
        for (level, errors) in worst {
            errors.report(function, level, "f32, all,");
        }
    }
}

#[test]
#[ignore = "takes minutes"]
fn a_hundred_million_f64() {
    const CHUNK: usize = 1 << 20;
    let mut oracle = Oracle { constants: Consts::new().expect("constants") };
    // Those with a reference that is correctly rounded.
    for function in CHECKED.into_iter().filter(|function| function.slack() == 0.0) {
        let mut random = Random(41);
        let mut worst = [[Worst::default(); 2]; LEVELS.len()];
        for _ in 0..100 {
            let inputs: Vec<f64> = random.inputs(function, CHUNK);
            let exact: Vec<f64> = inputs.iter().map(|&x| function.in_f64(x)).collect();
            let mut place = 0;
            at_each_level(|_| {
                let mut outputs = inputs.clone();
                function.apply(&mut outputs);
                for ((&x, &y), &exact) in inputs.iter().zip(&outputs).zip(&exact) {
                    // What is correctly rounded is off by half a unit at most, and need not be looked at.
                    if y != exact {
                        let units = error(&oracle.value(function, x), y);
                        worst[place][usize::from(y.is_subnormal())].see(units, x);
                    }
                }
                place += 1;
            });
        }
        let levels: Vec<Level> = LEVELS.into_iter().filter(|level| level.is_available()).collect();
        for (level, [normal, subnormal]) in levels.into_iter().zip(worst) {
            Errors([normal, subnormal]).report(function, level, "f64, 10^8,");
        }
    }
}
