//! Sets of real numbers: unions, intersections, differences, inequalities, exclusions -> whether two of them are the same set.
//!
//! The end points of both sets divide the line into points and gaps; two sets are the same if they contain the same of these.

use dashu_ratio::RBig;

use super::{Relation, RelationResult, lists::braced, points};
use crate::{
    UnknownKind,
    expr::{Expr, Literal},
    lex::Rel,
    parse::{AnswerJoint, Node},
};

/// A set of real numbers.
enum Set {
    /// An interval: lower and upper end, each with whether it belongs to the set. An end of `None` is infinite.
    Between(Option<(Expr, bool)>, Option<(Expr, bool)>),
    /// A finite set of numbers.
    Points(Vec<Expr>),
    /// A union.
    Union(Vec<Set>),
    /// An intersection.
    Common(Vec<Set>),
    /// Sets joined by commas: their intersection, or their union if the intersection is empty.
    Listed(Vec<Set>),
    /// A difference: the first set without the others.
    Without(Vec<Set>),
}

impl Relation<'_> {
    /// Compares two sets of real numbers, if at least one of the answers is written as a set. `None` if they are not sets of real numbers.
    pub fn as_sets(&self, gold: &Node, answer: &Node) -> Option<RelationResult> {
        if !(written_as_set(gold) || written_as_set(answer)) || gold == answer {
            return None;
        }
        let (mut name, mut other_name) = (None, None);
        let one = set(gold, &mut name)?;
        let other = set(answer, &mut other_name)?;
        if relations(answer) && !relations(gold) && !self.options.inequality_for_interval {
            return Some(RelationResult::Other);
        }
        let listed = |node: &Node| matches!(node, Node::Many(parts, AnswerJoint::Comma) if parts.iter().all(|part| matches!(part, Node::Tuple(..))));
        let said = self.same_set(&one, &other)?;
        let said = if listed(gold) || listed(answer) { said.but_open("a list of intervals") } else { said };
        match (name, other_name) {
            (Some(name), Some(other)) if name != other && self.options.same_names => Some(match said {
                RelationResult::Same => RelationResult::open(UnknownKind::NotProven, "equal but for names"),
                other => other,
            }),
            _ => Some(said),
        }
    }

    fn same_set(&self, gold: &Set, answer: &Set) -> Option<RelationResult> {
        let mut ends: Vec<Expr> = Vec::new();
        for set in [gold, answer] {
            let mut all = Vec::new();
            set.ends(&mut all);
            for end in all {
                let mut known = false;
                for other in &ends {
                    match self.values(other, end) {
                        RelationResult::Same => known = true,
                        RelationResult::Other => {}
                        open => return Some(open),
                    }
                }
                if !known {
                    ends.push(end.clone());
                }
            }
        }
        let ends = self.sorted(ends)?;
        if !self.in_order(gold, &ends) || !self.in_order(answer, &ends) {
            return Some(RelationResult::open(UnknownKind::NotProven, "an interval whose ends are not in order"));
        }
        // Even places are gaps, odd places are end points.
        let same = (0..2 * ends.len() + 1).all(|place| self.holds(gold, place, &ends) == self.holds(answer, place, &ends));
        Some(same.into())
    }

    /// Sorts end points; `None` if their order cannot be determined.
    fn sorted(&self, ends: Vec<Expr>) -> Option<Vec<Expr>> {
        let precision = crate::number::Precision::new(512, self.steps.get());
        let values = std::collections::HashMap::new();
        let point = crate::expr::EvaluationPoint { values: &values, precision: &precision, log_ten: false, opaque: false };
        let mut sorted: Vec<(Expr, crate::number::RealNumber)> = Vec::new();
        for end in ends {
            let value = end.number(&point).ok().filter(crate::number::Complex::is_real)?.re;
            let mut place = sorted.len();
            for (at, (_, other)) in sorted.iter().enumerate().rev() {
                match value.compare(other, &precision).ok()?? {
                    std::cmp::Ordering::Less => place = at,
                    _ => break,
                }
            }
            sorted.insert(place, (end, value));
        }
        self.steps.set(precision.steps.get());
        Some(sorted.into_iter().map(|(end, _)| end).collect())
    }

    /// Whether every interval has its lower end below its upper end.
    fn in_order(&self, set: &Set, ends: &[Expr]) -> bool {
        match set {
            Set::Between(Some((low, closed)), Some((high, also))) => match (self.place(low, ends), self.place(high, ends)) {
                (Some(low), Some(high)) => low < high || (low == high && *closed && *also),
                _ => false,
            },
            Set::Between(..) | Set::Points(_) => true,
            Set::Union(all) | Set::Common(all) | Set::Without(all) | Set::Listed(all) => {
                all.iter().all(|set| self.in_order(set, ends))
            }
        }
    }

    fn place(&self, end: &Expr, ends: &[Expr]) -> Option<usize> {
        ends.iter().position(|other| self.values(other, end) == RelationResult::Same).map(|at| 2 * at + 1)
    }

    fn holds(&self, set: &Set, place: usize, ends: &[Expr]) -> bool {
        match set {
            Set::Between(low, high) => {
                let above = low.as_ref().is_none_or(|(end, closed)| {
                    self.place(end, ends).is_some_and(|end| place > end || (*closed && place == end))
                });
                let below = high.as_ref().is_none_or(|(end, closed)| {
                    self.place(end, ends).is_some_and(|end| place < end || (*closed && place == end))
                });
                above && below
            }
            Set::Points(all) => all.iter().any(|end| self.place(end, ends) == Some(place)),
            Set::Listed(all) => {
                let common = |place| all.iter().all(|set| self.holds(set, place, ends));
                if (0..2 * ends.len() + 1).any(common) {
                    common(place)
                } else {
                    all.iter().any(|set| self.holds(set, place, ends))
                }
            }
            Set::Union(all) => all.iter().any(|set| self.holds(set, place, ends)),
            Set::Common(all) => all.iter().all(|set| self.holds(set, place, ends)),
            Set::Without(all) => all.split_first().is_some_and(|(first, rest)| {
                self.holds(first, place, ends) && !rest.iter().any(|set| self.holds(set, place, ends))
            }),
        }
    }
}

