//! A preference -> the columns that a trainer reads.

use serde_json::{Map, Value, json};

use super::Preference;
use crate::dataset::Item;

/// One row of the output, its columns in their order.
pub type Columns = Map<String, Value>;

/// The columns of TRL's conversational preferences with an explicit prompt.
pub fn columns(item: &Item, preference: &Preference) -> Columns {
    let said = |response: usize| json!([{"role": "assistant", "content": &*item.responses[response].text}]);
    let mut columns = Map::new();
    columns.insert("prompt".into(), json!(item.prompt.messages));
    columns.insert("chosen".into(), said(preference.chosen));
    columns.insert("rejected".into(), said(preference.rejected));
    columns
}
