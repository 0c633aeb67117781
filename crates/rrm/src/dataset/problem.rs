//! Errors of one row, as sentences that name the field and the value that belongs there.

use serde_json::Value;

use super::mend::no_number;

/// The error of one row.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowProblem {
    /// The bytes are not UTF-8.
    #[error("not UTF-8 at {place}")]
    NotUtf8 {
        /// The first invalid byte, from 1: `byte N of the line`, or of the file if rows have no line of their own.
        place: String,
    },
    /// The text is not valid JSON, or an object in it has a name twice.
    #[error("broken JSON at {place}: {detail}")]
    BrokenJson {
        /// `column C`, or `line L column C` of the file if rows have no line of their own. Columns count bytes from 1.
        place: String,
        /// Description of the error.
        detail: String,
    },
    /// A text holds a lone surrogate.
    #[error("a text of this row or a later one holds half of a character, a lone \\ud800 to \\udfff")]
    Half,
    /// A line of a table is no row of it.
    #[error("the row does not fit the table: {detail}")]
    Cells {
        /// Description of the mismatch.
        detail: String,
    },
    /// The value is JSON, but no object.
    #[error("a row must be an object that maps column names to values; found {found}")]
    NotAnObject {
        /// Description of the value.
        found: String,
    },
    /// A column is missing.
    #[error("no column {wanted}{}; {holder} has: {present}", nearest_words(nearest.as_deref()))]
    NoColumn {
        /// The column in backquotes, and its purpose if its name does not tell it.
        wanted: String,
        /// The column with the most similar name, if there is a similar one.
        nearest: Option<String>,
        /// Holder of the columns: `the row`, or a place in it in backquotes.
        holder: String,
        /// The names of its columns.
        present: String,
    },
    /// A value is of the wrong type.
    #[error("`{place}` must be {expected}; found {found}")]
    WrongType {
        /// Place of the value, such as `responses[2].correct`; positions count from 0.
        place: String,
        /// Description of the values that are allowed.
        expected: &'static str,
        /// Description of the value.
        found: String,
    },
    /// There are too few or too many responses.
    #[error("{} {needed} responses are needed; found {found}", if *exactly { "exactly" } else { "at least" })]
    Count {
        /// Whether more responses would be wrong too.
        exactly: bool,
        /// Number of responses that are needed.
        needed: usize,
        /// Number of responses in the row.
        found: usize,
    },
    /// The prompt has no text.
    #[error("`{place}` is empty: there is nothing that the responses could answer")]
    EmptyPrompt {
        /// The column.
        place: String,
    },
    /// The role of a message is not known.
    #[error("`{place}` has the role `{role}`; known are {known}")]
    Role {
        /// Place of the message.
        place: String,
        /// Name of the role.
        role: String,
        /// The names of roles that are known.
        known: String,
    },
    /// A message holds something other than text.
    #[error("`{place}` is a part of type `{kind}`; only text can be judged")]
    Part {
        /// Place of the part.
        place: String,
        /// The part's type.
        kind: String,
    },
    /// A column or a key of a response holds a picture, a film, a sound or an attached file.
    #[error(
        "`{place}` holds a picture, a film, a sound or another file; only text can be judged (if the texts can be judged without it, \
         leave `{place}` out of the file)"
    )]
    Picture {
        /// The column.
        place: String,
    },
    /// A text holds a tag that stands for a picture, a film or a sound.
    #[error("a text holds the tag `{tag}`{}; only text can be judged{}", beside(place.as_deref()), in_backticks(tag))]
    Tag {
        /// The tag.
        tag: String,
        /// Column with the picture, film or sound, if there is one.
        place: Option<String>,
    },
    /// A response does not end with a turn of the assistant.
    #[error("`{place}` ends with a turn of the {role}; a response ends with a turn of the assistant")]
    LastTurn {
        /// Place of the response.
        place: String,
        /// Role of the last turn.
        role: &'static str,
    },
    /// Conversations share no turns that both could answer.
    #[error("`{a}` and `{b}` differ from turn {turn} on and share no prompt before it, so that they answer nothing together")]
    Parting {
        /// One conversation.
        a: String,
        /// The other.
        b: String,
        /// The first turn that differs, counted from 1.
        turn: usize,
    },
    /// Conversations part before their last turn, although each response must be one turn.
    #[error(
        "`{a}` and `{b}` differ before their last turn (at turn {turn}); \
         what is written for trainers holds one turn for each response"
    )]
    Parted {
        /// One conversation.
        a: String,
        /// The other.
        b: String,
        /// The first turn that differs, counted from 1.
        turn: usize,
    },
    /// A conversation is the beginning of another one in the row.
    #[error("`{a}` is the beginning of `{b}`: after what they share nothing is left of it to be judged")]
    Beginning {
        /// The shorter conversation.
        a: String,
        /// The longer one.
        b: String,
    },
    /// A whole conversation beside a prompt does not begin with that prompt.
    #[error(
        "`{place}` is {what}, but not one that begins with the prompt of this row: \
         it begins with {found}, the prompt with {prompt}{}",
        as_text(what)
    )]
    OtherPrompt {
        /// Place of the conversation.
        place: String,
        /// Form that it was read in, with an article.
        what: &'static str,
        /// Beginning of the conversation.
        found: String,
        /// Beginning of the prompt.
        prompt: String,
    },
    /// A prompt ends with one of its responses.
    #[error("`{place}` ends with what `{response}` says: the prompt ends with the turn that the responses answer")]
    Answered {
        /// Column of the prompt.
        place: String,
        /// Place of the response.
        response: String,
    },
    /// A whole conversation has turns of the user after the prompt.
    #[error(
        "`{place}` is a whole conversation in which the user goes on behind the prompt; the turns before its last one belong to the prompt"
    )]
    GoesOn {
        /// Place of the conversation.
        place: String,
    },
    /// One response is a conversation and another one is not.
    #[error("`{place}` is {what} and `{other}` is not; write both as conversations or both as plain text{}", as_text(what))]
    Mixed {
        /// Place of the conversation.
        place: String,
        /// Form that it was read in, with an article.
        what: &'static str,
        /// Place of the response that is a plain text.
        other: String,
    },
    /// Two keys or columns for the same field contradict each other.
    #[error("{one} and {other} say two things: {}, {}; keep the one that is meant{hint}", found[0], found[1])]
    Contradiction {
        /// One place in backquotes.
        one: String,
        /// The other place in backquotes.
        other: String,
        /// Beginnings of both values.
        found: Box<[String; 2]>,
        /// Advice on what to write.
        hint: &'static str,
    },
    /// The two sides of a pair name the responses instead of holding them.
    #[error("`{place}` is `{found}`, which names a response and is none; {advice}")]
    Named {
        /// Column of the better response.
        place: String,
        /// Value of the column.
        found: String,
        /// What to write instead.
        advice: String,
    },
    /// A label is named although the columns already say which response is better.
    #[error(
        "`{chosen}` and `{rejected}` say which response is better, and `{label}` is named to say so too; leave --column label=… out, or \
         read both as responses of which it says the better one: --column responses={chosen},{rejected}"
    )]
    PairAndLabel {
        /// Column of the better response.
        chosen: String,
        /// Column of the other response.
        rejected: String,
        /// Columns of labels.
        label: String,
    },
    /// A text looks like Python's text of messages but cannot be read.
    #[error(
        "`{place}` begins and ends as Python's text of messages does and cannot be read as such; write it as JSON (json.dumps)"
    )]
    Python {
        /// Place of the text.
        place: String,
    },
    /// A prompt is a JSON list of turns, and a response is not a list of the same length.
    #[error("`{place}` is a JSON list of texts, the turns of a chat (here {count}), and `{other}` is {found}")]
    Lists {
        /// Column of the prompt.
        place: String,
        /// Number of its turns.
        count: usize,
        /// Place of the response.
        other: String,
        /// Description of the response.
        found: String,
    },
    /// The last turn of the user is empty.
    #[error("the last turn of the user in `{place}` is empty: there is nothing that the responses could answer")]
    EmptyTurn {
        /// Column of the conversation.
        place: String,
    },
    /// A label for two responses stands in a row that does not have two.
    #[error("a label says which of two responses is better; this row has {found}")]
    LabelCount {
        /// Number of responses in the row.
        found: usize,
    },
    /// A value is no label.
    #[error("`{place}` must be {expected}; found {found}")]
    Label {
        /// The column.
        place: String,
        /// Description of the values that are allowed.
        expected: String,
        /// Description of the value.
        found: String,
    },
    /// A value does not say whether a response is correct.
    #[error("`{place}` must be {expected}; found {found}")]
    Correct {
        /// Place of the value.
        place: String,
        /// Description of the values that are allowed.
        expected: String,
        /// Description of the value.
        found: String,
    },
    /// A label has two meanings.
    #[error("`{place}` is {found}, which means {both}")]
    TwoLabels {
        /// The column.
        place: String,
        /// Description of the value.
        found: String,
        /// The two meanings.
        both: String,
    },
    /// Not exactly one of the columns for outcomes is 1.
    #[error("exactly one of `{places}` must be 1; {found} are")]
    OneHot {
        /// The columns.
        places: String,
        /// Number of columns that are 1.
        found: usize,
    },
    /// The id of an earlier row, while bad rows are skipped.
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
        /// Position of the earlier row, from 1.
        first: usize,
    },
}

