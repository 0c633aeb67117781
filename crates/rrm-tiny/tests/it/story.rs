//! What the generator of word problems promises, over many rows.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rrm_tiny::{
    generate::Split,
    story::{
        MOST_STEPS, Story,
        answer::Answer,
        chain::{StepOperator, StepTerm},
        domain,
        draw::{HELD_OUT_NUMBERS, Range, StorySource, split},
        families::FAMILIES,
        rows::{Rows, StoryPair, StoryRow},
        slip::Slip,
        thought::Noise,
        vocabulary,
    },
};

fn sources() -> impl Strategy<Value = StorySource> {
    let splits = prop_oneof![Just(Split::Train), Just(Split::Validation), Just(Split::Test)];
    let ranges = prop_oneof![4 => Just(Range::Known), 1 => Just(Range::HeldOutFamily), 1 => Just(Range::HeldOutNumbers)];
    (any::<u64>(), splits, ranges, 2..=MOST_STEPS, 2..=MOST_STEPS).prop_map(|(seed, split, range, a, b)| StorySource {
        seed,
        split,
        range,
        steps: (a.min(b), a.max(b)),
    })
}

fn known(seed: u64, split: Split) -> StorySource {
    StorySource { seed, split, range: Range::Known, steps: (2, 5) }
}

fn pairs(source: StorySource, count: u64) -> Vec<StoryPair> {
    let rows = Rows::new(source).unwrap();
    (0..count).map(|index| rows.pair(index)).collect()
}

/// What a text's story comes to, calculated in plain integers.
fn evaluated(story: &Story) -> Vec<i64> {
    let mut values: Vec<i64> = Vec::new();
    for step in story.chain() {
        let number = |term| match term {
            StepTerm::Given(number) => i64::from(number),
            StepTerm::Result(at) => values[at],
        };
        let (left, right) = (number(step.left), number(step.right));
        values.push(match step.operator {
            StepOperator::Plus => left + right,
            StepOperator::Minus => left - right,
            StepOperator::Times => left * right,
            StepOperator::Over => {
                assert_eq!(left % right, 0);
                left / right
            }
        });
    }
    values
}

fn is_right(story: &Story, answer: &Answer) -> bool {
    let values: Vec<i64> = answer.values.iter().map(|value| i64::from(*value)).collect();
    values == evaluated(story) && answer.unit == story.unit()
}

proptest! {
    #[test]
    fn every_pair_has_one_right_and_one_wrong_answer_by_what_its_texts_say(source in sources(), index in any::<u64>()) {
        let pair = Rows::new(source).unwrap().pair(index);
        let text = pair.story.text();
        let read = domain::story(&text).map_err(|why| TestCaseError::fail(format!("{why}: {text}")))?;
        prop_assert_eq!(read.text(), text);
        prop_assert_eq!(read.chain(), pair.story.chain());
        let [right, wrong] = [&pair.right.1, &pair.wrong.1].map(|text| domain::answer(text).unwrap());
        prop_assert!(is_right(&read, &right), "{} {}", pair.story.text(), pair.right.1);
        prop_assert!(!is_right(&read, &wrong), "{} {}", pair.story.text(), pair.wrong.1);
        prop_assert_eq!((&right, &wrong), (&pair.right.0, &pair.wrong.0));
        prop_assert_eq!(right.values.last() == wrong.values.last(), matches!(pair.slip, Slip::Cancelled | Slip::Unit));
    }

    #[test]
    fn a_story_belongs_to_its_split_and_range_alone(source in sources(), index in any::<u64>()) {
        let story = source.story(index);
        let held_out = story.numbers().iter().any(|number| HELD_OUT_NUMBERS.contains(number));
        prop_assert_eq!(split(&story), source.split);
        prop_assert_eq!(story.family().held_out, source.range == Range::HeldOutFamily);
        prop_assert_eq!(held_out, source.range == Range::HeldOutNumbers);
        prop_assert!((source.steps.0..=source.steps.1).contains(&story.chain().len()));
        prop_assert_eq!(source.story(index), story);
    }

    #[test]
    fn a_judge_that_makes_no_mistake_names_the_right_answer(source in sources(), index in any::<u64>()) {
        let row = Rows::new(source).unwrap().row(StoryRow::Judge(Noise::default()), index).unwrap();
        let shown = row["prompt"][1]["content"].as_str().unwrap().to_owned();
        let right = Rows::new(source).unwrap().pair(index).right.1;
        let second = shown.contains(&format!("### Assistant 2\n\n{right}\n\n## Analysis"));
        let ending = format!("\\boxed{{Assistant {}}}", if second { 2 } else { 1 });
        prop_assert!(row["completion"].as_str().unwrap().ends_with(&ending), "{}", row);
    }

    #[test]
    fn no_text_makes_the_domain_stumble(text in ".{0,80}", words in prop::collection::vec("(Tom|has|12|apples\\.|He|How many|now\\?|Step 1:|it is)", 0..12)) {
        for text in [text, words.join(" ")] {
            let _ = domain::story(&text);
            let _ = domain::answer(&text);
        }
    }
}

