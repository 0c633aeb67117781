//! --batch-out -> the files of requests that are not answered from the store. They appear when the run has ended.

use std::{
    cell::RefCell,
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use futures::future::BoxFuture;
use rrm::{
    batch::{self, BatchWriter},
    engine::{Completion, Engine, EngineError, EngineInfo, Opening, Request},
};
use rrm_engines::OpenedEngine;
use tempfile::TempPath;

use crate::{
    failure::ensure,
    options::{AskArgs, BatchArgs, ThinkingArgs},
    output::{beside, note},
    owned::real,
};

/// The batch files of one run.
pub struct Batch {
    writer: Arc<BatchWriter>,
    path: PathBuf,
    partial: RefCell<Vec<(TempPath, PathBuf)>>,
}

/// Returns the path of the file beside the requests that records their origins.
pub fn origins(requests: &Path) -> PathBuf {
    beside(requests, "origins.jsonl")
}

/// Returns the path of the file with links resolved. Fails if something other than a file is there.
fn file_at(path: &Path) -> anyhow::Result<PathBuf> {
    let path = real(path);
    let other = path.metadata().is_ok_and(|metadata| !metadata.is_file());
    ensure!(!other, "--batch-out {}: this is not a file, and would be replaced by one", path.display());
    Ok(path)
}

impl Batch {
    /// Creates the temporary files, if the options name a batch.
    pub fn open(batch: &BatchArgs, ask: &AskArgs) -> anyhow::Result<Option<Batch>> {
        let (Some(path), Some(model)) = (&batch.batch_out, &ask.model.model) else { return Ok(None) };
        let path = &file_at(path)?;
        let mut partial = Vec::new();
        let mut create = |path: PathBuf| -> anyhow::Result<_> {
            let partial_path = beside(&path, &format!("{}.partial", std::process::id()));
            let file = File::create(&partial_path).with_context(|| format!("cannot write {}", path.display()))?;
            partial.push((TempPath::try_from_path(partial_path)?, path));
            Ok(Box::new(BufWriter::new(file)))
        };
        let (requests, origins) = (create(path.clone())?, create(origins(path))?);
        let writer = Arc::new(BatchWriter::new(model.clone(), requests, origins));
        Ok(Some(Batch { writer, path: path.clone(), partial: RefCell::new(partial) }))
    }

    /// Returns the writer that the judge uses.
    pub fn writer(&self) -> Arc<BatchWriter> {
        self.writer.clone()
    }

    /// Renames the files to their names if any request was missing. Returns whether any was.
    pub fn finish(&self, rows: u64, failed: u64) -> anyhow::Result<bool> {
        let requests = self.writer.finish().with_context(|| format!("cannot write {}", self.path.display()))?;
        if requests == 0 {
            return Ok(false);
        }
        for (partial, path) in self.partial.take() {
            partial.persist(&path).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let path = self.path.display();
        note(&format!(
            "{requests} requests of {failed} of {rows} rows are in {path}; nothing else was written. Run them, `rrm batch read REPLIES --requests \
             {path}` with the same --store, then this command again: matches that depend on these follow"
        ));
        Ok(true)
    }
}

/// Returns the engine of a batch, if the options name one. It is never asked: the store answers, or the request is written to the batch.
pub fn engine(batch: &BatchArgs, ask: &AskArgs) -> Option<OpenedEngine> {
    let (Some(_), Some(model), Some(revision)) = (&batch.batch_out, &ask.model.model, &ask.server.revision) else { return None };
    Some(OpenedEngine::of(Arc::new(AbsentEngine(batch::engine(model, revision)))))
}

/// Refuses options that cannot be combined with a batch.
pub fn check(batch: &BatchArgs, ask: &AskArgs, thinking: ThinkingArgs, output: Option<&Path>) -> anyhow::Result<()> {
    if batch.batch_out.is_none() {
        return Ok(());
    }
    let named = ask.model.model.is_some() && ask.server.revision.is_some() && ask.engine.is_embedded();
    ensure!(named, "--batch-out sends no requests: name the judge by --model and --revision, without --engine");
    ensure!(output.is_some(), "--batch-out: results appear once nothing is missing, so -o must say where");
    let store = ask.store.store.as_deref().is_none_or(|store| store != Path::new("none"));
    ensure!(store, "--batch-out: replies are kept in the store, so --store must not be none");
    ensure!(thinking.max_thinking_tokens.is_none(), "--batch-out: a batch cannot elicit a verdict, so no --max-thinking-tokens");
    ensure!(
        !(ask.work.system_as_user || crate::options::mends(&ask.server)?),
        "--batch-out: requests of a batch are written as they are, without --request-field, --without-field, --rename-field, --seed-bits, \
         --system-as-user, --header and --stream-replies"
    );
    Ok(())
}

/// An engine that is never asked, because the answers come from a batch.
struct AbsentEngine(EngineInfo);

impl Engine for AbsentEngine {
    fn info(&self) -> &EngineInfo {
        &self.0
    }

    fn opening(&self) -> Opening {
        Opening::Unknown
    }

    fn complete(&self, _: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
        let what = "a batch answers later".to_owned();
        Box::pin(std::future::ready(Err(EngineError::Unsupported { engine: self.0.name.clone(), what })))
    }
}
