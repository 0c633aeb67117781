//! The votes about the two responses of a match -> a [`Decision`], and a rule for when to stop asking.
//!
//! A judge says which of two *positions* is better. When its verdict is read, this becomes a vote for a *response*: everything from here on is about
//! the responses `a` and `b` of a match. In files they are called `first` and `second`.
//!
//! Votes count by their index, never by their arrival: a decision that stops early is taken on the shortest prefix of votes after which no outcome of
//! the rest could change it, so it does not depend on which answer came first.

use serde::{Deserialize, Serialize};

use crate::{
    comparison::Side,
    engine::LabelProbabilities,
    verdict::{Abstain, Verdict},
};

/// One vote, or an abstention.
pub type Vote = Result<Choice, Abstain>;

/// The better one of the two responses of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Choice {
    /// Response `a`.
    #[serde(rename = "first")]
    A,
    /// Response `b`.
    #[serde(rename = "second")]
    B,
    /// Neither.
    #[serde(rename = "tie")]
    Tie,
}

impl Choice {
    /// Returns the same vote with `a` and `b` exchanged.
    pub fn swapped(self) -> Self {
        match self {
            Choice::A => Choice::B,
            Choice::B => Choice::A,
            Choice::Tie => Choice::Tie,
        }
    }
}

/// Returns the vote for a side of a comparison that shows `a` first.
impl From<Side> for Choice {
    fn from(side: Side) -> Self {
        match side {
            Side::First => Choice::A,
            Side::Second => Choice::B,
        }
    }
}

/// The order in which a judge saw the two responses of a match. A vote means the same in both orders; position bias is measured by the order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// `a` first.
    #[default]
    Given,
    /// `b` first.
    Swapped,
}

impl Order {
    /// Returns the other order.
    pub fn swapped(self) -> Self {
        match self {
            Order::Given => Order::Swapped,
            Order::Swapped => Order::Given,
        }
    }

    /// Returns the values of `a` and of `b` in the order in which the two were shown.
    pub fn shown<T>(self, a: T, b: T) -> (T, T) {
        match self {
            Order::Given => (a, b),
            Order::Swapped => (b, a),
        }
    }

    /// Returns the vote for the response that was shown first.
    pub fn first(self) -> Choice {
        self.shown(Choice::A, Choice::B).0
    }

    /// Returns the vote for a response that a verdict about positions means.
    pub fn choice(self, verdict: Verdict) -> Choice {
        let (first, second) = self.shown(Choice::A, Choice::B);
        match verdict {
            Verdict::First => first,
            Verdict::Second => second,
            Verdict::Tie => Choice::Tie,
        }
    }

    /// Returns the probabilities of responses by those of positions.
    pub fn probabilities(self, shown: LabelProbabilities) -> Probabilities {
        let LabelProbabilities { first, second, tie } = shown;
        let (a, b) = self.shown(first, second);
        Probabilities { a, b, tie }
    }
}

/// The probability of a vote for each response. They sum to 1, apart from rounding.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probabilities {
    /// Probability that response `a` is better.
    #[serde(rename = "first")]
    pub a: f64,
    /// Probability that response `b` is better.
    #[serde(rename = "second")]
    pub b: f64,
    /// Probability of a tie; only in formats that have ties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tie: Option<f64>,
}

impl Probabilities {
    /// Returns the same probabilities with `a` and `b` exchanged.
    pub fn swapped(self) -> Self {
        Probabilities { a: self.b, b: self.a, tie: self.tie }
    }
}

/// The result of the votes of one match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Decision {
    /// Most votes say that response `a` is better.
    #[serde(rename = "first")]
    A,
    /// Most votes say that response `b` is better.
    #[serde(rename = "second")]
    B,
    /// Most votes say they are equally good.
    #[serde(rename = "tie")]
    Tie,
    /// No outcome has more votes than every other one, or all votes abstained. Not a tie.
    #[serde(rename = "undecided")]
    Undecided,
}

