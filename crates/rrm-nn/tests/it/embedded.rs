//! A model that is part of the program writes what the same files in a folder write.

use futures::executor::block_on;
use rrm::{
    chat::Message,
    engine::{Engine, Request, Sampling},
};
use rrm_nn::{
    embedded::EmbeddedModel,
    engine::{LocalEngine, SchedulerConfig},
    local::LocalConfig,
};

use crate::golden::folder;

const FILES: &[(&str, &[u8])] = &[
    ("config.json", include_bytes!("../golden/qwen2/config.json")),
    ("generation_config.json", include_bytes!("../golden/qwen2/generation_config.json")),
    ("model.safetensors", include_bytes!("../golden/qwen2/model.safetensors")),
    ("tokenizer.json", include_bytes!("../golden/qwen2/tokenizer.json")),
    ("tokenizer_config.json", include_bytes!("../golden/qwen2/tokenizer_config.json")),
];

fn embedded(files: &'static [(&'static str, &'static [u8])]) -> Result<LocalEngine, String> {
    let model = EmbeddedModel { name: "in the program", files };
    LocalEngine::embedded(model, Some(1), &SchedulerConfig::default()).map_err(|error| error.to_string())
}

#[test]
fn the_same_texts_as_from_a_folder() {
    let inside = embedded(FILES).unwrap();
    let outside = LocalEngine::open(LocalConfig::new(folder("qwen2"))).unwrap();
    let write = |engine: &LocalEngine, seed: u64| {
        let sampling = Sampling { temperature: 1.0, max_tokens: 40, ..Sampling::default() };
        let messages = [Message::user("a tree, a house")].into();
        let (budget, comparison, labels, sink) = (None, None, None, None);
        let request = Request { messages, sampling, seed, budget, comparison, labels, sink };
        block_on(engine.complete(request)).unwrap().text
    };
    for seed in 0..4 {
        assert_eq!(write(&inside, seed), write(&outside, seed));
    }
    assert_ne!(write(&inside, 0), write(&inside, 1));
    // Where completions are kept is decided by the fingerprint: other files, other completions.
    const FEWER: &[(&str, &[u8])] = &[FILES[0], FILES[2], FILES[3], FILES[4]];
    assert_ne!(inside.info().fingerprint, embedded(FEWER).unwrap().info().fingerprint);
}

#[test]
fn what_is_absent_is_named() {
    let said = |files| embedded(files).err().unwrap();
    assert!(said(&[]).contains("has no config.json"), "{}", said(&[]));
    const BARE: &[(&str, &[u8])] = &[FILES[0], FILES[2]];
    assert!(said(BARE).contains("tokenizer.json"), "{}", said(BARE));
    const BLANK: &[(&str, &[u8])] = &[FILES[0], ("model.safetensors", &[0; 8]), FILES[3], FILES[4]];
    assert!(said(BLANK).starts_with("in the program"), "{}", said(BLANK));
}
