//! Files with one answer of one model a row (FastChat's and Arena-Hard's answers, AlpacaEval's outputs) -> rows with the answers of all models.
//!
//! Rows belong together if a column has the same value. The question (prompt, rubric, reference) must be the same in all of them; other columns stay
//! with each answer. Every model must have answered every question once: otherwise answers to different questions would be compared.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use super::{
    columns::{ColumnNames, Field, find},
    error::DatasetError,
    messages::{beginning, scalar},
    problem::describe,
    rows,
};

/// Columns that name the writer of an answer; the first one that is present counts.
const MODELS: [&str; 4] = ["model", "model_id", "model_name", "generator"];

/// Rows with the answers of several models.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinedRows {
    /// One row for each question, in the order in which questions were first answered.
    pub rows: Vec<Map<String, Value>>,
    /// Number of questions in the file of questions without an answer.
    pub unanswered: usize,
}

/// The reason why answers cannot be joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// A file cannot be read, or one of its rows is not valid.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A row does not belong to any question.
    #[error("{file} row {row}: {problem}")]
    Row {
        /// The file.
        file: String,
        /// Position of the row, from 1.
        row: usize,
        /// Error of the row.
        problem: String,
    },
    /// Some questions lack the answer of a model.
    #[error("{} of {questions} questions lack the answer of a model: {}{}", missing.len(), shown(missing), more(missing.len()))]
    Incomplete {
        /// Number of questions.
        questions: usize,
        /// Question and model of each missing answer.
        missing: Vec<String>,
    },
}

const SHOWN: usize = 5;

fn shown(missing: &[String]) -> String {
    missing.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("; ")
}

fn more(count: usize) -> String {
    if count > SHOWN { format!("; and {} more", count - SHOWN) } else { String::new() }
}

/// All answers to one question.
struct QuestionAnswers {
    /// Value of the column that rows are joined by, as text; `key` is the value itself.
    text: String,
    key: Value,
    /// Columns that all answers share: prompt, rubric, reference.
    shared: Map<String, Value>,
    answers: Vec<Map<String, Value>>,
    models: Vec<String>,
}

/// The file and the row number of a row.
#[derive(Clone, Copy)]
struct RowLocation<'a> {
    file: &'a str,
    row: usize,
}

impl RowLocation<'_> {
    fn bad(self, problem: String) -> JoinError {
        JoinError::Row { file: self.file.to_owned(), row: self.row, problem }
    }
}

/// Joins the answers of `files` (paths, and their names in errors) whose values of `column` are the same. `questions` is a file with a row for each
/// question, which FastChat's answers need. `columns` are the column names of the rows.
///
/// # Errors
/// [`JoinError`] for files that cannot be read, for rows that belong to no question, for two answers of one model to a question, and for missing
/// answers.
pub fn join(
    files: &[(PathBuf, String)],
    questions: Option<&Path>,
    column: &str,
    columns: &ColumnNames,
) -> Result<JoinedRows, JoinError> {
    let asked = questions.map(|path| by_key(path, column)).transpose()?;
    let shares: Vec<&str> = [Field::Prompt, Field::Rubric, Field::Reference]
        .into_iter()
        .flat_map(|field| &columns.of(field).paths)
        .map(|path| path.split('.').next().unwrap_or(path))
        .collect();
    let mut groups: Vec<QuestionAnswers> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let stems = stems(files);
    for ((path, name), stem) in files.iter().zip(stems) {
        for row in rows::open(path, &name.as_str().into())? {
            let (row, keys) = row?;
            let place = RowLocation { file: name, row };
            let (key, value) = key(&keys, column, place)?;
            let question = match &asked {
                Some(asked) => Some(
                    asked
                        .get(&key)
                        .ok_or_else(|| place.bad(format!("no row of the questions has `{key}` in its column `{column}`")))?,
                ),
                None => None,
            };
            let at = *places.entry(key.clone()).or_insert(groups.len());
            if at == groups.len() {
                groups.push(QuestionAnswers {
                    text: key.clone(),
                    key: value,
                    shared: Map::new(),
                    answers: Vec::new(),
                    models: Vec::new(),
                });
            }
            let group = &mut groups[at];
            add(group, keys, &NewAnswer { column, key: &key, question, stem: stem.as_deref(), shares: &shares, place })?;
        }
    }
    complete(&groups)?;
    let unanswered = asked.as_ref().map_or(0, |asked| asked.keys().filter(|key| !places.contains_key(*key)).count());
    let rows = groups.into_iter().map(|group| {
        let question = asked.as_ref().and_then(|asked| asked.get(&group.text)).cloned().unwrap_or_default();
        row(group, question, column)
    });
    Ok(JoinedRows { rows: rows.collect(), unanswered })
}

