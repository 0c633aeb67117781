//! Scores of a benchmark -> a table for people, and the list of benchmarks.

use rrm::{
    eval::{Auc, Benchmark, BenchmarkEvaluation, BestOf, GroupLevel, GroupScore, Orders, Questions, ScoreCounts, SizeAccuracy},
    ranking::rating::Score,
};

use crate::numbers::grouped;

/// Describes all benchmarks.
pub fn list() -> String {
    let mut out = String::new();
    for protocol in Benchmark::ALL.map(Benchmark::protocol) {
        let orders = match protocol.orders {
            Orders::Drawn | Orders::Given => "the strict score asks in the other order too",
            Orders::Both => "the strict score wants both right",
        };
        out += &format!("{}\n  holds     {}\n  official  {}; {orders}\n", protocol.name, protocol.about, protocol.rule);
        if !protocol.tried.is_empty() {
            out += &format!("  tried     {}\n", protocol.tried);
        }
    }
    for questions in Questions::ALL {
        let (holds, tried) = match questions {
            Questions::MmluPro => (
                "MMLU-Pro's questions with responses of 16 models, each known to be right or wrong (TIGER-AI-Lab/MMLU-Pro)",
                "on 400 questions of `mmlu-pro/dev`",
            ),
            Questions::PpeBestOfK => (
                "PPE, correctness: 32 responses of one model to each prompt, each known to be right or wrong (lmarena-ai/PPE-*-Best-of-K)",
                "not run on upstream files; written to the published format",
            ),
            Questions::BestOf => ("your own prompts with responses that say whether they are right; `--column` renames", ""),
        };
        let (name, auc) = (questions.name(), "; ROC AUC where the judge scores single responses");
        out += &format!("{name}\n  holds     {holds}\n");
        out += &format!(
            "  official  none; ours: accuracy of the pick of 1, 2, 4, 8 ... by knockout, Elo and Bradley-Terry, beside first, random, majority, oracle{auc}\n"
        );
        if !tried.is_empty() {
            out += &format!("  tried     {tried}\n");
        }
    }
    out
}

/// Returns the table of best of N.
pub fn best_of(of: &BestOf) -> String {
    let mut out = format!("best of N picked by {}, percent right\n", of.engine.name);
    let strategies = ["knockout", "votes", "elo", "votes", "b-t", "votes"].map(|name| format!("{name:>9}")).concat();
    out += &format!("{:>3}{:>6}{:>8}{:>8}{:>9}{:>8}{strategies}\n", "N", "rows", "first", "random", "majority", "oracle");
    for size in &of.sizes {
        let free = [(Some(size.first), 8), (Some(size.random), 8), (size.majority, 9), (Some(size.oracle), 8)];
        let free = free.map(|(score, width)| format!("{:>width$}", value(score))).concat();
        let judged = size.judged.iter().map(|j| format!("{:>9}{:>9.1}", percent(j.accuracy.value, 2), j.votes));
        out += &format!("{:>3}{:>6}{free}{}\n", size.n, size.rows, judged.collect::<String>());
    }
    for (size, judged) in of.sizes.iter().flat_map(|size| size.judged.iter().map(move |judged| (size, judged))) {
        if judged.without_pick > 0 {
            let name = judged.strategy.rules().name;
            let SizeAccuracy { n, rows, .. } = size;
            out +=
                &format!("{} of {rows} questions have no pick by {name} at N = {n}, and count as wrong\n", judged.without_pick);
        }
    }
    if let Some(auc) = of.auc {
        let Auc { value, right, wrong } = auc;
        out += &format!("ROC AUC of {right} right and {wrong} wrong responses that were compared: {}\n", percent(value, 2));
    }
    out
}

/// Returns the table of scores: subsets, sections, the whole.
pub fn table(evaluation: &BenchmarkEvaluation) -> String {
    let header = ["", "pairs", "official", "95%", "strict", "95%", "consistent", "abstained", "truncated", "tokens"];
    let mut lines = vec![header.map(str::to_owned)];
    lines.extend(evaluation.groups.iter().map(cells));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let name = evaluation.benchmark.protocol().name;
    let mut out = format!("{name} judged by {}, in percent\n", evaluation.engine.name);
    // An empty line separates subsets, sections and the whole.
    let levels: Vec<GroupLevel> = evaluation.groups.iter().map(|group| group.level).collect();
    for (row, line) in lines.iter().enumerate() {
        if row > 1 && levels[row - 1] != levels[row - 2] {
            out.push('\n');
        }
        let padded = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, &width))| if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") });
        out += padded.collect::<Vec<_>>().join("  ").trim_end();
        out.push('\n');
    }
    for (name, value) in &evaluation.metrics {
        out += &format!("{name}: {:.2}\n", value * 100.0);
    }
    out += &notes(&evaluation.groups);
    out
}

fn cells(group: &GroupScore) -> [String; 10] {
    let ScoreCounts { cases, consistent, flipped, votes, abstained, truncated, completion_tokens, .. } = group.counts;
    let share = |part: u64, whole: u64| if whole == 0 { "-".to_owned() } else { percent(part as f64 / whole as f64, 1) };
    let (official, strict) = (group.official, group.strict);
    [
        group.name.clone(),
        grouped(cases),
        value(official),
        interval(official),
        value(strict),
        interval(strict),
        share(consistent, consistent + flipped),
        share(abstained, votes),
        share(truncated, votes),
        grouped(completion_tokens),
    ]
}

fn percent(share: f64, places: usize) -> String {
    format!("{:.places$}", share * 100.0)
}

fn value(score: Option<Score>) -> String {
    score.map_or_else(|| "-".to_owned(), |score| percent(score.value, 2))
}

fn interval(score: Option<Score>) -> String {
    match score.and_then(|score| score.low.zip(score.high)) {
        Some((low, high)) => format!("{}-{}", percent(low, 1), percent(high, 1)),
        None => String::new(),
    }
}

/// Returns notes to the table.
fn notes(groups: &[GroupScore]) -> String {
    let mut out = String::new();
    for group in groups.iter().filter(|group| !group.missing.is_empty()) {
        out += &format!("{} is not the published score: without {}\n", group.name, group.missing.join(", "));
    }
    let failed =
        groups.iter().filter(|group| group.level != GroupLevel::Section).map(|group| group.counts.failed).max().unwrap_or(0);
    if failed > 0 {
        out += &format!("{failed} pairs have no judgment and count as no verdict\n");
    }
    if groups.iter().all(|group| group.unheard && group.counts.verdicts() == 0) {
        return out + "no vote gave a verdict, so there is no score\n";
    }
    if groups.iter().all(|group| group.unheard) {
        return out + "no vote that the official score counts gave a verdict, so there is none\n";
    }
    for group in groups.iter().filter(|group| group.level == GroupLevel::Subset && group.unheard) {
        out += &format!(
            "{}: no vote that counts officially gave a verdict; its score is what the benchmark counts for that\n",
            group.name
        );
    }
    out
}
