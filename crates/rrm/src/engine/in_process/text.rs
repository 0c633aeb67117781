//! Bytes of tokens -> text. A character may be spread over several tokens; watchers receive only whole characters.

use crate::engine::TokenSink;

/// A text that grows.
pub struct GrowingText {
    whole: String,
    /// The first bytes of a character that is not complete yet.
    partial: Vec<u8>,
    /// Bytes of `whole` that were shown to the watcher.
    released: usize,
    /// The range that [`GrowingText::cut_after`] has searched: its start, and its end.
    searched: (usize, usize),
    sink: Option<TokenSink>,
}

impl GrowingText {
    /// Returns an empty text, watched by `sink`.
    pub fn new(sink: Option<TokenSink>) -> Self {
        GrowingText { whole: String::new(), partial: Vec::new(), released: 0, searched: (0, 0), sink }
    }

    /// Returns all whole characters so far.
    pub fn as_str(&self) -> &str {
        &self.whole
    }

    /// Appends bytes and shows them.
    pub fn push(&mut self, bytes: &[u8]) {
        self.hold(bytes);
        self.release();
    }

    /// Appends bytes without showing them yet. Invalid bytes become U+FFFD.
    pub fn hold(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
        let mut rest = self.partial.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.whole.push_str(text);
                    rest = &[];
                    break;
                }
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    self.whole.push_str(&String::from_utf8_lossy(good));
                    let Some(wrong) = error.error_len() else {
                        rest = bad;
                        break;
                    };
                    self.whole.push(char::REPLACEMENT_CHARACTER);
                    rest = &bad[wrong..];
                }
            }
        }
        self.partial = rest.to_vec();
    }

    /// Shows the watcher the text that it has not seen.
    pub fn release(&mut self) {
        if let Some(sink) = self.sink.as_ref().filter(|_| self.released < self.whole.len()) {
            sink(&self.whole[self.released..]);
        }
        self.released = self.whole.len();
    }

    /// Cuts the text after the first of `stops` that begins at byte `from` or later; the stop string itself stays. Returns `false` if there is none.
    /// Text that an earlier call with the same `from` has searched is not searched again, so `stops` must be the same then.
    pub fn cut_after(&mut self, from: usize, stops: &[String]) -> bool {
        let longest = stops.iter().map(String::len).max().unwrap_or(0);
        let mut start = from;
        if self.searched.0 == from {
            // A stop string may begin in the searched text and end in the new text.
            start = start.max((self.searched.1 + 1).saturating_sub(longest));
            while !self.whole.is_char_boundary(start) {
                start -= 1;
            }
        }
        self.searched = (from, self.whole.len());
        let tail = &self.whole[start..];
        let ends = stops.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| Some(tail.find(stop.as_str())? + stop.len()));
        let Some(end) = ends.min() else { return false };
        self.whole.truncate(start + end);
        self.searched.1 = self.whole.len();
        self.partial.clear();
        true
    }

    /// Ends a character that will not be completed.
    pub fn close_character(&mut self) {
        if !self.partial.is_empty() {
            self.partial.clear();
            self.whole.push(char::REPLACEMENT_CHARACTER);
        }
    }

    /// Shows the rest, and returns the whole text.
    pub fn finish(mut self) -> String {
        self.close_character();
        self.release();
        self.whole
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn looking_only_at_what_is_new_finds_what_looking_at_all_finds(
            before in "[ab€]{0,4}", bytes in "[ab€]{0,40}", sizes in prop::collection::vec(1usize..6, 40),
            stops in prop::collection::vec("[ab€]{0,4}", 0..3),
        ) {
            let mut text = GrowingText::new(None);
            text.push(before.as_bytes());
            let (mut rest, mut whole, mut cut) = (bytes.as_bytes(), before.as_bytes().to_vec(), false);
            for size in sizes {
                let (piece, after) = rest.split_at(size.min(rest.len()));
                rest = after;
                whole.extend(piece);
                text.hold(piece);
                let shown = String::from_utf8_lossy(&whole[..whole.len() - text.partial.len()]).into_owned();
                let found = stops.iter().filter(|stop| !stop.is_empty());
                let found = found.filter_map(|stop| Some(before.len() + shown[before.len()..].find(stop.as_str())? + stop.len())).min();
                cut = text.cut_after(before.len(), &stops);
                prop_assert_eq!(cut, found.is_some());
                if let Some(end) = found {
                    prop_assert_eq!(text.as_str(), &shown[..end]);
                    break;
                }
            }
            prop_assert!(cut || text.finish() == before + &bytes[..bytes.len() - rest.len()]);
        }
    }

    #[test]
    fn characters_spread_over_tokens_are_shown_whole() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let watcher = seen.clone();
        let mut text = GrowingText::new(Some(Arc::new(move |piece: &str| watcher.lock().unwrap().push(piece.to_owned()))));
        for byte in "aß€😀".bytes() {
            text.push(&[byte]);
        }
        assert_eq!(text.finish(), "aß€😀");
        assert_eq!(*seen.lock().unwrap(), ["a", "ß", "€", "😀"]);
    }

    #[test]
    fn bytes_that_are_no_character_are_replaced() {
        let mut text = GrowingText::new(None);
        text.push(b"a\xff\xf0\x9f");
        assert_eq!(text.as_str(), "a\u{fffd}");
        text.push(b"b");
        assert_eq!(text.as_str(), "a\u{fffd}\u{fffd}b");
        text.push(b"\xe2\x82");
        assert_eq!(text.finish(), "a\u{fffd}\u{fffd}b\u{fffd}");
    }

    #[test]
    fn a_stop_string_is_kept_and_what_follows_is_not_shown() {
        let seen = Arc::new(Mutex::new(String::new()));
        let watcher = seen.clone();
        let mut text = GrowingText::new(Some(Arc::new(move |piece: &str| watcher.lock().unwrap().push_str(piece))));
        text.push(b"} before ");
        let from = text.as_str().len();
        text.hold(b"Assistant 1} and \xe2");
        assert!(text.cut_after(from, &["]".to_owned(), "}".to_owned()]));
        assert_eq!(text.finish(), "} before Assistant 1}");
        assert_eq!(*seen.lock().unwrap(), "} before Assistant 1}");
    }

    #[test]
    fn a_stop_string_may_be_spread_over_tokens_but_not_begin_before() {
        let mut text = GrowingText::new(None);
        text.push(b"]");
        let from = text.as_str().len();
        text.hold(b"]x]");
        assert!(!text.cut_after(from, &["]]".to_owned(), String::new()]));
        text.hold(b"]y");
        assert!(text.cut_after(from, &["]]".to_owned()]));
        assert_eq!(text.finish(), "]]x]]");
    }
}
