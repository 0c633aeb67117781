//! A response and the right answer -> right, wrong, or unknown.

use rrm_verify::{self as verify, ExtractionRule, FinalAnswer, Outcome, VerifyOptions};

use super::question::GoldAnswers;

/// The result of checking an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum AnswerCheck {
    /// Right or wrong, with the answer that was read.
    Known(bool, Option<String>),
    /// The rules cannot tell.
    Unknown,
}

/// Checks a response without its thinking. A response that states no answer is neither right nor wrong: it may state it in another form, and the last
/// number of a text that was cut is no answer.
pub(super) fn check(gold: &GoldAnswers, response: &str) -> AnswerCheck {
    let stated = |found: &FinalAnswer| {
        matches!(found.how, ExtractionRule::Boxed | ExtractionRule::Tag | ExtractionRule::Hashes | ExtractionRule::Statement)
    };
    let Some(answer) = verify::extract(response).filter(stated) else { return AnswerCheck::Unknown };
    let mut unknown = false;
    for right in &gold.answers {
        let same = if gold.options.is_empty() {
            match verify::verify_found(right, &answer, &VerifyOptions::default()) {
                Outcome::Equal => Some(true),
                Outcome::Unequal => Some(false),
                Outcome::Unknown(_) => None,
            }
        } else {
            chosen(gold, right, &answer)
        };
        match same {
            Some(true) => return AnswerCheck::Known(true, Some(answer.text)),
            Some(false) => {}
            None => unknown = true,
        }
    }
    if unknown { AnswerCheck::Unknown } else { AnswerCheck::Known(false, Some(answer.text)) }
}

/// Returns whether the answer names the right option, by its letter or its text; `None` if it names several options or none, or if the text around it
/// takes it back.
fn chosen(gold: &GoldAnswers, right: &str, answer: &FinalAnswer) -> Option<bool> {
    let right = verify::choice(right)?;
    if answer.doubt.is_some() {
        return None;
    }
    let named = verify::choice(&answer.text).filter(|named| (*named as usize) < 'A' as usize + gold.options.len());
    let by_text = || {
        let same = |option: &String| verify::verify_found(option, answer, &VerifyOptions::default()) == Outcome::Equal;
        let mut places = gold.options.iter().enumerate().filter(|(_, option)| same(option));
        // If two options have the same text, the text names none.
        match (places.next(), places.next()) {
            (Some((place, _)), None) => ('A'..='Z').nth(place),
            _ => None,
        }
    };
    named.or_else(by_text).map(|named| named == right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dataset, pairs::columns::PairColumns, pairs::question, pairs::skipping};

    #[test]
    fn numbers_letters_and_equal_texts_are_told_and_nothing_else() {
        let open = |right: &str, said: &str| {
            let gold = GoldAnswers { answers: vec![right.to_owned()], options: vec![] };
            match check(&gold, &format!("The answer is {said}.")) {
                AnswerCheck::Known(right, _) => Some(right),
                AnswerCheck::Unknown => None,
            }
        };
        assert_eq!(open("1200", "$1,200.00"), Some(true));
        assert_eq!(open("1/2", "0.5"), Some(true));
        assert_eq!(open("7", "8"), Some(false));
        assert_eq!(open("Paris", "paris"), Some(true));
        assert_eq!(open("Paris", "London"), None, "texts may be two words for one thing");
        let gold = GoldAnswers { answers: vec!["B".to_owned()], options: vec!["Rome".to_owned(), "Paris".to_owned()] };
        let chosen = |said: &str| check(&gold, said);
        assert!(matches!(chosen("The answer is (B) Paris."), AnswerCheck::Known(true, _)));
        assert!(matches!(chosen("The answer is Rome"), AnswerCheck::Known(false, _)));
        assert_eq!(chosen("The answer is Berlin"), AnswerCheck::Unknown);
        assert_eq!(chosen("The answer is F"), AnswerCheck::Unknown, "no such option");
        assert_eq!(chosen("Answer: B, C"), AnswerCheck::Unknown, "two options");
        assert_eq!(chosen("The answer is not B"), AnswerCheck::Unknown);
    }

    #[test]
    fn an_answer_that_the_text_around_it_takes_back_is_unknown() {
        let letters = GoldAnswers { answers: vec!["B".to_owned()], options: vec!["Rome".to_owned(), "Paris".to_owned()] };
        let number = GoldAnswers { answers: vec!["12".to_owned()], options: vec![] };
        for behind in ["Wait, no.", "\n\nEdit: it should be another one: 13 or A.", "\n\nSome text.\n\nMore.\n\nCorrection: (A)"]
        {
            assert_eq!(check(&letters, &format!("The answer is (B). {behind}")), AnswerCheck::Unknown, "{behind}");
            assert_eq!(check(&number, &format!("It is \\boxed{{12}}. {behind}")), AnswerCheck::Unknown, "{behind}");
        }
        let letter = GoldAnswers { answers: vec!["E".to_owned()], options: vec![] };
        assert!(matches!(check(&letter, "The answer is (e)."), AnswerCheck::Known(true, _)));
        assert!(matches!(check(&number, "It is \\boxed{12}.\n\nEdit: fixed a typo."), AnswerCheck::Known(true, _)));
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(right: String, said: String, marker in "(####|answer is|\\\\boxed\\{|\nA:|<think>)") {
            for options in [vec![], vec![said.clone(), "x".to_owned()]] {
                check(&GoldAnswers { answers: vec![right.clone()], options }, &format!("{said}{marker}{said}"));
            }
        }
    }

    /// Counts right, wrong and unknown responses by the rules, for those that the file calls right and for those that it calls wrong.
    fn against_flags(name: &str) -> Option<[[usize; 3]; 2]> {
        let path = skipping::shared(&format!("data/{name}"))?;
        let mut counts = [[0; 3]; 2];
        for row in dataset::raw(&path, name).unwrap() {
            let (row, values) = row.unwrap();
            let question =
                question::question(&values, &PairColumns::default(), question::QuestionOrigin { stem: "s", row }).unwrap();
            for candidate in &question.candidates {
                let told = match check(&question.gold, &candidate.text) {
                    AnswerCheck::Known(true, _) => 0,
                    AnswerCheck::Known(false, _) => 1,
                    AnswerCheck::Unknown => 2,
                };
                counts[usize::from(candidate.correct == Some(false))][told] += 1;
            }
        }
        Some(counts)
    }

    #[test]
    fn real_responses_are_told_as_the_files_say() {
        let (Some(gsm8k), Some(mmlu)) =
            (against_flags("gsm8k/example_model_solutions.jsonl.gz"), against_flags("mmlu-pro/dev.jsonl.gz"))
        else {
            return;
        };
        assert_eq!(gsm8k, [[2001, 0, 0], [0, 3263, 12]], "11 state no answer, and one a sum with words in it");
        // Most of the 43 differences are texts that state two answers: the file's flags follow the first one, the rules follow the last one.
        assert_eq!(mmlu, [[2213, 26, 40], [17, 3263, 841]]);
    }
}
