//! Marker -> the answer that the text states behind it. A predicate is read to its end or not at all.

use super::{
    AnswerCandidate, ExtractionRule,
    doubt::{foreign, hedged, partial, retracted},
    find::{Span, math, segments},
    marker::Marker,
    onward::{goes_on, yes_or_no},
    phrase::{count_numbers, last_number},
    several,
};
use crate::{
    lex::{NumberStyle, TextMode},
    parse::{Node, parse, shortened},
    words,
};

/// Words of remarks about an answer that do not state one.
const REMARKS: &str = "helpful correct right wrong useful clear larger smaller than checked found given obtained below above reasonable \
                       consistent follows form same different unique verified incorrect that which because expected complete";

fn listed(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|one| one == word)
}

/// Whether a text is a single line that parses as an answer without words.
pub fn stands_alone(text: &str) -> bool {
    !text.contains('\n') && reads(text)
}

pub fn reads(text: &str) -> bool {
    let mode = if text.contains('\\') { TextMode::Math } else { TextMode::Prose };
    text.len() <= 2000 && matches!(parse(text, mode, NumberStyle::Usual), Ok(node) if !matches!(node, Node::Text(_)))
}

/// Returns the answer behind a marker, or `None` if no answer is stated there. `words` allows an answer in words.
pub fn stated(text: &str, marker: &Marker, words: bool) -> Option<AnswerCandidate> {
    let behind = text[marker.end..].trim_start_matches([':', '：', ' ', '*', '\n', '\r', '\t', '"', '_', '=']);
    if marker.how == ExtractionRule::Hashes {
        return headed(behind);
    }
    if lists_options(behind) {
        return None;
    }
    if lists_items(text[marker.end..].trim_start_matches([':', '*', ' '])) {
        return Some(AnswerCandidate { doubt: Some(shortened(behind)), ..AnswerCandidate::plain(behind) });
    }
    let sentence = sentence(behind);
    let mut found = told(sentence, marker.verb, words)?;
    if marker.foreign && sentence.is_ascii() | sentence.contains(|c: char| ('\u{80}'..'\u{530}').contains(&c)) {
        found.text = decimal_comma(&found.text);
    }
    let comma = marker.foreign && text[marker.start..marker.end].chars().all(|c| c < '\u{2e80}');
    let odd = if comma && thousands_or_decimals(&found.text) {
        Some(shortened(&found.text))
    } else if marker.foreign {
        foreign(sentence, true)
    } else {
        foreign(&found.text, false)
    };
    found.doubt = found
        .doubt
        .or(odd)
        .or_else(|| hedged(&text[..marker.start]))
        .or_else(|| partial(&text[..marker.start]))
        .or_else(|| retracted(&behind[sentence.len()..]))
        .or_else(|| goes_on(&found.text, &behind[sentence.len()..]));
    Some(found)
}

/// Replaces a decimal comma by a point if it is the only comma between digits. A comma before exactly three digits stays, because it groups
/// thousands.
fn decimal_comma(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: Option<&u8>| at.is_some_and(u8::is_ascii_digit);
    let commas: Vec<usize> = text.match_indices(',').map(|(at, _)| at).collect();
    match commas.as_slice() {
        [at] if *at > 0 && digit(bytes.get(at - 1)) && digit(bytes.get(at + 1)) => {
            let decimals = bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
            if decimals == 3 { text.to_owned() } else { format!("{}.{}", &text[..*at], &text[at + 1..]) }
        }
        _ => text.to_owned(),
    }
}

/// Whether the only sign between the digits of a text is a point or a comma before exactly three of them: `1.500` in a language with decimal commas.
fn thousands_or_decimals(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut signs = (1..bytes.len()).filter(|at| matches!(bytes[*at], b'.' | b',') && digit(at - 1) && digit(at + 1));
    let (Some(at), None) = (signs.next(), signs.next()) else { return false };
    let before = bytes[..at].iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let behind = bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
    before <= 3 && behind == 3 && bytes[at - before] != b'0'
}