impl Decision {
    /// Returns the same decision with `a` and `b` exchanged.
    pub fn swapped(self) -> Self {
        match self {
            Decision::A => Decision::B,
            Decision::B => Decision::A,
            same => same,
        }
    }
}

impl From<Choice> for Decision {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::A => Decision::A,
            Choice::B => Decision::B,
            Choice::Tie => Decision::Tie,
        }
    }
}

/// Counts of the votes for each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoteCounts {
    /// Number of votes for response `a`.
    #[serde(rename = "first")]
    pub for_a: u32,
    /// Number of votes for response `b`.
    #[serde(rename = "second")]
    pub for_b: u32,
    /// Number of votes for a tie.
    pub tie: u32,
    /// Number of abstentions.
    pub abstain: u32,
}

impl VoteCounts {
    /// Adds one vote.
    pub fn add(&mut self, vote: Vote) {
        match vote {
            Ok(Choice::A) => self.for_a += 1,
            Ok(Choice::B) => self.for_b += 1,
            Ok(Choice::Tie) => self.tie += 1,
            Err(_) => self.abstain += 1,
        }
    }

    /// Returns the outcome with the most votes; [`Decision::Undecided`] if two lead together or no vote has a verdict.
    pub fn decision(self) -> Decision {
        let lead = self.for_a.max(self.for_b).max(self.tie);
        let leaders = [self.for_a, self.for_b, self.tie].iter().filter(|n| **n == lead).count();
        match (lead, leaders) {
            (0, _) | (_, 2..) => Decision::Undecided,
            _ if self.for_a == lead => Decision::A,
            _ if self.for_b == lead => Decision::B,
            _ => Decision::Tie,
        }
    }

    /// Returns whether `remaining` further votes cannot change the decision.
    pub fn is_settled(self, remaining: u32) -> bool {
        let mut counts = [self.for_a, self.for_b, self.tie];
        counts.sort_unstable();
        remaining == 0 || counts[2] > counts[1] + remaining
    }

    /// Returns the number of votes with a verdict.
    pub fn verdicts(self) -> u32 {
        self.for_a + self.for_b + self.tie
    }

    /// Returns the same counts with `a` and `b` exchanged.
    pub fn swapped(self) -> Self {
        VoteCounts { for_a: self.for_b, for_b: self.for_a, ..self }
    }

    /// Returns the share of the verdicts for response `a`, where a tie counts half; `None` without a verdict.
    pub fn share_a(self) -> Option<f64> {
        let verdicts = self.verdicts();
        (verdicts > 0).then(|| (f64::from(self.for_a) + 0.5 * f64::from(self.tie)) / f64::from(verdicts))
    }
}

/// Returns the counts of all votes.
pub fn count(votes: impl IntoIterator<Item = Vote>) -> VoteCounts {
    let mut counts = VoteCounts::default();
    votes.into_iter().for_each(|vote| counts.add(vote));
    counts
}

/// Returns the length of the shortest prefix of `votes` that settles the decision of `total` votes; `None` if a vote of that prefix is still unknown.
pub fn settled_prefix(votes: &[Option<Vote>], total: u32) -> Option<usize> {
    let mut counts = VoteCounts::default();
    for (i, vote) in votes.iter().enumerate() {
        if counts.is_settled(total - i as u32) {
            return Some(i);
        }
        counts.add((*vote)?);
    }
    counts.is_settled(total - votes.len() as u32).then_some(votes.len())
}

