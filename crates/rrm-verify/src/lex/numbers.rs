//! Numbers -> tokens: thousands, decimals, repeating digits, exponents, dates.

use super::{Lexer, NumberStyle, TextMode, TokenKind, digits, group};

/// Spellings of an ellipsis.
const DOTS: &[&str] = &["...", "…", "\\ldots", "\\dots", "\\cdots", "\\dotsc"];

impl<'a> Lexer<'a> {
    /// Reads a number with its groups of thousands, its decimals and its repeating digits.
    pub(super) fn number(&mut self) {
        let start = self.at;
        if self.date() || self.prefixed() || self.in_another_base() {
            return;
        }
        if self.mode == TextMode::Math && self.takes_one_digit() {
            self.at += 1;
            return self.push(start, TokenKind::Num(self.text[start..self.at].to_owned()));
        }
        let mut number = digits(self.rest()).to_owned();
        self.at += number.len();
        let whole = number.len();
        if (1..=3).contains(&number.len()) && !number.starts_with('0') {
            self.thousands(&mut number);
            self.points(&mut number);
        }
        if number.len() == whole {
            self.blanks(&mut number);
        }
        let rest = self.rest();
        let part = rest.strip_prefix('.').map_or("", digits);
        let mut pointed = true;
        if !part.is_empty() {
            self.at += 1 + part.len();
            number = format!("{}.{part}", if number.is_empty() { "0" } else { &number });
        } else if repeats(spaceless(rest.strip_prefix('.').unwrap_or_default())) {
            number.push('.');
            self.at += 1;
        } else if let Some(part) = self.decimal_comma(&number, whole) {
            number = format!("{number}.{part}");
            self.at += 1 + part.len();
        } else {
            pointed = false;
        }
        let more = |sign: char| self.rest().strip_prefix(sign).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        // `1.234,50` is one number in some countries and a list in others.
        let european = self.brackets == 0 && part.len() == 3 && whole <= 3 && more(',') && !self.text.contains(' ');
        if pointed && (more('.') || european) {
            // `1.2.3` is not a number.
            self.at += 1;
            self.at += digits(self.rest()).len();
            return self.unknown(start);
        }
        let exponent = self.exponent();
        if exponent.is_some() {
            self.push(start, TokenKind::Sign('('));
        }
        self.push(start, TokenKind::Num(number.clone()));
        if let Some(exponent) = exponent {
            [TokenKind::Sign('*'), TokenKind::Num("10".into()), TokenKind::Sign('^'), TokenKind::Sign('{')]
                .into_iter()
                .for_each(|kind| self.push(start, kind));
            if exponent.starts_with('-') {
                self.push(start, TokenKind::Sign('-'));
            }
            self.push(start, TokenKind::Num(exponent.trim_start_matches(['-', '+']).to_owned()));
            self.push(start, TokenKind::Sign('}'));
            self.push(start, TokenKind::Sign(')'));
        } else if pointed {
            self.repeated(&number);
        }
    }

    /// Whether a command or a script before the current position takes a single digit, as in `\frac12`, `\sqrt12` and `x^12`.
    fn takes_one_digit(&self) -> bool {
        let kind = |back: usize| self.tokens.len().checked_sub(back).map(|at| &self.tokens[at].kind);
        let command = |kind: Option<&TokenKind>, sqrt: bool| matches!(kind, Some(TokenKind::Func(name)) if name == "frac" || name == "binom" || sqrt && name == "sqrt");
        let digit = matches!(kind(1), Some(TokenKind::Num(digits)) if digits.len() == 1);
        self.rest().starts_with(|c: char| c.is_ascii_digit())
            && (command(kind(1), true) || digit && command(kind(2), false) || matches!(kind(1), Some(TokenKind::Sign('_' | '^'))))
    }

    /// Reads a date such as `2021-03-05` or `2021/3/5`. Returns false if there is none.
    fn date(&mut self) -> bool {
        let start = self.at;
        let rest = self.rest();
        if let Some(((year, month, day), length)) = self.other_date() {
            self.at += length;
            self.push(start, TokenKind::Date(year, month, day));
            return true;
        }
        let year = digits(rest);
        let sign = rest[year.len()..].chars().next().filter(|sign| matches!(sign, '-' | '/'));
        let Some(sign) = sign.filter(|_| year.len() == 4) else { return false };
        let mut parts = rest[5..].splitn(2, sign);
        let (Some(month), Some(day)) = (parts.next(), parts.next().map(digits)) else { return false };
        let number = |text: &str| text.parse().unwrap_or(0u32);
        let short = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        // In mathematics, `2021-3-5` may be a difference.
        let padded = self.mode == TextMode::Prose || month.len() == 2 || day.len() == 2;
        if !short(month) || !short(day) || !padded || !(1..=12).contains(&number(month)) || !(1..=31).contains(&number(day)) {
            return false;
        }
        self.at += 4 + 1 + month.len() + 1 + day.len();
        self.push(start, TokenKind::Date(number(year), number(month), number(day)));
        true
    }

