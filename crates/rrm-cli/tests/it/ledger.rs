//! One ledger and one identity for a whole run: servers that come back as others, refusals that leave nothing behind, disks that are full, outputs that
//! two runs want at once.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

use rrm::store;
use serde_json::{Value, json};

use crate::{
    command,
    faulty_server::{
        Fault, FaultyServer, Plan,
        model::{Continues, Said},
        well,
    },
    paying::{judge, probes, rows, server},
    stderr,
};

pub fn many(folder: &Path, name: &str, rows: usize, responses: usize) -> String {
    let row = |i: usize| {
        let texts: Vec<String> = (0..responses).map(|n| format!("answer {n} to {i}")).collect();
        json!({"id": format!("r{i}"), "prompt": format!("Question {i}?"), "responses": texts}).to_string() + "\n"
    };
    let path = folder.join(name);
    std::fs::write(&path, (0..rows).map(row).collect::<String>()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn stats(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn stored(folder: &Path) -> u64 {
    store::stats(folder.join("store.sqlite")).unwrap().completions
}

/// A server that is away for a moment after so many requests, and has these weights when it is back; a run over rows meanwhile.
fn restarted(folder: &Path, data: &str, after: u64, weights: u64) -> (FaultyServer, Output) {
    let (away, counted) = (Arc::new(AtomicBool::new(false)), AtomicU64::new(0));
    let (tell, told) = mpsc::channel();
    let is_away = away.clone();
    let plan: Plan = Arc::new(move |_, _| {
        if counted.fetch_add(1, SeqCst) == after {
            is_away.store(true, SeqCst);
            tell.send(()).ok();
        }
        if is_away.load(SeqCst) { Fault::Status(503) } else { Fault::Late(2) }
    });
    let server = FaultyServer::start(Said::default(), plan);
    let output = thread::scope(|scope| {
        let run = scope.spawn(|| judge(folder, data, &server.url, &[]));
        told.recv().unwrap();
        server.said().weights.store(weights, SeqCst);
        thread::sleep(Duration::from_millis(100));
        away.store(false, SeqCst);
        run.join().unwrap()
    });
    (server, output)
}

#[test]
fn a_server_that_comes_back_as_another_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, data) = (folder.path(), many(folder.path(), "pairs.jsonl", 60, 2));
    let known = probes(&["judge", &data]);
    let (server, output) = restarted(folder, &data, known + 20, 2);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("it was away in the middle of this run and came back as another"), "{said}");
    assert!(said.contains("remembers judge since 2") && said.contains("--same-weights"), "{said}");
    let kept = stored(folder);
    assert!((15..=20).contains(&kept), "what came from the first is stored, and nothing of the other: {kept}");
    assert!(server.requests() < known + 60, "{} requests", server.requests());
    // The first of them goes on.
    server.said().weights.store(1, SeqCst);
    let whole = judge(folder, &data, &server.url, &[]);
    assert!(whole.status.success() && stderr(&whole).contains(&format!("({kept} from the store)")), "{}", stderr(&whole));
}

#[test]
fn a_server_that_comes_back_as_it_was_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, data) = (folder.path(), many(folder.path(), "pairs.jsonl", 60, 2));
    let known = probes(&["judge", &data]);
    let (server, output) = restarted(folder, &data, known + 20, 1);
    assert!(output.status.success(), "{}", stderr(&output));
    let spent = &stats(&folder.join("out.jsonl.stats.json"))["spent"];
    let number = |name: &str| spent[name].as_u64().unwrap();
    assert_eq!(number("calls"), 60, "{spent}");
    assert!(number("probes") >= known + 3, "it was not asked who it is: {spent}");
    assert_eq!(number("calls") + number("again") + number("probes"), server.requests());
}

