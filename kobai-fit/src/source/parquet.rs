//! Apache Parquet, row group by row group, its columns on several threads.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use half::f16;
use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;
use rayon::prelude::*;

use super::{Batch, Batches, Column, Kind, Opened, Reader, Wanted, cell, malformed, open_file};
use crate::error::DataError;

/// A file that several threads read, each where it wants: a handle has one place of its own, so seeking and reading go
/// together.
#[derive(Clone)]
struct Shared {
    file: Arc<Mutex<File>>,
    length: u64,
}

impl Shared {
    fn new(file: File) -> Shared {
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        Shared { file: Arc::new(Mutex::new(file)), length }
    }

    fn read_at(&self, place: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(place))?;
        file.read(bytes)
    }
}

impl Length for Shared {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Shared {
    type T = io::BufReader<From>;

    fn get_read(&self, start: u64) -> Result<io::BufReader<From>, ParquetError> {
        Ok(io::BufReader::new(From { file: self.clone(), place: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let mut bytes = vec![0; length];
        From { file: self.clone(), place: start }.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// A shared file from a place on.
struct From {
    file: Shared,
    place: u64,
}

impl Read for From {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(self.place, bytes)?;
        self.place += read as u64;
        Ok(read)
    }
}

/// A Parquet file with its schema read.
#[derive(Clone)]
struct Parquet {
    path: PathBuf,
    names: Vec<String>,
    file: Arc<SerializedFileReader<Shared>>,
}

/// Opens a Parquet file. The columns inside of lists and groups are named by their path.
pub(super) fn open(path: &Path) -> Result<Opened, DataError> {
    let file = SerializedFileReader::new(Shared::new(open_file(path)?)).map_err(|error| broken(path, &error))?;
    let schema = file.metadata().file_metadata().schema_descr();
    let names: Vec<String> = schema.columns().iter().map(|column| column.path().string()).collect();
    let rows = usize::try_from(file.metadata().file_metadata().num_rows()).unwrap_or(0);
    let parquet = Parquet { path: path.to_path_buf(), names: names.clone(), file: Arc::new(file) };
    Ok(Opened { names, rows: Some(rows), reader: Box::new(parquet) })
}

fn broken(path: &Path, error: &ParquetError) -> DataError {
    malformed(path, "Parquet", error)
}

impl Reader for Parquet {
    fn batches(&self, wanted: &[Wanted], rows: usize) -> Result<Batches, DataError> {
        for column in wanted {
            self.check(column)?;
        }
        let rows = Rows { parquet: self.clone(), wanted: wanted.to_vec(), rows, next: 0, group: 0, open: None };
        Ok(Box::new(rows))
    }
}

impl Parquet {
    fn column(&self, number: usize) -> Arc<ColumnDescriptor> {
        self.file.metadata().file_metadata().schema_descr().column(number)
    }

    /// The type of a column must be one that can be read as what is wanted.
    fn check(&self, wanted: &Wanted) -> Result<(), DataError> {
        let column = self.column(wanted.column);
        let nested = column.max_rep_level() > 0 || column.path().parts().len() > 1;
        let is_time = matches!(
            column.logical_type_ref(),
            Some(
                LogicalType::Date
                    | LogicalType::Time { .. }
                    | LogicalType::Timestamp { .. }
                    | LogicalType::Decimal { .. }
            )
        ) || matches!(
            column.converted_type(),
            ConvertedType::DATE
                | ConvertedType::TIMESTAMP_MILLIS
                | ConvertedType::TIMESTAMP_MICROS
                | ConvertedType::DECIMAL
        );
        let number = match column.physical_type() {
            Type::BOOLEAN | Type::INT32 | Type::INT64 => !is_time,
            Type::FLOAT | Type::DOUBLE => true,
            Type::FIXED_LEN_BYTE_ARRAY => matches!(column.logical_type_ref(), Some(LogicalType::Float16)),
            Type::INT96 | Type::BYTE_ARRAY => false,
        };
        let text = column.physical_type() == Type::BYTE_ARRAY && !is_time;
        if !nested && (number || (text && wanted.kind == Kind::Label)) {
            return Ok(());
        }
        let found = match column.logical_type_ref() {
            _ if nested => "a list or group".to_owned(),
            Some(LogicalType::String) => "text".to_owned(),
            Some(logical) => format!("{logical:?}"),
            None => format!("{:?}", column.physical_type()),
        };
        Err(DataError::new("column-type")
            .with("file", self.path.display())
            .with("column", &self.names[wanted.column])
            .with("found", found)
            .with("wanted", if wanted.kind == Kind::Number { "numbers" } else { "classes" }))
    }
}

/// Batches of rows, none of which goes beyond its row group.
struct Rows {
    parquet: Parquet,
    wanted: Vec<Wanted>,
    rows: usize,
    /// The number of the next row.
    next: usize,
    /// The number of the next row group.
    group: usize,
    /// The readers of the columns wanted, and how many rows they still have.
    open: Option<(Vec<ColumnReader>, usize)>,
}

impl Iterator for Rows {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Result<Batch, DataError>> {
        while self.open.as_ref().is_none_or(|(_, left)| *left == 0) {
            if self.group == self.parquet.file.num_row_groups() {
                return None;
            }
            match self.open_group() {
                Ok(open) => self.open = Some(open),
                Err(error) => return Some(Err(self.over(error))),
            }
            self.group += 1;
        }
        let batch = self.batch();
        Some(batch.map_err(|error| self.over(error)))
    }
}

impl Rows {
    /// After an error there is nothing more.
    fn over(&mut self, error: DataError) -> DataError {
        self.open = None;
        self.group = self.parquet.file.num_row_groups();
        error
    }

    fn open_group(&self) -> Result<(Vec<ColumnReader>, usize), DataError> {
        let broken = |error: ParquetError| broken(&self.parquet.path, &error);
        let group = self.parquet.file.get_row_group(self.group).map_err(broken)?;
        let reader = |wanted: &Wanted| group.get_column_reader(wanted.column).map_err(broken);
        let readers = self.wanted.iter().map(reader).collect::<Result<Vec<_>, _>>()?;
        Ok((readers, usize::try_from(group.metadata().num_rows()).unwrap_or(0)))
    }

    fn batch(&mut self) -> Result<Batch, DataError> {
        let first_row = self.next;
        let Some((readers, left)) = &mut self.open else {
            return Ok(Batch { first_row, rows: 0, columns: Vec::new() });
        };
        let rows = self.rows.min(*left);
        let (parquet, columns) = (&self.parquet, readers.par_iter_mut().zip(&self.wanted));
        let read = |(reader, wanted)| Cells { parquet, wanted, first_row, rows }.read(reader);
        // Of several errors the first column's is told, whichever thread was the faster.
        let columns: Vec<Result<Column, DataError>> = columns.map(read).collect();
        let columns = columns.into_iter().collect::<Result<Vec<Column>, DataError>>()?;
        *left -= rows;
        self.next += rows;
        Ok(Batch { first_row, rows, columns })
    }
}

/// The cells of one column in a batch.
struct Cells<'a> {
    parquet: &'a Parquet,
    wanted: &'a Wanted,
    first_row: usize,
    rows: usize,
}

impl Cells<'_> {
    fn read(&self, reader: &mut ColumnReader) -> Result<Column, DataError> {
        let column = self.parquet.column(self.wanted.column);
        let unsigned = matches!(column.logical_type_ref(), Some(LogicalType::Integer(integer)) if !integer.is_signed)
            || matches!(column.converted_type(), ConvertedType::UINT_32 | ConvertedType::UINT_64);
        match reader {
            ColumnReader::BoolColumnReader(reader) => match self.wanted.kind {
                Kind::Number => self.numbers(reader, |value| f64::from(u8::from(*value)), |_| true),
                Kind::Label => self.labels(reader, |value| Ok(value.to_string())),
            },
            ColumnReader::Int32ColumnReader(reader) if unsigned => {
                self.numbers(reader, |value| f64::from(*value as u32), |_| true)
            }
            ColumnReader::Int32ColumnReader(reader) => self.numbers(reader, |value| f64::from(*value), |_| true),
            ColumnReader::Int64ColumnReader(reader) if unsigned => {
                let number = |value: &i64| *value as u64 as f64;
                self.numbers(reader, number, |value| (*value as u64 as f64) as u128 == u128::from(*value as u64))
            }
            ColumnReader::Int64ColumnReader(reader) => {
                self.numbers(reader, |value| *value as f64, |value| (*value as f64) as i128 == i128::from(*value))
            }
            ColumnReader::FloatColumnReader(reader) => self.numbers(reader, |value| f64::from(*value), |_| true),
            ColumnReader::DoubleColumnReader(reader) => self.numbers(reader, |value| *value, |_| true),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                let number =
                    |bytes: &[u8]| bytes.try_into().map_or(f64::NAN, |bytes| f16::from_le_bytes(bytes).to_f64());
                self.numbers(reader, |value| number(value.data()), |_| true)
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "cell-not-text");
                self.labels(reader, |value| text(value.data()))
            }
            ColumnReader::Int96ColumnReader(_) => Ok(Column::new(self.wanted.kind)),
        }
    }

