//! Several answers: lists in any order, tuples in order, sets.

use super::{Relation, RelationResult, names::told};
use crate::{
    UnknownKind,
    expr::Expr,
    lex::Rel,
    parse::{AnswerJoint, Node},
};

impl Relation<'_> {
    pub fn ordered(&self, gold: &[Node], answer: &[Node]) -> RelationResult {
        if gold.len() != answer.len() {
            return RelationResult::Other;
        }
        gold.iter().zip(answer).fold(RelationResult::Same, |said, (gold, answer)| said.and(|| self.same(gold, answer)))
    }

    /// Compares two lists in any order: each member needs an equal one in the other list. Repeated members count once, as in a set.
    pub fn unordered(&self, gold: &[Node], answer: &[Node]) -> RelationResult {
        let mut found = vec![RelationResult::Other; answer.len()];
        let mut said = RelationResult::Same;
        for gold in gold {
            let mut any = RelationResult::Other;
            for (found, answer) in found.iter_mut().zip(answer) {
                if any == RelationResult::Same && *found == RelationResult::Same {
                    continue;
                }
                // A set of one member equals its member when it stands alone, but not as one of several answers.
                let pair = if braced(gold) == braced(answer) { self.same(gold, answer) } else { RelationResult::Other };
                for best in [&mut any, found] {
                    if *best != RelationResult::Same && pair != RelationResult::Other {
                        *best = pair.clone();
                    }
                }
            }
            said = said.and(|| any);
            if said == RelationResult::Other {
                return RelationResult::Other;
            }
        }
        found.into_iter().fold(said, |said, one| said.and(|| one))
    }

    /// Whether the members of two lists can be paired one to one.
    fn matched(&self, gold: &[Node], answer: &[Node]) -> bool {
        let mut left: Vec<&Node> = answer.iter().collect();
        gold.len() == answer.len()
            && gold.iter().all(|gold| {
                let place = left.iter().position(|answer| self.same(gold, answer) == RelationResult::Same);
                place.map(|place| left.swap_remove(place)).is_some()
            })
    }

    /// Compares lists with each other, or a list with a tuple that has its members in order.
    pub fn several(&self, gold: &Node, answer: &Node, several: &[Node], given: &[Node]) -> RelationResult {
        if let (Node::Tuple(_, tuple, _), Node::Many(..)) | (Node::Many(..), Node::Tuple(_, tuple, _)) = (gold, answer)
            && (several.len() == 1 || given.len() == 1)
        {
            let list = if matches!(gold, Node::Many(..)) { several } else { given };
            if list.iter().all(|one| matches!(one, Node::Tuple(..))) {
                return RelationResult::Other;
            }
            // A set is not a tuple; a list may be a tuple of its members in order.
            let set = braced(gold) || braced(answer);
            let ordered = if set { RelationResult::Other } else { self.ordered(tuple, list) };
            return ordered.but_open("a list or a tuple");
        }
        // `(x, y) = (5, 8)`, or `x = y = 3, 4`: the name stands once for all values.
        match (gold, answer) {
            // "A or C" leaves the choice open, "A, C" does not.
            (Node::Many(_, one), Node::Many(_, other))
                if (*one == AnswerJoint::Or) != (*other == AnswerJoint::Or) && several.iter().all(is_letter) =>
            {
                self.unordered(several, given).but_open("one choice or both")
            }
            // Named values and unnamed values: the order tells which is which.
            (Node::Many(..), Node::Many(..)) if all_named(several) != all_named(given) && several.len() == given.len() => {
                match (self.ordered(several, given), self.unordered(several, given)) {
                    (RelationResult::Same, _) => RelationResult::Same,
                    (_, said) => said.but_open("values in another order than their names"),
                }
            }
            (Node::Many(_, one), Node::Many(_, other)) if *one != AnswerJoint::Set && *other != AnswerJoint::Set => {
                match self.unordered(several, given) {
                    // A list that repeats a member differs from one that has it once.
                    RelationResult::Same if several.len() == given.len() && !self.matched(several, given) => {
                        RelationResult::open(UnknownKind::NotProven, "members that stand there several times")
                    }
                    said => said,
                }
            }
            (Node::Many(..), _) | (_, Node::Many(..)) => self.unordered(several, given),
            (Node::Chain(..), Node::Chain(..)) => self.unordered(several, given),
            (Node::Chain(..), _) if told(gold).is_some() => {
                told(gold).map_or(RelationResult::Other, |told| self.same(told.value, answer))
            }
            (_, Node::Chain(..)) if told(answer).is_some() => {
                told(answer).map_or(RelationResult::Other, |told| self.same(gold, told.value))
            }
            _ => self.unordered(several, given),
        }
    }

    pub fn tuples(&self, gold: &Node, answer: &Node) -> RelationResult {
        let (Node::Tuple(open, gold, close), Node::Tuple(other_open, answer, other_close)) = (gold, answer) else {
            return RelationResult::Other;
        };
        // Two members in brackets may be an interval, whose brackets matter.
        if gold.len() == 2 && (open != other_open || close != other_close) {
            return RelationResult::Other;
        }
        self.ordered(gold, answer)
    }
}

/// Whether all answers have names, and all names differ.
fn all_named(nodes: &[Node]) -> bool {
    let mut names: Vec<&Node> = Vec::new();
    nodes.iter().all(|node| match told(node) {
        Some(told) if matches!(node, Node::Chain(_, rest) if rest[0].0 != Rel::In) && !names.contains(&told.name) => {
            names.push(told.name);
            true
        }
        _ => false,
    })
}

/// Whether a node is a single capital letter, as a choice is.
fn is_letter(node: &Node) -> bool {
    matches!(node, Node::Quantity(Expr::Name(name), None) if name.len() == 1 && name.bytes().all(|b| b.is_ascii_uppercase()))
}

/// Returns the single answers of a node.
pub fn members(node: &Node) -> Vec<Node> {
    match node {
        // A set among several answers is one answer.
        Node::Many(all, _) => {
            let several = all.len() > 1 || braced(node);
            all.iter().flat_map(|one| if several && braced(one) { vec![one.clone()] } else { members(one) }).collect()
        }
        Node::Quantity(expr, unit) => expr.both_signs().into_iter().map(|expr| Node::Quantity(expr, unit.clone())).collect(),
        // `(\pm 1, 2)` is two tuples.
        Node::Tuple(open, parts, close) if parts.iter().any(|part| members(part).len() == 2) => {
            let chosen = |index: usize| {
                let one = |part: &Node| members(part).into_iter().cycle().nth(index).unwrap_or_else(|| part.clone());
                Node::Tuple(*open, parts.iter().map(one).collect(), *close)
            };
            if parts.iter().filter(|part| members(part).len() == 2).count() == 1 {
                vec![chosen(0), chosen(1)]
            } else {
                vec![node.clone()]
            }
        }
        Node::Chain(..) => match told(node) {
            // `x = 1 ± 2` is two answers; `x = 3` is one, whose name may matter.
            Some(told) if members(told.value).len() > 1 => {
                let named = |value| Node::Chain(Box::new(told.name.clone()), vec![(Rel::Equal, value)]);
                members(told.value).into_iter().map(named).collect()
            }
            _ => vec![node.clone()],
        },
        other => vec![other.clone()],
    }
}

/// Whether a node is a set in braces.
pub fn braced(node: &Node) -> bool {
    matches!(node, Node::Many(_, AnswerJoint::Set))
}
