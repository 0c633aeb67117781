//! Requests -> completions: the engine that runs a decoder in process, for many requests at once.
//!
//! A request is tokenised where its future is polled; one thread owns the decoder and answers. The same request gives the same text, whatever else
//! runs, in whatever order requests came, and however much memory there is.

use std::{
    fs,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
};

use futures::{
    channel::oneshot,
    future::{BoxFuture, FutureExt},
};
use rrm::engine::{Completion, Engine, EngineError, EngineInfo, Opening, Request};

use crate::{
    backend::{Decoder, Tokenizer},
    batch::BLOCK,
    schedule::{Scheduler, SchedulerParts},
    seat::{ReplySender, Ticket},
    sequence::{self, Refusal, Sequence},
};

pub use crate::schedule::SchedulerCounters;

/// The settings by which requests share a decoder. Only `context` can change a text, by cutting one that has no budget; the fingerprint then contains
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchedulerConfig {
    /// Whether prompts with the same beginning share its computation.
    pub share_prefixes: bool,
    /// Most requests that are computed together; with 1 they are answered one after the other.
    pub max_batch: usize,
    /// Tokens that one step evaluates. Longer prompts are split over several steps, so that other completions continue meanwhile.
    pub prefill_rows: usize,
    /// Most bytes of keys and values; `None` means a quarter of the machine's memory. A request that might need more is refused.
    pub kv_bytes: Option<u64>,
    /// Most tokens of prompt and completion together; `None` means the model's trained context. A completion without a thinking budget is cut where
    /// the context ends.
    pub context: Option<usize>,
}

impl Default for SchedulerConfig {
    /// Sharing and batching are on. The sizes keep a processor's cores busy, and one step is short compared with a completion.
    fn default() -> Self {
        SchedulerConfig { share_prefixes: true, max_batch: 64, prefill_rows: 256, kv_bytes: None, context: None }
    }
}

/// A decoder that runs in process.
pub struct LocalEngine {
    info: EngineInfo,
    tokenizer: Arc<dyn Tokenizer>,
    /// Most tokens of one sequence: `context` by the model or the settings, `memory` by the memory for keys and values.
    context: usize,
    memory: usize,
    counters: Arc<Mutex<SchedulerCounters>>,
    opens_thinking: bool,
    /// `None` only while the engine is dropped.
    tickets: Option<mpsc::Sender<Ticket>>,
    thread: Option<JoinHandle<()>>,
}

impl LocalEngine {
    /// Starts the thread that owns `decoder`.
    ///
    /// # Errors
    /// [`EngineError::Failed`] when the memory for keys and values is too small for any sequence, or not available.
    pub(crate) fn start(
        mut info: EngineInfo,
        mut decoder: Box<dyn Decoder>,
        tokenizer: Arc<dyn Tokenizer>,
        config: &SchedulerConfig,
    ) -> Result<Self, EngineError> {
        let name = info.name.clone();
        let failed = |detail: String| EngineError::Failed { engine: name.clone(), detail };
        let positions = config.context.unwrap_or(usize::MAX).min(decoder.positions());
        let bytes = config.kv_bytes.unwrap_or_else(|| memory() / 4);
        let blocks = blocks(bytes, decoder.block_bytes(), positions, config.max_batch).map_err(failed)?;
        decoder.allocate(blocks).map_err(failed)?;
        // Labels are scored on a copy of a sequence's last block, and may be a few tokens longer than the text.
        let memory = (blocks as usize - 2) * BLOCK;
        if positions < decoder.positions() {
            // A text without a budget may be cut by the context, so the context is part of the fingerprint.
            info.fingerprint.push_str(&format!("-context{positions}"));
        }
        let counters = Arc::<Mutex<SchedulerCounters>>::default();
        let parts = SchedulerParts {
            name: info.name.clone(),
            decoder,
            tokenizer: tokenizer.clone(),
            blocks,
            limit: positions.min(memory + BLOCK),
            share: config.share_prefixes,
            max_batch: config.max_batch.max(1),
            rows: config.prefill_rows,
            shown: counters.clone(),
        };
        let (tickets, queue) = mpsc::channel();
        let thread = thread::Builder::new().name("scheduler".to_owned());
        let thread = thread.spawn(move || Scheduler::new(parts).run(&queue)).map_err(|error| failed(error.to_string()))?;
        let opens_thinking = tokenizer.opens_thinking();
        Ok(LocalEngine {
            info,
            tokenizer,
            context: positions,
            memory,
            counters,
            opens_thinking,
            tickets: Some(tickets),
            thread: Some(thread),
        })
    }

