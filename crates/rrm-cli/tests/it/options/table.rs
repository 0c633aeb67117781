//! What each option of each command does, by what two runs show of it. An option that is missing here fails a test.

use super::trial::Effect::{
    self, Differs, Elsewhere, Ends, Mends, Says, Sends, SendsFewer, SendsMore, SendsOther, Spares, Threads, Waits, Writes,
    WritesOther,
};

/// A run without the option.
#[derive(Clone, Copy, PartialEq)]
pub enum Base {
    /// The command with what it needs, by a scripted judge.
    Own,
    /// By a server.
    Server,
    /// By a random model in process.
    Local,
    /// Of `pairs`: with a base judge. Of `eval`: about best of N.
    Other,
    /// With the judge that a batch is for.
    Batch,
    /// By a server that is not there.
    Gone,
    /// Exactly these words.
    Words(&'static [&'static str]),
}

/// One option, tried.
pub struct Trial {
    /// The option.
    pub option: &'static str,
    /// The commands that it is tried with, between commas; empty for all others that list it.
    pub commands: &'static str,
    /// Its values; none where it is a switch.
    pub values: &'static [&'static str],
    /// What is run.
    pub base: Base,
    /// What else is said in both runs.
    pub with: &'static [&'static str],
    /// What the option changes.
    pub effect: Effect,
}

impl Trial {
    pub fn is_of(&self, command: &str) -> bool {
        self.commands.is_empty() || self.commands.split(',').any(|other| other == command)
    }
}

/// The trial of an option: that of the command, or else that of all.
pub fn of(command: &str, option: &str) -> Option<&'static Trial> {
    let own = TRIALS.iter().find(|trial| trial.option == option && !trial.commands.is_empty() && trial.is_of(command));
    own.or_else(|| TRIALS.iter().find(|trial| trial.option == option && trial.commands.is_empty()))
}

const LOCAL: &str = concat!("local:", env!("CARGO_MANIFEST_DIR"), "/../rrm-nn/tests/golden/qwen2");

impl Base {
    /// The words of a command.
    pub fn words(self, command: &str) -> Vec<&'static str> {
        let asks = match self {
            Base::Words(words) => return words.to_vec(),
            Base::Own | Base::Other => vec!["--engine", "scripted:random", "--store", "none"],
            Base::Server => vec!["--engine", "SERVER", "--store", "none"],
            Base::Gone => vec!["--engine", "http://127.0.0.1:1", "--store", "none", "--max-retries", "0"],
            Base::Local => {
                vec!["--engine", LOCAL, "--store", "none", "--format", "DIR/short.toml", "--max-tokens", "24", "--seed", "3"]
            }
            Base::Batch => vec!["--model", "m", "--revision", "r", "--store", "DIR/s.sqlite", "-o", "DIR/o"],
        };
        let what: &[&str] = match (command, self) {
            ("judge", _) => &["judge", "DIR/pairs.jsonl"],
            ("rank", _) => &["rank", "DIR/rows.jsonl"],
            ("label", _) => &["label", "DIR/rows.jsonl"],
            ("eval", Base::Other) => &["eval", "best-of", "--data", "DIR/graded.jsonl"],
            ("eval", _) => &["eval", "pairs", "--data", "DIR/labelled.jsonl"],
            ("tune", _) => &["tune", "--data", "DIR/labelled.jsonl", "--votes", "2"],
            ("serve", _) => &["serve", "--bind", "127.0.0.1:0", "--group-size", "2"],
            ("pairs", Base::Other) => {
                return vec!["pairs", "DIR/questions.jsonl", "--filter-engine", "scripted:random", "--store", "none"];
            }
            ("pairs", Base::Own) => return vec!["pairs", "DIR/questions.jsonl"],
            ("pairs", _) => &["pairs", "DIR/questions.jsonl", "--samples", "2"],
            ("plan judge", _) => return vec!["plan", "judge", "DIR/pairs.jsonl"],
            ("plan rank", _) => return vec!["plan", "rank", "DIR/rows.jsonl"],
            ("plan label", _) => return vec!["plan", "label", "DIR/rows.jsonl"],
            ("plan eval", Base::Other) => return vec!["plan", "eval", "best-of", "--data", "DIR/graded.jsonl"],
            ("plan eval", _) => return vec!["plan", "eval", "pairs", "--data", "DIR/labelled.jsonl"],
            ("doctor", _) => return vec!["doctor", "SERVER"],
            _ => panic!("rrm {command} has no words of its own"),
        };
        what.iter().copied().chain(asks).collect()
    }
}

