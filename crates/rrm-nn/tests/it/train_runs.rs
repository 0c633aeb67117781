//! Whole runs on a task that is learnt in seconds: what they write, and that they learn.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use rrm_nn::{
    checkpoint::Checkpoint,
    train::{TrainOutput, TrainRunError, config::TrainConfig, progress::Event, train},
};
use serde_json::Value;

use crate::toy;

fn config(text: &str, set: &[&str]) -> TrainConfig {
    let set: Vec<String> = set.iter().map(|pair| (*pair).to_owned()).collect();
    TrainConfig::parse("toy.toml", text, &set).unwrap()
}

fn run(text: &str, set: &[&str]) -> Result<TrainOutput, TrainRunError> {
    train(&config(text, set), &mut |_| {})
}

fn lines(file: PathBuf) -> Vec<Value> {
    fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Names and contents of a checkpoint's files but its state, which counts the bytes of timings.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.file_name().unwrap() != "state.json")
        .map(|path| (path.file_name().unwrap().display().to_string(), fs::read(path).unwrap()))
        .collect()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().display().to_string()).collect();
    names.sort();
    names
}

/// A folder in which verdicts are learnt; they are guesses.
fn guessing() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    toy::write(folder.path());
    run(&toy::sft(folder.path()), &[]).unwrap();
    folder
}

#[test]
fn examples_are_learnt_and_rewards_go_up() {
    let folder = guessing();
    let folder = folder.path();
    let losses = lines(folder.join("sft/metrics.jsonl"));
    assert_eq!(losses.len(), 30);
    let loss = |line: &Value| line["loss"].as_f64().unwrap();
    // Two of eight tokens a completion; which verdict it is cannot be known: ln 2 for one of two tokens remains.
    assert!(loss(&losses[0]) > 1.5 && (loss(&losses[29]) - 0.3466).abs() < 0.05, "{} {}", losses[0], losses[29]);
    assert_eq!(
        names(&folder.join("sft")),
        ["config.toml", "last", "lock", "metrics.jsonl", "rollouts.jsonl", "step-000028", "step-000030", "timings.jsonl"]
    );

    let trained = run(&toy::grpo(folder), &[]).unwrap();
    let metrics = lines(folder.join("grpo/metrics.jsonl"));
    let rewards: Vec<f64> = metrics.iter().filter_map(|line| line["reward"].as_f64()).collect();
    let mean = |rewards: &[f64]| rewards.iter().sum::<f64>() / rewards.len() as f64;
    assert!(mean(&rewards[..3]).abs() < 0.5 && mean(&rewards[17..]) > 0.8, "{rewards:?}");
    let held_out = |line: &Value| line["evaluation"]["sampled"]["accuracy"]["value"].as_f64();
    assert_eq!(
        metrics
            .iter()
            .filter_map(|line| Some((line["step"].as_u64()?, held_out(line)?.floor() as u64)))
            .map(|(step, _)| step)
            .collect::<Vec<_>>(),
        [0, 10, 20]
    );
    assert!(held_out(&metrics[20]).unwrap() >= 0.9, "{}", metrics[20]);
    assert_eq!(trained.last, folder.join("grpo/step-000020"));
    assert!(trained.best.unwrap().accuracy >= 0.9);

    let rollouts = lines(folder.join("grpo/rollouts.jsonl"));
    assert_eq!(rollouts.iter().map(|row| row["step"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 1, 5, 5, 9, 9, 13, 13, 17, 17]);
    assert!(rollouts[0]["prompt"][0]["content"].as_str().unwrap().ends_with('V'), "{}", rollouts[0]);
    Checkpoint::open(&folder.join("grpo/best")).unwrap();
}

#[test]
fn what_a_killed_process_leaves_is_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    toy::write(folder.path());
    let text = toy::sft(folder.path());
    let set = |output: &str, steps: u64| {
        let output = format!("output=\"{}\"", folder.path().join(output).display());
        let set = [output, format!("optimizer.max_steps={steps}"), "checkpoint.save_steps=5".to_owned()];
        train(&TrainConfig::parse("toy.toml", &text, &set).unwrap(), &mut |_| {}).unwrap()
    };
    set("whole", 12);
    set("torn", 7);
    let torn = folder.path().join("torn");
    // Killed in step 8, in the middle of a line, of a checkpoint and of a link.
    for file in ["metrics.jsonl", "timings.jsonl"] {
        let text = fs::read_to_string(torn.join(file)).unwrap();
        fs::write(torn.join(file), text + "{\"step\":8}\n{\"st").unwrap();
    }
    fs::create_dir(torn.join("step-000008.partial")).unwrap();
    fs::write(torn.join("step-000008.partial/model.safetensors"), "x").unwrap();
    std::os::unix::fs::symlink("step-000005", torn.join("last.partial")).unwrap();
    let trained = set("torn", 12);
    assert_eq!(
        names(&torn),
        ["config.toml", "last", "lock", "metrics.jsonl", "rollouts.jsonl", "step-000010", "step-000012", "timings.jsonl"]
    );
    let whole = folder.path().join("whole");
    let (torn_files, whole_files) = (files(&trained.last), files(&whole.join("last")));
    let differing: Vec<_> =
        whole_files.iter().filter(|(name, bytes)| torn_files.get(*name) != Some(bytes)).map(|(name, _)| name).collect();
    assert!(differing.is_empty() && torn_files.len() == whole_files.len(), "{differing:?}");
    assert_eq!(fs::read_to_string(torn.join("metrics.jsonl")).unwrap(), fs::read_to_string(whole.join("metrics.jsonl")).unwrap());
}

