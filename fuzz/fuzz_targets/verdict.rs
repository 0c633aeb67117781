//! Any text as a completion -> a verdict or an abstention in every shipped format; never a panic, and nothing before the last closing
//! marker counts.
//!
//! `cargo +nightly fuzz run verdict` (`RUSTC_BOOTSTRAP=1 cargo fuzz run verdict` where there is no nightly).
#![no_main]

use std::sync::OnceLock;

use rrm::{
    engine::{Completion, Finish, Usage},
    format::{Format, SHIPPED},
    transcript, verdict,
};

fn formats() -> &'static [Format] {
    static FORMATS: OnceLock<Vec<Format>> = OnceLock::new();
    FORMATS.get_or_init(|| SHIPPED.iter().map(|(name, text)| Format::parse(name, text).expect("shipped formats parse")).collect())
}

libfuzzer_sys::fuzz_target!(|input: (String, Option<String>, bool)| {
    let (text, reasoning, cut) = input;
    let finish = if cut { Finish::Length } else { Finish::Stop };
    let completion = Completion { text, reasoning, finish, elicited: false, usage: Usage::default(), label_logprobs: None };
    for format in formats() {
        let thinking = format.file.thinking.as_ref();
        let transcript = transcript::split(&completion, thinking);
        let read = verdict::read(&transcript, &format.file.verdict);
        assert!(!(cut && read.is_ok()), "a cut text gave a verdict");
        if let (Some(markers), Ok(verdict)) = (thinking, read) {
            assert!(!transcript.answer.contains(&markers.close), "the answer reaches back into the thinking");
            let alone = Completion { text: format!("{}{}", markers.close, transcript.answer), reasoning: None, ..completion.clone() };
            assert_eq!(verdict::read(&transcript::split(&alone, thinking), &format.file.verdict), Ok(verdict));
        }
    }
});
