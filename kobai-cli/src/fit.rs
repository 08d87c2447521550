//! `kobai fit`

use crate::data::{json_number, merged};
use crate::message::Failure;
use crate::options::Fit;
use crate::source::{Source, read};
use crate::{Answer, echo, print};
use indicatif::{ProgressBar, ProgressStyle};
use kobai::check::Verdict;
use kobai_fit::fit::{Fitted, Prepared, prepare};
use kobai_fit::lbfgs::{Settings, Status};
use kobai_fit::lesson::front_matter;
use kobai_fit::plot::draw_loss_curve;
use kobai_fit::saved::save;
use kobai_fit::table::Table;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Trains and prints.
pub fn run(arguments: &Fit) -> Result<Answer, Failure> {
    [&arguments.save, &arguments.plot].into_iter().flatten().try_for_each(|path| can_be_written(path))?;
    arguments.plot.iter().try_for_each(|path| can_be_drawn(path))?;
    let source = read(&arguments.common)?;
    let front = front_matter(&source.text);
    let bindings = merged(&front.bindings, &arguments.bind);
    let table = Table::read(&arguments.data)?;
    let mut prepared = prepare(&source.text, &bindings, &table, arguments.held_out, arguments.seed)
        .map_err(|error| Failure::of_fit(error, &source))?;
    if !arguments.json {
        print(&understood(&prepared, &source, arguments, table.rows, front.title.as_deref()))?;
    }
    let fitted = train(&mut prepared, arguments, &source)?;
    if let Some(path) = &arguments.save {
        save(path, &prepared.saved(&fitted))?;
    }
    if let Some(path) = &arguments.plot {
        let title = front.title.as_deref().unwrap_or("Loss");
        draw_loss_curve(&fitted.outcome.history, title, path)?;
    }
    print(&if arguments.json { as_json(&fitted, &prepared) } else { report(&fitted, &prepared, arguments) })?;
    let broken = prepared.verdicts.iter().any(|verdict| matches!(verdict, Verdict::Broken(_)));
    let good = fitted.outcome.status == Status::Converged && !broken;
    Ok(if good { Answer::Yes } else { Answer::No })
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

fn understood(prepared: &Prepared, source: &Source, arguments: &Fit, rows: usize, title: Option<&str>) -> String {
    let mut inputs = prepared.training.clone();
    for parameter in &prepared.parameters {
        let data = vec![0.0; parameter.entries()];
        inputs.insert(
            parameter.name.clone(),
            kobai::eval::data::Array { shape: parameter.shape.clone(), data, integer: false },
        );
    }
    let head = title.map_or_else(String::new, |title| format!("{title}\n\n"));
    let (training, held_out) = (prepared.split.training.len(), prepared.split.held_out.len());
    let echo = echo::program(&prepared.program, source, &inputs, &prepared.bindings, &prepared.verdicts);
    format!(
        "{head}{echo}Data\n  {}: {rows} rows, {training} to train, {held_out} held out\n\n",
        arguments.data.display()
    )
}

fn train(prepared: &mut Prepared, arguments: &Fit, source: &Source) -> Result<Fitted, Failure> {
    let settings = Settings {
        gradient_tolerance: arguments.tolerance,
        iteration_limit: arguments.iterations,
        ..Settings::default()
    };
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    // Where no handler can be set, Ctrl-C ends the program as it always does.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::SeqCst));
    let bar = if arguments.json { ProgressBar::hidden() } else { ProgressBar::new(arguments.iterations as u64) };
    if let Ok(style) = ProgressStyle::with_template("  {spinner} iteration {pos:>5} {msg}") {
        bar.set_style(style);
    }
    let fitted = prepared.train(&settings, &interrupted, &mut |progress| {
        bar.set_position(progress.iteration as u64);
        bar.set_message(format!("loss {:.9}  gradient norm {:.2e}", progress.value, progress.gradient_norm));
    });
    bar.finish_and_clear();
    fitted.map_err(|error| Failure::of_fit(error, source))
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Converged => "converged",
        Status::IterationLimit => "stopped at the iteration limit (see --iterations)",
        Status::Interrupted => "interrupted; what follows is the best point so far",
        Status::NoProgress => "stopped: rounding leaves no lower point to find",
    }
}

fn report(fitted: &Fitted, prepared: &Prepared, arguments: &Fit) -> String {
    let outcome = &fitted.outcome;
    let mut lines = vec![
        format!("Result: {}", status(outcome.status)),
        format!("  loss                {:.12}", outcome.value),
        format!("  gradient norm       {:.3e}", outcome.gradient_norm),
        format!("  iterations          {} ({} evaluations)", outcome.iterations, outcome.evaluations),
    ];
    if let Some(loss) = fitted.held_out_loss {
        lines.push(format!("  held-out loss       {loss:.12}"));
    }
    for (name, accuracy, rows) in [
        ("training accuracy", fitted.training_accuracy, prepared.split.training.len()),
        ("held-out accuracy", fitted.held_out_accuracy, prepared.split.held_out.len()),
    ] {
        if let Some(accuracy) = accuracy {
            lines.push(format!(
                "  {name}   {:.2} % ({} of {rows})",
                accuracy * 100.0,
                (accuracy * rows as f64).round()
            ));
        }
    }
    match &arguments.save {
        Some(path) => lines.push(format!("  parameters saved    {}", path.display())),
        None => lines.push("  parameters          not saved (--save FILE.safetensors)".to_owned()),
    }
    match &arguments.plot {
        Some(path) => lines.push(format!("  loss curve          {}", path.display())),
        None => lines.push("  loss curve          not drawn (--plot FILE.svg)".to_owned()),
    }
    lines.join("\n") + "\n"
}

fn as_json(fitted: &Fitted, prepared: &Prepared) -> String {
    let outcome = &fitted.outcome;
    let object = json!({
        "status": format!("{:?}", outcome.status),
        "loss": json_number(outcome.value),
        "gradient_norm": json_number(outcome.gradient_norm),
        "iterations": outcome.iterations,
        "evaluations": outcome.evaluations,
        "held_out_loss": fitted.held_out_loss.map(json_number),
        "training_accuracy": fitted.training_accuracy,
        "held_out_accuracy": fitted.held_out_accuracy,
        "training_rows": prepared.split.training.len(),
        "held_out_rows": prepared.split.held_out.len(),
        "parameters": fitted.arrays.iter().map(|(name, array)| (name.clone(), json!(array.shape))).collect::<serde_json::Map<_, _>>(),
    });
    object.to_string() + "\n"
}
