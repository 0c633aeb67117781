//! Judgments that others published with a benchmark -> rows as of rrm's own judges, and their counts, without any request.
//!
//! | benchmark | published as | told apart by |
//! |---|---|---|
//! | `judgebench` | `outputs/*.jsonl`: `judgments`, the second about the other order | `pair_id` |
//! | `llmbar` | `evaluators/JUDGE/*/result.json`: the last of `results`, winners in the file's order | the texts |
//! | `pandalm` | `*-testset-v1.json`: a column `JUDGE_result` | `idx` |

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{
    Benchmark, Case, CaseCounts, CaseRow, CaseTotals, DataFile, EvalError, Orders, Suite, files,
    run::{bytes, writers},
};
use crate::{
    dataset::{self, DatasetError},
    engine::Usage,
    judge::{Evidence, JudgeKind, Judgment, Order, VoteRecord},
    ranking::strategy,
    result,
    verdict::Abstain,
    vote::{Choice, Decision, Vote},
};

/// The published results for the cases of a suite.
#[derive(Clone, Debug)]
pub struct RecordedResults {
    /// One row for each case, in their order.
    pub rows: Vec<CaseRow>,
    /// Totals of the rows.
    pub tally: CaseTotals,
    /// Number of cases, and of those without a published judgment.
    pub counted: CaseCounts,
    /// The files that judgments were read from.
    pub files: Vec<DataFile>,
    /// Number of judgments that are published as null: upstream could read no verdict.
    pub without_verdict: u64,
    /// Number of judgments with another text than upstream's verdicts. They count as no verdict, as they do upstream.
    pub unreadable: u64,
    /// Number of judgments about pairs that the suite does not have.
    pub unmatched: u64,
}

/// The reason why recorded judgments cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordedError {
    /// A file cannot be read.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// A file cannot be read as rows.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// No layout of judgments is known for the benchmark.
    #[error("judgments of others are read for judgebench, llmbar and pandalm, not for {0}")]
    Benchmark(&'static str),
    /// No file holds judgments.
    #[error("{path}: no judgments of {benchmark}, which have {wanted}")]
    NoFiles {
        /// Path that was named.
        path: PathBuf,
        /// The benchmark.
        benchmark: &'static str,
        /// Description of the columns of judgments.
        wanted: &'static str,
    },
    /// A row is no judgment, or contradicts the data.
    #[error("{file} row {row}: {problem}")]
    Row {
        /// The file.
        file: PathBuf,
        /// The row, from 1.
        row: usize,
        /// Error of the row.
        problem: String,
    },
    /// The judgments are about other data.
    #[error("{0}: none of its judgments is about a pair of the data")]
    OtherData(PathBuf),
}

/// The published judgment on one pair.
struct RecordedJudgment {
    /// The verdict about the pair in its own order, for each order that the judge saw.
    said: Vec<RecordedVerdict>,
    /// Label in the row, if it has one.
    label: Option<Choice>,
    /// Texts of the pair by their columns, as far as the row has them.
    texts: Vec<(&'static str, CaseText, String)>,
    file: PathBuf,
    row: usize,
    used: bool,
}

/// A published verdict on one pair.
#[derive(Clone, Copy, PartialEq)]
enum RecordedVerdict {
    Choice(Choice),
    Nothing,
    Unreadable,
}

/// The text of a pair that a column holds.
#[derive(Clone, Copy)]
enum CaseText {
    /// The whole prompt, or a part of it.
    Prompt,
    First,
    Second,
}

/// The published verdicts of a row, or the problem with the row.
type RecordedVerdicts = Result<Vec<RecordedVerdict>, String>;

/// The layout in which a benchmark's judgments are published.
struct RecordedLayout {
    /// Description of its columns, for messages.
    wanted: &'static str,
    /// Returns whether rows with these columns are judgments.
    fits: fn(&[String]) -> bool,
    /// Returns the verdicts of a row.
    read: fn(&Map<String, Value>) -> RecordedVerdicts,
    /// Columns that identify the pair.
    about: &'static [&'static str],
    /// Returns the same identification for a case.
    key: fn(&Case) -> String,
    /// Columns that repeat texts of the data. They are compared, because another edition may have the same ids.
    texts: &'static [(&'static str, CaseText)],
}

const JUDGE_BENCH: RecordedLayout = RecordedLayout {
    wanted: "the columns pair_id and judgments",
    fits: |present| has(present, "pair_id") && has(present, "judgments"),
    read: judge_bench,
    about: &["pair_id"],
    key: |case| case.item.id.clone(),
    texts: &[("question", CaseText::Prompt), ("response_A", CaseText::First), ("response_B", CaseText::Second)],
};

const LLM_BAR: RecordedLayout = RecordedLayout {
    wanted: "the columns input, output_1, output_2 and results",
    fits: |present| ["input", "output_1", "output_2", "results"].iter().all(|name| has(present, name)),
    read: llm_bar,
    about: &["input", "output_1", "output_2"],
    key: |case| {
        let prompt = case.item.prompt.messages.iter().map(|message| message.content.as_str());
        prompt.chain(case.item.responses.iter().map(|response| &*response.text)).collect::<Vec<_>>().join("\0")
    },
    texts: &[],
};

