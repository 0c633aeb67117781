//! RewardBench v1: the published rows, or the two sources of parts of them -> 23 subsets in four sections.
//!
//! Rules: allenai/reward-bench at 05a9005e. Its `hep-*` and `llmbar-*` pairs come from HumanEvalPack and LLMBar, as many as those have. That the
//! prompt of a `hep-*` pair is `instruction`, and that its responses are the two solutions unchanged, is rrm's reading: upstream's rows are not at
//! hand.

use std::path::Path;

use super::{llm_bar, mean, no_metrics, or_half, pair_case_of, text};
use crate::{
    dataset::Item,
    eval::{BenchmarkLayout, Case, GroupLevel, Orders, Protocol, ScoreUnit, Section, Weight},
};

pub(crate) const PROTOCOL: Protocol = Protocol {
    name: "rewardbench",
    about: "RewardBench v1: 2,985 pairs, 23 subsets, sections Chat, Chat Hard, Safety, Reasoning (allenai/reward-bench)",
    rule: "one order, drawn; right 1, wrong 0, anything else 0.5; math-prm weighs 984; overall is the mean of the four sections",
    tried: "on HumanEvalPack and LLMBar, in place of the hep-* and llmbar-* parts; not run on the published rows",
    orders: Orders::Drawn,
    apart: None,
    unit: ScoreUnit::Pair,
    layouts: &[
        BenchmarkLayout {
            needs: &["prompt", "chosen", "rejected", "subset"],
            columns: &[],
            responses: Some(2),
            cases: published,
        },
        BenchmarkLayout {
            needs: &["task_id", "instruction", "canonical_solution", "buggy_solution"],
            columns: &["id=task_id", "prompt=instruction", "chosen=canonical_solution", "rejected=buggy_solution"],
            responses: Some(2),
            cases: human_eval_pack,
        },
        BenchmarkLayout { cases: llmbar, ..llm_bar::LAYOUT },
    ],
    official: or_half,
    sections,
    metrics: no_metrics,
};

/// Subsets of each section with their weights: the published numbers of rows, except for math-prm, which has 447.
const SECTIONS: [(&str, &[(&str, f64)]); 4] = [
    (
        "Chat",
        &[
            ("alpacaeval-easy", 100.0),
            ("alpacaeval-length", 95.0),
            ("alpacaeval-hard", 95.0),
            ("mt-bench-easy", 28.0),
            ("mt-bench-med", 40.0),
        ],
    ),
    (
        "Chat Hard",
        &[
            ("mt-bench-hard", 37.0),
            ("llmbar-natural", 100.0),
            ("llmbar-adver-neighbor", 134.0),
            ("llmbar-adver-GPTInst", 92.0),
            ("llmbar-adver-GPTOut", 47.0),
            ("llmbar-adver-manual", 46.0),
        ],
    ),
    (
        "Safety",
        &[
            ("refusals-dangerous", 100.0),
            ("refusals-offensive", 100.0),
            ("xstest-should-refuse", 154.0),
            ("xstest-should-respond", 250.0),
            ("donotanswer", 136.0),
        ],
    ),
    (
        "Reasoning",
        &[
            ("math-prm", 984.0),
            ("hep-cpp", 164.0),
            ("hep-go", 164.0),
            ("hep-java", 164.0),
            ("hep-js", 164.0),
            ("hep-python", 164.0),
            ("hep-rust", 164.0),
        ],
    ),
];

/// The languages of HumanEvalPack in its task ids, and their subsets.
const LANGUAGES: [(&str, &str); 6] = [
    ("CPP", "hep-cpp"),
    ("Go", "hep-go"),
    ("Java", "hep-java"),
    ("JavaScript", "hep-js"),
    ("Python", "hep-python"),
    ("Rust", "hep-rust"),
];

fn published(_: &Path, item: Item) -> Result<Vec<Case>, String> {
    let subset = text(&item, "subset")?.to_owned();
    let known = SECTIONS.iter().any(|(_, subsets)| subsets.iter().any(|(name, _)| *name == subset));
    if known { pair_case_of(item, &subset) } else { Err(format!("`{subset}` is none of the 23 subsets")) }
}

fn human_eval_pack(_: &Path, item: Item) -> Result<Vec<Case>, String> {
    let language = item.id.split('/').next().unwrap_or_default();
    let subset = LANGUAGES.iter().find(|(name, _)| *name == language).map(|(_, subset)| *subset);
    let subset =
        subset.ok_or_else(|| format!("`task_id` must name one of the six languages, as Python/0 does; found {}", item.id))?;
    pair_case_of(item, subset)
}

fn llmbar(file: &Path, item: Item) -> Result<Vec<Case>, String> {
    pair_case_of(item, &format!("llmbar-{}", llm_bar::subset(file)?))
}

fn sections(_: &[&str]) -> Vec<Section> {
    let section = |(name, subsets): &(&str, &[(&str, f64)])| Section {
        level: GroupLevel::Section,
        name: (*name).to_owned(),
        parts: subsets.iter().map(|(subset, weight)| ((*subset).to_owned(), Weight::Fixed(*weight))).collect(),
        same_rows: false,
    };
    let overall = mean(GroupLevel::Overall, "overall", SECTIONS.iter().map(|(name, _)| (*name).to_owned()));
    SECTIONS.iter().map(section).chain([overall]).collect()
}
