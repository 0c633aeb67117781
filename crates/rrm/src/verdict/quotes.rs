//! The texts that were judged -> which labels of an answer are quoted from them.
//!
//! A judge repeats what it judges, labels included, and a response may hold the very words of a verdict. So a label counts only as far as
//! the words around it are the judge's own.

use std::{borrow::Cow, ops::Range};

use super::{VerdictPattern, wording};
use crate::transcript::Transcript;

/// Judged texts that hold labels, and where.
pub(super) struct Quotes<'a> {
    texts: Vec<LabelledText<'a>>,
    /// All judged texts as they are, for [`Quotes::state`].
    all: Vec<&'a str>,
    opens: &'static str,
    /// The end of what stands before the answer, and the mark between the two.
    lead: (String, String),
}

/// A text with the labels in it.
struct LabelledText<'a> {
    text: Cow<'a, str>,
    labels: Vec<(Range<usize>, usize)>,
    /// Whether it holds more labels, which are not looked at.
    more: bool,
}

/// The author of the words that a label is in: the judge, or a quoted response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    /// The judge's.
    ByTheJudge,
    /// Those of a judged text.
    Quoted,
    /// A judged text has the same words, which the judge may have of itself.
    Perhaps {
        /// Whether they stand on a line of their own that nothing introduces.
        apart: bool,
    },
}

/// Labels of one judged text that are looked at.
const MOST: usize = 128;
/// Characters that are compared on either side of a label.
const REACH: usize = 240;
/// Bytes of an answer that are looked at on either side of a label.
const WINDOW: usize = 2000;
/// Characters that two texts do not share by chance.
const ALIKE: usize = 12;

impl<'a> Quotes<'a> {
    /// Where nothing is known of what was judged.
    pub fn none() -> Self {
        Quotes { texts: Vec::new(), all: Vec::new(), opens: "", lead: Default::default() }
    }

