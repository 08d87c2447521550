//! Runs Kobai's plans on this machine's processor: vector mathematics, tiles, matrix products, threads and buffers.

mod buffers;
pub mod execute;
pub mod machine;
mod product;
pub mod scratch_file;
mod tile;
pub mod vector;

pub use execute::Executor;
pub use execute::error::RunError;
pub use execute::inputs::Inputs;
