//! Running sequence -> the rows of its next step: its blocks, how far they are filled, and what it waits for.
//!
//! Full blocks of the tokens that a sequence is admitted with are shared by all sequences with the same beginning. The first sequence that reaches an
//! unfilled block fills it, and one step later all can use it. The remaining tokens lie in a block of the sequence's own, which others with the same
//! rest copy. Every sequence evaluates the last token itself, for its logits.

use std::collections::HashSet;

use futures::channel::oneshot;
use rrm::engine::{EngineError, Finish};

use crate::{
    backend::Decoder,
    batch::BLOCK,
    kv::{BlockPool, PrefixKey, PrefixPlace},
    sequence::{FinishedCompletion, Sequence},
};

/// The channel of an answer; dropping the receiver cancels the request.
pub(crate) type ReplySender = oneshot::Sender<Result<FinishedCompletion, EngineError>>;

/// A request that was accepted, with everything that survives a preemption.
pub(crate) struct Ticket {
    pub sequence: Sequence,
    /// Set when the text is complete and the labels are being scored.
    pub scoring: Option<LabelScoring>,
    pub reply: ReplySender,
}

/// Labels that are scored as continuations of a sequence's tokens.
pub(crate) struct LabelScoring {
    /// The way in which the text ended.
    pub finish: Finish,
    /// A branch for each label.
    pub branches: Vec<LabelBranch>,
}

/// One label to score.
pub(crate) struct LabelBranch {
    /// The tokens that continue the sequence; not empty.
    pub tokens: Vec<u32>,
    /// The blocks behind the sequence's full blocks before its last token; empty until they are allocated.
    pub own: Vec<u32>,
    /// Log-probability of `tokens`, once it is known.
    pub logprob: Option<f64>,
}

/// A running sequence.
pub(crate) struct RunningSequence {
    pub ticket: Ticket,
    /// The token at position p lies in block `table[p / BLOCK]`.
    pub table: Vec<u32>,
    /// The number of leading tokens that have been evaluated.
    pub computed: usize,
    /// The number of leading blocks of `table` that may be shared.
    shared: usize,
    /// The tokens behind the shared blocks except the last one, until they are copied or their evaluation begins.
    tail: Option<(PrefixKey, usize)>,
}

/// The blocks of the pool that a sequence needs.
pub(crate) struct PoolDemand {
    /// For each full block that can be shared, its prefix and the state of that prefix in the pool.
    whole: Vec<(PrefixKey, PrefixPlace)>,
    /// The key of the tokens behind them except the last one, and the number of these tokens.
    tail: Option<(PrefixKey, usize)>,
    /// The number of blocks in total.
    blocks: usize,
}

impl PoolDemand {
    /// Looks up which blocks of `tokens` (not empty) are in the pool; nothing is shared unless `share`.
    pub fn of(tokens: &[u32], pool: &BlockPool, share: bool) -> Self {
        let shared = if share { (tokens.len() - 1) / BLOCK } else { 0 };
        let mut last = PrefixKey::ROOT;
        let mut find = |whole: &[u32]| {
            last = last.then(whole);
            (last, pool.find(last))
        };
        let whole = tokens[..shared * BLOCK].chunks(BLOCK).map(&mut find).collect();
        let rest = &tokens[shared * BLOCK..tokens.len() - 1];
        let tail = (share && !rest.is_empty()).then(|| (last.then(rest), rest.len()));
        PoolDemand { whole, tail, blocks: tokens.len().div_ceil(BLOCK) }
    }

    /// Whether the pool has these blocks, and `headroom` more.
    pub fn fit(&self, pool: &BlockPool, headroom: usize) -> bool {
        let held = self.whole.iter().filter_map(|(_, found)| found.block()).filter(|block| pool.is_held(*block)).count();
        self.blocks - held + headroom <= pool.available()
    }
}

impl RunningSequence {
    /// Allocates the blocks for all tokens of a sequence, as `needs` says; they must fit.
    pub fn take(ticket: Ticket, needs: PoolDemand, pool: &mut BlockPool) -> RunningSequence {
        let PoolDemand { whole, tail, blocks } = needs;
        // Existing blocks are taken first, because an allocation could evict them.
        whole.iter().filter_map(|(_, found)| found.block()).for_each(|block| pool.share(block));
        let mut table = Vec::with_capacity(blocks);
        for at in 0..blocks {
            let found = whole.get(at);
            // There is always a block, because they were counted.
            let Some(block) = found.and_then(|(_, found)| found.block()).or_else(|| pool.allocate()) else { break };
            if let Some((key, PrefixPlace::Nowhere)) = found {
                pool.name(block, *key, BLOCK);
            }
            table.push(block);
        }
        RunningSequence { ticket, table, computed: 0, shared: whole.len(), tail }
    }

    /// Releases all blocks.
    pub fn leave(mut self, pool: &mut BlockPool) -> Ticket {
        self.branches_mut().iter_mut().for_each(|branch| pool.release_all(&mut branch.own));
        pool.release_all(&mut self.table);
        self.ticket
    }

    /// The number of leading tokens to evaluate. While labels are scored, the last token is evaluated with each label.
    pub fn target(&self) -> usize {
        self.ticket.sequence.tokens.len() - usize::from(self.ticket.scoring.is_some())
    }

