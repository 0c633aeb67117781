//! A server's text -> text for errors, rows, files and terminals: without keys, without control sequences, and short.
//!
//! Messages of errors pass through [`Secrets::said`] before they are cut. Answers pass through [`Secrets::kept`] where they are read, before they are
//! shown or stored.

mod held;

use std::borrow::Cow;

use reqwest::Url;

pub(crate) use self::held::HeldText;
use crate::engine::http::HttpConfig;

/// Fewest bytes of a secret that is also removed inside other words. A shorter one is removed only as a separate word: the letter `x` is in too many
/// words.
const FOUND_INSIDE: usize = 8;

/// Most characters of an error message.
const LIMIT: usize = 200;

/// Parts of a header's name that show that it holds a key.
const KEY_NAMES: [&str; 11] =
    ["key", "apikey", "token", "auth", "authorization", "secret", "cookie", "password", "credential", "credentials", "signature"];

/// The texts that must never be shown.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    /// All of them, the longest first.
    all: Vec<String>,
    /// Secrets that are removed from answers: too long for a word that a judge writes, such as `EMPTY`, and no harmless header.
    keys: Vec<String>,
}

impl Secrets {
    /// Returns all secrets of a configuration: the key, the secret parts of addresses (a name, a password, the values of a query), and the values of
    /// headers.
    pub fn of(config: &HttpConfig) -> Self {
        let mut secrets = Secrets::default();
        config.key().iter().for_each(|key| secrets.add(key, true));
        for url in config.urls.iter().filter_map(|url| Url::parse(url.trim()).ok()) {
            if let Some(password) = url.password().filter(|password| !password.is_empty()) {
                secrets.add(&base64(format!("{}:{password}", url.username()).as_bytes()), true);
                secrets.add(password, true);
            } else if !url.username().is_empty() {
                // A token may stand in place of a name.
                secrets.add(url.username(), true);
            }
            url.query_pairs().filter(|(name, _)| !is_harmless(name)).for_each(|(_, value)| secrets.add(&value, true));
        }
        config.headers.iter().for_each(|(name, value)| secrets.add(value, holds_key(name, value)));
        secrets
    }

    /// Adds a secret. A `key` is removed from answers, too. In a header such as `Bearer TOKEN`, the token is a secret by itself.
    pub fn add(&mut self, secret: &str, key: bool) {
        for secret in [secret.trim(), secret.trim().rsplit(' ').next().unwrap_or_default()] {
            for (list, wanted) in [(&mut self.all, true), (&mut self.keys, key && secret.len() >= FOUND_INSIDE)] {
                if wanted && !secret.is_empty() && !list.iter().any(|known| known == secret) {
                    list.push(secret.to_owned());
                    // The longest is first, so that none is broken up by another one that it contains.
                    list.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
                }
            }
        }
    }

    /// Returns `text` without secrets.
    pub fn redacted(&self, text: &str) -> String {
        self.all.iter().fold(text.to_owned(), |text, secret| without(&text, secret))
    }

    /// Returns an answer without keys, and otherwise unchanged.
    pub fn kept(&self, text: String) -> String {
        self.keys.iter().fold(text, |text, key| if text.contains(key.as_str()) { without(&text, key) } else { text })
    }

    /// Returns the bytes of an answer without keys.
    pub fn kept_bytes<'a>(&self, body: &'a [u8]) -> Cow<'a, [u8]> {
        let holds = |key: &String| body.windows(key.len()).any(|part| part == key.as_bytes());
        match self.keys.iter().any(holds) {
            true => Cow::Owned(self.kept(String::from_utf8_lossy(body).into_owned()).into_bytes()),
            false => Cow::Borrowed(body),
        }
    }

    #[cfg(test)]
    fn of_keys(keys: &[&str]) -> Self {
        let mut secrets = Secrets::default();
        keys.iter().for_each(|key| secrets.add(key, true));
        secrets
    }

    /// Returns the first words of `text` on one line, without secrets and with visible control characters.
    pub fn said(&self, text: &str) -> String {
        let line = self.redacted(text).split_whitespace().collect::<Vec<_>>().join(" ");
        let line = visible(&line);
        match line.char_indices().nth(LIMIT) {
            Some((end, _)) => format!("{}...", &line[..end]),
            None if line.is_empty() => "(empty)".to_owned(),
            None => line,
        }
    }
}

