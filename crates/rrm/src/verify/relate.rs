//! Two parsed answers -> whether they say the same.

mod interval;

use std::collections::HashMap;

use self::interval::interval;
use super::{
    VerifyOptions,
    expr::{Complex, Expr, Point, Steps, Value},
    lex::Rel,
    parse::Node,
    text::plain,
};

/// Points at which expressions with variables are compared.
const POINTS: u64 = 4;

/// What a comparison of two parsed answers says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The same.
    Same,
    /// Something else.
    Other,
    /// Other words, which may mean the same.
    Words,
}

impl From<bool> for Said {
    fn from(same: bool) -> Self {
        if same { Said::Same } else { Said::Other }
    }
}

/// What all of one comparison share.
pub(super) struct Relate<'a> {
    pub options: &'a VerifyOptions,
    pub steps: &'a Steps,
}

/// A name with the value that is told of it.
struct Told<'a> {
    name: &'a Node,
    value: &'a Node,
}

impl Relate<'_> {
    /// Whether an answer says what the right one says.
    pub fn same(&self, gold: &Node, answer: &Node) -> Said {
        if self.steps.take().is_none() {
            return Said::Other;
        }
        let (several, given) = (members(gold), members(answer));
        if several.len() > 1 || given.len() > 1 {
            return self.several(gold, answer, &several, &given).into();
        }
        match (gold, answer) {
            (Node::Many(_), _) | (_, Node::Many(_)) => match (several.first(), given.first()) {
                (Some(gold), Some(answer)) => self.same(gold, answer),
                (None, None) => Said::Same,
                _ => Said::Other,
            },
            (Node::Text(gold), Node::Text(answer)) => {
                if plain(gold) == plain(answer) {
                    Said::Same
                } else {
                    Said::Words
                }
            }
            (Node::Expr(gold), Node::Expr(answer)) => self.expressions(gold, answer).into(),
            (Node::Ratio(gold), Node::Ratio(answer)) => self.ratios(gold, answer).into(),
            (Node::Ratio(parts), Node::Expr(one)) | (Node::Expr(one), Node::Ratio(parts)) => {
                let divided = parts.iter().cloned().reduce(|over, under| Expr::Div(Box::new(over), Box::new(under)));
                divided.is_some_and(|divided| self.expressions(&divided, one)).into()
            }
            (Node::Tuple(..), Node::Tuple(..)) => self.tuples(gold, answer).into(),
            (Node::Joined(sign, parts), Node::Joined(other, given)) => {
                (sign == other && if *sign == '∖' { self.ordered(parts, given) } else { self.unordered(parts, given) }).into()
            }
            (Node::Chain(..), Node::Chain(..)) => self.chains(gold, answer).into(),
            (Node::Chain(..), other) => match told(gold) {
                Some(told) => self.same(told.value, other),
                None => interval(gold).map_or(Said::Other, |set| self.same(&set, other)),
            },
            (other, Node::Chain(..)) => match told(answer) {
                Some(told) => self.same(other, told.value),
                None if self.options.inequality_for_interval => {
                    interval(answer).map_or(Said::Other, |set| self.same(other, &set))
                }
                None => Said::Other,
            },
            _ => Said::Other,
        }
    }

    fn is(&self, gold: &Node, answer: &Node) -> bool {
        self.same(gold, answer) == Said::Same
    }

    fn ordered(&self, gold: &[Node], answer: &[Node]) -> bool {
        gold.len() == answer.len() && gold.iter().zip(answer).all(|(gold, answer)| self.is(gold, answer))
    }

    /// Whether each has its partner, in any order; what is named twice counts once, as in a set.
    fn unordered(&self, gold: &[Node], answer: &[Node]) -> bool {
        let mut found = vec![false; answer.len()];
        let all = gold.iter().all(|gold| {
            let mut any = false;
            for (found, answer) in found.iter_mut().zip(answer) {
                if (!*found || !any) && self.is(gold, answer) {
                    (*found, any) = (true, true);
                }
            }
            any
        });
        all && found.into_iter().all(|found| found)
    }

    /// Several answers against several, or against a tuple that lists them in order.
    fn several(&self, gold: &Node, answer: &Node, several: &[Node], given: &[Node]) -> bool {
        if let (Node::Tuple(_, gold, _), Node::Many(_)) | (Node::Many(_), Node::Tuple(_, gold, _)) = (gold, answer) {
            let list = if several.len() > 1 { several } else { given };
            return self.ordered(gold, list);
        }
        // `(x, y) = (5, 8)` and the like, or `x = y = 3, 4`: the name stands once for all.
        match (gold, answer) {
            (Node::Many(_), _) | (_, Node::Many(_)) => self.unordered(several, given),
            (Node::Chain(..), _) => told(gold).is_some_and(|told| self.is(told.value, answer)),
            (_, Node::Chain(..)) => told(answer).is_some_and(|told| self.is(gold, told.value)),
            _ => self.unordered(several, given),
        }
    }

    fn tuples(&self, gold: &Node, answer: &Node) -> bool {
        let (Node::Tuple(open, gold, close), Node::Tuple(other_open, answer, other_close)) = (gold, answer) else { return false };
        // Two things in brackets may be an interval, whose brackets count.
        let alike = gold.len() != 2 || (open == other_open && close == other_close);
        alike && self.ordered(gold, answer)
    }

    fn ratios(&self, gold: &[Expr], answer: &[Expr]) -> bool {
        let each = gold.len() == answer.len() && gold.iter().zip(answer).all(|(gold, answer)| self.expressions(gold, answer));
        if each {
            return true;
        }
        let ([a, b], [c, d]) = (gold, answer) else { return false };
        let product = |one: &Expr, other: &Expr| Expr::Product(vec![one.clone(), other.clone()]);
        let zero = Expr::number("0");
        [a, b, c, d].iter().all(|part| !self.expressions(&zero, part)) && self.expressions(&product(a, d), &product(b, c))
    }

    fn chains(&self, gold: &Node, answer: &Node) -> bool {
        if let (Some(one), Some(other)) = (told(gold), told(answer)) {
            let named = plain_name(one.name) == plain_name(other.name) || self.is(one.name, other.name);
            if named && self.is(one.value, other.value) {
                return true;
            }
        }
        let (Node::Chain(first, rest), Node::Chain(other, others)) = (gold, answer) else { return false };
        if let ([(rel, right)], [(other_rel, other_right)]) = (rest.as_slice(), others.as_slice())
            && let (Node::Expr(l), Node::Expr(r), Node::Expr(m), Node::Expr(s)) = (&**first, right, &**other, other_right)
        {
            return self.equivalent((l, *rel, r), (m, *other_rel, s));
        }
        let straight = |answer: &[(Rel, &Node)]| {
            answer.len() == rest.len() + 1
                && self.is(first, answer[0].1)
                && rest.iter().zip(&answer[1..]).all(|((rel, gold), (other, answer))| rel == other && self.is(gold, answer))
        };
        let mut forward: Vec<(Rel, &Node)> = vec![(Rel::Equal, &**other)];
        forward.extend(others.iter().map(|(rel, node)| (*rel, node)));
        // Read from its end: each relation belongs to the node behind it then.
        let mut backward: Vec<(Rel, &Node)> = Vec::new();
        for (at, (_, node)) in forward.iter().enumerate().rev() {
            let rel = forward.get(at + 1).map_or(Rel::Equal, |(rel, _)| rel.turned());
            backward.push((rel, node));
        }
        straight(&forward) || straight(&backward)
    }

    /// Whether two equations, or two inequalities, differ by a factor only.
    fn equivalent(&self, (l, rel, r): (&Expr, Rel, &Expr), (m, other, s): (&Expr, Rel, &Expr)) -> bool {
        let loose = |rel: Rel| if rel == Rel::About { Rel::Equal } else { rel };
        let (rel, other) = (loose(rel), loose(other));
        let none = HashMap::new();
        let mut ratios = Vec::new();
        for index in 0..POINTS {
            let point = Point { index, renamed: &none, steps: self.steps };
            let differences = (self.scalar(l, &point), self.scalar(r, &point), self.scalar(m, &point), self.scalar(s, &point));
            let (Some(l), Some(r), Some(m), Some(s)) = differences else { continue };
            let (one, two) = (l.add(r.neg()), m.add(s.neg()));
            if two.size() < 1e-12 || one.size() < 1e-12 {
                return false;
            }
            ratios.push(one.div(two));
        }
        let Some(first) = ratios.first().filter(|_| ratios.len() >= 2) else { return false };
        if first.im.abs() > 1e-9 || !ratios.iter().all(|ratio| close(*ratio, *first, 1e-7)) {
            return false;
        }
        rel == if first.re < 0.0 { other.turned() } else { other }
    }

    fn scalar(&self, expr: &Expr, point: &Point<'_>) -> Option<Complex> {
        match expr.value(point)? {
            Value::Scalar(value) if value.re.is_finite() && value.im.is_finite() => Some(value),
            _ => None,
        }
    }

    /// Whether two expressions have the same value, a percentage being its number or its hundredth.
    fn expressions(&self, gold: &Expr, answer: &Expr) -> bool {
        let whole = |expr: &Expr| match expr {
            Expr::Call(name, args) if name == "%" => args.first().cloned(),
            _ => None,
        };
        match (whole(gold), whole(answer)) {
            (Some(gold), Some(answer)) => self.values(&gold, &answer),
            (Some(number), None) => self.values(&number, answer) || self.values(gold, answer),
            (None, Some(number)) => self.values(gold, &number) || self.values(gold, answer),
            (None, None) => self.values(gold, answer),
        }
    }

    fn values(&self, gold: &Expr, answer: &Expr) -> bool {
        if gold == answer {
            return true;
        }
        let decimal = gold.decimal() || answer.decimal();
        match (gold.exact(), answer.exact()) {
            (Some(one), Some(other)) if one == other => return true,
            (Some(_), Some(_)) if !decimal => return false,
            // Whole numbers that do not fit are equal only digit by digit, and they are not.
            _ if long(gold) && long(answer) => return false,
            _ => {}
        }
        let (mut names, mut others) = (Vec::new(), Vec::new());
        gold.variables(&mut names);
        answer.variables(&mut others);
        let mut renamed = HashMap::new();
        if !self.options.same_names && names.len() == others.len() {
            renamed = others.into_iter().zip(names.iter().cloned()).collect();
        }
        let none = HashMap::new();
        let mut agreed = 0;
        for index in 0..if names.is_empty() && answer_is_constant(answer) { 1 } else { POINTS } {
            let one = gold.value(&Point { index, renamed: &none, steps: self.steps });
            let other = answer.value(&Point { index, renamed: &renamed, steps: self.steps });
            match (one, other) {
                (Some(one), Some(other)) if self.alike(&one, &other, decimal) => agreed += 1,
                (Some(_), Some(_)) => return false,
                _ => {}
            }
        }
        agreed > 0
    }

    fn alike(&self, gold: &Value, answer: &Value, decimal: bool) -> bool {
        let scalars = |gold: &Complex, answer: &Complex| {
            if close(*gold, *answer, 1e-9) {
                return true;
            }
            let places = 0.1f64.powi(self.options.decimals.min(15) as i32);
            let size = gold.size().max(answer.size());
            // Below the last place a number would equal every other: there digits count, not places.
            if size < 10.0 * places {
                return decimal && close(*gold, *answer, 1e-6);
            }
            decimal && gold.add(answer.neg()).size() <= 0.5 * places
        };
        match (gold, answer) {
            (Value::Scalar(gold), Value::Scalar(answer)) => scalars(gold, answer),
            (Value::Matrix(gold), Value::Matrix(answer)) => {
                gold.len() == answer.len()
                    && gold.iter().zip(answer).all(|(gold, answer)| {
                        gold.len() == answer.len() && gold.iter().zip(answer).all(|(gold, answer)| scalars(gold, answer))
                    })
            }
            _ => false,
        }
    }
}

