//! A request -> the address of its completion: a hash of everything that can change the text.
//!
//! Every text is hashed with its length before it, and every optional part with a mark of its presence, so that no two different requests give the
//! same bytes. Structs are destructured field by field without `..`: a new field does not compile until it is decided whether it belongs to the
//! address. The values are pinned by tests, because a change would make all stored completions unreachable.

use std::{fmt, str::FromStr, sync::LazyLock};

use blake3::hazmat::{ContextKey, HasherExt, hash_derive_key_context};

use crate::{
    chat::Message,
    engine::{Budget, Request, Sampling},
};

/// Domain of a hash, itself hashed once.
type Context = LazyLock<ContextKey>;

static COMPLETION: Context = LazyLock::new(|| hash_derive_key_context("rrm completion key 1"));
static MESSAGES: Context = LazyLock::new(|| hash_derive_key_context("rrm messages 1"));
static SETTINGS: Context = LazyLock::new(|| hash_derive_key_context("rrm settings 1"));

fn new_hasher(context: &Context) -> blake3::Hasher {
    blake3::Hasher::new_from_context_key(context)
}

/// Address of one completion in a store: BLAKE3-256 of all [`KeyParts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CompletionKey(pub [u8; 32]);

/// The parts that distinguish a paid-for completion from every other one.
#[derive(Clone, Copy, Debug)]
pub struct KeyParts<'a> {
    /// [`EngineInfo::fingerprint`](crate::engine::EngineInfo::fingerprint): a retrained model behind the same name is another engine.
    pub fingerprint: &'a str,
    /// Hash of the judge format that wrote the request.
    pub format_hash: &'a str,
    /// The request, of which messages, sampling, budget and seed count.
    pub request: &'a Request,
    /// Index of the vote on the comparison, from 0.
    pub vote: u32,
}

/// Returns the address of the completion with these parts.
pub fn completion_key(parts: &KeyParts<'_>) -> CompletionKey {
    let KeyParts { fingerprint, format_hash, request, vote } = parts;
    let Request { messages, sampling, seed, budget, comparison: _, labels: _, sink: _ } = request;
    let mut hasher = new_hasher(&COMPLETION);
    text(&mut hasher, fingerprint);
    text(&mut hasher, format_hash);
    hasher.update(messages_hash(messages).as_bytes());
    hasher.update(settings_hash(sampling, budget.as_ref()).as_bytes());
    number(&mut hasher, *seed);
    number(&mut hasher, u64::from(*vote));
    CompletionKey(hasher.finalize().into())
}

/// Hash of a conversation: roles and contents, in order.
pub fn messages_hash(messages: &[Message]) -> blake3::Hash {
    let mut hasher = new_hasher(&MESSAGES);
    number(&mut hasher, messages.len() as u64);
    for Message { role, content } in messages {
        text(&mut hasher, role.as_str());
        text(&mut hasher, content);
    }
    hasher.finalize()
}

/// Hash of the sampling parameters and the thinking budget.
pub fn settings_hash(sampling: &Sampling, budget: Option<&Budget>) -> blake3::Hash {
    let mut hasher = new_hasher(&SETTINGS);
    let Sampling { temperature, top_p, top_k, min_p, max_tokens } = sampling;
    float(&mut hasher, *temperature);
    float(&mut hasher, *top_p);
    option(&mut hasher, top_k.as_ref(), |hasher, top_k| number(hasher, u64::from(*top_k)));
    option(&mut hasher, min_p.as_ref(), |hasher, min_p| float(hasher, *min_p));
    number(&mut hasher, u64::from(*max_tokens));
    option(&mut hasher, budget, hash_budget);
    hasher.finalize()
}

fn hash_budget(hasher: &mut blake3::Hasher, budget: &Budget) {
    let Budget {
        max_thinking_tokens,
        elicit,
        elicit_answer,
        open,
        close,
        opened_by_template,
        max_verdict_tokens,
        stop,
        verdicts,
        stop_at_verdict,
    } = budget;
    number(hasher, u64::from(*max_thinking_tokens));
    for part in [elicit, elicit_answer, open, close] {
        text(hasher, part);
    }
    number(hasher, u64::from(*opened_by_template));
    number(hasher, u64::from(*max_verdict_tokens));
    for list in [stop, verdicts] {
        number(hasher, list.len() as u64);
        list.iter().for_each(|each| text(hasher, each));
    }
    // Nothing follows, so a mark that is written only when the option is set leaves all other addresses unchanged.
    if *stop_at_verdict {
        number(hasher, 1);
    }
}

fn text(hasher: &mut blake3::Hasher, text: &str) {
    number(hasher, text.len() as u64);
    hasher.update(text.as_bytes());
}

fn number(hasher: &mut blake3::Hasher, number: u64) {
    hasher.update(&number.to_le_bytes());
}

/// Hashes a float. The sum turns -0 into 0, which samples the same.
fn float(hasher: &mut blake3::Hasher, float: f64) {
    number(hasher, (float + 0.0).to_bits());
}

fn option<T>(hasher: &mut blake3::Hasher, value: Option<&T>, hash: impl FnOnce(&mut blake3::Hasher, &T)) {
    number(hasher, u64::from(value.is_some()));
    if let Some(value) = value {
        hash(hasher, value);
    }
}

impl fmt::Display for CompletionKey {
    /// Writes 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl FromStr for CompletionKey {
    type Err = blake3::HexError;

