//! Two parsed answers -> whether they say the same: yes, no, or open with a reason.

mod names;
mod parts;
mod points;
mod sets;
mod values;

use std::cell::Cell;

use self::names::{plain_name, told};
use crate::{
    Unknown, VerifyOptions, Why,
    expr::Expr,
    lex::Rel,
    parse::{Joint, Node},
    words,
};

/// What a comparison of two parsed answers says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The same.
    Same,
    /// Something else, for certain.
    Other,
    /// Neither is proven.
    Open(Unknown),
}

impl Said {
    /// Neither is proven, for a reason.
    pub fn open(why: Why, piece: &str) -> Self {
        Said::Open(Unknown { why, piece: (!piece.is_empty()).then(|| piece.to_owned()) })
    }

    /// This, or if it is not the same, what another reading says: the same if either says so, another thing if both do.
    fn or(self, next: impl FnOnce() -> Said) -> Said {
        match self {
            Said::Same => Said::Same,
            Said::Other => next(),
            open => match next() {
                Said::Same => Said::Same,
                _ => open,
            },
        }
    }

    /// Both: the same if both are, another thing if one is.
    fn and(self, next: impl FnOnce() -> Said) -> Said {
        match self {
            Said::Other => Said::Other,
            Said::Same => next(),
            open => match next() {
                Said::Other => Said::Other,
                _ => open,
            },
        }
    }

    /// The same, or open: what is not shown to be the same is not shown to be another thing.
    fn or_open(self, piece: &str) -> Said {
        match self {
            Said::Same => Said::Same,
            _ => Said::open(Why::NotProven, piece),
        }
    }
}

impl From<bool> for Said {
    fn from(same: bool) -> Self {
        if same { Said::Same } else { Said::Other }
    }
}

/// What all of one comparison share.
pub struct Relate<'a> {
    /// How strictly answers are compared.
    pub options: &'a VerifyOptions,
    /// Steps that are left.
    pub steps: Cell<u32>,
}

