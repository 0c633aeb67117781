//! Questions with many responses of known correctness -> how often a judge's pick is right, beside picks at no cost.
//!
//! Sources: MMLU-Pro (`question`, `options`, and responses of several models with `pred` and `correct`), PPE (32 responses with `scores`), or the
//! user's own rows. The responses to each question are put into an order that is drawn by seed. Best of N has the first N of them, so larger N
//! include the smaller ones.

mod questions;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    future::ready,
    io,
};

use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};

pub use self::questions::{Questions, load_best_of};
use super::{DataFile, EvalRunError, Share};
use crate::{
    dataset::{Item, Response},
    engine::EngineInfo,
    judge::{Evidence, Judge, JudgeError, JudgeSettings},
    plan::{self, PlannedMatches},
    ranking::{
        self, Ranking,
        rank::{self, RankSettings, TeamRule},
        rating::Score,
        schedule,
        strategy::{Match, Matches, Strategy},
    },
    result::{self, Verdicts},
    run::Task,
};

/// Numbers of responses. A row with fewer responses does not count for a larger number.
pub const SIZES: [usize; 6] = [1, 2, 4, 8, 16, 32];
/// Strategies whose picks are compared. Those with ratings share one round robin.
const STRATEGIES: [Strategy; 3] = [Strategy::Knockout, Strategy::Elo, Strategy::BradleyTerry];

/// The accuracy of a judge's picks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestOf {
    /// Layout version.
    pub rrm: u32,
    /// Engine of the judge.
    pub engine: EngineInfo,
    /// Name of the judge format.
    pub format: String,
    /// Settings of the judge.
    pub settings: JudgeSettings,
    /// Files that were judged.
    pub data: Vec<DataFile>,
    /// Source of the questions.
    pub questions: Questions,
    /// Accuracy of picks, by numbers of responses.
    pub sizes: Vec<SizeAccuracy>,
    /// ROC AUC of the scores, for a judge that scores single responses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc: Option<Auc>,
}

/// Probability that a right response scores higher than a wrong one, over all questions, where equal scores count a half (ROC AUC, as PPE measures
/// it). Only responses that were compared and whose label is 0 or 1 count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Auc {
    /// The probability, from 0 to 1.
    pub value: f64,
    /// Number of right responses.
    pub right: usize,
    /// Number of wrong responses.
    pub wrong: usize,
}

/// Accuracy of picks among `n` responses, each with Wilson's interval over questions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SizeAccuracy {
    /// Number of responses of each question.
    pub n: usize,
    /// Number of questions.
    pub rows: u64,
    /// Accuracy of the first response.
    pub first: Score,
    /// Accuracy of a drawn response: the mean share of right ones.
    pub random: Score,
    /// Accuracy of the first response with the most frequent answer, or of the first response of a question without answers; `None` if no response
    /// has an answer.
    pub majority: Option<Score>,
    /// Share of questions with a right response.
    pub oracle: Score,
    /// Accuracy of the judge's picks, by strategy.
    pub judged: Vec<PickAccuracy>,
}

/// Accuracy of a judge's picks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PickAccuracy {
    /// Strategy that finds the best response.
    pub strategy: Strategy,
    /// Accuracy of the picks; a question without a pick counts as wrong.
    pub accuracy: Score,
    /// Number of questions without a pick, because no verdict says which response is the best.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub without_pick: u64,
    /// Mean number of votes for each question.
    pub votes: f64,
    /// Mean number of tokens written for each question.
    pub completion_tokens: f64,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Sums over questions.
#[derive(Default)]
struct QuestionSums {
    rows: u64,
    /// Rows with an answer for some response.
    answered: u64,
    free: [f64; 4],
    judged: [PickSums; STRATEGIES.len()],
}

/// Sums over the picks of one strategy.
#[derive(Clone, Copy, Default)]
struct PickSums {
    right: f64,
    without: u64,
    votes: u64,
    completion_tokens: u64,
}

/// The questions of a best-of-n run and their data files.
pub struct BestOfInput<'a> {
    /// Source of the questions.
    pub questions: Questions,
    /// The questions.
    pub items: &'a [Item],
    /// Files of the questions.
    pub data: Vec<DataFile>,
    /// Most responses of each question.
    pub largest: usize,
}

