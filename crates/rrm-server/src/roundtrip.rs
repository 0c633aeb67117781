//! A prompt, and the text of prompt and response after a tokenizer encoded and decoded it -> the position at which the response begins.
//!
//! OpenRLHF sends prompt and response decoded together. Some tokenizers drop spaces before punctuation (Llama 3), some compose letters and accents
//! (NFC: Qwen 2), and a prompt that is too long is cut on its left. In all three cases the end of a prompt is certain if the prompt ends with a mark
//! of its chat template; otherwise nothing is guessed.

/// The fewest bytes that must remain of a cut prompt; fewer could match by chance.
const LEAST_LEFT: usize = 24;

/// Returns the byte of `query` at which its prompt ends. This requires that `query` begins with `prompt`, or with the prompt up to spaces and
/// composed accents if the prompt ends with a mark, or with the rest of a prompt that was cut on its left. `None` otherwise.
pub(crate) fn end(query: &str, prompt: &str) -> Option<usize> {
    if query.starts_with(prompt) {
        return Some(prompt.len());
    }
    respaced(query, prompt).or_else(|| cut(query, prompt))
}

/// Returns the characters that do not depend on spaces and on the composition of accents: ASCII except for spaces and for letters before a combining
/// accent. Each comes with the byte behind it.
fn skeleton(text: &str) -> impl Iterator<Item = (usize, char)> {
    let combining = |c: &char| ('\u{300}'..='\u{36f}').contains(c);
    let kept = move |(at, c): (usize, char)| {
        let accented = text[at + c.len_utf8()..].chars().next().is_some_and(|next| combining(&next));
        (c.is_ascii_graphic() && !accented).then_some((at + 1, c))
    };
    text.char_indices().filter_map(kept)
}

/// Matches a prompt whose spaces or accents were changed.
fn respaced(query: &str, prompt: &str) -> Option<usize> {
    let mut theirs = skeleton(query);
    let (mut behind, mut last) = (0, 0);
    for (at, c) in skeleton(prompt) {
        let (end, other) = theirs.next()?;
        if other != c {
            return None;
        }
        (behind, last) = (end, at);
    }
    let tail = &prompt[last..];
    if !ends_with_mark(&prompt[..last]) || !tail.trim().is_empty() {
        return None;
    }
    let rest = &query[behind..];
    Some(query.len() - rest.strip_prefix(tail).unwrap_or_else(|| rest.trim_start()).len())
}

/// Matches a prompt that was cut on its left and ends with a mark.
fn cut(query: &str, prompt: &str) -> Option<usize> {
    let starts = prompt.char_indices().map(|(at, _)| at).take_while(|at| prompt.len() - at >= LEAST_LEFT);
    let left = starts.map(|at| &prompt[at..]).find(|left| query.starts_with(left))?;
    ends_with_mark(left.trim_end()).then_some(left.len())
}

/// Whether a text ends with a mark of a chat template, with or without the name of a role behind it: `<|im_start|>assistant`, `[/INST]`,
/// `<end_of_turn>`, `<|end_header_id|>`.
fn ends_with_mark(text: &str) -> bool {
    let bare = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let named = ["", "assistant", "model", "ASSISTANT", "Assistant", "bot"].contains(&&text[bare.len()..]);
    let opened = |open: char, close: char| {
        let inside = bare.strip_suffix(close).and_then(|bare| bare.rfind(open).map(|at| &bare[at + open.len_utf8()..]));
        inside.is_some_and(|inside| !inside.is_empty() && inside.len() < 40 && !inside.contains(char::is_whitespace))
    };
    named && (opened('<', '>') || opened('[', ']'))
}

/// Describes the position at which a prompt and a query differ, for a message.
pub(crate) fn parting(query: &str, prompt: &str) -> String {
    let same = query.char_indices().zip(prompt.chars()).find(|((_, a), b)| a != b).map(|((at, _), _)| at);
    let at = same.unwrap_or(query.len().min(prompt.len()));
    let shown = |text: &str| match text.get(at..).filter(|rest| !rest.is_empty()) {
        Some(rest) => format!("{:?}", rest.chars().take(24).collect::<String>()),
        None => "its end".to_owned(),
    };
    format!(
        "`query` does not begin with its prompt, byte for byte: at byte {at} the prompt has {} and `query` has {}. A tokenizer that drops spaces or \
         composes letters, and a prompt that was cut on its left, are understood if the prompt ends with a mark of its chat template",
        shown(prompt),
        shown(query)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LLAMA: [&str; 2] =
        ["<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"];
    const QWEN: [&str; 2] = ["<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"];
    const GEMMA: [&str; 2] = ["<start_of_turn>user\n", "<end_of_turn>\n<start_of_turn>model\n"];
    const MISTRAL: [&str; 2] = ["<s>[INST] ", "[/INST]"];

    #[test]
    fn a_prompt_that_a_tokenizer_respaced_or_composed_still_ends_where_it_ends() {
        for [head, tail] in [LLAMA, QWEN, GEMMA, MISTRAL] {
            for (asked, decoded) in [
                ("Fix this : x != y and he said 'social' things .", "Fix this: x!= y and he said'social' things."),
                ("Ou\u{300} est le cafe\u{301} ?", "O\u{f9} est le caf\u{e9}?"),
                ("\u{1112}\u{1161}\u{11ab}?", "\u{d55c}?"),
                ("a  b\tc", "a b c"),
                ("as it was", "as it was"),
            ] {
                for response in ["an answer.", " one with a space", "\n\nlines", "<|im_end|>", "", "assistant says"] {
                    let (prompt, query) = (format!("{head}{asked}{tail}"), format!("{head}{decoded}{tail}{response}"));
                    let at = end(&query, &prompt).unwrap_or_else(|| panic!("{prompt:?} {query:?}"));
                    assert_eq!(&query[at..], response, "{query:?}");
                }
            }
        }
    }

    #[test]
    fn a_prompt_that_was_cut_on_its_left_ends_where_it_ends() {
        let prompt = format!("{}{}the question?{}", LLAMA[0], "word ".repeat(50), LLAMA[1]);
        for left in [40, 60, 100] {
            let query = format!("{}a longer answer.", &prompt[prompt.len() - left..]);
            assert_eq!(end(&query, &prompt), Some(left));
        }
        let query = format!("{}a longer answer.", &prompt[prompt.len() - 12..]);
        assert_eq!(end(&query, &prompt), None, "so little could be chance");
    }

    #[test]
    fn what_is_not_certain_is_not_guessed_and_says_where_texts_part() {
        for (query, prompt) in [
            // A different prompt, a changed word, or no mark at the end.
            (format!("{}Another question{}Yes.", QWEN[0], QWEN[1]), format!("{}A question{}", QWEN[0], QWEN[1])),
            (format!("{}A question{}", QWEN[0], QWEN[1]), format!("{}A question{}And more", QWEN[0], QWEN[1])),
            ("hi there".to_owned(), "Hi".to_owned()),
            ("Fix this: now".to_owned(), "Fix this :".to_owned()),
            (String::new(), "P".to_owned()),
        ] {
            assert_eq!(end(&query, &prompt), None, "{query:?} {prompt:?}");
        }
        let told = parting("<|user|>Fix it: now", "<|user|>Fix it : now");
        assert!(told.contains(r#"at byte 14 the prompt has " : now" and `query` has ": now""#), "{told}");
        assert!(parting("P", "Pq").contains(r#"the prompt has "q" and `query` has its end"#));
    }
}
