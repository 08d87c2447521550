//! `kobai read`: an author's proof-reader.

use crate::message::{Failure, drawn};
use crate::options::Read;
use crate::source::{Source, read};
use crate::{Answer, print};
use kobai::article::{self, Reading, Shown, ShownCounterexample, Status};
use kobai::explain::{self, Language, diagnostic};
use kobai::parse::{Syntax, detect};
use kobai::source::Diagnostic;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::Path;

/// Reads and prints.
pub fn run(arguments: &Read) -> Result<Answer, Failure> {
    let source = read(&arguments.common)?;
    let (readings, outside) = article::read(&source.text, syntax(&source));
    let failed = |reading: &Reading| matches!(reading.status, Status::False | Status::Error);
    let well = !readings.iter().any(failed) && !outside.iter().any(Diagnostic::is_error);
    print(&if arguments.json { as_json(&readings, &outside, &source) } else { as_text(&readings, &outside, &source) })?;
    Ok(if well { Answer::Yes } else { Answer::No })
}

/// An article is a document, whatever its words look like, and so is a text with `$ … $` in it.
fn syntax(source: &Source) -> Syntax {
    let extension = Path::new(&source.name).extension().and_then(|extension| extension.to_str());
    let article = matches!(extension, Some("md" | "markdown" | "txt"));
    let text = source.text.trim();
    let dollars = text.matches('$').count();
    let one_formula = dollars == 2 && text.starts_with('$') && text.ends_with('$');
    match article || text.contains(r"\(") || (dollars >= 2 && !one_formula) {
        true => Syntax::Document,
        false => detect(&source.text),
    }
}

fn as_text(readings: &[Reading], outside: &[Diagnostic], source: &Source) -> String {
    let say = |key: &str, slots: &[(&str, String)]| source.language.say(key, slots);
    let color = std::io::stdout().is_terminal();
    let draw = |found: &Diagnostic| drawn(found, &source.name, &source.text, source.language, color);
    if readings.is_empty() && outside.is_empty() {
        return say("word.no-formulas", &[("name", source.name.clone())]) + "\n";
    }
    let (mut out, mut said) = (String::new(), Vec::new());
    for (number, reading) in readings.iter().enumerate() {
        let line = say("word.line", &[("line", line_of(&source.text, reading).to_string())]);
        let kind = say(&format!("word.reading-{}", reading.kind.key().replace(' ', "-")), &[]);
        let status = say(&format!("word.reading-{}", reading.status.key()), &[]);
        let _ = writeln!(out, "{:>3}  {line}  {kind}: {}", number + 1, painted(&status, reading.status, color));
        let _ = writeln!(out, "       {}", reading.formula.terminal);
        if reading.formula.latex != reading.formula.terminal {
            let _ = writeln!(out, "       {}", reading.formula.latex);
        }
        remarks(number, reading, source.language).iter().for_each(|remark| out += &format!("       {remark}\n"));
        for choice in choices(reading, source.language) {
            // What is chosen alike everywhere is said once.
            if !said.contains(&choice) {
                out += &format!("       {choice}\n");
                said.push(choice);
            }
        }
        // Why something was not checked is told in `remarks`: it is no mistake of the author's.
        let drawn = reading.diagnostics.iter().filter(|found| reading.status != Status::Unchecked || !found.is_error());
        drawn.for_each(|found| out += &indented(&draw(found)));
    }
    outside.iter().for_each(|found| out += &draw(found));
    out + &summary(readings, outside, source.language)
}

/// What the reading of a formula chose where the notation leaves a choice; the one place that prints them.
fn choices(reading: &Reading, language: Language) -> Vec<String> {
    reading.program.as_ref().map(|program| explain::choices(program, language)).unwrap_or_default()
}

