//! What a store says of completions and of those who wrote them; the same also where no store is built in.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// The origin of a completion, for people and for cleaning up. What it answers is in the key; the messages are not kept, since they are
/// large and follow from the input row and the format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// [`EngineInfo::name`](crate::engine::EngineInfo::name).
    pub engine: String,
    /// [`EngineInfo::fingerprint`](crate::engine::EngineInfo::fingerprint).
    pub fingerprint: String,
    /// Hash of the judge format.
    pub format_hash: String,
    /// Id of the input row.
    pub item: String,
    /// Indices of the two responses in the order in which the judge saw them.
    pub shown: (usize, usize),
    /// Which vote on the comparison.
    pub vote: u32,
}

/// The error of a row whose completions were paid for under another fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}: holds {completions} completions of {model} under another fingerprint ({other}), also for this row; this run cannot use \
     them and would pay again",
    path.display()
)]
pub struct FingerprintMismatch {
    /// The store.
    pub path: PathBuf,
    /// The model's name.
    pub model: String,
    /// How many completions it holds of the model under other fingerprints.
    pub completions: u64,
    /// The beginning of one of these fingerprints.
    pub other: String,
}

/// An engine as it was known when it was asked last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The name that it is asked for by.
    pub model: String,
    /// What is sent otherwise than usual and may change texts; empty where nothing is.
    pub changes: String,
    /// The fingerprint that stands in the addresses of its completions.
    pub fingerprint: String,
    /// When it was seen first, in seconds since 1970.
    pub first_seen: u64,
    /// When it was last seen to be the same, in seconds since 1970.
    pub last_seen: u64,
    /// Everything else.
    pub known: KnownIdentity,
}

/// The record of an engine's identity in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KnownIdentity {
    /// The revision by which somebody named the weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// What the server stated of the weights.
    pub stated: BTreeMap<String, String>,
    /// All that it listed and that stays over restarts, as it was last.
    pub listed: String,
    /// Its greedy answers to one request, those of other loads too; empty where they did not repeat.
    pub answers: Vec<String>,
    /// The addresses at which it was seen, the last one last.
    pub places: Vec<String>,
    /// Other fingerprints under which the same weights answered.
    pub also: Vec<String>,
    /// What the engine found out about itself, in its own words.
    pub learned: String,
}

/// The time now, in seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs())
}
