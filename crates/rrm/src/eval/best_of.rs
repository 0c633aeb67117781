//! Questions with many responses that are known to be right or wrong -> how often the pick of a judge is right, beside picks at no cost.
//!
//! MMLU-Pro: `question`, `options`, and responses of several models with `pred` and `correct`. Of each question the responses are put into an order
//! that is drawn by seed; best of N has the first N of them, so larger numbers hold smaller ones.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use super::{DataFile, EvalError, RunError, Share, load::hashed};
use crate::{
    comparison::Prompt,
    dataset::{self, ColumnNames, Item, ReadOptions, Response},
    engine::EngineInfo,
    judge::{Judge, JudgeError, JudgeSettings},
    keyed,
    rank::{self, RankSettings},
    ranking::{self, Ranking},
    rating::Score,
    result,
    strategy::Strategy,
};

/// Numbers of responses; rows that have fewer than one of them do not count there.
pub const SIZES: [usize; 5] = [1, 2, 4, 8, 16];
const STRATEGIES: [Strategy; 3] = [Strategy::Knockout, Strategy::Elo, Strategy::BradleyTerry];

/// What a judge's picks are worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestOf {
    /// Layout version.
    pub rrm: u32,
    /// Who judged.
    pub engine: EngineInfo,
    /// In which format.
    pub format: String,
    /// With which settings.
    pub settings: JudgeSettings,
    /// What was judged.
    pub data: Vec<DataFile>,
    /// Accuracy of picks, by numbers of responses.
    pub sizes: Vec<Size>,
}

/// Accuracy of picks among so many responses, each with Wilson's interval over questions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Size {
    /// Responses of each question.
    pub n: usize,
    /// Questions.
    pub rows: u64,
    /// The first of them.
    pub first: Score,
    /// A drawn one: the mean share of right ones.
    pub random: Score,
    /// The first with the answer that most of them give.
    pub majority: Score,
    /// A right one, if there is any.
    pub oracle: Score,
    /// The judge's, by strategy.
    pub judged: Vec<Judged>,
}

/// Accuracy of a judge's picks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// How the best one is found.
    pub strategy: Strategy,
    /// How often it is right.
    pub accuracy: Score,
    /// Votes for each question.
    pub votes: f64,
    /// Tokens written for each question.
    pub completion_tokens: f64,
}

/// Reads questions as MMLU-Pro's are published with their responses; the order of responses is drawn by `seed`.
///
/// # Errors
/// [`EvalError`] for what cannot be read, and for rows without options or without a word on whether a response is right.
pub fn load_best_of(paths: &[PathBuf], seed: u64) -> Result<(Vec<Item>, Vec<DataFile>), EvalError> {
    let columns = ["id=question_id", "prompt=question", "responses.answer=pred"];
    let reading = ReadOptions { at_least: 1, columns: ColumnNames::parse(&columns)?, ..ReadOptions::default() };
    let (mut items, mut files) = (Vec::new(), Vec::new());
    for path in paths {
        let before = items.len();
        for item in dataset::read(path, &reading)? {
            let item = item.map_err(|error| EvalError::Published(Box::new(error)))?;
            let row = item.row;
            items.push(question(item, seed).map_err(|problem| EvalError::Row { file: path.clone(), row, problem })?);
        }
        files.push(hashed(path as &Path, (items.len() - before) as u64)?);
    }
    Ok((items, files))
}

/// The question with its options, and its responses in a drawn order.
fn question(mut item: Item, seed: u64) -> Result<Item, String> {
    let options = item.extra.get("options").and_then(|options| options.as_array()).ok_or("`options` must be a list")?;
    let option = |(letter, option): (char, &serde_json::Value)| format!("\n{letter}. {}", option.as_str().unwrap_or_default());
    let options: String = ('A'..='Z').zip(options).map(option).collect();
    let mut prompt = Prompt::clone(&item.prompt);
    if let Some(last) = prompt.messages.last_mut() {
        last.content = format!("{}\n{options}", last.content);
    }
    if item.responses.iter().any(|response| response.label.is_none()) {
        return Err("a response has no `correct`".to_owned());
    }
    let order = keyed::shuffle(item.responses.len(), seed, &item.id, "best-of");
    item.responses = order.into_iter().map(|place| item.responses[place].clone()).collect();
    item.prompt = Arc::new(prompt);
    Ok(item)
}

/// Sums over questions.
#[derive(Default)]
struct Sums {
    rows: u64,
    free: [f64; 4],
    judged: [(f64, u64, u64); 3],
}