/// What was found, in sentences.
fn remarks(own: usize, reading: &Reading, language: Language) -> Vec<String> {
    let say = |key: &str, slots: &[(&str, String)]| language.say(key, slots);
    let list = |formulas: &[Shown]| formulas.iter().map(|shown| shown.terminal.clone()).collect::<Vec<_>>().join(", ");
    let mut remarks = Vec::new();
    if let Some((relationship, number)) = reading.related {
        let itself = if number == own { "-itself" } else { "" };
        let key = format!("word.reading-{}{itself}", relationship.key());
        remarks.push(say(&key, &[("number", (number + 1).to_string())]));
    }
    if !reading.conditions.is_empty() && reading.status == Status::Holds {
        remarks.push(say("word.reading-where", &[("conditions", list(&reading.conditions))]));
    }
    if !reading.supposed.is_empty() {
        remarks.push(say("word.reading-supposed", &[("conditions", list(&reading.supposed))]));
    }
    match reading.points {
        Some(points) if reading.status == Status::Holds => {
            remarks.push(say("word.reading-points", &[("count", points.to_string())]));
        }
        _ => {}
    }
    if let Some(found) = &reading.counterexample {
        remarks.extend(counterexample(found, language));
    }
    if reading.status == Status::Unchecked {
        let reason = reading.diagnostics.iter().find(|found| found.is_error());
        remarks.push(
            reason.map_or_else(|| say("word.reading-no-point", &[]), |found| diagnostic(found, language).message),
        );
    }
    remarks
}

/// Values, and what each side is there.
fn counterexample(found: &ShownCounterexample, language: Language) -> Vec<String> {
    let pairs = |values: &[(Shown, String)]| {
        values.iter().map(|(name, value)| format!("{} = {value}", name.terminal)).collect::<Vec<_>>().join(", ")
    };
    let mut at = match found.values.is_empty() {
        true => language.say("word.reading-no-values", &[]),
        false => language.say("word.reading-at", &[("values", pairs(&found.values))]),
    };
    if !found.place.is_empty() {
        let place: Vec<(Shown, String)> =
            found.place.iter().map(|(name, place)| (name.clone(), place.to_string())).collect();
        at = format!("{at} {}", language.say("word.reading-place", &[("place", pairs(&place))]));
    }
    let side = |shown: &Shown, value: &str| match shown.plain == value {
        true => format!("  {value}"),
        false => format!("  {} = {value}", shown.terminal),
    };
    let mut lines = vec![at, side(&found.sides[0], &found.left), side(&found.sides[1], &found.right)];
    if found.values.is_empty() && is_rounded(&found.left, &found.right) {
        lines.push(language.say("word.reading-rounded", &[]));
    }
    lines
}

/// True if the second number is the first one to the digits that it has.
fn is_rounded(exact: &str, digits: &str) -> bool {
    let places = digits.split_once('.').map_or(0, |(_, places)| places.len() as i32);
    match (exact.parse::<f64>(), digits.parse::<f64>()) {
        (Ok(exact), Ok(rounded)) => places > 0 && (exact - rounded).abs() < 10_f64.powi(-places),
        _ => false,
    }
}

/// `12 formulas: 9 ok, 2 hold, 1 false`
fn summary(readings: &[Reading], outside: &[Diagnostic], language: Language) -> String {
    let count = |status: Status| readings.iter().filter(|reading| reading.status == status).count();
    let stray = outside.iter().filter(|found| found.is_error()).count();
    let mut parts = Vec::new();
    for status in [Status::Ok, Status::Holds, Status::Unchecked, Status::False, Status::Error] {
        let count = count(status) + if status == Status::Error { stray } else { 0 };
        if count > 0 {
            parts.push(language.say(&format!("word.summary-{}", status.key()), &[("count", count.to_string())]));
        }
    }
    let total = readings.len() + stray;
    let key = if total == 1 { "word.summary-one" } else { "word.summary" };
    language.say(key, &[("total", total.to_string()), ("parts", parts.join(", "))]) + "\n"
}