/// What stands behind `####`: all of its line, if it can be read or ends the text.
fn headed(text: &str) -> Option<AnswerCandidate> {
    let line = text.lines().next().unwrap_or_default().trim();
    let bare = bare(line);
    let digits = bare.bytes().take_while(u8::is_ascii_digit).count();
    let numbered = [". ", ") ", ": "].iter().any(|mark| bare[digits..].starts_with(mark));
    if digits > 0 && numbered && bare[digits + 2..].starts_with(char::is_alphabetic) {
        // `#### 2. Conclusion` is a heading.
        return None;
    }
    let last = text.trim_end() == line;
    let doubt = || foreign(bare, false).or_else(|| goes_on(bare, &text[text.len().min(text.find('\n').unwrap_or(text.len()))..]));
    (!bare.is_empty() && (reads(bare) || last)).then(|| AnswerCandidate { doubt: doubt(), ..AnswerCandidate::plain(bare) })
}

/// Reads the answer of a tag or a sentence. Behind a verb the whole text is the answer; otherwise the answer stands behind a verb of the sentence or
/// is its only number.
pub fn told(sentence: &str, verb: bool, words: bool) -> Option<AnswerCandidate> {
    let segments = segments(sentence);
    if !segments.is_empty() {
        return Some(with_math(sentence, &segments, verb));
    }
    let unbold = unemphasised(sentence);
    let bare = bare(&unbold);
    if bare.is_empty() {
        return None;
    }
    if let Some(found) = yes_or_no(bare).filter(|found| found.text != bare) {
        return Some(found);
    }
    if let Some(piece) = said_twice(bare) {
        return Some(AnswerCandidate { doubt: Some(piece), ..AnswerCandidate::plain(bare) });
    }
    if reads(bare) {
        return Some(AnswerCandidate::plain(bare));
    }
    if !verb && let Some(told) = behind_verb(bare) {
        return Some(AnswerCandidate::plain(told));
    }
    // "42 by the theorem of Fermat": an explanation behind the answer.
    let explained = [" by ", " from ", " using ", " (see", " according "].iter().filter_map(|mark| bare.find(mark)).min();
    if let Some(end) = explained.filter(|end| verb && reads(&bare[..*end]) && !relative_to(bare, *end)) {
        return Some(AnswerCandidate::plain(&bare[..end]));
    }
    if bare.chars().any(|c| c.is_ascii_digit()) {
        let plain = plain_words(bare).iter().all(|word| !words::changes(word));
        return Some(match last_number(bare) {
            Some((number, doubt)) if !verb && plain && count_numbers(bare) == 1 && reads(&number.text) => {
                AnswerCandidate { doubt, ..AnswerCandidate::plain(&number.text) }
            }
            // The whole text, which the comparison will not understand.
            _ => AnswerCandidate::plain(bare),
        });
    }
    let remark =
        bare.split_whitespace().any(|word| listed(REMARKS, word.to_lowercase().trim_matches(|c: char| !c.is_alphanumeric())));
    (words && !remark).then(|| AnswerCandidate::plain(bare))
}

/// Whether what stands before "from" or "by" is measured from a number: "12 away from 5", "12 by 5", "12 subtracted from the sum".
fn relative_to(text: &str, end: usize) -> bool {
    let (before, behind) = (plain_words(&text[..end]), plain_words(&text[end..]));
    let joint = matches!(behind.first().map(String::as_str), Some("from" | "by"));
    let number = |word: &String| word.starts_with(|c: char| c.is_ascii_digit()) || words::number(word).is_some();
    let taken = |word: &String| matches!(word.as_str(), "subtracted" | "taken" | "removed" | "deducted" | "added" | "multiplied");
    joint && (behind.get(1).is_some_and(number) || before.last().is_some_and(taken))
}

/// "42 (forty-two)" says one thing twice, or two things.
pub fn said_twice(text: &str) -> Option<String> {
    let twice = text.contains(')') && text.find(" (").is_some_and(|at| reads_or_says(&text[..at]) && !text[..at].contains('('));
    twice.then(|| shortened(text))
}

fn reads_or_says(text: &str) -> bool {
    reads(text) && text.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '%')
}