#[test]
fn a_run_that_is_refused_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, first) = (folder.path(), rows(folder.path(), "first.jsonl", "r"));
    let second = rows(folder, "second.jsonl", "s");
    let (one, two, three) = (server(1, "judge"), server(2, "judge"), server(3, "judge"));
    let well = |output: Output| assert!(output.status.success(), "{}", stderr(&output));
    well(judge(folder, &first, &one.url, &[]));
    well(judge(folder, &second, &two.url, &["--pay-again"]));
    let known = store::stats(folder.join("store.sqlite")).unwrap().engines;
    let of_one = known.iter().find(|engine| engine.engine.contains(&one.url)).unwrap().fingerprint[..16].to_owned();
    // Said to be the first, and asked for what only the second answered.
    let refused = judge(folder, &second, &three.url, &[&format!("--same-weights={of_one}")]);
    let said = stderr(&refused);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("under another fingerprint"), "{said}");
    let other = judge(folder, &first, &three.url, &[]);
    assert_eq!(other.status.code(), Some(1), "the refused run was remembered: {}", stderr(&other));
    assert!(stderr(&other).contains("this server answers otherwise"), "{}", stderr(&other));
    well(judge(folder, &first, &three.url, &[&format!("--same-weights={of_one}")]));
    well(judge(folder, &first, &three.url, &[]));
}

#[test]
fn a_run_that_is_refused_made_no_call() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, first) = (folder.path(), rows(folder.path(), "first.jsonl", "r"));
    let server = server(1, "judge");
    assert!(judge(folder, &first, &server.url, &["--model", "judge"]).status.success());
    server.said().weights.store(2, SeqCst);
    let before = stats(&folder.join("out.jsonl.spent.json"));
    let refused = judge(folder, &rows(folder, "second.jsonl", "s"), &server.url, &["--model", "judge"]);
    let said = stderr(&refused);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("Nothing was paid for") && said.contains("before it ended: 0 calls (0 from the store)"), "{said}");
    let after = stats(&folder.join("out.jsonl.spent.json"));
    assert_eq!(after["spent"]["calls"], before["spent"]["calls"]);
    assert_eq!(after["spent"]["unfinished"], 0, "{after}");
}

#[test]
fn a_store_that_takes_nothing_more_stops_what_would_be_paid() {
    const RESPONSES: usize = 24;
    let folder = tempfile::tempdir().unwrap();
    let data = many(folder.path(), "one.jsonl", 1, RESPONSES);
    let server = FaultyServer::start(Said::default(), Arc::new(|_, _| Fault::Late(5)));
    let mut limited = Command::new("sh");
    // No file may grow further, as on a disk that fills up.
    limited.args(["-c", "trap '' XFSZ; ulimit -f 400; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_rrm")]);
    limited.args(["rank", &data, "--strategy", "elo", "--engine", &server.url, "--concurrency", "4", "--revision", "r"]);
    limited.arg("--store").arg(folder.path().join("store.sqlite")).env_remove("RRM_API_KEY");
    let output = limited.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("store.sqlite: "), "{}", stderr(&output));
    let matches = (RESPONSES * (RESPONSES - 1) / 2) as u64;
    assert!(server.requests() < matches / 2, "{} requests for {matches} matches", server.requests());
}

