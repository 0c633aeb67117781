//! All rows of all files -> the rows that are kept, and the reasons for the others, before anything is paid for.

use std::collections::HashSet;

use super::{
    DropReason, PairSettings, QuestionFile, UnusedReason,
    benchmarks::Benchmarks,
    choose::{self, Sides},
    columns::PairColumns,
    near::NearDuplicates,
    question::{self, Question, QuestionOrigin},
    words::words,
};
use crate::{
    dataset::{self, DatasetError},
    keyed::KeyedRandom,
};

/// The decision about a row; twelve bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum RowFate {
    Kept,
    Dropped(DropReason),
    /// Index of the benchmark's prompt, and the share of common n-grams.
    Contaminated(u32, f32),
    /// Index of the earlier row among all rows, and the similarity.
    NearDuplicate(u32, f32),
}

/// The fates of all rows, in the order of files and rows.
#[derive(Clone, Debug, Default)]
pub struct RowFates {
    pub(super) fates: Vec<RowFate>,
    /// For each file, the index of its first row among all rows.
    pub(super) starts: Vec<usize>,
    /// Number of questions that are kept.
    pub kept: u64,
    /// Most pairs of the kept questions.
    pub pairs_at_most: u64,
}

impl RowFates {
    /// Returns the number of rows of all files.
    pub fn rows(&self) -> u64 {
        self.fates.len() as u64
    }

    /// Returns the index of a row's file, and the row's position in it from 1, without blank lines.
    pub(super) fn place(&self, number: usize) -> (usize, usize) {
        let file = self.starts.partition_point(|start| *start <= number).saturating_sub(1);
        (file, number - self.starts.get(file).copied().unwrap_or(0) + 1)
    }
}

/// One row as it was read.
pub(super) struct ReadRow {
    pub file: usize,
    pub row: usize,
    pub question: Result<Question, (String, DropReason)>,
}

/// Reads all rows, in the order of files and rows.
pub(super) fn rows<'a>(
    inputs: &'a [QuestionFile],
    columns: &'a PairColumns,
) -> impl Iterator<Item = Result<ReadRow, DatasetError>> + 'a {
    inputs.iter().enumerate().flat_map(move |(file, input)| {
        let (opened, failed) = match dataset::raw(&input.path, &input.name) {
            Ok(rows) => (Some(rows), None),
            Err(error) => (None, Some(Err(error))),
        };
        let stem = own_stem(inputs, file);
        let read = move |next: Result<(usize, _), DatasetError>| {
            next.map(|(row, values)| {
                let question = question::question(&values, columns, QuestionOrigin { stem: &stem, row });
                ReadRow { file, row, question }
            })
        };
        failed.into_iter().chain(opened.into_iter().flatten().map(read))
    })
}

/// Returns the name in ids of rows without their own: the file's name, with a number if an earlier file has the same one.
fn own_stem(inputs: &[QuestionFile], file: usize) -> String {
    let name = &inputs[file].name;
    let before = inputs.iter().take_while(|input| input.name != *name);
    let mut others: Vec<&str> = before.map(|input| input.name.as_str()).filter(|other| stem(other) == stem(name)).collect();
    others.sort_unstable();
    others.dedup();
    if others.is_empty() { stem(name).to_owned() } else { format!("{}#{}", stem(name), others.len() + 1) }
}

/// Returns a file's name without folders and extensions.
fn stem(name: &str) -> &str {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    file.split('.').find(|part| !part.is_empty()).unwrap_or(file)
}

/// Returns the reason why a question cannot be used with any responses.
pub(super) fn unfit(question: &Question, settings: &PairSettings) -> Option<DropReason> {
    let text = || question.text().chars().count();
    if !settings.conversational && question.messages.len() > 1 {
        return Some(DropReason::SeveralTurns);
    }
    settings.max_prompt_chars.filter(|most| text() > *most).map(|_| DropReason::PromptTooLong)
}

/// Returns the reason why the responses of a question give no pair.
pub(super) fn one_sided(sides: &Sides) -> Option<DropReason> {
    match (sides.right.is_empty(), sides.wrong.is_empty()) {
        (true, true) if sides.unused.contains(&UnusedReason::Unverifiable) => Some(DropReason::NoneVerifiable),
        (true, true) => Some(DropReason::NoResponses),
        (true, false) => Some(DropReason::NoneRight),
        (false, true) => Some(DropReason::NoneWrong),
        (false, false) => None,
    }
}

