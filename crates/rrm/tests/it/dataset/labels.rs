//! Labels as data sets write them: what can be known is read, what means two things is refused before a row is read.

use rrm::dataset::{DatasetError, ReadOptions, read};
use serde_json::{Value, json};

use super::{columns, file, items};

/// Rows with these values of the column `label`, and the responses in `a` and `b`.
fn rows(labels: &[Value]) -> String {
    labels.iter().map(|label| json!({"prompt": "P", "a": "x", "b": "y", "label": label}).to_string() + "\n").collect()
}

/// What a file of rows is read as: `>` the first, `<` the second, `=` neither, `-` nothing; or the mappings that are offered.
pub(super) fn read_as(rows: &str, specs: &[&str]) -> String {
    let fixture = file("rows.jsonl", rows);
    let items = match read(&fixture.path, &columns(specs)) {
        Ok(items) => items,
        Err(DatasetError::Labels { readings, .. }) => return format!("{} or {}", readings[0].0, readings[1].0),
        Err(error) => return error.to_string(),
    };
    let sign = |item: Result<rrm::dataset::Item, DatasetError>| match item {
        Err(error) => format!("! {}", error.to_string().split(" row ").last().unwrap_or_default()),
        Ok(item) => match item.responses[0].label.partial_cmp(&item.responses[1].label) {
            _ if item.responses[0].label.is_none() => "-".to_owned(),
            Some(std::cmp::Ordering::Greater) => ">".to_owned(),
            Some(std::cmp::Ordering::Less) => "<".to_owned(),
            _ => "=".to_owned(),
        },
    };
    items.map(sign).collect::<Vec<_>>().join("")
}

fn labels(values: Value) -> String {
    let values: Vec<Value> = values.as_array().unwrap().clone();
    read_as(&rows(&values), &["responses=a,b", "label=label"])
}

#[test]
fn labels_that_say_one_thing_are_read() {
    for (values, expected) in [
        (json!([1, 2, 1]), "><>"),
        (json!([1, 2, "tie"]), "><="),
        (json!([1.0, 2.0, null, "1.0", "2"]), "><-><"),
        (json!(["A", "b", "tie"]), "><="),
        (json!(["[[A]]", "[[B]]", "[[C]]", "[[A>>B]]"]), "><=>"),
        (json!(["model_a", "model_b", "tie (bothbad)", "both_bad", "bothbad", "Both bad"]), "><===="),
        (json!(["response_1", "response_2", "A is better", "Tie"]), "><>="),
        (json!([1, "tie", 2]), ">=<"),
        (json!(["a", "b"]), "><"),
        (json!([1]), ">"),
        (json!([2, null]), "<-"),
    ] {
        assert_eq!(labels(values.clone()), expected, "{values}");
    }
}

#[test]
fn labels_that_mean_two_things_are_refused_with_both_mappings() {
    let from_zero = "label=label:0,1 or label=label:1,0";
    for (values, expected) in [
        (json!([1, 2, 0]), "label=label:0,1,2 or label=label:1,2,0"),
        (json!([0, 1, 1]), from_zero),
        (json!([0, 0]), from_zero),
        (json!(["0", "1"]), from_zero),
        (json!([0.0, 1.0, null]), from_zero),
        (json!([0, 1, "tie"]), from_zero),
        (json!([true, false]), "label=label:true,false or label=label:false,true"),
        (json!(["True", "False"]), "label=label:true,false or label=label:false,true"),
        (json!([-1, 1, 0]), "label=label:<0,>0,0 or label=label:>0,<0,0"),
        (json!([-0.4, 2.7]), "label=label:<0,>0,0 or label=label:>0,<0,0"),
        (json!([1, 2, 4, 5]), "label=label:<3,>3,3 or label=label:>3,<3,3"),
        (json!([0.1, 0.9]), "label=label:<0.5,>0.5,0.5 or label=label:>0.5,<0.5,0.5"),
    ] {
        assert_eq!(labels(values.clone()), expected, "{values}");
    }
    // Every mapping that is offered is one that can be written.
    let offered = labels(json!([-1, 1, 0]));
    for spec in offered.split(" or ") {
        let read = read_as(&rows(&[json!(-1), json!(1), json!(0)]), &["responses=a,b", spec]);
        assert!(read == "><=" || read == "<>=", "{spec}: {read}");
    }
}

