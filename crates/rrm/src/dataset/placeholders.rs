//! A prompt's text -> the mark of a picture, a film or a sound in it: a token of a model, a tag, or an address.
//!
//! | mark | what is done |
//! |---|---|
//! | a model's own token, `<start_of_image>`, `<\|image_1\|>`, `[IMG_BREAK]`, or a picture as base64 | refused anywhere |
//! | `<image>`, `[IMG]` | refused where the text begins or ends with it, else told |
//! | a picture of Markdown, HTML or BBCode by its address | refused where a short text begins or ends with it, else told |
//!
//! A mark in backticks, quotation marks or a fence is only mentioned, and so is one that the text speaks of as markup (`markup_talk`).

use std::ops::Range;

use super::{
    markup_talk::{MarkForm, is_subject},
    pictures::{KINDS, is_named},
    sides::parts,
};

/// Most characters beside a picture's address in a prompt that is about the picture.
const SHORT: usize = 200;

/// Most bytes of a picture as base64 that shows how a picture is written.
const DATA: usize = 100;

/// Most bytes of a mark with its address.
const LONGEST: usize = 600;

/// Most marks of one sort in a text that are looked at. Whether a mark is only mentioned depends on all the text before it.
const MOST: usize = 64;

/// A mark that may stand for a picture, at a place where it is not only mentioned.
#[derive(Clone, Debug)]
struct PictureMark {
    at: Range<usize>,
    kind: MarkKind,
    form: MarkForm,
}

/// Returns the mark that shows that a text is about something that is no text.
pub(super) fn placed(text: &str) -> Option<&str> {
    let text = text.trim();
    let marks = marks(text);
    let ends = |at: &Range<usize>| at.start == 0 || at.end == text.len();
    let short = |at: &Range<usize>| text[..at.start].chars().count() + text[at.end..].chars().count() <= SHORT;
    let stands = |mark: &&PictureMark| match (mark.kind, mark.form) {
        (MarkKind::Own, _) => true,
        (MarkKind::Plain, MarkForm::Address) => ends(&mark.at) && short(&mark.at),
        (MarkKind::Plain, _) => ends(&mark.at),
        (MarkKind::Word, _) => false,
    };
    let found = marks.iter().filter(stands).find(|mark| !is_spoken_of(text, &marks, mark));
    found.map(|mark| &text[mark.at.clone()])
}

/// Returns whether a text speaks of a mark as markup. The bytes of a picture are no markup.
fn is_spoken_of(text: &str, marks: &[PictureMark], mark: &PictureMark) -> bool {
    let is_long =
        mark.form == MarkForm::Address && text[mark.at.end..].bytes().take_while(|byte| is_base64(*byte)).count() > DATA;
    !is_long && is_subject(text, &mark.at, &run(text, marks, mark), mark.form)
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b";,+/=%-_".contains(&byte)
}

/// Returns the place of a mark and of all marks that only blanks part from it.
fn run(text: &str, marks: &[PictureMark], mark: &PictureMark) -> Range<usize> {
    let mut run = mark.at.clone();
    let joined = |from: usize, to: usize| from <= to && text[from..to].trim_matches([' ', '\t']).is_empty();
    while let Some(next) = marks.iter().find(|next| next.at.end > run.end && joined(run.end, next.at.start)) {
        run.end = next.at.end;
    }
    while let Some(last) = marks.iter().find(|last| last.at.start < run.start && joined(last.at.end, run.start)) {
        run.start = last.at.start;
    }
    run
}

