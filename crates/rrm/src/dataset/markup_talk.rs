//! A mark of a picture in a text, and the words around it -> whether the text speaks of the mark as markup, or the mark stands for a picture.
//!
//! | the mark | speaks of markup |
//! |---|---|
//! | is joined to another tag: `<video> vs <audio>` | always |
//! | is the argument of a type, or an element around words: `List<Image>`, `<speech>Dear friends, ...</speech>` | always |
//! | is part of a sentence: `What does <start_of_image> mean?` | beside a word such as `tag` or `token`, with a word such as `HTML` anywhere, or behind `How do` |
//! | stands alone, and has attributes or an address | with a word such as `HTML` or `attribute`, or closing tags of other elements |
//! | stands alone: `<img>`, `[IMG]` | with a word such as `HTML` |
//! | stands alone: `<image>`, a model's own token | never |
//!
//! A text that points at a picture, as in `this photo`, does not speak of markup.

use std::ops::Range;

use super::pictures::KINDS;

/// The form of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MarkForm {
    /// The name of an element or tag: `<img>`, `[IMG]`.
    Element,
    /// What data sets and models write in the place of a picture: `<image>`, `<|image_1|>`.
    Token,
    /// A tag with the address of a picture.
    Address,
}

/// Words of languages and tools of markup.
const LANGUAGES: [&str; 59] = [
    "accessibility",
    "angular",
    "autoplay",
    "awk",
    "bbcode",
    "beautifulsoup",
    "bootstrap",
    "browser",
    "browsers",
    "chat_template",
    "css",
    "django",
    "docker",
    "dockerfile",
    "grep",
    "haml",
    "href",
    "html",
    "html5",
    "javascript",
    "jekyll",
    "jquery",
    "js",
    "jsx",
    "markdown",
    "markup",
    "nextjs",
    "onclick",
    "onerror",
    "onload",
    "parser",
    "php",
    "phpbb",
    "reactjs",
    "regex",
    "rst",
    "scss",
    "sed",
    "selenium",
    "seo",
    "sglang",
    "src",
    "srcset",
    "stylesheet",
    "svelte",
    "svg",
    "syntax",
    "tailwind",
    "tokenization",
    "tokenizer",
    "tokenizers",
    "tsx",
    "vllm",
    "vue",
    "wordpress",
    "xhtml",
    "xml",
    "xpath",
    "xss",
];

/// Words for a mark itself. Pictures show tags and elements too, so they count beside the mark only.
const NAMES: [&str; 38] = [
    "\u{30bf}\u{30b0}",
    "\u{442}\u{435}\u{433}",
    "\u{6807}\u{7b7e}",
    "attribute",
    "attributes",
    "balise",
    "element",
    "elemento",
    "elements",
    "encode",
    "encodes",
    "escape",
    "etiqueta",
    "handle",
    "handles",
    "handling",
    "keyword",
    "literal",
    "marker",
    "mean",
    "meaning",
    "means",
    "parse",
    "parses",
    "placeholder",
    "placeholders",
    "snippet",
    "snippets",
    "string",
    "support",
    "supports",
    "symbol",
    "tag",
    "tags",
    "template",
    "token",
    "tokens",
    "vocabulary",
];

/// Words for parts of markup, which hardly any picture is asked about.
const PARTS: [&str; 7] = ["attribute", "attributes", "element", "elements", "snippet", "snippets", "tags"];

/// Words before a mark that stands for the place where something is seen.
const PLACES: [&str; 16] = [
    "at",
    "describe",
    "following",
    "from",
    "given",
    "here",
    "image",
    "in",
    "on",
    "photo",
    "picture",
    "see",
    "show",
    "this",
    "video",
    "view",
];

/// Words for what a picture shows as a whole, beside those for the picture itself.
const SCENES: [&str; 26] = [
    "chart",
    "clip",
    "design",
    "diagram",
    "document",
    "drawing",
    "figure",
    "graph",
    "icon",
    "layout",
    "meme",
    "mockup",
    "page",
    "painting",
    "photograph",
    "plot",
    "poster",
    "receipt",
    "recording",
    "scene",
    "screen",
    "sign",
    "sketch",
    "ui",
    "website",
    "wireframe",
];

/// Words for a picture that are used of nothing else.
const SHOTS: [&str; 7] = ["mockup", "photo", "photograph", "recording", "screenshot", "screenshots", "wireframe"];

/// Most words between a mark and a word for it.
const BESIDE: usize = 3;

/// Returns whether a text speaks of the mark at `at`. `run` is the place of the mark and of all marks that stand directly beside it.
pub(super) fn is_subject(text: &str, at: &Range<usize>, run: &Range<usize>, form: MarkForm) -> bool {
    if is_listed(text, at) || is_type(text, at) || form != MarkForm::Address && is_element(text, at) {
        return true;
    }
    let (before, after) = (&text[..run.start], &text[run.end..]);
    let all: Vec<String> = words(before).chain(words(after)).collect();
    let has = |list: &[&str]| all.iter().any(|word| list.contains(&word.as_str()));
    let of_language = (has(&LANGUAGES) || names_react(text)) && !points(&all, form);
    if form == MarkForm::Address && closes_others(text) && !points(&all, form) {
        return true;
    }
    if !stands_alone(before, after) {
        let asked_how = form == MarkForm::Element && asks_how(before) && !is_place(before) && !points(&all, form);
        return of_language || asked_how || is_beside(before, after);
    }
    match form {
        MarkForm::Address => of_language || has(&PARTS) && !points(&all, form),
        MarkForm::Element => of_language,
        MarkForm::Token => of_language && last_line(before).ends_with(':'),
    }
}

