//! Options about reading, storing, writing and spending.

use std::path::{Path, PathBuf};

use clap::Args;
use rrm::{
    dataset::ColumnNames,
    plan::MOST_ROW_VOTES,
    shard::Shard,
    spending::{Price, SpendingLimits},
};

use crate::{abstentions::MOST_ABSTAINED, failure::ensure};

/// The default number of requests in flight.
const CONCURRENCY: usize = 64;

/// How columns are named.
#[derive(Args, Clone, Debug, Default)]
pub struct ColumnArgs {
    /// Where rows hold what: NAME=COLUMN, such as prompt=instruction+input or responses=a,b. Repeatable.
    #[arg(long, value_name = "NAME=COLUMN", help_heading = "Data")]
    pub column: Vec<String>,
}

/// What becomes of rows that cannot be used.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct SkipArgs {
    /// Leave out rows that cannot be used, such as those with a null response, and report them. Without this, one such row ends the run before
    /// anything is judged.
    #[arg(long, help_heading = "Data")]
    pub skip_bad_rows: bool,
}

/// Where completions are kept.
#[derive(Args, Clone, Debug, Default)]
pub struct StoreArgs {
    /// Keep completions here, or `none` [default: the user's data directory, rrm/store.sqlite].
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub store: Option<PathBuf>,
}

/// What one run writes and shows.
#[derive(Args, Clone, Debug, Default)]
pub struct RunArgs {
    /// Write results here, with what was spent in FILE.stats.json and the options in FILE.config.toml.
    #[arg(short, long, value_name = "FILE", help_heading = "Data")]
    pub output: Option<PathBuf>,
    /// Pay again for rows that the store answers under another fingerprint of this model.
    #[arg(long, help_heading = "Data", conflicts_with = "same_weights")]
    pub pay_again: bool,
    #[command(flatten)]
    pub weights: WeightArgs,
    /// Record every completion to this file, for the engine replay:FILE.
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub record: Option<PathBuf>,
    /// Print what the judge writes to stderr as it writes, one comparison after the other.
    #[arg(long, help_heading = "Data")]
    pub stream: bool,
}

/// What is known of the judge's weights.
#[derive(Args, Clone, Debug, Default)]
pub struct WeightArgs {
    /// Treat the server's weights as those that the store remembers, although its answers differ. Also uses what earlier versions of rrm stored of
    /// this model; HASH is the beginning of that fingerprint where there are several.
    #[arg(long, value_name = "HASH", num_args = 0..=1, require_equals = true, default_missing_value = "", conflicts_with = "revision", help_heading = "Data")]
    pub same_weights: Option<String>,
}

/// A part of the rows.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct ShardArgs {
    /// Work on one of N equal parts of the rows only, such as 2/8. The input is read and checked whole.
    #[arg(long, value_name = "I/N", help_heading = "Scale")]
    pub shard: Option<Shard>,
}

/// Requests for later.
#[derive(Args, Clone, Debug, Default)]
pub struct BatchArgs {
    /// Write the requests that the store does not answer to this file, for `vllm run-batch`, instead of sending them. Needs --model, --revision, -o.
    #[arg(long, value_name = "FILE", help_heading = "Scale")]
    pub batch_out: Option<PathBuf>,
}

/// How much is asked at once, in a minute and in all.
#[derive(Args, Clone, Copy, Debug)]
pub struct LimitArgs {
    /// Requests in flight.
    #[arg(long, value_name = "N", default_value_t = CONCURRENCY, help_heading = "Limits")]
    pub concurrency: usize,
    /// Stop before this command sends more requests than this: calls, retries, and requests that identify the server.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub max_calls: Option<u64>,
    /// Stop once this command has spent this much, by --price-prompt and --price-completion.
    #[arg(long, value_name = "MONEY", help_heading = "Limits")]
    pub max_cost: Option<f64>,
    /// Requests a minute at most.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub requests_per_minute: Option<u32>,
    /// Tokens a minute at most.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub tokens_per_minute: Option<u32>,
}

