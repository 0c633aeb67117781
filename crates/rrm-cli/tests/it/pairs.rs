//! `rrm pairs`: published layouts, decontamination, sampling through a server that fails, runs that are killed.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, mpsc},
};

use rrm::{keyed::KeyedRandom, store};
use serde_json::{Value, json};

use crate::{
    command,
    faulty_server::{FaultyServer, Plan, mixed, model::Said, well},
    file, rrm, shared_data, skipping, stderr, stdout,
};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn read(path: &Path) -> Vec<Value> {
    lines(&std::fs::read_to_string(path).unwrap())
}

/// A row of each published layout, as its columns are named, with two responses of which the first is right.
fn published() -> Vec<Value> {
    let responses =
        |right: &str, wrong: &str| json!([format!("<think>so</think>The answer is {right}."), format!("\\boxed{{{wrong}}}")]);
    vec![
        json!({"question_id": 7, "category": "math", "question": "Half of ten?", "options": ["4", "5", "6"], "answer": "B", "answer_index": 1,
               "responses": [{"model": "m1", "text": "It is B.", "pred": "B", "correct": true}, {"model": "m2", "text": "C", "pred": "C", "correct": false}]}),
        json!({"question": "How many eggs are left of sixteen?", "ground_truth": "All but four.\nA: 12",
               "6b": {"is_correct": true, "solution": "A: 12"}, "175b": {"is_correct": false, "solution": "A: 20"}}),
        json!({"question": "Three and four apples make how many?", "answer": "3+4=7\n#### 7", "responses": responses("7", "8")}),
        json!({"problem": "What is two to the tenth power?", "level": "Level 1", "type": "Algebra", "solution": "So $\\boxed{1024}$.", "responses": responses("1024", "1000")}),
        json!({"id": "w1", "question": "Boiling point of water in Celsius?", "answer": "100", "answer_type": "Integer", "category": "Physics", "difficulty": "Primary School", "responses": responses("100", "90")}),
        json!({"problem": "Sum of the angles of a triangle in degrees?", "answer": "180", "source": "orca_math", "domain": ["Geometry -> Plane"], "llama8b_solve_rate": 0.5, "responses": responses("180", "360")}),
        json!({"data_source": "train-math", "prompt": [{"role": "user", "content": "Square root of 81, the positive one?"}], "ability": "math",
               "reward_model": {"ground_truth": "[\"9\"]", "style": "rule"}, "extra_info": {"index": 3, "model_difficulty": {"a": 1}}, "responses": responses("9", "8")}),
        json!({"data_source": "math_dapo", "prompt": [{"role": "user", "content": "How many primes lie below twenty?"}], "ability": "MATH",
               "reward_model": {"ground_truth": "8", "style": "rule-lighteval/MATH_v2"}, "extra_info": {"index": "ab"}, "responses": responses("8", "7")}),
        json!({"prompt": "How many days has a leap year?", "reference": "366", "responses": responses("366", "365")}),
        json!({"prompt": [{"role": "user", "content": "Write a sort."}], "ability": "code", "reward_model": {"ground_truth": "[\"tests\"]"}, "extra_info": {"index": 9}}),
        json!({"text": "nothing to see"}),
    ]
}

