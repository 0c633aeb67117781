//! The two kinds of judges.

use serde::{Deserialize, Serialize};

use super::Judge;

/// What a judge sees. Reports write it as whether it scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum JudgeKind {
    /// Two responses at once: it says which is better.
    #[default]
    Compares,
    /// One response at a time, which it gives a score: the order of two has no influence.
    Scores,
}

impl JudgeKind {
    /// Whether it is asked about two responses at once.
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
    /// Whether it is asked about two responses at once, or for the score of one.
    pub fn kind(&self) -> JudgeKind {
        if self.engine.scores().is_some() { JudgeKind::Scores } else { JudgeKind::Compares }
    }
}
