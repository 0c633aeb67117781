//! Bounds on the work of a run at one time. Work in waiting is small: a match is two indices, a vote is its number.

use tokio::sync::{Semaphore, SemaphorePermit};

/// Factor of the requests that are prepared over those in flight, so that an engine never waits for the next one.
const AHEAD: usize = 4;

/// Bounds of a run, shared by all of its rows: requests in flight, and four times as many that are prepared (rendered, hashed, looked up in the
/// store). The bound on prepared requests also holds for matches that are begun. So memory depends on the concurrency and on the length of prompts,
/// and not on the number of rows, responses and votes.
pub struct Places {
    begun: Semaphore,
    ready: Semaphore,
    in_flight: Semaphore,
    ahead: usize,
    concurrency: usize,
}

/// The permit of a match, held until its votes are counted.
pub(crate) struct MatchPermit<'a>(#[expect(dead_code, reason = "gives its place back when it is dropped")] SemaphorePermit<'a>);

/// The permit of a request, held from before it is rendered until its completion is stored.
pub(crate) struct RequestPermit<'a>(#[expect(dead_code, reason = "gives its place back when it is dropped")] SemaphorePermit<'a>);

/// The permit to send a request.
pub(crate) struct SendPermit<'a>(#[expect(dead_code, reason = "gives its place back when it is dropped")] SemaphorePermit<'a>);

impl Places {
    /// Places for `concurrency` requests in flight; at least one.
    pub fn new(concurrency: usize) -> Self {
        let concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS / AHEAD);
        let ahead = concurrency * AHEAD;
        let [begun, ready] = [ahead, ahead].map(Semaphore::new);
        Places { begun, ready, in_flight: Semaphore::new(concurrency), ahead, concurrency }
    }

    /// Returns the bound on prepared requests, which is also the bound on matches that are begun.
    pub fn ahead(&self) -> usize {
        self.ahead
    }

    /// Returns the number of requests in flight.
    pub fn busy(&self) -> usize {
        self.concurrency - self.in_flight.available_permits()
    }

    pub(crate) async fn begin(&self) -> MatchPermit<'_> {
        MatchPermit(taken(&self.begun).await)
    }

    pub(crate) async fn prepare(&self) -> RequestPermit<'_> {
        RequestPermit(taken(&self.ready).await)
    }

    pub(crate) async fn send(&self) -> SendPermit<'_> {
        SendPermit(taken(&self.in_flight).await)
    }
}

async fn taken(places: &Semaphore) -> SemaphorePermit<'_> {
    places.acquire().await.expect("nobody closes these semaphores")
}
