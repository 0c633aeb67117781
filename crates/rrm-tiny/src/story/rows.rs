//! A kind of row and its number -> the row as JSON.

use rrm::{
    chat::{Message, Role},
    comparison::{Comparison, Prompt},
    format::{Format, FormatError},
    keyed::KeyedRandom,
};
use serde_json::{Value, json};

use super::{
    MOST, MOST_STEPS, Story,
    answer::{Answer, Manner},
    draw::StorySource,
    quote,
    slip::{self, Slip},
    thought::{self, Noise},
    vocabulary::{CHECK, WORK, fixed},
};

/// The kind of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StoryRow {
    /// A pair: prompt, chosen, rejected.
    Pair {
        /// Share of pairs whose labels are swapped.
        shuffled: f64,
    },
    /// A problem with its answer.
    Problem,
    /// A pair in the shipped format, and a judge's text about it.
    Judge(Noise),
    /// A problem with two answers whose numbers are equally often wrong and right, and a check of all of them.
    Check,
    /// A problem and its calculation.
    Work,
    /// Calculations of several stories and their results, without the stories, where they would be one token of thirty.
    Facts,
    /// Random sentences and copies of them.
    Quote,
    /// A problem and an answer to it.
    Solver {
        /// Share of wrong answers.
        wrong: f64,
    },
    /// A pair in the shipped format for judges that do not think, and the verdict.
    Direct,
}

/// Number of stories whose calculations make a row.
const STORIES_OF_FACTS: u64 = 2;

/// A problem with a right and a wrong answer, as texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryPair {
    /// The problem.
    pub story: Story,
    /// The right answer and its text.
    pub right: (Answer, String),
    /// The wrong answer and its text.
    pub wrong: (Answer, String),
    /// The mistake of the wrong answer.
    pub slip: Slip,
}

/// The rows of one source.
pub struct Rows {
    source: StorySource,
    judge: Format,
    direct: Format,
    fixed: Vec<String>,
    words: Vec<&'static str>,
}

impl Rows {
    /// Makes the rows in the shipped formats.
    ///
    /// # Errors
    /// When a shipped format is invalid.
    pub fn new(source: StorySource) -> Result<Rows, FormatError> {
        let judge = Format::shipped("rrm")?;
        let fixed = fixed(&judge)?;
        Ok(Rows { source, judge, direct: Format::shipped("direct")?, fixed, words: quote::words() })
    }

    /// Returns pair number `index`.
    pub fn pair(&self, index: u64) -> StoryPair {
        let story = self.source.story(index);
        let right = story.right();
        let (wrong, slip) = story.wrong(&mut self.source.numbers(index, "slip"), self.source.steps);
        let text =
            |answer: &Answer, what: &str| answer.text(&Manner::draw(&mut self.source.numbers(index, what), answer.values.len()));
        let (right_text, wrong_text) = (text(&right, "right manner"), text(&wrong, "wrong manner"));
        StoryPair { story, right: (right, right_text), wrong: (wrong, wrong_text), slip }
    }

