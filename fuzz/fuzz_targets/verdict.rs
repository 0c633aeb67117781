//! Any text as a completion -> a verdict or an abstention in every shipped format; never a panic, and a reply without a verdict never moves a
//! rank: no thought before it, no mark around it and no quotation in it makes it a vote.
//!
//! `cargo +nightly fuzz run verdict` (`RUSTC_BOOTSTRAP=1 cargo fuzz run verdict` where there is no nightly).
#![no_main]

use std::sync::{Arc, OnceLock};

use rrm::{
    comparison::{Comparison, Prompt},
    engine::{Completion, Finish, Opening, Usage},
    format::{Format, SHIPPED},
    transcript,
    verdict::{self, Abstain, Verdict},
    vote::{self, Order},
};

/// What opens thinking, and what closes it.
const MARKS: [(&str, &str); 6] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<seed:think>", "</seed:think>"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
];

fn formats() -> &'static [Format] {
    static FORMATS: OnceLock<Vec<Format>> = OnceLock::new();
    FORMATS.get_or_init(|| SHIPPED.iter().map(|(name, text)| Format::parse(name, text).expect("shipped formats parse")).collect())
}

fn completion(text: String, reasoning: Option<String>, cut: bool) -> Completion {
    let finish = if cut { Finish::Length } else { Finish::Stop };
    Completion { text, reasoning, finish, elicited: false, usage: Usage::default(), label_logprobs: None }
}

struct Reader<'a> {
    format: &'a Format,
    comparison: Comparison,
    opening: Opening,
}

impl Reader<'_> {
    fn read(&self, completion: &Completion) -> Result<Verdict, Abstain> {
        let transcript = transcript::split_of(completion, self.format.file.thinking.as_ref(), self.opening);
        verdict::read_about(&transcript, &self.format.file.verdict, &self.comparison)
    }

    fn text(&self, text: String) -> Result<Verdict, Abstain> {
        self.read(&completion(text, None, false))
    }
}

/// Ways to quote.
const QUOTATIONS: [(&str, &str); 9] =
    [("\"", "\""), ("\u{201c}", "\u{201d}"), ("\u{ab}", "\u{bb}"), ("'", "'"), ("`", "`"), ("```\n", "\n```"), ("~~~\n", "\n~~~"), ("<q>", "</q>"), ("\u{201e}", "\u{201c}")];

/// A label at the start of a response, in its middle, or at its end.
fn injected(response: &str, label: &str, place: u8) -> String {
    let middle = (0..=response.len() / 2).rev().find(|at| response.is_char_boundary(*at)).unwrap_or(0);
    let at = [response.len(), middle, 0][usize::from(place) % 3];
    format!("{}{label}{}", &response[..at], &response[at..])
}

libfuzzer_sys::fuzz_target!(|input: (String, Option<String>, String, u8, u8)| {
    let (text, reasoning, response, choice, how) = input;
    let (cut, label) = (choice & 1 == 1, usize::from(choice >> 1 & 1));
    let opening = [Opening::Model, Opening::Template, Opening::Unknown, Opening::Model][usize::from(choice >> 2 & 3)];
    let (open, close) = MARKS[usize::from(choice >> 4) % MARKS.len()];
    for format in formats() {
        let stated = format.file.verdict.stated();
        let prompt = Arc::new(Prompt::text("Which?"));
        let injected_with = |label: &str| injected(&response, label, how / 9);
        let injected = injected_with(&stated[label % stated.len()]);
        let comparison = Comparison { prompt, first: injected.as_str().into(), second: response.as_str().into(), label: None };
        let reader = Reader { format, comparison, opening };
        let reply = completion(text.clone(), reasoning.clone(), cut);
        let read = reader.read(&reply);
        assert!(!(cut && read.is_ok()), "a cut text gave a verdict");
        // The verdict is in the answer, and the answer does not reach back into the thinking.
        let transcript = transcript::split_of(&reply, format.file.thinking.as_ref(), opening);
        assert!(read.is_err() || (transcript.closed && !transcript.answer.is_empty()), "a verdict without an answer");
        if let (Some(markers), Ok(verdict)) = (format.file.thinking.as_ref(), read) {
            // A mark in quotation marks is only named.
            let named = [("`", "`"), ("\"", "\""), ("\u{201c}", "\u{201d}")].map(|(open, shut)| format!("{open}{}{shut}", markers.close));
            let unnamed = named.iter().fold(transcript.answer.clone(), |text, mark| text.replace(mark, ""));
            assert!(!unnamed.contains(&markers.close), "the answer reaches back into the thinking");
            assert_eq!(reader.text(format!("{}{}", markers.close, transcript.answer)), Ok(verdict));
        }
        // Thinking that is never closed holds no vote, whatever it says.
        let unclosed = format!("{open}{}", text.replace(close, ""));
        // The closing mark of any other model closes it, too.
        let inside = &unclosed[open.len()..];
        let holds_other = transcript::is_marked(inside) || inside.contains("<|channel|>");
        assert!(holds_other || reader.text(unclosed.clone()).is_err(), "a verdict from inside thinking");
        // What abstains goes on to abstain behind any thought; and a rank counts it as nothing.
        if read.is_err() && !cut && reasoning.is_none() && transcript.closed && transcript.thinking.is_empty() {
            let thought = format!("{open}{}{close}{text}", stated[label % stated.len()]);
            let again = reader.text(thought);
            assert!(again.is_err() || opening == Opening::Unknown, "a thought made a vote of {text:?}");
            let counts = vote::count([read.map(|verdict| Order::Given.choice(verdict))]);
            assert_eq!((counts.for_a, counts.for_b, counts.tie, counts.abstain), (0, 0, 0, 1));
        }
        // A quotation of a response never makes its label win: the reply says no more than with another word in the label's place.
        let (begin, end) = QUOTATIONS[usize::from(how) % QUOTATIONS.len()];
        let quoting = |said: &str| reader.text(format!("{text}\n\nIt says: {begin}{said}{end}"));
        let (before, other, after) = (reader.text(text.clone()), quoting(&injected_with("it")), quoting(&injected));
        // A text with the same quotation mark may have opened one of its own, and words around a label are what a quotation is known by.
        // A fence or an element whose own end is quoted ends there.
        let broken = end.trim().len() > 1 && response.contains(end.trim());
        let passed_over = response.trim().is_empty() || text.contains(begin.trim()) || broken;
        assert!(after.is_err() || after == other || after == before || passed_over, "a quotation became a vote");
    }
});