    /// Appends groups of three digits to a number of at most three digits.
    fn thousands(&mut self, number: &mut String) {
        if number.len() < 3
            && let Some((groups, length)) = self.indian()
        {
            number.push_str(&groups);
            self.at += length;
            return;
        }
        let before = (self.at, number.len());
        while let Some((group, length)) = self.thousand() {
            number.push_str(group);
            self.at += length;
        }
        // `1,234,5` is a list, even though its first comma looks like one of thousands.
        if self.at > before.0 && self.rest().strip_prefix(',').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        {
            self.at = before.0;
            number.truncate(before.1);
        }
    }

    /// Whether a comma between groups of three digits belongs to the number.
    fn comma_joins(&self) -> bool {
        match self.style {
            NumberStyle::Thousands => true,
            NumberStyle::Lists | NumberStyle::Decimals | NumberStyle::Points | NumberStyle::PointsAndCommas => false,
            _ => self.brackets == 0,
        }
    }

    /// Returns the next group of three digits that continues a number, and the bytes up to its end.
    fn thousand(&self) -> Option<(&'a str, usize)> {
        let rest = self.rest();
        let space = if self.mode == TextMode::Prose { " " } else { "~" };
        let marks = ["{,}", "{, }", "{,\\!}", "\\,", "\\ ", "\\;", "\u{a0}", "\u{202f}", "\u{2009}", space];
        // Mathematics ignores blanks before a comma in braces.
        let blank = if self.mode == TextMode::Math && rest.trim_start().starts_with("{,") {
            rest.len() - rest.trim_start().len()
        } else {
            0
        };
        let rest = &rest[blank..];
        if self.mode == TextMode::Math && rest.contains("\\!") {
            // `4,\!913`, with any space around the comma.
            let comma = spaceless(rest);
            let after = comma.strip_prefix(',').map_or("", spaceless);
            let space = &rest[..rest.len() - after.len()];
            let group = digits(after);
            if space.contains("\\!") {
                return (group.len() == 3).then_some((group, blank + space.len() + 3));
            }
        }
        let mark = marks.iter().find(|mark| rest.starts_with(**mark)).copied();
        let mark = mark.or((self.comma_joins() && rest.starts_with(',')).then_some(","))?;
        let length = mark.len();
        let group = digits(&rest[length..]);
        (group.len() == 3).then_some((group, blank + length + 3))
    }

    /// Reads `1,00,000`: groups of two digits, the last of three. Returns the digits and the length in bytes.
    fn indian(&self) -> Option<(String, usize)> {
        if !self.comma_joins() {
            return None;
        }
        let (mut groups, mut length) = (String::new(), 0);
        loop {
            let group = digits(self.rest()[length..].strip_prefix(',')?);
            groups.push_str(group);
            length += 1 + group.len();
            match group.len() {
                2 => {}
                3 if groups.len() > 3 => break,
                _ => return None,
            }
        }
        let ends = !self.rest()[length..].strip_prefix(',').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        ends.then_some((groups, length))
    }

    /// Joins digits across blanks, which mathematics ignores. A blank before a fraction stays: it makes a mixed number.
    fn blanks(&mut self, number: &mut String) {
        if self.mode == TextMode::Prose || number.is_empty() {
            return;
        }
        loop {
            let rest = self.rest();
            let after = rest.trim_start_matches(' ');
            let next = digits(after);
            let fraction = after[next.len()..].trim_start().starts_with('/');
            if next.is_empty() || after.len() == rest.len() || fraction {
                return;
            }
            number.push_str(next);
            self.at += rest.len() - after.len() + next.len();
        }
    }

