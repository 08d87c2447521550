//! Writing results that nothing reads soon: past the caches, so that memory is written without being read first.
#![allow(unsafe_code)] // Non-temporal stores are intrinsics.

use super::float::Float;
#[cfg(target_arch = "x86_64")]
use super::level::Level;

/// Copies values to memory past the caches, where the processor can. [`fence`] must follow before another thread reads
/// them.
///
/// # Panics
/// If the slices differ in length.
pub fn copy_past_caches<T: Float>(values: &[T], output: &mut [T]) {
    assert_eq!(values.len(), output.len(), "the input and the output of a copy differ in length");
    #[cfg(target_arch = "x86_64")]
    if Level::current() == Level::Avx512 {
        let lanes = 64 / size_of::<T>();
        // Whole cache lines only; what is before and after them is copied.
        let before = output.as_ptr().align_offset(64).min(output.len());
        let whole = (output.len() - before) / lanes * lanes;
        let (head, rest) = output.split_at_mut(before);
        let (lines, tail) = rest.split_at_mut(whole);
        head.copy_from_slice(&values[..before]);
        tail.copy_from_slice(&values[before + whole..]);
        // SAFETY: the level says that the processor has AVX-512; both slices have `whole` entries, and `lines` begins at
        // a multiple of 64 bytes.
        unsafe { stream(values[before..before + whole].as_ptr().cast(), lines.as_mut_ptr().cast(), whole / lanes) };
        return;
    }
    output.copy_from_slice(values);
}

/// Makes what was copied past the caches visible to other threads in order.
pub fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has SSE.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

/// Copies so many lines of 64 bytes.
///
/// # Safety
/// Both pointers reach so many lines, and `to` is aligned to 64 bytes.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn stream(from: *const i32, to: *mut i32, lines: usize) {
    use std::arch::x86_64::{__m512i, _mm512_loadu_si512, _mm512_stream_si512};
    for line in 0..lines {
        // SAFETY: by the caller.
        unsafe {
            let values = _mm512_loadu_si512(from.add(16 * line).cast::<__m512i>());
            _mm512_stream_si512(to.add(16 * line).cast::<__m512i>(), values);
        }
    }
}
