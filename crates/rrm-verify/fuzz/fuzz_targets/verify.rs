//! Two answers of pieces of notation, and two of any letters -> what holds for all answers: no panic, equal to itself, symmetric, layout changes
//! nothing, another digit is another number.
//!
//! `cargo +nightly fuzz run --fuzz-dir crates/rrm-verify/fuzz verify` (`RUSTC_BOOTSTRAP=1 cargo fuzz run ...` where there is no nightly).
#![no_main]

use rrm_verify::{Outcome, VerifyOptions, UnknownKind, equal, extract, verify};

/// Pieces of which answers are made. Between two of them a blank says nothing, unless both are digits or letters.
const PIECES: &[&str] = &[
    "0", "1", "2", "3", "7", "12", "0.5", "1,234", "2.25", "100", "x", "y", "n", "a", "A", "B", "ABC", "\\pi", "e", "i", "\\infty", "+", "-", "*",
    "/", "^", "^{", "_", "_{", "{", "}", "(", ")", "[", "]", "\\{", "\\}", ",", ";", ":", "=", "<", "\\le", ">", "\\ge", "\\ne", "\\in", "\\cup",
    "\\cap", "\\setminus", "\\pm", "\\cdot", "\\times", "\\frac{", "\\frac", "\\sqrt{", "\\sqrt[3]{", "\\binom{", "}{", "\\sin", "\\cos", "\\tan", "\\ln",
    "\\log", "\\log_{2}", "\\sum_{k=1}^{", "!", "|", "\\%", "^\\circ", "\\text{ cm}", "\\text{ and }", "\\text{ or }", "\\text{ hours }", "\\text{(C)}",
    "\\overline{3}", "\\mathbb{R}", "\\emptyset", "\\begin{pmatrix}", "\\end{pmatrix}", "&", "\\\\", "\\begin{cases}", "\\end{cases}", "½", "²", "−", "√",
    " million", " dozen", "$", "\\left(", "\\right)", "\\lfloor ", "\\rfloor ", "\\max(", "...", "\\cdots", "1/2", "f(", "3:45", " pm", "2021-03-05",
];

fn made(bytes: &[u8]) -> Vec<&'static str> {
    bytes.iter().take(40).map(|byte| PIECES[usize::from(*byte) % PIECES.len()]).collect()
}

fn boxed(answer: &str) -> String {
    format!("\\boxed{{{answer}}}")
}

fn told(gold: &str, answer: &str) -> Outcome {
    equal(gold, answer, &VerifyOptions::default())
}

/// Whether a blank between two pieces may say something: it parts numbers and words, and belongs to neither a sign's argument nor text.
fn glued(before: &str, after: &str) -> bool {
    let end = before.chars().next_back().is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | ',' | ':' | '-' | '−' | '$' | ' ' | '\\'));
    let start = after.chars().next().is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | ',' | ':' | '(' | '-' | '$' | ' ' | '\\' | '%'));
    end && start
}

libfuzzer_sys::fuzz_target!(|input: (Vec<u8>, Vec<u8>, u8, String, String)| {
    let (one, other, at, gold, response) = input;
    let options = VerifyOptions::default();
    verify(&gold, &response, &options);
    verify("\\frac{x^2+1}{3}, (1, 2]", &response, &options);
    if let Some(found) = extract(&response)
        && !found.text.trim().is_empty()
    {
        let outcome = told(&found.text, &found.text);
        assert!(outcome == Outcome::Equal || is(&outcome, UnknownKind::NoAnswer) || is(&outcome, UnknownKind::TooLong), "{:?}: {outcome:?}", found.text);
    }

    let (pieces, others) = (made(&one), made(&other));
    let (a, b) = (pieces.concat(), others.concat());
    let (there, back) = (told(&a, &b), told(&b, &a));
    assert_eq!(there == Outcome::Equal, back == Outcome::Equal, "{a} | {b}");
    assert_eq!(there == Outcome::Unequal, back == Outcome::Unequal, "{a} | {b}: {there:?} {back:?}");

    // A blank between two pieces changes nothing in mathematics.
    if pieces.len() > 1 {
        let place = 1 + usize::from(at) % (pieces.len() - 1);
        if !glued(pieces[place - 1], pieces[place]) {
            let spaced = format!("{} {}", pieces[..place].concat(), pieces[place..].concat());
            let (plain, spaced) = (verify(&boxed(&b), &boxed(&a), &options), verify(&boxed(&b), &boxed(&spaced), &options));
            let changed = (plain == Outcome::Equal && spaced == Outcome::Unequal) || (plain == Outcome::Unequal && spaced == Outcome::Equal);
            assert!(!changed, "{a} | {b} | at {place}: {plain:?} {spaced:?}");
        }
    }

    // A number with another digit is another number.
    let number: String = one.iter().take(30).map(|byte| char::from(b'0' + byte % 10)).collect();
    if !number.is_empty() {
        let place = usize::from(at) % number.len();
        let digit = (number.as_bytes()[place] - b'0' + 1 + at / 30 % 9) % 10;
        let changed = format!("{}{digit}{}", &number[..place], &number[place + 1..]);
        if changed != number {
            for (prefix, suffix) in [("", ""), ("0.", ""), ("-", ".5"), ("\\frac{1}{", "1}"), ("\\sqrt{", "}"), ("2^{200}+", "")] {
                let (number, changed) = (format!("{prefix}{number}{suffix}"), format!("{prefix}{changed}{suffix}"));
                assert_ne!(told(&number, &changed), Outcome::Equal, "{number} | {changed}");
            }
        }
    }
});

fn is(outcome: &Outcome, why: UnknownKind) -> bool {
    matches!(outcome, Outcome::Unknown(unknown) if unknown.why == why)
}
