//! Rerank and score requests in common shapes -> the documents ranked by the judge.
//!
//! One route accepts several shapes, distinguished by their keys as in llama.cpp: `documents` (Jina, Cohere, vLLM, llama.cpp) or `texts`
//! (text-embeddings-inference). A score is the reward from 0 to 1 among these documents and has no meaning for others.

use std::sync::Arc;

use axum::{Json, body::Bytes, extract::State};
use rrm::{
    chat::Message,
    comparison::Prompt,
    dataset::{self, RowProblem},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    AppState,
    error::ApiError,
    reward::{self, GroupRewards},
    settings::{MOST_MEMBERS, Scale},
    shapes::{invalid, parse},
    text::answer,
};

/// A document to rank. It is parsed where its position is known, so that an error can name it.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct RerankDocument(Value);

/// How a document is described: a text, or an object with a text.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "a description, which is never built")]
pub enum TextOrObject {
    /// As it is.
    Text(String),
    /// `{"text": "..."}`; other keys are left alone, but for pictures, which are refused.
    Object {
        /// What is judged.
        text: String,
    },
}

/// `POST /rerank`, `/v1/rerank`, `/v2/rerank`. Keys that are not known are left alone, since clients send their own.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
pub struct RerankRequest {
    /// What the documents answer.
    #[schema(min_length = 1)]
    pub query: String,
    /// Two or more different documents.
    #[schema(value_type = Option<Vec<TextOrObject>>, min_items = 2)]
    pub documents: Option<Vec<RerankDocument>>,
    /// The same, in the shape of text-embeddings-inference.
    #[schema(min_items = 2)]
    pub texts: Option<Vec<String>>,
    /// So many of the best are answered; 0 or nothing: all.
    pub top_n: Option<usize>,
    /// Whether documents come back with their scores.
    pub return_documents: Option<bool>,
    /// The same, for `texts`.
    pub return_text: Option<bool>,
    /// Ignored: the server has one judge.
    pub model: Option<String>,
}

/// One text or several.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(String),
    /// Several.
    #[schema(value_type = Vec<TextOrObject>)]
    More(Vec<RerankDocument>),
}

/// `POST /score`, `/v1/score`.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
pub struct ScoreRequest {
    /// The one query that all documents answer.
    #[serde(alias = "query", alias = "text_1", alias = "data_1")]
    pub queries: OneOrMore,
    /// Two or more different documents.
    #[serde(alias = "items", alias = "text_2", alias = "data_2")]
    pub documents: OneOrMore,
    /// Ignored: the server has one judge.
    pub model: Option<String>,
    /// Asks for probabilities of tokens, which this server does not give.
    pub label_token_ids: Option<Value>,
}

/// Returns the texts of documents; `name` is their key, for errors.
fn texts(documents: Vec<RerankDocument>, name: &str) -> Result<Vec<String>, ApiError> {
    const EXPECTED: &str = "a text, or an object with a `text`";
    let text = |(i, RerankDocument(value)): (usize, RerankDocument)| match value {
        Value::String(text) => Ok(text),
        Value::Object(mut keys) => {
            let place = |key: &str| format!("{name}[{i}].{key}");
            if let Some(key) = dataset::picture(&keys) {
                return Err(invalid(RowProblem::Picture { place: place(key) }));
            }
            match keys.remove("text") {
                Some(Value::String(text)) => Ok(text),
                Some(other) => Err(invalid(dataset::wrong_type(&place("text"), "text", &other))),
                None => Err(invalid(dataset::wrong_type(&format!("{name}[{i}]"), EXPECTED, &Value::Object(keys)))),
            }
        }
        other => Err(invalid(dataset::wrong_type(&format!("{name}[{i}]"), EXPECTED, &other))),
    };
    documents.into_iter().enumerate().map(text).collect()
}

/// Ranks documents. Returns the score of each, from 0 to 1, and how the group was judged.
async fn scores(server: &Arc<AppState>, query: String, documents: &[String]) -> Result<(Vec<f64>, GroupRewards), ApiError> {
    let messages = vec![Message::user(query.as_str())];
    dataset::check_prompt(&messages, "query").map_err(invalid)?;
    if !(2..=MOST_MEMBERS).contains(&documents.len()) {
        let found = documents.len();
        return Err(ApiError::Invalid(format!(
            "a judge compares: from 2 to {MOST_MEMBERS} documents were expected, found {found}"
        )));
    }
    let documents = documents.iter().map(|text| server.judged(&answer(text))).collect::<Result<Vec<String>, _>>()?;
    let mut texts = documents.clone();
    texts.sort_unstable();
    texts.dedup();
    if texts.len() == 1 {
        return Err(ApiError::Invalid("all documents have one text: there is nothing to compare".to_owned()));
    }
    server.check_size(texts.len())?;
    let copies: Vec<usize> = texts.iter().map(|text| documents.iter().filter(|document| *document == text).count()).collect();
    let key = format!("rerank-{}", blake3::hash(query.as_bytes()).to_hex());
    let prompt = Arc::new(Prompt { messages, rubric: None, reference: None });
    let judging = server.clone();
    let work = async move {
        let judged = reward::judge(&judging, &key, prompt, &texts, &copies, Scale::Unit).await?;
        Ok((texts, judged))
    };
    let (texts, judged) = server.apart(work).await?;
    // Clients look only at scores, so a coin must not determine one.
    if judged.coins > 0 {
        let why = format!("{} of the matches had equal votes, and only a coin would decide", judged.coins);
        return Err(ApiError::Undecided(why));
    }
    let score = |document: &String| match texts.binary_search(document) {
        Ok(at) => judged.rewards[at].clone().map(|reward| reward.unit),
        Err(_) => Err(ApiError::Undecided("it was not judged".to_owned())),
    };
    let scores = documents.iter().map(score).collect::<Result<_, _>>()?;
    Ok((scores, judged))
}

