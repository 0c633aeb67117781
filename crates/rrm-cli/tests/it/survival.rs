//! A server that jitters, refuses, talks nonsense, hangs and closes; runs that are killed; full width and one at a time: the rows are the
//! same, byte for byte, and nothing that was stored is asked for again.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        mpsc::{self, Receiver},
    },
    thread,
};

use rrm::{keyed::KeyedRandom, store};

use crate::{
    command,
    faulty_server::{Fault, FaultyServer, Plan, mixed, model::Said},
    stderr,
};

const ROWS: usize = 160;
const KILLS: u64 = 20;

fn pairs(folder: &Path) -> String {
    let row =
        |i: usize| format!("{{\"id\": \"r{i}\", \"prompt\": \"Question {i}?\", \"responses\": [\"yes {i}\", \"no {i}\"]}}\n");
    let path = folder.join("pairs.jsonl");
    std::fs::write(&path, (0..ROWS).map(row).collect::<String>()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// `rrm judge` against this server, its store and output named `name`.
fn judge(folder: &Path, server: &FaultyServer, name: &str, concurrency: &str) -> Command {
    let path = |suffix: &str| folder.join(format!("{name}.{suffix}")).to_str().unwrap().to_owned();
    let mut judge = command();
    judge.args(["judge", &pairs(folder), "--engine", &server.url, "--timeout", "1", "--concurrency", concurrency]);
    judge.args(["--store", &path("sqlite"), "-o", &path("jsonl")]);
    judge
}

/// A plan that also tells about every try, so that a test can act after the n-th without sleeping.
fn watched(plan: Plan) -> (Plan, Receiver<()>) {
    let (tell, told) = mpsc::channel();
    let plan: Plan = Arc::new(move |request, attempt| {
        tell.send(()).ok();
        plan(request, attempt)
    });
    (plan, told)
}

/// Runs to the end and gives the rows and what was spent.
fn finish(mut judge: Command, folder: &Path, name: &str) -> (Vec<u8>, serde_json::Value) {
    let output = judge.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let stats = std::fs::read(folder.join(format!("{name}.jsonl.stats.json"))).unwrap();
    (std::fs::read(folder.join(format!("{name}.jsonl"))).unwrap(), serde_json::from_slice(&stats).unwrap())
}

#[test]
fn rows_do_not_depend_on_faults_width_or_kills() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();

    // One at a time means waiting for every fault: that run goes on beside the others, and only first tries fail.
    let beside = folder.to_owned();
    let alone = thread::spawn(move || {
        let faults = mixed();
        let once: Plan = Arc::new(move |request, attempt| if attempt == 0 { faults(request, 0) } else { Fault::None });
        let server = FaultyServer::start(Said::default(), once);
        finish(judge(&beside, &server, "alone", "1"), &beside, "alone")
    });

    let server = FaultyServer::start(Said::default(), mixed());
    let (together, _) = finish(judge(folder, &server, "together", "256"), folder, "together");
    assert!(server.most_in_flight() > 4, "nothing ran at once");
    let (killed, kept) = killed_again_and_again(folder);

    let (alone, stats) = alone.join().unwrap();
    assert_eq!(stats["spent"]["calls"], ROWS);
    assert!(stats["http"]["retries"].as_u64().unwrap() > ROWS as u64 / 2, "the server hardly failed: {stats}");
    let text = String::from_utf8(alone.clone()).unwrap();
    assert_eq!(text.lines().count(), ROWS);
    let ids: Vec<String> =
        text.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["id"].to_string()).collect();
    assert_eq!(ids, (0..ROWS).map(|i| format!("\"r{i}\"")).collect::<Vec<_>>(), "every row once, in order");
    assert!(!text.contains("\"error\""));

    assert!(alone == together, "concurrency 1 and 256 differ");
    assert!(kept > 0, "the kills came before anything was stored: {kept}");
    assert!(alone == killed, "a run that was killed {KILLS} times differs");
}

