//! Names of columns and of responses that say something else than a winner: read where they say one thing, refused with what to write elsewhere.

use serde_json::{Value, json};

use super::{
    labels::{read_as, rows_of},
    row,
};
use rrm::dataset::ColumnNames;

/// Rows with responses in two columns and these labels, as they are read.
fn labelled(responses: [&str; 2], column: &str, labels: &[Value], more: &Value) -> String {
    let row = |label: &Value| {
        let mut row = more.clone();
        (row[responses[0]], row[responses[1]], row[column]) = (json!("x"), json!("y"), label.clone());
        row
    };
    let rows: Vec<Value> = labels.iter().map(row).collect();
    read_as(&rows_of(&rows), &[&format!("responses={}", responses.join(",")), &format!("label={column}")])
}

#[test]
fn names_of_the_worse_response_are_no_labels_of_the_better_one() {
    let none = json!({});
    for column in [
        "loser",
        "worse_response",
        "worseResponse",
        "rejected_id",
        "dispreferred",
        "worst",
        "incorrect_response",
        "less_safe",
        "not_preferred",
        "loser.id",
        "rank",
        "discarded",
        "eliminated",
        "defeated",
        "beaten",
        "runner_up",
        "second_best",
        "second_place",
        "dropped",
        "removed",
        "lost",
        "inferior",
        "unselected",
        "not_selected",
        "losing_response",
        "verlierer",
        "perdant",
        "peor",
    ] {
        let read = |labels: &[Value]| labelled(["a", "b"], column, labels, &none).replace(column, "L");
        if !column.contains('.') {
            assert_eq!(read(&[json!("A"), json!("B")]), "label=L:B,A or label=L:A,B", "{column}");
            assert_eq!(read(&[json!("A")]), "label=L:B,A or label=L:A,B", "{column}");
            assert_eq!(read(&[json!(2), json!(1)]), "label=L:2,1 or label=L:1,2", "{column}");
            assert_eq!(
                read(&[json!("Response 2"), json!("tie")]),
                "label=L:Response 2,Response 1,tie or label=L:Response 1,Response 2,tie",
                "{column}"
            );
        }
    }
    let nested = rows_of(&[json!({"a": "x", "b": "y", "loser": {"id": "A"}})]);
    assert_eq!(read_as(&nested, &["responses=a,b", "label=loser.id"]), "label=loser.id:B,A or label=loser.id:A,B");
    let models = json!({"model_a": "m1", "model_b": "m2"});
    let read = labelled(["a", "b"], "loser", &[json!("m1"), json!("m2")], &models);
    assert_eq!(read, "label=loser:model_b,model_a or label=loser:model_a,model_b");
    let columns = labelled(["base", "new"], "loser", &[json!("base")], &none);
    assert_eq!(columns, "label=loser:new,base or label=loser:base,new");
    // The mappings that are offered are read, and say opposite things.
    let rows = rows_of(&[json!({"a": "x", "b": "y", "model_a": "m1", "model_b": "m2", "loser": "m1"})]);
    assert_eq!(read_as(&rows, &["responses=a,b", "label=loser:model_b,model_a"]), "<");
    assert_eq!(read_as(&rows, &["responses=a,b", "label=loser:model_a,model_b"]), ">");
    // 0 and 1 are refused as ever, in other words.
    assert_eq!(labelled(["a", "b"], "loser", &[json!(0), json!(1)], &none), "label=loser:0,1 or label=loser:1,0");
    for column in
        ["winner", "better", "closer_response", "safer_response", "preferred", "winner_position", "best", "not_rejected"]
    {
        assert_eq!(labelled(["a", "b"], column, &[json!("A"), json!(2)], &none), "><", "{column}");
    }
}

#[test]
fn columns_of_losers_are_no_columns_of_winners() {
    let rows = rows_of(&[
        json!({"response_a": "x", "response_b": "y", "lost_a": 1, "lost_b": 0, "tie": 0}),
        json!({"response_a": "x", "response_b": "y", "lost_a": 0, "lost_b": 0, "tie": 1}),
    ]);
    let responses = "responses=response_a,response_b";
    assert_eq!(
        read_as(&rows, &[responses, "label=lost_a,lost_b,tie"]),
        "label=lost_b,lost_a,tie:one-hot or label=lost_a,lost_b,tie:one-hot"
    );
    assert_eq!(read_as(&rows, &[responses, "label=lost_b,lost_a,tie:one-hot"]), "<=");
    assert_eq!(read_as(&rows, &[responses, "label=lost_a,lost_b,tie:one-hot"]), ">=");
    let two = rows_of(&[json!({"a": "x", "b": "y", "dispreferred_a": 1, "dispreferred_b": 0})]);
    assert!(read_as(&two, &["responses=a,b", "label=dispreferred_a,dispreferred_b"]).contains(" or label="));
    // The third column of winners may be that of two bad responses.
    let won = rows_of(&[json!({"a": "x", "b": "y", "won_a": 1, "won_b": 0, "both_bad_tie": 0})]);
    assert_eq!(read_as(&won, &["responses=a,b", "label=won_a,won_b,both_bad_tie"]), ">");
}

