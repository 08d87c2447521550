//! The gamma family, for positive numbers: log Γ and its derivative ψ.
//!
//! Far from 0 by asymptotic series about x − ½, economised (the series of Gauss's midpoint; Luke, "The Special Functions and
//! Their Approximations", 1969, §2.11); below by a polynomial about the zero, to which the recurrence leads in a step. An
//! `f32` is worked in `f64`.

use super::float::{Float, fast_two_sum, polynomial, product_error, two_sum};
use super::logarithm::log_pair;
use super::map::kernels;

/// log Γ(2 + e)/e for |e| ≤ ½, highest power first, all but the constant term. The error is 2^−59.
const ABOUT_TWO: [f64; 18] = [
    -1.4328759856734466e-07,
    2.7849179631620984e-07,
    -4.200511958760854e-07,
    9.203174351691331e-07,
    -2.0497506515617587e-06,
    4.384588585222572e-06,
    -9.437237618683833e-06,
    2.0505617652348732e-05,
    -4.492653100669708e-05,
    9.945767000064739e-05,
    -0.00022315473517576771,
    0.0005096695156784955,
    -0.0011927539127579245,
    0.002890510331023643,
    -0.007385551028649721,
    0.02058080842778057,
    -0.06735230105319831,
    0.32246703342411326,
];
/// The constant term 1 − γ, in two parts.
const AT_TWO: (f64, f64) = (0.42278433509846713, 4.942915152430645e-18);

/// u·(u ln u − u + ½ ln 2π − log Γ(u + ½)) as a polynomial in 1/u², for u ≥ 3, highest power first. The error is 2^−55.
const LOG_GAMMA_SERIES: [f64; 11] = [
    0.27249509838755515,
    -0.2130549930168178,
    0.08274438518034284,
    -0.02320848817286098,
    0.006106369547630223,
    -0.0019066209290729945,
    0.0008398942063873362,
    -0.0005905850916372908,
    0.000768849188446305,
    -0.0024305555555090307,
    0.041666666666666644,
];

/// ½ ln 2π, in two parts.
const HALF_LOG_TWO_PI: (f64, f64) = (0.9189385332046728, -3.878294158067242e-17);

/// The zero of ψ, in two parts.
const ROOT: (f64, f64) = (1.4616321449683622, 9.549995429965697e-17);

/// ψ(x)/(x − `ROOT`) as a polynomial in x − 1½, for 1 ≤ x ≤ 2, highest power first. The error is 2^−58.
const ABOUT_ROOT: [f64; 23] = [
    0.00012117272182955911,
    -0.00017833338006892802,
    9.329605079390972e-05,
    -0.00014465637243796792,
    0.00032588009990526783,
    -0.00048603464415421607,
    0.0006902823900659005,
    -0.0010364320131130268,
    0.0015635033414345284,
    -0.0023454998366636264,
    0.0035180887131049253,
    -0.005279936635979024,
    0.00792702332678148,
    -0.011908220153145072,
    0.017907248235603163,
    -0.02697579665762784,
    0.040760833943390695,
    -0.06192213327554259,
    0.09498872445284977,
    -0.14840492305388028,
    0.24054248424078722,
    -0.4236274212814606,
    0.9510558760318328,
];

/// u²·(ψ(u + ½) − ln u) as a polynomial in 1/u², for u ≥ 2½, highest power first. The error is 2^−54.
const DIGAMMA_SERIES: [f64; 14] = [
    -152.2104741406351,
    187.44815553333447,
    -107.08626894600565,
    38.25430502593314,
    -9.855738099645716,
    2.054294844277011,
    -0.3945481204176508,
    0.08152653502030502,
    -0.021035152997729713,
    0.007560126660983257,
    -0.004134105591736954,
    0.003844245980556094,
    -0.007291666666551091,
    0.04166666666666662,
];

/// log Γ(x) for 0 < x < 3½, as log Γ(2 + e) more or less `log`.
#[inline(always)]
fn log_gamma_near<const FMA: bool>(x: f64, e: f64, log: (f64, f64)) -> f64 {
    // In two parts, since next to 1½ the logarithm takes two thirds of it away.
    let (series, low) = fast_two_sum(AT_TWO.0, e * polynomial::<f64, FMA>(&ABOUT_TWO, e));
    let product = e * series;
    let error = product_error::<f64, FMA>(e, series, product) + e * (low + AT_TWO.1);
    let (log, log_low) = if x < 1.5 { (-log.0, -log.1) } else { log };
    let (sum, sum_error) = two_sum(log, product);
    sum + (sum_error + (log_low + error))
}