/// Returns the marks of a text that are not only mentioned.
fn marks(text: &str) -> Vec<PictureMark> {
    if !text.contains(['<', '[', ']']) {
        return Vec::new();
    }
    const OWN: [&str; 4] = ["](data:image/", "](data:audio/", "<im_start><image>", "<im_start><im_patch>"];
    let own = OWN.into_iter().flat_map(|mark| text.match_indices(mark).take(MOST).map(|(at, _)| at..at + mark.len()));
    let own = own.filter(|at| !is_mentioned(text, at));
    let own = own.map(|at| PictureMark {
        form: if text[at.clone()].starts_with(']') { MarkForm::Address } else { MarkForm::Token },
        kind: MarkKind::Own,
        at,
    });
    let tokens = tokens(text).map(|(at, kind)| PictureMark { form: form(&text[at.clone()], kind), at, kind });
    let address = |at| PictureMark { at, kind: MarkKind::Plain, form: MarkForm::Address };
    let named = named(text).map(|at| PictureMark { at, kind: MarkKind::Own, form: MarkForm::Address });
    own.chain(tokens).chain(addresses(text).into_iter().map(address)).chain(named).collect()
}

/// Returns the form of a token: `<image>` and what is numbered stand for pictures, `<img>` and `<video>` are elements of HTML too.
fn form(token: &str, kind: MarkKind) -> MarkForm {
    let digits = token.bytes().any(|byte| byte.is_ascii_digit());
    let image = token.trim_matches(['<', '>', '/', ' ']).to_lowercase().starts_with("image");
    if kind == MarkKind::Own || digits || image { MarkForm::Token } else { MarkForm::Element }
}

/// Returns a note about what may stand for a picture in a text.
pub(super) fn doubtful(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let told = |(at, kind): (Range<usize>, MarkKind)| kind != MarkKind::Word || at.start == 0 || at.end == text.len();
    if tokens(text).any(told) {
        return Some(
            "a prompt holds a tag such as `<image>` or `[IMG]`; it is read as text, and if it stands for a picture, the judge does not see it",
        );
    }
    let starts = text.match_indices(['<', '[']);
    if starts.filter(|(at, _)| token(&text[*at..]).is_some()).nth(MOST).is_some() {
        return Some(
            "a prompt holds so many tags of pictures that not all are looked at; the judge does not see what one may stand for",
        );
    }
    let linked = !addresses(text).is_empty();
    linked.then_some("a prompt shows a picture by its address, in Markdown or HTML; the judge does not see the picture")
}

/// Returns the first tag of a picture in a text that does not speak of the tag.
pub(super) fn tag(text: &str) -> Option<&str> {
    let marks = marks(text);
    let tags = marks.iter().filter(|mark| mark.kind != MarkKind::Word && mark.form != MarkForm::Address);
    tags.map(|mark| (mark, &text[mark.at.clone()])).find(|(mark, _)| !is_spoken_of(text, &marks, mark)).map(|(_, tag)| tag)
}

/// The certainty that a token stands for a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MarkKind {
    /// A model's own token.
    Own,
    /// A name that may be markup: `<image>`, `[IMG]`.
    Plain,
    /// A word in brackets that may be filled in: `[Image]`.
    Word,
}

/// Returns the tokens of a text that are not only mentioned.
fn tokens(text: &str) -> impl Iterator<Item = (Range<usize>, MarkKind)> {
    let starts = text.match_indices(['<', '[']).map(|(at, _)| at);
    let found = starts.filter_map(|at| token(&text[at..]).map(|(length, kind)| (at..at + length, kind)));
    found.take(MOST).filter(|(at, _)| !is_mentioned(text, at))
}

