//! The judged texts -> the labels of an answer that are quoted from them.
//!
//! A judge repeats parts of the texts that it judges, labels included, and a response may hold the very words of a verdict. So a label counts only if
//! the words around it are the judge's own.

use std::{borrow::Cow, ops::Range};

use super::{
    VerdictPattern, WrappedLabel,
    attribution::ascribes,
    behind,
    clause::Clause,
    enclosure::{ELEMENTS, Enclosure, SIGNS, closed, enclosure, opened},
    wording,
    words::Holder,
};
use crate::transcript::Transcript;

/// Judged texts that hold labels, with the places of the labels.
pub(super) struct Quotes<'a> {
    texts: Vec<LabelledText<'a>>,
    /// All judged texts without changes, for [`Quotes::state`].
    all: Vec<&'a str>,
    opens: &'static str,
    /// The end of the text before the answer, and the mark between the two.
    lead: (String, String),
}

/// A text with the labels in it.
struct LabelledText<'a> {
    holder: Holder,
    text: Cow<'a, str>,
    labels: Vec<(Range<usize>, usize)>,
    /// Whether the text holds more labels than are read.
    more: bool,
}

/// The author of the words that a label is in: the judge, or a quoted response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    /// The judge.
    ByTheJudge,
    /// A judged text.
    Quoted,
    /// Uncertain: a judged text has the same words, but the judge may have written them itself.
    Perhaps,
    /// The judge, but the words do not state a verdict.
    Unstated,
}

/// Degree to which the words around a label match those of a judged text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Likeness {
    /// No match.
    None,
    /// The statement matches.
    Statement,
    /// The statement and the line above it match, or all text after a quotation mark.
    Copied,
    /// So much matches that it is a quotation.
    Quoted,
}

/// Most labels of one judged text that are read.
const MOST: usize = 128;
/// Characters that are compared on each side of a label.
const REACH: usize = 240;
/// Bytes of an answer that are read on each side of a label.
const WINDOW: usize = 2000;
/// Number of matching characters that is no coincidence.
const ALIKE: usize = 12;
/// Number of matching characters before a closing mark that is no coincidence.
const ALIKE_BEFORE_A_MARK: usize = 4;

impl<'a> Quotes<'a> {
    /// Returns an empty value, for answers whose judged texts are not known.
    pub fn none() -> Self {
        Quotes { texts: Vec::new(), all: Vec::new(), opens: "", lead: Default::default() }
    }

    /// Finds the labels of `pattern` in judged texts: the response shown first, the one shown second, and the other texts that were shown.
    pub fn of(texts: impl Iterator<Item = &'a str>, pattern: &VerdictPattern) -> Self {
        let all: Vec<&str> = texts.collect();
        let labels = |(place, text): (usize, &&'a str)| {
            if !pattern.may_be_in(text) {
                return None;
            }
            let text = wording::fold(text);
            let found = pattern.found(&text).into_iter().filter_map(|one| Some((one.at, one.label?)));
            let mut labels: Vec<_> = found.take(MOST + 1).collect();
            let more = labels.len() > MOST;
            labels.truncate(MOST);
            let holder = [Holder::First, Holder::Second].get(place).copied().unwrap_or(Holder::Prompt);
            (!labels.is_empty()).then_some(LabelledText { holder, labels, more, text })
        };
        let texts = all.iter().enumerate().filter_map(labels).collect();
        let opens = if pattern.wrap.contains("boxed") { "\\boxed" } else { "" };
        Quotes { texts, all, opens, lead: Default::default() }
    }

    /// Returns the same for the answer of this transcript: a quotation may begin before the mark that closes thinking, and hold that mark.
    pub fn behind(self, transcript: &Transcript) -> Self {
        let lead = wording::fold(wording::last(&transcript.thinking, WINDOW)).into_owned();
        Quotes { lead: (lead, wording::fold(&transcript.mark).into_owned()), ..self }
    }

