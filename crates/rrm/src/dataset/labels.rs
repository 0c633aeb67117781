//! The label columns of a row -> the better of two responses, by the meaning of their values.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use super::{
    columns::{ColumnNames, ColumnRule, Field, find, missing},
    label_words::word,
    messages::scalar,
    problem::{RowProblem, describe},
};

/// The meaning of the values in label columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LabelMeaning {
    /// Not settled yet: `meaning` infers it from all values of a file.
    Open,
    /// Words such as `model_a`, `[[B]]` or `tie`, and names of the winner; numbers are read by these tests.
    Words([Vec<ValueTest>; 3]),
    /// Only these tests: for the first, for the second, for neither.
    Given([Vec<ValueTest>; 3]),
    /// One column for each outcome, with a 1 in exactly one of them.
    OneHot,
    /// One number for each of the two responses; the better one has the higher number, or the lower one.
    Compared(BetterDirection),
}

impl LabelMeaning {
    /// Returns whether labels of this meaning can stand in so many columns.
    pub(super) fn fits(&self, columns: usize) -> bool {
        match self {
            LabelMeaning::OneHot => (2..=3).contains(&columns),
            LabelMeaning::Compared(_) => columns == 2,
            _ => true,
        }
    }
}

/// The direction in which a number is better: higher or lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BetterDirection {
    Higher,
    Lower,
}

/// A test that a label's value may pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ValueTest {
    /// This text or number, or the name of a column that holds the value.
    Is(String),
    /// A number below this one.
    Below(Number),
    /// A number above this one.
    Above(Number),
}

impl BetterDirection {
    /// Reads `higher` or `lower`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "higher" => Some(BetterDirection::Higher),
            "lower" => Some(BetterDirection::Lower),
            _ => None,
        }
    }
}

/// Descriptions of the outcomes, for messages.
const OUTCOMES: [&str; 3] = ["the first", "the second", "neither"];

/// Pairs of columns that name the writers of the two responses.
const WRITERS: [[&str; 2]; 8] = [
    ["model_a", "model_b"],
    ["model_1", "model_2"],
    ["model1", "model2"],
    ["model_A", "model_B"],
    ["generator_1", "generator_2"],
    ["response_a_model", "response_b_model"],
    ["assistant_a", "assistant_b"],
    ["system_a", "system_b"],
];

/// Parses the text after the colon of `label=COLUMN:FIRST,SECOND,TIE`; each part may be several values separated by `|`.
pub(super) fn parse(text: &str) -> Option<LabelMeaning> {
    if text.trim() == "one-hot" {
        return Some(LabelMeaning::OneHot);
    }
    if let Some(better) = BetterDirection::parse(text) {
        return Some(LabelMeaning::Compared(better));
    }
    let mut sides: [Vec<ValueTest>; 3] = Default::default();
    let parts: Vec<&str> = text.split(',').collect();
    if !(2..=3).contains(&parts.len()) {
        return None;
    }
    for (side, part) in sides.iter_mut().zip(parts) {
        *side = part.split('|').map(|value| test(value.trim())).collect::<Option<_>>()?;
    }
    let all: Vec<&ValueTest> = sides.iter().flatten().collect();
    let doubled = all.iter().enumerate().any(|(i, test)| all[..i].contains(test));
    (!doubled).then_some(LabelMeaning::Given(sides))
}

/// Parses the text after the colon of `responses.correct=COLUMN:RIGHT,WRONG`.
pub(super) fn right_and_wrong(text: &str) -> Option<[Vec<ValueTest>; 2]> {
    match parse(text)? {
        LabelMeaning::Given([right, wrong, tie]) if tie.is_empty() => Some([right, wrong]),
        _ => None,
    }
}

/// Returns whether a value means correct, by the values of a correct and of a wrong response.
pub(super) fn is_right(tests: &[Vec<ValueTest>; 2], place: &str, value: &Value) -> Result<bool, RowProblem> {
    let text = scalar(value).unwrap_or_default();
    let fits = |test: &ValueTest| match test {
        // 1 is true, and 0 is false.
        ValueTest::Is(word) => {
            same(word, &text) || switch(value).is_some_and(|on| switch(&Value::from(word.as_str())) == Some(on))
        }
        bound => within(bound, &text),
    };
    match tests.each_ref().map(|tests| tests.iter().any(fits)) {
        [true, false] => Ok(true),
        [false, true] => Ok(false),
        _ => {
            let [right, wrong] = tests.each_ref().map(|tests| side_written(tests));
            let expected = format!("{right} (correct), {wrong} (wrong) or null");
            Err(RowProblem::Correct { place: place.to_owned(), expected, found: describe(value) })
        }
    }
}

fn test(value: &str) -> Option<ValueTest> {
    let number = |text: &str| text.trim().parse::<f64>().ok().and_then(Number::from_f64);
    match value.split_at_checked(1)? {
        ("<", bound) => Some(ValueTest::Below(number(bound)?)),
        (">", bound) => Some(ValueTest::Above(number(bound)?)),
        _ => Some(ValueTest::Is(value.to_owned())),
    }
}

