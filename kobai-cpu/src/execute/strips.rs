//! Segments of tapes and products: tasks of strips.
//!
//! A task takes consecutive strips of a chunk, and runs all steps on one strip before it goes on to the next. It has the
//! rows of its places of every tensor written, and sums of its own, which are joined in the order of the tasks.

use super::error::RunError;
use super::joint::Joint;
use super::layout::{Chunk, Extent, Layout};
use super::run_product;
use super::step::{TapeStep, Workers};
use crate::buffers::{Aligned, Buffer, Part, Parts, Pool, SMALL_PLAN, Store};
use crate::product::ProductStep;
use crate::tile::Scratch;
use crate::tile::reduce::{merge, start};
use crate::vector::Float;
use kobai::expr::Reduction;
use rayon::prelude::*;
use smallvec::SmallVec;
use std::mem::take;

/// Steps that run together, compiled.
pub(crate) struct StripSegment<T> {
    steps: StripSteps,
    /// Places in a strip, and in a task.
    strip: usize,
    task: usize,
    written: Vec<WrittenTensor>,
    /// For each sum, the buffers of all tasks one after another, in the order of `TapeStep::buffers`.
    sums: Vec<TaskSum<T>>,
}

/// The steps of a segment.
#[derive(Default)]
pub(crate) struct StripSteps {
    /// The maps and reductions.
    pub tapes: Vec<TapeStep>,
    /// The matrix products.
    pub products: Vec<ProductStep>,
    /// How they are run: all of them, in order.
    pub runs: Vec<Run>,
}

/// A step of a segment, or several at once.
pub(crate) enum Run {
    /// A tape, by its number.
    One(usize),
    /// Several tapes.
    Joint(Box<Joint>),
    /// A product, by its number.
    Product(usize),
}

impl StripSteps {
    /// The buffers of the results.
    pub fn results(&self) -> impl Iterator<Item = usize> {
        self.tapes.iter().map(|step| step.out).chain(self.products.iter().map(|step| step.out.tensor))
    }

    /// What is summed up over chunks.
    pub fn sums(&self) -> impl Iterator<Item = Accumulation> {
        let tapes = self.tapes.iter().filter_map(TapeStep::accumulation);
        tapes.chain(self.products.iter().filter_map(ProductStep::accumulation))
    }
}

/// A reduction over chunks.
#[derive(Clone, Copy)]
pub(crate) struct Accumulation {
    /// Which one.
    pub reduction: Reduction,
    /// The buffers of the result, of second parts and of what sums have lost.
    pub places: [Option<usize>; 3],
    /// Whether tasks too know what their sums have lost.
    pub tasks_know_lost: bool,
}

/// A tensor that the steps write.
struct WrittenTensor {
    buffer: usize,
    /// Entries at one place of the streamed axis, and all of them.
    stride: usize,
    entries: usize,
    extent: Extent,
}

/// Buffers taken out of their places while a segment runs.
type Owned<'a, T> = SmallVec<[(&'a WrittenTensor, Buffer<T>); SMALL_PLAN]>;

/// For each task, what it sees of each buffer.
type Tables<'a, T> = SmallVec<[Parts<'a, T>; 1]>;

/// What the tasks sum up for one step.
struct TaskSum<T> {
    reduction: Reduction,
    /// The buffers joined to, with those of the tasks.
    buffers: Vec<(usize, Vec<T>)>,
    /// How many entries a task has in each.
    entries: usize,
}