    /// Parses the form that [`Display`](fmt::Display) writes.
    fn from_str(hex: &str) -> Result<Self, Self::Err> {
        blake3::Hash::from_hex(hex).map(|hash| CompletionKey(hash.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Role;
    use proptest::prelude::*;

    fn request() -> Request {
        Request {
            messages: [Message { role: Role::System, content: "Judge.".into() }, Message::user("Which is better?")].into(),
            sampling: Sampling::default(),
            seed: 42,
            budget: None,
            comparison: None,
            labels: None,
            sink: None,
        }
    }

    fn budget() -> Budget {
        Budget {
            max_thinking_tokens: 512,
            elicit: "</think>\\boxed{".into(),
            elicit_answer: "\\boxed{".into(),
            open: "<think>".into(),
            close: "</think>".into(),
            opened_by_template: false,
            max_verdict_tokens: 8,
            stop: vec!["}".into()],
            verdicts: vec!["\\boxed{1}".into()],
            stop_at_verdict: false,
        }
    }

    fn key(request: &Request) -> CompletionKey {
        completion_key(&KeyParts { fingerprint: "abc", format_hash: "def", request, vote: 3 })
    }

    /// The first value was computed independently, with the Python package `blake3`; the second one pins the fields that were added later.
    #[test]
    fn keys_are_pinned() {
        assert_eq!(key(&request()).to_string(), "221406f4863da734b56a016562ca2a25314d6dfa55d98cf42d8529db0af91457");
        let all = Sampling { top_k: Some(20), min_p: Some(0.05), ..Sampling::default() };
        let request = Request { budget: Some(budget()), sampling: all, ..request() };
        assert_eq!(key(&request).to_string(), "ae3f0d807382fcd71ccc69a867291994dbc90857984b20c74b8311132fcae03d");
    }

    #[test]
    fn every_part_changes_the_key() {
        let base = request();
        let with = |change: fn(&mut Request)| {
            let mut request = base.clone();
            change(&mut request);
            key(&request)
        };
        let with_budget = |change: fn(&mut Budget)| {
            let mut budget = budget();
            change(&mut budget);
            key(&Request { budget: Some(budget), ..base.clone() })
        };
        let said = |change: fn(&mut Vec<Message>)| {
            let mut messages = base.messages.to_vec();
            change(&mut messages);
            key(&Request { messages: messages.into(), ..base.clone() })
        };
        let parts = KeyParts { fingerprint: "abc", format_hash: "def", request: &base, vote: 3 };
        let keys = [
            completion_key(&parts),
            completion_key(&KeyParts { fingerprint: "abd", ..parts }),
            completion_key(&KeyParts { fingerprint: "abcd", format_hash: "ef", ..parts }),
            completion_key(&KeyParts { format_hash: "deg", ..parts }),
            completion_key(&KeyParts { vote: 4, ..parts }),
            with(|request| request.seed = 43),
            said(|messages| messages[0].role = Role::User),
            said(|messages| messages[1].content.push(' ')),
            said(|messages| messages.push(Message::user(""))),
            said(|messages| messages.swap(0, 1)),
            with(|request| request.sampling.temperature = 0.7),
            with(|request| request.sampling.top_p = 0.6),
            with(|request| request.sampling.top_k = Some(1)),
            with(|request| request.sampling.min_p = Some(0.0)),
            with(|request| request.sampling.max_tokens = 1),
            with_budget(|_| ()),
            with_budget(|budget| budget.max_thinking_tokens = 8),
            with_budget(|budget| budget.elicit.clear()),
            with_budget(|budget| budget.elicit_answer.clear()),
            with_budget(|budget| std::mem::swap(&mut budget.open, &mut budget.close)),
            with_budget(|budget| budget.close.clear()),
            with_budget(|budget| budget.opened_by_template = true),
            with_budget(|budget| budget.max_verdict_tokens = 512),
            with_budget(|budget| budget.stop.clear()),
            with_budget(|budget| budget.stop_at_verdict = true),
            with_budget(|budget| budget.stop = vec!["".into(), "}".into()]),
        ];
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn hints_and_watchers_do_not_change_the_key() {
        let mut other = request();
        other.sink = Some(std::sync::Arc::new(|_| ()));
        assert_eq!(key(&request()), key(&other));
        let zero = |zero| Request { sampling: Sampling { temperature: zero, ..Sampling::default() }, ..request() };
        assert_eq!(key(&zero(0.0)), key(&zero(-0.0)));
    }

    #[test]
    fn hex_is_read_back() {
        let key = key(&request());
        assert_eq!(key.to_string().parse::<CompletionKey>().unwrap(), key);
        assert!("xyz".parse::<CompletionKey>().is_err());
    }

    proptest! {
        /// One text is cut into messages and settings at random places: the same bytes in other pieces are another request.
        #[test]
        fn boundaries_count(whole in "[ab\\x00\u{1}]{0,12}", cuts in prop::collection::vec(0_usize..13, 6), others in prop::collection::vec(0_usize..13, 6)) {
            let pieces = |cuts: &[usize]| {
                let mut cuts: Vec<usize> = cuts.iter().map(|cut| (*cut).min(whole.len())).collect();
                cuts.sort_unstable();
                let ends = cuts.iter().copied().chain([whole.len()]);
                let starts = [0].into_iter().chain(cuts.iter().copied());
                starts.zip(ends).map(|(start, end)| whole[start..end].to_owned()).collect::<Vec<String>>()
            };
            let (a, b) = (pieces(&cuts), pieces(&others));
            let keyed = |p: &[String]| {
                let stop = p[5..].to_vec();
                let budget = Budget { elicit: p[3].clone(), elicit_answer: p[4].clone(), stop, ..budget() };
                let messages = [Message::user(p[1].as_str()), Message::user(p[2].as_str())].into();
                let request = Request { messages, budget: Some(budget), ..request() };
                completion_key(&KeyParts { fingerprint: &p[0], format_hash: &p[6], request: &request, vote: 0 })
            };
            prop_assert_eq!(a == b, keyed(&a) == keyed(&b));
        }
    }
}
