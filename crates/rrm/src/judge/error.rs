//! The reasons why a comparison has no judgment, and whether other comparisons would fail the same way.

use std::sync::Arc;

use crate::{
    engine::{EngineError, replay::RecordingError},
    format::FormatError,
    spending::LimitHit,
    store::{FingerprintMismatch, StoreError},
};

/// The reason why a comparison has no judgment.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JudgeError {
    /// The engine gave no completion.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Arc<StoreError>),
    /// The format could not be rendered.
    #[error(transparent)]
    Format(#[from] Arc<FormatError>),
    /// There is a thinking budget, but the format does not say how to elicit a verdict.
    #[error("format {0} has no [elicit] section, which a thinking budget needs")]
    NoElicitation(String),
    /// The request was written to a batch whose reply has not been read yet.
    #[error("waits for the reply of a batch")]
    Waiting,
    /// A request could not be written to a batch.
    #[error("cannot write the batch: {0}")]
    Batch(#[from] Arc<std::io::Error>),
    /// A completion could not be recorded.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The row was judged before, apparently by the same model under another fingerprint, and would be paid for again.
    #[error(transparent)]
    PaidBefore(#[from] Box<FingerprintMismatch>),
    /// A limit of the run was reached.
    #[error(transparent)]
    Limit(#[from] LimitHit),
    /// The run has ended by an error of another comparison, so that this one was not asked about.
    #[error("not asked: the run has ended")]
    Ended,
}

impl JudgeError {
    /// Whether every further comparison would fail the same way.
    pub fn is_fatal(&self) -> bool {
        match self {
            JudgeError::Engine(error) => error.is_fatal(),
            JudgeError::Store(error) => !matches!(**error, StoreError::ReadOnly { .. }),
            JudgeError::Format(error) => !matches!(**error, FormatError::Hidden { .. }),
            JudgeError::NoElicitation(_) | JudgeError::Batch(_) => true,
            JudgeError::Recording(_) | JudgeError::PaidBefore(_) | JudgeError::Ended => true,
            JudgeError::Limit(_) | JudgeError::Waiting => false,
        }
    }

    /// Returns whether the error says only that the run has ended, and not why.
    pub(crate) fn is_of_ended(&self) -> bool {
        matches!(self, JudgeError::Ended)
    }
}
