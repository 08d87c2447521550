//! Evaluation of a compiled tape: tile by tile, and for one entry where an index is out of its range.

use super::ahead::{self, Ahead};
use super::arithmetic::{self, Operand, binary, call, call_binary, call_unary, compare_tile, select, unary};
use super::peephole::Along;
use super::turned::SPACING;
use super::{Extra, Gather, Kind, Load, Scratch, TileProgram, multiply};
use crate::buffers::Store;
use crate::execute::error::RunError;
use crate::execute::layout::Chunk;
use crate::vector::{self, Float, Lookup, NOWHERE};
use kobai::plan::tape::Operation;
use std::mem::take;

/// What the evaluation reads.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a, T> {
    /// The tensors.
    pub store: Store<'a, T>,
    /// The current chunk.
    pub chunk: Chunk,
}

impl<T> Frame<'_, T> {
    /// Where the entry of a load lies among those at hand, without what is looked up.
    fn place(&self, load: &Load, at: &[usize]) -> usize {
        load.view.offset(at, self.chunk) - self.store.tensor(load.view.tensor).1
    }
}

impl TileProgram {
    /// Works out what does not depend on the inner loop, for these turns of the others.
    pub fn begin<T: Float>(&self, frame: Frame<T>, scratch: &mut Scratch<T>, at: &[usize]) {
        scratch.prepare(self);
        scratch.all_suspect = false;
        for &position in &self.uniform {
            let value = self.entry(position, frame, at, &mut |operand| Ok(scratch.scalars[operand]));
            scratch.all_suspect |= value.is_err();
            scratch.scalars[position] = value.unwrap_or(T::NAN);
        }
        scratch.uses_kept = self.can_use_kept((&scratch.kept, &scratch.scalars), at);
    }

    /// The values for the turns of the inner loop from the one in `at` on, as many as `out` is long (at most `TILE`), after
    /// [`begin`](TileProgram::begin) for the same turns of the others. Where they are written over a tensor, `out` holds its
    /// entries.
    ///
    /// # Errors
    /// An index out of range whose entry is wanted. In the branch of a selection that is not taken none is.
    pub fn tile<T: Float>(
        &self,
        frame: Frame<T>,
        scratch: &mut Scratch<T>,
        at: &[usize],
        out: &mut [T],
    ) -> Result<(), RunError> {
        self.work_all_out(frame, scratch, at, out)?;
        match self.straight {
            Some(last) if !matches!(self.kinds[last], Kind::Slot(_)) => {
                unary(out, self.operand(last, frame, scratch, out.len()), |x| x);
            }
            _ => {}
        }
        Ok(())
    }

    /// The same for several tapes: then [`result`](TileProgram::result) has their values at so many turns.
    ///
    /// # Errors
    /// As for [`tile`](TileProgram::tile).
    pub fn tile_of_all<T: Float>(
        &self,
        frame: Frame<T>,
        scratch: &mut Scratch<T>,
        at: &[usize],
        lanes: usize,
    ) -> Result<(), RunError> {
        // Nothing is written there: no operation goes straight to where it is wanted.
        let mut spare = take(&mut scratch.values);
        let result = self.work_all_out(frame, scratch, at, &mut spare[..lanes]);
        scratch.values = spare;
        result
    }

