//! Cells of a table -> the values that they hold as JSON, or as Python writes lists, in columns that may hold such values.
//!
//! A cell is a text. It is parsed as JSON only if nothing else can be meant: a list of responses, a value that a dotted path leads into, and the
//! messages of a conversation. Turns of prompt and responses side by side (Kaggle's LMSYS) are read as in any file, see `chats`.

use serde_json::{Map, Value};

use super::{
    columns::{ColumnNames, ColumnRule, Field},
    mend, python,
};

/// Columns that hold JSON in any table.
const JSON: [&str; 2] = ["responses", "options"];

/// Parses the cells that hold JSON, for a row with these column names.
pub(super) fn parse(row: &mut Map<String, Value>, names: &ColumnNames) {
    let responses = names.of(Field::Responses);
    if responses.several == ColumnRule::Any {
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
}

/// Parses the cells that hold JSON, for callers that read rows as they are.
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

/// Returns the list or object that a cell holds as JSON or as Python writes it.
fn value(cell: &Value) -> Option<Value> {
    let text = cell.as_str()?.trim();
    let looks = text.starts_with('[') && text.ends_with(']') || text.starts_with('{') && text.ends_with('}');
    if !looks {
        return None;
    }
    let json = mend::parse(text, |text| serde_json::from_str::<Value>(text)).ok().map(|(value, _)| value);
    json.or_else(|| python::literal(text))
}

fn is_conversation(value: &Value) -> bool {
    let message = |value: &Value| value.get("role").or(value.get("from")).is_some_and(Value::is_string);
    value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(message))
}