impl Set {
    fn ends<'a>(&'a self, found: &mut Vec<&'a Expr>) {
        match self {
            Set::Between(low, high) => found.extend([low, high].into_iter().flatten().map(|(end, _)| end)),
            Set::Points(all) => found.extend(all),
            Set::Union(all) | Set::Common(all) | Set::Without(all) | Set::Listed(all) => {
                all.iter().for_each(|set| set.ends(found))
            }
        }
    }
}

/// Whether a node is written as a set of real numbers.
fn written_as_set(node: &Node) -> bool {
    match node {
        Node::Joined(..) => true,
        Node::Quantity(Expr::Name(name), None) => name == "bb R",
        Node::Chain(_, rest) => match rest.as_slice() {
            [(Rel::In, set)] => written_as_set(set) || matches!(set, Node::Tuple(..)),
            rest => rest.iter().any(|(rel, _)| !matches!(rel, Rel::Equal | Rel::About | Rel::In)),
        },
        Node::Many(all, _) => all.iter().any(written_as_set),
        _ => false,
    }
}

/// Whether a node has inequalities.
fn relations(node: &Node) -> bool {
    match node {
        Node::Chain(_, rest) => !matches!(rest.as_slice(), [(Rel::In, _)]),
        Node::Many(all, _) => all.iter().any(relations),
        _ => false,
    }
}

/// Returns a node as a set. `name` receives the variable of its inequalities.
fn set(node: &Node, name: &mut Option<String>) -> Option<Set> {
    let all = |parts: &[Node], name: &mut Option<String>| parts.iter().map(|part| set(part, name)).collect::<Option<Vec<_>>>();
    match node {
        Node::Joined('∪', parts) => all(parts, name).map(Set::Union),
        Node::Joined('∩', parts) => all(parts, name).map(Set::Common),
        Node::Joined('∖', parts) => all(parts, name).map(Set::Without),
        Node::Tuple(open, parts, close) => match parts.as_slice() {
            [low, high] => Some(Set::Between(end(low, *open == '[', true)?, end(high, *close == ']', false)?)),
            _ => None,
        },
        Node::Quantity(Expr::Name(field), None) if field == "bb R" => Some(Set::Between(None, None)),
        Node::Quantity(Expr::Name(empty), None) if empty == "∅" => Some(Set::Points(Vec::new())),
        Node::Many(parts, _) if braced(node) => {
            let number = |node: &Node| match node {
                Node::Quantity(expr, None) => finite(expr).then(|| expr.clone()),
                _ => None,
            };
            parts.iter().map(number).collect::<Option<Vec<_>>>().map(Set::Points)
        }
        Node::Many(parts, joint) if parts.iter().any(relations) => listed(parts, *joint, name),
        // `(1,2) or (3,4)` equals a union.
        Node::Many(parts, _) if parts.iter().all(|part| matches!(part, Node::Tuple(..))) => all(parts, name).map(Set::Union),
        Node::Chain(first, rest) => match rest.as_slice() {
            [(Rel::In, inside)] => {
                one_name(first, name)?;
                set(inside, name)
            }
            _ => inequality(first, rest, name),
        },
        _ => None,
    }
}

/// Combines several inequalities: "or" is a union, "and" an intersection, and a comma is either, whichever is not empty.
fn listed(parts: &[Node], joint: AnswerJoint, name: &mut Option<String>) -> Option<Set> {
    // `x ≠ 2, 3`: the later numbers are excluded, too.
    let mut sets = Vec::new();
    let mut left_out = true;
    for part in parts {
        match part {
            Node::Quantity(expr, None) if left_out && !sets.is_empty() && finite(expr) => {
                sets.push(Set::Without(vec![Set::Between(None, None), Set::Points(vec![expr.clone()])]));
            }
            part => {
                left_out &= matches!(part, Node::Chain(_, rest) if matches!(rest.as_slice(), [(Rel::NotEqual, _)]));
                sets.push(set(part, name)?);
            }
        }
    }
    match joint {
        _ if left_out => Some(Set::Common(sets)),
        AnswerJoint::Or => Some(Set::Union(sets)),
        AnswerJoint::And => Some(Set::Common(sets)),
        // A comma may mean a union or an intersection.
        AnswerJoint::Comma => Some(Set::Listed(sets)),
        AnswerJoint::Set => None,
    }
}

