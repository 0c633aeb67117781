//! Judges that think before they choose, and what follows from their verdicts.
//!
//! One arrow a module: a [`comparison`] becomes the messages of a [`format`], an [`engine`] completes them, the [`transcript`]
//! is read into a [`verdict`], verdicts are counted by [`vote`].
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

pub mod chat;
pub mod comparison;
pub mod engine;
pub mod format;
pub mod transcript;
pub mod verdict;
pub mod vote;
pub mod keyed;
