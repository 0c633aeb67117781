//! A text -> the story that it tells, or the reason why it is outside of the domain.

use rrm::{chat::Role, dataset::Item};

use super::{
    Line, Story,
    answer::{Answer, number},
    families::{FAMILIES, Family, LEADS, NAMES, Tells, Template},
    template::gaps,
};

/// The reason why a text is outside of the domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}, found {found:?}")]
pub struct StoryError {
    /// The expected part.
    what: &'static str,
    /// The part of the text found in its place.
    found: String,
}

fn outside(what: &'static str, found: &str) -> StoryError {
    StoryError { what, found: found.chars().take(60).collect() }
}

/// Most steps of a problem that a judge of word problems accepts: those of the longest problem in its training.
pub const MOST_JUDGED: usize = 5;

/// Checks that the judge may judge a row.
///
/// # Errors
/// [`StoryError`] names the first part of prompt or responses that is outside of the domain.
pub fn row(item: &Item) -> Result<(), StoryError> {
    let [message] = item.prompt.messages.as_slice() else {
        return Err(outside("the prompt must be a single turn of the user", &format!("{} messages", item.prompt.messages.len())));
    };
    if message.role != Role::User {
        return Err(outside("the prompt must be a single turn of the user", message.role.as_str()));
    }
    let asked = story(&message.content)?;
    let steps = asked.chain().len();
    if steps > MOST_JUDGED {
        return Err(outside("a problem must have at most 5 steps", &format!("{steps} steps")));
    }
    for response in &item.responses {
        let said = answer(&response.text)?;
        if said.values.len().abs_diff(steps) > 1 {
            let found = format!("{} steps for {steps}", said.values.len());
            return Err(outside("a response must have the steps of the problem, or one more or less", &found));
        }
        if ![asked.unit(), asked.rival()].contains(&said.unit.as_str()) {
            return Err(outside("a response must count what the problem asks for, or its counterpart", &said.unit));
        }
    }
    Ok(())
}

/// Parses a problem.
///
/// # Errors
/// [`StoryError`] names the first sentence that is outside of the domain.
pub fn story(text: &str) -> Result<Story, StoryError> {
    let sentences = sentences(text);
    if sentences.len() < 2 {
        return Err(outside("a problem must have some sentences and a question", text));
    }
    // Several families may share a sentence; the error is that of the family that matches furthest.
    let mut furthest = (0, outside("a problem must begin as those of a family do", text));
    for (index, family) in FAMILIES.iter().enumerate() {
        for measure in 0..family.measures.len() {
            for question_first in [false, true] {
                match read(index, measure, question_first, &sentences) {
                    Ok(story) if story.text() == text && story.values().is_some() => return Ok(story),
                    Ok(_) => {}
                    Err(at) if at + 1 > furthest.0 => {
                        furthest = (at + 1, outside("a sentence is none of its family's", sentences[at]));
                    }
                    Err(_) => {}
                }
            }
        }
    }
    Err(furthest.1)
}

/// Parses an answer to a story.
///
/// # Errors
/// [`StoryError`] if the text is not such an answer.
pub fn answer(text: &str) -> Result<Answer, StoryError> {
    let known = |answer: &Answer| {
        let mut measures = FAMILIES.iter().flat_map(|family| family.measures);
        measures.any(|measure| measure.unit == answer.unit)
    };
    match Answer::read(text) {
        Some((answer, _)) if known(&answer) => Ok(answer),
        _ => Err(outside("a response must state the number after each step, then the answer with its unit", text)),
    }
}

fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut from = 0;
    for (at, _) in text.match_indices(['.', '?']) {
        sentences.push(text[from..=at].trim_start_matches(' '));
        from = at + 1;
    }
    if from < text.len() {
        sentences.push(text[from..].trim_start_matches(' '));
    }
    sentences
}

/// Parses sentences with a family. The error is the index of the first sentence that does not belong to the family.
fn read(family: usize, measure: usize, question_first: bool, sentences: &[&str]) -> Result<Story, usize> {
    let Family { measures, lines, questions, .. } = &FAMILIES[family];
    let last = sentences.len() - 1;
    let (asked, told) = if question_first { (0, 1..sentences.len()) } else { (last, 0..last) };
    let mut cast = Cast { measure: &measures[measure], persons: 0, names: Vec::new() };
    let mut read = Vec::new();
    for (place, at) in told.enumerate() {
        let found = lines.iter().enumerate().find_map(|(template, line)| {
            let begins = matches!(line.tells, [Tells::Begin | Tells::BeginProduct(..)]);
            let (lead, said) = without_lead(sentences[at], line);
            let filled = gaps(line.text, &said).filter(|_| begins == (place == 0))?;
            cast.with(line.text, &filled).map(|(further, a, b)| (further, Line { template, lead, a, b }))
        });
        let (further, line) = found.ok_or(at)?;
        cast = further;
        read.push(line);
    }
    let question = questions.iter().enumerate().find_map(|(index, question)| {
        let filled = gaps(question.text, sentences[asked])?;
        cast.with(question.text, &filled).map(|(further, ..)| (index, further))
    });
    let (question, cast) = question.ok_or(asked)?;
    Ok(Story { family, measure, cast: cast.all(), lines: read, question, question_first })
}

