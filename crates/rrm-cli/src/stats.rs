//! The account of a run -> a file beside its output, and lines on stderr.

use std::io::{self, Write};

use rrm::{
    engine::{EngineInfo, http::HttpStats},
    result::Verdicts,
    spending::{Price, SpendingTotals},
};
use serde::Serialize;

use crate::totals::RunTotals;

/// The account of a run. It is separate from the rows, which are the same however often a run was stopped.
#[derive(Serialize)]
pub struct Stats {
    /// The engine that judged.
    pub engine: EngineInfo,
    /// The number of rows.
    pub rows: u64,
    /// The number of rows without a result.
    pub failed: u64,
    /// Calls and tokens of this run.
    pub spent: SpendingTotals,
    /// The total of all runs over the same output, including this one; absent for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<RunTotals>,
    /// Wall time of this run.
    pub seconds: f64,
    /// Statistics of the server, if there is one.
    pub http: Option<HttpStats>,
    /// Counts of the counted votes, whether they were asked for in this run or came from the store; absent if no judge votes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdicts: Option<Verdicts>,
    /// Notes from opening the engine.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Prints the account of the run to stderr.
pub fn summary(stats: &Stats, price: Price) {
    let text = format!("{} rows in {:.1} s: {}", stats.rows, stats.seconds, spent(&stats.spent, price));
    writeln!(io::stderr(), "{text}").ok();
    stats.total.iter().for_each(|total| _ = writeln!(io::stderr(), "{}", self::total(total, price)));
}

/// Returns the total of all runs of a job as a line.
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

/// Returns the spending of a run or a server as a line.
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
