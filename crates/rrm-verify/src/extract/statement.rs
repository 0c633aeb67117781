//! What a text says after "the answer is", `####` and their kin. A predicate is read to its end or not at all.

use super::{
    Found, How,
    doubt::{foreign, hedged, partial, retracted},
    find::{Span, math, segments},
    phrase::{count_numbers, last_number},
};
use crate::{
    lex::{Commas, Mode},
    parse::{Node, parse, shortened},
    words,
};

/// A place at which an answer is announced.
pub struct Marker {
    /// The byte at which it begins.
    pub start: usize,
    /// The byte behind it.
    pub end: usize,
    /// `####` or a statement.
    pub how: How,
    /// Whether it is a verb, so that what follows is the answer; behind a colon a sentence may follow.
    pub verb: bool,
    /// Whether it is of another language than English, whose words for parts and multiples are not known.
    pub foreign: bool,
}

/// Words that announce an answer, in lower case, in several languages.
const ANSWERS: &[&str] = &[
    "answer",
    "answers",
    "antwort",
    "lösung",
    "respuesta",
    "réponse",
    "reponse",
    "resposta",
    "risposta",
    "ответ",
    "答案",
    "答え",
    "option",
    "choice",
];
/// What follows such a word.
const COLONS: &[&str] = &[":", "：", "is:", "is", "are", "=", "ist", "es", "est", "é", "è", "是", "为", "は"];
/// Words of remarks about an answer, which state none.
const REMARKS: &str = "helpful correct right wrong useful clear larger smaller than checked found given obtained below above reasonable \
                       consistent follows form same different unique verified incorrect that which because expected complete";

fn listed(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|one| one == word)
}

/// All markers, in their order.
pub fn markers(text: &str) -> Vec<Marker> {
    // Letters whose lower case has another length would move the places.
    let small = |c: char| Some(c.to_lowercase().next()?).filter(|small| small.len_utf8() == c.len_utf8());
    let lower: String =
        if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().map(|c| small(c).unwrap_or(c)).collect() };
    let mut found = Vec::new();
    for (at, mark) in lower.match_indices("####") {
        if !lower[at + mark.len()..].starts_with('#') {
            found.push(Marker { start: at, end: at + mark.len(), how: How::Hashes, verb: false, foreign: false });
        }
    }
    let mut letter = false;
    for (at, first) in lower.char_indices() {
        let begins = !letter || first >= '\u{400}';
        letter = if first.is_ascii() { first.is_ascii_alphanumeric() } else { first.is_alphanumeric() };
        if begins && matches!(first, 'a' | 'r' | 'l' | 'o' | 'c' | 'о' | '答') {
            let words = ANSWERS.iter().filter(|word| lower[at..].starts_with(**word));
            found.extend(words.filter_map(|word| announced(&lower, at, word)));
        }
    }
    let statement = |start, end| Marker { start, end, how: How::Statement, verb: false, foreign: false };
    // A heading: "Final answer", and the answer on the next line.
    for (at, heading) in lower.match_indices("answer") {
        let line = lower[at + heading.len()..].trim_start_matches([' ', '*', '_', '#']);
        let titled = lower[..at].trim_end().ends_with("final")
            || lower[..at].trim_end_matches(['*', '#', ' ', '_']).ends_with('\n')
            || at == 0;
        let last = lower[..at].trim_end().ends_with("final");
        if titled && (line.starts_with('\n') || last && line.starts_with('$')) {
            found.push(statement(at, at + heading.len()));
        }
    }
    // `A: 18` in a line of its own is an answer; beside `B:` it is a choice.
    let mut lettered: Vec<Marker> = lower.match_indices("\na:").map(|(at, mark)| statement(at + 1, at + mark.len())).collect();
    lettered.extend(lower.starts_with("a:").then(|| statement(0, 2)));
    if !lettered.is_empty() && !lower.lines().any(|line| line.trim_start().starts_with("b:")) {
        found.extend(lettered);
    }
    found.sort_by_key(|marker| marker.end);
    found.dedup_by_key(|marker| marker.end);
    found
}

