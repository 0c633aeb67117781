//! A pair -> what an imperfect judge or solver writes about it, as training text.
//!
//! The judge works a step from the total that both answers agreed on so far, notes which answer says the same (`=` both, `A`, `B`, `#`
//! neither, `,` neither although they agree), and stops at the first difference: `a+5=47=b-9=38A</think>[1]`.

use std::fmt::Write;

use rrm::keyed::Keyed;

use crate::{
    generate::{Pair, near},
    problem::Problem,
};

/// How a judge fails to think. Probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JudgeNoise {
    /// Guesses without thinking.
    pub guess: f64,
    /// Stops somewhere before the first difference and guesses; cannot happen when the first step differs.
    pub stop_early: f64,
    /// Works a step wrongly, in each step.
    pub slip: f64,
}

/// How a solver fails, in each step. Probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SolverNoise {
    /// Forgets the carry, where there is one.
    pub forgotten_carry: f64,
    /// Is off by 1, 2, 10 or 20.
    pub slip: f64,
}

/// The tokens that close the thinking and state a verdict.
pub fn verdict(second: bool) -> &'static str {
    if second { "[2]" } else { "[1]" }
}

/// What the judge writes when `first` and `second` are the two answers' totals; `</think>` and the verdict at its end.
pub fn judge(problem: &Problem, (first, second): (&[u8], &[u8]), noise: JudgeNoise, random: &mut Keyed) -> String {
    let fate = random.f64();
    let coin = random.below(2) == 1;
    let differs = first.iter().zip(second).position(|(a, b)| a != b).unwrap_or(first.len() - 1);
    let stops = fate >= noise.guess && fate < noise.guess + noise.stop_early && differs > 0;
    let (steps, mut says_second) = if fate < noise.guess {
        (0, Some(coin))
    } else if stops {
        (1 + random.below(differs as u64) as usize, Some(coin))
    } else {
        (differs + 1, None)
    };
    let mut text = String::new();
    for index in 0..steps {
        let before = if index == 0 { problem.start } else { first[index - 1] };
        let step = problem.steps[index];
        let mut total = step.apply(before);
        if random.f64() < noise.slip {
            total = near(random, total);
        }
        let (a, b) = (first[index] == total, second[index] == total);
        let mark = match (a, b) {
            (true, true) => '=',
            (true, false) => 'A',
            (false, true) => 'B',
            (false, false) if first[index] == second[index] => ',',
            (false, false) => '#',
        };
        if says_second.is_none() && index == differs && a != b {
            says_second = Some(b);
        }
        let _ = write!(text, "{}{}{}={total:02}{mark}", problem.label(index), step.operator.symbol(), step.digit);
    }
    text + "</think>" + verdict(says_second.unwrap_or(coin))
}

/// What the solver writes: each step spelled out, `a+5=47b-9=38`.
pub fn solver(problem: &Problem, noise: SolverNoise, random: &mut Keyed) -> String {
    let mut total = problem.start;
    let mut text = String::new();
    for (index, step) in problem.steps.iter().enumerate() {
        let forgets = random.f64() < noise.forgotten_carry;
        total = if forgets { step.without_carry(total) } else { step.apply(total) };
        if random.f64() < noise.slip {
            total = near(random, total);
        }
        let _ = write!(text, "{}{}{}={total:02}", problem.label(index), step.operator.symbol(), step.digit);
    }
    text
}

/// The two answers' totals in the order in which the judge sees them, and whether the right one is the second; drawn by key.
pub fn order<'p>(pair: &'p Pair, random: &mut Keyed) -> ((&'p [u8], &'p [u8]), bool) {
    if random.below(2) == 1 { ((&pair.wrong, &pair.right), true) } else { ((&pair.right, &pair.wrong), false) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain;

    fn pair() -> Pair {
        let problem = domain::problem("Keep two digits: 42 a+5 b-9 c*3").unwrap();
        Pair { right: problem.totals(), wrong: vec![47, 39, 17], problem }
    }

    fn random() -> Keyed {
        Keyed::new(1, "pair", "trace", &[])
    }

    #[test]
    fn a_judge_stops_at_the_first_difference() {
        let pair = pair();
        let write = |first: &[u8], second: &[u8]| judge(&pair.problem, (first, second), JudgeNoise::default(), &mut random());
        assert_eq!(write(&pair.right, &pair.wrong), "a+5=47=b-9=38A</think>[1]");
        assert_eq!(write(&pair.wrong, &pair.right), "a+5=47=b-9=38B</think>[2]");
    }

    #[test]
    fn a_judge_that_guesses_does_not_think() {
        let pair = pair();
        let noise = JudgeNoise { guess: 1.0, ..JudgeNoise::default() };
        let text = judge(&pair.problem, (&pair.right, &pair.wrong), noise, &mut random());
        assert!(["</think>[1]", "</think>[2]"].contains(&text.as_str()), "{text}");
        let noise = JudgeNoise { stop_early: 1.0, ..JudgeNoise::default() };
        let text = judge(&pair.problem, (&pair.right, &pair.wrong), noise, &mut random());
        assert!(text.starts_with("a+5=47=</think>["), "{text}");
    }

    #[test]
    fn a_solver_forgets_carries() {
        let noise = SolverNoise { forgotten_carry: 1.0, slip: 0.0 };
        assert_eq!(solver(&pair().problem, SolverNoise::default(), &mut random()), "a+5=47b-9=38c*3=14");
        assert_eq!(solver(&pair().problem, noise, &mut random()), "a+5=47b-9=48c*3=24");
    }
}
