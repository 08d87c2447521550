//! Which syntax a text is written in.

use super::{Syntax, commands};

/// Marks of a document wherever they stand.
const DOCUMENT_MARKS: &[&str] =
    &["$$", "```latex", "```math", "~~~latex", "~~~math", r"\begin{document}", r"\documentclass"];

/// Names of two letters.
const TWO_LETTER_NAMES: &[&str] = &["ln", "lg", "if", "pi", "mu", "nu", "xi"];

/// The syntax that a person would say a text is written in.
///
/// `$$`, `\[`, fences or prose make a document; backslashes, braces or one-letter subscripts make LaTeX; words and
/// `t[i, k]` make plain text. What reads the same in both, such as `x^x`, counts as LaTeX.
pub fn detect(text: &str) -> Syntax {
    let display_bracket = text.starts_with(r"\[")
        || text.match_indices(r"\[").any(|(at, _)| !text.get(..at).unwrap_or_default().ends_with('\\'));
    if display_bracket || DOCUMENT_MARKS.iter().any(|mark| text.contains(mark)) || has_prose(text) {
        return Syntax::Document;
    }
    if text.contains(['\\', '{', '%', '&']) {
        return Syntax::Latex;
    }
    let words: Vec<&str> = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
    // Two letters side by side, as in `ax^2 + bx`, are a product unless they are a name that everyone knows.
    let long = |name: &str| {
        let letters = name.chars().filter(|letter| letter.is_alphabetic()).count();
        letters > 2 || TWO_LETTER_NAMES.contains(&name)
    };
    let word = words.iter().any(|word| long(word) && !word.contains('_'));
    let long_name = words.iter().any(|word| word.split('_').next().is_some_and(long));
    let named = |word: &&str| word.split_once('_').is_some_and(|(_, script)| script.chars().count() > 1);
    let indexed = text.char_indices().any(|(at, letter)| {
        letter == '['
            && text.get(..at).unwrap_or_default().ends_with(|before: char| before.is_alphanumeric() || before == '_')
    });
    let plain = word || long_name || indexed || words.iter().any(named) || text.contains("==") || text.contains("!=");
    if plain { Syntax::Plain } else { Syntax::Latex }
}

/// True if there is a heading, or a line of words outside of mathematics, beside an environment or by itself.
fn has_prose(text: &str) -> bool {
    let mut inside_environment = 0_usize;
    for line in text.lines() {
        let outside = inside_environment == 0;
        if line.contains(r"\begin{") {
            inside_environment += line.matches(r"\begin{").count();
        }
        inside_environment = inside_environment.saturating_sub(line.matches(r"\end{").count());
        if outside && !line.contains(r"\begin{") && is_sentence(line) {
            return true;
        }
    }
    false
}

/// True for a heading, and for a line that is mostly words.
fn is_sentence(line: &str) -> bool {
    let line = line.trim();
    if line.starts_with("# ") || line.starts_with("## ") || line == "---" {
        return true;
    }
    let japanese = line.chars().filter(|letter| ('\u{3040}'..='\u{9fff}').contains(letter)).count();
    if !line.contains('\\') && line.contains('。') && japanese > 3 {
        return true;
    }
    let words = line.split_whitespace().filter(|word| {
        let bare = word.trim_matches([',', '.', ';', ':', '!', '?']);
        bare.len() > 1 && bare.chars().all(char::is_alphabetic) && commands::function_name(bare).is_none()
    });
    words.count() >= 4
}
