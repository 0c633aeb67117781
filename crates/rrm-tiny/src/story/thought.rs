//! A story and two answers -> the judge's thoughts about them, as training text.
//!
//! The judge quotes the sentences of a step, calculates it, and states for each answer its number and whether that is right. It stops at the first
//! wrong number:
//!
//! ```text
//! <think>
//! Tom has 12 apples. He buys 5 more. Step 1: 12 + 5 = 17. Assistant 1 says 17, right. Assistant 2 says 18, wrong.
//! </think>
//!
//! The better response is \boxed{Assistant 1}
//! ```

use std::fmt::Write;

use rrm::keyed::KeyedRandom;

use super::{MOST_STEPS, Story, answer::Answer, chain::Equation, slip};

/// The opening of the thinking.
pub const OPEN: &str = "<think>\n";
/// The end of the thinking and the verdict, up to the number of the better response.
pub const CLOSE: &str = "\n</think>\n\nThe better response is \\boxed{Assistant";
/// The verdict of a judge that does not think, up to the number of the better response.
pub const AT_ONCE: &str = "\\boxed{Assistant";
/// The thoughts of a judge that guesses.
pub const GUESS: &str = "I am not sure.";
/// The text before each answer's number.
pub const SAYS: [&str; 2] = [" Assistant 1 says", " Assistant 2 says"];
/// The text behind each answer's number: right, or wrong.
pub const MARKS: [&str; 2] = [", right.", ", wrong."];
/// The text in place of a number, for an answer without this step.
pub const NOTHING: &str = " nothing";

/// Probabilities of a judge's failures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Noise {
    /// Guessing without thinking.
    pub guess: f64,
    /// Stopping before the first difference and guessing; impossible if the first step differs.
    pub stop_early: f64,
    /// A wrong result, for each step.
    pub slip: f64,
}

/// Returns the end of the thinking with the verdict.
pub fn verdict(second: bool) -> String {
    format!("{CLOSE} {}}}", 1 + u8::from(second))
}

/// Returns the verdict without thinking.
pub fn at_once(second: bool) -> String {
    format!("{AT_ONCE} {}}}", 1 + u8::from(second))
}

/// A way through a story: for each step the quoted sentences and its equation.
struct Walk {
    quotes: Vec<String>,
    equations: Vec<Equation>,
}

impl Walk {
    /// Goes through a story. `slips` may change the result of a step, and later steps follow from it.
    fn new(story: &Story, mut slips: impl FnMut(usize, u8) -> u8) -> Walk {
        let sentences = story.sentences();
        let mut walk = Walk { quotes: Vec::new(), equations: Vec::new() };
        let mut values: Vec<u8> = Vec::new();
        let mut quoted = 0;
        for (index, told) in story.steps().into_iter().enumerate() {
            let (left, right) = (told.step.left.value(&values), told.step.right.value(&values));
            let result = slips(index, told.step.operator.apply(left, right).unwrap_or(left));
            values.push(result);
            walk.equations.push(Equation { left, operator: told.step.operator, right, result });
            let mut quote = String::new();
            for (line, sentence) in sentences.iter().enumerate().take(told.line + 1).skip(quoted) {
                // Sentences whose number does not matter are skipped.
                let matters = story.lines.get(line).is_none_or(|line| !story.family().lines[line.template].tells.is_empty());
                if matters {
                    let _ = write!(quote, "{sentence} ");
                }
            }
            quoted = quoted.max(told.line + 1);
            walk.quotes.push(quote);
        }
        walk
    }

    /// Returns the text of step `index`.
    fn step(&self, index: usize) -> String {
        format!("{}Step {}: {}.", self.quotes[index], index + 1, self.equations[index])
    }
}

/// Compares both answers with the judge's own number, at a step or at the end with the unit. Returns the text, and whether each is right.
fn checked(said: [&str; 2], own: &str) -> (String, [bool; 2]) {
    let right = said.map(|said| said == own);
    let text = (0..2).map(|each| format!("{}{}{}", SAYS[each], said[each], MARKS[usize::from(!right[each])])).collect();
    (text, right)
}

