//! Documents: which parts of an article are the program.
//!
//! A scan of lines finds code fences and front matter, and a scan of the text between them finds display maths. The
//! places must be exact in the author's text, which a Markdown reader would not keep inside `$$`.

use super::commands;
use crate::source::{Diagnostic, Span};

/// What the scan found.
#[derive(Default)]
pub(super) struct Displays {
    /// The inside of each display, in order.
    pub blocks: Vec<Span>,
    /// The inside of each formula in the running text, in order.
    pub inline: Vec<Span>,
    /// Displays that do not end.
    pub diagnostics: Vec<Diagnostic>,
}

/// Fences that hold a program.
const PROGRAM_FENCES: &[&str] = &["latex", "math"];

/// The display maths of a document.
pub(super) fn displays(text: &str) -> Displays {
    let mut found = Displays::default();
    let mut prose_start = front_matter(text);
    let mut fence: Option<Fence> = None;
    let mut position = prose_start;
    for line in text.get(prose_start..).unwrap_or_default().split_inclusive('\n') {
        let (start, end) = (position, position + line.len());
        position = end;
        match &fence {
            Some(open) if open.closed_by(line) => {
                found.blocks.extend(open.program.then_some(Span::new(open.inside, start)));
                (fence, prose_start) = (None, end);
            }
            Some(_) => {}
            None => {
                if let Some(open) = Fence::opened_by(line, end) {
                    scan_prose(text, Span::new(prose_start, start), &mut found);
                    fence = Some(open);
                }
            }
        }
    }
    match fence {
        Some(open) if open.program => found.blocks.push(Span::new(open.inside, text.len())),
        Some(_) => {}
        None => scan_prose(text, Span::new(prose_start, text.len()), &mut found),
    }
    found
}

/// Where the text begins after front matter between lines of `---`.
fn front_matter(text: &str) -> usize {
    let mut lines = text.split_inclusive('\n');
    let Some(first) = lines.next().filter(|line| line.trim_end() == "---") else {
        return 0;
    };
    let mut position = first.len();
    for line in lines {
        position += line.len();
        if line.trim_end() == "---" {
            return position;
        }
    }
    0
}

struct Fence {
    mark: char,
    length: usize,
    program: bool,
    inside: usize,
}

impl Fence {
    fn opened_by(line: &str, inside: usize) -> Option<Fence> {
        let trimmed = line.trim_start();
        let mark = trimmed.chars().next().filter(|mark| "`~".contains(*mark))?;
        let information = trimmed.trim_start_matches(mark);
        let length = trimmed.len() - information.len();
        if length < 3 || (mark == '`' && information.contains('`')) {
            return None;
        }
        let word = information.split_whitespace().next().unwrap_or_default();
        Some(Fence { mark, length, program: PROGRAM_FENCES.contains(&word), inside })
    }

    fn closed_by(&self, line: &str) -> bool {
        let trimmed = line.trim();
        trimmed.len() >= self.length && trimmed.chars().all(|letter| letter == self.mark)
    }
}

/// Finds `$$…$$`, `\[…\]` and environments in text outside of fences.
fn scan_prose(text: &str, region: Span, found: &mut Displays) {
    let mut scan = Scan { text, position: region.start, end: region.end, unclosed: Vec::new() };
    while scan.position < scan.end {
        scan.step(found);
    }
}

struct Scan<'a> {
    text: &'a str,
    position: usize,
    end: usize,
    /// Marks that are known not to come any more, so that a text of many openings is read once only.
    unclosed: Vec<String>,
}

impl Scan<'_> {
    fn step(&mut self, found: &mut Displays) {
        let rest = self.text.get(self.position..self.end).unwrap_or_default();
        if rest.starts_with("$$") {
            self.display(2, "$$", 0, found);
        } else if rest.starts_with(r"\[") {
            self.display(2, r"\]", 0, found);
        } else if let Some(environment) = environment(rest) {
            let closing = format!(r"\end{{{environment}}}");
            // The environment's own commands stay in the block: the splitter reads them.
            self.display(0, &closing, closing.len(), found);
        } else if rest.starts_with('`') {
            self.code_span(rest);
        } else if rest.starts_with('$') {
            let length = inline(rest);
            let start = self.position + 1;
            found.inline.extend(length.map(|length| Span::new(start, start + length - 1)));
            self.position = start + length.unwrap_or_default();
        } else if let Some(length) = rest.strip_prefix(r"\(").and_then(|inside| inside.find(r"\)")) {
            let start = self.position + 2;
            found.inline.push(Span::new(start, start + length));
            self.position = start + length + 2;
        } else if rest.starts_with('\\') {
            self.position += 1 + rest.chars().nth(1).map_or(0, char::len_utf8);
        } else {
            let plain = rest.find(['$', '\\', '`']).unwrap_or(rest.len());
            self.position += plain.max(1);
        }
    }

    /// Takes a display whose opening is `skip` bytes long; `kept` bytes of the closing belong to the block.
    fn display(&mut self, skip: usize, closing: &str, kept: usize, found: &mut Displays) {
        let start = self.position + skip;
        let inside = self.text.get(start..self.end).unwrap_or_default();
        let known_missing = self.unclosed.iter().any(|mark| mark == closing);
        let length = if known_missing { None } else { inside.find(closing) };
        match length {
            Some(length) => {
                found.blocks.push(Span::new(start, start + length + kept));
                self.position = start + length + closing.len();
            }
            None => {
                if !known_missing {
                    let end = (self.position + skip.max(1)).min(self.end);
                    let place = Span::new(self.position, end);
                    found.diagnostics.push(Diagnostic::error("unclosed-display", place).with("closing", closing));
                    self.unclosed.push(closing.to_owned());
                }
                self.position += skip.max(1);
            }
        }
    }

    /// Code between backticks on one line is not program.
    fn code_span(&mut self, rest: &str) {
        let marks = rest.len() - rest.trim_start_matches('`').len();
        let line = rest.get(..rest.find('\n').unwrap_or(rest.len())).unwrap_or(rest);
        let (opening, inside) = line.split_at_checked(marks).unwrap_or((line, ""));
        self.position += marks + inside.find(opening).map_or(0, |length| length + marks);
    }
}

/// The environment of display maths that begins here, with its star.
fn environment(rest: &str) -> Option<&str> {
    let inside = rest.strip_prefix(r"\begin{")?;
    let end = inside.bytes().take(24).position(|byte| byte == b'}')?;
    let name = inside.get(..end)?;
    commands::layout(name.trim_end_matches('*')).map(|_| name)
}

/// The length of inline maths after its dollar, up to the one that ends it in the same line. In `$5 and $10` the dollars
/// are money: a formula has no space at its ends, and no digit follows it.
fn inline(rest: &str) -> Option<usize> {
    let line = rest.get(1..)?.split('\n').next()?;
    let (inside, after) = line.split_once('$')?;
    let tight =
        !inside.starts_with(char::is_whitespace) && !inside.ends_with(char::is_whitespace) && !inside.is_empty();
    (tight && !after.starts_with(|next: char| next.is_ascii_digit())).then_some(inside.len() + 1)
}
