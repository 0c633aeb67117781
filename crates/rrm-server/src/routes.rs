//! Requests of trainers and clients -> seats in groups, or rows -> JSON.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use rrm::{
    comparison::Prompt,
    dataset::{self, Item},
    judge::JudgeSettings,
    markup::find_markup,
    plan,
    run::{self, Task},
    transcript::{JudgedText, bare},
};
use serde_json::{Map, Value, json};

use crate::{
    AppState,
    error::ApiError,
    refusal,
    rendezvous::{self, MemberIdentity, MemberReward, RewardRequest},
    settings::{LONGEST_DEADLINE, MOST_MEMBERS},
    shapes::{GroupReply, GroupRequest, OpenRlhfLogs, OpenRlhfReply, OpenRlhfRequest, RowRequest, TextInput, parse},
    text,
};

/// That the process lives.
#[utoipa::path(get, path = "/health", tag = "server", responses((status = 200, description = "It lives", body = Value)))]
pub async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// Who judges, and whether it could now: by how its last calls went, and by a look at its servers.
#[utoipa::path(get, path = "/ready", tag = "server", responses(
    (status = 200, description = "Who judges", body = Value),
    (status = 503, description = "The judge cannot be asked now or any more, or its last calls all failed, and why", body = Value)))]
pub async fn ready(State(server): State<Arc<AppState>>) -> Response {
    let engine = &server.judge.engine;
    let about = |status: &str| json!({"status": status, "judge": engine.info().name, "group_size": server.settings.group_size});
    let limit = server.judge.spending.exhausted().map(|limit| format!("the server's limit is used up: {limit}"));
    let failing = || server.calls.trouble(Instant::now()).map(|why| format!("the last calls of the judge failed: {why}"));
    let trouble = match limit.or_else(failing) {
        Some(why) => Some(why),
        None => engine.ready().await.err().map(|error| format!("the judge cannot be asked: {error}")),
    };
    let Some(why) = trouble else { return Json(about("ready")).into_response() };
    let mut about = about("not ready");
    about["error"] = json!({"code": "judge", "message": why});
    (StatusCode::SERVICE_UNAVAILABLE, Json(about)).into_response()
}

/// Counters for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "server", responses(
    (status = 200, description = "Prometheus' text format", content_type = "text/plain", body = String),
    ApiError))]
pub async fn metrics(State(server): State<Arc<AppState>>) -> Response {
    let text = server.metrics.text(server.groups.open(), server.judge.spending.spent());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// The reward of one member, once its group is judged.
#[utoipa::path(post, path = "/v1/groups", tag = "rewards", request_body = GroupRequest,
    responses(
        (status = 200, description = "The member's reward", body = GroupReply),
        ApiError,
    ))]
pub async fn group(State(server): State<Arc<AppState>>, body: Bytes) -> Result<Json<GroupReply>, ApiError> {
    let (ask, taken_off) = group_ask(&server, &body).inspect_err(|error| refusal::tell(&server, "/v1/groups", &body, error))?;
    let (group, member) = (ask.key.clone(), if let MemberIdentity::Member(name) = &ask.who { Some(name.clone()) } else { None });
    let (size, flags) = (ask.size, find_markup(&ask.text, &server.judge.format.markup));
    let seat = rendezvous::join(&server, ask)?;
    let reused = seat.again;
    let MemberReward { reward, present, judged } = seat.wait().await?;
    Ok(Json(GroupReply {
        group,
        member,
        reward: reward.reward,
        rank: reward.rank,
        score: reward.score,
        size,
        present,
        distinct: judged.distinct,
        undecided: judged.undecided,
        coins: judged.coins,
        partial: present < size,
        reused,
        flags,
        taken_off,
        usage: judged.usage,
        judge: server.judge.engine.info().name.clone(),
    }))
}

