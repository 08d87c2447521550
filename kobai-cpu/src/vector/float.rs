//! What a kernel asks of a floating-point type: its constants, its polynomials, and the few operations on its bits.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::base::{LogBase, Prepared};
use super::several::Value;
use super::tables::Tables;

#[cfg(target_arch = "x86_64")]
use super::wide::{F32x16, F64x8, Wide};
#[cfg(target_arch = "x86_64")]
use super::{
    lanes::Lanes,
    narrow::{F32x8, F64x4},
};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// `f32` or `f64`, as the vector mathematics sees it.
///
/// The trait is sealed: its constants and the kernels' error bounds belong together.
pub trait Float:
    sealed::Sealed
    + bytemuck::Pod
    + Tables
    + Copy
    + Send
    + Sync
    + 'static
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Value<Number = Self>
{
    /// A vector of AVX-512.
    #[cfg(target_arch = "x86_64")]
    type Wide: Wide<Element = Self>;

    /// A vector of AVX2.
    #[cfg(target_arch = "x86_64")]
    type Narrow: Lanes<Element = Self>;

    /// Elements in 64 bytes, the widest vector.
    const LANES: usize;
    /// 0.
    const ZERO: Self;
    /// 1/2.
    const HALF: Self;
    /// 1.
    const ONE: Self;
    /// 2.
    const TWO: Self;
    /// +∞.
    const INFINITY: Self;
    /// Not a number.
    const NAN: Self;
    /// log₂ e.
    const LOG2_E: Self;
    /// The leading bits of ln 2, so few that the product with any exponent of the type is exact.
    const LN_2_HIGH: Self;
    /// ln 2 − `LN_2_HIGH`.
    const LN_2_LOW: Self;
    /// Above it eˣ is +∞.
    const EXP_MAX: Self;
    /// Below it eˣ rounds to 0.
    const EXP_MIN: Self;
    /// Below it eˣ − 1 rounds to −1.
    const EXPM1_MIN: Self;
    /// 1.5·2^p with twice the exponent bias added, p being the stored bits of the significand. Adding it to a small
    /// number rounds that number to an integer, which then stands, biased, in the low bits of the sum.
    const ROUNDER: Self;
    /// (eʳ − 1 − r − r²/2)/r³ for |r| ≤ ln 2 / 2, highest power first.
    const EXP_POLYNOMIAL: &'static [Self];
    /// (2 artanh(s) − 2s)/s³ as a polynomial in s², for |s| ≤ (√2 − 1)/(√2 + 1), highest power first.
    const LOG_POLYNOMIAL: &'static [Self];
    /// 2^h + 1, h being half the bits of the significand, rounded up: splits a number into two halves.
    const SPLITTER: Self;

    /// The number nearest to `value`.
    fn from_f64(value: f64) -> Self;

    /// The number as an `f64`, exactly.
    fn to_f64(self) -> f64;

    /// self·b + c: rounded once where `FMA`, else twice (where the processor lacks the instruction, the library's exact
    /// fma is a hundred times slower than both operations).
    fn multiply_add<const FMA: bool>(self, b: Self, c: Self) -> Self;

    /// The magnitude of `self` with the sign of `sign`.
    fn with_sign_of(self, sign: Self) -> Self;

    /// What AVX-512's kernel of the type needs of a base.
    fn prepared(base: &LogBase) -> &Prepared<Self>;

    /// |self|.
    fn magnitude(self) -> Self;

    /// √self, rounded once.
    fn square_root(self) -> Self;

    /// For `ROUNDER + n` two numbers, each a normal power of two, with product 2ⁿ.
    fn powers(rounded: Self) -> (Self, Self);

    /// For `ROUNDER + n`, with n no lower than at `EXPM1_MIN`, 2⁻ⁿ.
    fn inverse_power(rounded: Self) -> Self;

    /// (k, m) with `self` = 2ᵏ·m and √½ ≤ m < √2, for finite positive numbers, subnormal ones included.
    fn split(self) -> (Self, Self);
}