/// log Γ(u + ½) for u ≥ 3, where ln u is known.
#[inline(always)]
fn log_gamma_far<const FMA: bool>(u: f64, log: (f64, f64)) -> f64 {
    let product = u * log.0;
    let error = product_error::<f64, FMA>(u, log.0, product) + u * log.1;
    let (sum, first) = fast_two_sum(product, -u);
    let (sum, second) = fast_two_sum(sum, HALF_LOG_TWO_PI.0);
    let inverse = 1.0 / u;
    let series = inverse * polynomial::<f64, FMA>(&LOG_GAMMA_SERIES, inverse * inverse);
    let value = sum + (first + second + error + HALF_LOG_TWO_PI.1 - series);
    // Where it overflows the errors are ∞ − ∞.
    if product < f64::MAX { value } else { f64::INFINITY }
}

#[inline(always)]
fn log_gamma<const FMA: bool>(x: f64) -> f64 {
    // Γ(x) = Γ(2 + e)·(x − 1) above 2½, Γ(2 + e)/x below 1½, Γ(2 + e)/(x (x + 1)) below ½.
    let low = if x < 0.5 { (x, x.multiply_add::<FMA>(x, x)) } else { (x - 1.0, x) };
    let middle = if x < 2.5 { (x - 2.0, 1.0) } else { (x - 3.0, x - 1.0) };
    let (e, factor) = if x < 1.5 { low } else { middle };
    let far = x >= 3.5;
    let log = log_pair::<f64, FMA>(if far { x - 0.5 } else { factor });
    let value = if far { log_gamma_far::<FMA>(x - 0.5, log) } else { log_gamma_near::<FMA>(x, e, log) };
    if x <= 0.0 { f64::NAN } else { value }
}

/// ψ(x) for 0 < x < 3: from 2 on ψ(x − 1) + 1/(x − 1), below 1 ψ(x + 1) − 1/x.
#[inline(always)]
fn digamma_near<const FMA: bool>(x: f64) -> f64 {
    // x is lowered exactly, but not raised: there the constants are lowered instead.
    let (numerator, raised) = if x < 1.0 { (-1.0, 1.0) } else { (0.0, 0.0) };
    let (numerator, lowered) = if x < 2.0 { (numerator, x) } else { (1.0, x - 1.0) };
    let distance = (lowered - (ROOT.0 - raised)) - ROOT.1;
    let slope = polynomial::<f64, FMA>(&ABOUT_ROOT, lowered - (1.5 - raised));
    let product = distance * slope;
    let error = product_error::<f64, FMA>(distance, slope, product);
    let divisor = if x < 1.0 { x } else { x - 1.0 };
    let quotient = numerator / divisor;
    let times = quotient * divisor;
    let remainder = (numerator - times) - product_error::<f64, FMA>(quotient, divisor, times);
    let (sum, sum_error) = two_sum(quotient, product);
    let value = sum + (sum_error + error + remainder / divisor);
    let value = if numerator == 0.0 { product } else { value };
    // Next to 0 the errors are beyond the numbers.
    if quotient > -1e300 { value } else { quotient }
}

#[inline(always)]
fn digamma<const FMA: bool>(x: f64) -> f64 {
    let u = x - 0.5;
    let (log, log_low) = log_pair::<f64, FMA>(u);
    let square = 1.0 / (u * u);
    let far = log + square.multiply_add::<FMA>(polynomial::<f64, FMA>(&DIGAMMA_SERIES, square), log_low);
    let far = if x < f64::INFINITY { far } else { x };
    let value = if x >= 3.0 { far } else { digamma_near::<FMA>(x) };
    if x <= 0.0 { f64::NAN } else { value }
}

kernels! {
    /// The kernel of log Γ(x).
    LogGamma: log_gamma;
    /// The kernel of ψ(x).
    Digamma: digamma;
}
