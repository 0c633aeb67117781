//! Beginnings of sequences -> numbered blocks of keys and values: counted, shared, kept after use, and never more than there are.
//!
//! The pool only keeps the books; the keys and values themselves lie in the decoder. A block with a [`PrefixKey`] vouches for the tokens that
//! the key stands for. When nobody holds it any more it stays for whoever begins alike, until its place is needed: least recently used
//! first. Tables are released from their end, so a block is always evicted before the one that it continues.

use std::collections::{BTreeMap, HashMap};

use crate::batch::BLOCK;

/// A key of all tokens of a sequence up to some place: 128 bits of BLAKE3, chained from block to block, so that two different beginnings do not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PrefixKey([u8; 16]);

impl PrefixKey {
    /// The empty beginning.
    pub const ROOT: PrefixKey = PrefixKey([0; 16]);

    /// The beginning that continues this one by `tokens`: those of a whole block, or fewer at the end of a prompt.
    pub fn then(self, tokens: &[u32]) -> PrefixKey {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        for token in tokens {
            hasher.update(&token.to_le_bytes());
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        PrefixKey(key)
    }
}

/// The pool's record of one block.
#[derive(Clone, Debug, Default)]
struct PoolBlock {
    /// How many tables it is in.
    references: u32,
    /// What it vouches for, and how many of its own tokens belong to that.
    named: Option<(PrefixKey, usize)>,
    /// How many of its leading tokens have been evaluated.
    filled: usize,
    /// When it was last used, for blocks in no table.
    since: u64,
}

/// The place of a beginning in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrefixPlace {
    /// No block vouches for it.
    Nowhere,
    /// This block will, once somebody has evaluated the rest.
    Coming(u32),
    /// This block holds all of it.
    Here(u32),
}

impl PrefixPlace {
    /// The block that vouches or will.
    pub fn block(self) -> Option<u32> {
        match self {
            PrefixPlace::Nowhere => None,
            PrefixPlace::Coming(block) | PrefixPlace::Here(block) => Some(block),
        }
    }
}

/// The books of all blocks.
#[derive(Debug)]
pub(crate) struct BlockPool {
    blocks: Vec<PoolBlock>,
    /// Blocks that hold nothing.
    free: Vec<u32>,
    /// Blocks in no table that hold what their key says, by the time of their last use.
    kept: BTreeMap<u64, u32>,
    named: HashMap<PrefixKey, u32>,
    clock: u64,
    peak: usize,
}

impl BlockPool {
    /// A pool of `capacity` blocks, all of them free.
    pub fn new(capacity: u32) -> Self {
        BlockPool {
            blocks: vec![PoolBlock::default(); capacity as usize],
            free: (0..capacity).rev().collect(),
            kept: BTreeMap::new(),
            named: HashMap::new(),
            clock: 0,
            peak: 0,
        }
    }

    /// How many blocks can be had: those that hold nothing and those that are only kept.
    pub fn available(&self) -> usize {
        self.free.len() + self.kept.len()
    }

    /// How many blocks are in tables.
    pub fn used(&self) -> usize {
        self.blocks.len() - self.available()
    }

    /// The most blocks that were in tables at any time.
    pub fn peak(&self) -> usize {
        self.peak
    }

    /// A block for one table, holding nothing; evicts the least recently used one of those that are only kept. `None` when all are in
    /// tables.
    pub fn allocate(&mut self) -> Option<u32> {
        let block = match self.free.pop() {
            Some(block) => block,
            None => {
                let (_, block) = self.kept.pop_first()?;
                self.forget(block);
                block
            }
        };
        let fresh = &mut self.blocks[block as usize];
        debug_assert!(fresh.references == 0 && fresh.named.is_none());
        *fresh = PoolBlock { references: 1, ..PoolBlock::default() };
        self.peak = self.peak.max(self.used());
        Some(block)
    }

    /// Lets a block of one table vouch for `key`, whose last `tokens` tokens are its own. Nothing happens when another block does.
    pub fn name(&mut self, block: u32, key: PrefixKey, tokens: usize) {
        debug_assert!((1..=BLOCK).contains(&tokens) && self.blocks[block as usize].named.is_none());
        if let std::collections::hash_map::Entry::Vacant(entry) = self.named.entry(key) {
            entry.insert(block);
            self.blocks[block as usize].named = Some((key, tokens));
        }
    }

    /// Which block vouches for `key`.
    pub fn find(&self, key: PrefixKey) -> PrefixPlace {
        let Some(block) = self.named.get(&key).copied() else { return PrefixPlace::Nowhere };
        if self.is_complete(block) { PrefixPlace::Here(block) } else { PrefixPlace::Coming(block) }
    }

    /// Whether `block` is in any table.
    pub fn is_held(&self, block: u32) -> bool {
        self.blocks[block as usize].references > 0
    }

