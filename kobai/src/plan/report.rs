//! What a plan costs: passes, operations, bytes moved, memory. The figures are counts, not measurements.

use super::tape::Tape;
use super::{Plan, Role, Step, TensorId};
use crate::expr::Axis;

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
        tensor.axes.iter().enumerate().map(length).product()
    }

    /// Counts the costs for entries of this many bytes.
    pub fn costs(&self, entry_bytes: usize) -> Costs {
        let bytes = |role: fn(&Role) -> bool| -> f64 {
            let tensors = self.tensors.iter().enumerate().filter(|(_, tensor)| role(&tensor.role));
            tensors.map(|(number, _)| self.entries(TensorId(number)) as f64 * entry_bytes as f64).sum()
        };
        let input_bytes = bytes(|role| matches!(role, Role::Input(_)));
        let output_bytes = bytes(|role| matches!(role, Role::Output(_)));
        let temporary_bytes = bytes(|role| *role == Role::Temporary);
        let mut costs = Costs {
            product_operations: 0.0,
            elementwise_operations: 0.0,
            transcendental: 0.0,
            bytes_moved: output_bytes,
            input_bytes,
            output_bytes,
            temporary_bytes,
        };
        for pass in &self.passes {
            let mut read = std::collections::BTreeSet::new();
            for step in pass.before.iter().chain(&pass.chunk) {
                self.count(step, &mut costs);
                read.extend(
                    step.reads().into_iter().filter(|tensor| matches!(self.tensors[tensor.0].role, Role::Input(_))),
                );
            }
            costs.bytes_moved +=
                read.into_iter().map(|tensor| self.entries(tensor) as f64 * entry_bytes as f64).sum::<f64>();
        }
        costs
    }

    fn count(&self, step: &Step, costs: &mut Costs) {
        let points = |loops: &[super::Loop]| loops.iter().map(|one| self.size(one.axis) as f64).product::<f64>();
        match step {
            Step::MatrixProduct { loops, .. } => costs.product_operations += 2.0 * points(loops),
            Step::Map { loops, tape, .. } => {
                let (elementwise, transcendental) = tape.counts();
                costs.elementwise_operations += points(loops) * elementwise as f64;
                costs.transcendental += points(loops) * transcendental as f64;
            }
            Step::Reduce { loops, tape, rest, .. } => {
                let (elementwise, transcendental) = tape.counts();
                costs.elementwise_operations += points(loops) * (elementwise + 1) as f64;
                costs.transcendental += points(loops) * (transcendental + usize::from(rest.is_some())) as f64;
            }
        }
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
}
