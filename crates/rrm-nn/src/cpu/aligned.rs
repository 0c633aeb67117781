//! Memory that is aligned to cache lines, so that vectors of 64 bytes are read and written at full speed.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line.
const LINE: usize = 64;

/// A slice of numbers that is aligned to 64 bytes.
#[derive(Debug)]
pub struct AlignedVec<T> {
    memory: Vec<T>,
    from: usize,
    length: usize,
}

impl<T: Copy + Default> AlignedVec<T> {
    /// Allocates `length` zeros. For large lengths the operating system provides pages only when they are written to.
    ///
    /// # Errors
    /// When there is not enough memory.
    pub fn zeroed(length: usize) -> Result<Self, std::collections::TryReserveError> {
        // `vec!` gets zeroed pages from the operating system, but aborts the process when there is no memory. So the reservation is tried first.
        Vec::<T>::new().try_reserve_exact(length + LINE)?;
        let memory = vec![T::default(); length + LINE / size_of::<T>()];
        let from = memory.as_ptr().align_offset(LINE).min(LINE / size_of::<T>());
        Ok(AlignedVec { memory, from, length })
    }

    /// Returns at least `length` numbers with arbitrary content. Allocates only if there were never that many before.
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