/// Returns the indices by descending score, at most `top`; equal scores stay in the order of the request.
fn best_first(scores: &[f64], top: Option<usize>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order.truncate(top.filter(|n| *n > 0).unwrap_or(usize::MAX));
    order
}

/// Tokens of the counted votes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RerankUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

fn usage(judged: &GroupRewards) -> RerankUsage {
    let (prompt_tokens, completion_tokens) = (judged.usage.prompt_tokens, judged.usage.completion_tokens);
    RerankUsage { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens }
}

/// A document that comes back.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ResultDocument {
    text: String,
}

/// A document in the shape of Jina, Cohere and vLLM.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RerankResult {
    /// Its place in the request.
    index: usize,
    /// From 0 to 1 among these documents.
    #[schema(minimum = 0, maximum = 1)]
    relevance_score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<ResultDocument>,
}

/// A document in the shape of text-embeddings-inference.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TeiResult {
    /// Its place in the request.
    index: usize,
    /// From 0 to 1 among these documents.
    #[schema(minimum = 0, maximum = 1)]
    score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// Counts of distinct, undecided and coin-flip matches.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DecisionCounts {
    /// Different texts.
    distinct: usize,
    /// Matches whose votes named nobody.
    undecided: u32,
    /// Of these, matches that a coin decided.
    coins: u32,
}

/// Documents, best first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RerankResponse {
    id: &'static str,
    object: &'static str,
    /// Who judged.
    model: String,
    results: Vec<RerankResult>,
    usage: RerankUsage,
    meta: DecisionCounts,
}

/// Documents, best first, in the shape that asked.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum RerankReply {
    /// For `documents`.
    Object(RerankResponse),
    /// For `texts`.
    List(Vec<TeiResult>),
}

/// One score.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ScoreResult {
    /// The document's place in the request.
    index: usize,
    object: &'static str,
    /// From 0 to 1 among these documents.
    #[schema(minimum = 0, maximum = 1)]
    score: f64,
}

/// Scores in the order of the request.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ScoreReply {
    id: &'static str,
    object: &'static str,
    created: u64,
    /// Who judged.
    model: String,
    data: Vec<ScoreResult>,
    usage: RerankUsage,
}

/// Documents, best first.
#[utoipa::path(post, path = "/v1/rerank", tag = "rerank", request_body = RerankRequest,
    responses(
        (status = 200, description = "Best first: an object with `results`, or for `texts` a list", body = RerankReply),
        ApiError,
    ))]
pub async fn rerank(State(server): State<Arc<AppState>>, body: Bytes) -> Result<Json<RerankReply>, ApiError> {
    let request: RerankRequest = parse(&body)?;
    let (documents, listed) = match (request.documents, request.texts) {
        (Some(documents), None) => (texts(documents, "documents")?, false),
        (None, Some(texts)) => (texts, true),
        _ => return Err(ApiError::Invalid("either `documents` or `texts` was expected".to_owned())),
    };
    let (scores, judged) = scores(&server, request.query, &documents).await?;
    let order = best_first(&scores, request.top_n);
    if listed {
        let with = request.return_text.unwrap_or(false);
        let one = |at: &usize| TeiResult { index: *at, score: scores[*at], text: with.then(|| documents[*at].clone()) };
        return Ok(Json(RerankReply::List(order.iter().map(one).collect())));
    }
    let with = request.return_documents.unwrap_or(true);
    let shown = |at: usize| with.then(|| ResultDocument { text: documents[at].clone() });
    let one = |at: &usize| RerankResult { index: *at, relevance_score: scores[*at], document: shown(*at) };
    Ok(Json(RerankReply::Object(RerankResponse {
        id: "rerank-rrm",
        object: "list",
        model: server.judge.engine.info().name.clone(),
        results: order.iter().map(one).collect(),
        usage: usage(&judged),
        meta: DecisionCounts { distinct: judged.distinct, undecided: judged.undecided, coins: judged.coins },
    })))
}

/// A score for each document, in the order of the request.
#[utoipa::path(post, path = "/v1/score", tag = "rerank", request_body = ScoreRequest,
    responses(
        (status = 200, description = "Scores in the order of the documents", body = ScoreReply),
        ApiError,
    ))]
pub async fn score(State(server): State<Arc<AppState>>, body: Bytes) -> Result<Json<ScoreReply>, ApiError> {
    let request: ScoreRequest = parse(&body)?;
    if request.label_token_ids.is_some() {
        return Err(ApiError::Invalid(
            "`label_token_ids`: this server compares documents and gives no probabilities of tokens".to_owned(),
        ));
    }
    let all = |some: OneOrMore, name: &str| match some {
        OneOrMore::One(text) => Ok(vec![text]),
        OneOrMore::More(documents) => texts(documents, name),
    };
    let mut queries = all(request.queries, "queries")?;
    queries.dedup();
    let [query] = queries.as_slice() else {
        return Err(ApiError::Invalid(
            "one query with several documents was expected: alone, a document has nothing to be compared to".to_owned(),
        ));
    };
    let documents = all(request.documents, "documents")?;
    let (scores, judged) = scores(&server, query.clone(), &documents).await?;
    let one = |(index, score): (usize, &f64)| ScoreResult { index, object: "score", score: *score };
    Ok(Json(ScoreReply {
        id: "score-rrm",
        object: "list",
        created: 0,
        model: server.judge.engine.info().name.clone(),
        data: scores.iter().enumerate().map(one).collect(),
        usage: usage(&judged),
    }))
}