#[test]
fn what_is_in_flight_at_a_limit_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let question = |i: usize| json!({"question_id": i, "question": format!("Who is it in round {i}?"), "options": ["Assistant 1", "Assistant 2"], "answer": "A", "category": "people"});
    let questions = folder.join("questions.jsonl");
    std::fs::write(&questions, (0..30).map(|i| question(i).to_string() + "\n").collect::<String>()).unwrap();
    let answers = folder.join("answers.jsonl");
    let answer = |i: usize| {
        let responses: Vec<Value> = (0..4).map(|n| json!({"text": format!("answer {n} to {i}"), "correct": n == 0})).collect();
        json!({"id": format!("q{i}"), "prompt": format!("Question {i}?"), "responses": responses})
    };
    std::fs::write(&answers, (0..30).map(|i| answer(i).to_string() + "\n").collect::<String>()).unwrap();
    let (questions, answers) = (questions.to_str().unwrap(), answers.to_str().unwrap());
    let commands =
        [vec!["pairs", questions, "--samples", "3", "--near-duplicates", "2"], vec!["eval", "best-of", "--data", answers]];
    for words in commands {
        // The answers come one after the other, so that some are on their way when the limit is met.
        let late: Plan = Arc::new(|request, _| Fault::Late(5 + request % 40));
        let server = FaultyServer::start(Said::default(), late);
        let store = folder.join(format!("{}.sqlite", words[0]));
        let mut run = command();
        run.args(&words).args([
            "--engine",
            &server.url,
            "--concurrency",
            "16",
            "--max-calls",
            "60",
            "--revision",
            "r",
            "--store",
        ]);
        let output = run.arg(&store).arg("-o").arg(folder.join("out.json")).output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("stopped by --max-calls 60"), "{said}");
        let asked = said.split(" more requests to identify").next().unwrap().rsplit(' ').next().unwrap();
        let paid = server.requests() - asked.parse::<u64>().unwrap();
        assert_eq!((server.requests(), store::stats(&store).unwrap().completions), (60, paid), "{words:?}: {said}");
    }
}

#[test]
fn two_runs_do_not_write_one_output() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, data) = (folder.path(), rows(folder.path(), "pairs.jsonl", "r"));
    let (tell, told) = mpsc::channel();
    let plan: Plan = Arc::new(move |_, _| {
        tell.send(()).ok();
        Fault::Hang
    });
    let server = FaultyServer::start(Said::default(), plan);
    let run = || {
        let mut judge = command();
        judge.args(["judge", &data, "--engine", &server.url, "--store", "none", "-o"]).arg(folder.join("out.jsonl"));
        judge
    };
    let mut first = run().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    told.recv().unwrap();
    let second = run().output().unwrap();
    let said = stderr(&second);
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("out.jsonl: is being written by another run (process {}, judge)", first.id())), "{said}");
    // Whoever was killed holds nothing, and whoever ends leaves nothing.
    server.set_plan(well());
    let third = run().output().unwrap();
    assert!(third.status.success(), "{}", stderr(&third));
    assert!(!folder.join("out.jsonl.lock").exists());
}

#[test]
fn budgets_that_are_impossible_are_refused_before_others_are_paid_for() {
    let folder = tempfile::tempdir().unwrap();
    let row = |i: usize| {
        json!({"id": format!("p{i}"), "prompt": format!("Question {i}?"), "chosen": format!("yes {i}"), "rejected": format!("no {i}")}).to_string() + "\n"
    };
    let data = folder.path().join("pairs.jsonl");
    std::fs::write(&data, (0..4).map(row).collect::<String>()).unwrap();
    let server = FaultyServer::start(Said { continues: Continues::Never, ..Said::default() }, well());
    let store = folder.path().join("store.sqlite");
    let tune = |budgets: &str| {
        let mut tune = command();
        tune.args(["tune", "--votes", "1", "--budgets", budgets, "--engine", &server.url, "--data"]).arg(&data);
        tune.arg("--store").arg(&store).output().unwrap()
    };
    // The second time the server is remembered without an answer to this question.
    for budgets in ["none,2000", "none", "none,2000"] {
        let output = tune(budgets);
        let said = stderr(&output);
        assert_eq!(output.status.success(), budgets == "none", "{said}");
        if budgets != "none" {
            assert!(said.contains("no budget of thinking is possible"), "{said}");
            assert!(said.contains("before it ended: 0 calls (0 from the store)"), "{said}");
        }
    }
}

