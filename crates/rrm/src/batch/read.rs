//! Replies of a batch and the file beside its requests -> completions in a store, and a report of the replies that are no completions.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use futures::{StreamExt, stream};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::OriginLine;
use crate::{
    address::CompletionKey,
    engine::{Completion, http},
    store::{Origin, Store, StoreError},
};

/// Number of completions that are committed together.
const AT_ONCE: usize = 256;

/// The reason why replies could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// A file cannot be read.
    #[error("{path}: {detail}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The I/O error.
        detail: io::Error,
    },
    /// A line is not valid.
    #[error("{path}:{line}: {detail}")]
    Line {
        /// The file.
        path: PathBuf,
        /// Number of the line, counted from 1.
        line: usize,
        /// Description of the fault.
        detail: String,
    },
    /// A completion could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Counts of the replies that were read, and the bad ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadReport {
    /// Requests in the file of origins.
    pub requests: u64,
    /// Requests that now have a completion.
    pub answered: u64,
    /// Replies to requests that are not in the file of origins.
    pub unknown: u64,
    /// Replies that are no completions, except for requests that another reply answered.
    pub bad: Vec<BadReply>,
}

/// A reply that is no completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadReply {
    /// The `custom_id` of its request.
    pub custom_id: String,
    /// The id of the row that asked.
    pub item: String,
    /// Description of the fault.
    pub detail: String,
}

/// One line of the replies.
#[derive(Deserialize)]
struct ReplyLine<'a> {
    custom_id: String,
    #[serde(borrow, default)]
    response: Option<BatchResponse<'a>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// The response part of a line of a batch's output.
#[derive(Deserialize)]
struct BatchResponse<'a> {
    #[serde(default)]
    status_code: Option<u16>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

/// Puts the replies to the requests in the file `origins` into `store`. Completions that are there already stay.
///
/// # Errors
/// [`BatchError`] at the first line that is no JSON, or when the store fails. Completions that were stored until then stay.
pub async fn read(origins: &Path, replies: &[PathBuf], store: &Store) -> Result<ReadReport, BatchError> {
    let known = known(origins)?;
    let mut report = ReadReport { requests: known.len() as u64, ..ReadReport::default() };
    let mut bad: HashMap<CompletionKey, BadReply> = HashMap::new();
    let mut answered = std::collections::HashSet::new();
    for path in replies {
        let mut lines = lines(path)?;
        loop {
            let mut puts = Vec::new();
            for line in lines.by_ref().take(AT_ONCE) {
                let (number, line) = line?;
                let reply: ReplyLine<'_> =
                    serde_json::from_str(&line).map_err(|error| broken(path, number, &error.to_string()))?;
                let found = reply.custom_id.parse().ok().and_then(|key: CompletionKey| Some((key, known.get(&key)?)));
                let Some((key, origin)) = found else {
                    report.unknown += 1;
                    continue;
                };
                match completion(&reply, origin.max_tokens) {
                    Ok(completion) => puts.push((key, from(origin), completion)),
                    Err(detail) => {
                        bad.insert(key, BadReply { custom_id: reply.custom_id, item: origin.item.clone(), detail });
                    }
                }
            }
            if puts.is_empty() && lines.peek().is_none() {
                break;
            }
            let put = |(key, origin, completion): (CompletionKey, Origin, Completion)| async move {
                store.put(key, origin, completion).await.map(|_| key)
            };
            let mut stored = stream::iter(puts).map(put).buffer_unordered(AT_ONCE);
            while let Some(key) = stored.next().await {
                answered.insert(key?);
            }
        }
    }
    bad.retain(|key, _| !answered.contains(key));
    report.answered = answered.len() as u64;
    report.bad = bad.into_values().collect();
    report.bad.sort_by(|a, b| a.custom_id.cmp(&b.custom_id));
    Ok(report)
}

fn known(path: &Path) -> Result<HashMap<CompletionKey, OriginLine>, BatchError> {
    let line = |line: Result<(usize, String), BatchError>| {
        let (number, line) = line?;
        let origin: OriginLine = serde_json::from_str(&line).map_err(|error| broken(path, number, &error.to_string()))?;
        let key = origin.custom_id.parse().map_err(|_| broken(path, number, "`custom_id` is no address of a completion"))?;
        Ok((key, origin))
    };
    lines(path)?.map(line).collect()
}

/// The numbered lines of a batch's output.
type BatchLines = std::iter::Peekable<Box<dyn Iterator<Item = Result<(usize, String), BatchError>>>>;

/// Lines that are not blank, with their numbers.
fn lines(path: &Path) -> Result<BatchLines, BatchError> {
    let failed = |path: &Path, detail| BatchError::Io { path: path.to_owned(), detail };
    let file = File::open(path).map_err(|error| failed(path, error))?;
    let path = path.to_owned();
    let lines = BufReader::new(file).lines().enumerate();
    let lines = lines.map(move |(at, line)| line.map(|line| (at + 1, line)).map_err(|error| failed(&path, error)));
    let whole: Box<dyn Iterator<Item = _>> =
        Box::new(lines.filter(|line| line.as_ref().map_or(true, |(_, line)| !line.trim().is_empty())));
    Ok(whole.peekable())
}

fn broken(path: &Path, line: usize, detail: &str) -> BatchError {
    BatchError::Line { path: path.to_owned(), line, detail: detail.to_owned() }
}

fn completion(reply: &ReplyLine<'_>, max_tokens: u32) -> Result<Completion, String> {
    if let Some(error) = reply.error.filter(|error| error.get() != "null") {
        return Err(format!("error {}", error.get()));
    }
    let response = reply.response.as_ref().ok_or("neither `response` nor `error`")?;
    let body = response.body.map_or("null", RawValue::get);
    match response.status_code {
        Some(status) if status != 200 => Err(format!("status {status}: {}", body.chars().take(200).collect::<String>())),
        _ => http::read_chat(body.as_bytes(), max_tokens),
    }
}

fn from(line: &OriginLine) -> Origin {
    Origin {
        engine: line.engine.clone(),
        fingerprint: line.fingerprint.clone(),
        format_hash: line.format.clone(),
        item: line.item.clone(),
        shown: line.shown,
        vote: line.vote,
    }
}