/// Removes the lead of a sentence. Returns its index in [`LEADS`], and the sentence with its first letter as in the table.
fn without_lead(sentence: &str, template: &Template) -> (usize, String) {
    if template.leads() {
        let led = LEADS
            .iter()
            .enumerate()
            .skip(1)
            .find_map(|(index, lead)| Some((index, sentence.strip_prefix(lead)?.strip_prefix(' ')?)));
        if let Some((index, rest)) = led {
            return (index, rest.to_owned());
        }
    }
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) if template.text.starts_with("{he} ") => (0, first.to_lowercase().chain(letters).collect()),
        _ => (0, sentence.to_owned()),
    }
}

/// The persons named so far.
#[derive(Clone)]
struct Cast<'m> {
    measure: &'m super::families::Measure,
    persons: usize,
    /// Names by place in the cast; places without a name are free.
    names: Vec<Option<usize>>,
}

impl<'m> Cast<'m> {
    /// Returns the cast after a sentence with these gaps, and its numbers; `None` if it contradicts earlier sentences.
    fn with(&self, template: &str, filled: &[(&str, &str)]) -> Option<(Cast<'m>, u8, u8)> {
        let brings = template.contains("{next}");
        let mut cast = self.clone();
        cast.persons += usize::from(brings);
        let (mut a, mut b) = (0, 0);
        let place = |person: usize| if person == 0 { 0 } else { person + 1 };
        for (gap, said) in filled {
            match *gap {
                "who" => cast.name(0, said)?,
                "other" => cast.name(1, said)?,
                "next" => cast.name(place(cast.persons), said)?,
                "prev" => cast.name(place(cast.persons - usize::from(brings)), said)?,
                "item" => (*said == self.measure.unit).then_some(())?,
                "rival" => (*said == self.measure.rival).then_some(())?,
                "big" => (*said == self.measure.big).then_some(())?,
                "a" => a = number(said)?,
                "b" => b = number(said)?,
                // The person is checked when the story's text is rebuilt and compared.
                "he" => ["he", "she"].contains(said).then_some(())?,
                "him" => ["him", "her"].contains(said).then_some(())?,
                _ => {}
            }
        }
        Some((cast, a, b))
    }

    fn name(&mut self, place: usize, said: &str) -> Option<()> {
        let name = NAMES.iter().position(|(name, _)| *name == said)?;
        if self.names.len() <= place {
            self.names.resize(place + 1, None);
        }
        let known = self.names[place].get_or_insert(name);
        (*known == name).then_some(())
    }

    /// Returns a name for every place.
    fn all(self) -> Vec<usize> {
        let mut names = self.names;
        names.resize(names.len().max(2), None);
        let mut unused: Vec<usize> = (0..NAMES.len()).filter(|name| !names.contains(&Some(*name))).collect();
        names.into_iter().map(|name| name.or_else(|| unused.pop()).unwrap_or(0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_story_is_named() {
        let say = |text: &str| story(text).unwrap_err().to_string();
        assert_eq!(say("What is 2 + 2?"), "a problem must have some sentences and a question, found \"What is 2 + 2?\"");
        assert_eq!(
            say("Tom has 12 apples. He buys five more. How many apples does Tom have now?"),
            "a sentence is none of its family's, found \"He buys five more.\""
        );
        // Another unit than the counted one; an unknown name; a number that is too large; a pronoun of another person.
        for text in [
            "Tom has 12 apples. He buys 5 more. How many pears does Tom have now?",
            "Bob has 12 apples. He buys 5 more. How many apples does Bob have now?",
            "Tom has 120 apples. He buys 5 more. How many apples does Tom have now?",
            "Tom has 12 apples. She buys 5 more. How many apples does Tom have now?",
            "Tom has 90 apples. He buys 15 more. How many apples does Tom have now?",
        ] {
            assert!(story(text).is_err(), "{text}");
        }
        assert!(story("Tom has 12 apples. He buys 5 more. How many apples does Tom have now?").is_ok());
    }

    #[test]
    fn what_is_no_answer_is_named() {
        let say = |text: &str| answer(text).unwrap_err().to_string();
        let expected = "a response must state the number after each step, then the answer with its unit";
        assert_eq!(say("17"), format!("{expected}, found \"17\""));
        assert_eq!(say(""), format!("{expected}, found \"\""));
        // No step; another number at the end; steps out of order; an unknown unit; an extra word.
        for text in [
            "Answer: 17 apples.",
            "Step 1: it is 17. Answer: 18 apples.",
            "Step 2: it is 17. Answer: 17 apples.",
            "Step 1: it is 17. Answer: 17 plums.",
            "Step 1: it is 17. Answer: 17 apples. Bye.",
        ] {
            assert!(answer(text).is_err(), "{text}");
        }
        assert_eq!(answer("Let me think. First, it is 17. Answer: 17 apples. Easy.").unwrap().values, [17]);
    }
}
