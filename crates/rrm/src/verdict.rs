//! The answer part of a transcript -> a [`Verdict`], or an [`Abstain`] with its reason.

mod apart;
mod quotes;
mod wording;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use self::quotes::{Quotes, Speaker};
use crate::{
    comparison::{Comparison, Side},
    transcript::{Transcript, VerdictPlace},
};

/// A judge's decision on one comparison.
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

/// The reason why a completion holds no verdict. An abstention is not a tie: it is counted and reported as itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Abstain {
    /// The answer states none of the labels, or the thinking was never closed.
    NoVerdict,
    /// The token limit cut the text; whatever was written before is not a verdict.
    Truncated,
    /// The answer states more than one label where the format wants exactly one, or closes with words that may be a quotation.
    Ambiguous,
}

/// The pattern by which an answer states its verdict: one of the labels inside `wrap`.
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
    pub several: WrapRule,
}

/// The rule for an answer that holds several wrapped texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WrapRule {
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
    read_with(transcript, pattern, &Quotes::none())
}

/// The same where it is known what was judged: labels that the answer quotes from there are no verdicts.
///
/// # Errors
/// As [`read`].
pub fn read_about(transcript: &Transcript, pattern: &VerdictPattern, comparison: &Comparison) -> Result<Verdict, Abstain> {
    let Comparison { prompt, first, second, label: _ } = comparison;
    let turns = prompt.messages.iter().map(|message| message.content.as_str());
    let texts = [&**first, &**second].into_iter().chain(prompt.reference.as_deref()).chain(prompt.rubric.as_deref()).chain(turns);
    read_with(transcript, pattern, &Quotes::of(texts, pattern).behind(transcript))
}

fn read_with(transcript: &Transcript, pattern: &VerdictPattern, quotes: &Quotes<'_>) -> Result<Verdict, Abstain> {
    if transcript.truncated {
        return Err(Abstain::Truncated);
    }
    if !transcript.closed {
        return Err(Abstain::NoVerdict);
    }
    pattern.read_at(&transcript.answer, transcript.place, quotes)
}

