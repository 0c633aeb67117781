//! `rrm plan`: predicts the calls, tokens and cost of a judge, rank, label or eval command before it runs.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use rrm::{
    dataset::{self, Item, ReadOptions},
    judge::JudgeSettings,
    plan::{self, Plan, PlannedMatches},
    ranking::rank::RankSettings,
    run::Task,
    shard::Shard,
    spending::Price,
};

use super::{
    best_of,
    eval::{self, EvalTarget, Extent},
    judging::{self, InputArgs, InputSummary, JudgingKind},
    label,
};
use crate::{
    engines,
    failure::{Failure, ensure},
    options::{
        ColumnArgs, CommandCall, ConfigArgs, EngineArgs, LengthArgs, PriceArgs, RatingArgs, RowVoteArgs, SeedArgs, ShardArgs,
        SkipArgs, StoreArgs, TeamArgs, ThinkingArgs, VoteArgs,
        called::{self, CallError},
    },
    output::{SpooledInput, note},
    row_votes::RowVotes,
};

/// What the command takes: a command, with those of its options on which a plan depends.
#[derive(clap::Args)]
pub struct PlanArgs {
    #[command(subcommand)]
    command: PlanCommand,
}

/// A command that can be planned.
#[derive(Subcommand)]
enum PlanCommand {
    /// What `rrm judge` would take.
    Judge {
        #[command(flatten)]
        input: InputArgs,
        #[command(flatten)]
        skip: SkipArgs,
        #[command(flatten)]
        how: HowArgs,
    },
    /// What `rrm rank` would take.
    Rank {
        #[command(flatten)]
        input: InputArgs,
        #[command(flatten)]
        ranking: RankingPlanArgs,
    },
    /// What `rrm label` would take.
    Label {
        /// Rows: JSONL, JSON, CSV, TSV or Parquet, also gzipped; `-` reads from stdin.
        input: PathBuf,
        #[command(flatten)]
        ranking: RankingPlanArgs,
    },
    /// What `rrm eval` would take.
    Eval(BenchmarkArgs),
}

/// A command that ranks rows.
#[derive(clap::Args)]
struct RankingPlanArgs {
    #[command(flatten)]
    skip: SkipArgs,
    #[command(flatten)]
    how: HowArgs,
    #[command(flatten)]
    rating: RatingArgs,
    #[command(flatten)]
    teams: TeamArgs,
    #[command(flatten)]
    row_votes: RowVoteArgs,
    #[command(flatten)]
    seed: SeedArgs,
}

/// A benchmark.
#[derive(clap::Args)]
struct BenchmarkArgs {
    /// The benchmark, as for `rrm eval`.
    #[arg(value_parser = eval::benchmark)]
    benchmark: EvalTarget,
    /// Its files as they are published, or folders that hold them; repeatable.
    #[arg(long, value_name = "PATH", required = true)]
    data: Vec<PathBuf>,
    #[command(flatten)]
    extent: Extent,
    #[command(flatten)]
    seed: SeedArgs,
    #[command(flatten)]
    teams: TeamArgs,
    #[command(flatten)]
    row_votes: RowVoteArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    how: HowArgs,
}

/// On what every plan depends. The file of --config is one of the command that is planned.
#[derive(clap::Args)]
struct HowArgs {
    /// Written tokens of a call as they are expected; without it the most that can be written is taken.
    #[arg(long, value_name = "N")]
    tokens_per_call: Option<u64>,
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    votes: VoteArgs,
    #[command(flatten)]
    thinking: ThinkingArgs,
    #[command(flatten)]
    length: LengthArgs,
    #[command(flatten)]
    columns: ColumnArgs,
    #[command(flatten)]
    shard: ShardArgs,
    #[command(flatten)]
    price: PriceArgs,
}

/// A function that receives the matches of each row.
type MatchSink<'a> = &'a mut dyn FnMut(&Item, PlannedMatches);

/// The command that is planned, with all of its options.
#[derive(Parser)]
#[command(name = "rrm")]
struct PlannedCommand {
    #[command(subcommand)]
    command: super::Command,
}

