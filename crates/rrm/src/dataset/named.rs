//! `chosen` and `rejected` that name responses instead of holding them -> the error that says what to write.
//!
//! A name of another column is one in any row. A number, a letter or the name of a model may also be a short answer; it is a name if all rows of the
//! file have one, and other columns hold responses.

use serde_json::{Map, Value};

use super::{
    columns::{ColumnNames, Field, find, found},
    error::DatasetError,
    label_words::{mark, word},
    labels::writers,
    messages::scalar,
    problem::RowProblem,
    responses::is_pair,
    rows::{DatasetRows, NumberedRow},
    sides::{NamedOrder, order_of, parts},
};

/// Most rows that are read ahead.
const AHEAD: usize = 10_000;

/// What the two sides of one row are.
enum PairContent {
    /// Names of responses.
    Names(RowProblem),
    /// Responses.
    Responses,
    /// Nothing that tells: a row without a pair, or a tie.
    Unknown,
}

/// Returns the rows, unless all of them (or the first [`AHEAD`]) name responses where they should hold them.
pub(super) fn checked(rows: DatasetRows, columns: &ColumnNames, file: &std::sync::Arc<str>) -> Result<DatasetRows, DatasetError> {
    let (mut rows, mut ahead, mut first) = (rows, Vec::<NumberedRow>::new(), None);
    while ahead.len() < AHEAD
        && let Some(next) = rows.next()
    {
        let content = next.as_ref().map_or(PairContent::Unknown, |(_, row)| content(row, columns));
        let row = next.as_ref().map_or(0, |(row, _)| *row);
        ahead.push(next);
        match content {
            PairContent::Responses => return Ok(rows.behind(ahead)),
            PairContent::Names(problem) => first = first.or(Some((row, problem))),
            PairContent::Unknown => {}
        }
    }
    match first {
        Some((row, problem)) => Err(DatasetError::Row { file: file.clone(), row, problem }),
        None => Ok(rows.behind(ahead)),
    }
}

/// Returns the error of a pair whose two sides certainly name the responses, which are in other columns: names of columns, `A` and `B` beside
/// `response_a` and `response_b`, or 1 and 2 as numbers.
pub(super) fn named(row: &Map<String, Value>, columns: &ColumnNames) -> Option<RowProblem> {
    let names = sides(row, columns)?;
    let [better, worse] = names.each_ref().map(String::as_str);
    let pair = || text_pair(row, columns, &[]);
    let held = |name: &str| row.get(name).is_some_and(is_text) && !is_side(columns, name);
    match (word(better), word(worse)) {
        _ if held(better) && held(worse) => {
            let pair = pair().map_or_else(|| format!("{better},{worse}"), |pair| pair.join(","));
            Some(reads(columns, better, &pair, String::new()))
        }
        // The answer to a multiple-choice question may be a letter.
        (Some(one), Some(other)) if one != other && one < 2 && other < 2 => {
            Some(reads(columns, better, &pair()?.join(","), String::new()))
        }
        _ if values(row, columns).iter().all(|value| value.is_some_and(Value::is_number)) => indices(row, columns, &names),
        _ => None,
    }
}

/// Returns the two values of a pair.
fn values<'a>(row: &'a Map<String, Value>, columns: &ColumnNames) -> [Option<&'a Value>; 2] {
    [Field::Chosen, Field::Rejected].map(|field| find(row, &columns.of(field).paths[0]))
}

/// Returns the two texts of a pair, if both are texts, numbers or booleans.
fn sides(row: &Map<String, Value>, columns: &ColumnNames) -> Option<[String; 2]> {
    let [better, worse] = values(row, columns).map(|value| value.and_then(scalar));
    Some([better?.trim().to_owned(), worse?.trim().to_owned()])
}

fn is_side(columns: &ColumnNames, name: &str) -> bool {
    [Field::Chosen, Field::Rejected].iter().any(|field| columns.of(*field).paths[0] == name)
}

