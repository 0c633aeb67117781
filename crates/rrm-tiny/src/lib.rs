//! The judge that this project trained itself: a domain small enough to learn, where thinking is needed and truth can be checked.
//!
//! Problems are chains of arithmetic on two digits, responses are worked answers. What is not such a problem is outside of the domain
//! ([`domain`]), and nothing here pretends to judge it.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

pub mod domain;
pub mod folder;
pub mod formats;
pub mod generate;
pub mod problem;
pub mod trace;
