//! The table of routes, behind the door.

use std::sync::Arc;

use axum::{
    Router,
    http::StatusCode,
    middleware,
    routing::{get, post},
};

use crate::{
    AppState, door, openapi, rerank,
    routes::{get_reward, group, health, judge, metrics, rank, ready},
};

/// Returns the router of all routes. `/health` and `/ready` need no key.
pub fn app(server: Arc<AppState>) -> Router {
    let guarded = Router::new()
        .route("/v1/groups", post(group))
        .route("/v1/judge", post(judge))
        .route("/v1/rank", post(rank))
        .route("/get_reward", post(get_reward))
        .route("/rerank", post(rerank::rerank))
        .route("/v1/rerank", post(rerank::rerank))
        .route("/v2/rerank", post(rerank::rerank))
        .route("/score", post(rerank::score))
        .route("/v1/score", post(rerank::score))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi::openapi))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(middleware::from_fn_with_state(server.clone(), door::guard));
    let open = Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .layer(middleware::map_response(door::plain_refusal));
    open.merge(guarded).with_state(server)
}
