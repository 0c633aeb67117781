//! A schedule -> an estimate of the run, before anything is spent: calls, dependent rounds, tokens, money.

mod bracket;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    dataset::{Item, Response},
    engine::Usage,
    judge::{Adaptive, JudgeSettings},
    ranking::{
        rank::{self, RankSettings, TeamRule},
        schedule::{self, Teams},
        strategy::{Matches, Strategy},
    },
    run::{self, Task},
    spending::Price,
};

/// Bytes of text for each token: a rough estimate for English and code under current tokenizers.
pub const BYTES_PER_TOKEN: f64 = 4.0;

/// The numbers of matches, calls and tokens that a run will take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Number of rows.
    pub rows: u64,
    /// Fewest matches that need votes. In a knockout it depends on the winners whether equal responses meet.
    pub matches_min: u64,
    /// Most matches that need votes.
    pub matches: u64,
    /// Calls for the fewest matches, if every match is settled as early as possible.
    pub calls_min: u64,
    /// Most calls.
    pub calls_max: u64,
    /// Most calls of any row that must wait for one another. Adaptive voting adds steps inside a match.
    pub rounds: u64,
    /// Estimated tokens of all requests, for `calls_max`.
    pub prompt_tokens: u64,
    /// Most tokens written, for `calls_max`.
    pub completion_tokens_max: u64,
}

/// The matches of a row that need votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedMatches {
    /// Fewest matches.
    pub fewest: u64,
    /// Most matches.
    pub most: u64,
    /// Most matches that must wait for one another.
    pub rounds: u64,
}

impl PlannedMatches {
    /// Returns exactly `n` matches, of which `rounds` wait for one another.
    pub fn exactly(n: u64, rounds: u64) -> Self {
        PlannedMatches { fewest: n, most: n, rounds }
    }
}

impl Plan {
    /// Adds the estimate of one row. `overhead` is the bytes of the format around prompt and responses.
    pub fn add(
        &mut self,
        item: &Item,
        PlannedMatches { fewest: matches_min, most: matches, rounds }: PlannedMatches,
        settings: &JudgeSettings,
        overhead: usize,
        per_call_max: u64,
    ) {
        let votes = u64::from(settings.votes);
        let fewest = if settings.adaptive == Adaptive::Off { votes } else { votes / 2 + 1 };
        let prompt: usize = item.prompt.messages.iter().map(|m| m.content.len()).sum();
        let responses: usize = item.responses.iter().map(|r| r.text.len()).sum();
        let bytes = (overhead + prompt) as f64 + 2.0 * responses as f64 / item.responses.len().max(1) as f64;
        self.rows += 1;
        self.matches_min += matches_min;
        self.matches += matches;
        self.calls_min += matches_min * fewest.min(votes);
        self.calls_max += matches * votes;
        self.rounds = self.rounds.max(rounds);
        self.prompt_tokens += (matches as f64 * votes as f64 * bytes / BYTES_PER_TOKEN).round() as u64;
        self.completion_tokens_max += matches * votes * per_call_max;
    }

    /// Returns the most that the run costs.
    pub fn cost_max(&self, price: Price) -> f64 {
        price.of(Usage { prompt_tokens: self.prompt_tokens, completion_tokens: self.completion_tokens_max })
    }
}

/// Returns the matches that [`run::one`] plays in a row: of the responses as they are judged, without the parts that are removed before.
pub fn of_row(item: &Item, task: &Task, seed: u64) -> PlannedMatches {
    let (item, _) = run::judged(item, &[]);
    match task {
        // Equal texts are not judged: a judge could only guess.
        Task::Judge if rank::twins(&item.responses, TeamRule::Text) == [0, 0] => PlannedMatches::exactly(0, 0),
        _ => matches(&item, task, seed),
    }
}

