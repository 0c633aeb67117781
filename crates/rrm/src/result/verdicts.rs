//! Matches and rows of a run -> counts of verdicts, abstentions by reason, and decisions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{MatchRow, RowResult};
use crate::{
    ranking::{Ranking, strategy::DecidedBy},
    verdict::Abstain,
    vote::{Choice, Decision, Vote},
};

/// Counts of the votes and decisions of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdicts {
    /// Counted votes.
    pub votes: u64,
    /// Of these, the abstentions, by reason.
    pub abstained: BTreeMap<Abstain, u64>,
    /// Matches that the judge was asked about.
    pub matches: u64,
    /// Of these, matches decided by a majority; a tie is a decision.
    pub decided: u64,
    /// Matches with equal or tied verdicts in which a coin decided.
    pub coins: u64,
    /// The remaining matches, which are undecided.
    pub undecided: u64,
    /// Of these, matches in which no vote gave a verdict.
    pub without_verdict: u64,
    /// Rows in which some response has no place; of pairs, rows without a decision.
    pub rows_without_place: u64,
    /// Rows whose matches leave groups of responses that cannot be compared with one another.
    pub rows_disconnected: u64,
}

impl Verdicts {
    /// Counts a row.
    pub fn add_row(&mut self, result: &RowResult) {
        result.matches.iter().for_each(|played| self.add_match(played));
        let decided = result.order.is_some() || result.verdict == Some(Decision::Tie);
        self.rows_without_place += u64::from(!decided);
        self.rows_disconnected += u64::from(result.disconnected);
    }

    /// Counts a match.
    pub fn add_match(&mut self, played: &MatchRow) {
        if played.counts.is_some() {
            self.add(played.decided_by, played.votes.iter().map(|vote| vote.abstain));
        }
    }

    /// Counts a ranking of which no row is written.
    pub fn add_ranking(&mut self, ranking: &Ranking) {
        for played in &ranking.matches {
            let Some(judgment) = &played.judgment else { continue };
            self.add(played.decided_by, judgment.evidence.votes().map(Result::err));
        }
        self.rows_without_place += u64::from(ranking.order.is_none());
        self.rows_disconnected += u64::from(!ranking.connected);
    }

    /// Counts votes that belong to no match.
    pub fn add_votes(&mut self, votes: impl Iterator<Item = Vote>) {
        for vote in votes {
            self.votes += 1;
            if let Err(reason) = vote {
                *self.abstained.entry(reason).or_default() += 1;
            }
        }
    }

    fn add(&mut self, decided_by: DecidedBy, votes: impl Iterator<Item = Option<Abstain>>) {
        let (before, none_before) = (self.votes, self.without());
        self.add_votes(votes.map(|abstain| abstain.map_or(Ok(Choice::Tie), Err)));
        self.matches += 1;
        match decided_by {
            DecidedBy::Votes => self.decided += 1,
            DecidedBy::Coin => self.coins += 1,
            DecidedBy::Nothing | DecidedBy::Team => {
                self.undecided += 1;
                self.without_verdict += u64::from(self.votes - before == self.without() - none_before);
            }
        }
    }

    /// Returns the number of abstentions.
    pub fn without(&self) -> u64 {
        self.abstained.values().sum()
    }

    /// Returns whether votes were counted and none of them gave a verdict.
    pub fn none(&self) -> bool {
        self.votes > 0 && self.without() == self.votes
    }

    /// Adds the counts of another part of the run.
    pub fn merge(&mut self, other: &Verdicts) {
        self.votes += other.votes;
        for (reason, n) in &other.abstained {
            *self.abstained.entry(*reason).or_default() += n;
        }
        self.matches += other.matches;
        self.decided += other.decided;
        self.coins += other.coins;
        self.undecided += other.undecided;
        self.without_verdict += other.without_verdict;
        self.rows_without_place += other.rows_without_place;
        self.rows_disconnected += other.rows_disconnected;
    }

    /// Returns the number of abstentions with their reasons, such as `3 of 24 votes gave no verdict (no_verdict 2, truncated 1)`.
    pub fn abstentions(&self) -> String {
        let word = |reason: &Abstain| serde_json::to_value(reason).ok().and_then(|word| Some(word.as_str()?.to_owned()));
        let reasons: Vec<String> =
            self.abstained.iter().filter_map(|(reason, n)| Some(format!("{} {n}", word(reason)?))).collect();
        let why = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
        let votes = if self.votes == 1 { "vote" } else { "votes" };
        format!("{} of {} {votes} gave no verdict{why}", self.without(), self.votes)
    }

    /// Returns the remarks that belong beside the results, as parts of a sentence. Empty if every vote gave a verdict, a majority decided every
    /// match, and all responses can be compared.
    pub fn remarks(&self) -> Vec<String> {
        let of = |n: u64, all: u64, one: &str, more: &str| format!("{n} of {all} {}", if all == 1 { one } else { more });
        let matches = |n: u64| of(n, self.matches, "match", "matches");
        let rows = |n: u64| if n == 1 { "1 row".to_owned() } else { format!("{n} rows") };
        let equal = self.undecided - self.without_verdict;
        let apart = || {
            format!(
                "the matches of {} have groups of responses with no match between them: do not compare across groups",
                rows(self.rows_disconnected)
            )
        };
        let some = [
            (self.without() > 0, self.abstentions()),
            (self.without_verdict > 0, format!("{} without any verdict", matches(self.without_verdict))),
            (equal > 0, format!("{} undecided by equal votes", matches(equal))),
            (self.coins > 0, format!("{} decided by a coin", matches(self.coins))),
            (self.rows_without_place > 0, format!("{} without an order or a decision", rows(self.rows_without_place))),
            (self.rows_disconnected > 0, apart()),
        ];
        some.into_iter().filter_map(|(said, part)| said.then_some(part)).collect()
    }
}
