//! Benchmarks: published files -> labelled comparisons -> a judge's decisions -> official and strict scores.
//!
//! Each benchmark is one small file in `eval/benchmarks`: how its rows are read, in which orders a judge sees them, the official score of a decision,
//! and how subsets are combined. The rest is the same for all: [`load`] reads, [`run()`] asks, [`scores`] counts.

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

use std::{borrow::Cow, path::Path, sync::Arc};

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
    transcript,
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
    /// LLMBar: pairs of which one follows the instruction.
    LlmBar,
    /// EvalBiasBench: pairs made to mislead a judge in six ways.
    EvalBiasBench,
    /// PPE's correctness sets: pairs of a right and a wrong response of one model.
    Ppe,
    /// Auto-J's pairwise test set.
    AutoJ,
    /// Human votes about MT-Bench's first turns.
    #[serde(rename = "mt-bench-human")]
    MtBenchHuman,
    /// The user's own labelled pairs.
    Pairs,
}

impl Benchmark {
    /// All benchmarks, in the order in which they are listed.
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

    /// Returns the rules by which the benchmark is read, asked and scored.
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
    /// Name of the benchmark in commands.
    pub name: &'static str,
    /// Content of the benchmark, and the source of the rules.
    pub about: &'static str,
    /// Official score of a decision, in words.
    pub rule: &'static str,
    /// The part of the published files on which this version was run, if any.
    pub tried: &'static str,
    /// Orders in which a judge sees each pair for the official score.
    pub orders: Orders,
    /// Column that separates parts which upstream scores separately. Only one of the parts is read at a time.
    apart: Option<&'static str>,
    /// Unit of the scores.
    unit: ScoreUnit,
    /// Layouts of its files.
    layouts: &'static [BenchmarkLayout],
    /// Official score of the decisions about one pair, from 0 to 1: one decision for each official order, about the pair in its own order.
    official: fn(label: Choice, decisions: &[Decision]) -> f64,
    /// Sections of the present subsets.
    sections: fn(subsets: &[&str]) -> Vec<Section>,
    /// Further metrics over all pairs, from the first decision about each.
    metrics: fn(&Confusion) -> Vec<(&'static str, f64)>,
}

impl Protocol {
    /// Returns the official score of the decisions about one pair, from 0 to 1: one decision for each official order, about the pair in its own
    /// order. For judges that score, upstream counts a pair as right if the right response has the higher score, and as wrong for equal scores, by
    /// every benchmark's rule.
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
    /// One order, drawn by seed.
    Drawn,
    /// The order of the file.
    Given,
    /// Both orders, that of the file first.
    Both,
}

impl Orders {
    /// Returns whether a judge is asked in both orders, because that is the rule or because the strict score is wanted too.
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
    /// A row, with the score of its worst pair.
    Row,
}

/// The layout of one kind of benchmark file.
struct BenchmarkLayout {
    /// Columns that distinguish it from other files.
    needs: &'static [&'static str],
    /// Columns of the fields, see [`ColumnNames`](crate::dataset::ColumnNames).
    columns: &'static [&'static str],
    /// Number of responses in a row, if it is fixed.
    responses: Option<usize>,
    /// Returns the comparisons of a row, none if the row does not count, or its error.
    cases: fn(file: &Path, item: Item) -> Result<Vec<Case>, String>,
}

/// One labelled comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The row of the comparison. Its id is unique in the benchmark.
    pub item: Arc<Item>,
    /// Indices of the two responses, in the benchmark's own order.
    pub pair: (usize, usize),
    /// The better response in that order, or a tie.
    pub label: Choice,
    /// Subset that it counts under.
    pub subset: String,
}

impl Case {
    /// Returns the right one of the pair; `None` if the label is a tie.
    fn right(&self) -> Option<Side> {
        match self.label {
            Choice::A => Some(Side::First),
            Choice::B => Some(Side::Second),
            Choice::Tie => None,
        }
    }

    /// Returns whether a judge sees the same text twice, so that there is nothing to compare. Texts of published benchmarks are judged as they are,
    /// and the user's own without leading thinking and tokens at their ends.
    fn of_one_text(&self, benchmark: Benchmark) -> bool {
        let judged = |response: usize| {
            let text = &self.item.responses.get(response)?.text;
            Some(if benchmark == Benchmark::Pairs { transcript::bare(text).text } else { Cow::Borrowed(&**text) })
        };
        judged(self.pair.0) == judged(self.pair.1)
    }
}

/// A mean over subsets, or over earlier sections.
struct Section {
    level: GroupLevel,
    name: String,
    /// Names of its parts, with their weights.
    parts: Vec<(String, Weight)>,
    /// Whether its parts judge the same rows, so that together they rest on as many rows as each of them.
    same_rows: bool,
}

/// The weight of a part in a mean.
#[derive(Clone, Copy)]
enum Weight {
    /// The number of its pairs.
    Pairs,
    /// A fixed weight.
    Fixed(f64),
}
