//! A file that is one JSON value, or several that span lines -> its rows.
//!
//! | the value | its rows |
//! |---|---|
//! | a list | its elements |
//! | `{"train": [rows], "test": [rows]}` | the elements of all lists, one after the other |
//! | `{"version": 1, "data": [rows]}` | the elements of the list with such a name |
//! | `{"prompt": [..], "chosen": [..]}`, lists of one length | columns, as pandas (`orient="list"`) and datasets (`to_dict`) write them |
//! | `{"prompt": {"0": .., "1": ..}, ..}` | columns by index, as pandas writes a frame |
//! | `{"0": {row}, "1": {row}}` | rows by index (`orient="index"`) |
//! | `{"columns": [..], "data": [[..], ..]}` | pandas' `orient="split"` |
//! | any other object | it is a row |

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{
    mend::{self, Changes},
    problem::RowProblem,
    rows::BOM,
    unique::UniqueKeys,
};

/// Names of keys that hold a list of rows.
const WRAPPERS: [&str; 10] =
    ["data", "rows", "examples", "instances", "items", "records", "train", "test", "validation", "dataset"];

/// The rows of a JSON document, the repairs, and the problem that ended it.
pub(super) struct ParsedDocument {
    pub(super) rows: Vec<Value>,
    pub(super) changes: Changes,
    pub(super) broken: Option<RowProblem>,
}

/// Returns the elements of one JSON list, and the error that ended it.
pub(super) fn list(bytes: &[u8]) -> ParsedDocument {
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let (text, bad) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, false),
        // The text before the bad byte is parsed to find the row that the byte is in.
        Err(error) => (std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(), true),
    };
    let mut rows = Vec::new();
    let parsed = mend::parse(text, |text| {
        rows.clear();
        let mut parser = serde_json::Deserializer::from_str(text);
        Elements { rows: &mut rows }.deserialize(&mut parser).and_then(|()| parser.end())
    });
    let changes = parsed.as_ref().map_or_else(|_| Changes::default(), |(_, changes)| *changes);
    let broken = match parsed {
        _ if bad => Some(RowProblem::NotUtf8 { place: format!("byte {} of the file", text.len() + 1) }),
        Ok(_) => None,
        Err(error) => {
            let place = format!("line {} column {}", error.line, error.column);
            Some(RowProblem::BrokenJson { place, detail: error.detail })
        }
    };
    ParsedDocument { rows, changes, broken }
}

/// Returns the rows of objects that span several lines; `None` if the file is no sequence of objects.
pub(super) fn objects(bytes: &[u8]) -> Option<ParsedDocument> {
    let text = std::str::from_utf8(bytes.strip_prefix(BOM).unwrap_or(bytes)).ok()?;
    let mut objects = Vec::new();
    let parsed = mend::parse(text, |text| {
        objects.clear();
        for object in serde_json::Deserializer::from_str(text).into_iter::<UniqueKeys>() {
            let UniqueKeys(value) = object?;
            objects.push(value);
        }
        Ok(())
    });
    let changes = match parsed {
        Ok(((), changes)) => changes,
        Err(error) if error.doubled => {
            let place = format!("line {} column {}", error.line, error.column);
            let broken = Some(RowProblem::BrokenJson { place, detail: error.detail });
            return Some(ParsedDocument { rows: objects, changes: Changes::default(), broken });
        }
        Err(_) => return None,
    };
    let rows = match objects.pop() {
        Some(Value::Object(object)) if objects.is_empty() => spread(object),
        last => objects.into_iter().chain(last).collect(),
    };
    Some(ParsedDocument { rows, changes, broken: None })
}

/// Returns the rows that one object holds, in a file with several objects over several lines.
fn spread(object: Map<String, Value>) -> Vec<Value> {
    if !object.is_empty() && object.values().all(|value| value.as_array().is_some_and(|list| list.is_empty() || is_rows(list))) {
        return object
            .into_iter()
            .flat_map(|(_, value)| if let Value::Array(rows) = value { rows } else { Vec::new() })
            .collect();
    }
    held(&object).unwrap_or_else(|| vec![Value::Object(object)])
}

/// Returns the rows that one object holds; `None` if it is a row itself.
pub(super) fn held(object: &Map<String, Value>) -> Option<Vec<Value>> {
    wrapped(object).or_else(|| split(object)).or_else(|| columns(object)).or_else(|| by_index(object))
}

