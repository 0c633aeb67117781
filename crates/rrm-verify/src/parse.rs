//! Tokens -> [`Node`]: quantities, tuples, sets, relations, times, choices, or words. If the tokens cannot be parsed to their end, the piece that
//! stopped the parser is reported.

mod atom;
mod bracket;
mod call;
mod lists;
mod quantity;
mod term;

use crate::{
    expr::Expr,
    lex::{NumberStyle, Rel, TextMode, Token, TokenKind, lex},
    units::Unit,
    words,
};

/// A parsed answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A number or a term, and its unit or counted noun.
    Quantity(Expr, Option<Unit>),
    /// `5 feet 6 inches`: quantities of one kind that are added.
    Compound(Vec<(Expr, Unit)>),
    /// Words.
    Text(String),
    /// A choice: its letter, and the content behind it.
    Choice(char, Option<Box<Node>>),
    /// Several answers, and the way they are joined.
    Many(Vec<Node>, AnswerJoint),
    /// A tuple, or an interval: opening bracket, members, closing bracket.
    Tuple(char, Vec<Node>, char),
    /// Sets joined by `∪`, `∩` or `∖`.
    Joined(char, Vec<Node>),
    /// A ratio of two or more parts: `a : b`.
    Ratio(Vec<Expr>),
    /// A time of day: hours, minutes, and whether it is after noon (`None` if not stated).
    Time(u32, u32, Option<bool>),
    /// A date: year, month and day.
    Date(u32, u32, u32),
    /// A chain of relations: `a < b = c`.
    Chain(Box<Node>, Vec<(Rel, Node)>),
    /// A function by cases: values with their conditions.
    Cases(Vec<(Node, Option<Node>)>),
}

/// The way in which several answers are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerJoint {
    /// NumberStyle.
    Comma,
    /// "and", or the rows of a system.
    And,
    /// "or".
    Or,
    /// The braces of a set.
    Set,
}

/// Deepest nesting of brackets that is parsed; deeper answers are not understood.
const DEEPEST: u32 = 40;

/// Words behind the letter of a choice that are not its content.
const NO_CONTENT: &[&str] = &[
    "is",
    "isn",
    "was",
    "are",
    "seems",
    "looks",
    "cannot",
    "can",
    "must",
    "should",
    "may",
    "might",
    "could",
    "would",
    "wait",
    "otherwise",
    "if",
    "unless",
    "or",
    "not",
    "no",
    "but",
    "and",
];

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    /// The end of the tokens to parse; later tokens belong to something else.
    end: usize,
    /// The furthest token that the parser reached.
    furthest: usize,
    depth: u32,
    bars: u32,
    mode: TextMode,
    /// Whether `[` closes and `]` opens, as in `]a, b[`.
    turned: bool,
    /// A currency sign before the number that is being read.
    money: Option<&'static str>,
    text: &'a str,
}

/// Reads an answer, or says which piece of it is not understood.
pub fn parse(text: &str, mode: TextMode, style: NumberStyle) -> Result<Node, String> {
    let tokens = lex(text, mode, style);
    parse_tokens(text, tokens, mode)
}

/// Parses the tokens of an answer. Fails with the piece that is not understood.
pub fn parse_tokens(text: &str, tokens: Vec<Token>, mode: TextMode) -> Result<Node, String> {
    if tokens.is_empty() {
        return Err(shortened(text.trim()));
    }
    let mut parser =
        Parser { end: tokens.len(), tokens, at: 0, furthest: 0, depth: 0, bars: 0, mode, turned: false, money: None, text };
    if let Some(node) = parser.choice_node() {
        return Ok(node);
    }
    if let Some(node) = spoken(&parser.tokens) {
        return Ok(node);
    }
    if let Some(words) = sentence(text, &parser.tokens) {
        return Ok(Node::Text(words));
    }
    if let Some(TokenKind::Unknown(piece)) =
        parser.tokens.iter().map(|token| &token.kind).find(|kind| matches!(kind, TokenKind::Unknown(_)))
    {
        return Err(shortened(piece));
    }
    match parser.whole() {
        Some(node) if parser.at == parser.tokens.len() => Ok(node),
        _ => Err(parser.piece()),
    }
}

