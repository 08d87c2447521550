//! The order of the modules: each imports only from those before it.

use std::path::{Path, PathBuf};

/// The stages of the compiler, in the order in which data goes through them.
const ORDER: &[&str] = &[
    "source",
    "formula",
    "function",
    "parse",
    "expr",
    "print",
    "resolve",
    "derivation",
    "rewrite",
    "differentiate",
    "stabilise",
    "convexity",
    "predictor",
    "eval",
    "check",
    "statement",
    "solve",
    "article",
    "audit",
    "motivation",
    "foundations",
    "plan",
    "explain",
    "lib",
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The stage that a file belongs to.
fn stage_of(path: &Path, root: &Path) -> String {
    let inside = path.strip_prefix(root).expect("below the root");
    let first = inside.components().next().expect("a file").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The stages that a line names after `crate::`.
fn imports(line: &str) -> Vec<String> {
    let name = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    line.split("crate::").skip(1).map(name).filter(|name| ORDER.contains(&name.as_str())).collect()
}

#[test]
fn a_module_imports_only_earlier_modules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&root, &mut found);
    let place = |stage: &str| ORDER.iter().position(|known| *known == stage);
    let mut wrong = Vec::new();
    for path in &found {
        let stage = stage_of(path, &root);
        let own = place(&stage).unwrap_or_else(|| panic!("{stage} has no place in the order"));
        let text = std::fs::read_to_string(path).expect("readable");
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for import in imports(line) {
                if place(&import).is_none_or(|other| other > own) {
                    wrong.push(format!("{}: {}", path.display(), line.trim()));
                }
            }
        }
    }
    assert!(found.len() > 30, "only {} files found", found.len());
    assert!(wrong.is_empty(), "imports against the order:\n{}", wrong.join("\n"));
}
