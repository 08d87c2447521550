//! Runs a plan, pass by pass and chunk by chunk.
//!
//! An executor compiles the steps once, allocates every buffer once, and uses both again in each run. The same plan and
//! inputs give the same bits out, run after run and for any number of threads; the threads are those of the rayon pool in
//! which [`Executor::run`] is called.

pub mod error;
mod exception;
pub mod inputs;
mod joint;
pub(crate) mod layout;
mod step;
pub(crate) mod strips;

use crate::buffers::{Buffer, Part, Parts, Pool, SMALL_PLAN, Store, Written};
use crate::product::ProductStep;
use crate::tile::reduce::{finish, start};
use crate::vector::Float;
use error::RunError;
use inputs::{Input, Inputs};
use joint::Joint;
use kobai::expr::Reduction;
use kobai::plan::fuse::{Segment, Strips};
use kobai::plan::{Pass, Plan, Role, Step, TensorId};
use layout::{Chunk, Layout, View, layouts};
use smallvec::{SmallVec, smallvec};
use std::mem::take;
use step::{TapeStep, Workers};
use strips::{Accumulation, Run, StripSegment, StripSteps};

/// A step, or a segment of them, compiled.
enum Compiled<T> {
    Tape(Box<TapeStep>),
    Product(ProductStep),
    Strips(StripSegment<T>),
}

/// The steps of a pass, compiled.
struct CompiledPass<T> {
    before: Vec<Compiled<T>>,
    chunk: Vec<Compiled<T>>,
}

/// A plan made ready to run in `f32` or `f64`, with its memory.
pub struct Executor<T: Float = f64> {
    plan: Plan,
    layouts: Vec<Layout>,
    passes: Vec<CompiledPass<T>>,
    /// One for each tensor (empty for an input given as numbers, for one that takes over another's, and for one that exists
    /// for a strip only), then what sums over chunks have lost so far.
    buffers: Vec<Buffer<T>>,
    /// Whether the entries of a tensor are known to be finite or not: all of them, and those of the present chunk.
    finite: Vec<[Option<bool>; 2]>,
    pool: Pool<T>,
}

impl<T: Float> Executor<T> {
    /// Compiles a plan and allocates its buffers.
    ///
    /// # Panics
    /// Perhaps, here or in a run, for a plan that [`kobai::plan::plan`] does not make: tensors or loops that are not there.
    pub fn new(plan: Plan) -> Executor<T> {
        let layouts = layouts(&plan);
        let length = |tensor: usize| {
            let description = &plan.tensors[tensor];
            let apart = matches!(description.role, Role::Input(_)) || description.strip.is_some();
            if apart || description.replaces.is_some() { 0 } else { layouts[tensor].entries() }
        };
        let mut buffers: Vec<Buffer<T>> = (0..layouts.len()).map(|tensor| Buffer::new(length(tensor))).collect();
        let mut compiler = Compiler { plan: &plan, layouts: layouts.clone(), buffers: &mut buffers };
        let passes = plan.passes.iter().map(|pass| compiler.pass(pass)).collect();
        let finite = vec![[None; 2]; layouts.len()];
        Executor { plan, layouts, passes, buffers, finite, pool: Pool::new() }
    }

    /// The plan that it runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Runs the plan at these inputs. The results are then at [`output`](Executor::output).
    ///
    /// # Errors
    /// An input that is missing or has another length than its axes ask for, an integer that the element type cannot
    /// hold, a label or neighbour outside of its axis; or what watches the inputs has ended it. After an error the outputs
    /// are of no use; the executor is.
    pub fn run(&mut self, inputs: &Inputs<'_, T>) -> Result<(), RunError> {
        let given = self.bind(inputs)?;
        self.finite.fill([None; 2]);
        let mut passes = take(&mut self.passes);
        let result = passes.iter_mut().try_for_each(|pass| self.run_pass(pass, inputs, &given));
        self.passes = passes;
        result
    }

    /// The entries of an output, row-major, after a run.
    pub fn output(&self, name: &str) -> Option<&[T]> {
        let (_, tensor) = self.plan.outputs.iter().find(|(known, _)| known == name)?;
        self.buffers.get(tensor.0).map(|buffer| &**buffer)
    }

