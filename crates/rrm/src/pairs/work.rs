//! Kept rows -> pairs, through the engines that sample responses and judge difficulty; dropped rows -> lines with the reason.

use std::{future::ready, sync::Arc};

use futures::{StreamExt, stream};

use super::{
    DropReason, PairSettings, QuestionFile, UnusedReason,
    benchmarks::Benchmarks,
    choose::{self, UsableResponse},
    columns::PairColumns,
    decide::{ReadRow, RowFate, RowFates, one_sided, rows},
    question::Question,
    row::{self, DroppedPair, FilterLine, Overlap, PairRow},
    sample,
};
use crate::{
    comparison::Prompt,
    dataset::{DatasetError, Item, Response},
    judge::{Judge, JudgeError, RunEnd},
    ranking::rank,
    result::Verdicts,
    shard::Shard,
    vote::{Choice, Vote},
};

/// The judges that sample responses and filter pairs.
#[derive(Clone, Copy, Default)]
pub struct Judges<'a> {
    /// Judge whose engine samples responses.
    pub sampler: Option<&'a Judge>,
    /// The base judge. Pairs that it gets right in all of its votes are left out.
    pub filter: Option<&'a Judge>,
}

/// The pairs of one row, and the pairs and responses that were left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowPairs {
    /// Category of the question.
    pub category: String,
    /// Its pairs.
    pub pairs: Vec<PairRow>,
    /// Reasons why the row has no pairs, or why pairs were left out.
    pub dropped: Vec<DroppedPair>,
    /// Verdicts of the base judge about each pair.
    pub filtered: Vec<FilterLine>,
    /// Responses that were not used.
    pub unused: Vec<UnusedReason>,
    /// Pairs whose right response is the longer one.
    pub longer: u64,
    /// Counts of the base judge's votes.
    pub verdicts: Verdicts,
}

/// The reason why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum PairsError {
    /// A row could not be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The input has changed since `decide` read it.
    #[error("the input changed while it was read")]
    Changed,
    /// A completion could not be had. A file with fewer pairs would look complete, so the run stops.
    #[error("question {id}: {source}")]
    Judge {
        /// Id of the question.
        id: String,
        /// Error of the judge.
        source: JudgeError,
    },
    /// A line could not be written.
    #[error("cannot write pairs: {0}")]
    Write(#[from] std::io::Error),
}

/// Reads the rows again, `window` of them at once, and hands on the result of each in the order of the input. With a shard it does only that part of
/// the rows: every part decides on the whole input, so the parts one after the other are the whole.
///
/// # Errors
/// [`PairsError`] at the first row that cannot be read or written, or whose completions could not be had.
pub async fn work(
    (inputs, columns): (&[QuestionFile], &PairColumns),
    settings: &PairSettings,
    (decided, benchmarks): (&RowFates, &Benchmarks),
    (judges, shard): (Judges<'_>, Option<Shard>),
    window: usize,
    mut emit: impl FnMut(RowPairs) -> Result<(), std::io::Error>,
) -> Result<(), PairsError> {
    let run = Arc::new(RunEnd::default());
    let for_run = |judge: Option<&Judge>| judge.map(|judge| judge.for_run_of(run.clone()));
    let (sampler, filter) = (for_run(judges.sampler), for_run(judges.filter));
    let judges = Judges { sampler: sampler.as_ref(), filter: filter.as_ref() };
    let patience = [judges.sampler, judges.filter].into_iter().flatten().map(|judge| judge.patience).max().unwrap_or_default();
    let one = |(number, read): (usize, Result<ReadRow, DatasetError>)| async move {
        let read = read?;
        let fate = *decided.fates.get(number).ok_or(PairsError::Changed)?;
        let at = RowNumber { file: &inputs[read.file].name, row: read.row };
        let question = match read.question {
            Ok(question) => question,
            Err((id, reason)) => return Ok(RowPairs { dropped: vec![at.dropped(id, reason, None)], ..RowPairs::default() }),
        };
        let met = |fate| met(fate, inputs, decided, benchmarks);
        let reason = match fate {
            RowFate::Kept => return kept(&question, at, settings, judges).await,
            RowFate::Dropped(reason) => reason,
            RowFate::Contaminated(..) => DropReason::Contaminated,
            RowFate::NearDuplicate(..) => DropReason::NearDuplicate,
        };
        let unused = match settings.samples {
            0 => choose::sides(&question, question.candidates.clone(), settings).unused,
            _ => Vec::new(),
        };
        let dropped = vec![at.dropped(question.id, reason, met(fate))];
        Ok(RowPairs { category: question.category, dropped, unused, ..RowPairs::default() })
    };
    let rows_here = Shard::of(shard, decided.rows(), rows(inputs, columns).enumerate());
    let begun = stream::iter(rows_here).take_while(|_| ready(!run.has_ended()));
    let mut rows = 0;
    let hand_on = |done| {
        emit(done)?;
        rows += 1;
        Ok(())
    };
    let of_ended = |error: &PairsError| matches!(error, PairsError::Judge { source, .. } if source.is_of_ended());
    match run.through(patience, begun.map(one).buffered(window.max(1)), |done| done, hand_on, of_ended).await {
        Ok(()) => {}
        Err(Some(error)) if !of_ended(&error) => return Err(error),
        Err(_) => {
            let (id, source) = run.error().unwrap_or_else(|| (String::new(), JudgeError::Ended));
            return Err(PairsError::Judge { id, source });
        }
    }
    if rows == Shard::rows(shard, decided.rows()) { Ok(()) } else { Err(PairsError::Changed) }
}

/// The file and the number of a row.
#[derive(Clone, Copy)]
struct RowNumber<'a> {
    file: &'a str,
    row: usize,
}