fn jsonl(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

#[test]
fn published_layouts_are_told_by_their_columns() {
    let (folder, path) = file("rows.jsonl", jsonl(&published()));
    let output = folder.path().join("pairs.jsonl");
    let ran = rrm(["pairs", path.to_str().unwrap(), "-o", output.to_str().unwrap()]);
    stdout(&ran);
    let shown: Vec<String> = read(&output)
        .iter()
        .map(|pair| {
            let text = |name: &str| pair[name].as_str().unwrap_or("-").replace('\n', "/");
            format!(
                "{} [{}] {} = {} | {} > {} ({})",
                text("id"),
                text("category"),
                text("prompt"),
                text("reference"),
                text("chosen"),
                text("rejected"),
                text("checked")
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
    let again = rrm(["pairs", path.to_str().unwrap(), "--config", output.with_extension("jsonl.config.toml").to_str().unwrap()]);
    assert_eq!(stdout(&again), std::fs::read_to_string(&output).unwrap(), "the saved options are read back");
    let dropped = std::fs::read_to_string(output.with_extension("jsonl.dropped.jsonl")).unwrap();
    let reasons: Vec<String> = lines(&dropped).iter().map(|row| format!("{} {}", row["id"], row["reason"])).collect();
    assert_eq!(reasons, ["\"skywork-or1/9\" \"unverifiable-answer\"", "\"plain/rows-row-11\" \"unknown-layout\""]);
    insta::assert_snapshot!(stderr(&ran));
}

#[test]
fn rows_are_written_for_trl_as_messages_and_as_responses_in_the_drawn_order() {
    let many: Vec<Value> = (0..200)
        .map(|i| json!({"id": i, "prompt": format!("Question number {i}?"), "reference": "1", "responses": ["The answer is 1.", "The answer is 2."]}))
        .collect();
    let (_folder, path) = file("rows.jsonl", jsonl(&many));
    let path = path.to_str().unwrap();
    let pairs = lines(&stdout(&rrm(["pairs", path, "--near-duplicates", "2"])));
    assert_eq!(pairs.len(), 200);
    let responses = lines(&stdout(&rrm(["pairs", path, "--near-duplicates", "2", "--as-responses"])));
    let mut first = 0;
    for (pair, row) in pairs.iter().zip(&responses) {
        let label = row["label"].as_u64().unwrap();
        first += usize::from(label == 1);
        assert_eq!(pair["order"], if label == 1 { "chosen-first" } else { "rejected-first" });
        assert_eq!(row["responses"][label as usize - 1], pair["chosen"]);
        assert_eq!(row["responses"][2 - label as usize], pair["rejected"]);
        assert!(row.get("chosen").is_none() && pair.get("responses").is_none());
    }
    assert!(first.abs_diff(100) < 40, "{first}");
    let messages = lines(&stdout(&rrm(["pairs", path, "--near-duplicates", "2", "--conversational"])));
    assert_eq!(messages[0]["prompt"], json!([{"role": "user", "content": "Question number 0?"}]));
    assert_eq!(messages[0]["chosen"], json!([{"role": "assistant", "content": "The answer is 1."}]));
    // `rrm` itself reads what it wrote.
    let (_folder, written) = file("pairs.jsonl", jsonl(&pairs));
    let judged = lines(&stdout(&rrm(["judge", written.to_str().unwrap(), "--engine", "scripted:accuracy=1"])));
    assert!(judged.iter().all(|row| row["verdict"] == "first"), "{}", judged[0]);
    let (_folder, written) = file("responses.jsonl", jsonl(&responses));
    let args = ["judge", written.to_str().unwrap(), "--column", "label=label", "--engine", "scripted:accuracy=1"];
    let judged = lines(&stdout(&rrm(args)));
    let named = |row: &Value| if row["label"] == 1 { "first" } else { "second" };
    assert!(judged.iter().zip(&responses).all(|(judged, row)| judged["verdict"] == named(row)));
}

#[test]
fn mixtures_keep_shares_and_seeds_draw_them() {
    let rows = |name: &str, n: usize| -> String {
        (0..n).map(|i| json!({"id": format!("{name}{i}"), "prompt": format!("Number {i} of {name}?"), "reference": "1", "responses": ["#### 1", "#### 2"]}).to_string() + "\n").collect()
    };
    let (folder, a) = file("a.jsonl", rows("a", 100));
    let b = folder.path().join("b.jsonl");
    std::fs::write(&b, rows("b", 30)).unwrap();
    let run = |seed: &str, mixture: &str| {
        let args =
            ["pairs", a.to_str().unwrap(), b.to_str().unwrap(), "--mixture", mixture, "--seed", seed, "--near-duplicates", "2"];
        lines(&stdout(&rrm(args))).iter().map(|pair| pair["question_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let of = |ids: &[String], name: &str| ids.iter().filter(|id| id.starts_with(&format!("plain/{name}"))).count();
    let drawn = run("1", "5,2");
    assert_eq!((of(&drawn, "a"), of(&drawn, "b")), (75, 30));
    assert_eq!(run("1", "5,2"), drawn);
    assert_ne!(run("2", "5,2"), drawn);
    assert_eq!(of(&run("1", "0,1"), "b"), 30);
}

#[test]
fn judgebench_put_back_in_is_found_and_dropped() {
    let (Some(benchmark), Some(train)) = (shared_data("judgebench/gpt-4o-pairs.jsonl"), shared_data("mmlu-pro/dev.jsonl.gz"))
    else {
        return;
    };
    let judgebench = read(&benchmark);
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<Value> = judgebench.iter().enumerate().map(|(i, row)| put_back(i, row)).collect();
    let planted = folder.path().join("planted.jsonl");
    std::fs::write(&planted, jsonl(&rows)).unwrap();
    let output = folder.path().join("pairs.jsonl");
    let ran = command()
        .args(["pairs".as_ref(), planted.as_os_str(), train.as_os_str(), "--near-duplicates".as_ref(), "2".as_ref()])
        .args(["-o".as_ref(), output.as_os_str(), "--decontaminate".as_ref(), benchmark.as_os_str()])
        .output()
        .unwrap();
    stdout(&ran);
    let dropped = read(&output.with_extension("jsonl.dropped.jsonl"));
    let met: Vec<&Value> = dropped.iter().filter(|row| row["reason"] == "contaminated").collect();
    let planted_met = met.iter().filter(|row| row["file"].as_str().unwrap().ends_with("planted.jsonl")).count();
    assert!(!judgebench.is_empty());
    assert_eq!(planted_met, judgebench.len(), "every one of them");
    assert!(met.iter().all(|row| row["benchmark"] == "judgebench" && row["overlap"].as_f64().unwrap() >= 0.5));
    let pairs = read(&output);
    assert!(pairs.len() > 300 && pairs.iter().all(|pair| pair["source"] == "mmlu-pro"), "{} pairs", pairs.len());
    assert!(met.len() - planted_met < 5, "questions that only look like JudgeBench's: {}", met.len() - planted_met);
}

/// A question of JudgeBench as it may come back: as it is, in capitals, with words around it, or only its first two thirds.
fn put_back(i: usize, row: &Value) -> Value {
    let question = row["question"].as_str().unwrap();
    let words: Vec<&str> = question.split_whitespace().collect();
    let asked = match i % 4 {
        0 => question.to_owned(),
        1 => question.to_uppercase(),
        2 => format!(
            "Please help me with this exercise, which I could not solve:\n\n{question}\n\nThank you very much in advance!"
        ),
        _ => words[..words.len() * 2 / 3].join("  "),
    };
    json!({"id": format!("jb{i}"), "question": asked, "answer": "1", "responses": ["#### 1", "#### 2"]})
}

const QUESTIONS: usize = 60;
const KILLS: u64 = 20;

/// `rrm pairs` with responses and difficulty of this server, whose texts end in a box with one of the two options.
fn sampled(folder: &Path, server: &FaultyServer, name: &str) -> Command {
    let row = |i: usize| json!({"question_id": i, "question": format!("Who is it in round {i}?"), "options": ["Assistant 1", "Assistant 2"], "answer": "A", "category": "people"});
    let input = folder.join("questions.jsonl");
    std::fs::write(&input, (0..QUESTIONS).map(|i| format!("{}\n", row(i))).collect::<String>()).unwrap();
    let path = |suffix: &str| folder.join(format!("{name}.{suffix}")).to_str().unwrap().to_owned();
    let mut pairs = command();
    pairs.args([
        "pairs",
        input.to_str().unwrap(),
        "--samples",
        "3",
        "--near-duplicates",
        "2",
        "--timeout",
        "0.3",
        "--concurrency",
        "8",
    ]);
    pairs.args(["--engine", &server.url, "--filter-engine", &server.url, "--filter-votes", "2"]);
    pairs.args(["--store", &path("sqlite"), "-o", &path("jsonl")]);
    pairs
}

/// The three files that a run leaves, end to end.
fn written(folder: &Path, name: &str) -> Vec<u8> {
    ["jsonl", "jsonl.dropped.jsonl", "jsonl.filter.jsonl"]
        .iter()
        .flat_map(|end| std::fs::read(folder.join(format!("{name}.{end}"))).unwrap())
        .collect()
}

#[test]
fn a_run_that_is_killed_twenty_times_writes_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = FaultyServer::start(Said::default(), well());
    stdout(&sampled(folder, &server, "whole").output().unwrap());

    let (tell, tries) = mpsc::channel();
    let faults = mixed();
    let plan: Plan = Arc::new(move |request, attempt| {
        tell.send(()).ok();
        faults(request, attempt)
    });
    let server = FaultyServer::start(Said::default(), plan);
    let mut keyed = KeyedRandom::new(2, "pairs", "kill", &[]);
    for kill in 0..KILLS {
        let mut child = sampled(folder, &server, "killed").stderr(Stdio::null()).spawn().unwrap();
        for _ in 0..10 + keyed.below(24) {
            tries.recv().unwrap();
        }
        assert!(child.try_wait().unwrap().is_none(), "run {kill} ended before it was killed");
        child.kill().unwrap();
        child.wait().unwrap();
        tries.try_iter().for_each(drop);
        assert!(!folder.join("killed.jsonl").exists(), "something half-written appeared under the final name");
    }
    let kept = store::stats(folder.join("killed.sqlite")).unwrap().completions;
    assert!(kept > 0, "the kills came before anything was stored");
    stdout(&sampled(folder, &server, "killed").output().unwrap());
    assert!(written(folder, "whole") == written(folder, "killed"), "a run that was killed {KILLS} times differs");

    let stats: Value = serde_json::from_slice(&std::fs::read(folder.join("killed.jsonl.stats.json")).unwrap()).unwrap();
    let reused = stats["sampling"]["spent"]["reused"].as_u64().unwrap() + stats["filter"]["spent"]["reused"].as_u64().unwrap();
    assert_eq!(reused, kept, "a stored completion was asked for again");
    let pairs = read(&folder.join("killed.jsonl"));
    assert!(pairs.len() > 10, "{} pairs", pairs.len());
    assert!(pairs.iter().all(|pair| pair["chosen"].as_str().unwrap().ends_with("\\boxed{Assistant 1}")));
    assert!(
        pairs.iter().all(|pair| !pair["chosen"].as_str().unwrap().contains("think") && pair["base_right"].as_u64() < Some(2))
    );
    let filtered = read(&folder.join("killed.jsonl.filter.jsonl"));
    assert!(filtered.iter().all(|line| line["kept"] == (line["right"] != line["of"])));
    assert_eq!(filtered.iter().filter(|line| line["kept"] == true).count(), pairs.len());
}

#[test]
fn a_dry_run_says_what_it_would_take_and_writes_nothing() {
    let (folder, path) = file("rows.jsonl", jsonl(&published()));
    let output = folder.path().join("pairs.jsonl");
    let base = ["pairs", path.to_str().unwrap(), "-o", output.to_str().unwrap(), "--dry-run", "--per-question", "3"];
    let more = ["--samples", "5", "--engine", "http://127.0.0.1:1", "--filter-engine", "scripted:first"];
    let ran = rrm([&base[..], &more[..]].concat());
    assert_eq!(stdout(&ran), "");
    insta::assert_snapshot!(stderr(&ran), @"note: 9 of 11 rows are kept, 45 calls for samples, at most 108 calls of the base judge, at most 27 pairs");
    assert!(!output.exists());
}

#[test]
fn mistakes_are_refused_before_anything_is_read_or_asked() {
    let (_folder, path) = file("rows.jsonl", jsonl(&published()));
    let path = path.to_str().unwrap();
    let error = |args: &[&str]| {
        let output = rrm([&["pairs", path], args].concat());
        let asked = args.contains(&"--samples") && args.contains(&"--engine");
        let code = if asked || args.contains(&"--decontaminate") { 1 } else { 2 };
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        stderr(&output).lines().find(|line| line.starts_with("error")).unwrap().to_owned()
    };
    insta::assert_snapshot!(error(&["--samples", "4"]), @"error: --samples needs --engine, which writes the responses");
    insta::assert_snapshot!(error(&["--engine", "scripted:first"]), @"error: --engine samples responses: say how many with --samples N");
    insta::assert_snapshot!(error(&["--mixture", "1,2"]), @"error: --mixture has 2 weights for 1 files");
    insta::assert_snapshot!(error(&["--votes", "3"]), @"error: unexpected argument '--votes' found");
    insta::assert_snapshot!(error(&["--samples", "2", "--engine", "scripted:first"]), @"error: question mmlu-pro/7: scripted:first: scripted judges answer comparisons only");
    let (_folder, table) = file("table.jsonl", "{\"x\": 1}\n");
    let error = error(&["--decontaminate", table.to_str().unwrap()]);
    assert!(error.ends_with("table.jsonl: neither a benchmark that rrm knows nor questions; its columns are: x"), "{error}");
}

#[test]
fn responses_that_nobody_can_tell_are_not_called_absent() {
    let rows = [
        json!({"id": 1, "question": "Who painted the ceiling of that chapel?", "answer": "Michelangelo", "responses": ["The answer is Raphael.", "I do not know."]}),
        json!({"id": 2, "question": "How many legs has a spider in all?", "answer": "8", "responses": []}),
        json!({"id": 3, "question": "How many wings has a bee in all?", "answer": "4", "responses": ["", "<think>4"]}),
        json!({"id": 4, "question": "How many eyes has a dog in all?", "answer": "2", "responses": ["The answer is 3.", "Perhaps some."]}),
    ];
    let (folder, path) = file("q.jsonl", rows.map(|row| format!("{row}\n")).concat());
    let out = folder.path().join("pairs.jsonl");
    let ran = rrm(["pairs".as_ref(), path.as_os_str(), "-o".as_ref(), out.as_os_str()]);
    let dropped =
        std::fs::read_to_string(out.with_extension("jsonl.dropped.jsonl")).unwrap_or_else(|_| panic!("{}", stderr(&ran)));
    let reasons: Vec<String> = lines(&dropped).iter().map(|row| row["reason"].as_str().unwrap().to_owned()).collect();
    assert_eq!(reasons, ["none-verifiable", "no-responses", "no-responses", "none-right"]);
}

#[test]
fn what_is_not_proven_right_is_never_chosen() {
    let Some(cases) = skipping::shared("cases") else { return };
    let chosen = |name: &str| -> Vec<(String, String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("pairs.jsonl");
        let ran = rrm([
            "pairs".as_ref(),
            cases.join(name).as_os_str(),
            "--per-question".as_ref(),
            "5".as_ref(),
            "-o".as_ref(),
            out.as_os_str(),
        ]);
        assert!(ran.status.success(), "{}", stderr(&ran));
        let rows = std::fs::read_to_string(out).unwrap_or_default();
        let text = |row: &Value, key: &str| row[key].to_string();
        let rows = rows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        rows.map(|row| (row["id"].as_str().unwrap().to_owned(), text(&row, "chosen"), text(&row, "rejected"))).collect()
    };
    // Infinity, an interval that is cut, a term without its bars, an hour and sixty minutes; a brace at another place.
    assert_eq!(chosen("input/pairs-wrong-sides/inf.jsonl"), []);
    assert_eq!(chosen("bench/pairs-poison.jsonl"), []);
    let pairs = chosen("input/pairs-wrong-sides/q.jsonl");
    assert_eq!(pairs.len(), 7, "{pairs:#?}");
    for (id, right, wrong) in &pairs {
        assert!(!id.contains("minus") && !id.contains("order"), "{id}: nothing is shown right beside something shown wrong");
        assert!(!wrong.contains("seven"), "seven is seven");
        assert!(!id.contains("mersenne") || right.contains("2^{2024}-2"), "{right}");
    }
}
