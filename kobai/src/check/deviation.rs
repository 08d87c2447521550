//! How far a computed number is from the true one.

use super::truth::{FLOOR, Number};
use crate::eval::arithmetic::Arithmetic;
use crate::eval::high::High;

/// The types that a machine computes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Double precision.
    F64,
    /// Single precision.
    F32,
}

impl Format {
    /// The distance from 1 to the next number.
    pub fn epsilon(self) -> f64 {
        match self {
            Format::F64 => f64::EPSILON,
            Format::F32 => f64::from(f32::EPSILON),
        }
    }

    /// The number of this type nearest to a double.
    pub fn round(self, value: f64) -> f64 {
        match self {
            Format::F64 => value,
            Format::F32 => f64::from(value as f32),
        }
    }

    /// The distance between neighbours next to a number.
    pub fn unit(self, value: f64) -> f64 {
        let (digits, least) = match self {
            Format::F64 => (52, -1022),
            Format::F32 => (23, -126),
        };
        let exponent = if value == 0.0 { least } else { (libm::ilogb(value)).max(least) };
        // In two steps, since the power itself may be subnormal.
        2_f64.powi(exponent) * 2_f64.powi(-digits)
    }
}

/// The distance of a computed number from the truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deviation {
    /// Relative to the truth, or to 10^−300 if the truth is smaller.
    pub relative: f64,
    /// The distance itself.
    pub absolute: f64,
    /// In units in the last place of the truth; infinite only where one of the two is out of the type's range or undefined.
    pub units: f64,
    /// True if the truth is 0 because terms cancel; there is no relative error then.
    pub cancelled: bool,
}

impl Deviation {
    /// The distance of `found`, a number of this type, from the truth.
    pub fn new(high: &mut High, found: f64, truth: &Number, format: Format) -> Deviation {
        let rounded = format.round(high.to_double(truth));
        // What is right in every bit, or right in being undefined or out of the type's range.
        let same = found.to_bits() == rounded.to_bits() || found.is_nan() && truth.is_nan();
        if same && !found.is_finite() {
            return Deviation { relative: 0.0, absolute: 0.0, units: 0.0, cancelled: false };
        }
        let number = high.double(found);
        let relative = high.relative_error(&number, truth, FLOOR);
        let difference = high.subtract(&number, truth);
        let absolute = high.to_double(&difference).abs();
        let unit = high.double(format.unit(rounded));
        let units = high.divide(&difference, &unit);
        // Beside a truth of 0 the unit is the least number, and a number has more of them than a double can say.
        let numbers = rounded.is_finite() && found.is_finite();
        let units = if numbers { high.to_double(&units).abs().min(f64::MAX) } else { f64::INFINITY };
        Deviation { relative, absolute, units, cancelled: false }
    }

    /// The same with the mark of a truth that is 0 by cancellation.
    pub fn with_cancelled(self, cancelled: bool) -> Deviation {
        Deviation { cancelled, ..self }
    }

    /// The relative error, or where there is none, the absolute one; not a number counts as worse than any.
    pub fn size(&self) -> f64 {
        let size = if self.cancelled { self.absolute } else { self.relative };
        if size.is_nan() { f64::INFINITY } else { size }
    }

    /// True if the number is near enough.
    pub fn is_within(&self, tolerance: f64) -> bool {
        self.size() <= tolerance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_no_number_is_infinitely_far() {
        let mut high = High::new(128);
        let mut units = |found: f64, truth: f64, format: Format| {
            let truth = high.double(truth);
            Deviation::new(&mut high, found, &truth, format).units
        };
        // Rounding that is left where the truth is 0 by cancellation.
        assert!(units(1e-13, 0.0, Format::F64).is_finite());
        assert!(units(f64::NAN, 0.0, Format::F64).is_infinite());
        assert!(units(f64::INFINITY, 1.0, Format::F64).is_infinite());
        assert!(units(3e38, 1e39, Format::F32).is_infinite());
        assert_eq!(units(1.0 + f64::EPSILON, 1.0, Format::F64), 1.0);
    }
}
