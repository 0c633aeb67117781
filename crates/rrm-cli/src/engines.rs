//! Options -> the engine, the format and the store that they name. The only place that reads the environment.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use rrm::{
    dataset::ColumnNames,
    engine::{
        EngineInfo,
        http::{Continuation, HttpConfig},
        replay::Recorder,
    },
    format::{Format, SHIPPED},
    store::Store,
};
use rrm_engines::{EngineSettings, Opened};

use crate::{failure::Failure, options::Options};

/// Holds the key of a server unless --api-key-env names another variable.
const API_KEY: &str = "RRM_API_KEY";

/// Opens the engine that the options name.
pub async fn open(options: &Options) -> Result<Opened, Failure> {
    if options.engine.is_empty() {
        return Err(Failure::user(anyhow::anyhow!("no judge named")).with_hint(format!("--engine takes {}", rrm_engines::KNOWN)));
    }
    let settings = EngineSettings {
        http: http(options)?,
        context_size: options.context_size,
        threads: options.threads,
        weights: options.weights.unwrap_or_default(),
        kv_bytes: options.kv_cache.map(|mib| mib.saturating_mul(1 << 20)),
    };
    Ok(rrm_engines::open(&options.engine, &settings).await?)
}

/// The file that completions are recorded to, where one was asked for.
pub fn recorder(options: &Options, engine: &EngineInfo) -> anyhow::Result<Option<Arc<Recorder>>> {
    options.record.as_ref().map(|file| Ok(Arc::new(Recorder::create(engine, file)?))).transpose()
}

/// Settings of a server, without its addresses.
pub fn http(options: &Options) -> anyhow::Result<HttpConfig> {
    let default = HttpConfig::default();
    let api_key = match &options.api_key_env {
        Some(name) => {
            Some(env::var(name).map_err(|_| anyhow::anyhow!("--api-key-env {name}: the environment has no such variable"))?)
        }
        None => env::var(API_KEY).ok(),
    };
    Ok(HttpConfig {
        model: options.model.clone(),
        api_key,
        concurrency: options.concurrency(),
        requests_per_minute: options.requests_per_minute,
        tokens_per_minute: options.tokens_per_minute,
        timeout: options.timeout.unwrap_or(default.timeout),
        max_retries: options.max_retries.unwrap_or(default.max_retries),
        revision: options.revision.clone(),
        // How a server continues a text takes a dozen calls to find out, and matters only under a budget.
        continuation: if options.max_thinking_tokens.is_some() { Continuation::Auto } else { Continuation::None },
        ..default
    })
}

/// The format of this name, or the one in this file.
pub fn format(name: Option<&str>) -> Result<Format, Failure> {
    let name = name.unwrap_or("rrm");
    if let Some(shipped) = Format::shipped(name) {
        return Ok(shipped?);
    }
    let shipped: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
    let text = std::fs::read_to_string(name)
        .with_context(|| format!("format '{name}' is neither shipped nor a file that can be read"))
        .map_err(|error| Failure::user(error).with_hint(format!("shipped formats: {}", shipped.join(", "))))?;
    Ok(Format::parse(name, &text)?)
}

/// The store that completions are kept in; none when it is switched off or when they cost nothing.
pub fn store(options: &Options, paid: bool) -> anyhow::Result<Option<Store>> {
    let path = match &options.store {
        Some(path) if path.as_os_str() == "none" => return Ok(None),
        Some(path) => path.clone(),
        None if !paid => return Ok(None),
        None => default_store()?,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    Ok(Some(Store::open(&path)?))
}

/// Where completions are kept unless --store says otherwise.
pub fn default_store() -> anyhow::Result<PathBuf> {
    let data = env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    Ok(data.context("neither XDG_DATA_HOME nor HOME is set; name a store with --store FILE")?.join("rrm/store.sqlite"))
}

impl Options {
    /// Files that a run reads or keeps, which its output must not replace.
    pub fn files<'a>(&'a self, input: &'a Path) -> Vec<&'a Path> {
        let named = [&self.config, &self.store, &self.record];
        let format = self.format.as_ref().map(Path::new);
        named.into_iter().flatten().map(PathBuf::as_path).chain(format).chain([input]).collect()
    }

    /// The renamed columns.
    pub fn columns(&self) -> anyhow::Result<ColumnNames> {
        Ok(ColumnNames::parse(&self.column)?)
    }
}
