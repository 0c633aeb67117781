//! A schedule and a function that plays one match -> the matches as they were played.
//!
//! Straight-line async code: a match runs as soon as both responses are known, and everything in flight ends with the future.

use std::{future::Future, pin::pin};

use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, join},
    stream,
};
use serde::{Deserialize, Serialize};

use crate::{
    judge::Judgment,
    ranking::schedule::{Bracket, Teams},
    vote::{Decision, Order},
};

/// One match as it was played.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// Round of the match, counted from 0; always 0 outside a knockout.
    pub round: u32,
    /// Index of the response that the judgment calls `a`.
    pub a: usize,
    /// Index of the response that the judgment calls `b`.
    pub b: usize,
    /// Order in which they were shown.
    pub order: Order,
    /// Index of the winner. `None` for a tie or an undecided match where no winner is needed, and if no vote gave a verdict.
    pub winner: Option<usize>,
    /// The decider: votes, a coin, a team, or nothing.
    pub decided_by: DecidedBy,
    /// The judgment with its votes; `None` if nobody was asked.
    pub judgment: Option<Judgment>,
}

impl Match {
    /// The two responses in the order in which they were shown.
    pub fn shown(&self) -> (usize, usize) {
        self.order.shown(self.a, self.b)
    }

    /// Returns winner and loser, if there is a winner.
    pub fn sides(&self) -> Option<(usize, usize)> {
        self.winner.map(|winner| (winner, if winner == self.a { self.b } else { self.a }))
    }
}

/// The decider of a match: votes, a coin, a team, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecidedBy {
    /// The majority of the votes.
    Votes,
    /// A coin keyed by seed, item and pair: the votes were equal or tied, and one response had to go on.
    Coin,
    /// The team: both responses are declared equal. Nobody was asked, and the lower index goes on.
    Team,
    /// Nothing: the votes named no winner and none was needed, or no vote gave a verdict. In a knockout one response goes on even then, by the same
    /// coin, but no place or score may rest on which one it is.
    Nothing,
}

/// Judgment on a pair with the order in which its responses were shown, for knockouts and round robins.
pub struct PairJudgment {
    /// Indices of the responses `a` and `b` of the judgment.
    pub pair: (usize, usize),
    /// Order in which they were shown.
    pub order: Order,
    /// The judgment.
    pub judgment: Judgment,
}

/// Plays a bracket to its end. Returns the n - 1 matches from the first round to the final.
///
/// `play` judges a pair. `coin` says whether the response shown first goes on when the votes do not decide; it makes a winner only if there were
/// verdicts, see [`DecidedBy::Nothing`].
///
/// # Errors
/// The first error of `play`.
pub async fn knockout<E, F, Fut>(
    bracket: &Bracket,
    teams: &Teams,
    play: &F,
    coin: &(dyn Fn(usize, usize) -> bool + Sync),
) -> Result<Vec<Match>, E>
where
    E: Send,
    F: Fn(usize, usize) -> Fut + Sync,
    Fut: Future<Output = Result<PairJudgment, E>> + Send,
{
    let mut matches = climb(bracket, teams, play, coin).await?.1;
    matches.sort_by_key(|m| m.round);
    Ok(matches)
}

fn climb<'a, E, F, Fut>(
    bracket: &'a Bracket,
    teams: &'a Teams,
    play: &'a F,
    coin: &'a (dyn Fn(usize, usize) -> bool + Sync),
) -> BoxFuture<'a, Result<(usize, Vec<Match>), E>>
where
    E: Send + 'a,
    F: Fn(usize, usize) -> Fut + Sync,
    Fut: Future<Output = Result<PairJudgment, E>> + Send + 'a,
{
    async move {
        let (round, sides) = match bracket {
            Bracket::Leaf(response) => return Ok((*response, Vec::new())),
            Bracket::Match { round, sides } => (*round, sides),
        };
        // If one side fails, the other still ends, so that what it paid for is stored.
        let below = join(climb(&sides[0], teams, play, coin), climb(&sides[1], teams, play, coin)).await;
        let ((a, mut matches), (b, more)) = (below.0?, below.1?);
        matches.extend(more);
        let played = if teams[a] == teams[b] { None } else { Some(play(a, b).await?) };
        let (goes_on, played) = match played {
            None => {
                let (a, b) = (a.min(b), a.max(b));
                (a, Match { round, a, b, order: Order::Given, winner: Some(a), decided_by: DecidedBy::Team, judgment: None })
            }
            Some(played) => advance(round, played, coin),
        };
        matches.push(played);
        Ok((goes_on, matches))
    }
    .boxed()
}

/// Returns the response that goes on, by coin if need be, and the match. The coin makes a winner only if there were verdicts.
fn advance(round: u32, played: PairJudgment, coin: &(dyn Fn(usize, usize) -> bool + Sync)) -> (usize, Match) {
    let verdicts = played.judgment.counts.verdicts() > 0;
    let settled = settle(round, played);
    if let Some(winner) = settled.winner {
        return (winner, settled);
    }
    let (first, second) = settled.shown();
    let goes_on = if coin(first, second) { first } else { second };
    let played = match verdicts {
        true => Match { winner: Some(goes_on), decided_by: DecidedBy::Coin, ..settled },
        false => settled,
    };
    (goes_on, played)
}

/// Returns the match as its votes decided it.
pub fn settle(round: u32, played: PairJudgment) -> Match {
    let PairJudgment { pair: (a, b), order, judgment } = played;
    let (winner, decided_by) = match judgment.decision {
        Decision::A => (Some(a), DecidedBy::Votes),
        Decision::B => (Some(b), DecidedBy::Votes),
        Decision::Tie => (None, DecidedBy::Votes),
        Decision::Undecided => (None, DecidedBy::Nothing),
    };
    Match { round, a, b, order, winner, decided_by, judgment: Some(judgment) }
}

/// Plays all pairs, `at_once` of them at a time. Returns the matches in the order of `pairs`. A pair in waiting is two indices.
///
/// # Errors
/// The error of the first pair that has one. All pairs are still played to their end.
pub async fn all_pairs<E, F, Fut>(pairs: &[(usize, usize)], at_once: usize, play: &F) -> Result<Vec<Match>, E>
where
    F: Fn(usize, usize) -> Fut,
    Fut: Future<Output = Result<PairJudgment, E>>,
{
    let one = |(index, (a, b)): (usize, &(usize, usize))| {
        let played = play(*a, *b);
        async move { (index, played.await) }
    };
    let mut playing = pin!(stream::iter(pairs.iter().enumerate()).map(one).buffer_unordered(at_once.max(1)));
    let mut matches: Vec<Option<Match>> = pairs.iter().map(|_| None).collect();
    let mut failed: Option<(usize, E)> = None;
    while let Some((index, played)) = playing.next().await {
        match played {
            Ok(played) => matches[index] = Some(settle(0, played)),
            Err(error) => failed = Some(failed.filter(|(first, _)| *first < index).unwrap_or((index, error))),
        }
    }
    match failed {
        Some((_, error)) => Err(error),
        None => Ok(matches.into_iter().flatten().collect()),
    }
}
