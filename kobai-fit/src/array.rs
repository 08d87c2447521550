//! Arrays of numbers: what a symbol is bound to.

pub use kobai::eval::data::Array;
