//! Names of speakers in chat files -> the four roles.

use serde_json::{Map, Value};

use super::problem::{RowProblem, wrong_type};
use crate::chat::Role;

/// Names of each role, in lower case: those of OpenAI, ShareGPT, LLaMA-Factory, ms-swift, Llama, Gemma, Cohere and Mistral, and those that their
/// users write.
const NAMES: [(Role, &[&str]); 4] = [
    (Role::System, &["system", "developer"]),
    (Role::User, &["user", "human", "prompter"]),
    (
        Role::Assistant,
        &["assistant", "gpt", "chatgpt", "model", "bot", "chatbot", "ai", "function_call", "tool_call", "tool_calls"],
    ),
    (
        Role::Tool,
        &[
            "tool",
            "function",
            "observation",
            "ipython",
            "tool_response",
            "tool_result",
            "tool_results",
            "function_response",
            "environment",
        ],
    ),
];

/// Keys of a message that name the speaker; the first that is present counts.
const SPEAKERS: [&str; 2] = ["role", "from"];

/// Returns the role with this name, in any case.
pub(super) fn role(name: &str) -> Option<Role> {
    let name = name.trim().to_lowercase();
    NAMES.into_iter().find(|(_, names)| names.contains(&name.as_str())).map(|(role, _)| role)
}

/// Returns all names of roles, for messages.
pub(super) fn known() -> String {
    NAMES.iter().flat_map(|(_, names)| *names).copied().collect::<Vec<_>>().join(", ")
}

/// Returns the key and the value that name the speaker of a message, if there are any.
pub(super) fn speaker(keys: &Map<String, Value>) -> Option<(&'static str, &Value)> {
    SPEAKERS.into_iter().find_map(|key| Some((key, keys.get(key)?)))
}

/// Returns the role of the message at `place`; `None` if it names no speaker.
pub(super) fn named(keys: &Map<String, Value>, place: &str) -> Result<Option<Role>, RowProblem> {
    let Some((key, name)) = speaker(keys) else { return Ok(None) };
    let Value::String(name) = name else { return Err(wrong_type(&format!("{place}.{key}"), "text", name)) };
    // A `from` beside `role` may name the source of a text.
    if let Some(other) = keys.get("from").and_then(Value::as_str).filter(|_| key == "role")
        && let (Some(one), Some(two)) = (role(name), role(other))
        && one != two
    {
        let [one, two] = ["role", "from"].map(|key| format!("`{place}.{key}`"));
        let found = Box::new([format!("`{name}`"), format!("`{other}`")]);
        return Err(RowProblem::Contradiction { one, other: two, found, hint: "" });
    }
    let unknown = || RowProblem::Role { place: place.to_owned(), role: name.clone(), known: known() };
    role(name).map(Some).ok_or_else(unknown)
}
