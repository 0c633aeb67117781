//! Tokens -> expressions: sums, products, powers, functions, matrices.

use super::{Parser, opens};
use crate::verify::{expr::Expr, lex::Token};

impl Parser {
    pub(super) fn sum(&mut self) -> Option<Expr> {
        let mut terms: Vec<Expr> = Vec::new();
        loop {
            let sign = self.sign().filter(|sign| matches!(sign, '+' | '-' | '±'));
            match sign {
                Some(_) => self.at += 1,
                None if !terms.is_empty() => break,
                None => {}
            }
            // Signs that follow each other: `+-1`.
            let negated = sign.is_some() && self.take('-');
            let term = self.product()?;
            let term = if negated { Expr::Neg(Box::new(term)) } else { term };
            match sign {
                Some('-') => terms.push(Expr::Neg(Box::new(term))),
                Some('±') => {
                    let before = match terms.len() {
                        0 => Expr::number("0"),
                        1 => terms.pop()?,
                        _ => Expr::Sum(std::mem::take(&mut terms)),
                    };
                    terms.push(Expr::PlusMinus(Box::new(before), Box::new(term)));
                }
                _ => terms.push(term),
            }
        }
        if terms.len() == 1 { terms.pop() } else { Some(Expr::Sum(terms)) }
    }

    /// Factors, whether or not a sign stands between them.
    fn product(&mut self) -> Option<Expr> {
        let mut factors: Vec<Expr> = Vec::new();
        loop {
            match self.sign() {
                Some('*') => {
                    self.at += 1;
                    factors.push(self.signed_power()?);
                }
                Some('/') if !factors.is_empty() => {
                    self.at += 1;
                    let under = self.signed_power()?;
                    let over = if factors.len() == 1 { factors.pop()? } else { Expr::Product(std::mem::take(&mut factors)) };
                    factors.push(Expr::Div(Box::new(over), Box::new(under)));
                }
                _ if self.skip_words() => {
                    // What a unit is raised to.
                    if !factors.is_empty() && self.take('^') {
                        self.power_of()?;
                    }
                }
                _ if factors.is_empty() || self.begins_factor() => {
                    let factor = self.power()?;
                    mix(&mut factors, factor);
                }
                _ => break,
            }
        }
        if factors.len() == 1 { factors.pop() } else { Some(Expr::Product(factors)) }
    }

    fn signed_power(&mut self) -> Option<Expr> {
        if self.take('-') {
            return Some(Expr::Neg(Box::new(self.power()?)));
        }
        self.take('+');
        self.power()
    }

    fn begins_factor(&self) -> bool {
        match self.peek() {
            Some(Token::Num(_) | Token::Name(_) | Token::Call(_) | Token::Begin(_)) => true,
            Some(Token::Sign('|')) => self.bars == 0,
            Some(Token::Sign(sign)) => matches!(sign, '(' | '[' | '{' | '⌊' | '⌈' | '❘'),
            _ => false,
        }
    }

    /// A factor with what is written behind and above it.
    fn power(&mut self) -> Option<Expr> {
        let mut base = self.deeper(Self::atom)?;
        loop {
            match self.sign() {
                Some('^') => {
                    self.at += 1;
                    if let Some(exponent) = self.power_of()? {
                        base = Expr::Pow(Box::new(base), Box::new(exponent));
                    }
                }
                Some('!') => {
                    self.at += 1;
                    base = Expr::Call("!".into(), vec![base]);
                }
                Some('%') => {
                    self.at += 1;
                    // "28% percent" is one percent sign.
                    if !matches!(&base, Expr::Call(name, _) if name == "%") {
                        base = Expr::Call("%".into(), vec![base]);
                    }
                }
                Some('\'') => {
                    self.at += 1;
                    base = match base {
                        Expr::Name(name) => Expr::Name(format!("{name}'")),
                        other => other,
                    };
                }
                _ => return Some(base),
            }
        }
    }

