//! Signs -> tokens: all spellings of a sign give the same token.

use super::{Lexer, Rel, TextMode, TokenKind};

/// Whether a Unicode letter is read as a sign of mathematics.
pub fn is_sign(sign: char) -> bool {
    matches!(sign, 'π' | 'ℝ' | 'ℕ' | 'ℤ' | 'ℚ' | 'ℂ' | 'ª' | 'º' | 'ⁿ' | 'ⁱ') || raised(sign).is_some() || lowered(sign).is_some()
}

fn raised(sign: char) -> Option<char> {
    Some(match sign {
        '⁰' => '0',
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        '⁴'..='⁹' => char::from_digit(sign as u32 - 0x2070, 10)?,
        '⁺' => '+',
        '⁻' => '-',
        'ⁿ' => 'n',
        'ⁱ' => 'i',
        'ˣ' => 'x',
        _ => return None,
    })
}

fn lowered(sign: char) -> Option<char> {
    match sign {
        '₀'..='₉' => char::from_digit(sign as u32 - 0x2080, 10),
        'ₙ' => Some('n'),
        'ₓ' => Some('x'),
        'ᵢ' => Some('i'),
        _ => None,
    }
}

/// Returns numerator and denominator of a character that is a fraction, such as `½`.
fn part(sign: char) -> Option<(u32, u32)> {
    Some(match sign {
        '½' => (1, 2),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '¼' => (1, 4),
        '¾' => (3, 4),
        '⅕' => (1, 5),
        '⅖' => (2, 5),
        '⅗' => (3, 5),
        '⅘' => (4, 5),
        '⅙' => (1, 6),
        '⅚' => (5, 6),
        '⅐' => (1, 7),
        '⅛' => (1, 8),
        '⅜' => (3, 8),
        '⅝' => (5, 8),
        '⅞' => (7, 8),
        '⅑' => (1, 9),
        '⅒' => (1, 10),
        _ => return None,
    })
}

/// Returns the common character for a full-width character, a quotation mark or another spelling.
pub fn common(sign: char) -> char {
    match sign {
        '！'..='～' => char::from_u32(sign as u32 - 0xFEE0).unwrap_or(sign),
        '、' => ',',
        '。' => '.',
        '‐' | '‑' | '‒' | '−' | '﹣' | '⁃' => '-',
        '⁄' | '∕' | '÷' => '/',
        '×' | '·' | '⋅' | '∙' | '•' | '∗' => '*',
        '∣' => '|',
        '′' | '’' | 'ʹ' => '\'',
        '∶' => ':',
        '﹪' | '٪' => '%',
        '\u{2062}' | '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => ' ',
        other => other,
    }
}

