//! Offline batches: what a run misses is written down, answered by a stand-in for `vllm run-batch`, and read back, until nothing is missing.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{
    command,
    faulty_server::{FaultyServer, model::Said, well},
    rrm, stderr, stdout,
};

const ROWS: &str = concat!(
    r#"{"id":"a","prompt":"Question a?","responses":["1","2","3","4"]}"#,
    "\n",
    r#"{"id":"b","prompt":"Question b?","responses":["5","6","7"]}"#,
    "\n",
);

/// What `vllm run-batch` writes for these requests.
pub fn run_batch(requests: &Path) -> Vec<Value> {
    let said = Said::default();
    let reply = |line: &str| {
        let request: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&request["method"], &request["url"]), (&json!("POST"), &json!("/v1/chat/completions")));
        let (status, body) = said.completion("/v1/chat/completions", &request["body"]);
        let body: Value = serde_json::from_str(&body).unwrap();
        json!({"id": "vllm-1", "custom_id": request["custom_id"], "error": null,
            "response": {"status_code": status, "request_id": "vllm-batch-1", "body": body}})
    };
    std::fs::read_to_string(requests).unwrap().lines().map(reply).collect()
}

pub fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

struct Work {
    folder: tempfile::TempDir,
}

impl Work {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("in.jsonl"), ROWS).unwrap();
        Work { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command, asking nobody.
    fn offline(&self, args: &[&str]) -> String {
        let mut run = command();
        run.args(args).args(["--model", "judge", "--revision", "7", "--store"]).arg(self.path("store.sqlite"));
        run.arg("-o").arg(self.path("out.jsonl")).arg("--batch-out").arg(self.path("requests.jsonl"));
        let output = run.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stderr(&output)
    }

    fn read(&self, replies: &[&str]) -> std::process::Output {
        let mut read = command();
        read.args(["batch", "read"]).args(replies.iter().map(|name| self.path(name)));
        read.arg("--requests").arg(self.path("requests.jsonl")).arg("--store").arg(self.path("store.sqlite"));
        read.output().unwrap()
    }

    /// The same command against a server.
    fn online(&self, args: &[&str]) -> Vec<u8> {
        let server = FaultyServer::start(Said::default(), well());
        let mut run = command();
        run.args(args).args(["--engine", &server.url, "--model", "judge", "--revision", "7", "--store", "none", "-o"]);
        let output = run.arg(self.path("online.jsonl")).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        std::fs::read(self.path("online.jsonl")).unwrap()
    }
}

/// Writes, answers and reads until the output is there; gives how often.
fn to_the_end(work: &Work, args: &[&str]) -> usize {
    for round in 0..10 {
        let said = work.offline(args);
        if work.path("out.jsonl").exists() {
            return round;
        }
        assert!(said.contains("of 2 rows are in"), "{said}");
        // Backwards and twice, in two files.
        let mut replies = run_batch(&work.path("requests.jsonl"));
        std::fs::write(work.path("one.jsonl"), lines(&replies)).unwrap();
        replies.reverse();
        std::fs::write(work.path("two.jsonl"), lines(&replies)).unwrap();
        let output = work.read(&["two.jsonl", "one.jsonl"]);
        assert!(stdout(&output).contains("; 0 are left\n"), "{}", stdout(&output));
    }
    panic!("a tournament of four has two rounds");
}

#[test]
fn a_knockout_goes_on_round_by_round_to_the_rows_of_a_server() {
    let work = Work::new();
    let path = work.path("in.jsonl");
    let args = ["rank", path.to_str().unwrap(), "--votes", "2", "--both-orders"];
    assert_eq!(to_the_end(&work, &args), 2);
    assert!(std::fs::read(work.path("out.jsonl")).unwrap() == work.online(&args), "a batch and a server give other rows");
}

#[test]
fn labels_and_evaluations_go_by_batch_too() {
    let work = Work::new();
    let path = work.path("in.jsonl");
    let label = ["label", path.to_str().unwrap(), "--strategy", "win-rate"];
    assert_eq!(to_the_end(&work, &label), 1);
    assert!(std::fs::read(work.path("out.jsonl")).unwrap() == work.online(&label));

    let work = Work::new();
    let pairs = work.path("pairs.jsonl");
    std::fs::write(&pairs, "{\"id\":\"x\",\"prompt\":\"Q?\",\"chosen\":\"1\",\"rejected\":\"2\"}\n{\"id\":\"y\",\"prompt\":\"Q?\",\"chosen\":\"3\",\"rejected\":\"4\"}\n").unwrap();
    let eval = ["eval", "pairs", "--data", pairs.to_str().unwrap()];
    assert_eq!(to_the_end(&work, &eval), 1);
    work.online(&eval);
    let cases = |name: &str| std::fs::read(work.path(name)).unwrap();
    assert!(cases("out.jsonl.cases.jsonl") == cases("online.jsonl.cases.jsonl"));
}

