//! Names of two columns -> the side of each: `response_a`, `output2`, `scoreB`.

/// The order of two columns that their names show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum NamedOrder {
    /// A before B, or 1 before 2.
    FromOne,
    /// 0 before 1.
    FromZero,
    /// B before A, 2 before 1, or 1 before 0.
    Swapped,
}

/// Returns the letter or number in a column's name that tells its side: a word of its own, or the end of one, as in `response_a`, `output2`,
/// `responseB`, `a_wins`, `response_02`, `second_response`.
fn marker(name: &str) -> Option<char> {
    let side = |word: &str| match word.trim_start_matches('0') {
        "" if !word.is_empty() => Some('0'),
        "a" | "A" => Some('a'),
        "b" | "B" => Some('b'),
        "1" | "first" | "First" => Some('1'),
        "2" | "second" | "Second" => Some('2'),
        _ => None,
    };
    parts(name).iter().rev().find_map(|word| side(word))
}

/// A letter or a number by which the names of two columns differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SideMark {
    Letter(char),
    Number(u32),
}

impl SideMark {
    /// Returns the mark that a word is: `b`, `2`, `two`.
    pub(super) fn of(word: &str) -> Option<Self> {
        match word.to_lowercase().as_str() {
            "one" => Some(SideMark::Number(1)),
            "two" => Some(SideMark::Number(2)),
            "zero" => Some(SideMark::Number(0)),
            word => match word.parse() {
                Ok(number) => Some(SideMark::Number(number)),
                Err(_) => word.chars().next().filter(|c| word.len() == 1 && c.is_ascii_lowercase()).map(SideMark::Letter),
            },
        }
    }

    /// Returns the marks of the first and the second response where they are counted from the beginning.
    pub(super) fn usual(self) -> [SideMark; 2] {
        match self {
            SideMark::Letter(_) => [SideMark::Letter('a'), SideMark::Letter('b')],
            SideMark::Number(_) => [SideMark::Number(1), SideMark::Number(2)],
        }
    }
}

impl std::fmt::Display for SideMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SideMark::Letter(letter) => write!(f, "{letter}"),
            SideMark::Number(number) => write!(f, "{number}"),
        }
    }
}

/// Returns the marks of two columns whose names are the same but for one letter or number: `response_b`, `response_c`.
pub(super) fn marks_of(first: &str, second: &str) -> Option<[SideMark; 2]> {
    let (one, other) = (parts(first), parts(second));
    let mut differing = one.iter().zip(&other).filter(|(a, b)| a != b);
    let (a, b) = differing.next().filter(|_| one.len() == other.len())?;
    let marks = [SideMark::of(a)?, SideMark::of(b)?];
    (differing.next().is_none() && marks[0].usual() == marks[1].usual()).then_some(marks)
}

/// Splits a column's name into words: `responseB` and `output2` have two each.
pub(super) fn parts(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let begins = c.is_uppercase() && before.is_lowercase() || c.is_ascii_digit() != before.is_ascii_digit();
        if !c.is_alphanumeric() || begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.push(c);
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Returns the order that the names of two columns show.
pub(super) fn order_of(first: &str, second: &str) -> Option<NamedOrder> {
    let mut differing = first.split('.').zip(second.split('.')).filter(|(a, b)| a != b);
    let (a, b) = differing.next()?;
    match (marker(a)?, marker(b)?) {
        ('a', 'b') | ('1', '2') => Some(NamedOrder::FromOne),
        ('0', '1') => Some(NamedOrder::FromZero),
        ('b', 'a') | ('2', '1') | ('1', '0') => Some(NamedOrder::Swapped),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_their_side() {
        let right = [
            ("response_a", "response_b"),
            ("responseA", "responseB"),
            ("output1", "output2"),
            ("response_01", "response_02"),
            ("first_response", "second_response"),
            ("a_wins", "b_wins"),
            ("pair.model_a.text", "pair.model_b.text"),
        ];
        for (first, second) in right {
            assert_eq!(order_of(first, second), Some(NamedOrder::FromOne), "{first}");
            assert_eq!(order_of(second, first), Some(NamedOrder::Swapped), "{first}");
        }
        assert_eq!(order_of("response_0", "response_1"), Some(NamedOrder::FromZero));
        assert_eq!(order_of("is_response_0_safe", "is_response_1_safe"), Some(NamedOrder::FromZero));
        for (first, second) in [("good", "bad"), ("gpt4", "llama3"), ("chosen", "rejected"), ("answer", "reply")] {
            assert_eq!(order_of(first, second), None, "{first}");
        }
    }
}
