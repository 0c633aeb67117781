//! The words of a call: options that may stand alone, options that a plan does not need, and what is said of them.

use crate::{command, ledger::many, paying::rows, stderr, stdout};

#[test]
fn options_that_may_stand_alone_are_true_in_files_and_take_no_word_behind_a_blank() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, data) = (folder.path(), rows(folder.path(), "pairs.jsonl", "r"));
    let file = |text: &str| {
        let path = folder.join("options.toml");
        std::fs::write(&path, text).unwrap();
        let config = path.to_str().unwrap().to_owned();
        command()
            .args(["judge", &data, "--engine", "scripted:longer", "--config", &config, "-o"])
            .arg(folder.join("out.jsonl"))
            .output()
            .unwrap()
    };
    let saved = || std::fs::read_to_string(folder.join("out.jsonl.config.toml")).unwrap();
    for (text, says) in [("adaptive = true\nvotes = 3\n", "adaptive = \"sparing\""), ("adaptive = false\n", "adaptive = \"off\"")]
    {
        let output = file(text);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(saved().contains(says), "{}", saved());
    }
    assert!(file("same-weights = true\n").status.success());
    let wrong = file("adaptive = [1]\n");
    assert!(stderr(&wrong).contains("`adaptive` takes one value, or true for what it means without one"), "{}", stderr(&wrong));
    let unknown = file("max-token = 3\n");
    assert!(
        stderr(&unknown).contains("has no option `max-token`") && stderr(&unknown).contains("did you mean `max-tokens`?"),
        "{}",
        stderr(&unknown)
    );
    let words = |words: &[&str]| stderr(&command().args(words).output().unwrap());
    let lazy = words(&["judge", "--adaptive", "lazy", &data, "--engine", "scripted:longer"]);
    assert!(lazy.contains("`lazy` was taken for an input file") && lazy.contains("sparing") && lazy.contains("eager"), "{lazy}");
    let eager = words(&["judge", "--adaptive", "eager", &data, "--engine", "scripted:longer"]);
    assert!(eager.contains("--adaptive takes its value behind `=`: --adaptive=eager"), "{eager}");
    let output = command().args(["judge", "--adaptive", &data, "--engine", "scripted:longer"]).output().unwrap();
    assert!(output.status.success() && stdout(&output).contains("\"r0\""), "{}", stderr(&output));
}

#[test]
fn a_plan_takes_the_options_of_what_it_plans() {
    let folder = tempfile::tempdir().unwrap();
    let data = many(folder.path(), "rows.jsonl", 3, 4);
    let plan = |more: &[&str]| command().args(["plan", "rank", &data, "--votes", "2"]).args(more).output().unwrap();
    let (bare, whole) =
        (plan(&[]), plan(&["--concurrency", "8", "--temperature=0.1", "-o", "out.jsonl", "--both-orders", "--pay-again"]));
    assert_eq!(stdout(&bare), stdout(&whole));
    assert_eq!(stderr(&bare), "");
    let said = stderr(&whole);
    assert!(
        said.contains("a plan does not depend on --concurrency, --temperature, --output, --both-orders, --pay-again"),
        "{said}"
    );
    let label = command().args(["plan", "label", &data, "--votes", "2", "--min-margin", "0.5"]).output().unwrap();
    assert_eq!(stdout(&label), stdout(&bare));
    assert!(stderr(&label).contains("a plan does not depend on --min-margin"), "{}", stderr(&label));
    let wrong = plan(&["--conkurrency", "8"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", stderr(&wrong));
}

#[test]
fn one_vote_in_both_orders_is_said_to_be_one_order() {
    let folder = tempfile::tempdir().unwrap();
    let data = many(folder.path(), "rows.jsonl", 2, 2);
    let judge = |votes: &str| {
        let mut judge = command();
        judge.args(["judge", &data, "--engine", "scripted:longer", "--both-orders", "--votes", votes]);
        stderr(&judge.output().unwrap())
    };
    assert!(judge("1").contains("use --votes 2 for both"), "{}", judge("1"));
    assert!(!judge("2").contains("for both"), "{}", judge("2"));
}

#[test]
fn a_word_that_is_no_level_of_the_log_is_refused() {
    let run = |level: &str| command().args(["eval", "--list"]).env("RRM_LOG", level).output().unwrap();
    for level in ["nonsense", "info,loud", "[{"] {
        let output = run(level);
        assert_eq!(output.status.code(), Some(2), "{level}");
        assert!(stderr(&output).contains("is no level; expected error, warn, info"), "{}", stderr(&output));
    }
    for level in ["info", "rrm=debug", "rrm_server=info,rrm=debug", "off"] {
        assert!(run(level).status.success(), "{level}");
    }
}
