//! Who may come in, how large and how slow a body may be, how many may wait.

use std::{collections::HashMap, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    Server,
    error::ApiError,
    settings::{Key, Settings},
};

/// Keys as hashes, and how many requests may wait.
pub struct Door {
    /// By the hash of the token; hashes are compared, so that the time of a comparison says nothing about a token.
    keys: HashMap<[u8; 32], Option<Arc<Semaphore>>>,
    waiting: Arc<Semaphore>,
}

impl Door {
    /// The door that these settings describe.
    pub fn new(settings: &Settings) -> Self {
        let key = |key: &Key| (hash(&key.token), key.max_waiting.map(|n| Arc::new(Semaphore::new(n))));
        Door { keys: settings.keys.iter().map(key).collect(), waiting: Arc::new(Semaphore::new(settings.max_waiting)) }
    }

    fn enter(&self, request: &Request, settings: &Settings) -> Result<Vec<OwnedSemaphorePermit>, ApiError> {
        let take = |slots: &Arc<Semaphore>, limit| slots.clone().try_acquire_owned().map_err(|_| ApiError::Busy(limit));
        let mut permits = Vec::new();
        if !self.keys.is_empty() {
            let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
            let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or(ApiError::Unauthorized)?;
            let own = self.keys.get(&hash(token)).ok_or(ApiError::Unauthorized)?;
            if let Some(slots) = own {
                permits.push(take(slots, slots.available_permits())?);
            }
        }
        permits.push(take(&self.waiting, settings.max_waiting)?);
        Ok(permits)
    }
}

fn hash(token: &str) -> [u8; 32] {
    blake3::derive_key("rrm reward server token 1", token.as_bytes())
}

/// Lets a request in, or says why not; reads its body within its limits, and counts how it was answered.
pub async fn guard(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let answer = match enter(&server, request).await {
        Ok((request, permits)) => {
            let answer = next.run(request).await;
            drop(permits);
            plain_refusal(answer)
        }
        Err(error) => error.into_response(),
    };
    let class = match answer.status().as_u16() {
        ..400 => 0,
        400..500 => 1,
        _ => 2,
    };
    server.metrics.answers[class].add(1);
    answer
}

async fn enter(server: &Server, request: Request) -> Result<(Request, Vec<OwnedSemaphorePermit>), ApiError> {
    let settings = &server.settings;
    let permits = server.door.enter(&request, settings)?;
    let (parts, body) = request.into_parts();
    let limit = settings.max_body_bytes;
    let body = timeout(settings.body_timeout, to_bytes(body, limit)).await;
    let body = body.map_err(|_| ApiError::SlowBody(settings.body_timeout.as_secs()))?;
    // What breaks off while it is sent is nobody's to be told; what is too large is.
    let body = body.map_err(|_| ApiError::HugeBody(limit))?;
    Ok((Request::from_parts(parts, Body::from(body)), permits))
}

/// Refusals of the framework (no such route, no such method) in the form of all others.
fn plain_refusal(answer: Response) -> Response {
    let (code, message) = match answer.status() {
        StatusCode::NOT_FOUND => ("no_route", "there is no such route"),
        StatusCode::METHOD_NOT_ALLOWED => ("method", "this route takes another method"),
        _ => return answer,
    };
    let body = serde_json::json!({"error": {"code": code, "message": message}});
    let mut refusal = (answer.status(), axum::Json(body)).into_response();
    if let Some(allowed) = answer.headers().get(header::ALLOW) {
        refusal.headers_mut().insert(header::ALLOW, allowed.clone());
    }
    refusal
}
