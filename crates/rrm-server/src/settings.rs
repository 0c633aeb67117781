//! What a server is told at its start: sizes, deadlines, limits, keys.

use std::time::Duration;

use rrm::{plan::MOST_ROW_VOTES, ranking::rank::RankSettings};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ApiError;

/// The largest group.
pub(crate) const MOST_MEMBERS: usize = 4096;

/// The longest deadline that a request may ask for, in seconds.
pub(crate) const LONGEST_DEADLINE: f64 = 86_400.0;

/// Settings of gathering, judging and rewards.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Members of a group whose requests name no size; `None` wants every request to name one.
    pub group_size: Option<usize>,
    /// How the responses of a group are ranked.
    pub rank: RankSettings,
    /// Time from a group's first member to its deadline.
    pub deadline: Duration,
    /// Time from there to the group's answer; judging that takes longer is given up.
    pub judging_deadline: Duration,
    /// What happens at the deadline to a group that is not complete.
    pub on_partial: OnPartial,
    /// How long a judged group answers again to those who ask again.
    pub keep: Duration,
    /// How scores become rewards.
    pub scale: Scale,
    /// What names a group in OpenRLHF's requests.
    pub openrlhf_key: OpenRlhfKey,
    /// Longest response that is judged, in bytes after thinking was taken away; longer ones are refused.
    pub max_response_bytes: usize,
    /// Largest body that is read, in bytes.
    pub max_body_bytes: usize,
    /// Time for a body to arrive.
    pub body_timeout: Duration,
    /// Requests that may wait at once; more are told to come back.
    pub max_waiting: usize,
    /// Votes that one row or group may take, matches times votes; what would take more is refused before anybody is asked.
    pub max_row_votes: u64,
    /// Connections at once; for one more, the one on which nothing moved for longest is closed.
    pub max_connections: usize,
    /// Time for the head of a request to arrive, and for which a connection may be idle.
    pub idle_timeout: Duration,
    /// Who may ask; empty lets everybody.
    pub keys: Vec<ApiKey>,
}

impl Default for ServerSettings {
    /// Two minutes for a group to gather, since OpenRLHF's client gives up after 180 s; half an hour for judging; ten minutes for answers to be asked for again.
    fn default() -> Self {
        ServerSettings {
            group_size: None,
            rank: RankSettings::default(),
            deadline: Duration::from_secs(120),
            judging_deadline: Duration::from_secs(1800),
            on_partial: OnPartial::Fail,
            keep: Duration::from_secs(600),
            scale: Scale::Centred,
            openrlhf_key: OpenRlhfKey::Prompt,
            max_response_bytes: 256 << 10,
            max_body_bytes: 8 << 20,
            body_timeout: Duration::from_secs(30),
            max_waiting: 16_384,
            max_row_votes: MOST_ROW_VOTES,
            max_connections: connections_for(16_384),
            idle_timeout: Duration::from_secs(60),
            keys: Vec::new(),
        }
    }
}

impl ServerSettings {
    /// Requests that may wait at once: an eighth of all connections is left for others, such as those that ask whether the server lives.
    pub fn most_waiting(&self) -> usize {
        self.max_waiting.min(self.max_connections - self.max_connections / 8)
    }
}

impl ServerSettings {
    /// The key of the group of a sample of OpenRLHF.
    pub(crate) fn open_rlhf_group(&self, prompt: &str, label: Option<&Value>) -> Result<String, ApiError> {
        let name = match (self.openrlhf_key, label) {
            (OpenRlhfKey::Prompt, _) => prompt.to_owned(),
            (OpenRlhfKey::Label, Some(label)) => label.to_string(),
            (OpenRlhfKey::Label, None) => {
                return Err(ApiError::Invalid("`labels` hold the groups' keys (--openrlhf-key label); found null".to_owned()));
            }
        };
        Ok(format!("openrlhf-{}", blake3::hash(name.as_bytes()).to_hex()))
    }
}

/// So many connections that this many requests may wait at once, see [`ServerSettings::most_waiting`].
pub fn connections_for(waiting: usize) -> usize {
    (waiting.saturating_mul(8) / 7).saturating_add(8).max(64)
}

/// What happens at the deadline to a group that is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnPartial {
    /// Those who are there are judged, if they hold two different responses.
    Judge,
    /// Every waiter gets an error.
    Fail,
}

/// How scores become rewards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// The score minus the group's mean: rounds survived, shares of wins, or for Elo and Bradley-Terry points divided by 400.
    Centred,
    /// From 0 to 1: rounds survived of all rounds, the share of wins, or the mean probability of beating the others.
    Unit,
    /// From 0 (last) to 1 (first) in equal steps; equal scores share the mean of their places.
    Rank,
}

/// What names a group in OpenRLHF's requests, which carry neither key nor member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OpenRlhfKey {
    /// The prompt's text.
    Prompt,
    /// The label column, which the data set fills with a key for each prompt.
    Label,
}

/// An API key with its name and limits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// For messages and counters; the token is never shown.
    pub name: String,
    /// What stands behind `Authorization: Bearer`.
    pub token: String,
    /// Requests of this key that may wait at once; left out: no limit of its own.
    #[serde(default)]
    pub max_waiting: Option<usize>,
    /// Requests of this key in any minute; left out: no limit.
    #[serde(default)]
    pub per_minute: Option<u32>,
}
