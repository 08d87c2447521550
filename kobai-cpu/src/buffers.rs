//! Memory that is allocated once and used again in every call: tensors, and the scratch of each thread.

use crate::tile::Scratch;
use crate::vector::Float;
use std::sync::{Mutex, PoisonError};

/// The tensors that a step may read.
#[derive(Clone, Copy)]
pub(crate) struct Store<'a, T> {
    /// Inputs that were given as numbers.
    pub given: &'a [Option<&'a [T]>],
    /// The buffers of all others; that of the tensor being written is absent.
    pub made: &'a [Vec<T>],
}

impl<'a, T> Store<'a, T> {
    /// The entries of a tensor.
    pub fn tensor(&self, number: usize) -> &'a [T] {
        self.given[number].unwrap_or(&self.made[number])
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

    /// Does something with scratch memory. What it holds before is of no meaning.
    pub fn with<R>(&self, work: impl FnOnce(&mut Scratch<T>) -> R) -> R {
        let taken = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = taken.unwrap_or_default();
        let result = work(&mut scratch);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        result
    }
}

/// The buffers that a step writes, or a part of them: entry for entry the result, and for some reductions what belongs
/// beside it (else empty).
#[derive(Default)]
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
