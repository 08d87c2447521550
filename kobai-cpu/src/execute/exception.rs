//! The exceptions of a map: one entry for all turns of its loops but the last, at a looked-up place with a value of its own.

use super::error::RunError;
use super::layout::{Layout, Loops, View, place};
use crate::tile::{Frame, Scratch, TILE, TileProgram};
use crate::vector::{self, Float, Lookup};
use kobai::plan::{Loop, MapException, Plan, TensorId};
use smallvec::{SmallVec, smallvec};
use std::mem::take;

/// An exception, compiled. The last of the loops that are left fills the tiles.
#[derive(Debug)]
pub(crate) struct ExceptionProgram {
    index: TileProgram,
    value: TileProgram,
    loops: Loops,
    /// The result, without its last place.
    view: View,
    /// The size of the last place, and from an entry to the next along it.
    last: (usize, usize),
}

impl ExceptionProgram {
    /// An exception of a map with these loops.
    pub fn new(
        plan: &Plan,
        layouts: &[Layout],
        out: TensorId,
        loops: &[Loop],
        exception: &MapException,
    ) -> ExceptionProgram {
        let others = loops.len().saturating_sub(1);
        let bounds = Loops::new(plan, &loops[..others]);
        let layout = &layouts[out.0];
        let program = |tape| TileProgram::new(plan, layouts, &bounds, tape, (others.checked_sub(1), None));
        ExceptionProgram {
            index: program(&exception.index),
            value: program(&exception.value),
            view: View::new(layout, &bounds, super::buffer_of(plan, out), (0..others).map(|place| (place, place))),
            last: (layout.extents.last().copied().unwrap_or(0), layout.strides.last().copied().unwrap_or(1)),
            loops: bounds,
        }
    }

    /// Works out the exceptions: which entry of the tensor, or [`NOWHERE`](vector::NOWHERE), and its value.
    ///
    /// # Errors
    /// An index out of range in a value that is wanted.
    pub fn evaluate<T: Float>(
        &self,
        frame: Frame<T>,
        scratch: &mut Scratch<T>,
        found: &mut Vec<(usize, T)>,
    ) -> Result<(), RunError> {
        let (mut indices, mut values) = (take(&mut scratch.values), take(&mut scratch.beside));
        let result = self.tiles(frame, scratch, (indices.room(TILE), values.room(TILE)), found);
        (scratch.values, scratch.beside) = (indices, values);
        result
    }

    fn tiles<T: Float>(
        &self,
        frame: Frame<T>,
        scratch: &mut Scratch<T>,
        (indices, values): (&mut [T], &mut [T]),
        found: &mut Vec<(usize, T)>,
    ) -> Result<(), RunError> {
        let (lengths, (size, stride)) = (self.loops.lengths(frame.chunk), self.last);
        let count: usize = lengths.iter().product();
        let inner = lengths.last().copied().unwrap_or(1);
        let mut at: SmallVec<[usize; 8]> = smallvec![0; lengths.len()];
        let mut done = 0;
        while done < count {
            place(done, &lengths, &mut at);
            let position = at.last().copied().unwrap_or(0);
            let lanes = TILE.min(inner - position).min(count - done);
            let (indices, values) = (&mut indices[..lanes], &mut values[..lanes]);
            for (program, results) in [(&self.index, &mut *indices), (&self.value, &mut *values)] {
                program.begin(frame, scratch, &at);
                program.tile(frame, scratch, &at, results)?;
            }
            let (first, step) = (self.view.offset(&at, frame.chunk), self.view.strides.last().copied().unwrap_or(0));
            // Integers are exact, and no number that is none is equal to a place.
            let lookup = Lookup { first, step, size, stride, exact: true };
            vector::look_up(indices, lookup, |lane, place| found.push((place, values[lane])));
            done += lanes;
        }
        Ok(())
    }
}
