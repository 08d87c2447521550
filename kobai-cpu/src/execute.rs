//! Runs a plan, pass by pass and chunk by chunk.
//!
//! An executor compiles the steps once, allocates every buffer once, and uses both again in each run. The same plan and
//! inputs give the same bits out, run after run and for any number of threads; the threads are those of the rayon pool in
//! which [`Executor::run`] is called.

pub mod error;
pub mod inputs;
pub(crate) mod layout;
mod step;

use crate::buffers::{Pool, Store, Written};
use crate::product::ProductStep;
use crate::tile::reduce::{finish, start};
use crate::vector::Float;
use error::RunError;
use inputs::{Input, Inputs};
use kobai::expr::Reduction;
use kobai::plan::{Plan, Role, Step, TensorId};
use layout::{Chunk, Layout};
use std::mem::take;
use step::TapeStep;

/// A step, compiled.
enum Compiled {
    Tape(TapeStep),
    Product(ProductStep),
}

/// The steps of a pass, compiled.
struct CompiledPass {
    before: Vec<Compiled>,
    chunk: Vec<Compiled>,
}

/// A plan made ready to run in `f32` or `f64`, with its memory.
pub struct Executor<T: Float = f64> {
    plan: Plan,
    layouts: Vec<Layout>,
    passes: Vec<CompiledPass>,
    /// One for each tensor (empty for an input given as numbers), then what sums over chunks have lost so far.
    buffers: Vec<Vec<T>>,
    /// Whether all entries of a tensor are known to be finite or not.
    finite: Vec<Option<bool>>,
    pool: Pool<T>,
}

impl<T: Float> Executor<T> {
    /// Compiles a plan and allocates its buffers.
    ///
    /// # Panics
    /// Perhaps, here or in a run, for a plan that [`kobai::plan::plan`] does not make: tensors or loops that are not there.
    pub fn new(plan: Plan) -> Executor<T> {
        let layouts: Vec<Layout> = (0..plan.tensors.len()).map(|tensor| Layout::new(&plan, TensorId(tensor))).collect();
        let is_input = |tensor: usize| matches!(plan.tensors[tensor].role, Role::Input(_));
        let length = |tensor: usize| {
            if is_input(tensor) { 0 } else { layouts[tensor].entries() }
        };
        let mut buffers: Vec<Vec<T>> = (0..layouts.len()).map(|tensor| vec![T::ZERO; length(tensor)]).collect();
        let mut compile = |steps: &[Step]| -> Vec<Compiled> {
            steps.iter().map(|step| compile(&plan, &layouts, step, &mut buffers)).collect()
        };
        let passes = plan
            .passes
            .iter()
            .map(|pass| CompiledPass { before: compile(&pass.before), chunk: compile(&pass.chunk) })
            .collect();
        let finite = vec![None; layouts.len()];
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
    /// hold, a label or neighbour outside of its axis. After an error the outputs are of no use; the executor is.
    pub fn run(&mut self, inputs: &Inputs<'_, T>) -> Result<(), RunError> {
        let given = self.bind(inputs)?;
        self.finite.fill(None);
        let passes = take(&mut self.passes);
        let result = passes.iter().try_for_each(|pass| self.run_pass(pass, &given));
        self.passes = passes;
        result
    }

    /// The entries of an output, row-major, after a run.
    pub fn output(&self, name: &str) -> Option<&[T]> {
        let (_, tensor) = self.plan.outputs.iter().find(|(known, _)| known == name)?;
        self.buffers.get(tensor.0).map(Vec::as_slice)
    }

    /// The inputs by tensor. Numbers stay where they are; integers are copied to the tensor's buffer.
    fn bind<'a>(&mut self, inputs: &Inputs<'a, T>) -> Result<Vec<Option<&'a [T]>>, RunError> {
        let mut given = vec![None; self.layouts.len()];
        for (tensor, description) in self.plan.tensors.iter().enumerate() {
            if !matches!(description.role, Role::Input(_)) {
                continue;
            }
            let name = &description.name;
            let input = inputs.get(name).ok_or_else(|| RunError::MissingInput { name: name.clone() })?;
            let count = match input {
                Input::Numbers(values) => values.len(),
                Input::Integers(values) => values.len(),
            };
            let expected = self.layouts[tensor].entries();
            if count != expected {
                return Err(RunError::WrongLength { name: name.clone(), expected, given: count });
            }
            match input {
                Input::Numbers(values) => given[tensor] = Some(values),
                Input::Integers(values) => copy_integers(name, values, &mut self.buffers[tensor])?,
            }
        }
        Ok(given)
    }

    fn run_pass(&mut self, pass: &CompiledPass, given: &[Option<&[T]>]) -> Result<(), RunError> {
        for step in &pass.before {
            self.run_step(step, given, Chunk::default())?;
        }
        // Also where there is no chunk at all: a sum over nothing is 0.
        pass.chunk.iter().for_each(|step| self.start(step));
        let size = self.plan.streamed.map_or(0, |axis| self.plan.size(axis));
        for first in (0..size).step_by(self.plan.chunk.max(1)) {
            let chunk = Chunk { start: first, length: self.plan.chunk.max(1).min(size - first) };
            for step in &pass.chunk {
                self.run_step(step, given, chunk)?;
            }
        }
        pass.chunk.iter().for_each(|step| self.finish(step));
        Ok(())
    }

    fn run_step(&mut self, step: &Compiled, given: &[Option<&[T]>], chunk: Chunk) -> Result<(), RunError> {
        match step {
            Compiled::Tape(step) => {
                self.finite[step.out] = None;
                self.with_written(step, |executor, written| {
                    let store = Store { given, made: &executor.buffers };
                    step.run(store, chunk, written, &executor.pool)
                })
            }
            Compiled::Product(step) => {
                self.finite[step.out.tensor] = None;
                let finite = self.reads_finite(step, given, chunk);
                let mut out = take(&mut self.buffers[step.out.tensor]);
                step.run(Store { given, made: &self.buffers }, chunk, &mut out, finite);
                self.buffers[step.out.tensor] = out;
                Ok(())
            }
        }
    }

    /// Whether both factors are finite; what does not change from chunk to chunk is looked at once.
    fn reads_finite(&mut self, step: &ProductStep, given: &[Option<&[T]>], chunk: Chunk) -> bool {
        [&step.left, &step.right].into_iter().all(|view| {
            let store = Store { given, made: &self.buffers };
            if view.moves() {
                return step.is_finite(view, store, chunk);
            }
            *self.finite[view.tensor].get_or_insert_with(|| step.is_finite(view, store, chunk))
        })
    }

    /// Takes the buffers that a step writes out of their places while it runs.
    fn with_written<R>(&mut self, step: &TapeStep, work: impl FnOnce(&Executor<T>, Written<T>) -> R) -> R {
        let places = [Some(step.out), step.rest, step.low];
        let mut taken = places.map(|place| place.map_or_else(Vec::new, |place| take(&mut self.buffers[place])));
        let [out, rest, low] = &mut taken;
        let result = work(self, Written { out, rest, low });
        for (place, buffer) in places.into_iter().zip(taken) {
            if let Some(place) = place {
                self.buffers[place] = buffer;
            }
        }
        result
    }

    /// Before the first chunk.
    fn start(&mut self, step: &Compiled) {
        match step {
            Compiled::Product(step) if step.accumulate => self.buffers[step.out.tensor].fill(T::ZERO),
            Compiled::Tape(step) => {
                if let Some(reduction) = accumulated(step) {
                    self.with_written(step, |_, written| start(reduction, written));
                }
            }
            Compiled::Product(_) => {}
        }
    }

    /// After the last chunk.
    fn finish(&mut self, step: &Compiled) {
        if let Compiled::Tape(step) = step
            && let Some(reduction) = accumulated(step)
        {
            self.with_written(step, |_, written| finish(reduction, written));
        }
    }
}

