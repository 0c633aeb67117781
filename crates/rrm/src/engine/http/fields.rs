//! Changes that a service needs in requests -> the JSON that is sent: fields added, left out or renamed, seeds with fewer bits, the system message
//! inside the user's.
//!
//! A request without changes is sent as it is, and the address of its completion stays the same.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Changes to the fields of every request, probes included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestFields {
    /// Fields that are added. An object is merged into the one that is sent under the same name.
    pub add: BTreeMap<String, Value>,
    /// Fields that are left out, so that the service's own value holds.
    pub without: BTreeSet<String>,
    /// New names of fields, by their usual names.
    pub rename: BTreeMap<String, String>,
    /// Number of low bits of each seed that are sent; `None` sends all.
    pub seed_bits: Option<u32>,
    /// Whether the system message is put before the user's, for models without a system role.
    pub system_as_user: bool,
}

/// Fields with the content of the request; nothing may replace them.
const ASKED: [&str; 10] =
    ["messages", "prompt", "stream", "query", "documents", "texts", "inputs", "text_1", "text_2", "continue_final_message"];

/// Fields with an option of their own.
const OPTIONS: [(&str, &str); 8] = [
    ("model", "--model"),
    ("temperature", "--temperature"),
    ("top_p", "--top-p"),
    ("top_k", "--top-k"),
    ("min_p", "--min-p"),
    ("max_tokens", "--max-tokens"),
    ("max_completion_tokens", "--max-tokens, sent as --rename-field max_tokens=max_completion_tokens"),
    ("seed", "--seed, from which each vote has its own"),
];

/// Further fields that may be left out or renamed.
const OTHERS: [&str; 6] = ["stop", "stream_options", "logprobs", "use_activation", "raw_scores", "truncate"];

/// Usual name of the token limit, and its name in newer services.
pub(crate) const NEW_LIMIT: (&str, &str) = ("max_tokens", "max_completion_tokens");

impl RequestFields {
    /// Refuses changes that would spoil the request.
    ///
    /// # Errors
    /// The change, and what to write instead.
    pub fn check(&self) -> Result<(), String> {
        for name in self.add.keys() {
            if ASKED.contains(&name.as_str()) {
                return Err(format!("the field `{name}` carries what is asked and cannot be set"));
            }
            if let Some((_, option)) = OPTIONS.iter().find(|(field, _)| field == name) {
                return Err(format!("the field `{name}` has an option of its own: {option}"));
            }
            if matches!(name.as_str(), "n" | "best_of") {
                return Err(format!("the field `{name}` would pay for texts that are not read; --votes asks for several"));
            }
        }
        for name in self.without.iter().chain(self.rename.keys()) {
            if !sent().any(|field| field == name) {
                let known = sent().collect::<Vec<_>>().join(", ");
                return Err(format!("no field `{name}` is sent that could be left out or renamed; there are {known}"));
            }
        }
        for (from, to) in &self.rename {
            let taken = ASKED.contains(&to.as_str()) || sent().any(|field| field == to) || self.add.contains_key(to);
            if to.is_empty() || taken {
                return Err(format!("the field `{from}` cannot be sent as `{to}`, which is another field"));
            }
            if self.without.contains(from) {
                return Err(format!("the field `{from}` is left out and renamed"));
            }
        }
        if let Some(name) = self.add.keys().find(|name| self.without.contains(*name)) {
            return Err(format!("the field `{name}` is left out and added"));
        }
        match self.seed_bits {
            Some(bits) if !(16..=53).contains(&bits) => Err(format!("seeds of {bits} bits: from 16 to 53 are possible")),
            _ => Ok(()),
        }
    }

    /// Returns whether requests are sent without changes.
    pub fn is_empty(&self) -> bool {
        *self == RequestFields::default()
    }

    /// Returns whether this field is left out.
    pub fn leaves_out(&self, name: &str) -> bool {
        self.without.contains(name)
    }

