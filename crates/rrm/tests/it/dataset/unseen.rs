//! Rows about a picture, a film or a sound: refused, or judged with a note where that is uncertain.

use rrm::dataset::check;
use serde_json::{Value, json};

use super::{columns, file};

/// The notes on a row, or its error.
fn said(row: &Value) -> Result<Vec<String>, String> {
    let fixture = file("rows.jsonl", row.to_string());
    check(&fixture.path, &columns(&[])).map(|summary| summary.notes).map_err(|errors| errors[0].to_string())
}

fn asked(prompt: &str, column: Option<(&str, Value)>) -> Value {
    let mut row = json!({"prompt": prompt, "responses": ["a", "bb"]});
    if let Some((name, value)) = column {
        row[name] = value;
    }
    row
}

#[test]
fn a_row_about_something_that_is_no_text_is_refused() {
    for prompt in [
        "<start_of_image> What is in the picture?",
        "[IMG] What is this?",
        "<img src=\"a.png\"> What is this?",
        "![x](http://a/b.png) What is this?",
        "<im_start><image><im_end>\nWhat?",
        "<|vision_start|><|image_pad|><|vision_end|>What?",
        "What is said here?\n<|audio_1|>",
    ] {
        let row = asked(prompt, None);
        assert!(said(&row).is_err_and(|error| error.contains("only text can be judged")), "{row}");
        let turns = json!({"prompt": [{"role": "user", "content": prompt}], "responses": ["a", "bb"]});
        assert!(said(&turns).is_err(), "{turns}");
    }
    for (name, value) in [
        ("media", json!(["a.mp4"])),
        ("multi_modal_data", json!({"image": ["a.png"]})),
        ("pixel_values", json!([[0.5, 0.25]])),
        ("wav", json!("clips/a.wav")),
        ("file_name", json!("a.png")),
        ("image", json!("abc123")),
        ("attachments", json!([{"url": "https://a/b"}])),
    ] {
        let row = asked("What?", Some((name, value)));
        assert!(said(&row).is_err_and(|error| error.contains(&format!("`{name}` holds a picture"))), "{row}");
    }
    let message = json!({"role": "user", "content": "What?", "experimental_attachments": [{"url": "https://a/b.png"}]});
    assert!(said(&json!({"prompt": [message], "responses": ["a", "bb"]})).is_err());
}

#[test]
fn a_picture_or_file_of_a_response_is_refused_as_one_of_the_row_is() {
    for (key, value) in [
        ("image", json!("x.png")),
        ("images", json!(["https://a/b"])),
        ("audio", json!({"array": [0.5, 0.25], "sampling_rate": 16000})),
        ("attachments", json!(["report.pdf"])),
        ("attachments", json!([{"name": "Q3 figures.xlsx"}])),
        ("file", json!("plot.png")),
    ] {
        let answers = json!({"prompt": "Draw a plot.", "responses": [{"text": "Here.", key: value}, {"text": "No."}]});
        assert!(said(&answers).is_err_and(|error| error.contains(&format!("`responses[0].{key}` holds a picture"))), "{answers}");
        let pair = json!({"prompt": "Draw a plot.", "chosen": {"text": "Here.", key: value}, "rejected": "No."});
        assert!(said(&pair).is_err_and(|error| error.contains(&format!("`chosen.{key}` holds a picture"))), "{pair}");
        let row = asked("Draw a plot.", Some((key, value)));
        assert!(said(&row).is_err_and(|error| error.contains(&format!("leave `{key}` out of the file"))), "{row}");
    }
    for (key, value, notes) in [
        ("image", json!(null), 0),
        ("images", json!([]), 0),
        ("image", json!("red"), 1),
        ("attachments", json!([]), 0),
        ("attachments", json!(["see below"]), 1),
        ("file", json!("report.pdf"), 1),
        ("files", json!(["main.py"]), 1),
        ("documents", json!([{"title": "Tea", "text": "Tea is a drink."}]), 1),
        ("file", json!("outputs.jsonl"), 0),
        ("document_id", json!("a17"), 0),
        ("file_count", json!(3), 0),
        ("profile", json!(["a"]), 0),
        ("docstring", json!("Adds."), 0),
    ] {
        let answers = json!({"prompt": "Draw a plot.", "responses": [{"text": "Here.", key: value}, {"text": "No."}]});
        assert_eq!(said(&answers).map(|notes| notes.len()), Ok(notes), "{answers}");
        let row = asked("Draw a plot.", Some((key, value)));
        assert_eq!(said(&row).map(|notes| notes.len()), Ok(notes), "{row}");
    }
}

#[test]
fn an_image_of_a_container_and_a_plain_word_are_no_pictures() {
    for (prompt, value) in [
        ("What?", json!("nginx:latest")),
        ("What?", json!("images.example/org/app:1.2.3")),
        ("What?", json!("python:3.11-slim")),
        ("Which docker image is it?", json!("ubuntu-22.04")),
        ("What?", json!("professional")),
        ("What?", json!("self-confident")),
        ("What?", json!(["nginx:latest", "redis:7"])),
    ] {
        let row = asked(prompt, Some(("image", value)));
        assert!(said(&row).is_ok(), "{row}: {:?}", said(&row));
    }
    for value in [
        json!("pics/0001"),
        json!("iVBORw0KGgoAAAANSUhEUg"),
        json!("COCO_val2014_000000262148"),
        json!("https://a.example/image"),
    ] {
        let row = asked("What?", Some(("image", value)));
        assert!(said(&row).is_err(), "{row}");
    }
    let talk = asked("How does HTML differ: <img> needs an alt?", Some(("video", json!("enabled-by-default"))));
    assert!(said(&talk).is_ok(), "{:?}", said(&talk));
    assert!(said(&asked("See <image_1> here.", Some(("image_id", json!(17))))).is_err());
}

#[test]
fn what_may_be_a_picture_is_told_and_what_is_none_is_not() {
    let readme = format!("Summarise this.\n\n# Title\n\n![shot](a.png)\n\n{}", "Some words. ".repeat(40));
    for (row, notes) in [
        (asked(&readme, None), 1),
        (asked("Replace <image> and [IMG] by words.", None), 1),
        (asked("What?", Some(("source", json!("https://a/b.jpg")))), 1),
        (asked("What?", Some(("picture", json!("red")))), 1),
        (asked("What does `[IMG]` mean for Pixtral, and `<start_of_image>`?", None), 0),
        (asked("What?", Some(("media", json!("BBC")))), 0),
        (asked("What?", Some(("image_caption", json!("a red car")))), 0),
        (asked("What?", Some(("image", json!("none")))), 0),
        (json!({"prompt": "Write a README.", "responses": ["![a](b.png) Hi", "<img src=\"a.png\"> <start_of_image>"]}), 0),
    ] {
        assert_eq!(said(&row).map(|notes| notes.len()), Ok(notes), "{row}");
    }
}
