//! Counts of subsets -> official and strict scores of subsets, sections and the whole benchmark, with 95% intervals.
//!
//! A mean of parts has the interval of a share over its effective number of rows: with weights w that add up to 1, over parts of n rows each, 1 /
//! sum(w^2 / n) (Kish 1965). If all rows have the same weight, this is their number, and the interval is Wilson's own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Benchmark, CaseTotals, DataFile, ScoreCounts, Suite, Weight, tally::Subset};
use crate::{
    engine::EngineInfo,
    format::Format,
    judge::{Judge, JudgeKind, JudgeSettings},
    ranking::rating::{self, Score},
    result,
};

/// The scores of a judge on a benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkEvaluation {
    /// Layout version.
    pub rrm: u32,
    /// The benchmark.
    pub benchmark: Benchmark,
    /// Engine of the judge.
    pub engine: EngineInfo,
    /// Name of the judge format.
    pub format: String,
    /// Hash of that format's file.
    pub format_hash: String,
    /// Settings of the judge.
    pub settings: JudgeSettings,
    /// Files that were judged.
    pub data: Vec<DataFile>,
    /// Files of published judgments, if there was no request. Then format and settings say nothing about the judge.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recorded: Vec<DataFile>,
    /// Number of pairs of one text among them: see [`Suite::equal`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub equal: u64,
    /// Scores of subsets, then of sections, then of the whole.
    pub groups: Vec<GroupScore>,
    /// Further metrics of the benchmark over all pairs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// The scores of a subset, of a section or of the whole benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupScore {
    /// Level of the score.
    pub level: GroupLevel,
    /// Upstream's name of it.
    pub name: String,
    /// The benchmark's own score, from 0 to 1; absent if [`withhold`] removed it.
    pub official: Option<Score>,
    /// Share of pairs that are judged right in both orders, or of rows in which all pairs are; absent if one order was asked for.
    pub strict: Option<Score>,
    /// Effective number of independent rows, on which the intervals rest.
    pub rows: f64,
    /// Counts of its cases and votes.
    #[serde(flatten)]
    pub counts: ScoreCounts,
    /// Whether no vote gave a verdict in the official orders. Then the official score, if there is one, is the benchmark's score for missing
    /// verdicts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unheard: bool,
    /// Parts of the published score that the data does not have. If there are any, this is not the published score.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// The level that a score is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupLevel {
    /// A subset.
    Subset,
    /// Several subsets.
    Section,
    /// All subsets.
    Overall,
}

/// A share, and the effective number of independent rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The share, from 0 to 1.
    pub value: f64,
    /// Effective number of rows.
    pub rows: f64,
}

impl Share {
    /// Returns the score with Wilson's interval.
    pub fn score(self) -> Option<Score> {
        // RewardBench 2's Ties may exceed the range by a hundredth.
        rating::wilson(self.value.clamp(0.0, 1.0) * self.rows, self.rows).map(|score| Score { value: self.value, ..score })
    }
}

/// A section or the whole benchmark, combined from the shares of subsets.
#[derive(Clone, Debug, PartialEq)]
pub struct CombinedShare {
    /// Level of the share.
    pub level: GroupLevel,
    /// Upstream's name of it.
    pub name: String,
    /// The weighted mean.
    pub share: Share,
    /// The subsets in it.
    pub subsets: Vec<String>,
    /// Parts that the data does not have.
    pub missing: Vec<String>,
}

/// Returns the sections and the overall share by the benchmark's rule, from shares and numbers of pairs of its subsets. Missing parts are left out,
/// and named.
pub fn combine(benchmark: Benchmark, subsets: &[(String, Share, u64)]) -> Vec<CombinedShare> {
    struct Part {
        share: Share,
        pairs: u64,
        subsets: Vec<String>,
        missing: Vec<String>,
    }
    let names: Vec<&str> = subsets.iter().map(|(name, ..)| name.as_str()).collect();
    let whole = |(name, share, pairs): &(String, Share, u64)| {
        (name.clone(), Part { share: *share, pairs: *pairs, subsets: vec![name.clone()], missing: Vec::new() })
    };
    let mut known: Vec<(String, Part)> = subsets.iter().map(whole).collect();
    let mut combined = Vec::new();
    for section in (benchmark.protocol().sections)(&names) {
        let (mut parts, mut within, mut missing, mut pairs) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for (name, weight) in &section.parts {
            let Some((_, part)) = known.iter().find(|(known, _)| known == name) else {
                missing.push(name.clone());
                continue;
            };
            let weight = match weight {
                Weight::Pairs => part.pairs as f64,
                Weight::Fixed(weight) => *weight,
            };
            parts.push((part.share, weight));
            within.extend(part.subsets.iter().cloned());
            missing.extend(part.missing.iter().cloned());
            pairs += part.pairs;
        }
        let Some(share) = weighted(&parts, section.same_rows) else { continue };
        let part = Part { share, pairs, subsets: within.clone(), missing: missing.clone() };
        known.push((section.name.clone(), part));
        combined.push(CombinedShare { level: section.level, name: section.name, share, subsets: within, missing });
    }
    combined
}