impl Lexer<'_> {
    /// Reads a sign.
    pub(super) fn sign(&mut self, first: char) {
        let start = self.at;
        if first == '{'
            && let Some((inside, length)) = super::group(self.rest())
            && let Some(words) = inside.trim_start().strip_prefix("\\rm ")
        {
            // `{\rm cm}`
            self.at += length;
            return self.upright(start, words, TextMode::Prose);
        }
        self.at += first.len_utf8();
        if let Some((over, under)) = part(first) {
            return self.push(start, TokenKind::Part(over, under));
        }
        if raised(first).is_some() {
            return self.shifted(start, '^', raised);
        }
        if lowered(first).is_some() {
            return self.shifted(start, '_', lowered);
        }
        if first == '–' && self.mode == TextMode::Prose && self.after_value() {
            // A dash between two numbers is a range.
            return self.unknown(start);
        }
        let sign = if first == '–' { '-' } else { common(first) };
        if sign.is_whitespace() {
            self.spaced = true;
            return;
        }
        if sign.is_ascii_alphanumeric() {
            return self.wide(start);
        }
        self.plain(start, sign);
    }

    /// Reads a run of full-width digits or letters as one token.
    fn wide(&mut self, start: usize) {
        let run: String =
            self.text[start..].chars().map_while(|c| Some(common(c)).filter(|w| *w != c && w.is_ascii_alphanumeric())).collect();
        self.at = start + self.text[start..].chars().take(run.chars().count()).map(char::len_utf8).sum::<usize>();
        let kind = match run.bytes().all(|b| b.is_ascii_digit()) {
            true => TokenKind::Num(run),
            false if run.len() == 1 => TokenKind::Name(run),
            false => return self.unknown(start),
        };
        self.push(start, kind);
    }

    /// Reads a run of superscript or subscript characters as a group.
    fn shifted(&mut self, start: usize, sign: char, common: fn(char) -> Option<char>) {
        let mut inside = String::new();
        self.at = start;
        while let Some((letter, shown)) = self.rest().chars().next().and_then(|c| Some((c, common(c)?))) {
            inside.push(shown);
            self.at += letter.len_utf8();
        }
        self.push(start, TokenKind::Sign(sign));
        self.push(start, TokenKind::Sign('{'));
        for token in super::lex(&inside, TextMode::Math, self.style) {
            self.push(start, token.kind);
        }
        self.push(start, TokenKind::Sign('}'));
    }

    fn relation(&mut self, start: usize, loose: Rel, strict: Rel) {
        let with = self.rest().starts_with('=');
        self.at += usize::from(with);
        self.push(start, TokenKind::Rel(if with { loose } else { strict }));
    }

    fn plain(&mut self, start: usize, sign: char) {
        let kind = match sign {
            '<' => return self.relation(start, Rel::LessEqual, Rel::Less),
            '>' => return self.relation(start, Rel::GreaterEqual, Rel::Greater),
            '!' if self.rest().starts_with('=') => return self.relation(start, Rel::NotEqual, Rel::NotEqual),
            '=' => TokenKind::Rel(Rel::Equal),
            '≤' | '⩽' | '≦' => TokenKind::Rel(Rel::LessEqual),
            '≥' | '⩾' | '≧' => TokenKind::Rel(Rel::GreaterEqual),
            '≠' => TokenKind::Rel(Rel::NotEqual),
            '≈' | '≃' | '≅' => TokenKind::Rel(Rel::About),
            '∈' => TokenKind::Rel(Rel::In),
            '*' if self.rest().starts_with('*') => {
                self.at += 1;
                TokenKind::Sign('^')
            }
            '√' | '∛' | '∜' => return self.root(start, sign),
            'π' | '∞' | '∅' => TokenKind::Name(sign.into()),
            'ℝ' | 'ℕ' | 'ℤ' | 'ℚ' | 'ℂ' => TokenKind::Name(format!("bb {}", number_set(sign))),
            '∠' => TokenKind::Mark("angle".into()),
            '△' => TokenKind::Mark("triangle".into()),
            'º' => TokenKind::Sign('°'),
            '℃' | '℉' => {
                self.push(start, TokenKind::Sign('°'));
                TokenKind::Name(if sign == '℃' { "C" } else { "F" }.into())
            }
            '°' => TokenKind::Sign('°'),
            '…' | '⋯' => TokenKind::Dots,
            '.' if self.rest().starts_with("..") => {
                self.at += 2;
                TokenKind::Dots
            }
            ',' => TokenKind::Comma,
            ';' => TokenKind::Semicolon,
            '$' => TokenKind::Money("dollar"),
            '€' => TokenKind::Money("euro"),
            '£' => TokenKind::Money("pound sterling"),
            '¥' | '￥' => TokenKind::Money("yuan"),
            '₹' => TokenKind::Money("rupee"),
            '(' | ')' | '[' | ']' => return self.bracket(start, sign),
            '+' | '-' | '*' | '/' | '^' | '_' | '!' | '\'' | '{' | '}' | ':' | '±' | '∓' | '∪' | '∩' | '∖' | '%' | '‰' | '|'
            | '⌊' | '⌋' | '⌈' | '⌉' => TokenKind::Sign(sign),
            '&' => TokenKind::Sign('&'),
            // The full stop behind an answer.
            '.' if self.rest().is_empty() || self.rest().starts_with([' ', '\n', ')', '}', '"', '$', '\\']) => {
                self.spaced = true;
                return;
            }
            '~' if self.rest().starts_with('~') => return self.unknown(start),
            '"' | '“' | '”' | '`' | '~' | '«' | '»' | '‘' => {
                self.spaced = true;
                return;
            }
            _ => return self.unknown(start),
        };
        self.push(start, kind);
    }

    /// Reads `√12`: the root of all digits behind it.
    fn root(&mut self, start: usize, sign: char) {
        self.push(start, TokenKind::Func("sqrt".into()));
        if sign != '√' {
            [TokenKind::Sign('['), TokenKind::Num(if sign == '∛' { "3" } else { "4" }.into()), TokenKind::Sign(']')]
                .into_iter()
                .for_each(|kind| self.push(start, kind));
        }
        let digits = super::digits(self.rest());
        if !digits.is_empty() {
            self.at += digits.len();
            [TokenKind::Sign('{'), TokenKind::Num(digits.to_owned()), TokenKind::Sign('}')]
                .into_iter()
                .for_each(|kind| self.push(start, kind));
        }
    }

    pub(super) fn bracket(&mut self, start: usize, sign: char) {
        match sign {
            '(' | '[' | '⟨' => self.brackets += 1,
            ')' | ']' | '⟩' => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
        self.push(start, TokenKind::Sign(sign));
    }
}

fn number_set(sign: char) -> char {
    match sign {
        'ℝ' => 'R',
        'ℕ' => 'N',
        'ℤ' => 'Z',
        'ℚ' => 'Q',
        _ => 'C',
    }
}
