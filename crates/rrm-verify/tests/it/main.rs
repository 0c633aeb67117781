//! The verifier against cases, flags of real solutions, and properties.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod cases;
mod properties;
mod published;
#[path = "../../../../tests/skipping.rs"]
mod skipping;

use self::skipping::shared;
use rrm_verify::{Outcome, VerifyOptions, equal, verify};

fn told(gold: &str, response: &str) -> Outcome {
    verify(gold, response, &VerifyOptions::default())
}

fn same(gold: &str, answer: &str) -> Outcome {
    equal(gold, answer, &VerifyOptions::default())
}
