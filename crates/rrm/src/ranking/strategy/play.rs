//! A schedule and somebody who plays its matches -> the matches as they were played.
//!
//! Straight-line async code: matches run as soon as those who meet are known, and everything in flight ends with the future.

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
    /// Counted from 0; always 0 outside a knockout.
    pub round: u32,
    /// One response, which the judgment calls `a`.
    pub a: usize,
    /// The other one, which it calls `b`.
    pub b: usize,
    /// Which of them was shown first.
    pub order: Order,
    /// Who won; `None` when it was a tie or undecided and nobody had to be, and when no vote gave a verdict.
    pub winner: Option<usize>,
    /// What decided it.
    pub decided_by: DecidedBy,
    /// The votes; `None` when none were needed.
    pub judgment: Option<Judgment>,
}

impl Match {
    /// The two responses in the order in which they were shown.
    pub fn shown(&self) -> (usize, usize) {
        self.order.shown(self.a, self.b)
    }

    /// Winner and loser, where there is a winner.
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
    /// The votes were equal or tied, and somebody had to go on: a coin keyed by seed, item and pair.
    Coin,
    /// Both are in one team: nobody was asked, and the lower index goes on.
    Team,
    /// The votes named no winner, and none was needed; or no vote gave a verdict. In a knockout somebody goes on even then, by the same coin,
    /// and nothing may rest on who it is.
    Nothing,
}

/// The judgment on a pair and the order in which its responses were shown, for knockouts and round robins.
pub struct PairJudgment {
    /// The two responses: `a` and `b` of the judgment.
    pub pair: (usize, usize),
    /// Which of them was shown first.
    pub order: Order,
    /// What was said of them.
    pub judgment: Judgment,
}

/// Plays a bracket to its end and gives the n - 1 matches, those of the first round first; the last one is the final.
///
/// `play` judges a pair, `coin` says whether the response shown first goes on when the votes do not say. It decides a match only where there
/// were verdicts; see [`DecidedBy::Nothing`].
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
        // Where one side fails the other still ends: what it paid for is stored.
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

/// Who goes on, by coin if need be, and the match. The coin makes a winner only of somebody for whom there were verdicts.
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

/// The match as its votes decided it.
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

/// Plays all pairs, `at_once` of them at a time, and gives the matches in the order of `pairs`. A pair in waiting is two indices.
///
/// # Errors
/// The error of the first pair that has one; all pairs are played to their end even so.
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
