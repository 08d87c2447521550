//! The language files: every language says everything that the source can ask it to say, with the same slots.
//!
//! What the source asks for is found by reading it: the codes in `Diagnostic::error("…"`, the keys in `Step::new("…"`.

use kobai::derivation::Step;
use kobai::explain::Language;
use kobai::function::{Function, ROWS};
use kobai::parse::{Syntax, parse};
use kobai::resolve::resolve;
use kobai::rewrite::stability::STABILITY;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{read_dir, read_to_string};
use std::path::Path;

/// What makes a diagnostic of the code that follows; the last two are the parser's own, of which the second takes the
/// name of a slot after the code.
const MAKERS: [&str; 5] =
    ["Diagnostic::error(", "Diagnostic::warning(", "Diagnostic::data_error(", "self.error(", "self.missing("];
/// Every key begins with one of these and a point. Of the last two the command line knows which it uses.
const KINDS: [&str; 6] = ["rule", "stable", "error", "choice", "heading", "word"];

/// A language file as it stands: code and the pairs in order.
fn files() -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
    Language::ALL
        .iter()
        .map(|&(_, code, text)| {
            let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
            let pairs = lines.map(|(number, line)| {
                line.split_once(" = ").unwrap_or_else(|| panic!("{code}.txt:{}: no ` = ` in `{line}`", number + 1))
            });
            (code, pairs.collect())
        })
        .collect()
}

/// The words that stand directly between two braces, each as often as it occurs: slots, and the letters of formulas.
fn in_braces(sentence: &str) -> Vec<&str> {
    let mut found: Vec<&str> = sentence
        .split('{')
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0))
        .filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .collect();
    found.sort_unstable();
    found
}

/// The text of every source file in a folder and below it.
fn read_folder(folder: &Path, found: &mut Vec<String>) {
    let Ok(entries) = read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            read_folder(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.extend(read_to_string(path));
        }
    }
}

/// The source of the compiler.
fn source() -> Vec<String> {
    let mut found = Vec::new();
    read_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

/// The source of the crates beside it, which report through its sentences too.
fn source_beside() -> Vec<String> {
    let mut found = Vec::new();
    for name in ["kobai-cpu", "kobai-fit", "kobai-cli", "kobai-python"] {
        read_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src"), &mut found);
    }
    found
}

/// The string literal that text begins with.
fn literal(text: &str) -> Option<&str> {
    text.trim_start().strip_prefix('"')?.split('"').next()
}

/// Every string literal in a line.
fn literals(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2)
}

fn slots_given(text: &str) -> BTreeSet<String> {
    text.split(".with(").skip(1).filter_map(literal).map(str::to_owned).collect()
}

/// The codes that a file reports, each with the slots that every place of it gives.
fn codes(text: &str, makers: &[&str], found: &mut BTreeMap<String, BTreeSet<String>>) {
    let mut note = |code: &str, slots: BTreeSet<String>| match found.get_mut(code) {
        Some(known) => *known = &*known & &slots,
        None => drop(found.insert(code.to_owned(), slots)),
    };
    for function in text.split("fn ") {
        for maker in makers {
            for call in function.split(maker).skip(1) {
                let Some(code) = literal(call) else { continue };
                let mut given = slots_given(call.split("Diagnostic::").next().unwrap_or(call));
                if *maker == "self.missing(" {
                    given = literals(call).skip(1).take(1).map(str::to_owned).collect();
                }
                note(code, given);
            }
        }
        // A code that is chosen before it is reported, or changed afterwards: all slots of the function count.
        for line in function.lines().filter(|line| line.contains("let code = ") || line.contains(".code = ")) {
            literals(line).filter(|literal| literal.contains('-')).for_each(|code| note(code, slots_given(function)));
        }
    }
}

fn all_codes() -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    source().iter().for_each(|text| codes(text, &MAKERS, &mut found));
    source_beside().iter().for_each(|text| codes(text, &MAKERS[..3], &mut found));
    assert!(found.len() > 20, "only {} codes found: does the source report in another way now?", found.len());
    found
}

/// The keys of the steps on paper: literals in a call of `Step::new` or `Applied::new`, and what a `rule` is chosen from.
fn rules() -> BTreeSet<String> {
    let mut found = BTreeSet::from(["function".to_owned(), "function-direct".to_owned()]);
    for text in source() {
        for maker in ["Step::new(", "Applied::new(", "line("] {
            let first = |call: &str| call.split([',', ';']).next().map(str::to_owned);
            for chosen in text.split(maker).skip(1).filter_map(first).filter(|_| is_about_rules(&text, maker)) {
                found.extend(literals(&chosen).map(str::to_owned));
            }
        }
        let chosen = text.lines().filter(|line| line.trim().starts_with("let rule = ") && line.contains(" if "));
        chosen.for_each(|line| found.extend(literals(line).map(str::to_owned)));
        let tried = text.lines().filter(|line| line.trim().starts_with("for rule in ["));
        tried.for_each(|line| found.extend(literals(line).map(str::to_owned)));
        let weights = text.split("let (rule, weight) = match").skip(1).filter_map(|rest| rest.split("};\n").next());
        for arm in weights.flat_map(|rest| rest.split("(\"").skip(1)) {
            found.extend(arm.split('"').next().map(str::to_owned));
        }
    }
    assert!(found.len() > 20, "only {} rules found: does the source name them in another way now?", found.len());
    found
}