/// Returns the matches that a question takes. A knockout's matches are among those of the round robin of the same responses, and most matches of
/// fewer responses are among those of more: `stored` says that a store answers what was asked before.
pub fn matches_of(item: &Item, settings: &RankSettings, largest: usize, (stored, seed): (bool, u64)) -> PlannedMatches {
    let (mut sum, mut different) = (PlannedMatches::exactly(0, 0), HashSet::new());
    for n in sizes(item, largest) {
        let some = Item { responses: item.responses[..n].to_vec(), ..item.clone() };
        let of = |strategy| plan::matches(&some, &Task::Rank(RankSettings { strategy, ..*settings }), seed);
        for PlannedMatches { fewest, most, rounds } in [of(Strategy::Knockout), of(Strategy::Elo)] {
            sum = PlannedMatches { fewest: sum.fewest + fewest, most: sum.most + most, rounds: sum.rounds + rounds };
        }
        different.extend(schedule::round_robin(&rank::teams(&some.responses, settings.teams)));
    }
    match stored {
        true => PlannedMatches::exactly(different.len() as u64, sum.rounds),
        false => sum,
    }
}

fn sizes(item: &Item, largest: usize) -> impl Iterator<Item = usize> {
    let most = item.responses.len().min(largest);
    SIZES.into_iter().take_while(move |n| *n <= most)
}

/// Ranks the first 1, 2, 4, 8 ... responses of every question, by knockout, and by Elo and Bradley-Terry over one round robin; `done` is called for
/// every question. Returns the accuracies and the counts of the votes, where each vote counts as often as it is used.
///
/// # Errors
/// [`EvalRunError`] at the first question that cannot be ranked.
pub async fn best_of<'a>(
    judge: &Judge,
    asked: BestOfInput<'a>,
    settings: &RankSettings,
    window: usize,
    mut done: impl FnMut() -> io::Result<()>,
) -> Result<(BestOf, Verdicts), EvalRunError> {
    let BestOfInput { questions, items, data, largest } = asked;
    let mut sums: [QuestionSums; SIZES.len()] = Default::default();
    let (mut right_ones, mut wrong_ones, mut all) = (Vec::new(), Vec::new(), Verdicts::default());
    let judge = &judge.for_run();
    let work = |item| async move { (item, picks(judge, item, settings, largest).await) };
    let check = |(item, picks): (&'a Item, Result<QuestionPicks, JudgeError>)| match picks {
        Ok(picks) => Ok((item, picks)),
        Err(source) => Err(EvalRunError::Judge { id: item.id.clone(), source }),
    };
    let begun = stream::iter(items).take_while(|_| ready(!judge.has_ended()));
    let hand_on = |(item, picks): (&'a Item, QuestionPicks)| {
        all.merge(&picks.verdicts);
        for (place, score) in picks.scores {
            match item.responses[place].label {
                Some(1.0) => right_ones.push(score),
                Some(0.0) => wrong_ones.push(score),
                _ => {}
            }
        }
        for ((n, judged), sums) in picks.picks.into_iter().zip(&mut sums) {
            sums.rows += 1;
            sums.answered += u64::from(item.responses[..n].iter().any(|response| response.team.is_some()));
            let free = free(&item.responses[..n]);
            sums.free.iter_mut().zip(free).for_each(|(sum, right)| *sum += right);
            for (sum, pick) in sums.judged.iter_mut().zip(judged) {
                sum.right += pick.0.map_or(0.0, |best| right_of_text(&item.responses[..n], best, settings.teams));
                sum.without += u64::from(pick.0.is_none());
                (sum.votes, sum.completion_tokens) = (sum.votes + pick.1, sum.completion_tokens + pick.2);
            }
        }
        Ok(done()?)
    };
    let of_ended = |error: &EvalRunError| matches!(error, EvalRunError::Judge { source, .. } if source.is_of_ended());
    match judge.through(begun.map(work).buffered(window.max(1)), check, hand_on, of_ended).await {
        Ok(()) => {}
        Err(Some(error)) if !of_ended(&error) => return Err(error),
        Err(_) => {
            let (id, source) = judge.end().unwrap_or_else(|| (String::new(), JudgeError::Ended));
            return Err(EvalRunError::Judge { id, source });
        }
    }
    let sizes = SIZES.iter().zip(&sums).filter_map(|(n, sums)| size(*n, sums)).collect();
    let engine = judge.engine.info().clone();
    let format = judge.format.file.name.clone();
    let auc = auc(&mut right_ones, &mut wrong_ones);
    let settings = judge.settings.clone();
    Ok((BestOf { rrm: result::VERSION, engine, format, settings, data, questions, sizes, auc }, all))
}