    /// What follows `^`: a group, a sign and a number, a name. Inside, `None` for degrees and other marks that are no exponents.
    fn power_of(&mut self) -> Option<Option<Expr>> {
        if self.take('{') {
            if self.take('}') {
                return Some(None);
            }
            if self.take('\'') {
                self.take('}');
                return Some(None);
            }
            let inside = self.deeper(Self::sum)?;
            return self.take('}').then_some(Some(inside));
        }
        if self.take('-') {
            return Some(Some(Expr::Neg(Box::new(self.deeper(Self::atom)?))));
        }
        self.take('+');
        match self.peek() {
            Some(Token::Num(_) | Token::Name(_) | Token::Sign('(') | Token::Call(_)) => Some(Some(self.deeper(Self::atom)?)),
            _ => Some(None),
        }
    }

    fn atom(&mut self) -> Option<Expr> {
        let token = self.peek()?.clone();
        self.at += 1;
        match token {
            Token::Num(digits) => Some(self.number(digits)),
            Token::Name(name) => Some(Expr::Name(self.subscripted(name))),
            Token::Call(name) => self.call(&name),
            Token::Begin(environment) => self.matrix(&environment),
            Token::Sign(open @ ('(' | '[' | '{')) => {
                let inside = self.deeper(Self::sum)?;
                let closing = opens(open).map_or('}', |closing| closing[0]);
                self.take(closing).then_some(inside)
            }
            Token::Sign(open @ ('|' | '❘')) => {
                self.bars += 1;
                let inside = self.deeper(Self::sum);
                self.bars -= 1;
                self.take(if open == '|' { '|' } else { '❙' }).then_some(Expr::Call("abs".into(), vec![inside?]))
            }
            Token::Sign('⌊') => {
                let inside = self.deeper(Self::sum)?;
                self.take('⌋').then_some(Expr::Call("floor".into(), vec![inside]))
            }
            Token::Sign('⌈') => {
                let inside = self.deeper(Self::sum)?;
                self.take('⌉').then_some(Expr::Call("ceil".into(), vec![inside]))
            }
            _ => None,
        }
    }

    fn number(&mut self, digits: String) -> Expr {
        if let Some(Token::Repeat(repeated)) = self.peek() {
            let repeated = repeated.clone();
            self.at += 1;
            return Expr::Num(digits, repeated);
        }
        if self.sign() == Some('_') {
            // Digits of another base.
            return Expr::Name(self.subscripted(digits));
        }
        Expr::number(&digits)
    }

    /// A name with its subscript, if it has one.
    fn subscripted(&mut self, name: String) -> String {
        if !self.take('_') {
            return name;
        }
        let begin = self.at;
        let mut depth = 0;
        loop {
            match self.sign() {
                Some('{') => depth += 1,
                Some('}') => depth -= 1,
                _ => {}
            }
            if self.at == self.tokens.len() {
                break;
            }
            self.at += 1;
            if depth <= 0 {
                break;
            }
        }
        let written = self.tokens[begin..self.at].iter().map(|token| match token {
            Token::Num(text) | Token::Name(text) | Token::Text(text) | Token::Call(text) => text.clone(),
            Token::Sign('{' | '}') => String::new(),
            Token::Sign(sign) => sign.to_string(),
            other => format!("{other:?}"),
        });
        format!("{name}_{}", written.collect::<String>())
    }

    /// An argument of `frac` or `sqrt`: a group, or one sign. Of a number's digits a fraction takes one.
    fn argument(&mut self, one_digit: bool) -> Option<Expr> {
        self.skip_words();
        let at = self.at;
        if let Some(Token::Num(digits)) = self.tokens.get(at)
            && one_digit
            && digits.len() > 1
            && digits.is_char_boundary(1)
        {
            let (first, rest) = (digits[..1].to_owned(), digits[1..].to_owned());
            self.tokens[at] = Token::Num(rest);
            return Some(Expr::number(&first));
        }
        self.deeper(Self::atom)
    }

    fn call(&mut self, name: &str) -> Option<Expr> {
        match name {
            "frac" => Some(Expr::Div(Box::new(self.argument(true)?), Box::new(self.argument(true)?))),
            "binom" => Some(Expr::Call("binom".into(), vec![self.argument(true)?, self.argument(true)?])),
            "sqrt" => {
                let mut root = None;
                if self.take('[') {
                    root = Some(self.deeper(Self::sum)?);
                    self.take(']').then_some(())?;
                }
                let mut args = vec![self.argument(false)?];
                args.extend(root);
                Some(Expr::Call("sqrt".into(), args))
            }
            _ => self.function(name),
        }
    }

