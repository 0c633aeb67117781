//! Rollouts are the tokens of the same draws, whatever the machine and the batch, and the texts that a judge would write.

use std::sync::Arc;

use futures::executor::block_on;
use rrm::{
    chat::Message,
    engine::{Engine, Finish, Request, Sampling},
};
use rrm_nn::{
    checkpoint::Checkpoint,
    engine::LocalEngine,
    local::LocalConfig,
    text::ChatTokenizer,
    train::{
        TrainError,
        rollout::{Policy, Rollout, RolloutConfig, RolloutPrompt, generate, seed},
    },
};

use crate::golden::{MODELS, checkpoint, folder, golden};

const QUESTIONS: [&str; 3] = ["Which answer is better?", "And why?", "Compare the two answers, word by word, before you choose."];

fn config() -> RolloutConfig {
    RolloutConfig { num_generations: 5, max_completion_length: 70, seed: 3, ..RolloutConfig::default() }
}

fn text(checkpoint: &Checkpoint) -> Arc<ChatTokenizer> {
    Arc::new(ChatTokenizer::open(checkpoint).unwrap())
}

fn prompts(text: &ChatTokenizer) -> Vec<RolloutPrompt> {
    let prompt = |question: &&str| text.prompt(&[Message::user(*question)]).unwrap();
    QUESTIONS.iter().map(|question| RolloutPrompt { key: (*question).to_owned(), tokens: prompt(question) }).collect()
}

fn run(model: &str, config: &RolloutConfig, prompts: &[RolloutPrompt], step: u64) -> Result<Vec<Vec<Rollout>>, TrainError> {
    let checkpoint = checkpoint(model);
    let mut weights = |name: &str, shape: &[usize]| checkpoint.tensor(name, shape);
    let policy = Policy { config: checkpoint.config(), weights: &mut weights, text: &text(&checkpoint) };
    generate(config, policy, prompts, step)
}

#[test]
fn the_same_tokens_whatever_the_batch_the_threads_and_the_memory() {
    for model in MODELS {
        let prompts = prompts(&text(&checkpoint(model)));
        let rollouts = run(model, &config(), &prompts, 7).unwrap();
        assert_eq!(rollouts.iter().map(Vec::len).collect::<Vec<_>>(), [5; 3]);
        let distinct: std::collections::HashSet<&[u32]> = rollouts.iter().flatten().map(|r| r.tokens.as_slice()).collect();
        assert_eq!(distinct.len(), 15, "{model}: every completion has its own draws");
        // 12 blocks of the smallest memory that one sequence needs: the others wait or give way.
        let small = RolloutConfig { kv_bytes: Some(12 * 32 * 2 * 2 * 2 * 32 * 4), ..config() };
        for other in
            [RolloutConfig { max_batch: 1, ..config() }, RolloutConfig { threads: Some(1), max_batch: 4, ..config() }, small]
        {
            assert_eq!(run(model, &other, &prompts, 7).unwrap(), rollouts, "{model} {other:?}");
        }
        assert_eq!(run(model, &config(), &prompts[1..2], 7).unwrap()[0], rollouts[1], "{model}: alone");
        assert_ne!(run(model, &config(), &prompts, 8).unwrap(), rollouts, "{model}: another step");
    }
}

#[test]
fn the_same_texts_as_an_engine_writes() {
    let config = RolloutConfig { temperature: 0.8, top_p: 0.95, top_k: 90, min_p: Some(0.01), ..config() };
    for model in MODELS {
        let engine = LocalEngine::open(LocalConfig::new(folder(model))).unwrap();
        let text = text(&checkpoint(model));
        let rollouts = run(model, &config, &prompts(&text), 0).unwrap();
        let (mut ended, mut cut) = (0, 0);
        for (question, group) in QUESTIONS.iter().zip(&rollouts) {
            for (number, rollout) in group.iter().enumerate() {
                let sampling = Sampling { temperature: 0.8, top_p: 0.95, top_k: Some(90), min_p: Some(0.01), max_tokens: 70 };
                let request = request(question, sampling, seed(3, 0, question, number));
                let completion = block_on(engine.complete(request)).unwrap();
                assert_eq!(completion.text, rollout.text);
                assert_eq!(completion.finish == Finish::Length, rollout.truncated);
                assert_eq!(completion.usage.completion_tokens as usize, rollout.tokens.len());
                spelled(&text, rollout);
                *(if rollout.truncated { &mut cut } else { &mut ended }) += 1;
            }
        }
        assert!(ended > 0 && cut > 0, "{model}: {ended} ended, {cut} were cut");
    }
}

/// The tokens write the text; only the last one may end the turn, and does where nothing was cut.
fn spelled(text: &ChatTokenizer, rollout: &Rollout) {
    let tokenizer = text.tokenizer();
    let (last, before) = rollout.tokens.split_last().unwrap();
    assert_eq!(tokenizer.ends(*last), !rollout.truncated);
    assert!(!before.iter().any(|token| tokenizer.ends(*token)));
    let written = if rollout.truncated { &rollout.tokens } else { before };
    let bytes: Vec<u8> = written.iter().flat_map(|token| tokenizer.bytes(*token)).copied().collect();
    assert_eq!(String::from_utf8_lossy(&bytes), rollout.text);
}

fn request(question: &str, sampling: Sampling, seed: u64) -> Request {
    Request {
        messages: [Message::user(question)].into(),
        sampling,
        seed,
        budget: None,
        comparison: None,
        labels: None,
        sink: None,
    }
}

#[test]
fn greedy_rollouts_are_those_of_transformers() {
    for model in MODELS {
        for prompt in golden(model).prompts {
            let length = prompt.greedy.len();
            let greedy = RolloutConfig { num_generations: 1, max_completion_length: length, temperature: 0.0, ..config() };
            let prompts = [RolloutPrompt { key: String::new(), tokens: prompt.tokens }];
            let rollouts = run(model, &greedy, &prompts, 0).unwrap();
            let tokens = &rollouts[0][0].tokens;
            assert_eq!(tokens[..], prompt.greedy[..tokens.len()]);
            assert!(tokens.len() == length || !rollouts[0][0].truncated);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let prompts = prompts(&text(&checkpoint("qwen2")));
    let failed = |config| run("qwen2", &config, &prompts, 0).unwrap_err().to_string();
    let long = failed(RolloutConfig { max_completion_length: 500, ..config() });
    assert_eq!(
        long,
        "max_completion_length: with the 20 tokens of prompt Which answer is better? it makes 520, and the model has 512 positions"
    );
    let small = failed(RolloutConfig { kv_bytes: Some(3 * 2 * 2 * 2 * 32 * 32 * 4), ..config() });
    assert!(small.starts_with("kv_bytes: "), "{small}");
}

#[test]
fn weights_that_are_no_numbers_are_an_error() {
    let checkpoint = checkpoint("qwen2");
    let text = text(&checkpoint);
    let mut weights = |name: &str, shape: &[usize]| {
        let numbers = checkpoint.tensor(name, shape)?;
        Ok(if name == "model.norm.weight" { vec![f32::NAN; numbers.len()] } else { numbers })
    };
    let policy = Policy { config: checkpoint.config(), weights: &mut weights, text: &text };
    let error = generate(&config(), policy, &prompts(&text), 0).unwrap_err();
    assert_eq!(error.to_string(), "rollouts: the model gave no finite logits");
}
