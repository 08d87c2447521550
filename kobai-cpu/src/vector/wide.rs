//! The vectors of AVX-512, and what its kernels ask of them: beside arithmetic the instructions for exponents and for
//! tables in registers, which no compiler finds by itself.
#![allow(unsafe_code)] // For the instructions themselves.

use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::lanes::{LaneWork, Lanes, implement_lanes};
use super::level::Level;
use super::several::Value;

/// A vector of AVX-512.
pub trait Wide: Lanes + Value<Number = <Self as Lanes>::Element> {
    /// No less than `low` and no more than `high`; NaN stays NaN.
    fn clamp_to(self, low: Self::Element, high: Self::Element) -> Self;

    /// The entry that the lowest four bits of each number name.
    fn lookup_by_lowest_bits(self, table: &[Self::Element; 16]) -> Self;

    /// The entry that the highest four bits of each number's significand, after the leading one, name.
    fn lookup_by_significand(self, table: &[Self::Element; 16]) -> Self;

    /// self·2^⌊n⌋, rounded once.
    fn scale(self, n: Self) -> Self;

    /// (k, m) with `self` = 2ᵏ·m where 1 ≤ m < 1½, and `self` = 2ᵏ⁺¹·m where ¾ ≤ m < 1, for finite positive numbers,
    /// subnormal ones included. For others anything.
    fn split(self) -> (Self, Self);

    /// `self` for 0 < x < ∞; else −`infinity` at 0, `infinity` (one of the two, or NaN) at +∞, and NaN.
    fn or_special_logarithm(self, x: Self, infinity: Self::Element) -> Self;

    /// |self|.
    fn magnitude(self) -> Self;

    /// The magnitude of `self` with the sign of `sign`.
    fn with_sign_of(self, sign: Self) -> Self;

    /// `self` where x < 0, else `other`.
    fn where_negative(self, x: Self, other: Self) -> Self;

    /// `self` where x is a zero, else `other`.
    fn where_zero(self, x: Self, other: Self) -> Self;

    /// The larger of two numbers, or NaN if either is.
    fn larger(self, other: Self) -> Self;

    /// The larger of two numbers, or the second if either is NaN.
    fn maximum(self, other: Self) -> Self;

    /// A bit for each pair of numbers of which one is NaN.
    fn unordered(self, other: Self) -> u32;

    /// The largest of the numbers, of which none is NaN.
    fn largest(self) -> Self::Element;

    /// The larger of `self` and 0; NaN stays NaN.
    fn positive_part(self) -> Self;
}

/// `fixupimm`'s words.
const QUIET_NAN: i32 = 2;
const INDEFINITE_NAN: i32 = 3;
const NEGATIVE_INFINITY: i32 = 4;
const POSITIVE_INFINITY: i32 = 5;

/// What `fixupimm` makes of each class of x: NaN stays NaN, zero and +∞ give what is said here, −∞ and the negative numbers
/// NaN, one and the positive numbers nothing special.
const fn special_logarithms(at_zero: i32, at_infinity: i32) -> i32 {
    QUIET_NAN | QUIET_NAN << 4 | at_zero << 8 | INDEFINITE_NAN << 16 | at_infinity << 20 | INDEFINITE_NAN << 24
}

/// The entries that the lowest four bits of each integer name.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn lookup_single(index: __m512i, table: &[f32; 16]) -> __m512 {
    // SAFETY: the caller's, and the table has as many entries as are loaded.
    unsafe { _mm512_permutexvar_ps(index, _mm512_loadu_ps(table.as_ptr())) }
}

/// The entries that the lowest four bits of each integer name.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn lookup_double(index: __m512i, table: &[f64; 16]) -> __m512d {
    // SAFETY: the caller's, and the table has as many entries as are loaded.
    unsafe {
        let (first, second) = (_mm512_loadu_pd(table.as_ptr()), _mm512_loadu_pd(table.as_ptr().add(8)));
        _mm512_permutex2var_pd(first, index, second)
    }
}