/// A wrapped text of an answer with the label that it states.
struct WrappedLabel<'a> {
    at: Range<usize>,
    text: &'a str,
    /// The label that it is, by its number in [`VerdictPattern::all`].
    label: Option<usize>,
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
        self.read_at(answer, VerdictPlace::Anywhere, &Quotes::none())
    }

    fn read_at(&self, answer: &str, place: VerdictPlace, quotes: &Quotes<'_>) -> Result<Verdict, Abstain> {
        let answer = &*wording::fold(answer);
        let mut found = self.found(answer);
        self.take_bare_number(answer, &mut found, quotes);
        if self.several == WrapRule::Agree {
            // What compares the two and is no label, such as `A<B` or `A>=B`, is no verdict, and says something else than a label beside it.
            let odd = found.iter().any(|one| one.label.is_none() && self.compares(one.text) && !quotes.hold(one.text));
            if odd && found.iter().any(|one| one.label.is_some()) {
                return Err(Abstain::Ambiguous);
            }
            found.retain(|one| one.label.is_some());
        }
        // A last label that may be a quotation or not decides nothing, and nothing is decided against it.
        if !quotes.is_empty() && found.len() > MOST_LABELS {
            return Err(Abstain::Ambiguous);
        }
        if let Some(doubtful) = self.drop_quoted(answer, &mut found, quotes) {
            let same = |one: &WrappedLabel<'_>| one.label.and_then(|label| self.verdict(label)) == self.verdict(doubtful);
            if found.is_empty() || !found.iter().all(same) {
                return Err(Abstain::Ambiguous);
            }
        }
        match self.several {
            WrapRule::Last => self.last(answer, &found, place),
            WrapRule::Agree => self.agreed(answer, &found, place),
        }
    }

    /// The last wrapped text counts. Where labels contradict each other it must also be what the answer ends with.
    fn last(&self, answer: &str, found: &[WrappedLabel<'_>], place: VerdictPlace) -> Result<Verdict, Abstain> {
        let last = found.last().ok_or(Abstain::NoVerdict)?;
        let verdict = self.verdict(last.label.ok_or_else(|| self.reason(last.text))?).ok_or(Abstain::NoVerdict)?;
        let differs =
            |one: &&WrappedLabel<'_>| one.label.and_then(|label| self.verdict(label)).is_some_and(|other| other != verdict);
        if let Some(other) = found.iter().rfind(differs) {
            // What is joined in one line, or listed, is a comparison, unless words between take the first back.
            let between = &answer[other.at.end..last.at.start];
            let before = &answer[..last.at.start];
            let stated = between.contains('\n') && !apart::is_listed(before) && apart::is_stated_apart(before);
            if !(stated || apart::takes_back(between)) || !wording::is_end(&answer[last.at.end..]) {
                return Err(Abstain::Ambiguous);
            }
        }
        if wording::is_denied(answer, &last.at) {
            return Err(Abstain::Ambiguous);
        }
        if stands(answer, &last.at, place) { Ok(verdict) } else { Err(Abstain::NoVerdict) }
    }

    /// All labels must be the same one.
    fn agreed(&self, answer: &str, found: &[WrappedLabel<'_>], place: VerdictPlace) -> Result<Verdict, Abstain> {
        let mut labels = found.iter().filter_map(|one| one.label);
        let label = labels.next().ok_or(Abstain::NoVerdict)?;
        if labels.any(|other| other != label) || found.iter().any(|one| wording::is_denied(answer, &one.at)) {
            return Err(Abstain::Ambiguous);
        }
        let stated = found.iter().any(|one| one.label.is_some() && stands(answer, &one.at, place));
        self.verdict(label).filter(|_| stated).ok_or(Abstain::NoVerdict)
    }

    /// Takes quoted labels out. Gives the label of the last one if that may be a quotation and may be none; it is taken out too.
    fn drop_quoted(&self, answer: &str, found: &mut Vec<WrappedLabel<'_>>, quotes: &Quotes<'_>) -> Option<usize> {
        if quotes.is_empty() {
            return None;
        }
        let said: Vec<Speaker> =
            found.iter().map(|one| one.label.map_or(Speaker::ByTheJudge, |label| quotes.said(answer, &one.at, label))).collect();
        let last = said.last().copied();
        let label = found.last().and_then(|one| one.label)?;
        // A judge that has quoted this very label before, and closes with it on a line of its own, means it.
        let quoted_before = || {
            let line = answer[..found[said.len() - 1].at.start].rfind('\n').map_or(0, |at| at + 1);
            let mut before = said[..said.len() - 1].iter().zip(found.iter());
            let alone = before.clone().all(|(_, one)| one.at.end <= line);
            alone && before.any(|(said, one)| *said == Speaker::Quoted && one.label == Some(label))
        };
        let meant = last == Some(Speaker::Perhaps { apart: true }) && quoted_before();
        let end = found.len() - 1;
        let mut place = 0..;
        found.retain(|_| match (place.next().unwrap_or(end), meant) {
            (at, true) if at == end => true,
            (at, _) => said[at] == Speaker::ByTheJudge,
        });
        (matches!(last, Some(Speaker::Perhaps { .. })) && !meant).then_some(label)
    }

    /// A number alone, such as `\boxed{1}` where labels are `Assistant 1` and `Assistant 2`, is a label where it can mean nothing else: it is
    /// all that the answer wraps, the answer ends with it, and nobody speaks of a result or wrote that number.
    fn take_bare_number(&self, answer: &str, found: &mut [WrappedLabel<'_>], quotes: &Quotes<'_>) {
        let Some(number) = found.first().and_then(|one| wording::plain(one.text)) else { return };
        let alone = found.iter().all(|one| one.label.is_none() && wording::plain(one.text).as_deref() == Some(&*number));
        let Some(last) = found.last().filter(|_| alone) else { return };
        if !number.bytes().all(|byte| byte.is_ascii_digit()) || !wording::is_end(&answer[last.at.end..]) {
            return;
        }
        let head = answer[..last.at.start].trim_end_matches(|c: char| c.is_whitespace() || "*_`$#\\[(".contains(c));
        let line = head.rsplit('\n').next().unwrap_or_default().to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| line.contains(word));
        // Beside other words a number counts, ranks or measures something.
        let of_verdict = !line.contains(char::is_alphabetic) || says(&VERDICTS) && !says(&RESULTS);
        if !of_verdict || quotes.state(&number) {
            return;
        }
        let label = self.all().position(|(label, _)| {
            let plain = wording::plain(label).unwrap_or_default();
            let words = plain.strip_suffix(&*number).unwrap_or_default();
            words.ends_with(char::is_alphabetic)
        });
        let named = |one: &mut WrappedLabel<'_>| one.label = label;
        found.iter_mut().for_each(named);
    }

    /// The text before and after a label.
    fn around(&self) -> (&str, &str) {
        self.wrap.split_once("LABEL").unwrap_or((&self.wrap, ""))
    }

    /// What stands inside each wrap of a folded text.
    fn found<'a>(&self, text: &'a str) -> Vec<WrappedLabel<'a>> {
        let (before, after) = self.around();
        let (before, after) = (wording::fold(before), wording::fold(after));
        let all = wording::wrapped(text, (&before, &after), self.longest()).into_iter();
        let read = all.map(|one| (one.loose, WrappedLabel { label: self.label_of(one.text), at: one.at, text: one.text }));
        read.filter(|(loose, one)| !loose || one.label.is_some()).map(|(_, one)| one).collect()
    }

    fn longest(&self) -> usize {
        // Twice the labels and room for words between them, so that `Assistant 1 or Assistant 2` is seen whole, styles included.
        2 * self.all().map(|(label, _)| label.len()).sum::<usize>() + 96
    }

    /// The label that a wrapped text is: exactly, or as far as styles, blanks and case do not count.
    fn label_of(&self, text: &str) -> Option<usize> {
        if let Some(exact) = self.all().position(|(label, _)| label == text) {
            return Some(exact);
        }
        let text = wording::plain(text).filter(|text| !text.is_empty())?;
        let mut same = (0..).zip(self.all()).filter(|(_, (label, _))| wording::plain(label).as_deref() == Some(&*text));
        // Labels that differ in nothing but style are told apart by it.
        let (label, (_, verdict)) = same.next()?;
        same.all(|(_, (_, other))| other == verdict).then_some(label)
    }

    /// Whether a text compares what labels compare, by signs: `A<B`, `A>=B`.
    fn compares(&self, text: &str) -> bool {
        const SIGNS: &str = "<>=\u{2265}\u{2264}\u{2248}\u{226b}\u{226a}";
        let Some(text) = wording::plain(text) else { return false };
        let labels: String = self.all().filter_map(|(label, _)| wording::plain(label)).collect();
        labels.contains('>')
            && text.contains(|c| SIGNS.contains(c))
            && text.starts_with(char::is_alphanumeric)
            && text.ends_with(char::is_alphanumeric)
            && text.chars().all(|c| SIGNS.contains(c) || labels.contains(c))
    }

    fn verdict(&self, label: usize) -> Option<Verdict> {
        self.all().nth(label).map(|(_, verdict)| verdict)
    }

    fn reason(&self, text: &str) -> Abstain {
        let plain = wording::plain(text).unwrap_or_default();
        let names = |label: &str| text.contains(label) || wording::plain(label).is_some_and(|label| plain.contains(&label));
        let mut named: Vec<Verdict> = self.all().filter(|(label, _)| names(label)).map(|(_, v)| v).collect();
        named.dedup();
        if named.len() > 1 { Abstain::Ambiguous } else { Abstain::NoVerdict }
    }

    fn all(&self) -> impl Iterator<Item = (&str, Verdict)> {
        let of = [(&self.first, Verdict::First), (&self.second, Verdict::Second), (&self.tie, Verdict::Tie)];
        of.into_iter().flat_map(|(labels, verdict)| labels.iter().map(move |label| (label.as_str(), verdict)))
    }
}

/// Labels of one answer that are compared with judged texts; an answer that holds more, where a judged text holds labels, decides nothing.
const MOST_LABELS: usize = 256;

/// Words of a line that ends with a verdict.
const VERDICTS: [&str; 4] = ["better", "best", "verdict", "winner"];

/// Words of a line that ends with the result of a task, or with a measure, and not with a verdict.
const RESULTS: [&str; 10] = ["answer", "result", "solution", "value", "total", "=", "rank", "score", "number", "count"];

/// Whether a wrapped text stands where a verdict counts.
fn stands(answer: &str, at: &Range<usize>, place: VerdictPlace) -> bool {
    let rest = &answer[at.end..];
    match place {
        VerdictPlace::Anywhere => true,
        VerdictPlace::End => wording::is_end(rest),
        VerdictPlace::LineEnd => {
            wording::is_start(&answer[..at.start])
                || wording::is_end(rest)
                || rest.split_once('\n').is_some_and(|(line, _)| wording::is_end(line))
        }
    }
}
