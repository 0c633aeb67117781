//! --batch-out -> the files of requests that a run misses, which appear whole when it has ended.

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
use rrm_engines::Opened;
use tempfile::TempPath;

use crate::{
    options::Options,
    output::{beside, note},
};

/// The files of one run.
pub struct Batch {
    writer: Arc<BatchWriter>,
    path: PathBuf,
    partial: RefCell<Vec<(TempPath, PathBuf)>>,
}

/// The file beside the requests that says what they are.
pub fn origins(requests: &Path) -> PathBuf {
    beside(requests, "origins.jsonl")
}

impl Batch {
    /// Begins the files, where the options name one.
    pub fn open(options: &Options) -> anyhow::Result<Option<Batch>> {
        let (Some(path), Some(model)) = (&options.batch_out, &options.model) else { return Ok(None) };
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

    /// Where the judge writes.
    pub fn writer(&self) -> Arc<BatchWriter> {
        self.writer.clone()
    }

    /// Makes the files appear unless nothing was missing; gives whether anything was.
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

/// Whose completions a batch will give. It is asked for nothing: the store answers, or the batch takes the request.
pub fn engine(options: &Options) -> Option<Opened> {
    let (Some(_), Some(model), Some(revision)) = (&options.batch_out, &options.model, &options.revision) else { return None };
    let engine = Arc::new(Absent(batch::engine(model, revision)));
    Some(Opened { engine, http: None, notes: Vec::new() })
}

/// Refuses what does not go with a batch.
pub fn check(options: &Options) -> anyhow::Result<()> {
    if options.batch_out.is_none() {
        return Ok(());
    }
    let named = options.model.is_some() && options.revision.is_some() && options.engine.is_empty();
    anyhow::ensure!(named, "--batch-out: nobody is asked, so --model and --revision name the judge, and --engine does not");
    anyhow::ensure!(options.output.is_some(), "--batch-out: results appear once nothing is missing, so -o must say where");
    let store = options.store.as_ref().is_none_or(|store| store.as_os_str() != "none");
    anyhow::ensure!(store, "--batch-out: replies are kept in the store, so --store must not be none");
    anyhow::ensure!(
        options.max_thinking_tokens.is_none(),
        "--batch-out: a batch cannot elicit a verdict, so no --max-thinking-tokens"
    );
    Ok(())
}

struct Absent(EngineInfo);

impl Engine for Absent {
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
