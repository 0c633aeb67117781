//! Limits and accounts hold over a whole command: what the server counted is what is reported, whatever fails, waits, or ends the run.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
    sync::{Arc, mpsc},
};

use serde_json::{Value, json};

use crate::{
    command,
    faulty_server::{Fault, FaultyServer, Plan, mixed, model::Said, well},
    stderr,
};

const PAIRS: usize = 10;

fn pairs(folder: &Path, rows: usize) -> String {
    let row = |i: usize| json!({"id": format!("p{i}"), "prompt": format!("Question {i}?"), "chosen": format!("yes {i}"), "rejected": format!("no {i}")});
    let path = folder.join("pairs.jsonl");
    std::fs::write(&path, (0..rows).map(|i| row(i).to_string() + "\n").collect::<String>()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn server(plan: Plan) -> FaultyServer {
    FaultyServer::start(Said::default(), plan)
}

/// What a command takes of a server that fails as `plan` says, what it takes to get to know it included.
fn counted(plan: fn() -> Plan, run: impl Fn(&FaultyServer, &[&str]) -> Output, limit: &[&str]) -> (u64, Output) {
    let server = server(plan());
    let output = run(&server, limit);
    (server.requests(), output)
}

/// All requests that are told of a run.
fn requests(spent: &Value) -> u64 {
    ["calls", "again", "probes"].iter().map(|kind| spent[kind].as_u64().unwrap()).sum()
}

/// Calls, tries and what was asked to find out who judges, as a line of the account tells them.
fn told(output: &Output) -> u64 {
    let text = stderr(output);
    let line =
        text.lines().rfind(|line| line.contains(" calls (") && !line.contains("all runs")).unwrap_or_else(|| panic!("{text}"));
    let number = |before: &str| {
        let words = line.split(before).next()?;
        words.rsplit(' ').next()?.parse::<u64>().ok()
    };
    let again = if line.contains("sent again") {
        line.split("sent again ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
    } else {
        0
    };
    number(" calls (").unwrap() + again + number(" more requests to identify the server").unwrap_or(0)
}

fn stats(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_limit_of_calls_is_one_of_all_budgets_and_the_account_too() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, data) = (folder.path(), pairs(folder.path(), PAIRS));
    let out = folder.join("tuned.json");
    let tune = |server: &FaultyServer, more: &[&str]| {
        let mut tune = command();
        tune.args([
            "tune",
            "--data",
            &data,
            "--engine",
            &server.url,
            "--votes",
            "2",
            "--budgets",
            "none,2000",
            "--store",
            "none",
        ]);
        tune.args(["--max-retries", "0", "-o", out.to_str().unwrap()]).args(more).output().unwrap()
    };
    // Each budget takes ten pairs, two orders, two votes: 40.
    let (sent, whole) = counted(well, tune, &[]);
    assert!(whole.status.success(), "{}", stderr(&whole));
    assert_eq!(sent, told(&whole), "{}", stderr(&whole));
    let spent = &stats(&folder.join("tuned.json.stats.json"))["spent"];
    assert_eq!((spent["calls"].as_u64(), requests(spent)), (Some(80), sent));
    let probes = sent - 80;
    assert!(probes > 10, "{probes}");
    let most = probes + 50;
    let (sent, limited) = counted(well, tune, &["--max-calls", &most.to_string()]);
    assert_eq!(limited.status.code(), Some(1), "{}", stderr(&limited));
    assert!(stderr(&limited).contains(&format!("stopped by --max-calls {most}")), "{}", stderr(&limited));
    assert_eq!((sent, told(&limited)), (most, most), "{}", stderr(&limited));
    // Too few to find out who judges: none of them is a call.
    for most in 0..probes {
        let (sent, limited) = counted(well, tune, &["--max-calls", &most.to_string()]);
        let said = stderr(&limited);
        assert_eq!(limited.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("stopped by --max-calls {most} before the server was identified")), "{said}");
        assert_eq!(sent, most, "{said}");
        assert!(most == 0 || said.contains("before it ended: 0 calls") && told(&limited) == most, "{said}");
    }
}

#[test]
fn a_limit_of_calls_is_one_of_who_writes_and_who_sifts() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let row = |i: usize| json!({"question_id": i, "question": format!("Who is it in round {i}?"), "options": ["Assistant 1", "Assistant 2"], "answer": "A", "category": "people"});
    let input = folder.join("questions.jsonl");
    std::fs::write(&input, (0..20).map(|i| row(i).to_string() + "\n").collect::<String>()).unwrap();
    let out = folder.join("pairs.jsonl");
    let make = |server: &FaultyServer, more: &[&str]| {
        let mut make = command();
        make.args(["pairs", input.to_str().unwrap(), "--samples", "3", "--near-duplicates", "2", "--store", "none"]);
        make.args(["--engine", &server.url, "--filter-engine", &server.url, "--filter-votes", "2"]);
        make.args(["-o", out.to_str().unwrap()]).args(more).output().unwrap()
    };
    let (sent, whole) = counted(well, make, &[]);
    assert!(whole.status.success(), "{}", stderr(&whole));
    let found = stats(&folder.join("pairs.jsonl.stats.json"));
    let calls = |part: &str| found[part]["spent"]["calls"].as_u64().unwrap();
    assert_eq!(calls("sampling"), 60);
    assert!(calls("filter") > 0);
    assert_eq!(requests(&found["sampling"]["spent"]) + requests(&found["filter"]["spent"]), sent);
    // Enough for either of the two, and not for both.
    let most = (sent - 1).to_string();
    // One at a time: what is in flight when a limit ends a run may be counted here and never reach the server.
    let (sent, limited) =
        counted(well, |server, more| make(server, &[more, &["--concurrency", "1"]].concat()), &["--max-calls", &most]);
    assert_eq!(limited.status.code(), Some(1), "{}", stderr(&limited));
    assert_eq!((sent.to_string(), told(&limited).to_string()), (most.clone(), most), "{}", stderr(&limited));
}

