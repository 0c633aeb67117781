//! A prompt and responses -> the conversation that all of them answer, and the text of each response.
//!
//! The last turn of the assistant is judged, and the turns before it are the prompt. If conversations part earlier, the prompt is their common part
//! up to a turn of the assistant, and all later turns are the response, each with the name of its speaker.

use super::{
    chats,
    messages::{TurnsOrText, beginning},
    problem::RowProblem,
    responses::RawResponse,
};
use crate::chat::{Message, Role, dialogue};

/// Settles the prompt; afterwards the content of every response is a text. `prompt` is the content of the column at `place`, and `no_prompt` makes
/// the error for a row without any prompt. With `last_turns`, conversations may differ in their last turn only.
pub(super) fn settle(
    prompt: Option<TurnsOrText>,
    place: &str,
    responses: &mut [RawResponse],
    last_turns: bool,
    no_prompt: impl Fn() -> RowProblem,
) -> Result<Vec<Message>, RowProblem> {
    let prompt = match prompt {
        None => None,
        Some(TurnsOrText::Turns(turns)) => Some(turns),
        Some(TurnsOrText::Text(text)) => Some(match chats::lists(&text, place, responses)? {
            Some(turns) => turns,
            None => chats::prompt(&text, place)?.unwrap_or_else(|| vec![Message::user(text)]),
        }),
    };
    if let Some(turns) = &prompt {
        spoken(turns, place)?;
    }
    chats::lift(prompt.as_deref(), responses)?;
    let said = if prompt.is_some() { place.to_owned() } else { holder(responses).unwrap_or_default() };
    let settled = match &prompt {
        Some(prompt) if responses.iter().all(|raw| matches!(raw.said, TurnsOrText::Text(_))) => prompt.clone(),
        _ => {
            let chats = chats_of(prompt.as_deref(), responses, no_prompt)?;
            parted(chats, responses, last_turns)?
        }
    };
    spoken(&settled, &said)?;
    unanswered(&settled, &said, responses)?;
    Ok(settled)
}

/// Refuses a prompt that ends with one of the responses: the judge would learn which one was chosen.
fn unanswered(prompt: &[Message], place: &str, responses: &[RawResponse]) -> Result<(), RowProblem> {
    let Some(Message { role: Role::Assistant, content }) = prompt.last() else { return Ok(()) };
    let is_last = |raw: &&RawResponse| matches!(&raw.said, TurnsOrText::Text(text) if !text.trim().is_empty() && text.trim() == content.trim());
    match responses.iter().find(is_last) {
        Some(raw) => Err(RowProblem::Answered { place: place.to_owned(), response: raw.place.clone() }),
        None => Ok(()),
    }
}

/// Refuses a prompt without any text, or with an empty last turn of the user.
pub(super) fn spoken(prompt: &[Message], place: &str) -> Result<(), RowProblem> {
    let blank = |message: &Message| message.content.trim().is_empty();
    if prompt.iter().all(blank) {
        return Err(RowProblem::EmptyPrompt { place: place.to_owned() });
    }
    match prompt.iter().rfind(|message| message.role == Role::User) {
        Some(last) if blank(last) => Err(RowProblem::EmptyTurn { place: place.to_owned() }),
        _ => Ok(()),
    }
}

/// Returns whether turns hold more than turns of an assistant and its tools, so that the turns after them answer something.
fn asks(turns: &[Message]) -> bool {
    turns.iter().any(|turn| matches!(turn.role, Role::User | Role::System))
}

/// Returns the place of the first whole conversation.
fn holder(responses: &[RawResponse]) -> Option<String> {
    let whole = |raw: &&RawResponse| matches!(&raw.said, TurnsOrText::Turns(turns) if asks(turns));
    responses.iter().find(whole).map(|raw| raw.place.clone())
}

/// Returns the whole conversation that each response ends. Without a prompt column, a response that is no whole conversation answers the same turns
/// as the first one that is.
fn chats_of(
    prompt: Option<&[Message]>,
    responses: &[RawResponse],
    no_prompt: impl Fn() -> RowProblem,
) -> Result<Vec<Vec<Message>>, RowProblem> {
    let mut chats: Vec<(Vec<Message>, Message)> = Vec::new();
    for raw in responses {
        chats.push(match &raw.said {
            TurnsOrText::Text(text) => (Vec::new(), Message { role: Role::Assistant, content: text.clone() }),
            TurnsOrText::Turns(turns) => last_turn(turns, &raw.place)?,
        });
    }
    let first = chats.iter().map(|(before, _)| before).find(|before| asks(before)).cloned();
    if prompt.is_none() && first.is_none() {
        return Err(no_prompt());
    }
    let whole = |(raw, (before, last)): (&RawResponse, (Vec<Message>, Message))| {
        let mut chat = match (prompt, &first) {
            (Some(prompt), _) => continued(prompt, before, raw)?,
            (None, Some(_)) if asks(&before) => before,
            (None, Some(first)) => [first.clone(), before].concat(),
            (None, None) => before,
        };
        chat.push(last);
        Ok(chat)
    };
    responses.iter().zip(chats).map(whole).collect()
}

