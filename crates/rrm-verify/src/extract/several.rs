//! Texts with several answers: lines that each state one, lettered parts, mathematics in a remark.

use super::{find::Span, statement::plain_words};
use crate::{parse::shortened, words};

/// Returns the last lines of a text if two of them state different numbers on their own: `x = 2` and `x = 3`.
pub fn alike(text: &str) -> Option<String> {
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !matches!(line.to_lowercase().as_str(), "" | "or" | "and" | "or:" | "alternatively" | "alternatively,"))
        .rev();
    let (last, before) = (lines.next()?, lines.next()?);
    let (one, other) = (lone(last)?, lone(before)?);
    (one.1 != other.1 && one.0.is_empty() == other.0.is_empty()).then(|| shortened(&format!("{before} {last}")))
}

/// Returns two assignments that stand in succession in the last line: `x = 1 and y = 2`.
pub fn named(text: &str) -> Option<String> {
    let line = text.trim_end().lines().next_back()?;
    let plain: String = line.chars().filter(|c| !matches!(c, '*' | '$' | ',' | '&')).collect();
    let words: Vec<&str> = plain.split_whitespace().filter(|word| *word != "and").collect();
    let value = |word: &str| word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    let name = |word: &str| word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
    let pair = |three: &[&str]| name(three[0]) && matches!(three[1], "=" | "is") && value(three[2]);
    let two = |six: &&[&str]| pair(&six[..3]) && pair(&six[3..]) && six[0] != six[3];
    words.windows(6).find(two).map(|six| shortened(&six.join(" ")))
}

/// Returns the name and the number of a line that holds nothing else, after a bullet, a letter in brackets or "Case 1:".
fn lone(line: &str) -> Option<(String, String)> {
    let plain: String = ["\\boxed{", "\\[", "\\]", "\\(", "\\)"]
        .iter()
        .fold(line.to_owned(), |line, sign| line.replace(sign, ""))
        .chars()
        .filter(|c| !matches!(c, '$' | '*' | '}' | '`'))
        .collect();
    let rest = plain.trim().trim_end_matches(['.', ',', ';']).trim_start_matches(['-', '•', ' ']).trim();
    let mut rest = rest.strip_suffix(" or").or(rest.strip_suffix(" and")).unwrap_or(rest).trim_end_matches([',', ' ']);
    for mark in [") ", ": ", ". "] {
        if let Some((before, behind)) = rest.split_once(mark)
            && label(before)
        {
            rest = behind.trim();
        }
    }
    let (name, value) = rest.split_once('=').unwrap_or(("", rest));
    let (name, value) = (name.trim(), value.trim());
    let number = !value.is_empty() && value.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '.' | '/'));
    let short = name.chars().filter(|c| c.is_alphabetic()).count() <= 1 && name.len() <= 4;
    (number && short && value.chars().any(|c| c.is_ascii_digit())).then(|| (name.to_owned(), value.to_owned()))
}

/// Whether a few words before a colon name one of several values. "Total:" and the like introduce the final one.
fn label(before: &str) -> bool {
    const LAST: &str = "total answer final result altogether";
    let letters = before.chars().filter(|c| c.is_alphanumeric()).count();
    letters <= 8 || letters <= 24 && !plain_words(before).iter().any(|word| LAST.split_whitespace().any(|one| one == word))
}

/// Returns a box near the last one that differs from it, if no word between them draws a conclusion: each may be a part of the answer.
pub fn boxes(text: &str, boxes: &[Span], first: usize) -> Option<String> {
    const CONCLUDES: &str =
        "so thus hence therefore then finally final answer total simplifies simplified simplify altogether gives";
    let (one, last) = (boxes.get(first.checked_sub(1)?)?, boxes.get(first)?);
    let between = text.get(one.end..last.start).filter(|between| between.len() <= 100)?;
    let part = ["(b)", "(c)", "(d)", "(ii)", "(2)", "(3)"].iter().any(|mark| between.contains(mark));
    let words = plain_words(between);
    let other = words
        .iter()
        .any(|word| matches!(word.as_str(), "second" | "third" | "other" | "another" | "also" | "case" | "part" | "else"));
    let concludes = words.iter().any(|word| CONCLUDES.split_whitespace().any(|one| one == word));
    (one.text != last.text && (part || other || !concludes)).then(|| shortened(&text[one.start..last.end]))
}

