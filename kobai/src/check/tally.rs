//! The worst errors over many cases, and how far the inputs' own rounding would have moved the results.

use super::directions::power_of_two;
use super::truth::{Basis, Number, Truth};
use super::{Checker, Deviation, Doubles, Expressions, Format, Monitor, bind_needed, evaluate_at};
use crate::eval::Tensor;
use crate::eval::arithmetic::Arithmetic;
use crate::eval::data::{Bound, Inputs};
use crate::eval::high::High;
use crate::expr::{Context, Symbol};
use crate::function::Function;
use crate::source::Diagnostic;
use std::collections::HashMap;

/// How much results move when inputs move by a small part of themselves: the movement divided by that part.
pub struct Sensitivity {
    /// Σ |x ∂f/∂x| over all inputs that the gradient is asked for.
    pub value: f64,
    /// Σ |x ∂g/∂x| over all real inputs for each gradient entry g, measured by moving one input after the other; where
    /// there are many, by moving groups, whose parts may cancel.
    pub gradients: Vec<Vec<f64>>,
}

/// How often inputs are moved, at most, to see how the gradient moves.
const MOST_MOVEMENTS: usize = 4;

impl Checker {
    /// How sensitive the value and the gradients are at a point whose truth is known.
    ///
    /// # Errors
    /// Inputs that do not fit, or an interruption.
    pub fn sensitivity(
        &self,
        context: &Context,
        inputs: &Inputs,
        truth: &Truth,
        monitor: &Monitor<'_>,
    ) -> Result<Sensitivity, Vec<Diagnostic>> {
        let bound = bind_needed(context, &self.written, &self.symbols, inputs)?;
        let mut high = High::new(truth.precision);
        let mut value = high.double(0.0);
        for (&symbol, gradient) in self.symbols.iter().zip(&truth.gradients) {
            let array = bound.array(symbol).map_or(&[][..], |array| &array.data);
            for (&entry, slope) in array.iter().zip(&gradient.data) {
                let entry = high.double(entry);
                let product = high.multiply(&entry, slope);
                let size = high.call(Function::Abs, &[product]);
                value = high.add(&value, &size);
            }
        }
        let value = high.to_double(&value);
        let part = power_of_two(&mut high, -(truth.precision as f64) / 2.0);
        let mut gradients: Vec<Vec<f64>> =
            truth.gradients.iter().map(|gradient| vec![0.0; gradient.data.len()]).collect();
        let expressions = if truth.basis == Basis::AsWritten { &self.written } else { &self.stable };
        for moved in movements(context, &bound, expressions, &mut high, &part) {
            let (_, found) = evaluate_at(context, &bound, expressions, &mut high, moved, monitor.interrupted)
                .map_err(|error| vec![error])?;
            for ((sum, found), truth) in gradients.iter_mut().zip(&found).zip(&truth.gradients) {
                add_movement(&mut high, sum, found, truth, &part);
            }
        }
        Ok(Sensitivity { value, gradients })
    }
}

/// The real inputs of the loss with one entry moved, or one group of them, up or down at random, for each in turn.
fn movements(
    context: &Context,
    bound: &Bound,
    expressions: &Expressions,
    high: &mut High,
    part: &Number,
) -> Vec<HashMap<Symbol, Vec<Number>>> {
    let arrays =
        context.symbols_in(expressions.loss).into_iter().filter_map(|symbol| Some((symbol, bound.array(symbol)?)));
    let arrays: Vec<_> = arrays.filter(|(_, array)| !array.integer).collect();
    let entries = arrays.iter().map(|(_, array)| array.data.len()).sum::<usize>();
    let groups = entries.min(MOST_MOVEMENTS);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let moved = |group: usize| {
        let mut place = 0;
        let mut values = |data: &[f64]| {
            let value = |&entry: &f64| {
                place += 1;
                if place % groups == group { shifted(high, entry, part, &mut state) } else { high.double(entry) }
            };
            data.iter().map(value).collect()
        };
        arrays.iter().map(|(symbol, array)| (*symbol, values(&array.data))).collect()
    };
    (0..groups).map(moved).collect()
}

/// x (1 ± part)
fn shifted(high: &mut High, entry: f64, part: &Number, state: &mut u64) -> Number {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    let centre = high.double(entry);
    let shift = high.multiply(&centre, part);
    if *state & 1 == 0 { high.add(&centre, &shift) } else { high.subtract(&centre, &shift) }
}