    /// The inputs by tensor. Numbers stay where they are; what is of another type is copied to the tensor's buffer.
    fn bind<'a>(&mut self, inputs: &Inputs<'a, T>) -> Result<Given<'a, T>, RunError> {
        let mut given: Given<'a, T> = smallvec![None; self.layouts.len()];
        for (tensor, description) in self.plan.tensors.iter().enumerate() {
            if !matches!(description.role, Role::Input(_)) {
                continue;
            }
            let name = &description.name;
            let input = inputs.get(name).ok_or_else(|| RunError::MissingInput { name: name.clone() })?;
            let count = input.len();
            let expected = self.layouts[tensor].entries();
            if count != expected {
                return Err(RunError::WrongLength { name: name.clone(), expected, given: count });
            }
            match input {
                Input::Numbers(values) => given[tensor] = Some(values),
                Input::Integers(values) => copy_integers(name, values, &mut self.buffers[tensor])?,
                Input::BrainFloats(values) => {
                    self.buffers[tensor].refill(values.iter().map(|value| T::from_f64(value.to_f64())));
                }
                Input::HalfFloats(values) => {
                    self.buffers[tensor].refill(values.iter().map(|value| T::from_f64(value.to_f64())));
                }
            }
        }
        Ok(given)
    }

    fn run_pass(
        &mut self,
        pass: &mut CompiledPass<T>,
        inputs: &Inputs<'_, T>,
        given: &[Option<&[T]>],
    ) -> Result<(), RunError> {
        for step in &mut pass.before {
            self.run_step(step, given, Chunk::default())?;
        }
        // Also where there is no chunk at all: a sum over nothing is 0.
        pass.chunk.iter().for_each(|step| self.start(step));
        let size = self.plan.streamed.map_or(0, |axis| self.plan.size(axis));
        for start in (0..size).step_by(self.plan.chunk.max(1)) {
            let chunk = Chunk { start, within: 0, length: self.plan.chunk.max(1).min(size - start) };
            self.finite.iter_mut().for_each(|[_, here]| *here = None);
            for step in &mut pass.chunk {
                self.run_step(step, given, chunk)?;
            }
            if inputs.done(start..start + chunk.length).is_break() {
                return Err(RunError::Interrupted);
            }
        }
        pass.chunk.iter().for_each(|step| self.finish(step));
        Ok(())
    }

    fn run_step(&mut self, step: &mut Compiled<T>, given: &[Option<&[T]>], chunk: Chunk) -> Result<(), RunError> {
        match step {
            Compiled::Tape(step) => {
                self.finite[step.out] = [None; 2];
                let written = step.buffers().map(|buffer| (buffer, take(&mut self.buffers[buffer])));
                let mut written: SmallVec<[(usize, Buffer<T>); 3]> = written.collect();
                let mut parts = shared(&self.buffers, given);
                for (number, buffer) in &mut written {
                    parts[*number] = Part::Own(buffer, 0);
                }
                let result = step.run(&mut parts, chunk, Workers::Many(&self.pool));
                drop(parts);
                written.into_iter().for_each(|(number, buffer)| self.buffers[number] = buffer);
                result
            }
            Compiled::Product(step) => {
                self.finite[step.out.tensor] = [None; 2];
                let mut out = take(&mut self.buffers[step.out.tensor]);
                let parts = shared(&self.buffers, given);
                run_product(step, (Store::new(&parts), &mut self.finite), chunk, (&mut out, 0), &self.pool);
                drop(parts);
                self.buffers[step.out.tensor] = out;
                Ok(())
            }
            Compiled::Strips(segment) => {
                segment.steps().results().for_each(|result| self.finite[result] = [None; 2]);
                segment.run(given, &mut self.buffers, chunk, &self.pool)
            }
        }
    }

    /// Before the first chunk.
    fn start(&mut self, step: &Compiled<T>) {
        match step {
            Compiled::Product(step) if step.accumulate => self.buffers[step.out.tensor].fill(T::ZERO),
            Compiled::Product(_) => {}
            Compiled::Tape(step) => step.accumulation().into_iter().for_each(|sum| self.start_sum(sum)),
            Compiled::Strips(segment) => segment.steps().sums().for_each(|sum| self.start_sum(sum)),
        }
    }

    fn start_sum(&mut self, Accumulation { reduction, places, .. }: Accumulation) {
        for (place, buffer) in places.into_iter().flatten().enumerate() {
            start(if place == 0 { reduction } else { Reduction::Sum }, &mut self.buffers[buffer]);
        }
    }

    /// After the last chunk.
    fn finish(&mut self, step: &Compiled<T>) {
        match step {
            Compiled::Product(_) => {}
            Compiled::Tape(step) => step.accumulation().into_iter().for_each(|sum| self.finish_sum(sum)),
            Compiled::Strips(segment) => segment.steps().sums().for_each(|sum| self.finish_sum(sum)),
        }
    }

    fn finish_sum(&mut self, Accumulation { reduction, places, .. }: Accumulation) {
        let mut taken = places.map(|place| place.map_or_else(Buffer::default, |place| take(&mut self.buffers[place])));
        let [out, rest, low] = &mut taken;
        finish(reduction, Written { out, rest, low });
        for (place, buffer) in places.into_iter().zip(taken) {
            place.into_iter().zip([buffer]).for_each(|(place, buffer)| self.buffers[place] = buffer);
        }
    }
}

