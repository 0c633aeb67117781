//! Rows whose texts are about a picture, a film or a sound -> the column or tag that shows it. Only text can be judged.

use serde_json::{Map, Value};

use super::{problem::RowProblem, sides::parts};

const KINDS: [&str; 13] = [
    "image",
    "images",
    "img",
    "picture",
    "pictures",
    "photo",
    "photos",
    "screenshot",
    "screenshots",
    "video",
    "videos",
    "audio",
    "audios",
];
/// Words in names of columns that describe a picture in words or numbers.
const ABOUT: [&str; 15] = [
    "id",
    "ids",
    "count",
    "caption",
    "captions",
    "description",
    "title",
    "text",
    "alt",
    "label",
    "name",
    "type",
    "format",
    "prompt",
    "source",
];
const ENDINGS: [&str; 15] = [
    ".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".avif", ".mp4", ".webm", ".wav", ".mp3", ".flac",
];

/// Returns the reason why a row cannot be judged by its texts alone, if there is one. `turns` are the turns of users, `texts` are all texts.
pub(super) fn unseen<'a>(
    columns: &Map<String, Value>,
    mut turns: impl Iterator<Item = &'a str>,
    texts: impl Iterator<Item = &'a str> + Clone,
) -> Option<RowProblem> {
    let media = || columns.iter().filter(|(name, value)| is_kind(name) && !is_nothing(value));
    if let Some((name, _)) = media().find(|(name, value)| is_file(value) && !is_about(name)) {
        return Some(RowProblem::Picture { place: name.clone() });
    }
    if let Some((name, _)) = media().next()
        && let Some(tag) = texts.clone().find_map(|text| tags(text).next())
    {
        return Some(RowProblem::Tag { tag: tag.to_owned(), place: Some(name.clone()) });
    }
    // Without such a column the text may only mention the tag, unless the tag is where a picture would be placed, or is a model's own.
    let placed = |text: &'a str| {
        let text = text.trim();
        tags(text).find(|tag| text.starts_with(tag) || text.ends_with(tag)).or_else(|| embedded(text))
    };
    turns.find_map(placed).map(|tag| RowProblem::Tag { tag: tag.to_owned(), place: None })
}

/// Returns the mark of a picture inside a text: the tokens of Qwen-VL, or a picture in Markdown as base64.
fn embedded(text: &str) -> Option<&str> {
    const MARKS: [&str; 4] = ["<|vision_start|>", "<|image_pad|>", "](data:image/", "](data:audio/"];
    let named = || {
        let (_, rest) = text.split_once("<img>")?;
        let (path, _) = rest.split_once("</img>")?;
        is_named(path).then_some("<img>")
    };
    MARKS.into_iter().find(|mark| text.contains(mark)).or_else(named)
}

/// Returns the key of a message, or of a part of one, that holds a picture, such as Ollama's `images`.
pub(super) fn attached(keys: &Map<String, Value>) -> Option<&str> {
    let held = |(name, value): &(&String, &Value)| (is_kind(name) || *name == "attachments") && is_file(value);
    keys.iter().find(held).map(|(name, _)| name.as_str())
}

/// Returns whether a column's name is that of a picture: `image`, `images`, `image_path`, `video_url`, `img0`.
fn is_kind(name: &str) -> bool {
    let words: Vec<String> = parts(name).iter().map(|word| word.to_lowercase()).collect();
    words.iter().any(|word| KINDS.contains(&word.as_str()))
}

/// Returns whether a column's name says that it describes a picture and does not hold one.
fn is_about(name: &str) -> bool {
    parts(name).iter().any(|word| ABOUT.contains(&word.to_lowercase().as_str()))
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.iter().all(is_nothing),
        Value::Object(keys) => keys.values().all(is_nothing),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(true) => false,
    }
}

/// Returns whether a value is a file, the name or address of one, or its bytes as text.
fn is_file(value: &Value) -> bool {
    match value {
        // Words have spaces between them.
        Value::String(text) => is_named(text) || text.len() > 8 && !text.contains(char::is_whitespace),
        Value::Array(list) => list.iter().any(is_file),
        Value::Object(keys) => {
            let held = |key: &str| keys.get(key).is_some_and(|held| !is_nothing(held));
            ["bytes", "array", "url", "src", "path", "data"].into_iter().any(held) || keys.values().any(is_file)
        }
        _ => false,
    }
}