impl<T: Float> StripSegment<T> {
    /// Compiled tapes with the lengths of strips and tasks; `chunk` is the length of a full chunk.
    pub fn new(steps: StripSteps, (strip, task): (usize, usize), layouts: &[Layout], chunk: usize) -> Self {
        let tasks = chunk.div_ceil(task.max(1)).max(1);
        let sum = |Accumulation { reduction, places, tasks_know_lost }: Accumulation| {
            let entries = places[0].map_or(0, |result| layouts[result].entries());
            let apart = |place: usize| if place < 2 || tasks_know_lost { entries * tasks } else { 0 };
            let buffers = places.into_iter().enumerate();
            let buffers = buffers.filter_map(|(place, buffer)| Some((buffer?, vec![T::ZERO; apart(place)])));
            TaskSum { reduction, buffers: buffers.collect(), entries }
        };
        let sums = steps.sums().map(sum).collect();
        let tapes = steps.tapes.iter().filter(|step| step.accumulation().is_none()).flat_map(TapeStep::buffers);
        let products = steps.products.iter().filter(|step| !step.accumulate).map(|step| step.out.tensor);
        let written = |buffer: usize| WrittenTensor {
            buffer,
            stride: layouts[buffer].extents.iter().skip(1).product(),
            entries: layouts[buffer].entries(),
            extent: layouts[buffer].extent,
        };
        let mut written: Vec<WrittenTensor> = tapes.chain(products).map(written).collect();
        written.sort_by_key(|tensor| tensor.buffer);
        written.dedup_by_key(|tensor| tensor.buffer);
        StripSegment { steps, strip, task, written, sums }
    }

    /// Its steps.
    pub fn steps(&self) -> &StripSteps {
        &self.steps
    }

    /// Runs the segment for a chunk.
    ///
    /// # Errors
    /// An index out of range; of several the first in order.
    pub fn run(
        &mut self,
        given: &[Option<&[T]>],
        buffers: &mut [Buffer<T>],
        chunk: Chunk,
        pool: &Pool<T>,
    ) -> Result<(), RunError> {
        let stored = |tensor: &&WrittenTensor| tensor.extent != Extent::Strip;
        let mut owned: Owned<T> =
            self.written.iter().filter(stored).map(|tensor| (tensor, take(&mut buffers[tensor.buffer]))).collect();
        let result = {
            let tables = tables(given, buffers, &mut owned, &mut self.sums, chunk, self.task);
            let (steps, written) = (&self.steps, &self.written);
            let job = TaskJob { steps, written, strip: self.strip, task: self.task, chunk, pool };
            run_tasks(&job, tables)
        };
        for (tensor, buffer) in owned {
            buffers[tensor.buffer] = buffer;
        }
        for sum in &self.sums {
            sum.join(buffers, chunk.length.div_ceil(self.task));
        }
        result
    }
}

impl<T: Float> TaskSum<T> {
    /// Joins what the tasks have summed up, in order.
    fn join(&self, buffers: &mut [Buffer<T>], tasks: usize) {
        let mut joined: [Buffer<T>; 3] = Default::default();
        for ((buffer, _), joined) in self.buffers.iter().zip(&mut joined) {
            *joined = take(&mut buffers[*buffer]);
        }
        for task in 0..tasks {
            let range = task * self.entries..(task + 1) * self.entries;
            let own = |number: usize| {
                let values = self.buffers.get(number).and_then(|(_, values)| values.get(range.clone()));
                values.unwrap_or_default()
            };
            let [first, second, third] = &mut joined;
            // A sum has no second part: its low part comes next.
            match self.reduction {
                Reduction::LogSumExp => merge(self.reduction, (first, second, third), (own(0), own(1), own(2))),
                _ => merge(self.reduction, (first, &mut [], second), (own(0), &[], own(1))),
            }
        }
        for ((buffer, _), joined) in self.buffers.iter().zip(joined) {
            buffers[*buffer] = joined;
        }
    }
}

/// For each task, what it sees of each buffer.
fn tables<'a, T: Float>(
    given: &[Option<&'a [T]>],
    buffers: &'a [Buffer<T>],
    owned: &'a mut Owned<T>,
    sums: &'a mut [TaskSum<T>],
    chunk: Chunk,
    task: usize,
) -> Tables<'a, T> {
    let count = chunk.length.div_ceil(task);
    let shared = || -> Parts<'a, T> {
        let entries =
            buffers.iter().enumerate().map(|(number, buffer)| given.get(number).copied().flatten().unwrap_or(buffer));
        entries.map(Part::Shared).collect()
    };
    let mut tables: Tables<'a, T> = (0..count).map(|_| shared()).collect();
    for (tensor, buffer) in owned {
        let start = if tensor.extent == Extent::Whole { chunk.start } else { chunk.within };
        let first = start * tensor.stride;
        let entries = &mut buffer[first..first + chunk.length * tensor.stride];
        let pieces = entries.chunks_mut((task * tensor.stride).max(1));
        for (number, (piece, table)) in pieces.zip(&mut tables).enumerate() {
            table[tensor.buffer] = Part::Own(piece, first + number * task * tensor.stride);
        }
    }
    for sum in sums {
        for (place, (buffer, entries)) in sum.buffers.iter_mut().enumerate() {
            let pieces = entries.chunks_mut(sum.entries.max(1));
            for (piece, table) in pieces.zip(&mut tables) {
                // What a reduction over nothing is; the parts beside the first are 0.
                start(if place == 0 { sum.reduction } else { Reduction::Sum }, piece);
                table[*buffer] = Part::Own(piece, 0);
            }
        }
    }
    tables
}

