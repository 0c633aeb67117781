//! Cells of a table -> the values that they hold as JSON, or as Python writes lists, in columns that may hold such values.
//!
//! A cell is a text. It is parsed as JSON only if nothing else can be meant: a list of responses, a value that a dotted path leads into, and the
//! messages of a conversation. Turns of prompt and responses side by side (Kaggle's LMSYS) are read as in any file, see `chats`.

use serde_json::{Map, Value};

use super::{
    columns::{ColumnNames, ColumnRule, Field},
    mend,
    problem::RowProblem,
    python, unique,
};

/// Columns that hold JSON in any table.
const JSON: [&str; 2] = ["responses", "options"];

/// Parses the cells that hold JSON, for a row with these column names. A name that comes twice in an object of such a cell is an error.
pub(super) fn parse(row: &mut Map<String, Value>, names: &ColumnNames) -> Result<(), RowProblem> {
    let responses = names.of(Field::Responses);
    if responses.several == ColumnRule::Any {
        responses.paths.iter().try_for_each(|path| replace(row, path, Value::is_array))?;
    }
    for field in super::columns::FIELDS {
        for path in &names.of(field).paths {
            if let (false, Some((head, _))) = (row.contains_key(path), path.split_once('.')) {
                replace(row, head, |value| value.is_array() || value.is_object())?;
            }
        }
    }
    for field in [Field::Prompt, Field::Chosen, Field::Rejected, Field::Responses] {
        names.of(field).paths.iter().try_for_each(|path| replace(row, path, is_conversation))?;
    }
    Ok(())
}

/// Parses the cells that hold JSON, for callers that read rows as they are.
pub(super) fn parse_plain(row: &mut Map<String, Value>) -> Result<(), RowProblem> {
    JSON.iter().try_for_each(|name| replace(row, name, Value::is_array))
}

fn replace(row: &mut Map<String, Value>, name: &str, fits: impl Fn(&Value) -> bool) -> Result<(), RowProblem> {
    let Some(cell) = row.get_mut(name) else { return Ok(()) };
    let Some((value, doubled)) = value(cell).filter(|(value, _)| fits(value)) else { return Ok(()) };
    match doubled {
        Some(detail) => Err(RowProblem::BrokenJson { place: format!("`{name}`"), detail }),
        None => {
            *cell = value;
            Ok(())
        }
    }
}

/// Returns the list or object that a cell holds as JSON or as Python writes it, and the description of a name that comes twice in it.
fn value(cell: &Value) -> Option<(Value, Option<String>)> {
    let text = cell.as_str()?.trim();
    let looks = text.starts_with('[') && text.ends_with(']') || text.starts_with('{') && text.ends_with('}');
    if !looks {
        return None;
    }
    match mend::parse(text, unique::object) {
        Ok((value, _)) => Some((value, None)),
        Err(error) if error.doubled => {
            let (value, _) = mend::parse(text, |text| serde_json::from_str::<Value>(text)).ok()?;
            Some((value, Some(error.detail)))
        }
        Err(_) => Some((python::literal(text)?, None)),
    }
}

fn is_conversation(value: &Value) -> bool {
    let message = |value: &Value| value.get("role").or(value.get("from")).is_some_and(Value::is_string);
    value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(message))
}
