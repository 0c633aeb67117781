//! A number alone in a wrap, such as `\boxed{1}` -> the label that it names, if it can mean nothing else.

use super::{VerdictPattern, WrappedLabel, quotes::Quotes, wording};

/// Words of a line that ends with a verdict.
const VERDICTS: [&str; 4] = ["better", "best", "verdict", "winner"];

/// Words of a line that ends with the result of a task, or with a measure, and not with a verdict.
const RESULTS: [&str; 10] = ["answer", "result", "solution", "value", "total", "=", "rank", "score", "number", "count"];

impl VerdictPattern {
    /// Reads a number alone, such as `\boxed{1}` for labels `Assistant 1` and `Assistant 2`, as a label if it can mean nothing else: the answer wraps
    /// nothing else and ends with it, its line names no result, and no judged text holds the number.
    pub(super) fn take_bare_number(&self, answer: &str, found: &mut [WrappedLabel<'_>], quotes: &Quotes<'_>) {
        if found.iter().any(|one| one.label.is_some()) {
            return;
        }
        let Some(number) = found.first().and_then(|one| wording::plain(one.text)) else { return };
        let alone = found.iter().all(|one| wording::plain(one.text).as_deref() == Some(&*number));
        let Some(last) = found.last().filter(|_| alone) else { return };
        if !number.bytes().all(|byte| byte.is_ascii_digit()) || !wording::is_end(&answer[last.at.end..]) {
            return;
        }
        let head = answer[..last.at.start].trim_end_matches(|c: char| c.is_whitespace() || "*_`$#\\[(".contains(c));
        let line = head.rsplit('\n').next().unwrap_or_default().to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| line.contains(word));
        // Beside other words a number counts, ranks or measures something. "The better answer" is no result.
        let compared = ["better answer", "best answer", "winning answer", "response number", "answer number"];
        let line = compared.iter().fold(line.clone(), |line, words| line.replace(words, "better"));
        let results = || RESULTS.iter().any(|word| line.contains(word));
        let of_verdict = !line.contains(char::is_alphabetic) || says(&VERDICTS) && !results();
        if !of_verdict || quotes.state(&number) {
            return;
        }
        let label = self.all().position(|(label, _)| {
            let plain = wording::plain(label).unwrap_or_default();
            let words = plain.strip_suffix(&*number).unwrap_or_default();
            words.ends_with(char::is_alphabetic)
        });
        let named = |one: &mut WrappedLabel<'_>| one.label = label;
        found.iter_mut().for_each(named);
    }
}
