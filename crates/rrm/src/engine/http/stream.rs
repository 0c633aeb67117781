//! A stream of server-sent events -> the same [`ServerReply`] as of a whole answer, with its text handed on as it arrives.

use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Response;
use serde_json::Value;

use crate::engine::{
    TokenSink,
    http::{
        bounded,
        failure::{self, TryFailure},
        reply::{self, ReplyRules, ServerReply, StreamedText},
        secrets::{HeldText, Secrets},
    },
};

/// Hands text to the watcher. When a broken stream is requested again, the text that was handed on before is left out.
pub(crate) struct Teller<'a> {
    sink: &'a TokenSink,
    /// The secrets that it removes.
    secrets: &'a Secrets,
    /// Bytes handed on so far.
    told: AtomicUsize,
}

impl<'a> Teller<'a> {
    /// Returns a teller that has handed on nothing yet.
    pub fn new(sink: &'a TokenSink, secrets: &'a Secrets) -> Self {
        Teller { sink, secrets, told: AtomicUsize::new(0) }
    }

    /// Hands on a whole answer, from a server that does not stream. Its keys were removed before.
    pub fn whole(&self, reply: &ServerReply) {
        let mut seen = 0;
        self.tell(reply.reasoning.as_deref().unwrap_or_default(), &mut seen);
        self.tell(&reply.text, &mut seen);
    }

    /// Hands on the new part of `text`; `seen` counts the bytes of this try before it.
    fn tell(&self, text: &str, seen: &mut usize) {
        let told = self.told.load(Ordering::Relaxed);
        let old = told.saturating_sub(*seen).min(text.len());
        *seen += text.len();
        // If a server does not repeat its text exactly, the old part may end inside a character. Then this part is handed on whole.
        let new = text.get(old..).unwrap_or(text);
        if !new.is_empty() {
            (self.sink)(new);
        }
        self.told.store(told.max(*seen), Ordering::Relaxed);
    }
}

/// Reads a streamed answer to its end.
///
/// The end is an event with a finish reason and then a regular end of the body, because not every server sends `[DONE]`. A body that ends earlier is
/// broken, and one above the limit is refused.
pub(crate) async fn read(
    mut response: Response,
    teller: Option<&Teller<'_>>,
    reading: ReplyRules,
) -> Result<ServerReply, TryFailure> {
    let most = bounded::of_tokens(reading.max_tokens);
    let (mut written, mut events) = (StreamedText::default(), Events::default());
    let mut buffer: Vec<u8> = Vec::new();
    let mut seen = 0;
    let mut held = teller.map(|teller| HeldText::new(teller.secrets));
    let mut tell = |text: &str| {
        if let Some((teller, held)) = teller.zip(held.as_mut()) {
            teller.tell(&held.piece(text), &mut seen);
        }
    };
    while let Some(bytes) = response.chunk().await.map_err(failure::transport)? {
        let mut searched = buffer.len();
        buffer.extend_from_slice(&bytes);
        let mut start = 0;
        while let Some(length) = buffer[searched..].iter().position(|byte| *byte == b'\n') {
            let end = searched + length;
            events.line(&buffer[start..end], &mut written, &mut tell)?;
            start = end + 1;
            searched = start;
        }
        buffer.drain(..start);
        if (buffer.len() + written.len()) as u64 > most {
            return Err(TryFailure::Endless(most));
        }
    }
    events.line(&buffer, &mut written, &mut tell)?;
    events.line(b"", &mut written, &mut tell)?;
    let reply = ended(written, reading)?;
    if let Some((teller, mut held)) = teller.zip(held) {
        teller.tell(&held.rest(), &mut seen);
    }
    Ok(reply)
}

/// Reads a streamed answer that arrived as a whole.
pub(crate) fn read_whole(body: &[u8], reading: ReplyRules) -> Result<ServerReply, TryFailure> {
    let (mut written, mut events) = (StreamedText::default(), Events::default());
    for line in body.split(|byte| *byte == b'\n').chain([&b""[..]]) {
        events.line(line, &mut written, |_| ())?;
    }
    ended(written, reading)
}

fn ended(written: StreamedText, reading: ReplyRules) -> Result<ServerReply, TryFailure> {
    if written.reason.is_none() {
        return Err(TryFailure::Unreadable("the stream ended before the answer did".to_owned()));
    }
    written.finished(reading)
}

/// The lines of a stream; the lines of one event belong together.
#[derive(Default)]
struct Events {
    /// Whether the present event is named as an error.
    error: bool,
}

