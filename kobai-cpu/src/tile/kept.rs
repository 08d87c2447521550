//! Exponentials that a log-sum-exp has worked out, kept for the map after it: of a softmax and its gradient, one
//! exponential an entry.
//!
//! A tile of a log-sum-exp's body f leaves e^(f − l), l being the largest value up to then. With m the maximum of all and r
//! what the log-sum-exp has beyond it, e^((f − m) − r) is that times e^((l − m) − r), one number for the tile.

use super::arithmetic::{Operand, binary};
use super::{Extra, Scratch, TILE, TileProgram, operands};
use crate::buffers::Aligned;
use crate::vector::{Float, scalar};
use kobai::plan::TensorId;
use kobai::plan::tape::{Operation, Place};

/// Longer rows are not kept, in bytes: they would not stay in the cache.
pub(crate) const LONGEST_ROW: usize = 1 << 20;

/// What a log-sum-exp has left: for each row its exponentials, and for each tile of a row what they are relative to.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    pub powers: Aligned<T>,
    pub leading: Vec<T>,
}

impl<T> Default for Kept<T> {
    fn default() -> Kept<T> {
        Kept { powers: Aligned::default(), leading: Vec::new() }
    }
}

impl<T: Float> Kept<T> {
    /// Where the exponentials of a tile go, and what they are relative to.
    pub fn tile(&mut self, row: usize, position: usize, lanes: usize, length: usize) -> (&mut [T], &mut T) {
        let first = row * length + position;
        let leading = row * length.div_ceil(TILE) + position / TILE;
        (&mut self.powers[first..first + lanes], &mut self.leading[leading])
    }

    /// Room for so many rows of this length.
    fn prepare(&mut self, rows: usize, length: usize) {
        let (powers, leading) = (rows * length, rows * length.div_ceil(TILE));
        self.powers.room(powers);
        if self.leading.len() < leading {
            self.leading.resize(leading, T::ZERO);
        }
    }
}

impl<T: Float> Scratch<T> {
    /// Takes out the place of this number, with room for so many rows of this length.
    pub fn take_kept(&mut self, number: usize, rows: usize, length: usize) -> Kept<T> {
        if self.kept.len() <= number {
            self.kept.resize_with(number + 1, Kept::default);
        }
        let mut kept = std::mem::take(&mut self.kept[number]);
        kept.prepare(rows, length);
        kept
    }
}

/// An exponential of a program that a log-sum-exp has worked out.
#[derive(Clone, Debug)]
pub(super) struct KeptUse {
    /// The operation.
    position: usize,
    /// Which log-sum-exp.
    number: usize,
    /// The operations that read its maximum and what is beyond.
    parts: [usize; 2],
}

impl TileProgram {
    /// Takes exponentials from a log-sum-exp with this body and these results, if the tape has one; says whether it does.
    /// The rows of both are the turns of all loops but the last; `sizes` has how often each turns.
    pub fn take_kept(
        &mut self,
        body: &TileProgram,
        results: (TensorId, TensorId),
        (number, sizes): (usize, &[usize]),
    ) -> bool {
        let (last, Some(value)) = (sizes.len().saturating_sub(1), body.operations.len().checked_sub(1)) else {
            return false;
        };
        if self.inner != Some(last) || body.inner != Some(last) {
            return false;
        }
        let row: Vec<Place> = (0..last).map(Place::Loop).collect();
        let reads = |shift: Option<(usize, bool)>, tensor: TensorId| match shift {
            Some((position, false)) => {
                (self.operations[position] == Operation::Load(tensor, row.clone())).then_some(position)
            }
            _ => None,
        };
        let found = self.extras.iter().enumerate().find_map(|(position, extra)| {
            let Extra::Exponential(exponential) = extra else { return None };
            let [first, second] = exponential.shifts;
            let parts = [reads(first, results.0)?, reads(second, results.1)?];
            let is_body = same((&self.operations, exponential.argument), (&body.operations, value));
            is_body.then_some(KeptUse { position, number, parts })
        });
        let Some(found) = found else { return false };
        self.kept.push(found);
        self.row_sizes = sizes.to_vec();
        self.find_spared();
        true
    }

    /// The operations that only kept exponentials read: these need them no more.
    fn find_spared(&mut self) {
        let count = self.operations.len();
        let mut wanted = vec![false; count];
        for position in (0..count).rev() {
            let is_read = wanted[position] || self.results.contains(&position);
            wanted[position] = is_read;
            if is_read && self.kept.iter().all(|kept| kept.position != position) {
                self.read_by(position).into_iter().for_each(|operand| wanted[operand] = true);
            }
        }
        self.spared = wanted.into_iter().map(|wanted| !wanted).collect();
    }

    /// Whether the exponentials that are kept can be used at these turns: not beside infinities and NaN.
    pub(super) fn can_use_kept<T: Float>(&self, scalars: &[T]) -> bool {
        let finite = |&part: &usize| scalars[part].magnitude() < T::INFINITY;
        !self.kept.is_empty() && self.kept.iter().all(|kept| kept.parts.iter().all(finite))
    }

    /// Works an exponential out from what is kept, if it is.
    pub(super) fn fill_from_kept<T: Float>(
        &self,
        position: usize,
        (kept, scalars): (&[Kept<T>], &[T]),
        at: &[usize],
        out: &mut [T],
    ) -> bool {
        let Some(found) = self.kept.iter().find(|kept| kept.position == position) else { return false };
        let Extra::Exponential(exponential) = &self.extras[position] else { return false };
        let last = self.row_sizes.len() - 1;
        let row = (0..last).fold(0, |row, one| row * self.row_sizes[one] + at[one]);
        let (length, kept) = (self.row_sizes[last], &kept[found.number]);
        let leading = kept.leading[row * length.div_ceil(TILE) + at[last] / TILE];
        let [maximum, rest] = found.parts.map(|part| scalars[part]);
        let power = scalar::exp((leading - maximum) - rest);
        let factor = super::multiply(power, exponential.factor.map_or(T::ONE, |factor| scalars[factor]));
        let first = row * length + at[last];
        let powers = Operand::Each(&kept.powers[first..first + out.len()]);
        if factor.magnitude() < T::INFINITY {
            binary(out, powers, Operand::Same(factor), |power, factor| power * factor);
        } else {
            binary(out, powers, Operand::Same(factor), super::multiply);
        }
        true
    }
}

/// Whether two operations, each of its own tape, are made of the same ones.
fn same(first: (&[Operation], usize), second: (&[Operation], usize)) -> bool {
    let (one, other) = (&first.0[first.1], &second.0[second.1]);
    let (operands_of_one, operands_of_other) = (operands(one), operands(other));
    one.with_operands(|_| 0) == other.with_operands(|_| 0)
        && operands_of_one.len() == operands_of_other.len()
        && operands_of_one.into_iter().zip(operands_of_other).all(|(a, b)| same((first.0, a), (second.0, b)))
}
