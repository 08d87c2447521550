//! Operations that one pass over a tile does at once.

use super::arithmetic::{Operand, call_unary, unary};
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

/// Functions of x that cost little more together than one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// eˣ and eˣ − 1, in this order.
    Exponentials,
    /// σ(x), σ(−x), ln(1 + eˣ) and ln(1 + e⁻ˣ), in this order.
    Logistic,
}

impl Family {
    /// Which family a function is of, and its place there, also with the argument's sign turned.
    fn of(function: Function) -> Option<(Family, [usize; 2])> {
        match function {
            Function::Exp => Some((Family::Exponentials, [0, 0])),
            Function::Expm1 => Some((Family::Exponentials, [1, 1])),
            Function::Sigmoid => Some((Family::Logistic, [0, 1])),
            Function::Softplus => Some((Family::Logistic, [2, 3])),
            _ => None,
        }
    }
}

/// An operation that does others, later on the tape, along with its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Along {
    /// Which functions.
    pub family: Family,
    /// x
    pub argument: usize,
    /// The operation that each function of the family is, if there is one.
    pub operations: [Option<usize>; 4],
}

impl Along {
    /// Works all of them out for a tile, each where it is wanted.
    pub fn fill<T: Float>(&self, outputs: [Option<&mut [T]>; 4], argument: Operand<T>) {
        match (self.family, argument, outputs) {
            (Family::Logistic, Operand::Each(values), outputs) => vector::logistic_to(values, outputs),
            (Family::Exponentials, Operand::Each(values), [Some(first), Some(second), ..])
                if vector::max(values) <= T::ZERO =>
            {
                vector::exp_and_expm1_to(values, first, second);
            }
            (Family::Exponentials, argument, outputs) => {
                for (output, function) in outputs.into_iter().zip([Function::Exp, Function::Expm1]) {
                    output.into_iter().for_each(|output| call_unary(output, function, argument));
                }
            }
            (Family::Logistic, Operand::Same(x), outputs) => {
                let values = [scalar::sigmoid(x), scalar::sigmoid(-x), scalar::softplus(x), scalar::softplus(-x)];
                for (output, value) in outputs.into_iter().zip(values) {
                    output.into_iter().for_each(|output| output.fill(value));
                }
            }
        }
    }
}

/// Finds functions that are worked out together: the extras of their operations say so.
pub(super) fn find_families(operations: &[Operation], extras: &mut [Extra], uniform: &[bool]) {
    let member = |extras: &[Extra], position: usize| {
        let is_free = !uniform[position] && matches!(extras[position], Extra::None);
        let (function, argument) = call_of(operations, position).filter(|_| is_free)?;
        let (family, places) = Family::of(function)?;
        Some((family, places, argument))
    };
    for position in 0..operations.len() {
        let Some((family, places, argument)) = member(extras, position) else { continue };
        // The others: where, their places, their argument, and whether it is −x where this one is x, or x where this one is −x.
        let others: Vec<(usize, [usize; 2], usize, [bool; 2])> = (position + 1..operations.len())
            .filter_map(|later| {
                let (_, places, other) = member(extras, later).filter(|other| other.0 == family)?;
                let turned = [(other, argument), (argument, other)].map(|(a, b)| is_negative_of(operations, a, b));
                let fits = other == argument || family == Family::Logistic && turned != [false; 2];
                fits.then_some((later, places, other, turned))
            })
            .collect();
        if others.is_empty() {
            continue;
        }
        let x = others.iter().find(|(.., turned)| turned[1]).map(|other| other.2);
        let own_sign = usize::from(x.is_some());
        let mut along = Along { family, argument: x.unwrap_or(argument), operations: [None; 4] };
        along.operations[places[own_sign]] = Some(position);
        for (later, places, _, turned) in others {
            let sign = own_sign ^ usize::from(turned != [false; 2]);
            let place = &mut along.operations[places[sign]];
            if place.is_none() {
                *place = Some(later);
                extras[later] = Extra::Done(position);
            }
        }
        extras[position] = Extra::Along(along);
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
