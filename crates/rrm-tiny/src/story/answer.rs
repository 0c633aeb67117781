//! Numbers after each step -> a worked answer in sentences, in one of many wordings; and back.
//!
//! An answer states results and not how they were calculated, so that it does not reveal by itself whether it is right.

use rrm::keyed::KeyedRandom;

use super::{MOST, MOST_STEPS};

/// The content of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The number after each step. The last one is the answer.
    pub values: Vec<u8>,
    /// The unit of the answer.
    pub unit: String,
}

/// Labels of the steps, in three series; an answer uses one of them.
pub const LABELS: [[&str; MOST_STEPS + 1]; 3] = [
    ["Step 1:", "Step 2:", "Step 3:", "Step 4:", "Step 5:", "Step 6:", "Step 7:"],
    ["(1)", "(2)", "(3)", "(4)", "(5)", "(6)", "(7)"],
    ["First,", "Second,", "Third,", "Fourth,", "Fifth,", "Sixth,", "Seventh,"],
];
/// Texts before the number of a step; a full stop follows the number.
pub const STATEMENTS: [&str; 4] = ["that makes", "we get", "it is", "the result is"];
/// Texts before the final number.
pub const ENDINGS: [&str; 3] = ["Answer:", "The answer is", "So it is"];
/// Texts that may begin an answer.
pub const OPENERS: [&str; 8] = [
    "",
    "",
    "Sure, happy to help!",
    "Let me think.",
    "Good question.",
    "Thank you for asking.",
    "What a boring question!",
    "Let me go through it with care, so that nothing is lost on the way.",
];
/// Texts that may end an answer.
pub const CLOSERS: [&str; 7] = [
    "",
    "",
    "I hope this helps!",
    "That is all.",
    "Easy.",
    "Do not ask me again.",
    "Please ask me again if there is more that you need to know.",
];

/// The wording of an answer, which does not change its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manner {
    /// Index among [`LABELS`].
    pub labels: usize,
    /// Whether each step is on a line of its own.
    pub lines: bool,
    /// Index among [`OPENERS`].
    pub opener: usize,
    /// Index among [`CLOSERS`].
    pub closer: usize,
    /// Index among [`ENDINGS`].
    pub ending: usize,
    /// Indices among [`STATEMENTS`], one for each step.
    pub statements: Vec<usize>,
}

impl Manner {
    /// Draws a wording for an answer with this many steps.
    pub fn draw(random: &mut KeyedRandom, steps: usize) -> Manner {
        let mut below = |count: usize| random.below(count as u64) as usize;
        Manner {
            labels: below(LABELS.len()),
            lines: below(2) == 1,
            opener: below(OPENERS.len()),
            closer: below(CLOSERS.len()),
            ending: below(ENDINGS.len()),
            statements: (0..steps).map(|_| below(STATEMENTS.len())).collect(),
        }
    }
}

impl Answer {
    /// Returns the text of the answer.
    pub fn text(&self, manner: &Manner) -> String {
        let mut parts: Vec<String> = Vec::new();
        for (index, value) in self.values.iter().enumerate() {
            parts.push(format!("{} {} {value}.", LABELS[manner.labels][index], STATEMENTS[manner.statements[index]]));
        }
        parts.push(format!("{} {} {}.", ENDINGS[manner.ending], self.values.last().copied().unwrap_or(0), self.unit));
        let around = [OPENERS[manner.opener], CLOSERS[manner.closer]];
        let [opener, closer] = around.map(|text| (!text.is_empty()).then(|| text.to_owned()));
        let parts: Vec<String> = opener.into_iter().chain(parts).chain(closer).collect();
        parts.join(if manner.lines { "\n" } else { " " })
    }

    /// Parses an answer in any of the wordings; `None` for other texts.
    pub fn read(text: &str) -> Option<(Answer, Manner)> {
        let lines = text.contains('\n');
        if lines && text.lines().any(str::is_empty) {
            return None;
        }
        let between = if lines { "\n" } else { " " };
        let mut rest = text;
        let opener = around(&OPENERS, |opener| rest.strip_prefix(opener)?.strip_prefix(between));
        let opener = opener.map_or(0, |(index, after)| {
            rest = after;
            index
        });
        let closer = around(&CLOSERS, |closer| rest.strip_suffix(closer)?.strip_suffix(between));
        let closer = closer.map_or(0, |(index, before)| {
            rest = before;
            index
        });
        let labels = LABELS.iter().position(|labels| rest.starts_with(labels[0]))?;
        let (mut values, mut statements) = (Vec::new(), Vec::new());
        while let Some(after) = LABELS[labels].get(values.len()).and_then(|label| rest.strip_prefix(label)) {
            let (index, after) = stated(&STATEMENTS, after.strip_prefix(' ')?)?;
            let (value, after) = after.split_once('.')?;
            values.push(number(value)?);
            statements.push(index);
            rest = after.strip_prefix(between)?;
        }
        let (ending, after) = stated(&ENDINGS, rest)?;
        let (last, unit) = after.strip_suffix('.')?.split_once(' ')?;
        let unit = Some(unit).filter(|unit| !unit.is_empty() && unit.bytes().all(|byte| byte.is_ascii_lowercase()))?.to_owned();
        (number(last) == values.last().copied() && !values.is_empty()).then_some(())?;
        Some((Answer { values, unit }, Manner { labels, lines, opener, closer, ending, statements }))
    }
}

/// Returns the index of the opener or closer that `strip` finds, and the rest of the text.
fn around<'t>(texts: &[&str], strip: impl Fn(&str) -> Option<&'t str>) -> Option<(usize, &'t str)> {
    let each = texts.iter().enumerate().filter(|(_, text)| !text.is_empty());
    each.filter_map(|(index, text)| Some((index, strip(text)?))).next()
}

fn stated<'t>(texts: &[&str], said: &'t str) -> Option<(usize, &'t str)> {
    texts.iter().enumerate().find_map(|(index, text)| Some((index, said.strip_prefix(text)?.strip_prefix(' ')?)))
}

/// Parses a number in the notation of this domain.
pub fn number(text: &str) -> Option<u8> {
    let number: u8 = text.parse().ok()?;
    (number <= MOST && number.to_string() == text).then_some(number)
}
