//! Requests with one response each -> groups -> an answer for every waiting request.
//!
//! A group gathers until all members are there or its deadline is reached. It is judged once, in a task of the server that no client can cancel, and
//! its answer is kept for a while for repeated requests. [`MemberIdentity`] tells how members are distinguished. Among members that are identified by
//! their text (OpenRLHF), a request whose text is there without a waiting request is taken for one that lost its connection and takes its place
//! again; every other request is a new member, so two waiting clients with the same text are two members. `refused` handles groups with a refused
//! member, `ending` the end of gathering and judging.

mod ending;
mod refused;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rrm::chat::Message;
use tokio::sync::watch;

pub use self::refused::{RefusedMember, refuse};
use self::{
    ending::{expire, judge, settle},
    refused::RefusedGroup,
};
use crate::{
    AppState,
    error::ApiError,
    reward::{GroupRewards, Reward},
    settings::{OnPartial, Scale},
};

/// The identity of a member within its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberIdentity {
    /// The member's name. A key has a single group of such members.
    Member(String),
    /// A key of the request that only its retries share. A key may have several groups of such members, filled one after the other.
    Request(String),
    /// The member's text.
    Text,
}

/// A request for the reward of one response.
#[derive(Clone, Debug)]
pub struct RewardRequest {
    /// The key of the group.
    pub key: String,
    /// The number of members of the group.
    pub size: usize,
    /// The member of this request.
    pub who: MemberIdentity,
    /// The prompt that the responses answer.
    pub prompt: Vec<Message>,
    /// The response to judge.
    pub text: String,
    /// The scale of the rewards.
    pub scale: Scale,
    /// Time for the group to gather, from its first member.
    pub deadline: Duration,
    /// The treatment of the group if members are missing then.
    pub on_partial: OnPartial,
}

/// The reward of a member, as its waiting request receives it.
#[derive(Clone, Debug)]
pub struct MemberReward {
    /// The reward of this member.
    pub reward: Reward,
    /// The number of members that were judged.
    pub present: usize,
    /// The rewards of the whole group.
    pub judged: Arc<GroupRewards>,
}

/// All groups of a server by key. A key has several groups at once if members have no names and a prompt occurs more than once.
#[derive(Default)]
pub struct Groups(Mutex<GroupsState>);

/// The open groups and the refused groups.
#[derive(Default)]
struct GroupsState {
    groups: HashMap<String, Vec<OpenGroup>>,
    /// Groups that cannot be complete, until all their members have been told.
    refused: HashMap<String, RefusedGroup>,
    serial: u64,
    closing: bool,
}

/// An open group: its members so far, and the members that will not come.
struct OpenGroup {
    serial: u64,
    /// The request of the first member, with the size, deadline and all else that members have in common. Once the group is judged, its prompt and
    /// text are empty.
    ask: RewardRequest,
    /// The hash of the prompt.
    prompt: Digest,
    members: Vec<Member>,
    /// Members that were refused. If partial groups are judged, the group is complete without them.
    absent: Vec<MemberIdentity>,
    /// The most recent refusal of a request of this group: its member and the reason.
    why: Option<String>,
    began: Instant,
    gathering: bool,
    answer: watch::Sender<Option<GroupAnswer>>,
}

impl OpenGroup {
    /// Whether all members have arrived or will not come.
    fn is_complete(&self) -> bool {
        self.members.len() + self.absent.len() >= self.ask.size
    }
}

struct Member {
    who: MemberIdentity,
    /// The response, until the group is judged.
    text: String,
    /// The hash of the response. Answered groups are kept for repeated requests, and texts would take too much memory.
    is: Digest,
    waiters: usize,
    told: bool,
}

/// The hash of a text or a prompt.
type Digest = [u8; 32];

fn digest(text: &str) -> Digest {
    *blake3::hash(text.as_bytes()).as_bytes()
}

fn digest_of(prompt: &[Message]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    for message in prompt {
        // Lengths separate the parts.
        for part in [message.role.as_str(), &message.content] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
    }
    *hasher.finalize().as_bytes()
}

/// The result of a judged group: the distinct texts in byte order, the number of members, and the rewards.
type GroupAnswer = Result<(Arc<Vec<Digest>>, usize, Arc<GroupRewards>), ApiError>;