/// Parses a number in words with its counted noun: "seven apples", "twenty-five dollars".
fn spoken(tokens: &[Token]) -> Option<Node> {
    let word = |token: &Token| match &token.kind {
        TokenKind::Word(word) => Some(word.to_lowercase()),
        TokenKind::Sign('-') => Some("-".to_owned()),
        TokenKind::And => Some("and".to_owned()),
        TokenKind::Name(name) if name == "a" => Some("a".to_owned()),
        _ => None,
    };
    let words = tokens.iter().map(word).collect::<Option<Vec<_>>>()?;
    let taken = (1..=words.len()).rev().find(|taken| {
        let last = &words[taken - 1];
        last != "and" && last != "-" && words::written_number(&words[..*taken].join(" ").replace(" - ", " ")).is_some()
    })?;
    let value = words::written_number(&words[..taken].join(" ").replace(" - ", " "))?;
    let rest = &words[taken..];
    let alone = |word: &String| words::ordinal(word).is_some();
    if words.len() == 1 && alone(&words[0]) {
        // A third, or the third.
        return None;
    }
    let more = |word: &String| words::changes(word) || words::number(word).is_some() || words::magnitude(word).is_some();
    let joint = |word: &String| matches!(word.as_str(), "and" | "-" | "of" | "point" | "comma" | "dot" | "over" | "in" | "komma");
    if rest.len() > 3 || rest.iter().any(|word| more(word) || joint(word)) {
        return None;
    }
    let unit = rest.iter().map(|word| Unit::named(word)).reduce(|one, other| one.times(&other));
    Some(Node::Quantity(Expr::Num(crate::expr::Literal { value, places: None }), unit))
}

/// Returns the words of an answer that has nothing but words; `None` for a list of words, which is parsed as a list.
fn sentence(text: &str, tokens: &[Token]) -> Option<String> {
    let wordy = |token: &Token| match &token.kind {
        TokenKind::Word(_) | TokenKind::Name(_) | TokenKind::Comma | TokenKind::And | TokenKind::Or | TokenKind::Semicolon => {
            true
        }
        TokenKind::Sign(sign) => matches!(sign, '\'' | '-' | '(' | ')' | ':' | '!'),
        TokenKind::Unknown(piece) => piece.chars().all(|c| !c.is_ascii_digit() && !c.is_alphabetic() && c != '\\'),
        _ => false,
    };
    let first = tokens.first().map(|token| &token.kind);
    let second = tokens.get(1).map(|token| &token.kind);
    let letter = matches!(first, Some(TokenKind::Name(name)) if name.len() == 1 && name.bytes().all(|b| b.is_ascii_uppercase()));
    if letter && matches!(second, Some(TokenKind::Word(word)) if NO_CONTENT.contains(&word.to_lowercase().as_str())) {
        return None;
    }
    let words = tokens.iter().filter(|token| matches!(&token.kind, TokenKind::Word(_))).count();
    let joints = tokens
        .iter()
        .any(|token| matches!(&token.kind, TokenKind::Comma | TokenKind::And | TokenKind::Or | TokenKind::Semicolon));
    let long = words > 6 || tokens.iter().any(|token| matches!(&token.kind, TokenKind::Unknown(_)));
    // A unit without its number, as in `\text{ cm}`, is not a sentence, and neither are variables beside operators.
    let named = tokens.iter().all(|token| match &token.kind {
        TokenKind::Name(name) => token.upright || name.chars().all(|c| c.is_alphabetic() || c == '\''),
        TokenKind::Sign('-') => words > 0,
        _ => true,
    });
    (words > 0 && named && (!joints || long) && tokens.iter().all(wordy)).then(|| said(text))
}

/// Returns the words of a text, without commands.
fn said(text: &str) -> String {
    let mut words = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        rest = &rest[next.len_utf8()..];
        if next == '\\' {
            let name = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
            rest = &rest[name..];
            words.push(' ');
        } else {
            words.push(next);
        }
    }
    words::plain(&words)
}

/// Shortens a text to forty characters.
pub fn shortened(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.by_ref().take(40).collect();
    if letters.next().is_some() { format!("{first}…") } else { first }
}

/// Returns the brackets that may close an opening one.
fn opens(sign: char) -> Option<&'static [char]> {
    match sign {
        '(' => Some(&[')', ']']),
        '[' => Some(&[']', ')', '[']),
        ']' => Some(&['[', ']']),
        '⟨' => Some(&['⟩']),
        _ => None,
    }
}

