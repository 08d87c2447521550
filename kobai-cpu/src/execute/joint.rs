//! Tapes of a strip that run as one loop, in which what they have in common is worked out once.

use super::error::RunError;
use super::layout::{Chunk, Loops, place};
use super::step::TapeStep;
use crate::buffers::{Part, Store, Written};
use crate::tile::reduce::{finish, join_all, start_all};
use crate::tile::{Frame, Scratch, TILE, TileProgram};
use crate::vector::{self, Float, Operand};
use kobai::plan::tape::JoinedTape;
use kobai::plan::{Plan, Step};
use smallvec::SmallVec;
use std::mem::take;
use std::ops::Range;

/// Several tapes with the same loops, compiled as one program. The last loop fills its tiles.
#[derive(Debug)]
pub(crate) struct Joint {
    /// Which steps of the segment.
    pub members: Range<usize>,
    /// The program, which gives the values of all of them.
    pub program: TileProgram,
    /// Their loops.
    pub loops: Loops,
}

/// Where a member's values go: its part of each of its buffers.
type Targets<'a, T> = SmallVec<[[Part<'a, T>; 3]; 4]>;

impl Joint {
    /// Joins maps and reductions.
    pub fn new(plan: &Plan, layouts: &[super::Layout], members: Range<usize>, planned: &[Step]) -> Joint {
        let loops = Loops::new(plan, planned.first().map_or(&[], Step::loops));
        let tape = JoinedTape::new(planned.iter().filter_map(Step::tape));
        let inner = loops.sizes.len().checked_sub(1);
        let program = TileProgram::joined(plan, layouts, &loops, &tape, inner);
        Joint { members, program, loops }
    }

    /// Runs them for a strip on this thread.
    ///
    /// # Errors
    /// An index out of range.
    pub fn run<T: Float>(
        &self,
        steps: &[TapeStep],
        parts: &mut [Part<T>],
        chunk: Chunk,
        scratch: &mut Scratch<T>,
    ) -> Result<(), RunError> {
        let members = &steps[self.members.clone()];
        let mut targets: Targets<T> = members
            .iter()
            .map(|step| step.places().map(|place| place.map_or(Part::Taken, |place| take(&mut parts[place]))))
            .collect();
        let (mut at, mut values) = (take(&mut scratch.at), take(&mut scratch.beside));
        let spare = values.room(2 * TILE);
        let frame = Frame { store: Store::new(parts), chunk };
        let result = self.rows(members, &mut targets, frame, (&mut at, spare), scratch);
        (scratch.at, scratch.beside) = (at, values);
        for (step, target) in members.iter().zip(targets) {
            for (place, part) in step.places().into_iter().zip(target) {
                place.into_iter().zip([part]).for_each(|(place, part)| parts[place] = part);
            }
        }
        result
    }

    fn rows<T: Float>(
        &self,
        members: &[TapeStep],
        targets: &mut Targets<T>,
        frame: Frame<T>,
        (at, values): (&mut Vec<usize>, &mut [T]),
        scratch: &mut Scratch<T>,
    ) -> Result<(), RunError> {
        let lengths = self.loops.lengths(frame.chunk);
        let Some((&length, outer)) = lengths.split_last() else { return Ok(()) };
        let (same, spare) = values.split_at_mut(TILE);
        scratch.values.room(TILE);
        at.clear();
        at.resize(lengths.len(), 0);
        let members = members.iter().zip(targets.iter_mut());
        let mut members: SmallVec<[Member<T>; 4]> =
            members.map(|(step, target)| Member::new(step, target, frame.chunk)).collect();
        for row in 0..outer.iter().product() {
            place(row, outer, at);
            at[outer.len()] = 0;
            self.program.begin(frame, scratch, at);
            members.iter_mut().for_each(|member| member.begin_row(row));
            for position in (0..length).step_by(TILE) {
                at[outer.len()] = position;
                let lanes = TILE.min(length - position);
                self.program.tile_of_all(frame, scratch, at, lanes)?;
                for (number, member) in members.iter_mut().enumerate() {
                    let found = match self.program.result(number, frame, scratch, lanes) {
                        Operand::Each(found) => found,
                        Operand::Same(value) => {
                            same[..lanes].fill(value);
                            &same[..lanes]
                        }
                    };
                    member.take(row, row * length + position, found, &mut spare[..lanes]);
                }
            }
            members.iter_mut().for_each(|member| member.end_row(row));
        }
        if members.iter().any(|member| member.step.past_caches) {
            vector::fence();
        }
        Ok(())
    }
}

/// One of the steps, with the entries of the strip.
struct Member<'a, T> {
    step: &'a TapeStep,
    written: Written<'a, T>,
    /// What rounding has lost of a sum that is not joined to others.
    lost: [T; 1],
}

impl<'a, T: Float> Member<'a, T> {
    fn new(step: &'a TapeStep, [out, rest, low]: &'a mut [Part<'_, T>; 3], chunk: Chunk) -> Member<'a, T> {
        let (out, first) = out.entries();
        // Along the streamed axis, which is the first, or without it: there is one piece.
        let begin = step.region.pieces(chunk).next().map_or(first, |piece| piece.start) - first;
        let written = Written { out, rest: rest.entries().0, low: low.entries().0 };
        Member { step, written: written.split_at(begin).1, lost: [T::ZERO] }
    }

    /// The entry of a row in a reduction.
    fn entry(&mut self, row: usize) -> Written<'_, T> {
        let entry = self.written.range(row..row + 1);
        if entry.low.is_empty() { Written { low: &mut self.lost, ..entry } } else { entry }
    }

    fn begin_row(&mut self, row: usize) {
        if let Some(reducing) = self.step.reducing.filter(|reducing| !reducing.accumulate) {
            self.lost = [T::ZERO];
            start_all(reducing.reduction, self.entry(row));
        }
    }

    /// Takes values: into the entry of a row, or, in a map, from the entry of this number on.
    fn take(&mut self, row: usize, number: usize, values: &[T], spare: &mut [T]) {
        match self.step.reducing {
            Some(reducing) => join_all(reducing.reduction, self.entry(row), values, spare),
            None => {
                let out = &mut self.written.out[number..number + values.len()];
                if self.step.past_caches {
                    vector::copy_past_caches(values, out);
                } else {
                    out.copy_from_slice(values);
                }
            }
        }
    }

    fn end_row(&mut self, row: usize) {
        if let Some(reducing) = self.step.reducing.filter(|reducing| !reducing.accumulate) {
            finish(reducing.reduction, self.entry(row));
        }
    }
}