fn words(text: &str) -> impl DoubleEndedIterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// Returns whether a text names React, in capitals and not at its beginning: people react to films.
fn names_react(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).skip(1);
    words.any(|word| word == "React")
}

fn last_line(text: &str) -> &str {
    text.rsplit('\n').next().unwrap_or_default().trim()
}

fn first_line(text: &str) -> &str {
    text.split('\n').next().unwrap_or_default().trim()
}

/// Returns whether a mark between these texts is no part of a sentence.
fn stands_alone(before: &str, after: &str) -> bool {
    let (before, after) = (last_line(before), first_line(after));
    let ended = before.is_empty() || before.ends_with(['.', '?', '!', ':', '\u{3002}', '\u{ff1f}', '\u{ff01}', '\u{ff1a}']);
    let goes_on = after.starts_with(|c: char| c.is_lowercase() || ",;:)=-/?.!&|".contains(c));
    ended && !goes_on
}

/// Returns whether a word for a mark stands beside the mark, which no word before it makes a place.
fn is_beside(before: &str, after: &str) -> bool {
    let named = |word: &String| NAMES.contains(&word.as_str());
    let near = words(last_line(before)).rev().take(BESIDE).any(|word| named(&word));
    !is_place(before) && (near || words(first_line(after)).take(BESIDE).any(|word| named(&word)))
}

/// Returns whether the word before a mark makes the mark a place where something is seen.
fn is_place(before: &str) -> bool {
    words(last_line(before)).next_back().is_some_and(|word| PLACES.contains(&word.as_str()))
}

/// Returns whether the text before a mark asks how something is done, which is asked of elements and hardly of pictures.
fn asks_how(before: &str) -> bool {
    let mut words = words(before);
    let how = words.next().is_some_and(|word| word == "how");
    how && words.next().is_some_and(|word| ["can", "do", "does", "should", "to", "would"].contains(&word.as_str()))
}

/// Returns whether words point at something that is seen. Beside an address, `this picture` may be the one that the markup shows.
fn points(words: &[String], form: MarkForm) -> bool {
    const DEMONSTRATIVES: [&str; 12] =
        ["this", "these", "that", "those", "following", "attached", "above", "given", "provided", "shown", "uploaded", "both"];
    const INTO: [&str; 4] = ["in", "on", "from", "of"];
    let is_kind = |word: &str| KINDS.contains(&word);
    let is_seen = |word: &str| is_kind(word) || SCENES.contains(&word);
    let follows = |(at, word): (usize, &String)| {
        let pointed = DEMONSTRATIVES.contains(&word.as_str());
        let next = words.get(at + 1).map_or("", String::as_str);
        let within = at > 0 && INTO.contains(&words[at - 1].as_str()) && (pointed || word == "the");
        let pointed = pointed && (form != MarkForm::Address || !is_kind(next));
        (within || pointed) && is_seen(next)
    };
    words.iter().any(|word| SHOTS.contains(&word.as_str())) || words.iter().enumerate().any(follows)
}

/// Returns whether a text closes elements that are no pictures, so that it holds code.
fn closes_others(text: &str) -> bool {
    let name = |rest: &str| rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_lowercase();
    text.match_indices("</").any(|(at, _)| {
        let name = name(&text[at + 2..]);
        !name.is_empty() && !KINDS.contains(&name.as_str())
    })
}

/// Returns whether a mark is the argument of a generic type: `List<Image>`.
fn is_type(text: &str, at: &Range<usize>) -> bool {
    let named = text[at.clone()].trim_start_matches('<').starts_with(char::is_uppercase);
    named && text[..at.start].ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// Returns whether a mark is an element that is closed behind words or other elements: `<speech>Dear friends, ...</speech>`. The name of a file in it
/// is a picture's.
fn is_element(text: &str, at: &Range<usize>) -> bool {
    let name = text[at.clone()].trim_matches(['<', '>']);
    let close = format!("</{name}>");
    let Some((inside, _)) = text[at.end..].split_once(&close) else { return false };
    (inside.trim().contains(char::is_whitespace) || inside.contains("</")) && !super::pictures::is_named(inside)
}

/// Returns whether another tag is joined to the one at `at`: `<video> vs <audio>`, `[IMG] or [URL]`.
fn is_listed(text: &str, at: &Range<usize>) -> bool {
    const JOINTS: [&str; 16] = [
        ",",
        "/",
        "&",
        "and",
        "or",
        "vs",
        "vs.",
        "versus",
        "with",
        "instead of",
        "rather than",
        "than",
        "to",
        "into",
        "inside",
        ", and",
    ];
    let name = |tag: &str| tag.chars().filter(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
    let own = name(&text[at.clone()]);
    let other = |tag: &str| {
        let inner = tag.get(1..tag.len().saturating_sub(1)).unwrap_or_default();
        let plain = !inner.is_empty() && inner.chars().all(|c| c.is_ascii_alphanumeric());
        plain && name(tag) != own
    };
    let joins = |between: &str| {
        let between = between.trim().to_lowercase();
        let between = between.strip_suffix(" a").or(between.strip_suffix(" an")).unwrap_or(&between);
        JOINTS.contains(&between)
    };
    let after = first_line(&text[at.end..]);
    let next = after.find(['<', '[']).filter(|start| joins(&after[..*start]));
    let next = next.and_then(|start| Some(&after[start..=start + after[start..].find(['>', ']'])?]));
    let before = last_line(&text[..at.start]);
    let last = before.rfind(['>', ']']).filter(|end| joins(&before[end + 1..]));
    let last = last.and_then(|end| Some(&before[before[..end].rfind(['<', '['])?..=end]));
    next.is_some_and(other) || last.is_some_and(other)
}
