//! Keys that a server says back reach no file and no screen.

use std::{fs, path::Path, process::Output};

use serde_json::json;

use crate::{
    command,
    paying::rows,
    stderr,
    strict_server::{Answer, Asked, StrictServer, models, refuse, whole},
};

const KEY: &str = "sk-SECRET-0123456789";

/// Says the key of the request back in its thinking and in its answer; streams in pieces of three bytes.
fn echo(asked: &Asked) -> Answer {
    let key = asked.headers.get("authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap_or("no key");
    let team = asked.headers.get("x-team-token").map_or("no token", String::as_str);
    let (thinking, said) = (format!("I was called with {key}."), format!("{key} and {team} agree: \\boxed{{Assistant 1}}"));
    match asked.path.as_str() {
        "/v1/models" => models("judge"),
        _ if asked.body["stream"] == json!(true) => {
            let event = |value: serde_json::Value| format!("data: {value}\n\n");
            let delta = |name: &str, text: &str| {
                let pieces = text.as_bytes().chunks(3).map(|piece| String::from_utf8_lossy(piece).into_owned());
                let one =
                    |piece: String| event(json!({"choices": [{"index": 0, "delta": {name: piece}, "finish_reason": null}]}));
                pieces.map(one).collect::<String>()
            };
            let end = event(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 20, "completion_tokens": 8}}));
            let all = delta("reasoning_content", &thinking) + &delta("content", &said) + &end + "data: [DONE]\n\n";
            Answer::Raw(200, "content-type: text/event-stream\r\n", all.into_bytes())
        }
        _ => {
            let Answer::Json(status, mut body) = whole(&said) else { unreachable!() };
            body["choices"][0]["message"]["reasoning_content"] = json!(thinking);
            Answer::Json(status, body)
        }
    }
}

fn hides(folder: &Path, output: &Output) {
    for secret in [KEY, "token-of-the-team"] {
        for (what, text) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            assert!(!String::from_utf8_lossy(text).contains(secret), "{what}: {}", String::from_utf8_lossy(text));
        }
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{}", path.display());
        }
    }
}

#[test]
fn an_answer_that_says_the_key_is_kept_without_it() {
    let server = StrictServer::start(echo);
    for how in [&[][..], &["--stream"], &["--stream-replies"]] {
        let folder = tempfile::tempdir().unwrap();
        let (folder, data) = (folder.path(), rows(folder.path(), "pairs.jsonl", "r"));
        let mut judge = command();
        judge.env("RRM_API_KEY", KEY).env("TEAM", "token-of-the-team").current_dir(folder).args(["judge", &data]).args([
            "--engine",
            &server.url,
            "--header",
            "x-team-token: ${TEAM}",
            "--store",
            "store.sqlite",
            "-o",
            "out.jsonl",
            "--record",
            "record.jsonl",
        ]);
        let output = judge.args(how).output().unwrap();
        assert!(output.status.success(), "{how:?}: {}", stderr(&output));
        hides(folder, &output);
        let told = stderr(&output);
        assert!(!how.contains(&"--stream") || told.contains("I was called with (key).(key) and (key) agree"), "{told}");
        let kept = fs::read_to_string(folder.join("record.jsonl")).unwrap();
        assert!(kept.contains("(key) and (key) agree"), "{kept}");
        let result = fs::read_to_string(folder.join("out.jsonl")).unwrap();
        assert!(result.lines().all(|line| line.contains(r#""decision":"first""#)), "{result}");
        let mut show = command();
        show.current_dir(folder).args(["show", "out.jsonl", "r0", "--store", "store.sqlite"]);
        let shown = show.output().unwrap();
        assert!(shown.status.success() && String::from_utf8_lossy(&shown.stdout).contains("(key)"), "{}", stderr(&shown));
        hides(folder, &shown);
    }
}

#[test]
fn an_error_that_says_the_key_is_told_without_it() {
    for status in [400, 401, 402, 413, 422, 500] {
        let server = StrictServer::start(move |asked| match asked.path.as_str() {
            "/v1/models" => models("judge"),
            _ => {
                let key = asked.headers.get("authorization").cloned().unwrap_or_default();
                refuse(status, &format!("{}{key} may not do this", "so it is: ".repeat(18)))
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let (folder, data) = (folder.path(), rows(folder.path(), "pairs.jsonl", "r"));
        let mut judge = command();
        judge.env("RRM_API_KEY", KEY).current_dir(folder).args(["judge", &data, "--engine", &server.url]).args([
            "--revision",
            "1",
            "--max-retries",
            "0",
            "--store",
            "store.sqlite",
            "-o",
            "out.jsonl",
        ]);
        let output = judge.output().unwrap();
        assert!(!output.status.success(), "{status}");
        hides(folder, &output);
    }
}
