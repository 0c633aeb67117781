//! `rrm train` as a user runs it: errors that say what is wrong, and runs that survive every kill.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rrm::keyed::KeyedRandom;

use crate::{command, rrm, stderr, stdout, toy};

/// A folder with the toy task, and a configuration of it.
fn folder(config: impl Fn(&Path) -> String) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    toy::write(folder.path());
    let file = folder.path().join("run.toml");
    fs::write(&file, config(folder.path())).unwrap();
    (folder, file)
}

/// What is said about a configuration with a key put over it, the folder taken out of the paths.
fn said(set: &[&str]) -> String {
    let (folder, file) = folder(toy::grpo);
    let mut command = command();
    command.args(["train", "--dry-run"]).arg(&file);
    for pair in set {
        command.args(["--set", pair]);
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    stderr(&output).replace(folder.path().to_str().unwrap(), "DIR")
}

#[test]
fn wrong_values_are_named_with_what_was_expected() {
    insta::assert_snapshot!(said(&["grpo.num_generations=1"]), @r#"
    error: DIR/run.toml: `grpo.num_generations` is 1; expected at least 2: a group compares completions
    hint: docs/training.md describes every key; `rrm train CONFIG --dry-run` shows what they come to
    "#);
    insta::assert_snapshot!(said(&["grpo.generation_batch_size=20"]), @r#"
    error: DIR/run.toml: `grpo.generation_batch_size` is 20; expected a multiple of grpo.num_generations, which is 8
    hint: docs/training.md describes every key; `rrm train CONFIG --dry-run` shows what they come to
    "#);
    insta::assert_snapshot!(said(&["grpo.temperature=0.0"]), @r#"
    error: DIR/run.toml: `grpo.temperature` is 0; expected a number above 0: without chance the completions of a group are equal
    hint: docs/training.md describes every key; `rrm train CONFIG --dry-run` shows what they come to
    "#);
    insta::assert_snapshot!(said(&["optimizer.max_steps=0"]), @r#"
    error: DIR/run.toml: `optimizer.max_steps` is missing or 0; expected how many steps the run has, at least 1
    hint: docs/training.md describes every key; `rrm train CONFIG --dry-run` shows what they come to
    "#);
    insta::assert_snapshot!(said(&["grpo.learning_rate=1"]), @r#"
    error: DIR/run.toml: unknown field `learning_rate`, expected one of `num_generations`, `generation_batch_size`, `max_completion_length`, `temperature`, `top_p`, `top_k`, `min_p`, `loss_type`, `epsilon`, `epsilon_high`, `beta`, `use_bias_correction_kl`, `num_iterations`, `scale_rewards`, `mask_truncated_completions`, `groups_without_signal`, `max_num_gen_batches`, `max_kl`
    in `grpo`
    hint: docs/training.md describes every key; `rrm train CONFIG --dry-run` shows what they come to
    "#);
    insta::assert_snapshot!(said(&["grpo.loss_type=\"ppo\""]), @r#"
    error: DIR/run.toml: unknown variant `ppo`, expected one of `grpo`, `dr_grpo`, `dapo`, `bnpo`
    in `grpo.loss_type`
    hint: docs/training.md describes every key; `rrm train CONFIG --dry-run` shows what they come to
    "#);
    insta::assert_snapshot!(said(&["model.confg=\"x\""]), @r#"
    error: "model.confg=\"x\"": model is no section
    hint: --set takes the keys of the configuration, with their sections
    "#);
    insta::assert_snapshot!(said(&["sft.max_length=5"]), @r#"
    error: DIR/run.toml: `sft` is only for method = "sft"
    hint: docs/training.md describes every key; `rrm train CONFIG --dry-run` shows what they come to
    "#);
    insta::assert_snapshot!(said(&["grpo"]), @r#"
    error: "grpo": expected KEY=VALUE, such as optimizer.max_steps=100
    hint: --set takes the keys of the configuration, with their sections
    "#);
    insta::assert_snapshot!(said(&["data.sources=[]"]), @r#"
    error: DIR/run.toml: `data.sources` is empty: expected a list such as [{ path = "pairs.jsonl" }]
    hint: docs/training.md describes every key; `rrm train CONFIG --dry-run` shows what they come to
    "#);
    insta::assert_snapshot!(said(&["reward.consistency=true"]), @r#"
    error: DIR/run.toml: `reward.consistency` is true; expected false unless data.both_orders is true
    hint: docs/training.md describes every key; `rrm train CONFIG --dry-run` shows what they come to
    "#);
    insta::assert_snapshot!(said(&["data.format=\"rmr\""]), @r#"
    error: `data.format` is 'rmr': neither shipped nor a file that can be read: No such file or directory (os error 2)
    hint: shipped formats: rrm, direct, arena-hard
    "#);
}

#[test]
fn a_place_in_the_file_is_shown() {
    let (folder, file) = folder(|folder| toy::sft(folder).replace("seed", "sed") + "\nsede = 3\n");
    let output = rrm(["train", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(stderr(&output).replace(folder.path().to_str().unwrap(), "DIR"), @r#"
    error: DIR/run.toml: TOML parse error at line 11, column 1
       |
    11 | sede = 3
       | ^^^^
    unknown field `sede`, expected one of `method`, `model`, `output`, `seed`, `threads`, `gradient_checkpointing`, `max_tokens_per_pass`, `data`, `optimizer`, `sft`, `grpo`, `reward`, `lora`, `evaluation`, `checkpoint`, `logging`
    hint: docs/training.md describes every key; `rrm train CONFIG --dry-run` shows what they come to
    "#);
}

#[test]
fn a_dry_run_shows_everything_and_trains_nothing() {
    let (folder, file) = folder(toy::sft);
    let shown = stdout(&rrm(["train", file.to_str().unwrap(), "--dry-run"]));
    insta::assert_snapshot!(shown.replace(folder.path().to_str().unwrap(), "DIR"), @r#"
    method = "sft"
    output = "DIR/sft"
    seed = 0
    threads = 1
    gradient_checkpointing = false
    max_tokens_per_pass = 4096

    [model]
    config = "DIR/config.json"
    tokenizer = "DIR"

    [model.init]
    embedding = 0.5
    head = 0.02
    linear = 1.0
    output_projections = 1.0

    [data]
    format = "DIR/toy.toml"
    max_prompt_length = 4096
    both_orders = false

    [[data.sources]]
    path = "DIR/examples.jsonl"
    weight = 1.0

    [optimizer]
    max_steps = 30
    learning_rate = 0.01
    lr_scheduler_type = "constant"
    warmup_steps = 0.0
    min_lr = 0.0
    weight_decay = 0.0
    adam_beta1 = 0.9
    adam_beta2 = 0.999
    adam_epsilon = 0.00000001
    max_grad_norm = 1.0

    [sft]
    per_device_train_batch_size = 8
    max_length = 1024
    verdict_weight = 1.0

    [checkpoint]
    save_steps = 7
    save_total_limit = 2

    [logging]
    rollouts_every = 10
    rollouts = 4

    # parameters      16,096 (16.1K), 16,096 of them trained
    # DIR/examples.jsonl: 4 rows, none left out
    # a step          8 completions, at most 8,192 tokens
    # the run         30 steps, at most 246K tokens
    # memory          about 12.3 MB: 258 KB for weights and moments, and in turns 12.1 MB for a pass and 0 bytes for rollouts
    "#);
    assert!(!folder.path().join("sft").exists());
}

#[test]
fn a_run_folder_is_for_one_run() {
    let (folder, file) = folder(toy::sft);
    let said = |set: &str| {
        let output = rrm(["train", file.to_str().unwrap(), "--set", "optimizer.max_steps=2", "--set", set]);
        (output.status.code(), stderr(&output).replace(folder.path().to_str().unwrap(), "DIR"))
    };
    let (code, text) = said("checkpoint.save_steps=1");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("step 2/2") && text.contains("saved DIR/sft/step-000002"), "{text}");
    let (code, text) = said("optimizer.learning_rate=0.02");
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(text, @r#"
    error: DIR/sft: the run here was begun with another configuration: optimizer.learning_rate is 0.02 and was 0.01
    hint: take the run's own configuration (config.toml in its folder), or name another `output`
    "#);
    // More steps, and another rhythm of saving, are no other run.
    let (code, text) = said("optimizer.max_steps=3");
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(fs::read_to_string(folder.path().join("sft/metrics.jsonl")).unwrap().lines().count(), 3);
    let (code, text) = said(&format!("output=\"{}\"", folder.path().display()));
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(text, @r#"
    error: DIR: is not empty and holds no run
    hint: name another folder as `output`
    "#);
}

/// Starts a run again and again, kills it after a few lines on stderr each time, and lets it end at last. Gives how often it was killed
/// in the middle.
fn killed(mut train: Command, kills: u64) -> u64 {
    let mut in_the_middle = 0;
    for kill in 0..kills {
        let mut child = train.stderr(Stdio::piped()).spawn().unwrap();
        let lines = KeyedRandom::new(7, "train", "kill", &[kill]).below(8) as usize;
        let read = BufReader::new(child.stderr.take().unwrap()).lines().take(lines).count();
        in_the_middle += u64::from(child.try_wait().unwrap().is_none() && read == lines);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let output = train.stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    in_the_middle
}

/// Contents of the files that must not depend on kills.
fn left(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let names =
        ["metrics.jsonl", "rollouts.jsonl", "last/model.safetensors", "last/optimizer.safetensors", "best/model.safetensors"];
    let present = names.into_iter().filter(|name| run.join(name).exists());
    present.map(|name| (name.to_owned(), fs::read(run.join(name)).unwrap())).collect()
}

#[test]
fn a_run_that_is_killed_at_any_moment_ends_as_one_that_never_was() {
    let (folder, file) = folder(toy::sft);
    let folder = folder.path();
    let train = |file: &Path, output: &Path| {
        let mut train = command();
        train.arg("train").arg(file).args([
            "--set",
            &format!("output=\"{}\"", output.display()),
            "--set",
            "checkpoint.save_steps=4",
        ]);
        train
    };
    let (whole, torn) = (folder.join("whole"), folder.join("torn"));
    assert!(train(&file, &whole).output().unwrap().status.success());
    let middle = killed(train(&file, &torn), 6);
    assert!(middle > 2, "only {middle} kills came in the middle");
    assert_eq!(left(&whole).len(), 4);
    assert!(left(&whole) == left(&torn), "a run of supervised fine-tuning differs");

    fs::write(&file, toy::grpo(folder)).unwrap();
    let from_whole = |output: &Path| {
        let mut train = train(&file, output);
        train.args(["--set", &format!("model=\"{}/last\"", whole.display())]);
        train.args(["--set", "checkpoint.save_steps=3", "--set", "grpo.groups_without_signal=\"resample\""]);
        train.args(["--set", "grpo.num_iterations=2", "--set", "grpo.beta=0.01"]);
        train
    };
    let (whole, torn) = (folder.join("whole-grpo"), folder.join("torn-grpo"));
    let output = from_whole(&whole).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let middle = killed(from_whole(&torn), 6);
    assert!(middle > 2, "only {middle} kills came in the middle");
    assert_eq!(left(&whole).len(), 5);
    assert!(left(&whole) == left(&torn), "a run of reinforcement learning differs");
}
