//! Commands of LaTeX -> tokens: symbols, environments, words inside of mathematics.

use super::{Lexer, Rel, TextMode, TokenKind, group, letters::FUNCTIONS};

/// Commands that affect layout or font only, with or without a group behind them.
const LAYOUT: &[&str] = &[
    "displaystyle",
    "textstyle",
    "scriptstyle",
    "scriptscriptstyle",
    "limits",
    "nolimits",
    "hfill",
    "boxed",
    "fbox",
    "framebox",
    "rm",
    "bf",
    "it",
    "sf",
    "tt",
    "mathit",
    "mathbf",
    "mathsf",
    "mathtt",
    "texttt",
    "boldsymbol",
    "bm",
    "pmb",
    "tiny",
    "small",
    "normalsize",
    "large",
    "Large",
    "LARGE",
    "huge",
    "Huge",
    "displaylimits",
    "allowbreak",
    "middle",
    "big",
    "Big",
    "bigg",
    "Bigg",
    "bigl",
    "bigr",
    "Bigl",
    "Bigr",
    "biggl",
    "biggr",
    "Biggl",
    "Biggr",
    "left",
    "right",
    "mathop",
    "mathrel",
    "mathbin",
    "mathord",
    "noindent",
    "centering",
    "relax",
    "ensuremath",
    "underline",
    "mathstrut",
];

/// Commands with a group of words.
const TEXT: &[&str] = &[
    "text",
    "textbf",
    "textit",
    "textnormal",
    "mbox",
    "textrm",
    "textsf",
    "emph",
    "mathrm",
    "operatorname",
    "hbox",
    "textup",
    "textsl",
    "textsc",
];

/// Commands that make a name of the group behind them.
const MARKS: &[&str] = &[
    "overline",
    "vec",
    "overrightarrow",
    "bar",
    "hat",
    "widehat",
    "tilde",
    "widetilde",
    "angle",
    "triangle",
    "overleftrightarrow",
    "mathcal",
    "mathfrak",
    "mathscr",
    "measuredangle",
    "overarc",
];

impl<'a> Lexer<'a> {
    /// Reads a command, beginning at its backslash.
    pub(super) fn command(&mut self) {
        let start = self.at;
        let rest = &self.rest()[1..];
        let name = &rest[..rest.bytes().take_while(u8::is_ascii_alphabetic).count()];
        if name.is_empty() {
            return self.escaped(start, rest.chars().next());
        }
        self.at += 1 + name.len();
        self.named(start, name);
    }

    fn escaped(&mut self, start: usize, next: Option<char>) {
        self.at += 1 + next.map_or(0, char::len_utf8);
        match next {
            Some('\\') if self.environments > 0 => self.push(start, TokenKind::Row),
            // An escaped backslash: `\\frac` is `\frac`.
            Some('\\') if self.rest().starts_with(|c: char| c.is_ascii_alphabetic() || c == '{' || c == '}') => self.at -= 1,
            // A line break, a space of any width, or a mark that opens or closes mathematics.
            Some('\\' | ',' | ';' | ':' | '!' | ' ' | '\n' | '(' | ')' | '[' | ']' | '/') => self.spaced = true,
            Some('>') => self.spaced = true,
            Some('%') => self.push(start, TokenKind::Sign('%')),
            Some('{') => self.bracket(start, '⟨'),
            Some('}') => self.bracket(start, '⟩'),
            Some('|') => self.push(start, TokenKind::Sign('|')),
            Some('$') => self.push(start, TokenKind::Money("dollar")),
            Some('-') => self.push(start, TokenKind::Sign('-')),
            Some('_' | '#' | '*') => self.spaced = true,
            _ => self.unknown(start),
        }
    }

    /// Consumes the group behind a command and returns its content.
    fn argument(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let blank = rest.len() - rest.trim_start().len();
        let (inside, length) = group(rest.trim_start())?;
        self.at += blank + length;
        Some(inside)
    }

