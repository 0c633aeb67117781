//! `rrm serve` as a process: it is killed and started again, told to end, and started wrongly.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Stdio},
    thread,
};

use crate::{command, stderr};

struct Serving {
    child: Child,
    address: String,
    told: BufReader<std::process::ChildStderr>,
}

/// Starts a server on a free port and waits until it says where it listens.
fn start(store: &Path) -> Serving {
    start_with(store, &[])
}

/// The same with further options.
fn start_with(store: &Path, more: &[&str]) -> Serving {
    let mut serve = command();
    serve.args([
        "serve",
        "--engine",
        "scripted:longer",
        "--bind",
        "127.0.0.1:0",
        "--group-size",
        "2",
        "--store",
        store.to_str().unwrap(),
    ]);
    let mut child = serve.args(more).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).and_then(|rest| rest.split(';').next()).expect("an address");
    Serving { child, address: address.to_owned(), told }
}

/// Sends one request on a connection of its own and gives the answer's body.
fn ask(address: &str, request: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(stream, "{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned()
}

/// Both members of a group at once; their answers.
fn group(address: &str) -> [String; 2] {
    let member = |name: &str, response: &str| {
        let body = format!("{{\"group\": \"g\", \"member\": \"{name}\", \"prompt\": \"P\", \"response\": \"{response}\"}}");
        let address = address.to_owned();
        thread::spawn(move || ask(&address, "POST /v1/groups", &body))
    };
    [member("a", "x"), member("b", "yy")].map(|waiting| waiting.join().unwrap())
}

fn calls(address: &str) -> String {
    let text = ask(address, "GET /metrics", "");
    text.lines().find(|line| line.starts_with("rrm_calls_total")).unwrap().to_owned()
}

#[test]
fn a_server_that_was_killed_pays_for_nothing_twice_and_answers_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.sqlite");
    let mut first = start(&store);
    let before = group(&first.address);
    assert!(before[0].contains("\"reward\":-0.5") && before[1].contains("\"reward\":0.5"), "{before:?}");
    assert_eq!(calls(&first.address), "rrm_calls_total 1");
    // SIGKILL.
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    let mut second = start(&store);
    assert_eq!(group(&second.address), before);
    assert_eq!(calls(&second.address), "rrm_calls_total 0");
    second.child.kill().unwrap();
    second.child.wait().unwrap();
}

#[cfg(unix)]
#[test]
fn a_server_that_is_told_to_end_answers_who_waits_and_says_what_was_spent() {
    let folder = tempfile::tempdir().unwrap();
    let prices = ["--price-prompt", "1", "--price-completion", "2"];
    let mut serving = start_with(&folder.path().join("store.sqlite"), &prices);
    let address = serving.address.clone();
    let waiting =
        thread::spawn(move || ask(&address, "POST /v1/groups", "{\"group\": \"g\", \"prompt\": \"P\", \"response\": \"x\"}"));
    while !ask(&serving.address, "GET /metrics", "").contains("rrm_members_open 1") {}
    let terminate = std::process::Command::new("kill").args(["-TERM", &serving.child.id().to_string()]).status().unwrap();
    assert!(terminate.success());
    assert!(waiting.join().unwrap().contains("\"code\":\"closing\""));
    assert!(serving.child.wait().unwrap().success());
    let mut rest = String::new();
    serving.told.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("0 calls (0 from the store)") && rest.contains(", cost 0.0000"), "{rest}");
}

#[test]
fn a_judged_group_answers_again_for_as_long_as_it_is_kept() {
    let none = Path::new("none");
    let mut kept = start_with(none, &["--keep", "600"]);
    group(&kept.address);
    group(&kept.address);
    assert_eq!(calls(&kept.address), "rrm_calls_total 1");
    kept.child.kill().unwrap();
    kept.child.wait().unwrap();
    let mut forgotten = start_with(none, &["--keep", "0.001"]);
    group(&forgotten.address);
    while calls(&forgotten.address) == "rrm_calls_total 1" {
        group(&forgotten.address);
    }
    forgotten.child.kill().unwrap();
    forgotten.child.wait().unwrap();
}

#[test]
fn two_thousand_responses_are_refused_under_a_rating_and_the_server_goes_on() {
    let mut serving = start_with(Path::new("none"), &["--strategy", "elo"]);
    let responses: Vec<String> = (0..2000).map(|i| i.to_string()).collect();
    let refused = ask(&serving.address, "POST /v1/rank", &format!("{{\"prompt\": \"P\", \"responses\": {responses:?}}}"));
    assert!(refused.contains("\"code\":\"too_many_votes\"") && refused.contains("1999000 votes"), "{refused}");
    assert!(ask(&serving.address, "GET /health", "").contains("ok"));
    serving.child.kill().unwrap();
    serving.child.wait().unwrap();
}

#[test]
fn wrong_starts_say_what_is_wrong_and_show_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.toml");
    std::fs::write(&keys, "[[key]]\nname = \"a\"\ntoken = \"secret\"\n").unwrap();
    let keys = keys.to_str().unwrap();
    for (args, expected) in [
        (&["--bind", "0.0.0.0:0"][..], "nobody is asked for a token"),
        (&["--keys", keys], "the token of key 1 (a) has fewer than 8 characters"),
        (&["--group-size", "1"], "--group-size must lie between 2 and 4096"),
        (&["--deadline", "0"], "--deadline must lie above 0"),
        (&["--scale", "best"], "invalid value 'best'"),
        (&["--column", "prompt=q"], "unexpected argument '--column'"),
        (&["--shard", "1/2"], "unexpected argument '--shard'"),
        (&["--strategy", "knockout", "--opponents", "2"], "--opponents needs a rating"),
        (&["--max-connections", "0"], "invalid value '0'"),
        (&["--max-connections", "100000000000"], "--max-connections 100000000000: the system lets this process open "),
        (
            &["--strategy", "elo", "--group-size", "1000"],
            "--group-size 1000: 1000 responses take 499500 matches of 1 vote, 499500 votes",
        ),
        (&["--votes", "9", "--max-row-votes", "8"], "--votes 9 are more than one row may take: 8 (--max-row-votes)"),
    ] {
        let output = command().args(["serve", "--engine", "scripted:longer", "--store", "none"]).args(args).output().unwrap();
        let code = if args[0] == "--keys" { 1 } else { 2 };
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        let said = stderr(&output);
        assert!(said.contains(expected) && !said.contains("secret"), "{args:?}: {said}");
    }
}