/// Refuses whatever the planned command would refuse.
fn check_planned(words: &[OsString]) -> Result<(), Failure> {
    let (planned, called) =
        called::parse_besides::<PlannedCommand>(words.to_vec(), &["tokens-per-call"]).map_err(|error| match error {
            CallError::Clap(said) => {
                let said = said.to_string();
                let (said, _) = said.split_once("\n\n").unwrap_or((&said, ""));
                Failure::usage(said.trim_start_matches("error: ").trim_end())
            }
            CallError::File(failure) => failure,
        })?;
    match planned.command {
        super::Command::Judge(args) => args.check(&called)?,
        super::Command::Rank(args) => args.check(&called)?,
        super::Command::Label(args) => args.check(&called)?,
        super::Command::Eval(args) => args.benchmark.map_or(Ok(()), |named| args.check(named, &called))?,
        _ => {}
    }
    Ok(())
}

/// Runs `rrm plan`.
pub fn run(args: PlanArgs, called: &CommandCall) -> Result<ExitCode, Failure> {
    let how = match &args.command {
        PlanCommand::Judge { how, .. } => how,
        PlanCommand::Rank { ranking, .. } | PlanCommand::Label { ranking, .. } => &ranking.how,
        PlanCommand::Eval(args) => &args.how,
    };
    how.check()?;
    check_planned(called.planned())?;
    let format = engines::format(how.engine.format.as_deref())?;
    let overhead = format.file.messages.iter().map(|m| m.content.len()).sum();
    let settings = how.settings();
    let budgeted = settings.max_thinking_tokens.and_then(|n| format.budget(n));
    let most = budgeted.map_or(u64::from(settings.sampling.max_tokens), |b| {
        u64::from(b.max_thinking_tokens.min(settings.sampling.max_tokens)) + u64::from(b.max_verdict_tokens)
    });
    let per_call = how.tokens_per_call.unwrap_or(most);
    let mut plan = Plan::default();
    let mut add = |item: &Item, matches| plan.add(item, matches, &settings, overhead, per_call);
    let what = match &args.command {
        PlanCommand::Judge { input, skip, .. } => {
            let reading = JudgingKind::Judge.reading(&how.columns, *skip, &input.input)?;
            PlannedRows { task: Task::Judge, seed: 0, most: None }.of(input.open(reading)?, how, &mut add)?
        }
        PlanCommand::Rank { input, ranking } => {
            let reading = JudgingKind::Rank.reading(&how.columns, ranking.skip, &input.input)?;
            ranking.rows().of(input.open(reading)?, how, &mut add)?
        }
        PlanCommand::Label { input, ranking } => {
            let reading = label::reading(&how.columns, ranking.skip, input)?;
            ranking.rows().of((crate::output::spooled(input)?, reading), how, &mut add)?
        }
        PlanCommand::Eval(args) => benchmark(args, called, &mut add)?,
    };
    let word = if how.tokens_per_call.is_some() { "expected" } else { "at most" };
    // If the thinking is cut and the verdict elicited, a server receives the prompt again, together with the thinking.
    let resent = settings.max_thinking_tokens.filter(|_| how.engine.engine.iter().any(|spec| spec.starts_with("http")));
    if let Some(thinking) = resent {
        plan.prompt_tokens = 2 * plan.prompt_tokens + plan.calls_max * u64::from(thinking);
    }
    let range = |least: u64, most: u64| if least == most { most.to_string() } else { format!("{least} to {most}") };
    let (matches, calls) = (range(plan.matches_min, plan.matches), range(plan.calls_min, plan.calls_max));
    let mut out = format!(
        "{what:<18} {}\nmatches            {matches}\ncalls              {calls}\ndependent rounds   {}\n\
         prompt tokens      about {} ({} bytes a token)\nwritten tokens     {word} {} ({per_call} a call)\n",
        plan.rows,
        plan.rounds,
        plan.prompt_tokens,
        rrm::plan::BYTES_PER_TOKEN,
        plan.completion_tokens_max
    );
    let price = how.price.price();
    if price != Price::default() {
        out += &format!("cost               {word} {:.4}\n", plan.cost_max(price));
    }
    crate::output::print(&out)?;
    Ok(ExitCode::SUCCESS)
}

