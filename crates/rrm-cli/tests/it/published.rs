//! Published data sets from file to score: judges that are always right and always wrong get 100 and 0; answers of several models; recorded judgments.

use serde_json::{Value, json};

use crate::{file, rrm, shared_data, stderr, stdout};

/// The official score of the last line of the table.
fn score(args: &[&str]) -> String {
    let out = stdout(&rrm(args));
    let last =
        out.lines().rfind(|line| line.starts_with("overall") || line.starts_with("pairs ")).unwrap_or_else(|| panic!("{out}"));
    last.split_whitespace().nth(2).unwrap().to_owned()
}

/// What judges of accuracy 1 and 0 score.
fn right_and_wrong(benchmark: &str, data: &str, more: &[&str]) -> [String; 2] {
    ["1", "0"].map(|accuracy| {
        let engine = format!("scripted:accuracy={accuracy}");
        score(&[&["eval", benchmark, "--data", data, "--engine", &engine], more].concat())
    })
}

fn transcript(turns: &[&str]) -> String {
    let names = ["Human", "Assistant"].into_iter().cycle();
    turns.iter().zip(names).map(|(turn, name)| format!("\n\n{name}: {turn}")).collect()
}

/// The lines of a file.
fn lines(rows: impl IntoIterator<Item = Value>) -> String {
    rows.into_iter().map(|row| format!("{row}\n")).collect()
}

#[test]
fn layouts_of_published_chats_score_100_and_0() {
    let hh = (0..6).map(|i| {
        let turns = |last: &str| transcript(&["Hi", "Hello", &format!("Joke {i}?"), last]);
        json!({"chosen": turns("Knock."), "rejected": turns(if i % 2 == 0 { "No." } else { "Never ever." })})
    });
    let hh_beside = (0..6).map(|i| {
        let prompt = format!("Joke {i}?");
        json!({"prompt": prompt, "chosen": transcript(&[&prompt, "Knock."]), "rejected": transcript(&[&prompt, "No."])})
    });
    let hh_prompt = (0..6).map(|i| {
        let prompt = format!("{}\n\nAssistant:", transcript(&["Hi", "Hello", &format!("Joke {i}?")]));
        json!({"prompt": prompt, "chosen": " Knock.", "rejected": " No."})
    });
    // Kaggle's LMSYS, once its three columns of votes are one.
    let lmsys = (0..6).map(|i| {
        let texts = |texts: [&str; 2]| json!(texts).to_string();
        let winner = if i % 2 == 0 { "model_a" } else { "model_b" };
        json!({"id": i, "prompt": texts(["Is tea hot?", "And ice?"]), "response_a": texts(["Yes.", "No."]),
            "response_b": texts(["Yes.", "It is, mostly."]), "winner": winner})
    });
    let sharegpt = (0..6).map(|i| {
        json!({"conversations": [{"from": "human", "value": format!("Q{i}")}],
            "chosen": {"from": "gpt", "value": "a"}, "rejected": {"from": "gpt", "value": "bb"}})
    });
    let arena = (0..6).map(|i| {
        let chat = |a: &str, b: &str| {
            json!([{"role": "user", "content": format!("Q{i}")}, {"role": "assistant", "content": a},
                {"role": "user", "content": "More?"}, {"role": "assistant", "content": b}])
        };
        json!({"conversation_a": chat("x", "y"), "conversation_b": chat("z", "w"), "winner": if i < 2 { "model_a" } else { "model_b" }})
    });
    let cases: [(&str, String, &[&str]); 6] = [
        ("hh", lines(hh), &[]),
        ("hh beside a prompt", lines(hh_beside), &[]),
        ("hh, prompt a transcript", lines(hh_prompt), &[]),
        ("lmsys", lines(lmsys), &["--column", "responses=response_a,response_b", "--column", "label=winner"]),
        ("sharegpt", lines(sharegpt), &["--column", "prompt=conversations"]),
        ("arena", lines(arena), &["--column", "responses=conversation_a,conversation_b", "--column", "label=winner"]),
    ];
    for (name, rows, more) in cases {
        let (_folder, path) = file("rows.jsonl", rows);
        assert_eq!(right_and_wrong("pairs", path.to_str().unwrap(), more), ["100.00", "0.00"], "{name}");
    }
}

