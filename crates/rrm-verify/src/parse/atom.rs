//! Atoms of expressions: numbers, names with subscripts, brackets, bars, marks, matrices.

use dashu_int::UBig;
use dashu_ratio::RBig;

use super::{Parser, opens};
use crate::{
    expr::{Expr, Literal},
    lex::{TextMode, TokenKind},
    words,
};

impl Parser<'_> {
    pub(super) fn atom(&mut self) -> Option<Expr> {
        let token = self.token()?.clone();
        let at = self.at;
        match token.kind {
            TokenKind::Num(digits) => {
                self.step();
                self.number(&digits)
            }
            TokenKind::Part(over, under) => {
                self.step();
                Some(Expr::Div(Box::new(Expr::whole(over.into())), Box::new(Expr::whole(under.into()))))
            }
            TokenKind::Name(name) => {
                self.step();
                self.named(name)
            }
            TokenKind::Func(name) => {
                self.step();
                self.call(&name)
            }
            TokenKind::Mark(name) => {
                self.step();
                self.marked(&name)
            }
            TokenKind::Money(money) if self.money.is_none() => {
                self.step();
                self.money = Some(money);
                matches!(
                    self.peek(),
                    Some(TokenKind::Num(_) | TokenKind::Part(..) | TokenKind::Func(_) | TokenKind::Sign('{' | '('))
                )
                .then_some(())?;
                self.atom()
            }
            TokenKind::Begin(environment) => {
                self.step();
                self.matrix(&environment)
            }
            TokenKind::Word(word) if words::number(&word.to_lowercase()).is_some() && self.at == at => {
                let value = words::number(&word.to_lowercase())?;
                self.step();
                // "two hundred" is read as a whole; "twenty one" is left to the words.
                Some(Expr::whole(value.into()))
            }
            TokenKind::Sign(open @ ('(' | '[' | '{')) => {
                self.step();
                let inside = self.deeper(Self::sum)?;
                let closing = if open == '{' { '}' } else { opens(open)?[0] };
                self.take(closing).then_some(inside)
            }
            TokenKind::Sign(open @ ('|' | '❘')) => {
                self.step();
                self.bars += 1;
                let inside = self.deeper(Self::sum);
                self.bars -= 1;
                self.take(if open == '|' { '|' } else { '❙' }).then_some(Expr::Call("abs".into(), vec![inside?]))
            }
            TokenKind::Sign(open @ ('⌊' | '⌈')) => {
                self.step();
                let inside = self.deeper(Self::sum)?;
                let (close, name) = if open == '⌊' { ('⌋', "floor") } else { ('⌉', "ceil") };
                self.take(close).then_some(Expr::Call(name.into(), vec![inside]))
            }
            _ => None,
        }
    }

    fn number(&mut self, digits: &str) -> Option<Expr> {
        if let Some(TokenKind::Repeat(repeated)) = self.peek() {
            let repeated = repeated.clone();
            self.step();
            return repeating(digits, &repeated).map(|value| Expr::Num(Literal { value, places: None }));
        }
        if digits.ends_with('.') {
            return None;
        }
        if self.sign() == Some('_') {
            self.step();
            return self.based(digits);
        }
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let places = digits.contains('.').then_some(u32::try_from(part.len()).ok()?);
        Some(Expr::Num(Literal { value: decimal(whole, part)?, places }))
    }

    /// Parses digits with their base in a subscript.
    fn based(&mut self, digits: &str) -> Option<Expr> {
        let braces = self.take('{');
        let base = match self.peek()? {
            TokenKind::Num(base) if braces || base.len() == 1 || self.mode == TextMode::Prose => base.parse().ok()?,
            TokenKind::Word(word) => words::number(&word.to_lowercase())?,
            _ => return None,
        };
        self.step();
        if braces && !self.take('}') {
            return None;
        }
        if !(2..=36).contains(&base) {
            return None;
        }
        let value = UBig::from_str_radix(digits, base).ok()?;
        Some(Expr::Based(digits.trim_start_matches('0').to_owned(), base, RBig::from(value)))
    }

    /// Parses a name with its subscript; a function call if an argument in brackets stands right behind it.
    fn named(&mut self, name: String) -> Option<Expr> {
        let single = name.chars().count() == 1;
        if name.starts_with("bb ") && matches!(self.sign(), Some('_' | '^')) {
            return None;
        }
        let name = if self.take('_') { format!("{name}_{}", self.below()?) } else { name };
        let letter = name.chars().next()?;
        let greek = ["Gamma", "zeta", "phi", "varphi", "sigma", "tau", "Phi", "Psi", "psi"].contains(&name.as_str());
        let called = greek || single && ("fgh".contains(letter) || letter.is_ascii_uppercase());
        let tight = self.token().is_some_and(|token| !token.spaced);
        // `p(x) = ...`: a letter with a name in brackets before `=` is a function, whatever the letter.
        let defined = single
            && matches!(self.kind(self.at + 1), Some(TokenKind::Name(_)))
            && matches!(self.kind(self.at + 2), Some(TokenKind::Sign(')')))
            && matches!(self.kind(self.at + 3), Some(TokenKind::Rel(crate::lex::Rel::Equal)))
            && (self.at < 2
                || !matches!(self.kind(self.at - 2), Some(TokenKind::Name(_) | TokenKind::Num(_) | TokenKind::Sign(_))));
        if (called || defined) && tight && self.sign() == Some('(') {
            let begin = self.at;
            if let Some(args) = self.applied(&name, greek || letter.is_ascii_uppercase()) {
                return Some(Expr::Call(format!("of {name}"), args));
            }
            self.at = begin;
        }
        Some(Expr::Name(name))
    }

    /// Parses arguments in brackets if the name before them is a function: a lower-case letter that is not used as a variable elsewhere, or a capital
    /// or Greek letter whose arguments are single names or numbers.
    fn applied(&mut self, name: &str, capital: bool) -> Option<Vec<Expr>> {
        let variable = self.tokens.iter().enumerate().any(|(at, token)| {
            let next = self.tokens.get(at + 1).map(|token| &token.kind);
            token.kind == TokenKind::Name(name.to_owned()) && next != Some(&TokenKind::Sign('('))
        });
        if variable {
            return None;
        }
        self.step();
        let mut args = vec![self.deeper(Self::sum)?];
        while matches!(self.peek(), Some(TokenKind::Comma)) {
            self.step();
            args.push(self.deeper(Self::sum)?);
        }
        let plain = args.iter().all(|arg| matches!(arg, Expr::Name(_) | Expr::Num(_)));
        (self.take(')') && (!capital || plain)).then_some(args)
    }

    /// Parses a subscript and returns it as written.
    fn below(&mut self) -> Option<String> {
        let begin = self.at;
        if self.take('{') {
            let mut depth = 1;
            while depth > 0 {
                match self.peek()? {
                    TokenKind::Sign('{') => depth += 1,
                    TokenKind::Sign('}') => depth -= 1,
                    _ => {}
                }
                self.step();
            }
            return Some(self.written(begin + 1, self.at - 1));
        }
        match self.peek()? {
            TokenKind::Num(digits) if digits.len() > 1 && self.mode == TextMode::Math => return None,
            TokenKind::Num(_) | TokenKind::Name(_) | TokenKind::Word(_) => self.step(),
            _ => return None,
        }
        Some(self.written(begin, self.at))
    }

    /// Returns the tokens of a range as one name.
    fn written(&self, begin: usize, end: usize) -> String {
        let token = |kind: &TokenKind| match kind {
            TokenKind::Num(text) | TokenKind::Name(text) | TokenKind::Word(text) | TokenKind::Func(text) => text.clone(),
            TokenKind::Sign(sign) => sign.to_string(),
            other => format!("{other:?}"),
        };
        self.tokens[begin..end].iter().map(|token_at| token(&token_at.kind)).collect::<Vec<_>>().join(" ")
    }

    /// Parses a mark and the name under it: `\overline{AB}`, `\angle ABC`, `\vec v`.
    fn marked(&mut self, mark: &str) -> Option<Expr> {
        let begin = self.at;
        if self.sign() == Some('{') {
            let name = self.below()?;
            let letters = name.chars().all(|c| c.is_alphanumeric() || c == ' ' || c == '\'' || c == '_');
            if !letters {
                // A bar over a term may mean its conjugate or its mean.
                return None;
            }
            return (!name.is_empty()).then(|| Expr::Name(format!("{mark} {name}")));
        }
        let several = matches!(mark, "angle" | "triangle" | "measuredangle");
        while matches!(self.peek(), Some(TokenKind::Name(_))) {
            self.step();
            if !several {
                break;
            }
        }
        (self.at > begin).then(|| Expr::Name(format!("{mark} {}", self.written(begin, self.at))))
    }

    fn matrix(&mut self, environment: &str) -> Option<Expr> {
        if !environment.ends_with("matrix") && environment != "array" {
            return None;
        }
        let mut rows: Vec<Vec<Expr>> = vec![Vec::new()];
        loop {
            if matches!(self.peek()?, TokenKind::End) && rows.last()?.is_empty() && rows.len() > 1 {
                // A line at the end of the last row.
                rows.pop();
                self.step();
                break;
            }
            let cell = self.deeper(Self::sum)?;
            rows.last_mut()?.push(cell);
            match self.peek()? {
                TokenKind::Sign('&') => self.step(),
                TokenKind::Row => {
                    self.step();
                    rows.push(Vec::new());
                }
                TokenKind::End => {
                    self.step();
                    break;
                }
                _ => return None,
            }
        }
        let columns = rows.first()?.len();
        let matrix = rows.iter().all(|row| row.len() == columns).then_some(Expr::Matrix(rows))?;
        Some(if environment == "vmatrix" { Expr::Call("det".into(), vec![matrix]) } else { matrix })
    }
}

/// Returns the value of a decimal number of any length from its digits before and behind the point.
fn decimal(whole: &str, part: &str) -> Option<RBig> {
    let over = UBig::from_str_radix(&format!("{whole}{part}"), 10).ok()?;
    if part.is_empty() {
        return Some(RBig::from(over));
    }
    Some(RBig::from_parts(over.into(), UBig::from(10u8).pow(part.len())))
}

/// Returns the value of a repeating decimal: 0.1(6) is 0.1 + 6/90.
fn repeating(digits: &str, repeated: &str) -> Option<RBig> {
    let (whole, part) = digits.split_once('.')?;
    let once = decimal(whole, part)?;
    let over = UBig::from_str_radix(repeated, 10).ok()?;
    let ten = |power: usize| UBig::from(10u8).pow(power);
    let under = (ten(repeated.len()) - UBig::ONE) * ten(part.len());
    Some(once + RBig::from_parts(over.into(), under))
}