/// Removes double stars of emphasis; the power in `2**3` stays.
fn unemphasised(text: &str) -> String {
    let power = text.match_indices("**").any(|(at, _)| {
        let digit = |c: char| c.is_ascii_alphanumeric();
        text[..at].ends_with(digit) && text[at + 2..].starts_with(|c: char| c.is_ascii_digit())
    });
    if power { text.to_owned() } else { text.replace("**", " ") }
}

/// Whether a text begins with two or more items of a list.
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

/// Trims emphasis, quotation marks, emoji and full stops around a text, and an explaining clause behind it.
pub fn bare(text: &str) -> &str {
    let sign = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '*' | '"' | '_' | '`' | '“' | '”' | '‘' | '’' | '«' | '»' | '✅' | '✔' | '🎉' | '🎊' | '\u{fe0f}' | '😊'
            )
    };
    let mut text = text.trim_matches(sign).trim_end_matches("\\]");
    text = text.trim_start_matches("选项").trim_end_matches("です");
    if !text.ends_with("...") {
        text = text.trim_end_matches(['.', '*', '。', ' ', '！']).trim_matches(sign);
    }
    // "C!" is a choice, not a factorial.
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

/// Returns the text behind the last "is" or `=` of a sentence, if it parses and the text before it does not retract it.
pub fn behind_verb(text: &str) -> Option<&str> {
    let verbs = [" is ", " are ", " was ", " were ", " equals ", " = "];
    let found = verbs.iter().filter_map(|mark| text.rfind(mark).map(|at| at + mark.len())).max()?;
    let (before, told) = (&text[..found], bare(&text[found..]));
    // The last of several equations is not the whole answer.
    let joints = [" or ", " and ", ","];
    let several = before.matches('=').count() > 1 || before.contains('=') && joints.iter().any(|joint| before.contains(joint));
    let conditional = plain_words(before).iter().any(|word| matches!(word.as_str(), "if" | "when" | "suppose" | "let"));
    (!several && !conditional && reads(told) && hedged(before).is_none() && several::attained(before).is_none()).then_some(told)
}

/// Returns up to four words behind the last "is" of a sentence, without digits and without a negation: "The capital is Paris".
pub fn words_behind_verb(text: &str) -> Option<&str> {
    let found = [" is ", " are ", " was "].iter().filter_map(|mark| text.rfind(mark).map(|at| at + mark.len())).max()?;
    let (before, told) = (&text[..found], bare(&text[found..]));
    let words = plain_words(told);
    let conditional =
        plain_words(before).iter().any(|word| matches!(word.as_str(), "if" | "when" | "that" | "what" | "which" | "whether"));
    let plain = (1..=4).contains(&words.len()) && words.iter().all(|word| !words::changes(word) && !listed(REMARKS, word));
    (plain && !conditional && !told.contains(|c: char| c.is_ascii_digit()) && hedged(before).is_none()).then_some(told)
}

