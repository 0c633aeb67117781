//! Two answers as they were found -> whether they are the same. Each is read in one way; where another way would change the outcome, it is unknown.

use std::cell::Cell;

use crate::{
    Extracted, How, Outcome, Unknown, VerifyOptions, Why,
    expr::Expr,
    lex::{Commas, Kind, Mode, Token, lex},
    parse::{Node, parse, parse_tokens},
    relate::{Relate, Said},
    units,
};

/// Compares two answers.
pub fn compare(gold: &Extracted, answer: &Extracted, options: &VerifyOptions) -> Outcome {
    if gold.text.len() > options.max_bytes || answer.text.len() > options.max_bytes {
        return Why::TooLong.into();
    }
    if let Some(piece) = &answer.doubt {
        return not_understood(piece.clone());
    }
    let (gold, answer) = (Read::new(gold), Read::new(answer));
    if gold.tokens.is_empty() || answer.tokens.is_empty() {
        return Why::NoAnswer.into();
    }
    if same_tokens(&gold.tokens, &answer.tokens) {
        return Outcome::Equal;
    }
    let (one, other) = match (gold.node(Commas::Usual), answer.node(Commas::Usual)) {
        (Ok(one), Ok(other)) => (one, other),
        (Err(piece), _) | (_, Err(piece)) => return not_understood(piece),
    };
    let relate = Relate { options, steps: Cell::new(options.max_steps) };
    match relate.same(&one, &other) {
        _ if relate.steps.get() == 0 => Why::TooManySteps.into(),
        Said::Same => Outcome::Equal,
        Said::Open(unknown) => Outcome::Unknown(unknown),
        Said::Other => match another_reading(&relate, (&gold, &one), (&answer, &other)) {
            // The limit may have cut off the reading in which they are equal.
            Outcome::Unequal if relate.steps.get() == 0 => Why::TooManySteps.into(),
            outcome => outcome,
        },
    }
}

fn not_understood(piece: String) -> Outcome {
    Outcome::Unknown(Unknown { why: Why::NotUnderstood, piece: Some(piece) })
}

/// Unequal, unless another reading of one of both would make them equal.
fn another_reading(relate: &Relate<'_>, (gold, one): (&Read<'_>, &Node), (answer, other): (&Read<'_>, &Node)) -> Outcome {
    // Where one of both has a unit in words, a letter of the other is one, too: `1 kg` and `\boxed{1000 g}`.
    let worded = |read: &Read<'_>, beside: &Node| {
        unit(beside) && read.quantity().is_some_and(|node| relate.same(&node, beside) == Said::Same)
    };
    if worded(gold, other) || worded(answer, one) {
        return Outcome::Equal;
    }
    let (words, others) = (gold.words(one), answer.words(other));
    let mut readings: Vec<_> = gold.commas(one).into_iter().chain(words).map(|node| (node, other.clone(), gold.text)).collect();
    readings.extend(answer.commas(other).into_iter().chain(others).map(|node| (one.clone(), node, answer.text)));
    for (one, other, piece) in readings {
        if relate.same(&one, &other) == Said::Same {
            return Outcome::Unknown(Unknown { why: Why::SeveralReadings, piece: Some(crate::parse::shortened(piece)) });
        }
    }
    let open = |piece: &str| Outcome::Unknown(Unknown { why: Why::NotProven, piece: Some(piece.to_owned()) });
    if unit(one) && unit(other) {
        return Outcome::Unequal;
    }
    // `9.8 m/s^2` in mathematics is a product of variables; it may be a number with a unit.
    let (first, second) = (units::tail(gold.text), units::tail(answer.text));
    let long = |signs: &str| signs.split(' ').any(|sign| sign.chars().filter(|c| c.is_alphabetic()).count() > 1);
    match (&first, &second) {
        (Some((_, one)), Some((_, other))) if one != other && (long(one) || long(other)) => {
            return open("units that are not converted");
        }
        (None, None) => return Outcome::Unequal,
        _ => {}
    }
    let value = |tail: &Option<(&str, String)>, read: &Read<'_>| {
        let text = tail.as_ref().map_or(read.text, |(value, _)| value);
        parse(text, Mode::Math, Commas::Usual).ok()
    };
    match (value(&first, gold), value(&second, answer)) {
        (Some(one), Some(other)) if relate.same(&one, &other) == Said::Same => open("a unit or a variable"),
        _ => Outcome::Unequal,
    }
}

/// Whether an answer is a quantity of units that are known.
fn unit(node: &Node) -> bool {
    matches!(node, Node::Quantity(_, Some(unit)) if unit.known)
}