#[test]
fn a_run_goes_on_only_with_the_files_that_it_began_with() {
    let folder = guessing();
    let folder = folder.path();
    let text = toy::grpo(folder);
    let further = |output: &str| run(&text, &[&format!("output=\"{}/{output}\"", folder.display()), "optimizer.max_steps=2"]);
    further("grpo").unwrap();
    let pairs = folder.join("pairs.jsonl");
    let before = fs::read_to_string(&pairs).unwrap();
    fs::write(&pairs, before.replacen("\"chosen\":\"x\"", "\"chosen\":\"z\"", 1)).unwrap();
    let error = further("grpo").unwrap_err().to_string();
    let expected = format!("the run here was begun with other files: what has changed is {}", pairs.display());
    assert!(error.ends_with(&expected), "{error}");
    fs::write(&pairs, &before).unwrap();
    further("grpo").unwrap();
    // What was refused has left no trace.
    let saved = fs::read_to_string(folder.join("grpo/config.toml")).unwrap();
    fs::write(&pairs, "").unwrap();
    assert!(run(&text, &["optimizer.max_steps=9"]).is_err());
    assert_eq!(fs::read_to_string(folder.join("grpo/config.toml")).unwrap(), saved);
    fs::write(&pairs, &before).unwrap();
    // Another base: its own run went on.
    run(&toy::sft(folder), &["optimizer.max_steps=31"]).unwrap();
    let error = further("grpo").unwrap_err().to_string();
    assert!(error.ends_with(&format!("what has changed is {}/sft/last", folder.display())), "{error}");
    further("other").unwrap();
}

#[test]
fn a_start_that_failed_binds_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    toy::write(folder.path());
    let text = toy::sft(folder.path());
    run(&text, &["data.sources=[{ path = \"exmaples.jsonl\" }]"]).unwrap_err();
    let bad = folder.path().join("bad.jsonl");
    fs::write(&bad, "{}").unwrap();
    run(&text, &[&format!("data.sources=[{{ path = \"{}\" }}]", bad.display())]).unwrap_err();
    run(&text, &["optimizer.max_steps=1"]).unwrap();
}

#[test]
fn what_the_model_has_no_positions_for_is_left_out() {
    let folder = guessing();
    let folder = folder.path();
    let pairs = folder.join("pairs.jsonl");
    let long = |length: usize| {
        format!("{{\"id\":\"{length}\",\"prompt\":\"?\",\"chosen\":\"{}\",\"rejected\":\"y\"}}\n", "x".repeat(length))
    };
    // 64 positions, 4 of them for completions, and `y` and `V` beside the response.
    fs::write(&pairs, fs::read_to_string(&pairs).unwrap() + &long(58) + &long(59)).unwrap();
    let mut data = Vec::new();
    let mut observe = |event: Event<'_>| {
        if let Event::Opened(opened) = event {
            data = opened.data.to_vec();
        }
    };
    train(&config(&toy::grpo(folder), &["optimizer.max_steps=1"]), &mut observe).unwrap();
    assert_eq!((data[0].rows, data[0].too_long, data[0].kept), (42, 1, 41));
    let set = [&format!("output=\"{}/other\"", folder.display()), "grpo.max_completion_length=64"];
    let error = run(&toy::grpo(folder), &set).unwrap_err().to_string();
    assert_eq!(error, "grpo.max_completion_length: is 64; expected less than the model's 64 positions");
}

