//! Matches -> their rows. In memory a match names the responses `a` and `b`; in files it names them in the order shown, first and second. Reading and
//! writing turn it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    judge::{Evidence, JudgeKind, ScoreRecord, VoteRecord},
    ranking::strategy::{DecidedBy, Match},
    verdict::Abstain,
    vote::{Choice, Decision, Order, Probabilities, Vote, VoteCounts},
};

/// One match. In files, `first` is the response shown first, also in decision, counts and votes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct MatchRow {
    /// Round, counted from 0.
    pub round: u32,
    /// Index of the response that decision, counts and votes call `a`.
    #[serde(rename = "first")]
    pub a: usize,
    /// Index of the response that they call `b`.
    #[serde(rename = "second")]
    pub b: usize,
    /// Order in which the responses were shown, in votes that do not state their own.
    #[serde(skip)]
    pub order: Order,
    /// Index of the winner.
    pub winner: Option<usize>,
    /// The decider: votes, a coin, a team, or nothing.
    pub decided_by: DecidedBy,
    /// Decision of the votes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Number of votes for each response, for a tie, and of abstentions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<VoteCounts>,
    /// The votes by their index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<VoteRow>,
}

/// One vote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VoteRow {
    /// Order in which the judge saw the responses.
    pub order: Order,
    /// The better response by this vote, or a tie.
    #[serde(rename = "verdict", default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
    /// Reason why there is no verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abstain: Option<Abstain>,
    /// Whether the verdict was elicited under a thinking budget.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub elicited: bool,
    /// Probability of each possible vote; absent if the engine did not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probabilities: Option<Probabilities>,
    /// Scores of the two responses, of a judge that scores single responses: the higher one wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<(f64, f64)>,
    /// Tokens of the request.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// Address of the completion in the store, if it was kept; absent in rows of a server that keeps nothing. With scores, the address of the score
    /// of the response shown first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion: Option<String>,
}

impl Serialize for MatchRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.order {
            Order::Given => MatchRow::serialize(self, serializer),
            Order::Swapped => MatchRow::serialize(&self.clone().turned(), serializer),
        }
    }
}

impl<'de> Deserialize<'de> for MatchRow {
    /// Reads a match with the earlier response of the row as `a`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let shown = MatchRow::deserialize(deserializer)?;
        let earlier = shown.a.min(shown.b);
        Ok(shown.about(earlier))
    }
}

impl MatchRow {
    /// Returns the same match with this response as `a`, if it plays in it.
    #[must_use]
    pub fn about(self, response: usize) -> Self {
        if response == self.b { self.turned() } else { self }
    }

    fn turned(self) -> Self {
        let vote = |vote: VoteRow| VoteRow {
            order: vote.order.swapped(),
            choice: vote.choice.map(Choice::swapped),
            probabilities: vote.probabilities.map(Probabilities::swapped),
            scores: vote.scores.map(|(a, b)| (b, a)),
            ..vote
        };
        MatchRow {
            a: self.b,
            b: self.a,
            order: self.order.swapped(),
            decision: self.decision.map(Decision::swapped),
            counts: self.counts.map(VoteCounts::swapped),
            votes: self.votes.into_iter().map(vote).collect(),
            ..self
        }
    }

    /// Returns the two responses in the order in which they were shown.
    pub fn shown(&self) -> (usize, usize) {
        self.order.shown(self.a, self.b)
    }

    /// Returns the opponent of a response in this match; `None` if it does not play in it.
    pub fn other(&self, response: usize) -> Option<usize> {
        match response {
            _ if response == self.a => Some(self.b),
            _ if response == self.b => Some(self.a),
            _ => None,
        }
    }

    /// Returns the number of votes for this response and for the other one; `None` if nobody was asked.
    pub fn counts_for(&self, response: usize) -> Option<(u32, u32)> {
        let VoteCounts { for_a, for_b, .. } = self.counts?;
        Some(if response == self.b { (for_b, for_a) } else { (for_a, for_b) })
    }

    /// Returns the scores of `a` and `b`; `None` of a judge that compares.
    pub fn scores(&self) -> Option<(f64, f64)> {
        self.votes.first()?.scores
    }

    /// Returns the kind of the judge.
    pub fn kind(&self) -> JudgeKind {
        JudgeKind::from(self.scores().is_some())
    }

    /// Returns the share of the verdicts for `a`, where a tie counts half; `None` without a verdict.
    pub fn share_a(&self) -> Option<f64> {
        let (shown_first, _) = self.order.shown(self.counts?, self.counts?.swapped());
        Some(self.of_a(shown_first.share_a()?))
    }