    /// Returns `body` with the changes. `chat` is false for other routes than chat, which have the old name of the token limit.
    pub(crate) fn apply(&self, body: Value, chat: bool) -> Value {
        let Value::Object(mut body) = body else { return body };
        if self.system_as_user {
            fold_system(&mut body);
        }
        if let (Some(bits), Some(seed)) = (self.seed_bits, body.get("seed").and_then(Value::as_u64)) {
            body.insert("seed".to_owned(), (seed & ((1 << bits) - 1)).into());
        }
        body.retain(|name, _| !self.without.contains(name));
        for (from, to) in &self.rename {
            if (chat || from != NEW_LIMIT.0)
                && let Some(value) = body.remove(from)
            {
                body.insert(to.clone(), value);
            }
        }
        for (name, value) in &self.add {
            merge(&mut body, name, value);
        }
        Value::Object(body)
    }

    /// Returns `body` of a request that only renders a conversation: with the system message moved, and with the flags of the chat template.
    pub(crate) fn apply_to_rendering(&self, body: Value) -> Value {
        let Value::Object(mut body) = body else { return body };
        if self.system_as_user {
            fold_system(&mut body);
        }
        if let Some(told) = self.add.get("chat_template_kwargs") {
            merge(&mut body, "chat_template_kwargs", told);
        }
        Value::Object(body)
    }

    /// Returns those changes that may change a text, as one line that is the same for equal changes; `None` if there are none. The new name of the
    /// token limit changes no text, nor do the fields at the end of a stream.
    pub(crate) fn address(&self) -> Option<String> {
        let mut kept = self.clone();
        kept.without.retain(|name| !matches!(name.as_str(), "stream_options" | "logprobs"));
        kept.rename.retain(|from, to| (from.as_str(), to.as_str()) != NEW_LIMIT);
        if kept.is_empty() {
            return None;
        }
        let RequestFields { add, without, rename, seed_bits, system_as_user } = kept;
        let add: Vec<String> =
            add.iter().map(|(name, value)| format!("{name:?}:{}", super::fingerprint::sorted(value))).collect();
        Some(format!("{add:?} {without:?} {rename:?} {seed_bits:?} {system_as_user}"))
    }

    /// Returns notes for readers of the results, one sentence each.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let sampling: Vec<&str> =
            ["temperature", "top_p", "max_tokens"].into_iter().filter(|name| self.leaves_out(name)).collect();
        if !sampling.is_empty() {
            notes.push(format!("{} not sent: the service's own value holds, whatever the options say", listed(&sampling)));
        }
        if self.leaves_out("seed") {
            notes.push("seed is not sent: the same seed does not give the same text".to_owned());
        }
        notes
    }
}

fn listed(names: &[&str]) -> String {
    format!("{} {}", names.join(" and "), if names.len() == 1 { "is" } else { "are" })
}

fn sent() -> impl Iterator<Item = &'static str> {
    // The new name is not sent as a field of its own.
    OPTIONS.iter().map(|(name, _)| *name).filter(|name| *name != NEW_LIMIT.1).chain(OTHERS)
}

