//! Writes the table of docs/stability.md:
//! `cargo run --release -p kobai-cpu --example stability > docs/stability.md`

#[path = "../../../kobai/tests/common/mod.rs"]
mod common;
mod table;

fn main() {
    let losses = common::all_losses();
    print!("{}", table::markdown(&losses, &mut |name| eprintln!("{name}")));
}
