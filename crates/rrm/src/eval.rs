//! Benchmarks: files as they are published -> labelled comparisons -> a judge's decisions -> scores, official and strict side by side.
//!
//! Each benchmark is one small file in `eval/benchmarks`: how its rows are read, in which orders a judge sees them, what a decision counts
//! upstream, and how subsets add up. The rest is the same for all: [`load`] reads, [`run()`] asks, [`scores`] counts.

mod benchmarks;
mod best_of;
mod files;
mod load;
mod published;
mod rated;
mod recorded;
mod run;
mod scores;
mod tally;

use std::{path::Path, sync::Arc};

use serde::{Deserialize, Serialize};

pub use self::{
    best_of::{Auc, BestOf, BestOfInput, PickAccuracy, Questions, SIZES, SizeAccuracy, best_of, load_best_of, matches_of},
    load::{DataFile, EvalError, Suite, data_files, load, recognised},
    published::reward_bench_results,
    recorded::{RecordedError, RecordedResults, recorded},
    run::{CaseCounts, CaseRow, EvalRunError, run},
    scores::{BenchmarkEvaluation, CombinedShare, GroupLevel, GroupScore, Share, combine, recorded_scores, scores, withhold},
    tally::{CaseTotals, Confusion, ScoreCounts},
};
use crate::{
    comparison::Side,
    dataset::Item,
    judge::JudgeKind,
    vote::{Choice, Decision},
};

/// A judge benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Benchmark {
    /// RewardBench, first version: 23 subsets in four sections.
    RewardBench,
    /// RewardBench 2: one of four responses is right, or several of more.
    RewardBench2,
    /// RM-Bench: three chosen and three rejected responses of different styles to each prompt.
    #[serde(rename = "rm-bench")]
    RmBench,
    /// JudgeBench: pairs of which one is objectively correct.
    JudgeBench,
    /// PandaLM's human-labelled test set, with ties.
    PandaLm,
    /// LLMBar: does a response do what the instruction asks for?
    LlmBar,
    /// EvalBiasBench: pairs made to mislead a judge in six ways.
    EvalBiasBench,
    /// PPE's correctness sets: pairs of a right and a wrong response of one model.
    Ppe,
    /// Auto-J's pairwise test set.
    AutoJ,
    /// Votes of people about MT-Bench's first turns.
    #[serde(rename = "mt-bench-human")]
    MtBenchHuman,
    /// One's own labelled pairs.
    Pairs,
}

impl Benchmark {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Benchmark; 11] = [
        Benchmark::RewardBench,
        Benchmark::RewardBench2,
        Benchmark::RmBench,
        Benchmark::JudgeBench,
        Benchmark::PandaLm,
        Benchmark::LlmBar,
        Benchmark::EvalBiasBench,
        Benchmark::Ppe,
        Benchmark::AutoJ,
        Benchmark::MtBenchHuman,
        Benchmark::Pairs,
    ];

    /// How it is read, asked and counted.
    pub fn protocol(self) -> &'static Protocol {
        match self {
            Benchmark::RewardBench => &benchmarks::reward_bench::PROTOCOL,
            Benchmark::RewardBench2 => &benchmarks::reward_bench_2::PROTOCOL,
            Benchmark::RmBench => &benchmarks::rm_bench::PROTOCOL,
            Benchmark::JudgeBench => &benchmarks::judge_bench::PROTOCOL,
            Benchmark::PandaLm => &benchmarks::panda_lm::PROTOCOL,
            Benchmark::LlmBar => &benchmarks::llm_bar::PROTOCOL,
            Benchmark::EvalBiasBench => &benchmarks::eval_bias_bench::PROTOCOL,
            Benchmark::Ppe => &benchmarks::ppe::PROTOCOL,
            Benchmark::AutoJ => &benchmarks::auto_j::PROTOCOL,
            Benchmark::MtBenchHuman => &benchmarks::mt_bench_human::PROTOCOL,
            Benchmark::Pairs => &benchmarks::pairs::PROTOCOL,
        }
    }
}

