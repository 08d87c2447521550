//! `kobai plot`

use crate::eval::evaluate;
use crate::fit::can_be_drawn;
use crate::message::Failure;
use crate::options::{Common, Plot};
use crate::source::{Source, default_symbols, read, symbols};
use crate::{Answer, data, print};
use kobai::eval::data::{Array, Inputs};
use kobai::expr::Symbol;
use kobai::print::{Notation, print as printed, print_name};
use kobai::resolve::Program;
use kobai_fit::plot_functions::{Graph, draw_graphs};

/// Enough for a curve to look smooth.
const PIECES: usize = 400;

/// Draws.
pub fn run(arguments: &Plot) -> Result<Answer, Failure> {
    can_be_drawn(&arguments.out)?;
    if !(arguments.from.is_finite() && arguments.to.is_finite() && arguments.from < arguments.to) {
        return Err(Failure::text(format!(
            "nothing lies between --from {} and --to {}\n  fix: give two numbers, the smaller one first",
            arguments.from, arguments.to
        )));
    }
    let mut graphs = Vec::new();
    let mut variables: Vec<String> = Vec::new();
    for formula in &arguments.sources {
        let common = Common { source: formula.clone(), lang: arguments.lang.clone() };
        let mut function = Function::new(read(&common)?, arguments)?;
        variables.push(function.variable());
        graphs.extend(function.graphs(arguments)?);
    }
    variables.dedup();
    draw_graphs(&graphs, &variables.join(", "), &arguments.out)?;
    print(&format!("drawn: {}\n", arguments.out.display()))?;
    Ok(Answer::Yes)
}

/// A formula with its variable.
struct Function {
    source: Source,
    inputs: Inputs,
    program: Program,
    variable: Symbol,
}

impl Function {
    fn new(source: Source, arguments: &Plot) -> Result<Function, Failure> {
        let inputs = data::read(&arguments.inputs, &source.text)?;
        let mut program = source.program(&inputs)?;
        let candidates = match &arguments.wrt {
            Some(name) => symbols(&program, std::slice::from_ref(name))?,
            None => default_symbols(&mut program),
        };
        let unbound = |symbol: &Symbol| !inputs.contains_key(&program.context.symbol(*symbol).name.plain);
        let free: Vec<Symbol> = candidates.into_iter().filter(unbound).collect();
        match free[..] {
            [variable] if program.loss_indices.is_empty() && program.context.symbol(variable).axes.is_empty() => {
                Ok(Function { source, inputs, program, variable })
            }
            _ => Err(Failure::text(format!(
                "`{}` is no function of one variable\n  fix: give all names but one a value, as in --bind 'a = 2'; choose the variable with --wrt",
                source.text.trim()
            ))),
        }
    }

    fn variable(&self) -> String {
        print_name(&self.program.context.symbol(self.variable).name, Notation::Terminal)
    }

    /// The function, and its derivative where that is asked for.
    fn graphs(&mut self, arguments: &Plot) -> Result<Vec<Graph>, Failure> {
        let name = self.program.context.symbol(self.variable).name.plain.clone();
        let wrt: &[Symbol] = if arguments.derivative { &[self.variable] } else { &[] };
        let label = printed(&self.program.context, self.program.loss, Notation::Terminal);
        let slope = format!("∂/∂{} ({label})", self.variable());
        let mut graphs = vec![Graph { label, points: Vec::new() }];
        graphs.extend(wrt.iter().map(|_| Graph { label: slope.clone(), points: Vec::new() }));
        for place in 0..=PIECES {
            let at = arguments.from + (arguments.to - arguments.from) * place as f64 / PIECES as f64;
            self.inputs.insert(name.clone(), Array::scalar(at));
            let found = evaluate::<f64>(&mut self.program, &self.source, &self.inputs, wrt)?;
            let values = std::iter::once(&found.value).chain(found.gradients.iter().map(|(_, array)| array));
            for (graph, value) in graphs.iter_mut().zip(values) {
                graph.points.push((at, value.data.first().copied().unwrap_or(f64::NAN)));
            }
        }
        Ok(graphs)
    }
}
