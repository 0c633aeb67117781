//! Files of benchmarks -> an index of their prompts, and the prompts that a question overlaps with.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use super::{
    PairSettings,
    question::{self, QuestionOrigin},
    words::{grams, mix, words},
};
use crate::{
    dataset::{self, ColumnNames, DatasetError},
    eval::{self, EvalError, Questions},
};

/// Most prompts of an n-gram that counts. An n-gram of more prompts is a common phrase, such as an instruction on how to answer.
const COMMON: usize = 10;

/// Prompts of benchmarks, by their n-grams.
#[derive(Default)]
pub struct Benchmarks {
    rows: Vec<BenchmarkRow>,
    /// Pairs of n-gram and row, sorted by n-gram.
    index: Vec<(u64, u32)>,
    common: HashSet<u64>,
    whole: HashMap<u64, u32>,
}

/// A prompt of a benchmark.
pub(super) struct BenchmarkRow {
    pub benchmark: String,
    pub id: String,
    grams: u32,
}

/// The reason why a benchmark's file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BenchmarksError {
    /// The error of the benchmark's own reader.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// The file cannot be read at all.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// No file of a folder holds prompts.
    #[error("{folder}: no file in it holds prompts of a benchmark or questions")]
    Nothing {
        /// The folder.
        folder: PathBuf,
    },
    /// The columns of a file fit no known benchmark and no questions.
    #[error("{file}: neither a benchmark that rrm knows nor questions; its columns are: {present}")]
    Unknown {
        /// The file.
        file: PathBuf,
        /// The columns of its first row.
        present: String,
    },
}

impl Benchmarks {
    /// Reads files, and all files below folders, with the readers of [`eval`], or as questions if no benchmark fits.
    ///
    /// # Errors
    /// [`BenchmarksError`] for files that fit nothing. Such files in folders are ignored.
    pub fn read(paths: &[PathBuf], settings: &PairSettings) -> Result<Self, BenchmarksError> {
        let mut benchmarks = Benchmarks::default();
        let mut texts = Vec::new();
        for path in paths {
            if path.is_dir() {
                let before = texts.len();
                // Other files that LLMBar's repository has beside its data repeat its prompts.
                for file in eval::data_files(eval::Benchmark::LlmBar, path)? {
                    match prompts(&file) {
                        Err(BenchmarksError::Unknown { .. } | BenchmarksError::Dataset(_)) => {}
                        found => texts.append(&mut found?),
                    }
                }
                if texts.len() == before {
                    return Err(BenchmarksError::Nothing { folder: path.clone() });
                }
            } else {
                texts.append(&mut prompts(path)?);
            }
        }
        for (benchmark, id, text) in texts {
            benchmarks.add(benchmark, id, &words(&text), settings.ngram);
        }
        benchmarks.finish();
        Ok(benchmarks)
    }

    /// Returns the number of different prompts.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether there are no prompts.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the number of different prompts of each benchmark.
    pub fn counts(&self) -> Vec<(String, usize)> {
        let mut counts: Vec<(String, usize)> = Vec::new();
        for row in &self.rows {
            match counts.iter_mut().find(|(name, _)| *name == row.benchmark) {
                Some((_, count)) => *count += 1,
                None => counts.push((row.benchmark.clone(), 1)),
            }
        }
        counts
    }

    pub(super) fn row(&self, number: u32) -> Option<&BenchmarkRow> {
        self.rows.get(number as usize)
    }

    fn add(&mut self, benchmark: String, id: String, words: &[u64], n: usize) {
        let number = self.rows.len() as u32;
        if words.is_empty() || self.whole.contains_key(&whole(words)) {
            return;
        }
        self.whole.insert(whole(words), number);
        let distinct: HashSet<u64> = grams(words, n).collect();
        self.index.extend(distinct.into_iter().map(|gram| (gram, number)));
        self.rows.push(BenchmarkRow { benchmark, id, grams: 0 });
    }

    /// Sorts the index, removes common phrases, and counts the n-grams that are left of each row.
    fn finish(&mut self) {
        self.index.sort_unstable();
        let rows_of_gram = |run: &[(u64, u32)]| run.len() > COMMON;
        let common = self.index.chunk_by(|a, b| a.0 == b.0).filter(|run| rows_of_gram(run)).map(|run| run[0].0);
        self.common = common.collect();
        self.index.retain(|(gram, _)| !self.common.contains(gram));
        self.index.shrink_to_fit();
        for (_, row) in &self.index {
            self.rows[*row as usize].grams += 1;
        }
    }

