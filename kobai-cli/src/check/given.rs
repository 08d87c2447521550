//! The check at data that are given.

use super::watch::Watch;
use crate::data::shown;
use crate::eval::evaluate;
use crate::message::Failure;
use crate::options::Check;
use crate::source::Source;
use crate::table::Table;
use crate::{Answer, print};
use kobai::check::{Basis, Checker, Deviation, Doubles, Format, Truth};
use kobai::eval::Tensor;
use kobai::eval::data::Inputs;
use kobai::eval::high::{High, LARGEST_POWER_OF_TEN};
use kobai::explain::Language;
use kobai::expr::Symbol;
use kobai::resolve::Program;
use kobai_fit::metrics::json_number;
use serde_json::{Map, Value, json};

/// The rules and differences of values must agree so well.
const DIRECTIONS_AGREE_WITHIN: f64 = 1e-20;

/// How one way of computing compares with the truth.
struct Row {
    name: String,
    found: Doubles,
    value: Deviation,
    gradients: Vec<Vec<Deviation>>,
}

impl Row {
    fn new(name: String, found: Doubles, truth: &Truth) -> Row {
        let (value, gradients) = truth.deviations(&found, Format::F64);
        Row { name, found, value, gradients }
    }

    /// The worst entry of a gradient.
    fn worst(&self, gradient: usize) -> Option<(usize, &Deviation)> {
        let list = self.gradients.get(gradient).map_or(&[][..], Vec::as_slice);
        // The first of the worst.
        list.iter().enumerate().max_by(|a, b| a.1.size().total_cmp(&b.1.size()).then(b.0.cmp(&a.0)))
    }

    fn lost(&self, tolerance: f64) -> usize {
        self.gradients.iter().flatten().filter(|deviation| !deviation.is_within(tolerance)).count()
    }

    fn passes(&self, tolerance: f64) -> bool {
        self.value.is_within(tolerance) && self.lost(tolerance) == 0
    }
}

/// All that a check at given data finds.
struct Report<'a> {
    truth: Truth,
    /// Kobai's executor, the reference interpreter, the formula as written.
    rows: [Row; 3],
    names: Vec<String>,
    language: Language,
    arguments: &'a Check,
}

/// Checks and prints.
pub fn run(
    arguments: &Check,
    source: &Source,
    program: &mut Program,
    inputs: &Inputs,
    symbols: &[Symbol],
) -> Result<Answer, Failure> {
    let names = symbols.iter().map(|&symbol| program.context.symbol(symbol).name.plain.clone()).collect();
    let executed = evaluate::<f64>(program, source, inputs, symbols)?.into_doubles();
    let checker = Checker::new(program, symbols);
    let watch = Watch::new(arguments.json, source.language);
    let truth = watch.during(|monitor| checker.truth(&program.context, inputs, monitor));
    let failed = |errors| source.failed(program.located(errors));
    let truth = truth.map_err(failed)?;
    let stable = checker.stable(&program.context, inputs, Format::F64).map_err(failed)?;
    let naive = checker.naive(&program.context, inputs, Format::F64).map_err(failed)?;
    let say = |key: &str| source.language.say(key, &[]);
    let rows = [
        Row::new(say("word.check-kobai"), executed, &truth),
        Row::new(say("word.check-reference"), stable, &truth),
        Row::new(say("word.check-as-written"), naive, &truth),
    ];
    let report = Report { truth, rows, names, language: source.language, arguments };
    print(&if arguments.json { report.as_json() } else { report.as_text() })?;
    Ok(if report.passed() { Answer::Yes } else { Answer::No })
}