fn content(row: &Map<String, Value>, columns: &ColumnNames) -> PairContent {
    if !is_pair(row, columns) {
        return PairContent::Responses;
    }
    // A path through a list holds several responses.
    let there = [Field::Chosen, Field::Rejected].map(|field| found(row, &columns.of(field).paths[0]));
    if there.iter().any(|value| value.as_ref().is_none_or(|value| value.is_null())) {
        return PairContent::Unknown;
    }
    if !values(row, columns).iter().all(|value| value.is_some_and(Value::is_string)) {
        return PairContent::Responses;
    }
    let Some(names) = sides(row, columns) else { return PairContent::Responses };
    let [better, worse] = names.each_ref().map(String::as_str);
    if better == worse {
        return if word(better) == Some(2) { PairContent::Unknown } else { PairContent::Responses };
    }
    let problem = named(row, columns)
        .or_else(|| indices(row, columns, &names))
        .or_else(|| models(row, columns, &names))
        .or_else(|| keys(row, columns, &names))
        .or_else(|| switches(row, columns, &names));
    problem.map_or(PairContent::Responses, PairContent::Names)
}

/// Returns the error of a pair of numbers or letters that count the responses.
fn indices(row: &Map<String, Value>, columns: &ColumnNames, names: &[String; 2]) -> Option<RowProblem> {
    let [better, worse] = names.each_ref().map(String::as_str);
    let mut numbers = [better.parse::<u32>().ok(), worse.parse::<u32>().ok()];
    numbers.sort_unstable();
    let mapping = match numbers {
        [Some(0), Some(1)] => ":0,1",
        [Some(1), Some(2)] => ":1,2",
        _ if matches!((word(better), word(worse)), (Some(0), Some(1)) | (Some(1), Some(0))) => "",
        [Some(one), Some(other)] if one != other && other < 100 => {
            return response_list(row, columns).map(|_| is_none(columns, better));
        }
        _ if mark(better).is_some() && mark(worse).is_some() => {
            return response_list(row, columns).map(|_| is_none(columns, better));
        }
        _ => return None,
    };
    let columns_of = text_pair(row, columns, &[]).map(|pair| pair.join(","));
    let holder = columns_of.map(|columns| (columns, 2)).or_else(|| response_list(row, columns))?;
    Some(match holder {
        (holder, 2) => reads(columns, better, &holder, mapping.to_owned()),
        _ => is_none(columns, better),
    })
}

/// Returns the error of a pair of names that other columns of the row give to models.
fn models(row: &Map<String, Value>, columns: &ColumnNames, names: &[String; 2]) -> Option<RowProblem> {
    let [better, worse] = names.each_ref().map(String::as_str);
    let says = |value: &Value, name: &str| value.as_str().is_some_and(|text| text.trim() == name);
    let column =
        |name: &str| row.iter().find(|(column, value)| !is_side(columns, column) && is_of_writer(column) && says(value, name));
    if let (Some((one, _)), Some((other, _))) = (column(better), column(worse)) {
        let pair = text_pair(row, columns, &[one, other]);
        let mut writers_of = [one.as_str(), other.as_str()];
        if order_of(writers_of[0], writers_of[1]) == Some(NamedOrder::Swapped) {
            writers_of.reverse();
        }
        let known = writers(|name| row.contains_key(name)).is_some_and(|pair| *pair == writers_of);
        let mapping = if known { String::new() } else { format!(":{}", writers_of.join(",")) };
        return Some(match pair {
            Some(pair) => reads(columns, better, &pair.join(","), mapping),
            None => is_none(columns, better),
        });
    }
    // A list of names, or a list of responses with names.
    let listed = |(column, value): (&String, &Value)| {
        let list = value.as_array().filter(|_| !is_side(columns, column))?;
        let has = |name: &str| {
            list.iter().any(|value| match value {
                Value::Object(keys) => keys.iter().any(|(key, value)| is_of_writer(key) && says(value, name)),
                value => is_of_writer(column) && says(value, name),
            })
        };
        (has(better) && has(worse)).then_some(())
    };
    row.iter().find_map(listed).map(|()| is_none(columns, better))
}

