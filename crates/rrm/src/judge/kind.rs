//! The two kinds of judges.

use serde::{Deserialize, Serialize};

use super::Judge;

/// The kind of judge: one that compares responses, or one that scores them. Reports write it as whether it scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum JudgeKind {
    /// Two responses at a time: the judge says which one is better.
    #[default]
    Compares,
    /// One response at a time, which gets a score: the order of two responses has no influence.
    Scores,
}

impl JudgeKind {
    /// Returns whether the judge sees two responses at once.
    pub fn compares(&self) -> bool {
        *self == JudgeKind::Compares
    }
}

impl From<bool> for JudgeKind {
    fn from(scores: bool) -> Self {
        if scores { JudgeKind::Scores } else { JudgeKind::Compares }
    }
}

impl From<JudgeKind> for bool {
    fn from(kind: JudgeKind) -> Self {
        kind == JudgeKind::Scores
    }
}

impl Judge {
    /// Returns whether the judge compares two responses or scores single ones, as its engine decides.
    pub fn kind(&self) -> JudgeKind {
        if self.engine.scores().is_some() { JudgeKind::Scores } else { JudgeKind::Compares }
    }
}