impl Report<'_> {
    fn agrees_with_directions(&self) -> bool {
        self.truth.direction_error.is_none_or(|error| error < DIRECTIONS_AGREE_WITHIN)
    }

    fn passed(&self) -> bool {
        let close = self.rows[..2].iter().all(|row| row.passes(self.arguments.tolerance));
        // NaN agrees with NaN, but it is an answer to nothing.
        close && self.truth.confirmed && self.agrees_with_directions() && !self.rows[0].found.value.is_nan()
    }

    fn say(&self, key: &str, slots: &[(&'static str, String)]) -> String {
        self.language.say(key, slots)
    }

    fn as_text(&self) -> String {
        let mut lines = self.about_the_truth();
        let mut table = Table::new(&["", &self.say("word.check-value", &[]), &self.say("word.check-error", &[])]);
        for name in &self.names {
            table.heading(&format!("∂/∂{name}"));
        }
        for row in &self.rows {
            let mut cells = vec![row.name.clone(), shown(row.found.value), self.size(&row.value)];
            cells.extend((0..self.names.len()).map(|position| match row.worst(position) {
                Some((_, deviation)) if deviation.size() == 0.0 => self.size(deviation),
                Some((place, deviation)) => {
                    let place = self.say("word.check-entry", &[("place", place.to_string())]);
                    format!("{} ({place})", self.size(deviation))
                }
                None => "–".to_owned(),
            }));
            table.row(cells);
        }
        lines.push(String::new());
        lines.push(table.render().trim_end().to_owned());
        lines.push(String::new());
        lines.extend(self.judgement());
        if self.arguments.entries {
            lines.extend(self.entries());
        }
        lines.join("\n") + "\n"
    }

    /// What the truth is, and how it was found.
    fn about_the_truth(&self) -> Vec<String> {
        let truth = &self.truth;
        let mut lines = Vec::new();
        let bits = ("bits", truth.precision.to_string());
        lines.push(match &truth.cancelled_value {
            Some(bound) => {
                let bound = High::new(truth.precision).to_decimal(bound, 2);
                self.say("word.check-cancelled-value", &[bits, ("bound", bound)])
            }
            None => self.say("word.check-true-value", &[("value", true_value(truth)), bits]),
        });
        let power = [("power", LARGEST_POWER_OF_TEN.to_string())];
        if truth.basis == Basis::StableForm {
            lines.push(self.say("word.check-stable-basis", &power));
        }
        if truth.beyond {
            lines.push(self.say("word.check-beyond", &power));
        }
        if !truth.confirmed {
            lines.push(self.say("word.check-unconfirmed", &[]));
        }
        let cancelled = truth.cancelled_entries.iter().flatten().filter(|&&mark| mark).count();
        if cancelled > 0 {
            lines.push(self.say("word.check-cancelled-entries", &[("count", cancelled.to_string())]));
        }
        let entries: usize = truth.gradients.iter().map(|gradient| gradient.data.len()).sum();
        match truth.direction_error {
            Some(error) => {
                let slots = [("error", format!("{error:.1e}")), ("count", truth.directions.to_string())];
                lines.push(self.say("word.check-directions", &slots));
            }
            None if entries == 0 => {}
            None => lines.push(self.say("word.check-no-directions", &[])),
        }
        lines
    }

    /// Passed or failed, and why.
    fn judgement(&self) -> Vec<String> {
        let tolerance = self.arguments.tolerance;
        let slot = ("tolerance", format!("{tolerance:e}"));
        let key = if self.passed() {
            "word.check-passed"
        } else if self.rows[..2].iter().any(|row| !row.passes(tolerance)) {
            "word.check-failed-error"
        } else if self.rows[0].found.value.is_nan() {
            "word.check-failed-nan"
        } else if !self.truth.confirmed {
            "word.check-failed-unconfirmed"
        } else {
            "word.check-failed-directions"
        };
        let mut lines = vec![self.say(key, &[slot])];
        let written = &self.rows[2];
        if !written.passes(tolerance) {
            let slots = [
                ("lost", written.lost(tolerance).to_string()),
                ("entries", written.gradients.iter().map(Vec::len).sum::<usize>().to_string()),
                ("value", shown(written.found.value)),
            ];
            lines.push(self.say("word.check-as-written-fails", &slots));
        }
        lines
    }

    fn size(&self, deviation: &Deviation) -> String {
        match deviation.size() {
            0.0 => self.say("word.check-exact", &[]),
            _ if deviation.relative.is_nan() => "NaN".to_owned(),
            size if size.is_infinite() => "∞".to_owned(),
            size if deviation.cancelled => self.say("word.check-absolute", &[("error", format!("{size:.1e}"))]),
            size => format!("{size:.1e}"),
        }
    }

    fn entries(&self) -> Vec<String> {
        let mut high = High::new(self.truth.precision);
        let mut lines = Vec::new();
        for (position, name) in self.names.iter().enumerate() {
            let heading = self.say("word.check-true", &[]);
            let mut table = Table::new(&[&format!("∂/∂{name}"), &heading, &self.rows[0].name, &self.rows[2].name]);
            for (place, entry) in self.truth.gradients[position].data.iter().enumerate() {
                let value = |row: &Row| {
                    let tensor: Option<&Tensor<f64>> = row.found.gradients.get(position);
                    shown(tensor.and_then(|tensor| tensor.data.get(place)).copied().unwrap_or(f64::NAN))
                };
                let (kobai, written) = (value(&self.rows[0]), value(&self.rows[2]));
                table.row(vec![place.to_string(), high.to_decimal(entry, 25), kobai, written]);
            }
            lines.push(String::new());
            lines.push(table.render().trim_end().to_owned());
        }
        lines
    }

    fn as_json(&self) -> String {
        let deviation = |deviation: &Deviation| {
            json!({
                "relative_error": json_number(deviation.relative),
                "absolute_error": json_number(deviation.absolute),
                "ulps": json_number(deviation.units),
                "zero_by_cancellation": deviation.cancelled,
            })
        };
        let row = |row: &Row| {
            let gradients: Map<String, Value> = self
                .names
                .iter()
                .enumerate()
                .filter_map(|(position, name)| {
                    let (entry, worst) = row.worst(position)?;
                    let mut object = deviation(worst);
                    object["worst_relative_error"] = object["relative_error"].take();
                    object["entry"] = entry.into();
                    Some((name.clone(), object))
                })
                .collect();
            let mut object = deviation(&row.value);
            object["value"] = json_number(row.found.value);
            object["gradients"] = Value::Object(gradients);
            object
        };
        let truth = &self.truth;
        let object = json!({
            "passed": self.passed(),
            "true_value": true_value(truth),
            "precision_bits": truth.precision,
            "confirmed": truth.confirmed,
            "basis": if truth.basis == Basis::AsWritten { "as written" } else { "stable form" },
            "zero_by_cancellation": truth.cancelled_value.is_some(),
            "direction_error": truth.direction_error,
            "kobai": row(&self.rows[0]),
            "reference": row(&self.rows[1]),
            "as_written": row(&self.rows[2]),
        });
        object.to_string() + "\n"
    }
}

/// The true value in digits; what is beyond all numbers is said to be so.
fn true_value(truth: &Truth) -> String {
    if truth.beyond && truth.value.is_inf() {
        let sign = if truth.value.is_negative() { "< -" } else { "> " };
        return format!("{sign}10^{LARGEST_POWER_OF_TEN}");
    }
    High::new(truth.precision).to_decimal(&truth.value, 25)
}