/// An answer with its tokens.
struct Read<'a> {
    text: &'a str,
    mode: Mode,
    tokens: Vec<Token>,
}

impl<'a> Read<'a> {
    fn new(answer: &'a Extracted) -> Self {
        let text = undressed(&answer.text);
        let dollars = answer.text.trim().starts_with('$') && answer.text.trim().ends_with('$');
        let mode = if answer.math || dollars || text.contains('\\') { Mode::Math } else { Mode::Prose };
        Read { text, mode, tokens: lex(text, mode, Commas::Usual) }
    }

    /// As it is read first. What is no mathematics may be a number with a unit: `72 km/h`.
    fn node(&self, commas: Commas) -> Result<Node, String> {
        match commas {
            Commas::Usual => {
                parse_tokens(self.text, self.tokens.clone(), self.mode).or_else(|piece| self.quantity().ok_or(piece))
            }
            other => parse(self.text, self.mode, other),
        }
    }

    /// Mathematics read as text with a unit. Commas must be those of thousands, which are the same in both.
    fn quantity(&self) -> Option<Node> {
        let groups =
            self.text.replace("\\,", " ").split(',').skip(1).all(|rest| rest.bytes().take_while(u8::is_ascii_digit).count() == 3);
        if self.mode == Mode::Prose || !groups {
            return None;
        }
        parse(self.text, Mode::Prose, Commas::Usual).ok().filter(unit)
    }

    /// Mathematics read as text, such as `9.8 m/s^2`, where that is another reading.
    fn words(&self, first: &Node) -> Option<Node> {
        let has = |kind: fn(&char) -> bool| self.text.chars().any(|c| kind(&c));
        let mixed = self.mode == Mode::Math && has(char::is_ascii_alphabetic) && has(char::is_ascii_digit);
        let node = if mixed { parse(self.text, Mode::Prose, Commas::Usual).ok()? } else { return None };
        (node != *first).then_some(node)
    }

    /// What else its commas may say.
    fn commas(&self, first: &Node) -> Vec<Node> {
        let bytes = self.text.as_bytes();
        let digit = |at: Option<&u8>| at.is_some_and(u8::is_ascii_digit);
        let between = |at: usize| bytes[at] == b',' && digit(bytes.get(at + 1)) && at > 0 && digit(bytes.get(at - 1));
        if !(0..bytes.len()).any(between) {
            return Vec::new();
        }
        let all = [Commas::Lists, Commas::Decimals, Commas::Thousands].into_iter().filter_map(|commas| self.node(commas).ok());
        all.filter(|node| node != first).collect()
    }
}

/// An answer without the signs around it that open and close mathematics or quote it.
fn undressed(text: &str) -> &str {
    let mut text = text.trim();
    loop {
        let pairs =
            [("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("\"", "\""), ("'", "'"), ("`", "`"), ("**", "**")];
        let inside = pairs.iter().find_map(|(open, close)| {
            let inside = text.strip_prefix(open)?.strip_suffix(close)?;
            (!inside.is_empty() && !inside.replace("\\$", "").contains(open) && !inside.ends_with('\\')).then_some(inside.trim())
        });
        match inside {
            Some(inside) => text = inside,
            None => break,
        }
    }
    let trimmed = text.trim_end_matches([',', ';', ' ']);
    // The comma of `\,` stays.
    let text = if trimmed.ends_with('\\') { text } else { trimmed };
    // Three dots go on with something; one ends a sentence.
    if text.ends_with("..") { text } else { text.strip_suffix('.').unwrap_or(text).trim() }
}

/// The same tokens say the same, whatever they say: nothing but layout differs.
fn same_tokens(gold: &[Token], answer: &[Token]) -> bool {
    gold.len() == answer.len()
        && gold.iter().zip(answer).all(|(one, other)| match (&one.kind, &other.kind) {
            (Kind::Word(one), Kind::Word(other)) => {
                one == other || one.chars().count() > 3 && one.to_lowercase() == other.to_lowercase()
            }
            // A brace of `\mathrm{{e}}` is not one of `{\mathrm{e}}`.
            (Kind::Sign('{'), Kind::Sign('{')) => one.upright == other.upright,
            (one, other) => one == other,
        })
}

/// The letter of the single choice that an answer names, with or without what stands behind it.
pub fn choice(answer: &str) -> Option<char> {
    let found = Extracted { text: answer.trim().to_owned(), how: How::Whole, math: false, doubt: None };
    match Read::new(&found).node(Commas::Usual).ok()? {
        Node::Choice(letter, _) => Some(letter),
        Node::Quantity(Expr::Name(name), None) if name.len() == 1 => name.chars().next().map(|c| c.to_ascii_uppercase()),
        _ => None,
    }
}
