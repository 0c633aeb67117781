//! Files of prompts and completions -> the examples of a step: tokens, and the weight of each token of a completion.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

use rrm::{
    dataset::{Example, TurnsOrText, read_examples},
    format::Format,
};
use serde::{Deserialize, Serialize};

use super::{FileCounts, in_parallel, mixture::Mixture, one};
use crate::{text::ChatTokenizer, train::TrainError};

/// Settings of the examples to train on and of their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SftConfig {
    /// Files of examples.
    pub sources: Vec<SftFile>,
    /// Number of examples in a step.
    pub batch_size: usize,
    /// Most tokens of prompt and completion together. Longer examples are left out; TRL's option of this name truncates them.
    pub max_length: usize,
    /// Weight in the loss of a completion's tokens from its last verdict on. Tokens before it have weight 1.
    pub verdict_weight: f32,
    /// Weights in the loss of single tokens before the verdict, by their texts: for rare decisions among many tokens that follow from the context.
    pub token_weights: BTreeMap<String, f32>,
    /// Seed of the run.
    pub seed: u64,
}

impl Default for SftConfig {
    /// The defaults of TRL 1.16's `SFTConfig`; all tokens have the same weight.
    fn default() -> Self {
        SftConfig {
            sources: Vec::new(),
            batch_size: 8,
            max_length: 1024,
            verdict_weight: 1.0,
            token_weights: BTreeMap::new(),
            seed: 0,
        }
    }
}

/// A file of examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SftFile {
    /// JSONL, a JSON list or Parquet with the columns `prompt` and `completion`, each a text or a list of messages.
    pub path: PathBuf,
    /// Weight of the file when files are drawn, relative to the others.
    #[serde(default = "one")]
    pub weight: f64,
}

/// A prompt and the completion to learn.
#[derive(Clone, Debug, PartialEq)]
pub struct SftExample {
    /// The row's id.
    pub id: String,
    /// Tokens of the prompt; not empty.
    pub prompt_tokens: Vec<u32>,
    /// Tokens of the completion, including the token that ends the turn.
    pub completion_tokens: Vec<u32>,
    /// Weight of each of `completion_tokens` in the loss.
    pub weights: Vec<f32>,
}

/// The examples to train on.
pub struct SftSource {
    files: Vec<Vec<SftExample>>,
    counts: Vec<FileCounts>,
    mixture: Mixture,
}

impl SftSource {
    /// Reads and tokenises all files. `format` tells how a completion states its verdict.
    ///
    /// # Errors
    /// [`TrainError`] names the file, the row and the invalid field, or the file without any usable row.
    pub fn open(config: &SftConfig, format: &Format, text: &ChatTokenizer) -> Result<Self, TrainError> {
        super::check_sources(config.sources.iter().map(|source| (source.path.as_path(), source.weight)), config.batch_size)?;
        let verdicts = if config.verdict_weight == 1.0 { Vec::new() } else { format.file.verdict.stated() };
        let counting =
            TokenWeights { verdicts, verdict: config.verdict_weight, tokens: token_weights(&config.token_weights, text)? };
        let (mut files, mut counts) = (Vec::new(), Vec::new());
        for source in &config.sources {
            let (examples, count) = load(source, config, &counting, text)?;
            files.push(examples);
            counts.push(count);
        }
        let sizes: Vec<_> = config.sources.iter().zip(&files).map(|(source, rows)| (source.weight, rows.len())).collect();
        Ok(SftSource { mixture: Mixture::new(config.seed, &sizes, config.batch_size), files, counts })
    }

    /// Returns the counts of each file's rows.
    pub fn counts(&self) -> &[FileCounts] {
        &self.counts
    }

    /// Returns the examples of a step, independent of earlier calls.
    pub fn batch(&mut self, step: u64) -> Vec<SftExample> {
        self.mixture.batch(step).into_iter().map(|draw| self.files[draw.file][draw.row].clone()).collect()
    }
}

/// The weights of the tokens of completions.
struct TokenWeights {
    /// Texts that state a verdict; empty if verdicts have no weight of their own.
    verdicts: Vec<String>,
    /// Weight from the last verdict on.
    verdict: f32,
    /// Weights of single tokens before the verdict.
    tokens: HashMap<u32, f32>,
}

/// Returns `token_weights` by token number. Fails if a text is not a single token.
fn token_weights(weights: &BTreeMap<String, f32>, text: &ChatTokenizer) -> Result<HashMap<u32, f32>, TrainError> {
    let one = |(token, weight): (&String, &f32)| {
        let wrong = |what: String| TrainError::Option { option: "token_weights".to_owned(), what };
        let ids = text.tokenizer().text(token).map_err(|error| wrong(format!("{token:?}: {error}")))?;
        match ids[..] {
            [id] => Ok((id, *weight)),
            _ => Err(wrong(format!("{token:?} is {} tokens; expected texts of one token each", ids.len()))),
        }
    };
    weights.iter().map(one).collect()
}

/// Loads the usable examples of a file.
fn load(
    source: &SftFile,
    config: &SftConfig,
    counting: &TokenWeights,
    text: &ChatTokenizer,
) -> Result<(Vec<SftExample>, FileCounts), TrainError> {
    let file = source.path.display().to_string();
    let rows = read_examples(&source.path)?.collect::<Result<Vec<Example>, _>>()?;
    let mut counts = FileCounts { path: file.clone(), rows: rows.len(), ..FileCounts::default() };
    let examples = in_parallel(&rows, |row| example(row, counting, text));
    let mut kept = Vec::new();
    for (row, example) in rows.iter().zip(examples) {
        let example = example.map_err(|what| TrainError::Row { file: file.clone(), row: row.row, what })?;
        if example.prompt_tokens.len() + example.completion_tokens.len() > config.max_length {
            counts.too_long += 1;
        } else {
            kept.push(example);
        }
    }
    counts.kept = kept.len();
    super::something_left(&counts)?;
    Ok((kept, counts))
}

fn example(row: &Example, counting: &TokenWeights, text: &ChatTokenizer) -> Result<SftExample, String> {
    let prompt = match &row.prompt {
        TurnsOrText::Text(beginning) => text.beginning(beginning),
        TurnsOrText::Turns(turns) => text.prompt(turns),
    };
    let prompt_tokens = prompt.map_err(|error| format!("`prompt`: {error}"))?;
    if prompt_tokens.is_empty() {
        return Err("`prompt` makes no tokens".to_owned());
    }
    let mut completion_tokens = text.tokenizer().text(&row.completion).map_err(|error| format!("`completion`: {error}"))?;
    let end = text.tokenizer().end().ok_or("the vocabulary has no token that ends a turn")?;
    completion_tokens.push(end);
    let verdict = counting.verdicts.iter().filter_map(|verdict| row.completion.rfind(verdict.as_str())).max();
    let mut written = 0;
    let weights = completion_tokens.iter().map(|token| {
        written += text.tokenizer().bytes(*token).len();
        // The end token counts as part of the verdict, though it writes no bytes.
        if verdict.is_some_and(|verdict| written > verdict) {
            counting.verdict
        } else {
            counting.tokens.get(token).copied().unwrap_or(1.0)
        }
    });
    Ok(SftExample { id: row.id.clone(), weights: weights.collect(), prompt_tokens, completion_tokens })
}
