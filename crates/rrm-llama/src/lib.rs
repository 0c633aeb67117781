//! GGUF judges in process: a [`Request`] goes to one thread that owns a llama.cpp model, and a [`Completion`] comes back.
//!
//! Requests are answered one at a time, in the order in which they were first polled. A prompt reuses what the previous request left in the key-value
//! cache. In the same build, on the same kind of processor and with the same number of threads, the same request gives the same text, whatever came
//! before it. Across builds, processors and thread counts llama.cpp guarantees nothing.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::mpsc,
    thread::{self, JoinHandle},
};

use futures::{
    channel::oneshot,
    future::{BoxFuture, FutureExt},
};
use rrm::engine::{Completion, Engine, EngineError, EngineInfo, Opening, Request};

mod generate;
mod loadable;
mod session;
mod tokens;
mod worker;

/// The settings for opening a model file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LlamaConfig {
    /// The GGUF file.
    pub path: PathBuf,
    /// Most tokens of prompt and completion together; `None` means the trained context, at most 16384. A completion without a thinking budget is cut
    /// where the context ends.
    pub context: Option<u32>,
    /// Number of threads; `None` means all of the machine's but one. The threads wait for each other by spinning, so one thread more than there are
    /// free cores makes everything several times slower.
    pub threads: Option<u32>,
}

impl LlamaConfig {
    /// Settings for a file with defaults for everything else.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        LlamaConfig { path: path.into(), context: None, threads: None }
    }
}

/// A GGUF model in process.
pub struct LlamaEngine {
    info: EngineInfo,
    opens_thinking: bool,
    /// `None` only while the engine is dropped.
    jobs: Option<mpsc::Sender<worker::LlamaJob>>,
    thread: Option<JoinHandle<()>>,
}

impl LlamaEngine {
    /// Checks, fingerprints and loads a model. Blocks until done; the fingerprint reads the whole file.
    ///
    /// # Errors
    /// [`EngineError::Failed`] when the file is absent, damaged or not a text model, or does not fit into memory.
    pub fn open(config: LlamaConfig) -> Result<Self, EngineError> {
        let path = config.path.clone();
        let failed = |detail: String| EngineError::Failed { engine: format!("gguf:{}", path.display()), detail };
        let header = rrm::gguf::read_header(&path).map_err(|error| failed(error.to_string()))?;
        loadable::check(&header, &path).map_err(failed)?;
        let label = header.text("general.name").unwrap_or("GGUF model");
        let name = format!("{label} at {}", path.display());
        let fingerprint = fingerprint(&path).map_err(|error| failed(error.to_string()))?;
        let info = EngineInfo { name, fingerprint, seeds: true, logprobs: false, budget: true, paid: true };

        let (jobs, queue) = mpsc::channel();
        let (ready, loaded) = mpsc::channel();
        let name = info.name.clone();
        let thread = thread::Builder::new().name("llama.cpp".to_owned());
        let thread =
            thread.spawn(move || worker::run(&config, &name, &ready, &queue)).map_err(|error| failed(error.to_string()))?;
        // If the channel is closed without a message, the thread panicked, which its own message on stderr explains.
        let loaded = loaded.recv().unwrap_or_else(|_| Err("the thread that loads the model ended".to_owned()));
        let opens_thinking = loaded.map_err(failed)?;
        Ok(LlamaEngine { info, opens_thinking, jobs: Some(jobs), thread: Some(thread) })
    }
}

impl Engine for LlamaEngine {
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
            let jobs = self.jobs.as_ref().ok_or_else(gone)?;
            jobs.send(worker::LlamaJob { request, reply }).map_err(|_| gone())?;
            answer.await.unwrap_or_else(|_| Err(gone()))
        }
        .boxed()
    }
}

impl Drop for LlamaEngine {
    /// Waits for the thread to end, because llama.cpp must not compute any more when the process runs its C++ destructors.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has been reported already.
            let _ = thread.join();
        }
    }
}

/// The build of llama.cpp, which affects texts as the weights do. A test compares this with Cargo.lock.
const BUILD: &str = "llama-cpp-2 0.1.160, llama-cpp-sys-2 0.1.161";

/// Returns a hash of the file's content and of the build.
fn fingerprint(path: &Path) -> std::io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    hasher.update(BUILD.as_bytes());
    Ok(format!("gguf-{}", hasher.finalize().to_hex()))
}

#[cfg(test)]
mod tests {
    use super::BUILD;

    #[test]
    fn the_build_is_the_locked_one() {
        let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock")).unwrap();
        for package in BUILD.split(", ") {
            let (name, version) = package.split_once(' ').unwrap();
            assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")), "Cargo.lock holds another {name}");
        }
    }
}