#[test]
fn a_row_after_many_decides_what_the_first_ones_mean() {
    let mut values = vec![json!(1); 300];
    values.push(json!(0));
    assert!(read_as(&rows(&values), &["responses=a,b", "label=label"]).starts_with("label=label:0,1 or"));
    values.push(json!(2));
    assert!(read_as(&rows(&values), &["responses=a,b", "label=label"]).starts_with("label=label:0,1,2 or"));
    assert!(read_as(&rows(&values), &["responses=a,b", "label=label:1,2,0"]).ends_with(">=<"));
}

#[test]
fn columns_with_a_published_meaning_are_read() {
    let pku = |label: u8| {
        json!({"prompt": "P", "response_0": "x", "response_1": "y", "better_response_id": label, "safer_response_id": 1 - label})
            .to_string()
            + "\n"
    };
    let both = [pku(0), pku(1)].concat();
    assert_eq!(read_as(&both, &["responses=response_0,response_1", "label=better_response_id"]), "><");
    assert_eq!(read_as(&both, &["responses=response_0,response_1", "label=safer_response_id"]), "<>");
    // All of them 1, which in other files would be the first.
    assert_eq!(read_as(&pku(1), &["responses=response_0,response_1", "label=better_response_id"]), "<");
    let shp = |label: u8| json!({"history": "P", "human_ref_A": "x", "human_ref_B": "y", "labels": label}).to_string() + "\n";
    assert_eq!(
        read_as(&[shp(0), shp(1)].concat(), &["prompt=history", "responses=human_ref_A,human_ref_B", "label=labels"]),
        "<>"
    );
    let help = |column: &str, n: i8| json!({"prompt": "P", "responses": ["x", "y"], column: n}).to_string() + "\n";
    for column in ["overall_preference", "preference_strength"] {
        let rows = |numbers: &[i8]| numbers.iter().map(|n| help(column, *n)).collect::<String>();
        assert_eq!(read_as(&rows(&[-3, -1, 0, 1, 2]), &[&format!("label={column}")]), ">>=<<");
        assert_eq!(read_as(&rows(&[1, 2, 1]), &[&format!("label={column}")]), "<<<");
    }
    let weak: String = [1, 2].iter().map(|n| help("strength", *n)).collect();
    assert_eq!(read_as(&weak, &["label=strength"]), "label=strength:1,2,0 or label=strength:<0,>0,0");
    let alpaca: String = [1.0, 2.0, 1.5, 1.000_004, 1.9]
        .iter()
        .map(|n| json!({"prompt": "P", "responses": ["x", "y"], "preference": n}).to_string() + "\n")
        .collect();
    assert_eq!(read_as(&alpaca, &["label=preference"]), "><=><");
}

#[test]
fn names_of_columns_tell_what_labels_count() {
    let row = |label: Value| {
        json!({"prompt": "P", "r0": "x", "r1": "y", "response_a": "x", "response_b": "y", "label": label}).to_string() + "\n"
    };
    // The name of a response column is that response, whatever it sounds like.
    let named: String = ["response_b", "response_a"].iter().map(|name| row(json!(name))).collect();
    assert_eq!(read_as(&named, &["responses=response_a,response_b", "label=label"]), "<>");
    // Columns from zero make 1 mean another thing; columns the other way round make every label mean another thing.
    assert_eq!(read_as(&row(json!(1)), &["responses=r0,r1", "label=label"]), "label=label:0,1 or label=label:1,0");
    assert!(
        read_as(&row(json!("A")), &["responses=response_b,response_a", "label=label"])
            .starts_with("responses=response_a,response_b or")
    );
    assert_eq!(read_as(&row(json!("A")), &["responses=response_b,response_a", "label=label:A,B"]), ">");
}