    /// The labels of `pattern` in judged texts.
    pub fn of(texts: impl Iterator<Item = &'a str>, pattern: &VerdictPattern) -> Self {
        let all: Vec<&str> = texts.collect();
        let labels = |text: &&'a str| {
            let text = wording::fold(text);
            let found = pattern.found(&text).into_iter().filter_map(|one| Some((one.at, one.label?)));
            let mut labels: Vec<_> = found.take(MOST + 1).collect();
            let more = labels.len() > MOST;
            labels.truncate(MOST);
            LabelledText { labels, more, text }
        };
        let texts = all.iter().map(labels).filter(|text| !text.labels.is_empty()).collect();
        let opens = if pattern.wrap.contains("boxed") { "\\boxed" } else { "" };
        Quotes { texts, all, opens, lead: Default::default() }
    }

    /// The same for the answer of this transcript: a quotation may begin before the mark that closes thinking, and hold that mark.
    pub fn behind(self, transcript: &Transcript) -> Self {
        let lead = wording::fold(wording::last(&transcript.thinking, WINDOW)).into_owned();
        Quotes { lead: (lead, wording::fold(&transcript.mark).into_owned()), ..self }
    }

    /// Whether no judged text holds a label.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Whether a judged text has this number as one, or wraps its results as verdicts are wrapped.
    pub fn state(&self, number: &str) -> bool {
        let apart = |text: &str, at: usize| {
            let inside = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '=' | '_');
            let (head, rest) = (&text[..at], &text[at + number.len()..]);
            let digit = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
            let more = rest.starts_with(char::is_alphanumeric) || rest.strip_prefix('.').is_some_and(digit);
            // The number of a list's item.
            let item = (head.is_empty() || head.ends_with('\n')) && (rest.starts_with(". ") || rest.starts_with(") "));
            !head.ends_with(inside) && !more && !item
        };
        self.all.iter().any(|text| {
            (!self.opens.is_empty() && text.contains(self.opens)) || text.match_indices(number).any(|(at, _)| apart(text, at))
        })
    }

    /// Whether a judged text has these words, whatever they are.
    pub fn hold(&self, words: &str) -> bool {
        self.all.iter().any(|text| wording::fold(text).contains(words))
    }

    /// Whether a quotation may hold the mark before the answer and go on to its label: a judged text has both, and quotation marks are near.
    fn may_begin_inside(&self, before: &str, after: &str, label: usize) -> bool {
        let (lead, mark) = &self.lead;
        let paragraph = lead.rsplit("\n\n").next().unwrap_or(lead);
        let signs = |c: char| SIGNS.iter().any(|(open, close)| c == *open || c == *close);
        if mark.is_empty() || ![paragraph, before, after].iter().any(|text| text.contains(signs)) {
            return false;
        }
        let own = letters(mark).count();
        let mut places = self.texts.iter().flat_map(|text| text.labels.iter().map(move |place| (text, place)));
        places.any(|(text, (there, other))| {
            *other == label && alike(letters(mark).rev(), letters(wording::last(&text.text[..there.start], WINDOW)).rev()) == own
        })
    }

    /// Whose words the label at `at` of a folded answer is in.
    pub fn said(&self, answer: &str, at: &Range<usize>, label: usize) -> Speaker {
        let (before, after) = (&answer[..at.start], &answer[at.end..]);
        // An answer that is nothing but its label says what the format asks for, whatever a judged text holds: unless it may be the end of a
        // quotation that holds the mark before it, too.
        if letters(before).chain(letters(after)).next().is_none() {
            return if self.may_begin_inside(before, after, label) {
                Speaker::Perhaps { apart: false }
            } else {
                Speaker::ByTheJudge
            };
        }
        let ends = wording::is_end(after);
        // Hostile text must not make every label look at all of it.
        let (before, after) = (wording::last(before, WINDOW), wording::first(after, WINDOW));
        let statement = statement(before);
        let own = letters(statement).count();
        let (mut said, mut held) = (Speaker::ByTheJudge, false);
        for text in &self.texts {
            if text.more {
                said = Speaker::Perhaps { apart: false };
            }
            for (there, _) in text.labels.iter().filter(|(_, other)| *other == label) {
                held = true;
                let (left, right) =
                    (wording::last(&text.text[..there.start], WINDOW), wording::first(&text.text[there.end..], WINDOW));
                let left_alike = alike(letters(before).rev(), letters(left).rev());
                let right_alike = alike(letters(after), letters(right));
                // The whole statement is there; where the label is all of it, it must be all of a statement there too.
                let whole = left_alike >= own && (own > 0 || letters(self::statement(left)).next().is_none());
                if left_alike + right_alike >= own + ALIKE && left_alike + right_alike > ALIKE && (whole || right_alike >= ALIKE)
                {
                    return Speaker::Quoted;
                }
                if enclosed(before, after) && (whole || !ends) {
                    return Speaker::Quoted;
                }
                // More words than the label are quoted, if not word for word: nobody's verdict is stated so.
                if enclosed(before, after) && own > 0 {
                    said = Speaker::Perhaps { apart: false };
                }
                // From a quotation mark on all words are there, whatever other marks stand between.
                let mark = opened_at(before, after, left_alike);
                if mark.is_some_and(|mark| mark != '\'') {
                    return Speaker::Quoted;
                }
                if mark.is_some() || whole || left_alike >= ALIKE + 4 {
                    let apart = mark.is_none() && said != (Speaker::Perhaps { apart: false }) && apart(before, statement);
                    said = Speaker::Perhaps { apart };
                }
            }
        }
        // In the middle the judge's own words go on; only what an answer ends with can be its verdict in spite of that.
        if ends || !held { said } else { Speaker::Quoted }
    }
}

/// What opens a quotation, and what closes it.
const SIGNS: [(char, char); 6] =
    [('"', '"'), ('\'', '\''), ('`', '`'), ('\u{201c}', '\u{201d}'), ('\u{2018}', '\u{2019}'), ('\u{ab}', '\u{bb}')];