fn finite(expr: &Expr) -> bool {
    expr.is_constant() && !expr.any(&mut |inner| inner.name() == Some("∞"))
}

/// Returns an end of an interval. The inner value is `None` for infinity; the outer one is `None` if the node is not a number.
fn end(node: &Node, closed: bool, low: bool) -> Option<Option<(Expr, bool)>> {
    let Node::Quantity(expr, None) = node else { return None };
    match expr.infinity() {
        Some(up) if up != low && !closed => Some(None),
        Some(_) => None,
        None => finite(expr).then(|| Some((expr.clone(), closed))),
    }
}

/// Returns the variable of a relation; `None` if it differs from that of the earlier relations.
fn one_name(node: &Node, name: &mut Option<String>) -> Option<String> {
    let Node::Quantity(expr, None) = node else { return None };
    let own = match expr {
        Expr::Name(own) => own.clone(),
        Expr::Call(call, _) if call.starts_with("of ") => format!("{expr:?}"),
        _ => match expr.variables().as_slice() {
            [own] => own.clone(),
            _ => return None,
        },
    };
    if name.as_ref().is_some_and(|name| *name != own) {
        return None;
    }
    *name = Some(own.clone());
    Some(own)
}

/// Returns the set of `a < x ≤ b`, `x ≠ a` or `|x| > a`, where x may be a linear expression.
fn inequality(first: &Node, rest: &[(Rel, Node)], name: &mut Option<String>) -> Option<Set> {
    let varies = |node: &Node| matches!(node, Node::Quantity(expr, None) if !expr.is_constant());
    // The relations from the side of the middle: `middle rel bound`.
    let (middle, bounds) = match rest {
        [(rel, right)] if varies(first) => (first, vec![(*rel, right)]),
        [(rel, right)] => (right, vec![(rel.turned(), first)]),
        [(one, middle), (two, right)] => (middle, vec![(one.turned(), first), (*two, right)]),
        _ => return None,
    };
    if !varies(middle) {
        return None;
    }
    let own = one_name(middle, name)?;
    let Node::Quantity(middle, None) = middle else { return None };
    let sets = bounds.into_iter().map(|(rel, bound)| {
        let Node::Quantity(bound, None) = bound else { return None };
        solve(middle, &own, rel, bound)
    });
    sets.collect::<Option<Vec<_>>>().map(Set::Common)
}

fn number(value: RBig) -> Expr {
    Expr::Num(Literal { value, places: None })
}

/// Returns the values of a variable for which an expression stands in a relation to a bound.
fn solve(expr: &Expr, name: &str, rel: Rel, bound: &Expr) -> Option<Set> {
    if let Expr::Call(call, args) = expr
        && call == "abs"
        && let [inside] = args.as_slice()
        && finite(bound)
    {
        let minus = Expr::Neg(Box::new(bound.clone()));
        let both = |rel: Rel| Some([solve(inside, name, rel, bound)?, solve(inside, name, rel.turned(), &minus)?]);
        return match rel {
            Rel::Less | Rel::LessEqual => both(rel).map(|sets| Set::Common(sets.into())),
            Rel::Greater | Rel::GreaterEqual | Rel::Equal => both(rel).map(|sets| Set::Union(sets.into())),
            Rel::NotEqual => both(rel).map(|sets| Set::Common(sets.into())),
            Rel::About | Rel::In => None,
        };
    }
    let whole = matches!(expr, Expr::Name(_)) || matches!(expr, Expr::Call(call, _) if call.starts_with("of "));
    let (slope, start) = if whole { (RBig::ONE, RBig::ZERO) } else { points::line(expr, name)? };
    if slope.is_zero() {
        return None;
    }
    if let Some(up) = bound.infinity() {
        // `x < ∞` holds for all numbers; relations beyond infinity are refused.
        return match (rel, up == (slope > RBig::ZERO)) {
            (Rel::Less, true) | (Rel::Greater, false) => Some(Set::Between(None, None)),
            _ => None,
        };
    }
    if !finite(bound) {
        return None;
    }
    let rel = if slope < RBig::ZERO { rel.turned() } else { rel };
    let bound = if whole {
        bound.clone()
    } else {
        Expr::Div(Box::new(Expr::Sum(vec![bound.clone(), number(-start)])), Box::new(number(slope)))
    };
    Some(match rel {
        Rel::Less => Set::Between(None, Some((bound, false))),
        Rel::LessEqual => Set::Between(None, Some((bound, true))),
        Rel::Greater => Set::Between(Some((bound, false)), None),
        Rel::GreaterEqual => Set::Between(Some((bound, true)), None),
        Rel::Equal => Set::Points(vec![bound]),
        Rel::NotEqual => Set::Without(vec![Set::Between(None, None), Set::Points(vec![bound])]),
        Rel::About | Rel::In => return None,
    })
}