    /// Whether the next row is the last one before a token is drawn.
    pub fn draws_next(&self) -> bool {
        self.ticket.scoring.is_none() && self.computed + 1 == self.ticket.sequence.tokens.len()
    }

    /// Skips tokens that other sequences have evaluated. Returns their number.
    pub fn advance(&mut self, pool: &mut BlockPool, decoder: &mut dyn Decoder) -> usize {
        let before = self.computed;
        while let Some(block) = self.table[..self.shared].get(self.computed / BLOCK) {
            let reached = self.computed / BLOCK * BLOCK + pool.filled(*block);
            if reached <= self.computed {
                return self.computed - before;
            }
            self.computed = reached;
        }
        if let Some((key, tokens)) = self.tail.filter(|_| self.computed == self.shared * BLOCK)
            && let PrefixPlace::Here(source) = pool.find(key)
        {
            decoder.copy_block(source, self.table[self.shared]);
            pool.touch(source);
            self.computed += tokens;
            self.tail = None;
        }
        self.computed - before
    }

    /// Returns the end of the tokens that the next step may evaluate, at most `rows` further; `claimed` are the shared blocks that this step fills
    /// already. Returns `computed` if the sequence waits for another one.
    pub fn reach(&mut self, rows: usize, pool: &mut BlockPool, claimed: &mut HashSet<u32>) -> usize {
        let end = self.target().min(self.computed + rows);
        for at in self.computed / BLOCK..self.shared {
            let begin = at * BLOCK;
            if begin >= end {
                return end;
            }
            if !claimed.insert(self.table[at]) {
                return begin.max(self.computed);
            }
        }
        let begin = self.shared * BLOCK;
        if let Some((key, tokens)) = self.tail.filter(|_| begin < end) {
            match pool.find(key) {
                PrefixPlace::Nowhere => pool.name(self.table[self.shared], key, tokens),
                PrefixPlace::Coming(_) | PrefixPlace::Here(_) => return begin,
            }
            self.tail = None;
        }
        end
    }

    /// Records that all tokens before `end` have been evaluated.
    pub fn evaluated(&mut self, end: usize, pool: &mut BlockPool) {
        for at in self.computed / BLOCK..end.div_ceil(BLOCK) {
            pool.fill(self.table[at], (end - at * BLOCK).min(BLOCK));
        }
        self.computed = end;
    }

    /// Has the last token evaluated again if no token follows it from whose logits to draw: the turn was ended, and the elicitation has no tokens.
    pub fn expect_logits(&mut self) {
        self.computed = self.computed.min(self.ticket.sequence.tokens.len() - 1);
    }

    /// Allocates the blocks that the next rows need. Returns false if there are too few.
    pub fn grow(&mut self, pool: &mut BlockPool, decoder: &mut dyn Decoder) -> bool {
        while self.table.len() * BLOCK < self.ticket.sequence.tokens.len() {
            let Some(block) = pool.allocate() else { return false };
            self.table.push(block);
        }
        if self.computed < self.target() {
            return true;
        }
        self.branch_off(pool, decoder)
    }

    /// Allocates blocks for labels that are not scored yet: for as many as possible, and at least one.
    fn branch_off(&mut self, pool: &mut BlockPool, decoder: &mut dyn Decoder) -> bool {
        let (at, partial) = (self.computed / BLOCK, self.computed % BLOCK);
        let source = self.table[at];
        let waiting = self.branches_mut().iter_mut().filter(|branch| branch.logprob.is_none());
        for (placed, branch) in waiting.enumerate() {
            if branch.own.is_empty() {
                let blocks = (partial + branch.tokens.len()).div_ceil(BLOCK);
                branch.own.extend((0..blocks).map_while(|_| pool.allocate()));
                if branch.own.len() < blocks {
                    pool.release_all(&mut branch.own);
                    return placed > 0;
                }
                if partial > 0 {
                    decoder.copy_block(source, branch.own[0]);
                }
            }
        }
        true
    }

    /// Begins the scoring of labels after the text is complete: keeps the first `context` tokens, which the labels continue.
    pub fn score(&mut self, context: usize, scoring: LabelScoring, pool: &mut BlockPool) {
        self.ticket.sequence.tokens.truncate(context);
        self.table.drain(context.div_ceil(BLOCK)..).rev().for_each(|block| pool.release(block));
        self.computed = self.computed.min(context - 1);
        self.shared = self.shared.min(self.computed / BLOCK);
        self.ticket.scoring = Some(scoring);
    }

    /// Returns the block table of one label's branch.
    pub fn branch_table(&self, branch: &LabelBranch) -> Vec<u32> {
        self.table[..self.computed / BLOCK].iter().chain(&branch.own).copied().collect()
    }

    /// The branches of the labels that are being scored.
    pub fn branches(&self) -> &[LabelBranch] {
        self.ticket.scoring.as_ref().map_or(&[], |scoring| &scoring.branches)
    }

    /// Like [`RunningSequence::branches`], mutable.
    pub fn branches_mut(&mut self) -> &mut [LabelBranch] {
        self.ticket.scoring.as_mut().map_or(&mut [], |scoring| &mut scoring.branches)
    }
}
