//! The check at inputs that are made to be hard.

use super::executed::executed;
use super::watch::Watch;
use crate::data::array_json;
use crate::message::Failure;
use crate::options::Check;
use crate::source::Source;
use crate::table::Table;
use crate::{Answer, print};
use kobai::check::adversary::Adversary;
use kobai::check::{Checker, Format, Monitor, Tally, Worst};
use kobai::eval::data::Inputs;
use kobai::expr::Symbol;
use kobai::resolve::Program;
use kobai_fit::metrics::json_number;
use serde_json::{Map, Value, json};

/// The types, as they are written.
const FORMATS: [(Format, &str); 2] = [(Format::F64, "f64"), (Format::F32, "f32")];

/// The results of one type: Kobai's executor and the formula as written.
struct Results {
    format: &'static str,
    stable: Tally,
    written: Tally,
    /// Cases that count.
    checked: usize,
    /// Cases outside of where the formula is defined.
    left_out: usize,
}

/// What all cases have shown.
struct Report<'a> {
    results: Vec<Results>,
    names: Vec<String>,
    adversary: Adversary,
    finished: bool,
    arguments: &'a Check,
    source: &'a Source,
}

/// Checks and prints.
pub fn run(
    arguments: &Check,
    source: &Source,
    program: &mut Program,
    given: &Inputs,
    symbols: &[Symbol],
) -> Result<Answer, Failure> {
    let names: Vec<String> = symbols.iter().map(|&symbol| program.context.symbol(symbol).name.plain.clone()).collect();
    let checker = Checker::new(program, symbols);
    let adversary = Adversary::new(program, &checker, given.clone(), arguments.seed);
    let adversary = adversary.map_err(|errors| source.failed(program.located(errors)))?;
    if let Some(case) = arguments.case {
        let inputs = adversary.draw(program, case, Format::F64).ok_or_else(|| {
            Failure::text(format!("case {case} has no inputs: all draws break an assumption\n  fix: name another case"))
        })?;
        let object: Map<String, Value> = inputs.iter().map(|(name, array)| (name.clone(), array_json(array))).collect();
        print(&(Value::Object(object).to_string() + "\n"))?;
        return Ok(Answer::Yes);
    }
    let mut results: Vec<Results> = FORMATS
        .into_iter()
        .map(|(format, name)| Results {
            format: name,
            stable: Tally::new(symbols.len(), format),
            written: Tally::new(symbols.len(), format),
            checked: 0,
            left_out: 0,
        })
        .collect();
    let watch = Watch::of_many(arguments.cases, arguments.json, source.language);
    for case in 0..arguments.cases {
        for (results, (format, _)) in results.iter_mut().zip(FORMATS) {
            watch.during(|monitor| results.take_in(case, format, program, &checker, &adversary, monitor));
        }
        watch.advance();
        if watch.is_interrupted() {
            break;
        }
    }
    let finished = !watch.is_interrupted();
    drop(watch);
    let report = Report { results, names, adversary, finished, arguments, source };
    print(&if arguments.json { report.as_json() } else { report.as_text() })?;
    Ok(if report.passed() { Answer::Yes } else { Answer::No })
}

impl Results {
    /// One case: truth, sensitivity, both ways of computing.
    fn take_in(
        &mut self,
        case: usize,
        format: Format,
        program: &mut Program,
        checker: &Checker,
        adversary: &Adversary,
        monitor: &mut Monitor<'_>,
    ) {
        let Some(inputs) = adversary.draw(program, case, format) else {
            self.left_out += 1;
            return;
        };
        // Labels out of range and the like: the case is none of this formula's.
        let truth = match checker.truth_without_directions(&program.context, &inputs, monitor) {
            Ok(truth) if truth.confirmed && truth.is_finite() => truth,
            _ => {
                self.left_out += usize::from(!monitor.is_interrupted());
                return;
            }
        };
        let Ok(sensitivity) = checker.sensitivity(&program.context, &inputs, &truth, monitor) else { return };
        let stable = match format {
            Format::F64 => executed::<f64>(program, checker, &inputs),
            Format::F32 => executed::<f32>(program, checker, &inputs),
        };
        let written = checker.naive(&program.context, &inputs, format);
        let (Ok(stable), Ok(written)) = (stable, written) else {
            self.left_out += 1;
            return;
        };
        self.stable.add(case, &truth, &sensitivity, &stable);
        self.written.add(case, &truth, &sensitivity, &written);
        self.checked += 1;
    }

    fn rows(&self) -> [(&'static str, &Tally); 2] {
        [("word.check-stable-form", &self.stable), ("word.check-formula-as-written", &self.written)]
    }
}

impl Report<'_> {
    fn passed(&self) -> bool {
        let good = |results: &Results| results.checked > 0 && results.stable.is_within(self.arguments.bound);
        self.finished && self.results.iter().all(good)
    }

