//! Whatever can be known on this machine is known before the first request, and one file is the output of one run.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, mpsc},
};

use serde_json::json;

use crate::{
    command,
    faulty_server::{Fault, FaultyServer, Plan, model::Said, well},
    ledger::many,
    paying::rows,
    stderr,
    strict_server::{StrictServer, models, refuse},
};

/// Inputs of all commands, and what cannot be written.
fn inputs(folder: &Path) {
    rows(folder, "pairs.jsonl", "r");
    many(folder, "rows.jsonl", 3, 3);
    let labelled = |i: usize| json!({"id": i, "prompt": format!("Q{i}"), "chosen": "yes", "rejected": "no"}).to_string() + "\n";
    fs::write(folder.join("labelled.jsonl"), (0..4).map(labelled).collect::<String>()).unwrap();
    let question =
        |i: usize| json!({"id": i, "prompt": format!("What is {i} + 1?"), "answer": (i + 1).to_string()}).to_string() + "\n";
    fs::write(folder.join("questions.jsonl"), (0..4).map(question).collect::<String>()).unwrap();
    fs::write(folder.join("file"), "no recording and no store\n").unwrap();
    fs::create_dir(folder.join("folder")).unwrap();
    for beside in ["a.stats.json", "b.config.toml", "c.chosen.toml", "d.rewardbench.json", "e.dropped.jsonl", "f.cases.jsonl"] {
        fs::create_dir(folder.join(beside)).unwrap();
    }
}

#[test]
fn nothing_is_asked_where_something_cannot_be_written() {
    let server = StrictServer::start(|asked| if asked.path == "/v1/models" { models("judge") } else { refuse(500, "no") });
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    inputs(folder);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let bound = taken.local_addr().unwrap().to_string();
    let commands: [&[&str]; 7] = [
        &["judge", "pairs.jsonl"],
        &["rank", "rows.jsonl"],
        &["label", "rows.jsonl"],
        &["eval", "pairs", "--data", "labelled.jsonl"],
        &["tune", "--data", "labelled.jsonl", "--votes", "2"],
        &["pairs", "questions.jsonl", "--samples", "2"],
        &["serve", "--bind", "127.0.0.1:0"],
    ];
    let everywhere: [&[&str]; 8] = [
        &["--store", "file/store.sqlite"],
        &["--store", "file"],
        &["--store", "folder"],
        &["--record", "none/there.jsonl"],
        &["--record", "folder"],
        &["--record", "file"],
        &["-o", "a"],
        &["-o", "b"],
    ];
    let some: [(&str, &[&str]); 6] = [
        ("tune", &["-o", "c"]),
        ("eval", &["-o", "d"]),
        ("label", &["-o", "e"]),
        ("pairs", &["-o", "e"]),
        ("eval", &["-o", "f"]),
        ("serve", &["--bind", &bound]),
    ];
    let all = commands.iter().flat_map(|words| everywhere.iter().map(move |wrong| (*words, *wrong)));
    let some = some.iter().map(|(name, wrong)| (*commands.iter().find(|words| words[0] == *name).unwrap(), *wrong));
    let mut tries = 0;
    for (words, wrong) in all.chain(some) {
        // A server that judges has neither rows nor recordings.
        if words[0] == "serve" && (wrong[0] == "-o" || wrong[0] == "--record") {
            continue;
        }
        let words: Vec<&str> = match wrong[0] {
            "--bind" => vec!["serve"],
            _ => words.to_vec(),
        };
        let store: &[&str] = if wrong[0] == "--store" { &[] } else { &["--store", "s.sqlite"] };
        let mut run = command();
        run.current_dir(folder).args(&words).args(["--engine", &server.url, "--max-retries", "0"]).args(store).args(wrong);
        let output = run.output().unwrap();
        assert!(!output.status.success(), "{words:?} {wrong:?}");
        let asked: Vec<String> = server.asked().into_iter().map(|asked| asked.path).collect();
        assert_eq!(asked, Vec::<String>::new(), "{words:?} {wrong:?}: {}", stderr(&output));
        assert!(!folder.join("none").exists(), "{words:?} {wrong:?}");
        tries += 1;
    }
    assert_eq!(tries, 6 * 8 + 3 + 6);
    // Nothing is left behind by a try.
    let mut run = command();
    run.current_dir(folder).args([
        "judge",
        "pairs.jsonl",
        "--engine",
        &server.url,
        "--max-retries",
        "0",
        "--record",
        "fresh.jsonl",
    ]);
    assert!(!run.args(["--store", "file"]).output().unwrap().status.success());
    assert!(!folder.join("fresh.jsonl").exists());
}

