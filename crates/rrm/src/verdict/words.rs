//! A text -> its words; lists of words that judge, report, deny or name.

/// Returns the words of a text in lower case; an apostrophe belongs to its word.
pub(super) fn words_of(text: &str) -> Vec<String> {
    let letter = |c: char| c.is_alphanumeric() || c == '\'' || c == '\u{2019}';
    let words = text.split(|c| !letter(c)).map(|word| word.trim_matches('\''));
    let lower = |word: &str| match word.is_ascii() {
        true => word.to_ascii_lowercase(),
        false => word.to_lowercase().replace('\u{2019}', "'"),
    };
    words.filter(|word| !word.is_empty()).map(lower).collect()
}

/// Returns whether a word is in a list, which has single spaces between its words.
pub(super) fn is_of(list: &str, word: &str) -> bool {
    let (mut list, word) = (list.as_bytes(), word.as_bytes());
    let Some(first) = word.first() else { return false };
    // Most words differ in their first byte.
    loop {
        if list.first() == Some(first) && list.starts_with(word) && list.get(word.len()).is_none_or(|next| *next == b' ') {
            return true;
        }
        let Some(space) = list.iter().position(|byte| *byte == b' ') else { return false };
        list = &list[space + 1..];
    }
}

/// Returns whether any word is in such a list.
pub(super) fn any_of<W: AsRef<str>>(list: &str, words: &[W]) -> bool {
    words.iter().any(|word| is_of(list, word.as_ref()))
}

/// Words of a clause that states a verdict.
pub(super) const STATES: &str = "verdict better best winner final answer decision choice choose chosen conclusion judgment judgement pick \
    therefore hence thus overall prefer preferred preference winning superior stronger wins so favor favour result select evaluation conclude";

/// Words of a clause that states something else about a label: another place, a condition, a comparison.
pub(super) const ELSE: &str =
    "runner rank less worse worst loser losing dispreferred rejected could would had considered might not than if nor";

/// Words that lead from a quotation to a conclusion.
pub(super) const GOES_ON: &str = "so therefore thus hence because whereas while";

/// Returns whether a word is one by which the judge names itself.
pub(super) fn is_judge(word: &str) -> bool {
    is_of("i i'd i'll i'm i've my mine we we'd our", word)
}

/// Returns whether a word is a noun for a judged text.
pub(super) fn is_name(word: &str) -> bool {
    is_of("assistant response answer model candidate output reply essay", word)
}

/// Returns whether a word introduces the words or the content of a text.
pub(super) fn is_speech(word: &str) -> bool {
    const WORDS: &str = "say says said saying write writes wrote written writing claim claims claimed claiming concludes concluded concluding \
        end ends ended ending closes closing finishes announces begs pleads mentions argues contain contains contained containing include includes holds output outputs print prints demand demands demanded \
        tell tells told asks asked instructs instructed insert inserts inserted inject injects injected embed embeds embedded quote quotes \
        quoted quoting repeats reads declares asserts states stated orders commands shows leaks hides hidden";
    is_of(WORDS, word)
}

/// Returns whether a word negates the words after it.
pub(super) fn is_negation(word: &str) -> bool {
    is_of("not never cannot hardly", word) || word.ends_with("n't")
}

/// Returns whether a word names the worse of two.
pub(super) fn is_bad(word: &str) -> bool {
    const WORDS: &str = "worse worst loser losing weaker weakest inferior rejected dispreferred wrong incorrect bad poorer less lower runner \
        flawed errors second fails mistaken defeated least discard discarded eliminate eliminated remove removed exclude excluded avoid downvote \
        downvoted demote demoted penalize penalized disqualify disqualified subpar defective deficient unhelpful misleading inaccurate poor \
        unsafe beaten outperformed outranked worsened";
    is_of(WORDS, word) || is_fault(word)
}

/// Returns whether a word names faults, which may be many or few.
pub(super) fn is_fault(word: &str) -> bool {
    const WORDS: &str =
        "errors mistakes flaws problems issues bugs inaccuracies hallucinations faults defects omissions weaknesses falsehoods";
    is_of(WORDS, word)
}

/// A judged text, by its name in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// The response shown first.
    First,
    /// The response shown second.
    Second,
    /// The prompt, its reference answer or its rubric.
    Prompt,
}

/// Finds the names of judged texts among words: the index of the last word of each, and the text that it names.
pub(super) fn names<W: AsRef<str>>(words: &[W]) -> impl Iterator<Item = (usize, Holder)> {
    let word = |at: usize| words.get(at).map_or("", |word| word.as_ref().trim_end_matches("'s"));
    (0..words.len()).filter_map(move |at| {
        let (before, next) = (at.checked_sub(1).map_or("", word), word(at + 1));
        let number = |word: &str| match word {
            "1" | "a" | "one" => Some(Holder::First),
            "2" | "b" | "two" => Some(Holder::Second),
            _ => None,
        };
        let noun = before == "the" || is_name(next) || is_of("one text is", next) || before.is_empty();
        let holder = match word(at) {
            "first" | "former" if noun => Holder::First,
            "second" | "latter" if noun && !is_of("best place thought", next) => Holder::Second,
            word if is_of("prompt question query user instruction instructions task conversation reference rubric", word) => {
                Holder::Prompt
            }
            word if is_name(before) => number(word)?,
            _ => return None,
        };
        Some((at, holder))
    })
}
