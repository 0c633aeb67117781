//! Files of questions with many responses -> the questions, with labelled responses in a drawn order.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    comparison::Prompt,
    dataset::{self, ColumnNames, Item, ReadOptions},
    eval::{
        DataFile, EvalError,
        benchmarks::ppe,
        files::{expanded, hashed},
        load,
    },
    keyed, run,
};

/// The data set that questions come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Questions {
    /// Questions of MMLU-Pro, as published with responses of several models.
    MmluPro,
    /// Questions of PPE's correctness sets, with 32 responses of one model.
    PpeBestOfK,
    /// The user's own questions: any file that `rrm rank` reads, with a label or `correct` for each response.
    BestOf,
}

impl Questions {
    /// All sources of questions.
    pub const ALL: [Questions; 3] = [Questions::MmluPro, Questions::PpeBestOfK, Questions::BestOf];

    /// Returns the name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Questions::MmluPro => "mmlu-pro",
            Questions::PpeBestOfK => "ppe-best-of-k",
            Questions::BestOf => "best-of",
        }
    }

    /// Returns the columns of the fields; those of the user's own questions are `own`.
    fn columns(self, own: &ColumnNames) -> Result<ColumnNames, EvalError> {
        Ok(match self {
            Questions::MmluPro => ColumnNames::parse(&["id=question_id", "prompt=question", "responses.answer=pred"])?,
            Questions::PpeBestOfK => ColumnNames::parse(ppe::LAYOUT.columns)?,
            Questions::BestOf => own.clone(),
        })
    }
}

/// Questions, their files, and notes on the reading, one sentence each.
pub type LoadedQuestions = (Vec<Item>, Vec<DataFile>, Vec<String>);

/// Reads questions with their responses, in an order that is drawn by `seed`. `columns` are those of [`Questions::BestOf`]; the published sources
/// have their own.
///
/// # Errors
/// [`EvalError`] for a file that cannot be read, for an id that occurs twice, and for a response without known correctness.
pub fn load_best_of(
    questions: Questions,
    paths: &[PathBuf],
    columns: &ColumnNames,
    seed: u64,
) -> Result<LoadedQuestions, EvalError> {
    let listed = expanded(paths)?;
    let (columns, note) = dataset::settled(&listed, &questions.columns(columns)?)?;
    let reading = ReadOptions { at_least: 1, columns, ..ReadOptions::default() };
    let (mut items, mut files, mut ids) = (Vec::new(), Vec::new(), load::Ids::default());
    let (mut notes, mut taken_off): (Vec<String>, u64) = (note.into_iter().collect(), 0);
    for path in &listed {
        let before = items.len();
        let mut rows = dataset::read(path, &reading)?;
        for item in rows.by_ref() {
            let mut item = item.map_err(|error| match questions {
                Questions::BestOf => EvalError::Dataset(error),
                _ => EvalError::Published(Box::new(error)),
            })?;
            let row = item.row;
            let bad = |problem| EvalError::Row { file: path.clone(), row, problem };
            let fresh = questions != Questions::BestOf || ids.take(path, &mut item);
            let item = match questions {
                Questions::MmluPro => with_options(item),
                Questions::PpeBestOfK => ppe::labelled_responses(path, item),
                Questions::BestOf => Ok(judged(item, &mut taken_off)),
            };
            let item = drawn(item.map_err(bad)?, seed).map_err(bad)?;
            if !fresh || questions != Questions::BestOf && !ids.insert(&item.id) {
                return Err(EvalError::DoubledId { file: path.clone(), row, id: item.id });
            }
            items.push(item);
        }
        notes.extend(rows.notes().into_iter().map(|note| format!("{}: {note}", path.display())));
        let file = hashed(path as &Path, (items.len() - before) as u64)?;
        if let Some(earlier) = ids.same(&file, &files) {
            return Err(EvalError::SameFile { file: path.clone(), earlier: earlier.file.clone() });
        }
        files.push(file);
    }
    if taken_off > 0 {
        let questions = if taken_off == 1 { "1 question".to_owned() } else { format!("{taken_off} questions") };
        notes.push(format!("in {questions}, leading thinking or tokens at the ends of responses are not judged"));
    }
    Ok((items, files, notes))
}

/// Returns the user's own question with its responses as `rrm rank` judges them. Counts it in `taken_off` if they differ from those of the file.
fn judged(item: Item, taken_off: &mut u64) -> Item {
    match run::judged(&item, &[]).0 {
        Cow::Borrowed(_) => item,
        Cow::Owned(judged) => {
            *taken_off += 1;
            judged
        }
    }
}

/// Returns the question with its options.
fn with_options(mut item: Item) -> Result<Item, String> {
    let options = item.extra.get("options").and_then(|options| options.as_array()).ok_or("`options` must be a list")?;
    let option = |(letter, option): (char, &serde_json::Value)| format!("\n{letter}. {}", option.as_str().unwrap_or_default());
    let options: String = ('A'..='Z').zip(options).map(option).collect();
    let mut prompt = Prompt::clone(&item.prompt);
    if let Some(last) = prompt.messages.last_mut() {
        last.content = format!("{}\n{options}", last.content);
    }
    item.prompt = Arc::new(prompt);
    Ok(item)
}

/// Returns the question with its responses in a drawn order.
fn drawn(mut item: Item, seed: u64) -> Result<Item, String> {
    if item.responses.iter().any(|response| response.label.is_none()) {
        return Err("each response must say whether it is right: `correct` (true or false), or `score` (from 0 to 1)".to_owned());
    }
    if let Some(label) = item.responses.iter().filter_map(|response| response.label).find(|label| !(0.0..=1.0).contains(label)) {
        // A rank is stored as its negative.
        let found = if label < 0.0 {
            format!(
                "{label}, or the rank {}: ranks (`responses.rank`, lowest best) say who is better and not who is right",
                -label
            )
        } else {
            label.to_string()
        };
        return Err(format!("a response is worth from 0 (wrong) to 1 (right); found {found}"));
    }
    let order = keyed::shuffle(item.responses.len(), seed, &item.id, "best-of");
    item.responses = order.into_iter().map(|place| item.responses[place].clone()).collect();
    Ok(item)
}
