//! A comparison and its rendered messages -> whether the messages hold both responses. A template may hide one under a condition.

use std::{collections::HashSet, sync::Arc};

use super::{Format, FormatError, FormatFile};
use crate::{
    chat::{Message, Role},
    comparison::{Comparison, Prompt},
};

/// Most characters of a text that may stand in a prompt by chance.
const SHORT: usize = 40;

/// The first of the characters that no text holds, in place of the letters and digits of the first and of the second response. Each letter gets one
/// of its own, so that a part that is shown twice does not pass for the whole.
const STAND_INS: [u32; 2] = [0xf_0000, 0x10_0000];

/// How many there are for each response; in a longer text they begin again.
const MOST: usize = 65_000;

const VARIABLES: [&str; 2] = ["response_1", "response_2"];

impl Format {
    /// Checks that the rendered `messages` hold both responses of this comparison, unless the format [compares](super::FormatFile::compares) none.
    ///
    /// # Errors
    /// [`FormatError::Hidden`] names the variable of the response that is not shown, or not wholly.
    pub(super) fn check_shown(&self, shown: &Comparison, messages: &[Message]) -> Result<(), FormatError> {
        if self.always_shows || !self.file.compares {
            return Ok(());
        }
        let texts = [&shown.first, &shown.second].map(|text| text.trim());
        let holds = |text: &str| messages.iter().any(|message| message.content.contains(text));
        // A short text, or one that is also elsewhere, may be held by chance.
        let elsewhere = |text: &str, other: &str| {
            text.chars().nth(SHORT).is_none()
                || other.contains(text)
                || shown.prompt.messages.iter().any(|message| message.content.contains(text))
        };
        let certain = |text: &str, other: &str| text.is_empty() || holds(text) && !elsewhere(text, other);
        let [first, second] = texts;
        if certain(first, second) && certain(second, first) {
            return Ok(());
        }
        // Templates may change a text, as `tojson` does; then its letters are looked for in a text that stands for it.
        let mut shown = shown.clone();
        shown.first = stand_in(&shown.first, STAND_INS[0]).into();
        shown.second = stand_in(&shown.second, STAND_INS[1]).into();
        let rendered = self.rendered(&shown)?;
        for (place, text) in [&shown.first, &shown.second].into_iter().enumerate() {
            let of_text = |c: &char| (STAND_INS[place]..STAND_INS[place] + MOST as u32).contains(&u32::from(*c));
            let letters = text.chars().filter(of_text).collect::<HashSet<char>>();
            let all = || rendered.iter().flat_map(|message| message.content.chars()).filter(of_text);
            let (found, times) = (all().collect::<HashSet<char>>().len(), all().count());
            if found < letters.len() || times < text.chars().filter(of_text).count() {
                return Err(FormatError::Hidden {
                    name: self.file.name.clone(),
                    variable: VARIABLES[place],
                    part: if found == 0 { "all" } else { "a part" },
                });
            }
        }
        // A condition on the words of a text may hide the text and not what stands for it.
        let standing = [shown.first.trim(), shown.second.trim()];
        let hidden = |place: &usize| {
            let as_it_stands = rendered.iter().any(|message| message.content.contains(standing[*place]));
            // `upper` changes no letter that stands for another.
            let lower = texts[*place].to_lowercase();
            as_it_stands && !messages.iter().any(|message| message.content.to_lowercase().contains(&lower))
        };
        match (0..2).find(hidden) {
            Some(place) => Err(FormatError::Hidden { name: self.file.name.clone(), variable: VARIABLES[place], part: "all" }),
            None => Ok(()),
        }
    }

    /// Checks that the messages show both responses of several kinds of rows: short and long responses, a rubric, a reference answer, many turns.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] names the kind of row and the response that is not shown.
    pub fn shows_all_kinds(&self) -> Result<(), FormatError> {
        self.shows_both()?;
        for (kind, comparison) in samples() {
            // A format may need a reference answer or a single turn; rows without it are errors when they are judged.
            if let Err(FormatError::Hidden { variable, part, .. }) = self.messages(&comparison) {
                let what = format!(
                    "of a row with {kind}, its messages do not show {part} of {{{{ {variable} }}}}; a judge has to see both responses \
                     (`compares = false` is for formats that ask for something else)"
                );
                return Err(FormatError::Invalid { name: self.file.name.clone(), what });
            }
        }
        Ok(())
    }
}

/// Returns whether the templates show both responses wholly in every row: each has its variable, without a filter, outside of all blocks. What is not
/// understood counts as not shown.
pub(super) fn always_shows(file: &FormatFile) -> bool {
    let plain: Option<Vec<Vec<usize>>> = file.messages.iter().map(|message| plain_variables(&message.content)).collect();
    plain.is_some_and(|plain| (0..VARIABLES.len()).all(|variable| plain.iter().any(|found| found.contains(&variable))))
}

