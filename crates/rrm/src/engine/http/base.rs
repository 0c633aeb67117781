//! A server's address as the user gives it -> the places where its routes may be.
//!
//! Addresses of providers' pages are used as they are: one that ends in a version (`/v1`, `/api/paas/v4`), one with a query (`?api-version=...`), one
//! with `/chat/completions` at its end. A bare host gets `/v1`. If it is not clear whether `/v1` follows a path, both are candidates, and connecting
//! finds out which one answers.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use reqwest::Url;

/// Routes that users paste together with the address.
const ROUTES: [&str; 5] = ["/chat/completions", "/completions", "/embeddings", "/responses", "/models"];

/// The candidates for the base address of a server's routes, and the one in use.
#[derive(Debug)]
pub(crate) struct BaseUrl {
    candidates: Vec<Url>,
    used: AtomicUsize,
}

impl BaseUrl {
    /// Parses an address.
    ///
    /// # Errors
    /// A description of the error, without secrets of the address.
    pub fn parse(url: &str) -> Result<Self, String> {
        let shown = super::secrets::shown_address(url.trim());
        let mut parsed = Url::parse(url.trim()).map_err(|error| format!("`{shown}` is no URL: {error}"))?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
            return Err(format!("`{shown}` does not begin with http:// or https:// and a host"));
        }
        parsed.set_fragment(None);
        let path = parsed.path().trim_end_matches('/').to_owned();
        let at = |path: &str| {
            let mut url = parsed.clone();
            url.set_path(path);
            url
        };
        let candidates = paths(&path, parsed.query().is_some()).iter().map(|path| at(path)).collect();
        Ok(BaseUrl { candidates, used: AtomicUsize::new(0) })
    }

    /// Returns the number of candidates.
    pub fn count(&self) -> usize {
        self.candidates.len()
    }

    /// Uses this candidate from now on. Returns whether it exists.
    pub fn choose(&self, number: usize) -> bool {
        let there = number < self.candidates.len();
        if there {
            self.used.store(number, Relaxed);
        }
        there
    }

    /// Returns the index of the candidate in use.
    pub fn chosen(&self) -> usize {
        self.used.load(Relaxed)
    }

    /// Returns the address of `path`. A path that begins with `v1/` is beside the chat route. Any other one, such as `tokenize`, is at the root,
    /// which is the base address without `/v1` at its end. The query stays.
    pub fn url(&self, path: &str) -> Url {
        let mut url = self.candidates[self.chosen()].clone();
        let api = url.path().trim_end_matches('/').to_owned();
        let (place, path) = match path.strip_prefix("v1/") {
            Some(path) => (api.as_str(), path),
            None => (root(&api), path),
        };
        url.set_path(&format!("{place}/{path}"));
        url
    }

    /// Returns the root without user, password and query.
    pub fn shown(&self) -> String {
        let mut url = self.candidates[self.chosen()].clone();
        let path = root(url.path().trim_end_matches('/')).to_owned();
        url.set_path(&path);
        shown(&url)
    }

    /// Returns whether the host is this machine.
    pub fn is_local(&self) -> bool {
        let host = self.candidates[0].host_str().unwrap_or_default();
        matches!(host, "localhost" | "0.0.0.0" | "[::1]" | "[::]") || host.starts_with("127.") || host.ends_with(".localhost")
    }
}

/// Returns an address without user and password, and with only the interface version of its query, because a query may hold keys.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let version = url.query_pairs().find(|(name, _)| name == "api-version").map(|(_, value)| value.into_owned());
    // Both calls fail only for addresses without a host, which have no password either.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.set_query(None);
    if let Some(version) = version {
        url.query_pairs_mut().append_pair("api-version", &version);
    }
    url.as_str().trim_end_matches('/').to_owned()
}

fn root(api: &str) -> &str {
    api.strip_suffix("/v1").unwrap_or(api).trim_end_matches('/')
}

/// Returns the paths at which `/chat/completions` may be, the likeliest first.
fn paths(path: &str, query: bool) -> Vec<String> {
    if let Some(before) = ROUTES.iter().find_map(|route| path.strip_suffix(route)) {
        return vec![before.trim_end_matches('/').to_owned()];
    }
    let (given, with_version) = (path.to_owned(), format!("{path}/v1"));
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let last = segments.clone().next_back().unwrap_or_default();
    if is_version(last) || (query && !path.is_empty()) || segments.clone().any(|segment| segment == "deployments") {
        return vec![given];
    }
    if path.is_empty() && !query {
        return vec![with_version];
    }
    if last.eq_ignore_ascii_case("openai") || segments.any(is_version) {
        vec![given, with_version]
    } else {
        vec![with_version, given]
    }
}