/// Returns whether a text is the name of a picture's file, or its data.
fn is_named(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let named = ENDINGS.iter().any(|ending| path.ends_with(ending)) && !path.contains('\n');
    named || ["data:image", "data:video", "data:audio"].iter().any(|begin| text.starts_with(begin))
}

/// Returns the tags that stand for a picture: `<image>`, `<image_1>`, `<|video|>`, `<audio 2>`. Tags with attributes are markup and do not count.
fn tags(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('<').filter_map(|(at, _)| {
        let rest = &text[at..];
        let end = rest.bytes().take(40).position(|byte| byte == b'>')?;
        let inner = rest[1..end].trim_matches(|c: char| matches!(c, '|' | '/' | ' ')).to_ascii_lowercase();
        let word = inner.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['_', ' ', '-']);
        let word = word.strip_suffix("_placeholder").or(word.strip_suffix("_pad")).unwrap_or(word);
        let closes = rest.starts_with("</");
        (KINDS.contains(&word) && !closes).then(|| &rest[..=end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_told_from_markup() {
        for tag in [
            "<image>",
            "<Image>",
            "<image_1>",
            "<image 2>",
            "<|image|>",
            "<|image_1|>",
            "<video>",
            "<audio>",
            "<|image_pad|>",
            "<image_placeholder>",
        ] {
            assert_eq!(tags(&format!("a {tag} b")).collect::<Vec<_>>(), [tag]);
        }
        for text in ["<image href=\"a\">", "</image>", "a < image", "<img src=x>", "<images/é>", "<", "<imagine>", "< b >"] {
            assert_eq!(tags(text).next(), None, "{text}");
        }
    }

    #[test]
    fn rows_about_a_picture_are_told() {
        let said = |columns: Value, prompt: &str| {
            let columns = columns.as_object().unwrap().clone();
            unseen(&columns, [prompt].into_iter(), [prompt, "answer"].into_iter()).map(|problem| problem.to_string())
        };
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        for (columns, prompt) in [
            (r#"{"images": ["a.png"]}"#, "<image>What?"),
            (r#"{"image": "photos/7.JPG"}"#, "What?"),
            (r#"{"image": {"bytes": "ffd8", "path": null}}"#, "What?"),
            (r#"{"video_url": "https://a/b.mp4?x=1"}"#, "What?"),
            (r#"{"image_id": 17}"#, "See <image_1> here."),
            (r#"{"image": "iVBORw0KGgoAAAANSUhEUg"}"#, "What?"),
            (r#"{"imageUrl": "https://cdn.example/abc?id=3"}"#, "What?"),
            (r#"{"image": {"src": "https://a/image", "height": 3}}"#, "What?"),
            (r#"{"audio": {"array": [0.1, 0.2], "sampling_rate": 16000}}"#, "What?"),
            (r#"{"images": ["pics/0001"]}"#, "What?"),
            (r#"{"screenshot": "shot.heic"}"#, "What?"),
            ("{}", "See ![x](data:image/png;base64,iVBO) here."),
            ("{}", "Picture 1: <img>a.png</img>\nWhat?"),
            ("{}", "a <|vision_start|><|image_pad|><|vision_end|> b"),
            ("{}", "<image>\nWhat?"),
            ("{}", "What is it?\n<|video|>"),
        ] {
            assert!(said(json(columns), prompt).is_some(), "{columns} {prompt}");
        }
        for (columns, prompt) in [
            (r#"{"images": [], "image": null}"#, "What is <image> in SVG?"),
            (r#"{"image": "a red car"}"#, "What?"),
            (r#"{"image_caption": "strawberries"}"#, "What?"),
            (r#"{"image_id": "a9f8-1234-55"}"#, "What?"),
            (r#"{"imagery": "a.png"}"#, "What?"),
            ("{}", "What is <image> in SVG?"),
        ] {
            assert_eq!(said(json(columns), prompt), None, "{columns} {prompt}");
        }
    }
}
