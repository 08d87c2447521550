//! Running a plan again and again.

use crate::eval::Element;
use indicatif::{ProgressBar, ProgressStyle};
use kobai::explain::Language;
use kobai::plan::Plan;
use kobai_cpu::machine::{Memory, Timing, copy_rate, product_rate, time};
use kobai_cpu::{Executor, Inputs, RunError};
use std::time::Duration;

/// How long each rate of the machine is measured at most.
const MACHINE_LIMIT: Duration = Duration::from_millis(400);

/// What one number of threads has shown.
pub struct Measured {
    /// How many threads.
    pub threads: usize,
    /// A run in buffers that earlier runs have used.
    pub reused: Timing,
    /// To make an executor, and run it once.
    pub fresh: Timing,
    /// Bytes at the peak of the first run, buffers and results included; `None` where the system does not tell.
    pub peak_bytes: Option<u64>,
    /// Bytes read and written in a second by a copy on this machine.
    pub copy_rate: f64,
    /// Operations in a second of a matrix product on this machine.
    pub product_rate: f64,
    /// The value of the loss.
    pub value: f64,
    /// The 2-norm of each gradient, by output.
    pub norms: Vec<(String, f64)>,
}

/// What is being done, on standard error if that is a terminal.
pub struct Progress {
    bar: ProgressBar,
    language: Language,
}

impl Progress {
    /// A spinner.
    pub fn new(quiet: bool, language: Language) -> Progress {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {elapsed} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Progress { bar, language }
    }

    /// Says what comes now.
    pub fn show(&self, key: &str, slots: &[(&str, String)]) {
        self.bar.set_message(self.language.say(key, slots));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Measures a plan for so many seconds, and the machine beside it, with the threads of the pool that this runs in.
pub fn measure<T: Element>(
    plan: &Plan,
    arrays: &[(String, Vec<T>)],
    seconds: f64,
    progress: &Progress,
) -> Result<Measured, RunError> {
    let mut inputs = Inputs::new();
    for (name, entries) in arrays {
        inputs.numbers(name, entries);
    }
    let threads = rayon::current_num_threads();
    let slots = [("threads", threads.to_string())];
    let limit = Duration::from_secs_f64(seconds);
    let machine = || {
        progress.show("word.bench-at-machine", &slots);
        let limit = limit.min(MACHINE_LIMIT);
        (copy_rate(limit), product_rate::<T>(limit))
    };
    // Before and after, and the better of the two: other programs may take the machine for a while.
    let before = machine();
    progress.show("word.bench-at-loss", &slots);
    let memory = Memory::start();
    let mut executor: Executor<T> = Executor::new(plan.clone());
    executor.run(&inputs)?;
    let peak_bytes = memory.and_then(Memory::peak);
    let reused = time(limit, 5, || executor.run(&inputs))?;
    let output = |name: &str| executor.output(name).unwrap_or(&[]);
    let norm = |entries: &[T]| entries.iter().map(|entry| entry.to_f64().powi(2)).sum::<f64>().sqrt();
    let gradients = plan.outputs.iter().filter_map(|(name, _)| Some((name, name.strip_prefix("gradient_")?)));
    let norms = gradients.map(|(output_name, name)| (name.to_owned(), norm(output(output_name)))).collect();
    let value = output("value").first().map_or(f64::NAN, |value| value.to_double());
    drop(executor);
    // Three, unless one takes long by itself.
    let fewest = if reused.median > 1.0 { 1 } else { 3 };
    let fresh = time(limit / 4, fewest, || {
        let mut executor: Executor<T> = Executor::new(plan.clone());
        executor.run(&inputs).map(|()| executor)
    })?;
    let after = if limit.is_zero() { before } else { machine() };
    let (copy_rate, product_rate) = (before.0.max(after.0), before.1.max(after.1));
    Ok(Measured { threads, reused, fresh, peak_bytes, copy_rate, product_rate, value, norms })
}
