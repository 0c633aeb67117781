//! Letters -> variables, labels, functions, or words.

use super::{Lexer, NumberStyle, Rel, TextMode, TokenKind, styles::numeral};
use crate::words::{self, WordJoint};

/// Functions that may be written without a backslash.
pub const FUNCTIONS: &[&str] = &[
    "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "ln", "log", "lg", "exp",
    "sqrt", "frac", "binom", "max", "min", "gcd", "lcm", "sum", "prod", "lim", "det",
];

/// Longest run of lower-case letters that is a product of variables rather than a word.
const LETTERS: usize = 3;

impl<'a> Lexer<'a> {
    /// Reads a run of letters.
    pub(super) fn letters(&mut self) {
        let rest = self.rest();
        let run: &'a str = &rest[..rest.find(|c: char| !c.is_alphabetic() || super::signs::is_sign(c)).unwrap_or(rest.len())];
        let start = self.at;
        if rest.starts_with("N/A") {
            return self.take(3, TokenKind::Word("N/A".into()));
        }
        if run.contains(['Ω', '\u{2126}', 'µ', 'μ']) && run != "μ" {
            // `kΩ`, `μs`: unit symbols, with either Unicode character for each letter.
            let sign = run.replace('\u{2126}', "Ω").replace('µ', "μ");
            return self.take(run.len(), TokenKind::Word(sign));
        }
        if let Some(length) = abbreviation(rest) {
            self.at += length;
            let word = rest[..length].replace(['.', ' '], "");
            return self.push(start, TokenKind::Word(word));
        }
        if self.style == NumberStyle::Numerals
            && (self.spaced || !self.after_value())
            && let Some(value) = numeral(run)
        {
            return self.take(run.len(), TokenKind::Num(value.to_string()));
        }
        let power = self.rest()[run.len()..].trim_start().starts_with("10^");
        if run == "x" && power && self.after_value() {
            // "3.2 x 10^5": the letter is a multiplication sign.
            return self.take(1, TokenKind::Sign('*'));
        }
        if let Some(name) = greek(run) {
            return self.take(run.len(), TokenKind::Name(name.to_owned()));
        }
        if let Some((kind, length)) = self.joint(run) {
            self.at += length;
            return self.push(start, kind);
        }
        if run.chars().any(|c| c > '\u{2e7f}') {
            // A run of Chinese or Japanese characters is one word.
            return self.take(run.len(), TokenKind::Word(run.to_owned()));
        }
        if self.upright || self.mode == TextMode::Prose { self.prose(run) } else { self.math(run) }
    }

    /// Recognises "and" and "or" in several languages, alone or with one capital behind them, as in `-1orW(x)`. Returns the token and its length.
    fn joint(&self, run: &str) -> Option<(TokenKind, usize)> {
        let lower = run.to_lowercase();
        // A single letter such as "y" is a conjunction only between two values, with blanks around it.
        let after = &self.rest()[run.len()..];
        let between = || match self.upright {
            true => self.text == run && self.spaced,
            false => {
                self.spaced
                    && after.starts_with(' ')
                    && after.trim_start().starts_with(|c: char| c.is_ascii_digit() || "-\\$".contains(c))
            }
        };
        let kind = |joint| match joint {
            WordJoint::And => TokenKind::And,
            WordJoint::Or => TokenKind::Or,
        };
        if let Some(kind) = words::joint(&lower, self.mode == TextMode::Prose).map(kind)
            && (run.chars().count() > 1 || !run.is_ascii() || (self.after_value() && between()))
        {
            return Some((kind, run.len()));
        }
        ["and", "or"].into_iter().find_map(|joint| {
            let next = run.strip_prefix(joint)?.chars().next()?;
            let kind = if joint == "or" { TokenKind::Or } else { TokenKind::And };
            (self.after_value() && next.is_ascii_uppercase()).then_some((kind, joint.len()))
        })
    }

    fn take(&mut self, length: usize, kind: TokenKind) {
        let start = self.at;
        self.at += length;
        self.push(start, kind);
    }

