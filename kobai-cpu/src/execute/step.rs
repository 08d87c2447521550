//! Maps and reductions: the loops of a step around its tape.
//!
//! A step runs over the entries of a strip on one thread, or, cut into blocks, over a whole chunk on several. How an entry
//! is worked out does not depend on the block it is in, so that the bits are the same for any number of threads.

use super::error::RunError;
use super::exception::ExceptionProgram;
use super::layout::{Chunk, Layout, Loops, Region, place};
use super::strips::Accumulation;
use crate::buffers::{Part, Pool, Store, Written};
use crate::tile::kept::{Kept, LONGEST_ROW};
use crate::tile::reduce::{finish, join_all, join_and_keep, join_lanes, start_all, sum_and_keep};
use crate::tile::turned::{LONGEST, SPACING};
use crate::tile::{Frame, Scratch, TILE, TileProgram};
use crate::vector::{self, Float};
use kobai::expr::Reduction;
use kobai::plan::tape::Tape;
use kobai::plan::{Loop, MapException, Plan, Role, TensorId};
use rayon::prelude::*;
use std::mem::take;
use std::sync::{Mutex, PoisonError};

/// Operations on entries that are worth a thread.
const BLOCK_WORK: usize = 1 << 17;
/// A result of more bytes goes past the caches to memory, if nothing reads it soon.
const PAST_CACHES_BYTES: usize = 1 << 23;

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
    /// The buffer written.
    pub out: usize,
    /// The buffer of the second parts of log-sum-exps.
    pub rest: Option<usize>,
    /// The buffer of what a sum has lost so far, if chunks are joined.
    pub low: Option<usize>,
    /// What is reduced; absent in a map.
    pub reducing: Option<Reducing>,
    program: TileProgram,
    exceptions: Vec<ExceptionProgram>,
    loops: Loops,
    /// The entries written.
    pub region: Region,
    /// How many loops the entries written have.
    free: usize,
    /// The loop whose turns lie in the lanes of a tile.
    inner: Option<usize>,
    /// Where a log-sum-exp leaves its exponentials for the maps after it.
    keeps: Option<usize>,
    /// Whether a map's result goes past the caches.
    pub past_caches: bool,
}

/// Which loop is the inner one.
struct Choice {
    inner: Option<usize>,
    along: bool,
}

impl TapeStep {
    /// A map; `read_soon` says whether the same pass reads what it makes.
    pub fn map(
        plan: &Plan,
        layouts: &[Layout],
        (out, read_soon): (TensorId, bool),
        loops: &[Loop],
        tape: &Tape,
        exceptions: &[MapException],
    ) -> TapeStep {
        let bounds = Loops::new(plan, loops);
        let last = loops.len().checked_sub(1);
        let inner = last.map(|last| last - usize::from(bounds.go_down()));
        let mut step = TapeStep::new(plan, layouts, out, bounds, tape, Choice { inner, along: false }, None);
        step.exceptions = exceptions.iter().map(|one| ExceptionProgram::new(plan, layouts, out, loops, one)).collect();
        let large = layouts[out.0].entries() * size_of::<f32>() >= PAST_CACHES_BYTES;
        let is_output = matches!(plan.tensors[out.0].role, Role::Output(_));
        step.past_caches = is_output && large && !read_soon && inner == last;
        step
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
        let buffer = super::buffer_of(plan, out);
        let replaced = (buffer != out.0).then_some(buffer);
        TapeStep {
            out: buffer,
            rest: None,
            low: None,
            reducing,
            program: TileProgram::new(plan, layouts, &loops, tape, (choice.inner, replaced)),
            exceptions: Vec::new(),
            region: Region::new(&layouts[out.0], &loops),
            free: loops.sizes.len() - usize::from(reducing.is_some()),
            inner: choice.inner,
            loops,
            keeps: None,
            past_caches: false,
        }
    }