fn add_movement(high: &mut High, sums: &mut [f64], found: &Tensor<Number>, truth: &Tensor<Number>, part: &Number) {
    let largest = truth.data.iter().map(|entry| high.to_double(entry).abs()).fold(0.0, f64::max);
    // Beyond this a gradient has not moved but jumped, as at a kink, and its size there means nothing.
    let jump = 2_f64.powf(high.precision() as f64 / 4.0).min(1e100);
    for ((sum, found), truth) in sums.iter_mut().zip(&found.data).zip(&truth.data) {
        let difference = high.subtract(found, truth);
        let movement = high.divide(&difference, part);
        let movement = high.to_double(&movement).abs();
        let size = high.to_double(truth).abs();
        // Beside a 0 by cancellation, the least movements are rounding.
        let (least, most) = if size > 0.0 { (0.0, jump * size) } else { (largest / jump, jump * largest) };
        if movement.is_finite() && (least..=most).contains(&movement) {
            *sum += movement;
        }
    }
}

/// The worst of one result over many cases.
#[derive(Clone, Debug, Default)]
pub struct Worst {
    /// The largest error in units in the last place, over the cases with a finite result.
    pub units: f64,
    /// The largest relative error of these, or where the truth is 0, the absolute one.
    pub relative: f64,
    /// The largest error of these in units in the last place, divided by the condition number where that is above 1.
    pub conditioned: f64,
    /// How many cases gave NaN or an infinity in place of a number.
    pub not_finite: usize,
    /// The case with the largest conditioned error, or the first without a finite result.
    pub case: Option<usize>,
}

impl Worst {
    fn note(&mut self, case: usize, found: &[(Deviation, f64, f64)], format: Format) {
        if found.iter().any(|(deviation, ..)| !deviation.units.is_finite()) {
            self.not_finite += 1;
            if self.not_finite == 1 {
                self.case = Some(case);
            }
        }
        for (deviation, truth, sensitivity) in found.iter().filter(|(deviation, ..)| deviation.units.is_finite()) {
            // Where all cancels, nothing gives a scale, and the error is measured against 1.
            let scale = if deviation.cancelled && *sensitivity == 0.0 { 1.0 } else { *sensitivity };
            let conditioned = deviation.absolute / format.unit(*truth).max(format.epsilon() * scale);
            if conditioned > self.conditioned && self.not_finite == 0 {
                self.case = Some(case);
            }
            if !deviation.cancelled {
                self.units = self.units.max(deviation.units);
            }
            self.relative = self.relative.max(deviation.size());
            self.conditioned = self.conditioned.max(conditioned);
        }
    }
}

/// The worst of a value and its gradients.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Of the value.
    pub value: Worst,
    /// Of each gradient.
    pub gradients: Vec<Worst>,
    format: Format,
}

impl Tally {
    /// Nothing seen yet, of so many gradients, of results of this type.
    pub fn new(gradients: usize, format: Format) -> Tally {
        Tally { value: Worst::default(), gradients: vec![Worst::default(); gradients], format }
    }

    /// Takes in what a computation gave for a case.
    pub fn add(&mut self, case: usize, truth: &Truth, sensitivity: &Sensitivity, found: &Doubles) {
        let high = High::new(truth.precision);
        let (value, gradients) = truth.deviations(found, self.format);
        let rounded = |number: &Number| self.format.round(high.to_double(number));
        self.value.note(case, &[(value, rounded(&truth.value), sensitivity.value)], self.format);
        for (position, worst) in self.gradients.iter_mut().enumerate() {
            let Some(deviations) = gradients.get(position) else { continue };
            let entries = deviations.iter().zip(&truth.gradients[position].data).zip(&sensitivity.gradients[position]);
            let entries: Vec<(Deviation, f64, f64)> =
                entries.map(|((&deviation, truth), &moved)| (deviation, rounded(truth), moved)).collect();
            worst.note(case, &entries, self.format);
        }
    }

    /// True if every result was finite and within so many units in the last place times the condition number.
    pub fn is_within(&self, bound: f64) -> bool {
        let good = |worst: &Worst| worst.not_finite == 0 && worst.conditioned <= bound;
        good(&self.value) && self.gradients.iter().all(good)
    }
}