/// Returns the indices in [`VARIABLES`] of the variables that a template writes without a filter and outside of all blocks; `None` if the template
/// holds anything that is not understood here.
fn plain_variables(template: &str) -> Option<Vec<usize>> {
    const OPENS: [&str; 8] = ["if", "for", "with", "filter", "autoescape", "call", "macro", "block"];
    let (mut found, mut depth, mut rest) = (Vec::new(), 0_usize, template);
    while let Some(at) = rest.find('{') {
        let (kind, behind) = (rest[at + 1..].chars().next(), rest.get(at + 2..).unwrap_or(""));
        let close = match kind {
            Some('{') => "}}",
            Some('%') => "%}",
            Some('#') => "#}",
            _ => {
                rest = &rest[at + 1..];
                continue;
            }
        };
        let (inside, after) = behind.split_once(close)?;
        rest = after;
        let words = inside.trim_matches(|c: char| c.is_whitespace() || c == '-' || c == '+');
        match kind {
            Some('#') => {}
            // A text in quotation marks may hold the end of a tag.
            _ if words.contains(['"', '\'']) => return None,
            Some('{') if depth == 0 => found.extend(VARIABLES.iter().position(|variable| *variable == words)),
            Some('{') => {}
            _ => match words.split_whitespace().next()? {
                word if OPENS.contains(&word) => depth += 1,
                "else" | "elif" => {}
                word if word.strip_prefix("end").is_some_and(|word| OPENS.contains(&word)) => depth = depth.checked_sub(1)?,
                _ => return None,
            },
        }
    }
    (depth == 0).then_some(found)
}

/// Returns a text with characters from `first` on for its letters and digits, or for its signs if there are none.
fn stand_in(text: &str, first: u32) -> String {
    let any = text.contains(char::is_alphanumeric);
    let taken = |c: char| if any { c.is_alphanumeric() } else { !c.is_whitespace() };
    let mut letters = (0..MOST as u32).cycle().filter_map(|n| char::from_u32(first + n));
    text.chars().map(|c| if taken(c) { letters.next().unwrap_or(c) } else { c }).collect()
}

/// Rows of several kinds, with their descriptions.
fn samples() -> Vec<(&'static str, Comparison)> {
    let long = "The second line holds words, and more of them follow on the lines after it.\n".repeat(400);
    let text = |what: &str, words: &str| Arc::<str>::from(format!("{what} {words}"));
    let prompt = |turns: &[(Role, &str)], rubric: bool, reference: bool| {
        let turns = turns.iter().map(|(role, content)| Message { role: *role, content: (*content).to_owned() });
        Arc::new(Prompt {
            messages: turns.collect(),
            rubric: rubric.then(|| "Prefer what is true.".to_owned()),
            reference: reference.then(|| "It is four.".to_owned()),
        })
    };
    let one = [(Role::User, "How many are two and two?")];
    let many = [
        (Role::System, "Be brief."),
        (Role::User, "Hello."),
        (Role::Assistant, "Hello, what is it?"),
        (Role::User, "How many are two and two?"),
    ];
    let short = [Arc::<str>::from("four"), Arc::<str>::from("5")];
    let longer = [text("alpha", &long), text("omega", &long)];
    let first = [text("alpha", &long), Arc::<str>::from("5")];
    let second = [Arc::<str>::from("four"), text("omega", &long)];
    let code = [Arc::<str>::from("```python\nprint(4)\n```"), Arc::<str>::from("I cannot help with that.")];
    let rows = [
        ("short responses", prompt(&one, false, false), &short),
        ("long responses", prompt(&one, false, false), &longer),
        ("a long first response", prompt(&one, false, false), &first),
        ("a long second response", prompt(&one, false, false), &second),
        ("code and a refusal", prompt(&one, false, false), &code),
        ("a rubric", prompt(&one, true, false), &short),
        ("a reference answer", prompt(&one, false, true), &short),
        ("a rubric and a reference answer", prompt(&one, true, true), &short),
        ("a prompt of many turns", prompt(&many, false, false), &short),
        ("a prompt of many turns, a rubric and a reference answer", prompt(&many, true, true), &longer),
    ];
    let comparison = |(kind, prompt, [first, second]): (&'static str, Arc<Prompt>, &[Arc<str>; 2])| {
        (kind, Comparison { prompt, first: first.clone(), second: second.clone(), label: None })
    };
    rows.into_iter().map(comparison).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_variable_outside_of_all_blocks_is_always_shown() {
        let both = Some(vec![0, 1]);
        for template in [
            "{{ response_1 }} {{response_2}}",
            "{% if rubric %}{{ rubric }}{% endif %}{{- response_1 -}}\n{{+ response_2 }}",
            "{# {{ x #}{{ response_1 }}{% if a %}b{% elif c %}d{% else %}e{% endif %} {a} { {{ response_2 }}",
        ] {
            assert_eq!(plain_variables(template), both, "{template}");
        }
        for template in [
            "{% if rubric %}{{ response_1 }}{% endif %}{{ response_2 }}",
            "{{ response_1 | trim }}{{ response_2 }}",
            "{{ response_1[:9] }}{{ response_2 }}",
            "{% set response_1 = rubric %}{{ response_1 }}{{ response_2 }}",
            "{% raw %}{{ response_1 }}{{ response_2 }}{% endraw %}",
            "{% for response_1 in [1] %}{{ response_1 }}{% endfor %}{{ response_2 }}",
            "{{ '{{ response_1 }}{{ response_2 }}' }}",
            "{# {{ response_1 }} #}{{ response_2 }}",
            "{% if a %}{% endif %}{% endif %}{{ response_1 }}{{ response_2 }}",
            "{{ response_1 }}{{ response_2 }}{% if a %}",
            "{{ response_1 }}{{ response_2",
        ] {
            assert_ne!(plain_variables(template), both, "{template}");
        }
    }

    #[test]
    fn the_shipped_formats_always_show_both_responses() {
        for (name, _) in crate::format::SHIPPED {
            let format = Format::shipped(name).unwrap();
            assert!(format.always_shows, "{name}");
        }
    }
}
