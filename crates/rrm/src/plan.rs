//! A schedule -> what it will take: calls, dependent rounds, tokens, money, before anything is spent.

use serde::{Deserialize, Serialize};

use crate::{
    dataset::Item,
    engine::Usage,
    judge::{Adaptive, JudgeSettings},
    rank::{self, RankSettings},
    run::Task,
    schedule,
    spending::Price,
    strategy::Strategy,
};

/// Bytes of text that make a token, as a rule of thumb for English and code under current tokenizers; an estimate and nothing more.
pub const BYTES_PER_TOKEN: f64 = 4.0;

/// What a run will take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Rows.
    pub rows: u64,
    /// Matches that need votes.
    pub matches: u64,
    /// Calls if every match is settled as soon as it can be; equal to `calls_max` without adaptive voting.
    pub calls_min: u64,
    /// Calls at most.
    pub calls_max: u64,
    /// Calls that must wait for one another, at most in any row; adaptive voting adds steps inside a match.
    pub rounds: u64,
    /// Estimated tokens of all requests, for `calls_max`.
    pub prompt_tokens: u64,
    /// Tokens written at most, for `calls_max`.
    pub completion_tokens_max: u64,
}

impl Plan {
    /// Adds what one row takes: matches that need votes, and how many of them must wait for one another. `overhead` is the bytes of the
    /// format around prompt and responses.
    pub fn add(
        &mut self,
        item: &Item,
        (matches, rounds): (u64, u64),
        settings: &JudgeSettings,
        overhead: usize,
        per_call_max: u64,
    ) {
        let votes = u64::from(settings.votes);
        let fewest = if settings.adaptive == Adaptive::Off { votes } else { votes / 2 + 1 };
        let prompt: usize = item.prompt.messages.iter().map(|m| m.content.len()).sum();
        let responses: usize = item.responses.iter().map(|r| r.text.len()).sum();
        let bytes = (overhead + prompt) as f64 + 2.0 * responses as f64 / item.responses.len().max(1) as f64;
        self.rows += 1;
        self.matches += matches;
        self.calls_min += matches * fewest.min(votes);
        self.calls_max += matches * votes;
        self.rounds = self.rounds.max(rounds);
        self.prompt_tokens += (matches as f64 * votes as f64 * bytes / BYTES_PER_TOKEN).round() as u64;
        self.completion_tokens_max += matches * votes * per_call_max;
    }

    /// What the run costs at most.
    pub fn cost_max(&self, price: Price) -> f64 {
        price.of(Usage { prompt_tokens: self.prompt_tokens, completion_tokens: self.completion_tokens_max })
    }
}

/// Matches of a row that need votes at most, and how many of them must wait for one another.
pub fn matches(item: &Item, task: &Task) -> (u64, u64) {
    let n = item.responses.len() as u64;
    match task {
        Task::Judge => (1, 1),
        Task::Rank(settings) => match settings.strategy {
            Strategy::Knockout => (n.saturating_sub(1), u64::from(n.next_power_of_two().trailing_zeros())),
            _ => {
                let pairs = pairs(item, settings) as u64;
                (pairs, pairs.min(1))
            }
        },
    }
}

fn pairs(item: &Item, settings: &RankSettings) -> usize {
    let teams = rank::teams(&item.responses, settings.teams);
    match settings.opponents {
        Some(m) => schedule::opponents(m, &teams, 0, &item.id).len(),
        None => schedule::round_robin(&teams).len(),
    }
}
