//! Scores of single responses, each requested only once: a second caller waits for the request that is on its way.

use std::{
    collections::HashMap,
    future::Future,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

use super::Completion;

/// Number of scores in a generation. Two generations are kept, about 20 MB, which is more than the rows in work have.
const GENERATION: usize = 32_768;

/// The address of a scored completion.
type ScoreKey = [u8; 32];
type Cell = Arc<OnceCell<Completion>>;

/// Cache of the scores of single responses, keyed by the addresses of their completions. It holds the last ones, and all that are on their way.
#[derive(Default)]
pub struct ScoreCache(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    /// Scores used since this generation began.
    young: HashMap<ScoreKey, Cell>,
    /// Scores used in the previous generation, and not since.
    old: HashMap<ScoreKey, Cell>,
    /// Number of scores that were on their way when this generation began, and are kept in addition.
    carried: usize,
}

impl Generations {
    fn cell(&mut self, key: ScoreKey) -> Cell {
        if let Some(cell) = self.young.get(&key) {
            return cell.clone();
        }
        let cell = self.old.remove(&key).unwrap_or_default();
        if self.young.len() >= GENERATION + self.carried {
            let old = mem::replace(&mut self.old, mem::take(&mut self.young));
            // A caller that asks or waits also holds the cell.
            self.young = old.into_iter().filter(|(_, cell)| Arc::strong_count(cell) > 1).collect();
            self.carried = self.young.len();
        }
        self.young.insert(key, cell.clone());
        cell
    }
}

impl ScoreCache {
    /// Returns the completion at this address, and requests it if that was not done yet, or if it is not kept any more. If the request fails or is
    /// cancelled, the next caller requests it again.
    ///
    /// # Errors
    /// The errors of `ask`.
    pub async fn once<E, Fut>(&self, key: ScoreKey, ask: impl FnOnce() -> Fut) -> Result<Completion, E>
    where
        Fut: Future<Output = Result<Completion, E>>,
    {
        let cell = self.0.lock().unwrap_or_else(PoisonError::into_inner).cell(key);
        cell.get_or_try_init(ask).await.cloned()
    }

    /// Returns the number of scores that are kept.
    pub fn kept(&self) -> usize {
        let generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.young.len() + generations.old.len()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
    };

    use futures::FutureExt;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::engine::{Finish, Usage};

    fn key(number: usize) -> ScoreKey {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_le_bytes());
        key
    }

    fn score(number: usize) -> Completion {
        let (usage, finish) = (Usage::default(), Finish::Stop);
        Completion { text: number.to_string(), reasoning: None, finish, elicited: false, usage, label_logprobs: None }
    }

    async fn asked(scores: &ScoreCache, number: usize, calls: &AtomicUsize) -> Completion {
        let ask = || async {
            calls.fetch_add(1, SeqCst);
            Ok::<_, Infallible>(score(number))
        };
        scores.once(key(number), ask).await.unwrap()
    }

    #[tokio::test]
    async fn a_hundred_thousand_scores_are_not_all_kept() {
        let (scores, calls) = (ScoreCache::default(), AtomicUsize::new(0));
        for number in 0..100_000 {
            assert_eq!(asked(&scores, number, &calls).await, score(number));
            // A score that is used again and again is kept.
            assert_eq!(asked(&scores, 7, &calls).await, score(7));
        }
        assert!(scores.kept() <= 2 * GENERATION, "{}", scores.kept());
        assert_eq!(calls.load(SeqCst), 100_000);
        // So are the last ones.
        for number in 90_000..100_000 {
            asked(&scores, number, &calls).await;
        }
        assert_eq!(calls.load(SeqCst), 100_000);
    }

    #[tokio::test]
    async fn a_score_that_is_on_its_way_is_asked_for_once_whatever_comes_between() {
        let (scores, calls, gate) = (ScoreCache::default(), AtomicUsize::new(0), Semaphore::new(0));
        let slow = || async {
            calls.fetch_add(1, SeqCst);
            let _open = gate.acquire().await;
            Ok::<_, Infallible>(score(1))
        };
        let mut first = Box::pin(scores.once(key(1), slow));
        assert!(first.as_mut().now_or_never().is_none());
        for number in 2..4 * GENERATION {
            asked(&scores, number, &AtomicUsize::new(0)).await;
        }
        let mut second = Box::pin(scores.once(key(1), slow));
        assert!(second.as_mut().now_or_never().is_none());
        gate.add_permits(1);
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (score(1), score(1)));
        assert_eq!(calls.load(SeqCst), 1);
    }
}
