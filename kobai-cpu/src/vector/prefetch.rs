//! Asking for memory before it is needed.
#![allow(unsafe_code)] // The instruction is an intrinsic.

/// Bytes of a cache line.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;

/// Asks for these entries to be brought to the second-level cache, where the processor can be asked.
#[inline(always)]
pub fn prefetch<T>(entries: &[T]) {
    #[cfg(target_arch = "x86_64")]
    ask::<{ std::arch::x86_64::_MM_HINT_T1 }, T>(entries);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = entries;
}

/// Asks for these entries to be brought to the first-level cache, to be written.
#[inline(always)]
pub fn prefetch_to_write<T>(entries: &[T]) {
    #[cfg(target_arch = "x86_64")]
    ask::<{ std::arch::x86_64::_MM_HINT_ET0 }, T>(entries);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = entries;
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn ask<const HINT: i32, T>(entries: &[T]) {
    let first = entries.as_ptr().cast::<i8>();
    for offset in (0..size_of_val(entries)).step_by(LINE) {
        // SAFETY: every x86-64 processor has SSE (to one without the hint it means nothing), and the place lies in the
        // slice.
        unsafe { std::arch::x86_64::_mm_prefetch::<HINT>(first.add(offset)) };
    }
}
