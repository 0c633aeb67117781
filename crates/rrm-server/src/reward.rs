//! Responses of a group -> a ranking -> a reward for each.

use std::sync::Arc;

use rrm::{
    comparison::Prompt,
    dataset::{Item, Response},
    engine::Usage,
    ranking::{
        Ranking, rank,
        rating::Score,
        strategy::{Members, Rules, Strategy},
    },
    result::Verdicts,
};
use serde::Serialize;

use crate::{AppState, error::ApiError, settings::Scale};

/// The rewards of a group and counts of its judging.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupRewards {
    /// The reward of each different text, in byte order.
    pub rewards: Vec<Result<Reward, ApiError>>,
    /// The number of different texts.
    pub distinct: usize,
    /// Undecided matches.
    pub undecided: u32,
    /// Matches that a coin decided.
    pub coins: u32,
    /// Tokens of the counted votes.
    pub usage: Usage,
}

/// The reward of one response, with its place and score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Reward {
    /// The scaled score.
    pub reward: f64,
    /// The place, 1 is the best; equal scores share the better place.
    pub rank: usize,
    /// The score as in `rrm rank`; `None` in a group with a single text.
    pub score: Option<Score>,
    /// The score from 0 to 1, whatever the scale of rewards: see [`Scale::Unit`].
    pub unit: f64,
}

/// Ranks the different texts of a group and computes a reward for each; `copies` is the number of members with each text.
///
/// The pairing of the texts depends only on their bytes and on the key, so the order of arrival changes nothing.
///
/// # Errors
/// [`ApiError::Invalid`] when the judge does not accept the group, [`ApiError::Judge`] when a match could not be judged.
pub async fn judge(
    server: &AppState,
    key: &str,
    prompt: Arc<Prompt>,
    texts: &[String],
    copies: &[usize],
    scale: Scale,
) -> Result<GroupRewards, ApiError> {
    let response =
        |text: &String| Response { text: text.as_str().into(), label: None, team: None, extra: serde_json::Map::default() };
    let item = Item {
        id: key.to_owned(),
        row: 0,
        prompt,
        responses: texts.iter().map(response).collect(),
        extra: serde_json::Map::default(),
    };
    (server.admits)(&item).map_err(ApiError::Invalid)?;
    if texts.len() == 1 {
        let rewards = vec![Ok(of_twins(scale))];
        return Ok(GroupRewards { rewards, distinct: 1, undecided: 0, coins: 0, usage: Usage::default() });
    }
    let settings = server.settings.rank;
    let ranking = rank::rank(&server.judge, &item, &settings).await.map_err(|error| ApiError::Judge(error.to_string()))?;
    server.metrics.ranking(&ranking);
    let rewards = rewards(&ranking, settings.strategy, copies, scale);
    let tally = ranking.tally;
    Ok(GroupRewards { rewards, distinct: texts.len(), undecided: tally.undecided, coins: tally.coins, usage: tally.usage })
}

/// Returns the reward of each member of a group with a single text: no one is better, so nothing is learnt. This is no failure of the judge, but it
/// is reported (`distinct`) and counted.
fn of_twins(scale: Scale) -> Reward {
    let reward = if scale == Scale::Centred { 0.0 } else { 0.5 };
    Reward { reward, rank: 1, score: None, unit: 0.5 }
}

/// Computes rewards over the members of a group from scores. A text without a place has no reward. With ratings it is left out of means and places.
/// In a knockout the set of scores of the texts without a place is known, though not which text has which, so means and places are those of the whole
/// group. If these texts have different numbers of members, the mean is not determined, and no member has a reward.
pub fn rewards(ranking: &Ranking, strategy: Strategy, copies: &[usize], scale: Scale) -> Vec<Result<Reward, ApiError>> {
    let rounds = ranking.matches.iter().map(|m| m.round + 1).max().unwrap_or(0);
    let placed = |i: usize| ranking.scores[i].filter(|_| ranking.ranks[i].is_some());
    let mut unplaced = copies.iter().enumerate().filter(|(i, _)| placed(*i).is_none()).map(|(_, n)| *n);
    let each = unplaced.next().unwrap_or(0);
    if !ranking.open.is_empty() && unplaced.any(|n| n != each) {
        return copies.iter().map(|_| Err(undecided(ranking))).collect();
    }
    let known = copies.iter().enumerate().filter_map(|(i, n)| placed(i).map(|score| (score.value, *n as f64)));
    let scores = known.chain(ranking.open.iter().map(|value| (*value, each as f64))).collect();
    let members = Members::new(scores, rounds);
    let Rules { unit, centred, .. } = strategy.rules();
    let place = |value: f64| {
        let above: f64 = members.scores.iter().filter(|(other, _)| *other > value).map(|(_, n)| n).sum();
        let equal: f64 = members.scores.iter().filter(|(other, _)| *other == value).map(|(_, n)| n).sum();
        (above, equal)
    };
    let one = |score: Score| {
        let (above, equal) = place(score.value);
        let unit = unit(score.value, &members);
        let reward = match scale {
            Scale::Centred => centred(score.value, &members),
            Scale::Unit => unit,
            Scale::Rank => 1.0 - (above + (equal - 1.0) / 2.0) / (members.count - 1.0),
        };
        Reward { reward, rank: above as usize + 1, score: Some(score), unit }
    };
    (0..copies.len()).map(|i| placed(i).map(one).ok_or_else(|| undecided(ranking))).collect()
}

/// Returns the reason why a text of this group has no reward.
fn undecided(ranking: &Ranking) -> ApiError {
    let mut verdicts = Verdicts::default();
    verdicts.add_ranking(ranking);
    let Verdicts { matches, undecided, .. } = verdicts;
    let matches =
        format!("{undecided} of {matches} {} of its group had no decision", if matches == 1 { "match" } else { "matches" });
    ApiError::Undecided(if verdicts.without() > 0 { format!("{}; {matches}", verdicts.abstentions()) } else { matches })
}
