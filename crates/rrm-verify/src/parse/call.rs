//! Functions with their arguments, limits, bases and exponents.

use super::Parser;
use crate::{
    expr::Expr,
    lex::{Rel, TextMode, TokenKind},
};

impl Parser<'_> {
    pub(super) fn call(&mut self, name: &str) -> Option<Expr> {
        match name {
            "frac" => {
                let (over, under) = (self.argument()?, self.argument()?);
                derivative(&over, &under)?.or(Some(Expr::Div(Box::new(over), Box::new(under))))
            }
            "binom" => Some(Expr::Call("binom".into(), vec![self.argument()?, self.argument()?])),
            "sqrt" => {
                let mut root = None;
                if self.take('[') {
                    root = Some(self.deeper(Self::sum)?);
                    self.take(']').then_some(())?;
                }
                let mut args = vec![self.argument()?];
                args.extend(root);
                Some(Expr::Call("sqrt".into(), args))
            }
            "sum" | "prod" => self.series(if name == "sum" { "sum" } else { "prod" }),
            "int" => self.integral(),
            "lim" => None,
            _ => self.function(name),
        }
    }

    /// Parses an argument of `frac` or `sqrt`: a group, or one sign. In mathematics a number without braces would lose all but its first digit, so it
    /// is refused.
    fn argument(&mut self) -> Option<Expr> {
        if let Some(TokenKind::Num(digits)) = self.peek()
            && self.mode == TextMode::Math
            && digits.len() > 1
        {
            return None;
        }
        // LaTeX takes the command alone in `\frac{1}\mathrm{e}`, without its group.
        if self.token()?.upright && self.mode == TextMode::Math {
            return None;
        }
        match self.peek()? {
            TokenKind::Num(_)
            | TokenKind::Part(..)
            | TokenKind::Func(_)
            | TokenKind::Sign('{' | '(')
            | TokenKind::Name(_)
            | TokenKind::Mark(_) => {}
            _ => return None,
        }
        if self.sign() == Some('(') && self.mode == TextMode::Math {
            // LaTeX takes the bracket alone in `\frac(1)(2)`.
            let sqrt =
                matches!(self.at.checked_sub(1).and_then(|at| self.kind(at)), Some(TokenKind::Func(name)) if name == "sqrt");
            if !sqrt {
                return None;
            }
        }
        if let Some(TokenKind::Name(name)) = self.peek()
            && self.mode == TextMode::Math
            && name.is_ascii()
            && name.len() > 1
            && name.bytes().all(|b| b.is_ascii_uppercase())
        {
            return None;
        }
        let begin = self.at;
        let argument = self.deeper(Self::atom)?;
        // A name without braces does not take its subscript along.
        let single =
            self.at == begin + 1 || !matches!(argument, Expr::Name(_)) || self.tokens[begin].kind == TokenKind::Sign('{');
        single.then_some(argument)
    }

    /// Parses a function with its limits or base, its exponent, and its argument with or without brackets.
    fn function(&mut self, name: &str) -> Option<Expr> {
        let (mut base, mut exponent) = (None, None);
        loop {
            if self.take('_') && base.is_none() {
                base = Some(self.script()?);
            } else if self.sign() == Some('^') && exponent.is_none() {
                self.step();
                exponent = Some(self.script()?);
            } else {
                break;
            }
        }
        let mut args = self.arguments(name)?;
        let several = matches!(name, "max" | "min" | "gcd" | "lcm");
        if (args.len() > 1) != several {
            return None;
        }
        let name = match (name, base) {
            ("log", base) => {
                args.extend(base);
                "log"
            }
            ("lg", None) => {
                args.push(Expr::whole(10));
                "log"
            }
            (name, None) => name,
            _ => return None,
        };
        let inverse = matches!(&exponent, Some(Expr::Neg(inner)) if **inner == Expr::whole(1));
        match exponent {
            Some(_) if inverse && ["sin", "cos", "tan"].contains(&name) => Some(Expr::Call(format!("arc{name}"), args)),
            Some(_) if inverse => None,
            Some(exponent) => Some(Expr::Pow(Box::new(Expr::Call(name.to_owned(), args)), Box::new(exponent))),
            None => Some(Expr::Call(name.to_owned(), args)),
        }
    }

    fn arguments(&mut self, name: &str) -> Option<Vec<Expr>> {
        let mut args = Vec::new();
        if self.take('(') {
            args.push(self.deeper(Self::sum)?);
            while matches!(self.peek(), Some(TokenKind::Comma)) {
                self.step();
                args.push(self.deeper(Self::sum)?);
            }
            self.take(')').then_some(())?;
            return Some(args);
        }
        if matches!(name, "max" | "min") && self.sign() == Some('⟨') {
            self.step();
            args.push(self.deeper(Self::sum)?);
            while matches!(self.peek(), Some(TokenKind::Comma)) {
                self.step();
                args.push(self.deeper(Self::sum)?);
            }
            self.take('⟩').then_some(())?;
            return Some(args);
        }
        let group = self.sign() == Some('{');
        let mut factors = vec![self.deeper(Self::power)?];
        // The argument of `\sin{2x}` ends with its group; that of `\sin 2x` is both factors.
        while !group
            && self.begins_factor()
            && !matches!(self.peek(), Some(TokenKind::Num(_) | TokenKind::Part(..)))
            && !matches!(self.peek(), Some(TokenKind::Func(name)) if !matches!(name.as_str(), "frac" | "sqrt"))
            && !matches!(self.sign(), Some('(' | '['))
        {
            factors.push(self.deeper(Self::power)?);
        }
        args.push(if factors.len() == 1 { factors.pop()? } else { Expr::Product(factors) });
        Some(args)
    }

    /// Parses a subscript or superscript of a function: a group or one sign.
    fn script(&mut self) -> Option<Expr> {
        if self.take('{') {
            let inside = self.deeper(Self::sum)?;
            return self.take('}').then_some(inside);
        }
        if self.take('-') {
            return Some(Expr::Neg(Box::new(self.argument()?)));
        }
        if let Some(TokenKind::Num(digits)) = self.peek()
            && digits.len() > 1
            && self.mode == TextMode::Math
        {
            // LaTeX sets `\log_12 5` as log_1 25.
            return self.argument();
        }
        self.deeper(Self::atom)
    }

    /// Parses `\sum_{k=1}^{n}` and its body.
    fn series(&mut self, kind: &'static str) -> Option<Expr> {
        let (mut bound, mut to) = (None, None);
        for _ in 0..2 {
            if self.take('_') {
                self.take('{').then_some(())?;
                let Some(TokenKind::Name(name)) = self.peek().cloned() else { return None };
                self.step();
                let Some(TokenKind::Rel(Rel::Equal)) = self.peek() else { return None };
                self.step();
                bound = Some((name, self.deeper(Self::sum)?));
                self.take('}').then_some(())?;
            } else if self.take('^') {
                to = Some(self.script()?);
            }
        }
        let ((name, from), to) = (bound?, to?);
        let body = self.deeper(Self::product)?;
        Some(Expr::Series(kind, name, Box::new(from), Box::new(to), Box::new(body)))
    }

    /// Parses `\int_a^b ... dx`.
    fn integral(&mut self) -> Option<Expr> {
        let (mut from, mut to) = (None, None);
        for _ in 0..2 {
            if self.take('_') {
                from = Some(self.script()?);
            } else if self.take('^') {
                to = Some(self.script()?);
            }
        }
        let (from, to) = (from?, to?);
        let letter = |at: usize| match self.kind(at) {
            Some(TokenKind::Name(name)) if name.chars().count() == 1 => Some(name.clone()),
            _ => None,
        };
        let place = (self.at..self.end).find(|at| letter(*at).as_deref() == Some("d") && letter(at + 1).is_some())?;
        let name = letter(place + 1)?;
        let end = std::mem::replace(&mut self.end, place);
        let body = if self.at == place { Some(Expr::whole(1)) } else { self.deeper(Self::sum) };
        let whole = self.at == place;
        self.end = end;
        if !whole {
            return None;
        }
        self.at = place + 2;
        self.furthest = self.furthest.max(self.at);
        Some(Expr::Integral(name, Box::new(from), Box::new(to), Box::new(body?)))
    }
}

/// Parses `\frac{dy}{dx}` as a name. The inner value is `None` for another quotient; the outer one is `None` for `\frac{d}{dx}`, which is not
/// supported.
fn derivative(over: &Expr, under: &Expr) -> Option<Option<Expr>> {
    let differential = |expr: &Expr| match expr {
        Expr::Product(factors) if factors.len() == 2 && factors[0].name() == Some("d") => factors[1].name().map(str::to_owned),
        _ => None,
    };
    let Some(x) = differential(under) else { return Some(None) };
    match (differential(over), over.name()) {
        (Some(y), _) => Some(Some(Expr::Name(format!("d{y}/d{x}")))),
        (None, Some("d")) => None,
        _ => Some(None),
    }
}