    /// The values that are there, and for each row whether it has one, where some may have none.
    fn values<T: DataType>(&self, reader: &mut ColumnReaderImpl<T>) -> Result<(Vec<T::T>, Vec<i16>), DataError> {
        let (mut values, mut levels) = (Vec::with_capacity(self.rows), Vec::new());
        let mut read = 0;
        while read < self.rows {
            let (records, ..) = reader
                .read_records(self.rows - read, Some(&mut levels), None, &mut values)
                .map_err(|error| broken(&self.parquet.path, &error))?;
            if records == 0 {
                let reason = format!("the column {} ends before its last row", self.name());
                return Err(malformed(&self.parquet.path, "Parquet", reason));
            }
            read += records;
        }
        Ok((values, levels))
    }

    fn numbers<T: DataType>(
        &self,
        reader: &mut ColumnReaderImpl<T>,
        number: impl Fn(&T::T) -> f64,
        exact: impl Fn(&T::T) -> bool,
    ) -> Result<Column, DataError> {
        let (values, levels) = self.values(reader)?;
        let mut column = Column::new(self.wanted.kind);
        self.for_each(values, &levels, |row, value| {
            let Some(value) = value else {
                column.push_number(f64::NAN);
                return Ok(());
            };
            let own = number(&value);
            if own.is_infinite() || !exact(&value) {
                let problem = if own.is_infinite() { "cell-infinite" } else { "cell-not-exact" };
                return Err(self.error(problem, row, own));
            }
            column.push_number(own);
            Ok(())
        })?;
        Ok(column)
    }

