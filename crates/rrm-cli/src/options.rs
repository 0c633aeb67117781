//! Groups of options. A command is composed of the groups that it uses, so it lists no option that it would refuse or ignore. A default in a help
//! text is that of the settings that the option becomes.

pub mod brief;
pub mod called;
mod file;
mod judging;
mod keeping;
pub mod kinds;
mod planned;
mod requests;
mod server;

use std::path::PathBuf;

use clap::Args;
use rrm::{
    engine::http::{HttpConfig, RequestFields},
    judge::JudgeSettings,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::output::note;

pub use self::{
    called::{CommandCall, ConfigArgs, SavedOptions},
    judging::{
        EngineArgs, LengthArgs, ModelArgs, OrderArgs, RatingArgs, SamplingArgs, SeedArgs, TeamArgs, ThinkingArgs, VerdictArgs,
        VoteArgs,
    },
    keeping::{
        AbstainedArgs, BatchArgs, ColumnArgs, LimitArgs, PriceArgs, RowVoteArgs, RunArgs, ShardArgs, SkipArgs, StoreArgs,
        WeightArgs,
    },
    requests::mends,
    server::{LocalArgs, ServerArgs, WorkArgs},
};

/// The default judge format.
pub const FORMAT: &str = "rrm";

/// Whom to ask and how to reach it, at what cost: of every command that opens an engine.
#[derive(Args, Clone, Debug)]
pub struct AskArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub engine: EngineArgs,
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub length: LengthArgs,
    #[command(flatten)]
    pub sampling: SamplingArgs,
    #[command(flatten)]
    pub seed: SeedArgs,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub limits: LimitArgs,
    #[command(flatten)]
    pub price: PriceArgs,
    #[command(flatten)]
    pub server: ServerArgs,
    #[command(flatten)]
    pub work: WorkArgs,
    #[command(flatten)]
    pub local: LocalArgs,
}

/// The same with how often a judge is asked and how far it may think: of every command that judges comparisons.
#[derive(Args, Clone, Debug)]
pub struct JudgeArgs {
    #[command(flatten)]
    pub ask: AskArgs,
    #[command(flatten)]
    pub votes: VoteArgs,
    #[command(flatten)]
    pub orders: OrderArgs,
    #[command(flatten)]
    pub thinking: ThinkingArgs,
    #[command(flatten)]
    pub verdict: VerdictArgs,
}

impl AskArgs {
    /// Returns the settings for judging comparisons: one vote in one order, unless a command changes that.
    pub fn settings(&self) -> JudgeSettings {
        let sampling = self.sampling.sampling(self.length);
        JudgeSettings { sampling, seed: self.seed.seed, ..JudgeSettings::default() }
    }

    /// Returns the settings of a server, without its addresses.
    pub fn http(&self) -> anyhow::Result<HttpConfig> {
        let LimitArgs { concurrency, requests_per_minute, tokens_per_minute, .. } = self.limits;
        let WorkArgs { wait_for_server, system_as_user } = self.work;
        let config = self.server.config(self.model.model.clone())?;
        let fields = RequestFields { system_as_user, ..config.fields.clone() };
        Ok(HttpConfig { concurrency, requests_per_minute, tokens_per_minute, away: wait_for_server, fields, ..config })
    }

    /// Refuses invalid values and combinations of options.
    pub fn check(&self, called: &CommandCall) -> anyhow::Result<()> {
        self.length.check()?;
        self.sampling.check()?;
        self.seed.check()?;
        self.limits.check(self.price)?;
        self.server.check(called)?;
        self.work.check()?;
        self.local.check()
    }

    /// Returns the files that a run reads or keeps, which its output must not replace; `others` are those of the command.
    pub fn files(&self, run: &RunArgs, others: &[PathBuf]) -> Vec<PathBuf> {
        let format = self.engine.format.as_ref().map(PathBuf::from);
        let named = [&self.config.config, &self.store.store, &run.record, &format];
        named.into_iter().flatten().chain(others).cloned().collect()
    }

    /// Returns the options to save, so that the command can be repeated with them.
    pub fn saved(&self, called: &CommandCall) -> SavedOptions {
        let saved = match &self.engine.format {
            // The embedded judge has its own format.
            None if !self.engine.is_embedded() => called.saved().with("format", FORMAT),
            _ => called.saved(),
        };
        // Fields that are left out of requests have no value to save.
        let left_out: Vec<String> = self.server.without_field.iter().map(|field| field.replace('_', "-")).collect();
        saved.without(&left_out.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Returns the number of rows that are worked on at once.
    pub fn window(&self, run: &RunArgs) -> usize {
        self.limits.concurrency(run).saturating_mul(2).max(16)
    }
}

impl JudgeArgs {
    /// Returns the settings for judging comparisons.
    pub fn settings(&self) -> JudgeSettings {
        let VoteArgs { votes, adaptive } = self.votes;
        let OrderArgs { both_orders } = self.orders;
        let (ThinkingArgs { max_thinking_tokens }, VerdictArgs { stop_at_verdict }) = (self.thinking, self.verdict);
        JudgeSettings { votes, adaptive, both_orders, max_thinking_tokens, stop_at_verdict, ..self.ask.settings() }
    }

    /// Refuses invalid values and combinations of options.
    pub fn check(&self, called: &CommandCall) -> anyhow::Result<()> {
        self.votes.check()?;
        self.verdict.check(self.thinking, &self.ask.engine)?;
        kinds::check(&self.ask.engine.engine, called)?;
        if self.orders.both_orders && self.votes.votes == 1 {
            note(
                "--both-orders alternates the orders from vote to vote, and a single vote sees one order: use --votes 2 for both",
            );
        }
        self.ask.check(called)
    }
}

/// Parses a value of an enum from its name in files.
pub fn named<T: DeserializeOwned>(name: &str) -> Result<T, String> {
    serde_json::from_value(name.into()).map_err(|error| error.to_string())
}

/// Returns the name of an enum value in files.
pub fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|word| Some(word.as_str()?.to_owned())).unwrap_or_default()
}

/// Like [`word`], for a help text, which clap needs as a `'static` text.
pub fn default_word(value: impl Serialize) -> &'static str {
    word(value).leak()
}

#[cfg(test)]
mod tests;
