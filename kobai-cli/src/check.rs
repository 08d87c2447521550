//! `kobai check`

mod drawn;
mod executed;
mod given;
mod watch;

use crate::message::Failure;
use crate::options::Check;
use crate::source::{default_symbols, read, symbols, warn_of_assumptions};
use crate::{Answer, data};
use kobai::eval::data::Inputs;
use kobai::expr::Symbol;
use kobai::resolve::Program;
use kobai::stabilise::written_out;

/// Checks and prints.
pub fn run(arguments: &Check) -> Result<Answer, Failure> {
    let source = read(&arguments.common)?;
    let inputs = data::read(&arguments.inputs, &source.text)?;
    let mut program = source.program(&inputs)?;
    let missing = missing_inputs(&mut program, &inputs);
    // With data a missing input is a mistake; without, the check finds inputs of its own.
    let draw = arguments.inputs.data.is_none() && !missing.is_empty();
    let symbols = chosen_symbols(arguments, &mut program, draw)?;
    if draw {
        return drawn::run(arguments, &source, &mut program, &inputs, &symbols);
    }
    if arguments.case.is_some() {
        return Err(Failure::text("--case makes inputs, but all are given\n  fix: leave out --case, or a --bind"));
    }
    warn_of_assumptions(&source, &mut program, &inputs);
    given::run(arguments, &source, &mut program, &inputs, &symbols)
}

fn missing_inputs(program: &mut Program, inputs: &Inputs) -> Vec<Symbol> {
    let loss = written_out(program);
    let context = &program.context;
    let missing = |symbol: &Symbol| !inputs.contains_key(&context.symbol(*symbol).name.plain);
    context.symbols_in(loss).into_iter().filter(missing).collect()
}

/// What was asked for; else the parameters, or at inputs of the check's own all real inputs, since conditioning is about
/// all of them.
fn chosen_symbols(arguments: &Check, program: &mut Program, draw: bool) -> Result<Vec<Symbol>, Failure> {
    if !arguments.wrt.is_empty() {
        return symbols(program, &arguments.wrt);
    }
    if !draw {
        return Ok(default_symbols(program));
    }
    let loss = written_out(program);
    let context = &program.context;
    Ok(context.symbols_in(loss).into_iter().filter(|&symbol| !context.symbol(symbol).integer).collect())
}
