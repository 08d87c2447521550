//! Memory that is allocated once and used again in every call: tensors, and the scratch of each thread.

use crate::tile::Scratch;
use crate::vector::Float;
use memmap2::MmapMut;
use smallvec::SmallVec;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// From this many bytes on a buffer is mapped, in huge pages where the system has them: touching fresh memory page by page
/// takes longer than most losses.
const MAPPED_BYTES: usize = 1 << 21;

/// Entries of a tensor, zero at first.
pub(crate) enum Buffer<T> {
    /// From the allocator.
    Allocated(Vec<T>),
    /// From the system.
    Mapped(MmapMut),
}

impl<T> Default for Buffer<T> {
    fn default() -> Buffer<T> {
        Buffer::Allocated(Vec::new())
    }
}

impl<T: Float> Buffer<T> {
    /// A buffer of this many zeros.
    pub fn new(entries: usize) -> Buffer<T> {
        let bytes = entries.saturating_mul(size_of::<T>());
        match MmapMut::map_anon(bytes) {
            Ok(mapped) if bytes >= MAPPED_BYTES => {
                // Without huge pages it is only slower.
                #[cfg(target_os = "linux")]
                let _ = mapped.advise(memmap2::Advice::HugePage);
                Buffer::Mapped(mapped)
            }
            _ => Buffer::Allocated(vec![T::ZERO; entries]),
        }
    }

    /// Other entries instead.
    pub fn refill(&mut self, entries: impl Iterator<Item = T>) {
        let mut values = match std::mem::take(self) {
            Buffer::Allocated(values) => values,
            Buffer::Mapped(_) => Vec::new(),
        };
        values.clear();
        values.extend(entries);
        *self = Buffer::Allocated(values);
    }
}

impl<T: Float> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Buffer::Allocated(values) => values,
            Buffer::Mapped(mapped) => bytemuck::cast_slice(mapped),
        }
    }
}

impl<T: Float> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Buffer::Allocated(values) => values,
            Buffer::Mapped(mapped) => bytemuck::cast_slice_mut(mapped),
        }
    }
}

/// Bytes that the start of scratch memory is a multiple of: whole vectors then lie in one cache line, and places of the same
/// number in two tiles, of which one is read and one is written, are no others for the processor's look at low bits.
const ALIGNMENT: usize = 4096;

/// Scratch memory, from a multiple of [`ALIGNMENT`] bytes on.
#[derive(Debug)]
pub(crate) struct Aligned<T> {
    entries: Vec<T>,
    first: usize,
    length: usize,
}

impl<T> Default for Aligned<T> {
    fn default() -> Aligned<T> {
        Aligned { entries: Vec::new(), first: 0, length: 0 }
    }
}

impl<T: Float> Aligned<T> {
    /// Room for so many entries. What they hold is of no meaning.
    pub fn room(&mut self, entries: usize) -> &mut [T] {
        if self.length < entries {
            let spare = ALIGNMENT / size_of::<T>();
            self.entries = vec![T::ZERO; entries + spare];
            self.first = self.entries.as_ptr().align_offset(ALIGNMENT).min(spare);
            self.length = entries;
        }
        &mut self.entries[self.first..self.first + entries]
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.entries[self.first..self.first + self.length]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.entries[self.first..self.first + self.length]
    }
}

/// Plans of no more tensors allocate nothing in a run.
pub(crate) const SMALL_PLAN: usize = 16;

/// What a task sees of each tensor.
pub(crate) type Parts<'a, T> = SmallVec<[Part<'a, T>; SMALL_PLAN]>;

/// The entries of a tensor that a task sees.
#[derive(Default)]
pub(crate) enum Part<'a, T> {
    /// None: it is being written.
    #[default]
    Taken,
    /// All of them, to read.
    Shared(&'a [T]),
    /// Some, to write: from the entry of this number on.
    Own(&'a mut [T], usize),
}

impl<T> Part<'_, T> {
    /// What may be written, and the number of the first entry.
    pub fn entries(&mut self) -> (&mut [T], usize) {
        match self {
            Part::Own(entries, first) => (entries, *first),
            Part::Taken | Part::Shared(_) => (&mut [], 0),
        }
    }
}

/// What a step reads: for each tensor the entries that its task sees.
#[derive(Clone, Copy)]
pub(crate) struct Store<'a, T> {
    parts: &'a [Part<'a, T>],
}

impl<'a, T> Store<'a, T> {
    /// A view of these parts.
    pub fn new<'b>(parts: &'a [Part<'b, T>]) -> Store<'a, T>
    where
        'b: 'a,
    {
        Store { parts }
    }

    /// The entries of a tensor, and the number of the first.
    pub fn tensor(&self, number: usize) -> (&'a [T], usize) {
        match &self.parts[number] {
            Part::Taken => (&[], 0),
            Part::Shared(entries) => (entries, 0),
            Part::Own(entries, first) => (entries, *first),
        }
    }
}

/// Scratch memory for as many threads as ask for it at once.
pub(crate) struct Pool<T> {
    idle: Mutex<Vec<Scratch<T>>>,
}

impl<T: Float> Pool<T> {
    /// An empty pool.
    pub fn new() -> Pool<T> {
        Pool { idle: Mutex::new(Vec::new()) }
    }

    /// Does something with scratch memory. What it holds before is of no meaning, and no tensor is known to have been turned.
    pub fn with<R>(&self, work: impl FnOnce(&mut Scratch<T>) -> R) -> R {
        let taken = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = taken.unwrap_or_default();
        scratch.turned.forget();
        let result = work(&mut scratch);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        result
    }
}

/// The buffers that a step writes, or a part of them: entry for entry the result, and for some reductions what belongs
/// beside it (else empty).
pub(crate) struct Written<'a, T> {
    /// The result.
    pub out: &'a mut [T],
    /// The second part of a log-sum-exp.
    pub rest: &'a mut [T],
    /// What rounding has lost of a sum so far.
    pub low: &'a mut [T],
}

impl<'a, T> Written<'a, T> {
    /// The first entries, and the others.
    pub fn split_at(self, count: usize) -> (Written<'a, T>, Written<'a, T>) {
        let split = |values: &'a mut [T]| {
            let count = count.min(values.len());
            values.split_at_mut(count)
        };
        let ((out, out_after), (rest, rest_after)) = (split(self.out), split(self.rest));
        let (low, low_after) = split(self.low);
        (Written { out, rest, low }, Written { out: out_after, rest: rest_after, low: low_after })
    }

    /// The same for a shorter time.
    pub fn reborrow(&mut self) -> Written<'_, T> {
        Written { out: self.out, rest: self.rest, low: self.low }
    }

    /// A range of the entries.
    pub fn range(&mut self, range: std::ops::Range<usize>) -> Written<'_, T> {
        self.reborrow().split_at(range.end).0.split_at(range.start).1
    }
}
