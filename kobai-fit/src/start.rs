//! Where a solver starts: numbers by rule, and what a user or a document says instead.

use std::fmt;

use crate::error::DataError;
use crate::random::SplitMix64;

/// The first entries of a parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start {
    /// All this number.
    Number(f64),
    /// Drawn from the normal distribution of mean 0 and this standard deviation.
    Normal(f64),
    /// Drawn between two numbers, each as likely.
    Uniform(f64, f64),
}

/// Starts by the name of the parameter; of two for one parameter the later holds.
pub type Starts = Vec<(String, Start)>;

impl Start {
    /// Reads `W = normal(0.1)`, `W = uniform(-1, 1)` or `b = 0`: the name of a parameter, and how it starts.
    ///
    /// # Errors
    /// `start-syntax`.
    pub fn parse(text: &str) -> Result<(String, Start), DataError> {
        let error = || DataError::new("start-syntax").with("text", text.trim());
        let (name, written) = text.split_once('=').ok_or_else(error)?;
        let start = Start::of(written.trim()).filter(|_| !name.trim().is_empty()).ok_or_else(error)?;
        Ok((name.trim().to_owned(), start))
    }

    fn of(written: &str) -> Option<Start> {
        if let Ok(number) = written.parse::<f64>() {
            return number.is_finite().then_some(Start::Number(number));
        }
        let (name, arguments) = written.strip_suffix(')')?.split_once('(')?;
        let numbers: Option<Vec<f64>> = arguments.split(',').map(|number| number.trim().parse().ok()).collect();
        match (name.trim(), numbers?.as_slice()) {
            ("normal", &[deviation]) if deviation.is_finite() && deviation >= 0.0 => Some(Start::Normal(deviation)),
            ("uniform", &[low, high]) if low.is_finite() && high.is_finite() && low <= high => {
                Some(Start::Uniform(low, high))
            }
            _ => None,
        }
    }

    /// The rule for a loss that is not known to be convex: numbers that differ, so that no two hidden units stay the same,
    /// of variance one over the size of the first axis, so that sums over it keep the size of what they sum (LeCun et al.,
    /// "Efficient BackProp", 1998).
    pub fn by_rule(shape: &[usize], convex: bool) -> Start {
        match shape.first() {
            Some(&size) if !convex => Start::Normal(1.0 / (size.max(1) as f64).sqrt()),
            _ => Start::Number(0.0),
        }
    }

    /// So many entries.
    pub fn draw(&self, entries: &mut [f64], random: &mut SplitMix64) {
        entries.iter_mut().for_each(|entry| {
            *entry = match *self {
                Start::Number(number) => number,
                Start::Normal(deviation) => deviation * random.normal(),
                Start::Uniform(low, high) => low + (high - low) * random.uniform(),
            }
        });
    }
}

impl fmt::Display for Start {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Start::Number(number) => write!(formatter, "{number}"),
            Start::Normal(deviation) => write!(formatter, "normal({deviation:.4})"),
            Start::Uniform(low, high) => write!(formatter, "uniform({low}, {high})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_read() {
        assert_eq!(Start::parse("W = normal(0.1)"), Ok(("W".into(), Start::Normal(0.1))));
        assert_eq!(Start::parse("\\mu=uniform( -1 , 2 )"), Ok(("\\mu".into(), Start::Uniform(-1.0, 2.0))));
        assert_eq!(Start::parse("b = 0"), Ok(("b".into(), Start::Number(0.0))));
        for bad in ["W", "= 1", "W = normal", "W = normal(-1)", "W = uniform(2, 1)", "W = inf", "W = cauchy(1)"] {
            assert_eq!(Start::parse(bad).map_err(|error| error.code), Err("start-syntax"), "{bad}");
        }
    }

    #[test]
    fn a_convex_loss_starts_at_zero_and_another_at_numbers_that_differ() {
        assert_eq!(Start::by_rule(&[64, 10], true), Start::Number(0.0));
        assert_eq!(Start::by_rule(&[64, 10], false), Start::Normal(0.125));
        assert_eq!(Start::by_rule(&[], false), Start::Number(0.0));
    }
}