/// Returns the turns before the assistant's last one, and that one.
fn last_turn(turns: &[Message], place: &str) -> Result<(Vec<Message>, Message), RowProblem> {
    match turns {
        [before @ .., last] if last.role == Role::Assistant => Ok((before.to_vec(), last.clone())),
        [.., last] => Err(RowProblem::LastTurn { place: place.to_owned(), role: last.role.as_str() }),
        [] => Ok((Vec::new(), Message { role: Role::Assistant, content: String::new() })),
    }
}

/// Joins `prompt` and the turns `before` a response to one conversation. These turns may repeat the prompt (with a system message before it, which
/// the prompt column often lacks) or go on from it.
pub(super) fn continued(prompt: &[Message], before: Vec<Message>, raw: &RawResponse) -> Result<Vec<Message>, RowProblem> {
    match before.as_slice() {
        [] => Ok(prompt.to_vec()),
        _ if repeats(&before, prompt) => Ok(before),
        [Message { role: Role::Assistant | Role::Tool, .. }, ..] => Ok([prompt, &before].concat()),
        _ => Err(RowProblem::OtherPrompt {
            place: raw.place.clone(),
            what: raw.what,
            found: beginning(&dialogue(&before)),
            prompt: beginning(&dialogue(prompt)),
        }),
    }
}

/// Returns whether the turns `before` a response begin or end with the prompt.
pub(super) fn repeats(before: &[Message], prompt: &[Message]) -> bool {
    let Some(more) = before.len().checked_sub(prompt.len()) else { return false };
    same(&before[..prompt.len()], prompt) || same(&before[more..], prompt)
}

/// Returns whether two lists of turns are the same, apart from white space at the ends of turns.
fn same(a: &[Message], b: &[Message]) -> bool {
    let turn = |a: &Message, b: &Message| a.role == b.role && a.content.trim() == b.content.trim();
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| turn(a, b))
}

/// Splits conversations: their common part becomes the prompt, and the rest of each is its response.
fn parted(chats: Vec<Vec<Message>>, responses: &mut [RawResponse], last_turns: bool) -> Result<Vec<Message>, RowProblem> {
    let Some(first) = chats.first().cloned() else { return Ok(Vec::new()) };
    let last = |chat: &[Message]| chat.len().saturating_sub(1);
    let whole = chats.iter().all(|chat| same(&chat[..last(chat)], &first[..last(&first)]));
    let at = if whole { last(&first) } else { parting(&chats, responses, last_turns)? };
    for (raw, chat) in responses.iter_mut().zip(chats) {
        raw.said = TurnsOrText::Text(match &chat[at..] {
            [only] if whole => only.content.clone(),
            turns => dialogue(turns),
        });
    }
    Ok(first[..at].to_vec())
}

/// Returns the index from which turns belong to the responses: that of the last turn of the assistant that is common to all, or the first that
/// differs.
fn parting(chats: &[Vec<Message>], responses: &[RawResponse], last_turns: bool) -> Result<usize, RowProblem> {
    let shared = |chat: &[Message]| {
        let first = chats.first().map(Vec::as_slice).unwrap_or_default();
        chat.iter().zip(first).take_while(|(a, b)| same(&[(*a).clone()], &[(*b).clone()])).count()
    };
    let lengths: Vec<usize> = chats.iter().map(|chat| shared(chat)).collect();
    let least = lengths.iter().copied().min().unwrap_or(0);
    let other = lengths.iter().position(|length| *length == least).unwrap_or(0);
    let places = |a: usize, b: usize| (responses[a].place.clone(), responses[b].place.clone());
    if let Some(short) = chats.iter().position(|chat| chat.len() == least) {
        let long = chats.iter().position(|chat| chat.len() > least).unwrap_or(0);
        let (a, b) = places(short, long);
        return Err(RowProblem::Beginning { a, b });
    }
    if last_turns {
        let (a, b) = places(0, other);
        return Err(RowProblem::Parted { a, b, turn: least + 1 });
    }
    let all_assistant = |at: &usize| chats.iter().all(|chat| chat[*at].role == Role::Assistant);
    let at = (1..=least).rev().find(all_assistant).filter(|at| asks(&chats[0][..*at]));
    at.ok_or_else(|| {
        let (a, b) = places(0, other);
        RowProblem::Parting { a, b, turn: least + 1 }
    })
}
