//! What the faulty server says: a little judge whose whole text is a hash of the rendered conversation and the seed.
//!
//! A token is a line break, or a word with the blanks before it. The text is some thinking and a verdict in the `rrm` format.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use serde_json::{Value, json};

/// How this server lets a text be continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continues {
    /// It begins a new turn whatever is asked.
    Never,
    /// With `continue_final_message`.
    Flags,
    /// Whatever the assistant said last.
    Trailing,
    /// `/apply-template` and `/v1/completions`.
    Template,
    /// `/tokenize` and `/v1/completions`.
    Tokens,
    /// By truncation; unknown fields are refused.
    Truncated,
}

/// How the server speaks.
pub struct Said {
    /// What `/v1/models` lists.
    pub models: Vec<&'static str>,
    pub continues: Continues,
    /// Where thinking goes instead of `content`.
    pub reasoning: Option<&'static str>,
    /// Whether the chat template drops thinking from assistant messages.
    pub drops_thinking: bool,
    /// Whether `stop_reason` names the stop string.
    pub names_stop: bool,
    /// Whether the chat template opens the thinking, so that texts begin inside it.
    pub opens: bool,
    /// Whether stop strings stay in the text.
    pub keeps_stop: bool,
    pub logprobs: bool,
    /// Whether usage is reported.
    pub usage: bool,
    /// Other weights say other things.
    pub weights: AtomicU64,
    /// So many answers are computed beside other people's requests, and are others.
    pub load: AtomicU64,
    /// So many answers before those are computed alone.
    pub idle: AtomicU64,
    /// What is listed of each model beyond its name.
    pub states: Value,
    /// Whether the same request gets other answers each time.
    pub drifts: bool,
    pub counter: AtomicU64,
}

impl Default for Said {
    fn default() -> Self {
        Said {
            models: vec!["judge"],
            continues: Continues::Flags,
            reasoning: None,
            drops_thinking: false,
            names_stop: false,
            opens: false,
            keeps_stop: false,
            logprobs: true,
            usage: true,
            weights: AtomicU64::new(1),
            load: AtomicU64::new(0),
            idle: AtomicU64::new(0),
            states: json!({"owned_by": "test", "root": "/models/judge"}),
            drifts: false,
            counter: AtomicU64::new(0),
        }
    }
}

/// FNV-1a, which is enough to tell requests apart.
pub fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// How a verdict is stated.
const STATES: &str = "The better one is";

/// The whole text for a conversation with this hash: up to 40 words of thinking, then the verdict.
pub fn text(key: u64) -> String {
    const WORDS: [&str; 8] = ["first", "second", "better", "worse", "because", "clear", "wrong", "héllo"];
    let words: String =
        (0..8 + key % 32).map(|n| format!(" {}", WORDS[(hash(&(key ^ n).to_le_bytes()) >> 7) as usize % 8])).collect();
    format!("<think>{words} </think>\n\n{STATES} \\boxed{{{}}}", side(key))
}

fn side(key: u64) -> &'static str {
    if (key >> 11).is_multiple_of(2) { "Assistant 1" } else { "Assistant 2" }
}

const HEAD: &str = "<|im_start|>assistant\n";

impl Said {
    /// Answers `/v1/models`, `/apply-template`, `/tokenize`; 404 for what this server does not have.
    pub fn other_route(&self, path: &str, body: &Value) -> (u16, String) {
        let reply = match path {
            "/v1/models" => {
                let created = self.counter.fetch_add(1, SeqCst);
                let entry = |id: &&str| {
                    let mut entry = json!({"id": id, "object": "model", "created": created});
                    entry.as_object_mut().unwrap().extend(self.states.as_object().unwrap().clone());
                    entry
                };
                json!({"object": "list", "data": self.models.iter().map(entry).collect::<Vec<_>>()})
            }
            "/apply-template" if self.continues == Continues::Template => {
                json!({"prompt": self.render(&body["messages"], false)})
            }
            "/tokenize" if self.continues == Continues::Tokens => {
                let text = body["prompt"].as_str().map_or_else(|| self.render(&body["messages"], false), str::to_owned);
                json!({"count": text.len(), "tokens": text.bytes().map(u32::from).collect::<Vec<_>>()})
            }
            "/detokenize" if self.continues == Continues::Tokens => {
                let bytes = body["tokens"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u8).collect();
                json!({"prompt": String::from_utf8(bytes).unwrap()})
            }
            _ => return (404, json!({"detail": "Not Found"}).to_string()),
        };
        (200, reply.to_string())
    }

