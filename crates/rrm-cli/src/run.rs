//! The resources that a command has once, whatever it opens: a ledger, a store, a progress bar, a limit of requests in flight. Judges borrow them,
//! and one account at the end reports what all of it took.

use std::{future::Future, path::Path, process::ExitCode, sync::Arc, time::Instant};

use anyhow::Context;
use rrm::{
    engine::{Engine, replay::Recorder},
    format::Format,
    judge::{Judge, JudgeSettings, Places},
    result::Verdicts,
    spending::{Price, Spending, SpendingTotals},
    store::{OtherFingerprints, Store},
};
use rrm_engines::OpenedEngine;

use crate::{
    batch::Batch,
    engines,
    failure::Failure,
    options::{AskArgs, BatchArgs, JudgeArgs, RunArgs},
    output::{Stats, note},
    stats,
    terminal::{self, Progress},
    totals::{RunTotals, TotalsFile},
    verdicts,
};

/// A command that is running.
pub struct Run {
    /// The ledger of everything that is spent.
    pub spending: Arc<Spending>,
    /// The progress that is shown.
    pub progress: Progress,
    totals: Option<Arc<TotalsFile>>,
    price: Price,
    how: RunArgs,
    places: Arc<Places>,
    store: Option<Store>,
    batch: Option<Batch>,
    engines: Vec<Arc<dyn Engine>>,
    /// Whether the command runs until it is told to stop.
    pub serves: bool,
    started: Instant,
    told: bool,
}

/// An opened judge with its part of the ledger.
pub struct Session {
    /// The judge.
    pub judge: Judge,
    opened: OpenedEngine,
}

impl Run {
    /// Begins to count time and money.
    ///
    /// # Errors
    /// When the account of earlier runs cannot be read.
    pub fn begin(ask: &AskArgs, how: &RunArgs) -> anyhow::Result<Self> {
        let totals = TotalsFile::open(how.output.as_deref())?.map(Arc::new);
        let limits = ask.limits.limits(ask.price);
        let spending = Arc::new(match totals.clone() {
            Some(totals) => Spending::told(limits, Box::new(move |told| totals.write(told))),
            None => Spending::new(limits),
        });
        Ok(Run {
            totals,
            progress: Progress::hidden(spending.clone()),
            price: ask.price.price(),
            how: how.clone(),
            places: Arc::new(Places::new(ask.limits.concurrency(how))),
            store: None,
            batch: None,
            engines: Vec::new(),
            serves: false,
            started: Instant::now(),
            told: false,
            spending,
        })
    }

    /// Opens the engine for judging rows, with the format from [`engines::format_for`]. The store and the recording are opened before the first
    /// request.
    pub async fn open_for(
        &mut self,
        judge: &JudgeArgs,
        batch: &BatchArgs,
        format: Option<Format>,
    ) -> Result<(OpenedEngine, Format), Failure> {
        self.keep(&judge.ask)?;
        engines::open_for(judge, (batch, &self.how, &self.spending), format).await
    }

    /// Opens the engine of one of several judges, which has its own account; `thinks` says whether thinking may be cut at a budget.
    pub async fn open(&mut self, ask: &AskArgs, spending: &Arc<Spending>, thinks: bool) -> Result<OpenedEngine, Failure> {
        self.keep(ask)?;
        engines::open(ask, &self.how, spending, thinks).await
    }

    /// Opens the store for a server's answers and checks that a recording can be written, because identifying a server takes requests.
    pub fn keep(&mut self, ask: &AskArgs) -> anyhow::Result<()> {
        if let Some(file) = &self.how.record {
            Recorder::try_out(file)?;
        }
        let keeps = engines::is_server(&ask.engine.engine) && ask.store.keeps(true);
        if keeps { self.store_of(ask).map(drop) } else { Ok(()) }
    }

    /// Returns the store, which a command opens once.
    fn store_of(&mut self, ask: &AskArgs) -> anyhow::Result<Store> {
        if let Some(store) = &self.store {
            return Ok(store.clone());
        }
        let store = engines::store(&ask.store)?;
        if let Some(why) = store.read_only() {
            note(&format!("{why}; what it holds is used"));
        }
        self.store = Some(store.clone());
        Ok(store)
    }

    /// Has requests written to a batch, if one is named.
    pub fn write_batch(&mut self, batch: &BatchArgs, ask: &AskArgs) -> anyhow::Result<()> {
        self.batch = Batch::open(batch, ask)?;
        Ok(())
    }

    /// Shows the progress over `rows` from now on.
    pub fn expect(&mut self, rows: u64) {
        self.progress = Progress::new(rows, self.spending.clone(), self.how.stream);
    }

    /// Makes a judge of an engine. Its requests count for the whole command.
    pub fn session(
        &mut self,
        ask: &AskArgs,
        opened: OpenedEngine,
        format: Format,
        settings: JudgeSettings,
    ) -> anyhow::Result<Session> {
        self.session_by(self.spending.clone(), ask, (opened, format), settings)
    }

    /// Makes an account for one of several judges, under the limits of the whole command.
    pub fn part(&self) -> Arc<Spending> {
        Arc::new(Spending::part(self.spending.clone()))
    }

