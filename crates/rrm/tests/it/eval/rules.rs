//! What decisions count, on rows made for it.

use std::collections::HashMap;

use rrm::{
    dataset::ColumnNames,
    eval::{self, Benchmark, EvalError, Suite},
};

use super::{evaluate, evaluate_script, group, judge, official, parity::Replies, strict};

/// A benchmark from one file of these rows.
fn made(benchmark: Benchmark, name: &str, rows: &str) -> Result<Suite, EvalError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, rows).unwrap();
    eval::load(benchmark, &[path], &ColumnNames::default())
}

/// What is wrong with these rows, without the folder.
fn refused(benchmark: Benchmark, name: &str, rows: &str) -> String {
    let message = made(benchmark, name, rows).unwrap_err().to_string();
    message[message.find(name).unwrap()..].to_owned()
}

#[tokio::test]
async fn judgebench_adds_up_both_orders() {
    let pairs = [
        ("right twice", "[[A>B]]", "[[B>A]]", 1.0, true),
        ("right and a tie", "[[A>>B]]", "[[A=B]]", 1.0, false),
        ("right and nothing", "no idea", "[[B>A]]", 1.0, false),
        ("right and wrong", "[[A>B]]", "[[A>B]]", 0.0, false),
        ("tie twice", "[[A=B]]", "[[A=B]]", 0.0, false),
        ("wrong and a tie", "[[B>A]]", "[[A=B]]", 0.0, false),
    ];
    let (mut rows, mut replies) = (String::new(), HashMap::new());
    for (id, given, swapped, ..) in pairs {
        rows += &format!(
            "{{\"pair_id\":\"{id}\",\"question\":\"{id}\",\"response_A\":\"a\",\"response_B\":\"b\",\"label\":\"A>B\",\"source\":\"livebench-math\",\"response_model\":\"m\"}}\n"
        );
        replies.insert(("a".to_owned(), "b".to_owned(), id.to_owned()), given.to_owned());
        replies.insert(("b".to_owned(), "a".to_owned(), id.to_owned()), swapped.to_owned());
    }
    let suite = made(Benchmark::JudgeBench, "pairs.jsonl", &rows).unwrap();
    let (rows, evaluation) = evaluate(&judge(Replies::new(replies), "arena-hard"), &suite).await;
    for (row, (id, _, _, official, strict)) in rows.iter().zip(pairs) {
        assert_eq!((row.id.as_str(), row.official, row.strict), (id, official, Some(strict)));
    }
    let overall = group(&evaluation, "overall");
    assert_eq!((overall.official.unwrap().value, overall.strict.unwrap().value), (0.5, 1.0 / 6.0));
    assert_eq!((overall.counts.consistent, overall.counts.flipped, overall.counts.undecided), (2, 3, 1));
    assert_eq!((overall.counts.votes, overall.counts.abstained, overall.counts.completion_tokens), (12, 1, 36));
    assert_eq!(overall.missing, ["mmlu-pro", "livebench-reasoning", "livecodebench"]);
}

#[tokio::test]
async fn rewardbench_counts_what_is_no_choice_as_half_and_weighs_math_as_much_as_code() {
    // What is said about the chosen response first, and about it second.
    let pairs = [
        ("right", "math-prm", "[[A>B]]", "[[B>A]]", 1.0),
        ("wrong", "math-prm", "[[B>A]]", "[[A>B]]", 0.0),
        ("a tie", "math-prm", "[[A=B]]", "[[A=B]]", 0.5),
        ("nothing", "math-prm", "I cannot say.", "I cannot say.", 0.5),
        ("right again", "hep-rust", "[[A>B]]", "[[B>A]]", 1.0),
    ];
    let (mut rows, mut replies) = (String::new(), HashMap::new());
    for (prompt, subset, given, swapped, _) in pairs {
        rows += &format!("{{\"prompt\":\"{prompt}\",\"chosen\":\"a\",\"rejected\":\"b\",\"subset\":\"{subset}\"}}\n");
        replies.insert(("a".to_owned(), "b".to_owned(), prompt.to_owned()), given.to_owned());
        replies.insert(("b".to_owned(), "a".to_owned(), prompt.to_owned()), swapped.to_owned());
    }
    let suite = made(Benchmark::RewardBench, "filtered.jsonl", &rows).unwrap();
    let (rows, evaluation) = evaluate(&judge(Replies::new(replies), "arena-hard"), &suite).await;
    for (row, (prompt, .., official)) in rows.iter().zip(pairs) {
        assert_eq!(row.official, official, "{prompt}");
    }
    assert_eq!(["math-prm", "hep-rust"].map(|name| official(&evaluation, name)), [0.5, 1.0]);
    assert_eq!(official(&evaluation, "Reasoning"), (984.0 * 0.5 + 164.0) / (984.0 + 164.0));
    assert_eq!(strict(&evaluation, "math-prm"), 0.25);
}

