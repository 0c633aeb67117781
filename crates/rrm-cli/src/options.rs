//! Flags and a TOML file with the same names -> resolved options.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use rrm::{
    engine::{
        Sampling,
        http::{HttpConfig, shown_address},
    },
    judge::{Adaptive, JudgeSettings},
    rank::{RankSettings, TeamRule},
    shard::Shard,
    spending::{Limits, Price},
    strategy::Strategy,
};
use rrm_engines::Storage;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Options of the commands that judge. Every one can stand in the file given by --config under the same name.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Options {
    /// Read options from this TOML file; flags override it.
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Who judges: http://HOST:PORT, local:FOLDER, gguf:FILE, replay:FILE, scripted:RULE; repeat it for replicas of one server.
    /// Without it `judge`, `rank` and `label` ask the embedded rrm-tiny, which knows two-digit arithmetic and refuses everything else.
    #[arg(long, value_name = "SPEC", help_heading = "Judge")]
    pub engine: Vec<String>,
    /// The model's name at the server; the only one it lists if left out.
    #[arg(long, value_name = "NAME", help_heading = "Judge")]
    pub model: Option<String>,
    /// Judge format: rrm, direct, arena-hard, or a file [default: rrm; rrm-tiny has its own].
    #[arg(long, value_name = "NAME|FILE", help_heading = "Judge")]
    pub format: Option<String>,
    /// Samples of each comparison, by majority [default: 1].
    #[arg(long, value_name = "K", help_heading = "Judge")]
    pub votes: Option<u32>,
    /// Stop voting once the rest cannot change the majority: sparing (fewest tokens) or eager (shortest wait).
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "sparing", value_parser = named::<Adaptive>, help_heading = "Judge")]
    pub adaptive: Option<Adaptive>,
    /// Let every second vote see the responses in the other order.
    #[arg(long, help_heading = "Judge")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub both_orders: bool,
    /// Cut thinking after this many tokens and elicit the verdict.
    #[arg(long, value_name = "N", help_heading = "Judge")]
    pub max_thinking_tokens: Option<u32>,
    /// Under --max-thinking-tokens, end a text with its first complete verdict. Spares tokens; a model that would have gone on to another
    /// verdict is read otherwise. In process only (local:).
    #[arg(long, help_heading = "Judge")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stop_at_verdict: bool,
    /// New tokens at most [default: 8192].
    #[arg(long, value_name = "N", help_heading = "Judge")]
    pub max_tokens: Option<u32>,
    /// Softmax temperature, 0 is greedy [default: 0.6].
    #[arg(long, value_name = "T", allow_negative_numbers = true, help_heading = "Judge")]
    pub temperature: Option<f64>,
    /// Nucleus mass [default: 1].
    #[arg(long, value_name = "P", help_heading = "Judge")]
    pub top_p: Option<f64>,
    /// Keep this many likeliest tokens.
    #[arg(long, value_name = "K", help_heading = "Judge")]
    pub top_k: Option<u32>,
    /// Keep tokens at least this likely relative to the likeliest.
    #[arg(long, value_name = "P", help_heading = "Judge")]
    pub min_p: Option<f64>,
    /// Seed of everything random: orders, brackets, coins, samples [default: 0].
    #[arg(long, value_name = "N", help_heading = "Judge")]
    pub seed: Option<u64>,
    /// How `rank` orders responses: knockout, elo, bradley-terry, win-rate [default: knockout].
    #[arg(long, value_name = "NAME", value_parser = named::<Strategy>, help_heading = "Ranking")]
    pub strategy: Option<Strategy>,
    /// Opponents of each response where ratings are used [default: all].
    #[arg(long, value_name = "M", help_heading = "Ranking")]
    pub opponents: Option<usize>,
    /// Which responses count as equal and never meet: text (same text), answer (same `answer` field), off [default: text].
    #[arg(long, value_name = "RULE", value_parser = named::<TeamRule>, help_heading = "Ranking")]
    pub teams: Option<TeamRule>,
    /// Where rows hold what: NAME=COLUMN, such as prompt=instruction+input or responses=a,b. Repeatable.
    #[arg(long, value_name = "NAME=COLUMN", help_heading = "Data")]
    pub column: Vec<String>,
    /// Leave rows out that cannot be used, such as those with a null response, and say how many and which; else nothing is judged.
    #[arg(long, help_heading = "Data")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub skip_bad_rows: bool,
    /// Write results here, with what was spent in FILE.stats.json and the options in FILE.config.toml.
    #[arg(short, long, value_name = "FILE", help_heading = "Data")]
    #[serde(skip)]
    pub output: Option<PathBuf>,
    /// Keep completions here, or `none` [default: the user's data directory, rrm/store.sqlite].
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub store: Option<PathBuf>,
    /// Ask also where the store holds answers of this model about the same rows under another fingerprint, which are not found.
    #[arg(long, help_heading = "Data")]
    #[serde(skip)]
    pub pay_again: bool,
    /// Go on where a server answers otherwise than the store remembers: its weights are the same. Also uses what earlier versions stored of this model;
    /// HASH begins that fingerprint where there are several.
    #[arg(long, value_name = "HASH", num_args = 0..=1, require_equals = true, default_missing_value = "", help_heading = "Data")]
    #[serde(skip)]
    pub same_weights: Option<String>,
    /// Record every completion to this file, for the engine replay:FILE.
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    #[serde(skip)]
    pub record: Option<PathBuf>,
    /// Print what the judge writes to stderr as it writes, one comparison after the other.
    #[arg(long, help_heading = "Data")]
    #[serde(skip)]
    pub stream: bool,
    /// Work on one of N equal parts of the rows only, such as 2/8. The input is read and checked whole.
    #[arg(long, value_name = "I/N", help_heading = "Scale")]
    pub shard: Option<Shard>,
    /// Ask nobody: write the requests that the store does not answer to this file, for `vllm run-batch`. Needs --model, --revision, -o.
    #[arg(long, value_name = "FILE", help_heading = "Scale")]
    #[serde(skip)]
    pub batch_out: Option<PathBuf>,
    /// Requests in flight [default: 64].
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub concurrency: Option<usize>,
    /// Stop before more requests than this are sent; each time that one is sent again after a failure counts.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub max_calls: Option<u64>,
    /// Stop once this much was spent, by --price-prompt and --price-completion.
    #[arg(long, value_name = "MONEY", help_heading = "Limits")]
    pub max_cost: Option<f64>,
    /// Price of a million prompt tokens.
    #[arg(long, value_name = "MONEY", help_heading = "Limits")]
    pub price_prompt: Option<f64>,
    /// Price of a million written tokens.
    #[arg(long, value_name = "MONEY", help_heading = "Limits")]
    pub price_completion: Option<f64>,
    /// Requests a minute at most.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub requests_per_minute: Option<u32>,
    /// Tokens a minute at most.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub tokens_per_minute: Option<u32>,
    /// Environment variable that holds the server's key [default: RRM_API_KEY, if set].
    #[arg(long, value_name = "NAME", help_heading = "Server")]
    pub api_key_env: Option<String>,
    /// Names the state of the weights where a server cannot tell it; part of where completions are stored.
    #[arg(long, value_name = "TEXT", help_heading = "Server")]
    pub revision: Option<String>,
    /// Seconds that one request may take [default: 600].
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, help_heading = "Server")]
    pub timeout: Option<f64>,
    /// Further tries of a request that failed for a passing reason [default: 5].
    #[arg(long, value_name = "N", help_heading = "Server")]
    pub max_retries: Option<u32>,
    /// Seconds to wait for a server that is not up yet, or is away for a restart [default: 0].
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, help_heading = "Server")]
    pub wait_for_server: Option<f64>,
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
    /// Send only so many low bits of each seed, such as 31 [default: 53].
    #[arg(long, value_name = "N", help_heading = "Server")]
    pub seed_bits: Option<u32>,
    /// Put the system message into the user's, for models without a system role.
    #[arg(long, help_heading = "Server")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub system_as_user: bool,
    /// Have answers sent as they are written, at full concurrency: for gateways that close connections on which nothing comes for a while.
    #[arg(long, help_heading = "Server")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stream_replies: bool,
    /// Context of a model in process, in tokens [default: what it was trained with; gguf: up to 16384].
    #[arg(long, value_name = "N", help_heading = "Model in process")]
    pub context_size: Option<u32>,
    /// Threads of a model in process [default: all; gguf: all but one].
    #[arg(long, value_name = "N", help_heading = "Model in process")]
    pub threads: Option<u32>,
    /// How local: keeps weights: as-stored, f32, bf16 or int8 (faster, other texts) [default: as-stored].
    #[arg(long, value_name = "HOW", value_parser = named::<Storage>, help_heading = "Model in process")]
    pub weights: Option<Storage>,
    /// Most MiB of keys and values that local: holds [default: a quarter of the memory].
    #[arg(long, value_name = "MIB", help_heading = "Model in process")]
    pub kv_cache: Option<u64>,
}