    /// Reads a run that means the same in mathematics and in plain text. Returns false if it is not such a run.
    fn known(&mut self, run: &str) -> bool {
        let lower = run.to_lowercase();
        let kind = match lower.as_str() {
            "pi" => TokenKind::Name("π".into()),
            "infinity" | "inf" | "infty" => TokenKind::Name("∞".into()),
            "percent" | "pct" | "percentage" | "percents" | "prozent" | "procent" => TokenKind::Sign('%'),
            _ if FUNCTIONS.contains(&run) => TokenKind::Func(run.to_owned()),
            _ => return false,
        };
        self.take(run.len(), kind);
        true
    }

    fn math(&mut self, run: &str) {
        if self.known(run) {
            return;
        }
        if !self.spaced && self.ordinal(run) {
            return self.take(run.len(), TokenKind::Word(run.to_owned()));
        }
        let lower = run.to_lowercase();
        let count = run.chars().count();
        let capital = |c: char| c.is_uppercase();
        let after = self.rest()[run.len()..].trim_start();
        if lower == "in" && after.starts_with(['(', '[', '{', '\\']) && !self.after_value() {
            return self.take(run.len(), TokenKind::Rel(Rel::In));
        }
        if let Some(function) =
            FUNCTIONS.iter().find(|name| run.strip_prefix(**name).is_some_and(|rest| rest.chars().count() == 1))
        {
            // `sinx`: a function and its argument without a space.
            return self.take(function.len(), TokenKind::Func((*function).to_owned()));
        }
        if count == 1 {
            return self.take(run.len(), TokenKind::Name(run.to_owned()));
        }
        let behind_pi = matches!(self.tokens.last().map(|token| &token.kind), Some(TokenKind::Name(name)) if name == "π");
        let unit = (self.after_value() || behind_pi) && words::is_unit(&lower);
        // "of", "for", "per" between blanks are words of a sentence.
        let small = self.spaced && run == lower && words::is_known(&lower) && !self.tokens.is_empty();
        let capitals = run.chars().all(capital);
        if unit
            || small
            || !capitals && (words::is_answer(&lower) || words::number(&lower).is_some() || words::magnitude(&lower).is_some())
        {
            return self.take(run.len(), TokenKind::Word(run.to_owned()));
        }
        if capitals {
            return self.take(run.len(), TokenKind::Name(run.to_owned()));
        }
        if count > LETTERS || count == LETTERS && self.text.len() == run.len() {
            return self.take(run.len(), TokenKind::Word(run.to_owned()));
        }
        let first = run.chars().next().map_or(1, char::len_utf8);
        self.take(first, TokenKind::Name(run[..first].to_owned()));
    }

    fn prose(&mut self, run: &str) {
        let lower = run.to_lowercase();
        let count = run.chars().count();
        if self.after_value() && !self.spaced && matches!(run, "st" | "nd" | "rd" | "th")
            || run == "ish" && !self.tokens.is_empty()
        {
            // "12-ish" is about twelve.
            return self.take(run.len(), TokenKind::Word(run.to_owned()));
        }
        // "30 min", "5 sec": units, not functions.
        let unit = count > 1 && self.after_value() && words::is_unit(run);
        if !unit && self.known(run) {
            return;
        }
        let tight = self.after_value() && !self.spaced;
        if tight && run == "s" && self.decade() {
            return;
        }
        if tight && matches!(run, "K" | "k" | "M" | "B" | "T" | "bn") {
            // `5K` may be five thousand or five kelvin.
            let start = self.at;
            self.at += run.len();
            return self.unknown(start);
        }
        if count == 1 {
            return self.take(run.len(), TokenKind::Name(run.to_owned()));
        }
        if matches!(lower.as_str(), "am" | "pm") && self.after_value() {
            return self.take(run.len(), TokenKind::Word(lower));
        }
        if run.chars().all(char::is_uppercase) && run.is_ascii() && !words::is_answer(&lower) && words::number(&lower).is_none() {
            let kind = if (words::is_unit(&lower) || count > 1 && words::is_unit(run)) && self.after_value() {
                TokenKind::Word(run.to_owned())
            } else {
                TokenKind::Name(run.to_owned())
            };
            return self.take(run.len(), kind);
        }
        // `2xy` and `(a+b)xy`: variables right behind the factor that they multiply.
        let glued = self.after_value() && !self.spaced && count <= LETTERS && !words::is_unit(&lower) && !self.upright;
        let alone = self.text.len() == run.len() || !self.text.contains(char::is_whitespace) && count <= LETTERS;
        // A single run of three letters is a word: "god" is not "dog".
        let word = self.text.len() == run.len() && count == LETTERS || self.after_value() && words::is_unit(&lower);
        let product = run.is_ascii() && count <= LETTERS && (glued || alone) && run == lower && !word;
        if product && !words::is_known(&lower) && !self.upright {
            return self.take(1, TokenKind::Name(run[..1].to_owned()));
        }
        self.take(run.len(), TokenKind::Word(run.to_owned()));
    }
}

