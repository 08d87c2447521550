//! Kobai: the compiler.
pub mod article;
pub mod check;
pub mod derivation;
pub mod differentiate;
pub mod eval;
pub mod explain;
pub mod expr;
pub mod formula;
pub mod function;
pub mod parse;
pub mod plan;
pub mod print;
pub mod resolve;
pub mod rewrite;
pub mod source;
pub mod stabilise;
pub mod statement;
