//! Requests with one response each -> groups -> one answer for everybody who waits.
//!
//! A group gathers until it has all its members or its deadline has come, is judged once, in a task of the server's own that no client can
//! cancel, and answers those who ask again for a while. How a member is told from others: [`MemberIdentity`]. Of members that are told by their text
//! (OpenRLHF), somebody whose text stands there without anybody waiting for it has lost a connection and takes that place again; everybody
//! else is a new member, so two waiting clients with one text are two members. `refused` has what becomes of a group whose member was
//! refused, `ending` how gathering and judging end.

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
    /// By its name. A key has one group of such members.
    Member(String),
    /// By a key of its request, which only its retries have too. A key may have several groups of such members, filled one after the other.
    Request(String),
    /// By its text.
    Text,
}

/// A request for the reward of one response.
#[derive(Clone, Debug)]
pub struct RewardRequest {
    /// The group's key.
    pub key: String,
    /// How many members the group has.
    pub size: usize,
    /// Which member this is.
    pub who: MemberIdentity,
    /// What the responses answer.
    pub prompt: Vec<Message>,
    /// The text that is judged.
    pub text: String,
    /// How scores become rewards.
    pub scale: Scale,
    /// Time for the group to gather, counted from its first member.
    pub deadline: Duration,
    /// What happens then, if somebody is missing.
    pub on_partial: OnPartial,
}

/// The reward of a member, as its waiting request receives it.
#[derive(Clone, Debug)]
pub struct MemberReward {
    /// The waiter's own reward.
    pub reward: Reward,
    /// Members that were judged.
    pub present: usize,
    /// The whole group.
    pub judged: Arc<GroupRewards>,
}

/// All groups of a server, by key. One key has several groups at once where members have no names and a prompt comes more than once.
#[derive(Default)]
pub struct Groups(Mutex<GroupsState>);

/// The groups that are open, and those that were refused.
#[derive(Default)]
struct GroupsState {
    groups: HashMap<String, Vec<OpenGroup>>,
    /// Groups that cannot be complete, until all their members have heard of it.
    refused: HashMap<String, RefusedGroup>,
    serial: u64,
    closing: bool,
}

/// A group that is open: its members so far, and who will not come.
struct OpenGroup {
    serial: u64,
    /// Size, deadline and all else that members have in common, from the first one; once it is judged, without its prompt and text.
    ask: RewardRequest,
    /// What the prompt was.
    prompt: Digest,
    members: Vec<Member>,
    /// Members that were refused: the group is complete without them, where groups are judged without some.
    absent: Vec<MemberIdentity>,
    /// Of the last request of this group that was refused, who it was and why.
    why: Option<String>,
    began: Instant,
    gathering: bool,
    answer: watch::Sender<Option<GroupAnswer>>,
}

impl OpenGroup {
    /// Whether nobody is left to wait for.
    fn is_complete(&self) -> bool {
        self.members.len() + self.absent.len() >= self.ask.size
    }
}

struct Member {
    who: MemberIdentity,
    /// Its text, until the group is judged.
    text: String,
    /// What the text was: answered groups are kept for those who ask again, and their texts would fill memory.
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
        // Lengths keep parts apart.
        for part in [message.role.as_str(), &message.content] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
    }
    *hasher.finalize().as_bytes()
}

/// The result of a judged group: the distinct texts in byte order, the number of members, and the rewards.
type GroupAnswer = Result<(Arc<Vec<Digest>>, usize, Arc<GroupRewards>), ApiError>;

/// A place in a group; leaves it when dropped.
pub struct GroupSeat {
    server: Arc<AppState>,
    key: String,
    serial: u64,
    place: usize,
    is: Digest,
    /// Whether somebody with this id or text had been here before.
    pub again: bool,
    answer: watch::Receiver<Option<GroupAnswer>>,
}

impl Groups {
    fn lock(&self) -> MutexGuard<'_, GroupsState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Groups that gather or are judged, and members in them.
    pub fn open(&self) -> (usize, usize) {
        let state = self.lock();
        let open = state.groups.values().flatten().filter(|group| group.answer.borrow().is_none());
        open.fold((0, 0), |(groups, members), group| (groups + 1, members + group.members.len()))
    }

    /// Requests that wait for the answer of a group.
    pub fn waiting(&self) -> usize {
        self.lock().groups.values().flatten().flat_map(|group| &group.members).map(|member| member.waiters).sum()
    }

    /// Lets no new group begin and tells everybody in an incomplete one that the server ends; what is being judged is still answered.
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

/// Takes a place in the group, which begins with its first member and is judged as soon as its last one is there.
///
/// # Errors
/// [`ApiError::Conflict`] where a request contradicts those before it, [`ApiError::Late`] where the group was judged without it.
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

/// A new group, whose deadline begins to run; gives its place.
fn begin(
    server: &Arc<AppState>,
    groups: &mut Vec<OpenGroup>,
    (ask, prompt): (&RewardRequest, Digest),
    ((absent, why), serial): ((Vec<MemberIdentity>, Option<String>), u64),
) -> usize {
    let answer = watch::Sender::new(None);
    server.judging.spawn(expire(server.clone(), ask.key.clone(), serial, ask.deadline, answer.subscribe()));
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

/// A member, for messages.
fn named(who: &MemberIdentity) -> String {
    match who {
        MemberIdentity::Member(name) => format!("member {name}"),
        MemberIdentity::Request(_) | MemberIdentity::Text => "a member".to_owned(),
    }
}

/// Where somebody who has been here before stands: group and place. `None` for a new member.
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
        // Members with names belong to one group of a key.
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

/// Refuses a member that says something else about the group than its first one.
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
    /// Waits for the group's answer and gives this member's share of it.
    ///
    /// # Errors
    /// Whatever kept the group from being judged, and [`ApiError::Undecided`] where no verdict says which place this response has.
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
