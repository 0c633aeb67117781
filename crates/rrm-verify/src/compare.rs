//! Two extracted answers -> equal, unequal or unknown. Each answer is parsed in its usual reading; if another reading would change the outcome, the
//! outcome is unknown.

use std::cell::Cell;

use crate::{
    ExtractionRule, FinalAnswer, Outcome, UnknownKind, UnknownReason, VerifyOptions,
    expr::Expr,
    lex::{Commas, TextMode, Token, TokenKind, lex},
    parse::{Node, parse, parse_tokens},
    relate::{Relation, RelationResult},
    units,
};

/// Compares two extracted answers. Returns [`Outcome::Unknown`] if an answer is too long, cannot be parsed, has several readings that differ in the
/// outcome, or takes too many steps.
pub fn compare(gold: &FinalAnswer, answer: &FinalAnswer, options: &VerifyOptions) -> Outcome {
    if gold.text.len() > options.max_bytes || answer.text.len() > options.max_bytes {
        return UnknownKind::TooLong.into();
    }
    if let Some(piece) = &answer.doubt {
        return not_understood(piece.clone());
    }
    let (gold, answer) = (TokenizedAnswer::new(gold), TokenizedAnswer::new(answer));
    if gold.tokens.is_empty() || answer.tokens.is_empty() {
        return UnknownKind::NoAnswer.into();
    }
    if same_tokens(&gold.tokens, &answer.tokens) {
        return Outcome::Equal;
    }
    let (one, other) = match (gold.node(Commas::Usual), answer.node(Commas::Usual)) {
        (Ok(one), Ok(other)) => (one, other),
        (Err(piece), _) | (_, Err(piece)) => return not_understood(piece),
    };
    let relate = Relation { options, steps: Cell::new(options.max_steps) };
    match relate.same(&one, &other) {
        _ if relate.steps.get() == 0 => UnknownKind::TooManySteps.into(),
        RelationResult::Same => Outcome::Equal,
        RelationResult::Open(unknown) => Outcome::Unknown(unknown),
        RelationResult::Other => match another_reading(&relate, (&gold, &one), (&answer, &other)) {
            // The step limit may have cut off the reading in which both are equal.
            Outcome::Unequal if relate.steps.get() == 0 => UnknownKind::TooManySteps.into(),
            outcome => outcome,
        },
    }
}

fn not_understood(piece: String) -> Outcome {
    Outcome::Unknown(UnknownReason { why: UnknownKind::NotUnderstood, piece: Some(piece) })
}

/// Returns the outcome for two answers that differ in their usual readings: unequal, unless another reading of either would make them equal.
fn another_reading(
    relate: &Relation<'_>,
    (gold, one): (&TokenizedAnswer<'_>, &Node),
    (answer, other): (&TokenizedAnswer<'_>, &Node),
) -> Outcome {
    // If one answer has a unit in words, a letter of the other is read as a unit, too: `1 kg` and `\boxed{1000 g}`.
    let worded = |read: &TokenizedAnswer<'_>, beside: &Node| {
        unit(beside) && read.quantity().is_some_and(|node| relate.same(&node, beside) == RelationResult::Same)
    };
    if worded(gold, other) || worded(answer, one) {
        return Outcome::Equal;
    }
    let (words, others) = (gold.words(one), answer.words(other));
    let mut readings: Vec<_> = gold.commas(one).into_iter().chain(words).map(|node| (node, other.clone(), gold.text)).collect();
    readings.extend(answer.commas(other).into_iter().chain(others).map(|node| (one.clone(), node, answer.text)));
    for (one, other, piece) in readings {
        if relate.same(&one, &other) == RelationResult::Same {
            return Outcome::Unknown(UnknownReason {
                why: UnknownKind::SeveralReadings,
                piece: Some(crate::parse::shortened(piece)),
            });
        }
    }
    let open = |piece: &str| Outcome::Unknown(UnknownReason { why: UnknownKind::NotProven, piece: Some(piece.to_owned()) });
    if unit(one) && unit(other) {
        return Outcome::Unequal;
    }
    // As mathematics, `9.8 m/s^2` is a product of variables; it may also be a number with a unit.
    let (first, second) = (units::tail(gold.text), units::tail(answer.text));
    let long = |signs: &str| signs.split(' ').any(|sign| sign.chars().filter(|c| c.is_alphabetic()).count() > 1);
    match (&first, &second) {
        (Some((_, one)), Some((_, other))) if one != other && (long(one) || long(other)) => {
            return open("units that are not converted");
        }
        (None, None) => return Outcome::Unequal,
        _ => {}
    }
    let value = |tail: &Option<(&str, String)>, read: &TokenizedAnswer<'_>| {
        let text = tail.as_ref().map_or(read.text, |(value, _)| value);
        parse(text, TextMode::Math, Commas::Usual).ok()
    };
    match (value(&first, gold), value(&second, answer)) {
        (Some(one), Some(other)) if relate.same(&one, &other) == RelationResult::Same => open("a unit or a variable"),
        _ => Outcome::Unequal,
    }
}

