//! The inputs of a run, by name.

use half::{bf16, f16};
use std::collections::HashMap;
use std::fmt;
use std::ops::{ControlFlow, Range};

/// One input, row-major.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Input<'a, T> {
    /// Numbers, which a run reads where they lie.
    Numbers(&'a [T]),
    /// Labels or neighbours, which a run copies as numbers.
    Integers(&'a [i64]),
    /// Numbers of half the bits of an `f32` and its exponent, which a run copies as its own.
    BrainFloats(&'a [bf16]),
    /// Numbers of half the bits of an `f32`, which a run copies as its own.
    HalfFloats(&'a [f16]),
}

impl<T> Input<'_, T> {
    /// How many entries it has.
    pub fn len(&self) -> usize {
        match self {
            Input::Numbers(values) => values.len(),
            Input::Integers(values) => values.len(),
            Input::BrainFloats(values) => values.len(),
            Input::HalfFloats(values) => values.len(),
        }
    }
}

/// Is told of each chunk once it is done: the part of the streamed axis that it was. It may end the run.
type Watch<'a> = &'a dyn Fn(Range<usize>) -> ControlFlow<()>;

/// The inputs of a run, by the names that the plan gives them. Numbers are borrowed and never copied.
#[derive(Clone)]
pub struct Inputs<'a, T> {
    arrays: HashMap<&'a str, Input<'a, T>>,
    watch: Option<Watch<'a>>,
}

impl<T> Default for Inputs<'_, T> {
    fn default() -> Self {
        Inputs { arrays: HashMap::new(), watch: None }
    }
}

impl<T: fmt::Debug> fmt::Debug for Inputs<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Inputs").field("arrays", &self.arrays).finish_non_exhaustive()
    }
}

impl<'a, T> Inputs<'a, T> {
    /// No inputs yet.
    pub fn new() -> Inputs<'a, T> {
        Inputs::default()
    }

    /// Adds numbers, row-major; one for a scalar. Labels may be given as numbers too.
    pub fn numbers(&mut self, name: &'a str, values: &'a [T]) -> &mut Inputs<'a, T> {
        self.arrays.insert(name, Input::Numbers(values));
        self
    }

    /// Adds integers, row-major: labels, neighbours.
    pub fn integers(&mut self, name: &'a str, values: &'a [i64]) -> &mut Inputs<'a, T> {
        self.arrays.insert(name, Input::Integers(values));
        self
    }

    /// Adds numbers in bfloat16, row-major. They are copied as the executor's own type, which is exact, and everything is
    /// worked out in that type.
    pub fn brain_floats(&mut self, name: &'a str, values: &'a [bf16]) -> &mut Inputs<'a, T> {
        self.arrays.insert(name, Input::BrainFloats(values));
        self
    }

    /// Adds numbers in binary16, row-major; as [`brain_floats`](Inputs::brain_floats).
    pub fn half_floats(&mut self, name: &'a str, values: &'a [f16]) -> &mut Inputs<'a, T> {
        self.arrays.insert(name, Input::HalfFloats(values));
        self
    }

    /// Calls `watch` after each chunk of each pass, on the thread that runs the plan, with the part of the streamed axis
    /// that the chunk was: to show progress, to let go of memory that was read, or to end the run, which is then
    /// [`RunError::Interrupted`](crate::RunError::Interrupted).
    pub fn watch(&mut self, watch: &'a dyn Fn(Range<usize>) -> ControlFlow<()>) -> &mut Inputs<'a, T> {
        self.watch = Some(watch);
        self
    }

    /// A chunk is done.
    pub(crate) fn done(&self, chunk: Range<usize>) -> ControlFlow<()> {
        self.watch.map_or(ControlFlow::Continue(()), |watch| watch(chunk))
    }

    pub(crate) fn get(&self, name: &str) -> Option<Input<'a, T>>
    where
        T: Copy,
    {
        self.arrays.get(name).copied()
    }
}
