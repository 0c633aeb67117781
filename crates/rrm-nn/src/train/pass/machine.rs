//! Work on disjoint pieces -> threads, each of which takes the next piece until none is left.

use std::sync::{Mutex, PoisonError};

use crate::cpu::{kernel::Isa, pool::Pool};

/// A pool of threads and their instruction set.
pub struct Machine {
    /// The instruction set.
    pub isa: Isa,
    pool: Pool,
}

impl Machine {
    /// Starts `threads` threads, including the calling thread.
    ///
    /// # Errors
    /// The operating system's error when it refuses more threads.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        Ok(Machine { isa: Isa::detect(), pool: Pool::new(threads)? })
    }

    /// The number of threads that compute.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// Calls `work` once with each item and its index, on any thread.
    pub fn each<T: Send>(&mut self, items: impl Iterator<Item = T>, work: impl Fn(usize, T) + Sync) {
        let items: Vec<Mutex<Option<T>>> = items.map(|item| Mutex::new(Some(item))).collect();
        self.pool.run(items.len(), &|index| {
            let item = items[index].lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(item) = item {
                work(index, item);
            }
        });
    }

    /// Cuts `out` into pieces of `length` numbers (the last may be shorter) and calls `work` with each piece and its index.
    pub fn pieces(&mut self, out: &mut [f32], length: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
        self.pool.pieces(out, length, work);
    }
}

/// Cuts a slice into adjacent parts of these lengths.
pub fn split(mut rest: &mut [f32], lengths: impl Iterator<Item = usize>) -> impl Iterator<Item = &mut [f32]> {
    lengths.map(move |length| {
        let (part, after) = std::mem::take(&mut rest).split_at_mut(length);
        rest = after;
        part
    })
}
