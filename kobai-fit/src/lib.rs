//! Data bound to the symbols of a loss, solvers that fit its parameters, and what comes of a fit.
//!
//! The way the data goes, one module a step:
//!
//! 1. [`table`] reads a CSV file into named columns of numbers.
//! 2. [`split`] parts its rows into those that train and those that are held out.
//! 3. [`binding`] says which columns a symbol of the loss stands for, and makes arrays of them.
//! 4. [`lbfgs`] finds the parameters of least loss; its progress is events, nothing is printed.
//! 5. [`plot`] draws the loss curve, and [`saved`] keeps the parameters.
//!
//! [`plot_functions`] draws functions of one variable, for lessons and for a look at a loss.
//!
//! Whatever a file or an option may get wrong is a [`DataError`](error::DataError), which carries a stable code and
//! says the place, the cause and the fix.

pub mod array;
pub mod binding;
pub mod checkpoint;
pub mod dataset;
pub mod encoding;
pub mod error;
pub mod model;
pub mod model_file;
pub mod objective;
pub mod part;
pub mod predict;
pub mod quantity;
pub mod random;
pub mod source;
pub mod start;
pub mod transform;

pub mod fit;
pub mod judge;
pub mod lesson;
pub mod metrics;
pub mod plot;
pub mod plot_confusion;
pub mod plot_functions;
pub mod replace;
pub mod saved;
pub mod solver;
pub mod split;

mod binding_text;
mod plot_axis;
mod statistics;
mod structure;