    /// Answers `/v1/chat/completions` and `/v1/completions`.
    pub fn completion(&self, path: &str, body: &Value) -> (u16, String) {
        if !self.models.iter().any(|model| body["model"] == json!(model)) {
            return (404, json!({"error": {"message": "no such model"}}).to_string());
        }
        let flags = body["continue_final_message"] == json!(true);
        if self.continues == Continues::Truncated && flags {
            return (422, json!({"detail": "Unexpected fields in the request: {'continue_final_message'}"}).to_string());
        }
        let chat = path.ends_with("/chat/completions");
        let mut prompt = match &body["prompt"] {
            Value::String(prompt) => prompt.clone(),
            Value::Array(ids) => String::from_utf8(ids.iter().map(|id| id.as_u64().unwrap() as u8).collect()).unwrap(),
            _ => {
                let continued = match self.continues {
                    Continues::Flags => flags,
                    Continues::Trailing => body["messages"].as_array().unwrap().last().unwrap()["role"] == json!("assistant"),
                    _ => false,
                };
                self.render(&body["messages"], continued)
            }
        };
        if let (Continues::Truncated, Some(length)) = (self.continues, body["chat_template_kwargs"]["max_length"].as_u64()) {
            prompt = words(&prompt).into_iter().take(length as usize).collect();
        }
        let (conversation, begun) = prompt.rsplit_once(HEAD).unwrap_or((&prompt, ""));
        let begun = if self.opens { begun.trim_start_matches("<think>\n") } else { begun };
        let greedy = body["temperature"] == json!(0.0);
        let drift = if self.drifts { self.counter.fetch_add(1, SeqCst) } else { 0 };
        let seed = if greedy { 0 } else { body["seed"].as_u64().unwrap() };
        let taken = |left: &AtomicU64| left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        let busy = !taken(&self.idle) && taken(&self.load);
        let weights = self.weights.load(SeqCst) + if busy { 1_000_000 } else { 0 };
        let key = hash(format!("{conversation}{seed} {drift} {weights}").as_bytes());
        let text = if self.opens { text(key).replacen("<think>", "", 1) } else { text(key) };
        // Words of a text that it judges would be a quotation.
        let own = if conversation.contains(STATES) { "Of the two I choose" } else { STATES };
        let text = text.replacen(STATES, own, 1);
        let whole = if begun.is_empty() { text } else { go_on(begun, key) };
        (200, self.reply(body, &whole, words(&prompt).len(), chat))
    }

    /// Cuts the whole text at stop strings and the token limit and wraps it up.
    fn reply(&self, body: &Value, whole: &str, prompt_tokens: usize, chat: bool) -> String {
        let (whole, stop) = self.stopped(whole, &body["stop"]);
        let pieces = words(&whole);
        let limit = body["max_tokens"].as_u64().unwrap() as usize;
        let (cut, finish) = if pieces.len() > limit { (&pieces[..limit], "length") } else { (&pieces[..], "stop") };
        let usage = json!({"prompt_tokens": prompt_tokens, "completion_tokens": cut.len(),
            "prompt_tokens_details": {"cached_tokens": prompt_tokens / 2}});
        let mut choice = json!({"index": 0, "finish_reason": finish});
        if self.names_stop {
            choice["stop_reason"] = json!(stop.filter(|_| finish == "stop"));
        }
        if self.logprobs && body["logprobs"] == json!(true) {
            choice["logprobs"] = json!({"content": [{"token": "a", "logprob": -0.5}]});
        }
        let fields = self.fields(&cut.concat(), chat);
        if body["stream"] == json!(true) {
            return stream(&fields, choice, self.usage.then_some(usage), chat);
        }
        let map: serde_json::Map<String, Value> = fields.into_iter().map(|(name, text)| (name.to_owned(), json!(text))).collect();
        match chat {
            true => choice["message"] = Value::Object(map),
            false => choice["text"] = map["content"].clone(),
        }
        let mut reply = json!({"choices": [choice]});
        if self.usage {
            reply["usage"] = usage;
        }
        reply.to_string()
    }

