//! The judge that this project trained itself, in a domain that is small enough to learn, needs thinking, and has verifiable answers.
//!
//! Problems are chains of arithmetic with two digits, and responses are worked answers. Anything else is outside of the domain ([`domain`]) and is
//! refused.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

pub mod domain;
pub mod folder;
pub mod formats;
pub mod generate;
pub mod problem;
pub mod story;
pub mod trace;

/// The files of the trained judge: name and content. `runs/tiny.sh` made them (`seed-0/rrm/best`); docs/rrm-tiny.md has its measured accuracy.
pub const MODEL: &[(&str, &[u8])] = &[
    ("config.json", include_bytes!("../model/config.json")),
    ("model.safetensors", include_bytes!("../model/model.safetensors")),
    ("tokenizer.json", include_bytes!("../model/tokenizer.json")),
    ("tokenizer_config.json", include_bytes!("../model/tokenizer_config.json")),
];

/// A notice for users of the embedded judge.
pub const NOTICE: &str = "it checks two-digit arithmetic and nothing else; --engine names another judge";
