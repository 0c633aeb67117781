//! Two extracted answers -> equal, unequal or unknown. Each answer is parsed in its usual reading; if another reading would change the outcome, the
//! outcome is unknown.

use std::cell::Cell;

use crate::{
    ExtractionRule, FinalAnswer, Outcome, UnknownKind, UnknownReason, VerifyOptions,
    expr::Expr,
    lex::{NumberStyle, TextMode, Token, TokenKind, lex},
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
    let (one, other) = match (gold.node(NumberStyle::Usual), answer.node(NumberStyle::Usual)) {
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

/// Unequal, unless other readings of one of both, or of both, would make them equal or leave it open.
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
    let (golds, answers) = (gold.readings(one), answer.readings(other));
    let mut open = None;
    for (at, (first, whole)) in golds.iter().enumerate() {
        for (second, other_whole) in &answers[usize::from(at == 0)..] {
            match relate.same(first, second) {
                RelationResult::Same => {
                    let piece = crate::parse::shortened(if at == 0 { answer.text } else { gold.text });
                    return Outcome::Unknown(UnknownReason { why: UnknownKind::SeveralReadings, piece: Some(piece) });
                }
                RelationResult::Open(unknown) if *whole && *other_whole => open = open.or(Some(unknown)),
                RelationResult::Open(_) | RelationResult::Other => {}
            }
        }
    }
    if let Some(unknown) = open {
        return Outcome::Unknown(unknown);
    }
    if gold.letters().is_some_and(|letters| answer.letters().is_some_and(|others| letters.eq_ignore_ascii_case(&others))) {
        return Outcome::Unknown(UnknownReason {
            why: UnknownKind::NotProven,
            piece: Some("equal but for capital letters".into()),
        });
    }
    if gold.may_choose(one, other) || answer.may_choose(other, one) {
        return Outcome::Unknown(UnknownReason { why: UnknownKind::NotProven, piece: Some("a choice or what it says".into()) });
    }
    let open = |piece: &str| Outcome::Unknown(UnknownReason { why: UnknownKind::NotProven, piece: Some(piece.to_owned()) });
    if unit(one) && unit(other) {
        return Outcome::Unequal;
    }
    // As mathematics, `9.8 m/s^2` is a product of variables; it may also be a number with a unit.
    let (first, second) = (units::tail(gold.text), units::tail(answer.text));
    let long = |signs: &str| signs.split(' ').any(|sign| sign.chars().filter(|c| c.is_alphabetic()).count() > 1);
    match (&first, &second) {
        (Some((_, signs)), Some((_, others))) if signs != others && (long(signs) || long(others)) => {
            return open("units that are not converted");
        }
        (None, None) => return Outcome::Unequal,
        _ => {}
    }
    let value = |tail: &Option<(&str, String)>, read: &TokenizedAnswer<'_>| {
        let text = tail.as_ref().map_or(read.text, |(value, _)| value);
        parse(text, TextMode::Math, NumberStyle::Usual).ok()
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
        TokenizedAnswer { text, mode, tokens: lex(text, mode, NumberStyle::Usual) }
    }

    /// As it is read first. What is no mathematics may be a number with a unit: `72 km/h`.
    fn node(&self, style: NumberStyle) -> Result<Node, String> {
        match style {
            NumberStyle::Usual => {
                parse_tokens(self.text, self.tokens.clone(), self.mode).or_else(|piece| self.quantity().ok_or(piece))
            }
            other => parse(self.text, self.mode, other),
        }
    }

    /// Mathematics read as text with a unit. NumberStyle must be those of thousands, which are the same in both.
    fn quantity(&self) -> Option<Node> {
        let groups =
            self.text.replace("\\,", " ").split(',').skip(1).all(|rest| rest.bytes().take_while(u8::is_ascii_digit).count() == 3);
        if self.mode == TextMode::Prose || !groups {
            return None;
        }
        parse(self.text, TextMode::Prose, NumberStyle::Usual).ok().filter(unit)
    }

    /// Parses mathematics with letters and digits as plain text, such as `9.8 m/s^2`. Returns the result if it differs from the first reading.
    fn words(&self, first: &Node) -> Option<Node> {
        let has = |kind: fn(&char) -> bool| self.text.chars().any(|c| kind(&c));
        let mixed = self.mode == TextMode::Math && has(char::is_ascii_alphabetic) && has(char::is_ascii_digit);
        let node = if mixed { parse(self.text, TextMode::Prose, NumberStyle::Usual).ok()? } else { return None };
        (node != *first).then_some(node)
    }

    /// All that it may say, as it is read first before all else; and whether a reading counts where it leaves the outcome open. Other signs between
    /// digits count only where they make both answers equal.
    fn readings(&self, first: &Node) -> Vec<(Node, bool)> {
        use NumberStyle::{
            Bases, DayFirst, Decimals, Lists, MonthFirst, Numerals, Points, PointsAndCommas, Thousands, YearFirst,
        };
        let bytes = self.text.as_bytes();
        let at = |at: usize, kind: fn(&u8) -> bool| bytes.get(at).is_some_and(kind);
        let digit = |place: usize| at(place, u8::is_ascii_digit);
        let any = |holds: &dyn Fn(usize) -> bool| (0..bytes.len()).any(holds);
        let between = |signs: &[u8]| any(&|at| signs.contains(&bytes[at]) && at > 0 && digit(at - 1) && digit(at + 1));
        let letters = self.text.contains(|c: char| c.is_ascii_alphabetic() || ('\u{2160}'..='\u{217f}').contains(&c));
        let styles: &[(bool, &[NumberStyle])] = &[
            (between(b","), &[Lists, Decimals, Thousands]),
            (between(b"."), &[Points, PointsAndCommas]),
            (letters, &[Bases, Numerals]),
            (between(b"-/."), &[DayFirst, MonthFirst, YearFirst]),
            (bytes.len() >= 8 && any(&|at| (at..at + 8).all(digit)), &[YearFirst]),
        ];
        let styles = styles.iter().filter(|(may, _)| *may).flat_map(|(_, styles)| *styles);
        let signs = |style: &NumberStyle| matches!(style, Lists | Decimals | Thousands | Points | PointsAndCommas);
        let styled = styles.filter_map(|style| Some((self.node(*style).ok()?, !signs(style))));
        let mut readings = vec![(first.clone(), true)];
        for (node, counts) in styled.chain(self.words(first).map(|node| (node, true))) {
            if readings.iter().all(|(read, _)| *read != node) {
                readings.push((node, counts));
            }
        }
        readings
    }

    /// The letters that it is made of, if it has no other signs than those that lay them out.
    fn letters(&self) -> Option<String> {
        let plain = ["\\text", "\\mathrm", "\\mathbf", "\\left", "\\right"]
            .iter()
            .fold(self.text.to_owned(), |text, command| text.replace(command, ""));
        let plain: String = plain.chars().filter(|c| !c.is_whitespace() && !matches!(c, '{' | '}' | '(' | ')' | '.')).collect();
        (!plain.is_empty() && plain.bytes().all(|b| b.is_ascii_alphabetic())).then_some(plain)
    }

    /// Whether it may name the choice that says what the other answer says: a letter beside what is none.
    fn may_choose(&self, node: &Node, other: &Node) -> bool {
        let single = |node: &Node| match node {
            Node::Quantity(Expr::Name(name), None) if name.chars().count() == 1 => name.chars().next(),
            _ => None,
        };
        let letter = single(node)
            .is_some_and(|letter| ('A'..='J').contains(&letter) || ('a'..='j').contains(&letter) && self.text.starts_with('('));
        letter
            && single(other).is_none_or(|other| !other.is_ascii())
            && !matches!(other, Node::Many(..) | Node::Choice(..) | Node::Text(_))
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
    match TokenizedAnswer::new(&found).node(NumberStyle::Usual).ok()? {
        Node::Choice(letter, _) => Some(letter),
        Node::Quantity(Expr::Name(name), None) if name.len() == 1 => name.chars().next().map(|c| c.to_ascii_uppercase()),
        _ => None,
    }
}