/// Returns the matches of ranking these responses, or of judging two of them.
pub fn matches(item: &Item, task: &Task, seed: u64) -> PlannedMatches {
    let Task::Rank(settings) = task else { return PlannedMatches::exactly(1, 1) };
    let n = item.responses.len();
    let of_strategy = settings.strategy.rules().matches;
    let teams = teams(&item.responses, settings.teams);
    let all_differ = teams.iter().enumerate().all(|(i, team)| i == *team);
    match (of_strategy, schedule::draw(n, seed, &item.id)) {
        (Matches::Bracket, Some(bracket)) if !all_differ => bracket::matches(&bracket, &teams),
        _ => {
            let matches = matches_of(&teams, settings, (seed, &item.id));
            PlannedMatches::exactly(matches, of_strategy.steps(n, matches))
        }
    }
}

/// Returns the teams of [`rank::teams`], in a faster way if only texts decide, because a server counts before it refuses a row.
fn teams(responses: &[Response], rule: TeamRule) -> Vec<usize> {
    let by_text = rule == TeamRule::Text || responses.iter().all(|response| response.team.is_none());
    if rule == TeamRule::Off || !by_text {
        return rank::teams(responses, rule);
    }
    let mut first: HashMap<&str, usize> = HashMap::new();
    responses.iter().enumerate().map(|(i, response)| *first.entry(&response.text).or_insert(i)).collect()
}

/// Returns the most matches of ranking responses with these `teams`, the team of each response. `row` is the seed and the id of the row.
pub fn matches_of(teams: &Teams, settings: &RankSettings, row: (u64, &str)) -> u64 {
    settings.strategy.rules().matches.count(teams, settings.opponents, row)
}

/// Default of the most votes of one row: a round robin of 500 responses with one vote each takes 124,750, one of 2,000 takes 1,999,000.
pub const MOST_ROW_VOTES: u64 = 200_000;

/// The error of a row that needs more votes than one row may take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{responses} responses take {matches} {} of {votes} {}, {} votes; one row may take {limit}",
    word(*.matches, "match", "matches"), word(u64::from(*.votes), "vote", "votes"), .matches.saturating_mul(u64::from(*.votes)))]
pub struct TooManyVotes {
    /// Number of responses in the row.
    pub responses: usize,
    /// Number of matches that they need.
    pub matches: u64,
    /// Most votes of each match.
    pub votes: u32,
    /// Most votes of one row.
    pub limit: u64,
    /// Strategy of the ranking; `None` if two responses are judged.
    pub strategy: Option<Strategy>,
}

impl TooManyVotes {
    /// Returns advice on how to need fewer votes.
    pub fn hint(&self) -> String {
        let (n, votes) = (self.responses as u64, u64::from(self.votes.max(1)));
        let fits = |matches: u64| matches.saturating_mul(votes) <= self.limit;
        let knockout = n.saturating_sub(1);
        // The most opponents of every response that fit.
        let most = (2 * self.limit / votes).checked_div(n).unwrap_or(0).min(knockout);
        match self.strategy.map(|strategy| strategy.rules().matches) {
            Some(Matches::Pairs { .. }) if most > 0 && fits(knockout) => {
                format!(
                    "--strategy knockout takes {knockout} matches; --opponents M takes about {n} x M / 2, and M up to about {most} fits"
                )
            }
            Some(Matches::Pairs { .. }) if fits(knockout) => {
                format!("--strategy knockout takes {knockout} matches")
            }
            Some(_) => "fewer responses or fewer --votes".to_owned(),
            None => "fewer --votes".to_owned(),
        }
    }
}

/// Refuses a row that could need more than `limit` votes, with `votes` for each match.
///
/// # Errors
/// [`TooManyVotes`], with the numbers.
pub fn check_votes(item: &Item, task: &Task, seed: u64, (votes, limit): (u32, u64)) -> Result<(), TooManyVotes> {
    let n = item.responses.len();
    // If even the most possible matches fit, they are not counted.
    if most_matches(n, task).saturating_mul(u64::from(votes)) <= limit {
        return Ok(());
    }
    within(n, matches(item, task, seed).most, task, (votes, limit))
}

/// Refuses `n` responses that are all different, if they could need more than `limit` votes.
///
/// # Errors
/// [`TooManyVotes`], with the numbers.
pub fn check_votes_of(n: usize, task: &Task, votes: u32, limit: u64) -> Result<(), TooManyVotes> {
    if most_matches(n, task).saturating_mul(u64::from(votes)) <= limit {
        return Ok(());
    }
    let matches = match task {
        Task::Judge => 1,
        Task::Rank(settings) => matches_of(&(0..n).collect::<Vec<_>>(), settings, (0, "")),
    };
    within(n, matches, task, (votes, limit))
}

