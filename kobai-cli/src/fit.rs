//! `kobai fit`

mod display;
mod report;

use crate::data::{merged, plain};
use crate::message::Failure;
use crate::options::Fit;
use crate::source::{Source, read};
use crate::{Answer, print};
use display::Display;
use kobai::check::Verdict;
use kobai_cpu::machine::available_memory;
use kobai_fit::checkpoint::Checkpoint;
use kobai_fit::dataset::Options;
use kobai_fit::fit::{Prepared, Request, Training, prepare};
use kobai_fit::lesson::{FrontMatter, front_matter};
use kobai_fit::model_file::ModelFile;
use kobai_fit::plot::draw_loss_curve;
use kobai_fit::plot_confusion::draw_confusion;
use kobai_fit::solver::schedule::{FORMS, Schedule};
use kobai_fit::solver::{From, Method, Outcome, Settings, Status};
use kobai_fit::source::Source as Rows;
use kobai_fit::start::{Start, Starts};
use report::Report;
use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Trains and prints.
pub fn run(arguments: &Fit) -> Result<Answer, Failure> {
    [&arguments.save, &arguments.plot].into_iter().flatten().try_for_each(|path| can_be_written(path))?;
    arguments.plot.iter().try_for_each(|path| can_be_drawn(path))?;
    let source = read(&arguments.common)?;
    let front = front_matter(&source.text);
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    // Where no handler can be set, Ctrl-C ends the program as it always does.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::SeqCst));
    let display = Display::new(arguments.json);
    let begun = Instant::now();
    let mut prepared = prepared(arguments, &source, &front, &interrupted, &display)?;
    let (training, reason) = training(arguments, &prepared);
    let (starts, init) = starts(&front.starts, &arguments.init)?;
    let beginning =
        prepared.start(&starts, init.as_ref(), arguments.seed).map_err(|error| Failure::of_fit(error, &source))?;
    let runners = prepared.plan(&training).map_err(|error| Failure::of_fit(error, &source))?;
    let compiling = begun.elapsed().saturating_sub(prepared.reading);
    let report = Report { arguments, source: &source, title: front.title.as_deref() };
    if !arguments.json {
        print(&report.understood(&prepared))?;
        print(&report.plan(&prepared, &training, &reason, &beginning.told, &runners))?;
    }
    let mut checkpoint = match &arguments.checkpoint {
        Some(folder) => {
            let every = Duration::from_secs_f64(arguments.every.clamp(0.0, 1e9));
            Some(Checkpoint::new(folder, every, &prepared, &training)?)
        }
        None => None,
    };
    let from = match &checkpoint {
        Some(checkpoint) if arguments.resume => From::State(checkpoint.read()?),
        _ => From::Parameters(beginning.free),
    };
    let begun = Instant::now();
    let outcome = train(&mut prepared, &training, runners, from, (&interrupted, &display, &mut checkpoint), &source)?;
    let times = [("reading", prepared.reading), ("compiling", compiling), ("training", begun.elapsed())];
    let entries = prepared.entries(&outcome.parameters);
    let judged = prepared.judge(&entries).map_err(|error| Failure::of_fit(error, &source))?;
    if let Some(path) = &arguments.save {
        prepared.model_file(&entries, report::facts(&outcome, front.title.as_deref())).write(path)?;
    }
    let title = front.title.as_deref().unwrap_or("Loss");
    let confusion = arguments.plot.as_deref().and_then(|path| report::confusion_file(path, &judged));
    if let Some(path) = &arguments.plot {
        draw_loss_curve(&outcome.history, title, path)?;
    }
    if let (Some(path), Some(classes)) = (&confusion, report::confusion(&judged)) {
        draw_confusion(classes, &judged.classes, title, path)?;
    }
    let files = report::Files { confusion, checkpoint: checkpoint.as_ref().map(Checkpoint::file) };
    print(&if arguments.json {
        report.as_json(&outcome, &judged, &prepared, &times)
    } else {
        report.result(&outcome, &judged, &files)
    })?;
    let broken = prepared.verdicts.iter().any(|verdict| matches!(verdict, Verdict::Broken(_)));
    Ok(if is_done(&outcome, arguments, &training) && !broken { Answer::Yes } else { Answer::No })
}

/// Whether the training came to the end that was asked for: convergence, or so many iterations. A method by batches has no
/// other end than its last epoch.
fn is_done(outcome: &Outcome, arguments: &Fit, training: &Training) -> bool {
    match outcome.status {
        Status::Converged | Status::SmallDecrease => true,
        Status::IterationLimit => arguments.iterations.is_some() || training.settings.method.is_stochastic(),
        _ => false,
    }
}

