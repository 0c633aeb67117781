//! Who wrote the responses, and who judges -> how much a judge favours what its own family wrote, beyond what labels say.

use serde::{Deserialize, Serialize};

use super::paired::mean_by_row;
use crate::{eval::CaseRow, rating::Score, verdict::Verdict, vote::Decision};

/// How a judge decides where one of the two responses is its own family's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnFamily {
    /// The family: the letters that the judge's name begins with, in lower case.
    pub family: String,
    /// Pairs of which exactly one response is the family's, decided and labelled for one of the two.
    pub cases: u64,
    /// Share of first decisions for the family's response.
    pub won: f64,
    /// Share of labels for it.
    pub deserved: f64,
    /// The first minus the second; the 95% interval takes rows as independent.
    pub excess: Score,
}

/// What is gathered case by case.
#[derive(Default)]
pub(super) struct Gathering {
    family: String,
    won: f64,
    deserved: f64,
    differences: Vec<(u64, f64)>,
}

impl Gathering {
    pub(super) fn new(judge: &str) -> Self {
        Gathering { family: family(judge), ..Gathering::default() }
    }

    pub(super) fn add(&mut self, row: &CaseRow, key: u64) {
        let Some((first, second)) = &row.writers else { return };
        let own = |writer: &str| !self.family.is_empty() && family(writer) == self.family;
        let side = match (own(first), own(second)) {
            (true, false) => Verdict::First,
            (false, true) => Verdict::Second,
            _ => return,
        };
        let decision = row.decisions.first().filter(|decision| matches!(decision, Decision::First | Decision::Second));
        let (Some(decision), true) = (decision, row.label != Verdict::Tie) else { return };
        let one = |holds: bool| f64::from(u8::from(holds));
        let (won, deserved) = (one(*decision == side.into()), one(row.label == side));
        self.won += won;
        self.deserved += deserved;
        self.differences.push((key, won - deserved));
    }

    /// `None` where no pair has exactly one response of the family: then the question does not apply.
    pub(super) fn done(self) -> Option<OwnFamily> {
        let cases = self.differences.len();
        let excess = mean_by_row(self.differences)?;
        let share = |sum: f64| sum / cases as f64;
        let (won, deserved) = (share(self.won), share(self.deserved));
        Some(OwnFamily { family: self.family, cases: cases as u64, won, deserved, excess })
    }
}

/// `Qwen2.5-7B` of `org/Qwen2.5-7B at http://...` is of the family `qwen`, `gpt-4o` of `gpt`.
fn family(name: &str) -> String {
    let name = name.split(" at ").next().unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default();
    name.chars().take_while(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(writers: Option<(&str, &str)>, label: Verdict, decision: Decision) -> CaseRow {
        CaseRow {
            rrm: 1,
            id: "r".to_owned(),
            pair: (0, 1),
            subset: String::new(),
            label,
            decisions: vec![decision],
            official: 0.0,
            strict: None,
            bytes: (1, 1),
            writers: writers.map(|(a, b)| (a.to_owned(), b.to_owned())),
            error: None,
            matches: Vec::new(),
        }
    }

    #[test]
    fn families_are_the_letters_a_name_begins_with() {
        assert_eq!(["org/Qwen2.5-7B at http://h", "gpt-4o", "GPT4", "7B"].map(family), ["qwen", "gpt", "gpt", ""]);
    }

    #[test]
    fn what_is_won_beyond_the_labels_is_the_excess() {
        let mut own = Gathering::new("org/qwen-7b at http://h:1");
        own.add(&case(Some(("Qwen2-72B", "gpt-4")), Verdict::First, Decision::First), 1);
        own.add(&case(Some(("gpt-4", "Qwen2-72B")), Verdict::First, Decision::Second), 2);
        // Both, neither, undecided and unknown say nothing.
        own.add(&case(Some(("Qwen2-72B", "qwen-1")), Verdict::First, Decision::First), 3);
        own.add(&case(Some(("gpt-4", "claude")), Verdict::First, Decision::First), 4);
        own.add(&case(Some(("gpt-4", "Qwen2-72B")), Verdict::First, Decision::Undecided), 5);
        own.add(&case(None, Verdict::First, Decision::First), 6);
        let own = own.done().unwrap();
        assert_eq!((own.cases, own.won, own.deserved, own.excess.value), (2, 1.0, 0.5, 0.5));
        assert_eq!(Gathering::new("qwen").done(), None);
    }
}