/// Returns the weighted mean of shares; `None` without weight.
fn weighted(parts: &[(Share, f64)], same_rows: bool) -> Option<Share> {
    let total: f64 = parts.iter().map(|(_, weight)| weight).sum();
    if total <= 0.0 {
        return None;
    }
    let value = parts.iter().map(|(share, weight)| share.value * weight).sum::<f64>() / total;
    let mean_rows = parts.iter().map(|(share, weight)| share.rows * weight).sum::<f64>() / total;
    let spread: f64 = parts.iter().map(|(share, weight)| (weight / total).powi(2) / share.rows).sum();
    Some(Share { value, rows: if same_rows { mean_rows } else { 1.0 / spread } })
}

/// Returns scores from counts, with a description of the judge and the data. Missing verdicts count by the benchmark's rule, see [`withhold`].
pub fn scores(judge: &Judge, suite: &Suite, tally: &CaseTotals) -> BenchmarkEvaluation {
    let Format { file, hash, .. } = &*judge.format;
    BenchmarkEvaluation {
        engine: judge.engine.info().clone(),
        // A model that scores single responses has no judge format.
        format: match judge.kind() {
            JudgeKind::Compares => file.name.clone(),
            JudgeKind::Scores => "none (scores)".to_owned(),
        },
        format_hash: hash.clone(),
        settings: judge.settings.clone(),
        ..recorded_scores(suite, tally, "", Vec::new())
    }
}

/// Returns the scores of judgments that were published as `files`, by the judge with this `name`.
pub fn recorded_scores(suite: &Suite, tally: &CaseTotals, name: &str, files: Vec<DataFile>) -> BenchmarkEvaluation {
    let hashes: String = files.iter().map(|file| file.blake3.as_str()).collect();
    let metrics = (suite.benchmark.protocol().metrics)(&tally.confusion);
    BenchmarkEvaluation {
        rrm: result::VERSION,
        benchmark: suite.benchmark,
        engine: EngineInfo {
            name: format!("recorded:{name}"),
            fingerprint: blake3::hash(hashes.as_bytes()).to_hex().to_string(),
            seeds: true,
            logprobs: false,
            budget: false,
            paid: false,
        },
        format: "none (recorded)".to_owned(),
        format_hash: String::new(),
        settings: JudgeSettings::default(),
        data: suite.files.clone(),
        equal: suite.equal,
        recorded: files,
        groups: groups(suite.benchmark, tally),
        metrics: metrics.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}

/// Removes scores of a run that rest on no verdict at all: the official ones if no vote of the whole run gave a verdict in the official orders, the
/// strict ones if none did in any order.
pub fn withhold(evaluation: &mut BenchmarkEvaluation) {
    let BenchmarkEvaluation { groups, metrics, .. } = evaluation;
    if !groups.iter().all(|group| group.unheard) {
        return;
    }
    let silent = groups.iter().all(|group| group.counts.verdicts() == 0);
    metrics.clear();
    for group in groups {
        group.official = None;
        group.strict = group.strict.filter(|_| !silent);
    }
}

/// Returns the scores of subsets, of sections and of the whole. A single subset of which nothing else is missing is the whole.
fn groups(benchmark: Benchmark, tally: &CaseTotals) -> Vec<GroupScore> {
    let subsets = &tally.subsets;
    let asked_twice = subsets.iter().all(|subset| subset.counts.both_orders == subset.counts.cases);
    let shares = |of: fn(&Subset) -> f64| -> Vec<(String, Share, u64)> {
        let share = |subset: &Subset| {
            let units = subset.units;
            (subset.name.clone(), Share { value: of(subset), rows: subset.rows as f64 }, units)
        };
        subsets.iter().map(share).collect()
    };
    let official = shares(Subset::official);
    let strict = shares(|subset| subset.strict as f64 / subset.units as f64);
    let strict_score = |share: Share| if asked_twice { share.score() } else { None };
    let each = subsets.iter().zip(official.iter().zip(&strict)).map(|(subset, (official, strict))| GroupScore {
        level: GroupLevel::Subset,
        name: subset.name.clone(),
        official: official.1.score(),
        strict: strict_score(strict.1),
        rows: official.1.rows,
        counts: subset.counts,
        unheard: !subset.heard,
        missing: Vec::new(),
    });
    let sections = combine(benchmark, &official).into_iter().zip(combine(benchmark, &strict)).map(|(official, strict)| {
        let (mut counts, mut heard) = (ScoreCounts::default(), false);
        let within = |name: &str| official.subsets.iter().any(|subset| subset == name);
        for subset in subsets.iter().filter(|subset| within(&subset.name)) {
            counts += subset.counts;
            heard |= subset.heard;
        }
        GroupScore {
            level: official.level,
            name: official.name.clone(),
            official: official.share.score(),
            strict: strict_score(strict.share),
            rows: official.share.rows,
            counts,
            unheard: !heard,
            missing: official.missing.clone(),
        }
    });
    let sections: Vec<GroupScore> = sections.collect();
    let same = subsets.len() == 1 && sections.len() == 1 && sections[0].missing.is_empty();
    if same { sections } else { each.chain(sections).collect() }
}
