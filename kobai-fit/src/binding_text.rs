//! Reading the text of a binding, such as `x = columns pixel_0..pixel_63 scaled by 1/16`.

use crate::binding::{Binding, ColumnItem, Meaning, Scaling, Selection};
use crate::error::DataError;
use std::ops::Range;

/// Reads one binding.
///
/// ```text
/// binding   = symbol "=" meaning
/// meaning   = number ["/" number]
///           | "columns" selection [scaling] | "column" name [scaling]
///           | "one-hot" name ["of" integer] | "onehot(" name ["," integer] ")"
///           | "index" name | "index(" name ")"
///           | "standardise(" selection ")" | selection [scaling]
/// selection = "*" ["except" name {"," name}] | item {"," item}
/// item      = name [".." name] | pattern
/// scaling   = "scaled" "by" number ["/" number] | "standardised"
/// ```
/// A name is a run of characters without spaces, commas, quotes and `..`, or any text in double quotes; a pattern is such
/// a run with a `*`, which stands for any characters. A selection without a word before it is a vector if it is one
/// name, and else a matrix.
pub(crate) fn parse(text: &str) -> Result<Binding, DataError> {
    // The first equals sign ends the symbol, which may be LaTeX and so follows none of the rules of a name.
    let Some((symbol, written)) = text.split_once('=') else {
        let end = Token { kind: Kind::End, position: text.chars().count() + 1 };
        return Err(unexpected(text, "a symbol and = before it", &end));
    };
    let skip = symbol.chars().count() + 1;
    let symbol = symbol.trim();
    if symbol.is_empty() || symbol.contains(char::is_whitespace) {
        return Err(syntax_error(text, 1, "one symbol before the =", &format!("\"{symbol}\"")));
    }
    let meaning = match (number(written), call(written)) {
        (Some(number), _) => Meaning::Number(number),
        (None, Some((call, before, inside))) => {
            let first = skip + before;
            let mut parser = Parser::new(text, first..first + inside)?;
            let meaning = parser.call(call)?;
            parser.end()?;
            meaning
        }
        (None, None) => {
            let mut parser = Parser::new(text, skip..text.chars().count())?;
            let meaning = parser.meaning()?;
            parser.end()?;
            meaning
        }
    };
    Ok(Binding { symbol: symbol.to_string(), meaning })
}

/// A number, or one over another.
fn number(written: &str) -> Option<f64> {
    let (above, below) = written.split_once('/').unwrap_or((written, "1"));
    let (above, below) = (above.trim().parse::<f64>().ok()?, below.trim().parse::<f64>().ok()?);
    Some(above / below).filter(|number| number.is_finite())
}

/// What is written as a function of columns.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Call {
    OneHot,
    Index,
    Standardise,
}

/// Each spelling of a function.
const CALLS: &[(&str, Call)] = &[
    ("onehot", Call::OneHot),
    ("one-hot", Call::OneHot),
    ("one_hot", Call::OneHot),
    ("index", Call::Index),
    ("standardise", Call::Standardise),
    ("standardize", Call::Standardise),
];

/// The function that is written, the number of characters before its arguments, and that of the arguments.
fn call(written: &str) -> Option<(Call, usize, usize)> {
    let (name, rest) = written.split_once('(')?;
    let arguments = rest.trim_end().strip_suffix(')')?;
    let (_, call) = CALLS.iter().find(|(spelling, _)| *spelling == name.trim())?;
    Some((*call, name.chars().count() + 1, arguments.chars().count()))
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Word(String),
    Quoted(String),
    Comma,
    Range,
    End,
}

/// A token and the character where it starts, counted from 1.
#[derive(Debug, Clone)]
struct Token {
    kind: Kind,
    position: usize,
}

/// The tokens of these characters, with an end token.
fn tokens(text: &str, part: Range<usize>) -> Result<Vec<Token>, DataError> {
    let characters: Vec<char> = text.chars().take(part.end).collect();
    let mut tokens = Vec::new();
    let mut at = part.start;
    while let Some(&character) = characters.get(at) {
        let position = at + 1;
        let (kind, length) = match character {
            _ if character.is_whitespace() => {
                at += 1;
                continue;
            }
            ',' => (Kind::Comma, 1),
            '"' => {
                let name: String = characters[at + 1..].iter().take_while(|c| **c != '"').collect();
                let length = name.chars().count() + 2;
                if at + length > characters.len() {
                    return Err(syntax_error(text, position, "a closing quote", "the end"));
                }
                (Kind::Quoted(name), length)
            }
            '.' if characters.get(at + 1) == Some(&'.') => (Kind::Range, 2),
            _ => {
                let length = word_length(&characters[at..]);
                (Kind::Word(characters[at..at + length].iter().collect()), length)
            }
        };
        tokens.push(Token { kind, position });
        at += length;
    }
    tokens.push(Token { kind: Kind::End, position: characters.len() + 1 });
    Ok(tokens)
}

/// The number of characters in the word that starts here, at least 1.
fn word_length(characters: &[char]) -> usize {
    let ends = |at: usize| {
        let character = characters[at];
        let range = character == '.' && characters.get(at + 1) == Some(&'.');
        character.is_whitespace() || character == ',' || character == '"' || range
    };
    (1..characters.len()).find(|&at| ends(at)).unwrap_or(characters.len())
}

/// A reader of tokens.
struct Parser<'text> {
    text: &'text str,
    /// Ends with an end token, which is never passed.
    tokens: Vec<Token>,
    next: usize,
}

impl<'text> Parser<'text> {
    /// A reader of these characters of a text.
    fn new(text: &'text str, part: Range<usize>) -> Result<Parser<'text>, DataError> {
        Ok(Parser { text, tokens: tokens(text, part)?, next: 0 })
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.next]
    }

