//! `rrm tune`: labelled pairs and a judge -> is it good enough, and with how many votes, which budget, one order or two?

use std::{path::PathBuf, process::ExitCode, time::Instant};

use rrm::{
    eval::{self, Benchmark, CaseRow},
    result::Verdicts,
    tune::{self, Enough, Measured, Setting, Tuned},
};

use crate::{
    engines,
    failure::Failure,
    numbers::grouped,
    options::{Options, to_toml},
    output::{Output, beside, note, print},
    session::{self, Session},
    verdicts,
};

/// What the command takes.
#[derive(clap::Args)]
pub struct Args {
    /// Labelled pairs: JSONL, JSON, CSV, TSV or Parquet, as for `rrm eval pairs`; repeatable.
    #[arg(long, value_name = "PATH", required = true)]
    pub data: Vec<PathBuf>,
    /// Budgets of thinking to try, each asked anew: tokens, or none [default: --max-thinking-tokens, else none].
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    pub budgets: Vec<String>,
    /// Say whether the judge reaches this accuracy, from 0 to 1.
    #[arg(long, value_name = "SHARE")]
    pub target: Option<f64>,
    #[command(flatten)]
    pub options: Options,
}

/// Votes in each order where none are named.
const VOTES: u32 = 8;

/// Judges all pairs at the largest setting and reads the smaller ones from it.
pub async fn run(args: Args) -> Result<ExitCode, Failure> {
    session::unless_stopped(work(args)).await
}

async fn work(args: Args) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let Args { data, budgets, target, options } = args;
    let options = options.resolve()?;
    check(&options, target)?;
    let budgets = parsed(&budgets, options.max_thinking_tokens)?;
    let votes = options.votes.unwrap_or(VOTES);
    let suite = eval::load(Benchmark::Pairs, &data, &options.columns()?)?;
    let files: Vec<PathBuf> = suite.files.iter().map(|file| file.file.clone().into()).collect();
    let mut report = options.output.as_deref().map(|path| Output::open(Some(path), &options.files(&files))).transpose()?;
    let calls = suite.cases.len() as u64 * 2 * u64::from(votes) * budgets.len() as u64;
    note(&format!(
        "{} calls: {} pairs, {votes} votes in each order, {} budgets",
        grouped(calls),
        suite.cases.len(),
        budgets.len()
    ));
    let (mut runs, mut all) = (Vec::new(), Verdicts::default());
    let mut last = None;
    for budget in budgets {
        let own = Options { votes: Some(votes), max_thinking_tokens: budget, ..options.clone() };
        let format = engines::format(own.format.as_deref())?;
        let session = Session::open(&own, engines::open(&own).await?, format, suite.cases.len() as u64, started)?;
        let mut rows: Vec<CaseRow> = Vec::new();
        let emit = |row: &CaseRow| {
            rows.push(row.clone());
            session.progress.row();
            Ok(())
        };
        let (counted, _) = eval::run(&session.judge, &suite, true, own.window(), emit).await?;
        let (stats, stored) = session.close(counted.cases, counted.failed).await?;
        if counted.failed > 0 {
            let message = format!("{} of {} pairs have no judgment: {}", counted.failed, counted.cases, first_error(&rows));
            return Err(Failure::user(anyhow::anyhow!(message)).with_hint(session::again(stored)));
        }
        runs.push((budget, rows));
        all.merge(&counted.verdicts);
        last = Some(stats);
    }
    verdicts::tell(&all, 0);
    verdicts::check(&all, "nothing was decided, and there is no setting to choose")?;
    let tuned =
        tune::tune(&runs, target, options.seed.unwrap_or(0)).ok_or_else(|| anyhow::anyhow!("there are no labelled pairs"))?;
    print(&table(&tuned, target))?;
    let Some(mut stats) = last else { return Ok(ExitCode::SUCCESS) };
    stats.verdicts = Some(all);
    if let Some(report) = &mut report {
        report.text(&(serde_json::to_string_pretty(&tuned)? + "\n"))?;
    }
    match report {
        Some(report) => {
            let data: String = data.iter().map(|path| format!(" --data {}", path.display())).collect();
            if let Some(path) = report.path() {
                // Only what was named and what was chosen: a command that judges refuses options of others.
                let chosen = applied(&options.without_secrets(), &tuned.settings[tuned.chosen].setting);
                let chosen = format!("# the setting that rrm tune{data} chose\n{}", toml::to_string(&chosen)?);
                std::fs::write(beside(path, "chosen.toml"), chosen)?;
            }
            report.finish(
                &stats,
                &to_toml(&Options { votes: Some(votes), ..options.clone() }, &format!("tune{data}"))?,
                options.price(),
            )?;
        }
        None => crate::terminal::summary(&stats, options.price()),
    }
    Ok(ExitCode::SUCCESS)
}

