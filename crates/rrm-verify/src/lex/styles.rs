//! Numbers in a style that is not read first: points between thousands, digits of other bases, Roman numerals, dates that begin with a day or a
//! month.

use super::{Lexer, NumberStyle, TokenKind, digits, group};
use crate::words;

/// The names of bases, beside the words of numbers.
const BASES: &[(&str, u32)] = &[
    ("bin", 2),
    ("binary", 2),
    ("oct", 8),
    ("octal", 8),
    ("dec", 10),
    ("decimal", 10),
    ("hex", 16),
    ("hexadecimal", 16),
    ("sixteen", 16),
];

impl<'a> Lexer<'a> {
    /// Takes `0xFF`, `0b101` or `0o17` as a number with its base.
    pub(super) fn prefixed(&mut self) -> bool {
        let rest = self.rest();
        let base = match rest.as_bytes() {
            [b'0', b'x' | b'X', ..] => 16,
            [b'0', b'b' | b'B', ..] => 2,
            [b'0', b'o' | b'O', ..] => 8,
            _ => return false,
        };
        let run = alphanumeric(&rest[2..]);
        if !in_base(run, base) {
            return false;
        }
        let start = self.at;
        self.at += 2 + run.len();
        self.based(start, run, base);
        true
    }

    /// Takes a run of digits and letters as a number of another base: with its base below it, or as hexadecimal digits alone. In
    /// [`NumberStyle::Bases`] only.
    pub(super) fn in_another_base(&mut self) -> bool {
        let before = self.text[..self.at].chars().next_back();
        if self.style != NumberStyle::Bases || before.is_some_and(|c| c.is_alphanumeric() || c == '\\') {
            return false;
        }
        let run = alphanumeric(self.rest());
        let start = self.at;
        if let Some((base, length)) = base_below(&self.rest()[run.len()..])
            && in_base(run, base)
        {
            self.at += run.len() + length;
            self.based(start, run, base);
            return true;
        }
        // `1Ah`
        let plain = run.strip_suffix(['h', 'H']).filter(|plain| plain.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(run);
        let hexadecimal = plain.len() > 1 && plain.bytes().any(|b| b.is_ascii_alphabetic()) && in_base(plain, 16);
        if hexadecimal {
            self.at += run.len();
            self.based(start, plain, 16);
        }
        hexadecimal
    }

    /// `\text{FF}_{16}`: the group behind a command that only sets it, with the base behind the group. In [`NumberStyle::Bases`] only.
    pub(super) fn set_in_another_base(&mut self, start: usize, inside: &str) -> bool {
        let run = inside.trim();
        if self.style != NumberStyle::Bases || run.is_empty() || alphanumeric(run).len() < run.len() {
            return false;
        }
        let Some((base, length)) = base_below(self.rest()).filter(|(base, _)| in_base(run, *base)) else { return false };
        self.at += length;
        self.based(start, run, base);
        true
    }

    fn based(&mut self, start: usize, run: &str, base: u32) {
        let (open, close) = (TokenKind::Sign('{'), TokenKind::Sign('}'));
        [TokenKind::Num(run.to_owned()), TokenKind::Sign('_'), open, TokenKind::Num(base.to_string()), close]
            .into_iter()
            .for_each(|kind| self.push(start, kind));
    }

    /// Groups of three digits behind points: `1.500` is fifteen hundred in many countries. In the styles that say so only.
    pub(super) fn points(&mut self, number: &mut String) {
        if !matches!(self.style, NumberStyle::Points | NumberStyle::PointsAndCommas) {
            return;
        }
        while let Some(group) = self.rest().strip_prefix('.').map(digits).filter(|group| group.len() == 3) {
            number.push_str(group);
            self.at += 4;
        }
    }

    /// A date that begins with its day or its month, or with two digits of its year; in the styles that say so only. A year that is not stated is
    /// zero.
    pub(super) fn other_date(&self) -> Option<((u32, u32, u32), usize)> {
        let rest = self.rest();
        let first = digits(rest);
        let number = |text: &str| text.parse::<u32>().unwrap_or(0);
        let end = |length: usize| !rest[length..].starts_with(|c: char| c.is_alphanumeric() || c == '/');
        if first.len() == 8 && self.style == NumberStyle::YearFirst && end(8) {
            // `20210305`
            return in_a_year((number(&first[..4]), number(&first[4..6]), number(&first[6..])), 8);
        }
        let sign = rest[first.len()..].chars().next().filter(|sign| matches!(sign, '-' | '/' | '.'))?;
        let second = digits(&rest[first.len() + 1..]);
        let two = |text: &str| (1..=2).contains(&text.len());
        if !two(first) || !two(second) {
            return None;
        }
        let (one, other, so_far) = (number(first), number(second), first.len() + 1 + second.len());
        let third = rest[so_far..].strip_prefix(sign).map_or("", digits);
        let length = so_far + if third.is_empty() { 0 } else { 1 + third.len() };
        if !end(length)
            || third.is_empty() && sign != '/'
            || !matches!(third.len(), 0 | 2 | 4) && self.style != NumberStyle::YearFirst
        {
            return None;
        }
        let last = number(third);
        match self.style {
            NumberStyle::DayFirst => in_a_year((last, other, one), length),
            NumberStyle::MonthFirst => in_a_year((last, one, other), length),
            NumberStyle::YearFirst if first.len() == 2 && two(third) => in_a_year((one, other, last), length),
            _ => None,
        }
    }
}

/// A date with the bytes that it takes, where a year has its month and its day.
fn in_a_year((year, month, day): (u32, u32, u32), length: usize) -> Option<((u32, u32, u32), usize)> {
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(((year, month, day), length))
}

fn alphanumeric(text: &str) -> &str {
    &text[..text.bytes().take_while(u8::is_ascii_alphanumeric).count()]
}

/// Whether a text is a number of a base.
fn in_base(run: &str, base: u32) -> bool {
    !run.is_empty() && run.chars().all(|c| c.is_digit(base))
}

/// The base below a number, `_{16}`, `_8` or `_{\text{hex}}`, and the bytes up to its end.
fn base_below(rest: &str) -> Option<(u32, usize)> {
    let below = rest.strip_prefix('_')?;
    // No name of a base is longer than these letters with their commands.
    let below = &below[..below.char_indices().nth(40).map_or(below.len(), |(at, _)| at)];
    let (inside, length) = match group(below) {
        Some((inside, length)) => (inside, length),
        None => (digits(below), digits(below).len()),
    };
    let name = ["\\text", "\\mathrm", "{", "}", "(", ")"].iter().fold(inside.to_owned(), |text, sign| text.replace(sign, ""));
    let name = name.trim().to_lowercase();
    let named = || BASES.iter().find(|(word, _)| *word == name).map(|(_, base)| *base).or_else(|| words::number(&name));
    let base = name.parse().ok().or_else(named)?;
    (2..=36).contains(&base).then_some((base, 1 + length))
}

/// The value of a Roman numeral in capital letters, of two and more small ones, or in the signs of Unicode. `IIII` and `IC` are read, too.
pub(super) fn numeral(run: &str) -> Option<u32> {
    const SIGNS: &[&str] = &["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "L", "C", "D", "M"];
    // The longest usual one, 3888, has fifteen letters.
    if run.chars().count() > 15 {
        return None;
    }
    let sign = |c: char| match c {
        '\u{2160}'..='\u{216f}' => SIGNS.get(c as usize - 0x2160).copied(),
        '\u{2170}'..='\u{217f}' => SIGNS.get(c as usize - 0x2170).copied(),
        _ => None,
    };
    let letters: String = run.chars().map(|c| sign(c).map_or_else(|| c.to_string(), str::to_owned)).collect();
    let small = letters.len() > 1 && letters.bytes().all(|b| b.is_ascii_lowercase());
    let letters = if small { letters.to_uppercase() } else { letters };
    let worth = |letter| match letter {
        'I' => Some(1),
        'V' => Some(5),
        'X' => Some(10),
        'L' => Some(50),
        'C' => Some(100),
        'D' => Some(500),
        'M' => Some(1000),
        _ => None,
    };
    let values = letters.chars().map(worth).collect::<Option<Vec<i64>>>()?;
    // A letter before a greater one is taken away.
    let signed = values
        .iter()
        .enumerate()
        .map(|(at, value)| if values.get(at + 1).is_some_and(|next| next > value) { -value } else { *value });
    u32::try_from(signed.sum::<i64>()).ok().filter(|value| *value > 0)
}
