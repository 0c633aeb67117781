//! The end of gathering and of judging -> the answer of all waiting requests.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::FutureExt;
use rrm::comparison::Prompt;
use tokio::{sync::watch, time::timeout};

use super::{GroupAnswer, digest};
use crate::{AppState, error::ApiError, judging::panicked, reward, settings::OnPartial};

/// Waits for the deadline, then settles the group on the runtime of judging. Ends early if the group is answered before.
pub(super) async fn expire(
    server: Arc<AppState>,
    key: String,
    serial: u64,
    deadline: Duration,
    mut answered: watch::Receiver<Option<GroupAnswer>>,
) {
    // If the deadline's task outlived its group, it would keep the memory of many groups.
    if timeout(deadline, answered.wait_for(Option::is_some)).await.is_ok() {
        return;
    }
    server.judging.spawn(settle(server.clone(), key, serial));
}

/// Ends the gathering of an incomplete group. It is judged if that was requested and there are two different texts; otherwise all members get an
/// error.
pub(super) async fn settle(server: Arc<AppState>, key: String, serial: u64) {
    let partial = {
        let mut state = server.groups.lock();
        let group = state.groups.get_mut(&key).and_then(|groups| groups.iter_mut().find(|group| group.serial == serial));
        let Some(group) = group.filter(|group| group.gathering) else { return };
        group.gathering = false;
        let first = &group.members[0].text;
        let two = group.members.iter().any(|member| member.text != *first);
        let judged = group.ask.on_partial == OnPartial::Judge && two;
        if !judged {
            let missing = ApiError::Incomplete {
                group: key.clone(),
                present: group.members.len(),
                size: group.ask.size,
                seconds: group.ask.deadline.as_secs(),
                why: group.why.clone(),
            };
            group.answer.send_replace(Some(Err(missing)));
        }
        judged
    };
    if partial {
        judge(server, key, serial).await;
    } else {
        server.metrics.groups_incomplete.add(1);
        tracing::warn!(group = key, "group incomplete at its deadline");
        server.groups.remove(&key, serial);
    }
}

/// Judges a group and answers its waiting requests. If judging fails or takes too long, the group is removed at once so that it can be tried again;
/// otherwise it is removed after a while.
pub(super) async fn judge(server: Arc<AppState>, key: String, serial: u64) {
    let group = {
        let state = server.groups.lock();
        let group = state.groups.get(&key).and_then(|groups| groups.iter().find(|group| group.serial == serial));
        group.map(|group| {
            (group.ask.clone(), group.began, group.members.iter().map(|member| member.text.clone()).collect::<Vec<_>>())
        })
    };
    let Some((ask, began, members)) = group else { return };
    let gathered = Instant::now();
    let mut texts = members.clone();
    texts.sort_unstable();
    texts.dedup();
    let copies: Vec<usize> = texts.iter().map(|text| members.iter().filter(|member| *member == text).count()).collect();
    let prompt = Arc::new(Prompt { messages: ask.prompt, rubric: None, reference: None });
    // No request may wait forever, not even after a bug. Judging that takes too long is cancelled with all calls in flight.
    let limit = server.settings.judging_deadline;
    let judging = AssertUnwindSafe(reward::judge(&server, &key, prompt, &texts, &copies, ask.scale)).catch_unwind();
    let judged = match timeout(limit, judging).await {
        Ok(Ok(judged)) => judged,
        Ok(Err(_)) => Err(panicked()),
        Err(_) => Err(ApiError::SlowJudge { group: key.clone(), seconds: limit.as_secs() }),
    };
    server.metrics.times(gathered - began, gathered.elapsed());
    server.metrics.group(&judged, &texts, &copies, members.len() < ask.size);
    let failed = judged.is_err();
    let (gathering, judging) = ((gathered - began).as_secs_f64(), gathered.elapsed().as_secs_f64());
    match &judged {
        Ok(judged) => {
            let (undecided, coins) = (judged.undecided, judged.coins);
            tracing::info!(
                group = key,
                members = members.len(),
                texts = texts.len(),
                undecided,
                coins,
                gathering,
                judging,
                "group judged"
            );
        }
        Err(error) => tracing::warn!(group = key, members = members.len(), %error, gathering, judging, "group not judged"),
    }
    let answer =
        judged.map(|judged| (Arc::new(texts.iter().map(|text| digest(text)).collect()), members.len(), Arc::new(judged)));
    let waiting = {
        let mut state = server.groups.lock();
        let group = state.groups.get_mut(&key).and_then(|groups| groups.iter_mut().find(|group| group.serial == serial));
        group.map(|group| {
            (group.ask.prompt, group.ask.text) = (Vec::new(), String::new());
            group.members.iter_mut().for_each(|member| member.text = String::new());
            group.answer.clone()
        })
    };
    // The waiting requests need the lock, so they are told after it is free.
    if let Some(waiting) = waiting {
        waiting.send_replace(Some(answer));
    }
    drop((texts, members, copies));
    if !failed {
        tokio::time::sleep(server.settings.keep).await;
    }
    server.groups.remove(&key, serial);
}