    /// The text up to the first stop string, and which one that was.
    fn stopped<'a>(&self, whole: &str, stop: &'a Value) -> (String, Option<&'a str>) {
        let stops = stop.as_array().into_iter().flatten().filter_map(Value::as_str);
        match stops.filter_map(|stop| Some((whole.find(stop)?, stop))).min() {
            Some((at, stop)) => (whole[..at + if self.keeps_stop { stop.len() } else { 0 }].to_owned(), Some(stop)),
            None => (whole.to_owned(), None),
        }
    }

    /// Text by the field that it goes to, with `content` null when all of it is thinking.
    fn fields(&self, text: &str, chat: bool) -> Vec<(&'static str, Option<String>)> {
        let Some(name) = self.reasoning.filter(|_| chat) else { return vec![("content", Some(text.to_owned()))] };
        let text = text.strip_prefix("<think>").unwrap_or(text);
        match text.split_once("</think>") {
            Some((thinking, answer)) => vec![(name, Some(thinking.to_owned())), ("content", Some(answer.to_owned()))],
            None => vec![(name, Some(text.to_owned())), ("content", None)],
        }
    }

    fn render(&self, messages: &Value, open_ended: bool) -> String {
        let messages = messages.as_array().unwrap();
        let mut text = String::new();
        for (n, message) in messages.iter().enumerate() {
            let (role, mut content) = (message["role"].as_str().unwrap(), message["content"].as_str().unwrap());
            if role == "assistant" && self.drops_thinking {
                content = content.rsplit("</think>").next().unwrap();
            }
            let end = if open_ended && n + 1 == messages.len() { "" } else { " <|im_end|>\n" };
            text += &format!("<|im_start|>{role}\n{content}{end}");
        }
        match (open_ended, self.opens) {
            (true, _) => text,
            (false, false) => text + HEAD,
            (false, true) => text + HEAD + "<think>\n",
        }
    }
}

/// How the model goes on with what it was made to begin.
fn go_on(begun: &str, key: u64) -> String {
    match begun {
        begun if begun.ends_with("9 1") => "0 11 12 13 14 15 16 17 18 19 20".to_owned(),
        begun if begun.ends_with('{') => format!("{}}} and that is all.", side(key)),
        _ => " and so on.".to_owned(),
    }
}

/// Tokens: line breaks, and words with the blanks before them.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut inside) = (0, false);
    for (at, c) in text.char_indices() {
        let ends = c == '\n' || text[..at].ends_with('\n') || (c == ' ' && inside);
        if ends && at > start {
            words.push(&text[start..at]);
            (start, inside) = (at, false);
        }
        inside |= !c.is_whitespace();
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}

fn stream(fields: &[(&'static str, Option<String>)], choice: Value, usage: Option<Value>, chat: bool) -> String {
    let mut text = format!(": hello\n\ndata: {}\n\n", json!({"choices": [{"delta": {"role": "assistant", "content": ""}}]}));
    for (name, content) in fields {
        for word in words(content.as_deref().unwrap_or_default()) {
            let piece = if chat { json!({"delta": {*name: word}}) } else { json!({"text": word}) };
            text += &format!("data: {}\n\n", json!({"choices": [piece]}));
        }
    }
    let mut last = choice;
    last["delta"] = json!({});
    text += &format!("data: {}\n\n", json!({"choices": [last]}));
    if let Some(usage) = usage {
        text += &format!("data: {}\n\n", json!({"choices": [], "usage": usage}));
    }
    text + "data: [DONE]\n\n"
}