#[test]
fn names_of_sizes_are_no_names_of_winners() {
    let none = json!({});
    let numbers = [json!(1), json!(2)];
    let read = |column: &str, labels: &[Value]| labelled(["a", "b"], column, labels, &none).replace(column, "L");
    for column in ["score_diff", "scoreDiff", "delta", "gap", "margin", "reward_margin"] {
        assert_eq!(read(column, &numbers), "label=L:<0,>0,0 or label=L:>0,<0,0", "{column}");
    }
    for column in [
        "overall",
        "likert",
        "confidence",
        "rating",
        "score",
        "strength",
        "pref_strength",
        "degree",
        "agreement",
        "label_confidence",
        "human_preference",
    ] {
        assert_eq!(read(column, &numbers), "label=L:1,2,0 or label=L:<0,>0,0", "{column}");
        assert_eq!(read(column, &[json!("2")]), "label=L:1,2,0 or label=L:<0,>0,0", "{column}");
    }
    // A preference is a common name for the number of the winner.
    for column in ["preference", "winner", "choice", "overall_winner", "vote", "annotator"] {
        assert_eq!(read(column, &numbers), "><", "{column}");
    }
}

#[test]
fn zero_one_and_two_mean_two_things() {
    let none = json!({});
    let both = "label=label:0,1,2 or label=label:1,2,0";
    for labels in [json!([0, 1, 2]), json!([0, 2]), json!(["0", "1.0", 2]), json!([0, 2, "tie"])] {
        let labels = labels.as_array().unwrap();
        assert_eq!(labelled(["a", "b"], "label", labels, &none), both, "{labels:?}");
        assert_eq!(labelled(["response_1", "response_2"], "label", labels, &none), both, "{labels:?}");
    }
    assert!(labelled(["a", "b"], "preference", &[json!(0), json!(1), json!(2)], &none).contains(" or label="));
    // Two data sets say it of their own columns.
    let auto_j = json!({"scenario": "s"});
    assert_eq!(labelled(["response 1", "response 2"], "label", &[json!(0), json!(1), json!(2)], &auto_j), "><=");
    let panda = |n: u8| json!({"response1": "x", "response2": "y", "annotator1": n, "annotator2": n, "annotator3": 2});
    let rows = rows_of(&[panda(0), panda(1), panda(2)]);
    assert_eq!(read_as(&rows, &["responses=response1,response2", "label=annotator1,annotator2,annotator3"]), "=><");
}

#[test]
fn labels_that_count_count_as_the_columns_do_or_are_refused() {
    let none = json!({});
    let read = |responses: [&str; 2], labels: &[&str]| {
        let labels: Vec<Value> = labels.iter().map(|label| json!(label)).collect();
        labelled(responses, "better", &labels, &none).replace("label=better:", "")
    };
    for (responses, labels, expected) in [
        (["output_0", "output_1"], &["Response 1"][..], "Response 0,Response 1 or Response 1,Response 2"),
        (["response_0", "response_1"], &["response 1", "tie"], "response 0,response 1,tie or response 1,response 2,tie"),
        (["answer0", "answer1"], &["model_1"], "model_0,model_1 or model_1,model_2"),
        (["answer0", "answer1"], &["Response one"], "Response zero,Response one or Response one,Response two"),
        (["output_0", "output_1"], &["Response 0", "Response 1"], "Response 0,Response 1 or Response 1,Response 2"),
        (["output_2", "output_3"], &["Response 2"], "Response 2,Response 3 or Response 1,Response 2"),
        (["response_b", "response_c"], &["B"], "B,C or A,B"),
        (["response_b", "response_c"], &["Model B", "Model C"], "Model B,Model C or Model A,Model B"),
        // The name of a column is that column, and 2 can only be counted from 1.
        (["output_0", "output_1"], &["output_1", "output_0"], "<>"),
        (["output_0", "output_1"], &["Assistant 1", "Assistant 2"], "><"),
        (["output_0", "output_1"], &["A", "B", "first"], "><>"),
        (["output_1", "output_2"], &["Response 1", "response 2"], "><"),
        (["response_a", "response_b"], &["A", "model_2"], "><"),
        (["gpt4", "llama3"], &["Response 1", "B"], "><"),
        (["response_b", "response_c"], &["response_c"], "<"),
    ] {
        assert_eq!(read(responses, labels), expected, "{responses:?} {labels:?}");
    }
    assert_eq!(labelled(["output_2", "output_3"], "better", &[json!(2)], &none), "label=better:2,3 or label=better:1,2");
    let list = rows_of(&[
        json!({"responses": ["x", "y"], "better": "response_1"}),
        json!({"responses": ["x", "y"], "better": "response_0"}),
    ]);
    assert_eq!(read_as(&list, &["label=better"]), "label=better:response_0,response_1 or label=better:response_1,response_2");
    assert_eq!(read_as(&list, &["label=better:response_0,response_1"]), "<>");
}

