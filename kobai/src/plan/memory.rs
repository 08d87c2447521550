//! How much memory a plan takes, and the chunk that keeps it within what it may take.

use super::{Options, Plan, Role, TensorId};

/// Matrix products gain little from more rows than this.
pub(super) const LARGEST_CHUNK: usize = 512;
/// Temporaries of a chunk that are no burden: more rows make fewer chunks.
const SMALL_CHUNK_BYTES: usize = 1 << 20;
/// What temporaries of a chunk take where nothing else is said.
const CHUNK_BYTES: usize = 1 << 26;

impl Plan {
    /// Chooses how many places of the streamed axis make a chunk, and measures its strips: as many as are of use and fit.
    pub(super) fn choose_chunk(&mut self, options: Options) {
        let length = self.streamed.map_or(1, |axis| self.size(axis)).max(1);
        let per_place = self.chunk_entries_per_place() * options.entry_bytes;
        // Without temporaries that outlive a strip there is nothing to cut.
        let free = CHUNK_BYTES
            .checked_div(per_place)
            .map_or(length, |preferred| preferred.min(LARGEST_CHUNK).max(SMALL_CHUNK_BYTES / per_place));
        let told = options
            .input_bytes
            .and_then(|bytes| bytes.checked_div(self.input_entries_per_place() * options.entry_bytes));
        let wanted = options.chunk.unwrap_or(free.min(told.unwrap_or(length))).clamp(1, length);
        let mut fits = |chunk: usize| {
            self.chunk = chunk;
            self.measure_strips(options.entry_bytes);
            options.memory.is_none_or(|memory| self.peak_bytes(options.entry_bytes) <= memory)
        };
        if fits(wanted) || options.chunk.is_some() {
            return;
        }
        // The largest that fits lies between one that does, or the smallest there is, and one that does not.
        let (mut fitting, mut too_many) = (1, wanted);
        while too_many - fitting > 1 {
            let middle = fitting + (too_many - fitting) / 2;
            if fits(middle) { fitting = middle } else { too_many = middle }
        }
        fits(fitting);
    }

    /// The bytes that outputs and temporaries take together.
    pub fn peak_bytes(&self, entry_bytes: usize) -> u64 {
        let made = (0..self.tensors.len()).filter(|&tensor| self.takes_memory(tensor));
        made.map(|tensor| self.entries(TensorId(tensor)) as u64 * entry_bytes as u64).sum()
    }

    /// Whether a tensor has memory of its own.
    fn takes_memory(&self, tensor: usize) -> bool {
        let tensor = &self.tensors[tensor];
        !matches!(tensor.role, Role::Input(_)) && tensor.replaces.is_none()
    }

    /// Entries of chunked temporaries for each place of the streamed axis.
    fn chunk_entries_per_place(&self) -> usize {
        (0..self.tensors.len())
            .filter(|&tensor| self.takes_memory(tensor))
            .filter_map(|tensor| self.in_chunk(tensor))
            .sum()
    }

    /// Entries of inputs for each place of the streamed axis.
    fn input_entries_per_place(&self) -> usize {
        let inputs = (0..self.tensors.len()).filter(|&tensor| matches!(self.tensors[tensor].role, Role::Input(_)));
        inputs.filter_map(|tensor| self.entries_along(TensorId(tensor))).sum()
    }

    /// Entries of a chunked temporary that outlives a strip, at one place.
    fn in_chunk(&self, tensor: usize) -> Option<usize> {
        let tensor = &self.tensors[tensor];
        let place = tensor.streamed.filter(|_| !tensor.whole && tensor.strip.is_none())?;
        let others = tensor.axes.iter().enumerate().filter(|(at, _)| *at != place);
        Some(others.map(|(_, &axis)| self.size(axis)).product())
    }
}