/// Returns whether a segment is a version: `v1`, `v4`, `v1beta`, `v1.1`.
fn is_version(segment: &str) -> bool {
    let rest = segment.strip_prefix(['v', 'V']).unwrap_or_default();
    rest.starts_with(|c: char| c.is_ascii_digit())
        && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
        && rest.len() < 9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat(url: &str) -> Vec<String> {
        let base = BaseUrl::parse(url).unwrap();
        let each = (0..base.count()).map(|number| {
            base.choose(number);
            base.url("v1/chat/completions").to_string()
        });
        each.collect()
    }

    #[test]
    fn addresses_of_providers_are_taken_as_their_pages_give_them() {
        let cases = [
            ("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"),
            ("https://api.anthropic.com/v1/", "https://api.anthropic.com/v1/chat/completions"),
            ("https://api.deepseek.com", "https://api.deepseek.com/v1/chat/completions"),
            ("https://g.example/v1beta/openai/", "https://g.example/v1beta/openai/chat/completions"),
            ("https://z.example/api/paas/v4", "https://z.example/api/paas/v4/chat/completions"),
            ("https://z.example/api/paas/v4/", "https://z.example/api/paas/v4/chat/completions"),
            ("https://d.example/compatible-mode/v1", "https://d.example/compatible-mode/v1/chat/completions"),
            ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1/chat/completions"),
            ("https://api.groq.com/openai/v1", "https://api.groq.com/openai/v1/chat/completions"),
            ("https://api.fireworks.ai/inference/v1", "https://api.fireworks.ai/inference/v1/chat/completions"),
            ("https://ark.example/api/v3", "https://ark.example/api/v3/chat/completions"),
            (
                "https://x.example/v1/projects/p/endpoints/openapi",
                "https://x.example/v1/projects/p/endpoints/openapi/chat/completions",
            ),
            (
                "https://r.example/openai/deployments/g?api-version=2024-10-21",
                "https://r.example/openai/deployments/g/chat/completions?api-version=2024-10-21",
            ),
            (
                "https://r.example/openai/v1?api-version=preview",
                "https://r.example/openai/v1/chat/completions?api-version=preview",
            ),
            ("https://r.example/openai/v1/", "https://r.example/openai/v1/chat/completions"),
            (
                "https://r.example/models/chat/completions?api-version=2024-05-01-preview",
                "https://r.example/models/chat/completions?api-version=2024-05-01-preview",
            ),
            ("http://h:1/v1/chat/completions", "http://h:1/v1/chat/completions"),
            ("https://api.perplexity.ai/chat/completions", "https://api.perplexity.ai/chat/completions"),
            ("http://h:1/v1/completions/", "http://h:1/v1/chat/completions"),
            ("http://h:1/v1/models", "http://h:1/v1/chat/completions"),
            ("http://h:1", "http://h:1/v1/chat/completions"),
            (" http://h:1/ ", "http://h:1/v1/chat/completions"),
            ("http://h:1/#top", "http://h:1/v1/chat/completions"),
        ];
        for (given, first) in cases {
            assert_eq!(chat(given)[0], first, "{given}");
        }
    }

    #[test]
    fn a_path_that_leaves_it_open_has_two_candidates() {
        assert_eq!(chat("http://h/llm"), ["http://h/llm/v1/chat/completions", "http://h/llm/chat/completions"]);
        assert_eq!(chat("http://h/openai"), ["http://h/openai/chat/completions", "http://h/openai/v1/chat/completions"]);
        for url in ["http://h", "http://h/v1", "http://h/a/v3", "http://h/openai?api-version=1", "http://h/v1/chat/completions"] {
            assert_eq!(chat(url).len(), 1, "{url}");
        }
    }

    #[test]
    fn other_routes_lie_at_the_root_and_keep_the_query() {
        let url = |base: &str, path: &str| BaseUrl::parse(base).unwrap().url(path).to_string();
        assert_eq!(url("http://h:1/v1", "tokenize"), "http://h:1/tokenize");
        assert_eq!(url("http://h:1/api/v1", "apply-template"), "http://h:1/api/apply-template");
        assert_eq!(url("http://h:1/openai/v1?api-version=1", "v1/models"), "http://h:1/openai/v1/models?api-version=1");
        assert_eq!(url("http://h:1/api/paas/v4", "v1/models"), "http://h:1/api/paas/v4/models");
    }

    #[test]
    fn what_is_shown_holds_no_secret() {
        let shown = |url: &str| BaseUrl::parse(url).unwrap().shown();
        assert_eq!(shown("http://me:hidden@h:1/v1"), "http://h:1");
        assert_eq!(shown("https://h/openai/v1?api-version=1&key=hidden"), "https://h/openai?api-version=1");
        let error = BaseUrl::parse("ftp://me:hidden@h/").unwrap_err();
        assert!(!error.contains("hidden"), "{error}");
        for bad in ["localhost:8000", "ftp://a", "http://", "", "h"] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
