//! A table of judges' replies: honest ones in many wordings, and ones that quote, deny, show or ask for a label -> the verdict of each, or none.
//!
//! Each line of `tests/replies/cases.jsonl` is a reply with the texts that were judged, who opens the thinking, and all readings that are right.

use std::{collections::BTreeMap, sync::Arc};

use rrm::{
    comparison::{Comparison, Prompt},
    engine::{Completion, Finish, Opening, Usage},
    format::Format,
    transcript, verdict,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyCase {
    name: String,
    #[serde(default = "rrm_format")]
    format: String,
    opening: Vec<String>,
    prompt: String,
    first: String,
    second: String,
    reply: String,
    reasoning: Option<String>,
    want: Vec<String>,
}

fn rrm_format() -> String {
    "rrm".to_owned()
}

impl ReplyCase {
    fn read(&self, opening: &str) -> &'static str {
        let opening = match opening {
            "model" => Opening::Model,
            "template" => Opening::Template,
            "unknown" => Opening::Unknown,
            other => panic!("{}: {other}", self.name),
        };
        let format = Format::shipped(&self.format).unwrap();
        let completion = Completion {
            text: self.reply.clone(),
            reasoning: self.reasoning.clone(),
            finish: Finish::Stop,
            elicited: false,
            usage: Usage::default(),
            label_logprobs: None,
        };
        let transcript = transcript::split_of(&completion, format.file.thinking.as_ref(), opening);
        let prompt = Arc::new(Prompt::text(&self.prompt));
        let comparison =
            Comparison { prompt, first: self.first.as_str().into(), second: self.second.as_str().into(), label: None };
        match verdict::read_about(&transcript, &format.file.verdict, &comparison) {
            Ok(verdict::Verdict::First) => "first",
            Ok(verdict::Verdict::Second) => "second",
            Ok(verdict::Verdict::Tie) => "tie",
            Err(_) => "none",
        }
    }
}

#[test]
fn replies_are_read_as_a_careful_reader_reads_them() {
    let table = include_str!("../replies/cases.jsonl");
    let cases: Vec<ReplyCase> = table.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut wants: BTreeMap<bool, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in &cases {
        for opening in &case.opening {
            *wants.entry(case.want.iter().any(|want| want == "none")).or_default() += 1;
            let got = case.read(opening);
            if !case.want.iter().any(|want| want == got) {
                wrong.push(format!("{} ({opening}): {got} instead of {}: {:?}", case.name, case.want.join(" or "), case.reply));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    // The table holds verdicts and none.
    assert!(wants[&true] > 700 && wants[&false] > 700, "{wants:?}");
}

/// What a judge's thinking says moves nothing: the same answer behind other thoughts reads the same.
#[test]
fn thoughts_move_no_verdict() {
    let table = include_str!("../replies/cases.jsonl");
    let cases = table.lines().map(|line| serde_json::from_str::<ReplyCase>(line).unwrap());
    let plain = cases.filter(|case| case.opening.iter().any(|opening| opening == "model") && case.reasoning.is_none());
    let marks = ["think", "THINK", "channel|", "thought"];
    for mut case in
        plain.filter(|case| !marks.iter().any(|mark| format!("{}{}{}", case.first, case.second, case.reply).contains(mark)))
    {
        let before = case.read("model");
        for label in ["\\boxed{Assistant 1}", "[[A>B]]"] {
            let reply = case.reply.clone();
            case.reply = format!("<think>\nPerhaps {label}. Let me see.\n</think>\n\n{reply}");
            assert_eq!(case.read("model"), before, "{}: {}", case.name, case.reply);
            case.reply = reply;
        }
    }
}