/// A run that hangs at its first completion.
struct Hanging {
    server: FaultyServer,
    told: mpsc::Receiver<()>,
}

impl Hanging {
    fn new() -> Self {
        let (tell, told) = mpsc::channel();
        let plan: Plan = Arc::new(move |_, _| {
            tell.send(()).ok();
            Fault::Hang
        });
        Hanging { server: FaultyServer::start(Said::default(), plan), told }
    }

    fn judge(&self, folder: &Path, data: &str, out: &Path) -> Command {
        let mut judge = command();
        judge.current_dir(folder).args(["judge", data, "--engine", &self.server.url, "--store", "none", "-o"]).arg(out);
        judge
    }
}

#[cfg(unix)]
#[test]
fn one_file_is_one_output_whatever_it_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let data = rows(folder, "pairs.jsonl", "r");
    let at = |name: &str| folder.join(name);
    fs::create_dir(at("deep")).unwrap();
    std::os::unix::fs::symlink(at("deep"), at("linked")).unwrap();
    std::os::unix::fs::symlink("deep/new.jsonl", at("dangling.jsonl")).unwrap();
    std::os::unix::fs::symlink("dangling.jsonl", at("again.jsonl")).unwrap();
    fs::write(at("old.jsonl"), "old\n").unwrap();
    std::os::unix::fs::symlink("old.jsonl", at("link.jsonl")).unwrap();
    fs::hard_link(at("old.jsonl"), at("hard.jsonl")).unwrap();
    for (first, second) in [
        ("deep/new.jsonl", "linked/new.jsonl"),
        ("dangling.jsonl", "deep/new.jsonl"),
        ("deep/new.jsonl", "again.jsonl"),
        ("deep/../deep/new.jsonl", "./deep/new.jsonl"),
        ("old.jsonl", "link.jsonl"),
        ("link.jsonl", "deep/../old.jsonl"),
        ("old.jsonl", "hard.jsonl"),
        ("hard.jsonl", "link.jsonl"),
    ] {
        let hanging = Hanging::new();
        // One by its whole name, one by its name from here.
        let whole: PathBuf = at(first);
        let mut one = hanging.judge(folder, &data, &whole).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        hanging.told.recv().unwrap();
        let other = hanging.judge(folder, &data, Path::new(second)).output().unwrap();
        one.kill().unwrap();
        one.wait().unwrap();
        let said = stderr(&other);
        assert_eq!(other.status.code(), Some(1), "{first} {second}: {said}");
        assert!(said.contains("is being written by another run"), "{first} {second}: {said}");
    }
    // What a link points at is written, whether it was there or not.
    let server = FaultyServer::start(Said::default(), well());
    for (out, file) in [("again.jsonl", "deep/new.jsonl"), ("link.jsonl", "old.jsonl")] {
        let mut judge = command();
        judge.current_dir(folder).args(["judge", &data, "--engine", &server.url, "--store", "none", "-o", out]);
        let done = judge.output().unwrap();
        assert!(done.status.success(), "{}", stderr(&done));
        assert!(at(out).is_symlink() && fs::read_to_string(at(file)).unwrap().lines().count() == 8, "{out}");
        assert!(at(&format!("{file}.stats.json")).exists());
    }
    // An output that is not there yet is told from the store by no other name.
    let mut judge = command();
    judge.current_dir(folder).args(["judge", &data, "--engine", &server.url, "--store", "linked/s", "-o", "deep/s"]);
    let said = stderr(&judge.output().unwrap());
    assert!(said.contains("-o would overwrite a file that this run reads or keeps"), "{said}");
}