/// The texts that a model is trained on have no character outside of the vocabulary.
#[test]
fn every_text_is_within_the_vocabulary() {
    let files = vocabulary::files(rrm_tiny::folder::DecoderSize { hidden: 64, layers: 1, heads: 2, inner: 64 }).unwrap();
    let known = vocabulary::known(&files[1].1);
    for (seed, range) in [(1, Range::Known), (2, Range::HeldOutFamily), (3, Range::HeldOutNumbers)] {
        let rows = Rows::new(StorySource { seed, split: Split::Train, range, steps: (1, MOST_STEPS) }).unwrap();
        let kinds = [
            StoryRow::Judge(Noise { guess: 0.2, stop_early: 0.2, slip: 0.2 }),
            StoryRow::Check,
            StoryRow::Work,
            StoryRow::Facts,
            StoryRow::Quote,
            StoryRow::Direct,
            StoryRow::Solver { wrong: 0.5 },
        ];
        for (index, kind) in (0..400).flat_map(|index| kinds.map(|kind| (index, kind))) {
            let row = rows.row(kind, index).unwrap();
            for turn in row["prompt"].as_array().unwrap() {
                let content = turn["content"].as_str().unwrap();
                assert_eq!(known.unknown(content), None, "{content}");
            }
            let completion = row["completion"].as_str().unwrap();
            assert_eq!(known.unknown(completion), None, "{completion}");
        }
    }
}

/// A family that is held out would be judged by words that were never read, were they not those of the others.
#[test]
fn the_family_that_is_held_out_has_no_word_of_its_own() {
    let words = |held_out: bool| {
        let families = FAMILIES.iter().filter(move |family| family.held_out == held_out);
        let texts = families.flat_map(|family| family.lines.iter().chain(family.questions).map(|template| template.text));
        let words = texts.flat_map(|text| text.split(' ')).map(|word| word.trim_end_matches(['.', ',', '?']));
        words.filter(|word| !word.starts_with('{')).collect::<BTreeSet<&str>>()
    };
    let own: Vec<&str> = words(true).difference(&words(false)).copied().collect();
    assert!(own.is_empty(), "{own:?}");
}

#[test]
fn what_may_be_mistaken_for_a_unit_is_as_often_the_right_one() {
    for family in FAMILIES {
        for measure in family.measures {
            let back = family.measures.iter().any(|other| other.unit == measure.rival && other.rival == measure.unit);
            assert!(back, "{} {}", family.name, measure.unit);
        }
    }
}

/// What a rule that sees no problem makes of an answer and its text.
type Rule<'r> = &'r dyn Fn(&(Answer, String)) -> i64;

/// Share of pairs in which a rule that sees no problem names the right answer; it names none where it sees no difference, which counts half.
fn share(pairs: &[StoryPair], prefers: impl Fn(&(Answer, String)) -> i64) -> f64 {
    let points: f64 = pairs
        .iter()
        .map(|pair| match prefers(&pair.right).cmp(&prefers(&pair.wrong)) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        })
        .sum();
    points / pairs.len() as f64
}

#[test]
#[expect(clippy::print_stdout, reason = "docs/word-problems.md shows the numbers")]
fn rules_that_see_no_problem_are_coins() {
    let pairs = pairs(known(5, Split::Train), 20_000);
    let last = |answer: &(Answer, String)| i64::from(*answer.0.values.last().unwrap());
    let rules: [(&str, Rule); 7] = [
        ("longer", &|answer| answer.1.len() as i64),
        ("more steps", &|answer| answer.0.values.len() as i64),
        ("higher last number", &last),
        ("even last number", &|answer| i64::from(last(answer) % 2 == 0)),
        ("higher first number", &|answer| i64::from(answer.0.values[0])),
        ("lower sum", &|answer| -answer.0.values.iter().map(|value| i64::from(*value)).sum::<i64>()),
        ("unit", &|answer| answer.1.len() as i64 - answer.0.unit.len() as i64),
    ];
    for (name, rule) in &rules {
        let share = share(&pairs, rule);
        println!("{name}: {share:.3}");
        assert!((0.44..=0.56).contains(&share), "{name}: {share:.3}");
    }
}

/// A logistic regression on what both answers say, without the problem, learns little.
#[test]
#[expect(clippy::print_stdout, reason = "docs/word-problems.md shows the number")]
fn answers_alone_hardly_tell_which_is_right() {
    let (train, test) = (pairs(known(6, Split::Train), 20_000), pairs(known(6, Split::Test), 5_000));
    let mut weights = vec![0.0f64; 4_096];
    for _ in 0..4 {
        for (index, pair) in train.iter().enumerate() {
            let features = difference(pair);
            let score: f64 = features.iter().map(|(at, value)| weights[*at] * value).sum();
            let step = 0.05 / (1.0 + score.exp()) / (1.0 + index as f64 / 1e5);
            features.iter().for_each(|(at, value)| weights[*at] += step * value);
        }
    }
    let right =
        test.iter().filter(|pair| difference(pair).iter().map(|(at, value)| weights[*at] * value).sum::<f64>() > 0.0).count();
    let share = right as f64 / test.len() as f64;
    println!("answers alone: {share:.3}");
    assert!(share < 0.60, "{share:.3}");
}

/// Features of the right answer less those of the wrong one: its words, and for every number how it follows from the one before.
fn difference(pair: &StoryPair) -> Vec<(usize, f64)> {
    let mut features = Vec::new();
    for ((answer, text), sign) in [(&pair.right, 1.0), (&pair.wrong, -1.0)] {
        let mut add = |what: String| {
            let hash = blake3::hash(what.as_bytes());
            features.push((usize::from(hash.as_bytes()[0]) * 16 + usize::from(hash.as_bytes()[1] % 16), sign));
        };
        text.split_whitespace().for_each(|word| add(word.to_owned()));
        add(format!("steps {}", answer.values.len()));
        add(format!("last {}", answer.values.last().unwrap()));
        for (at, two) in answer.values.windows(2).enumerate() {
            let (before, after) = (i64::from(two[0]), i64::from(two[1]));
            add(format!("change {}", after - before));
            add(format!("whole {} {}", after % before == 0, before % after == 0));
            add(format!("change {at} {}", (after - before).signum()));
            add(format!("big {}", (after - before).abs() > 20));
        }
    }
    features
}
