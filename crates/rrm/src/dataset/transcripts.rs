//! A text that is a whole transcript, with the marks of a data set or a chat template -> its turns.
//!
//! | marks | source |
//! |---|---|
//! | `Human:` and `Assistant:`, each after an empty line | Anthropic's hh-rlhf |
//! | `<\|start\|>user<\|message\|>` | gpt-oss (harmony) |
//! | `<\|im_start\|>user`, `<\|start_header_id\|>user<\|end_header_id\|>`, `<start_of_turn>user`, `<\|user\|>` and the like | chat templates |
//! | `[INST]` and `[/INST]` | Llama 2, Mistral |
//! | `User:`, `USER:`, `### Human:`, `### Instruction:` and the like, where a line begins | many |

use std::{borrow::Cow, ops::Range};

use super::roles;
use crate::chat::{Message, Role};

/// The turns of a transcript.
#[derive(Debug, PartialEq)]
pub(super) struct TurnList {
    pub(super) turns: Vec<Message>,
    /// Whether its marks can mean nothing else: tokens of a template, or the marks of hh-rlhf after an empty line.
    pub(super) marked: bool,
}

/// Tokens that chat templates write before and after the name of a speaker.
const HEADS: [(&str, &str); 11] = [
    ("<|im_start|>", "\n"),
    ("<|start_header_id|>", "<|end_header_id|>"),
    ("<|header_start|>", "<|header_end|>"),
    ("<start_of_turn>", "\n"),
    ("<|turn>", "\n"),
    ("<|start_of_role|>", "<|end_of_role|>"),
    ("<extra_id_1>", "\n"),
    ("<|START_OF_TURN_TOKEN|><|", "_TOKEN|>"),
    ("<\u{ff5c}", "\u{ff5c}>"),
    ("[|", "|]"),
    ("<|", "|>"),
];

/// Tokens before the first turn.
const BEGINNINGS: [&str; 8] = [
    "<s>",
    "<bos>",
    "<|begin_of_text|>",
    "<BOS_TOKEN>",
    "<\u{ff5c}begin\u{2581}of\u{2581}sentence\u{ff5c}>",
    "[gMASK]",
    "<sop>",
    "[BOS]",
];

/// Tokens after a turn.
const ENDS: [&str; 13] = [
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|eot|>",
    "<end_of_turn>",
    "<turn|>",
    "</s>",
    "<|end|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<|END_OF_TURN_TOKEN|>",
    "<\u{ff5c}end\u{2581}of\u{2581}sentence\u{ff5c}>",
    "[|endofturn|]",
];

/// Words for the user and for the assistant. Words in capitals may stand in the middle of a line, as in Vicuna's transcripts.
const WORDS: [[&str; 2]; 7] = [
    ["User:", "Assistant:"],
    ["USER:", "ASSISTANT:"],
    ["Human:", "Assistant:"],
    ["Human:", "AI:"],
    ["### Human:", "### Assistant:"],
    ["### User:", "### Assistant:"],
    ["### Instruction:", "### Response:"],
];

/// Beginning of Vicuna's transcripts.
const VICUNA: &str = "A chat between a curious";

/// Beginning of Alpaca's template, before `### Instruction:`.
const ALPACA: &str = "Below is an instruction that describes a task";

/// Returns the turns of a text that begins with a mark. The last turn of the assistant may be empty.
pub(super) fn transcript(text: &str) -> Option<TurnList> {
    if let Some(turns) = tokens(text).or_else(|| instructed(text)).or_else(|| harmony(text)) {
        return Some(TurnList { turns, marked: true });
    }
    let marked = SPEAKERS.iter().any(|(mark, _)| text.starts_with(mark));
    // `Human:` is written with or without empty lines.
    let turns = human(text).filter(|turns| marked || turns.len() > 1);
    let answers = |turns: &Vec<Message>| turns.iter().any(|turn| turn.role == Role::Assistant);
    let turns = turns.or_else(|| WORDS.into_iter().find_map(|names| worded(text, names).filter(answers)))?;
    Some(TurnList { turns, marked })
}

const SPEAKERS: [(&str, Role); 2] = [("\n\nHuman:", Role::User), ("\n\nAssistant:", Role::Assistant)];

/// Reads a transcript of Anthropic's hh-rlhf files: `Human:` and `Assistant:`, each after an empty line. The marks may be indented.
fn human(text: &str) -> Option<Vec<Message>> {
    let start = text.trim_start();
    if !SPEAKERS.iter().any(|(mark, _)| start.starts_with(mark.trim_start())) {
        return None;
    }
    let mut text = String::with_capacity(start.len() + 2);
    for line in format!("\n\n{start}").split_inclusive('\n') {
        let bare = line.trim_start_matches([' ', '\t']);
        let blank = bare.trim_end_matches(['\r', '\n']).is_empty();
        let speaks = SPEAKERS.iter().any(|(mark, _)| bare.starts_with(mark.trim_start()));
        text.push_str(if blank || speaks { bare } else { line });
    }
    let heads =
        SPEAKERS.iter().flat_map(|(mark, role)| text.match_indices(mark).map(move |(at, _)| (at..at + mark.len(), *role)));
    turns(&text, heads.collect())
}