/// Returns the number of leading votes that must be known before the decision can be settled, given the known ones.
///
/// A caller that asks for exactly these never asks for a vote outside the settled prefix: unknown votes are assumed to settle it as early as
/// possible.
pub fn needed(votes: &[Option<Vote>], total: u32) -> usize {
    let soonest = |choice| {
        let filled: Vec<_> = (0..total as usize).map(|i| Some(votes.get(i).copied().flatten().unwrap_or(Ok(choice)))).collect();
        settled_prefix(&filled, total).unwrap_or(total as usize)
    };
    [Choice::A, Choice::B, Choice::Tie].into_iter().map(soonest).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vote() -> impl Strategy<Value = Vote> {
        prop_oneof![
            4 => Just(Ok(Choice::A)),
            4 => Just(Ok(Choice::B)),
            2 => Just(Ok(Choice::Tie)),
            2 => Just(Err(Abstain::NoVerdict)),
        ]
    }

    #[test]
    fn a_verdict_about_places_is_turned_to_the_responses_once() {
        for (order, first, second) in [(Order::Given, Choice::A, Choice::B), (Order::Swapped, Choice::B, Choice::A)] {
            assert_eq!([Verdict::First, Verdict::Second, Verdict::Tie].map(|v| order.choice(v)), [first, second, Choice::Tie]);
            assert_eq!((order.first(), order.swapped().first()), (first, second));
            let shown = LabelProbabilities { first: 0.7, second: 0.2, tie: Some(0.1) };
            let Probabilities { a, b, tie } = order.probabilities(shown);
            assert_eq!((order.shown(a, b), tie), ((0.7, 0.2), Some(0.1)));
        }
    }

    #[test]
    fn equal_votes_and_no_votes_are_undecided_and_not_a_tie() {
        assert_eq!(count([Ok(Choice::A), Ok(Choice::B)]).decision(), Decision::Undecided);
        assert_eq!(count([Err(Abstain::Truncated)]).decision(), Decision::Undecided);
        assert_eq!(count([Ok(Choice::Tie), Ok(Choice::Tie), Ok(Choice::A)]).decision(), Decision::Tie);
    }

    proptest! {
        #[test]
        fn stopping_early_takes_the_decision_of_all_votes(votes in prop::collection::vec(vote(), 1..40)) {
            let known: Vec<_> = votes.iter().copied().map(Some).collect();
            let stop = settled_prefix(&known, votes.len() as u32).unwrap();
            prop_assert_eq!(count(votes[..stop].to_vec()).decision(), count(votes.clone()).decision());
        }

        #[test]
        fn stopping_any_earlier_could_change_the_decision(votes in prop::collection::vec(vote(), 1..20)) {
            let total = votes.len() as u32;
            let known: Vec<_> = votes.iter().copied().map(Some).collect();
            let stop = settled_prefix(&known, total).unwrap();
            prop_assume!(stop > 0);
            let before = count(votes[..stop - 1].to_vec());
            let outcomes = [Ok(Choice::A), Ok(Choice::B), Ok(Choice::Tie), Err(Abstain::NoVerdict)].map(|rest| {
                let mut all = before;
                (stop as u32 - 1..total).for_each(|_| all.add(rest));
                all.decision()
            });
            prop_assert!(outcomes.iter().any(|o| *o != outcomes[0]));
        }

        #[test]
        fn what_is_asked_for_is_never_more_than_the_settled_prefix(
            votes in prop::collection::vec(vote(), 1..30), arrived in prop::collection::vec(any::<bool>(), 30)
        ) {
            let total = votes.len() as u32;
            let stop = settled_prefix(&votes.iter().copied().map(Some).collect::<Vec<_>>(), total).unwrap();
            let known: Vec<_> = votes.iter().enumerate().map(|(i, v)| arrived[i].then_some(*v)).collect();
            prop_assert!(needed(&known, total) <= stop);
        }

        #[test]
        fn asking_for_what_is_needed_always_ends(votes in prop::collection::vec(vote(), 1..30)) {
            let total = votes.len() as u32;
            let mut known: Vec<Option<Vote>> = Vec::new();
            while settled_prefix(&known, total).is_none() {
                let needed = needed(&known, total);
                prop_assert!(needed > known.len());
                known.extend(votes[known.len()..needed].iter().copied().map(Some));
            }
            prop_assert_eq!(known.len(), settled_prefix(&known, total).unwrap());
        }
    }
}
