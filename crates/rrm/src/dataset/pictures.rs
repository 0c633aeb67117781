//! Rows whose texts are about a picture, a film, a sound or a file -> the column or tag that shows it. Only text can be judged.

use serde_json::{Map, Value};

use super::{placeholders, problem::RowProblem, sides::parts};

/// Words for what is no text, in names of columns and tags.
pub(super) const KINDS: [&str; 13] = [
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
/// Words in names of columns that may hold it, or words about it: only a file, an address or data counts.
const PERHAPS: [&str; 16] = [
    "media",
    "multimedia",
    "multimodal",
    "film",
    "films",
    "movie",
    "clip",
    "clips",
    "frame",
    "frames",
    "sound",
    "sounds",
    "speech",
    "music",
    "wav",
    "mp3",
];
/// Words in names of columns of files that belong to a text.
const ATTACHED: [&str; 4] = ["attachment", "attachments", "attached", "enclosures"];
/// Words in names of columns that may hold files of a text, or say where a row is from.
const DOCUMENTS: [&str; 12] =
    ["doc", "docs", "document", "documents", "file", "files", "pdf", "pdfs", "spreadsheet", "spreadsheets", "upload", "uploads"];
/// Words in names of columns of numbers that are a picture or a sound.
const SAMPLES: [&str; 6] = ["pixel", "pixels", "waveform", "spectrogram", "wav", "mel"];
/// Columns that name the file of a row, as folders of pictures have them (`metadata.jsonl`).
const FILES: [&str; 4] = ["file_name", "filename", "file", "file_path"];
/// Fewest numbers in a column such as `audio` that are a sound and no measure.
const MANY: usize = 64;
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
/// Endings of files that are read as documents.
const PAPERS: [&str; 14] =
    [".pdf", ".doc", ".docx", ".odt", ".rtf", ".ppt", ".pptx", ".xls", ".xlsx", ".ods", ".epub", ".eml", ".zip", ".csv"];
/// Words of prompts in which an image is that of a container or a machine.
const CONTAINERS: [&str; 10] =
    ["docker", "dockerfile", "container", "containers", "kubernetes", "k8s", "podman", "pod", "vm", "virtual"];

/// Returns the reason why a row cannot be judged by its texts alone, if there is one. `turns` are the turns of users, `texts` are all texts, and
/// `answers` the places and other keys of the responses.
pub(super) fn unseen<'a>(
    columns: &Map<String, Value>,
    turns: impl Iterator<Item = &'a str> + Clone,
    texts: impl Iterator<Item = &'a str> + Clone,
    mut answers: impl Iterator<Item = (&'a str, &'a Map<String, Value>)>,
) -> Option<RowProblem> {
    let of_containers = || turns.clone().any(speaks_of_containers);
    if let Some((name, _)) = columns.iter().find(|(name, value)| holds(name, value, &of_containers)) {
        return Some(RowProblem::Picture { place: name.clone() });
    }
    let held = |(place, keys): (&str, &Map<String, Value>)| {
        let (name, _) = keys.iter().find(|(name, value)| holds(name, value, &of_containers))?;
        Some(RowProblem::Picture { place: format!("{place}.{name}") })
    };
    if let Some(problem) = answers.find_map(held) {
        return Some(problem);
    }
    let mut media = columns.iter().filter(|(name, value)| is_kind(name) && !is_nothing(value));
    if let Some((name, _)) = media.next()
        && let Some(tag) = texts.clone().find_map(placeholders::tag)
    {
        return Some(RowProblem::Tag { tag: tag.to_owned(), place: Some(name.clone()) });
    }
    // Without such a column the text may only mention the tag, unless the tag is where a picture would be placed, or is a model's own.
    let mut placed = turns.filter_map(placeholders::placed);
    placed.next().map(|tag| RowProblem::Tag { tag: tag.to_owned(), place: None })
}

/// Returns notes on what may stand for a picture or a file in a row that is judged.
pub(super) fn doubtful<'a>(
    columns: &Map<String, Value>,
    turns: impl Iterator<Item = &'a str>,
    answers: impl Iterator<Item = &'a Map<String, Value>>,
) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for (keys, holder) in [(columns, "column")].into_iter().chain(answers.map(|keys| (keys, "key"))) {
        for (name, value) in keys {
            let of = if holder == "key" { " of a response" } else { "" };
            if may_hold(name, value) {
                told.push(format!(
                    "the {holder} `{name}`{of} may name a picture, a film or a sound, which the judge does not see"
                ));
            } else if may_attach(name, value) {
                told.push(format!("the {holder} `{name}`{of} may name or hold files, which the judge does not see"));
            }
        }
    }
    told.extend(turns.filter_map(placeholders::doubtful).map(str::to_owned));
    told.sort();
    told.dedup();
    told
}

