//! The words after a label -> whether they deny it, ask for it, leave it open or take it back.

use super::{
    wording,
    words::{ELSE, STATES, any_of, is_bad, is_negation, is_of, words_of},
};

/// Most bytes after a label that are read.
const REACH: usize = 400;

/// Returns the words of the clause that begins right after a label, without marks of style.
fn clause(after: &str) -> Vec<String> {
    let style = |c: char| c.is_whitespace() && c != '\n' || "*_`$)]}\\\"\u{201d}'".contains(c);
    let rest = wording::first(after, 60).trim_start_matches(style);
    words_of(rest.split(['.', '!', '?', ';', '\n', ',', ':']).next().unwrap_or(rest))
}

/// Returns whether the words say what the label means, or where it was found: `LABEL means`, `LABEL is what I find`.
pub(super) fn is_shown(after: &str) -> bool {
    let words = clause(after);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    matches!(
        words.as_slice(),
        ["means" | "mean" | "meant" | "denotes" | "stands", ..] | ["is", "what", "i", "find" | "found" | "read" | "see", ..]
    )
}

/// Returns whether the words say that the label is the verdict: `LABEL is the better one`.
pub(super) fn states(after: &str) -> bool {
    let words = clause(after);
    words.first().is_some_and(|word| is_of("is was wins deserves", word)) && any_of(STATES, &words) && !any_of(ELSE, &words)
}

/// Returns whether words after a label that begins its line are such as follow a verdict: `LABEL because`, `LABEL is better`, `LABEL. It`.
pub(super) fn goes_on(after: &str) -> bool {
    const ELSE: &str = "would could might may need needs should must requires means in at of to from as";
    !clause(after).first().is_some_and(|word| is_of(ELSE, word))
}

/// Returns whether the label before these words is part of a question: `LABEL?`
pub(super) fn is_asked(after: &str) -> bool {
    let sentence = wording::first(after, 120);
    if sentence.find(['.', '!', '?', '\n', '\u{ff1f}']).is_some_and(|at| sentence[at..].starts_with(['?', '\u{ff1f}'])) {
        return true;
    }
    after.trim_start_matches(|c: char| c.is_whitespace() && c != '\n' || "*_`$)]}\\".contains(c)).starts_with(['?', '\u{ff1f}'])
}

/// Returns whether the words leave the label open, or take it back: `LABEL or the other one`, `LABEL if brevity counts`, `I take that back`.
pub(super) fn is_left_open(after: &str) -> bool {
    let next = clause(after);
    let next: Vec<&str> = next.iter().map(String::as_str).collect();
    let comma = clause(after.trim_start_matches(|c: char| c.is_whitespace() && c != '\n' || c == ','));
    let condition = comma.first().is_some_and(|word| is_of("if unless", word))
        && comma.get(1).is_none_or(|word| !is_of("only barely narrowly", word));
    if condition
        || matches!(next.as_slice(), ["or" | "if" | "unless" | "wait" | "sorry" | "no" | "scratch", ..] | ["only", "if", ..])
    {
        return true;
    }
    const TAKEN_BACK: [&str; 23] = [
        "scrap that",
        "copied that line",
        "strike that",
        "disregard it",
        "disregard that",
        "was premature",
        "ignore that",
        "nehme ich zur\u{fc}ck",
        "wait that is wrong",
        "take this verdict back",
        "take that back",
        "take it back",
        "take this back",
        "take back",
        "i withdraw",
        "i retract",
        "i revoke",
        "ignore the line above",
        "ignore the verdict above",
        "ignore that verdict",
        "disregard the verdict",
        "no longer stands",
        "scratch that",
    ];
    let words = words_of(wording::first(after, REACH));
    let text = words.join(" ");
    !words.is_empty() && TAKEN_BACK.iter().any(|words| text.contains(words))
}

/// Returns whether the words deny the label: `LABEL loses`, `LABEL is wrong`, `LABEL does not win`.
pub(super) fn is_denied(after: &str) -> bool {
    let words = clause(after);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["loses" | "lost" | "fails" | "failed", rest @ ..] => return rest.first() != Some(&"nothing"),
        ["no", "longer", ..] | ["might" | "could" | "may", ..] => return true,
        ["would", "be", next, ..] if is_of("my the better best preferred", next) => return false,
        ["would", ..] => return true,
        _ => {}
    }
    const LINKS: &str = "is was would be seems looks clearly also simply just the much does did do will can could";
    let first = words.iter().position(|word| !is_of(LINKS, word)).filter(|at| *at > 0 || is_negation(words[0]));
    let Some(at) = first else { return false };
    let (word, rest) = (words[at], &words[at + 1..]);
    const PRAISE: &str = "better best the my right correct it preferable win answer deserve preferred superior a winner what";
    (word != "second" && is_bad(word)) || (is_negation(word) && any_of(PRAISE, &rest[..rest.len().min(1)]))
}
