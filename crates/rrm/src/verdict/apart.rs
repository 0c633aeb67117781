//! Two labels of an answer -> whether the second one is stated as a verdict in place of the first.

use super::words::{self, ELSE, STATES, any_of, is_of};

/// Returns whether the words between two labels take the first one back: words such as "Wait, no" or "I mean" follow it.
pub(super) fn takes_back(between: &str) -> bool {
    const WORDS: &str = "no wait rather actually instead correction sorry scratch mean";
    // "no: LABEL", or "or rather LABEL", right after the first one.
    let start = between.trim_start();
    let end = start.find(|c: char| !c.is_alphanumeric()).unwrap_or(start.len());
    if is_of(WORDS, &start[..end].to_lowercase()) && start[end..].starts_with([':', ',', '!', '.']) {
        return true;
    }
    if words_of(between) == ["or", "rather"] {
        return true;
    }
    let mut sentences = sentences(between).skip(1).map(words_of);
    sentences.any(|words| {
        let near = &words[..words.len().min(5)];
        any_of(WORDS, &near[..near.len().min(2)])
            || near.windows(2).any(|pair| pair[0] == "on" && is_of("reflection second", &pair[1]))
    })
}

/// Returns whether the last sentence before a second label concludes: "However, the final verdict is".
pub(super) fn concludes(between: &str) -> bool {
    let Some(last) = sentences(between).skip(1).last().map(words_of) else { return false };
    any_of("verdict conclusion overall final finally ultimately", &last) && !any_of(ELSE, &last)
}

/// Returns whether a line between two labels is a heading of a judge's prompt, or begins a turn of a chat: the model went on with a text of its own.
pub(super) fn begins_anew(between: &str) -> bool {
    const HEADINGS: &str = "query userquery userprompt prompt question userquestion instruction conversation assistantresponses referenceanswer responses thestartofassistantasanswer";
    const SPEAKERS: [&str; 5] = ["Human:", "User:", "USER:", "### Human", "### User"];
    between.lines().any(|line| {
        let line = line.trim();
        let heading = line.starts_with('#') || line.starts_with("<|") && line.ends_with("|>") || line.starts_with("[");
        let name: String = line.chars().filter(|c| c.is_alphanumeric()).collect();
        // A line of signs alone parts texts, too.
        heading && (name.is_empty() || is_of(HEADINGS, &name.to_lowercase()))
            || SPEAKERS.iter().any(|speaker| line.starts_with(speaker))
            || line.contains("<|im_start|>user")
            || line.contains("<|start_header_id|>user")
    })
}

/// Returns whether only a sign of comparison stands between two labels.
pub(super) fn is_sign(between: &str) -> bool {
    let sign = between.trim_matches(|c: char| c.is_whitespace() || "*_`$\\".contains(c));
    !sign.is_empty() && sign.chars().all(|c| "<>=\u{2265}\u{2264}\u{2248}\u{226b}\u{226a}".contains(c))
}

/// Returns whether only a comma, `or` or `and` stands between two labels.
pub(super) fn is_joined(between: &str) -> bool {
    let joins = |word: &String| is_of("or and with by", word);
    !between.contains(['.', '!', '?', ';', '\n', ':']) && words_of(between).iter().all(joins)
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split(['.', '!', '?', ';', '\n', '\u{2014}', '\u{2013}', '\u{2026}'])
}

fn words_of(text: &str) -> Vec<String> {
    text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Returns whether words state a verdict, and nothing else about a label.
fn states(text: &str) -> bool {
    let words = words::words_of(text);
    let second = words.windows(2).any(|pair| pair[0] == "second" && is_of("best place", &pair[1]));
    any_of(STATES, &words) && !any_of(ELSE, &words) && !second
}

/// Returns whether the label after `before` stands on a line of its own that states a verdict: the line holds nothing else, or words that state a
/// verdict, and so does the text that introduces the line. An item of a list counts only if its words state a verdict.
pub(super) fn is_stated_apart(before: &str) -> bool {
    let Some((above, line)) = before.rsplit_once('\n') else { return false };
    if !words_of(line).is_empty() {
        return states(line) && !is_listed_by_number(line);
    }
    if is_listed(line) {
        return false;
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

/// Returns whether a line is an item of a list.
fn is_listed(line: &str) -> bool {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || "*_#>".contains(c));
    line.starts_with('-') || line.starts_with('\u{2022}') || line.starts_with(|c: char| c.is_ascii_digit())
}

/// Returns whether a line is a place in a ranking: a number, with at most a name or a place.
fn is_listed_by_number(line: &str) -> bool {
    let words = words_of(line);
    words.first().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit())) && words.len() < 3 && !states(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_of_the_prompt_or_a_line_of_signs_begins_another_text() {
        for between in [
            "\n## Query\n",
            "\n### Assistant responses\n",
            "\n###\nFinal verdict: ",
            "\n[\n",
            "\n<|im_start|>user\n",
            "\nUser: hi\n",
        ] {
            assert!(begins_anew(between), "{between}");
        }
        for between in ["\n## Final verdict\n", "\nSo I choose\n", "\n**Verdict**\n"] {
            assert!(!begins_anew(between), "{between}");
        }
    }
}
