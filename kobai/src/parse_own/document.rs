//! Documents: where the display mathematics stands.

use crate::source::Span;

/// Environments that are display mathematics by themselves.
const ENVIRONMENTS: [&str; 8] = ["equation", "align", "gather", "multline", "eqnarray", "aligned", "split", "gathered"];

/// The display formulas, outside of front matter and of code that is no mathematics.
pub fn display_formulas(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut position = front_matter(text);
    while position < text.len() {
        let rest = &text[position..];
        let line_start = position == 0 || text.as_bytes()[position - 1] == b'\n';
        if line_start && (rest.trim_start_matches(' ').starts_with("```")) {
            position = fence(text, position, &mut spans);
        } else if let Some(body) = rest.strip_prefix("$$") {
            position = delimited(position, body, 2, "$$", &mut spans);
        } else if let Some(body) = rest.strip_prefix("\\[") {
            position = delimited(position, body, 2, "\\]", &mut spans);
        } else if let Some(end) = environment(rest) {
            spans.push(Span::new(position, position + end));
            position += end;
        } else if let Some(code) = rest.strip_prefix('`') {
            position += 1 + code.find(['`', '\n']).map_or(code.len(), |end| end + 1);
        } else {
            position += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    spans
}

fn front_matter(text: &str) -> usize {
    match text.strip_prefix("---\n").and_then(|rest| rest.find("\n---")) {
        Some(end) => {
            let after = 4 + end + 4;
            text[after..].find('\n').map_or(text.len(), |newline| after + newline + 1)
        }
        None => 0,
    }
}

fn delimited(position: usize, body: &str, opening: usize, closing: &str, spans: &mut Vec<Span>) -> usize {
    let start = position + opening;
    let end = body.find(closing).unwrap_or(body.len());
    spans.push(Span::new(start, start + end));
    (start + end + closing.len()).min(start + body.len().max(end))
}

/// A fence marked `latex` or `math` is a formula; any other is skipped. Gives the place after it.
fn fence(text: &str, position: usize, spans: &mut Vec<Span>) -> usize {
    let rest = &text[position..];
    let indent = rest.len() - rest.trim_start_matches(' ').len();
    let ticks = rest[indent..].len() - rest[indent..].trim_start_matches('`').len();
    let Some(newline) = rest.find('\n') else { return text.len() };
    let label = rest[indent + ticks..newline].trim();
    let mark = "`".repeat(ticks);
    let mut line = position + newline + 1;
    let start = line;
    while line < text.len() {
        let end = text[line..].find('\n').map_or(text.len(), |newline| line + newline);
        if text[line..end].trim_start().starts_with(&mark) {
            break;
        }
        line = (end + 1).min(text.len());
    }
    if label == "latex" || label == "math" {
        spans.push(Span::new(start, line));
    }
    text[line.min(text.len())..].find('\n').map_or(text.len(), |newline| line + newline + 1)
}

/// The length of a display environment that starts here.
fn environment(rest: &str) -> Option<usize> {
    let name = rest.strip_prefix("\\begin{")?.split('}').next()?;
    ENVIRONMENTS.contains(&name.trim_end_matches('*')).then_some(())?;
    let closing = format!("\\end{{{name}}}");
    Some(rest.find(&closing).map_or(rest.len(), |end| end + closing.len()))
}
