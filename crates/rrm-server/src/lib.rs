//! A judge and settings -> an axum `Router`: responses of one prompt meet, are ranked, and every waiter gets its reward.
//!
//! Trainers ask about one response at a time; a judge that compares needs the group. [`rendezvous`] brings groups together, [`reward`] ranks
//! them, [`routes`] speaks the trainers' languages, [`door`] and [`connections`] keep limits. What each waiter is told when something fails stands in
//! docs/http.md; it is never a neutral reward.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

mod app;
pub mod calls;
pub mod connections;
pub mod door;
pub mod error;
mod judging;
pub mod metrics;
pub mod openapi;
mod refusal;
pub mod rendezvous;
pub mod rerank;
pub mod reward;
mod roundtrip;
pub mod routes;
pub mod settings;
pub mod shapes;
pub mod text;

use std::sync::Arc;

use rrm::{dataset::Item, judge::Judge, plan, run::Task};

use tokio::runtime::Handle;

use crate::error::ApiError;

pub use app::app;

/// A check of whether the judge accepts a row; if not, why.
pub type RowCheck = Box<dyn Fn(&Item) -> Result<(), String> + Send + Sync>;

/// The state that all routes share.
pub struct AppState {
    /// Who judges; its store keeps what was paid for.
    pub judge: Judge,
    /// How groups are gathered and rewarded.
    pub settings: settings::ServerSettings,
    /// Refuses what the judge knows nothing about.
    pub admits: RowCheck,
    /// Groups that gather, are judged, or answer again.
    pub groups: rendezvous::Groups,
    /// What happened.
    pub metrics: metrics::ServerMetrics,
    /// How the judge's last calls went.
    pub calls: Arc<calls::CallHistory>,
    door: door::Door,
    /// Where rankings are computed.
    judging: Handle,
}

impl AppState {
    /// A server without groups. Rankings are computed by the runtime in which this is called; connections may be served by another.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn new(mut judge: Judge, settings: settings::ServerSettings, admits: RowCheck) -> Arc<Self> {
        let door = door::Door::new(&settings);
        let calls = Arc::<calls::CallHistory>::default();
        judge.engine = Arc::new(calls::WatchedEngine { engine: judge.engine, calls: calls.clone() });
        Arc::new(AppState {
            judge,
            settings,
            admits,
            groups: rendezvous::Groups::default(),
            metrics: metrics::ServerMetrics::default(),
            calls,
            door,
            judging: Handle::current(),
        })
    }

    /// Refuses to rank so many different responses where that would take too many votes.
    pub(crate) fn check_size(&self, responses: usize) -> Result<(), ApiError> {
        let (settings, votes) = (&self.settings, self.judge.settings.votes);
        plan::check_votes_of(responses, &Task::Rank(settings.rank), votes, settings.max_row_votes).map_err(ApiError::TooManyVotes)
    }

    /// A response that is not too long.
    pub(crate) fn judged(&self, text: &str) -> Result<String, ApiError> {
        let limit = self.settings.max_response_bytes;
        if text.len() > limit {
            return Err(ApiError::LongResponse { bytes: text.len(), limit });
        }
        Ok(text.to_owned())
    }
}
