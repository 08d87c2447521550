//! Exponentials that a log-sum-exp has worked out, kept for the map after it: of a softmax and its gradient, one
//! exponential an entry.
//!
//! A tile of a log-sum-exp's body f leaves e^(f − l), l being the largest value up to then. With m the maximum of all and r
//! what the log-sum-exp has beyond it, e^((f − m) − r) is that times e^((l − m) − r), one number for the tile.
//!
//! Where the rows of a log-sum-exp are short, it goes down its columns, and leaves e^(f − m) in columns, and for each row
//! 1/Σ e^(f − m) and what the others than the largest are of this sum. With these a softmax less 1 costs no function either:
//! of the largest it is minus the share of the others, and any other share is at most ½, so that 1 can be taken from it.

use super::arithmetic::{Operand, binary, ternary};
use super::peephole::Family;
use super::turned::SPACING;
use super::{Extra, Kind, Scratch, TILE, TileProgram, operands};
use crate::buffers::Aligned;
use crate::vector::{Float, scalar};
use kobai::function::Function;
use kobai::plan::TensorId;
use kobai::plan::tape::{Operation, Place};

/// Longer rows are not kept, in bytes: they would not stay in the cache.
pub(crate) const LONGEST_ROW: usize = 1 << 20;

/// What a log-sum-exp has left: for each row its exponentials, and for each tile of a row what they are relative to. Or, of
/// one that goes down its columns, for each tile the columns of exponentials, and for each row what makes them a softmax.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    pub powers: Aligned<T>,
    pub leading: Vec<T>,
}

/// The columns of a tile of a log-sum-exp.
pub(crate) struct Columns<'a, T> {
    /// The exponentials, [`SPACING`] from column to column.
    pub powers: &'a mut [T],
    /// For each row 1/Σ e^(f − m), or NaN for all of them if one is of no use.
    pub factors: &'a mut [T],
    /// For each row that, times the sum without the largest.
    pub others: &'a mut [T],
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

    /// The columns of the tile of this number.
    pub fn columns(&mut self, tile: usize, columns: usize) -> Columns<'_, T> {
        let powers = &mut self.powers[tile * columns * SPACING..][..columns * SPACING];
        let (factors, others) = self.leading[tile * 2 * TILE..][..2 * TILE].split_at_mut(TILE);
        Columns { powers, factors, others }
    }

    /// Room for so many tiles of columns.
    pub fn prepare_columns(&mut self, tiles: usize, columns: usize) {
        self.powers.room(tiles * columns * SPACING);
        self.leading.resize(self.leading.len().max(tiles * 2 * TILE), T::ZERO);
    }

    /// Room for so many rows of this length.
    pub fn prepare(&mut self, rows: usize, length: usize) {
        let (powers, leading) = (rows * length, rows * length.div_ceil(TILE));
        self.powers.room(powers);
        if self.leading.len() < leading {
            self.leading.resize(leading, T::ZERO);
        }
    }
}

impl<T: Float> Scratch<T> {
    /// Takes out the place of this number.
    pub fn take_kept(&mut self, number: usize) -> Kept<T> {
        if self.kept.len() <= number {
            self.kept.resize_with(number + 1, Kept::default);
        }
        std::mem::take(&mut self.kept[number])
    }
}