    /// Returns the mean of the judge's own probabilities for `a`, where a tie counts half; `None` unless all votes have them.
    pub fn probability_a(&self) -> Option<f64> {
        let of = |Probabilities { a, b, tie }: Probabilities| self.order.shown(a, b).0 + 0.5 * tie.unwrap_or(0.0);
        let all: Option<Vec<f64>> = self.votes.iter().map(|vote| vote.probabilities.map(of)).collect();
        let all = all.filter(|all| !all.is_empty())?;
        Some(self.of_a(all.iter().sum::<f64>() / all.len() as f64))
    }

    /// Turns a share for the response shown first into one for `a`. Shares are computed for the response shown first, so that rows keep the last bit
    /// of earlier versions.
    fn of_a(&self, of_first: f64) -> f64 {
        self.order.shown(of_first, 1.0 - of_first).0
    }
}

impl VoteRow {
    /// Returns the vote; `None` if the row holds neither a verdict nor a reason.
    pub fn vote(&self) -> Option<Vote> {
        self.choice.map(Ok).or(self.abstain.map(Err))
    }
}

/// The row of one match.
pub fn match_row(played: Match) -> MatchRow {
    let Match { round, a, b, order, winner, decided_by, judgment } = played;
    let (decision, counts) = judgment.as_ref().map(|j| (j.decision, j.counts)).unzip();
    let votes = match judgment.map(|judgment| (judgment.evidence, judgment.usage)) {
        None => Vec::new(),
        Some((Evidence::Votes(records), _)) => records.into_iter().map(vote_row).collect(),
        // Two scores are one vote. No judge saw the responses in an order, so that of the match stands there.
        Some((evidence @ Evidence::Scores([score_a, score_b]), usage)) => vec![VoteRow {
            order,
            choice: evidence.votes().find_map(Result::ok),
            abstain: None,
            elicited: false,
            probabilities: None,
            scores: Some((score_a.score, score_b.score)),
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            completion: address(order.shown(score_a, score_b).0),
        }],
    };
    MatchRow { round, a, b, order, winner, decided_by, decision, counts, votes }
}

fn address(score: ScoreRecord) -> Option<String> {
    score.key.map(|key| key.to_string())
}

fn vote_row(record: VoteRecord) -> VoteRow {
    VoteRow {
        order: record.order,
        choice: record.vote.ok(),
        abstain: record.vote.err(),
        elicited: record.elicited,
        probabilities: record.probabilities,
        scores: None,
        prompt_tokens: record.usage.prompt_tokens,
        completion_tokens: record.usage.completion_tokens,
        completion: record.key.map(|key| key.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = concat!(
        r#"{"round":0,"first":3,"second":1,"winner":1,"decided_by":"votes","decision":"second","#,
        r#""counts":{"first":1,"second":2,"tie":0,"abstain":1},"votes":["#,
        r#"{"order":"given","verdict":"second","probabilities":{"first":0.25,"second":0.75},"prompt_tokens":9,"completion_tokens":5},"#,
        r#"{"order":"swapped","verdict":"first","scores":[2.5,1.0],"prompt_tokens":9,"completion_tokens":5},"#,
        r#"{"order":"swapped","abstain":"truncated","prompt_tokens":9,"completion_tokens":5}]}"#
    );

    #[test]
    fn a_line_is_about_places_and_its_match_about_responses() {
        let row: MatchRow = serde_json::from_str(LINE).unwrap();
        assert_eq!((row.a, row.b, row.order, row.shown()), (1, 3, Order::Swapped, (3, 1)));
        assert_eq!((row.decision, row.counts_for(1), row.counts_for(3)), (Some(Decision::A), Some((2, 1)), Some((1, 2))));
        assert_eq!(row.votes.iter().map(|vote| vote.choice).collect::<Vec<_>>(), [Some(Choice::A), Some(Choice::B), None]);
        // The first vote saw response 3 first, the others response 1.
        assert_eq!(row.votes.iter().map(|vote| vote.order.shown(1, 3).0).collect::<Vec<_>>(), [3, 1, 1]);
        assert_eq!(row.votes[0].probabilities, Some(Probabilities { a: 0.75, b: 0.25, tie: None }));
        assert_eq!((row.votes[1].scores, row.other(1), row.other(2)), (Some((1.0, 2.5)), Some(3), None));
        assert_eq!(row.share_a(), Some(1.0 - 1.0 / 3.0));
        assert_eq!(serde_json::to_string(&row).unwrap(), LINE);
        // The line is the same whichever response the match is about.
        assert_eq!(serde_json::to_string(&row.clone().about(3)).unwrap(), LINE);
        assert_eq!((row.clone().about(3).decision, row.clone().about(3).about(1)), (Some(Decision::B), row));
    }
}
