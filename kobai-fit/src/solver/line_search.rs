//! The step along a direction of descent: the strong Wolfe conditions, and what stands for them at the rounding level.
//!
//! The search is that of Nocedal and Wright, *Numerical Optimization*, 2nd edition, algorithms 3.5 and 3.6 in one loop.
//! Near an optimum the values agree but for rounding, so that comparing them says nothing, while the slopes still tell
//! the way. There a step is judged by the approximate Wolfe conditions of Hager and Zhang, "A new conjugate gradient
//! method with guaranteed descent and an efficient line search", SIAM Journal on Optimization 16 (2005), section 3:
//! a value may rise by a `slack` of the size of the rounding, and the slope must have gone far enough towards zero.

/// The part of the decrease promised by the slope that a step must bring (Nocedal and Wright's c₁).
const DECREASE: f64 = 1e-4;

/// The part of the slope that may remain (Nocedal and Wright's c₂ for quasi-Newton methods).
const CURVATURE: f64 = 0.9;

/// The most points tried. Halving 60 times passes from 1 to the rounding of 1.
const TRIALS: usize = 60;

/// The function along the direction, at one step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trial {
    /// The multiple of the direction.
    pub step: f64,
    /// The value there; infinite where the value or the gradient is not finite.
    pub value: f64,
    /// The derivative by the step there.
    pub slope: f64,
}

/// Looks for a step from `start`, whose slope is negative, beginning with `first_step`. The last point that `evaluate`
/// was asked for is the one returned; none is returned where no step brings progress.
pub(super) fn search<Stop>(
    start: Trial,
    first_step: f64,
    slack: f64,
    mut evaluate: impl FnMut(f64) -> Result<Trial, Stop>,
) -> Result<Option<Trial>, Stop> {
    // The best point so far, and the other end of an interval that holds a good step, once there is one.
    let mut low = start;
    let mut high: Option<Trial> = None;
    let mut step = first_step;
    for trial_number in 1..=TRIALS {
        let trial = evaluate(step)?;
        if accepts(&start, &trial, slack) {
            return Ok(Some(trial));
        }
        let previous = low;
        if is_too_high(&start, &low, &trial, slack) {
            high = Some(trial);
        } else {
            let ahead = high.map_or(1.0, |high| high.step - low.step);
            if trial.slope * ahead >= 0.0 {
                high = Some(low);
            }
            low = trial;
        }
        step = match high {
            None => extrapolated(&previous, &low),
            // Interpolation alone may creep towards one end; halving now and then bounds the number of trials.
            Some(high) if trial_number % 3 == 0 => low.step + 0.5 * (high.step - low.step),
            Some(high) => interpolated(&low, &high, slack),
        };
        if step == low.step || !step.is_finite() {
            break;
        }
    }
    // No step meets the condition on the slope (a function without a lower bound has none), but one may go down.
    if low.step > 0.0 && low.value <= start.value + DECREASE * low.step * start.slope {
        return evaluate(low.step).map(Some);
    }
    Ok(None)
}

/// Whether a trial meets the strong Wolfe conditions, or the approximate ones where its value is as good as equal.
fn accepts(start: &Trial, trial: &Trial, slack: f64) -> bool {
    let flat_enough = trial.slope.abs() <= -CURVATURE * start.slope;
    let decreased = trial.value <= start.value + DECREASE * trial.step * start.slope;
    let as_good = trial.value <= start.value + slack && trial.slope <= (2.0 * DECREASE - 1.0) * start.slope;
    flat_enough && (decreased || as_good)
}

/// Whether a trial is so high that a good step lies before it.
fn is_too_high(start: &Trial, low: &Trial, trial: &Trial, slack: f64) -> bool {
    !trial.value.is_finite()
        || trial.value > start.value + DECREASE * trial.step * start.slope + slack
        || trial.value > low.value + slack
}

/// A longer step where the function still falls at `last`: where the slopes point to, within bounds.
fn extrapolated(previous: &Trial, last: &Trial) -> f64 {
    let length = last.step - previous.step;
    let predicted = last.step - last.slope * length / (last.slope - previous.slope);
    let longest = last.step + 4.0 * length;
    if last.slope > previous.slope && predicted.is_finite() {
        predicted.clamp(last.step + 1.1 * length, longest)
    } else {
        longest
    }
}

/// A step between the two, a tenth of the way from either end at least.
fn interpolated(low: &Trial, high: &Trial, slack: f64) -> f64 {
    let length = high.step - low.step;
    if !high.value.is_finite() {
        // Nothing is known of the far end but that it is too far.
        return low.step + 0.1 * length;
    }
    let fraction = if (high.value - low.value).abs() <= slack {
        low.slope / (low.slope - high.slope)
    } else {
        cubic_minimum(low, high)
    };
    let fraction = if fraction.is_finite() { fraction.clamp(0.1, 0.9) } else { 0.5 };
    low.step + fraction * length
}

/// The minimum of the cubic with the values and slopes of two points, as a fraction of the way from the first to the
/// second (Nocedal and Wright, equation 3.59).
fn cubic_minimum(low: &Trial, high: &Trial) -> f64 {
    let length = high.step - low.step;
    let d1 = low.slope + high.slope - 3.0 * (low.value - high.value) / (low.step - high.step);
    let d2 = length.signum() * (d1 * d1 - low.slope * high.slope).sqrt();
    1.0 - (high.slope + d2 - d1) / (high.slope - low.slope + 2.0 * d2)
}