/// Returns the labels of both responses, by the outcome that most columns give; `None` if two outcomes are given equally often.
pub(super) fn labels(row: &Map<String, Value>, columns: &ColumnNames) -> Result<Option<[f64; 2]>, RowProblem> {
    const LABELS: [[f64; 2]; 3] = [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]];
    let paths = &columns.of(Field::Label).paths;
    let value = |path: &String| find(row, path).ok_or_else(|| missing(row, path, Field::Label, ""));
    if columns.labels == LabelMeaning::OneHot {
        let values = paths.iter().map(value).collect::<Result<Vec<_>, _>>()?;
        return Ok(one_hot(paths, &values)?.map(|side| LABELS[side]));
    }
    if let LabelMeaning::Compared(better) = columns.labels {
        let values = paths.iter().map(value).collect::<Result<Vec<_>, _>>()?;
        return Ok(compared(paths, &values, better)?.map(|side| LABELS[side]));
    }
    let mut counts = [0_usize; 3];
    for path in paths {
        let value = value(path)?;
        if !value.is_null() {
            counts[side(row, path, value, columns)?] += 1;
        }
    }
    let most = counts.into_iter().max().unwrap_or(0);
    let winners: Vec<usize> = (0..3).filter(|&side| counts[side] == most).collect();
    Ok(if let [winner] = winners.as_slice() { Some(LABELS[*winner]) } else { None })
}

/// Returns the response with the better number: 0, 1, or 2 for equal ones; `None` if a number is missing.
fn compared(paths: &[String], values: &[&Value], better: BetterDirection) -> Result<Option<usize>, RowProblem> {
    if values.iter().any(|value| value.is_null()) {
        return Ok(None);
    }
    let read = |(path, value): (&String, &&Value)| {
        scalar(value).and_then(|text| number(&text)).ok_or_else(|| bad(path, "a number or null", value))
    };
    let numbers = paths.iter().zip(values).map(read).collect::<Result<Vec<_>, _>>()?;
    let [first, second] = numbers.as_slice() else { return Err(RowProblem::LabelCount { found: numbers.len() }) };
    Ok(Some(match (first.total_cmp(second), better) {
        (Ordering::Equal, _) => 2,
        (Ordering::Greater, BetterDirection::Higher) | (Ordering::Less, BetterDirection::Lower) => 0,
        _ => 1,
    }))
}

/// Returns the column that holds the 1; `None` if all are null.
fn one_hot(paths: &[String], values: &[&Value]) -> Result<Option<usize>, RowProblem> {
    if values.iter().all(|value| value.is_null()) {
        return Ok(None);
    }
    let mut on = Vec::new();
    for (place, value) in values.iter().enumerate() {
        match switch(value) {
            Some(true) => on.push(place),
            Some(false) => {}
            None => return Err(bad(&paths[place], "1 or 0 (or true or false), a 1 in one of the columns", value)),
        }
    }
    match on.as_slice() {
        [place] => Ok(Some(*place)),
        _ => Err(RowProblem::OneHot { places: paths.join("`, `"), found: on.len() }),
    }
}

/// Returns the value as a boolean, if it is one.
pub(super) fn switch(value: &Value) -> Option<bool> {
    match scalar(value)?.to_lowercase().as_str() {
        "1" | "1.0" | "true" => Some(true),
        "0" | "0.0" | "false" => Some(false),
        _ => None,
    }
}

/// Returns the better of two responses by one column: 0 for the first, 1 for the second, 2 for neither.
fn side(row: &Map<String, Value>, path: &str, value: &Value, columns: &ColumnNames) -> Result<usize, RowProblem> {
    let Some(text) = scalar(value) else { return Err(bad(path, WORDS, value)) };
    match &columns.labels {
        LabelMeaning::Given(tests) => {
            let named = |names: &ValueTest| matches!(names, ValueTest::Is(column) if names_value(row, column, &text));
            let literal = sides(tests, |test| matches!(test, ValueTest::Is(word) if same(word, &text)));
            let by_column = || sides(tests, named);
            let by_bound = || sides(tests, |test| within(test, &text));
            let found = [literal, by_column(), by_bound()].into_iter().find(|found| !found.is_empty()).unwrap_or_default();
            one_of(&found, path, value, &written(tests))
        }
        LabelMeaning::Words(tests) => {
            let found = match number(&text) {
                Some(_) => sides(tests, |test| matches!(test, ValueTest::Is(word) if same(word, &text)) || within(test, &text)),
                None => Vec::new(),
            };
            let mut found: Vec<usize> = named_column(columns, &text).map(|side| vec![side]).unwrap_or(found);
            if found.is_empty() {
                found.extend(word(&text));
            }
            // The name of a winner may look like a label of another kind; then both readings are reported.
            found.extend(winner(row, &text).into_iter().filter(|side| !found.contains(side)).collect::<Vec<_>>());
            one_of(&found, path, value, WORDS)
        }
        LabelMeaning::Open | LabelMeaning::OneHot | LabelMeaning::Compared(_) => Err(bad(path, WORDS, value)),
    }
}

