//! `FIELD=COLUMN` -> the columns of a file that hold the prompt, the responses and the other fields.
//!
//! | spec | meaning |
//! |---|---|
//! | `prompt=question` | the prompt is in the column `question` |
//! | `prompt=instruction+input` | the text of both columns, a line break between them, empty ones left out |
//! | `responses=response1,response2` | each column holds one response |
//! | `responses=model_a.solution,model_b.solution` | a dot looks into an object; a column with the whole name wins |
//! | `prompt=conversation.0.content` | a number looks into a list, counted from 0 |
//! | `label=annotator1,annotator2,annotator3` | the label that most of the columns give |
//! | `label=choice:0,1` | 0 means the first, 1 the second; a third value means neither |
//! | `responses.correct=wrong:false,true` | false means correct, true wrong |
//! | `responses.score=loss:lower` | the lowest is the best |
//! | `id=` | no column: rows are numbered |
//! | `system=` | no column holds the system's turn |

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    column_error::ColumnError,
    column_words::{says_higher, says_worse},
    labels::{self, BetterDirection, LabelMeaning, ValueTest},
    nearest::nearest,
    problem::{RowProblem, names},
};

/// Columns of each field. By default every field is read from the column of its own name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnNames {
    sources: [FieldSource; FIELDS.len()],
    /// Meaning of the values in label columns.
    pub(super) labels: LabelMeaning,
    /// Values of `responses.correct` that mean correct and wrong, if a spec says it.
    pub(super) correct: Option<[Vec<ValueTest>; 2]>,
    /// Whether the highest or the lowest score is the best.
    pub(super) scores: BetterDirection,
}

impl ColumnNames {
    /// Reads specs such as `prompt=instruction+input`; see the table in docs/formats.md.
    ///
    /// # Errors
    /// [`ColumnError`] naming the spec.
    pub fn parse<S: AsRef<str>>(specs: &[S]) -> Result<Self, ColumnError> {
        let mut columns = ColumnNames::default();
        for spec in specs.iter().map(AsRef::as_ref) {
            let (field, column) = spec.split_once('=').ok_or_else(|| ColumnError::Shape { spec: spec.to_owned() })?;
            let unknown = || ColumnError::Field { spec: spec.to_owned(), field: field.to_owned() };
            let field = FIELDS.into_iter().find(|known| known.name() == field.trim()).ok_or_else(unknown)?;
            if columns.of(field).given {
                return Err(ColumnError::Twice { spec: spec.to_owned(), field: field.name() });
            }
            let column = match column.split_once(':') {
                Some((column, values)) if field == Field::Label => {
                    let labels = labels::parse(values).filter(|labels| labels.fits(column.split(',').count()));
                    columns.labels = labels.ok_or_else(|| ColumnError::Labels { spec: spec.to_owned() })?;
                    column
                }
                Some((column, values)) if field == Field::Correct => {
                    let tests = labels::right_and_wrong(values).ok_or_else(|| ColumnError::Correct { spec: spec.to_owned() })?;
                    columns.correct = Some(tests);
                    column
                }
                Some((column, best)) if field == Field::Score => {
                    let wrong = || ColumnError::Score { spec: spec.to_owned() };
                    columns.scores = BetterDirection::parse(best).ok_or_else(wrong)?;
                    column
                }
                _ => {
                    says_the_same(spec, field, column.trim())?;
                    column
                }
            };
            columns.sources[field as usize] = source(spec, field, column)?;
            let (chosen, rejected) = (columns.of(Field::Chosen), columns.of(Field::Rejected));
            if chosen.given && rejected.given && chosen.paths == rejected.paths {
                return Err(ColumnError::Same { spec: spec.to_owned(), column: column.to_owned() });
            }
        }
        Ok(columns)
    }

    /// Returns the column with the subset of a row, if one is named.
    pub fn subset(&self) -> Option<&str> {
        self.of(Field::Subset).paths.first().map(String::as_str)
    }

    /// Returns the same columns with this meaning of labels.
    pub(super) fn with_labels(self, labels: LabelMeaning) -> Self {
        ColumnNames { labels, ..self }
    }

    /// Returns the columns that `field` is read from.
    pub(super) fn of(&self, field: Field) -> &FieldSource {
        &self.sources[field as usize]
    }
}

impl Default for ColumnNames {
    fn default() -> Self {
        ColumnNames {
            sources: FIELDS.map(default_source),
            labels: LabelMeaning::Open,
            correct: None,
            scores: BetterDirection::Higher,
        }
    }
}

/// A field of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    Prompt,
    System,
    Responses,
    Chosen,
    Rejected,
    Label,
    Rubric,
    Reference,
    Text,
    Correct,
    Score,
    Answer,
    Rank,
    Subset,
}

pub(super) const FIELDS: [Field; 15] = [
    Field::Id,
    Field::Prompt,
    Field::System,
    Field::Responses,
    Field::Chosen,
    Field::Rejected,
    Field::Label,
    Field::Rubric,
    Field::Reference,
    Field::Text,
    Field::Correct,
    Field::Score,
    Field::Answer,
    Field::Rank,
    Field::Subset,
];

