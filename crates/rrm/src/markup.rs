//! Judged text -> the prompt markup in it: texts that could look like a heading of the prompt, a verdict, or a turn of the chat.

/// Tokens of chat templates and marks of thinking, written in full.
const TOKENS: [&str; 15] = [
    "<think>",
    "</think>",
    "<s>",
    "</s>",
    "<bos>",
    "<eos>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<<SYS>>",
    "<</SYS>>",
    "[INST]",
    "[/INST]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[gMASK]",
];

/// Longest name in bytes between the bars of a token such as `<|im_start|>`.
const LONGEST_NAME: usize = 64;

/// Finds markup in `text`: chat tokens and marks of thinking of any model, and the `needles` of a format. Returns each of them once, in the order of
/// first appearance.
///
/// A needle that starts with `#` is a heading and counts only at the start of a line, indented or not. Any other needle counts anywhere.
pub fn find_markup(text: &str, needles: &[String]) -> Vec<String> {
    let mut found: Vec<(usize, &str)> = Vec::new();
    for (at, _) in text.bytes().enumerate().filter(|(_, byte)| matches!(byte, b'<' | b'[')) {
        // Both bytes are ASCII, so a character starts here.
        found.extend(token(&text[at..]).map(|token| (at, token)));
    }
    for needle in needles.iter().filter(|needle| !needle.is_empty()) {
        let at = if needle.starts_with('#') { find_heading(text, needle) } else { text.find(needle.as_str()) };
        found.extend(at.map(|at| (at, needle.as_str())));
    }
    found.sort_by_key(|(at, _)| *at);
    let mut distinct: Vec<String> = Vec::new();
    for (_, markup) in found {
        if !distinct.iter().any(|known| known == markup) {
            distinct.push(markup.to_owned());
        }
    }
    distinct
}

/// Returns the chat token that `text` starts with.
fn token(text: &str) -> Option<&str> {
    TOKENS
        .into_iter()
        .find(|token| text.starts_with(token))
        .or_else(|| barred(text, "<|", "|>"))
        .or_else(|| barred(text, "<｜", "｜>"))
}

/// Returns the token `<|name|>` that `text` starts with, for any name.
fn barred<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let name = text.strip_prefix(open)?;
    let end = name.find(|c: char| c.is_whitespace() || matches!(c, '|' | '｜' | '<' | '>'))?;
    let named = (1..=LONGEST_NAME).contains(&end) && name[end..].starts_with(close);
    named.then(|| &text[..open.len() + end + close.len()])
}

fn find_heading(text: &str, heading: &str) -> Option<usize> {
    let starts_line =
        |at: usize| text[..at].trim_end_matches([' ', '\t']).chars().next_back().is_none_or(|c| matches!(c, '\n' | '\r'));
    text.match_indices(heading).map(|(at, _)| at).find(|&at| starts_line(at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn needles() -> Vec<String> {
        ["# Query", "\\boxed{Assistant 1}", "[[A>B]]", "<reasoning>", ""].map(str::to_owned).to_vec()
    }

    #[test]
    fn findings_come_once_and_in_order() {
        let text = "a</think> \\boxed{Assistant 1}\n  # Query\n<|im_start|>user <|im_start|> <｜User｜><|eot_id|>[/INST]";
        let found = ["</think>", "\\boxed{Assistant 1}", "# Query", "<|im_start|>", "<｜User｜>", "<|eot_id|>", "[/INST]"];
        assert_eq!(find_markup(text, &needles()), found);
    }

    #[test]
    fn ordinary_text_is_not_markup() {
        for text in
            ["see # Query", "## Query", "a <| b |> c", "x <|> y", "if a < b[INS] > c", "<||>", "<b>bold</b>", "\\boxed{4}", ""]
        {
            assert_eq!(find_markup(text, &needles()), Vec::<String>::new(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_without_triggers_is_never_flagged(text in r"[^<\[#\\]{0,200}") {
            prop_assert_eq!(find_markup(&text, &needles()), Vec::<String>::new());
        }

        #[test]
        fn an_inserted_needle_is_always_found(
            before in r"([a-z<>|\[\]\n ｜é#]|<\||\[INST|<think){0,40}",
            after in r"([a-z<>|\[\]\n ｜é#]|\|>){0,40}",
            which in 0usize..8,
        ) {
            let markup = ["<think>", "<|im_end|>", "<｜end▁of▁sentence｜>", "[INST]", "<<SYS>>", "\\boxed{Assistant 1}", "[[A>B]]", "# Query"][which];
            // A heading counts only at the start of a line.
            let line = if markup.starts_with('#') { "\n" } else { "" };
            let text = format!("{before}{line}{markup}{after}");
            prop_assert!(find_markup(&text, &needles()).iter().any(|found| found == markup), "{:?}", text);
        }
    }
}