fn check(options: &Options, target: Option<f64>) -> anyhow::Result<()> {
    anyhow::ensure!(!options.engine.is_empty(), "--engine says whose judgments are tuned; rrm-tiny's are in docs/rrm-tiny.md");
    let ranking = options.strategy.is_some() || options.opponents.is_some() || options.teams.is_some();
    anyhow::ensure!(!ranking, "--strategy, --opponents and --teams are for `rrm rank`");
    anyhow::ensure!(
        !options.both_orders && options.adaptive.is_none(),
        "--both-orders and --adaptive are what tune tells about: leave them out"
    );
    anyhow::ensure!(
        options.shard.is_none() && options.batch_out.is_none(),
        "--shard and --batch-out are for commands that judge rows"
    );
    anyhow::ensure!(
        options.votes.is_none_or(|votes| (1..=64).contains(&votes)),
        "--votes, in each order, must lie between 1 and 64"
    );
    anyhow::ensure!(!options.skip_bad_rows, "--skip-bad-rows is for judge, rank, label and plan");
    anyhow::ensure!(target.is_none_or(|target| target > 0.0 && target < 1.0), "--target must lie between 0 and 1");
    options.check()
}

fn parsed(budgets: &[String], fallback: Option<u32>) -> anyhow::Result<Vec<Option<u32>>> {
    if budgets.is_empty() {
        return Ok(vec![fallback]);
    }
    let one = |text: &String| match text.trim() {
        "none" => Ok(None),
        number => number.parse().map(Some).map_err(|_| anyhow::anyhow!("--budgets takes tokens or none; found '{number}'")),
    };
    budgets.iter().map(one).collect()
}

fn first_error(rows: &[CaseRow]) -> String {
    rows.iter().find_map(|row| row.error.as_ref().map(|error| format!("row {}: {error}", row.id))).unwrap_or_default()
}

/// The options with which `rrm judge` asks as the setting says.
fn applied(options: &Options, setting: &Setting) -> Options {
    let Setting { max_thinking_tokens, both_orders, votes } = *setting;
    Options { votes: Some(votes), both_orders, max_thinking_tokens, output: None, ..options.clone() }
}

fn name(setting: &Setting) -> String {
    let budget = setting.max_thinking_tokens.map_or_else(String::new, |tokens| format!(", {tokens} tokens of thinking"));
    let orders = if setting.both_orders { "both orders" } else { "one order" };
    format!("{} vote{}, {orders}{budget}", setting.votes, if setting.votes == 1 { "" } else { "s" })
}

/// Everything as text.
fn table(tuned: &Tuned, target: Option<f64>) -> String {
    let percent = |share: f64| format!("{:.1}", share * 100.0);
    let mut out = format!("{} labelled pairs\n", grouped(tuned.pairs as u64));
    for behaviour in &tuned.behaviour {
        let budget =
            behaviour.max_thinking_tokens.map_or_else(String::new, |tokens| format!(" with {tokens} tokens of thinking"));
        out += &format!(
            "{}% of votes without a verdict, {}% of decisions follow the place{budget}\n",
            percent(behaviour.abstained),
            percent(behaviour.flipped)
        );
    }
    out += &format!(
        "\n{:<44} {:>8} {:>15} {:>10} {:>12} {:>12}\n",
        "setting", "accuracy", "95%", "undecided", "tokens/pair", "tokens/right"
    );
    for (at, measured) in tuned.settings.iter().enumerate() {
        let Measured { setting, accuracy, undecided, tokens, tokens_per_right } = measured;
        let mark = match at {
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
        out += &format!("chosen like this on part of the pairs, a setting is right on {}% of the others\n", percent(elsewhere));
    }
    if let (Some(enough), Some(target)) = (&tuned.enough, target) {
        let target = percent(target);
        out += &match enough {
            Enough::Yes => format!("good enough: the interval of the best setting lies above {target}%\n"),
            Enough::No => format!("not good enough: the interval of the best setting lies below {target}%\n"),
            Enough::Undecided { pairs_needed: Some(n) } => {
                format!(
                    "these pairs cannot tell whether it reaches {target}%: some {} would, if it is as good as it seems\n",
                    grouped(*n)
                )
            }
            Enough::Undecided { pairs_needed: None } => {
                format!("these pairs cannot tell whether it reaches {target}%: it seems to be there exactly\n")
            }
        };
    }
    out
}