    /// Passes a token of this kind, or says that there is none.
    fn take(&mut self, kind: &Kind) -> bool {
        let taken = self.peek().kind == *kind && *kind != Kind::End;
        self.next += usize::from(taken);
        taken
    }

    /// Passes this word, or says that it is not there.
    fn take_word(&mut self, word: &str) -> bool {
        self.take(&Kind::Word(word.to_string()))
    }

    fn unexpected(&self, expected: &str) -> DataError {
        unexpected(self.text, expected, self.peek())
    }

    /// There must be nothing more.
    fn end(&self) -> Result<(), DataError> {
        if self.peek().kind == Kind::End { Ok(()) } else { Err(self.unexpected("nothing more")) }
    }

    fn meaning(&mut self) -> Result<Meaning, DataError> {
        if self.take_word("columns") {
            let selection = self.selection()?;
            Ok(Meaning::Columns { selection, scaling: self.scaling()? })
        } else if self.take_word("column") {
            let name = self.name()?;
            Ok(Meaning::Column { name, scaling: self.scaling()? })
        } else if self.take_word("one-hot") {
            let label = self.name()?;
            let classes = if self.take_word("of") { Some(self.classes()?) } else { None };
            Ok(Meaning::OneHot { label, classes })
        } else if self.take_word("index") {
            Ok(Meaning::Index { label: self.name()? })
        } else {
            let selection = self.selection()?;
            let scaling = self.scaling()?;
            Ok(selected(selection, scaling))
        }
    }

    /// The arguments of a function.
    fn call(&mut self, call: Call) -> Result<Meaning, DataError> {
        match call {
            Call::OneHot => {
                let label = self.name()?;
                let classes = if self.take(&Kind::Comma) { Some(self.classes()?) } else { None };
                Ok(Meaning::OneHot { label, classes })
            }
            Call::Index => Ok(Meaning::Index { label: self.name()? }),
            Call::Standardise => Ok(selected(self.selection()?, Scaling::Standardised)),
        }
    }

    fn selection(&mut self) -> Result<Selection, DataError> {
        if self.take_word("*") {
            let mut except = Vec::new();
            if self.take_word("except") {
                except.push(self.name()?);
                while self.take(&Kind::Comma) {
                    except.push(self.name()?);
                }
            }
            return Ok(Selection::AllExcept(except));
        }
        let mut items = vec![self.item()?];
        while self.take(&Kind::Comma) {
            items.push(self.item()?);
        }
        Ok(Selection::Listed(items))
    }

    fn item(&mut self) -> Result<ColumnItem, DataError> {
        if let Kind::Word(pattern) = &self.peek().kind
            && pattern.contains('*')
        {
            let pattern = pattern.clone();
            self.next += 1;
            return Ok(ColumnItem::Pattern(pattern));
        }
        let first = self.name()?;
        if self.take(&Kind::Range) {
            let last = self.name()?;
            return Ok(ColumnItem::Range { first, last });
        }
        Ok(ColumnItem::Name(first))
    }

    fn name(&mut self) -> Result<String, DataError> {
        match &self.peek().kind {
            Kind::Word(name) | Kind::Quoted(name) => {
                let name = name.clone();
                self.next += 1;
                Ok(name)
            }
            _ => Err(self.unexpected("the name of a column")),
        }
    }

    fn classes(&mut self) -> Result<usize, DataError> {
        let classes = match &self.peek().kind {
            Kind::Word(word) => word.parse::<usize>().ok().filter(|&classes| classes > 0),
            _ => None,
        };
        let classes = classes.ok_or_else(|| self.unexpected("the number of classes"))?;
        self.next += 1;
        Ok(classes)
    }

    fn scaling(&mut self) -> Result<Scaling, DataError> {
        if self.take_word("standardised") || self.take_word("standardized") {
            return Ok(Scaling::Standardised);
        }
        if !self.take_word("scaled") {
            return Ok(Scaling::None);
        }
        if !self.take_word("by") {
            return Err(self.unexpected("by"));
        }
        self.factor().map(Scaling::By)
    }

    /// A factor may be spread over several words, as in `1 / 16`.
    fn factor(&mut self) -> Result<f64, DataError> {
        let position = self.peek().position;
        let mut written = String::new();
        while let Kind::Word(word) = &self.peek().kind {
            written.push_str(word);
            self.next += 1;
        }
        if written.is_empty() {
            return Err(self.unexpected("a number"));
        }
        if let Some(factor) = number(&written).filter(|&factor| factor != 0.0) {
            return Ok(factor);
        }
        Err(DataError::new("binding-scale").with("text", self.text).with("position", position).with("found", written))
    }
}

/// Columns without a word that says whether they are a vector or a matrix.
fn selected(selection: Selection, scaling: Scaling) -> Meaning {
    match selection {
        Selection::Listed(items) => match &items[..] {
            [ColumnItem::Name(name)] => Meaning::Column { name: name.clone(), scaling },
            _ => Meaning::Columns { selection: Selection::Listed(items), scaling },
        },
        all => Meaning::Columns { selection: all, scaling },
    }
}

fn unexpected(text: &str, expected: &str, token: &Token) -> DataError {
    let found = match &token.kind {
        Kind::Word(word) | Kind::Quoted(word) => format!("\"{word}\""),
        Kind::Comma => "a comma".to_string(),
        Kind::Range => "\"..\"".to_string(),
        Kind::End => "the end".to_string(),
    };
    syntax_error(text, token.position, expected, &found)
}

fn syntax_error(text: &str, position: usize, expected: &str, found: &str) -> DataError {
    DataError::new("binding-syntax")
        .with("text", text)
        .with("position", position)
        .with("expected", expected)
        .with("found", found)
}
