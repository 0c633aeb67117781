//! `rrm plan`: what a judge or rank command would take, before it runs.

use std::{path::PathBuf, process::ExitCode};

use clap::ValueEnum;
use rrm::{dataset, plan::Plan, shard::Shard, spending::Price};

use super::judging::Kind;
use crate::{engines, failure::Failure, options::Options};

/// What the command takes: the arguments of the command that is planned.
#[derive(clap::Args)]
pub struct Args {
    /// Which command is planned.
    pub command: Planned,
    /// Rows: JSONL, JSON or Parquet, also gzipped; `-` reads from stdin.
    pub input: PathBuf,
    /// Written tokens of a call as they are expected; without it the most that can be written is taken.
    #[arg(long, value_name = "N")]
    pub tokens_per_call: Option<u64>,
    #[command(flatten)]
    pub options: Options,
}

/// A command that can be planned.
#[derive(Clone, Copy, ValueEnum)]
pub enum Planned {
    /// rrm judge
    Judge,
    /// rrm rank
    Rank,
}

/// Prints the plan.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let options = args.options.resolve()?;
    let kind = match args.command {
        Planned::Judge => Kind::Judge,
        Planned::Rank => Kind::Rank,
    };
    kind.check(&options)?;
    let input = crate::output::spooled(&args.input)?;
    let reading = kind.reading(&options, &args.input)?;
    let rows = dataset::check(input.path(), &reading).map_err(Failure::rows)?.total().rows;
    let format = engines::format(options.format.as_deref())?;
    let overhead = format.file.messages.iter().map(|m| m.content.len()).sum();
    let (task, settings) = (kind.task(&options), options.judge());
    let budgeted = settings.max_thinking_tokens.and_then(|n| format.budget(n));
    let most = budgeted.map_or(u64::from(settings.sampling.max_tokens), |b| {
        u64::from(b.max_thinking_tokens.min(settings.sampling.max_tokens)) + u64::from(b.max_verdict_tokens)
    });
    let per_call = args.tokens_per_call.unwrap_or(most);
    let mut plan = Plan::default();
    for item in Shard::of(options.shard, rows, dataset::read(input.path(), &reading)?) {
        plan.add(&item?, &task, &settings, overhead, per_call);
    }
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
        "rows               {}\nmatches            {}\ncalls              {calls}\ndependent rounds   {}\n\
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
