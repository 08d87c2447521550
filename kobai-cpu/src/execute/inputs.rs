//! The inputs of a run, by name.

use half::{bf16, f16};
use std::collections::HashMap;

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

/// The inputs of a run, by the names that the plan gives them. Numbers are borrowed and never copied.
#[derive(Clone, Debug)]
pub struct Inputs<'a, T> {
    arrays: HashMap<&'a str, Input<'a, T>>,
}

impl<T> Default for Inputs<'_, T> {
    fn default() -> Self {
        Inputs { arrays: HashMap::new() }
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

    pub(crate) fn get(&self, name: &str) -> Option<Input<'a, T>>
    where
        T: Copy,
    {
        self.arrays.get(name).copied()
    }
}