/// Returns the turns of a text with heads at these places; the first head must be at its beginning.
fn turns(text: &str, mut heads: Vec<(Range<usize>, Role)>) -> Option<Vec<Message>> {
    heads.sort_by_key(|(at, _)| at.start);
    if heads.first()?.0.start != 0 {
        return None;
    }
    let last = heads.len() - 1;
    let turn = |(place, (at, role)): (usize, &(Range<usize>, Role))| {
        let end = heads.get(place + 1).map_or(text.len(), |(next, _)| next.start);
        let said = text[at.end..end].trim();
        // Tokens at the end of the judged text are removed elsewhere, where the removal is reported.
        let content = if place == last && *role == Role::Assistant { said } else { without_end(said) };
        Message { role: *role, content: content.to_owned() }
    };
    Some(heads.iter().enumerate().map(turn).collect())
}

fn without_end(mut text: &str) -> &str {
    while let Some(shorter) = ENDS.iter().find_map(|end| text.strip_suffix(end)) {
        text = shorter.trim_end();
    }
    text
}

/// Removes the tokens before the first turn.
fn begun(text: &str) -> &str {
    let mut text = text.trim_start();
    while let Some(shorter) = BEGINNINGS.iter().find_map(|token| text.strip_prefix(token)) {
        text = shorter.trim_start();
    }
    text
}

/// Reads the text of a chat template with a token for each turn. A text that begins with a turn of the assistant is an answer with its head.
fn tokens(text: &str) -> Option<Vec<Message>> {
    let start = begun(text);
    // NeMo has another token for the system turn.
    let start = start.strip_prefix("<extra_id_0>").map_or(Cow::Borrowed(start), |rest| format!("<extra_id_1>{rest}").into());
    let mut found = HEADS.into_iter().filter(|(open, _)| start.starts_with(open)).map(|marks| heads(&start, marks));
    let mut read = turns(&start, found.find(|heads| !heads.is_empty())?)?;
    read.retain(|turn| turn.role != Role::System || !turn.content.is_empty());
    let whole =
        read.first()?.role != Role::Assistant && read.iter().any(|turn| turn.role == Role::User && !turn.content.is_empty());
    whole.then_some(read)
}

/// Returns the places of the heads with the name of a known speaker.
fn heads(text: &str, (open, close): (&str, &str)) -> Vec<(Range<usize>, Role)> {
    let head = |(at, _): (usize, &str)| {
        let rest = &text[at + open.len()..];
        let name = &rest[..rest.char_indices().nth(48).map_or(rest.len(), |(end, _)| end)];
        let (name, end) = match name.find(close) {
            Some(end) => (&name[..end], end + close.len()),
            // The last head may be at the very end of the text.
            None if close == "\n" && name.len() == rest.len() => (name, name.len()),
            None => return None,
        };
        Some((at..at + open.len() + end, roles::role(name)?))
    };
    text.match_indices(open).filter_map(head).collect()
}

/// Reads `[INST] … [/INST] …`, with the system turn in `<<SYS>>` or `[SYSTEM_PROMPT]`.
fn instructed(text: &str) -> Option<Vec<Message>> {
    let mut rest = begun(text);
    let mut turns = Vec::new();
    let turn = |role, content: &str| Message { role, content: content.trim().to_owned() };
    if let Some(system) = rest.strip_prefix("[SYSTEM_PROMPT]") {
        let (system, after) = system.split_once("[/SYSTEM_PROMPT]")?;
        turns.push(turn(Role::System, system));
        rest = after.trim_start();
    }
    loop {
        let (user, after) = rest.strip_prefix("[INST]")?.split_once("[/INST]")?;
        let user = match user.trim_start().strip_prefix("<<SYS>>").and_then(|rest| rest.split_once("<</SYS>>")) {
            Some((system, user)) => {
                turns.push(turn(Role::System, system));
                user
            }
            None => user,
        };
        turns.push(turn(Role::User, user));
        let Some(end) = after.find("[INST]") else {
            turns.push(turn(Role::Assistant, after));
            return Some(turns);
        };
        let said = after[..end].trim();
        turns.push(turn(Role::Assistant, without_end(said.strip_suffix("<s>").unwrap_or(said).trim_end())));
        rest = &after[end..];
    }
}

