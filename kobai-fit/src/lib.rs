//! Data bound to the symbols of a loss, solvers that fit its parameters, and what comes of a fit.
//!
//! The way the data goes, one module a step:
//!
//! 1. [`source`] reads a table of any format, batch by batch and in the columns that are wanted.
//! 2. [`binding`] says which columns a symbol of the loss stands for; [`encoding`] is the same with everything settled that
//!    depends on the rows, and goes with a model.
//! 3. [`split`] parts the rows into those that train and those that are held out; [`dataset`] makes arrays of both, which
//!    [`part`] holds in memory or in a file.
//! 4. [`model`] is the document understood, and what runs it over rows; [`objective`] is its loss as a solver asks for it,
//!    with [`transform`] where parameters are not free.
//! 5. [`solver`] finds the parameters of least loss, from a [`start`]; its progress is events, nothing is printed.
//!    [`checkpoint`] keeps a training, so that it goes on bit for bit.
//! 6. [`judge`] holds predictions against what was observed ([`metrics`]); [`plot`] and [`plot_confusion`] draw.
//! 7. [`model_file`] keeps the model, and [`predict`] works out its [quantities](quantity) for new rows.
//!
//! [`fit`] is the whole way. [`plot_functions`] draws functions of one variable, for lessons and for a look at a loss.
//!
//! Whatever a file or an option may get wrong is a [`DataError`](error::DataError), which carries a stable code and
//! says the place, the cause and the fix.

pub mod array;
pub mod binding;
pub mod checkpoint;
mod conditions;
pub mod dataset;
pub mod encoding;
pub mod error;
mod filling;
pub mod fit;
pub mod judge;
pub mod lesson;
pub mod metrics;
pub mod model;
pub mod model_file;
mod moments;
pub mod objective;
pub mod part;
pub mod plot;
pub mod plot_confusion;
pub mod plot_functions;
pub mod predict;
pub mod quantity;
pub mod random;
pub mod replace;
pub mod saved;
mod shuffle;
pub mod solver;
pub mod source;
pub mod split;
pub mod start;
pub mod transform;

mod binding_text;
mod plot_axis;
mod statistics;
mod structure;