/// A word that announces an answer, if a colon or a verb follows it.
fn announced(lower: &str, at: usize, word: &str) -> Option<Marker> {
    let latin = word.chars().all(|c| c < '\u{400}');
    let before = lower[..at].chars().next_back();
    let rest = &lower[at + word.len()..];
    if latin && (before.is_some_and(char::is_alphanumeric) || rest.starts_with(char::is_alphanumeric)) {
        return None;
    }
    if matches!(word, "option" | "choice") && !lower[..at].trim_end().ends_with("correct") {
        return None;
    }
    let after = rest.trim_start_matches([' ', '*', '_', '\t']);
    let colon = COLONS.iter().filter(|colon| after.starts_with(**colon)).max_by_key(|colon| colon.len())?;
    let verb = colon.chars().all(char::is_alphabetic);
    if verb && latin && after[colon.len()..].starts_with(char::is_alphanumeric) {
        return None;
    }
    let foreign = !matches!(word, "answer" | "answers" | "option" | "choice");
    Some(Marker {
        start: at,
        end: lower.len() - after.len() + colon.len(),
        how: How::Statement,
        verb: verb || *colon == "=",
        foreign,
    })
}

/// Whether a text is an answer by itself and no words.
pub fn stands_alone(text: &str) -> bool {
    !text.contains('\n') && reads(text)
}

fn reads(text: &str) -> bool {
    let mode = if text.contains('\\') { Mode::Math } else { Mode::Prose };
    text.len() <= 2000 && matches!(parse(text, mode, Commas::Usual), Ok(node) if !matches!(node, Node::Text(_)))
}

/// The answer that stands behind a marker; `None` where it states none. `words` says whether words count as one.
pub fn stated(text: &str, marker: &Marker, words: bool) -> Option<Found> {
    let behind = text[marker.end..].trim_start_matches([':', '：', ' ', '*', '\n', '\r', '\t', '"', '_', '=']);
    if marker.how == How::Hashes {
        return headed(behind);
    }
    if lists_options(behind) {
        return None;
    }
    if lists_items(text[marker.end..].trim_start_matches([':', '*', ' '])) {
        return Some(Found { doubt: Some(shortened(behind)), ..Found::plain(behind) });
    }
    let sentence = sentence(behind);
    let mut found = told(sentence, marker.verb, words)?;
    let odd = if marker.foreign { foreign(&found.text, true) } else { foreign(&found.text, false) };
    found.doubt = found
        .doubt
        .or(odd)
        .or_else(|| hedged(&text[..marker.start]))
        .or_else(|| partial(&text[..marker.start]))
        .or_else(|| retracted(&behind[sentence.len()..]));
    Some(found)
}

/// What stands behind `####`: all of its line, if it can be read or ends the text.
fn headed(text: &str) -> Option<Found> {
    let line = text.lines().next().unwrap_or_default().trim();
    let bare = bare(line);
    let digits = bare.bytes().take_while(u8::is_ascii_digit).count();
    let numbered = [". ", ") ", ": "].iter().any(|mark| bare[digits..].starts_with(mark));
    if digits > 0 && numbered && bare[digits + 2..].starts_with(char::is_alphabetic) {
        // `#### 2. Conclusion` is a heading.
        return None;
    }
    let last = text.trim_end() == line;
    (!bare.is_empty() && (reads(bare) || last)).then(|| Found { doubt: foreign(bare, false), ..Found::plain(bare) })
}

/// What a tag or a sentence says. Behind a verb all of it is the answer; else a sentence may tell it behind its own verb, or by its only number.
pub fn told(sentence: &str, verb: bool, words: bool) -> Option<Found> {
    let segments = segments(sentence);
    if !segments.is_empty() {
        return Some(with_math(sentence, &segments, verb));
    }
    let unbold = unemphasised(sentence);
    let bare = bare(&unbold);
    if bare.is_empty() {
        return None;
    }
    if let Some(piece) = said_twice(bare) {
        return Some(Found { doubt: Some(piece), ..Found::plain(bare) });
    }
    if reads(bare) {
        return Some(Found::plain(bare));
    }
    if !verb && let Some(told) = behind_verb(bare) {
        return Some(Found::plain(told));
    }
    // "42 by the theorem of Fermat"
    let explained = [" by ", " from ", " using ", " (see", " according "].iter().filter_map(|mark| bare.find(mark)).min();
    if let Some(end) = explained.filter(|end| verb && reads(&bare[..*end])) {
        return Some(Found::plain(&bare[..end]));
    }
    if bare.chars().any(|c| c.is_ascii_digit()) {
        let plain = plain_words(bare).iter().all(|word| !words::changes(word));
        return Some(match last_number(bare) {
            Some((number, doubt)) if !verb && plain && count_numbers(bare) == 1 && reads(&number.text) => {
                Found { doubt, ..Found::plain(&number.text) }
            }
            // All of it, which is not understood then.
            _ => Found::plain(bare),
        });
    }
    let remark =
        bare.split_whitespace().any(|word| listed(REMARKS, word.to_lowercase().trim_matches(|c: char| !c.is_alphanumeric())));
    (words && !remark).then(|| Found::plain(bare))
}