impl Field {
    /// Returns the field's name in specs. Names after a dot are keys of each response.
    pub(super) fn name(self) -> &'static str {
        match self {
            Field::Id => "id",
            Field::Prompt => "prompt",
            Field::System => "system",
            Field::Responses => "responses",
            Field::Chosen => "chosen",
            Field::Rejected => "rejected",
            Field::Label => "label",
            Field::Rubric => "rubric",
            Field::Reference => "reference",
            Field::Text => "responses.text",
            Field::Correct => "responses.correct",
            Field::Score => "responses.score",
            Field::Answer => "responses.answer",
            Field::Rank => "responses.rank",
            Field::Subset => "subset",
        }
    }
}

/// The columns that a field is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldSource {
    /// Columns, or dotted paths into them.
    pub(super) paths: Vec<String>,
    /// Rule by which several paths are read.
    pub(super) several: ColumnRule,
    /// Whether a spec names the columns. Then a missing column is an error even if the field is optional.
    pub(super) given: bool,
}

/// The rule for a field that has several columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnRule {
    /// The first column that the row has.
    Any,
    /// The texts of all columns, joined by line breaks.
    Joined,
    /// One value of each column.
    Each,
}

fn default_source(field: Field) -> FieldSource {
    let paths: &[&str] = match field {
        Field::Text => &["text", "content", "response"],
        Field::System => &["system", "system_prompt"],
        // In many files a column `label` has another meaning, so labels are read only if a spec names them. The same holds for ranks. `subset` is
        // read by its name only if rows are grouped by it.
        Field::Label | Field::Rank | Field::Subset => &[],
        other => &[other.name().trim_start_matches("responses.")],
    };
    FieldSource { paths: paths.iter().map(|&path| path.to_owned()).collect(), several: ColumnRule::Any, given: false }
}

/// Refuses a column whose name says the opposite of what the field reads.
fn says_the_same(spec: &str, field: Field, column: &str) -> Result<(), ColumnError> {
    let (spec, column) = (spec.to_owned(), column.to_owned());
    if field == Field::Rank
        && let Some((column, best)) = column.split_once(':')
        && BetterDirection::parse(best).is_some()
    {
        return Err(ColumnError::RankDirection { spec, column: column.to_owned() });
    }
    match (field, says_worse(&column), says_higher(&column)) {
        (Field::Score, Some(said), _) => Err(ColumnError::RankAsScore { spec, column, said }),
        (Field::Correct, Some(said), _) => Err(ColumnError::WrongAsCorrect { spec, column, said }),
        (Field::Rank, None, Some(said)) => Err(ColumnError::ScoreAsRank { spec, column, said }),
        _ => Ok(()),
    }
}

fn source(spec: &str, field: Field, column: &str) -> Result<FieldSource, ColumnError> {
    if matches!(field, Field::Id | Field::System) && column.trim().is_empty() {
        return Ok(FieldSource { paths: Vec::new(), several: ColumnRule::Any, given: true });
    }
    let each = column.contains(',');
    let paths: Vec<String> = column.split(if each { ',' } else { '+' }).map(|path| path.trim().to_owned()).collect();
    if paths.iter().any(String::is_empty) {
        return Err(ColumnError::Shape { spec: spec.to_owned() });
    }
    let doubled = paths.iter().enumerate().find(|(i, path)| field == Field::Responses && paths[..*i].contains(path));
    if let Some((_, column)) = doubled {
        return Err(ColumnError::Same { spec: spec.to_owned(), column: column.clone() });
    }
    let joins = matches!(field, Field::Prompt | Field::Rubric | Field::Reference | Field::Text);
    let lists = matches!(field, Field::Responses | Field::Label);
    if paths.len() > 1 && !(if each { lists } else { joins }) {
        return Err(ColumnError::Several { spec: spec.to_owned(), field: field.name(), joins });
    }
    let several = match paths.len() {
        1 => ColumnRule::Any,
        _ if each => ColumnRule::Each,
        _ => ColumnRule::Joined,
    };
    Ok(FieldSource { paths, several, given: true })
}

/// Returns the value at `path`: the column of that name, or else a dotted path into objects.
pub(crate) fn find<'a>(row: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    row.get(path).or_else(|| {
        let (head, rest) = path.split_once('.')?;
        within(row.get(head)?, rest)
    })
}

/// Returns the value at `path` in an object or a list.
fn within<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    match value {
        Value::Object(keys) => find(keys, path),
        Value::Array(list) => match path.split_once('.') {
            None => list.get(path.parse::<usize>().ok()?),
            Some((place, rest)) => within(list.get(place.parse::<usize>().ok()?)?, rest),
        },
        _ => None,
    }
}