/// A value of an enum by the name that it has in files.
pub fn named<T: DeserializeOwned>(name: &str) -> Result<T, String> {
    serde_json::from_value(name.into()).map_err(|error| error.to_string())
}

impl Options {
    /// Flags over the file that they name.
    pub fn resolve(self) -> anyhow::Result<Options> {
        let Some(path) = self.config.clone() else { return Ok(self) };
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let file: Options = toml::from_str(&text).with_context(|| path.display().to_string())?;
        let mut merged = table(&file)?;
        merged.extend(table(&self)?.into_iter().filter(|(_, value)| value.as_array().is_none_or(|a| !a.is_empty())));
        let Options { config, output, record, stream, batch_out, pay_again, same_weights, .. } = self;
        Ok(Options { config, output, record, stream, batch_out, pay_again, same_weights, ..merged.try_into()? })
    }

    /// How comparisons are judged.
    pub fn judge(&self) -> JudgeSettings {
        let default = JudgeSettings::default();
        JudgeSettings {
            votes: self.votes.unwrap_or(default.votes),
            both_orders: self.both_orders,
            adaptive: self.adaptive.unwrap_or(default.adaptive),
            max_thinking_tokens: self.max_thinking_tokens,
            stop_at_verdict: self.stop_at_verdict,
            sampling: Sampling {
                temperature: self.temperature.unwrap_or(default.sampling.temperature),
                top_p: self.top_p.unwrap_or(default.sampling.top_p),
                top_k: self.top_k,
                min_p: self.min_p,
                max_tokens: self.max_tokens.unwrap_or(default.sampling.max_tokens),
            },
            seed: self.seed.unwrap_or(default.seed),
        }
    }

