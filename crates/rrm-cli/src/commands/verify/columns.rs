//! The first row of a file and the options -> the columns of the right answer and of the response in all of its rows.

use rrm::dataset::{self, RowProblem};
use serde_json::{Map, Value};

/// One side of the comparison: the right answer or the response.
pub struct ComparedSide {
    /// Its name in errors.
    what: &'static str,
    /// The option that names its column.
    option: &'static str,
    /// Columns that are searched if the option is not given.
    known: &'static [&'static str],
}

/// The right answer.
pub const GOLD: ComparedSide = ComparedSide {
    what: "the right answer",
    option: "--gold",
    known: &["gold", "answer", "ground_truth", "solution", "target", "reference_answer", "reward_model.ground_truth"],
};

/// The response.
pub const RESPONSE: ComparedSide = ComparedSide {
    what: "the response",
    option: "--response",
    known: &["response", "pred", "prediction", "completion", "output", "model_output"],
};

/// The column of one side in every row.
pub struct Column {
    side: &'static ComparedSide,
    /// The name of a column, or a path with dots.
    pub path: String,
    /// Columns that might hold the value as well and so must be empty. There are none if an option names the column.
    rivals: Vec<&'static str>,
}

/// The problem with the columns of a row.
pub struct ColumnProblem {
    /// The problem, without the file and the row.
    pub what: String,
    /// A hint for the user.
    pub hint: String,
}

/// Chooses the columns of the right answer and of the response: the named ones, or the only ones of the known names that are not null.
pub fn choose(row: &Map<String, Value>, gold: Option<&str>, response: Option<&str>) -> Result<(Column, Column), ColumnProblem> {
    let chosen = (pick(row, &GOLD, gold, response)?, pick(row, &RESPONSE, response, gold)?);
    if chosen.0.path == chosen.1.path {
        return Err(ColumnProblem {
            what: format!("the right answer and the response would both be read from `{}`", chosen.0.path),
            hint: "--gold and --response name two columns".to_owned(),
        });
    }
    Ok(chosen)
}

/// Chooses the column of one side. `taken`, which the other side's option names, is excluded.
fn pick(
    row: &Map<String, Value>,
    side: &'static ComparedSide,
    named: Option<&str>,
    taken: Option<&str>,
) -> Result<Column, ColumnProblem> {
    if let Some(name) = named {
        return Ok(Column { side, path: name.to_owned(), rivals: Vec::new() });
    }
    let known = || side.known.iter().copied().filter(|name| Some(*name) != taken);
    let present: Vec<&str> = known().filter(|name| find(row, name).is_some()).collect();
    let full: Vec<&str> = present.iter().copied().filter(|name| !empty(row, name)).collect();
    match (full.as_slice(), present.as_slice()) {
        ([one], _) | ([], [one]) => {
            Ok(Column { side, path: (*one).to_owned(), rivals: known().filter(|name| name != one).collect() })
        }
        ([], []) => Err(ColumnProblem {
            what: format!(
                "no column for {}; it is looked for in {}; the row has: {}",
                side.what,
                known().collect::<Vec<_>>().join(", "),
                row.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
            ),
            hint: format!("{} COLUMN names it; a dot looks into an object", side.option),
        }),
        ([], several) | (several, _) => {
            Err(side.ambiguous(format!("several columns may hold {}: {}", side.what, several.join(", ")), several))
        }
    }
}

impl ComparedSide {
    fn ambiguous(&self, what: String, columns: &[&str]) -> ColumnProblem {
        let options: Vec<String> = columns.iter().map(|column| format!("{} {column}", self.option)).collect();
        ColumnProblem { what, hint: format!("say which one does: {}", options.join(" or ")) }
    }
}

impl Column {
    /// Returns the value of the column in a row. A path within null gives null.
    pub fn value<'a>(&self, row: &'a Map<String, Value>) -> Result<&'a Value, ColumnProblem> {
        let rival = self.rivals.iter().find(|name| !empty(row, name));
        if let (Some(rival), None) = (rival, find(row, &self.path)) {
            return Err(ColumnProblem {
                what: format!("the row has no `{}`, from which {} is read; it has `{rival}`", self.path, self.side.what),
                hint: format!(
                    "the first row chose `{}` for all rows: rename `{rival}`, or verify such rows as a file of their own",
                    self.path
                ),
            });
        }
        if let Some(rival) = rival {
            let what = format!("`{rival}` may hold {} too, which the first row has in `{}`", self.side.what, self.path);
            return Err(self.side.ambiguous(what, &[self.path.as_str(), rival]));
        }
        find(row, &self.path).ok_or_else(|| ColumnProblem {
            what: dataset::value(row, &self.path).err().map_or_else(String::new, |problem: RowProblem| problem.to_string()),
            hint: format!(
                "{} is read from `{}` in every row; {} COLUMN names another column",
                self.side.what, self.path, self.side.option
            ),
        })
    }
}

/// Returns the value at `path`; null for a path within null.
fn find<'a>(row: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let within = |(dot, _): (usize, &str)| dataset::value(row, &path[..dot]).ok().filter(|value| value.is_null());
    dataset::value(row, path).ok().or_else(|| path.match_indices('.').find_map(within))
}

/// Whether the value at `path` is absent or null.
fn empty(row: &Map<String, Value>, path: &str) -> bool {
    find(row, path).is_none_or(Value::is_null)
}
