//! The columns of a row -> its published layout.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::dataset::find;

/// The layout of questions, answers and responses in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuestionLayout {
    /// MMLU-Pro: `question`, `options`, `answer` (a letter); `question_id`, `category`.
    MmluPro,
    /// GSM8K's solutions of several models: `question`, `ground_truth`, and a column with `solution` for each model.
    Gsm8kSolutions,
    /// GSM8K: `question`, and an `answer` that ends with `#### N`.
    Gsm8k,
    /// MATH: `problem`, `solution` with a box, `level`; `type` or `subject`.
    Math,
    /// WebInstruct-verified: `question`, `answer`, `answer_type`; `id`, `category`, `difficulty`.
    Webinstruct,
    /// Big-Math-RL-Verified: `problem`, `answer`, `domain`; `source`, `llama8b_solve_rate`.
    BigMath,
    /// Skywork-OR1: as DAPO-Math, with `extra_info.model_difficulty` or a list of answers as text.
    SkyworkOr1,
    /// DAPO-Math: `prompt` (messages), `reward_model.ground_truth`; `data_source`, `ability`, `extra_info.index`.
    DapoMath,
    /// The user's own rows: `prompt`, `question` or `problem`, and `reference`, `gold`, `ground_truth` or `answer`.
    Plain,
}

impl QuestionLayout {
    /// All layouts, in the order in which they are tried.
    pub const ALL: [QuestionLayout; 9] = [
        QuestionLayout::MmluPro,
        QuestionLayout::Gsm8kSolutions,
        QuestionLayout::Gsm8k,
        QuestionLayout::Math,
        QuestionLayout::Webinstruct,
        QuestionLayout::BigMath,
        QuestionLayout::SkyworkOr1,
        QuestionLayout::DapoMath,
        QuestionLayout::Plain,
    ];

    /// Returns the layout of a row.
    pub(super) fn of(row: &Map<String, Value>) -> Option<QuestionLayout> {
        QuestionLayout::ALL.into_iter().find(|layout| layout.fits(row))
    }

    fn fits(self, row: &Map<String, Value>) -> bool {
        let has = |names: &[&str]| names.iter().all(|name| find(row, name).is_some());
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        match self {
            QuestionLayout::MmluPro => has(&["question", "options", "answer"]),
            QuestionLayout::Gsm8kSolutions => {
                has(&["question", "ground_truth"]) && row.values().any(|v| v.get("solution").is_some())
            }
            QuestionLayout::Gsm8k => has(&["question"]) && text("answer").contains("#### "),
            QuestionLayout::Math => has(&["problem", "level"]) && text("solution").contains("\\boxed"),
            QuestionLayout::Webinstruct => has(&["question", "answer", "answer_type"]),
            QuestionLayout::BigMath => has(&["problem", "answer", "domain"]),
            QuestionLayout::SkyworkOr1 => {
                let listed = find(row, "reward_model.ground_truth").and_then(Value::as_str).is_some_and(|t| t.starts_with("[\""));
                has(&["prompt", "reward_model.ground_truth"]) && (listed || has(&["extra_info.model_difficulty"]))
            }
            QuestionLayout::DapoMath => has(&["prompt", "reward_model.ground_truth"]),
            QuestionLayout::Plain => ["prompt", "question", "problem"].iter().any(|name| row.contains_key(*name)),
        }
    }

    /// Returns the columns that may hold the question; the first that is present counts.
    pub(super) fn prompt(self) -> &'static [&'static str] {
        match self {
            QuestionLayout::Math | QuestionLayout::BigMath => &["problem"],
            QuestionLayout::SkyworkOr1 | QuestionLayout::DapoMath => &["prompt"],
            QuestionLayout::Plain => &["prompt", "question", "problem"],
            _ => &["question"],
        }
    }

    /// Returns the columns that may hold the right answer.
    pub(super) fn reference(self) -> &'static [&'static str] {
        match self {
            QuestionLayout::Gsm8kSolutions => &["ground_truth"],
            QuestionLayout::Math => &["answer", "solution"],
            QuestionLayout::SkyworkOr1 | QuestionLayout::DapoMath => &["reward_model.ground_truth"],
            QuestionLayout::Plain => &["reference", "gold", "ground_truth", "answer"],
            _ => &["answer"],
        }
    }

    /// Returns the columns that may hold an id.
    pub(super) fn id(self) -> &'static [&'static str] {
        match self {
            QuestionLayout::MmluPro => &["question_id", "id"],
            QuestionLayout::Math => &["unique_id", "id"],
            QuestionLayout::SkyworkOr1 | QuestionLayout::DapoMath => &["extra_info.index", "id"],
            _ => &["id", "question_id"],
        }
    }

    /// Returns the columns that may hold the category of a question.
    pub(super) fn category(self) -> &'static [&'static str] {
        match self {
            QuestionLayout::Math => &["type", "subject"],
            QuestionLayout::BigMath => &["domain"],
            QuestionLayout::SkyworkOr1 | QuestionLayout::DapoMath => &["data_source", "ability"],
            _ => &["category", "subject", "source"],
        }
    }
}

impl fmt::Display for QuestionLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            QuestionLayout::MmluPro => "mmlu-pro",
            QuestionLayout::Gsm8kSolutions => "gsm8k-solutions",
            QuestionLayout::Gsm8k => "gsm8k",
            QuestionLayout::Math => "math",
            QuestionLayout::Webinstruct => "webinstruct",
            QuestionLayout::BigMath => "big-math",
            QuestionLayout::SkyworkOr1 => "skywork-or1",
            QuestionLayout::DapoMath => "dapo-math",
            QuestionLayout::Plain => "plain",
        })
    }
}
