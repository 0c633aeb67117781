//! The writers of the responses and the judge -> its self-preference: how much more often it is right where its own family's response is the right
//! one.

use serde::{Deserialize, Serialize};

use super::HoldRate;
use crate::{
    eval::CaseRow,
    ranking::rating::Score,
    vote::{Choice, Decision},
};

/// Self-preference of a judge, from pairs with one response of its own model family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnFamily {
    /// Family of the judge: the letters at the beginning of its name, in lower case.
    pub family: String,
    /// Number of pairs with exactly one response of the family, a decision, and a label for one of the two.
    pub cases: u64,
    /// Right decisions about pairs whose right response is the family's.
    pub own_right: HoldRate,
    /// Right decisions about pairs whose right response is the other one.
    pub other_right: HoldRate,
    /// The first share minus the second. Above 0, the judge is right more often if the right response is of its own family. The 95% interval is
    /// Newcombe's, from the Wilson intervals of both shares; `None` if the right response is never of the family, or always.
    pub difference: Option<Score>,
}

/// Counts of decisions about answers of the judge's own family.
#[derive(Default)]
pub(super) struct OwnAnswerCounts {
    family: String,
    cases: u64,
    own_right: HoldRate,
    other_right: HoldRate,
}

impl OwnAnswerCounts {
    pub(super) fn new(judge: &str) -> Self {
        OwnAnswerCounts { family: family(judge), ..OwnAnswerCounts::default() }
    }

    /// Counts the decisions of a case in all orders that were asked, so that a position bias cancels out if both were.
    pub(super) fn add(&mut self, row: &CaseRow, key: u64) {
        let Some((first, second)) = &row.writers else { return };
        let own = |writer: &str| !self.family.is_empty() && family(writer) == self.family;
        let side = match (own(first), own(second)) {
            (true, false) => Choice::A,
            (false, true) => Choice::B,
            _ => return,
        };
        let shares = match row.label {
            Choice::Tie => return,
            label if label == side => &mut self.own_right,
            _ => &mut self.other_right,
        };
        let decided = row.decisions.iter().filter(|decision| matches!(decision, Decision::A | Decision::B));
        let mut any = false;
        for decision in decided {
            shares.add(*decision == row.label.into(), key);
            any = true;
        }
        self.cases += u64::from(any);
    }

    /// Returns the self-preference; `None` if no pair has exactly one response of the family.
    pub(super) fn done(self) -> Option<OwnFamily> {
        let (own_right, other_right) = (self.own_right.done(), self.other_right.done());
        let difference = own_right.share.zip(other_right.share).map(|(own, other)| difference(own, other));
        (self.cases > 0).then_some(OwnFamily { family: self.family, cases: self.cases, own_right, other_right, difference })
    }
}

/// Returns the difference of two shares with Newcombe's interval (1998, method 10): the ends of both Wilson intervals, combined by squares.
fn difference(one: Score, other: Score) -> Score {
    let value = one.value - other.value;
    let ends = |score: Score| score.low.zip(score.high);
    let interval = ends(one).zip(ends(other)).map(|((one_low, one_high), (other_low, other_high))| {
        let below = (one.value - one_low).hypot(other_high - other.value);
        let above = (one_high - one.value).hypot(other.value - other_low);
        (value - below, value + above)
    });
    let (low, high) = interval.unzip();
    Score { value, low, high }
}

