//! An answer in LaTeX or plain notation -> tokens: what only lays out is dropped, spellings of one sign become one.

mod commands;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// Digits with at most one point, thousands joined.
    Num(String),
    /// The digits that a decimal repeats for ever, after its [`Token::Num`].
    Repeat(String),
    /// A variable or a named constant.
    Name(String),
    /// A function or an operator with arguments: `sin`, `frac`, `sum`.
    Call(String),
    /// Words: units, remarks, answers that are no mathematics.
    Text(String),
    /// A relation.
    Rel(Rel),
    /// One of `+ - * / ^ _ ! ' ( ) [ ] { } : & ± ∪ ∩ ∖ %`, `⟨ ⟩` for braces of a set, `⌊ ⌋ ⌈ ⌉`, `|`, and `❘ ❙` for bars that say whether they
    /// open or close.
    Sign(char),
    /// A comma, "and", "or".
    Comma,
    /// A semicolon.
    Semicolon,
    /// The beginning of an environment, such as `pmatrix`.
    Begin(String),
    /// Its end.
    End,
    /// The end of one of its rows.
    Row,
}

/// A relation of two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rel {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    About,
    In,
}

impl Rel {
    /// The same relation with its sides exchanged.
    pub fn turned(self) -> Self {
        match self {
            Rel::Less => Rel::Greater,
            Rel::LessEqual => Rel::GreaterEqual,
            Rel::Greater => Rel::Less,
            Rel::GreaterEqual => Rel::LessEqual,
            same => same,
        }
    }
}

/// How commas between digits are read where they can be read in two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Whether `1,234` is one number outside of brackets and two inside, or the other way round.
    pub thousands: bool,
    /// Whether the text is no LaTeX, so that `2,74` may be a decimal.
    pub plain: bool,
}

const FUNCTIONS: [&str; 32] = [
    "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "ln", "log", "exp", "sqrt",
    "frac", "binom", "max", "min", "gcd", "lcm", "sum", "prod", "int", "iint", "oint", "lim", "deg", "det", "arg", "mod",
];

const UNITS: [&str; 62] = [
    "cm", "mm", "km", "kg", "mg", "ml", "ft", "in", "inch", "inches", "foot", "feet", "yard", "yards", "mile", "miles", "mph",
    "kph", "meter", "meters", "metre", "metres", "gram", "grams", "liter", "liters", "litre", "litres", "hour", "hours", "hr",
    "hrs", "minute", "minutes", "min", "mins", "second", "seconds", "sec", "secs", "day", "days", "week", "weeks", "month",
    "months", "year", "years", "dollar", "dollars", "cent", "cents", "yuan", "euro", "euros", "degree", "degrees", "unit",
    "units", "square", "cubic", "sq",
];

const PERCENT: [&str; 4] = ["percent", "pct", "percentage", "percents"];

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    reading: Reading,
    tokens: Vec<Token>,
    brackets: usize,
    environments: usize,
}

/// The tokens of a text.
pub(super) fn lex(text: &str, reading: Reading) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, reading, tokens: Vec::new(), brackets: 0, environments: 0 };
    while lexer.at < text.len() {
        lexer.step();
    }
    lexer.tokens
}

/// What stands in the group that opens at the start of `text`, and the bytes it takes; an unclosed group reaches to the end.
pub(super) fn group(text: &str) -> Option<(&str, usize)> {
    let inside = text.strip_prefix('{')?;
    let mut depth = 1;
    for (at, letter) in inside.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&inside[..at], at + 2));
        }
    }
    Some((inside, text.len()))
}

fn digits(text: &str) -> &str {
    &text[..text.bytes().take_while(u8::is_ascii_digit).count()]
}