/// The reduction of a step that joins chunks.
fn accumulated(step: &TapeStep) -> Option<Reduction> {
    step.reducing.filter(|reducing| reducing.accumulate).map(|reducing| reducing.reduction)
}

fn compile<T: Float>(plan: &Plan, layouts: &[Layout], step: &Step, buffers: &mut Vec<Vec<T>>) -> Compiled {
    if let Some(product) = ProductStep::new(plan, layouts, step) {
        return Compiled::Product(product);
    }
    match step {
        Step::Map { out, loops, tape } => Compiled::Tape(TapeStep::map(plan, layouts, *out, loops, tape)),
        Step::Reduce { out, rest, reduction, loops, tape, accumulate } => {
            let mut step = TapeStep::reduce(plan, layouts, (*out, *rest), loops, tape, (*reduction, *accumulate));
            if *accumulate {
                step.low = Some(buffers.len());
                buffers.push(vec![T::ZERO; layouts[out.0].entries()]);
            }
            Compiled::Tape(step)
        }
        Step::MatrixProduct { .. } => {
            unreachable!("every matrix product of a plan has the loops of one")
        }
    }
}

fn copy_integers<T: Float>(name: &str, values: &[i64], buffer: &mut Vec<T>) -> Result<(), RunError> {
    buffer.clear();
    buffer.reserve(values.len());
    for &value in values {
        let converted = T::from_f64(value as f64);
        // Through i128, where no conversion saturates at a neighbour.
        if converted.to_f64() as i128 != i128::from(value) {
            return Err(RunError::NotExact { name: name.to_owned(), value });
        }
        buffer.push(converted);
    }
    Ok(())
}