/// Returns the probability that a right response is above a wrong one, a half for equal ones; `None` if there is nothing to compare.
fn auc(right: &mut [f64], wrong: &mut [f64]) -> Option<Auc> {
    right.sort_unstable_by(f64::total_cmp);
    wrong.sort_unstable_by(f64::total_cmp);
    let (mut below, mut not_above, mut sum) = (0, 0, 0.0);
    for score in &*right {
        below += wrong[below..].iter().take_while(|other| *other < score).count();
        not_above = not_above.max(below);
        not_above += wrong[not_above..].iter().take_while(|other| *other <= score).count();
        sum += (below + not_above) as f64 / 2.0;
    }
    let pairs = right.len() as f64 * wrong.len() as f64;
    (pairs > 0.0).then(|| Auc { value: sum / pairs, right: right.len(), wrong: wrong.len() })
}

/// Index of the best response if it is known, number of votes, and tokens written.
type Pick = (Option<usize>, u64, u64);

/// The picks for one question.
struct QuestionPicks {
    /// The picks of the strategies for each number of responses.
    picks: Vec<(usize, Vec<Pick>)>,
    /// Scores of single responses by their indices, if the judge gives them.
    scores: BTreeMap<usize, f64>,
    /// Counts of the votes.
    verdicts: Verdicts,
}

/// Returns the pick of each strategy at each number of responses that the question has, with votes and tokens. Matches of the same responses are the
/// same at all numbers, so the store answers them and not the engine.
async fn picks(judge: &Judge, item: &Item, settings: &RankSettings, largest: usize) -> Result<QuestionPicks, JudgeError> {
    let (mut picks, mut scores, mut verdicts) = (Vec::new(), BTreeMap::new(), Verdicts::default());
    for n in sizes(item, largest) {
        let some = Item { responses: item.responses[..n].to_vec(), ..item.clone() };
        let (twins, seed) = (rank::twins(&some.responses, settings.teams), judge.settings.seed);
        let mut rankings: Vec<Ranking> = Vec::new();
        let mut round_robin: Option<Vec<Match>> = None;
        for strategy in STRATEGIES {
            let ranking = match (strategy.rules().matches, &round_robin) {
                // Another rating of the same matches.
                (Matches::Pairs { rate, .. }, Some(matches)) => {
                    ranking::of_ratings(&twins, matches.clone(), rate, seed, &some.id)
                }
                (matches, _) => {
                    let ranking = rank::rank(judge, &some, &RankSettings { strategy, ..*settings }).await?;
                    verdicts.add_ranking(&ranking);
                    if let Matches::Pairs { .. } = matches {
                        round_robin = Some(ranking.matches.clone());
                    }
                    ranking
                }
            };
            rankings.push(ranking);
        }
        let pick = |ranking: Ranking| {
            let votes = u64::from(ranking.tally.votes);
            (ranking.order.and_then(|order| order.first().copied()), votes, ranking.tally.usage.completion_tokens)
        };
        for played in round_robin.iter().flatten() {
            if let Some(Evidence::Scores([a, b])) = played.judgment.as_ref().map(|judgment| &judgment.evidence) {
                scores.extend([(played.a, a.score), (played.b, b.score)]);
            }
        }
        picks.push((n, rankings.into_iter().map(pick).collect()));
    }
    // Equal texts do not play each other, so one of them may have no match and no score.
    let of = |text: &str| scores.iter().find(|(place, _)| &*item.responses[**place].text == text).map(|(_, score)| *score);
    let compared = sizes(item, largest).last().unwrap_or(0);
    let scores = item.responses[..compared]
        .iter()
        .enumerate()
        .filter_map(|(place, response)| Some((place, of(&response.text)?)))
        .collect();
    Ok(QuestionPicks { picks, scores, verdicts })
}