    /// Puts `block` into one more table; what it holds must not be overwritten from now on.
    pub fn share(&mut self, block: u32) {
        self.unkeep(block);
        self.blocks[block as usize].references += 1;
        self.peak = self.peak.max(self.used());
    }

    /// Marks a kept block as used just now.
    pub fn touch(&mut self, block: u32) {
        if self.unkeep(block) {
            self.keep(block);
        }
    }

    /// How many leading tokens of `block` have been evaluated.
    pub fn filled(&self, block: u32) -> usize {
        self.blocks[block as usize].filled
    }

    /// Notes that the first `tokens` tokens of `block` have been evaluated.
    pub fn fill(&mut self, block: u32, tokens: usize) {
        let filled = &mut self.blocks[block as usize].filled;
        *filled = tokens.max(*filled);
    }

    /// Takes `block` out of one table. In no table it is kept if it holds what it vouches for, and free otherwise.
    pub fn release(&mut self, block: u32) {
        let released = &mut self.blocks[block as usize];
        released.references -= 1;
        if released.references > 0 {
            return;
        }
        if released.named.is_some() && self.is_complete(block) {
            self.keep(block);
        } else {
            self.forget(block);
            self.free.push(block);
        }
    }

    /// Takes all blocks of `table` out of it, the last first.
    pub fn release_all(&mut self, table: &mut Vec<u32>) {
        table.drain(..).rev().for_each(|block| self.release(block));
    }

    fn is_complete(&self, block: u32) -> bool {
        let PoolBlock { named, filled, .. } = &self.blocks[block as usize];
        named.is_some_and(|(_, tokens)| *filled >= tokens)
    }

    fn keep(&mut self, block: u32) {
        self.clock += 1;
        self.blocks[block as usize].since = self.clock;
        self.kept.insert(self.clock, block);
    }

    fn unkeep(&mut self, block: u32) -> bool {
        let PoolBlock { references, since, .. } = self.blocks[block as usize];
        references == 0 && self.kept.remove(&since).is_some()
    }

