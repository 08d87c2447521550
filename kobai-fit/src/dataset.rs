//! From a table and bindings to the arrays of the training rows and of those held out, in memory or in a file.
//!
//! The table is read batch by batch: once to count rows and classes, once more where means are asked for, and once to make
//! the arrays. What was read is kept for the next time if it is small.

use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::binding::{Binding, Meaning, Scaling, find};
use crate::encoding::{Encoding, FittedBinding, Scale};
use crate::error::DataError;
use crate::filling::Filling;
use crate::part::Part;
use crate::source::{Batch, Column, Kind, Source, Wanted};
use crate::split::{HELD_OUT_FRACTION, LEFT_OUT, Role, SEED, split};
use crate::statistics::{Classes, Moments};

/// The most elements a one-hot array may have, 2 GiB of them: more is surely a label taken for something else.
const ONE_HOT_LIMIT: usize = 1 << 28;

/// Values read at a time, 16 MiB of them.
const BATCH_VALUES: usize = 1 << 21;

/// What was read is kept for the next time up to so many bytes; a larger table is rather read again than twice in memory.
const KEPT_BYTES: u64 = 1 << 28;

/// What is done about missing values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// They are an error.
    #[default]
    Error,
    /// The row is left out.
    Drop,
    /// The mean of the column over the training rows stands for a missing number; a missing label is an error.
    Mean,
}

/// How a table becomes arrays.
#[derive(Debug, Clone)]
pub struct Options {
    /// The share of rows held out.
    pub held_out: f64,
    /// The seed of the split.
    pub seed: u64,
    /// What is done about missing values.
    pub missing: Missing,
    /// The bytes that the arrays may take in memory; beyond that they lie in a file.
    pub memory: u64,
    /// Where that file lies.
    pub scratch: PathBuf,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            held_out: HELD_OUT_FRACTION,
            seed: SEED,
            missing: Missing::Error,
            memory: u64::MAX,
            scratch: std::env::temp_dir(),
        }
    }
}

/// A table made into arrays.
#[derive(Default)]
pub struct Dataset {
    /// The bindings with what was settled by the rows, in the order given; those to numbers are none of them.
    pub bindings: Vec<FittedBinding>,
    /// The rows that train.
    pub training: Part,
    /// The rows that judge.
    pub held_out: Part,
    /// How many rows were left out because a value is missing.
    pub left_out: usize,
}

/// Told now and then how many rows were read; may end the reading.
pub type Watch<'a> = &'a mut dyn FnMut(usize) -> ControlFlow<()>;

/// Makes arrays of a table. Symbols of `shared` that index the same axis have the same classes.
///
/// # Errors
/// What is wrong with the table, a binding or a cell; `interrupted` where `watch` ends it; `scratch-not-written`.
pub fn load(
    table: &Source,
    bindings: &[Binding],
    shared: &[Vec<String>],
    options: &Options,
    watch: Watch,
) -> Result<Dataset, DataError> {
    let mut reader = Reader::new(table, bindings, KEPT_BYTES.min(options.memory / 4), watch)?;
    let survey = Survey::take(&mut reader, options.missing)?;
    let roles = split(&survey.strata, options.held_out, options.seed)?;
    let fitted = fit(&mut reader, &survey, shared, &roles, options.missing)?;
    let count = |role: Role| roles.iter().filter(|&&other| other == role).count();
    let rows = [count(Role::Training), count(Role::HeldOut)];
    let in_file = fitted.iter().map(|fitted| bytes(fitted, rows[0] + rows[1])).sum::<u64>() > options.memory / 2;
    check_one_hot(&fitted, &rows)?;
    let place = in_file.then_some(&options.scratch);
    let mut filling = Filling::new((table, &reader.places), &fitted, place)?;
    reader.for_each(&mut |batch| filling.add(batch, &roles))?;
    let [training, held_out] = filling.finish(rows)?;
    Ok(Dataset { bindings: fitted, training, held_out, left_out: count(Role::LeftOut) })
}

/// The bytes of an array of so many rows.
fn bytes(fitted: &FittedBinding, rows: usize) -> u64 {
    let entries = fitted.shape(rows).iter().map(|&size| size as u64).product::<u64>();
    entries.saturating_mul(size_of::<f64>() as u64)
}