/// True where the word makes a line of a derivation; elsewhere it may be anything.
fn is_about_rules(text: &str, maker: &str) -> bool {
    maker.ends_with("new(") || text.starts_with("//! Derivatives ")
}

/// The keys of the rewritings: the rows, and the rules that a row cannot say.
fn rewritings() -> BTreeSet<String> {
    let mut found: BTreeSet<String> = STABILITY.iter().map(|row| row.key.to_owned()).collect();
    for text in source() {
        found.extend(text.split("Rule::function(").skip(1).filter_map(literal).map(str::to_owned));
    }
    found
}

#[test]
fn every_line_is_a_key_and_a_sentence() {
    for (code, pairs) in files() {
        let mut seen = BTreeSet::new();
        for (key, sentence) in pairs {
            assert!(seen.insert(key), "{code}: {key} stands twice");
            let parts: Vec<&str> = key.split('.').collect();
            let shape = match parts[..] {
                ["error", _, part] => matches!(part, "cause" | "fix"),
                [kind, _] => KINDS.contains(&kind),
                _ => false,
            };
            let spelling = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            assert!(shape && key.chars().all(spelling), "{code}: `{key}` is not a key");
            assert!(
                !sentence.trim().is_empty() && sentence.trim() == sentence,
                "{code}: {key} is empty or has blanks around it"
            );
            let (open, close) = (sentence.matches('{').count(), sentence.matches('}').count());
            assert_eq!(open, close, "{code}: {key} has a brace without its partner");
        }
    }
}

#[test]
fn the_languages_say_the_same() {
    let files = files();
    let (first, reference) = &files[0];
    for (code, pairs) in &files[1..] {
        let keys = |pairs: &[(&'static str, &'static str)]| pairs.iter().map(|(key, _)| *key).collect::<BTreeSet<_>>();
        let (ours, theirs) = (keys(reference), keys(pairs));
        let missing: Vec<_> = ours.symmetric_difference(&theirs).collect();
        assert!(missing.is_empty(), "{first} and {code} do not both have {missing:?}");
        let sentences: BTreeMap<_, _> = pairs.iter().copied().collect();
        for (key, sentence) in reference {
            let other = sentences[key];
            let unique = |sentence| in_braces(sentence).into_iter().collect::<BTreeSet<_>>();
            assert_eq!(unique(sentence), unique(other), "{key} has other slots in {code}");
        }
    }
}

#[test]
fn every_error_has_a_sentence_and_a_fix() {
    let codes = all_codes();
    let given_anywhere: BTreeSet<&String> = codes.values().flatten().collect();
    for (language, pairs) in files() {
        let sentences: BTreeMap<_, _> = pairs.into_iter().collect();
        for (code, given) in &codes {
            for part in ["", ".cause", ".fix"] {
                let key = format!("error.{code}{part}");
                let Some(sentence) = sentences.get(key.as_str()) else {
                    assert_eq!(part, ".cause", "{language} lacks {key}");
                    continue;
                };
                // Letters in braces, as in x_{ij}, are no slots.
                for slot in
                    in_braces(sentence).into_iter().map(str::to_owned).filter(|slot| given_anywhere.contains(slot))
                {
                    assert!(
                        given.contains(&slot),
                        "{language}: {key} uses {{{slot}}}, which not every place of the code gives"
                    );
                }
            }
        }
    }
}

#[test]
fn every_rule_has_a_sentence() {
    for (language, pairs) in files() {
        let keys: BTreeSet<_> = pairs.into_iter().map(|(key, _)| key).collect();
        for rule in rules() {
            assert!(keys.contains(format!("rule.{rule}").as_str()), "{language} lacks rule.{rule}");
        }
        for rewriting in rewritings() {
            assert!(keys.contains(format!("stable.{rewriting}").as_str()), "{language} lacks stable.{rewriting}");
        }
    }
}

/// The codes of choices: what `choose` and `Choice::new` are called with, and what a `code` is chosen from.
fn choices() -> BTreeSet<String> {
    let text = source().into_iter().find(|text| text.contains("pub struct Choice {")).expect("the source of choices");
    let quoted = text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(literals);
    let is_code = |word: &&str| word.len() > 3 && word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let slots = ["formula", "name", "names", "indices", "number", "size", "place", "sigmoid"];
    let mut found: BTreeSet<String> = BTreeSet::from(["size-of-mean".to_owned()]);
    found.extend(quoted.filter(is_code).filter(|word| !slots.contains(word)).map(str::to_owned));
    found
}