const fn trial(option: &'static str, values: &'static [&'static str], base: Base, effect: Effect) -> Trial {
    Trial { option, commands: "", values, base, with: &[], effect }
}

impl Trial {
    const fn of(self, commands: &'static str) -> Self {
        Trial { commands, ..self }
    }

    const fn with(self, with: &'static [&'static str]) -> Self {
        Trial { with, ..self }
    }
}

const FILES: Base = Base::Words(&["judge", "DIR/one.jsonl", "DIR/two.jsonl", "--engine", "scripted:random"]);
const RANKED: Base = Base::Words(&["rank", "DIR/one.jsonl", "DIR/two.jsonl", "--engine", "scripted:random"]);
const JOINED: &[&str] = &["--join", "question_id"];
const THREE: Base =
    Base::Words(&["serve", "--bind", "127.0.0.1:0", "--group-size", "3", "--engine", "scripted:random", "--store", "none"]);
const VERIFY: Base = Base::Words(&["verify", "DIR/gold.jsonl"]);
const ASKED: &[&str] = &["prompt=ask", "responses=answers"];
const REPORTED: &str = "a_report_shows_runs_side_by_side_and_runs_nothing_of_their_texts";
const READ_BATCH: &str = "a_knockout_goes_on_round_by_round_to_the_rows_of_a_server";
const THINKS: &[&str] = &["--max-thinking-tokens", "12"];
const PLANS: &str = "plan judge,plan rank,plan label,plan eval";