/// Runs a product, by the fast way if both factors are finite. A factor is looked at once, or once a chunk; or it is the
/// result that is looked at, if it is smaller: where that is finite, so was each entry that has gone into it.
fn run_product<T: Float>(
    step: &ProductStep,
    (store, finite): (Store<T>, &mut [[Option<bool>; 2]]),
    chunk: Chunk,
    (out, before): (&mut [T], usize),
    pool: &Pool<T>,
) {
    let factors = [&step.left, &step.right];
    let place = |view: &View| usize::from(view.moves());
    let unknown = factors.into_iter().filter(|view| finite[view.tensor][place(view)].is_none());
    let unknown: usize = unknown.map(|view| step.count(view, chunk)).sum();
    if !step.accumulate && (1..unknown).contains(&step.count(&step.out, chunk)) {
        step.run(store, chunk, (out, before), true, pool);
        if step.is_finite(&step.out, (out, before), chunk) {
            factors.into_iter().for_each(|view| finite[view.tensor][place(view)] = Some(true));
            return;
        }
    }
    let all = factors.into_iter().all(|view| {
        let look = || step.is_finite(view, store.tensor(view.tensor), chunk);
        *finite[view.tensor][place(view)].get_or_insert_with(look)
    });
    step.run(store, chunk, (out, before), all, pool);
}

/// The inputs that were given as numbers, by tensor. Small plans allocate nothing in a run.
type Given<'a, T> = SmallVec<[Option<&'a [T]>; SMALL_PLAN]>;

