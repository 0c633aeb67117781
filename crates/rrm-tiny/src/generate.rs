//! A seed, a split and a number -> a problem with one right and one subtly wrong worked answer.
//!
//! Everything is drawn by key, so any row can be made alone. The split of a problem is a hash of its chain: no problem of the test set can occur in
//! training, whatever the seeds.

use rrm::keyed::KeyedRandom;

use crate::problem::{FACTORS, LABELS, MODULUS, Operator, Problem, ProblemStep};

/// A part of all problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Four fifths of all problems.
    Train,
    /// A tenth, for choosing between settings.
    Validation,
    /// A tenth, for what is reported.
    Test,
}

impl Split {
    /// Returns the name of the split.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Validation => "validation",
            Split::Test => "test",
        }
    }

    /// Returns the split of a problem.
    pub fn of(problem: &Problem) -> Split {
        match blake3::hash(problem.chain().as_bytes()).as_bytes()[0] % 10 {
            0 => Split::Test,
            1 => Split::Validation,
            _ => Split::Train,
        }
    }
}

/// The seed, the split and the lengths from which rows are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemSource {
    /// Seed of the run.
    pub seed: u64,
    /// The split of the problems.
    pub split: Split,
    /// Fewest and most steps, at most [`MOST_STEPS`](crate::problem::MOST_STEPS).
    pub steps: (usize, usize),
}

/// A problem with two worked answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProblemPair {
    /// The problem.
    pub problem: Problem,
    /// The right totals.
    pub right: Vec<u8>,
    /// Totals with one slip, which every later total inherits.
    pub wrong: Vec<u8>,
}

impl ProblemSource {
    /// Returns the random numbers of row `index` for one purpose.
    pub fn numbers(&self, index: u64, what: &str) -> KeyedRandom {
        let (fewest, most) = self.steps;
        KeyedRandom::new(self.seed, self.split.name(), what, &[index, fewest as u64, most as u64])
    }

    /// Returns problem number `index`.
    pub fn problem(&self, index: u64) -> Problem {
        let mut random = self.numbers(index, "problem");
        loop {
            let problem = draw(&mut random, self.steps);
            if Split::of(&problem) == self.split {
                return problem;
            }
        }
    }

    /// Returns pair number `index`. If a carry can be forgotten, the slip in the wrong answer is a forgotten carry with the given probability;
    /// otherwise the total is off by 1, 2, 3 or 10.
    pub fn pair(&self, index: u64, forgotten_carry: f64) -> ProblemPair {
        let problem = self.problem(index);
        let right = problem.totals();
        let mut random = self.numbers(index, "slip");
        let at = random.below(problem.steps.len() as u64) as usize;
        let before = if at == 0 { problem.start } else { right[at - 1] };
        let forgotten = problem.steps[at].without_carry(before);
        let forgets = random.f64() < forgotten_carry && forgotten != right[at];
        let mut total = if forgets { forgotten } else { near(&mut random, right[at]) };
        let mut wrong = right[..at].to_vec();
        wrong.push(total);
        for step in &problem.steps[at + 1..] {
            total = step.apply(total);
            wrong.push(total);
        }
        ProblemPair { problem, right, wrong }
    }
}

/// Returns a total that is off by 1, 2, 3 or 10 in either direction. Most of these change the units, which a judge learns to compare last.
pub(crate) fn near(random: &mut KeyedRandom, total: u8) -> u8 {
    let off = [1, 99, 2, 98, 3, 97, 10, 90][random.below(8) as usize];
    (total + off) % MODULUS
}

fn draw(random: &mut KeyedRandom, (fewest, most): (usize, usize)) -> Problem {
    let count = fewest + random.below((most - fewest) as u64 + 1) as usize;
    let start = random.below(u64::from(MODULUS)) as u8;
    let first_label = random.below((LABELS.len() - count) as u64 + 1) as usize;
    let steps = (0..count).map(|_| step(random)).collect();
    Problem { start, first_label, steps }
}

fn step(random: &mut KeyedRandom) -> ProblemStep {
    let digit = |random: &mut KeyedRandom| 1 + random.below(9) as u8;
    // Sums and differences are a little more frequent than products, which have fewer digits to learn.
    match random.below(20) {
        0..7 => ProblemStep { operator: Operator::Plus, digit: digit(random) },
        7..14 => ProblemStep { operator: Operator::Minus, digit: digit(random) },
        _ => ProblemStep { operator: Operator::Times, digit: FACTORS[random.below(FACTORS.len() as u64) as usize] },
    }
}