impl RowNumber<'_> {
    fn dropped(self, id: String, reason: DropReason, met: Option<Overlap>) -> DroppedPair {
        DroppedPair { id, file: self.file.to_owned(), row: self.row, reason, met }
    }
}

fn met(fate: RowFate, inputs: &[QuestionFile], decided: &RowFates, benchmarks: &Benchmarks) -> Option<Overlap> {
    match fate {
        RowFate::Contaminated(number, overlap) => benchmarks.row(number).map(|row| Overlap::Benchmark {
            benchmark: row.benchmark.clone(),
            benchmark_row: row.id.clone(),
            overlap,
        }),
        RowFate::NearDuplicate(number, similarity) => {
            let (file, earlier_row) = decided.place(number as usize);
            Some(Overlap::Earlier { earlier_file: inputs.get(file)?.name.clone(), earlier_row, similarity })
        }
        _ => None,
    }
}

async fn kept(
    question: &Question,
    at: RowNumber<'_>,
    settings: &PairSettings,
    judges: Judges<'_>,
) -> Result<RowPairs, PairsError> {
    let mut done = RowPairs { category: question.category.clone(), ..RowPairs::default() };
    let failed = |source| PairsError::Judge { id: question.id.clone(), source };
    let candidates = match judges.sampler.filter(|_| settings.samples > 0) {
        None => question.candidates.clone(),
        Some(judge) => match sample::sample(judge, question, settings).await {
            Ok(candidates) => candidates,
            Err(JudgeError::Engine(error)) if error.is_too_long() => {
                done.dropped.push(at.dropped(question.id.clone(), DropReason::TooLongForEngine, None));
                return Ok(done);
            }
            Err(error) => return Err(failed(error)),
        },
    };
    let sides = choose::sides(question, candidates, settings);
    if let Some(reason) = one_sided(&sides) {
        done.dropped.push(at.dropped(question.id.clone(), reason, None));
    }
    for (right, wrong) in choose::pairs(&question.id, sides.right.len(), sides.wrong.len(), settings) {
        let (right, wrong) = (&sides.right[right], &sides.wrong[wrong]);
        let mut pair = row::pair(question, at.file, at.row, (right, wrong), settings);
        if let Some(judge) = judges.filter {
            match difficulty(judge, question, &pair.id, (right, wrong)).await {
                Ok((filtered, votes)) => {
                    done.verdicts.add_votes(votes.into_iter());
                    (pair.base_right, pair.base_of) = (Some(filtered.right), Some(filtered.of));
                    let kept = filtered.kept;
                    done.filtered.push(filtered);
                    if !kept {
                        done.dropped.push(at.dropped(pair.id, DropReason::TooEasy, None));
                        continue;
                    }
                }
                Err(JudgeError::Engine(error)) if error.is_too_long() => {
                    done.dropped.push(at.dropped(pair.id, DropReason::TooLongForEngine, None));
                    continue;
                }
                Err(error) => return Err(failed(error)),
            }
        }
        done.longer += u64::from(right.text.len() > wrong.text.len());
        done.pairs.push(pair);
    }
    done.unused = sides.unused;
    Ok(done)
}

/// Asks the base judge about a pair, shown in an order that is drawn by seed. Returns the number of right verdicts, and its votes.
async fn difficulty(
    judge: &Judge,
    question: &Question,
    id: &str,
    pair: (&UsableResponse, &UsableResponse),
) -> Result<(FilterLine, Vec<Vote>), JudgeError> {
    let response = |usable: &UsableResponse, label| Response {
        text: usable.text.as_str().into(),
        label: Some(label),
        team: None,
        extra: serde_json::Map::new(),
    };
    let item = Item {
        id: id.to_owned(),
        row: 1,
        prompt: Arc::new(Prompt { messages: question.messages.clone(), rubric: None, reference: None }),
        responses: vec![response(pair.0, 1.0), response(pair.1, 0.0)],
        extra: serde_json::Map::new(),
    };
    let played = rank::play(judge, &item, (0, 1)).await?;
    let votes: Vec<Vote> = played.judgment.evidence.votes().collect();
    let right = votes.iter().filter(|vote| **vote == Ok(Choice::A)).count() as u32;
    let of = votes.len() as u32;
    Ok((FilterLine { id: id.to_owned(), right, of, kept: right < of }, votes))
}