/// Reads the text of gpt-oss's template, whose heads may name a channel. Of the assistant's earlier turns only the final channel is read; the last turn
/// keeps its channels, which are read where its thinking is removed.
fn harmony(text: &str) -> Option<Vec<Message>> {
    const HEAD: &str = "<|start|>";
    let rest = begun(text).strip_prefix(HEAD)?;
    let mut turns: Vec<Message> = Vec::new();
    let mut channels = String::new();
    for part in rest.split(HEAD) {
        let (head, said) = part.split_once("<|message|>").unwrap_or((part, ""));
        let name = head.split(['<', ' ', ':', '\n']).next().unwrap_or_default();
        let name = if name.starts_with("functions.") { "tool" } else { name };
        let role = roles::role(name)?;
        if role == Role::Assistant {
            let channel = head.split_once("<|channel|>").map_or("final", |(_, channel)| channel);
            let head = if channels.is_empty() { "" } else { "<|start|>assistant" };
            let part = part.strip_prefix(name).unwrap_or(part);
            channels = format!("{channels}{head}{part}");
            if !channel.starts_with("final") {
                continue;
            }
        }
        let said =
            ["<|end|>", "<|return|>", "<|call|>"].iter().find_map(|end| said.split_once(end)).map_or(said, |(said, _)| said);
        channels = if role == Role::Assistant { channels } else { String::new() };
        turns.push(Message { role, content: said.trim().to_owned() });
    }
    if !channels.is_empty() && turns.last().is_none_or(|turn| turn.role != Role::Assistant) {
        turns.push(Message { role: Role::Assistant, content: String::new() });
    }
    // The last turn keeps its channels.
    if let Some(last) = turns.last_mut().filter(|last| last.role == Role::Assistant && channels.contains("<|channel|>")) {
        last.content = channels.trim().to_owned();
    }
    let asks = turns.iter().any(|turn| turn.role == Role::User && !turn.content.is_empty());
    (asks && turns.first()?.role != Role::Assistant).then_some(turns)
}

