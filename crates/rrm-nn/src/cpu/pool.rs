//! Work in numbered parts -> threads that take the next part until none is left.
//!
//! The caller never waits for a worker that has not begun: a late worker finds the gate closed and does nothing. Waiting is a short spin, then sleep,
//! so that an idle pool costs nothing and a shared machine is not kept busy.
#![allow(unsafe_code, reason = "threads write to disjoint parts of one slice; each block says why that holds")]

use std::{
    cell::UnsafeCell,
    hint,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle, Thread},
};

/// Times that a waiting thread looks at the gate before it sleeps: about 10 to 30 microseconds.
const SPINS: u32 = 600;

/// The gate's bit for "open": set while parts of the job may be taken. The bits below count the workers inside, the bits above are the job's number.
const OPEN: u64 = 1 << 31;
const INSIDE: u64 = OPEN - 1;

/// A pool of threads that share work with the calling thread.
pub struct Pool {
    shared: Arc<PoolState>,
    workers: Vec<JoinHandle<()>>,
}

/// The state that the threads of a pool share.
struct PoolState {
    gate: AtomicU64,
    /// The next part to be taken.
    next: AtomicUsize,
    /// Written only while the gate is closed and no worker is inside.
    job: UnsafeCell<Option<PoolJob>>,
    panicked: AtomicBool,
    ending: AtomicBool,
}

/// The work that the threads of a pool share.
#[derive(Clone)]
struct PoolJob {
    work: *const (dyn Fn(usize) + Sync),
    parts: usize,
    caller: Thread,
}

// SAFETY: `job` is written by the one caller (`Pool::run` takes `&mut`) while the gate is closed and empty, and read by workers only
// between entering and leaving an open gate; entering acquires what opening released. The work behind the pointer is `Sync`.
unsafe impl Sync for PoolState {}
// SAFETY: as above; the pointer in `job` is used only during the call that put it there.
unsafe impl Send for PoolState {}

impl Pool {
    /// Makes a pool of `threads` threads, including the calling thread.
    ///
    /// # Errors
    /// The operating system's error when it refuses more threads.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let shared = Arc::new(PoolState {
            gate: AtomicU64::new(0),
            next: AtomicUsize::new(0),
            job: UnsafeCell::new(None),
            panicked: AtomicBool::new(false),
            ending: AtomicBool::new(false),
        });
        let mut pool = Pool { shared, workers: Vec::new() };
        for index in 1..threads {
            let shared = pool.shared.clone();
            let worker = thread::Builder::new().name(format!("decoder {index}"));
            pool.workers.push(worker.spawn(move || shared.work())?);
        }
        Ok(pool)
    }

    /// The number of threads that compute, including the calling thread.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `work` once for each number below `parts`, on any thread, and returns when all calls have returned.
    ///
    /// # Panics
    /// When one of the calls panics.
    pub fn run(&mut self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
        if parts < 2 || self.workers.is_empty() {
            (0..parts).for_each(work);
            return;
        }
        let shared = &*self.shared;
        // SAFETY: only the lifetime is changed; this function returns (or unwinds) only after the gate is closed and empty, and no
        // worker touches the pointer outside of the gate.
        let work: &'static (dyn Fn(usize) + Sync) = unsafe { std::mem::transmute(work) };
        // SAFETY: the gate is closed and empty (the last call saw to it), so no worker reads `job` now.
        unsafe { *shared.job.get() = Some(PoolJob { work, parts, caller: thread::current() }) };
        shared.next.store(0, Ordering::Relaxed);
        let number = (shared.gate.load(Ordering::Relaxed) >> 32) + 1;
        shared.gate.store((number << 32) | OPEN, Ordering::SeqCst);
        for worker in self.workers.iter().take(parts - 1) {
            worker.thread().unpark();
        }
        let own = panic::catch_unwind(AssertUnwindSafe(|| shared.take_parts(work, parts)));
        shared.close();
        let panicked = shared.panicked.swap(false, Ordering::Relaxed);
        if let Err(panic) = own {
            panic::resume_unwind(panic);
        }
        assert!(!panicked, "a thread of the decoder panicked");
    }

    /// Cuts `out` into pieces of `length` elements (the last may be shorter) and calls `work` with each piece and its number.
    pub fn pieces<T: Send>(&mut self, out: &mut [T], length: usize, work: impl Fn(usize, &mut [T]) + Sync) {
        let parts = out.len().div_ceil(length.max(1));
        let all = SlicePieces::new(out, length);
        // SAFETY: `run` hands out each number once.
        self.run(parts, &|index| work(index, unsafe { all.piece(index) }));
    }

    /// Like [`Pool::pieces`], for two slices that are cut into the same number of pieces.
    pub fn pieces_of_two<T: Send>(
        &mut self,
        (one, one_length): (&mut [T], usize),
        (two, two_length): (&mut [T], usize),
        work: impl Fn(usize, &mut [T], &mut [T]) + Sync,
    ) {
        let parts = one.len().div_ceil(one_length.max(1));
        assert_eq!(parts, two.len().div_ceil(two_length.max(1)), "slices of unequal numbers of pieces");
        let (one, two) = (SlicePieces::new(one, one_length), SlicePieces::new(two, two_length));
        // SAFETY: `run` hands out each number once.
        self.run(parts, &|index| work(index, unsafe { one.piece(index) }, unsafe { two.piece(index) }));
    }
}

