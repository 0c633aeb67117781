//! Two labels of an answer -> whether the second one is stated as a verdict in place of the first.

/// Whether the words between two labels take the first one back: what follows begins so, such as "Wait, no" or "I mean".
pub(super) fn takes_back(between: &str) -> bool {
    const WORDS: [&str; 9] = ["no", "wait", "rather", "actually", "instead", "correction", "sorry", "scratch", "mean"];
    // "no: LABEL", or "or rather LABEL", right behind the first one.
    let start = between.trim_start();
    let end = start.find(|c: char| !c.is_alphanumeric()).unwrap_or(start.len());
    if WORDS.contains(&start[..end].to_lowercase().as_str()) && start[end..].starts_with([':', ',', '!', '.']) {
        return true;
    }
    if words_of(between) == ["or", "rather"] {
        return true;
    }
    let mut sentences = between.split(['.', '!', '?', ';', '\n', '\u{2014}', '\u{2013}', '\u{2026}']).skip(1);
    sentences.any(|sentence| words_of(sentence).iter().take(2).any(|word| WORDS.contains(&word.as_str())))
}

fn words_of(text: &str) -> Vec<String> {
    text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Words of a line that states a verdict.
const STATES: [&str; 16] = [
    "verdict",
    "better",
    "best",
    "winner",
    "final",
    "answer",
    "decision",
    "choice",
    "choose",
    "conclusion",
    "judgment",
    "judgement",
    "pick",
    "therefore",
    "hence",
    "thus",
];
/// Words of a line that states something else about a label: another place, a condition, a comparison.
const ELSE: [&str; 18] = [
    "runner",
    "rank",
    "less",
    "worse",
    "worst",
    "loser",
    "losing",
    "dispreferred",
    "rejected",
    "could",
    "would",
    "had",
    "considered",
    "might",
    "not",
    "than",
    "if",
    "nor",
];

/// Whether the label behind `before` stands on a line of its own that states a verdict: nothing else is on the line, or words that say so are; and
/// so does what introduces the line.
pub(super) fn is_stated_apart(before: &str) -> bool {
    let states = |text: &str| {
        let words = words_of(text);
        let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
        any(&STATES) && !any(&ELSE)
    };
    let Some((above, line)) = before.rsplit_once('\n') else { return false };
    if !words_of(line).is_empty() {
        return states(line);
    }
    let style = |c: char| c.is_whitespace() || "*_`~$#>\"'([\\{".contains(c);
    let intro = above.trim_end_matches(style);
    let last = intro.rsplit('\n').next().unwrap_or(intro);
    let adjacent = !above[intro.len()..].contains('\n');
    if last.ends_with(':') {
        states(last)
    } else {
        !adjacent || last.is_empty() || last.ends_with(['.', '!', '?', '}', ']', ')'])
    }
}

/// Whether the line that `before` ends in is an item of a list.
pub(super) fn is_listed(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or(before).trim_start_matches(|c: char| c.is_whitespace() || "*_#>".contains(c));
    line.starts_with('-') || line.starts_with('\u{2022}') || line.starts_with(|c: char| c.is_ascii_digit())
}
