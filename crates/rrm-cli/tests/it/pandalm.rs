//! PandaLM's 999 human-labelled pairs through `rrm judge` with judges that follow a rule.

use std::collections::HashMap;

use crate::{rrm, shared_data, stderr};

/// The human majority of each row against the verdict, counted; 0 is a tie, 1 and 2 are the responses.
fn against_majority(script: &str) -> Option<HashMap<(i64, String), u32>> {
    let data = shared_data("pandalm/testset-v1.json")?;
    let engine = format!("scripted:{script}");
    // All rows are written, also by a judge that gives no verdicts.
    let options = ["--column", "prompt=instruction+input", "--column", "responses=response1,response2", "--max-abstained", "1"];
    let output = rrm([&["judge", data.to_str().unwrap(), "--engine", &engine], options.as_slice()].concat());
    // Where no vote gives a verdict the rows say so, and the run is no success.
    assert_eq!(output.status.success(), script != "silent", "{}", stderr(&output));
    let out = String::from_utf8(output.stdout).unwrap();
    let mut counts = HashMap::new();
    for line in out.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let labels: Vec<i64> = (1..=3).map(|i| row["extra"][format!("annotator{i}")].as_i64().unwrap()).collect();
        let majority = labels.iter().copied().max_by_key(|l| labels.iter().filter(|m| *m == l).count()).unwrap();
        *counts.entry((majority, row["verdict"].as_str().unwrap().to_owned())).or_insert(0) += 1;
    }
    Some(counts)
}

#[test]
fn every_pair_is_judged_and_the_human_majorities_are_those_published() {
    let Some(counts) = against_majority("longer") else { return };
    let majority = |wanted: i64| counts.iter().filter(|((label, _), _)| *label == wanted).map(|(_, n)| n).sum::<u32>();
    assert_eq!([majority(0), majority(1), majority(2)], [105, 422, 472]);
    assert_eq!(counts.keys().filter(|(_, verdict)| verdict != "first" && verdict != "second").count(), 0);
}

#[test]
fn a_judge_that_knows_only_places_agrees_with_half_of_the_labels_because_places_are_drawn() {
    let Some(counts) = against_majority("first") else { return };
    let agreed = counts.get(&(1, "first".into())).unwrap() + counts.get(&(2, "second".into())).unwrap();
    let share = f64::from(agreed) / 894.0;
    // Four standard errors of a fair coin over 894 rows.
    assert!((share - 0.5).abs() < 4.0 * (0.25_f64 / 894.0).sqrt(), "{share}");
}

#[test]
fn a_silent_judge_decides_nothing() {
    let Some(counts) = against_majority("silent") else { return };
    assert_eq!(counts.iter().filter(|((_, verdict), _)| verdict == "undecided").map(|(_, n)| n).sum::<u32>(), 999);
}
