//! Which vector instructions to use, found once at run time.
#![allow(unsafe_code)] // To call a function compiled for instructions that the processor was seen to have.

use std::sync::atomic::{AtomicU8, Ordering};

/// A set of vector instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Level {
    /// Whatever the program was compiled for.
    Portable = 1,
    /// AVX2 with fused multiply-add.
    Avx2 = 2,
    /// AVX-512 F, DQ, BW and VL.
    Avx512 = 3,
}

/// The level in use; 0 before the processor has been asked.
static CURRENT: AtomicU8 = AtomicU8::new(0);

/// Whether portable code has a fused multiply-add instruction at hand.
const PORTABLE_FMA: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));

/// Something to do with the best instructions there are. `run` must be `#[inline(always)]`, to be compiled for them.
pub trait Work {
    /// What comes of it.
    type Output;

    /// Does the work; `FMA` says whether fused multiply-add is one instruction.
    fn run<const FMA: bool>(self) -> Self::Output;

    /// Does the work at the level of AVX-512, where it may use vectors of its own.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn run_wide(self) -> Self::Output
    where
        Self: Sized,
    {
        self.run::<true>()
    }

    /// Does the work at the level of AVX2, where it may use vectors of its own.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn run_narrow(self) -> Self::Output
    where
        Self: Sized,
    {
        self.run::<true>()
    }
}

impl Level {
    /// The level in use: the highest the processor has, unless [`Level::force`] has set another.
    #[inline]
    pub fn current() -> Level {
        match CURRENT.load(Ordering::Relaxed) {
            3 => Level::Avx512,
            2 => Level::Avx2,
            1 => Level::Portable,
            _ => Level::detect(),
        }
    }

    /// Asks the processor, and remembers the answer.
    #[cold]
    fn detect() -> Level {
        let best = [Level::Avx512, Level::Avx2].into_iter().find(|level| level.is_available());
        let level = best.unwrap_or(Level::Portable);
        CURRENT.store(level as u8, Ordering::Relaxed);
        level
    }

    /// Whether the processor has the level's instructions.
    pub fn is_available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl");
            match self {
                Level::Avx512 => avx2 && avx512,
                Level::Avx2 => avx2,
                Level::Portable => true,
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            self == Level::Portable
        }
    }

    /// Uses this level in the whole process from now on, if the processor has it; says whether it has. For tests and
    /// benchmarks.
    #[doc(hidden)]
    pub fn force(self) -> bool {
        let available = self.is_available();
        if available {
            CURRENT.store(self as u8, Ordering::Relaxed);
        }
        available
    }
}

/// Does the work at the current level.
#[inline]
pub fn dispatch<W: Work>(work: W) -> W::Output {
    match Level::current() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the current level is one whose instructions the processor was seen to have.
        Level::Avx512 => unsafe { with_avx512(work) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx2 => unsafe { with_avx2(work) },
        _ => portably(work),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
fn with_avx512<W: Work>(work: W) -> W::Output {
    work.run_wide()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<W: Work>(work: W) -> W::Output {
    work.run_narrow()
}

#[inline(never)]
fn portably<W: Work>(work: W) -> W::Output {
    work.run::<PORTABLE_FMA>()
}