    /// Returns whether no judged text holds a label.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Returns whether a judged text states this number by itself, or wraps its results like verdicts.
    pub fn state(&self, number: &str) -> bool {
        let apart = |text: &str, at: usize| {
            let inside = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '=' | '_');
            let (head, rest) = (&text[..at], &text[at + number.len()..]);
            let digit = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
            let more = rest.starts_with(char::is_alphanumeric) || rest.strip_prefix('.').is_some_and(digit);
            // The number of a list item.
            let item = (head.is_empty() || head.ends_with('\n')) && (rest.starts_with(". ") || rest.starts_with(") "));
            !head.ends_with(inside) && !more && !item
        };
        self.all.iter().any(|text| {
            (!self.opens.is_empty() && text.contains(self.opens)) || text.match_indices(number).any(|(at, _)| apart(text, at))
        })
    }

    /// Returns whether a judged text holds these words.
    pub fn hold(&self, words: &str) -> bool {
        self.all.iter().any(|text| wording::fold(text).contains(words))
    }

    /// Returns whether the mark before the answer may be part of a quotation that extends to this label: a judged text has the mark and the label,
    /// and the mark stands in a quotation, after the same words as there, or after words that introduce a quotation.
    fn may_begin_inside(&self, answer: &str, label: usize) -> bool {
        let (lead, mark) = &self.lead;
        if mark.is_empty() || lead.trim().is_empty() {
            return false;
        }
        let own = letters(mark).count();
        let before = || letters(wording::last(lead, REACH));
        let alike_before = |text: &str| {
            let marks = text.match_indices(&**mark).take(MOST);
            let most = marks.map(|(at, _)| alike(before().rev(), letters(wording::last(&text[..at], WINDOW)).rev())).max();
            most.map_or(0, |most| if most > 0 && most == before().count() { ALIKE } else { most })
        };
        let held = |text: &&LabelledText<'_>| {
            text.labels.iter().any(|(there, other)| {
                let left = letters(wording::last(&text.text[..there.start], WINDOW)).rev();
                *other == label && (text.text[..there.start].contains(&**mark) || alike(letters(mark).rev(), left) == own)
            })
        };
        let introduced = || {
            let clause = Clause::before(lead);
            clause.reports(true) && (clause.named || clause.words.len() < 6)
        };
        let near = wording::first(answer, WINDOW);
        let opened =
            || enclosure(lead, near).is_some() || opened(last_paragraph(lead)).is_some_and(|_| closed(near)) || closes_more(near);
        self.texts.iter().filter(held).any(|text| alike_before(&text.text) >= ALIKE_BEFORE_A_MARK || opened() || introduced())
    }

    /// Returns the author of the words around a label of a folded answer; `label` is its index in the pattern.
    pub fn said(&self, answer: &str, one: &WrappedLabel<'_>, label: usize) -> Speaker {
        let (before, after) = (&answer[..one.at.start], &answer[one.at.end..]);
        let held = self.holding(label).next().is_some();
        if held && self.may_begin_inside(answer, label) {
            return Speaker::Perhaps;
        }
        // An answer that consists of its label alone follows the format, whatever a judged text holds.
        if letters(before).chain(letters(after)).next().is_none() {
            return Speaker::ByTheJudge;
        }
        // The window bounds the work for each label, also with hostile text.
        let (ends, line_ends) = (wording::is_end(after), wording::is_line_end(after));
        let (before, after) = (wording::last(before, WINDOW), wording::first(after, WINDOW));
        let place = enclosure(before, after);
        let outside = place.map(|place| Clause::before(&before[..place.start]));
        let clause = outside.as_ref().unwrap_or_else(|| one.clause(answer));
        if clause.reports(held && place.is_some()) || (place.is_some() && one.clause(answer).reports(false)) {
            return Speaker::Quoted;
        }
        let begins = wording::is_start(before.rsplit('\n').next().unwrap_or(before));
        if !held {
            // Text in the middle of a line must state the verdict; a line may begin with it.
            let stated =
                line_ends || (begins && behind::goes_on(after)) || clause.states() || clause.chooses() || behind::states(after);
            return if stated { Speaker::ByTheJudge } else { Speaker::Unstated };
        }
        let statement = statement(before);
        let likeness = self.compared((before, statement, after), place, label);
        if likeness == Likeness::Quoted {
            return Speaker::Quoted;
        }
        // The judged text has more labels than are read.
        if letters(statement).next().is_some() && self.texts.iter().any(|text| text.more) {
            return Speaker::Perhaps;
        }
        if let Some(place) = place {
            let words = letters(&before[place.start..]).any(|c| !is_math(c));
            let stated =
                clause.states() || (likeness == Likeness::None && (clause.chooses() || clause.words.is_empty() && !clause.named));
            // More words than the label are quoted, though not word for word: a judge does not state its verdict so.
            let doubtful = words || !stated || self.is_in_another(before, after, place, label);
            return if doubtful { Speaker::Perhaps } else { Speaker::ByTheJudge };
        }
        let holders: Vec<Holder> = self.holding(label).map(|text| text.holder).collect();
        let cut = before.trim_end_matches([' ', ')', ']']).ends_with(['\u{2026}'])
            || before.trim_end_matches([' ', ')', ']']).ends_with("...");
        let introduced = clause.named && clause.above && !clause.states() && !clause.of_the_judge();
        if cut || introduced || clause.reports(true) || ascribes(before, after, &holders) {
            return if ends { Speaker::Perhaps } else { Speaker::Quoted };
        }
        // The judged text has the same words. On a line of their own that nothing introduces, they are the judge's.
        if likeness == Likeness::Copied || likeness == Likeness::Statement && !self.is_apart(before, statement, clause) {
            return Speaker::Perhaps;
        }
        // In the middle of a line, the judge's own words go on; they must state the verdict.
        let behind = Clause::before(after.split(['.', '!', '?', ';', '\n']).next().unwrap_or(after));
        let states = clause.states() || clause.chooses() || (begins && (line_ends || behind.states()));
        if ends || states { Speaker::ByTheJudge } else { Speaker::Quoted }
    }

    /// Returns whether a quotation encloses another one with the words before it, and a judged text has all of them.
    fn is_in_another(&self, before: &str, after: &str, inner: Enclosure, label: usize) -> bool {
        let mut end = inner.start;
        for _ in 0..4 {
            let head = before[..end].trim_end_matches(|c: char| !c.is_alphanumeric());
            let Some(outer) = enclosure(head, &format!("x{after}")) else { return false };
            let own = letters(&before[outer.start..]).count();
            let mut labels = self.texts.iter().flat_map(|text| text.labels.iter().map(move |place| (text, place)));
            let held = labels.any(|(text, (there, other))| {
                let left = wording::last(&text.text[..there.start], WINDOW);
                *other == label && alike(letters(before).rev(), letters(left).rev()) >= own
            });
            if held {
                return true;
            }
            end = outer.start;
        }
        false
    }

    fn holding(&self, label: usize) -> impl Iterator<Item = &LabelledText<'a>> {
        self.texts.iter().filter(move |text| text.labels.iter().any(|(_, other)| *other == label))
    }

    /// Returns the degree to which the words around a label match the words around the same label in a judged text.
    fn compared(&self, (before, statement, after): (&str, &str, &str), place: Option<Enclosure>, label: usize) -> Likeness {
        let own = letters(statement).count();
        let ends = wording::is_end(after);
        let above = |before: &str, statement: &str| -> String {
            let head = before[..before.len() - statement.len()].trim_end();
            letters(head.rsplit('\n').next().unwrap_or(head)).collect()
        };
        let mut most = Likeness::None;
        for text in &self.texts {
            for (there, _) in text.labels.iter().filter(|(_, other)| *other == label) {
                let (left, right) =
                    (wording::last(&text.text[..there.start], WINDOW), wording::first(&text.text[there.end..], WINDOW));
                let left_alike = alike(letters(before).rev(), letters(left).rev());
                let right_alike = alike(letters(after), letters(right));
                // The whole statement matches. If it is only the label, the label must be a whole statement in the judged text too.
                let their = self::statement(left);
                let whole = left_alike >= own && (own > 0 || letters(their).next().is_none());
                let both = left_alike + right_alike;
                if both >= own + ALIKE && both > ALIKE && (whole || right_alike >= ALIKE) {
                    return Likeness::Quoted;
                }
                // The answer is the judged text, word for word.
                let echoed = left_alike == letters(before).count() && left_alike == letters(left).count();
                if echoed && ends && letters(right).next().is_none() {
                    return Likeness::Quoted;
                }
                // All words from a quotation mark on match, whatever marks stand between them.
                let mark = opened_at(before, after, left_alike);
                if mark.is_some_and(|mark| mark != '\'') || (place.is_some() && own > 0 && (whole || !ends)) {
                    return Likeness::Quoted;
                }
                let line = above(before, statement);
                if mark.is_some() || (whole && line.chars().count() >= 3 && line == above(left, their)) {
                    most = Likeness::Copied;
                } else if most == Likeness::None && (whole || left_alike >= ALIKE + 4) {
                    most = Likeness::Statement;
                }
            }
        }
        most
    }

    /// Returns whether a statement that a judged text also has stands by itself: no words of that text come before it, and nothing introduces it.
    fn is_apart(&self, before: &str, statement: &str, clause: &Clause) -> bool {
        let before = &before[..before.len() - statement.len()];
        let style =
            |c: char| c.is_whitespace() || "*_#$\\[(>".contains(c) || SIGNS.iter().any(|(open, close)| *open == c || *close == c);
        let head = before.trim_end_matches(style);
        // It begins a line or a sentence.
        let begins = head.is_empty() || before[head.len()..].contains('\n') || head.ends_with(['.', '!', '?', ')', ']', '}']);
        let near: String = letters(wording::last(head, 64)).collect();
        let near: String = near.chars().rev().take(ALIKE).collect::<Vec<_>>().into_iter().rev().collect();
        let held = || self.all.iter().any(|text| letters(&wording::fold(text)).collect::<String>().contains(&near));
        let introduced = head.ends_with([':', '\u{2026}', ','])
            && !(clause.above && clause.named && (clause.states() || clause.of_the_judge()));
        begins && !introduced && !head.ends_with("...") && (near.is_empty() || near.chars().count() < ALIKE || !held())
    }
}

