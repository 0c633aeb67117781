//! Text -> its last number with the words that belong to it, and the surrounding words that change it.

use super::{
    doubt::{changes_elsewhere, changes_joined, foreign, retracted},
    find::Span,
    several::attained,
    statement::plain_words,
};
use crate::{parse::shortened, words};

/// Words behind a number that begin something else.
const STOPS: &str = "which that who because so for in with as since when if and or on at by it therefore but then we he she they will can has \
                     have had each left for";

/// Whether a word begins something else.
pub fn stops(word: &str) -> bool {
    STOPS.split_whitespace().any(|stop| stop == word)
}

/// Whether words behind a number tell it relative to another one: "away from 5", "short of 100", "years older than".
pub fn relative(words: &[&str]) -> bool {
    let lower: Vec<String> = words.iter().take(6).map(|word| word.to_lowercase()).collect();
    let end = lower.iter().position(|word| stops(word) || words::verb(word)).unwrap_or(lower.len());
    let number = |word: &String| word.starts_with(|c: char| c.is_ascii_digit() || c == '\\') || words::number(word).is_some();
    let joint = |at: usize| match lower[at].as_str() {
        "than" => true,
        "from" => lower.get(at + 1).is_some_and(number),
        "of" => at > 0 && words::compares(&lower[at - 1]),
        _ => false,
    };
    (0..end).any(joint) || words.len() < 5 && end == words.len() && lower.last().is_some_and(|word| words::compares(word))
}

/// How many numbers stand in a text.
pub fn count_numbers(text: &str) -> usize {
    let mut count = 0;
    let mut at = 0;
    while let Some(start) = text[at..].find(|c: char| c.is_ascii_digit()) {
        count += 1;
        at = end_of_number(text, at + start);
    }
    count
}

/// Finds the last number of a text that is not part of a word, with the words that belong to it. The second value is a doubt if surrounding words
/// change the number.
pub fn last_number(text: &str) -> Option<(Span, Option<String>)> {
    let bytes = text.as_bytes();
    let mut last = None;
    let mut at = 0;
    while at < bytes.len() {
        let pointed = bytes[at] == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !bytes[at].is_ascii_digit() && !pointed {
            at += 1;
            continue;
        }
        let end = end_of_number(text, at);
        let before = text[..at].chars().next_back();
        let latin = |c: char| c.is_alphanumeric() && !('\u{2e80}'..'\u{fb00}').contains(&c);
        if !before.is_some_and(|c| latin(c) || c == '_' || c == '^' || c == '\\') {
            last = Some((at, end));
        }
        at = end;
    }
    let (start, end) = last?;
    let ((sign, before), behind) = (signed(&text[..start]), behind(&text[end..]));
    let number = format!("{sign}{}{behind}", &text[start..end]);
    // "The 90s" are ten years.
    let the = before.split_whitespace().next_back().is_some_and(|word| word.eq_ignore_ascii_case("the"));
    let decade = the && behind.trim_end() == "s" && end - start == 2 && text[..end].ends_with('0');
    let doubt = changed(before)
        .or_else(|| decade.then(|| number.clone()))
        .or_else(|| foreign(&number, false))
        .or_else(|| retracted(text.get(end + behind.trim_end().len()..).unwrap_or(&text[end..])))
        .map(|piece| shortened(&piece));
    Some((Span { start, end, text: number }, doubt))
}

/// Splits the sign of a number off the text before it. A minus between two values is an operator, not a sign.
fn signed(before: &str) -> (&'static str, &str) {
    let unsigned = before.trim_end_matches('$');
    let minus = unsigned.strip_suffix(['-', '−', '‑', '‐', '–']);
    match minus.filter(|before| !before.ends_with(|c: char| c.is_alphanumeric() || c == ')')) {
        Some(before) => ("-", before),
        None => ("", before),
    }
}

/// Returns the text behind a number up to a word that begins something else.
fn behind(after: &str) -> String {
    let ends =
        |c: char| c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '*' | '。' | '，' | '"' | ')' | ']');
    let mut said: String = after.chars().take_while(|c| !ends(*c)).collect();
    let rest = &after[said.len()..];
    if rest.starts_with(' ') {
        let clause =
            &rest[..rest.find(['.', ',', ';', '!', '?', '\n', '(', '*', '。', '，', '=', '"', '<']).unwrap_or(rest.len())];
        for word in clause.split_whitespace().take(4) {
            let lower = word.to_lowercase();
            // "12 and a half"
            let half = lower == "and" && clause.contains("and a ") || lower == "a" || words::part(&lower).is_some();
            if stops(&lower) && !half {
                break;
            }
            said.push(' ');
            said.push_str(word);
        }
    }
    said
}