#[test]
fn tries_and_time_outs_count_as_the_server_counts_them() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, data) = (folder.path(), pairs(folder.path(), 60));
    let out = folder.join("out.jsonl");
    let judge = |server: &FaultyServer, more: &[&str]| {
        let mut judge = command();
        judge.args(["judge", &data, "--engine", &server.url, "--timeout", "1", "--store", "none", "--revision", "r"]);
        judge.args(["-o", out.to_str().unwrap()]).args(more).output().unwrap()
    };
    for (limit, failed) in [(&[][..], false), (&["--max-calls", "45"][..], true)] {
        let (sent, output) = counted(mixed, judge, limit);
        assert_eq!(output.status.code(), Some(i32::from(failed)), "{}", stderr(&output));
        let spent = &stats(&folder.join("out.jsonl.stats.json"))["spent"];
        let again = spent["again"].as_u64().unwrap();
        // Under the limit all calls may be first tries, as many are in flight.
        assert!(failed || again > 20, "the server hardly failed: {spent}");
        assert_eq!((requests(spent), told(&output)), (sent, sent), "{}", stderr(&output));
        assert!(!failed || sent == 45, "{sent}");
    }
}

/// Starts a judge whose server hangs after so many requests, and asks it to end.
fn interrupted(signal: &str) -> (u64, Output) {
    const SERVED: usize = 12;
    let folder = tempfile::tempdir().unwrap();
    let data = pairs(folder.path(), 60);
    let judge = |server: &FaultyServer| {
        let mut judge = command();
        judge.args(["judge", &data, "--engine", &server.url, "--store", "none", "--concurrency", "1", "--revision", "r"]);
        judge
    };
    let first = server(well());
    let out = folder.path().join("first.jsonl");
    judge(&first).arg("-o").arg(&out).output().unwrap();
    let probes = stats(&folder.path().join("first.jsonl.stats.json"))["spent"]["probes"].as_u64().unwrap();
    let (tell, tries) = mpsc::channel();
    let served = std::sync::atomic::AtomicUsize::new(0);
    let plan: Plan = Arc::new(move |_, _| {
        let nth = served.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let hangs = nth >= SERVED + probes as usize;
        if hangs {
            tell.send(()).ok();
        }
        if hangs { Fault::Hang } else { Fault::None }
    });
    let server = server(plan);
    let child = judge(&server).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    tries.recv().unwrap();
    Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(server.requests(), probes + SERVED as u64 + 1);
    (server.requests(), output)
}

#[test]
fn whoever_is_interrupted_says_what_was_spent() {
    for signal in ["-INT", "-TERM"] {
        let (sent, output) = interrupted(signal);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(130), "{said}");
        assert!(said.contains("error: interrupted; nothing was written"), "{said}");
        assert_eq!(sent, told(&output), "{said}");
    }
}