fn is_math(c: char) -> bool {
    "$()[]{}".contains(c)
}

/// Returns the characters that count in comparisons of words: neither white space nor style.
fn letters(text: &str) -> impl DoubleEndedIterator<Item = char> {
    text.chars().filter(|c| is_letter(*c)).map(|c| c.to_ascii_lowercase())
}

fn is_letter(c: char) -> bool {
    !c.is_whitespace() && !"*_`#>\\\"'$~".contains(c) && !SIGNS.iter().any(|(open, close)| c == *open || c == *close)
}

fn alike(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    one.zip(other).take(REACH).take_while(|(one, other)| one == other).count()
}

/// Returns whether a text closes a quotation that it does not open.
fn closes_more(text: &str) -> bool {
    let odd = |sign: &str| text.matches(sign).count() % 2 == 1;
    let behind = text.rsplit(['}', ']']).next().unwrap_or(text).trim_start();
    SIGNS.iter().any(|(open, close)| match open {
        '\'' => behind.starts_with('\''),
        open if open == close => odd(&open.to_string()),
        open => text.find(*close).is_some_and(|at| !text[..at].contains(*open)),
    }) || ELEMENTS.iter().any(|(open, close)| text.find(close).is_some_and(|at| !text[..at].contains(open)))
        || odd("~~~")
}