    /// How responses are ranked.
    pub fn rank(&self) -> RankSettings {
        RankSettings {
            strategy: self.strategy.unwrap_or_default(),
            opponents: self.opponents,
            teams: self.teams.unwrap_or_default(),
        }
    }

    /// What may be spent.
    pub fn limits(&self) -> Limits {
        Limits { max_calls: self.max_calls, max_cost: self.max_cost, price: self.price() }
    }

    /// What tokens cost.
    pub fn price(&self) -> Price {
        Price { prompt: self.price_prompt.unwrap_or(0.0), completion: self.price_completion.unwrap_or(0.0) }
    }

    /// Requests in flight.
    pub fn concurrency(&self) -> usize {
        if self.stream { 1 } else { self.concurrency.unwrap_or(64) }
    }

    /// Rows that are worked on at once.
    pub fn window(&self) -> usize {
        self.concurrency().saturating_mul(2).max(16)
    }

    /// The same options with every default filled in, so that a saved file says what was really used.
    pub fn filled(&self) -> Options {
        let (judge, rank, server) = (self.judge(), self.rank(), HttpConfig::default());
        let sent = |field: &str| !self.without_field.iter().any(|name| name == field);
        Options {
            // Without an engine the embedded judge has its own.
            format: self.format.clone().or_else(|| (!self.engine.is_empty()).then(|| "rrm".to_owned())),
            votes: Some(judge.votes),
            adaptive: Some(judge.adaptive),
            max_tokens: Some(judge.sampling.max_tokens).filter(|_| sent("max_tokens")),
            temperature: Some(judge.sampling.temperature).filter(|_| sent("temperature")),
            top_p: Some(judge.sampling.top_p).filter(|_| sent("top_p")),
            seed: Some(judge.seed),
            strategy: Some(rank.strategy),
            teams: Some(rank.teams),
            concurrency: Some(self.concurrency()),
            timeout: Some(self.timeout.unwrap_or(server.timeout)),
            max_retries: Some(self.max_retries.unwrap_or(server.max_retries)),
            ..self.without_secrets()
        }
    }

    /// The same options without the names, passwords and keys that addresses may hold: what files are written of.
    pub fn without_secrets(&self) -> Options {
        Options { engine: self.engine.iter().map(|spec| shown_address(spec)).collect(), ..self.clone() }
    }