    /// Lets a program with these loops take exponentials from this log-sum-exp, before it in the same strips; says whether
    /// it does.
    pub fn keep_for(
        &mut self,
        (program, loops): (&mut TileProgram, &Loops),
        results: (TensorId, TensorId),
        number: usize,
    ) -> bool {
        let Some(reducing) = self.reducing.filter(|reducing| !reducing.accumulate) else { return false };
        let row = self.loops.sizes.last().copied().unwrap_or(0);
        let longest = if reducing.along { LONGEST_ROW / size_of::<f64>() } else { LONGEST };
        let same_loops = self.loops.sizes == loops.sizes && self.loops.streamed == loops.streamed;
        if !same_loops || row > longest {
            return false;
        }
        let taken = program.take_kept(&self.program, results, (number, &self.loops.sizes));
        if taken {
            self.keeps = Some(number);
        }
        taken
    }

    /// Its program and its loops.
    pub fn program(&mut self) -> (&mut TileProgram, &Loops) {
        (&mut self.program, &self.loops)
    }

    /// Runs the step for a strip on this thread, or, with a pool, for a chunk on several. The parts written are whole
    /// buffers, or hold at least the entries of the strip.
    ///
    /// # Errors
    /// An index out of range.
    pub fn run<T: Float>(&self, parts: &mut [Part<T>], chunk: Chunk, workers: Workers<T>) -> Result<(), RunError> {
        let lengths = &*self.loops.lengths(chunk);
        let (mut workers, mut apart) = (workers, Vec::new());
        if !self.exceptions.is_empty() {
            workers.with(|scratch| {
                apart = take(&mut scratch.exceptions);
                apart.clear();
                let frame = Frame { store: Store::new(parts), chunk };
                self.exceptions.iter().try_for_each(|one| one.evaluate(frame, scratch, &mut apart))
            })?;
        }
        let places = self.places();
        let mut taken = places.map(|place| place.map_or(Part::Taken, |place| take(&mut parts[place])));
        let result = {
            let [out, rest, low] = &mut taken;
            let (out, first) = out.entries();
            let mut written = Written { out, rest: rest.entries().0, low: low.entries().0 };
            let frame = Frame { store: Store::new(parts), chunk };
            let job = Job { step: self, frame, lengths, around: self.around(lengths) };
            let result = job.run(first, written.reborrow(), &mut workers);
            for &(place, value) in &apart {
                // Nothing lies nowhere.
                if let Some(entry) = written.out.get_mut(place.wrapping_sub(first)) {
                    *entry = value;
                }
            }
            result
        };
        for (place, part) in places.into_iter().zip(taken) {
            if let Some(place) = place {
                parts[place] = part;
            }
        }
        if !self.exceptions.is_empty() {
            workers.with(|scratch| scratch.exceptions = apart);
        }
        result
    }

    /// The reduction, if it joins chunks.
    pub fn accumulation(&self) -> Option<Accumulation> {
        let reducing = self.reducing.filter(|reducing| reducing.accumulate)?;
        Some(Accumulation { reduction: reducing.reduction, places: self.places(), tasks_know_lost: true })
    }

    /// The buffers written.
    pub fn buffers(&self) -> impl Iterator<Item = usize> + use<> {
        self.places().into_iter().flatten()
    }

    /// The buffers of the result, of second parts and of what sums have lost.
    pub fn places(&self) -> [Option<usize>; 3] {
        [Some(self.out), self.rest, self.low]
    }

    /// How many entries lie between two turns of the inner loop.
    fn around(&self, lengths: &[usize]) -> usize {
        match self.inner {
            Some(inner) if inner < self.free => lengths[inner + 1..self.free].iter().product::<usize>().max(1),
            _ => 1,
        }
    }
}