impl Relate<'_> {
    /// Whether an answer says what the right one says.
    pub fn same(&self, gold: &Node, answer: &Node) -> Said {
        let Some(left) = self.steps.get().checked_sub(1) else { return Said::open(Why::TooManySteps, "") };
        self.steps.set(left);
        if let (Node::Quantity(gold, None), Node::Quantity(answer, None)) = (gold, answer)
            && let Some(said) = letters(gold, answer)
        {
            return said;
        }
        if let Some(said) = self.as_sets(gold, answer) {
            return said;
        }
        let (several, given) = (members(gold), members(answer));
        if several.len() > 1 || given.len() > 1 {
            return self.several(gold, answer, &several, &given);
        }
        self.single(gold, answer)
    }

    fn single(&self, gold: &Node, answer: &Node) -> Said {
        match (gold, answer) {
            (Node::Many(all, _), other) => match all.as_slice() {
                [one] => self.same(one, other),
                _ => self.none(other),
            },
            (other, Node::Many(all, _)) => match all.as_slice() {
                [one] => self.same(other, one),
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
            (Node::Ratio(parts), Node::Quantity(one, None)) | (Node::Quantity(one, None), Node::Ratio(parts)) => {
                let divided = parts.iter().cloned().reduce(|over, under| Expr::Div(Box::new(over), Box::new(under)));
                divided.map_or(Said::Other, |divided| self.expressions(&divided, one))
            }
            (Node::Time(..), _) | (_, Node::Time(..)) => self.times(gold, answer),
            (Node::Date(..), Node::Date(..)) => (gold == answer).into(),
            (Node::Tuple(..), Node::Tuple(..)) => self.tuples(gold, answer),
            (Node::Joined(sign, parts), Node::Joined(other, given)) => {
                let same = sign == other
                    && if *sign == '∖' { self.ordered(parts, given) } else { self.unordered(parts, given) } == Said::Same;
                Said::from(same).or_open("sets that are not calculated")
            }
            (Node::Cases(rows), Node::Cases(given)) => self.cases(rows, given),
            (Node::Cases(_), _) | (_, Node::Cases(_)) => Said::open(Why::NotProven, "a function by cases"),
            (Node::Tuple(_, parts, _), Node::Quantity(matrix @ Expr::Matrix(_), None))
            | (Node::Quantity(matrix @ Expr::Matrix(_), None), Node::Tuple(_, parts, _)) => self.vector(parts, matrix),
            _ => Said::Other,
        }
    }

    /// A chain beside what is none: the value that it tells.
    fn chain_and(&self, chain: &Node, other: &Node) -> Said {
        // `7 = 11a + c` is another thing than `11a + c`.
        told(chain).map_or(Said::Other, |told| self.same(told.value, other))
    }

    /// A set without members beside something else.
    fn none(&self, other: &Node) -> Said {
        match other {
            Node::Many(all, _) if all.is_empty() => Said::Same,
            Node::Quantity(Expr::Name(name), None) if name == "∅" => Said::Same,
            Node::Text(text) if words::says_none(text) => Said::Same,
            Node::Text(_) => Said::open(Why::Texts, ""),
            _ => Said::Other,
        }
    }

    /// Words beside something else.
    fn text(&self, text: &str, other: &Node) -> Said {
        match other {
            Node::Text(other) if text == other => Said::Same,
            Node::Text(other) => match (words::written_number(text), words::written_number(other)) {
                (Some(one), Some(other)) => (one == other).into(),
                _ => Said::open(Why::Texts, ""),
            },
            Node::Quantity(Expr::Name(name), None) if name == "∅" && words::says_none(text) => Said::Same,
            Node::Quantity(Expr::Name(name), None) if name == "bb R" && says_all(text) => Said::Same,
            Node::Quantity(value, _) => match words::written_number(text) {
                Some(number) => self.expressions(&Expr::Num(crate::expr::Number { value: number, places: None }), value),
                None => Said::open(Why::Texts, ""),
            },
            _ => Said::open(Why::Texts, ""),
        }
    }

    fn ordered(&self, gold: &[Node], answer: &[Node]) -> Said {
        if gold.len() != answer.len() {
            return Said::Other;
        }
        gold.iter().zip(answer).fold(Said::Same, |said, (gold, answer)| said.and(|| self.same(gold, answer)))
    }

    /// Whether each has its partner, in any order; what is named twice counts once, as in a set.
    fn unordered(&self, gold: &[Node], answer: &[Node]) -> Said {
        let mut found = vec![Said::Other; answer.len()];
        let mut said = Said::Same;
        for gold in gold {
            let mut any = Said::Other;
            for (found, answer) in found.iter_mut().zip(answer) {
                if any == Said::Same && *found == Said::Same {
                    continue;
                }
                // A set of one member is that member by itself, and another thing among several answers.
                let pair = if braced(gold) == braced(answer) { self.same(gold, answer) } else { Said::Other };
                for best in [&mut any, found] {
                    if *best != Said::Same && pair != Said::Other {
                        *best = pair.clone();
                    }
                }
            }
            said = said.and(|| any);
            if said == Said::Other {
                return Said::Other;
            }
        }
        found.into_iter().fold(said, |said, one| said.and(|| one))
    }

    /// Several answers against several, or against a tuple that lists them in order.
    fn several(&self, gold: &Node, answer: &Node, several: &[Node], given: &[Node]) -> Said {
        if let (Node::Tuple(_, tuple, _), Node::Many(..)) | (Node::Many(..), Node::Tuple(_, tuple, _)) = (gold, answer) {
            let list = if matches!(gold, Node::Many(..)) { several } else { given };
            if list.iter().all(|one| matches!(one, Node::Tuple(..))) {
                return Said::Other;
            }
            return match self.unordered(tuple, list) {
                Said::Other => Said::Other,
                _ => Said::open(Why::NotProven, "a list or a tuple"),
            };
        }
        // `(x, y) = (5, 8)` and the like, or `x = y = 3, 4`: the name stands once for all.
        match (gold, answer) {
            (Node::Many(..), _) | (_, Node::Many(..)) => self.unordered(several, given),
            (Node::Chain(..), Node::Chain(..)) => self.unordered(several, given),
            (Node::Chain(..), _) if told(gold).is_some() => told(gold).map_or(Said::Other, |told| self.same(told.value, answer)),
            (_, Node::Chain(..)) if told(answer).is_some() => {
                told(answer).map_or(Said::Other, |told| self.same(gold, told.value))
            }
            _ => self.unordered(several, given),
        }
    }

    fn tuples(&self, gold: &Node, answer: &Node) -> Said {
        let (Node::Tuple(open, gold, close), Node::Tuple(other_open, answer, other_close)) = (gold, answer) else {
            return Said::Other;
        };
        // Two things in brackets may be an interval, whose brackets count.
        if gold.len() == 2 && (open != other_open || close != other_close) {
            return Said::Other;
        }
        self.ordered(gold, answer)
    }

    fn chains(&self, gold: &Node, answer: &Node) -> Said {
        let mut open = None;
        if let (Some(one), Some(other)) = (told(gold), told(answer)) {
            let named = plain_name(one.name).is_some_and(|name| Some(name) == plain_name(other.name))
                || self.same(one.name, other.name) == Said::Same;
            match self.same(one.value, other.value) {
                Said::Same if named => return Said::Same,
                Said::Same => open = Some(Said::open(Why::NotProven, "equal but for names")),
                _ => {}
            }
        }
        let (Node::Chain(first, rest), Node::Chain(other, others)) = (gold, answer) else { return Said::Other };
        if let ([(rel, right)], [(other_rel, other_right)]) = (rest.as_slice(), others.as_slice())
            && let (Node::Quantity(l, None), Node::Quantity(r, None), Node::Quantity(m, None), Node::Quantity(s, None)) =
                (&**first, right, &**other, other_right)
        {
            let said = self.equivalent((l, *rel, r), (m, *other_rel, s));
            return match (said, open) {
                (Said::Same, _) => Said::Same,
                (_, Some(open)) => open,
                (said, None) => said,
            };
        }
        let straight = |answer: &[(Rel, &Node)]| {
            answer.len() == rest.len() + 1
                && self.same(first, answer[0].1) == Said::Same
                && rest
                    .iter()
                    .zip(&answer[1..])
                    .all(|((rel, gold), (other, answer))| rel == other && self.same(gold, answer) == Said::Same)
        };
        let mut forward: Vec<(Rel, &Node)> = vec![(Rel::Equal, &**other)];
        forward.extend(others.iter().map(|(rel, node)| (*rel, node)));
        // Read from its end: each relation belongs to the node behind it then.
        let mut backward: Vec<(Rel, &Node)> = Vec::new();
        for (at, (_, node)) in forward.iter().enumerate().rev() {
            let rel = forward.get(at + 1).map_or(Rel::Equal, |(rel, _)| rel.turned());
            backward.push((rel, node));
        }
        if straight(&forward) || straight(&backward) {
            return Said::Same;
        }
        open.unwrap_or_else(|| Said::open(Why::NotProven, "relations of several parts"))
    }
}

