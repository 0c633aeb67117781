//! The settings of a server: sizes, deadlines, limits, keys.

use std::time::Duration;

use rrm::{plan::MOST_ROW_VOTES, ranking::rank::RankSettings};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ApiError;

/// The most members of a group.
pub(crate) const MOST_MEMBERS: usize = 4096;

/// The longest deadline of a request, in seconds.
pub(crate) const LONGEST_DEADLINE: f64 = 86_400.0;

/// Settings of groups, judging, rewards and access.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Size of a group whose requests name none; `None` requires every request to name it.
    pub group_size: Option<usize>,
    /// Settings of the ranking of a group.
    pub rank: RankSettings,
    /// Time from a group's first member to its deadline.
    pub deadline: Duration,
    /// Time from the end of gathering to the group's answer; after that judging is abandoned.
    pub judging_deadline: Duration,
    /// The treatment of incomplete groups at the deadline.
    pub on_partial: OnPartial,
    /// Time for which a judged group answers repeated requests.
    pub keep: Duration,
    /// The scale of rewards.
    pub scale: Scale,
    /// The key of a group in OpenRLHF's requests.
    pub openrlhf_key: OpenRlhfKey,
    /// Longest response that is judged, in bytes after thinking is removed; longer responses are refused.
    pub max_response_bytes: usize,
    /// Largest body that is read, in bytes.
    pub max_body_bytes: usize,
    /// Time for a body to arrive.
    pub body_timeout: Duration,
    /// Most requests that wait at once; more are refused as busy.
    pub max_waiting: usize,
    /// Most votes of one row or group, matches times votes; more are refused before the judge is asked.
    pub max_row_votes: u64,
    /// Most connections at once; for one more, the idle one without traffic for the longest time is closed.
    pub max_connections: usize,
    /// Time for the head of a request to arrive, and the longest idle time of a connection.
    pub idle_timeout: Duration,
    /// The keys that give access; without any key, access is open.
    pub keys: Vec<ApiKey>,
}

impl Default for ServerSettings {
    /// Two minutes to gather, because OpenRLHF's client gives up after 180 s; half an hour for judging; ten minutes for repeated requests.
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
    /// The limit of waiting requests. An eighth of all connections is reserved for other requests, such as health checks.
    pub fn most_waiting(&self) -> usize {
        self.max_waiting.min(self.max_connections - self.max_connections / 8)
    }
}

impl ServerSettings {
    /// Returns the group's key for a sample of OpenRLHF.
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

/// Returns the number of connections with which this many requests may wait at once, see [`ServerSettings::most_waiting`].
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

/// The key of a group in OpenRLHF's requests, which have neither key nor member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OpenRlhfKey {
    /// The text of the prompt.
    Prompt,
    /// The label column, which the dataset fills with a key for each prompt.
    Label,
}

/// An API key with its name and limits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// The name in messages and counters; the token is never shown.
    pub name: String,
    /// The token behind `Authorization: Bearer`.
    pub token: String,
    /// Most requests of this key that wait at once; `None` for no separate limit.
    #[serde(default)]
    pub max_waiting: Option<usize>,
    /// Quota of this key: requests per minute; `None` for no limit.
    #[serde(default)]
    pub per_minute: Option<u32>,
}
