//! An error that every further comparison would meet -> no more requests, and some time for those in flight to end.

use std::{
    pin::pin,
    sync::{Arc, OnceLock, mpsc},
    thread,
    time::Duration,
};

use futures::{Stream, StreamExt, future::select};
use tokio::sync::{Notify, oneshot};

use super::{Judge, JudgeError};

/// The end of a run, which any of its rows may cause.
#[derive(Default)]
pub(crate) struct RunEnd {
    /// The first row with an error that all others would meet, and the error; `None` where the run ends for another reason.
    reason: OnceLock<Option<(String, JudgeError)>>,
    told: Notify,
}

impl RunEnd {
    fn end(&self, reason: Option<(String, JudgeError)>) {
        if self.reason.set(reason).is_ok() {
            self.told.notify_waiters();
        }
    }

    /// Returns whether the run has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.reason.get().is_some()
    }

    /// Returns the row and the error that ended the run, if a row did.
    pub(crate) fn error(&self) -> Option<(String, JudgeError)> {
        self.reason.get()?.clone()
    }

    /// Waits for the end.
    async fn ended(&self) {
        let mut told = pin!(self.told.notified());
        // From here on no notification is missed.
        told.as_mut().enable();
        if !self.has_ended() {
            told.await;
        }
    }

    /// Completes when the run has ended and the requests in flight have had this time to end.
    async fn runs_out(&self, patience: Duration) {
        self.ended().await;
        after(patience).await;
    }

    /// Checks the results of all rows and hands on those before the first error. After that no further row is handed on, and requests in flight
    /// get this time to end.
    ///
    /// # Errors
    /// The first error, apart from those of rows that were not asked about because the run had ended; `None` if time ran out before there was any.
    pub(crate) async fn through<T, U, E>(
        &self,
        patience: Duration,
        rows: impl Stream<Item = T>,
        check: impl Fn(T) -> Result<U, E>,
        mut hand_on: impl FnMut(U) -> Result<(), E>,
        is_of_ended: impl Fn(&E) -> bool,
    ) -> Result<(), Option<E>> {
        let mut failed: Option<E> = None;
        let went = async {
            let mut rows = pin!(rows);
            while let Some(row) = rows.next().await {
                let done = match (check(row), &failed) {
                    (Ok(row), None) => hand_on(row),
                    (Ok(_), Some(_)) => continue,
                    (Err(error), _) => Err(error),
                };
                if let Err(error) = done {
                    self.end(None);
                    if failed.as_ref().is_none_or(|before| is_of_ended(before) && !is_of_ended(&error)) {
                        failed = Some(error);
                    }
                }
            }
        };
        select(pin!(went), pin!(self.runs_out(patience))).await;
        match failed {
            Some(error) => Err(Some(error)),
            None if self.has_ended() => Err(None),
            None => Ok(()),
        }
    }
}

impl Judge {
    /// Returns the same judge for one run: it sends no more requests after an error that every further comparison would meet.
    pub(crate) fn for_run(&self) -> Self {
        self.for_run_of(Arc::default())
    }

    /// Returns the same judge for a run that other judges take part in.
    pub(crate) fn for_run_of(&self, run: Arc<RunEnd>) -> Self {
        Judge {
            engine: self.engine.clone(),
            format: self.format.clone(),
            settings: self.settings.clone(),
            store: self.store.clone(),
            places: self.places.clone(),
            spending: self.spending.clone(),
            addresses: self.addresses,
            recorder: self.recorder.clone(),
            batch: self.batch.clone(),
            sink: self.sink.clone(),
            patience: self.patience,
            run: Some(run),
        }
    }

    /// Returns whether this is already the judge of a run.
    pub(crate) fn is_for_run(&self) -> bool {
        self.run.is_some()
    }

    /// Ends the run if every further comparison would meet `error`.
    pub(super) fn met(&self, item: &str, error: &JudgeError) {
        if let Some(run) = self.run.as_ref().filter(|_| error.is_fatal() && !error.is_of_ended()) {
            run.end(Some((item.to_owned(), error.clone())));
        }
    }

    /// Returns an error after the end of the run.
    pub(super) fn goes_on(&self) -> Result<(), JudgeError> {
        if self.has_ended() { Err(JudgeError::Ended) } else { Ok(()) }
    }

    /// Returns whether the run has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.has_ended())
    }

    /// Returns the row and the error that ended the run, if a row did.
    pub(crate) fn end(&self) -> Option<(String, JudgeError)> {
        self.run.as_ref()?.error()
    }

    /// Completes when the run has ended and the requests in flight have had [`Judge::patience`] to end.
    pub(crate) async fn runs_out(&self) {
        match &self.run {
            Some(run) => run.runs_out(self.patience).await,
            None => std::future::pending().await,
        }
    }

    /// Goes through the rows of a run, see [`RunEnd::through`].
    pub(crate) async fn through<T, U, E>(
        &self,
        rows: impl Stream<Item = T>,
        check: impl Fn(T) -> Result<U, E>,
        hand_on: impl FnMut(U) -> Result<(), E>,
        is_of_ended: impl Fn(&E) -> bool,
    ) -> Result<(), Option<E>> {
        let run = self.run.clone().unwrap_or_default();
        run.through(self.patience, rows, check, hand_on, is_of_ended).await
    }
}

/// Completes after this time, on any runtime. The thread that waits ends with this future.
async fn after(time: Duration) {
    let (tell, told) = oneshot::channel::<()>();
    let (_kept, dropped) = mpsc::channel::<()>();
    if !time.is_zero() {
        let waits = thread::Builder::new().spawn(move || {
            dropped.recv_timeout(time).ok();
            drop(tell);
        });
        // If no thread can be started, there is no wait.
        if waits.is_ok() {
            told.await.ok();
        }
    }
}