impl Lexer<'_> {
    /// Whether letters make a place of the number before them: `17th`, and not `5st`, which is a product.
    fn ordinal(&self, run: &str) -> bool {
        // `17^{th}`, too.
        let mut before =
            self.tokens.iter().rev().map(|token| &token.kind).skip_while(|kind| matches!(kind, TokenKind::Sign('^' | '{')));
        let Some(TokenKind::Num(digits)) = before.next() else { return false };
        let teen = digits.len() > 1 && digits[..digits.len() - 1].ends_with('1');
        let ending = match digits.bytes().last() {
            Some(b'1') if !teen => "st",
            Some(b'2') if !teen => "nd",
            Some(b'3') if !teen => "rd",
            _ => "th",
        };
        run == ending && digits.bytes().all(|b| b.is_ascii_digit())
    }

    /// `1990s` and "the 90s": ten years, as one word, and no seconds.
    fn decade(&mut self) -> bool {
        let [before @ .., last] = self.tokens.as_slice() else { return false };
        let TokenKind::Num(years) = &last.kind else { return false };
        let the =
            matches!(before.last().map(|token| &token.kind), Some(TokenKind::Word(word)) if word.eq_ignore_ascii_case("the"));
        let round = years.ends_with('0') && years.bytes().all(|b| b.is_ascii_digit());
        let found = round && (years.len() == 4 && years.starts_with(['1', '2']) || years.len() == 2 && the);
        if found {
            let (word, start, spaced) = (format!("{years}s"), last.start, last.spaced);
            self.tokens.pop();
            self.at += 1;
            self.spaced = spaced;
            self.push(start, TokenKind::Word(word));
        }
        found
    }
}

/// `a.m.`, `U.S.`: letters with points, and the bytes of it.
fn abbreviation(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while bytes.get(at).is_some_and(u8::is_ascii_alphabetic) && bytes.get(at + 1) == Some(&b'.') {
        at += 2;
    }
    // The point behind its last letter may be missing.
    if at >= 2 && bytes.get(at).is_some_and(u8::is_ascii_alphabetic) && !bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric)
    {
        at += 1;
    }
    (at >= 3 && !bytes.get(at).is_some_and(u8::is_ascii_alphabetic)).then_some(at)
}

/// Returns the Greek letter of a command name.
fn greek(run: &str) -> Option<&'static str> {
    const LETTERS: &[(&str, &str)] = &[
        ("α", "alpha"),
        ("β", "beta"),
        ("γ", "gamma"),
        ("δ", "delta"),
        ("ε", "epsilon"),
        ("ζ", "zeta"),
        ("η", "eta"),
        ("θ", "theta"),
        ("κ", "kappa"),
        ("λ", "lambda"),
        ("μ", "mu"),
        ("ν", "nu"),
        ("ξ", "xi"),
        ("ρ", "rho"),
        ("σ", "sigma"),
        ("τ", "tau"),
        ("φ", "phi"),
        ("ϕ", "phi"),
        ("χ", "chi"),
        ("ψ", "psi"),
        ("ω", "omega"),
        ("Γ", "Gamma"),
        ("Δ", "Delta"),
        ("Θ", "Theta"),
        ("Λ", "Lambda"),
        ("Σ", "Sigma"),
        ("Φ", "Phi"),
        ("Ψ", "Psi"),
    ];
    LETTERS.iter().find(|(letter, _)| *letter == run).map(|(_, name)| *name)
}