/// A whole number with more digits than are calculated exactly.
fn long(expr: &Expr) -> bool {
    match expr {
        Expr::Num(digits, _) => digits.len() > 30,
        Expr::Neg(inner) => long(inner),
        _ => false,
    }
}

fn answer_is_constant(answer: &Expr) -> bool {
    let mut names = Vec::new();
    answer.variables(&mut names);
    names.is_empty()
}

fn close(a: Complex, b: Complex, tolerance: f64) -> bool {
    a == b || a.add(b.neg()).size() <= tolerance * a.size().max(b.size())
}

/// The single answers of a node.
fn members(node: &Node) -> Vec<Node> {
    match node {
        Node::Many(all) => all.iter().flat_map(members).collect(),
        Node::Expr(expr) => expr.both_signs().into_iter().map(Node::Expr).collect(),
        Node::Chain(..) => match told(node) {
            // `x = 1 ± 2` is two answers, `x = 3` one, whose name may matter.
            Some(told) if members(told.value).len() > 1 => members(told.value),
            _ => vec![node.clone()],
        },
        other => vec![other.clone()],
    }
}

/// The value that a chain of equalities tells: its last part before an approximation, if one of the parts before is a name; the first one,
/// if only the last is a name.
fn told(node: &Node) -> Option<Told<'_>> {
    let Node::Chain(first, rest) = node else { return None };
    if !rest.iter().all(|(rel, _)| matches!(rel, Rel::Equal | Rel::About)) {
        return None;
    }
    let exact = rest.iter().take_while(|(rel, _)| *rel == Rel::Equal).count();
    let kept = if exact == 0 { rest.len() } else { exact };
    let parts: Vec<&Node> = std::iter::once(&**first).chain(rest[..kept].iter().map(|(_, node)| node)).collect();
    let (last, before) = parts.split_last()?;
    if let Some(name) = before.iter().find(|part| names(part)) {
        return Some(Told { name, value: last });
    }
    names(last).then_some(Told { name: last, value: first })
}

/// Whether a part of a chain can be the name of what is told.
fn names(node: &Node) -> bool {
    match node {
        Node::Text(_) => true,
        Node::Expr(expr) => expr.names_something(),
        Node::Ratio(parts) => parts.iter().all(Expr::names_something),
        Node::Tuple(_, parts, _) => parts.iter().all(names),
        _ => false,
    }
}

/// The letter that a name begins with: `W(n)` and `W(x)` name one thing.
fn plain_name(node: &Node) -> Option<&str> {
    match node {
        Node::Expr(Expr::Product(factors)) => match factors.first() {
            Some(Expr::Name(name)) => Some(name),
            _ => None,
        },
        Node::Expr(Expr::Name(name)) => Some(name),
        _ => None,
    }
}
