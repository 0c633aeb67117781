//! What the generator promises, over many rows.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod story;

use proptest::prelude::*;
use rrm::{
    comparison::{Comparison, Prompt},
    format::Format,
    keyed::KeyedRandom,
};
use rrm_tiny::{
    domain, formats,
    generate::{ProblemSource, Split},
    problem::MOST_STEPS,
    trace::{self, JudgeNoise, SolverNoise},
};

fn sources() -> impl Strategy<Value = ProblemSource> {
    let splits = prop_oneof![Just(Split::Train), Just(Split::Validation), Just(Split::Test)];
    (any::<u64>(), splits, 1..=MOST_STEPS, 1..=MOST_STEPS).prop_map(|(seed, split, a, b)| ProblemSource {
        seed,
        split,
        steps: (a.min(b), a.max(b)),
    })
}

proptest! {
    #[test]
    fn every_pair_is_in_the_domain_and_has_one_right_answer(source in sources(), index in any::<u64>(), forgotten in 0.0..=1.0) {
        let pair = source.pair(index, forgotten);
        let read = domain::problem(&pair.problem.to_string()).unwrap();
        prop_assert_eq!(&read, &pair.problem);
        prop_assert!((source.steps.0..=source.steps.1).contains(&read.steps.len()));
        prop_assert_eq!(&domain::answer(&read, &read.answer(&pair.right)).unwrap(), &read.totals());
        prop_assert_eq!(&domain::answer(&read, &read.answer(&pair.wrong)).unwrap(), &pair.wrong);
        // A slip never heals: the final answers differ, and so do all totals from the slip on.
        let differs = pair.right.iter().zip(&pair.wrong).position(|(a, b)| a != b).unwrap();
        prop_assert!(pair.right[differs..].iter().zip(&pair.wrong[differs..]).all(|(a, b)| a != b));
        prop_assert_eq!(Split::of(&read), source.split);
        prop_assert_eq!(source.pair(index, forgotten), pair);
    }

    #[test]
    fn a_perfect_judge_names_the_right_answer(source in sources(), index in any::<u64>()) {
        let pair = source.pair(index, 0.5);
        let (answers, second) = trace::order(&pair, &mut source.numbers(index, "order"));
        let text = trace::judge(&pair.problem, answers, JudgeNoise::default(), &mut source.numbers(index, "trace"));
        prop_assert!(text.ends_with(trace::verdict(second)), "{}", text);
    }

    #[test]
    fn a_perfect_solver_is_right(source in sources(), index in any::<u64>()) {
        let problem = source.problem(index);
        let text = trace::solver(&problem, SolverNoise::default(), &mut KeyedRandom::new(0, "", "", &[index]));
        let totals: Vec<u8> = text.split('=').skip(1).map(|part| part[..2].parse().unwrap()).collect();
        prop_assert_eq!(totals, problem.totals());
    }

    #[test]
    fn no_text_that_the_domain_refuses_makes_it_stumble(text in ".{0,60}", response in ".{0,20}") {
        let _ = domain::problem(&text);
        let _ = domain::problem(&format!("Keep two digits: {text}"));
        let problem = domain::problem("Keep two digits: 42 a+5 b-9").unwrap();
        let _ = domain::answer(&problem, &response);
        let _ = domain::answer(&problem, &format!("a47{response}"));
    }
}

#[test]
fn the_judge_sees_characters_only() {
    let format = Format::parse("tiny", formats::JUDGE).unwrap();
    format.shows_both().unwrap();
    let prompt = Prompt::text("Keep two digits: 42 a+5 b-9 c*3");
    let comparison = Comparison { prompt: prompt.into(), first: "a47 b38 c14".into(), second: "a47 b39 c17".into(), label: None };
    let messages = format.messages(&comparison).unwrap();
    assert_eq!(messages[0].content, "Q42a+5b-9c*3Aa47b38c14Ba47b39c17T");
    for text in [formats::DIRECT, formats::SOLVER] {
        Format::parse("tiny", text).unwrap();
    }
}
