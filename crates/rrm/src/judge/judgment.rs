//! Votes or scores about the two responses of a match -> the decision, its counts and its usage.

use crate::{
    address::CompletionKey,
    engine::Usage,
    vote::{self, Choice, Decision, Order, Probabilities, Vote, VoteCounts},
};

/// One counted vote of a judge that saw both responses.
#[derive(Clone, Debug, PartialEq)]
pub struct VoteRecord {
    /// Order in which the judge saw the responses.
    pub order: Order,
    /// The better response by this vote, a tie, or an abstention.
    pub vote: Vote,
    /// Whether the verdict was elicited under a thinking budget.
    pub elicited: bool,
    /// Probability of each possible vote; `None` if the engine did not tell.
    pub probabilities: Option<Probabilities>,
    /// Token counts of the completion.
    pub usage: Usage,
    /// Address of the completion in a store. `None` where [`Judge::addresses`](super::Judge::addresses) turns addresses off.
    pub key: Option<CompletionKey>,
}

/// The score of one response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRecord {
    /// The score; finite.
    pub score: f64,
    /// Token counts of the score.
    pub usage: Usage,
    /// Address of the score in a store; `None` as in [`VoteRecord::key`].
    pub key: Option<CompletionKey>,
}

/// The votes or the scores that a judgment rests on.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// The counted votes by their index.
    Votes(Vec<VoteRecord>),
    /// The scores of `a` and of `b`: the higher one wins, equal ones are a tie.
    Scores([ScoreRecord; 2]),
}

impl Evidence {
    /// Returns the vote of each record; two scores are one vote.
    pub fn votes(&self) -> impl Iterator<Item = Vote> {
        let (records, scores) = match self {
            Evidence::Votes(records) => (records.as_slice(), None),
            Evidence::Scores(scores) => (&[][..], Some(scores)),
        };
        records.iter().map(|record| record.vote).chain(scores.map(|[a, b]| Ok(higher(a.score, b.score))))
    }

    /// Returns the token counts of all votes or both scores together.
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

/// Judgment about the responses `a` and `b` of a match.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgment {
    /// Decision of the majority.
    pub decision: Decision,
    /// Number of votes for `a`, for `b`, for a tie, and of abstentions.
    pub counts: VoteCounts,
    /// The votes or scores that the decision rests on.
    pub evidence: Evidence,
    /// Tokens of the evidence.
    pub usage: Usage,
}

impl Judgment {
    /// Returns the judgment that follows from the evidence: its counts, the decision of the majority, and its usage.
    pub fn new(evidence: Evidence) -> Self {
        let counts = vote::count(evidence.votes());
        Judgment { decision: counts.decision(), counts, usage: evidence.usage(), evidence }
    }
}
