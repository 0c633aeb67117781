//! Records of a store about completions and engines. They exist also without the feature `store`.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// Origin of a completion, for people and for removing completions. The request itself is only in the key, as a hash: messages are large, and they
/// follow from the input row and the format.
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
    /// Index of the vote on the comparison, from 0.
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
    /// Number of completions of the model under other fingerprints, with this row's format.
    pub completions: u64,
    /// First 16 characters of one of these fingerprints.
    pub other: String,
}

/// Identity of an engine, as of the last run that asked it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Name of the model in requests.
    pub model: String,
    /// Changes to the fields of the usual request that may change texts; empty if there are none.
    pub changes: String,
    /// Fingerprint in the addresses of its completions.
    pub fingerprint: String,
    /// Time when it was first seen, in seconds since 1970.
    pub first_seen: u64,
    /// Time when its identity was last confirmed, in seconds since 1970.
    pub last_seen: u64,
    /// Declared revision, answers, addresses and other facts about it.
    pub known: KnownIdentity,
}

/// The record of an engine's identity in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KnownIdentity {
    /// Declared revision of the weights, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Facts that the server stated about the weights.
    pub stated: BTreeMap<String, String>,
    /// Stable fields of its last model list, which do not change when it restarts.
    pub listed: String,
    /// Greedy answers to one request, also those under other loads; empty if they did not repeat.
    pub answers: Vec<String>,
    /// Addresses at which it was seen; the latest is last.
    pub places: Vec<String>,
    /// Other fingerprints of the same weights.
    pub also: Vec<String>,
    /// Abilities of the server that the first requests found, as JSON of the engine.
    pub learned: String,
}

/// Returns the present time, in seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs())
}
