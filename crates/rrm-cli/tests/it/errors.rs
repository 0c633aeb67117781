//! Wrong input gives one clear line with file, row and a hint, exit code 1 (2 where options are wrong), and nothing half-written.

use crate::{
    faulty_server::{FaultyServer, model::Said, well},
    file, rrm, stderr,
};

/// What is said about these bytes as input, with the folder taken out of the paths.
fn said(name: &str, content: impl AsRef<[u8]>, command: &str) -> String {
    let (folder, path) = file(name, content);
    let out = folder.path().join("out.jsonl");
    let output = rrm([command, path.to_str().unwrap(), "--engine", "scripted:first", "-o", out.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [name], "something was left behind");
    stderr(&output).replace(folder.path().to_str().unwrap(), "DIR")
}

const PAIR: &str = r#"{"id": "a", "prompt": "Q", "responses": ["x", "y"]}"#;

#[test]
fn a_row_with_one_response() {
    insta::assert_snapshot!(said("in.jsonl", format!("{PAIR}\n{}", r#"{"id": "b", "prompt": "Q", "responses": ["x"]}"#), "rank"), @r#"
    error: DIR/in.jsonl row 2: at least 2 responses are needed; found 1
    hint: nothing was judged; mend the row and run again, or leave out such rows with --skip-bad-rows (docs/formats.md describes rows)
    "#);
}

#[test]
fn a_pair_with_three_responses() {
    insta::assert_snapshot!(said("in.jsonl", r#"{"prompt": "Q", "responses": ["x", "y", "z"]}"#, "judge"), @r#"
    error: DIR/in.jsonl row 1: exactly 2 responses are needed; found 3
    hint: `rrm judge` takes pairs; `rrm rank` takes any number of responses
    "#);
}

#[test]
fn a_wrong_type() {
    insta::assert_snapshot!(said("in.jsonl", r#"{"prompt": {"text": "Q"}, "responses": ["x", "y"]}"#, "judge"), @r#"
    error: DIR/in.jsonl row 1: `prompt` must be text or a list of messages; found an object with the keys text
    hint: nothing was judged; mend the row and run again, or leave out such rows with --skip-bad-rows (docs/formats.md describes rows)
    "#);
}

#[test]
fn a_doubled_id() {
    insta::assert_snapshot!(said("in.jsonl", format!("{PAIR}\n{PAIR}"), "judge"), @r#"
    error: DIR/in.jsonl row 2: the id `a` was already used in row 1
    hint: give each row its own id, or number the rows: --column id=
    "#);
}

#[test]
fn broken_json() {
    insta::assert_snapshot!(said("in.jsonl", format!("{PAIR}\n{{\"prompt\": \n"), "judge"), @r#"
    error: DIR/in.jsonl row 2: broken JSON at column 10: the text ends where a value belongs; in JSONL each line holds one whole row
    hint: nothing was judged; mend the row and run again, or leave out such rows with --skip-bad-rows (docs/formats.md describes rows)
    "#);
}

#[test]
fn bytes_that_are_no_utf8() {
    insta::assert_snapshot!(said("in.jsonl", [PAIR.as_bytes(), b"\n{\"prompt\": \"\xff\"}"].concat(), "judge"), @r#"
    error: DIR/in.jsonl row 2: not UTF-8 at byte 13 of the line
    hint: nothing was judged; mend the row and run again, or leave out such rows with --skip-bad-rows (docs/formats.md describes rows)
    "#);
}

#[test]
fn a_misspelt_column() {
    insta::assert_snapshot!(said("in.jsonl", r#"{"promt": "Q", "responses": ["x", "y"]}"#, "judge"), @r#"
    error: DIR/in.jsonl row 1: no column `prompt`; nearest: `promt`; the row has: promt, responses
    hint: --column prompt=promt reads that column
    "#);
}

#[test]
fn an_empty_file() {
    insta::assert_snapshot!(said("in.jsonl", "", "judge"), @r#"
    error: DIR/in.jsonl: it holds no rows
    hint: docs/formats.md describes what files may look like
    "#);
}

#[test]
fn a_truncated_gzip() {
    insta::assert_snapshot!(said("in.jsonl.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2], "judge"), @r#"
    error: DIR/in.jsonl.gz row 1: the gzip stream is cut off or damaged here: incomplete deflate stream
    hint: the file was cut off or changed on its way; copy it again
    "#);
}

#[test]
fn wrong_options() {
    let (_folder, path) = file("in.jsonl", PAIR);
    let path = path.to_str().unwrap();
    let said = |args: &[&str]| {
        let output = rrm([&["rank", path], args].concat());
        // The first is about rows, one about a file that is not there; the others are about options.
        let code = if args.is_empty() || args.contains(&"--format") { 1 } else { 2 };
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        stderr(&output)
    };
    insta::assert_snapshot!(said(&[]), @r#"
    error: no judge named, and 1 row is outside of what the embedded judge rrm-tiny was trained for
           row 1 (a): the prompt must begin with "Keep two digits:", found "Q"
    hint: --engine names a judge for them: http://HOST:PORT, https://HOST, scalar:http://HOST:PORT, local:FOLDER, gguf:FILE, replay:FILE, scripted:RULE. rrm-tiny judges prompt "Keep two digits: 42 a+5 b-9 c*3", responses "a47 b38 c14" and "a47 b39 c17"
    "#);
    insta::assert_snapshot!(said(&["--engine", "scripted:frist"]), @r#"
    error: engine 'scripted:frist': unknown script 'frist'; known scripts: first, second, longer, shorter, random, silent, silent=P, accuracy=P and repeats=P with P from 0 to 1, text=TEXT
    hint: --engine takes http://HOST:PORT, https://HOST, scalar:http://HOST:PORT, local:FOLDER, gguf:FILE, replay:FILE, scripted:RULE
    "#);
    insta::assert_snapshot!(said(&["--engine", "gpt"]), @r#"
    error: engine 'gpt': there is no such engine
    hint: --engine takes http://HOST:PORT, https://HOST, scalar:http://HOST:PORT, local:FOLDER, gguf:FILE, replay:FILE, scripted:RULE
    "#);
    insta::assert_snapshot!(said(&["--engine", "scripted:first", "--engine", "scripted:second"]), @r#"
    error: several engines: only servers (http://...) can be replicas of one another, 'scripted:first' cannot
    hint: --engine takes http://HOST:PORT, https://HOST, scalar:http://HOST:PORT, local:FOLDER, gguf:FILE, replay:FILE, scripted:RULE
    "#);
    insta::assert_snapshot!(said(&["--engine", "scripted:first", "--format", "rmr"]), @r#"
    error: format 'rmr' is neither shipped nor a file that can be read: No such file or directory (os error 2)
    hint: shipped formats: rrm, direct, arena-hard
    "#);
    insta::assert_snapshot!(said(&["--engine", "scripted:first", "--votes", "0"]), @"error: --votes must lie between 1 and 10000");
    insta::assert_snapshot!(said(&["--engine", "scripted:first", "--opponents", "3"]), @"error: --opponents needs a rating: --strategy elo, bradley-terry or win-rate");
    insta::assert_snapshot!(said(&["--engine", "scripted:first", "--max-cost", "1"]), @"error: --max-cost needs --price-prompt and --price-completion");
    insta::assert_snapshot!(said(&["--engine", "http://127.0.0.1:1", "--api-key-env", "NO_SUCH_KEY"]), @"error: --api-key-env NO_SUCH_KEY: the environment has no such variable");
}

#[test]
fn a_dead_server() {
    // Port 1 of the loopback address is not listened on.
    let (_folder, path) = file("in.jsonl", PAIR);
    let output =
        rrm(["judge", path.to_str().unwrap(), "--engine", "http://127.0.0.1:1", "--max-retries", "1", "--store", "none"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(
        said.contains("http://127.0.0.1:1") && said.contains("cannot be reached") && said.contains("hint: is the server up?"),
        "{said}"
    );
}

#[test]
fn a_wrong_key() {
    let server = FaultyServer::with_key(Said::default(), well(), Some("right"));
    let (folder, path) = file("in.jsonl", PAIR);
    let out = folder.path().join("out.jsonl");
    let mut command = crate::command();
    command.args(["judge", path.to_str().unwrap(), "--engine", &server.url, "--store", "none", "-o", out.to_str().unwrap()]);
    let output = command.args(["--api-key-env", "MY_KEY"]).env("MY_KEY", "wrong-secret").output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("refused the key") && said.contains("hint: ") && said.contains("--api-key-env"), "{said}");
    assert!(!said.contains("wrong-secret"), "the key was printed: {said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was left behind");
    let output = command.env("MY_KEY", "right").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn an_option_file_with_an_unknown_key() {
    let (folder, path) = file("in.jsonl", PAIR);
    let config = folder.path().join("options.toml");
    std::fs::write(&config, "votes = 3\nvoets = 5\n").unwrap();
    let output = rrm(["judge", path.to_str().unwrap(), "--config", config.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("line 2: `rrm judge` has no option `voets`"), "{}", stderr(&output));
}

#[test]
fn an_output_that_would_overwrite_what_is_read_or_kept() {
    let (folder, path) = file("in.jsonl", PAIR);
    let store = folder.path().join("store.sqlite");
    std::fs::write(&store, "").unwrap();
    let link = folder.path().join("link.jsonl");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let (path, store, link) = (path.to_str().unwrap(), store.to_str().unwrap(), link.to_str().unwrap());
    for out in [path, store, link, folder.path().to_str().unwrap()] {
        let output = rrm(["judge", path, "--engine", "scripted:first", "--store", store, "-o", out]);
        assert_eq!(output.status.code(), Some(1), "{out}");
        assert!(stderr(&output).contains("-o "), "{}", stderr(&output));
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), PAIR);
}

#[test]
fn a_device_is_written_to_and_not_replaced() {
    let (_folder, path) = file("in.jsonl", format!("{PAIR}\n"));
    let output = rrm(["judge", path.to_str().unwrap(), "--engine", "scripted:first", "-o", "/dev/stdout"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1);
    assert!(!std::path::Path::new("/dev/stdout.config.toml").exists());
}

#[test]
fn a_wrong_flag_is_told_from_wrong_input_by_its_code() {
    assert_eq!(rrm(["rank", "x.jsonl", "--strategy", "swiss"]).status.code(), Some(2));
    assert_eq!(rrm(["judge", "x.jsonl", "--engine", "scripted:first", "--timeout", "-1"]).status.code(), Some(2));
    assert_eq!(rrm(["judge", "x.jsonl", "--engine", "scripted:first"]).status.code(), Some(1));
    assert_eq!(rrm(["--help"]).status.code(), Some(0));
}

#[test]
fn a_full_disk() {
    let full = std::path::Path::new("/dev/full");
    if !full.exists() {
        crate::skipping::skipped("there is no full device");
        return;
    }
    let (_folder, path) = file("in.jsonl", format!("{PAIR}\n"));
    let mut command = crate::command();
    command.args(["judge", path.to_str().unwrap(), "--engine", "scripted:first"]);
    let output = command.stdout(std::fs::File::create(full).unwrap()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("No space left on device") && said.contains("hint: make room"), "{said}");
}

#[test]
fn a_damaged_store_is_no_error_of_the_input() {
    let (folder, path) = file("in.jsonl", format!("{PAIR}\n"));
    let store = folder.path().join("store.sqlite");
    let judge = ["judge", path.to_str().unwrap(), "--engine", "scripted:first", "--store", store.to_str().unwrap()];
    assert!(rrm(judge).status.success());
    let mut bytes = std::fs::read(&store).unwrap();
    bytes[100..].fill(0xff);
    std::fs::write(&store, bytes).unwrap();
    let output = rrm(judge);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("is damaged"), "{}", stderr(&output));
}

/// A file with one answer of one model a row, given to whoever compares answers.
#[test]
fn one_answer_a_row_is_told_from_a_wrong_column() {
    for row in [
        r#"{"question_id": 1, "model_id": "m", "choices": [{"index": 0, "turns": ["a"]}]}"#,
        r#"{"instruction": "Q", "output": "a", "generator": "m"}"#,
        r#"{"prompt": "Q", "response": "a"}"#,
        r#"{"prompt": "Q", "answer": "a", "model": "m"}"#,
        r#"{"prompt": "Q", "responses": ["a"]}"#,
    ] {
        let (_folder, path) = file("answers.jsonl", row);
        for judges in ["rank", "label", "judge"] {
            // One response is wrong for a pair, too, which is said already.
            if judges == "judge" && row.contains("responses") {
                continue;
            }
            let output = rrm([judges, path.to_str().unwrap(), "--engine", "scripted:first"]);
            assert_eq!(output.status.code(), Some(1), "{judges} {row}");
            assert!(stderr(&output).contains("--join COLUMN"), "{judges} {row}: {}", stderr(&output));
        }
    }
    let (_folder, path) = file("pairs.jsonl", r#"{"prompt": "Q", "response_a": "a", "response_b": "b", "model": "m"}"#);
    let said = stderr(&rrm(["rank", path.to_str().unwrap(), "--engine", "scripted:first"]));
    assert!(!said.contains("--join") && said.contains("--column responses=A,B"), "{said}");
}