/// Ranks the first 1, 2, 4, 8 and 16 responses of every question, by knockout, and by Elo and Bradley-Terry over one round robin; `done` hears of every question.
///
/// # Errors
/// [`RunError`] at the first question that cannot be ranked.
pub async fn best_of(
    judge: &Judge,
    (items, data): (&[Item], Vec<DataFile>),
    settings: &RankSettings,
    window: usize,
    mut done: impl FnMut() -> io::Result<()>,
) -> Result<BestOf, RunError> {
    let mut sums: [Sums; SIZES.len()] = Default::default();
    let work = |item| async move { (item, picks(judge, item, settings).await) };
    let mut rows = std::pin::pin!(stream::iter(items).map(work).buffered(window.max(1)));
    while let Some((item, picks)) = rows.next().await {
        let picks = picks.map_err(|source| RunError::Judge { id: item.id.clone(), source })?;
        for ((n, judged), sums) in picks.into_iter().zip(&mut sums) {
            sums.rows += 1;
            let free = free(&item.responses[..n]);
            sums.free.iter_mut().zip(free).for_each(|(sum, right)| *sum += right);
            for (sum, pick) in sums.judged.iter_mut().zip(judged) {
                *sum = (sum.0 + right(&item.responses[pick.0]), sum.1 + pick.1, sum.2 + pick.2);
            }
        }
        done()?;
    }
    let sizes = SIZES.iter().zip(&sums).filter_map(|(n, sums)| size(*n, sums)).collect();
    let engine = judge.engine.info().clone();
    let format = judge.format.file.name.clone();
    Ok(BestOf { rrm: result::VERSION, engine, format, settings: judge.settings.clone(), data, sizes })
}

type Pick = (usize, u64, u64);

/// What each strategy picks at each number of responses that the question has, with votes and tokens. Matches about the same responses
/// are the same at all of them, so a store is asked for them and not the engine.
async fn picks(judge: &Judge, item: &Item, settings: &RankSettings) -> Result<Vec<(usize, [Pick; 3])>, JudgeError> {
    let mut picks = Vec::new();
    for n in SIZES.into_iter().take_while(|n| *n <= item.responses.len()) {
        let some = Item { responses: item.responses[..n].to_vec(), ..item.clone() };
        let by = |strategy| RankSettings { strategy, ..*settings };
        let knockout = rank::rank(judge, &some, &by(Strategy::Knockout)).await?;
        let elo = rank::rank(judge, &some, &by(Strategy::Elo)).await?;
        // Another rating of the same matches.
        let bradley_terry = ranking::of_ratings(n, elo.matches.clone(), Strategy::BradleyTerry, judge.settings.seed, &some.id);
        let pick = |ranking: Ranking| {
            let votes = ranking.tally.votes;
            let votes = u64::from(votes.first + votes.second + votes.tie + votes.abstain);
            (ranking.order.first().copied().unwrap_or(0), votes, ranking.tally.usage.completion_tokens)
        };
        picks.push((n, [knockout, elo, bradley_terry].map(pick)));
    }
    Ok(picks)
}

fn right(response: &Response) -> f64 {
    response.label.unwrap_or(0.0)
}

/// The first, a drawn one, the majority's, the oracle's.
fn free(responses: &[Response]) -> [f64; 4] {
    let mut votes: HashMap<&str, usize> = HashMap::new();
    responses.iter().filter_map(|response| response.team.as_deref()).for_each(|answer| *votes.entry(answer).or_default() += 1);
    let of = |response: &Response| response.team.as_deref().and_then(|answer| votes.get(answer)).copied().unwrap_or(0);
    let most = responses.iter().map(of).max().unwrap_or(0);
    let majority = responses.iter().find(|response| of(response) == most).map_or(0.0, right);
    let mean = responses.iter().map(right).sum::<f64>() / responses.len() as f64;
    [right(&responses[0]), mean, majority, responses.iter().map(right).fold(0.0, f64::max)]
}

fn size(n: usize, sums: &Sums) -> Option<Size> {
    let rows = sums.rows as f64;
    let score = |sum: f64| Share { value: sum / rows, rows }.score();
    let [first, random, majority, oracle] = sums.free;
    let judged = STRATEGIES.into_iter().zip(sums.judged).map(|(strategy, (right, votes, tokens))| {
        Some(Judged { strategy, accuracy: score(right)?, votes: votes as f64 / rows, completion_tokens: tokens as f64 / rows })
    });
    Some(Size {
        n,
        rows: sums.rows,
        first: score(first)?,
        random: score(random)?,
        majority: score(majority)?,
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
        // Where answers are equally frequent the first of them counts.
        assert_eq!(free(&all[..2]), [0.0, 0.5, 0.0, 1.0]);
    }
}
