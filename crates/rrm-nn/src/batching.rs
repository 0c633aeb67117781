//! Running sequences -> the rows of one step.
//!
//! Every sequence that draws a token gets its row. Labels to score and prompts share the remaining rows. Parts are sorted by their block tables, so
//! that a decoder can read a block once for all neighbours that share it.

use std::collections::HashSet;

use crate::{
    batch::{BLOCK, TokenBatch, TokenRow},
    kv::BlockPool,
    seat::RunningSequence,
};

/// One step before its evaluation.
#[derive(Default)]
pub(crate) struct BatchStep {
    /// The decoder's input.
    pub batch: TokenBatch,
    /// The owners of the rows, in the order of the rows.
    pub parts: Vec<RowSpan>,
    /// The number of rows of prompts, elicitations and tokens that are evaluated again after a preemption.
    pub prefill: usize,
}

/// A run of rows of one sequence.
#[derive(Clone, Copy)]
pub(crate) struct RowSpan {
    /// Index among the sequences.
    pub seat: usize,
    /// The work on these rows.
    pub what: SpanWork,
}

/// The work on a run of rows.
#[derive(Clone, Copy)]
pub(crate) enum SpanWork {
    /// Evaluate the next tokens, up to `end`.
    Tokens {
        /// The number of evaluated tokens after this step.
        end: usize,
    },
    /// Evaluate the last token and one label after it, given by its index.
    Branch(usize),
}

/// Plans a step of about `rows` rows. No sequence that draws has to wait, and at least one of the others progresses.
pub(crate) fn plan(seats: &mut [RunningSequence], pool: &mut BlockPool, rows: usize) -> BatchStep {
    let mut parts = Vec::new();
    for (seat, each) in seats.iter().enumerate().filter(|(_, each)| each.draws_next()) {
        parts.push(RowSpan { seat, what: SpanWork::Tokens { end: each.computed + 1 } });
    }
    let mut left = rows.saturating_sub(parts.len()).max(1);
    left -= place_branches(seats, left, &mut parts);
    let mut prefill = 0;
    let mut claimed = HashSet::new();
    for (seat, each) in seats.iter_mut().enumerate() {
        if left == prefill {
            break;
        }
        if !each.draws_next() && each.computed < each.target() {
            let end = each.reach(left - prefill, pool, &mut claimed);
            if end > each.computed {
                prefill += end - each.computed;
                parts.push(RowSpan { seat, what: SpanWork::Tokens { end } });
            }
        }
    }
    let (batch, parts) = lay_out(seats, parts);
    BatchStep { batch, parts, prefill }
}

/// Adds labels that have their blocks: as many as fit into `left` rows, and at least one. Returns the number of rows used.
fn place_branches(seats: &[RunningSequence], left: usize, parts: &mut Vec<RowSpan>) -> usize {
    let mut taken = 0;
    for (seat, each) in seats.iter().enumerate() {
        for (at, branch) in each.branches().iter().enumerate().filter(|(_, branch)| !branch.own.is_empty()) {
            if taken > 0 && taken + branch.tokens.len() > left {
                return taken.min(left);
            }
            taken += branch.tokens.len();
            parts.push(RowSpan { seat, what: SpanWork::Branch(at) });
        }
    }
    taken.min(left)
}

/// Sorts the parts by their tables and writes their rows.
fn lay_out(seats: &[RunningSequence], parts: Vec<RowSpan>) -> (TokenBatch, Vec<RowSpan>) {
    let table = |part: &RowSpan| {
        let seat = &seats[part.seat];
        match part.what {
            SpanWork::Tokens { end } => seat.table[..end.div_ceil(BLOCK)].to_vec(),
            SpanWork::Branch(at) => seat.branch_table(&seat.branches()[at]),
        }
    };
    let mut sorted: Vec<(Vec<u32>, RowSpan)> = parts.into_iter().map(|part| (table(&part), part)).collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut rows = Vec::new();
    for (sequence, (_, part)) in (0..).zip(&sorted) {
        let seat = &seats[part.seat];
        let (tokens, begin) = (&seat.ticket.sequence.tokens, seat.computed);
        let mut push =
            |token, position: usize, logits| rows.push(TokenRow { token, position: position as u32, sequence, logits });
        match part.what {
            SpanWork::Tokens { end } => {
                let draws = seat.ticket.scoring.is_none() && end == tokens.len();
                (begin..end).for_each(|position| push(tokens[position], position, draws && position + 1 == end));
            }
            SpanWork::Branch(at) => {
                let label = &seat.branches()[at].tokens;
                let before = std::iter::once(&tokens[begin]).chain(&label[..label.len() - 1]);
                before.enumerate().for_each(|(i, token)| push(*token, begin + i, true));
            }
        }
    }
    let (tables, parts) = sorted.into_iter().unzip();
    (TokenBatch { rows, tables }, parts)
}
