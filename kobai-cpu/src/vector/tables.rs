//! The tables and polynomials of eˣ and of the logarithm to any base, as AVX-512 computes them.
//!
//! The polynomials are minimax: a Remez exchange in 300-bit arithmetic on the stated interval, for the least error
//! relative to the function, coefficients then rounded to the type.

/// Reciprocals for the significands m, ¾ ≤ m < 1½, by the four bits after the leading one: 1 + j/16 to 1 + (j + 1)/16 for
/// j < 8, ¾ + (j − 8)/32 to ¾ + (j − 7)/32 above. Each is so near 1/m that −1/32 ≤ m·c − 1 ≤ 1/16, a multiple of 1/32, and
/// 1 on both sides of m = 1.
pub(super) const RECIPROCALS: [f64; 16] = [
    1.0, 0.9375, 0.875, 0.84375, 0.78125, 0.75, 0.71875, 0.6875, 1.3125, 1.25, 1.21875, 1.15625, 1.125, 1.09375,
    1.0625, 1.0,
];

/// −ln of each of [`RECIPROCALS`], as the nearest number and what is left.
pub(super) const LOGARITHMS: [(f64, f64); 16] = [
    (0.0, 0.0),
    (0.06453852113757118, -6.470486661692933e-18),
    (0.13353139262452263, -3.664457663660085e-18),
    (0.16989903679539747, -4.868008764439071e-19),
    (0.24686007793152578, 1.361743371748368e-17),
    (0.2876820724517809, 2.607160616442564e-17),
    (0.33024168687057687, -1.0828321637483858e-17),
    (0.3746934494414107, -3.9243112288632396e-18),
    (-0.27193371548364176, -7.83319637697442e-19),
    (-0.22314355131420976, 9.091270597324799e-18),
    (-0.19782574332991987, -1.2821194372980142e-17),
    (-0.1451820098444979, -8.242418783022475e-18),
    (-0.11778303565638346, 1.1971685747593677e-18),
    (-0.08961215868968714, 5.4268129336647135e-18),
    (-0.06062462181643484, -2.6424025938726934e-18),
    (0.0, 0.0),
];

/// Reciprocals for s, 1 ≤ s < 2, by the four bits after the leading one: those of [`RECIPROCALS`], halved where these are for
/// s/2. −1/32 ≤ s·c − 1 ≤ 1/16, and c is 1 next to s = 1.
pub(super) const RECIPROCALS_TO_TWO: [f64; 16] = {
    let mut reciprocals = RECIPROCALS;
    let mut entry = 8;
    while entry < 16 {
        reciprocals[entry] *= 0.5;
        entry += 1;
    }
    reciprocals
};

/// ln 2, as the nearest number and what is left.
pub(super) const LN_2: (f64, f64) = (std::f64::consts::LN_2, 2.3190468138462996e-17);

/// −ln of each of [`RECIPROCALS_TO_TWO`], as the nearest number and what is left.
pub(super) const LOGARITHMS_TO_TWO: [(f64, f64); 16] = {
    let mut logarithms = LOGARITHMS;
    let mut entry = 8;
    while entry < 16 {
        // ln 2 is the larger.
        let (high, low) = LOGARITHMS[entry];
        let sum = LN_2.0 + high;
        let rest = (high - (sum - LN_2.0)) + (LN_2.1 + low);
        logarithms[entry] = (sum + rest, rest - ((sum + rest) - sum));
        entry += 1;
    }
    logarithms
};