#[test]
fn every_choice_has_a_sentence() {
    let choices = choices();
    assert!(choices.len() >= 12, "only {choices:?} found: does the source make choices in another way now?");
    for (language, pairs) in files() {
        let keys: BTreeSet<_> = pairs.into_iter().filter_map(|(key, _)| key.strip_prefix("choice.")).collect();
        let codes: BTreeSet<_> = choices.iter().map(String::as_str).collect();
        assert_eq!(keys, codes, "{language}");
    }
}

#[test]
fn every_sentence_is_used() {
    let (codes, rules, rewritings) = (all_codes(), rules(), rewritings());
    for (language, pairs) in files() {
        for (key, _) in pairs {
            let mut parts = key.split('.');
            let (kind, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let used = match kind {
                "error" => codes.contains_key(name),
                "rule" => {
                    let function = name.strip_suffix("-direct").unwrap_or(name);
                    rules.contains(name) || Function::from_plain(function).is_some()
                }
                "stable" => rewritings.contains(name),
                _ => true,
            };
            assert!(used, "{language}: nobody uses {key}");
        }
    }
}

#[test]
fn japanese_is_japanese() {
    let japanese = |c: char| matches!(c, '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}');
    for (key, sentence) in Language::Japanese.sentences() {
        assert!(sentence.contains(japanese), "{key} is not in Japanese: {sentence}");
        if ["rule.", "stable.", "error."].iter().any(|kind| key.starts_with(kind)) {
            assert!(sentence.ends_with('。'), "{key} does not end as a sentence does: {sentence}");
        }
    }
    for (key, sentence) in Language::English.sentences() {
        assert!(!sentence.contains(japanese), "{key} is not in English: {sentence}");
    }
}

#[test]
fn slots_are_filled() {
    let index = [("index", "i".to_owned())];
    assert_eq!(
        Language::English.say("error.undefined-index.fix", &index),
        r"Add an operator such as \sum_{i}, or put the index on the left side of the definition."
    );
    for (language, ..) in Language::ALL {
        assert!(language.say("error.undefined-index.fix", &index).contains(r"\sum_{i}"));
        assert!(language.say("error.axis-without-size.fix", &index).contains(r"\sum_{i=1}^{N}"));
        let environment = [("environment", "align".to_owned())];
        assert!(language.say("error.unclosed-environment.fix", &environment).contains(r"\end{align}"));
    }
}

/// The slots of every step of real derivations are those that its sentence asks for.
#[test]
fn derivations_fill_their_sentences() {
    let losses = [
        (
            r"L = -\frac{1}{N} \sum_{i=1}^{N} \sum_{k=1}^{K} t_{ik} \log y_{ik}, \quad y_{ik} = \frac{e^{z_{ik}}}{\sum_{j=1}^{K} e^{z_{ij}}}",
            "z",
        ),
        (r"L = -\sum_{i=1}^{N} (t_i \log y_i + (1 - t_i) \log(1 - y_i)), \quad y_i = \frac{1}{1 + e^{-z_i}}", "z"),
        (r"x^x + a^x + x^a + \frac{1}{x} + \log_2 x + \tanh x + \max(x, 0)", "x"),
        (r"\frac{x^2}{\sin x} + x \cos x", "x"),
    ];
    for (text, name) in losses {
        let parsed = parse(text, Syntax::Latex);
        let Ok(mut program) = resolve(&parsed, &Default::default()) else { panic!("{text} is not understood") };
        let symbol = program.context.symbols.iter().position(|symbol| symbol.name.plain == name);
        let Some(number) = symbol else { panic!("{text} has no {name}") };
        let symbol = kobai::expr::Symbol(number as u32);
        let derivation = kobai::differentiate::readable::derive(&mut program, symbol);
        assert!(!derivation.steps.is_empty(), "{text}");
        derivation.steps.iter().for_each(check_step);
    }
}

fn check_step(step: &Step) {
    let mut given: BTreeSet<&str> = step.slots.iter().map(|(slot, _)| *slot).collect();
    let is_function = ROWS.iter().any(|row| row.plain == step.rule);
    if is_function {
        // What explain adds for a function.
        given.extend(["name", "general"]);
    }
    for (language, ..) in Language::ALL {
        let sentences = language.sentences();
        // A function of the variable itself has no inside.
        let direct = if is_function && !given.contains("u") { "-direct" } else { "" };
        let own = sentences.get(format!("rule.{}{direct}", step.rule).as_str());
        let sentence =
            if is_function { own.or_else(|| sentences.get(format!("rule.function{direct}").as_str())) } else { own };
        let Some(sentence) = sentence else { panic!("{language:?} has no sentence for the rule {}", step.rule) };
        for slot in in_braces(sentence) {
            assert!(given.contains(slot), "{language:?}: the rule {} gives no {{{slot}}}", step.rule);
        }
    }
    step.substeps.iter().for_each(check_step);
}
