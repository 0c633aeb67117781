//! Memory that begins where a cache line does: vectors of 64 bytes are then read and written at full speed.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line.
const LINE: usize = 64;

/// A slice of numbers that begins at a multiple of 64 bytes.
#[derive(Debug)]
pub struct AlignedVec<T> {
    memory: Vec<T>,
    from: usize,
    length: usize,
}

impl<T: Copy + Default> AlignedVec<T> {
    /// `length` zeros. Large memory is given by the system only where it is written to.
    ///
    /// # Errors
    /// When there is not that much memory.
    pub fn zeroed(length: usize) -> Result<Self, std::collections::TryReserveError> {
        // `vec!` takes zeroed pages from the system, but ends the process where there are none: so ask first.
        Vec::<T>::new().try_reserve_exact(length + LINE)?;
        let memory = vec![T::default(); length + LINE / size_of::<T>()];
        let from = memory.as_ptr().align_offset(LINE).min(LINE / size_of::<T>());
        Ok(AlignedVec { memory, from, length })
    }

    /// At least `length` numbers, whatever they are; asks for memory only when there were never that many.
    pub fn at_least(&mut self, length: usize) -> &mut [T] {
        if self.length < length {
            let memory = vec![T::default(); length + LINE / size_of::<T>()];
            self.from = memory.as_ptr().align_offset(LINE).min(LINE / size_of::<T>());
            (self.memory, self.length) = (memory, length);
        }
        &mut self[..length]
    }
}

impl<T> Default for AlignedVec<T> {
    fn default() -> Self {
        AlignedVec { memory: Vec::new(), from: 0, length: 0 }
    }
}

impl<T> Deref for AlignedVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.memory[self.from..self.from + self.length]
    }
}

impl<T> DerefMut for AlignedVec<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.from..self.from + self.length]
    }
}
