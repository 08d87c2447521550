//! What the compiler says: commands run in a folder of their own, in the order of the lesson.

use super::lesson::{Block, Lesson};
use super::words;
use kobai::explain::Language;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A folder in which the commands of one lesson run: it holds the book, the data and what the lesson makes.
pub struct Session {
    folder: TempDir,
}

/// What a command printed.
struct Printed {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Session {
    /// A folder with the book's programs and the data.
    pub fn new(lesson: &Lesson) -> Session {
        let folder = tempfile::tempdir().expect("a folder for the lesson");
        let session = Session { folder };
        let root = super::book().join("..");
        for (part, end) in [("book", "md"), ("data", "csv")] {
            std::fs::create_dir(session.place(part)).expect("a new folder");
            for entry in std::fs::read_dir(root.join(part)).expect("the repository has it") {
                let path = entry.expect("readable").path();
                if path.extension().is_some_and(|found| found == end) {
                    let name = path.file_name().expect("a file").to_string_lossy().into_owned();
                    std::fs::copy(&path, session.place(part).join(name)).expect("copied");
                }
            }
        }
        assert!(!lesson.blocks.is_empty(), "{}: a lesson without a block", lesson.name);
        session
    }

    fn place(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// What should stand in a block; none if the block is the author's.
    pub fn answer(&mut self, lesson: &Lesson, block: &Block) -> Option<String> {
        let kind = block.words[0].as_str();
        let mut options = &block.words[1..];
        let language = match options.first().map(String::as_str) {
            Some(language) if super::LANGUAGES.contains(&language) => {
                options = &options[1..];
                language.to_owned()
            }
            _ => lesson.language.to_owned(),
        };
        let ask = |session: &Session, command: &str, more: &[&str]| {
            let mut arguments = vec![command, "-", "--lang", &language];
            arguments.extend(more);
            arguments.extend(options.iter().map(String::as_str));
            session.kobai(&arguments, lesson.program(block))
        };
        let answer = match kind {
            "console" => self.console(lesson, block),
            "steps" => done(ask(self, "explain", &[]), lesson, block),
            "stable" => done(ask(self, "explain", &["--stable"]), lesson, block),
            "plan" => done(ask(self, "plan", &[]), lesson, block),
            "gradient" => result(&done(ask(self, "explain", &[]), lesson, block), &language),
            "error" => {
                let printed = ask(self, "explain", &[]);
                assert_eq!(printed.code, Some(2), "{}:{} is no error", lesson.name, lesson.line(block));
                printed.stderr
            }
            _ => {
                self.keep(lesson, block);
                return None;
            }
        };
        Some(tidy(&answer))
    }

    /// A block with a file's name is that file for the commands below it.
    fn keep(&self, lesson: &Lesson, block: &Block) {
        if block.words[0] == "sh" {
            here_documents(lesson.body(block))
                .for_each(|(name, text)| std::fs::write(self.place(name), text).expect("the page's file is written"));
        } else if let Some(name) = block.words.get(1) {
            std::fs::write(self.place(name), lesson.body(block)).expect("the lesson's file is written");
        }
    }

    /// Every command with what it prints.
    fn console(&self, lesson: &Lesson, block: &Block) -> String {
        let mut out = String::new();
        for command in lesson.commands(block) {
            let words = words::split(command);
            let (program, arguments) = words.split_first().expect("a command");
            assert_eq!(program, "kobai", "{}:{} runs another program", lesson.name, lesson.line(block));
            let printed = self.kobai(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), "");
            // Warnings and errors reach a terminal before the answer.
            out += &format!("$ {command}\n{}{}", printed.stderr, printed.stdout);
        }
        out
    }

    fn kobai(&self, arguments: &[&str], input: &str) -> Printed {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kobai"))
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        // A command that does not read its standard input may have closed it.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("the binary ends");
        let text = |bytes| String::from_utf8(bytes).expect("the output is UTF-8");
        let printed = Printed { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(matches!(printed.code, Some(0..=2)), "{arguments:?}: {}", printed.stderr);
        printed
    }

    /// The pictures that the commands drew, by name.
    pub fn pictures(&self) -> Vec<(String, Vec<u8>)> {
        let entries = std::fs::read_dir(self.folder.path()).expect("the folder is there");
        let paths = entries.map(|entry| entry.expect("readable").path());
        let drawn = paths.filter(|path| path.extension().is_some_and(|end| end == "svg"));
        let read = |path: &Path| std::fs::read(path).expect("readable");
        drawn.map(|path| (path.file_name().expect("a file").to_string_lossy().into_owned(), read(&path))).collect()
    }
}

/// The files that `cat > NAME <<'END'` writes, with what stands in them.
fn here_documents(script: &str) -> impl Iterator<Item = (&str, &str)> {
    script.split("cat > ").skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once(" <<'END'\n")?;
        Some((name, &rest[..rest.find("END\n")?]))
    })
}

/// What a command printed that must succeed.
fn done(printed: Printed, lesson: &Lesson, block: &Block) -> String {
    assert_eq!(printed.code, Some(0), "{}:{}\n{}", lesson.name, lesson.line(block), printed.stderr);
    printed.stderr + &printed.stdout
}

/// The end of an explanation: its result and what that rests on, each under its heading.
fn result(text: &str, language: &str) -> String {
    let language = Language::from_code(language).expect("a language of the book");
    let headings = language.sentences().iter().filter(|(key, _)| key.starts_with("heading."));
    let headings: Vec<&str> = headings.map(|(_, heading)| *heading).collect();
    // A heading with nothing right below it stands over steps.
    let heading =
        |paragraph: &&str| paragraph.trim_end().split_once('\n').is_some_and(|(first, _)| headings.contains(&first));
    let first = language.say("heading.result", &[]);
    let paragraphs = text.split("\n\n").skip_while(|paragraph| !paragraph.starts_with(&first)).filter(heading);
    paragraphs.map(|paragraph| paragraph.trim_end().to_owned() + "\n").collect()
}

/// Without spaces at the ends of lines, which editors take away.
fn tidy(text: &str) -> String {
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