#[test]
fn replies_that_are_no_completions_are_named_and_asked_for_again() {
    let work = Work::new();
    let path = work.path("in.jsonl");
    let args = ["rank", path.to_str().unwrap(), "--strategy", "elo"];
    let said = work.offline(&args);
    assert!(said.contains("note: 9 requests of 2 of 2 rows are in "), "{said}");
    assert!(said.contains("rrm batch read REPLIES --requests"), "{said}");
    let mut replies = run_batch(&work.path("requests.jsonl"));
    let ids: Vec<String> = replies.iter().map(|reply| reply["custom_id"].as_str().unwrap().to_owned()).collect();
    replies[0]["response"] = json!({"status_code": 400, "request_id": "r", "body": {"message": "too long"}});
    replies[1]["error"] = json!({"message": "gone"});
    replies[2]["response"]["body"]["choices"] = json!([]);
    replies[3]["custom_id"] = json!("of somebody else");
    std::fs::write(work.path("replies.jsonl"), lines(&replies)).unwrap();
    let output = work.read(&["replies.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    let out = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(
        out,
        "5 of 9 requests are answered; 4 are left\n1 replies are to requests that are not in this file, and were left out\n"
    );
    let said = stderr(&output);
    assert!(said.starts_with("error: 3 replies are no completions\n"), "{said}");
    for (id, what) in ids.iter().zip(["status 400: {\"message\":\"too long\"}", "error {\"message\":\"gone\"}", "no choices"]) {
        let line = said.lines().find(|line| line.contains(id.as_str())).unwrap();
        assert!(line.contains(what) && line.contains("(row a)"), "{line}");
    }
    let said = work.offline(&args);
    assert!(said.contains("note: 4 requests of 1 of 2 rows are in "), "{said}");
    let again = std::fs::read_to_string(work.path("requests.jsonl")).unwrap();
    assert!(ids[..4].iter().all(|id| again.contains(id.as_str())));
}

#[test]
fn a_broken_file_is_named_with_its_line() {
    let work = Work::new();
    let path = work.path("in.jsonl");
    work.offline(&["rank", path.to_str().unwrap()]);
    std::fs::write(work.path("replies.jsonl"), "\n{\"custom_id\": \n").unwrap();
    let output = work.read(&["replies.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("replies.jsonl:2: "), "{}", stderr(&output));
}

#[test]
fn what_a_batch_needs_is_said() {
    let work = Work::new();
    let path = work.path("in.jsonl");
    let refused = |more: &[&str]| {
        let output = rrm([&["rank", path.to_str().unwrap(), "--batch-out", "requests.jsonl"], more].concat());
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    assert!(refused(&["--model", "m"]).contains("name the judge by --model and --revision"));
    assert!(refused(&["--model", "m", "--revision", "1"]).contains("-o must say where"));
    let named = ["--model", "m", "--revision", "1", "-o", "x.jsonl"];
    assert!(refused(&[&named[..], &["--store", "none"]].concat()).contains("--store must not be none"));
    assert!(refused(&[&named[..], &["--max-thinking-tokens", "9"]].concat()).contains("cannot elicit"));
    assert!(refused(&[&named[..], &["--engine", "http://127.0.0.1:1"]].concat()).contains("without --engine"));
}

#[test]
fn a_batch_takes_the_place_of_nothing_but_a_file() {
    let work = Work::new();
    let (real, link) = (work.path("real.jsonl"), work.path("link.jsonl"));
    std::fs::write(&real, "").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let rank = |to: &Path| {
        let mut rank = command();
        rank.args(["rank", work.path("in.jsonl").to_str().unwrap(), "--model", "judge", "--revision", "7", "--store"]);
        rank.arg(work.path("store.sqlite")).arg("-o").arg(work.path("out.jsonl")).arg("--batch-out").arg(to);
        rank.output().unwrap()
    };
    let linked = rank(&link);
    assert!(linked.status.success(), "{}", stderr(&linked));
    assert!(link.is_symlink() && std::fs::read_to_string(&real).unwrap().lines().count() > 0);
    let refused = rank(work.folder.path());
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("this is not a file"), "{}", stderr(&refused));
}
