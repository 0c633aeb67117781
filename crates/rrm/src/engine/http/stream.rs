//! A stream of server-sent events turned into the same [`Reply`] as a whole answer, with its text told as it arrives.

use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Response;

use crate::engine::{
    TokenSink,
    http::{
        bounded,
        failure::{self, Failure},
        reply::{self, Reading, Reply, Written},
    },
};

/// Tells text to whoever watches. When a broken stream is asked for again, what was told before is left out.
pub(crate) struct Teller<'a> {
    sink: &'a TokenSink,
    /// Bytes told so far.
    told: AtomicUsize,
}

impl<'a> Teller<'a> {
    /// Nothing is told yet.
    pub fn new(sink: &'a TokenSink) -> Self {
        Teller { sink, told: AtomicUsize::new(0) }
    }

    /// Tells a whole answer, from a server that does not stream.
    pub fn whole(&self, reply: &Reply) {
        let mut seen = 0;
        self.tell(reply.reasoning.as_deref().unwrap_or_default(), &mut seen);
        self.tell(&reply.text, &mut seen);
    }

    /// Tells the part of `text` that is new; `seen` counts the bytes of this try before it.
    fn tell(&self, text: &str, seen: &mut usize) {
        let told = self.told.load(Ordering::Relaxed);
        let old = told.saturating_sub(*seen).min(text.len());
        *seen += text.len();
        // A server that does not repeat itself may end the old part inside a character: then this piece is told whole.
        let new = text.get(old..).unwrap_or(text);
        if !new.is_empty() {
            (self.sink)(new);
        }
        self.told.store(told.max(*seen), Ordering::Relaxed);
    }
}

/// Reads a streamed answer to its end.
///
/// The end is an event with a finish reason and then a proper end of the body, since not every server sends `[DONE]`. Anything
/// less is a broken answer, and more than any answer has is none.
pub(crate) async fn read(mut response: Response, teller: Option<&Teller<'_>>, reading: Reading) -> Result<Reply, Failure> {
    let most = bounded::of_tokens(reading.max_tokens);
    let mut written = Written::default();
    let mut buffer: Vec<u8> = Vec::new();
    let mut seen = 0;
    let mut tell = |text: &str| teller.map(|teller| teller.tell(text, &mut seen)).unwrap_or_default();
    while let Some(bytes) = response.chunk().await.map_err(failure::transport)? {
        let mut searched = buffer.len();
        buffer.extend_from_slice(&bytes);
        let mut start = 0;
        while let Some(length) = buffer[searched..].iter().position(|byte| *byte == b'\n') {
            let end = searched + length;
            event(&buffer[start..end], &mut written, &mut tell)?;
            start = end + 1;
            searched = start;
        }
        buffer.drain(..start);
        if (buffer.len() + written.len()) as u64 > most {
            return Err(Failure::Endless(most));
        }
    }
    event(&buffer, &mut written, &mut tell)?;
    ended(written, reading)
}

/// Reads a streamed answer that came in one piece.
pub(crate) fn read_whole(body: &[u8], teller: Option<&Teller<'_>>, reading: Reading) -> Result<Reply, Failure> {
    let mut written = Written::default();
    for line in body.split(|byte| *byte == b'\n') {
        event(line, &mut written, |_| ())?;
    }
    let reply = ended(written, reading)?;
    if let Some(teller) = teller {
        teller.whole(&reply);
    }
    Ok(reply)
}

fn ended(written: Written, reading: Reading) -> Result<Reply, Failure> {
    if written.reason.is_none() {
        return Err(Failure::Unreadable("the stream ended before the answer did".to_owned()));
    }
    written.finished(reading)
}

/// Reads one line of the stream. Lines that carry no data (comments, event names, the blank ones between) are passed over.
fn event(line: &[u8], written: &mut Written, tell: impl FnMut(&str)) -> Result<(), Failure> {
    match line.strip_prefix(b"data:").map(<[u8]>::trim_ascii) {
        None | Some(b"[DONE]" | b"") => Ok(()),
        Some(data) => reply::parse_chunk(data, written, tell),
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
        let teller = Teller::new(&sink);
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
        let mut written = Written::default();
        for line in [&b": ping"[..], b"event: x", b"", b"\r", b"data: [DONE]\r", b"data:"] {
            event(line, &mut written, |text| panic!("{text}")).unwrap();
        }
        let mut text = String::new();
        event(br#"data:{"choices":[{"delta":{"content":"hi"}}]}"#, &mut written, |piece| text.push_str(piece)).unwrap();
        assert_eq!(text, "hi");
        assert!(event(b"data: {", &mut written, |_| ()).is_err());
    }
}
