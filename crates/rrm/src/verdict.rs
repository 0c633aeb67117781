//! The answer part of a transcript -> a [`Verdict`], or an [`Abstain`] with its reason.

use serde::{Deserialize, Serialize};

use crate::{comparison::Side, transcript::Transcript};

/// What a judge decided about one comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The response shown first is better.
    First,
    /// The response shown second is better.
    Second,
    /// Neither is better; only from formats that have ties.
    Tie,
}

impl Verdict {
    /// The same verdict about the comparison in the other order.
    pub fn swapped(self) -> Self {
        match self {
            Verdict::First => Verdict::Second,
            Verdict::Second => Verdict::First,
            Verdict::Tie => Verdict::Tie,
        }
    }
}

impl From<Side> for Verdict {
    fn from(side: Side) -> Self {
        match side {
            Side::First => Verdict::First,
            Side::Second => Verdict::Second,
        }
    }
}

/// Why a completion holds no verdict. An abstention is not a tie: it is counted and reported as itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Abstain {
    /// The answer states none of the labels, or the thinking was never closed.
    NoVerdict,
    /// The token limit cut the text; whatever was written before is not a verdict.
    Truncated,
    /// The answer states more than one label where the format wants exactly one.
    Ambiguous,
}

/// How an answer states its verdict: one of the labels inside `wrap`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerdictPattern {
    /// The text around a label, with `LABEL` in its place, such as `\boxed{LABEL}`. Text must follow `LABEL`.
    pub wrap: String,
    /// Labels for the first response; the first of them is the one that scripted judges write.
    pub first: Vec<String>,
    /// Labels for the second response.
    pub second: Vec<String>,
    /// Labels for a tie; empty where the format has none.
    #[serde(default)]
    pub tie: Vec<String>,
    /// What counts when the answer holds several.
    pub several: Several,
}

/// What counts when an answer holds several wrapped texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Several {
    /// The last one, which must be exactly one label (the paper's rule).
    Last,
    /// All labels must be the same one; wrapped texts that are no label are passed over (the rule of Arena-Hard and JudgeBench).
    Agree,
}

/// Reads the verdict of one transcript by the rules of its format.
///
/// # Errors
/// [`Abstain`] with the reason: cut off, thinking not closed, no label, or labels that contradict each other.
pub fn read(transcript: &Transcript, pattern: &VerdictPattern) -> Result<Verdict, Abstain> {
    if transcript.truncated {
        return Err(Abstain::Truncated);
    }
    if !transcript.closed {
        return Err(Abstain::NoVerdict);
    }
    pattern.read(&transcript.answer)
}

impl VerdictPattern {
    /// Every label as an answer states it, such as `\boxed{Assistant 1}`.
    pub fn stated(&self) -> Vec<String> {
        self.all().map(|(label, _)| self.wrap.replacen("LABEL", label, 1)).collect()
    }

    /// Reads the verdict that an answer states; runs in time linear in the answer.
    ///
    /// # Errors
    /// [`Abstain::NoVerdict`] or [`Abstain::Ambiguous`].
    pub fn read(&self, answer: &str) -> Result<Verdict, Abstain> {
        let found = self.wrapped(answer);
        match self.several {
            Several::Last => {
                let last = found.last().ok_or(Abstain::NoVerdict)?;
                self.verdict_of(last).ok_or_else(|| self.reason(last))
            }
            Several::Agree => {
                let mut labels: Vec<&str> = found.into_iter().filter(|text| self.verdict_of(text).is_some()).collect();
                labels.dedup();
                match labels.as_slice() {
                    [] => Err(Abstain::NoVerdict),
                    [one] => self.verdict_of(one).ok_or(Abstain::NoVerdict),
                    _ => Err(Abstain::Ambiguous),
                }
            }
        }
    }

    /// The text before and after a label.
    fn around(&self) -> (&str, &str) {
        self.wrap.split_once("LABEL").unwrap_or((&self.wrap, ""))
    }

    /// What stands inside each wrap; wraps may overlap, as in `[[[A>B]]`.
    fn wrapped<'a>(&self, answer: &'a str) -> Vec<&'a str> {
        let (before, after) = self.around();
        // A label is short: looking no further keeps hostile text from costing quadratic time.
        let reach = self.longest() + after.len();
        let step = before.chars().next().map_or(1, char::len_utf8);
        let (mut found, mut from) = (Vec::new(), 0);
        while let Some(at) = answer[from..].find(before) {
            let rest = &answer[from + at + before.len()..];
            let mut end = rest.len().min(reach);
            while !rest.is_char_boundary(end) {
                end += 1;
            }
            // What is never closed, or longer than any label, is still seen: as the last one it must count as no label.
            found.push(rest[..end].find(after).map_or(&rest[..end], |close| &rest[..close]).trim());
            from += at + step;
        }
        found
    }

    fn longest(&self) -> usize {
        // Twice the labels and room for words between them, so that `Assistant 1 or Assistant 2` is seen whole.
        2 * self.all().map(|(label, _)| label.len()).sum::<usize>() + 32
    }

    fn verdict_of(&self, text: &str) -> Option<Verdict> {
        self.all().find(|(label, _)| *label == text).map(|(_, verdict)| verdict)
    }

    fn reason(&self, text: &str) -> Abstain {
        let mut named: Vec<Verdict> = self.all().filter(|(label, _)| text.contains(*label)).map(|(_, v)| v).collect();
        named.dedup();
        if named.len() > 1 { Abstain::Ambiguous } else { Abstain::NoVerdict }
    }

    fn all(&self) -> impl Iterator<Item = (&str, Verdict)> {
        let of = [(&self.first, Verdict::First), (&self.second, Verdict::Second), (&self.tie, Verdict::Tie)];
        of.into_iter().flat_map(|(labels, verdict)| labels.iter().map(move |label| (label.as_str(), verdict)))
    }
}
