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
pub mod story;
pub mod trace;

/// The files of the trained judge: name and content. `runs/tiny.sh` made them (`seed-0/rrm/best`); docs/rrm-tiny.md says what they can do.
pub const MODEL: &[(&str, &[u8])] = &[
    ("config.json", include_bytes!("../model/config.json")),
    ("model.safetensors", include_bytes!("../model/model.safetensors")),
    ("tokenizer.json", include_bytes!("../model/tokenizer.json")),
    ("tokenizer_config.json", include_bytes!("../model/tokenizer_config.json")),
];

/// What users of the embedded judge should know.
pub const NOTICE: &str = "it checks two-digit arithmetic and nothing else; --engine names another judge";