/// Whether an answer is a quantity with a known unit.
fn unit(node: &Node) -> bool {
    matches!(node, Node::Quantity(_, Some(unit)) if unit.known)
}

/// An answer with its tokens.
struct TokenizedAnswer<'a> {
    text: &'a str,
    mode: TextMode,
    tokens: Vec<Token>,
}

impl<'a> TokenizedAnswer<'a> {
    fn new(answer: &'a FinalAnswer) -> Self {
        let text = undressed(&answer.text);
        let dollars = answer.text.trim().starts_with('$') && answer.text.trim().ends_with('$');
        let mode = if answer.math || dollars || text.contains('\\') { TextMode::Math } else { TextMode::Prose };
        TokenizedAnswer { text, mode, tokens: lex(text, mode, Commas::Usual) }
    }

    /// Parses the answer. If it does not parse as mathematics, it is parsed as a number with a unit: `72 km/h`. Fails with the piece that is not
    /// understood.
    fn node(&self, commas: Commas) -> Result<Node, String> {
        match commas {
            Commas::Usual => {
                parse_tokens(self.text, self.tokens.clone(), self.mode).or_else(|piece| self.quantity().ok_or(piece))
            }
            other => parse(self.text, self.mode, other),
        }
    }

    /// Parses mathematics as plain text and returns it if it is a quantity with a known unit. All commas must group thousands, which both modes read
    /// alike.
    fn quantity(&self) -> Option<Node> {
        let groups =
            self.text.replace("\\,", " ").split(',').skip(1).all(|rest| rest.bytes().take_while(u8::is_ascii_digit).count() == 3);
        if self.mode == TextMode::Prose || !groups {
            return None;
        }
        parse(self.text, TextMode::Prose, Commas::Usual).ok().filter(unit)
    }

    /// Parses mathematics with letters and digits as plain text, such as `9.8 m/s^2`. Returns the result if it differs from the first reading.
    fn words(&self, first: &Node) -> Option<Node> {
        let has = |kind: fn(&char) -> bool| self.text.chars().any(|c| kind(&c));
        let mixed = self.mode == TextMode::Math && has(char::is_ascii_alphabetic) && has(char::is_ascii_digit);
        let node = if mixed { parse(self.text, TextMode::Prose, Commas::Usual).ok()? } else { return None };
        (node != *first).then_some(node)
    }

    /// Returns the readings of the answer that differ from the first one when commas between digits separate answers, are decimal points, or group
    /// thousands.
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

/// Removes the signs around an answer that delimit mathematics, quote or emphasise, and one full stop at its end.
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
    // Two or more dots at the end are an ellipsis; a single dot ends a sentence.
    if text.ends_with("..") { text } else { text.strip_suffix('.').unwrap_or(text).trim() }
}

/// Whether two answers have the same tokens and so differ in layout only. Words of more than three letters are compared without case.
fn same_tokens(gold: &[Token], answer: &[Token]) -> bool {
    gold.len() == answer.len()
        && gold.iter().zip(answer).all(|(one, other)| match (&one.kind, &other.kind) {
            (TokenKind::Word(one), TokenKind::Word(other)) => {
                one == other || one.chars().count() > 3 && one.to_lowercase() == other.to_lowercase()
            }
            // The inner brace of `\mathrm{{e}}` is upright, that of `{\mathrm{e}}` is not.
            (TokenKind::Sign('{'), TokenKind::Sign('{')) => one.upright == other.upright,
            (one, other) => one == other,
        })
}

/// Returns the letter of a multiple-choice answer in upper case, or `None` if the answer is not a single choice. Content behind the letter is
/// ignored.
pub fn choice(answer: &str) -> Option<char> {
    let found = FinalAnswer { text: answer.trim().to_owned(), how: ExtractionRule::Whole, math: false, doubt: None };
    match TokenizedAnswer::new(&found).node(Commas::Usual).ok()? {
        Node::Choice(letter, _) => Some(letter),
        Node::Quantity(Expr::Name(name), None) if name.len() == 1 => name.chars().next().map(|c| c.to_ascii_uppercase()),
        _ => None,
    }
}
