//! Comparison of answers in words with each other and with mathematics.

use super::{Relation, RelationResult};
use crate::{UnknownKind, expr::Expr, parse::Node, words};

impl Relation<'_> {
    /// Compares an answer in words with another answer.
    pub fn text(&self, text: &str, other: &Node) -> RelationResult {
        match other {
            Node::Text(other) if text == other => RelationResult::Same,
            Node::Text(other) => same_words(text, other),
            Node::Quantity(Expr::Name(name), None) if name == "∅" && words::says_none(text) => RelationResult::Same,
            Node::Quantity(Expr::Name(name), None) if name == "bb R" && says_all(text) => RelationResult::Same,
            Node::Tuple('(', ends, ')') if says_all(text) => {
                let infinite = |node: &Node, up: bool| matches!(node, Node::Quantity(expr, None) if expr.infinity() == Some(up));
                (ends.len() == 2 && infinite(&ends[0], false) && infinite(&ends[1], true)).into()
            }
            Node::Quantity(Expr::Name(name), None) if name.len() > 1 && name.to_lowercase() == text => RelationResult::Same,
            Node::Quantity(value, _) => match words::written_number(text) {
                Some(number) => {
                    let said = self.expressions(&Expr::Num(crate::expr::Literal { value: number, places: None }), value);
                    // "Third" is a part of one, or a place.
                    match words::ordinal(text) {
                        Some(_) if said == RelationResult::Other => RelationResult::open(UnknownKind::Texts, ""),
                        _ => said,
                    }
                }
                None => RelationResult::open(UnknownKind::Texts, ""),
            },
            _ => RelationResult::open(UnknownKind::Texts, ""),
        }
    }
}

/// Compares two answers in words: the same, the opposite, or open.
fn same_words(one: &str, other: &str) -> RelationResult {
    if let (Some(one), Some(other)) = (words::written_number(one), words::written_number(other)) {
        return (one == other).into();
    }
    let alike = [words::says_none, says_all, words::says_undefined, words::says_not_defined, words::says_infinitely_many]
        .iter()
        .any(|says| says(one) && says(other));
    if alike {
        return RelationResult::Same;
    }
    for (yes, no) in [("yes", "no"), ("true", "false")] {
        let told = |text: &str| {
            if text == yes {
                Some(true)
            } else if text == no {
                Some(false)
            } else {
                None
            }
        };
        // "yes, they can" means yes, unless it also has a "no".
        let begins = |text: &str| {
            let mut words = text.split(' ');
            let word = words.next().unwrap_or_default();
            let first = told(word.trim_end_matches(','))?;
            // "no solution" does not mean no.
            const GOES_ON: &str = "it they he she we you this that there because i since as if";
            if !word.ends_with(',') && words.next().is_some_and(|word| !GOES_ON.split(' ').any(|one| one == word)) {
                return None;
            }
            (!text.split(' ').skip(1).any(|word| told(word).is_some() || first && word == "not")).then_some(first)
        };
        // One of the two must be the single word.
        if let (Some(first), Some(second)) = (begins(one), begins(other))
            && (told(one).is_some() || told(other).is_some())
        {
            return (first == second).into();
        }
    }
    RelationResult::open(UnknownKind::Texts, "")
}

fn says_all(text: &str) -> bool {
    const ALL: &[&str] = &[
        "all real numbers",
        "all reals",
        "real numbers",
        "every real number",
        "any real number",
        "all real x",
        "all real values of x",
        "set of all real numbers",
        "all x",
        "for all real x",
        "for all x",
    ];
    ALL.contains(&text)
}
