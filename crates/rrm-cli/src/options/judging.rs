//! Options about the judge and its use: the engine, its texts, votes, budgets, and rankings.

use clap::Args;
use rrm::{
    engine::Sampling,
    judge::{Adaptive, JudgeSettings},
    ranking::{
        rank::{RankSettings, TeamRule},
        strategy::Strategy,
    },
};

use super::{default_word, named};
use crate::failure::ensure;

/// Who is asked, and by which format.
#[derive(Args, Clone, Debug, Default)]
pub struct EngineArgs {
    /// Who judges: http://HOST:PORT, local:FOLDER, gguf:FILE, replay:FILE, scripted:RULE; repeat it for replicas of one server.
    /// Without it `judge`, `rank`, `label` and `serve` ask the embedded rrm-tiny, which knows two-digit arithmetic and refuses everything else.
    #[arg(long, value_name = "SPEC", help_heading = "Judge")]
    pub engine: Vec<String>,
    /// Judge format: rrm, direct, arena-hard, or a file [default: rrm; rrm-tiny has its own].
    #[arg(long, value_name = "NAME|FILE", help_heading = "Judge")]
    pub format: Option<String>,
}

/// Which model of a server.
#[derive(Args, Clone, Debug, Default)]
pub struct ModelArgs {
    /// The model's name at the server; the only one it lists if left out.
    #[arg(long, value_name = "NAME", help_heading = "Judge")]
    pub model: Option<String>,
}

/// How often a judge is asked about a comparison.
#[derive(Args, Clone, Copy, Debug)]
pub struct VoteArgs {
    /// Votes for each comparison; the majority decides.
    #[arg(long, value_name = "K", default_value_t = JudgeSettings::default().votes, help_heading = "Judge")]
    pub votes: u32,
    /// Stop voting once the rest cannot change the majority: sparing (fewest tokens), eager (shortest wait) or off.
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "sparing",
          default_value = default_word(JudgeSettings::default().adaptive), value_parser = named::<Adaptive>, help_heading = "Judge")]
    pub adaptive: Adaptive,
}

/// In which order a judge sees responses.
#[derive(Args, Clone, Copy, Debug)]
pub struct OrderArgs {
    /// Let every second vote see the responses in the other order.
    #[arg(long, help_heading = "Judge")]
    pub both_orders: bool,
}

/// How far a judge may think.
#[derive(Args, Clone, Copy, Debug)]
pub struct ThinkingArgs {
    /// Cut thinking after this many tokens and elicit the verdict.
    #[arg(long, value_name = "N", help_heading = "Judge")]
    pub max_thinking_tokens: Option<u32>,
}

/// Where texts under a budget end.
#[derive(Args, Clone, Copy, Debug)]
pub struct VerdictArgs {
    /// Under --max-thinking-tokens, end a text with its first complete verdict. Saves tokens; a later correction by the model is lost.
    /// In process only (local:).
    #[arg(long, help_heading = "Judge")]
    pub stop_at_verdict: bool,
}

/// How long texts are.
#[derive(Args, Clone, Copy, Debug)]
pub struct LengthArgs {
    /// New tokens at most.
    #[arg(long, value_name = "N", default_value_t = Sampling::default().max_tokens, help_heading = "Judge")]
    pub max_tokens: u32,
}

/// How texts are drawn.
#[derive(Args, Clone, Copy, Debug)]
pub struct SamplingArgs {
    /// Softmax temperature, 0 is greedy.
    #[arg(long, value_name = "T", default_value_t = Sampling::default().temperature, allow_negative_numbers = true, help_heading = "Judge")]
    pub temperature: f64,
    /// Nucleus sampling: keep the likeliest tokens up to this total probability.
    #[arg(long, value_name = "P", default_value_t = Sampling::default().top_p, help_heading = "Judge")]
    pub top_p: f64,
    /// Keep this many likeliest tokens.
    #[arg(long, value_name = "K", help_heading = "Judge")]
    pub top_k: Option<u32>,
    /// Keep tokens at least this likely relative to the likeliest.
    #[arg(long, value_name = "P", help_heading = "Judge")]
    pub min_p: Option<f64>,
}

/// What everything random depends on.
#[derive(Args, Clone, Copy, Debug)]
pub struct SeedArgs {
    /// Seed of everything random: orders, brackets, coins, samples.
    #[arg(long, value_name = "N", default_value_t = JudgeSettings::default().seed, help_heading = "Judge")]
    pub seed: u64,
}

/// How many responses are brought into an order.
#[derive(Args, Clone, Copy, Debug)]
pub struct RatingArgs {
    /// How responses are ordered.
    #[arg(long, value_name = "NAME", default_value = default_word(Strategy::default()), value_parser = named::<Strategy>, help_heading = "Ranking",
          help = strategies())]
    pub strategy: Strategy,
    /// Opponents of each response where ratings are used [default: all].
    #[arg(long, value_name = "M", help_heading = "Ranking")]
    pub opponents: Option<usize>,
}

