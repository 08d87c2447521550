//! The vectors of AVX2.
#![allow(unsafe_code)] // For the instructions themselves.

use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::lanes::{LaneWork, Lanes, implement_lanes};
use super::level::Level;

/// Ones for the first numbers and zeros behind them, from the right place on.
const MASKS_SINGLE: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
const MASKS_DOUBLE: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];

/// The first numbers, and zeros.
///
/// # Safety
/// As for [`Lanes`]; so many numbers may be read, no more than a vector has.
#[inline(always)]
unsafe fn load_some_single(source: *const f32, count: usize) -> __m256 {
    // SAFETY: the caller's; from every place up to 8 on there are 8 numbers of the mask.
    unsafe { _mm256_maskload_ps(source, _mm256_loadu_si256(MASKS_SINGLE.as_ptr().add(8 - count).cast())) }
}

/// As [`load_some_single`].
///
/// # Safety
/// The same.
#[inline(always)]
unsafe fn load_some_double(source: *const f64, count: usize) -> __m256d {
    // SAFETY: the caller's; from every place up to 4 on there are 4 numbers of the mask.
    unsafe { _mm256_maskload_pd(source, _mm256_loadu_si256(MASKS_DOUBLE.as_ptr().add(4 - count).cast())) }
}

/// Writes the first numbers; a store with a mask would take longer than all of them.
///
/// # Safety
/// As for [`Lanes`]; so many numbers may be written, fewer than a vector has.
#[inline(always)]
unsafe fn store_some_single(mut target: *mut f32, count: usize, vector: __m256) {
    // SAFETY: the caller's: what is written are 4, 2 and 1 numbers, as the bits of the count say.
    unsafe {
        let mut rest = _mm256_castps256_ps128(vector);
        if count & 4 != 0 {
            _mm_storeu_ps(target, rest);
            rest = _mm256_extractf128_ps::<1>(vector);
            target = target.add(4);
        }
        if count & 2 != 0 {
            _mm_storel_pd(target.cast(), _mm_castps_pd(rest));
            rest = _mm_movehl_ps(rest, rest);
            target = target.add(2);
        }
        if count & 1 != 0 {
            _mm_store_ss(target, rest);
        }
    }
}

/// As [`store_some_single`].
///
/// # Safety
/// The same.
#[inline(always)]
unsafe fn store_some_double(mut target: *mut f64, count: usize, vector: __m256d) {
    // SAFETY: the caller's: what is written are 2 and 1 numbers, as the bits of the count say.
    unsafe {
        let mut rest = _mm256_castpd256_pd128(vector);
        if count & 2 != 0 {
            _mm_storeu_pd(target, rest);
            rest = _mm256_extractf128_pd::<1>(vector);
            target = target.add(2);
        }
        if count & 1 != 0 {
            _mm_store_sd(target, rest);
        }
    }
}

/// The columns of 8 × 8 numbers as rows.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn transpose_single(rows: &mut [F32x8]) {
    // SAFETY: the caller's.
    unsafe {
        let mut halves = [_mm256_setzero_ps(); 8];
        for group in 0..2 {
            let [a, b, c, d] = [0, 1, 2, 3].map(|row| rows[4 * group + row].0);
            let (ab, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let (cd, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
            halves[4 * group] = _mm256_shuffle_ps::<0x44>(ab, cd);
            halves[4 * group + 1] = _mm256_shuffle_ps::<0xee>(ab, cd);
            halves[4 * group + 2] = _mm256_shuffle_ps::<0x44>(ab_high, cd_high);
            halves[4 * group + 3] = _mm256_shuffle_ps::<0xee>(ab_high, cd_high);
        }
        // Now half H of `halves[4·group + j]` is the part of column 4·H + j in the four rows of the group.
        for j in 0..4 {
            let (above, below) = (halves[j], halves[4 + j]);
            rows[j] = F32x8(_mm256_permute2f128_ps::<0x20>(above, below));
            rows[4 + j] = F32x8(_mm256_permute2f128_ps::<0x31>(above, below));
        }
    }
}

/// The columns of 4 × 4 numbers as rows.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn transpose_double(rows: &mut [F64x4]) {
    // SAFETY: the caller's.
    unsafe {
        let [a, b, c, d] = [0, 1, 2, 3].map(|row| rows[row].0);
        let (ab, ab_high) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
        let (cd, cd_high) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
        rows[0] = F64x4(_mm256_permute2f128_pd::<0x20>(ab, cd));
        rows[1] = F64x4(_mm256_permute2f128_pd::<0x20>(ab_high, cd_high));
        rows[2] = F64x4(_mm256_permute2f128_pd::<0x31>(ab, cd));
        rows[3] = F64x4(_mm256_permute2f128_pd::<0x31>(ab_high, cd_high));
    }
}

#[target_feature(enable = "avx2,fma")]
fn with_instructions<V, W: LaneWork<V>>(work: W) {
    work.run();
}

implement_lanes! {
    F32x8 = 8 of f32 in __m256, Avx2 with 16 registers;
    _mm256_set1_ps _mm256_add_ps _mm256_sub_ps _mm256_mul_ps _mm256_div_ps _mm256_fmadd_ps _mm256_loadu_ps _mm256_storeu_ps;
    load_some_single store_some_single transpose_single
}

implement_lanes! {
    F64x4 = 4 of f64 in __m256d, Avx2 with 16 registers;
    _mm256_set1_pd _mm256_add_pd _mm256_sub_pd _mm256_mul_pd _mm256_div_pd _mm256_fmadd_pd _mm256_loadu_pd _mm256_storeu_pd;
    load_some_double store_some_double transpose_double
}
