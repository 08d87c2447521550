//! A long check as one sees it: what it is doing, and Ctrl-C to have it stop with what there is.

use indicatif::{ProgressBar, ProgressStyle};
use kobai::check::{Monitor, Stage};
use kobai::explain::Language;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Shows progress on standard error, if that is a terminal.
pub struct Watch {
    interrupted: Arc<AtomicBool>,
    bar: ProgressBar,
    language: Language,
}

impl Watch {
    /// A watch over one thing, shown as a spinner.
    pub fn new(quiet: bool, language: Language) -> Watch {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        Watch::over(bar, "  {spinner} {elapsed} {msg}", language)
    }

    /// A watch over so many things, shown as a bar.
    pub fn of_many(count: usize, quiet: bool, language: Language) -> Watch {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(count as u64) };
        Watch::over(bar, "  {spinner} {elapsed} [{bar:24}] {pos}/{len} {msg}", language)
    }

    fn over(bar: ProgressBar, template: &str, language: Language) -> Watch {
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        // A second Ctrl-C ends the program at once. Where no handler can be set, the first does.
        let _ = ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        });
        Watch { interrupted, bar, language }
    }

    /// Runs something that tells its stages.
    pub fn during<R>(&self, work: impl FnOnce(&mut Monitor<'_>) -> R) -> R {
        let mut show = |stage: Stage| {
            let text = match stage {
                Stage::Precision(bits) => self.language.say("word.check-at-bits", &[("bits", bits.to_string())]),
                Stage::Direction(number) => {
                    self.language.say("word.check-at-direction", &[("number", number.to_string())])
                }
            };
            self.bar.set_message(text);
        };
        work(&mut Monitor { interrupted: &self.interrupted, stage: &mut show })
    }

    /// One more is done.
    pub fn advance(&self) {
        self.bar.inc(1);
    }

    /// True once the user has asked to stop.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