#[test]
fn winners_are_told_by_their_names() {
    let row = |winner: &str, a: &str, b: &str| {
        json!({"prompt": "P", "responses": ["x", "y"], "model_a": a, "model_b": b, "winner": winner}).to_string() + "\n"
    };
    let rows = [row("m1", "m1", "m2"), row("m2", "m1", "m2"), row("tie", "m1", "m2"), row("model_b", "m1", "m2")].concat();
    assert_eq!(read_as(&rows, &["label=winner"]), "><=<");
    assert_eq!(read_as(&rows, &["label=winner:model_a,model_b,tie"]), "><=<");
    assert!(
        read_as(&row("m1", "m1", "m1"), &["label=winner"])
            .starts_with("! 1: `winner` is the text `m1`, which means the first and the second")
    );
    assert!(read_as(&row("b", "b", "m2"), &["label=winner"]).contains("which means"), "a name that is a word for the other side");
    assert!(read_as(&row("m3", "m1", "m2"), &["label=winner"]).contains("found the text `m3`"));
}

#[test]
fn a_column_for_each_outcome() {
    let row = |a: Value, b: Value, tie: Value| {
        json!({"prompt": "P", "responses": ["x", "y"], "winner_model_a": a, "winner_model_b": b, "winner_tie": tie}).to_string()
            + "\n"
    };
    let spec = "label=winner_model_a,winner_model_b,winner_tie";
    let rows = [row(json!(1), json!(0), json!(0)), row(json!(0), json!(1), json!(0)), row(json!(0), json!(0), json!(1))].concat();
    assert_eq!(read_as(&rows, &[spec]), "><=");
    assert_eq!(read_as(&row(json!(true), json!(false), json!(false)), &[spec]), ">");
    // Two ones are no outcome, and without names to tell it, three raters who vote 0 and 1 mean two things.
    let twice = [rows, row(json!(1), json!(1), json!(0))].concat();
    assert!(read_as(&twice, &[spec]).starts_with("label=winner_model_a,winner_model_b,winner_tie:0,1 or"));
    assert!(
        read_as(&twice, &[&format!("{spec}:one-hot")])
            .ends_with("exactly one of `winner_model_a`, `winner_model_b`, `winner_tie` must be 1; 2 are")
    );
    let raters = json!({"prompt": "P", "responses": ["x", "y"], "r1": 1, "r2": 0, "r3": 0}).to_string();
    assert_eq!(read_as(&raters, &["label=r1,r2,r3"]), "label=r1,r2,r3:0,1 or label=r1,r2,r3:1,0");
    assert_eq!(read_as(&raters, &["label=r1,r2,r3:1,0"]), "<");
}

#[test]
fn a_number_for_each_response() {
    let row = |a: Value, b: Value| json!({"prompt": "P", "responses": ["x", "y"], "score_a": a, "score_b": b}).to_string() + "\n";
    let rows =
        [row(json!(1), json!(2)), row(json!(2.5), json!("1")), row(json!(0), json!(0)), row(json!(null), json!(2))].concat();
    assert_eq!(read_as(&rows, &["label=score_a,score_b"]), "label=score_a,score_b:higher or label=score_a,score_b:lower");
    assert_eq!(read_as(&rows, &["label=score_a,score_b:higher"]), "<>=-");
    assert_eq!(read_as(&rows, &["label=score_a,score_b:lower"]), "><=-");
    assert!(
        read_as(&row(json!("good"), json!(2)), &["label=score_a,score_b:lower"])
            .ends_with("`score_a` must be a number or null; found the text `good`")
    );
    assert!(rrm::dataset::ColumnNames::parse(&["label=score_a:higher"]).is_err());
    assert!(rrm::dataset::ColumnNames::parse(&["label=a:one-hot"]).is_err());
}