/// How much one row may take.
#[derive(Args, Clone, Copy, Debug)]
pub struct RowVoteArgs {
    /// Votes that one row may take: its matches times --votes. A row that takes more is refused before anything is asked.
    #[arg(long, value_name = "N", default_value_t = MOST_ROW_VOTES, help_heading = "Limits")]
    pub max_row_votes: u64,
}

/// When a run ends whose judge gives no verdicts.
#[derive(Args, Clone, Copy, Debug)]
pub struct AbstainedArgs {
    /// End the run if more than this share of the votes has no verdict, from 0 to 1, decided over the first rows of the input once 50 have ended.
    #[arg(long, value_name = "SHARE", default_value_t = MOST_ABSTAINED, value_parser = share, help_heading = "Limits")]
    pub max_abstained: f64,
}

/// Parses a share from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "it must lie from 0 to 1".to_owned())
}

/// What tokens cost.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct PriceArgs {
    /// Price of a million prompt tokens.
    #[arg(long, value_name = "MONEY", help_heading = "Limits")]
    pub price_prompt: Option<f64>,
    /// Price of a million written tokens.
    #[arg(long, value_name = "MONEY", help_heading = "Limits")]
    pub price_completion: Option<f64>,
}

impl ColumnArgs {
    /// Returns the names of columns.
    pub fn names(&self) -> anyhow::Result<ColumnNames> {
        Ok(ColumnNames::parse(&self.column)?)
    }
}

impl StoreArgs {
    /// Whether completions are kept: if a store is named, or by default if they cost something.
    pub fn keeps(&self, paid: bool) -> bool {
        self.store.as_deref().map_or(paid, |path| path != Path::new("none"))
    }
}

impl LimitArgs {
    /// Returns the most requests in flight: one if the text is streamed to a reader.
    pub fn concurrency(self, run: &RunArgs) -> usize {
        if run.stream { 1 } else { self.concurrency }
    }

    /// Returns the spending limits of the command.
    pub fn limits(self, price: PriceArgs) -> SpendingLimits {
        SpendingLimits { max_calls: self.max_calls, max_cost: self.max_cost, price: price.price() }
    }

    /// Refuses invalid limits.
    pub fn check(self, price: PriceArgs) -> anyhow::Result<()> {
        ensure!((1..=1_000_000).contains(&self.concurrency), "--concurrency must lie between 1 and 1000000");
        price.check()?;
        let money = self.max_cost.is_none_or(|cost| cost.is_finite() && cost >= 0.0);
        ensure!(money, "--max-cost must be an amount of money");
        let priced = price.price_prompt.is_some() || price.price_completion.is_some();
        ensure!(self.max_cost.is_none() || priced, "--max-cost needs --price-prompt and --price-completion");
        Ok(())
    }
}

impl RowVoteArgs {
    /// Refuses a limit that a single match would exceed.
    pub fn check(self, votes: u32) -> anyhow::Result<()> {
        let Self { max_row_votes } = self;
        ensure!(
            u64::from(votes) <= max_row_votes,
            "--votes {votes} are more than one row may take: {max_row_votes} (--max-row-votes)"
        );
        Ok(())
    }
}

impl PriceArgs {
    /// Returns the price of tokens.
    pub fn price(self) -> Price {
        Price { prompt: self.price_prompt.unwrap_or(0.0), completion: self.price_completion.unwrap_or(0.0) }
    }

    /// Refuses invalid prices.
    pub fn check(self) -> anyhow::Result<()> {
        let money = |value: Option<f64>| value.is_none_or(|value| value.is_finite() && value >= 0.0);
        let priced = money(self.price_prompt) && money(self.price_completion);
        ensure!(priced, "--price-prompt and --price-completion must be amounts of money");
        Ok(())
    }
}
