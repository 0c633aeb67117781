//! The verdicts of several samples about one comparison -> a [`Decision`], with a rule for when to stop asking.
//!
//! Votes count by their index, never by their arrival: a decision that stops early is taken on the shortest prefix of votes
//! after which no outcome of the rest could change it, so it does not depend on which answer came first.

use serde::{Deserialize, Serialize};

use crate::verdict::{Abstain, Verdict};

/// One vote: a verdict about the comparison in its given order, or an abstention.
pub type Vote = Result<Verdict, Abstain>;

/// What the votes of one comparison say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Most votes say the first response is better.
    First,
    /// Most votes say the second response is better.
    Second,
    /// Most votes say they are equally good.
    Tie,
    /// No outcome has more votes than every other one, or all votes abstained. Not a tie.
    Undecided,
}

impl Decision {
    /// The same decision about the comparison in the other order.
    pub fn swapped(self) -> Self {
        match self {
            Decision::First => Decision::Second,
            Decision::Second => Decision::First,
            same => same,
        }
    }
}

impl From<Verdict> for Decision {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::First => Decision::First,
            Verdict::Second => Decision::Second,
            Verdict::Tie => Decision::Tie,
        }
    }
}

/// How many votes said what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// The first response is better.
    pub first: u32,
    /// The second response is better.
    pub second: u32,
    /// Neither is better.
    pub tie: u32,
    /// No verdict.
    pub abstain: u32,
}

impl Counts {
    /// Adds one vote.
    pub fn add(&mut self, vote: Vote) {
        match vote {
            Ok(Verdict::First) => self.first += 1,
            Ok(Verdict::Second) => self.second += 1,
            Ok(Verdict::Tie) => self.tie += 1,
            Err(_) => self.abstain += 1,
        }
    }

    /// The outcome with the most votes; [`Decision::Undecided`] where two lead together or nothing was decided.
    pub fn decision(self) -> Decision {
        let lead = self.first.max(self.second).max(self.tie);
        let leaders = [self.first, self.second, self.tie].iter().filter(|n| **n == lead).count();
        match (lead, leaders) {
            (0, _) | (_, 2..) => Decision::Undecided,
            _ if self.first == lead => Decision::First,
            _ if self.second == lead => Decision::Second,
            _ => Decision::Tie,
        }
    }

    /// Whether `remaining` further votes, whatever they say, leave the decision as it is.
    pub fn is_settled(self, remaining: u32) -> bool {
        let mut counts = [self.first, self.second, self.tie];
        counts.sort_unstable();
        remaining == 0 || counts[2] > counts[1] + remaining
    }

    /// Votes that gave a verdict.
    pub fn verdicts(self) -> u32 {
        self.first + self.second + self.tie
    }

    /// The share of verdicts that favour the first response, a tie counting half to each; `None` without a verdict.
    pub fn share_first(self) -> Option<f64> {
        let verdicts = self.verdicts();
        (verdicts > 0).then(|| (f64::from(self.first) + 0.5 * f64::from(self.tie)) / f64::from(verdicts))
    }
}

/// Counts of all votes.
pub fn count(votes: impl IntoIterator<Item = Vote>) -> Counts {
    let mut counts = Counts::default();
    votes.into_iter().for_each(|vote| counts.add(vote));
    counts
}

/// The length of the shortest prefix of `votes` that settles the decision of `total` votes; `None` while a vote of that prefix
/// is still unknown.
pub fn settled_prefix(votes: &[Option<Vote>], total: u32) -> Option<usize> {
    let mut counts = Counts::default();
    for (i, vote) in votes.iter().enumerate() {
        if counts.is_settled(total - i as u32) {
            return Some(i);
        }
        counts.add((*vote)?);
    }
    counts.is_settled(total - votes.len() as u32).then_some(votes.len())
}

/// How many leading votes have to be known before the decision can possibly be settled, given those that are known.
///
/// Asking for exactly these never asks for a vote that the settled prefix does not hold: unknown votes are taken to be the
/// ones that would settle it soonest.
pub fn needed(votes: &[Option<Vote>], total: u32) -> usize {
    let soonest = |verdict| {
        let filled: Vec<_> = (0..total as usize).map(|i| Some(votes.get(i).copied().flatten().unwrap_or(Ok(verdict)))).collect();
        settled_prefix(&filled, total).unwrap_or(total as usize)
    };
    [Verdict::First, Verdict::Second, Verdict::Tie].into_iter().map(soonest).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vote() -> impl Strategy<Value = Vote> {
        prop_oneof![
            4 => Just(Ok(Verdict::First)),
            4 => Just(Ok(Verdict::Second)),
            2 => Just(Ok(Verdict::Tie)),
            2 => Just(Err(Abstain::NoVerdict)),
        ]
    }

    #[test]
    fn equal_votes_and_no_votes_are_undecided_and_not_a_tie() {
        assert_eq!(count([Ok(Verdict::First), Ok(Verdict::Second)]).decision(), Decision::Undecided);
        assert_eq!(count([Err(Abstain::Truncated)]).decision(), Decision::Undecided);
        assert_eq!(count([Ok(Verdict::Tie), Ok(Verdict::Tie), Ok(Verdict::First)]).decision(), Decision::Tie);
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
            let outcomes = [Ok(Verdict::First), Ok(Verdict::Second), Ok(Verdict::Tie), Err(Abstain::NoVerdict)].map(|rest| {
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
