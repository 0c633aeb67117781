//! A start value and labelled steps -> running totals, as texts for people and the judge.

use std::fmt::{self, Display, Formatter};

/// Running totals are reduced modulo this number, to two digits.
pub const MODULUS: u8 = 100;
/// Most steps of a problem.
pub const MOST_STEPS: usize = 12;
/// Labels of steps; the steps of a problem have adjacent labels.
pub const LABELS: &[u8; 16] = b"abcdefghijklmnop";
/// Factors of products. None has a divisor in common with 100, so a slip can never cancel out later.
pub const FACTORS: [u8; 3] = [3, 7, 9];

/// A chain of steps, worked from left to right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The value before the first step, below 100.
    pub start: u8,
    /// Index in [`LABELS`] of the first step's label.
    pub first_label: usize,
    /// 1 to [`MOST_STEPS`] steps.
    pub steps: Vec<ProblemStep>,
}

/// One step: an operator and its digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemStep {
    /// The operation of the step.
    pub operator: Operator,
    /// 1 to 9; for a product, one of [`FACTORS`].
    pub digit: u8,
}

/// The operation of a step on the total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Times,
}

impl Operator {
    /// Returns the character of the operator.
    pub fn symbol(self) -> char {
        match self {
            Operator::Plus => '+',
            Operator::Minus => '-',
            Operator::Times => '*',
        }
    }
}

impl ProblemStep {
    /// Returns the total after this step from the total before it; both are below 100.
    pub fn apply(self, total: u8) -> u8 {
        let (total, digit, modulus) = (u16::from(total), u16::from(self.digit), u16::from(MODULUS));
        let next = match self.operator {
            Operator::Plus => total + digit,
            Operator::Minus => total + modulus - digit,
            Operator::Times => total * digit,
        };
        (next % modulus) as u8
    }

    /// Returns the total if the carry from the units (for a difference: the borrow) is forgotten.
    pub fn without_carry(self, total: u8) -> u8 {
        let (tens, units) = (total / 10, total % 10);
        match self.operator {
            Operator::Plus => tens * 10 + (units + self.digit) % 10,
            Operator::Minus => tens * 10 + (units + 10 - self.digit) % 10,
            Operator::Times => (tens * self.digit % 10) * 10 + units * self.digit % 10,
        }
    }
}

impl Problem {
    /// Returns the total after each step.
    pub fn totals(&self) -> Vec<u8> {
        let mut total = self.start;
        self.steps
            .iter()
            .map(|step| {
                total = step.apply(total);
                total
            })
            .collect()
    }

    /// Returns the label of step `index`.
    pub fn label(&self, index: usize) -> char {
        char::from(LABELS[self.first_label + index])
    }

    /// Returns a worked answer with these totals: `a47 b38 c14`.
    pub fn answer(&self, totals: &[u8]) -> String {
        let each = totals.iter().enumerate().map(|(index, total)| format!("{}{total:02}", self.label(index)));
        each.collect::<Vec<String>>().join(" ")
    }

    /// Returns the start and the steps without labels. Two problems are the same if their chains are equal.
    pub fn chain(&self) -> String {
        let steps = self.steps.iter().map(|step| format!("{}{}", step.operator.symbol(), step.digit));
        format!("{:02}{}", self.start, steps.collect::<String>())
    }
}

impl Display for Problem {
    /// Writes the prompt: `Keep two digits: 42 a+5 b-9 c*3`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Keep two digits: {:02}", self.start)?;
        self.steps
            .iter()
            .enumerate()
            .try_for_each(|(index, step)| write!(f, " {}{}{}", self.label(index), step.operator.symbol(), step.digit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(operator: Operator, digit: u8) -> ProblemStep {
        ProblemStep { operator, digit }
    }

    #[test]
    fn totals_keep_two_digits() {
        let steps = vec![step(Operator::Plus, 5), step(Operator::Minus, 9), step(Operator::Times, 3)];
        let problem = Problem { start: 42, first_label: 0, steps };
        assert_eq!(problem.totals(), [47, 38, 14]);
        assert_eq!(problem.to_string(), "Keep two digits: 42 a+5 b-9 c*3");
        assert_eq!(problem.answer(&problem.totals()), "a47 b38 c14");
        assert_eq!(step(Operator::Minus, 9).apply(4), 95);
    }

    #[test]
    fn a_forgotten_carry_is_lost() {
        assert_eq!(step(Operator::Plus, 5).without_carry(47), 42);
        assert_eq!(step(Operator::Minus, 5).without_carry(42), 47);
        assert_eq!(step(Operator::Times, 3).without_carry(38), 94);
        // There is nothing to carry.
        assert_eq!(step(Operator::Plus, 5).without_carry(42), 47);
    }
}
