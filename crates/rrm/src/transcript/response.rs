//! A response as a program wrote it -> the text that is judged: without leading thinking, and without the tokens that a tokenizer puts around a text.
//!
//! Only parts at the ends are removed, and the removal is reported. A text that mentions such marks keeps them.

use std::borrow::Cow;

use super::{
    leading::details,
    marks::{self, Harmony, Mark},
};

/// Text in place of a response whose thinking never ended, so that it has no answer. The training code of the paper shows the judge the same words.
pub const NO_ANSWER: &str = "[NO ANSWER]";

/// The part of a response that is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedText<'a> {
    /// The text.
    pub text: Cow<'a, str>,
    /// Parts that were removed: tokens as they were written, each once, and [`THINKING`].
    pub taken_off: Vec<String>,
    /// Whether there is an answer, and if not, why.
    pub ending: ResponseEnding,
}

/// The ending of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseEnding {
    /// The response has an answer, which may be empty, or began without thinking.
    Answered,
    /// The thinking ended, and no text follows.
    Silent,
    /// The thinking never ended.
    Unfinished,
}

/// Name of thinking in [`JudgedText::taken_off`].
pub const THINKING: &str = "thinking";

/// Tokens that end or pad a text, of the model families whose policies are trained and judged.
const TOKENS: [&str; 63] = [
    // ChatML, Qwen, GPT-2 and their kin
    "<|im_end|>",
    "<|endoftext|>",
    "<|im_sep|>",
    "<|EOT|>",
    "<|pad|>",
    "<|padding|>",
    // Qwen-VL
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<|audio_pad|>",
    // Llama 3 and 4
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|begin_of_text|>",
    "<|finetune_right_pad_id|>",
    "<|finetune_right_pad|>",
    "<|eot|>",
    "<|eom|>",
    // Llama 2, Mistral, sentencepiece
    "</s>",
    // Llama 2 has no padding token.
    "<unk>",
    "<pad>",
    "[PAD]",
    "[EOS]",
    "[SEP]",
    // Cohere
    "<|END_OF_TURN_TOKEN|>",
    "<|START_RESPONSE|>",
    "<|END_RESPONSE|>",
    "<EOS_TOKEN>",
    "<BOS_TOKEN>",
    "<PAD>",
    "<EOP_TOKEN>",
    // Gemma
    "<end_of_turn>",
    "<turn|>",
    "<eos>",
    "<bos>",
    // Phi, GPT-OSS, Granite, OLMo
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|end_of_role|>",
    // DeepSeek
    "<\u{ff5c}end\u{2581}of\u{2581}sentence\u{ff5c}>",
    "<|end\u{2581}of\u{2581}sentence|>",
    "<\u{ff5c}begin\u{2581}of\u{2581}sentence\u{ff5c}>",
    "<\u{ff5c}\u{2581}pad\u{2581}\u{ff5c}>",
    "<|end_of_sentence|>",
    // GLM, Seed, Apertus, EXAONE, Kimi
    "<|observation|>",
    "<|user|>",
    "<seed:eos>",
    "<seed:bos>",
    "<seed:pad>",
    "<|assistant_end|>",
    "[|endofturn|]",
    "<eod>",
    "<EOD>",
    "<|eos|>",
    // OpenChat, InternLM, Ling, Kimi, MiniMax, dots, Grok, Nemotron
    "<|end_of_turn|>",
    "<eoa>",
    "<|role_end|>",
    "[EOT]",
    "[e~[",
    "<|endofresponse|>",
    "<|endofassistant|>",
    "<|separator|>",
    "<extra_id_1>",
];

/// Numbered tokens, by the text before and after their numbers.
const NUMBERED: [(&str, &str); 10] = [
    ("<|reserved_special_token_", "|>"),
    ("<|dummy_", "|>"),
    ("<|reserved_", "|>"),
    ("<|extra_", "|>"),
    ("<reserved_", ">"),
    ("<unused", ">"),
    ("<SPECIAL_", ">"),
    ("[UNUSED_TOKEN_", "]"),
    ("<\u{ff5c}place\u{2581}holder\u{2581}no\u{2581}", "\u{ff5c}>"),
    ("<\u{ff5c}hy_place\u{2581}holder\u{2581}no\u{2581}", "\u{ff5c}>"),
];

