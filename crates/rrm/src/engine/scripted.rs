//! `scripted:` judges, which give verdicts by a rule without reading, for tests, baselines and dry runs. They cost nothing.

use futures::future::{self, BoxFuture};

use super::{Completion, Engine, EngineError, EngineInfo, Finish, Request, Usage};
use crate::{
    comparison::{Comparison, Side},
    keyed::KeyedRandom,
};

/// The rule of a scripted judge.
#[derive(Clone, Debug, PartialEq)]
pub enum Script {
    /// The response shown first: pure position bias.
    First,
    /// The response shown second.
    Second,
    /// The longer response in bytes, and the first one if they are equal: pure length bias.
    Longer,
    /// The shorter response in bytes, and the first one if they are equal.
    Shorter,
    /// A fair coin for each vote.
    Random,
    /// The labelled response with this probability, drawn for each vote; a fair coin without a label.
    Accuracy(f64),
    /// The labelled response with this probability, drawn once for each two texts: all votes about them, in both orders, are right or wrong together.
    Repeats(f64),
    /// No verdict with this probability, drawn for each vote, and otherwise the longer response. With probability 1, a judge that never gives a
    /// verdict.
    Silent(f64),
    /// This text, for every request.
    Text(String),
}

impl Script {
    /// Parses the text after `scripted:` in an engine spec.
    ///
    /// # Errors
    /// A sentence that lists the known scripts.
    pub fn parse(spec: &str) -> Result<Self, String> {
        let known = "known scripts: first, second, longer, shorter, random, silent, silent=P, accuracy=P and repeats=P with P from 0 to 1, text=TEXT";
        let share = |p: &str| p.parse().ok().filter(|p| (0.0..=1.0).contains(p));
        let unknown = || format!("unknown script '{spec}'; {known}");
        if let Some(text) = spec.strip_prefix("text=") {
            return Ok(Script::Text(text.to_owned()));
        }
        if let Some(p) = spec.strip_prefix("silent=") {
            return share(p).map(Script::Silent).ok_or_else(unknown);
        }
        if let Some(p) = spec.strip_prefix("repeats=") {
            return share(p).map(Script::Repeats).ok_or_else(unknown);
        }
        match spec {
            "first" => Ok(Script::First),
            "second" => Ok(Script::Second),
            "longer" => Ok(Script::Longer),
            "shorter" => Ok(Script::Shorter),
            "random" => Ok(Script::Random),
            "silent" => Ok(Script::Silent(1.0)),
            _ => spec.strip_prefix("accuracy=").and_then(share).map(Script::Accuracy).ok_or_else(unknown),
        }
    }

    /// Returns the side that this script prefers; `None` for no verdict. Random choices are keyed by the request's seed.
    fn choose(&self, comparison: &Comparison, seed: u64) -> Option<Side> {
        let drawn = || KeyedRandom::new(seed, "", "scripted", &[]).f64();
        let (first, second) = (comparison.first.len(), comparison.second.len());
        let coin = |heads: bool| if heads { Side::First } else { Side::Second };
        Some(match *self {
            Script::First => Side::First,
            Script::Second => Side::Second,
            Script::Longer => coin(first >= second),
            Script::Shorter => coin(first <= second),
            Script::Random => coin(drawn() < 0.5),
            Script::Silent(p) if drawn() < p => return None,
            Script::Silent(_) => coin(first >= second),
            Script::Text(_) => return None,
            Script::Accuracy(p) => match comparison.label {
                Some(label) if drawn() < p => label,
                Some(label) => label.other(),
                None => coin(drawn() < 0.5),
            },
            Script::Repeats(p) => {
                let texts = if comparison.first <= comparison.second {
                    [&comparison.first, &comparison.second]
                } else {
                    [&comparison.second, &comparison.first]
                };
                let drawn = KeyedRandom::new(0, texts[0], texts[1], &[]).f64();
                match comparison.label {
                    Some(label) if drawn < p => label,
                    Some(label) => label.other(),
                    None => coin((drawn < 0.5) == (comparison.first <= comparison.second)),
                }
            }
        })
    }
}

/// An engine that follows a [`Script`].
pub struct ScriptedEngine {
    script: Script,
    info: EngineInfo,
}

/// Returns a scripted judge; `spec` is the text after `scripted:`.
///
/// # Errors
/// A sentence that lists the known scripts.
pub fn scripted(spec: &str) -> Result<ScriptedEngine, String> {
    let script = Script::parse(spec)?;
    let name = format!("scripted:{spec}");
    let info = EngineInfo { fingerprint: name.clone(), name, seeds: true, logprobs: false, budget: true, paid: false };
    Ok(ScriptedEngine { script, info })
}

impl Engine for ScriptedEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
        Box::pin(future::ready(self.answer(&request)))
    }
}

impl ScriptedEngine {
    fn answer(&self, request: &Request) -> Result<Completion, EngineError> {
        let (Some(comparison), Some(labels)) = (&request.comparison, &request.labels) else {
            let what = "scripted judges answer comparisons only".to_owned();
            return Err(EngineError::Unsupported { engine: self.info.name.clone(), what });
        };
        let text = match self.script.choose(comparison, request.seed) {
            Some(Side::First) => labels.first.clone(),
            Some(Side::Second) => labels.second.clone(),
            None => match &self.script {
                Script::Text(text) => text.clone(),
                _ => "I cannot say which one is better.".to_owned(),
            },
        };
        if let Some(sink) = &request.sink {
            sink(&text);
        }
        Ok(Completion {
            text,
            reasoning: None,
            finish: Finish::Stop,
            elicited: false,
            usage: Usage::default(),
            label_logprobs: None,
        })
    }
}
