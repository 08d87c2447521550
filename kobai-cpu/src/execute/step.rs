//! Maps and reductions: the loops of a step around its tape.
//!
//! The entries that a step writes are cut into blocks, each worked out by one thread. How an entry is worked out does not
//! depend on the block it is in, so that the bits are the same for any number of threads.

use super::error::RunError;
use super::layout::{Chunk, Layout, Loops, Region, place};
use crate::buffers::{Pool, Store, Written};
use crate::tile::reduce::{finish, join_all, join_lanes, start};
use crate::tile::{Frame, Scratch, TILE, TileProgram};
use crate::vector::Float;
use kobai::expr::Reduction;
use kobai::plan::tape::Tape;
use kobai::plan::{Loop, Plan, TensorId};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};

/// A loop of fewer turns does not pay for its tile.
const SHORT: usize = 32;
/// Operations on entries that are worth a thread.
const BLOCK_WORK: usize = 1 << 17;

/// A reduction in a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reducing {
    /// Which one.
    pub reduction: Reduction,
    /// True if its loop is the inner one: the values of a tile are joined to one entry.
    along: bool,
    /// True if chunks are joined.
    pub accumulate: bool,
}

/// A map or a reduction.
#[derive(Debug)]
pub(crate) struct TapeStep {
    /// The tensor written.
    pub out: usize,
    /// The tensor of the second parts of log-sum-exps.
    pub rest: Option<usize>,
    /// The buffer of what a sum has lost so far, if chunks are joined.
    pub low: Option<usize>,
    /// What is reduced; absent in a map.
    pub reducing: Option<Reducing>,
    program: TileProgram,
    loops: Loops,
    region: Region,
    /// How many loops the entries written have.
    free: usize,
    /// The loop whose turns lie in the lanes of a tile.
    inner: Option<usize>,
}

/// Which loop is the inner one.
struct Choice {
    inner: Option<usize>,
    along: bool,
}

impl TapeStep {
    /// A map.
    pub fn map(plan: &Plan, layouts: &[Layout], out: TensorId, loops: &[Loop], tape: &Tape) -> TapeStep {
        let bounds = Loops::new(plan, loops);
        let last = loops.len().checked_sub(1);
        // Where the last loop is short, the one before it fills the tiles, and the last one turns around them.
        let inner = match bounds.sizes[..] {
            [.., before, short] if short < SHORT && before > 2 * short && bounds.streamed != last => {
                last.map(|last| last - 1)
            }
            _ => last,
        };
        TapeStep::new(plan, layouts, out, bounds, tape, Choice { inner, along: false }, None)
    }

    /// A reduction over the last loop.
    pub fn reduce(
        plan: &Plan,
        layouts: &[Layout],
        (out, rest): (TensorId, Option<TensorId>),
        loops: &[Loop],
        tape: &Tape,
        (reduction, accumulate): (Reduction, bool),
    ) -> TapeStep {
        let bounds = Loops::new(plan, loops);
        let choice = choose(plan, layouts, &bounds, tape);
        let reducing = Reducing { reduction, along: choice.along, accumulate };
        let mut step = TapeStep::new(plan, layouts, out, bounds, tape, choice, Some(reducing));
        step.rest = rest.map(|rest| rest.0);
        step
    }

    fn new(
        plan: &Plan,
        layouts: &[Layout],
        out: TensorId,
        loops: Loops,
        tape: &Tape,
        choice: Choice,
        reducing: Option<Reducing>,
    ) -> TapeStep {
        TapeStep {
            out: out.0,
            rest: None,
            low: None,
            reducing,
            program: TileProgram::new(plan, layouts, &loops, tape, choice.inner),
            region: Region::new(&layouts[out.0], &loops),
            free: loops.sizes.len() - usize::from(reducing.is_some()),
            inner: choice.inner,
            loops,
        }
    }

