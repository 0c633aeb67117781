//! Cells of a table -> the values that are written in them as JSON, where the columns that a row is read from hold such.
//!
//! A cell is a text. It is taken for JSON only where nothing else can be meant: a list of responses, what a dotted path looks into, the
//! messages of a conversation, and the turns of prompt and responses side by side (Kaggle's LMSYS).

use serde_json::{Map, Value, json};

use super::{
    columns::{ColumnNames, Field, Several},
    mend,
};

/// Columns that hold JSON whatever they are read for.
const JSON: [&str; 2] = ["responses", "options"];

/// Parses the cells that hold JSON, for a row that is read by `names`.
pub(super) fn parse(row: &mut Map<String, Value>, names: &ColumnNames) {
    let responses = names.of(Field::Responses);
    if responses.several == Several::Any {
        responses.paths.iter().for_each(|path| replace(row, path, Value::is_array));
    }
    for field in super::columns::FIELDS {
        for path in &names.of(field).paths {
            if let (false, Some((head, _))) = (row.contains_key(path), path.split_once('.')) {
                replace(row, head, |value| value.is_array() || value.is_object());
            }
        }
    }
    for field in [Field::Prompt, Field::Chosen, Field::Rejected, Field::Responses] {
        names.of(field).paths.iter().for_each(|path| replace(row, path, is_conversation));
    }
    turns(row, names);
}

/// The same for whoever reads rows as they are.
pub(super) fn parse_plain(row: &mut Map<String, Value>) {
    JSON.iter().for_each(|name| replace(row, name, Value::is_array));
}

fn replace(row: &mut Map<String, Value>, name: &str, fits: impl Fn(&Value) -> bool) {
    if let Some(cell) = row.get_mut(name)
        && let Some(value) = value(cell).filter(fits)
    {
        *cell = value;
    }
}

/// The list or object that a cell is the JSON of.
fn value(cell: &Value) -> Option<Value> {
    let text = cell.as_str()?.trim();
    let looks = text.starts_with('[') && text.ends_with(']') || text.starts_with('{') && text.ends_with('}');
    if !looks {
        return None;
    }
    mend::parse(text, |text| serde_json::from_str::<Value>(text)).ok().map(|(value, _)| value)
}

fn is_conversation(value: &Value) -> bool {
    let message = |value: &Value| value.get("role").or(value.get("from")).is_some_and(Value::is_string);
    value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(message))
}

/// Lists of turns in the prompt and in each response, all of one length, become conversations.
fn turns(row: &mut Map<String, Value>, names: &ColumnNames) {
    let (prompt, responses) = (names.of(Field::Prompt), names.of(Field::Responses));
    let sides = match responses.several {
        Several::Each => responses.paths.clone(),
        _ => [Field::Chosen, Field::Rejected].iter().flat_map(|field| names.of(*field).paths.clone()).collect(),
    };
    let listed = |path: &String| row.get(path).and_then(value).and_then(texts);
    let [path] = prompt.paths.as_slice() else { return };
    let (Some(asked), Some(said)) = (listed(path), sides.iter().map(listed).collect::<Option<Vec<_>>>()) else { return };
    if said.is_empty() || asked.is_empty() || said.iter().any(|said| said.len() != asked.len()) {
        return;
    }
    let user = |text: &Value| json!({"role": "user", "content": text});
    for (side, said) in sides.iter().zip(said) {
        let pairs = asked.iter().zip(said);
        let talk = pairs.flat_map(|(asked, said)| [user(asked), json!({"role": "assistant", "content": said})]).collect();
        row.insert(side.clone(), Value::Array(talk));
    }
    row.insert(path.clone(), Value::Array(vec![user(&asked[0])]));
}

/// A list of texts, or of nulls in place of them.
fn texts(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(list) if list.iter().all(|value| value.is_string() || value.is_null()) => Some(list),
        _ => None,
    }
}
