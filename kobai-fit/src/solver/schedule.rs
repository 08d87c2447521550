//! How the size of steps changes over a training by batches.

/// The learning rate over time, as a part of the one that was set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Its form after the warm-up.
    pub form: Form,
    /// The part of all steps over which it rises from 0 on a line.
    pub warm_up: f64,
}

/// The form of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// It stays.
    Constant,
    /// It falls to 0 on half a period of a cosine (Loshchilov and Hutter, "SGDR", 2017, without restarts).
    Cosine,
    /// It falls to 0 on a line.
    Linear,
}

/// Each form by its name.
pub const FORMS: &[(&str, Form)] = &[("constant", Form::Constant), ("cosine", Form::Cosine), ("linear", Form::Linear)];

impl Default for Schedule {
    /// A cosine after a twentieth of warm-up.
    fn default() -> Schedule {
        Schedule { form: Form::Cosine, warm_up: 0.05 }
    }
}

impl Schedule {
    /// The part of the learning rate for a step, counted from 0, of so many.
    pub fn part(&self, step: usize, steps: usize) -> f64 {
        let warm_up = self.warm_up * steps as f64;
        let now = step as f64;
        if now + 1.0 < warm_up {
            return (now + 1.0) / warm_up;
        }
        let done = ((now - warm_up).max(0.0) / (steps as f64 - warm_up).max(1.0)).min(1.0);
        match self.form {
            Form::Constant => 1.0,
            Form::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
            Form::Linear => 1.0 - done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_warms_up_and_falls() {
        let cosine = Schedule { form: Form::Cosine, warm_up: 0.1 };
        assert_eq!(cosine.part(0, 100), 0.1);
        assert_eq!(cosine.part(10, 100), 1.0);
        assert!((cosine.part(55, 100) - 0.5).abs() < 1e-15);
        assert!(cosine.part(99, 100) < 1e-3);
        let linear = Schedule { form: Form::Linear, warm_up: 0.0 };
        assert_eq!([0, 25, 100].map(|step| linear.part(step, 100)), [1.0, 0.75, 0.0]);
        assert_eq!(Schedule { form: Form::Constant, warm_up: 0.0 }.part(7, 10), 1.0);
    }
}
