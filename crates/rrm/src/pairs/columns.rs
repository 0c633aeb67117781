//! `FIELD=COLUMN` -> the columns of questions in a file without a known layout.

use serde_json::{Map, Value};

use crate::dataset::{find, says_worse};

/// Fields that a spec can name, in the order of [`PairColumns`]'s slots.
const FIELDS: [&str; 9] = [
    "id",
    "prompt",
    "reference",
    "category",
    "responses",
    "responses.text",
    "responses.correct",
    "responses.answer",
    "responses.model",
];

/// Columns named by the user; dots lead into objects and lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PairColumns([Option<String>; FIELDS.len()]);

/// The reason why a spec cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnSpecError {
    /// The spec has another form, an unknown field, or a field that was named before.
    #[error("column `{spec}`: expected FIELD=COLUMN, each field once, with a field of {}", FIELDS.join(", "))]
    Shape {
        /// The spec.
        spec: String,
    },
    /// The name of the column that says whether a response is correct says the opposite.
    #[error("column `{spec}`: the name says `{said}`, and true means a correct response; name a column that says so")]
    Opposite {
        /// The spec.
        spec: String,
        /// Words of the name.
        said: String,
    },
}

impl PairColumns {
    /// Reads specs such as `prompt=question`.
    ///
    /// # Errors
    /// [`ColumnSpecError`] with the spec.
    pub fn parse<S: AsRef<str>>(specs: &[S]) -> Result<Self, ColumnSpecError> {
        let mut columns = PairColumns::default();
        for spec in specs.iter().map(AsRef::as_ref) {
            let wrong = || ColumnSpecError::Shape { spec: spec.to_owned() };
            let (field, column) = spec.split_once('=').filter(|(_, column)| !column.trim().is_empty()).ok_or_else(wrong)?;
            let slot = FIELDS.iter().position(|known| *known == field.trim()).ok_or_else(wrong)?;
            if FIELDS[slot] == "responses.correct"
                && let Some(said) = says_worse(column.trim())
            {
                return Err(ColumnSpecError::Opposite { spec: spec.to_owned(), said });
            }
            if columns.0[slot].replace(column.trim().to_owned()).is_some() {
                return Err(wrong());
            }
        }
        Ok(columns)
    }

    /// Returns whether no column is named.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Returns the column named for this field.
    pub(super) fn named(&self, field: &str) -> Option<&str> {
        let slot = FIELDS.iter().position(|known| *known == field)?;
        self.0[slot].as_deref()
    }

    /// Returns the value of a field: of the column named for it, or else of the first of the `usual` columns that is present and not null.
    pub(super) fn value<'a>(&self, row: &'a Map<String, Value>, field: &str, usual: &[&str]) -> Option<&'a Value> {
        let present = |path: &str| find(row, path).filter(|value| !value.is_null());
        match self.named(field) {
            Some(path) => present(path),
            None => usual.iter().find_map(|path| present(path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_name_columns_and_bad_ones_are_refused() {
        let columns = PairColumns::parse(&["prompt=q.text", "responses.correct=ok"]).unwrap();
        let row = serde_json::json!({"q": {"text": "1+1?"}, "answer": "2"});
        let row = row.as_object().unwrap();
        assert_eq!(columns.value(row, "prompt", &["question"]), Some(&"1+1?".into()));
        assert_eq!(columns.value(row, "reference", &["gold", "answer"]), Some(&"2".into()));
        let error = |specs: &[&str]| PairColumns::parse(specs).unwrap_err().to_string();
        insta::assert_snapshot!(error(&["promt=a"]), @"column `promt=a`: expected FIELD=COLUMN, each field once, with a field of id, prompt, reference, category, responses, responses.text, responses.correct, responses.answer, responses.model");
        insta::assert_snapshot!(error(&["responses.correct=is_wrong"]), @"column `responses.correct=is_wrong`: the name says `wrong`, and true means a correct response; name a column that says so");
        assert!(PairColumns::parse(&["prompt=a", "prompt=b"]).is_err() && PairColumns::parse(&["prompt="]).is_err());
    }
}