/// Returns the words before the last mathematics if its sentence has other mathematics and these words do not state the answer: "`15`, attained at
/// `x = 2`".
pub fn remark(text: &str, segments: &[Span]) -> Option<String> {
    const VERBS: &str = "is are was were be equals equal have has get gets gives give yields yield obtain find becomes become so thus hence therefore then \
                         simplifies simplify reduces leads evaluates amounts comes makes";
    const TELLS: &str = "to that of by an a the exactly about simply just approximately only number value values answer solution solutions point pair down \
                         us we it";
    // "Check: `x = 2`"
    const LABELS: &str = "check verification verify note remark proof where with here test example";
    const SIDE: &str = "when where at if using since because from";
    let listed = |list: &str, word: &String| list.split_whitespace().any(|one| one == word);
    let [.., one, last] = segments else { return None };
    let between = &text[one.end..last.start];
    let ends = |at: usize| between[at + 1..].starts_with(char::is_whitespace);
    let end = between.match_indices(['.', '!', '?', ':']).map(|(at, _)| at).rfind(|at| ends(*at));
    if let Some(at) = between.rfind('\n').max(end) {
        let said = plain_words(&between[at..]);
        let label = plain_words(between[..at].rsplit(['.', '\n']).next().unwrap_or_default());
        if said.is_empty() && label.first().is_some_and(|word| listed(LABELS, word)) {
            return Some(shortened(between.trim()));
        }
        let told = said.is_empty() || said.iter().any(|word| listed(VERBS, word));
        return aside(&between[at..]).or_else(|| (!told).then(|| shortened(between[at..].trim())));
    }
    let said = plain_words(between);
    let Some(word) = said.last() else {
        let plain = matches!(between.trim(), "" | "," | "=" | "≈" | "\\approx" | "→" | "⇒" | "=>" | "->" | "、");
        return (!plain).then(|| shortened(&text[one.start..last.end]));
    };
    let joint = said.len() == 1 && words::joint(word, true).is_some();
    // Behind a verb, only words that leave the answer unchanged may follow: "is half of" states something else.
    let verb = said.iter().rposition(|word| listed(VERBS, word));
    let tells = verb.is_some_and(|verb| said[verb..].iter().all(|word| listed(VERBS, word) || listed(TELLS, word)));
    let side = said.iter().any(|word| listed(SIDE, word));
    let odd = word.is_ascii() && !joint && (!tells || side && verb.is_none());
    odd.then(|| shortened(between.trim())).or_else(|| reason(text, segments, SIDE))
}

/// Returns the text between the first and the last mathematics of a clause if the last one is a reason or a place: "`15` because `n` is `2`".
fn reason(text: &str, segments: &[Span], side: &str) -> Option<String> {
    let last = segments.last()?;
    let line = text[..last.start].rfind('\n').map_or(0, |at| at + 1);
    let sentence = text[line..last.start].rfind(". ").map_or(line, |at| line + at + 2);
    let clause = text[sentence..last.start].rfind(", ").map_or(sentence, |at| sentence + at + 2);
    let first = segments.iter().find(|segment| segment.start >= clause)?;
    let said = plain_words(text.get(first.end..last.start)?);
    let found = said.iter().any(|word| side.split_whitespace().any(|one| one == word));
    found.then(|| shortened(text[first.end..last.start].trim())).or_else(|| attained(&text[sentence..last.start]))
}

/// Returns the words of a sentence that says where a value is reached rather than what it is: "It is attained at".
pub fn attained(before: &str) -> Option<String> {
    let words = plain_words(before);
    let reached = |word: &String| {
        let stem = ["attain", "achiev", "occur", "happen"].iter().any(|stem| word.starts_with(stem));
        stem || matches!(word.as_str(), "reached" | "reaches")
    };
    words.iter().any(reached).then(|| shortened(before.trim()))
}

/// Returns the words before mathematics if they make it a remark: a condition, a place, a part of something.
fn aside(before: &str) -> Option<String> {
    const WORDS: &str = "holds when where divisible half twice double third";
    let words = plain_words(before);
    let found = words.iter().any(|word| WORDS.split_whitespace().any(|one| one == word))
        || words.last().is_some_and(|word| matches!(word.as_str(), "at" | "for" | "with"));
    attained(before).or_else(|| found.then(|| shortened(before.trim())))
}
