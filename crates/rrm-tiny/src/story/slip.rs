//! A story -> a wrong answer with one mistake of one of several kinds.

use rrm::keyed::KeyedRandom;

use super::{
    MOST, MOST_STEPS, Story,
    answer::Answer,
    chain::{Step, StepOperator, StepTerm, values, values_with},
};

/// The kind of mistake in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slip {
    /// A step has a wrong result, which all later steps inherit.
    Arithmetic,
    /// A step is missing.
    Dropped,
    /// There is an extra step with a number that does not matter.
    Extra,
    /// A wrong operation: addition instead of subtraction, multiplication instead of addition, and so on.
    Operation,
    /// Another number of the story is used.
    Number,
    /// The right number with the wrong unit.
    Unit,
    /// A wrong step and a second one that cancels it: the right number for a wrong reason.
    Cancelled,
}

/// The number of wrong answers out of 100 with each mistake, where it is possible. Missing and extra steps are equally frequent, so that the length
/// of an answer reveals nothing.
const SHARES: [(Slip, u64); 7] = [
    (Slip::Arithmetic, 34),
    (Slip::Dropped, 10),
    (Slip::Extra, 10),
    (Slip::Operation, 14),
    (Slip::Number, 14),
    (Slip::Unit, 8),
    (Slip::Cancelled, 10),
];

impl Story {
    /// Returns the right answer.
    ///
    /// # Panics
    /// When the numbers are outside of the domain, which is never so for drawn or parsed stories.
    pub fn right(&self) -> Answer {
        Answer { values: self.values().unwrap_or_default(), unit: self.unit().to_owned() }
    }

    /// Draws a wrong answer. Returns it with its mistake. `fewest` and `most` are the numbers of steps in stories of these rows.
    pub fn wrong(&self, random: &mut KeyedRandom, (fewest, most): (usize, usize)) -> (Answer, Slip) {
        let steps = self.chain();
        let right = self.right();
        loop {
            let slip = draw(random);
            // An answer with one step less or more would have no counterpart with the lengths exchanged.
            let lonely = match slip {
                Slip::Dropped => steps.len() == fewest,
                Slip::Extra => steps.len() == most.min(MOST_STEPS),
                _ => false,
            };
            if lonely {
                continue;
            }
            let Some(answer) = self.attempt(slip, &steps, random) else { continue };
            let same_end = answer.values.last() == right.values.last();
            let fits = match slip {
                Slip::Unit => true,
                Slip::Cancelled => same_end && answer.values != right.values,
                _ => !same_end,
            };
            if fits && !answer.values.contains(&0) {
                return (answer, slip);
            }
        }
    }

    fn attempt(&self, slip: Slip, steps: &[Step], random: &mut KeyedRandom) -> Option<Answer> {
        let right = values(steps)?;
        let at = random.below(steps.len() as u64) as usize;
        let mut changed = steps.to_vec();
        let mut unit = self.unit();
        let wrong = match slip {
            Slip::Arithmetic => values_with(steps, &[(at, off(random, steps[at], right[at])?)])?,
            Slip::Cancelled => {
                let mistaken = (at, off(random, steps[at], right[at])?);
                let again = at + 1 + random.below((steps.len() - at) as u64) as usize;
                // If the second step does not follow from the first, it cancels nothing.
                let follows = |step: &Step| [step.left, step.right].contains(&StepTerm::Result(again - 1));
                steps.get(again).filter(|step| follows(step))?;
                values_with(steps, &[mistaken, (again, right[again])])?
            }
            Slip::Dropped => {
                let instead = changed.remove(at).left;
                moved(&mut changed[at..], |result| match result {
                    result if result == at => instead,
                    result if result > at => StepTerm::Result(result - 1),
                    result => StepTerm::Result(result),
                });
                (!changed.is_empty()).then_some(())?;
                values(&changed)?
            }
            Slip::Extra => {
                let number = self.some_number(random);
                let operator = if random.below(2) == 0 { StepOperator::Plus } else { StepOperator::Minus };
                moved(&mut changed[at + 1..], |result| StepTerm::Result(if result >= at { result + 1 } else { result }));
                changed.insert(at + 1, Step { left: StepTerm::Result(at), operator, right: StepTerm::Given(number) });
                values(&changed)?
            }
            Slip::Operation => {
                changed[at].operator = other(random, steps[at].operator);
                values(&changed)?
            }
            Slip::Number => {
                let number = StepTerm::Given(self.some_number(random));
                let places = [matches!(steps[at].left, StepTerm::Given(_)), matches!(steps[at].right, StepTerm::Given(_))];
                match places {
                    [true, true] if random.below(2) == 0 => changed[at].left = number,
                    [_, true] => changed[at].right = number,
                    [true, false] => changed[at].left = number,
                    [false, false] => return None,
                }
                values(&changed)?
            }
            Slip::Unit => {
                unit = self.rival();
                right
            }
        };
        Some(Answer { values: wrong, unit: unit.to_owned() })
    }

    fn some_number(&self, random: &mut KeyedRandom) -> u8 {
        let numbers = self.numbers();
        numbers[random.below(numbers.len() as u64) as usize]
    }
}

fn draw(random: &mut KeyedRandom) -> Slip {
    let mut left = random.below(SHARES.iter().map(|(_, share)| share).sum());
    for (slip, share) in SHARES {
        if left < share {
            return slip;
        }
        left -= share;
    }
    Slip::Arithmetic
}

fn other(random: &mut KeyedRandom, operator: StepOperator) -> StepOperator {
    match (operator, random.below(4)) {
        (StepOperator::Plus, 0) => StepOperator::Times,
        (StepOperator::Plus, _) => StepOperator::Minus,
        (StepOperator::Minus, _) => StepOperator::Plus,
        (StepOperator::Times, 0) => StepOperator::Minus,
        (StepOperator::Times, _) => StepOperator::Plus,
        (StepOperator::Over, 0) => StepOperator::Minus,
        (StepOperator::Over, _) => StepOperator::Times,
    }
}

/// Returns a wrong result for a step: a near number, or for products a neighbour in the multiplication table, which looks as plausible as the right
/// one.
pub fn off(random: &mut KeyedRandom, step: Step, right: u8) -> Option<u8> {
    let by = match (step.operator, step.right) {
        (StepOperator::Times, StepTerm::Given(factor)) => factor,
        _ => [1, 1, 2, 3, 10][random.below(5) as usize],
    };
    let wrong = if random.below(2) == 0 { right.checked_add(by) } else { right.checked_sub(by) };
    wrong.filter(|wrong| (1..=MOST).contains(wrong))
}

fn moved(steps: &mut [Step], to: impl Fn(usize) -> StepTerm) {
    let term = |term| match term {
        StepTerm::Result(result) => to(result),
        given => given,
    };
    for step in steps {
        (step.left, step.right) = (term(step.left), term(step.right));
    }
}