impl HowArgs {
    fn settings(&self) -> JudgeSettings {
        let mut settings = JudgeSettings { votes: self.votes.votes, adaptive: self.votes.adaptive, ..JudgeSettings::default() };
        settings.max_thinking_tokens = self.thinking.max_thinking_tokens;
        settings.sampling.max_tokens = self.length.max_tokens;
        settings
    }

    /// Refuses invalid values and combinations of options.
    fn check(&self) -> anyhow::Result<()> {
        self.votes.check()?;
        self.length.check()?;
        self.price.check()?;
        let scalar = self.engine.engine.iter().any(|spec| spec.starts_with("scalar:"));
        ensure!(!scalar, "a plan counts votes; a scalar reward model is asked once for each different response instead");
        Ok(())
    }
}

/// The task for the rows of a file.
struct PlannedRows {
    task: Task,
    seed: u64,
    /// Most votes of one row.
    most: Option<u64>,
}

impl RankingPlanArgs {
    fn rows(&self) -> PlannedRows {
        let task = Task::Rank(self.rating.settings(self.teams));
        PlannedRows { task, seed: self.seed.seed, most: Some(self.row_votes.max_row_votes) }
    }
}

impl PlannedRows {
    /// Passes every row with its matches to `add`. Returns the noun for rows.
    fn of(
        self,
        (input, reading): (SpooledInput, ReadOptions),
        how: &HowArgs,
        add: MatchSink<'_>,
    ) -> Result<&'static str, Failure> {
        let PlannedRows { task, seed, most } = self;
        let InputSummary { rows: count, responses } = judging::checked(input.path(), &reading)?;
        if let Some(most) = most {
            let votes = how.votes.votes;
            let limit = RowVotes { task: &task, seed, votes, most };
            limit.check(responses, || dataset::read(input.path(), &reading))?;
        }
        for item in Shard::of(how.shard.shard, count, dataset::read(input.path(), &reading)?) {
            let item = item?;
            add(&item, plan::of_row(&item, &task, seed));
        }
        Ok("rows")
    }
}

/// Passes the pairs of a benchmark, or its questions with many responses, to `add`. Returns the noun for them.
fn benchmark(args: &BenchmarkArgs, called: &CommandCall, add: MatchSink<'_>) -> Result<&'static str, Failure> {
    let how = &args.how;
    args.benchmark.check(args.extent, &how.columns, called)?;
    let columns = how.columns.names()?;
    match args.benchmark {
        EvalTarget::Pairs(benchmark) => {
            if args.store.store.is_some() {
                note("a plan of pairs does not depend on --store: what is there is not looked up");
            }
            let suite = rrm::eval::load(benchmark, &args.data, &columns)?;
            eval::said(&suite);
            let matches = if benchmark.protocol().orders.both(!args.extent.official_only) { 2 } else { 1 };
            let cases = suite.cases.len() as u64;
            Shard::of(how.shard.shard, cases, suite.cases.into_iter())
                .for_each(|case| add(&case.item, PlannedMatches::exactly(matches, 1)));
            Ok("pairs")
        }
        EvalTarget::BestOf(questions) => {
            let (items, _, notes) = rrm::eval::load_best_of(questions, &args.data, &columns, args.seed.seed)?;
            notes.iter().for_each(|said| note(said));
            let largest = args.extent.largest(questions);
            let stored = args.store.keeps(!rrm_engines::cost_nothing(&how.engine.engine));
            let rank = RankSettings { teams: args.teams.teams, ..RankSettings::default() };
            best_of::check_votes(&items, largest, rank, (how.votes.votes, args.row_votes))?;
            let count = items.len() as u64;
            Shard::of(how.shard.shard, count, items.into_iter())
                .for_each(|item| add(&item, rrm::eval::matches_of(&item, &rank, largest, (stored, args.seed.seed))));
            Ok("questions")
        }
    }
}
