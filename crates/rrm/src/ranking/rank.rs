//! One row of responses -> a [`Ranking`], by playing the matches of a strategy through a judge.

use std::{
    collections::HashMap,
    future::Future,
    pin::pin,
    sync::{Mutex, PoisonError},
};

use futures::future::{Either, select};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tracing::Instrument;

use crate::{
    comparison::{Comparison, Side},
    dataset::{Item, Response},
    judge::{ComparisonId, Judge, JudgeError, Order},
    keyed,
    ranking::{
        self, Ranking, schedule,
        strategy::{self, Matches, PairJudgment, Strategy},
    },
};

/// The settings by which a row of responses is ranked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct RankSettings {
    /// Strategy: knockout or a rating.
    pub strategy: Strategy,
    /// Opponents of each response, for ratings; `None` is a round robin.
    pub opponents: Option<usize>,
    /// Rule that declares responses equal, so that they never meet.
    pub teams: TeamRule,
}

/// The rule by which responses are declared equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TeamRule {
    /// Responses with the same text are equal: a judge could only guess.
    #[default]
    Text,
    /// Responses with the same `answer` field are equal, and those with the same text.
    Answer,
    /// No responses are equal: everybody plays.
    Off,
}

/// Ranks the responses of one row. A row with one response is ranked without a match.
///
/// # Errors
/// [`JudgeError`] if any match could not be judged; a ranking never rests on fewer matches than its strategy has. After an error that every further
/// match would meet, no more requests are sent, and those in flight have [`Judge::patience`] to end.
pub async fn rank(judge: &Judge, item: &Item, settings: &RankSettings) -> Result<Ranking, JudgeError> {
    let span = tracing::debug_span!("rank", item = item.id, responses = item.responses.len(), strategy = ?settings.strategy);
    if judge.is_for_run() {
        return rank_row(judge, item, settings).instrument(span).await;
    }
    // A row that is ranked by itself is a run of its own.
    let judge = &judge.for_run();
    let ranked = pin!(rank_row(judge, item, settings).instrument(span));
    match select(ranked, pin!(judge.runs_out())).await {
        Either::Left((Err(JudgeError::Ended), _)) | Either::Right(_) => {
            Err(judge.end().map_or(JudgeError::Ended, |(_, error)| error))
        }
        Either::Left((ranking, _)) => ranking,
    }
}

async fn rank_row(judge: &Judge, item: &Item, settings: &RankSettings) -> Result<Ranking, JudgeError> {
    let (tell, told) = oneshot::channel();
    let tell = Mutex::new(Some(tell));
    let play = |a: usize, b: usize| {
        let tell = &tell;
        async move {
            // The judgment names the responses in the order of the row, whichever way the schedule names the pair.
            let played = play(judge, item, (a.min(b), a.max(b))).await;
            if let Err(error) = &played
                && error.is_fatal()
                && !error.is_of_ended()
                && let Some(tell) = tell.lock().unwrap_or_else(PoisonError::into_inner).take()
            {
                // If the receiver is gone, the ranking has already ended.
                let _ = tell.send(error.clone());
            }
            played
        }
    };
    let ranked = pin!(ranked(judge, item, settings, &play));
    match select(ranked, told).await {
        Either::Left((ranking, _)) => ranking,
        // The ranking ends soon, because no more requests are sent. The error is the one that ended the run, whichever match reports first.
        Either::Right((Ok(fatal), ranked)) => {
            ranked.await.ok();
            Err(fatal)
        }
        Either::Right((Err(_), ranked)) => ranked.await,
    }
}

async fn ranked<F, Fut>(judge: &Judge, item: &Item, settings: &RankSettings, play: &F) -> Result<Ranking, JudgeError>
where
    F: Fn(usize, usize) -> Fut + Sync,
    Fut: Future<Output = Result<PairJudgment, JudgeError>> + Send,
{
    let (n, seed) = (item.responses.len(), judge.settings.seed);
    let teams = teams(&item.responses, settings.teams);
    let twins = twins(&item.responses, settings.teams);
    match settings.strategy.rules().matches {
        Matches::Bracket => {
            let Some(bracket) = schedule::draw(n, seed, &item.id) else {
                return Ok(ranking::of_knockout(0, Vec::new()));
            };
            let coin = |a: usize, b: usize| keyed::coin(seed, &item.id, "undecided", (a, b));
            Ok(ranking::of_knockout(n, strategy::knockout(&bracket, &teams, play, &coin).await?).of_twins(&twins))
        }
        Matches::Pairs { rate, .. } => {
            let pairs = match settings.opponents {
                Some(m) => schedule::opponents(m, &teams, seed, &item.id),
                None => schedule::round_robin(&teams),
            };
            let matches = strategy::all_pairs(&pairs, judge.places.ahead(), play).await?;
            Ok(ranking::of_ratings(&twins, matches, rate, seed, &item.id))
        }
    }
}