    /// The values of one of several tapes in the last tile.
    pub fn result<'a, T: Float>(
        &'a self,
        number: usize,
        frame: Frame<'a, T>,
        scratch: &'a Scratch<T>,
        lanes: usize,
    ) -> Operand<'a, T> {
        self.operand(self.results[number], frame, scratch, lanes)
    }

    fn work_all_out<T: Float>(
        &self,
        frame: Frame<T>,
        scratch: &mut Scratch<T>,
        at: &[usize],
        out: &mut [T],
    ) -> Result<(), RunError> {
        let mut suspects = take(&mut scratch.suspects);
        suspects.clear();
        if scratch.all_suspect {
            suspects.extend(0..out.len());
        }
        let mut ahead = Ahead::new(out.len(), self.varying.len());
        for &position in &self.varying {
            if scratch.uses_kept && self.spared[position] {
                continue;
            }
            match self.kinds[position] {
                Kind::Uniform | Kind::Inside => {}
                Kind::Direct(tensor) => {
                    let offset = self.direct_offset(position, frame, scratch, at, &mut suspects, out.len());
                    scratch.offsets[position] = offset;
                    ahead.add(frame.store.tensor(tensor).0, offset..offset + out.len());
                }
                Kind::Slot(slot) => {
                    ahead.ask();
                    self.work_out((position, slot), frame, scratch, at, out, &mut suspects);
                }
            }
        }
        let checked = if suspects.is_empty() { Ok(()) } else { self.check(&suspects, frame, at) };
        scratch.suspects = suspects;
        checked
    }

    /// Works an operation out into its slot, or, if it is the last, into `out`.
    fn work_out<T: Float>(
        &self,
        (position, slot): (usize, usize),
        frame: Frame<T>,
        scratch: &mut Scratch<T>,
        at: &[usize],
        out: &mut [T],
        suspects: &mut Vec<usize>,
    ) {
        let (length, is_last) = (out.len(), self.straight == Some(position));
        match &self.extras[position] {
            Extra::Along(along) => self.fill_all(along, position, frame, scratch, at, length),
            Extra::Done(_) if is_last => {
                if let Some(done) = &scratch.slots[slot] {
                    out.copy_from_slice(&done.0[..length]);
                }
            }
            Extra::Done(_) => {}
            extra => {
                if is_last {
                    return self.write(position, frame, scratch, at, out, suspects);
                }
                let Some(mut own) = scratch.slots[slot].take() else { return };
                match extra {
                    Extra::Load(load) if self.is_replaced(load) => own.0[..length].copy_from_slice(out),
                    _ => self.write(position, frame, scratch, at, &mut own.0[..length], suspects),
                }
                scratch.slots[slot] = Some(own);
            }
        }
    }

    /// Works an operation out for each lane: entries that lie apart are read here.
    fn write<T: Float>(
        &self,
        position: usize,
        frame: Frame<T>,
        scratch: &mut Scratch<T>,
        at: &[usize],
        out: &mut [T],
        suspects: &mut Vec<usize>,
    ) {
        let load = match &self.extras[position] {
            Extra::Load(load) if load.gathers.is_empty() && !self.is_replaced(load) => load,
            _ => return self.fill(position, frame, scratch, at, out, suspects),
        };
        let (entries, first) = (frame.store.tensor(load.view.tensor).0, frame.place(load, at));
        let stride = self.inner_stride(load).max(1);
        let (tensor, turned) = ((load.view.tensor, entries), &mut scratch.turned);
        match self.is_turned(load).then(|| turned.column(tensor, first, (out.len(), stride))).flatten() {
            Some(column) => out.copy_from_slice(column),
            // Chunks are walked faster than steps.
            None => out.iter_mut().zip(entries[first..].chunks(stride)).for_each(|(out, row)| *out = row[0]),
        }
    }

    /// Works out an operation and those done along with it. Apart from the loop over operations, which without it is faster for
    /// the many tapes that have none.
    #[inline(never)]
    fn fill_all<T: Float>(
        &self,
        along: &Along,
        position: usize,
        frame: Frame<T>,
        scratch: &mut Scratch<T>,
        at: &[usize],
        length: usize,
    ) {
        let slots = along.operations.map(|operation| match operation.map(|operation| self.kinds[operation]) {
            Some(Kind::Slot(slot)) => Some(slot),
            _ => None,
        });
        let mut taken = slots.map(|slot| slot.and_then(|slot| scratch.slots[slot].take()));
        let mut outputs = taken.each_mut().map(|tile| tile.as_mut().map(|tile| &mut tile.0[..length]));
        if !scratch.uses_kept || !self.fill_all_from_kept(position, &scratch.kept, at, &mut outputs) {
            along.fill(outputs, self.operand(along.argument, frame, scratch, length));
        }
        for (slot, taken) in slots.into_iter().zip(taken) {
            if let Some(slot) = slot {
                scratch.slots[slot] = taken;
            }
        }
    }

    /// The values, if the tape does no more than read entries that lie side by side.
    pub fn as_they_lie<'a, T: Float>(&self, frame: Frame<'a, T>, at: &[usize], lanes: usize) -> Option<&'a [T]> {
        let ([Extra::Load(load)], [Kind::Direct(_)]) = (&self.extras[..], &self.kinds[..]) else {
            return None;
        };
        let (first, entries) = (frame.place(load, at), frame.store.tensor(load.view.tensor).0);
        ahead::next(entries, first..first + lanes).into_iter().for_each(vector::prefetch);
        entries.get(first..first + lanes)
    }

    /// Turns rows of so many columns into columns, [`SPACING`] apart, if the tape does no more than read rows that lie one
    /// behind the other; says whether it does.
    pub fn turn_rows<T: Float>(
        &self,
        frame: Frame<T>,
        at: &[usize],
        (rows, columns): (usize, usize),
        out: &mut [T],
    ) -> bool {
        let [Extra::Load(load)] = &self.extras[..] else { return false };
        let together = load.view.strides.last() == Some(&1) && self.inner_stride(load) == columns;
        if !together || !load.gathers.is_empty() {
            return false;
        }
        let (first, (entries, _)) = (frame.place(load, at), frame.store.tensor(load.view.tensor));
        vector::transpose(&entries[first..], (rows, |row| row * columns), columns, out, SPACING);
        true
    }

    fn operand<'a, T: Float>(
        &'a self,
        position: usize,
        frame: Frame<'a, T>,
        scratch: &'a Scratch<T>,
        length: usize,
    ) -> Operand<'a, T> {
        match self.kinds[position] {
            Kind::Slot(slot) => match &scratch.slots[slot] {
                Some(tile) => Operand::Each(&tile.0[..length]),
                // No operation reads what it writes.
                None => Operand::Same(T::NAN),
            },
            Kind::Direct(tensor) => {
                let offset = scratch.offsets[position];
                let entries = frame.store.tensor(tensor).0.get(offset..offset + length);
                // An index into an empty axis has nowhere to read; it is among the suspects.
                entries.map_or(Operand::Same(T::NAN), Operand::Each)
            }
            Kind::Uniform | Kind::Inside => Operand::Same(scratch.scalars[position]),
        }
    }

    /// Where a load starts to read. If an index is out of range, at the first entry: what it reads there is not used.
    fn direct_offset<T: Float>(
        &self,
        position: usize,
        frame: Frame<T>,
        scratch: &Scratch<T>,
        at: &[usize],
        suspects: &mut Vec<usize>,
        length: usize,
    ) -> usize {
        let Extra::Load(load) = &self.extras[position] else {
            return 0;
        };
        let gathered = load.gathered(&mut |operand| Ok(scratch.scalars[operand]));
        if gathered.is_err() {
            suspects.extend(0..length);
        }
        frame.place(load, at) + gathered.unwrap_or(0)
    }

    /// Works an operation out for each lane.
    fn fill<T: Float>(
        &self,
        position: usize,
        frame: Frame<T>,
        scratch: &Scratch<T>,
        at: &[usize],
        out: &mut [T],
        suspects: &mut Vec<usize>,
    ) {
        let length = out.len();
        let value = |operand: usize| self.operand(operand, frame, scratch, length);
        // Up to four at once: an array is faster than a list.
        let mut several = [Operand::Same(T::ZERO); 4];
        if scratch.uses_kept && self.fill_from_kept(position, (&scratch.kept, &scratch.scalars), at, out) {
            return;
        }
        match &self.extras[position] {
            Extra::Exponential(exponential) => {
                return exponential.fill(out, value(exponential.argument), &scratch.scalars);
            }
            Extra::ProductChain(chain) => {
                several.iter_mut().zip(&chain.factors).for_each(|(factor, &operand)| *factor = value(operand));
                return chain.fill(out, &several[..chain.factors.len()], &scratch.scalars);
            }
            Extra::TwoProducts(products) => {
                return products.fill(out, products.factors.map(value), &scratch.scalars);
            }
            Extra::CompensatedSum(sum) => {
                several.iter_mut().zip(&sum.terms).for_each(|(term, &(operand, _))| *term = value(operand));
                return sum.fill(out, &several[..sum.terms.len()], &scratch.scalars);
            }
            _ => {}
        }
        match &self.operations[position] {
            Operation::Constant(number) => out.fill(T::from_f64(*number)),
            Operation::Size(_) => out.fill(T::NAN),
            Operation::Index(one) => {
                let first = self.turn(*one, frame, at);
                out.iter_mut().enumerate().for_each(|(lane, out)| *out = T::from_f64((first + lane) as f64));
            }
            Operation::Load(..) => self.load(position, frame, scratch, at, out, suspects),
            Operation::Add(a, b) => binary(out, value(*a), value(*b), |a, b| a + b),
            Operation::Subtract(a, b) => binary(out, value(*a), value(*b), |a, b| a - b),
            Operation::Multiply(a, b) => binary(out, value(*a), value(*b), multiply),
            Operation::MultiplyFinite(a, b) => binary(out, value(*a), value(*b), |a, b| a * b),
            Operation::Divide(a, b) => binary(out, value(*a), value(*b), |a, b| a / b),
            Operation::Power(a, b) => arithmetic::power_tile(out, value(*a), value(*b)),
            Operation::PowerRational(a, numerator, denominator) => {
                arithmetic::power_rational_tile(out, value(*a), (*numerator, *denominator));
            }
            Operation::Call(function, arguments) => match arguments[..] {
                [x] => call_unary(out, *function, value(x)),
                [x, y] => call_binary(out, *function, value(x), value(y)),
                _ => out.fill(T::NAN),
            },
            Operation::Compare(relation, a, b) => compare_tile(out, *relation, value(*a), value(*b)),
            Operation::Select(a, b, c) => select(out, value(*a), value(*b), value(*c)),
            Operation::RoundingError { terms: (a, b), subtracted, sum } => {
                arithmetic::rounding_error_tile(out, (value(*a), value(*b)), *subtracted, value(*sum));
            }
        }
    }

    /// Entries that are looked up.
    fn load<T: Float>(
        &self,
        position: usize,
        frame: Frame<T>,
        scratch: &Scratch<T>,
        at: &[usize],
        out: &mut [T],
        suspects: &mut Vec<usize>,
    ) {
        let Extra::Load(load) = &self.extras[position] else {
            return;
        };
        let (length, (entries, _)) = (out.len(), frame.store.tensor(load.view.tensor));
        let (first, stride) = (frame.place(load, at), self.inner_stride(load));
        // One index for each lane is by far the most frequent: a label.
        if let [gather] = &load.gathers[..]
            && let Operand::Each(indices) = self.operand(gather.operation, frame, scratch, length)
        {
            vector::look_up(indices, gather.lookup(first, stride), |lane, place| match entries.get(place) {
                Some(&entry) => out[lane] = entry,
                None => {
                    out[lane] = T::NAN;
                    suspects.push(lane);
                }
            });
            return;
        }
        for (lane, out) in out.iter_mut().enumerate() {
            let gathered = load.gathered(&mut |operand| Ok(self.operand(operand, frame, scratch, length).at(lane)));
            match gathered {
                Ok(offset) => *out = entries[first + lane * stride + offset],
                Err(_) => {
                    *out = T::NAN;
                    suspects.push(lane);
                }
            }
        }
    }

    fn turn<T>(&self, one: usize, frame: Frame<T>, at: &[usize]) -> usize {
        at[one] + if self.streamed == Some(one) { frame.chunk.start } else { 0 }
    }

    /// An operation's value for the one entry at these turns, from the values that it asks for.
    fn entry<T: Float>(
        &self,
        position: usize,
        frame: Frame<T>,
        at: &[usize],
        value: &mut dyn FnMut(usize) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        Ok(match (&self.operations[position], &self.extras[position]) {
            (Operation::Constant(number), _) => T::from_f64(*number),
            (Operation::Index(one), _) => T::from_f64(self.turn(*one, frame, at) as f64),
            (Operation::Load(..), Extra::Load(load)) => {
                frame.store.tensor(load.view.tensor).0[frame.place(load, at) + load.gathered(value)?]
            }
            (Operation::Add(a, b), _) => value(*a)? + value(*b)?,
            (Operation::Subtract(a, b), _) => value(*a)? - value(*b)?,
            (Operation::Multiply(a, b), _) => match (value(*a), value(*b)) {
                // A factor of 0 removes the other, which then need not be there.
                (Err(_), Ok(zero)) | (Ok(zero), Err(_)) if zero == T::ZERO => T::ZERO,
                (a, b) => multiply(a?, b?),
            },
            (Operation::MultiplyFinite(a, b), _) => value(*a)? * value(*b)?,
            (Operation::Divide(a, b), _) => value(*a)? / value(*b)?,
            (Operation::Power(a, b), _) => arithmetic::power(value(*a)?, value(*b)?),
            (Operation::PowerRational(a, numerator, denominator), _) => {
                arithmetic::power_rational(value(*a)?, (*numerator, *denominator))
            }
            (Operation::Call(function, arguments), _) => match arguments[..] {
                [x] => call(*function, &[value(x)?]),
                [x, y] => call(*function, &[value(x)?, value(y)?]),
                _ => T::NAN,
            },
            (Operation::Compare(relation, a, b), _) => arithmetic::compare(*relation, value(*a)?, value(*b)?),
            (Operation::RoundingError { terms: (a, b), subtracted, sum }, _) => {
                let b = if *subtracted { -value(*b)? } else { value(*b)? };
                arithmetic::rounding_error(value(*a)?, b, value(*sum)?)
            }
            (Operation::Select(condition, then, otherwise), _) => {
                let taken = value(*condition)? != T::ZERO;
                value(if taken { *then } else { *otherwise })?
            }
            _ => T::NAN,
        })
    }

    /// Looks at lanes again, one by one, and only at what their values are made of.
    fn check<T: Float>(&self, suspects: &[usize], frame: Frame<T>, at: &[usize]) -> Result<(), RunError> {
        for &lane in suspects {
            let mut at = at.to_vec();
            if let Some(inner) = self.inner {
                at[inner] += lane;
            }
            let mut known = vec![None; self.operations.len()];
            for &result in &self.results {
                self.wanted(result, frame, &at, &mut known)?;
            }
        }
        Ok(())
    }

    fn wanted<T: Float>(
        &self,
        position: usize,
        frame: Frame<T>,
        at: &[usize],
        known: &mut [Option<T>],
    ) -> Result<T, RunError> {
        if let Some(value) = known[position] {
            return Ok(value);
        }
        let value = self.entry(position, frame, at, &mut |operand| self.wanted(operand, frame, at, known))?;
        known[position] = Some(value);
        Ok(value)
    }
}

impl Load {
    /// What the looked-up indices add to the offset.
    fn gathered<T: Float>(&self, value: &mut dyn FnMut(usize) -> Result<T, RunError>) -> Result<usize, RunError> {
        let mut offset = 0;
        for gather in &self.gathers {
            let index = value(gather.operation)?.to_f64();
            match gather.offset(index) {
                Some(part) => offset += part,
                None => {
                    let name = self.name.clone();
                    return Err(RunError::IndexOutOfRange { name, value: index, size: gather.size });
                }
            }
        }
        Ok(offset)
    }
}

impl Gather {
    /// How it looks entries up, from this one on and so far apart from lane to lane.
    fn lookup(&self, first: usize, step: usize) -> Lookup {
        Lookup { first, step, size: self.size, stride: self.stride, exact: false }
    }

    /// How far an index moves; `None` if it is out of range or NaN.
    fn offset(&self, index: f64) -> Option<usize> {
        Some(self.lookup(0, 0).place(0, index)).filter(|&place| place != NOWHERE)
    }
}
