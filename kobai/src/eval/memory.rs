//! What has been worked out already: a table of entries for each expression.

use crate::expr::Expr;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Expressions with more entries than this are worked out each time: their values would not fit in memory.
pub(super) const MOST_ENTRIES: usize = 1 << 20;

/// Values by expression, and by place in the expression's free indices.
pub(super) struct Memory<V> {
    tables: HashMap<Expr, Vec<Option<V>>, BuildHasherDefault<Spread>>,
}

/// A hash for numbers that count upwards: multiplied by 2⁶⁴ over the golden ratio (Knuth, TAOCP 6.4).
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u32(byte.into()));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl<V> Default for Memory<V> {
    fn default() -> Memory<V> {
        Memory { tables: HashMap::default() }
    }
}

impl<V: Clone> Memory<V> {
    /// Makes a table for the expression, if it has none.
    pub(super) fn make_room(&mut self, expr: Expr, entries: usize) {
        self.tables.entry(expr).or_insert_with(|| vec![None; entries]);
    }

    /// What is known.
    pub(super) fn get(&self, expr: Expr, place: usize) -> Option<&V> {
        self.tables.get(&expr)?.get(place)?.as_ref()
    }

    /// Notes a value.
    pub(super) fn put(&mut self, expr: Expr, place: usize, value: V) {
        if let Some(entry) = self.tables.get_mut(&expr).and_then(|table| table.get_mut(place)) {
            *entry = Some(value);
        }
    }
}
