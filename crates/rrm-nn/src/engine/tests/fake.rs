//! A decoder whose logits are a hash of a sequence's tokens as they lie in its blocks, and a tokenizer of bytes.
//!
//! What is stored for a token is chained to what is stored for the token before it. So a wrong table, a stale block, or a token that is
//! evaluated too early gives another text, or an error that says so.

use std::sync::{Arc, Mutex};

use rrm::chat::Message;

use crate::{
    backend::{Decoder, Tokenizer},
    batch::{BLOCK, TokenBatch},
    cpu::pool::Pool,
};

/// Ends a turn.
pub const END: u32 = 256;
/// Tokens of several bytes, from 257 on.
const MERGED: [&str; 5] = [" 1", "1}", "2}\n", "</think>", "é"];
pub const VOCABULARY: usize = 257 + MERGED.len();
/// Ends a prompt.
const MARK: u32 = 3;
/// How much likelier the scripted token is than any other.
const SCRIPTED: f32 = 40.0;

/// Bytes as tokens, with a few longer ones.
pub struct Bytes;

impl Tokenizer for Bytes {
    fn encode_prompt(&self, messages: &[Message]) -> Result<Vec<u32>, String> {
        if messages.iter().any(|message| message.content == "refuse") {
            return Err("no such conversation".to_owned());
        }
        Ok(messages.iter().flat_map(|message| message.content.bytes().map(u32::from)).chain([MARK]).collect())
    }

    fn encode_text(&self, text: &str) -> Result<Vec<u32>, String> {
        let (mut tokens, mut rest) = (Vec::new(), text.as_bytes());
        while let Some(first) = rest.first() {
            let merged = MERGED.iter().position(|merged| rest.starts_with(merged.as_bytes()));
            tokens.push(merged.map_or(u32::from(*first), |at| 257 + at as u32));
            rest = &rest[merged.map_or(1, |at| MERGED[at].len())..];
        }
        Ok(tokens)
    }

    fn bytes(&self, token: u32) -> Vec<u8> {
        match token {
            0..=255 => vec![token as u8],
            END => Vec::new(),
            _ => MERGED[token as usize - 257].as_bytes().to_vec(),
        }
    }

    fn ends(&self, token: u32) -> bool {
        token == END
    }
}

/// What stands for a token's keys and values.
#[derive(Clone, Copy)]
struct Slot {
    token: u32,
    chain: u64,
    step: u64,
    sequence: u32,
}

/// What happened to a decoder, and what is to happen.
#[derive(Default)]
pub struct Fate {
    /// Steps so far.
    pub steps: u64,
    /// Most rows of one step.
    pub most_rows: usize,
    /// Sequences of the largest batch.
    pub most_sequences: usize,
    /// Step that fails.
    pub fails_at: Option<u64>,
    /// Step that panics.
    pub panics_at: Option<u64>,
    /// Whether all logits are not numbers.
    pub broken: bool,
}

/// The decoder.
pub struct Fake {
    slots: Vec<[Option<Slot>; BLOCK]>,
    logits: Vec<f32>,
    pub positions: usize,
    script: Vec<u32>,
    fate: Arc<Mutex<Fate>>,
}

impl Fake {
    /// A decoder for `positions` tokens that writes `script` and ends; without one it writes whatever comes.
    pub fn new(positions: usize, script: Option<&str>, fate: Arc<Mutex<Fate>>) -> Self {
        Fake { slots: Vec::new(), logits: Vec::new(), positions, script: script_tokens(script), fate }
    }

    fn slot(&self, table: &[u32], position: usize) -> Result<Slot, String> {
        let slot = self.slots[table[position / BLOCK] as usize][position % BLOCK];
        slot.ok_or_else(|| format!("nothing was stored at {position}"))
    }

