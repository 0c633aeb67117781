//! Requests with one response each -> groups -> one answer for everybody who waits.
//!
//! A group gathers until it has all its members or its deadline has come, is judged once, in a task of the server's own that no client can
//! cancel, and answers those who ask again for a while. A member is told by its id. Requests without id (OpenRLHF) are told by their text:
//! somebody whose text stands there without anybody waiting for it has lost a connection and takes that place again; everybody else is a
//! new member, so two waiting clients with one text are two members.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures::FutureExt;
use rrm::{chat::Message, comparison::Prompt};
use tokio::sync::watch;

use crate::{
    Server,
    error::ApiError,
    reward::{self, Judged, Reward},
    settings::{OnPartial, Scale},
};

/// One response that wants its reward.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The group's key.
    pub key: String,
    /// How many members the group has.
    pub size: usize,
    /// Which member this is; `None` where the trainer has no names for them.
    pub member: Option<String>,
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

/// What a waiter is told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The waiter's own reward.
    pub reward: Reward,
    /// Members that were judged.
    pub present: usize,
    /// The whole group.
    pub judged: Arc<Judged>,
}

/// All groups of a server, by key. One key has several groups at once where members have no ids and a prompt comes more than once.
#[derive(Default)]
pub struct Groups(Mutex<State>);

#[derive(Default)]
struct State {
    groups: HashMap<String, Vec<Group>>,
    serial: u64,
    closing: bool,
}

struct Group {
    serial: u64,
    /// Size, deadline and all else that members have in common, from the first one; once it is judged, without its prompt and text.
    ask: Ask,
    /// What the prompt was.
    prompt: Digest,
    members: Vec<Member>,
    began: Instant,
    gathering: bool,
    answer: watch::Sender<Option<Answer>>,
}