    fn forget(&mut self, block: u32) {
        if let Some((key, _)) = self.blocks[block as usize].named.take() {
            self.named.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A pool with the tokens that a decoder would have stored, and the tables of sequences.
    struct World {
        pool: BlockPool,
        /// For each block the tokens up to its end, of which those of the block itself were written.
        content: Vec<Vec<u32>>,
        tables: Vec<(Vec<u32>, Vec<u32>)>,
    }

    impl World {
        fn new(capacity: u32) -> Self {
            let content = vec![Vec::new(); capacity as usize];
            World { pool: BlockPool::new(capacity), content, tables: Vec::new() }
        }

        /// Takes blocks for a sequence of whole blocks, each `tokens[i]` repeated; false when there are too few.
        fn enter(&mut self, kinds: &[u32]) -> bool {
            let tokens: Vec<u32> = kinds.iter().flat_map(|kind| [*kind; BLOCK]).collect();
            let mut keys = vec![PrefixKey::ROOT];
            tokens.chunks(BLOCK).for_each(|block| keys.push(keys[keys.len() - 1].then(block)));
            let found: Vec<PrefixPlace> = keys[1..].iter().map(|key| self.pool.find(*key)).collect();
            let known = || found.iter().filter_map(|found| found.block());
            if kinds.len() - known().filter(|block| self.pool.is_held(*block)).count() > self.pool.available() {
                return false;
            }
            known().for_each(|block| self.pool.share(block));
            let mut table = Vec::new();
            for (i, found) in found.iter().enumerate() {
                table.push(match found.block() {
                    Some(block) => block,
                    None => {
                        let block = self.pool.allocate().unwrap();
                        assert!(self.tables.iter().all(|(table, _)| !table.contains(&block)), "block {block} is in a table");
                        self.pool.name(block, keys[i + 1], BLOCK);
                        self.content[block as usize].clear();
                        block
                    }
                });
            }
            for (block, end) in table.iter().zip((BLOCK..).step_by(BLOCK)) {
                let filled = self.pool.filled(*block);
                assert!(
                    filled == 0 || self.content[*block as usize][..] == tokens[..end - BLOCK + filled],
                    "not what was asked for"
                );
            }
            self.tables.push((table, tokens));
            true
        }

        /// Evaluates the next `count` tokens of a sequence that nobody has evaluated.
        fn evaluate(&mut self, sequence: usize, count: usize) {
            let (table, tokens) = &self.tables[sequence];
            let Some(at) = table.iter().position(|block| self.pool.filled(*block) < BLOCK) else { return };
            let end = (self.pool.filled(table[at]) + count).min(BLOCK);
            self.content[table[at] as usize] = tokens[..at * BLOCK + end].to_vec();
            self.pool.fill(table[at], end);
        }

        fn leave(&mut self, sequence: usize) {
            let (mut table, _) = self.tables.swap_remove(sequence);
            self.pool.release_all(&mut table);
        }

        fn check(&self) {
            let BlockPool { blocks, free, kept, named, .. } = &self.pool;
            for (block, state) in (0..).zip(blocks) {
                let references = self.tables.iter().filter(|(table, _)| table.contains(&block)).count();
                assert_eq!(references, state.references as usize, "references of {block}");
                let places = free.iter().filter(|other| **other == block).count()
                    + kept.values().filter(|other| **other == block).count()
                    + usize::from(references > 0);
                assert_eq!(places, 1, "block {block} is free, kept or used, one of them");
                assert!(state.named.is_none_or(|(key, _)| named[&key] == block));
            }
            assert_eq!(named.len(), blocks.iter().filter(|state| state.named.is_some()).count());
            assert!(self.pool.used() <= self.pool.peak() && self.pool.peak() <= blocks.len());
            // Whoever is kept can be reached: what it continues is kept or held, too.
            for block in kept.values() {
                let tokens = &self.content[*block as usize];
                let mut key = PrefixKey::ROOT;
                for whole in tokens.chunks(BLOCK) {
                    key = key.then(whole);
                    assert!(matches!(self.pool.find(key), PrefixPlace::Here(_)), "a block outlived the one that it continues");
                }
            }
        }
    }

    #[derive(Clone, Debug)]
    enum Action {
        Enter(Vec<u32>),
        Evaluate(usize, usize),
        Leave(usize),
    }

    fn action() -> impl Strategy<Value = Action> {
        prop_oneof![
            prop::collection::vec(0_u32..2, 1..6).prop_map(Action::Enter),
            (any::<usize>(), 1_usize..40).prop_map(|(sequence, count)| Action::Evaluate(sequence, count)),
            (any::<usize>(), 1_usize..40).prop_map(|(sequence, count)| Action::Evaluate(sequence, count)),
            any::<usize>().prop_map(Action::Leave),
        ]
    }

    proptest! {
        #[test]
        fn the_books_are_always_right(capacity in 1_u32..12, actions in prop::collection::vec(action(), 1..80)) {
            let mut world = World::new(capacity);
            for action in actions {
                match (action, world.tables.len()) {
                    (Action::Enter(kinds), _) => _ = world.enter(&kinds),
                    (_, 0) => {}
                    (Action::Evaluate(sequence, count), n) => world.evaluate(sequence % n, count),
                    (Action::Leave(sequence), n) => world.leave(sequence % n),
                }
                world.check();
            }
            while !world.tables.is_empty() {
                world.leave(0);
                world.check();
            }
            prop_assert_eq!(world.pool.used(), 0);
        }
    }

    #[test]
    fn a_beginning_is_found_again_until_its_place_is_needed() {
        let mut world = World::new(3);
        assert!(world.enter(&[1, 2]));
        (0..2).for_each(|_| world.evaluate(0, BLOCK));
        let first = world.tables[0].0.clone();
        world.leave(0);
        assert!(world.enter(&[1, 3]));
        assert_eq!(world.tables[0].0[0], first[0]);
        assert_eq!(world.pool.filled(first[0]), BLOCK);
        assert!(world.enter(&[1, 2]) && world.tables[1].0 == first, "the third block sufficed for [1, 3]");
        world.leave(1);
        assert!(!world.enter(&[4, 5]), "one block is left");
        assert!(world.enter(&[4]));
        assert_eq!(world.pool.find(PrefixKey::ROOT.then(&[1; BLOCK]).then(&[2; BLOCK])), PrefixPlace::Nowhere);
        world.check();
    }

    #[test]
    fn what_nobody_finished_is_not_kept() {
        let mut world = World::new(2);
        assert!(world.enter(&[1]));
        world.evaluate(0, 5);
        assert!(world.enter(&[1]));
        world.leave(0);
        assert_eq!((world.pool.used(), world.pool.filled(world.tables[0].0[0])), (1, 5), "whoever is left goes on");
        world.leave(0);
        assert_eq!(world.pool.find(PrefixKey::ROOT.then(&[1; BLOCK])), PrefixPlace::Nowhere);
        assert_eq!(world.pool.free.len(), 2);
    }

    #[test]
    fn the_end_of_a_prompt_is_another_key_than_its_block() {
        let tokens: Vec<u32> = (0..BLOCK as u32).collect();
        let keys: std::collections::HashSet<PrefixKey> = (1..=BLOCK).map(|n| PrefixKey::ROOT.then(&tokens[..n])).collect();
        assert_eq!(keys.len(), BLOCK);
        assert_ne!(PrefixKey::ROOT.then(&[1]).then(&[2]), PrefixKey::ROOT.then(&[1, 2]));
    }
}
