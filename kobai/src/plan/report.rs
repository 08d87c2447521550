//! What a plan costs: passes, operations, bytes moved, memory. The figures are counts, not measurements.

pub mod devices;
mod touch;

use super::tape::Tape;
use super::{Loop, Pass, Plan, Role, Step, TensorId};
use crate::expr::Axis;
use std::collections::BTreeSet;
use std::ops::AddAssign;

/// The costs of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    /// Floating-point operations of matrix products.
    pub product_operations: f64,
    /// Elementwise operations.
    pub elementwise_operations: f64,
    /// Evaluations of exp, log and their relatives.
    pub transcendental: f64,
    /// Bytes read from inputs and written to outputs, over all passes.
    pub bytes_moved: f64,
    /// Bytes of the inputs.
    pub input_bytes: f64,
    /// Bytes of the outputs.
    pub output_bytes: f64,
    /// Bytes of temporaries that exist at once.
    pub temporary_bytes: f64,
}

/// What a step, or several, cost over a whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepCosts {
    /// Floating-point operations of matrix products.
    pub product_operations: f64,
    /// Elementwise operations, functions among them.
    pub elementwise_operations: f64,
    /// Evaluations of exp, log and their relatives.
    pub transcendental: f64,
    /// Bytes read and written where no cache holds anything from one step, or one chunk, to the next.
    pub bytes: f64,
}

impl StepCosts {
    /// All operations, each function as one.
    pub fn operations(&self) -> f64 {
        self.product_operations + self.elementwise_operations
    }
}

impl AddAssign for StepCosts {
    fn add_assign(&mut self, other: StepCosts) {
        self.product_operations += other.product_operations;
        self.elementwise_operations += other.elementwise_operations;
        self.transcendental += other.transcendental;
        self.bytes += other.bytes;
    }
}

/// What the steps of a pass cost, in order, over a whole run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PassCosts {
    /// Those before the chunks.
    pub before: Vec<StepCosts>,
    /// Those of all chunks.
    pub chunk: Vec<StepCosts>,
}

/// The memory of a program in which every tensor exists in full, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InFull {
    /// The outputs.
    pub output_bytes: f64,
    /// All that lies between inputs and outputs.
    pub temporary_bytes: f64,
}

impl Plan {
    /// The size of an axis; 1 if it is not known.
    pub fn size(&self, axis: Axis) -> usize {
        self.sizes.get(&axis).copied().unwrap_or(1)
    }

    /// How many chunks a pass has.
    pub fn chunks(&self) -> usize {
        self.streamed.map_or(1, |axis| self.size(axis).div_ceil(self.chunk.max(1)))
    }

    /// The entries of a tensor that exist at once.
    pub fn entries(&self, tensor: TensorId) -> usize {
        let tensor = &self.tensors[tensor.0];
        let length = |(place, &axis): (usize, &Axis)| match tensor.streamed {
            Some(streamed) if streamed == place && !tensor.whole => {
                tensor.strip.unwrap_or(self.chunk).min(self.chunk).min(self.size(axis))
            }
            _ => self.size(axis),
        };
        // Sizes whose product overflows ask for more than any memory has.
        tensor.axes.iter().enumerate().map(length).fold(1, usize::saturating_mul)
    }

    /// Counts the costs for entries of this many bytes.
    pub fn costs(&self, entry_bytes: usize) -> Costs {
        let input_bytes = self.bytes_of(|role| matches!(role, Role::Input(_)), entry_bytes);
        let output_bytes = self.bytes_of(|role| matches!(role, Role::Output(_)), entry_bytes);
        let mut counted = StepCosts::default();
        let mut bytes_moved = output_bytes;
        for pass in &self.passes {
            let mut read = BTreeSet::new();
            let costs = self.pass_costs(pass, entry_bytes);
            costs.before.into_iter().chain(costs.chunk).for_each(|one| counted += one);
            for step in pass.before.iter().chain(&pass.chunk) {
                let is_input = |tensor: &TensorId| matches!(self.tensors[tensor.0].role, Role::Input(_));
                read.extend(step.reads().into_iter().filter(is_input));
            }
            bytes_moved += read.into_iter().map(|tensor| self.entries(tensor) as f64 * entry_bytes as f64).sum::<f64>();
        }
        Costs {
            product_operations: counted.product_operations,
            elementwise_operations: counted.elementwise_operations,
            transcendental: counted.transcendental,
            bytes_moved,
            input_bytes,
            output_bytes,
            temporary_bytes: (self.peak_bytes(entry_bytes) as f64 - output_bytes).max(0.0),
        }
    }