/// Single letters: a choice in capital letters is the same in small ones, and is no other choice.
fn letters(gold: &Expr, answer: &Expr) -> Option<Said> {
    let letter = |expr: &Expr| expr.name().filter(|name| name.len() == 1).and_then(|name| name.chars().next());
    let (one, other) = (letter(gold)?, letter(answer)?);
    let choice =
        |letter: char| ('A'..='J').contains(&letter.to_ascii_uppercase()) && !matches!(letter.to_ascii_uppercase(), 'E' | 'I');
    let choices = |letter: char| ('A'..='J').contains(&letter.to_ascii_uppercase());
    match one.eq_ignore_ascii_case(&other) {
        true if one == other || choice(one) => Some(Said::Same),
        false if choices(one) && choices(other) && (one.is_ascii_uppercase() || other.is_ascii_uppercase()) => Some(Said::Other),
        _ => None,
    }
}

fn says_all(text: &str) -> bool {
    ["all real numbers", "all reals", "real numbers", "every real number", "any real number"].contains(&text)
}

/// The single answers of a node.
pub fn members(node: &Node) -> Vec<Node> {
    match node {
        // A set among several answers is one of them.
        Node::Many(all, _) => {
            let several = all.len() > 1;
            all.iter().flat_map(|one| if several && braced(one) { vec![one.clone()] } else { members(one) }).collect()
        }
        Node::Quantity(expr, unit) => expr.both_signs().into_iter().map(|expr| Node::Quantity(expr, unit.clone())).collect(),
        Node::Chain(..) => match told(node) {
            // `x = 1 ± 2` is two answers, `x = 3` one, whose name may matter.
            Some(told) if members(told.value).len() > 1 => {
                let named = |value| Node::Chain(Box::new(told.name.clone()), vec![(Rel::Equal, value)]);
                members(told.value).into_iter().map(named).collect()
            }
            _ => vec![node.clone()],
        },
        other => vec![other.clone()],
    }
}

/// Whether a node is a set by its braces.
pub fn braced(node: &Node) -> bool {
    matches!(node, Node::Many(_, Joint::Set))
}
