//! A conversation that ends with a response -> the JSON of each route; its reply -> a score.

use reqwest::Url;
use serde_json::{Value, json};

use crate::{
    chat::{Message, Role},
    engine::Usage,
};

/// The route by which a server gives a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/classify` of vLLM and SGLang: the server renders the conversation by the model's own template.
    Classify,
    /// `/predict` of Text Embeddings Inference, with prompt and response as a pair of texts.
    Predict,
    /// `/score` of vLLM, with prompt and response as two texts.
    Score,
    /// `/rerank` of any of them, with one document.
    Rerank,
}

impl Route {
    /// All routes in the order in which they are tried; reward models are served at the first ones.
    pub(super) const PROBED: [Route; 4] = [Route::Classify, Route::Predict, Route::Score, Route::Rerank];

    /// Returns the path of the route below the base address.
    pub fn path(self) -> &'static str {
        match self {
            Route::Classify => "classify",
            Route::Predict => "predict",
            Route::Score => "score",
            Route::Rerank => "rerank",
        }
    }
}

/// Returns an address without the route at its end, and that route.
pub(super) fn split(url: &str) -> (String, Option<Route>) {
    if let Ok(mut parsed) = Url::parse(url) {
        let path = parsed.path().trim_end_matches('/').to_owned();
        let route = Route::PROBED.into_iter().find(|route| path.rsplit('/').next() == Some(route.path()));
        if let Some(route) = route {
            parsed.set_path(path.trim_end_matches(route.path()).trim_end_matches('/'));
            return (parsed.to_string(), Some(route));
        }
    }
    (url.to_owned(), None)
}

/// Returns the body of a request. It asks for raw scores, without an activation function, which could make different scores equal.
pub(super) fn body(route: Route, model: &str, messages: &[Message]) -> Result<Value, String> {
    if route == Route::Classify {
        let turns = messages.iter().map(|message| json!({"role": message.role.as_str(), "content": message.content}));
        return Ok(json!({"model": model, "messages": turns.collect::<Vec<_>>(), "use_activation": false}));
    }
    let Some((response, prompt)) = messages.split_last() else { return Err("there is no response to score".to_owned()) };
    let (prompt, response) = (plain(prompt), &response.content);
    Ok(match route {
        Route::Predict => json!({"inputs": [[prompt, response]], "raw_scores": true, "truncate": false}),
        Route::Score => json!({"model": model, "text_1": prompt, "text_2": response, "use_activation": false}),
        // `documents` is the name of vLLM and Jina, `texts` that of Text Embeddings Inference.
        _ => json!({"model": model, "query": prompt, "documents": [response], "texts": [response], "raw_scores": true}),
    })
}

/// Returns a prompt as one text: a single user turn as it is, several turns with the names of the speakers.
fn plain(prompt: &[Message]) -> String {
    match prompt {
        [Message { role: Role::User, content }] => content.clone(),
        turns => turns.iter().map(|turn| format!("{}: {}", turn.role.as_str(), turn.content)).collect::<Vec<_>>().join("\n\n"),
    }
}

/// Returns the one score in a reply, and the tokens that it states.
pub(super) fn read(route: Route, reply: &Value) -> Result<(f64, Usage), String> {
    let score = match route {
        Route::Classify => {
            let probs = only(&reply["data"]).map(|entry| &entry["probs"]);
            match probs.and_then(Value::as_array).map(Vec::as_slice) {
                Some([score]) => score.as_f64(),
                Some(several) => {
                    return Err(format!("a reward model has one class; this one has {}, so it is a classifier", several.len()));
                }
                None => None,
            }
        }
        Route::Predict => {
            let inner = only(reply).map(|entry| if entry.is_array() { only(entry) } else { Some(entry) });
            match inner {
                Some(None) => return Err("a reward model has one label; this one has several, so it is a classifier".to_owned()),
                Some(Some(entry)) => entry["score"].as_f64(),
                None => None,
            }
        }
        Route::Score => only(&reply["data"]).and_then(|entry| entry["score"].as_f64()),
        Route::Rerank => {
            let results = reply.get("results").unwrap_or(reply);
            only(results).and_then(|entry| entry.get("relevance_score").or(entry.get("score"))?.as_f64())
        }
    };
    let score = score.filter(|score| score.is_finite());
    let tokens = reply["usage"]["prompt_tokens"].as_u64().unwrap_or(0);
    let score = score.ok_or_else(|| format!("expected one number from /{}; found {reply}", route.path()))?;
    Ok((score, Usage { prompt_tokens: tokens, completion_tokens: 0 }))
}

/// Returns the only entry of a list; `None` if there are none or several.
fn only(list: &Value) -> Option<&Value> {
    match list.as_array().map(Vec::as_slice) {
        Some([entry]) => Some(entry),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_name_its_route() {
        let of = |url: &str| split(url);
        assert_eq!(of("http://h:1/classify"), ("http://h:1/".to_owned(), Some(Route::Classify)));
        assert_eq!(of("http://h:1/base/rerank/"), ("http://h:1/base".to_owned(), Some(Route::Rerank)));
        assert_eq!(of("http://h:1"), ("http://h:1".to_owned(), None));
    }

    #[test]
    fn replies_of_every_shape_hold_one_score() {
        let read = |route, text: &str| read(route, &serde_json::from_str(text).unwrap());
        let vllm = r#"{"data":[{"index":0,"label":null,"probs":[-3.5],"num_classes":1}],"usage":{"prompt_tokens":9}}"#;
        assert_eq!(read(Route::Classify, vllm), Ok((-3.5, Usage { prompt_tokens: 9, completion_tokens: 0 })));
        for (route, text) in [
            (Route::Predict, r#"[[{"label":"LABEL_0","score":0.25}]]"#),
            (Route::Predict, r#"[{"label":"LABEL_0","score":0.25}]"#),
            (Route::Score, r#"{"data":[{"index":0,"object":"score","score":0.25}]}"#),
            (Route::Rerank, r#"{"results":[{"index":0,"relevance_score":0.25}]}"#),
            (Route::Rerank, r#"[{"index":0,"score":0.25}]"#),
        ] {
            assert_eq!(read(route, text).unwrap().0, 0.25, "{text}");
        }
    }

    #[test]
    fn what_is_no_score_is_refused_with_words() {
        let said = |route, text: &str| read(route, &serde_json::from_str(text).unwrap()).unwrap_err();
        assert!(said(Route::Classify, r#"{"data":[{"probs":[0.1,0.9]}]}"#).contains("one class; this one has 2"));
        assert!(said(Route::Predict, r#"[[{"score":0.1},{"score":0.9}]]"#).contains("classifier"));
        assert!(said(Route::Score, r#"{"data":[{"score":null}]}"#).contains("expected one number from /score"));
        assert!(said(Route::Rerank, r#"{"error":"no"}"#).contains("found {\"error\":\"no\"}"));
    }

    #[test]
    fn a_conversation_is_sent_as_turns_or_as_texts() {
        let answer = Message { role: Role::Assistant, content: "A".to_owned() };
        let one = [Message::user("Q"), answer.clone()];
        assert_eq!(body(Route::Classify, "m", &one).unwrap()["messages"][1]["role"], "assistant");
        assert_eq!(body(Route::Predict, "m", &one).unwrap()["inputs"], json!([["Q", "A"]]));
        let two = [Message::user("Q"), answer.clone(), Message::user("R"), answer];
        assert_eq!(body(Route::Score, "m", &two).unwrap()["text_1"], "user: Q\n\nassistant: A\n\nuser: R");
    }
}