    fn store(&mut self, batch: &TokenBatch, step: u64) -> Result<(), String> {
        for row in &batch.rows {
            let (table, position) = (&batch.tables[row.sequence as usize], row.position as usize);
            let mut before = 0;
            if position > 0 {
                let slot = self.slot(table, position - 1)?;
                if slot.step == step && slot.sequence != row.sequence {
                    return Err(format!("what comes before {position} is evaluated in the same step"));
                }
                before = slot.chain;
            }
            let slot = &mut self.slots[table[position / BLOCK] as usize][position % BLOCK];
            if slot.is_some_and(|slot| slot.step == step) {
                return Err(format!("two rows write the same place, {position}"));
            }
            *slot = Some(Slot { token: row.token, chain: chain(before, row.token), step, sequence: row.sequence });
        }
        Ok(())
    }
}

impl Decoder for Fake {
    fn vocabulary(&self) -> usize {
        VOCABULARY
    }

    fn positions(&self) -> usize {
        self.positions
    }

    fn block_bytes(&self) -> usize {
        1000
    }

    fn allocate(&mut self, blocks: u32) -> Result<(), String> {
        self.slots = vec![[None; BLOCK]; blocks as usize];
        Ok(())
    }

    fn step(&mut self, batch: &TokenBatch) -> Result<(&[f32], Option<&mut Pool>), String> {
        let broken = {
            let mut fate = self.fate.lock().unwrap();
            fate.steps += 1;
            fate.most_rows = fate.most_rows.max(batch.rows.len());
            fate.most_sequences = fate.most_sequences.max(batch.tables.len());
            if fate.fails_at == Some(fate.steps) {
                return Err("a decode failed".to_owned());
            }
            if fate.panics_at == Some(fate.steps) {
                drop(fate);
                panic!("a decode panicked, as this test wants it to");
            }
            fate.broken
        };
        if !batch.tables.is_sorted() || !batch.rows.is_sorted_by_key(|row| (row.sequence, row.position)) {
            return Err("the batch is not sorted".to_owned());
        }
        let step = self.fate.lock().unwrap().steps;
        self.store(batch, step)?;
        self.logits.clear();
        for row in batch.rows.iter().filter(|row| row.logits) {
            let table = &batch.tables[row.sequence as usize];
            let slots: Vec<Slot> = (0..=row.position as usize).map(|at| self.slot(table, at)).collect::<Result<_, _>>()?;
            let tokens: Vec<u32> = slots.iter().map(|slot| slot.token).collect();
            let chain = slots[slots.len() - 1].chain;
            self.logits.extend(if broken { vec![f32::NAN; VOCABULARY] } else { row_of_logits(chain, &tokens, &self.script) });
        }
        Ok((&self.logits, None))
    }

    fn copy_block(&mut self, from: u32, to: u32) {
        self.slots[to as usize] = self.slots[from as usize];
    }
}

/// What [`Fake`] gives after `tokens`, without any blocks.
pub fn logits_after(tokens: &[u32], script: Option<&str>) -> Vec<f32> {
    row_of_logits(tokens.iter().fold(0, |before, token| chain(before, *token)), tokens, &script_tokens(script))
}

fn row_of_logits(chain: u64, tokens: &[u32], script: &[u32]) -> Vec<f32> {
    let mut row: Vec<f32> = (0..VOCABULARY as u64).map(|token| (mix(chain ^ token) >> 40) as f32 / (1 << 22) as f32).collect();
    let written = tokens.iter().rposition(|token| *token == MARK).map_or(tokens, |mark| &tokens[mark + 1..]);
    match script.strip_prefix(written) {
        Some([next, ..]) => row[*next as usize] += SCRIPTED,
        // Without a script a text is some thirty tokens long.
        _ => row[END as usize] += 4.0,
    }
    row
}

fn script_tokens(script: Option<&str>) -> Vec<u32> {
    script.map_or_else(Vec::new, |script| Bytes.encode_text(script).unwrap().into_iter().chain([END]).collect())
}

fn chain(before: u64, token: u32) -> u64 {
    mix(before.rotate_left(7) ^ u64::from(token) ^ 0x5bd1_e995_0000_0000)
}

/// The finaliser of SplitMix64.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
