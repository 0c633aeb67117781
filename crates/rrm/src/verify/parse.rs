//! Tokens -> what an answer is made of: expressions, tuples, sets, relations, or words.

mod term;

use super::{
    expr::Expr,
    lex::{Reading, Rel, Token, lex},
};

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// A number, a term, a matrix.
    Expr(Expr),
    /// Words.
    Text(String),
    /// Several answers, or a set: the order says nothing.
    Many(Vec<Node>),
    /// A tuple, or an interval with its two brackets.
    Tuple(char, Vec<Node>, char),
    /// Parts joined by `∪`, `∩` or `∖`.
    Joined(char, Vec<Node>),
    /// `a : b`, or longer.
    Ratio(Vec<Expr>),
    /// `a < b = c`.
    Chain(Box<Node>, Vec<(Rel, Node)>),
}

/// Brackets inside brackets that are followed; deeper answers are taken for words.
const DEEPEST: u32 = 48;

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
    bars: u32,
}

/// Reads an answer. `None` where it is no mathematics.
pub(super) fn parse(text: &str, reading: Reading) -> Option<Node> {
    let tokens = lex(text, reading);
    if !tokens.is_empty() && tokens.iter().all(|token| matches!(token, Token::Text(_))) {
        return None;
    }
    let mut parser = Parser { tokens, at: 0, depth: 0, bars: 0 };
    let node = parser.answers()?;
    (parser.at == parser.tokens.len()).then_some(node)
}

/// The name that an expression is, if it is one.
fn opens(sign: char) -> Option<&'static [char]> {
    match sign {
        '(' => Some(&[')', ']']),
        '[' => Some(&[']', ')']),
        '⟨' => Some(&['⟩']),
        _ => None,
    }
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn sign(&self) -> Option<char> {
        match self.peek() {
            Some(Token::Sign(sign)) => Some(*sign),
            _ => None,
        }
    }

    fn take(&mut self, sign: char) -> bool {
        let found = self.sign() == Some(sign);
        self.at += usize::from(found);
        found
    }

    fn skip_words(&mut self) -> bool {
        let begin = self.at;
        while matches!(self.peek(), Some(Token::Text(_))) {
            self.at += 1;
        }
        begin != self.at
    }

    /// Goes one bracket deeper.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.depth += 1;
        let found = if self.depth > DEEPEST { None } else { read(self) };
        self.depth -= 1;
        found
    }

    /// Answers separated by commas; groups of them separated by semicolons, which are tuples if all are equally long.
    fn answers(&mut self) -> Option<Node> {
        let mut groups: Vec<Vec<Node>> = vec![Vec::new()];
        loop {
            match self.peek() {
                Some(Token::Comma) => self.at += 1,
                Some(Token::Semicolon) => {
                    self.at += 1;
                    groups.push(Vec::new());
                }
                None | Some(Token::Sign(')' | ']' | '⟩' | '}')) => break,
                Some(_) => {
                    let relation = self.relation()?;
                    groups.last_mut()?.push(relation);
                }
            }
        }
        groups.retain(|group| !group.is_empty());
        let length = groups.first()?.len();
        let tuples = groups.len() > 1 && length > 1 && groups.iter().all(|group| group.len() == length);
        let mut all: Vec<Node> = if tuples {
            groups.into_iter().map(|group| Node::Tuple('(', group, ')')).collect()
        } else {
            groups.into_iter().flatten().collect()
        };
        if all.len() == 1 { all.pop() } else { Some(Node::Many(all)) }
    }

    fn relation(&mut self) -> Option<Node> {
        let mut rest = Vec::new();
        let first = self.joined()?;
        while let Some(Token::Rel(rel)) = self.peek() {
            let rel = *rel;
            self.at += 1;
            rest.push((rel, self.joined()?));
        }
        // Whatever lies in a set: the set is the answer.
        if let [(Rel::In, set)] = rest.as_slice() {
            return Some(set.clone());
        }
        Some(if rest.is_empty() { first } else { Node::Chain(Box::new(first), rest) })
    }

    fn joined(&mut self) -> Option<Node> {
        let first = self.ratio()?;
        let Some(sign @ ('∪' | '∩' | '∖')) = self.sign() else { return Some(first) };
        let mut parts = vec![first];
        while self.take(sign) {
            parts.push(self.ratio()?);
        }
        Some(Node::Joined(sign, parts))
    }

    fn ratio(&mut self) -> Option<Node> {
        let first = self.node()?;
        if self.sign() != Some(':') {
            return Some(first);
        }
        let Node::Expr(first) = first else { return None };
        let mut parts = vec![first];
        while self.take(':') {
            parts.push(self.sum()?);
        }
        Some(Node::Ratio(parts))
    }

    /// A tuple, an interval, a set, words, or else an expression.
    fn node(&mut self) -> Option<Node> {
        let words = self.at;
        if self.skip_words()
            && matches!(self.peek(), None | Some(Token::Comma | Token::Semicolon | Token::Rel(_) | Token::Sign('=' | ')' | '⟩')))
        {
            let said = self.tokens[words..self.at].iter().map(|token| match token {
                Token::Text(text) => text.as_str(),
                _ => "",
            });
            return Some(Node::Text(said.collect::<Vec<_>>().join(" ")));
        }
        let begin = self.at;
        if let Some(node) = self.deeper(Self::bracketed) {
            self.skip_words();
            return Some(node);
        }
        self.at = begin;
        Some(Node::Expr(self.sum()?))
    }

    /// Brackets around several things, or around none, or that differ; one thing in equal brackets is an expression.
    fn bracketed(&mut self) -> Option<Node> {
        let open = self.sign()?;
        let set = open == '⟨' || open == '{';
        let closing = opens(open).unwrap_or(&['}']);
        self.at += 1;
        let begin = self.at;
        let inside = self.answers();
        let close = self.sign().filter(|sign| closing.contains(sign));
        let (Some(close), true) = (close, inside.is_some() || self.at == begin) else { return None };
        self.at += 1;
        // Something goes on with it: `(1, 2) + (3, 4)` or `(x)(y)`.
        let ends = matches!(self.peek(), None | Some(Token::Comma | Token::Semicolon | Token::Rel(_) | Token::Text(_)));
        let ends = ends || matches!(self.sign(), Some(')' | ']' | '⟩' | '}' | '∪' | '∩' | '∖' | '%'));
        match inside {
            _ if !ends => None,
            Some(Node::Many(all)) if set => Some(Node::Many(all)),
            Some(one) if open == '⟨' => Some(Node::Many(vec![one])),
            None if open == '⟨' => Some(Node::Many(Vec::new())),
            Some(Node::Many(all)) if open != '{' => Some(Node::Tuple(open, all, close)),
            // Brackets around tuples, sets or relations change nothing.
            Some(
                one @ (Node::Tuple(..) | Node::Many(_) | Node::Joined(..) | Node::Chain(..) | Node::Text(_) | Node::Ratio(_)),
            ) => Some(one),
            _ => None,
        }
    }
}