/// "42 (forty-two)" says one thing twice, or two things.
pub fn said_twice(text: &str) -> Option<String> {
    let twice = text.contains(')') && text.find(" (").is_some_and(|at| reads_or_says(&text[..at]) && !text[..at].contains('('));
    twice.then(|| shortened(text))
}

fn reads_or_says(text: &str) -> bool {
    reads(text) && text.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '%')
}

/// A text without the stars of emphasis; `2**3` keeps them.
fn unemphasised(text: &str) -> String {
    let power = text.match_indices("**").any(|(at, _)| {
        let digit = |c: char| c.is_ascii_alphanumeric();
        text[..at].ends_with(digit) && text[at + 2..].starts_with(|c: char| c.is_ascii_digit())
    });
    if power { text.to_owned() } else { text.replace("**", " ") }
}

/// Whether a text begins with several lines of a list, none of which is the answer alone.
fn lists_items(text: &str) -> bool {
    let item = |line: &str| ["- ", "• ", "* "].iter().any(|bullet| line.trim_start().starts_with(bullet));
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.next().is_some_and(item) && lines.next().is_some_and(item)
}

/// Whether a text begins with lines of different choices, which names none of them.
fn lists_options(text: &str) -> bool {
    let letter = |line: &str| {
        let mut letters = line.trim().trim_start_matches(['(', '*']).chars();
        let letter = letters.next().filter(char::is_ascii_uppercase)?;
        matches!(letters.next(), Some('.' | ')' | ':')).then_some(letter)
    };
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).map(letter);
    matches!((lines.next(), lines.next()), (Some(Some(one)), Some(Some(other))) if one != other)
}

/// A text without emphasis, quotation marks, marks of joy and the points around it, and without a clause behind it that explains.
pub fn bare(text: &str) -> &str {
    let sign = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '*' | '"' | '_' | '`' | '“' | '”' | '‘' | '’' | '«' | '»' | '✅' | '✔' | '🎉' | '🎊' | '\u{fe0f}' | '😊'
            )
    };
    let mut text = text.trim_matches(sign).trim_end_matches("\\]");
    if !text.ends_with("...") {
        text = text.trim_end_matches(['.', '*', '。', ' ', '！']).trim_matches(sign);
    }
    // "C!" is no factorial.
    if let Some(letter) = text.strip_suffix('!')
        && letter.trim_matches(['(', ')']).len() == 1
        && letter.contains(|c: char| c.is_ascii_uppercase())
    {
        return letter;
    }
    let explains = [
        ", as ",
        ", since ",
        ", because ",
        ", so ",
        ", which ",
        ", where ",
        ", given ",
        ", or about ",
        ", or approximately ",
        ", or roughly ",
        ", approximately ",
    ];
    let end = explains.iter().filter_map(|mark| text.find(mark)).min();
    match end {
        Some(end) if reads(&text[..end]) => &text[..end],
        _ => text,
    }
}

/// What stands behind the last "is" of a sentence, where it can be read, and nothing before it takes it back.
pub fn behind_verb(text: &str) -> Option<&str> {
    let verbs = [" is ", " are ", " was ", " were ", " equals ", " = "];
    let found = verbs.iter().filter_map(|mark| text.rfind(mark).map(|at| at + mark.len())).max()?;
    let (before, told) = (&text[..found], bare(&text[found..]));
    // Behind several equations the last one is not all of the answer.
    let joints = [" or ", " and ", ","];
    let several = before.matches('=').count() > 1 || before.contains('=') && joints.iter().any(|joint| before.contains(joint));
    (!several && reads(told) && hedged(before).is_none()).then_some(told)
}