fn right(response: &Response) -> f64 {
    response.label.unwrap_or(0.0)
}

/// Returns the correctness of a pick. Responses of one text are picked together, so that their mean counts, unless each stands for itself.
fn right_of_text(responses: &[Response], best: usize, teams: TeamRule) -> f64 {
    if teams == TeamRule::Off {
        return right(&responses[best]);
    }
    let picked: Vec<f64> = responses.iter().filter(|response| response.text == responses[best].text).map(right).collect();
    picked.iter().sum::<f64>() / picked.len() as f64
}

/// Returns the correctness of the picks at no cost: the first, a drawn one, the majority's, the oracle's.
fn free(responses: &[Response]) -> [f64; 4] {
    let mut votes: HashMap<&str, usize> = HashMap::new();
    responses.iter().filter_map(|response| response.team.as_deref()).for_each(|answer| *votes.entry(answer).or_default() += 1);
    let of = |response: &Response| response.team.as_deref().and_then(|answer| votes.get(answer)).copied().unwrap_or(0);
    let most = responses.iter().map(of).max().unwrap_or(0);
    let majority = responses.iter().find(|response| of(response) == most).map_or(0.0, right);
    let mean = responses.iter().map(right).sum::<f64>() / responses.len() as f64;
    [right(&responses[0]), mean, majority, responses.iter().map(right).fold(0.0, f64::max)]
}

fn size(n: usize, sums: &QuestionSums) -> Option<SizeAccuracy> {
    let rows = sums.rows as f64;
    let score = |sum: f64| Share { value: sum / rows, rows }.score();
    let [first, random, majority, oracle] = sums.free;
    let judged = STRATEGIES.into_iter().zip(sums.judged).map(|(strategy, picked)| {
        let (votes, tokens) = (picked.votes as f64 / rows, picked.completion_tokens as f64 / rows);
        let (accuracy, without_pick) = (score(picked.right)?, picked.without);
        Some(PickAccuracy { strategy, accuracy, without_pick, votes, completion_tokens: tokens })
    });
    Some(SizeAccuracy {
        n,
        rows: sums.rows,
        first: score(first)?,
        random: score(random)?,
        majority: if sums.answered > 0 { score(majority) } else { None },
        oracle: score(oracle)?,
        judged: judged.collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picks_at_no_cost() {
        let response = |label: f64, answer: &str| Response {
            text: "".into(),
            label: Some(label),
            team: Some(answer.to_owned()),
            extra: serde_json::Map::new(),
        };
        let all = [response(0.0, "A"), response(1.0, "B"), response(1.0, "B"), response(0.0, "C")];
        assert_eq!(free(&all), [0.0, 0.5, 1.0, 1.0]);
        // Of equally frequent answers the first one counts.
        assert_eq!(free(&all[..2]), [0.0, 0.5, 0.0, 1.0]);
    }

    #[test]
    fn auc_counts_pairs() {
        let naive = |right: &[f64], wrong: &[f64]| {
            let one = |a: f64, b: f64| f64::from(u8::from(a > b)) + 0.5 * f64::from(u8::from(a == b));
            right.iter().flat_map(|a| wrong.iter().map(move |b| one(*a, *b))).sum::<f64>() / (right.len() * wrong.len()) as f64
        };
        for (right, wrong) in
            [(vec![3.0, 1.0, 2.0, 2.0], vec![2.0, 0.0, 2.0]), (vec![1.0], vec![2.0]), (vec![5.0, 5.0], vec![1.0, 5.0, 9.0, -1.0])]
        {
            assert!((auc(&mut right.clone(), &mut wrong.clone()).unwrap().value - naive(&right, &wrong)).abs() < 1e-12);
        }
        assert_eq!(auc(&mut [1.0], &mut []), None);
    }
}
