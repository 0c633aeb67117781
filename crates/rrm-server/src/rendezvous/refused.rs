//! A refused member -> its group, which is told at once that it cannot be complete.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{GroupsState, MemberIdentity, RewardRequest, named, settle};
use crate::{AppState, error::ApiError, settings::OnPartial};

/// A member whose request was refused after it had named its group.
#[derive(Clone, Debug)]
pub struct RefusedMember {
    /// The group's key.
    pub key: String,
    /// The number of members, if the request or the server's settings state it.
    pub size: Option<usize>,
    /// The identity of the member; without a name, a hash that its retries share.
    pub who: MemberIdentity,
    /// Time for the group to gather.
    pub deadline: Duration,
}

/// A group that cannot be complete. Members that arrive later are told at once, until all have been told or the time to gather is over.
pub(super) struct RefusedGroup {
    size: Option<usize>,
    absent: Vec<MemberIdentity>,
    told: Vec<MemberIdentity>,
    why: ApiError,
    until: Instant,
}

impl RefusedGroup {
    /// Whether all members have been told.
    fn is_over(&self, size: usize) -> bool {
        self.told.len() + self.absent.len() >= size
    }
}

/// Checks refusals before a member joins a group. Returns the absent members of the group that begins and the reason, or fails with the refusal of
/// another member.
pub(super) fn met(
    refused: &mut HashMap<String, RefusedGroup>,
    ask: &RewardRequest,
) -> Result<(Vec<MemberIdentity>, Option<String>), ApiError> {
    let Some(group) = refused.get_mut(&ask.key).filter(|group| group.until > Instant::now()) else {
        return Ok((Vec::new(), None));
    };
    // A refused member may come again with a valid request.
    group.absent.retain(|who| *who != ask.who);
    if group.absent.is_empty() || ask.on_partial == OnPartial::Judge {
        let group = refused.remove(&ask.key);
        return Ok(group.map(|group| (group.absent, Some(group.why.to_string()))).unwrap_or_default());
    }
    note(&mut group.told, &ask.who);
    let why = group.why.clone();
    if group.is_over(ask.size) {
        refused.remove(&ask.key);
    }
    Err(why)
}

/// Tells the group of a refused member. If partial groups are judged, the group is complete without it; otherwise all waiting and later members get
/// [`ApiError::Refused`]. A group that already has this member, or is being judged, continues.
pub fn refuse(server: &Arc<AppState>, absentee: RefusedMember, error: &ApiError) {
    let RefusedMember { key, size, who, deadline } = absentee;
    let why = ApiError::Refused { group: key.clone(), member: named(&who), why: error.in_short() };
    let mut state = server.groups.lock();
    let GroupsState { groups, refused, closing, .. } = &mut *state;
    let of_key = groups.get_mut(&key).map_or(&mut [][..], Vec::as_mut_slice);
    let stands = |who: &MemberIdentity| of_key.iter().flat_map(|group| &group.members).any(|member| member.who == *who);
    let settled = matches!(who, MemberIdentity::Member(_)) && of_key.first().is_some_and(|group| !group.gathering);
    if *closing || settled || stands(&who) {
        return;
    }
    let Some(group) = of_key.iter_mut().find(|group| group.gathering) else {
        let now = Instant::now();
        refused.retain(|_, group| group.until > now);
        let new = || RefusedGroup { size, absent: Vec::new(), told: Vec::new(), why, until: now + deadline };
        let group = refused.entry(key.clone()).or_insert_with(new);
        group.size = group.size.or(size);
        note(&mut group.absent, &who);
        if group.size.is_some_and(|size| group.is_over(size)) {
            refused.remove(&key);
        }
        return;
    };
    note(&mut group.absent, &who);
    if group.ask.on_partial == OnPartial::Judge {
        group.why = Some(why.to_string());
        if group.is_complete() {
            server.judging.spawn(settle(server.clone(), key, group.serial));
        }
        return;
    }
    group.gathering = false;
    group.answer.send_replace(Some(Err(why.clone())));
    let serial = group.serial;
    let told = group.members.iter().map(|member| member.who.clone()).collect();
    let until = group.began + group.ask.deadline;
    let over = RefusedGroup { size: Some(group.ask.size), absent: vec![who], told, why, until };
    if !over.is_over(group.ask.size) {
        refused.insert(key.clone(), over);
    }
    server.metrics.groups_refused.add(1);
    drop(state);
    server.groups.remove(&key, serial);
}

/// Adds a member to a list once. Members that are identified by their text are added each time.
fn note(all: &mut Vec<MemberIdentity>, who: &MemberIdentity) {
    if *who == MemberIdentity::Text || !all.contains(who) {
        all.push(who.clone());
    }
}