/// Returns the length and the kind of the token at the beginning of `text`: `<image>`, `<image_1>`, `<|video|>`, `<audio 2>`, `[IMG]`. Tags with
/// attributes are markup and are none.
fn token(text: &str) -> Option<(usize, MarkKind)> {
    const EXACT: [&str; 4] = ["IMG_CONTEXT", "ImageHere", "im_patch", "IMAGE_TOKEN"];
    let shut = if text.starts_with('[') { b']' } else { b'>' };
    let end = text.bytes().take(48).position(|byte| byte == shut)?;
    let inner = &text[1..end];
    // A link, and the closing tag of a pair.
    let link = shut == b']' && text[end + 1..].starts_with(['(', '[', ':']);
    if inner.starts_with('/') || link {
        return None;
    }
    let barred = inner.starts_with(['|', '\u{ff5c}']);
    let name = inner.trim_matches(['|', '\u{ff5c}', '/', ' ']);
    let written = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '\u{2581}') || c == ' ' && !barred;
    if !name.chars().all(written) || name.is_empty() {
        return None;
    }
    let words: Vec<String> = parts(name).iter().map(|word| word.to_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
    let kinds = words.iter().filter(|word| is_kind(word) || barred && ["media", "vision"].contains(word)).count();
    let marks = words.iter().filter(|word| is_mark(word)).count();
    let others = words.len() - kinds - marks - words.iter().filter(|word| number(word)).count();
    let upper = !name.contains(char::is_lowercase);
    let kind = match (kinds, marks, others) {
        _ if EXACT.contains(&name) => MarkKind::Own,
        (0, ..) => return None,
        (_, _, 1..) => return None,
        // `[IMG_BREAK]`, and not a word of a form to be filled in.
        (_, 1.., 0) if shut == b']' => (upper && name.contains('_')).then_some(MarkKind::Own)?,
        (_, 0, 0) if shut == b']' => match name {
            "IMG" | "AUDIO" => MarkKind::Plain,
            _ => MarkKind::Word,
        },
        _ if barred => MarkKind::Own,
        (_, 1.., 0) => name.contains('_').then_some(MarkKind::Own)?,
        _ => MarkKind::Plain,
    };
    Some((end + 1, kind))
}

fn is_kind(word: &str) -> bool {
    KINDS.contains(&word) || ["vision", "speech", "sound"].contains(&word)
}

/// Returns whether a word says which part of a picture's tokens a token is.
fn is_mark(word: &str) -> bool {
    const MARKS: [&str; 21] = [
        "start",
        "end",
        "begin",
        "of",
        "pad",
        "padding",
        "placeholder",
        "soft",
        "token",
        "tokens",
        "patch",
        "fake",
        "around",
        "bos",
        "eos",
        "break",
        "newline",
        "sep",
        "sentinel",
        "content",
        "embed",
    ];
    MARKS.contains(&word)
}

/// Returns the places of pictures that are shown by an address which ends like a picture's file.
fn addresses(text: &str) -> Vec<Range<usize>> {
    let markdown = text.match_indices("![").filter_map(|(at, _)| {
        let near = near(&text[at..]);
        let open = near.find("](")? + 2;
        let close = open + near[open..].find(')')?;
        let address = near[open..close].split_whitespace().next()?.trim_matches(['<', '>']);
        is_named(address).then_some(at..at + close + 1)
    });
    let html = text.match_indices(['<']).filter_map(|(at, _)| {
        let near = near(&text[at..]);
        let lower = near.to_ascii_lowercase();
        let rest = ["<img", "<image", "<video", "<audio"].iter().find_map(|name| lower.strip_prefix(name))?;
        let end = near.find('>').filter(|_| rest.starts_with(char::is_whitespace))?;
        let source = lower[..end].find("src=").or_else(|| lower[..end].find("href="))?;
        let address = near[source..end].split_once('=')?.1.trim_matches(['"', '\'', '/', ' ']);
        let address = address.split(['"', '\'']).next()?;
        is_named(address).then_some(at..at + end + 1)
    });
    let bbcode = text.match_indices('[').filter_map(|(at, _)| {
        let near = near(&text[at..]).to_ascii_lowercase();
        let end = near.strip_prefix("[img]")?.find("[/img]")? + 5;
        is_named(&near[5..end]).then_some(at..at + end + 6)
    });
    markdown.take(MOST).chain(html.take(MOST)).chain(bbcode.take(MOST)).filter(|at| !is_mentioned(text, at)).collect()
}

/// Returns the place of `<img>` around a file's name, as Qwen-VL writes it.
fn named(text: &str) -> Option<Range<usize>> {
    let at = text.find("<img>")?;
    let (path, _) = text[at + 5..].split_once("</img>")?;
    (is_named(path) && !is_mentioned(text, &(at..at + 5))).then_some(at..at + 5)
}

