//! How likely each label was where the verdict stands.

use std::sync::Arc;

use rrm::engine::{Budget, Finish, LabelLogprobs, Labels, Request};

use super::{
    POSITIONS, budget, complete, complete_all, config, engine,
    fake::{Bytes, logits_after},
    in_time, labels, request,
    same_text::oracle,
};
use crate::{
    backend::Tokenizer,
    engine::SchedulerConfig,
    labels::{Continuations, WrittenTokens, continuations, logprob},
};

/// Where the verdict of `text` stands, written by the byte tokenizer after a prompt of 10 tokens.
fn found(text: &str, labels: &Labels, budget: Option<&Budget>) -> Option<(String, Vec<String>)> {
    let tokens = Bytes.encode_text(text).unwrap();
    let mut bytes = Vec::new();
    let ends: Vec<usize> = tokens
        .iter()
        .map(|token| {
            bytes.extend(Bytes.bytes(*token));
            std::str::from_utf8(&bytes).map_or_else(|error| error.valid_up_to(), str::len)
        })
        .collect();
    let written = WrittenTokens { text, ends: &ends, prompt: 10 };
    let Continuations { context, tokens: rests } = continuations(&written, labels, budget, &Bytes)?;
    let spell = |tokens: &[u32]| String::from_utf8(tokens.iter().flat_map(|token| Bytes.bytes(*token)).collect()).unwrap();
    Some((spell(&tokens[..context - 10]), rests.iter().map(|rest| spell(rest)).collect()))
}

fn cut(before: &str, rests: &[&str]) -> Option<(String, Vec<String>)> {
    Some((before.to_owned(), rests.iter().map(|rest| (*rest).to_owned()).collect()))
}

#[test]
fn labels_are_cut_before_the_token_in_which_they_differ() {
    let labels = labels();
    // " 1" is one token.
    assert_eq!(found("So \\box{A 1}.", &labels, None), cut("So \\box{A", &[" 1}", " 2}"]));
    assert_eq!(found("So \\box{A 2}.", &labels, None), cut("So \\box{A ", &["1}", "2}"]));
    assert_eq!(found("\\box{A 2} no, \\box{A 1} \\box{A 3}", &labels, None), cut("\\box{A 2} no, \\box{A", &[" 1}", " 2}"]));
    assert_eq!(found("So \\box{A 3}.", &labels, None), None);
    assert_eq!(found("", &labels, None), None);
}

#[test]
fn only_the_answer_states_a_verdict() {
    let opened = Labels { first: "</think>\\box{A 1}".to_owned(), second: "</think>\\box{A 2}".to_owned(), tie: None };
    let budget = budget();
    let found = |text: &str| found(text, &opened, Some(&budget));
    assert_eq!(found("\\box{A 1}</think>\n\\box{A 2}"), cut("\\box{A 1}</think>\n\\box{A ", &["1}", "2}"]));
    assert_eq!(found("\\box{A 1}</think>\nNone."), None);
}

#[test]
fn a_label_of_the_same_verdict_shows_the_place_too() {
    let labels = Labels { first: "[[A>B]]".to_owned(), second: "[[B>A]]".to_owned(), tie: Some("[[A=B]]".to_owned()) };
    let budget = Budget { verdicts: ["[[A>B]]", "[[A>>B]]"].map(str::to_owned).to_vec(), ..budget() };
    assert_eq!(found("It is [[A>>B]]", &labels, Some(&budget)), cut("It is [[", &["A>B]]", "B>A]]", "A=B]]"]));
    assert_eq!(found("It is [[A>>B]]", &labels, None), None);
}

#[test]
fn labels_may_differ_inside_a_character() {
    // Both begin with the byte C3; each is two tokens.
    let labels = Labels { first: "[ä]".to_owned(), second: "[ü]".to_owned(), tie: None };
    assert_eq!(found("Es ist [ü]", &labels, None), cut("Es ist [", &["ä]", "ü]"]));
}

#[test]
fn the_log_probability_of_a_label_is_that_of_its_tokens() {
    let script = "So \\box{A 2}, says he.";
    let ask = Request { labels: Some(labels()), ..request("Judge!", 3, 100) };
    let (engine, _) = engine(Some(script), &config());
    let completion = complete(&engine, ask.clone()).unwrap();
    assert_eq!((completion.text.as_str(), completion.finish), (script, Finish::Stop));
    let mut tokens = Bytes.encode_prompt(&ask.messages).unwrap();
    tokens.extend(Bytes.encode_text("So \\box{A ").unwrap());
    let score = |label: &str| {
        let mut tokens = tokens.clone();
        let each = Bytes.encode_text(label).unwrap().into_iter().map(|token| {
            let row = logits_after(&tokens, Some(script));
            tokens.push(token);
            let total: f64 = row.iter().map(|logit| f64::from(*logit).exp()).sum();
            (f64::from(row[token as usize]).exp() / total).ln()
        });
        each.sum::<f64>()
    };
    let expected = LabelLogprobs::new(score("1}"), score("2}"), None).unwrap();
    assert_eq!(completion.label_logprobs, Some(expected));
    assert!(expected.second() > -0.01 && expected.first() < -30.0, "{expected:?}");
}

#[test]
fn a_text_that_was_cut_has_no_verdict_to_score() {
    let (engine, _) = engine(Some("\\box{A 2} and more"), &config());
    let ask = Request { labels: Some(labels()), ..request("Judge!", 3, 12) };
    let completion = complete(&engine, ask).unwrap();
    assert_eq!((completion.finish, completion.label_logprobs), (Finish::Length, None));
}

#[test]
fn labels_are_scored_where_there_is_little_room() {
    let three = Labels { tie: Some("\\box{A 0123}".to_owned()), ..(*labels()).clone() };
    // Five blocks, two of them to spare for the branches of three labels: the text ends with the context.
    for spare in 0..40 {
        let script = format!("{}\\box{{A 2}}", "x".repeat(56 - spare));
        let ask = Request { labels: Some(Arc::new(three.clone())), ..request(&"p".repeat(29), 0, 1000) };
        let (engine, _) = engine(Some(&script), &SchedulerConfig { kv_bytes: Some(5_000), context: Some(96), ..config() });
        let asked = vec![ask.clone(), ask.clone()];
        let answers = in_time(move || complete_all(&engine, &asked));
        let expected = oracle(&ask, Some(&script), 96);
        assert_eq!(answers, [expected.clone(), expected.clone()], "{spare}");
        // At the very end the longest label does not fit.
        assert_eq!(expected.label_logprobs.is_some(), spare > 0, "{spare}");
    }
}

#[test]
fn logarithms_hold_out_at_the_extremes() {
    let logits = [1e30_f32, -1e30, 0.0, f32::NEG_INFINITY];
    assert_eq!(logprob(&logits, 0), 0.0);
    assert_eq!(logprob(&logits, 1), -2.0 * f64::from(1e30_f32));
    assert_eq!(logprob(&logits, 3), f64::NEG_INFINITY);
    assert!((logprob(&[0.0; 8], 5) + 8_f64.ln()).abs() < 1e-12);
    assert_eq!(oracle(&request("a", 1, 3), None, POSITIONS).label_logprobs, None);
}