/// Returns whether a header holds a key, by its name or because its value ends with a long word with digits.
fn holds_key(name: &str, value: &str) -> bool {
    let named = name.to_lowercase().split(['-', '_']).any(|part| KEY_NAMES.contains(&part));
    let word = value.split(' ').next_back().unwrap_or_default();
    named || (word.len() >= 2 * FOUND_INSIDE && word.contains(|c: char| c.is_ascii_digit()) && !word.contains("://"))
}

/// Returns `text` with every `secret` replaced; a short one only as a separate word.
fn without(text: &str, secret: &str) -> String {
    const INSTEAD: &str = "(key)";
    if secret.len() >= FOUND_INSIDE {
        return text.replace(secret, INSTEAD);
    }
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let (mut out, mut from) = (String::new(), 0);
    for (at, found) in text.match_indices(secret) {
        let (before, after) = (&text[..at], &text[at + found.len()..]);
        if !before.ends_with(part) && !after.starts_with(part) {
            out.push_str(&text[from..at]);
            out.push_str(INSTEAD);
            from = at + found.len();
        }
    }
    out + &text[from..]
}

/// Returns `text` with control characters, and characters that change the direction of writing, as their numbers: `\u{1b}`.
pub(crate) fn visible(text: &str) -> String {
    let acts = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    if !text.contains(acts) {
        return text.to_owned();
    }
    text.chars().map(|c| if acts(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// Returns `url` without a user name and a password, and without the values of its query.
pub fn shown_address(url: &str) -> String {
    // The kind of an engine may come first: `scalar:http://...`.
    if let Some(at) = url.find(":http").filter(|at| !url[..*at].contains('/')) {
        return format!("{}:{}", &url[..at], shown_address(&url[at + 1..]));
    }
    let Ok(mut parsed) = Url::parse(url) else { return unparsed(url) };
    // Without `http://`, a name before a password looks like the kind of an engine.
    let kind = ["local", "gguf", "replay", "scripted"].contains(&parsed.scheme());
    if !parsed.has_host() && !kind && url.contains('@') {
        return unparsed(url);
    }
    if parsed.username().is_empty() && parsed.password().is_none() && parsed.query().is_none() {
        return url.to_owned();
    }
    // Both calls fail only for addresses without a host, which have no password either.
    let _ = parsed.set_password(None);
    let _ = parsed.set_username("");
    if parsed.query().is_some() {
        let shown = |(name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
            if is_harmless(&name) { format!("{name}={value}") } else { format!("{name}=...") }
        };
        let query = parsed.query_pairs().map(shown).collect::<Vec<_>>().join("&");
        parsed.set_query(Some(&query));
    }
    parsed.as_str().trim_end_matches('/').to_owned()
}

/// Returns a text that is no address, without any part that could be a password.
fn unparsed(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let rest = rest.split_once('?').map_or(rest.to_owned(), |(path, _)| format!("{path}?..."));
    if scheme.is_empty() { rest } else { format!("{scheme}://{rest}") }
}

/// Returns whether a part of a query is no secret.
fn is_harmless(name: &str) -> bool {
    name.is_empty() || name.eq_ignore_ascii_case("api-version") || name.eq_ignore_ascii_case("alt")
}

/// Encodes a name and a password for `Authorization: Basic`.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, n| bits << 8 | u32::from(three.get(n).copied().unwrap_or_default()));
        for n in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * n)) as usize & 63];
            out.push(if n <= three.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(key: &str, url: &str) -> Secrets {
        Secrets::of(&HttpConfig { api_key: Some(key.to_owned()), urls: vec![url.to_owned()], ..HttpConfig::default() })
    }

    #[test]
    fn secrets_of_all_kinds_are_taken_out() {
        let mut secrets = secrets("sk-SECRET-abcdef", "https://me:hidden-word@host/v1?api-version=2024-10-21&key=AIzaSyQuery");
        secrets.add("Bearer token-in-a-header", true);
        let said = secrets
            .said("a sk-SECRET-abcdef b hidden-word c AIzaSyQuery d token-in-a-header e bWU6aGlkZGVuLXdvcmQ= f 2024-10-21 me");
        assert_eq!(said, "a (key) b (key) c (key) d (key) e (key) f 2024-10-21 me");
        assert_eq!(secrets.said("xsk-SECRET-abcdefx"), "x(key)x");
    }

    #[test]
    fn answers_lose_keys_and_no_word_that_a_judge_may_write() {
        let mut long = secrets("sk-SECRET-abcdef", "http://me:hidden-word@host");
        let held = "Bearer token-of-9-and-more".to_owned();
        let headers = vec![("X-Title".to_owned(), "judge Assistant".to_owned()), ("x-team".to_owned(), held)];
        let more = Secrets::of(&HttpConfig { headers, ..HttpConfig::default() });
        more.keys.iter().for_each(|key| long.add(key, true));
        let answer = "sk-SECRET-abcdef hidden-word token-of-9-and-more Assistant 1";
        assert_eq!(long.kept(answer.to_owned()), "(key) (key) (key) Assistant 1");
        assert_eq!(long.kept_bytes(b"{\"a\": \"sk-SECRET-abcdef\"}").as_ref(), b"{\"a\": \"(key)\"}");
        let short = secrets("EMPTY", "http://host");
        assert_eq!(short.kept("The list is EMPTY.".to_owned()), "The list is EMPTY.");
        assert_eq!(secrets("1", "http://host").kept("\\boxed{1}".to_owned()), "\\boxed{1}");
    }

    #[test]
    fn a_key_is_taken_out_before_anything_is_cut() {
        let secrets = secrets("sk-SECRET-abcdefghijklmnop", "http://host");
        for blanks in 0..40 {
            let said = secrets.said(&format!("{}{} end", "a ".repeat(85 + blanks), "sk-SECRET-abcdefghijklmnop"));
            assert!(!said.contains("sk-") && said.chars().count() <= LIMIT + 3, "{said}");
        }
    }

    #[test]
    fn a_short_key_is_a_word_and_not_a_letter() {
        let words = "Unsupported parameter: 'max_tokens' is not supported; key x, `x`. Use max-x.";
        assert_eq!(
            secrets("x", "http://host").said(words),
            "Unsupported parameter: 'max_tokens' is not supported; key (key), `(key)`. Use max-(key)."
        );
        assert_eq!(secrets("EMPTY", "http://host").said("an EMPTY answer, EMPTYING"), "an (key) answer, EMPTYING");
    }

    #[test]
    fn control_sequences_are_visible_and_harmless() {
        let said = Secrets::default().said("bad \u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7} \u{202e} end\n\tline \u{9b}2J");
        assert_eq!(said, "bad \\u{1b}[31mred\\u{1b}[0m \\u{1b}]0;title\\u{7} \\u{202e} end line \\u{9b}2J");
        assert_eq!(visible("plain héllo 你好"), "plain héllo 你好");
        assert_eq!(Secrets::default().said(" \n"), "(empty)");
    }

    #[test]
    fn addresses_are_shown_without_what_they_hide() {
        let cases = [
            ("http://host:8000", "http://host:8000"),
            ("http://me:hidden@host/v1", "http://host/v1"),
            ("https://token@host", "https://host"),
            ("https://host/v1?key=hidden&api-version=1", "https://host/v1?key=...&api-version=1"),
            ("http://me:hid den@ho st", "http://ho st"),
            ("me:hidden@host?key=hidden", "host?..."),
            ("scalar:http://me:hidden@host?key=hidden", "scalar:http://host/?key=..."),
            ("scripted:first", "scripted:first"),
            ("local:/models/a b", "local:/models/a b"),
        ];
        for (url, shown) in cases {
            assert_eq!(shown_address(url), shown);
        }
    }

    #[test]
    fn base64_is_as_it_is() {
        for (plain, coded) in
            [("", ""), ("M", "TQ=="), ("Ma", "TWE="), ("Man", "TWFu"), ("me:hidden-word", "bWU6aGlkZGVuLXdvcmQ=")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