fn beside(place: Option<&str>) -> String {
    place.map_or_else(|| ", where a picture is shown".to_owned(), |place| format!(" for what is in `{place}`"))
}

fn in_backticks(tag: &str) -> String {
    format!("; a text that speaks of the tag writes it in backticks, as in ``{tag}``")
}

/// Returns the advice on how to write a text that was read as a conversation but is none.
fn as_text(what: &str) -> &'static str {
    match what {
        WHOLE => "",
        _ => "; a text that is to be judged as it stands is written as a list with one message of the assistant",
    }
}

/// Description of turns that were written as turns.
pub(super) const WHOLE: &str = "a whole conversation";

fn nearest_words(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; nearest: `{name}`"))
}

/// Returns the error for a value at `place` that is not of the `expected` kind.
pub fn wrong_type(place: &str, expected: &'static str, found: &Value) -> RowProblem {
    RowProblem::WrongType { place: place.to_owned(), expected, found: describe(found) }
}

/// Describes a value in a few words, for messages.
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

/// Lists names for a message: all of a few, the first ones of many.
pub(super) fn names<'a>(mut names: impl ExactSizeIterator<Item = &'a String>) -> String {
    let count = names.len();
    let shown: Vec<&str> = names.by_ref().take(20).map(String::as_str).collect();
    let more = if count > shown.len() { format!(" and {} more", count - shown.len()) } else { String::new() };
    if shown.is_empty() { "nothing".to_owned() } else { format!("{}{more}", shown.join(", ")) }
}
