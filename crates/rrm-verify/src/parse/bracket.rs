//! Tuples, intervals and sets in brackets, and environments whose rows are answers.

use super::{AnswerJoint, Node, Parser, opens};
use crate::{expr::Expr, lex::TokenKind};

/// Environments of aligned rows.
const SYSTEMS: &[&str] = &["aligned", "align", "gathered", "gather", "split", "cases", "alignedat"];

impl Parser<'_> {
    /// Parses brackets around several members or none, or brackets that differ. A single member in matching brackets is left to the expressions.
    pub(super) fn bracketed(&mut self) -> Option<Node> {
        let open = self.sign()?;
        let set = open == '⟨';
        let closing = if open == '{' { &['}'][..] } else { opens(open)? };
        self.step();
        let turned_before = std::mem::replace(&mut self.turned, open == ']');
        let node = self.inside_brackets(open, set, closing);
        self.turned = turned_before;
        node
    }

    fn inside_brackets(&mut self, open: char, set: bool, closing: &[char]) -> Option<Node> {
        let begin = self.at;
        let inside = if self.sign().is_some_and(|sign| closing.contains(&sign)) && open != ']' {
            None
        } else {
            let inside = if set {
                self.condition().or_else(|| {
                    self.at = begin;
                    self.answers()
                })
            } else {
                self.answers()
            };
            Some(inside?)
        };
        let close = self.sign().filter(|sign| closing.contains(sign))?;
        self.step();
        // The expression continues: `(1, 2) + (3, 4)` or `(x)(y)`.
        if !self.at_end() && !matches!(self.peek(), Some(TokenKind::Word(_))) {
            return None;
        }
        match inside {
            // A set of sets is not parsed.
            Some(Node::Joined(..)) if set => None,
            Some(Node::Many(all, joint)) if set && joint != AnswerJoint::Set => Some(Node::Many(all, AnswerJoint::Set)),
            Some(one @ Node::Chain(..)) if set => Some(one),
            Some(one) if set => Some(Node::Many(vec![one], AnswerJoint::Set)),
            None if set => Some(Node::Many(Vec::new(), AnswerJoint::Set)),
            Some(Node::Many(all, AnswerJoint::Comma)) if open != '{' => {
                // `]a, b[` is `(a, b)`.
                let (open, close) = if open == ']' || close == '[' { (turned(open), turned(close)) } else { (open, close) };
                // An interval may be half-open, a tuple may not.
                let matches = matches!((open, close), ('(', ')') | ('[', ']'));
                if all.len() != 2 && !matches {
                    return None;
                }
                Some(Node::Tuple(open, all, close))
            }
            // Braces are ignored around a whole answer; around a part of a list they are doubtful.
            Some(one @ Node::Many(..)) if open == '{' && begin == 1 && self.at == self.tokens.len() => Some(one),
            // Brackets around tuples, sets or relations change nothing.
            Some(
                one @ (Node::Tuple(..) | Node::Joined(..) | Node::Chain(..) | Node::Text(_) | Node::Ratio(_) | Node::Time(..)),
            ) if matches!((open, close), ('(', ')') | ('[', ']') | ('{', '}')) => Some(one),
            _ => None,
        }
    }

    /// Parses `x | condition` or `x : condition` in the braces of a set. Returns the condition, which defines the set.
    fn condition(&mut self) -> Option<Node> {
        let Some(TokenKind::Name(_)) = self.peek() else { return None };
        self.step();
        if matches!(self.peek(), Some(TokenKind::Rel(crate::lex::Rel::In)))
            && matches!(self.kind(self.at + 1), Some(TokenKind::Name(name)) if name == "bb R")
        {
            self.at += 2;
        }
        if !self.take('|') && !self.take(':') {
            return None;
        }
        self.relation().filter(|node| matches!(node, Node::Chain(..)))
    }

    pub(super) fn aligned(&self) -> bool {
        self.tokens[..self.at].iter().rev().find_map(|token| match &token.kind {
            TokenKind::Begin(name) => Some(SYSTEMS.contains(&name.as_str()) && name != "cases"),
            _ => None,
        }) == Some(true)
    }

    /// Parses the rows of a system of equations or of a function by cases.
    pub(super) fn system(&mut self) -> Option<Node> {
        let Some(TokenKind::Begin(name)) = self.peek() else { return None };
        if !SYSTEMS.contains(&name.as_str()) {
            return None;
        }
        self.step();
        let mut rows: Vec<(Node, Option<Node>)> = Vec::new();
        loop {
            match self.peek()? {
                TokenKind::End => break,
                TokenKind::Row => {
                    self.step();
                    continue;
                }
                _ => {}
            }
            self.skip_align();
            rows.push(self.deeper(Self::row)?);
            match self.peek()? {
                TokenKind::Row | TokenKind::End => {}
                _ => return None,
            }
        }
        self.step();
        let conditions = rows.iter().any(|(_, condition)| condition.is_some());
        match rows.len() {
            0 => None,
            _ if conditions => Some(Node::Cases(rows)),
            1 => rows.pop().map(|(row, _)| row),
            _ => Some(Node::Many(rows.into_iter().map(|(row, _)| row).collect(), AnswerJoint::And)),
        }
    }

    /// Parses a row: a value, and its condition behind a comma, an `&` or "if".
    fn row(&mut self) -> Option<(Node, Option<Node>)> {
        // `x &= 1`: the alignment mark stands before the relation.
        let value = self.joined_row()?;
        let comma = matches!(self.peek(), Some(TokenKind::Comma));
        if comma {
            self.step();
        }
        if matches!(self.peek(), Some(TokenKind::Row | TokenKind::End)) {
            return Some((value, None));
        }
        let split = comma | self.take('&');
        let mut said = split;
        while let Some(word) = self.word(self.at) {
            if !matches!(word.as_str(), "if" | "when" | "for" | "where" | "otherwise" | "else") {
                break;
            }
            self.step();
            said = true;
            if matches!(word.as_str(), "otherwise" | "else") {
                return Some((value, Some(Node::Text("otherwise".into()))));
            }
        }
        if !said {
            return None;
        }
        let condition = self.answers()?;
        Some((value, Some(condition)))
    }

    fn joined_row(&mut self) -> Option<Node> {
        let first = self.relation()?;
        if self.sign() == Some('&') && self.aligned() {
            self.step();
            let Some(TokenKind::Rel(rel)) = self.peek() else { return None };
            let rel = *rel;
            self.step();
            let Node::Chain(..) = first else {
                let right = self.relation()?;
                return Some(Node::Chain(Box::new(first), vec![(rel, right)]));
            };
            return None;
        }
        Some(first)
    }

    /// Parses a tuple, an interval, a set, words, or an expression with its unit.
    pub(super) fn node(&mut self) -> Option<Node> {
        if let Some(TokenKind::Begin(_)) = self.peek() {
            let begin = self.at;
            if let Some(node) = self.deeper(Self::system) {
                return Some(node);
            }
            self.at = begin;
        }
        if let Some(TokenKind::Date(year, month, day)) = self.peek() {
            let date = Node::Date(*year, *month, *day);
            self.step();
            return Some(date);
        }
        if let Some(node) = self.text() {
            return Some(node);
        }
        let begin = self.at;
        if let Some(node) = self.deeper(Self::bracketed) {
            self.remark()?;
            return Some(node);
        }
        self.at = begin;
        self.quantity()
    }

    /// Skips words behind brackets that say what the brackets hold: "(3, 4) metres". Returns `None` if a word changes the meaning.
    fn remark(&mut self) -> Option<()> {
        while let Some(word) = self.word(self.at) {
            if crate::words::changes(&word) {
                return None;
            }
            self.step();
        }
        Some(())
    }

    /// Parses an answer in words. Words before a number are skipped only if they leave it unchanged.
    fn text(&mut self) -> Option<Node> {
        let begin = self.at;
        let negative = matches!(self.word(begin).as_deref(), Some("negative" | "minus"));
        if negative
            && self.mode == crate::lex::TextMode::Prose
            && matches!(self.kind(begin + 1), Some(TokenKind::Num(_) | TokenKind::Func(_) | TokenKind::Part(..)))
        {
            return None;
        }
        let mut said = String::new();
        let mut passing = true;
        let mut first = true;
        while let Some(token) = self.token() {
            let word = match &token.kind {
                TokenKind::Word(word) => word.clone(),
                // A single letter inside of a sentence.
                TokenKind::Name(name) if !first => name.clone(),
                _ => break,
            };
            passing &= crate::words::leaves(&word.to_lowercase());
            said.push_str(&word);
            said.push(' ');
            first = false;
            self.step();
        }
        if first {
            return None;
        }
        if self.at_end() {
            return Some(Node::Text(crate::words::plain(&said)));
        }
        if !passing {
            self.at = begin;
        }
        None
    }

    /// Parses a number or a term with its unit, or several that are added.
    fn quantity(&mut self) -> Option<Node> {
        self.money = None;
        let value = self.sum()?;
        let value = self.and_a_half(value);
        let unit = self.unit()?;
        let (value, unit) = match (value, unit) {
            (Expr::Call(name, mut args), None) if name == "deg" => (args.pop()?, Some(crate::units::Unit::named("degree"))),
            other => other,
        };
        match unit {
            Some(unit) => self.compound(value, unit),
            None => Some(Node::Quantity(value, None)),
        }
    }
}

fn turned(bracket: char) -> char {
    match bracket {
        ']' => '(',
        '[' => ')',
        other => other,
    }
}
