//! Judges that think before they choose, and what follows from their verdicts.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

pub mod address;
pub mod chat;
pub mod comparison;
pub mod engine;
pub mod keyed;
pub mod store;