/// Reads turns that begin with words, the user's first.
fn worded(text: &str, [user, assistant]: [&str; 2]) -> Option<Vec<Message>> {
    let inline = user == "USER:";
    let text = text.trim_start();
    // Alpaca's template has a preamble, and so may any whose last head is left open.
    let open = user.starts_with('#') && text.trim_end().ends_with(assistant);
    let preamble = inline && text.starts_with(VICUNA) || user == "### Instruction:" && text.starts_with(ALPACA) || open;
    let opens = if preamble { text.find(user) } else { None };
    let (system, text) = match opens {
        Some(at) => (Some(text[..at].trim()).filter(|system| !system.is_empty()), &text[at..]),
        None => (None, text),
    };
    if !text.starts_with(user) {
        return None;
    }
    let begins = |at: &usize| {
        let before = &text[..*at];
        let line = before.trim_end_matches([' ', '\t']);
        line.is_empty() || line.ends_with('\n') || inline && before.ends_with([' ', '>'])
    };
    let marks = [(user, Role::User), (assistant, Role::Assistant)];
    let heads = marks.into_iter().flat_map(|(mark, role)| {
        text.match_indices(mark).map(|(at, _)| at).filter(begins).map(move |at| (at..at + mark.len(), role))
    });
    let turns = turns(text, heads.collect())?;
    let system = system.map(|content| Message { role: Role::System, content: content.to_owned() });
    Some(system.into_iter().chain(turns).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<(&'static str, String)>> {
        transcript(text).map(|read| read.turns.into_iter().map(|turn| (turn.role.as_str(), turn.content)).collect())
    }

    fn is(text: &str, expected: &[(&'static str, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(role, said)| (*role, (*said).to_owned())).collect();
        assert_eq!(read(text), Some(expected), "{text}");
    }

    #[test]
    fn transcripts_are_split_at_their_speakers() {
        is(
            "\n\nHuman: Hi, says\n\nthe man\n\nAssistant: Hello.\n\nHuman:\n\nAssistant: Yes?",
            &[("user", "Hi, says\n\nthe man"), ("assistant", "Hello."), ("user", ""), ("assistant", "Yes?")],
        );
        for text in [
            "The sky is blue.",
            "",
            "He said \"Human: hi\".\n\nHuman: x\n\nAssistant: y",
            "\nHumans: they\n\nAssistant: y",
            "<|im_start|>assistant\nan answer<|im_end|>",
            "<|im_start|>wizard\na spell",
            "<|assistant|>\nan answer",
            "[INST] never closed",
            "Use [INST] and [/INST].",
            "<|start|>wizard<|message|>a spell",
            "<|start|>assistant<|message|>an answer",
            "Here:\n### Instruction:\nx\n### Response:\ny",
            "<div>User: x</div>",
        ] {
            assert_eq!(transcript(text), None, "{text}");
        }
    }

    #[test]
    fn templates_of_many_families_are_read() {
        let all = [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello")];
        for text in [
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello",
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHello",
            "<|begin_of_text|><|header_start|>system<|header_end|>\n\nBe brief.<|eot|><|header_start|>user<|header_end|>\n\nHi<|eot|><|header_start|>assistant<|header_end|>\n\nHello",
            "<|system|>\nBe brief.</s>\n<|user|>\nHi</s>\n<|assistant|>\nHello",
            "<|system|>Be brief.<|end|><|user|>Hi<|end|><|assistant|>Hello",
            "<BOS_TOKEN><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>Be brief.<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>Hi<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>Hello",
            "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello",
            "<s>[SYSTEM_PROMPT]Be brief.[/SYSTEM_PROMPT][INST]Hi[/INST]Hello",
            "<extra_id_0>System\nBe brief.\n<extra_id_1>User\nHi\n<extra_id_1>Assistant\nHello",
            "[|system|]Be brief.[|endofturn|]\n[|user|]Hi\n[|assistant|]Hello",
            "<|start_of_role|>system<|end_of_role|>Be brief.<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>Hi<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>Hello",
        ] {
            is(text, &all);
        }
        let turns = [("user", "Hi"), ("assistant", "Hello"), ("user", "Joke?"), ("assistant", "Knock.")];
        for text in [
            "<bos><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\nHello<end_of_turn>\n<start_of_turn>user\nJoke?<end_of_turn>\n<start_of_turn>model\nKnock.",
            "<\u{ff5c}begin\u{2581}of\u{2581}sentence\u{ff5c}><\u{ff5c}User\u{ff5c}>Hi<\u{ff5c}Assistant\u{ff5c}>Hello<\u{ff5c}end\u{2581}of\u{2581}sentence\u{ff5c}><\u{ff5c}User\u{ff5c}>Joke?<\u{ff5c}Assistant\u{ff5c}>Knock.",
            "<s>[INST] Hi [/INST] Hello</s><s>[INST] Joke? [/INST] Knock.",
            "User: Hi\nAssistant: Hello\nUser: Joke?\nAssistant: Knock.",
            "User: Hi\n\nAssistant: Hello\n\nUser: Joke?\n\nAssistant: Knock.",
            "USER: Hi ASSISTANT: Hello</s>USER: Joke? ASSISTANT: Knock.",
            "### Human: Hi\n### Assistant: Hello\n### Human: Joke?\n### Assistant: Knock.",
            "### Instruction:\nHi\n\n### Response:\nHello\n\n### Instruction:\nJoke?\n\n### Response:\nKnock.",
            "Human: Hi\nAI: Hello\nHuman: Joke?\nAI: Knock.",
            "\n Human: Hi\n\n Assistant: Hello\n \n Human: Joke?\n\n Assistant: Knock.",
            " User: Hi\n Assistant: Hello\n User: Joke?\n Assistant: Knock.",
            "<|start|>user<|message|>Hi<|end|><|start|>assistant<|channel|>analysis<|message|>Greet.<|end|><|start|>assistant<|channel|>final<|message|>Hello<|end|><|start|>user<|message|>Joke?<|end|><|start|>assistant<|message|>Knock.",
        ] {
            is(text, &turns);
        }
        let vicuna = "A chat between a curious user and an assistant.";
        is(&format!("{vicuna} USER: Hi ASSISTANT: Hello"), &[("system", vicuna), ("user", "Hi"), ("assistant", "Hello")]);
        is(
            &format!("{ALPACA}.\n\n### Instruction:\nHi\n\n### Response:\nHello"),
            &[("system", &format!("{ALPACA}.")), ("user", "Hi"), ("assistant", "Hello")],
        );
        is("Be kind.\n\n### User:\nHi\n\n### Assistant:\n", &[("system", "Be kind."), ("user", "Hi"), ("assistant", "")]);
        is(
            "<|start|>system<|message|>Reasoning: low<|end|><|start|>user<|message|>Hi<|end|><|start|>assistant",
            &[("system", "Reasoning: low"), ("user", "Hi"), ("assistant", "")],
        );
        let whole = "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>Hello<|return|>";
        is(&format!("<|start|>user<|message|>Hi<|end|><|start|>assistant{whole}"), &[("user", "Hi"), ("assistant", whole)]);
        // The token after the answer is removed elsewhere, where the removal is reported.
        is("<|user|>Hi<|end|><|assistant|>Hello<|end|>", &[("user", "Hi"), ("assistant", "Hello<|end|>")]);
        is("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant", &[("user", "Hi"), ("assistant", "")]);
    }
}
