//! Time per element of the vector mathematics at each level, beside the platform's scalar functions.
//!
//! `cargo bench -p kobai-cpu --bench vector` (any further word selects the rows whose names contain it). The data lie in
//! the first-level cache and the output is reused, so this measures arithmetic, not memory. The medians are of 31 runs of
//! about a millisecond.

use std::hint::black_box;
use std::time::Instant;

use kobai_cpu::vector::{self, Float, Level, LogBase, Operand};

/// Elements: 32 KiB in f32.
const LENGTH: usize = 4096;
const RUNS: usize = 31;
const LEVELS: [Level; 3] = [Level::Avx512, Level::Avx2, Level::Portable];

/// The median time of `work`, which handles `LENGTH` elements, in nanoseconds per element.
fn nanoseconds(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    work();
    let repeats = (1e-3 / start.elapsed().as_secs_f64().max(1e-8)).ceil() as usize;
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..repeats {
                work();
            }
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2] * 1e9 / (repeats * LENGTH) as f64
}

/// Prints one row: the time at each level and that of the platform's function.
fn row(name: &str, mut work: impl FnMut(), platform: Option<&mut dyn FnMut()>) {
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    if wanted.is_some_and(|wanted| !name.contains(&wanted)) {
        return;
    }
    print!("{name:24}");
    for level in LEVELS {
        if level.force() {
            print!("{:10.3}", nanoseconds(&mut work));
        } else {
            print!("{:>10}", "-");
        }
    }
    match platform {
        Some(platform) => println!("{:10.3}", nanoseconds(platform)),
        None => println!(),
    }
}

/// What the platform offers for one number of a type.
struct Platform<T> {
    exp: fn(T) -> T,
    expm1: fn(T) -> T,
    log: fn(T) -> T,
    log1p: fn(T) -> T,
    log10: fn(T) -> T,
    tanh: fn(T) -> T,
    sigmoid: fn(T) -> T,
    softplus: fn(T) -> T,
}

macro_rules! platform {
    ($float:ident) => {
        Platform::<$float> {
            exp: $float::exp,
            expm1: $float::exp_m1,
            log: $float::ln,
            log1p: $float::ln_1p,
            log10: $float::log10,
            tanh: $float::tanh,
            sigmoid: |x| 1.0 / (1.0 + (-x).exp()),
            softplus: |x| x.max(0.0) + (-x.abs()).exp().ln_1p(),
        }
    };
}

/// The functions of one number.
fn functions<T: Float>(type_name: &str, platform: &Platform<T>) {
    let spread = |low: f64, high: f64| -> Vec<T> {
        (0..LENGTH).map(|i| T::from_f64(low + (high - low) * (i * 619 % LENGTH) as f64 / LENGTH as f64)).collect()
    };
    let (any, positive, negative) = (spread(-20.0, 20.0), spread(0.01, 100.0), spread(-20.0, -0.01));
    let mut output = any.clone();
    let mut reference = any.clone();
    let mut compare = |name: &str, input: &[T], ours: &dyn Fn(&[T], &mut [T]), theirs: Option<fn(T) -> T>| {
        let mut by_platform = || {
            for (x, y) in black_box(input).iter().zip(&mut reference) {
                *y = theirs.expect("called only where there is one")(*x);
            }
        };
        let platform: Option<&mut dyn FnMut()> = if theirs.is_some() { Some(&mut by_platform) } else { None };
        row(&format!("{name} {type_name}"), || ours(black_box(input), black_box(&mut output)), platform);
    };
    compare("exp", &any, &vector::exp_to, Some(platform.exp));
    compare("expm1", &any, &vector::expm1_to, Some(platform.expm1));
    compare("log", &positive, &vector::log_to, Some(platform.log));
    compare("log1p", &positive, &vector::log1p_to, Some(platform.log1p));
    compare("log_base 10", &positive, &|x, y| vector::log_base_to(x, y, &LogBase::TEN), Some(platform.log10));
    compare("log1mexp", &negative, &vector::log1mexp_to, None);
    compare("sigmoid", &any, &vector::sigmoid_to, Some(platform.sigmoid));
    compare("softplus", &any, &vector::softplus_to, Some(platform.softplus));
    compare("tanh", &any, &vector::tanh_to, Some(platform.tanh));
}

/// Plain arithmetic.
fn elementwise<T: Float>(type_name: &str) {
    let a: Vec<T> = (0..LENGTH).map(|i| T::from_f64((i * 619 % LENGTH) as f64)).collect();
    let b: Vec<T> = (0..LENGTH).map(|i| T::from_f64((i * 331 % 2) as f64)).collect();
    let mut y = a.clone();
    let name = |name: &str| format!("{name} {type_name}");
    let each = |values| Operand::Each(black_box(values));
    row(&name("add"), || vector::binary(black_box(&mut y), each(&a), each(&b), |a, b| a + b), None);
    let rule = |a: T, b: T| if a == T::ZERO || b == T::ZERO { T::ZERO } else { a * b };
    row(&name("multiply, 0 first"), || vector::binary(black_box(&mut y), each(&a), each(&b), rule), None);
    row(&name("divide"), || vector::binary(black_box(&mut y), each(&b), each(&a), |a, b| a / b), None);
    row(&name("select"), || vector::select(black_box(&mut y), each(&b), each(&a), Operand::Same(T::ONE)), None);
    row(&name("1/sqrt"), || vector::unary(black_box(&mut y), each(&a), |x| T::ONE / x.square_root()), None);
}

/// The reductions, and work in place.
fn reductions<T: Float>(type_name: &str) {
    let x: Vec<T> = (0..LENGTH).map(|i| T::from_f64((i * 619 % LENGTH) as f64 / -50.0)).collect();
    let mut y = x.clone();
    let name = |name: &str| format!("{name} {type_name}");
    row(&name("max"), || _ = black_box(vector::max(black_box(&x))), None);
    row(&name("sum"), || _ = black_box(vector::sum(black_box(&x))), None);
    row(&name("dot"), || _ = black_box(vector::dot(black_box(&x), black_box(&x))), None);
    row(&name("sum_exp"), || _ = black_box(vector::sum_exp(black_box(&x), T::ZERO)), None);
    row(&name("exp_then_sum_to"), || _ = black_box(vector::exp_then_sum_to(black_box(&x), &mut y, T::ZERO)), None);
    // e^(x − 0) of e^x and so on would leave the ordinary numbers: the data are copied in again each time.
    let in_place = || {
        y.copy_from_slice(black_box(&x));
        vector::exp(black_box(&mut y));
    };
    row(&name("copy, exp in place"), in_place, None);
}

fn main() {
    println!("{:24}{:>10}{:>10}{:>10}{:>10}   (ns per element)", "", "avx512", "avx2", "portable", "platform");
    functions("f64", &platform!(f64));
    functions("f32", &platform!(f32));
    elementwise::<f64>("f64");
    elementwise::<f32>("f32");
    reductions::<f64>("f64");
    reductions::<f32>("f32");
}
