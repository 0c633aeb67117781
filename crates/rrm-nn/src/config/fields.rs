//! A JSON object -> sizes, numbers and flags, or an error that names the field. `null` counts as absent, as in transformers.

use serde_json::{Map, Value};

use super::ModelConfigError;

/// A JSON object with its path.
pub(super) struct JsonFields<'a> {
    /// The object.
    pub object: &'a Map<String, Value>,
    /// The prefix of names in errors, such as `rope_scaling.`.
    pub path: &'a str,
}

impl<'a> JsonFields<'a> {
    /// Returns the value, unless it is absent or `null`.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// Whether the field is present and `null`.
    pub fn is_null(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(Value::is_null)
    }

    /// Returns a whole number from 1 to `most`, or `absent` if the field is missing. Fails if there is neither.
    pub fn size(&self, name: &str, absent: Option<usize>, most: usize) -> Result<usize, ModelConfigError> {
        let size = match (self.get(name), absent) {
            (Some(value), _) => value.as_u64().ok_or_else(|| self.error(name, &format!("is {value}, not a whole number")))?,
            (None, Some(absent)) => absent as u64,
            (None, None) => return Err(self.error(name, "is absent")),
        };
        match usize::try_from(size) {
            Ok(size) if (1..=most).contains(&size) => Ok(size),
            _ => Err(self.error(name, &format!("is {size}, which is not between 1 and {most}"))),
        }
    }

    /// Returns a finite number, or `None` if the field is missing.
    pub fn number(&self, name: &str) -> Result<Option<f64>, ModelConfigError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_f64().filter(|number| number.is_finite());
        number.map(Some).ok_or_else(|| self.error(name, &format!("is {value}, not a number")))
    }

    /// Returns a number from 1e-12 to 1e12, so that products and quotients of such numbers stay finite; `None` if the field is missing.
    pub fn positive(&self, name: &str) -> Result<Option<f64>, ModelConfigError> {
        match self.number(name)? {
            Some(number) if !(1e-12..=1e12).contains(&number) => {
                Err(self.error(name, &format!("is {number}, which is not between 1e-12 and 1e12")))
            }
            number => Ok(number),
        }
    }

    /// Returns a flag; a missing field is false.
    pub fn flag(&self, name: &str) -> Result<bool, ModelConfigError> {
        match self.get(name) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| self.error(name, &format!("is {value}, neither true nor false"))),
        }
    }

    /// Returns a text, or `None` if the field is missing.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>, ModelConfigError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.error(name, &format!("is {value}, not a text")))
    }

    /// Makes the error for a field, with `what` is wrong.
    pub fn error(&self, name: &str, what: &str) -> ModelConfigError {
        // A hostile value is not repeated at length.
        let what = if what.len() > 200 { format!("{}...", what.chars().take(200).collect::<String>()) } else { what.to_owned() };
        ModelConfigError::Field { field: format!("{}{name}", self.path), what }
    }
}
