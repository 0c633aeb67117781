//! Played matches -> a [`Ranking`]: an order with scores, and the evidence it rests on.
//!
//! The modules in the order in which a row goes through them: [`rank`](mod@rank) ranks one row of responses, [`schedule`] says who meets whom,
//! [`strategy`] plays the matches, and [`rating`] turns results into scores.

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

/// Responses of one prompt, brought into an order.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Ranking {
    /// Indices of the responses, best first; `None` where some response has no place.
    pub order: Option<Vec<usize>>,
    /// The place of each response by its index: the best is 1, equal scores share the better place. `None` where no verdict says which it is.
    pub ranks: Vec<Option<usize>>,
    /// A score for each response by its index: see [`Strategy`](crate::ranking::strategy::Strategy) for what it counts. `None` where no match was decided, and in a knockout where
    /// it would rest on a match without any verdict.
    pub scores: Vec<Option<Score>>,
    /// Of a knockout: the scores that those without a score have among them, whoever has which.
    pub open: Vec<f64>,
    /// Whether the ratings were kept finite by a penalty because somebody won or lost every match; see [`rating`].
    pub penalised: bool,
    /// Whether every response can be compared with every other through the matches; if not, orders across the parts mean nothing.
    pub connected: bool,
    /// Every match, in the order of rounds.
    pub matches: Vec<Match>,
    /// What the evidence is worth.
    pub tally: RankingTotals,
}

/// Sums over the matches of a ranking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RankingTotals {
    /// Counted votes.
    pub votes: u32,
    /// Of these, votes without a verdict.
    pub abstained: u32,
    /// Matches whose votes named nobody, not even a tie.
    pub undecided: u32,
    /// Matches that a coin decided.
    pub coins: u32,
    /// Tokens of the counted votes.
    pub usage: Usage,
}

/// The order that a knockout gives: who got further is better; of those who lost in one round, who lost to the better one.
/// The score is the number of rounds survived, byes included.
///
/// A match is known if votes, a coin among verdicts or a team decided it, and if both of its sides came out of known matches. Whoever lost an
/// unknown match might have come further had somebody else gone on below, and so might all whom the final leaves: they have neither score nor
/// place. What is stated is the same whoever goes on from the matches without a verdict.
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
    // Each match has one loser, and one response is left: so many have each score, whoever they are.
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

/// From the final down, everybody who is beaten stands behind those who got further, in the order of their conquerors.
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
    /// The same ranking of a knockout where responses with one number in `twins` are one text, which nobody judged against itself: all have the
    /// place and the score of the one that got furthest, and stand together. Where one of them has no place, none of them has.
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

/// The order that ratings over the matches give. Undecided matches say nothing and are left out: a response of which no match was decided has
/// neither score nor place. Where matches would link all responses and those that were decided do not, nobody has a place.
///
/// Responses with one number in `twins`, the index of the first of them, are one text: the matches of all are its matches, and all have its rating.
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
    // Where nobody had to meet, be it that there is one response or that all were declared equal, there is nothing to be undecided.
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

/// A decided match. Its sides are named as they were shown, so that sums of floats have the order that they always had.
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