/// All of them.
pub const TRIALS: &[Trial] = &[
    trial("config", &["DIR/none.toml"], Base::Own, Says("none.toml")),
    // Who judges, and how texts are drawn.
    trial("engine", &["scripted:first"], Base::Own, Differs),
    trial("engine", &["scripted:first"], Base::Server, SendsFewer).of("pairs"),
    trial("engine", &["http://127.0.0.1:1"], Base::Own, Differs).of(PLANS).with(THINKS),
    trial("model", &["other"], Base::Server, Sends("\"model\":\"other\"")),
    trial("format", &["direct"], Base::Server, SendsOther),
    trial(
        "format",
        &["DIR/short.toml"],
        Base::Words(&["pairs", "DIR/questions.jsonl", "--filter-engine", "SERVER", "--store", "none"]),
        SendsOther,
    )
    .of("pairs"),
    trial("format", &["direct"], Base::Own, Differs).of(PLANS),
    trial("votes", &["3"], Base::Own, Differs),
    trial("votes", &["3"], Base::Server, SendsMore).of("serve,label"),
    trial("adaptive", &["=sparing"], Base::Server, SendsFewer).with(&["--votes", "5"]),
    trial("adaptive", &["=sparing"], Base::Own, Differs).with(&["--votes", "5"]).of(PLANS),
    trial("both-orders", &[], Base::Server, SendsOther).with(&["--votes", "2"]),
    trial("max-thinking-tokens", &["5"], Base::Server, SendsOther),
    trial("max-thinking-tokens", &["5"], Base::Own, Differs).of(PLANS),
    trial("stop-at-verdict", &[], Base::Local, WritesOther).with(&["--max-thinking-tokens", "12", "--record", "DIR/out"]),
    trial("stop-at-verdict", &[], Base::Local, Elsewhere("a_text_ends_with_its_verdict_where_that_is_asked_for")).of("serve"),
    trial("max-tokens", &["77"], Base::Server, Sends("\"max_tokens\":77")),
    trial("max-tokens", &["77"], Base::Own, Differs).of(PLANS),
    trial("temperature", &["0.25"], Base::Server, Sends("\"temperature\":0.25")),
    trial("top-p", &["0.5"], Base::Server, Sends("\"top_p\":0.5")),
    trial("top-k", &["7"], Base::Server, Sends("\"top_k\":7")),
    trial("min-p", &["0.125"], Base::Server, Sends("\"min_p\":0.125")),
    trial("seed", &["9"], Base::Server, SendsOther),
    trial("seed", &["1"], Base::Other, Differs).of("plan eval").with(&["--largest", "2"]),
    trial("seed", &["9"], Base::Own, Differs).of("plan rank,plan label"),
    // Ranking.
    trial("strategy", &["elo"], Base::Own, Differs),
    trial("strategy", &["elo"], Base::Server, SendsMore).of("label,serve"),
    trial("opponents", &["1"], Base::Own, Differs).with(&["--strategy", "elo"]),
    trial("opponents", &["1"], Base::Server, SendsFewer).with(&["--strategy", "elo"]).of("label,serve"),
    trial("teams", &["off"], Base::Server, SendsMore).with(&["--strategy", "elo"]),
    trial("teams", &["off"], Base::Other, Differs).of("eval,plan eval"),
    trial("teams", &["off"], Base::Own, Differs).of("plan rank,plan label").with(&["--strategy", "elo"]),
    // What is read, kept and written.
    trial("column", ASKED, Base::Words(&["judge", "DIR/renamed.jsonl", "--engine", "scripted:first"]), Mends).of("judge"),
    trial("column", ASKED, Base::Words(&["rank", "DIR/renamed.jsonl", "--engine", "scripted:first"]), Mends).of("rank"),
    trial("column", ASKED, Base::Words(&["label", "DIR/renamed.jsonl", "--engine", "scripted:first"]), Mends).of("label"),
    trial(
        "column",
        &["prompt=ask"],
        Base::Words(&["eval", "pairs", "--data", "DIR/asked.jsonl", "--engine", "scripted:first"]),
        Mends,
    )
    .of("eval"),
    trial("column", &["prompt=ask"], Base::Words(&["tune", "--data", "DIR/asked.jsonl", "--engine", "scripted:first"]), Mends)
        .of("tune"),
    trial("column", ASKED, Base::Words(&["plan", "judge", "DIR/renamed.jsonl"]), Mends).of("plan judge"),
    trial("column", ASKED, Base::Words(&["plan", "rank", "DIR/renamed.jsonl"]), Mends).of("plan rank"),
    trial("column", ASKED, Base::Words(&["plan", "label", "DIR/renamed.jsonl"]), Mends).of("plan label"),
    trial("column", &["prompt=ask"], Base::Words(&["plan", "eval", "pairs", "--data", "DIR/asked.jsonl"]), Mends).of("plan eval"),
    trial("column", &["category=id"], Base::Own, Differs).of("pairs"),
    trial("column", ASKED, Base::Own, Elsewhere("a_result_is_shown_with_its_bracket")).of("show"),
    trial("column", ASKED, Base::Words(&["format", "preview", "rrm", "DIR/renamed.jsonl"]), Mends).of("format preview"),
    trial("skip-bad-rows", &[], Base::Words(&["judge", "DIR/bad.jsonl", "--engine", "scripted:first"]), Mends).of("judge"),
    trial("skip-bad-rows", &[], Base::Words(&["rank", "DIR/bad.jsonl", "--engine", "scripted:first"]), Mends).of("rank"),
    trial("skip-bad-rows", &[], Base::Words(&["label", "DIR/bad.jsonl", "--engine", "scripted:first"]), Mends).of("label"),
    trial("skip-bad-rows", &[], Base::Words(&["plan", "judge", "DIR/bad.jsonl"]), Mends).of("plan judge"),
    trial("skip-bad-rows", &[], Base::Words(&["plan", "rank", "DIR/bad.jsonl"]), Mends).of("plan rank"),
    trial("skip-bad-rows", &[], Base::Words(&["plan", "label", "DIR/bad.jsonl"]), Mends).of("plan label"),
    trial("output", &["DIR/there.jsonl"], Base::Own, Writes("there.jsonl")),
    trial("store", &["DIR/s.sqlite"], Base::Server, Writes("s.sqlite")),
    trial("store", &["none"], Base::Other, Differs).of("plan eval"),
    trial("same-weights", &[], Base::Own, Elsewhere("the_same_weights_go_on")),
    trial("pay-again", &[], Base::Own, Elsewhere("a_resumed_run_does_not_pay_twice_without_a_word")),
    trial("record", &["DIR/r.jsonl"], Base::Server, Writes("r.jsonl")),
    trial("stream", &[], Base::Server, Says("boxed")),
    trial("shard", &["1/2"], Base::Own, Differs),
    trial("shard", &["1/2"], Base::Own, Says("shard 1/2")).of("eval"),
    trial("batch-out", &["DIR/b.jsonl"], Base::Batch, Writes("b.jsonl")),
    // Limits.
    trial("concurrency", &["1"], Base::Server, Elsewhere("requests_in_flight_are_as_many_as_said")),
    trial("max-abstained", &["0.1"], Base::Own, Elsewhere("a_judge_that_gives_no_verdicts_ends_the_run_early")),
    trial("max-row-votes", &["1"], Base::Own, Says("(--max-row-votes)")),
    trial("max-row-votes", &["1"], Base::Other, Says("(--max-row-votes)")).of("eval,plan eval"),
    trial("max-row-votes", &["8"], Base::Own, Elsewhere("wrong_starts_say_what_is_wrong_and_show_no_token")).of("serve"),
    trial("max-calls", &["1"], Base::Server, Says("--max-calls 1")),
    trial("max-calls", &["1"], Base::Server, SendsFewer).of("serve"),
    trial("max-cost", &["0"], Base::Server, Says("--max-cost 0")).with(&["--price-completion", "1"]),
    trial("max-cost", &["0"], Base::Server, SendsFewer).with(&["--price-completion", "1"]).of("serve"),
    trial("price-prompt", &["5"], Base::Server, Says(", cost ")),
    trial("price-completion", &["5"], Base::Server, Says(", cost ")),
    trial("price-prompt", &["5"], Base::Own, Says("cost ")).of(PLANS),
    trial("price-completion", &["5"], Base::Own, Says("cost ")).of(PLANS),
    trial(
        "price-prompt",
        &["5"],
        Base::Server,
        Elsewhere("a_server_that_is_told_to_end_answers_who_waits_and_says_what_was_spent"),
    )
    .of("serve"),
    trial(
        "price-completion",
        &["5"],
        Base::Server,
        Elsewhere("a_server_that_is_told_to_end_answers_who_waits_and_says_what_was_spent"),
    )
    .of("serve"),
    trial("requests-per-minute", &["1"], Base::Server, Waits),
    trial("tokens-per-minute", &["1"], Base::Server, Waits),
    // Servers.
    trial("api-key-env", &["RRM_TEST_KEY"], Base::Server, Sends("word-of-the-test")),
    trial("revision", &["r1"], Base::Server, SendsFewer),
    trial("timeout", &["0.3"], Base::Server, Ends).with(&["--model", "hangs", "--max-retries", "0"]),
    trial("max-retries", &["0"], Base::Server, SendsFewer).with(&["--model", "fails", "--max-retries", "1"]),
    trial("wait-for-server", &["0.2"], Base::Gone, Says("waiting 0.2 s at most")),
    trial("header", &["x-test: yes"], Base::Server, Sends("x-test")),
    trial("request-field", &["reasoning_effort=low"], Base::Server, Sends("\"reasoning_effort\":\"low\"")),
    trial("without-field", &["seed"], Base::Server, Spares("\"seed\":")),
    trial("rename-field", &["max_tokens=max_completion_tokens"], Base::Server, Sends("\"max_completion_tokens\":")),
    trial("seed-bits", &["31"], Base::Server, SendsOther),
    trial("system-as-user", &[], Base::Server, SendsOther),
    trial(
        "system-as-user",
        &[],
        Base::Words(&["pairs", "DIR/questions.jsonl", "--filter-engine", "SERVER", "--store", "none"]),
        SendsOther,
    )
    .of("pairs"),
    trial("stream-replies", &[], Base::Server, Sends("\"stream\":true")),
    // Models in process.
    trial("context-size", &["16"], Base::Local, Says("too-long-for-engine")).of("pairs"),
    trial("context-size", &["16"], Base::Local, Says("do not fit the context of 16")),
    trial("threads", &["6"], Base::Local, Threads).with(&["--threads", "1"]),
    trial("weights", &["int8"], Base::Local, WritesOther).with(&["--record", "DIR/out"]),
    trial("weights", &["int8"], Base::Local, Elsewhere("requests_in_flight_change_no_byte")).of("serve"),
    trial("kv-cache", &["1"], Base::Local, Elsewhere("memory_refuses_a_text_and_never_cuts_one")),
    // `judge` and `rank`.
    trial("join", &["question_id"], FILES, Mends).of("judge"),
    trial("join", &["question_id"], RANKED, Mends).of("rank"),
    trial("join", &["question_id"], Base::Words(&["plan", "judge", "DIR/one.jsonl", "DIR/two.jsonl"]), Mends).of("plan judge"),
    trial("join", &["question_id"], Base::Words(&["plan", "rank", "DIR/one.jsonl", "DIR/two.jsonl"]), Mends).of("plan rank"),
    trial("questions", &["DIR/asks.jsonl"], Base::Words(&["plan", "judge", "DIR/bare.jsonl"]), Mends)
        .of("plan judge")
        .with(JOINED),
    trial("questions", &["DIR/asks.jsonl"], Base::Words(&["plan", "rank", "DIR/bare.jsonl"]), Mends).of("plan rank").with(JOINED),
    trial("questions", &["DIR/asks.jsonl"], Base::Words(&["judge", "DIR/bare.jsonl", "--engine", "scripted:first"]), Mends)
        .of("judge")
        .with(JOINED),
    trial("questions", &["DIR/asks.jsonl"], Base::Words(&["rank", "DIR/bare.jsonl", "--engine", "scripted:first"]), Mends)
        .of("rank")
        .with(JOINED),
    // `label`.
    trial("pairs", &["all"], Base::Own, Differs).of("label"),
    trial("min-margin", &["1"], Base::Own, Says("margin\n")).of("label").with(&["--votes", "3"]),
    trial("min-agreement", &["1"], Base::Own, Says("agreement\n")).of("label").with(&["--votes", "5"]),
    trial("write", &["kto"], Base::Own, Differs).of("label"),
    trial("write", &["best"], Base::Own, Differs).of("rank"),
    trial("bare", &[], Base::Own, Differs).of("label"),
    // `eval` and `tune`.
    trial("list", &[], Base::Own, Says("mt-bench-human")).of("eval"),
    trial("data", &["DIR/others.jsonl"], Base::Own, Differs),
    trial("recorded", &["DIR/none"], Base::Own, Elsewhere("recorded_judgments_are_scored_without_a_judge")).of("eval"),
    trial("official-only", &[], Base::Server, SendsFewer).of("eval"),
    trial("official-only", &[], Base::Own, Differs).of("plan eval"),
    trial("largest", &["1"], Base::Other, Differs),
    trial("budgets", &["none,9"], Base::Server, Says("no budget of thinking is possible")).of("tune"),
    trial("target", &["0.9"], Base::Own, Says("good enough")).of("tune"),
    // `plan`.
    trial("tokens-per-call", &["10"], Base::Own, Differs),
    // `pairs`.
    trial("samples", &["2"], Base::Words(&["pairs", "DIR/questions.jsonl", "--engine", "SERVER", "--store", "none"]), Mends)
        .of("pairs"),
    trial("instruction", &["Think."], Base::Server, Sends("Think.")).of("pairs"),
    trial("verify", &[], Base::Own, Elsewhere("published_layouts_are_told_by_their_columns")).of("pairs"),
    trial("per-question", &["2"], Base::Own, Differs).of("pairs"),
    trial("mixture", &["1,2"], Base::Words(&["pairs", "DIR/questions.jsonl", "DIR/more.jsonl"]), Differs).of("pairs"),
    trial("as-responses", &[], Base::Own, Differs).of("pairs"),
    trial("conversational", &[], Base::Own, Differs).of("pairs"),
    trial("decontaminate", &["DIR/questions.jsonl"], Base::Own, Says("decontaminating against")).of("pairs"),
    trial("ngram", &["2"], Base::Own, Says("\ndropped")).of("pairs").with(&[
        "--decontaminate",
        "DIR/more.jsonl",
        "--overlap",
        "0.4",
    ]),
    trial("overlap", &["0.9"], Base::Own, Differs).of("pairs").with(&["--decontaminate", "DIR/more.jsonl", "--ngram", "2"]),
    trial("near-duplicates", &["2"], Base::Words(&["pairs", "DIR/twice.jsonl"]), Differs).of("pairs"),
    trial("min-chars", &["17"], Base::Own, Says("too-short")).of("pairs"),
    trial("max-chars", &["5"], Base::Own, Says("too-long")).of("pairs"),
    trial("max-prompt-chars", &["5"], Base::Own, Says("prompt-too-long")).of("pairs"),
    trial("filter-engine", &["scripted:random"], Base::Own, Differs).of("pairs").with(&["--store", "none"]),
    trial(
        "filter-revision",
        &["r"],
        Base::Words(&["pairs", "DIR/questions.jsonl", "--filter-engine", "SERVER", "--store", "none"]),
        SendsFewer,
    )
    .of("pairs"),
    trial(
        "filter-model",
        &["base"],
        Base::Words(&["pairs", "DIR/questions.jsonl", "--filter-engine", "SERVER", "--store", "none"]),
        Sends("\"model\":\"base\""),
    )
    .of("pairs"),
    trial(
        "filter-votes",
        &["1"],
        Base::Words(&["pairs", "DIR/questions.jsonl", "--filter-engine", "SERVER", "--store", "none"]),
        SendsFewer,
    )
    .of("pairs"),
    trial("dry-run", &[], Base::Server, SendsFewer).of("pairs"),
    // `serve`.
    trial("bind", &["0.0.0.0:0"], Base::Own, Says("others reach this address")).of("serve"),
    trial("group-size", &["3"], Base::Own, Waits).of("serve"),
    trial("scale", &["unit"], Base::Own, Differs).of("serve"),
    trial("deadline", &["0.2"], THREE, Ends).of("serve"),
    trial("on-partial", &["judge"], THREE, Differs).of("serve").with(&["--deadline", "0.2"]),
    trial("judging-deadline", &["0.2"], Base::Own, Elsewhere("judging_that_takes_too_long_is_given_up_and_told")).of("serve"),
    trial("keep", &["0.1"], Base::Own, Elsewhere("a_judged_group_answers_again_for_as_long_as_it_is_kept")).of("serve"),
    trial("openrlhf-key", &["label"], Base::Own, Elsewhere("open_rlhf_samples_can_meet_by_label")).of("serve"),
    trial("max-response-bytes", &["3"], Base::Own, Says("at most 3 are judged")).of("serve"),
    trial("max-body-bytes", &["20"], Base::Own, Says("20 bytes")).of("serve"),
    trial("max-waiting", &["1"], Base::Own, Elsewhere("too_many_are_told_to_come_back")).of("serve"),
    trial("max-connections", &["4"], Base::Own, Elsewhere("wrong_starts_say_what_is_wrong_and_show_no_token")).of("serve"),
    trial("keys", &["DIR/keys.toml"], Base::Own, Says("unauthorized")).of("serve"),
    trial("drain", &["1"], Base::Own, Elsewhere("a_server_that_is_told_to_end_answers_who_waits_and_says_what_was_spent"))
        .of("serve"),
    trial("workers", &["5"], Base::Own, Threads).of("serve"),
    // The others.
    trial("gold", &["right"], VERIFY, Differs).of("verify"),
    trial("response", &["said"], VERIFY, Differs).of("verify"),
    trial("decimals", &["9"], VERIFY, Differs).of("verify"),
    trial("any-names", &[], VERIFY, Differs).of("verify"),
    trial(
        "inequality-for-interval",
        &["=false"],
        VERIFY,
        Elsewhere("an_inequality_answers_for_an_interval_unless_that_is_switched_off"),
    )
    .of("verify"),
    trial("output", &["DIR/there.jsonl"], VERIFY, Writes("there.jsonl")).of("verify"),
    trial("output", &["DIR/there.md"], Base::Own, Elsewhere(REPORTED)).of("report"),
    trial("cases", &["1"], Base::Own, Elsewhere(REPORTED)).of("report"),
    trial("jury", &[], Base::Own, Elsewhere("a_jury_is_made_of_stored_runs_and_figures_lie_beside_the_markdown")).of("report"),
    trial("store", &["DIR/s.sqlite"], Base::Own, Elsewhere(REPORTED)).of("report"),
    trial("input", &["DIR/rows.jsonl"], Base::Own, Elsewhere("a_result_is_shown_with_its_bracket")).of("show"),
    trial("brief", &[], Base::Own, Elsewhere("a_result_is_shown_with_its_bracket")).of("show"),
    trial("store", &["DIR/s.sqlite"], Base::Own, Elsewhere("a_result_is_shown_with_its_bracket")).of("show"),
    trial("search", &["x"], Base::Own, Elsewhere("rows_and_matches_of_a_result_are_listed")).of("show"),
    trial("closest", &["1"], Base::Own, Elsewhere("rows_and_matches_of_a_result_are_listed")).of("show"),
    trial("worst", &["1"], Base::Own, Elsewhere("rows_and_matches_of_a_result_are_listed")).of("show"),
    trial("limit", &["1"], Base::Own, Elsewhere("two_results_are_compared")).of("diff"),
    trial("output", &["DIR/pages"], Base::Own, Elsewhere("every_command_has_a_manual_page")).of("man"),
    trial("json", &[], Base::Own, Elsewhere("a_folder_says_what_it_is")).of("model inspect"),
    trial("type", &["f32"], Base::Own, Elsewhere("a_converted_folder_is_a_gguf_file")).of("model convert"),
    trial("set", &["x=1"], Base::Own, Elsewhere("wrong_values_are_named_with_what_was_expected")).of("train"),
    trial("dry-run", &[], Base::Own, Elsewhere("a_dry_run_shows_everything_and_trains_nothing")).of("train"),
    trial("fingerprint", &["x"], Base::Own, Elsewhere("gc_drops_what_is_named_and_gives_the_space_back")).of("store gc"),
    trial("engine", &["x"], Base::Own, Elsewhere("gc_drops_what_is_named_and_gives_the_space_back")).of("store gc"),
    trial("older-than-days", &["1"], Base::Own, Elsewhere("gc_drops_what_is_named_and_gives_the_space_back")).of("store gc"),
    trial("requests", &["DIR/b.jsonl"], Base::Own, Elsewhere(READ_BATCH)).of("batch read"),
    trial("store", &["DIR/s.sqlite"], Base::Own, Elsewhere(READ_BATCH)).of("batch read"),
];