    fn named(&mut self, start: usize, name: &str) {
        let short = name.trim_start_matches(['d', 't', 'c']);
        match name {
            "therefore" | "implies" | "Rightarrow" | "because" | "square" | "blacksquare" | "qed"
                if self.tokens.is_empty() || self.rest().trim().is_empty() =>
            {
                self.spaced = true;
            }
            "textcolor" | "colorbox" => {
                self.argument();
                self.spaced = true;
            }
            "quad" | "qquad" | "enspace" | "thinspace" | "space" | "medspace" | "thickspace" => self.spaced = true,
            "hspace" | "vspace" | "phantom" | "label" | "tag" | "color" => drop(self.argument()),
            "rm" if self.rest().starts_with('{') => self.words(start, "text"),
            _ if name == "left" || name == "right" || LAYOUT.contains(&name) => self.layout(name),
            _ if TEXT.contains(&name) => self.words(start, name),
            "begin" => {
                let environment = self.argument().unwrap_or_default().trim().trim_end_matches('*').to_owned();
                if environment == "array" {
                    self.argument();
                }
                self.environments += 1;
                self.push(start, TokenKind::Begin(environment));
            }
            "end" => {
                self.argument();
                self.environments = self.environments.saturating_sub(1);
                self.push(start, TokenKind::End);
            }
            "mathbb" | "Bbb" => {
                // `\mathbb R` takes one letter.
                let letter = self.rest().trim_start().chars().next().filter(char::is_ascii_alphabetic);
                let field = match (self.argument(), letter) {
                    (Some(inside), _) if inside.contains(|c: char| c.is_ascii_alphabetic()) => {
                        inside.chars().filter(char::is_ascii_alphabetic).collect()
                    }
                    (Some(_), _) => return self.unknown(start),
                    (None, Some(letter)) => {
                        self.at += self.rest().len() - self.rest().trim_start().len() + 1;
                        letter.to_string()
                    }
                    (None, None) => return self.unknown(start),
                };
                self.push(start, TokenKind::Name(format!("bb {field}")));
            }
            // Arrows and relations that are not evaluated.
            "pmod" | "bmod" | "mod" | "to" | "rightarrow" | "Rightarrow" | "implies" | "iff" | "leftrightarrow"
            | "Leftrightarrow" | "mapsto" | "subset" | "subseteq" | "supset" | "supseteq" | "forall" | "exists" | "gg" | "ll"
            | "parallel" | "perp" | "sim" | "cong" | "equiv" | "notin" | "ni" | "propto" | "leftarrow" | "longrightarrow"
            | "Longrightarrow" | "oplus" | "otimes" | "nabla" | "partial" => self.unknown(start),
            "langle" => self.bracket(start, '('),
            "rangle" => self.bracket(start, ')'),
            _ if MARKS.contains(&name) => self.push(start, TokenKind::Mark(name.to_owned())),
            _ if short == "frac" || short == "binom" => self.push(start, TokenKind::Func(short.to_owned())),
            _ if FUNCTIONS.contains(&name) => self.push(start, TokenKind::Func(name.to_owned())),
            "int" | "arcsec" | "arccsc" | "arccot" | "coth" | "sech" | "csch" | "arg" | "Pr" => {
                self.push(start, TokenKind::Func(name.to_owned()))
            }
            // Two commands without a space between them, such as `\quadx`.
            _ if name.strip_prefix("quad").is_some_and(|rest| rest.len() == 1) => {
                self.at -= name.len() - "quad".len();
                self.spaced = true;
            }
            _ => {
                let kind = symbol(name)
                    .unwrap_or_else(|| TokenKind::Name(if GREEK.contains(&name) { name.into() } else { format!("\\{name}") }));
                match kind {
                    TokenKind::Sign(sign @ ('⟨' | '⟩')) => self.bracket(start, sign),
                    kind => self.push(start, kind),
                }
            }
        }
    }

    /// Reads a command of layout. Sizes and fonts are dropped; `\left` and `\right` tell whether the bar behind them opens or closes.
    fn layout(&mut self, name: &str) {
        let start = self.at;
        let rest = self.rest().trim_start();
        let sized =
            name.starts_with("left") || name.starts_with("right") || name.to_lowercase().starts_with("big") || name == "middle";
        if sized && rest.starts_with(['.', '|']) {
            self.at = self.text.len() - rest.len() + 1;
        }
        if sized && rest.starts_with('|') {
            let opens = if name.ends_with('l') || name == "left" { '❘' } else { '❙' };
            self.push(start, TokenKind::Sign(opens));
        }
    }

    /// Reads words inside of mathematics, as plain text that is set upright.
    fn words(&mut self, start: usize, name: &str) {
        let Some(inside) = self.argument() else {
            return match name {
                // `\text 5` and the like apply to the next character only.
                _ if self.rest().starts_with(' ') => {}
                _ => self.unknown(start),
            };
        };
        let trimmed = inside.trim();
        let count = |sign: char| trimmed.matches(sign).count();
        let empty = trimmed.is_empty() && (name == "mathrm" || name == "operatorname");
        if empty || count('(') < count(')') || count('(') > count(')') {
            return self.unknown(start);
        }
        self.spaced |= inside.starts_with(char::is_whitespace);
        if self.set_in_another_base(start, inside) {
            return;
        }
        if (name == "mathrm" || name == "operatorname") && FUNCTIONS.contains(&trimmed) {
            return self.push(start, TokenKind::Func(trimmed.to_owned()));
        }
        let mode = if name == "mathrm" || name == "operatorname" { TextMode::Math } else { TextMode::Prose };
        self.upright(start, inside, mode);
    }

