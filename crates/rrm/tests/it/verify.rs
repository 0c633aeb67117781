//! The verifier against the cases of another one, and against flags that came with real solutions.

use std::{fmt::Write, fs, io::Read};

use rrm::verify::{Outcome, VerifyOptions, verify};
use serde_json::Value;

use crate::shared_data;

fn short(text: &str) -> String {
    let text: Vec<char> = text.replace('\n', "\\n").chars().collect();
    if text.len() <= 90 { text.iter().collect() } else { format!("...{}", text[text.len() - 87..].iter().collect::<String>()) }
}

#[test]
fn the_cases_of_math_verify_are_told_as_they_say() {
    let Some(path) = shared_data("math-verify/cases.jsonl") else { return };
    let (mut stated, mut right, mut falsely_equal, mut misses) = (0, 0, 0, String::new());
    for (row, line) in fs::read_to_string(path).unwrap().lines().enumerate() {
        let case: Value = serde_json::from_str(line).unwrap();
        let Some(expected) = case["expected"].as_i64() else { continue };
        let (gold, said) = (case["gold"].as_str().unwrap(), case["pred"].as_str().unwrap());
        let mut options = VerifyOptions::default();
        if let Some(decimals) = case["precision"].as_u64() {
            options.decimals = decimals as u32;
        }
        options.same_names = case["strict"].as_bool().unwrap_or(true);
        options.inequality_for_interval = case["allow_set_relation_comp"].as_bool().unwrap_or(false);
        stated += 1;
        let outcome = verify(gold, said, &options);
        let told = match outcome {
            Outcome::Equal => expected == 1,
            Outcome::Unequal | Outcome::Unknown(_) => expected == 0,
        };
        right += usize::from(told);
        falsely_equal += usize::from(outcome == Outcome::Equal && expected == 0);
        if !told {
            writeln!(misses, "{}: {} | {} | {outcome:?}", row + 1, short(gold), short(said)).unwrap();
        }
    }
    insta::assert_snapshot!(format!("{right} of {stated} right, {falsely_equal} falsely equal\n{misses}"));
}

#[test]
fn real_solutions_of_gsm8k_are_told_as_their_flags_say() {
    let Some(path) = shared_data("gsm8k/example_model_solutions.jsonl.gz") else { return };
    let (mut counts, mut differ) = ([0, 0], String::new());
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    for (row, line) in text.lines().enumerate() {
        let values: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
        let gold = values["ground_truth"].as_str().unwrap();
        for (name, said) in values.iter().filter(|(_, said)| said.get("solution").is_some()) {
            let (solution, flag) = (said["solution"].as_str().unwrap(), said["is_correct"].as_bool().unwrap());
            let outcome = verify(gold, solution, &VerifyOptions::default());
            let same = (outcome == Outcome::Equal) == flag;
            counts[usize::from(!same)] += 1;
            if !same {
                writeln!(differ, "{} {name}: {} | {} | {outcome:?}", row + 1, short(gold), short(solution)).unwrap();
            }
        }
    }
    insta::assert_snapshot!(format!("{} as the flag says, {} not\n{differ}", counts[0], counts[1]));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]

    #[test]
    fn no_text_is_too_odd(gold: String, said: String) {
        verify(&gold, &said, &VerifyOptions::default());
        verify("\\frac{1}{2}", &said, &VerifyOptions::default());
    }

    #[test]
    fn no_notation_is_too_odd(
        parts in proptest::collection::vec("(\\\\frac|\\\\sqrt|\\\\boxed|\\{|\\}|\\(|\\)|\\[|\\]|\\$|\\\\begin\\{pmatrix\\}|\\\\end\\{pmatrix\\}|&|\\\\\\\\|\\^|_|!|,|;|:|=|<|\\\\in|\\\\cup|\\\\pm|\\\\text\\{|\\||-|\\+|/|%|[0-9]{1,3}|[a-z]| |\\\\sin|\\\\sum|e9999)", 0..60)
    ) {
        let text = parts.concat();
        verify(&text, &text, &VerifyOptions::default());
        verify("x+1", &text, &VerifyOptions::default());
        verify(&text, "x+1", &VerifyOptions::default());
    }
}
