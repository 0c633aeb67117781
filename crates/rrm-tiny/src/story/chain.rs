//! Steps of a calculation -> the numbers after each of them.

use std::fmt::{self, Display, Formatter};

use super::MOST;

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepOperator {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `×`
    Times,
    /// `÷`
    Over,
}

impl StepOperator {
    /// The character that stands for it.
    pub fn symbol(self) -> char {
        match self {
            StepOperator::Plus => '+',
            StepOperator::Minus => '-',
            StepOperator::Times => '×',
            StepOperator::Over => '÷',
        }
    }

    /// What comes out, if it is whole and from 0 to [`MOST`].
    pub fn apply(self, left: u8, right: u8) -> Option<u8> {
        let result = match self {
            StepOperator::Plus => left.checked_add(right),
            StepOperator::Minus => left.checked_sub(right),
            StepOperator::Times => left.checked_mul(right),
            StepOperator::Over => left.checked_div(right).filter(|whole| whole * right == left),
        };
        result.filter(|result| *result <= MOST)
    }
}

/// A number that a step takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepTerm {
    /// Told, or known to everybody.
    Given(u8),
    /// What came out of an earlier step.
    Result(usize),
}

impl StepTerm {
    /// The number, where `values` came out so far.
    pub fn value(self, values: &[u8]) -> u8 {
        match self {
            StepTerm::Given(number) => number,
            StepTerm::Result(step) => values[step],
        }
    }
}

/// A step: two numbers and what is done with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The first number.
    pub left: StepTerm,
    /// What is done.
    pub operator: StepOperator,
    /// The second number.
    pub right: StepTerm,
}

/// A step with its numbers: `12 + 5 = 17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Equation {
    /// The first number.
    pub left: u8,
    /// What is done.
    pub operator: StepOperator,
    /// The second number.
    pub right: u8,
    /// What comes out, or is said to.
    pub result: u8,
}

impl Display for Equation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} = {}", self.left, self.operator.symbol(), self.right, self.result)
    }
}

/// The numbers after each step; `None` where one is outside of the domain.
pub fn values(steps: &[Step]) -> Option<Vec<u8>> {
    values_with(steps, &[])
}

/// The same where some steps have another outcome than theirs.
pub fn values_with(steps: &[Step], mistaken: &[(usize, u8)]) -> Option<Vec<u8>> {
    let mut values = Vec::with_capacity(steps.len());
    for (index, step) in steps.iter().enumerate() {
        let right = step.operator.apply(step.left.value(&values), step.right.value(&values));
        let value = match mistaken.iter().find(|(at, _)| *at == index) {
            Some((_, value)) => *value,
            None => right?,
        };
        values.push(value);
    }
    Some(values)
}