const PANDA_LM: RecordedLayout = RecordedLayout {
    wanted: "the columns idx and JUDGE_result",
    fits: |present| has(present, "idx") && present.iter().any(|column| column.ends_with(RESULT)),
    read: panda_lm,
    about: &["idx"],
    key: |case| case.item.id.clone(),
    texts: &[
        ("instruction", CaseText::Prompt),
        ("input", CaseText::Prompt),
        ("response1", CaseText::First),
        ("response2", CaseText::Second),
    ],
};

/// End of the name of a column with PandaLM's verdicts; the judge's name comes before it.
const RESULT: &str = "_result";

fn has(present: &[String], name: &str) -> bool {
    present.iter().any(|column| column == name)
}

/// Reads judgments of the cases of `suite` from files, and from those files in folders that hold judgments.
///
/// # Errors
/// [`RecordedError`] for a benchmark without a known layout, for a file that cannot be read, and for judgments that contradict the data or each
/// other.
pub fn recorded(suite: &Suite, paths: &[PathBuf]) -> Result<RecordedResults, RecordedError> {
    let name = suite.benchmark.protocol().name;
    let kind = match suite.benchmark {
        Benchmark::JudgeBench => JUDGE_BENCH,
        Benchmark::LlmBar => LLM_BAR,
        Benchmark::PandaLm => PANDA_LM,
        _ => return Err(RecordedError::Benchmark(name)),
    };
    let (mut stated, mut files) = (HashMap::new(), Vec::new());
    for path in paths {
        let before = files.len();
        let all = if path.is_dir() { files::listed(path)? } else { vec![path.clone()] };
        for file in all {
            let present = match dataset::first_columns(&file) {
                Err(DatasetError::Row { .. } | DatasetError::Kind { .. } | DatasetError::Empty { .. }) if path.is_dir() => {
                    continue;
                }
                present => present?,
            };
            if (kind.fits)(&present) {
                let rows = read(&kind, &file, &mut stated)?;
                files.push(files::hashed(&file, rows)?);
            }
        }
        if files.len() == before {
            return Err(RecordedError::NoFiles { path: path.clone(), benchmark: name, wanted: kind.wanted });
        }
    }
    let mut found = RecordedResults {
        rows: Vec::new(),
        tally: CaseTotals::new(suite.benchmark),
        counted: CaseCounts::default(),
        files,
        without_verdict: 0,
        unreadable: 0,
        unmatched: 0,
    };
    for case in &suite.cases {
        let row = case_row(suite, case, stated.get_mut(&(kind.key)(case)), &mut found)?;
        found.counted.cases += 1;
        found.counted.failed += u64::from(row.error.is_some());
        found.tally.add(&row);
        found.rows.push(row);
    }
    found.unmatched = stated.values().filter(|stated| !stated.used).count() as u64;
    match paths.first() {
        Some(path) if found.counted.failed == found.counted.cases => Err(RecordedError::OtherData(path.clone())),
        _ => Ok(found),
    }
}

/// Reads one file. Returns the number of its rows.
fn read(kind: &RecordedLayout, file: &Path, stated: &mut HashMap<String, RecordedJudgment>) -> Result<u64, RecordedError> {
    let mut rows = 0;
    for row in dataset::raw(file, &file.display().to_string())? {
        let (row, keys) = row?;
        let bad = |problem| RecordedError::Row { file: file.to_owned(), row, problem };
        let text = |name: &&str| match keys.get(*name) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Number(number)) => Ok(number.to_string()),
            _ => Err(format!("`{name}` must be text or a number")),
        };
        let key = kind.about.iter().map(text).collect::<Result<Vec<_>, _>>().map_err(bad)?.join("\0");
        let said = (kind.read)(&keys).map_err(bad)?;
        let label = keys.get("label").and_then(choice);
        let held = |(name, part): &(&'static str, CaseText)| Some((*name, *part, keys.get(*name)?.as_str()?.to_owned()));
        let texts = kind.texts.iter().filter_map(held).collect();
        let now = RecordedJudgment { said, label, texts, file: file.to_owned(), row, used: false };
        if let Some(before) = stated.insert(key, now) {
            let (file, row) = (before.file.display(), before.row);
            return Err(bad(format!("{file} row {row} judges the same pair; give the judgments of one judge at a time")));
        }
        rows += 1;
    }
    Ok(rows)
}

