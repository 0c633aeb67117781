//! Answers as texts: what of their spelling says nothing is taken away.

/// Commands that only lay out, with or without a group behind them.
const LAYOUT: [&str; 24] = [
    "text",
    "textbf",
    "textit",
    "textnormal",
    "textrm",
    "mbox",
    "mathrm",
    "mathbf",
    "operatorname",
    "left",
    "right",
    "displaystyle",
    "boxed",
    "fbox",
    "quad",
    "qquad",
    "emph",
    "underline",
    "big",
    "Big",
    "bigl",
    "bigr",
    "dfrac",
    "tfrac",
];

/// The letters and signs of an answer that count, without blanks, dollars, braces and the end of a sentence. Words are in lower case; a
/// single letter keeps its case, since it may be a variable.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.trim();
    while let Some(next) = rest.chars().next() {
        let after = &rest[next.len_utf8()..];
        if next == '\\' {
            let name = &after[..after.bytes().take_while(u8::is_ascii_alphabetic).count()];
            if name.is_empty() {
                // `\,` and its kin, `\$`, `\(`; of `\%` and `\{` the sign stays.
                let sign = after.chars().next();
                if let Some(sign @ ('%' | '{' | '}')) = sign {
                    plain.push(sign);
                }
                rest = &after[sign.map_or(0, char::len_utf8)..];
                continue;
            }
            if !LAYOUT.contains(&name) {
                plain.push('\\');
                plain.push_str(name);
            } else if name.ends_with("frac") {
                plain.push_str("\\frac");
            }
            rest = &after[name.len()..];
            continue;
        }
        if !(next.is_whitespace() || matches!(next, '$' | '{' | '}' | '*' | '"' | '`')) {
            plain.push(next);
        }
        rest = after;
    }
    let end = plain.trim_end_matches(['.', ',', ';', ':']).len();
    plain.truncate(end);
    let mut letters = plain.trim_matches(['(', ')']).chars();
    if let (Some(letter), None) = (letters.next(), letters.next())
        && letter.is_alphabetic()
    {
        return letter.to_string();
    }
    plain.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_is_only_spelling_goes() {
        for (one, other) in [
            ("$\\text{Even}$", "even."),
            ("\\text{(C)}", "C"),
            ("\\left( \\frac{1}{5}, 2 \\right)", "(\\dfrac{1}{5},2)"),
            ("**Paris**", "paris"),
            ("28\\%", "28%"),
        ] {
            assert_eq!(plain(one), plain(other));
        }
        assert_ne!(plain("R"), plain("r"));
        assert_ne!(plain("12"), plain("1.2"));
    }
}
