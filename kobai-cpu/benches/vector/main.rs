//! Time per element of the vector mathematics at each level, beside glibc's libmvec and SLEEF with AVX-512.
//!
//! `cargo bench -p kobai-cpu --bench vector` (any further word selects the rows whose names contain it). The data lie in
//! the first-level cache, aligned, and the output is reused, so this measures arithmetic, not memory. The figures are
//! medians of 31 runs of about a millisecond. SLEEF is Debian's package libsleef3; a library that is absent is left out.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod peers;

use std::hint::black_box;
use std::time::Instant;

use kobai_cpu::vector::{self, Float, Fraction, Level, LogBase, Operand};

const RUNS: usize = 31;
const LEVELS: [Level; 3] = [Level::Avx512, Level::Avx2, Level::Portable];

/// Elements of an array: 8 KiB.
const fn length<T>() -> usize {
    8192 / size_of::<T>()
}

/// The median time of `work`, which handles `length` elements, in nanoseconds per element.
fn nanoseconds(length: usize, work: &mut dyn FnMut()) -> f64 {
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
    times[RUNS / 2] * 1e9 / (repeats * length) as f64
}

/// Whether the row is among those asked for.
fn is_wanted(name: &str) -> bool {
    std::env::args().skip(1).find(|word| !word.starts_with('-')).is_none_or(|word| name.contains(&word))
}

/// Prints the name and the time at each level; returns the first.
fn levels(name: &str, length: usize, work: &mut dyn FnMut()) -> f64 {
    print!("{name:24}");
    let mut first = f64::NAN;
    for level in LEVELS {
        if level.force() {
            let time = nanoseconds(length, work);
            first = if first.is_nan() { time } else { first };
            print!("{time:10.3}");
        } else {
            print!("{:>10}", "-");
        }
    }
    first
}

/// Prints a row without peers.
fn row<T>(name: &str, mut work: impl FnMut()) {
    let name = format!("{name} {}", std::any::type_name::<T>());
    if is_wanted(&name) {
        levels(&name, length::<T>(), &mut work);
        println!();
    }
}

/// Numbers that start at a multiple of 64 bytes.
struct Aligned<T> {
    numbers: Vec<T>,
    start: usize,
}

impl<T: Float> Aligned<T> {
    fn new(number: impl Fn(usize) -> f64) -> Aligned<T> {
        let mut numbers = vec![T::ZERO; length::<T>() + 64];
        let start = numbers.as_ptr().align_offset(64);
        numbers[start..][..length::<T>()].iter_mut().enumerate().for_each(|(i, x)| *x = T::from_f64(number(i)));
        Aligned { numbers, start }
    }

    /// Between two bounds, in no order.
    fn spread(low: f64, high: f64) -> Aligned<T> {
        let length = length::<T>();
        Aligned::new(|i| low + (high - low) * (i * 619 % length) as f64 / length as f64)
    }

    fn get(&self) -> &[T] {
        black_box(&self.numbers[self.start..][..length::<T>()])
    }

    fn get_mut(&mut self) -> &mut [T] {
        black_box(&mut self.numbers[self.start..][..length::<T>()])
    }
}

/// What the rows of functions are made with.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
struct Peers([peers::Peer; 2]);
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
struct Peers;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use peers::Element;
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
trait Element {}
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
impl<T> Element for T {}

impl Peers {
    /// Prints a row: a function, and the peers' of the given name, each with ours as a part of it.
    fn row<T: Float + Element>(
        &self,
        name: &str,
        theirs: &str,
        x: &Aligned<T>,
        y: &[T],
        ours: impl Fn(&[T], &mut [T]),
    ) {
        let name = format!("{name} {}", std::any::type_name::<T>());
        if !is_wanted(&name) {
            return;
        }
        let mut output = Aligned::new(|_| 0.0);
        let first = levels(&name, length::<T>(), &mut || ours(x.get(), output.get_mut()));
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        for peer in &self.0 {
            match peer.function(theirs, x.get(), y, output.get_mut()) {
                Some(mut work) => {
                    let time = nanoseconds(length::<T>(), &mut work);
                    print!("{time:10.3}{:8.2}", first / time);
                }
                None => print!("{:>18}", "-"),
            }
        }
        #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
        let _ = (theirs, y, first);
        println!();
    }