#[test]
fn a_mapping_is_the_only_meaning() {
    let map = |values: Value, mapping: &str| {
        read_as(&rows(values.as_array().unwrap()), &["responses=a,b", &format!("label=label:{mapping}")])
    };
    assert_eq!(map(json!([0, 1, null]), "0,1"), "><-");
    assert_eq!(map(json!([0, 1]), "1,0"), "<>");
    assert_eq!(map(json!(["yes", "No", "maybe", "unsure"]), "yes,no,maybe|unsure"), "><==");
    assert_eq!(map(json!([true, false]), "true,false"), "><");
    assert_eq!(map(json!([4.5, 1, 3]), ">3,<3,3"), "><=");
    assert!(map(json!(["A"]), "x,y").contains("`label` must be x (the first), y (the second); found the text `A`"));
    assert!(map(json!([0]), "1,2").contains("found a number (0)"));
}

#[test]
fn ranks_are_best_where_they_are_lowest() {
    let row = r#"{"prompt": "P", "answers": [{"answer": "x", "rank": 2}, {"answer": "y", "rank": 1.0}, {"answer": "z", "rank": null}]}"#;
    let item =
        items(&file("a.jsonl", row).path, &columns(&["responses=answers", "responses.text=answer", "responses.rank=rank"]))
            .remove(0);
    assert_eq!(item.responses.iter().map(|response| response.label).collect::<Vec<_>>(), [Some(-2.0), Some(-1.0), None]);
    for column in ["rank", "overall_rank", "meta.Ranking"] {
        let spec = format!("responses.score={column}");
        let error = rrm::dataset::ColumnNames::parse(&[&spec]).unwrap_err().to_string();
        assert!(error.contains(&format!("responses.rank={column} reads ranks")), "{error}");
    }
}

#[test]
fn several_files_have_labels_of_one_meaning() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = [("a.jsonl", 1), ("b.jsonl", 0)]
        .into_iter()
        .map(|(name, label)| {
            let path = folder.path().join(name);
            std::fs::write(&path, rows(&[json!(label)])).unwrap();
            path
        })
        .collect();
    let options = ReadOptions { ..columns(&["responses=a,b", "label=label"]) };
    assert!(rrm::dataset::settled(&paths, &options.columns).is_err());
    assert!(rrm::dataset::settled(&paths[..1], &options.columns).is_ok());
}

/// Rows with these columns and `P` as prompt.
pub(super) fn rows_of(rows: &[Value]) -> String {
    let with_prompt = |row: &Value| {
        let mut row = row.clone();
        row["prompt"] = json!("P");
        row.to_string() + "\n"
    };
    rows.iter().map(with_prompt).collect()
}

#[test]
fn columns_of_labels_in_the_other_order_than_the_responses_are_refused() {
    let hot =
        rows_of(&[json!({"response_a": "x", "response_b": "y", "won_a": 1, "won_b": 0, "tie": 0, "score_a": 5, "score_b": 1})]);
    for (responses, label) in [
        ("response_b,response_a", "won_a,won_b,tie"),
        ("response_b,response_a", "won_a,won_b,tie:one-hot"),
        ("response_a,response_b", "won_b,won_a,tie:one-hot"),
        ("response_b,response_a", "score_a,score_b:higher"),
        ("response_a,response_b", "score_b,score_a:higher"),
    ] {
        let read = read_as(&hot, &[&format!("responses={responses}"), &format!("label={label}")]);
        assert!(read.contains(" or label="), "{responses} {label}: {read}");
    }
    for (responses, label) in [
        ("response_a,response_b", "won_a,won_b,tie:one-hot"),
        ("response_b,response_a", "won_b,won_a,tie:one-hot"),
        ("response_a,response_b", "score_a,score_b:higher"),
    ] {
        let expected = if responses.starts_with("response_a") { ">" } else { "<" };
        assert_eq!(
            read_as(&hot, &[&format!("responses={responses}"), &format!("label={label}")]),
            expected,
            "{responses} {label}"
        );
    }
    // However the names tell their side.
    for names in [["responseA", "responseB"], ["response_01", "response_02"], ["first_response", "second_response"]] {
        let row = rows_of(&[json!({names[0]: "x", names[1]: "y", "winner": "A"})]);
        let swapped = format!("responses={},{}", names[1], names[0]);
        let read = read_as(&row, &[&swapped, "label=winner"]);
        assert!(read.contains(" or label="), "{names:?}: {read}");
    }
}