/// A mistake in a path shows before the training, not after it.
fn can_be_written(path: &Path) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => Err(Failure::text(format!(
            "cannot write `{}`: there is no folder `{}`\n  fix: make the folder, or give another path",
            path.display(),
            folder.display()
        ))),
        _ if path.is_dir() => Err(Failure::text(format!(
            "cannot write `{}`: it is a folder\n  fix: give the name of a file",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// The forms that a curve can be drawn in.
pub fn can_be_drawn(path: &Path) -> Result<(), Failure> {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        Some("svg" | "png") => Ok(()),
        _ => Err(Failure::text(format!(
            "cannot draw `{}`: its name ends neither in .svg nor in .png\n  fix: give a name such as loss.svg",
            path.display()
        ))),
    }
}

/// Where arrays that do not fit in memory lie: a temporary folder may itself be memory, so the one for large files is taken
/// if the user names none.
fn scratch() -> PathBuf {
    let large = PathBuf::from("/var/tmp");
    if std::env::var_os("TMPDIR").is_none() && large.is_dir() { large } else { std::env::temp_dir() }
}

fn prepared(
    arguments: &Fit,
    source: &Source,
    front: &FrontMatter,
    interrupted: &AtomicBool,
    display: &Display,
) -> Result<Prepared, Failure> {
    let bindings = merged(&front.bindings, &arguments.bind);
    let table = Rows::open(&arguments.table.data, arguments.table.format)?;
    let test = arguments.test.as_ref().map(|path| Rows::open(path, None)).transpose()?;
    let options = Options {
        held_out: arguments.split,
        seed: arguments.seed,
        missing: arguments.missing,
        memory: arguments.memory.or_else(available_memory).unwrap_or(u64::MAX),
        scratch: scratch(),
    };
    let request = Request { document: &source.text, bindings: &bindings, table: &table, test: test.as_ref(), options };
    let known = table.rows();
    let prepared = prepare(&request, &mut |rows| {
        display.reading(rows, known);
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    prepared.map_err(|error| Failure::of_fit(error, source))
}

/// How to train, and why so.
fn training(arguments: &Fit, prepared: &Prepared) -> (Training, String) {
    let (method, reason) = match arguments.solver.and_then(Method::named) {
        Some(method) => (method, "as asked for".to_owned()),
        None => prepared.suggested_method(),
    };
    let stochastic = method.is_stochastic();
    let form = FORMS.iter().find(|(name, _)| *name == arguments.schedule).map(|(_, form)| *form);
    let settings = Settings {
        method,
        gradient_tolerance: arguments.tolerance,
        maximum_tolerance: arguments.max_gradient,
        decrease_tolerance: arguments.decrease,
        iteration_limit: arguments.iterations.unwrap_or(if stochastic { 100 } else { 1000 }),
        time_limit: arguments.time.map(|seconds| Duration::from_secs_f64(seconds.clamp(0.0, 1e9))),
        learning_rate: arguments.learning_rate.unwrap_or(if method == Method::Sgd { 1e-2 } else { 1e-3 }),
        schedule: Schedule {
            form: form.unwrap_or(Schedule::default().form),
            warm_up: arguments.warm_up.clamp(0.0, 1.0),
        },
        momentum: arguments.momentum,
        weight_decay: arguments.weight_decay,
        seed: arguments.seed,
        ..Settings::default()
    };
    // Data in a file take no memory that the plans could not have.
    let data = if prepared.is_in_file() { 0 } else { prepared.bytes() };
    let memory = arguments.memory.map(|memory| memory.saturating_sub(data).max(1 << 20) / 2);
    // Working it out takes time, so only where it will be seen.
    let follow_held_out = arguments.plot.is_some() || arguments.json;
    (Training { settings, batch: arguments.batch, memory, follow_held_out }, reason)
}

/// The starts that the document and the command name, those of the command last, and the file of another fit.
fn starts(document: &[String], command: &[String]) -> Result<(Starts, Option<ModelFile>), Failure> {
    let (mut starts, mut file) = (Starts::new(), None);
    for text in document.iter().chain(command) {
        if text.contains('=') {
            let (name, start) = Start::parse(text)?;
            starts.push((plain(&name).to_owned(), start));
        } else {
            file = Some(ModelFile::read(text)?);
        }
    }
    Ok((starts, file))
}

fn train(
    prepared: &mut Prepared,
    training: &Training,
    runners: kobai_fit::objective::Runners,
    from: From,
    (interrupted, display, checkpoint): (&AtomicBool, &Display, &mut Option<Checkpoint>),
    source: &Source,
) -> Result<Outcome, Failure> {
    let rows_read = Cell::new(0_u64);
    let rows = |rows: std::ops::Range<usize>| {
        rows_read.set(rows_read.get() + rows.len() as u64);
        display.rows(rows_read.get());
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut failed = None;
    display.begin(training);
    let outcome = prepared.train(
        training,
        runners,
        from,
        interrupted,
        (&rows, &mut |progress, state| {
            display.iteration(progress);
            if let Some(checkpoint) = checkpoint.as_mut()
                && failed.is_none()
                && let Err(error) = checkpoint.keep(state)
            {
                // The training cannot be kept, so it ends while the checkpoint before is whole.
                failed = Some(error);
                interrupted.store(true, Ordering::SeqCst);
            }
        }),
    );
    display.end();
    let outcome = outcome.map_err(|error| Failure::of_fit(error, source))?;
    match (failed, checkpoint) {
        (Some(error), _) => return Err(error.into()),
        (None, Some(checkpoint)) => checkpoint.write(&outcome.state)?,
        (None, None) => {}
    }
    Ok(outcome)
}