/// Returns the most matches of any row of up to `n` responses.
pub fn most_matches(n: usize, task: &Task) -> u64 {
    match task {
        Task::Judge => 1,
        Task::Rank(settings) => settings.strategy.rules().matches.most(n, settings.opponents),
    }
}

fn word(n: u64, one: &'static str, more: &'static str) -> &'static str {
    if n == 1 { one } else { more }
}

fn within(responses: usize, matches: u64, task: &Task, (votes, limit): (u32, u64)) -> Result<(), TooManyVotes> {
    if matches.saturating_mul(u64::from(votes)) <= limit {
        return Ok(());
    }
    let strategy = if let Task::Rank(settings) = task { Some(settings.strategy) } else { None };
    Err(TooManyVotes { responses, matches, votes, limit, strategy })
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, proptest};

    use super::*;

    fn by(strategy: Strategy, opponents: Option<usize>) -> Task {
        Task::Rank(RankSettings { strategy, opponents, ..RankSettings::default() })
    }

    #[test]
    fn five_hundred_responses_fit_and_two_thousand_do_not() {
        let elo = by(Strategy::Elo, None);
        assert_eq!(check_votes_of(500, &elo, 1, MOST_ROW_VOTES), Ok(()));
        let refused = check_votes_of(2000, &elo, 1, MOST_ROW_VOTES).unwrap_err();
        assert_eq!(refused.to_string(), "2000 responses take 1999000 matches of 1 vote, 1999000 votes; one row may take 200000");
        assert_eq!(
            refused.hint(),
            "--strategy knockout takes 1999 matches; --opponents M takes about 2000 x M / 2, and M up to about 200 fits"
        );
        assert_eq!(check_votes_of(2000, &by(Strategy::Elo, Some(200)), 1, MOST_ROW_VOTES), Ok(()));
        assert!(check_votes_of(2000, &by(Strategy::Elo, Some(201)), 1, MOST_ROW_VOTES).is_err());
        assert_eq!(check_votes_of(2000, &by(Strategy::Knockout, None), 100, MOST_ROW_VOTES), Ok(()));
    }

    #[test]
    fn where_nothing_cheaper_fits_nothing_is_promised() {
        let hint = |n, task: Task, votes| check_votes_of(n, &task, votes, 100).unwrap_err().hint();
        assert_eq!(hint(2000, by(Strategy::Knockout, None), 1), "fewer responses or fewer --votes");
        assert_eq!(hint(2000, by(Strategy::WinRate, None), 1), "fewer responses or fewer --votes");
        assert_eq!(hint(2, Task::Judge, 101), "fewer --votes");
        assert_eq!(check_votes_of(2, &Task::Judge, 100, 100), Ok(()));
    }

    proptest! {
        #[test]
        fn teams_are_those_of_a_ranking(texts in proptest::collection::vec((0_u8..6, proptest::option::of(0_u8..4)), 0..20), answers: bool) {
            let response = |(text, answer): &(u8, Option<u8>)| Response {
                text: text.to_string().into(),
                label: None,
                team: answer.filter(|_| answers).map(|answer| answer.to_string()),
                extra: serde_json::Map::new(),
            };
            let responses: Vec<Response> = texts.iter().map(response).collect();
            for rule in [TeamRule::Text, TeamRule::Answer, TeamRule::Off] {
                proptest::prop_assert_eq!(teams(&responses, rule), rank::teams(&responses, rule));
            }
        }

        #[test]
        fn no_schedule_has_more_matches_than_the_bound(
            teams in proptest::collection::vec(0_usize..50, 0..40), m in proptest::option::of(1_usize..45), rated: bool, seed: u64,
        ) {
            let strategy = if rated { Strategy::BradleyTerry } else { Strategy::Knockout };
            let settings = RankSettings { strategy, opponents: m, ..RankSettings::default() };
            prop_assert!(matches_of(&teams, &settings, (seed, "x")) <= most_matches(teams.len(), &Task::Rank(settings)));
        }
    }
}
