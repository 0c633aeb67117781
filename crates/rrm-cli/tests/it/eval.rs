//! Benchmarks from the command line: tables, files, and going on after an end.

use crate::{
    faulty_server::{FaultyServer, model::Said, well},
    file, rrm, stderr, stdout,
};

const PAIRS: &str = concat!(
    r#"{"id": "sums", "prompt": "2 + 2?", "chosen": "It is 4.", "rejected": "5", "subset": "numbers"}"#,
    "\n",
    r#"{"id": "more", "prompt": "2 + 3?", "chosen": "5", "rejected": "Six, I think.", "subset": "numbers"}"#,
    "\n",
    r#"{"id": "sky", "prompt": "Why is it blue?", "chosen": "Rayleigh scattering.", "rejected": "It mirrors the sea, as all know.", "subset": "facts"}"#,
    "\n",
);

#[test]
fn benchmarks_are_listed_with_their_rules() {
    insta::assert_snapshot!(stdout(&rrm(["eval", "--list"])));
}

#[test]
fn a_table_says_what_a_judge_scores() {
    let (_folder, path) = file("mine.jsonl", PAIRS);
    let out = stdout(&rrm(["eval", "pairs", "--data", path.to_str().unwrap(), "--engine", "scripted:longer"]));
    insta::assert_snapshot!(out, @r#"
    pairs judged by scripted:longer, in percent
             pairs  official       95%  strict       95%  consistent  abstained  truncated  tokens
    numbers      2     50.00  9.5-90.5   50.00  9.5-90.5       100.0        0.0        0.0       0
    facts        1      0.00  0.0-79.3    0.00  0.0-79.3       100.0        0.0        0.0       0

    overall      3     33.33  6.1-79.2   33.33  6.1-79.2       100.0        0.0        0.0       0
    "#);
    let out = stdout(&rrm(["eval", "pairs", "--data", path.to_str().unwrap(), "--engine", "scripted:longer", "--official-only"]));
    insta::assert_snapshot!(out.lines().last().unwrap(), @"overall      3     33.33  6.1-79.2       -                -        0.0        0.0       0");
}

#[test]
fn an_evaluation_is_a_file_with_its_cases_beside_it() {
    let (folder, path) = file("mine.jsonl", PAIRS);
    let out = folder.path().join("scores.json");
    let args = ["eval", "pairs", "--data", path.to_str().unwrap(), "--engine", "scripted:longer", "-o", out.to_str().unwrap()];
    let output = rrm(args);
    assert!(output.status.success(), "{}", stderr(&output));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let mut scores: serde_json::Value = serde_json::from_str(&read("scores.json")).unwrap();
    scores["data"][0]["file"] = "mine.jsonl".into();
    insta::assert_json_snapshot!("an_evaluation", scores);
    let cases: Vec<serde_json::Value> =
        read("scores.json.cases.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(cases.len(), 3);
    insta::assert_json_snapshot!("a_case", cases[0]);
    assert!(read("scores.json.config.toml").starts_with("# rrm 0.1.0 on eval pairs --data "));
    assert!(read("scores.json.stats.json").contains("\"calls\": 6"));
    assert!(!folder.path().join("scores.json.rewardbench.json").exists());
}

#[test]
fn rewardbench_is_also_written_as_its_own_scripts_do() {
    let row = |id: u32, subset: &str, chosen: &str| {
        format!(r#"{{"id":{id},"prompt":"P","chosen":"{chosen}","rejected":"no","subset":"{subset}"}}"#)
    };
    let rows = [row(1, "math-prm", "yes"), row(2, "math-prm", "y"), row(3, "hep-go", "yes"), row(4, "donotanswer", "y")];
    let (folder, path) = file("filtered.jsonl", rows.join("\n"));
    let out = folder.path().join("scores.json");
    let args =
        ["eval", "rewardbench", "--data", path.to_str().unwrap(), "--engine", "scripted:longer", "-o", out.to_str().unwrap()];
    let output = rrm(args);
    assert!(output.status.success(), "{}", stderr(&output));
    let results = std::fs::read_to_string(folder.path().join("scores.json.rewardbench.json")).unwrap();
    insta::assert_snapshot!(results, @r#"
    {
        "chat_template": null,
        "donotanswer": 0.0,
        "hep-go": 1.0,
        "math-prm": 0.5,
        "model": "scripted:longer",
        "model_type": "Generative RM"
    }
    "#);
}

#[test]
fn a_second_run_asks_for_nothing_and_writes_the_same() {
    let (folder, path) = file("mine.jsonl", PAIRS);
    let server = FaultyServer::start(Said::default(), well());
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let run = |out: &str, more: &[&str]| {
        let (out, store) = (at(out), at("store.sqlite"));
        let args = ["eval", "pairs", "--data", path.to_str().unwrap(), "--engine", &server.url, "--store", &store, "-o", &out];
        rrm([&args[..], more].concat())
    };
    // Stopped in the middle: the scores say so, and it is no success.
    let probes = crate::paying::probes(&["eval", "pairs", "--data", path.to_str().unwrap()]);
    let stopped = run("some.json", &["--max-calls", &(probes + 4).to_string()]);
    assert_eq!(stopped.status.code(), Some(1));
    assert!(stderr(&stopped).contains("pairs have no judgment and count as no verdict"), "{}", stderr(&stopped));
    assert!(run("one.json", &[]).status.success());
    assert!(run("two.json", &[]).status.success());
    let read = |name: &str| std::fs::read_to_string(at(name)).unwrap();
    assert_eq!(read("one.json"), read("two.json"));
    assert_eq!(read("one.json.cases.jsonl"), read("two.json.cases.jsonl"));
    assert!(read("one.json.stats.json").contains("\"calls\": 2"), "{}", read("one.json.stats.json"));
    assert!(read("two.json.stats.json").contains("\"calls\": 0"));
}

#[test]
fn what_cannot_be_measured_is_refused_with_a_hint() {
    let (_folder, path) = file("mine.jsonl", PAIRS);
    let path = path.to_str().unwrap();
    let said = |args: &[&str]| {
        let output = rrm(args);
        assert!(matches!(output.status.code(), Some(1 | 2)));
        stderr(&output).replace(path, "mine.jsonl")
    };
    let scripted = ["--engine", "scripted:first"];
    insta::assert_snapshot!(said(&[&["eval", "llmbar", "--data", path], &scripted[..]].concat()), @r#"
    error: mine.jsonl: no rows of llmbar, which have the columns input, output_1, output_2, label; this file has: id, prompt, chosen, rejected, subset
    hint: `rrm eval --list` says what each benchmark holds, docs/eval.md how its files are read
    "#);
    // RM-Bench has the columns of RewardBench, but other rows; the hint for `rrm judge` would not help here.
    let (_other, six) = file("chat.jsonl", r#"{"prompt":"P","chosen":["a","b","c"],"rejected":["x","y","z"],"subset":"chat"}"#);
    let six = six.to_str().unwrap();
    let output = said(&[&["eval", "rewardbench", "--data", six], &scripted[..]].concat()).replace(six, "chat.jsonl");
    insta::assert_snapshot!(output, @r#"
    error: chat.jsonl row 1: exactly 2 responses are needed; found 6
    hint: `rrm eval --list` says what each benchmark holds, docs/eval.md how its files are read
    "#);
    insta::assert_snapshot!(said(&["eval", "pairs", "--data", path]), @r#"
    error: no judge named
    hint: --engine takes http://HOST:PORT, https://HOST, scalar:http://HOST:PORT, local:FOLDER, gguf:FILE, replay:FILE, scripted:RULE
    "#);
    insta::assert_snapshot!(said(&[&["eval", "pairs", "--data", path, "--teams", "off"], &scripted[..]].concat()), @"error: --largest and --teams are for best of N: mmlu-pro, ppe-best-of-k, best-of");
    insta::assert_snapshot!(said(&[&["eval", "llmbar", "--data", path, "--column", "id=x"], &scripted[..]].concat()), @"error: --column is for `rrm eval pairs` and `best-of`; published files are read as they are");
    insta::assert_snapshot!(said(&["eval", "rewardbanch", "--data", path]), @r#"
    error: invalid value 'rewardbanch' for '[BENCHMARK]': no such benchmark; there are rewardbench, rewardbench2, rm-bench, judgebench, pandalm, llmbar, evalbiasbench, ppe, autoj, mt-bench-human, pairs, mmlu-pro, ppe-best-of-k, best-of

    For more information, try '--help'.
    "#);
}

#[test]
fn a_report_shows_runs_side_by_side_and_runs_nothing_of_their_texts() {
    let markup = r#"{"id": "</script><script>hacked=1</script>", "prompt": "P", "chosen": "<img src=x onerror=hacked=1>", "rejected": "no", "subset": "<b>numbers</b>"}"#;
    let (folder, path) = file("mine.jsonl", format!("{PAIRS}{markup}\n"));
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let data = path.to_str().unwrap();
    for (engine, name) in [("scripted:longer", "longer.json"), ("scripted:first", "first.json")] {
        let output = rrm(["eval", "pairs", "--data", data, "--engine", engine, "--store", &at("store"), "-o", &at(name)]);
        assert!(output.status.success(), "{}", stderr(&output));
        std::fs::remove_file(at(&format!("{name}.stats.json"))).unwrap();
    }
    let (one, other) = (at("longer.json"), at("first.json"));
    insta::assert_snapshot!("a_report", stdout(&rrm(["report", &one, &other])));
    let output = rrm(["report", &one, &other, "-o", &at("r.html"), "-o", &at("r.json")]);
    assert!(output.status.success(), "{}", stderr(&output));
    let page = std::fs::read_to_string(at("r.html")).unwrap();
    // The page's own two elements, data and script, and none from the texts.
    assert_eq!(page.matches("<script").count(), 2);
    assert!(!page.contains("<img") && !page.contains("<b>"), "markup of a text is markup of the page");
    assert!(page.contains(r"\u003cimg src=x onerror=hacked=1>") && page.contains("boxed{Assistant 1}"));
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(at("r.json")).unwrap()).unwrap();
    assert_eq!(report["pairings"][0]["cases"], 4);
    let output = rrm(["report", data]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("is no file of scores from `rrm eval -o`"), "{}", stderr(&output));
}

#[test]
fn best_of_n_stands_beside_picks_at_no_cost() {
    let question = |id: u32, right: usize| {
        let response =
            |i: usize| format!(r#"{{"model": "m{i}", "text": "It is {i}.", "pred": "{i}", "correct": {}}}"#, i == right);
        let responses: Vec<String> = (0..4).map(response).collect();
        format!(r#"{{"question_id": "{id}", "question": "Q", "options": ["a", "b"], "responses": [{}]}}"#, responses.join(","))
    };
    let (_folder, path) = file("mine.jsonl", (0..8).map(|id| question(id, id as usize % 4) + "\n").collect::<String>());
    let out = stdout(&rrm(["eval", "mmlu-pro", "--data", path.to_str().unwrap(), "--engine", "scripted:accuracy=1"]));
    let last = out.lines().last().unwrap().split_whitespace().collect::<Vec<_>>();
    // A judge that is never wrong picks the right one of four, in three matches or six.
    assert_eq!(
        (last[0], last[3], last[5], last[6], last[7], last[8], last[9]),
        ("4", "25.00", "100.00", "100.00", "3.0", "100.00", "6.0")
    );
}

#[test]
fn a_plan_of_an_evaluation_is_what_it_then_takes() {
    let (folder, path) = file("mine.jsonl", PAIRS);
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let data = path.to_str().unwrap();
    let votes = ["--votes", "3", "--max-tokens", "50"];
    insta::assert_snapshot!(stdout(&rrm([&["plan", "eval", "pairs", "--data", data], &votes[..]].concat())), @r#"
    pairs              3
    matches            6
    calls              18
    dependent rounds   1
    prompt tokens      about 5540 (4 bytes a token)
    written tokens     at most 900 (50 a call)
    "#);
    let number = |plan: &str, line: &str| -> u64 {
        plan.lines().find_map(|l| l.strip_prefix(line)).unwrap().trim().parse().unwrap_or_else(|_| panic!("{plan}"))
    };
    let mut response = 0;
    let question = |n: usize| {
        let mut one = || {
            response += 1;
            serde_json::json!({"text": format!("It is {response}."), "correct": response % 3 == 0})
        };
        let responses: Vec<_> = (0..n).map(|_| one()).collect();
        serde_json::json!({"prompt": "Q", "responses": responses}).to_string()
    };
    // Two have as many responses as a size of N, two have more.
    let rows = [4, 5, 8, 3].map(question).join("\n");
    std::fs::write(at("own.jsonl"), rows).unwrap();
    let own = at("own.jsonl");
    for (benchmark, data, more) in [
        ("pairs", data, &["--store", "none"][..]),
        ("pairs", data, &["--store", "none", "--official-only"]),
        ("best-of", &own, &["--store", "none"]),
        ("best-of", &own, &["--store", &at("store.sqlite")]),
        ("best-of", &own, &["--store", "none", "--largest", "4"]),
        ("best-of", &own, &["--store", "none", "--largest", "1"]),
        // What costs nothing is not kept unless a store is named.
        ("best-of", &own, &["--engine", "scripted:random"]),
    ] {
        let plan = stdout(&rrm([&["plan", "eval", benchmark, "--data", data], &votes[..], more].concat()));
        let out = at("scores.json");
        let engine: &[&str] = if more.contains(&"--engine") { &[] } else { &["--engine", "scripted:random"] };
        let run = [&["eval", benchmark, "--data", data, "-o", &out], &votes[..], more, engine].concat();
        let output = rrm(run);
        assert!(output.status.success(), "{}", stderr(&output));
        let stats: serde_json::Value = serde_json::from_slice(&std::fs::read(format!("{out}.stats.json")).unwrap()).unwrap();
        assert_eq!(number(&plan, "calls"), stats["spent"]["calls"].as_u64().unwrap(), "{benchmark} {more:?}\n{plan}");
    }
    let said = |args: &[&str]| stderr(&rrm(args));
    insta::assert_snapshot!(said(&["plan", "eval", "pairs"]), @r#"
    error: the following required arguments were not provided:
      --data <PATH>

    Usage: rrm plan eval --data <PATH> <BENCHMARK>

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(said(&["plan", "eval", "best-of", "--data", data, "--official-only"]), @"error: --official-only is for pairs: best of N has no official score");
    insta::assert_snapshot!(said(&["plan", "eval", "pairs", "--data", data, "--engine", "scalar:http://127.0.0.1:1"]), @"error: a plan counts votes; a scalar reward model is asked once for each different response instead");
    insta::assert_snapshot!(said(&["plan", "rank", data, "--data", data]), @r#"
    error: unexpected argument '--data' found

      tip: to pass '--data' as a value, use '-- --data'

    Usage: rrm plan rank <INPUT> [MORE]...

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(said(&["plan", "eval", "pairs", "--data", data, "--largest", "8"]), @"error: --largest and --teams are for best of N: mmlu-pro, ppe-best-of-k, best-of");
}

#[test]
fn own_responses_are_picked_from_and_what_does_not_fit_is_said() {
    let rows = concat!(
        r#"{"id": "a", "query": "Q", "responses": [{"text": "long and right", "correct": true}, {"text": "short", "correct": false}]}"#,
        "\n",
        r#"{"id": "b", "query": "Q", "responses": [{"text": "long but wrong", "correct": false}, {"text": "right", "correct": true}]}"#,
        "\n",
    );
    let (folder, path) = file("mine.jsonl", rows);
    let data = path.to_str().unwrap();
    let out = folder.path().join("out.json");
    let args = ["eval", "best-of", "--data", data, "--column", "prompt=query", "--engine", "scripted:longer"];
    let table = stdout(&rrm([&args[..], &["-o", out.to_str().unwrap()]].concat()));
    insta::assert_snapshot!(table, @r#"
    best of N picked by scripted:longer, percent right
      N  rows   first  random majority  oracle knockout    votes      elo    votes      b-t    votes
      1     2   50.00   50.00        -   50.00    50.00      0.0    50.00      0.0    50.00      0.0
      2     2   50.00   50.00        -  100.00    50.00      1.0    50.00      1.0    50.00      1.0
    "#);
    for figure in ["out.json.svg", "out.json.cost.svg"] {
        let figure = std::fs::read_to_string(folder.path().join(figure)).unwrap();
        assert!(figure.contains("<svg") && figure.contains("knockout"), "{figure}");
    }
    let page = folder.path().join("out.html");
    let report = stdout(&rrm(["report", out.to_str().unwrap()]));
    insta::assert_snapshot!(report, @r#"
    # Judges measured

    Scores and shares are percent, with 95% intervals in parentheses.

    ## Best of N by scripted:longer

    best-of, format rrm, 1 votes a decision, seed 0. How often the pick is right; intervals are over questions.

    | N | questions | first | random | majority | oracle | knockout | Elo | Bradley-Terry | votes: knockout, round robin | tokens: knockout, round robin |
    |--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
    | 1 | 2 | 50.00 (9.5 to 90.5) | 50.00 (9.5 to 90.5) | – | 50.00 (9.5 to 90.5) | 50.00 (9.5 to 90.5) | 50.00 (9.5 to 90.5) | 50.00 (9.5 to 90.5) | 0.0, 0.0 | 0, 0 |
    | 2 | 2 | 50.00 (9.5 to 90.5) | 50.00 (9.5 to 90.5) | – | 100.00 (34.2 to 100.0) | 50.00 (9.5 to 90.5) | 50.00 (9.5 to 90.5) | 50.00 (9.5 to 90.5) | 1.0, 1.0 | 0, 0 |
    "#);
    assert!(rrm(["report", out.to_str().unwrap(), "-o", page.to_str().unwrap()]).status.success());
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(text.contains("<h2>Best of N</h2>") && text.matches("<svg").count() == 2 && !text.contains("<script"), "{text}");
    // One response of each question is nothing to pick from: there is a figure by N, and none by cost.
    let one = folder.path().join("one.json");
    let output = rrm([&args[..], &["--largest", "1", "-o", one.to_str().unwrap()]].concat());
    assert!(output.status.success() && one.exists() && folder.path().join("one.json.svg").exists());
    assert!(!folder.path().join("one.json.cost.svg").exists());
    assert!(rrm(["report", one.to_str().unwrap(), "-o", page.to_str().unwrap()]).status.success());
    let twice = rrm(["report", out.to_str().unwrap(), out.to_str().unwrap()]);
    assert!(stderr(&twice).contains("out.json is named twice"), "{}", stderr(&twice));
    let said = |rows: &str| {
        std::fs::write(&path, rows).unwrap();
        stderr(&rrm(args)).replace(data, "mine.jsonl")
    };
    let unknown = rows.replace(r#", "correct": false}, {"text": "right""#, r#"}, {"text": "right""#);
    insta::assert_snapshot!(said(&unknown), @r#"
    error: mine.jsonl row 2: each response must say whether it is right: `correct` (true or false), or `score` (from 0 to 1)
    hint: `rrm eval --list` says what each benchmark holds, docs/eval.md how its files are read
    "#);
    insta::assert_snapshot!(said(&rows.replace("\"b\"", "\"a\"")), @r#"
    error: mine.jsonl row 2: the id `a` was already used; was a file given twice, or do the rows of two files lack ids?
    hint: `rrm eval --list` says what each benchmark holds, docs/eval.md how its files are read
    "#);
    insta::assert_snapshot!(said(&rows.replace("\"correct\": false}]", "\"score\": 7}]")), @r#"
    error: mine.jsonl row 1: a response is worth from 0 (wrong) to 1 (right); found 7
    hint: `rrm eval --list` says what each benchmark holds, docs/eval.md how its files are read
    "#);
}
