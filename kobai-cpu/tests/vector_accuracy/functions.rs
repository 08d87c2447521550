//! The functions under test, the levels to test them at, and inputs for them.

use std::sync::{Mutex, MutexGuard};

use kobai_cpu::vector::{self, Float, Level, LogBase, scalar};

pub const LEVELS: [Level; 3] = [Level::Avx512, Level::Avx2, Level::Portable];

/// The level is the process's, so the tests take turns.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Does `work` at each level the processor has.
pub fn at_each_level(mut work: impl FnMut(Level)) {
    let _turn = turn();
    for level in LEVELS.into_iter().filter(|level| level.force()) {
        work(level);
    }
}

/// The functions under test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    Exp,
    Expm1,
    Log,
    Log1p,
    Log2,
    Log10,
    Log1mExp,
    Sigmoid,
    Softplus,
    Tanh,
}
pub use Function::*;

pub const FUNCTIONS: [Function; 10] = [Exp, Expm1, Log, Log1p, Log2, Log10, Log1mExp, Sigmoid, Softplus, Tanh];

impl Function {
    /// The documented bound, in units in the last place, for a result that is normal or subnormal.
    pub fn bound(self, level: Level, subnormal: bool) -> f64 {
        match self {
            Sigmoid | Softplus if level == Level::Avx512 && !subnormal => 1.6,
            Exp if subnormal => 0.8,
            Exp => 0.6,
            Log | Log2 | Log10 => 0.8,
            _ => 1.0,
        }
    }

    pub fn apply<T: Float>(self, values: &mut [T]) {
        match self {
            Exp => vector::exp(values),
            Expm1 => vector::expm1(values),
            Log => vector::log(values),
            Log1p => vector::log1p(values),
            Log2 => vector::log_base(values, &LogBase::TWO),
            Log10 => vector::log_base(values, &LogBase::TEN),
            Log1mExp => vector::log1mexp(values),
            Sigmoid => vector::sigmoid(values),
            Softplus => vector::softplus(values),
            Tanh => vector::tanh(values),
        }
    }

    pub fn apply_to<T: Float>(self, values: &[T], output: &mut [T]) {
        match self {
            Exp => vector::exp_to(values, output),
            Expm1 => vector::expm1_to(values, output),
            Log => vector::log_to(values, output),
            Log1p => vector::log1p_to(values, output),
            Log2 => vector::log_base_to(values, output, &LogBase::TWO),
            Log10 => vector::log_base_to(values, output, &LogBase::TEN),
            Log1mExp => vector::log1mexp_to(values, output),
            Sigmoid => vector::sigmoid_to(values, output),
            Softplus => vector::softplus_to(values, output),
            Tanh => vector::tanh_to(values, output),
        }
    }

    pub fn one<T: Float>(self, value: T) -> T {
        match self {
            Exp => scalar::exp(value),
            Expm1 => scalar::expm1(value),
            Log => scalar::log(value),
            Log1p => scalar::log1p(value),
            Log2 => scalar::log_base(value, &LogBase::TWO),
            Log10 => scalar::log_base(value, &LogBase::TEN),
            Log1mExp => scalar::log1mexp(value),
            Sigmoid => scalar::sigmoid(value),
            Softplus => scalar::softplus(value),
            Tanh => scalar::tanh(value),
        }
    }

    /// Whether the value at x is finite and not trivially so; the rest is for the test of special values.
    pub fn is_ordinary_at(self, x: f64) -> bool {
        match self {
            Log | Log2 | Log10 => x > 0.0 && x.is_finite(),
            Log1p => x > -1.0 && x.is_finite(),
            Log1mExp => x < 0.0 && x.is_finite(),
            _ => x.is_finite(),
        }
    }
}

/// A small generator of pseudo-random numbers (xorshift64*), from a seed that is not 0.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Between 0 and 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// An input for `function`: any number at all, or one near a hard place of the functions.
    pub fn input(&mut self, narrow: bool) -> f64 {
        let x = match self.next() % 12 {
            0 => f64::from_bits(self.next()),
            1 => f64::from(f32::from_bits(self.next() as u32)),
            2 => (self.unit() - 0.5) * 2.0,
            3 => 1.0 + (self.unit() - 0.5) * (-30.0 * self.unit()).exp2(),
            4 => (self.unit() - 0.5) * (-60.0 * self.unit()).exp2(),
            5 => -std::f64::consts::LN_2 * (self.next() % 40) as f64 * 0.5 + (self.unit() - 0.5) * 1e-3,
            6 if narrow => -87.0 - 17.5 * self.unit(),
            6 => -708.0 - 38.0 * self.unit(),
            7 if narrow => 88.0 + self.unit(),
            7 => 709.0 + self.unit(),
            8 => f64::from_bits(self.next() >> (12 + self.next() % 40)),
            9 => (self.unit() - 0.5) * 40.0,
            10 => self.unit() * 3.0,
            _ => (self.unit() - 0.5) * if narrow { 200.0 } else { 1500.0 },
        };
        if self.next().is_multiple_of(4) { -x } else { x }
    }

    pub fn inputs<T: Float>(&mut self, function: Function, count: usize) -> Vec<T> {
        let narrow = size_of::<T>() == 4;
        std::iter::from_fn(|| Some(T::from_f64(self.input(narrow))))
            .filter(|x| function.is_ordinary_at(x.to_f64()))
            .take(count)
            .collect()
    }
}