struct Member {
    id: Option<String>,
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

/// What a judged group says: the distinct texts in byte order, how many members there were, and the rewards.
type Answer = Result<(Arc<Vec<Digest>>, usize, Arc<Judged>), ApiError>;

/// A place in a group; leaves it when dropped.
pub struct Seat {
    server: Arc<Server>,
    key: String,
    serial: u64,
    place: usize,
    is: Digest,
    /// Whether somebody with this id or text had been here before.
    pub again: bool,
    answer: watch::Receiver<Option<Answer>>,
}

impl Groups {
    fn lock(&self) -> MutexGuard<'_, State> {
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
pub fn join(server: &Arc<Server>, ask: Ask) -> Result<Seat, ApiError> {
    let (is, prompt) = (digest(&ask.text), digest_of(&ask.prompt));
    let mut state = server.groups.lock();
    let State { groups, serial, closing } = &mut *state;
    let groups = groups.entry(ask.key.clone()).or_default();
    let (at, place, again) = match find(groups, &ask, (is, prompt))? {
        Some((at, place)) => (at, place, true),
        None if *closing => return Err(ApiError::Closing),
        None => {
            let at = match groups.iter().position(|group| group.gathering) {
                Some(at) => at,
                None => {
                    *serial += 1;
                    let group = Group {
                        serial: *serial,
                        ask: ask.clone(),
                        prompt,
                        members: Vec::new(),
                        began: Instant::now(),
                        gathering: true,
                        answer: watch::Sender::new(None),
                    };
                    groups.push(group);
                    let at = groups.len() - 1;
                    let answered = groups[at].answer.subscribe();
                    tokio::spawn(expire(server.clone(), ask.key.clone(), *serial, ask.deadline, answered));
                    at
                }
            };
            agree(&groups[at], &ask, prompt)?;
            let member = Member { id: ask.member.clone(), text: ask.text.clone(), is, waiters: 0, told: false };
            groups[at].members.push(member);
            (at, groups[at].members.len() - 1, false)
        }
    };
    let group = &mut groups[at];
    group.members[place].waiters += 1;
    if group.gathering && group.members.len() == group.ask.size {
        group.gathering = false;
        tokio::spawn(judge(server.clone(), ask.key.clone(), group.serial));
    }
    let answer = group.answer.subscribe();
    Ok(Seat { server: server.clone(), key: ask.key, serial: group.serial, place, is, again, answer })
}

/// Where somebody who has been here before stands: group and place. `None` for a new member.
fn find(groups: &[Group], ask: &Ask, (is, prompt): (Digest, Digest)) -> Result<Option<(usize, usize)>, ApiError> {
    let Some(id) = &ask.member else {
        let left = |member: &Member| member.id.is_none() && member.is == is && member.waiters == 0 && !member.told;
        let at = |(at, group): (usize, &Group)| group.members.iter().position(left).map(|place| (at, place));
        return Ok(groups.iter().enumerate().find_map(at));
    };
    // Members with ids belong to one group of a key.
    let Some(group) = groups.first() else { return Ok(None) };
    match group.members.iter().position(|member| member.id.as_ref() == Some(id)) {
        Some(place) if group.members[place].is == is => agree(group, ask, prompt).map(|()| Some((0, place))),
        Some(_) => Err(ApiError::Conflict(format!("member {id} of group {} has another response already", ask.key))),
        None if group.gathering => Ok(None),
        None if group.members.len() < group.ask.size => Err(ApiError::Late(ask.key.clone())),
        None => {
            Err(ApiError::Conflict(format!("group {} has its {} members already; {id} is none of them", ask.key, group.ask.size)))
        }
    }
}

/// Refuses a member that says something else about the group than its first one.
fn agree(group: &Group, ask: &Ask, prompt: Digest) -> Result<(), ApiError> {
    let first = &group.ask;
    let differs = |what: &str| Err(ApiError::Conflict(format!("group {}: the first member named another {what}", ask.key)));
    match ask {
        _ if first.size != ask.size => differs(&format!("size ({}, not {})", first.size, ask.size)),
        _ if group.prompt != prompt => differs("prompt"),
        _ if first.scale != ask.scale => differs("scale"),
        _ if first.on_partial != ask.on_partial => differs("on_partial"),
        _ if first.member.is_some() != ask.member.is_some() => differs("way: members have ids, all of them or none"),
        _ => Ok(()),
    }
}

/// At the deadline: judges those who are there, or tells them that somebody is missing. Ends with the group if that is answered before.
async fn expire(
    server: Arc<Server>,
    key: String,
    serial: u64,
    deadline: Duration,
    mut answered: watch::Receiver<Option<Answer>>,
) {
    // A deadline that is passed after its group would keep the memory of a minute's groups.
    if tokio::time::timeout(deadline, answered.wait_for(Option::is_some)).await.is_ok() {
        return;
    }
    let partial = {
        let mut state = server.groups.lock();
        let group = state.groups.get_mut(&key).and_then(|groups| groups.iter_mut().find(|group| group.serial == serial));
        let Some(group) = group.filter(|group| group.gathering) else { return };
        group.gathering = false;
        let first = &group.members[0].text;
        let two = group.members.iter().any(|member| member.text != *first);
        let judged = group.ask.on_partial == OnPartial::Judge && two;
        if !judged {
            let (present, size) = (group.members.len(), group.ask.size);
            let missing = ApiError::Incomplete { group: key.clone(), present, size, seconds: deadline.as_secs() };
            group.answer.send_replace(Some(Err(missing)));
        }
        judged
    };
    if partial {
        judge(server, key, serial).await;
    } else {
        server.metrics.groups_incomplete.add(1);
        server.groups.remove(&key, serial);
    }
}

/// Judges a group and answers its waiters; forgets it at once where judging failed, so that it can be tried again, and after a while where not.
async fn judge(server: Arc<Server>, key: String, serial: u64) {
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
    // Nobody may wait for ever, not even for a bug.
    let judged = AssertUnwindSafe(reward::judge(&server, &key, prompt, &texts, &copies, ask.scale)).catch_unwind().await;
    let judged =
        judged.unwrap_or_else(|_| Err(ApiError::Judge("it panicked, which is a bug; the server's log says where".to_owned())));
    server.metrics.times(gathered - began, gathered.elapsed());
    server.metrics.group(&judged, &texts, &copies, members.len() < ask.size);
    let failed = judged.is_err();
    let answer =
        judged.map(|judged| (Arc::new(texts.iter().map(|text| digest(text)).collect()), members.len(), Arc::new(judged)));
    {
        let mut state = server.groups.lock();
        let group = state.groups.get_mut(&key).and_then(|groups| groups.iter_mut().find(|group| group.serial == serial));
        if let Some(group) = group {
            (group.ask.prompt, group.ask.text) = (Vec::new(), String::new());
            group.members.iter_mut().for_each(|member| member.text = String::new());
            group.answer.send_replace(Some(answer));
        }
    }
    drop((texts, members, copies));
    if !failed {
        tokio::time::sleep(server.settings.keep).await;
    }
    server.groups.remove(&key, serial);
}

impl Seat {
    /// Waits for the group's answer and gives this member's share of it.
    ///
    /// # Errors
    /// Whatever kept the group from being judged, and [`ApiError::Undecided`] where no verdict says which place this response has.
    pub async fn wait(mut self) -> Result<Told, ApiError> {
        let answer = self.answer.wait_for(Option::is_some).await.map(|answer| answer.clone());
        let (texts, present, judged) = answer.ok().flatten().unwrap_or(Err(ApiError::Closing))?;
        self.member(|member| member.told = true);
        let at = texts.iter().position(|text| *text == self.is);
        let at = at.ok_or_else(|| ApiError::Conflict("this response was not judged".to_owned()))?;
        let reward = judged.rewards[at].clone()?;
        Ok(Told { reward, present, judged })
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

impl Drop for Seat {
    fn drop(&mut self) {
        self.member(|member| member.waiters -= 1);
    }
}
