//! Tokens -> sums, products, powers. A sign without its operand, two numbers side by side and other ambiguous spellings are refused.

use dashu_ratio::RBig;

use super::Parser;
use crate::{
    expr::Expr,
    lex::{TextMode, TokenKind},
};

impl Parser<'_> {
    pub(super) fn sum(&mut self) -> Option<Expr> {
        let mut terms: Vec<Expr> = Vec::new();
        loop {
            // "negative 5", "minus 5"
            let word = self.mode == TextMode::Prose
                && terms.is_empty()
                && matches!(self.word(self.at).as_deref(), Some("negative" | "minus"));
            let sign = if word { Some('-') } else { self.sign().filter(|sign| matches!(sign, '+' | '-' | '±' | '∓')) };
            if !terms.is_empty() && sign == Some('-') && matches!(self.kind(self.at + 1), Some(TokenKind::Sign('⟨'))) {
                // A minus before a set: `\mathbb{R} - \{2\}`.
                break;
            }
            match sign {
                Some(_) => self.step(),
                None if !terms.is_empty() => break,
                None => {}
            }
            if sign == Some('+') && matches!(self.peek(), Some(TokenKind::Dots)) {
                terms = vec![self.progression(terms)?];
                continue;
            }
            // Two signs in succession: `+-1`.
            let negated = sign == Some('+') && self.take('-');
            let term = self.deeper(Self::product)?;
            let term = if negated { Expr::Neg(Box::new(term)) } else { term };
            match sign {
                Some('-') => terms.push(Expr::Neg(Box::new(term))),
                Some(sign @ ('±' | '∓')) => {
                    let before = match terms.len() {
                        0 => Expr::whole(0),
                        1 => terms.pop()?,
                        _ => Expr::Sum(std::mem::take(&mut terms)),
                    };
                    terms.push(Expr::PlusMinus(Box::new(before), Box::new(term), sign == '∓'));
                }
                _ => terms.push(term),
            }
        }
        if terms.len() == 1 { terms.pop() } else { Some(Expr::Sum(terms)) }
    }

    /// Parses the rest of `1 + 2 + ... + n`, beginning at its dots.
    fn progression(&mut self, terms: Vec<Expr>) -> Option<Expr> {
        self.step();
        if terms.len() < 2 || !self.take('+') {
            return None;
        }
        let last = self.product()?;
        Some(Expr::Progression(terms, Box::new(last)))
    }

    /// Parses a product, with or without multiplication signs between its factors.
    pub(super) fn product(&mut self) -> Option<Expr> {
        let mut factors: Vec<Expr> = Vec::new();
        // Behind `/`, a factor without a multiplication sign may belong to the denominator or to the whole quotient.
        let (mut divided, mut starred) = (false, false);
        loop {
            match self.sign() {
                Some('*') if !factors.is_empty() => {
                    self.step();
                    factors.push(self.signed_power()?);
                    (divided, starred) = (false, true);
                }
                Some('/') if !factors.is_empty() => {
                    self.step();
                    let under = self.signed_power()?;
                    if matches!(&under, Expr::Call(name, _) if matches!(name.as_str(), "%" | "‰" | "deg")) {
                        // `1/2 %` may mean half a percent.
                        return None;
                    }
                    let over = if factors.len() == 1 { factors.pop()? } else { Expr::Product(std::mem::take(&mut factors)) };
                    factors.push(Expr::Div(Box::new(over), Box::new(under)));
                    divided = true;
                }
                _ if factors.is_empty() => factors.push(self.power()?),
                _ if let Some(times) = self.magnitude() => factors.push(times),
                _ if self.begins_factor() => {
                    if self.may_be_unit() && self.unit_ahead() {
                        break;
                    }
                    if divided {
                        self.furthest = self.furthest.max(self.at);
                        return None;
                    }
                    self.implicit(&mut factors)?;
                }
                _ => break,
            }
        }
        let capital = |factor: &Expr| factor.name().is_some_and(|name| name.bytes().all(|b| b.is_ascii_uppercase()));
        if factors.len() > 1 && !starred && factors.iter().all(capital) {
            // `H T H` equals `HTH`: a label of letters in order.
            return Some(Expr::Name(factors.iter().filter_map(Expr::name).collect()));
        }
        if factors.len() == 1 { factors.pop() } else { Some(Expr::Product(factors)) }
    }

    /// Parses a factor without a multiplication sign before it. A whole number before a fraction below one is a mixed number.
    fn implicit(&mut self, factors: &mut Vec<Expr>) -> Option<()> {
        let before = matches!(factors.last(), Some(Expr::Num(_)));
        let written = matches!(self.peek(), Some(TokenKind::Num(_)));
        let behind = self.kind(self.at.wrapping_sub(1));
        // `50!50!` and `(n-1)3^n` are products.
        let factorials =
            matches!(behind, Some(TokenKind::Sign('!'))) && matches!(self.kind(self.at + 1), Some(TokenKind::Sign('!')));
        let bracket = matches!(behind, Some(TokenKind::Sign(')'))) && !before;
        if written && (factorials || bracket) {
            factors.push(self.power()?);
            return Some(());
        }
        // LaTeX sets `2{3}` as 23.
        let grouped = match self.kind(self.at + 1) {
            Some(TokenKind::Num(_)) => true,
            Some(TokenKind::Func(name)) => name == "frac" && before,
            _ => false,
        };
        if matches!(self.peek(), Some(TokenKind::Sign('{'))) && grouped {
            return None;
        }
        let part = matches!(self.peek(), Some(TokenKind::Part(..)));
        let frac = matches!(self.peek(), Some(TokenKind::Func(name)) if name == "frac");
        if !(written || part || frac && before) {
            let factor = self.power()?;
            factors.push(factor);
            return Some(());
        }
        let fraction = if written {
            // `333 1/3` is a mixed number; no other number may follow a number.
            let over = self.deeper(Self::atom)?;
            self.take('/').then_some(())?;
            Expr::Div(Box::new(over), Box::new(self.deeper(Self::atom)?))
        } else {
            self.deeper(Self::atom)?
        };
        let whole = |expr: &Expr| match expr {
            Expr::Num(number) if number.places.is_none() && number.value.is_int() => Some(number.value.clone()),
            _ => None,
        };
        let Expr::Div(over, under) = &fraction else { return None };
        let (Some(over), Some(under)) = (whole(over), whole(under)) else {
            if written || part {
                return None;
            }
            // `2\frac{x}{3}` is a product.
            let factor = self.postfix(fraction, true)?;
            factors.push(factor);
            return Some(());
        };
        // `2 1/3` is 7/3; `2 3/2`, `2.5 1/2` and `x 1/2` are ambiguous. A power behind a mixed number applies to all of it.
        let last = factors.last().and_then(whole)?;
        if over >= under || over <= RBig::ZERO {
            return None;
        }
        factors.pop();
        let mixed = Expr::Num(crate::expr::Literal { value: last + over / under, places: None });
        let mixed = self.postfix(mixed, true)?;
        factors.push(mixed);
        Some(())
    }

    /// Whether a letter that can be a unit stands here: set upright, or in plain text behind a number.
    fn may_be_unit(&self) -> bool {
        let behind = self.at.checked_sub(1).and_then(|at| self.kind(at));
        let value = matches!(
            behind,
            Some(
                TokenKind::Num(_)
                    | TokenKind::Repeat(_)
                    | TokenKind::Part(..)
                    | TokenKind::Sign(')' | '}' | ']' | '%' | '°' | '!')
                    | TokenKind::Word(_)
            )
        );
        let Some(token) = self.token() else { return false };
        match &token.kind {
            TokenKind::Name(name) if name == "mu" || name == "Omega" => value,
            TokenKind::Name(_) => {
                value && (token.upright || self.mode == TextMode::Prose || behind == Some(&TokenKind::Sign('°')))
            }
            TokenKind::Func(name) if name == "frac" => value && self.tokens.get(self.at + 2).is_some_and(|token| token.upright),
            _ => false,
        }
    }

    fn signed_power(&mut self) -> Option<Expr> {
        if self.take('-') {
            return Some(Expr::Neg(Box::new(self.power()?)));
        }
        self.power()
    }

    pub(super) fn begins_factor(&self) -> bool {
        match self.peek() {
            Some(TokenKind::Num(_) | TokenKind::Part(..) | TokenKind::Name(_) | TokenKind::Func(_) | TokenKind::Mark(_)) => true,
            Some(TokenKind::Begin(name)) => name.ends_with("matrix") || name == "array",
            Some(TokenKind::Sign('|')) => self.bars == 0,
            Some(TokenKind::Sign('[')) => !self.turned,
            Some(TokenKind::Sign(sign)) => matches!(sign, '(' | '[' | '{' | '⌊' | '⌈' | '❘'),
            _ => false,
        }
    }

    /// Parses a factor with its postfix signs and its exponent.
    pub(super) fn power(&mut self) -> Option<Expr> {
        // `\frac{3}{2}^4` may be 81/16 or 81/2.
        let raised = matches!(self.peek(), Some(TokenKind::Func(name)) if name == "frac");
        let base = self.deeper(Self::atom)?;
        self.postfix(base, raised)
    }

    /// Parses the postfix signs and the exponent of a factor.
    fn postfix(&mut self, base: Expr, raised: bool) -> Option<Expr> {
        let (mut base, mut raised) = (base, raised);
        // More than eight of them in succession have no meaning.
        for _ in 0..8 {
            match self.sign() {
                Some('^') => {
                    self.step();
                    match self.power_of()? {
                        Superscript::Degrees => match self.peek() {
                            // `25^\circ\text{C}` is a temperature.
                            Some(TokenKind::Name(name)) if name == "C" || name == "F" => {
                                self.money = Some(if name == "C" { "celsius" } else { "fahrenheit" });
                                self.step();
                            }
                            _ => base = degrees(base)?,
                        },
                        Superscript::Mark if matches!(base, Expr::Name(_)) => {}
                        Superscript::Mark => return None,
                        // `x^2^3` is ambiguous.
                        Superscript::Power(_) if raised => return None,
                        // `C_{10}^{3}` is a number of combinations, not a power.
                        Superscript::Power(_) if matches!(&base, Expr::Name(name) if ["C_", "P_", "A_"].iter().any(|begin| name.strip_prefix(begin).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == 'n')))) =>
                        {
                            return None;
                        }
                        Superscript::Power(exponent) => {
                            base = Expr::Pow(Box::new(base), Box::new(exponent));
                            raised = true;
                        }
                    }
                }
                Some('°') => {
                    // `25°C` is a temperature, not an angle.
                    if self.temperature_ahead() {
                        return Some(base);
                    }
                    self.step();
                    // `f \circ g` is a composition, not an angle.
                    if matches!(base, Expr::Name(_)) && self.begins_factor() {
                        return None;
                    }
                    base = degrees(base)?;
                }
                Some('!') => {
                    self.step();
                    let double = self.take('!');
                    base = Expr::Call(if double { "!!" } else { "!" }.into(), vec![base]);
                }
                Some(sign @ ('%' | '‰')) => {
                    self.step();
                    if matches!(&base, Expr::Call(own, _) if *own == "%" || *own == "‰") {
                        return None;
                    }
                    base = Expr::Call(sign.to_string(), vec![base]);
                }
                Some('\'') => {
                    self.step();
                    base = match base {
                        Expr::Name(name) => Expr::Name(format!("{name}'")),
                        _ => return None,
                    };
                    if self.sign() == Some('(') && matches!(self.kind(self.at + 2), Some(TokenKind::Sign(')'))) {
                        self.step();
                        let argument = self.deeper(Self::sum)?;
                        self.take(')').then_some(())?;
                        base = Expr::Call(format!("of {}", base.name().unwrap_or_default()), vec![argument]);
                    }
                }
                _ => return Some(base),
            }
        }
        None
    }

    fn temperature_ahead(&self) -> bool {
        matches!(self.kind(self.at + 1), Some(TokenKind::Name(name)) if name == "C" || name == "F")
    }

    /// Parses the text behind `^`: a group, one sign, or a minus and a number.
    fn power_of(&mut self) -> Option<Superscript> {
        if self.take('°') {
            return Some(Superscript::Degrees);
        }
        if self.take('\'') {
            return Some(Superscript::Mark);
        }
        if self.take('{') {
            if self.take('°') {
                self.take('}').then_some(())?;
                return Some(Superscript::Degrees);
            }
            if self.take('\'') {
                return self.take('}').then_some(Superscript::Mark);
            }
            let inside = self.deeper(Self::sum)?;
            return self.take('}').then_some(Superscript::Power(inside));
        }
        let minus = self.take('-');
        if self.mode == TextMode::Math && matches!(self.peek(), Some(TokenKind::Num(digits)) if digits.len() > 1) {
            // LaTeX sets `x^12` as x^1 2.
            return None;
        }
        let inside = match self.peek() {
            Some(TokenKind::Func(_)) if minus && self.mode == TextMode::Math => return None,
            Some(TokenKind::Num(_) | TokenKind::Name(_) | TokenKind::Sign('(') | TokenKind::Func(_)) => {
                self.deeper(Self::atom)?
            }
            _ => return None,
        };
        Some(Superscript::Power(if minus { Expr::Neg(Box::new(inside)) } else { inside }))
    }
}

/// The superscript of a factor.
enum Superscript {
    /// An exponent.
    Power(Expr),
    /// A degree sign.
    Degrees,
    /// A prime. It is ignored behind a name and refused elsewhere.
    Mark,
}

fn degrees(base: Expr) -> Option<Expr> {
    match base {
        Expr::Call(name, _) if name == "deg" => None,
        base => Some(Expr::Call("deg".into(), vec![base])),
    }
}