const WORDS: &str =
    "a label: 1, A, A>B or model_a; 2, B, B>A or model_b; 0, A=B or tie; a winner's name beside `model_a`, `model_b`; or null";

fn bad(path: &str, expected: &str, value: &Value) -> RowProblem {
    RowProblem::Label { place: path.to_owned(), expected: expected.to_owned(), found: describe(value) }
}

/// Returns the only side that was found, or an error for none and for several.
fn one_of(found: &[usize], path: &str, value: &Value, expected: &str) -> Result<usize, RowProblem> {
    match found {
        [side] => Ok(*side),
        [] => Err(bad(path, expected, value)),
        several => {
            let both = several.iter().map(|side| OUTCOMES[*side]).collect::<Vec<_>>().join(" and ");
            Err(RowProblem::TwoLabels { place: path.to_owned(), found: describe(value), both })
        }
    }
}

fn sides(tests: &[Vec<ValueTest>; 3], fits: impl Fn(&ValueTest) -> bool) -> Vec<usize> {
    (0..3).filter(|side| tests[*side].iter().any(&fits)).collect()
}

/// Parses a number, also one that is written as text.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text.bytes().any(|byte| byte.is_ascii_digit());
    text.parse::<f64>().ok().filter(|number| digits && number.is_finite())
}

/// Returns whether both are the same word or number.
fn same(a: &str, b: &str) -> bool {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a.trim().eq_ignore_ascii_case(b.trim()),
    }
}

fn within(test: &ValueTest, text: &str) -> bool {
    let Some(number) = number(text) else { return false };
    match test {
        ValueTest::Is(_) => false,
        ValueTest::Below(bound) => bound.as_f64().is_some_and(|bound| number < bound),
        ValueTest::Above(bound) => bound.as_f64().is_some_and(|bound| number > bound),
    }
}

/// Returns whether the row has a column of this name that holds the value.
fn names_value(row: &Map<String, Value>, column: &str, text: &str) -> bool {
    find(row, column).and_then(scalar).is_some_and(|name| name.trim() == text.trim())
}

/// Returns the index of the response column whose name is the value.
pub(super) fn named_column(columns: &ColumnNames, text: &str) -> Option<usize> {
    let source = columns.of(Field::Responses);
    let found = |path: &String| path == text || path.rsplit('.').next() == Some(text);
    let mut sides = source.paths.iter().enumerate().filter(|(_, path)| found(path)).map(|(side, _)| side);
    let side = sides.next().filter(|_| source.several == ColumnRule::Each && source.paths.len() == 2)?;
    sides.next().is_none().then_some(side)
}

/// Returns the pair of columns that name the writers of the two responses, if the row has one.
pub(super) fn writers(has: impl Fn(&str) -> bool) -> Option<&'static [&'static str; 2]> {
    WRITERS.iter().find(|pair| pair.iter().all(|name| has(name)))
}

/// Returns the sides whose writer has this name.
fn winner(row: &Map<String, Value>, text: &str) -> Vec<usize> {
    let pair = writers(|name| row.contains_key(name));
    pair.into_iter().flat_map(|pair| (0..2).filter(|side| names_value(row, pair[*side], text))).collect()
}

/// Returns a mapping in the notation after the colon.
pub(super) fn written(tests: &[Vec<ValueTest>; 3]) -> String {
    let [first, second, tie] = tests.each_ref().map(|tests| side_written(tests));
    let tie = if tie.is_empty() { String::new() } else { format!(", and {tie} (neither)") };
    format!("{first} (the first), {second} (the second){tie}")
}

fn side_written(tests: &[ValueTest]) -> String {
    let value = |test: &ValueTest| match test {
        ValueTest::Is(text) => text.clone(),
        ValueTest::Below(bound) => format!("<{bound}"),
        ValueTest::Above(bound) => format!(">{bound}"),
    };
    tests.iter().map(value).collect::<Vec<_>>().join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_parsed_or_refused() {
        let given = |text: &str| match parse(text) {
            Some(LabelMeaning::Given(tests)) => Some(written(&tests)),
            _ => None,
        };
        assert_eq!(given("0,1").as_deref(), Some("0 (the first), 1 (the second)"));
        assert_eq!(given("<0, >0 ,0|none").as_deref(), Some("<0.0 (the first), >0.0 (the second), and 0|none (neither)"));
        assert_eq!(parse("one-hot"), Some(LabelMeaning::OneHot));
        for bad in ["", "0", "0,", ",1", "0,1,2,3", "<x,>y", "0,0", "a|b,b", "0,1,"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