    /// Runs the step for a chunk; `written` holds the whole buffers.
    ///
    /// # Errors
    /// An index out of range.
    pub fn run<T: Float>(
        &self,
        store: Store<T>,
        chunk: Chunk,
        mut written: Written<T>,
        pool: &Pool<T>,
    ) -> Result<(), RunError> {
        let lengths = self.loops.lengths(chunk);
        let frame = Frame { store, chunk };
        let reduced = if self.reducing.is_some() { lengths[self.free] } else { 1 };
        let grain = (BLOCK_WORK / (reduced.max(1) * self.program.len())).max(1);
        // Whole rows of the loops that turn around a tile.
        let around = self.around(&lengths);
        let grain = grain.div_ceil(around) * around;
        let mut first = 0;
        for piece in self.region.pieces(chunk) {
            let count = piece.len();
            let job = Job { step: self, frame, lengths: &lengths, around };
            job.run_blocks(first, grain, written.range(piece), pool)?;
            first += count;
        }
        Ok(())
    }

    /// How many entries lie between two turns of the inner loop.
    fn around(&self, lengths: &[usize]) -> usize {
        match self.inner {
            Some(inner) if inner < self.free => lengths[inner + 1..self.free].iter().product::<usize>().max(1),
            _ => 1,
        }
    }
}

/// Chooses between the reduced loop and the last free one: short loops fill no tiles, and entries side by side are read
/// fastest.
fn choose(plan: &Plan, layouts: &[Layout], loops: &Loops, tape: &Tape) -> Choice {
    let Some(reduced) = loops.sizes.len().checked_sub(1) else {
        return Choice { inner: None, along: true };
    };
    let along = Choice { inner: Some(reduced), along: true };
    let Some(free) = reduced.checked_sub(1) else {
        return along;
    };
    let (near_reduced, far_reduced) = TileProgram::contiguity(plan, layouts, loops, tape, reduced);
    let (near_free, far_free) = TileProgram::contiguity(plan, layouts, loops, tape, free);
    let across_is_nearer = near_free + far_reduced > near_reduced + far_free;
    let (reduced, last) = (loops.sizes[reduced], loops.sizes[free]);
    let across = if reduced < SHORT || last < SHORT { last > reduced } else { across_is_nearer };
    if across { Choice { inner: Some(free), along: false } } else { along }
}

/// A step at a chunk.
struct Job<'a, T> {
    step: &'a TapeStep,
    frame: Frame<'a, T>,
    lengths: &'a [usize],
    around: usize,
}