fn painted(word: &str, status: Status, color: bool) -> String {
    let shade = match status {
        _ if !color => return word.to_owned(),
        Status::Holds => "32",
        Status::False | Status::Error => "31;1",
        Status::Unchecked => "33",
        Status::Ok => return word.to_owned(),
    };
    format!("\x1b[{shade}m{word}\x1b[0m")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("       {line}\n")).collect()
}

fn line_of(text: &str, reading: &Reading) -> usize {
    text.get(..reading.span.start).map_or(1, |before| before.matches('\n').count() + 1)
}

fn as_json(readings: &[Reading], outside: &[Diagnostic], source: &Source) -> String {
    let formulas: Vec<Value> = readings.iter().map(|reading| reading_as_json(reading, source)).collect();
    let count = |status: Status| readings.iter().filter(|reading| reading.status == status).count();
    let summary: Map<String, Value> = [Status::Ok, Status::Holds, Status::Unchecked, Status::False, Status::Error]
        .into_iter()
        .map(|status| (status.key().to_owned(), count(status).into()))
        .collect();
    let outside: Vec<Value> = outside.iter().map(|found| diagnostic_as_json(found, source)).collect();
    let whole = json!({ "formulas": formulas, "summary": summary, "diagnostics": outside });
    serde_json::to_string_pretty(&whole).unwrap_or_default() + "\n"
}

fn reading_as_json(reading: &Reading, source: &Source) -> Value {
    let latex = |formulas: &[Shown]| formulas.iter().map(|shown| shown.latex.clone()).collect::<Vec<_>>();
    let mut object = json!({
        "latex": reading.formula.latex,
        "plain": reading.formula.plain,
        "source": source.text.get(reading.span.start..reading.span.end),
        "line": line_of(&source.text, reading),
        "inline": reading.inline,
        "kind": reading.kind.key(),
        "status": reading.status.key(),
    });
    if !reading.conditions.is_empty() {
        object["conditions"] = json!(latex(&reading.conditions));
    }
    if !reading.supposed.is_empty() {
        object["supposed"] = json!(latex(&reading.supposed));
    }
    if reading.status == Status::Holds {
        object["method"] = json!(if reading.points.is_some() { "sampled" } else { "exact" });
    }
    if let Some(points) = reading.points {
        object["points"] = points.into();
    }
    if let Some((relationship, number)) = reading.related {
        object["related"] = json!({ "as": relationship.key(), "formula": number + 1 });
    }
    if let Some(found) = &reading.counterexample {
        object["counterexample"] = counterexample_as_json(found);
    }
    if !reading.diagnostics.is_empty() {
        let found: Vec<Value> = reading.diagnostics.iter().map(|found| diagnostic_as_json(found, source)).collect();
        object["diagnostics"] = Value::Array(found);
    }
    object
}

fn counterexample_as_json(found: &ShownCounterexample) -> Value {
    let value = |text: &String| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
    let values: Map<String, Value> =
        found.values.iter().map(|(name, text)| (name.plain.clone(), value(text))).collect();
    let place: Map<String, Value> =
        found.place.iter().map(|(name, place)| (name.plain.clone(), (*place).into())).collect();
    json!({
        "values": values,
        "place": place,
        "left": { "latex": found.sides[0].latex, "value": value(&found.left) },
        "right": { "latex": found.sides[1].latex, "value": value(&found.right) },
    })
}

fn diagnostic_as_json(found: &Diagnostic, source: &Source) -> Value {
    let message = diagnostic(found, source.language);
    let place = found.span.map(|span| {
        let before = source.text.get(..span.start).unwrap_or_default();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        json!({ "line": before.matches('\n').count() + 1, "column": column, "start": span.start, "end": span.end })
    });
    json!({
        "code": found.code,
        "severity": if found.is_error() { "error" } else { "warning" },
        "message": message.message,
        "cause": message.cause,
        "fix": message.fix,
        "place": place,
    })
}
