//! Two parsed answers -> the same, different, or open with a reason.

mod lists;
mod names;
mod parts;
mod points;
mod sets;
mod texts;
mod values;
mod written;

use std::cell::Cell;

use self::{
    lists::{braced, members},
    names::{plain_name, told},
};
use crate::{UnknownKind, UnknownReason, VerifyOptions, expr::Expr, lex::Rel, parse::Node, words};

/// The result of comparing two parsed answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelationResult {
    /// Both are the same.
    Same,
    /// They differ for certain.
    Other,
    /// Neither is shown; the reason says why.
    Open(UnknownReason),
}

impl RelationResult {
    /// Makes an open result with a reason and the piece that it is about; an empty piece is left out.
    pub fn open(why: UnknownKind, piece: &str) -> Self {
        RelationResult::Open(UnknownReason { why, piece: (!piece.is_empty()).then(|| piece.to_owned()) })
    }

    /// Combines two readings as alternatives: the same if either is, different if both are, otherwise open.
    fn or(self, next: impl FnOnce() -> RelationResult) -> RelationResult {
        match self {
            RelationResult::Same => RelationResult::Same,
            RelationResult::Other => next(),
            open => match next() {
                RelationResult::Same => RelationResult::Same,
                _ => open,
            },
        }
    }

    /// Combines two parts as a conjunction: the same if both are, different if either is, otherwise open.
    fn and(self, next: impl FnOnce() -> RelationResult) -> RelationResult {
        match self {
            RelationResult::Other => RelationResult::Other,
            RelationResult::Same => next(),
            open => match next() {
                RelationResult::Other => RelationResult::Other,
                _ => open,
            },
        }
    }

    /// Turns "different" into open: a failed comparison proves no difference here.
    fn or_open(self, piece: &str) -> RelationResult {
        match self {
            RelationResult::Same => RelationResult::Same,
            _ => RelationResult::open(UnknownKind::NotProven, piece),
        }
    }

    /// Turns "the same" into open, with a reason.
    pub fn but_open(self, piece: &str) -> RelationResult {
        match self {
            RelationResult::Same => RelationResult::open(UnknownKind::NotProven, piece),
            said => said,
        }
    }
}

impl From<bool> for RelationResult {
    fn from(same: bool) -> Self {
        if same { RelationResult::Same } else { RelationResult::Other }
    }
}

/// The options and the remaining steps of one comparison.
pub struct Relation<'a> {
    /// Options of the comparison.
    pub options: &'a VerifyOptions,
    /// Steps that are left.
    pub steps: Cell<u32>,
}

