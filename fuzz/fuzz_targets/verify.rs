//! Any two texts as right answer and response -> an outcome; never a panic, and an answer is equal to itself or too long to tell.
//!
//! `cargo +nightly fuzz run verify` (`RUSTC_BOOTSTRAP=1 cargo fuzz run verify` where there is no nightly).
#![no_main]

use rrm::verify::{Outcome, VerifyOptions, equal, extract, verify};

libfuzzer_sys::fuzz_target!(|input: (String, String)| {
    let (gold, response) = input;
    let options = VerifyOptions::default();
    verify(&gold, &response, &options);
    verify(&response, &gold, &options);
    verify("\\frac{x^2+1}{3}, (1, 2]", &response, &options);
    if let Some(found) = extract(&response)
        && found.text.len() <= options.max_bytes
    {
        assert_eq!(equal(&found.text, &found.text, &options), Outcome::Equal);
    }
});