macro_rules! implement_float {
    (
        $float:ident, $bits:ident, $wide:ident, $narrow:ident, $prepared:ident, stored bits: $stored:literal, bias: $bias:literal,
        exp range: $exp_min:literal .. $exp_max:literal, expm1 from: $expm1_min:literal,
        ln 2: $ln_2_high:literal + $ln_2_low:literal, splitter: $splitter:literal,
        exp: $exp:expr, log: $log:expr,
    ) => {
        impl Float for $float {
            #[cfg(target_arch = "x86_64")]
            type Wide = $wide;

            #[cfg(target_arch = "x86_64")]
            type Narrow = $narrow;

            const LANES: usize = 64 / size_of::<$float>();
            const ZERO: Self = 0.0;
            const HALF: Self = 0.5;
            const ONE: Self = 1.0;
            const TWO: Self = 2.0;
            const INFINITY: Self = $float::INFINITY;
            const NAN: Self = $float::NAN;
            const LOG2_E: Self = std::$float::consts::LOG2_E;
            const LN_2_HIGH: Self = $ln_2_high;
            const LN_2_LOW: Self = $ln_2_low;
            const EXP_MAX: Self = $exp_max;
            const EXP_MIN: Self = $exp_min;
            const EXPM1_MIN: Self = $expm1_min;
            const ROUNDER: Self = ((3 as $bits) << ($stored - 1)) as $float + (2 * $bias) as $float;
            const EXP_POLYNOMIAL: &'static [Self] = &$exp;
            const LOG_POLYNOMIAL: &'static [Self] = &$log;
            const SPLITTER: Self = $splitter;

            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $float
            }

            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }

            #[inline(always)]
            fn multiply_add<const FMA: bool>(self, b: Self, c: Self) -> Self {
                if FMA { self.mul_add(b, c) } else { self * b + c }
            }

            #[inline(always)]
            fn with_sign_of(self, sign: Self) -> Self {
                self.copysign(sign)
            }

            #[inline(always)]
            fn prepared(base: &LogBase) -> &Prepared<Self> {
                &base.$prepared
            }

            #[inline(always)]
            fn magnitude(self) -> Self {
                self.abs()
            }

            #[inline(always)]
            fn square_root(self) -> Self {
                self.sqrt()
            }

            #[inline(always)]
            fn powers(rounded: Self) -> (Self, Self) {
                // The low bits hold n + 2·bias. Each half of it, as an exponent field, is half of n, biased; the bits
                // above are shifted out.
                let bits = rounded.to_bits();
                let half = bits >> 1;
                ($float::from_bits(half << $stored), $float::from_bits(bits.wrapping_sub(half) << $stored))
            }

            #[inline(always)]
            fn inverse_power(rounded: Self) -> Self {
                // 2^(1 − n)/2, since for the largest n the exponent field of 2⁻ⁿ itself would be negative.
                let field = ((3 * $bias + 1) as $bits).wrapping_sub(rounded.to_bits());
                $float::from_bits(field << $stored) * 0.5
            }

            #[inline(always)]
            fn split(self) -> (Self, Self) {
                const STORED: $bits = (1 << $stored) - 1;
                const SQRT_HALF: $bits = std::$float::consts::FRAC_1_SQRT_2.to_bits();
                const OFFSET: $bits = (1.0 as $float).to_bits() - SQRT_HALF;
                const LIFT: $float = ((1 as $bits) << ($stored + 2)) as $float;
                const INTEGER: $float = ((1 as $bits) << $stored) as $float;
                let subnormal = self < $float::MIN_POSITIVE;
                let lifted = if subnormal { self * LIFT } else { self };
                let bias =
                    if subnormal { INTEGER + ($bias + $stored + 2) as $float } else { INTEGER + $bias as $float };
                // The offset carries into the exponent exactly when the significand is √2 or more.
                let bits = lifted.to_bits().wrapping_add(OFFSET);
                // An integer below 2^stored under the exponent of 2^stored is that integer plus 2^stored.
                let exponent = $float::from_bits((bits >> $stored) | INTEGER.to_bits()) - bias;
                (exponent, $float::from_bits((bits & STORED) + SQRT_HALF))
            }
        }
    };
}

