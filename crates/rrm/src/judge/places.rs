//! How much of a run is worked on at once. What waits is small: a match in waiting is two indices, a vote in waiting is its number.

use tokio::sync::{Semaphore, SemaphorePermit};

/// Requests are prepared ahead of those in flight by this factor, so that an engine never waits for the next one.
const AHEAD: usize = 4;

/// The bounds of a run, shared by all of its rows: requests in flight, and four times as many that are prepared (rendered, hashed, looked up
/// in the store). Matches are begun within the same bound as requests are prepared. So memory depends on the concurrency and the length of
/// prompts, and not on how many rows, responses and votes there are.
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

    /// How many requests may be prepared, and matches begun, at once.
    pub fn ahead(&self) -> usize {
        self.ahead
    }

    /// Requests that are in flight now.
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