/// Judges two responses of a row, `a` and `b` of the judgment. The response shown first is drawn by seed, because judges have a position bias.
///
/// # Errors
/// As [`Judge::judge`].
pub async fn play(judge: &Judge, item: &Item, pair: (usize, usize)) -> Result<PairJudgment, JudgeError> {
    let order = drawn_order(judge.settings.seed, &item.id, pair);
    play_in_order(judge, item, pair, order, labelled(item, pair)).await
}

/// Returns the order in which a judge sees two responses, drawn by seed. It does not depend on which of them the caller names first.
pub fn drawn_order(seed: u64, item: &str, (a, b): (usize, usize)) -> Order {
    let earlier_first = keyed::coin(seed, item, "order", (a.min(b), a.max(b)));
    if earlier_first == (a < b) { Order::Given } else { Order::Swapped }
}

/// Judges two responses of a row in this order. `label` is the side of the pair that is known to be better, if one is. The judge is never shown the
/// label.
///
/// # Errors
/// As [`Judge::judge`].
pub async fn play_in_order(
    judge: &Judge,
    item: &Item,
    pair: (usize, usize),
    order: Order,
    label: Option<Side>,
) -> Result<PairJudgment, JudgeError> {
    let comparison = Comparison { label, ..comparison(item, pair.0, pair.1) };
    let judgment = judge.judge(ComparisonId { item: &item.id, pair, order }, &comparison).await?;
    Ok(PairJudgment { pair, order, judgment })
}

/// Returns the comparison of two responses of a row in this order, with the label that follows from the labels of the row.
pub fn comparison(item: &Item, first: usize, second: usize) -> Comparison {
    let text = |response: usize| item.responses[response].text.clone();
    let label = labelled(item, (first, second));
    Comparison { prompt: item.prompt.clone(), first: text(first), second: text(second), label }
}

/// Returns the side of a pair whose response has the higher label; `None` for equal or missing labels.
fn labelled(item: &Item, (a, b): (usize, usize)) -> Option<Side> {
    match (item.responses[a].label, item.responses[b].label) {
        (Some(a), Some(b)) if a > b => Some(Side::First),
        (Some(a), Some(b)) if a < b => Some(Side::Second),
        _ => None,
    }
}

/// Returns a team number for each response: the index of the first response that it is declared equal to, directly or through others.
pub fn teams(responses: &[Response], rule: TeamRule) -> Vec<usize> {
    // Each response points to an earlier one of its team, and the first one points to itself.
    let mut first: Vec<usize> = (0..responses.len()).collect();
    if rule == TeamRule::Off {
        return first;
    }
    let mut texts: HashMap<&str, usize> = HashMap::new();
    let mut answers: HashMap<&str, usize> = HashMap::new();
    for (i, response) in responses.iter().enumerate() {
        let answer = response.team.as_deref().filter(|_| rule == TeamRule::Answer);
        let same_text = *texts.entry(&response.text).or_insert(i);
        let same_answer = answer.map_or(i, |answer| *answers.entry(answer).or_insert(i));
        for other in [same_text, same_answer] {
            let (one, other) = (first_of(&mut first, i), first_of(&mut first, other));
            first[one.max(other)] = one.min(other);
        }
    }
    (0..first.len()).map(|i| first_of(&mut first, i)).collect()
}

/// Returns the first response of the team of response `i`, and shortens the path to it.
fn first_of(first: &mut [usize], mut i: usize) -> usize {
    while first[i] != i {
        first[i] = first[first[i]];
        i = first[i];
    }
    i
}

/// Returns for each response the index of the first one with the same text; twins share one place. If the rule is [`TeamRule::Off`], each response
/// stands for itself.
pub fn twins(responses: &[Response], rule: TeamRule) -> Vec<usize> {
    teams(responses, if rule == TeamRule::Off { TeamRule::Off } else { TeamRule::Text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn teams_join_through_texts_and_answers() {
        let response = |text: &str, team: Option<&str>| Response {
            text: text.into(),
            label: None,
            team: team.map(Into::into),
            extra: serde_json::Map::new(),
        };
        let all = [response("T", None), response("U", Some("1")), response("T", Some("1")), response("V", Some("2"))];
        assert_eq!(teams(&all, TeamRule::Text), [0, 1, 0, 3]);
        assert_eq!(teams(&all, TeamRule::Answer), [0, 0, 0, 3]);
        assert_eq!(teams(&all, TeamRule::Off), [0, 1, 2, 3]);
    }
}
