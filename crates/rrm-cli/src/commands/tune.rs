//! `rrm tune`: labelled pairs and a judge -> whether it is good enough, and with how many votes, which budget, and one order or both.

use std::{path::PathBuf, process::ExitCode};

use rrm::{
    engine::{EngineError, EngineInfo},
    eval::{self, Benchmark, CaseRow},
    format::Format,
    judge::JudgeSettings,
    result::Verdicts,
    tune::{self, MeasuredSetting, Setting, TargetAnswer, TuneReport},
};

use super::{eval::said, judging::title};
use crate::{
    engines,
    failure::{Failure, ensure, usage},
    numbers::grouped,
    options::{AskArgs, ColumnArgs, CommandCall, RunArgs, SavedOptions, ThinkingArgs, VerdictArgs, kinds},
    output::{Output, beside, note, print},
    run::{Run, unless_stopped},
    stats, verdicts,
};

/// What the command takes.
#[derive(clap::Args)]
pub struct TuneArgs {
    /// Labelled pairs: JSONL, JSON, CSV, TSV or Parquet, as for `rrm eval pairs`; repeatable.
    #[arg(long, value_name = "PATH", required = true)]
    pub data: Vec<PathBuf>,
    /// Votes about each pair in each of the two orders.
    #[arg(long, value_name = "K", default_value_t = VOTES)]
    pub votes: u32,
    /// Budgets of thinking to try, each asked anew: tokens, or none [default: --max-thinking-tokens, else none].
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    pub budgets: Vec<String>,
    /// Choose the cheapest setting that reaches this accuracy, from 0 to 1, and say whether the judge reaches it.
    #[arg(long, value_name = "SHARE")]
    pub target: Option<f64>,
    #[command(flatten)]
    pub ask: AskArgs,
    #[command(flatten)]
    pub thinking: ThinkingArgs,
    #[command(flatten)]
    pub verdict: VerdictArgs,
    #[command(flatten)]
    pub columns: ColumnArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

/// The default number of votes in each order.
const VOTES: u32 = 8;

/// Options that only this command has.
const OWN: [&str; 4] = ["data", "votes", "budgets", "target"];

/// Judges all pairs at the largest setting, from which the smaller ones are derived.
pub async fn run(args: TuneArgs, called: &CommandCall) -> Result<ExitCode, Failure> {
    unless_stopped(work(args, called)).await
}

async fn work(args: TuneArgs, called: &CommandCall) -> Result<ExitCode, Failure> {
    let TuneArgs { data, votes, target, ask, columns, run, .. } = &args;
    check(&args, called)?;
    let budgets = parsed(&args)?;
    let mut work = Run::begin(ask, run)?;
    let suite = eval::load(Benchmark::Pairs, data, &columns.names()?)?;
    said(&suite);
    let files: Vec<PathBuf> = suite.files.iter().map(|file| file.file.clone().into()).collect();
    let report = run.output.as_deref().map(|path| Output::open(Some(path), &ask.files(run, &files))).transpose()?;
    report.iter().try_for_each(|report| report.may_have_beside(&["chosen.toml"]))?;
    let (pairs, settings) = (suite.cases.len() as u64, budgets.len());
    let calls = pairs * 2 * u64::from(*votes) * settings as u64;
    let tried = if settings == 1 { "1 budget".to_owned() } else { format!("{settings} budgets") };
    note(&format!("{} calls: {pairs} pairs, {votes} votes in each order, {tried}", grouped(calls)));
    let format = engines::format(ask.engine.format.as_deref())?;
    let spending = work.spending.clone();
    let opened = work.open(ask, &spending, budgets.iter().any(Option::is_some)).await?;
    possible(&budgets, opened.engine.info(), &format)?;
    let own = JudgeSettings { votes: *votes, stop_at_verdict: args.verdict.stop_at_verdict, ..ask.settings() };
    let mut session = work.session(ask, opened, format, own)?;
    work.expect(pairs * settings as u64);
    let (mut runs, mut all) = (Vec::new(), Verdicts::default());
    for budget in budgets {
        session.judge.settings.max_thinking_tokens = budget;
        let mut rows: Vec<CaseRow> = Vec::new();
        let emit = |row: &CaseRow| {
            rows.push(row.clone());
            work.progress.row();
            Ok(())
        };
        let (counted, _) = eval::run(&session.judge, &suite, true, ask.window(run), emit).await?;
        if counted.failed > 0 {
            work.close().await?;
            let message = format!("{} of {} pairs have no judgment: {}", counted.failed, counted.cases, first_error(&rows));
            return Err(Failure::user(anyhow::anyhow!(message)).with_hint(work.again()));
        }
        runs.push((budget, rows));
        all.merge(&counted.verdicts);
    }
    work.close().await?;
    verdicts::tell(&all, 0);
    verdicts::check(&all, "nothing was decided, and there is no setting to choose")?;
    let tuned = tune::tune(&runs, *target, ask.seed.seed).ok_or_else(|| anyhow::anyhow!("there are no labelled pairs"))?;
    print(&table(&tuned, *target))?;
    let mut stats = work.account(session, pairs, 0);
    stats.verdicts = Some(all);
    let Some(mut report) = report else {
        stats::summary(&stats, ask.price.price());
        return Ok(ExitCode::SUCCESS);
    };
    report.text(&(serde_json::to_string_pretty(&tuned)? + "\n"))?;
    let data: String = data.iter().map(|path| format!(" --data {}", path.display())).collect();
    if let Some(path) = report.path() {
        let chosen = applied(called.named().without(&OWN), &tuned.settings[tuned.chosen].setting);
        std::fs::write(beside(path, "chosen.toml"), chosen.text(&format!("the setting that rrm tune{data} chose")))?;
    }
    report.finish(&stats, &ask.saved(called).text(&title(&format!("tune{data}"))), ask.price.price())?;
    Ok(ExitCode::SUCCESS)
}

fn check(args: &TuneArgs, called: &CommandCall) -> anyhow::Result<()> {
    let TuneArgs { votes, budgets, target, ask, thinking, .. } = args;
    let named = !ask.engine.is_embedded();
    ensure!(named, "--engine says whose judgments are tuned; rrm-tiny's are in docs/rrm-tiny.md");
    ensure!(args.data.iter().all(|path| path.as_os_str() != "-"), "--data -: rows are not read from stdin here; name a file");
    ensure!((1..=64).contains(votes), "--votes, in each order, must lie between 1 and 64");
    ensure!(target.is_none_or(|target| target > 0.0 && target < 1.0), "--target must lie between 0 and 1");
    let twice = !budgets.is_empty() && thinking.max_thinking_tokens.is_some();
    ensure!(!twice, "--max-thinking-tokens is the one budget that is tried: --budgets names several in its place");
    kinds::check(&ask.engine.engine, called)?;
    ask.check(called)
}

fn parsed(args: &TuneArgs) -> anyhow::Result<Vec<Option<u32>>> {
    let one = |text: &String| match text.trim() {
        "none" => Ok(None),
        number => number.parse().map(Some).map_err(|_| usage(format!("--budgets takes tokens or none; found '{number}'"))),
    };
    let budgets = match args.budgets.as_slice() {
        [] => vec![args.thinking.max_thinking_tokens],
        budgets => budgets.iter().map(one).collect::<Result<_, _>>()?,
    };
    let stop = args.verdict.stop_at_verdict;
    ensure!(
        !stop || budgets.iter().all(Option::is_some),
        "--stop-at-verdict ends a text under a thinking budget, and one of the budgets is none"
    );
    args.ask.engine.ends_at_verdict(stop)?;
    Ok(budgets)
}

/// Refuses thinking budgets that the engine or the format does not support, before any is paid for.
fn possible(budgets: &[Option<u32>], info: &EngineInfo, format: &Format) -> Result<(), Failure> {
    let Some(tokens) = budgets.iter().flatten().next() else { return Ok(()) };
    let engine = info.name.clone();
    let what = match format.budget(*tokens) {
        _ if !info.budget => "cannot go on with a text that was cut, so no budget of thinking is possible: take --budgets none",
        None => "is asked in a format without an [elicit] section, which a thinking budget needs: take --budgets none",
        Some(_) => return Ok(()),
    };
    Err(EngineError::Unsupported { engine, what: what.to_owned() }.into())
}

fn first_error(rows: &[CaseRow]) -> String {
    rows.iter().find_map(|row| row.error.as_ref().map(|error| format!("row {}: {error}", row.id))).unwrap_or_default()
}

/// Returns the options with which `rrm judge` uses the setting.
fn applied(named: SavedOptions, setting: &Setting) -> SavedOptions {
    let Setting { max_thinking_tokens, both_orders, votes } = *setting;
    let asked = named.with("votes", i64::from(votes)).with("both-orders", both_orders);
    match max_thinking_tokens {
        Some(tokens) => asked.with("max-thinking-tokens", i64::from(tokens)),
        None => asked.without(&["max-thinking-tokens", "stop-at-verdict"]),
    }
}

fn name(setting: &Setting) -> String {
    let budget = setting.max_thinking_tokens.map_or_else(String::new, |tokens| format!(", {tokens} tokens of thinking"));
    let orders = if setting.both_orders { "both orders" } else { "one order" };
    format!("{} vote{}, {orders}{budget}", setting.votes, if setting.votes == 1 { "" } else { "s" })
}

/// Returns the report as text.
fn table(tuned: &TuneReport, target: Option<f64>) -> String {
    let percent = |share: f64| format!("{:.1}", share * 100.0);
    let mut out = format!("{} labelled pairs\n", grouped(tuned.pairs as u64));
    for behaviour in &tuned.behaviour {
        let budget =
            behaviour.max_thinking_tokens.map_or_else(String::new, |tokens| format!(" with {tokens} tokens of thinking"));
        out += &format!(
            "{}% of votes without a verdict, {}% of decisions change when the responses are swapped{budget}\n",
            percent(behaviour.abstained),
            percent(behaviour.flipped)
        );
    }
    out += &format!(
        "\n{:<44} {:>8} {:>15} {:>10} {:>12} {:>12}\n",
        "setting", "accuracy", "95%", "undecided", "tokens/pair", "tokens/right"
    );
    let reached = matches!(tuned.enough, Some(TargetAnswer::Yes));
    for (at, measured) in tuned.settings.iter().enumerate() {
        let MeasuredSetting { setting, accuracy, undecided, tokens, tokens_per_right } = measured;
        let mark = match at {
            _ if at == tuned.chosen && reached => " <- cheapest that reaches the target",
            _ if at == tuned.chosen => " <- cheapest within one standard error",
            _ if at == tuned.best => " <- best",
            _ => "",
        };
        let interval = accuracy
            .low
            .zip(accuracy.high)
            .map_or_else(String::new, |(low, high)| format!("{}..{}", percent(low), percent(high)));
        let right = tokens_per_right.map_or_else(|| "-".to_owned(), |tokens| format!("{tokens:.0}"));
        out += &format!(
            "{:<44} {:>8} {:>15} {:>10} {:>12.0} {:>12}{mark}\n",
            name(setting),
            percent(accuracy.value),
            interval,
            percent(*undecided),
            tokens,
            right
        );
    }
    let (low, high) = (tuned.behind.low.unwrap_or(0.0), tuned.behind.high.unwrap_or(0.0));
    if tuned.best != tuned.chosen {
        let behind = percent(tuned.behind.value);
        out += &format!("\nthe best is right {behind} points more often than the chosen [{}, {}]\n", percent(low), percent(high));
    }
    if let Some(elsewhere) = tuned.chosen_elsewhere {
        out += &format!("accuracy on pairs that were not used for the choice: {}%\n", percent(elsewhere));
    }
    if let (Some(enough), Some(target)) = (&tuned.enough, target) {
        let target = percent(target);
        out += &match enough {
            TargetAnswer::Yes => format!(
                "good enough: the interval of the chosen setting lies above {target}%; the interval does not account for choosing among {} settings\n",
                tuned.settings.len()
            ),
            TargetAnswer::No => format!("not good enough: the interval of the best setting lies below {target}%\n"),
            TargetAnswer::Undecided { pairs_needed: Some(n) } => {
                format!(
                    "these pairs cannot tell whether it reaches {target}%: about {} pairs would be enough, if its true accuracy is the measured one\n",
                    grouped(*n)
                )
            }
            TargetAnswer::Undecided { pairs_needed: None } => {
                format!("these pairs cannot tell whether it reaches {target}%: its measured accuracy equals the target\n")
            }
        };
    }
    out
}
