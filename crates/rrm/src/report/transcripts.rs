//! Cases to be shown, the data and the store -> the judged texts beside the judge's transcripts, and the reasoning patterns.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::{JudgeRun, Reasoning, Report, ReportError, cases, patterns::PatternCounter};
use crate::{
    dataset::Item,
    eval::{CaseRow, Suite},
    result::{MatchRow, VoteRow},
    store::Store,
    transcript::{self, Thinking},
    vote::{Choice, Decision},
};

/// Most votes of a judgment that are shown.
const VOTES_SHOWN: usize = 4;
/// Most characters of a text that are shown.
const TEXT_SHOWN: usize = 12_000;

/// The sources of a run's texts. Texts of a missing source are not shown.
#[derive(Default)]
pub struct Sources {
    /// The judged data.
    pub suite: Option<Suite>,
    /// The store that holds the transcripts.
    pub store: Option<Store>,
    /// The marks of thinking in the judge's format.
    pub thinking: Option<Thinking>,
}

/// One case to be read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The id of its row.
    pub id: String,
    /// The subset that it counts under.
    pub subset: String,
    /// Indices of the two responses, in the benchmark's own order.
    pub pair: (usize, usize),
    /// The right response in that order, or a tie.
    pub label: Choice,
    /// The decision in each order.
    pub decisions: Vec<Decision>,
    /// Reasons to look at the case: `wrong`, `flipped`, `abstained`.
    pub flags: Vec<&'static str>,
    /// Reason why there is no judgment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The judged texts, if the data is available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub texts: Option<CaseTexts>,
    /// The votes with the judge's transcripts.
    pub written: Vec<VoteTranscript>,
    /// Number of votes that are not shown.
    pub more_votes: usize,
}

/// The texts of a case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseTexts {
    /// The conversation.
    pub prompt: String,
    /// The two responses, in the benchmark's own order.
    pub responses: [CaseResponse; 2],
}

/// One of the two responses of a case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseResponse {
    /// Its index in the row.
    pub index: usize,
    /// Its text.
    pub text: String,
}

/// One vote and its transcript.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VoteTranscript {
    /// Index of the response shown first.
    pub first: usize,
    /// Index of the response that the vote is for; `None` for a tie or an abstention.
    pub chosen: Option<usize>,
    /// The vote in words.
    pub said: String,
    /// Tokens written.
    pub tokens: u64,
    /// The thinking; `None` if the store does not have the transcript.
    pub thinking: Option<String>,
    /// The answer; `None` if the store does not have the transcript.
    pub answer: Option<String>,
}

/// Adds the texts of the cases to be shown and the reasoning patterns to each run, from its own sources.
///
/// # Errors
/// [`ReportError`] for a store that cannot be read.
pub fn add_transcripts(report: &mut Report, sources: &[Sources]) -> Result<(), ReportError> {
    for (run, sources) in report.runs.iter_mut().zip(sources) {
        let wanted: HashSet<&str> = run.rows.iter().map(|row| row.id.as_str()).collect();
        let cases = sources.suite.iter().flat_map(|suite| &suite.cases);
        let items: HashMap<&str, &Item> = cases
            .filter(|case| wanted.contains(case.item.id.as_str()))
            .map(|case| (case.item.id.as_str(), &*case.item))
            .collect();
        let shown: Result<Vec<Entry>, ReportError> =
            run.rows.iter().map(|row| entry(row, items.get(row.id.as_str()).copied(), sources)).collect();
        run.shown = shown?;
        run.reasoning = match &sources.store {
            Some(store) => reasoning(run, store)?,
            None => None,
        };
    }
    Ok(())
}

fn reasoning(run: &JudgeRun, store: &Store) -> Result<Option<Reasoning>, ReportError> {
    let mut counter = PatternCounter::shipped()?;
    for address in &run.sample {
        let Ok(key) = address.parse() else { continue };
        if let Some(completion) = store.get(key)? {
            counter.add(&format!("{} {}", completion.reasoning.unwrap_or_default(), completion.text));
        }
    }
    let (transcripts, patterns) = counter.done();
    Ok((transcripts > 0).then_some(Reasoning { transcripts, patterns }))
}

fn entry(row: &CaseRow, item: Option<&Item>, sources: &Sources) -> Result<Entry, ReportError> {
    let (mut written, mut more_votes) = (Vec::new(), 0);
    for played in &row.matches {
        for vote in played.votes.iter().take(VOTES_SHOWN) {
            written.push(one(played, vote, sources)?);
        }
        more_votes += played.votes.len().saturating_sub(VOTES_SHOWN);
    }
    let side = |item: &Item, index: usize| Some(CaseResponse { index, text: short(&item.responses.get(index)?.text) });
    let texts = |item: &Item| {
        let messages = item.prompt.messages.iter();
        let prompt: Vec<String> = match &item.prompt.messages[..] {
            [only] => vec![only.content.to_string()],
            _ => messages.map(|message| format!("{}: {}", message.role.as_str(), message.content)).collect(),
        };
        Some(CaseTexts { prompt: short(&prompt.join("\n\n")), responses: [side(item, row.pair.0)?, side(item, row.pair.1)?] })
    };
    Ok(Entry {
        id: row.id.clone(),
        subset: row.subset.clone(),
        pair: row.pair,
        label: row.label,
        decisions: row.decisions.clone(),
        flags: cases::flags(row),
        error: row.error.clone(),
        texts: item.and_then(texts),
        written,
        more_votes,
    })
}

fn one(played: &MatchRow, vote: &VoteRow, sources: &Sources) -> Result<VoteTranscript, ReportError> {
    let (chosen, said) = match vote.vote() {
        Some(Ok(Choice::A)) => (Some(played.a), "a verdict".to_owned()),
        Some(Ok(Choice::B)) => (Some(played.b), "a verdict".to_owned()),
        Some(Ok(Choice::Tie)) => (None, "a tie".to_owned()),
        Some(Err(reason)) => (None, format!("abstained: {}", format!("{reason:?}").to_lowercase())),
        None => (None, "nothing".to_owned()),
    };
    let completion = match (&sources.store, vote.completion.as_deref().map(str::parse)) {
        (Some(store), Some(Ok(key))) => store.get(key)?,
        _ => None,
    };
    let (thinking, answer) = completion
        .map(|completion| transcript::split(&completion, sources.thinking.as_ref()))
        .map(|transcript| (short(&transcript.thinking), short(&transcript.answer)))
        .unzip();
    let (first, _) = vote.order.shown(played.a, played.b);
    Ok(VoteTranscript { first, chosen, said, tokens: vote.completion_tokens, thinking, answer })
}

/// Returns the text, cut at the limit, with a note of how much is missing.
fn short(text: &str) -> String {
    match text.char_indices().nth(TEXT_SHOWN) {
        Some((end, _)) => format!("{}\n[{} more bytes are not shown]", &text[..end], text.len() - end),
        None => text.to_owned(),
    }
}
