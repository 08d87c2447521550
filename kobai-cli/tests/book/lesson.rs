//! A lesson as text: its blocks, and how their bodies are replaced.

use std::ops::Range;
use std::path::{Path, PathBuf};

/// The kinds of block that the author writes.
const GIVEN: [&str; 5] = ["latex", "json", "csv", "sh", "text"];
/// The kinds of block that hold what Kobai says.
const ANSWERS: [&str; 6] = ["console", "gradient", "steps", "stable", "plan", "error"];

/// A fenced block.
pub struct Block {
    /// The words after the opening marks: the kind, then what belongs to it.
    pub words: Vec<String>,
    /// The bytes between the lines of the marks.
    body: Range<usize>,
}

impl Block {
    /// Whether the block holds what Kobai says.
    pub fn is_answer(&self) -> bool {
        ANSWERS.contains(&self.words[0].as_str())
    }
}

/// A page of the book.
pub struct Lesson {
    /// The file.
    path: PathBuf,
    /// The file as the index names it.
    pub name: String,
    /// `en` or `ja`.
    pub language: &'static str,
    /// The text.
    pub text: String,
    /// The fenced blocks, in order.
    pub blocks: Vec<Block>,
}

impl Lesson {
    /// Reads a file.
    pub fn read(path: &Path) -> Lesson {
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        // The README stands beside the book.
        let name = path.strip_prefix(super::book()).unwrap_or(path).to_string_lossy().replace('\\', "/");
        let language = if name.starts_with("ja/") { "ja" } else { "en" };
        let blocks = blocks(&text, &name);
        Lesson { path: path.to_owned(), name, language, text, blocks }
    }

    /// What stands in a block.
    pub fn body(&self, block: &Block) -> &str {
        &self.text[block.body.clone()]
    }

    /// The line of a block's first line, counted from 1.
    pub fn line(&self, block: &Block) -> usize {
        self.text[..block.body.start].matches('\n').count() + 1
    }

    /// The commands of a console block.
    pub fn commands(&self, block: &Block) -> Vec<&str> {
        let lines = self.body(block).lines();
        if block.words[0] == "console" {
            lines.filter_map(|line| line.strip_prefix("$ ")).collect()
        } else {
            Vec::new()
        }
    }

    /// Whether the block shows a fit: its last digits, and the number of its iterations, are the processor's own.
    pub fn shows_a_fit(&self, block: &Block) -> bool {
        self.commands(block).iter().any(|command| command.starts_with("kobai fit "))
    }

    /// The program that a block speaks of: the `latex` block above it, else the whole lesson.
    pub fn program(&self, block: &Block) -> &str {
        let above = self.blocks.iter().rfind(|other| other.words[0] == "latex" && other.body.end < block.body.start);
        above.map_or(&self.text, |program| self.body(program))
    }

    /// Where the programs stand that an `error` block shows to be wrong.
    pub fn wrong_programs(&self) -> Vec<Range<usize>> {
        let mut wrong = Vec::new();
        for pair in self.blocks.windows(2) {
            if pair[0].words[0] == "latex" && pair[1].words[0] == "error" {
                wrong.push(pair[0].body.clone());
            }
        }
        wrong
    }

    /// The files in `book/pictures` that the lesson shows.
    pub fn pictures(&self) -> Vec<String> {
        let links = self.text.split("](../pictures/").skip(1);
        links.filter_map(|rest| rest.split_once(')')).map(|(name, _)| name.to_owned()).collect()
    }

    /// Writes the answers into the file, each in place of its block's body.
    pub fn replace(&mut self, answers: &[Option<String>]) {
        for (block, answer) in self.blocks.iter().zip(answers).rev() {
            if let Some(answer) = answer {
                self.text.replace_range(block.body.clone(), answer);
            }
        }
        std::fs::write(&self.path, &self.text).unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }
}

/// The fenced blocks of a text.
fn blocks(text: &str, name: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    let mut position = 0;
    for line in text.split_inclusive('\n') {
        let start = position;
        position += line.len();
        let Some(information) = line.strip_prefix("```") else { continue };
        if let Some(mut block) = open.take() {
            block.body.end = start;
            found.push(block);
            continue;
        }
        let mut words = super::words::split(information);
        words.extend(words.is_empty().then(|| "text".to_owned()));
        let kind = words[0].as_str();
        assert!(GIVEN.contains(&kind) || ANSWERS.contains(&kind), "{name}: a block cannot be `{kind}`");
        open = Some(Block { words, body: position..position });
    }
    assert!(open.is_none(), "{name}: a block does not end");
    found
}
