//! The inputs of a run, by name.

use std::collections::HashMap;

/// One input, row-major.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Input<'a, T> {
    /// Numbers, which a run reads where they lie.
    Numbers(&'a [T]),
    /// Labels or neighbours, which a run copies as numbers.
    Integers(&'a [i64]),
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

    pub(crate) fn get(&self, name: &str) -> Option<Input<'a, T>>
    where
        T: Copy,
    {
        self.arrays.get(name).copied()
    }
}
