//! What is wrong with one row, in sentences that name the field and say what belongs there.

use serde_json::Value;

use super::mend::no_number;

/// What is wrong with one row.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowProblem {
    /// The bytes are no text.
    #[error("not UTF-8 at {place}")]
    NotUtf8 {
        /// The first bad byte, from 1: `byte N of the line`, or of the file where rows have no line of their own.
        place: String,
    },
    /// The text is no JSON.
    #[error("broken JSON at {place}: {detail}")]
    BrokenJson {
        /// `column C`, or `line L column C` of the file where rows have no line of their own. Columns count bytes from 1.
        place: String,
        /// What was expected there.
        detail: String,
    },
    /// A text that holds half of a character.
    #[error("a text of this row or a later one holds half of a character, a lone \\ud800 to \\udfff")]
    Half,
    /// A line of a table that is no row of it.
    #[error("the row does not fit the table: {detail}")]
    Cells {
        /// How it does not.
        detail: String,
    },
    /// JSON, but no row.
    #[error("a row must be an object that maps column names to values; found {found}")]
    NotAnObject {
        /// What it is.
        found: String,
    },
    /// A column is missing.
    #[error("no column {wanted}{}; {holder} has: {present}", nearest_words(nearest.as_deref()))]
    NoColumn {
        /// The column in backquotes, and what it is for where its name does not say so.
        wanted: String,
        /// The column with the most similar name, if there is a similar one.
        nearest: Option<String>,
        /// What lacks it: `the row`, or a place in it in backquotes.
        holder: String,
        /// The names that are there.
        present: String,
    },
    /// A value is of the wrong type.
    #[error("`{place}` must be {expected}; found {found}")]
    WrongType {
        /// Where, such as `responses[2].correct`; positions count from 0.
        place: String,
        /// What belongs there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// Too few or too many responses.
    #[error("{} {needed} responses are needed; found {found}", if *exactly { "exactly" } else { "at least" })]
    Count {
        /// Whether more would be wrong too.
        exactly: bool,
        /// How many are needed.
        needed: usize,
        /// How many there are.
        found: usize,
    },
    /// A prompt without any text.
    #[error("`{place}` is empty: there is nothing that the responses could answer")]
    EmptyPrompt {
        /// The column.
        place: String,
    },
    /// A message of somebody unknown.
    #[error("`{place}` has the role `{role}`; known are {known}")]
    Role {
        /// Where.
        place: String,
        /// Who speaks.
        role: String,
        /// The names that are read.
        known: String,
    },
    /// A message that holds something else than text.
    #[error("`{place}` is a part of type `{kind}`; only text can be judged")]
    Part {
        /// Where.
        place: String,
        /// The part's type.
        kind: String,
    },
    /// A column that holds a picture, a film or a sound.
    #[error("`{place}` holds a picture, a film or a sound; only text can be judged")]
    Picture {
        /// The column.
        place: String,
    },
    /// A tag that stands for a picture, a film or a sound.
    #[error("a text holds the tag `{tag}`{}; only text can be judged", beside(place.as_deref()))]
    Tag {
        /// The tag.
        tag: String,
        /// The column that holds what it stands for, if there is one.
        place: Option<String>,
    },
    /// A response that does not end with the assistant speaking.
    #[error("`{place}` ends with a turn of the {role}; a response ends with a turn of the assistant")]
    LastTurn {
        /// Where.
        place: String,
        /// Who speaks last.
        role: &'static str,
    },
    /// Conversations that share nothing that both could answer.
    #[error("`{a}` and `{b}` differ from turn {turn} on and share no prompt before it, so that they answer nothing together")]
    Parting {
        /// One conversation.
        a: String,
        /// The other.
        b: String,
        /// The first turn that differs, from 1.
        turn: usize,
    },
    /// Conversations that part before their last turn, where each response must be one turn.
    #[error(
        "`{a}` and `{b}` differ before their last turn (at turn {turn}); \
         what is written for trainers holds one turn for each response"
    )]
    Parted {
        /// One conversation.
        a: String,
        /// The other.
        b: String,
        /// The first turn that differs, from 1.
        turn: usize,
    },
    /// A conversation that another one of the row goes on from.
    #[error("`{a}` is the beginning of `{b}`: after what they share nothing is left of it to be judged")]
    Beginning {
        /// The shorter conversation.
        a: String,
        /// The longer one.
        b: String,
    },
    /// A whole conversation beside a prompt that is not its beginning.
    #[error(
        "`{place}` is {what}, but not one that begins with the prompt of this row: \
         it begins with {found}, the prompt with {prompt}{}",
        as_text(what)
    )]
    OtherPrompt {
        /// Where.
        place: String,
        /// What it was read as, with an article.
        what: &'static str,
        /// How it begins.
        found: String,
        /// How the prompt does.
        prompt: String,
    },
    /// A prompt that ends with a response.
    #[error("`{place}` ends with what `{response}` says: the prompt ends with the turn that the responses answer")]
    Answered {
        /// The prompt's column.
        place: String,
        /// The response.
        response: String,
    },
    /// A whole conversation with turns of the user behind the prompt.
    #[error(
        "`{place}` is a whole conversation in which the user goes on behind the prompt; the turns before its last one belong to the prompt"
    )]
    GoesOn {
        /// Where.
        place: String,
    },
    /// A text that holds a conversation beside one that does not.
    #[error("`{place}` is {what} and `{other}` is not; write both as conversations or both as plain text{}", as_text(what))]
    Mixed {
        /// Where.
        place: String,
        /// What it was read as, with an article.
        what: &'static str,
        /// The response that is a plain text.
        other: String,
    },
    /// Two keys or columns for one thing that say two.
    #[error("{one} and {other} say two things: {}, {}; keep the one that is meant{hint}", found[0], found[1])]
    Contradiction {
        /// One place in backquotes.
        one: String,
        /// The other.
        other: String,
        /// How both begin.
        found: Box<[String; 2]>,
        /// What to write.
        hint: &'static str,
    },
    /// A pair whose sides name the responses.
    #[error(
        "`{place}` is `{found}`, which names a response and is none; \
         --column responses={columns} --column label={place} reads the responses and which is better"
    )]
    Named {
        /// The column of the better one.
        place: String,
        /// What it holds.
        found: String,
        /// The columns of the responses.
        columns: String,
    },
    /// A label where the columns say already which response is better.
    #[error(
        "`{chosen}` and `{rejected}` say which response is better, and `{label}` is named to say so too; leave --column label=… out, or \
         read both as responses of which it says the better one: --column responses={chosen},{rejected}"
    )]
    PairAndLabel {
        /// The column of the better one.
        chosen: String,
        /// The column of the other.
        rejected: String,
        /// The columns of labels.
        label: String,
    },
    /// Python's text of messages that is not to be read.
    #[error(
        "`{place}` begins and ends as Python's text of messages does and cannot be read as such; write it as JSON (json.dumps)"
    )]
    Python {
        /// Where.
        place: String,
    },
    /// A prompt that is a JSON list of turns, and a response that is not a list of as many.
    #[error("`{place}` is a JSON list of texts, the turns of a chat (here {count}), and `{other}` is {found}")]
    Lists {
        /// The prompt's column.
        place: String,
        /// Its turns.
        count: usize,
        /// The response.
        other: String,
        /// What it is instead.
        found: String,
    },
    /// A user who says nothing.
    #[error("the last turn of the user in `{place}` is empty: there is nothing that the responses could answer")]
    EmptyTurn {
        /// The column.
        place: String,
    },
    /// A label for two where there are not two.
    #[error("a label says which of two responses is better; this row has {found}")]
    LabelCount {
        /// How many responses there are.
        found: usize,
    },
    /// A value that is no label.
    #[error("`{place}` must be {expected}; found {found}")]
    Label {
        /// The column.
        place: String,
        /// What belongs there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A label that means two things.
    #[error("`{place}` is {found}, which means {both}")]
    TwoLabels {
        /// The column.
        place: String,
        /// What is there.
        found: String,
        /// What it means.
        both: String,
    },
    /// Columns for outcomes of which not exactly one is the row's.
    #[error("exactly one of `{places}` must be 1; {found} are")]
    OneHot {
        /// The columns.
        places: String,
        /// How many are.
        found: usize,
    },
    /// The id of an earlier row, where bad rows are left out.
    #[error("the id `{id}` was already used")]
    UsedId {
        /// The id.
        id: String,
    },
    /// The id of an earlier row.
    #[error("the id `{id}` was already used in row {first}")]
    DoubledId {
        /// The id.
        id: String,
        /// The earlier row, from 1.
        first: usize,
    },
}