#[test]
fn a_store_that_cannot_be_written_answers_what_it_holds() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (folder, data) = (folder.path(), rows(folder.path(), "pairs.jsonl", "r"));
    let server = server(1, "judge");
    assert!(judge(folder, &data, &server.url, &["--model", "judge"]).status.success());
    let more = std::fs::read_to_string(&data).unwrap() + &std::fs::read_to_string(rows(folder, "more.jsonl", "s")).unwrap();
    let all = folder.join("all.jsonl");
    std::fs::write(&all, more).unwrap();
    let place = folder.join("closed");
    std::fs::create_dir(&place).unwrap();
    std::fs::copy(folder.join("store.sqlite"), place.join("store.sqlite")).unwrap();
    let mode = |mode: u32| {
        let set = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        set(&place.join("store.sqlite"), 0o444 | (mode & 0o200));
        set(&place, mode);
        set(folder, 0o777);
    };
    mode(0o555);
    // Nothing is closed to root.
    let is_root = std::fs::File::create(place.join("probe")).is_ok();
    let run = |data: &Path, out: &str| {
        let mut judge = if is_root { Command::new("setpriv") } else { Command::new("env") };
        let nobody: &[&str] = if is_root { &["--reuid=65534", "--regid=65534", "--clear-groups"] } else { &[] };
        judge.args(nobody).arg(env!("CARGO_BIN_EXE_rrm")).args(["judge", data.to_str().unwrap(), "--engine", &server.url]);
        judge.args(["--model", "judge", "--store"]).arg(place.join("store.sqlite")).arg("-o").arg(folder.join(out));
        judge.env_remove("RRM_API_KEY").output()
    };
    let before = server.requests();
    let (Ok(held), Ok(asked)) = (run(Path::new(&data), "held.jsonl"), run(&all, "asked.jsonl")) else {
        mode(0o755);
        crate::skipping::skipped("there is no setpriv");
        return;
    };
    mode(0o755);
    if stderr(&held).contains("setpriv:") || stderr(&held).contains("Permission denied") && !stderr(&held).contains("rows in") {
        crate::skipping::skipped(&stderr(&held));
        return;
    }
    assert!(held.status.success() && stderr(&held).contains("0 calls (8 from the store)"), "{}", stderr(&held));
    let said = stderr(&asked);
    assert_eq!(asked.status.code(), Some(1), "{said}");
    assert!(said.contains("8 of 16 rows have no result") && said.contains("is read-only, and this needs a new call"), "{said}");
    assert_eq!(server.requests(), before, "nothing was paid for");
}

#[test]
fn the_base_judge_of_pairs_has_weights_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let row = |i: usize| json!({"question_id": i, "question": format!("Who is it in round {i}?"), "options": ["Assistant 1", "Assistant 2"], "answer": "A", "category": "people"});
    let input = folder.join("questions.jsonl");
    std::fs::write(&input, (0..20).map(|i| row(i).to_string() + "\n").collect::<String>()).unwrap();
    let (one, two) = (server(1, "judge"), server(2, "judge"));
    let make = |more: &[&str]| {
        let mut make = command();
        make.args(["pairs", input.to_str().unwrap(), "--samples", "3", "--near-duplicates", "2", "--engine", &one.url]);
        make.args(["--filter-engine", &two.url, "--store"]).arg(folder.join("store.sqlite"));
        make.args(more).arg("-o").arg(folder.join("pairs.jsonl")).output().unwrap()
    };
    let engines = || {
        let found = stats(&folder.join("pairs.jsonl.stats.json"));
        ["sampling", "filter"].map(|part| found[part]["engine"]["fingerprint"].as_str().unwrap().to_owned())
    };
    let named = make(&["--revision", "a", "--filter-revision", "b"]);
    assert!(named.status.success(), "{}", stderr(&named));
    let both = engines();
    assert_ne!(both[0], both[1]);
    // The name of the one's weights is no name of the other's.
    std::fs::remove_file(folder.join("store.sqlite")).unwrap();
    let one_named = make(&["--revision", "a"]);
    assert!(one_named.status.success(), "{}", stderr(&one_named));
    let (sampler, filter) = (both[0].clone(), engines());
    assert_eq!(filter[0], sampler);
    assert_ne!(filter[1], sampler);
    let again = make(&["--revision", "a"]);
    assert!(again.status.success(), "{}", stderr(&again));
    let said = stderr(&again);
    assert!(said.contains(&format!("judge at {}: no request was sent", two.url)), "{said}");
}
