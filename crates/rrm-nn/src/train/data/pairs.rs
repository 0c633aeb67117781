//! Files of preference pairs -> the prompts of a step: two responses in an order drawn by key, rendered and tokenised.

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

/// Which pairs are trained on, and how they are drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// Files of pairs.
    pub sources: Vec<PairFile>,
    /// Pairs of one step.
    pub batch_size: usize,
    /// Whether a step holds each of its pairs in both orders, one after the other, as the consistency reward needs.
    pub both_orders: bool,
    /// Most tokens of a prompt: a pair that is longer, in either order, is left out.
    pub max_prompt_length: usize,
    /// Seed of the run.
    pub seed: u64,
}

impl Default for DataConfig {
    /// The paper's batch and its longest prompt (both recalled).
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
    /// How often it is drawn from, relative to the others.
    #[serde(default = "one")]
    pub weight: f64,
    /// `FIELD=COLUMN` for files with other columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Lines of [`PairFilter`](super::PairFilter), one for each row: only what they keep is trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<PathBuf>,
}

/// A pair as it is shown at one step.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingPair {
    /// The row's id.
    pub id: String,
    /// Tells this prompt from every other one of the run: file, epoch, id and order. What is random about it is keyed by this.
    pub key: String,
    /// What is shown, in this order.
    pub comparison: Comparison,
    /// Which one is better.
    pub label: Side,
    /// The prompt.
    pub prompt_tokens: Vec<u32>,
}

/// All pairs that are trained on.
pub struct PairSource {
    config: DataConfig,
    format: Arc<Format>,
    text: Arc<ChatTokenizer>,
    files: Vec<Vec<Item>>,
    counts: Vec<FileCounts>,
    mixture: Mixture,
}

impl PairSource {
    /// Reads all files, and renders every pair to know its length.
    ///
    /// # Errors
    /// [`TrainError`] names the file, the row and the field that cannot be used, or the file of which nothing is left.
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

    /// What became of each file's rows.
    pub fn counts(&self) -> &[FileCounts] {
        &self.counts
    }

    /// The pairs of a step, the same ones whatever was asked for before. Any running number may serve as `step`.
    ///
    /// # Errors
    /// As [`PairSource::open`]; not for pairs that were rendered there.
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
                // Ties were left out.
                let label = comparison.label.ok_or_else(|| wrong("no label".to_owned()))?;
                let key = format!("{}/{}/{}/{first}{second}", draw.file, draw.epoch, item.id);
                batch.push(TrainingPair { id: item.id.clone(), key, comparison, label, prompt_tokens });
            }
        }
        Ok(batch)
    }
}

/// The prompt that asks for a judgment of a comparison.
pub(super) fn render(format: &Format, text: &ChatTokenizer, comparison: &Comparison) -> Result<Vec<u32>, String> {
    let messages = format.messages(comparison).map_err(|error| error.to_string())?;
    text.prompt(&messages).map_err(|error| error.to_string())
}

/// The pairs of a file that are trained on.
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

/// All rows of a file, each id once, and what should be said about the reading.
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
