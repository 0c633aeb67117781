//! A comparison and its rendered messages -> whether the messages hold both responses. A template may hide one under a condition.

use std::sync::Arc;

use super::{Format, FormatError};
use crate::{
    chat::{Message, Role},
    comparison::{Comparison, Prompt},
};

/// Most characters of a text that may stand in a prompt by chance.
const SHORT: usize = 40;

/// Characters that no text holds, in place of the letters and digits of the first and of the second response.
const STAND_INS: [char; 2] = ['\u{e5a1}', '\u{e5a2}'];

const VARIABLES: [&str; 2] = ["response_1", "response_2"];

impl Format {
    /// Checks that the rendered `messages` hold both responses of this comparison, unless the format [compares](super::FormatFile::compares) none.
    ///
    /// # Errors
    /// [`FormatError::Hidden`] names the variable of the response that is not shown, or not wholly.
    pub(super) fn check_shown(&self, shown: &Comparison, messages: &[Message]) -> Result<(), FormatError> {
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
        if !self.file.compares || certain(first, second) && certain(second, first) {
            return Ok(());
        }
        // Templates may change a text, as `tojson` does; then its letters are counted in a text that stands for it.
        let mut shown = shown.clone();
        shown.first = stand_in(&shown.first, STAND_INS[0]).into();
        shown.second = stand_in(&shown.second, STAND_INS[1]).into();
        let rendered = self.rendered(&shown)?;
        let count = |text: &str, letter: char| text.chars().filter(|c| *c == letter).count();
        for (place, text) in [&shown.first, &shown.second].into_iter().enumerate() {
            let letter = STAND_INS[place];
            let found: usize = rendered.iter().map(|message| count(&message.content, letter)).sum();
            if found < count(text, letter) {
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

/// Returns a text with `letter` for each letter and digit, or for each sign if there are none.
fn stand_in(text: &str, letter: char) -> String {
    let any = text.contains(char::is_alphanumeric);
    let taken = |c: char| if any { c.is_alphanumeric() } else { !c.is_whitespace() };
    text.chars().map(|c| if taken(c) { letter } else { c }).collect()
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
