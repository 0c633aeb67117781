//! The verifier against the cases of another one, and against flags that came with real solutions.

use std::{fmt::Write, fs, io::Read};

use rrm_verify::{Outcome, VerifyOptions, verify};
use serde_json::Value;

use crate::{shared, told};

fn short(text: &str) -> String {
    let text: Vec<char> = text.replace('\n', "\\n").chars().collect();
    if text.len() <= 90 { text.iter().collect() } else { format!("...{}", text[text.len() - 87..].iter().collect::<String>()) }
}

#[test]
fn the_cases_of_math_verify_are_told_as_they_say() {
    let Some(path) = shared("data/math-verify/cases.jsonl") else { return };
    let (mut stated, mut right, mut falsely_equal, mut unknown, mut misses) = (0, 0, 0, 0, String::new());
    for (row, line) in fs::read_to_string(path).unwrap().lines().enumerate() {
        let case: Value = serde_json::from_str(line).unwrap();
        let Some(expected) = case["expected"].as_i64() else { continue };
        let (gold, said) = (case["gold"].as_str().unwrap(), case["pred"].as_str().unwrap());
        let mut options = VerifyOptions::default();
        if let Some(decimals) = case["precision"].as_u64() {
            options.decimals = decimals as u32;
        }
        options.same_names = case["strict"].as_bool().unwrap_or(true);
        if let Some(allowed) = case["allow_set_relation_comp"].as_bool() {
            options.inequality_for_interval = allowed;
        }
        stated += 1;
        let outcome = verify(gold, said, &options);
        let is_right = (outcome == Outcome::Equal) == (expected == 1);
        right += usize::from(is_right);
        unknown += usize::from(matches!(outcome, Outcome::Unknown(_)));
        falsely_equal += usize::from(outcome == Outcome::Equal && expected == 0);
        if !is_right {
            writeln!(misses, "{}: {} | {} | {outcome:?}", row + 1, short(gold), short(said)).unwrap();
        }
    }
    insta::assert_snapshot!(format!("{right} of {stated} right, {falsely_equal} falsely equal, {unknown} unknown\n{misses}"));
}

#[test]
fn real_solutions_of_gsm8k_are_told_as_their_flags_say() {
    let Some(path) = shared("data/gsm8k/example_model_solutions.jsonl.gz") else { return };
    let (mut counts, mut differ) = ([0, 0], String::new());
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    for (row, line) in text.lines().enumerate() {
        let values: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
        let gold = values["ground_truth"].as_str().unwrap();
        for (name, said) in values.iter().filter(|(_, said)| said.get("solution").is_some()) {
            let (solution, flag) = (said["solution"].as_str().unwrap(), said["is_correct"].as_bool().unwrap());
            let outcome = told(gold, solution);
            let same = (outcome == Outcome::Equal) == flag;
            counts[usize::from(!same)] += 1;
            if !same {
                writeln!(differ, "{} {name}: {} | {} | {outcome:?}", row + 1, short(gold), short(solution)).unwrap();
            }
        }
    }
    insta::assert_snapshot!(format!("{} as the flag says, {} not\n{differ}", counts[0], counts[1]));
}
