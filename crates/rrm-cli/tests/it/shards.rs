//! Runs in parts: the parts one after the other are the whole, byte for byte, and their stores together replay it.

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use crate::{
    command,
    faulty_server::{FaultyServer, model::Said, well},
    rrm, stderr,
};

const ROWS: usize = 11;
const SHARDS: usize = 3;

/// The commands with what follows their name, and the files that parts add up to.
fn jobs(folder: &Path, url: &str) -> [(&'static str, Vec<String>, &'static str); 5] {
    let write = |name: &str, row: &dyn Fn(usize) -> String| {
        let path = folder.join(name);
        std::fs::write(&path, (0..ROWS).map(row).collect::<String>()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let four = write("four.jsonl", &|i| {
        format!("{{\"id\":\"r{i}\",\"prompt\":\"Question {i}?\",\"responses\":[\"a{i}\",\"b{i}\",\"c{i}\",\"d{i}\"]}}\n")
    });
    let pair = write("pair.jsonl", &|i| {
        format!("{{\"id\":\"p{i}\",\"prompt\":\"Question {i}?\",\"chosen\":\"yes {i}\",\"rejected\":\"no {i}\"}}\n")
    });
    // Every third question repeats an earlier one, which parts must know of.
    let questions = write("questions.jsonl", &|i| {
        let name = if i % 3 == 2 { i - 1 } else { i };
        let question = format!("How many legs have {name} cats, {name} dogs and {name} hens in the yard of house {name}?");
        format!(
            "{{\"id\":\"q{i}\",\"question\":\"{question}\",\"answer\":\"{i}\",\"responses\":[\"#### {i}\",\"#### 99\",\"#### 98\"]}}\n"
        )
    });
    let pairs = ["--per-question", "2", "--filter-engine", url, "--filter-votes", "1"].map(str::to_owned);
    [
        ("pairs", [vec![questions], pairs.to_vec()].concat(), ".dropped.jsonl"),
        ("judge", vec![pair.clone()], ""),
        ("rank", vec![four.clone()], ""),
        ("label", vec![four, "--votes".into(), "2".into(), "--min-margin".into(), "0.5".into()], ".dropped.jsonl"),
        ("eval", vec!["pairs".into(), "--data".into(), pair], ".cases.jsonl"),
    ]
}

fn run(server: &FaultyServer, (name, args): (&str, &[String]), store: &Path, out: &Path, more: &[&str]) -> Output {
    let mut run = command();
    // The base judge of `pairs` is the only engine that it asks here.
    let engine: &[&str] = if name == "pairs" { &[] } else { &["--engine", &server.url] };
    run.arg(name).args(args).args(engine).arg("--store").arg(store).arg("-o").arg(out).args(more);
    let output = run.output().unwrap();
    assert!(output.status.success(), "{name}: {}", stderr(&output));
    output
}

fn named(path: &Path, suffix: &str) -> Vec<u8> {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    std::fs::read(PathBuf::from(&name)).unwrap_or_else(|error| panic!("{}: {error}", PathBuf::from(&name).display()))
}

#[test]
fn parts_add_up_to_the_whole_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = FaultyServer::start(Said::default(), well());
    for (name, args, beside) in jobs(folder, &server.url) {
        let place = |part: &str, end: &str| folder.join(format!("{name}-{part}.{end}"));
        let whole = place("whole", "jsonl");
        run(&server, (name, &args), &place("whole", "sqlite"), &whole, &[]);
        let parts: Vec<PathBuf> = (1..=SHARDS).map(|part| place(&part.to_string(), "jsonl")).collect();
        let stores: Vec<PathBuf> = (1..=SHARDS).map(|part| place(&part.to_string(), "sqlite")).collect();
        for (part, (out, store)) in parts.iter().zip(&stores).enumerate() {
            run(&server, (name, &args), store, out, &["--shard", &format!("{}/{SHARDS}", part + 1)]);
        }
        // An evaluation's own file holds scores, which only the whole has; its cases add up.
        for suffix in ["", beside].into_iter().filter(|suffix| name != "eval" || !suffix.is_empty()) {
            let joined: Vec<u8> = parts.iter().flat_map(|part| named(part, suffix)).collect();
            assert!(joined == named(&whole, suffix), "{name}: the parts of OUT{suffix} are not the whole");
            assert!(!joined.is_empty());
        }
        let merged = place("merged", "sqlite");
        let merge = rrm([&["store".into(), "merge".into(), merged.clone()], stores.as_slice()].concat());
        assert!(merge.status.success(), "{}", stderr(&merge));
        let again = place("again", "jsonl");
        run(&server, (name, &args), &merged, &again, &[]);
        for suffix in ["", beside] {
            assert!(named(&again, suffix) == named(&whole, suffix), "{name}: OUT{suffix} differs over the merged stores");
        }
        let stats: serde_json::Value = serde_json::from_slice(&named(&again, ".stats.json")).unwrap();
        let spent = if name == "pairs" { &stats["filter"]["spent"] } else { &stats["spent"] };
        assert_eq!(spent["calls"], 0, "{name} asked for what the stores hold: {stats}");
        assert!(spent["reused"].as_u64().unwrap() >= ROWS as u64);
    }
}

#[test]
fn a_part_checks_the_whole_input() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.jsonl");
    std::fs::write(&path, "{\"prompt\":\"Q\",\"responses\":[\"a\",\"b\"]}\n{\"prompt\":\"Q\",\"responses\":[\"a\"]}\n").unwrap();
    for name in ["judge", "rank", "label"] {
        let output = rrm([name, path.to_str().unwrap(), "--engine", "scripted:first", "--shard", "1/2"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("row 2"), "{}", stderr(&output));
    }
    let output = rrm(["rank", path.to_str().unwrap(), "--engine", "scripted:first", "--shard", "3/2"]);
    assert!(stderr(&output).contains("'3/2' is no shard: expected I/N with I from 1 to N"), "{}", stderr(&output));
}