    fn bytes_of(&self, role: fn(&Role) -> bool, entry_bytes: usize) -> f64 {
        let tensors = self.tensors.iter().enumerate().filter(|(_, tensor)| role(&tensor.role));
        tensors.map(|(number, _)| self.entries(TensorId(number)) as f64 * entry_bytes as f64).sum()
    }

    /// The memory that the same tensors take where each exists in full until the end, as when every operation is run by
    /// itself and keeps what the gradient needs.
    pub fn in_full(&self, entry_bytes: usize) -> InFull {
        let of_role = |role: fn(&Role) -> bool| -> f64 {
            let tensors = self.tensors.iter().filter(|tensor| role(&tensor.role));
            let entries = tensors.map(|tensor| tensor.axes.iter().map(|&axis| self.size(axis) as f64).product::<f64>());
            entries.sum::<f64>() * entry_bytes as f64
        };
        InFull {
            output_bytes: of_role(|role| matches!(role, Role::Output(_))),
            temporary_bytes: of_role(|role| *role == Role::Temporary),
        }
    }

    /// What the steps of a pass cost. Of tapes that run together, each costs what those before it have not worked out.
    pub fn pass_costs(&self, pass: &Pass, entry_bytes: usize) -> PassCosts {
        let before = pass.before.iter().map(|step| self.step_costs(step, 1, entry_bytes));
        let chunk = pass.chunk.iter().enumerate().map(|(number, step)| {
            let mut costs = self.step_costs(step, self.chunks(), entry_bytes);
            let (operations, functions) = pass.worked_out_before(number);
            let points = self.points(step.loops());
            costs.elementwise_operations -= points * operations as f64;
            costs.transcendental -= points * functions as f64;
            costs
        });
        PassCosts { before: before.collect(), chunk: chunk.collect() }
    }

    /// How often loops turn together.
    fn points(&self, loops: &[Loop]) -> f64 {
        loops.iter().map(|one| self.size(one.axis) as f64).product()
    }

    /// What a step costs by itself that is run so many times: once, or for each chunk.
    fn step_costs(&self, step: &Step, runs: usize, entry_bytes: usize) -> StepCosts {
        let points = |loops: &[Loop]| self.points(loops);
        let bytes = self.touched(step, runs) * entry_bytes as f64;
        let mut costs = StepCosts { bytes, ..StepCosts::default() };
        let mut add = |points: f64, tape: &Tape, more: usize, functions: usize| {
            let (elementwise, transcendental) = tape.counts();
            costs.elementwise_operations += points * (elementwise + more) as f64;
            costs.transcendental += points * (transcendental + functions) as f64;
        };
        match step {
            Step::MatrixProduct { loops, .. } => costs.product_operations = 2.0 * points(loops),
            Step::Map { loops, tape, exceptions, .. } => {
                add(points(loops), tape, 0, 0);
                let outer = points(&loops[..loops.len().saturating_sub(1)]);
                exceptions.iter().flat_map(|one| [&one.index, &one.value]).for_each(|tape| add(outer, tape, 0, 0));
            }
            Step::Reduce { loops, tape, rest, .. } => add(points(loops), tape, 1, usize::from(rest.is_some())),
        }
        costs
    }
}

impl Step {
    /// The tensors that a step reads.
    pub fn reads(&self) -> Vec<TensorId> {
        match self {
            Step::MatrixProduct { left, right, .. } => vec![left.tensor, right.tensor],
            Step::Map { tape, exceptions, .. } => {
                let apart = exceptions.iter().flat_map(|one| [&one.index, &one.value]).flat_map(Tape::loads);
                tape.loads().into_iter().chain(apart).collect()
            }
            Step::Reduce { tape, .. } => tape.loads(),
        }
    }

    /// The tensor that a step makes.
    pub fn makes(&self) -> TensorId {
        match self {
            Step::MatrixProduct { out, .. } => out.tensor,
            Step::Map { out, .. } | Step::Reduce { out, .. } => *out,
        }
    }

    /// Its tape, if it is a map or a reduction.
    pub fn tape(&self) -> Option<&Tape> {
        match self {
            Step::MatrixProduct { .. } => None,
            Step::Map { tape, .. } | Step::Reduce { tape, .. } => Some(tape),
        }
    }

    /// Its loops.
    pub fn loops(&self) -> &[Loop] {
        match self {
            Step::MatrixProduct { loops, .. } | Step::Map { loops, .. } | Step::Reduce { loops, .. } => loops,
        }
    }

    /// True if the chunks add up in what it makes.
    pub fn accumulates(&self) -> bool {
        matches!(self, Step::MatrixProduct { accumulate: true, .. } | Step::Reduce { accumulate: true, .. })
    }
}
