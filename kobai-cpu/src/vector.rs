//! Mathematics over slices of `f64` and `f32`: elementary functions, in place or from one slice into another, plain
//! arithmetic, and reductions.
//!
//! Each function is written once (`exponential`, `logarithm`, `activation`), for one element of either type and
//! free of branches, and the compiler turns it into vector instructions at each [`Level`]; the level is found at run
//! time, once. For AVX-512 eˣ, the logarithm to any base and what is made of these two at every turn are written a second
//! time (`wide_functions`), with its instructions for exponents and for tables in registers: up to twice as fast.
//!
//! **Bits.** An element's result does not depend on its position, on the length of the slice or on its neighbours, and
//! [`scalar`] gives the same bits. Plain arithmetic, sums, dot products and maxima are the same at all levels. Of the
//! functions, those that AVX-512 computes in its own way ([`exp()`], [`log()`], [`log_base()`], [`log1p()`], [`sigmoid()`],
//! [`softplus()`], [`tanh()`], [`exp_and_expm1_to`] and the sums of exponentials) may differ between AVX-512 and AVX2 in the
//! last place; the others are the same there. The portable level, on processors without fused multiply-add, may differ from
//! both in the last place. (Which NaN a NaN is, is not promised.)
//!
//! **Accuracy.** The error against the exact value is below 0.6 ULP for `exp` (0.8 where the result is subnormal), below
//! 0.8 ULP for `log` and the logarithms to the bases 2 and 10, below 2 ULP for the normal distribution and the gamma
//! family, and below 1 ULP for every other function, in both types and at every level, subnormal
//! numbers included. `tests/vector_accuracy` holds these bounds. An `f32` is worked in `f32`, never by way of `f64`, but for
//! powers, the error function, the normal distribution and the gamma family, which are rarer and need more digits on the way.

mod activation;
mod base;
mod elementwise;
mod exp_and_expm1;
mod exponential;
mod float;
mod fused;
mod gamma;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod level;
mod logarithm;
mod logistic;
mod lookup;
mod map;
#[cfg(target_arch = "x86_64")]
mod narrow;
mod normal;
mod past_caches;
mod power;
mod prefetch;
mod reduce;
mod several;
mod tables;
mod transpose;
#[cfg(target_arch = "x86_64")]
mod wide;
#[cfg(target_arch = "x86_64")]
mod wide_functions;

pub use base::LogBase;
pub use elementwise::{Operand, binary, select, ternary, unary};
pub use exp_and_expm1::exp_and_expm1_to;
pub use float::Float;
pub(crate) use float::two_sum;
pub use fused::{add_to_sums, exp_shifted_scaled_to, join_exponentials, sum_columns};
#[cfg(target_arch = "x86_64")]
pub(crate) use lanes::{LaneWork, Lanes};
pub use level::{Level, Work, dispatch};
pub use logistic::logistic_to;
pub use lookup::{Lookup, NOWHERE, look_up};
pub use past_caches::{copy_past_caches, fence};
pub use power::{Fraction, power, power_of_fraction_to};
pub use prefetch::{prefetch, prefetch_to_write};
pub(crate) use reduce::larger;
pub use reduce::{all_finite, dot, exp_then_sum, exp_then_sum_to, first_place, max, sum, sum_exp};
pub(crate) use several::{Several, Value, several};
pub use transpose::{copy_rows, transpose};

