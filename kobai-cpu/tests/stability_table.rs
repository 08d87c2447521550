//! docs/stability.md: the program that makes it runs, and the page has every loss of the set.

#[path = "../../kobai/tests/common/mod.rs"]
mod common;
#[path = "../examples/stability/table.rs"]
mod table;

use common::{loss_names, read_loss};

/// The first cells of the lines of a table below a heading.
fn first_cells(page: &str, heading: &str) -> Vec<String> {
    let rest = page.split_once(heading).map_or("", |(_, rest)| rest);
    let lines = rest.lines().skip_while(|line| !line.starts_with("|--")).skip(1);
    let cells = lines.take_while(|line| line.starts_with("| ")).filter_map(|line| line.split('|').nth(1));
    cells.map(|cell| cell.trim().to_owned()).collect()
}

#[test]
fn the_page_has_every_loss_of_the_set() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/stability.md");
    let page = std::fs::read_to_string(path).expect("the page is part of the project").replace("|---|--", "|--");
    assert_eq!(
        first_cells(&page, "## Random and core cases"),
        loss_names(),
        "make the page anew: cargo run --release -p kobai-cpu --example stability > docs/stability.md"
    );
}

#[test]
fn the_program_marks_what_is_lost() {
    let losses = ["bradley-terry", "log-any-base"].map(|name| read_loss(name.to_owned()));
    let page = table::markdown(&losses, &mut |_| {}).replace("|---|--", "|--");
    assert_eq!(first_cells(&page, "## Random and core cases"), ["bradley-terry", "log-any-base"]);
    let line = page.lines().find(|line| line.starts_with("| bradley-terry |")).expect("its line");
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    // −log σ(x) as written overflows; the stable form has all its digits, in both types.
    assert!(cells[3].starts_with('✗'), "{line}");
    assert!(cells[5..11].iter().all(|cell| !cell.starts_with('✗')), "{line}");
    assert!(cells[11].contains("#peer-"), "{line}");
}
