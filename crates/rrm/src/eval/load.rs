//! Files and folders -> the cases of a benchmark, or the first error in them.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    Benchmark, BenchmarkLayout, Case,
    benchmarks::{llm_bar, text},
    files::{expanded, hashed, listed},
};
use crate::{
    dataset::{self, ColumnError, ColumnNames, DatasetError, Item, ReadOptions},
    vote::Choice,
};

/// A benchmark that was read.
#[derive(Clone, Debug)]
pub struct Suite {
    /// The benchmark.
    pub benchmark: Benchmark,
    /// Its comparisons, in the order of files and rows.
    pub cases: Vec<Case>,
    /// Files of the comparisons.
    pub files: Vec<DataFile>,
    /// Files of the given folders that hold no rows of it.
    pub skipped: Vec<PathBuf>,
    /// Notes on the reading, one sentence each.
    pub notes: Vec<String>,
    /// Number of pairs of one text, which no judge can tell apart. Of [`Benchmark::Pairs`] they are left out. Those of published benchmarks are asked
    /// about, because upstream counts them; here they count if they are labelled for one of the two.
    pub equal: u64,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Path of the file, as it was given.
    pub file: String,
    /// Number of its rows.
    pub rows: u64,
    /// Hash of its bytes, in hexadecimal. Results on files with different hashes do not compare.
    pub blake3: String,
}

/// The reason why a benchmark cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A file or one of its rows cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A row of a published benchmark is not as published. Its columns cannot be named by the user.
    #[error(transparent)]
    Published(Box<DatasetError>),
    /// A column spec cannot be used.
    #[error(transparent)]
    Columns(#[from] ColumnError),
    /// A folder or file cannot be listed or read.
    #[error("{path}: {detail}")]
    Io {
        /// Path of the folder or file.
        path: PathBuf,
        /// Message of the operating system.
        detail: io::Error,
    },
    /// A file that was named holds other rows.
    #[error("{file}: no rows of {benchmark}, which have the columns {}; this file has: {present}", wanted(benchmark))]
    OtherRows {
        /// The file.
        file: PathBuf,
        /// The benchmark.
        benchmark: &'static str,
        /// The columns of its first row.
        present: String,
    },
    /// No file of a folder holds rows of the benchmark.
    #[error("{folder}: no file in it holds rows of {benchmark}, which have the columns {}", wanted(benchmark))]
    NoFiles {
        /// The folder.
        folder: PathBuf,
        /// The benchmark.
        benchmark: &'static str,
    },
    /// There are rows, but none of them counts.
    #[error("{file}: none of its {rows} rows counts in {benchmark}{}", of_one_text(*.equal))]
    NothingCounts {
        /// The first file.
        file: String,
        /// Number of its rows.
        rows: u64,
        /// The benchmark.
        benchmark: &'static str,
        /// Number of pairs of one text that were left out.
        equal: u64,
    },
    /// A row does not fit the benchmark.
    #[error("{file} row {row}: {problem}")]
    Row {
        /// The file.
        file: PathBuf,
        /// The row, from 1.
        row: usize,
        /// Error of the row.
        problem: String,
    },
    /// The same row occurs twice.
    #[error("{file} row {row}: the id `{id}` was already used; was a file given twice, or do the rows of two files lack ids?")]
    DoubledId {
        /// The file.
        file: PathBuf,
        /// The row, from 1.
        row: usize,
        /// The id.
        id: String,
    },
    /// The same file occurs twice.
    #[error(
        "{file}: this file holds the same bytes as {earlier}, which was read before; its rows have no ids and would count twice"
    )]
    SameFile {
        /// The file.
        file: PathBuf,
        /// Name of the earlier file.
        earlier: String,
    },
    /// Rows belong to two parts that upstream scores separately.
    #[error(
        "{file} row {row}: `{column}` is `{value}`, before it was `{before}`; upstream scores them apart, so give one at a time"
    )]
    Mixed {
        /// The file.
        file: PathBuf,
        /// The row, from 1.
        row: usize,
        /// Column that separates the parts.
        column: &'static str,
        /// Value of the column in this row.
        value: String,
        /// Value of the column in all earlier rows.
        before: String,
    },
}

/// The ids and the part of the rows that were read so far.
#[derive(Default)]
struct EarlierRows {
    ids: Ids,
    /// Value of the protocol's column [`apart`](super::Protocol::apart).
    part: Option<String>,
}

/// The ids of all rows so far.
#[derive(Default)]
pub(super) struct Ids {
    used: HashSet<String>,
    /// Names of the files so far whose rows have no ids.
    unnamed: Vec<String>,
}

