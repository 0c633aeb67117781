//! The matches of a ranked row -> the margin and the agreement of the votes about two of its responses.

use serde::{Deserialize, Serialize};

use crate::{
    ranking::strategy::Margin,
    result::{MatchRow, RowResult},
};

/// Numbers that a preference rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PreferenceEvidence {
    /// Distance of the two, from 0 to 1. Of a match: votes for the chosen minus votes for the rejected, as a share of the verdicts. Of the best and
    /// the worst of a knockout that never met: the least margin of the matches that link them. Of ratings: the difference of win rates, or twice the
    /// probability that the chosen wins by the ratings, minus one.
    pub margin: f64,
    /// Share of votes for the chosen, from 0 to 1; ties and abstentions count as votes that do not agree. Of links: the least. Of ratings: the votes
    /// for the chosen or against the rejected, as a share of all votes in the matches that either of them played.
    pub agreement: f64,
    /// Counted votes.
    pub votes: u32,
    /// Of these, the abstentions.
    pub abstained: u32,
    /// Tokens of their requests.
    pub prompt_tokens: u64,
    /// Tokens written for them.
    pub completion_tokens: u64,
}

/// Returns the evidence of one match for `winner`; `None` if nobody was asked.
pub(super) fn of_match(played: &MatchRow, winner: usize) -> Option<PreferenceEvidence> {
    let (counts, (chosen, rejected)) = (played.counts?, played.counts_for(winner)?);
    let verdicts = chosen + rejected + counts.tie;
    let votes = verdicts + counts.abstain;
    Some(PreferenceEvidence {
        margin: share(f64::from(chosen) - f64::from(rejected), verdicts),
        agreement: share(f64::from(chosen), votes),
        votes,
        abstained: counts.abstain,
        prompt_tokens: played.votes.iter().map(|vote| vote.prompt_tokens).sum(),
        completion_tokens: played.votes.iter().map(|vote| vote.completion_tokens).sum(),
    })
}

/// Returns the matches that put the best of a knockout above the worst: the match that the worst lost, the match that its conqueror lost, and so on
/// up to the best.
pub(super) fn links(matches: &[MatchRow], (best, worst): (usize, usize)) -> Vec<&MatchRow> {
    let lost = |response: usize| matches.iter().find(|m| m.winner.is_some() && m.winner == m.other(response));
    let (mut links, mut at) = (Vec::new(), worst);
    while at != best
        && let Some(link) = lost(at)
        && let Some(winner) = link.winner
    {
        links.push(link);
        at = winner;
    }
    links
}

/// Returns the evidence of a chain of links, which is that of its weakest link.
pub(super) fn of_links(links: &[&MatchRow]) -> Option<PreferenceEvidence> {
    let each = links.iter().filter_map(|link| of_match(link, link.winner?));
    each.reduce(|a, b| PreferenceEvidence {
        margin: a.margin.min(b.margin),
        agreement: a.agreement.min(b.agreement),
        ..sums(a, b)
    })
}

/// Returns the evidence of two rated responses; `margin` turns a difference of their scores into a margin.
pub(super) fn of_ratings(result: &RowResult, margin: Margin, (best, worst): (usize, usize)) -> Option<PreferenceEvidence> {
    let score = |response: usize| result.scores.get(response).copied().flatten().map(|score| score.value);
    let margin = margin(score(best)? - score(worst)?, result.scores.len());
    let (mut agreeing, mut total) = (0.0, PreferenceEvidence::default());
    for played in &result.matches {
        let winner = match (played.other(best), played.other(worst)) {
            (Some(_), _) => best,
            (None, Some(other)) => other,
            (None, None) => continue,
        };
        let Some(evidence) = of_match(played, winner) else { continue };
        agreeing += evidence.agreement * f64::from(evidence.votes);
        total = sums(total, evidence);
    }
    Some(PreferenceEvidence { margin, agreement: share(agreeing, total.votes), ..total })
}

fn sums(a: PreferenceEvidence, b: PreferenceEvidence) -> PreferenceEvidence {
    PreferenceEvidence {
        votes: a.votes + b.votes,
        abstained: a.abstained + b.abstained,
        prompt_tokens: a.prompt_tokens + b.prompt_tokens,
        completion_tokens: a.completion_tokens + b.completion_tokens,
        ..PreferenceEvidence::default()
    }
}

fn share(part: f64, of: u32) -> f64 {
    if of == 0 { 0.0 } else { part / f64::from(of) }
}
