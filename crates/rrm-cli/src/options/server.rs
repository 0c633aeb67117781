//! Options of servers and of models in process.

use std::env;

use clap::Args;
use rrm::engine::http::HttpConfig;
use rrm_engines::{EngineSettings, Storage};

use super::{CommandCall, default_word, named, requests};
use crate::failure::{ensure, usage};

/// The variable with a server's key, unless --api-key-env names another one.
const API_KEY: &str = "RRM_API_KEY";

/// How a server is reached, and what it wants in requests.
#[derive(Args, Clone, Debug)]
pub struct ServerArgs {
    /// Environment variable that holds the server's key [default: RRM_API_KEY, if set].
    #[arg(long, value_name = "NAME", help_heading = "Server")]
    pub api_key_env: Option<String>,
    /// Name or version of the weights, where the server does not state it. Completions are stored under it.
    #[arg(long, value_name = "TEXT", help_heading = "Server")]
    pub revision: Option<String>,
    /// Seconds that one request may take.
    #[arg(long, value_name = "SECONDS", default_value_t = HttpConfig::default().timeout, allow_negative_numbers = true, help_heading = "Server")]
    pub timeout: f64,
    /// Further tries of a request that failed for a passing reason.
    #[arg(long, value_name = "N", default_value_t = HttpConfig::default().max_retries, help_heading = "Server")]
    pub max_retries: u32,
    /// Send this with every request; a key stands in the environment: 'api-key: ${VARIABLE}'. Repeatable.
    #[arg(long, value_name = "NAME: VALUE", help_heading = "Server")]
    pub header: Vec<String>,
    /// Add a field to every request, such as reasoning_effort=low or chat_template_kwargs={"enable_thinking":false}. Repeatable.
    #[arg(long, value_name = "NAME=JSON", help_heading = "Server")]
    pub request_field: Vec<String>,
    /// Leave a field out that the server refuses, such as seed, temperature or top_p. Repeatable.
    #[arg(long, value_name = "NAME", help_heading = "Server")]
    pub without_field: Vec<String>,
    /// Send a field under another name, such as max_tokens=max_completion_tokens. Repeatable.
    #[arg(long, value_name = "NAME=OTHER", help_heading = "Server")]
    pub rename_field: Vec<String>,
    /// Send only the low N bits of each seed, such as 31, where a server takes no larger numbers.
    #[arg(long, value_name = "N", help_heading = "Server")]
    pub seed_bits: Option<u32>,
    /// Request streamed replies, for gateways that close idle connections. Works at full concurrency.
    #[arg(long, help_heading = "Server")]
    pub stream_replies: bool,
}

/// What matters of a server only while it judges, and not when it is tried.
#[derive(Args, Clone, Copy, Debug)]
pub struct WorkArgs {
    /// Seconds to wait for a server that is not up yet, or is away for a restart.
    #[arg(long, value_name = "SECONDS", default_value_t = HttpConfig::default().away, allow_negative_numbers = true, help_heading = "Server")]
    pub wait_for_server: f64,
    /// Put the system message into the user's, for models without a system role.
    #[arg(long, help_heading = "Server")]
    pub system_as_user: bool,
}

/// How a model in process is run.
#[derive(Args, Clone, Copy, Debug)]
pub struct LocalArgs {
    /// Context of a model in process, in tokens [default: what it was trained with; gguf: up to 16384].
    #[arg(long, value_name = "N", help_heading = "Model in process")]
    pub context_size: Option<u32>,
    /// Threads of a model in process [default: all; gguf: all but one].
    #[arg(long, value_name = "N", help_heading = "Model in process")]
    pub threads: Option<u32>,
    /// How local: keeps weights: as-stored, f32, bf16 or int8 (faster, other texts).
    #[arg(long, value_name = "HOW", default_value = default_word(Storage::default()), value_parser = named::<Storage>, help_heading = "Model in process")]
    pub weights: Storage,
    /// Most MiB of keys and values that local: holds [default: a quarter of the memory].
    #[arg(long, value_name = "MIB", help_heading = "Model in process")]
    pub kv_cache: Option<u64>,
}

impl ServerArgs {
    /// Returns the settings of a server, without its addresses and the limits per minute.
    pub fn config(&self, model: Option<String>) -> anyhow::Result<HttpConfig> {
        let api_key = match &self.api_key_env {
            Some(name) => {
                let missing = || usage(format!("--api-key-env {name}: the environment has no such variable"));
                Some(env::var(name).map_err(|_| missing())?)
            }
            None => env::var(API_KEY).ok(),
        };
        Ok(HttpConfig {
            model,
            api_key,
            timeout: self.timeout,
            max_retries: self.max_retries,
            revision: self.revision.clone(),
            fields: requests::fields(self)?,
            headers: requests::headers(self)?,
            stream: self.stream_replies,
            ..HttpConfig::default()
        })
    }

    /// Refuses invalid values and combinations of options.
    pub fn check(&self, called: &CommandCall) -> anyhow::Result<()> {
        ensure!(self.timeout.is_finite() && self.timeout > 0.0, "--timeout must be a positive number of seconds");
        requests::check(self, called)
    }
}

impl WorkArgs {
    /// Refuses an invalid time to wait.
    pub fn check(self) -> anyhow::Result<()> {
        let waits = (0.0..=1e6).contains(&self.wait_for_server);
        ensure!(waits, "--wait-for-server must be a number of seconds up to a million");
        Ok(())
    }
}

impl LocalArgs {
    /// Returns the settings of engines, including those of servers.
    pub fn settings(self, http: HttpConfig) -> EngineSettings {
        EngineSettings {
            http,
            memory: None,
            context_size: self.context_size,
            threads: self.threads,
            weights: self.weights,
            kv_bytes: self.kv_cache.map(|mib| mib.saturating_mul(1 << 20)),
        }
    }

    /// Refuses invalid values.
    pub fn check(self) -> anyhow::Result<()> {
        ensure!(self.threads.is_none_or(|threads| (1..=1024).contains(&threads)), "--threads must lie between 1 and 1024");
        ensure!(self.context_size != Some(0), "--context-size must be at least 1");
        ensure!(self.kv_cache != Some(0), "--kv-cache must be at least 1");
        Ok(())
    }
}
