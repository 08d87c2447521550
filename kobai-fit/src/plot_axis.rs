//! The scale of an axis of a plot: straight or logarithmic, its ends, its ticks and their labels.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// Larger numbers than this would overflow in placing them.
const LARGEST: f64 = 1e300;

/// The scale of one axis. Points are placed by [`position`](Axis::position), the logarithm to base 10 on a logarithmic
/// axis, and everything else here is in positions.
#[derive(Clone)]
pub(crate) struct Axis {
    logarithmic: bool,
    /// From one end to the other, of positive length.
    range: Range<f64>,
    /// Where labels stand, within the range.
    ticks: Vec<f64>,
    /// The distance of the ticks of a straight axis, which says how many decimals a label needs.
    spacing: f64,
}

impl Axis {
    /// An axis for these values, logarithmic where they are positive and span more than a factor of ten; none for no
    /// values. Each is one that an axis [can show](Axis::can_show).
    pub fn new(values: &[f64]) -> Option<Axis> {
        let least = values.iter().copied().reduce(f64::min)?;
        let most = values.iter().copied().reduce(f64::max)?;
        let logarithmic = least > 0.0 && most / 10.0 > least;
        Some(if logarithmic { Axis::logarithmic(least, most) } else { Axis::straight(least, most) })
    }

    /// A straight axis for these values; none for no values. Each is one that an axis [can show](Axis::can_show).
    pub fn linear(values: &[f64]) -> Option<Axis> {
        let least = values.iter().copied().reduce(f64::min)?;
        let most = values.iter().copied().reduce(f64::max)?;
        Some(Axis::straight(least, most))
    }

    /// Whether it is logarithmic.
    pub fn is_logarithmic(&self) -> bool {
        self.logarithmic
    }

    /// Whether there is a place for a value on an axis: it is finite, and its size leaves room to compute with it.
    pub fn can_show(value: f64) -> bool {
        value.abs() <= LARGEST
    }

    /// An axis for counts from 0 to `most`.
    pub fn counting(most: usize) -> Axis {
        let most = most.max(1) as f64;
        let spacing = round_spacing(most / 8.0).max(1.0);
        Axis { logarithmic: false, range: 0.0..most, ticks: multiples(spacing, 0.0, most), spacing }
    }

    fn logarithmic(least: f64, most: f64) -> Axis {
        let (low, high) = (least.log10(), most.log10());
        let margin = 0.04 * (high - low);
        let range = low - margin..high + margin;
        let spacing = ((high - low) / 7.0).ceil();
        let mut ticks = multiples(spacing, range.start, range.end);
        if high - low < 2.5 {
            // Powers of ten alone would be too few.
            let between = multiples(1.0, range.start - 1.0, range.end);
            ticks.extend(between.iter().flat_map(|power| [power + 2f64.log10(), power + 5f64.log10()]));
            ticks.retain(|tick| range.contains(tick));
            ticks.sort_by(f64::total_cmp);
        }
        Axis { logarithmic: true, range, ticks, spacing }
    }

    fn straight(least: f64, most: f64) -> Axis {
        // Equal values still need an axis with a length.
        let margin = (0.05 * (most - least)).max(1e-3 * most.abs()).max(f64::MIN_POSITIVE / f64::EPSILON);
        let range = least - margin..most + margin;
        let spacing = round_spacing((range.end - range.start) / 6.0);
        Axis { logarithmic: false, ticks: multiples(spacing, range.start, range.end), range, spacing }
    }

    /// Where a value stands, or none where a logarithmic axis has no place for it.
    pub fn position(&self, value: f64) -> Option<f64> {
        let position = if self.logarithmic { value.log10() } else { value };
        position.is_finite().then_some(position)
    }

    /// What is written at a tick.
    pub fn label(&self, tick: f64) -> String {
        if !self.logarithmic {
            return decimal(tick, self.spacing);
        }
        let power = (tick + 1e-9).floor();
        let leading = 10f64.powf(tick - power).round();
        if power.abs() <= 3.0 {
            let decimals = (-power).max(0.0) as usize;
            return format!("{:.decimals$}", leading * 10f64.powf(power));
        }
        let exponent = superscript(power as i32);
        if leading == 1.0 { format!("10{exponent}") } else { format!("{leading}·10{exponent}") }
    }
}

/// The axis as the drawing library wants it: the ticks are those chosen here.
impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, position: &f64, (low, high): (i32, i32)) -> i32 {
        let fraction = (position - self.range.start) / (self.range.end - self.range.start);
        low + (fraction * f64::from(high - low)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, tick: &f64) -> String {
        self.label(*tick)
    }
}

/// A number with as many decimals as ticks at this spacing need.
fn decimal(value: f64, spacing: f64) -> String {
    let needed = -spacing.log10().floor();
    // The nearest tick to zero may miss it by a rounding.
    let value = if value.abs() < 1e-6 * spacing { 0.0 } else { value };
    if !(-6.0..=6.0).contains(&needed) {
        return format!("{value:.2e}");
    }
    format!("{value:.*}", needed.max(0.0) as usize)
}

/// 1, 2 or 5 times a power of ten, the least that is not below `spacing`.
fn round_spacing(spacing: f64) -> f64 {
    let power = 10f64.powf(spacing.log10().floor());
    [1.0, 2.0, 5.0].map(|leading| leading * power).into_iter().find(|&round| round >= spacing).unwrap_or(10.0 * power)
}

/// The multiples of `spacing` from `low` to `high`, at most twenty.
fn multiples(spacing: f64, low: f64, high: f64) -> Vec<f64> {
    let first = (low / spacing).ceil();
    (0..20).map(|count| (first + f64::from(count)) * spacing).take_while(|&tick| tick <= high).collect()
}

/// An integer in raised digits.
fn superscript(number: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raised = |character: char| match character.to_digit(10) {
        Some(digit) => DIGITS[digit as usize],
        None => '⁻',
    };
    number.to_string().chars().map(raised).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64]) -> Vec<String> {
        let Some(axis) = Axis::new(values) else {
            return Vec::new();
        };
        axis.ticks.iter().map(|&tick| axis.label(tick)).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(labels(&[0.35, 2.3]), ["0.5", "1.0", "1.5", "2.0"]);
        assert_eq!(labels(&[1e-9, 1.0]), ["10⁻⁸", "10⁻⁶", "10⁻⁴", "0.01", "1"]);
        assert_eq!(labels(&[0.05, 2.0]), ["0.05", "0.1", "0.2", "0.5", "1", "2"]);
        assert_eq!(labels(&[-1.0, 1.0]), ["-1.0", "-0.5", "0.0", "0.5", "1.0"]);
        let counts = Axis::counting(37);
        let labels: Vec<String> = counts.ticks.iter().map(|&tick| counts.label(tick)).collect();
        assert_eq!(labels, ["0", "5", "10", "15", "20", "25", "30", "35"]);
    }

    #[test]
    fn every_axis_has_a_length_and_few_ticks() {
        for values in [[0.0, 0.0], [1.0, 1.0], [1e-300, 1e300], [-1e300, 1e300], [5e-324, 5e-324], [1e300, 1e300]] {
            let Some(axis) = Axis::new(&values) else { panic!("no axis for {values:?}") };
            assert!(axis.range.end > axis.range.start, "{values:?}: {:?}", axis.range);
            assert!(axis.ticks.len() <= 20, "{values:?}");
        }
    }
}