fn wrapped(object: &Map<String, Value>) -> Option<Vec<Value>> {
    let lists = || object.iter().filter(|(_, value)| value.as_array().is_some_and(|l| is_rows(l)));
    // If one list has a known name, the other lists hold rows too, and all of them are read.
    let known = lists().any(|(name, _)| WRAPPERS.contains(&name.as_str()));
    let rows: Vec<Value> = lists().filter(|_| known).filter_map(|(_, value)| value.as_array()).flatten().cloned().collect();
    // An object with the columns of a row is a row.
    let is_row =
        ["prompt", "responses", "chosen", "rejected", "question", "instruction"].iter().any(|name| object.contains_key(*name));
    (!rows.is_empty() && !is_row).then_some(rows)
}

/// Returns whether the elements are rows, and not the messages of a conversation or the parts of a text.
fn is_rows(list: &[Value]) -> bool {
    let has = |value: &Value, keys: [&str; 2]| keys.iter().all(|key| value.get(key).is_some());
    let is_part = |value: &Value| value.get("type").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("text"));
    let said = |value: &Value| has(value, ["role", "content"]) || has(value, ["from", "value"]) || is_part(value);
    !list.is_empty() && list.iter().all(Value::is_object) && !list.iter().any(said)
}

/// Returns the rows of an object whose values are lists of the same length, if some of them hold texts or numbers.
fn columns(object: &Map<String, Value>) -> Option<Vec<Value>> {
    let lists: Vec<(&String, &Vec<Value>)> =
        object.iter().map(|(name, value)| Some((name, value.as_array()?))).collect::<Option<_>>()?;
    let length = lists.first()?.1.len();
    let plain = lists.iter().any(|(_, list)| list.iter().all(|value| !value.is_object() && !value.is_array()));
    // The responses of one row, and its messages, are lists too.
    let is_row = |(name, list): &(&String, &Vec<Value>)| {
        *name == "responses" && !list.iter().all(Value::is_array) || list.iter().any(Value::is_object) && !is_rows(list)
    };
    if length == 0 || lists.len() < 2 || !plain || lists.iter().any(is_row) || lists.iter().any(|(_, list)| list.len() != length)
    {
        return None;
    }
    let row = |place: usize| lists.iter().map(|(name, list)| ((*name).clone(), list[place].clone())).collect();
    Some((0..length).map(|place| Value::Object(row(place))).collect())
}

fn by_index(object: &Map<String, Value>) -> Option<Vec<Value>> {
    let is_index =
        |keys: &Map<String, Value>| !keys.is_empty() && keys.keys().all(|key| key.bytes().all(|byte| byte.is_ascii_digit()));
    let inner: Vec<&Map<String, Value>> = object.values().map(Value::as_object).collect::<Option<_>>()?;
    if is_index(object) {
        return Some(object.values().cloned().collect());
    }
    let first = inner.first().filter(|first| is_index(first))?;
    if inner.iter().any(|keys| keys.len() != first.len() || !first.keys().all(|key| keys.contains_key(key))) {
        return None;
    }
    let row = |index: &String| {
        object.iter().map(|(name, keys)| (name.clone(), keys.get(index).cloned().unwrap_or(Value::Null))).collect()
    };
    Some(first.keys().map(|index| Value::Object(row(index))).collect())
}

fn split(object: &Map<String, Value>) -> Option<Vec<Value>> {
    let names: Vec<&str> = object.get("columns")?.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()?;
    let rows: Vec<&Vec<Value>> = object.get("data")?.as_array()?.iter().map(Value::as_array).collect::<Option<_>>()?;
    let fits =
        rows.iter().all(|row| row.len() == names.len()) && names.iter().enumerate().all(|(i, name)| !names[..i].contains(name));
    let row = |row: &Vec<Value>| names.iter().map(|name| (*name).to_owned()).zip(row.iter().cloned()).collect();
    (fits && !rows.is_empty()).then(|| rows.into_iter().map(|cells| Value::Object(row(cells))).collect())
}

/// Collects the elements of a list, so that those before an error are kept.
struct Elements<'a> {
    rows: &'a mut Vec<Value>,
}

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(UniqueKeys(element)) = elements.next_element()? {
            self.rows.push(element);
        }
        Ok(())
    }
}
