//! Rows of cases, one by one -> the statistics of one run: position and length bias, calibration, votes. Only the rows to be shown are kept.

use std::{
    collections::{BinaryHeap, HashMap},
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{
    HoldRate, ReportError,
    own::{OwnAnswerCounts, OwnFamily},
};
use crate::{
    eval::{BenchmarkEvaluation, CaseRow, Orders, Share},
    judge::JudgeKind,
    ranking::rating::Score,
    result::MatchRow,
    vote::{Choice, Decision, VoteCounts},
};

/// Most transcripts of a run that are searched for reasoning patterns.
pub const PATTERN_SAMPLE: usize = 5_000;
/// Number of bins of the calibration, for shares from one half to one.
const BINS: usize = 5;

/// A case for the comparison of judges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Record {
    /// Hash of the row's id and its pair.
    pub key: u128,
    /// Hash of the row's id alone.
    pub row: u64,
    /// Official score of the case.
    pub official: f64,
    /// Decision in the benchmark's own order.
    pub decision: Decision,
    /// Decision in the other order, if it was asked for.
    pub second: Option<Decision>,
    /// The right response, or a tie.
    pub label: Choice,
    /// Index of its subset in [`Cases::subsets`].
    pub subset: u32,
}

/// Position bias and length bias of a judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Biases {
    /// Decisions for the response shown first, among decisions for either response.
    pub first_place: HoldRate,
    /// Decisions for the longer response, among decisions between responses of different lengths.
    pub longer: HoldRate,
    /// Right first decisions, among those about pairs whose right response is the longer one.
    pub right_if_longer: HoldRate,
    /// Right first decisions, among those about pairs whose right response is the shorter one.
    pub right_if_shorter: HoldRate,
}

/// Decisions with a similar share of votes, and how many of them are right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Mean share of the votes for the decided side, from one half to one.
    pub said: f64,
    /// Share of the decisions that are right.
    pub right: HoldRate,
}

/// Scores with fewer votes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AtVotes {
    /// Most votes of each decision.
    pub votes: u32,
    /// Mean official score of the pairs; every pair has the same weight.
    pub official: Score,
    /// Share of pairs that are right in both orders; `None` if cases were asked about in one order.
    pub strict: Option<Score>,
    /// Tokens written for each pair.
    pub tokens: f64,
}

/// The statistics over all cases of one run.
pub(super) struct Cases {
    pub records: Vec<Record>,
    pub biases: Biases,
    pub by_votes: Vec<AtVotes>,
    /// Calibration by share of votes.
    pub calibration: Vec<Bin>,
    /// Calibration by the judge's own verdict probabilities; empty if it gives none.
    pub probabilities: Vec<Bin>,
    /// Addresses of the transcripts that are searched for patterns: the smallest ones, which are a random draw because addresses are hashes.
    pub sample: Vec<String>,
    /// Cases to be shown.
    pub shown: Vec<CaseRow>,
    pub votes: u64,
    /// Names of subsets.
    pub subsets: Vec<String>,
    /// Self-preference of the judge.
    pub own: Option<OwnFamily>,
    /// Whether decisions come from votes or from scores of single responses.
    pub judge: JudgeKind,
}

/// Sums from which [`AtVotes`] is computed.
#[derive(Clone, Copy, Default)]
struct VoteSums {
    official: f64,
    strict: u64,
    tokens: u64,
}

/// A reader of the cases of one evaluation.
struct CaseReader<'a> {
    evaluation: &'a BenchmarkEvaluation,
    cases: Cases,
    ks: Vec<u32>,
    sums: Vec<VoteSums>,
    said: [f64; BINS],
    said_probabilities: [f64; BINS],
    rows: u64,
    both: bool,
    sample: BinaryHeap<String>,
    /// Cases to be shown that are right.
    plain: Vec<CaseRow>,
    limit: usize,
    own: OwnAnswerCounts,
    /// Indices of subsets by their names.
    subsets: HashMap<String, u32>,
}

/// Reads the cases of a run, and keeps at most `limit` of them to be shown.
///
/// # Errors
/// [`ReportError`] for a file that cannot be read or a line that is no case.
pub(super) fn read(path: &Path, evaluation: &BenchmarkEvaluation, limit: usize) -> Result<Cases, ReportError> {
    let file = File::open(path).map_err(|detail| ReportError::Io { path: path.to_owned(), detail })?;
    let mut reading = CaseReader::new(evaluation, limit);
    let mut lines = BufReader::with_capacity(1 << 18, file);
    let (mut text, mut line) = (String::new(), 0);
    loop {
        text.clear();
        let read = lines.read_line(&mut text).map_err(|detail| ReportError::Io { path: path.to_owned(), detail })?;
        if read == 0 {
            return Ok(reading.done());
        }
        line += 1;
        let row = serde_json::from_str(&text).map_err(|detail| ReportError::Line { path: path.to_owned(), line, detail })?;
        reading.add(row);
    }
}