/// Heads of an assistant's turn, which stand before a text whose prompt was not removed exactly.
const HEADS: [&str; 13] = [
    "<|im_start|>assistant",
    "<|start_header_id|>assistant<|end_header_id|>",
    "<|header_start|>assistant<|header_end|>",
    "<start_of_turn>model",
    "<|turn>model",
    "<|start|>assistant<|channel|>final<|message|>",
    "<|assistant|>",
    "<\u{ff5c}Assistant\u{ff5c}>",
    "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
    "<|start_of_role|>assistant<|end_of_role|>",
    "<extra_id_1>Assistant",
    "[|assistant|]",
    "[/INST]",
];

/// Returns the part of `response` that is judged. A text without tokens at its ends and without leading thinking stays the same, to the byte.
pub fn bare(response: &str) -> JudgedText<'_> {
    let mut taken_off: Vec<String> = Vec::new();
    let text = without_tokens(response, &mut taken_off);
    let Some(answer) = behind_thinking(text) else {
        return JudgedText { text: Cow::Borrowed(text), taken_off, ending: ResponseEnding::Answered };
    };
    taken_off.push(THINKING.to_owned());
    // Between thinking and answer there may be another head.
    let text = answer.map(|answer| without_tokens(answer, &mut taken_off).trim_start());
    match text {
        Some(text) if !text.trim().is_empty() => {
            JudgedText { text: Cow::Borrowed(text), taken_off, ending: ResponseEnding::Answered }
        }
        Some(_) => JudgedText { text: Cow::Borrowed(NO_ANSWER), taken_off, ending: ResponseEnding::Silent },
        None => JudgedText { text: Cow::Borrowed(NO_ANSWER), taken_off, ending: ResponseEnding::Unfinished },
    }
}

/// Returns the text without tokens, and the white space around them, at both ends.
fn without_tokens<'a>(mut text: &'a str, taken_off: &mut Vec<String>) -> &'a str {
    // In HTML, `<s>` strikes text out; then it is no token of a tokenizer.
    let struck = text.contains("<s>");
    let mut took = |token: &str| {
        if !taken_off.iter().any(|known| known == token) {
            taken_off.push(token.to_owned());
        }
    };
    while let Some((shorter, token)) = last_token(text.trim_end()).filter(|(_, token)| !(struck && *token == "</s>")) {
        took(token);
        text = shorter;
    }
    while let Some((shorter, token)) = first_token(text.trim_start()) {
        took(token);
        text = shorter;
    }
    text
}

/// Returns the token at the end of a text, and the text before it.
fn last_token(text: &str) -> Option<(&str, &str)> {
    // All tokens end with one of these characters.
    if !text.ends_with(['>', ']', '[']) {
        return None;
    }
    let known = TOKENS.iter().find_map(|token| Some((text.strip_suffix(token)?, *token)));
    let numbered = |(front, end): &(&str, &str)| {
        let head = text.strip_suffix(end)?.trim_end_matches(|c: char| c.is_ascii_digit());
        let before = head.strip_suffix(front).filter(|_| head.len() + end.len() < text.len())?;
        Some(text.split_at(before.len()))
    };
    known.or_else(|| NUMBERED.iter().find_map(numbered))
}

/// Returns the token or head at the beginning of a text, and the text after it, without the line break of a head.
fn first_token(text: &str) -> Option<(&str, &str)> {
    // All tokens and heads begin with one of these characters.
    if !text.starts_with(['<', '[']) {
        return None;
    }
    if let Some(head) = HEADS.iter().find(|head| text.starts_with(**head)) {
        return Some((text[head.len()..].trim_start_matches(['\n', '\r']), head));
    }
    TOKENS.iter().filter(|token| !["</s>", "<unk>"].contains(token)).find_map(|token| Some((text.strip_prefix(token)?, *token)))
}

/// Returns the text after the thinking that a response begins with: `Some(None)` if the thinking never ends, `None` if there is no leading thinking.
///
/// If a chat template opened the thinking, only its closing mark is there. It counts where a line ends or begins, behind a word without a space, or
/// between two sentences: a text that mentions the mark does not write it so.
fn behind_thinking(response: &str) -> Option<Option<&str>> {
    match marks::harmony(response) {
        Some(Harmony::Final { answer, .. }) => return Some(Some(answer)),
        // The bare word may begin any text.
        Some(Harmony::Open) if response.trim_start().starts_with("<|") => return Some(None),
        _ => {}
    }
    let begun = response.trim_start();
    let details = || details(begun).map(|length| Mark { length, close: "</details>".to_owned() });
    if let Some(mark) = marks::opening(begun).or_else(details).filter(|mark| is_private(&begun[..mark.length])) {
        let ends = marks::ends_of(begun, &mark.close);
        let last = ends.iter().rfind(|(start, end)| is_mark(begun, *start, *end));
        return Some(last.or_else(|| ends.first()).map(|(_, end)| &begun[*end..]));
    }
    let mut closings = marks::closings(response).filter(|(start, end)| is_private(&response[*start..*end]));
    let (start, end) = closings.find(|(start, end)| is_mark(response, *start, *end))?;
    let before = &response[..start];
    let speaks =
        before.char_indices().any(|(at, c)| matches!(c, '<' | '[' | '\u{25c1}') && marks::opening(&before[at..]).is_some());
    (!speaks).then(|| Some(&response[end..]))
}

