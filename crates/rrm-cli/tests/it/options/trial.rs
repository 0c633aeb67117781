//! One option of one command, given and not given: what is seen of both runs, and whether they differ as the option promises.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    command,
    strict_server::{Answer, Asked, StrictServer, models, refuse, say},
};

/// So long a run may take that is to end; one that is to wait is watched for a part of it.
const LIMIT: Duration = Duration::from_secs(30);
const WATCHED: Duration = Duration::from_millis(1500);

/// What shows that an option does something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    /// Another standard output.
    Differs,
    /// This is said with it, and not without it.
    Says(&'static str),
    /// This file is there with it, and not without it.
    Writes(&'static str),
    /// The file that the command writes to FOLDER/out is another.
    WritesOther,
    /// This is in what the server gets with it, and not without it.
    Sends(&'static str),
    /// This is in what the server gets without it, and not with it.
    Spares(&'static str),
    /// The server gets something else.
    SendsOther,
    /// The server gets fewer requests.
    SendsFewer,
    /// The server gets more requests.
    SendsMore,
    /// The command fails without it, and does not with it.
    Mends,
    /// The command does not end with it.
    Waits,
    /// The command does not end without it.
    Ends,
    /// The command has more threads.
    Threads,
    /// Two runs of the binary cannot show it: the test of this name does.
    Elsewhere(&'static str),
}

/// What is seen of a run.
#[derive(Debug)]
pub struct Seen {
    ended: bool,
    good: bool,
    out: String,
    told: String,
    files: BTreeSet<String>,
    written: Vec<u8>,
    sent: Vec<String>,
    threads: usize,
}

/// Whether the two runs differ so.
pub fn shows(effect: Effect, before: &Seen, after: &Seen) -> bool {
    let said = |seen: &Seen, text: &str| seen.out.contains(text) || seen.told.contains(text);
    let sent = |seen: &Seen, text: &str| seen.sent.iter().any(|request| request.contains(text));
    let both_ended = before.ended && after.ended;
    match effect {
        Effect::Differs => both_ended && before.good && before.out != after.out && !after.out.is_empty(),
        Effect::Says(text) => both_ended && !said(before, text) && said(after, text),
        Effect::Writes(name) => both_ended && !before.files.contains(name) && after.files.contains(name),
        Effect::WritesOther => both_ended && before.written != after.written && !after.written.is_empty(),
        Effect::Sends(text) => !sent(before, text) && sent(after, text),
        Effect::Spares(text) => sent(before, text) && !sent(after, text) && !after.sent.is_empty(),
        Effect::SendsOther => !after.sent.is_empty() && before.sent != after.sent,
        Effect::SendsFewer => after.sent.len() < before.sent.len(),
        Effect::SendsMore => after.sent.len() > before.sent.len(),
        Effect::Mends => both_ended && !before.good && after.good,
        Effect::Waits => before.ended && !after.ended,
        Effect::Ends => !before.ended && after.ended,
        Effect::Threads => after.threads > before.threads,
        Effect::Elsewhere(_) => false,
    }
}

/// Runs the binary with these words in a folder with all inputs; `SERVER` and `DIR` stand for what they are in it.
pub fn run(words: &[String], extra: Option<&str>, watched: bool) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    super::inputs::write(folder.path());
    let server = StrictServer::start(answer);
    let there = |word: &str| word.replace("DIR", dir).replace("SERVER", &server.url);
    let mut words: Vec<String> = words.iter().map(|word| there(word)).collect();
    if let Some(config) = extra {
        fs::write(folder.path().join("trial.toml"), there(config)).unwrap();
        words.extend(["--config".to_owned(), format!("{dir}/trial.toml")]);
    }
    let mut command = command();
    command.args(&words).env("RRM_TEST_KEY", "word-of-the-test").current_dir(folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let out = drained(child.stdout.take().unwrap());
    let serves = words.first().is_some_and(|word| word == "serve");
    let limit = if watched { WATCHED } else { LIMIT };
    let (told, answers) =
        if serves { served(&mut child, limit) } else { (drained(child.stderr.take().unwrap()), Some(String::new())) };
    let mut threads = 0;
    let began = Instant::now();
    let mut status = child.try_wait().unwrap();
    while status.is_none() && began.elapsed() < limit && !serves {
        threads = threads.max(fs::read_dir(format!("/proc/{}/task", child.id())).map_or(0, Iterator::count));
        thread::sleep(Duration::from_millis(3));
        status = child.try_wait().unwrap();
    }
    let stopped = || serves && answers.is_none() && told.is_finished();
    while status.is_none() && stopped() {
        status = child.try_wait().unwrap();
    }
    if serves {
        threads = fs::read_dir(format!("/proc/{}/task", child.id())).map_or(0, Iterator::count);
    }
    let ended = status.is_some() || (serves && answers.is_some());
    let served_well = serves && answers.is_some();
    child.kill().ok();
    let status = status.unwrap_or_else(|| child.wait().unwrap());
    let mut out = out.join().unwrap();
    out += &answers.unwrap_or_default();
    let told = told.join().unwrap().replace(dir, "DIR");
    let files = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let written = fs::read(folder.path().join("out")).unwrap_or_default();
    let mut sent: Vec<String> = server.asked().into_iter().map(shown).collect();
    // Whatever was sent at once may come in any order.
    sent.sort();
    Seen { ended, good: status.success() || served_well, out: out.replace(dir, "DIR"), told, files, written, sent, threads }
}

/// A request as text, without what differs between two servers.
fn shown(asked: Asked) -> String {
    let headers: BTreeMap<_, _> = asked.headers.into_iter().filter(|(name, _)| name != "host").collect();
    format!("{} {} {headers:?} {}", asked.method, asked.path, asked.body)
}

fn drained(mut from: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = Vec::new();
        from.read_to_end(&mut text).ok();
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// What a server says to a ranking and to a group, where it answers in time.
fn served(child: &mut Child, limit: Duration) -> (thread::JoinHandle<String>, Option<String>) {
    let (tell, address) = std::sync::mpsc::channel();
    let told = BufReader::new(child.stderr.take().unwrap());
    let told = thread::spawn(move || {
        let mut text = String::new();
        for line in told.lines().map_while(Result::ok) {
            if let Some(address) = line.split("serves http://").nth(1).and_then(|rest| rest.split(';').next()) {
                tell.send(address.to_owned()).ok();
            }
            text += &(line + "\n");
        }
        text
    });
    let Ok(address) = address.recv_timeout(limit) else {
        // It ended before it served, or goes on without serving.
        let began = Instant::now();
        while !told.is_finished() && began.elapsed() < limit / 4 {
            thread::yield_now();
        }
        return (told, None);
    };
    let responses = r#"["a tree", "a tree", "a house", "two trees"]"#;
    let ranking = format!(r#"{{"id": "r", "prompt": "Say a word.", "responses": {responses}}}"#);
    let member =
        |n: u32, text: &str| format!(r#"{{"group": "g", "member": "{n}", "prompt": "Say a word.", "response": "{text}"}}"#);
    let bodies = [("rank", ranking), ("groups", member(1, "a tree")), ("groups", member(2, "two trees"))];
    let asks: Vec<_> = bodies
        .into_iter()
        .map(|(route, body)| {
            let address = address.clone();
            thread::spawn(move || ask(&address, route, &body, limit))
        })
        .collect();
    let answers: Vec<Option<String>> = asks.into_iter().map(|ask| ask.join().unwrap()).collect();
    (told, answers.into_iter().collect::<Option<Vec<_>>>().map(|answers| answers.join("\n")))
}

fn ask(address: &str, route: &str, body: &str, limit: Duration) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(limit)).unwrap();
    let length = body.len();
    write!(stream, "POST /v1/{route} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned())
}

/// A server with one model; models of other names are slow or broken.
fn answer(asked: &Asked) -> Answer {
    let model = asked.body["model"].as_str().unwrap_or_default();
    match asked.path.as_str() {
        "/v1/models" => models("judge"),
        _ if model == "hangs" => Answer::Hang,
        _ if model == "fails" => refuse(503, "over there"),
        "/v1/chat/completions" => say(asked, r"<think>\nSo.</think> \boxed{Assistant 1}"),
        _ => refuse(404, "no such route"),
    }
}
