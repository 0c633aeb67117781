//! Plain texts -> a [`Judgment`] of two, or a [`Ranking`] of several, for programs that have no files.
//!
//! Everything random (the matches, and which response is shown first) follows from the seed of the judge's settings and from the texts. The same call
//! gives the same result, as far as the engine repeats itself. Leading thinking and end tokens of responses are not judged, as in files.

use std::sync::Arc;

use crate::{
    comparison::Prompt,
    dataset::{Item, Response},
    engine::Usage,
    judge::{Evidence, Judge, JudgeError, Judgment},
    ranking::{
        Ranking,
        rank::{self, RankSettings, TeamRule},
    },
    run,
    vote::{Decision, VoteCounts},
};

/// Judges two responses to one prompt. In the judgment `a` is the first of them and `b` the second, in whichever order they were shown.
///
/// Equal texts are a tie, without a request.
///
/// # Errors
/// [`JudgeError`] if any vote that is needed could not be had.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use rrm::{engine::scripted::scripted, judge_texts, vote::Decision, Format, Judge};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut judge = Judge::new(Arc::new(scripted("longer")?), Format::shipped("rrm")?);
/// judge.settings.votes = 3;
/// let judgment = judge_texts(&judge, "What is 7 times 8?", "It is 56.", "54").await?;
/// assert_eq!(judgment.decision, Decision::A);
/// assert_eq!(judgment.counts.for_a, 3);
/// # Ok(())
/// # }
/// ```
pub async fn judge_texts(judge: &Judge, prompt: impl Into<Prompt>, a: &str, b: &str) -> Result<Judgment, JudgeError> {
    let item = item(prompt.into(), [a, b].into_iter());
    let (item, _) = run::judged(&item, &judge.format.markup);
    if rank::twins(&item.responses, TeamRule::Text) == [0, 0] {
        let evidence = Evidence::Votes(Vec::new());
        return Ok(Judgment { decision: Decision::Tie, counts: VoteCounts::default(), evidence, usage: Usage::default() });
    }
    Ok(rank::play(judge, &item, (0, 1)).await?.judgment)
}

/// Ranks the responses to one prompt.
///
/// # Errors
/// [`JudgeError`] if any match could not be judged.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use rrm::{engine::scripted::scripted, rank_texts, Format, Judge, RankSettings};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let judge = Judge::new(Arc::new(scripted("longer")?), Format::shipped("rrm")?);
/// let ranking = rank_texts(&judge, "What is 7 times 8?", &["56", "It is 56.", ""], &RankSettings::default()).await?;
/// assert_eq!(ranking.order, Some(vec![1, 0, 2]));
/// # Ok(())
/// # }
/// ```
pub async fn rank_texts<T: AsRef<str>>(
    judge: &Judge,
    prompt: impl Into<Prompt>,
    texts: &[T],
    settings: &RankSettings,
) -> Result<Ranking, JudgeError> {
    let item = item(prompt.into(), texts.iter().map(AsRef::as_ref));
    let (item, _) = run::judged(&item, &judge.format.markup);
    rank::rank(judge, &item, settings).await
}

/// Returns a row without a file, whose id is a hash of its texts.
fn item<'a>(prompt: Prompt, texts: impl Iterator<Item = &'a str> + Clone) -> Item {
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    };
    prompt.messages.iter().for_each(|message| add(&message.content));
    texts.clone().for_each(&mut add);
    let response = |text: &str| Response { text: text.into(), label: None, team: None, extra: Default::default() };
    let id = hasher.finalize().to_hex().to_string();
    Item { id, row: 0, prompt: Arc::new(prompt), responses: texts.map(response).collect(), extra: Default::default() }
}
