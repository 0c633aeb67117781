//! Tests that skip, because what they need is not on this machine: each says so in a line, and the lines can be counted.
#![allow(dead_code, reason = "not every crate's tests need all of it")]

use std::{
    env,
    fs::OpenOptions,
    io::{self, Write},
    path::{Path, PathBuf},
    thread,
};

/// A file or folder below `../shared`: data of third parties, which lies beside the checkout and not in it. Where it is absent the test skips, or
/// fails if `RRM_REQUIRE_DATA` is set.
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).join(name);
    if !path.exists() {
        assert!(env::var_os("RRM_REQUIRE_DATA").is_none(), "{} is absent", path.display());
        skipped(&format!("../shared/{name} is absent"));
        return None;
    }
    Some(path)
}

/// Says on stderr that this test skips and why, also where the harness hides what a test prints; and adds the line to the file that `RRM_SKIPPED`
/// names.
pub fn skipped(why: &str) {
    let line = format!("skipped: {}: {why}\n", thread::current().name().unwrap_or("a test"));
    // Not `eprint!`, which the harness keeps to itself when a test passes.
    io::stderr().write_all(line.as_bytes()).expect("a line on stderr");
    if let Some(log) = env::var_os("RRM_SKIPPED") {
        let mut log = OpenOptions::new().create(true).append(true).open(log).expect("RRM_SKIPPED names a file");
        log.write_all(line.as_bytes()).expect("a line in RRM_SKIPPED");
    }
}
