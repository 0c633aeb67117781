//! Prefixes of sequences -> numbered blocks of keys and values: counted, shared, cached after use, and limited in number.
//!
//! The pool only keeps the accounts; the keys and values are in the decoder. A block with a [`PrefixKey`] contains the tokens that the key stands
//! for. When no table holds it any more, it is cached for sequences with the same prefix until its space is needed; the least recently used block is
//! evicted first. Tables are released from their end, so a block is always evicted before the block that it continues.

use std::collections::{BTreeMap, HashMap};

use crate::batch::BLOCK;

/// A key of all tokens of a prefix: 128 bits of BLAKE3, chained from block to block, so that different prefixes have different keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PrefixKey([u8; 16]);

impl PrefixKey {
    /// The empty prefix.
    pub const ROOT: PrefixKey = PrefixKey([0; 16]);

    /// Returns the key of this prefix extended by `tokens`: those of a whole block, or fewer at the end of a prompt.
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
    /// The number of tables that hold it.
    references: u32,
    /// The prefix that it completes, and the number of its own tokens that belong to the prefix.
    named: Option<(PrefixKey, usize)>,
    /// The number of its leading tokens that have been evaluated.
    filled: usize,
    /// The time of its last use, for blocks that no table holds.
    since: u64,
}

/// The state of a prefix in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrefixPlace {
    /// No block stands for it.
    Nowhere,
    /// This block will contain it once the remaining tokens are evaluated.
    Coming(u32),
    /// This block contains it.
    Here(u32),
}

impl PrefixPlace {
    /// Returns the block of this prefix, whether or not it is complete.
    pub fn block(self) -> Option<u32> {
        match self {
            PrefixPlace::Nowhere => None,
            PrefixPlace::Coming(block) | PrefixPlace::Here(block) => Some(block),
        }
    }
}

/// The accounts of all blocks.
#[derive(Debug)]
pub(crate) struct BlockPool {
    blocks: Vec<PoolBlock>,
    /// Empty blocks.
    free: Vec<u32>,
    /// Cached blocks by the time of their last use: no table holds them, and they contain the prefix of their key.
    kept: BTreeMap<u64, u32>,
    named: HashMap<PrefixKey, u32>,
    clock: u64,
    peak: usize,
}

impl BlockPool {
    /// Makes a pool of `capacity` free blocks.
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

    /// The number of blocks that can be allocated: the empty ones and the cached ones.
    pub fn available(&self) -> usize {
        self.free.len() + self.kept.len()
    }

    /// The number of blocks that tables hold.
    pub fn used(&self) -> usize {
        self.blocks.len() - self.available()
    }

    /// The largest number of blocks that tables held at any time.
    pub fn peak(&self) -> usize {
        self.peak
    }

    /// Allocates an empty block for one table; evicts the least recently used cached block if none is empty. `None` if tables hold all blocks.
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

    /// Registers a block of one table under `key`, whose last `tokens` tokens are its own. Does nothing if another block is registered under this
    /// key.
    pub fn name(&mut self, block: u32, key: PrefixKey, tokens: usize) {
        debug_assert!((1..=BLOCK).contains(&tokens) && self.blocks[block as usize].named.is_none());
        if let std::collections::hash_map::Entry::Vacant(entry) = self.named.entry(key) {
            entry.insert(block);
            self.blocks[block as usize].named = Some((key, tokens));
        }
    }

    /// Returns the block that is registered under `key`.
    pub fn find(&self, key: PrefixKey) -> PrefixPlace {
        let Some(block) = self.named.get(&key).copied() else { return PrefixPlace::Nowhere };
        if self.is_complete(block) { PrefixPlace::Here(block) } else { PrefixPlace::Coming(block) }
    }

    /// Whether any table holds `block`.
    pub fn is_held(&self, block: u32) -> bool {
        self.blocks[block as usize].references > 0
    }

    /// Adds `block` to one more table; its content must not be overwritten from now on.
    pub fn share(&mut self, block: u32) {
        self.unkeep(block);
        self.blocks[block as usize].references += 1;
        self.peak = self.peak.max(self.used());
    }

    /// Marks a cached block as just used.
    pub fn touch(&mut self, block: u32) {
        if self.unkeep(block) {
            self.keep(block);
        }
    }

    /// The number of leading tokens of `block` that have been evaluated.
    pub fn filled(&self, block: u32) -> usize {
        self.blocks[block as usize].filled
    }

    /// Records that the first `tokens` tokens of `block` have been evaluated.
    pub fn fill(&mut self, block: u32, tokens: usize) {
        let filled = &mut self.blocks[block as usize].filled;
        *filled = tokens.max(*filled);
    }

    /// Removes `block` from one table. If no table holds it any more, it is cached if it contains the prefix of its key, and freed otherwise.
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

    /// Removes all blocks from `table`, the last first.
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
