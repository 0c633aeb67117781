//! One's own pairs: subsets by a column, and several files as one whole.

use std::path::PathBuf;

use rrm::{
    dataset::ColumnNames,
    eval::{self, Benchmark, Questions, Suite},
};
use tempfile::TempDir;

/// A folder with these files, and their paths.
fn files(files: &[(&str, &str)]) -> (TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let write = |(name, rows): &(&str, &str)| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, rows).unwrap();
        path
    };
    let paths = files.iter().map(write).collect();
    (folder, paths)
}

fn pairs(paths: &[PathBuf], specs: &[&str]) -> Result<Suite, String> {
    eval::load(Benchmark::Pairs, paths, &ColumnNames::parse(specs).unwrap()).map_err(|error| error.to_string())
}

fn ids(suite: &Suite) -> Vec<&str> {
    suite.cases.iter().map(|case| case.item.id.as_str()).collect()
}

const ONE: &str =
    "{\"prompt\":\"P\",\"chosen\":\"a\",\"rejected\":\"b\"}\n{\"prompt\":\"Q\",\"chosen\":\"a\",\"rejected\":\"b\"}\n";
const TWO: &str = "{\"prompt\":\"R\",\"chosen\":\"a\",\"rejected\":\"b\"}\n";

#[test]
fn rows_of_several_files_without_ids_do_not_collide() {
    let (folder, paths) = files(&[("a/part.jsonl", ONE), ("b/part.jsonl", TWO), ("c.csv", "prompt,chosen,rejected\nS,x,y\n")]);
    let suite = pairs(&paths, &[]).unwrap();
    assert_eq!(ids(&suite), ["row-1", "row-2", "part.jsonl#2/row-1", "c.csv/row-1"]);
    // A folder is the same files, and the ids of one file are what they were.
    assert_eq!(ids(&pairs(&[folder.path().to_owned()], &[]).unwrap()), ids(&suite));
    assert_eq!(ids(&pairs(&paths[1..2], &[]).unwrap()), ["row-1"]);
    // Rows with ids keep them, beside a file without.
    let (_folder, mixed) =
        files(&[("a.jsonl", "{\"id\":\"x\",\"prompt\":\"P\",\"chosen\":\"a\",\"rejected\":\"b\"}\n"), ("b.jsonl", TWO)]);
    assert_eq!(ids(&pairs(&mixed, &[]).unwrap()), ["x", "row-1"]);
    let questions = eval::load_best_of(Questions::BestOf, &paths, &ColumnNames::default(), 0).unwrap().0;
    assert_eq!(questions.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ids(&suite));
}

#[test]
fn a_file_that_is_given_twice_does_not_count_twice() {
    let (_folder, paths) = files(&[("a.jsonl", ONE), ("copy.jsonl", ONE)]);
    let twice = [paths[0].clone(), paths[0].clone()];
    for paths in [&paths[..], &twice[..]] {
        let error = pairs(paths, &[]).unwrap_err();
        assert!(error.contains("which was read before") || error.contains("already used"), "{error}");
        assert!(eval::load_best_of(Questions::BestOf, paths, &ColumnNames::default(), 0).is_err());
    }
}

#[test]
fn subsets_are_named_by_a_column() {
    let rows = concat!(
        r#"{"prompt":"P","responses":["a","b"],"label":1,"category":"x","meta":{"level":3},"subset":"old"}"#,
        "\n",
        r#"{"prompt":"Q","responses":["a","b"],"label":2,"category":null,"meta":{"level":4}}"#
    );
    let (_folder, paths) = files(&[("a.jsonl", rows)]);
    let subsets = |specs: &[&str]| {
        let suite = pairs(&paths, &[&["label=label"], specs].concat());
        suite.map(|suite| suite.cases.iter().map(|case| case.subset.clone()).collect::<Vec<_>>())
    };
    assert_eq!(subsets(&["subset=category"]).unwrap(), ["x", "pairs"]);
    assert_eq!(subsets(&["subset=meta.level"]).unwrap(), ["3", "4"]);
    assert_eq!(subsets(&[]).unwrap(), ["old", "pairs"]);
    let missing = subsets(&["subset=categry"]).unwrap_err();
    assert!(missing.ends_with("row 1: no column `categry` (for `subset`); nearest: `category`; the row has: prompt, responses, label, category, meta, subset"), "{missing}");
}

#[test]
fn labels_of_all_files_are_one_whole() {
    let row = |label: u8| format!("{{\"prompt\":\"P{label}\",\"responses\":[\"a\",\"b\"],\"label\":{label}}}\n");
    let (_folder, paths) = files(&[("a.jsonl", &row(1)), ("b.jsonl", &row(0)), ("c.jsonl", &row(2))]);
    assert!(pairs(&paths[..2], &["label=label"]).unwrap_err().contains("--column label=label:0,1 if 0 means the first"));
    assert!(
        pairs(&paths, &["label=label"]).unwrap_err().contains("--column label=label:1,2,0 if 1 means the first, and 0 neither")
    );
    let all = pairs(&paths, &["label=label:1,2,0"]).unwrap();
    assert_eq!(all.cases.iter().map(|case| format!("{:?}", case.label)).collect::<Vec<_>>(), ["A", "Tie", "B"]);
    assert!(all.notes.is_empty());
    assert_eq!(pairs(&paths[..1], &["label=label"]).unwrap().notes.len(), 1);
    // A file that is refused alone is refused beside another.
    let (_folder, paths) = files(&[("one.jsonl", &(row(1) + &row(2))), ("zero.jsonl", &(row(0) + &row(1)))]);
    assert!(pairs(&paths, &["label=label"]).unwrap_err().contains("--column label=label:0,1 if 0 means the first"));
}
