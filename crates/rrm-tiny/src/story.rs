//! Short word problems in plain English: their sentences, their calculation, and answers to them.
//!
//! A [`Story`] is drawn ([`draw`]) or parsed ([`domain`]). Its sentences come from tables ([`families`]) and define a chain of calculation steps
//! ([`chain`]). Worked answers ([`answer`]) state the number after each step; a wrong answer has one mistake ([`slip`]). The judge's thoughts
//! ([`thought`]) go through the steps and check both answers against its own numbers.

pub mod answer;
pub mod chain;
pub mod domain;
pub mod draw;
pub mod families;
pub mod quote;
pub mod rows;
pub mod slip;
pub mod template;
pub mod thought;
pub mod vocabulary;

use chain::{Step, StepOperator, StepTerm};
use families::{FAMILIES, Family, LEADS, Number, Tells};
use template::Filling;

/// Most steps of a problem.
pub const MOST_STEPS: usize = 6;
/// The largest number in a problem and the largest result of a step.
pub const MOST: u8 = 99;

/// One sentence of a story: its template and its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Index among [`Family::lines`].
    pub template: usize,
    /// Index among [`LEADS`].
    pub lead: usize,
    /// The number `{a}`; 0 where the sentence has none.
    pub a: u8,
    /// The number `{b}`; 0 where the sentence has none.
    pub b: u8,
}

/// A word problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Index among [`FAMILIES`].
    pub family: usize,
    /// Index among [`Family::measures`].
    pub measure: usize,
    /// Indices among [`families::NAMES`], all different.
    pub cast: Vec<usize>,
    /// The sentences in order; only the first one is a beginning.
    pub lines: Vec<Line>,
    /// Index among [`Family::questions`].
    pub question: usize,
    /// Whether the question comes first in the text.
    pub question_first: bool,
}

/// A step of a story, and the sentence that it follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldStep {
    /// The calculation.
    pub step: Step,
    /// Index in [`Story::lines`]; for the question, one more than the last index.
    pub line: usize,
}

impl Story {
    /// Returns the family of the story.
    pub fn family(&self) -> &'static Family {
        &FAMILIES[self.family]
    }

    /// Returns the unit of the answer.
    pub fn unit(&self) -> &'static str {
        self.family().measures[self.measure].unit
    }

    /// Returns the unit with which that of the answer could be confused.
    pub fn rival(&self) -> &'static str {
        self.family().measures[self.measure].rival
    }

    /// Returns the sentences, with the question at the end, wherever it is in the text.
    pub fn sentences(&self) -> Vec<String> {
        let family = self.family();
        let mut persons = 0;
        let mut sentences = Vec::new();
        for line in &self.lines {
            let template = &family.lines[line.template];
            // In comparisons every sentence introduces another person.
            if template.text.contains("{next}") {
                persons += 1;
            }
            sentences.push(led(LEADS[line.lead], &self.filling(*line, persons).fill(template.text)));
        }
        let question = Line { template: 0, lead: 0, a: 0, b: 0 };
        sentences.push(self.filling(question, persons).fill(family.questions[self.question].text));
        sentences
    }

    fn filling(&self, line: Line, persons: usize) -> Filling {
        let measure = &self.family().measures[self.measure];
        Filling { cast: self.cast.clone(), persons, measure: *measure, a: line.a, b: line.b }
    }

    /// Returns the text of the problem.
    pub fn text(&self) -> String {
        let mut sentences = self.sentences();
        if self.question_first {
            sentences.rotate_right(1);
        }
        sentences.join(" ")
    }

    /// Returns the steps that lead to the requested number.
    pub fn steps(&self) -> Vec<ToldStep> {
        let family = self.family();
        let factor = family.measures[self.measure].factor;
        let mut told = Vec::new();
        let mut total = StepTerm::Given(0);
        let mut start = total;
        for (index, line) in self.lines.iter().enumerate() {
            for tells in family.lines[line.template].tells {
                follow(*tells, *line, factor, index, (&mut total, start), &mut told);
            }
            if index == 0 {
                start = total;
            }
        }
        let asked = Line { template: 0, lead: 0, a: 0, b: 0 };
        for tells in family.questions[self.question].tells {
            follow(*tells, asked, factor, self.lines.len(), (&mut total, start), &mut told);
        }
        told
    }

    /// Returns the steps without their sentences.
    pub fn chain(&self) -> Vec<Step> {
        self.steps().iter().map(|told| told.step).collect()
    }

    /// Returns the number after each step; `None` if one is below 0, above [`MOST`] or not whole.
    pub fn values(&self) -> Option<Vec<u8>> {
        chain::values(&self.chain())
    }

    /// Returns all numbers in the text.
    pub fn numbers(&self) -> Vec<u8> {
        let family = self.family();
        let mut numbers = Vec::new();
        for line in &self.lines {
            let text = family.lines[line.template].text;
            numbers.extend(text.contains("{a}").then_some(line.a));
            numbers.extend(text.contains("{b}").then_some(line.b));
        }
        numbers
    }

    /// Returns the family and the calculation. Two problems with equal keys are the same, whatever their names and words.
    pub fn key(&self) -> String {
        let steps: Vec<String> = self.chain().iter().map(|step| format!("{:?}", step)).collect();
        format!("{} {}", self.family().name, steps.join(" "))
    }
}

/// Puts a lead before a sentence; the first letter is a capital.
fn led(lead: &str, sentence: &str) -> String {
    if !lead.is_empty() {
        return format!("{lead} {sentence}");
    }
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn follow(tells: Tells, line: Line, factor: u8, at: usize, (total, start): (&mut StepTerm, StepTerm), told: &mut Vec<ToldStep>) {
    let number = |number: Number| {
        StepTerm::Given(match number {
            Number::A => line.a,
            Number::B => line.b,
            Number::Factor => factor,
            Number::Two => 2,
        })
    };
    let mut push = |left, operator, right| {
        told.push(ToldStep { step: Step { left, operator, right }, line: at });
        StepTerm::Result(told.len() - 1)
    };
    *total = match tells {
        Tells::Begin => number(Number::A),
        Tells::BeginProduct(left, right) => push(number(left), StepOperator::Times, number(right)),
        Tells::Step(operator, right) => push(*total, operator, number(right)),
        Tells::Product(operator, left, right) => {
            let side = push(number(left), StepOperator::Times, number(right));
            push(*total, operator, side)
        }
        Tells::FromStart(operator) => push(*total, operator, start),
    };
}
