//! Work on pieces that are borrowed apart -> threads, each of which takes the next piece until none is left.

use std::sync::{Mutex, PoisonError};

use crate::cpu::{kernel::Isa, pool::Pool};

/// Threads and what their processor can do.
pub struct Machine {
    /// Instructions.
    pub isa: Isa,
    pool: Pool,
}

impl Machine {
    /// `threads` threads, the calling one among them.
    ///
    /// # Errors
    /// What the system says when it gives no more threads.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        Ok(Machine { isa: Isa::detect(), pool: Pool::new(threads)? })
    }

    /// Threads that compute.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// Calls `work` once with each item and its number, on any thread.
    pub fn each<T: Send>(&mut self, items: impl Iterator<Item = T>, work: impl Fn(usize, T) + Sync) {
        let items: Vec<Mutex<Option<T>>> = items.map(|item| Mutex::new(Some(item))).collect();
        self.pool.run(items.len(), &|index| {
            let item = items[index].lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(item) = item {
                work(index, item);
            }
        });
    }

    /// Calls `work` with each piece of `length` numbers (the last may be shorter) and its number.
    pub fn pieces(&mut self, out: &mut [f32], length: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
        self.pool.pieces(out, length, work);
    }
}

/// Cuts a slice into parts of these lengths, one behind the other.
pub fn split(mut rest: &mut [f32], lengths: impl Iterator<Item = usize>) -> impl Iterator<Item = &mut [f32]> {
    lengths.map(move |length| {
        let (part, after) = std::mem::take(&mut rest).split_at_mut(length);
        rest = after;
        part
    })
}
