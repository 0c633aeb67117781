//! Words of other languages before a label -> whether they deny it, or are not known to state it.
//!
//! Words deny a label only if they are listed. Chinese, Japanese, Korean and Cyrillic words right before a label on its line must also hold a listed stem
//! that chooses or concludes; otherwise nothing is known about what they say, and the label that they introduce is no verdict.

use super::words::is_of;

/// Negations in the Latin script; they count right before a label, or before its verb.
const NEGATIONS: &str =
    "nicht kein keine keinesfalls niemals pas jamais nunca jamás não nao niet geen nooit ikke inte nie değil non no bukan";

/// Verbs between a negation and a label.
const VERBS: &str = "ist war est es é è is jest är er";

/// Words for the worse of two in the Latin script.
const WORSE: &str = "schlechter schlechtere schlechteren schlechterer schlechteste schlechtesten schwächer schwächere schwächeren unterlegen \
    unterlegene verlierer verliererin verworfen ausgeschieden pire pires perdant perdante mauvaise mauvais inférieure inférieur rejetée rejeté \
    peor peores perdedor perdedora rechazada descartada pior rejeitada peggiore peggio perdente scartata slechter slechtere slechtste verliezer \
    afgewezen gorszy gorsza gorsze przegrany sämre sämst dårligere dårligst taber kalah";

/// Words that may stand between such a word and a label.
const FILLERS: &str = "antwort die der das ist wäre lautet von beiden assistent réponse la le les des deux est respuesta el es de las dos \
    resposta a o é risposta è delle due antwoord het is odpowiedź to jest svar svaret är er jawaban adalah yang assistant response";

/// Stems for the worse of two, and denials, in other scripts.
const WORSE_STEMS: &str = "差 劣 不是 并非 並非 输 輸 败 敗 淘汰 排除 否定 拒 错 錯 不好 不如 悪 負け ない なく 나쁜 못한 열등 패 아닌 아니 떨어지 \
    хуж худш проигр слаб неверн отверг отклон гірш أسوأ ليس خاسر खराब बदतर नहीं χειρότερ δεν แย่ ไม่ גרוע";

/// Stems of words that choose, conclude or name the better of two, in other scripts.
const KNOWN_STEMS: &str = "更 最 较好 較好 优 優 胜 勝 赢 贏 选 選 判 裁 结论 結論 答案 回答 决定 決定 因此 所以 故 综上 綜上 总 總 认为 認為 推荐 推薦 \
    结果 結果 投 支持 良 評価 したがって よって 答え 나은 좋은 우수 최종 판정 결론 답 선택 따라서 승 лучш вердикт ответ побед выб итог решени поэтому \
    следовательно предпоч превосх сильн заключ вывод оценк кращ أفضل حكم نهائي قرار جواب إجابة فائز لذلك बेहतर निर्णय अंतिम उत्तर विजेता इसलिए \
    καλύτερ απάντησ ετυμηγορ τελικ νικητ ดี คำตัดสิน สรุป טוב תשובה סופי";

/// Negations of one word in other scripts, right before a label.
const NEGATION_STEMS: &str = "не нет ні 不 非 لا לא";

/// Returns whether the words of a clause deny the label after them. `words` are in lower case; `named` says that a colon follows them.
pub(super) fn denies(words: &[&str], named: bool) -> bool {
    let Some(last) = words.last() else { return false };
    let other = others(words);
    if !other.is_empty() {
        return holds(&other, WORSE_STEMS) || is_of(NEGATION_STEMS, last) || last.ends_with(['不', '非']);
    }
    let before = words.len().checked_sub(2).map_or("", |at| words[at]);
    let negated = is_of(NEGATIONS, last) || is_of(VERBS, last) && is_of(NEGATIONS, before);
    // "Non: LABEL" and "no: LABEL" answer a question, or take something back.
    negated && !named || is_worse(words)
}

/// Returns whether words right before a label on its line are Chinese, Japanese, Korean or Cyrillic, and none of them is known to choose or conclude.
pub(super) fn is_unknown(words: &[&str]) -> bool {
    let other = others(words);
    let listed = |c: char| matches!(c, '\u{400}'..='\u{52f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}');
    other.contains(listed) && !holds(&other, KNOWN_STEMS)
}

/// Returns the words that are not in the Latin script.
fn others(words: &[&str]) -> String {
    let other = |word: &&&str| word.chars().any(|c| c.is_alphabetic() && !is_latin(c));
    words.iter().filter(other).copied().collect::<Vec<_>>().join(" ")
}

fn holds(text: &str, stems: &str) -> bool {
    stems.split_whitespace().any(|stem| text.contains(stem))
}

/// Returns whether the words name the worse response, followed only by nouns and verbs of naming.
fn is_worse(words: &[&str]) -> bool {
    let Some(at) = words.iter().rposition(|word| is_of(WORSE, word)) else { return false };
    let turned = at.checked_sub(1).is_some_and(|before| is_of(NEGATIONS, words[before]));
    !turned && words[at + 1..].iter().all(|word| is_of(FILLERS, word))
}

fn is_latin(c: char) -> bool {
    matches!(c, '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{300}'..='\u{36f}')
}

#[cfg(test)]
mod tests {
    use super::{super::words::words_of, *};

    #[test]
    fn what_denies_in_other_languages_is_told_from_what_states() {
        for (text, named) in [
            ("Nicht", false),
            ("Es ist nicht", false),
            ("no es", false),
            ("n'est pas", false),
            ("Schlechter", true),
            ("Die schlechtere Antwort ist", false),
            ("La pire réponse est", false),
            ("La peor respuesta", true),
            ("Peor", true),
            ("La risposta peggiore è", false),
            ("不是", false),
            ("我认为不是", false),
            ("较差的是", false),
            ("被淘汰的是", false),
            ("被扣分的是", false),
            ("Снято", true),
            ("Хуже", true),
            ("не", false),
            ("悪い方は", false),
            ("더 나쁜 답", true),
            ("الأسوأ", true),
        ] {
            let words = words_of(text);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            assert!(denies(&words, named) || is_unknown(&words), "{text}");
        }
        for (text, named) in [
            ("", false),
            ("Mein Urteil lautet", true),
            ("Die bessere Antwort ist", false),
            ("La meilleure réponse est", false),
            ("No", true),
            ("La mejor respuesta es", false),
            ("nicht schlechter", false),
            ("የተሻለው", true),
            ("最终判断", true),
            ("因此更好的回答是", false),
            ("我的判断", true),
            ("所以", false),
            ("Лучший ответ", true),
            ("Вердикт", true),
            ("より良い回答は", false),
            ("최종 판정", true),
            ("the better one is", false),
        ] {
            let words = words_of(text);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            assert!(!denies(&words, named) && !is_unknown(&words), "{text}");
        }
    }
}