/// Returns the error of a pair of keys of an object that holds texts.
fn keys(row: &Map<String, Value>, columns: &ColumnNames, names: &[String; 2]) -> Option<RowProblem> {
    let holds = |value: &Value| names.iter().all(|name| value.get(name).is_some_and(is_text));
    let mut objects = row.iter().filter(|(column, value)| !is_side(columns, column) && value.is_object());
    objects.any(|(_, value)| holds(value)).then(|| is_none(columns, &names[0]))
}

/// Returns the error of a pair of true and false beside a single response.
fn switches(row: &Map<String, Value>, columns: &ColumnNames, names: &[String; 2]) -> Option<RowProblem> {
    let mut lower = names.each_ref().map(|name| name.to_lowercase());
    lower.sort_unstable();
    let response = ["response", "completion", "generation"].iter().any(|name| row.get(*name).is_some_and(is_text));
    (response && lower == ["false", "true"]).then(|| is_none(columns, &names[0]))
}

fn is_text(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Array(_) | Value::Object(_))
}

/// Returns whether a column's name says that it names a model or an author.
fn is_of_writer(name: &str) -> bool {
    const WORDS: [&str; 9] = ["model", "generator", "author", "writer", "name", "id", "llm", "engine", "policy"];
    parts(name).iter().any(|word| WORDS.contains(&word.to_lowercase().trim_end_matches('s')))
}

/// Returns whether a column's name says that it holds responses.
fn is_of_responses(name: &str) -> bool {
    const STEMS: [&str; 14] = [
        "answer",
        "candidate",
        "completion",
        "conversation",
        "generation",
        "output",
        "repl",
        "response",
        "rollout",
        "sample",
        "solution",
        "summar",
        "text",
        "message",
    ];
    parts(name).iter().any(|word| STEMS.iter().any(|stem| word.to_lowercase().starts_with(stem)))
}

/// Returns the two columns that hold the texts of the responses, by their names. Those with names of writers come last, and `besides` are none.
fn text_pair<'a>(row: &'a Map<String, Value>, columns: &ColumnNames, besides: &[&String]) -> Option<[&'a str; 2]> {
    let names: Vec<&String> = row
        .iter()
        .filter(|(name, value)| is_text(value) && !is_side(columns, name) && !besides.contains(name))
        .map(|(name, _)| name)
        .collect();
    let pairs = names.iter().flat_map(|one| names.iter().map(move |other| [one.as_str(), other.as_str()]));
    let ordered = |[one, other]: &[&str; 2]| matches!(order_of(one, other), Some(NamedOrder::FromOne | NamedOrder::FromZero));
    pairs.filter(ordered).min_by_key(|[one, _]| (is_of_writer(one), !is_of_responses(one)))
}

/// Returns the column with a list of responses, and their number.
fn response_list(row: &Map<String, Value>, columns: &ColumnNames) -> Option<(String, usize)> {
    let texts = |list: &&Vec<Value>| list.len() > 1 && list.iter().all(is_text);
    let listed = |(name, value): (&String, &Value)| {
        let list = value.as_array().filter(texts).filter(|_| is_of_responses(name) && !is_side(columns, name))?;
        Some((name.clone(), list.len()))
    };
    row.iter().find_map(listed)
}

fn reads(columns: &ColumnNames, name: &str, holder: &str, mapping: String) -> RowProblem {
    let place = columns.of(Field::Chosen).paths[0].clone();
    let advice = format!("--column responses={holder} --column label={place}{mapping} reads the responses and which is better");
    RowProblem::Named { place, found: name.to_owned(), advice }
}

fn is_none(columns: &ColumnNames, name: &str) -> RowProblem {
    let [place, other] = [Field::Chosen, Field::Rejected].map(|field| columns.of(field).paths[0].clone());
    let advice = format!(
        "write the texts of the responses into `{place}` and `{other}`, a text that is to be judged as it stands as a list with one message of the assistant"
    );
    RowProblem::Named { place, found: name.to_owned(), advice }
}
