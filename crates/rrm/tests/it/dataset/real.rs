//! Published data sets, read without conversion. The files lie beside the checkout and are never copied into it.

use rrm::{
    chat::Role,
    dataset::{Item, ReadOptions, Response, check},
};

use super::{columns, items};

/// All items of a file, or none where the data is not there.
fn real(name: &str, options: &ReadOptions) -> Option<Vec<Item>> {
    let path = crate::shared_data(name)?;
    let items = items(&path, options);
    let total = check(&path, options).unwrap().total();
    assert_eq!(total.rows as usize, items.len());
    let bytes: usize = items.iter().flat_map(|item| &item.responses).map(|response| response.text.len()).sum();
    assert_eq!(total.response_bytes as usize, bytes);
    Some(items)
}

fn exactly_two(specs: &[&str]) -> ReadOptions {
    ReadOptions { exactly: Some(2), ..columns(specs) }
}

/// How many rows label the first, the second, neither, or say nothing.
fn labels(items: &[Item]) -> [usize; 4] {
    let mut counts = [0; 4];
    for item in items {
        let [first, second] = [0, 1].map(|i| item.responses[i].label);
        let place = match first.partial_cmp(&second) {
            _ if first.is_none() => 3,
            Some(std::cmp::Ordering::Greater) => 0,
            Some(std::cmp::Ordering::Less) => 1,
            _ => 2,
        };
        counts[place] += 1;
    }
    counts
}

#[test]
fn pandalm() {
    let specs = ["id=idx", "prompt=instruction+input", "responses=response1,response2", "label=annotator1,annotator2,annotator3"];
    let Some(items) = real("pandalm/testset-v1.json", &exactly_two(&specs)) else { return };
    assert_eq!(items.len(), 999);
    // Every row has a majority of at least two annotators.
    assert_eq!(labels(&items), [422, 472, 105, 0]);
    assert!(items.iter().all(|item| item.prompt.messages.len() == 1));
    assert_eq!(
        items[0].extra.keys().collect::<Vec<_>>(),
        ["motivation_app", "cmp_key", "annotator1", "annotator2", "annotator3"]
    );
    // Six responses lost their quotes on the way to JSON.
    assert_eq!(
        items.iter().flat_map(|item| &item.responses).filter(|response| matches!(&*response.text, "true" | "false")).count(),
        6
    );
}

#[test]
fn hh_helpful() {
    let Some(items) = real("hh-helpful/pairs.jsonl.gz", &exactly_two(&[])) else { return };
    assert_eq!(items.len(), 1124);
    assert_eq!(labels(&items), [1124, 0, 0, 0]);
    assert!(items.iter().all(|item| item.prompt.messages.last().is_some_and(|message| message.role == Role::User)));
    assert_eq!(items.iter().map(|item| item.prompt.messages.len()).sum::<usize>(), 3011 + 1886);
}

#[test]
fn mmlu_pro() {
    let specs = ["id=question_id", "prompt=question", "reference=answer", "responses.answer=pred"];
    let Some(items) = real("mmlu-pro/dev.jsonl.gz", &columns(&specs)) else { return };
    assert_eq!(items.len(), 400);
    let responses: Vec<_> = items.iter().flat_map(|item| item.responses.iter().map(move |response| (item, response))).collect();
    assert_eq!(responses.len(), 6400);
    assert_eq!(responses.iter().filter(|(_, response)| response.team.is_none()).count(), 740);
    assert_eq!(responses.iter().filter(|(_, response)| response.label == Some(1.0)).count(), 2279);
    // The file calls two responses right whose answer is another letter.
    let right = |(item, response): &&(&Item, &Response)| response.team.is_some() && response.team == item.prompt.reference;
    assert_eq!(responses.iter().filter(right).count(), 2277);
    assert!(responses.iter().all(|(_, response)| response.extra.keys().eq(["model"])));
    assert_eq!(items[0].extra.keys().collect::<Vec<_>>(), ["category", "options"]);
}

#[test]
fn gsm8k_solutions_of_several_models() {
    let specs = [
        "prompt=question",
        "reference=ground_truth",
        "responses=6b_finetuning,6b_verification,175b_finetuning,175b_verification",
        "responses.text=solution",
        "responses.correct=is_correct",
    ];
    let Some(items) = real("gsm8k/example_model_solutions.jsonl.gz", &ReadOptions { exactly: Some(4), ..columns(&specs) }) else {
        return;
    };
    assert_eq!(items.len(), 1319);
    assert!(items.iter().all(|item| item.extra.is_empty() && item.responses.iter().all(|response| response.label.is_some())));
}

#[test]
fn judgebench_llmbar_and_rm_bench() {
    let specs = ["id=pair_id", "prompt=question", "responses=response_A,response_B", "label=label"];
    let Some(items) = real("judgebench/gpt-4o-pairs.jsonl", &exactly_two(&specs)) else { return };
    assert_eq!((items.len(), labels(&items)), (350, [193, 157, 0, 0]));
    let specs = ["prompt=input", "responses=output_1,output_2", "label=label"];
    let Some(items) = real("llmbar/Natural/dataset.json", &exactly_two(&specs)) else { return };
    assert_eq!((items.len(), labels(&items)), (100, [42, 58, 0, 0]));
    let Some(items) = real("rm-bench/chat_filtered.json.gz", &columns(&[])) else { return };
    assert!(items.iter().all(|item| item.responses.len() == 6 && item.responses[2].label > item.responses[3].label));
    let specs = ["id=task_id", "prompt=instruction", "chosen=canonical_solution", "rejected=buggy_solution"];
    let Some(items) = real("humanevalpack/rust.jsonl.gz", &exactly_two(&specs)) else { return };
    assert_eq!((items.len(), labels(&items)), (164, [164, 0, 0, 0]));
}