/// Puts `value` under `name`. Into an object that is already there, only new names are added.
fn merge(body: &mut Map<String, Value>, name: &str, value: &Value) {
    match (body.get_mut(name), value) {
        (Some(Value::Object(there)), Value::Object(more)) => {
            for (name, value) in more {
                there.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        _ => {
            body.insert(name.to_owned(), value.clone());
        }
    }
}

/// Puts each system message before the user's message that follows it.
fn fold_system(body: &mut Map<String, Value>) {
    let Some(Value::Array(messages)) = body.get_mut("messages") else { return };
    let mut folded: Vec<Value> = Vec::with_capacity(messages.len());
    let mut system: Vec<String> = Vec::new();
    for mut message in std::mem::take(messages) {
        let content = message["content"].as_str().unwrap_or_default().to_owned();
        match message["role"].as_str() {
            Some("system") => {
                system.push(content);
                continue;
            }
            Some("user") if !system.is_empty() => {
                system.push(content);
                message["content"] = std::mem::take(&mut system).join("\n\n").into();
            }
            _ => {}
        }
        folded.push(message);
    }
    if !system.is_empty() {
        folded.push(serde_json::json!({"role": "user", "content": system.join("\n\n")}));
    }
    *messages = folded;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> RequestFields {
        serde_json::from_value(value).unwrap()
    }

    fn body() -> Value {
        json!({"model": "m", "messages": [{"role": "system", "content": "Judge."}, {"role": "user", "content": "Q"}],
            "temperature": 0.6, "top_p": 1.0, "max_tokens": 9, "seed": 4679723299461809_u64, "stream": false})
    }

    #[test]
    fn nothing_wished_changes_nothing() {
        assert_eq!(RequestFields::default().apply(body(), true), body());
        assert_eq!(RequestFields::default().address(), None);
    }

    #[test]
    fn fields_are_added_left_out_and_renamed() {
        let wish = fields(json!({"add": {"reasoning_effort": "low", "chat_template_kwargs": {"enable_thinking": false}},
            "without": ["temperature", "top_p"], "rename": {"max_tokens": "max_completion_tokens", "seed": "random_seed"}, "seed_bits": 31}));
        wish.check().unwrap();
        let sent = wish.apply(body(), true);
        let seed = 4679723299461809_u64 & 0x7fff_ffff;
        assert_eq!(
            sent,
            json!({"model": "m", "messages": body()["messages"], "max_completion_tokens": 9, "random_seed": seed, "stream": false,
                "reasoning_effort": "low", "chat_template_kwargs": {"enable_thinking": false}})
        );
        assert_eq!(wish.apply(body(), false)["max_tokens"], 9, "/v1/completions knows only the old name");
        let cut = wish.apply(json!({"chat_template_kwargs": {"truncation": true}}), true);
        assert_eq!(cut["chat_template_kwargs"], json!({"truncation": true, "enable_thinking": false}));
    }

    #[test]
    fn the_system_message_goes_into_the_users() {
        let wish = fields(json!({"system_as_user": true}));
        assert_eq!(wish.apply(body(), true)["messages"], json!([{"role": "user", "content": "Judge.\n\nQ"}]));
        let alone = wish.apply(json!({"messages": [{"role": "system", "content": "S"}]}), true);
        assert_eq!(alone["messages"], json!([{"role": "user", "content": "S"}]));
        let later = json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]});
        assert_eq!(wish.apply(later.clone(), true), later);
        assert_eq!(wish.apply_to_rendering(body())["messages"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn what_would_spoil_a_request_is_refused() {
        let bad = [
            json!({"add": {"messages": []}}),
            json!({"add": {"stream": true}}),
            json!({"add": {"seed": 1}}),
            json!({"add": {"temperature": 1}}),
            json!({"add": {"max_completion_tokens": 5}}),
            json!({"add": {"n": 2}}),
            json!({"without": ["sede"]}),
            json!({"without": ["messages"]}),
            json!({"rename": {"temperatur": "x"}}),
            json!({"rename": {"max_tokens": "seed"}}),
            json!({"rename": {"max_tokens": ""}}),
            json!({"without": ["seed"], "rename": {"seed": "random_seed"}}),
            json!({"without": ["stop"], "add": {"stop": ["x"]}}),
            json!({"seed_bits": 8}),
            json!({"seed_bits": 64}),
        ];
        for value in bad {
            assert!(fields(value.clone()).check().is_err(), "{value}");
        }
    }

    #[test]
    fn only_what_may_change_a_text_is_part_of_its_address() {
        let address = |value: Value| fields(value).address();
        let same = [
            json!({}),
            json!({"rename": {"max_tokens": "max_completion_tokens"}}),
            json!({"without": ["stream_options", "logprobs"]}),
        ];
        assert!(same.iter().all(|value| address(value.clone()).is_none()));
        let mut others: Vec<String> = [
            json!({"add": {"a": 1}}),
            json!({"add": {"a": 2}}),
            json!({"add": {"a": {"b": 1, "c": 2}}}),
            json!({"without": ["seed"]}),
            json!({"without": ["top_p"]}),
            json!({"rename": {"seed": "random_seed"}}),
            json!({"rename": {"max_tokens": "max_new_tokens"}}),
            json!({"seed_bits": 31}),
            json!({"system_as_user": true}),
        ]
        .into_iter()
        .map(|value| address(value).unwrap())
        .collect();
        assert_eq!(address(json!({"add": {"a": {"c": 2, "b": 1}}})), Some(others[2].clone()), "the order of names says nothing");
        others.sort_unstable();
        others.dedup();
        assert_eq!(others.len(), 9);
    }
}
