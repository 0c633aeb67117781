//! Files of preference pairs -> the prompts of a step: pairs of responses in an order drawn by key, rendered and tokenised.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use rrm::{
    comparison::{Comparison, Side},
    dataset::{ColumnNames, DatasetError, Item, ReadOptions, RowProblem, read},
    format::Format,
    keyed::KeyedRandom,
    ranking::rank,
};
use serde::{Deserialize, Serialize};

use super::{FileCounts, filter, in_parallel, mixture::Mixture, one};
use crate::{text::ChatTokenizer, train::TrainError};

/// Settings of the pairs to train on and of their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// Files of pairs.
    pub sources: Vec<PairFile>,
    /// Number of pairs in a step.
    pub batch_size: usize,
    /// Whether a step holds each of its pairs in both orders, one after the other. The consistency reward needs this.
    pub both_orders: bool,
    /// Most tokens of a prompt. A pair that is longer in either order is left out.
    pub max_prompt_length: usize,
    /// Seed of the run.
    pub seed: u64,
}

impl Default for DataConfig {
    /// The paper's batch size and its longest prompt (both recalled).
    fn default() -> Self {
        DataConfig { sources: Vec::new(), batch_size: 128, both_orders: false, max_prompt_length: 4096, seed: 0 }
    }
}

/// A file of pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairFile {
    /// JSONL, a JSON list or Parquet, with the columns that `rrm judge` reads.
    pub path: PathBuf,
    /// Weight of the file when files are drawn, relative to the others.
    #[serde(default = "one")]
    pub weight: f64,
    /// `FIELD=COLUMN` for files with other columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// A file of [`PairFilter`](super::PairFilter) lines, one for each row: only pairs that it keeps are trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<PathBuf>,
}

/// A pair as shown in one step.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingPair {
    /// The row's id.
    pub id: String,
    /// Unique key of this prompt in the run: file, epoch, id and order. Its random choices are keyed by this.
    pub key: String,
    /// The two responses in the order in which they are shown.
    pub comparison: Comparison,
    /// The better response.
    pub label: Side,
    /// Tokens of the prompt.
    pub prompt_tokens: Vec<u32>,
}

/// The pairs to train on.
pub struct PairSource {
    config: DataConfig,
    format: Arc<Format>,
    text: Arc<ChatTokenizer>,
    files: Vec<Vec<Item>>,
    counts: Vec<FileCounts>,
    mixture: Mixture,
}

impl PairSource {
    /// Reads all files, and renders every pair to find its length.
    ///
    /// # Errors
    /// [`TrainError`] names the file, the row and the invalid field, or the file without any usable row.
    pub fn open(config: DataConfig, format: Arc<Format>, text: Arc<ChatTokenizer>) -> Result<Self, TrainError> {
        super::check_sources(config.sources.iter().map(|source| (source.path.as_path(), source.weight)), config.batch_size)?;
        let (mut files, mut counts) = (Vec::new(), Vec::new());
        for source in &config.sources {
            let (items, count) = load(source, &config, &format, &text)?;
            files.push(items);
            counts.push(count);
        }
        let sizes: Vec<_> = config.sources.iter().zip(&files).map(|(source, items)| (source.weight, items.len())).collect();
        let mixture = Mixture::new(config.seed, &sizes, config.batch_size);
        Ok(PairSource { config, format, text, files, counts, mixture })
    }

    /// Returns the counts of each file's rows.
    pub fn counts(&self) -> &[FileCounts] {
        &self.counts
    }