fn last_paragraph(text: &str) -> &str {
    text.rsplit("\n\n").next().unwrap_or(text)
}

/// Returns the words before a label that belong to it: from the beginning of a line, a sentence, a quotation, or the text after a colon.
fn statement(before: &str) -> &str {
    let line = before.rsplit('\n').next().unwrap_or(before);
    // The colon right before a label belongs to its words.
    let words = line.trim_end().trim_end_matches(':');

    let sentence = [". ", "! ", "? ", ": "].iter().filter_map(|end| Some(words.rfind(end)? + end.len())).max();
    let quotation = ["\"", "\u{201c}", "`", "\u{ab}"].iter().filter_map(|open| Some(line.rfind(open)? + open.len())).max();
    &line[sentence.max(quotation).max(opened(line)).unwrap_or(0)..]
}

/// Returns the quotation mark that opens before the last `count` letters of `before`, or among them, and closes in `after`.
fn opened_at(before: &str, after: &str, count: usize) -> Option<char> {
    let element = |(open, close): &(&str, &str)| {
        let starts = before.rmatch_indices(open).take(4).map(|(at, _)| letters(&before[at + open.len()..]).count());
        after.contains(close) && starts.filter(|words| *words > 0).any(|words| words <= count)
    };
    if ELEMENTS.iter().any(element) {
        return Some('<');
    }
    let mut seen = 0;
    let mut signs = before.chars().rev().peekable();
    while let Some(c) = signs.next() {
        // A quotation opens after a space or a bracket.
        let opens =
            signs.peek().is_none_or(|before| before.is_whitespace() || "([{:>\u{2014}".contains(*before) || !is_letter(*before));
        if is_letter(c) {
            seen += 1;
            if seen > count {
                return None;
            }
        } else if seen > 0 && opens && SIGNS.iter().any(|(open, close)| *open == c && after.contains(*close)) {
            return Some(c);
        }
    }
    None
}
