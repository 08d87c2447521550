//! Numbers in a file of no name, read as a slice: arrays larger than the memory that a run may take.
//!
//! The system brings the pages of such a file in when they are read and may drop them at any time, so that a plan which
//! streams over its rows reads them as it would read memory. [`ScratchFile::release`] drops what was read by hand, which
//! keeps the resident memory of the process near that of a chunk.

use crate::vector::Float;
use memmap2::{Mmap, UncheckedAdvice};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::marker::PhantomData;
use std::ops::{Deref, Range};

/// Numbers being written to a file.
pub struct ScratchWriter<T> {
    file: BufWriter<File>,
    entries: usize,
    kind: PhantomData<T>,
}

impl<T: Float> ScratchWriter<T> {
    /// Begins a file of numbers. The file should have no name any more, or be known to nobody else: what is mapped must
    /// not be changed or cut short by others. It has no name if it comes from `tempfile::tempfile_in`.
    pub fn new(file: File) -> ScratchWriter<T> {
        ScratchWriter { file: BufWriter::with_capacity(1 << 20, file), entries: 0, kind: PhantomData }
    }

    /// Appends numbers.
    ///
    /// # Errors
    /// What the system says, for a full disk above all.
    pub fn write(&mut self, values: &[T]) -> io::Result<()> {
        self.entries += values.len();
        self.file.write_all(bytemuck::cast_slice(values))
    }

    /// The numbers written so far, to read.
    ///
    /// # Errors
    /// What the system says.
    #[allow(unsafe_code)]
    pub fn finish(self) -> io::Result<ScratchFile<T>> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        if self.entries == 0 {
            return Ok(ScratchFile { map: None, kind: PhantomData });
        }
        // SAFETY: nobody else knows the file ([`ScratchWriter::new`]), and from here on nothing writes to it.
        let map = unsafe { Mmap::map(&file) }?;
        Ok(ScratchFile { map: Some(map), kind: PhantomData })
    }
}

/// Numbers that lie in a file.
pub struct ScratchFile<T> {
    /// None where there are no numbers: an empty file cannot be mapped.
    map: Option<Mmap>,
    kind: PhantomData<T>,
}

impl<T: Float> ScratchFile<T> {
    /// Takes the pages of these entries out of memory. They can be read as before, from the file.
    #[allow(unsafe_code)]
    pub fn release(&self, entries: Range<usize>) {
        let Some(map) = &self.map else { return };
        let page = 4096;
        let first = (entries.start * size_of::<T>()).next_multiple_of(page);
        let end = (entries.end * size_of::<T>()).min(map.len()) / page * page;
        if first < end {
            // SAFETY: the mapping is shared, of a file and never written to, so what is read again is what was there.
            // Where the system knows no such advice, the pages stay until it needs them.
            let _ = unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, first, end - first) };
        }
    }
}

impl<T: Float> Deref for ScratchFile<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.map.as_ref().map_or(&[], |map| bytemuck::cast_slice(map))
    }
}