// The polynomials are minimax: a Remez exchange in 300-bit arithmetic on the stated interval, for the least error
// relative to eʳ − 1 (absolute in ln(1 + f) − f + f²/2 over s), coefficients then rounded to the type. The errors are
// 2^-61.7 in f64 and 2^-31.3 in f32 for the exponential, 2^-58.5 and 2^-29.2, times s, for the logarithm.
// EXP_MIN lies below ln of half the smallest subnormal number, EXP_MAX above ln of the largest number, EXPM1_MIN below ln
// of a quarter of the distance between 1 and the number before it.
implement_float! {
    f64, u64, F64x8, F64x4, double, stored bits: 52, bias: 1023,
    exp range: -746.0 .. 710.0, expm1 from: -39.0,
    ln 2: 0.6931471805598903 + 5.497923018708371e-14, splitter: 134217729.0,
    exp: [
        2.0923717708792894e-09, 2.5108995331982985e-08, 2.755724571728328e-07, 2.755724433859446e-06,
        2.4801587355947186e-05, 0.0001984126988598318, 0.0013888888888870228, 0.008333333333321697,
        0.04166666666666669, 0.16666666666666677,
    ],
    log: [
        0.1479606468348651, 0.15314040209440005, 0.18183564680958303, 0.22222198567433052, 0.2857142874243124,
        0.39999999999414554, 0.6666666666666734,
    ],
}

implement_float! {
    f32, u32, F32x16, F32x8, single, stored bits: 23, bias: 127,
    exp range: -104.0 .. 89.0, expm1 from: -19.0,
    ln 2: 0.69314575 + 1.4286068e-06, splitter: 4097.0,
    exp: [0.00019909657, 0.0013933317, 0.008333283, 0.04166648, 0.16666667],
    log: [0.29871857, 0.3997754, 0.66666776],
}

/// The polynomial with the given coefficients, highest power first, at `x`.
#[inline(always)]
pub(super) fn polynomial<T: Float, const FMA: bool>(coefficients: &[T], x: T) -> T {
    let mut value = coefficients[0];
    for &coefficient in &coefficients[1..] {
        value = value.multiply_add::<FMA>(x, coefficient);
    }
    value
}

/// a·b − `product`, exactly, where `product` is a·b rounded (Dekker 1971 where there is no fused multiply-add).
#[inline(always)]
pub(super) fn product_error<T: Float, const FMA: bool>(a: T, b: T, product: T) -> T {
    if FMA {
        return a.multiply_add::<true>(b, -product);
    }
    let (a_high, a_low) = halves(a);
    let (b_high, b_low) = halves(b);
    ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
}

/// `x` as the sum of two numbers of half as many bits (Veltkamp 1968).
#[inline(always)]
fn halves<T: Float>(x: T) -> (T, T) {
    let scaled = x * T::SPLITTER;
    let high = scaled - (scaled - x);
    (high, x - high)
}

/// a + b as the rounded sum and its error, for |a| ≥ |b| or a = 0 (Dekker 1971).
#[inline(always)]
pub(super) fn fast_two_sum<T: Float>(a: T, b: T) -> (T, T) {
    let sum = a + b;
    (sum, b - (sum - a))
}

/// a + b as the rounded sum and its error, in any order (Knuth).
#[inline(always)]
pub(crate) fn two_sum<V: Value>(a: V, b: V) -> (V, V) {
    let sum = a + b;
    let b_part = sum - a;
    (sum, (a - (sum - b_part)) + (b - b_part))
}