/// Which responses never meet.
#[derive(Args, Clone, Copy, Debug)]
pub struct TeamArgs {
    /// Which responses count as equal and never meet: text (same text), answer (same `answer` field), off.
    #[arg(long, value_name = "RULE", default_value = default_word(TeamRule::default()), value_parser = named::<TeamRule>, help_heading = "Ranking")]
    pub teams: TeamRule,
}

impl EngineArgs {
    /// Whether no engine is named, so that the embedded judge is used.
    pub fn is_embedded(&self) -> bool {
        self.engine.is_empty()
    }
}

impl VoteArgs {
    /// Refuses an invalid number of votes.
    pub fn check(self) -> anyhow::Result<()> {
        ensure!((1..=10_000).contains(&self.votes), "--votes must lie between 1 and 10000");
        Ok(())
    }
}

impl VerdictArgs {
    /// Refuses --stop-at-verdict where it has no effect.
    pub fn check(self, thinking: ThinkingArgs, engine: &EngineArgs) -> anyhow::Result<()> {
        let stops = !self.stop_at_verdict || thinking.max_thinking_tokens.is_some();
        ensure!(stops, "--stop-at-verdict ends a text under a thinking budget: it needs --max-thinking-tokens");
        engine.ends_at_verdict(self.stop_at_verdict)
    }
}

impl EngineArgs {
    /// Refuses to end texts at their verdict with an engine that does not support it.
    pub fn ends_at_verdict(&self, wanted: bool) -> anyhow::Result<()> {
        let blind = self.engine.iter().find(|spec| !["local:", "replay:"].iter().any(|kind| spec.starts_with(kind)));
        if let Some(engine) = blind.filter(|_| wanted) {
            let engine = rrm::engine::http::shown_address(engine);
            ensure!(false, "--stop-at-verdict: '{engine}' does not end a text at its verdict, only local:FOLDER does");
        }
        Ok(())
    }
}

impl LengthArgs {
    /// Refuses a limit of no tokens.
    pub fn check(self) -> anyhow::Result<()> {
        ensure!(self.max_tokens != 0, "--max-tokens 0: a judge has to write something");
        Ok(())
    }
}

impl SamplingArgs {
    /// Returns the sampling parameters.
    pub fn sampling(self, LengthArgs { max_tokens }: LengthArgs) -> Sampling {
        let SamplingArgs { temperature, top_p, top_k, min_p } = self;
        Sampling { temperature, top_p, top_k, min_p, max_tokens }
    }

    /// Refuses invalid sampling parameters.
    pub fn check(self) -> anyhow::Result<()> {
        ensure!(self.temperature.is_finite() && self.temperature >= 0.0, "--temperature must not be negative");
        ensure!(self.top_p > 0.0 && self.top_p <= 1.0, "--top-p must lie above 0 and not above 1");
        ensure!(self.min_p.is_none_or(|p| (0.0..=1.0).contains(&p)), "--min-p must lie between 0 and 1");
        Ok(())
    }
}

impl SeedArgs {
    /// Refuses a seed that cannot be saved.
    pub fn check(self) -> anyhow::Result<()> {
        // TOML has no larger integers, and the saved options must be readable again.
        ensure!(self.seed <= i64::MAX as u64, "--seed must not exceed {}", i64::MAX);
        Ok(())
    }
}

impl RatingArgs {
    /// Returns the settings of a ranking.
    pub fn settings(self, teams: TeamArgs) -> RankSettings {
        RankSettings { strategy: self.strategy, opponents: self.opponents, teams: teams.teams }
    }

    /// Refuses an invalid number of opponents.
    pub fn check(self) -> anyhow::Result<()> {
        ensure!(self.opponents != Some(0), "--opponents 0: ratings need at least one opponent each");
        let rated: Vec<Strategy> = Strategy::rated().collect();
        let names: Vec<&str> = rated.iter().map(|strategy| strategy.rules().name).collect();
        let fits = self.opponents.is_none() || rated.contains(&self.strategy);
        ensure!(fits, "--opponents needs a rating: --strategy {}", one_of(&names));
        Ok(())
    }
}

/// Returns the strategies with descriptions, for the help text.
fn strategies() -> String {
    let each = Strategy::ALL.map(|strategy| format!("{} ({})", strategy.rules().name, strategy.rules().about));
    format!("How responses are ordered: {}", each.join("; "))
}

/// Joins names as in `a, b or c`.
fn one_of(names: &[&str]) -> String {
    match names {
        [all @ .., last] if !all.is_empty() => format!("{} or {last}", all.join(", ")),
        names => names.concat(),
    }
}