#[test]
fn a_run_that_only_gets_worse_has_no_best_checkpoint() {
    let folder = guessing();
    let folder = folder.path();
    run(&toy::grpo(folder), &[]).unwrap();
    // From a judge that is nearly always right, at a rate that spoils it.
    let set = [
        &format!("output=\"{}/spoilt\"", folder.display()),
        &format!("model=\"{}/grpo/best\"", folder.display()),
        "optimizer.learning_rate=3.0",
        "optimizer.max_steps=2",
    ];
    let trained = run(&toy::grpo(folder), &set).unwrap();
    let best = trained.best.unwrap();
    assert!(best.step == 0 && best.accuracy >= 0.9, "{best:?}");
    assert!(!folder.join("spoilt/best").exists() && folder.join("spoilt/last").exists());
}

#[test]
fn numbers_that_leave_the_ground_stop_the_run() {
    let folder = guessing();
    let folder = folder.path();
    let error =
        run(&toy::sft(folder), &[&format!("output=\"{}/high\"", folder.display()), "optimizer.learning_rate=1e30"]).unwrap_err();
    assert!(matches!(error, TrainRunError::Diverged { step: 2, last: None, .. }), "{error}");
    let away = ["grpo.max_kl=0.001", "optimizer.learning_rate=0.05", "checkpoint.save_steps=1"];
    let error = run(&toy::grpo(folder), &away).unwrap_err().to_string();
    assert!(error.contains("the divergence from the reference is") && error.contains("the last good checkpoint is"), "{error}");
    Checkpoint::open(&folder.join("grpo/last")).unwrap();
}

#[test]
fn adapters_are_trained_alone_and_merged_at_the_end() {
    let folder = guessing();
    let folder = folder.path();
    let lora = [
        "lora={ r = 4, lora_alpha = 8, target_modules = [\"q_proj\", \"v_proj\", \"down_proj\"] }",
        "grpo.beta=0.01",
        "optimizer.max_steps=3",
    ];
    let trained = run(&toy::grpo(folder), &lora).unwrap();
    let step = names(&trained.last);
    assert_eq!(
        step,
        [
            "adapter_config.json",
            "adapter_model.safetensors",
            "config.json",
            "optimizer.safetensors",
            "state.json",
            "tokenizer.json",
            "tokenizer_config.json"
        ]
    );
    let metrics = lines(folder.join("grpo/metrics.jsonl"));
    assert_eq!(metrics[1]["kl"], 0.0, "before the first update the policy is the reference");
    assert!(metrics[3]["kl"].as_f64().unwrap() > 0.0);
    let (base, merged) =
        (Checkpoint::open(&folder.join("sft/last")).unwrap(), Checkpoint::open(&trained.merged.unwrap()).unwrap());
    for (name, shape) in base.config().tensors() {
        let adapted = ["q_proj.weight", "v_proj.weight", "down_proj.weight"].iter().any(|module| name.ends_with(module));
        let same = base.tensor(&name, &shape).unwrap() == merged.tensor(&name, &shape).unwrap();
        assert_eq!(same, !adapted, "{name}");
    }
    // A run that goes on has no whole model until its new end.
    let further = ["optimizer.max_steps=4", "checkpoint.save_steps=1"];
    let config = config(&toy::grpo(folder), &[&lora[..2], &further[..]].concat());
    let old = fs::read(folder.join("grpo/merged/model.safetensors")).unwrap();
    let mut seen = Vec::new();
    train(&config, &mut |_| seen.push(folder.join("grpo/merged").exists())).unwrap();
    assert!(!seen.is_empty() && seen.iter().all(|there| !there));
    assert_ne!(fs::read(folder.join("grpo/merged/model.safetensors")).unwrap(), old);
}

#[test]
fn the_best_adapters_are_merged_too_where_they_are_not_the_last() {
    let folder = guessing();
    let folder = folder.path();
    let evaluation =
        format!("evaluation={{ path = \"{}/pairs.jsonl\", eval_steps = 1, max_completion_length = 8 }}", folder.display());
    let lora = "lora={ r = 4, lora_alpha = 8, target_modules = [\"q_proj\", \"v_proj\", \"down_proj\"] }";
    let trained = |output: &str, steps: u64| {
        let (output, steps) = (format!("output=\"{}/{output}\"", folder.display()), format!("optimizer.max_steps={steps}"));
        run(&toy::grpo(folder), &[lora, &evaluation, &output, &steps, "optimizer.learning_rate=0.05"]).unwrap()
    };
    let long = trained("long", 8);
    let best = long.best.unwrap().step;
    assert!(best > 0 && best < 8, "{best}");
    let short = trained("short", best);
    assert_eq!(short.merged_best, None, "the last are the best");
    let weights = |folder: std::path::PathBuf| fs::read(folder.join("model.safetensors")).unwrap();
    assert_ne!(weights(long.merged.unwrap()), weights(long.merged_best.clone().unwrap()));
    assert_eq!(weights(long.merged_best.unwrap()), weights(short.merged.unwrap()));
}
