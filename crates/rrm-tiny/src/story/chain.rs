//! Calculation steps -> the number after each of them.

use std::fmt::{self, Display, Formatter};

use super::MOST;

/// The operation of a step.
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
    /// Returns the character of the operator.
    pub fn symbol(self) -> char {
        match self {
            StepOperator::Plus => '+',
            StepOperator::Minus => '-',
            StepOperator::Times => '×',
            StepOperator::Over => '÷',
        }
    }

    /// Returns the result if it is whole and from 0 to [`MOST`].
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

/// An operand of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepTerm {
    /// A number that is stated or generally known.
    Given(u8),
    /// The result of an earlier step, by its index.
    Result(usize),
}

impl StepTerm {
    /// Returns the number; `values` are the results so far.
    pub fn value(self, values: &[u8]) -> u8 {
        match self {
            StepTerm::Given(number) => number,
            StepTerm::Result(step) => values[step],
        }
    }
}

/// A step: two operands and an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The first operand.
    pub left: StepTerm,
    /// The operation.
    pub operator: StepOperator,
    /// The second operand.
    pub right: StepTerm,
}

/// A calculated step: `12 + 5 = 17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Equation {
    /// The first operand.
    pub left: u8,
    /// The operation.
    pub operator: StepOperator,
    /// The second operand.
    pub right: u8,
    /// The result, right or claimed.
    pub result: u8,
}

impl Display for Equation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} = {}", self.left, self.operator.symbol(), self.right, self.result)
    }
}

/// Returns the number after each step; `None` if one is outside of the domain.
pub fn values(steps: &[Step]) -> Option<Vec<u8>> {
    values_with(steps, &[])
}

/// Like [`values`], with other results for some steps.
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
