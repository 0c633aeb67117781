//! A judge and settings -> an axum `Router`: responses to one prompt are gathered in groups and ranked, and every waiting request gets its reward.
//!
//! Trainers ask about one response at a time, but a judge that compares needs the whole group. [`rendezvous`] gathers groups, [`reward`] ranks them,
//! [`routes`] translates the trainers' protocols, [`door`] and [`connections`] enforce limits. docs/http.md lists the answer of each waiting request
//! when something fails; it is never a neutral reward.
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

/// A check whether the judge accepts a row. The error is the reason why not.
pub type RowCheck = Box<dyn Fn(&Item) -> Result<(), String> + Send + Sync>;

/// The state that all routes share.
pub struct AppState {
    /// The judge, whose store keeps paid completions.
    pub judge: Judge,
    /// Settings of groups and rewards.
    pub settings: settings::ServerSettings,
    /// Refuses rows that the judge was not made for.
    pub admits: RowCheck,
    /// Groups that gather, are being judged, or are kept for repeated requests.
    pub groups: rendezvous::Groups,
    /// Counters and histograms.
    pub metrics: metrics::ServerMetrics,
    /// The outcome of the judge's most recent calls.
    pub calls: Arc<calls::CallHistory>,
    door: door::Door,
    /// The runtime in which rankings are computed.
    judging: Handle,
}

impl AppState {
    /// Makes the state of a server without groups. Rankings are computed in the current runtime; connections may be served by another.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
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

    /// Refuses a ranking of this many different responses if it would take too many votes.
    pub(crate) fn check_size(&self, responses: usize) -> Result<(), ApiError> {
        let (settings, votes) = (&self.settings, self.judge.settings.votes);
        plan::check_votes_of(responses, &Task::Rank(settings.rank), votes, settings.max_row_votes).map_err(ApiError::TooManyVotes)
    }

    /// Returns a response that is not too long, or an error.
    pub(crate) fn judged(&self, text: &str) -> Result<String, ApiError> {
        let limit = self.settings.max_response_bytes;
        if text.len() > limit {
            return Err(ApiError::LongResponse { bytes: text.len(), limit });
        }
        Ok(text.to_owned())
    }
}
