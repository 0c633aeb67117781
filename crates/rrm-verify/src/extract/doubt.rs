//! The text around an answer -> a doubt: a negation, a condition, a retraction, or words of an unknown language.

use super::statement::plain_words;
use crate::{parse::shortened, units, words};

/// Words before "the answer is" that negate, weaken or condition it.
const HEDGES: &str = "not no never wrong incorrect false mistaken worst second unlikely whether unless suppose supposing assume assuming might \
                      could perhaps maybe tempting tempted anything except doubt impossible hardly cannot fails fail falsche \
                      falsch mauvaise mauvais fausse incorrecta errada errónea equivocada sbagliata неправильный неверный nicht pas non não";
/// Words before "the answer" that make it a part of something else, or somebody else's.
const PARTS: &str = "previous old initial common partial intermediate another other naive half twice square opposite negative reciprocal sum remainder \
                     digits digit bound of for than";
/// Negations and conditions in Chinese and Japanese.
const HEDGES_JOINED: &[&str] = &["错", "不", "没", "假设", "如果", "ない", "間違"];

/// Phrases behind an answer that retract it.
const RETRACTIONS: &[&str] = &[
    "wait",
    "actually",
    "oops",
    "correction",
    "otherwise",
    "scratch that",
    "sorry",
    "nein,",
    "contradiction",
    "mistake",
    "i was wrong",
    "that's wrong",
    "that is wrong",
    "this is wrong",
    "is incorrect",
    "isn't right",
    "not right",
    "no,",
    "no.",
    "no!",
    "is not the answer",
    "would be wrong",
    "is wrong",
    "isn't the answer",
    "cannot be right",
    "maybe not",
    "corrected",
    "true value",
    "true answer",
    "in truth",
    "actual answer",
    "actual value",
    "correct value",
    "not sure",
    "is not correct",
    "let me redo",
    "let me recalculate",
    "let me recompute",
    "answer key says",
];

/// Chinese and Japanese measure words, which leave the number before them unchanged.
const MEASURES: &str = "只 颗 个 元 米 人 本 支 张 件 天 年 小时 分钟 分 秒 岁 块 棵 条 头 匹 辆 枚 名 位 次 厘米 千米 公里 毫米 千克 克 公斤 吨 平方米 \
                        平方厘米 立方米 度 円 個 日 時間 回 枝 冊 只鸟 个人 周 升 毫升 美元 瓶 袋 箱 层 页";

/// Returns the clause before a marker if it has a negation or a condition, or attributes the answer to others.
pub fn hedged(before: &str) -> Option<String> {
    let start = before.rfind(['.', '!', '?', '\n', '。', '！', '？', '>', ':', '：', ';']).map_or(0, |at| at + 1);
    let clause = before.get(start..).unwrap_or_default();
    let words = plain_words(clause);
    let possessive = words
        .iter()
        .rev()
        .take(2)
        .find(|word| word.ends_with("'s") && !matches!(word.as_str(), "let's" | "that's" | "it's" | "here's"));
    let word = words.iter().find(|word| HEDGES.split_whitespace().any(|hedge| hedge == word.as_str()) || word.ends_with("n't"));
    // "Some say the answer is 5" reports what others hold; "I think the answer is 5" states an answer.
    let said = words
        .iter()
        .find(|word| matches!(word.as_str(), "say" | "says" | "said" | "think" | "thinks" | "claim" | "claims" | "believe"));
    let own = words.iter().any(|word| matches!(word.as_str(), "i" | "we"));
    let word = word.or(said.filter(|_| !own)).or(possessive);
    let joined = HEDGES_JOINED.iter().find(|hedge| clause.contains(**hedge));
    word.map(String::as_str).or(joined.copied()).map(|_| shortened(clause.trim()))
}

/// Returns the sentence before a box if its words say that the box is not the answer: "a common mistake is", "some may say", "my first guess was".
pub fn disowned(before: &str) -> Option<String> {
    const WORDS: &str = "mistake mistakes mistaken ignore guess guessed earlier originally previously wrongly incorrectly wrong incorrect tempting";
    let start = before.rfind(['.', '!', '?', '\n', '。']).map_or(0, |at| at + 1);
    let words = plain_words(&before[start..]);
    let own = words.iter().any(|word| matches!(word.as_str(), "i" | "we" | "us"));
    let said = |word: &String| !own && matches!(word.as_str(), "say" | "says" | "said" | "think" | "thinks" | "claim" | "claims");
    let found = words.iter().any(|word| said(word) || WORDS.split_whitespace().any(|one| one == word));
    found.then(|| shortened(before[start..].trim()))
}

