//! The decoder's forward and backward passes, written out, over rows of many sequences at once.
//!
//! Letters in shapes: R rows (tokens), H hidden size, V vocabulary, N query heads, K heads of keys and values, D head size, F inner size. Matrices
//! are stored by rows. All sums have an order that depends on shapes only, so that results have the same bits for any number of threads. *Slopes* of
//! a value are the derivatives of the loss with respect to it.

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