impl Parser<'_> {
    fn peek(&self) -> Option<&TokenKind> {
        self.kind(self.at)
    }

    fn kind(&self, at: usize) -> Option<&TokenKind> {
        if at < self.end { self.tokens.get(at).map(|token| &token.kind) } else { None }
    }

    fn token(&self) -> Option<&Token> {
        if self.at < self.end { self.tokens.get(self.at) } else { None }
    }

    fn step(&mut self) {
        self.at += 1;
        self.furthest = self.furthest.max(self.at);
    }

    fn sign(&self) -> Option<char> {
        match self.peek() {
            Some(TokenKind::Sign(sign)) => Some(*sign),
            _ => None,
        }
    }

    fn take(&mut self, sign: char) -> bool {
        let found = self.sign() == Some(sign);
        if found {
            self.step();
        }
        found
    }

    fn word(&self, at: usize) -> Option<String> {
        match self.kind(at) {
            Some(TokenKind::Word(word)) => Some(word.to_lowercase()),
            _ => None,
        }
    }

    /// Runs a parser one level of nesting deeper. Returns `None` below the deepest level.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.depth += 1;
        let found = if self.depth > DEEPEST { None } else { read(self) };
        self.depth -= 1;
        found
    }

    /// Returns the piece of the text at which parsing stopped.
    fn piece(&self) -> String {
        let place = self.furthest.max(self.at).min(self.tokens.len().saturating_sub(1));
        let start = self.tokens.get(place).map_or(0, |token| token.start);
        // The piece begins one token earlier, to show the context.
        let from = self.tokens.get(place.saturating_sub(1)).map_or(start, |token| token.start);
        shortened(self.text.get(from..).unwrap_or(self.text).trim())
    }

    /// Whether the current answer, or member of a list, ends here.
    fn at_end(&self) -> bool {
        match self.peek() {
            None
            | Some(
                TokenKind::Comma
                | TokenKind::And
                | TokenKind::Or
                | TokenKind::Semicolon
                | TokenKind::Rel(_)
                | TokenKind::Row
                | TokenKind::End,
            ) => true,
            Some(TokenKind::Sign(sign)) => matches!(sign, ')' | ']' | '⟩' | '}' | '∪' | '∩' | '∖' | '&'),
            _ => false,
        }
    }

    /// Parses an answer: a choice with its content, or anything else. A difference of two numbers that may be a range is refused.
    fn whole(&mut self) -> Option<Node> {
        if self.may_be_range() {
            self.furthest = 1;
            return None;
        }
        self.answers()
    }

    /// Parses a choice with its content, which may be any answer.
    fn choice_node(&mut self) -> Option<Node> {
        let (letter, behind) = self.choice()?;
        if behind == self.tokens.len() {
            return Some(Node::Quantity(Expr::Name(letter.to_string()), None));
        }
        self.at = behind;
        let known = !self.tokens.iter().any(|token| matches!(&token.kind, TokenKind::Unknown(_)));
        let rest = if known { self.answers().filter(|_| self.at == self.tokens.len()) } else { None };
        Some(Node::Choice(letter, rest.map(Box::new)))
    }

    /// Whether the answer is `5-10` in plain text: five to ten, or five minus ten.
    fn may_be_range(&self) -> bool {
        let number = |at: usize| matches!(self.kind(at), Some(TokenKind::Num(_)));
        let tight = self.tokens.get(1).is_some_and(|token| !token.spaced);
        self.mode == TextMode::Prose
            && number(0)
            && tight
            && matches!(self.kind(1), Some(TokenKind::Sign('-')))
            && number(2)
            && !matches!(self.kind(3), Some(TokenKind::Sign(_) | TokenKind::Rel(_) | TokenKind::Name(_)))
    }

    /// Returns the letter of a choice and the token at which its content begins.
    fn choice(&self) -> Option<(char, usize)> {
        let mut at = 0;
        if let Some(word) = self.word(0)
            && matches!(word.as_str(), "option" | "choice" | "answer" | "letter" | "alternative" | "case")
        {
            at = 1;
        }
        let opened = matches!(self.kind(at), Some(TokenKind::Sign('(')));
        at += usize::from(opened);
        let Some(TokenKind::Name(name)) = self.kind(at) else { return None };
        let letter = name.chars().next().filter(|_| name.chars().count() == 1)?;
        let upper = letter.to_ascii_uppercase();
        if !('A'..='J').contains(&upper)
            || (letter != upper && !opened && at == 0 && !matches!(self.kind(1), Some(TokenKind::Sign(')'))))
        {
            return None;
        }
        let token = self.tokens.get(at)?;
        let behind =
            self.text.get(token.end..).and_then(|rest| rest.chars().next()).map_or(token.end, |next| token.end + next.len_utf8());
        let written = self.text.get(token.start..behind).unwrap_or_default();
        let pointed = written.contains(&format!("{letter}.")) && self.kind(at + 1).is_some();
        let closed = matches!(self.kind(at + 1), Some(TokenKind::Sign(')')));
        let colon = self.mode == TextMode::Prose && matches!(self.kind(at + 1), Some(TokenKind::Sign(':')));
        let behind = at + 1 + usize::from(closed || colon);
        let joint = matches!(
            self.kind(behind),
            Some(
                TokenKind::Comma | TokenKind::And | TokenKind::Or | TokenKind::Semicolon | TokenKind::Rel(_) | TokenKind::Sign(_)
            )
        );
        // "C is wrong" has no content of the choice behind its letter.
        let verb = self.word(behind).is_some_and(|word| NO_CONTENT.contains(&word.as_str()) || word.ends_with("n't"));
        let worded = self.word(0).is_some();
        let named = worded && (self.word(behind).is_some() || behind == self.tokens.len());
        let ends = behind == self.tokens.len() && !worded && (opened || !closed);
        ((closed || pointed || colon || named) && !joint && !ends && !verb).then_some((upper, behind))
    }
}
