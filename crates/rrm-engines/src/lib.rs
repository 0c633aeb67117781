//! An engine spec such as `http://HOST:PORT`, `scalar:http://HOST:PORT`, `local:FOLDER`, `gguf:FILE`, `replay:FILE` or `scripted:first` -> an [`Engine`].
//!
//! The only crate that knows every engine.

use std::{path::Path, sync::Arc};

use rrm::{
    engine::{
        Engine, EngineError,
        http::{self, HttpConfig, IdentityMemory},
        replay::{RecordingError, ReplayEngine},
        scalar, scripted,
    },
    format::{Format, FormatError},
};
use rrm_nn::{
    embedded::EmbeddedModel,
    engine::{LocalEngine, SchedulerConfig},
    local::LocalConfig,
};

/// Settings of engines. Each engine ignores those that do not concern it.
#[derive(Clone, Debug, Default)]
pub struct EngineSettings {
    /// Settings of servers; `urls` are replaced by those of the specs.
    pub http: HttpConfig,
    /// The memory of servers' identities over several runs; `None` remembers nothing.
    pub memory: Option<IdentityMemory>,
    /// Context of models in process, in tokens; `None` means the trained context, for llama.cpp at most 16384.
    pub context_size: Option<u32>,
    /// Number of threads of models in process; `None` means all of the machine's, for llama.cpp all but one.
    pub threads: Option<u32>,
    /// The type in which the weights of a folder are kept.
    pub weights: Storage,
    /// Most bytes of keys and values of a folder's model; `None` means a quarter of the machine's memory.
    pub kv_bytes: Option<u64>,
}

/// An opened engine, with notes for the user.
pub struct OpenedEngine {
    /// The engine.
    pub engine: Arc<dyn Engine>,
    /// A sentence naming the sampling parameters that the engine takes from elsewhere if `top_k` or `min_p` are not set; `None` if there are none.
    pub defaults: Option<&'static str>,
    /// Notes for the user, one sentence each.
    pub notes: Vec<String>,
}

impl OpenedEngine {
    /// An engine without notes.
    pub fn of(engine: Arc<dyn Engine>) -> Self {
        OpenedEngine { engine, defaults: None, notes: Vec::new() }
    }
}

/// The reason why an engine could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A spec is invalid.
    #[error("engine '{spec}': {what}")]
    Spec {
        /// The spec as given.
        spec: String,
        /// What is wrong with it, and the valid forms.
        what: String,
    },
    /// Several engines were named that cannot be replicas of each other.
    #[error("several engines: only servers (http://...) can be replicas of one another, '{0}' cannot")]
    NotReplicas(String),
    /// The engine could not be started.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The recording cannot be read.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The format of the embedded judge is invalid.
    #[error(transparent)]
    Format(#[from] FormatError),
}

pub use rrm_nn::cpu::Storage;

/// The forms of specs, for help and errors.
pub const KNOWN: &str =
    "http://HOST:PORT, https://HOST, scalar:http://HOST:PORT, local:FOLDER, gguf:FILE, replay:FILE, scripted:RULE";

/// Whether these specs name engines without cost. It agrees with [`EngineInfo::paid`](rrm::engine::EngineInfo::paid) of the opened engines; plans use
/// it, which open none.
pub fn cost_nothing(specs: &[String]) -> bool {
    let free = |spec: &String| matches!(spec.split_once(':'), Some(("scripted" | "replay", _)));
    !specs.is_empty() && specs.iter().all(free)
}

/// Opens the engine that the specs name: one engine, or several servers as replicas of the same model.
///
/// # Errors
/// [`OpenError`] when a spec is invalid or its engine cannot be started.
pub async fn open(specs: &[String], settings: &EngineSettings) -> Result<OpenedEngine, OpenError> {
    let is_url = |spec: &String| spec.starts_with("http://") || spec.starts_with("https://");
    if specs.iter().all(is_url) && !specs.is_empty() {
        let config = HttpConfig { urls: specs.to_vec(), ..settings.http.clone() };
        let engine = Arc::new(match settings.memory.clone() {
            Some(memory) => http::connect_remembered(config, memory).await?,
            None => http::connect(config).await?,
        });
        let (notes, defaults) = (engine.notes().to_vec(), engine.sampling_defaults());
        return Ok(OpenedEngine { engine, defaults, notes });
    }
    let scalar: Vec<String> = specs.iter().filter_map(|spec| Some(spec.strip_prefix("scalar:")?.to_owned())).collect();
    if scalar.len() == specs.len() && !scalar.is_empty() {
        let engine = scalar::connect(HttpConfig { urls: scalar, ..settings.http.clone() }).await?;
        return Ok(OpenedEngine::of(Arc::new(engine)));
    }
    match specs {
        [spec] => Ok(OpenedEngine::of(in_process(spec, settings)?)),
        [] => Err(OpenError::Spec { spec: String::new(), what: format!("expected one of {KNOWN}") }),
        several => {
            let other = several.iter().find(|spec| !is_url(spec)).map(|spec| http::shown_address(spec));
            Err(OpenError::NotReplicas(other.unwrap_or_default()))
        }
    }
}

