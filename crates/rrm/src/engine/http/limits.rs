//! Limits of requests and tokens in a minute -> the requests that may start now, and the wait of the others.

use std::time::Duration;

use tokio::{
    sync::{Mutex, Notify},
    time::{Instant, sleep},
};

/// Longest single wait; a caller that must wait longer waits again.
const LONGEST: Duration = Duration::from_secs(1_000_000);

/// Token bucket: a steady stream of `per_minute`, evenly paced, with a burst of at most a second's worth (or one). So a minute exceeds the limit by
/// at most a sixtieth, and only after a pause.
pub(crate) struct Bucket {
    per_second: f64,
    burst: f64,
    /// Lock of the first waiter, so that requests start in the order in which they came.
    queue: Mutex<()>,
    level: std::sync::Mutex<BucketLevel>,
    refunded: Notify,
}

/// The level of a token bucket at some instant.
struct BucketLevel {
    /// Amount that may be taken; below zero after more than the burst was taken.
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// Returns a full bucket for `per_minute`, which must not be 0.
    pub fn new(per_minute: u32) -> Self {
        let per_second = f64::from(per_minute) / 60.0;
        let burst = per_second.max(1.0);
        Bucket {
            per_second,
            burst,
            queue: Mutex::new(()),
            level: std::sync::Mutex::new(BucketLevel { tokens: burst, at: Instant::now() }),
            refunded: Notify::new(),
        }
    }

    /// Waits until `amount` may be taken, and takes it. A caller that stops waiting has taken nothing.
    pub async fn take(&self, amount: f64) {
        let _turn = self.queue.lock().await;
        while let Err(wait) = self.try_take(amount) {
            tokio::select! {
                () = sleep(wait) => {}
                () = self.refunded.notified() => {}
            }
        }
    }

    /// Gives back an amount that was not used. A negative amount takes more, without waiting.
    pub fn give_back(&self, amount: f64) {
        let mut level = self.level();
        level.tokens = (level.tokens + amount).min(self.burst);
        drop(level);
        if amount > 0.0 {
            self.refunded.notify_one();
        }
    }

    fn try_take(&self, amount: f64) -> Result<(), Duration> {
        let now = Instant::now();
        let mut level = self.level();
        let gained = (now - level.at).as_secs_f64() * self.per_second;
        level.tokens = (level.tokens + gained).min(self.burst);
        level.at = now;
        // An amount larger than the bucket may pass when the bucket is full, and is paid off afterwards.
        let needed = amount.min(self.burst);
        // A tolerance of a millionth covers rounding errors of a wait.
        if level.tokens + 1e-6 >= needed {
            level.tokens -= amount;
            return Ok(());
        }
        // The count of a server may be any number.
        let seconds = ((needed - level.tokens) / self.per_second).max(0.001);
        Err(Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).min(LONGEST))
    }

    fn level(&self) -> std::sync::MutexGuard<'_, BucketLevel> {
        self.level.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    async fn time_for(bucket: &Bucket, amounts: &[f64]) -> f64 {
        let start = Instant::now();
        for amount in amounts {
            bucket.take(*amount).await;
        }
        start.elapsed().as_secs_f64()
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_paced() {
        let seconds = time_for(&Bucket::new(60), &[1.0; 61]).await;
        assert!((60.0..60.5).contains(&seconds), "{seconds}");
        let slow = time_for(&Bucket::new(6), &[1.0; 3]).await;
        assert!((20.0..20.5).contains(&slow), "{slow}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_amount_is_paid_off_afterwards() {
        let bucket = Bucket::new(600);
        assert!(time_for(&bucket, &[100.0]).await < 0.01);
        let seconds = time_for(&bucket, &[1.0]).await;
        assert!((9.0..9.5).contains(&seconds), "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_given_back_wakes_who_waits() {
        let bucket = Bucket::new(600);
        bucket.take(1000.0).await;
        let start = Instant::now();
        let give = async {
            sleep(Duration::from_secs(1)).await;
            bucket.give_back(995.0);
        };
        tokio::join!(bucket.take(5.0), give);
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }

    proptest! {
        #[test]
        fn no_count_of_a_server_is_too_large_to_wait_for(
            per_minute in 1_u32.., counts in prop::collection::vec(prop_oneof![any::<f64>(), Just(1.8e16)], 1..40),
        ) {
            let bucket = Bucket::new(per_minute);
            for count in counts.into_iter().filter(|count| !count.is_nan()) {
                bucket.give_back(-count);
                if let Err(wait) = bucket.try_take(1.0) {
                    prop_assert!(wait <= LONGEST);
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_takes_nothing() {
        let bucket = Bucket::new(60);
        bucket.take(10.0).await;
        let gave_up = tokio::time::timeout(Duration::from_secs(1), bucket.take(1.0)).await;
        assert!(gave_up.is_err());
        let seconds = time_for(&bucket, &[1.0]).await;
        assert!((8.5..9.5).contains(&seconds), "{seconds}");
    }
}