/// Returns whether a place is in quotation marks, in inline code or in a fence.
fn is_mentioned(text: &str, at: &Range<usize>) -> bool {
    let (before, after) = (&text[..at.start], &text[at.end..]);
    let quoted = |c: char| "\"'\u{201c}\u{201d}\u{201e}\u{2018}\u{2019}\u{ab}\u{bb}".contains(c);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let code = line.matches('`').count() % 2 == 1 && after.lines().next().is_some_and(|line| line.contains('`'));
    let fences = before.lines().filter(|line| line.trim_start().starts_with("```")).count();
    // "An <image> tag".
    let next = after.trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let spoken_of = ["tag", "tags", "element", "elements", "token", "tokens", "placeholder", "placeholders"].contains(&next);
    before.ends_with(quoted) && after.starts_with(quoted) || code || fences % 2 == 1 || spoken_of
}

fn near(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_bounded_in_a_text_of_nothing_but_marks() {
        // With work for each mark on all the text before it, this would take hours. Marks that are not looked at are told.
        for mark in ["<image> ", "[IMG] ", "`<image>` ", "![a](b.png) ", "<img src=\"a.png\"> ", "](data:image/ "] {
            let text = format!("Look. {}", mark.repeat(100_000));
            assert!(placed(&text).is_some() || doubtful(&text).is_some(), "{mark}");
        }
    }

    #[test]
    fn a_prompt_about_a_picture_is_told_from_one_about_marks() {
        for text in [
            "<start_of_image> What is in the picture?",
            "See <start_of_image> here.",
            "<image_soft_token>Hi",
            "a <|image_1|> b",
            "<|vision_start|><|image_pad|><|vision_end|>What?",
            "<|begin_of_image|>What?",
            "<|media_start|>image<|media_content|>What?",
            "<|AUDIO|> What?",
            "<img><IMG_CONTEXT></img> What?",
            "<ImageHere>What?",
            "<im_start><image><im_end>\nWhat?",
            "<fake_token_around_image>What?",
            "[IMG] What is this?",
            "[IMG][IMG_BREAK][IMG_END]What?",
            "What is this?\n[IMG]",
            "<image>\nWhat?",
            "<image 2> What?",
            "What?\n<audio>",
            "<img src=\"a.png\"> What is this?",
            "What is this? <IMG alt='x' src='https://a/b.jpg?w=1'/>",
            "![x](http://a/b.png) What is this?",
            "What is this?\n![a picture](pics/1.jpeg \"title\")",
            "[img]http://a/b.gif[/img] Who?",
            "See ![x](data:image/png;base64,iVBO) here.",
            "Picture 1: <img>a.png</img>\nWhat?",
        ] {
            assert!(placed(text).is_some(), "{text}");
        }
        let long = "word ".repeat(60);
        for (text, told) in [
            ("What is <image> in SVG?".to_owned(), true),
            ("Replace [IMG] in it.".to_owned(), true),
            (format!("{long}![x](a.png)"), true),
            (format!("Explain: <p><img src=\"a.png\"></p> {long}"), true),
            ("Write a post. [Image]".to_owned(), true),
            ("What does `[IMG]` mean in Pixtral?".to_owned(), false),
            ("What does \"<start_of_image>\" mean?".to_owned(), false),
            ("`<image>` or `<img src=\"a.png\">`?".to_owned(), false),
            ("Draw an <image> tag in SVG.".to_owned(), false),
            ("Fix this:\n```html\n<img src=\"a.png\">\n![x](a.png)\n<image>\n```".to_owned(), false),
            ("<img src=\"a.php\"> and ![x](https://a/b) and [image](a.png)".to_owned(), false),
            ("<ImageView> <ImageContent> </image> <imagine> [image of a cat] a[0] < b >".to_owned(), false),
            ("<|im_start|>user".to_owned(), false),
        ] {
            assert_eq!((placed(&text), doubtful(&text).is_some()), (None, told), "{text}");
        }
    }
}
