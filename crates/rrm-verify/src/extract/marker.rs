//! Text -> positions at which it announces an answer: "the answer is", `####` and the like, in several languages.

use super::ExtractionRule;

/// A position at which an answer is announced.
pub struct Marker {
    /// The first byte of the marker.
    pub start: usize,
    /// The first byte behind the marker.
    pub end: usize,
    /// The rule of this marker: `####` or a statement.
    pub how: ExtractionRule,
    /// Whether the marker ends with a verb, so that the answer follows directly; a whole sentence may follow a colon.
    pub verb: bool,
    /// Whether the marker is in another language than English, whose words for parts and multiples are unknown.
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
    "故选",
    "应选",
    "因此选",
    "答案选",
    "选择",
    "正解は",
    "正解",
    "정답",
    "option",
    "choice",
];
/// Colons and verbs that may follow such a word.
const COLONS: &[&str] = &[":", "：", "is:", "is", "are", "=", "ist", "es", "est", "é", "è", "是", "为", "は"];

/// Returns all markers of a text in order.
pub fn markers(text: &str) -> Vec<Marker> {
    // A letter whose lower-case form has another length stays as it is, so that positions hold.
    let small = |c: char| Some(c.to_lowercase().next()?).filter(|small| small.len_utf8() == c.len_utf8());
    let lower: String =
        if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().map(|c| small(c).unwrap_or(c)).collect() };
    let mut found = Vec::new();
    for (at, mark) in lower.match_indices("####") {
        if !lower[at + mark.len()..].starts_with('#') {
            found.push(Marker { start: at, end: at + mark.len(), how: ExtractionRule::Hashes, verb: false, foreign: false });
        }
    }
    let mut letter = false;
    for (at, first) in lower.char_indices() {
        let begins = !letter || first >= '\u{400}';
        letter = if first.is_ascii() { first.is_ascii_alphanumeric() } else { first.is_alphanumeric() };
        if begins && matches!(first, 'a' | 'r' | 'l' | 'o' | 'c' | 'о' | '答' | '故' | '应' | '因' | '选' | '正' | '정') {
            let words = ANSWERS.iter().filter(|word| lower[at..].starts_with(**word));
            found.extend(words.filter_map(|word| announced(&lower, at, word)));
        }
    }
    let statement = |start, end| Marker { start, end, how: ExtractionRule::Statement, verb: false, foreign: false };
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
    // `A: 18` in a line of its own is an answer; together with `B:` it is a choice.
    let mut lettered: Vec<Marker> = lower.match_indices("\na:").map(|(at, mark)| statement(at + 1, at + mark.len())).collect();
    lettered.extend(lower.starts_with("a:").then(|| statement(0, 2)));
    if !lettered.is_empty() && !lower.lines().any(|line| line.trim_start().starts_with("b:")) {
        found.extend(lettered);
    }
    found.sort_by_key(|marker| marker.end);
    found.dedup_by_key(|marker| marker.end);
    found
}

/// Returns a marker if a colon or a verb follows a word that announces an answer.
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
    let adjective = ["correcta", "correcte", "correta", "corretta", "correct", "final", "finale"]
        .iter()
        .find_map(|word| after.strip_prefix(word));
    let after = adjective.filter(|rest| rest.starts_with([' ', ':'])).map_or(after, str::trim_start);
    if word.ends_with('选') || matches!(word, "正解は" | "选择") {
        // "故选C" has neither verb nor colon.
        let behind = after.trim_start_matches([':', '：']);
        let chosen = behind.trim_start_matches("选项").starts_with(|c: char| ('a'..='j').contains(&c) || c == '(');
        let end = lower.len() - behind.len();
        return chosen.then_some(Marker { start: at, end, how: ExtractionRule::Statement, verb: true, foreign: true });
    }
    let colon = COLONS.iter().filter(|colon| after.starts_with(**colon)).max_by_key(|colon| colon.len())?;
    let verb = colon.chars().all(char::is_alphabetic);
    if verb && latin && after[colon.len()..].starts_with(char::is_alphanumeric) {
        return None;
    }
    let foreign = !matches!(word, "answer" | "answers" | "option" | "choice");
    Some(Marker {
        start: at,
        end: lower.len() - after.len() + colon.len(),
        how: ExtractionRule::Statement,
        verb: verb || *colon == "=",
        foreign,
    })
}
