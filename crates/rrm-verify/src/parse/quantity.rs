//! Units with their powers and quotients, counted nouns, and words that add to a number.

use super::{Node, Parser};
use crate::{
    expr::{Expr, Literal},
    lex::{TextMode, TokenKind},
    number::small,
    units::{Unit, square},
    words,
};

/// Most words of a unit.
const WORDS: usize = 8;

impl Parser<'_> {
    /// Adds "and a half" or the like to the number before it.
    pub(super) fn and_a_half(&mut self, value: Expr) -> Expr {
        if !matches!(self.peek(), Some(TokenKind::And)) {
            return value;
        }
        let mut at = self.at + 1;
        let number = |at: usize| match self.kind(at) {
            Some(TokenKind::Num(digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse::<u32>().ok(),
            _ => None,
        };
        if let (Some(over), Some(TokenKind::Sign('/')), Some(under)) = (number(at), self.kind(at + 1), number(at + 2))
            && over < under
            && matches!(&value, Expr::Num(number) if number.value.is_int())
        {
            // "12 and 1/2"
            self.at = at + 3;
            self.furthest = self.furthest.max(self.at);
            let part = dashu_ratio::RBig::from_parts(over.into(), under.into());
            return Expr::Sum(vec![value, Expr::Num(Literal { value: part, places: None })]);
        }
        let one = matches!(self.word(at).as_deref(), Some("a" | "an" | "one"));
        // In plain text, the "a" of "a half" is a name.
        let letter = matches!(self.kind(at), Some(TokenKind::Name(name)) if name == "a");
        at += usize::from(one || letter);
        let Some(part) = self.word(at).and_then(|word| words::part(&word)) else { return value };
        if !(one || letter) && part != 2 {
            return value;
        }
        self.at = at + 1;
        self.furthest = self.furthest.max(self.at);
        let part = dashu_ratio::RBig::from_parts(1.into(), part.into());
        Expr::Sum(vec![value, Expr::Num(Literal { value: part, places: None })])
    }

    /// Whether a unit that ends the answer begins here, though it may look like a variable. Nothing is consumed.
    pub(super) fn unit_ahead(&mut self) -> bool {
        let (at, furthest) = (self.at, self.furthest);
        let found = matches!(self.unit(), Some(Some(_)));
        (self.at, self.furthest) = (at, furthest);
        found
    }

    /// Parses the unit behind a value. The inner value is `None` if there is none; the outer one is `None` if words there change the value.
    pub(super) fn unit(&mut self) -> Option<Option<Unit>> {
        let begin = self.at;
        let money = self.money.take().map(Unit::named);
        let mut unit = Unit::none();
        let (mut count, mut divide, mut divided, mut unsure) = (0, false, false, false);
        loop {
            let sign = self.sign();
            if count > 0 && !divide && (sign == Some('/') || self.word(self.at).as_deref() == Some("per")) {
                self.step();
                if let Some(under) = self.unit_in_brackets()? {
                    (unit, divided) = (unit.times(&under.power(-1)), true);
                    continue;
                }
                divide = true;
                continue;
            }
            if count > 0 && !divide && sign == Some('*') {
                self.step();
            }
            let Some(one) = self.unit_factor()? else { break };
            // "degrees Celsius" is one unit.
            if one.bases.keys().any(|base| base.starts_with('°') && base.len() > 2) {
                unit.bases.remove("°");
            }
            // `J/kg K` may be `J/(kg K)` or `J K/kg`.
            unsure |= divided && !divide;
            divided |= divide;
            unit = unit.times(&if divide { one.power(-1) } else { one });
            divide = false;
            count += 1;
            if count > WORDS {
                return None;
            }
        }
        if divide {
            return None;
        }
        if count == 0 {
            self.at = begin;
            return Some(money);
        }
        if self.at.checked_sub(1).and_then(|at| self.word(at)).is_some_and(|word| words::compares(&word)) {
            return None;
        }
        let number = matches!(self.peek(), Some(TokenKind::Num(_)));
        if !self.at_end() && !number {
            self.at = begin;
            return None;
        }
        let unit = if unsure { unit.unsure() } else { unit };
        Some(Some(match money {
            // "5 dollars" with a dollar sign before it.
            Some(money) if !unit.known || unit.bases == money.bases => money,
            Some(money) => money.times(&unit),
            None => unit,
        }))
    }

    /// Parses the `(g K)` of `J/(g K)`. The inner value is `None` if there is no bracket; the outer one is `None` if the bracket holds something
    /// else.
    fn unit_in_brackets(&mut self) -> Option<Option<Unit>> {
        if !self.take('(') {
            return Some(None);
        }
        let mut under = self.unit_factor()??;
        while !self.take(')') {
            self.take('*');
            under = under.times(&self.unit_factor()??);
        }
        Some(Some(under))
    }

    /// Parses one unit with its exponent. The inner value is `None` if there is no unit; the outer one is `None` if a word there changes the value.
    fn unit_factor(&mut self) -> Option<Option<Unit>> {
        let Some(token) = self.token() else { return Some(None) };
        let (upright, spaced) = (token.upright, token.spaced);
        let name = match &token.kind {
            TokenKind::Word(word) => word.clone(),
            TokenKind::Money(money) => (*money).to_owned(),
            TokenKind::Sign('°') => return Some(self.temperature()),
            TokenKind::Func(name) if name == "frac" => return Some(self.unit_fraction()),
            TokenKind::Name(name) if name == "mu" => return Some(self.micro()),
            TokenKind::Name(name) if name == "Omega" && spaced => "Ω".to_owned(),
            TokenKind::Name(name) if (upright || self.mode == TextMode::Prose) && crate::units::known(name) => name.clone(),
            // "a" in "5 km a day" means "per".
            TokenKind::Name(name) if self.mode == TextMode::Prose && name == "a" => {
                self.step();
                return Some(self.unit_factor()?.map(|unit| unit.power(-1)));
            }
            _ => return Some(None),
        };
        let lower = name.to_lowercase();
        if let Some(power) = square(&name).filter(|_| lower != "squared" && lower != "cubed") {
            self.step();
            return Some(self.unit_factor()?.map(|unit| unit.power(power)));
        }
        let raised = lower == "squared" || lower == "cubed";
        if words::number(&lower).is_some() {
            // "In base two"
            return None;
        }
        if (words::changes(&lower) || words::verb(&lower)) && !raised || raised && !self.unit_before() {
            return None;
        }
        self.step();
        let unit = Unit::named(if lower == "pound sterling" { "pound-sterling" } else { &name });
        let power = self.exponent()?;
        if power < 0 && crate::units::metre_or_milli(&name) {
            // `ms^{-1}` is often used for `m/s`.
            return Some(Some(unit.power(power).unsure()));
        }
        Some(Some(if power == 1 { unit } else { unit.power(power) }))
    }

    /// Whether a word stands before the current token, to which "squared" can belong.
    fn unit_before(&self) -> bool {
        self.at.checked_sub(1).and_then(|at| self.word(at)).is_some()
    }

    /// Parses the exponent of a unit; 1 if there is none.
    fn exponent(&mut self) -> Option<i32> {
        if let Some(power) = self.word(self.at).filter(|word| word.ends_with("ed")).and_then(|word| square(&word)) {
            self.step();
            return Some(power);
        }
        if !self.take('^') {
            return Some(1);
        }
        let braces = self.take('{');
        let minus = self.take('-');
        let Some(TokenKind::Num(digits)) = self.peek() else { return None };
        let power: i32 = digits.parse().ok().filter(|power| (1..10).contains(power))?;
        self.step();
        if braces && !self.take('}') {
            return None;
        }
        Some(if minus { -power } else { power })
    }

    /// Parses `°C` or `°F`.
    fn temperature(&mut self) -> Option<Unit> {
        let Some(TokenKind::Name(name)) = self.kind(self.at + 1) else { return None };
        let unit = match name.as_str() {
            "C" => "celsius",
            "F" => "fahrenheit",
            _ => return None,
        };
        self.at += 2;
        self.furthest = self.furthest.max(self.at);
        Some(Unit::named(unit))
    }

    /// Parses `\mu\text{m}`.
    fn micro(&mut self) -> Option<Unit> {
        let (at, token) = (self.at + 1, self.tokens.get(self.at + 1)?);
        let small = match &token.kind {
            TokenKind::Word(name) | TokenKind::Name(name) if token.upright => Unit::named(name),
            _ => return None,
        };
        self.at = at + 1;
        let mut unit = small;
        unit.factor /= dashu_ratio::RBig::from(1_000_000);
        Some(unit)
    }

    /// Parses `\frac{\text{m}}{\text{s}}`.
    fn unit_fraction(&mut self) -> Option<Unit> {
        let begin = self.at;
        self.step();
        let mut part = || -> Option<Unit> {
            self.take('{').then_some(())?;
            let mut unit = Unit::none();
            while !self.take('}') {
                if !self.token()?.upright {
                    return None;
                }
                unit = unit.times(&self.unit_factor()??);
            }
            Some(unit)
        };
        let found = (|| Some(part()?.times(&part()?.power(-1))))();
        if found.is_none() {
            self.at = begin;
        }
        found
    }

    /// Parses the rest of a compound quantity: more quantities of the same kind in smaller units, which are added.
    pub(super) fn compound(&mut self, value: Expr, unit: Unit) -> Option<Node> {
        let mut parts = vec![(value, unit)];
        loop {
            let begin = self.at;
            let joint = matches!(self.peek(), Some(TokenKind::And | TokenKind::Comma));
            let next = self.at + usize::from(joint);
            if !matches!(self.kind(next), Some(TokenKind::Num(_))) {
                break;
            }
            self.at = next;
            let value = self.sum();
            let unit = self.unit();
            let (_, before) = parts.last()?;
            match (value, unit) {
                (Some(value), Some(Some(unit))) if unit.bases == before.bases && unit.known && unit.factor < before.factor => {
                    parts.push((value, unit));
                }
                // "5 metres and 6" is a list.
                _ if joint => {
                    self.at = begin;
                    break;
                }
                _ => return None,
            }
        }
        if parts.len() > 1 {
            return Some(Node::Compound(parts));
        }
        parts.pop().map(|(value, unit)| Node::Quantity(value, Some(unit)))
    }

    /// Parses a word that multiplies the number before it, such as "million".
    pub(super) fn magnitude(&mut self) -> Option<Expr> {
        let value = words::magnitude(&self.word(self.at)?)?;
        self.step();
        Some(Expr::whole(small(&value)?))
    }
}
