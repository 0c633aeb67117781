//! A seed, a split and a number -> a story.
//!
//! Everything is drawn by key, so any row can be made alone. The split of a story is a hash of its family and its calculation, so that no calculation
//! of the test set can occur in training, whatever its names and words.

use rrm::keyed::KeyedRandom;

use super::{
    Line, MOST, MOST_STEPS, Story,
    chain::StepOperator,
    families::{FAMILIES, Family, LEADS, NAMES, Number, Tells},
};
use crate::generate::Split;

/// Numbers that are not given in any story of training. They do occur there as results.
pub const HELD_OUT_NUMBERS: std::ops::RangeInclusive<u8> = 14..=16;
/// Most persons of a story: the main person, one besides, and those whom comparisons introduce.
const CAST: usize = 2 + MOST_STEPS;
/// Largest product of a step that is not from the total.
const MOST_ASIDE: u8 = 36;

/// A range of the stories of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Stories that may be trained on.
    Known,
    /// Stories of the family that is held out of training.
    HeldOutFamily,
    /// Stories of known families with a number that is held out of training.
    HeldOutNumbers,
}

/// The source from which rows are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorySource {
    /// Seed of the run.
    pub seed: u64,
    /// The split of the stories.
    pub split: Split,
    /// The range of stories in the split.
    pub range: Range,
    /// Fewest and most steps, from 1 to [`MOST_STEPS`].
    pub steps: (usize, usize),
}

impl StorySource {
    /// Returns the random numbers of row `index` for one purpose.
    pub fn numbers(&self, index: u64, what: &str) -> KeyedRandom {
        let (fewest, most) = self.steps;
        KeyedRandom::new(self.seed, self.split.name(), what, &[index, fewest as u64, most as u64, self.range as u64])
    }

    /// Returns story number `index`.
    pub fn story(&self, index: u64) -> Story {
        let mut random = self.numbers(index, "story");
        let (fewest, most) = self.steps;
        let steps = fewest + random.below((most - fewest) as u64 + 1) as usize;
        loop {
            let family = pick(&mut random, |family: &Family| family.held_out == (self.range == Range::HeldOutFamily));
            let Some(story) = attempt(&mut random, family, steps) else { continue };
            let held_out = story.numbers().iter().any(|number| HELD_OUT_NUMBERS.contains(number));
            if held_out == (self.range == Range::HeldOutNumbers) && split(&story) == self.split {
                return story;
            }
        }
    }
}

/// Returns the split of a story.
pub fn split(story: &Story) -> Split {
    match blake3::hash(story.key().as_bytes()).as_bytes()[0] % 10 {
        0 => Split::Test,
        1 => Split::Validation,
        _ => Split::Train,
    }
}

fn pick(random: &mut KeyedRandom, allowed: impl Fn(&Family) -> bool) -> usize {
    let allowed: Vec<usize> = (0..FAMILIES.len()).filter(|index| allowed(&FAMILIES[*index])).collect();
    allowed[random.below(allowed.len() as u64) as usize]
}

/// Draws a story with this many steps; `None` if this attempt fails.
fn attempt(random: &mut KeyedRandom, family: usize, steps: usize) -> Option<Story> {
    let lines = FAMILIES[family].lines;
    let mut story = Story {
        family,
        measure: random.below(FAMILIES[family].measures.len() as u64) as usize,
        cast: cast(random),
        lines: Vec::new(),
        question: random.below(FAMILIES[family].questions.len() as u64) as usize,
        question_first: random.below(5) == 0,
    };
    let begins: Vec<usize> = (0..lines.len()).filter(|index| begins(lines[*index].tells)).collect();
    let begin = begins[random.below(begins.len() as u64) as usize];
    story.lines.push(line(random, &story, begin));
    for _ in 0..40 {
        let chain = story.chain();
        if story.values().is_none_or(|values| values.contains(&0)) || chain.len() > steps {
            story.lines.pop().filter(|_| !story.lines.is_empty())?;
        } else if chain.len() == steps {
            return finished(random, story);
        }
        let further = random.below(lines.len() as u64) as usize;
        let told = lines[further].tells;
        let again = story.lines.iter().any(|line| line.template == further) && !lines[further].text.contains("{next}");
        if !told.is_empty() && !begins.contains(&further) && !again {
            story.lines.push(line(random, &story, further));
        }
    }
    None
}

/// Completes a story; some get an extra sentence whose number does not matter. `None` if the question refers to no person.
fn finished(random: &mut KeyedRandom, mut story: Story) -> Option<Story> {
    let family = story.family();
    let compares = family.lines.iter().any(|line| line.text.contains("{next}"));
    let alone = story.lines.iter().all(|line| !family.lines[line.template].text.contains("{next}"));
    let question = &family.questions[story.question];
    if compares && alone && !question.tells.is_empty() {
        return None;
    }
    if random.below(10) < 3 {
        let beside: Vec<usize> = (0..family.lines.len()).filter(|index| family.lines[*index].tells.is_empty()).collect();
        let template = beside[random.below(beside.len() as u64) as usize];
        let at = 1 + random.below(story.lines.len() as u64) as usize;
        let a = 2 + random.below(39) as u8;
        story.lines.insert(at, Line { template, lead: 0, a, b: 0 });
    }
    Some(story)
}

fn cast(random: &mut KeyedRandom) -> Vec<usize> {
    let mut names: Vec<usize> = (0..NAMES.len()).collect();
    for place in 0..CAST {
        let other = place + random.below((names.len() - place) as u64) as usize;
        names.swap(place, other);
    }
    names.truncate(CAST);
    names
}

fn begins(tells: &[Tells]) -> bool {
    matches!(tells, [Tells::Begin | Tells::BeginProduct(..)])
}

/// Draws a sentence with numbers that suit its calculation.
fn line(random: &mut KeyedRandom, story: &Story, template: usize) -> Line {
    let mut from = |low: u8, high: u8| low + random.below(u64::from(high.max(low) - low) + 1) as u8;
    let family = story.family();
    let factor = family.measures[story.measure].factor.max(1);
    let (mut a, mut b) = (0, 0);
    for tells in family.lines[template].tells {
        match *tells {
            Tells::Begin => a = from(2, 40),
            Tells::BeginProduct(_, Number::Factor) => a = from(2, (MOST / factor).min(9)),
            Tells::BeginProduct(..) => (a, b) = (from(2, 9), from(2, 9)),
            Tells::Step(StepOperator::Plus | StepOperator::Minus, Number::A) => a = from(2, 20),
            Tells::Step(StepOperator::Plus | StepOperator::Minus, Number::B) => b = from(2, 20),
            Tells::Product(_, _, Number::Factor) => a = from(2, (MOST_ASIDE / factor).min(9)),
            Tells::Product(..) => {
                a = from(2, 9);
                b = from(2, (MOST_ASIDE / a).min(9));
            }
            Tells::Step(..) | Tells::FromStart(_) => {}
        }
    }
    let lead = if family.lines[template].leads() { random.below(LEADS.len() as u64) as usize } else { 0 };
    Line { template, lead, a, b }
}