/// A slice that several threads write to, each to its own pieces.
struct SlicePieces<T> {
    start: *mut T,
    all: usize,
    length: usize,
}

// SAFETY: pieces do not overlap, and each is given to one thread (the contract of `piece`).
unsafe impl<T: Send> Sync for SlicePieces<T> {}

impl<T> SlicePieces<T> {
    fn new(slice: &mut [T], length: usize) -> Self {
        SlicePieces { start: slice.as_mut_ptr(), all: slice.len(), length }
    }

    /// # Safety
    /// No index may be used twice, and only while the slice is borrowed.
    #[allow(clippy::mut_from_ref, reason = "pieces of different indices do not overlap")]
    unsafe fn piece(&self, index: usize) -> &mut [T] {
        let from = (index * self.length).min(self.all);
        let to = (from + self.length).min(self.all);
        // SAFETY: from <= to <= all, so the piece lies inside the slice.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), to - from) }
    }
}

impl PoolState {
    fn take_parts(&self, work: &(dyn Fn(usize) + Sync), parts: usize) {
        loop {
            let part = self.next.fetch_add(1, Ordering::Relaxed);
            if part >= parts {
                return;
            }
            work(part);
        }
    }

    /// Closes the gate and waits until all workers have left.
    fn close(&self) {
        // Parts that are not taken yet must not be taken any more: after a panic of the caller there may be some.
        self.next.store(usize::MAX / 2, Ordering::Relaxed);
        self.gate.fetch_and(!OPEN, Ordering::SeqCst);
        let mut spins = 0;
        while self.gate.load(Ordering::SeqCst) & INSIDE != 0 {
            wait(&mut spins);
        }
    }

    /// The loop of a worker thread.
    fn work(&self) {
        let (mut seen, mut spins) = (0, 0);
        loop {
            let gate = self.gate.load(Ordering::SeqCst);
            let number = gate >> 32;
            if self.ending.load(Ordering::SeqCst) {
                return;
            }
            if gate & OPEN == 0 || number == seen {
                wait(&mut spins);
                continue;
            }
            // The number in the gate makes this fail for any other job than the one just seen.
            if self.gate.compare_exchange(gate, gate + 1, Ordering::SeqCst, Ordering::SeqCst).is_err() {
                continue;
            }
            (seen, spins) = (number, 0);
            // SAFETY: inside the open gate `job` is not written.
            let Some(job) = (unsafe { (*self.job.get()).clone() }) else { return };
            // SAFETY: the caller keeps the work alive until this worker has left the gate.
            let work = unsafe { &*job.work };
            if panic::catch_unwind(AssertUnwindSafe(|| self.take_parts(work, job.parts))).is_err() {
                self.panicked.store(true, Ordering::Relaxed);
            }
            let before = self.gate.fetch_sub(1, Ordering::SeqCst);
            if before & (OPEN | INSIDE) == 1 {
                job.caller.unpark();
            }
        }
    }
}

/// Waits a little: spins first, then parks the thread until it is woken.
fn wait(spins: &mut u32) {
    if *spins < SPINS {
        *spins += 1;
        hint::spin_loop();
    } else {
        thread::park();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::SeqCst);
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            // A panic of a worker was reported when it happened.
            let _ = worker.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_worked_on_once() {
        let mut pool = Pool::new(4).unwrap();
        for parts in [0usize, 1, 2, 3, 7, 100] {
            for _ in 0..200 {
                let mut out = vec![0u32; parts * 3];
                pool.pieces(&mut out, 3, |index, piece| piece.iter_mut().for_each(|value| *value += index as u32 + 1));
                assert!(out.iter().enumerate().all(|(at, value)| *value == at as u32 / 3 + 1), "{out:?}");
            }
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
        let mut pool = Pool::new(2).unwrap();
        for bad in 0..50 {
            let work = |part: usize| assert!(part != bad, "as asked");
            assert!(panic::catch_unwind(AssertUnwindSafe(|| pool.run(50, &work))).is_err());
        }
        let mut out = [0; 50];
        pool.pieces(&mut out, 1, |_, piece| piece[0] = 1);
        assert_eq!(out, [1; 50]);
    }
}
