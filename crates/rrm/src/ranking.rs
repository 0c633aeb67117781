//! Played matches -> a [`Ranking`]: an order with scores, and the evidence it rests on.
//!
//! The modules in the order in which a row goes through them: [`rank`](mod@rank) ranks one row of responses, [`schedule`] chooses the matches,
//! [`strategy`] plays them, and [`rating`] turns their results into scores.

pub mod rank;
pub mod rating;
pub mod schedule;
pub mod strategy;

use std::cmp::Ordering;

use crate::{
    engine::Usage,
    ranking::{
        rating::{MatchOutcome, Score},
        schedule::Teams,
        strategy::{DecidedBy, Match, RateFn},
    },
    vote::Decision,
};

/// The order of the responses to one prompt, with scores and every match.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Ranking {
    /// Indices of the responses, best first; `None` if some response has no place.
    pub order: Option<Vec<usize>>,
    /// Place of each response by its index: the best is 1, and equal scores share the better place. `None` if the place would rest on a match without
    /// any verdict.
    pub ranks: Vec<Option<usize>>,
    /// Score of each response by its index; the [`Strategy`](crate::ranking::strategy::Strategy) says what it counts. `None` if no match of the
    /// response was decided, and in a knockout if the score would rest on a match without any verdict.
    pub scores: Vec<Option<Score>>,
    /// Of a knockout: the scores that the responses without a score share among them, in an order that is not known.
    pub open: Vec<f64>,
    /// Whether a penalty kept the ratings finite because some response won or lost every match; see [`rating`].
    pub penalised: bool,
    /// Whether matches link every response with every other. If they do not, the order of responses from separate parts means nothing.
    pub connected: bool,
    /// Every match, in the order of rounds.
    pub matches: Vec<Match>,
    /// Votes, abstentions, undecided matches, coins and tokens of all matches.
    pub tally: RankingTotals,
}

/// Sums over the matches of a ranking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RankingTotals {
    /// Counted votes.
    pub votes: u32,
    /// Of these, the abstentions.
    pub abstained: u32,
    /// Matches whose votes have no majority, not even for a tie.
    pub undecided: u32,
    /// Matches decided by a coin.
    pub coins: u32,
    /// Tokens of the counted votes.
    pub usage: Usage,
}

/// Returns the ranking of a knockout. The response that got further is better; of those that lost in the same round, the one that lost to the better
/// response. The score is the number of rounds survived, byes included.
///
/// A match is known if votes, a coin among verdicts or a team decided it, and if both of its sides came out of known matches. A response that lost an
/// unknown match might have come further if the other response had gone on below, and so might all that remain before the final: they have neither
/// score nor place. The result is the same whichever responses go on from the matches without a verdict.
pub fn of_knockout(n: usize, matches: Vec<Match>) -> Ranking {
    let rounds = matches.iter().map(|m| m.round + 1).max().unwrap_or(0);
    let (mut known, mut survived) = (vec![true; n], vec![f64::from(rounds); n]);
    let mut open = Vec::new();
    for m in &matches {
        let decided = m.sides().filter(|_| known[m.a] && known[m.b]);
        (known[m.a], known[m.b]) = (decided.is_some(), decided.is_some());
        match decided {
            Some((_, loser)) => survived[loser] = f64::from(m.round),
            None => open.push(f64::from(m.round)),
        }
    }
    // Each match has one loser, and one response is left at the end. This fixes how often each score occurs, even if it is unknown which response has
    // it.
    let mut all: Vec<f64> = matches.iter().map(|m| f64::from(m.round)).collect();
    all.extend((n > 0).then_some(f64::from(rounds)));
    let whole = open.is_empty();
    open.extend((!whole).then_some(f64::from(rounds)));
    let scores: Vec<Option<Score>> =
        known.iter().zip(survived).map(|(known, value)| known.then_some(Score { value, low: None, high: None })).collect();
    let place = |score: &Score| 1 + all.iter().filter(|other| **other > score.value).count();
    let ranks = scores.iter().map(|score| score.as_ref().map(place)).collect();
    let order = whole.then(|| climbed(n, &matches, rounds));
    Ranking { order, ranks, scores, open, penalised: false, connected: true, tally: tally(&matches), matches }
}

/// Order of the responses from the final down: losers of a round stand behind those who got further, in the order of their conquerors.
fn climbed(n: usize, matches: &[Match], rounds: u32) -> Vec<usize> {
    let mut order: Vec<usize> = matches.last().and_then(|last| last.winner).into_iter().collect();
    for round in (0..rounds).rev() {
        let mut lost: Vec<(usize, usize)> = matches.iter().filter(|m| m.round == round).filter_map(Match::sides).collect();
        lost.sort_by_key(|(winner, _)| order.iter().position(|placed| placed == winner));
        order.extend(lost.into_iter().map(|(_, loser)| loser));
    }
    if n == 1 { vec![0] } else { order }
}

