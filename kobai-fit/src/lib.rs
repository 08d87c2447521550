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
pub mod error;
pub mod fit;
pub mod lbfgs;
pub mod lesson;
pub mod plot;
pub mod plot_functions;
pub mod saved;
pub mod split;
pub mod table;

mod binding_text;
mod line_search;
mod plot_axis;
mod replace;
