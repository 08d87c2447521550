//! Neighbouring operations that one pass over a tile does at once.

use super::arithmetic::{Operand, unary};
use super::{Extra, multiply, operands};
use crate::vector::{self, Float, scalar};
use kobai::function::Function;
use kobai::plan::tape::Operation;

/// e^((x ± a) ± b) · c, where a, b and c are the same for all lanes.
#[derive(Clone, Debug)]
pub(super) struct Exponential {
    /// x
    pub argument: usize,
    /// a and b, and whether they are added.
    pub shifts: [Option<(usize, bool)>; 2],
    /// c
    pub factor: Option<usize>,
}

impl Exponential {
    /// Works it out for a tile, from the numbers that its lanes share.
    pub fn fill<T: Float>(&self, out: &mut [T], argument: Operand<T>, scalars: &[T]) {
        let [first, second] = self.shifts.map(|shift| match shift {
            None => T::ZERO,
            Some((by, added)) => {
                if added {
                    -scalars[by]
                } else {
                    scalars[by]
                }
            }
        });
        let factor = self.factor.map_or(T::ONE, |factor| scalars[factor]);
        match argument {
            // A factor of 0 removes the other.
            _ if factor == T::ZERO => out.fill(T::ZERO),
            Operand::Each(values) if factor.magnitude() < T::INFINITY => {
                vector::exp_shifted_scaled_to(values, (first, second), factor, out);
            }
            _ => unary(out, argument, |x| multiply(scalar::exp((x - first) - second), factor)),
        }
    }
}

/// Finds exponentials with what stands around them: the extras of their last operations say so, and the operations inside
/// are marked in the result.
pub(super) fn fuse(operations: &[Operation], extras: &mut [Extra], uniform: &[bool]) -> Vec<bool> {
    let mut uses = vec![0; operations.len()];
    operations.iter().flat_map(operands).for_each(|operand| uses[operand] += 1);
    let mut inside = vec![false; operations.len()];
    for position in 0..operations.len() {
        let Operation::Call(Function::Exp, arguments) = &operations[position] else { continue };
        if uniform[position] {
            continue;
        }
        let (argument, shifts, between) = shifted(operations, arguments[0], (&uses, uniform));
        // A product with the exponential, if nothing else reads it.
        let scaled = (position + 1..operations.len()).find_map(|last| match operations[last] {
            Operation::Multiply(a, b) | Operation::MultiplyFinite(a, b) if uses[position] == 1 => {
                [(a, b), (b, a)].into_iter().find(|&(c, e)| e == position && uniform[c]).map(|(c, _)| (last, c))
            }
            _ => None,
        });
        let last = scaled.map_or(position, |(last, _)| last);
        extras[last] = Extra::Exponential(Exponential { argument, shifts, factor: scaled.map(|(_, factor)| factor) });
        between.into_iter().chain((last != position).then_some(position)).for_each(|one| inside[one] = true);
    }
    inside
}

/// What is shifted by at most two numbers, by which, and the operations that do it.
fn shifted(
    operations: &[Operation],
    argument: usize,
    (uses, uniform): (&[usize], &[bool]),
) -> (usize, [Option<(usize, bool)>; 2], Vec<usize>) {
    let (mut argument, mut shifts, mut between) = (argument, [None; 2], Vec::new());
    for shift in shifts.iter_mut().rev() {
        let found = match operations[argument] {
            Operation::Subtract(x, a) if uniform[a] => Some((x, (a, false))),
            Operation::Add(x, a) if uniform[a] => Some((x, (a, true))),
            Operation::Add(a, x) if uniform[a] => Some((x, (a, true))),
            _ => None,
        };
        let Some((x, by)) = found.filter(|(x, _)| uses[argument] == 1 && !uniform[*x]) else { break };
        *shift = Some(by);
        between.push(argument);
        argument = x;
    }
    (argument, shifts, between)
}
