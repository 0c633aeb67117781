//! The decoder's forward and backward passes, written out: what `model.rs` computes, over rows of many sequences at once.
//!
//! Letters in shapes: R rows (tokens), H hidden size, V vocabulary, N query heads, K heads of keys and values, D head size, F inner size.
//! Matrices lie row by row. All sums run in an order that depends on shapes alone, so that results are the same bits for any number of
//! threads.

pub mod attention;
pub mod forest;
pub mod head;
pub mod heads;
pub mod layer;
pub mod linear;
pub mod machine;
pub mod model;
pub mod rows;
pub mod tiles;