/// An exponential of a program that a log-sum-exp has worked out.
#[derive(Clone, Debug)]
pub(super) struct KeptUse {
    /// The operation.
    position: usize,
    /// Which log-sum-exp.
    number: usize,
    /// The operations that read its maximum and what is beyond, unless it goes down its columns.
    parts: Option<[usize; 2]>,
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
        if self.inner != body.inner {
            return false;
        }
        let row: Vec<Place> = (0..last).map(Place::Loop).collect();
        let reads =
            |position: usize, tensor: TensorId| self.operations[position] == Operation::Load(tensor, row.clone());
        let is_body = |argument: usize| same((&self.operations, argument), (&body.operations, value));
        let along = |position: usize| match &self.extras[position] {
            Extra::Exponential(exponential) => match exponential.shifts {
                [Some((maximum, false)), Some((rest, false))] => Some((exponential.argument, [maximum, rest])),
                _ => None,
            },
            _ => None,
        };
        let down = |position: usize| match (&self.extras[position], &self.operations[position]) {
            (Extra::None, Operation::Call(Function::Exp, arguments)) => self.twice_subtracted(arguments[0]),
            (Extra::Exponential(exponential), _) if exponential.shifts == [None; 2] => {
                self.twice_subtracted(exponential.argument)
            }
            (Extra::Along(along), _) if along.family == Family::Exponentials => self.twice_subtracted(along.argument),
            _ => None,
        };
        let goes_along = self.inner == Some(last);
        let mut outermost = (0..self.operations.len()).filter(|&position| self.kinds[position] != Kind::Inside);
        let found = outermost.find_map(|position| {
            let (argument, parts) = if goes_along { along(position) } else { down(position) }?;
            let fits = reads(parts[0], results.0) && reads(parts[1], results.1) && is_body(argument);
            fits.then_some(KeptUse { position, number, parts: goes_along.then_some(parts) })
        });
        let Some(found) = found else { return false };
        self.kept.push(found);
        self.row_sizes = sizes.to_vec();
        self.find_spared();
        true
    }

    /// x, a and b of (x − a) − b.
    fn twice_subtracted(&self, position: usize) -> Option<(usize, [usize; 2])> {
        let Operation::Subtract(difference, second) = self.operations[position] else { return None };
        let Operation::Subtract(argument, first) = self.operations[difference] else { return None };
        Some((argument, [first, second]))
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
    pub(super) fn can_use_kept<T: Float>(&self, (kept, scalars): (&[Kept<T>], &[T]), at: &[usize]) -> bool {
        let finite = |part: T| part.magnitude() < T::INFINITY;
        let usable = |used: &KeptUse| match used.parts {
            Some(parts) => parts.iter().all(|&part| finite(scalars[part])),
            None => finite(kept[used.number].leading[self.tile_of(at) * 2 * TILE]),
        };
        !self.kept.is_empty() && self.kept.iter().all(usable)
    }

    /// The number of the tile with these turns, of those that go down short rows.
    fn tile_of(&self, at: &[usize]) -> usize {
        let inner = self.row_sizes.len() - 2;
        let outer = (0..inner).fold(0, |outer, one| outer * self.row_sizes[one] + at[one]);
        outer * self.row_sizes[inner].div_ceil(TILE) + at[inner] / TILE
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
        let factor = match &self.extras[position] {
            Extra::Exponential(exponential) => exponential.factor.map_or(T::ONE, |factor| scalars[factor]),
            _ => T::ONE,
        };
        let Some(parts) = found.parts else {
            let [powers, shares, _] = self.kept_column(&kept[found.number], at, out.len());
            if factor.magnitude() < T::INFINITY {
                binary(out, powers, shares, |power, share| power * share * factor);
            } else {
                binary(out, powers, shares, |power, share| super::multiply(power * share, factor));
            }
            return true;
        };
        let last = self.row_sizes.len() - 1;
        let row = (0..last).fold(0, |row, one| row * self.row_sizes[one] + at[one]);
        let (length, kept) = (self.row_sizes[last], &kept[found.number]);
        let leading = kept.leading[row * length.div_ceil(TILE) + at[last] / TILE];
        let [maximum, rest] = parts.map(|part| scalars[part]);
        let power = scalar::exp((leading - maximum) - rest);
        let factor = super::multiply(power, factor);
        let first = row * length + at[last];
        let powers = Operand::Each(&kept.powers[first..first + out.len()]);
        if factor.magnitude() < T::INFINITY {
            binary(out, powers, Operand::Same(factor), |power, factor| power * factor);
        } else {
            binary(out, powers, Operand::Same(factor), super::multiply);
        }
        true
    }

    /// Of a log-sum-exp that goes down its columns: the exponentials of this column, and for each row what makes them a
    /// softmax, and what the others than the largest are of it.
    fn kept_column<'a, T: Float>(&self, kept: &'a Kept<T>, at: &[usize], lanes: usize) -> [Operand<'a, T>; 3] {
        let (tile, column) = (self.tile_of(at), at.last().copied().unwrap_or(0));
        let columns = self.row_sizes.last().copied().unwrap_or(0);
        let (factors, others) = kept.leading[tile * 2 * TILE..][..2 * TILE].split_at(TILE);
        let powers = &kept.powers[(tile * columns + column) * SPACING..];
        [powers, factors, others].map(|values| Operand::Each(&values[..lanes]))
    }

    /// Works an exponential and the same less 1 out from what is kept, if it is.
    pub(super) fn fill_all_from_kept<T: Float>(
        &self,
        position: usize,
        kept: &[Kept<T>],
        at: &[usize],
        outputs: &mut [Option<&mut [T]>; 4],
    ) -> bool {
        let Some(found) = self.kept.iter().find(|kept| kept.position == position) else { return false };
        let [Some(exponential), Some(less_one), ..] = outputs else { return false };
        let [powers, factors, others] = self.kept_column(&kept[found.number], at, exponential.len());
        binary(exponential, powers, factors, |power, factor| power * factor);
        // What rounds to the largest may stand for it.
        ternary(less_one, powers, Operand::Each(exponential), others, |power, share, others| {
            if power == T::ONE { -others } else { share - T::ONE }
        });
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
