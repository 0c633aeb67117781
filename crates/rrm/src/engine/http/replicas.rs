//! Several addresses of one model: each request goes to the healthy one with the least load.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::base::BaseUrl;

/// One address with its load and health.
pub(crate) struct Replica {
    /// Base address of its routes.
    pub base: BaseUrl,
    in_flight: AtomicUsize,
    health: Mutex<Health>,
}

/// A benched replica gets no request before `until`, except for one trial if no better replica is left.
#[derive(Default)]
struct Health {
    /// Number of failures in a row that benched it.
    failures: u32,
    until: Option<Instant>,
    /// Whether the server itself asked for the time. Then not even a trial is sent before it is over.
    asked: bool,
}

/// All replicas of one engine.
pub(crate) struct Replicas {
    list: Vec<Replica>,
    /// Increased with every request, so that equally loaded replicas take turns.
    turn: AtomicUsize,
    /// Time of the first bench.
    bench: Duration,
}

/// The place of a request at a replica. Dropping it gives the place back.
pub(crate) struct Lease<'a> {
    pub replica: &'a Replica,
    /// Index of the replica.
    pub index: usize,
    bench: Duration,
    trial: bool,
}

impl Replicas {
    /// Returns replicas at `bases`, of which there must be at least one. A replica that fails is first benched for twice `first_wait`.
    pub fn new(bases: Vec<BaseUrl>, first_wait: Duration) -> Self {
        let list = bases.into_iter().map(|base| Replica { base, in_flight: AtomicUsize::new(0), health: Mutex::default() });
        Replicas { list: list.collect(), turn: AtomicUsize::new(0), bench: first_wait.saturating_mul(2) }
    }

    /// Returns every replica, in the order of the configuration.
    pub fn list(&self) -> &[Replica] {
        &self.list
    }

    /// Returns the replica for the next try: healthy before benched, not yet `failed` in this request before failed, then the least loaded. If all of
    /// them asked for time, returns the moment at which the first of them may be asked again.
    pub fn pick(&self, failed: impl Fn(usize) -> bool) -> Result<Lease<'_>, Instant> {
        let now = Instant::now();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.list.len();
        let rank = |index: usize| {
            let replica = &self.list[index];
            let (benched, until) = replica.standing(now);
            // `until` matters only among benched replicas: the one that is due first is tried first.
            (benched, failed(index), until, replica.in_flight.load(Ordering::Relaxed), (index + turn) % count)
        };
        let index = (0..count).min_by_key(|index| rank(*index)).unwrap_or_default();
        let replica = &self.list[index];
        let trial = replica.enter(now, self.bench)?;
        replica.in_flight.fetch_add(1, Ordering::Relaxed);
        Ok(Lease { replica, index, bench: self.bench, trial })
    }
}

/// The rank of a replica: healthy, benched for failures, or benched because the server asked for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ReplicaRank {
    Well,
    Benched,
    Asked,
}

impl Replica {
    /// Returns whether the replica is benched after failures.
    pub fn is_benched(&self) -> bool {
        self.standing(Instant::now()).0 == ReplicaRank::Benched
    }

    fn standing(&self, now: Instant) -> (ReplicaRank, Option<Instant>) {
        let health = self.health();
        match health.until {
            Some(until) if until > now => (if health.asked { ReplicaRank::Asked } else { ReplicaRank::Benched }, Some(until)),
            _ => (ReplicaRank::Well, None),
        }
    }

    /// Lets a request in. Returns whether it is a trial after failures. A trial benches the replica again at once, so that only one request tests
    /// whether it is back.
    fn enter(&self, now: Instant, bench: Duration) -> Result<bool, Instant> {
        let mut health = self.health();
        match health.until {
            Some(until) if until > now && health.asked => return Err(until),
            Some(until) if until > now => return Ok(false),
            _ => {}
        }
        health.asked = false;
        if health.failures == 0 {
            return Ok(false);
        }
        health.until = Some(after(now, doubled(bench, health.failures)));
        Ok(true)
    }

    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        // No code panics while it holds the lock, and the numbers would be valid even then.
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease<'_> {
    /// Notes an answer: the replica is healthy. A wait that it asked for stays, because this answer may have been sent before.
    pub fn answered(&self) {
        let mut health = self.replica.health();
        if health.asked && health.until.is_some_and(|until| until > Instant::now()) {
            health.failures = 0;
            return;
        }
        *health = Health::default();
    }

