//! A list of ids with the base judge's right verdicts -> the pairs to train on.

use std::{collections::HashMap, fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::train::TrainError;

/// The base judge's results on one pair: a line of a filter file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairFilter {
    /// The row's id.
    pub id: String,
    /// The number of verdicts that agree with the label.
    pub right: u32,
    /// The number of judgments.
    pub of: u32,
    /// Whether the pair is trained on.
    pub kept: bool,
}

/// Reads a filter file. Returns its lines by id.
///
/// # Errors
/// [`TrainError`] when the file cannot be read or a line is invalid; names the line.
pub(super) fn read(path: &Path) -> Result<HashMap<String, PairFilter>, TrainError> {
    let text = fs::read_to_string(path).map_err(|source| TrainError::File { file: path.to_owned(), source })?;
    let mut lines = HashMap::new();
    for (row, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let broken = |what: String| TrainError::Row { file: path.display().to_string(), row: row + 1, what };
        let sifted: PairFilter = serde_json::from_str(line).map_err(|error| broken(error.to_string()))?;
        if let Some(double) = lines.insert(sifted.id.clone(), sifted) {
            return Err(broken(format!("the id `{}` was in an earlier line", double.id)));
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<HashMap<String, PairFilter>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        read(file.path()).map_err(|error| error.to_string().replace(&file.path().display().to_string(), "FILE"))
    }

    #[test]
    fn lines_are_read_by_id_and_errors_name_the_line() {
        let line = include_str!("../../../../../docs/formats.md").split("**A filter**").nth(1).unwrap();
        let line = line.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
        assert_eq!(of(line).unwrap()["row-7"], PairFilter { id: "row-7".to_owned(), right: 4, of: 4, kept: false });
        assert_eq!(of(&format!("{line}\n{line}")).unwrap_err(), "FILE row 3: the id `row-7` was in an earlier line");
        let error = of("{\"id\": \"a\", \"right\": 1}").unwrap_err();
        assert!(error.starts_with("FILE row 1: missing field `of`"), "{error}");
    }
}
