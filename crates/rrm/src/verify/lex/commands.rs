//! What follows a backslash -> tokens: commands, environments, words inside of mathematics.

use super::{FUNCTIONS, Lexer, PERCENT, Rel, Token, group, letters};

impl<'a> Lexer<'a> {
    /// What follows a backslash.
    pub(super) fn command(&mut self) {
        let rest = &self.rest()[1..];
        let name = letters(rest);
        if name.is_empty() {
            let next = rest.chars().next();
            self.at += 1 + next.map_or(0, char::len_utf8);
            match next {
                Some('\\') if self.environments > 0 => self.push(Token::Row),
                // Twice escaped: `\\frac` is `\frac`.
                Some('\\') if rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '{' || c == '}') => self.at -= 1,
                Some('%') => self.push(Token::Sign('%')),
                Some('{') => self.bracket('⟨'),
                Some('}') => self.bracket('⟩'),
                Some('|') => self.push(Token::Sign('|')),
                _ => {}
            }
            return;
        }
        self.at += 1 + name.len();
        self.named(name);
    }

    pub(super) fn bracket(&mut self, sign: char) {
        match sign {
            '(' | '[' | '⟨' => self.brackets += 1,
            ')' | ']' | '⟩' => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
        self.push(Token::Sign(sign));
    }

    /// The group after a command, whose bytes are taken.
    fn argument(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let blank = rest.len() - rest.trim_start().len();
        let (inside, length) = group(rest.trim_start())?;
        self.at += blank + length;
        Some(inside)
    }

    fn named(&mut self, name: &str) {
        let short = name.trim_start_matches(['d', 't', 'c']);
        match name {
            "left" | "right" | "middle" | "big" | "Big" | "bigg" | "Bigg" | "bigl" | "bigr" | "Bigl" | "Bigr" | "biggl"
            | "biggr" => {
                let rest = self.rest().trim_start();
                if rest.starts_with(['.', '|']) {
                    self.at = self.text.len() - rest.len() + 1;
                }
                if rest.starts_with('|') {
                    let opens = if name.ends_with('l') || name == "left" { '❘' } else { '❙' };
                    self.push(Token::Sign(opens));
                }
            }
            "hspace" | "vspace" | "phantom" | "label" | "tag" | "color" => drop(self.argument()),
            "text" | "textbf" | "textit" | "textnormal" | "mbox" | "textrm" | "textsf" | "emph" | "mathrm" | "operatorname"
            | "hbox" => {
                if let Some(words) = self.argument() {
                    self.words(words, name == "mathrm" || name == "operatorname");
                }
            }
            "begin" => {
                let environment = self.argument().unwrap_or_default().trim_end_matches('*').to_owned();
                if environment == "array" {
                    self.argument();
                }
                self.environments += 1;
                self.push(Token::Begin(environment));
            }
            "end" => {
                self.argument();
                self.environments = self.environments.saturating_sub(1);
                self.push(Token::End);
            }
            "mathbb" => {
                let field = self.argument().unwrap_or_default().to_owned();
                self.push(Token::Name(format!("bb {field}")));
            }
            _ if short == "frac" || short == "binom" => self.push(Token::Call(short.to_owned())),
            _ if FUNCTIONS.contains(&name) => self.push(Token::Call(name.to_owned())),
            _ => match symbol(name) {
                Some(Some(token)) => self.push(token),
                Some(None) => {}
                // Two commands run together, such as `\quadx`.
                None if name.starts_with("quad") => self.at -= name.len() - "quad".len(),
                None => self.push(Token::Name(name.to_owned())),
            },
        }
    }

    /// Words inside of mathematics.
    fn words(&mut self, words: &str, upright: bool) {
        let trimmed = words.trim().trim_matches(|c| c == '(' || c == ')').trim();
        let lower = trimmed.to_lowercase();
        let bare = lower.trim_matches(|c: char| !c.is_alphanumeric() && c != '%');
        match bare {
            "and" | "or" => self.push(Token::Comma),
            "%" => self.push(Token::Sign('%')),
            "in" if !self.after_value() => self.push(Token::Rel(Rel::In)),
            _ if PERCENT.contains(&bare) => self.push(Token::Sign('%')),
            _ if lower == "," => self.push(Token::Comma),
            "" => {}
            // A remark that goes on to the next of several answers.
            _ if self.after_value() && (lower.ends_with(" and") || lower.ends_with(" or")) => self.push(Token::Comma),
            _ if bare.bytes().all(|b| b.is_ascii_digit()) => self.push(Token::Num(bare.to_owned())),
            _ if upright && FUNCTIONS.contains(&trimmed) => self.push(Token::Call(trimmed.to_owned())),
            _ if upright && trimmed.len() == 1 && !self.after_value() => self.push(Token::Name(trimmed.to_owned())),
            _ => self.push(Token::Text(trimmed.to_owned())),
        }
    }
}

/// What a command stands for: a token, or nothing at all. `None` for a command that is a name.
fn symbol(name: &str) -> Option<Option<Token>> {
    let sign = |sign: char| Some(Some(Token::Sign(sign)));
    let rel = |rel: Rel| Some(Some(Token::Rel(rel)));
    match name {
        "cdot" | "times" | "ast" => sign('*'),
        "div" => sign('/'),
        "pm" | "mp" => sign('±'),
        "cup" => sign('∪'),
        "cap" => sign('∩'),
        "setminus" | "backslash" => sign('∖'),
        "lfloor" => sign('⌊'),
        "rfloor" => sign('⌋'),
        "lceil" => sign('⌈'),
        "rceil" => sign('⌉'),
        "lbrace" => sign('⟨'),
        "rbrace" => sign('⟩'),
        "lvert" => sign('❘'),
        "rvert" => sign('❙'),
        "vert" | "mid" => sign('|'),
        "colon" => sign(':'),
        "le" | "leq" | "leqslant" | "leqq" => rel(Rel::LessEqual),
        "ge" | "geq" | "geqslant" | "geqq" => rel(Rel::GreaterEqual),
        "lt" => rel(Rel::Less),
        "gt" => rel(Rel::Greater),
        "ne" | "neq" => rel(Rel::NotEqual),
        "approx" | "simeq" | "sim" => rel(Rel::About),
        "equiv" => rel(Rel::Equal),
        "in" => rel(Rel::In),
        "infty" => Some(Some(Token::Name("∞".into()))),
        "pi" => Some(Some(Token::Name("π".into()))),
        "emptyset" | "varnothing" => Some(Some(Token::Name("∅".into()))),
        "ldots" | "dots" | "cdots" => Some(Some(Token::Name("…".into()))),
        "prime" => sign('\''),
        "circ" | "degree" | "displaystyle" | "textstyle" | "limits" | "nolimits" | "quad" | "qquad" | "hfill" | "mathbf"
        | "mathit" | "mathcal" | "boldsymbol" | "bm" | "vec" | "overrightarrow" | "overline" | "bar" | "hat" | "widehat"
        | "tilde" | "boxed" | "fbox" | "underline" | "angle" | "triangle" | "rm" | "bf" | "it" | "displaylimits"
        | "allowbreak" | "n" => Some(None),
        _ => None,
    }
}