/// What all tasks have in common.
struct TaskJob<'a, T> {
    steps: &'a StripSteps,
    written: &'a [WrittenTensor],
    strip: usize,
    task: usize,
    chunk: Chunk,
    pool: &'a Pool<T>,
}

impl<T: Float> TaskJob<'_, T> {
    /// Runs one task, strip by strip.
    fn run(&self, number: usize, parts: Parts<T>, scratch: &mut Scratch<T>) -> Result<(), RunError> {
        let mut strips = take(&mut scratch.strips);
        strips.resize_with(strips.len().max(parts.len()), Aligned::default);
        let local = self.written.iter().filter(|tensor| tensor.extent == Extent::Strip);
        for tensor in local.clone() {
            strips[tensor.buffer].room(tensor.entries);
        }
        let result = {
            // One by one, since they then may see memory of this task alone.
            let mut own = Parts::new();
            for part in parts {
                own.push(part);
            }
            let mut parts = own;
            let mut rest = strips.iter_mut();
            let mut taken = 0;
            for tensor in local {
                if let Some(buffer) = rest.nth(tensor.buffer - taken) {
                    parts[tensor.buffer] = Part::Own(buffer, 0);
                }
                taken = tensor.buffer + 1;
            }
            let end = ((number + 1) * self.task).min(self.chunk.length);
            (number * self.task..end).step_by(self.strip).try_for_each(|first| {
                let length = self.strip.min(end - first);
                let strip = Chunk { start: self.chunk.start + first, within: self.chunk.within + first, length };
                scratch.turned.forget();
                scratch.finite.clear();
                scratch.finite.resize(parts.len(), [None; 2]);
                self.steps.runs.iter().try_for_each(|run| self.step(run, &mut parts, strip, scratch))
            })
        };
        scratch.strips = strips;
        result
    }

    /// Runs a step for a strip.
    fn step(&self, run: &Run, parts: &mut Parts<T>, strip: Chunk, scratch: &mut Scratch<T>) -> Result<(), RunError> {
        let StripSteps { tapes, products, .. } = self.steps;
        let ran = match run {
            Run::Product(product) => {
                let step = &products[*product];
                scratch.finite[step.out.tensor] = [None; 2];
                let mut out = take(&mut parts[step.out.tensor]);
                run_product(step, (Store::new(parts), &mut scratch.finite), strip, out.entries(), self.pool);
                parts[step.out.tensor] = out;
                scratch.turned.forget_tensor(step.out.tensor);
                return Ok(());
            }
            Run::One(step) => {
                tapes[*step].run(parts, strip, Workers::One(scratch))?;
                &tapes[*step..*step + 1]
            }
            Run::Joint(joint) => {
                joint.run(tapes, parts, strip, scratch)?;
                &tapes[joint.members.clone()]
            }
        };
        for buffer in ran.iter().flat_map(TapeStep::buffers) {
            scratch.turned.forget_tensor(buffer);
            scratch.finite[buffer] = [None; 2];
        }
        Ok(())
    }
}

fn run_tasks<T: Float>(job: &TaskJob<T>, tables: Tables<T>) -> Result<(), RunError> {
    let run = |(number, parts)| job.pool.with(|scratch| job.run(number, parts, scratch));
    if tables.len() <= 1 {
        return tables.into_iter().enumerate().try_for_each(run);
    }
    let results: Vec<Result<(), RunError>> =
        tables.into_vec().into_par_iter().enumerate().with_max_len(1).map(run).collect();
    results.into_iter().collect()
}
