//! Access control: keys, the size and arrival time of bodies, and the number of waiting requests.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    AppState,
    error::ApiError,
    refusal,
    settings::{ApiKey, ServerSettings},
};

/// The keys with their limits, and the limit of waiting requests.
pub struct Door {
    /// Limits by the hash of the token. Only hashes are compared, so that the time of a comparison reveals nothing about a token.
    keys: HashMap<[u8; 32], KeyLimits>,
    waiting: Arc<Semaphore>,
}

/// The limits of one API key.
struct KeyLimits {
    waiting: Option<(usize, Arc<Semaphore>)>,
    quota: Option<Quota>,
}

/// A quota of requests per minute: a token bucket that holds one minute's requests and fills at a constant rate.
struct Quota {
    limit: u32,
    left: Mutex<(f64, Instant)>,
}

impl Quota {
    fn new(limit: u32) -> Self {
        Quota { limit, left: Mutex::new((f64::from(limit), Instant::now())) }
    }

    fn take(&self, now: Instant) -> Result<(), ApiError> {
        let rate = f64::from(self.limit) / 60.0;
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = (left.0 + now.duration_since(left.1).as_secs_f64() * rate).min(f64::from(self.limit));
        *left = (filled, now);
        if filled < 1.0 {
            return Err(ApiError::Quota { limit: self.limit, seconds: ((1.0 - filled) / rate).ceil() as u64 });
        }
        left.0 -= 1.0;
        Ok(())
    }
}

impl Door {
    /// Makes the door for the settings.
    pub fn new(settings: &ServerSettings) -> Self {
        let limits = |key: &ApiKey| KeyLimits {
            waiting: key.max_waiting.map(|n| (n, Arc::new(Semaphore::new(n)))),
            quota: key.per_minute.map(Quota::new),
        };
        let key = |key: &ApiKey| (hash(&key.token), limits(key));
        Door { keys: settings.keys.iter().map(key).collect(), waiting: Arc::new(Semaphore::new(settings.most_waiting())) }
    }

    fn enter(&self, request: &Request, settings: &ServerSettings) -> Result<Vec<OwnedSemaphorePermit>, ApiError> {
        let take = |slots: &Arc<Semaphore>, limit| slots.clone().try_acquire_owned().map_err(|_| ApiError::Busy(limit));
        let mut permits = Vec::new();
        if !self.keys.is_empty() {
            let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
            let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or(ApiError::Unauthorized)?;
            let own = self.keys.get(&hash(token)).ok_or(ApiError::Unauthorized)?;
            if let Some((limit, slots)) = &own.waiting {
                permits.push(take(slots, *limit)?);
            }
            permits.push(take(&self.waiting, settings.most_waiting())?);
            // A request that is refused because too many wait does not count against the quota.
            if let Some(quota) = &own.quota {
                quota.take(Instant::now())?;
            }
            return Ok(permits);
        }
        permits.push(take(&self.waiting, settings.most_waiting())?);
        Ok(permits)
    }
}

fn hash(token: &str) -> [u8; 32] {
    blake3::derive_key("rrm reward server token 1", token.as_bytes())
}

/// Admits or refuses a request, reads its body within the limits, and counts the answer by status.
pub async fn guard(State(server): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let (began, route) = (Instant::now(), request.uri().path().to_owned());
    let answer = match enter(&server, request).await {
        Ok((request, permits)) => {
            let answer = next.run(request).await;
            drop(permits);
            plain_refusal(answer).await
        }
        Err(error) => error.into_response(),
    };
    let class = match answer.status().as_u16() {
        ..400 => 0,
        400..500 => 1,
        _ => 2,
    };
    server.metrics.answers[class].add(1);
    tracing::info!(route, status = answer.status().as_u16(), seconds = began.elapsed().as_secs_f64(), "request");
    answer
}

async fn enter(server: &Arc<AppState>, request: Request) -> Result<(Request, Vec<OwnedSemaphorePermit>), ApiError> {
    let settings = &server.settings;
    let permits = server.door.enter(&request, settings)?;
    let (parts, body) = request.into_parts();
    let mut bytes = Vec::new();
    let read = timeout(settings.body_timeout, read(body, settings.max_body_bytes, &mut bytes)).await;
    if let Err(error) = read.unwrap_or(Err(Some(ApiError::SlowBody(settings.body_timeout.as_secs())))) {
        // A connection that breaks while the body is sent is reported to no group, because the request may be repeated.
        let Some(error) = error else { return Err(ApiError::Invalid("the body broke off".to_owned())) };
        refusal::tell(server, parts.uri.path(), &bytes, &error);
        return Err(error);
    }
    Ok((Request::from_parts(parts, Body::from(bytes)), permits))
}

/// Reads at most `limit` bytes of a body into `bytes`, which keeps what was read if reading fails. The error is `None` if the connection broke.
async fn read(body: Body, limit: usize, bytes: &mut Vec<u8>) -> Result<(), Option<ApiError>> {
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| None)?;
        let room = limit - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Err(Some(ApiError::HugeBody(limit)));
        }
    }
    Ok(())
}

/// Rewrites refusals of the framework (no such route, wrong method) in the form of all other errors.
pub async fn plain_refusal(answer: Response) -> Response {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_quota_fills_evenly_and_says_when() {
        let (quota, now) = (Quota::new(2), Instant::now());
        assert_eq!((quota.take(now), quota.take(now)), (Ok(()), Ok(())));
        assert_eq!(quota.take(now), Err(ApiError::Quota { limit: 2, seconds: 30 }));
        assert_eq!(quota.take(now + Duration::from_secs(15)), Err(ApiError::Quota { limit: 2, seconds: 15 }));
        assert_eq!(quota.take(now + Duration::from_secs(31)), Ok(()));
        // The quota of unused time does not accumulate beyond one minute.
        let later = now + Duration::from_secs(3600);
        assert_eq!((quota.take(later), quota.take(later), quota.take(later).is_err()), (Ok(()), Ok(()), true));
    }
}