/// Returns the value at `path`. If the path leads through a list of objects, it is the list of their values.
pub(super) fn found<'a>(row: &'a Map<String, Value>, path: &str) -> Option<Cow<'a, Value>> {
    if let Some(value) = find(row, path) {
        return Some(Cow::Borrowed(value));
    }
    let dots = path.match_indices('.').map(|(at, _)| at);
    let mut lists = dots.filter_map(|at| Some((find(row, &path[..at])?.as_array()?, &path[at + 1..])));
    let (list, rest) = lists.next().filter(|(list, _)| !list.is_empty())?;
    let values = list.iter().map(|value| find(value.as_object()?, rest).cloned());
    values.collect::<Option<Vec<_>>>().map(|values| Cow::Owned(Value::Array(values)))
}

/// Removes the value at `path` from `row`, if it is there.
pub(super) fn remove(row: &mut Map<String, Value>, path: &str) {
    if row.shift_remove(path).is_none()
        && let Some((head, rest)) = path.split_once('.')
        && let Some(Value::Object(inner)) = row.get_mut(head)
    {
        remove(inner, rest);
    }
}

/// Returns the value at `path` of a row: the column of that name, or else the end of the dotted path.
///
/// # Errors
/// [`RowProblem::NoColumn`], which names the place where the path ends.
pub fn value<'a>(row: &'a Map<String, Value>, path: &str) -> Result<&'a Value, RowProblem> {
    find(row, path).ok_or_else(|| {
        let (holder, path, place) = end(row, path, "");
        no_column(holder, path, format!("`{path}`"), &place)
    })
}

/// Returns the error for a row, or an object in it, without `path`, from which `field` is read.
pub(super) fn missing(row: &Map<String, Value>, path: &str, field: Field, place: &str) -> RowProblem {
    let (holder, path, place) = end(row, path, place);
    let wanted = if path == field.name() { format!("`{path}`") } else { format!("`{path}` (for `{}`)", field.name()) };
    no_column(holder, path, wanted, &place)
}

/// Returns the innermost object on `path`, the rest of the path there, and the place of the object.
fn end<'r, 'p>(row: &'r Map<String, Value>, path: &'p str, place: &str) -> (&'r Map<String, Value>, &'p str, String) {
    if let Some((head, rest)) = path.split_once('.')
        && let Some(Value::Object(inner)) = row.get(head)
    {
        let place = if place.is_empty() { head.to_owned() } else { format!("{place}.{head}") };
        return end(inner, rest, &place);
    }
    (row, path, place.to_owned())
}

/// Returns the error for a row, or an object in it, without `path`, in the caller's words.
pub(super) fn no_column(row: &Map<String, Value>, path: &str, wanted: String, place: &str) -> RowProblem {
    let nearest = nearest(path, row.keys().map(String::as_str)).map(str::to_owned);
    let holder = if place.is_empty() { "the row".to_owned() } else { format!("`{place}`") };
    RowProblem::NoColumn { wanted, nearest, holder, present: names(row.keys()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_specs_say_what_is_wrong() {
        let error = |specs: &[&str]| ColumnNames::parse(specs).unwrap_err().to_string();
        insta::assert_snapshot!(error(&["prompt"]), @"column `prompt`: expected FIELD=COLUMN, such as prompt=question");
        insta::assert_snapshot!(error(&["prompt="]), @"column `prompt=`: expected FIELD=COLUMN, such as prompt=question");
        insta::assert_snapshot!(error(&["promt=question"]), @"column `promt=question`: no field `promt`; nearest: `prompt`; fields are: id, prompt, system, responses, chosen, rejected, label, rubric, reference, responses.text, responses.correct, responses.score, responses.answer, responses.rank, subset");
        insta::assert_snapshot!(error(&["prompt=a", "prompt=b"]), @"column `prompt=b`: `prompt` was already given");
        insta::assert_snapshot!(error(&["prompt=a,b"]), @"column `prompt=a,b`: `prompt` is read from one column, or from several joined by `+`");
        insta::assert_snapshot!(error(&["id=a+b"]), @"column `id=a+b`: `id` is read from one column");
    }

    #[test]
    fn a_whole_name_wins_over_a_path() {
        let row = serde_json::json!({"a.b": 1, "a": {"b": 2, "c": {"d": 3}}});
        let row = row.as_object().unwrap();
        assert_eq!(find(row, "a.b"), Some(&1.into()));
        assert_eq!(find(row, "a.c.d"), Some(&3.into()));
        assert_eq!(find(row, "a.x"), None);
    }

    #[test]
    fn a_number_looks_into_a_list() {
        let row = serde_json::json!({"turns": [{"text": "first"}, {"text": "second", "tags": [7, 8]}]});
        let row = row.as_object().unwrap();
        assert_eq!(find(row, "turns.1.text"), Some(&"second".into()));
        assert_eq!(find(row, "turns.1.tags.0"), Some(&7.into()));
        assert_eq!([find(row, "turns.2.text"), find(row, "turns.text"), find(row, "turns.0.text.0")], [None; 3]);
    }
}
