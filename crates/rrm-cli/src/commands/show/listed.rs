//! Rows of a result file -> a list of them, or of their closest or worst matches.

use std::{cmp::Ordering, collections::HashMap};

use rrm::{
    dataset::{self, Item, ReadOptions},
    result::{MatchRow, Row, RowResult},
};

use super::{ShowArgs, named, results, same_row};
use crate::{failure::Failure, lines::one_line, numbers::counted, output, terminal};

/// Columns of an id in a list; longer ids move the rest of their line.
const ID: usize = 16;

/// A match in a list.
struct ListedMatch {
    id: String,
    played: MatchRow,
}

/// A number by which matches are sorted, the smallest first.
type MatchKey = fn(&MatchRow) -> f64;

/// Lists what the arguments ask for.
pub fn list(args: &ShowArgs) -> Result<String, Failure> {
    let items = items(args)?;
    let wanted = args.search.as_ref().map(|text| text.to_lowercase());
    let (mut lines, mut matches, mut rows, mut found) = (Vec::new(), Vec::new(), 0, 0);
    for row in results::rows(&args.result)? {
        let row = row?;
        rows += 1;
        let item = items.get(&row.id);
        if let (Some(input), Some(item)) = (&args.input, item) {
            found += 1;
            same_row(&row, item, input)?;
        }
        if wanted.as_ref().is_some_and(|text| !holds(&row, item, text)) {
            continue;
        }
        if args.closest.is_none() && args.worst.is_none() {
            lines.push(line(&row, item));
        } else if let Some(result) = row.result {
            let silent = |played: &MatchRow| played.counts.is_some_and(|counts| counts.abstain > 0);
            let counts = |played: &MatchRow| played.counts.is_some() && (args.worst.is_none() || silent(played));
            let asked = result.matches.into_iter().filter(counts);
            matches.extend(asked.map(|played| ListedMatch { id: row.id.clone(), played }));
        }
    }
    if let Some(input) = args.input.as_ref().filter(|_| rows > 0 && found == 0) {
        return Err(Failure::user(anyhow::anyhow!(
            "{}: no row has an id of {}: it is not the file that was judged",
            named(input),
            args.result.display()
        )));
    }
    let order = args.closest.map(|most| (most, margin as MatchKey)).or(args.worst.map(|most| (most, verdicts as MatchKey)));
    if let Some((most, key)) = order {
        matches.sort_by(|a, b| key(&a.played).partial_cmp(&key(&b.played)).unwrap_or(Ordering::Equal));
        lines = matches.iter().take(most.get()).map(match_line).collect();
    }
    if lines.is_empty() {
        let failure = |found: String| Failure::user(anyhow::anyhow!("{}: {found}", args.result.display()));
        return Err(match (&args.search, rows) {
            (_, 0) => failure("there are no rows".to_owned()),
            (Some(text), _) if args.input.is_none() => failure(format!("no id and no column of a row holds '{text}'"))
                .with_hint("with --input FILE, the file that was judged, prompts and responses are searched, too"),
            (Some(text), _) => failure(format!("no row holds '{text}'")),
            (None, _) if args.worst.is_some() => failure("every vote has a verdict".to_owned()),
            (None, _) => failure("no match has votes".to_owned()),
        });
    }
    Ok(lines.concat())
}

/// The rows of the judged file by their ids.
fn items(args: &ShowArgs) -> Result<HashMap<String, Item>, Failure> {
    let Some(input) = &args.input else { return Ok(HashMap::new()) };
    let columns = args.columns.names()?;
    let copy = output::spooled(input)?;
    let read =
        dataset::read(copy.path(), &ReadOptions { at_least: 1, columns, name: Some(named(input)), ..ReadOptions::default() })?;
    Ok(read.map(|item| item.map(|item| (item.id.clone(), item))).collect::<Result<_, _>>()?)
}

/// Whether a row holds a text in lower case.
fn holds(row: &Row, item: Option<&Item>, text: &str) -> bool {
    let has = |other: &str| other.to_lowercase().contains(text);
    let columns = || row.extra.values().any(|value| value.as_str().map_or_else(|| has(&value.to_string()), has));
    let read = |item: &Item| {
        item.prompt.messages.iter().any(|message| has(&message.content)) || item.responses.iter().any(|one| has(&one.text))
    };
    has(&row.id) || columns() || item.is_some_and(read)
}

/// A row: its best response with score, the next one, the votes.
fn line(row: &Row, item: Option<&Item>) -> String {
    let Some(result) = &row.result else {
        return format!("{:<ID$}  no result: {}\n", one_line(&row.id), one_line(row.error.as_deref().unwrap_or("unknown")));
    };
    let best = result.best();
    let named: String = best.iter().map(|index| format!("[{index}]")).collect();
    let best_is = match (best.len(), result.verdict.is_some()) {
        (0, _) => "no best".to_owned(),
        (1, _) => format!("best {named}"),
        (_, true) => "tie".to_owned(),
        (_, false) => format!("best {named} equally"),
    };
    let text = best.first().and_then(|index| item?.responses.get(*index)).map(|response| terminal::excerpt(&response.text));
    let usage = result.usage;
    let votes = match usage.abstained {
        0 => counted(usage.votes, "vote"),
        abstained => format!("{}, {abstained} without a verdict", counted(usage.votes, "vote")),
    };
    let line =
        format!("{:<ID$}  {best_is:<12}  {}  {votes}  {}", one_line(&row.id), scores(result, &best), text.unwrap_or_default());
    line.trim_end().to_owned() + "\n"
}

/// The scores of the best and of the next response.
fn scores(result: &RowResult, best: &[usize]) -> String {
    let value = |index: &usize| result.scores.get(*index).copied().flatten().map(|score| score.value);
    let others = (0..result.scores.len()).filter(|index| !best.contains(index));
    let next = others.filter_map(|index| value(&index)).max_by(f64::total_cmp);
    match (best.first().and_then(value), next) {
        (Some(best), Some(next)) => format!("score {best:.2}, next {next:.2}"),
        (Some(best), None) => format!("score {best:.2}"),
        _ => "no score".to_owned(),
    }
}

/// Difference of the votes for both responses as a share of the verdicts, from 0 for a draw to 1; more than 1 if there is no verdict.
fn margin(played: &MatchRow) -> f64 {
    let Some(counts) = played.counts.filter(|counts| counts.verdicts() > 0) else { return 2.0 };
    f64::from(counts.for_a.abs_diff(counts.for_b)) / f64::from(counts.verdicts())
}

/// Share of the votes that have a verdict, from 0 to 1.
fn verdicts(played: &MatchRow) -> f64 {
    let Some(counts) = played.counts else { return 1.0 };
    let all = counts.verdicts() + counts.abstain;
    if all == 0 { 1.0 } else { f64::from(counts.verdicts()) / f64::from(all) }
}

fn match_line(listed: &ListedMatch) -> String {
    let played = &listed.played;
    let winner = played.winner.map_or_else(|| "no winner".to_owned(), |winner| format!("[{winner}] won"));
    let (round, votes) = (played.round + 1, terminal::votes(played));
    format!("{:<ID$}  round {round}  [{}] and [{}]  {winner}  {votes}\n", one_line(&listed.id), played.a, played.b)
}