fn in_process(spec: &str, settings: &EngineSettings) -> Result<Arc<dyn Engine>, OpenError> {
    let unknown = |what: String| OpenError::Spec { spec: http::shown_address(spec), what };
    match spec.split_once(':') {
        Some(("scripted", rule)) => Ok(Arc::new(scripted::scripted(rule).map_err(unknown)?)),
        Some(("replay", file)) => Ok(Arc::new(ReplayEngine::open(Path::new(file))?)),
        Some(("local", "")) => Err(unknown("expected a folder with config.json, safetensors and tokenizer.json".to_owned())),
        Some(("local", folder)) => local(folder, settings),
        Some(("gguf", file)) => gguf(file, settings),
        _ => Err(unknown(match meant(spec) {
            Some(meant) => format!("there is no such engine; did you mean {meant}?"),
            None => "there is no such engine".to_owned(),
        })),
    }
}

/// Returns the spec that an address without a scheme, a port, a GGUF file or a model folder was probably meant to be. Returns `None` for texts
/// that may hold a secret.
pub fn meant(spec: &str) -> Option<String> {
    let path = Path::new(spec);
    let is_port = |text: &str| text.parse::<u16>().is_ok();
    let host = spec.split('/').next().unwrap_or_default();
    let is_public =
        |name: &str| ["ai", "cloud", "com", "dev", "io", "net", "org"].iter().any(|end| name.ends_with(&format!(".{end}")));
    match host.rsplit_once(':') {
        _ if spec.contains(['@', '?']) => None,
        _ if path.is_file() && path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gguf")) => {
            Some(format!("gguf:{spec}"))
        }
        _ if path.join("config.json").is_file() => Some(format!("local:{spec}")),
        _ if is_port(spec) => Some(format!("http://localhost:{spec}")),
        Some((name, port)) if is_port(port) && !name.is_empty() => Some(format!("http://{spec}")),
        None if host == "localhost" => Some(format!("http://{spec}")),
        None if is_public(host) => Some(format!("https://{spec}")),
        _ => None,
    }
}

/// Opens the judge that is embedded in the program, with its format. It judges only rows that [`rrm_tiny::domain::row`] accepts.
///
/// # Errors
/// [`OpenError`] when memory or threads are not available.
pub fn embedded(settings: &EngineSettings) -> Result<(OpenedEngine, Format), OpenError> {
    let model = EmbeddedModel { name: "rrm-tiny", files: rrm_tiny::MODEL };
    let engine = Arc::new(LocalEngine::embedded(model, settings.threads.map(|threads| threads as usize), &scheduler(settings))?);
    let format = Format::parse(model.name, rrm_tiny::formats::JUDGE)?;
    let notes = vec![format!("rrm-tiny judges: {}", rrm_tiny::NOTICE)];
    Ok((OpenedEngine { notes, ..OpenedEngine::of(engine) }, format))
}

fn scheduler(settings: &EngineSettings) -> SchedulerConfig {
    let context = settings.context_size.map(|tokens| tokens as usize);
    SchedulerConfig { context, kv_bytes: settings.kv_bytes, ..SchedulerConfig::default() }
}

fn local(folder: &str, settings: &EngineSettings) -> Result<Arc<dyn Engine>, OpenError> {
    let scheduler = scheduler(settings);
    let threads = settings.threads.map(|threads| threads as usize);
    Ok(Arc::new(LocalEngine::open(LocalConfig { storage: settings.weights, threads, scheduler, ..LocalConfig::new(folder) })?))
}

#[cfg(feature = "gguf")]
fn gguf(file: &str, settings: &EngineSettings) -> Result<Arc<dyn Engine>, OpenError> {
    let config = rrm_llama::LlamaConfig { path: file.into(), context: settings.context_size, threads: settings.threads };
    Ok(Arc::new(rrm_llama::LlamaEngine::open(config)?))
}

#[cfg(not(feature = "gguf"))]
fn gguf(file: &str, _: &EngineSettings) -> Result<Arc<dyn Engine>, OpenError> {
    let what = "this rrm was built without llama.cpp; build it with --features gguf (needs cmake and clang)".to_owned();
    Err(OpenError::Spec { spec: format!("gguf:{file}"), what })
}

#[cfg(test)]
mod tests {
    use super::meant;

    #[test]
    fn a_spec_without_a_scheme_is_guessed_for_the_message() {
        for (spec, expected) in [
            ("8000", "http://localhost:8000"),
            ("localhost:8000", "http://localhost:8000"),
            ("10.0.0.2:8000/v1", "http://10.0.0.2:8000/v1"),
            ("localhost", "http://localhost"),
            ("api.openai.com/v1", "https://api.openai.com/v1"),
        ] {
            assert_eq!(meant(spec).as_deref(), Some(expected), "{spec}");
        }
        for spec in ["gpt", "gpt-4.1", "model.gguf", "me:secret@host:8000", "host:8000?key=x", ":8000", "", "99999"] {
            assert_eq!(meant(spec), None, "{spec}");
        }
    }
}
