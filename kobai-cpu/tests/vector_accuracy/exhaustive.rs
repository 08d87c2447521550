//! Every `f32` there is, and a hundred million `f64`: minutes of work, so on demand only.
//!
//! `cargo test --release -p kobai-cpu --test vector_accuracy -- --ignored --nocapture`

use std::thread;

use astro_float::Consts;
use kobai_cpu::vector::Level;

use super::functions::*;
use super::oracle::{Oracle, error};
use super::{Errors, Worst};

/// The logarithms in the common bases, and the exponential.
const CHECKED: [Function; 4] = [Log, Log2, Log10, Exp];

/// The worst errors of one function for the inputs, and the special values asserted.
fn errors_of(function: Function, inputs: &[f32], outputs: &[f32]) -> Errors {
    let mut errors = Errors::default();
    for (&x, &y) in inputs.iter().zip(outputs) {
        let exact = function.in_f64(f64::from(x));
        if function.is_ordinary_at(f64::from(x)) {
            errors.see_single(exact, x, y);
        } else {
            assert!(f64::from(y) == exact || (y.is_nan() && exact.is_nan()), "{function:?}({x:e}) = {y:e}");
        }
    }
    errors
}

#[test]
#[ignore = "takes minutes"]
fn every_f32() {
    const CHUNK: u32 = 1 << 22;
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get());
    at_each_level(|_| {});
    for function in CHECKED {
        let mut worst = [Errors::default(); LEVELS.len()];
        for chunk in 0..1 << 10 {
            let inputs: Vec<f32> = (0..CHUNK).map(|i| f32::from_bits(chunk * CHUNK + i)).collect();
            let mut place = 0;
            at_each_level(|_| {
                let mut outputs = inputs.clone();
                function.apply(&mut outputs);
                let size = inputs.len().div_ceil(threads);
                thread::scope(|scope| {
                    let pieces = inputs.chunks(size).zip(outputs.chunks(size));
                    let work: Vec<_> = pieces.map(|(x, y)| scope.spawn(move || errors_of(function, x, y))).collect();
                    work.into_iter().for_each(|work| worst[place].join(work.join().expect("no panic")));
                });
                place += 1;
            });
        }
        let levels: Vec<Level> = LEVELS.into_iter().filter(|level| level.is_available()).collect();
        for (level, errors) in levels.into_iter().zip(worst) {
            errors.report(function, &format!("{level:?} f32, all,"));
        }
    }
}

#[test]
#[ignore = "takes minutes"]
fn a_hundred_million_f64() {
    const CHUNK: usize = 1 << 20;
    let mut oracle = Oracle { constants: Consts::new().expect("constants") };
    for function in CHECKED {
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
            Errors([normal, subnormal]).report(function, &format!("{level:?} f64, 10^8,"));
        }
    }
}
