//! Text for people -> stdout and stderr.

use std::io::{self, Write};

use anyhow::Context;

/// Prints a note as one line on stderr. Failures to write are ignored.
pub fn note(text: &str) {
    writeln!(io::stderr(), "note: {text}").ok();
}

/// Prints text to stdout.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).context("cannot write to stdout")
}

/// Replaces characters that control a terminal, such as those of escape sequences or of the writing direction.
pub fn harmless(text: &str) -> String {
    let acts =
        |c: char| (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if acts(c) { '\u{fffd}' } else { c }).collect()
}

/// Returns a text as a part of one line: control characters are blanks, and what is beyond 100 characters is left out.
pub fn one_line(text: &str) -> String {
    const MOST: usize = 100;
    let mut line: String = text.chars().take(MOST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MOST).is_some() {
        line.push('…');
    }
    line
}