    /// Refuses values that could only be mistakes.
    pub fn check(&self) -> anyhow::Result<()> {
        let within = |value: Option<u64>, most: u64| value.is_none_or(|value| (1..=most).contains(&value));
        anyhow::ensure!(within(self.votes.map(u64::from), 10_000), "--votes must lie between 1 and 10000");
        anyhow::ensure!(within(self.concurrency.map(|n| n as u64), 1_000_000), "--concurrency must lie between 1 and 1000000");
        // TOML has no larger integers, and the saved options must be readable again.
        anyhow::ensure!(self.seed.is_none_or(|seed| seed <= i64::MAX as u64), "--seed must not exceed {}", i64::MAX);
        let stops = !self.stop_at_verdict || self.max_thinking_tokens.is_some();
        anyhow::ensure!(stops, "--stop-at-verdict ends a text under a thinking budget: it needs --max-thinking-tokens");
        let blind = self.engine.iter().find(|spec| !["local:", "replay:"].iter().any(|kind| spec.starts_with(kind)));
        if let Some(engine) = blind.filter(|_| self.stop_at_verdict) {
            anyhow::bail!("--stop-at-verdict: '{engine}' does not end a text at its verdict, only local:FOLDER does");
        }
        let one = !self.pay_again || self.same_weights.is_none();
        anyhow::ensure!(one, "--same-weights and --pay-again: the weights are either the same or others");
        let unnamed = self.revision.is_none() || self.same_weights.is_none();
        anyhow::ensure!(
            unnamed,
            "--same-weights and --revision: where the weights are named, nothing is remembered of how they answer"
        );
        crate::batch::check(self)?;
        crate::requests::check(self)?;
        anyhow::ensure!(within(self.threads.map(u64::from), 1024), "--threads must lie between 1 and 1024");
        anyhow::ensure!(self.context_size != Some(0), "--context-size must be at least 1");
        anyhow::ensure!(self.kv_cache != Some(0), "--kv-cache must be at least 1");
        let money = |value: Option<f64>| value.is_none_or(|value| value.is_finite() && value >= 0.0);
        let priced = [self.max_cost, self.price_prompt, self.price_completion].into_iter().all(money);
        anyhow::ensure!(priced, "--max-cost, --price-prompt and --price-completion must be amounts of money");
        anyhow::ensure!(self.timeout.is_none_or(|t| t.is_finite() && t > 0.0), "--timeout must be a positive number of seconds");
        let waits = self.wait_for_server.is_none_or(|seconds| (0.0..=1e6).contains(&seconds));
        anyhow::ensure!(waits, "--wait-for-server must be a number of seconds up to a million");
        anyhow::ensure!(self.min_p.is_none_or(|p| (0.0..=1.0).contains(&p)), "--min-p must lie between 0 and 1");
        anyhow::ensure!(self.opponents != Some(0), "--opponents 0: ratings need at least one opponent each");
        anyhow::ensure!(self.max_tokens != Some(0), "--max-tokens 0: a judge has to write something");
        anyhow::ensure!(self.temperature.is_none_or(|t| t.is_finite() && t >= 0.0), "--temperature must not be negative");
        anyhow::ensure!(self.top_p.is_none_or(|p| p > 0.0 && p <= 1.0), "--top-p must lie above 0 and not above 1");
        let knockout = self.strategy.unwrap_or_default() == Strategy::Knockout;
        anyhow::ensure!(
            !(knockout && self.opponents.is_some()),
            "--opponents needs a rating: rrm rank with --strategy elo, bradley-terry or win-rate"
        );
        let priced = self.price_prompt.is_some() || self.price_completion.is_some();
        anyhow::ensure!(self.max_cost.is_none() || priced, "--max-cost needs --price-prompt and --price-completion");
        Ok(())
    }
}

fn table(options: &Options) -> anyhow::Result<toml::Table> {
    Ok(toml::Table::try_from(options)?)
}

/// The options with their defaults, as the text of a file that --config reads back.
pub fn to_toml(options: &Options, input: &str) -> anyhow::Result<String> {
    Ok(format!("# rrm {} on {input}\n{}", env!("CARGO_PKG_VERSION"), toml::to_string(&options.filled())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A help text cannot take its number from the code, so the two are compared.
    #[test]
    fn help_tells_the_defaults_that_hold() {
        let command = Options::augment_args(clap::Command::new("rrm"));
        let (judge, server) = (JudgeSettings::default(), HttpConfig::default());
        let defaults = [
            ("votes", judge.votes.to_string()),
            ("max_tokens", judge.sampling.max_tokens.to_string()),
            ("temperature", judge.sampling.temperature.to_string()),
            ("top_p", judge.sampling.top_p.to_string()),
            ("seed", judge.seed.to_string()),
            ("concurrency", Options::default().concurrency().to_string()),
            ("timeout", server.timeout.to_string()),
            ("max_retries", server.max_retries.to_string()),
            ("wait_for_server", server.away.to_string()),
        ];
        for (name, default) in defaults {
            let argument = command.get_arguments().find(|argument| argument.get_id() == name).unwrap();
            let help = argument.get_help().unwrap().to_string();
            assert!(help.contains(&format!("[default: {default}]")), "--{name}: {help}, but the default is {default}");
        }
    }
}