/// The place of a waiting request in a group. When it is dropped, the request no longer waits.
pub struct GroupSeat {
    server: Arc<AppState>,
    key: String,
    serial: u64,
    place: usize,
    is: Digest,
    /// Whether this member had taken its place before.
    pub again: bool,
    answer: watch::Receiver<Option<GroupAnswer>>,
}

impl Groups {
    fn lock(&self) -> MutexGuard<'_, GroupsState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the numbers of groups that gather or are being judged, and of members in them.
    pub fn open(&self) -> (usize, usize) {
        let state = self.lock();
        let open = state.groups.values().flatten().filter(|group| group.answer.borrow().is_none());
        open.fold((0, 0), |(groups, members), group| (groups + 1, members + group.members.len()))
    }

    /// Returns the number of requests that wait for the answer of a group.
    pub fn waiting(&self) -> usize {
        self.lock().groups.values().flatten().flat_map(|group| &group.members).map(|member| member.waiters).sum()
    }

    /// Stops new groups and tells all members of incomplete ones that the server is shutting down. Groups that are being judged are still answered.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closing = true;
        for group in state.groups.values_mut().flatten().filter(|group| group.gathering) {
            group.gathering = false;
            group.answer.send_replace(Some(Err(ApiError::Closing)));
        }
    }

    fn remove(&self, key: &str, serial: u64) {
        let mut state = self.lock();
        if let Some(groups) = state.groups.get_mut(key) {
            groups.retain(|group| group.serial != serial);
            if groups.is_empty() {
                state.groups.remove(key);
            }
        }
    }
}

/// Takes a place in the group. The first member begins the group, and the last one starts its judging.
///
/// # Errors
/// [`ApiError::Conflict`] if a request contradicts earlier ones, [`ApiError::Late`] if the group was judged without it, [`ApiError::Closing`] during
/// shutdown, and the refusal of another member if the group cannot be complete.
pub fn join(server: &Arc<AppState>, ask: RewardRequest) -> Result<GroupSeat, ApiError> {
    let (is, prompt) = (digest(&ask.text), digest_of(&ask.prompt));
    let mut state = server.groups.lock();
    let GroupsState { groups, refused, serial, closing } = &mut *state;
    let (at, place, again) = match find(groups.get(&ask.key).map_or(&[], Vec::as_slice), &ask, (is, prompt))? {
        Some((at, place)) => (at, place, true),
        None if *closing => return Err(ApiError::Closing),
        None => {
            let absent = refused::met(refused, &ask)?;
            let groups = groups.entry(ask.key.clone()).or_default();
            let at = match groups.iter().position(|group| group.gathering) {
                Some(at) => at,
                None => {
                    *serial += 1;
                    begin(server, groups, (&ask, prompt), (absent, *serial))
                }
            };
            let group = &mut groups[at];
            if let Err(why) = agree(group, &ask, prompt) {
                group.why = Some(format!("{} was refused: {why}", named(&ask.who)));
                return Err(why);
            }
            group.absent.retain(|who| *who != ask.who);
            group.members.push(Member { who: ask.who.clone(), text: ask.text.clone(), is, waiters: 0, told: false });
            (at, group.members.len() - 1, false)
        }
    };
    let Some(group) = groups.get_mut(&ask.key).and_then(|groups| groups.get_mut(at)) else { return Err(ApiError::Closing) };
    group.members[place].waiters += 1;
    if group.gathering && group.members.len() == group.ask.size {
        group.gathering = false;
        server.judging.spawn(judge(server.clone(), ask.key.clone(), group.serial));
    } else if group.gathering && group.is_complete() {
        server.judging.spawn(settle(server.clone(), ask.key.clone(), group.serial));
    }
    let answer = group.answer.subscribe();
    Ok(GroupSeat { server: server.clone(), key: ask.key, serial: group.serial, place, is, again, answer })
}

/// Begins a new group, whose deadline starts to run. Returns its index.
fn begin(
    server: &Arc<AppState>,
    groups: &mut Vec<OpenGroup>,
    (ask, prompt): (&RewardRequest, Digest),
    ((absent, why), serial): ((Vec<MemberIdentity>, Option<String>), u64),
) -> usize {
    let answer = watch::Sender::new(None);
    tokio::spawn(expire(server.clone(), ask.key.clone(), serial, ask.deadline, answer.subscribe()));
    groups.push(OpenGroup {
        serial,
        ask: ask.clone(),
        prompt,
        members: Vec::new(),
        absent,
        why,
        began: Instant::now(),
        gathering: true,
        answer,
    });
    groups.len() - 1
}