impl Relation<'_> {
    /// Compares an answer with the gold answer.
    pub fn same(&self, gold: &Node, answer: &Node) -> RelationResult {
        let Some(left) = self.steps.get().checked_sub(1) else { return RelationResult::open(UnknownKind::TooManySteps, "") };
        self.steps.set(left);
        if let (Node::Quantity(gold, None), Node::Quantity(answer, None)) = (gold, answer)
            && let Some(said) = letters(gold, answer)
        {
            return said;
        }
        if let Some(said) = self.as_sets(gold, answer) {
            return said;
        }
        let double = |node: &Node| matches!(node, Node::Quantity(expr, _) if expr.both_signs().len() > 2);
        if double(gold) || double(answer) {
            return self.single(gold, answer);
        }
        let (several, given) = (members(gold), members(answer));
        if several.len() > 1 || given.len() > 1 {
            return self.several(gold, answer, &several, &given);
        }
        self.single(gold, answer)
    }

    fn single(&self, gold: &Node, answer: &Node) -> RelationResult {
        match (gold, answer) {
            // A set of one member equals its member, except for the set of the empty set.
            (Node::Many(all, _), other) | (other, Node::Many(all, _)) => match all.as_slice() {
                [Node::Quantity(Expr::Name(name), None)] if name == "∅" => (gold == answer).into(),
                [one @ Node::Many(..)] => match other {
                    Node::Many(others, _) if others.len() == 1 && matches!(others[0], Node::Many(..)) => {
                        self.same(one, &others[0])
                    }
                    _ => RelationResult::Other,
                },
                [one] => self.same(one, other),
                _ => self.none(other),
            },
            (Node::Chain(..), Node::Chain(..)) => self.chains(gold, answer),
            (Node::Chain(..), other) | (other, Node::Chain(..)) => {
                self.chain_and(if matches!(gold, Node::Chain(..)) { gold } else { answer }, other)
            }
            (Node::Choice(..), _) | (_, Node::Choice(..)) => self.choices(gold, answer),
            (Node::Text(text), other) | (other, Node::Text(text)) => self.text(text, other),
            (Node::Quantity(one, unit), Node::Quantity(other, given)) => {
                self.quantities((one, unit.as_ref()), (other, given.as_ref()))
            }
            (Node::Compound(_), _) | (_, Node::Compound(_)) => self.compounds(gold, answer),
            (Node::Ratio(gold), Node::Ratio(answer)) => self.ratios(gold, answer),
            (Node::Ratio(parts), Node::Quantity(one, None)) | (Node::Quantity(one, None), Node::Ratio(parts))
                if parts.len() == 2 =>
            {
                let divided = parts.iter().cloned().reduce(|over, under| Expr::Div(Box::new(over), Box::new(under)));
                divided.map_or(RelationResult::Other, |divided| self.expressions(&divided, one))
            }
            (Node::Time(..), _) | (_, Node::Time(..)) => self.times(gold, answer),
            (Node::Date(year, month, day), Node::Date(other, others, given)) => {
                // Of `5/3/21` and `5/3` the century or the year is not stated.
                let open = |year: &u32, other: &u32| *year == 0 || *year < 100 && other % 100 == *year;
                match (month, day) == (others, given) {
                    true if year == other => RelationResult::Same,
                    true if open(year, other) || open(other, year) => {
                        RelationResult::open(UnknownKind::NotProven, "a date without its year")
                    }
                    _ => RelationResult::Other,
                }
            }
            (Node::Tuple(..), Node::Tuple(..)) => self.tuples(gold, answer),
            (Node::Joined(sign, parts), Node::Joined(other, given)) => {
                let same = sign == other
                    && if *sign == '∖' { self.ordered(parts, given) } else { self.unordered(parts, given) }
                        == RelationResult::Same;
                RelationResult::from(same).or_open("sets that are not calculated")
            }
            (Node::Cases(rows), Node::Cases(given)) => self.cases(rows, given),
            (Node::Cases(_), _) | (_, Node::Cases(_)) => RelationResult::open(UnknownKind::NotProven, "a function by cases"),
            (Node::Tuple(_, parts, _), Node::Quantity(matrix @ Expr::Matrix(_), None))
            | (Node::Quantity(matrix @ Expr::Matrix(_), None), Node::Tuple(_, parts, _)) => self.vector(parts, matrix),
            _ => RelationResult::Other,
        }
    }

    /// Compares a chain of relations with an answer that is none, by the value that the chain states.
    fn chain_and(&self, chain: &Node, other: &Node) -> RelationResult {
        // `7 = 11a + c` is not the same as `11a + c`.
        let Some(told) = told(chain) else {
            // `a + b = 12` may state the requested value, or be an equation.
            return match chain {
                Node::Chain(first, rest) => match (&**first, rest.as_slice()) {
                    (Node::Quantity(Expr::Sum(terms), None), [before @ .., (Rel::Equal, value)])
                        if terms.iter().all(|term| term.name().is_some()) =>
                    {
                        // `m + n = 25 + 45 = 70` is a calculation of the sum.
                        let calculated =
                            before.iter().all(|(rel, node)| *rel == Rel::Equal && self.same(node, value) == RelationResult::Same);
                        let said = self.same(value, other);
                        if calculated && !before.is_empty() { said } else { said.but_open("the value of a sum") }
                    }
                    _ => self.part_of_relation(chain, other),
                },
                _ => RelationResult::Other,
            };
        };
        match self.same(told.value, other) {
            RelationResult::Same if !self.holds_as_calculation(chain) => {
                RelationResult::open(UnknownKind::NotProven, "an equation of numbers that is no calculation")
            }
            said => said,
        }
    }

    /// Compares a relation that states no value with an answer that is not a relation. An unsolved inequality and a set, or an equation whose right
    /// side is the answer, are open. An equation in standard form is not a number.
    fn part_of_relation(&self, chain: &Node, other: &Node) -> RelationResult {
        let Node::Chain(first, rest) = chain else { return RelationResult::Other };
        let set = matches!(other, Node::Tuple(..) | Node::Joined(..)) || braced(other);
        if rest.iter().any(|(rel, _)| !matches!(rel, Rel::Equal | Rel::About)) {
            return if set {
                RelationResult::open(UnknownKind::NotProven, "an inequality that is not solved")
            } else {
                RelationResult::Other
            };
        }
        let Some((_, last)) = rest.last() else { return RelationResult::Other };
        let standard = match (&**first, last) {
            (Node::Quantity(left, None), Node::Quantity(right, None)) => {
                let zero = matches!(right, Expr::Num(number) if number.value.is_zero());
                left.is_constant() || right.is_constant() && (zero || points::line_in_all(left))
            }
            _ => false,
        };
        if standard { RelationResult::Other } else { self.same(last, other).but_open("the right side of an equation") }
    }

    /// Compares an empty list or set with another answer.
    fn none(&self, other: &Node) -> RelationResult {
        match other {
            Node::Many(all, _) if all.is_empty() => RelationResult::Same,
            Node::Quantity(Expr::Name(name), None) if name == "∅" => RelationResult::Same,
            Node::Text(text) if words::says_none(text) => RelationResult::Same,
            Node::Text(_) => RelationResult::open(UnknownKind::Texts, ""),
            _ => RelationResult::Other,
        }
    }

    fn chains(&self, gold: &Node, answer: &Node) -> RelationResult {
        let mut open = None;
        if let (Some(one), Some(other)) = (told(gold), told(answer)) {
            let named = plain_name(one.name).is_some_and(|name| Some(name) == plain_name(other.name))
                || self.same(one.name, other.name) == RelationResult::Same;
            match self.same(one.value, other.value) {
                RelationResult::Same if named => return RelationResult::Same,
                RelationResult::Same => open = Some(RelationResult::open(UnknownKind::NotProven, "equal but for names")),
                _ => {}
            }
        }
        let (Node::Chain(first, rest), Node::Chain(other, others)) = (gold, answer) else { return RelationResult::Other };
        if let ([(rel, right)], [(other_rel, other_right)]) = (rest.as_slice(), others.as_slice())
            && let (Node::Quantity(l, None), Node::Quantity(r, None), Node::Quantity(m, None), Node::Quantity(s, None)) =
                (&**first, right, &**other, other_right)
        {
            let said = self.equivalent((l, *rel, r), (m, *other_rel, s));
            return match (said, open) {
                (RelationResult::Same, _) => RelationResult::Same,
                (_, Some(open)) => open,
                (said, None) => said,
            };
        }
        let straight = |answer: &[(Rel, &Node)]| {
            answer.len() == rest.len() + 1
                && self.same(first, answer[0].1) == RelationResult::Same
                && rest
                    .iter()
                    .zip(&answer[1..])
                    .all(|((rel, gold), (other, answer))| rel == other && self.same(gold, answer) == RelationResult::Same)
        };
        let mut forward: Vec<(Rel, &Node)> = vec![(Rel::Equal, &**other)];
        forward.extend(others.iter().map(|(rel, node)| (*rel, node)));
        // The answer read from its end: each relation is turned and belongs to the node behind it.
        let mut backward: Vec<(Rel, &Node)> = Vec::new();
        for (at, (_, node)) in forward.iter().enumerate().rev() {
            let rel = forward.get(at + 1).map_or(Rel::Equal, |(rel, _)| rel.turned());
            backward.push((rel, node));
        }
        if straight(&forward) || straight(&backward) {
            return RelationResult::Same;
        }
        open.unwrap_or_else(|| RelationResult::open(UnknownKind::NotProven, "relations of several parts"))
    }
}

/// Single letters: a choice in capital letters is the same in small ones, and is no other choice. `e` beside `E` is a choice, too, and no number.
fn letters(gold: &Expr, answer: &Expr) -> Option<RelationResult> {
    let letter = |expr: &Expr| expr.name().filter(|name| name.len() == 1).and_then(|name| name.chars().next());
    let (one, other) = (letter(gold)?, letter(answer)?);
    let choice = |letter: char| ('A'..='J').contains(&letter.to_ascii_uppercase());
    let constant = |letter: char| matches!(letter, 'e' | 'i');
    match one.eq_ignore_ascii_case(&other) {
        true if one == other || choice(one) => Some(RelationResult::Same),
        false if choice(one) && choice(other) && (one.is_ascii_uppercase() || other.is_ascii_uppercase()) => {
            Some(RelationResult::Other)
        }
        // `i` and `j`: two choices, or two names of one thing.
        false if choice(one) && choice(other) && (constant(one) || constant(other)) => {
            Some(RelationResult::open(UnknownKind::NotProven, "equal but for names"))
        }
        _ => None,
    }
}