    fn labels<T: DataType>(
        &self,
        reader: &mut ColumnReaderImpl<T>,
        text: impl Fn(&T::T) -> Result<String, &'static str>,
    ) -> Result<Column, DataError> {
        let (values, levels) = self.values(reader)?;
        let mut labels = super::Labels::default();
        self.for_each(values, &levels, |row, value| {
            let name = value.map_or(Ok(String::new()), |value| text(&value));
            labels.push(&name.map_err(|code| self.error(code, row, ""))?);
            Ok(())
        })?;
        Ok(Column::Labels(labels))
    }

    /// Goes over all rows, those without a value included.
    fn for_each<V>(
        &self,
        values: Vec<V>,
        levels: &[i16],
        mut work: impl FnMut(usize, Option<V>) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let present = self.parquet.column(self.wanted.column).max_def_level();
        let mut values = values.into_iter();
        (0..self.rows).try_for_each(|row| {
            let there = present == 0 || levels.get(row) == Some(&present);
            work(row, if there { values.next() } else { None })
        })
    }

    fn name(&self) -> &str {
        &self.parquet.names[self.wanted.column]
    }

    fn error(&self, code: &'static str, row: usize, found: impl std::fmt::Display) -> DataError {
        cell(code, &self.parquet.path, &self.parquet.place(self.first_row + row), self.name(), found)
    }
}