/// Returns the family in a model's name: `qwen` for `org/Qwen2.5-7B at http://...`, `gpt` for `gpt-4o`.
fn family(name: &str) -> String {
    let name = name.split(" at ").next().unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default();
    name.chars().take_while(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{keyed::KeyedRandom, ranking::rating::wilson};

    fn case(writers: Option<(&str, &str)>, label: Choice, decision: Decision) -> CaseRow {
        CaseRow {
            rrm: 1,
            id: "r".to_owned(),
            pair: (0, 1),
            subset: String::new(),
            label,
            decisions: vec![decision],
            official: 0.0,
            strict: None,
            bytes: (1, 1),
            writers: writers.map(|(a, b)| (a.to_owned(), b.to_owned())),
            error: None,
            matches: Vec::new(),
            flags: Vec::new(),
        }
    }

    #[test]
    fn families_are_the_letters_a_name_begins_with() {
        assert_eq!(["org/Qwen2.5-7B at http://h", "gpt-4o", "GPT4", "7B"].map(family), ["qwen", "gpt", "gpt", ""]);
    }

    #[test]
    fn accuracies_are_counted_apart_where_the_own_response_is_right_and_where_it_is_not() {
        let mut own = OwnAnswerCounts::new("org/qwen-7b at http://h:1");
        own.add(&case(Some(("Qwen2-72B", "gpt-4")), Choice::A, Decision::A), 1);
        own.add(&case(Some(("gpt-4", "Qwen2-72B")), Choice::A, Decision::B), 2);
        own.add(&case(Some(("gpt-4", "Qwen2-72B")), Choice::A, Decision::A), 3);
        // Pairs with both or no response of the family, undecided ones, ties and unknown writers do not count.
        own.add(&case(Some(("Qwen2-72B", "qwen-1")), Choice::A, Decision::A), 4);
        own.add(&case(Some(("gpt-4", "claude")), Choice::A, Decision::A), 5);
        own.add(&case(Some(("gpt-4", "Qwen2-72B")), Choice::A, Decision::Undecided), 6);
        own.add(&case(Some(("gpt-4", "Qwen2-72B")), Choice::Tie, Decision::A), 7);
        own.add(&case(None, Choice::A, Decision::A), 8);
        let own = own.done().unwrap();
        assert_eq!((own.cases, own.own_right.of, own.other_right.of), (3, 1, 2));
        assert_eq!(own.difference.unwrap().value, 1.0 - 0.5);
        assert_eq!(OwnAnswerCounts::new("qwen").done(), None);
        // If the right response is always of the family, there is nothing to compare with.
        let mut always = OwnAnswerCounts::new("qwen");
        always.add(&case(Some(("qwen", "gpt-4")), Choice::A, Decision::A), 1);
        let always = always.done().unwrap();
        assert_eq!((always.cases, always.difference), (1, None));
    }

    #[test]
    fn the_interval_is_newcombes() {
        // Newcombe 1998, table II, method 10: 56 of 70 and 48 of 80 give 0.2 (0.0524 to 0.3339), 9 of 10 and 3 of 10 give 0.6 (0.1705 to 0.8090).
        for (held, expected) in [([(56, 70), (48, 80)], [0.2, 0.0524, 0.3339]), ([(9, 10), (3, 10)], [0.6, 0.1705, 0.8090])] {
            let [one, other] = held.map(|(held, of)| wilson(f64::from(held), f64::from(of)).unwrap());
            let Score { value, low, high } = difference(one, other);
            let found = [value, low.unwrap(), high.unwrap()];
            assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-4), "{found:?}");
        }
    }

    /// Returns the self-preference of a judge over 2,000 pairs in both orders. `share` is the share of pairs whose right response is the judge's own.
    /// `decide` gets whether the own response is right, whether it is shown first, and a draw from 0 to 1; it returns whether the own response is
    /// chosen.
    fn simulated(share: f64, seed: u64, decide: impl Fn(bool, bool, f64) -> bool) -> Score {
        let mut own = OwnAnswerCounts::new("qwen");
        for pair in 0..2_000u64 {
            let drawn = |what| KeyedRandom::new(seed, "", what, &[pair]).f64();
            let own_right = drawn("label") < share;
            let (right, wrong) = if own_right { (Choice::A, Decision::A) } else { (Choice::B, Decision::A) };
            // The own response is the first one of the pair.
            let chosen = |own_first, what| if decide(own_right, own_first, drawn(what)) { wrong } else { Decision::B };
            let mut row = case(Some(("qwen", "gpt")), right, Decision::A);
            row.decisions = vec![chosen(true, "one"), chosen(false, "other")];
            own.add(&row, pair);
        }
        own.done().unwrap().difference.unwrap()
    }

    #[test]
    fn a_judge_without_a_liking_for_its_own_has_none_however_often_its_own_is_right() {
        let holds_zero = |score: Score| score.low.unwrap() <= 0.0 && score.high.unwrap() >= 0.0;
        for share in [0.2, 0.5, 0.8] {
            let mut held = [0, 0, 0];
            for seed in 0..40 {
                let coin = simulated(share, seed, |_, _, drawn| drawn < 0.5);
                let fair = simulated(share, seed, |own_right, _, drawn| (drawn < 0.8) == own_right);
                let first = simulated(share, seed, |_, own_first, _| own_first);
                held.iter_mut().zip([coin, fair, first]).for_each(|(held, score)| *held += u32::from(holds_zero(score)));
            }
            assert!(held.iter().all(|held| *held >= 35), "{share}: {held:?} of 40 intervals hold 0");
        }
    }

    #[test]
    fn a_judge_that_likes_its_own_is_found_out_however_often_its_own_is_right() {
        for share in [0.2, 0.5, 0.8] {
            // Right in 70% of the pairs, and for its own response in one of five regardless: 0.2 more often right where its own is.
            let liking = |own_right: bool, _: bool, drawn: f64| drawn < 0.2 || (drawn < 0.2 + 0.8 * 0.7) == own_right;
            let disliking = |own_right: bool, first: bool, drawn: f64| !liking(!own_right, first, drawn);
            let (mut liked, mut disliked) = (0.0, 0.0);
            for seed in 0..20 {
                let (found, other) = (simulated(share, seed, liking), simulated(share, seed, disliking));
                assert!(found.low.unwrap() > 0.0 && other.high.unwrap() < 0.0, "{share}: {found:?} {other:?}");
                (liked, disliked) = (liked + found.value / 20.0, disliked + other.value / 20.0);
            }
            assert!((liked - 0.2).abs() < 0.02 && (disliked + 0.2).abs() < 0.02, "{share}: {liked} {disliked}");
        }
    }
}
