//! From text to formulas: LaTeX, plain text, and documents with display mathematics.
#[path = "parse_own/mod.rs"]
mod own;
pub use own::*;
