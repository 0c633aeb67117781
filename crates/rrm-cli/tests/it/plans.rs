//! What `rrm plan` says of a command, against what the command then asks.

use std::{fs, path::Path};

use crate::{command, rrm, stderr, stdout};

/// Numbers that look drawn and are the same every time.
struct Drawn(u64);

impl Drawn {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// A row of `n` responses. Few texts and few answers: many are equal, some only once their thinking is taken off.
fn row(drawn: &mut Drawn, id: usize, n: usize) -> String {
    let texts = drawn.of(&[1, 2, 3, 9]);
    let response = |_| {
        let text = format!("text {}", drawn.below(texts));
        let thinking = drawn.of(&["", "", "", "<think>\nso\n</think>\n\n"]);
        let answer = drawn.of(&["", "one", "two"]);
        let answer = if answer.is_empty() { serde_json::Value::Null } else { answer.into() };
        serde_json::json!({"text": format!("{thinking}{text}"), "answer": answer})
    };
    let responses: Vec<_> = (0..n).map(response).collect();
    serde_json::json!({"id": format!("r{id}"), "prompt": "Q", "responses": responses}).to_string() + "\n"
}

/// The least and the most of a line of a plan.
fn range(plan: &str, line: &str) -> (u64, u64) {
    let said = plan.lines().find_map(|l| l.strip_prefix(line)).unwrap_or_else(|| panic!("{plan}")).trim();
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("{plan}"));
    said.split_once(" to ").map_or_else(|| (number(said), number(said)), |(least, most)| (number(least), number(most)))
}

/// What the command asked for: calls, and matches with votes.
fn asked(folder: &Path, args: &[&str]) -> u64 {
    let out = folder.join("out.jsonl");
    let done = command().args(args).args(["--store", "none", "-o", out.to_str().unwrap()]).output().unwrap();
    // A judge that never says anything is a failure, and was asked.
    let stats = fs::read(folder.join("out.jsonl.stats.json")).unwrap_or_else(|_| panic!("{}", stderr(&done)));
    let stats: serde_json::Value = serde_json::from_slice(&stats).unwrap();
    stats["spent"]["calls"].as_u64().unwrap()
}

#[test]
fn what_is_planned_is_what_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    let path = path.to_str().unwrap();
    let mut drawn = Drawn(7);
    let mut exact = 0;
    for _ in 0..120 {
        let judges = drawn.of(&["judge", "rank", "rank", "label"]);
        let (rows, widest) = (drawn.below(3) + 1, drawn.of(&[2, 4, 8, 11]));
        let text: String = (0..rows)
            .map(|id| {
                let n = if judges == "judge" { 2 } else { 2 + drawn.below(widest) };
                row(&mut drawn, id, n)
            })
            .collect();
        fs::write(path, text).unwrap();
        let seed = drawn.below(5).to_string();
        let mut how = vec!["--seed", &seed, "--votes", drawn.of(&["1", "2", "3", "4", "5", "8"])];
        let adaptive = drawn.of(&["off", "sparing", "eager"]);
        let adaptively = format!("--adaptive={adaptive}");
        how.push(&adaptively);
        if drawn.below(2) == 0 {
            how.push("--both-orders");
        }
        if judges != "judge" {
            let strategy = drawn.of(&["knockout", "elo", "bradley-terry", "win-rate"]);
            how.extend(["--strategy", strategy, "--teams", drawn.of(&["text", "answer", "off"])]);
            if strategy != "knockout" && drawn.below(2) == 0 {
                how.extend(["--opponents", drawn.of(&["1", "2", "3"])]);
            }
        }
        let engine = drawn.of(&["random", "longer", "first", "silent=0.3", "silent"]);
        let engine = format!("scripted:{engine}");
        let (least, most) = range(&stdout(&rrm([&["plan", judges, path][..], &how].concat())), "calls");
        let calls = asked(folder.path(), &[&[judges, path, "--engine", &engine, "--concurrency", "3"][..], &how].concat());
        assert!(
            (least..=most).contains(&calls),
            "{judges} {how:?} {engine}: {calls} calls, planned {least} to {most}\n{}",
            fs::read_to_string(path).unwrap()
        );
        exact += u32::from(least == most);
        // Only what nobody can know is a range.
        let known = adaptive == "off" && (judges == "judge" || !how.contains(&"knockout"));
        assert!(!known || least == most, "{judges} {how:?}: {least} to {most}");
    }
    assert!(exact > 20, "{exact}");
}