    /// Returns the counts of the engine's work so far.
    pub fn counters(&self) -> SchedulerCounters {
        *self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, detail: &str) -> EngineError {
        EngineError::Failed { engine: self.info.name.clone(), detail: detail.to_owned() }
    }

    /// Tokenises a request, and refuses one that does not fit.
    fn ticket(&self, mut request: Request, reply: ReplySender) -> Result<Ticket, EngineError> {
        let prompt = self.tokenizer.encode_prompt(&request.messages).map_err(|error| self.failed(&error))?;
        if prompt.is_empty() {
            return Err(self.failed("the conversation makes a prompt without tokens"));
        }
        // The messages are dropped, because thousands of requests may wait and only their tokens are needed.
        request.messages = [].into();
        let plan = sequence::plan(&request, prompt.len(), self.context, &*self.tokenizer).map_err(|refusal| match refusal {
            Refusal::TooLong(tokens) => {
                EngineError::TooLong { engine: self.info.name.clone(), tokens, limit: self.context as u64 }
            }
            Refusal::Unencodable(detail) => self.failed(&detail),
        })?;
        if plan.most > self.memory {
            // If the request were cut instead, the text would depend on the machine.
            return Err(self.failed(&format!(
                "prompt and new tokens may need {} tokens, and the memory for keys and values holds {}: allow fewer new tokens or more memory",
                plan.most, self.memory
            )));
        }
        Ok(Ticket { sequence: Sequence::new(request, prompt, plan), scoring: None, reply })
    }
}

impl Engine for LocalEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn opening(&self) -> Opening {
        if self.opens_thinking { Opening::Template } else { Opening::Model }
    }

    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
        async move {
            let gone = || EngineError::Ended { engine: self.info.name.clone() };
            let (reply, answer) = oneshot::channel();
            let ticket = self.ticket(request, reply)?;
            self.tickets.as_ref().ok_or_else(gone)?.send(ticket).map_err(|_| gone())?;
            let ended = answer.await.unwrap_or_else(|_| Err(gone()))?;
            Ok(ended.completion)
        }
        .boxed()
    }
}

impl Drop for LocalEngine {
    /// Waits for the thread to end, so that the decoder's memory is free afterwards.
    fn drop(&mut self) {
        self.tickets = None;
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has been reported already.
            let _ = thread.join();
        }
    }
}

/// Returns the number of blocks in `bytes`, or an error if it is below three. It is capped at twice what `max_batch` sequences of `positions` tokens
/// can fill; more blocks would be of no use, even for sharing.
pub(crate) fn blocks(bytes: u64, block_bytes: usize, positions: usize, max_batch: usize) -> Result<u32, String> {
    let affordable = bytes / (block_bytes as u64).max(1);
    let useful = (positions.div_ceil(BLOCK) + 2).saturating_mul(max_batch.max(1)).saturating_mul(2);
    let blocks = affordable.min(useful as u64).min(u64::from(u32::MAX));
    if blocks < 3 {
        return Err(format!("{bytes} bytes for keys and values are fewer than three blocks of {block_bytes}"));
    }
    Ok(blocks as u32)
}

/// Returns the bytes of memory that this process may use: the machine's, or its control group's limit if that is lower; 8 GiB if neither is known.
pub(crate) fn memory() -> u64 {
    let group = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse::<u64>().ok());
    let said = fs::read_to_string("/proc/meminfo").ok();
    let kibibytes = said.as_deref().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    });
    kibibytes.map_or(8 << 30, |kibibytes| kibibytes.saturating_mul(1024)).min(group.unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