/// Characters that count when words are compared: neither blanks nor style.
fn letters(text: &str) -> impl DoubleEndedIterator<Item = char> {
    text.chars().filter(|c| is_letter(*c)).map(|c| c.to_ascii_lowercase())
}

fn is_letter(c: char) -> bool {
    !c.is_whitespace() && !"*_`#>\\\"'".contains(c) && !SIGNS.iter().any(|(open, close)| c == *open || c == *close)
}

fn alike(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    one.zip(other).take(REACH).take_while(|(one, other)| one == other).count()
}

/// The words before a label that belong to it: from where a line, a sentence, a quotation, or what a colon introduces begins.
fn statement(before: &str) -> &str {
    let line = before.rsplit('\n').next().unwrap_or(before);
    // The colon right before a label belongs to its words.
    let words = line.trim_end().trim_end_matches(':');

    let sentence = [". ", "! ", "? ", ": "].iter().filter_map(|end| Some(words.rfind(end)? + end.len())).max();
    let quotation = ["\"", "\u{201c}", "`", "\u{ab}"].iter().filter_map(|open| Some(line.rfind(open)? + open.len())).max();
    &line[sentence.max(quotation).max(opened(line)).unwrap_or(0)..]
}

/// Where a quotation in single quotes begins that nothing closes: `'` before a word and behind none, unlike an apostrophe.
fn opened(text: &str) -> Option<usize> {
    let mut open = None;
    let mut before = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        if c == '\'' {
            let begins = before.is_none_or(|before: char| before.is_whitespace() || "([:\u{2014}".contains(before));
            match open {
                None if begins && next.is_none_or(|next| !next.is_whitespace()) => open = Some(at + 1),
                Some(_) if closes(before, next) => open = None,
                _ => {}
            }
        }
        before = Some(c);
    }
    open
}

/// Whether a `'` between these closes a quotation.
fn closes(before: Option<char>, next: Option<char>) -> bool {
    before.is_some_and(|before| !before.is_whitespace()) && next.is_none_or(|next| !next.is_alphanumeric())
}

/// Whether a quotation in single quotes ends in a text that begins inside of it.
fn closed(text: &str) -> bool {
    let close = |(at, _): (usize, &str)| {
        let (before, next) = (text[..at].chars().next_back(), text[at + 1..].chars().next());
        at == 0 || closes(before, next)
    };
    text.match_indices('\'').any(close)
}

/// Whether a place lies in quotation marks, code or a block quote.
fn enclosed(before: &str, after: &str) -> bool {
    let paragraph = before.rsplit("\n\n").next().unwrap_or(before);
    let rest = after.split("\n\n").next().unwrap_or(after);
    let line = before.rsplit('\n').next().unwrap_or(before);
    let odd = |sign: char| paragraph.matches(sign).count() % 2 == 1 && rest.contains(sign);
    let inside = |open: char, close: char| {
        paragraph.rfind(open).is_some_and(|at| !paragraph[at..].contains(close)) && rest.contains(close)
    };
    odd('"')
        || odd('`')
        || inside('\u{201c}', '\u{201d}')
        || inside('\u{ab}', '\u{bb}')
        || inside('\u{2018}', '\u{2019}')
        || (opened(paragraph).is_some() && closed(rest))
        || line.trim_start().starts_with('>')
        || (before.matches("```").count() % 2 == 1 && after.contains("```"))
}

/// The quotation mark that stands before the last `count` letters of `before`, or between them, and whose other end is in `after`.
fn opened_at(before: &str, after: &str, count: usize) -> Option<char> {
    let mut seen = 0;
    for c in before.chars().rev() {
        if is_letter(c) {
            seen += 1;
            if seen > count {
                return None;
            }
        } else if seen > 0 && SIGNS.iter().any(|(open, close)| *open == c && after.contains(*close)) {
            return Some(c);
        }
    }
    None
}

/// Whether a statement begins its line, and no colon before it introduces it.
fn apart(before: &str, statement: &str) -> bool {
    let head = &before[..before.len() - statement.len()];
    (head.is_empty() || head.ends_with('\n')) && !head.trim_end().ends_with(':')
}