/// Returns the rows of a file of questions by their key.
fn by_key(path: &Path, column: &str) -> Result<HashMap<String, Map<String, Value>>, JoinError> {
    let name = path.display().to_string();
    let mut questions = HashMap::new();
    for row in rows::open(path, &name.as_str().into())? {
        let (row, keys) = row?;
        let place = RowLocation { file: &name, row };
        let (key, _) = key(&keys, column, place)?;
        if questions.insert(key.clone(), keys).is_some() {
            return Err(place.bad(format!("an earlier row has `{key}` in its column `{column}` too")));
        }
    }
    Ok(questions)
}

/// Returns the value of a row's column, as text and as it is.
fn key(keys: &Map<String, Value>, column: &str, place: RowLocation<'_>) -> Result<(String, Value), JoinError> {
    let value = find(keys, column).ok_or_else(|| {
        place.bad(format!("no column `{column}` to join by; the row has: {}", super::problem::names(keys.keys())))
    })?;
    let text = scalar(value)
        .ok_or_else(|| place.bad(format!("`{column}` must be text or a number to join by; found {}", describe(value))))?;
    Ok((text, value.clone()))
}

/// A row that is to be added to its question.
struct NewAnswer<'a> {
    column: &'a str,
    key: &'a str,
    question: Option<&'a Map<String, Value>>,
    /// Name of the file, which names the model if no column does.
    stem: Option<&'a str>,
    shares: &'a [&'a str],
    place: RowLocation<'a>,
}

fn add(group: &mut QuestionAnswers, mut keys: Map<String, Value>, adding: &NewAnswer<'_>) -> Result<(), JoinError> {
    let NewAnswer { column, key, question, stem, shares, place } = *adding;
    let named = MODELS.iter().find_map(|name| keys.get(*name)?.as_str()).or(stem).map(str::to_owned);
    if let Some(model) = &named {
        if group.models.contains(model) {
            return Err(place.bad(format!("a second answer of `{model}` to `{key}`; was a file given twice?")));
        }
        group.models.push(model.clone());
    }
    for name in shares {
        let Some(value) = keys.get(*name).cloned() else { continue };
        let before = group.shared.entry(*name).or_insert_with(|| value.clone());
        if *before != value {
            let (here, there) = (beginning(&value.to_string()), beginning(&before.to_string()));
            return Err(place.bad(format!("`{name}` is {here}, in another answer to `{key}` {there}")));
        }
        keys.shift_remove(*name);
    }
    keys.shift_remove(column);
    let choices = keys.shift_remove("choices");
    if let Some(model) = named {
        keys.entry("model").or_insert_with(|| model.into());
    }
    match choices {
        None => group.answers.push(keys),
        Some(choices) => {
            let asked = question.and_then(|question| question.get("turns"));
            for turns in turns_of_choices(&choices, asked).map_err(|problem| place.bad(problem))? {
                let mut answer = keys.clone();
                answer.insert("messages".to_owned(), turns);
                group.answers.push(answer);
            }
        }
    }
    Ok(())
}