/// Returns whether a column holds a picture, a film, a sound or an attached file.
fn holds(name: &str, value: &Value, of_containers: &dyn Fn() -> bool) -> bool {
    let words = words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let kind = has(&KINDS) && !is_about(name);
    let perhaps = has(&PERHAPS) || words.windows(2).any(|pair| pair[0] == "multi" && pair[1] == "modal");
    let alone = words.len() == 1 && kind;
    kind && is_file(value)
        || has(&SAMPLES) && !is_about(name) && numbers(value) > 0
        || kind && numbers(value) >= MANY
        || perhaps && !is_about(name) && is_media(value)
        || has(&ATTACHED) && !is_about(name) && (is_media(value) || is_paper(value))
        || FILES.contains(&name) && is_picture(value)
        || alone && value.as_str().is_some_and(is_key) && !of_containers()
}

/// Returns whether a column that holds no picture may name one.
fn may_hold(name: &str, value: &Value) -> bool {
    let alone = words(name).len() == 1 && is_kind(name);
    let word = value.as_str().is_some_and(|text| !text.contains(char::is_whitespace)) || value.is_number();
    is_picture(value) || alone && word && !is_nothing(value)
}

/// Returns whether a column that holds no attached file may name one.
fn may_attach(name: &str, value: &Value) -> bool {
    let words = words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let many = value.is_array() || value.is_object();
    let attached = has(&ATTACHED) && !value.is_boolean();
    !is_about(name) && !is_nothing(value) && (attached || has(&DOCUMENTS) && (is_paper(value) || many))
}

/// Returns whether a value names a document, or holds such a name.
fn is_paper(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            let text = text.trim().to_lowercase();
            PAPERS.iter().any(|ending| text.ends_with(ending)) && !text.contains('\n')
        }
        Value::Array(list) => list.iter().any(is_paper),
        Value::Object(keys) => keys.values().any(is_paper),
        _ => false,
    }
}

fn speaks_of_containers(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    words.any(|word| CONTAINERS.contains(&word.to_lowercase().as_str()))
}

/// Returns whether a text is a key rather than a word such as `mp3`: it has no spaces, and digits among more than five letters.
fn is_key(text: &str) -> bool {
    let text = text.trim();
    let digits = text.contains(|c: char| c.is_ascii_digit()) && text.contains(char::is_alphabetic);
    digits && text.len() > 5 && !text.contains(char::is_whitespace) && !is_container(text)
}

/// Returns whether a text is the name of a container's image: `nginx:latest`, `images.example/a/b:1.2`, `a@sha256:0f`.
fn is_container(text: &str) -> bool {
    let Some((name, tag)) = text.trim().rsplit_once(':') else { return false };
    let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/@:".contains(c);
    let tagged = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.len() > 1;
    begins && name.chars().all(named) && !tag.is_empty() && tag.chars().all(tagged) && !is_named(text)
}

/// Returns how many numbers a list holds, in lists in it too, up to [`MANY`].
fn numbers(value: &Value) -> usize {
    let Value::Array(list) = value else { return 0 };
    let mut count = 0;
    for value in list {
        count += if value.is_number() { 1 } else { numbers(value) };
        if count >= MANY {
            break;
        }
    }
    count
}

/// Returns whether a value names the file of a picture, or is a list of such names.
fn is_picture(value: &Value) -> bool {
    match value {
        Value::String(text) => is_named(text) && !text.trim().contains(char::is_whitespace),
        Value::Array(list) => !list.is_empty() && list.iter().all(is_picture),
        _ => false,
    }
}

/// Returns whether a value holds pictures: names of their files, objects with an address or bytes, or under a key that is named after them.
fn is_media(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.iter().any(is_media),
        Value::Object(keys) => {
            let held = |key: &str| keys.get(key).is_some_and(|held| !is_nothing(held));
            ["bytes", "array", "url", "src", "path", "data"].into_iter().any(held)
                || keys.iter().any(|(name, value)| holds(name, value, &|| false) || is_media(value))
        }
        value => is_picture(value),
    }
}

/// Returns the key of a message, or of a part of one, that holds a picture, such as Ollama's `images`.
pub(super) fn attached(keys: &Map<String, Value>) -> Option<&str> {
    let attached = |name: &str| words(name).iter().any(|word| ATTACHED.contains(&word.as_str()));
    let held = |(name, value): &(&String, &Value)| {
        (is_kind(name) || attached(name)) && is_file(value) || attached(name) && (is_media(value) || is_paper(value))
    };
    keys.iter().find(held).map(|(name, _)| name.as_str())
}

/// Returns whether a column's name is that of a picture: `image`, `images`, `image_path`, `video_url`, `img0`.
fn is_kind(name: &str) -> bool {
    words(name).iter().any(|word| KINDS.contains(&word.as_str()))
}

/// Returns the words of a name in lower case.
fn words(name: &str) -> Vec<String> {
    parts(name).iter().map(|word| word.to_lowercase()).collect()
}

