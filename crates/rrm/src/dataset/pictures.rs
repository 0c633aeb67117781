//! Rows whose texts are about a picture, a film or a sound -> which column or tag says so: only text can be judged.

use serde_json::{Map, Value};

use super::error::RowProblem;

const KINDS: [&str; 9] = ["image", "images", "img", "picture", "pictures", "video", "videos", "audio", "audios"];
const ENDINGS: [&str; 13] =
    [".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".mp4", ".webm", ".wav", ".mp3", ".flac"];

/// Why a row cannot be judged by its texts alone, if it cannot. `turns` are what users say, `texts` is all that is said.
pub(super) fn unseen<'a>(
    columns: &Map<String, Value>,
    mut turns: impl Iterator<Item = &'a str>,
    texts: impl Iterator<Item = &'a str> + Clone,
) -> Option<RowProblem> {
    let media = || columns.iter().filter(|(name, value)| is_kind(name) && !is_nothing(value));
    if let Some((name, _)) = media().find(|(_, value)| is_file(value)) {
        return Some(RowProblem::Picture { place: name.clone() });
    }
    if let Some((name, _)) = media().next()
        && let Some(tag) = texts.clone().find_map(|text| tags(text).next())
    {
        return Some(RowProblem::Tag { tag: tag.to_owned(), place: Some(name.clone()) });
    }
    // Without such a column the tag may be what the text is about, unless it stands where a picture is put.
    let placed = |text: &'a str| {
        let text = text.trim();
        tags(text).find(|tag| text.starts_with(tag) || text.ends_with(tag))
    };
    turns.find_map(placed).map(|tag| RowProblem::Tag { tag: tag.to_owned(), place: None })
}

/// Whether a column's name is that of a picture: `image`, `images`, `image_path`, `video_url`, `img0`.
fn is_kind(name: &str) -> bool {
    let lower = name.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphabetic());
    words.any(|word| KINDS.contains(&word))
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

/// Whether a value is a file, or the name of one.
fn is_file(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            let text = text.trim().to_lowercase();
            let path = text.split(['?', '#']).next().unwrap_or_default();
            let named = ENDINGS.iter().any(|ending| path.ends_with(ending)) && !path.contains('\n');
            named || ["data:image", "data:video", "data:audio"].iter().any(|begin| text.starts_with(begin))
        }
        Value::Array(list) => list.iter().any(is_file),
        Value::Object(keys) => keys.get("bytes").is_some_and(|bytes| !is_nothing(bytes)) || keys.values().any(is_file),
        _ => false,
    }
}

/// Tags that stand for a picture: `<image>`, `<image_1>`, `<|video|>`, `<audio 2>`; not those with attributes, which are markup.
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
            ("{}", "<image>\nWhat?"),
            ("{}", "What is it?\n<|video|>"),
        ] {
            assert!(said(json(columns), prompt).is_some(), "{columns} {prompt}");
        }
        for (columns, prompt) in [
            (r#"{"images": [], "image": null}"#, "What is <image> in SVG?"),
            (r#"{"image": "a red car"}"#, "What?"),
            (r#"{"imagery": "a.png"}"#, "What?"),
            ("{}", "What is <image> in SVG?"),
        ] {
            assert_eq!(said(json(columns), prompt), None, "{columns} {prompt}");
        }
    }
}
