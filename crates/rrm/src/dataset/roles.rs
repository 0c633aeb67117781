//! Names that chat files give to those who speak -> our four roles.

use serde_json::{Map, Value};

use super::problem::{RowProblem, wrong_type};
use crate::chat::Role;

/// Who speaks under which names, in lower case: OpenAI, ShareGPT, LLaMA-Factory, ms-swift, Llama, Gemma, Cohere and Mistral, and what their users write.
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

/// Keys of a message that name who speaks, the first that is there.
const SPEAKERS: [&str; 2] = ["role", "from"];

/// The role that is called `name`, whatever its letters' case.
pub(super) fn role(name: &str) -> Option<Role> {
    let name = name.trim().to_lowercase();
    NAMES.into_iter().find(|(_, names)| names.contains(&name.as_str())).map(|(role, _)| role)
}

/// All names, for messages.
pub(super) fn known() -> String {
    NAMES.iter().flat_map(|(_, names)| *names).copied().collect::<Vec<_>>().join(", ")
}

/// What names the speaker of a message, if something does.
pub(super) fn speaker(keys: &Map<String, Value>) -> Option<(&'static str, &Value)> {
    SPEAKERS.into_iter().find_map(|key| Some((key, keys.get(key)?)))
}

/// Who speaks in the message at `place`; `None` where it does not say.
pub(super) fn named(keys: &Map<String, Value>, place: &str) -> Result<Option<Role>, RowProblem> {
    let Some((key, name)) = speaker(keys) else { return Ok(None) };
    let Value::String(name) = name else { return Err(wrong_type(&format!("{place}.{key}"), "text", name)) };
    // `from` beside `role` may say where a text is from.
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