/// Returns the row of one case.
fn case_row(
    suite: &Suite,
    case: &Case,
    stated: Option<&mut RecordedJudgment>,
    found: &mut RecordedResults,
) -> Result<CaseRow, RecordedError> {
    let protocol = suite.benchmark.protocol();
    let orders = if protocol.orders == Orders::Both { 2 } else { 1 };
    let mut row = CaseRow {
        rrm: result::VERSION,
        id: case.item.id.clone(),
        pair: case.pair,
        subset: case.subset.clone(),
        label: case.label,
        official: 0.0,
        strict: None,
        bytes: bytes(case),
        writers: writers(case),
        decisions: vec![Decision::Undecided; orders],
        error: None,
        matches: Vec::new(),
        flags: Vec::new(),
    };
    match stated {
        None => row.error = Some("no judgment of this pair was published".to_owned()),
        Some(stated) => {
            stated.used = true;
            if stated.label.is_some_and(|label| label != case.label) {
                let problem = format!("the label is not that of `{}` in the data", case.item.id);
                return Err(RecordedError::Row { file: stated.file.clone(), row: stated.row, problem });
            }
            if let Some(name) = other_text(case, &stated.texts) {
                let problem =
                    format!("`{name}` is not that of `{}` in the data: the judgment is about other texts", case.item.id);
                return Err(RecordedError::Row { file: stated.file.clone(), row: stated.row, problem });
            }
            row.decisions.clear();
            for (said, order) in stated.said.iter().zip([Order::Given, Order::Swapped]).take(orders) {
                found.without_verdict += u64::from(*said == RecordedVerdict::Nothing);
                found.unreadable += u64::from(*said == RecordedVerdict::Unreadable);
                let vote = if let RecordedVerdict::Choice(choice) = said { Ok(*choice) } else { Err(Abstain::NoVerdict) };
                row.decisions.push(vote.map_or(Decision::Undecided, Decision::from));
                row.matches.push(match_row(case.pair, order, vote));
            }
        }
    }
    row.official = protocol.count(case.label, &row.decisions, JudgeKind::Compares);
    let right = |decision: &Decision| *decision == case.label.into();
    row.strict = (row.decisions.len() == 2).then(|| row.decisions.iter().all(right));
    Ok(row)
}

/// Returns the first column of a judgment whose text differs from the case's.
fn other_text(case: &Case, texts: &[(&'static str, CaseText, String)]) -> Option<&'static str> {
    let response = |place: usize, text: &str| case.item.responses.get(place).is_some_and(|response| response.text.trim() == text);
    let is = |(_, part, text): &&(&'static str, CaseText, String)| {
        let text = text.trim();
        !match part {
            CaseText::Prompt => case.item.prompt.messages.iter().any(|message| message.content.contains(text)),
            CaseText::First => response(case.pair.0, text),
            CaseText::Second => response(case.pair.1, text),
        }
    };
    texts.iter().find(is).map(|(name, _, _)| *name)
}

/// Returns the row of one vote about a pair in this order.
fn match_row(pair: (usize, usize), order: Order, vote: Vote) -> result::MatchRow {
    let record = VoteRecord { order, vote, elicited: false, probabilities: None, usage: Usage::default(), key: None };
    let judgment = Judgment::new(Evidence::Votes(vec![record]));
    result::match_row(strategy::settle(0, strategy::PairJudgment { pair, order, judgment }))
}

/// Reads a verdict in one of upstream's spellings.
fn choice(value: &Value) -> Option<Choice> {
    let text = match value {
        Value::String(text) => text.trim().to_lowercase(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    // pandas writes integers beside nulls in this form.
    match text.strip_suffix(".0").unwrap_or(&text) {
        "1" | "a>b" => Some(Choice::A),
        "2" | "b>a" => Some(Choice::B),
        "0" | "tie" | "a=b" => Some(Choice::Tie),
        _ => None,
    }
}

fn said(value: Option<&Value>) -> RecordedVerdict {
    match value {
        None | Some(Value::Null) => RecordedVerdict::Nothing,
        Some(value) => choice(value).map_or(RecordedVerdict::Unreadable, RecordedVerdict::Choice),
    }
}

/// Returns the judgments of `(A, B)` and, unless there was a single game, of `(B, A)`; upstream swaps the second one.
fn judge_bench(row: &Map<String, Value>) -> RecordedVerdicts {
    let judgments = row.get("judgments").and_then(Value::as_array).filter(|list| matches!(list.len(), 1 | 2));
    let judgments = judgments.ok_or("`judgments` must be a list of one or two")?;
    let turned = |(place, judgment): (usize, &Value)| match said(judgment.get("decision")) {
        RecordedVerdict::Choice(choice) if place == 1 => RecordedVerdict::Choice(choice.swapped()),
        said => said,
    };
    Ok(judgments.iter().enumerate().map(turned).collect())
}

/// Returns the last result. Winners are 1 or 2 in the order of the file, whichever response was shown first.
fn llm_bar(row: &Map<String, Value>) -> RecordedVerdicts {
    let last = row.get("results").and_then(Value::as_array).and_then(|list| list.last());
    let winner = |name: &str| {
        let order = last.and_then(|last| last.get(name)?.as_object());
        order.map(|order| said(order.get("winner"))).ok_or_else(|| format!("`results` must end with an object that has `{name}`"))
    };
    Ok(vec![winner("swap = False")?, winner("swap = True")?])
}

fn panda_lm(row: &Map<String, Value>) -> RecordedVerdicts {
    let mut results = row.iter().filter(|(name, _)| name.ends_with(RESULT));
    match (results.next(), results.next()) {
        (Some((_, value)), None) => Ok(vec![said(Some(value))]),
        _ => Err(format!("one column must end with {RESULT}")),
    }
}
