//! Rows with `prompt` and `completion` -> [`Example`]s: TRL's prompt-completion form, for supervised fine-tuning.

use std::{path::Path, sync::Arc};

use serde_json::{Map, Value};

use super::{
    columns::{ColumnNames, no_column},
    error::DatasetError,
    item,
    messages::{TurnsOrText, said},
    problem::RowProblem,
    rows,
};
use crate::chat::{Message, Role};

/// One row: a prompt and the completion to be learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Text of the `id` column, or `row-N` if there is none.
    pub id: String,
    /// Position of the row in its file, from 1.
    pub row: usize,
    /// Prompt. A text is used as it is, as the beginning of a sequence; turns go through the chat template.
    pub prompt: TurnsOrText,
    /// Text of the assistant's turn.
    pub completion: String,
}

/// Reads `path` row by row, whatever kind of file it is. Other columns are ignored.
///
/// # Errors
/// [`DatasetError`] if the file cannot be opened or is no file of rows. Rows that cannot be used are errors of the iterator.
pub fn read_examples(path: &Path) -> Result<impl Iterator<Item = Result<Example, DatasetError>>, DatasetError> {
    let file: Arc<str> = path.display().to_string().into();
    let mut rows = rows::open(path, &file)?.peekable();
    if rows.peek().is_none() {
        return Err(DatasetError::Empty { file });
    }
    Ok(rows.map(move |next| {
        let (row, columns) = next?;
        example(row, &columns).map_err(|problem| DatasetError::Row { file: file.clone(), row, problem })
    }))
}

fn example(row: usize, columns: &Map<String, Value>) -> Result<Example, RowProblem> {
    let column = |name: &str| columns.get(name).ok_or_else(|| no_column(columns, name, format!("`{name}`"), ""));
    let prompt = said(column("prompt")?, "prompt", "text or a list of messages")?;
    let completion = match said(column("completion")?, "completion", "text or a list with one message of the assistant")? {
        TurnsOrText::Text(text) => text,
        TurnsOrText::Turns(turns) => answer(turns)?,
    };
    Ok(Example { id: item::id(row, columns, &ColumnNames::default())?, row, prompt, completion })
}

/// Returns the text of the assistant's only turn.
fn answer(turns: Vec<Message>) -> Result<String, RowProblem> {
    let count = turns.len();
    let place = "completion".to_owned();
    match turns.into_iter().next_back() {
        Some(last) if last.role != Role::Assistant => Err(RowProblem::LastTurn { place, role: last.role.as_str() }),
        Some(only) if count == 1 => Ok(only.content),
        _ => Err(RowProblem::WrongType {
            place,
            expected: "text or a list with one message of the assistant",
            found: format!("a list of {count}"),
        }),
    }
}
