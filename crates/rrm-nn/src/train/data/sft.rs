//! Files of prompts and completions -> the examples of a step: tokens, and how much each token of a completion counts.

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

/// Which examples are trained on, and how they are drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SftConfig {
    /// Files of examples.
    pub sources: Vec<SftFile>,
    /// Examples of one step.
    pub batch_size: usize,
    /// Most tokens of prompt and completion together: an example that is longer is left out. TRL's option, which cuts.
    pub max_length: usize,
    /// What a completion's tokens count from its last verdict on, those before counting 1.
    pub verdict_weight: f32,
    /// What single tokens count before the verdict, by their texts: rare decisions among many tokens that follow from what is there.
    pub token_weights: BTreeMap<String, f32>,
    /// Seed of the run.
    pub seed: u64,
}

impl Default for SftConfig {
    /// TRL 1.16's `SFTConfig`; every token counts the same.
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
    /// How often it is drawn from, relative to the others.
    #[serde(default = "one")]
    pub weight: f64,
}

/// A prompt and what is to be written after it.
#[derive(Clone, Debug, PartialEq)]
pub struct SftExample {
    /// The row's id.
    pub id: String,
    /// The prompt; not empty.
    pub prompt_tokens: Vec<u32>,
    /// The completion, with the token that ends the turn.
    pub completion_tokens: Vec<u32>,
    /// What each of `completion_tokens` counts in the loss.
    pub weights: Vec<f32>,
}

/// All examples that are trained on.
pub struct SftSource {
    files: Vec<Vec<SftExample>>,
    counts: Vec<FileCounts>,
    mixture: Mixture,
}

impl SftSource {
    /// Reads and tokenises all files. `format` says how a completion states its verdict.
    ///
    /// # Errors
    /// [`TrainError`] names the file, the row and the field that cannot be used, or the file of which nothing is left.
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

    /// What became of each file's rows.
    pub fn counts(&self) -> &[FileCounts] {
        &self.counts
    }

    /// The examples of a step, the same ones whatever was asked for before.
    pub fn batch(&mut self, step: u64) -> Vec<SftExample> {
        self.mixture.batch(step).into_iter().map(|draw| self.files[draw.file][draw.row].clone()).collect()
    }
}

/// The weights of the tokens of completions.
struct TokenWeights {
    /// Texts that state a verdict; none where verdicts count no more than others.
    verdicts: Vec<String>,
    /// From the last of them on.
    verdict: f32,
    /// Before it.
    tokens: HashMap<u32, f32>,
}

/// The tokens of `token_weights`.
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

/// The examples of a file that are trained on.
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
        // The end belongs to the verdict, though it writes nothing.
        if verdict.is_some_and(|verdict| written > verdict) {
            counting.verdict
        } else {
            counting.tokens.get(token).copied().unwrap_or(1.0)
        }
    });
    Ok(SftExample { id: row.id.clone(), weights: weights.collect(), prompt_tokens, completion_tokens })
}
