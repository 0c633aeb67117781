//! A word such as `[[A]]`, `model_b wins` or `both_bad` -> the better of two responses, the same in every data set.

/// Most bytes of a word of a verdict.
const LONGEST: usize = 200;

/// Returns the meaning of a word: 0 for the first, 1 for the second, 2 for neither; `None` for any other text.
pub(super) fn word(text: &str) -> Option<usize> {
    let trimmed = text.trim();
    // Callers also pass whole responses.
    if trimmed.len() > LONGEST {
        return None;
    }
    let lower = trimmed.to_lowercase();
    let bracketed = lower.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]")).map(str::trim);
    let plain = bracketed.unwrap_or(&lower);
    if let Some(side) = compared(plain) {
        return Some(side);
    }
    let spaced = plain.replace(['_', '-'], " ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let joined = words.join(" ");
    match joined.as_str() {
        "c" if bracketed.is_some() => return Some(2),
        "tie" | "tied" | "a tie" | "draw" | "equal" | "same" | "about the same" | "both" | "neither" => return Some(2),
        "both bad" | "bothbad" | "both good" | "bothgood" | "both are bad" | "both are good" => return Some(2),
        other if other.starts_with("tie (") && other.ends_with(')') => return Some(2),
        _ => {}
    }
    outright(&words)
}

/// Reads `a>b`, `b>>a`, `a<b`, `a=b`.
fn compared(text: &str) -> Option<usize> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let inner = |left: char, right: char| text.strip_prefix(left).and_then(|rest| rest.strip_suffix(right));
    let all = |signs: &str, sign: char| !signs.is_empty() && signs.chars().all(|c| c == sign);
    match (inner('a', 'b'), inner('b', 'a')) {
        (Some(signs), _) if all(signs, '>') => Some(0),
        (Some(signs), _) if all(signs, '<') => Some(1),
        (_, Some(signs)) if all(signs, '>') => Some(1),
        (_, Some(signs)) if all(signs, '<') => Some(0),
        (Some(signs), _) | (_, Some(signs)) if all(signs, '=') => Some(2),
        _ => None,
    }
}

/// Reads `a`, `model a`, `response 1`, `the first response`, and the same with `is better` or `wins`.
fn outright(words: &[&str]) -> Option<usize> {
    const NOUNS: [&str; 13] = [
        "model",
        "response",
        "assistant",
        "answer",
        "output",
        "completion",
        "candidate",
        "conversation",
        "option",
        "system",
        "summary",
        "chatbot",
        "reply",
    ];
    let is_noun = |word: &str| NOUNS.contains(&word);
    let mut words = words;
    if let [rest @ .., "wins" | "won" | "win" | "preferred" | "better"] = words {
        words = rest;
        while let [rest @ .., "is" | "much" | "slightly" | "significantly" | "clearly" | "was"] = words {
            words = rest;
        }
    }
    if let ["the", rest @ ..] = words {
        words = rest;
    }
    match words {
        ["a" | "first"] => Some(0),
        ["b" | "second"] => Some(1),
        [noun, "a" | "1" | "one"] | ["first" | "1st", noun] if is_noun(noun) => Some(0),
        [noun, "b" | "2" | "two"] | ["second" | "2nd", noun] if is_noun(noun) => Some(1),
        [one] => {
            let noun = one.trim_end_matches(['1', '2']);
            let side = match &one[noun.len()..] {
                "1" => 0,
                "2" => 1,
                _ => return None,
            };
            is_noun(noun).then_some(side)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_one_thing_wherever_they_stand() {
        let sides = [
            &[
                "A",
                "a",
                "A>B",
                "A>>B",
                "a > b",
                "B<A",
                "model_a",
                "Model A",
                "response_1",
                "response1",
                "[[A]]",
                "[[A>>B]]",
                "A is better",
                "first",
                "Assistant A is significantly better",
                "The first response",
                "output_1",
                "chatbot-a wins",
            ][..],
            &[
                "B",
                "B>A",
                "B>>A",
                "A<B",
                "A << B",
                "model_b",
                "[[B]]",
                "Response 2 is better",
                "second",
                "assistant_b",
                "answer2",
            ],
            &[
                "tie",
                "Tie",
                "A=B",
                "B=A",
                "tie (bothbad)",
                "tie (inconsistent)",
                "both_bad",
                "both bad",
                "bothbad",
                "Both bad",
                "[[C]]",
                "[[A=B]]",
                "neither",
                "draw",
            ],
        ];
        for (side, words) in sides.into_iter().enumerate() {
            words.iter().for_each(|text| assert_eq!(word(text), Some(side), "{text}"));
        }
        for text in [
            "",
            "good",
            "c",
            "1",
            "2",
            "0",
            "true",
            "response_0",
            "response_3",
            "aa",
            "ab",
            "a>",
            "[[1]]",
            "better",
            "left",
            "a b",
            "m-one",
        ] {
            assert_eq!(word(text), None, "{text}");
        }
    }
}