/// Who does the work.
pub(crate) enum Workers<'a, T> {
    /// This thread.
    One(&'a mut Scratch<T>),
    /// The threads of the pool.
    Many(&'a Pool<T>),
}

impl<T: Float> Workers<'_, T> {
    fn with<R>(&mut self, work: impl FnOnce(&mut Scratch<T>) -> R) -> R {
        match self {
            Workers::One(scratch) => work(scratch),
            Workers::Many(pool) => pool.with(work),
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
    let is_short = loops.short[reduced] || loops.short[free];
    let across = if is_short { loops.sizes[free] > loops.sizes[reduced] } else { across_is_nearer };
    if across { Choice { inner: Some(free), along: false } } else { along }
}

/// A step at a chunk or strip.
struct Job<'a, T> {
    step: &'a TapeStep,
    frame: Frame<'a, T>,
    lengths: &'a [usize],
    around: usize,
}

impl<T: Float> Job<'_, T> {
    /// Works on the entries of the region; `written` begins with the entry of the number `offset`.
    fn run(&self, offset: usize, mut written: Written<T>, workers: &mut Workers<T>) -> Result<(), RunError> {
        let mut first = 0;
        for piece in self.step.region.pieces(self.frame.chunk) {
            let count = piece.len();
            let piece = written.range(piece.start - offset..piece.end - offset);
            match workers {
                Workers::One(scratch) => self.run_block(first, piece, scratch)?,
                Workers::Many(pool) => self.run_blocks(first, piece, pool)?,
            }
            first += count;
        }
        Ok(())
    }

    /// Works on blocks of entries, several at a time if there are enough. Of several errors the first in order is given.
    fn run_blocks(&self, first: usize, written: Written<T>, pool: &Pool<T>) -> Result<(), RunError> {
        let reduced = if self.step.reducing.is_some() { self.lengths[self.step.free] } else { 1 };
        let grain = (BLOCK_WORK / (reduced.max(1) * self.step.program.len())).max(1);
        // Whole rows of the loops that turn around a tile.
        let grain = grain.div_ceil(self.around) * self.around;
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
        let (mut values, mut beside) = (take(&mut scratch.values), take(&mut scratch.beside));
        let mut at = take(&mut scratch.at);
        values.room(TILE);
        beside.room(2 * TILE);
        at.clear();
        at.resize(self.lengths.len(), 0);
        let result = match self.step.reducing {
            None => self.map(first, written, (&mut at, &mut values), scratch),
            Some(reducing) if reducing.along => {
                self.reduce_along(reducing, first, written, (&mut at, &mut values, &mut beside), scratch)
            }
            Some(reducing) => {
                self.reduce_across(reducing, first, written, (&mut at, &mut values, &mut beside), scratch)
            }
        };
        (scratch.values, scratch.beside, scratch.at) = (values, beside, at);
        result
    }

    fn map(
        &self,
        first: usize,
        written: Written<T>,
        (at, values): (&mut [usize], &mut [T]),
        scratch: &mut Scratch<T>,
    ) -> Result<(), RunError> {
        let (out, program) = (written.out, &self.step.program);
        if let Some(spacing) = self.step.region.column_spacing() {
            return self.map_columns(out, spacing, at, scratch);
        }
        if self.around > 1 {
            let mut columns = take(&mut scratch.columns);
            let room = if self.around <= LONGEST { self.around * SPACING } else { 0 };
            let result = self.map_down(first, out, (at, values, columns.room(room)), scratch);
            scratch.columns = columns;
            return result;
        }
        self.rows(first, out.len(), at, |at, row, begins| {
            if begins {
                program.begin(self.frame, scratch, at);
            }
            let out = &mut out[row];
            if self.step.past_caches {
                program.tile(self.frame, scratch, at, &mut values[..out.len()])?;
                vector::copy_past_caches(&values[..out.len()], out);
                return Ok(());
            }
            program.tile(self.frame, scratch, at, out)
        })?;
        if self.step.past_caches {
            vector::fence();
        }
        Ok(())
    }

    /// A map into columns, the first entries of which lie so far apart.
    fn map_columns(
        &self,
        out: &mut [T],
        spacing: usize,
        at: &mut [usize],
        scratch: &mut Scratch<T>,
    ) -> Result<(), RunError> {
        let (rows, columns) = (self.lengths[0], self.lengths[1]);
        for first in (0..rows).step_by(TILE) {
            let lanes = TILE.min(rows - first);
            for column in 0..columns {
                (at[0], at[1]) = (first, column);
                self.step.program.begin(self.frame, scratch, at);
                let out = &mut out[column * spacing + first..][..lanes];
                self.step.program.tile(self.frame, scratch, at, out)?;
            }
        }
        Ok(())
    }

    /// A map whose last loop turns around its tiles. Short rows are written at once, when all of their columns are there.
    fn map_down(
        &self,
        first: usize,
        out: &mut [T],
        (at, values, columns): (&mut [usize], &mut [T], &mut [T]),
        scratch: &mut Scratch<T>,
    ) -> Result<(), RunError> {
        let (program, around) = (&self.step.program, self.around);
        self.runs(first, out.len(), at, |at, lanes, offset| {
            let column = offset % around;
            if program.replaces() && around > LONGEST {
                values.iter_mut().zip(out[offset..].chunks(around)).for_each(|(value, out)| *value = out[0]);
            } else if program.replaces() && column == 0 {
                vector::transpose(&out[offset..], (lanes, |row| row * around), around, columns, SPACING);
            }
            let values =
                if around > LONGEST { &mut values[..lanes] } else { &mut columns[column * SPACING..][..lanes] };
            program.begin(self.frame, scratch, at);
            program.tile(self.frame, scratch, at, values)?;
            if around > LONGEST {
                out[offset..].chunks_mut(around).zip(&*values).for_each(|(out, &value)| out[0] = value);
            } else if column + 1 == around {
                let rows = &mut out[offset - column..][..lanes * around];
                vector::transpose(columns, (around, |column| column * SPACING), lanes, rows, around);
            }
            Ok(())
        })
    }

    /// Tiles of entries with consecutive turns of the inner loop, which is the last: the turns of the loops at the first,
    /// which entries of the block they are, and whether another loop has turned since the last one.
    fn rows(
        &self,
        first: usize,
        count: usize,
        at: &mut [usize],
        mut tile: impl FnMut(&[usize], std::ops::Range<usize>, bool) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let length = self.step.inner.map_or(1, |inner| self.lengths[inner]);
        let (mut done, mut begins) = (0, true);
        while done < count {
            place(first + done, self.lengths, at);
            let position = self.step.inner.map_or(0, |inner| at[inner]);
            let lanes = TILE.min(length - position).min(count - done);
            tile(at, done..done + lanes, begins)?;
            done += lanes;
            begins = position + lanes == length;
        }
        Ok(())
    }

    /// Runs of entries with consecutive turns of the inner loop: the turns of the loops at the first, how many there are,
    /// and their places in the block, `around` apart.
    fn runs(
        &self,
        first: usize,
        count: usize,
        at: &mut [usize],
        mut run: impl FnMut(&mut [usize], usize, usize) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let free = self.step.free;
        let length = self.step.inner.map_or(1, |inner| self.lengths[inner]);
        let (first_turn, turns) = (first / self.around, count / self.around);
        let mut done = 0;
        while done < turns {
            let position = (first_turn + done) % length;
            let lanes = TILE.min(length - position).min(turns - done);
            for other in 0..self.around {
                place((first_turn + done) * self.around + other, &self.lengths[..free], &mut at[..free]);
                run(at, lanes, done * self.around + other)?;
            }
            done += lanes;
        }
        Ok(())
    }

    /// Each tile is joined to one entry.
    fn reduce_along(
        &self,
        reducing: Reducing,
        first: usize,
        mut written: Written<T>,
        (at, values, beside): (&mut [usize], &mut [T], &mut [T]),
        scratch: &mut Scratch<T>,
    ) -> Result<(), RunError> {
        let free = self.step.free;
        let length = self.lengths[free];
        let mut kept = self.step.keeps.map(|number| scratch.take_kept(number));
        if let Some(kept) = &mut kept {
            kept.prepare(written.out.len(), length);
        }
        // Of short rows that are turned a tile at a time, all columns are taken from it.
        let together = if kept.is_none() && self.step.program.turns() { LONGEST } else { 1 };
        let (low, spare) = beside.split_at_mut(TILE);
        for start in (0..written.out.len()).step_by(together) {
            let numbers = start..(start + together).min(written.out.len());
            let mut entries = with_low(written.range(numbers.clone()), low);
            if !reducing.accumulate {
                start_all(reducing.reduction, entries.reborrow());
            }
            for position in (0..length).step_by(TILE) {
                let lanes = TILE.min(length - position);
                for number in numbers.clone() {
                    place(first + number, &self.lengths[..free], &mut at[..free]);
                    at[free] = position;
                    if position == 0 || together > 1 {
                        self.step.program.begin(self.frame, scratch, at);
                    }
                    let values = match self.step.program.as_they_lie(self.frame, at, lanes) {
                        Some(values) => values,
                        None => {
                            self.step.program.tile(self.frame, scratch, at, &mut values[..lanes])?;
                            &values[..lanes]
                        }
                    };
                    let entry = entries.range(number - start..number - start + 1);
                    match kept.as_mut().map(|kept| kept.tile(number, position, lanes, length)) {
                        Some((powers, leading)) => *leading = join_and_keep(entry, values, powers),
                        None => join_all(reducing.reduction, entry, values, &mut spare[..lanes]),
                    }
                }
            }
            if !reducing.accumulate {
                finish(reducing.reduction, entries);
            }
        }
        if let (Some(number), Some(kept)) = (self.step.keeps, kept) {
            scratch.kept[number] = kept;
        }
        Ok(())
    }

    /// Each lane of a tile is joined to an entry of its own.
    fn reduce_across(
        &self,
        reducing: Reducing,
        first: usize,
        mut written: Written<T>,
        (at, values, beside): (&mut [usize], &mut [T], &mut [T]),
        scratch: &mut Scratch<T>,
    ) -> Result<(), RunError> {
        if let Some(number) = self.step.keeps {
            let mut kept = scratch.take_kept(number);
            let result = self.reduce_columns(written, (at, beside), &mut kept, scratch);
            scratch.kept[number] = kept;
            return result;
        }
        let free = self.step.free;
        self.runs(first, written.out.len(), at, |at, lanes, offset| {
            let (low, exponentials) = beside.split_at_mut(TILE);
            let mut entries = with_low(written.range(offset..offset + lanes), low);
            if !reducing.accumulate {
                start_all(reducing.reduction, entries.reborrow());
            }
            for turn in 0..self.lengths[free] {
                at[free] = turn;
                self.step.program.begin(self.frame, scratch, at);
                self.step.program.tile(self.frame, scratch, at, &mut values[..lanes])?;
                join_lanes(reducing.reduction, entries.reborrow(), &values[..lanes], &mut exponentials[..lanes]);
            }
            if !reducing.accumulate {
                finish(reducing.reduction, entries);
            }
            Ok(())
        })
    }

    /// A log-sum-exp of short rows, a tile of columns at a time, whose exponentials are kept.
    fn reduce_columns(
        &self,
        mut written: Written<T>,
        (at, beside): (&mut [usize], &mut [T]),
        kept: &mut Kept<T>,
        scratch: &mut Scratch<T>,
    ) -> Result<(), RunError> {
        let (free, columns) = (self.step.free, self.lengths[self.step.free]);
        let inner = self.lengths[free - 1];
        let tiles = inner.div_ceil(TILE);
        kept.prepare_columns(written.out.len().div_ceil(inner.max(1)) * tiles, columns);
        self.runs(0, written.out.len(), at, |at, lanes, offset| {
            let kept = kept.columns(offset / inner * tiles + offset % inner / TILE, columns);
            at[free] = 0;
            if !self.step.program.turn_rows(self.frame, at, (lanes, columns), kept.powers) {
                for (turn, column) in kept.powers.chunks_exact_mut(SPACING).enumerate() {
                    at[free] = turn;
                    self.step.program.begin(self.frame, scratch, at);
                    self.step.program.tile(self.frame, scratch, at, &mut column[..lanes])?;
                }
            }
            let mut entries = with_low(written.range(offset..offset + lanes), beside);
            sum_and_keep(entries.reborrow(), kept);
            finish(Reduction::LogSumExp, entries);
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