fn letters(text: &str) -> &str {
    &text[..text.bytes().take_while(u8::is_ascii_alphabetic).count()]
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn push(&mut self, token: Token) {
        self.tokens.push(token);
    }

    /// Whether what was read last ends a value, so that a unit or a word may follow it.
    fn after_value(&self) -> bool {
        matches!(self.tokens.last(), Some(Token::Num(_) | Token::Sign(')' | '}' | ']' | '%' | '⟩') | Token::End))
    }

    fn step(&mut self) {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return };
        if first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
            return self.number();
        }
        if first.is_ascii_alphabetic() {
            return self.word();
        }
        if first == '\\' {
            return self.command();
        }
        self.at += first.len_utf8();
        self.sign(first, &rest[first.len_utf8()..]);
    }

    /// A number with its groups of thousands, its decimals and what repeats.
    fn number(&mut self) {
        let mut number = digits(self.rest()).to_owned();
        self.at += number.len();
        if (1..=3).contains(&number.len()) && !number.starts_with('0') {
            while let Some((group, length)) = self.thousand() {
                number.push_str(group);
                self.at += length;
            }
        }
        let rest = self.rest();
        let part = rest.strip_prefix('.').map_or("", digits);
        if !part.is_empty() {
            number = format!("{}.{part}", if number.is_empty() { "0" } else { &number });
            self.at += 1 + part.len();
        } else if rest.starts_with(".\\overline{") {
            number.push('.');
            self.at += 1;
        } else if let Some(part) = self.decimal_comma(&number) {
            number = format!("{number}.{part}");
            self.at += 1 + part.len();
        }
        let exponent = self.exponent();
        self.push(Token::Num(number.clone()));
        if let Some(exponent) = exponent {
            [Token::Sign('*'), Token::Num("10".into()), Token::Sign('^')].into_iter().for_each(|token| self.push(token));
            if exponent.starts_with('-') {
                self.push(Token::Sign('-'));
            }
            self.push(Token::Num(exponent.trim_start_matches(['-', '+']).to_owned()));
        }
        if let Some(inside) = self.rest().strip_prefix("\\overline").and_then(group).filter(|_| number.contains('.'))
            && !inside.0.is_empty()
            && inside.0.bytes().all(|b| b.is_ascii_digit())
        {
            self.at += "\\overline".len() + inside.1;
            self.push(Token::Repeat(inside.0.to_owned()));
        }
    }

    /// Three digits that continue a number, and the bytes up to their end.
    fn thousand(&self) -> Option<(&'a str, usize)> {
        let rest = self.rest();
        let comma = (self.brackets == 0) == self.reading.thousands;
        let marks = ["{,}", ",\\!", "\\,", "\\ ", " ", "~"];
        let mark =
            marks.iter().find(|mark| rest.starts_with(**mark)).copied().or((comma && rest.starts_with(',')).then_some(","))?;
        let mut length = mark.len();
        if mark == ",\\!" {
            length += rest[length..].len() - rest[length..].trim_start().len();
        }
        let group = digits(&rest[length..]);
        (group.len() == 3).then_some((group, length + 3))
    }

    /// The decimals after a comma, in plain text: one or two digits, or any after a zero.
    fn decimal_comma(&self, number: &str) -> Option<&'a str> {
        let part = digits(self.rest().strip_prefix(',')?);
        let after = &self.rest()[1 + part.len()..];
        let short = (1..=2).contains(&part.len()) || (number == "0" && !part.is_empty());
        (self.reading.plain && self.brackets == 0 && short && !after.starts_with(',')).then_some(part)
    }

    /// The exponent of `1.5e-3`, in plain text.
    fn exponent(&mut self) -> Option<&'a str> {
        let rest = self.rest().strip_prefix(['e', 'E']).filter(|_| self.reading.plain)?;
        let signed = rest.strip_prefix(['-', '+']).unwrap_or(rest);
        let length = rest.len() - signed.len() + digits(signed).len();
        let whole = !digits(signed).is_empty() && !rest[length..].starts_with(|c: char| c.is_alphanumeric());
        whole.then(|| {
            self.at += 1 + length;
            &rest[..length]
        })
    }

    fn word(&mut self) {
        let run = letters(self.rest());
        let lower = run.to_ascii_lowercase();
        let after = &self.rest()[run.len()..];
        let joined = ["and", "or"].into_iter().find(|joint| {
            let next = run[joint.len().min(run.len())..].chars().next();
            run.starts_with(joint) && (next.is_none() || (self.after_value() && next.is_some_and(|c| c.is_ascii_uppercase())))
        });
        let spaced = self.text[..self.at].ends_with(char::is_whitespace);
        let plural = run.len() >= 4 && run[1..].bytes().all(|b| b.is_ascii_lowercase());
        let (length, token) = match lower.as_str() {
            _ if let Some(joint) = joined => (joint.len(), Token::Comma),
            word if PERCENT.contains(&word) => (run.len(), Token::Sign('%')),
            "in" if after.trim_start().starts_with(['(', '[', '{', '\\']) => (run.len(), Token::Rel(Rel::In)),
            "pi" => (run.len(), Token::Name("π".into())),
            "infinity" | "inf" => (run.len(), Token::Name("∞".into())),
            _ if FUNCTIONS.contains(&run) && run != "int" && run != "deg" && run != "arg" => {
                (run.len(), Token::Call(run.to_owned()))
            }
            word if self.after_value() && UNITS.contains(&word) => (run.len(), Token::Text(run.to_owned())),
            _ if plural || (run.len() >= 3 && spaced && self.after_value() && run == lower) => {
                (run.len(), Token::Text(run.to_owned()))
            }
            _ => (1, Token::Name(run[..1].to_owned())),
        };
        self.at += length;
        self.push(token);
    }

    fn sign(&mut self, sign: char, rest: &str) {
        let relation = |lexer: &mut Self, loose: Rel, strict: Rel| {
            let with = rest.starts_with('=');
            lexer.at += usize::from(with);
            lexer.push(Token::Rel(if with { loose } else { strict }));
        };
        match sign {
            '<' => relation(self, Rel::LessEqual, Rel::Less),
            '>' => relation(self, Rel::GreaterEqual, Rel::Greater),
            '=' => relation(self, Rel::Equal, Rel::Equal),
            '!' if rest.starts_with('=') => relation(self, Rel::NotEqual, Rel::NotEqual),
            '≤' => self.push(Token::Rel(Rel::LessEqual)),
            '≥' => self.push(Token::Rel(Rel::GreaterEqual)),
            '≠' => self.push(Token::Rel(Rel::NotEqual)),
            '≈' => self.push(Token::Rel(Rel::About)),
            '∈' => self.push(Token::Rel(Rel::In)),
            '*' if rest.starts_with('*') => {
                self.at += 1;
                self.push(Token::Sign('^'));
            }
            '×' | '·' | '⋅' | '*' => self.push(Token::Sign('*')),
            '−' | '–' | '-' => self.push(Token::Sign('-')),
            '÷' | '/' => self.push(Token::Sign('/')),
            '√' => self.push(Token::Call("sqrt".into())),
            'π' | '∞' | '∅' => self.push(Token::Name(sign.into())),
            '²' | '³' => {
                self.push(Token::Sign('^'));
                self.push(Token::Num(if sign == '²' { "2" } else { "3" }.into()));
            }
            ',' => self.push(Token::Comma),
            ';' => self.push(Token::Semicolon),
            '(' | ')' | '[' | ']' => self.bracket(sign),
            '+' | '^' | '_' | '!' | '\'' | '{' | '}' | ':' | '±' | '∪' | '∩' | '%' | '|' | '⌊' | '⌋' | '⌈' | '⌉' => {
                self.push(Token::Sign(sign))
            }
            '&' if self.environments > 0 => self.push(Token::Sign('&')),
            _ if sign.is_alphabetic() => self.push(Token::Text(sign.into())),
            // Dollars, degrees, points and blanks say nothing here.
            _ => {}
        }
    }
}
