//! Played matches -> a [`Ranking`]: an order with scores, and the evidence it rests on.

use crate::{
    engine::Usage,
    rating::{self, BtConfig, EloConfig, Outcome, Score},
    strategy::{DecidedBy, Match, Strategy},
    vote::{Counts, Decision},
};

/// Responses of one prompt, brought into an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// Indices of the responses, best first.
    pub order: Vec<usize>,
    /// A score for each response by its index: see [`Strategy`] for what it counts. `None` where no match was decided.
    pub scores: Vec<Option<Score>>,
    /// Whether the ratings were kept finite by a penalty because somebody won or lost every match; see [`rating`].
    pub penalised: bool,
    /// Whether every response can be compared with every other through the matches; if not, orders across the parts mean nothing.
    pub connected: bool,
    /// Every match, in the order of rounds.
    pub matches: Vec<Match>,
    /// What the evidence is worth.
    pub tally: Tally,
}

/// Sums over the matches of a ranking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How all counted votes went; first and second are places, not responses.
    pub votes: Counts,
    /// Matches whose votes named nobody, not even a tie.
    pub undecided: u32,
    /// Matches that a coin decided.
    pub coins: u32,
    /// Tokens of the counted votes.
    pub usage: Usage,
}

/// The order that a knockout gives: who got further is better; of those who lost in one round, who lost to the better one.
/// The score is the number of rounds survived, byes included.
pub fn of_knockout(n: usize, matches: Vec<Match>) -> Ranking {
    let rounds = matches.iter().map(|m| m.round + 1).max().unwrap_or(0);
    let mut survived = vec![f64::from(rounds); n];
    // From the final down, everybody who is beaten stands behind those who got further, in the order of their conquerors.
    let mut order: Vec<usize> = matches.last().and_then(|last| last.winner).into_iter().collect();
    for round in (0..rounds).rev() {
        let beaten = |m: &Match| m.winner.map(|winner| (winner, if winner == m.first { m.second } else { m.first }));
        let mut lost: Vec<(usize, usize)> = matches.iter().filter(|m| m.round == round).filter_map(beaten).collect();
        lost.sort_by_key(|(winner, _)| order.iter().position(|placed| placed == winner));
        for (_, loser) in lost {
            survived[loser] = f64::from(round);
            order.push(loser);
        }
    }
    if n == 1 {
        order = vec![0];
    }
    let scores = survived.into_iter().map(|value| Some(Score { value, low: None, high: None })).collect();
    Ranking { order, scores, penalised: false, connected: true, tally: tally(&matches), matches }
}

/// The order that ratings over the matches give. Undecided matches say nothing and are left out.
pub fn of_ratings(n: usize, matches: Vec<Match>, strategy: Strategy, seed: u64, item: &str) -> Ranking {
    let played: Vec<rating::Played> = matches.iter().filter_map(decided).collect();
    let rated = match strategy {
        Strategy::Elo | Strategy::Knockout => rating::elo(n, &played, &EloConfig::default(), seed, item),
        Strategy::BradleyTerry => rating::bradley_terry(n, &played, &BtConfig::default()),
        Strategy::WinRate => rating::win_rate(n, &played),
    };
    let order = rating::rank(&rated.scores);
    Ranking { order, scores: rated.scores, penalised: rated.penalised, connected: rated.connected, tally: tally(&matches), matches }
}

fn decided(m: &Match) -> Option<rating::Played> {
    let outcome = match (m.winner, m.decided_by) {
        (Some(winner), _) if winner == m.first => Outcome::A,
        (Some(_), _) => Outcome::B,
        (None, DecidedBy::Votes) => Outcome::Tie,
        (None, _) => return None,
    };
    Some(rating::Played { a: m.first, b: m.second, outcome })
}

fn tally(matches: &[Match]) -> Tally {
    let mut tally = Tally::default();
    for m in matches {
        tally.coins += u32::from(m.decided_by == DecidedBy::Coin);
        let Some(judgment) = &m.judgment else { continue };
        tally.undecided += u32::from(judgment.decision == Decision::Undecided);
        tally.usage += judgment.usage;
        tally.votes.first += judgment.counts.first;
        tally.votes.second += judgment.counts.second;
        tally.votes.tie += judgment.counts.tie;
        tally.votes.abstain += judgment.counts.abstain;
    }
    tally
}