/// Makes, from one row, a function in place, a function from slice to slice, and a function of one number.
macro_rules! elementwise {
    ($($(#[$doc:meta])* $name:ident, $name_to:ident $(($argument:ident: $type:ty))?: $kernel:expr;)*) => {
        $(
            $(#[$doc])*
            pub fn $name<T: Float>(values: &mut [T] $(, $argument: $type)?) {
                map::map($kernel, values);
            }

            #[doc = concat!("[`", stringify!($name), "`] of each of `values`, written to `output`.")]
            ///
            /// # Panics
            /// If the slices differ in length.
            pub fn $name_to<T: Float>(values: &[T], output: &mut [T] $(, $argument: $type)?) {
                map::map_to($kernel, values, output);
            }
        )*

        /// The functions of [the module above](super) for one number, with the same bits.
        pub mod scalar {
            use super::{Float, LogBase, activation, exponential, gamma, logarithm, map, normal};
            pub use super::power::{power_of_fraction, power_one as power};

            $(
                #[doc = concat!("[`", stringify!($name), "`](super::", stringify!($name), "()) of one number.")]
                pub fn $name<T: Float>(value: T $(, $argument: $type)?) -> T {
                    map::one($kernel, value)
                }
            )*
        }
    };
}

elementwise! {
    /// Replaces each x by eˣ.
    ///
    /// Below 0.6 ULP (0.8 where the result is subnormal). +∞ past the largest number; subnormal, then 0, far below;
    /// e^−∞ = 0, e^±0 = 1.
    exp, exp_to: exponential::Exp;

    /// Replaces each x by eˣ − 1, accurate near 0 too.
    ///
    /// Below 1 ULP. ±0 is kept; −∞ gives −1.
    expm1, expm1_to: exponential::Expm1;

    /// Replaces each x by its natural logarithm.
    ///
    /// Below 0.8 ULP, for subnormal numbers too. ln 1 = +0, ln ±0 = −∞, ln ∞ = ∞; NaN below 0.
    log, log_to: logarithm::Log;

    /// Replaces each x by ln(1 + x), accurate near 0 too.
    ///
    /// Below 1 ULP. ±0 is kept; −1 gives −∞; NaN below −1.
    log1p, log1p_to: logarithm::Log1p;

    /// Replaces each x by its logarithm to `base`.
    ///
    /// Below 1 ULP (0.8 in the bases 2 and 10); exact where x is an exact power of the base. Special values as for [`log`], with the infinities'
    /// signs exchanged for a base below 1.
    log_base, log_base_to (base: &LogBase): logarithm::LogToBase::new(base);

    /// Replaces each x by ln(1 − eˣ), for x ≤ 0, accurate at both ends. (Mächler, "Accurately computing
    /// log(1 − exp(−|a|))", 2012, changes form at −ln 2; here one form does, as it carries along what rounding 1 − eˣ
    /// loses.)
    ///
    /// Below 1 ULP. ±0 gives −∞; −∞ gives −0; NaN above 0.
    log1mexp, log1mexp_to: logarithm::Log1mExp;

    /// Replaces each x by the logistic sigmoid 1/(1 + e⁻ˣ).
    ///
    /// Below 1 ULP, with AVX-512 below 1.6. Far below 0 it is eˣ, down to the subnormal numbers and 0; 1 at +∞.
    sigmoid, sigmoid_to: activation::Sigmoid;

    /// Replaces each x by softplus, ln(1 + eˣ).
    ///
    /// Below 1 ULP, with AVX-512 below 1.6. Far below 0 it is eˣ, down to the subnormal numbers and 0; +∞ at +∞.
    softplus, softplus_to: activation::Softplus;

    /// Replaces each x by its hyperbolic tangent.
    ///
    /// Below 1 ULP. ±0 is kept; ±1 at ±∞.
    tanh, tanh_to: activation::Tanh;

    /// Replaces each x by the error function erf x = (2/√π) ∫₀ˣ e^(−t²) dt.
    ///
    /// Below 1 ULP. ±0 is kept; ±1 at ±∞.
    erf, erf_to: normal::Erf;

    /// Replaces each x by Φ(x), the standard normal's distribution function.
    ///
    /// Below 2 ULP, far below 0 too, down to the subnormal numbers and 0.
    normal_cdf, normal_cdf_to: normal::NormalCdf;

    /// Replaces each x by log Φ(x).
    ///
    /// Below 2 ULP, on both sides.
    log_normal_cdf, log_normal_cdf_to: normal::LogNormalCdf;

    /// Replaces each x by φ(x)/Φ(x), the derivative of log Φ: the inverse Mills ratio of −x.
    ///
    /// Below 2 ULP. Far below 0 it is about −x; +∞ at −∞.
    inverse_mills, inverse_mills_to: normal::InverseMills;

    /// Replaces each x > 0 by log Γ(x).
    ///
    /// Below 2 ULP, next to the zeros 1 and 2 too. NaN for x ≤ 0; +∞ at +∞.
    log_gamma, log_gamma_to: gamma::LogGamma;

    /// Replaces each x > 0 by ψ(x), the derivative of log Γ.
    ///
    /// Below 2 ULP, next to its zero too. NaN for x ≤ 0; +∞ at +∞.
    digamma, digamma_to: gamma::Digamma;
}
