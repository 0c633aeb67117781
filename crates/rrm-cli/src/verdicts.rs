//! Votes of a run -> a line on stderr about undecided results, and the failure of a run without any verdict.

use rrm::{result::Verdicts, verdict::Abstain};

use crate::{failure::Failure, output::note};

/// Prints what was not decided, if anything. If no vote had a verdict, [`check`] reports it instead, unless rows failed.
pub fn tell(verdicts: &Verdicts, failed: u64) {
    let remarks = verdicts.remarks();
    if !remarks.is_empty() && (failed > 0 || !verdicts.none()) {
        note(&remarks.join("; "));
    }
}

/// Fails if no vote of a run had a verdict; `so` describes the consequence.
pub fn check(verdicts: &Verdicts, so: &str) -> Result<(), Failure> {
    if !verdicts.none() {
        return Ok(());
    }
    let message = format!("{}; {so}", verdicts.abstentions());
    Err(Failure::user(anyhow::anyhow!(message)).with_hint(remedy(verdicts)))
}

/// Returns what to do where votes have no verdict, by the most frequent reason.
pub fn remedy(verdicts: &Verdicts) -> &'static str {
    let most = verdicts.abstained.iter().max_by_key(|(_, n)| **n).map(|(reason, _)| *reason);
    match most {
        Some(Abstain::Truncated) => {
            "the token limit cut what the judge wrote: raise --max-tokens, or elicit verdicts with --max-thinking-tokens"
        }
        _ => {
            "does the judge answer as --format wants it? --stream shows what it writes, `rrm show FILE ID` what it wrote, `rrm doctor URL` tries \
             its server; docs/formats.md has the formats"
        }
    }
}