/// Makes arrays of all rows of another table by bindings settled before.
///
/// # Errors
/// As [`load`].
pub fn apply(table: &Source, fitted: &[FittedBinding], options: &Options, watch: Watch) -> Result<Part, DataError> {
    let mut reader = Reader::of_fitted(table, fitted, 0, watch)?;
    // A table that does not tell how long it is may be too long for a memory that is limited.
    let bytes = table.rows().map_or(u64::MAX - 1, |rows| fitted.iter().map(|fitted| bytes(fitted, rows)).sum());
    let mut filling =
        Filling::new((table, &reader.places), fitted, (bytes > options.memory / 2).then_some(&options.scratch))?;
    let mut rows = 0;
    reader.for_each(&mut |batch| {
        rows += batch.rows;
        filling.add_all(batch)
    })?;
    let [part, _] = filling.finish([rows, 0])?;
    Ok(part)
}

/// Makes arrays of the rows of another table by bindings settled before, some rows at a time, or all `together`.
///
/// # Errors
/// As [`load`], and what `work` says.
pub fn each_batch<E: From<DataError>>(
    table: &Source,
    fitted: &[FittedBinding],
    together: bool,
    work: &mut dyn FnMut(&Part) -> Result<(), E>,
) -> Result<(), E> {
    let mut watch = |_| ControlFlow::Continue(());
    if together {
        return work(&apply(table, fitted, &Options::default(), &mut watch)?);
    }
    let mut failed = None;
    let mut reader = Reader::of_fitted(table, fitted, 0, &mut watch)?;
    let places = reader.places.clone();
    let read = reader.for_each(&mut |batch| {
        let mut filling = Filling::new((table, &places), fitted, None)?;
        filling.add_all(batch)?;
        let [part, _] = filling.finish([batch.rows, 0])?;
        work(&part).map_err(|error| {
            failed = Some(error);
            DataError::new("interrupted")
        })
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(read?),
    }
}

/// A one-hot array must be of a size that somebody could mean.
fn check_one_hot(fitted: &[FittedBinding], rows: &[usize]) -> Result<(), DataError> {
    let rows: usize = rows.iter().sum();
    for binding in fitted {
        if let Encoding::OneHot { classes } = &binding.encoding
            && rows.saturating_mul(classes.len()) > ONE_HOT_LIMIT
        {
            return Err(DataError::new("label-too-many-classes")
                .with("symbol", &binding.symbol)
                .with("rows", rows)
                .with("classes", classes.len())
                .with("limit", ONE_HOT_LIMIT)
                .with("column", &binding.columns[0]));
        }
    }
    Ok(())
}

/// Reads the columns that bindings need, again and again.
struct Reader<'a> {
    table: &'a Source,
    bindings: &'a [Binding],
    wanted: Vec<Wanted>,
    /// For each binding to columns, the places of its columns among those wanted.
    places: Vec<Vec<usize>>,
    /// What was read, if it is all and fits.
    kept: Option<Vec<Batch>>,
    most_bytes: u64,
    watch: Watch<'a>,
}

