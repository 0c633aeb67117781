//! The label columns of all rows -> which values they hold.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    columns::find,
    labels::{number, switch},
    messages::scalar,
};

/// Most different texts and numbers that are kept.
const KEPT: usize = 1000;

/// The values of the label columns, over all rows.
#[derive(Debug)]
pub(super) struct ColumnValues {
    /// Different numbers, up to a limit.
    pub(super) numbers: BTreeSet<i64>,
    pub(super) fractions: bool,
    /// Whether there are fractions from 0 to 1.
    pub(super) below_one: bool,
    pub(super) least: Option<f64>,
    pub(super) most: Option<f64>,
    /// Whether there are values `true` and `false`, as JSON or as text.
    pub(super) switches: bool,
    /// Different words, up to a limit.
    pub(super) words: BTreeSet<String>,
    /// Whether each row has a 1 (or true) in exactly one of the columns, and 0 in the others.
    pub(super) one_hot: bool,
    /// All columns of the first row.
    pub(super) present: Vec<String>,
}

impl ColumnValues {
    pub(super) fn new() -> Self {
        ColumnValues {
            numbers: BTreeSet::new(),
            fractions: false,
            below_one: false,
            least: None,
            most: None,
            switches: false,
            words: BTreeSet::new(),
            one_hot: true,
            present: Vec::new(),
        }
    }

    /// Adds the values of a row.
    pub(super) fn add(&mut self, row: &Map<String, Value>, paths: &[String]) {
        if self.present.is_empty() {
            self.present = row.keys().cloned().collect();
        }
        let values: Vec<&Value> = paths.iter().filter_map(|path| find(row, path)).collect();
        if values.iter().any(|value| !value.is_null()) {
            let on = values.iter().filter(|value| switch(value) == Some(true)).count();
            self.one_hot &= values.len() == paths.len() && on == 1 && values.iter().all(|value| switch(value).is_some());
        }
        for value in values {
            let Some(text) = scalar(value) else { continue };
            match number(&text) {
                Some(n) => {
                    self.least = Some(self.least.map_or(n, |least| least.min(n)));
                    self.most = Some(self.most.map_or(n, |most| most.max(n)));
                    self.fractions |= n.fract() != 0.0;
                    self.below_one |= n > 0.0 && n < 1.0;
                    if n.fract() == 0.0 && self.numbers.len() < KEPT {
                        self.numbers.insert(n as i64);
                    }
                }
                None if switch(value).is_some() => self.switches = true,
                None if self.words.len() < KEPT => {
                    self.words.insert(text.trim().to_owned());
                }
                None => {}
            }
        }
    }

    /// Returns whether all numbers are among these.
    pub(super) fn only(&self, wanted: &[i64]) -> bool {
        !self.fractions && self.numbers.iter().all(|n| wanted.contains(n))
    }

    /// Returns whether there is any value.
    pub(super) fn any(&self) -> bool {
        self.least.is_some() || self.switches || !self.words.is_empty()
    }

    /// Describes the numbers in words.
    pub(super) fn shown(&self) -> String {
        let (least, most) = (self.least.unwrap_or(0.0), self.most.unwrap_or(0.0));
        let words = if self.words.is_empty() { "" } else { ", and words" };
        let listed: Vec<String> = self.numbers.iter().map(i64::to_string).collect();
        if self.fractions || listed.len() > 8 {
            return format!("numbers from {least} to {most}{words}");
        }
        match listed.as_slice() {
            [one] => format!("{one} only{words}"),
            [some @ .., last] => format!("{} and {last} only{words}", some.join(", ")),
            [] => words.trim_start_matches(", and ").to_owned(),
        }
    }
}
