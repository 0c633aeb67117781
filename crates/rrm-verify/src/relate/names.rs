//! Chain of equalities -> the name and the value that it states.

use crate::{expr::Expr, lex::Rel, parse::Node};

/// A name and its stated value.
pub struct NamedValue<'a> {
    /// The name.
    pub name: &'a Node,
    /// The value.
    pub value: &'a Node,
}

/// Returns the value that a chain of equalities states. It is the last part before an approximation, if an earlier part is a name or if all parts are
/// numbers, as in a calculation. It is the first part if only the last one is a name. For `x ∈ S` it is the set. Other chains state no value: `None`.
pub fn told(node: &Node) -> Option<NamedValue<'_>> {
    let Node::Chain(first, rest) = node else { return None };
    if let [(Rel::In, set)] = rest.as_slice() {
        return Some(NamedValue { name: first, value: set });
    }
    if !rest.iter().all(|(rel, _)| matches!(rel, Rel::Equal | Rel::About)) {
        return None;
    }
    let exact = rest.iter().take_while(|(rel, _)| *rel == Rel::Equal).count();
    let parts =
        |kept: usize| -> Vec<&Node> { std::iter::once(&**first).chain(rest[..kept].iter().map(|(_, node)| node)).collect() };
    // `\sqrt{3}/3 \approx 0.577`: the value is the part before the approximation.
    if exact == 0 && !names(first) {
        return Some(NamedValue { name: first, value: first });
    }
    let all = parts(if exact == 0 { rest.len() } else { exact });
    let (last, before) = all.split_last()?;
    if let Some(name) = before.iter().find(|part| names(part)) {
        return Some(NamedValue { name, value: last });
    }
    if names(last) {
        return Some(NamedValue { name: last, value: first });
    }
    let number = |node: &&Node| matches!(node, Node::Quantity(expr, _) if expr.is_constant());
    all.iter().all(number).then_some(NamedValue { name: last, value: last })
}

/// Returns the parts of a chain if all are numbers, each with whether it has a unit.
pub fn calculation<'a>(node: &'a Node) -> Option<Vec<(&'a Expr, bool)>> {
    let Node::Chain(first, rest) = node else { return None };
    let number = |node: &'a Node| match node {
        Node::Quantity(expr, unit) if expr.is_constant() && !expr.names_something() => Some((expr, unit.is_some())),
        _ => None,
    };
    std::iter::once(&**first).chain(rest.iter().map(|(_, node)| node)).map(number).collect()
}

/// Whether a part of a chain can be the name of the stated value.
pub fn names(node: &Node) -> bool {
    match node {
        Node::Text(_) => true,
        Node::Quantity(expr, None) => expr.names_something(),
        Node::Ratio(parts) => parts.iter().all(Expr::names_something),
        Node::Tuple(_, parts, _) => parts.iter().all(names),
        Node::Many(parts, _) | Node::Joined(_, parts) => parts.iter().all(names),
        _ => false,
    }
}

/// Returns the name without its arguments: `W(n)` and `W(x)` name the same function.
pub fn plain_name(node: &Node) -> Option<&str> {
    match node {
        Node::Quantity(Expr::Name(name), None) => Some(name),
        Node::Quantity(Expr::Call(name, args), None)
            if args.iter().all(|arg| arg.name().is_some_and(|name| "xyznmktuvs".contains(name))) =>
        {
            name.strip_prefix("of ")
        }
        _ => None,
    }
}
