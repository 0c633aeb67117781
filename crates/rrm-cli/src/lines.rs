//! Words for a person -> stdout and stderr.

use std::io::{self, Write};

use anyhow::Context;

/// One line on stderr; if nobody can read it, nobody does.
pub fn note(text: &str) {
    writeln!(io::stderr(), "note: {text}").ok();
}

/// Text for stdout.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).context("cannot write to stdout")
}

/// The text without characters that a terminal would obey, such as those that begin escape sequences or turn the direction of writing.
pub fn harmless(text: &str) -> String {
    let acts =
        |c: char| (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if acts(c) { '\u{fffd}' } else { c }).collect()
}