/// Returns words before a number that change it: a negation, another bound, another number joined to it, or a sign that is not its own.
pub fn changed(before: &str) -> Option<String> {
    const FILLERS: &str = "equal to the a an exactly about simply just be approximately of only * **";
    let calculated = before.ends_with(">>") || before.ends_with("<<");
    let opened = before.trim_end().ends_with("\\(") || before.trim_end().ends_with("\\[");
    if before.trim_end().ends_with("=/=") || before.trim_end().ends_with("!=") || before.trim_end().ends_with("<>") {
        return Some(before.trim_end().chars().rev().take(3).collect());
    }
    if changes_joined(before)
        || !calculated
            && !opened
            && before.trim_end().ends_with([
                '-', '−', '≠', '>', '<', '≥', '≤', '—', '⁻', '₋', '\\', '~', '±', '|', '/', '^', '+', '×', '÷', '·', '√', '(',
                '[', ';', '–', '‑',
            ])
    {
        return Some(before.chars().rev().take(20).collect::<Vec<_>>().into_iter().rev().collect());
    }
    // "5, 12" and "5 : 12" are not single numbers.
    let listed = before.trim_end().strip_suffix([',', ':']).is_some_and(|before| {
        before.ends_with(|c: char| c.is_ascii_digit() || c == ' ') && before.trim_end().ends_with(|c: char| c.is_ascii_digit())
    });
    let sentence = before.rsplit(['.', '\n', '!', '?', '。']).next().unwrap_or_default();
    let clause = before.rsplit(['.', ',', ';', ':', '\n', '(', '。', '，']).next().unwrap_or_default();
    if listed {
        return Some(clause.trim().to_owned());
    }
    // A negation of an earlier number does not apply to this one.
    let own = clause.rfind(|c: char| c.is_ascii_digit()).map_or(clause, |at| &clause[at + 1..]);
    let clause_words = plain_words(own);
    if let Some(word) = clause_words.iter().find(|word| negates(word)) {
        return Some(word.clone());
    }
    let words: Vec<String> = clause.split_whitespace().map(|word| word.to_lowercase().replace('’', "'")).collect();
    let number = |word: &String| word.starts_with(|c: char| c.is_ascii_digit());
    if let [.., one, joint] = words.as_slice()
        && number(one)
        && matches!(joint.as_str(), "and" | "or" | "to" | "through" | "-" | "–")
    {
        return Some(clause.trim().to_owned());
    }
    if let [.., one, "point" | "dot" | "comma" | "komma"] = words.iter().map(String::as_str).collect::<Vec<_>>().as_slice()
        && (words::number(one).is_some() || one.starts_with(|c: char| c.is_ascii_digit()))
    {
        // "one point 5"
        return Some(clause.trim().to_owned());
    }
    if words.last().is_some_and(|word| matches!(word.as_str(), "and" | "or" | "und" | "et" | "y")) {
        return Some(clause.trim().to_owned());
    }
    // Of several numbers in a sentence, the last one counts if it follows a verb that states it.
    let told = |word: &String| {
        matches!(
            word.as_str(),
            "is" | "are"
                | "was"
                | "="
                | "equals"
                | "be"
                | "it's"
                | "gives"
                | "get"
                | "total"
                | "ist"
                | "es"
                | "est"
                | "by"
                | "were"
        ) || word.ends_with("=")
    };
    if let Some(piece) = attained(clause) {
        return Some(piece);
    }
    // "15, at x = 2", "15 (n = 2)"
    let digits = |text: &str| text.chars().any(|c| c.is_ascii_digit());
    let place = clause_words.first().is_some_and(|word| matches!(word.as_str(), "at" | "when" | "where" | "if"));
    let bracket = sentence.rfind('(').filter(|open| !sentence[*open..].contains(')') && digits(&sentence[..*open]));
    if place && digits(&sentence[..sentence.len() - clause.len().min(sentence.len())]) || bracket.is_some() {
        return Some(shortened(clause.trim()));
    }
    let filler = |word: &&String| !FILLERS.split_whitespace().any(|filler| filler == word.as_str());
    let several = sentence.chars().any(|c| c.is_ascii_digit()) && !sentence.contains("<<") && !sentence.contains('=');
    if several && !words.iter().rfind(filler).is_some_and(told) && !sentence.trim_end().ends_with(['=', '$']) {
        return Some(clause.trim().to_owned());
    }
    // Only words that leave a number unchanged may stand between "is" and the number; "up to" in "It is up to 12" is none of them.
    if let Some(verb) = words.iter().rposition(|word| matches!(word.as_str(), "is" | "are" | "was" | "were"))
        && words[verb + 1..].iter().any(|word| {
            !words::leaves(word) && !FILLERS.split_whitespace().any(|filler| filler == word) && !word.starts_with('$')
        })
    {
        return Some(words[verb..].join(" "));
    }
    let last = words.iter().rposition(|word| !FILLERS.split_whitespace().any(|filler| filler == word))?;
    (changes_elsewhere(&words[last]) && words[last] != "from").then(|| words[last..].join(" "))
}

/// Whether a word negates its clause, wherever it stands in it.
fn negates(word: &str) -> bool {
    const NEGATIONS: &str = "not never cannot hardly no nowhere fails fail exceeds debt since doubt impossible false nicht kein keine pas jamais não non не \
                             without unlikely";
    NEGATIONS.split_whitespace().any(|one| one == word) || word.ends_with("n't")
}

/// Returns the end of the number that begins at `begin`, with its thousands, decimals, denominator or minutes.
fn end_of_number(text: &str, begin: usize) -> usize {
    let bytes = text.as_bytes();
    let digits = |at: usize| bytes[at.min(bytes.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut end = begin + digits(begin);
    loop {
        let next = digits(end + 1);
        match bytes.get(end) {
            Some(b',' | b'.') if next > 0 => end += 1 + next,
            Some(b' ') if next == 3 && (text[begin..end].contains(' ') || end - begin <= 3) => end += 4,
            _ => break,
        }
    }
    // `3/4`, `333 1/3`, `3:45`, `2021-03-05`
    if bytes.get(end) == Some(&b' ') {
        let over = digits(end + 1);
        if over > 0 && bytes.get(end + 1 + over) == Some(&b'/') && digits(end + over + 2) > 0 {
            end += 1 + over;
        }
    }
    for sign in [b'/', b':', b'-', b'-'] {
        if bytes.get(end) == Some(&sign) && digits(end + 1) > 0 {
            end += 1 + digits(end + 1);
        }
    }
    end
}