impl<'a> Reader<'a> {
    fn new(
        table: &'a Source,
        bindings: &'a [Binding],
        most_bytes: u64,
        watch: Watch<'a>,
    ) -> Result<Reader<'a>, DataError> {
        let columns = bindings.iter().map(|binding| Ok((binding.kind(), binding.choose(table)?)));
        let columns = columns.collect::<Result<Vec<_>, DataError>>()?;
        Ok(Reader { bindings, ..Reader::of_columns(table, columns, most_bytes, watch) })
    }

    /// A reader of the columns of bindings settled before.
    fn of_fitted(
        table: &'a Source,
        fitted: &[FittedBinding],
        most_bytes: u64,
        watch: Watch<'a>,
    ) -> Result<Reader<'a>, DataError> {
        fitted.iter().try_for_each(FittedBinding::check)?;
        let columns = |fitted: &FittedBinding| -> Result<_, DataError> {
            let kind = if fitted.classes().is_some() { Kind::Label } else { Kind::Number };
            let found = fitted.columns.iter().map(|name| find(&fitted.symbol, table, name));
            Ok((kind, found.collect::<Result<Vec<_>, _>>()?))
        };
        let columns = fitted.iter().map(columns).collect::<Result<Vec<_>, _>>()?;
        Ok(Reader::of_columns(table, columns, most_bytes, watch))
    }

    fn of_columns(
        table: &'a Source,
        columns: Vec<(Kind, Vec<usize>)>,
        most_bytes: u64,
        watch: Watch<'a>,
    ) -> Reader<'a> {
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut place = |kind: Kind, column: usize| {
            let known = wanted.iter().position(|other| other.column == column && other.kind == kind);
            known.unwrap_or_else(|| {
                wanted.push(Wanted { column, kind });
                wanted.len() - 1
            })
        };
        let places = columns
            .iter()
            .map(|(kind, columns)| columns.iter().map(|&column| place(*kind, column)).collect())
            .collect();
        Reader { table, bindings: &[], wanted, places, kept: None, most_bytes, watch }
    }

    /// Goes over all rows.
    fn for_each(&mut self, work: &mut dyn FnMut(&Batch) -> Result<(), DataError>) -> Result<(), DataError> {
        if let Some(kept) = &self.kept {
            return kept.iter().try_for_each(work);
        }
        let width = self.wanted.len().max(1);
        let (mut kept, mut bytes) = (Some(Vec::new()), 0);
        for batch in self.table.batches(&self.wanted, (BATCH_VALUES / width).clamp(1, 1 << 16))? {
            let batch = batch?;
            work(&batch)?;
            if (self.watch)(batch.first_row + batch.rows).is_break() {
                return Err(DataError::new("interrupted"));
            }
            bytes += (batch.rows * width * size_of::<f64>()) as u64;
            kept = kept.filter(|_| bytes <= self.most_bytes);
            kept.iter_mut().zip([batch]).for_each(|(kept, batch)| kept.push(batch));
        }
        self.kept = kept;
        Ok(())
    }

    /// Goes over all rows of the columns at these places among those wanted.
    fn for_each_of(
        &mut self,
        places: &[usize],
        work: &mut dyn FnMut(&Batch) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let wanted: Vec<Wanted> = places.iter().map(|&place| self.wanted[place]).collect();
        for batch in self.table.batches(&wanted, 1 << 16)? {
            let batch = batch?;
            work(&batch)?;
            if (self.watch)(batch.first_row + batch.rows).is_break() {
                return Err(DataError::new("interrupted"));
            }
        }
        Ok(())
    }

    /// The name of the column at this place among those wanted.
    fn name(&self, place: usize) -> &'a str {
        &self.table.names()[self.wanted[place].column]
    }

    fn file(&self) -> String {
        self.table.file().display().to_string()
    }
}

/// What is known after all rows were seen once.
struct Survey {
    /// For each row the class that the split keeps in proportion, 0 without one.
    strata: Vec<u32>,
    /// The classes of each column wanted.
    classes: Vec<Classes>,
}

impl Survey {
    fn take(reader: &mut Reader, missing: Missing) -> Result<Survey, DataError> {
        let label = reader.wanted.iter().position(|wanted| wanted.kind == Kind::Label);
        let mut survey = Survey { strata: Vec::new(), classes: vec![Classes::default(); reader.wanted.len()] };
        if let (None, Some(rows), Missing::Error | Missing::Mean) = (label, reader.table.rows(), missing) {
            survey.strata = vec![0; rows];
            return Ok(survey);
        }
        let wanted = reader.wanted.clone();
        let all: Vec<usize> = (0..wanted.len()).collect();
        let labels: Vec<usize> = all.iter().copied().filter(|&place| wanted[place].kind == Kind::Label).collect();
        // Where rows need not be counted, and missing numbers not be looked for, the labels tell all.
        let only_labels = missing != Missing::Drop && reader.table.rows().is_some();
        let places = if only_labels { labels } else { all };
        let mut add = |batch: &Batch| {
            survey.add(batch, &places, &wanted, label, missing);
            Ok(())
        };
        if only_labels {
            reader.for_each_of(&places, &mut add)?
        } else {
            reader.for_each(&mut add)?
        };
        Ok(survey)
    }

    /// Adds a batch that has the columns at these places among those wanted.
    fn add(&mut self, batch: &Batch, places: &[usize], wanted: &[Wanted], stratum: Option<usize>, missing: Missing) {
        let first = self.strata.len();
        self.strata.resize(first + batch.rows, 0);
        let strata = &mut self.strata[first..];
        for (number, (&place, column)) in places.iter().zip(&batch.columns).enumerate() {
            match (wanted[place].kind, column) {
                (Kind::Label, _) => {
                    let numbers = self.classes[place].numbers(batch, number);
                    for (own, number) in strata.iter_mut().zip(numbers) {
                        match number {
                            None if missing == Missing::Drop => *own = LEFT_OUT,
                            Some(number) if stratum == Some(place) && *own != LEFT_OUT => *own = number,
                            _ => {}
                        }
                    }
                }
                (Kind::Number, Column::Numbers(values)) if missing == Missing::Drop => {
                    let absent = strata.iter_mut().zip(values).filter(|(_, value)| value.is_nan());
                    absent.for_each(|(own, _)| *own = LEFT_OUT);
                }
                _ => {}
            }
        }
    }
}