    /// Returns the decimals behind a comma. In plain text these are two digits, or three and more behind a zero.
    fn decimal_comma(&self, number: &str, whole: usize) -> Option<&'a str> {
        let part = digits(self.rest().strip_prefix(',')?);
        let after = &self.rest()[1 + part.len()..];
        let usual = self.mode == TextMode::Prose && (part.len() == 2 && number.len() != 2 || (number == "0" && part.len() > 2));
        let fits = match self.style {
            NumberStyle::Decimals | NumberStyle::PointsAndCommas => !part.is_empty(),
            NumberStyle::Lists | NumberStyle::Thousands | NumberStyle::Points => false,
            _ => usual && self.brackets == 0,
        };
        let alone = !after.starts_with(',') && !self.after_comma();
        let grouped = whole < number.len() && self.style != NumberStyle::PointsAndCommas;
        (fits && alone && !grouped && whole > 0).then_some(part)
    }

    /// Whether the number stands right behind a comma, as later members of a list do.
    fn after_comma(&self) -> bool {
        matches!(self.tokens.last().map(|token| &token.kind), Some(TokenKind::Comma)) && !self.spaced
    }

    /// Reads the exponent of `1.5e-3` in plain text.
    fn exponent(&mut self) -> Option<&'a str> {
        let rest = self.rest().strip_prefix(['e', 'E']).filter(|_| self.mode == TextMode::Prose)?;
        let signed = rest.strip_prefix(['-', '+']).unwrap_or(rest);
        let length = rest.len() - signed.len() + digits(signed).len();
        let whole = !digits(signed).is_empty() && !rest[length..].starts_with(|c: char| c.is_alphanumeric());
        whole.then(|| {
            self.at += 1 + length;
            &rest[..length]
        })
    }

    /// Reads the repeating digits of a decimal: `\overline{3}`, `\dot{3}`, `(3)` behind a zero and a point, or digits that are written twice before
    /// an ellipsis.
    fn repeated(&mut self, number: &str) {
        let start = self.at;
        let rest = if self.mode == TextMode::Math { spaceless(self.rest()) } else { self.rest() };
        let space = self.rest().len() - rest.len();
        for mark in ["\\overline", "\\bar"] {
            let Some(behind) = rest.strip_prefix(mark).map(spaceless) else { continue };
            if all_digits(behind.get(..1).unwrap_or_default()) && self.mode == TextMode::Math {
                // `\overline1` takes one digit.
                self.at += self.rest().len() - behind.len() + 1;
                return self.push(start, TokenKind::Repeat(behind[..1].to_owned()));
            }
            if let Some((inside, length)) = group(behind)
                && let inside = inside.replace("\\,", "").replace(' ', "")
                && all_digits(&inside)
            {
                self.at += self.rest().len() - behind.len() + length;
                return self.push(start, TokenKind::Repeat(inside));
            }
        }
        if let Some((repeated, length)) = dotted(rest) {
            self.at += space + length;
            return self.push(start, TokenKind::Repeat(repeated));
        }
        let rest = self.rest();
        let in_brackets = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map(|(inside, _)| inside);
        if let Some(inside) = in_brackets.filter(|inside| all_digits(inside)) {
            self.at += inside.len() + 2;
            if number.starts_with("0.") {
                return self.push(start, TokenKind::Repeat(inside.to_owned()));
            }
            // `2.5(3)` may also be a product.
            return self.unknown(start);
        }
        if let Some(dots) = DOTS.iter().find(|dots| rest.starts_with(**dots)) {
            let decimals = number.split_once('.').map_or("", |(_, decimals)| decimals);
            if let Some(length) = period(decimals)
                && let Some(TokenKind::Num(written)) = self.tokens.last_mut().map(|token| &mut token.kind)
            {
                let repeated = decimals[decimals.len() - length..].to_owned();
                self.at += dots.len();
                written.truncate(written.len() - length);
                self.push(start, TokenKind::Repeat(repeated));
            }
        }
    }
}

/// Trims spaces of all widths from the start of a text.
fn spaceless(text: &str) -> &str {
    let mut rest = text;
    loop {
        let next = rest.trim_start_matches([' ', '~']);
        let next = ["\\,", "\\ ", "\\;", "\\:", "\\!"].iter().find_map(|space| next.strip_prefix(space)).unwrap_or(next);
        if next.len() == rest.len() {
            return rest;
        }
        rest = next;
    }
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether repeating digits begin here.
fn repeats(rest: &str) -> bool {
    let in_brackets =
        rest.strip_prefix('(').is_some_and(|rest| all_digits(digits(rest)) && rest[digits(rest).len()..].starts_with(')'));
    let mark = |mark: &&str| {
        rest.strip_prefix(*mark).is_some_and(|rest| spaceless(rest).starts_with(|c: char| c == '{' || c.is_ascii_digit()))
    };
    in_brackets || ["\\overline", "\\dot", "\\bar"].iter().any(mark)
}

/// Reads `\dot{3}`, `\dot{1}\dot{2}` or `\dot{1}42\dot{3}`. Returns the repeating digits and the length in bytes.
fn dotted(text: &str) -> Option<(String, usize)> {
    let dot = |text: &str| {
        let (inside, length) = text.strip_prefix("\\dot").and_then(group)?;
        (inside.len() == 1 && all_digits(inside)).then(|| (inside.to_owned(), length + "\\dot".len()))
    };
    let (mut repeated, mut length) = dot(text)?;
    let between = digits(&text[length..]);
    if let Some((last, more)) = dot(&text[length + between.len()..]) {
        repeated.push_str(between);
        repeated.push_str(&last);
        length += between.len() + more;
    }
    Some((repeated, length))
}

/// Returns the length of the shortest block of digits that stands twice in succession at the end of `decimals`.
fn period(decimals: &str) -> Option<usize> {
    (1..=decimals.len() / 2).find(|length| {
        let (before, last) = decimals.split_at(decimals.len() - length);
        before.ends_with(last)
    })
}
