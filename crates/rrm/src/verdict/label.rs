//! The labels of an answer, with what is known of the words around them.

use std::{cell::OnceCell, ops::Range};

use super::{apart, clause::Clause};

/// A wrapped text of an answer with the label that it states.
pub(super) struct WrappedLabel<'a> {
    pub at: Range<usize>,
    pub text: &'a str,
    /// Index of the label in `VerdictPattern::all`; `None` if the text is no label.
    pub label: Option<usize>,
    /// Whether the words around it state it as the verdict. If not, it can only contradict a label that is stated.
    pub stated: bool,
    /// The clause before it, once it was read.
    clause: OnceCell<Clause>,
}

impl<'a> WrappedLabel<'a> {
    /// Makes a label whose surroundings have not been read.
    pub fn new(at: Range<usize>, text: &'a str, label: Option<usize>) -> Self {
        WrappedLabel { at, text, label, stated: true, clause: OnceCell::new() }
    }

    /// Returns the clause before the label; `answer` is the text in which it was found.
    pub fn clause(&self, answer: &str) -> &Clause {
        self.clause.get_or_init(|| Clause::before(&answer[..self.at.start]))
    }
}

/// Removes marked labels, and those that are listed with them: `LABEL, LABEL or LABEL`.
pub(super) fn drop_marked(answer: &str, found: &mut Vec<WrappedLabel<'_>>, marked: &[bool]) {
    let (mut place, mut end, mut last) = (0, 0, false);
    found.retain(|one| {
        let between = answer.get(end..one.at.start).unwrap_or("");
        let listed = place > 0 && between.len() < 16 && apart::is_joined(between);
        last = marked[place] || (last && listed);
        (place, end) = (place + 1, one.at.end);
        !last
    });
}
