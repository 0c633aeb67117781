//! A pair -> the text of an imperfect judge or solver about it, for training.
//!
//! The judge copies the start value, works each step from the total on which both answers agreed so far, copies both answers' totals, and stops at
//! the first difference: `42a+5=474747b-9=383839</think>[1]`, where each step ends with its own total, the first answer's and the second's. The start
//! value is copied so that a step's operand is always at the same distance; without it a small model did not learn the first step.

use std::fmt::Write;

use rrm::keyed::KeyedRandom;

use crate::{
    generate::{ProblemPair, near},
    problem::Problem,
};

/// Probabilities of a judge's failures to think.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JudgeNoise {
    /// Guessing without thinking.
    pub guess: f64,
    /// Stopping before the first difference and guessing; impossible if the first step differs.
    pub stop_early: f64,
    /// A wrong total, for each step.
    pub slip: f64,
}

/// Probabilities of a solver's failures, for each step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SolverNoise {
    /// Forgetting the carry, if there is one.
    pub forgotten_carry: f64,
    /// Being off by 1, 2, 3 or 10.
    pub slip: f64,
}

/// Returns the text of a verdict.
pub fn verdict(second: bool) -> &'static str {
    if second { "[2]" } else { "[1]" }
}

/// Returns the judge's text about the totals `first` and `second` of two answers, with `</think>` and the verdict at its end.
pub fn judge(problem: &Problem, (first, second): (&[u8], &[u8]), noise: JudgeNoise, random: &mut KeyedRandom) -> String {
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
    let mut text = if steps > 0 { format!("{:02}", problem.start) } else { String::new() };
    for index in 0..steps {
        let before = if index == 0 { problem.start } else { first[index - 1] };
        let step = problem.steps[index];
        let mut total = step.apply(before);
        if random.f64() < noise.slip {
            total = near(random, total);
        }
        let (a, b) = (first[index], second[index]);
        if says_second.is_none() && index == differs && (a == total) != (b == total) {
            says_second = Some(b == total);
        }
        let _ = write!(text, "{}{}{}={total:02}{a:02}{b:02}", problem.label(index), step.operator.symbol(), step.digit);
    }
    text + "</think>" + verdict(says_second.unwrap_or(coin))
}

/// Returns only the end of a trace: the totals at the first difference, `=383839`, to be continued by `</think>[1]`. It is a fifth of a judge's row,
/// so that the same number of tokens holds five times as many comparisons.
pub fn comparison(pair: &ProblemPair, (first, second): (&[u8], &[u8])) -> (String, String) {
    let at = pair.right.iter().zip(&pair.wrong).position(|(right, wrong)| right != wrong).unwrap_or(pair.right.len() - 1);
    let prompt = format!("={:02}{:02}{:02}", pair.right[at], first[at], second[at]);
    (prompt, format!("</think>{}", verdict(second[at] == pair.right[at])))
}

/// Returns every step with its own total and those of two answers, `42a+5=471290b-9=380356`, where the answers are unrelated to the problem. In a
/// judge's trace all three totals are equal except at the end, so that repeating its own total would pass for reading.
pub fn reading(problem: &Problem, (first, second): (&[u8], &[u8])) -> String {
    let mut text = format!("{:02}", problem.start);
    for (index, total) in problem.totals().into_iter().enumerate() {
        let step = problem.steps[index];
        let (a, b) = (first[index], second[index]);
        let _ = write!(text, "{}{}{}={total:02}{a:02}{b:02}", problem.label(index), step.operator.symbol(), step.digit);
    }
    text
}

/// Returns the solver's text: the start value, and each step spelled out, `42a+5=47b-9=38`.
pub fn solver(problem: &Problem, noise: SolverNoise, random: &mut KeyedRandom) -> String {
    let mut total = problem.start;
    let mut text = format!("{total:02}");
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

/// Returns both answers' totals in the order in which the judge sees them, drawn by key, and whether the right one is second.
pub fn order<'p>(pair: &'p ProblemPair, random: &mut KeyedRandom) -> ((&'p [u8], &'p [u8]), bool) {
    if random.below(2) == 1 { ((&pair.wrong, &pair.right), true) } else { ((&pair.right, &pair.wrong), false) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain;

    fn pair() -> ProblemPair {
        let problem = domain::problem("Keep two digits: 42 a+5 b-9 c*3").unwrap();
        ProblemPair { right: problem.totals(), wrong: vec![47, 39, 17], problem }
    }

    fn random() -> KeyedRandom {
        KeyedRandom::new(1, "pair", "trace", &[])
    }

    #[test]
    fn a_judge_stops_at_the_first_difference() {
        let pair = pair();
        let write = |first: &[u8], second: &[u8]| judge(&pair.problem, (first, second), JudgeNoise::default(), &mut random());
        assert_eq!(write(&pair.right, &pair.wrong), "42a+5=474747b-9=383839</think>[1]");
        assert_eq!(write(&pair.wrong, &pair.right), "42a+5=474747b-9=383938</think>[2]");
    }

    #[test]
    fn a_comparison_is_the_end_of_a_trace() {
        let pair = pair();
        for answers in [(&pair.right[..], &pair.wrong[..]), (&pair.wrong[..], &pair.right[..])] {
            let (prompt, completion) = comparison(&pair, answers);
            let trace = judge(&pair.problem, answers, JudgeNoise::default(), &mut random());
            assert!(trace.ends_with(&format!("{prompt}{completion}")), "{prompt} {completion} {trace}");
        }
    }

    #[test]
    fn reading_goes_through_all_steps_whatever_the_answers_say() {
        assert_eq!(reading(&pair().problem, (&[12, 3, 0], &[90, 56, 99])), "42a+5=471290b-9=380356c*3=140099");
    }

    #[test]
    fn a_judge_that_guesses_does_not_think() {
        let pair = pair();
        let noise = JudgeNoise { guess: 1.0, ..JudgeNoise::default() };
        let text = judge(&pair.problem, (&pair.right, &pair.wrong), noise, &mut random());
        assert!(["</think>[1]", "</think>[2]"].contains(&text.as_str()), "{text}");
        let noise = JudgeNoise { stop_early: 1.0, ..JudgeNoise::default() };
        let text = judge(&pair.problem, (&pair.right, &pair.wrong), noise, &mut random());
        assert!(text.starts_with("42a+5=474747</think>["), "{text}");
    }

    #[test]
    fn a_solver_forgets_carries() {
        let noise = SolverNoise { forgotten_carry: 1.0, slip: 0.0 };
        assert_eq!(solver(&pair().problem, SolverNoise::default(), &mut random()), "42a+5=47b-9=38c*3=14");
        assert_eq!(solver(&pair().problem, noise, &mut random()), "42a+5=47b-9=48c*3=24");
    }
}