/// The first numbers, and zeros.
///
/// # Safety
/// As for [`Lanes`]; so many numbers may be read, no more than a vector has.
#[inline(always)]
unsafe fn load_some_single(source: *const f32, count: usize) -> __m512 {
    // SAFETY: the caller's; what the mask leaves out is not read.
    unsafe { _mm512_maskz_loadu_ps(((1_u32 << count) - 1) as __mmask16, source) }
}

/// Writes the first numbers.
///
/// # Safety
/// As for [`Lanes`]; so many numbers may be written, no more than a vector has.
#[inline(always)]
unsafe fn store_some_single(target: *mut f32, count: usize, vector: __m512) {
    // SAFETY: the caller's; what the mask leaves out is not written.
    unsafe { _mm512_mask_storeu_ps(target, ((1_u32 << count) - 1) as __mmask16, vector) }
}

/// The first numbers, and zeros.
///
/// # Safety
/// As for [`Lanes`]; so many numbers may be read, no more than a vector has.
#[inline(always)]
unsafe fn load_some_double(source: *const f64, count: usize) -> __m512d {
    // SAFETY: the caller's; what the mask leaves out is not read.
    unsafe { _mm512_maskz_loadu_pd(((1_u32 << count) - 1) as __mmask8, source) }
}

/// Writes the first numbers.
///
/// # Safety
/// As for [`Lanes`]; so many numbers may be written, no more than a vector has.
#[inline(always)]
unsafe fn store_some_double(target: *mut f64, count: usize, vector: __m512d) {
    // SAFETY: the caller's; what the mask leaves out is not written.
    unsafe { _mm512_mask_storeu_pd(target, ((1_u32 << count) - 1) as __mmask8, vector) }
}

/// The columns of 16 × 16 numbers as rows.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn transpose_single(rows: &mut [F32x16]) {
    // SAFETY: the caller's.
    unsafe {
        let mut quarters = [_mm512_setzero_ps(); 16];
        for group in 0..4 {
            let [a, b, c, d] = [rows[4 * group], rows[4 * group + 1], rows[4 * group + 2], rows[4 * group + 3]];
            let (a, b, c, d) = (a.0, b.0, c.0, d.0);
            let (ab, ab_high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
            let (cd, cd_high) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
            let (ab, ab_high) = (_mm512_castps_pd(ab), _mm512_castps_pd(ab_high));
            let (cd, cd_high) = (_mm512_castps_pd(cd), _mm512_castps_pd(cd_high));
            quarters[4 * group] = _mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd));
            quarters[4 * group + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd));
            quarters[4 * group + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(ab_high, cd_high));
            quarters[4 * group + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(ab_high, cd_high));
        }
        // Now quarter L of `quarters[4·group + j]` is the part of column 4·L + j in the four rows of the group.
        for j in 0..4 {
            let [a, b, c, d] = [quarters[j], quarters[4 + j], quarters[8 + j], quarters[12 + j]];
            let (even, odd) = (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b));
            let (even_below, odd_below) = (_mm512_shuffle_f32x4::<0x88>(c, d), _mm512_shuffle_f32x4::<0xdd>(c, d));
            rows[j] = F32x16(_mm512_shuffle_f32x4::<0x88>(even, even_below));
            rows[4 + j] = F32x16(_mm512_shuffle_f32x4::<0x88>(odd, odd_below));
            rows[8 + j] = F32x16(_mm512_shuffle_f32x4::<0xdd>(even, even_below));
            rows[12 + j] = F32x16(_mm512_shuffle_f32x4::<0xdd>(odd, odd_below));
        }
    }
}