impl Ids {
    /// Notes the id of a row of `file`. Returns `false` if it was used before. In a second file whose rows have no ids, the ids begin with the file's
    /// name.
    pub(super) fn take(&mut self, file: &Path, item: &mut Item) -> bool {
        if item.id == format!("row-{}", item.row) {
            let path = file.display().to_string();
            if self.unnamed.last() != Some(&path) {
                self.unnamed.push(path);
            }
            if self.unnamed.len() > 1 {
                let name = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned();
                let mine = self.unnamed.last().map(|path| name(path)).unwrap_or_default();
                let number = self.unnamed.iter().filter(|path| name(path) == mine).count();
                let number = if number > 1 { format!("#{number}") } else { String::new() };
                item.id = format!("{mine}{number}/{}", item.id);
            }
        }
        self.insert(&item.id)
    }

    /// Notes an id. Returns `false` if it was used before.
    pub(super) fn insert(&mut self, id: &str) -> bool {
        self.used.insert(id.to_owned())
    }

    /// Returns the one of `files` with the same bytes as this file, if this file's rows have no ids.
    pub(super) fn same<'a>(&self, file: &DataFile, files: &'a [DataFile]) -> Option<&'a DataFile> {
        let unnamed = self.unnamed.last() == Some(&file.file);
        files.iter().find(|other| unnamed && other.blake3 == file.blake3)
    }
}

/// Reads the files, and those files in the folders that hold rows of the benchmark. `columns` are those of [`Benchmark::Pairs`]; the published
/// benchmarks have their own.
///
/// # Errors
/// [`EvalError`] for a file that cannot be read, for bad rows, and if no rows are found.
pub fn load(benchmark: Benchmark, paths: &[PathBuf], columns: &ColumnNames) -> Result<Suite, EvalError> {
    let (notes, equal) = (Vec::new(), 0);
    let mut suite = Suite { benchmark, cases: Vec::new(), files: Vec::new(), skipped: Vec::new(), notes, equal };
    let mut seen = EarlierRows::default();
    let columns = &match benchmark {
        // The meaning of labels is inferred from all files.
        Benchmark::Pairs => {
            let (columns, note) = dataset::settled(&expanded(paths)?, columns)?;
            suite.notes.extend(note);
            columns
        }
        _ => columns.clone(),
    };
    for path in paths {
        if !path.is_dir() {
            let present = dataset::first_columns(path)?;
            let layout = layout(benchmark, &present).ok_or_else(|| EvalError::OtherRows {
                file: path.clone(),
                benchmark: benchmark.protocol().name,
                present: present.join(", "),
            })?;
            read(&mut suite, &mut seen, path, layout, columns)?;
            continue;
        }
        let before = suite.files.len();
        for file in data_files(benchmark, path)? {
            match dataset::first_columns(&file) {
                Ok(present) => match layout(benchmark, &present).filter(|layout| is_data(layout, &file, &present)) {
                    Some(layout) => read(&mut suite, &mut seen, &file, layout, columns)?,
                    None => suite.skipped.push(file),
                },
                Err(
                    DatasetError::Row { .. }
                    | DatasetError::Kind { .. }
                    | DatasetError::Empty { .. }
                    | DatasetError::Header { .. },
                ) => suite.skipped.push(file),
                Err(error) => return Err(error.into()),
            }
        }
        if suite.files.len() == before {
            return Err(EvalError::NoFiles { folder: path.clone(), benchmark: benchmark.protocol().name });
        }
    }
    match suite.files.first() {
        Some(first) if suite.cases.is_empty() => {
            let (file, rows, equal) = (first.file.clone(), first.rows, suite.equal);
            Err(EvalError::NothingCounts { file, rows, benchmark: benchmark.protocol().name, equal })
        }
        _ => Ok(suite),
    }
}

/// Returns the published benchmarks whose rows have these columns. Collections, which have files of several kinds, come after single benchmarks.
pub fn recognised(present: &[String]) -> Vec<Benchmark> {
    let fits = |benchmark: &Benchmark| *benchmark != Benchmark::Pairs && layout(*benchmark, present).is_some();
    let mut found: Vec<Benchmark> = Benchmark::ALL.into_iter().filter(fits).collect();
    found.sort_by_key(|benchmark| benchmark.protocol().layouts.len());
    found
}

/// Returns the layout of rows with these columns; `None` if they are not the benchmark's.
fn layout(benchmark: Benchmark, present: &[String]) -> Option<&'static BenchmarkLayout> {
    let fits = |layout: &&BenchmarkLayout| layout.needs.iter().all(|name| present.iter().any(|column| column == name));
    benchmark.protocol().layouts.iter().find(fits)
}

