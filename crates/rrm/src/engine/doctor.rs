//! Trial of a server -> a list of what works, what is missing, and how to mend it.

mod checks;
mod identity;

use serde::{Deserialize, Serialize};

use crate::engine::{
    EngineError,
    http::{self, HttpConfig, listing, server::ServerPool},
};

/// Report on the abilities of a server for judging.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorReport {
    /// Model and place, as far as they are known.
    pub server: String,
    /// Results of the checks, in the order in which they were made. Checks that depend on a failed one are left out.
    pub checks: Vec<Check>,
}

/// The outcome of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Name of the check, in a word or two.
    pub name: String,
    /// Outcome of the check.
    pub state: CheckState,
    /// Description of the observation.
    pub detail: String,
    /// Advice on how to mend it, if there is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// It works.
    Ok,
    /// The server does not have it; judging works without it.
    Missing,
    /// Judging will not work.
    Failed,
}

impl DoctorReport {
    /// Returns whether judging will work, that is, whether no check failed.
    pub fn is_usable(&self) -> bool {
        self.checks.iter().all(|check| check.state != CheckState::Failed)
    }
}

impl Check {
    fn new(name: &str, state: CheckState, detail: impl Into<String>, fix: Option<&str>) -> Self {
        Check { name: name.to_owned(), state, detail: detail.into(), fix: fix.map(str::to_owned) }
    }

    fn ok(name: &str, detail: impl Into<String>) -> Self {
        Check::new(name, CheckState::Ok, detail, None)
    }

    fn missing(name: &str, detail: impl Into<String>, fix: &str) -> Self {
        Check::new(name, CheckState::Missing, detail, Some(fix))
    }

    fn failed(name: &str, detail: impl Into<String>, fix: &str) -> Self {
        Check::new(name, CheckState::Failed, detail, Some(fix))
    }
}

/// Checks the server of `config` with about twenty short requests. Failures are part of the report.
pub async fn doctor(config: HttpConfig) -> DoctorReport {
    // Failures are part of the report, so they are hardly retried.
    let config = HttpConfig { max_retries: config.max_retries.min(1), ..config };
    let places: Vec<String> = config.urls.iter().map(|url| http::shown_address(url)).collect();
    let mut report = DoctorReport { server: places.join(", "), checks: Vec::new() };
    let server = match ServerPool::new(&config) {
        Ok(server) => server,
        Err(error) => {
            report.checks.push(Check::failed("configuration", said(&error), "correct the engine's address and options"));
            return report;
        }
    };
    report.server = server.name.clone();
    if !listed(&server, &config, &mut report.checks).await {
        return report;
    }
    match http::connect(config).await {
        Err(error) => {
            let fix = "see the server's log; `--model` must be a name that it knows, and it needs a chat template";
            report.checks.push(Check::failed("chat", said(&error), fix));
        }
        Ok(engine) => {
            report.server = engine.server.name.clone();
            report.checks.extend(checks::all(&engine).await);
        }
    }
    report
}

/// Checks that the replicas answer, accept the key and list a usable model. Returns whether further checks make sense.
async fn listed(server: &ServerPool, config: &HttpConfig, checks: &mut Vec<Check>) -> bool {
    let lists = listing::list(server).await;
    for (replica, list) in server.replicas().iter().zip(&lists) {
        let place = replica.base.shown();
        let fix = "start the server, or correct host and port; a server in a container must listen on 0.0.0.0";
        checks.push(match list {
            Err(EngineError::TimedOut { after, .. }) if config.model.is_some() => {
                Check::missing("reachable", format!("{place} does not list its models within {after:?}"), CHAT_COUNTS)
            }
            Err(error @ (EngineError::Unreachable { .. } | EngineError::TimedOut { .. })) => {
                Check::failed("reachable", format!("{place} {}", said(error)), fix)
            }
            _ => Check::ok("reachable", place),
        });
    }
    checks.push(key(config, &lists));
    let mut names: Vec<String> = lists.iter().flatten().flatten().map(|model| http::visible(&model.id)).collect();
    names.dedup();
    match listing::choose(&server.name, config, lists) {
        Ok(chosen) if names.contains(&http::visible(&chosen.id)) => {
            checks.push(Check::ok("models", format!("{} (listed: {})", http::visible(&chosen.id), names.join(", "))))
        }
        Ok(chosen) => {
            let detail = format!(
                "{} is not listed (listed: {})",
                http::visible(&chosen.id),
                if names.is_empty() { "none".to_owned() } else { names.join(", ") }
            );
            checks.push(Check::missing("models", detail, CHAT_COUNTS));
        }
        Err(error) => {
            checks.push(Check::failed("models", said(&error), "name the model with `--model`"));
            return false;
        }
    }
    true
}

const CHAT_COUNTS: &str = "nothing, as long as the chat works: some servers list only part of what they serve, or list it to few";

/// Returns the check of the key by the lists of models. A key may be allowed to chat and not to list, so a refusal decides nothing if a model is
/// named.
fn key(config: &HttpConfig, lists: &[Result<Vec<listing::ModelEntry>, EngineError>]) -> Check {
    let find = |wanted: fn(&&EngineError) -> bool| lists.iter().filter_map(|list| list.as_ref().err()).find(wanted);
    let valid = "export a valid key as RRM_API_KEY, or name its variable with --api-key-env NAME";
    if let Some(error) = find(|error| matches!(error, EngineError::Unauthorized { .. })) {
        return match config.model {
            Some(_) => Check::missing("key", format!("it may not list the models: {}", said(error)), CHAT_COUNTS),
            None => Check::failed("key", said(error), valid),
        };
    }
    match (config.key(), find(|error| matches!(error, EngineError::Status { .. }))) {
        (Some(_), _) => Check::ok("key", "the key was not refused"),
        (None, None) => Check::ok("key", "none is sent, and none was asked for"),
        // Some gateways answer a missing key with another status.
        (None, Some(error)) => Check::missing("key", format!("none is sent, and there is an error: {}", said(error)), valid),
    }
}

/// Returns the text of an error without the engine's name, which the report already has.
fn said(error: &EngineError) -> String {
    let text = error.to_string();
    text.split_once(": ").map_or(text.clone(), |(_, rest)| rest.to_owned())
}