/// Names a member in messages.
fn named(who: &MemberIdentity) -> String {
    match who {
        MemberIdentity::Member(name) => format!("member {name}"),
        MemberIdentity::Request(_) | MemberIdentity::Text => "a member".to_owned(),
    }
}

/// Finds the group and place of a member that asked before. `None` for a new member.
fn find(groups: &[OpenGroup], ask: &RewardRequest, (is, prompt): (Digest, Digest)) -> Result<Option<(usize, usize)>, ApiError> {
    let stands = |holds: &dyn Fn(&Member) -> bool| {
        let at = |(at, group): (usize, &OpenGroup)| group.members.iter().position(holds).map(|place| (at, place));
        groups.iter().enumerate().find_map(at)
    };
    let found = match &ask.who {
        MemberIdentity::Text => {
            return Ok(stands(&|member| {
                member.who == MemberIdentity::Text && member.is == is && member.waiters == 0 && !member.told
            }));
        }
        MemberIdentity::Member(_) | MemberIdentity::Request(_) => stands(&|member| member.who == ask.who),
    };
    match (found, &ask.who) {
        (Some((at, place)), _) if groups[at].members[place].is == is => {
            agree(&groups[at], ask, prompt).map(|()| Some((at, place)))
        }
        (Some(_), who) => Err(ApiError::Conflict(format!("{} of group {} has another response already", named(who), ask.key))),
        // Members with names belong to a single group of a key.
        (None, MemberIdentity::Member(name)) => match groups.first() {
            Some(group) if !group.gathering && group.members.len() < group.ask.size => Err(ApiError::Late(ask.key.clone())),
            Some(group) if !group.gathering => Err(ApiError::Conflict(format!(
                "group {} has its {} members already; {name} is none of them",
                ask.key, group.ask.size
            ))),
            _ => Ok(None),
        },
        (None, _) => Ok(None),
    }
}

/// Refuses a member whose request differs from the group's first one.
fn agree(group: &OpenGroup, ask: &RewardRequest, prompt: Digest) -> Result<(), ApiError> {
    let first = &group.ask;
    let differs = |what: &str| Err(ApiError::Conflict(format!("group {}: the first member named another {what}", ask.key)));
    match ask {
        _ if first.size != ask.size => differs(&format!("size ({}, not {})", first.size, ask.size)),
        _ if group.prompt != prompt => differs("prompt"),
        _ if first.scale != ask.scale => differs("scale"),
        _ if first.on_partial != ask.on_partial => differs("on_partial"),
        _ if std::mem::discriminant(&first.who) != std::mem::discriminant(&ask.who) => {
            differs("way: all members of a group have a `member`, or all an `idempotency_key`, or none")
        }
        _ => Ok(()),
    }
}

impl GroupSeat {
    /// Waits for the group's answer and returns this member's share of it.
    ///
    /// # Errors
    /// The error that kept the group from being judged, or [`ApiError::Undecided`] if no verdict determines the place of this response.
    pub async fn wait(mut self) -> Result<MemberReward, ApiError> {
        let answer = self.answer.wait_for(Option::is_some).await.map(|answer| answer.clone());
        let (texts, present, judged) = answer.ok().flatten().unwrap_or(Err(ApiError::Closing))?;
        self.member(|member| member.told = true);
        let at = texts.iter().position(|text| *text == self.is);
        let at = at.ok_or_else(|| ApiError::Conflict("this response was not judged".to_owned()))?;
        let reward = judged.rewards[at].clone()?;
        Ok(MemberReward { reward, present, judged })
    }

    fn member(&self, change: impl FnOnce(&mut Member)) {
        let mut state = self.server.groups.lock();
        let group =
            state.groups.get_mut(&self.key).and_then(|groups| groups.iter_mut().find(|group| group.serial == self.serial));
        if let Some(member) = group.and_then(|group| group.members.get_mut(self.place)) {
            change(member);
        }
    }
}

impl Drop for GroupSeat {
    fn drop(&mut self) {
        self.member(|member| member.waiters -= 1);
    }
}