/// Parses a body of `POST /v1/groups`. Returns the request of the member, and the parts of its response that are not judged.
fn group_ask(server: &AppState, body: &[u8]) -> Result<(RewardRequest, Vec<String>), ApiError> {
    let request: GroupRequest = parse(body)?;
    let settings = &server.settings;
    let seconds = request.deadline_seconds.unwrap_or(settings.deadline.as_secs_f64());
    if !(seconds > 0.0 && seconds <= LONGEST_DEADLINE) {
        return Err(ApiError::Invalid(format!("`deadline_seconds` must lie above 0 and not above {LONGEST_DEADLINE}")));
    }
    let who = match (request.member, request.idempotency_key) {
        (Some(_), Some(_)) => {
            return Err(ApiError::Invalid("a member has a `member` or an `idempotency_key`; found both".to_owned()));
        }
        (Some(name), None) => MemberIdentity::Member(name),
        (None, Some(key)) => MemberIdentity::Request(key),
        (None, None) => MemberIdentity::Text,
    };
    let prompt = request.prompt.prompt()?;
    let said = request.response.response(&prompt, "response")?;
    let JudgedText { text, taken_off, ending: _ } = bare(&said);
    let ask = RewardRequest {
        size: size(server, request.size.or(settings.group_size))?,
        key: request.group,
        who,
        prompt,
        text: server.judged(&text)?,
        scale: request.scale.unwrap_or(settings.scale),
        deadline: Duration::from_secs_f64(seconds),
        on_partial: request.on_partial.unwrap_or(settings.on_partial),
    };
    Ok((ask, taken_off))
}

fn size(server: &AppState, size: Option<usize>) -> Result<usize, ApiError> {
    match size {
        None => Err(ApiError::Invalid("`size` is missing, and the server has no --group-size".to_owned())),
        Some(size) if (2..=MOST_MEMBERS).contains(&size) => server.check_size(size).map(|()| size),
        Some(size) => Err(ApiError::Invalid(format!("a group has from 2 to {MOST_MEMBERS} members; found {size}"))),
    }
}

/// Rewards as OpenRLHF asks for them.
#[utoipa::path(post, path = "/get_reward", tag = "rewards", request_body = OpenRlhfRequest,
    responses(
        (status = 200, description = "Rewards in the order of the samples", body = OpenRlhfReply),
        ApiError,
    ))]
pub async fn get_reward(State(server): State<Arc<AppState>>, body: Bytes) -> Result<Json<OpenRlhfReply>, ApiError> {
    let asks = open_rlhf_asks(&server, &body).inspect_err(|error| refusal::tell(&server, "/get_reward", &body, error))?;
    let n = asks.len();
    let seats = asks.into_iter().map(|ask| rendezvous::join(&server, ask)).collect::<Result<Vec<_>, _>>()?;
    let mut told = Vec::with_capacity(n);
    for seat in seats {
        told.push(seat.wait().await?);
    }
    let all = |of: fn(&MemberReward) -> f64| told.iter().map(of).collect::<Vec<f64>>();
    Ok(Json(OpenRlhfReply {
        rewards: all(|told| told.reward.reward),
        scores: all(|told| told.reward.unit),
        extra_logs: OpenRlhfLogs {
            rrm_rank: all(|told| told.reward.rank as f64),
            rrm_present: all(|told| told.present as f64),
            rrm_distinct: all(|told| told.judged.distinct as f64),
            rrm_coins: all(|told| f64::from(told.judged.coins)),
        },
    }))
}

/// Parses a body of `POST /get_reward` into requests of members without names.
fn open_rlhf_asks(server: &AppState, body: &[u8]) -> Result<Vec<RewardRequest>, ApiError> {
    let request: OpenRlhfRequest = parse(body)?;
    let n = request.query.len();
    if request.prompts.len() != n || !(request.labels.is_empty() || request.labels.len() == n) {
        let found = format!("{n}, {} and {}", request.prompts.len(), request.labels.len());
        return Err(ApiError::Invalid(format!("`query`, `prompts` and `labels` must be equally long; found {found}")));
    }
    let samples = request.query.iter().zip(&request.prompts).enumerate();
    let label = |i: usize| request.labels.get(i).and_then(Option::as_ref);
    samples.map(|(i, (query, prompt))| open_rlhf(server, query, prompt, label(i))).collect()
}