/// A sentence with mathematics in it: the mathematics, with the words behind it that say how much it is; a number behind it instead. Words that
/// change what it says are a doubt.
fn with_math(sentence: &str, segments: &[Span], verb: bool) -> Found {
    let doubtful = |text: &str| Found { doubt: Some(shortened(text.trim())), ..Found::plain(text) };
    let (Some(first), Some(last)) = (segments.first(), segments.last()) else { return doubtful(sentence) };
    let tail = bare(sentence[last.end..].trim_start_matches(['*', '"', '\\']));
    let before = sentence[..first.start].replace("\\\"", "");
    let before = bare(&before);
    if tail.chars().any(|c| c.is_ascii_digit()) {
        if !verb && let Some(told) = behind_verb(&format!("x {tail}")) {
            return Found::plain(told);
        }
        return match last_number(tail) {
            Some((number, doubt)) if reads(&number.text) && !verb => Found { doubt, ..Found::plain(&number.text) },
            _ => doubtful(sentence),
        };
    }
    let words = plain_words(before);
    let verb_before = ["is", "are", "equals", "be", "was"].iter().any(|verb| words.last().is_some_and(|word| word == verb));
    let changed = words.iter().any(|word| words::changes(word));
    let known = words.iter().all(|word| words::leaves(word) || words::introduces(word));
    let between =
        segments.windows(2).any(|two| plain_words(&sentence[two[0].end..two[1].start]).iter().any(|word| words::changes(word)));
    let signed = before.ends_with(['-', '−', '‑', '–', '—', '/', '^', '\\']);
    let broken = segments.iter().any(|segment| !segment.text.chars().any(char::is_alphanumeric) && !segment.text.contains('\\'));
    let joints = |text: &str| matches!(text.trim().trim_matches(',').trim(), "" | "and" | "or" | "、");
    let apart = verb && segments.windows(2).any(|two| !joints(&sentence[two[0].end..two[1].start]));
    if changed || between || signed || broken || apart || (verb && !known && !verb_before) {
        return doubtful(sentence);
    }
    let answer = math(sentence, segments);
    // "$5$ million", "$5$ feet": what is counted, or more than that.
    let next = plain_words(tail);
    let counted: Vec<&String> = next.iter().take(4).take_while(|word| !super::phrase::stops(word)).collect();
    let says = |word: &&String| words::changes(word) || words::magnitude(word).is_some() || crate::units::known(word);
    if counted.iter().any(says) && !sentence[last.end..].starts_with([',', '.', ';', ':']) {
        let counted: Vec<&str> = counted.iter().map(|word| word.as_str()).collect();
        return Found { text: format!("{answer} \\text{{ {}}}", counted.join(" ")), math: true, doubt: None };
    }
    Found { text: answer, math: true, doubt: None }
}

/// The words of a text in small letters, without signs around them.
pub fn plain_words(text: &str) -> Vec<String> {
    let words = text.split_whitespace().map(|word| word.to_lowercase().replace('’', "'"));
    words
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '\'').to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Up to the end of the first line or sentence; mathematics that spans lines is not cut.
fn sentence(text: &str) -> &str {
    for open in ["$$", "\\["] {
        if text.starts_with(open) {
            let close = if open == "$$" { "$$" } else { "\\]" };
            if let Some(end) = text[2..].find(close) {
                return &text[..2 + end + 2];
            }
        }
    }
    let line = text.lines().next().unwrap_or_default();
    let line = line.split_once('。').map_or(line, |(first, _)| first);
    // `C. Paris` goes on behind its point.
    let letter = |at: usize| line[..at].len() == 1 && line.starts_with(|c: char| c.is_ascii_alphabetic());
    let ends = line.match_indices(". ").map(|(at, _)| at);
    let end = ends.into_iter().find(|at| !letter(*at) && line[at + 2..].starts_with(|c: char| c.is_uppercase() || c == '<'));
    end.map_or(line, |at| &line[..at])
}