/// Reads all rows and decides on each, in this order: layout and answer, length, responses, benchmarks, near-duplicates, mixture.
///
/// # Errors
/// [`DatasetError`] at the first row that is broken. Nothing was spent by then.
pub fn decide(
    inputs: &[QuestionFile],
    columns: &PairColumns,
    settings: &PairSettings,
    benchmarks: &Benchmarks,
) -> Result<RowFates, DatasetError> {
    let mut decided = RowFates::default();
    let mut ids = HashSet::new();
    let mut near = settings.near_duplicates.map(NearDuplicates::new);
    for read in rows(inputs, columns) {
        let ReadRow { file, question, .. } = read?;
        let number = decided.fates.len();
        while decided.starts.len() <= file {
            decided.starts.push(number);
        }
        let (fate, pairs) = match question {
            Err((_, reason)) => (RowFate::Dropped(reason), 0),
            Ok(question) => fate(&question, number, settings, benchmarks, &mut ids, near.as_mut()),
        };
        decided.fates.push(fate);
        decided.kept += u64::from(fate == RowFate::Kept);
        decided.pairs_at_most += pairs;
    }
    draw(inputs, settings, &mut decided);
    Ok(decided)
}

fn fate(
    question: &Question,
    number: usize,
    settings: &PairSettings,
    benchmarks: &Benchmarks,
    ids: &mut HashSet<u64>,
    near: Option<&mut NearDuplicates>,
) -> (RowFate, u64) {
    if !ids.insert(KeyedRandom::new(0, &question.id, "pairs id", &[]).u64()) {
        return (RowFate::Dropped(DropReason::DoubledId), 0);
    }
    if let Some(reason) = unfit(question, settings) {
        return (RowFate::Dropped(reason), 0);
    }
    let most = if settings.samples > 0 {
        let samples = settings.samples as usize;
        settings.per_question.min((samples / 2) * samples.div_ceil(2))
    } else {
        let sides = choose::sides(question, question.candidates.clone(), settings);
        if let Some(reason) = one_sided(&sides) {
            return (RowFate::Dropped(reason), 0);
        }
        settings.per_question.min(sides.right.len() * sides.wrong.len())
    };
    let words = words(&question.text());
    if let Some((row, overlap)) = benchmarks.meet(&words, settings.ngram, settings.overlap) {
        return (RowFate::Contaminated(row, overlap), 0);
    }
    if let Some((earlier, similarity)) = near.and_then(|near| near.meet(&words, number as u32)) {
        return (RowFate::NearDuplicate(earlier, similarity), 0);
    }
    (RowFate::Kept, most as u64)
}

/// Keeps as many questions of each file as its weight gives it in the largest mixture without repetition. The choice is drawn by seed.
fn draw(inputs: &[QuestionFile], settings: &PairSettings, decided: &mut RowFates) {
    if inputs.iter().all(|input| input.weight.is_none()) {
        return;
    }
    let kept = |file: usize| {
        let end = decided.starts.get(file + 1).copied().unwrap_or(decided.fates.len());
        let start = decided.starts.get(file).copied().unwrap_or(end);
        (start..end).filter(|number| decided.fates[*number] == RowFate::Kept).collect::<Vec<usize>>()
    };
    let weight = |input: &QuestionFile| input.weight.unwrap_or(1.0);
    let share = |(file, input): (usize, &QuestionFile)| kept(file).len() as f64 / weight(input);
    let scale = inputs.iter().enumerate().filter(|(_, input)| weight(input) > 0.0).map(share).fold(f64::INFINITY, f64::min);
    let mut not_drawn = Vec::new();
    for (file, input) in inputs.iter().enumerate() {
        let mut kept = kept(file);
        // A product such as 0.1 * 30 may fall short of a whole number by a rounding error.
        let wanted = if scale.is_finite() { (scale * weight(input) + 1e-6).floor() as usize } else { 0 };
        kept.sort_by_cached_key(|number| {
            let row = (*number - decided.starts[file]) as u64;
            (KeyedRandom::new(settings.seed, "", "pairs mixture", &[file as u64, row]).u64(), *number)
        });
        not_drawn.extend(kept.into_iter().skip(wanted));
    }
    let before = decided.kept.max(1);
    for number in not_drawn {
        decided.fates[number] = RowFate::Dropped(DropReason::NotDrawn);
        decided.kept -= 1;
    }
    decided.pairs_at_most = (decided.pairs_at_most as f64 * decided.kept as f64 / before as f64).ceil() as u64;
}
