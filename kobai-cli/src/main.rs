//! The command `kobai`.

mod bench;
mod check;
mod data;
mod echo;
mod eval;
mod explain;
mod fit;
mod message;
mod options;
mod plan;
mod plot;
mod predict;
mod read;
mod sizes;
mod solve;
mod source;
mod table;

use clap::Parser;
use message::Failure;
use options::{Command, Options};
use std::process::ExitCode;

/// What a command found: an answer of yes, or of no.
enum Answer {
    /// Done.
    Yes,
    /// Done, and the answer is no: a check failed.
    No,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if matches!(options.command, Command::Fit(_) | Command::Predict(_)) {
        // This thread is one of those that share work: handing every step to another takes longer than many a step.
        let _ = rayon::ThreadPoolBuilder::new().use_current_thread().build_global();
    }
    let result = match &options.command {
        Command::Explain(arguments) => explain::run(arguments),
        Command::Eval(arguments) => eval::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Plan(arguments) => plan::run(arguments),
        Command::Fit(arguments) => fit::run(arguments),
        Command::Predict(arguments) => predict::run(arguments),
        Command::Read(arguments) => read::run(arguments),
        Command::Plot(arguments) => plot::run(arguments),
        Command::Solve(arguments) => solve::run(arguments),
    };
    match result {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Err(failure) => {
            failure.show();
            ExitCode::from(2)
        }
    }
}

/// Prints to standard output; a reader that has gone away, as `head` does, is no error.
fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::text(format!("cannot write the output: {error}")))
        }
        _ => Ok(()),
    }
}