    /// Reads words that are set upright.
    pub(super) fn upright(&mut self, start: usize, inside: &'a str, mode: TextMode) {
        let (trimmed, end) = (inside.trim(), self.at);
        // The inner lexer continues the token list, because "and" and units are recognised by the token before them.
        let mut inner = Lexer {
            text: trimmed,
            at: 0,
            mode,
            style: self.style,
            tokens: std::mem::take(&mut self.tokens),
            brackets: self.brackets,
            environments: 0,
            spaced: self.spaced,
            upright: true,
        };
        let before = inner.tokens.len();
        while inner.at < trimmed.len() {
            inner.step();
        }
        self.tokens = inner.tokens;
        for token in &mut self.tokens[before..] {
            (token.start, token.end) = (start, end);
        }
        self.spaced = inside.ends_with(char::is_whitespace);
    }
}

const GREEK: &[&str] = &[
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "varepsilon",
    "zeta",
    "eta",
    "theta",
    "vartheta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "rho",
    "varrho",
    "sigma",
    "varsigma",
    "tau",
    "upsilon",
    "phi",
    "varphi",
    "chi",
    "psi",
    "omega",
    "Gamma",
    "Delta",
    "Theta",
    "Lambda",
    "Xi",
    "Pi",
    "Sigma",
    "Upsilon",
    "Phi",
    "Psi",
    "Omega",
    "ell",
    "hbar",
];

/// Returns the token of a command, or `None` if the command is a name.
fn symbol(name: &str) -> Option<TokenKind> {
    Some(match name {
        "cdot" | "times" | "ast" | "cdotp" => TokenKind::Sign('*'),
        "div" => TokenKind::Sign('/'),
        "pm" => TokenKind::Sign('±'),
        "mp" => TokenKind::Sign('∓'),
        "cup" | "bigcup" => TokenKind::Sign('∪'),
        "cap" | "bigcap" => TokenKind::Sign('∩'),
        "setminus" | "backslash" | "smallsetminus" => TokenKind::Sign('∖'),
        "lfloor" => TokenKind::Sign('⌊'),
        "rfloor" => TokenKind::Sign('⌋'),
        "lceil" => TokenKind::Sign('⌈'),
        "rceil" => TokenKind::Sign('⌉'),
        "lbrace" => TokenKind::Sign('⟨'),
        "rbrace" => TokenKind::Sign('⟩'),
        "lbrack" => TokenKind::Sign('['),
        "rbrack" => TokenKind::Sign(']'),
        "lvert" => TokenKind::Sign('❘'),
        "rvert" => TokenKind::Sign('❙'),
        "vert" | "mid" => TokenKind::Sign('|'),
        "colon" => TokenKind::Sign(':'),
        "circ" | "degree" | "textdegree" => TokenKind::Sign('°'),
        "prime" => TokenKind::Sign('\''),
        "le" | "leq" | "leqslant" | "leqq" => TokenKind::Rel(Rel::LessEqual),
        "ge" | "geq" | "geqslant" | "geqq" => TokenKind::Rel(Rel::GreaterEqual),
        "lt" => TokenKind::Rel(Rel::Less),
        "gt" => TokenKind::Rel(Rel::Greater),
        "ne" | "neq" => TokenKind::Rel(Rel::NotEqual),
        "approx" | "simeq" | "approxeq" | "doteq" | "thickapprox" => TokenKind::Rel(Rel::About),
        "in" => TokenKind::Rel(Rel::In),
        "infty" => TokenKind::Name("∞".into()),
        "pi" => TokenKind::Name("π".into()),
        "emptyset" | "varnothing" => TokenKind::Name("∅".into()),
        "Reals" | "R" => TokenKind::Name("bb R".into()),
        "ldots" | "dots" | "cdots" | "dotsc" | "dotsb" | "dotsm" => TokenKind::Dots,
        "land" | "wedge" => TokenKind::And,
        "lor" | "vee" => TokenKind::Or,
        "lg" => TokenKind::Func("lg".into()),
        "euro" => TokenKind::Money("euro"),
        "pounds" => TokenKind::Money("pound sterling"),
        "permil" | "textperthousand" => TokenKind::Sign('‰'),
        _ => return None,
    })
}