impl<'a> CaseReader<'a> {
    fn new(evaluation: &'a BenchmarkEvaluation, limit: usize) -> Self {
        let votes = evaluation.settings.votes.max(1);
        // Odd numbers, 1, 3, 5, 9 ...: with an even number, half of the votes are no majority, so its score says little about more votes.
        let mut ks: Vec<u32> =
            [1].into_iter().chain((1..31).map(|power| (1_u32 << power) + 1)).take_while(|k| *k < votes).collect();
        ks.push(votes);
        let cases = Cases {
            records: Vec::new(),
            biases: Biases::default(),
            by_votes: Vec::new(),
            calibration: vec![Bin::default(); BINS],
            probabilities: vec![Bin::default(); BINS],
            sample: Vec::new(),
            shown: Vec::new(),
            votes: 0,
            subsets: Vec::new(),
            own: None,
            judge: JudgeKind::Compares,
        };
        let (sums, sample) = (vec![VoteSums::default(); ks.len()], BinaryHeap::new());
        let (said, said_probabilities) = ([0.0; BINS], [0.0; BINS]);
        let own = OwnAnswerCounts::new(&evaluation.engine.name);
        CaseReader {
            evaluation,
            cases,
            ks,
            sums,
            said,
            said_probabilities,
            rows: 0,
            both: true,
            sample,
            plain: Vec::new(),
            limit,
            own,
            subsets: HashMap::new(),
        }
    }

    fn add(&mut self, row: CaseRow) {
        let subset = match self.subsets.get(&row.subset) {
            Some(subset) => *subset,
            None => {
                // Names of more subsets would not fit into memory.
                let subset = u32::try_from(self.cases.subsets.len()).unwrap_or(u32::MAX);
                self.cases.subsets.push(row.subset.clone());
                self.subsets.insert(row.subset.clone(), subset);
                subset
            }
        };
        let record = record(&row, subset);
        self.rows += u64::from(self.cases.records.last().is_none_or(|last| last.row != record.row));
        self.cases.records.push(record);
        self.both &= row.strict.is_some();
        self.biases(&row, record.row);
        self.calibration(&row, record.row);
        self.own.add(&row, record.row);
        for (place, &k) in self.ks.iter().enumerate() {
            let decisions = decisions_at(&row, k);
            let counted = if self.evaluation.benchmark.protocol().orders == Orders::Both { 2 } else { 1 };
            let official = &decisions[..counted.min(decisions.len())];
            let votes = row.matches.iter().flat_map(|played| played.votes.iter().take(k as usize));
            let sums = &mut self.sums[place];
            sums.official += self.evaluation.benchmark.protocol().count(row.label, official, row.kind());
            sums.strict += u64::from(decisions.len() == 2 && decisions.iter().all(|decision| *decision == row.label.into()));
            sums.tokens += votes.map(|vote| vote.completion_tokens).sum::<u64>();
        }
        if row.kind() == JudgeKind::Scores {
            self.cases.judge = JudgeKind::Scores;
        }
        for vote in row.matches.iter().flat_map(|played| &played.votes) {
            self.cases.votes += 1;
            let Some(address) = &vote.completion else { continue };
            if self.sample.len() < PATTERN_SAMPLE {
                self.sample.push(address.clone());
            } else if self.sample.peek().is_some_and(|last| last > address) {
                self.sample.pop();
                self.sample.push(address.clone());
            }
        }
        let list = if flags(&row).is_empty() { &mut self.plain } else { &mut self.cases.shown };
        if list.len() < self.limit {
            list.push(row);
        }
    }

    fn biases(&mut self, row: &CaseRow, key: u64) {
        let biases = &mut self.cases.biases;
        let side = |decision| matches!(decision, Decision::A | Decision::B);
        let decided = row.matches.iter().filter_map(|played| Some((played.decision.filter(|it| side(*it))?, played.order)));
        for (decision, order) in decided {
            biases.first_place.add(decision == order.first().into(), key);
        }
        if row.bytes.0 == row.bytes.1 {
            return;
        }
        let longer = if row.bytes.0 > row.bytes.1 { Choice::A } else { Choice::B };
        for decision in row.decisions.iter().filter(|decision| side(**decision)) {
            biases.longer.add(*decision == longer.into(), key);
        }
        let right = row.decisions.first().is_some_and(|decision| *decision == row.label.into());
        match row.label {
            Choice::Tie => {}
            label if label == longer => biases.right_if_longer.add(right, key),
            _ => biases.right_if_shorter.add(right, key),
        }
    }