    /// A function, with its limits or base, its exponent, and an argument with or without brackets.
    fn function(&mut self, name: &str) -> Option<Expr> {
        let (mut limits, mut exponent) = (Vec::new(), None);
        loop {
            if self.take('_') {
                self.limit(&mut limits)?;
            } else if self.take('^') {
                exponent = self.power_of()?;
            } else {
                break;
            }
        }
        let mut args = Vec::new();
        if self.take('(') {
            loop {
                args.push(self.deeper(Self::sum)?);
                if !matches!(self.peek(), Some(Token::Comma)) {
                    break;
                }
                self.at += 1;
            }
            self.take(')').then_some(())?;
        } else {
            let mut factors = vec![self.deeper(Self::power)?];
            while self.begins_factor()
                && !matches!(self.peek(), Some(Token::Call(name)) if !matches!(name.as_str(), "frac" | "sqrt"))
            {
                factors.push(self.deeper(Self::power)?);
            }
            args.push(if factors.len() == 1 { factors.pop()? } else { Expr::Product(factors) });
        }
        args.extend(limits);
        let inverse = matches!(&exponent, Some(Expr::Neg(inner)) if **inner == Expr::number("1"));
        match exponent {
            Some(_) if inverse && ["sin", "cos", "tan"].contains(&name) => Some(Expr::Call(format!("arc{name}"), args)),
            // The upper limit of a sum.
            Some(upper) if ["sum", "prod", "int"].contains(&name) => {
                args.push(upper);
                Some(Expr::Call(name.to_owned(), args))
            }
            Some(exponent) => Some(Expr::Pow(Box::new(Expr::Call(name.to_owned(), args)), Box::new(exponent))),
            None => Some(Expr::Call(name.to_owned(), args)),
        }
    }

    /// What stands below a function: its parts, whatever relates them.
    fn limit(&mut self, limits: &mut Vec<Expr>) -> Option<()> {
        if !self.take('{') {
            limits.push(self.deeper(Self::atom)?);
            return Some(());
        }
        while !self.take('}') {
            match self.peek()? {
                Token::Rel(_) | Token::Comma | Token::Text(_) => self.at += 1,
                Token::Name(arrow) if arrow == "to" || arrow == "rightarrow" => self.at += 1,
                _ => limits.push(self.deeper(Self::sum)?),
            }
        }
        Some(())
    }

    fn matrix(&mut self, environment: &str) -> Option<Expr> {
        if !environment.ends_with("matrix") && environment != "array" {
            return None;
        }
        let mut rows = vec![Vec::new()];
        loop {
            match self.peek()? {
                Token::Sign('&') => self.at += 1,
                Token::Row => {
                    self.at += 1;
                    rows.push(Vec::new());
                }
                Token::End => {
                    self.at += 1;
                    break;
                }
                _ => {
                    let cell = self.deeper(Self::sum)?;
                    rows.last_mut()?.push(cell);
                }
            }
        }
        rows.retain(|row| !row.is_empty());
        let columns = rows.first()?.len();
        let matrix = rows.iter().all(|row| row.len() == columns).then_some(Expr::Matrix(rows))?;
        Some(if environment == "vmatrix" { Expr::Call("det".into(), vec![matrix]) } else { matrix })
    }
}

/// Appends a factor; a whole number before a fraction below one is a mixed number.
fn mix(factors: &mut Vec<Expr>, factor: Expr) {
    let whole = |expr: &Expr| matches!(expr, Expr::Num(digits, _) if digits.bytes().all(|b| b.is_ascii_digit()));
    let size = |expr: &Expr| match expr {
        Expr::Num(digits, _) => digits.parse().unwrap_or(f64::NAN),
        _ => f64::NAN,
    };
    let mixed = match (factors.last(), &factor) {
        (Some(last), Expr::Div(over, under)) => whole(last) && whole(over) && whole(under) && size(over) < size(under),
        _ => false,
    };
    match factors.pop() {
        Some(last) if mixed => factors.push(Expr::Sum(vec![last, factor])),
        Some(last) => factors.extend([last, factor]),
        None => factors.push(factor),
    }
}
