//! A training kept on disk, so that it can go on where it was.
//!
//! A checkpoint holds the solver's [`State`] and what the training was of. It is written whole beside the one before and
//! then renamed, so that whatever happens there is one to go on from.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::DataError;
use crate::fit::{Prepared, Training};
use crate::replace::not_written;
use crate::saved::{Saved, load, save};
use crate::solver::state::State;

/// The file in the folder.
const FILE: &str = "checkpoint.safetensors";

/// What stands before the facts about a training among the metadata.
const PREFIX: &str = "training/";

/// Where and how often a training is kept.
pub struct Checkpoint {
    folder: PathBuf,
    every: Duration,
    last: Option<Instant>,
    facts: BTreeMap<String, String>,
}

/// What a training is of: two trainings that agree in this go the same way.
fn facts(prepared: &Prepared, training: &Training) -> BTreeMap<String, String> {
    let settings = &training.settings;
    let rows = prepared.dataset.training.rows.to_string();
    let bindings: Vec<String> =
        prepared.bindings.iter().map(|(symbol, source)| format!("{symbol} = {source}")).collect();
    let mut facts = vec![
        ("document", prepared.document.clone()),
        ("bindings", bindings.join("\n")),
        ("training rows", rows),
        ("solver", settings.method.names().0.to_owned()),
    ];
    if settings.method.is_stochastic() {
        facts.extend([
            ("batch rows", training.batch.to_string()),
            ("epochs", settings.iteration_limit.to_string()),
            ("learning rate", settings.learning_rate.to_string()),
            ("schedule", format!("{:?}", settings.schedule)),
            ("momentum", settings.momentum.to_string()),
            ("weight decay", settings.weight_decay.to_string()),
            ("seed", settings.seed.to_string()),
        ]);
    } else {
        let pairs = settings.memory.map_or("as many as are worth it".to_owned(), |pairs| pairs.to_string());
        facts.push(("remembered pairs", pairs));
    }
    facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect()
}

impl Checkpoint {
    /// Keeps a training in a folder, which is made if there is none, at most once in so long.
    ///
    /// # Errors
    /// `file-not-written`.
    pub fn new(
        folder: &Path,
        every: Duration,
        prepared: &Prepared,
        training: &Training,
    ) -> Result<Checkpoint, DataError> {
        fs::create_dir_all(folder).map_err(|error| not_written(folder, &error))?;
        Ok(Checkpoint { folder: folder.to_path_buf(), every, last: None, facts: facts(prepared, training) })
    }

    /// The file of the checkpoint.
    pub fn file(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// Writes the state if it is time.
    ///
    /// # Errors
    /// `file-not-written`; the checkpoint before stays whole.
    pub fn keep(&mut self, state: &dyn Fn() -> State) -> Result<(), DataError> {
        let begun = *self.last.get_or_insert_with(Instant::now);
        if begun.elapsed() < self.every {
            return Ok(());
        }
        self.last = Some(Instant::now());
        self.write(&state())
    }

    /// Writes the state.
    ///
    /// # Errors
    /// As [`keep`](Checkpoint::keep).
    pub fn write(&self, state: &State) -> Result<(), DataError> {
        let mut saved = Saved::default();
        state.add_to(&mut saved);
        saved.metadata.extend(self.facts.iter().map(|(name, fact)| (format!("{PREFIX}{name}"), fact.clone())));
        save(self.file(), &saved)
    }

    /// The state that was kept.
    ///
    /// # Errors
    /// `checkpoint-none`, `checkpoint-other`, and those of a file that cannot be read.
    pub fn read(&self) -> Result<State, DataError> {
        let file = self.file();
        if !file.exists() {
            let error = DataError::new("checkpoint-none").with("folder", self.folder.display());
            return Err(error.with("file", FILE));
        }
        let mut saved = load(&file)?;
        let other =
            |cause: String| DataError::new("checkpoint-other").with("file", file.display()).with("cause", cause);
        for (name, fact) in &self.facts {
            let kept = saved.metadata.get(&format!("{PREFIX}{name}"));
            if kept != Some(fact) {
                let short = |text: &str| text.lines().next().unwrap_or_default().chars().take(60).collect::<String>();
                let kept = kept.map_or("not known".to_owned(), |kept| short(kept));
                let cause = match name.as_str() {
                    "document" | "bindings" => format!("Its {name} are not those given now."),
                    _ => format!("Its {name}: {kept}; now: {}.", short(fact)),
                };
                return Err(other(cause));
            }
        }
        State::take_from(&mut saved).ok_or_else(|| other("It holds no state of a solver.".to_owned()))
    }
}
