//! Events -> counters and sums in Prometheus' text format.

mod drift;
mod histogram;

use std::{
    fmt::Write,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use std::time::Duration;

use rrm::{ranking::Ranking, result::RowResult};

pub use self::{drift::Drift, histogram::Histogram};
use crate::{error::ApiError, reward::GroupRewards};

/// A counter that never decreases.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters and histograms of a server.
pub struct ServerMetrics {
    /// Groups judged with all their members.
    pub groups_complete: Counter,
    /// Groups judged at their deadline without some members.
    pub groups_partial: Counter,
    /// Groups abandoned at their deadline.
    pub groups_incomplete: Counter,
    /// Groups abandoned because a member was refused.
    pub groups_refused: Counter,
    /// Groups for which judging failed.
    pub groups_failed: Counter,
    /// Judged groups whose members all had the same text, so that nothing can be learnt.
    pub groups_of_twins: Counter,
    /// Members of judged groups whose text repeats another member's.
    pub twins: Counter,
    /// Responses without a reward because no verdict determines their place.
    pub undecided_responses: Counter,
    /// Counted votes.
    pub votes: Counter,
    /// Counted votes without a verdict.
    pub abstentions: Counter,
    /// Undecided matches.
    pub undecided: Counter,
    /// Matches decided by a coin.
    pub coins: Counter,
    /// Connections closed or refused because the limit was reached.
    pub connections_closed: Counter,
    /// Requests by status class: 2xx, 4xx, 5xx.
    pub answers: [Counter; 3],
    /// Seconds from a group's first member to its last one, or to its deadline.
    pub gathering: Histogram,
    /// Seconds from the end of gathering to the group's answer.
    pub judging: Histogram,
    /// Tokens of a group's counted votes.
    pub tokens: Histogram,
    /// Length of judged responses in bytes.
    pub bytes: Histogram,
    drifts: DriftGauges,
    lengths: Mutex<Lengths>,
}

/// The values that are checked for drift, one for each judged group.
#[derive(Default)]
struct DriftGauges {
    /// Mean length of a response in bytes.
    bytes: Drift,
    /// Share of votes without a verdict.
    abstained: Drift,
    /// Slope of the reward (0 to 1) on the length inside the group, per 1000 bytes.
    slope: Drift,
    /// Share of members whose text repeats another one's.
    twins: Drift,
}

impl Default for ServerMetrics {
    fn default() -> Self {
        let counter = Counter::default;
        ServerMetrics {
            groups_complete: counter(),
            groups_partial: counter(),
            groups_incomplete: counter(),
            groups_refused: counter(),
            groups_failed: counter(),
            groups_of_twins: counter(),
            twins: counter(),
            undecided_responses: counter(),
            votes: counter(),
            abstentions: counter(),
            undecided: counter(),
            coins: counter(),
            connections_closed: counter(),
            answers: [counter(), counter(), counter()],
            gathering: Histogram::new(0.001, 4.0, 10),
            judging: Histogram::new(0.001, 4.0, 10),
            tokens: Histogram::new(100.0, 4.0, 10),
            bytes: Histogram::new(64.0, 4.0, 8),
            drifts: DriftGauges::default(),
            lengths: Mutex::default(),
        }
    }
}

/// Sums over judged members of unit reward y against length x, both relative to the group's mean.
#[derive(Clone, Copy, Default)]
struct Lengths {
    members: f64,
    bytes: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl ServerMetrics {
    /// Counts the votes of a ranking.
    pub fn ranking(&self, ranking: &Ranking) {
        let (votes, abstained) = (ranking.tally.votes, ranking.tally.abstained);
        self.votes.add(u64::from(votes));
        self.drifts.abstained.add(f64::from(abstained) / f64::from(votes));
        self.abstentions.add(u64::from(abstained));
        self.undecided.add(u64::from(ranking.tally.undecided));
        self.coins.add(u64::from(ranking.tally.coins));
    }

    /// Counts the votes of a row.
    pub fn row(&self, result: &RowResult) {
        self.votes.add(result.usage.votes);
        self.abstentions.add(result.usage.abstained);
        self.undecided.add(u64::from(result.undecided));
        self.coins.add(u64::from(result.coins));
        self.drifts.abstained.add(result.usage.abstained as f64 / result.usage.votes as f64);
    }

    /// Returns the numbers of counted votes, of those without a verdict, and of responses that had no reward because of that.
    pub fn undecided(&self) -> (u64, u64, u64) {
        (self.votes.get(), self.abstentions.get(), self.undecided_responses.get())
    }

    /// Records how long a group gathered and was judged.
    pub fn times(&self, gathered: Duration, judged: Duration) {
        self.gathering.add(gathered.as_secs_f64());
        self.judging.add(judged.as_secs_f64());
    }

    /// Counts a group that was judged, or for which judging failed.
    pub fn group(&self, judged: &Result<GroupRewards, ApiError>, texts: &[String], copies: &[usize], partial: bool) {
        let Ok(judged) = judged else { return self.groups_failed.add(1) };
        if partial { &self.groups_partial } else { &self.groups_complete }.add(1);
        self.groups_of_twins.add(u64::from(judged.distinct == 1));
        self.twins.add(copies.iter().map(|n| *n as u64 - 1).sum());
        let members = texts.iter().zip(copies).zip(&judged.rewards);
        let rewarded: Vec<(f64, f64, f64)> =
            members.filter_map(|((text, n), reward)| Some((*n as f64, text.len() as f64, reward.as_ref().ok()?.unit))).collect();
        let total: f64 = rewarded.iter().map(|(n, ..)| n).sum();
        let all: u64 = copies.iter().map(|n| *n as u64).sum();
        self.undecided_responses.add(all - total as u64);
        self.tokens.add((judged.usage.prompt_tokens + judged.usage.completion_tokens) as f64);
        texts.iter().zip(copies).for_each(|(text, n)| (0..*n).for_each(|_| self.bytes.add(text.len() as f64)));
        self.drifts.twins.add((all - texts.len() as u64) as f64 / all as f64);
        if total == 0.0 {
            return;
        }
        let mean = |of: fn(&(f64, f64, f64)) -> f64| rewarded.iter().map(|row| row.0 * of(row)).sum::<f64>() / total;
        let (x, y) = (mean(|row| row.1), mean(|row| row.2));
        self.drifts.bytes.add(x);
        let moment = |of: fn(f64, f64) -> f64| rewarded.iter().map(|(n, bytes, unit)| n * of(bytes - x, unit - y)).sum::<f64>();
        self.drifts.slope.add(1000.0 * moment(|x, y| x * y) / moment(|x, _| x * x));
        let mut sums = self.lengths.lock().unwrap_or_else(PoisonError::into_inner);
        for (n, bytes, unit) in rewarded {
            sums.members += n;
            sums.bytes += n * bytes;
            sums.xx += n * (bytes - x) * (bytes - x);
            sums.xy += n * (bytes - x) * (unit - y);
            sums.yy += n * (unit - y) * (unit - y);
        }
    }

    /// Returns all metrics as text. `open` are the numbers of groups and members that wait now, `spent` the calls and tokens of the judge.
    pub fn text(&self, open: (usize, usize), spent: rrm::spending::SpendingTotals) -> String {
        let mut text = String::new();
        let counters = [
            ("groups_complete_total", "Groups judged with all their members.", &self.groups_complete),
            ("groups_partial_total", "Groups judged at their deadline without some members.", &self.groups_partial),
            ("groups_incomplete_total", "Groups given up at their deadline.", &self.groups_incomplete),
            ("groups_refused_total", "Groups given up because a member was refused.", &self.groups_refused),
            ("groups_failed_total", "Groups whose judging failed.", &self.groups_failed),
            ("groups_of_twins_total", "Judged groups whose members all had one text.", &self.groups_of_twins),
            ("twins_total", "Members of judged groups that repeat another one's text.", &self.twins),
            (
                "responses_undecided_total",
                "Responses without reward: no verdict says which place they have.",
                &self.undecided_responses,
            ),
            ("votes_total", "Counted votes.", &self.votes),
            ("votes_abstained_total", "Counted votes without a verdict.", &self.abstentions),
            ("matches_undecided_total", "Matches whose votes named nobody.", &self.undecided),
            ("matches_by_coin_total", "Matches that a coin decided.", &self.coins),
            (
                "connections_closed_total",
                "Connections closed or refused because there were as many as may be.",
                &self.connections_closed,
            ),
        ];
        for (name, help, counter) in counters {
            sample(&mut text, name, "counter", help, counter.get() as f64);
        }
        let sums = *self.lengths.lock().unwrap_or_else(PoisonError::into_inner);
        sample(
            &mut text,
            "calls_total",
            "counter",
            "Calls of the judge that were answered or are under way.",
            spent.calls as f64,
        );
        sample(&mut text, "groups_open", "gauge", "Groups that gather or are judged.", open.0 as f64);
        sample(&mut text, "members_open", "gauge", "Members of these groups.", open.1 as f64);
        sample(&mut text, "rewarded_total", "counter", "Responses that got a reward.", sums.members);
        sample(&mut text, "rewarded_bytes_total", "counter", "Bytes of these responses.", sums.bytes);
        let correlation = sums.xy / (sums.xx * sums.yy).sqrt();
        let help = "Correlation of reward (0 to 1) and length inside groups; NaN while nothing varies.";
        sample(&mut text, "reward_length_correlation", "gauge", help, correlation);
        self.gathering.text(
            &mut text,
            "group_gathering_seconds",
            "From a group's first member to its last one, or its deadline.",
        );
        self.judging.text(&mut text, "group_judging_seconds", "From there to the group's answer.");
        self.tokens.text(&mut text, "group_tokens", "Tokens of a group's counted votes.");
        self.bytes.text(&mut text, "response_bytes", "Bytes of judged responses.");
        let help = "Recent groups against the first 100, in their standard deviations; NaN before.";
        writeln!(text, "# HELP rrm_drift {help}\n# TYPE rrm_drift gauge").ok();
        let DriftGauges { bytes, abstained, slope, twins } = &self.drifts;
        for (of, drift) in
            [("response_bytes", bytes), ("abstained_share", abstained), ("length_slope", slope), ("twin_share", twins)]
        {
            writeln!(text, "rrm_drift{{of=\"{of}\"}} {}", drift.value()).ok();
        }
        text.push_str("# HELP rrm_answers_total Answers by class of their status.\n# TYPE rrm_answers_total counter\n");
        for (class, counter) in ["2xx", "4xx", "5xx"].iter().zip(&self.answers) {
            writeln!(text, "rrm_answers_total{{status=\"{class}\"}} {}", counter.get()).ok();
        }
        text
    }
}

fn sample(text: &mut String, name: &str, kind: &str, help: &str, value: f64) {
    writeln!(text, "# HELP rrm_{name} {help}\n# TYPE rrm_{name} {kind}\nrrm_{name} {value}").ok();
}
