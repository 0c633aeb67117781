//! Prompts that speak of tags, and prompts whose picture was lost: the first are judged with a note, the second are refused.
//!
//! The lists in `prompts` were written before the rule. Those that end in `apart` hold sentences of other kinds: the first 12 were written before the
//! rule, too, and the others after it. Of the first 20 and 22 of these, the rule told 6 and 1 wrong before words that they lacked were added to it.

use rrm::dataset::check;
use serde_json::Value;

use super::{columns, file};

const ABOUT: &str = include_str!("prompts/about_tags.jsonl");
const LOST: &str = include_str!("prompts/lost_pictures.jsonl");
const ABOUT_APART: &str = include_str!("prompts/about_tags_apart.jsonl");
const LOST_APART: &str = include_str!("prompts/lost_pictures_apart.jsonl");

/// The prompts of a list that are refused, and those that are judged.
fn sorted(rows: &str) -> [Vec<String>; 2] {
    let mut sorted: [Vec<String>; 2] = Default::default();
    for line in rows.lines() {
        let prompt = serde_json::from_str::<Value>(line).unwrap()["prompt"].as_str().unwrap().to_owned();
        let fixture = file("rows.jsonl", line);
        match check(&fixture.path, &columns(&[])) {
            Err(errors) => {
                let error = errors[0].to_string();
                assert!(
                    error.contains("only text can be judged; a text that speaks of the tag writes it in backticks"),
                    "{error}"
                );
                sorted[0].push(prompt);
            }
            Ok(_) => sorted[1].push(prompt),
        }
    }
    sorted
}

#[test]
fn a_prompt_that_speaks_of_a_tag_is_judged() {
    let [refused, judged] = sorted(ABOUT);
    assert!(judged.len() >= 40);
    assert_eq!(refused, Vec::<String>::new());
}

#[test]
fn a_prompt_whose_picture_is_lost_is_refused() {
    let [refused, judged] = sorted(LOST);
    assert!(refused.len() >= 40);
    assert_eq!(judged, Vec::<String>::new());
}

#[test]
fn sentences_of_other_kinds_are_told_apart_as_measured() {
    let [refused, judged] = sorted(ABOUT_APART);
    eprintln!("of {} prompts about tags, refused: {refused:#?}", refused.len() + judged.len());
    assert!(refused.len() <= 1, "{refused:#?}");
    let [refused, judged] = sorted(LOST_APART);
    eprintln!("of {} prompts with a lost picture, judged: {judged:#?}", refused.len() + judged.len());
    assert!(judged.len() <= 2, "{judged:#?}");
}

#[test]
fn types_and_elements_around_words_are_no_pictures() {
    let row = |prompt: &str| serde_json::json!({"prompt": prompt, "responses": ["a", "bb"]}).to_string();
    let about = [
        "Write a C# method returning List<Image>",
        "In Rust, implement Iterator for Vec<Audio>",
        "How can I sort a std::vector<Image>",
        "<speech>\nFour score and seven years ago\n</speech>\nSummarize the speech above.",
        "<video>\n  <title>Intro</title>\n</video>\nConvert this to JSON.",
        "<audio>\nHost: Welcome to the show.\n</audio>\nWho is speaking?",
    ];
    assert_eq!(sorted(&about.map(row).join("\n")), [vec![], about.map(str::to_owned).to_vec()]);
    let lost = ["What is this?<image>", "<image>photos/a.png</image>\nWhat is this?", "<image>\nWhat is in List A?"];
    assert_eq!(sorted(&lost.map(row).join("\n")), [lost.map(str::to_owned).to_vec(), vec![]]);
}
