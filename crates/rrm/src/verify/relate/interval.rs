//! An inequality -> the interval it speaks of.

use super::answer_is_constant;
use crate::verify::{expr::Expr, lex::Rel, parse::Node};

/// The set of which an inequality speaks: `a < x ≤ b`, `x ≥ a`, or of `|x|` in such bounds.
pub(super) fn interval(node: &Node) -> Option<Node> {
    let Node::Chain(first, rest) = node else { return None };
    let varies = |node: &Node| match node {
        Node::Expr(expr) => !answer_is_constant(expr),
        _ => false,
    };
    let infinite = |minus: bool| {
        let infinity = Expr::Name("∞".into());
        Node::Expr(if minus { Expr::Neg(Box::new(infinity)) } else { infinity })
    };
    let strict = |rel: Rel| match rel {
        Rel::Less => Some((true, true)),
        Rel::LessEqual => Some((true, false)),
        Rel::Greater => Some((false, true)),
        Rel::GreaterEqual => Some((false, false)),
        _ => None,
    };
    // Bounds from below and from above, and whether they are themselves outside.
    let (middle, low, high) = match rest.as_slice() {
        [(rel, right)] => {
            let (middle, bound, rel) =
                if varies(first) { (&**first, right.clone(), *rel) } else { (right, (**first).clone(), rel.turned()) };
            let (below, open) = strict(rel)?;
            if below { (middle, (infinite(true), true), (bound, open)) } else { (middle, (bound, open), (infinite(false), true)) }
        }
        [(one, middle), (two, right)] => {
            let ((up, open), (also_up, end)) = (strict(*one)?, strict(*two)?);
            let (left, right) = ((**first).clone(), right.clone());
            match (up, also_up) {
                (true, true) => (middle, (left, open), (right, end)),
                (false, false) => (middle, (right, end), (left, open)),
                _ => return None,
            }
        }
        _ => return None,
    };
    if !varies(middle) || varies(&low.0) || varies(&high.0) {
        return None;
    }
    let span = |low: (Node, bool), high: (Node, bool)| {
        Node::Tuple(if low.1 { '(' } else { '[' }, vec![low.0, high.0], if high.1 { ')' } else { ']' })
    };
    let minus = |(node, open): &(Node, bool)| match node {
        Node::Expr(expr) => Some((Node::Expr(Expr::Neg(Box::new(expr.clone()))), *open)),
        _ => None,
    };
    match middle {
        Node::Expr(Expr::Call(name, _)) if name == "abs" => {
            let below = rest.len() == 1 && low.0 == infinite(true);
            if below {
                return Some(span(minus(&high)?, high));
            }
            Some(Node::Joined('∪', vec![span(minus(&high)?, minus(&low)?), span(low, high)]))
        }
        _ => Some(span(low, high)),
    }
}