/// Returns whether a column's name says that it describes a picture and does not hold one.
fn is_about(name: &str) -> bool {
    parts(name).iter().any(|word| ABOUT.contains(&word.to_lowercase().as_str()))
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => {
            ["", "none", "null", "nan", "n/a", "na", "no", "false", "-"].contains(&text.trim().to_lowercase().as_str())
        }
        Value::Array(list) => list.iter().all(is_nothing),
        Value::Object(keys) => keys.values().all(is_nothing),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(true) => false,
    }
}

/// Returns whether a value is a file, the name or address of one, or its bytes as text.
fn is_file(value: &Value) -> bool {
    match value {
        Value::String(text) => is_named(text) || is_path(text),
        Value::Array(list) => list.iter().any(is_file),
        Value::Object(keys) => {
            let held = |key: &str| keys.get(key).is_some_and(|held| !is_nothing(held));
            ["bytes", "array", "url", "src", "path", "data"].into_iter().any(held) || keys.values().any(is_file)
        }
        _ => false,
    }
}

/// Returns whether a text is an address, a path, or bytes as text, and no word.
fn is_path(text: &str) -> bool {
    let text = text.trim();
    let written = text.len() > 8 && !text.contains(char::is_whitespace) && !is_container(text);
    let has = |is: fn(char) -> bool| text.contains(is);
    let coded = has(|c| c.is_ascii_uppercase()) && has(|c| c.is_ascii_lowercase()) && has(|c| c.is_ascii_digit());
    // `education/science` are words.
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let begins = text.starts_with(['/', '\\', '.', '~']) || text.contains("://") || text.contains(":\\");
    let parted = text.contains(['/', '\\']) && (begins || last.contains(|c: char| c == '.' || c.is_ascii_digit()));
    written && (parted || coded || text.len() > 100)
}

/// Returns whether a text is the name of a picture's file, or its data.
pub(super) fn is_named(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let named = ENDINGS.iter().any(|ending| path.ends_with(ending)) && !path.contains('\n');
    named || ["data:image", "data:video", "data:audio"].iter().any(|begin| text.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_about_a_picture_are_told() {
        let said = |columns: Value, prompt: &str| {
            let columns = columns.as_object().unwrap().clone();
            unseen(&columns, [prompt].into_iter(), [prompt, "answer"].into_iter(), std::iter::empty())
                .map(|problem| problem.to_string())
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
            (r#"{"media": ["a.mp4"]}"#, "What?"),
            (r#"{"media": [{"url": "https://a/b"}]}"#, "What?"),
            (r#"{"multi_modal_data": {"image": ["a.png"]}}"#, "What?"),
            (r#"{"multi_modal_data": {"image": ["pics/0001"]}}"#, "What?"),
            (r#"{"pixel_values": [[0.1, 0.2]]}"#, "What?"),
            (r#"{"wav": "a.wav"}"#, "What?"),
            (r#"{"wav": {"array": [0.1], "sampling_rate": 16000}}"#, "What?"),
            (r#"{"file_name": "a.png"}"#, "What?"),
            (r#"{"image": "abc123", "photo": "John/Reuters"}"#, "What?"),
            (r#"{"photo": "./cats/tom"}"#, "What?"),
            (r#"{"video": "s3://bucket/key"}"#, "What?"),
            (r#"{"experimental_attachments": [{"url": "data:image/png;base64,iVBO"}]}"#, "What?"),
            (r#"{"speech": "a.flac"}"#, "What?"),
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
            (r#"{"video_category": "education/science", "photo_credit": "John/Reuters", "audio": "mp3"}"#, "What?"),
            (r#"{"image_license": "CC-BY-4.0/MIT", "audio_language": "en-US/en-GB", "picture": "PG13"}"#, "What?"),
            ("{}", "What is <image> in SVG?"),
            (r#"{"media": "BBC", "movie": "Inception", "speech": "I have a dream", "sound": "loud"}"#, "What?"),
            (r#"{"media": [], "multi_modal_data": {"image": []}, "pixel_values": null, "wav": ""}"#, "What?"),
            (r#"{"image_size": [640, 480], "image_width": 640, "video_length": 3}"#, "What?"),
            (r#"{"file_name": "a.txt", "file": "b.py", "url": "https://a/b.png", "image": "none", "picture": "red"}"#, "What?"),
        ] {
            assert_eq!(said(json(columns), prompt), None, "{columns} {prompt}");
        }
        let notes = |columns: Value| doubtful(columns.as_object().unwrap(), ["What?"].into_iter(), std::iter::empty()).len();
        assert_eq!(notes(json(r#"{"url": "https://a/b.png", "picture": "red", "image": 17}"#)), 3);
        assert_eq!(notes(json(r#"{"url": "https://a/b", "picture": "a red car", "image": null, "media": "BBC"}"#)), 0);
    }
}