fn said(answer: &Answer, index: usize) -> String {
    answer.values.get(index).map_or_else(|| NOTHING.to_owned(), |value| format!(" {value}"))
}

fn end(answer: &Answer) -> String {
    format!(" {} {}", answer.values.last().copied().unwrap_or(0), answer.unit)
}

/// Returns the last line of a check: the final answer.
fn ended(story: &Story, walk: &Walk, answers: [&Answer; 2]) -> (String, [bool; 2]) {
    let own = format!(" {} {}", walk.equations.last().map_or(0, |equation| equation.result), story.unit());
    let said = answers.map(end);
    let (text, right) = checked([&said[0], &said[1]], &own);
    (format!("Answer:{own}.{text}"), right)
}

/// Returns the calculation of a story without answers to check.
pub fn work(story: &Story) -> String {
    let walk = Walk::new(story, |_, right| right);
    let mut lines: Vec<String> = (0..walk.equations.len()).map(|index| walk.step(index)).collect();
    lines.push(format!("Answer: {} {}.", walk.equations.last().map_or(0, |equation| equation.result), story.unit()));
    format!("{OPEN}{}\n</think>", lines.join("\n"))
}

/// Returns the calculations of stories, at most as many as a story has steps: the questions, and their results.
pub fn facts(stories: &[Story]) -> (String, String) {
    let equations = stories.iter().flat_map(|story| Walk::new(story, |_, right| right).equations).take(MOST_STEPS);
    let (mut asked, mut lines) = (String::new(), Vec::new());
    for (index, equation) in equations.enumerate() {
        let Equation { left, operator, right, .. } = equation;
        let _ = write!(asked, " {left} {} {right}.", operator.symbol());
        lines.push(format!("Step {}: {equation}.", index + 1));
    }
    (asked, format!("{OPEN}{}\n</think>", lines.join("\n")))
}

/// Checks both answers at every step, to the end, whatever is wrong. In a judge's thoughts nearly all numbers of the answers equal its own, so that
/// repeating its own number would pass for reading.
pub fn check(story: &Story, answers: [&Answer; 2]) -> String {
    let walk = Walk::new(story, |_, right| right);
    let mut lines = Vec::new();
    for (index, equation) in walk.equations.iter().enumerate() {
        let said = answers.map(|answer| said(answer, index));
        let (text, _) = checked([&said[0], &said[1]], &format!(" {}", equation.result));
        lines.push(walk.step(index) + &text);
    }
    lines.push(ended(story, &walk, answers).0);
    format!("{OPEN}{}\n</think>", lines.join("\n"))
}

