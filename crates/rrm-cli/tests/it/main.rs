//! The binary as a user runs it.
#![allow(missing_docs, reason = "tests are their own documentation")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed unwrap is a failed test, and some tests show what they measure"
)]

#[path = "../../../rrm/tests/it/fake_scorer.rs"]
mod fake_scorer;
#[path = "../../../rrm/tests/it/faulty_server.rs"]
mod faulty_server;
#[path = "../../../../tests/skipping.rs"]
mod skipping;
#[path = "../../../rrm/tests/it/strict_server.rs"]
mod strict_server;
#[path = "../../../rrm-nn/tests/it/toy.rs"]
mod toy;

mod answers;
mod baselines;
mod batches;
mod before;
mod embedded;
mod ending;
mod errors;
mod eval;
mod foreign;
mod help;
mod hints;
mod killed;
mod kinds;
mod labels;
mod ledger;
mod limits;
mod local;
mod model;
mod older_stores;
mod options;
mod pairs;
mod pandalm;
mod paying;
mod plans;
mod published;
mod requests;
mod results;
mod rows;
mod scalars;
mod secrets;
mod serve;
mod shards;
mod survival;
mod train;
mod tune;
mod undecided;
mod verifying;
mod words;

use std::{
    ffi::OsStr,
    path::PathBuf,
    process::{Command, Output},
};

/// The binary, with no store but the one that a test names, and no key from the surroundings.
fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rrm"));
    command.env_remove("RRM_API_KEY").env("XDG_DATA_HOME", "/nonexistent/data");
    command
}

fn rrm<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    command().args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A file of a fresh folder; the folder goes with the guard.
fn file(name: &str, content: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

/// A file or folder of the real data that lies beside the checkout.
fn shared_data(name: &str) -> Option<PathBuf> {
    skipping::shared(&format!("data/{name}"))
}
