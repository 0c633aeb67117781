//! A word such as `[[A]]`, `model_b wins` or `both_bad` -> the better of two responses, the same in every data set.

use super::sides::SideMark;

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
    match telling(words)?.as_str() {
        "a" | "1" | "one" | "first" | "1st" => Some(0),
        "b" | "2" | "two" | "second" | "2nd" => Some(1),
        _ => None,
    }
}

/// Returns the word of a label that tells its response: `b` of `b wins`, `2` of `response 2`, `second` of `the second response`.
fn telling(words: &[&str]) -> Option<String> {
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
    let word = match words {
        [one @ ("first" | "second")] => one,
        [one] if matches!(SideMark::of(one), Some(SideMark::Letter(_))) => one,
        [noun, one] if is_noun(noun) && SideMark::of(one).is_some() => one,
        [one @ ("first" | "1st" | "second" | "2nd"), noun] if is_noun(noun) => one,
        [one] => {
            let noun = one.trim_end_matches(|c: char| c.is_ascii_digit());
            Some(&one[noun.len()..]).filter(|digits| !digits.is_empty() && is_noun(noun))?
        }
        _ => return None,
    };
    Some(word.to_owned())
}

/// Returns the lower-case words of a label.
fn words(text: &str) -> Vec<String> {
    let lower = text.trim().to_lowercase();
    let plain = lower.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]")).unwrap_or(&lower);
    plain.replace(['_', '-'], " ").split_whitespace().map(str::to_owned).collect()
}

fn told_by(text: &str) -> Option<String> {
    let words = words(text);
    telling(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Returns the letter or number by which a label names a response: `b` of `[[B]]`, 0 of `response_0`, `a` of `A>B`.
pub(super) fn mark(text: &str) -> Option<SideMark> {
    if text.len() > LONGEST {
        return None;
    }
    match compared(&text.trim().trim_start_matches("[[").trim_end_matches("]]").to_lowercase()) {
        Some(0) => Some(SideMark::Letter('a')),
        Some(1) => Some(SideMark::Letter('b')),
        Some(_) => None,
        None => SideMark::of(&told_by(text)?),
    }
}

/// Returns the same label with another letter or number: `[[B]]` for `[[A]]`, `Response 1` for `Response 2`.
pub(super) fn with_mark(text: &str, mark: SideMark) -> Option<String> {
    let number = |words: [&str; 3], n: u32| words.get(usize::try_from(n).ok()?).map(|word| (*word).to_owned());
    let word = told_by(text)?;
    let new = match (word.as_str(), mark) {
        ("zero" | "one" | "two", SideMark::Number(n)) => number(["zero", "one", "two"], n)?,
        ("first" | "second", SideMark::Number(n)) => number(["", "first", "second"], n)?,
        ("1st" | "2nd", SideMark::Number(n)) => number(["", "1st", "2nd"], n)?,
        _ => mark.to_string(),
    };
    // The last one that is no part of a longer word; a number may end one, as in `output2`.
    let lower = text.to_ascii_lowercase();
    let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() || word.starts_with(|d: char| d.is_ascii_digit()));
    let fits =
        |(at, found): &(usize, &str)| apart(lower[..*at].chars().next_back()) && apart(lower[at + found.len()..].chars().next());
    let (at, _) = lower.rmatch_indices(&word).find(fits)?;
    let old = &text[at..at + word.len()];
    let new = if old.starts_with(char::is_uppercase) { upper(&new) } else { new };
    Some([&text[..at], &new, &text[at + word.len()..]].concat())
}

fn upper(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Returns the label of the other response in the same words: `B>A` for `A>B`, `Response 2` for `Response 1`.
pub(super) fn turned(text: &str) -> Option<String> {
    let swapped = |c: char| match c {
        'a' => 'b',
        'b' => 'a',
        'A' => 'B',
        'B' => 'A',
        c => c,
    };
    let side = word(text).filter(|side| *side < 2)?;
    let usual = match told_by(text).as_deref() {
        None => return Some(text.chars().map(swapped).collect()),
        Some("first" | "second" | "1st" | "2nd") => SideMark::Number(0).usual(),
        Some(word) => SideMark::of(word)?.usual(),
    };
    with_mark(text, usual[1 - side]).filter(|other| word(other) == Some(1 - side))
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
    #[test]
    fn labels_tell_their_letter_or_number_and_the_other_label() {
        let number = SideMark::Number;
        for (text, told, other) in [
            ("A", Some(SideMark::Letter('a')), Some("B")),
            ("[[B]]", Some(SideMark::Letter('b')), Some("[[A]]")),
            ("A>>B", Some(SideMark::Letter('a')), Some("B>>A")),
            ("Response 1", Some(number(1)), Some("Response 2")),
            ("model_2", Some(number(2)), Some("model_1")),
            ("output2", Some(number(2)), Some("output1")),
            ("Assistant A is better", Some(SideMark::Letter('a')), Some("Assistant B is better")),
            ("Response One", Some(number(1)), Some("Response Two")),
            ("the first response", None, Some("the second response")),
            ("First", None, Some("Second")),
            ("2nd answer", None, Some("1st answer")),
            ("response 0", Some(number(0)), None),
            ("output_3", Some(number(3)), None),
            ("C", Some(SideMark::Letter('c')), None),
            ("tie", None, None),
            ("gpt-4", None, None),
            ("1", None, None),
        ] {
            assert_eq!(mark(text), told, "{text}");
            assert_eq!(turned(text).as_deref(), other, "{text}");
        }
        assert_eq!(with_mark("Response 2", number(0)).as_deref(), Some("Response 0"));
        assert_eq!(with_mark("Response one", number(0)).as_deref(), Some("Response zero"));
        assert_eq!(with_mark("[[A]]", SideMark::Letter('c')).as_deref(), Some("[[C]]"));
    }
}