/// Returns whether a file with the benchmark's columns holds its data. Folders may also have judgments and, in LLMBar's repository, other sets in the
/// same form.
fn is_data(layout: &BenchmarkLayout, file: &Path, present: &[String]) -> bool {
    const JUDGMENTS: [&str; 2] = ["results", "judgments"];
    let judgments = !layout.needs.is_empty() && present.iter().any(|column| JUDGMENTS.contains(&column.as_str()));
    let other_set = layout.needs == llm_bar::LAYOUT.needs && llm_bar::subset(file).is_err();
    !judgments && !other_set
}

/// Returns the files below a folder that may hold data. Folders in which a benchmark publishes judgments are left out.
///
/// # Errors
/// [`EvalError::Io`] if the folder cannot be listed.
pub fn data_files(benchmark: Benchmark, folder: &Path) -> Result<Vec<PathBuf>, EvalError> {
    let judgments = match benchmark {
        Benchmark::LlmBar | Benchmark::RewardBench => "evaluators",
        Benchmark::JudgeBench => "outputs",
        _ => return listed(folder),
    };
    let below = |file: &Path| file.strip_prefix(folder).is_ok_and(|file| file.iter().any(|part| part == judgments));
    Ok(listed(folder)?.into_iter().filter(|file| !below(file)).collect())
}

fn read(
    suite: &mut Suite,
    seen: &mut EarlierRows,
    path: &Path,
    layout: &BenchmarkLayout,
    columns: &ColumnNames,
) -> Result<(), EvalError> {
    let columns = match suite.benchmark {
        Benchmark::Pairs => columns.clone(),
        _ => ColumnNames::parse(layout.columns)?,
    };
    let reading = ReadOptions { exactly: layout.responses, columns, ..ReadOptions::default() };
    let mut rows = 0;
    let mut items = dataset::read(path, &reading)?;
    for item in items.by_ref() {
        let mut item = item.map_err(|error| match suite.benchmark {
            Benchmark::Pairs => EvalError::Dataset(error),
            _ => EvalError::Published(Box::new(error)),
        })?;
        let row = item.row;
        let bad = |problem| EvalError::Row { file: path.to_owned(), row, problem };
        if let Some(column) = suite.benchmark.protocol().apart {
            let value = text(&item, column).map_err(bad)?;
            let before = seen.part.get_or_insert_with(|| value.to_owned());
            if before != value {
                let (file, value, before) = (path.to_owned(), value.to_owned(), before.clone());
                return Err(EvalError::Mixed { file, row, column, value, before });
            }
        }
        let subset = reading.columns.subset().and_then(|column| dataset::find(&item.extra, column)).map(subset);
        // Published rows get their ids from their own columns, some of them only when they become cases.
        let own = suite.benchmark == Benchmark::Pairs;
        if own && !seen.ids.take(path, &mut item) {
            return Err(EvalError::DoubledId { file: path.to_owned(), row, id: item.id });
        }
        let mut cases = (layout.cases)(path, item).map_err(bad)?;
        if let Some(case) = cases.first()
            && !own
            && !seen.ids.insert(&case.item.id)
        {
            return Err(EvalError::DoubledId { file: path.to_owned(), row, id: case.item.id.clone() });
        }
        if let Some(subset) = subset {
            cases.iter_mut().for_each(|case| case.subset.clone_from(&subset));
        }
        for case in cases {
            let equal = case.of_one_text(suite.benchmark);
            suite.equal += u64::from(equal && (own || case.label != Choice::Tie));
            if !own || !equal {
                suite.cases.push(case);
            }
        }
        rows += 1;
    }
    suite.notes.extend(items.notes().into_iter().map(|note| format!("{}: {note}", path.display())));
    let file = hashed(path, rows)?;
    if let Some(earlier) = seen.ids.same(&file, &suite.files) {
        return Err(EvalError::SameFile { file: path.to_owned(), earlier: earlier.file.clone() });
    }
    suite.files.push(file);
    Ok(())
}

/// Returns the subset that a column names: its text, or its JSON; null stands for all pairs.
fn subset(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "pairs".to_owned(),
        serde_json::Value::String(subset) => subset.clone(),
        other => other.to_string(),
    }
}

/// Returns the note on pairs of one text that were left out.
fn of_one_text(equal: u64) -> String {
    if equal == 0 { String::new() } else { format!("; {equal} of them are pairs of one text, which are left out") }
}

/// Returns the columns of a benchmark's rows, for messages.
fn wanted(benchmark: &str) -> String {
    let layouts = Benchmark::ALL.into_iter().map(Benchmark::protocol).find(|protocol| protocol.name == benchmark);
    let columns = layouts.into_iter().flat_map(|protocol| protocol.layouts).map(|layout| layout.needs.join(", "));
    columns.collect::<Vec<_>>().join("; or ")
}