/// A command and its rows; it asks about as much as the one above.
fn jobs(folder: &Path) -> [(&'static str, Vec<String>, &'static [&'static str]); 3] {
    let write = |name: &str, rows: usize, row: &dyn Fn(usize) -> String| {
        let path = folder.join(name);
        std::fs::write(&path, (0..rows).map(row).collect::<String>()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let four = write("four.jsonl", ROWS / 3, &|i| {
        format!("{{\"id\":\"r{i}\",\"prompt\":\"Question {i}?\",\"responses\":[\"a{i}\",\"b{i}\",\"c{i}\",\"d{i}\"]}}\n")
    });
    let pair = write("labelled.jsonl", ROWS / 2, &|i| {
        format!("{{\"id\":\"p{i}\",\"prompt\":\"Question {i}?\",\"chosen\":\"yes {i}\",\"rejected\":\"no {i}\"}}\n")
    });
    let elo = ["--strategy", "elo", "--pairs", "all", "--opponents", "2"].map(str::to_owned);
    [
        ("rank", vec![four.clone()], &["jsonl"]),
        ("label", [vec![four], elo.into()].concat(), &["jsonl", "jsonl.dropped.jsonl"]),
        ("eval", vec!["pairs".to_owned(), "--data".to_owned(), pair], &["jsonl", "jsonl.cases.jsonl"]),
    ]
}

#[test]
fn every_command_that_judges_survives_kills() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    thread::scope(|scope| {
        for (name, args, files) in jobs(folder) {
            scope.spawn(move || {
                // One server for both, since an evaluation names its judge with its address.
                let (plan, tries) = watched(mixed());
                let server = FaultyServer::start(Said::default(), plan);
                let command = |run: &str| {
                    let path = |suffix: &str| folder.join(format!("{name}-{run}.{suffix}"));
                    let mut command = command();
                    command.arg(name).args(&args).args(["--engine", &server.url, "--timeout", "1", "--concurrency", "8"]);
                    command.arg("--store").arg(path("sqlite")).arg("-o").arg(path("jsonl"));
                    command
                };
                kill_again_and_again(&tries, &|| command("killed"), &folder.join(format!("{name}-killed.jsonl")));
                let kept = store::stats(folder.join(format!("{name}-killed.sqlite"))).unwrap().completions;
                assert!(kept > 0, "{name}: the kills came before anything was stored");
                let (_, stats) = finish(command("killed"), folder, &format!("{name}-killed"));
                assert_eq!(stats["spent"]["reused"], kept, "{name}: a stored completion was asked for again");
                finish(command("quiet"), folder, &format!("{name}-quiet"));
                for file in files {
                    let read = |run: &str| std::fs::read(folder.join(format!("{name}-{run}.{file}"))).unwrap();
                    assert!(read("killed") == read("quiet"), "{name}: {file} of a run that was killed {KILLS} times differs");
                }
                assert!(std::fs::metadata(folder.join(format!("{name}-quiet.jsonl"))).unwrap().len() > 1000);
            });
        }
    });
}

/// Starts a run and kills it after a number of requests that is drawn, again and again; nothing may appear under the name of its output.
fn kill_again_and_again(tries: &Receiver<()>, command: &dyn Fn() -> Command, out: &Path) {
    let mut keyed = KeyedRandom::new(1, "survival", "kill", &[]);
    for kill in 0..KILLS {
        let mut child = command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        for _ in 0..8 + keyed.below(12) {
            tries.recv().unwrap();
        }
        assert!(child.try_wait().unwrap().is_none(), "run {kill} ended before it was killed");
        child.kill().unwrap();
        child.wait().unwrap();
        tries.try_iter().for_each(drop);
        assert!(!out.exists(), "something half-written appeared under the final name");
    }
}

/// The rows of a run that was killed and started again, and how many completions were stored before it was let be.
fn killed_again_and_again(folder: &Path) -> (Vec<u8>, u64) {
    let (plan, tries) = watched(mixed());
    let server = FaultyServer::start(Said::default(), plan);
    let killed = || judge(folder, &server, "killed", "8");
    kill_again_and_again(&tries, &killed, &folder.join("killed.jsonl"));
    let kept = store::stats(folder.join("killed.sqlite")).unwrap().completions;
    let (killed, stats) = finish(judge(folder, &server, "killed", "8"), folder, "killed");
    assert_eq!(stats["spent"]["reused"], kept, "a stored completion was asked for again");
    assert_eq!(stats["spent"]["calls"], ROWS as u64 - kept);
    let twice: u64 = server.answers().values().filter(|n| **n > 1).map(|n| n - 1).sum();
    eprintln!(
        "{KILLS} kills: {kept} of {ROWS} completions were stored before the last run; {twice} answers came twice, probes among them"
    );
    (killed, kept)
}
