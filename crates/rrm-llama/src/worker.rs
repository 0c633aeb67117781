//! The thread that owns a model: jobs from a queue -> completions, in order.

use std::{
    num::NonZeroU32,
    sync::{OnceLock, mpsc},
    thread,
};

use futures::channel::oneshot;
use llama_cpp_2::{
    context::params::LlamaContextParams,
    llama_backend::LlamaBackend,
    model::{LlamaModel, params::LlamaModelParams},
};
use rrm::engine::{Completion, EngineError, Request, in_process::ChatTemplate};

use crate::{
    LlamaConfig,
    generate::{self, LoadedModel},
    session::{CHUNK, LlamaSession},
    tokens::LlamaTokenizer,
};

/// Default context, unless the model was trained with less: room for 8192 tokens of thinking.
const DEFAULT_CONTEXT: u32 = 16_384;

/// A request and the channel for its answer; dropping the receiver cancels it.
pub(crate) struct LlamaJob {
    pub request: Request,
    pub reply: oneshot::Sender<Result<Completion, EngineError>>,
}

/// Loads the model, reports through `ready` whether its template opens the thinking, and answers jobs until the queue is closed.
pub(crate) fn run(
    config: &LlamaConfig,
    name: &str,
    ready: &mpsc::Sender<Result<bool, String>>,
    queue: &mpsc::Receiver<LlamaJob>,
) {
    let model = match load(config) {
        Ok(model) => model,
        Err(detail) => return drop(ready.send(Err(detail))),
    };
    match prepare(&model, config, name) {
        Ok(mut judge) => {
            // The caller that opens the engine waits for this message, unless it has ended.
            let _ = ready.send(Ok(judge.template.opens_thinking()));
            serve(&mut judge, queue);
        }
        Err(detail) => drop(ready.send(Err(detail))),
    }
}

fn serve(judge: &mut LoadedModel<'_>, queue: &mpsc::Receiver<LlamaJob>) {
    for LlamaJob { request, reply } in queue {
        if let Some(answer) = generate::complete(judge, &request, &|| reply.is_canceled()).transpose() {
            // The receiver may have been dropped since the last check.
            let _ = reply.send(answer);
        }
    }
}

/// Returns llama.cpp's process-wide backend with its log turned off; failures come back as errors instead.
fn backend() -> Result<&'static LlamaBackend, String> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    let started = BACKEND.get_or_init(|| {
        let mut backend = LlamaBackend::init().map_err(|error| error.to_string())?;
        backend.void_logs();
        Ok(backend)
    });
    started.as_ref().map_err(Clone::clone)
}

fn load(config: &LlamaConfig) -> Result<LlamaModel, String> {
    LlamaModel::load_from_file(backend()?, &config.path, &LlamaModelParams::default()).map_err(|error| {
        format!("llama.cpp cannot load it (unknown architecture, missing tensors, or not enough memory): {error}")
    })
}

fn prepare<'m>(model: &'m LlamaModel, config: &LlamaConfig, name: &'m str) -> Result<LoadedModel<'m>, String> {
    let free = || thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get() - 1).unwrap_or(u32::MAX).max(1));
    let threads = i32::try_from(config.threads.unwrap_or_else(free)).map_err(|_| "too many threads".to_owned())?;
    let tokens = config.context.unwrap_or_else(|| model.n_ctx_train().min(DEFAULT_CONTEXT));
    let params = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(tokens))
        .with_n_batch(CHUNK as u32)
        .with_n_ubatch(CHUNK as u32)
        .with_n_threads(threads)
        .with_n_threads_batch(threads);
    let context = model.new_context(backend()?, params);
    let context = context.map_err(|error| format!("no memory for a context of {tokens} tokens: {error}"))?;
    let tokenizer = LlamaTokenizer::new(model.vocab());
    let source = model.chat_template(None).ok().map(|template| template.to_string());
    let source = source.transpose().map_err(|_| "its chat template is not UTF-8".to_owned())?;
    let template =
        ChatTemplate::new(source, tokenizer.bos(), tokenizer.eos()).map_err(|error| format!("its chat template: {error}"))?;
    Ok(LoadedModel { name, template, tokenizer, session: LlamaSession::new(context) })
}