/// Settles all bindings: classes by the whole table, means and deviations by the training rows only, so that the held-out
/// rows stay unseen.
fn fit(
    reader: &mut Reader,
    survey: &Survey,
    shared: &[Vec<String>],
    roles: &[Role],
    missing: Missing,
) -> Result<Vec<FittedBinding>, DataError> {
    let moments = moments(reader, roles, missing)?;
    let mut fitted = Vec::new();
    for (number, binding) in reader.bindings.iter().enumerate() {
        let places = &reader.places[number];
        let figures: Vec<(f64, f64)> = places.iter().map(|&place| moments[place].mean_and_deviation()).collect();
        let scale = |scaling: Scaling| match scaling {
            Scaling::None => Scale::None,
            Scaling::By(factor) => Scale::By(factor),
            Scaling::Standardised => {
                let (means, deviations) = figures.iter().copied().unzip();
                Scale::Standardised { means, deviations }
            }
        };
        let encoding = match &binding.meaning {
            Meaning::Number(_) => continue,
            Meaning::Columns { scaling, .. } => Encoding::Matrix(scale(*scaling)),
            Meaning::Column { scaling, .. } => Encoding::Vector(scale(*scaling)),
            Meaning::OneHot { classes, .. } => {
                Encoding::OneHot { classes: classes_of(reader, survey, number, shared, *classes)? }
            }
            Meaning::Index { .. } => Encoding::Index { classes: classes_of(reader, survey, number, shared, None)? },
        };
        let filled = missing == Missing::Mean && binding.kind() == Kind::Number;
        let fill = filled.then(|| figures.iter().map(|(mean, _)| *mean).collect());
        let columns = places.iter().map(|&place| reader.name(place).to_owned()).collect();
        let own = FittedBinding { symbol: binding.symbol.clone(), columns, fill, encoding };
        check_figures(&own, &reader.file())?;
        fitted.push(own);
    }
    Ok(fitted)
}

/// Means and deviations must be numbers.
fn check_figures(fitted: &FittedBinding, file: &str) -> Result<(), DataError> {
    let (Encoding::Matrix(scale) | Encoding::Vector(scale)) = &fitted.encoding else { return Ok(()) };
    let Scale::Standardised { means, deviations } = scale else { return Ok(()) };
    match means.iter().zip(deviations).position(|(mean, deviation)| !mean.is_finite() || !deviation.is_finite()) {
        None => Ok(()),
        Some(place) => Err(DataError::new("binding-overflow")
            .with("symbol", &fitted.symbol)
            .with("column", &fitted.columns[place])
            .with("place", "all training rows")
            .with("file", file)),
    }
}

/// The classes of a binding, those of the bindings that it shares them with included.
fn classes_of(
    reader: &Reader,
    survey: &Survey,
    number: usize,
    shared: &[Vec<String>],
    asked: Option<usize>,
) -> Result<Vec<String>, DataError> {
    let symbol = &reader.bindings[number].symbol;
    let place = reader.places[number][0];
    let mut classes = survey.classes[place].clone();
    for group in shared.iter().filter(|group| group.contains(symbol)) {
        for (other, binding) in reader.bindings.iter().enumerate().filter(|(_, other)| group.contains(&other.symbol)) {
            if binding.kind() == Kind::Label {
                classes.join(&survey.classes[reader.places[other][0]]);
            }
        }
    }
    classes.ordered(asked, symbol, reader.name(place), reader.table)
}

/// The moments of each column wanted over the training rows, where they are asked for.
fn moments(reader: &mut Reader, roles: &[Role], missing: Missing) -> Result<Vec<Moments>, DataError> {
    let mut moments = vec![Moments::default(); reader.wanted.len()];
    let standardised = |binding: &Binding| {
        let (Meaning::Columns { scaling, .. } | Meaning::Column { scaling, .. }) = &binding.meaning else {
            return false;
        };
        *scaling == Scaling::Standardised
    };
    if missing != Missing::Mean && !reader.bindings.iter().any(standardised) {
        return Ok(moments);
    }
    reader.for_each(&mut |batch| {
        let own = &roles[batch.first_row..batch.first_row + batch.rows];
        for (column, moments) in batch.columns.iter().zip(&mut moments) {
            if let Column::Numbers(values) = column {
                let training = values.iter().zip(own).filter(|(_, role)| **role == Role::Training);
                moments.add(training.map(|(value, _)| *value));
            }
        }
        Ok(())
    })?;
    Ok(moments)
}