/// One answer of each model a row.
fn answers(folder: &Path, name: &str) -> String {
    let one = |i: usize| {
        let row =
            serde_json::json!({"question_id": i, "model": name, "prompt": format!("Q{i}"), "response": format!("{name} {i}")});
        row.to_string() + "\n"
    };
    let path = folder.join(format!("{name}.jsonl"));
    fs::write(&path, (0..4).map(one).collect::<String>()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn answers_of_several_files_are_planned_as_they_are_ranked() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["a", "b", "c"].map(|name| answers(folder.path(), name));
    let words = |command: &[&'static str]| -> Vec<String> {
        let command = command.iter().map(|word| (*word).to_owned());
        command.chain(files.iter().cloned()).chain(["--join", "question_id", "--votes", "3"].map(str::to_owned)).collect()
    };
    let planned = rrm(words(&["plan", "rank"]));
    assert_eq!((range(&stdout(&planned), "rows"), range(&stdout(&planned), "calls")), ((4, 4), (24, 24)));
    assert_eq!(stderr(&planned), "");
    let run = words(&["rank", "--engine", "scripted:longer"]);
    assert_eq!(asked(folder.path(), &run.iter().map(String::as_str).collect::<Vec<_>>()), 24);
}

#[test]
fn a_plan_names_what_it_does_not_depend_on_wherever_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.jsonl");
    fs::write(&rows, r#"{"prompt": "Q", "responses": ["x", "y", "z"]}"#).unwrap();
    fs::write(folder.path().join("options.toml"), "votes = 3\ntokens-per-call = 9\ntemperature = 0.5\nconcurrency = 2\n")
        .unwrap();
    let plan = |more: &[&str]| {
        let words = ["plan", "rank", "rows.jsonl", "--config", "options.toml"];
        command().current_dir(folder.path()).args(words).args(more).output().unwrap()
    };
    let planned = plan(&["--top-p", "0.5"]);
    assert_eq!(range(&stdout(&planned), "calls"), (6, 6));
    let said = stderr(&planned);
    let expected = "a plan does not depend on --top-p, temperature (in options.toml), concurrency (in options.toml)\n";
    assert!(said.ends_with(expected), "{said}");
}

#[test]
fn a_plan_refuses_what_the_command_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.jsonl");
    fs::write(&rows, r#"{"prompt": "Q", "responses": ["x", "y"], "label": 0}"#).unwrap();
    let said = |judges: &str, words: &[&str], config: &str| {
        fs::write(folder.path().join("options.toml"), config).unwrap();
        let given = ["plan", judges, "rows.jsonl", "--config", "options.toml", "--tokens-per-call", "9"];
        let output = command().current_dir(folder.path()).args(given).args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{judges} {words:?} {config}: {}", stderr(&output));
        stderr(&output)
    };
    for (judges, words, config, why) in [
        ("rank", &["--temperature", "warm"][..], "", "invalid value 'warm' for '--temperature <T>'"),
        ("rank", &["--temperature", "-1"], "", "--temperature must not be negative"),
        ("judge", &["--concurrency", "0"], "", "--concurrency must lie between 1 and 1000000"),
        ("judge", &[], "concurrency = 0\n", "--concurrency must lie between 1 and 1000000"),
        ("rank", &[], "temperature = \"warm\"\n", "invalid value 'warm' for '--temperature <T>'"),
        ("label", &["--min-margin", "5"], "", "--min-margin must lie between 0 and 1"),
        ("label", &[], "min-agreement = 2.5\n", "--min-agreement must lie between 0 and 1"),
        ("label", &["--write", "prose"], "", "'--write <LAYOUT>'"),
        ("rank", &["--max-cost", "1"], "", "--max-cost needs --price-prompt"),
        ("rank", &["--seed", "18446744073709551615"], "", "--seed must not exceed"),
        ("judge", &["--stop-at-verdict"], "", "it needs --max-thinking-tokens"),
        ("judge", &["--pay-again", "--same-weights"], "", "cannot be used with"),
    ] {
        let said = said(judges, words, config);
        assert!(said.contains(why), "{judges} {words:?} {config}: {said}");
    }
}