impl Ranking {
    /// Returns the ranking of a knockout in which responses with the same number in `twins` have the same text and never met. All of them get the
    /// place and the score of the one that got furthest, and stand together. If one of them has no place, none of them has.
    #[must_use]
    pub fn of_twins(mut self, twins: &Teams) -> Self {
        let n = twins.len();
        let all = |i: usize| (0..n).filter(move |other| twins[*other] == twins[i]);
        let best = |i: usize| all(i).map(|other| self.scores[other].map(|score| score.value)).collect::<Option<Vec<f64>>>();
        let best: Vec<Option<f64>> = (0..n).map(|i| best(i)?.into_iter().reduce(f64::max)).collect();
        let above = |i: usize| best.iter().filter(|other| **other > best[i]).count();
        let ranks = (0..n).map(|i| match best[i] {
            None => None,
            Some(_) if self.order.is_some() => Some(1 + above(i)),
            Some(_) => all(i).filter_map(|other| self.ranks[other]).min(),
        });
        self.ranks = ranks.collect();
        self.scores = best.iter().map(|value| value.map(|value| Score { value, low: None, high: None })).collect();
        if let Some(order) = &mut self.order {
            let before = order.clone();
            let first = |i: &usize| before.iter().position(|other| twins[*other] == twins[*i]);
            order.sort_by(|x, y| best[*y].partial_cmp(&best[*x]).unwrap_or(Ordering::Equal).then(first(x).cmp(&first(y))));
        }
        self
    }
}

/// Returns the ranking by ratings over the matches. Undecided matches say nothing and are left out: a response without a decided match has neither
/// score nor place. If all matches link all responses but the decided ones do not, no response has a place.
///
/// Responses with the same number in `twins`, the index of the first of them, have one text: it plays the matches of all of them, and all get its
/// rating.
pub fn of_ratings(twins: &Teams, matches: Vec<Match>, rate: RateFn, seed: u64, item: &str) -> Ranking {
    let mut texts: Vec<usize> = twins.iter().enumerate().filter(|(i, first)| *i == **first).map(|(i, _)| i).collect();
    texts.sort_unstable();
    let text = |response: usize| texts.binary_search(&twins[response]).unwrap_or(response);
    let of_texts = |played: rating::DecidedMatch| rating::DecidedMatch { a: text(played.a), b: text(played.b), ..played };
    let n = texts.len();
    let played: Vec<rating::DecidedMatch> = matches.iter().filter_map(decided).map(of_texts).collect();
    let rated = rate(n, &played, (seed, item));
    let scores: Vec<Option<Score>> = (0..twins.len()).map(|i| rated.scores[text(i)]).collect();
    let met = |m: &Match| of_texts(rating::DecidedMatch { a: m.a, b: m.b, outcome: MatchOutcome::Tie });
    let parted = !rated.connected && rating::connected(n, &matches.iter().map(met).collect::<Vec<_>>());
    let place = |score: &Score| 1 + scores.iter().flatten().filter(|other| other.value > score.value).count();
    let ranks: Vec<Option<usize>> = scores.iter().map(|score| score.as_ref().filter(|_| !parted).map(place)).collect();
    // Without matches, because there is one response or all were declared equal, nothing is undecided.
    let whole = matches.is_empty() || ranks.iter().all(Option::is_some);
    Ranking {
        order: whole.then(|| rating::rank(&scores)),
        ranks,
        scores,
        open: Vec::new(),
        penalised: rated.penalised,
        connected: rated.connected,
        tally: tally(&matches),
        matches,
    }
}

/// Returns the match for the rating, if it was decided. Its sides are in the order shown, so that sums of floats keep the order of earlier versions.
fn decided(m: &Match) -> Option<rating::DecidedMatch> {
    let (a, b) = m.shown();
    let outcome = match (m.winner, m.decided_by) {
        (Some(winner), _) if winner == a => MatchOutcome::A,
        (Some(_), _) => MatchOutcome::B,
        (None, DecidedBy::Votes) => MatchOutcome::Tie,
        (None, _) => return None,
    };
    Some(rating::DecidedMatch { a, b, outcome })
}

fn tally(matches: &[Match]) -> RankingTotals {
    let mut tally = RankingTotals::default();
    for m in matches {
        tally.coins += u32::from(m.decided_by == DecidedBy::Coin);
        let Some(judgment) = &m.judgment else { continue };
        tally.undecided += u32::from(judgment.decision == Decision::Undecided);
        tally.usage += judgment.usage;
        tally.votes += judgment.counts.verdicts() + judgment.counts.abstain;
        tally.abstained += judgment.counts.abstain;
    }
    tally
}
