//! Requests whose completions are missing -> a file for `vllm run-batch`; its output file -> completions in the store.
//!
//! The `custom_id` of a line is the address of its completion, so replies may come in any order, twice, and from several files. A second file beside
//! the requests has a line for each of them, with everything else that a store keeps of a completion.

mod read;

use std::{
    collections::HashSet,
    io::{self, Write},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

pub use self::read::{BadReply, BatchError, ReadReport, read};
use crate::{
    address::CompletionKey,
    engine::{EngineInfo, Request, http},
    store::Origin,
};

/// Writer of the requests whose completions are missing.
pub struct BatchWriter {
    model: String,
    files: Mutex<BatchFiles>,
}

/// The files that a batch run writes.
struct BatchFiles {
    requests: Box<dyn Write + Send>,
    origins: Box<dyn Write + Send>,
    written: HashSet<CompletionKey>,
}

/// One line of the file of requests, as `vllm run-batch` and OpenAI's batches read it.
#[derive(Serialize)]
struct RequestLine<'a> {
    custom_id: String,
    method: &'static str,
    url: &'static str,
    body: http::ChatBody<'a>,
}

/// One line of the file beside the requests, with what a store keeps of the completion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OriginLine {
    custom_id: String,
    engine: String,
    fingerprint: String,
    format: String,
    item: String,
    shown: (usize, usize),
    vote: u32,
    max_tokens: u32,
}

/// Returns the engine that a batch's completions are stored under. It has the fingerprint of a server with this model and revision.
pub fn engine(model: &str, revision: &str) -> EngineInfo {
    EngineInfo {
        name: format!("{model} at run-batch"),
        fingerprint: http::revision_fingerprint(model, revision),
        seeds: true,
        logprobs: false,
        budget: false,
        paid: true,
    }
}

impl BatchWriter {
    /// Returns a writer of the requests to `model`: they go to `requests`, and what a store keeps of each of them goes to `origins`.
    pub fn new(model: String, requests: Box<dyn Write + Send>, origins: Box<dyn Write + Send>) -> Self {
        BatchWriter { model, files: Mutex::new(BatchFiles { requests, origins, written: HashSet::new() }) }
    }

    /// Writes a request, unless it was written before.
    ///
    /// # Errors
    /// The I/O error of the write.
    pub fn write(&self, key: CompletionKey, origin: Origin, request: &Request) -> io::Result<()> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if !files.written.insert(key) {
            return Ok(());
        }
        let custom_id = key.to_string();
        let body = http::chat_body(&self.model, request);
        let line = RequestLine { custom_id: custom_id.clone(), method: "POST", url: "/v1/chat/completions", body };
        append(&mut files.requests, &line)?;
        let Origin { engine, fingerprint, format_hash: format, item, shown, vote } = origin;
        let max_tokens = request.sampling.max_tokens;
        append(&mut files.origins, &OriginLine { custom_id, engine, fingerprint, format, item, shown, vote, max_tokens })
    }

    /// Flushes the files. Returns the number of requests in them.
    ///
    /// # Errors
    /// The I/O error of the flush.
    pub fn finish(&self) -> io::Result<u64> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.requests.flush()?;
        files.origins.flush()?;
        Ok(files.written.len() as u64)
    }
}

fn append(to: &mut dyn Write, line: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    to.write_all(&text)
}