/// The columns of 8 × 8 numbers as rows.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn transpose_double(rows: &mut [F64x8]) {
    // SAFETY: the caller's.
    unsafe {
        let mut quarters = [_mm512_setzero_pd(); 8];
        for group in 0..4 {
            let (a, b) = (rows[2 * group].0, rows[2 * group + 1].0);
            quarters[2 * group] = _mm512_unpacklo_pd(a, b);
            quarters[2 * group + 1] = _mm512_unpackhi_pd(a, b);
        }
        // Now quarter L of `quarters[2·group + j]` is the part of column 2·L + j in the two rows of the group.
        for j in 0..2 {
            let [a, b, c, d] = [quarters[j], quarters[2 + j], quarters[4 + j], quarters[6 + j]];
            let (even, odd) = (_mm512_shuffle_f64x2::<0x88>(a, b), _mm512_shuffle_f64x2::<0xdd>(a, b));
            let (even_below, odd_below) = (_mm512_shuffle_f64x2::<0x88>(c, d), _mm512_shuffle_f64x2::<0xdd>(c, d));
            rows[j] = F64x8(_mm512_shuffle_f64x2::<0x88>(even, even_below));
            rows[2 + j] = F64x8(_mm512_shuffle_f64x2::<0x88>(odd, odd_below));
            rows[4 + j] = F64x8(_mm512_shuffle_f64x2::<0xdd>(even, even_below));
            rows[6 + j] = F64x8(_mm512_shuffle_f64x2::<0xdd>(odd, odd_below));
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
fn with_instructions<V, W: LaneWork<V>>(work: W) {
    work.run();
}

macro_rules! implement_wide {
    (
        $name:ident of $float:ident, stored bits: $stored:literal;
        $set1:ident $min:ident $max:ident $scalef:ident
        $getexp:ident $getmant:ident $fixup:ident $set1_integer:ident $integer:ident $to_integer:ident $shift:ident
        $and:ident $andnot:ident $or:ident $compare:ident $compare_where:ident $blend:ident $move_where:ident $largest:ident $lookup:ident
    ) => {
        impl Value for $name {
            type Number = $float;

            #[inline(always)]
            fn of(number: $float) -> $name {
                $name::splat(number)
            }

            #[inline(always)]
            fn unless_zero<const N: usize>(self, others: [$name; N]) -> $name {
                let mut none = !0;
                for other in others {
                    // SAFETY: as for the trait.
                    none = unsafe { $compare_where::<_CMP_NEQ_UQ>(none, other.0, $set1(0.0)) };
                }
                // SAFETY: as for the trait.
                $name(unsafe { $move_where(none, self.0) })
            }

            #[inline(always)]
            fn or_zero(self) -> $name {
                // SAFETY: as for the trait.
                $name(unsafe { $move_where($compare::<_CMP_ORD_Q>(self.0, self.0), self.0) })
            }
        }

        impl Wide for $name {
            #[inline(always)]
            fn clamp_to(self, low: $float, high: $float) -> $name {
                // These return the second operand if either is NaN.
                // SAFETY: as for the trait.
                $name(unsafe { $min($set1(high), $max($set1(low), self.0)) })
            }

            #[inline(always)]
            fn lookup_by_lowest_bits(self, table: &[$float; 16]) -> $name {
                // SAFETY: as for the trait.
                $name(unsafe { $lookup($to_integer(self.0), table) })
            }

            #[inline(always)]
            fn lookup_by_significand(self, table: &[$float; 16]) -> $name {
                // SAFETY: as for the trait.
                $name(unsafe { $lookup($shift::<{ $stored - 4 }>($to_integer(self.0)), table) })
            }

            #[inline(always)]
            fn scale(self, n: $name) -> $name {
                // SAFETY: as for the trait.
                $name(unsafe { $scalef(self.0, n.0) })
            }

            #[inline(always)]
            fn split(self) -> ($name, $name) {
                // SAFETY: as for the trait.
                unsafe {
                    let m = $getmant::<_MM_MANT_NORM_P75_1P5, _MM_MANT_SIGN_SRC>(self.0);
                    ($name($getexp(self.0)), $name(m))
                }
            }

            #[inline(always)]
            fn or_special_logarithm(self, x: $name, infinity: $float) -> $name {
                let words = if infinity > 0.0 {
                    const { special_logarithms(NEGATIVE_INFINITY, POSITIVE_INFINITY) }
                } else if infinity < 0.0 {
                    const { special_logarithms(POSITIVE_INFINITY, NEGATIVE_INFINITY) }
                } else {
                    const { special_logarithms(INDEFINITE_NAN, INDEFINITE_NAN) }
                };
                // SAFETY: as for the trait.
                $name(unsafe { $fixup::<0>(self.0, x.0, $set1_integer($integer::from(words))) })
            }

            #[inline(always)]
            fn magnitude(self) -> $name {
                // SAFETY: as for the trait.
                $name(unsafe { $andnot($set1(-0.0), self.0) })
            }

            #[inline(always)]
            fn with_sign_of(self, sign: $name) -> $name {
                // SAFETY: as for the trait.
                $name(unsafe { $or(self.magnitude().0, $and($set1(-0.0), sign.0)) })
            }

            #[inline(always)]
            fn where_negative(self, x: $name, other: $name) -> $name {
                // SAFETY: as for the trait.
                $name(unsafe { $blend($compare::<_CMP_LT_OQ>(x.0, $set1(0.0)), other.0, self.0) })
            }

            #[inline(always)]
            fn where_zero(self, x: $name, other: $name) -> $name {
                // SAFETY: as for the trait.
                $name(unsafe { $blend($compare::<_CMP_EQ_OQ>(x.0, $set1(0.0)), other.0, self.0) })
            }

            #[inline(always)]
            fn larger(self, other: $name) -> $name {
                // SAFETY: as for the trait.
                unsafe { $name($blend($compare::<_CMP_UNORD_Q>(self.0, self.0), self.maximum(other).0, self.0)) }
            }

            #[inline(always)]
            fn maximum(self, other: $name) -> $name {
                // SAFETY: as for the trait.
                $name(unsafe { $max(self.0, other.0) })
            }

            #[inline(always)]
            fn unordered(self, other: $name) -> u32 {
                // SAFETY: as for the trait.
                unsafe { $compare::<_CMP_UNORD_Q>(self.0, other.0) }.into()
            }

            #[inline(always)]
            fn largest(self) -> $float {
                // SAFETY: as for the trait.
                unsafe { $largest(self.0) }
            }

            #[inline(always)]
            fn positive_part(self) -> $name {
                // It returns the second operand if either is NaN.
                // SAFETY: as for the trait.
                $name(unsafe { $max($set1(0.0), self.0) })
            }
        }
    };
}

implement_lanes! {
    F32x16 = 16 of f32 in __m512, Avx512 with 32 registers;
    _mm512_set1_ps _mm512_add_ps _mm512_sub_ps _mm512_mul_ps _mm512_div_ps _mm512_fmadd_ps _mm512_loadu_ps _mm512_storeu_ps;
    load_some_single store_some_single transpose_single
}

implement_lanes! {
    F64x8 = 8 of f64 in __m512d, Avx512 with 32 registers;
    _mm512_set1_pd _mm512_add_pd _mm512_sub_pd _mm512_mul_pd _mm512_div_pd _mm512_fmadd_pd _mm512_loadu_pd _mm512_storeu_pd;
    load_some_double store_some_double transpose_double
}

implement_wide! {
    F32x16 of f32, stored bits: 23;
    _mm512_set1_ps _mm512_min_ps _mm512_max_ps _mm512_scalef_ps
    _mm512_getexp_ps _mm512_getmant_ps _mm512_fixupimm_ps _mm512_set1_epi32 i32 _mm512_castps_si512 _mm512_srli_epi32
    _mm512_and_ps _mm512_andnot_ps _mm512_or_ps _mm512_cmp_ps_mask _mm512_mask_cmp_ps_mask _mm512_mask_blend_ps
    _mm512_maskz_mov_ps _mm512_reduce_max_ps lookup_single
}

implement_wide! {
    F64x8 of f64, stored bits: 52;
    _mm512_set1_pd _mm512_min_pd _mm512_max_pd _mm512_scalef_pd
    _mm512_getexp_pd _mm512_getmant_pd _mm512_fixupimm_pd _mm512_set1_epi64 i64 _mm512_castpd_si512 _mm512_srli_epi64
    _mm512_and_pd _mm512_andnot_pd _mm512_or_pd _mm512_cmp_pd_mask _mm512_mask_cmp_pd_mask _mm512_mask_blend_pd
    _mm512_maskz_mov_pd _mm512_reduce_max_pd lookup_double
}