    /// Returns row number `index` of a kind.
    ///
    /// # Errors
    /// When a shipped format cannot be rendered.
    pub fn row(&self, kind: StoryRow, index: u64) -> Result<Value, FormatError> {
        let mut random = self.source.numbers(index, "row");
        let StorySource { seed, split, .. } = self.source;
        Ok(match kind {
            StoryRow::Pair { shuffled } => {
                let pair = self.pair(index);
                let (mut chosen, mut rejected) = (pair.right.1, pair.wrong.1);
                if random.f64() < shuffled {
                    std::mem::swap(&mut chosen, &mut rejected);
                }
                let steps = pair.story.chain().len();
                let id = format!("{}-s{seed}-n{steps}-{index}", split.name());
                let (family, slip) = (pair.story.family().name, format!("{:?}", pair.slip).to_lowercase());
                json!({"id": id, "prompt": pair.story.text(), "chosen": chosen, "rejected": rejected, "steps": steps, "family": family, "slip": slip})
            }
            StoryRow::Problem => {
                let story = self.source.story(index);
                let steps = story.chain().len();
                let answer = story.right();
                let last = answer.values.last().copied().unwrap_or(0);
                let id = format!("problem-s{seed}-n{steps}-{index}");
                json!({"id": id, "prompt": story.text(), "answer": format!("{last} {}", answer.unit), "steps": steps, "family": story.family().name})
            }
            StoryRow::Judge(noise) => {
                let pair = self.pair(index);
                let second = random.below(2) == 1;
                let completion = thought::judge(&pair.story, answers(&pair, second), noise, &mut random);
                example(&self.messages(&self.judge, &pair, second)?, &completion)
            }
            StoryRow::Direct => {
                let pair = self.pair(index);
                let second = random.below(2) == 1;
                example(&self.messages(&self.direct, &pair, second)?, &thought::at_once(second))
            }
            StoryRow::Check => {
                let story = self.source.story(index);
                let [first, second] = [0, 1].map(|_| scattered(&story, &mut random));
                let [shown_first, shown_second] =
                    [&first, &second].map(|answer| answer.text(&Manner::draw(&mut random, answer.values.len())));
                let [_, query, one, two, _] = self.fixed.as_slice() else { unreachable!("the shipped format has two turns") };
                let asked = [query, &story.text(), one, &shown_first, two, &shown_second, CHECK].concat();
                example(&[user(asked)], &thought::check(&story, [&first, &second]))
            }
            StoryRow::Work => {
                let story = self.source.story(index);
                example(&[user(story.text() + WORK)], &thought::work(&story))
            }
            StoryRow::Facts => {
                let stories = (0..STORIES_OF_FACTS).map(|each| self.source.story(index * STORIES_OF_FACTS + each));
                let (asked, done) = thought::facts(&stories.collect::<Vec<Story>>());
                example(&[user(asked + WORK)], &done)
            }
            StoryRow::Quote => {
                let sentences = quote::sentences(&self.words, &mut random);
                example(&[user(sentences.join(" ") + WORK)], &quote::quoted(&sentences))
            }
            StoryRow::Solver { wrong } => {
                let pair = self.pair(index);
                let text = if random.f64() < wrong { pair.wrong.1 } else { pair.right.1 };
                example(&[user(pair.story.text())], &text)
            }
        })
    }

    fn messages(&self, format: &Format, pair: &StoryPair, second: bool) -> Result<Vec<Message>, FormatError> {
        let (first, last) = if second { (&pair.wrong.1, &pair.right.1) } else { (&pair.right.1, &pair.wrong.1) };
        let prompt = Prompt::text(pair.story.text()).into();
        format.messages(&Comparison { prompt, first: first.as_str().into(), second: last.as_str().into(), label: None })
    }
}

fn answers(pair: &StoryPair, second: bool) -> [&Answer; 2] {
    if second { [&pair.wrong.0, &pair.right.0] } else { [&pair.right.0, &pair.wrong.0] }
}

fn user(content: String) -> Message {
    Message { role: Role::User, content }
}

fn example(prompt: &[Message], completion: &str) -> Value {
    let turns: Vec<Value> =
        prompt.iter().map(|message| json!({"role": message.role.as_str(), "content": message.content})).collect();
    json!({"prompt": turns, "completion": completion})
}

/// Draws an answer whose numbers are right or wrong with equal probability; some answers have one step less or more.
fn scattered(story: &Story, random: &mut KeyedRandom) -> Answer {
    let steps = story.chain();
    let mut answer = story.right();
    for (step, value) in steps.iter().zip(&mut answer.values) {
        if random.below(2) == 0 {
            let anything = 1 + random.below(u64::from(MOST)) as u8;
            let near = slip::off(random, *step, *value).unwrap_or(anything);
            *value = if random.below(2) == 0 { near } else { anything };
        }
    }
    match random.below(8) {
        0 if answer.values.len() > 1 => {
            answer.values.pop();
        }
        1 if answer.values.len() < MOST_STEPS => answer.values.push(1 + random.below(u64::from(MOST)) as u8),
        _ => {}
    }
    if random.below(2) == 0 {
        story.rival().clone_into(&mut answer.unit);
    }
    answer
}
