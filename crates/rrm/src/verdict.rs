//! The answer part of a transcript -> a [`Verdict`], or an [`Abstain`] with its reason.

mod apart;
mod attribution;
mod behind;
mod clause;
mod enclosure;
mod foreign;
mod label;
mod number;
mod quotes;
mod wording;
mod words;

use serde::{Deserialize, Serialize};

use self::{
    label::{WrappedLabel, drop_marked},
    quotes::{Quotes, Speaker},
};
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
    /// Neither response is better; only in formats that have ties.
    Tie,
}

impl Verdict {
    /// Returns the same verdict about the comparison in the other order.
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
    /// The token limit cut the text; a label before the cut is no verdict.
    Truncated,
    /// The answer states more than one label although the format wants exactly one, or it ends with words that may be a quotation.
    Ambiguous,
}

/// The pattern by which an answer states its verdict: one of the labels inside `wrap`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerdictPattern {
    /// The text around a label, with `LABEL` in its place, such as `\boxed{LABEL}`. Some text must follow `LABEL`.
    pub wrap: String,
    /// Labels of the first response. Scripted judges write the first of them.
    pub first: Vec<String>,
    /// Labels of the second response.
    pub second: Vec<String>,
    /// Labels of a tie; empty if the format has none.
    #[serde(default)]
    pub tie: Vec<String>,
    /// Rule for an answer that holds several wrapped texts.
    pub several: WrapRule,
}

/// The rule for an answer that holds several wrapped texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WrapRule {
    /// The last one, which must be exactly one label (the paper's rule).
    Last,
    /// All labels must be the same one; wrapped texts that are no label are ignored (the rule of Arena-Hard and JudgeBench).
    Agree,
}

/// Reads the verdict of one transcript by the rules of its format.
///
/// # Errors
/// [`Abstain`] with the reason: the text was cut, thinking was not closed, there is no label, or labels contradict each other.
pub fn read(transcript: &Transcript, pattern: &VerdictPattern) -> Result<Verdict, Abstain> {
    read_with(transcript, pattern, &Quotes::none())
}

/// Reads the verdict like [`read`], with the judged texts: labels that the answer quotes from them are no verdicts.
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

impl VerdictPattern {
    /// Returns every label as an answer states it, such as `\boxed{Assistant 1}`.
    pub fn stated(&self) -> Vec<String> {
        self.all().map(|(label, _)| self.wrap.replacen("LABEL", label, 1)).collect()
    }

