//! Files of rows become the batches of steps: every row in its turn, orders drawn, what is left out counted, errors named.

use std::{fs, path::Path, sync::Arc};

use rrm::{comparison::Side, format::Format};
use rrm_nn::{
    text::ChatTokenizer,
    train::data::{DataConfig, PairFile, PairSource, SftConfig, SftFile, SftSource, TrainingPair},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::golden::checkpoint;

fn format() -> Arc<Format> {
    Arc::new(Format::shipped("direct").unwrap())
}

fn text() -> Arc<ChatTokenizer> {
    Arc::new(ChatTokenizer::open(&checkpoint("qwen2")).unwrap())
}

fn write(folder: &Path, name: &str, rows: &[Value]) -> std::path::PathBuf {
    let path = folder.join(name);
    fs::write(&path, rows.iter().map(|row| format!("{row}\n")).collect::<String>()).unwrap();
    path
}

/// Pairs with the ids `NAME-0`, `NAME-1` and so on.
fn pairs(folder: &Path, name: &str, count: usize) -> PairFile {
    let row = |i| json!({"id": format!("{name}-{i}"), "prompt": format!("{i} of {name}?"), "chosen": "good", "rejected": "bad"});
    let path = write(folder, &format!("{name}.jsonl"), &(0..count).map(row).collect::<Vec<_>>());
    PairFile { path, weight: 1.0, columns: Vec::new(), filter: None }
}

fn open(sources: Vec<PairFile>, change: impl FnOnce(&mut DataConfig)) -> PairSource {
    let mut config = DataConfig { sources, batch_size: 4, seed: 5, ..DataConfig::default() };
    change(&mut config);
    PairSource::open(config, format(), text()).unwrap()
}

fn refused(source: PairFile) -> String {
    let config = DataConfig { sources: vec![source], ..DataConfig::default() };
    PairSource::open(config, format(), text()).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn a_pair_is_shown_in_a_drawn_order_with_its_label_and_its_tokens() {
    let folder = TempDir::new().unwrap();
    let mut source = open(vec![pairs(folder.path(), "a", 40)], |_| {});
    let all: Vec<TrainingPair> = (0..10).flat_map(|step| source.batch(step).unwrap()).collect();
    let (format, text) = (format(), text());
    for pair in &all {
        let good = if pair.label == Side::First { &pair.comparison.first } else { &pair.comparison.second };
        assert_eq!((&**good, pair.comparison.label), ("good", Some(pair.label)));
        assert_eq!(pair.prompt_tokens, text.prompt(&format.messages(&pair.comparison).unwrap()).unwrap());
    }
    let first = all.iter().filter(|pair| pair.label == Side::First).count();
    assert!((12..=28).contains(&first), "{first} of 40 show the better one first");
    let mut ids: Vec<&str> = all.iter().map(|pair| pair.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 40, "each once in an epoch");
    // Another epoch has another order of rows, and other coins.
    let again: Vec<TrainingPair> = (10..20).flat_map(|step| source.batch(step).unwrap()).collect();
    let same = |pair: &TrainingPair| again.iter().any(|other| other.id == pair.id && other.label == pair.label);
    assert!(all.iter().any(|pair| !same(pair)) && all.iter().any(same));
    assert!(all.iter().all(|pair| again.iter().all(|other| other.key != pair.key)));
}

#[test]
fn a_step_needs_nothing_of_the_steps_before() {
    let folder = TempDir::new().unwrap();
    let sources = || vec![PairFile { weight: 5.0, ..pairs(folder.path(), "a", 7) }, pairs(folder.path(), "b", 30)];
    let mut straight = open(sources(), |_| {});
    for step in 0..12 {
        let batch = straight.batch(step).unwrap();
        assert_eq!(open(sources(), |_| {}).batch(step).unwrap(), batch);
    }
    assert_ne!(open(sources(), |config| config.seed = 6).batch(3).unwrap(), straight.batch(3).unwrap());
}

#[test]
fn both_orders_stand_side_by_side() {
    let folder = TempDir::new().unwrap();
    let batch = open(vec![pairs(folder.path(), "a", 9)], |config| config.both_orders = true).batch(2).unwrap();
    assert_eq!(batch.len(), 8);
    for both in batch.chunks(2) {
        assert_eq!(both[0].comparison, both[1].comparison.swapped());
        assert_eq!((&both[0].id, both[0].label), (&both[1].id, both[1].label.other()));
        assert_ne!(both[0].key, both[1].key);
    }
}

#[test]
fn what_is_left_out_is_counted() {
    let folder = TempDir::new().unwrap();
    let path = write(
        folder.path(),
        "mixed.jsonl",
        &[
            json!({"id": "fits", "prompt": "?", "chosen": "a", "rejected": "b"}),
            json!({"id": "long", "prompt": "?", "chosen": "a", "rejected": "b".repeat(4000)}),
            json!({"id": "tied", "prompt": "?", "responses": [{"text": "a", "score": 1}, {"text": "b", "score": 1}]}),
            json!({"id": "easy", "prompt": "?", "chosen": "a", "rejected": "b"}),
        ],
    );
    let line = |id: &str, right: u32| json!({"id": id, "right": right, "of": 4, "kept": right < 4});
    let lines = [line("fits", 3), line("long", 2), line("tied", 0), line("easy", 4)];
    let filter = Some(write(folder.path(), "filter.jsonl", &lines));
    let file = PairFile { path, weight: 1.0, columns: Vec::new(), filter };
    let mut source = open(vec![file.clone()], |config| config.max_prompt_length = 2000);
    let counts = &source.counts()[0];
    assert_eq!((counts.rows, counts.too_long, counts.tied, counts.filtered, counts.kept), (4, 1, 1, 1, 1));
    assert!(source.batch(0).unwrap().iter().all(|pair| pair.id == "fits"));
    fs::write(file.filter.as_ref().unwrap(), format!("{}\n", line("fits", 3))).unwrap();
    let error = refused(file);
    assert!(error.ends_with("mixed.jsonl row 2: the filter has no id `long`"), "{error}");
}

#[test]
fn errors_name_file_row_and_field() {
    let folder = TempDir::new().unwrap();
    let file = |rows: &[Value]| PairFile {
        path: write(folder.path(), "bad.jsonl", rows),
        weight: 1.0,
        columns: Vec::new(),
        filter: None,
    };
    let good = json!({"id": "x", "prompt": "?", "chosen": "a", "rejected": "b"});
    let missing = refused(file(&[good.clone(), json!({"prompt": "?", "chosen": "a"})]));
    assert!(missing.contains("bad.jsonl row 2: no column `rejected`"), "{missing}");
    let double = refused(file(&[good.clone(), good.clone()]));
    assert!(double.ends_with("bad.jsonl row 2: the id `x` was already used in row 1"), "{double}");
    let unlabelled = refused(file(&[json!({"prompt": "?", "responses": ["a", "b"]})]));
    assert!(unlabelled.ends_with("bad.jsonl row 1: no label says which response is better"), "{unlabelled}");
    let weight = refused(PairFile { weight: 0.0, ..file(&[good]) });
    assert!(weight.starts_with("weight: of ") && weight.ends_with("is 0; it has to be above 0"), "{weight}");
}

#[test]
fn examples_are_prompt_completion_and_the_end_of_the_turn() {
    let folder = TempDir::new().unwrap();
    let rows = [
        json!({"id": 1, "prompt": [{"role": "user", "content": "Which?"}], "completion": [{"role": "assistant", "content": "It is [[A]], or [[B]]."}]}),
        json!({"id": 2, "prompt": "Which?<|im_end|>", "completion": " None."}),
        json!({"id": 3, "prompt": "Which?", "completion": "b".repeat(300)}),
    ];
    let sources = vec![SftFile { path: write(folder.path(), "sft.jsonl", &rows), weight: 1.0 }];
    let config = SftConfig { sources, batch_size: 2, max_length: 100, verdict_weight: 3.0, seed: 1, ..SftConfig::default() };
    let (format, text) = (Format::shipped("direct").unwrap(), text());
    let verdict = format.file.verdict.stated()[1].clone();
    let rows = fs::read_to_string(&config.sources[0].path).unwrap().replace("[[B]]", &verdict.replace('\\', "\\\\"));
    fs::write(&config.sources[0].path, rows).unwrap();
    let mut source = SftSource::open(&config, &format, &text).unwrap();
    assert_eq!((source.counts()[0].kept, source.counts()[0].too_long), (2, 1));
    let mut batch = source.batch(0);
    batch.sort_by(|a, b| a.id.cmp(&b.id));
    let said = |tokens: &[u32]| {
        let bytes = tokens.iter().flat_map(|token| text.tokenizer().bytes(*token)).copied().collect();
        String::from_utf8(bytes).unwrap()
    };
    let end = text.tokenizer().end().unwrap();
    let [conversation, plain] = &batch[..] else { panic!("{batch:?}") };
    assert_eq!(conversation.prompt_tokens, text.prompt(&[rrm::chat::Message::user("Which?")]).unwrap());
    let (last, written) = conversation.completion_tokens.split_last().unwrap();
    assert_eq!((said(written), *last), (format!("It is [[A]], or {verdict}."), end));
    // Weighted are the verdict, what follows it, and the end.
    let weighted: Vec<u32> =
        conversation.completion_tokens.iter().zip(&conversation.weights).filter(|(_, w)| **w == 3.0).map(|(t, _)| *t).collect();
    assert!(said(&weighted[..weighted.len() - 1]).trim_start().starts_with(&verdict), "{}", said(&weighted));
    assert!(conversation.weights.iter().all(|weight| [1.0, 3.0].contains(weight)) && conversation.weights[0] == 1.0);
    // A text is the beginning as it is, special tokens in it are meant.
    assert_eq!(plain.prompt_tokens.last(), Some(&end));
    assert_eq!(
        (said(&plain.completion_tokens[..plain.completion_tokens.len() - 1]), plain.weights.iter().sum::<f32>()),
        (" None.".to_owned(), plain.weights.len() as f32)
    );
    // Single tokens may count more.
    let weigh = |token: String| SftConfig { token_weights: [(token, 2.0)].into(), ..config.clone() };
    let heavy = weigh(said(&plain.completion_tokens[..1]));
    let mut source = SftSource::open(&heavy, &format, &text).unwrap();
    let again = source.batch(0).into_iter().find(|example| example.id == plain.id).unwrap();
    let expected: Vec<f32> =
        plain.completion_tokens.iter().map(|token| if *token == plain.completion_tokens[0] { 2.0 } else { 1.0 }).collect();
    assert_eq!(again.weights, expected);
    let error = SftSource::open(&weigh("None at all of them".to_owned()), &format, &text).err().unwrap().to_string();
    assert!(error.contains("token_weights") && error.contains("one token each"), "{error}");
}
