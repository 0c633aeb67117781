//! What the binary says about itself.

use crate::{rrm, stdout};

#[test]
fn help_lists_the_commands() {
    insta::assert_snapshot!(stdout(&rrm(["--help"])), @"");
}

#[test]
fn help_of_rank_lists_its_options() {
    insta::assert_snapshot!(stdout(&rrm(["rank", "--help"])));
}
