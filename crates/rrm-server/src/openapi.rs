//! The description of all routes at `/openapi.json`.

use axum::Json;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};

use crate::{rerank, routes};

#[derive(OpenApi)]
#[openapi(
    info(title = "rrm serve", description = "A judge behind HTTP: rewards for groups of responses, judgments, rankings. docs/http.md has the rules."),
    paths(
        routes::group, routes::judge, routes::rank, routes::get_reward, rerank::rerank, rerank::score, routes::health, routes::ready, routes::metrics
    ),
    components(schemas(crate::error::ErrorBody)),
    modifiers(&RouteAliases, &Bearer)
)]
struct Description;

/// Adds the other names of routes that have several.
struct RouteAliases;

impl Modify for RouteAliases {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        for (path, names) in [("/v1/rerank", &["/rerank", "/v2/rerank"][..]), ("/v1/score", &["/score"][..])] {
            let Some(item) = api.paths.paths.get(path).cloned() else { continue };
            for name in names {
                let mut item = item.clone();
                if let Some(post) = &mut item.post {
                    post.operation_id = Some(name.trim_start_matches('/').replace('/', "_"));
                }
                api.paths.paths.insert((*name).to_owned(), item);
            }
        }
    }
}

/// Adds the authentication by keys to all routes except `/health` and `/ready`.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        api.components.get_or_insert_default().add_security_scheme("bearer", scheme);
        for (path, item) in &mut api.paths.paths {
            let open = ["/health", "/ready"].contains(&path.as_str());
            for operation in [&mut item.get, &mut item.post].into_iter().flatten().filter(|_| !open) {
                operation.security =
                    Some(vec![SecurityRequirement::default(), SecurityRequirement::new("bearer", Vec::<String>::new())]);
            }
        }
    }
}

/// `GET /openapi.json`.
pub async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(Description::openapi())
}