impl Events {
    /// Reads one line. Lines without data (comments, names of other events, blank lines) are ignored. An event that is named as an error is one,
    /// whatever its data, and so are llama.cpp's `error:` and an error that was sent without a field.
    fn line(&mut self, line: &[u8], written: &mut StreamedText, tell: impl FnMut(&str)) -> Result<(), TryFailure> {
        let field = |name: &[u8]| line.strip_prefix(name).map(<[u8]>::trim_ascii);
        if let Some(name) = field(b"event:") {
            self.error = name == b"error";
            return Ok(());
        }
        if line.trim_ascii().is_empty() && std::mem::take(&mut self.error) {
            return Err(failure::error_object(&Value::from("the stream sent an error without words")));
        }
        if let Some(error) = field(b"error:").or_else(|| field(b"data:").filter(|data| self.error && !data.is_empty())) {
            return Err(error_of(error));
        }
        match field(b"data:") {
            None if line.trim_ascii().starts_with(b"{\"error\"") => reply::parse_chunk(line.trim_ascii(), written, tell),
            None | Some(b"[DONE]" | b"") => Ok(()),
            Some(data) => reply::parse_chunk(data, written, tell),
        }
    }
}

/// Returns the failure in the data of an error.
fn error_of(data: &[u8]) -> TryFailure {
    match serde_json::from_slice::<Value>(data) {
        Ok(value) => failure::error_object(value.get("error").filter(|error| !error.is_null()).unwrap_or(&value)),
        Err(_) => failure::error_object(&Value::from(&*String::from_utf8_lossy(data))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_second_try_tells_only_what_is_new() {
        let told = Arc::new(Mutex::new(String::new()));
        let sink: TokenSink = {
            let told = told.clone();
            Arc::new(move |text: &str| told.lock().unwrap().push_str(text))
        };
        let secrets = Secrets::default();
        let teller = Teller::new(&sink, &secrets);
        let try_once = |pieces: &[&str]| {
            let mut seen = 0;
            pieces.iter().for_each(|piece| teller.tell(piece, &mut seen));
        };
        try_once(&["one ", "two "]);
        try_once(&["on", "e two thr"]);
        try_once(&["one two three ", "four"]);
        assert_eq!(*told.lock().unwrap(), "one two three four");
    }

    #[test]
    fn lines_without_data_are_passed_over() {
        let mut written = StreamedText::default();
        let mut events = Events::default();
        for line in [&b": ping"[..], b"event: x", b"", b"\r", b"data: [DONE]\r", b"data:"] {
            events.line(line, &mut written, |text| panic!("{text}")).unwrap();
        }
        let mut text = String::new();
        let hi = br#"data:{"choices":[{"delta":{"content":"hi"}}]}"#;
        events.line(hi, &mut written, |piece| text.push_str(piece)).unwrap();
        assert_eq!(text, "hi");
        assert!(events.line(b"data: {", &mut written, |_| ()).is_err());
    }

    /// Returns the text of a whole stream, or its failure.
    fn read_all(body: &str) -> Result<String, String> {
        let reading = ReplyRules { max_tokens: 9, unreasoned: false, empty: false };
        read_whole(body.as_bytes(), reading).map(|reply| reply.text).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn only_the_first_of_several_choices_is_read() {
        let chunk = |index: &str, text: &str, reason: &str| {
            format!("data: {{\"choices\":[{{{index}\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":{reason}}}]}}\n\n")
        };
        let (zero, one) = ("\"index\":0,", "\"index\":1,");
        let end = r#""stop""#;
        let glued = [chunk(one, "no ", "null"), chunk(zero, "yes ", "null"), chunk(one, "no", end), chunk(zero, "yes", end)];
        assert_eq!(read_all(&glued.concat()), Ok("yes yes".to_owned()));
        let together = "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"no\"}},{\"index\":0,\"delta\":{\"content\":\"yes\"},\"finish_reason\":\"stop\"}]}\n";
        assert_eq!(read_all(together), Ok("yes".to_owned()));
        assert_eq!(read_all(&[chunk("", "a", "null"), chunk("", "b", end)].concat()), Ok("ab".to_owned()));
        // The end of another choice does not count.
        assert!(read_all(&[chunk(zero, "half", "null"), chunk(one, "no", end)].concat()).is_err());
    }

    #[test]
    fn an_event_that_is_called_an_error_is_one() {
        let said = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n";
        assert_eq!(read_all(said), Ok("a".to_owned()));
        for error in [
            "event: error\ndata: {\"message\": \"it broke\"}\n\n",
            "event:error\r\ndata: it broke\r\n\r\n",
            "event: error\ndata: {\"error\": {\"message\": \"it broke\", \"code\": 500}}\n\n",
            "error: {\"code\": 500, \"message\": \"it broke\"}\n\n",
            "{\"error\": {\"message\": \"it broke\"}}\n",
        ] {
            let failed = read_all(&format!("{said}{error}")).unwrap_err();
            assert!(failed.contains("it broke"), "{error}: {failed}");
        }
        assert!(read_all(&format!("{said}event: error\n\n")).is_err());
        assert_eq!(read_all(&format!("event: message\n{said}event: done\ndata: [DONE]\n\n")), Ok("a".to_owned()));
    }
}
