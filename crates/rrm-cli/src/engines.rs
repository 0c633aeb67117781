//! Options -> the engine, the format and the store that they name. Only this, `requests` and `options::server` read the environment.

use std::{
    env,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use rrm::{
    dataset::{DatasetError, Item},
    engine::{
        EngineError,
        http::{Continuation, HttpConfig, IdentityMemory, MismatchPolicy, Probes},
    },
    format::{Format, SHIPPED},
    spending::Spending,
    store::{Identities, Store},
};
use rrm_engines::{EngineSettings, OpenError, OpenedEngine, Storage};

use crate::{
    batch,
    failure::Failure,
    options::{AskArgs, BatchArgs, FORMAT, JudgeArgs, RunArgs, StoreArgs},
    output::note,
};

/// So many rows outside of a domain are shown.
const ROWS_NAMED: usize = 3;

/// Opens the engine that the options name; `thinks` where thinking may be cut at a budget.
pub async fn open(ask: &AskArgs, how: &RunArgs, spending: &Arc<Spending>, thinks: bool) -> Result<OpenedEngine, Failure> {
    if ask.engine.is_embedded() {
        return Err(Failure::usage("no judge named").with_hint(format!("--engine takes {}", rrm_engines::KNOWN)));
    }
    let mut settings = EngineSettings { memory: memory(ask, how)?, ..settings(ask, thinks)? };
    settings.http.probes = Some(Probes(spending.clone()));
    let (started, patience) = (Instant::now(), Duration::try_from_secs_f64(settings.http.away).unwrap_or_default());
    let mut said = false;
    loop {
        match rrm_engines::open(&ask.engine.engine, &settings).await {
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

/// The format of who judges rows, checked before anything is opened: of the embedded judge, which knows few rows, there is none to name.
pub fn format_for<I>(
    judge: &JudgeArgs,
    batch: &BatchArgs,
    items: impl FnOnce() -> Result<I, DatasetError>,
) -> Result<Option<Format>, Failure>
where
    I: Iterator<Item = Result<Item, DatasetError>>,
{
    if !judge.ask.engine.is_embedded() || batch.batch_out.is_some() {
        return Ok(Some(format(judge.ask.engine.format.as_deref())?));
    }
    check_embedded(&judge.ask)?;
    check_domain(items()?)?;
    Ok(None)
}

/// Opens who judges rows, by the format that [`format_for`] gave.
pub async fn open_for(
    judge: &JudgeArgs,
    (batch, how, spending): (&BatchArgs, &RunArgs, &Arc<Spending>),
    format: Option<Format>,
) -> Result<(OpenedEngine, Format), Failure> {
    let thinks = judge.thinking.max_thinking_tokens.is_some();
    match format {
        None => embedded(&judge.ask),
        Some(format) => match batch::engine(batch, &judge.ask) {
            Some(opened) => Ok((opened, format)),
            None => Ok((open(&judge.ask, how, spending, thinks).await?, format)),
        },
    }
}

/// The embedded judge with its format.
pub fn embedded(ask: &AskArgs) -> Result<(OpenedEngine, Format), Failure> {
    Ok(rrm_engines::embedded(&settings(ask, false)?)?)
}

/// Refuses options that the embedded judge has no use for.
pub fn check_embedded(ask: &AskArgs) -> Result<(), Failure> {
    let weights = ask.local.weights != Storage::default();
    let named = [("--format", ask.engine.format.is_some()), ("--weights", weights), ("--model", ask.model.model.is_some())];
    match named.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((option, _)) => {
            let error = format!("{option}: without --engine the embedded rrm-tiny judges, whose weights and format are fixed");
            Err(Failure::usage(error).with_hint(format!("--engine names another judge: {}", rrm_engines::KNOWN)))
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

fn settings(ask: &AskArgs, thinks: bool) -> anyhow::Result<EngineSettings> {
    // How a server continues a text takes a dozen calls to find out, and matters only under a budget.
    let continuation = if thinks { Continuation::Auto } else { Continuation::None };
    Ok(ask.local.settings(HttpConfig { continuation, ..ask.http()? }))
}

/// Who remembers servers, where completions are kept: the store.
fn memory(ask: &AskArgs, how: &RunArgs) -> anyhow::Result<Option<IdentityMemory>> {
    if !ask.store.keeps(true) {
        return Ok(None);
    }
    let otherwise = match &how.weights.same_weights {
        _ if how.pay_again => MismatchPolicy::OtherWeights,
        Some(which) => MismatchPolicy::SameWeights(Some(which.clone()).filter(|which| !which.is_empty())),
        None => MismatchPolicy::Stop,
    };
    Ok(Some(IdentityMemory { identities: Identities::at(store_path(&ask.store)?), otherwise }))
}

/// The format of this name, or the one in this file.
pub fn format(name: Option<&str>) -> Result<Format, Failure> {
    let name = name.unwrap_or(FORMAT);
    if SHIPPED.iter().any(|(shipped, _)| *shipped == name) {
        return Ok(Format::shipped(name)?);
    }
    let shipped: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
    let text = std::fs::read_to_string(name)
        .with_context(|| format!("format '{name}' is neither shipped nor a file that can be read"))
        .map_err(|error| Failure::user(error).with_hint(format!("shipped formats: {}", shipped.join(", "))))?;
    Ok(Format::parse(name, &text)?)
}

/// Whether the engine's fingerprint is a guess by what servers say, which may change although the weights do not.
pub fn is_guessed(ask: &AskArgs) -> bool {
    ask.server.revision.is_none() && is_server(&ask.engine.engine)
}

/// Whether these specs name servers.
pub fn is_server(specs: &[String]) -> bool {
    specs.iter().any(|spec| spec.contains("http://") || spec.contains("https://"))
}

/// The store that completions are kept in.
pub fn store(named: &StoreArgs) -> anyhow::Result<Store> {
    Ok(Store::open(store_path(named)?)?)
}

/// Where the store is; its folder is there afterwards.
fn store_path(named: &StoreArgs) -> anyhow::Result<PathBuf> {
    let path = named.store.clone().map_or_else(default_store, Ok)?;
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