    fn calibration(&mut self, row: &CaseRow, key: u64) {
        let (Some(played), true) = (row.matches.first(), row.label != Choice::Tie) else { return };
        let right_a = row.label == Choice::A;
        add_share(&mut self.cases.calibration, &mut self.said, (played.share_a(), right_a), key);
        add_share(&mut self.cases.probabilities, &mut self.said_probabilities, (played.probability_a(), right_a), key);
    }

    fn done(mut self) -> Cases {
        let (cases, rows) = (self.cases.records.len() as f64, self.rows as f64);
        let score = |sum: f64| Share { value: sum / cases, rows }.score();
        for (k, sums) in self.ks.iter().zip(&self.sums) {
            let Some(official) = score(sums.official) else { continue };
            let strict = if self.both { score(sums.strict as f64) } else { None };
            self.cases.by_votes.push(AtVotes { votes: *k, official, strict, tokens: sums.tokens as f64 / cases });
        }
        let biases = self.cases.biases;
        self.cases.biases = Biases {
            first_place: biases.first_place.done(),
            longer: biases.longer.done(),
            right_if_longer: biases.right_if_longer.done(),
            right_if_shorter: biases.right_if_shorter.done(),
        };
        self.cases.calibration = bins(&self.cases.calibration, &self.said);
        self.cases.probabilities = bins(&self.cases.probabilities, &self.said_probabilities);
        self.cases.own = self.own.done();
        self.cases.sample = self.sample.into_sorted_vec();
        let room = self.limit - self.cases.shown.len();
        self.cases.shown.extend(self.plain.into_iter().take(room));
        self.cases
    }
}

/// Returns the reasons to look at a case: `wrong`, `flipped`, `abstained`.
pub(super) fn flags(row: &CaseRow) -> Vec<&'static str> {
    let wrong = row.strict == Some(false) || row.official < 1.0;
    let flipped =
        matches!(row.decisions[..], [one, other] if one != other && one != Decision::Undecided && other != Decision::Undecided);
    let abstained = row.matches.iter().flat_map(|played| &played.votes).any(|vote| vote.abstain.is_some());
    let named = [(wrong, "wrong"), (flipped, "flipped"), (abstained, "abstained")];
    named.into_iter().filter_map(|(holds, name)| holds.then_some(name)).collect()
}

fn record(row: &CaseRow, subset: u32) -> Record {
    let mut hasher = blake3::Hasher::new();
    hasher.update(row.id.as_bytes());
    let mut id = [0; 8];
    hasher.finalize_xof().fill(&mut id);
    hasher.update(&[0]).update(&(row.pair.0 as u64).to_le_bytes()).update(&(row.pair.1 as u64).to_le_bytes());
    let mut key = [0; 16];
    hasher.finalize_xof().fill(&mut key);
    let decision = row.decisions.first().copied().unwrap_or(Decision::Undecided);
    let (key, id, second) = (u128::from_le_bytes(key), u64::from_le_bytes(id), row.decisions.get(1).copied());
    Record { key, row: id, official: row.official, decision, second, label: row.label, subset }
}

/// Returns the decisions of the first `k` votes in each order. A case with an error keeps its decisions, because its matches cannot be assigned to
/// orders.
fn decisions_at(row: &CaseRow, k: u32) -> Vec<Decision> {
    if row.matches.len() != row.decisions.len() {
        return row.decisions.clone();
    }
    let decide = |played: &MatchRow| {
        let mut counts = VoteCounts::default();
        for vote in played.votes.iter().take(k as usize) {
            vote.vote().into_iter().for_each(|vote| counts.add(vote));
        }
        counts.decision()
    };
    row.matches.iter().map(decide).collect()
}

/// Counts a decision in the bin of its side's share; a share of one half is no decision.
fn add_share(bins: &mut [Bin], said: &mut [f64; BINS], (share_a, right_a): (Option<f64>, bool), row: u64) {
    let Some(share) = share_a.filter(|share| *share != 0.5) else { return };
    let sure = share.max(1.0 - share);
    let bin = (((sure - 0.5) * 2.0 * BINS as f64) as usize).min(BINS - 1);
    bins[bin].right.add((share > 0.5) == right_a, row);
    said[bin] += sure;
}

fn bins(bins: &[Bin], said: &[f64; BINS]) -> Vec<Bin> {
    let filled = bins.iter().zip(said).filter(|(bin, _)| bin.right.of > 0);
    filled.map(|(bin, said)| Bin { said: said / bin.right.of as f64, right: bin.right.done() }).collect()
}