    /// Returns the benchmark's prompt that shares most n-grams with a question, and the share, if it is at least `threshold`. The share is relative
    /// to the shorter of the two, so that a part counts as much as the whole with other text around it.
    pub(super) fn meet(&self, words: &[u64], n: usize, threshold: f64) -> Option<(u32, f32)> {
        if self.rows.is_empty() || words.is_empty() {
            return None;
        }
        if let Some(row) = self.whole.get(&whole(words)) {
            return Some((*row, 1.0));
        }
        let distinct: HashSet<u64> = grams(words, n).filter(|gram| !self.common.contains(gram)).collect();
        let mut shared: HashMap<u32, u32> = HashMap::new();
        for gram in &distinct {
            let from = self.index.partition_point(|(other, _)| other < gram);
            for (_, row) in self.index[from..].iter().take_while(|(other, _)| other == gram) {
                *shared.entry(*row).or_default() += 1;
            }
        }
        let share = |(row, shared): (u32, u32)| {
            let fewer = (distinct.len() as u32).min(self.rows[row as usize].grams).max(1);
            (row, f64::from(shared) / f64::from(fewer))
        };
        // The largest share; of equal ones that of the first row, so that the order of the map does not matter.
        let most = shared.into_iter().map(share).max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        most.filter(|(_, share)| *share >= threshold).map(|(row, share)| (row, share as f32))
    }
}

fn whole(words: &[u64]) -> u64 {
    words.iter().fold(1, |hash, word| mix(hash ^ word))
}

/// Returns the prompts of a file: name of the benchmark, id, text.
fn prompts(path: &Path) -> Result<Vec<(String, String, String)>, BenchmarksError> {
    let present = dataset::first_columns(path)?;
    let has = |names: &[&str]| names.iter().all(|name| present.iter().any(|column| column == name));
    let text = |item: &dataset::Item| item.prompt.messages.iter().map(|m| m.content.as_str()).collect::<Vec<_>>().join("\n");
    // Some benchmarks have the same columns; their readers tell them apart.
    let mut failed = None;
    for benchmark in eval::recognised(&present) {
        let name = benchmark.protocol().name;
        match eval::load(benchmark, &[path.to_owned()], &ColumnNames::default()) {
            Ok(suite) => {
                return Ok(suite.cases.iter().map(|case| (name.to_owned(), case.item.id.clone(), text(&case.item))).collect());
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    if has(&["question", "options", "responses"]) {
        let (items, ..) = eval::load_best_of(Questions::MmluPro, &[path.to_owned()], &ColumnNames::default(), 0)?;
        return Ok(items.iter().map(|item| ("mmlu-pro".to_owned(), item.id.clone(), text(item))).collect());
    }
    let stem =
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().split('.').next().unwrap_or("").to_owned());
    let mut found = Vec::new();
    for row in dataset::raw(path, &path.display().to_string())? {
        let (row, columns) = row?;
        if let Some((layout, id, text)) = question::asked(&columns, QuestionOrigin { stem: &stem, row }) {
            found.push((layout.to_string(), id, text));
        }
    }
    match failed {
        _ if !found.is_empty() => Ok(found),
        Some(error) => Err(error.into()),
        None => Err(BenchmarksError::Unknown { file: path.to_owned(), present: present.join(", ") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn benchmarks(texts: &[&str]) -> Benchmarks {
        let mut benchmarks = Benchmarks::default();
        texts.iter().enumerate().for_each(|(i, text)| benchmarks.add("b".into(), i.to_string(), &words(text), 3));
        benchmarks.finish();
        benchmarks
    }

    #[test]
    fn parts_and_wholes_are_met_and_turns_of_phrase_are_not() {
        let told: Vec<String> =
            (0..12).map(|i| format!("answer with one letter only thing{i} stuff{i} more{i} end{i}")).collect();
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        let benchmarks = benchmarks(&told);
        let meet = |text: &str| benchmarks.meet(&words(text), 3, 0.5);
        assert_eq!(meet("Answer with one letter only, thing3 stuff3 more3 end3!"), Some((3, 1.0)));
        assert_eq!(meet("thing4 stuff4 more4 end4"), Some((4, 1.0)), "a part of it");
        assert_eq!(meet("a b c d e f thing5 stuff5 more5 end5 g h i j k l m"), Some((5, 0.5)), "with much around it");
        assert_eq!(meet("answer with one letter only please"), None, "a turn of phrase");
        assert_eq!(meet(""), None);
    }
}