impl<T: Float> Job<'_, T> {
    /// Works on blocks of entries, several at a time if there are enough. Of several errors the first in order is given.
    fn run_blocks(&self, first: usize, grain: usize, written: Written<T>, pool: &Pool<T>) -> Result<(), RunError> {
        if written.out.len() < 2 * grain {
            return pool.with(|scratch| self.run_block(first, written, scratch));
        }
        let mut blocks = Vec::new();
        let (mut rest, mut number) = (written, first);
        while !rest.out.is_empty() {
            let (block, others) = rest.split_at(grain);
            let count = block.out.len();
            blocks.push((number, block));
            (rest, number) = (others, number + count);
        }
        let failed: Mutex<Option<(usize, RunError)>> = Mutex::new(None);
        blocks.into_par_iter().for_each(|(number, block)| {
            if let Err(error) = pool.with(|scratch| self.run_block(number, block, scratch)) {
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                if failed.as_ref().is_none_or(|(earlier, _)| number < *earlier) {
                    *failed = Some((number, error));
                }
            }
        });
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.map_or(Ok(()), |(_, error)| Err(error))
    }

    fn run_block(&self, first: usize, written: Written<T>, scratch: &mut Scratch<T>) -> Result<(), RunError> {
        let mut values = std::mem::take(&mut scratch.values);
        let mut beside = std::mem::take(&mut scratch.beside);
        values.resize(TILE, T::ZERO);
        beside.resize(2 * TILE, T::ZERO);
        let result = match self.step.reducing {
            None => self.map(first, written, &mut values, scratch),
            Some(reducing) if reducing.along => {
                self.reduce_along(reducing, first, written, (&mut values, &mut beside), scratch)
            }
            Some(reducing) => self.reduce_across(reducing, first, written, (&mut values, &mut beside), scratch),
        };
        (scratch.values, scratch.beside) = (values, beside);
        result
    }

    /// Runs of entries with consecutive turns of the inner loop: the turns of the loops at the first, how many there are,
    /// and their places in the block, `around` apart.
    fn runs(
        &self,
        first: usize,
        count: usize,
        mut run: impl FnMut(&mut [usize], usize, usize) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let free = self.step.free;
        let mut at = vec![0; self.lengths.len()];
        let length = self.step.inner.map_or(1, |inner| self.lengths[inner]);
        let (first_turn, turns) = (first / self.around, count / self.around);
        let mut done = 0;
        while done < turns {
            let position = (first_turn + done) % length;
            let lanes = TILE.min(length - position).min(turns - done);
            for other in 0..self.around {
                place((first_turn + done) * self.around + other, &self.lengths[..free], &mut at[..free]);
                run(&mut at, lanes, done * self.around + other)?;
            }
            done += lanes;
        }
        Ok(())
    }

    fn map(
        &self,
        first: usize,
        written: Written<T>,
        values: &mut [T],
        scratch: &mut Scratch<T>,
    ) -> Result<(), RunError> {
        let out = written.out;
        self.runs(first, out.len(), |at, lanes, offset| {
            if self.around == 1 {
                return self.step.program.evaluate(self.frame, scratch, at, &mut out[offset..offset + lanes]);
            }
            self.step.program.evaluate(self.frame, scratch, at, &mut values[..lanes])?;
            let places = out[offset..].iter_mut().step_by(self.around);
            places.zip(&*values).take(lanes).for_each(|(out, &value)| *out = value);
            Ok(())
        })
    }

    /// Each tile is joined to one entry.
    fn reduce_along(
        &self,
        reducing: Reducing,
        first: usize,
        mut written: Written<T>,
        (values, beside): (&mut [T], &mut [T]),
        scratch: &mut Scratch<T>,
    ) -> Result<(), RunError> {
        let free = self.step.free;
        let length = self.lengths[free];
        let mut at = vec![0; free + 1];
        for number in 0..written.out.len() {
            place(first + number, &self.lengths[..free], &mut at[..free]);
            let mut entry = with_low(written.range(number..number + 1), beside);
            if !reducing.accumulate {
                start(reducing.reduction, entry.reborrow());
            }
            for position in (0..length).step_by(TILE) {
                at[free] = position;
                let values = &mut values[..TILE.min(length - position)];
                self.step.program.evaluate(self.frame, scratch, &at, values)?;
                join_all(reducing.reduction, entry.reborrow(), values);
            }
            if !reducing.accumulate {
                finish(reducing.reduction, entry);
            }
        }
        Ok(())
    }

    /// Each lane of a tile is joined to an entry of its own.
    fn reduce_across(
        &self,
        reducing: Reducing,
        first: usize,
        mut written: Written<T>,
        (values, beside): (&mut [T], &mut [T]),
        scratch: &mut Scratch<T>,
    ) -> Result<(), RunError> {
        let free = self.step.free;
        self.runs(first, written.out.len(), |at, lanes, offset| {
            let (low, exponentials) = beside.split_at_mut(TILE);
            let mut entries = with_low(written.range(offset..offset + lanes), low);
            if !reducing.accumulate {
                start(reducing.reduction, entries.reborrow());
            }
            for turn in 0..self.lengths[free] {
                at[free] = turn;
                self.step.program.evaluate(self.frame, scratch, at, &mut values[..lanes])?;
                join_lanes(reducing.reduction, entries.reborrow(), &values[..lanes], &mut exponentials[..lanes]);
            }
            if !reducing.accumulate {
                finish(reducing.reduction, entries);
            }
            Ok(())
        })
    }
}

/// With room for what rounding loses, if it has none of its own.
fn with_low<'a, T>(written: Written<'a, T>, low: &'a mut [T]) -> Written<'a, T> {
    if !written.low.is_empty() {
        return written;
    }
    let low = &mut low[..written.out.len()];
    Written { low, ..written }
}
