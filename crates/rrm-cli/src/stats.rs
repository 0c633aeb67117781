//! What a run has spent -> a file beside its output, and lines on stderr.

use std::io::{self, Write};

use rrm::{
    engine::{EngineInfo, http::HttpStats},
    result::Verdicts,
    spending::{Price, SpendingTotals},
};
use serde::Serialize;

use crate::totals::RunTotals;

/// What was spent; kept apart from the rows, which are the same however often a run was stopped.
#[derive(Serialize)]
pub struct Stats {
    /// Who judged.
    pub engine: EngineInfo,
    /// Rows written.
    pub rows: u64,
    /// Of these, rows without a result.
    pub failed: u64,
    /// Calls and tokens of this run.
    pub spent: SpendingTotals,
    /// What all runs over the same output have spent, this one included; absent where it is the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<RunTotals>,
    /// Wall time of this run.
    pub seconds: f64,
    /// What the server did, where there is one.
    pub http: Option<HttpStats>,
    /// How the votes went that count, whether they were asked for in this run or came from the store; absent where nobody judges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdicts: Option<Verdicts>,
    /// What was said about the engine when it was opened.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Says what the run took, on stderr.
pub fn summary(stats: &Stats, price: Price) {
    let text = format!("{} rows in {:.1} s: {}", stats.rows, stats.seconds, spent(&stats.spent, price));
    writeln!(io::stderr(), "{text}").ok();
    stats.total.iter().for_each(|total| _ = writeln!(io::stderr(), "{}", self::total(total, price)));
}

/// What all runs of a job have spent, as a line.
pub fn total(total: &RunTotals, price: Price) -> String {
    let mut text = format!("all runs together: {}", self::spent(&total.spent, price));
    if total.open > 0 {
        text += &format!(
            "; this is an upper limit: {} of these calls had no answer, or were perhaps not sent, when a run was killed, and their tokens are not counted",
            total.open
        );
    }
    if total.cut {
        text += "; what was spent before is not known, since that account was cut";
    }
    text
}

/// What a run or a server has spent, as a line.
pub fn spent(spent: &SpendingTotals, price: Price) -> String {
    let again = if spent.again > 0 { format!(", sent again {} times", spent.again) } else { String::new() };
    let probes = match spent.probes {
        0 => String::new(),
        probes => format!(", {probes} more requests to identify the server"),
    };
    let mut text = format!(
        "{} calls ({} from the store){again}{probes}, {} prompt and {} written tokens",
        spent.calls, spent.reused, spent.prompt_tokens, spent.completion_tokens
    );
    let estimated = (spent.estimated_prompt_tokens, spent.estimated_completion_tokens);
    if estimated != (0, 0) {
        let (prompt, written) = estimated;
        text += &format!(
            ", and about {prompt} prompt and {written} written tokens by estimate, which the server did not count and may bill"
        );
    }
    if spent.unfinished > 0 {
        text += &format!(", {} calls cancelled or failed", spent.unfinished);
    }
    if price != Price::default() {
        text += &format!(", cost {:.4}", spent.cost);
        let counted = spent.prompt_tokens + spent.completion_tokens + estimated.0 + estimated.1;
        if spent.calls > spent.unfinished && counted == 0 {
            text += " (the judge reports no tokens, so neither cost nor --max-cost mean anything)";
        }
    }
    text
}