/// The rules of one benchmark.
pub struct Protocol {
    /// As commands spell it.
    pub name: &'static str,
    /// What it holds, and whose rules these are.
    pub about: &'static str,
    /// What a decision counts in the official scoring.
    pub rule: &'static str,
    /// On what of the published files this version was run, if on any.
    pub tried: &'static str,
    /// In which orders a judge sees each pair officially.
    pub orders: Orders,
    /// A column that tells parts which upstream scores apart: only one of them is read at a time.
    apart: Option<&'static str>,
    /// What scores are shares of.
    unit: ScoreUnit,
    /// The kinds of files that it is published in.
    layouts: &'static [BenchmarkLayout],
    /// What the decisions about one pair count, between 0 and 1: one for each official order, about the pair in its own order.
    official: fn(label: Choice, decisions: &[Decision]) -> f64,
    /// How subsets add up; given those that there are.
    sections: fn(subsets: &[&str]) -> Vec<Section>,
    /// Further numbers over all pairs, from the first decision about each.
    metrics: fn(&Confusion) -> Vec<(&'static str, f64)>,
}

impl Protocol {
    /// What decisions about one pair count upstream, from 0 to 1: one decision for each official order, about the pair in its own order.
    /// Classifiers, which score, are right upstream where the right response scores higher, and wrong where both score the same, by every
    /// benchmark's rule.
    pub fn count(&self, label: Choice, decisions: &[Decision], judge: JudgeKind) -> f64 {
        match judge {
            JudgeKind::Compares => (self.official)(label, decisions),
            JudgeKind::Scores => benchmarks::mean_of_orders(label, decisions),
        }
    }
}

/// The orders in which a judge sees a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orders {
    /// In one, which is drawn by seed.
    Drawn,
    /// In the file's.
    Given,
    /// In both, the file's first.
    Both,
}

impl Orders {
    /// Whether a judge is asked in both orders: where that is the rule, or where the strict score is wanted too.
    pub fn both(self, strict: bool) -> bool {
        strict || self == Orders::Both
    }
}

/// The unit that a score counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ScoreUnit {
    /// Every pair.
    #[default]
    Pair,
    /// A row, which counts what the worst judged of its pairs counts.
    Row,
}

/// The layout of one kind of benchmark file.
struct BenchmarkLayout {
    /// Columns that tell it from other files.
    needs: &'static [&'static str],
    /// Where rows hold what, see [`ColumnNames`](crate::dataset::ColumnNames).
    columns: &'static [&'static str],
    /// Responses of a row, where their number is fixed.
    responses: Option<usize>,
    /// The comparisons of a row, none if it does not count, or what is wrong with it.
    cases: fn(file: &Path, item: Item) -> Result<Vec<Case>, String>,
}

/// One labelled comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The row that it is of; its id is the only one of the benchmark.
    pub item: Arc<Item>,
    /// The two responses, in the benchmark's own order.
    pub pair: (usize, usize),
    /// What is right about them, in that order.
    pub label: Choice,
    /// What it is counted under.
    pub subset: String,
}

impl Case {
    /// Which of the pair is right; none where the label is a tie.
    fn right(&self) -> Option<Side> {
        match self.label {
            Choice::A => Some(Side::First),
            Choice::B => Some(Side::Second),
            Choice::Tie => None,
        }
    }

    /// Whether the two responses have one text, so that there is nothing to compare.
    fn of_one_text(&self) -> bool {
        let text = |response: usize| self.item.responses.get(response).map(|response| &response.text);
        text(self.pair.0) == text(self.pair.1)
    }
}

/// A mean over subsets or over sections that came before it.
struct Section {
    level: GroupLevel,
    name: String,
    /// What it is a mean of.
    parts: Vec<(String, Weight)>,
    /// Whether its parts judge the same rows, so that together they rest on no more rows than each of them.
    same_rows: bool,
}

/// The weight of a part in a mean.
#[derive(Clone, Copy)]
enum Weight {
    /// As much as it has pairs.
    Pairs,
    /// As much as this.
    Fixed(f64),
}