/// Reads the answer of a sentence with mathematics: the mathematics and the words behind it that count or scale it, or an approximation behind it
/// instead. Words that change its meaning are a doubt.
fn with_math(sentence: &str, segments: &[Span], verb: bool) -> AnswerCandidate {
    let doubtful = |text: &str| AnswerCandidate { doubt: Some(shortened(text.trim())), ..AnswerCandidate::plain(text) };
    let (Some(first), Some(last)) = (segments.first(), segments.last()) else { return doubtful(sentence) };
    let tail = bare(sentence[last.end..].trim_start_matches(['*', '"', '\\']));
    let before = sentence[..first.start].replace("\\\"", "");
    let before = bare(&before);
    if let Some(near) = approximation(tail).filter(|_| segments.len() == 1 && before.is_empty()) {
        return AnswerCandidate { text: format!("{} \\approx {near}", first.text), math: true, doubt: None };
    }
    if tail.chars().any(|c| c.is_ascii_digit()) {
        if !verb && let Some(told) = behind_verb(&format!("x {tail}")) {
            return AnswerCandidate::plain(told);
        }
        return match last_number(tail) {
            Some((number, doubt)) if reads(&number.text) && !verb => {
                AnswerCandidate { doubt, ..AnswerCandidate::plain(&number.text) }
            }
            _ => doubtful(sentence),
        };
    }
    // "B) $x^2+1$": a choice and its content.
    let letter = before.trim_start_matches(['*', '(', ' ']).trim_end_matches(['*', ' ']);
    if let Some(letter) = letter.strip_suffix([')', '.', ':'])
        && matches!(letter.as_bytes(), [b'A'..=b'J'])
    {
        // "A) `5` or B", "A) `5` is wrong", "A) `5` million"
        if segments.len() > 1 || !tail.is_empty() {
            return doubtful(sentence);
        }
        return AnswerCandidate { text: format!("({letter}) {}", first.text), math: true, doubt: None };
    }
    let words = plain_words(before);
    let verb_before = ["is", "are", "equals", "be", "was"].iter().any(|verb| words.last().is_some_and(|word| word == verb));
    let changed = words.iter().any(|word| words::changes(word));
    let known = words.iter().all(|word| words::leaves(word) || words::introduces(word));
    let between =
        segments.windows(2).any(|two| plain_words(&sentence[two[0].end..two[1].start]).iter().any(|word| words::changes(word)));
    let signed = before.ends_with(['-', '−', '‑', '–', '—', '/', '^', '\\']);
    let broken = segments.iter().any(|segment| !segment.text.chars().any(char::is_alphanumeric) && !segment.text.contains('\\'));
    let explains = [", where ", ", since ", ", as ", ", because ", " by ", ", found ", " (see ", " from "];
    if segments.len() > 1 && known && !changed && explains.iter().any(|mark| sentence[first.end..].starts_with(mark)) {
        return AnswerCandidate { text: first.text.clone(), math: true, doubt: None };
    }
    let joints = |text: &str| matches!(text.trim().trim_matches(',').trim(), "" | "and" | "or" | "、");
    let apart = verb && segments.windows(2).any(|two| !joints(&sentence[two[0].end..two[1].start]));
    let remark = || if verb { None } else { several::remark(sentence, segments) };
    if changed || between || signed || remark().is_some() || broken || apart || (verb && !known && !verb_before) {
        return doubtful(sentence);
    }
    let answer = math(sentence, segments);
    // "$5$ million", "$5$ feet": a magnitude, or a counted noun.
    let next = plain_words(tail);
    let counted: Vec<&String> = next.iter().take(4).take_while(|word| !super::phrase::stops(word)).collect();
    let says = |word: &&String| words::changes(word) || words::magnitude(word).is_some() || crate::units::known(word);
    if counted.iter().any(says) && !sentence[last.end..].starts_with([',', '.', ';', ':']) {
        let counted: Vec<&str> = counted.iter().map(|word| word.as_str()).collect();
        return AnswerCandidate { text: format!("{answer} \\text{{ {}}}", counted.join(" ")), math: true, doubt: None };
    }
    AnswerCandidate { text: answer, math: true, doubt: None }
}

/// Returns the number of "(approximately 1.414)" or ", which is about 1.414".
fn approximation(tail: &str) -> Option<&str> {
    let tail = tail.trim_start_matches([' ', '(', ',']);
    let tail = ["which is ", "or ", "that is "].iter().find_map(|words| tail.strip_prefix(words)).unwrap_or(tail);
    let near = ["approximately ", "approx. ", "about ", "roughly ", "≈"].iter().find_map(|words| tail.strip_prefix(words))?;
    let near = near.trim_end_matches(['.', ')', ' ']).trim();
    (!near.is_empty() && near.chars().all(|c| c.is_ascii_digit() || ".,-".contains(c))).then_some(near)
}

/// Returns the words of a text in lower case, without surrounding signs.
pub fn plain_words(text: &str) -> Vec<String> {
    let words = text.split_whitespace().map(|word| word.to_lowercase().replace('’', "'"));
    words
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '\'').to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Returns the text up to the end of its first line or sentence; mathematics that spans lines is not cut.
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
    // `C. Paris` continues behind its full stop.
    let letter = |at: usize| line[..at].len() == 1 && line.starts_with(|c: char| c.is_ascii_alphabetic());
    let ends = line.match_indices(". ").map(|(at, _)| at);
    let end = ends.into_iter().find(|at| !letter(*at) && line[at + 2..].starts_with(|c: char| c.is_uppercase() || c == '<'));
    end.map_or(line, |at| &line[..at])
}
