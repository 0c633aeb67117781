//! `rrm plan`: what a judge, rank or eval command would take, before it runs.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::ValueEnum;
use rrm::{
    dataset::{self, Item},
    plan::{self, Plan},
    shard::Shard,
    spending::Price,
};

use super::{
    eval::{self, Extent, Named},
    judging::{Checked, Kind},
};
use crate::{engines, failure::Failure, options::Options, row_votes};

/// What the command takes: the arguments of the command that is planned.
#[derive(clap::Args)]
pub struct Args {
    /// Which command is planned.
    pub command: Planned,
    /// Rows: JSONL, JSON, CSV, TSV or Parquet, also gzipped; `-` reads from stdin. Of `eval`, the benchmark.
    pub input: PathBuf,
    /// Of `eval`: the benchmark's files or folders; repeatable.
    #[arg(long, value_name = "PATH")]
    pub data: Vec<PathBuf>,
    #[command(flatten)]
    pub extent: Extent,
    /// Written tokens of a call as they are expected; without it the most that can be written is taken.
    #[arg(long, value_name = "N")]
    pub tokens_per_call: Option<u64>,
    #[command(flatten)]
    pub options: Options,
}

/// A command that can be planned.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum Planned {
    /// rrm judge
    Judge,
    /// rrm rank
    Rank,
    /// rrm eval
    Eval,
}

/// Prints the plan.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let options = args.options.clone().resolve()?;
    let of_eval = args.extent != Extent::default() || !args.data.is_empty();
    if args.command != Planned::Eval && of_eval {
        return Err(Failure::user(anyhow::anyhow!("--data, --official-only and --largest are for `rrm plan eval BENCHMARK`")));
    }
    if options.engine.iter().any(|spec| spec.starts_with("scalar:")) {
        let error =
            anyhow::anyhow!("a plan counts votes; a scalar reward model is asked once for each different response instead");
        return Err(Failure::user(error));
    }
    let format = engines::format(options.format.as_deref())?;
    let overhead = format.file.messages.iter().map(|m| m.content.len()).sum();
    let settings = options.judge();
    let budgeted = settings.max_thinking_tokens.and_then(|n| format.budget(n));
    let most = budgeted.map_or(u64::from(settings.sampling.max_tokens), |b| {
        u64::from(b.max_thinking_tokens.min(settings.sampling.max_tokens)) + u64::from(b.max_verdict_tokens)
    });
    let per_call = args.tokens_per_call.unwrap_or(most);
    let mut plan = Plan::default();
    let mut add = |item: &Item, matches| plan.add(item, matches, &settings, overhead, per_call);
    let what = match args.command {
        Planned::Judge => rows(Kind::Judge, &args.input, &options, &mut add)?,
        Planned::Rank => rows(Kind::Rank, &args.input, &options, &mut add)?,
        Planned::Eval => benchmark(&args, &options, &mut add)?,
    };
    let word = if args.tokens_per_call.is_some() { "expected" } else { "at most" };
    // A server is sent the prompt again, with the thinking, when the thinking is cut and the verdict elicited.
    let resent = settings.max_thinking_tokens.filter(|_| options.engine.iter().any(|spec| spec.starts_with("http")));
    if let Some(thinking) = resent {
        plan.prompt_tokens = 2 * plan.prompt_tokens + plan.calls_max * u64::from(thinking);
    }
    let calls = match plan.calls_min == plan.calls_max {
        true => plan.calls_max.to_string(),
        false => format!("{} to {}", plan.calls_min, plan.calls_max),
    };
    let mut out = format!(
        "{what:<18} {}\nmatches            {}\ncalls              {calls}\ndependent rounds   {}\n\
         prompt tokens      about {} ({} bytes a token)\nwritten tokens     {word} {} ({per_call} a call)\n",
        plan.rows,
        plan.matches,
        plan.rounds,
        plan.prompt_tokens,
        rrm::plan::BYTES_PER_TOKEN,
        plan.completion_tokens_max
    );
    if options.price() != Price::default() {
        out += &format!("cost               {word} {:.4}\n", plan.cost_max(options.price()));
    }
    crate::output::print(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// Hands on every row with its matches; says what rows are called.
fn rows(kind: Kind, path: &Path, options: &Options, add: &mut impl FnMut(&Item, (u64, u64))) -> Result<&'static str, Failure> {
    kind.check(options)?;
    let input = crate::output::spooled(path)?;
    let reading = kind.reading(options, path)?;
    let Checked { rows, responses } = super::judging::checked(input.path(), &reading)?;
    let task = kind.task(options);
    row_votes::check(&task, responses, options, || dataset::read(input.path(), &reading))?;
    for item in Shard::of(options.shard, rows, dataset::read(input.path(), &reading)?) {
        let item = item?;
        add(&item, plan::matches(&item, &task));
    }
    Ok("rows")
}

/// The same for the pairs of a benchmark, or for its questions with many responses.
fn benchmark(args: &Args, options: &Options, add: &mut impl FnMut(&Item, (u64, u64))) -> Result<&'static str, Failure> {
    let name = args.input.to_string_lossy();
    let named = eval::benchmark(&name).map_err(|error| Failure::user(anyhow::anyhow!("{name}: {error}")))?;
    if args.data.is_empty() {
        let example = format!("for example `rrm plan eval {name} --data FILE`");
        return Err(Failure::user(anyhow::anyhow!("--data is missing: the benchmark's files")).with_hint(&example));
    }
    named.check(args.extent, options)?;
    match named {
        Named::Pairs(benchmark) => {
            let suite = rrm::eval::load(benchmark, &args.data, &options.columns()?)?;
            let matches = if benchmark.protocol().orders.both(!args.extent.official_only) { 2 } else { 1 };
            let cases = suite.cases.len() as u64;
            Shard::of(options.shard, cases, suite.cases.into_iter()).for_each(|case| add(&case.item, (matches, 1)));
            Ok("pairs")
        }
        Named::BestOf(questions) => {
            let (items, ..) = rrm::eval::load_best_of(questions, &args.data, &options.columns()?, options.judge().seed)?;
            let largest = args.extent.largest(questions);
            let stored = engines::keeps(options, !rrm_engines::cost_nothing(&options.engine));
            let count = items.len() as u64;
            Shard::of(options.shard, count, items.into_iter())
                .for_each(|item| add(&item, rrm::eval::matches_of(&item, &options.rank(), largest, stored)));
            Ok("questions")
        }
    }
}