/// Turns FastChat's answers, a list of turns in each choice, into conversations with the question's turns.
fn turns_of_choices(choices: &Value, asked: Option<&Value>) -> Result<Vec<Value>, String> {
    let texts = |value: &Value| -> Option<Vec<String>> {
        let text = |turn: &Value| scalar(turn).or_else(|| scalar(turn.get("content")?));
        value.as_array()?.iter().map(text).collect()
    };
    let Some(asked) = asked else {
        return Err("`choices` holds answers without what was asked: --questions names the file of questions, whose `turns` are"
            .to_owned());
    };
    let asked = texts(asked).ok_or("`turns` of the question must be a list of texts")?;
    let choices = choices.as_array().filter(|list| !list.is_empty()).ok_or("`choices` must be a list of answers")?;
    let chat = |choice: &Value| {
        let answers = choice.get("turns").and_then(texts).ok_or("`choices[].turns` must be a list of texts")?;
        if answers.len() != asked.len() {
            return Err(format!("{} turns of an answer, where the question has {}", answers.len(), asked.len()));
        }
        let pairs = asked.iter().zip(&answers);
        let turns = pairs.flat_map(|(user, assistant)| {
            [json!({"role": "user", "content": user}), json!({"role": "assistant", "content": assistant})]
        });
        Ok(turns.collect())
    };
    choices.iter().map(chat).collect()
}

/// Returns an error if a model answered some questions and not others.
fn complete(groups: &[QuestionAnswers]) -> Result<(), JoinError> {
    let mut models: Vec<&String> = Vec::new();
    for model in groups.iter().flat_map(|group| &group.models) {
        if !models.contains(&model) {
            models.push(model);
        }
    }
    let lacks = |group: &QuestionAnswers| {
        let absent: Vec<&str> = models.iter().filter(|model| !group.models.contains(model)).map(|model| model.as_str()).collect();
        (!absent.is_empty()).then(|| format!("{} that of {}", group.text, absent.join(", ")))
    };
    let missing: Vec<String> = groups.iter().filter_map(lacks).collect();
    if missing.is_empty() { Ok(()) } else { Err(JoinError::Incomplete { questions: groups.len(), missing }) }
}

/// Returns the row of a question: the columns of the question, then the columns that answers share, then the answers.
fn row(group: QuestionAnswers, mut question: Map<String, Value>, column: &str) -> Map<String, Value> {
    if group.answers.iter().any(|answer| answer.contains_key("messages")) {
        question.shift_remove("turns");
    }
    // MT-Bench has one reference for each turn.
    if let Some(Value::Array(turns)) = question.get("reference") {
        let texts: Option<Vec<&str>> = turns.iter().map(Value::as_str).collect();
        if let Some(texts) = texts.map(|texts| texts.join("\n\n")) {
            question.insert("reference".to_owned(), texts.into());
        }
    }
    let mut row = Map::new();
    row.insert("id".to_owned(), group.text.into());
    row.insert(column.to_owned(), group.key);
    row.extend(question.into_iter().filter(|(name, _)| name != "id" && name != column));
    row.extend(group.shared);
    row.insert("responses".to_owned(), group.answers.into_iter().map(Value::Object).collect());
    row
}

/// Returns the model name of each file, for rows without such a column: the file's name, with its folders if two files have the same name. A single
/// file gives no name.
fn stems(files: &[(PathBuf, String)]) -> Vec<Option<String>> {
    if files.len() == 1 {
        return vec![None];
    }
    let paths: Vec<&Path> = files.iter().map(|(_, name)| Path::new(name)).collect();
    let named = |path: &Path| {
        let mut named = stem(path);
        let others: Vec<&Path> = paths.iter().copied().filter(|other| *other != path && stem(other) == named).collect();
        let mut folders = path.parent().into_iter().flat_map(Path::ancestors).filter_map(Path::file_name);
        let mut depth = 0;
        // As many folders as are needed to tell it from the others.
        let folder = |path: &Path, depth: usize| path.ancestors().nth(depth).and_then(Path::file_name).map(ToOwned::to_owned);
        let alike = |other: &&Path, depth: usize| (1..=depth).all(|depth| folder(other, depth) == folder(path, depth));
        while others.iter().any(|other| alike(other, depth)) {
            let Some(name) = folders.next() else { break };
            named = format!("{}/{named}", name.to_string_lossy());
            depth += 1;
        }
        Some(named)
    };
    paths.iter().map(|path| named(path)).collect()
}

/// Returns a file's name without folders and extensions.
fn stem(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = |ending: &&str| name.strip_suffix(*ending).map(str::to_owned);
    [".jsonl.gz", ".json.gz", ".jsonl", ".json", ".parquet"].iter().find_map(stem).unwrap_or(name.clone())
}