    /// Returns the pairs of a step, independent of earlier calls. Any running number can serve as `step`.
    ///
    /// # Errors
    /// As [`PairSource::open`], but not for pairs that were rendered there.
    pub fn batch(&mut self, step: u64) -> Result<Vec<TrainingPair>, TrainError> {
        let mut batch = Vec::new();
        for draw in self.mixture.batch(step) {
            let item = &self.files[draw.file][draw.row];
            let swapped =
                KeyedRandom::new(self.config.seed, &item.id, "training order", &[draw.file as u64, draw.epoch]).u64() & 1 == 1;
            let orders: &[bool] = if self.config.both_orders { &[swapped, !swapped] } else { &[swapped] };
            for swapped in orders {
                let (first, second) = if *swapped { (1, 0) } else { (0, 1) };
                let comparison = rank::comparison(item, first, second);
                let path = &self.config.sources[draw.file].path;
                let wrong = |what: String| TrainError::Row { file: path.display().to_string(), row: item.row, what };
                let prompt_tokens = render(&self.format, &self.text, &comparison).map_err(wrong)?;
                // Ties have been left out.
                let label = comparison.label.ok_or_else(|| wrong("no label".to_owned()))?;
                let key = format!("{}/{}/{}/{first}{second}", draw.file, draw.epoch, item.id);
                batch.push(TrainingPair { id: item.id.clone(), key, comparison, label, prompt_tokens });
            }
        }
        Ok(batch)
    }
}

/// Returns the tokens of the prompt that asks for a judgment of a comparison.
pub(super) fn render(format: &Format, text: &ChatTokenizer, comparison: &Comparison) -> Result<Vec<u32>, String> {
    let messages = format.messages(comparison).map_err(|error| error.to_string())?;
    text.prompt(&messages).map_err(|error| error.to_string())
}

/// Loads the usable pairs of a file.
fn load(
    source: &PairFile,
    config: &DataConfig,
    format: &Format,
    text: &ChatTokenizer,
) -> Result<(Vec<Item>, FileCounts), TrainError> {
    let file = source.path.display().to_string();
    let (items, notes) = items(&source.path, &source.columns)?;
    let mut counts = FileCounts { path: file.clone(), rows: items.len(), notes, ..FileCounts::default() };
    let sifted = source.filter.as_deref().map(filter::read).transpose()?;
    let lengths = in_parallel(&items, |item| {
        let length = |first, second| render(format, text, &rank::comparison(item, first, second)).map(|tokens| tokens.len());
        Ok::<usize, String>(length(0, 1)?.max(length(1, 0)?))
    });
    let mut kept = Vec::new();
    for (item, length) in items.into_iter().zip(lengths) {
        let wrong = |what: String| TrainError::Row { file: file.clone(), row: item.row, what };
        let length = length.map_err(wrong)?;
        let [Some(first), Some(second)] = [0, 1].map(|index| item.responses[index].label) else {
            return Err(wrong("no label says which response is better".to_owned()));
        };
        let judged = sifted
            .as_ref()
            .map(|sifted| sifted.get(&item.id).ok_or_else(|| wrong(format!("the filter has no id `{}`", item.id))));
        if first == second {
            counts.tied += 1;
        } else if judged.transpose()?.is_some_and(|judged| !judged.kept) {
            counts.filtered += 1;
        } else if length > config.max_prompt_length {
            counts.too_long += 1;
        } else {
            kept.push(item);
        }
    }
    counts.kept = kept.len();
    super::something_left(&counts)?;
    Ok((kept, counts))
}

/// Reads all rows of a file, whose ids must be unique. Also returns notes about the reading.
pub(in crate::train) fn items(path: &Path, columns: &[String]) -> Result<(Vec<Item>, Vec<String>), TrainError> {
    let option = |what: String| TrainError::Option { option: "columns".to_owned(), what };
    let columns = ColumnNames::parse(columns).map_err(|error| option(error.to_string()))?;
    let options = ReadOptions { exactly: Some(2), columns, ..ReadOptions::default() };
    let mut rows = read(path, &options)?;
    let items = rows.by_ref().collect::<Result<Vec<Item>, _>>()?;
    let mut first: HashMap<&str, usize> = HashMap::new();
    for item in &items {
        if let Some(earlier) = first.insert(&item.id, item.row) {
            let problem = RowProblem::DoubledId { id: item.id.clone(), first: earlier };
            return Err(DatasetError::Row { file: path.display().to_string().into(), row: item.row, problem }.into());
        }
    }
    Ok((items, rows.notes()))
}