    /// The key of what is said at the end.
    fn judgement(&self) -> &'static str {
        let within = self.results.iter().all(|results| results.stable.is_within(self.arguments.bound));
        match (within, self.finished) {
            (false, _) => "word.check-drawn-failed",
            (true, false) => "word.check-drawn-undecided",
            (true, true) if self.passed() => "word.check-drawn-passed",
            (true, true) => "word.check-drawn-nothing",
        }
    }

    fn say(&self, key: &str, slots: &[(&'static str, String)]) -> String {
        self.source.language.say(key, slots)
    }

    fn as_text(&self) -> String {
        let inputs = self
            .adversary
            .description()
            .into_iter()
            .map(|(name, set)| format!("{name} ∈ {set}"))
            .collect::<Vec<_>>()
            .join(";  ");
        let slots = [
            ("cases", self.arguments.cases.to_string()),
            ("seed", self.arguments.seed.to_string()),
            ("inputs", inputs),
        ];
        let mut lines = vec![self.say("word.check-drawn", &slots)];
        for results in &self.results {
            let slots = [
                ("format", results.format.to_owned()),
                ("checked", results.checked.to_string()),
                ("left_out", results.left_out.to_string()),
            ];
            lines.push(self.say("word.check-drawn-count", &slots));
        }
        if !self.finished {
            lines.push(self.say("word.check-stopped", &[]));
        }
        lines.push(String::new());
        lines.push(self.table().render().trim_end().to_owned());
        lines.push(String::new());
        lines.push(self.say(self.judgement(), &[("bound", self.arguments.bound.to_string())]));
        lines.join("\n") + "\n"
    }

    fn table(&self) -> Table {
        let heading = |key: &str| self.say(key, &[]);
        let (units, relative) = (heading("word.check-ulp"), heading("word.check-error"));
        let (conditioned, not_finite) = (heading("word.check-conditioned"), heading("word.check-not-finite"));
        let mut table =
            Table::new(&["", &units, &relative, &conditioned, &not_finite, &heading("word.check-worst-case")]);
        for results in &self.results {
            for (key, tally) in results.rows() {
                let form = heading(key);
                let value = heading("word.check-value");
                table.row(self.cells(format!("{} {form}, {value}", results.format), &tally.value));
                for (name, worst) in self.names.iter().zip(&tally.gradients) {
                    table.row(self.cells(format!("{} {form}, ∂/∂{name}", results.format), worst));
                }
            }
        }
        table
    }

    fn cells(&self, name: String, worst: &Worst) -> Vec<String> {
        let case = match worst.case {
            Some(case) => format!("{case} ({})", self.family(case)),
            None => "–".to_owned(),
        };
        let count = if worst.not_finite == 0 { "–".to_owned() } else { worst.not_finite.to_string() };
        vec![name, short(worst.units), short(worst.relative), short(worst.conditioned), count, case]
    }

    fn family(&self, case: usize) -> String {
        self.say(&format!("word.check-family-{}", self.adversary.family(case).key()), &[])
    }

    fn as_json(&self) -> String {
        let worst = |worst: &Worst| {
            json!({
                "ulps": json_number(worst.units),
                "relative_error": json_number(worst.relative),
                "ulps_over_condition": json_number(worst.conditioned),
                "not_finite": worst.not_finite,
                "case": worst.case,
                "family": worst.case.map(|case| self.adversary.family(case).key()),
            })
        };
        let tally = |tally: &Tally| {
            let gradients: Map<String, Value> =
                self.names.iter().cloned().zip(tally.gradients.iter().map(worst)).collect();
            json!({ "value": worst(&tally.value), "gradients": gradients })
        };
        let results: Map<String, Value> = self
            .results
            .iter()
            .map(|results| {
                let object = json!({
                    "checked": results.checked,
                    "left_out": results.left_out,
                    "stable": tally(&results.stable),
                    "as_written": tally(&results.written),
                });
                (results.format.to_owned(), object)
            })
            .collect();
        let inputs: Map<String, Value> =
            self.adversary.description().into_iter().map(|(name, set)| (name, Value::String(set))).collect();
        let object = json!({
            "passed": self.passed(),
            "finished": self.finished,
            "seed": self.arguments.seed,
            "cases": self.arguments.cases,
            "bound": self.arguments.bound,
            "inputs": inputs,
            "results": results,
        });
        object.to_string() + "\n"
    }
}

/// An error in few digits.
fn short(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        _ if (0.01..1e4).contains(&value) => format!("{value:.2}"),
        _ => format!("{value:.1e}"),
    }
}
