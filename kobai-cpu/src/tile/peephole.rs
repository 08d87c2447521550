//! Neighbouring operations that one pass over a tile does at once.

use super::arithmetic::{Operand, unary};
use super::terms::{self, Search};
use super::{Extra, multiply};
use crate::vector::{self, Float, scalar};
use kobai::function::Function;
use kobai::plan::tape::Operation;

/// Up to two numbers that shift an argument, and whether they are added.
type Shifts = [Option<(usize, bool)>; 2];

/// e^((x ± a) ± b) · c, where a, b and c are the same for all lanes.
#[derive(Clone, Debug)]
pub(super) struct Exponential {
    /// x
    pub argument: usize,
    /// a and b, and whether they are added.
    pub shifts: Shifts,
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

/// Two functions that cost little more together than one, of the same argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pair {
    /// eˣ and eˣ − 1, in this order.
    Exponentials,
    /// σ(x) and σ(−x).
    Sigmoids,
    /// ln(1 + eˣ) and ln(1 + e⁻ˣ).
    Softplus,
}

/// An operation that does another one, later on the tape, along with its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Along {
    /// Which functions.
    pub pair: Pair,
    /// x
    pub argument: usize,
    /// The later operation.
    pub other: usize,
    /// Whether the later operation is the pair's first.
    pub swapped: bool,
}

impl Along {
    /// Where the pair's first and second go, of the places of the operation and of the later one.
    pub fn in_order<'a, T>(&self, own: &'a mut [T], other: &'a mut [T]) -> (&'a mut [T], &'a mut [T]) {
        if self.swapped { (other, own) } else { (own, other) }
    }

    /// Works both out for a tile.
    pub fn fill<T: Float>(&self, (first, second): (&mut [T], &mut [T]), argument: Operand<T>) {
        match (self.pair, argument) {
            (Pair::Sigmoids, Operand::Each(values)) => vector::sigmoid_pair_to(values, first, second),
            (Pair::Softplus, Operand::Each(values)) => vector::softplus_pair_to(values, first, second),
            (Pair::Exponentials, Operand::Each(values)) if vector::max(values) <= T::ZERO => {
                vector::exp_and_expm1_to(values, first, second);
            }
            (Pair::Exponentials, _) => {
                unary(first, argument, scalar::exp);
                unary(second, argument, scalar::expm1);
            }
            (Pair::Sigmoids, _) => {
                unary(first, argument, scalar::sigmoid);
                unary(second, argument, |x| scalar::sigmoid(-x));
            }
            (Pair::Softplus, _) => {
                unary(first, argument, scalar::softplus);
                unary(second, argument, |x| scalar::softplus(-x));
            }
        }
    }
}

/// Finds pairs: the extras of the earlier operations say so.
pub(super) fn find_pairs(operations: &[Operation], extras: &mut [Extra], uniform: &[bool]) {
    let mut taken = vec![false; operations.len()];
    for position in 0..operations.len() {
        let Some((function, argument)) = call_of(operations, position).filter(|_| !uniform[position]) else { continue };
        let later = (position + 1..operations.len()).filter(|&later| !taken[later] && !taken[position]);
        let found = later.filter_map(|later| {
            let (other, other_argument) = call_of(operations, later)?;
            let (pair, swapped) = match (function, other) {
                (Function::Exp, Function::Expm1) if argument == other_argument => (Pair::Exponentials, false),
                (Function::Expm1, Function::Exp) if argument == other_argument => (Pair::Exponentials, true),
                (Function::Sigmoid, Function::Sigmoid) => (Pair::Sigmoids, false),
                (Function::Softplus, Function::Softplus) => (Pair::Softplus, false),
                _ => return None,
            };
            if pair == Pair::Exponentials || is_negative_of(operations, other_argument, argument) {
                return Some(Along { pair, argument, other: later, swapped });
            }
            let along = Along { pair, argument: other_argument, other: later, swapped: true };
            is_negative_of(operations, argument, other_argument).then_some(along)
        });
        if let Some(along) = found.min_by_key(|along| along.other) {
            taken[along.other] = true;
            extras[position] = Extra::Along(along);
            extras[along.other] = Extra::Done(position);
        }
    }
}

/// A function of one argument.
fn call_of(operations: &[Operation], position: usize) -> Option<(Function, usize)> {
    match &operations[position] {
        Operation::Call(function, arguments) if arguments.len() == 1 => Some((*function, arguments[0])),
        _ => None,
    }
}

/// Whether the first is −1 times the second.
fn is_negative_of(operations: &[Operation], first: usize, second: usize) -> bool {
    let minus_one = |position: usize| operations[position] == Operation::Constant(-1.0);
    match operations[first] {
        Operation::Multiply(a, b) | Operation::MultiplyFinite(a, b) => {
            minus_one(a) && b == second || minus_one(b) && a == second
        }
        _ => false,
    }
}

/// Finds exponentials with what stands around them, and products and sums of several: the extras of their last operations say
/// so, and the operations inside are marked in the result.
pub(super) fn fuse(operations: &[Operation], extras: &mut [Extra], uniform: &[bool], results: &[usize]) -> Vec<bool> {
    let mut uses = vec![0; operations.len()];
    let reads = extras.iter().zip(operations).flat_map(|(extra, operation)| extra.reads(operation));
    reads.chain(results.iter().copied()).for_each(|operand| uses[operand] += 1);
    // A pair needs no −x.
    let mut inside: Vec<bool> = uses.iter().map(|&uses| uses == 0).collect();
    for position in 0..operations.len() {
        let Operation::Call(Function::Exp, arguments) = &operations[position] else { continue };
        if uniform[position] || !matches!(extras[position], Extra::None) {
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
    terms::find(&Search { operations, uniform, uses: &uses }, extras, &mut inside);
    inside
}

/// What is shifted by at most two numbers, by which, and the operations that do it.
fn shifted(
    operations: &[Operation],
    argument: usize,
    (uses, uniform): (&[usize], &[bool]),
) -> (usize, Shifts, Vec<usize>) {
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
