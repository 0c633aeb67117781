//! The verifier against cases, flags of real solutions, and properties.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test that fails or skips says so")]

mod cases;
mod properties;
mod published;

use std::path::{Path, PathBuf};

use rrm_verify::{Outcome, VerifyOptions, equal, verify};

/// A file of the test data beside the checkout; `None` where it is absent and not required.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).join(name);
    if !path.exists() {
        assert!(std::env::var_os("RRM_REQUIRE_DATA").is_none(), "{} is absent", path.display());
        eprintln!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

fn told(gold: &str, response: &str) -> Outcome {
    verify(gold, response, &VerifyOptions::default())
}

fn same(gold: &str, answer: &str) -> Outcome {
    equal(gold, answer, &VerifyOptions::default())
}
