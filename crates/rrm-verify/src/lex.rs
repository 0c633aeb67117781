//! Answer in LaTeX or plain notation -> tokens. Pure layout is dropped; unknown pieces become [`TokenKind::Unknown`].

mod commands;
mod letters;
mod numbers;
mod signs;
mod styles;

/// A token and its position.
#[derive(Clone, Debug)]
pub struct Token {
    /// The kind of token.
    pub kind: TokenKind,
    /// Its first byte.
    pub start: usize,
    /// The first byte behind it.
    pub end: usize,
    /// Whether a space of any kind stands before it.
    pub spaced: bool,
    /// Whether it is set upright, as units and words are, by `\text{}` or a similar command.
    pub upright: bool,
}

/// The kind of a token.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenKind {
    /// Digits with at most one point; groups of thousands are joined.
    Num(String),
    /// The repeating digits of a decimal, behind its [`TokenKind::Num`].
    Repeat(String),
    /// A fraction that is a single character, such as `½`: numerator and denominator.
    Part(u32, u32),
    /// Year, month and day.
    Date(u32, u32, u32),
    /// A variable, a label such as `ABC`, or a named constant.
    Name(String),
    /// A function or an operator with arguments: `sin`, `frac`, `sum`.
    Func(String),
    /// An accent or a mark that forms a name with what follows: `overline`, `angle`.
    Mark(String),
    /// A word.
    Word(String),
    /// A currency sign, by its name.
    Money(&'static str),
    /// A relation.
    Rel(Rel),
    /// One of `+ - * / ^ _ ! ' ( ) [ ] { } : & ± ∓ ∪ ∩ ∖ % ‰ °`, `⟨ ⟩` for the braces of a set, `⌊ ⌋ ⌈ ⌉`, `|`, and `❘ ❙` for bars that are known to
    /// open or to close.
    Sign(char),
    /// A comma.
    Comma,
    /// "and" in any of several languages.
    And,
    /// "or" in any of several languages.
    Or,
    /// A semicolon.
    Semicolon,
    /// An ellipsis.
    Dots,
    /// The beginning of an environment, such as `pmatrix`.
    Begin(String),
    /// The end of an environment.
    End,
    /// The end of a row of an environment.
    Row,
    /// A piece that is not known, as written.
    Unknown(String),
}

/// A relation of two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rel {
    /// `=`
    Equal,
    /// `≠`
    NotEqual,
    /// `<`
    Less,
    /// `≤`
    LessEqual,
    /// `>`
    Greater,
    /// `≥`
    GreaterEqual,
    /// `≈`
    About,
    /// `∈`
    In,
}

impl Rel {
    /// Returns the same relation with its sides exchanged.
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

/// The mode of a text: mathematics or prose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextMode {
    /// Mathematics: letters are variables, blanks between digits are ignored, and an exponent without braces is one sign.
    Math,
    /// Plain text: letters may be units, `x^12` has the exponent 12, and blanks separate numbers.
    Prose,
}

/// How digits and the signs between them are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberStyle {
    /// Groups of three digits make one number outside of brackets, and in plain text two digits behind a comma are decimals.
    Usual,
    /// Every comma separates two answers.
    Lists,
    /// A comma is a decimal point.
    Decimals,
    /// Commas before groups of three digits join one number, inside of brackets, too.
    Thousands,
    /// A point before exactly three digits parts thousands, and each comma two answers.
    Points,
    /// A point before exactly three digits parts thousands, and a comma is a decimal point.
    PointsAndCommas,
    /// Letters are digits of another base: `FF_{16}`.
    Bases,
    /// Letters are Roman numerals.
    Numerals,
    /// `5/3/2021` is the fifth of March.
    DayFirst,
    /// `3/5/2021` is the fifth of March.
    MonthFirst,
    /// `21-03-05` and `20210305` are the fifth of March.
    YearFirst,
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    mode: TextMode,
    style: NumberStyle,
    tokens: Vec<Token>,
    brackets: usize,
    environments: usize,
    spaced: bool,
    upright: bool,
}

/// The tokens of a text.
pub fn lex(text: &str, mode: TextMode, style: NumberStyle) -> Vec<Token> {
    let mut lexer =
        Lexer { text, at: 0, mode, style, tokens: Vec::new(), brackets: 0, environments: 0, spaced: false, upright: false };
    while lexer.at < lexer.text.len() {
        lexer.step();
    }
    lexer.tokens
}

/// Returns the content of the group that opens at the start of `text`, and the length of the group in bytes; `None` if the group is not closed.
pub fn group(text: &str) -> Option<(&str, usize)> {
    let inside = text.strip_prefix('{')?;
    let mut depth = 1;
    let mut escaped = false;
    for (at, letter) in inside.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&inside[..at], at + 2));
        }
    }
    None
}

fn digits(text: &str) -> &str {
    &text[..text.bytes().take_while(u8::is_ascii_digit).count()]
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Appends a token that ends at the current position.
    fn push(&mut self, start: usize, kind: TokenKind) {
        self.tokens.push(Token { kind, start, end: self.at, spaced: self.spaced, upright: self.upright });
        self.spaced = false;
    }

    fn unknown(&mut self, start: usize) {
        let piece = self.text[start..self.at].to_owned();
        self.push(start, TokenKind::Unknown(piece));
    }

    /// Whether the last token ends a value, so that a unit or a word may follow.
    fn after_value(&self) -> bool {
        matches!(
            self.tokens.last().map(|token| &token.kind),
            Some(
                TokenKind::Num(_)
                    | TokenKind::Repeat(_)
                    | TokenKind::Part(..)
                    | TokenKind::Sign(')' | '}' | ']' | '%' | '⟩' | '°')
                    | TokenKind::End
            )
        )
    }

    fn step(&mut self) {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return };
        if first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
            return self.number();
        }
        if first.is_alphabetic() && !signs::is_sign(first) {
            if !self.in_another_base() {
                self.letters();
            }
            return;
        }
        if first == '\\' {
            return self.command();
        }
        self.sign(first);
    }
}