fn beside(place: Option<&str>) -> String {
    place.map_or_else(|| ", where a picture is shown".to_owned(), |place| format!(" for what is in `{place}`"))
}

/// How to say that a text which was read as a conversation is none.
fn as_text(what: &str) -> &'static str {
    match what {
        WHOLE => "",
        _ => "; a text that is to be judged as it stands is written as a list with one message of the assistant",
    }
}

/// What turns are that were written as turns.
pub(super) const WHOLE: &str = "a whole conversation";

fn nearest_words(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; nearest: `{name}`"))
}

/// The error for a value at `place` that is not what is `expected` there.
pub fn wrong_type(place: &str, expected: &'static str, found: &Value) -> RowProblem {
    RowProblem::WrongType { place: place.to_owned(), expected, found: describe(found) }
}

/// A value in a few words, for messages.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("a boolean ({value})"),
        Value::Number(number) => format!("a number ({number})"),
        other if no_number(other).is_some() => {
            format!("{}, which is no number of JSON", no_number(other).unwrap_or_default())
        }
        Value::String(text) if text.chars().count() > 40 => {
            format!("the text `{}…`", text.chars().take(40).collect::<String>())
        }
        Value::String(text) => format!("the text `{text}`"),
        Value::Array(list) if list.is_empty() => "an empty list".to_owned(),
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(columns) if columns.is_empty() => "an empty object".to_owned(),
        Value::Object(columns) => format!("an object with the keys {}", names(columns.keys())),
    }
}

/// Names for a message: all of a few, the first ones of many.
pub(super) fn names<'a>(mut names: impl ExactSizeIterator<Item = &'a String>) -> String {
    let count = names.len();
    let shown: Vec<&str> = names.by_ref().take(20).map(String::as_str).collect();
    let more = if count > shown.len() { format!(" and {} more", count - shown.len()) } else { String::new() };
    if shown.is_empty() { "nothing".to_owned() } else { format!("{}{more}", shown.join(", ")) }
}
