//! Lists of answers, chains of relations, unions of sets.

use super::{AnswerJoint, Node, Parser};
use crate::{expr::Expr, lex::TokenKind};

impl Parser<'_> {
    /// Parses answers that are separated by commas and conjunctions. Semicolons separate groups, which are tuples if all have the same length.
    pub(super) fn answers(&mut self) -> Option<Node> {
        let mut groups: Vec<Vec<Node>> = vec![Vec::new()];
        let mut joint = AnswerJoint::Comma;
        loop {
            let node = self.relation()?;
            groups.last_mut()?.push(node);
            let comma = matches!(self.peek(), Some(TokenKind::Comma));
            if comma {
                self.step();
            }
            match self.peek() {
                Some(TokenKind::And) => joint = AnswerJoint::And,
                Some(TokenKind::Or) => joint = AnswerJoint::Or,
                Some(TokenKind::Semicolon) if !comma => groups.push(Vec::new()),
                _ if comma => continue,
                _ => break,
            }
            self.step();
        }
        let length = groups.first()?.len();
        let tuples = groups.len() > 1 && length > 1 && groups.iter().all(|group| group.len() == length);
        let mut all: Vec<Node> = if tuples {
            groups.into_iter().map(|group| Node::Tuple('(', group, ')')).collect()
        } else {
            groups.into_iter().flatten().collect()
        };
        if all.len() == 1 { all.pop() } else { Some(Node::Many(all, joint)) }
    }

    pub(super) fn relation(&mut self) -> Option<Node> {
        let mut rest = Vec::new();
        if self.at == 0 && matches!(self.peek(), Some(TokenKind::Rel(crate::lex::Rel::About))) {
            // The sign of `\approx 42` is ignored: the value is compared as it is.
            self.step();
        }
        let first = self.joined()?;
        while let Some(TokenKind::Rel(rel)) = self.peek() {
            let rel = *rel;
            self.step();
            self.skip_align();
            rest.push((rel, self.joined()?));
        }
        Some(if rest.is_empty() { first } else { Node::Chain(Box::new(first), rest) })
    }

    /// Skips the `&` at which the rows of a system are aligned.
    pub(super) fn skip_align(&mut self) {
        if self.sign() == Some('&') && self.aligned() {
            self.step();
        }
    }

    fn joined(&mut self) -> Option<Node> {
        let first = self.ratio()?;
        let whole_set = matches!(&first, Node::Quantity(Expr::Name(name), None) if name.starts_with("bb "));
        if whole_set && self.sign() == Some('-') {
            self.step();
            return Some(Node::Joined('∖', vec![first, self.ratio()?]));
        }
        let Some(sign @ ('∪' | '∩' | '∖')) = self.sign() else { return Some(first) };
        let mut parts = vec![first];
        while self.take(sign) {
            parts.push(self.ratio()?);
        }
        Some(Node::Joined(sign, parts))
    }

    fn ratio(&mut self) -> Option<Node> {
        if let Some(time) = self.time() {
            return Some(time);
        }
        let first = self.node()?;
        if self.sign() != Some(':') {
            return Some(first);
        }
        let Node::Quantity(first, None) = first else { return None };
        let mut parts = vec![first];
        while self.take(':') {
            parts.push(self.sum()?);
        }
        Some(Node::Ratio(parts))
    }

    /// Parses `3:45`, `3:45 pm` or `5 pm`.
    fn time(&mut self) -> Option<Node> {
        let number = |at: usize| match self.kind(at) {
            Some(TokenKind::Num(digits)) if digits.len() <= 2 && digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse::<u32>().ok()
            }
            _ => None,
        };
        let hours = number(self.at).filter(|hours| *hours <= 24)?;
        let colon = matches!(self.kind(self.at + 1), Some(TokenKind::Sign(':')));
        let two = |at: usize| matches!(self.kind(at), Some(TokenKind::Num(digits)) if digits.len() == 2);
        let minutes = if colon { number(self.at + 2).filter(|minutes| *minutes < 60 && two(self.at + 2)) } else { None };
        let behind = self.at + if minutes.is_some() { 3 } else { 1 };
        if colon && minutes.is_none() || matches!(self.kind(behind), Some(TokenKind::Sign(':'))) {
            return None;
        }
        let half = match self.word(behind).as_deref() {
            Some("am") => Some(false),
            Some("pm") => Some(true),
            _ if minutes.is_none() => return None,
            _ => None,
        };
        self.at = behind + usize::from(half.is_some());
        self.furthest = self.furthest.max(self.at);
        Some(Node::Time(hours, minutes.unwrap_or(0), half))
    }
}
