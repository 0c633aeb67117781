//! What a judge said of the two responses of a match, and what it rests on.

use crate::{
    address::CompletionKey,
    engine::Usage,
    vote::{self, Choice, Decision, Order, Probabilities, Vote, VoteCounts},
};

/// One counted vote of a judge that saw both responses.
#[derive(Clone, Debug, PartialEq)]
pub struct VoteRecord {
    /// Which response the judge saw first.
    pub order: Order,
    /// Which response it said is better.
    pub vote: Vote,
    /// Whether the verdict was elicited under a thinking budget.
    pub elicited: bool,
    /// How likely each vote was; `None` where the engine did not tell.
    pub probabilities: Option<Probabilities>,
    /// What it took.
    pub usage: Usage,
    /// Where the completion lies in a store. `None` where [`Judge::addresses`](super::Judge::addresses) says that nobody asks.
    pub key: Option<CompletionKey>,
}

/// The score of one response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRecord {
    /// The score; finite.
    pub score: f64,
    /// What it took.
    pub usage: Usage,
    /// Where it lies in a store; `None` as in [`VoteRecord::key`].
    pub key: Option<CompletionKey>,
}

/// The votes or the scores that a judgment rests on.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// The counted votes by their index.
    Votes(Vec<VoteRecord>),
    /// The scores of `a` and of `b`: the higher one is better, equal ones are a tie.
    Scores([ScoreRecord; 2]),
}

impl Evidence {
    /// Which response each vote says is better; two scores are one vote.
    pub fn votes(&self) -> impl Iterator<Item = Vote> {
        let (records, scores) = match self {
            Evidence::Votes(records) => (records.as_slice(), None),
            Evidence::Scores(scores) => (&[][..], Some(scores)),
        };
        records.iter().map(|record| record.vote).chain(scores.map(|[a, b]| Ok(higher(a.score, b.score))))
    }

    /// Tokens of everything that counts.
    fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        match self {
            Evidence::Votes(records) => records.iter().for_each(|record| usage += record.usage),
            Evidence::Scores(scores) => scores.iter().for_each(|score| usage += score.usage),
        }
        usage
    }
}

fn higher(a: f64, b: f64) -> Choice {
    match a.total_cmp(&b) {
        _ if a == b => Choice::Tie,
        std::cmp::Ordering::Greater => Choice::A,
        _ => Choice::B,
    }
}

/// A judge's result for the responses `a` and `b` of a match.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgment {
    /// The majority.
    pub decision: Decision,
    /// How many votes said what.
    pub counts: VoteCounts,
    /// What it rests on.
    pub evidence: Evidence,
    /// Tokens of the evidence.
    pub usage: Usage,
}

impl Judgment {
    /// What the evidence says.
    pub fn new(evidence: Evidence) -> Self {
        let counts = vote::count(evidence.votes());
        Judgment { decision: counts.decision(), counts, usage: evidence.usage(), evidence }
    }
}