#[tokio::test]
async fn rm_bench_is_a_matrix_of_styles() {
    // By length: the concise right answer loses to all, the fanciest one only to the fanciest wrong one.
    let row = |id: u32| format!(r#"{{"id":{id},"prompt":"P","chosen":["1","333","55555"],"rejected":["22","4444","666666"]}}"#);
    let suite = made(Benchmark::RmBench, "chat_filtered.json", &format!("[{},{}]", row(1), row(2))).unwrap();
    assert_eq!((suite.cases.len(), suite.cases[9].item.id.as_str()), (18, "chat/2"));
    let evaluation = evaluate_script("longer", &suite).await;
    let values = ["chat/normal", "chat/hard", "chat/easy", "chat", "easy", "overall"].map(|name| official(&evaluation, name));
    assert_eq!(values, [0.0, 0.0, 1.0, 1.0 / 3.0, 1.0, 1.0 / 3.0]);
    // Nine pairs of one prompt are one piece of evidence.
    assert_eq!(group(&evaluation, "chat").rows, 2.0);
    assert_eq!(group(&evaluation, "chat").counts.cases, 18);
}

#[tokio::test]
async fn rm_bench_counts_a_tie_as_half_and_no_verdict_as_wrong() {
    let row = r#"[{"id":1,"prompt":"P","chosen":["a","b","c"],"rejected":["x","y","z"]}]"#;
    let suite = made(Benchmark::RmBench, "math.json", row).unwrap();
    for (said, official) in [("[[A=B]]", 0.5), ("Hm.", 0.0)] {
        let mut replies = HashMap::new();
        for chosen in ["a", "b", "c"] {
            for rejected in ["x", "y", "z"] {
                let (one, other, prompt) = (chosen.to_owned(), rejected.to_owned(), "P".to_owned());
                replies.insert((one.clone(), other.clone(), prompt.clone()), said.to_owned());
                replies.insert((other, one, prompt), said.to_owned());
            }
        }
        let (rows, evaluation) = evaluate(&judge(Replies::new(replies), "arena-hard"), &suite).await;
        assert!(rows.iter().all(|row| row.official == official && row.strict == Some(false)), "{said}");
        assert_eq!(group(&evaluation, "overall").official.unwrap().value, official);
    }
}

#[tokio::test]
async fn llmbar_weighs_its_subsets_alike_and_tells_them_by_folders() {
    let folder = tempfile::tempdir().unwrap();
    let row = |label: u8| format!(r#"{{"input":"P{label}","output_1":"a","output_2":"bb","label":{label}}}"#);
    // The longer response is right in one of two natural pairs, in all of Manual, in none of Neighbor.
    let files = [("Natural", vec![1, 2]), ("Adversarial/Manual", vec![2, 2]), ("Adversarial/Neighbor", vec![1])];
    for (subset, labels) in files {
        let path = folder.path().join(subset);
        std::fs::create_dir_all(&path).unwrap();
        let rows: Vec<String> = labels.into_iter().map(row).collect();
        std::fs::write(path.join("dataset.json"), format!("[{}]", rows.join(","))).unwrap();
    }
    let suite = eval::load(Benchmark::LlmBar, &[folder.path().to_owned()], &ColumnNames::default()).unwrap();
    let evaluation = evaluate_script("longer", &suite).await;
    let values = ["natural", "adver-manual", "adver-neighbor", "adversarial", "overall"].map(|name| official(&evaluation, name));
    assert_eq!(values, [0.5, 1.0, 0.0, 0.5, 0.5]);
    assert_eq!(group(&evaluation, "adversarial").missing, ["adver-GPTInst", "adver-GPTOut"]);
    let evaluation = evaluate_script("first", &suite).await;
    assert_eq!((official(&evaluation, "overall"), strict(&evaluation, "overall")), (0.5, 0.0));
}

#[tokio::test]
async fn pandalm_counts_ties_and_averages_over_three_labels() {
    // Labels with what is said about the pair as the file has it; the other order says the same about the places.
    let pairs = [("1", "[[A>B]]"), ("1", "[[B>A]]"), ("2", "[[B>A]]"), ("0", "[[A=B]]"), ("0", "[[A>B]]"), ("2", "Hm.")];
    let (mut rows, mut replies) = (Vec::new(), HashMap::new());
    for (i, (label, said)) in pairs.iter().enumerate() {
        rows.push(format!(
            r#"{{"idx":{i},"instruction":"P{i}","input":"","response1":"a","response2":"b","annotator1":{label},"annotator2":{label},"annotator3":1}}"#
        ));
        for (one, other) in [("a", "b"), ("b", "a")] {
            replies.insert((one.to_owned(), other.to_owned(), format!("P{i}")), (*said).to_owned());
        }
    }
    let suite = made(Benchmark::PandaLm, "test.json", &format!("[{}]", rows.join(","))).unwrap();
    let (_, evaluation) = evaluate(&judge(Replies::new(replies), "arena-hard"), &suite).await;
    assert_eq!((official(&evaluation, "overall"), strict(&evaluation, "overall")), (0.5, 1.0 / 6.0));
    // By label (first, second, tie): named 2, 2, 1 times, labelled twice each, right once each.
    let near = |name: &str, value: f64| assert!((evaluation.metrics[name] - value).abs() < 1e-12, "{name}");
    near("macro precision", (1.0 / 2.0 + 1.0 / 2.0 + 1.0) / 3.0);
    near("macro recall", 0.5);
    near("macro F1", (2.0 / 4.0 + 2.0 / 4.0 + 2.0 / 3.0) / 3.0);
}

#[tokio::test]
async fn rewardbench_2_wants_the_right_responses_above_all_wrong_ones() {
    // By length; what the row counts does not depend on where the pair stands that is judged wrong.
    let rows = concat!(
        r#"{"id":"1","prompt":"P","chosen":["aa"],"rejected":["b","c","d"],"num_correct":1,"subset":"Factuality"}"#,
        "\n",
        r#"{"id":"2","prompt":"P","chosen":["aa"],"rejected":["b","cccc","d"],"num_correct":1,"subset":"Factuality"}"#,
        "\n",
        r#"{"id":"ref:1","prompt":"P","chosen":["aaa"],"rejected":["bbbb","c"],"num_correct":1,"subset":"Ties"}"#,
        "\n",
        r#"{"id":"tied:1","prompt":"P","chosen":["aaa","aaaa"],"rejected":["b","cc","d"],"num_correct":2,"subset":"Ties"}"#,
        "\n",
        r#"{"id":"tied:2","prompt":"P","chosen":["aaa","aaaa"],"rejected":["b"],"num_correct":2,"subset":"Ties"}"#,
    );
    let suite = made(Benchmark::RewardBench2, "train.jsonl", rows).unwrap();
    assert_eq!(suite.cases.len(), 3 + 3 + 2 + 6 + 2);
    let evaluation = evaluate_script("longer", &suite).await;
    assert_eq!(["Factuality", "Ties"].map(|name| official(&evaluation, name)), [0.5, 2.0 / 3.0]);
    assert_eq!(["Factuality", "Ties"].map(|name| strict(&evaluation, name)), [0.5, 2.0 / 3.0]);
    assert_eq!((group(&evaluation, "Ties").rows, group(&evaluation, "Ties").counts.cases), (3.0, 10));
    let overall = group(&evaluation, "overall");
    assert_eq!(overall.official.unwrap().value, (0.5 + 2.0 / 3.0) / 2.0);
    assert_eq!(overall.missing, ["Precise IF", "Math", "Safety", "Focus"]);
    let evaluation = evaluate_script("silent", &suite).await;
    assert_eq!(official(&evaluation, "overall"), 0.0);
}

/// A row of PPE: response i is i + 1 letters long and right if i is odd.
fn ppe(pairs: &str, scores: usize) -> String {
    let responses = (0..32).map(|i| format!(r#""response_{}":"{}""#, i + 1, "x".repeat(i + 1)));
    let scores: Vec<bool> = (0..scores).map(|i| i % 2 == 1).collect();
    format!(
        r#"{{"question_id":"7","model_name":"m","prompt":"P",{},"scores":{scores:?},"sampled_conflict_pairs":{pairs}}}"#,
        responses.collect::<Vec<_>>().join(",")
    )
}

#[tokio::test]
async fn ppe_counts_its_sampled_pairs() {
    let row = ppe("[[1,0],[0,1],[2,3],[30,5],[5,30]]", 32);
    let suite = made(Benchmark::Ppe, "PPE-GPQA-Best-of-K.jsonl", &row).unwrap();
    assert_eq!((suite.cases.len(), suite.cases[0].item.id.as_str()), (5, "gpqa/7/m"));
    let evaluation = evaluate_script("longer", &suite).await;
    assert_eq!((official(&evaluation, "gpqa"), strict(&evaluation, "gpqa")), (0.6, 0.6));
    assert_eq!((group(&evaluation, "gpqa").rows, official(&evaluation, "overall")), (1.0, 0.6));
    let evaluation = evaluate_script("silent", &suite).await;
    assert_eq!((official(&evaluation, "gpqa"), strict(&evaluation, "gpqa")), (0.5, 0.0));
}

#[tokio::test]
async fn auto_j_wants_both_orders_right_and_calls_the_first_response_0() {
    let said = [
        (0, "[[A>B]]", "[[B>A]]"),
        (1, "[[B>A]]", "[[B>A]]"),
        (2, "[[A=B]]", "[[A=B]]"),
        (1, "[[B>A]]", "[[A>B]]"),
        (2, "Hm.", "Hm."),
    ];
    let (mut rows, mut replies) = (Vec::new(), HashMap::new());
    for (i, (label, given, swapped)) in said.into_iter().enumerate() {
        rows.push(format!(r#"{{"scenario":"chitchat","label":{label},"prompt":"P{i}","response 1":"a","response 2":"b"}}"#));
        replies.insert(("a".to_owned(), "b".to_owned(), format!("P{i}")), given.to_owned());
        replies.insert(("b".to_owned(), "a".to_owned(), format!("P{i}")), swapped.to_owned());
    }
    let suite = made(Benchmark::AutoJ, "testdata_pairwise.jsonl", &rows.join("\n")).unwrap();
    let (rows, evaluation) = evaluate(&judge(Replies::new(replies), "arena-hard"), &suite).await;
    assert_eq!(rows.iter().map(|row| row.official).collect::<Vec<_>>(), [1.0, 0.0, 1.0, 1.0, 0.0]);
    assert_eq!((official(&evaluation, "overall"), strict(&evaluation, "overall")), (0.6, 0.6));
}

/// A vote on MT-Bench: the first turn of one model is longer, the second turn of the other.
fn vote(winner: &str, turn: u32) -> String {
    let turns = |first: &str, second: &str| {
        let message = |role: &str, text: &str| format!(r#"{{"role":"{role}","content":"{text}"}}"#);
        format!(
            "[{},{},{},{}]",
            message("user", "Q"),
            message("assistant", first),
            message("user", "R"),
            message("assistant", second)
        )
    };
    format!(
        r#"{{"question_id":81,"model_a":"x","model_b":"y","winner":"{winner}","judge":"expert_1","turn":{turn},"conversation_a":{},"conversation_b":{}}}"#,
        turns("longer", "no"),
        turns("a", "longest")
    )
}

#[tokio::test]
async fn mt_bench_counts_votes_about_first_turns_that_are_no_ties() {
    let votes = [("model_a", 1), ("model_b", 1), ("model_b", 2), ("tie", 1), ("tie (inconsistent)", 1), ("model_a", 1)];
    let rows: Vec<String> = votes.into_iter().map(|(winner, turn)| vote(winner, turn)).collect();
    let suite = made(Benchmark::MtBenchHuman, "human.jsonl", &rows.join("\n")).unwrap();
    assert_eq!((suite.files[0].rows, suite.cases.len()), (6, 3));
    let case = &suite.cases[0];
    assert_eq!((case.item.prompt.messages[0].content.as_str(), &*case.item.responses[1].text), ("Q", "a"));
    let evaluation = evaluate_script("longer", &suite).await;
    assert_eq!((official(&evaluation, "overall"), strict(&evaluation, "overall")), (2.0 / 3.0, 2.0 / 3.0));
}

#[tokio::test]
async fn own_pairs_are_grouped_by_subset_and_may_be_ties() {
    let rows = concat!(
        r#"{"id":"a","prompt":"P","chosen":"long","rejected":"no","subset":"one"}"#,
        "\n",
        r#"{"id":"b","prompt":"P","chosen":"y","rejected":"long","subset":"one"}"#,
        "\n",
        r#"{"id":"c","prompt":"P","responses":[{"text":"x","score":2},{"text":"yy","score":2}],"subset":"two"}"#,
    );
    let suite = made(Benchmark::Pairs, "mine.jsonl", rows).unwrap();
    let evaluation = evaluate_script("longer", &suite).await;
    assert_eq!(["one", "two", "overall"].map(|name| official(&evaluation, name)), [0.5, 0.0, 1.0 / 3.0]);
    assert_eq!(strict(&evaluation, "one"), 0.5);
}

#[test]
fn rows_of_something_else_are_refused_by_name() {
    let row = r#"{"prompt":"P","chosen":"a","rejected":"b","subset":"hep-cobol","id":1}"#;
    insta::assert_snapshot!(refused(Benchmark::RewardBench, "a.jsonl", row), @"a.jsonl row 1: `hep-cobol` is none of the 23 subsets");
    insta::assert_snapshot!(refused(Benchmark::JudgeBench, "a.jsonl", row), @"a.jsonl: no rows of judgebench, which have the columns pair_id, question, response_A, response_B, label, source, response_model; this file has: prompt, chosen, rejected, subset, id");
    insta::assert_snapshot!(refused(Benchmark::Pairs, "a.jsonl", r#"{"prompt":"P","responses":["a","b"]}"#), @"a.jsonl row 1: no label says which response is better");
    let of = |model: &str| {
        format!(
            r#"{{"pair_id":"{model}","question":"Q","response_A":"a","response_B":"b","label":"A>B","source":"livecodebench","response_model":"{model}"}}"#
        )
    };
    insta::assert_snapshot!(refused(Benchmark::JudgeBench, "a.jsonl", &format!("{}\n{}", of("gpt"), of("claude"))), @"a.jsonl row 2: `response_model` is `claude`, before it was `gpt`; upstream scores them apart, so give one at a time");
    let styles = r#"[{"id":1,"prompt":"P","chosen":["a","b","c","d"],"rejected":["x","y"]}]"#;
    insta::assert_snapshot!(refused(Benchmark::RmBench, "chat.json", styles), @"chat.json row 1: `chosen` and `rejected` must hold three responses each");
    let four = r#"{"id":"1","prompt":"P","chosen":["a"],"rejected":["b","c"],"num_correct":1,"subset":"Math"}"#;
    insta::assert_snapshot!(refused(Benchmark::RewardBench2, "a.jsonl", four), @"a.jsonl row 1: 1 right and 2 wrong responses; expected 1 and 3, and in Ties at least one of each");
    insta::assert_snapshot!(refused(Benchmark::RewardBench2, "a.jsonl", &four.replace("ct\":1", "ct\":2")), @"a.jsonl row 1: `num_correct` must be the number of responses in `chosen`, which is 1");
    insta::assert_snapshot!(refused(Benchmark::RewardBench2, "a.jsonl", &four.replace("Math", "Chat")), @"a.jsonl row 1: `subset` is `Chat`; expected one of Factuality, Precise IF, Math, Safety, Focus, Ties");
    insta::assert_snapshot!(refused(Benchmark::Ppe, "math.jsonl", &ppe("[[1,3]]", 32)), @"math.jsonl row 1: `sampled_conflict_pairs` holds [1,3]; expected two indexes from 0 to 31, one of a right response, one of a wrong one");
    insta::assert_snapshot!(refused(Benchmark::Ppe, "math.jsonl", &ppe("[[1,32]]", 32)), @"math.jsonl row 1: `sampled_conflict_pairs` holds [1,32]; expected two indexes from 0 to 31, one of a right response, one of a wrong one");
    insta::assert_snapshot!(refused(Benchmark::Ppe, "math.jsonl", &ppe("[[1,0]]", 33)), @"math.jsonl row 1: `scores` must hold one entry for each response; found 33");
    insta::assert_snapshot!(refused(Benchmark::Ppe, "a.jsonl", &ppe("[[1,0]]", 32)), @"a.jsonl row 1: the path of a PPE file names its set: MMLU-Pro, MATH, GPQA, IFEval or MBPP-Plus");
    insta::assert_snapshot!(refused(Benchmark::MtBenchHuman, "a.jsonl", &vote("tie", 1)), @"a.jsonl: none of its 1 rows counts in mt-bench-human");
    insta::assert_snapshot!(refused(Benchmark::MtBenchHuman, "a.jsonl", &vote("both", 1)), @"a.jsonl row 1: `winner` is `both`; expected model_a, model_b or tie");
    let third = r#"{"scenario":"s","label":3,"prompt":"P","response 1":"a","response 2":"b"}"#;
    insta::assert_snapshot!(refused(Benchmark::AutoJ, "a.jsonl", third), @"a.jsonl row 1: `label` must be 0 (the first), 1 (the second) or 2 (a tie)");
    let twice = r#"{"id":1,"prompt":"P","chosen":"a","rejected":"b"}"#;
    insta::assert_snapshot!(refused(Benchmark::Pairs, "a.jsonl", &format!("{twice}\n{twice}")), @"a.jsonl row 2: the id `1` was already used; was a file given twice, or do the rows of two files lack ids?");
}