fn open_rlhf(server: &AppState, query: &str, prompt: &str, label: Option<&Value>) -> Result<RewardRequest, ApiError> {
    let settings = &server.settings;
    let key = settings.open_rlhf_group(prompt, label)?;
    let answer = text::answer(text::behind(query, prompt)?);
    Ok(RewardRequest {
        key,
        size: size(server, settings.group_size)?,
        who: MemberIdentity::Text,
        prompt: TextInput::text(prompt).prompt()?,
        text: server.judged(&answer)?,
        scale: settings.scale,
        deadline: settings.deadline,
        on_partial: settings.on_partial,
    })
}

/// Two responses judged: a result row.
#[utoipa::path(post, path = "/v1/judge", tag = "judge", request_body = RowRequest,
    responses(
        (status = 200, description = "A result row", body = Value),
        ApiError,
    ))]
pub async fn judge(State(server): State<Arc<AppState>>, body: Bytes) -> Result<Response, ApiError> {
    let item = row(&server, parse(&body)?)?;
    if item.responses.len() != 2 {
        return Err(ApiError::Invalid(format!("/v1/judge takes two responses; found {}", item.responses.len())));
    }
    answer(&server, Task::Judge, item).await
}

/// Responses ranked: a result row.
#[utoipa::path(post, path = "/v1/rank", tag = "judge", request_body = RowRequest,
    responses(
        (status = 200, description = "A result row", body = Value),
        ApiError,
    ))]
pub async fn rank(State(server): State<Arc<AppState>>, body: Bytes) -> Result<Response, ApiError> {
    let item = row(&server, parse(&body)?)?;
    if !(2..=MOST_MEMBERS).contains(&item.responses.len()) {
        let found = item.responses.len();
        return Err(ApiError::Invalid(format!("/v1/rank takes from 2 to {MOST_MEMBERS} responses; found {found}")));
    }
    answer(&server, Task::Rank(server.settings.rank), item).await
}

fn row(server: &AppState, request: RowRequest) -> Result<Item, ApiError> {
    let (messages, texts) = TextInput::row(request.prompt, request.responses)?;
    let prompt = Arc::new(Prompt { messages, rubric: None, reference: None });
    let response = |text: String| {
        // What [`bare`] removes does not count here; it is removed and reported when the row is judged.
        server.judged(&bare(&text).text)?;
        Ok(dataset::Response { text: text.into(), label: None, team: None, extra: Map::default() })
    };
    let responses = texts.into_iter().map(response).collect::<Result<Vec<_>, ApiError>>()?;
    let item = Item { id: request.id.unwrap_or_else(|| "row-1".to_owned()), row: 0, prompt, responses, extra: Map::default() };
    (server.admits)(&item).map_err(ApiError::Invalid)?;
    Ok(item)
}

/// Judges a row, unless it takes too many votes, and returns its result.
async fn answer(server: &Arc<AppState>, task: Task, item: Item) -> Result<Response, ApiError> {
    let JudgeSettings { seed, votes, .. } = server.judge.settings;
    plan::check_votes(&item, &task, seed, (votes, server.settings.max_row_votes)).map_err(ApiError::TooManyVotes)?;
    let judging = server.clone();
    let work = async move {
        let row = run::one(&judging.judge, &task, &item).await.map_err(|error| ApiError::Judge(error.to_string()))?;
        row.result.as_ref().inspect(|result| judging.metrics.row(result));
        // With many matches this takes a while, too.
        serde_json::to_vec(&row).map_err(|error| ApiError::Judge(error.to_string()))
    };
    let row = server.apart(work).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], row).into_response())
}