/// Returns whether a mark is one that a model or its chat program sets by itself. `<reasoning>`, `[thinking]` or a phrase may be part of the answer
/// that was asked for.
fn is_private(mark: &str) -> bool {
    let name = mark.to_ascii_lowercase();
    if name.starts_with("<details") {
        return name.contains("\"reasoning\"");
    }
    let bracketed = !mark.starts_with('[') || matches!(mark, "[THINK]" | "[/THINK]");
    bracketed
        && (!mark.contains(' ') || !mark.starts_with(char::is_alphabetic))
        && (is_of_thinking(&name) || name.contains("inner_") || name.contains("channel|"))
}

/// Returns whether a tag in lower case is named after thinking, as `<begin_of_thought>` is; `<thinkers>` is an element of the answer.
fn is_of_thinking(tag: &str) -> bool {
    const NAMES: &str = "think thinking thought thoughts antthinking thinkingprocess thoughtprocess innerthought";
    const BESIDE: &str = "begin end of start stop open close prefix suffix inner internal my seed process block chain step solution content channel response unused lt gt";
    let name = tag.trim_start_matches(|c: char| !c.is_alphanumeric()).split_whitespace().next().unwrap_or_default();
    let parts = || name.split(|c: char| !c.is_alphabetic()).filter(|part| !part.is_empty());
    let is_of = |list: &str, part: &str| list.split(' ').any(|one| one == part);
    parts().any(|part| is_of(NAMES, part)) && parts().all(|part| is_of(NAMES, part) || is_of(BESIDE, part))
}

/// Returns whether a mark at this place closes thinking, and is not only mentioned.
fn is_mark(text: &str, start: usize, end: usize) -> bool {
    let (before, after) = (&text[..start], &text[end..]);
    let quoted = |c: char| "\"'`\u{201c}\u{201d}\u{2018}\u{2019}\u{ab}\u{bb}()".contains(c);
    if before.ends_with(quoted) || after.starts_with(quoted) || before.matches("```").count() % 2 == 1 {
        return false;
    }
    let line_begins = before.trim_end_matches([' ', '\t']).ends_with('\n');
    let line_ends = {
        let rest = after.trim_start_matches([' ', '\t']);
        rest.is_empty() || rest.starts_with(['\n', '\r'])
    };
    // A text that mentions a mark writes a space before it; after the end of a sentence the mark would begin the next one.
    let glued = before.ends_with(|c: char| c.is_alphanumeric() || is_sentence_end(c))
        || before.ends_with(|c: char| !c.is_whitespace()) && after.starts_with(|c: char| !c.is_whitespace() && c != '\\');
    let between = before.trim_end().ends_with(is_sentence_end)
        && after.trim_start().starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit());
    line_begins || line_ends || glued || between
}