    /// Makes a judge whose requests count in this account.
    pub fn session_by(
        &mut self,
        spending: Arc<Spending>,
        ask: &AskArgs,
        (opened, format): (OpenedEngine, Format),
        settings: JudgeSettings,
    ) -> anyhow::Result<Session> {
        opened.notes.iter().for_each(|text| note(text));
        if settings.sampling.top_k.is_none() || settings.sampling.min_p.is_none() {
            opened.defaults.into_iter().for_each(note);
        }
        let info = opened.engine.info();
        let store = if ask.store.keeps(info.paid) { Some(self.store_of(ask)?) } else { None };
        if let Some(store) = store.as_ref().filter(|_| engines::is_guessed(ask)) {
            self.guard(store, store.elsewhere(info, opened.engine.also(), opened.engine.changes())?);
        }
        let record = |file: &Path| Recorder::create_for(info, opened.engine.opening(), file).map(Arc::new);
        let recorder = self.how.record.as_deref().map(record).transpose()?;
        self.engines.push(opened.engine.clone());
        let mut judge = Judge::new(opened.engine.clone(), format);
        judge.settings = settings;
        judge.store = store;
        judge.places = self.places.clone();
        judge.spending = spending;
        judge.recorder = recorder;
        judge.batch = self.batch.as_ref().map(Batch::writer);
        judge.sink = self.how.stream.then(terminal::sink);
        Ok(Session { judge, opened })
    }

    /// Prevents silent repeated payment for completions that the store has under another fingerprint: the first such row ends the run, unless the
    /// user allowed it.
    fn guard(&self, store: &Store, elsewhere: OtherFingerprints) {
        if elsewhere.completions == 0 {
            return;
        }
        if self.how.pay_again {
            let found = &elsewhere.completions;
            let why = if self.serves { "a server goes on" } else { "--pay-again" };
            note(&format!("{found} completions of this model are stored under another fingerprint and are not used ({why})"));
        } else {
            store.guard(elsewhere);
        }
    }

    /// Whether completions are kept.
    pub fn stored(&self) -> bool {
        self.store.is_some()
    }

    /// Returns advice for rows without a result.
    pub fn again(&self) -> &'static str {
        if self.stored() {
            "run the same command again: what was answered is in the store and is not asked for twice"
        } else {
            "there was no store: rows that were written stay, and what was answered for others is lost; a run with a store goes on where it ended"
        }
    }

    /// Ends a run over rows and reports its votes. If requests were written to a batch, its file appears, and there are no results: `None`.
    pub async fn end(&mut self, session: Session, (rows, failed): (u64, u64), votes: &Verdicts) -> anyhow::Result<Option<Stats>> {
        let waits = self.batch.as_ref().map(|batch| batch.finish(rows, failed)).transpose()?;
        self.close().await?;
        if waits == Some(true) {
            self.told = true;
            return Ok(None);
        }
        verdicts::tell(votes, failed);
        Ok(Some(Stats { verdicts: Some(votes.clone()), ..self.account(session, rows, failed) }))
    }

    /// Returns the account of a judge, which the caller reports.
    pub fn account(&mut self, session: Session, rows: u64, failed: u64) -> Stats {
        self.told = true;
        let Session { judge, opened } = session;
        if let Some(since) = judge.engine.unasked().filter(|_| judge.spending.spent().reused > 0) {
            note(&format!("{}: no request was sent; the server was last identified on {since}", judge.engine.info().name));
        }
        Stats {
            engine: judge.engine.info().clone(),
            rows,
            failed,
            spent: judge.spending.spent(),
            seconds: self.started.elapsed().as_secs_f64(),
            http: judge.engine.stats(),
            total: self.total(),
            verdicts: None,
            notes: opened.notes,
        }
    }

    /// Returns what all runs over the same output have spent, if there was an earlier one.
    fn total(&self) -> Option<RunTotals> {
        let totals = self.totals.as_ref().filter(|totals| totals.is_later())?;
        Some(totals.with(self.spending.spent()))
    }

    /// Records that the account was reported elsewhere.
    pub fn told(&mut self) {
        self.told = true;
    }

    /// Closes engines and store, so that all answers are safe. Nothing may be asked afterwards.
    pub async fn close(&mut self) -> anyhow::Result<()> {
        self.progress.done();
        let mut closed = Ok(());
        for engine in &self.engines {
            closed = closed.and(engine.close().await);
        }
        if let Some(store) = &self.store {
            store.close().await.context("closing the store")?;
        }
        Ok(closed?)
    }
}

impl Drop for Run {
    /// Reports what was spent, however the command ends.
    fn drop(&mut self) {
        self.progress.done();
        self.spending.end();
        let spent = self.spending.spent();
        if !self.told && spent != SpendingTotals::default() {
            note(&format!("before it ended: {}", stats::spent(&spent, self.price)));
            self.total().iter().for_each(|total| note(&stats::total(total, self.price)));
        }
    }
}

/// Does the work unless it is interrupted. Then nothing is written, and completions stay in the store.
pub async fn unless_stopped(work: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    tokio::select! {
        done = work => done,
        () = stopped() => Err(Failure::interrupted()),
    }
}

/// Completes when the user or the system tells the program to stop.
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