    /// The functions of one number.
    fn functions<T: Float + Element>(&self) {
        let (any, negative) = (Aligned::<T>::spread(-20.0, 20.0), Aligned::<T>::spread(-20.0, -0.01));
        let positive = Aligned::<T>::spread(0.01, 100.0);
        let base = LogBase::new(1.7);
        self.row("exp", "exp", &any, &[], vector::exp_to);
        self.row("expm1", "expm1", &any, &[], vector::expm1_to);
        self.row("log", "log", &positive, &[], vector::log_to);
        self.row("log_base 2", "log2", &positive, &[], |x, y| vector::log_base_to(x, y, &LogBase::TWO));
        self.row("log_base 10", "log10", &positive, &[], |x, y| vector::log_base_to(x, y, &LogBase::TEN));
        self.row("log_base 1.7", "", &positive, &[], |x, y| vector::log_base_to(x, y, &base));
        self.row("log1p", "log1p", &positive, &[], vector::log1p_to);
        self.row("log1mexp", "", &negative, &[], vector::log1mexp_to);
        self.row("sigmoid", "", &any, &[], vector::sigmoid_to);
        self.row("softplus", "", &any, &[], vector::softplus_to);
        self.row("tanh", "tanh", &any, &[], vector::tanh_to);
        self.row("erf", "erf", &any, &[], vector::erf_to);
        self.row("normal_cdf", "", &any, &[], vector::normal_cdf_to);
        self.row("log_normal_cdf", "", &any, &[], vector::log_normal_cdf_to);
        self.row("inverse_mills", "", &any, &[], vector::inverse_mills_to);
        self.row("log_gamma", "lgamma", &positive, &[], vector::log_gamma_to);
        self.row("digamma", "", &positive, &[], vector::digamma_to);
        let exponents = Aligned::<T>::spread(-8.0, 8.0);
        self.row("power", "pow", &positive, exponents.get(), |x, y| {
            vector::power(y, Operand::Each(x), Operand::Each(exponents.get()));
        });
        self.row("power 1/3", "cbrt", &positive, &[], |x, y| vector::power_of_fraction_to(x, y, Fraction::new(1, 3)));
    }
}

/// Plain arithmetic.
fn elementwise<T: Float>() {
    let a = Aligned::<T>::new(|i| (i * 619 % 1024) as f64);
    let b = Aligned::<T>::new(|i| (i * 331 % 2) as f64);
    let mut y = Aligned::<T>::new(|_| 0.0);
    let (a, b) = (|| Operand::Each(a.get()), || Operand::Each(b.get()));
    row::<T>("add", || vector::binary(y.get_mut(), a(), b(), |a, b| a + b));
    let rule = |a: T, b: T| if a == T::ZERO || b == T::ZERO { T::ZERO } else { a * b };
    row::<T>("multiply, 0 first", || vector::binary(y.get_mut(), a(), b(), rule));
    row::<T>("divide", || vector::binary(y.get_mut(), b(), a(), |a, b| a / b));
    row::<T>("select", || vector::select(y.get_mut(), b(), a(), Operand::Same(T::ONE)));
    row::<T>("1/sqrt", || vector::unary(y.get_mut(), a(), |x| T::ONE / x.square_root()));
}

/// The reductions, and what gives two results.
fn reductions<T: Float>() {
    let x = Aligned::<T>::new(|i| (i * 619 % 1024) as f64 / -50.0);
    let (mut y, mut z) = (Aligned::<T>::new(|_| 0.0), Aligned::<T>::new(|_| 0.0));
    row::<T>("max", || _ = black_box(vector::max(x.get())));
    row::<T>("sum", || _ = black_box(vector::sum(x.get())));
    row::<T>("dot", || _ = black_box(vector::dot(x.get(), x.get())));
    row::<T>("sum_exp", || _ = black_box(vector::sum_exp(x.get(), T::ZERO)));
    row::<T>("exp_then_sum_to", || _ = black_box(vector::exp_then_sum_to(x.get(), y.get_mut(), T::ZERO)));
    row::<T>("exp_and_expm1_to", || vector::exp_and_expm1_to(x.get(), y.get_mut(), z.get_mut()));
}

fn main() {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    let peers = Peers([peers::Peer::libmvec(), peers::Peer::sleef()]);
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    let peers = Peers;
    println!(
        "{:24}{:>10}{:>10}{:>10}{:>10}{:>8}{:>10}{:>8}   (ns per element; ours/theirs)",
        "", "avx512", "avx2", "portable", "libmvec", "", "SLEEF", ""
    );
    peers.functions::<f32>();
    peers.functions::<f64>();
    elementwise::<f32>();
    elementwise::<f64>();
    reductions::<f32>();
    reductions::<f64>();
}
