//! Options -> engine, format and store. Only this module, `requests` and `options::server` read the environment.

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

/// Most rows outside of the embedded judge's domain that are shown.
const ROWS_NAMED: usize = 3;

/// Opens the engine that the options name; `thinks` says whether thinking may be cut at a budget.
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

/// Time between two attempts to reach a server that is starting.
const BETWEEN: Duration = Duration::from_millis(500);

/// Whether an error may come from a server that is starting: nobody listens yet, or a gateway or loading model says so.
fn is_starting(error: &EngineError) -> bool {
    matches!(error, EngineError::Unreachable { .. } | EngineError::Status { status: 502..=504, .. })
}

/// Returns the format for judging rows, before anything is opened. For the embedded judge, which has its own format, it checks that the rows are in
/// its domain and returns `None`.
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

/// Opens the engine for judging rows, with the format from [`format_for`].
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

/// Opens the embedded judge with its format.
pub fn embedded(ask: &AskArgs) -> Result<(OpenedEngine, Format), Failure> {
    Ok(rrm_engines::embedded(&settings(ask, false)?)?)
}

/// Refuses options that do not apply to the embedded judge.
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

/// Refuses a run with rows for which the embedded judge was not trained, and names the first of them.
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
    // Finding out how a server continues a text takes a dozen calls and matters only under a thinking budget.
    let continuation = if thinks { Continuation::Auto } else { Continuation::None };
    Ok(ask.local.settings(HttpConfig { continuation, ..ask.http()? }))
}

/// Returns the store as the memory of servers' identities, if completions are kept.
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

/// Loads a shipped format, or one from a file.
pub fn format(name: Option<&str>) -> Result<Format, Failure> {
    let name = name.unwrap_or(FORMAT);
    if SHIPPED.iter().any(|(shipped, _)| *shipped == name) {
        return Ok(Format::shipped(name)?);
    }
    let shipped: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
    let text = std::fs::read_to_string(name)
        .with_context(|| format!("format '{name}' is neither shipped nor a file that can be read"))
        .map_err(|error| Failure::user(error).with_hint(format!("shipped formats: {}", shipped.join(", "))))?;
    let format = Format::parse(name, &text)?;
    format.shows_both()?;
    if !format.file.compares {
        note(&format!(
            "format {name} asks for no comparison (compares = false): verdicts in its answers say nothing about the responses"
        ));
    }
    Ok(format)
}

/// Whether the engine's fingerprint is derived from a server's statements, which may change although the weights do not.
pub fn is_guessed(ask: &AskArgs) -> bool {
    ask.server.revision.is_none() && is_server(&ask.engine.engine)
}

/// Whether these specs name servers.
pub fn is_server(specs: &[String]) -> bool {
    specs.iter().any(|spec| spec.contains("http://") || spec.contains("https://"))
}

/// Opens the store for completions.
pub fn store(named: &StoreArgs) -> anyhow::Result<Store> {
    Ok(Store::open(store_path(named)?)?)
}

/// Returns the path of the store, and creates its folder.
fn store_path(named: &StoreArgs) -> anyhow::Result<PathBuf> {
    let path = named.store.clone().map_or_else(default_store, Ok)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    Ok(path)
}

/// Returns the default path of the store.
pub fn default_store() -> anyhow::Result<PathBuf> {
    let data = env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    Ok(data.context("neither XDG_DATA_HOME nor HOME is set; name a store with --store FILE")?.join("rrm/store.sqlite"))
}