    /// Reads the verdict that an answer states, in time linear in the answer.
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
            // A comparison that is no label, such as `A<B` or `A>=B`, is no verdict, and it contradicts a label beside it.
            let odd = found.iter().any(|one| one.label.is_none() && self.compares(one.text) && !quotes.hold(one.text));
            if odd && found.iter().any(|one| one.label.is_some()) {
                return Err(Abstain::Ambiguous);
            }
            found.retain(|one| one.label.is_some());
        }
        if !quotes.is_empty() && found.len() > MOST_LABELS {
            return Err(Abstain::Ambiguous);
        }
        if !self.drop_set_aside(answer, &mut found) {
            return Err(Abstain::Ambiguous);
        }
        // A last label that may be a quotation decides nothing, and no other label can decide against it.
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

    /// Applies the rule that the last wrapped text counts. If labels contradict each other, the answer must also end with it.
    fn last(&self, answer: &str, found: &[WrappedLabel<'_>], place: VerdictPlace) -> Result<Verdict, Abstain> {
        let last = found.last().ok_or(Abstain::NoVerdict)?;
        let verdict = self.verdict(last.label.ok_or_else(|| self.reason(last.text))?).ok_or(Abstain::NoVerdict)?;
        let of = |one: &WrappedLabel<'_>| one.label.and_then(|label| self.verdict(label));
        let differs = |one: &&WrappedLabel<'_>| of(one).is_some_and(|other| other != verdict);
        let stated = last.stated || found.iter().all(|one| of(one) == Some(verdict)) && found.iter().any(|one| one.stated);
        if !stated {
            return Err(if found.iter().any(|one| differs(&one)) { Abstain::Ambiguous } else { Abstain::NoVerdict });
        }
        if let Some(other) = found.iter().rfind(differs) {
            // Two labels in one line or in a list are a comparison, unless the words between them take the first one back.
            let (between, rest) = (&answer[other.at.end..last.at.start], &answer[last.at.end..]);
            // What follows a heading of the prompt is no longer the judge's answer, but a query that the model made up.
            if apart::begins_anew(between) {
                return Err(Abstain::Ambiguous);
            }
            let alone = wording::is_start(answer[..last.at.start].rsplit('\n').next().unwrap_or_default());
            let line = |at: usize| answer[..at].rsplit('\n').next().unwrap_or_default();
            let both = wording::is_start(line(other.at.start)) && wording::is_line_end(&answer[other.at.end..]);
            let ends = wording::is_end(rest) || (alone && !both && wording::is_line_end(rest));
            let stated = between.contains('\n') && apart::is_stated_apart(&answer[..last.at.start]) && !apart::is_sign(between);
            if !(stated || apart::takes_back(between) || apart::concludes(between)) || !ends {
                return Err(Abstain::Ambiguous);
            }
        }
        if self.denies(answer, last) || behind::is_left_open(&answer[last.at.end..]) {
            return Err(Abstain::Ambiguous);
        }
        if stands(answer, last, place) { Ok(verdict) } else { Err(Abstain::NoVerdict) }
    }

    /// Applies the rule that all labels must be the same one.
    fn agreed(&self, answer: &str, found: &[WrappedLabel<'_>], place: VerdictPlace) -> Result<Verdict, Abstain> {
        let mut labels = found.iter().filter_map(|one| one.label);
        let label = labels.next().ok_or(Abstain::NoVerdict)?;
        if labels.any(|other| other != label)
            || found.last().is_some_and(|one| self.denies(answer, one) || behind::is_left_open(&answer[one.at.end..]))
        {
            return Err(Abstain::Ambiguous);
        }
        let stated = found.iter().any(|one| one.label.is_some() && one.stated && stands(answer, one, place));
        self.verdict(label).filter(|_| stated).ok_or(Abstain::NoVerdict)
    }

    /// Returns whether the words around a label deny it.
    fn denies(&self, answer: &str, one: &WrappedLabel<'_>) -> bool {
        let (before, after) = (&answer[..one.at.start], &answer[one.at.end..]);
        let verdict = one.label.and_then(|label| self.verdict(label));
        verdict.is_some_and(|verdict| clause::is_denied(before, one.clause(answer), after, verdict)) || behind::is_denied(after)
    }

    /// Removes labels that are mentioned and not stated: a label that is asked for, shown as an example, or contrasted with another one, and one that
    /// is denied or considered before another one is stated. Returns `false` if there were labels and all were removed.
    fn drop_set_aside(&self, answer: &str, found: &mut Vec<WrappedLabel<'_>>) -> bool {
        let looked_at = found.len().saturating_sub(MOST_LABELS);
        let parts = |one: &WrappedLabel<'_>| (&answer[..one.at.start], &answer[one.at.end..]);
        let named = |(at, one): (usize, &WrappedLabel<'_>)| {
            if one.label.is_none() || at < looked_at {
                return false;
            }
            let (before, after) = parts(one);
            // Labels of one sentence may be contrasted with each other.
            let near =
                at > 0 && found[at - 1].at.end < one.at.start && !before[found[at - 1].at.end..].contains(['.', '!', '?', ';']);
            (near && one.clause(answer).contrasts())
                || behind::is_asked(after)
                || clause::is_shown(before, one.clause(answer))
                || behind::is_shown(after)
        };
        let aside: Vec<bool> = found.iter().enumerate().map(named).collect();
        drop_marked(answer, found, &aside);
        let last = found.len().saturating_sub(1);
        let set_aside = |(at, one): (usize, &WrappedLabel<'_>)| {
            at < last
                && at >= looked_at
                && one.label.is_some()
                && (self.denies(answer, one) || clause::is_tentative(parts(one).0))
        };
        let aside: Vec<bool> = found.iter().enumerate().map(set_aside).collect();
        let any = !found.is_empty();
        drop_marked(answer, found, &aside);
        // If all labels were set aside, no verdict is left.
        !(any && found.is_empty())
    }

    /// Removes quoted labels. Returns the last label if it is uncertain whether it is a quotation; it is removed too.
    fn drop_quoted(&self, answer: &str, found: &mut Vec<WrappedLabel<'_>>, quotes: &Quotes<'_>) -> Option<usize> {
        let looked_at = found.len().saturating_sub(MOST_LABELS);
        let said = |(at, one): (usize, &WrappedLabel<'_>)| match one.label {
            Some(label) if at >= looked_at => quotes.said(answer, one, label),
            _ => Speaker::ByTheJudge,
        };
        let said: Vec<Speaker> = found.iter().enumerate().map(said).collect();
        let label = found.last().and_then(|one| one.label);
        for (one, said) in found.iter_mut().zip(&said) {
            one.stated = *said != Speaker::Unstated;
        }
        let quoted: Vec<bool> = said.iter().map(|said| matches!(said, Speaker::Quoted | Speaker::Perhaps)).collect();
        drop_marked(answer, found, &quoted);
        label.filter(|_| said.last() == Some(&Speaker::Perhaps))
    }

    /// Returns the text before and after a label.
    fn around(&self) -> (&str, &str) {
        self.wrap.split_once("LABEL").unwrap_or((&self.wrap, ""))
    }

    /// Returns whether a text may hold a wrapped text. This is quick, and most judged texts hold none.
    fn may_be_in(&self, text: &str) -> bool {
        if !wording::is_folded(text) {
            return true;
        }
        match self.around() {
            ("\\boxed{", "}") => text.contains("box"),
            ("[[", "]]") => text.contains('['),
            (before, _) => text.contains(&*wording::fold(before)),
        }
    }

    /// Returns the wrapped texts of a folded text.
    fn found<'a>(&self, text: &'a str) -> Vec<WrappedLabel<'a>> {
        let (before, after) = self.around();
        let (before, after) = (wording::fold(before), wording::fold(after));
        let all = wording::wrapped(text, (&before, &after), self.longest()).into_iter();
        let read = all.map(|one| {
            let label = self.label_of(one.text);
            (one.loose, WrappedLabel::new(one.at, one.text, label))
        });
        read.filter(|(loose, one)| !loose || one.label.is_some()).map(|(_, one)| one).collect()
    }

    fn longest(&self) -> usize {
        // Twice the length of the labels, and room for words between them, so that `Assistant 1 or Assistant 2` is read whole, styles included.
        2 * self.all().map(|(label, _)| label.len()).sum::<usize>() + 96
    }

    /// Returns the label that a wrapped text states: exactly, or apart from styles, white space and case.
    fn label_of(&self, text: &str) -> Option<usize> {
        if let Some(exact) = self.all().position(|(label, _)| label == text) {
            return Some(exact);
        }
        let text = wording::plain(text).filter(|text| !text.is_empty())?;
        let plain: Vec<_> = (0..).zip(self.all()).map(|(at, (label, verdict))| (at, wording::plain(label), verdict)).collect();
        let is = |text: &str| plain.iter().any(|(_, label, _)| label.as_deref() == Some(text));
        let text = if is(&text) { text } else { wording::without_remarks(&text) };
        let mut same = plain.iter().filter(|(_, label, _)| label.as_deref() == Some(&*text));
        // Labels that differ only in style are told apart by it.
        let (label, _, verdict) = same.next()?;
        same.all(|(_, _, other)| other == verdict).then_some(*label)
    }

    /// Returns whether a text compares the labels by signs: `A<B`, `A>=B`.
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

/// Most labels of an answer that are compared with judged texts. If a judged text holds labels and the answer holds more than this, it decides
/// nothing.
const MOST_LABELS: usize = 256;

/// Returns whether a wrapped text is at a place where a verdict counts.
fn stands(answer: &str, one: &WrappedLabel<'_>, place: VerdictPlace) -> bool {
    let (at, rest) = (&one.at, &answer[one.at.end..]);
    match place {
        VerdictPlace::Anywhere => true,
        VerdictPlace::End => wording::is_end(rest),
        VerdictPlace::LineEnd => wording::is_start(&answer[..at.start]) || wording::is_line_end(rest),
        VerdictPlace::LastLine => {
            let line = answer[..at.start].rsplit('\n').next().unwrap_or_default();
            wording::is_end(rest) && (wording::is_start(line) || one.clause(answer).states())
        }
    }
}