#[test]
fn numbers_of_two_responses_are_no_words_of_two_raters() {
    for names in [["likes_a", "likes_b"], ["helpful_1", "helpful_2"], ["score_chosen", "score_rejected"]] {
        let row = rows_of(&[json!({"a": "x", "b": "y", names[0]: 2, names[1]: 1})]);
        let label = format!("label={},{}", names[0], names[1]);
        let read = read_as(&row, &["responses=a,b", &label]);
        assert!(read.contains(":higher or label="), "{names:?}: {read}");
        assert_eq!(read_as(&row, &["responses=a,b", &format!("{label}:higher")]), ">", "{names:?}");
    }
    let raters = rows_of(&[json!({"a": "x", "b": "y", "annotator_1": 1, "annotator_2": 1})]);
    assert_eq!(read_as(&raters, &["responses=a,b", "label=annotator_1,annotator_2"]), ">");
}

#[test]
fn names_of_winners_that_look_like_labels_are_refused() {
    let row = |winner: &str| json!({"a": "x", "b": "y", "model_a": "2", "model_b": "1", "winner": winner});
    let read = read_as(&rows_of(&[row("2"), row("1")]), &["responses=a,b", "label=winner"]);
    assert!(read.starts_with("! ") && !read.contains(['>', '<']), "{read}");
}

#[test]
fn strengths_are_read_by_the_name_of_their_column_only_where_they_can_be_some() {
    let read = |values: [i64; 2], column: &str, winner: bool| {
        let row = |value: &i64| {
            let mut row = json!({"a": "x", "b": "y", column: value});
            if winner {
                row["winner"] = json!("A");
            }
            row
        };
        let rows: Vec<Value> = values.iter().map(row).collect();
        read_as(&rows_of(&rows), &["responses=a,b", &format!("label={column}")])
    };
    assert_eq!(read([-2, 3], "preference_strength", false), "><");
    assert!(read([1, 5], "overall_preference", false).contains(" or label="));
    assert!(read([1, 3], "preference_strength", true).contains(" or label="));
}

#[test]
fn columns_of_each_response_are_refused_with_the_rule_to_write() {
    let of = |pairs: &[[i64; 2]], names: [&str; 2]| {
        let rows: String = pairs
            .iter()
            .map(|[first, second]| {
                json!({"prompt": "P", "a": "x", "b": "y", names[0]: first, names[1]: second}).to_string() + "\n"
            })
            .collect();
        let listed = names.join(",");
        let read = |spec: &str| read_as(&rows, &["responses=a,b", &format!("label={spec}")]);
        (read(&listed), rows.clone(), listed)
    };
    let read = |rows: &str, spec: &str| read_as(rows, &["responses=a,b", &format!("label={spec}")]);
    let (said, rows, _) = of(&[[3, 5], [4, 2]], ["sa", "sb"]);
    assert_eq!(said, "label=sa,sb:higher or label=sa,sb:lower");
    assert_eq!([read(&rows, "sa,sb:higher"), read(&rows, "sa,sb:lower")], ["<>", "><"]);
    let (said, rows, _) = of(&[[1, 0], [0, 1]], ["xx", "yy"]);
    assert_eq!(said, "label=xx,yy:one-hot or label=yy,xx:one-hot");
    assert_eq!([read(&rows, "xx,yy:one-hot"), read(&rows, "yy,xx:one-hot")], ["><", "<>"]);
    let (said, _, _) = of(&[[1, 1], [1, 0]], ["right_here", "right_there"]);
    assert_eq!(said, "label=right_here,right_there:higher or label=right_here,right_there:lower");
    // Words of raters stay words.
    let (said, _, _) = of(&[[1, 2], [2, 2]], ["rater_one", "rater_two"]);
    assert_eq!(said, "-<");
}
