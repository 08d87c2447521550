//! What is seen of a training while it runs: a bar on a terminal, a line now and then elsewhere, an object a line for
//! machines.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kobai_fit::fit::Training;
use kobai_fit::metrics::json_number;
use kobai_fit::solver::Progress;
use serde_json::json;
use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows progress on standard error, or events on standard output.
pub struct Display {
    bar: ProgressBar,
    json: bool,
    terminal: bool,
    begun: Cell<Instant>,
    line: Cell<Instant>,
    rows: Cell<u64>,
    last: Cell<Option<Progress>>,
    /// The iteration that this run began with: that of a checkpoint, or 0.
    first: Cell<Option<usize>>,
    limit: Cell<usize>,
}

impl Display {
    pub fn new(json: bool) -> Display {
        let now = Instant::now();
        let terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::new_spinner();
        if json || !terminal {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        Display {
            bar,
            json,
            terminal,
            begun: Cell::new(now),
            line: Cell::new(now),
            rows: Cell::new(0),
            last: Cell::new(None),
            first: Cell::new(None),
            limit: Cell::new(0),
        }
    }

    /// Rows of the table were read, of so many if that is known.
    pub fn reading(&self, rows: usize, of: Option<usize>) {
        let of = of.map_or_else(String::new, |of| format!(" of {of}"));
        self.tell(|| format!("reading: row {rows}{of}"));
    }

    /// The training begins.
    pub fn begin(&self, training: &Training) {
        self.begun.set(Instant::now());
        self.limit.set(training.settings.iteration_limit);
        self.bar.set_length(training.settings.iteration_limit as u64);
        let template = "  {spinner} [{bar:24}] iteration {pos}/{len}  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style.progress_chars("━╸─"));
        }
    }

    /// So many rows were read in the training.
    pub fn rows(&self, rows: u64) {
        self.rows.set(rows);
        if let Some(progress) = self.last.get() {
            self.tell(|| self.words(&progress));
        }
    }

    /// An iteration is done.
    pub fn iteration(&self, progress: &Progress) {
        self.last.set(Some(*progress));
        self.first.set(self.first.get().or(Some(progress.iteration)));
        self.bar.set_position(progress.iteration as u64);
        if self.json {
            let event = json!({
                "event": "iteration",
                "iteration": progress.iteration,
                "evaluations": progress.evaluations,
                "loss": json_number(progress.value),
                "held_out_loss": progress.held_out.map(json_number),
                "gradient_norm": json_number(progress.gradient_norm),
                "step": progress.step,
                "seconds": self.begun.get().elapsed().as_secs_f64(),
            });
            // Whoever reads the events may have gone; the training goes on.
            let _ = writeln!(std::io::stdout().lock(), "{event}");
        }
        self.tell(|| self.words(progress));
    }

    /// The training is over.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn words(&self, progress: &Progress) -> String {
        let seconds = self.begun.get().elapsed().as_secs_f64().max(1e-9);
        let rate = self.rows.get() as f64 / seconds;
        let left = match progress.iteration - self.first.get().unwrap_or(0) {
            0 => String::new(),
            done => {
                let each = seconds / done as f64;
                let left = each * self.limit.get().saturating_sub(progress.iteration) as f64;
                format!("  at most {} left", indicatif::HumanDuration(Duration::from_secs_f64(left.min(1e9))))
            }
        };
        let held_out = progress.held_out.map_or_else(String::new, |loss| format!("  held out {loss:.9}"));
        format!(
            "loss {:.9}{held_out}  gradient {:.2e}  step {:.2e}  {rate:.2e} rows/s{left}",
            progress.value, progress.gradient_norm, progress.step
        )
    }

    /// Shows a message, which is made only if it is time for one.
    fn tell(&self, message: impl FnOnce() -> String) {
        if self.terminal {
            self.bar.set_message(message());
        } else if !self.json && self.line.get().elapsed() >= LINE_EVERY {
            self.line.set(Instant::now());
            let iteration = self.last.get().map_or_else(String::new, |last| format!("iteration {}  ", last.iteration));
            eprintln!("{iteration}{}", message());
        }
    }
}