/// What the kernels with tables ask of a type.
pub trait Tables: Sized + 'static {
    /// 1.5·2^(p − 4), p being the stored bits of the significand. Adding it to a small number rounds that number to a
    /// multiple of 1/16, which then stands in the low bits of the sum.
    const TABLE_ROUNDER: Self;
    /// The leading bits of ln 2, so few that the product with any sixteenth of an exponent of the type is exact.
    const TABLE_LN_2_HIGH: Self;
    /// ln 2 − `TABLE_LN_2_HIGH`.
    const TABLE_LN_2_LOW: Self;
    /// 2^(j/16), rounded.
    const POWERS_HIGH: [Self; 16];
    /// 2^(j/16) − `POWERS_HIGH`.
    const POWERS_LOW: [Self; 16];
    /// (eʳ − 1 − r)/r² for |r| ≤ ln 2 / 32, highest power first.
    const EXP_TABLE_POLYNOMIAL: &'static [Self];
    /// The same with the least error relative to eʳ − 1.
    const EXPM1_TABLE_POLYNOMIAL: &'static [Self];
    /// `RECIPROCALS`.
    const RECIPROCALS: [Self; 16];
    /// `RECIPROCALS_TO_TWO`.
    const RECIPROCALS_TO_TWO: [Self; 16];
    /// `LOGARITHMS_TO_TWO`, the nearest numbers.
    const LOGARITHMS_TO_TWO_HIGH: [Self; 16];
    /// What is left.
    const LOGARITHMS_TO_TWO_LOW: [Self; 16];
    /// A number below 1 with which 1 + it is still below 2.
    const BELOW_ONE: Self;
    /// How many coefficients (ln(1 + r) − r)/r² takes.
    const LOG_TERMS: usize;
    /// (ln(1 + r) − r)/r² for −1/32 ≤ r ≤ 1/16, highest power first, after zeros.
    const LOG_TABLE_POLYNOMIAL: [f64; MOST_LOG_TERMS];
    /// By how many bits the factor of an exponent is shortened, for their product to be exact.
    const EXPONENT_BITS: u32;
}

/// As many coefficients as a logarithm has at most.
pub(super) const MOST_LOG_TERMS: usize = 9;

/// Sixteen numbers, rounded to a type.
macro_rules! rounded {
    ($float:ident, |$entry:ident| $value:expr) => {{
        let mut numbers = [0.0; 16];
        let mut $entry = 0;
        while $entry < 16 {
            numbers[$entry] = ($value) as $float;
            $entry += 1;
        }
        numbers
    }};
}

impl Tables for f64 {
    const TABLE_ROUNDER: f64 = 1.5 * (1u64 << 48) as f64;
    const TABLE_LN_2_HIGH: f64 = 0.6931471805582987;
    const TABLE_LN_2_LOW: f64 = 1.6465949582897082e-12;
    const POWERS_HIGH: [f64; 16] = [
        1.0,
        1.0442737824274138,
        1.0905077326652577,
        1.1387886347566916,
        1.189207115002721,
        1.241857812073484,
        1.2968395546510096,
        1.3542555469368927,
        std::f64::consts::SQRT_2,
        1.4768261459394993,
        1.5422108254079407,
        1.6104903319492543,
        1.681792830507429,
        1.7562521603732995,
        1.8340080864093424,
        1.9152065613971474,
    ];
    const POWERS_LOW: [f64; 16] = [
        0.0,
        8.551889705537965e-17,
        -3.046782079812471e-17,
        8.912812676025408e-17,
        3.982015231465646e-17,
        4.658027591836937e-17,
        2.5382502794888315e-17,
        7.70094837980299e-17,
        -9.667293313452913e-17,
        -3.483994556892796e-17,
        7.949834809697621e-17,
        2.4707192569797888e-17,
        8.199010020581497e-17,
        2.960140695448873e-17,
        3.283107224245627e-17,
        -1.0619946056195963e-16,
    ];
    const EXP_TABLE_POLYNOMIAL: &'static [f64] = &[
        0.0001984109258544744,
        0.0013889112990130553,
        0.008333333335722308,
        0.04166666666056147,
        0.16666666666666619,
        0.5000000000000004,
    ];
    const EXPM1_TABLE_POLYNOMIAL: &'static [f64] = &[
        0.00019841292052211364,
        0.00138890932479607,
        0.008333333334171914,
        0.041666666661857615,
        0.1666666666666665,
        0.5000000000000003,
    ];
    const RECIPROCALS: [f64; 16] = RECIPROCALS;
    const RECIPROCALS_TO_TWO: [f64; 16] = RECIPROCALS_TO_TWO;
    const LOGARITHMS_TO_TWO_HIGH: [f64; 16] = rounded!(f64, |entry| LOGARITHMS_TO_TWO[entry].0);
    const LOGARITHMS_TO_TWO_LOW: [f64; 16] = rounded!(f64, |entry| LOGARITHMS_TO_TWO[entry].1);
    const BELOW_ONE: f64 = 1.0 - f64::EPSILON;
    const LOG_TERMS: usize = 9;
    const LOG_TABLE_POLYNOMIAL: [f64; MOST_LOG_TERMS] = [
        -0.08740537138147482,
        0.110708147786973,
        -0.1250185398202831,
        0.14285820827045748,
        -0.1666666619988383,
        0.19999999927358955,
        -0.24999999999837988,
        0.33333333333347603,
        -0.5000000000000003,
    ];
    const EXPONENT_BITS: u32 = 11;
}