/// All buffers, to read.
fn shared<'a, T: Float>(buffers: &'a [Buffer<T>], given: &[Option<&'a [T]>]) -> Parts<'a, T> {
    let entries = |(number, buffer): (usize, &'a Buffer<T>)| given.get(number).copied().flatten().unwrap_or(buffer);
    buffers.iter().enumerate().map(entries).map(Part::Shared).collect()
}

/// The buffer of a tensor: its own, or that of the tensor whose memory it takes over.
pub(crate) fn buffer_of(plan: &Plan, tensor: TensorId) -> usize {
    let replaced = |tensor: &TensorId| plan.tensors[tensor.0].replaces;
    // No chain is longer than there are tensors.
    let chain = std::iter::successors(Some(tensor), replaced).take(plan.tensors.len());
    chain.last().unwrap_or(tensor).0
}

/// Compiles the steps of a plan.
struct Compiler<'a, T> {
    plan: &'a Plan,
    layouts: Vec<Layout>,
    buffers: &'a mut Vec<Buffer<T>>,
}

impl<T: Float> Compiler<'_, T> {
    fn pass(&mut self, pass: &Pass) -> CompiledPass<T> {
        let before = pass.before.iter().map(|step| self.step(step, &pass.before)).collect();
        let segment = |segment: &Segment| match segment {
            Segment::Step(step) => self.step(&pass.chunk[*step], &pass.chunk),
            Segment::Strips(strips) => self.strips(strips, &pass.chunk),
        };
        CompiledPass { before, chunk: pass.segments.iter().map(segment).collect() }
    }

    fn step(&mut self, step: &Step, all: &[Step]) -> Compiled<T> {
        match ProductStep::new(self.plan, &self.layouts, step) {
            Some(product) => Compiled::Product(product),
            None => Compiled::Tape(Box::new(self.tape(step, all))),
        }
    }

    fn strips(&mut self, strips: &Strips, all: &[Step]) -> Compiled<T> {
        let (mut steps, mut tapes) = (StripSteps::default(), Vec::new());
        for group in &strips.groups {
            let planned = &all[group.clone()];
            let first = steps.tapes.len();
            let product = planned.first().and_then(|step| ProductStep::new(self.plan, &self.layouts, step));
            if let Some(mut product) = product {
                product.low = product.accumulate.then(|| self.low_part(product.out.tensor));
                steps.runs.push(Run::Product(steps.products.len()));
                steps.products.push(product);
                continue;
            }
            steps.runs.push(match planned.len() {
                1 => Run::One(first),
                count => {
                    let members = first..first + count;
                    Run::Joint(Box::new(Joint::new(self.plan, &self.layouts, members, planned)))
                }
            });
            tapes.extend(planned);
            steps.tapes.extend(planned.iter().map(|step| self.tape(step, all)));
        }
        keep_exponentials(&tapes, &mut steps);
        Compiled::Strips(StripSegment::new(steps, (strips.strip, strips.task), &self.layouts, self.plan.chunk))
    }

    /// A buffer for what a sum into another has lost so far.
    fn low_part(&mut self, buffer: usize) -> usize {
        self.buffers.push(Buffer::new(self.layouts[buffer].entries()));
        self.layouts.push(self.layouts[buffer].clone());
        self.buffers.len() - 1
    }

    fn tape(&mut self, step: &Step, all: &[Step]) -> TapeStep {
        match step {
            Step::Map { out, loops, tape, exceptions } => {
                let read = all.iter().any(|other| other.reads().contains(out));
                TapeStep::map(self.plan, &self.layouts, (*out, read), loops, tape, exceptions)
            }
            Step::Reduce { out, rest, reduction, loops, tape, accumulate } => {
                let (results, how) = ((*out, *rest), (*reduction, *accumulate));
                let mut step = TapeStep::reduce(self.plan, &self.layouts, results, loops, tape, how);
                step.low = accumulate.then(|| self.low_part(out.0));
                step
            }
            Step::MatrixProduct { .. } => unreachable!("every matrix product of a plan has the loops of one"),
        }
    }
}

/// Lets tapes take exponentials from the log-sum-exps before them.
fn keep_exponentials(planned: &[&Step], StripSteps { tapes: steps, runs, .. }: &mut StripSteps) {
    let mut number = 0;
    for position in 0..runs.len() {
        let Run::One(step) = runs[position] else { continue };
        let Step::Reduce { out, rest: Some(rest), .. } = planned[step] else { continue };
        let Some((sum, later)) = steps[step..].split_first_mut() else { continue };
        let mut taken = false;
        for run in &mut runs[position + 1..] {
            let program = match run {
                Run::One(other) => later[*other - step - 1].program(),
                Run::Joint(joint) => (&mut joint.program, &joint.loops),
                Run::Product(_) => continue,
            };
            taken |= sum.keep_for(program, (*out, *rest), number);
        }
        number += usize::from(taken);
    }
}

fn copy_integers<T: Float>(name: &str, values: &[i64], buffer: &mut Buffer<T>) -> Result<(), RunError> {
    // Small numbers are exact in each type; the others go through i128, where no conversion saturates at a neighbour.
    let inexact = |value: &&i64| {
        value.unsigned_abs() > 1 << 24 && T::from_f64(**value as f64).to_f64() as i128 != i128::from(**value)
    };
    if let Some(&value) = values.iter().find(inexact) {
        return Err(RunError::NotExact { name: name.to_owned(), value });
    }
    buffer.refill(values.iter().map(|&value| T::from_f64(value as f64)));
    Ok(())
}
