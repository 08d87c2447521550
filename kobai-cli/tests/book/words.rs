//! A command line in words, with quotes as in a shell and nothing else of a shell.

/// The words of a line. Within single quotes everything stands for itself.
pub fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            _ if letter.is_whitespace() && !quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    assert!(!quoted, "a quote does not end: {line}");
    words.extend(word);
    words
}

#[test]
fn quotes_hold_words_together() {
    assert_eq!(split(r"kobai eval '\log_2 8' --bind 'x = 1'"), ["kobai", "eval", r"\log_2 8", "--bind", "x = 1"]);
    assert_eq!(split(" a  '' b\n"), ["a", "", "b"]);
}
