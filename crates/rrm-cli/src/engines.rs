//! Options -> the engine, the format and the store that they name. Only this and `requests` read the environment.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use rrm::{
    dataset::{ColumnNames, DatasetError, Item},
    engine::{
        Engine, EngineError,
        http::{Continuation, HttpConfig, Memory, Otherwise},
        replay::Recorder,
    },
    format::{Format, SHIPPED},
    store::{Identities, Store},
};
use rrm_engines::{EngineSettings, OpenError, Opened};

use crate::{batch, failure::Failure, options::Options, output::note, requests};

/// Holds the key of a server unless --api-key-env names another variable.
const API_KEY: &str = "RRM_API_KEY";

/// So many rows outside of a domain are shown.
const ROWS_NAMED: usize = 3;

/// Opens the engine that the options name.
pub async fn open(options: &Options) -> Result<Opened, Failure> {
    if let Some(batch) = batch::engine(options) {
        return Ok(batch);
    }
    if options.engine.is_empty() {
        return Err(Failure::user(anyhow::anyhow!("no judge named")).with_hint(format!("--engine takes {}", rrm_engines::KNOWN)));
    }
    let settings = settings(options)?;
    let (started, patience) = (Instant::now(), Duration::try_from_secs_f64(settings.http.away).unwrap_or_default());
    let mut said = false;
    loop {
        match rrm_engines::open(&options.engine, &settings).await {
            Err(OpenError::Engine(error)) if is_starting(&error) && started.elapsed() < patience => {
                if !said {
                    note(&format!("waiting {} s at most: {error}", patience.as_secs_f64()));
                    said = true;
                }
                tokio::time::sleep(BETWEEN.min(patience)).await;
            }
            done => return Ok(done?),
        }
    }
}

/// Between two looks at a server that is not up yet.
const BETWEEN: Duration = Duration::from_millis(500);

/// Whether a server may be on its way up: nobody listens yet, or what stands before it, or a model that loads, says so.
fn is_starting(error: &EngineError) -> bool {
    matches!(error, EngineError::Unreachable { .. } | EngineError::Status { status: 502..=504, .. })
}

/// The embedded judge with its format.
pub fn embedded(options: &Options) -> Result<(Opened, Format), Failure> {
    Ok(rrm_engines::embedded(&settings(options)?)?)
}

/// Refuses options that the embedded judge has no use for.
pub fn check_embedded(options: &Options) -> Result<(), Failure> {
    let named =
        [("--format", options.format.is_some()), ("--weights", options.weights.is_some()), ("--model", options.model.is_some())];
    match named.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((option, _)) => {
            let error =
                anyhow::anyhow!("{option}: without --engine the embedded rrm-tiny judges, whose weights and format are fixed");
            Err(Failure::user(error).with_hint(format!("--engine names another judge: {}", rrm_engines::KNOWN)))
        }
    }
}

/// Refuses a run whose rows the embedded judge was not trained for; names the first of them.
pub fn check_domain(items: impl Iterator<Item = Result<Item, DatasetError>>) -> Result<(), Failure> {
    let mut outside = Vec::new();
    for item in items {
        let item = item?;
        if let Err(why) = rrm_tiny::domain::row(&item) {
            outside.push(format!("row {} ({}): {why}", item.row, item.id));
        }
    }
    if outside.is_empty() {
        return Ok(());
    }
    let rows = if outside.len() == 1 { "1 row is".to_owned() } else { format!("{} rows are", outside.len()) };
    let error = anyhow::anyhow!("no judge named, and {rows} outside of what the embedded judge rrm-tiny was trained for");
    outside.truncate(ROWS_NAMED);
    let hint = format!("--engine names a judge for them: {}. rrm-tiny judges {}", rrm_engines::KNOWN, rrm_tiny::domain::EXAMPLE);
    Err(Failure::user(error).with_lines(outside).with_hint(hint))
}

fn settings(options: &Options) -> Result<EngineSettings, Failure> {
    Ok(EngineSettings {
        http: http(options)?,
        memory: memory(options)?,
        context_size: options.context_size,
        threads: options.threads,
        weights: options.weights.unwrap_or_default(),
        kv_bytes: options.kv_cache.map(|mib| mib.saturating_mul(1 << 20)),
    })
}

/// Who remembers servers, where completions are kept: the store.
fn memory(options: &Options) -> anyhow::Result<Option<Memory>> {
    if !keeps(options, true) {
        return Ok(None);
    }
    let otherwise = match &options.same_weights {
        _ if options.pay_again => Otherwise::OtherWeights,
        Some(which) => Otherwise::SameWeights(Some(which.clone()).filter(|which| !which.is_empty())),
        None => Otherwise::Stop,
    };
    Ok(Some(Memory { identities: Identities::at(store_path(options)?), otherwise }))
}

/// The file that completions are recorded to, where one was asked for.
pub fn recorder(options: &Options, engine: &dyn Engine) -> anyhow::Result<Option<Arc<Recorder>>> {
    let create = |file| Ok(Arc::new(Recorder::create_for(engine.info(), engine.opening(), file)?));
    options.record.as_ref().map(create).transpose()
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
        away: options.wait_for_server.unwrap_or(default.away),
        fields: requests::fields(options)?,
        headers: requests::headers(options)?,
        stream: options.stream_replies,
        ..default
    })
}

/// The proxy that the environment names for `https://` or for `http://`, without its password.
pub fn proxy(https: bool) -> Option<String> {
    let names = match https {
        true => ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        false => ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
    };
    names.iter().find_map(|name| {
        let value = env::var(name).ok().filter(|value| !value.is_empty())?;
        // A user and a password stand before the last @.
        let place = value.rsplit('@').next().unwrap_or_default();
        Some(format!("{name}={place}"))
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

/// Whether completions are kept: where a store is named, or else where they cost something.
pub fn keeps(options: &Options, paid: bool) -> bool {
    options.store.as_deref().map_or(paid, |path| path.as_os_str() != "none")
}

/// Whether the engine's fingerprint is a guess by what servers say, which may change although the weights do not.
pub fn is_guessed(options: &Options) -> bool {
    options.revision.is_none() && options.engine.iter().any(|spec| spec.contains("http://") || spec.contains("https://"))
}

/// The store that completions are kept in; none when it is switched off or when they cost nothing.
pub fn store(options: &Options, paid: bool) -> anyhow::Result<Option<Store>> {
    if !keeps(options, paid) {
        return Ok(None);
    }
    Ok(Some(Store::open(store_path(options)?)?))
}

/// Where the store is; its folder is there afterwards.
fn store_path(options: &Options) -> anyhow::Result<PathBuf> {
    let path = options.store.clone().map_or_else(default_store, Ok)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    Ok(path)
}

/// Where completions are kept unless --store says otherwise.
pub fn default_store() -> anyhow::Result<PathBuf> {
    let data = env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    Ok(data.context("neither XDG_DATA_HOME nor HOME is set; name a store with --store FILE")?.join("rrm/store.sqlite"))
}

impl Options {
    /// Files that a run reads or keeps, which its output must not replace.
    pub fn files<'a>(&'a self, inputs: &'a [PathBuf]) -> Vec<&'a Path> {
        let named = [&self.config, &self.store, &self.record, &self.batch_out];
        let format = self.format.as_ref().map(Path::new);
        named.into_iter().flatten().chain(inputs).map(PathBuf::as_path).chain(format).collect()
    }

    /// The renamed columns.
    pub fn columns(&self) -> anyhow::Result<ColumnNames> {
        Ok(ColumnNames::parse(&self.column)?)
    }
}
