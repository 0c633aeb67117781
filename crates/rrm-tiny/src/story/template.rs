//! A sentence with gaps and their content -> the sentence; and back.

use super::families::{Measure, NAMES};

/// The content of the gaps of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filling {
    /// Indices among [`NAMES`].
    pub cast: Vec<usize>,
    /// The number of persons introduced after the first, including by this sentence.
    pub persons: usize,
    /// The counted unit.
    pub measure: Measure,
    /// The number `{a}`.
    pub a: u8,
    /// The number `{b}`.
    pub b: u8,
}

impl Filling {
    /// Returns the sentence.
    pub fn fill(&self, template: &str) -> String {
        let mut text = String::new();
        let mut rest = template;
        // In a sentence, `{next}` is the person whom it introduces and `{prev}` the one before. A question has no `{next}`, and its `{prev}` is the
        // last person.
        let brings = template.contains("{next}");
        while let Some((before, after)) = rest.split_once('{') {
            let (gap, after) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(before);
            text.push_str(&self.gap(gap, brings));
            rest = after;
        }
        text + rest
    }

    fn gap(&self, gap: &str, brings: bool) -> String {
        let name = |place: usize| NAMES[self.cast[place]].0;
        // The second person of the cast is outside of the comparisons.
        let person = |person: usize| name(if person == 0 { 0 } else { person + 1 });
        let he = NAMES[self.cast[0]].1;
        let word = match gap {
            "who" => name(0),
            "other" => name(1),
            "next" => person(self.persons),
            "prev" => person(self.persons - usize::from(brings)),
            "he" => {
                if he {
                    "he"
                } else {
                    "she"
                }
            }
            "him" => {
                if he {
                    "him"
                } else {
                    "her"
                }
            }
            "his" => {
                if he {
                    "his"
                } else {
                    "her"
                }
            }
            "item" => self.measure.unit,
            "rival" => self.measure.rival,
            "big" => self.measure.big,
            "a" => return self.a.to_string(),
            "b" => return self.b.to_string(),
            _ => unreachable!("a table has the gap {gap}"),
        };
        word.to_owned()
    }
}

/// Returns the gaps of a template in a text, each with its content; `None` if the text does not match the template.
pub fn gaps<'t>(template: &'static str, text: &'t str) -> Option<Vec<(&'static str, &'t str)>> {
    let (mut asked, mut said) = (template.split(' '), text.split(' '));
    let mut found = Vec::new();
    loop {
        match (asked.next(), said.next()) {
            (None, None) => return Some(found),
            (Some(word), Some(said)) => {
                let Some((before, rest)) = word.split_once('{') else {
                    if word == said {
                        continue;
                    }
                    return None;
                };
                let (gap, after) = rest.split_once('}')?;
                let filled = said.strip_prefix(before)?.strip_suffix(after)?;
                if filled.is_empty() || !filled.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                    return None;
                }
                found.push((gap, filled));
            }
            _ => return None,
        }
    }
}
