//! The lessons say what the compiler says: every golden block of the book is held against the program's output.
//!
//! `UPDATE_BOOK=1 cargo test -p kobai-cli --test book` writes what the compiler says now into the lessons and the
//! pictures; the difference is then read and committed like any other change. What each kind of block means stands in
//! `book/README.md`.

mod lesson;
mod session;
mod words;

use kobai::parse::{Syntax, display_formulas, parse};
use lesson::{Block, Lesson};
use session::Session;
use std::path::{Path, PathBuf};

/// The languages, each a folder of lessons.
const LANGUAGES: [&str; 2] = ["en", "ja"];

fn book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../book")
}

/// The Markdown files of a folder, in order.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("readable").path());
    let mut pages: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    pages.sort();
    pages
}

/// Every lesson, and the README; the index is none.
fn lessons() -> Vec<Lesson> {
    let folders = LANGUAGES.iter().map(|language| book().join(language));
    let paths = pages(&book()).into_iter().filter(|path| !path.ends_with("README.md"));
    let readme = book().join("../README.md");
    paths.chain(folders.flat_map(|folder| pages(&folder))).chain([readme]).map(|path| Lesson::read(&path)).collect()
}

/// What must agree of a block: all of it, but for the numbers of a fit.
fn comparable(lesson: &Lesson, block: &Block, text: &str) -> String {
    if !lesson.shows_a_fit(block) {
        return text.to_owned();
    }
    // With the brackets around it: `(143` of `(143 evaluations)`.
    let is_number = |word: &str| {
        let digits = word.trim().trim_matches(['(', ')']);
        digits.contains(|c: char| c.is_ascii_digit()) && digits.chars().all(|c| c.is_ascii_digit() || ".e-".contains(c))
    };
    text.split(' ').map(|word| if is_number(word) { "#" } else { word }).collect::<Vec<_>>().join(" ")
}

/// How far apart, in parts of them, two numbers may lie: instruction sets round the last digit of a vector function or of a
/// sum differently.
const ROUNDING: f64 = 8.0 * f64::EPSILON;

/// Whether a block says what the compiler answers, but for the rounding of numbers.
fn agrees(lesson: &Lesson, block: &Block, answer: &str) -> bool {
    let [expected, found] = [lesson.body(block), answer].map(|text| comparable(lesson, block, text));
    let same = |(expected, found): (&str, &str)| {
        expected == found
            || matches!((expected.parse::<f64>(), found.parse::<f64>()),
                (Ok(expected), Ok(found)) if (expected - found).abs() <= ROUNDING * expected.abs())
    };
    let words = |text: &str| text.split([' ', '\n']).map(str::to_owned).collect::<Vec<_>>();
    let (expected, found) = (words(&expected), words(&found));
    expected.len() == found.len() && expected.iter().zip(&found).all(|(one, other)| same((one, other)))
}

#[test]
fn every_block_is_what_the_compiler_says() {
    let update = std::env::var_os("UPDATE_BOOK").is_some();
    let mut wrong = Vec::new();
    for mut lesson in lessons() {
        let mut session = Session::new(&lesson);
        let answers: Vec<Option<String>> = lesson.blocks.iter().map(|block| session.answer(&lesson, block)).collect();
        let mut pictures = session.pictures();
        for picture in lesson.pictures() {
            let made = pictures.iter().any(|(name, _)| *name == picture);
            assert!(made, "{}: no command of the lesson draws {picture}", lesson.name);
        }
        pictures.retain(|(name, _)| lesson.pictures().contains(name));
        if update {
            lesson.replace(&answers);
            pictures
                .iter()
                .for_each(|(name, drawn)| std::fs::write(book().join("pictures").join(name), drawn).unwrap());
            continue;
        }
        for (block, answer) in lesson.blocks.iter().zip(&answers) {
            let Some(answer) = answer else { continue };
            if agrees(&lesson, block, answer) {
                continue;
            }
            let place = format!("{}:{} ({})", lesson.name, lesson.line(block), block.words.join(" "));
            wrong.push(format!("{place}\n--- the lesson\n{}--- the compiler\n{answer}", lesson.body(block)));
        }
        let fits: Vec<&str> = lesson
            .blocks
            .iter()
            .filter(|block| lesson.shows_a_fit(block))
            .flat_map(|block| lesson.commands(block))
            .collect();
        for (name, drawn) in pictures.into_iter().filter(|(name, _)| !fits.iter().any(|command| command.contains(name)))
        {
            if std::fs::read(book().join("pictures").join(&name)).ok() != Some(drawn) {
                wrong.push(format!("{}: pictures/{name} is not what its command draws", lesson.name));
            }
        }
    }
    let hint = "after a change that is meant: UPDATE_BOOK=1 cargo test -p kobai-cli --test book";
    assert!(wrong.is_empty(), "{}\n{hint}", wrong.join("\n"));
}

#[test]
fn every_display_formula_is_in_the_notation() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for lesson in lessons() {
        // An `error` block shows what is said of the program above it, which is wrong on purpose.
        let on_purpose = lesson.wrong_programs();
        for span in display_formulas(&lesson.text) {
            let formula = &lesson.text[span.start..span.end];
            let errors = parse(formula, Syntax::Latex).diagnostics.into_iter().filter(|found| found.is_error());
            let errors: Vec<_> = errors.map(|error| error.code).collect();
            let expected = on_purpose.iter().any(|program| program.contains(&span.start));
            if errors.is_empty() == expected {
                wrong.push(format!("{}: {} {errors:?}", lesson.name, formula.trim()));
            }
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 50, "only {count} formulas found");
}

#[test]
fn the_languages_hold_the_same_lessons() {
    // Kind and options of every block, with its commands; programs and data in full. A text may be in its own language.
    let shape = |lesson: &Lesson| -> Vec<String> {
        let one = |block: &Block| {
            let words: Vec<&str> =
                block.words.iter().map(String::as_str).filter(|word| !LANGUAGES.contains(word)).collect();
            let commands = lesson.commands(block).join("\n").replace(" --lang ja", "");
            let given = if block.is_answer() || block.words[0] == "text" { "" } else { lesson.body(block) };
            format!("{}\n{commands}{given}", words.join(" "))
        };
        lesson.blocks.iter().map(one).collect()
    };
    let [english, japanese] = LANGUAGES.map(|language| pages(&book().join(language)));
    let names =
        |paths: &[PathBuf]| paths.iter().map(|path| path.file_name().map(ToOwned::to_owned)).collect::<Vec<_>>();
    assert_eq!(names(&english), names(&japanese), "a lesson is missing in one language");
    for (one, other) in english.iter().zip(&japanese) {
        assert_eq!(shape(&Lesson::read(one)), shape(&Lesson::read(other)), "{}", other.display());
    }
}

#[test]
fn the_index_lists_every_lesson() {
    let index = std::fs::read_to_string(book().join("README.md")).expect("the index");
    for lesson in lessons().iter().filter(|lesson| !lesson.name.ends_with("README.md")) {
        assert!(index.contains(&format!("({})", lesson.name)), "book/README.md has no link to {}", lesson.name);
    }
}
