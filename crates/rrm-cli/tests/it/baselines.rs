//! Scripted judges from file to score, and pairs that no judge can tell apart.

use crate::{file, rrm, skipping::shared, stderr, stdout};

/// What the table says of the whole: official and strict score.
fn scores(benchmark: &str, data: &str, engine: &str) -> (String, String) {
    let table = stdout(&rrm(["eval", benchmark, "--data", data, "--engine", engine]));
    let overall: Vec<&str> = table.lines().find(|line| line.starts_with("overall")).unwrap().split_whitespace().collect();
    (overall[2].to_owned(), overall[4].to_owned())
}

#[test]
fn accuracy_1_scores_100_and_accuracy_0_scores_0_on_layouts_as_published() {
    let files = [("autoj", "autoj-accuracy"), ("mt-bench-human", "mtbench-human-accuracy"), ("ppe", "ppe-math-accuracy")];
    for (benchmark, name) in files {
        let Some(data) = shared(&format!("cases/bench/{name}.jsonl")) else { return };
        let data = data.to_str().unwrap();
        for (engine, score) in [("scripted:accuracy=1", "100.00"), ("scripted:accuracy=0", "0.00")] {
            assert_eq!(scores(benchmark, data, engine), (score.to_owned(), score.to_owned()), "{benchmark} {engine}");
        }
    }
}

#[test]
fn pairs_of_one_text_are_left_out_and_counted() {
    let rows = [
        r#"{"id": "a", "prompt": "P", "chosen": "yes", "rejected": "n"}"#,
        r#"{"id": "b", "prompt": "P", "chosen": "the same", "rejected": "the same"}"#,
        r#"{"id": "c", "prompt": "P", "responses": [{"text": "x", "score": 1}, {"text": "x", "score": 1}]}"#,
        r#"{"id": "d", "chosen": "\n\nHuman: Hi\n\nAssistant: Hello", "rejected": "\n\nHuman: Hi\n\nAssistant: Hello"}"#,
    ];
    let (folder, path) = file("mine.jsonl", rows.join("\n"));
    let out = folder.path().join("scores.json");
    let args = ["eval", "pairs", "--data", path.to_str().unwrap(), "--engine", "scripted:longer"];
    let output = rrm([&args[..], &["-o", out.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("3 pairs of equal texts are left out"), "{}", stderr(&output));
    let scores: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    assert_eq!((&scores["equal"], &scores["groups"][0]["cases"]), (&3.into(), &1.into()));
    // What is planned is what is asked.
    let plan = stdout(&rrm(["plan", "eval", "pairs", "--data", path.to_str().unwrap()]));
    assert!(plan.contains("pairs              1\nmatches            2\n"), "{plan}");
    // Nothing left is no score.
    let (_folder, path) = file("same.jsonl", rows[1]);
    let output = rrm(["eval", "pairs", "--data", path.to_str().unwrap(), "--engine", "scripted:longer"]);
    let told = stderr(&output);
    assert!(
        !output.status.success() && told.contains("none of its 1 rows counts in pairs; 1 of them are pairs of one text"),
        "{told}"
    );
    // Upstream counts its own.
    let row = r#"[{"input": "P", "output_1": "x", "output_2": "x", "label": 1}, {"input": "Q", "output_1": "x", "output_2": "yy", "label": 2}]"#;
    let (_folder, path) = file("natural.json", row);
    let output = rrm(["eval", "llmbar", "--data", path.to_str().unwrap(), "--engine", "scripted:longer"]);
    assert!(stderr(&output).contains("1 pair of equal texts is labelled for one of the two"), "{}", stderr(&output));
    let table = stdout(&output);
    let overall: Vec<&str> = table.lines().find(|line| line.starts_with("overall")).unwrap().split_whitespace().take(3).collect();
    assert_eq!(overall, ["overall", "2", "75.00"]);
}

#[test]
fn pairs_that_are_equal_as_they_are_judged_are_equal_everywhere() {
    let equal = [
        ("Hello", "Hello<|im_end|>"),
        ("<think>x</think>Hello", "Hello"),
        ("<think>a", "<think>b"),
        ("<|im_start|>assistant\nHello", "Hello</s>"),
    ];
    let pair = |(chosen, rejected): &(&str, &str)| {
        serde_json::json!({"prompt": "Q", "chosen": chosen, "rejected": rejected}).to_string() + "\n"
    };
    let only: String = equal.iter().map(pair).collect();
    let with_one_more = only.clone() + &pair(&("Hello, you", "Hello"));
    let (folder, path) = file("mine.jsonl", &with_one_more);
    let (path, out) = (path.to_str().unwrap(), folder.path().join("out.json"));
    let (told, one) = ("4 pairs of equal texts are left out", ["--data", path, "--engine", "scripted:longer"]);
    // What `judge` and `label` call equal ...
    let judged = stdout(&rrm(["judge", path, "--engine", "scripted:longer"]));
    assert_eq!(judged.matches(r#""decided_by":"team""#).count(), 4, "{judged}");
    // ... is asked by nobody else, and planned by nobody.
    let pairs = rrm([&["eval", "pairs"], &one[..], &["-o", out.to_str().unwrap()]].concat());
    assert!(pairs.status.success() && stderr(&pairs).contains(told), "{}", stderr(&pairs));
    let scores: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    assert_eq!((&scores["equal"], &scores["groups"][0]["cases"]), (&4.into(), &1.into()));
    let plan = rrm(["plan", "eval", "pairs", "--data", path]);
    assert!(stdout(&plan).contains("pairs              1\nmatches            2\n"), "{}", stdout(&plan));
    assert!(stderr(&plan).contains(told), "{}", stderr(&plan));
    let tuned = rrm([&["tune"], &one[..]].concat());
    assert!(stderr(&tuned).contains(told) && stdout(&tuned).starts_with("1 labelled pairs\n"), "{}", stderr(&tuned));
    // Best of N asks about the texts that are judged: of one text, nothing.
    let best = rrm([&["eval", "best-of"], &one[..]].concat());
    assert!(
        stderr(&best).contains("in 4 questions, leading thinking or tokens at the ends of responses are not judged"),
        "{}",
        stderr(&best)
    );
    let plan = stdout(&rrm([&["plan", "eval", "best-of"], &one[..]].concat()));
    assert!(plan.contains("questions          5\nmatches            2\n"), "{plan}");
    // A pick among equal texts is none: the mean of both counts, here 1 of 1 and 4 halves.
    let two = stdout(&best).lines().find(|line| line.split_whitespace().next() == Some("2")).unwrap_or_default().to_owned();
    assert!(two.contains("60.00"), "{}", stdout(&best));
    // Nothing left is no score.
    let (_folder, path) = file("same.jsonl", &only);
    for command in [&["eval", "pairs"][..], &["tune"], &["plan", "eval", "pairs"]] {
        let output = rrm([command, &["--data", path.to_str().unwrap(), "--engine", "scripted:longer"]].concat());
        assert!(!output.status.success() && stderr(&output).contains("4 of them are pairs of one text"), "{}", stderr(&output));
    }
}