fn is_sentence_end(c: char) -> bool {
    ".!?\u{2026}\u{3002}\u{ff01}\u{ff1f}".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(response: &str) -> String {
        bare(response).text.into_owned()
    }

    #[test]
    fn tokens_and_heads_begin_and_end_with_brackets() {
        let numbered = NUMBERED.iter().flat_map(|(front, end)| [(*front, true), (*end, false)]);
        let heads = HEADS.iter().map(|head| (*head, true));
        let tokens = TOKENS.iter().flat_map(|token| [(*token, true), (*token, false)]);
        for (text, begins) in numbered.chain(heads).chain(tokens) {
            assert!(if begins { text.starts_with(['<', '[']) } else { text.ends_with(['>', ']', '[']) }, "{text}");
        }
    }

    #[test]
    fn a_text_that_speaks_of_marks_keeps_them() {
        for whole in [
            "Split at the closing tag: `reply.split('</think>')[-1].strip()`. Everything before that tag is reasoning.",
            "DeepSeek-R1 begins its reply with `<think>`; look for that tag.",
            "Everything after </think> is the answer.",
            "There are two tags. </think> closes.",
            "<thinkers>\n  <thinker>Plato</thinker>\n</thinkers>",
            "<ThinkPad>X1</ThinkPad> <rethink>a</rethink> <thinking_styles>a</thinking_styles> <afterthought>b</afterthought>",
            r#"re.sub(r"^.*</think>\s*", "", t)"#,
            "Split at </think>. Then go on.",
            "The tags are <think> and </think>.",
            "Write <think>\nhm\n</think>\nfirst.",
            "```\nhm\n</think>\nanswer\n```",
            "</think> \\boxed{Assistant 1}",
            "<reasoning>a</reasoning>\n<answer>4</answer>",
            "<details><summary>Reasoning</summary>a</details>\n4",
            "<analysis>a</analysis>4",
            "Thinking: a\n\nAnswer: 4",
            "[thinking] hm, no. Yes!",
            "analysisWe need no answer",
            "Here is my thought process: none.",
            "<s>old</s> new",
            "HTML: <s>old</s>",
            "",
            "  blanks stay \n",
            "It ends with `</s>`",
        ] {
            let bare = bare(whole);
            assert_eq!((&*bare.text, bare.taken_off, bare.ending), (whole, Vec::new(), ResponseEnding::Answered));
        }
    }

    #[test]
    fn leading_thinking_is_taken_off() {
        for response in [
            "<think>a</think>Yes.",
            "<think>a</think>b</think>\n\nYes.",
            "\n<think>\na\n</think>\n\nYes.",
            "a\n</think>\n\nYes.",
            "a</think>Yes.",
            "Okay.</think> Yes.",
            "Okay</think> Yes.",
            "Okay. </think> Yes.",
            "[THINK]a[/THINK]Yes.",
            "<think >a</think >Yes.",
            "&lt;think&gt;a&lt;/think&gt;Yes.",
            "<details type=\"reasoning\" done=\"true\">\n<summary>Thought for 3 seconds</summary>\na\n</details>\nYes.",
            "\u{25c1}think\u{25b7}a\u{25c1}/think\u{25b7}Yes.",
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>",
            "<|im_start|>assistant\n<think>a</think>\nYes.<|im_end|>\n<|endoftext|>",
        ] {
            let bare = bare(response);
            assert_eq!((&*bare.text, bare.ending), ("Yes.", ResponseEnding::Answered), "{response}");
            assert!(bare.taken_off.iter().any(|off| off == THINKING), "{response}");
        }
        assert_eq!(text("<think>plan</think>\nUse `reply.split('</think>')[-1]`."), "Use `reply.split('</think>')[-1]`.");
        assert_eq!(text("plan\n</think>\nUse `</think>` to split."), "Use `</think>` to split.");
        for (response, ending) in [
            ("<think>cut off", ResponseEnding::Unfinished),
            ("<think>a</think>  ", ResponseEnding::Silent),
            ("a\n</think>\n", ResponseEnding::Silent),
        ] {
            let bare = bare(response);
            assert_eq!((&*bare.text, bare.ending), (NO_ANSWER, ending), "{response}");
        }
    }

    #[test]
    fn tokens_of_many_families_are_taken_off_at_the_ends() {
        let numbered = [
            "<|reserved_special_token_3|>",
            "<|dummy_85|>",
            "<reserved_106>",
            "[UNUSED_TOKEN_145]",
            "<SPECIAL_12>",
            "<unused7>",
            "<|extra_0|>",
        ];
        for token in TOKENS.into_iter().chain(numbered) {
            for response in [format!("Yes.{token}"), format!("Yes.{token}\n{token}{token} ")] {
                let bare = bare(&response);
                assert_eq!((&*bare.text, &bare.taken_off[..]), ("Yes.", &[token.to_owned()][..]), "{response}");
            }
            let inside = format!("a {token} b");
            assert_eq!(text(&inside), inside);
        }
        for head in HEADS {
            assert_eq!(text(&format!("{head}\nYes.<|im_end|>")), "Yes.", "{head}");
        }
        assert_eq!(text("<pad><pad><bos>Yes.<eos><pad>"), "Yes.");
        assert_eq!(bare("Yes.<|vision_pad|><|im_end|><|vision_pad|>").taken_off, ["<|vision_pad|>", "<|im_end|>"]);
        assert_eq!(text("<|im_end|><|im_end|>"), "");
    }
}