#[test]
fn published_files_score_100_and_0() {
    for (benchmark, name) in
        [("llmbar", "llmbar"), ("judgebench", "judgebench/gpt-4o-pairs.jsonl"), ("evalbiasbench", "evalbiasbench")]
    {
        let Some(path) = shared_data(name) else { return };
        assert_eq!(right_and_wrong(benchmark, path.to_str().unwrap(), &[]), ["100.00", "0.00"], "{benchmark}");
    }
    let Some(path) = shared_data("hh-helpful/pairs.jsonl.gz") else { return };
    assert_eq!(right_and_wrong("pairs", path.to_str().unwrap(), &[]), ["100.00", "0.00"]);
}

fn written(files: &[(&str, String)]) -> (tempfile::TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let paths = files.iter().map(|(name, text)| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let paths = paths.collect();
    (folder, paths)
}

fn ranked(args: &[&str]) -> Vec<Value> {
    let rank = [&["rank"], args, &["--engine", "scripted:longer"]].concat();
    stdout(&rrm(rank)).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn answers_of_several_models_are_joined_to_rows() {
    let answer = |id: u32, model: &str, turns: [&str; 2]| json!({"question_id": id, "answer_id": "x", "model_id": model, "choices": [{"index": 0, "turns": turns}], "tstamp": 1.5});
    let (m1, m2) = (["Tea.", "Ice is cold."], ["Coffee, I think.", "Yes, it is."]);
    let question = |id: u32| json!({"question_id": id, "category": "writing", "turns": ["What is hot?", "And ice?"], "reference": ["a", "b"]});
    let (folder, paths) = written(&[
        ("m1.jsonl", lines([answer(81, "m1", m1), answer(82, "m1", m1)])),
        ("m2.jsonl", lines([answer(82, "m2", m2), answer(81, "m2", m2)])),
        ("question.jsonl", lines([question(81), question(82), question(83)])),
        ("both.jsonl", lines([answer(82, "m2", m2), answer(81, "m1", m1), answer(81, "m2", m2), answer(82, "m1", m1)])),
        ("part.jsonl", lines([answer(82, "m2", m2)])),
    ]);
    let [one, two, questions, both, part] = [0, 1, 2, 3, 4].map(|i| paths[i].as_str());
    let rows = ranked(&[one, two, "--join", "question_id", "--questions", questions]);
    assert_eq!(rows.iter().map(|row| row["id"].as_str().unwrap()).collect::<Vec<_>>(), ["81", "82"]);
    assert_eq!((&rows[0]["order"], &rows[0]["extra"]["category"]), (&json!([1, 0]), &json!("writing")));
    // One file, in any order, is the same: the best is the longer answer of m2 in every row.
    let rows = ranked(&[both, "--join", "question_id", "--questions", questions]);
    assert_eq!(
        rows.iter().map(|row| (row["id"].as_str().unwrap(), &row["order"])).collect::<Vec<_>>(),
        [("82", &json!([0, 1])), ("81", &json!([1, 0]))]
    );
    let failed = |args: &[&str]| {
        let output = rrm([&["rank"], args, &["--engine", "scripted:longer"]].concat());
        assert_eq!(output.status.code(), Some(1));
        stderr(&output).replace(&format!("{}/", folder.path().display()), "").lines().next().unwrap_or_default().to_owned()
    };
    insta::assert_snapshot!(failed(&[one, part, "--join", "question_id", "--questions", questions]), @"error: 1 of 2 questions lack the answer of a model: 81 that of m2");
    insta::assert_snapshot!(failed(&[one, one, "--join", "question_id", "--questions", questions]), @"error: m1.jsonl row 1: a second answer of `m1` to `81`; was a file given twice?");
    insta::assert_snapshot!(failed(&[one, two, "--join", "question_id"]), @"error: m1.jsonl row 1: `choices` holds answers without what was asked: --questions names the file of questions, whose `turns` are");
    insta::assert_snapshot!(failed(&[one, two, "--join", "questionid", "--questions", questions]), @"error: question.jsonl row 1: no column `questionid` to join by; the row has: question_id, category, turns, reference");
    insta::assert_snapshot!(failed(&[one, two, "--join", "question_id", "--questions", part]), @"error: m1.jsonl row 1: no row of the questions has `81` in its column `question_id`");
}

#[test]
fn arena_hard_and_alpaca_eval_answers_are_joined() {
    let arena = |uid: &str, model: &str, text: &str| json!({"uid": uid, "model": model, "messages": [{"role": "user", "content": "Haiku?"}, {"role": "assistant", "content": {"answer": text}}]});
    let alpaca = |text: &str, model: &str| json!({"instruction": "Haiku?", "output": text, "generator": model, "dataset": "d"});
    let (_folder, paths) = written(&[
        ("m1.jsonl", lines([arena("u1", "m1", "Snow on the pine"), arena("u2", "m1", "Rain")])),
        ("m2.jsonl", lines([arena("u1", "m2", "Rain"), arena("u2", "m2", "Snow on it")])),
        ("a1.json", json!([alpaca("Snow", "m1")]).to_string()),
        ("a2.json", json!([alpaca("Rain, rain", "m2")]).to_string()),
    ]);
    let [one, two, three, four] = [0, 1, 2, 3].map(|i| paths[i].as_str());
    let orders = |rows: &[Value]| rows.iter().map(|row| row["order"].clone()).collect::<Vec<_>>();
    assert_eq!(orders(&ranked(&[one, two, "--join", "uid"])), [json!([0, 1]), json!([1, 0])]);
    let columns = ["--column", "prompt=instruction", "--column", "responses.text=output"];
    let rows = ranked(&[&[three, four, "--join", "instruction"][..], &columns].concat());
    assert_eq!((orders(&rows), &rows[0]["id"]), (vec![json!([1, 0])], &json!("Haiku?")));
}

#[test]
fn recorded_judgments_are_scored_without_a_judge() {
    let pair = |id: u32| json!({"pair_id": id.to_string(), "question": "Q", "response_A": "a", "response_B": "b", "label": "A>B", "source": "mmlu-pro-law", "response_model": "m"});
    let said =
        |id: u32, first: Value| json!({"pair_id": id.to_string(), "judgments": [{"decision": first}, {"decision": "B>A"}]});
    let (folder, paths) = written(&[
        ("pairs.jsonl", lines([pair(1), pair(2), pair(3)])),
        ("all.jsonl", lines([said(1, "A>B".into()), said(2, Value::Null), said(3, "B>A".into()), said(9, "A>B".into())])),
        ("some.jsonl", lines([said(1, "A>B".into())])),
    ]);
    let [pairs, all, some] = [0, 1, 2].map(|i| paths[i].as_str());
    let run = |args: &[&str]| {
        let output = rrm([&["eval", "judgebench", "--data", pairs], args].concat());
        let place = format!("{}/", folder.path().display());
        (output.status.code(), String::from_utf8_lossy(&output.stdout).replace(&place, ""), stderr(&output).replace(&place, ""))
    };
    let out = folder.path().join("scores.json");
    let (code, table, notes) = run(&["--recorded", all, "-o", out.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{notes}");
    insta::assert_snapshot!(table, @r#"
    judgebench judged by recorded:all.jsonl, in percent
              pairs  official        95%  strict       95%  consistent  abstained  truncated  tokens
    mmlu-pro      3     66.67  20.8-93.9   33.33  6.1-79.2        50.0       16.7        0.0       0

    overall       3     66.67  20.8-93.9   33.33  6.1-79.2        50.0       16.7        0.0       0
    overall is not the published score: without livebench-reasoning, livebench-math, livecodebench
    "#);
    insta::assert_snapshot!(notes.lines().filter(|line| line.starts_with("note: ")).collect::<Vec<_>>().join("\n"), @r#"
    note: 1 judgments state no verdict; they count as none
    note: 1 judgments are about pairs that the data does not have; they do not count
    "#);
    let scores: Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    assert_eq!((scores["recorded"].as_array().unwrap().len(), &scores["format"]), (1, &json!("none (recorded)")));
    assert_eq!(std::fs::read_to_string(folder.path().join("scores.json.cases.jsonl")).unwrap().lines().count(), 3);
    let (code, _, said) = run(&["--recorded", some]);
    assert_eq!(code, Some(1));
    assert!(said.contains("2 of 3 pairs have no judgment and count as no verdict"), "{said}");
    let (code, _, said) = run(&["--recorded", all, "--engine", "scripted:first"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("--recorded scores judgments that are there"), "{said}");
    // A report shows such a judge like any other.
    let page = folder.path().join("report.html");
    let output = rrm(["report", out.to_str().unwrap(), "-o", page.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
}
