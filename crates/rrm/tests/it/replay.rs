//! Recording an engine and answering from the recording.

use std::{
    fs,
    io::Write,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::future::BoxFuture;
use rrm::{
    chat::Message,
    engine::{
        Completion, Engine, EngineError, EngineInfo, Finish, Request, Sampling, Usage,
        replay::{Recorder, RecordingError, ReplayEngine},
    },
};
use tempfile::tempdir;

/// Answers every call differently, so that a replay is told from a new answer.
struct Counter {
    info: EngineInfo,
    calls: AtomicU64,
}

impl Engine for Counter {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
        Box::pin(async move {
            let call = self.calls.fetch_add(1, Ordering::Relaxed);
            let text = format!("call {call}, seed {}\nnext line \u{2028}", request.seed);
            let usage = Usage { prompt_tokens: 3, completion_tokens: call };
            Ok(Completion {
                text,
                reasoning: Some("hm".into()),
                finish: Finish::Length,
                elicited: true,
                usage,
                label_logprobs: None,
            })
        })
    }
}

fn counter(fingerprint: &str) -> Arc<Counter> {
    let name = "counter".into();
    let info = EngineInfo { name, fingerprint: fingerprint.into(), seeds: true, logprobs: false, budget: true, paid: true };
    Arc::new(Counter { info, calls: AtomicU64::new(0) })
}

fn request(text: &str, seed: u64) -> Request {
    Request {
        messages: [Message::user(text)].into(),
        sampling: Sampling::default(),
        seed,
        budget: None,
        comparison: None,
        labels: None,
        sink: None,
    }
}

/// Records the answers to `seeds` for one text and returns them.
async fn record(path: &Path, seeds: std::ops::Range<u64>) -> Vec<Completion> {
    let engine = counter("weights");
    let recorder = Recorder::create(engine.info(), path).unwrap();
    let mut completions = Vec::new();
    for seed in seeds {
        let completion = engine.complete(request("x", seed)).await.unwrap();
        recorder.record(&request("x", seed), &completion).unwrap();
        completions.push(completion);
    }
    completions
}

async fn replay(path: &Path, request: Request) -> Result<Completion, EngineError> {
    ReplayEngine::open(path).unwrap().complete(request).await
}

#[tokio::test]
async fn a_recording_is_replayed() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("recording.jsonl");
    let recorded = record(&path, 0..20).await;
    let engine = ReplayEngine::open(&path).unwrap();
    assert_eq!(engine.info(), &EngineInfo { paid: false, ..counter("weights").info.clone() });
    for seed in (0..20).rev() {
        assert_eq!(engine.complete(request("x", seed)).await.unwrap(), recorded[seed as usize]);
    }
    let written = Arc::new(Mutex::new(String::new()));
    let sink = written.clone();
    let watched = Request { sink: Some(Arc::new(move |text| sink.lock().unwrap().push_str(text))), ..request("x", 4) };
    engine.complete(watched).await.unwrap();
    assert_eq!(*written.lock().unwrap(), recorded[4].text);
}

#[tokio::test]
async fn what_was_not_recorded_is_refused_with_the_difference() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("recording.jsonl");
    record(&path, 0..2).await;
    let warmer = Request { sampling: Sampling { temperature: 1.0, ..Sampling::default() }, ..request("x", 0) };
    let mut messages = String::new();
    for request in [request("x", 7), warmer, request("y", 0)] {
        let error = replay(&path, request).await.unwrap_err();
        assert!(matches!(error, EngineError::NotRecorded { .. }) && !error.is_fatal());
        messages += &error.to_string().replace(&format!("{}/", directory.path().display()), "");
        messages.push('\n');
    }
    insta::assert_snapshot!(messages, @"
    replay:recording.jsonl: not recorded: these messages are recorded with 2 other seeds, not with 7
    replay:recording.jsonl: not recorded: these messages are recorded with another sampling or thinking budget only
    replay:recording.jsonl: not recorded: nothing is recorded for these messages
    ");
}

#[tokio::test]
async fn a_recording_goes_on_after_a_kill_and_its_first_answers_stay() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("recording.jsonl");
    let first = record(&path, 0..2).await;
    // A recorder that was killed within its third line.
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"messages\":\"ab").unwrap();
    assert_eq!(replay(&path, request("x", 1)).await.unwrap(), first[1]);
    let second = record(&path, 1..3).await;
    assert_ne!(second[0], first[1]);
    assert_eq!(replay(&path, request("x", 1)).await.unwrap(), first[1]);
    assert_eq!(replay(&path, request("x", 2)).await.unwrap(), second[1]);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 5);
}

#[tokio::test]
async fn a_header_without_its_end_is_written_again() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("recording.jsonl");
    fs::write(&path, "{\"recording\":1,\"eng").unwrap();
    assert!(matches!(ReplayEngine::open(&path), Err(RecordingError::NotARecording { .. })));
    let recorded = record(&path, 0..1).await;
    assert_eq!(replay(&path, request("x", 0)).await.unwrap(), recorded[0]);
}

#[tokio::test]
async fn files_that_do_not_fit_are_refused_with_their_line() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("recording.jsonl");
    let mut messages = String::new();
    let mut refuse = |error: RecordingError| {
        messages += &error.to_string().replace(&format!("{}/", directory.path().display()), "");
        messages.push('\n');
    };
    refuse(ReplayEngine::open(directory.path().join("none")).err().unwrap());
    record(&path, 0..3).await;
    refuse(Recorder::create(counter("retrained").info(), &path).err().unwrap());
    let good = fs::read_to_string(&path).unwrap();
    let bad = [
        "a,b\n1,2\n".into(),
        String::new(),
        good.replace("\"recording\":1", "\"recording\":2"),
        good.replacen("\"seed\":1", "", 1),
    ];
    fs::write(&path, "no line").unwrap();
    refuse(Recorder::create(counter("weights").info(), &path).err().unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), "no line", "somebody's file is left alone");
    for bad in bad {
        fs::write(&path, bad).unwrap();
        refuse(ReplayEngine::open(&path).err().unwrap());
    }
    insta::assert_snapshot!(messages, @"
    none: No such file or directory (os error 2)
    recording.jsonl: holds answers of counter (weights), not of counter (retrained): record into another file
    recording.jsonl: is not a recording: its first line is no header
    recording.jsonl: is not a recording: expected value at line 1 column 1
    recording.jsonl: is not a recording: it is empty
    recording.jsonl: is a recording of version 2, this version reads 1: use a newer rrm
    recording.jsonl:3: key must be a string at line 1 column 158
    ");
}

#[test]
fn a_recording_that_cannot_be_written_ends_a_run() {
    let error = RecordingError::Io { path: "recording.jsonl".into(), detail: "No space left on device (os error 28)".to_owned() };
    assert!(rrm::judge::JudgeError::from(error).is_fatal(), "nothing more may be paid for");
}