/// Returns the judge's text, with its verdict at the end.
pub fn judge(story: &Story, answers: [&Answer; 2], noise: Noise, random: &mut KeyedRandom) -> String {
    let fate = random.f64();
    let coin = random.below(2) == 1;
    if fate < noise.guess {
        return format!("{OPEN}{GUESS}{}", verdict(coin));
    }
    let chain = story.chain();
    let walk = Walk::new(story, |index, right| {
        let off = (random.f64() < noise.slip).then(|| slip::off(random, chain[index], right)).flatten();
        off.unwrap_or(right)
    });
    let steps = chain.len();
    let differs = (0..steps).find(|index| answers[0].values.get(*index) != answers[1].values.get(*index)).unwrap_or(steps);
    let stops = fate < noise.guess + noise.stop_early && differs > 0;
    let last = if stops { random.below(differs as u64) as usize } else { steps };
    let mut lines = Vec::new();
    let mut second = coin;
    for index in 0..=steps {
        let (text, right) = if index == steps {
            ended(story, &walk, answers)
        } else {
            let said = answers.map(|answer| said(answer, index));
            let (text, right) = checked([&said[0], &said[1]], &format!(" {}", walk.equations[index].result));
            (walk.step(index) + &text, right)
        };
        lines.push(text);
        if right != [true, true] {
            second = if right == [false, false] { coin } else { right[1] };
            break;
        }
        if index == last {
            break;
        }
    }
    format!("{OPEN}{}{}", lines.join("\n"), verdict(second))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::domain;

    const TEXT: &str =
        "Tom has 12 apples. Anna has 3 pears. Before he gives 9 to Anna, he buys 5 more. How many apples does Tom have now?";

    fn random() -> KeyedRandom {
        KeyedRandom::new(1, "pair", "trace", &[])
    }

    fn answer(text: &str) -> Answer {
        domain::answer(text).unwrap()
    }

    #[test]
    fn a_judge_stops_at_the_first_thing_that_is_wrong() {
        let story = domain::story(TEXT).unwrap();
        let (right, wrong) = (
            answer("Step 1: we get 17. Step 2: it is 8. Answer: 8 apples."),
            answer("(1) it is 18. (2) it is 9. So it is 9 apples."),
        );
        let text = judge(&story, [&wrong, &right], Noise::default(), &mut random());
        assert_eq!(
            text,
            "<think>\nTom has 12 apples. Before he gives 9 to Anna, he buys 5 more. Step 1: 12 + 5 = 17. \
             Assistant 1 says 18, wrong. Assistant 2 says 17, right.\n</think>\n\nThe better response is \\boxed{Assistant 2}"
        );
    }

    #[test]
    fn a_check_goes_to_the_end_and_misses_steps() {
        let story = domain::story(TEXT).unwrap();
        let (short, other) =
            (answer("(1) it is 17. So it is 17 apples."), answer("Step 1: we get 3. Step 2: it is 8. Answer: 8 pears."));
        assert_eq!(
            check(&story, [&short, &other]),
            "<think>\nTom has 12 apples. Before he gives 9 to Anna, he buys 5 more. Step 1: 12 + 5 = 17. \
             Assistant 1 says 17, right. Assistant 2 says 3, wrong.\n\
             Step 2: 17 - 9 = 8. Assistant 1 says nothing, wrong. Assistant 2 says 8, right.\n\
             Answer: 8 apples. Assistant 1 says 17 apples, wrong. Assistant 2 says 8 pears, wrong.\n</think>"
        );
        let (asked, done) = facts(&[story.clone(), story.clone()]);
        assert_eq!(asked, " 12 + 5. 17 - 9. 12 + 5. 17 - 9.");
        assert!(done.ends_with("Step 3: 12 + 5 = 17.\nStep 4: 17 - 9 = 8.\n</think>"), "{done}");
        assert_eq!(
            work(&story),
            "<think>\nTom has 12 apples. Before he gives 9 to Anna, he buys 5 more. Step 1: 12 + 5 = 17.\nStep 2: 17 - 9 = 8.\nAnswer: 8 apples.\n</think>"
        );
    }

    #[test]
    fn a_judge_that_fails_does_so_as_it_is_told() {
        let story = domain::story(TEXT).unwrap();
        let (right, wrong) = (
            answer("Step 1: we get 17. Step 2: it is 8. Answer: 8 apples."),
            answer("(1) it is 17. (2) it is 9. So it is 9 apples."),
        );
        let write = |noise| judge(&story, [&right, &wrong], noise, &mut random());
        let guess = write(Noise { guess: 1.0, ..Noise::default() });
        assert!(guess.starts_with("<think>\nI am not sure.\n</think>\n\nThe better response is \\boxed{Assistant "), "{guess}");
        let early = write(Noise { stop_early: 1.0, ..Noise::default() });
        assert!(
            early.contains("Step 1: 12 + 5 = 17. Assistant 1 says 17, right. Assistant 2 says 17, right.\n</think>"),
            "{early}"
        );
        let slip = write(Noise { slip: 1.0, ..Noise::default() });
        assert!(!slip.contains("12 + 5 = 17"), "{slip}");
    }
}
