//! Arrays being filled batch by batch, in memory or in files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

use kobai_cpu::scratch_file::ScratchWriter;

use crate::encoding::{Encoder, FittedBinding};
use crate::error::DataError;
use crate::part::{Part, PartArray, Values};
use crate::source::{Batch, Source};
use crate::split::Role;

/// The arrays of a table, for training rows and for those held out.
pub(crate) struct Filling<'a> {
    encoders: Vec<Encoder<'a>>,
    fitted: &'a [FittedBinding],
    sink: Sink<'a>,
}

/// Where the entries of arrays go: those of the training rows first, then those of the rows held out.
enum Sink<'a> {
    Memory(Vec<Vec<f64>>),
    Files(FileWriters, &'a Path),
}

impl<'a> Filling<'a> {
    /// Empty arrays for these bindings, whose columns stand at these places of a batch of the table (none for a number), in
    /// memory or in files of a folder.
    pub fn new(
        (table, places): (&'a Source, &[Vec<usize>]),
        fitted: &'a [FittedBinding],
        folder: Option<&'a PathBuf>,
    ) -> Result<Filling<'a>, DataError> {
        let places = places.iter().filter(|places| !places.is_empty());
        let encoders =
            fitted.iter().zip(places).map(|(fitted, places)| Encoder::new(fitted, places.clone(), table)).collect();
        let arrays = 2 * fitted.len();
        let sink = match folder {
            None => Sink::Memory(vec![Vec::new(); arrays]),
            Some(folder) => {
                let writers = FileWriters::new(arrays, folder).map_err(|reason| not_written(folder, &reason))?;
                Sink::Files(writers, folder)
            }
        };
        Ok(Filling { encoders, fitted, sink })
    }

    /// Adds a batch by the roles of all rows.
    pub fn add(&mut self, batch: &Batch, roles: &[Role]) -> Result<(), DataError> {
        let of_role =
            |role: Role| -> Vec<usize> { (0..batch.rows).filter(|row| roles[batch.first_row + row] == role).collect() };
        self.add_rows(batch, 0, &of_role(Role::Training))?;
        self.add_rows(batch, 1, &of_role(Role::HeldOut))
    }

    /// Adds all rows of a batch to the first part.
    pub fn add_all(&mut self, batch: &Batch) -> Result<(), DataError> {
        self.add_rows(batch, 0, &(0..batch.rows).collect::<Vec<_>>())
    }

    fn add_rows(&mut self, batch: &Batch, part: usize, rows: &[usize]) -> Result<(), DataError> {
        for (number, encoder) in self.encoders.iter().enumerate() {
            let number = part * self.fitted.len() + number;
            match &mut self.sink {
                Sink::Memory(arrays) => encoder.append(batch, rows, &mut arrays[number])?,
                Sink::Files(writers, folder) => {
                    let mut entries = writers.spare();
                    encoder.append(batch, rows, &mut entries)?;
                    if !writers.write(number, entries) {
                        let reason = writers.finish().err().unwrap_or_else(|| io::ErrorKind::Other.into());
                        return Err(not_written(folder, &reason));
                    }
                }
            }
        }
        Ok(())
    }

    /// The arrays of both parts, which have so many rows.
    pub fn finish(self, rows: [usize; 2]) -> Result<[Part; 2], DataError> {
        let values: Vec<Values> = match self.sink {
            Sink::Memory(arrays) => arrays.into_iter().map(Values::Memory).collect(),
            Sink::Files(mut writers, folder) => {
                let files =
                    writers.finish().and_then(|writers| writers.into_iter().map(ScratchWriter::finish).collect());
                let files: Vec<_> = files.map_err(|reason| not_written(folder, &reason))?;
                files.into_iter().map(Values::File).collect()
            }
        };
        let mut values = values.into_iter();
        Ok(rows.map(|rows| {
            let array = |binding: &FittedBinding| {
                let values = values.next().unwrap_or(Values::Memory(Vec::new()));
                (binding.symbol.clone(), PartArray::new(binding.shape(rows), values, binding.is_index()))
            };
            Part { rows, arrays: self.fitted.iter().map(array).collect() }
        }))
    }
}

/// Files written by a thread of their own, while the next batch is decoded.
struct FileWriters {
    entries: Option<SyncSender<(usize, Vec<f64>)>>,
    /// Vectors whose entries are written.
    spare: Receiver<Vec<f64>>,
    thread: Option<JoinHandle<io::Result<Vec<ScratchWriter<f64>>>>>,
}

impl FileWriters {
    /// As many files without a name in a folder.
    fn new(files: usize, folder: &Path) -> io::Result<FileWriters> {
        let file = |_| tempfile::tempfile_in(folder).map(ScratchWriter::new);
        let mut writers = (0..files).map(file).collect::<io::Result<Vec<ScratchWriter<f64>>>>()?;
        // One array waits while another is written: they take memory.
        let (entries, received) = sync_channel::<(usize, Vec<f64>)>(1);
        let (written, spare) = channel();
        let thread = thread::Builder::new().name("scratch file".to_owned()).spawn(move || {
            for (number, mut entries) in received {
                writers[number].write(&entries)?;
                entries.clear();
                // Nobody waits for them at the end.
                let _ = written.send(entries);
            }
            Ok(writers)
        })?;
        Ok(FileWriters { entries: Some(entries), spare, thread: Some(thread) })
    }

    /// An empty vector.
    fn spare(&self) -> Vec<f64> {
        self.spare.try_recv().unwrap_or_default()
    }

    /// Appends to a file; false if the thread has ended with an error.
    fn write(&self, number: usize, entries: Vec<f64>) -> bool {
        self.entries.as_ref().is_some_and(|sender| sender.send((number, entries)).is_ok())
    }

    /// Waits for what is being written. There is nothing to write to afterwards.
    fn finish(&mut self) -> io::Result<Vec<ScratchWriter<f64>>> {
        self.entries = None;
        let joined = self.thread.take().map(JoinHandle::join);
        joined.and_then(Result::ok).unwrap_or_else(|| Err(io::ErrorKind::Other.into()))
    }
}

/// Arrays could not be written to a file of this folder.
pub(crate) fn not_written(folder: &Path, reason: &io::Error) -> DataError {
    DataError::new("scratch-not-written").with("folder", folder.display()).with("reason", reason)
}