#[test]
fn columns_of_single_responses_say_what_they_are_read_as() {
    let error = |spec: &str| ColumnNames::parse(&[spec]).unwrap_err().to_string();
    for column in ["incorrect", "is_wrong", "isIncorrect", "has_error", "hallucinated"] {
        let told = error(&format!("responses.correct={column}"));
        assert!(told.contains(&format!("responses.correct={column}:false,true if true means a wrong response")), "{told}");
    }
    for column in [
        "penalty",
        "toxicity",
        "harm",
        "wer",
        "mistakes",
        "violations",
        "cost",
        "regret",
        "worse",
        "loss",
        "ppl",
        "num_errors",
        "editDistance",
        "rank",
    ] {
        let told = error(&format!("responses.score={column}"));
        assert!(told.contains(&format!("responses.rank={column} reads ranks")) && told.contains(":lower or "), "{told}");
    }
    for column in ["score", "reward", "elo"] {
        let told = error(&format!("responses.rank={column}"));
        assert!(told.contains(&format!("responses.score={column} reads scores")), "{told}");
    }
    for spec in [
        "responses.correct=passed",
        "responses.score=helpfulness",
        "responses.score=harmlessness",
        "responses.rank=elo_rank",
        "responses.rank=loss",
    ] {
        assert!(ColumnNames::parse(&[spec]).is_ok(), "{spec}");
    }
    for spec in [
        "responses.correct=x:a",
        "responses.correct=x:a,b,c",
        "responses.correct=x:a,a",
        "responses.score=x:best",
        "responses.score=x:",
    ] {
        assert!(ColumnNames::parse(&[spec]).is_err(), "{spec}");
    }
}

#[test]
fn what_a_column_of_single_responses_means_can_be_said() {
    let labels = |key: &str, values: [Value; 2], spec: &str| {
        let [one, other] = values;
        let json = json!({"prompt": "P", "responses": [{"text": "x", key: one}, {"text": "y", key: other}]}).to_string();
        row(&json, &[spec])
            .map(|item| item.responses.iter().map(|response| response.label).collect::<Vec<_>>())
            .map_err(|error| error.to_string())
    };
    let right = Ok(vec![Some(0.0), Some(1.0)]);
    assert_eq!(labels("is_wrong", [json!(true), json!(false)], "responses.correct=is_wrong:false,true"), right);
    assert_eq!(labels("is_wrong", [json!(1), json!(0)], "responses.correct=is_wrong:false,true"), right);
    assert_eq!(labels("grade", [json!("fail"), json!("Pass")], "responses.correct=grade:pass,fail"), right);
    assert_eq!(labels("grade", [json!(null), json!("pass")], "responses.correct=grade:pass,fail"), Ok(vec![None, Some(1.0)]));
    let bad = labels("grade", [json!("pas"), json!("pass")], "responses.correct=grade:pass,fail").unwrap_err();
    assert!(bad.contains("`responses[0].grade` must be pass (correct), fail (wrong) or null; found the text `pas`"), "{bad}");
    assert_eq!(labels("penalty", [json!(3), json!(1.5)], "responses.score=penalty:lower"), Ok(vec![Some(-3.0), Some(-1.5)]));
    assert_eq!(labels("penalty", [json!(3), json!(1.5)], "responses.score=penalty:higher"), Ok(vec![Some(3.0), Some(1.5)]));
}

#[test]
fn one_column_is_not_two_responses() {
    for specs in [&["responses=a,a"][..], &["responses=a,b,a"], &["chosen=a", "rejected=a"], &["rejected=a", "chosen=a"]] {
        let error = ColumnNames::parse(specs).unwrap_err().to_string();
        assert!(error.contains("`a` is named for two responses"), "{specs:?}: {error}");
    }
    ColumnNames::parse(&["responses=a,b", "label=a,b:one-hot"]).unwrap();
}
