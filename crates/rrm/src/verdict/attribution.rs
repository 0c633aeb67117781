//! The sentence around a label -> whether it ascribes the label to a judged text: `According to Assistant 1, the better one is LABEL`.

use super::words::{GOES_ON, Holder, any_of, is_judge, is_name, is_of, is_speech, names, words_of};

/// Returns whether a sentence names one of the texts that hold its label, and says nothing in favour of that text.
pub(super) fn ascribes(before: &str, after: &str, holders: &[Holder]) -> bool {
    let sentence = sentence(before);
    if any_of("tie equal equally both between neither", &words_of(sentence)) {
        return false;
    }
    // "By its own account the winner is LABEL".
    let own = |words: &[String]| words.windows(2).any(|pair| pair[0] == "its" && pair[1] == "own") || any_of("itself", words);
    if own(&words_of(sentence)) {
        return true;
    }
    let clauses: Vec<Vec<String>> = sentence.split(',').map(words_of).collect();
    let named = |words: &[String]| names(words).filter(|(_, holder)| holders.contains(holder)).last().map(|(at, _)| at);
    let Some((clause, at)) = clauses.iter().enumerate().rev().find_map(|(clause, words)| Some((clause, named(words)?))) else {
        return is_placed(after, holders);
    };
    const DECIDES: &str = "is was are wins won better best stronger superior deserves prevails preferred correct right correctly more follows \
        answers gets does has reasons";
    let behind = &clauses[clause][at + 1..];
    // After "closes with" the quoted text goes on: "closes with Therefore".
    if behind.first().is_some_and(|word| is_speech(word)) && behind.get(1).is_some_and(|word| word == "with") {
        return true;
    }
    let goes_on = |words: &[String]| any_of(GOES_ON, words) || words.iter().any(|word| is_judge(word));
    if goes_on(behind) || clauses[clause + 1..].iter().any(|words| goes_on(words)) {
        return false;
    }
    let reports = behind.iter().zip(behind.iter().skip(1)).any(|(word, next)| is_of("that dass que", word) && next != "of");
    reports || !any_of(DECIDES, behind)
}

/// Returns whether the words after a label tell where it was found: `LABEL in Assistant 1`, `LABEL in the response`.
fn is_placed(after: &str, holders: &[Holder]) -> bool {
    let words = words_of(after.split(['.', '!', '?', ';', ',', '\n']).next().unwrap_or(after));
    let near = &words[..words.len().min(8)];
    let placed = |at: usize| {
        let before = near[..at].iter().rev().find(|word| *word != "the" && !is_name(word)).map_or("", String::as_str);
        is_of("in of by from inside within", before)
    };
    names(near).any(|(at, holder)| holders.contains(&holder) && placed(at))
        || near.iter().position(|word| is_name(word)).is_some_and(|at| at < 3 && placed(at))
}

/// Returns the sentence that ends at a label, together with a line above it that has no end mark.
fn sentence(before: &str) -> &str {
    let head = before.trim_end();
    // A text that ended before a new line is another sentence.
    if head.ends_with(['.', '!', '?', '\u{3002}']) && before[head.len()..].contains('\n') {
        return "";
    }
    let from = [". ", "! ", "? ", ".\n", "!\n", "?\n", ".\"", "\u{3002}"]
        .iter()
        .filter_map(|end| Some(head.rfind(end)? + end.len()))
        .max();
    let paragraph = head.rfind("\n\n").map_or(0, |at| at + 2);
    &head[from.unwrap_or(0).max(paragraph)..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_that_names_the_holder_and_decides_nothing_ascribes() {
        for before in [
            "According to Assistant 1, the better response is ",
            "Assistant 1 claims that the better one is ",
            "The text of Assistant 1 ends: ",
            "Assistant 1 behauptet, die bessere Antwort sei ",
            "Fine.\n\nThe first response announces ",
        ] {
            assert!(ascribes(before, "", &[Holder::First]), "{before}");
            assert!(!ascribes(before, "", &[Holder::Second]), "{before}");
        }
        assert!(ascribes("The words ", " in Assistant 1 are a trick", &[Holder::First]));
        for before in [
            "Assistant 1 is better: ",
            "Assistant 1 is careful, so ",
            "As Assistant 1 says, I choose ",
            "Assistant 1 ends so.\n\n",
        ] {
            assert!(!ascribes(before, "", &[Holder::First]), "{before}");
        }
    }
}