/// Whether a word behind an answer makes it conditional or uncertain.
pub fn conditional(word: &str) -> bool {
    matches!(
        word,
        "if" | "unless" | "provided" | "assuming" | "only" | "except" | "maybe" | "perhaps" | "else" | "otherwise" | "probably"
    )
}

/// Returns the clause before a marker if its last words change what is stated: "half of the answer is", "the previous answer is".
pub fn partial(before: &str) -> Option<String> {
    let start = before.rfind(['.', '!', '?', '\n', '。', '>', ':', ';', ',']).map_or(0, |at| at + 1);
    let words = plain_words(before.get(start..).unwrap_or_default());
    let near = words.iter().rev().take(3).find(|word| PARTS.split_whitespace().any(|part| part == word.as_str()));
    near.map(|_| shortened(before.get(start..).unwrap_or_default().trim()))
}

/// Returns a retraction in the rest of the answer's line or in the next line that is not blank.
pub fn retracted(after: &str) -> Option<String> {
    // `near` reaches to the end of the next line that is not blank.
    let next = |at: usize| after[at..].find(|c: char| !c.is_whitespace()).map_or(after.len(), |blank| at + blank);
    let line = |at: usize| after[at..].find('\n').map_or(after.len(), |length| at + length);
    let second = next(line(0));
    // "Let me know if it is wrong" is not a retraction.
    let asks = after[second..].starts_with("Let me know") || after[second..].starts_with("If ");
    let near = &after[..if asks { second } else { line(second) }];
    let lower = near.to_lowercase().replace('’', "'");
    let at = |sign: &&str| {
        lower.match_indices(*sign).any(|(at, _)| {
            let letter = |c: char| c.is_alphanumeric();
            !lower[..at].ends_with(letter) && !lower[at + sign.len()..].starts_with(letter)
        })
    };
    (RETRACTIONS.iter().any(at) || near.trim_start().starts_with('?'))
        .then(|| shortened(near.trim_start_matches(['.', ' ', '*']).trim()))
}

/// Returns a word in non-Latin letters that is not a known measure word. If `strict`, a word in Latin letters that is not a unit counts, too.
pub fn foreign(text: &str, strict: bool) -> Option<String> {
    let digits = text.chars().any(|c| c.is_ascii_digit());
    let words =
        text.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() > 1 || word.chars().any(|c| c >= '\u{400}'));
    let mut odd = words.filter(|word| !matches!(*word, "です" | "である" | "だ" | "ます")).filter(|word| {
        let joint = words::joint(&word.to_lowercase(), true).is_some();
        let known = joint || units::known(word) || MEASURES.split_whitespace().any(|measure| measure == *word);
        let other = word.chars().any(|c| c >= '\u{400}');
        !known && (other || strict) && !latex(text, word)
    });
    odd.next().filter(|_| digits).map(shortened)
}

/// Whether a word occurs in the text as the name of a command.
fn latex(text: &str, word: &str) -> bool {
    text.contains(&format!("\\{word}"))
}

/// Whether signs right before a number in Chinese or Japanese text change it.
pub fn changes_joined(before: &str) -> bool {
    const CHANGES: &str = "不没非第负至大小超约近前后多少倍每过于未";
    let near: Vec<char> = before.trim_end().chars().rev().take(4).take_while(|c| *c > '\u{2e7f}').collect();
    near.iter().any(|c| CHANGES.contains(*c))
}

/// Whether a word of another language beside a number negates or changes it.
pub fn changes_elsewhere(word: &str) -> bool {
    const WORDS: &str = "nicht kein keine keinen nie pas jamais aucun aucune non não nao nunca nem sin sans ohne не нет ни mehr weniger mindestens \
                         höchstens hälfte doppelt moins moitié más menos mitad doble mais metade dobro più meno metà doppio almeno больше \
                         меньше минус половина tausend dutzend plus";
    words::changes(word) || WORDS.split_whitespace().any(|one| one == word)
}