/// Runs that a limit ends, that are killed and that go on: what they have spent together is what the server counted of all of them.
#[test]
fn what_all_runs_of_a_job_have_spent_is_kept_and_said() {
    const KILLS: usize = 4;
    let folder = tempfile::tempdir().unwrap();
    let (folder, data) = (folder.path(), pairs(folder.path(), 200));
    let (out, store) = (folder.join("out.jsonl"), folder.join("store.sqlite"));
    let judge = |server: &FaultyServer| {
        let mut judge = command();
        judge.args(["judge", &data, "--engine", &server.url, "--concurrency", "1", "--revision", "r"]);
        judge.arg("-o").arg(&out).arg("--store").arg(&store).stdout(Stdio::null()).stderr(Stdio::piped());
        judge
    };
    let total = || stats(&folder.join("out.jsonl.spent.json"));
    let tries = |total: &Value| requests(&total["spent"]);
    // Who spends nothing leaves nothing.
    let first = server(well());
    judge(&first).args(["--max-calls", "0"]).output().unwrap();
    assert_eq!(first.requests(), 0);
    assert!(!folder.join("out.jsonl.spent.json").exists());

    let (tell, told) = mpsc::channel();
    let plan: Plan = Arc::new(move |request, _| {
        tell.send(()).ok();
        if request.is_multiple_of(4) { Fault::Late(2) } else { Fault::None }
    });
    let server = server(plan);
    let mut expected = Vec::new();
    for _ in 0..KILLS {
        let before = server.requests();
        let mut child = judge(&server).spawn().unwrap();
        for _ in 0..14 {
            told.recv().unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        told.try_iter().for_each(drop);
        expected.push(server.requests() - before);
    }
    let killed = total();
    assert_eq!(killed["runs"], KILLS);
    // Never less than was sent; what was written down and never sent is in flight or told ahead.
    let (counted, open) = (expected.iter().sum::<u64>(), killed["open"].as_u64().unwrap_or(0));
    assert!((tries(&killed) - open..=tries(&killed)).contains(&counted), "{killed}, the server counted {counted}");
    assert!(open <= 17 * KILLS as u64, "{killed}");

    let limited = judge(&server).args(["--max-calls", "5"]).output().unwrap();
    assert_eq!(limited.status.code(), Some(1), "{}", stderr(&limited));
    assert_eq!(tries(&total()), tries(&killed) + 5);
    assert!(stderr(&limited).contains("all runs together: "), "{}", stderr(&limited));
    let at_most =
        format!("this is an upper limit: {open} of these calls had no answer, or were perhaps not sent, when a run was killed");
    assert_eq!(stderr(&limited).contains(&at_most), open > 0, "{}", stderr(&limited));
    let before = server.requests();
    let whole = judge(&server).output().unwrap();
    assert!(whole.status.success(), "{}", stderr(&whole));
    assert_eq!(tries(&total()), tries(&killed) + 5 + server.requests() - before);
    let found = stats(&folder.join("out.jsonl.stats.json"));
    assert_eq!(found["total"]["runs"], KILLS + 2);
    assert_eq!(tries(&found["total"]), tries(&total()));
    // A run that asks for nothing changes nothing, and says what the job has cost all the same.
    let again = judge(&server).output().unwrap();
    assert!(
        stderr(&again).contains("all runs together: ") && stderr(&again).contains("0 calls (200 from the store)"),
        "{}",
        stderr(&again)
    );
    assert_eq!(tries(&stats(&folder.join("out.jsonl.stats.json"))["total"]), tries(&total()));
    // An account that a crash has cut is no account, and stands in nobody's way.
    let cut = folder.join("cut.jsonl");
    std::fs::write(folder.join("cut.jsonl.spent.json"), "").unwrap();
    for _ in 0..2 {
        let mut judge = command();
        judge.args(["judge", &data, "--engine", &server.url, "--revision", "r", "--store", "none", "-o"]).arg(&cut);
        let output = judge.output().unwrap();
        assert!(output.status.success() && stderr(&output).contains("that account was cut"), "{}", stderr(&output));
    }
    assert_eq!(stats(&folder.join("cut.jsonl.spent.json"))["spent"]["calls"], 400);
    // Somebody's file is not written over.
    std::fs::write(folder.join("out.jsonl.spent.json"), "mine").unwrap();
    let refused = judge(&server).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("out.jsonl.spent.json: is no account of what was spent"), "{}", stderr(&refused));
}

#[test]
fn requests_in_flight_are_as_many_as_said() {
    let folder = tempfile::tempdir().unwrap();
    let data = pairs(folder.path(), 40);
    for command_of in [
        &["judge", &data][..],
        &["rank", &data],
        &["label", &data],
        &["eval", "pairs", "--data", &data],
        &["tune", "--data", &data],
    ] {
        let most = |concurrency: &str| {
            let server = server(Arc::new(|_, _| Fault::Late(4)));
            let output = command()
                .args(command_of)
                .args(["--engine", &server.url, "--store", "none", "--revision", "r", "--concurrency", concurrency])
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", stderr(&output));
            server.most_in_flight()
        };
        assert_eq!(most("1"), 1, "{command_of:?}");
        assert!((2..=5).contains(&most("5")), "{command_of:?}");
    }
}

#[test]
fn a_recording_that_cannot_be_written_ends_the_run_before_all_rows_are_paid_for() {
    let folder = tempfile::tempdir().unwrap();
    let data = pairs(folder.path(), 2000);
    let full = Path::new("/dev/full");
    if full.exists() {
        let output = command().args(["judge", &data, "--engine", "scripted:first", "--record", "/dev/full"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(stderr(&output).contains("/dev/full: No space left on device"), "{}", stderr(&output));
    }
    // No file may grow beyond a few thousand bytes, as on a disk that fills up while the run goes on.
    let server = server(well());
    let record = folder.path().join("record.jsonl");
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_rrm")]);
    limited.args(["judge", &data, "--engine", &server.url, "--store", "none", "--record", record.to_str().unwrap()]);
    limited.args(["--concurrency", "4"]).env_remove("RRM_API_KEY");
    let output = limited.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("record.jsonl: File too large"), "{}", stderr(&output));
    assert!(server.requests() < 200, "{} requests were paid for", server.requests());
}