impl Tables for f32 {
    const TABLE_ROUNDER: f32 = 1.5 * (1u32 << 19) as f32;
    const TABLE_LN_2_HIGH: f32 = 0.69311523;
    const TABLE_LN_2_LOW: f32 = 3.1946183e-05;
    const POWERS_HIGH: [f32; 16] = [
        1.0,
        1.0442737,
        1.0905077,
        1.1387886,
        1.1892071,
        1.2418578,
        1.2968396,
        1.3542556,
        std::f32::consts::SQRT_2,
        1.4768262,
        1.5422108,
        1.6104903,
        1.6817929,
        1.7562522,
        1.8340081,
        1.9152066,
    ];
    const POWERS_LOW: [f32; 16] = [
        0.0,
        4.83347e-08,
        -1.307754e-08,
        5.3862223e-08,
        3.7976353e-08,
        4.496838e-08,
        -4.0189995e-08,
        -1.0123349e-08,
        2.4203235e-08,
        -4.500899e-08,
        8.070905e-09,
        9.836217e-09,
        -2.4755327e-08,
        -9.23577e-09,
        -1.1239278e-08,
        9.845328e-09,
    ];
    const EXP_TABLE_POLYNOMIAL: &'static [f32] = &[0.1666672, 0.5000162];
    const EXPM1_TABLE_POLYNOMIAL: &'static [f32] = &[0.041666444, 0.16666992, 0.5];
    const RECIPROCALS: [f32; 16] = rounded!(f32, |entry| RECIPROCALS[entry]);
    const RECIPROCALS_TO_TWO: [f32; 16] = rounded!(f32, |entry| RECIPROCALS_TO_TWO[entry]);
    const LOGARITHMS_TO_TWO_HIGH: [f32; 16] = rounded!(f32, |entry| LOGARITHMS_TO_TWO[entry].0);
    const LOGARITHMS_TO_TWO_LOW: [f32; 16] =
        rounded!(f32, |entry| LOGARITHMS_TO_TWO[entry].0 - LOGARITHMS_TO_TWO[entry].0 as f32 as f64);
    const BELOW_ONE: f32 = 1.0 - f32::EPSILON;
    const LOG_TERMS: usize = 4;
    const LOG_TABLE_POLYNOMIAL: [f64; MOST_LOG_TERMS] =
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.18845928106398888, -0.2500610554758847, 0.3333445314554776, -0.5000000139093358];
    const EXPONENT_BITS: u32 = 8;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What 300-bit arithmetic gives.
    #[test]
    fn the_logarithms_to_two_are_the_nearest_pairs() {
        let nearest = [
            (0.42121346507630353, 2.2407148500765553e-17),
            (0.4700036292457356, -2.3229412495470032e-17),
            (0.4953214372300254, 1.0369273765482855e-17),
            (0.5479651707154474, 4.2703624971069435e-17),
            (0.5753641449035618, 5.214321232885128e-17),
            (0.6035350218702582, -2.6893870159130116e-17),
            (0.6325225587435105, -2.1085297878853066e-17),
            LN_2,
        ];
        for (found, nearest) in LOGARITHMS_TO_TWO[8..].iter().zip(nearest) {
            assert_eq!(found.0, nearest.0);
            assert!((found.1 - nearest.1).abs() < 1e-32, "{found:?}, not {nearest:?}");
        }
    }
}
