//! Options and an engine -> a judge with its store, its progress bar and its counters; at the end, what it all took.

use std::{future::Future, process::ExitCode, sync::Arc, time::Instant};

use anyhow::Context;
use rrm::{
    format::Format,
    judge::Judge,
    spending::Spending,
    store::{Elsewhere, Store},
};
use rrm_engines::Opened;
use tokio::sync::Semaphore;

use crate::{
    batch::Batch,
    engines,
    failure::Failure,
    options::Options,
    output::{Stats, note},
    terminal::{self, Progress},
};

/// A judge at work.
pub struct Session {
    /// Who judges.
    pub judge: Judge,
    /// What a person sees of it.
    pub progress: Progress,
    opened: Opened,
    started: Instant,
    batch: Option<Batch>,
}

impl Session {
    /// Makes everything ready for `rows` rows, in a run that began at `started`.
    pub fn open(options: &Options, opened: Opened, format: Format, rows: u64, started: Instant) -> anyhow::Result<Self> {
        opened.notes.iter().for_each(|text| note(text));
        if options.top_k.is_none() || options.min_p.is_none() {
            opened.http.iter().filter_map(|engine| engine.sampling_defaults()).for_each(note);
        }
        let info = opened.engine.info();
        let batch = Batch::open(options)?;
        let store = engines::store(options, info.paid)?;
        if let Some(store) = store.as_ref().filter(|_| engines::is_guessed(options)) {
            guard(options, store, store.elsewhere(info, opened.engine.also())?);
        }
        let judge = Judge {
            engine: opened.engine.clone(),
            format: Arc::new(format),
            settings: options.judge(),
            store,
            slots: Arc::new(Semaphore::new(options.concurrency())),
            spending: Arc::new(Spending::new(options.limits())),
            addresses: true,
            recorder: engines::recorder(options, &*opened.engine)?,
            batch: batch.as_ref().map(Batch::writer),
            sink: options.stream.then(terminal::sink),
        };
        let progress = Progress::new(rows, judge.spending.clone(), options.stream);
        Ok(Session { judge, progress, opened, started, batch })
    }

    /// Ends a run over rows. Where it wrote requests to a batch instead of asking, their file appears, and there are no results: `None`.
    pub async fn end(self, rows: u64, failed: u64) -> anyhow::Result<Option<(Stats, bool)>> {
        let waits = self.batch.as_ref().map(|batch| batch.finish(rows, failed)).transpose()?;
        let closed = self.close(rows, failed).await?;
        Ok((waits != Some(true)).then_some(closed))
    }

    /// Ends it; gives what was spent, and whether completions were kept.
    pub async fn close(self, rows: u64, failed: u64) -> anyhow::Result<(Stats, bool)> {
        self.progress.done();
        let spent = self.judge.spending.spent();
        let http = self.opened.http.as_ref().map(|engine| engine.stats());
        if let Some(since) = self.opened.http.as_ref().filter(|_| spent.reused > 0).and_then(|engine| engine.unasked()) {
            note(&format!(
                "the store answered everything; the server was not asked who it is, and was last seen to be the same on {since}"
            ));
        }
        let store = self.judge.store.clone();
        drop(self.judge);
        let stored = store.is_some();
        if let Some(store) = store {
            store.close().await.context("closing the store")?;
        }
        let seconds = self.started.elapsed().as_secs_f64();
        let (engine, notes) = (self.opened.engine.info().clone(), self.opened.notes);
        Ok((Stats { engine, rows, failed, spent, seconds, http, verdicts: None, notes }, stored))
    }
}

/// Sees to it that nobody pays again in silence for what the store holds under another fingerprint: the first such row ends the run, unless the
/// user knows.
fn guard(options: &Options, store: &Store, elsewhere: Elsewhere) {
    if elsewhere.completions == 0 {
        return;
    }
    if options.pay_again {
        let found = &elsewhere.completions;
        note(&format!("{found} completions of this model are stored under another fingerprint and are not used (--pay-again)"));
    } else {
        store.guard(elsewhere);
    }
}

/// What to do about rows without a result.
pub fn again(stored: bool) -> &'static str {
    if stored {
        "run the same command again: what was answered is in the store and is not asked for twice"
    } else {
        "there was no store, so nothing is kept; a run with a store goes on where it ended"
    }
}

/// Does the work unless it is interrupted: then nothing is written, and what was answered stays in the store.
pub async fn unless_stopped(work: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    tokio::select! {
        done = work => done,
        () = stopped() => Err(Failure::user(anyhow::anyhow!("interrupted; nothing was written"))
            .with_hint("what was answered is in the store, if there was one: the same command goes on from there")),
    }
}

/// Ends when the user or the system asks the program to end.
pub async fn stopped() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    tokio::signal::ctrl_c().await.ok();
}