    /// Notes a failure: the replica is benched for a time that doubles with every failure in a row.
    pub fn failed(&self) {
        let now = Instant::now();
        let mut health = self.replica.health();
        // Requests in flight at the same time fail together; that counts as one failure.
        let benched = health.until.is_some_and(|until| until > now);
        if benched && !self.trial {
            return;
        }
        health.failures = health.failures.saturating_add(1);
        health.until = Some(after(now, doubled(self.bench, health.failures - 1)));
        health.asked = false;
    }

    /// Notes that the replica asked for no request within `wait`.
    pub fn asked_to_wait(&self, wait: Duration) {
        let until = after(Instant::now(), wait);
        let mut health = self.replica.health();
        if health.until.is_none_or(|other| other < until) {
            health.until = Some(until);
            health.asked = true;
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.replica.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns `first` doubled `times` times, at most 64-fold.
pub(crate) fn doubled(first: Duration, times: u32) -> Duration {
    first.saturating_mul(1 << times.min(6))
}

/// Longest wait that a clock can add.
const LONGEST: Duration = Duration::from_secs(1_000_000_000);

/// Returns the moment after `wait`, for any wait.
fn after(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait).unwrap_or_else(|| now + LONGEST)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn two() -> Replicas {
        let bases = ["http://a/", "http://b/"].map(|base| BaseUrl::parse(base).unwrap());
        Replicas::new(bases.into(), Duration::from_secs(1))
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_least_loaded_is_next() {
        let replicas = two();
        let first = replicas.pick(|_| false).unwrap();
        let second = replicas.pick(|_| false).unwrap();
        assert_ne!(first.index, second.index);
        let freed = second.index;
        drop(second);
        assert_eq!(replicas.pick(|_| false).unwrap().index, freed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_replica_is_benched_longer_and_longer_and_tried_by_one() {
        let replicas = two();
        let lease = replicas.pick(|index| index == 1).unwrap();
        assert_eq!(lease.index, 0, "one that failed this request is the last choice");
        lease.failed();
        lease.failed();
        drop(lease);
        let others: Vec<_> = (0..3).map(|_| replicas.pick(|_| false).unwrap()).collect();
        assert!(others.iter().all(|lease| lease.index == 1));
        pass(3).await;
        let trial = replicas.pick(|_| false).unwrap();
        assert_eq!(trial.index, 0);
        assert_eq!(replicas.pick(|_| false).unwrap().index, 1, "one trial at a time");
        trial.failed();
        pass(3).await;
        assert_eq!(replicas.pick(|_| false).unwrap().index, 1, "the second time on the bench is longer");
        pass(2).await;
        let trial = replicas.pick(|_| false).unwrap();
        trial.answered();
        let next = replicas.pick(|_| false).unwrap();
        assert_eq!((trial.index, next.index), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_was_asked_for_is_kept() {
        let replicas = two();
        let late = replicas.pick(|index| index == 1).unwrap();
        for _ in 0..2 {
            let lease = replicas.pick(|_| false).unwrap();
            lease.asked_to_wait(Duration::from_secs(5 + 5 * lease.index as u64));
        }
        let until = replicas.pick(|_| false).map(|lease| lease.index).unwrap_err();
        assert_eq!(until - Instant::now(), Duration::from_secs(5));
        late.answered();
        assert!(replicas.pick(|_| false).is_err(), "an answer that was on its way changes nothing");
        pass(6).await;
        assert_eq!(replicas.pick(|_| false).unwrap().index, 0);
    }

    proptest! {
        #[test]
        fn no_wait_is_too_long_to_be_kept(seconds: u64, nanos in 0_u32..1_000_000_000, bench: u64, failures in 0_usize..80) {
            let bases = vec![BaseUrl::parse("http://a/").unwrap()];
            let replicas = Replicas::new(bases, Duration::from_secs(bench));
            let asked = Duration::new(seconds, nanos);
            let lease = replicas.pick(|_| false).unwrap();
            (0..failures).for_each(|_| lease.failed());
            lease.asked_to_wait(asked);
            drop(lease);
            let until = replicas.pick(|_| false).map(|lease| lease.index);
            if asked > Duration::from_secs(60) && failures == 0 {
                prop_assert!(until.is_err_and(|until| until - Instant::now() > Duration::from_secs(30)));
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_are_benched_one_is_still_tried() {
        let replicas = two();
        for _ in 0..2 {
            replicas.pick(|_| false).unwrap().failed();
        }
        assert!(replicas.pick(|_| false).is_ok());
    }
}
